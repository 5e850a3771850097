/* The computer for MMU tests: see paging.h. */
#include "paging.h"

#include <check.h>
#include <string.h>

void paging_create(struct paging *paging)
{
    struct rf_error error = {0};
    ck_assert_msg(rf_ram_create(&paging->ram, PAGING_RAM, &error) == RF_OK, "%s", error.text);
    ck_assert_msg(rf_mmu_init(&paging->mmu, &paging->ram, &error) == RF_OK, "%s", error.text);
    paging->next_table = PAGING_TABLES;
    rf_mmu_set_efer(&paging->mmu, RF_EFER_LME | RF_EFER_LMA | RF_EFER_NXE);
    rf_mmu_set_cr4(&paging->mmu, RF_CR4_PAE | RF_CR4_PGE);
    rf_mmu_set_cr3(&paging->mmu, PAGING_ROOT);
    rf_mmu_set_cr0(&paging->mmu, RF_CR0_PE | RF_CR0_WP | RF_CR0_PG);
}

void paging_destroy(struct paging *paging)
{
    rf_mmu_destroy(&paging->mmu);
    rf_ram_destroy(&paging->ram);
}

uint64_t paging_peek(const struct paging *paging, uint64_t pa)
{
    uint64_t value;
    ck_assert_ptr_nonnull(rf_ram_at(&paging->ram, pa, sizeof value));
    memcpy(&value, paging->ram.base + pa, sizeof value);
    return value;
}

void paging_poke(struct paging *paging, uint64_t pa, uint64_t value)
{
    ck_assert_ptr_nonnull(rf_ram_at(&paging->ram, pa, sizeof value));
    memcpy(paging->ram.base + pa, &value, sizeof value);
}

uint64_t paging_new_table(struct paging *paging)
{
    uint64_t table = paging->next_table;
    paging->next_table += RF_PAGE_SIZE;
    ck_assert_uint_le(paging->next_table, PAGING_DATA);
    memset(paging->ram.base + table, 0, RF_PAGE_SIZE);
    return table;
}

static uint64_t entry_pa(uint64_t table, uint64_t va, unsigned level)
{
    return table + (va >> (12 + 9 * (level - 1)) & 511) * 8;
}

uint64_t paging_entry(struct paging *paging, uint64_t root, uint64_t va, unsigned level)
{
    uint64_t table = root;
    for (unsigned at = paging->mmu.cr4 & RF_CR4_LA57 ? 5 : 4; at > level; at--) {
        uint64_t pa = entry_pa(table, va, at);
        if (!(paging_peek(paging, pa) & RF_PTE_P))
            paging_poke(paging, pa, paging_new_table(paging) | PTE_USER);
        table = paging_peek(paging, pa) & RF_PTE_ADDRESS;
    }
    return entry_pa(table, va, level);
}

void paging_map_at(struct paging *paging, unsigned level, uint64_t va, uint64_t pa,
                   uint64_t flags)
{
    uint64_t root = paging->mmu.cr3 & RF_PTE_ADDRESS;
    uint64_t large = level > 1 ? RF_PTE_PS : 0;
    paging_poke(paging, paging_entry(paging, root, va, level), pa | flags | large);
}

void paging_map(struct paging *paging, uint64_t va, uint64_t pa, uint64_t flags)
{
    paging_map_at(paging, 1, va, pa, flags);
}

uint64_t paging_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}
