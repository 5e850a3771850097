/* Contents of tmpfs files: page frames that mappings share. */
#include "kernel/fs/tmpfs.h"
#include "kernel/frames.h"
#include "kernel/mm/mm.h"

#include <string.h>

#define WRITE_SEALS (RF_F_SEAL_WRITE | RF_F_SEAL_FUTURE_WRITE)

static struct rf_pages *pages_of(struct rf_inode *inode)
{
    struct rf_tmpfs_node *node = inode->private_data;
    return &node->pages;
}

static void count_blocks(struct rf_inode *inode)
{
    struct rf_tmpfs_limits *limits = inode->mount->private_data;
    const uint64_t per_page = RF_PAGE_SIZE / 512;
    if (limits)
        limits->pages += pages_of(inode)->count - inode->blocks / per_page;
    inode->blocks = pages_of(inode)->count * per_page;
}

/* At its own limit, or: a file system leaves some RAM for programs; memory that programs share has no limit of its own. */
static bool is_full(const struct rf_kernel *k, const struct rf_inode *inode)
{
    const struct rf_tmpfs_limits *limits = inode->mount->private_data;
    if (limits && limits->max_pages && limits->pages >= limits->max_pages)
        return true;
    return inode->mount != k->vfs->memory && rf_frames_free(k) <= rf_frames_total(k) / 16;
}

/* The frame of a page, made if it is a hole. 0: RAM or heap is full. */
static uint64_t frame_for(struct rf_kernel *k, struct rf_inode *inode, uint64_t index)
{
    uint64_t pa = rf_pages_get(pages_of(inode), index);
    if (pa)
        return pa;
    if (is_full(k, inode))
        return 0;
    pa = rf_frame_alloc(k);
    if (!pa)
        return 0;
    if (!rf_pages_set(k, pages_of(inode), index, pa)) {
        rf_frame_put(k, pa);
        return 0;
    }
    count_blocks(inode);
    rf_charge(k, RF_EVENT_PAGE_FILL, 1);
    return pa;
}

static int64_t read_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                         uint64_t *pos)
{
    struct rf_inode *inode = file->inode;
    uint64_t done = 0;
    while (uio->left && *pos < inode->size) {
        size_t offset = *pos % RF_PAGE_SIZE, n = RF_PAGE_SIZE - offset;
        if (n > inode->size - *pos)
            n = (size_t)(inode->size - *pos);
        if (n > uio->left)
            n = (size_t)uio->left;
        uint64_t pa = rf_pages_get(pages_of(inode), *pos / RF_PAGE_SIZE);
        size_t moved = pa ? rf_uio_put(uio, (uint8_t *)rf_frame_host(k, pa) + offset, n)
                          : rf_uio_zero(uio, n);
        *pos += moved;
        done += moved;
        if (moved < n)
            return done ? (int64_t)done : -RF_EFAULT;
    }
    return (int64_t)done;
}

static int64_t write_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                          uint64_t *pos)
{
    struct rf_inode *inode = file->inode;
    uint64_t done = 0, at = *pos;
    int64_t error = uio->left && inode->seals & WRITE_SEALS ? -RF_EPERM : 0;
    while (uio->left && !error) {
        size_t offset = at % RF_PAGE_SIZE, n = RF_PAGE_SIZE - offset;
        if (n > uio->left)
            n = (size_t)uio->left;
        if (inode->seals & RF_F_SEAL_GROW && at + n > inode->size) {
            error = -RF_EPERM;
            break;
        }
        uint64_t pa = frame_for(k, inode, at / RF_PAGE_SIZE);
        if (!pa) {
            error = -RF_ENOSPC;
            break;
        }
        size_t moved = rf_frame_from_uio(k, pa, offset, n, uio);
        at += moved;
        done += moved;
        if (moved < n) {
            error = -RF_EFAULT;
            break;
        }
    }
    if (done) {
        *pos = at;
        if (at > inode->size)
            inode->size = at;
        rf_inode_modified(k, inode);
    }
    return done ? (int64_t)done : error;
}

static int64_t seek_file(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    (void)k;
    struct rf_inode *inode = file->inode;
    int64_t base = 0, target;
    switch (whence) {
    case RF_SEEK_CUR: base = (int64_t)file->pos; break;
    case RF_SEEK_END: base = (int64_t)inode->size; break;
    case RF_SEEK_DATA:
    case RF_SEEK_HOLE:
        if (offset < 0 || (uint64_t)offset >= inode->size)
            return -RF_ENXIO;
        break;
    default: break;
    }
    if (whence == RF_SEEK_DATA) {
        uint64_t page = (uint64_t)offset / RF_PAGE_SIZE, next = rf_pages_next(pages_of(inode), page);
        if (next == UINT64_MAX || next * RF_PAGE_SIZE >= inode->size)
            return -RF_ENXIO;
        target = next == page ? offset : (int64_t)(next * RF_PAGE_SIZE);
    } else if (whence == RF_SEEK_HOLE) {
        uint64_t page = (uint64_t)offset / RF_PAGE_SIZE;
        bool hole_here = !rf_pages_get(pages_of(inode), page);
        while (page * RF_PAGE_SIZE < inode->size && rf_pages_get(pages_of(inode), page))
            page++;
        target = hole_here ? offset : (int64_t)(page * RF_PAGE_SIZE);
        if ((uint64_t)target > inode->size)
            target = (int64_t)inode->size;
    } else if (__builtin_add_overflow(base, offset, &target) || target < 0) {
        return -RF_EINVAL;
    }
    file->pos = (uint64_t)target;
    return target;
}

int64_t rf_tmpfs_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa)
{
    if (index >= (inode->size + RF_PAGE_SIZE - 1) / RF_PAGE_SIZE)
        return -RF_EFAULT;
    uint64_t frame = frame_for(k, inode, index);
    if (!frame)
        return is_full(k, inode) ? -RF_ENOSPC : -RF_ENOMEM;
    rf_frame_get(k, frame);
    *pa = frame;
    return 0;
}

int64_t rf_tmpfs_punch(struct rf_kernel *k, struct rf_inode *inode, uint64_t start, uint64_t end)
{
    uint64_t first = (start + RF_PAGE_SIZE - 1) / RF_PAGE_SIZE, last = end / RF_PAGE_SIZE;
    size_t head = start % RF_PAGE_SIZE, tail = end % RF_PAGE_SIZE;
    uint64_t pa;
    if (start / RF_PAGE_SIZE == last) { /* within one page */
        if ((pa = rf_pages_get(pages_of(inode), last)) != 0)
            rf_frame_zero(k, pa, head, tail - head);
        return 0;
    }
    if (head && (pa = rf_pages_get(pages_of(inode), first - 1)) != 0)
        rf_frame_zero(k, pa, head, RF_PAGE_SIZE - head);
    rf_mm_punched(k, inode, first, last);
    rf_pages_clear(k, pages_of(inode), first, last);
    if (tail && (pa = rf_pages_get(pages_of(inode), last)) != 0)
        rf_frame_zero(k, pa, 0, tail);
    count_blocks(inode);
    return 0;
}

static uint64_t count_holes(const struct rf_inode *inode, uint64_t first, uint64_t end)
{
    const struct rf_tmpfs_node *node = inode->private_data;
    uint64_t holes = 0;
    while (first < end) {
        uint64_t next = rf_pages_next(&node->pages, first);
        uint64_t run = next < end ? next : end;
        holes += run - first;
        first = run + 1;
    }
    return holes;
}

/* Every page of [start, end) exists afterwards, or nothing has changed. */
static int64_t allocate(struct rf_kernel *k, struct rf_inode *inode, uint64_t start, uint64_t end)
{
    const struct rf_tmpfs_limits *limits = inode->mount->private_data;
    uint64_t first = start / RF_PAGE_SIZE, last = end / RF_PAGE_SIZE + (end % RF_PAGE_SIZE != 0);
    uint64_t holes = count_holes(inode, first, last), spare = rf_frames_total(k) / 16, free = rf_frames_free(k);
    if (limits && limits->max_pages && holes > limits->max_pages - limits->pages)
        return -RF_ENOSPC;
    if (holes && (free <= spare || holes > free - spare))
        return -RF_ENOSPC;
    for (uint64_t index = first; index < last; index++)
        if (!frame_for(k, inode, index))
            return -RF_ENOSPC; /* no memory for the index */
    return 0;
}

int64_t rf_tmpfs_fallocate(struct rf_kernel *k, struct rf_inode *inode, uint32_t mode, uint64_t start, uint64_t length)
{
    uint64_t end = start + length;
    if (mode & ~(uint32_t)(RF_FALLOC_FL_KEEP_SIZE | RF_FALLOC_FL_PUNCH_HOLE))
        return -RF_EOPNOTSUPP;
    if (mode & RF_FALLOC_FL_PUNCH_HOLE)
        return inode->seals & WRITE_SEALS ? -RF_EPERM : rf_tmpfs_punch(k, inode, start, end);
    if (inode->seals & RF_F_SEAL_GROW && end > inode->size)
        return -RF_EPERM;
    int64_t error = allocate(k, inode, start, end);
    if (error)
        return error;
    if (!(mode & RF_FALLOC_FL_KEEP_SIZE) && end > inode->size)
        inode->size = end;
    inode->ctime = rf_now(k);
    return 0;
}

/* Shrinking gives frames back and clears the rest of the last page. */
static void set_size(struct rf_kernel *k, struct rf_inode *inode, uint64_t size)
{
    if (size < inode->size) {
        uint64_t pa = size % RF_PAGE_SIZE ? rf_pages_get(pages_of(inode), size / RF_PAGE_SIZE) : 0;
        if (pa)
            rf_frame_zero(k, pa, size % RF_PAGE_SIZE, RF_PAGE_SIZE - size % RF_PAGE_SIZE);
        rf_pages_clear(k, pages_of(inode), (size + RF_PAGE_SIZE - 1) / RF_PAGE_SIZE, UINT64_MAX);
        count_blocks(inode);
    }
    inode->size = size;
}

int64_t rf_tmpfs_setattr(struct rf_kernel *k, struct rf_inode *inode,
                         const struct rf_attributes *change)
{
    if (change->mask & RF_ATTR_MODE && inode->seals & RF_F_SEAL_EXEC && (change->mode ^ inode->mode) & 0111)
        return -RF_EPERM;
    if (change->mask & RF_ATTR_SIZE) {
        if (change->size > INT64_MAX)
            return -RF_EFBIG;
        if ((change->size < inode->size && inode->seals & RF_F_SEAL_SHRINK) ||
            (change->size > inode->size && inode->seals & RF_F_SEAL_GROW))
            return -RF_EPERM;
        set_size(k, inode, change->size);
    }
    return rf_generic_setattr(k, inode, change);
}

bool rf_tmpfs_has_page(const struct rf_inode *inode, uint64_t index)
{
    const struct rf_tmpfs_node *node = inode->private_data;
    return rf_pages_get(&node->pages, index) != 0;
}

void rf_tmpfs_free_data(struct rf_kernel *k, struct rf_inode *inode)
{
    rf_pages_clear(k, pages_of(inode), 0, UINT64_MAX);
    count_blocks(inode);
}

const struct rf_file_ops rf_tmpfs_file_ops = {
    .read = read_file,
    .write = write_file,
    .seek = seek_file,
};
