/* Page walks outside IA-32e mode: 32-bit paging, with 4 MiB pages where CR4.PSE = 1 (SDM 3A, 4.3),
 * and PAE paging, whose topmost level is four registers (4.4). */
#include "mmu/walk.h"

#include <string.h>

/* Reserved in the entries of PAE paging, where 4-level paging has bits that software may use. */
#define PAE_RESERVED (ADDRESS_RESERVED | (((UINT64_C(1) << 63) - 1) & ~((UINT64_C(1) << 52) - 1)))
/* In a PDPTE that is present: bits 2:1 and 8:5, too. */
#define PDPTE_RESERVED (PAE_RESERVED | RF_PTE_NX | UINT64_C(0x1e6))
/* In the PDE of a 2 MiB page: address bits below its size, but for PAT. */
#define PAE_LARGE_RESERVED UINT64_C(0x1fe000)
/* In the PDE of a 4 MiB page: PSE-36 puts address bits 39:32 into bits 20:13, bit 21 is reserved. */
#define LARGE_RESERVED UINT64_C(0x200000)

bool rf_mmu_load_pdptes(struct rf_mmu *mmu, uint64_t cr3)
{
    uint64_t loaded[4];
    for (unsigned i = 0; i < RF_ARRAY_SIZE(loaded); i++) {
        loaded[i] = rf_walk_read(mmu, (cr3 & 0xffffffe0) + i * 8, 8);
        if (loaded[i] & RF_PTE_P && loaded[i] & PDPTE_RESERVED)
            return false;
    }
    if (memcmp(mmu->pdpte, loaded, sizeof loaded)) {
        memcpy(mmu->pdpte, loaded, sizeof loaded);
        rf_mmu_flush_all(mmu);
    }
    return true;
}

static enum rf_walk_rule rule_32(unsigned level, uint64_t entry, bool is_leaf)
{
    if (!(entry & RF_PTE_P))
        return RULE_PRESENT;
    return level == 2 && is_leaf && entry & LARGE_RESERVED ? RULE_LARGE : RULE_NONE;
}

static enum rf_walk_rule rule_pae(const struct rf_mmu *mmu, unsigned level, uint64_t entry, bool is_leaf)
{
    if (!(entry & RF_PTE_P))
        return RULE_PRESENT;
    if (entry & PAE_RESERVED)
        return RULE_ADDRESS;
    if (entry & RF_PTE_NX && !(mmu->efer & RF_EFER_NXE))
        return RULE_NXE;
    return level == 2 && is_leaf && entry & PAE_LARGE_RESERVED ? RULE_LARGE : RULE_NONE;
}

static void add_step(struct rf_walk *walk, unsigned level, uint64_t table, uint64_t entry_pa, uint64_t entry)
{
    walk->step[walk->step_count++] = (struct rf_walk_step){
        .level = (uint8_t)level, .table = table, .entry_pa = entry_pa, .entry = entry};
}

static bool accept(struct rf_walk *walk, uint64_t va, uint32_t access_code, enum rf_walk_rule rule,
                   unsigned level, uint64_t entry)
{
    if (rule != RULE_NONE) {
        uint32_t reason = rule == RULE_PRESENT ? 0 : RF_PF_P | RF_PF_RSVD;
        rf_walk_refuse(walk, va, access_code | reason, rule, level);
        return false;
    }
    walk->writable &= (entry & RF_PTE_W) != 0;
    walk->user &= (entry & RF_PTE_U) != 0;
    return true;
}

static bool walk_32(const struct rf_mmu *mmu, uint32_t va, uint32_t access_code, struct rf_walk *walk)
{
    uint64_t table = mmu->cr3 & 0xfffff000;
    for (unsigned level = 2;; level--) {
        uint64_t entry_pa = table + (va >> (level == 2 ? 22 : 12) & 1023) * 4;
        uint64_t entry = rf_walk_read(mmu, entry_pa, 4);
        bool is_large = level == 2 && entry & RF_PTE_PS && mmu->cr4 & RF_CR4_PSE;
        bool is_leaf = level == 1 || is_large;
        add_step(walk, level, table, entry_pa, entry);
        if (!accept(walk, va, access_code, rule_32(level, entry, is_leaf), level, entry))
            return false;
        table = entry & 0xfffff000;
        if (is_large) {
            walk->pa = (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32 | (va & 0x3fffff);
            walk->page_shift = 22;
        } else if (is_leaf) {
            walk->pa = table | (va & RF_PAGE_MASK);
            walk->page_shift = 12;
        }
        if (is_leaf)
            return true;
    }
}

static bool walk_pae(const struct rf_mmu *mmu, uint32_t va, uint32_t access_code, struct rf_walk *walk)
{
    uint64_t pdpte = mmu->pdpte[va >> 30], table = pdpte & RF_PTE_ADDRESS;
    if (!(pdpte & RF_PTE_P)) { /* a register: its step is there to explain, nothing sets A in it */
        uint64_t root = mmu->cr3 & 0xffffffe0;
        add_step(walk, 3, root, root + (va >> 30) * 8, pdpte);
        rf_walk_refuse(walk, va, access_code, RULE_PRESENT, 3);
        return false;
    }
    for (unsigned level = 2;; level--) {
        uint64_t entry_pa = table + (va >> (level == 2 ? 21 : 12) & 511) * 8;
        uint64_t entry = rf_walk_read(mmu, entry_pa, 8);
        bool is_leaf = level == 1 || entry & RF_PTE_PS;
        add_step(walk, level, table, entry_pa, entry);
        if (!accept(walk, va, access_code, rule_pae(mmu, level, entry, is_leaf), level, entry))
            return false;
        walk->executable &= !(entry & RF_PTE_NX);
        table = entry & RF_PTE_ADDRESS;
        if (is_leaf) {
            uint64_t offset = level == 2 ? 0x1fffff : RF_PAGE_MASK;
            walk->pa = (table & ~offset) | (va & offset);
            walk->page_shift = level == 2 ? 21 : 12;
            return true;
        }
    }
}

bool rf_walk_legacy(const struct rf_mmu *mmu, uint64_t va, uint32_t access_code, struct rf_walk *walk)
{
    walk->writable = walk->user = walk->executable = true;
    return mmu->cr4 & RF_CR4_PAE ? walk_pae(mmu, (uint32_t)va, access_code, walk)
                                 : walk_32(mmu, (uint32_t)va, access_code, walk);
}
