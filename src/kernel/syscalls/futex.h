/* Futex wake-ups that other parts of the kernel make. */
#ifndef RF_KERNEL_SYSCALLS_FUTEX_H
#define RF_KERNEL_SYSCALLS_FUTEX_H

#include "kernel/kernel.h"

/* Wake up to `count` waiters on a user address of the current address space. */
int64_t rf_futex_wake(struct rf_kernel *k, uint64_t address, unsigned count);

/* The current thread ends: mark the robust locks it holds and wake their waiters. */
void rf_futex_release_robust(struct rf_kernel *k);

#endif
