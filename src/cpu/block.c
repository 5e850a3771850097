/* The block cache (cpu/block.h).
 *
 * Storage is one bump-allocated region; a full region is emptied as a whole, so no link
 * between blocks ever dangles. A block that must be forgotten alone stays in storage with
 * its first op replaced by one that looks the address up again. */
#include "cpu/block.h"
#include "cpu/engine.h"

#include <stdlib.h>
#include <sys/mman.h>

#define CACHE_BYTES (UINT64_C(64) << 20)
#define HASH_BITS 15
#define HASH_SIZE (1u << HASH_BITS)
#define MOST_BYTES 15 /* of an instruction */

/* What is known of a page that code was decoded from. */
struct code_page {
    uint64_t pa;
    uint64_t lines; /* bit i: bytes [64 i, 64 i + 64) were decoded */
    struct rf_block *blocks;     /* that start in this page */
    struct rf_block *straddlers; /* that end in it, having started in the page before */
    struct code_page *next;
};

struct rf_block_cache {
    struct rf_decoder *decoder;
    uint8_t *storage;
    size_t used;
    uint64_t epoch; /* counts flushes */
    struct rf_block *hash[HASH_SIZE];
    struct code_page *pages[HASH_SIZE];
};

static uint32_t hash_of(uint64_t key)
{
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - HASH_BITS));
}

static void on_code_write(void *user, uint64_t pa, uint64_t size)
{
    rf_block_invalidate(user, pa, size);
}

rf_status rf_block_cache_create(struct rf_cpu *cpu, struct rf_error *err)
{
    struct rf_block_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for the block cache");
    cpu->blocks = cache;
    void *storage = mmap(NULL, CACHE_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (storage == MAP_FAILED) {
        rf_block_cache_destroy(cpu);
        return rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for decoded blocks");
    }
    cache->storage = storage;
    cache->decoder = rf_decoder_create(err);
    if (!cache->decoder) {
        rf_block_cache_destroy(cpu);
        return RF_ERR_NO_MEMORY;
    }
    cpu->mmu.code_write = on_code_write;
    cpu->mmu.code_write_user = cpu;
    return RF_OK;
}

static void free_pages(struct rf_cpu *cpu)
{
    struct rf_block_cache *cache = cpu->blocks;
    for (unsigned i = 0; i < HASH_SIZE; i++) {
        struct code_page *page = cache->pages[i];
        while (page) {
            struct code_page *next = page->next;
            rf_mmu_unmark_code(&cpu->mmu, page->pa);
            free(page);
            page = next;
        }
        cache->pages[i] = NULL;
    }
}

void rf_block_cache_destroy(struct rf_cpu *cpu)
{
    struct rf_block_cache *cache = cpu->blocks;
    if (!cache)
        return;
    free_pages(cpu);
    rf_decoder_destroy(cache->decoder);
    if (cache->storage)
        munmap(cache->storage, CACHE_BYTES);
    free(cache);
    cpu->blocks = NULL;
}

void rf_block_flush(struct rf_cpu *cpu)
{
    struct rf_block_cache *cache = cpu->blocks;
    free_pages(cpu);
    memset(cache->hash, 0, sizeof cache->hash);
    cache->used = 0;
    cache->epoch++;
    rf_jump_cache_clear(cpu);
    cpu->code_changed = true;
}

void rf_block_features_changed(struct rf_cpu *cpu)
{
    rf_decoder_set_features(cpu->blocks->decoder, cpu->features);
    rf_block_flush(cpu);
}

void rf_block_use_host(struct rf_cpu *cpu, unsigned host)
{
    rf_decoder_use_host(cpu->blocks->decoder, host);
    rf_block_flush(cpu);
}

uint64_t rf_block_epoch(const struct rf_cpu *cpu)
{
    return cpu->blocks->epoch;
}

struct rf_block *rf_block_allocate(struct rf_cpu *cpu, unsigned slots)
{
    struct rf_block_cache *cache = cpu->blocks;
    size_t need = (sizeof(struct rf_block) + 31) / 32 * 32 + slots * sizeof(struct rf_op);
    if (cache->used + need > CACHE_BYTES)
        rf_block_flush(cpu);
    struct rf_block *block = (struct rf_block *)(cache->storage + cache->used);
    cache->used += need;
    memset(block, 0, sizeof *block);
    block->ops = (struct rf_op *)((uint8_t *)block + (sizeof(struct rf_block) + 31) / 32 * 32);
    return block;
}

static struct code_page *code_page(struct rf_cpu *cpu, uint64_t pa, bool create)
{
    struct code_page **slot = &cpu->blocks->pages[hash_of(pa >> 12)];
    for (struct code_page *page = *slot; page; page = page->next)
        if (page->pa == pa)
            return page;
    if (!create)
        return NULL;
    struct code_page *page = calloc(1, sizeof *page);
    if (!page)
        return NULL;
    page->pa = pa;
    page->next = *slot;
    *slot = page;
    rf_mmu_mark_code(&cpu->mmu, pa);
    return page;
}

static uint64_t lines_of(uint64_t offset, uint64_t size)
{
    unsigned first = (unsigned)(offset >> 6);
    unsigned last = (unsigned)((offset + size - 1) >> 6);
    return (UINT64_MAX >> (63 - (last - first))) << first;
}

/* Enter a block into the list of its page, and of the second one it reaches into. */
static bool register_block(struct rf_cpu *cpu, struct rf_block *block)
{
    uint64_t offset = block->pa & RF_PAGE_MASK;
    struct code_page *page = code_page(cpu, block->pa - offset, true);
    if (!page)
        return false;
    uint64_t here = block->bytes < RF_PAGE_SIZE - offset ? block->bytes : RF_PAGE_SIZE - offset;
    if (block->second_pa) {
        struct code_page *second = code_page(cpu, block->second_pa, true);
        if (!second)
            return false;
        second->lines |= lines_of(0, block->bytes - here);
        block->next_in_second = second->straddlers;
        second->straddlers = block;
    }
    page->lines |= lines_of(offset, here);
    block->next_in_page = page->blocks;
    page->blocks = block;
    return true;
}

static struct rf_op *op_stale(struct rf_cpu *cpu, struct rf_op *op)
{
    (void)op;
    return rf_dispatch(cpu);
}

static void forget_block(struct rf_cpu *cpu, struct rf_block *block)
{
    struct rf_block **link = &cpu->blocks->hash[hash_of(block->pa ^ block->mode)];
    while (*link && *link != block)
        link = &(*link)->next;
    if (*link)
        *link = block->next;
    block->ops[0].run = op_stale;
}

static void invalidate_in_page(struct rf_cpu *cpu, uint64_t page_pa, uint64_t offset, uint64_t size)
{
    struct code_page *page = code_page(cpu, page_pa, false);
    if (!page || !(page->lines & lines_of(offset, size)))
        return;
    for (struct rf_block *block = page->blocks; block; block = block->next_in_page)
        forget_block(cpu, block);
    for (struct rf_block *block = page->straddlers; block; block = block->next_in_second)
        forget_block(cpu, block);
    struct code_page **link = &cpu->blocks->pages[hash_of(page_pa >> 12)];
    while (*link != page)
        link = &(*link)->next;
    *link = page->next;
    free(page);
    rf_mmu_unmark_code(&cpu->mmu, page_pa);
    rf_jump_cache_clear(cpu);
    cpu->code_changed = true;
    cpu->counts.code_invalidations++;
}

void rf_block_invalidate(struct rf_cpu *cpu, uint64_t pa, uint64_t size)
{
    while (size) {
        uint64_t offset = pa & RF_PAGE_MASK;
        uint64_t here = size < RF_PAGE_SIZE - offset ? size : RF_PAGE_SIZE - offset;
        invalidate_in_page(cpu, pa - offset, offset, here);
        pa += here;
        size -= here;
    }
}

static struct rf_block *lookup(struct rf_cpu *cpu, uint64_t pa, uint32_t mode)
{
    struct rf_block *block = cpu->blocks->hash[hash_of(pa ^ mode)];
    while (block && (block->pa != pa || block->mode != mode))
        block = block->next;
    return block;
}

static enum rf_tlb_mode fetch_mode(const struct rf_cpu *cpu)
{
    return cpu->cpl == 3 ? RF_TLB_USER : RF_TLB_SUPERVISOR;
}

static void insert(struct rf_cpu *cpu, struct rf_block *block, uint64_t pa)
{
    block->pa = pa;
    block->mode = rf_block_mode(cpu);
    if (!register_block(cpu, block))
        return;
    struct rf_block **slot = &cpu->blocks->hash[hash_of(pa ^ block->mode)];
    block->next = *slot;
    *slot = block;
}

/* Where the page after the one of rip is now. False: refused, cpu->fault set. */
static bool second_page(struct rf_cpu *cpu, uint64_t rip, uint64_t *pa)
{
    uint64_t va = (rip | RF_PAGE_MASK) + 1;
    return rf_mmu_translate(&cpu->mmu, va, RF_FETCH, fetch_mode(cpu), pa, &cpu->fault);
}

/* `room` bytes lie within CS.limit. */
static struct rf_block *decode_across(struct rf_cpu *cpu, uint64_t rip, uint64_t pa,
                                      size_t available, uint64_t room)
{
    uint8_t bytes[16];
    size_t got = rf_mmu_fetch(&cpu->mmu, rip, bytes, 15, fetch_mode(cpu), &cpu->fault);
    if (got >= room) {
        got = room;
        cpu->fault.kind = RF_FAULT_SEGMENT;
    }
    struct rf_block *block =
        rf_decode_block(cpu, cpu->blocks->decoder, bytes, available, got);
    if (!block || block->bytes <= available) /* refused, or an error seen before the page end */
        return block;
    if (!second_page(cpu, rip, &block->second_pa))
        return NULL;
    insert(cpu, block, pa);
    return block;
}

/* Physical addresses without memory behind them read as 0xff. */
static struct rf_block *decode_open_bus(struct rf_cpu *cpu)
{
    static const uint8_t bytes[15] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    return rf_decode_block(cpu, cpu->blocks->decoder, bytes, sizeof bytes, sizeof bytes);
}

/* A block so near to the end of its segment that its instructions, or one that begins in it,
 * may reach over it: one instruction is decoded, and not found again for another limit. */
static struct rf_block *decode_at_limit(struct rf_cpu *cpu, uint64_t rip, uint64_t pa,
                                        size_t available, uint64_t room)
{
    const uint8_t *bytes = rf_ram_at(cpu->mmu.ram, pa, available);
    struct rf_block *block = NULL;
    if (!bytes)
        return decode_open_bus(cpu);
    if (room >= available)
        return decode_across(cpu, rip, pa, available, room);
    block = rf_decode_block(cpu, cpu->blocks->decoder, bytes, available, room);
    if (block)
        insert(cpu, block, pa);
    else
        cpu->fault.kind = RF_FAULT_SEGMENT;
    return block;
}

/* Bytes from r[RF_REG_IP] to the end of the code segment; a segment of 4 GiB has no end, but
 * the instruction pointer may wrap within a page. */
static uint64_t room_in_segment(const struct rf_cpu *cpu)
{
    const struct rf_segment *cs = &cpu->seg[RF_CS];
    uint64_t ip = cpu->r[RF_REG_IP];
    return ip > cs->limit ? 0 : cs->limit - ip + 1;
}

struct rf_block *rf_block_find(struct rf_cpu *cpu)
{
    uint64_t rip = cpu->r[RF_REG_IP], room = UINT64_MAX;
    if (cpu->code_bits != 64) {
        rip = (rip + cpu->seg[RF_CS].base) & UINT32_MAX;
        if (cpu->seg[RF_CS].limit != UINT32_MAX || cpu->seg[RF_CS].base)
            room = room_in_segment(cpu);
        if (room == 0) {
            cpu->fault.kind = RF_FAULT_SEGMENT;
            return NULL;
        }
    }
    uint64_t pa;
    if (!rf_mmu_translate(&cpu->mmu, rip, RF_FETCH, fetch_mode(cpu), &pa, &cpu->fault))
        return NULL;
    if (RF_UNLIKELY(room < RF_PAGE_SIZE - (pa & RF_PAGE_MASK) + MOST_BYTES))
        return decode_at_limit(cpu, rip, pa, RF_PAGE_SIZE - (pa & RF_PAGE_MASK), room);
    struct rf_block *block = lookup(cpu, pa, rf_block_mode(cpu));
    if (block && block->second_pa) {
        uint64_t second;
        if (!second_page(cpu, rip, &second))
            return NULL;
        if (second != block->second_pa) {
            forget_block(cpu, block);
            block = NULL;
        }
    }
    if (block)
        return block;
    size_t available = RF_PAGE_SIZE - (pa & RF_PAGE_MASK);
    const uint8_t *bytes = rf_ram_at(cpu->mmu.ram, pa, available);
    if (!bytes)
        return decode_open_bus(cpu);
    block = rf_decode_block(cpu, cpu->blocks->decoder, bytes, available, available);
    if (!block) /* the first instruction runs into the next page */
        return decode_across(cpu, rip, pa, available, room);
    insert(cpu, block, pa);
    return block;
}
