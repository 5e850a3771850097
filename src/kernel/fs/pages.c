/* A file's page frames: a radix tree of 512-entry nodes in the kernel heap.
 *
 * Height 0: the root is the frame of page 0. A slot holds 0 (hole), a frame's physical
 * address (lowest level) or a node's host address. */
#include "kernel/fs/fs.h"
#include "kernel/frames.h"

#include <string.h>

#define FANOUT_BITS 9
#define FANOUT (1u << FANOUT_BITS)
#define HEIGHT_MAX 6 /* 54 bits of page number: more than a file's 63-bit size needs */

typedef uint64_t node[FANOUT];

static uint64_t *slots(uint64_t value)
{
    return (uint64_t *)(uintptr_t)value;
}

static bool fits(uint32_t height, uint64_t index)
{
    return (index >> (height * FANOUT_BITS)) == 0;
}

uint64_t rf_pages_get(const struct rf_pages *pages, uint64_t index)
{
    if (!fits(pages->height, index))
        return 0;
    uint64_t value = pages->root;
    for (uint32_t level = pages->height; level > 0 && value; level--)
        value = slots(value)[(index >> ((level - 1) * FANOUT_BITS)) % FANOUT];
    return value;
}

static bool grow(struct rf_kernel *k, struct rf_pages *pages, uint64_t index)
{
    while (!fits(pages->height, index)) {
        if (pages->height == HEIGHT_MAX)
            return false;
        if (pages->root) {
            uint64_t *top = rf_kalloc(k, sizeof(node));
            if (!top)
                return false;
            top[0] = pages->root;
            pages->root = (uintptr_t)top;
        }
        pages->height++;
    }
    return true;
}

bool rf_pages_set(struct rf_kernel *k, struct rf_pages *pages, uint64_t index, uint64_t pa)
{
    if (!grow(k, pages, index))
        return false;
    uint64_t *slot = &pages->root;
    for (uint32_t level = pages->height; level > 0; level--) {
        if (!*slot) {
            uint64_t *below = rf_kalloc(k, sizeof(node));
            if (!below)
                return false;
            *slot = (uintptr_t)below;
        }
        slot = &slots(*slot)[(index >> ((level - 1) * FANOUT_BITS)) % FANOUT];
    }
    *slot = pa;
    pages->count++;
    return true;
}

static uint64_t span_of(uint32_t level)
{
    return UINT64_C(1) << (level * FANOUT_BITS);
}

/* Clear [first, end) of the subtree at *slot, whose first page is base. */
static void clear(struct rf_kernel *k, struct rf_pages *pages, uint64_t *slot, uint32_t level,
                  uint64_t base, uint64_t first, uint64_t end)
{
    if (!*slot || end <= base || first >= base + span_of(level))
        return;
    if (level == 0) {
        rf_frame_put(k, *slot);
        *slot = 0;
        pages->count--;
        return;
    }
    uint64_t step = span_of(level - 1);
    for (unsigned i = 0; i < FANOUT; i++)
        clear(k, pages, &slots(*slot)[i], level - 1, base + i * step, first, end);
    if (first <= base && end >= base + span_of(level)) {
        rf_kfree(k, slots(*slot));
        *slot = 0;
    }
}

void rf_pages_clear(struct rf_kernel *k, struct rf_pages *pages, uint64_t first, uint64_t end)
{
    clear(k, pages, &pages->root, pages->height, 0, first, end);
    if (!pages->root)
        pages->height = 0;
}

static uint64_t next_in(uint64_t value, uint32_t level, uint64_t base, uint64_t from)
{
    if (!value || from >= base + span_of(level))
        return UINT64_MAX;
    if (level == 0)
        return base;
    uint64_t step = span_of(level - 1);
    for (unsigned i = 0; i < FANOUT; i++) {
        uint64_t found = next_in(slots(value)[i], level - 1, base + i * step, from);
        if (found != UINT64_MAX)
            return found;
    }
    return UINT64_MAX;
}

uint64_t rf_pages_next(const struct rf_pages *pages, uint64_t from)
{
    return next_in(pages->root, pages->height, 0, from);
}

/* --- frames --- */

static bool holds_code(const struct rf_kernel *k, uint64_t pa)
{
    return k->ram->page_flags[pa / RF_PAGE_SIZE] & RF_PAGE_CODE;
}

size_t rf_frame_from_uio(struct rf_kernel *k, uint64_t pa, size_t offset, size_t n,
                         struct rf_uio *uio)
{
    if (!holds_code(k, pa))
        return rf_uio_get(uio, (uint8_t *)rf_frame_host(k, pa) + offset, n);
    uint8_t bytes[RF_PAGE_SIZE];
    size_t got = rf_uio_get(uio, bytes, n);
    rf_frame_write(k, pa + offset, bytes, got);
    return got;
}

void rf_frame_zero(struct rf_kernel *k, uint64_t pa, size_t offset, size_t n)
{
    static const uint8_t zeros[RF_PAGE_SIZE];
    if (holds_code(k, pa))
        rf_frame_write(k, pa + offset, zeros, n);
    else
        memset((uint8_t *)rf_frame_host(k, pa) + offset, 0, n);
}
