/* Several address spaces at once: PCIDs, INVPCID, and the generations by which others
 * know that their own memory of translations is out of date (SDM 3A, 4.10.1 and
 * 4.10.4). What one space remembers is in check_tlb.c. */
#include "lib/tlb_case.h"
#include "lib/suite.h"

#include <check.h>
#include <stdlib.h>

static void enter_flushing(uint16_t pcid)
{
    rf_mmu_set_cr3(&m.mmu, PAGING_ROOT | pcid);
}

/* ---- PCID ---------------------------------------------------------------------- */

START_TEST(pcid_is_kept_with_the_no_flush_bit)
{
    pcid_on();
    enter(1);
    make_stale(VA, PTE_USER);
    enter(2);
    ck_assert_uint_eq(seen(VA), NEW);
    enter(1);
    ck_assert_uint_eq(seen(VA), OLD);
}
END_TEST

START_TEST(pcid_is_forgotten_without_the_no_flush_bit)
{
    pcid_on();
    enter(1);
    make_stale(VA, PTE_USER);
    enter(2);
    enter_flushing(1);
    ck_assert_uint_eq(seen(VA), NEW);
}
END_TEST

START_TEST(flushing_one_pcid_leaves_the_others)
{
    pcid_on();
    enter(1);
    make_stale(VA, PTE_USER);
    enter_flushing(2);
    enter_flushing(2);
    enter(1);
    ck_assert_uint_eq(seen(VA), OLD);
}
END_TEST

START_TEST(flushing_a_pcid_keeps_its_global_pages)
{
    pcid_on();
    enter(1);
    make_stale(VA, GLOBAL);
    make_stale(OTHER, PTE_USER);
    enter_flushing(1);
    ck_assert_uint_eq(seen(VA), OLD);
    ck_assert_uint_eq(seen(OTHER), NEW);
}
END_TEST

START_TEST(no_flush_bit_is_never_stored)
{
    pcid_on();
    enter(3);
    ck_assert_uint_eq(m.mmu.cr3, PAGING_ROOT | 3);
}
END_TEST

START_TEST(no_flush_bit_is_ignored_without_pcide)
{
    make_stale(VA, PTE_USER);
    rf_mmu_set_cr3(&m.mmu, PAGING_ROOT | RF_CR3_NO_FLUSH);
    ck_assert_uint_eq(seen(VA), NEW);
    ck_assert_uint_eq(m.mmu.cr3, PAGING_ROOT);
}
END_TEST

START_TEST(low_cr3_bits_are_no_pcid_without_pcide)
{
    rf_mmu_set_cr3(&m.mmu, PAGING_ROOT | 0x18);
    ck_assert_uint_eq(m.mmu.set->pcid, 0);
}
END_TEST

START_TEST(many_pcids_stay_apart)
{
    uint64_t root[64];
    pcid_on();
    for (uint16_t i = 0; i < 64; i++) {
        root[i] = paging_new_table(&m);
        rf_mmu_set_cr3(&m.mmu, root[i] | i);
        paging_map(&m, VA, OLD + i * RF_PAGE_SIZE, PTE_USER);
    }
    uint64_t state = 1;
    for (unsigned round = 0; round < 2000; round++) {
        uint64_t i = paging_random(&state) % (round < 1000 ? 64 : 5);
        rf_mmu_set_cr3(&m.mmu, root[i] | i | RF_CR3_NO_FLUSH);
        ck_assert_uint_eq(seen(VA), OLD + i * RF_PAGE_SIZE);
    }
}
END_TEST

START_TEST(recent_pcids_are_kept)
{
    pcid_on();
    for (uint16_t pcid = 1; pcid <= RF_TLB_SETS; pcid++) {
        enter(pcid);
        seen(VA);
    }
    enter(1);
    make_stale(VA, PTE_USER);
    /* Making room for one more takes PCID 2, not the PCID just left. */
    enter(99);
    enter(1);
    ck_assert_uint_eq(seen(VA), OLD);
}
END_TEST

START_TEST(clearing_pcide_forgets_every_pcid)
{
    pcid_on();
    enter(7);
    make_stale(VA, PTE_USER);
    enter(0);
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 & ~RF_CR4_PCIDE);
    pcid_on();
    enter(7);
    ck_assert_uint_eq(seen(VA), NEW);
}
END_TEST

START_TEST(invlpg_leaves_other_pcids)
{
    pcid_on();
    enter(1);
    make_stale(VA, PTE_USER);
    enter(2);
    rf_mmu_invlpg(&m.mmu, VA);
    enter(1);
    ck_assert_uint_eq(seen(VA), OLD);
}
END_TEST

START_TEST(invlpg_forgets_global_pages_of_every_pcid)
{
    pcid_on();
    enter(1);
    make_stale(VA, GLOBAL);
    enter(2);
    rf_mmu_invlpg(&m.mmu, VA);
    enter(1);
    ck_assert_uint_eq(seen(VA), NEW);
}
END_TEST

START_TEST(invlpg_leaves_other_pcids_that_hold_global_pages)
{
    pcid_on();
    enter(1);
    make_stale(VA, PTE_USER);
    make_stale(OTHER, GLOBAL);
    enter(2);
    rf_mmu_invlpg(&m.mmu, VA);
    enter(1);
    ck_assert_uint_eq(seen(VA), OLD);
    ck_assert_uint_eq(seen(OTHER), OLD);
}
END_TEST

START_TEST(clearing_pcide_makes_the_current_pcid_0)
{
    pcid_on();
    enter(7);
    ck_assert_uint_eq(m.mmu.set->pcid, 7);
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 & ~RF_CR4_PCIDE);
    ck_assert_uint_eq(m.mmu.set->pcid, 0);
}
END_TEST

START_TEST(rights_registers_reach_other_pcids)
{
    paging_map(&m, VA, OLD, PTE_USER | PTE_KEY(2));
    paging_map(&m, OTHER, OLD, RF_PTE_P | RF_PTE_D);
    pcid_on();
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_PKE);
    rf_mmu_set_cr0(&m.mmu, m.mmu.cr0 & ~RF_CR0_WP);
    enter(1);
    ck_assert_uint_eq(seen(VA), OLD);
    ck_assert_uint_eq(go(OTHER, RF_WRITE, RF_TLB_SUPERVISOR), OLD);
    enter(2);
    rf_mmu_set_pkru(&m.mmu, 1u << 4);
    rf_mmu_set_cr0(&m.mmu, m.mmu.cr0 | RF_CR0_WP);
    enter(1);
    ck_assert_ptr_null(rf_tlb_read(m.mmu.set->entry[USER], VA, 1));
    ck_assert_ptr_null(rf_tlb_write(m.mmu.set->entry[RF_TLB_SUPERVISOR], OTHER, 1));
    ck_assert_uint_eq(seen(VA), NOT_MAPPED);
}
END_TEST

START_TEST(code_marks_reach_other_pcids)
{
    paging_map(&m, VA, OLD, PTE_USER);
    pcid_on();
    enter(1);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), OLD);
    enter(2);
    rf_mmu_mark_code(&m.mmu, OLD);
    enter(1);
    ck_assert_ptr_null(rf_tlb_write(m.mmu.set->entry[USER], VA, 1));
    ck_assert_ptr_nonnull(rf_tlb_read(m.mmu.set->entry[USER], VA, 1));
}
END_TEST

/* ---- INVPCID ------------------------------------------------------------------- */

/* PCID 1 has VA stale and global, OTHER stale; PCID 2 has OTHER stale. Which of them
 * are forgotten by one INVPCID? */
static void check_invpcid(unsigned type, uint64_t va, bool global1, bool local1, bool local2)
{
    pcid_on();
    enter(1);
    make_stale(VA, GLOBAL);
    make_stale(OTHER, PTE_USER);
    enter(2);
    make_stale(OTHER, PTE_USER);
    enter(0);
    rf_mmu_invpcid(&m.mmu, type, 1, va);
    enter(2);
    ck_assert_uint_eq(seen(OTHER), local2 ? NEW : OLD);
    enter(1);
    ck_assert_uint_eq(seen(OTHER), local1 ? NEW : OLD);
    ck_assert_uint_eq(seen(VA), global1 ? NEW : OLD);
}

START_TEST(invpcid_0_forgets_one_address_of_one_pcid)
{
    check_invpcid(0, OTHER + 5, false, true, false);
}
END_TEST

START_TEST(invpcid_0_keeps_global_pages)
{
    check_invpcid(0, VA, false, false, false);
}
END_TEST

START_TEST(invpcid_1_forgets_one_pcid_but_global_pages)
{
    check_invpcid(1, 0, false, true, false);
}
END_TEST

START_TEST(invpcid_2_forgets_everything)
{
    check_invpcid(2, 0, true, true, true);
}
END_TEST

START_TEST(invpcid_3_forgets_all_but_global_pages)
{
    check_invpcid(3, 0, false, true, true);
}
END_TEST

START_TEST(invpcid_of_an_unknown_pcid_is_harmless)
{
    make_stale(VA, PTE_USER);
    for (unsigned type = 0; type < 2; type++)
        rf_mmu_invpcid(&m.mmu, type, 77, VA);
    rf_mmu_invpcid(&m.mmu, 4, 0, VA);
    ck_assert_uint_eq(seen(VA), OLD);
}
END_TEST

START_TEST(invpcid_0_forgets_a_large_page_wholly)
{
    pcid_on();
    enter(1);
    paging_map_at(&m, 2, 0, 0, PTE_USER);
    ck_assert_uint_eq(seen(0x3000), 0x3000);
    paging_map_at(&m, 2, 0, 0, 0);
    rf_mmu_invpcid(&m.mmu, 0, 1, 0x1ff000);
    ck_assert_uint_eq(seen(0x3000), NOT_MAPPED);
}
END_TEST

/* ---- Generations --------------------------------------------------------------- */

enum change {
    BY_CR3,
    BY_INVLPG,
    BY_INVLPG_ELSEWHERE,
    BY_INVPCID_0,
    BY_INVPCID_1,
    BY_INVPCID_2,
    BY_INVPCID_3,
    BY_FLUSH_ALL,
    BY_PG,
    BY_PGE,
    BY_SMEP,
    BY_NXE,
    BY_PCIDE,
    CHANGES
};

static void apply(enum change change)
{
    switch (change) {
    case BY_CR3:
        rf_mmu_set_cr3(&m.mmu, m.mmu.cr3);
        break;
    case BY_INVLPG:
        rf_mmu_invlpg(&m.mmu, VA);
        break;
    case BY_INVLPG_ELSEWHERE: /* the TLB may have lost what others remember */
        rf_mmu_invlpg(&m.mmu, OTHER);
        break;
    case BY_INVPCID_0:
    case BY_INVPCID_1:
    case BY_INVPCID_2:
    case BY_INVPCID_3:
        rf_mmu_invpcid(&m.mmu, (unsigned)(change - BY_INVPCID_0), 0, VA);
        break;
    case BY_FLUSH_ALL:
        rf_mmu_flush_all(&m.mmu);
        break;
    case BY_PG:
        rf_mmu_set_cr0(&m.mmu, RF_CR0_PE);
        break;
    case BY_PGE:
        rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 ^ RF_CR4_PGE);
        break;
    case BY_SMEP:
        rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 ^ RF_CR4_SMEP);
        break;
    case BY_NXE:
        rf_mmu_set_efer(&m.mmu, m.mmu.efer ^ RF_EFER_NXE);
        break;
    default:
        pcid_on();
        break;
    }
}

START_TEST(invalidation_gives_a_new_generation)
{
    paging_map(&m, VA, OLD, PTE_USER);
    seen(VA);
    uint32_t before = m.mmu.generation;
    apply((enum change)_i);
    uint32_t first = m.mmu.generation;
    ck_assert_uint_ne(first, before);
    ck_assert_uint_eq(first, m.mmu.set->generation);
    apply(BY_CR3);
    ck_assert_uint_ne(m.mmu.generation, before);
    ck_assert_uint_ne(m.mmu.generation, first);
}
END_TEST

START_TEST(data_rights_and_fills_keep_the_generation)
{
    uint32_t before = m.mmu.generation;
    paging_map(&m, VA, OLD, RF_PTE_P | RF_PTE_U);
    seen(VA);
    ck_assert_uint_eq(seen(OTHER), NOT_MAPPED);
    rf_mmu_set_cr0(&m.mmu, m.mmu.cr0 ^ RF_CR0_WP);
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_SMAP | RF_CR4_PKE | RF_CR4_PKS);
    rf_mmu_set_pkru(&m.mmu, UINT32_C(0x55555554));
    rf_mmu_set_pkrs(&m.mmu, UINT32_C(0x55555554));
    rf_mmu_mark_code(&m.mmu, OLD);
    rf_mmu_unmark_code(&m.mmu, OLD);
    ck_assert_uint_eq(m.mmu.generation, before);
}
END_TEST

START_TEST(page_fault_on_an_executable_page_gives_a_new_generation)
{
    paging_map(&m, VA, OLD, RF_PTE_P | RF_PTE_U);
    ck_assert_uint_eq(go(VA, RF_FETCH, USER), OLD);
    uint32_t before = m.mmu.generation;
    paging_map(&m, VA, 0, 0);
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), NOT_MAPPED);
    ck_assert_uint_ne(m.mmu.generation, before);
}
END_TEST

START_TEST(page_fault_on_a_data_page_keeps_the_generation)
{
    paging_map(&m, VA, OLD, RF_PTE_P | RF_PTE_U | RF_PTE_NX);
    seen(VA);
    uint32_t before = m.mmu.generation;
    ck_assert_uint_eq(go(VA, RF_WRITE, USER), NOT_MAPPED);
    ck_assert_uint_eq(m.mmu.generation, before);
}
END_TEST

START_TEST(generation_comes_back_with_its_pcid)
{
    pcid_on();
    enter(1);
    uint32_t first = m.mmu.generation;
    enter(2);
    uint32_t second = m.mmu.generation;
    ck_assert_uint_ne(first, second);
    enter(1);
    ck_assert_uint_eq(m.mmu.generation, first);
    enter(2);
    ck_assert_uint_eq(m.mmu.generation, second);
    enter_flushing(1);
    ck_assert_uint_ne(m.mmu.generation, first);
    ck_assert_uint_ne(m.mmu.generation, second);
}
END_TEST

START_TEST(generation_of_a_distant_pcid_changes_with_its_flush)
{
    pcid_on();
    enter(1);
    uint32_t first = m.mmu.generation;
    enter(2);
    uint32_t second = m.mmu.generation;
    rf_mmu_invpcid(&m.mmu, 0, 1, VA);
    ck_assert_uint_eq(m.mmu.generation, second);
    enter(1);
    ck_assert_uint_ne(m.mmu.generation, first);
}
END_TEST

START_TEST(generation_of_a_distant_pcid_changes_with_a_global_invlpg)
{
    pcid_on();
    enter(1);
    make_stale(VA, GLOBAL);
    uint32_t first = m.mmu.generation;
    enter(2);
    rf_mmu_invlpg(&m.mmu, OTHER);
    enter(1);
    ck_assert_uint_ne(m.mmu.generation, first);
}
END_TEST

START_TEST(displaced_pcid_returns_with_a_new_generation)
{
    pcid_on();
    enter(1);
    uint32_t first = m.mmu.generation;
    for (uint16_t pcid = 10; pcid < 10 + RF_TLB_SETS; pcid++)
        enter(pcid);
    enter(1);
    ck_assert_uint_ne(m.mmu.generation, first);
}
END_TEST

START_TEST(generation_is_never_zero)
{
    m.mmu.next_generation = UINT32_MAX - 1;
    for (unsigned i = 0; i < 4; i++) {
        rf_mmu_set_cr3(&m.mmu, PAGING_ROOT);
        ck_assert_uint_ne(m.mmu.generation, 0);
    }
}
END_TEST

/* ---- Suite --------------------------------------------------------------------- */

static void add_pcid(TCase *tcase)
{
    tcase_add_test(tcase, pcid_is_kept_with_the_no_flush_bit);
    tcase_add_test(tcase, pcid_is_forgotten_without_the_no_flush_bit);
    tcase_add_test(tcase, flushing_one_pcid_leaves_the_others);
    tcase_add_test(tcase, flushing_a_pcid_keeps_its_global_pages);
    tcase_add_test(tcase, no_flush_bit_is_never_stored);
    tcase_add_test(tcase, no_flush_bit_is_ignored_without_pcide);
    tcase_add_test(tcase, low_cr3_bits_are_no_pcid_without_pcide);
    tcase_add_test(tcase, many_pcids_stay_apart);
    tcase_add_test(tcase, recent_pcids_are_kept);
    tcase_add_test(tcase, clearing_pcide_forgets_every_pcid);
    tcase_add_test(tcase, invlpg_leaves_other_pcids);
    tcase_add_test(tcase, invlpg_forgets_global_pages_of_every_pcid);
    tcase_add_test(tcase, invlpg_leaves_other_pcids_that_hold_global_pages);
    tcase_add_test(tcase, clearing_pcide_makes_the_current_pcid_0);
    tcase_add_test(tcase, rights_registers_reach_other_pcids);
    tcase_add_test(tcase, code_marks_reach_other_pcids);
    tcase_add_test(tcase, invpcid_0_forgets_one_address_of_one_pcid);
    tcase_add_test(tcase, invpcid_0_keeps_global_pages);
    tcase_add_test(tcase, invpcid_1_forgets_one_pcid_but_global_pages);
    tcase_add_test(tcase, invpcid_2_forgets_everything);
    tcase_add_test(tcase, invpcid_3_forgets_all_but_global_pages);
    tcase_add_test(tcase, invpcid_of_an_unknown_pcid_is_harmless);
    tcase_add_test(tcase, invpcid_0_forgets_a_large_page_wholly);
}

static void add_generations(TCase *tcase)
{
    tcase_add_loop_test(tcase, invalidation_gives_a_new_generation, 0, CHANGES);
    tcase_add_test(tcase, data_rights_and_fills_keep_the_generation);
    tcase_add_test(tcase, page_fault_on_an_executable_page_gives_a_new_generation);
    tcase_add_test(tcase, page_fault_on_a_data_page_keeps_the_generation);
    tcase_add_test(tcase, generation_comes_back_with_its_pcid);
    tcase_add_test(tcase, generation_of_a_distant_pcid_changes_with_its_flush);
    tcase_add_test(tcase, generation_of_a_distant_pcid_changes_with_a_global_invlpg);
    tcase_add_test(tcase, displaced_pcid_returns_with_a_new_generation);
    tcase_add_test(tcase, generation_is_never_zero);
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
    Suite *suite = suite_create("tlb-spaces");
    add_case(suite, "PCID", add_pcid);
    add_case(suite, "generations", add_generations);
    return run_suite(suite);
}
