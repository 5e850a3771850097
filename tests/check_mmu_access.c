/* Loads, stores and fetches of any size: page ends, refusals that leave nothing
 * behind, the edge of RAM, writes to pages of code; and RAM itself. */
#include "lib/paging.h"
#include "lib/suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct paging m;

#define VA UINT64_C(0x00007654321f7000)
#define NEXT (VA + RF_PAGE_SIZE)
/* Neighbours in linear memory are not neighbours in RAM. */
#define PA (PAGING_DATA + UINT64_C(0x8000))
#define NEXT_PA (PAGING_DATA + UINT64_C(0x3000))
#define USER RF_TLB_USER

static struct announcement {
    uint64_t pa, size;
    uint8_t before; /* the first byte at the time of the call */
} announced[16];
static unsigned announced_count;

static void on_code_write(void *user, uint64_t pa, uint64_t size)
{
    ck_assert_ptr_eq(user, &m);
    ck_assert_uint_lt(announced_count, RF_ARRAY_SIZE(announced));
    announced[announced_count++] = (struct announcement){pa, size, m.ram.base[pa]};
}

static void setup(void)
{
    paging_create(&m);
    m.mmu.code_write = on_code_write;
    m.mmu.code_write_user = &m;
    announced_count = 0;
    paging_map(&m, VA, PA, PTE_USER);
    paging_map(&m, NEXT, NEXT_PA, PTE_USER);
    for (unsigned i = 0; i < RF_PAGE_SIZE; i++) {
        m.ram.base[PA + i] = (uint8_t)(i * 7);
        m.ram.base[NEXT_PA + i] = (uint8_t)(i * 11 + 1);
    }
}

static void teardown(void)
{
    paging_destroy(&m);
}

static uint64_t leaf_flags(uint64_t va)
{
    return paging_peek(&m, paging_entry(&m, PAGING_ROOT, va, 1)) & (RF_PTE_A | RF_PTE_D);
}

static void expect_announced(unsigned index, uint64_t pa, uint64_t size)
{
    ck_assert_uint_lt(index, announced_count);
    ck_assert_uint_eq(announced[index].pa, pa);
    ck_assert_uint_eq(announced[index].size, size);
}

/* ---- Loads and stores ---------------------------------------------------------- */

START_TEST(read_gives_the_bytes)
{
    struct rf_fault fault;
    uint8_t out[32];
    ck_assert(rf_mmu_read(&m.mmu, VA + 100, out, sizeof out, USER, &fault));
    ck_assert_mem_eq(out, m.ram.base + PA + 100, sizeof out);
}
END_TEST

START_TEST(write_changes_those_bytes_only)
{
    struct rf_fault fault;
    uint8_t before = m.ram.base[PA + 99], after = m.ram.base[PA + 104];
    ck_assert(rf_mmu_write(&m.mmu, VA + 100, "abcd", 4, USER, &fault));
    ck_assert_mem_eq(m.ram.base + PA + 100, "abcd", 4);
    ck_assert_uint_eq(m.ram.base[PA + 99], before);
    ck_assert_uint_eq(m.ram.base[PA + 104], after);
}
END_TEST

/* _i: how many of 16 bytes lie on the first page. */
START_TEST(access_crosses_a_page_end)
{
    struct rf_fault fault;
    uint8_t out[16], data[16];
    size_t first = (size_t)_i;
    uint64_t va = NEXT - first;
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(0xa0 + i);
    ck_assert(rf_mmu_read(&m.mmu, va, out, sizeof out, USER, &fault));
    ck_assert_mem_eq(out, m.ram.base + PA + RF_PAGE_SIZE - first, first);
    ck_assert_mem_eq(out + first, m.ram.base + NEXT_PA, sizeof out - first);
    ck_assert(rf_mmu_write(&m.mmu, va, data, sizeof data, USER, &fault));
    ck_assert_mem_eq(m.ram.base + PA + RF_PAGE_SIZE - first, data, first);
    ck_assert_mem_eq(m.ram.base + NEXT_PA, data + first, sizeof data - first);
    ck_assert_uint_eq(m.ram.base[NEXT_PA + 16 - first], (uint8_t)((16 - first) * 11 + 1));
}
END_TEST

START_TEST(crossing_read_faults_at_the_second_page)
{
    struct rf_fault fault;
    uint8_t out[8];
    paging_map(&m, NEXT, 0, 0);
    ck_assert(!rf_mmu_read(&m.mmu, NEXT - 3, out, sizeof out, USER, &fault));
    ck_assert_int_eq(fault.kind, RF_FAULT_PAGE);
    ck_assert_uint_eq(fault.address, NEXT);
    ck_assert_uint_eq(fault.error_code, RF_PF_U);
}
END_TEST

START_TEST(crossing_read_faults_at_the_first_byte_if_both_are_refused)
{
    struct rf_fault fault;
    uint8_t out[8];
    paging_map(&m, VA, 0, 0);
    paging_map(&m, NEXT, 0, 0);
    ck_assert(!rf_mmu_read(&m.mmu, NEXT - 3, out, sizeof out, USER, &fault));
    ck_assert_uint_eq(fault.address, NEXT - 3);
}
END_TEST

START_TEST(crossing_write_refused_at_the_second_page_changes_nothing)
{
    struct rf_fault fault;
    uint8_t before[RF_PAGE_SIZE];
    memcpy(before, m.ram.base + PA, sizeof before);
    paging_map(&m, NEXT, NEXT_PA, RF_PTE_P | RF_PTE_U);
    ck_assert(!rf_mmu_write(&m.mmu, NEXT - 4, "12345678", 8, USER, &fault));
    ck_assert_uint_eq(fault.address, NEXT);
    ck_assert_uint_eq(fault.error_code, RF_PF_P | RF_PF_W | RF_PF_U);
    ck_assert_mem_eq(m.ram.base + PA, before, sizeof before);
    ck_assert_uint_eq(leaf_flags(NEXT), 0);
}
END_TEST

START_TEST(crossing_read_refused_leaves_the_output_alone)
{
    struct rf_fault fault;
    uint8_t out[8];
    memset(out, 0x5a, sizeof out);
    paging_map(&m, NEXT, 0, 0);
    ck_assert(!rf_mmu_read(&m.mmu, NEXT - 4, out, sizeof out, USER, &fault));
    for (unsigned i = 0; i < sizeof out; i++)
        ck_assert_uint_eq(out[i], 0x5a);
}
END_TEST

START_TEST(long_copy_checks_every_page_first)
{
    struct rf_fault fault;
    enum { PAGES = 20 };
    size_t size = PAGES * RF_PAGE_SIZE - 200;
    uint8_t *data = malloc(size), *out = malloc(size);
    memset(data, 0xc3, size);
    for (unsigned i = 0; i < PAGES; i++) /* backwards in RAM */
        paging_map(&m, VA + i * RF_PAGE_SIZE, PA + (PAGES - i) * RF_PAGE_SIZE, PTE_USER);
    paging_map(&m, VA + (PAGES - 1) * RF_PAGE_SIZE, 0, 0);
    memset(m.ram.base + PA, 0, (PAGES + 1) * RF_PAGE_SIZE);
    ck_assert(!rf_mmu_write(&m.mmu, VA + 100, data, size, USER, &fault));
    ck_assert_uint_eq(fault.address, VA + (PAGES - 1) * RF_PAGE_SIZE);
    for (size_t i = 0; i < (PAGES + 1) * RF_PAGE_SIZE; i++)
        ck_assert_uint_eq(m.ram.base[PA + i], 0);

    paging_map(&m, VA + (PAGES - 1) * RF_PAGE_SIZE, PA + RF_PAGE_SIZE, PTE_USER);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 13 + i / 4096);
    ck_assert(rf_mmu_write(&m.mmu, VA + 100, data, size, USER, &fault));
    ck_assert(rf_mmu_read(&m.mmu, VA + 100, out, size, USER, &fault));
    ck_assert_mem_eq(out, data, size);
    ck_assert_mem_eq(m.ram.base + PA + PAGES * RF_PAGE_SIZE + 100, data, RF_PAGE_SIZE - 100);
    ck_assert_mem_eq(m.ram.base + PA + RF_PAGE_SIZE, data + (PAGES - 1) * RF_PAGE_SIZE - 100,
                     100);
    free(data);
    free(out);
}
END_TEST

START_TEST(size_zero_touches_nothing)
{
    struct rf_fault fault;
    ck_assert(rf_mmu_read(&m.mmu, 0, NULL, 0, USER, &fault));
    ck_assert(rf_mmu_write(&m.mmu, UINT64_C(0x800000000000), NULL, 0, USER, &fault));
    ck_assert_uint_eq(m.mmu.counts.walks, 0);
}
END_TEST

START_TEST(read_sets_accessed_only)
{
    struct rf_fault fault;
    uint8_t out[8];
    ck_assert(rf_mmu_read(&m.mmu, NEXT - 4, out, sizeof out, USER, &fault));
    ck_assert_uint_eq(leaf_flags(VA), RF_PTE_A);
    ck_assert_uint_eq(leaf_flags(NEXT), RF_PTE_A);
}
END_TEST

START_TEST(read_for_write_needs_and_marks_a_write)
{
    struct rf_fault fault;
    uint8_t out[8];
    ck_assert(rf_mmu_read_for_write(&m.mmu, VA, out, sizeof out, USER, &fault));
    ck_assert_mem_eq(out, m.ram.base + PA, sizeof out);
    ck_assert_uint_eq(leaf_flags(VA), RF_PTE_A | RF_PTE_D);
    paging_map(&m, NEXT, NEXT_PA, RF_PTE_P | RF_PTE_U);
    ck_assert(!rf_mmu_read_for_write(&m.mmu, NEXT - 4, out, sizeof out, USER, &fault));
    ck_assert_uint_eq(fault.error_code, RF_PF_P | RF_PF_W | RF_PF_U);
    ck_assert_uint_eq(fault.address, NEXT);
}
END_TEST

START_TEST(noncanonical_byte_anywhere_refuses_before_a_page_fault)
{
    struct rf_fault fault;
    uint8_t out[16];
    uint64_t end = UINT64_C(0x800000000000); /* nothing is mapped below it */
    ck_assert(!rf_mmu_read(&m.mmu, end - 8, out, 16, USER, &fault));
    ck_assert_int_eq(fault.kind, RF_FAULT_NONCANONICAL);
    ck_assert_uint_eq(fault.address, end);
    ck_assert(!rf_mmu_write(&m.mmu, UINT64_C(0xffff7ffffffffff8), out, 16, USER, &fault));
    ck_assert_int_eq(fault.kind, RF_FAULT_NONCANONICAL);
    ck_assert_uint_eq(fault.address, UINT64_C(0xffff7ffffffffff8));
    ck_assert(!rf_mmu_read(&m.mmu, end - 16, out, 16, USER, &fault));
    ck_assert_int_eq(fault.kind, RF_FAULT_PAGE);
}
END_TEST

START_TEST(la57_moves_the_noncanonical_byte)
{
    struct rf_fault fault;
    uint8_t out[16];
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_LA57);
    ck_assert(!rf_mmu_read(&m.mmu, UINT64_C(0x00fffffffffffff8), out, 16, USER, &fault));
    ck_assert_int_eq(fault.kind, RF_FAULT_NONCANONICAL);
    ck_assert_uint_eq(fault.address, UINT64_C(0x0100000000000000));
}
END_TEST

START_TEST(access_wraps_from_the_last_byte_to_the_first)
{
    struct rf_fault fault;
    uint8_t out[8];
    paging_map(&m, UINT64_C(0xfffffffffffff000), PA, PTE_USER);
    paging_map(&m, 0, NEXT_PA, PTE_USER);
    ck_assert(rf_mmu_read(&m.mmu, UINT64_MAX - 3, out, 8, USER, &fault));
    ck_assert_mem_eq(out, m.ram.base + PA + 0xffc, 4);
    ck_assert_mem_eq(out + 4, m.ram.base + NEXT_PA, 4);
}
END_TEST

START_TEST(without_paging_nothing_is_noncanonical)
{
    struct rf_fault fault;
    uint8_t out[2] = {0};
    rf_mmu_set_cr0(&m.mmu, RF_CR0_PE);
    ck_assert(rf_mmu_read(&m.mmu, UINT64_C(0x7fffffffffff), out, 2, USER, &fault));
    ck_assert_mem_eq(out, "\xff\xff", 2);
    ck_assert(rf_mmu_write(&m.mmu, UINT64_C(0x7fffffffffff), out, 2, USER, &fault));
}
END_TEST

/* ---- Fetches ------------------------------------------------------------------- */

START_TEST(fetch_gives_the_bytes_over_a_page_end)
{
    struct rf_fault fault;
    uint8_t out[15];
    ck_assert_uint_eq(rf_mmu_fetch(&m.mmu, NEXT - 5, out, 15, USER, &fault), 15);
    ck_assert_mem_eq(out, m.ram.base + PA + 0xffb, 5);
    ck_assert_mem_eq(out + 5, m.ram.base + NEXT_PA, 10);
}
END_TEST

START_TEST(fetch_stops_at_a_refused_page)
{
    struct rf_fault fault = {0};
    uint8_t out[15];
    paging_map(&m, NEXT, NEXT_PA, PTE_USER | RF_PTE_NX);
    ck_assert_uint_eq(rf_mmu_fetch(&m.mmu, NEXT - 5, out, 15, USER, &fault), 5);
    ck_assert_mem_eq(out, m.ram.base + PA + 0xffb, 5);
    ck_assert_int_eq(fault.kind, RF_FAULT_PAGE);
    ck_assert_uint_eq(fault.address, NEXT);
    ck_assert_uint_eq(fault.error_code, RF_PF_P | RF_PF_U | RF_PF_I);
}
END_TEST

START_TEST(fetch_of_nothing_tells_why)
{
    struct rf_fault fault = {0};
    uint8_t out[15];
    ck_assert_uint_eq(rf_mmu_fetch(&m.mmu, 0x4321, out, 15, USER, &fault), 0);
    ck_assert_uint_eq(fault.address, 0x4321);
    ck_assert_uint_eq(fault.error_code, RF_PF_U | RF_PF_I);
}
END_TEST

START_TEST(fetch_stops_at_the_canonical_end)
{
    struct rf_fault fault = {0};
    uint8_t out[15];
    paging_map(&m, UINT64_C(0x7ffffffff000), PA, PTE_USER);
    ck_assert_uint_eq(rf_mmu_fetch(&m.mmu, UINT64_C(0x7ffffffffffc), out, 15, USER, &fault), 4);
    ck_assert_int_eq(fault.kind, RF_FAULT_NONCANONICAL);
    ck_assert_uint_eq(fault.address, UINT64_C(0x800000000000));
}
END_TEST

/* ---- The edge of RAM ----------------------------------------------------------- */

START_TEST(open_bus_reads_ones_and_swallows_writes)
{
    struct rf_fault fault;
    uint8_t out[8] = {0};
    paging_map(&m, VA, PAGING_RAM, PTE_USER);
    ck_assert(rf_mmu_write(&m.mmu, VA, "12345678", 8, USER, &fault));
    ck_assert(rf_mmu_read(&m.mmu, VA, out, 8, USER, &fault));
    for (unsigned i = 0; i < 8; i++)
        ck_assert_uint_eq(out[i], 0xff);
    ck_assert_uint_eq(leaf_flags(VA), RF_PTE_A | RF_PTE_D);
}
END_TEST

START_TEST(open_bus_is_never_cached)
{
    struct rf_fault fault;
    uint8_t out[8];
    paging_map(&m, VA, (UINT64_C(1) << 46) - RF_PAGE_SIZE, PTE_USER);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert(rf_mmu_read(&m.mmu, VA, out, 8, USER, &fault));
        ck_assert_ptr_null(rf_tlb_read(m.mmu.set->entry[USER], VA, 8));
    }
    ck_assert_uint_eq(m.mmu.counts.walks, 2);
}
END_TEST

START_TEST(access_crosses_the_end_of_ram)
{
    struct rf_fault fault;
    uint8_t out[8];
    paging_map(&m, VA, PAGING_RAM - RF_PAGE_SIZE, PTE_USER);
    paging_map(&m, NEXT, PAGING_RAM, PTE_USER);
    ck_assert(rf_mmu_write(&m.mmu, NEXT - 4, "12345678", 8, USER, &fault));
    ck_assert_mem_eq(m.ram.base + PAGING_RAM - 4, "1234", 4);
    ck_assert(rf_mmu_read(&m.mmu, NEXT - 4, out, 8, USER, &fault));
    ck_assert_mem_eq(out, "1234\xff\xff\xff\xff", 8);
}
END_TEST

START_TEST(large_page_may_reach_beyond_ram)
{
    struct rf_fault fault;
    uint8_t out[8];
    paging_map_at(&m, 3, 0, 0, PTE_USER);
    ck_assert(rf_mmu_read(&m.mmu, PAGING_RAM - 4, out, 8, USER, &fault));
    ck_assert_mem_eq(out, "\0\0\0\0\xff\xff\xff\xff", 8);
}
END_TEST

START_TEST(physical_write_is_all_or_nothing)
{
    ck_assert(rf_mmu_physical_write(&m.mmu, PAGING_RAM - 4, "abcd", 4));
    ck_assert_mem_eq(m.ram.base + PAGING_RAM - 4, "abcd", 4);
    ck_assert(!rf_mmu_physical_write(&m.mmu, PAGING_RAM - 4, "ABCDE", 5));
    ck_assert(!rf_mmu_physical_write(&m.mmu, PAGING_RAM, "A", 1));
    ck_assert(!rf_mmu_physical_write(&m.mmu, UINT64_MAX - 1, "ABCD", 4));
    ck_assert_mem_eq(m.ram.base + PAGING_RAM - 4, "abcd", 4);
    ck_assert(rf_mmu_physical_write(&m.mmu, PAGING_RAM, "", 0));
}
END_TEST

/* ---- Pages of code ------------------------------------------------------------- */

START_TEST(write_to_code_is_announced_before_it_happens)
{
    struct rf_fault fault;
    rf_mmu_mark_code(&m.mmu, PA + 123);
    uint8_t before = m.ram.base[PA + 0x40];
    ck_assert(rf_mmu_write(&m.mmu, VA + 0x40, "\xee\xee\xee", 3, USER, &fault));
    ck_assert_uint_eq(announced_count, 1);
    expect_announced(0, PA + 0x40, 3);
    ck_assert_uint_eq(announced[0].before, before);
    ck_assert_uint_eq(m.ram.base[PA + 0x40], 0xee);
}
END_TEST

START_TEST(crossing_write_announces_each_code_page_its_part)
{
    struct rf_fault fault;
    rf_mmu_mark_code(&m.mmu, PA);
    rf_mmu_mark_code(&m.mmu, NEXT_PA);
    ck_assert(rf_mmu_write(&m.mmu, NEXT - 3, "12345678", 8, USER, &fault));
    ck_assert_uint_eq(announced_count, 2);
    expect_announced(0, PA + 0xffd, 3);
    expect_announced(1, NEXT_PA, 5);
}
END_TEST

START_TEST(crossing_write_announces_only_the_code_page)
{
    struct rf_fault fault;
    rf_mmu_mark_code(&m.mmu, NEXT_PA);
    ck_assert(rf_mmu_write(&m.mmu, NEXT - 3, "12345678", 8, USER, &fault));
    ck_assert_uint_eq(announced_count, 1);
    expect_announced(0, NEXT_PA, 5);
}
END_TEST

START_TEST(refused_write_is_not_announced)
{
    struct rf_fault fault;
    rf_mmu_mark_code(&m.mmu, PA);
    paging_map(&m, NEXT, 0, 0);
    ck_assert(!rf_mmu_write(&m.mmu, NEXT - 3, "12345678", 8, USER, &fault));
    ck_assert_uint_eq(announced_count, 0);
}
END_TEST

START_TEST(reads_of_code_are_not_announced)
{
    struct rf_fault fault;
    uint8_t out[16];
    rf_mmu_mark_code(&m.mmu, PA);
    ck_assert(rf_mmu_read(&m.mmu, VA, out, 16, USER, &fault));
    ck_assert(rf_mmu_read_for_write(&m.mmu, VA, out, 16, USER, &fault));
    ck_assert_uint_eq(rf_mmu_fetch(&m.mmu, VA, out, 15, USER, &fault), 15);
    ck_assert_uint_eq(announced_count, 0);
}
END_TEST

START_TEST(physical_write_announces_code)
{
    uint8_t data[RF_PAGE_SIZE + 20] = {0};
    rf_mmu_mark_code(&m.mmu, PA);
    rf_mmu_mark_code(&m.mmu, PA + RF_PAGE_SIZE);
    ck_assert(rf_mmu_physical_write(&m.mmu, PA + RF_PAGE_SIZE - 10, data, 30));
    ck_assert_uint_eq(announced_count, 2);
    expect_announced(0, PA + RF_PAGE_SIZE - 10, 10);
    expect_announced(1, PA + RF_PAGE_SIZE, 20);
    ck_assert(!rf_mmu_physical_write(&m.mmu, PAGING_RAM - 8, data, 30));
    ck_assert_uint_eq(announced_count, 2);
}
END_TEST

START_TEST(mark_takes_the_write_tag_of_every_alias)
{
    struct rf_fault fault;
    uint64_t alias = UINT64_C(0xffff800000123000);
    paging_map(&m, alias, PA, PTE_KERNEL);
    ck_assert(rf_mmu_write(&m.mmu, VA, "x", 1, USER, &fault));
    ck_assert(rf_mmu_write(&m.mmu, alias, "x", 1, RF_TLB_SUPERVISOR, &fault));
    ck_assert(rf_mmu_write(&m.mmu, alias, "x", 1, RF_TLB_SUPERVISOR_AC, &fault));
    ck_assert(rf_mmu_write(&m.mmu, NEXT, "x", 1, USER, &fault));
    rf_mmu_mark_code(&m.mmu, PA);
    ck_assert_ptr_null(rf_tlb_write(m.mmu.set->entry[USER], VA, 1));
    ck_assert_ptr_null(rf_tlb_write(m.mmu.set->entry[RF_TLB_SUPERVISOR], alias, 1));
    ck_assert_ptr_null(rf_tlb_write(m.mmu.set->entry[RF_TLB_SUPERVISOR_AC], alias, 1));
    ck_assert_ptr_nonnull(rf_tlb_read(m.mmu.set->entry[USER], VA, 1));
    ck_assert_ptr_nonnull(rf_tlb_write(m.mmu.set->entry[USER], NEXT, 1));
}
END_TEST

START_TEST(code_page_gets_no_write_tag_by_being_filled)
{
    struct rf_fault fault;
    rf_mmu_mark_code(&m.mmu, PA);
    ck_assert(rf_mmu_write(&m.mmu, VA, "x", 1, USER, &fault));
    ck_assert_ptr_null(rf_tlb_write(m.mmu.set->entry[USER], VA, 1));
    rf_mmu_set_pkru(&m.mmu, 4);
    rf_mmu_set_cr0(&m.mmu, m.mmu.cr0 & ~RF_CR0_WP);
    ck_assert_ptr_null(rf_tlb_write(m.mmu.set->entry[USER], VA, 1));
}
END_TEST

START_TEST(writes_to_code_need_one_walk)
{
    struct rf_fault fault;
    rf_mmu_mark_code(&m.mmu, PA);
    for (unsigned i = 0; i < 5; i++)
        ck_assert(rf_mmu_write(&m.mmu, VA + i, "x", 1, USER, &fault));
    ck_assert_uint_eq(m.mmu.counts.walks, 1);
    ck_assert_uint_eq(announced_count, 5);
}
END_TEST

START_TEST(unmarked_page_gets_its_write_tag_back)
{
    struct rf_fault fault;
    rf_mmu_mark_code(&m.mmu, PA);
    ck_assert(rf_mmu_write(&m.mmu, VA, "x", 1, USER, &fault));
    rf_mmu_unmark_code(&m.mmu, PA + 5);
    ck_assert(rf_mmu_write(&m.mmu, VA, "x", 1, USER, &fault));
    ck_assert_uint_eq(announced_count, 1);
    ck_assert_uint_eq(m.mmu.counts.walks, 1);
    ck_assert_ptr_nonnull(rf_tlb_write(m.mmu.set->entry[USER], VA, 1));
}
END_TEST

START_TEST(marks_outside_ram_are_ignored)
{
    rf_mmu_mark_code(&m.mmu, PAGING_RAM);
    rf_mmu_unmark_code(&m.mmu, PAGING_RAM);
    rf_mmu_mark_code(&m.mmu, UINT64_MAX);
    rf_mmu_unmark_code(&m.mmu, UINT64_MAX);
}
END_TEST

/* ---- The inline fast path ------------------------------------------------------ */

START_TEST(fast_path_stays_within_the_page)
{
    struct rf_fault fault;
    ck_assert(rf_mmu_write(&m.mmu, NEXT - 8, "1234567812345678", 16, USER, &fault));
    const struct rf_tlb_entry *table = m.mmu.set->entry[USER];
    for (unsigned size = 1; size <= 64; size++) {
        ck_assert_ptr_eq(rf_tlb_read(table, NEXT - size, size),
                         m.ram.base + PA + RF_PAGE_SIZE - size);
        ck_assert_ptr_eq(rf_tlb_write(table, NEXT - size, size),
                         m.ram.base + PA + RF_PAGE_SIZE - size);
        if (size > 1) {
            ck_assert_ptr_null(rf_tlb_read(table, NEXT - 1, size));
            ck_assert_ptr_null(rf_tlb_write(table, NEXT - size + 1, size));
        }
    }
}
END_TEST

START_TEST(fast_path_distinguishes_addresses_with_one_index)
{
    struct rf_fault fault;
    uint8_t out;
    ck_assert(rf_mmu_read(&m.mmu, VA, &out, 1, USER, &fault));
    uint64_t stride = RF_TLB_ENTRIES * RF_PAGE_SIZE;
    ck_assert_ptr_null(rf_tlb_read(m.mmu.set->entry[USER], VA + stride, 1));
    ck_assert_ptr_null(rf_tlb_read(m.mmu.set->entry[USER], VA - stride, 1));
    ck_assert_ptr_null(rf_tlb_read(m.mmu.set->entry[USER], VA ^ RF_BIT(63), 1));
    ck_assert_ptr_null(rf_tlb_read(m.mmu.set->entry[RF_TLB_SUPERVISOR], VA, 1));
}
END_TEST

START_TEST(fast_path_never_hits_an_empty_table)
{
    const struct rf_tlb_entry *table = m.mmu.set->entry[USER];
    for (uint64_t va = UINT64_MAX - 70; va != 70; va++) {
        ck_assert_ptr_null(rf_tlb_read(table, va, 1));
        ck_assert_ptr_null(rf_tlb_read(table, va, 64));
        ck_assert_ptr_null(rf_tlb_write(table, va, 64));
    }
}
END_TEST

/* ---- RAM ----------------------------------------------------------------------- */

START_TEST(ram_refuses_bad_sizes)
{
    static const uint64_t sizes[] = {0, 1, 4095, 4097, (UINT64_C(1) << 40) + 4096, UINT64_MAX};
    for (unsigned i = 0; i < RF_ARRAY_SIZE(sizes); i++) {
        struct rf_error error = {0};
        struct rf_ram ram = {.size = 77};
        ck_assert_int_eq(rf_ram_create(&ram, sizes[i], &error), RF_ERR_ARGUMENT);
        ck_assert_ptr_null(ram.base);
        ck_assert_ptr_null(ram.page_flags);
        ck_assert_uint_eq(ram.size, 0);
        ck_assert_int_eq(ram.fd, -1);
        ck_assert_ptr_nonnull(strstr(error.text, "multiple of 4096"));
        rf_ram_destroy(&ram);
    }
}
END_TEST

START_TEST(ram_may_be_sparse_and_huge)
{
    struct rf_error error = {0};
    struct rf_ram ram;
    uint64_t size = UINT64_C(1) << 36;
    ck_assert_msg(rf_ram_create(&ram, size, &error) == RF_OK, "%s", error.text);
    ram.base[size - 1] = 1;
    ck_assert_uint_eq(ram.page_flags[size / RF_PAGE_SIZE - 1], 0);
    struct stat status;
    ck_assert_int_eq(fstat(ram.fd, &status), 0);
    ck_assert_uint_le((uint64_t)status.st_blocks * 512, UINT64_C(1) << 22);
    rf_ram_destroy(&ram);
}
END_TEST

START_TEST(ram_bounds_are_exact)
{
    const struct rf_ram *ram = &m.ram;
    ck_assert_ptr_eq(rf_ram_at(ram, 0, PAGING_RAM), ram->base);
    ck_assert_ptr_eq(rf_ram_at(ram, PAGING_RAM - 1, 1), ram->base + PAGING_RAM - 1);
    ck_assert_ptr_null(rf_ram_at(ram, PAGING_RAM - 1, 2));
    ck_assert_ptr_null(rf_ram_at(ram, PAGING_RAM, 1));
    ck_assert_ptr_null(rf_ram_at(ram, 1, UINT64_MAX));
    ck_assert_ptr_null(rf_ram_at(ram, UINT64_MAX, 1));
}
END_TEST

START_TEST(ram_can_be_mapped_a_second_time)
{
    uint8_t *second = mmap(NULL, RF_PAGE_SIZE, PROT_READ, MAP_SHARED, m.ram.fd, (off_t)PA);
    ck_assert_ptr_ne(second, MAP_FAILED);
    m.ram.base[PA + 17] = 0x99;
    ck_assert_uint_eq(second[17], 0x99);
    munmap(second, RF_PAGE_SIZE);
    ck_assert_int_ne(fcntl(m.ram.fd, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(discarded_page_reads_zero_and_its_neighbours_stay)
{
    struct stat before, after;
    memset(m.ram.base + PA - RF_PAGE_SIZE, 0x77, 3 * RF_PAGE_SIZE);
    fstat(m.ram.fd, &before);
    rf_ram_discard_page(&m.ram, PA + 5);
    fstat(m.ram.fd, &after);
    for (unsigned i = 0; i < RF_PAGE_SIZE; i++)
        ck_assert_uint_eq(m.ram.base[PA + i], 0);
    ck_assert_uint_eq(m.ram.base[PA - 1], 0x77);
    ck_assert_uint_eq(m.ram.base[PA + RF_PAGE_SIZE], 0x77);
    ck_assert_int_lt(after.st_blocks, before.st_blocks);
    rf_ram_discard_page(&m.ram, PAGING_RAM);
    rf_ram_discard_page(&m.ram, UINT64_MAX);
}
END_TEST

START_TEST(ram_destroy_is_repeatable)
{
    struct rf_ram never = {0};
    rf_ram_destroy(&never);
    ck_assert_int_ge(fcntl(0, F_GETFD), 0); /* did not close descriptor 0 */
    struct rf_ram ram;
    ck_assert_int_eq(rf_ram_create(&ram, RF_PAGE_SIZE, NULL), RF_OK);
    int fd = ram.fd;
    rf_ram_destroy(&ram);
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
    rf_ram_destroy(&ram);
}
END_TEST

/* ---- Suite --------------------------------------------------------------------- */

static void add_copies(TCase *tcase)
{
    tcase_add_test(tcase, read_gives_the_bytes);
    tcase_add_test(tcase, write_changes_those_bytes_only);
    tcase_add_loop_test(tcase, access_crosses_a_page_end, 1, 16);
    tcase_add_test(tcase, crossing_read_faults_at_the_second_page);
    tcase_add_test(tcase, crossing_read_faults_at_the_first_byte_if_both_are_refused);
    tcase_add_test(tcase, crossing_write_refused_at_the_second_page_changes_nothing);
    tcase_add_test(tcase, crossing_read_refused_leaves_the_output_alone);
    tcase_add_test(tcase, long_copy_checks_every_page_first);
    tcase_add_test(tcase, size_zero_touches_nothing);
    tcase_add_test(tcase, read_sets_accessed_only);
    tcase_add_test(tcase, read_for_write_needs_and_marks_a_write);
    tcase_add_test(tcase, noncanonical_byte_anywhere_refuses_before_a_page_fault);
    tcase_add_test(tcase, la57_moves_the_noncanonical_byte);
    tcase_add_test(tcase, access_wraps_from_the_last_byte_to_the_first);
    tcase_add_test(tcase, without_paging_nothing_is_noncanonical);
    tcase_add_test(tcase, fetch_gives_the_bytes_over_a_page_end);
    tcase_add_test(tcase, fetch_stops_at_a_refused_page);
    tcase_add_test(tcase, fetch_of_nothing_tells_why);
    tcase_add_test(tcase, fetch_stops_at_the_canonical_end);
}

static void add_edges(TCase *tcase)
{
    tcase_add_test(tcase, open_bus_reads_ones_and_swallows_writes);
    tcase_add_test(tcase, open_bus_is_never_cached);
    tcase_add_test(tcase, access_crosses_the_end_of_ram);
    tcase_add_test(tcase, large_page_may_reach_beyond_ram);
    tcase_add_test(tcase, physical_write_is_all_or_nothing);
}

static void add_code(TCase *tcase)
{
    tcase_add_test(tcase, write_to_code_is_announced_before_it_happens);
    tcase_add_test(tcase, crossing_write_announces_each_code_page_its_part);
    tcase_add_test(tcase, crossing_write_announces_only_the_code_page);
    tcase_add_test(tcase, refused_write_is_not_announced);
    tcase_add_test(tcase, reads_of_code_are_not_announced);
    tcase_add_test(tcase, physical_write_announces_code);
    tcase_add_test(tcase, mark_takes_the_write_tag_of_every_alias);
    tcase_add_test(tcase, code_page_gets_no_write_tag_by_being_filled);
    tcase_add_test(tcase, writes_to_code_need_one_walk);
    tcase_add_test(tcase, unmarked_page_gets_its_write_tag_back);
    tcase_add_test(tcase, marks_outside_ram_are_ignored);
}

static void add_fast_path(TCase *tcase)
{
    tcase_add_test(tcase, fast_path_stays_within_the_page);
    tcase_add_test(tcase, fast_path_distinguishes_addresses_with_one_index);
    tcase_add_test(tcase, fast_path_never_hits_an_empty_table);
}

static void add_ram(TCase *tcase)
{
    tcase_add_test(tcase, ram_refuses_bad_sizes);
    tcase_add_test(tcase, ram_may_be_sparse_and_huge);
    tcase_add_test(tcase, ram_bounds_are_exact);
    tcase_add_test(tcase, ram_can_be_mapped_a_second_time);
    tcase_add_test(tcase, discarded_page_reads_zero_and_its_neighbours_stay);
    tcase_add_test(tcase, ram_destroy_is_repeatable);
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
    Suite *suite = suite_create("mmu-access");
    add_case(suite, "copies", add_copies);
    add_case(suite, "edge of RAM", add_edges);
    add_case(suite, "code", add_code);
    add_case(suite, "fast path", add_fast_path);
    add_case(suite, "RAM", add_ram);
    return run_suite(suite);
}
