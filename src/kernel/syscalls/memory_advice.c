/* madvise process_madvise msync mincore: mm/madvise.c, mm/msync.c, mm/mincore.c of Linux. */
#include "abi/signal_names.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/mm/vma.h"
#include "kernel/task/task.h"

/* --- madvise --- */

/* Advice that is a flag of the mapping: what is set and cleared, and what refuses it. */
struct flag_advice {
    int advice;
    uint32_t set, clear;
    bool private_only; /* anonymous private memory: else -EINVAL */
};
static const struct flag_advice flag_advice[] = {
    { RF_MADV_NORMAL, 0, RF_VM_RANDOM | RF_VM_SEQUENTIAL, false },
    { RF_MADV_RANDOM, RF_VM_RANDOM, RF_VM_SEQUENTIAL, false },
    { RF_MADV_SEQUENTIAL, RF_VM_SEQUENTIAL, RF_VM_RANDOM, false },
    { RF_MADV_DONTFORK, RF_VM_DONTFORK, 0, false },
    { RF_MADV_DOFORK, 0, RF_VM_DONTFORK, false },
    { RF_MADV_WIPEONFORK, RF_VM_WIPEONFORK, 0, true },
    { RF_MADV_KEEPONFORK, 0, RF_VM_WIPEONFORK, false },
    { RF_MADV_DONTDUMP, RF_VM_DONTDUMP, 0, false },
    { RF_MADV_DODUMP, 0, RF_VM_DONTDUMP, false },
    { RF_MADV_MERGEABLE, RF_VM_MERGEABLE, 0, false },
    { RF_MADV_UNMERGEABLE, 0, RF_VM_MERGEABLE, false },
    { RF_MADV_HUGEPAGE, RF_VM_HUGEPAGE, RF_VM_NOHUGEPAGE, false },
    { RF_MADV_NOHUGEPAGE, RF_VM_NOHUGEPAGE, RF_VM_HUGEPAGE, false },
};

static const struct flag_advice *find_flag_advice(int advice)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(flag_advice); i++)
        if (flag_advice[i].advice == advice)
            return &flag_advice[i];
    return NULL;
}

static int64_t set_flags(struct rf_kernel *k, struct rf_mm *mm, struct rf_vma *vma, uint64_t from, uint64_t to,
                         const struct flag_advice *how)
{
    uint32_t flags = (vma->flags & ~how->clear) | how->set;
    if (how->private_only && (vma->file || vma->shared))
        return -RF_EINVAL;
    if ((how->set | how->clear) & RF_VM_MERGEABLE && vma->shared)
        return 0; /* ksm_madvise: "just ignore the advice" */
    if (flags == vma->flags)
        return 0;
    vma = rf_vma_isolate(k, mm, from, to);
    if (!vma)
        return -RF_EAGAIN; /* as man madvise(2) tells of a want of kernel memory */
    rf_vma_set_flags(mm, vma, flags);
    return 0;
}

/* MADV_REMOVE: the pages leave the file. */
static int64_t remove_pages(struct rf_kernel *k, const struct rf_vma *vma, uint64_t from, uint64_t to)
{
    if (vma->flags & RF_VM_LOCKED || !vma->file)
        return -RF_EINVAL;
    if (!vma->shared || !vma->may_write) /* vma_is_shared_maywrite */
        return -RF_EACCES;
    struct rf_inode *inode = vma->file->inode;
    if (!inode->ops->punch)
        return -RF_EOPNOTSUPP;
    if (inode->seals & (RF_F_SEAL_WRITE | RF_F_SEAL_FUTURE_WRITE))
        return -RF_EPERM;
    uint64_t start = vma->offset + (from - vma->start), end = start + (to - from);
    return inode->ops->punch(k, inode, start, end);
}

static int64_t advise(struct rf_kernel *k, struct rf_mm *mm, struct rf_vma *vma, uint64_t from, uint64_t to,
                      int advice)
{
    const struct flag_advice *how = find_flag_advice(advice);
    if (how)
        return set_flags(k, mm, vma, from, to, how);
    switch (advice) {
    case RF_MADV_REMOVE: return remove_pages(k, vma, from, to);
    case RF_MADV_COLD:
    case RF_MADV_PAGEOUT: return vma->flags & RF_VM_LOCKED ? -RF_EINVAL : 0; /* nothing is paged out */
    case RF_MADV_FREE:
    case RF_MADV_DONTNEED:
    case RF_MADV_DONTNEED_LOCKED:
        if ((advice == RF_MADV_FREE && vma->file) ||
            (advice != RF_MADV_DONTNEED_LOCKED && vma->flags & RF_VM_LOCKED))
            return -RF_EINVAL;
        rf_pt_clear_range(k, mm, from, to);
        return 0;
    default: return 0; /* MADV_WILLNEED: reading ahead has no counterpart */
    }
}

/* madvise_populate: like locking, but by the access that is asked for, and with errors of its own. */
static int64_t populate(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end, bool write)
{
    for (uint64_t at = start; at < end; at += RF_PAGE_SIZE) {
        const struct rf_vma *vma = rf_vma_find(mm, at);
        if (!vma)
            return -RF_ENOMEM;
        if (!(vma->prot & (write ? RF_PROT_WRITE : RF_PROT_READ)))
            return -RF_EINVAL;
        if (at % RF_LONG_WORK == 0 && rf_must_end_soon(k))
            return 0; /* the rest comes when it is used */
        int64_t error = rf_mm_fill_page(k, mm, vma, at, write);
        if (error)
            return error;
    }
    return 0;
}

static bool is_known(int advice)
{
    switch (advice) {
    case RF_MADV_REMOVE: case RF_MADV_WILLNEED: case RF_MADV_DONTNEED: case RF_MADV_DONTNEED_LOCKED:
    case RF_MADV_FREE: case RF_MADV_COLD: case RF_MADV_PAGEOUT: case RF_MADV_POPULATE_READ:
    case RF_MADV_POPULATE_WRITE: return true;
    default: return find_flag_advice(advice) != NULL; /* no CONFIG_MEMORY_FAILURE: no HWPOISON */
    }
}

static int64_t do_madvise(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t size, int advice)
{
    uint64_t length = RF_PAGE_UP(size), end = start + length, at = start;
    if (!is_known(advice) || start & RF_PAGE_MASK || (size && !length) || end < start)
        return -RF_EINVAL;
    if (end == start)
        return 0;
    if (advice == RF_MADV_POPULATE_READ || advice == RF_MADV_POPULATE_WRITE)
        return populate(k, mm, start, end, advice == RF_MADV_POPULATE_WRITE);
    int64_t hole = 0, error = 0;
    struct rf_vma *vma;
    while (at < end && !error) {
        vma = rf_vma_after(mm, at);
        if (!vma || vma->start > at)
            hole = -RF_ENOMEM; /* reported after the rest has been done */
        if (!vma || vma->start >= end)
            break;
        uint64_t from = vma->start > at ? vma->start : at, to = vma->end < end ? vma->end : end;
        error = advise(k, mm, vma, from, to, advice);
        at = to;
    }
    if (!error)
        rf_vma_merge(k, mm, start, end);
    return error ? error : hole;
}

static int64_t sys_madvise(struct rf_kernel *k, const uint64_t a[6])
{
    return do_madvise(k, k->current->mm, a[0], a[1], (int)a[2]);
}

/* Advice for another process: hints only. */
static int64_t advise_process(struct rf_kernel *k, int32_t pid, const struct rf_uio *uio, int advice)
{
    const struct rf_process *process = rf_process_find(k, pid);
    if (!process)
        return -RF_ESRCH;
    if (advice != RF_MADV_COLD && advice != RF_MADV_PAGEOUT && advice != RF_MADV_WILLNEED)
        return -RF_EINVAL;
    const struct rf_task *task = process->leader;
    if (!task->mm)
        return -RF_ESRCH;
    int64_t error = rf_may_access_task(k, task, true) ? 0 : -RF_EPERM;
    if (error)
        return error;
    if (!rf_capable(k, RF_CAP_SYS_NICE))
        return -RF_EPERM;
    int64_t done = 0;
    for (unsigned i = 0; i < uio->count && !error; i++) {
        error = do_madvise(k, task->mm, uio->iov[i].iov_base, uio->iov[i].iov_len, advice);
        if (!error)
            done += (int64_t)uio->iov[i].iov_len;
    }
    return done ? done : error;
}

static int64_t sys_process_madvise(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_uio uio;
    if ((uint32_t)a[4])
        return -RF_EINVAL;
    int64_t result = rf_uio_import(&uio, k, a[1], a[2]);
    if (result)
        return result;
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    int32_t pid = file ? rf_pidfd_pid(file) : 0;
    result = pid ? advise_process(k, pid, &uio, (int)a[3]) : -RF_EBADF;
    rf_uio_free(&uio);
    return result;
}

/* --- msync: holes are reported after the rest, but by MS_ASYNC at once --- */

static int64_t sys_msync(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_mm *mm = k->current->mm;
    uint32_t flags = (uint32_t)a[2];
    uint64_t at = a[0], end = a[0] + RF_PAGE_UP(a[1]);
    int64_t hole = 0;
    if (flags & ~(uint32_t)(RF_MS_ASYNC | RF_MS_INVALIDATE | RF_MS_SYNC) || at & RF_PAGE_MASK ||
        (flags & (RF_MS_ASYNC | RF_MS_SYNC)) == (RF_MS_ASYNC | RF_MS_SYNC))
        return -RF_EINVAL;
    if (end < at)
        return -RF_ENOMEM;
    while (at < end) {
        struct rf_vma *vma = rf_vma_after(mm, at);
        if (!vma || vma->start >= end || (vma->start > at && flags == RF_MS_ASYNC))
            return -RF_ENOMEM;
        if (vma->start > at)
            hole = -RF_ENOMEM;
        if (flags & RF_MS_INVALIDATE && vma->flags & RF_VM_LOCKED)
            return -RF_EBUSY;
        int64_t error = flags & RF_MS_SYNC && vma->file && vma->shared ? rf_file_sync(k, vma->file) : 0;
        if (error)
            return error;
        at = vma->end;
    }
    return hole;
}

/* --- mincore --- */

/* can_do_mincore: of files that the caller could not write nothing is told. */
static bool may_know(struct rf_kernel *k, const struct rf_vma *vma)
{
    if (!vma->file)
        return true;
    struct rf_inode *inode = vma->file->inode;
    return k->current->credentials.fsuid == inode->uid || rf_capable(k, RF_CAP_SYS_ADMIN) ||
           !rf_inode_permission(k, inode, RF_W_OK);
}

static bool is_resident(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t at)
{
    const uint64_t *pte = rf_pte(k, mm, at, false);
    if (pte && *pte)
        return true;
    if (!vma->file)
        return false;
    if (!may_know(k, vma))
        return true;
    const struct rf_inode *inode = vma->file->inode;
    uint64_t index = (vma->offset + (at - vma->start)) / RF_PAGE_SIZE;
    return inode->mount->magic == RF_TMPFS_MAGIC && rf_tmpfs_has_page(inode, index);
}

static int64_t sys_mincore(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_mm *mm = k->current->mm;
    uint64_t pages = a[1] / RF_PAGE_SIZE + (a[1] & RF_PAGE_MASK ? 1 : 0), at = a[0];
    if (a[0] & RF_PAGE_MASK)
        return -RF_EINVAL;
    if (!rf_user_range_ok(a[0], a[1]))
        return -RF_ENOMEM;
    if (!rf_user_range_ok(a[2], pages))
        return -RF_EFAULT;
    uint8_t told[256];
    for (uint64_t done = 0; done < pages;) {
        size_t n = 0;
        const struct rf_vma *vma = rf_vma_find(mm, at);
        if (!vma)
            return -RF_ENOMEM;
        for (; n < sizeof told && done + n < pages && at < vma->end; n++, at += RF_PAGE_SIZE)
            told[n] = is_resident(k, mm, vma, at);
        if (rf_copy_to_user(k, a[2] + done, told, n))
            return -RF_EFAULT;
        done += n;
    }
    return 0;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_madvise, sys_madvise },
    { RF_NR_process_madvise, sys_process_madvise },
    { RF_NR_msync, sys_msync },
    { RF_NR_mincore, sys_mincore },
};
const struct rf_handler_table rf_handlers_memory_advice = RF_HANDLER_TABLE(entries);
