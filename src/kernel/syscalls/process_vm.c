/* process_vm_readv, process_vm_writev: mm/process_vm_access.c of Linux. */
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

/* The other side's ranges: its addresses are looked at only when they are used. -errno. */
static int64_t import_remote(struct rf_kernel *k, uint64_t user, uint64_t count, struct rf_iovec **out)
{
    *out = NULL;
    if (count > RF_UIO_MAXIOV)
        return -RF_EINVAL;
    *out = rf_kalloc(k, (count ? count : 1) * sizeof **out);
    if (!*out)
        return -RF_ENOMEM;
    if (rf_copy_from_user(k, *out, user, count * sizeof **out))
        return -RF_EFAULT;
    for (uint64_t i = 0; i < count; i++)
        if ((int64_t)(*out)[i].iov_len < 0)
            return -RF_EINVAL;
    return 0;
}

/* One page at most: bytes moved. */
static size_t move_some(struct rf_kernel *k, struct rf_mm *mm, struct rf_uio *local, uint64_t remote, size_t size,
                        bool write)
{
    uint8_t page[RF_PAGE_SIZE];
    if (!write) {
        size_t got = rf_mm_read_remote(k, mm, remote, page, size, false);
        return rf_uio_put(local, page, got);
    }
    size_t got = rf_uio_get(local, page, size);
    return rf_mm_write_remote(k, mm, remote, page, got, false);
}

static int64_t move_all(struct rf_kernel *k, struct rf_mm *mm, struct rf_uio *local, const struct rf_iovec *remote,
                        uint64_t count, bool write)
{
    int64_t done = 0;
    for (uint64_t i = 0; i < count && local->left; i++) {
        uint64_t at = remote[i].iov_base, left = remote[i].iov_len;
        while (left && local->left) {
            uint64_t size = RF_PAGE_SIZE - (at & RF_PAGE_MASK);
            size = size < left ? size : left;
            size = size < local->left ? size : local->left;
            size_t moved = move_some(k, mm, local, at, (size_t)size, write);
            done += (int64_t)moved;
            if (moved < size)
                return done ? done : -RF_EFAULT;
            at += moved;
            left -= moved;
        }
    }
    return done;
}

static int64_t access_process(struct rf_kernel *k, int32_t tid, struct rf_uio *local, const struct rf_iovec *remote,
                              uint64_t count, bool write)
{
    uint64_t total = 0;
    for (uint64_t i = 0; i < count; i++)
        total |= remote[i].iov_len;
    if (!total)
        return 0;
    const struct rf_task *task = rf_task_find(k, rf_pid_given(k, tid));
    if (!task || !task->process)
        return -RF_ESRCH;
    if (!task->mm)
        return -RF_ESRCH;
    int64_t error = rf_may_access_task(k, task, true) ? 0 : -RF_EPERM;
    return error ? error : move_all(k, task->mm, local, remote, count, write);
}

static int64_t process_vm(struct rf_kernel *k, const uint64_t a[6], bool write)
{
    struct rf_uio local;
    struct rf_iovec *remote;
    if (a[5])
        return -RF_EINVAL;
    int64_t result = rf_uio_import(&local, k, a[1], a[2]);
    if (result)
        return result;
    if (local.left) {
        result = import_remote(k, a[3], a[4], &remote);
        if (!result)
            result = access_process(k, (int32_t)a[0], &local, remote, a[4], write);
        rf_kfree(k, remote);
    }
    rf_uio_free(&local);
    return result;
}

static int64_t sys_process_vm_readv(struct rf_kernel *k, const uint64_t a[6])
{
    return process_vm(k, a, false);
}

static int64_t sys_process_vm_writev(struct rf_kernel *k, const uint64_t a[6])
{
    return process_vm(k, a, true);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_process_vm_readv, sys_process_vm_readv },
    { RF_NR_process_vm_writev, sys_process_vm_writev },
};
const struct rf_handler_table rf_handlers_process_vm = RF_HANDLER_TABLE(entries);
