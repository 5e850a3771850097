/* mmap, munmap, mprotect, brk: the calls that change the set of mappings. */
#include "kernel/mm/vma.h"

#include "kernel/fs/fs.h"
#include "kernel/task/task.h"

#define ACCESS (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC)
#define LOW_START UINT64_C(0x40000000) /* MAP_32BIT: find_start_end of arch/x86/kernel/sys_x86_64.c */
#define LOW_END UINT64_C(0x80000000)
#define BOTTOM_UP_BASE RF_PAGE_UP(RF_TASK_SIZE / 3) /* TASK_UNMAPPED_BASE */

/* --- where a mapping goes --- */

/* Highest gap of `length` bytes below mmap_base, 0 if there is none. */
static uint64_t find_gap_down(struct rf_mm *mm, uint64_t length)
{
    uint64_t limit = mm->mmap_base;
    for (uint32_t i = rf_vma_index(mm, limit);; i--) {
        /* the mapping above the gap, if it reaches below mmap_base */
        if (i < mm->map_count && rf_vma_start_gap(mm->table[i]) < limit)
            limit = rf_vma_start_gap(mm->table[i]);
        uint64_t floor = i ? mm->table[i - 1]->end : 0;
        if (floor < RF_MMAP_MIN)
            floor = RF_MMAP_MIN;
        if (limit > floor && limit - floor >= length)
            return limit - length;
        if (!i)
            return 0;
    }
}

static uint64_t find_gap_up(struct rf_mm *mm, uint64_t low, uint64_t high, uint64_t length)
{
    for (uint32_t i = rf_vma_index(mm, low);; i++) {
        uint64_t limit = i < mm->map_count ? rf_vma_start_gap(mm->table[i]) : high;
        if (limit > high)
            limit = high;
        if (i && mm->table[i - 1]->end > low)
            low = mm->table[i - 1]->end;
        if (limit > low && limit - low >= length)
            return low;
        if (i >= mm->map_count || mm->table[i]->start >= high)
            return 0;
    }
}

static bool fits_at(struct rf_mm *mm, uint64_t address, uint64_t length, uint64_t high)
{
    const struct rf_vma *vma = rf_vma_after(mm, address);
    return length <= high && address <= high - length && (!vma || address + length <= rf_vma_start_gap(vma));
}

int64_t rf_mm_choose_address(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                             uint32_t flags)
{
    bool low = flags & RF_MAP_32BIT;
    uint64_t high = low ? LOW_END : RF_TASK_SIZE;
    if (length > RF_TASK_SIZE)
        return -RF_ENOMEM;
    if (flags & (RF_MAP_FIXED | RF_MAP_FIXED_NOREPLACE)) {
        if (address >= (uint64_t)-4095)
            return (int64_t)address; /* IS_ERR_VALUE: do_mmap takes it for an error of get_unmapped_area */
        if (address > RF_TASK_SIZE - length)
            return -RF_ENOMEM;
        if (address & RF_PAGE_MASK)
            return -RF_EINVAL;
        if (address < RF_MMAP_MIN && !(k->current && rf_capable(k, RF_CAP_SYS_RAWIO)))
            return -RF_EPERM;
        return (int64_t)address;
    }
    address &= ~RF_PAGE_MASK; /* round_hint_to_min */
    if (address && address < RF_MMAP_MIN)
        address = RF_MMAP_MIN;
    if (address && fits_at(mm, address, length, high))
        return (int64_t)address;
    uint64_t gap = low ? find_gap_up(mm, LOW_START, LOW_END, length) : mm->bottom_up ? 0 : find_gap_down(mm, length);
    if (!gap && !low) /* the part between the base and the stack is the last resort */
        gap = find_gap_up(mm, BOTTOM_UP_BASE, RF_TASK_SIZE, length);
    return gap ? (int64_t)gap : -RF_ENOMEM;
}

int64_t rf_mm_place(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t *length, uint32_t flags)
{
    if (!*length)
        return -RF_EINVAL;
    if (*length > RF_TASK_SIZE || mm->map_count > RF_MAP_COUNT_MAX)
        return -RF_ENOMEM;
    *length = RF_PAGE_UP(*length);
    int64_t at = rf_mm_choose_address(k, mm, address, *length, flags);
    if (at >= 0 && flags & RF_MAP_FIXED_NOREPLACE &&
        !rf_vma_range_is_free(mm, (uint64_t)at, (uint64_t)at + *length))
        return -RF_EEXIST;
    return at;
}

/* --- unmapping --- */

/* Free the tables that serve only the hole at an address. */
static void free_tables(struct rf_kernel *k, struct rf_mm *mm, uint64_t start)
{
    const struct rf_vma *below = rf_vma_before(mm, start), *above = rf_vma_after(mm, start);
    rf_pt_free_tables(k, mm, below ? below->end : 0, above ? above->start : RF_BIT(47));
}

int64_t rf_mm_unmap(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length)
{
    if (address & RF_PAGE_MASK || address > RF_TASK_SIZE || length > RF_TASK_SIZE - address || !length)
        return -RF_EINVAL;
    uint64_t end = address + RF_PAGE_UP(length);
    struct rf_vma *vma = rf_vma_after(mm, address);
    if (!vma || vma->start >= end)
        return 0;
    /* a hole in the middle of one makes two (do_mas_align_munmap) */
    if (vma->start < address && vma->end > end && mm->map_count >= RF_MAP_COUNT_MAX)
        return -RF_ENOMEM;
    if (rf_vma_split(k, mm, address, false))
        return -RF_ENOMEM;
    if (rf_vma_split(k, mm, end, false)) {
        rf_vma_merge(k, mm, address, end);
        return -RF_ENOMEM;
    }
    while ((vma = rf_vma_after(mm, address)) != NULL && vma->start < end) {
        rf_pt_clear_range(k, mm, vma->start, vma->end);
        rf_vma_remove(k, mm, vma);
    }
    free_tables(k, mm, address);
    return 0;
}

/* --- mapping --- */

uint32_t rf_mm_prot_given(const struct rf_kernel *k, const struct rf_file *file, uint32_t prot)
{
    bool implied = k->current->personality & RF_READ_IMPLIES_EXEC && prot & RF_PROT_READ;
    return implied && !(file && rf_file_is_noexec(file)) ? prot | RF_PROT_EXEC : prot;
}

/* Pages of [start, end) that are mapped: a fixed mapping takes their place. */
static uint64_t pages_within(struct rf_mm *mm, uint64_t start, uint64_t end)
{
    uint64_t pages = 0;
    for (const struct rf_vma *vma = rf_vma_after(mm, start); vma && vma->start < end; vma = vma->next) {
        uint64_t from = vma->start > start ? vma->start : start, to = vma->end < end ? vma->end : end;
        pages += (to - from) / RF_PAGE_SIZE;
    }
    return pages;
}

static void describe(struct rf_kernel *k, struct rf_mm *mm, struct rf_vma *vma, uint32_t prot, uint32_t flags,
                     struct rf_file *file, uint64_t offset)
{
    vma->prot = prot & ACCESS;
    vma->shared = (flags & RF_MAP_TYPE) != RF_MAP_PRIVATE;
    vma->growsdown = flags & RF_MAP_GROWSDOWN;
    vma->flags = (flags & RF_MAP_LOCKED ? RF_VM_LOCKED : 0u) | (flags & RF_MAP_NORESERVE ? RF_VM_NORESERVE : 0u) |
                 mm->future_flags;
    vma->file = file;
    vma->may_write = vma->shared && file && file->mode & RF_FMODE_WRITE &&
                     !(file->inode->seals & (RF_F_SEAL_WRITE | RF_F_SEAL_FUTURE_WRITE));
    vma->offset = offset;
    vma->pkey = rf_pkey_of(k, mm, NULL, prot, -1);
}

/* The limits, as do_mmap and mmap_region look at them. */
static int64_t check_limits(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t at,
                            uint64_t length, bool fixed)
{
    uint64_t pages = length / RF_PAGE_SIZE;
    bool charged = (vma->prot & RF_PROT_WRITE && !vma->shared) || (vma->shared && !vma->file);
    if (!rf_mm_may_grow(k, mm, vma, pages) &&
        !(fixed && rf_mm_may_grow(k, mm, vma, pages - pages_within(mm, at, at + length))))
        return -RF_ENOMEM;
    if (charged && !(vma->flags & RF_VM_NORESERVE) && rf_mm_overcommits(k, pages))
        return -RF_ENOMEM;
    return 0;
}

int64_t rf_mm_map(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                  uint32_t prot, uint32_t flags, struct rf_file *file, uint64_t offset)
{
    struct rf_file *memory = NULL; /* what shared anonymous pages belong to */
    bool fixed = flags & (RF_MAP_FIXED | RF_MAP_FIXED_NOREPLACE);
    int64_t at = rf_mm_place(k, mm, address, &length, flags);
    if (at < 0)
        return at;
    uint64_t start = (uint64_t)at;
    struct rf_vma *vma = rf_kalloc(k, sizeof *vma);
    if (!vma)
        return -RF_ENOMEM;
    describe(k, mm, vma, prot, flags, file, offset);
    int64_t error = 0;
    if (vma->flags & RF_VM_LOCKED)
        error = rf_mm_lock_limit(k, mm, length / RF_PAGE_SIZE);
    if (!error)
        error = check_limits(k, mm, vma, start, length, fixed);
    if (!error && vma->shared && !file) {
        error = rf_memory_file(k, "dev/zero", length, RF_O_RDWR, &memory);
        vma->file = memory;
        vma->may_write = true;
        vma->offset = 0;
    }
    if (!error && !rf_vma_reserve(k, mm, 3)) /* with the two cuts of unmapping */
        error = -RF_ENOMEM;
    if (!error && fixed)
        error = rf_mm_unmap(k, mm, start, length);
    if (error) {
        if (memory)
            rf_file_put(k, memory);
        rf_kfree(k, vma);
        return error;
    }
    vma->start = start;
    vma->end = start + length;
    rf_vma_opened(k, vma);
    rf_vma_insert(mm, vma);
    if (memory)
        rf_file_put(k, memory);
    rf_vma_merge(k, mm, start, start + length);
    return at;
}

/* --- protection --- */

/* One mapping's part of mprotect (mprotect_fixup). */
static int64_t protect_part(struct rf_kernel *k, struct rf_mm *mm, struct rf_vma *vma, uint64_t start,
                            uint64_t end, uint32_t prot, uint8_t pkey)
{
    uint64_t pages = (end - start) / RF_PAGE_SIZE;
    struct rf_vma kind = *vma;
    kind.prot = prot;
    if (vma->prot == prot && vma->pkey == pkey)
        return 0;
    if (prot & RF_PROT_WRITE && !rf_mm_may_grow(k, mm, &kind, pages) && rf_mm_may_grow(k, mm, vma, pages))
        return -RF_ENOMEM;
    if (prot & RF_PROT_WRITE && !(vma->prot & RF_PROT_WRITE) && !vma->shared && !(vma->flags & RF_VM_NORESERVE) &&
        rf_mm_overcommits(k, pages))
        return -RF_ENOMEM;
    vma = rf_vma_isolate(k, mm, start, end);
    if (!vma)
        return -RF_ENOMEM;
    vma->prot = prot;
    vma->pkey = pkey;
    rf_pt_protect_vma(k, mm, vma);
    return 0;
}

int64_t rf_mm_protect(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                      uint32_t prot, int pkey)
{
    uint64_t start = address, end = address + RF_PAGE_UP(length);
    struct rf_vma *vma = rf_vma_after(mm, start);
    if (!vma)
        return -RF_ENOMEM;
    if (prot & RF_PROT_GROWSDOWN) {
        if (vma->start >= end)
            return -RF_ENOMEM;
        start = vma->start;
        if (!vma->growsdown)
            return -RF_EINVAL;
    } else if (vma->start > start) {
        return -RF_ENOMEM;
    }
    prot &= ACCESS;
    /* changes what lies before the first hole or refusal, then reports it, as Linux does */
    int64_t error = 0;
    uint64_t at = start;
    while (at < end && !error) {
        vma = rf_vma_find(mm, at);
        if (!vma) {
            error = -RF_ENOMEM;
        } else if ((vma->shared && vma->file && prot & RF_PROT_WRITE && !vma->may_write) ||
                   (prot & RF_PROT_EXEC && vma->file && rf_file_is_noexec(vma->file))) {
            error = -RF_EACCES;
        } else {
            uint32_t given = rf_mm_prot_given(k, vma->file, prot);
            uint64_t last = end < vma->end ? end : vma->end; /* before a split moves it */
            error = protect_part(k, mm, vma, at, last, given, rf_pkey_of(k, mm, vma, given, pkey));
            at = last;
        }
    }
    if (!error)
        rf_vma_merge(k, mm, start, end);
    return error;
}

/* --- the break --- */

static bool grow_break(struct rf_kernel *k, struct rf_mm *mm, uint64_t old, uint64_t new)
{
    const struct rf_vma *above = rf_vma_after(mm, old);
    if (above && new + RF_PAGE_SIZE > rf_vma_start_gap(above))
        return false;
    int64_t at = rf_mm_map(k, mm, old, new - old, rf_mm_prot_given(k, NULL, RF_PROT_READ | RF_PROT_WRITE),
                           RF_MAP_PRIVATE | RF_MAP_ANONYMOUS | RF_MAP_FIXED, NULL, 0);
    if (at < 0)
        return false;
    struct rf_vma *vma = rf_vma_find(mm, (uint64_t)at);
    if (vma->start < old && rf_vma_split(k, mm, old, false)) /* joined a neighbour that is no heap */
        return true;
    rf_vma_find(mm, old)->name = "[heap]";
    rf_vma_merge(k, mm, old, new);
    if (mm->future_flags & RF_VM_LOCKED)
        rf_mm_populate(k, mm, old, new - old, true);
    return true;
}

int64_t rf_mm_brk(struct rf_kernel *k, struct rf_mm *mm, uint64_t address)
{
    uint64_t old = RF_PAGE_UP(mm->brk), new = RF_PAGE_UP(address);
    uint64_t limit = k->current->process->rlimit[RF_RLIMIT_DATA].rlim_cur;
    if (address < mm->start_brk || address > RF_TASK_SIZE)
        return (int64_t)mm->brk;
    if (limit != UINT64_MAX && address - mm->start_brk + (mm->end_data - mm->start_data) > limit) /* check_data_rlimit */
        return (int64_t)mm->brk;
    if (new < old && rf_mm_unmap(k, mm, new, old - new))
        return (int64_t)mm->brk;
    if (new > old && !grow_break(k, mm, old, new))
        return (int64_t)mm->brk;
    mm->brk = address;
    return (int64_t)address;
}
