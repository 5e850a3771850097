/* mremap(2), as mm/mremap.c of Linux decides it. */
#include "kernel/mm/vma.h"

struct remap {
    uint64_t old, old_length, new_length, target;
    uint32_t flags;
};

/* vma_to_resize: may this part of a mapping change its size? */
static int64_t check_resize(struct rf_kernel *k, struct rf_mm *mm, const struct remap *r, struct rf_vma **out)
{
    struct rf_vma *vma = rf_vma_find(mm, r->old);
    *out = vma;
    if (!vma)
        return -RF_EFAULT;
    if (!r->old_length && !vma->shared)
        return -RF_EINVAL;
    if (r->old_length > vma->end - r->old)
        return -RF_EFAULT;
    if (r->new_length == r->old_length)
        return 0;
    uint64_t index = (r->old - vma->start) / RF_PAGE_SIZE + vma->offset / RF_PAGE_SIZE;
    if (index + r->new_length / RF_PAGE_SIZE < index)
        return -RF_EINVAL;
    uint64_t more = (r->new_length - r->old_length) / RF_PAGE_SIZE;
    if (vma->flags & RF_VM_LOCKED && r->new_length > r->old_length && rf_mm_lock_limit(k, mm, more))
        return -RF_EAGAIN;
    return r->new_length < r->old_length || rf_mm_may_grow(k, mm, vma, more) ? 0 : -RF_ENOMEM;
}

static bool is_charged(const struct rf_vma *vma)
{
    return vma->prot & RF_PROT_WRITE && !vma->shared && !(vma->flags & RF_VM_NORESERVE);
}

/* The whole of the move but for the choice of the place, which is free. */
static int64_t move_to(struct rf_kernel *k, struct rf_mm *mm, const struct remap *r, struct rf_vma *vma, uint64_t at)
{
    bool keep = r->flags & RF_MREMAP_DONTUNMAP || !r->old_length;
    uint64_t moved = r->old_length < r->new_length ? r->old_length : r->new_length;
    if (mm->map_count >= RF_MAP_COUNT_MAX - 3)
        return -RF_ENOMEM;
    if (is_charged(vma) && rf_mm_overcommits(k, r->new_length / RF_PAGE_SIZE))
        return -RF_ENOMEM;
    struct rf_vma *copy = rf_vma_reserve(k, mm, 3) ? rf_kalloc(k, sizeof *copy) : NULL;
    if (!copy)
        return -RF_ENOMEM;
    *copy = *vma;
    copy->start = at;
    copy->end = at + r->new_length;
    if (copy->file)
        copy->offset += r->old - vma->start;
    rf_vma_opened(k, copy);
    rf_vma_insert(mm, copy);
    if (!rf_pt_move_range(k, mm, r->old, at, moved)) {
        rf_vma_remove(k, mm, copy);
        return -RF_ENOMEM;
    }
    if (r->flags & RF_MREMAP_DONTUNMAP) /* the old one stays, empty and unlocked */
        rf_vma_set_flags(mm, vma, vma->flags & ~(uint32_t)(RF_VM_LOCKED | RF_VM_LOCKONFAULT));
    if (!keep)
        rf_mm_unmap(k, mm, r->old, r->old_length);
    bool locked = rf_vma_find(mm, at)->flags & RF_VM_LOCKED;
    rf_vma_merge(k, mm, at, at + r->new_length);
    if (locked && r->new_length > r->old_length)
        rf_mm_populate(k, mm, at + r->old_length, r->new_length - r->old_length, true);
    return (int64_t)at;
}

static uint32_t map_flags(const struct rf_vma *vma)
{
    return vma->shared ? RF_MAP_SHARED : RF_MAP_PRIVATE;
}

/* MREMAP_FIXED, MREMAP_DONTUNMAP (mremap_to). */
static int64_t remap_to(struct rf_kernel *k, struct rf_mm *mm, struct remap *r)
{
    struct rf_vma *vma;
    if (r->target & RF_PAGE_MASK)
        return -RF_EINVAL;
    if (r->new_length > RF_TASK_SIZE || r->target > RF_TASK_SIZE - r->new_length)
        return -RF_EINVAL;
    if (r->old + r->old_length > r->target && r->target + r->new_length > r->old)
        return -RF_EINVAL;
    if (mm->map_count + 2 >= RF_MAP_COUNT_MAX - 3)
        return -RF_ENOMEM;
    int64_t error = r->flags & RF_MREMAP_FIXED ? rf_mm_unmap(k, mm, r->target, r->new_length) : 0;
    if (!error && r->old_length > r->new_length) {
        error = rf_mm_unmap(k, mm, r->old + r->new_length, r->old_length - r->new_length);
        r->old_length = r->new_length;
    }
    if (!error)
        error = check_resize(k, mm, r, &vma);
    if (error)
        return error;
    if (r->flags & RF_MREMAP_DONTUNMAP && !rf_mm_may_grow(k, mm, vma, r->old_length / RF_PAGE_SIZE))
        return -RF_ENOMEM;
    uint32_t flags = map_flags(vma) | (r->flags & RF_MREMAP_FIXED ? RF_MAP_FIXED : 0u);
    int64_t at = rf_mm_choose_address(k, mm, r->target, r->new_length, flags);
    return at < 0 ? at : move_to(k, mm, r, vma, (uint64_t)at);
}

/* In place, if the mapping ends there and room follows (vma_expandable). */
static bool grow_in_place(struct rf_kernel *k, struct rf_mm *mm, const struct remap *r, struct rf_vma *vma,
                          int64_t *error)
{
    uint64_t end = r->old + r->new_length, more = r->new_length - r->old_length;
    *error = 0;
    if (r->old_length != vma->end - r->old || end < vma->end || end > RF_TASK_SIZE ||
        !rf_vma_range_is_free(mm, vma->end, end))
        return false;
    if (is_charged(vma) && rf_mm_overcommits(k, more / RF_PAGE_SIZE)) {
        *error = -RF_ENOMEM;
        return true;
    }
    uint64_t from = vma->end;
    bool locked = vma->flags & RF_VM_LOCKED;
    rf_vma_resize(mm, vma, vma->start, end);
    rf_vma_merge(k, mm, r->old, end);
    if (locked)
        rf_mm_populate(k, mm, from, more, true);
    return true;
}

int64_t rf_mm_remap(struct rf_kernel *k, struct rf_mm *mm, uint64_t old, uint64_t old_length,
                    uint64_t new_length, uint32_t flags, uint64_t new_address)
{
    struct remap r = { old, RF_PAGE_UP(old_length), RF_PAGE_UP(new_length), new_address, flags };
    struct rf_vma *vma;
    int64_t error;
    if (flags & ~(uint32_t)(RF_MREMAP_MAYMOVE | RF_MREMAP_FIXED | RF_MREMAP_DONTUNMAP))
        return -RF_EINVAL;
    if (flags & RF_MREMAP_FIXED && !(flags & RF_MREMAP_MAYMOVE))
        return -RF_EINVAL;
    if (flags & RF_MREMAP_DONTUNMAP && (!(flags & RF_MREMAP_MAYMOVE) || old_length != new_length))
        return -RF_EINVAL;
    if (old & RF_PAGE_MASK || !r.new_length)
        return -RF_EINVAL;
    if (!rf_vma_find(mm, old))
        return -RF_EFAULT;
    if (flags & (RF_MREMAP_FIXED | RF_MREMAP_DONTUNMAP))
        return remap_to(k, mm, &r);
    if (r.old_length >= r.new_length) { /* shrinking: holes are no error */
        error = r.old_length > r.new_length ? rf_mm_unmap(k, mm, old + r.new_length, r.old_length - r.new_length) : 0;
        return error ? error : (int64_t)old;
    }
    error = check_resize(k, mm, &r, &vma);
    if (error)
        return error;
    if (grow_in_place(k, mm, &r, vma, &error))
        return error ? error : (int64_t)old;
    if (!(flags & RF_MREMAP_MAYMOVE))
        return -RF_ENOMEM;
    int64_t at = rf_mm_choose_address(k, mm, 0, r.new_length, map_flags(vma));
    return at < 0 ? at : move_to(k, mm, &r, vma, (uint64_t)at);
}
