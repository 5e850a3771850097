/* What the system calls that wait for files share: signal masks and timeouts. */
#ifndef RF_KERNEL_SYSCALLS_POLL_H
#define RF_KERNEL_SYSCALLS_POLL_H

#include "kernel/kernel.h"

#define RF_NO_TIMEOUT UINT64_MAX

/* Put the mask at `user` (NULL: none) in force for this call. Kept while the call is blocked. */
int64_t rf_poll_swap_mask(struct rf_kernel *k, uint64_t user, uint64_t size);
/* The call is over with this result, unless it is blocked or will be restarted. */
void rf_poll_restore_mask(struct rf_kernel *k, int64_t result);
/* A struct timespec (NULL: RF_NO_TIMEOUT) in nanoseconds: 0, -RF_EFAULT, -RF_EINVAL. */
int64_t rf_poll_get_timeout(struct rf_kernel *k, uint64_t user, uint64_t *ns);

#endif
