/* Random page tables against a second translator written here, and random sequences
 * of mapping, invalidating and switching against walks that cache nothing: software
 * that invalidates what it changes must never see anything stale, nor may a
 * generation come back with other translations. Every seed is fixed. */
#include "lib/paging.h"
#include "lib/suite.h"

#include <check.h>
#include <stdlib.h>

static struct paging m;
static uint64_t state;

static void setup(void)
{
    paging_create(&m);
}

static void teardown(void)
{
    paging_destroy(&m);
}

static uint64_t below(uint64_t limit)
{
    return (paging_random(&state) >> 11) % limit;
}

/* True once in n times. */
static bool one_in(uint64_t n)
{
    return below(n) == 0;
}

/* ---- Random tables, second translator ------------------------------------------ */

struct registers {
    bool wp, smep, smap, nxe, pke, pks, la57;
    uint32_t pkru, pkrs;
};

struct outcome {
    bool ok;
    uint32_t code;
    uint64_t pa;
};

static uint64_t field(uint64_t value, unsigned high, unsigned low)
{
    return value >> low & ((UINT64_C(2) << (high - low)) - 1);
}

/* entries[level], level 5 or 4 down to 1. */
static struct outcome second_translator(const struct registers *on, const uint64_t *entries,
                                        uint64_t va, enum rf_access access,
                                        enum rf_tlb_mode mode)
{
    bool user_mode = mode == RF_TLB_USER, write = access == RF_WRITE, fetch = access == RF_FETCH;
    uint32_t code = write * 2 + user_mode * 4 + (fetch && (on->smep || on->nxe)) * 16;
    bool all_w = true, all_u = true, any_nx = false;
    int level = on->la57 ? 5 : 4;
    uint64_t leaf = 0;
    for (;; level--) {
        uint64_t e = entries[level];
        if (field(e, 0, 0) == 0)
            return (struct outcome){.code = code};
        bool ps = field(e, 7, 7);
        bool reserved = field(e, 51, 46) != 0 || (field(e, 63, 63) && !on->nxe) ||
                        (ps && level >= 4) || (ps && level == 3 && field(e, 29, 13)) ||
                        (ps && level == 2 && field(e, 20, 13));
        if (reserved)
            return (struct outcome){.code = code + 9};
        all_w = all_w && field(e, 1, 1);
        all_u = all_u && field(e, 2, 2);
        any_nx = any_nx || field(e, 63, 63);
        leaf = e;
        if (level == 1 || ps)
            break;
    }
    bool refused = (user_mode && !all_u) || (fetch && any_nx) ||
                   (write && !all_w && (user_mode || on->wp)) ||
                   (!user_mode && all_u && fetch && on->smep) ||
                   (!user_mode && all_u && !fetch && on->smap && mode != RF_TLB_SUPERVISOR_AC);
    uint32_t key = (uint32_t)field(leaf, 62, 59);
    uint32_t denied = (all_u ? on->pkru : on->pkrs) >> key * 2 & 3;
    bool keys_on = all_u ? on->pke : on->pks;
    bool by_key = !fetch && keys_on &&
                  ((denied & 1) || (denied == 2 && write && (on->wp || (user_mode && all_u))));
    if (refused || by_key)
        return (struct outcome){.code = code + 1 + by_key * 32};
    unsigned low = level == 3 ? 30 : level == 2 ? 21 : 12;
    return (struct outcome){.ok = true,
                            .pa = field(leaf, 45, low) << low | field(va, low - 1, 0)};
}

static uint64_t random_va(bool la57)
{
    unsigned bits = la57 ? 57 : 48;
    uint64_t va = paging_random(&state);
    return (uint64_t)((int64_t)(va << (64 - bits)) >> (64 - bits));
}

/* Mostly valid, mostly permissive, now and then anything. */
static uint64_t random_entry(unsigned level, uint64_t next_table)
{
    uint64_t ignored = below(8) << 9 | below(128) << 52 | below(4) << 3;
    uint64_t flags = RF_PTE_P | (one_in(4) ? 0 : RF_PTE_W) | (one_in(3) ? 0 : RF_PTE_U) |
                     (one_in(5) ? RF_PTE_NX : 0) | below(16) << RF_PTE_PKEY_SHIFT;
    uint64_t address = next_table;
    bool large = level <= 3 && level > 1 && one_in(5);
    if (large || level == 1) {
        uint64_t size = RF_PAGE_SIZE << (9 * (level - 1));
        address = paging_random(&state) & RF_PTE_ADDRESS & ~(size - 1);
        flags |= (large ? RF_PTE_PS | below(2) << 12 : below(2) << 7) | below(2) << 8;
    }
    if (one_in(25))
        flags &= ~RF_PTE_P;
    if (one_in(25))
        flags |= RF_BIT(below(64));
    return address | flags | ignored;
}

static void random_registers(struct registers *on)
{
    uint64_t bits = paging_random(&state) >> 32;
    *on = (struct registers){.wp = bits & 1,
                             .smep = bits & 2,
                             .smap = bits & 4,
                             .nxe = (bits & 24) != 0,
                             .pke = bits & 32,
                             .pks = bits & 64,
                             .la57 = bits & 128,
                             .pkru = (uint32_t)(paging_random(&state) >> 32),
                             .pkrs = (uint32_t)(paging_random(&state) >> 32)};
    if (bits & 256)
        on->pkru = on->pkrs = 0;
    rf_mmu_set_cr0(&m.mmu, RF_CR0_PE | RF_CR0_PG | (on->wp ? RF_CR0_WP : 0));
    rf_mmu_set_efer(&m.mmu, RF_EFER_LME | RF_EFER_LMA | (on->nxe ? RF_EFER_NXE : 0));
    rf_mmu_set_cr4(&m.mmu, RF_CR4_PAE | (on->smep ? RF_CR4_SMEP : 0) |
                               (on->smap ? RF_CR4_SMAP : 0) | (on->pke ? RF_CR4_PKE : 0) |
                               (on->pks ? RF_CR4_PKS : 0) | (on->la57 ? RF_CR4_LA57 : 0));
    rf_mmu_set_pkru(&m.mmu, on->pkru);
    rf_mmu_set_pkrs(&m.mmu, on->pkrs);
}

static void check_outcome(const struct outcome *wanted, uint64_t va, enum rf_access access,
                          enum rf_tlb_mode mode)
{
    struct rf_fault fault = {0};
    struct rf_walk walk;
    uint64_t pa = 0;
    rf_mmu_explain(&m.mmu, va, access, mode, &walk);
    bool ok = rf_mmu_translate(&m.mmu, va, access, mode, &pa, &fault);
    ck_assert_msg(ok == wanted->ok && walk.ok == ok, "va %#jx: %d, explained %d (%s), wanted %d",
                  (uintmax_t)va, ok, walk.ok, walk.ok ? "" : walk.refused_by, wanted->ok);
    if (ok) {
        ck_assert_uint_eq(pa, wanted->pa);
        ck_assert_uint_eq(walk.pa, wanted->pa);
    } else {
        ck_assert_uint_eq(fault.error_code, wanted->code);
        ck_assert_uint_eq(walk.fault.error_code, wanted->code);
        ck_assert_uint_eq(fault.address, va);
    }
}

/* _i is part of the seed. */
START_TEST(random_tables_agree_with_a_second_translator)
{
    uint64_t table[6], entries[6], allowed = 0;
    state = 0x1234567 + (uint64_t)_i;
    for (unsigned level = 1; level <= 5; level++)
        table[level] = paging_new_table(&m);
    for (unsigned round = 0; round < 40000; round++) {
        struct registers on;
        random_registers(&on);
        uint64_t va = random_va(on.la57);
        for (unsigned level = on.la57 ? 5 : 4; level >= 1; level--) {
            entries[level] = random_entry(level, level > 1 ? table[level - 1] : 0);
            paging_poke(&m, table[level] + field(va, 11 + 9 * level, 3 + 9 * level) * 8,
                        entries[level]);
        }
        rf_mmu_set_cr3(&m.mmu, table[on.la57 ? 5 : 4]);
        enum rf_access access = (enum rf_access)below(3);
        enum rf_tlb_mode mode = (enum rf_tlb_mode)below(3);
        struct outcome wanted = second_translator(&on, entries, va, access, mode);
        bool flipped_address = false; /* a stray bit may have moved a table pointer */
        for (unsigned level = 2; level <= (on.la57 ? 5 : 4); level++)
            flipped_address |= !(entries[level] & RF_PTE_PS) &&
                               (entries[level] & RF_PTE_ADDRESS) != table[level - 1];
        if (!flipped_address) {
            check_outcome(&wanted, va, access, mode);
            allowed += wanted.ok;
        }
    }
    ck_assert_uint_gt(allowed, 4000); /* the generator is neither too wild nor too tame */
    ck_assert_uint_lt(allowed, 36000);
}
END_TEST

/* ---- Random invalidation ------------------------------------------------------- */

#define SPACES 7 /* PCIDs 0 to 6, more than there are sets */
#define LOCAL_PAGES 24
#define GLOBAL_PAGES 6
#define PAGES (LOCAL_PAGES + GLOBAL_PAGES)
#define LARGE_BASE UINT64_C(0x40000000)
#define GENERATIONS 4096

static uint64_t roots[SPACES];
static uint64_t page_va[PAGES];
static unsigned current;

/* Where the pages fetched from under one generation were, as an engine remembers. */
static struct memory {
    uint32_t generation;
    uint64_t pa[PAGES]; /* 0: not fetched from */
} memory[GENERATIONS];

static bool is_global(unsigned page)
{
    return page >= LOCAL_PAGES;
}

static void poke_in(unsigned space, uint64_t va, uint64_t entry)
{
    paging_poke(&m, paging_entry(&m, roots[space], va, 1), entry);
}

static uint64_t random_leaf(unsigned page)
{
    uint64_t pa = PAGING_DATA + below(1024) * RF_PAGE_SIZE;
    uint64_t flags = RF_PTE_P | (one_in(3) ? 0 : RF_PTE_W) | (one_in(3) ? 0 : RF_PTE_U) |
                     (one_in(4) ? RF_PTE_NX : 0) | (is_global(page) ? RF_PTE_G : 0);
    return one_in(6) ? 0 : pa | flags;
}

static void forget_local(unsigned space, uint64_t va)
{
    if (space == current && one_in(2))
        rf_mmu_invlpg(&m.mmu, va + below(4096));
    else if (one_in(8))
        rf_mmu_invpcid(&m.mmu, 3, 0, 0);
    else if (one_in(4))
        rf_mmu_invpcid(&m.mmu, 1, (uint16_t)space, 0);
    else
        rf_mmu_invpcid(&m.mmu, 0, (uint16_t)space, va);
}

static void change_small_page(void)
{
    unsigned page = (unsigned)below(PAGES), space = (unsigned)below(SPACES);
    uint64_t leaf = random_leaf(page);
    if (!is_global(page)) {
        poke_in(space, page_va[page], leaf);
        forget_local(space, page_va[page]);
        return;
    }
    for (unsigned i = 0; i < SPACES; i++)
        poke_in(i, page_va[page], leaf);
    if (one_in(4))
        rf_mmu_invpcid(&m.mmu, 2, 0, 0);
    else
        rf_mmu_invlpg(&m.mmu, page_va[page]);
}

static void change_large_page(void)
{
    unsigned space = (unsigned)below(SPACES);
    uint64_t leaf = (PAGING_DATA + below(16) * UINT64_C(0x200000)) | PTE_USER | RF_PTE_PS;
    paging_poke(&m, paging_entry(&m, roots[space], LARGE_BASE, 2), one_in(5) ? 0 : leaf);
    forget_local(space, LARGE_BASE + below(512) * RF_PAGE_SIZE);
}

static void switch_space(void)
{
    current = (unsigned)below(one_in(3) ? SPACES : 3);
    rf_mmu_set_cr3(&m.mmu, roots[current] | current | (one_in(3) ? 0 : RF_CR3_NO_FLUSH));
}

static struct memory *current_memory(void)
{
    struct memory *known = &memory[m.mmu.generation % GENERATIONS];
    if (known->generation != m.mmu.generation)
        *known = (struct memory){.generation = m.mmu.generation};
    return known;
}

static void access_and_compare(uint64_t va, uint64_t *fetched_from)
{
    enum rf_access access = (enum rf_access)below(3);
    enum rf_tlb_mode mode = (enum rf_tlb_mode)below(3);
    struct rf_fault fault;
    struct rf_walk walk;
    uint64_t pa = 0;
    rf_mmu_explain(&m.mmu, va, access, mode, &walk);
    bool ok = rf_mmu_translate(&m.mmu, va, access, mode, &pa, &fault);
    ck_assert_msg(ok == walk.ok, "va %#jx in space %u: %s", (uintmax_t)va, current,
                  walk.ok ? "should be allowed" : walk.refused_by);
    if (!ok) {
        ck_assert_uint_eq(fault.error_code, walk.fault.error_code);
        return;
    }
    ck_assert_uint_eq(pa, walk.pa);
    if (access == RF_FETCH && fetched_from)
        *fetched_from = pa & ~RF_PAGE_MASK;
}

static void access_something(void)
{
    if (one_in(4)) {
        access_and_compare(LARGE_BASE + below(UINT64_C(0x200000)), NULL);
    } else {
        unsigned page = (unsigned)below(PAGES);
        access_and_compare(page_va[page] + below(4096), &current_memory()->pa[page]);
    }
}

static void check_memory(void)
{
    ck_assert_uint_eq(m.mmu.generation, m.mmu.set->generation);
    const struct memory *known = current_memory();
    for (unsigned page = 0; page < PAGES; page++) {
        struct rf_walk walk;
        if (!known->pa[page])
            continue;
        rf_mmu_explain(&m.mmu, page_va[page], RF_FETCH, RF_TLB_SUPERVISOR, &walk);
        ck_assert_msg(walk.ok && walk.pa == known->pa[page], "generation %u has moved page %u",
                      m.mmu.generation, page);
    }
}

START_TEST(invalidating_software_never_sees_anything_stale)
{
    state = 0x9876543 + (uint64_t)_i;
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_PCIDE | RF_CR4_SMAP);
    for (unsigned page = 0; page < PAGES; page++) /* a third of them share an index */
        page_va[page] = UINT64_C(0x100000000000) +
                        (page % 3 ? page : page * RF_TLB_ENTRIES) * RF_PAGE_SIZE;
    for (unsigned space = 0; space < SPACES; space++)
        roots[space] = paging_new_table(&m);
    switch_space();
    for (unsigned round = 0; round < 60000; round++) {
        uint64_t choice = below(100);
        if (choice < 10)
            change_small_page();
        else if (choice < 12)
            change_large_page();
        else if (choice < 20)
            switch_space();
        else
            access_something();
        check_memory();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mmu-random");
    TCase *tcase = tcase_create("random");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, random_tables_agree_with_a_second_translator, 0, 4);
    tcase_add_loop_test(tcase, invalidating_software_never_sees_anything_stale, 0, 4);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
