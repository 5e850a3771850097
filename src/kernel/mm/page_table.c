/* Page tables of user space, in guest RAM (kernel/mm/mm.h).
 *
 * A present entry owns one reference on its frame. An entry that is not present but not
 * zero keeps a frame of a PROT_NONE page. */
#include "kernel/mm/mm.h"

#include "kernel/frames.h"

#define USER_SLOTS 256 /* PML4 entries below the canonical hole */

static uint64_t *table(struct rf_kernel *k, uint64_t entry)
{
    return rf_frame_host(k, entry & RF_PTE_ADDRESS);
}

uint64_t *rf_pte(struct rf_kernel *k, struct rf_mm *mm, uint64_t va, bool make)
{
    uint64_t *entries = table(k, mm->pml4);
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t *entry = &entries[va >> shift & 511];
        if (!(*entry & RF_PTE_P)) {
            uint64_t frame = make ? rf_frame_alloc(k) : 0;
            if (!frame)
                return NULL;
            mm->table_pages++;
            *entry = frame | RF_PTE_P | RF_PTE_W | RF_PTE_U | RF_PTE_A;
        }
        entries = table(k, *entry);
    }
    return &entries[va >> 12 & 511];
}

/* Next address after va whose table on the given level differs. */
static uint64_t next_region(uint64_t va, unsigned shift)
{
    return (va | (RF_BIT(shift) - 1)) + 1;
}

void rf_pt_each_leaf(struct rf_kernel *k, uint64_t pml4, uint64_t start, uint64_t end,
                     void (*visit)(struct rf_kernel *k, uint64_t va, uint64_t *pte, void *user), void *user)
{
    for (uint64_t va = start; va < end;) {
        uint64_t *entries = table(k, pml4);
        unsigned shift = 39;
        while (shift > 12 && entries[va >> shift & 511] & RF_PTE_P) {
            entries = table(k, entries[va >> shift & 511]);
            shift -= 9;
        }
        if (shift > 12) {
            va = next_region(va, shift);
            continue;
        }
        uint64_t stop = next_region(va, 21);
        for (; va < end && va < stop; va += RF_PAGE_SIZE)
            if (entries[va >> 12 & 511])
                visit(k, va, &entries[va >> 12 & 511], user);
    }
}

static void drop_leaf(struct rf_kernel *k, uint64_t va, uint64_t *pte, void *user)
{
    struct rf_mm *mm = user;
    (void)va;
    rf_frame_put(k, *pte & RF_PTE_ADDRESS);
    *pte = 0;
    mm->resident_pages--;
}

/* Forget translations of a changed range, if the address space is the CPU's. */
static void flush_range(struct rf_kernel *k, uint64_t pml4, uint64_t start, uint64_t end)
{
    if (k->cpu->mmu.cr3 != pml4)
        return;
    if ((end - start) / RF_PAGE_SIZE > 64) {
        rf_mmu_set_cr3(&k->cpu->mmu, pml4);
    } else {
        for (uint64_t va = start; va < end; va += RF_PAGE_SIZE)
            rf_mmu_invlpg(&k->cpu->mmu, va);
    }
}

void rf_pt_clear_range(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end)
{
    rf_pt_each_leaf(k, mm->pml4, start, end, drop_leaf, mm);
    flush_range(k, mm->pml4, start, end);
}

static void drop_file_leaf(struct rf_kernel *k, uint64_t va, uint64_t *pte, void *user)
{
    if (!(*pte & RF_PTE_PRIVATE_COPY))
        drop_leaf(k, va, pte, user);
}

void rf_pt_clear_file_pages(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end)
{
    rf_pt_each_leaf(k, mm->pml4, start, end, drop_file_leaf, mm);
    flush_range(k, mm->pml4, start, end);
}

/* Write permission comes back by a fault, which knows whether the page is shared. */
static void protect_leaf(struct rf_kernel *k, uint64_t va, uint64_t *pte, void *user)
{
    (void)k;
    (void)va;
    const struct rf_vma *vma = user;
    uint64_t entry = *pte & ~(RF_PTE_W | RF_PTE_P | RF_PTE_NX | UINT64_C(15) << RF_PTE_PKEY_SHIFT);
    if (vma->prot & (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC))
        entry |= RF_PTE_P;
    if (!(vma->prot & RF_PROT_EXEC))
        entry |= RF_PTE_NX;
    *pte = entry | (uint64_t)vma->pkey << RF_PTE_PKEY_SHIFT;
}

void rf_pt_protect_vma(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma)
{
    rf_pt_each_leaf(k, mm->pml4, vma->start, vma->end, protect_leaf, (void *)(uintptr_t)vma);
    flush_range(k, mm->pml4, vma->start, vma->end);
}

struct move {
    struct rf_mm *mm;
    uint64_t delta;
    bool failed, prepare; /* prepare: make the tables only */
};

static void move_leaf(struct rf_kernel *k, uint64_t va, uint64_t *pte, void *user)
{
    struct move *m = user;
    uint64_t *to = rf_pte(k, m->mm, va + m->delta, true);
    m->failed |= !to;
    if (!to || m->prepare)
        return;
    *to = *pte;
    *pte = 0;
}

bool rf_pt_move_range(struct rf_kernel *k, struct rf_mm *mm, uint64_t from, uint64_t to, uint64_t length)
{
    struct move m = { mm, to - from, false, true };
    rf_pt_each_leaf(k, mm->pml4, from, from + length, move_leaf, &m);
    if (m.failed)
        return false;
    m.prepare = false;
    rf_pt_each_leaf(k, mm->pml4, from, from + length, move_leaf, &m);
    flush_range(k, mm->pml4, from, from + length);
    return true;
}

struct copy {
    struct rf_mm *to;
    bool private_mapping, failed;
};

static void copy_leaf(struct rf_kernel *k, uint64_t va, uint64_t *pte, void *user)
{
    struct copy *c = user;
    uint64_t *to = rf_pte(k, c->to, va, true);
    if (!to) {
        c->failed = true;
        return;
    }
    if (c->private_mapping)
        *pte &= ~RF_PTE_W; /* copy-on-write on both sides */
    *to = *pte;
    rf_frame_get(k, *pte & RF_PTE_ADDRESS);
    c->to->resident_pages++;
    rf_charge(k, RF_EVENT_FORK_PAGE, 1);
}

bool rf_pt_copy_user(struct rf_kernel *k, struct rf_mm *to, struct rf_mm *from)
{
    struct copy c = { .to = to };
    for (const struct rf_vma *vma = to->vmas; vma && !c.failed; vma = vma->next) {
        if (vma->flags & RF_VM_WIPEONFORK)
            continue;
        c.private_mapping = !vma->shared;
        rf_pt_each_leaf(k, from->pml4, vma->start, vma->end, copy_leaf, &c);
    }
    if (k->cpu->mmu.cr3 == from->pml4)
        rf_mmu_set_cr3(&k->cpu->mmu, from->pml4);
    return !c.failed;
}

/* --- freeing tables --- */

static void free_level(struct rf_kernel *k, struct rf_mm *mm, uint64_t pa, unsigned level, unsigned count)
{
    uint64_t *entries = table(k, pa);
    for (unsigned i = 0; i < count; i++)
        if (entries[i] & RF_PTE_P && level > 1)
            free_level(k, mm, entries[i] & RF_PTE_ADDRESS, level - 1, 512);
    rf_frame_put(k, pa);
    mm->table_pages--;
}

void rf_pt_free_user(struct rf_kernel *k, struct rf_mm *mm)
{
    free_level(k, mm, mm->pml4, 4, USER_SLOTS);
}

/* Of the table at pa, which serves the addresses from base on: what lies wholly in [start, end). */
static bool free_within(struct rf_kernel *k, struct rf_mm *mm, uint64_t pa, unsigned level, uint64_t base,
                        uint64_t start, uint64_t end)
{
    unsigned shift = 12 + 9 * (level - 1);
    uint64_t *entries = table(k, pa), span = RF_BIT(shift);
    bool freed = false;
    for (uint64_t at = start > base ? (start - base) >> shift : 0; at < (level == 4 ? USER_SLOTS : 512); at++) {
        uint64_t low = base + at * span;
        if (low >= end)
            break;
        if (!(entries[at] & RF_PTE_P))
            continue;
        uint64_t below = entries[at] & RF_PTE_ADDRESS;
        if (low >= start && end - low >= span) {
            free_level(k, mm, below, level - 1, 512);
            entries[at] = 0;
            freed = true;
        } else if (level > 2) {
            freed |= free_within(k, mm, below, level - 1, low, start, end);
        }
    }
    return freed;
}

void rf_pt_free_tables(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end)
{
    if (start < end && free_within(k, mm, mm->pml4, 4, 0, start, end) && k->cpu->mmu.cr3 == mm->pml4)
        rf_mmu_set_cr3(&k->cpu->mmu, mm->pml4);
}
