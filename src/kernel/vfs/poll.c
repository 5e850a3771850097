/* Readiness of open files, and what a poll of them sleeps on. */
#include "kernel/vfs/poll.h"

#include "kernel/task/task.h"

#include <poll.h>

_Static_assert(POLLIN == RF_POLLIN && POLLOUT == RF_POLLOUT && POLLHUP == RF_POLLHUP &&
               POLLERR == RF_POLLERR && POLLPRI == RF_POLLPRI, "the host's poll bits are Linux'");

void rf_poll_add(struct rf_poll_request *request, struct rf_wait_queue *q)
{
    if (!request || request->refused)
        return;
    if (request->watch) {
        request->watch(request, q);
        return;
    }
    int64_t result = rf_sleep_on(request->k, q);
    if (result == RF_BLOCKED)
        request->slept = true;
    else
        request->refused = result;
}

void rf_poll_add_host(struct rf_poll_request *request, int host_fd, short events)
{
    if (!request || (request->host_fd >= 0 && (request->host_events & POLLIN)))
        return;
    if (request->host_fd == host_fd)
        events |= request->host_events;
    request->host_fd = host_fd;
    request->host_events = events;
}

int64_t rf_poll_sleep(struct rf_poll_request *request)
{
    struct rf_kernel *k = request->k;
    if (request->refused) {
        rf_leave_queues(k, k->current);
        k->current->state = RF_TASK_RUNNABLE;
        return request->refused;
    }
    if (request->host_fd >= 0)
        return rf_sleep_on_host(k, request->host_fd, request->host_events);
    return request->slept ? RF_BLOCKED : rf_sleep_until_deadline(k);
}

uint32_t rf_poll_host_now(int host_fd, short events)
{
    struct pollfd p = { .fd = host_fd, .events = events };
    if (poll(&p, 1, 0) <= 0)
        return 0;
    uint32_t ready = (uint32_t)(unsigned short)p.revents;
    if (ready & POLLNVAL)
        return RF_POLLERR;
    if (ready & POLLIN)
        ready |= RF_POLLRDNORM;
    if (ready & POLLOUT)
        ready |= RF_POLLWRNORM;
    return ready;
}

uint32_t rf_file_poll(struct rf_kernel *k, struct rf_file *file, struct rf_poll_request *request)
{
    if (file->ops->poll)
        return file->ops->poll(k, file, request);
    return RF_POLLIN | RF_POLLOUT | RF_POLLRDNORM | RF_POLLWRNORM; /* always ready */
}
