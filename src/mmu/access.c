/* Loads, stores and fetches of any size through the MMU, and physical writes: where
 * every access ends that the inline TLB lookup of mmu.h does not serve. */
#include "mmu/tlb.h"

#include <string.h>

static bool walk_and_fill(struct rf_mmu *mmu, uint64_t va, enum rf_access access,
                          enum rf_tlb_mode mode, uint64_t *pa, struct rf_fault *fault)
{
    struct rf_walk walk;
    rf_mmu_explain(mmu, va, access, mode, &walk);
    if (walk.step_count) {
        mmu->counts.walks++;
        mmu->counts.walk_levels += walk.step_count;
    }
    if (!walk.ok) {
        *fault = walk.fault;
        if (walk.fault.kind == RF_FAULT_PAGE)
            rf_tlb_forget_refused(mmu, va);
        return false;
    }
    rf_mmu_walk_commit(mmu, &walk, access);
    if (rf_ram_at(mmu->ram, walk.pa, 1))
        rf_tlb_fill(mmu, va, mode, &walk);
    *pa = walk.pa;
    return true;
}

bool rf_mmu_translate(struct rf_mmu *mmu, uint64_t va, enum rf_access access,
                      enum rf_tlb_mode mode, uint64_t *pa, struct rf_fault *fault)
{
    const struct rf_tlb_note *note = rf_tlb_find(mmu, va, access, mode);
    if (!note)
        return walk_and_fill(mmu, va, access, mode, pa, fault);
    *pa = note->pa + (va & RF_PAGE_MASK);
    return true;
}

/* How much of [va, va + size) lies in va's page. */
static size_t part_in_page(uint64_t va, size_t size)
{
    uint64_t rest = RF_PAGE_SIZE - (va & RF_PAGE_MASK);
    return size < rest ? size : (size_t)rest;
}

/* A non-canonical byte anywhere refuses the whole access before any walk. */
static bool check_canonical(const struct rf_mmu *mmu, uint64_t va, size_t size,
                            struct rf_fault *fault)
{
    if (!(mmu->cr0 & RF_CR0_PG))
        return true;
    uint64_t address = va;
    if (rf_mmu_canonical(mmu, va)) {
        if (rf_mmu_canonical(mmu, va + (size - 1)))
            return true;
        address = RF_BIT(mmu->cr4 & RF_CR4_LA57 ? 56 : 47);
    }
    *fault = (struct rf_fault){.kind = RF_FAULT_NONCANONICAL, .address = address};
    return false;
}

/* The physical pages of an access. Those of any instruction's operand are kept, so
 * that they are translated once; longer copies translate the rest again, which the
 * TLB answers. */
#define PAGES_KEPT 4
struct pages {
    uint64_t pa[PAGES_KEPT];
};

static bool check_pages(struct rf_mmu *mmu, uint64_t va, size_t size, enum rf_access access,
                        enum rf_tlb_mode mode, struct pages *pages, struct rf_fault *fault)
{
    if (!check_canonical(mmu, va, size, fault))
        return false;
    for (size_t done = 0, page = 0; done < size; page++) {
        uint64_t pa;
        if (!rf_mmu_translate(mmu, va + done, access, mode, &pa, fault))
            return false;
        if (page < PAGES_KEPT)
            pages->pa[page] = pa;
        done += part_in_page(va + done, size - done);
    }
    return true;
}

static void read_part(const struct rf_mmu *mmu, uint64_t pa, void *out, size_t size)
{
    const void *host = rf_ram_at(mmu->ram, pa, size);
    if (host)
        memcpy(out, host, size);
    else if (mmu->device_read)
        mmu->device_read(mmu->device_user, pa, out, size);
    else
        memset(out, 0xff, size);
}

/* Code is never read from devices. */
static void fetch_part(const struct rf_mmu *mmu, uint64_t pa, void *out, size_t size)
{
    const void *host = rf_ram_at(mmu->ram, pa, size);
    if (host)
        memcpy(out, host, size);
    else
        memset(out, 0xff, size);
}

static void write_part(struct rf_mmu *mmu, uint64_t pa, const void *data, size_t size)
{
    void *host = rf_ram_at(mmu->ram, pa, size);
    if (!host) {
        if (mmu->device_write)
            mmu->device_write(mmu->device_user, pa, data, size);
        return;
    }
    rf_mmu_announce_write(mmu, pa, size);
    memcpy(host, data, size);
}

static bool read_as(struct rf_mmu *mmu, uint64_t va, void *out, size_t size,
                    enum rf_access access, enum rf_tlb_mode mode, struct rf_fault *fault)
{
    struct pages pages;
    if (size == 0)
        return true;
    if (!check_pages(mmu, va, size, access, mode, &pages, fault))
        return false;
    for (size_t done = 0, page = 0; done < size; page++) {
        size_t part = part_in_page(va + done, size - done);
        uint64_t pa;
        if (page < PAGES_KEPT)
            pa = pages.pa[page];
        else if (!rf_mmu_translate(mmu, va + done, access, mode, &pa, fault))
            return false;
        read_part(mmu, pa, (uint8_t *)out + done, part);
        done += part;
    }
    return true;
}

/* 1 to 4096 bytes: the inline TLB lookup can tell whether they lie in one page. */
static bool within_page_size(size_t size)
{
    return size - 1 < RF_PAGE_SIZE;
}

bool rf_mmu_read(struct rf_mmu *mmu, uint64_t va, void *out, size_t size, enum rf_tlb_mode mode,
                 struct rf_fault *fault)
{
    if (within_page_size(size)) {
        const void *host = rf_tlb_read(mmu->set->entry[mode], va, (unsigned)size);
        if (host) {
            memcpy(out, host, size);
            return true;
        }
    }
    return read_as(mmu, va, out, size, RF_READ, mode, fault);
}

bool rf_mmu_read_for_write(struct rf_mmu *mmu, uint64_t va, void *out, size_t size,
                           enum rf_tlb_mode mode, struct rf_fault *fault)
{
    return read_as(mmu, va, out, size, RF_WRITE, mode, fault);
}

bool rf_mmu_probe_write(struct rf_mmu *mmu, uint64_t va, size_t size, enum rf_tlb_mode mode,
                        struct rf_fault *fault)
{
    struct pages pages;
    return check_pages(mmu, va, size, RF_WRITE, mode, &pages, fault);
}

static bool write_pages(struct rf_mmu *mmu, uint64_t va, const void *data, size_t size,
                        enum rf_tlb_mode mode, struct rf_fault *fault)
{
    struct pages pages;
    if (size == 0)
        return true;
    if (!check_pages(mmu, va, size, RF_WRITE, mode, &pages, fault))
        return false;
    for (size_t done = 0, page = 0; done < size; page++) {
        size_t part = part_in_page(va + done, size - done);
        uint64_t pa;
        if (page < PAGES_KEPT)
            pa = pages.pa[page];
        /* Only a long copy over the page tables that map its own end fails here. */
        else if (!rf_mmu_translate(mmu, va + done, RF_WRITE, mode, &pa, fault))
            return false;
        write_part(mmu, pa, (const uint8_t *)data + done, part);
        done += part;
    }
    return true;
}

bool rf_mmu_write(struct rf_mmu *mmu, uint64_t va, const void *data, size_t size,
                  enum rf_tlb_mode mode, struct rf_fault *fault)
{
    if (within_page_size(size)) {
        void *host = rf_tlb_write(mmu->set->entry[mode], va, (unsigned)size);
        if (host) {
            memcpy(host, data, size);
            return true;
        }
    }
    return write_pages(mmu, va, data, size, mode, fault);
}

/* Where the parts of a word are that a page end may divide. */
static bool shadow_pages(struct rf_mmu *mmu, uint64_t va, unsigned size, enum rf_access access, bool user,
                         uint64_t pa[2], struct rf_fault *fault)
{
    enum rf_tlb_mode mode = user ? RF_TLB_USER : RF_TLB_SUPERVISOR;
    if (!check_canonical(mmu, va, size, fault))
        return false;
    for (unsigned i = 0; i < size / 4; i++) {
        struct rf_walk walk;
        rf_mmu_explain(mmu, va + 4 * i, access, mode, &walk);
        *fault = walk.fault;
        if (!walk.ok)
            return false;
        rf_mmu_walk_commit(mmu, &walk, RF_READ); /* D is set in every shadow-stack page */
        pa[i] = walk.pa;
    }
    return true;
}

bool rf_mmu_shadow_read(struct rf_mmu *mmu, uint64_t va, uint64_t *value, unsigned size, bool user,
                        struct rf_fault *fault)
{
    uint64_t pa[2];
    uint32_t part[2] = { 0 };
    if (!shadow_pages(mmu, va, size, RF_SHADOW_READ, user, pa, fault))
        return false;
    for (unsigned i = 0; i < size / 4; i++)
        read_part(mmu, pa[i], &part[i], 4);
    *value = part[0] | (uint64_t)part[1] << 32;
    return true;
}

bool rf_mmu_shadow_write(struct rf_mmu *mmu, uint64_t va, uint64_t value, unsigned size, bool user,
                         struct rf_fault *fault)
{
    uint64_t pa[2];
    if (!shadow_pages(mmu, va, size, RF_SHADOW_WRITE, user, pa, fault))
        return false;
    for (unsigned i = 0; i < size / 4; i++) {
        uint32_t part = (uint32_t)(value >> 32 * i);
        write_part(mmu, pa[i], &part, 4);
    }
    return true;
}

size_t rf_mmu_fetch(struct rf_mmu *mmu, uint64_t va, void *out, size_t size,
                    enum rf_tlb_mode mode, struct rf_fault *fault)
{
    size_t done = 0;
    while (done < size) {
        uint64_t pa;
        if (!rf_mmu_translate(mmu, va + done, RF_FETCH, mode, &pa, fault))
            break;
        size_t part = part_in_page(va + done, size - done);
        fetch_part(mmu, pa, (uint8_t *)out + done, part);
        done += part;
    }
    return done;
}

bool rf_mmu_physical_write(struct rf_mmu *mmu, uint64_t pa, const void *data, size_t size)
{
    if (size == 0)
        return true;
    if (!rf_ram_at(mmu->ram, pa, size))
        return false;
    for (size_t done = 0; done < size;) {
        size_t part = part_in_page(pa + done, size - done);
        write_part(mmu, pa + done, (const uint8_t *)data + done, part);
        done += part;
    }
    return true;
}
