/* Access rights: one named case per rule of SDM 3A, 4.6 and 4.7, and every combination
 * of entry bits, registers, access and mode compared with a small model that is
 * written the way the manual puts it. */
#include "lib/paging.h"
#include "lib/suite.h"

#include <check.h>
#include <stdlib.h>

static struct paging m;

#define VA UINT64_C(0x00007654321f7000)
#define PA (PAGING_DATA + UINT64_C(0x5000))

static void setup(void)
{
    paging_create(&m);
}

static void teardown(void)
{
    paging_destroy(&m);
}

/* ---- Named rules --------------------------------------------------------------- */

#define OK UINT32_MAX
#define READ RF_READ
#define WRITE RF_WRITE
#define FETCH RF_FETCH
#define USER RF_TLB_USER
#define SUPER RF_TLB_SUPERVISOR
#define SUPER_AC RF_TLB_SUPERVISOR_AC

#define RO_USER (RF_PTE_P | RF_PTE_U)
#define RO_KERNEL RF_PTE_P
#define NX RF_PTE_NX
#define KEY3 PTE_KEY(3)
#define AD3 (1u << 6)
#define WD3 (2u << 6)
#define P RF_PF_P
#define W RF_PF_W
#define U RF_PF_U
#define I RF_PF_I
#define PK RF_PF_PK

static const struct rule {
    const char *name;
    uint64_t leaf;
    bool wp;
    uint64_t cr4;
    uint32_t pkru, pkrs;
    enum rf_access access;
    enum rf_tlb_mode mode;
    uint32_t expected; /* error code, or OK */
} rules[] = {
    {"user reads a user page", RO_USER, 1, 0, 0, 0, READ, USER, OK},
    {"user writes a writable user page", PTE_USER, 1, 0, 0, 0, WRITE, USER, OK},
    {"user fetches from a user page", RO_USER, 1, 0, 0, 0, FETCH, USER, OK},
    {"user does not write a read-only page", RO_USER, 1, 0, 0, 0, WRITE, USER, P | W | U},
    {"WP = 0 does not help a user", RO_USER, 0, 0, 0, 0, WRITE, USER, P | W | U},
    {"user does not read a supervisor page", PTE_KERNEL, 1, 0, 0, 0, READ, USER, P | U},
    {"user does not write a supervisor page", PTE_KERNEL, 1, 0, 0, 0, WRITE, USER, P | W | U},
    {"user does not fetch from a supervisor page", PTE_KERNEL, 1, 0, 0, 0, FETCH, USER,
     P | U | I},
    {"user does not fetch from an XD page", RO_USER | NX, 1, 0, 0, 0, FETCH, USER, P | U | I},
    {"XD does not hinder a user's read", RO_USER | NX, 1, 0, 0, 0, READ, USER, OK},
    {"XD does not hinder a user's write", PTE_USER | NX, 1, 0, 0, 0, WRITE, USER, OK},

    {"supervisor reads a supervisor page", RO_KERNEL, 1, 0, 0, 0, READ, SUPER, OK},
    {"supervisor writes a writable page", PTE_KERNEL, 1, 0, 0, 0, WRITE, SUPER, OK},
    {"supervisor fetches from its page", RO_KERNEL, 1, 0, 0, 0, FETCH, SUPER, OK},
    {"WP = 1 binds supervisor writes", RO_KERNEL, 1, 0, 0, 0, WRITE, SUPER, P | W},
    {"WP = 0 lets supervisor write anything", RO_KERNEL, 0, 0, 0, 0, WRITE, SUPER, OK},
    {"WP = 1 binds supervisor writes to user pages", RO_USER, 1, 0, 0, 0, WRITE, SUPER, P | W},
    {"WP = 0 lets supervisor write user pages", RO_USER, 0, 0, 0, 0, WRITE, SUPER, OK},
    {"WP = 1 binds supervisor with AC = 1", RO_USER, 1, 0, 0, 0, WRITE, SUPER_AC, P | W},
    {"supervisor does not fetch from an XD page", RO_KERNEL | NX, 1, 0, 0, 0, FETCH, SUPER,
     P | I},
    {"XD does not hinder a supervisor's read", RO_KERNEL | NX, 1, 0, 0, 0, READ, SUPER, OK},

    {"supervisor fetches from user pages", RO_USER, 1, 0, 0, 0, FETCH, SUPER, OK},
    {"SMEP forbids it", RO_USER, 1, RF_CR4_SMEP, 0, 0, FETCH, SUPER, P | I},
    {"SMEP forbids it with AC = 1 too", RO_USER, 1, RF_CR4_SMEP, 0, 0, FETCH, SUPER_AC, P | I},
    {"SMEP allows data accesses", PTE_USER, 1, RF_CR4_SMEP, 0, 0, WRITE, SUPER, OK},
    {"SMEP allows supervisor pages", RO_KERNEL, 1, RF_CR4_SMEP, 0, 0, FETCH, SUPER, OK},
    {"SMEP allows a user's fetch", RO_USER, 1, RF_CR4_SMEP, 0, 0, FETCH, USER, OK},

    {"SMAP forbids reads of user pages", PTE_USER, 1, RF_CR4_SMAP, 0, 0, READ, SUPER, P},
    {"SMAP forbids writes of user pages", PTE_USER, 1, RF_CR4_SMAP, 0, 0, WRITE, SUPER, P | W},
    {"SMAP holds with WP = 0", PTE_USER, 0, RF_CR4_SMAP, 0, 0, WRITE, SUPER, P | W},
    {"AC = 1 lifts SMAP for reads", PTE_USER, 1, RF_CR4_SMAP, 0, 0, READ, SUPER_AC, OK},
    {"AC = 1 lifts SMAP for writes", PTE_USER, 1, RF_CR4_SMAP, 0, 0, WRITE, SUPER_AC, OK},
    {"AC = 1 does not lift WP", RO_USER, 1, RF_CR4_SMAP, 0, 0, WRITE, SUPER_AC, P | W},
    {"SMAP allows fetches", RO_USER, 1, RF_CR4_SMAP, 0, 0, FETCH, SUPER, OK},
    {"SMAP allows supervisor pages", PTE_KERNEL, 1, RF_CR4_SMAP, 0, 0, WRITE, SUPER, OK},
    {"SMAP does not concern users", PTE_USER, 1, RF_CR4_SMAP, 0, 0, WRITE, USER, OK},

    {"PKRU.AD forbids reads", PTE_USER | KEY3, 1, RF_CR4_PKE, AD3, 0, READ, USER, P | U | PK},
    {"PKRU.AD forbids writes", PTE_USER | KEY3, 1, RF_CR4_PKE, AD3, 0, WRITE, USER,
     P | W | U | PK},
    {"PKRU.AD allows fetches", PTE_USER | KEY3, 1, RF_CR4_PKE, AD3, 0, FETCH, USER, OK},
    {"PKRU.WD allows reads", PTE_USER | KEY3, 1, RF_CR4_PKE, WD3, 0, READ, USER, OK},
    {"PKRU.WD forbids writes", PTE_USER | KEY3, 1, RF_CR4_PKE, WD3, 0, WRITE, USER,
     P | W | U | PK},
    {"PKRU.WD binds users with WP = 0", PTE_USER | KEY3, 0, RF_CR4_PKE, WD3, 0, WRITE, USER,
     P | W | U | PK},
    {"PKRU.AD binds supervisors on user pages", PTE_USER | KEY3, 1, RF_CR4_PKE, AD3, 0, READ,
     SUPER, P | PK},
    {"PKRU.AD binds them with WP = 0", PTE_USER | KEY3, 0, RF_CR4_PKE, AD3, 0, WRITE, SUPER,
     P | W | PK},
    {"PKRU.WD binds supervisors with WP = 1", PTE_USER | KEY3, 1, RF_CR4_PKE, WD3, 0, WRITE,
     SUPER, P | W | PK},
    {"PKRU.WD does not bind them with WP = 0", PTE_USER | KEY3, 0, RF_CR4_PKE, WD3, 0, WRITE,
     SUPER, OK},
    {"PKRU is for user pages", PTE_KERNEL | KEY3, 1, RF_CR4_PKE, AD3, 0, READ, SUPER, OK},
    {"PKRU needs PKE", PTE_USER | KEY3, 1, 0, AD3, 0, READ, USER, OK},
    {"PKRU of another key is no concern", PTE_USER | PTE_KEY(4), 1, RF_CR4_PKE, ~(3u << 8), 0,
     WRITE, USER, OK},
    {"key 0 is checked like the others", PTE_USER, 1, RF_CR4_PKE, 1, 0, READ, USER,
     P | U | PK},
    {"key 15 uses the highest bits", PTE_USER | PTE_KEY(15), 1, RF_CR4_PKE, 0x40000000, 0, READ,
     USER, P | U | PK},
    {"PK is told beside a refusal by R/W", RO_USER | KEY3, 1, RF_CR4_PKE, WD3, 0, WRITE, USER,
     P | W | U | PK},
    {"PK is told beside a refusal by SMAP", PTE_USER | KEY3, 1, RF_CR4_PKE | RF_CR4_SMAP, AD3, 0,
     READ, SUPER, P | PK},
    {"PK is not told when the key allows", RO_USER | KEY3, 1, RF_CR4_PKE, 0, 0, WRITE, USER,
     P | W | U},
    {"PK is not told of a fetch", RO_USER | KEY3 | NX, 1, RF_CR4_PKE, AD3, 0, FETCH, USER,
     P | U | I},

    {"PKRS.AD forbids reads", PTE_KERNEL | KEY3, 1, RF_CR4_PKS, 0, AD3, READ, SUPER, P | PK},
    {"PKRS.WD forbids writes", PTE_KERNEL | KEY3, 1, RF_CR4_PKS, 0, WD3, WRITE, SUPER,
     P | W | PK},
    {"PKRS.WD allows reads", PTE_KERNEL | KEY3, 1, RF_CR4_PKS, 0, WD3, READ, SUPER, OK},
    {"PKRS.WD does not bind with WP = 0", PTE_KERNEL | KEY3, 0, RF_CR4_PKS, 0, WD3, WRITE, SUPER,
     OK},
    {"PKRS.AD binds with WP = 0", PTE_KERNEL | KEY3, 0, RF_CR4_PKS, 0, AD3, WRITE, SUPER,
     P | W | PK},
    {"PKRS allows fetches", PTE_KERNEL | KEY3, 1, RF_CR4_PKS, 0, AD3, FETCH, SUPER, OK},
    {"PKRS is for supervisor pages", PTE_USER | KEY3, 1, RF_CR4_PKS, 0, AD3, READ, SUPER, OK},
    {"PKRS binds with AC = 1", PTE_KERNEL | KEY3, 1, RF_CR4_PKS, 0, AD3, READ, SUPER_AC, P | PK},
    {"PKRS needs PKS", PTE_KERNEL | KEY3, 1, 0, 0, AD3, READ, SUPER, OK},
};

START_TEST(rule_holds)
{
    const struct rule *rule = &rules[_i];
    struct rf_fault fault = {0};
    uint64_t pa = 0;
    paging_map(&m, VA, PA, rule->leaf);
    rf_mmu_set_cr0(&m.mmu, RF_CR0_PE | RF_CR0_PG | (rule->wp ? RF_CR0_WP : 0));
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | rule->cr4);
    rf_mmu_set_pkru(&m.mmu, rule->pkru);
    rf_mmu_set_pkrs(&m.mmu, rule->pkrs);
    bool allowed = rf_mmu_translate(&m.mmu, VA + 9, rule->access, rule->mode, &pa, &fault);
    uint32_t got = allowed ? OK : fault.error_code;
    ck_assert_msg(got == rule->expected, "%s: got %#x, wanted %#x", rule->name, got,
                  rule->expected);
    if (allowed)
        ck_assert_uint_eq(pa, PA + 9);
    else
        ck_assert_uint_eq(fault.address, VA + 9);
}
END_TEST

#undef P
#undef W
#undef U
#undef I
#undef PK

/* ---- The model ----------------------------------------------------------------- */

struct level_bits {
    bool present, writable, user, no_execute;
};

struct setting {
    bool wp, smep, smap, nxe, pke, pks;
    unsigned pkru_rights, pkrs_rights; /* AD = 1, WD = 2, of the page's key */
};

struct query {
    struct setting on;
    struct level_bits upper, lower;
    enum rf_access access;
    enum rf_tlb_mode mode;
};

/* "May the access be made?" in the order of the bullets of SDM 3A, 4.6.1. */
static bool model_paging_allows(const struct query *q)
{
    bool write_everywhere = q->upper.writable && q->lower.writable;
    bool user_page = q->upper.user && q->lower.user;
    bool no_execute = q->upper.no_execute || q->lower.no_execute;
    if (q->mode == USER) {
        switch (q->access) {
        case READ:
            return user_page;
        case WRITE:
            return user_page && write_everywhere;
        default:
            return user_page && !no_execute;
        }
    }
    bool may_touch = !user_page || !q->on.smap || q->mode == SUPER_AC;
    switch (q->access) {
    case READ:
        return may_touch;
    case WRITE:
        return q->on.wp ? may_touch && write_everywhere : may_touch;
    default:
        return user_page ? !q->on.smep && !no_execute : !no_execute;
    }
}

static bool model_key_allows(const struct query *q)
{
    bool user_page = q->upper.user && q->lower.user;
    if (q->access == FETCH)
        return true;
    if (user_page) {
        if (!q->on.pke)
            return true;
        if (q->on.pkru_rights & 1)
            return false;
        return !(q->on.pkru_rights & 2) || q->access == READ || (q->mode != USER && !q->on.wp);
    }
    if (!q->on.pks)
        return true;
    if (q->on.pkrs_rights & 1)
        return false;
    return !(q->on.pkrs_rights & 2) || q->access == READ || !q->on.wp;
}

/* 1 if the entry ends the translation for want of P, 2 for a reserved bit. */
static int model_entry(const struct query *q, const struct level_bits *bits)
{
    return !bits->present ? 1 : bits->no_execute && !q->on.nxe ? 2 : 0;
}

/* The error code, or OK. */
static uint32_t model(const struct query *q)
{
    uint32_t code = 0;
    if (q->access == WRITE)
        code += 2;
    if (q->mode == USER)
        code += 4;
    if (q->access == FETCH && (q->on.smep || q->on.nxe))
        code += 16;
    int ends = model_entry(q, &q->upper);
    if (!ends)
        ends = model_entry(q, &q->lower);
    if (ends)
        return ends == 1 ? code : code + 1 + 8;
    bool key = model_key_allows(q);
    if (model_paging_allows(q) && key)
        return OK;
    return code + 1 + (key ? 0 : 32);
}

static uint64_t entry_flags(const struct level_bits *bits)
{
    return (bits->present ? 1 : 0) | (bits->writable ? 2 : 0) | (bits->user ? 4 : 0) |
           (bits->no_execute ? RF_PTE_NX : 0);
}

static struct level_bits level_bits(unsigned number)
{
    return (struct level_bits){number & 1, number & 2, number & 4, number & 8};
}

#define MODEL_KEY 6

static void set_registers(const struct setting *on)
{
    /* Every other key is denied what this one is allowed, and the other way round. */
    uint32_t others = ~(3u << (2 * MODEL_KEY));
    rf_mmu_set_cr0(&m.mmu, RF_CR0_PE | RF_CR0_PG | (on->wp ? RF_CR0_WP : 0));
    rf_mmu_set_cr4(&m.mmu, RF_CR4_PAE | (on->smep ? RF_CR4_SMEP : 0) |
                               (on->smap ? RF_CR4_SMAP : 0) | (on->pke ? RF_CR4_PKE : 0) |
                               (on->pks ? RF_CR4_PKS : 0));
    rf_mmu_set_efer(&m.mmu, RF_EFER_LME | RF_EFER_LMA | (on->nxe ? RF_EFER_NXE : 0));
    rf_mmu_set_pkru(&m.mmu, on->pkru_rights << (2 * MODEL_KEY) | (on->pkru_rights ? 0 : others));
    rf_mmu_set_pkrs(&m.mmu, on->pkrs_rights << (2 * MODEL_KEY) | (on->pkrs_rights ? 0 : others));
}

static void compare(const struct query *q)
{
    struct rf_fault fault = {0};
    struct rf_walk walk;
    uint64_t pa = 0;
    uint32_t wanted = model(q);
    rf_mmu_explain(&m.mmu, VA, q->access, q->mode, &walk);
    uint32_t told = walk.ok ? OK : walk.fault.error_code;
    bool allowed = rf_mmu_translate(&m.mmu, VA, q->access, q->mode, &pa, &fault);
    uint32_t got = allowed ? OK : fault.error_code;
    if (got != wanted || told != wanted || (allowed && pa != PA))
        ck_abort_msg("upper %jx lower %jx access %d mode %d wp %d smep %d smap %d nxe %d "
                     "pke %d/%u pks %d/%u: got %#x, explained %#x, wanted %#x",
                     (uintmax_t)entry_flags(&q->upper), (uintmax_t)entry_flags(&q->lower),
                     q->access, q->mode, q->on.wp, q->on.smep, q->on.smap, q->on.nxe, q->on.pke,
                     q->on.pkru_rights, q->on.pks, q->on.pkrs_rights, got, told, wanted);
}

static void compare_all_accesses(struct query *q)
{
    for (int mode = 0; mode < RF_TLB_MODES; mode++)
        for (int access = RF_READ; access <= RF_FETCH; access++) {
            q->mode = (enum rf_tlb_mode)mode;
            q->access = (enum rf_access)access;
            compare(q);
        }
}

/* _i: which two levels carry the bits, and whether the TLB stays warm over the nine
 * accesses (all of an entry's tags must then be right at once). 36,864 comparisons. */
START_TEST(two_levels_and_all_registers_agree_with_the_model)
{
    static const unsigned pairs[][2] = {{4, 1}, {3, 2}, {2, 1}};
    unsigned upper = pairs[_i][0], lower = pairs[_i][1];
    paging_map(&m, VA, PA, PTE_USER);
    uint64_t upper_pa = paging_entry(&m, PAGING_ROOT, VA, upper);
    uint64_t lower_pa = paging_entry(&m, PAGING_ROOT, VA, lower);
    uint64_t upper_address = paging_peek(&m, upper_pa) & RF_PTE_ADDRESS;
    uint64_t lower_address = paging_peek(&m, lower_pa) & RF_PTE_ADDRESS;
    for (unsigned registers = 0; registers < 16; registers++) {
        struct query q = {.on = {.wp = registers & 1,
                                 .smep = registers & 2,
                                 .smap = registers & 4,
                                 .nxe = registers & 8}};
        set_registers(&q.on);
        for (unsigned bits = 0; bits < 256; bits++) {
            q.upper = level_bits(bits & 15);
            q.lower = level_bits(bits >> 4);
            paging_poke(&m, upper_pa, upper_address | entry_flags(&q.upper));
            paging_poke(&m, lower_pa, lower_address | entry_flags(&q.lower));
            rf_mmu_invlpg(&m.mmu, VA);
            compare_all_accesses(&q);
        }
    }
}
END_TEST

START_TEST(protection_keys_and_all_registers_agree_with_the_model)
{
    paging_map(&m, VA, PA, PTE_USER);
    uint64_t leaf = paging_entry(&m, PAGING_ROOT, VA, 1);
    for (unsigned page = 0; page < 4; page++) {
        struct query q = {.upper = level_bits(7), .lower = level_bits(1 | page << 1)};
        paging_poke(&m, leaf, PA | entry_flags(&q.lower) | PTE_KEY(MODEL_KEY));
        rf_mmu_invlpg(&m.mmu, VA);
        for (unsigned registers = 0; registers < 256; registers++) {
            /* The TLB stays warm: its tags must follow every register. */
            q.on = (struct setting){.wp = registers & 1,
                                    .smap = registers & 2,
                                    .pke = registers & 4,
                                    .pks = registers & 8,
                                    .nxe = true,
                                    .pkru_rights = registers >> 4 & 3,
                                    .pkrs_rights = registers >> 6};
            set_registers(&q.on);
            compare_all_accesses(&q);
        }
    }
}
END_TEST

/* ---- Tags ---------------------------------------------------------------------- */

/* A tag promises that the fast path may go ahead: it must be absent for whatever a
 * walk would refuse, and present after an access that was allowed. */
static void check_tags(uint64_t va, enum rf_access access, enum rf_tlb_mode mode)
{
    struct rf_fault fault;
    struct rf_walk walk;
    uint64_t pa;
    bool allowed = rf_mmu_translate(&m.mmu, va, access, mode, &pa, &fault);
    for (int m2 = 0; m2 < RF_TLB_MODES; m2++) {
        const struct rf_tlb_entry *slot = rf_tlb_slot(m.mmu.set->entry[m2], va);
        const uint64_t tags[] = {slot->read, slot->write, slot->fetch};
        for (int a2 = RF_READ; a2 <= RF_FETCH; a2++) {
            if (tags[a2] != va)
                continue;
            rf_mmu_explain(&m.mmu, va, (enum rf_access)a2, (enum rf_tlb_mode)m2, &walk);
            ck_assert_msg(walk.ok, "tag %d of mode %d at %#jx: %s", a2, m2, (uintmax_t)va,
                          walk.refused_by);
            ck_assert(a2 != RF_WRITE || walk.dirty);
            ck_assert_ptr_eq((void *)(uintptr_t)(va + slot->addend), m.ram.base + walk.pa);
        }
        if (m2 == (int)mode && allowed)
            ck_assert_uint_eq(tags[access], va);
    }
}

static void change_a_register(uint64_t random)
{
    static const uint64_t cr4_bits[] = {RF_CR4_SMEP, RF_CR4_SMAP, RF_CR4_PKE, RF_CR4_PKS,
                                        RF_CR4_PGE};
    switch (random % 8) {
    case 0:
        rf_mmu_set_cr0(&m.mmu, m.mmu.cr0 ^ RF_CR0_WP);
        break;
    case 1:
        rf_mmu_set_efer(&m.mmu, m.mmu.efer ^ RF_EFER_NXE);
        break;
    case 2:
    case 3:
        rf_mmu_set_pkru(&m.mmu, (uint32_t)(random >> 32));
        break;
    case 4:
    case 5:
        rf_mmu_set_pkrs(&m.mmu, (uint32_t)(random >> 32));
        break;
    default:
        rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 ^ cr4_bits[(random >> 8) % RF_ARRAY_SIZE(cr4_bits)]);
        break;
    }
}

START_TEST(tags_follow_registers_without_a_flush_being_asked_for)
{
    uint64_t state = 0x5eed;
    for (unsigned page = 0; page < 64; page++) {
        uint64_t flags = RF_PTE_P | (page & 1 ? RF_PTE_W : 0) | (page & 2 ? RF_PTE_U : 0) |
                         (page & 4 ? RF_PTE_NX : 0) | PTE_KEY(page >> 3);
        paging_map(&m, VA + page * RF_PAGE_SIZE, PA + page * RF_PAGE_SIZE, flags);
    }
    for (unsigned round = 0; round < 100000; round++) {
        uint64_t random = paging_random(&state);
        if (random % 16 == 0)
            change_a_register(paging_random(&state));
        check_tags(VA + (random >> 8) % 64 * RF_PAGE_SIZE, (enum rf_access)((random >> 20) % 3),
                   (enum rf_tlb_mode)((random >> 24) % 3));
    }
}
END_TEST

START_TEST(dirty_page_keeps_its_write_tag_over_wp)
{
    struct rf_fault fault;
    uint64_t pa;
    paging_map(&m, VA, PA, RF_PTE_P | RF_PTE_U);
    rf_mmu_set_cr0(&m.mmu, m.mmu.cr0 & ~RF_CR0_WP);
    ck_assert(rf_mmu_translate(&m.mmu, VA, RF_WRITE, SUPER, &pa, &fault));
    ck_assert_ptr_nonnull(rf_tlb_write(m.mmu.set->entry[SUPER], VA, 8));
    rf_mmu_set_cr0(&m.mmu, m.mmu.cr0 | RF_CR0_WP);
    ck_assert_ptr_null(rf_tlb_write(m.mmu.set->entry[SUPER], VA, 8));
    rf_mmu_set_cr0(&m.mmu, m.mmu.cr0 & ~RF_CR0_WP);
    ck_assert_ptr_nonnull(rf_tlb_write(m.mmu.set->entry[SUPER], VA, 8));
}
END_TEST

/* ---- Suite --------------------------------------------------------------------- */

int main(void)
{
    Suite *suite = suite_create("mmu-rights");
    TCase *tcase = tcase_create("rules");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, rule_holds, 0, (int)RF_ARRAY_SIZE(rules));
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("model");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, two_levels_and_all_registers_agree_with_the_model, 0, 3);
    tcase_add_test(tcase, protection_keys_and_all_registers_agree_with_the_model);
    tcase_add_test(tcase, tags_follow_registers_without_a_flush_being_asked_for);
    tcase_add_test(tcase, dirty_page_keeps_its_write_tag_over_wp);
    suite_add_tcase(suite, tcase);

    return run_suite(suite);
}
