/* The set of mappings: what the files of mm/ use among themselves. */
#ifndef RF_KERNEL_MM_VMA_H
#define RF_KERNEL_MM_VMA_H

#include "kernel/mm/mm.h"
#include "kernel/vfs/inode.h"

#define RF_PAGE_UP(x) (((x) + RF_PAGE_MASK) & ~RF_PAGE_MASK)
#define RF_MMAP_MIN UINT64_C(0x10000)          /* vm.mmap_min_addr */
#define RF_STACK_GUARD (256 * RF_PAGE_SIZE)    /* stack_guard_gap */

RF_INLINE uint64_t rf_vma_pages(const struct rf_vma *vma)
{
    return (vma->end - vma->start) / RF_PAGE_SIZE;
}

/* Index of the first mapping that ends above the address (map_count: none). */
uint32_t rf_vma_index(const struct rf_mm *mm, uint64_t address);
/* Where a mapping may begin to be in somebody's way: a stack guard gap below a growing one. */
uint64_t rf_vma_start_gap(const struct rf_vma *vma);
bool rf_vma_range_is_free(struct rf_mm *mm, uint64_t start, uint64_t end);

/* Room for `more` mappings, so that inserting them cannot fail. False: no memory. */
bool rf_vma_reserve(struct rf_kernel *k, struct rf_mm *mm, uint32_t more);
/* Put a mapping in, take one out (its pages are gone; it is freed): counts follow. */
void rf_vma_insert(struct rf_mm *mm, struct rf_vma *vma);
void rf_vma_remove(struct rf_kernel *k, struct rf_mm *mm, struct rf_vma *vma);
/* Change the end, or the flags, with the counts. */
void rf_vma_resize(struct rf_mm *mm, struct rf_vma *vma, uint64_t start, uint64_t end);
void rf_vma_set_flags(struct rf_mm *mm, struct rf_vma *vma, uint32_t flags);
/* Another mapping of the same file has come to be, or is about to go. */
void rf_vma_opened(struct rf_kernel *k, struct rf_vma *vma);
void rf_vma_closed(struct rf_kernel *k, struct rf_vma *vma);

/* Make a boundary at `at`: splits the mapping that contains it. -RF_ENOMEM; limited: also when there
 * are vm.max_map_count mappings. */
int64_t rf_vma_split(struct rf_kernel *k, struct rf_mm *mm, uint64_t at, bool limited);
/* Boundaries at start and end, which lie in one mapping; returns the part between them, NULL: no memory. */
struct rf_vma *rf_vma_isolate(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end);
/* Join neighbours in and around [start, end) that are one mapping. */
void rf_vma_merge(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end);

/* Where a new mapping goes: the address, or -errno (get_unmapped_area). Nothing is unmapped. */
int64_t rf_mm_choose_address(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                             uint32_t flags);
/* The same for mmap, in do_mmap's order: the length is checked and made whole pages, MAP_FIXED_NOREPLACE is kept. */
int64_t rf_mm_place(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t *length, uint32_t flags);

#endif
