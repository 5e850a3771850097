/* Contents of files in ext4 images: blocks that are there are read and written in place, holes get blocks.
 *
 * As with hostfs, pages that were mapped live in frames; once a shared writable mapping was allowed, frames are ahead
 * of the image until a sync or the end of the inode. */
#include "kernel/fs/ext4.h"
#include "kernel/frames.h"
#include "kernel/mm/mm.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 16384u

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- reading --- */

static int64_t read_inline(struct rf_ext4_mount *m, struct rf_inode *inode, uint8_t *out, size_t size, uint64_t offset)
{
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    size_t got = 0;
    errcode_t error = ext2fs_inline_data_size(m->fs, (ext2_ino_t)inode->ino, &got);
    if (error || got > m->fs->blocksize)
        return error ? rf_ext4_error(error) : -RF_EUCLEAN;
    uint8_t *bytes = calloc(1, m->fs->blocksize);
    if (!bytes)
        return -RF_ENOMEM;
    error = ext2fs_inline_data_get(m->fs, (ext2_ino_t)inode->ino, rf_ext4_raw(node), bytes, &got);
    if (!error && offset + size > got)
        memset(out, 0, size);
    if (!error && offset < got)
        memcpy(out, bytes + offset, (size_t)least(size, got - offset));
    free(bytes);
    return rf_ext4_error(error);
}

static int64_t read_blocks(struct rf_ext4_mount *m, struct rf_inode *inode, uint8_t *out, size_t size, uint64_t offset)
{
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    uint64_t block = m->fs->blocksize;
    for (uint64_t at = offset, end = offset + size; at < end;) {
        struct rf_ext4_run run;
        int64_t error = rf_ext4_map(m, node, at / block, &run);
        if (error)
            return error;
        uint64_t n = least(end - at, run.count * block - at % block);
        if (!run.physical || run.unwritten)
            memset(out + (at - offset), 0, n);
        else if (!rf_ext4_io_read(&m->io, out + (at - offset), n, run.physical * block + at % block))
            return -RF_EIO;
        at += n;
    }
    return 0;
}

/* From the image alone. */
static int64_t read_bytes(struct rf_kernel *k, struct rf_inode *inode, void *out, size_t size, uint64_t offset)
{
    (void)k;
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    const struct rf_ext4_node *node = rf_ext4_node_of(inode);
    if (offset >= inode->size)
        return 0;
    size = (size_t)least(size, inode->size - offset);
    if (node->raw.i_flags & EXT4_ENCRYPT_FL)
        return -RF_ENOKEY;
    int64_t error = node->raw.i_flags & EXT4_INLINE_DATA_FL ? read_inline(m, inode, out, size, offset)
                                                            : read_blocks(m, inode, out, size, offset);
    return error ? error : (int64_t)size;
}

/* Call each for the parts of cached pages that [offset, offset + size) touches. */
static void copy_cached(struct rf_kernel *k, struct rf_inode *inode, uint8_t *bytes, size_t size, uint64_t offset,
                        bool into_cache)
{
    const struct rf_pages *cache = &rf_ext4_node_of(inode)->cache;
    for (uint64_t at = offset; cache->count && at < offset + size;) {
        size_t in_page = at % RF_PAGE_SIZE, n = (size_t)least(RF_PAGE_SIZE - in_page, offset + size - at);
        uint64_t pa = rf_pages_get(cache, at / RF_PAGE_SIZE);
        if (pa && into_cache)
            rf_frame_write(k, pa + in_page, bytes + (at - offset), n);
        else if (pa)
            memcpy(bytes + (at - offset), (uint8_t *)rf_frame_host(k, pa) + in_page, n);
        at += n;
    }
}

/* With what mappings have written. */
static int64_t read_current(struct rf_kernel *k, struct rf_inode *inode, void *out, size_t size, uint64_t offset)
{
    int64_t got = read_bytes(k, inode, out, size, offset);
    if (got > 0 && inode->shared_writers)
        copy_cached(k, inode, out, (size_t)got, offset, false);
    return got;
}

static int64_t read_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    return rf_image_read(k, file, uio, pos, read_current);
}

/* --- writing --- */

/* A hole or unwritten block gets n of its bytes, the rest is zero. */
static int64_t fill_block(struct rf_kernel *k, struct rf_inode *inode, const struct rf_ext4_run *was, const uint8_t *bytes,
                          size_t offset, size_t n)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    uint64_t block = m->fs->blocksize, physical;
    uint8_t *whole = calloc(1, block);
    if (!whole)
        return -RF_ENOMEM;
    memcpy(whole + offset, bytes, n);
    int64_t error = rf_ext4_allocate(k, m, rf_ext4_node_of(inode), was->logical, was, &physical);
    if (!error)
        error = rf_ext4_io_write(&m->io, whole, block, physical * block);
    free(whole);
    return error;
}

/* Bytes written, or -errno if none; the size is the caller's to change. */
static int64_t write_bytes(struct rf_kernel *k, struct rf_inode *inode, const uint8_t *bytes, size_t size, uint64_t offset)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    uint64_t block = m->fs->blocksize;
    size_t done = 0;
    int64_t error = 0;
    while (done < size) {
        struct rf_ext4_run run;
        uint64_t at = offset + done, n = least(size - done, block - at % block);
        error = rf_ext4_map(m, node, at / block, &run);
        if (error)
            break;
        if (run.physical && !run.unwritten) {
            n = least(size - done, run.count * block - at % block);
            error = rf_ext4_io_write(&m->io, bytes + done, n, run.physical * block + at % block);
        } else {
            error = fill_block(k, inode, &run, bytes + done, at % block, (size_t)n);
        }
        if (error)
            break;
        done += n;
    }
    return done ? (int64_t)done : error;
}

static int64_t write_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    uint8_t bytes[CHUNK];
    struct rf_inode *inode = file->inode;
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    uint64_t done = 0, most = rf_ext4_size_max(m, rf_ext4_node_of(inode));
    int64_t error = rf_ext4_begin(k, m, 0);
    if (!error && uio->left && *pos >= most)
        error = -RF_EFBIG;
    while (!error && uio->left && *pos < most) {
        size_t got = rf_uio_get(uio, bytes, (size_t)least(least(uio->left, CHUNK), most - *pos));
        int64_t put = got ? write_bytes(k, inode, bytes, got, *pos) : -RF_EFAULT;
        if (put < 0) {
            error = put;
            break;
        }
        copy_cached(k, inode, bytes, (size_t)put, *pos, true);
        *pos += (uint64_t)put;
        done += (uint64_t)put;
        if ((size_t)put < got)
            break;
    }
    if (done) {
        if (*pos > inode->size)
            inode->size = *pos;
        rf_inode_modified(k, inode);
        error = rf_ext4_store(k, inode);
        rf_ext4_end(m);
    }
    return done && !error ? (int64_t)done : error;
}

/* --- seeking --- */

/* The first byte from offset on that is data, or a hole. */
static int64_t find_kind(struct rf_inode *inode, uint64_t offset, bool data)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    uint64_t block = m->fs->blocksize, at = offset;
    while (at < inode->size) {
        struct rf_ext4_run run;
        int64_t error = rf_ext4_map(m, rf_ext4_node_of(inode), at / block, &run);
        if (error)
            return error;
        if ((run.physical && !run.unwritten) == data)
            return (int64_t)at;
        at = (run.logical + run.count) * block;
    }
    return data ? -RF_ENXIO : (int64_t)inode->size;
}

static int64_t seek_file(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    struct rf_inode *inode = file->inode;
    int64_t target, base = whence == RF_SEEK_CUR ? (int64_t)file->pos : whence == RF_SEEK_END ? (int64_t)inode->size : 0;
    if (whence == RF_SEEK_DATA || whence == RF_SEEK_HOLE) {
        if (offset < 0 || (uint64_t)offset >= inode->size)
            return -RF_ENXIO;
        rf_ext4_write_back(k, inode); /* holes that mappings have filled */
        bool is_inline = rf_ext4_node_of(inode)->raw.i_flags & EXT4_INLINE_DATA_FL;
        target = is_inline ? whence == RF_SEEK_DATA ? offset : (int64_t)inode->size
                           : find_kind(inode, (uint64_t)offset, whence == RF_SEEK_DATA);
        if (target < 0)
            return target;
    } else if (__builtin_add_overflow(base, offset, &target) || target < 0 ||
               (uint64_t)target > rf_ext4_size_max(rf_ext4_of(inode), rf_ext4_node_of(inode))) {
        return -RF_EINVAL;
    }
    file->pos = (uint64_t)target;
    return target;
}

const struct rf_file_ops rf_ext4_file_ops = { .read = read_file, .write = write_file, .seek = seek_file };

/* Files with the flags of chattr(1): EPERM. */
int64_t rf_ext4_open(struct rf_kernel *k, struct rf_inode *inode, struct rf_file *file)
{
    uint32_t flags = rf_ext4_node_of(inode)->raw.i_flags;
    (void)k;
    if (!(file->mode & RF_FMODE_WRITE) || !RF_S_ISREG(inode->mode))
        return 0;
    if (flags & EXT2_IMMUTABLE_FL || (flags & EXT2_APPEND_FL && !(file->flags & RF_O_APPEND)))
        return -RF_EPERM;
    return 0;
}

/* --- pages --- */

int64_t rf_ext4_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa)
{
    return rf_image_page(k, inode, &rf_ext4_node_of(inode)->cache, index, pa, read_bytes);
}

static int64_t write_back_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t pa, uint64_t offset, size_t size,
                               bool *changed)
{
    uint8_t there[RF_PAGE_SIZE];
    const uint8_t *page = rf_frame_host(k, pa);
    int64_t got = read_bytes(k, inode, there, size, offset);
    if (got == (int64_t)size && memcmp(there, page, size) == 0)
        return 0;
    int64_t error = rf_ext4_begin(k, rf_ext4_of(inode), 0);
    int64_t put = error ? error : write_bytes(k, inode, page, size, offset);
    *changed = *changed || !error;
    return put == (int64_t)size ? 0 : put < 0 ? put : -RF_EIO;
}

int64_t rf_ext4_write_back(struct rf_kernel *k, struct rf_inode *inode)
{
    const struct rf_ext4_node *node = rf_ext4_node_of(inode);
    if (!inode->shared_writers || !rf_ext4_of(inode)->writable)
        return 0;
    bool changed = false;
    int64_t error = 0;
    for (uint64_t i = rf_pages_next(&node->cache, 0); i != UINT64_MAX; i = rf_pages_next(&node->cache, i + 1)) {
        uint64_t offset = i * RF_PAGE_SIZE;
        if (offset >= inode->size)
            break;
        size_t size = (size_t)least(inode->size - offset, RF_PAGE_SIZE);
        int64_t failed = write_back_page(k, inode, rf_pages_get(&node->cache, i), offset, size, &changed);
        error = error ? error : failed;
    }
    int64_t failed = changed ? rf_ext4_store(k, inode) : 0; /* blocks for what was a hole */
    return error ? error : failed;
}

int64_t rf_ext4_sync(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    if (!RF_S_ISREG(inode->mode) && !RF_S_ISDIR(inode->mode))
        return -RF_EINVAL;
    int64_t error = rf_ext4_write_back(k, inode);
    int64_t flush_error = rf_ext4_flush(k, m, true);
    return error ? error : flush_error;
}

/* --- size --- */

/* Zeros in [start, end) of what is mapped, within one block. */
static int64_t zero_part(struct rf_kernel *k, struct rf_inode *inode, uint64_t start, uint64_t end)
{
    static const uint8_t zeros[RF_PAGE_SIZE];
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    uint64_t block = m->fs->blocksize;
    struct rf_ext4_run run;
    if (start >= end)
        return 0;
    int64_t error = rf_ext4_map(m, rf_ext4_node_of(inode), start / block, &run);
    while (!error && run.physical && !run.unwritten && start < end) {
        size_t n = (size_t)least(end - start, sizeof zeros);
        error = rf_ext4_io_write(&m->io, zeros, n, run.physical * block + start % block);
        start += n;
    }
    (void)k;
    return error;
}

/* The rest of a file's last block and page must read as zeros when the file grows again. */
static int64_t zero_tail(struct rf_kernel *k, struct rf_inode *inode, uint64_t size)
{
    uint64_t block = rf_ext4_of(inode)->fs->blocksize, in_page = size % RF_PAGE_SIZE;
    uint64_t pa = in_page ? rf_pages_get(&rf_ext4_node_of(inode)->cache, size / RF_PAGE_SIZE) : 0;
    if (pa)
        rf_frame_zero(k, pa, in_page, RF_PAGE_SIZE - in_page);
    return size % block ? zero_part(k, inode, size, size - size % block + block) : 0;
}

int64_t rf_ext4_set_size(struct rf_kernel *k, struct rf_inode *inode, uint64_t size)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    if (size > rf_ext4_size_max(m, node))
        return -RF_EFBIG;
    int64_t error = 0;
    if (size < inode->size) {
        error = zero_tail(k, inode, size);
        if (!error)
            error = rf_ext4_unmap(m, node, (size + m->fs->blocksize - 1) / m->fs->blocksize, UINT64_MAX);
        rf_pages_clear(k, &node->cache, (size + RF_PAGE_SIZE - 1) / RF_PAGE_SIZE, UINT64_MAX);
    } else if (size > inode->size) {
        error = zero_tail(k, inode, inode->size);
    }
    if (!error)
        inode->size = size;
    return error;
}

/* Cached pages of a hole that is about to be: frames that hold a part of it get zeros, whole ones go. */
static void punch_cache(struct rf_kernel *k, struct rf_inode *inode, uint64_t start, uint64_t end)
{
    struct rf_pages *cache = &rf_ext4_node_of(inode)->cache;
    uint64_t first = (start + RF_PAGE_SIZE - 1) / RF_PAGE_SIZE, last = end / RF_PAGE_SIZE;
    for (uint64_t at = start; cache->count && at < end;) {
        uint64_t in_page = at % RF_PAGE_SIZE, n = least(RF_PAGE_SIZE - in_page, end - at);
        uint64_t pa = n < RF_PAGE_SIZE ? rf_pages_get(cache, at / RF_PAGE_SIZE) : 0;
        if (pa)
            rf_frame_zero(k, pa, in_page, n);
        at = n < RF_PAGE_SIZE || last <= at / RF_PAGE_SIZE ? at + n : last * RF_PAGE_SIZE; /* whole pages at one go */
    }
    if (first < last) {
        rf_mm_punched(k, inode, first, last);
        rf_pages_clear(k, cache, first, last);
    }
}

int64_t rf_ext4_punch(struct rf_kernel *k, struct rf_inode *inode, uint64_t start, uint64_t end)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    uint64_t block = m->fs->blocksize, first = (start + block - 1) / block, last = end / block;
    int64_t error = rf_ext4_begin(k, m, RF_EXT4_SPARE_BLOCKS);
    if (error || start >= inode->size)
        return error;
    if (end >= inode->size) { /* nothing lies behind the end: the last block goes too */
        end = inode->size;
        last = (end + block - 1) / block;
    }
    punch_cache(k, inode, start, end);
    if (start / block == end / block && last <= start / block) {
        error = zero_part(k, inode, start, end);
    } else {
        if (start % block)
            error = zero_part(k, inode, start, least(first * block, end));
        if (!error && end > last * block)
            error = zero_part(k, inode, last * block, end);
        if (!error && first < last)
            error = rf_ext4_unmap(m, rf_ext4_node_of(inode), first, last);
    }
    rf_inode_modified(k, inode);
    int64_t failed = rf_ext4_store(k, inode);
    rf_ext4_end(m);
    return error ? error : failed;
}

int64_t rf_ext4_fallocate(struct rf_kernel *k, struct rf_inode *inode, uint32_t mode, uint64_t start, uint64_t length)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    uint64_t block = m->fs->blocksize, end = start + length;
    if (mode & RF_FALLOC_FL_PUNCH_HOLE)
        return rf_ext4_punch(k, inode, start, end);
    if (mode & ~(uint32_t)RF_FALLOC_FL_KEEP_SIZE || !(node->raw.i_flags & EXT4_EXTENTS_FL))
        return -RF_EOPNOTSUPP; /* as for files of ext3 */
    if (end > rf_ext4_size_max(m, node))
        return -RF_EFBIG;
    uint64_t first = start / block, count = (end + block - 1) / block - first, holes = 0;
    for (uint64_t at = first; at < first + count;) {
        struct rf_ext4_run run;
        int64_t error = rf_ext4_map(m, node, at, &run);
        if (error)
            return error;
        uint64_t n = least(run.count, first + count - at);
        holes += run.physical ? 0 : n;
        at += n;
    }
    int64_t error = rf_ext4_begin(k, m, holes + (holes ? RF_EXT4_SPARE_BLOCKS + holes / 256 : 0));
    if (error)
        return error;
    if (holes)
        error = rf_ext4_reserve(k, m, node, first, count);
    if (!error && !(mode & RF_FALLOC_FL_KEEP_SIZE) && end > inode->size) {
        error = zero_tail(k, inode, inode->size);
        inode->size = end;
        inode->mtime = rf_now(k);
    }
    inode->ctime = rf_now(k);
    int64_t failed = rf_ext4_store(k, inode);
    rf_ext4_end(m);
    return error ? error : failed;
}
