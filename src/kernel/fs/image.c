/* Files of images: read through a bounce buffer, mapped through a cache of page frames. Directories of images: listed
 * as they were when reading began. */
#include "kernel/fs/image.h"
#include "kernel/frames.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 16384u

int64_t rf_image_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos,
                      rf_image_reader *reader)
{
    uint8_t bytes[CHUNK];
    uint64_t done = 0;
    while (uio->left) {
        size_t want = uio->left < CHUNK ? (size_t)uio->left : CHUNK;
        int64_t got = reader(k, file->inode, bytes, want, *pos);
        if (got < 0)
            return done ? (int64_t)done : got;
        size_t moved = rf_uio_put(uio, bytes, (size_t)got);
        *pos += moved;
        done += moved;
        if (moved < (size_t)got)
            return done ? (int64_t)done : -RF_EFAULT;
        if ((size_t)got < want)
            break;
    }
    return (int64_t)done;
}

static int64_t load_page(struct rf_kernel *k, struct rf_inode *inode, struct rf_pages *cache, uint64_t index,
                         uint64_t *pa, rf_image_reader *reader)
{
    uint64_t frame = rf_frame_alloc_dirty(k);
    if (!frame)
        return -RF_ENOMEM;
    uint8_t *page = rf_frame_host(k, frame);
    int64_t got = reader(k, inode, page, RF_PAGE_SIZE, index * RF_PAGE_SIZE);
    if (got >= 0)
        memset(page + got, 0, RF_PAGE_SIZE - (size_t)got);
    if (got < 0 || !rf_pages_set(k, cache, index, frame)) {
        rf_frame_put(k, frame);
        return got < 0 ? -RF_EIO : -RF_ENOMEM;
    }
    rf_charge(k, RF_EVENT_PAGE_FILL, 1);
    *pa = frame;
    return 0;
}

int64_t rf_image_page(struct rf_kernel *k, struct rf_inode *inode, struct rf_pages *cache, uint64_t index, uint64_t *pa,
                      rf_image_reader *reader)
{
    if (index >= (inode->size + RF_PAGE_SIZE - 1) / RF_PAGE_SIZE)
        return -RF_EFAULT;
    *pa = rf_pages_get(cache, index);
    int64_t result = *pa ? 0 : load_page(k, inode, cache, index, pa, reader);
    if (result == 0)
        rf_frame_get(k, *pa);
    return result;
}

bool rf_image_pread(int fd, void *out, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (uint8_t *)out + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

bool rf_image_mode_ok(uint32_t mode)
{
    switch (mode & RF_S_IFMT) {
    case RF_S_IFREG:
    case RF_S_IFDIR:
    case RF_S_IFLNK:
    case RF_S_IFCHR:
    case RF_S_IFBLK:
    case RF_S_IFIFO:
    case RF_S_IFSOCK: return true;
    default: return false;
    }
}

/* --- directories --- */

struct rf_image_list { /* file->private_data */
    uint64_t parent;
    struct rf_listing *entries;
};

int64_t rf_image_add_entry(struct rf_kernel *k, struct rf_listing *list, const char *name, size_t length, uint64_t ino,
                           uint8_t type)
{
    char copy[RF_NAME_MAX + 1];
    if (length == 0 || length > RF_NAME_MAX || memchr(name, '/', length) || memchr(name, 0, length))
        return -RF_EUCLEAN;
    memcpy(copy, name, length);
    copy[length] = '\0';
    return rf_listing_add(k, list, copy, ino, type) ? 0 : -RF_ENOMEM;
}

/* Mount points that the image does not have are entries all the same. */
static int64_t add_mount_points(struct rf_kernel *k, struct rf_listing *list, const struct rf_dentry *dir)
{
    uint32_t own = list->count;
    for (const struct rf_dentry *d = dir ? dir->children : NULL; d; d = d->next) {
        bool known = !d->mounted;
        for (uint32_t i = 0; i < own && !known; i++)
            known = strcmp(list->entries[i]->name, d->name) == 0;
        if (!known && !rf_listing_add(k, list, d->name, d->inode->ino, rf_mode_to_dtype(d->inode->mode)))
            return -RF_ENOMEM;
    }
    return 0;
}

void rf_image_release_list(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_image_list *list = file->private_data;
    if (!list)
        return;
    rf_listing_free(k, list->entries);
    rf_kfree(k, list);
    file->private_data = NULL;
}

static int64_t make_list(struct rf_kernel *k, struct rf_file *file, rf_image_filler *fill)
{
    rf_image_release_list(k, file);
    struct rf_image_list *list = rf_kalloc(k, sizeof *list);
    if (!list)
        return -RF_ENOMEM;
    file->private_data = list;
    list->parent = file->inode->ino;
    list->entries = rf_listing_new(k);
    int64_t error = list->entries ? fill(k, file->inode, list->entries, &list->parent) : -RF_ENOMEM;
    if (!error)
        error = add_mount_points(k, list->entries, file->dentry);
    if (error)
        rf_image_release_list(k, file);
    return error;
}

int64_t rf_image_readdir(struct rf_kernel *k, struct rf_file *file,
                         bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos),
                         void *user, rf_image_filler *fill)
{
    if (file->pos == 0 || !file->private_data) {
        int64_t error = make_list(k, file, fill);
        if (error)
            return error;
    }
    const struct rf_image_list *list = file->private_data;
    rf_listing_emit(list->entries, file, list->parent, emit, user);
    return 0;
}

/* --- live inodes --- */

struct rf_image_node *rf_image_find(const struct rf_image_table *table, uint64_t key)
{
    struct rf_image_node *node = table->buckets[key % RF_IMAGE_BUCKETS];
    while (node && node->key != key)
        node = node->next;
    return node;
}

struct rf_image_node *rf_image_new(struct rf_kernel *k, struct rf_image_table *table, struct rf_mount *mount, uint64_t key,
                                   size_t size, const struct rf_inode_ops *ops)
{
    struct rf_image_node *node = rf_kalloc(k, size);
    struct rf_inode *inode = node ? rf_inode_alloc(k, mount, 0) : NULL;
    if (!inode) {
        rf_kfree(k, node);
        return NULL;
    }
    node->inode = inode;
    node->key = key;
    inode->private_data = node;
    inode->ops = ops;
    inode->btime = (struct rf_timespec){ 0, 0 };
    node->next = table->buckets[key % RF_IMAGE_BUCKETS];
    table->buckets[key % RF_IMAGE_BUCKETS] = node;
    return node;
}

void rf_image_gone(struct rf_kernel *k, struct rf_image_table *table, struct rf_image_node *node)
{
    struct rf_image_node **link = &table->buckets[node->key % RF_IMAGE_BUCKETS];
    while (*link && *link != node)
        link = &(*link)->next;
    if (*link)
        *link = node->next;
    rf_pages_clear(k, &node->cache, 0, UINT64_MAX);
}
