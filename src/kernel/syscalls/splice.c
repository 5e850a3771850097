/* splice(2), tee(2), vmsplice(2): between pipes and files. Pages are copied where Linux may move them, which a program
 * cannot tell but by the time it takes. */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/vfs/notify.h"

#define CHUNK 65536u
#define SPLICE_ALL (RF_SPLICE_F_MOVE | RF_SPLICE_F_NONBLOCK | RF_SPLICE_F_MORE | RF_SPLICE_F_GIFT)

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- the three kinds: bytes moved, 0 at the end, RF_BLOCKED or -errno with nothing moved --- */

static int64_t pipe_to_pipe(struct rf_kernel *k, struct rf_file *in, struct rf_file *out, uint64_t size, bool nonblock,
                            bool keep, uint8_t *buffer)
{
    bool ended;
    if (rf_pipe_is_same(in, out))
        return -RF_EINVAL;
    int64_t result = rf_pipe_wait_filled(k, in, nonblock, &ended);
    if (result || ended)
        return result;
    result = rf_pipe_wait_room(k, out, nonblock);
    if (result)
        return result;
    struct rf_uio uio;
    size_t n = rf_pipe_peek(in, buffer, (size_t)smaller(size, CHUNK));
    rf_uio_kernel(&uio, k, buffer, n);
    result = rf_pipe_fill(k, out, &uio);
    if (result > 0 && !keep)
        rf_pipe_consume(k, in, (size_t)result);
    return result;
}

static int64_t pipe_to_file(struct rf_kernel *k, struct rf_file *in, struct rf_file *out, uint64_t *pos, uint64_t size,
                            bool nonblock, uint8_t *buffer)
{
    int64_t done = 0;
    while (size) {
        bool ended;
        struct rf_uio uio;
        int64_t result = done ? 0 : rf_pipe_wait_filled(k, in, nonblock, &ended);
        if (result)
            return result;
        size_t n = rf_pipe_peek(in, buffer, (size_t)smaller(size, CHUNK));
        if (n == 0)
            break;
        rf_uio_kernel(&uio, k, buffer, n);
        result = rf_file_write(k, out, &uio, pos);
        if (result <= 0)
            return done ? done : result;
        rf_pipe_consume(k, in, (size_t)result);
        done += result;
        size -= (uint64_t)result;
        k->current->scratch[0] = 0;
        if (done >= (int64_t)RF_LONG_WORK && rf_must_end_soon(k))
            break;
    }
    return done;
}

static int64_t file_to_pipe(struct rf_kernel *k, struct rf_file *in, uint64_t *pos, struct rf_file *out, uint64_t size,
                            bool nonblock, uint8_t *buffer)
{
    struct rf_uio uio;
    int64_t result = rf_pipe_wait_room(k, out, nonblock);
    if (result)
        return result;
    rf_uio_kernel(&uio, k, buffer, smaller(smaller(size, rf_pipe_room(out)), CHUNK));
    result = rf_file_read(k, in, &uio, pos);
    if (result <= 0)
        return result;
    rf_uio_kernel(&uio, k, buffer, (uint64_t)result);
    return rf_pipe_fill(k, out, &uio);
}

/* --- splice --- */

/* An offset is for what has a position alone. */
static int64_t take_offset(struct rf_kernel *k, const struct rf_file *file, uint64_t user, uint64_t *pos)
{
    if (!user)
        return 0;
    if (file->mode & RF_FMODE_STREAM)
        return rf_file_is_pipe(file) ? -RF_ESPIPE : -RF_EINVAL;
    if (RF_GET_USER(k, *pos, user))
        return -RF_EFAULT;
    return (int64_t)*pos < 0 ? -RF_EINVAL : 0;
}

static int64_t splice(struct rf_kernel *k, struct rf_file *in, uint64_t *in_pos, struct rf_file *out, uint64_t *out_pos,
                      uint64_t size, bool nonblock)
{
    bool from = rf_file_is_pipe(in), to = rf_file_is_pipe(out);
    if (!from && !to)
        return -RF_EINVAL;
    if (!to && out->flags & RF_O_APPEND)
        return -RF_EINVAL;
    if ((!from && !in->ops->read) || (!to && !out->ops->write))
        return -RF_EINVAL;
    uint8_t *buffer = rf_kalloc(k, CHUNK);
    if (!buffer)
        return -RF_ENOMEM;
    int64_t result = from && to ? pipe_to_pipe(k, in, out, size, nonblock, false, buffer)
                     : from     ? pipe_to_file(k, in, out, out_pos, size, nonblock, buffer)
                                : file_to_pipe(k, in, in_pos, out, size, nonblock, buffer);
    rf_kfree(k, buffer);
    if (result > 0)
        rf_charge(k, RF_EVENT_COPY_CHUNK, ((uint64_t)result + 63) / 64);
    return result;
}

static int64_t sys_splice(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t in_pos, out_pos;
    if (a[4] == 0)
        return 0;
    if ((uint32_t)a[5] & ~(uint32_t)SPLICE_ALL)
        return -RF_EINVAL;
    struct rf_file *in = rf_fd_file(k, (int)a[0]), *out = rf_fd_file(k, (int)a[2]);
    if (!in || !out || !(in->mode & RF_FMODE_READ) || !(out->mode & RF_FMODE_WRITE))
        return -RF_EBADF;
    if ((a[1] && rf_file_is_pipe(in)) || (a[3] && rf_file_is_pipe(out)))
        return -RF_ESPIPE;
    int64_t result = take_offset(k, in, a[1], &in_pos);
    if (!result)
        result = take_offset(k, out, a[3], &out_pos);
    if (!result)
        result = splice(k, in, a[1] ? &in_pos : NULL, out, a[3] ? &out_pos : NULL, smaller(a[4], RF_MAX_RW_COUNT),
                        (uint32_t)a[5] & RF_SPLICE_F_NONBLOCK);
    if (result >= 0 && ((a[1] && RF_PUT_USER(k, a[1], in_pos)) || (a[3] && RF_PUT_USER(k, a[3], out_pos))))
        return -RF_EFAULT;
    return result;
}

static int64_t sys_tee(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[3];
    if (flags & ~(uint32_t)SPLICE_ALL)
        return -RF_EINVAL;
    if (a[2] == 0)
        return 0;
    struct rf_file *in = rf_fd_file(k, (int)a[0]), *out = rf_fd_file(k, (int)a[1]);
    if (!in || !out || !(in->mode & RF_FMODE_READ) || !(out->mode & RF_FMODE_WRITE))
        return -RF_EBADF;
    if (!rf_file_is_pipe(in) || !rf_file_is_pipe(out))
        return -RF_EINVAL;
    uint8_t *buffer = rf_kalloc(k, CHUNK);
    if (!buffer)
        return -RF_ENOMEM;
    int64_t result = pipe_to_pipe(k, in, out, smaller(a[2], RF_MAX_RW_COUNT), flags & RF_SPLICE_F_NONBLOCK, true, buffer);
    rf_kfree(k, buffer);
    return result;
}

/* --- vmsplice --- */

static int64_t sys_vmsplice(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[3];
    struct rf_uio uio;
    if (flags & ~(uint32_t)SPLICE_ALL)
        return -RF_EINVAL;
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    if (!file)
        return -RF_EBADF;
    if (!(file->mode & (RF_FMODE_READ | RF_FMODE_WRITE)))
        return -RF_EBADF;
    int64_t result = rf_uio_import(&uio, k, a[1], a[2]);
    if (result)
        return result;
    if (uio.left && !rf_file_is_pipe(file)) {
        rf_uio_free(&uio);
        return -RF_EBADF;
    }
    bool nonblock = flags & RF_SPLICE_F_NONBLOCK, ended = false;
    if (uio.left && file->mode & RF_FMODE_WRITE) {
        result = rf_pipe_wait_room(k, file, nonblock);
        if (!result)
            result = rf_pipe_fill(k, file, &uio);
    } else if (uio.left) {
        result = rf_pipe_wait_filled(k, file, nonblock, &ended);
        if (!result && !ended)
            result = rf_file_read(k, file, &uio, NULL);
    }
    rf_uio_free(&uio);
    return result;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_splice, sys_splice },
    { RF_NR_tee, sys_tee },
    { RF_NR_vmsplice, sys_vmsplice },
};
const struct rf_handler_table rf_handlers_splice = RF_HANDLER_TABLE(entries);
