/* Instances of epoll(7) as open files. */
#ifndef RF_KERNEL_FS_EPOLL_H
#define RF_KERNEL_FS_EPOLL_H

#include "kernel/vfs/vfs.h"

int64_t rf_epoll_create(struct rf_kernel *k, struct rf_file **out);
bool rf_file_is_epoll(const struct rf_file *file);
/* epoll_ctl(2); event may be changed, and is not looked at for EPOLL_CTL_DEL. */
int64_t rf_epoll_control(struct rf_kernel *k, struct rf_file *epoll, int op, struct rf_file *file,
                         int fd, struct rf_epoll_event *event);
/* Write up to `most` ready events to user memory: their number, or -RF_EFAULT. */
int64_t rf_epoll_collect(struct rf_kernel *k, struct rf_file *epoll, uint64_t user, uint32_t most);
/* Sleep until there may be something to collect. */
void rf_epoll_add_changed(struct rf_file *epoll, struct rf_poll_request *request);
/* Only what the files in it would not announce by a wake. */
void rf_epoll_add_unannounced(struct rf_file *epoll, struct rf_poll_request *request);

/* The file's last reference is gone. */
void rf_epoll_forget(struct rf_kernel *k, struct rf_file *file);
/* The program has read or written it: an edge may come again. */
void rf_epoll_used(struct rf_file *file);

#endif
