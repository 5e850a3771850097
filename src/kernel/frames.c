/* Frame allocator: a stack of free frames above a bump pointer (kernel/frames.h). */
#include "kernel/frames.h"

#include <string.h>
#include <sys/mman.h>

struct rf_frames {
    uint64_t first, next, end; /* managed range; next = lowest never used */
    uint64_t free_count;       /* entries of free_stack */
    uint32_t *references;      /* by frame number */
    uint32_t *free_stack;      /* frame numbers */
    size_t bytes;              /* of each array */
};

static uint32_t *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

rf_status rf_frames_create(struct rf_kernel *k, uint64_t first, struct rf_error *err)
{
    struct rf_frames *f = rf_kalloc(k, sizeof *f);
    if (!f)
        return rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for the frame allocator");
    f->first = f->next = first;
    f->end = k->ram->size;
    f->bytes = k->ram->size / RF_PAGE_SIZE * sizeof(uint32_t);
    f->references = reserve(f->bytes);
    f->free_stack = reserve(f->bytes);
    k->frames = f;
    if (!f->references || !f->free_stack) {
        rf_frames_destroy(k);
        return rf_error_set(err, RF_ERR_NO_MEMORY, "no address space for frame tables");
    }
    return RF_OK;
}

void rf_frames_destroy(struct rf_kernel *k)
{
    struct rf_frames *f = k->frames;
    if (!f)
        return;
    if (f->references)
        munmap(f->references, f->bytes);
    if (f->free_stack)
        munmap(f->free_stack, f->bytes);
    rf_kfree(k, f);
    k->frames = NULL;
}

static uint64_t take(struct rf_kernel *k, bool clear)
{
    struct rf_frames *f = k->frames;
    uint64_t pa;
    if (f->free_count) {
        pa = (uint64_t)f->free_stack[--f->free_count] * RF_PAGE_SIZE;
        if (clear)
            memset(rf_frame_host(k, pa), 0, RF_PAGE_SIZE);
    } else if (f->next < f->end) {
        pa = f->next; /* never used: RAM starts zeroed */
        f->next += RF_PAGE_SIZE;
    } else {
        return 0;
    }
    f->references[pa / RF_PAGE_SIZE] = 1;
    return pa;
}

uint64_t rf_frame_alloc(struct rf_kernel *k)
{
    return take(k, true);
}

uint64_t rf_frame_alloc_dirty(struct rf_kernel *k)
{
    return take(k, false);
}

void rf_frame_get(struct rf_kernel *k, uint64_t pa)
{
    k->frames->references[pa / RF_PAGE_SIZE]++;
}

void rf_frame_put(struct rf_kernel *k, uint64_t pa)
{
    struct rf_frames *f = k->frames;
    uint32_t *references = &f->references[pa / RF_PAGE_SIZE];
    if (--*references)
        return;
    /* whatever code was decoded from it must go before the frame holds something else */
    if (k->ram->page_flags[pa / RF_PAGE_SIZE] & RF_PAGE_CODE)
        k->cpu->mmu.code_write(k->cpu->mmu.code_write_user, pa, RF_PAGE_SIZE);
    f->free_stack[f->free_count++] = (uint32_t)(pa / RF_PAGE_SIZE);
}

uint32_t rf_frame_references(const struct rf_kernel *k, uint64_t pa)
{
    return k->frames->references[pa / RF_PAGE_SIZE];
}

uint64_t rf_frames_free(const struct rf_kernel *k)
{
    const struct rf_frames *f = k->frames;
    return f->free_count + (f->end - f->next) / RF_PAGE_SIZE;
}

uint64_t rf_frames_total(const struct rf_kernel *k)
{
    return (k->frames->end - k->frames->first) / RF_PAGE_SIZE;
}

void rf_frame_write(struct rf_kernel *k, uint64_t pa, const void *data, size_t size)
{
    rf_mmu_physical_write(&k->cpu->mmu, pa, data, size);
}
