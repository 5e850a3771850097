/* Contents of host files: pread and pwrite, and cached pages for mappings.
 *
 * A page that was mapped lives in a frame. Reads and writes go to the host; writes also go
 * into cached frames. Once a shared writable mapping was allowed, frames are ahead of the
 * host: reads then prefer them, and they are written back by fsync and at the end. */
#include "kernel/fs/hostfs.h"
#include "kernel/mm/mm.h"
#include "kernel/frames.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 16384u

static struct rf_pages *cache_of(const struct rf_inode *inode)
{
    return &rf_host_of(inode)->cache;
}

static ssize_t read_host(int fd, void *out, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (uint8_t *)out + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return done ? (ssize_t)done : -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Lay what mappings have written over bytes that came from the host. */
static void overlay(struct rf_kernel *k, struct rf_inode *inode, uint8_t *bytes, size_t size,
                    uint64_t offset)
{
    if (!inode->shared_writers)
        return;
    for (uint64_t at = offset; at < offset + size;) {
        size_t in_page = at % RF_PAGE_SIZE, n = RF_PAGE_SIZE - in_page;
        if (n > offset + size - at)
            n = (size_t)(offset + size - at);
        uint64_t pa = rf_pages_get(cache_of(inode), at / RF_PAGE_SIZE);
        if (pa)
            memcpy(bytes + (at - offset), (uint8_t *)rf_frame_host(k, pa) + in_page, n);
        at += n;
    }
}

static int64_t read_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                         uint64_t *pos)
{
    uint8_t bytes[CHUNK];
    uint64_t done = 0;
    int64_t fd = rf_host_content(file->inode, false);
    if (fd < 0)
        return fd;
    while (uio->left) {
        size_t want = uio->left < CHUNK ? (size_t)uio->left : CHUNK;
        ssize_t got = read_host((int)fd, bytes, want, *pos);
        if (got < 0)
            return done ? (int64_t)done : rf_host_error();
        overlay(k, file->inode, bytes, (size_t)got, *pos);
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

/* Bytes that went to the host go into cached frames too. */
static void update_cache(struct rf_kernel *k, struct rf_inode *inode, const uint8_t *bytes,
                         size_t size, uint64_t offset)
{
    if (!cache_of(inode)->count)
        return;
    for (uint64_t at = offset; at < offset + size;) {
        size_t in_page = at % RF_PAGE_SIZE, n = RF_PAGE_SIZE - in_page;
        if (n > offset + size - at)
            n = (size_t)(offset + size - at);
        uint64_t pa = rf_pages_get(cache_of(inode), at / RF_PAGE_SIZE);
        if (pa)
            rf_frame_write(k, pa + in_page, bytes + (at - offset), n);
        at += n;
    }
}

static int64_t write_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                          uint64_t *pos)
{
    uint8_t bytes[CHUNK];
    uint64_t done = 0;
    int64_t fd = rf_host_content(file->inode, true);
    if (fd < 0)
        return fd;
    while (uio->left) {
        size_t got = rf_uio_get(uio, bytes, uio->left < CHUNK ? (size_t)uio->left : CHUNK);
        if (got == 0)
            return done ? (int64_t)done : -RF_EFAULT;
        ssize_t put;
        do
            put = pwrite((int)fd, bytes, got, (off_t)*pos);
        while (put < 0 && errno == EINTR);
        if (put <= 0)
            return done ? (int64_t)done : put ? rf_host_error() : 0;
        update_cache(k, file->inode, bytes, (size_t)put, *pos);
        *pos += (uint64_t)put;
        done += (uint64_t)put;
        if ((size_t)put < got)
            break;
    }
    if (*pos > file->inode->size)
        file->inode->size = *pos;
    return (int64_t)done;
}

/* Holes and data are the host's; what mappings have changed is written back first. */
static int64_t seek_file(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    int64_t base = 0, target, error = rf_inode_getattr(k, file->inode);
    if (error)
        return error;
    if (whence == RF_SEEK_DATA || whence == RF_SEEK_HOLE) {
        int64_t fd = rf_host_content(file->inode, false);
        rf_hostfs_write_back(k, file->inode);
        target = fd < 0 ? fd : lseek((int)fd, offset, whence);
        if (target < 0)
            return fd < 0 ? fd : rf_host_error();
        file->pos = (uint64_t)target;
        return target;
    }
    if (whence == RF_SEEK_CUR)
        base = (int64_t)file->pos;
    else if (whence == RF_SEEK_END)
        base = (int64_t)file->inode->size;
    if (__builtin_add_overflow(base, offset, &target) || target < 0)
        return -RF_EINVAL;
    file->pos = (uint64_t)target;
    return target;
}

const struct rf_file_ops rf_hostfs_file_ops = { .read = read_file, .write = write_file, .seek = seek_file };

/* --- pages --- */

static int64_t load_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa)
{
    int64_t fd = rf_host_content(inode, false);
    if (fd < 0)
        return fd;
    uint64_t frame = rf_frame_alloc_dirty(k);
    if (!frame)
        return -RF_ENOMEM;
    uint8_t *page = rf_frame_host(k, frame);
    ssize_t got = read_host((int)fd, page, RF_PAGE_SIZE, index * RF_PAGE_SIZE);
    if (got >= 0)
        memset(page + got, 0, RF_PAGE_SIZE - (size_t)got);
    if (got < 0 || !rf_pages_set(k, cache_of(inode), index, frame)) {
        rf_frame_put(k, frame);
        return got < 0 ? -RF_EIO : -RF_ENOMEM;
    }
    rf_charge(k, RF_EVENT_PAGE_FILL, 1);
    *pa = frame;
    return 0;
}

int64_t rf_hostfs_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa)
{
    struct rf_hostfs_inode *host = rf_host_of(inode);
    *pa = rf_pages_get(&host->cache, index);
    if (!*pa) {
        int64_t result = rf_hostfs_getattr(k, inode);
        if (result)
            return result;
        if (index >= (inode->size + RF_PAGE_SIZE - 1) / RF_PAGE_SIZE)
            return -RF_EFAULT;
        if (!host->cache.count) {
            host->cache_mtime = inode->mtime;
            host->cache_size = inode->size;
        }
        result = load_page(k, inode, index, pa);
        if (result)
            return result;
    }
    rf_frame_get(k, *pa);
    return 0;
}

void rf_hostfs_check_cache(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_hostfs_inode *host = rf_host_of(inode);
    if (!host->cache.count || inode->shared_writers || rf_hostfs_getattr(k, inode))
        return;
    if (host->cache_size != inode->size || host->cache_mtime.tv_sec != inode->mtime.tv_sec ||
        host->cache_mtime.tv_nsec != inode->mtime.tv_nsec)
        rf_pages_clear(k, &host->cache, 0, UINT64_MAX);
}

void rf_hostfs_resized(struct rf_kernel *k, struct rf_inode *inode, uint64_t size)
{
    uint64_t pa = size % RF_PAGE_SIZE ? rf_pages_get(cache_of(inode), size / RF_PAGE_SIZE) : 0;
    if (pa)
        rf_frame_zero(k, pa, size % RF_PAGE_SIZE, RF_PAGE_SIZE - size % RF_PAGE_SIZE);
    rf_pages_clear(k, cache_of(inode), (size + RF_PAGE_SIZE - 1) / RF_PAGE_SIZE, UINT64_MAX);
}

/* Write a page to the host if it differs from what is there. */
static void write_back_page(struct rf_kernel *k, int fd, uint64_t pa, uint64_t offset, size_t size)
{
    uint8_t there[RF_PAGE_SIZE];
    const uint8_t *page = rf_frame_host(k, pa);
    ssize_t got = read_host(fd, there, size, offset);
    if (got == (ssize_t)size && memcmp(there, page, size) == 0)
        return;
    if (pwrite(fd, page, size, (off_t)offset) < 0)
        return; /* the host's disk: nobody is left to be told */
}

void rf_hostfs_write_back(struct rf_kernel *k, struct rf_inode *inode)
{
    const struct rf_hostfs_inode *host = rf_host_of(inode);
    if (!inode->shared_writers || host->write_fd < 0 || rf_hostfs_getattr(k, inode))
        return;
    for (uint64_t i = rf_pages_next(&host->cache, 0); i != UINT64_MAX;
         i = rf_pages_next(&host->cache, i + 1)) {
        uint64_t offset = i * RF_PAGE_SIZE;
        if (offset >= inode->size)
            break;
        uint64_t size = inode->size - offset < RF_PAGE_SIZE ? inode->size - offset : RF_PAGE_SIZE;
        write_back_page(k, host->write_fd, rf_pages_get(&host->cache, i), offset, (size_t)size);
    }
}

int64_t rf_hostfs_sync(struct rf_kernel *k, struct rf_inode *inode)
{
    const struct rf_hostfs_inode *host = rf_host_of(inode);
    rf_hostfs_write_back(k, inode);
    if (host->write_fd < 0)
        return 0; /* nothing of ours is on its way */
    return fsync(host->write_fd) < 0 ? rf_host_error() : 0;
}

/* The host does it; frames of what changed are read again. */
int64_t rf_hostfs_fallocate(struct rf_kernel *k, struct rf_inode *inode, uint32_t mode, uint64_t start, uint64_t length)
{
    int64_t fd = rf_host_content(inode, true);
    if (fd < 0)
        return fd;
    rf_hostfs_write_back(k, inode);
    if (fallocate((int)fd, (int)mode, (off_t)start, (off_t)length) < 0)
        return rf_host_error();
    if (mode & ~(uint32_t)RF_FALLOC_FL_KEEP_SIZE) {
        bool moves = mode & (RF_FALLOC_FL_COLLAPSE_RANGE | RF_FALLOC_FL_INSERT_RANGE);
        uint64_t first = start / RF_PAGE_SIZE, end = moves ? UINT64_MAX : (start + length - 1) / RF_PAGE_SIZE + 1;
        rf_mm_punched(k, inode, first, end);
        rf_pages_clear(k, cache_of(inode), first, end);
    }
    return rf_hostfs_getattr(k, inode);
}
