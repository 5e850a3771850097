/* The Ringfort side of differential testing: a CPU in 64-bit mode at CPL 0 that runs the
 * instructions under test and a HLT; every exception has a handler that is a HLT as well. */
#include "diff_sides.h"

#if defined(__x86_64__)

#include "base/host.h"
#include "cpu/block.h"
#include "cpu/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_GDT UINT64_C(0x1000)
#define GUEST_IDT UINT64_C(0x2000)
#define GUEST_HANDLERS UINT64_C(0x3000) /* 16 bytes for each vector */
#define GUEST_STACK UINT64_C(0x6000)
#define GUEST_CODE UINT64_C(0x8000)
#define GUEST_PML4 UINT64_C(0x20000)
#define GUEST_PDPT UINT64_C(0x21000)
#define GUEST_PD UINT64_C(0x22000)
#define GUEST_PT UINT64_C(0x23000)
#define GUEST_RAM (DIFF_PAGES_AT + 16 * DIFF_PAGE)

static struct rf_ram guest_ram;
static struct rf_cpu *guest;

/* Every exception ends in a HLT of its own, on the same stack. */
static void guest_tables(void)
{
    static const uint64_t gdt[3] = { 0, UINT64_C(0x00af9b000000ffff),
                                     UINT64_C(0x00cf93000000ffff) };
    rf_mmu_physical_write(&guest->mmu, GUEST_GDT, gdt, sizeof gdt);
    for (uint64_t vector = 0; vector < 32; vector++) {
        uint64_t at = GUEST_HANDLERS + 16 * vector;
        uint64_t gate[2] = { UINT64_C(0x8e) << 40 | UINT64_C(8) << 16 | at, 0 };
        rf_mmu_physical_write(&guest->mmu, GUEST_IDT + 16 * vector, gate, sizeof gate);
        rf_mmu_physical_write(&guest->mmu, at, "\xf4", 1);
    }
    guest->gdtr = (struct rf_table_register){ GUEST_GDT, sizeof gdt - 1 };
    guest->idtr = (struct rf_table_register){ GUEST_IDT, 32 * 16 - 1 };
}

static void guest_map(uint64_t table, unsigned index, uint64_t entry)
{
    entry |= RF_PTE_P | RF_PTE_W;
    rf_mmu_physical_write(&guest->mmu, table + 8 * index, &entry, sizeof entry);
}

/* Linear addresses are physical ones: the first 2 MiB, and the two pages of data. */
static void guest_paging(void)
{
    guest_map(GUEST_PML4, 0, GUEST_PDPT);
    guest_map(GUEST_PDPT, 0, GUEST_PD);
    guest_map(GUEST_PD, 0, RF_PTE_PS);
    guest_map(GUEST_PD, DIFF_PAGES_AT >> 21, GUEST_PT);
    for (unsigned i = 0; i < 2; i++)
        guest_map(GUEST_PT, i, DIFF_PAGES_AT + i * DIFF_PAGE);
    rf_mmu_set_cr4(&guest->mmu, RF_CR4_PAE | RF_CR4_OSFXSR | RF_CR4_OSXMMEXCPT | RF_CR4_OSXSAVE);
    rf_mmu_set_cr3(&guest->mmu, GUEST_PML4);
    rf_mmu_set_efer(&guest->mmu, RF_EFER_LME | RF_EFER_LMA);
    rf_mmu_set_cr0(&guest->mmu, RF_CR0_PE | RF_CR0_MP | RF_CR0_ET | RF_CR0_NE | RF_CR0_WP |
                                    RF_CR0_PG);
}

static void guest_create(void)
{
    struct rf_error err = { 0 };
    guest = aligned_alloc(64, (sizeof *guest + 63) & ~(size_t)63);
    if (guest)
        memset(guest, 0, sizeof *guest);
    if (!guest || rf_ram_create(&guest_ram, GUEST_RAM, &err) != RF_OK ||
        rf_cpu_init(guest, &guest_ram, &rf_cost_generic, &err) != RF_OK) {
        fprintf(stderr, "differential: no CPU\n");
        exit(1);
    }
    rf_cpu_set_model(guest, RF_CPU_MAX);
    guest->xcr0 = RF_XCR0_X87 | RF_XCR0_SSE | RF_XCR0_AVX;
    guest_paging();
    guest->cpl = 0;
    guest->seg[RF_CS] = (struct rf_segment){
        .selector = 0x08, .attributes = RF_SEG_P | RF_SEG_S | RF_SEG_L | 0xb, .limit = UINT32_MAX };
    guest->seg[RF_SEG_SS] = (struct rf_segment){
        .selector = 0x10, .attributes = RF_SEG_P | RF_SEG_S | RF_SEG_DB | 3, .limit = UINT32_MAX };
    guest_tables();
    guest->stop_cycles = UINT64_MAX;
    guest->timer_cycles = UINT64_MAX;
}

void diff_guest_use_host(unsigned features)
{
    if (!guest)
        guest_create();
    rf_block_use_host(guest, features & rf_host_features());
}

void diff_guest_prepare(const struct diff_case *test)
{
    if (!guest)
        guest_create();
    uint8_t code[DIFF_PAGE] = { 0 };
    memcpy(code, test->code, test->length);
    code[test->length] = 0xf4; /* hlt */
    rf_mmu_physical_write(&guest->mmu, GUEST_CODE, code, test->length + 16);
}

static void guest_fx_in(const struct diff_state *in)
{
    const struct diff_fx *fx = &in->fx;
    struct rf_fpu *fpu = &guest->fpu;
    fpu->cw = fx->fcw;
    fpu->sw = fx->fsw;
    fpu->tag_valid = fx->ftw;
    fpu->mxcsr = fx->mxcsr;
    unsigned top = fx->fsw >> 11 & 7;
    for (unsigned i = 0; i < 8; i++) {
        memset(&fpu->x87[(top + i) & 7], 0, 16);
        memcpy(&fpu->x87[(top + i) & 7], fx->st[i], 10);
    }
    for (unsigned i = 0; i < 16; i++) {
        memcpy(&fpu->v[i], &fx->xmm[i], 16);
        memcpy(&fpu->v[i].u64[2], in->high[i], 16);
    }
}

static void guest_fx_out(struct diff_state *out)
{
    struct diff_fx *fx = &out->fx;
    const struct rf_fpu *fpu = &guest->fpu;
    memset(fx, 0, sizeof *fx);
    fx->fcw = fpu->cw;
    fx->fsw = fpu->sw;
    fx->ftw = fpu->tag_valid;
    fx->mxcsr = fpu->mxcsr;
    unsigned top = fpu->sw >> 11 & 7;
    for (unsigned i = 0; i < 8; i++)
        memcpy(fx->st[i], &fpu->x87[(top + i) & 7], 10);
    for (unsigned i = 0; i < 16; i++) {
        memcpy(&fx->xmm[i], &fpu->v[i], 16);
        memcpy(out->high[i], &fpu->v[i].u64[2], 16);
    }
}

/* The exception whose handler the CPU halted in. */
static void guest_outcome(enum rf_stop stop, struct diff_state *out)
{
    static const uint32_t with_error_code = 0x27d00; /* SDM 3A, table 6-1 */
    uint64_t rip = guest->r[RF_REG_IP];
    out->vector = -1;
    out->fault_at = 0;
    out->fault_address = 0;
    if (stop != RF_STOP_HALT) {
        out->vector = 255;
    } else if (rip - GUEST_HANDLERS < 32 * 16) {
        out->vector = (int)((rip - GUEST_HANDLERS) / 16);
        uint64_t at = guest->r[RF_RSP] + (with_error_code >> out->vector & 1) * 8, saved;
        memcpy(&saved, rf_ram_at(&guest_ram, at, 8), 8);
        out->fault_at = (unsigned)(saved - GUEST_CODE);
        if (out->vector == RF_PF)
            out->fault_address = guest->cr2;
    }
}

void diff_guest_run(const struct diff_state *in, struct diff_state *out)
{
    void *window = rf_ram_at(&guest_ram, DIFF_MEMORY_AT, DIFF_MEMORY_SIZE);
    void *end = rf_ram_at(&guest_ram, DIFF_PAGES_END - DIFF_END_SIZE, DIFF_END_SIZE);
    memcpy(guest->r, in->gpr, sizeof in->gpr);
    guest->r[RF_RSP] = GUEST_STACK;
    guest->r[RF_REG_IP] = GUEST_CODE;
    rf_cpu_set_flags(guest, in->flags & (RF_FLAGS_STATUS | RF_FLAG_DF));
    guest_fx_in(in);
    memcpy(window, in->memory, DIFF_MEMORY_SIZE);
    memcpy(end, in->end, DIFF_END_SIZE);
    guest->halted = false;
    enum rf_stop stop = rf_cpu_run(guest);
    memcpy(out->gpr, guest->r, sizeof out->gpr);
    out->flags = rf_cpu_flags(guest);
    guest_fx_out(out);
    memcpy(out->memory, window, DIFF_MEMORY_SIZE);
    memcpy(out->end, end, DIFF_END_SIZE);
    guest_outcome(stop, out);
}

#endif
