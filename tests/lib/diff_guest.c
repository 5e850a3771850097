/* The Ringfort side of differential testing: a CPU in 64-bit mode at CPL 3 that runs the
 * instructions under test; their end and every exception has a handler that is a HLT. */
#include "diff_sides.h"

#if defined(__x86_64__)

#include "base/host.h"
#include "cpu/block.h"
#include "cpu/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the system needs is at physical addresses below 2 MiB; linear ones are SYSTEM higher,
 * where the code under test hardly ever looks. */
#define SYSTEM UINT64_C(0x10400000)
#define GUEST_GDT UINT64_C(0x1000)
#define GUEST_IDT UINT64_C(0x2000)
#define GUEST_HANDLERS UINT64_C(0x3000) /* 16 bytes for each vector */
#define GUEST_LEAVE 32                  /* the vector that ends a run */
#define GUEST_STACK UINT64_C(0x6000)
#define GUEST_TSS UINT64_C(0x7000)
#define GUEST_PML4 UINT64_C(0x20000)
#define GUEST_PDPT UINT64_C(0x21000)
#define GUEST_PD UINT64_C(0x22000)
#define GUEST_PT UINT64_C(0x23000)
#define GUEST_CODE_PT UINT64_C(0x24000)
#define GUEST_RAM (DIFF_CODE_PAGE + 16 * DIFF_PAGE)

static struct rf_ram guest_ram;
static struct rf_cpu *guest;
static bool narrow; /* the case runs in diff_guest32.c */

/* Every exception ends in a HLT of its own at CPL 0, on a stack of its own: the one under test
 * may be anywhere. The code under test is user code, as it is on the host; it ends in INT. */
static void guest_tables(void)
{
    static const uint64_t gdt[4] = { 0, UINT64_C(0x00af9b000000ffff), /* CPL 0 code */
                                     UINT64_C(0x00cff3000000ffff),    /* CPL 3 data */
                                     UINT64_C(0x00affb000000ffff) };  /* CPL 3 code */
    rf_mmu_physical_write(&guest->mmu, GUEST_GDT, gdt, sizeof gdt);
    for (uint64_t vector = 0; vector <= GUEST_LEAVE; vector++) {
        bool user = vector == RF_BP || vector == RF_OF || vector == GUEST_LEAVE;
        uint64_t at = GUEST_HANDLERS + 16 * vector, linear = SYSTEM + at;
        uint64_t gate[2] = { UINT64_C(0x8e) << 40 | (user ? UINT64_C(3) << 45 : 0) |
                                 UINT64_C(1) << 32 | UINT64_C(8) << 16 |
                                 (linear & 0xffff) | linear >> 16 << 48,
                             0 };
        rf_mmu_physical_write(&guest->mmu, GUEST_IDT + 16 * vector, gate, sizeof gate);
        rf_mmu_physical_write(&guest->mmu, at, "\xf4", 1);
    }
    const uint64_t ist1 = SYSTEM + GUEST_STACK;
    rf_mmu_physical_write(&guest->mmu, GUEST_TSS + 36, &ist1, sizeof ist1);
    guest->tr = (struct rf_segment){
        .selector = 0x28, .base = SYSTEM + GUEST_TSS, .limit = 103, .attributes = RF_SEG_P | 0xb };
    guest->gdtr = (struct rf_table_register){ SYSTEM + GUEST_GDT, sizeof gdt - 1 };
    guest->idtr = (struct rf_table_register){ SYSTEM + GUEST_IDT, (GUEST_LEAVE + 1) * 16 - 1 };
}

static void guest_user(void)
{
    const uint16_t user = RF_SEG_P | RF_SEG_S | 3 << RF_SEG_DPL_SHIFT;
    guest->cpl = 3;
    guest->seg[RF_CS] = (struct rf_segment){ .selector = 0x1b,
                                             .attributes = (uint16_t)(user | RF_SEG_L | 0xb),
                                             .limit = UINT32_MAX };
    guest->seg[RF_SEG_SS] = (struct rf_segment){ .selector = 0x13,
                                                 .attributes = (uint16_t)(user | RF_SEG_DB | 3),
                                                 .limit = UINT32_MAX };
    rf_cpu_mode_changed(guest);
}

static void guest_map(uint64_t table, unsigned index, uint64_t entry)
{
    entry |= RF_PTE_P | RF_PTE_W | RF_PTE_U;
    rf_mmu_physical_write(&guest->mmu, table + 8 * index, &entry, sizeof entry);
}

/* The system's 2 MiB; two pages of data and one of code, whose linear addresses are physical. */
static void guest_paging(void)
{
    guest_map(GUEST_PML4, 0, GUEST_PDPT);
    guest_map(GUEST_PDPT, 0, GUEST_PD);
    guest_map(GUEST_PD, SYSTEM >> 21 & 511, RF_PTE_PS);
    guest_map(GUEST_PD, DIFF_PAGES_AT >> 21, GUEST_PT);
    for (unsigned i = 0; i < 2; i++)
        guest_map(GUEST_PT, i, DIFF_PAGES_AT + i * DIFF_PAGE);
    guest_map(GUEST_PD, DIFF_CODE_PAGE >> 21, GUEST_CODE_PT);
    guest_map(GUEST_CODE_PT, (DIFF_CODE_PAGE >> 12) & 511, DIFF_CODE_PAGE);
    rf_mmu_set_cr4(&guest->mmu, RF_CR4_PAE | RF_CR4_OSFXSR | RF_CR4_OSXMMEXCPT | RF_CR4_OSXSAVE);
    rf_mmu_set_cr3(&guest->mmu, GUEST_PML4);
    rf_mmu_set_efer(&guest->mmu, RF_EFER_LME | RF_EFER_LMA | RF_EFER_NXE);
    rf_mmu_set_cr0(&guest->mmu, RF_CR0_PE | RF_CR0_MP | RF_CR0_ET | RF_CR0_NE | RF_CR0_WP |
                                    RF_CR0_AM | RF_CR0_PG);
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
    narrow = test->options & DIFF_32;
    if (narrow) {
        diff_guest32_prepare(test);
        return;
    }
    if (!guest)
        guest_create();
    uint8_t code[DIFF_PAGE - DIFF_CODE64_OFFSET] = { 0 };
    memcpy(code, test->code, test->length);
    code[test->length] = 0xcd; /* int */
    code[test->length + 1] = GUEST_LEAVE;
    rf_mmu_physical_write(&guest->mmu, DIFF_CODE64_AT, code, test->length + 16);
}

/* The exception whose handler the CPU halted in. */
static void guest_outcome(enum rf_stop stop, struct diff_state *out)
{
    static const uint32_t with_error_code = 0x27d00; /* SDM 3A, table 6-1 */
    uint64_t rip = guest->r[RF_REG_IP] - SYSTEM;
    out->vector = -1;
    out->fault_at = 0;
    out->fault_address = 0;
    out->error_code = 0;
    if (stop != RF_STOP_HALT || rip - GUEST_HANDLERS >= (GUEST_LEAVE + 1) * 16) {
        out->vector = 255;
        return;
    }
    unsigned vector = (unsigned)((rip - GUEST_HANDLERS) / 16);
    bool error_code = vector < 32 && with_error_code >> vector & 1;
    uint64_t frame[6]; /* error code, RIP, CS, RFLAGS, RSP, SS */
    memcpy(frame, rf_ram_at(&guest_ram, guest->r[RF_RSP] - SYSTEM - (error_code ? 0 : 8), sizeof frame),
           sizeof frame);
    out->gpr[RF_RSP] = frame[4];
    out->flags = frame[3];
    if (vector == GUEST_LEAVE)
        return;
    out->vector = (int)vector;
    out->fault_at = (unsigned)(frame[1] - DIFF_CODE64_AT);
    out->error_code = error_code ? (uint32_t)frame[0] : 0;
    if (vector == RF_PF)
        out->fault_address = guest->cr2;
}

void diff_guest_run(const struct diff_state *in, struct diff_state *out)
{
    if (narrow) {
        diff_guest32_run(in, out);
        return;
    }
    void *window = rf_ram_at(&guest_ram, DIFF_MEMORY_AT, DIFF_MEMORY_SIZE);
    void *end = rf_ram_at(&guest_ram, DIFF_PAGES_END - DIFF_END_SIZE, DIFF_END_SIZE);
    memcpy(guest->r, in->gpr, sizeof in->gpr);
    guest->r[RF_REG_IP] = DIFF_CODE64_AT;
    guest_user();
    rf_cpu_set_flags(guest, (in->flags & (RF_FLAGS_STATUS | RF_FLAG_DF | RF_FLAG_AC)) | RF_FLAG_IF);
    diff_fpu_in(&guest->fpu, in);
    memcpy(window, in->memory, DIFF_MEMORY_SIZE);
    memcpy(end, in->end, DIFF_END_SIZE);
    guest->halted = false;
    enum rf_stop stop = rf_cpu_run(guest);
    memcpy(out->gpr, guest->r, sizeof out->gpr);
    diff_fpu_out(&guest->fpu, out);
    memcpy(out->memory, window, DIFF_MEMORY_SIZE);
    memcpy(out->end, end, DIFF_END_SIZE);
    guest_outcome(stop, out);
}

#endif
