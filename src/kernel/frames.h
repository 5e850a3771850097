/* Physical page frames: allocation and reference counts. */
#ifndef RF_KERNEL_FRAMES_H
#define RF_KERNEL_FRAMES_H

#include "kernel/kernel.h"

/* A zeroed frame with one reference: its physical address, or 0 when RAM is full. */
uint64_t rf_frame_alloc(struct rf_kernel *k);
/* The same without clearing it, for callers that fill all of it. */
uint64_t rf_frame_alloc_dirty(struct rf_kernel *k);
void rf_frame_get(struct rf_kernel *k, uint64_t pa);
/* Drop a reference; the last one frees the frame. */
void rf_frame_put(struct rf_kernel *k, uint64_t pa);
uint32_t rf_frame_references(const struct rf_kernel *k, uint64_t pa);
uint64_t rf_frames_free(const struct rf_kernel *k);
uint64_t rf_frames_total(const struct rf_kernel *k);

/* Host address of a frame. */
RF_INLINE void *rf_frame_host(const struct rf_kernel *k, uint64_t pa)
{
    return k->ram->base + pa;
}
/* Change bytes of a frame that may hold decoded code. */
void rf_frame_write(struct rf_kernel *k, uint64_t pa, const void *data, size_t size);

/* Frames from `first` (physical) to the end of RAM are managed. */
rf_status rf_frames_create(struct rf_kernel *k, uint64_t first, struct rf_error *err);
void rf_frames_destroy(struct rf_kernel *k);

#endif
