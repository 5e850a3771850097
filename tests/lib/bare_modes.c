/* tests/lib/bare_modes.h */
#include "bare_modes.h"

void bare_descriptor(struct bare *b, unsigned selector, uint64_t low, uint64_t high)
{
    unsigned at = selector & ~7u;
    bare_write(b, BARE_GDT + at, low);
    bare_write(b, BARE_GDT + at + 8, high);
    if (b->cpu->gdtr.limit < at + 15)
        b->cpu->gdtr.limit = (uint16_t)(at + 15);
}

uint64_t bare_segment(uint32_t base, uint32_t limit, unsigned access, unsigned flags)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)access << 40 |
           (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

void bare_call_gate(struct bare *b, unsigned selector, uint16_t code, uint64_t offset, unsigned access,
                    unsigned parameters)
{
    bare_descriptor(b, selector,
                    (offset & 0xffff) | (uint64_t)code << 16 | (uint64_t)parameters << 32 |
                        (uint64_t)access << 40 | (offset >> 16 & 0xffff) << 48,
                    offset >> 32);
}

void bare_gate32(struct bare *b, unsigned vector, uint32_t offset, uint16_t selector, unsigned access)
{
    bare_write(b, BARE_IDT + vector * 8,
               (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)access << 40 |
                   (uint64_t)(offset >> 16) << 48);
}

void bare_stack32(struct bare *b, unsigned level, uint16_t ss, uint32_t esp)
{
    bare_put(b, BARE_TSS + 4 + level * 8, &esp, 4);
    bare_put(b, BARE_TSS + 8 + level * 8, &ss, 2);
}

static void load_flat(struct rf_cpu *cpu, unsigned cpl)
{
    uint16_t dpl = (uint16_t)(cpl << RF_SEG_DPL_SHIFT);
    uint16_t cs = cpl ? USER_CODE32 : KERNEL_CODE32, ss = cpl ? USER_DATA : KERNEL_DATA;
    for (unsigned i = 0; i < RF_SEG_COUNT; i++)
        cpu->seg[i] = (struct rf_segment){ ss, (uint16_t)(0x93 | dpl | RF_SEG_DB | RF_SEG_G), UINT32_MAX, 0 };
    cpu->seg[RF_CS] = (struct rf_segment){ cs, (uint16_t)(0x9b | dpl | RF_SEG_DB | RF_SEG_G), UINT32_MAX, 0 };
    cpu->cpl = (uint8_t)cpl;
}

/* Paging and IA-32e mode off. */
static void leave_long_mode(struct rf_cpu *cpu, uint64_t cr0)
{
    rf_mmu_set_cr0(&cpu->mmu, cr0);
    rf_mmu_set_efer(&cpu->mmu, RF_EFER_SCE | RF_EFER_NXE);
    rf_mmu_set_cr4(&cpu->mmu, RF_CR4_OSFXSR | RF_CR4_OSXMMEXCPT);
}

void bare_enter_legacy(struct bare *b, unsigned cpl)
{
    struct rf_cpu *cpu = b->cpu;
    leave_long_mode(cpu, RF_CR0_PE | RF_CR0_WP | RF_CR0_NE | RF_CR0_ET | RF_CR0_MP);
    for (unsigned vector = 0; vector < 256; vector++) {
        bool open = vector == 3 || vector == 4 || vector == 0x80;
        bare_gate32(b, vector, (uint32_t)(BARE_HANDLERS + vector * 16), KERNEL_CODE32, open ? 0xee : 0x8e);
    }
    cpu->idtr.limit = 0x7ff;
    bare_write(b, BARE_TSS, 0);
    bare_write(b, BARE_TSS + 8, 0);
    bare_stack32(b, 0, KERNEL_DATA, (uint32_t)BARE_RSP0);
    load_flat(cpu, cpl);
    cpu->r[RF_RSP] = cpl ? BARE_USER_STACK : BARE_KERNEL_STACK;
    rf_cpu_set_flags(cpu, RF_FLAG_FIXED | (cpl ? RF_FLAG_IF : 0));
    rf_cpu_mode_changed(cpu);
}

void bare_enter_real(struct bare *b)
{
    struct rf_cpu *cpu = b->cpu;
    leave_long_mode(cpu, RF_CR0_NE | RF_CR0_ET | RF_CR0_MP);
    for (unsigned vector = 0; vector < 256; vector++) {
        const uint16_t entry[2] = { (uint16_t)(vector * 16), (uint16_t)(BARE_HANDLERS >> 4) };
        bare_put(b, vector * 4, entry, sizeof entry);
    }
    cpu->idtr = (struct rf_table_register){ 0, 0x3ff };
    for (unsigned i = 0; i < RF_SEG_COUNT; i++)
        cpu->seg[i] = (struct rf_segment){ 0, 0x93, 0xffff, 0 };
    cpu->seg[RF_CS].selector = REAL_TEXT;
    cpu->seg[RF_CS].base = BARE_KERNEL_TEXT;
    cpu->seg[RF_SEG_SS].selector = 0x2000;
    cpu->seg[RF_SEG_SS].base = 0x20000;
    cpu->cpl = 0;
    cpu->r[RF_RSP] = REAL_STACK;
    rf_cpu_set_flags(cpu, RF_FLAG_FIXED);
    rf_cpu_mode_changed(cpu);
}

void bare_run_real(struct bare *b, const void *code, size_t size)
{
    bare_put(b, BARE_KERNEL_TEXT, code, size);
    b->cpu->r[RF_REG_IP] = 0;
    bare_continue(b);
}

static void count(void *user, struct rf_cpu *cpu, const uint8_t *bytes, unsigned length)
{
    unsigned *n = user;
    ck_assert_ptr_nonnull(cpu->unimplemented_part);
    ck_assert_ptr_null(bytes);
    ck_assert_uint_eq(length, 0);
    ++*n;
}

void bare_count_unimplemented(struct bare *b, unsigned *n)
{
    b->cpu->unimplemented = count;
    b->cpu->unimplemented_user = n;
    *n = 0;
}
