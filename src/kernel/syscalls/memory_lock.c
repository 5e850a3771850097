/* mlock mlock2 munlock mlockall munlockall: mm/mlock.c of Linux. */
#include "kernel/mm/vma.h"
#include "kernel/task/task.h"

/* Pages of the range that are locked already: they do not count twice. */
static uint64_t locked_within(struct rf_mm *mm, uint64_t start, uint64_t end)
{
    uint64_t pages = 0;
    for (const struct rf_vma *vma = rf_vma_after(mm, start); vma && vma->start < end; vma = vma->next) {
        uint64_t from = vma->start > start ? vma->start : start, to = vma->end < end ? vma->end : end;
        if (vma->flags & RF_VM_LOCKED)
            pages += (to - from) / RF_PAGE_SIZE;
    }
    return pages;
}

static int64_t lock_range(struct rf_kernel *k, uint64_t address, uint64_t size, uint32_t flags)
{
    struct rf_mm *mm = k->current->mm;
    uint64_t start = address & ~RF_PAGE_MASK, length = RF_PAGE_UP(size + (address & RF_PAGE_MASK));
    uint64_t limit = k->current->process->rlimit[RF_RLIMIT_MEMLOCK].rlim_cur / RF_PAGE_SIZE;
    uint64_t pages = length / RF_PAGE_SIZE + mm->locked_pages;
    bool privileged = rf_capable(k, RF_CAP_IPC_LOCK);
    int64_t error = rf_mm_may_lock(k);
    if (error)
        return error;
    if (pages > limit && !privileged)
        pages -= locked_within(mm, start, start + length);
    if (pages > limit && !privileged)
        return -RF_ENOMEM;
    error = rf_mm_set_locked(k, mm, start, length, flags);
    if (error)
        return error;
    error = rf_mm_populate(k, mm, start, length, false);
    return error == -RF_EFAULT ? -RF_ENOMEM : error == -RF_ENOMEM ? -RF_EAGAIN : error; /* __mlock_posix_error_return */
}

static int64_t sys_mlock(struct rf_kernel *k, const uint64_t a[6])
{
    return lock_range(k, a[0], a[1], RF_VM_LOCKED);
}

static int64_t sys_mlock2(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[2];
    if (flags & ~(uint32_t)RF_MLOCK_ONFAULT)
        return -RF_EINVAL;
    return lock_range(k, a[0], a[1], RF_VM_LOCKED | (flags & RF_MLOCK_ONFAULT ? RF_VM_LOCKONFAULT : 0u));
}

static int64_t sys_munlock(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t start = a[0] & ~RF_PAGE_MASK;
    return rf_mm_set_locked(k, k->current->mm, start, RF_PAGE_UP(a[1] + (a[0] & RF_PAGE_MASK)), 0);
}

/* Every mapping gets the flags (apply_mlockall_flags). */
static void lock_all(struct rf_kernel *k, struct rf_mm *mm, uint32_t flags)
{
    for (struct rf_vma *vma = mm->vmas; vma; vma = vma->next)
        rf_vma_set_flags(mm, vma, (vma->flags & ~(uint32_t)(RF_VM_LOCKED | RF_VM_LOCKONFAULT)) | flags);
    rf_vma_merge(k, mm, 0, RF_TASK_SIZE);
}

static int64_t sys_mlockall(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_mm *mm = k->current->mm;
    uint32_t flags = (uint32_t)a[0], locked = RF_VM_LOCKED | (flags & RF_MCL_ONFAULT ? RF_VM_LOCKONFAULT : 0u);
    if (!flags || flags & ~(uint32_t)(RF_MCL_CURRENT | RF_MCL_FUTURE | RF_MCL_ONFAULT) || flags == RF_MCL_ONFAULT)
        return -RF_EINVAL;
    int64_t error = rf_mm_may_lock(k);
    if (error)
        return error;
    uint64_t limit = k->current->process->rlimit[RF_RLIMIT_MEMLOCK].rlim_cur / RF_PAGE_SIZE;
    if (flags & RF_MCL_CURRENT && mm->total_pages > limit && !rf_capable(k, RF_CAP_IPC_LOCK))
        return -RF_ENOMEM;
    mm->future_flags = flags & RF_MCL_FUTURE ? locked : 0;
    if (flags & RF_MCL_CURRENT) {
        lock_all(k, mm, locked);
        rf_mm_populate(k, mm, 0, RF_TASK_SIZE, true);
    }
    return 0;
}

static int64_t sys_munlockall(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    k->current->mm->future_flags = 0;
    lock_all(k, k->current->mm, 0);
    return 0;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_mlock, sys_mlock },       { RF_NR_mlock2, sys_mlock2 },         { RF_NR_munlock, sys_munlock },
    { RF_NR_mlockall, sys_mlockall }, { RF_NR_munlockall, sys_munlockall },
};
const struct rf_handler_table rf_handlers_memory_lock = RF_HANDLER_TABLE(entries);
