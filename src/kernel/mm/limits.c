/* What an address space may grow to: RLIMIT_AS, RLIMIT_DATA, overcommitment; and its sizes. */
#include "kernel/mm/vma.h"

#include "kernel/frames.h"
#include "kernel/task/task.h"

/* is_data_mapping, is_stack_mapping, is_exec_mapping of mm/internal.h */
static bool is_data(const struct rf_vma *vma)
{
    return vma->prot & RF_PROT_WRITE && !vma->shared && !vma->growsdown;
}

static uint64_t data_pages(const struct rf_mm *mm)
{
    uint64_t pages = 0;
    for (const struct rf_vma *vma = mm->vmas; vma; vma = vma->next)
        if (is_data(vma))
            pages += rf_vma_pages(vma);
    return pages;
}

static uint64_t limit_of(const struct rf_kernel *k, unsigned which)
{
    const struct rf_task *task = k->current;
    return task && task->process ? task->process->rlimit[which].rlim_cur : UINT64_MAX;
}

bool rf_mm_may_grow(const struct rf_kernel *k, const struct rf_mm *mm, const struct rf_vma *kind, uint64_t pages)
{
    uint64_t space = limit_of(k, RF_RLIMIT_AS), data = limit_of(k, RF_RLIMIT_DATA);
    if (pages > RF_TASK_SIZE / RF_PAGE_SIZE || (space != UINT64_MAX && mm->total_pages + pages > space / RF_PAGE_SIZE))
        return false;
    if (data == UINT64_MAX || !is_data(kind) || data_pages(mm) + pages <= data / RF_PAGE_SIZE)
        return true;
    /* "Workaround for Valgrind" (may_expand_vm of mm/mmap.c) */
    return !data && data_pages(mm) + pages <= k->current->process->rlimit[RF_RLIMIT_DATA].rlim_max / RF_PAGE_SIZE;
}

/* __vm_enough_memory of mm/util.c: "pages > totalram_pages() + total_swap_pages" */
bool rf_mm_overcommits(const struct rf_kernel *k, uint64_t pages)
{
    return pages > rf_frames_total(k);
}

struct sum {
    struct rf_mm_sizes *sizes;
    const struct rf_vma *vma;
};

static void add_leaf(struct rf_kernel *k, uint64_t va, uint64_t *pte, void *user)
{
    (void)k, (void)va;
    const struct sum *sum = user;
    const struct rf_vma *vma = sum->vma;
    if (!vma->file || *pte & RF_PTE_PRIVATE_COPY)
        sum->sizes->anonymous++;
    else if (vma->file->inode->mount->magic == RF_TMPFS_MAGIC)
        sum->sizes->shmem++;
    else
        sum->sizes->file++;
}

void rf_mm_sizes(struct rf_kernel *k, const struct rf_mm *mm, struct rf_mm_sizes *out)
{
    *out = (struct rf_mm_sizes){ 0 };
    for (const struct rf_vma *vma = mm->vmas; vma; vma = vma->next) {
        struct sum sum = { out, vma };
        uint64_t pages = rf_vma_pages(vma);
        if (vma->growsdown)
            out->stack += pages;
        else if (is_data(vma))
            out->data += pages;
        else if (vma->prot & RF_PROT_EXEC)
            out->executable += pages;
        rf_pt_each_leaf(k, mm->pml4, vma->start, vma->end, add_leaf, &sum);
    }
}
