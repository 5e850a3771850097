/* What other system calls than the signals' own need to send one as kill(2) does. */
#ifndef RF_KERNEL_SYSCALLS_SIGNAL_H
#define RF_KERNEL_SYSCALLS_SIGNAL_H

#include "kernel/kernel.h"

/* A siginfo that says who sends. */
struct rf_siginfo rf_signal_user_info(const struct rf_kernel *k, const struct rf_task *to, int signo, int code);
/* To the process that a thread's number belongs to. info->si_signo may be 0, or be no signal: 0,
 * -RF_ESRCH, -RF_EINVAL, -RF_EPERM, -RF_EAGAIN. */
int64_t rf_signal_send_pid(struct rf_kernel *k, int32_t pid, const struct rf_siginfo *info);

#endif
