/* brk mmap munmap mprotect mremap, and protection keys. */
#include "kernel/frames.h"
#include "kernel/mm/vma.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#define ACCESS (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC)

static int64_t sys_brk(struct rf_kernel *k, const uint64_t a[6])
{
    return rf_mm_brk(k, k->current->mm, a[0]);
}

/* --- mmap: refusals in the order of do_mmap, mm/mmap.c --- */

/* What every file takes in silence (LEGACY_MAP_MASK of linux/mman.h). */
#define LEGACY_FLAGS                                                                                  \
    (RF_MAP_SHARED | RF_MAP_PRIVATE | RF_MAP_FIXED | RF_MAP_ANONYMOUS | RF_MAP_DENYWRITE |            \
     RF_MAP_EXECUTABLE | RF_MAP_UNINITIALIZED | RF_MAP_GROWSDOWN | RF_MAP_LOCKED | RF_MAP_NORESERVE | \
     RF_MAP_POPULATE | RF_MAP_NONBLOCK | RF_MAP_STACK | RF_MAP_HUGETLB | RF_MAP_32BIT |               \
     UINT32_C(21) << RF_MAP_HUGE_SHIFT | UINT32_C(30) << RF_MAP_HUGE_SHIFT)

static int64_t check_file(struct rf_kernel *k, struct rf_file *file, uint64_t length, uint32_t prot,
                          uint32_t flags, uint64_t offset)
{
    uint32_t type = flags & RF_MAP_TYPE;
    if (length > INT64_MAX || offset > INT64_MAX - length) /* file_mmap_ok */
        return -RF_EOVERFLOW;
    if (type == RF_MAP_SHARED_VALIDATE && flags & ~LEGACY_FLAGS)
        return -RF_EOPNOTSUPP;
    if (type != RF_MAP_SHARED && type != RF_MAP_PRIVATE && type != RF_MAP_SHARED_VALIDATE)
        return -RF_EINVAL;
    if (type != RF_MAP_PRIVATE && prot & RF_PROT_WRITE && !(file->mode & RF_FMODE_WRITE))
        return -RF_EACCES;
    if (!(file->mode & RF_FMODE_READ))
        return -RF_EACCES;
    if (prot & RF_PROT_EXEC && rf_file_is_noexec(file))
        return -RF_EPERM;
    if (file->inode->ops->page && RF_S_ISREG(file->inode->mode) && flags & RF_MAP_GROWSDOWN)
        return -RF_EINVAL;
    return rf_file_may_map(k, file, prot, type != RF_MAP_PRIVATE);
}

static int64_t check_anonymous(uint32_t flags)
{
    switch (flags & RF_MAP_TYPE) {
    case RF_MAP_SHARED: return flags & RF_MAP_GROWSDOWN ? -RF_EINVAL : 0;
    case RF_MAP_PRIVATE: return 0;
    default: return -RF_EINVAL;
    }
}

/* Huge pages of the CPU's sizes could be, but none are reserved, as on a Linux by default. */
static int64_t refuse_huge(uint32_t flags)
{
    uint32_t shift = flags >> RF_MAP_HUGE_SHIFT & RF_MAP_HUGE_MASK;
    return shift == 0 || shift == 21 || shift == 30 ? -RF_ENOMEM : -RF_EINVAL;
}

static int64_t sys_mmap(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_mm *mm = k->current->mm;
    uint64_t address = a[0], length = a[1], offset = a[5];
    uint32_t prot = (uint32_t)a[2], flags = (uint32_t)a[3];
    struct rf_file *file = NULL;
    if (offset & RF_PAGE_MASK)
        return -RF_EINVAL;
    if (!(flags & RF_MAP_ANONYMOUS)) {
        file = rf_fd_file(k, (int)a[4]);
        if (!file)
            return -RF_EBADF;
        if (flags & RF_MAP_HUGETLB)
            return -RF_EINVAL;
    } else if (flags & RF_MAP_HUGETLB) {
        return refuse_huge(flags);
    }
    prot = rf_mm_prot_given(k, file, prot);
    int64_t at = rf_mm_place(k, mm, address, &length, flags);
    if (at < 0)
        return at;
    int64_t error = flags & RF_MAP_LOCKED ? rf_mm_may_lock(k) : 0;
    if (!error && (flags & RF_MAP_LOCKED || mm->future_flags & RF_VM_LOCKED))
        error = rf_mm_lock_limit(k, mm, length / RF_PAGE_SIZE);
    if (!error)
        error = file ? check_file(k, file, length, prot, flags, offset) : check_anonymous(flags);
    if (error)
        return error;
    at = rf_mm_map(k, mm, address, length, prot, flags, file, offset);
    bool fill = flags & RF_MAP_LOCKED || mm->future_flags & RF_VM_LOCKED ||
                (flags & (RF_MAP_POPULATE | RF_MAP_NONBLOCK)) == RF_MAP_POPULATE;
    if (at >= 0 && fill)
        rf_mm_populate(k, mm, (uint64_t)at, length, true);
    return at;
}

static int64_t sys_munmap(struct rf_kernel *k, const uint64_t a[6])
{
    return rf_mm_unmap(k, k->current->mm, a[0], a[1]);
}

/* --- mprotect --- */

/* do_mprotect_pkey of mm/mprotect.c; pkey -1: the plain call. */
static int64_t protect(struct rf_kernel *k, const uint64_t a[6], int pkey)
{
    struct rf_mm *mm = k->current->mm;
    uint64_t length = RF_PAGE_UP(a[1]), growing = RF_PROT_GROWSDOWN | RF_PROT_GROWSUP, prot = a[2] & ~growing;
    if ((a[2] & growing) == growing || a[0] & RF_PAGE_MASK)
        return -RF_EINVAL;
    if (!a[1])
        return 0;
    if (a[0] + length <= a[0])
        return -RF_ENOMEM;
    if (prot & ~(uint64_t)(ACCESS | RF_PROT_SEM))
        return -RF_EINVAL;
    if (pkey != -1 && !rf_pkey_is_allocated(mm, pkey))
        return -RF_EINVAL;
    if (a[2] & RF_PROT_GROWSUP) { /* no mapping does */
        const struct rf_vma *vma = rf_vma_after(mm, a[0]);
        return !vma || vma->start > a[0] ? -RF_ENOMEM : -RF_EINVAL;
    }
    int64_t error = rf_mm_protect(k, mm, a[0], length, (uint32_t)a[2], pkey);
    const struct rf_vma *vma = error || !(prot & RF_PROT_WRITE) ? NULL : rf_vma_find(mm, a[0]);
    if (vma && vma->flags & RF_VM_LOCKED && !vma->shared) /* locked pages are there and written to without a fault */
        rf_mm_populate(k, mm, a[0], length, true);
    return error;
}

static int64_t sys_mprotect(struct rf_kernel *k, const uint64_t a[6])
{
    return protect(k, a, -1);
}

static int64_t sys_pkey_mprotect(struct rf_kernel *k, const uint64_t a[6])
{
    return protect(k, a, (int)a[3]);
}

static int64_t sys_pkey_alloc(struct rf_kernel *k, const uint64_t a[6])
{
    if (a[0] || a[1] & ~(uint64_t)(RF_PKEY_DISABLE_ACCESS | RF_PKEY_DISABLE_WRITE))
        return -RF_EINVAL;
    return rf_pkey_alloc(k, k->current->mm, (uint32_t)a[1]);
}

static int64_t sys_pkey_free(struct rf_kernel *k, const uint64_t a[6])
{
    return rf_pkey_free(k->current->mm, (int)a[0]);
}

static int64_t sys_mremap(struct rf_kernel *k, const uint64_t a[6])
{
    if (a[3] >> 32)
        return -RF_EINVAL;
    return rf_mm_remap(k, k->current->mm, a[0], a[1], a[2], (uint32_t)a[3], a[4]);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_brk, sys_brk },
    { RF_NR_mmap, sys_mmap },
    { RF_NR_munmap, sys_munmap },
    { RF_NR_mprotect, sys_mprotect },
    { RF_NR_mremap, sys_mremap },
    { RF_NR_pkey_mprotect, sys_pkey_mprotect },
    { RF_NR_pkey_alloc, sys_pkey_alloc },
    { RF_NR_pkey_free, sys_pkey_free },
};
const struct rf_handler_table rf_handlers_memory = RF_HANDLER_TABLE(entries);
