/* Another address space's memory: for process_vm_readv, ptrace and /proc/PID/mem (get_user_pages_remote).
 *
 * Pages are filled and copied as its owner's own accesses would have it. Nobody is killed if there is no
 * memory for that: the access ends. */
#include "kernel/frames.h"
#include "kernel/mm/vma.h"

#include <string.h>

/* check_vma_flags of mm/gup.c */
static bool may_access(const struct rf_vma *vma, bool write, bool force)
{
    if (!write)
        return vma->prot & RF_PROT_READ || force;
    return vma->prot & RF_PROT_WRITE || (force && !vma->shared);
}

/* The frame of a page, ready for the access; 0 if there is none. */
static uint64_t frame_for(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, bool write, bool force)
{
    int si_code;
    if (address >= RF_TASK_SIZE || mm->oom_victim)
        return 0;
    const struct rf_vma *vma = rf_mm_find_or_grow(k, mm, address);
    if (!vma || !may_access(vma, write, force))
        return 0;
    const uint64_t *pte = rf_pte(k, mm, address, false);
    if ((!pte || !*pte || write) && rf_mm_make_page(k, mm, vma, address, write, &si_code))
        return 0;
    pte = rf_pte(k, mm, address, false);
    return *pte & RF_PTE_ADDRESS;
}

static size_t move(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint8_t *out, const uint8_t *in,
                   size_t size, bool force)
{
    size_t done = 0;
    rf_charge(k, RF_EVENT_COPY_CHUNK, (size + 63) / 64);
    while (done < size) {
        uint64_t at = address + done, offset = at & RF_PAGE_MASK;
        size_t here = RF_PAGE_SIZE - offset < size - done ? RF_PAGE_SIZE - offset : size - done;
        uint64_t frame = at < address ? 0 : frame_for(k, mm, at, in != NULL, force);
        if (!frame)
            break;
        if (in)
            rf_frame_write(k, frame + offset, in + done, here);
        else
            memcpy(out + done, (uint8_t *)rf_frame_host(k, frame) + offset, here);
        done += here;
    }
    return done;
}

size_t rf_mm_read_remote(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, void *out, size_t size,
                         bool force)
{
    return move(k, mm, address, out, NULL, size, force);
}

size_t rf_mm_write_remote(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, const void *in, size_t size,
                          bool force)
{
    return move(k, mm, address, NULL, in, size, force);
}
