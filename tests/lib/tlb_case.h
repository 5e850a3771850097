/* What the suites about the TLB share: one machine with page tables, and translations that have
 * gone stale. */
#ifndef TLB_CASE_H
#define TLB_CASE_H

#include "paging.h"

#include <check.h>

static struct paging m;

#define VA UINT64_C(0x00007654321f7000)
#define OTHER UINT64_C(0x0000123456789000)
#define OLD (PAGING_DATA + UINT64_C(0x5000))
#define NEW (PAGING_DATA + UINT64_C(0x9000))
#define GLOBAL (PTE_USER | RF_PTE_G)
#define USER RF_TLB_USER
#define NOT_MAPPED UINT64_MAX

static inline void setup(void)
{
    paging_create(&m);
}

static inline void teardown(void)
{
    ck_assert_uint_ne(m.mmu.generation, 0);
    ck_assert_uint_eq(m.mmu.generation, m.mmu.set->generation);
    paging_destroy(&m);
}

/* Where an access of any kind goes, or NOT_MAPPED. */
static inline uint64_t go(uint64_t va, enum rf_access access, enum rf_tlb_mode mode)
{
    struct rf_fault fault;
    uint64_t pa;
    return rf_mmu_translate(&m.mmu, va, access, mode, &pa, &fault) ? pa : NOT_MAPPED;
}

static inline uint64_t seen(uint64_t va)
{
    return go(va, RF_READ, USER);
}

/* Map va to OLD, have it cached in every mode, then change the table. */
static inline void make_stale(uint64_t va, uint64_t flags)
{
    paging_map(&m, va, OLD, flags);
    for (int mode = 0; mode < RF_TLB_MODES; mode++)
        ck_assert_uint_eq(go(va, RF_READ, (enum rf_tlb_mode)mode), OLD);
    paging_map(&m, va, NEW, flags);
    ck_assert_uint_eq(seen(va), OLD);
}

static inline void pcid_on(void)
{
    rf_mmu_set_cr4(&m.mmu, m.mmu.cr4 | RF_CR4_PCIDE);
}

static inline void enter(uint16_t pcid)
{
    rf_mmu_set_cr3(&m.mmu, PAGING_ROOT | pcid | RF_CR3_NO_FLUSH);
}

#endif
