<<<<<<< HEAD
/* A directory's entries as they were when reading began: cursors stay good however it is changed meanwhile. */
#include "kernel/fs/image.h"

#include <string.h>

struct entry {
    uint64_t ino;
    uint8_t type;
    char name[]; /* NUL-terminated */
};
struct rf_listing {
    uint32_t count, room;
    uint64_t parent;
    struct entry **entries;
};

int64_t rf_listing_add(struct rf_kernel *k, struct rf_listing *list, const char *name, size_t length, uint64_t ino,
                       uint8_t type)
{
    if (length == 0 || length > RF_NAME_MAX || memchr(name, '/', length) || memchr(name, 0, length))
        return -RF_EUCLEAN;
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : 32;
        struct entry **entries = rf_heap_realloc(&k->heap, list->entries, room * sizeof(struct entry *));
        if (!entries)
            return -RF_ENOMEM;
        list->entries = entries;
        list->room = room;
    }
    struct entry *e = rf_kalloc(k, sizeof *e + length + 1);
    if (!e)
        return -RF_ENOMEM;
    e->ino = ino;
    e->type = type;
    memcpy(e->name, name, length);
    list->entries[list->count++] = e;
    return 0;
}

void rf_listing_release(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_listing *list = file->private_data;
    if (!list)
        return;
    for (uint32_t i = 0; i < list->count; i++)
        rf_kfree(k, list->entries[i]);
    rf_kfree(k, list->entries);
    rf_kfree(k, list);
    file->private_data = NULL;
}

/* Mount points that the image does not have are entries all the same. */
static int64_t add_mount_points(struct rf_kernel *k, struct rf_listing *list, const struct rf_dentry *dir)
{
    uint32_t own = list->count;
    for (const struct rf_dentry *d = dir ? dir->children : NULL; d; d = d->next) {
        bool known = !d->mounted;
        for (uint32_t i = 0; i < own && !known; i++)
            known = strcmp(list->entries[i]->name, d->name) == 0;
        int64_t error = known ? 0 : rf_listing_add(k, list, d->name, strlen(d->name), d->inode->ino,
                                                   rf_mode_to_dtype(d->inode->mode));
        if (error)
            return error;
    }
    return 0;
}

static int64_t make(struct rf_kernel *k, struct rf_file *file, rf_listing_filler *fill)
{
    rf_listing_release(k, file);
    struct rf_listing *list = rf_kalloc(k, sizeof *list);
    if (!list)
        return -RF_ENOMEM;
    file->private_data = list;
    list->parent = file->inode->ino;
    int64_t error = fill(k, file->inode, list, &list->parent);
    if (!error)
        error = add_mount_points(k, list, file->dentry);
    if (error)
        rf_listing_release(k, file);
    return error;
}

/* Cursor: 0 before ".", 1 before "..", then 2 + index. */
int64_t rf_listing_readdir(struct rf_kernel *k, struct rf_file *file,
                           bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos),
                           void *user, rf_listing_filler *fill)
{
    if (file->pos == 0 || !file->private_data) {
        int64_t error = make(k, file, fill);
        if (error)
            return error;
    }
    const struct rf_listing *list = file->private_data;
    if (file->pos == 0 && !emit(user, ".", file->inode->ino, RF_DT_DIR, 1))
        return 0;
    if (file->pos <= 1 && !emit(user, "..", list->parent, RF_DT_DIR, 2))
        return 0;
    for (uint64_t i = file->pos < 2 ? 0 : file->pos - 2; i < list->count; i++)
        if (!emit(user, list->entries[i]->name, list->entries[i]->ino, list->entries[i]->type, i + 3))
            break;
    return 0;
=======
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
>>>>>>> main
}
