/* What the page walks of the three kinds of paging share: the rules that refuse, reading an entry. */
#ifndef RF_MMU_WALK_H
#define RF_MMU_WALK_H

#include "mmu/mmu.h"

/* Physical address bits that an entry may hold but this computer does not have. */
#define ADDRESS_RESERVED (((UINT64_C(1) << 52) - 1) & ~((UINT64_C(1) << RF_MAXPHYADDR) - 1))
/* Bit 12 of a large leaf is PAT, not address (SDM 3A, tables 4-16 and 4-18). */
#define LARGE_PAT RF_BIT(12)

enum rf_walk_rule {
    RULE_NONE,
    RULE_PRESENT,
    RULE_ADDRESS,
    RULE_PS,
    RULE_LARGE,
    RULE_NXE,
    RULE_USER,
    RULE_SMEP,
    RULE_SMAP,
    RULE_WRITE_USER,
    RULE_WRITE_SUPERVISOR,
    RULE_NX,
    RULE_PKU_AD,
    RULE_PKU_WD,
    RULE_PKS_AD,
    RULE_PKS_WD,
    RULE_SHADOW_PAGE,
    RULE_SHADOW_USER,
    RULE_COUNT
};

/* An entry of `size` bytes. Outside RAM the bus is open: every bit reads 1, hence reserved bits
 * are set. */
uint64_t rf_walk_read(const struct rf_mmu *mmu, uint64_t pa, unsigned size);

/* A page fault because of the entry at `level`. */
void rf_walk_refuse(struct rf_walk *walk, uint64_t va, uint32_t error_code, enum rf_walk_rule rule,
                    unsigned level);

/* 32-bit paging has entries of 4 bytes, the others of 8. */
RF_INLINE unsigned rf_walk_entry_size(const struct rf_mmu *mmu)
{
    return mmu->cr4 & RF_CR4_PAE ? 8 : 4;
}

/* Read the entries of 32-bit or PAE paging from the root to the leaf: steps, rights, pa and
 * page_shift. False: there is no translation, walk->fault says why. */
bool rf_walk_legacy(const struct rf_mmu *mmu, uint64_t va, uint32_t access_code, struct rf_walk *walk);

#endif
