/* Size-class allocator over one reserved region (kernel/heap.h). */
#include "kernel/heap.h"

#include <string.h>
#include <sys/mman.h>

/* Under the address sanitizer, what is not handed out is poisoned: uses of freed objects are found. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(p, size) ((void)(p), (void)(size))
#endif

/* In front of every allocation. */
struct rf_heap_chunk {
    uint32_t size_class;
    uint32_t magic;
    struct rf_heap_chunk *next; /* while free */
};
#define CHUNK_USED 0x75736564u
#define CHUNK_FREE 0x66726565u
#define HEADER 16u

_Static_assert(sizeof(struct rf_heap_chunk) == HEADER, "the payload follows the header");

/* A chunk of class c takes 32, 64, 96, 128, 192, 256, 384, ... bytes, header included: all
 * multiples of 32, so that payloads stay 32-aligned (vector registers live in tasks). */
static size_t class_bytes(unsigned c)
{
    if (c < 3)
        return (c + 1) * 32 - HEADER;
    size_t power = (size_t)128 << ((c - 3) / 2);
    return ((c - 3) % 2 ? power + power / 2 : power) - HEADER;
}

static unsigned class_of(size_t size)
{
    unsigned c = 0;
    while (c < RF_HEAP_CLASSES && class_bytes(c) < size)
        c++;
    return c;
}

rf_status rf_heap_create(struct rf_heap *heap, size_t size, struct rf_error *err)
{
    memset(heap, 0, sizeof *heap);
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                      -1, 0);
    if (base == MAP_FAILED)
        return rf_error_set(err, RF_ERR_NO_MEMORY, "no address space for a kernel heap of %zu bytes", size);
    heap->base = base;
    heap->size = size;
    heap->used = HEADER; /* first payload at a multiple of 32 */
    return RF_OK;
}

void rf_heap_destroy(struct rf_heap *heap)
{
    if (heap->base)
        ASAN_UNPOISON_MEMORY_REGION(heap->base, heap->used);
    if (heap->base)
        munmap(heap->base, heap->size);
    memset(heap, 0, sizeof *heap);
}

void *rf_heap_alloc(struct rf_heap *heap, size_t size)
{
    unsigned c = class_of(size);
    if (c >= RF_HEAP_CLASSES)
        return NULL;
    size_t bytes = class_bytes(c);
    struct rf_heap_chunk *chunk = heap->free_list[c];
    if (chunk) {
        heap->free_list[c] = chunk->next;
    } else {
        if (bytes + HEADER > heap->size - heap->used)
            return NULL;
        chunk = (struct rf_heap_chunk *)(heap->base + heap->used);
        heap->used += bytes + HEADER;
    }
    ASAN_UNPOISON_MEMORY_REGION((uint8_t *)chunk + HEADER, bytes);
    chunk->size_class = c;
    chunk->magic = CHUNK_USED;
    chunk->next = NULL;
    heap->live += bytes;
    heap->objects++;
    return memset((uint8_t *)chunk + HEADER, 0, bytes);
}

static struct rf_heap_chunk *chunk_of(const void *p)
{
    return (struct rf_heap_chunk *)((uintptr_t)p - HEADER);
}

void rf_heap_free(struct rf_heap *heap, void *p)
{
    if (!p)
        return;
    struct rf_heap_chunk *chunk = chunk_of(p);
    if (chunk->magic != CHUNK_USED)
        __builtin_trap(); /* double free: a defect of the kernel itself */
    chunk->magic = CHUNK_FREE;
    chunk->next = heap->free_list[chunk->size_class];
    heap->free_list[chunk->size_class] = chunk;
    ASAN_POISON_MEMORY_REGION(p, class_bytes(chunk->size_class));
    heap->live -= class_bytes(chunk->size_class);
    heap->objects--;
}

size_t rf_heap_size_of(const void *p)
{
    return class_bytes(chunk_of(p)->size_class);
}

void *rf_heap_realloc(struct rf_heap *heap, void *p, size_t size)
{
    if (!p)
        return rf_heap_alloc(heap, size);
    size_t old = rf_heap_size_of(p);
    if (size <= old && class_of(size) == chunk_of(p)->size_class)
        return p;
    void *q = rf_heap_alloc(heap, size);
    if (!q)
        return NULL;
    memcpy(q, p, old < size ? old : size);
    rf_heap_free(heap, p);
    return q;
}
