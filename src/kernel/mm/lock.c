/* Locked memory: nothing is ever paged out here, so it is a matter of counting, limits and of filling
 * pages ahead (mm/mlock.c). */
#include "kernel/mm/vma.h"

#include "abi/signal_names.h"
#include "kernel/task/task.h"

#define LOCKING (RF_VM_LOCKED | RF_VM_LOCKONFAULT)

int64_t rf_mm_may_lock(const struct rf_kernel *k)
{
    if (k->current->process->rlimit[RF_RLIMIT_MEMLOCK].rlim_cur || rf_capable(k, RF_CAP_IPC_LOCK))
        return 0;
    return -RF_EPERM;
}

int64_t rf_mm_lock_limit(const struct rf_kernel *k, const struct rf_mm *mm, uint64_t pages)
{
    uint64_t limit = k->current->process->rlimit[RF_RLIMIT_MEMLOCK].rlim_cur;
    if (limit == UINT64_MAX || mm->locked_pages + pages <= limit / RF_PAGE_SIZE ||
        rf_capable(k, RF_CAP_IPC_LOCK))
        return 0;
    return -RF_EAGAIN;
}

/* apply_vma_lock_flags */
int64_t rf_mm_set_locked(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t length, uint32_t flags)
{
    uint64_t end = start + length, at = start;
    int64_t error = 0;
    if (end < start)
        return -RF_EINVAL;
    while (at < end && !error) {
        struct rf_vma *vma = rf_vma_find(mm, at);
        if (!vma) {
            error = -RF_ENOMEM;
            break;
        }
        uint64_t last = end < vma->end ? end : vma->end;
        uint32_t wanted = (vma->flags & ~(uint32_t)LOCKING) | flags;
        if (wanted != vma->flags) {
            vma = rf_vma_isolate(k, mm, at, last);
            if (vma)
                rf_vma_set_flags(mm, vma, wanted);
            else
                error = -RF_ENOMEM;
        }
        at = last;
    }
    if (!error)
        rf_vma_merge(k, mm, start, end);
    return error;
}

/* Fill what lies in one mapping (populate_vma_page_range). */
static int64_t fill(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t from, uint64_t to)
{
    bool write = vma->prot & RF_PROT_WRITE && !vma->shared;
    if (vma->flags & RF_VM_LOCKONFAULT)
        return 0;
    if (!(vma->prot & (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC)))
        return -RF_EFAULT;
    for (uint64_t at = from; at < to; at += RF_PAGE_SIZE) {
        if (at % RF_LONG_WORK == 0 && rf_must_end_soon(k))
            return 0; /* the rest comes when it is used */
        const uint64_t *pte = rf_pte(k, mm, at, false);
        if (pte && *pte && (!write || *pte & RF_PTE_W))
            continue;
        int64_t error = rf_mm_fill_page(k, mm, vma, at, write);
        if (error)
            return error;
    }
    return 0;
}

int64_t rf_mm_populate(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t length, bool ignore)
{
    uint64_t end = start + length, at = start;
    const struct rf_vma *vma;
    while (at < end && (vma = rf_vma_after(mm, at)) != NULL && vma->start < end) {
        uint64_t from = vma->start > at ? vma->start : at, to = vma->end < end ? vma->end : end;
        int64_t error = fill(k, mm, vma, from, to);
        if (error && (!ignore || mm->oom_victim))
            return error;
        at = to;
    }
    return 0;
}
