/* The set of mappings of an address space: look-up, insertion, cutting, joining (mm/vma.h).
 *
 * It is a sorted array, searched by halving, and a list through the same mappings in the same order. */
#include "kernel/mm/vma.h"

#include <string.h>

uint32_t rf_vma_index(const struct rf_mm *mm, uint64_t address)
{
    uint32_t low = 0, high = mm->map_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mm->table[middle]->end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct rf_vma *rf_vma_after(struct rf_mm *mm, uint64_t address)
{
    uint32_t i = rf_vma_index(mm, address);
    return i < mm->map_count ? mm->table[i] : NULL;
}

struct rf_vma *rf_vma_before(struct rf_mm *mm, uint64_t address)
{
    uint32_t i = rf_vma_index(mm, address);
    return i ? mm->table[i - 1] : NULL;
}

struct rf_vma *rf_vma_find(struct rf_mm *mm, uint64_t address)
{
    struct rf_vma *vma = rf_vma_after(mm, address);
    return vma && vma->start <= address ? vma : NULL;
}

uint64_t rf_vma_start_gap(const struct rf_vma *vma)
{
    if (!vma->growsdown)
        return vma->start;
    return vma->start > RF_STACK_GUARD ? vma->start - RF_STACK_GUARD : 0;
}

bool rf_vma_range_is_free(struct rf_mm *mm, uint64_t start, uint64_t end)
{
    const struct rf_vma *vma = rf_vma_after(mm, start);
    return !vma || vma->start >= end;
}

/* --- changing the set --- */

bool rf_vma_reserve(struct rf_kernel *k, struct rf_mm *mm, uint32_t more)
{
    uint32_t needed = mm->map_count + more, room = mm->table_room ? mm->table_room : 32;
    if (needed <= mm->table_room)
        return true;
    while (room < needed)
        room *= 2;
    struct rf_vma **table = rf_heap_realloc(&k->heap, mm->table, room * sizeof *table);
    if (!table)
        return false;
    mm->table = table;
    mm->table_room = room;
    return true;
}

static void count(struct rf_mm *mm, const struct rf_vma *vma, uint64_t pages)
{
    mm->total_pages += pages; /* a negative number of them wraps */
    if (vma->flags & RF_VM_LOCKED)
        mm->locked_pages += pages;
    if (mm->total_pages > mm->peak_total)
        mm->peak_total = mm->total_pages;
}

static void put_in(struct rf_mm *mm, struct rf_vma *vma)
{
    uint32_t at = rf_vma_index(mm, vma->start);
    memmove(&mm->table[at + 1], &mm->table[at], (mm->map_count - at) * sizeof *mm->table);
    mm->table[at] = vma;
    mm->map_count++;
    vma->next = at + 1 < mm->map_count ? mm->table[at + 1] : NULL;
    *(at ? &mm->table[at - 1]->next : &mm->vmas) = vma;
}

static void take_out(struct rf_mm *mm, const struct rf_vma *vma)
{
    uint32_t at = rf_vma_index(mm, vma->start);
    *(at ? &mm->table[at - 1]->next : &mm->vmas) = vma->next;
    mm->map_count--;
    memmove(&mm->table[at], &mm->table[at + 1], (mm->map_count - at) * sizeof *mm->table);
}

void rf_vma_insert(struct rf_mm *mm, struct rf_vma *vma)
{
    put_in(mm, vma);
    count(mm, vma, rf_vma_pages(vma));
}

void rf_vma_remove(struct rf_kernel *k, struct rf_mm *mm, struct rf_vma *vma)
{
    take_out(mm, vma);
    count(mm, vma, -rf_vma_pages(vma));
    rf_vma_closed(k, vma);
    rf_kfree(k, vma);
}

void rf_vma_resize(struct rf_mm *mm, struct rf_vma *vma, uint64_t start, uint64_t end)
{
    count(mm, vma, (end - start) / RF_PAGE_SIZE - rf_vma_pages(vma));
    vma->start = start;
    vma->end = end;
}

void rf_vma_set_flags(struct rf_mm *mm, struct rf_vma *vma, uint32_t flags)
{
    uint64_t pages = rf_vma_pages(vma);
    if (flags & ~vma->flags & RF_VM_LOCKED)
        mm->locked_pages += pages;
    if (vma->flags & ~flags & RF_VM_LOCKED)
        mm->locked_pages -= pages;
    vma->flags = flags;
}

void rf_vma_opened(struct rf_kernel *k, struct rf_vma *vma)
{
    if (!vma->file)
        return;
    rf_file_get(vma->file);
    if (vma->file->ops->mapped)
        vma->file->ops->mapped(k, vma->file);
}

void rf_vma_closed(struct rf_kernel *k, struct rf_vma *vma)
{
    if (!vma->file)
        return;
    if (vma->file->ops->unmapped)
        vma->file->ops->unmapped(k, vma->file);
    rf_file_put(k, vma->file);
}

/* --- cutting and joining --- */

int64_t rf_vma_split(struct rf_kernel *k, struct rf_mm *mm, uint64_t at, bool limited)
{
    struct rf_vma *vma = rf_vma_find(mm, at);
    if (!vma || vma->start == at)
        return 0;
    if (limited && mm->map_count >= RF_MAP_COUNT_MAX)
        return -RF_ENOMEM;
    struct rf_vma *upper = rf_vma_reserve(k, mm, 1) ? rf_kalloc(k, sizeof *upper) : NULL;
    if (!upper)
        return -RF_ENOMEM;
    *upper = *vma;
    upper->start = at;
    if (upper->file)
        upper->offset += at - vma->start;
    rf_vma_opened(k, upper);
    vma->end = at; /* the sum of pages is the same */
    put_in(mm, upper);
    return 0;
}

struct rf_vma *rf_vma_isolate(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end)
{
    if (rf_vma_split(k, mm, start, true) || rf_vma_split(k, mm, end, true))
        return NULL; /* a first cut stays, as in mprotect_fixup */
    return rf_vma_find(mm, start);
}

static bool same_kind(const struct rf_vma *a, const struct rf_vma *b)
{
    if (a->prot != b->prot || a->shared != b->shared || a->growsdown != b->growsdown ||
        a->may_write != b->may_write || a->file != b->file || a->name != b->name || a->flags != b->flags ||
        a->pkey != b->pkey)
        return false;
    if (!a->file)
        return true;
    return !a->file->ops->unmapped && a->offset + (a->end - a->start) == b->offset;
}

void rf_vma_merge(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end)
{
    uint32_t i = rf_vma_index(mm, start);
    if (i)
        i--;
    while (i + 1 < mm->map_count && mm->table[i]->start < end) {
        struct rf_vma *vma = mm->table[i], *next = mm->table[i + 1];
        if (vma->end != next->start || !same_kind(vma, next)) {
            i++;
            continue;
        }
        take_out(mm, next);
        vma->end = next->end;
        rf_vma_closed(k, next);
        rf_kfree(k, next);
    }
}
