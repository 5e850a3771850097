/* Page faults on user addresses: demand paging, copy-on-write, stack growth. */
#include "kernel/frames.h"
#include "kernel/mm/vma.h"
#include "kernel/syscalls/usage.h"
#include "kernel/task/task.h"
#include "abi/signal_names.h"

#include <string.h>

/* A growing mapping that lies above the address and may reach down to it (expand_downwards of
 * mm/mmap.c). */
static struct rf_vma *grow_stack(struct rf_kernel *k, struct rf_mm *mm, uint64_t address)
{
    struct rf_vma *vma = rf_vma_after(mm, address), *below = rf_vma_before(mm, address);
    if (!vma || !vma->growsdown || address < RF_MMAP_MIN)
        return NULL;
    uint64_t start = address & ~RF_PAGE_MASK, pages = (vma->start - start) / RF_PAGE_SIZE;
    uint64_t limit = k->current->process->rlimit[RF_RLIMIT_STACK].rlim_cur;
    if (limit != UINT64_MAX && vma->end - start > limit)
        return NULL;
    bool in_reach = below && !below->growsdown && below->prot & (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC);
    if (in_reach && start - below->end < RF_STACK_GUARD)
        return NULL;
    if (!rf_mm_may_grow(k, mm, vma, pages) || (vma->flags & RF_VM_LOCKED && rf_mm_lock_limit(k, mm, pages)))
        return NULL;
    rf_vma_resize(mm, vma, start, vma->end);
    return vma;
}

struct rf_vma *rf_mm_find_or_grow(struct rf_kernel *k, struct rf_mm *mm, uint64_t address)
{
    struct rf_vma *vma = rf_vma_find(mm, address);
    return vma ? vma : grow_stack(k, mm, address);
}

static bool allowed(const struct rf_vma *vma, uint32_t error_code)
{
    if (error_code & RF_PF_I)
        return vma->prot & RF_PROT_EXEC;
    if (error_code & RF_PF_W)
        return vma->prot & RF_PROT_WRITE;
    return vma->prot & (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC);
}

/* An entry for a mapping; one that nobody may access keeps its frame, but is not present. */
static uint64_t leaf_bits(const struct rf_vma *vma, bool writable)
{
    uint64_t bits = RF_PTE_U | RF_PTE_A | (uint64_t)vma->pkey << RF_PTE_PKEY_SHIFT;
    if (vma->prot & (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC))
        bits |= RF_PTE_P;
    if (writable && vma->prot & RF_PROT_WRITE)
        bits |= RF_PTE_W | RF_PTE_D;
    if (!(vma->prot & RF_PROT_EXEC))
        bits |= RF_PTE_NX;
    return bits;
}

static uint64_t copy_frame(struct rf_kernel *k, uint64_t from)
{
    uint64_t frame = rf_frame_alloc_dirty(k);
    if (frame)
        memcpy(rf_frame_host(k, frame), rf_frame_host(k, from), RF_PAGE_SIZE);
    rf_charge(k, RF_EVENT_PAGE_FILL, 1);
    return frame;
}

/* The page is there, but not for this access: share it, own it, or copy it. */
static int make_writable(struct rf_kernel *k, const struct rf_vma *vma, uint64_t *pte)
{
    uint64_t frame = *pte & RF_PTE_ADDRESS, private_copy = *pte & RF_PTE_PRIVATE_COPY;
    if (!vma->shared && (rf_frame_references(k, frame) > 1 || (vma->file && !private_copy))) {
        uint64_t copy = copy_frame(k, frame);
        if (!copy)
            return RF_SIGKILL;
        rf_frame_put(k, frame);
        frame = copy;
        private_copy = RF_PTE_PRIVATE_COPY;
    }
    *pte = frame | leaf_bits(vma, true) | private_copy;
    return 0;
}

/* The page of the mapping's file. */
static int fill_from_file(struct rf_kernel *k, const struct rf_vma *vma, uint64_t address, bool write,
                          uint64_t *pte, int *si_code)
{
    uint64_t frame, index = (vma->offset + (address - vma->start)) / RF_PAGE_SIZE;
    int64_t error = rf_file_page(k, vma->file, index, &frame);
    if (error == -RF_ENOMEM)
        return RF_SIGKILL;
    if (error) {
        *si_code = RF_SI_BUS_ADRERR;
        return RF_SIGBUS;
    }
    if (vma->shared || !write) {
        *pte = frame | leaf_bits(vma, vma->shared && write);
        return 0;
    }
    uint64_t copy = copy_frame(k, frame);
    rf_frame_put(k, frame);
    if (!copy)
        return RF_SIGKILL;
    *pte = copy | leaf_bits(vma, true) | RF_PTE_PRIVATE_COPY;
    return 0;
}

/* Nothing is there yet. */
static int fill(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t address,
                bool write, uint64_t *pte, int *si_code)
{
    if (vma->file) {
        int signal = fill_from_file(k, vma, address, write, pte, si_code);
        if (signal)
            return signal;
    } else {
        uint64_t frame = rf_frame_alloc(k);
        rf_charge(k, RF_EVENT_PAGE_FILL, 1);
        if (!frame)
            return RF_SIGKILL;
        *pte = frame | leaf_bits(vma, true) | RF_PTE_PRIVATE_COPY;
    }
    if (++mm->resident_pages > mm->peak_resident)
        mm->peak_resident = mm->resident_pages;
    return 0;
}

int rf_mm_make_page(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t address,
                    bool write, int *si_code)
{
    uint64_t *pte = rf_pte(k, mm, address, true);
    int signal = 0;
    if (!pte)
        return RF_SIGKILL;
    if (!*pte)
        signal = fill(k, mm, vma, address & ~RF_PAGE_MASK, write, pte, si_code);
    else if (write)
        signal = make_writable(k, vma, pte);
    else
        *pte = (*pte & (RF_PTE_ADDRESS | RF_PTE_W | RF_PTE_D | RF_PTE_PRIVATE_COPY)) | leaf_bits(vma, false);
    if (k->cpu->mmu.cr3 == mm->pml4)
        rf_mmu_invlpg(&k->cpu->mmu, address);
    if (!signal)
        rf_usage_count_fault(k->current);
    return signal;
}

/* The same, and whoever must die for it has. */
static int make_page_or_kill(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t address,
                             bool write, int *si_code)
{
    int signal;
    do
        signal = rf_mm_make_page(k, mm, vma, address, write, si_code);
    while (signal == RF_SIGKILL && rf_out_of_memory(k));
    return signal;
}

int64_t rf_mm_fill_page(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t address, bool write)
{
    int si_code, signal = make_page_or_kill(k, mm, vma, address, write, &si_code);
    return !signal ? 0 : signal == RF_SIGKILL ? -RF_ENOMEM : -RF_EFAULT;
}

int rf_mm_fault(struct rf_kernel *k, uint64_t address, uint32_t error_code, int *si_code)
{
    struct rf_mm *mm = k->current->mm;
    *si_code = RF_SI_SEGV_MAPERR;
    if (!mm || address >= RF_TASK_SIZE)
        return RF_SIGSEGV;
    if (mm->oom_victim)
        return RF_SIGKILL;
    struct rf_vma *vma = rf_mm_find_or_grow(k, mm, address);
    if (!vma)
        return RF_SIGSEGV;
    *si_code = RF_SI_SEGV_PKUERR;
    if (error_code & RF_PF_PK || !rf_pkey_permits(k, vma, error_code))
        return RF_SIGSEGV;
    *si_code = RF_SI_SEGV_ACCERR;
    if (!allowed(vma, error_code))
        return RF_SIGSEGV;
    return make_page_or_kill(k, mm, vma, address, error_code & RF_PF_W, si_code);
}
