/* System calls that copy between two open files: sendfile(2), copy_file_range(2). */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/vfs/path.h"

#define COPY_CHUNK 16384u

/* From in to out through kernel memory. */
static int64_t copy_chunk(struct rf_kernel *k, struct rf_file *in, uint64_t *in_pos,
                          struct rf_file *out, uint64_t *out_pos, uint8_t *buffer, uint64_t size)
{
    struct rf_uio uio;
    uint64_t start = in_pos ? *in_pos : in->pos;
    rf_uio_kernel(&uio, k, buffer, size < COPY_CHUNK ? size : COPY_CHUNK);
    int64_t got = rf_file_read(k, in, &uio, in_pos);
    if (got <= 0)
        return got;
    rf_uio_kernel(&uio, k, buffer, (uint64_t)got);
    int64_t put = rf_file_write(k, out, &uio, out_pos);
    /* what was read and not written is read again by the next one */
    if (!(in->mode & RF_FMODE_STREAM))
        *(in_pos ? in_pos : &in->pos) = start + (put > 0 ? (uint64_t)put : 0);
    return put;
}

/* scratch[1] tells a later run how far this one came before it had to wait for room; in
 * scratch[0] a pipe keeps what it took of the chunk in hand. */
static int64_t copy_between(struct rf_kernel *k, struct rf_file *in, uint64_t *in_pos,
                            struct rf_file *out, uint64_t *out_pos, uint64_t size)
{
    uint8_t *buffer = rf_kalloc(k, COPY_CHUNK);
    if (!buffer)
        return -RF_ENOMEM;
    uint64_t done = k->current->scratch[1];
    int64_t result = 0;
    if (in_pos)
        *in_pos += done;
    if (size > RF_MAX_RW_COUNT)
        size = RF_MAX_RW_COUNT;
    for (uint64_t moved = 0; done < size && (moved < RF_LONG_WORK || !rf_must_end_soon(k)); moved += (uint64_t)result) {
        result = copy_chunk(k, in, in_pos, out, out_pos, buffer, size - done);
        if (result <= 0)
            break;
        rf_charge(k, RF_EVENT_COPY_CHUNK, 2 * ((uint64_t)result + 63) / 64); /* in and out */
        done += (uint64_t)result;
        k->current->scratch[0] = 0;
    }
    rf_kfree(k, buffer);
    k->current->scratch[1] = done;
    return done && result != RF_BLOCKED ? (int64_t)done : result;
}

static int64_t sys_sendfile(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *in = rf_fd_file(k, (int)a[1]), *out = rf_fd_file(k, (int)a[0]);
    uint64_t pos = 0;
    if (a[2] && RF_GET_USER(k, pos, a[2]))
        return -RF_EFAULT;
    if (!in || !(in->mode & RF_FMODE_READ) || !out || !(out->mode & RF_FMODE_WRITE))
        return -RF_EBADF;
    if (in->mode & RF_FMODE_STREAM)
        return a[2] ? -RF_ESPIPE : -RF_EINVAL;
    if (!RF_S_ISREG(in->inode->mode) || (out->flags & RF_O_APPEND) || (int64_t)pos < 0)
        return -RF_EINVAL;
    int64_t result = copy_between(k, in, a[2] ? &pos : NULL, out, NULL, a[3]);
    if (result >= 0 && a[2] && RF_PUT_USER(k, a[2], pos))
        return -RF_EFAULT;
    return result;
}

static bool ranges_overlap(const struct rf_file *in, uint64_t in_pos, const struct rf_file *out,
                           uint64_t out_pos, uint64_t size)
{
    return in->inode == out->inode && in_pos < out_pos + size && out_pos < in_pos + size;
}

static int64_t sys_copy_file_range(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *in = rf_fd_file(k, (int)a[0]), *out = rf_fd_file(k, (int)a[2]);
    if (!in || !out)
        return -RF_EBADF;
    uint64_t in_pos = in->pos, out_pos = out->pos;
    if ((a[1] && RF_GET_USER(k, in_pos, a[1])) || (a[3] && RF_GET_USER(k, out_pos, a[3])))
        return -RF_EFAULT;
    if (a[5])
        return -RF_EINVAL;
    if (RF_S_ISDIR(in->inode->mode) || RF_S_ISDIR(out->inode->mode))
        return -RF_EISDIR;
    if (!RF_S_ISREG(in->inode->mode) || !RF_S_ISREG(out->inode->mode))
        return -RF_EINVAL;
    if (!(in->mode & RF_FMODE_READ) || !(out->mode & RF_FMODE_WRITE) || (out->flags & RF_O_APPEND))
        return -RF_EBADF;
    if (in->inode->mount != out->inode->mount)
        return -RF_EXDEV;
    uint64_t size = a[4] < RF_MAX_RW_COUNT ? a[4] : RF_MAX_RW_COUNT, end;
    if ((int64_t)in_pos < 0 || (int64_t)out_pos < 0)
        return -RF_EINVAL;
    if (__builtin_add_overflow(in_pos, size, &end) || (int64_t)end < 0)
        return -RF_EOVERFLOW;
    if (ranges_overlap(in, in_pos, out, out_pos, size))
        return -RF_EINVAL;
    int64_t result = copy_between(k, in, &in_pos, out, &out_pos, size);
    if (result <= 0)
        return result;
    int fault = 0;
    if (a[1])
        fault |= RF_PUT_USER(k, a[1], in_pos);
    else
        in->pos = in_pos;
    if (a[3])
        fault |= RF_PUT_USER(k, a[3], out_pos);
    else
        out->pos = out_pos;
    return fault ? -RF_EFAULT : result;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_sendfile, sys_sendfile },
    { RF_NR_copy_file_range, sys_copy_file_range },
};
const struct rf_handler_table rf_handlers_file_copy = RF_HANDLER_TABLE(entries);
