/* A small computer for MMU tests: RAM, an MMU with 4-level paging switched on, and
 * page tables that are built by hand. Changing tables here invalidates nothing. */
#ifndef TESTS_LIB_PAGING_H
#define TESTS_LIB_PAGING_H

#include "mmu/mmu.h"

#define PAGING_RAM (UINT64_C(64) << 20)
#define PAGING_ROOT UINT64_C(0x1000)
/* Tables are taken from here upwards; tests use what lies above 16 MiB as pages. */
#define PAGING_TABLES UINT64_C(0x100000)
#define PAGING_DATA UINT64_C(0x1000000)

/* The usual flags of an entry. */
#define PTE_USER (RF_PTE_P | RF_PTE_W | RF_PTE_U)
#define PTE_KERNEL (RF_PTE_P | RF_PTE_W)
#define PTE_KEY(key) ((uint64_t)(key) << RF_PTE_PKEY_SHIFT)

struct paging {
    struct rf_ram ram;
    struct rf_mmu mmu;
    uint64_t next_table;
};

/* CR0 = PE, WP, PG; CR4 = PAE, PGE; EFER = LME, LMA, NXE; CR3 = PAGING_ROOT. */
void paging_create(struct paging *paging);
void paging_destroy(struct paging *paging);

/* Physical memory, behind the MMU's back. */
uint64_t paging_peek(const struct paging *paging, uint64_t pa);
void paging_poke(struct paging *paging, uint64_t pa, uint64_t value);

/* A zeroed page for a table. */
uint64_t paging_new_table(struct paging *paging);

/* The physical address of va's entry at level (5 to 1) under the table root; missing
 * tables above it are made, with entries that allow everything. */
uint64_t paging_entry(struct paging *paging, uint64_t root, uint64_t va, unsigned level);

/* Map the page of a level (1: 4K, 2: 2M, 3: 1G; PS is added) that holds va, under the
 * MMU's current CR3. */
void paging_map_at(struct paging *paging, unsigned level, uint64_t va, uint64_t pa,
                   uint64_t flags);
void paging_map(struct paging *paging, uint64_t va, uint64_t pa, uint64_t flags);

/* Repeatable random numbers (xorshift64*); *state starts as anything but 0. */
uint64_t paging_random(uint64_t *state);

#endif
