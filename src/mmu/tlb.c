/* The software TLB: one set per recent PCID, the rules by which register writes and
 * invalidation instructions empty it (SDM 3A, 4.10), and code marks.
 *
 * An entry's note holds what the page tables said; its tags say what is allowed right
 * now. Registers that only restrict (CR0.WP, SMAP, PKRU, PKRS) and code marks have
 * tags made again from notes; the rest empties sets and gives them a new generation. */
#include "mmu/tlb.h"

#include <stdlib.h>
#include <string.h>

/* A slot is mode * RF_TLB_ENTRIES + index: the bit number in rf_tlb_set.used. */
#define SLOTS (RF_TLB_MODES * RF_TLB_ENTRIES)

static unsigned slot_of(enum rf_tlb_mode mode, uint64_t va)
{
    return (unsigned)mode * RF_TLB_ENTRIES + (unsigned)(va / RF_PAGE_SIZE % RF_TLB_ENTRIES);
}

static struct rf_tlb_entry *entry_at(struct rf_tlb_set *set, unsigned slot)
{
    return &set->entry[slot / RF_TLB_ENTRIES][slot % RF_TLB_ENTRIES];
}

static struct rf_tlb_note *note_at(struct rf_tlb_set *set, unsigned slot)
{
    return &set->note[slot / RF_TLB_ENTRIES][slot % RF_TLB_ENTRIES];
}

/* Move *slot to the first filled slot at or after it; false if there is none. */
static bool next_used(const struct rf_tlb_set *set, unsigned *slot)
{
    uint64_t mask = UINT64_MAX << (*slot % 64);
    for (unsigned word = *slot / 64; word < RF_ARRAY_SIZE(set->used); word++) {
        uint64_t bits = set->used[word] & mask;
        if (bits) {
            *slot = word * 64 + (unsigned)__builtin_ctzll(bits);
            return true;
        }
        mask = UINT64_MAX;
    }
    return false;
}

static void forget_slot(struct rf_tlb_set *set, unsigned slot)
{
    struct rf_tlb_entry *entry = entry_at(set, slot);
    entry->read = entry->write = entry->fetch = RF_TLB_INVALID;
    note_at(set, slot)->page = RF_TLB_INVALID;
    set->used[slot / 64] &= ~RF_BIT(slot % 64);
}

/* ---- Sets ---------------------------------------------------------------------- */

static void renew_generation(struct rf_mmu *mmu, struct rf_tlb_set *set)
{
    if (++mmu->next_generation == 0)
        mmu->next_generation = 1;
    set->generation = mmu->next_generation;
    mmu->generation = mmu->set->generation;
}

/* For memory that has never been a set. */
static void prepare_set(struct rf_tlb_set *set)
{
    memset(set, 0, sizeof *set);
    for (unsigned slot = 0; slot < SLOTS; slot++)
        forget_slot(set, slot);
}

/* Forget the set's translations; work is in proportion to what it holds. */
static void empty_set(struct rf_mmu *mmu, struct rf_tlb_set *set, bool keep_global)
{
    keep_global = keep_global && set->has_global;
    for (unsigned slot = 0; next_used(set, &slot); slot++)
        if (!keep_global || !note_at(set, slot)->rights.global)
            forget_slot(set, slot);
    if (!keep_global) {
        set->has_global = false;
        set->keys = 0;
        set->large_first = UINT64_MAX;
        set->large_last = 0;
    }
    renew_generation(mmu, set);
}

static void empty_all_sets(struct rf_mmu *mmu, bool keep_global)
{
    for (unsigned i = 0; i < RF_TLB_SETS; i++)
        if (mmu->sets[i].in_use)
            empty_set(mmu, &mmu->sets[i], keep_global);
    mmu->counts.flushes++;
}

static struct rf_tlb_set *find_set(struct rf_mmu *mmu, uint16_t pcid)
{
    for (unsigned i = 0; i < RF_TLB_SETS; i++)
        if (mmu->sets[i].in_use && mmu->sets[i].pcid == pcid)
            return &mmu->sets[i];
    return NULL;
}

/* A set for a PCID that has none: a fresh one, else the least recently entered. */
static struct rf_tlb_set *take_set(struct rf_mmu *mmu, uint16_t pcid)
{
    struct rf_tlb_set *taken = &mmu->sets[0];
    for (unsigned i = 0; i < RF_TLB_SETS && taken->in_use; i++) {
        struct rf_tlb_set *set = &mmu->sets[i];
        if (!set->in_use || set->last_used < taken->last_used)
            taken = set;
    }
    if (!taken->in_use)
        prepare_set(taken);
    taken->in_use = true;
    taken->pcid = pcid;
    empty_set(mmu, taken, false);
    return taken;
}

static uint16_t current_pcid(const struct rf_mmu *mmu)
{
    return mmu->cr4 & RF_CR4_PCIDE ? mmu->cr3 & 0xfff : 0;
}

/* Make the set of the PCID in CR3 the current one. True if it was there already. */
static bool enter_set(struct rf_mmu *mmu)
{
    uint16_t pcid = current_pcid(mmu);
    struct rf_tlb_set *set = find_set(mmu, pcid);
    bool found = set != NULL;
    if (!found)
        set = take_set(mmu, pcid);
    set->last_used = ++mmu->use_clock;
    mmu->set = set;
    mmu->generation = set->generation;
    return found;
}

rf_status rf_mmu_init(struct rf_mmu *mmu, struct rf_ram *ram, struct rf_error *err)
{
    *mmu = (struct rf_mmu){.ram = ram};
    size_t size = RF_TLB_SETS * sizeof *mmu->sets;
    mmu->sets = aligned_alloc(_Alignof(struct rf_tlb_set), size);
    if (!mmu->sets)
        return rf_error_set(err, RF_ERR_NO_MEMORY, "MMU: no memory for %zu bytes of TLB", size);
    /* The rest waits for take_set: a set that is never entered costs no host memory. */
    for (unsigned i = 0; i < RF_TLB_SETS; i++)
        mmu->sets[i].in_use = false;
    mmu->set = mmu->sets;
    enter_set(mmu);
    return RF_OK;
}

void rf_mmu_destroy(struct rf_mmu *mmu)
{
    free(mmu->sets);
    *mmu = (struct rf_mmu){0};
}

/* ---- Entries ------------------------------------------------------------------- */

static uint64_t make_tag(const struct rf_mmu *mmu, const struct rf_tlb_note *note,
                         enum rf_access access, enum rf_tlb_mode mode)
{
    return rf_mmu_rights_allow(mmu, &note->rights, access, mode) ? note->page : RF_TLB_INVALID;
}

/* Make a filled slot's tags from its note. */
static void set_tags(const struct rf_mmu *mmu, struct rf_tlb_set *set, unsigned slot)
{
    enum rf_tlb_mode mode = (enum rf_tlb_mode)(slot / RF_TLB_ENTRIES);
    const struct rf_tlb_note *note = note_at(set, slot);
    struct rf_tlb_entry *entry = entry_at(set, slot);
    entry->read = make_tag(mmu, note, RF_READ, mode);
    entry->fetch = make_tag(mmu, note, RF_FETCH, mode);
    entry->write = RF_TLB_INVALID;
    if (note->rights.dirty && !rf_mmu_is_code(mmu, note->pa))
        entry->write = make_tag(mmu, note, RF_WRITE, mode);
    entry->addend = (uint64_t)(uintptr_t)mmu->ram->base + note->pa - note->page;
}

static void widen_large(struct rf_tlb_set *set, const struct rf_tlb_note *note)
{
    uint64_t offset = RF_BIT(note->rights.page_shift) - 1;
    uint64_t first = note->page & ~offset, last = note->page | offset;
    if (first < set->large_first)
        set->large_first = first;
    if (last > set->large_last)
        set->large_last = last;
}

static void store(struct rf_mmu *mmu, enum rf_tlb_mode mode, const struct rf_tlb_note *note)
{
    struct rf_tlb_set *set = mmu->set;
    unsigned slot = slot_of(mode, note->page);
    *note_at(set, slot) = *note;
    set->used[slot / 64] |= RF_BIT(slot % 64);
    set->has_global |= note->rights.global;
    set->keys |= (uint16_t)(1u << note->rights.protection_key);
    if (note->rights.page_shift > 12)
        widen_large(set, note);
    set_tags(mmu, set, slot);
}

void rf_tlb_fill(struct rf_mmu *mmu, uint64_t va, enum rf_tlb_mode mode,
                 const struct rf_walk *walk)
{
    const struct rf_tlb_note note = {
        .page = va & ~RF_PAGE_MASK,
        .pa = walk->pa & ~RF_PAGE_MASK,
        .rights = {.writable = walk->writable,
                   .user = walk->user,
                   .executable = walk->executable,
                   .global = walk->global,
                   .dirty = walk->dirty,
                   .protection_key = walk->protection_key,
                   .page_shift = walk->page_shift},
    };
    store(mmu, mode, &note);
}

static bool note_serves(const struct rf_mmu *mmu, const struct rf_tlb_note *note, uint64_t page,
                        enum rf_access access, enum rf_tlb_mode mode)
{
    return note->page == page && (access != RF_WRITE || note->rights.dirty) &&
           rf_mmu_rights_allow(mmu, &note->rights, access, mode);
}

static uint64_t tag_for(const struct rf_tlb_entry *entry, enum rf_access access)
{
    return access == RF_READ ? entry->read : access == RF_WRITE ? entry->write : entry->fetch;
}

const struct rf_tlb_note *rf_tlb_find(struct rf_mmu *mmu, uint64_t va, enum rf_access access,
                                      enum rf_tlb_mode mode)
{
    unsigned slot = slot_of(mode, va);
    const struct rf_tlb_note *own = note_at(mmu->set, slot);
    uint64_t page = va & ~RF_PAGE_MASK;
    if (tag_for(entry_at(mmu->set, slot), access) == page)
        return own;
    if (note_serves(mmu, own, page, access, mode)) {
        /* A page of code; if it no longer is, it gets its write tag back. */
        set_tags(mmu, mmu->set, slot);
        return own;
    }
    for (unsigned other = 0; other < RF_TLB_MODES; other++) {
        const struct rf_tlb_note *note = note_at(mmu->set, slot_of((enum rf_tlb_mode)other, va));
        if (other != mode && note_serves(mmu, note, page, access, mode)) {
            store(mmu, mode, note);
            return own;
        }
    }
    return NULL;
}

/* ---- Invalidation -------------------------------------------------------------- */

enum scope { SCOPE_ALL, SCOPE_GLOBAL, SCOPE_NOT_GLOBAL };

/* Forget the slot if it was filled from the page, large or not, that holds va. */
static void forget_if_covers(struct rf_tlb_set *set, unsigned slot, uint64_t va,
                             enum scope scope)
{
    const struct rf_tlb_note *note = note_at(set, slot);
    if (note->page == RF_TLB_INVALID || (note->page ^ va) >> note->rights.page_shift != 0)
        return;
    if (scope == SCOPE_ALL || note->rights.global == (scope == SCOPE_GLOBAL))
        forget_slot(set, slot);
}

static void forget_page(struct rf_tlb_set *set, uint64_t va, enum scope scope)
{
    if (va >= set->large_first && va <= set->large_last) {
        for (unsigned slot = 0; next_used(set, &slot); slot++)
            forget_if_covers(set, slot, va, scope);
        return;
    }
    for (unsigned mode = 0; mode < RF_TLB_MODES; mode++)
        forget_if_covers(set, slot_of((enum rf_tlb_mode)mode, va), va, scope);
}

void rf_tlb_forget_refused(struct rf_mmu *mmu, uint64_t va)
{
    bool fetched = false;
    for (unsigned mode = 0; mode < RF_TLB_MODES; mode++) {
        unsigned slot = slot_of((enum rf_tlb_mode)mode, va);
        if (note_at(mmu->set, slot)->page != (va & ~RF_PAGE_MASK))
            continue;
        fetched |= entry_at(mmu->set, slot)->fetch != RF_TLB_INVALID;
        forget_slot(mmu->set, slot);
    }
    /* A page that could not be fetched from has no blocks: the generation stays. */
    if (fetched)
        renew_generation(mmu, mmu->set);
}

void rf_mmu_invlpg(struct rf_mmu *mmu, uint64_t va)
{
    /* Global translations go whatever their PCID is (SDM 3A, 4.10.4.1). The generation
     * changes even if nothing was cached: others may remember what the TLB has lost. */
    for (unsigned i = 0; i < RF_TLB_SETS; i++) {
        struct rf_tlb_set *set = &mmu->sets[i];
        bool current = set == mmu->set;
        if (!set->in_use || (!current && !set->has_global))
            continue;
        forget_page(set, va, current ? SCOPE_ALL : SCOPE_GLOBAL);
        renew_generation(mmu, set);
    }
}

static void invpcid_address(struct rf_mmu *mmu, uint16_t pcid, uint64_t va)
{
    struct rf_tlb_set *set = find_set(mmu, pcid);
    if (!set)
        return;
    forget_page(set, va, SCOPE_NOT_GLOBAL);
    renew_generation(mmu, set);
}

static void invpcid_context(struct rf_mmu *mmu, uint16_t pcid)
{
    struct rf_tlb_set *set = find_set(mmu, pcid);
    if (set)
        empty_set(mmu, set, true);
    mmu->counts.flushes++;
}

void rf_mmu_invpcid(struct rf_mmu *mmu, unsigned type, uint16_t pcid, uint64_t va)
{
    switch (type) {
    case 0:
        invpcid_address(mmu, pcid, va);
        break;
    case 1:
        invpcid_context(mmu, pcid);
        break;
    case 2:
        empty_all_sets(mmu, false);
        break;
    case 3:
        empty_all_sets(mmu, true);
        break;
    default: /* #GP(0) before it gets here */
        break;
    }
}

void rf_mmu_flush_all(struct rf_mmu *mmu)
{
    empty_all_sets(mmu, false);
}

/* ---- Registers ----------------------------------------------------------------- */

/* Make all tags again, of pages with one of the given protection keys. */
static void set_all_tags(struct rf_mmu *mmu, uint16_t keys)
{
    for (unsigned i = 0; i < RF_TLB_SETS; i++) {
        struct rf_tlb_set *set = &mmu->sets[i];
        if (!set->in_use || !(set->keys & keys))
            continue;
        for (unsigned slot = 0; next_used(set, &slot); slot++)
            if (keys >> note_at(set, slot)->rights.protection_key & 1)
                set_tags(mmu, set, slot);
    }
}

#define ALL_KEYS UINT16_MAX

/* One bit per key whose two bits (AD, WD) differ. */
static uint16_t changed_keys(uint32_t before, uint32_t after)
{
    uint16_t keys = 0;
    for (unsigned key = 0; key < 16; key++)
        if ((before ^ after) >> (2 * key) & 3)
            keys |= (uint16_t)(1u << key);
    return keys;
}

void rf_mmu_set_cr0(struct rf_mmu *mmu, uint64_t value)
{
    uint64_t changed = mmu->cr0 ^ value;
    mmu->cr0 = value;
    if (changed & RF_CR0_PG)
        empty_all_sets(mmu, false);
    else if (changed & RF_CR0_WP)
        set_all_tags(mmu, ALL_KEYS);
}

void rf_mmu_set_cr3(struct rf_mmu *mmu, uint64_t value)
{
    bool keep = (value & RF_CR3_NO_FLUSH) && (mmu->cr4 & RF_CR4_PCIDE);
    mmu->cr3 = value & ~RF_CR3_NO_FLUSH;
    bool found = enter_set(mmu);
    if (keep)
        return;
    if (found)
        empty_set(mmu, mmu->set, true);
    mmu->counts.flushes++;
}

void rf_mmu_set_cr4(struct rf_mmu *mmu, uint64_t value)
{
    const uint64_t flushing =
        RF_CR4_PSE | RF_CR4_PGE | RF_CR4_PAE | RF_CR4_PCIDE | RF_CR4_LA57 | RF_CR4_SMEP;
    uint64_t changed = mmu->cr4 ^ value;
    mmu->cr4 = value;
    if (changed & flushing)
        empty_all_sets(mmu, false);
    else if (changed & (RF_CR4_SMAP | RF_CR4_PKE | RF_CR4_PKS))
        set_all_tags(mmu, ALL_KEYS);
    if (changed & RF_CR4_PCIDE)
        enter_set(mmu);
}

void rf_mmu_set_efer(struct rf_mmu *mmu, uint64_t value)
{
    uint64_t changed = mmu->efer ^ value;
    mmu->efer = value;
    if (changed & (RF_EFER_NXE | RF_EFER_LMA))
        empty_all_sets(mmu, false);
}

void rf_mmu_set_pkru(struct rf_mmu *mmu, uint32_t value)
{
    uint16_t keys = changed_keys(mmu->pkru, value);
    mmu->pkru = value;
    if (keys && (mmu->cr4 & RF_CR4_PKE))
        set_all_tags(mmu, keys);
}

void rf_mmu_set_pkrs(struct rf_mmu *mmu, uint32_t value)
{
    uint16_t keys = changed_keys(mmu->pkrs, value);
    mmu->pkrs = value;
    if (keys && (mmu->cr4 & RF_CR4_PKS))
        set_all_tags(mmu, keys);
}

/* ---- Code marks ---------------------------------------------------------------- */

void rf_mmu_mark_code(struct rf_mmu *mmu, uint64_t pa)
{
    pa &= ~RF_PAGE_MASK;
    if (!rf_ram_at(mmu->ram, pa, RF_PAGE_SIZE) || rf_mmu_is_code(mmu, pa))
        return;
    mmu->ram->page_flags[pa / RF_PAGE_SIZE] |= RF_PAGE_CODE;
    for (unsigned i = 0; i < RF_TLB_SETS; i++) {
        struct rf_tlb_set *set = &mmu->sets[i];
        if (!set->in_use)
            continue;
        for (unsigned slot = 0; next_used(set, &slot); slot++)
            if (note_at(set, slot)->pa == pa)
                entry_at(set, slot)->write = RF_TLB_INVALID;
    }
}

/* Write tags come back as the page is written to: see rf_tlb_find. */
void rf_mmu_unmark_code(struct rf_mmu *mmu, uint64_t pa)
{
    if (rf_ram_at(mmu->ram, pa, 1))
        mmu->ram->page_flags[pa / RF_PAGE_SIZE] &= (uint8_t)~RF_PAGE_CODE;
}
