/* Listings of directories (fs/listing.h). */
#include "kernel/fs/listing.h"

#include <stdlib.h>
#include <string.h>

struct rf_listing *rf_listing_new(struct rf_kernel *k)
{
    return rf_kalloc(k, sizeof(struct rf_listing));
}

void rf_listing_free(struct rf_kernel *k, struct rf_listing *listing)
{
    if (!listing)
        return;
    for (uint32_t i = 0; i < listing->count; i++)
        rf_kfree(k, listing->entries[i]);
    rf_kfree(k, listing->entries);
    rf_kfree(k, listing);
}

bool rf_listing_add(struct rf_kernel *k, struct rf_listing *listing, const char *name, uint64_t ino, uint8_t type)
{
    size_t size = strlen(name) + 1;
    if (listing->count == listing->room) {
        uint32_t room = listing->room ? listing->room * 2 : 32;
        struct rf_listing_entry **entries =
            rf_heap_realloc(&k->heap, listing->entries, room * sizeof(struct rf_listing_entry *));
        if (!entries)
            return false;
        listing->entries = entries;
        listing->room = room;
    }
    struct rf_listing_entry *e = rf_kalloc(k, sizeof *e + size);
    if (!e)
        return false;
    e->ino = ino;
    e->type = type;
    memcpy(e->name, name, size);
    listing->entries[listing->count++] = e;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct rf_listing_entry *const *)a)->name, (*(struct rf_listing_entry *const *)b)->name);
}

void rf_listing_sort(struct rf_listing *listing)
{
    if (listing->count)
        qsort(listing->entries, listing->count, sizeof(struct rf_listing_entry *), by_name);
}

struct rf_listing_entry *rf_listing_find(const struct rf_listing *listing, const char *name)
{
    uint32_t low = 0, high = listing->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(name, listing->entries[middle]->name);
        if (order == 0)
            return listing->entries[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

void rf_listing_emit(const struct rf_listing *listing, struct rf_file *file, uint64_t above,
                     bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos),
                     void *user)
{
    uint64_t pos = file->pos;
    if (pos == 0 && !emit(user, ".", file->inode->ino, RF_DT_DIR, 1))
        return;
    if (pos <= 1 && !emit(user, "..", above, RF_DT_DIR, 2))
        return;
    for (uint64_t i = pos < 2 ? 0 : pos - 2; i < listing->count; i++)
        if (!emit(user, listing->entries[i]->name, listing->entries[i]->ino, listing->entries[i]->type, i + 3))
            return;
}
