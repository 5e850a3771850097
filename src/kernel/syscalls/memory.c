/* mmap munmap mprotect mremap brk madvise msync mincore mlock family. */
#include "kernel/frames.h"
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

static int64_t sys_brk(struct rf_kernel *k, const uint64_t a[6])
{
    return rf_mm_brk(k, k->current->mm, a[0]);
}

/* MAP_POPULATE: fault every page in now; failures are not reported (mmap(2)). */
static void populate(struct rf_kernel *k, uint64_t start, uint64_t length, uint32_t prot)
{
    for (uint64_t at = start; at < start + length; at += RF_PAGE_SIZE) {
        int code;
        if (rf_mm_fault(k, at, prot & RF_PROT_WRITE ? RF_PF_U | RF_PF_W : RF_PF_U, &code))
            return;
    }
}

static int64_t sys_mmap(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t length = a[1], offset = a[5];
    uint32_t prot = (uint32_t)a[2], flags = (uint32_t)a[3], type = flags & RF_MAP_TYPE;
    struct rf_file *file = NULL;
    if (offset & RF_PAGE_MASK)
        return -RF_EINVAL;
    if (!(flags & RF_MAP_ANONYMOUS)) {
        file = rf_fd_file(k, (int)a[4]);
        if (!file)
            return -RF_EBADF;
    }
    if (!length)
        return -RF_EINVAL;
    if (type != RF_MAP_SHARED && type != RF_MAP_PRIVATE && type != RF_MAP_SHARED_VALIDATE)
        return -RF_EINVAL;
    if (flags & RF_MAP_HUGETLB)
        return -RF_ENOMEM; /* no huge pages are reserved, as on a default Linux */
    bool shared = type != RF_MAP_PRIVATE;
    if (file) {
        int64_t error = rf_file_may_map(k, file, prot, shared);
        if (error)
            return error;
        if (offset + length < offset)
            return -RF_EOVERFLOW;
    }
    int64_t at = rf_mm_map(k, k->current->mm, a[0], length, prot, flags, file, offset);
    if (at >= 0 && flags & RF_MAP_POPULATE)
        populate(k, (uint64_t)at, length, prot);
    return at;
}

static int64_t sys_munmap(struct rf_kernel *k, const uint64_t a[6])
{
    return rf_mm_unmap(k, k->current->mm, a[0], a[1]);
}

static int64_t sys_mprotect(struct rf_kernel *k, const uint64_t a[6])
{
    if (a[2] & ~(uint64_t)(RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC | RF_PROT_SEM | RF_PROT_GROWSDOWN | RF_PROT_GROWSUP))
        return -RF_EINVAL;
    return rf_mm_protect(k, k->current->mm, a[0], a[1], (uint32_t)a[2]);
}

static int64_t sys_mremap(struct rf_kernel *k, const uint64_t a[6])
{
    return rf_mm_remap(k, k->current->mm, a[0], a[1], a[2], (uint32_t)a[3], a[4]);
}

/* Every page of [start, start + length) is mapped. */
static bool all_mapped(struct rf_mm *mm, uint64_t start, uint64_t length)
{
    uint64_t end = start + ((length + RF_PAGE_MASK) & ~RF_PAGE_MASK);
    while (start < end) {
        const struct rf_vma *vma = rf_vma_find(mm, start);
        if (!vma)
            return false;
        start = vma->end;
    }
    return true;
}

/* Private pages read as fresh again, and file pages are found again in the file. Shared
 * anonymous memory keeps its contents (madvise(2), MADV_DONTNEED): nothing else holds them. */
static void drop_pages(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end)
{
    for (const struct rf_vma *vma = mm->vmas; vma && vma->start < end; vma = vma->next) {
        uint64_t from = vma->start > start ? vma->start : start;
        uint64_t to = vma->end < end ? vma->end : end;
        if (from < to && !(vma->shared && !vma->file))
            rf_pt_clear_range(k, mm, from, to);
    }
}

static int64_t sys_madvise(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_mm *mm = k->current->mm;
    uint64_t length = (a[1] + RF_PAGE_MASK) & ~RF_PAGE_MASK;
    if (a[0] & RF_PAGE_MASK || (a[1] && !length) || a[0] + length < a[0])
        return -RF_EINVAL;
    switch ((int)a[2]) {
    case RF_MADV_DONTNEED:
    case RF_MADV_FREE:
        drop_pages(k, mm, a[0], a[0] + length);
        break;
    case RF_MADV_NORMAL: case RF_MADV_RANDOM: case RF_MADV_SEQUENTIAL: case RF_MADV_WILLNEED:
    case RF_MADV_MERGEABLE: case RF_MADV_UNMERGEABLE: case RF_MADV_HUGEPAGE:
    case RF_MADV_NOHUGEPAGE: case RF_MADV_DONTDUMP: case RF_MADV_DODUMP: case RF_MADV_COLD:
    case RF_MADV_PAGEOUT:
        break; /* hints about caching that has no counterpart here */
    default:
        return -RF_EINVAL;
    }
    return all_mapped(mm, a[0], length) ? 0 : -RF_ENOMEM;
}

/* MS_SYNC writes the shared file mappings of the range back; the others are already where
 * every reader finds them. A hole is reported after the rest has been done (msync(2)). */
static int64_t sys_msync(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[2];
    enum { ASYNC = 1, INVALIDATE = 2, SYNC = 4 };
    struct rf_mm *mm = k->current->mm;
    uint64_t end = a[0] + ((a[1] + RF_PAGE_MASK) & ~RF_PAGE_MASK);
    if (flags & ~7u || a[0] & RF_PAGE_MASK || (flags & (ASYNC | SYNC)) == (ASYNC | SYNC))
        return -RF_EINVAL;
    if (end < a[0])
        return -RF_ENOMEM;
    for (const struct rf_vma *vma = mm->vmas; vma && vma->start < end; vma = vma->next) {
        if (vma->end <= a[0] || !(flags & SYNC) || !vma->file || !vma->shared)
            continue;
        int64_t error = rf_file_sync(k, vma->file);
        if (error)
            return error;
    }
    return all_mapped(mm, a[0], a[1]) ? 0 : -RF_ENOMEM;
}

static int64_t sys_mincore(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_mm *mm = k->current->mm;
    if (a[0] & RF_PAGE_MASK)
        return -RF_EINVAL;
    if (!all_mapped(mm, a[0], a[1]))
        return -RF_ENOMEM;
    for (uint64_t i = 0; i < (a[1] + RF_PAGE_MASK) / RF_PAGE_SIZE; i++) {
        const uint64_t *pte = rf_pte(k, mm->pml4, a[0] + i * RF_PAGE_SIZE, false);
        uint8_t resident = pte && *pte;
        if (RF_PUT_USER(k, a[2] + i, resident))
            return -RF_EFAULT;
    }
    return 0;
}

/* Nothing is ever paged out: locking is what every page already has. */
static int64_t sys_mlock(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t start = a[0] & ~RF_PAGE_MASK;
    return all_mapped(k->current->mm, start, a[1] + (a[0] - start)) ? 0 : -RF_ENOMEM;
}

static int64_t sys_mlockall(struct rf_kernel *k, const uint64_t a[6])
{
    (void)k;
    return a[0] && !(a[0] & ~7u) ? 0 : -RF_EINVAL;
}

static int64_t sys_munlockall(struct rf_kernel *k, const uint64_t a[6])
{
    (void)k;
    (void)a;
    return 0;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_brk, sys_brk },           { RF_NR_mmap, sys_mmap },         { RF_NR_munmap, sys_munmap },
    { RF_NR_mprotect, sys_mprotect }, { RF_NR_mremap, sys_mremap },     { RF_NR_madvise, sys_madvise },
    { RF_NR_msync, sys_msync },       { RF_NR_mincore, sys_mincore },   { RF_NR_mlock, sys_mlock },
    { RF_NR_munlock, sys_mlock },     { RF_NR_mlockall, sys_mlockall }, { RF_NR_munlockall, sys_munlockall },
};
const struct rf_handler_table rf_handlers_memory = RF_HANDLER_TABLE(entries);
