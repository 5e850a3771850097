/* Paging outside IA-32e mode: 32-bit paging with 4 KiB and 4 MiB pages (SDM 3A, 4.3), PAE paging and
 * its PDPTE registers (4.4), error codes (4.7), A and D bits (4.8). One case for each rule. */
#include "bare_modes.h"
#include "lib/suite.h"

#define TABLES UINT64_C(0x50000) /* the page directory, or the PDPT; then tables */
#define TABLE_1 (TABLES + 0x1000)
#define TABLE_2 (TABLES + 0x2000)
#define PAGE UINT64_C(0x180000) /* what the tests map */
#define VA UINT32_C(0x00c05000) /* in the fourth 4 MiB, the seventh 2 MiB */

static void write32(struct bare *b, uint64_t pa, uint32_t value)
{
    bare_put(b, pa, &value, 4);
}
static uint32_t read32(const struct bare *b, uint64_t pa)
{
    return (uint32_t)bare_read(b, pa);
}

static void set(struct bare *b, uint64_t cr4, uint64_t efer)
{
    struct rf_mmu *mmu = &b->cpu->mmu;
    rf_mmu_set_cr0(mmu, RF_CR0_PE | RF_CR0_WP | RF_CR0_ET);
    rf_mmu_set_efer(mmu, efer);
    rf_mmu_set_cr4(mmu, cr4);
    rf_mmu_set_cr3(mmu, TABLES);
    rf_mmu_set_cr0(mmu, RF_CR0_PE | RF_CR0_WP | RF_CR0_ET | RF_CR0_PG);
}

/* 32-bit paging: PDE 3 leads to TABLE_1, whose entry 5 maps VA. */
#define PDE_32 (TABLES + 3 * 4)
#define PTE_32 (TABLE_1 + 5 * 4)
static void begin_32(struct bare *b)
{
    write32(b, PDE_32, (uint32_t)TABLE_1 | 7);
    write32(b, PTE_32, (uint32_t)PAGE | 7);
    set(b, RF_CR4_PSE, 0);
}

/* PAE paging: PDPTE 0, PDE 6, PTE 5. */
#define PDE_PAE (TABLE_1 + 6 * 8)
#define PTE_PAE (TABLE_2 + 5 * 8)
static void begin_pae(struct bare *b)
{
    bare_write(b, TABLES, TABLE_1 | 1);
    bare_write(b, PDE_PAE, TABLE_2 | 7);
    bare_write(b, PTE_PAE, PAGE | 7);
    set(b, RF_CR4_PAE, RF_EFER_NXE);
    ck_assert(rf_mmu_load_pdptes(&b->cpu->mmu, TABLES));
}

static void allowed(struct bare *b, uint32_t va, enum rf_access access, enum rf_tlb_mode mode, uint64_t expected)
{
    struct rf_fault fault = { 0 };
    uint64_t pa = 0;
    rf_mmu_flush_all(&b->cpu->mmu);
    ck_assert_msg(rf_mmu_translate(&b->cpu->mmu, va, access, mode, &pa, &fault), "refused: %#x", fault.error_code);
    ck_assert_uint_eq(pa, expected);
}
static void refused(struct bare *b, uint32_t va, enum rf_access access, enum rf_tlb_mode mode, uint32_t error)
{
    struct rf_fault fault = { 0 };
    uint64_t pa = 0;
    rf_mmu_flush_all(&b->cpu->mmu);
    ck_assert(!rf_mmu_translate(&b->cpu->mmu, va, access, mode, &pa, &fault));
    ck_assert_int_eq(fault.kind, RF_FAULT_PAGE);
    ck_assert_uint_eq(fault.error_code, error);
    ck_assert_uint_eq(fault.address, va);
}

/* --- 32-bit paging: SDM 3A, 4.3 --- */

CASE(two_levels_of_4_byte_entries, 0)
{
    begin_32(b);
    allowed(b, VA + 0x123, RF_READ, RF_TLB_USER, PAGE + 0x123);
}

CASE(the_highest_address_is_translated, 0)
{
    begin_32(b);
    write32(b, TABLES + 1023 * 4, (uint32_t)TABLE_1 | 7);
    write32(b, TABLE_1 + 1023 * 4, (uint32_t)PAGE | 7);
    allowed(b, UINT32_MAX, RF_READ, RF_TLB_USER, PAGE + 0xfff);
}

/* 4.3: CR3 bits 4:3 and 11:5 are no address. */
CASE(cr3_flags_are_no_address, 0)
{
    begin_32(b);
    rf_mmu_set_cr3(&b->cpu->mmu, TABLES | 0xfff);
    allowed(b, VA, RF_READ, RF_TLB_USER, PAGE);
}

/* 4.3, table 4-4: a 4 MiB page where CR4.PSE = 1. */
CASE(pse_maps_4_mib, 0)
{
    begin_32(b);
    write32(b, PDE_32, 0x00400000 | 0x87);
    allowed(b, VA + 0x123, RF_WRITE, RF_TLB_USER, 0x00400000 + (VA & 0x3fffff) + 0x123);
    struct rf_walk walk;
    rf_mmu_explain(&b->cpu->mmu, VA, RF_READ, RF_TLB_USER, &walk);
    ck_assert_uint_eq(walk.page_shift, 22);
    ck_assert_uint_eq(walk.step_count, 1);
}

/* 4.3: without CR4.PSE bit 7 of a PDE is ignored. */
CASE(without_pse_the_pde_is_a_table, 0)
{
    begin_32(b);
    rf_mmu_set_cr4(&b->cpu->mmu, 0);
    write32(b, PDE_32, (uint32_t)TABLE_1 | 0x87);
    allowed(b, VA, RF_READ, RF_TLB_USER, PAGE);
}

/* 4.3: PSE-36: bits 20:13 are address bits 39:32. */
CASE(pse_36_reaches_above_4_gib, 0)
{
    begin_32(b);
    write32(b, PDE_32, 0x00400000 | 0x87 | 0x5a << 13);
    allowed(b, VA, RF_READ, RF_TLB_USER, UINT64_C(0x5a00400000) + (VA & 0x3fffff));
}

/* 4.3: bit 21 of that PDE is reserved. */
CASE(bit_21_of_a_4_mib_pde_is_reserved, 0)
{
    begin_32(b);
    write32(b, PDE_32, 0x00600000 | 0x87);
    refused(b, VA, RF_READ, RF_TLB_USER, RF_PF_P | RF_PF_RSVD | RF_PF_U);
}

/* 4.3: bit 12 of it is PAT. */
CASE(bit_12_of_a_4_mib_pde_is_pat, 0)
{
    begin_32(b);
    write32(b, PDE_32, 0x00400000 | 0x1087);
    allowed(b, VA, RF_READ, RF_TLB_USER, 0x00400000 + (VA & 0x3fffff));
}

/* 4.7: error codes. */
CASE(an_absent_pde, 0)
{
    begin_32(b);
    write32(b, PDE_32, (uint32_t)TABLE_1 | 6);
    refused(b, VA, RF_WRITE, RF_TLB_USER, RF_PF_U | RF_PF_W);
}
CASE(an_absent_pte, 0)
{
    begin_32(b);
    write32(b, PTE_32, (uint32_t)PAGE | 6);
    refused(b, VA, RF_READ, RF_TLB_SUPERVISOR, 0);
}

/* 4.6.1: U/S and R/W of both levels count. */
CASE(supervisor_pde, 0)
{
    begin_32(b);
    write32(b, PDE_32, (uint32_t)TABLE_1 | 3);
    refused(b, VA, RF_READ, RF_TLB_USER, RF_PF_P | RF_PF_U);
    allowed(b, VA, RF_WRITE, RF_TLB_SUPERVISOR, PAGE);
}
CASE(read_only_pte, 0)
{
    begin_32(b);
    write32(b, PTE_32, (uint32_t)PAGE | 5);
    refused(b, VA, RF_WRITE, RF_TLB_USER, RF_PF_P | RF_PF_W | RF_PF_U);
    refused(b, VA, RF_WRITE, RF_TLB_SUPERVISOR, RF_PF_P | RF_PF_W);
    rf_mmu_set_cr0(&b->cpu->mmu, b->cpu->mmu.cr0 & ~RF_CR0_WP);
    allowed(b, VA, RF_WRITE, RF_TLB_SUPERVISOR, PAGE);
}

/* 4.1.3: there is no execute-disable, and so no I/D bit without SMEP. */
CASE(every_page_may_be_executed, 0)
{
    begin_32(b);
    rf_mmu_set_efer(&b->cpu->mmu, RF_EFER_NXE);
    allowed(b, VA, RF_FETCH, RF_TLB_USER, PAGE);
    write32(b, PTE_32, 0);
    refused(b, VA, RF_FETCH, RF_TLB_USER, RF_PF_U);
}
CASE(smep_works, 0)
{
    begin_32(b);
    rf_mmu_set_cr4(&b->cpu->mmu, RF_CR4_SMEP);
    refused(b, VA, RF_FETCH, RF_TLB_SUPERVISOR, RF_PF_P | RF_PF_I);
}
CASE(smap_works, 0)
{
    begin_32(b);
    rf_mmu_set_cr4(&b->cpu->mmu, RF_CR4_SMAP);
    refused(b, VA, RF_READ, RF_TLB_SUPERVISOR, RF_PF_P);
    allowed(b, VA, RF_READ, RF_TLB_SUPERVISOR_AC, PAGE);
}

/* 4.6.2: protection keys are for 4-level and 5-level paging alone. */
CASE(protection_keys_do_not_count, 0)
{
    begin_32(b);
    rf_mmu_set_cr4(&b->cpu->mmu, RF_CR4_PKE);
    rf_mmu_set_pkru(&b->cpu->mmu, UINT32_MAX);
    allowed(b, VA, RF_WRITE, RF_TLB_USER, PAGE);
}

/* 4.8: A in both entries, D in the PTE at a write; the entries beside them stay. */
CASE(a_and_d_of_4_byte_entries, 0)
{
    begin_32(b);
    write32(b, PTE_32 + 4, 0x11111111);
    allowed(b, VA, RF_READ, RF_TLB_USER, PAGE);
    ck_assert_uint_eq(read32(b, PDE_32), TABLE_1 | 7 | RF_PTE_A);
    ck_assert_uint_eq(read32(b, PTE_32), PAGE | 7 | RF_PTE_A);
    allowed(b, VA, RF_WRITE, RF_TLB_USER, PAGE);
    ck_assert_uint_eq(read32(b, PDE_32), TABLE_1 | 7 | RF_PTE_A);
    ck_assert_uint_eq(read32(b, PTE_32), PAGE | 7 | RF_PTE_A | RF_PTE_D);
    ck_assert_uint_eq(read32(b, PTE_32 + 4), 0x11111111);
}

/* 4.10.2.4: G keeps a translation over MOV CR3 while CR4.PGE = 1. */
CASE(global_pages_survive_mov_cr3, 0)
{
    begin_32(b);
    rf_mmu_set_cr4(&b->cpu->mmu, RF_CR4_PGE);
    write32(b, PTE_32, (uint32_t)PAGE | 7 | RF_PTE_G);
    allowed(b, VA, RF_READ, RF_TLB_USER, PAGE);
    write32(b, PTE_32, 0);
    rf_mmu_set_cr3(&b->cpu->mmu, TABLES);
    struct rf_fault fault;
    uint64_t pa;
    ck_assert(rf_mmu_translate(&b->cpu->mmu, VA, RF_READ, RF_TLB_USER, &pa, &fault));
    rf_mmu_invlpg(&b->cpu->mmu, VA);
    ck_assert(!rf_mmu_translate(&b->cpu->mmu, VA, RF_READ, RF_TLB_USER, &pa, &fault));
}

/* INVLPG of any address in a 4 MiB page forgets all of it. */
CASE(invlpg_forgets_a_whole_4_mib_page, 0)
{
    struct rf_fault fault;
    uint64_t pa;
    begin_32(b);
    write32(b, PDE_32, 0x87);
    allowed(b, VA, RF_READ, RF_TLB_USER, VA & 0x3fffff);
    write32(b, PDE_32, 0);
    rf_mmu_invlpg(&b->cpu->mmu, VA ^ 0x300000);
    ck_assert(!rf_mmu_translate(&b->cpu->mmu, VA, RF_READ, RF_TLB_USER, &pa, &fault));
}

/* --- PAE paging: SDM 3A, 4.4 --- */

CASE(three_levels_of_8_byte_entries, 0)
{
    begin_pae(b);
    allowed(b, VA + 0x123, RF_WRITE, RF_TLB_USER, PAGE + 0x123);
    ck_assert_uint_eq(bare_read(b, PDE_PAE), TABLE_2 | 7 | RF_PTE_A);
    ck_assert_uint_eq(bare_read(b, PTE_PAE), PAGE | 7 | RF_PTE_A | RF_PTE_D);
    ck_assert_uint_eq(bare_read(b, TABLES), TABLE_1 | 1); /* a PDPTE has no A */
}

/* 4.4.1: the registers, not memory, are used until they are loaded again. */
CASE(pdptes_are_registers, 0)
{
    begin_pae(b);
    bare_write(b, TABLES, 0);
    allowed(b, VA, RF_READ, RF_TLB_USER, PAGE);
    ck_assert(rf_mmu_load_pdptes(&b->cpu->mmu, TABLES));
    refused(b, VA, RF_READ, RF_TLB_USER, RF_PF_U);
}

/* 4.4.2: address bits 31:30 choose the register. */
CASE(four_pdptes, 0)
{
    begin_pae(b);
    bare_write(b, TABLES + 3 * 8, TABLE_1 | 1);
    ck_assert(rf_mmu_load_pdptes(&b->cpu->mmu, TABLES));
    allowed(b, VA | 0xc0000000, RF_READ, RF_TLB_USER, PAGE);
    refused(b, VA | 0x80000000, RF_READ, RF_TLB_USER, RF_PF_U);
}

/* 4.4.1: the table is aligned to 32 bytes alone, below 4 GiB. */
CASE(the_pdpt_is_aligned_to_32_bytes, 0)
{
    begin_pae(b);
    bare_write(b, TABLES + 0x20, TABLE_2 | 1); /* PDE 0 of it maps a large page */
    bare_write(b, TABLE_2, 0x87);
    ck_assert(rf_mmu_load_pdptes(&b->cpu->mmu, UINT64_C(0x100000000) | TABLES | 0x3f));
    allowed(b, 0x1234, RF_READ, RF_TLB_USER, 0x1234);
}

/* 4.4.2: 2 MiB pages, whether CR4.PSE is set or not. */
CASE(pae_maps_2_mib, 0)
{
    begin_pae(b);
    bare_write(b, PDE_PAE, UINT64_C(0x200000) | 0x87);
    allowed(b, VA, RF_READ, RF_TLB_USER, 0x200000 + (VA & 0x1fffff));
}

static const struct {
    const char *rule;
    uint64_t pde, pte;
    uint64_t efer;
} reserved[] = {
    { "4.4.2: bits 62:M of a PTE", 0, UINT64_C(1) << 62, RF_EFER_NXE },
    { "bit 52, which 4-level paging leaves to software", 0, UINT64_C(1) << 52, RF_EFER_NXE },
    { "bits 62:M of a PDE", UINT64_C(1) << 46, 0, RF_EFER_NXE },
    { "bit 63 of a PTE without EFER.NXE", 0, RF_PTE_NX, 0 },
    { "bit 63 of a PDE without EFER.NXE", RF_PTE_NX, 0, 0 },
    { "bits 20:13 of a 2 MiB PDE", RF_PTE_PS | 0x2000, 0, RF_EFER_NXE },
};
START_TEST(reserved_bits_of_pae_entries)
{
    struct bare machine, *b = &machine;
    bare_create(b, 0);
    begin_pae(b);
    rf_mmu_set_efer(&b->cpu->mmu, reserved[_i].efer);
    uint64_t base = reserved[_i].pde & RF_PTE_PS ? 0 : TABLE_2;
    bare_write(b, PDE_PAE, base | 7 | reserved[_i].pde);
    bare_write(b, PTE_PAE, PAGE | 7 | reserved[_i].pte);
    refused(b, VA, RF_READ, RF_TLB_USER, RF_PF_P | RF_PF_RSVD | RF_PF_U);
    bare_destroy(b);
}
END_TEST

/* 4.6.1: XD of either level, with EFER.NXE; the I/D bit tells of it. */
CASE(xd_of_a_pte, 0)
{
    begin_pae(b);
    bare_write(b, PTE_PAE, PAGE | 7 | RF_PTE_NX);
    refused(b, VA, RF_FETCH, RF_TLB_USER, RF_PF_P | RF_PF_U | RF_PF_I);
    allowed(b, VA, RF_READ, RF_TLB_USER, PAGE);
}
CASE(xd_of_a_pde, 0)
{
    begin_pae(b);
    bare_write(b, PDE_PAE, TABLE_2 | 7 | RF_PTE_NX);
    refused(b, VA, RF_FETCH, RF_TLB_SUPERVISOR, RF_PF_P | RF_PF_I);
}

static const uint64_t reserved_pdpte[] = {
    1 << 1, 1 << 2, 1 << 5, 1 << 6, 1 << 7, 1 << 8, UINT64_C(1) << 46, UINT64_C(1) << 62, UINT64_C(1) << 63,
};
/* 4.4.1: a present PDPTE with a reserved bit is #GP(0) at the load, and no register changes. */
START_TEST(reserved_bits_of_pdptes)
{
    struct bare machine, *b = &machine;
    bare_create(b, 0);
    begin_pae(b);
    bare_write(b, TABLES, 0);
    bare_write(b, TABLES + 16, TABLE_1 | 1 | reserved_pdpte[_i]);
    ck_assert(!rf_mmu_load_pdptes(&b->cpu->mmu, TABLES));
    allowed(b, VA, RF_READ, RF_TLB_USER, PAGE);
    bare_write(b, TABLES + 16, TABLE_1 | reserved_pdpte[_i]); /* absent: nothing is looked at */
    ck_assert(rf_mmu_load_pdptes(&b->cpu->mmu, TABLES));
    bare_destroy(b);
}
END_TEST

/* --- the CPU: MOV to CR0, CR3 and CR4 --- */

/* Identity: the first 4 MiB by two 2 MiB pages. */
static void identity_pae(struct bare *b)
{
    bare_write(b, TABLES, TABLE_1 | 1);
    bare_write(b, TABLE_1, 0x87);
    bare_write(b, TABLE_1 + 8, 0x200087);
}
static void identity_32(struct bare *b)
{
    write32(b, TABLES, 0x87);
}

CODE32(switch_on, "mov %ebx, %cr4; mov %ecx, %cr3; mov %edx, %cr0; mov 0x130000, %eax; vmcall");
static void switch_registers(struct bare *b, uint64_t cr4, uint64_t cr3)
{
    b->cpu->r[RF_RBX] = cr4;
    b->cpu->r[RF_RCX] = cr3;
    b->cpu->r[RF_RDX] = RF_CR0_PE | RF_CR0_ET | RF_CR0_WP | RF_CR0_PG;
    bare_write(b, BARE_USER_DATA, 0x55667788);
}

/* SDM 3A, 9.8.1.1: 32-bit code switches 32-bit paging on and runs on. */
LEGACY_CASE(code_switches_32_bit_paging_on, 0)
{
    identity_32(b);
    switch_registers(b, RF_CR4_PSE, TABLES);
    RUN(b, switch_on);
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_RAX), 0x55667788);
    ck_assert(read32(b, TABLES) & RF_PTE_A);
}

/* SDM 3A, 4.4.1: MOV to CR0 that sets PG loads the PDPTEs. */
LEGACY_CASE(code_switches_pae_paging_on, 0)
{
    identity_pae(b);
    switch_registers(b, RF_CR4_PAE, TABLES);
    RUN(b, switch_on);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(reg(b, RF_RAX), 0x55667788);
    ck_assert_uint_eq(b->cpu->mmu.pdpte[0], TABLE_1 | 1);
    ck_assert(!(b->cpu->mmu.efer & RF_EFER_LMA));
}
/* ... and is #GP(0) if one is bad: PG stays clear. */
LEGACY_CASE(a_bad_pdpte_at_mov_cr0_is_gp, 0)
{
    identity_pae(b);
    bare_write(b, TABLES + 8, 3);
    switch_registers(b, RF_CR4_PAE, TABLES);
    RUN(b, switch_on);
    expect_error(b, RF_GP, KERNEL(6), 0);
    ck_assert(!(b->cpu->mmu.cr0 & RF_CR0_PG));
}
CODE32(load_cr3, "mov %ecx, %cr3; vmcall");
CODE32(load_cr4, "mov %ebx, %cr4; vmcall");
/* SDM 3A, 4.4.1: MOV to CR3 loads them; #GP(0) leaves CR3 as it was. */
static void run_in_pae(struct bare *b)
{
    identity_pae(b);
    set(b, RF_CR4_PAE, 0);
    ck_assert(rf_mmu_load_pdptes(&b->cpu->mmu, TABLES));
    rf_cpu_mode_changed(b->cpu);
}
LEGACY_CASE(mov_cr3_loads_pdptes, 0)
{
    run_in_pae(b);
    bare_write(b, TABLES + 0x20, TABLE_1 | 9);
    b->cpu->r[RF_RCX] = TABLES + 0x20;
    RUN(b, load_cr3);
    ck_assert_int_eq(b->vector, -1);
    ck_assert_uint_eq(b->cpu->mmu.pdpte[0], TABLE_1 | 9);
}
LEGACY_CASE(a_bad_pdpte_at_mov_cr3_is_gp, 0)
{
    run_in_pae(b);
    bare_write(b, TABLES + 0x20, TABLE_1 | 0x21);
    b->cpu->r[RF_RCX] = TABLES + 0x20;
    RUN(b, load_cr3);
    expect_error(b, RF_GP, KERNEL(0), 0);
    ck_assert_uint_eq(b->cpu->mmu.cr3, TABLES);
    ck_assert_uint_eq(b->cpu->mmu.pdpte[0], TABLE_1 | 1);
}
/* SDM 3A, 4.4.1: a change of CR4.PGE, PSE, PAE or SMEP loads them, another does not. */
LEGACY_CASE(mov_cr4_loads_pdptes, 0)
{
    run_in_pae(b);
    bare_write(b, TABLES, TABLE_1 | 9);
    b->cpu->r[RF_RBX] = RF_CR4_PAE | RF_CR4_TSD;
    RUN(b, load_cr4);
    ck_assert_uint_eq(b->cpu->mmu.pdpte[0], TABLE_1 | 1);
    b->cpu->r[RF_RBX] = RF_CR4_PAE | RF_CR4_TSD | RF_CR4_PGE;
    RUN(b, load_cr4);
    ck_assert_uint_eq(b->cpu->mmu.pdpte[0], TABLE_1 | 9);
    bare_write(b, TABLES, TABLE_1 | 0x101);
    b->cpu->r[RF_RBX] = RF_CR4_PAE;
    RUN(b, load_cr4);
    expect_error(b, RF_GP, KERNEL(0), 0);
    ck_assert(b->cpu->mmu.cr4 & RF_CR4_PGE);
}

/* A page fault of 32-bit code: CR2 and the error code in a 32-bit frame. */
CODE32(load_absent, "mov 0x400000, %eax");
LEGACY_CASE(a_page_fault_in_32_bit_code, 0)
{
    identity_32(b);
    switch_registers(b, RF_CR4_PSE, TABLES);
    RUN(b, switch_on);
    RUN(b, load_absent);
    expect_error(b, RF_PF, KERNEL(0), 0);
    ck_assert_uint_eq(b->cpu->cr2, 0x400000);
}

int main(void)
{
    const TTest *const all[] = {
        two_levels_of_4_byte_entries, the_highest_address_is_translated, cr3_flags_are_no_address, pse_maps_4_mib,
        without_pse_the_pde_is_a_table, pse_36_reaches_above_4_gib, bit_21_of_a_4_mib_pde_is_reserved,
        bit_12_of_a_4_mib_pde_is_pat, an_absent_pde, an_absent_pte, supervisor_pde, read_only_pte,
        every_page_may_be_executed, smep_works, smap_works, protection_keys_do_not_count,
        a_and_d_of_4_byte_entries, global_pages_survive_mov_cr3, invlpg_forgets_a_whole_4_mib_page,
        three_levels_of_8_byte_entries, pdptes_are_registers, four_pdptes, the_pdpt_is_aligned_to_32_bytes,
        pae_maps_2_mib, xd_of_a_pte, xd_of_a_pde, code_switches_32_bit_paging_on, code_switches_pae_paging_on,
        a_bad_pdpte_at_mov_cr0_is_gp, mov_cr3_loads_pdptes, a_bad_pdpte_at_mov_cr3_is_gp, mov_cr4_loads_pdptes,
        a_page_fault_in_32_bit_code,
    };
    Suite *suite = suite_create("legacy-paging");
    TCase *tests = tcase_create("legacy-paging");
    ADD_ALL(tests, all);
    tcase_add_loop_test(tests, reserved_bits_of_pae_entries, 0, (int)RF_ARRAY_SIZE(reserved));
    tcase_add_loop_test(tests, reserved_bits_of_pdptes, 0, (int)RF_ARRAY_SIZE(reserved_pdpte));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
