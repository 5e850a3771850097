/* Address spaces as a whole: birth, copy, death, activation. */
#include "kernel/mm/vma.h"

#include "kernel/boot/boot.h"
#include "kernel/frames.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#include <string.h>

struct rf_mm *rf_mm_create(struct rf_kernel *k)
{
    struct rf_mm *mm = rf_kalloc(k, sizeof *mm);
    if (!mm)
        return NULL;
    mm->pml4 = rf_frame_alloc(k);
    if (!mm->pml4) {
        rf_kfree(k, mm);
        return NULL;
    }
    /* the kernel half is the same in every address space */
    const uint64_t *template = rf_frame_host(k, k->layout->kernel_pml4);
    memcpy((uint64_t *)rf_frame_host(k, mm->pml4) + 256, template + 256, 256 * sizeof(uint64_t));
    mm->references = 1;
    mm->id = ++k->mm_count;
    mm->table_pages = 1;
    mm->pkeys = rf_has_pkeys(k) ? 1 : 0;
    mm->execute_only_pkey = -1;
    return mm;
}

void rf_mm_get(struct rf_mm *mm)
{
    mm->references++;
}

static void free_vmas(struct rf_kernel *k, struct rf_mm *mm)
{
    while (mm->map_count) { /* from the end: no part of the table has to move */
        struct rf_vma *vma = mm->table[mm->map_count - 1];
        rf_pt_clear_range(k, mm, vma->start, vma->end);
        rf_vma_remove(k, mm, vma);
    }
    rf_kfree(k, mm->table);
}

void rf_mm_put(struct rf_kernel *k, struct rf_mm *mm)
{
    if (--mm->references)
        return;
    if (k->cpu->mmu.cr3 == mm->pml4)
        rf_mmu_set_cr3(&k->cpu->mmu, k->layout->kernel_pml4);
    free_vmas(k, mm);
    rf_pt_free_user(k, mm);
    if (mm->exe)
        rf_file_put(k, mm->exe);
    rf_kfree(k, mm);
}

/* Locks are not inherited (mlock(2)), and madvise may have excepted a mapping. */
static bool copy_vmas(struct rf_kernel *k, struct rf_mm *to, const struct rf_mm *from)
{
    if (!rf_vma_reserve(k, to, from->map_count))
        return false;
    for (const struct rf_vma *vma = from->vmas; vma; vma = vma->next) {
        if (vma->flags & RF_VM_DONTFORK)
            continue;
        struct rf_vma *copy = rf_kalloc(k, sizeof *copy);
        if (!copy)
            return false;
        *copy = *vma;
        copy->flags &= ~(uint32_t)(RF_VM_LOCKED | RF_VM_LOCKONFAULT);
        rf_vma_opened(k, copy);
        rf_vma_insert(to, copy);
    }
    return true;
}

/* Everything but the mappings and what counts them. */
static void copy_layout(struct rf_mm *to, const struct rf_mm *from)
{
    to->undumpable = from->undumpable;
    to->no_huge_pages = from->no_huge_pages;
    to->mmap_base = from->mmap_base;
    to->bottom_up = from->bottom_up;
    to->start_brk = from->start_brk, to->brk = from->brk, to->brk_limit = from->brk_limit;
    to->start_stack = from->start_stack;
    to->arg_start = from->arg_start, to->arg_end = from->arg_end;
    to->env_start = from->env_start, to->env_end = from->env_end;
    to->start_code = from->start_code, to->end_code = from->end_code;
    to->start_data = from->start_data, to->end_data = from->end_data;
    to->exe = from->exe;
    to->membarrier = from->membarrier;
    to->pkeys = from->pkeys;
    to->execute_only_pkey = from->execute_only_pkey;
    to->oom_victim = from->oom_victim;
}

struct rf_mm *rf_mm_fork(struct rf_kernel *k, struct rf_mm *mm)
{
    struct rf_mm *copy = rf_mm_create(k);
    if (!copy)
        return NULL;
    copy_layout(copy, mm);
    if (copy->exe)
        rf_file_get(copy->exe);
    if (!copy_vmas(k, copy, mm) || !rf_pt_copy_user(k, copy, mm)) {
        rf_mm_put(k, copy);
        return NULL;
    }
    return copy;
}

struct rf_mm *rf_mm_by_id(struct rf_kernel *k, uint64_t id)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->mm && task->mm->id == id)
            return task->mm;
    return NULL;
}

void rf_mm_activate(struct rf_kernel *k, struct rf_mm *mm)
{
    if (k->cpu->mmu.cr3 != mm->pml4)
        rf_mmu_set_cr3(&k->cpu->mmu, mm->pml4);
    rf_cpu_mode_changed(k->cpu);
}
