/* Page faults on user addresses: demand paging, copy-on-write, stack growth. */
#include "kernel/frames.h"
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"
#include "abi/signal_names.h"

#include <string.h>

/* A growing mapping that lies above the address and may reach down to it. */
static struct rf_vma *grow_stack(struct rf_kernel *k, struct rf_mm *mm, uint64_t address)
{
    struct rf_vma *below = NULL, *vma = mm->vmas;
    while (vma && vma->end <= address) {
        below = vma;
        vma = vma->next;
    }
    if (!vma || !vma->growsdown || address >= vma->start)
        return NULL;
    uint64_t start = address & ~RF_PAGE_MASK;
    uint64_t limit = k->current->process->rlimit[RF_RLIMIT_STACK].rlim_cur;
    if (limit != UINT64_MAX && vma->end - start > limit)
        return NULL;
    /* stack_guard_gap: 256 pages to whatever lies below */
    if (below && below->prot && start - below->end < 256 * RF_PAGE_SIZE)
        return NULL;
    mm->total_pages += (vma->start - start) / RF_PAGE_SIZE;
    vma->start = start;
    return vma;
}

static bool allowed(const struct rf_vma *vma, uint32_t error_code)
{
    if (error_code & RF_PF_I)
        return vma->prot & RF_PROT_EXEC;
    if (error_code & RF_PF_W)
        return vma->prot & RF_PROT_WRITE;
    return vma->prot & (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC);
}

static uint64_t leaf_bits(const struct rf_vma *vma, bool writable)
{
    uint64_t bits = RF_PTE_P | RF_PTE_U | RF_PTE_A;
    if (writable)
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
    uint64_t frame = *pte & RF_PTE_ADDRESS;
    if (!vma->shared && rf_frame_references(k, frame) > 1) {
        uint64_t copy = copy_frame(k, frame);
        if (!copy)
            return RF_SIGKILL; /* out of memory: the task that needs a page is the victim */
        rf_frame_put(k, frame);
        frame = copy;
    }
    *pte = frame | leaf_bits(vma, true);
    return 0;
}

/* Nothing is there yet. */
static int fill(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t address,
                bool write, uint64_t *pte, int *si_code)
{
    uint64_t frame;
    bool owned = true;
    if (vma->file) {
        uint64_t index = (vma->offset + (address - vma->start)) / RF_PAGE_SIZE;
        int64_t error = rf_file_page(k, vma->file, index, &frame);
        if (error) {
            *si_code = RF_SI_BUS_ADRERR;
            return RF_SIGBUS;
        }
        owned = vma->shared;
        if (!vma->shared && write) {
            uint64_t copy = copy_frame(k, frame);
            rf_frame_put(k, frame);
            frame = copy;
            owned = true;
        }
    } else {
        frame = rf_frame_alloc(k);
        rf_charge(k, RF_EVENT_PAGE_FILL, 1);
    }
    if (!frame)
        return RF_SIGKILL;
    *pte = frame | leaf_bits(vma, owned && vma->prot & RF_PROT_WRITE && (write || !vma->file));
    mm->resident_pages++;
    return 0;
}

bool rf_mm_fill_shared(struct rf_kernel *k, struct rf_mm *mm)
{
    for (const struct rf_vma *vma = mm->vmas; vma; vma = vma->next) {
        if (!vma->shared || vma->file || !vma->prot)
            continue;
        for (uint64_t at = vma->start; at < vma->end; at += RF_PAGE_SIZE) {
            int si_code;
            uint64_t *pte = rf_pte(k, mm->pml4, at, true);
            if (!pte || (!*pte && fill(k, mm, vma, at, true, pte, &si_code)))
                return false;
        }
    }
    return true;
}

int rf_mm_fault(struct rf_kernel *k, uint64_t address, uint32_t error_code, int *si_code)
{
    struct rf_mm *mm = k->current->mm;
    *si_code = RF_SI_SEGV_MAPERR;
    if (!mm || address >= RF_TASK_SIZE)
        return RF_SIGSEGV;
    struct rf_vma *vma = rf_vma_find(mm, address);
    if (!vma)
        vma = grow_stack(k, mm, address);
    if (!vma)
        return RF_SIGSEGV;
    *si_code = RF_SI_SEGV_ACCERR;
    if (!allowed(vma, error_code))
        return RF_SIGSEGV;
    uint64_t *pte = rf_pte(k, mm->pml4, address, true);
    if (!pte)
        return RF_SIGKILL;
    bool write = error_code & RF_PF_W;
    int signal = 0;
    if (!*pte)
        signal = fill(k, mm, vma, address & ~RF_PAGE_MASK, write, pte, si_code);
    else if (write)
        signal = make_writable(k, vma, pte);
    else
        *pte = (*pte & (RF_PTE_ADDRESS | RF_PTE_W | RF_PTE_D)) | leaf_bits(vma, false);
    rf_mmu_invlpg(&k->cpu->mmu, address);
    return signal;
}
