/* Moving bytes between drivers and user memory. */
#include "kernel/vfs/vfs.h"

#include <string.h>

bool rf_user_range_ok(uint64_t address, uint64_t size)
{
    return size <= RF_TASK_SIZE && address <= RF_TASK_SIZE - size;
}

enum direction { PUT, GET, ZERO };

static size_t move_user(struct rf_uio *uio, void *data, uint64_t user, size_t n,
                        enum direction direction)
{
    switch (direction) {
    case PUT: return rf_copy_to_user_partial(uio->k, user, data, n);
    case GET: return rf_copy_from_user_partial(uio->k, data, user, n);
    default: return rf_clear_user_partial(uio->k, user, n);
    }
}

static void move_kernel(uint8_t *kernel, void *data, size_t n, enum direction direction)
{
    switch (direction) {
    case PUT: memcpy(kernel, data, n); break;
    case GET: memcpy(data, kernel, n); break;
    default: memset(kernel, 0, n); break;
    }
}

/* read(2) and write(2) may move less than was asked. */
static bool ends_early(const struct rf_uio *uio)
{
    return uio->moved >= RF_LONG_WORK && rf_must_end_soon(uio->k);
}

static size_t move(struct rf_uio *uio, void *data, size_t n, enum direction direction)
{
    if (n > uio->left)
        n = (size_t)uio->left;
    if (uio->kernel) {
        move_kernel(uio->kernel + uio->offset, data, n, direction);
        uio->offset += n;
        uio->left -= n;
        return n;
    }
    size_t done = 0;
    while (done < n && !ends_early(uio)) {
        const struct rf_iovec *v = &uio->iov[uio->index];
        uint64_t room = v->iov_len - uio->offset;
        if (room == 0) {
            uio->index++;
            uio->offset = 0;
            continue;
        }
        size_t part = n - done < room ? n - done : (size_t)room;
        size_t moved = move_user(uio, data ? (uint8_t *)data + done : NULL,
                                 v->iov_base + uio->offset, part, direction);
        done += moved;
        uio->offset += moved;
        uio->left -= moved;
        uio->moved += moved;
        if (moved < part)
            break;
    }
    return done;
}

size_t rf_uio_put(struct rf_uio *uio, const void *data, size_t n)
{
    return move(uio, (void *)(uintptr_t)data, n, PUT);
}

size_t rf_uio_get(struct rf_uio *uio, void *data, size_t n)
{
    return move(uio, data, n, GET);
}

size_t rf_uio_zero(struct rf_uio *uio, size_t n)
{
    return move(uio, NULL, n, ZERO);
}

void rf_uio_skip(struct rf_uio *uio, uint64_t n)
{
    if (n > uio->left)
        n = uio->left;
    uio->left -= n;
    if (uio->kernel) {
        uio->offset += n;
        return;
    }
    while (n) {
        uint64_t room = uio->iov[uio->index].iov_len - uio->offset;
        if (n < room) {
            uio->offset += n;
            return;
        }
        n -= room;
        uio->index++;
        uio->offset = 0;
    }
}

int rf_uio_user(struct rf_uio *uio, struct rf_kernel *k, struct rf_iovec *iov, uint64_t address,
                uint64_t size)
{
    if (!rf_user_range_ok(address, size))
        return -RF_EFAULT;
    if (size > RF_MAX_RW_COUNT)
        size = RF_MAX_RW_COUNT;
    *iov = (struct rf_iovec){ address, size };
    *uio = (struct rf_uio){ .k = k, .iov = iov, .count = 1, .left = size };
    return 0;
}

void rf_uio_kernel(struct rf_uio *uio, struct rf_kernel *k, void *buffer, uint64_t size)
{
    *uio = (struct rf_uio){ .k = k, .kernel = buffer, .left = size };
}

/* Check each length and address; the total is cut at what one call may move. */
static int check_vectors(struct rf_uio *uio)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < uio->count; i++) {
        struct rf_iovec *v = &uio->iov[i];
        if ((int64_t)v->iov_len < 0)
            return -RF_EINVAL;
        if (!rf_user_range_ok(v->iov_base, v->iov_len))
            return -RF_EFAULT;
        if (v->iov_len > RF_MAX_RW_COUNT - total)
            v->iov_len = RF_MAX_RW_COUNT - total;
        total += v->iov_len;
    }
    uio->left = total;
    return 0;
}

int rf_uio_import(struct rf_uio *uio, struct rf_kernel *k, uint64_t user, uint64_t count)
{
    *uio = (struct rf_uio){ .k = k };
    if (count > RF_UIO_MAXIOV)
        return -RF_EINVAL;
    uio->count = (unsigned)count;
    uio->iov = rf_kalloc(k, (count ? count : 1) * sizeof *uio->iov);
    if (!uio->iov)
        return -RF_ENOMEM;
    int result = rf_copy_from_user(k, uio->iov, user, count * sizeof *uio->iov);
    if (result == 0)
        result = check_vectors(uio);
    if (result)
        rf_uio_free(uio);
    return result;
}

void rf_uio_free(struct rf_uio *uio)
{
    rf_kfree(uio->k, uio->iov);
    uio->iov = NULL;
}
