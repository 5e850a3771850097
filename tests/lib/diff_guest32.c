/* The Ringfort side of 32-bit cases: a CPU at CPL 3 with the segments that a Linux process has.
 * Every exception ends in a HLT at CPL 0; that the code under test has come to its end is one
 * of them. */
#include "diff_sides.h"

#if defined(__x86_64__)

#include "cpu/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_GDT UINT64_C(0x1000)
#define GUEST_LDT UINT64_C(0x1800)
#define GUEST_TSS UINT64_C(0x1c00)
#define GUEST_IDT UINT64_C(0x2000)
#define GUEST_HANDLERS UINT64_C(0x4000) /* 16 bytes for each vector */
#define GUEST_STACK UINT64_C(0x8000)
#define GUEST_PML4 UINT64_C(0x20000)
#define GUEST_PDPT UINT64_C(0x21000)
#define GUEST_PD UINT64_C(0x22000)
#define GUEST_PT UINT64_C(0x23000)
#define GUEST_HIGH_PDPT UINT64_C(0x24000)
#define GUEST_HIGH_PD UINT64_C(0x25000)
#define GUEST_RAM (DIFF_CODE_REGION + DIFF_CODE_REGION_SIZE + 16 * DIFF_PAGE)
#define KERNEL_CODE 0x10
/* What is at the physical addresses above, for CPL 0: where no 32-bit address leads. */
#define HIGH UINT64_C(0xffff800000000000)

static struct rf_ram guest_ram;
static struct rf_cpu *guest;
static uint16_t selectors[6];
static uint32_t entry; /* offset of the code in its segment */

static void put(uint64_t at, const void *data, size_t size)
{
    rf_mmu_physical_write(&guest->mmu, at, data, size);
}

/* An entry as Linux makes it (SDM 3A, figure 3-8): DPL 3, accessed. */
static uint64_t descriptor(const struct diff_segment *s)
{
    unsigned type = 1u | (!s->restricted) << 1 | (s->code ? 8u : s->expand_down ? 4u : 0u);
    uint64_t access = type | 0x70 | (s->absent ? 0 : 0x80);
    uint64_t flags = (uint64_t)(s->pages ? 8 : 0) | (s->wide ? 4 : 0);
    return (s->limit & 0xffff) | (uint64_t)(s->base & 0xffffff) << 16 | access << 40 |
           (uint64_t)(s->limit >> 16) << 48 | flags << 52 | (uint64_t)(s->base >> 24) << 56;
}

static void guest_tables(void)
{
    static const uint64_t gdt[] = {
        [KERNEL_CODE >> 3] = UINT64_C(0x00af9b000000ffff),
        [DIFF_CODE32 >> 3] = UINT64_C(0x00cffb000000ffff),
        [DIFF_DATA32 >> 3] = UINT64_C(0x00cff3000000ffff),
        [DIFF_CODE64 >> 3] = UINT64_C(0x00affb000000ffff),
    };
    put(GUEST_GDT, gdt, sizeof gdt);
    for (unsigned i = 0; i < DIFF_SEGMENTS; i++) {
        uint64_t entry_bits = descriptor(&diff_segments[i]);
        put(GUEST_LDT + 8 * i, &entry_bits, 8);
    }
    for (uint64_t vector = 0; vector < 256; vector++) {
        uint64_t at = GUEST_HANDLERS + 16 * vector;
        bool open = vector == RF_BP || vector == RF_OF; /* to INT n, as in Linux */
        uint64_t gate[2] = { (open ? UINT64_C(0xee) : UINT64_C(0x8e)) << 40 |
                                 (uint64_t)KERNEL_CODE << 16 | at, HIGH >> 32 };
        put(GUEST_IDT + 16 * vector, gate, sizeof gate);
        put(at, "\xf4", 1);
    }
    uint64_t stack = HIGH + GUEST_STACK;
    put(GUEST_TSS + 4, &stack, 8);
    put(GUEST_TSS + 102, "\x68", 2);
    guest->gdtr = (struct rf_table_register){ HIGH + GUEST_GDT, sizeof gdt - 1 };
    guest->idtr = (struct rf_table_register){ HIGH + GUEST_IDT, 256 * 16 - 1 };
    guest->ldtr = (struct rf_segment){ .selector = 0x50, .attributes = RF_SEG_P | 2,
                                       .limit = DIFF_SEGMENTS * 8 - 1, .base = HIGH + GUEST_LDT };
    guest->tr = (struct rf_segment){ .selector = 0x40, .attributes = RF_SEG_P | 0xb, .limit = 0x67,
                                     .base = HIGH + GUEST_TSS };
}

static void guest_map(uint64_t table, unsigned index, uint64_t bits)
{
    bits |= RF_PTE_P | RF_PTE_W;
    put(table + 8 * index, &bits, sizeof bits);
}

/* For CPL 3, code and data: linear addresses are physical ones. */
static void guest_paging(void)
{
    guest_map(GUEST_PML4, 0, GUEST_PDPT | RF_PTE_U);
    guest_map(GUEST_PDPT, 0, GUEST_PD | RF_PTE_U);
    guest_map(GUEST_PML4, 256, GUEST_HIGH_PDPT);
    guest_map(GUEST_HIGH_PDPT, 0, GUEST_HIGH_PD);
    guest_map(GUEST_HIGH_PD, 0, RF_PTE_PS);
    guest_map(GUEST_PD, DIFF_PAGES_AT >> 21, GUEST_PT | RF_PTE_U);
    for (unsigned i = 0; i < 2; i++)
        guest_map(GUEST_PT, i, (DIFF_PAGES_AT + i * DIFF_PAGE) | RF_PTE_U | RF_PTE_NX);
    for (unsigned i = 0; i < DIFF_CODE_REGION_SIZE / DIFF_PAGE; i++)
        guest_map(GUEST_PT, (DIFF_CODE_REGION >> 12 & 511) + i,
                  (DIFF_CODE_REGION + i * DIFF_PAGE) | RF_PTE_U);
    rf_mmu_set_cr4(&guest->mmu, RF_CR4_PAE | RF_CR4_OSFXSR | RF_CR4_OSXMMEXCPT);
    rf_mmu_set_cr3(&guest->mmu, GUEST_PML4);
    rf_mmu_set_efer(&guest->mmu, RF_EFER_LME | RF_EFER_LMA | RF_EFER_NXE);
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
    guest_paging();
    guest_tables();
    diff_fill_code_region(rf_ram_at(&guest_ram, DIFF_CODE_REGION, DIFF_CODE_REGION_SIZE));
    guest->stop_cycles = UINT64_MAX;
    guest->timer_cycles = UINT64_MAX;
}

/* The hidden part of a segment register as a load from the tables leaves it. */
static struct rf_segment segment(uint16_t selector)
{
    if (!(selector & ~3))
        return (struct rf_segment){ .selector = selector };
    uint64_t raw, at = selector & 4 ? GUEST_LDT : GUEST_GDT;
    memcpy(&raw, rf_ram_at(&guest_ram, at + (selector & ~7u), 8), 8);
    uint32_t limit = (uint32_t)(raw & 0xffff) | (uint32_t)(raw >> 32 & 0xf0000);
    return (struct rf_segment){ .selector = selector,
                                .attributes = (uint16_t)(raw >> 40 & 0xf0ff),
                                .limit = raw >> 55 & 1 ? limit << 12 | 0xfff : limit,
                                .base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000) };
}

void diff_guest32_prepare(const struct diff_case *test)
{
    if (!guest)
        guest_create();
    uint8_t code[DIFF_CODE_SIZE];
    diff_code_with_jump(test, code);
    put(DIFF_CODE_AT, code, sizeof code);
    diff_selectors(test->options, selectors);
    entry = DIFF_CODE_AT - diff_segment_base(selectors[RF_CS]);
}

/* The exception whose handler the CPU halted in, and what its frame tells. */
static void guest_outcome(enum rf_stop stop, struct diff_state *out)
{
    static const uint32_t with_error_code = 0x27d00; /* SDM 3A, table 6-1 */
    uint64_t frame[6], at = guest->r[RF_REG_IP] - HIGH - GUEST_HANDLERS;
    out->vector = -1;
    out->fault_at = 0;
    out->fault_address = 0;
    out->error_code = 0;
    if (stop != RF_STOP_HALT || at >= 256 * 16) {
        out->vector = 255;
        return;
    }
    int vector = (int)(at / 16);
    bool coded = vector < 32 && with_error_code >> vector & 1;
    memcpy(frame, rf_ram_at(&guest_ram, guest->r[RF_RSP] - HIGH, sizeof frame), sizeof frame);
    if (!coded)
        memmove(frame + 1, frame, 5 * sizeof frame[0]);
    out->flags = frame[3];
    out->gpr[RF_RSP] = frame[4];
    out->selector[RF_SEG_SS] = (uint16_t)frame[5];
    if (vector == RF_PF && frame[1] == DIFF_LEAVE_AT && frame[2] == DIFF_CODE64 &&
        guest->cr2 == DIFF_LEAVE_POINTER)
        return;
    out->vector = vector;
    out->fault_at = (unsigned)((uint32_t)frame[1] - entry);
    out->selector[RF_CS] = (uint16_t)frame[2];
    if (coded)
        out->error_code = (uint32_t)frame[0];
    if (vector == RF_PF)
        out->fault_address = guest->cr2;
}

void diff_guest32_run(const struct diff_state *in, struct diff_state *out)
{
    void *window = rf_ram_at(&guest_ram, DIFF_MEMORY_AT, DIFF_MEMORY_SIZE);
    void *end = rf_ram_at(&guest_ram, DIFF_PAGES_END - DIFF_END_SIZE, DIFF_END_SIZE);
    memcpy(guest->r, in->gpr, sizeof in->gpr);
    guest->r[RF_REG_IP] = entry;
    for (unsigned i = 0; i < 6; i++)
        guest->seg[i] = segment(selectors[i]);
    guest->cpl = 3;
    rf_cpu_set_flags(guest, (in->flags & (RF_FLAGS_STATUS | RF_FLAG_DF)) | RF_FLAG_FIXED | RF_FLAG_IF);
    diff_fpu_in(&guest->fpu, in);
    memset(rf_ram_at(&guest_ram, DIFF_PAGES_AT, 2 * DIFF_PAGE), 0, 2 * DIFF_PAGE);
    memcpy(window, in->memory, DIFF_MEMORY_SIZE);
    memcpy(end, in->end, DIFF_END_SIZE);
    guest->halted = false;
    enum rf_stop stop = rf_cpu_run(guest);
    memcpy(out->gpr, guest->r, sizeof out->gpr);
    diff_fpu_out(&guest->fpu, out);
    memset(out->high, 0, sizeof out->high); /* the host saves by FXSAVE */
    memcpy(out->memory, window, DIFF_MEMORY_SIZE);
    memcpy(out->end, end, DIFF_END_SIZE);
    for (unsigned i = 0; i < 6; i++)
        out->selector[i] = i == RF_CS ? 0 : guest->seg[i].selector;
    guest_outcome(stop, out);
    out->gpr[RF_RSP] &= UINT32_MAX;
}

#endif
