/* The page walk: which entries translate an address, and which rule of the manual
 * refuses an access. Pure but for rf_mmu_walk_commit: rf_mmu_explain and the walks
 * that fill the TLB are the same function. The tables of 4-level and 5-level paging are read
 * here, those of 32-bit and PAE paging in walk_legacy.c. */
#include "mmu/tlb.h"
#include "mmu/walk.h"

#include <string.h>

#define NAMED_LEVELS 5
/* One text per level, of the entry that the rule found wanting. */
#define PER_LEVEL(bit, why)                                                                \
    {bit " in the PTE (level 1): " why, bit " in the PDE (level 2): " why,                 \
     bit " in the PDPTE (level 3): " why, bit " in the PML4E (level 4): " why,             \
     bit " in the PML5E (level 5): " why}
#define ANY_LEVEL(text) {text, text, text, text, text}

static const char *const rule_text[RULE_COUNT][NAMED_LEVELS] = {
    [RULE_PRESENT] = PER_LEVEL("P = 0", "the page is not present"),
    [RULE_ADDRESS] = PER_LEVEL("a reserved bit of 46 to 51 is set",
                               "physical addresses have 46 bits"),
    [RULE_PS] = PER_LEVEL("the reserved bit PS is set", "no page is that large"),
    [RULE_LARGE] = PER_LEVEL("a reserved address bit is set",
                             "a large page must be aligned to its size"),
    [RULE_NXE] = PER_LEVEL("XD = 1", "that bit is reserved while EFER.NXE = 0"),
    [RULE_USER] = PER_LEVEL("U/S = 0", "a user access needs U/S = 1 at every level"),
    [RULE_SMEP] = ANY_LEVEL("CR4.SMEP = 1: supervisor mode may not fetch from a user page"),
    [RULE_SMAP] = ANY_LEVEL("CR4.SMAP = 1 and RFLAGS.AC = 0 (or an implicit access): "
                            "supervisor mode may not access a user page"),
    [RULE_WRITE_USER] = PER_LEVEL("R/W = 0", "a user write needs R/W = 1 at every level"),
    [RULE_WRITE_SUPERVISOR] = PER_LEVEL("R/W = 0", "a supervisor write needs R/W = 1 at every "
                                                   "level while CR0.WP = 1"),
    [RULE_NX] = PER_LEVEL("XD = 1", "a fetch needs XD = 0 at every level"),
    [RULE_PKU_AD] = ANY_LEVEL("PKRU.AD = 1 for the page's protection key: no data access"),
    [RULE_PKU_WD] = ANY_LEVEL("PKRU.WD = 1 for the page's protection key: no write"),
    [RULE_PKS_AD] = ANY_LEVEL("IA32_PKRS.AD = 1 for the page's protection key: no data access"),
    [RULE_PKS_WD] = ANY_LEVEL("IA32_PKRS.WD = 1 for the page's protection key: no write"),
    [RULE_SHADOW_PAGE] = ANY_LEVEL("a shadow-stack access needs a shadow-stack page: R/W = 0 and D = 1 in "
                                   "the leaf, R/W = 1 above it"),
    [RULE_SHADOW_USER] = ANY_LEVEL("a supervisor's shadow-stack access needs U/S = 0 at some level"),
};

static const char text_noncanonical_48[] =
    "the address is not canonical: bits 63 to 47 are not all equal (4-level paging)";
static const char text_noncanonical_57[] =
    "the address is not canonical: bits 63 to 56 are not all equal (5-level paging)";

static bool is_canonical(uint64_t va, unsigned bits)
{
    const unsigned unused = 64 - bits;
    return (uint64_t)((int64_t)(va << unused) >> unused) == va;
}

bool rf_mmu_canonical(const struct rf_mmu *mmu, uint64_t va)
{
    return is_canonical(va, mmu->cr4 & RF_CR4_LA57 ? 57 : 48);
}

bool rf_mmu_canonical_base(uint64_t va)
{
    return is_canonical(va, 57);
}

uint64_t rf_walk_read(const struct rf_mmu *mmu, uint64_t pa, unsigned size)
{
    const void *host = rf_ram_at(mmu->ram, pa, size);
    uint64_t entry = size == 8 ? UINT64_MAX : UINT32_MAX;
    if (host)
        memcpy(&entry, host, size);
    return entry;
}

static bool is_leaf(unsigned level, uint64_t entry)
{
    return level == 1 || (level <= 3 && (entry & RF_PTE_PS));
}

static uint64_t level_size(unsigned level)
{
    return RF_PAGE_SIZE << (9 * (level - 1));
}

/* Is there a translation through this entry? (SDM 3A, 4.5 and 4.7.) */
static enum rf_walk_rule entry_rule(const struct rf_mmu *mmu, unsigned level, uint64_t entry)
{
    if (!(entry & RF_PTE_P))
        return RULE_PRESENT;
    if (entry & ADDRESS_RESERVED)
        return RULE_ADDRESS;
    if (level >= 4 && (entry & RF_PTE_PS))
        return RULE_PS;
    if ((entry & RF_PTE_NX) && !(mmu->efer & RF_EFER_NXE))
        return RULE_NXE;
    if (level > 1 && is_leaf(level, entry) &&
        (entry & (level_size(level) - RF_PAGE_SIZE) & ~LARGE_PAT))
        return RULE_LARGE;
    return RULE_NONE;
}

/* Protection keys are for 4-level and 5-level paging, and data accesses only (SDM 3A, 4.6.2). WD binds user writes
 * to user pages always, every other write while CR0.WP = 1. */
static enum rf_walk_rule key_rule(const struct rf_mmu *mmu, const struct rf_page_rights *rights,
                          enum rf_access access, enum rf_tlb_mode mode)
{
    bool user_page = rights->user;
    if (access == RF_FETCH || !(mmu->efer & RF_EFER_LMA) || !(mmu->cr4 & (user_page ? RF_CR4_PKE : RF_CR4_PKS)))
        return RULE_NONE;
    uint32_t denied = (user_page ? mmu->pkru : mmu->pkrs) >> (2 * rights->protection_key);
    if (denied & 1)
        return user_page ? RULE_PKU_AD : RULE_PKS_AD;
    bool wd_binds = (mmu->cr0 & RF_CR0_WP) || (user_page && mode == RF_TLB_USER);
    if ((denied & 2) && (access == RF_WRITE || access == RF_SHADOW_WRITE) && wd_binds)
        return user_page ? RULE_PKU_WD : RULE_PKS_WD;
    return RULE_NONE;
}

/* Shadow-stack accesses (SDM 3A, 4.6.1). SMAP does not come into it: a supervisor's never may be to
 * a user page. */
static enum rf_walk_rule shadow_rule(const struct rf_page_rights *rights, bool user_access)
{
    if (!user_access && rights->user)
        return RULE_SHADOW_USER;
    return rights->shadow_stack ? RULE_NONE : RULE_SHADOW_PAGE;
}

/* The rights of SDM 3A, 4.6.1. */
static enum rf_walk_rule paging_rule(const struct rf_mmu *mmu, const struct rf_page_rights *rights,
                             enum rf_access access, enum rf_tlb_mode mode)
{
    bool user_access = mode == RF_TLB_USER;
    if (user_access && !rights->user)
        return RULE_USER;
    if (access >= RF_SHADOW_READ)
        return shadow_rule(rights, user_access);
    if (!user_access && rights->user) {
        if (access == RF_FETCH && (mmu->cr4 & RF_CR4_SMEP))
            return RULE_SMEP;
        if (access != RF_FETCH && (mmu->cr4 & RF_CR4_SMAP) && mode != RF_TLB_SUPERVISOR_AC)
            return RULE_SMAP;
    }
    if (access == RF_WRITE && !rights->writable) {
        if (user_access)
            return RULE_WRITE_USER;
        if (mmu->cr0 & RF_CR0_WP)
            return RULE_WRITE_SUPERVISOR;
    }
    if (access == RF_FETCH && !rights->executable)
        return RULE_NX;
    return RULE_NONE;
}

bool rf_mmu_rights_allow(const struct rf_mmu *mmu, const struct rf_page_rights *rights,
                         enum rf_access access, enum rf_tlb_mode mode)
{
    if (!(mmu->cr0 & RF_CR0_PG))
        return true;
    return paging_rule(mmu, rights, access, mode) == RULE_NONE &&
           key_rule(mmu, rights, access, mode) == RULE_NONE;
}

/* The bits that tell the access, not the reason (SDM 3A, 4.7). */
static uint32_t access_bits(const struct rf_mmu *mmu, enum rf_access access,
                            enum rf_tlb_mode mode)
{
    uint32_t bits = 0;
    if (access == RF_WRITE || access == RF_SHADOW_WRITE)
        bits |= RF_PF_W;
    if (access >= RF_SHADOW_READ)
        bits |= RF_PF_SS;
    if (mode == RF_TLB_USER)
        bits |= RF_PF_U;
    bool tells_fetches = (mmu->cr4 & RF_CR4_SMEP) ||
                         ((mmu->cr4 & RF_CR4_PAE) && (mmu->efer & RF_EFER_NXE));
    if (access == RF_FETCH && tells_fetches)
        bits |= RF_PF_I;
    return bits;
}

void rf_walk_refuse(struct rf_walk *walk, uint64_t va, uint32_t error_code, enum rf_walk_rule rule,
                    unsigned level)
{
    walk->fault =
        (struct rf_fault){.kind = RF_FAULT_PAGE, .error_code = error_code, .address = va};
    walk->refused_by = rule_text[rule][level - 1];
}

/* The highest level whose entry took the right away: R/W or U/S clear, or XD set. */
static unsigned guilty_level(const struct rf_walk *walk, enum rf_walk_rule rule)
{
    uint64_t bit = rule == RULE_USER ? RF_PTE_U : rule == RULE_NX ? RF_PTE_NX : RF_PTE_W;
    for (unsigned i = 0; i < walk->step_count; i++) {
        bool set = (walk->step[i].entry & bit) != 0;
        if (set == (rule == RULE_NX))
            return walk->step[i].level;
    }
    return 1;
}

/* Read the entries from the root to the leaf. False: refused, there is no
 * translation; the last step is the entry that says so. */
static bool descend(const struct rf_mmu *mmu, uint64_t va, uint32_t access_code,
                    struct rf_walk *walk)
{
    uint64_t table = mmu->cr3 & RF_PTE_ADDRESS;
    walk->writable = walk->user = walk->executable = true;
    for (unsigned level = mmu->cr4 & RF_CR4_LA57 ? 5 : 4;; level--) {
        uint64_t entry_pa = table + ((va / level_size(level)) & 511) * sizeof(uint64_t);
        uint64_t entry = rf_walk_read(mmu, entry_pa, 8);
        walk->step[walk->step_count++] = (struct rf_walk_step){
            .level = (uint8_t)level, .table = table, .entry_pa = entry_pa, .entry = entry};

        enum rf_walk_rule rule = entry_rule(mmu, level, entry);
        if (rule != RULE_NONE) {
            uint32_t reason = rule == RULE_PRESENT ? 0 : RF_PF_P | RF_PF_RSVD;
            rf_walk_refuse(walk, va, access_code | reason, rule, level);
            return false;
        }
        walk->writable &= (entry & RF_PTE_W) != 0;
        walk->user &= (entry & RF_PTE_U) != 0;
        walk->executable &= (entry & RF_PTE_NX) == 0;
        table = entry & RF_PTE_ADDRESS;
        if (is_leaf(level, entry))
            return true;
    }
}

static void read_leaf(uint64_t va, struct rf_walk *walk)
{
    const struct rf_walk_step *leaf = &walk->step[walk->step_count - 1];
    uint64_t offset = level_size(leaf->level) - 1;
    walk->pa = (leaf->entry & RF_PTE_ADDRESS & ~offset) | (va & offset);
    walk->page_shift = (uint8_t)(12 + 9 * (leaf->level - 1));
    walk->protection_key = (leaf->entry >> RF_PTE_PKEY_SHIFT) & 15;
}

static void walk_refuse_noncanonical(const struct rf_mmu *mmu, uint64_t va, struct rf_walk *walk)
{
    walk->fault = (struct rf_fault){.kind = RF_FAULT_NONCANONICAL, .address = va};
    walk->refused_by = mmu->cr4 & RF_CR4_LA57 ? text_noncanonical_57 : text_noncanonical_48;
}

static bool walk_wide(const struct rf_mmu *mmu, uint64_t va, uint32_t access_code, struct rf_walk *walk)
{
    if (!rf_mmu_canonical(mmu, va)) {
        walk_refuse_noncanonical(mmu, va, walk);
        return false;
    }
    if (!descend(mmu, va, access_code, walk))
        return false;
    read_leaf(va, walk);
    return true;
}

/* What the leaf says in every paging mode. */
static void read_leaf_flags(const struct rf_mmu *mmu, struct rf_walk *walk)
{
    unsigned leaf = walk->step_count - 1;
    uint64_t entry = walk->step[leaf].entry;
    walk->shadow_stack = !(entry & RF_PTE_W) && entry & RF_PTE_D;
    for (unsigned i = 0; i < leaf; i++)
        walk->shadow_stack &= (walk->step[i].entry & RF_PTE_W) != 0;
    walk->global = (entry & RF_PTE_G) && (mmu->cr4 & RF_CR4_PGE);
    walk->dirty = (entry & RF_PTE_D) != 0;
}

static void walk_identity(uint64_t va, struct rf_walk *walk)
{
    walk->ok = true;
    walk->pa = va;
    walk->page_shift = 12;
    walk->writable = walk->user = walk->executable = walk->dirty = true;
}

/* All but the steps, of which step_count tells the valid ones: walks are frequent. */
static void begin(struct rf_walk *walk)
{
    walk->step_count = 0;
    walk->ok = false;
    walk->fault = (struct rf_fault){.kind = RF_FAULT_NONE};
    walk->refused_by = NULL;
    walk->pa = 0;
    walk->page_shift = 0;
    walk->writable = walk->user = walk->executable = false;
    walk->global = walk->dirty = walk->shadow_stack = false;
    walk->protection_key = 0;
}

void rf_mmu_explain(const struct rf_mmu *mmu, uint64_t va, enum rf_access access,
                    enum rf_tlb_mode mode, struct rf_walk *walk)
{
    begin(walk);
    if (!(mmu->cr0 & RF_CR0_PG)) {
        walk_identity(va, walk);
        return;
    }
    uint32_t code = access_bits(mmu, access, mode);
    if (mmu->efer & RF_EFER_LMA ? !walk_wide(mmu, va, code, walk) : !rf_walk_legacy(mmu, va, code, walk))
        return;
    read_leaf_flags(mmu, walk);

    const struct rf_page_rights rights = {.writable = walk->writable,
                                          .user = walk->user,
                                          .executable = walk->executable,
                                          .shadow_stack = walk->shadow_stack,
                                          .protection_key = walk->protection_key};
    enum rf_walk_rule rule = paging_rule(mmu, &rights, access, mode);
    enum rf_walk_rule by_key = key_rule(mmu, &rights, access, mode);
    walk->ok = rule == RULE_NONE && by_key == RULE_NONE;
    if (walk->ok)
        return;
    /* PK tells that the key refuses, even when another rule does too. */
    code |= RF_PF_P | (by_key != RULE_NONE ? RF_PF_PK : 0);
    if (rule == RULE_NONE)
        rule = by_key;
    rf_walk_refuse(walk, va, code, rule, guilty_level(walk, rule));
}

/* Processors may set A in the entries that a refused access used (SDM 3A, 4.8); this
 * one sets nothing then, so the caller commits only walks that are ok. */
void rf_mmu_walk_commit(struct rf_mmu *mmu, struct rf_walk *walk, enum rf_access access)
{
    for (unsigned i = 0; i < walk->step_count; i++) {
        const struct rf_walk_step *step = &walk->step[i];
        uint64_t wanted = RF_PTE_A;
        if (i == walk->step_count - 1 && access == RF_WRITE)
            wanted |= RF_PTE_D;
        if ((step->entry & wanted) == wanted)
            continue;
        /* One entry may serve two levels (a recursive mapping): the leaf comes last. */
        uint64_t entry = step->entry | wanted;
        unsigned size = rf_walk_entry_size(mmu);
        rf_mmu_announce_write(mmu, step->entry_pa, size);
        memcpy(mmu->ram->base + step->entry_pa, &entry, size);
    }
    if (access == RF_WRITE)
        walk->dirty = true;
}
