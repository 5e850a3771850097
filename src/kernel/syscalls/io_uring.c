/* io_uring_setup, io_uring_enter, io_uring_register. */
#include "kernel/syscalls/poll.h"
#include "kernel/task/task.h"
#include "kernel/uring/uring.h"

static int64_t sys_io_uring_setup(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_uring_params params;
    struct rf_file *file;
    if (RF_GET_USER(k, params, a[1]))
        return -RF_EFAULT;
    int64_t result = rf_uring_create(k, (uint32_t)a[0], &params, &file);
    if (result)
        return result;
    result = RF_PUT_USER(k, a[1], params);
    if (!result)
        result = rf_fd_install(k, file, 0, true);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

/* The mask and the timeout that a wait is to have. */
static int64_t get_wait(struct rf_kernel *k, const uint64_t a[6], uint64_t *mask, uint64_t *mask_size, uint64_t *timeout)
{
    struct rf_uring_getevents_arg arg;
    *mask = a[4];
    *mask_size = a[5];
    *timeout = RF_NO_TIMEOUT;
    if (!(a[3] & RF_URING_ENTER_EXT_ARG))
        return 0;
    if (a[5] != sizeof arg)
        return -RF_EINVAL;
    if (RF_GET_USER(k, arg, a[4]))
        return -RF_EFAULT;
    *mask = arg.sigmask;
    *mask_size = arg.sigmask_sz;
    return arg.pad ? -RF_EINVAL : rf_poll_get_timeout(k, arg.ts, timeout);
}

/* io_cqring_wait */
static int64_t wait_for(struct rf_kernel *k, struct rf_uring *u, uint32_t least, const uint64_t a[6])
{
    uint64_t mask, mask_size, timeout;
    if (least > u->cq_entries)
        least = u->cq_entries;
    rf_uring_run(k, u);
    rf_uring_flush(k, u);
    int64_t result = get_wait(k, a, &mask, &mask_size, &timeout);
    if (result || rf_uring_ready(k, u) >= least)
        return result;
    result = rf_poll_swap_mask(k, mask, mask_size);
    if (result)
        return result;
    if (timeout != RF_NO_TIMEOUT)
        rf_sleep_deadline(k, timeout);
    if (timeout != RF_NO_TIMEOUT && rf_deadline_passed(k))
        result = -RF_ETIME;
    else
        result = rf_sleep_on(k, &u->changed);
    if (result == -RF_ERESTARTSYS)
        result = -RF_EINTR;
    rf_poll_restore_mask(k, result);
    return result;
}

#define SUBMITTED 1u /* in scratch[1], over the number in scratch[0] */

static int64_t sys_io_uring_enter(struct rf_kernel *k, const uint64_t a[6])
{
    const uint32_t known = RF_URING_ENTER_GETEVENTS | RF_URING_ENTER_SQ_WAKEUP | RF_URING_ENTER_SQ_WAIT |
                           RF_URING_ENTER_EXT_ARG;
    uint32_t flags = (uint32_t)a[3];
    uint64_t *scratch = k->current->scratch;
    if (flags & ~known)
        return -RF_EINVAL;
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    struct rf_uring *u = file ? rf_uring_of(file) : NULL;
    if (!u)
        return file ? -RF_EOPNOTSUPP : -RF_EBADF;
    rf_file_get(file); /* a request may close it */
    if (!scratch[3]) {
        scratch[2] = (uint64_t)rf_uring_submit(k, u, (uint32_t)a[1]);
        scratch[3] = SUBMITTED;
    }
    int64_t submitted = (int64_t)scratch[2];
    int64_t result = 0;
    if (flags & RF_URING_ENTER_GETEVENTS)
        result = wait_for(k, u, (uint32_t)a[2], a);
    rf_file_put(k, file);
    if (result == RF_BLOCKED)
        return result;
    return submitted ? submitted : result;
}

static int64_t sys_io_uring_register(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    struct rf_uring *u = file ? rf_uring_of(file) : NULL;
    if (!u)
        return file ? -RF_EOPNOTSUPP : -RF_EBADF;
    return rf_uring_register(k, u, (uint32_t)a[1], a[2], (uint32_t)a[3]);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_io_uring_setup, sys_io_uring_setup },
    { RF_NR_io_uring_enter, sys_io_uring_enter },
    { RF_NR_io_uring_register, sys_io_uring_register },
};
const struct rf_handler_table rf_handlers_io_uring = RF_HANDLER_TABLE(entries);
