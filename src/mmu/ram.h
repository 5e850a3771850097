/* Guest physical memory: one sparse memfd-backed region, so that a physical
 * address becomes a host pointer by one addition. */
#ifndef RF_MMU_RAM_H
#define RF_MMU_RAM_H

#include "base/compiler.h"
#include "base/error.h"

#define RF_PAGE_SIZE UINT64_C(4096)
#define RF_PAGE_MASK (RF_PAGE_SIZE - 1)

/* Per-page notes, one byte a page. */
#define RF_PAGE_CODE 0x01 /* decoded blocks were made from this page: writes must be seen */

struct rf_ram {
    uint8_t *base;       /* host address of physical address 0 */
    uint64_t size;       /* bytes, a multiple of RF_PAGE_SIZE */
    uint8_t *page_flags; /* size / RF_PAGE_SIZE bytes of RF_PAGE_* */
    int fd;              /* the memfd, for engines that map pages a second time */
};

/* Create zeroed RAM of size bytes (a non-zero multiple of 4096, at most 1 TiB; only
 * touched pages use host memory). On failure *ram is all zero, fd -1. */
rf_status rf_ram_create(struct rf_ram *ram, uint64_t size, struct rf_error *err);

/* Release everything; a zeroed or already destroyed ram is allowed. */
void rf_ram_destroy(struct rf_ram *ram);

/* Host pointer to [pa, pa + size), or NULL if any of it lies outside RAM. */
RF_INLINE void *rf_ram_at(const struct rf_ram *ram, uint64_t pa, uint64_t size)
{
    if (RF_UNLIKELY(pa >= ram->size || size > ram->size - pa))
        return NULL;
    return ram->base + pa;
}

/* Give the page's host memory back and make it read as zero. */
void rf_ram_discard_page(struct rf_ram *ram, uint64_t pa);

#endif
