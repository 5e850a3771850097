/* Signal-driven input and output (fcntl(2): F_SETOWN, F_SETSIG, O_ASYNC; fs/fcntl.c of Linux). */
#ifndef RF_KERNEL_VFS_ASYNC_H
#define RF_KERNEL_VFS_ASYNC_H

#include "kernel/vfs/vfs.h"

/* fcntl's commands about owners and signals: the result, or INT64_MAX for other commands. */
int64_t rf_async_fcntl(struct rf_kernel *k, struct rf_file *file, int command, uint64_t argument);
/* O_ASYNC by fcntl or ioctl, for the descriptor fd. Files that announce nothing do not take it: no error. */
int64_t rf_async_set(struct rf_kernel *k, struct rf_file *file, int fd, bool on);
void rf_async_forget(struct rf_kernel *k, struct rf_file *file); /* the file goes */

#endif
