/* Collecting what a poll sleeps on. */
#ifndef RF_KERNEL_VFS_POLL_H
#define RF_KERNEL_VFS_POLL_H

#include "kernel/vfs/vfs.h"

struct rf_poll_request {
    struct rf_kernel *k;
    bool slept;        /* the task is on at least one queue */
    int64_t refused;   /* -RF_ERESTARTSYS once a queue refused */
    int host_fd;       /* -1, or a host descriptor to wait for */
    short host_events;
    /* Not NULL: the queues are to be watched, not slept on; called instead of rf_sleep_on. */
    void (*watch)(struct rf_poll_request *request, struct rf_wait_queue *q);
};

/* From a driver's poll: sleep on q too. request may be NULL. */
void rf_poll_add(struct rf_poll_request *request, struct rf_wait_queue *q);
/* Wait for the host descriptor (one per poll: reading wins over writing). */
void rf_poll_add_host(struct rf_poll_request *request, int host_fd, short events);
/* All files have been asked: sleep. RF_BLOCKED, or an error with the task on no queue. */
int64_t rf_poll_sleep(struct rf_poll_request *request);
/* What a host descriptor is ready for now, as RF_POLL* bits. */
uint32_t rf_poll_host_now(int host_fd, short events);

/* Ready events of a file, for polls and drivers without a poll operation. */
uint32_t rf_file_poll(struct rf_kernel *k, struct rf_file *file, struct rf_poll_request *request);

#endif
