/* Address spaces as a whole: birth, copy, death, activation. */
#include "kernel/mm/mm.h"

#include "kernel/boot/boot.h"
#include "kernel/frames.h"
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
    return mm;
}

void rf_mm_get(struct rf_mm *mm)
{
    mm->references++;
}

static void free_vmas(struct rf_kernel *k, struct rf_mm *mm)
{
    while (mm->vmas) {
        struct rf_vma *vma = mm->vmas;
        mm->vmas = vma->next;
        rf_pt_clear_range(k, mm, vma->start, vma->end);
        if (vma->file)
            rf_file_put(k, vma->file);
        rf_kfree(k, vma);
    }
}

void rf_mm_put(struct rf_kernel *k, struct rf_mm *mm)
{
    if (--mm->references)
        return;
    if (k->cpu->mmu.cr3 == mm->pml4)
        rf_mmu_set_cr3(&k->cpu->mmu, k->layout->kernel_pml4);
    free_vmas(k, mm);
    rf_pt_free_user(k, mm->pml4);
    if (mm->exe)
        rf_file_put(k, mm->exe);
    rf_kfree(k, mm);
}

static bool copy_vmas(struct rf_kernel *k, struct rf_mm *to, const struct rf_mm *from)
{
    struct rf_vma **tail = &to->vmas;
    for (const struct rf_vma *vma = from->vmas; vma; vma = vma->next) {
        struct rf_vma *copy = rf_kalloc(k, sizeof *copy);
        if (!copy)
            return false;
        *copy = *vma;
        copy->next = NULL;
        if (copy->file)
            rf_file_get(copy->file);
        *tail = copy;
        tail = &copy->next;
    }
    return true;
}

struct rf_mm *rf_mm_fork(struct rf_kernel *k, struct rf_mm *mm)
{
    struct rf_mm *copy = rf_mm_fill_shared(k, mm) ? rf_mm_create(k) : NULL;
    if (!copy)
        return NULL;
    uint64_t pml4 = copy->pml4;
    *copy = *mm;
    copy->references = 1;
    copy->pml4 = pml4;
    copy->vmas = NULL;
    copy->resident_pages = 0;
    if (copy->exe)
        rf_file_get(copy->exe);
    if (!copy_vmas(k, copy, mm) || !rf_pt_copy_user(k, copy, mm)) {
        rf_mm_put(k, copy);
        return NULL;
    }
    return copy;
}

void rf_mm_activate(struct rf_kernel *k, struct rf_mm *mm)
{
    if (k->cpu->mmu.cr3 != mm->pml4)
        rf_mmu_set_cr3(&k->cpu->mmu, mm->pml4);
    rf_cpu_mode_changed(k->cpu);
}
