/* tests/lib/bare.h */
#include "bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum rf_door_action stop_at_door(void *user, struct rf_cpu *cpu)
{
    (void)user, (void)cpu;
    return RF_DOOR_STOP;
}

uint64_t bare_read(const struct bare *b, uint64_t address)
{
    uint64_t value;
    memcpy(&value, rf_ram_at(&b->ram, address, 8), 8);
    return value;
}

/* Not Check's: the fuzzer uses these machines without it. */
static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "bare machine: %s\n", what);
    abort();
}

void bare_put(struct bare *b, uint64_t address, const void *bytes, size_t size)
{
    require(rf_mmu_physical_write(&b->cpu->mmu, address, bytes, size), "a write outside RAM");
}

void bare_write(struct bare *b, uint64_t address, uint64_t value)
{
    bare_put(b, address, &value, 8);
}

uint64_t *bare_pte(struct bare *b, uint64_t address)
{
    return (uint64_t *)(void *)(b->ram.base + BARE_PT) + address / RF_PAGE_SIZE;
}

void bare_flush(struct bare *b)
{
    rf_mmu_flush_all(&b->cpu->mmu);
    rf_cpu_mode_changed(b->cpu);
}

static void build_page_tables(struct bare *b)
{
    const uint64_t upper = RF_PTE_P | RF_PTE_W | RF_PTE_U;
    bare_write(b, BARE_PML4, (BARE_PML4 + 0x1000) | upper);
    bare_write(b, BARE_PML4 + 0x1000, (BARE_PML4 + 0x2000) | upper);
    bare_write(b, BARE_PML4 + 0x2000, BARE_PT | upper);
    bare_write(b, BARE_PML4 + 0x2008, (BARE_PT + 0x1000) | upper);
    for (uint64_t pa = 0; pa < BARE_RAM; pa += RF_PAGE_SIZE) {
        bool user = pa >= BARE_USER_TEXT && pa < BARE_ABSENT;
        *bare_pte(b, pa) = pa | RF_PTE_P | RF_PTE_W | (user ? RF_PTE_U : 0);
    }
    *bare_pte(b, BARE_ABSENT) = 0;
    *bare_pte(b, BARE_READ_ONLY) = BARE_READ_ONLY | RF_PTE_P | RF_PTE_U;
    *bare_pte(b, BARE_NX) = BARE_NX | RF_PTE_P | RF_PTE_W | RF_PTE_U | RF_PTE_NX;
}

static void build_gdt(struct bare *b)
{
    const uint64_t gdt[] = {
        [KERNEL_CODE / 8] = FLAT(0x9a, 0xa), [KERNEL_DATA / 8] = FLAT(0x92, 0xc),
        [USER_CODE32 / 8] = FLAT(0xfa, 0xc), [USER_DATA / 8] = FLAT(0xf2, 0xc),
        [USER_CODE / 8] = FLAT(0xfa, 0xa),
        /* available 64-bit TSS, limit 0x67 */
        [TSS_SELECTOR / 8] = UINT64_C(0x67) | BARE_TSS << 16 | UINT64_C(0x89) << 40,
        [ABSENT_DATA / 8] = FLAT(0x72, 0xc), [ABSENT_CODE / 8] = FLAT(0x1a, 0xa),
        [CONFORMING_CODE / 8] = FLAT(0x9e, 0xa), [READ_ONLY_DATA / 8] = FLAT(0xf0, 0xc),
        [KERNEL_CODE32 / 8] = FLAT(0x9a, 0xc),
    };
    _Static_assert(sizeof gdt <= GDT_LIMIT + 1, "the table ends at its limit");
    bare_put(b, BARE_GDT, gdt, sizeof gdt);
    b->cpu->gdtr = (struct rf_table_register){ BARE_GDT, GDT_LIMIT };
}

void bare_gate(struct bare *b, unsigned vector, uint64_t offset, uint16_t selector, unsigned type, unsigned dpl,
               unsigned ist, bool present)
{
    uint64_t low = (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)ist << 32 | (uint64_t)type << 40 |
                   (uint64_t)dpl << 45 | (uint64_t)present << 47 | (offset >> 16 & 0xffff) << 48;
    bare_write(b, BARE_IDT + vector * 16, low);
    bare_write(b, BARE_IDT + vector * 16 + 8, offset >> 32);
}

static void build_idt(struct bare *b)
{
    static const uint8_t vmcall[] = { 0x0f, 0x01, 0xc1 };
    static const uint8_t endbranch_vmcall[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x0f, 0x01, 0xc1 };
    for (unsigned vector = 0; vector < 256; vector++) {
        uint64_t handler = BARE_HANDLERS + vector * 16;
        bare_put(b, handler, endbranch_vmcall, sizeof endbranch_vmcall);
        bool open = vector == 3 || vector == 4 || vector == 0x80; /* to INT n at CPL 3 */
        bare_gate(b, vector, handler, KERNEL_CODE, 0xe, open ? 3 : 0, 0, true);
    }
    b->cpu->idtr = (struct rf_table_register){ BARE_IDT, 0xfff };
    bare_put(b, BARE_SYSCALL, vmcall, sizeof vmcall);
    bare_put(b, BARE_SYSCALL32, vmcall, sizeof vmcall);
    bare_put(b, BARE_SYSENTER, vmcall, sizeof vmcall);
}

static void build_tss(struct bare *b)
{
    bare_write(b, BARE_TSS + 4, BARE_RSP0);
    bare_write(b, BARE_TSS + 36, BARE_IST1);
    bare_write(b, BARE_TSS + 102, UINT64_C(0x68)); /* no I/O permission map */
    b->cpu->tr = (struct rf_segment){ TSS_SELECTOR, 0x8b, 0x67, BARE_TSS };
}

static void load_segments(struct rf_cpu *cpu, unsigned cpl)
{
    uint16_t cs = cpl ? USER_CODE : KERNEL_CODE, ss = cpl ? USER_DATA : KERNEL_DATA;
    uint16_t dpl = (uint16_t)(cpl << RF_SEG_DPL_SHIFT);
    cpu->cpl = (uint8_t)cpl;
    for (unsigned i = 0; i < RF_SEG_COUNT; i++)
        cpu->seg[i] = (struct rf_segment){ ss, (uint16_t)(0x93 | dpl | RF_SEG_DB | RF_SEG_G), UINT32_MAX, 0 };
    cpu->seg[RF_CS] = (struct rf_segment){ cs, (uint16_t)(0x9b | dpl | RF_SEG_L | RF_SEG_G), UINT32_MAX, 0 };
}

void bare_set_cr4(struct bare *b, uint64_t set, uint64_t clear)
{
    rf_mmu_set_cr4(&b->cpu->mmu, (b->cpu->mmu.cr4 | set) & ~clear);
    rf_cpu_mode_changed(b->cpu);
}

void bare_create(struct bare *b, unsigned cpl)
{
    struct rf_error err = { 0 };
    memset(b, 0, sizeof *b);
    require(rf_ram_create(&b->ram, BARE_RAM, &err) == RF_OK, err.text);
    size_t size = (sizeof *b->cpu + 63) / 64 * 64;
    b->cpu = aligned_alloc(64, size);
    require(b->cpu, "no memory");
    memset(b->cpu, 0, size);
    require(rf_cpu_init(b->cpu, &b->ram, &rf_cost_generic, &err) == RF_OK, err.text);
    build_page_tables(b);
    build_gdt(b);
    build_idt(b);
    build_tss(b);
    struct rf_cpu *cpu = b->cpu;
    rf_mmu_set_cr3(&cpu->mmu, BARE_PML4);
    rf_mmu_set_cr4(&cpu->mmu, RF_CR4_PAE | RF_CR4_PGE | RF_CR4_OSFXSR | RF_CR4_OSXMMEXCPT | RF_CR4_FSGSBASE);
    rf_mmu_set_efer(&cpu->mmu, RF_EFER_LME | RF_EFER_LMA | RF_EFER_NXE | RF_EFER_SCE);
    rf_mmu_set_cr0(&cpu->mmu, RF_CR0_PE | RF_CR0_PG | RF_CR0_WP | RF_CR0_NE | RF_CR0_ET | RF_CR0_MP);
    cpu->star = (uint64_t)KERNEL_CODE << 32 | (uint64_t)USER_CODE32 << 48;
    cpu->lstar = BARE_SYSCALL;
    cpu->cstar = BARE_SYSCALL32;
    cpu->sysenter_cs = KERNEL_CODE;
    cpu->sysenter_eip = BARE_SYSENTER;
    cpu->sysenter_esp = BARE_RSP0;
    load_segments(cpu, cpl);
    cpu->r[RF_RSP] = cpl ? BARE_USER_STACK : BARE_KERNEL_STACK;
    cpu->r[RF_REG_IP] = bare_text(b);
    rf_cpu_set_flags(cpu, RF_FLAG_FIXED | (cpl ? RF_FLAG_IF : 0));
    cpu->stop_cycles = 10000000; /* a test that goes wrong ends */
    cpu->door = stop_at_door;
    rf_cpu_mode_changed(cpu);
}

void bare_destroy(struct bare *b)
{
    rf_cpu_destroy(b->cpu);
    rf_ram_destroy(&b->ram);
    free(b->cpu);
}

uint64_t bare_text(const struct bare *b)
{
    return b->cpu->cpl ? BARE_USER_TEXT : BARE_KERNEL_TEXT;
}

/* Which exceptions push an error code (SDM 3A, table 6-1). */
static bool pushes_error_code(int vector)
{
    return vector == RF_DF || (vector >= RF_TS && vector <= RF_PF) || vector == RF_AC || vector == RF_CP;
}

/* Linear address of an instruction or stack pointer. */
static uint64_t linear(const struct rf_cpu *cpu, enum rf_seg which, uint64_t pointer)
{
    const struct rf_segment *s = &cpu->seg[which];
    if (cpu->code_bits == 64)
        return pointer;
    if (which == RF_SEG_SS && !(s->attributes & RF_SEG_DB))
        pointer &= 0xffff;
    return s->base + (uint32_t)pointer;
}

uint64_t bare_slot(const struct bare *b, unsigned index, unsigned size)
{
    uint64_t value = 0;
    uint64_t at = linear(b->cpu, RF_SEG_SS, b->cpu->r[RF_RSP]) + index * size;
    memcpy(&value, rf_ram_at(&b->ram, at, size), size);
    return value;
}

void bare_continue(struct bare *b)
{
    struct rf_cpu *cpu = b->cpu;
    b->stop = rf_cpu_run(cpu);
    uint64_t at = linear(cpu, RF_CS, cpu->r[RF_REG_IP]) - BARE_HANDLERS;
    b->vector = -1;
    memset(&b->frame, 0, sizeof b->frame);
    if (b->stop != RF_STOP_DOOR || at >= 256 * 16)
        return;
    b->vector = (int)(at / 16);
    b->has_error_code = pushes_error_code(b->vector) && !rf_cpu_is_real(cpu);
    unsigned size = rf_cpu_is_real(cpu) ? 2 : rf_cpu_is_legacy(cpu) ? 4 : 8, slot = b->has_error_code;
    b->error_code = b->has_error_code ? (uint32_t)bare_slot(b, 0, size) : 0;
    b->frame = (struct bare_frame){ bare_slot(b, slot, size), bare_slot(b, slot + 1, size),
                                    bare_slot(b, slot + 2, size), bare_slot(b, slot + 3, size),
                                    bare_slot(b, slot + 4, size) };
}

void bare_run(struct bare *b, const void *code, size_t size)
{
    uint64_t at = bare_text(b);
    bare_put(b, at, code, size);
    b->cpu->r[RF_REG_IP] = at;
    bare_continue(b);
}
