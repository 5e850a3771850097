/* epoll_create, epoll_ctl, epoll_wait and their relatives. */
#include "kernel/fs/epoll.h"
#include "kernel/syscalls/poll.h"
#include "kernel/task/task.h"
#include "kernel/vfs/poll.h"

static int64_t create(struct rf_kernel *k, bool close_on_exec)
{
    struct rf_file *file;
    int64_t result = rf_epoll_create(k, &file);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, close_on_exec);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static int64_t sys_epoll_create(struct rf_kernel *k, const uint64_t a[6])
{
    return (int32_t)a[0] <= 0 ? -RF_EINVAL : create(k, false);
}

static int64_t sys_epoll_create1(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[0];
    if (flags & ~(uint32_t)RF_EPOLL_CLOEXEC)
        return -RF_EINVAL;
    return create(k, flags & RF_EPOLL_CLOEXEC);
}

static int64_t sys_epoll_ctl(struct rf_kernel *k, const uint64_t a[6])
{
    int op = (int)a[1], fd = (int)a[2];
    struct rf_epoll_event event = { 0 };
    if (op != RF_EPOLL_CTL_DEL && RF_GET_USER(k, event, a[3]))
        return -RF_EFAULT;
    struct rf_file *epoll = rf_fd_file(k, (int)a[0]), *file = rf_fd_file(k, fd);
    if (!epoll || !file)
        return -RF_EBADF;
    return rf_epoll_control(k, epoll, op, file, fd, &event);
}

static int64_t wait_for_events(struct rf_kernel *k, const uint64_t a[6], uint64_t timeout_ns)
{
    int32_t most = (int32_t)a[2];
    if (most <= 0 || (size_t)most > INT32_MAX / sizeof(struct rf_epoll_event))
        return -RF_EINVAL;
    if (!rf_user_range_ok(a[1], (uint64_t)most * sizeof(struct rf_epoll_event)))
        return -RF_EFAULT;
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    if (!file)
        return -RF_EBADF;
    if (!rf_file_is_epoll(file))
        return -RF_EINVAL;
    int64_t result = rf_epoll_collect(k, file, a[1], (uint32_t)most);
    if (result || timeout_ns == 0)
        return result;
    if (timeout_ns != RF_NO_TIMEOUT) {
        rf_sleep_deadline(k, timeout_ns);
        if (rf_deadline_passed(k))
            return 0;
    }
    struct rf_poll_request request = { .k = k, .host_fd = -1 };
    rf_epoll_add_changed(file, &request);
    result = rf_poll_sleep(&request);
    /* unlike most calls that wait, never restarted (signal(7)) */
    return result == -RF_ERESTARTSYS ? -RF_EINTR : result;
}

static uint64_t milliseconds(uint64_t argument)
{
    int32_t ms = (int32_t)argument;
    return ms < 0 ? RF_NO_TIMEOUT : (uint64_t)ms * 1000000;
}

static int64_t sys_epoll_wait(struct rf_kernel *k, const uint64_t a[6])
{
    return wait_for_events(k, a, milliseconds(a[3]));
}

static int64_t wait_with_mask(struct rf_kernel *k, const uint64_t a[6], uint64_t timeout_ns)
{
    int64_t result = rf_poll_swap_mask(k, a[4], a[5]);
    if (result)
        return result;
    result = wait_for_events(k, a, timeout_ns);
    rf_poll_restore_mask(k, result);
    return result;
}

static int64_t sys_epoll_pwait(struct rf_kernel *k, const uint64_t a[6])
{
    return wait_with_mask(k, a, milliseconds(a[3]));
}

static int64_t sys_epoll_pwait2(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t timeout;
    int64_t result = rf_poll_get_timeout(k, a[3], &timeout);
    return result ? result : wait_with_mask(k, a, timeout);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_epoll_create, sys_epoll_create }, { RF_NR_epoll_create1, sys_epoll_create1 },
    { RF_NR_epoll_ctl, sys_epoll_ctl },       { RF_NR_epoll_wait, sys_epoll_wait },
    { RF_NR_epoll_pwait, sys_epoll_pwait },   { RF_NR_epoll_pwait2, sys_epoll_pwait2 },
};
const struct rf_handler_table rf_handlers_epoll = RF_HANDLER_TABLE(entries);
