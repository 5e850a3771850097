/* The kernel heap: one region per machine that holds every kernel object, so that the
 * whole of the kernel's state can be saved and restored as bytes. */
#ifndef RF_KERNEL_HEAP_H
#define RF_KERNEL_HEAP_H

#include "base/compiler.h"
#include "base/error.h"

#define RF_HEAP_CLASSES 48

struct rf_heap {
    uint8_t *base;
    size_t size, used; /* bytes; used = high-water mark of the bump pointer */
    size_t live;       /* bytes handed out and not freed */
    uint64_t objects;  /* allocations not freed */
    struct rf_heap_chunk *free_list[RF_HEAP_CLASSES];
};

rf_status rf_heap_create(struct rf_heap *heap, size_t size, struct rf_error *err);
void rf_heap_destroy(struct rf_heap *heap);
/* Zeroed memory, 32-aligned, or NULL. */
void *rf_heap_alloc(struct rf_heap *heap, size_t size);
/* NULL is allowed. */
void rf_heap_free(struct rf_heap *heap, void *p);
/* Usable size of an allocation (at least what was asked for). */
size_t rf_heap_size_of(const void *p);
/* Grow or shrink, keeping the contents; new bytes are zero. NULL: the old one is kept. */
void *rf_heap_realloc(struct rf_heap *heap, void *p, size_t size);

#endif
