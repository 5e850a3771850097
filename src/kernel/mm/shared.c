/* When the pages of a file go, they go from every mapping (unmap_mapping_range). */
#include "kernel/mm/vma.h"

#include "kernel/task/task.h"

/* Threads have one address space: visit it by its first thread only. */
static bool seen_before(const struct rf_kernel *k, const struct rf_task *task)
{
    for (const struct rf_task *other = k->tasks; other != task; other = other->next_task)
        if (other->mm == task->mm)
            return true;
    return false;
}

static void zap(struct rf_kernel *k, const struct rf_inode *inode, uint64_t first, uint64_t last, bool copies)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        struct rf_mm *mm = task->mm;
        if (!mm || seen_before(k, task))
            continue;
        for (struct rf_vma *vma = mm->vmas; vma; vma = vma->next) {
            uint64_t base = vma->offset / RF_PAGE_SIZE, pages = rf_vma_pages(vma);
            if (!vma->file || vma->file->inode != inode || last <= base || first >= base + pages)
                continue;
            uint64_t from = first > base ? first - base : 0, to = last - base < pages ? last - base : pages;
            if (copies)
                rf_pt_clear_range(k, mm, vma->start + from * RF_PAGE_SIZE, vma->start + to * RF_PAGE_SIZE);
            else
                rf_pt_clear_file_pages(k, mm, vma->start + from * RF_PAGE_SIZE, vma->start + to * RF_PAGE_SIZE);
        }
    }
}

void rf_mm_truncated(struct rf_kernel *k, const struct rf_inode *inode, uint64_t size)
{
    zap(k, inode, size / RF_PAGE_SIZE + (size % RF_PAGE_SIZE != 0), UINT64_MAX, true);
}

void rf_mm_punched(struct rf_kernel *k, const struct rf_inode *inode, uint64_t first, uint64_t last)
{
    zap(k, inode, first, last, false);
}
