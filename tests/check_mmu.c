/* The page walk: translation at every page size, entries that give no translation,
 * error codes, accessed and dirty bits, and what rf_mmu_explain tells. Rights are in
 * check_mmu_rights.c, sizes and page ends in check_mmu_access.c. */
#include "lib/paging.h"
#include "lib/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct paging m;

#define VA UINT64_C(0x00007654321f7000)
#define VA57 UINT64_C(0x0065432107654000)
#define PA (PAGING_DATA + UINT64_C(0x5000))
#define ADDRESS_BITS (((UINT64_C(1) << 52) - 1) & ~RF_PAGE_MASK)

static void setup(void)
{
    paging_create(&m);
}

static void teardown(void)
{
    paging_destroy(&m);
}

static void la57_on(void)
{
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_LA57);
}

static uint64_t *entry(uint64_t va, unsigned level)
{
    return (uint64_t *)(void *)(m.ram.base + paging_entry(&m, PAGING_ROOT, va, level));
}

static void expect_pa(uint64_t va, enum rf_access access, enum rf_tlb_mode mode, uint64_t expected)
{
    struct rf_fault fault;
    uint64_t pa = 0;
    ck_assert_msg(rf_mmu_translate(&m.mmu, va, access, mode, &pa, &fault),
                  "fault %#x at %#jx", fault.error_code, (uintmax_t)fault.address);
    ck_assert_uint_eq(pa, expected);
}

static void expect_fault(uint64_t va, enum rf_access access, enum rf_tlb_mode mode, uint32_t code)
{
    struct rf_fault fault = {0};
    struct rf_walk walk;
    uint64_t pa = 0;
    rf_mmu_explain(&m.mmu, va, access, mode, &walk);
    ck_assert(!walk.ok);
    ck_assert_uint_eq(walk.fault.error_code, code);
    ck_assert_ptr_nonnull(walk.refused_by);
    ck_assert(!rf_mmu_translate(&m.mmu, va, access, mode, &pa, &fault));
    ck_assert_int_eq(fault.kind, RF_FAULT_PAGE);
    ck_assert_uint_eq(fault.error_code, code);
    ck_assert_uint_eq(fault.address, va);
}

static void expect_noncanonical(uint64_t va)
{
    struct rf_fault fault = {0};
    uint64_t pa = 0;
    ck_assert(!rf_mmu_canonical(&m.mmu, va));
    ck_assert(!rf_mmu_translate(&m.mmu, va, RF_READ, RF_TLB_SUPERVISOR, &pa, &fault));
    ck_assert_int_eq(fault.kind, RF_FAULT_NONCANONICAL);
    ck_assert_uint_eq(fault.address, va);
}

/* ---- Translation (SDM 3A, 4.5, tables 4-15 to 4-20) ---------------------- */

START_TEST(paging_off_is_identity_for_everyone)
{
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_SMEP | RF_CR4_SMAP);
    rf_mmu_set_cr0(&m.mmu, RF_CR0_PE);
    for (int mode = 0; mode < RF_TLB_MODES; mode++)
        for (int access = RF_READ; access <= RF_FETCH; access++)
            for (int twice = 0; twice < 2; twice++)
                expect_pa(0x123456, (enum rf_access)access, (enum rf_tlb_mode)mode, 0x123456);
    ck_assert_uint_eq(m.mmu.counts.walks, 0);
}
END_TEST

START_TEST(paging_off_reaches_beyond_ram_as_open_bus)
{
    rf_mmu_set_cr0(&m.mmu, RF_CR0_PE);
    expect_pa(PAGING_RAM, RF_READ, RF_TLB_SUPERVISOR, PAGING_RAM);
    expect_pa(UINT64_C(0xffffffff), RF_WRITE, RF_TLB_SUPERVISOR, UINT64_C(0xffffffff));
    ck_assert_ptr_null(rf_tlb_read(m.mmu.set->entry[RF_TLB_SUPERVISOR], PAGING_RAM, 1));
}
END_TEST

START_TEST(switching_paging_off_forgets_translations)
{
    paging_map(&m, 0x5000, PA, PTE_KERNEL);
    expect_pa(0x5008, RF_READ, RF_TLB_SUPERVISOR, PA + 8);
    rf_mmu_set_cr0(&m.mmu, RF_CR0_PE);
    expect_pa(0x5008, RF_READ, RF_TLB_SUPERVISOR, 0x5008);
    rf_mmu_set_cr0(&m.mmu, RF_CR0_PE | RF_CR0_PG);
    expect_pa(0x5008, RF_READ, RF_TLB_SUPERVISOR, PA + 8);
}
END_TEST

START_TEST(page_4k_keeps_the_low_12_bits)
{
    paging_map(&m, VA, PA, PTE_USER);
    expect_pa(VA, RF_READ, RF_TLB_USER, PA);
    expect_pa(VA + 0xfff, RF_WRITE, RF_TLB_USER, PA + 0xfff);
    expect_pa(VA + 0x800, RF_FETCH, RF_TLB_USER, PA + 0x800);
}
END_TEST

START_TEST(page_2m_keeps_the_low_21_bits)
{
    uint64_t base = VA & ~UINT64_C(0x1fffff);
    paging_map_at(&m, 2, base, UINT64_C(0x1200000), PTE_USER);
    expect_pa(base, RF_READ, RF_TLB_USER, UINT64_C(0x1200000));
    expect_pa(base + 0x1fffff, RF_WRITE, RF_TLB_USER, UINT64_C(0x13fffff));
    expect_pa(base + 0x101234, RF_FETCH, RF_TLB_USER, UINT64_C(0x1301234));
    expect_fault(base + 0x200000, RF_READ, RF_TLB_USER, RF_PF_U);
}
END_TEST

START_TEST(page_1g_keeps_the_low_30_bits)
{
    uint64_t base = VA & ~UINT64_C(0x3fffffff);
    paging_map_at(&m, 3, base, 0, PTE_USER);
    expect_pa(base + 0x2345678, RF_READ, RF_TLB_USER, 0x2345678);
    expect_pa(base + 0x3fffffff, RF_WRITE, RF_TLB_USER, 0x3fffffff);
    expect_fault(base + 0x40000000, RF_READ, RF_TLB_USER, RF_PF_U);
}
END_TEST

START_TEST(pat_bit_of_a_large_page_is_not_address)
{
    uint64_t base = VA & ~UINT64_C(0x3fffffff);
    paging_map_at(&m, 2, base, UINT64_C(0x1200000), PTE_USER | RF_BIT(12));
    expect_pa(base + 0x1010, RF_READ, RF_TLB_USER, UINT64_C(0x1201010));
    expect_pa(base + 0x10, RF_READ, RF_TLB_USER, UINT64_C(0x1200010));
    base += 0x40000000;
    paging_map_at(&m, 3, base, 0, PTE_USER | RF_BIT(12));
    expect_pa(base + 0x10, RF_READ, RF_TLB_USER, 0x10);
}
END_TEST

START_TEST(pat_bit_of_a_4k_page_is_ignored)
{
    paging_map(&m, VA, PA, PTE_USER | RF_BIT(7));
    expect_pa(VA + 1, RF_READ, RF_TLB_USER, PA + 1);
}
END_TEST

START_TEST(both_ends_of_the_address_space_translate)
{
    paging_map(&m, 0, PA, PTE_USER);
    paging_map(&m, UINT64_C(0x7ffffffff000), PA + 0x1000, PTE_USER);
    paging_map(&m, UINT64_C(0xffff800000000000), PA + 0x2000, PTE_USER);
    paging_map(&m, UINT64_C(0xfffffffffffff000), PA + 0x3000, PTE_USER);
    expect_pa(0, RF_READ, RF_TLB_USER, PA);
    expect_pa(UINT64_C(0x7fffffffffff), RF_READ, RF_TLB_USER, PA + 0x1fff);
    expect_pa(UINT64_C(0xffff800000000000), RF_READ, RF_TLB_USER, PA + 0x2000);
    expect_pa(UINT64_MAX, RF_READ, RF_TLB_USER, PA + 0x3fff);
}
END_TEST

START_TEST(noncanonical_addresses_are_refused_before_the_walk)
{
    expect_noncanonical(UINT64_C(0x800000000000));
    expect_noncanonical(UINT64_C(0xffff7fffffffffff));
    expect_noncanonical(UINT64_C(0x8000000000000000));
    expect_noncanonical(UINT64_C(0x0001000000000000));
    ck_assert_uint_eq(m.mmu.counts.walks, 0);
    ck_assert(rf_mmu_canonical(&m.mmu, UINT64_C(0x7fffffffffff)));
    ck_assert(rf_mmu_canonical(&m.mmu, UINT64_C(0xffff800000000000)));
}
END_TEST

START_TEST(la57_walks_five_levels)
{
    la57_on();
    paging_map(&m, VA57, PA, PTE_USER);
    expect_pa(VA57 + 7, RF_READ, RF_TLB_USER, PA + 7);
    ck_assert_uint_eq(m.mmu.counts.walk_levels, 5);
    /* The same address without the bits that level 5 indexes is another page. */
    expect_fault(VA57 & ((UINT64_C(1) << 47) - 1), RF_READ, RF_TLB_USER, RF_PF_U);
}
END_TEST

START_TEST(la57_high_half_translates)
{
    la57_on();
    paging_map(&m, UINT64_C(0xff00000000000000), PA, PTE_USER);
    expect_pa(UINT64_C(0xff00000000000abc), RF_READ, RF_TLB_USER, PA + 0xabc);
}
END_TEST

START_TEST(la57_moves_the_canonical_bounds)
{
    la57_on();
    ck_assert(rf_mmu_canonical(&m.mmu, UINT64_C(0x00ffffffffffffff)));
    ck_assert(rf_mmu_canonical(&m.mmu, UINT64_C(0xff00000000000000)));
    expect_noncanonical(UINT64_C(0x0100000000000000));
    expect_noncanonical(UINT64_C(0xfeffffffffffffff));
}
END_TEST

START_TEST(cr3_flags_and_pcid_are_not_address)
{
    paging_map(&m, VA, PA, PTE_USER);
    rf_mmu_set_cr3(&m.mmu, PAGING_ROOT | 0x18);
    expect_pa(VA, RF_READ, RF_TLB_USER, PA);
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_PCIDE);
    rf_mmu_set_cr3(&m.mmu, PAGING_ROOT | 0xfff);
    expect_pa(VA, RF_READ, RF_TLB_USER, PA);
}
END_TEST

START_TEST(recursive_entry_serves_two_levels)
{
    /* PML4 slot 511 points to the PML4: its page tables appear as pages. */
    paging_poke(&m, PAGING_ROOT + 511 * 8, PAGING_ROOT | PTE_KERNEL);
    expect_pa(UINT64_C(0xfffffffffffff000) + 511 * 8, RF_WRITE, RF_TLB_SUPERVISOR,
              PAGING_ROOT + 511 * 8);
    ck_assert_uint_eq(paging_peek(&m, PAGING_ROOT + 511 * 8),
                      PAGING_ROOT | PTE_KERNEL | RF_PTE_A | RF_PTE_D);
}
END_TEST

START_TEST(walks_and_levels_are_counted)
{
    paging_map(&m, VA, PA, PTE_USER);
    paging_map_at(&m, 2, 0, UINT64_C(0x1200000), PTE_USER);
    expect_pa(VA, RF_READ, RF_TLB_USER, PA);
    ck_assert_uint_eq(m.mmu.counts.walks, 1);
    ck_assert_uint_eq(m.mmu.counts.walk_levels, 4);
    expect_pa(0, RF_READ, RF_TLB_USER, UINT64_C(0x1200000));
    ck_assert_uint_eq(m.mmu.counts.walks, 2);
    ck_assert_uint_eq(m.mmu.counts.walk_levels, 7);
    struct rf_fault fault;
    uint64_t pa;
    rf_mmu_translate(&m.mmu, UINT64_C(0x8000000000), RF_READ, RF_TLB_USER, &pa, &fault);
    ck_assert_uint_eq(m.mmu.counts.walks, 3);
    ck_assert_uint_eq(m.mmu.counts.walk_levels, 8);
}
END_TEST

/* ---- Entries that give no translation (SDM 3A, 4.5.4 and 4.7) ------------ */

/* _i is the level. */
START_TEST(not_present_at_any_level)
{
    paging_map(&m, VA, PA, PTE_USER);
    *entry(VA, (unsigned)_i) &= ~RF_PTE_P;
    expect_fault(VA + 3, RF_READ, RF_TLB_SUPERVISOR, 0);
    expect_fault(VA + 3, RF_WRITE, RF_TLB_SUPERVISOR, RF_PF_W);
    expect_fault(VA + 3, RF_FETCH, RF_TLB_SUPERVISOR, RF_PF_I);
    expect_fault(VA + 3, RF_READ, RF_TLB_USER, RF_PF_U);
    expect_fault(VA + 3, RF_WRITE, RF_TLB_USER, RF_PF_U | RF_PF_W);
    expect_fault(VA + 3, RF_FETCH, RF_TLB_USER, RF_PF_U | RF_PF_I);
}
END_TEST

START_TEST(not_present_hides_every_other_bit_of_the_entry)
{
    paging_map(&m, VA, PA, PTE_USER);
    *entry(VA, (unsigned)_i) = ~RF_PTE_P;
    expect_fault(VA, RF_READ, RF_TLB_SUPERVISOR, 0);
}
END_TEST

START_TEST(not_present_pml5e)
{
    la57_on();
    paging_map(&m, VA57, PA, PTE_USER);
    *entry(VA57, 5) &= ~RF_PTE_P;
    expect_fault(VA57, RF_READ, RF_TLB_USER, RF_PF_U);
}
END_TEST

START_TEST(address_bits_above_46_are_reserved_at_any_level)
{
    paging_map(&m, VA, PA, PTE_USER);
    uint64_t good = *entry(VA, (unsigned)_i);
    for (unsigned bit = 46; bit < 52; bit++) {
        *entry(VA, (unsigned)_i) = good | RF_BIT(bit);
        expect_fault(VA, RF_READ, RF_TLB_SUPERVISOR, RF_PF_P | RF_PF_RSVD);
    }
    *entry(VA, (unsigned)_i) = good;
    expect_pa(VA, RF_READ, RF_TLB_SUPERVISOR, PA);
}
END_TEST

START_TEST(address_bits_above_46_are_reserved_in_large_leaves)
{
    for (unsigned level = 2; level <= 3; level++) {
        uint64_t va = (uint64_t)level << 39;
        paging_map_at(&m, level, va, 0, PTE_USER);
        for (unsigned bit = 46; bit < 52; bit++) {
            uint64_t good = *entry(va, level);
            *entry(va, level) |= RF_BIT(bit);
            expect_fault(va, RF_READ, RF_TLB_USER, RF_PF_P | RF_PF_RSVD | RF_PF_U);
            *entry(va, level) = good;
        }
        expect_pa(va, RF_READ, RF_TLB_USER, 0);
    }
}
END_TEST

START_TEST(ps_is_reserved_in_a_pml4e)
{
    paging_map(&m, VA, PA, PTE_USER);
    *entry(VA, 4) |= RF_PTE_PS;
    expect_fault(VA, RF_WRITE, RF_TLB_USER, RF_PF_P | RF_PF_RSVD | RF_PF_W | RF_PF_U);
}
END_TEST

START_TEST(ps_is_reserved_in_a_pml5e)
{
    la57_on();
    paging_map(&m, VA57, PA, PTE_USER);
    *entry(VA57, 5) |= RF_PTE_PS;
    expect_fault(VA57, RF_READ, RF_TLB_USER, RF_PF_P | RF_PF_RSVD | RF_PF_U);
}
END_TEST

START_TEST(bits_13_to_20_are_reserved_in_a_2m_leaf)
{
    for (unsigned bit = 13; bit <= 20; bit++) {
        paging_map_at(&m, 2, VA, UINT64_C(0x1200000) | RF_BIT(bit), PTE_USER);
        expect_fault(VA, RF_READ, RF_TLB_SUPERVISOR, RF_PF_P | RF_PF_RSVD);
    }
    paging_map_at(&m, 2, VA, RF_BIT(21), PTE_USER);
    expect_pa(VA & ~UINT64_C(0x1fffff), RF_READ, RF_TLB_SUPERVISOR, RF_BIT(21));
}
END_TEST

START_TEST(bits_13_to_29_are_reserved_in_a_1g_leaf)
{
    for (unsigned bit = 13; bit <= 29; bit++) {
        paging_map_at(&m, 3, VA, RF_BIT(bit), PTE_USER);
        expect_fault(VA, RF_READ, RF_TLB_SUPERVISOR, RF_PF_P | RF_PF_RSVD);
    }
    paging_map_at(&m, 3, VA, RF_BIT(30), PTE_USER);
    expect_pa(VA & ~UINT64_C(0x3fffffff), RF_READ, RF_TLB_SUPERVISOR, RF_BIT(30));
}
END_TEST

START_TEST(xd_is_reserved_at_any_level_without_nxe)
{
    paging_map(&m, VA, PA, PTE_USER);
    *entry(VA, (unsigned)_i) |= RF_PTE_NX;
    expect_pa(VA, RF_READ, RF_TLB_USER, PA);
    rf_mmu_set_efer(&m.mmu, RF_EFER_LME | RF_EFER_LMA);
    expect_fault(VA, RF_READ, RF_TLB_USER, RF_PF_P | RF_PF_RSVD | RF_PF_U);
    expect_fault(VA, RF_FETCH, RF_TLB_USER, RF_PF_P | RF_PF_RSVD | RF_PF_U);
}
END_TEST

START_TEST(software_bits_are_ignored_at_any_level)
{
    paging_map(&m, VA, PA, PTE_USER);
    uint64_t ignored = UINT64_C(0x07f0000000000e18); /* 58:52, 11:9, PCD, PWT */
    if (_i > 1)
        ignored |= UINT64_C(0x7800000000000140); /* protection key, G, D: a leaf's only */
    *entry(VA, (unsigned)_i) |= ignored;
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_PKE);
    rf_mmu_set_pkru(&m.mmu, UINT32_C(0xfffffffc));
    expect_pa(VA, RF_READ, RF_TLB_USER, PA);
    expect_pa(VA, RF_WRITE, RF_TLB_USER, PA);
}
END_TEST

START_TEST(reserved_bit_above_a_missing_entry_is_found_first)
{
    paging_map(&m, VA, PA, PTE_USER);
    *entry(VA, 1) = 0;
    *entry(VA, 3) |= RF_BIT(50);
    expect_fault(VA, RF_READ, RF_TLB_USER, RF_PF_P | RF_PF_RSVD | RF_PF_U);
}
END_TEST

START_TEST(missing_entry_above_a_reserved_bit_is_found_first)
{
    paging_map(&m, VA, PA, PTE_USER);
    *entry(VA, 1) |= RF_BIT(50);
    *entry(VA, 3) &= ~RF_PTE_P;
    expect_fault(VA, RF_READ, RF_TLB_USER, RF_PF_U);
}
END_TEST

START_TEST(reserved_bits_and_absence_precede_rights)
{
    paging_map(&m, VA, PA, RF_PTE_P);
    *entry(VA, 4) &= ~(RF_PTE_U | RF_PTE_W);
    expect_fault(VA, RF_WRITE, RF_TLB_USER, RF_PF_P | RF_PF_W | RF_PF_U);
    *entry(VA, 1) |= RF_BIT(47);
    expect_fault(VA, RF_WRITE, RF_TLB_USER, RF_PF_P | RF_PF_RSVD | RF_PF_W | RF_PF_U);
    *entry(VA, 1) = 0;
    expect_fault(VA, RF_WRITE, RF_TLB_USER, RF_PF_W | RF_PF_U);
}
END_TEST

START_TEST(table_outside_ram_reads_as_reserved_bits)
{
    paging_map(&m, VA, PA, PTE_USER);
    *entry(VA, (unsigned)_i) = PAGING_RAM | PTE_USER;
    expect_fault(VA, RF_READ, RF_TLB_SUPERVISOR, RF_PF_P | RF_PF_RSVD);
    rf_mmu_set_cr3(&m.mmu, PAGING_RAM);
    expect_fault(VA, RF_READ, RF_TLB_SUPERVISOR, RF_PF_P | RF_PF_RSVD);
}
END_TEST

/* ---- The I/D flag (SDM 3A, 4.7) ------------------------------------------ */

START_TEST(fetch_flag_needs_nxe_or_smep)
{
    uint64_t efer = RF_EFER_LME | RF_EFER_LMA;
    rf_mmu_set_efer(&m.mmu, efer);
    expect_fault(VA, RF_FETCH, RF_TLB_USER, RF_PF_U);
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_SMEP);
    expect_fault(VA, RF_FETCH, RF_TLB_USER, RF_PF_U | RF_PF_I);
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 & ~RF_CR4_SMEP);
    rf_mmu_set_efer(&m.mmu, efer | RF_EFER_NXE);
    expect_fault(VA, RF_FETCH, RF_TLB_USER, RF_PF_U | RF_PF_I);
    expect_fault(VA, RF_READ, RF_TLB_USER, RF_PF_U);
}
END_TEST

/* ---- Accessed and dirty (SDM 3A, 4.8) ------------------------------------ */

static uint64_t flags_at(uint64_t va, unsigned level)
{
    return *entry(va, level) & (RF_PTE_A | RF_PTE_D);
}

static void expect_flags(uint64_t va, unsigned top, uint64_t leaf, uint64_t above)
{
    for (unsigned level = 1; level <= top; level++)
        ck_assert_msg(flags_at(va, level) == (level == 1 ? leaf : above), "level %u: %#jx",
                      level, (uintmax_t)flags_at(va, level));
}

START_TEST(read_sets_accessed_everywhere)
{
    paging_map(&m, VA, PA, PTE_USER);
    expect_pa(VA, RF_READ, RF_TLB_USER, PA);
    expect_flags(VA, 4, RF_PTE_A, RF_PTE_A);
}
END_TEST

START_TEST(fetch_sets_accessed_everywhere)
{
    paging_map(&m, VA, PA, PTE_USER);
    expect_pa(VA, RF_FETCH, RF_TLB_USER, PA);
    expect_flags(VA, 4, RF_PTE_A, RF_PTE_A);
}
END_TEST

START_TEST(write_sets_dirty_in_the_leaf_only)
{
    paging_map(&m, VA, PA, PTE_USER);
    expect_pa(VA, RF_WRITE, RF_TLB_USER, PA);
    expect_flags(VA, 4, RF_PTE_A | RF_PTE_D, RF_PTE_A);
}
END_TEST

START_TEST(write_after_read_sets_dirty)
{
    paging_map(&m, VA, PA, PTE_USER);
    expect_pa(VA, RF_READ, RF_TLB_USER, PA);
    ck_assert_ptr_null(rf_tlb_write(m.mmu.set->entry[RF_TLB_USER], VA, 1));
    expect_pa(VA, RF_WRITE, RF_TLB_USER, PA);
    ck_assert_uint_eq(flags_at(VA, 1), RF_PTE_A | RF_PTE_D);
    ck_assert_ptr_nonnull(rf_tlb_write(m.mmu.set->entry[RF_TLB_USER], VA, 1));
}
END_TEST

START_TEST(write_to_large_pages_sets_dirty_at_their_level)
{
    for (unsigned level = 2; level <= 3; level++) {
        uint64_t va = (uint64_t)level << 39;
        paging_map_at(&m, level, va, 0, PTE_USER);
        expect_pa(va, RF_WRITE, RF_TLB_USER, 0);
        ck_assert_uint_eq(flags_at(va, level), RF_PTE_A | RF_PTE_D);
        ck_assert_uint_eq(flags_at(va, 4), RF_PTE_A);
    }
}
END_TEST

START_TEST(la57_sets_accessed_in_the_pml5e)
{
    la57_on();
    paging_map(&m, VA57, PA, PTE_USER);
    expect_pa(VA57, RF_WRITE, RF_TLB_USER, PA);
    expect_flags(VA57, 5, RF_PTE_A | RF_PTE_D, RF_PTE_A);
}
END_TEST

START_TEST(refused_access_sets_nothing)
{
    paging_map(&m, VA, PA, RF_PTE_P | RF_PTE_U);
    expect_fault(VA, RF_WRITE, RF_TLB_USER, RF_PF_P | RF_PF_W | RF_PF_U);
    expect_flags(VA, 4, 0, 0);
    *entry(VA, 1) = 0;
    expect_fault(VA, RF_READ, RF_TLB_USER, RF_PF_U);
    expect_flags(VA, 4, 0, 0);
}
END_TEST

START_TEST(explain_sets_nothing_and_counts_nothing)
{
    struct rf_walk walk;
    paging_map(&m, VA, PA, PTE_USER);
    rf_mmu_explain(&m.mmu, VA, RF_WRITE, RF_TLB_USER, &walk);
    ck_assert(walk.ok);
    ck_assert(!walk.dirty);
    expect_flags(VA, 4, 0, 0);
    ck_assert_uint_eq(m.mmu.counts.walks, 0);
    ck_assert_ptr_null(rf_tlb_read(m.mmu.set->entry[RF_TLB_USER], VA, 1));
}
END_TEST

static uint64_t announced_pa, announced_size, announced_value;
static unsigned announced;

static void on_code_write(void *user, uint64_t pa, uint64_t size)
{
    ck_assert_ptr_eq(user, &m);
    announced_pa = pa;
    announced_size = size;
    announced_value = paging_peek(&m, pa);
    announced++;
}

START_TEST(flag_updates_in_code_pages_are_announced_once)
{
    paging_map(&m, VA, PA, PTE_USER);
    uint64_t leaf = paging_entry(&m, PAGING_ROOT, VA, 1);
    m.mmu.code_write = on_code_write;
    m.mmu.code_write_user = &m;
    rf_mmu_mark_code(&m.mmu, leaf);
    expect_pa(VA, RF_READ, RF_TLB_USER, PA);
    ck_assert_uint_eq(announced, 1);
    ck_assert_uint_eq(announced_pa, leaf);
    ck_assert_uint_eq(announced_size, 8);
    ck_assert_uint_eq(announced_value, PA | PTE_USER); /* told before the change */
    rf_mmu_flush_all(&m.mmu);
    expect_pa(VA, RF_READ, RF_TLB_USER, PA); /* A is set already */
    ck_assert_uint_eq(announced, 1);
}
END_TEST

/* ---- Explanations -------------------------------------------------------------- */

START_TEST(explain_tells_each_step)
{
    struct rf_walk walk;
    paging_map(&m, VA, PA, PTE_USER);
    rf_mmu_explain(&m.mmu, VA + 5, RF_READ, RF_TLB_USER, &walk);
    ck_assert(walk.ok);
    ck_assert_ptr_null(walk.refused_by);
    ck_assert_uint_eq(walk.pa, PA + 5);
    ck_assert_uint_eq(walk.step_count, 4);
    uint64_t table = PAGING_ROOT;
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(walk.step[i].level, 4 - i);
        ck_assert_uint_eq(walk.step[i].table, table);
        ck_assert_uint_eq(walk.step[i].entry_pa, paging_entry(&m, PAGING_ROOT, VA, 4 - i));
        ck_assert_uint_eq(walk.step[i].entry, *entry(VA, 4 - i));
        table = walk.step[i].entry & ADDRESS_BITS;
    }
}
END_TEST

START_TEST(explain_tells_combined_rights)
{
    struct rf_walk walk;
    paging_map(&m, VA, PA, PTE_USER | RF_PTE_G | RF_PTE_D | PTE_KEY(9));
    rf_mmu_explain(&m.mmu, VA, RF_READ, RF_TLB_SUPERVISOR, &walk);
    ck_assert(walk.writable && walk.user && walk.executable && walk.global && walk.dirty);
    ck_assert_uint_eq(walk.protection_key, 9);
    *entry(VA, 4) &= ~RF_PTE_W;
    *entry(VA, 3) &= ~RF_PTE_U;
    *entry(VA, 2) |= RF_PTE_NX;
    rf_mmu_explain(&m.mmu, VA, RF_READ, RF_TLB_SUPERVISOR, &walk);
    ck_assert(walk.ok && !walk.writable && !walk.user && !walk.executable);
}
END_TEST

START_TEST(explain_tells_global_only_with_pge)
{
    struct rf_walk walk;
    paging_map(&m, VA, PA, PTE_USER | RF_PTE_G);
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 & ~RF_CR4_PGE);
    rf_mmu_explain(&m.mmu, VA, RF_READ, RF_TLB_USER, &walk);
    ck_assert(walk.ok && !walk.global);
}
END_TEST

START_TEST(explain_tells_page_sizes)
{
    struct rf_walk walk;
    static const uint8_t shift[] = {0, 12, 21, 30};
    for (unsigned level = 1; level <= 3; level++) {
        uint64_t va = (uint64_t)level << 39;
        paging_map_at(&m, level, va, 0, PTE_USER);
        rf_mmu_explain(&m.mmu, va, RF_READ, RF_TLB_USER, &walk);
        ck_assert_uint_eq(walk.page_shift, shift[level]);
        ck_assert_uint_eq(walk.step_count, 5 - level);
    }
}
END_TEST

START_TEST(explain_stops_at_the_entry_that_refuses)
{
    struct rf_walk walk;
    paging_map(&m, VA, PA, PTE_USER);
    *entry(VA, 2) = 0;
    rf_mmu_explain(&m.mmu, VA, RF_READ, RF_TLB_USER, &walk);
    ck_assert_uint_eq(walk.step_count, 3);
    ck_assert_uint_eq(walk.step[2].level, 2);
    ck_assert_uint_eq(walk.step[2].entry, 0);
    ck_assert_uint_eq(walk.fault.address, VA);
}
END_TEST

START_TEST(explain_without_paging_has_no_steps)
{
    struct rf_walk walk;
    rf_mmu_set_cr0(&m.mmu, RF_CR0_PE);
    rf_mmu_explain(&m.mmu, 0x1234, RF_WRITE, RF_TLB_USER, &walk);
    ck_assert(walk.ok);
    ck_assert_uint_eq(walk.step_count, 0);
    ck_assert_uint_eq(walk.pa, 0x1234);
}
END_TEST

/* One way to be refused: set and clear change the entry at a level, the other fields
 * set registers; the text must begin so and name the level. */
static const struct reason {
    unsigned level;
    uint64_t set, clear, cr4, efer_off;
    uint32_t pkru, pkrs;
    enum rf_access access;
    enum rf_tlb_mode mode;
    const char *text, *also;
} reasons[] = {
    {4, 0, RF_PTE_P, 0, 0, 0, 0, RF_READ, RF_TLB_USER, "P = 0 in the PML4E", "level 4"},
    {3, 0, RF_PTE_P, 0, 0, 0, 0, RF_READ, RF_TLB_USER, "P = 0 in the PDPTE", "level 3"},
    {2, 0, RF_PTE_P, 0, 0, 0, 0, RF_READ, RF_TLB_USER, "P = 0 in the PDE", "level 2"},
    {1, 0, RF_PTE_P, 0, 0, 0, 0, RF_READ, RF_TLB_USER, "P = 0 in the PTE", "level 1"},
    {1, RF_BIT(51), 0, 0, 0, 0, 0, RF_READ, RF_TLB_USER, "a reserved bit of 46 to 51", "PTE"},
    {4, RF_PTE_PS, 0, 0, 0, 0, 0, RF_READ, RF_TLB_USER, "the reserved bit PS", "PML4E"},
    {2, RF_PTE_PS, 0, 0, 0, 0, 0, RF_READ, RF_TLB_USER, "a reserved address bit", "PDE"},
    {3, RF_PTE_NX, 0, 0, RF_EFER_NXE, 0, 0, RF_READ, RF_TLB_USER, "XD = 1", "EFER.NXE = 0"},
    {3, 0, RF_PTE_U, 0, 0, 0, 0, RF_READ, RF_TLB_USER, "U/S = 0 in the PDPTE", "user access"},
    {2, 0, RF_PTE_W, 0, 0, 0, 0, RF_WRITE, RF_TLB_USER, "R/W = 0 in the PDE", "user write"},
    {1, 0, RF_PTE_W, 0, 0, 0, 0, RF_WRITE, RF_TLB_SUPERVISOR, "R/W = 0 in the PTE", "CR0.WP"},
    {4, RF_PTE_NX, 0, 0, 0, 0, 0, RF_FETCH, RF_TLB_USER, "XD = 1 in the PML4E", "fetch"},
    {1, 0, 0, RF_CR4_SMEP, 0, 0, 0, RF_FETCH, RF_TLB_SUPERVISOR, "CR4.SMEP = 1", "user page"},
    {1, 0, 0, RF_CR4_SMAP, 0, 0, 0, RF_READ, RF_TLB_SUPERVISOR, "CR4.SMAP = 1", "RFLAGS.AC"},
    {1, PTE_KEY(2), 0, RF_CR4_PKE, 0, 0x10, 0, RF_READ, RF_TLB_USER, "PKRU.AD = 1", "key"},
    {1, PTE_KEY(2), 0, RF_CR4_PKE, 0, 0x20, 0, RF_WRITE, RF_TLB_USER, "PKRU.WD = 1", "key"},
    {1, PTE_KEY(2), RF_PTE_U, RF_CR4_PKS, 0, 0, 0x10, RF_READ, RF_TLB_SUPERVISOR,
     "IA32_PKRS.AD = 1", "key"},
    {1, PTE_KEY(2), RF_PTE_U, RF_CR4_PKS, 0, 0, 0x20, RF_WRITE, RF_TLB_SUPERVISOR,
     "IA32_PKRS.WD = 1", "key"},
};

START_TEST(explain_names_the_rule)
{
    const struct reason *reason = &reasons[_i];
    struct rf_walk walk;
    paging_map(&m, VA, PA, PTE_USER);
    uint64_t *changed = entry(VA, reason->level);
    *changed = (*changed | reason->set) & ~reason->clear;
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | reason->cr4);
    rf_mmu_set_efer(&m.mmu, m.mmu.efer & ~reason->efer_off);
    rf_mmu_set_pkru(&m.mmu, reason->pkru);
    rf_mmu_set_pkrs(&m.mmu, reason->pkrs);
    rf_mmu_explain(&m.mmu, VA, reason->access, reason->mode, &walk);
    ck_assert(!walk.ok);
    ck_assert_msg(strncmp(walk.refused_by, reason->text, strlen(reason->text)) == 0 &&
                      strstr(walk.refused_by, reason->also),
                  "got \"%s\", wanted \"%s ... %s\"", walk.refused_by, reason->text,
                  reason->also);
}
END_TEST

START_TEST(explain_names_the_highest_guilty_level)
{
    struct rf_walk walk;
    paging_map(&m, VA, PA, RF_PTE_P | RF_PTE_U);
    *entry(VA, 3) &= ~RF_PTE_W;
    rf_mmu_explain(&m.mmu, VA, RF_WRITE, RF_TLB_USER, &walk);
    ck_assert_ptr_nonnull(strstr(walk.refused_by, "level 3"));
}
END_TEST

START_TEST(explain_tells_noncanonical_addresses)
{
    struct rf_walk walk;
    rf_mmu_explain(&m.mmu, UINT64_C(0x800000000000), RF_READ, RF_TLB_USER, &walk);
    ck_assert_int_eq(walk.fault.kind, RF_FAULT_NONCANONICAL);
    ck_assert_ptr_nonnull(strstr(walk.refused_by, "63 to 47"));
    la57_on();
    rf_mmu_explain(&m.mmu, UINT64_C(0x0100000000000000), RF_READ, RF_TLB_USER, &walk);
    ck_assert_ptr_nonnull(strstr(walk.refused_by, "63 to 56"));
}
END_TEST

/* ---- Suite --------------------------------------------------------------------- */

static void add_translation(TCase *tcase)
{
    tcase_add_test(tcase, paging_off_is_identity_for_everyone);
    tcase_add_test(tcase, paging_off_reaches_beyond_ram_as_open_bus);
    tcase_add_test(tcase, switching_paging_off_forgets_translations);
    tcase_add_test(tcase, page_4k_keeps_the_low_12_bits);
    tcase_add_test(tcase, page_2m_keeps_the_low_21_bits);
    tcase_add_test(tcase, page_1g_keeps_the_low_30_bits);
    tcase_add_test(tcase, pat_bit_of_a_large_page_is_not_address);
    tcase_add_test(tcase, pat_bit_of_a_4k_page_is_ignored);
    tcase_add_test(tcase, both_ends_of_the_address_space_translate);
    tcase_add_test(tcase, noncanonical_addresses_are_refused_before_the_walk);
    tcase_add_test(tcase, la57_walks_five_levels);
    tcase_add_test(tcase, la57_high_half_translates);
    tcase_add_test(tcase, la57_moves_the_canonical_bounds);
    tcase_add_test(tcase, cr3_flags_and_pcid_are_not_address);
    tcase_add_test(tcase, recursive_entry_serves_two_levels);
    tcase_add_test(tcase, walks_and_levels_are_counted);
}

static void add_refusals(TCase *tcase)
{
    tcase_add_loop_test(tcase, not_present_at_any_level, 1, 5);
    tcase_add_loop_test(tcase, not_present_hides_every_other_bit_of_the_entry, 1, 5);
    tcase_add_test(tcase, not_present_pml5e);
    tcase_add_loop_test(tcase, address_bits_above_46_are_reserved_at_any_level, 1, 5);
    tcase_add_test(tcase, address_bits_above_46_are_reserved_in_large_leaves);
    tcase_add_test(tcase, ps_is_reserved_in_a_pml4e);
    tcase_add_test(tcase, ps_is_reserved_in_a_pml5e);
    tcase_add_test(tcase, bits_13_to_20_are_reserved_in_a_2m_leaf);
    tcase_add_test(tcase, bits_13_to_29_are_reserved_in_a_1g_leaf);
    tcase_add_loop_test(tcase, xd_is_reserved_at_any_level_without_nxe, 1, 5);
    tcase_add_loop_test(tcase, software_bits_are_ignored_at_any_level, 1, 5);
    tcase_add_test(tcase, reserved_bit_above_a_missing_entry_is_found_first);
    tcase_add_test(tcase, missing_entry_above_a_reserved_bit_is_found_first);
    tcase_add_test(tcase, reserved_bits_and_absence_precede_rights);
    tcase_add_loop_test(tcase, table_outside_ram_reads_as_reserved_bits, 2, 5);
    tcase_add_test(tcase, fetch_flag_needs_nxe_or_smep);
}

static void add_flags(TCase *tcase)
{
    tcase_add_test(tcase, read_sets_accessed_everywhere);
    tcase_add_test(tcase, fetch_sets_accessed_everywhere);
    tcase_add_test(tcase, write_sets_dirty_in_the_leaf_only);
    tcase_add_test(tcase, write_after_read_sets_dirty);
    tcase_add_test(tcase, write_to_large_pages_sets_dirty_at_their_level);
    tcase_add_test(tcase, la57_sets_accessed_in_the_pml5e);
    tcase_add_test(tcase, refused_access_sets_nothing);
    tcase_add_test(tcase, explain_sets_nothing_and_counts_nothing);
    tcase_add_test(tcase, flag_updates_in_code_pages_are_announced_once);
}

static void add_explanations(TCase *tcase)
{
    tcase_add_test(tcase, explain_tells_each_step);
    tcase_add_test(tcase, explain_tells_combined_rights);
    tcase_add_test(tcase, explain_tells_global_only_with_pge);
    tcase_add_test(tcase, explain_tells_page_sizes);
    tcase_add_test(tcase, explain_stops_at_the_entry_that_refuses);
    tcase_add_test(tcase, explain_without_paging_has_no_steps);
    tcase_add_loop_test(tcase, explain_names_the_rule, 0, (int)RF_ARRAY_SIZE(reasons));
    tcase_add_test(tcase, explain_names_the_highest_guilty_level);
    tcase_add_test(tcase, explain_tells_noncanonical_addresses);
}

static void add_case(Suite *suite, const char *name, void (*add)(TCase *))
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, setup, teardown);
    add(tcase);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("mmu");
    add_case(suite, "translation", add_translation);
    add_case(suite, "refusals", add_refusals);
    add_case(suite, "accessed and dirty", add_flags);
    add_case(suite, "explanations", add_explanations);
    return run_suite(suite);
}
