/* What the TLB remembers and what makes it forget (SDM 3A, 4.10): INVLPG, register
 * writes, global pages, page faults. Several PCIDs are in check_tlb_spaces.c. */
#include "lib/tlb_case.h"
#include "lib/suite.h"

#include <check.h>
#include <stdlib.h>

/* ---- Staleness and INVLPG ------------------------------------------------------ */

START_TEST(changed_entry_is_not_seen_until_invlpg)
{
    make_stale(VA, PTE_USER);
    rf_mmu_invlpg(&m.mmu, VA + 0x123);
    ck_assert_uint_eq(seen(VA), NEW);
}
END_TEST

START_TEST(removed_entry_is_not_seen_until_invlpg)
{
    make_stale(VA, PTE_USER);
    paging_map(&m, VA, 0, 0);
    ck_assert_uint_eq(seen(VA), OLD);
    rf_mmu_invlpg(&m.mmu, VA);
    ck_assert_uint_eq(seen(VA), NOT_MAPPED);
}
END_TEST

START_TEST(absence_is_never_cached)
{
    ck_assert_uint_eq(seen(VA), NOT_MAPPED);
    paging_map(&m, VA, NEW, PTE_USER);
    ck_assert_uint_eq(seen(VA), NEW);
}
END_TEST

START_TEST(more_rights_need_no_invlpg)
{
    paging_map(&m, VA, OLD, RF_PTE_P | RF_PTE_U | RF_PTE_NX);
    ck_assert_uint_eq(seen(VA), OLD);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), NOT_MAPPED);
    paging_map(&m, VA, OLD, PTE_USER);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), OLD);
    ck_assert_uint_eq(go(VA, RF_FETCH, USER), OLD);
}
END_TEST

START_TEST(fewer_rights_are_not_seen_until_invlpg)
{
    paging_map(&m, VA, OLD, PTE_USER);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), OLD);
    paging_map(&m, VA, OLD, RF_PTE_P | RF_PTE_U | RF_PTE_NX);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), OLD);
    ck_assert_uint_eq(go(VA, RF_FETCH, USER), OLD);
    rf_mmu_invlpg(&m.mmu, VA);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), NOT_MAPPED);
    ck_assert_uint_eq(go(VA, RF_FETCH, USER), NOT_MAPPED);
}
END_TEST

START_TEST(page_fault_forgets_the_page)
{
    paging_map(&m, VA, OLD, RF_PTE_P | RF_PTE_U);
    ck_assert_uint_eq(seen(VA), OLD);
    ck_assert_uint_eq(go(VA, RF_READ, RF_TLB_SUPERVISOR), OLD);
    paging_map(&m, VA, 0, 0);
    ck_assert_uint_eq(seen(VA), OLD);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), NOT_MAPPED);
    ck_assert_uint_eq(seen(VA), NOT_MAPPED);
    ck_assert_uint_eq(go(VA, RF_READ, RF_TLB_SUPERVISOR), NOT_MAPPED);
}
END_TEST

START_TEST(page_fault_leaves_other_pages)
{
    make_stale(VA, PTE_USER);
    uint64_t same_index = VA + RF_TLB_ENTRIES * RF_PAGE_SIZE;
    ck_assert_uint_eq(seen(same_index), NOT_MAPPED);
    ck_assert_uint_eq(seen(VA), OLD);
}
END_TEST

START_TEST(cleared_dirty_bit_is_set_again_after_invlpg)
{
    paging_map(&m, VA, OLD, PTE_USER);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), OLD);
    uint64_t leaf = paging_entry(&m, PAGING_ROOT, VA, 1);
    paging_poke(&m, leaf, OLD | PTE_USER);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), OLD);
    ck_assert_uint_eq(paging_peek(&m, leaf), OLD | PTE_USER);
    rf_mmu_invlpg(&m.mmu, VA);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), OLD);
    ck_assert_uint_eq(paging_peek(&m, leaf), OLD | PTE_USER | RF_PTE_A | RF_PTE_D);
}
END_TEST

START_TEST(invlpg_reaches_every_mode)
{
    make_stale(VA, PTE_USER);
    rf_mmu_invlpg(&m.mmu, VA);
    for (int mode = 0; mode < RF_TLB_MODES; mode++)
        ck_assert_uint_eq(go(VA, RF_READ, (enum rf_tlb_mode)mode), NEW);
}
END_TEST

START_TEST(invlpg_leaves_other_pages)
{
    make_stale(VA, PTE_USER);
    rf_mmu_invlpg(&m.mmu, VA + RF_PAGE_SIZE);
    rf_mmu_invlpg(&m.mmu, VA - 1);
    rf_mmu_invlpg(&m.mmu, VA + RF_TLB_ENTRIES * RF_PAGE_SIZE);
    ck_assert_uint_eq(seen(VA), OLD);
}
END_TEST

START_TEST(invlpg_forgets_global_pages)
{
    make_stale(VA, GLOBAL);
    rf_mmu_invlpg(&m.mmu, VA);
    ck_assert_uint_eq(seen(VA), NEW);
}
END_TEST

START_TEST(invlpg_of_anything_is_harmless)
{
    make_stale(VA, PTE_USER);
    rf_mmu_invlpg(&m.mmu, UINT64_MAX);
    rf_mmu_invlpg(&m.mmu, 0);
    rf_mmu_invlpg(&m.mmu, UINT64_C(0x8000000000000000));
    ck_assert_uint_eq(seen(VA), OLD);
}
END_TEST

/* _i is the level: 2M or 1G. */
START_TEST(invlpg_forgets_a_large_page_wholly)
{
    unsigned level = (unsigned)_i;
    uint64_t size = RF_PAGE_SIZE << (9 * (level - 1)), base = UINT64_C(5) << 39;
    paging_map_at(&m, level, base, 0, PTE_USER);
    paging_map(&m, VA, OLD, PTE_USER);
    paging_map(&m, base - RF_PAGE_SIZE, OLD, PTE_USER);
    paging_map(&m, base + size, OLD, PTE_USER);
    for (uint64_t at = 0; at < 40; at++)
        ck_assert_uint_eq(seen(base + at * RF_PAGE_SIZE), at * RF_PAGE_SIZE);
    const uint64_t others[] = {VA, base - RF_PAGE_SIZE, base + size};
    for (unsigned i = 0; i < RF_ARRAY_SIZE(others); i++) {
        ck_assert_uint_eq(seen(others[i]), OLD);
        paging_map(&m, others[i], NEW, PTE_USER);
    }
    paging_map_at(&m, level, base, 0, 0);
    ck_assert_uint_eq(seen(base + 0x1000), 0x1000);
    rf_mmu_invlpg(&m.mmu, base + size - 1);
    for (uint64_t at = 0; at < 40; at++)
        ck_assert_uint_eq(seen(base + at * RF_PAGE_SIZE), NOT_MAPPED);
    for (unsigned i = 0; i < RF_ARRAY_SIZE(others); i++)
        ck_assert_uint_eq(seen(others[i]), OLD);
}
END_TEST

START_TEST(invlpg_of_a_small_page_among_large_ones_is_exact)
{
    paging_map_at(&m, 2, 0, 0, PTE_USER);
    paging_map_at(&m, 2, UINT64_C(0x800000), 0, PTE_USER);
    ck_assert_uint_eq(seen(0x1000), 0x1000);
    ck_assert_uint_eq(seen(UINT64_C(0x801000)), 0x1000);
    make_stale(UINT64_C(0x400000), PTE_USER);
    make_stale(UINT64_C(0x402000), PTE_USER);
    rf_mmu_invlpg(&m.mmu, UINT64_C(0x400000));
    ck_assert_uint_eq(seen(UINT64_C(0x400000)), NEW);
    ck_assert_uint_eq(seen(UINT64_C(0x402000)), OLD);
}
END_TEST

/* ---- Filling ------------------------------------------------------------------- */

START_TEST(hit_costs_no_walk)
{
    paging_map(&m, VA, OLD, PTE_USER);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_eq(go(VA, RF_WRITE, USER), OLD);
    ck_assert_uint_eq(m.mmu.counts.walks, 1);
}
END_TEST

START_TEST(modes_share_translations)
{
    paging_map(&m, VA, OLD, PTE_USER);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), OLD);
    ck_assert_uint_eq(go(VA, RF_WRITE, RF_TLB_SUPERVISOR), OLD);
    ck_assert_uint_eq(go(VA, RF_READ, RF_TLB_SUPERVISOR_AC), OLD);
    ck_assert_uint_eq(m.mmu.counts.walks, 1);
    ck_assert_ptr_nonnull(rf_tlb_write(m.mmu.set->entry[RF_TLB_SUPERVISOR], VA, 1));
}
END_TEST

START_TEST(sharing_respects_smap)
{
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_SMAP);
    paging_map(&m, VA, OLD, PTE_USER);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), OLD);
    ck_assert_uint_eq(go(VA, RF_READ, RF_TLB_SUPERVISOR), NOT_MAPPED);
    ck_assert_uint_eq(go(VA, RF_READ, RF_TLB_SUPERVISOR_AC), OLD);
    ck_assert_ptr_null(rf_tlb_read(m.mmu.set->entry[RF_TLB_SUPERVISOR], VA, 1));
}
END_TEST

START_TEST(pages_of_one_index_replace_each_other)
{
    uint64_t rival = VA + RF_TLB_ENTRIES * RF_PAGE_SIZE;
    paging_map(&m, VA, OLD, PTE_USER);
    paging_map(&m, rival, NEW, PTE_USER);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(seen(VA), OLD);
        ck_assert_uint_eq(seen(rival), NEW);
    }
    ck_assert_uint_eq(m.mmu.counts.walks, 6);
}
END_TEST

START_TEST(every_index_holds_a_page)
{
    for (uint64_t i = 0; i < RF_TLB_ENTRIES; i++) {
        paging_map(&m, VA + i * RF_PAGE_SIZE, OLD + i * RF_PAGE_SIZE, PTE_USER);
        ck_assert_uint_eq(seen(VA + i * RF_PAGE_SIZE), OLD + i * RF_PAGE_SIZE);
    }
    m.mmu.counts.walks = 0;
    for (uint64_t i = 0; i < RF_TLB_ENTRIES; i++)
        ck_assert_uint_eq(seen(VA + i * RF_PAGE_SIZE), OLD + i * RF_PAGE_SIZE);
    ck_assert_uint_eq(m.mmu.counts.walks, 0);
    rf_mmu_flush_all(&m.mmu);
    for (uint64_t i = 0; i < RF_TLB_ENTRIES; i++)
        ck_assert_ptr_null(rf_tlb_read(m.mmu.set->entry[USER], VA + i * RF_PAGE_SIZE, 1));
}
END_TEST

/* ---- Register writes ----------------------------------------------------------- */

START_TEST(cr3_write_forgets)
{
    make_stale(VA, PTE_USER);
    rf_mmu_set_cr3(&m.mmu, m.mmu.cr3);
    ck_assert_uint_eq(seen(VA), NEW);
}
END_TEST

START_TEST(cr3_write_changes_the_root)
{
    uint64_t second = paging_new_table(&m);
    paging_map(&m, VA, OLD, PTE_USER);
    ck_assert_uint_eq(seen(VA), OLD);
    rf_mmu_set_cr3(&m.mmu, second);
    ck_assert_uint_eq(seen(VA), NOT_MAPPED);
    paging_map(&m, VA, NEW, PTE_USER);
    ck_assert_uint_eq(seen(VA), NEW);
    rf_mmu_set_cr3(&m.mmu, PAGING_ROOT);
    ck_assert_uint_eq(seen(VA), OLD);
}
END_TEST

START_TEST(global_page_outlives_cr3_writes)
{
    make_stale(VA, GLOBAL);
    make_stale(OTHER, PTE_USER);
    rf_mmu_set_cr3(&m.mmu, paging_new_table(&m));
    ck_assert_uint_eq(seen(VA), OLD);
    ck_assert_uint_eq(seen(OTHER), NOT_MAPPED);
    rf_mmu_set_cr3(&m.mmu, PAGING_ROOT);
    ck_assert_uint_eq(seen(VA), OLD);
    ck_assert_uint_eq(seen(OTHER), NEW);
}
END_TEST

START_TEST(global_bit_means_nothing_without_pge)
{
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 & ~RF_CR4_PGE);
    make_stale(VA, GLOBAL);
    rf_mmu_set_cr3(&m.mmu, m.mmu.cr3);
    ck_assert_uint_eq(seen(VA), NEW);
}
END_TEST

START_TEST(global_bit_of_an_upper_level_means_nothing)
{
    make_stale(VA, PTE_USER);
    for (unsigned level = 2; level <= 4; level++) {
        uint64_t entry = paging_entry(&m, PAGING_ROOT, VA, level);
        paging_poke(&m, entry, paging_peek(&m, entry) | RF_PTE_G);
    }
    rf_mmu_invlpg(&m.mmu, VA);
    make_stale(VA, PTE_USER);
    rf_mmu_set_cr3(&m.mmu, m.mmu.cr3);
    ck_assert_uint_eq(seen(VA), NEW);
}
END_TEST

/* CR4 bits whose change must forget everything, global pages included. */
static const uint64_t flushing_cr4[] = {RF_CR4_PGE, RF_CR4_PAE, RF_CR4_PCIDE, RF_CR4_SMEP};

START_TEST(cr4_change_forgets_global_pages_too)
{
    make_stale(VA, GLOBAL);
    make_stale(OTHER, PTE_USER);
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 ^ flushing_cr4[_i]);
    ck_assert_uint_eq(seen(VA), NEW);
    ck_assert_uint_eq(seen(OTHER), NEW);
}
END_TEST

START_TEST(la57_change_forgets)
{
    make_stale(VA, GLOBAL);
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_LA57);
    ck_assert_uint_eq(seen(VA), NOT_MAPPED);
}
END_TEST

START_TEST(nxe_change_forgets)
{
    make_stale(VA, GLOBAL);
    rf_mmu_set_efer(&m.mmu, m.mmu.efer & ~RF_EFER_NXE);
    ck_assert_uint_eq(seen(VA), NEW);
}
END_TEST

START_TEST(unchanged_registers_forget_nothing)
{
    make_stale(VA, PTE_USER);
    uint32_t generation = m.mmu.generation;
    rf_mmu_set_cr0(&m.mmu, m.mmu.cr0);
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4);
    rf_mmu_set_efer(&m.mmu, m.mmu.efer);
    rf_mmu_set_pkru(&m.mmu, m.mmu.pkru);
    ck_assert_uint_eq(seen(VA), OLD);
    ck_assert_uint_eq(m.mmu.generation, generation);
}
END_TEST

START_TEST(flush_all_forgets_every_space)
{
    pcid_on();
    make_stale(VA, GLOBAL);
    enter(5);
    make_stale(OTHER, PTE_USER);
    enter(0);
    rf_mmu_flush_all(&m.mmu);
    ck_assert_uint_eq(seen(VA), NEW);
    enter(5);
    ck_assert_uint_eq(seen(OTHER), NEW);
}
END_TEST

START_TEST(flushes_are_counted)
{
    uint64_t before = m.mmu.counts.flushes;
    rf_mmu_set_cr3(&m.mmu, PAGING_ROOT);
    rf_mmu_flush_all(&m.mmu);
    rf_mmu_invlpg(&m.mmu, VA);
    ck_assert_uint_eq(m.mmu.counts.flushes, before + 2);
    pcid_on();
    enter(1);
    ck_assert_uint_eq(m.mmu.counts.flushes, before + 3);
    rf_mmu_set_cr3(&m.mmu, PAGING_ROOT | 2);
    ck_assert_uint_eq(m.mmu.counts.flushes, before + 4);
}
END_TEST

/* ---- Suite --------------------------------------------------------------------- */

static void add_staleness(TCase *tcase)
{
    tcase_add_test(tcase, changed_entry_is_not_seen_until_invlpg);
    tcase_add_test(tcase, removed_entry_is_not_seen_until_invlpg);
    tcase_add_test(tcase, absence_is_never_cached);
    tcase_add_test(tcase, more_rights_need_no_invlpg);
    tcase_add_test(tcase, fewer_rights_are_not_seen_until_invlpg);
    tcase_add_test(tcase, page_fault_forgets_the_page);
    tcase_add_test(tcase, page_fault_leaves_other_pages);
    tcase_add_test(tcase, cleared_dirty_bit_is_set_again_after_invlpg);
    tcase_add_test(tcase, invlpg_reaches_every_mode);
    tcase_add_test(tcase, invlpg_leaves_other_pages);
    tcase_add_test(tcase, invlpg_forgets_global_pages);
    tcase_add_test(tcase, invlpg_of_anything_is_harmless);
    tcase_add_loop_test(tcase, invlpg_forgets_a_large_page_wholly, 2, 4);
    tcase_add_test(tcase, invlpg_of_a_small_page_among_large_ones_is_exact);
}

static void add_filling(TCase *tcase)
{
    tcase_add_test(tcase, hit_costs_no_walk);
    tcase_add_test(tcase, modes_share_translations);
    tcase_add_test(tcase, sharing_respects_smap);
    tcase_add_test(tcase, pages_of_one_index_replace_each_other);
    tcase_add_test(tcase, every_index_holds_a_page);
}

static void add_registers(TCase *tcase)
{
    tcase_add_test(tcase, cr3_write_forgets);
    tcase_add_test(tcase, cr3_write_changes_the_root);
    tcase_add_test(tcase, global_page_outlives_cr3_writes);
    tcase_add_test(tcase, global_bit_means_nothing_without_pge);
    tcase_add_test(tcase, global_bit_of_an_upper_level_means_nothing);
    tcase_add_loop_test(tcase, cr4_change_forgets_global_pages_too, 0,
                        (int)RF_ARRAY_SIZE(flushing_cr4));
    tcase_add_test(tcase, la57_change_forgets);
    tcase_add_test(tcase, nxe_change_forgets);
    tcase_add_test(tcase, unchanged_registers_forget_nothing);
    tcase_add_test(tcase, flush_all_forgets_every_space);
    tcase_add_test(tcase, flushes_are_counted);
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
    Suite *suite = suite_create("tlb");
    add_case(suite, "staleness", add_staleness);
    add_case(suite, "filling", add_filling);
    add_case(suite, "registers", add_registers);
    return run_suite(suite);
}
