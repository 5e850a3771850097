/* What the files of the MMU share: the rights rule of walk.c, the TLB's own
 * operations of tlb.c, and the announcement of writes to decoded code. */
#ifndef RF_MMU_TLB_H
#define RF_MMU_TLB_H

#include "mmu/mmu.h"

/* Do rights allow access by mode under the present CR0, CR4, PKRU and PKRS? */
bool rf_mmu_rights_allow(const struct rf_mmu *mmu, const struct rf_page_rights *rights,
                         enum rf_access access, enum rf_tlb_mode mode);

/* Set A in every entry that a successful walk used, and D in the leaf for a write. */
void rf_mmu_walk_commit(struct rf_mmu *mmu, struct rf_walk *walk, enum rf_access access);

/* Find va's page for access in the current set, in mode's array or in that of
 * another mode (whose translation then serves mode as well). NULL: walk. */
const struct rf_tlb_note *rf_tlb_find(struct rf_mmu *mmu, uint64_t va, enum rf_access access,
                                      enum rf_tlb_mode mode);

/* Store a committed walk's result, which must lie in RAM. */
void rf_tlb_fill(struct rf_mmu *mmu, uint64_t va, enum rf_tlb_mode mode,
                 const struct rf_walk *walk);

/* A page fault at va invalidates what is cached for its page (SDM 3A, 4.10.4.1). */
void rf_tlb_forget_refused(struct rf_mmu *mmu, uint64_t va);

/* Is the page at pa, which lies in RAM, marked RF_PAGE_CODE? */
RF_INLINE bool rf_mmu_is_code(const struct rf_mmu *mmu, uint64_t pa)
{
    return (mmu->ram->page_flags[pa / RF_PAGE_SIZE] & RF_PAGE_CODE) != 0;
}

/* Bytes [pa, pa + size), within one page of RAM, are about to change. */
RF_INLINE void rf_mmu_announce_write(struct rf_mmu *mmu, uint64_t pa, uint64_t size)
{
    if (RF_UNLIKELY(rf_mmu_is_code(mmu, pa)) && mmu->code_write)
        mmu->code_write(mmu->code_write_user, pa, size);
}

#endif
