/* Futex wake-ups that other parts of the kernel make. */
#ifndef RF_KERNEL_SYSCALLS_FUTEX_H
#define RF_KERNEL_SYSCALLS_FUTEX_H

#include "kernel/kernel.h"

struct rf_task;

/* --- shared by futex.c, futex_pi.c and futex_waitv.c --- */

/* What a word is found by: address space and address (private futexes), or the file and the offset in it
 * (shared ones). */
uint64_t rf_futex_key(struct rf_kernel *k, uint64_t address);

/* What the current task writes into the words of its locks: its thread id, as it sees it. */
uint32_t rf_futex_own_tid(const struct rf_kernel *k);

/* A waiter's scratch: [0] one of these; futex_wait: [1] key, [2] bitset; lock_pi: [1] key, [2] the
 * owner's thread id, [3] when it began to wait; waitv: [3] which one woke it. */
enum { RF_FUTEX_IDLE, RF_FUTEX_WAITING, RF_FUTEX_WOKEN, RF_FUTEX_WAITING_PI, RF_FUTEX_INHERITED,
       RF_FUTEX_WAITING_MANY };

/* From a timespec at a user address, 0 = none. */
int64_t rf_futex_deadline(struct rf_kernel *k, uint64_t user, bool absolute, bool realtime);
/* Make a waiter run. */
void rf_futex_resume(struct rf_kernel *k, struct rf_task *task, unsigned how);

/* The operations with priority inheritance (futex_pi.c). */
int64_t rf_futex_lock_pi(struct rf_kernel *k, const uint64_t a[6], bool try_only);
int64_t rf_futex_unlock_pi(struct rf_kernel *k, const uint64_t a[6]);

/* Does a waiter of futex_waitv wait for the key? Then *index tells for which of its words. */
bool rf_futex_waits_for(const struct rf_task *task, uint64_t key, uint64_t *index);
/* What it remembers beside its scratch; freed with the task. */
struct rf_futex_many;
void rf_futex_forget_many(struct rf_kernel *k, struct rf_task *task);

/* --- for other parts of the kernel --- */

/* Wake up to `count` waiters on a user address of the current address space. */
int64_t rf_futex_wake(struct rf_kernel *k, uint64_t address, unsigned count);

/* The current thread ends: mark the robust locks it holds and wake their waiters. */
void rf_futex_release_robust(struct rf_kernel *k);
/* The same: hand the locks with priority inheritance that it holds to their next owners. */
void rf_futex_release_pi(struct rf_kernel *k);

#endif
