/* The list of mappings: find, insert, cut, and the calls that change it. */
#include "kernel/mm/mm.h"

#include "kernel/task/task.h"
#include "kernel/vfs/inode.h"

#include <string.h>

#define PAGE_UP(x) (((x) + RF_PAGE_MASK) & ~RF_PAGE_MASK)
#define MMAP_MIN UINT64_C(0x10000) /* vm.mmap_min_addr */

struct rf_vma *rf_vma_find(struct rf_mm *mm, uint64_t address)
{
    for (struct rf_vma *vma = mm->vmas; vma; vma = vma->next)
        if (address < vma->end)
            return address >= vma->start ? vma : NULL;
    return NULL;
}

static bool range_is_free(const struct rf_mm *mm, uint64_t start, uint64_t end)
{
    for (const struct rf_vma *vma = mm->vmas; vma && vma->start < end; vma = vma->next)
        if (vma->end > start)
            return false;
    return true;
}

/* Highest gap of `length` bytes below mmap_base, as Linux's top-down layout gives. */
static uint64_t find_gap(const struct rf_mm *mm, uint64_t length)
{
    uint64_t best = 0, previous_end = MMAP_MIN;
    for (const struct rf_vma *vma = mm->vmas;; vma = vma->next) {
        uint64_t limit = vma && vma->start < mm->mmap_base ? vma->start : mm->mmap_base;
        /* a stack guard gap stays free below a growing mapping */
        if (vma && vma->growsdown && limit == vma->start)
            limit = limit > 256 * RF_PAGE_SIZE ? limit - 256 * RF_PAGE_SIZE : 0;
        if (limit > previous_end && limit - previous_end >= length)
            best = limit - length;
        if (!vma || vma->start >= mm->mmap_base)
            return best;
        previous_end = vma->end;
    }
}

static void insert(struct rf_mm *mm, struct rf_vma *vma)
{
    struct rf_vma **link = &mm->vmas;
    while (*link && (*link)->start < vma->start)
        link = &(*link)->next;
    vma->next = *link;
    *link = vma;
    mm->total_pages += (vma->end - vma->start) / RF_PAGE_SIZE;
}

/* Make a boundary at `at`: splits the mapping that contains it. False: no memory. */
static bool split(struct rf_kernel *k, struct rf_mm *mm, uint64_t at)
{
    struct rf_vma *vma = rf_vma_find(mm, at);
    if (!vma || vma->start == at)
        return true;
    struct rf_vma *upper = rf_kalloc(k, sizeof *upper);
    if (!upper)
        return false;
    *upper = *vma;
    upper->start = at;
    if (upper->file) {
        upper->offset += at - vma->start;
        rf_file_get(upper->file);
    }
    vma->end = at;
    vma->next = upper;
    return true;
}

static bool same_kind(const struct rf_vma *a, const struct rf_vma *b)
{
    if (a->prot != b->prot || a->shared != b->shared || a->growsdown != b->growsdown || a->may_write != b->may_write ||
        a->file != b->file || a->name != b->name)
        return false;
    return !a->file || a->offset + (a->end - a->start) == b->offset;
}

/* Join neighbours that are one mapping: keeps the list short for programs that grow. */
static void merge(struct rf_kernel *k, struct rf_mm *mm)
{
    for (struct rf_vma *vma = mm->vmas; vma && vma->next;) {
        struct rf_vma *next = vma->next;
        if (vma->end != next->start || !same_kind(vma, next)) {
            vma = next;
            continue;
        }
        vma->end = next->end;
        vma->next = next->next;
        if (next->file)
            rf_file_put(k, next->file);
        rf_kfree(k, next);
    }
}

int64_t rf_mm_unmap(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length)
{
    if (address & RF_PAGE_MASK || !length || length > RF_TASK_SIZE || address > RF_TASK_SIZE - length)
        return -RF_EINVAL;
    uint64_t end = address + PAGE_UP(length);
    if (!split(k, mm, address) || !split(k, mm, end))
        return -RF_ENOMEM;
    struct rf_vma **link = &mm->vmas;
    while (*link && (*link)->start < end) {
        struct rf_vma *vma = *link;
        if (vma->end <= address) {
            link = &vma->next;
            continue;
        }
        *link = vma->next;
        rf_pt_clear_range(k, mm, vma->start, vma->end);
        mm->total_pages -= (vma->end - vma->start) / RF_PAGE_SIZE;
        if (vma->file)
            rf_file_put(k, vma->file);
        rf_kfree(k, vma);
    }
    return 0;
}

/* Would `pages` more fit RLIMIT_AS? */
static bool within_limit(const struct rf_kernel *k, const struct rf_mm *mm, uint64_t pages)
{
    if (!k->current || !k->current->process)
        return true;
    uint64_t limit = k->current->process->rlimit[RF_RLIMIT_AS].rlim_cur;
    return limit == UINT64_MAX || (mm->total_pages + pages) * RF_PAGE_SIZE <= limit;
}

/* Where a new mapping goes: the address, or -errno. */
static int64_t choose_address(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                              uint32_t flags)
{
    bool fixed = flags & (RF_MAP_FIXED | RF_MAP_FIXED_NOREPLACE);
    if (fixed) {
        if (address & RF_PAGE_MASK)
            return -RF_EINVAL;
        if (address > RF_TASK_SIZE - length)
            return -RF_ENOMEM;
        if (address < MMAP_MIN)
            return -RF_EPERM;
        if (flags & RF_MAP_FIXED_NOREPLACE && !range_is_free(mm, address, address + length))
            return -RF_EEXIST;
        int64_t error = flags & RF_MAP_FIXED_NOREPLACE ? 0 : rf_mm_unmap(k, mm, address, length);
        return error ? error : (int64_t)address;
    }
    address = PAGE_UP(address);
    if (address >= MMAP_MIN && address <= RF_TASK_SIZE - length && range_is_free(mm, address, address + length))
        return (int64_t)address;
    uint64_t gap = find_gap(mm, length);
    return gap ? (int64_t)gap : -RF_ENOMEM;
}

int64_t rf_mm_map(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                  uint32_t prot, uint32_t flags, struct rf_file *file, uint64_t offset)
{
    if (!length)
        return -RF_EINVAL;
    if (length > RF_TASK_SIZE)
        return -RF_ENOMEM;
    length = PAGE_UP(length);
    /* the "obvious overcommits" that Linux' default heuristic refuses (vm.overcommit_memory = 0) */
    bool reserves = prot & RF_PROT_WRITE && !(flags & RF_MAP_NORESERVE) && (!file || (flags & RF_MAP_TYPE) == RF_MAP_PRIVATE);
    if (reserves && length > k->ram->size)
        return -RF_ENOMEM;
    if (!within_limit(k, mm, length / RF_PAGE_SIZE))
        return -RF_ENOMEM;
    struct rf_vma *vma = rf_kalloc(k, sizeof *vma);
    if (!vma)
        return -RF_ENOMEM;
    int64_t at = choose_address(k, mm, address, length, flags);
    if (at < 0) {
        rf_kfree(k, vma);
        return at;
    }
    vma->start = (uint64_t)at;
    vma->end = vma->start + length;
    vma->prot = prot & (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC);
    vma->shared = (flags & RF_MAP_TYPE) != RF_MAP_PRIVATE;
    vma->growsdown = flags & RF_MAP_GROWSDOWN;
    vma->file = file;
    vma->may_write = vma->shared && file && file->mode & RF_FMODE_WRITE &&
                     !(file->inode->seals & (RF_F_SEAL_WRITE | RF_F_SEAL_FUTURE_WRITE));
    vma->offset = offset;
    if (file)
        rf_file_get(file);
    insert(mm, vma);
    merge(k, mm);
    return at;
}

int64_t rf_mm_protect(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                      uint32_t prot)
{
    if (address & RF_PAGE_MASK)
        return -RF_EINVAL;
    if (!length)
        return 0;
    uint64_t end = address + PAGE_UP(length);
    if (end <= address)
        return -RF_ENOMEM;
    /* changes what lies before the first hole, then reports the hole, as Linux does */
    uint64_t at = address;
    while (at < end) {
        struct rf_vma *vma = rf_vma_find(mm, at);
        if (!vma)
            break;
        if (vma->shared && vma->file && prot & RF_PROT_WRITE && !vma->may_write)
            return -RF_EACCES;
        uint64_t last = end < vma->end ? end : vma->end; /* before the first split moves it */
        if (!split(k, mm, at) || !split(k, mm, last))
            return -RF_ENOMEM;
        vma = rf_vma_find(mm, at);
        vma->prot = prot & (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC);
        rf_pt_protect_range(k, mm, vma->start, vma->end, prot);
        at = vma->end;
    }
    merge(k, mm);
    return at < end ? -RF_ENOMEM : 0;
}

int64_t rf_mm_brk(struct rf_kernel *k, struct rf_mm *mm, uint64_t address)
{
    uint64_t old = PAGE_UP(mm->brk), new = PAGE_UP(address);
    if (address < mm->start_brk || address > RF_TASK_SIZE)
        return (int64_t)mm->brk;
    if (new < old) {
        if (rf_mm_unmap(k, mm, new, old - new))
            return (int64_t)mm->brk;
    } else if (new > old) {
        if (!range_is_free(mm, old, new + RF_PAGE_SIZE))
            return (int64_t)mm->brk;
        int64_t at = rf_mm_map(k, mm, old, new - old, RF_PROT_READ | RF_PROT_WRITE,
                               RF_MAP_PRIVATE | RF_MAP_ANONYMOUS | RF_MAP_FIXED, NULL, 0);
        if (at < 0)
            return (int64_t)mm->brk;
        rf_vma_find(mm, (uint64_t)at)->name = "[heap]";
        merge(k, mm);
    }
    mm->brk = address;
    return (int64_t)address;
}

/* Grow in place, or by moving the page table entries. */
static int64_t grow(struct rf_kernel *k, struct rf_mm *mm, struct rf_vma *vma, uint64_t old,
                    uint64_t old_length, uint64_t new_length, uint32_t flags, uint64_t new_address)
{
    uint64_t end = old + old_length;
    bool fixed = flags & RF_MREMAP_FIXED;
    if (!fixed && vma->end == end && range_is_free(mm, end, old + new_length) &&
        old + new_length <= RF_TASK_SIZE) {
        if (!within_limit(k, mm, (new_length - old_length) / RF_PAGE_SIZE))
            return -RF_ENOMEM;
        mm->total_pages += (new_length - old_length) / RF_PAGE_SIZE;
        vma->end = old + new_length;
        return (int64_t)old;
    }
    if (!(flags & RF_MREMAP_MAYMOVE))
        return -RF_ENOMEM;
    struct rf_vma kind = *vma;
    if (kind.file)
        rf_file_get(kind.file); /* the source mapping may go before we are done */
    uint64_t offset = kind.file ? kind.offset + (old - kind.start) : 0;
    uint32_t map_flags = (kind.shared ? RF_MAP_SHARED : RF_MAP_PRIVATE) | (fixed ? RF_MAP_FIXED : 0u);
    int64_t at = rf_mm_map(k, mm, fixed ? new_address : 0, new_length, kind.prot, map_flags, kind.file, offset);
    if (at >= 0) {
        uint64_t moved = old_length < new_length ? old_length : new_length;
        rf_pt_move_range(k, mm, old, (uint64_t)at, moved);
        rf_mm_unmap(k, mm, old, old_length);
    }
    if (kind.file)
        rf_file_put(k, kind.file);
    return at;
}

int64_t rf_mm_remap(struct rf_kernel *k, struct rf_mm *mm, uint64_t old, uint64_t old_length,
                    uint64_t new_length, uint32_t flags, uint64_t new_address)
{
    if (flags & ~(uint32_t)(RF_MREMAP_MAYMOVE | RF_MREMAP_FIXED) || old & RF_PAGE_MASK)
        return -RF_EINVAL;
    if (flags & RF_MREMAP_FIXED && (!(flags & RF_MREMAP_MAYMOVE) || new_address & RF_PAGE_MASK))
        return -RF_EINVAL;
    old_length = PAGE_UP(old_length);
    new_length = PAGE_UP(new_length);
    if (!new_length || new_length > RF_TASK_SIZE || old_length > RF_TASK_SIZE)
        return -RF_EINVAL;
    if (flags & RF_MREMAP_FIXED) {
        if (new_address > RF_TASK_SIZE - new_length)
            return -RF_EINVAL;
        if (new_address < old + old_length && old < new_address + new_length)
            return -RF_EINVAL;
    }
    struct rf_vma *vma = rf_vma_find(mm, old);
    if (!vma || old_length > vma->end - old)
        return -RF_EFAULT;
    if (!old_length)
        return -RF_EINVAL; /* duplicating a shared mapping is not offered */
    if (old_length > new_length) {
        int64_t error = rf_mm_unmap(k, mm, old + new_length, old_length - new_length);
        if (error)
            return error;
        old_length = new_length;
        vma = rf_vma_find(mm, old);
    }
    if (old_length == new_length && !(flags & RF_MREMAP_FIXED))
        return (int64_t)old;
    return grow(k, mm, vma, old, old_length, new_length, flags, new_address);
}

static void drop_past(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma,
                      uint64_t size)
{
    uint64_t skip = PAGE_UP(size) > vma->offset ? PAGE_UP(size) - vma->offset : 0;
    if (skip < vma->end - vma->start)
        rf_pt_clear_range(k, mm, vma->start + skip, vma->end);
}

void rf_mm_truncated(struct rf_kernel *k, const struct rf_inode *inode, uint64_t size)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        for (struct rf_vma *vma = task->mm ? task->mm->vmas : NULL; vma; vma = vma->next)
            if (vma->file && vma->file->inode == inode)
                drop_past(k, task->mm, vma, size);
}
