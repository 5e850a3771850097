/* Futexes: what their files share, and the wake-ups that other parts of the kernel make. */
#ifndef RF_KERNEL_SYSCALLS_FUTEX_H
#define RF_KERNEL_SYSCALLS_FUTEX_H

#include "kernel/kernel.h"

struct rf_task;

/* --- futex_queue.c: words and who waits for them --- */

/* What a word is found by: address space and address for private futexes and memory that no other process sees, the
 * file and the offset in it for shared ones. 0, -RF_EINVAL (not aligned) or -RF_EFAULT, which only addresses outside
 * of user space are for private ones (get_futex_key of kernel/futex/core.c). */
int64_t rf_futex_key(struct rf_kernel *k, uint64_t address, bool shared, bool write, uint64_t *key);

/* A waiter's scratch: [0] one of these, [1] the key, [3] its rank. [2]: WAITING, the bitset; WAITING_REQUEUE_PI, the
 * key of the word that it wants to be moved to; WAITING_PI, the owner's thread number. WAITING_MANY: the words are in
 * task->futex_many, and [3] tells which one has woken it. */
enum { RF_FUTEX_IDLE, RF_FUTEX_WAITING, RF_FUTEX_WOKEN, RF_FUTEX_WAITING_PI, RF_FUTEX_INHERITED,
       RF_FUTEX_WAITING_MANY, RF_FUTEX_WAITING_REQUEUE_PI };

/* The words of futex_waitv, as they were found when the wait began: the caller's array may change. */
struct rf_futex_many {
    unsigned count;
    struct {
        uint64_t key, rank;
    } word[];
};

/* A waiter's place in the queue of one word. */
struct rf_futex_place {
    struct rf_task *task;
    uint64_t *key, *rank;
    unsigned kind;  /* RF_FUTEX_WAITING... */
    unsigned index; /* of the word, for WAITING_MANY */
};
/* A new rank, behind all waiters of the task's priority: real-time priorities come first, as they are when the wait
 * begins, then who came first. Never 0. */
uint64_t rf_futex_rank(struct rf_kernel *k, const struct rf_task *task);
/* The first of those on a word whose rank is higher (worse) than `after`; 0: of all. */
bool rf_futex_next(struct rf_kernel *k, uint64_t key, uint64_t after, struct rf_futex_place *place);
/* Make a waiter run. */
void rf_futex_resume(struct rf_kernel *k, struct rf_task *task, unsigned how);
void rf_futex_wake_place(struct rf_kernel *k, const struct rf_futex_place *place);
/* Wake up to `count` waiters, but one at least; those with priority inheritance are -RF_EINVAL. */
int64_t rf_futex_wake_key(struct rf_kernel *k, uint64_t key, int32_t count, uint32_t bitset);

/* From a timespec at a user address, 0 = none. */
int64_t rf_futex_deadline(struct rf_kernel *k, uint64_t user, bool absolute, bool realtime);

/* --- futex_pi.c --- */

int64_t rf_futex_lock_pi(struct rf_kernel *k, const uint64_t a[6], bool try_only);
int64_t rf_futex_unlock_pi(struct rf_kernel *k, const uint64_t a[6]);
/* Take the lock for a task. 1: it is the task's; 0: it is *owner's, and the word says that somebody waits. waiters:
 * say so in any case. */
int64_t rf_futex_pi_acquire(struct rf_kernel *k, uint64_t address, uint64_t key, const struct rf_task *task,
                            bool waiters, struct rf_task **owner);
/* Make it wait for the owner; -RF_EDEADLK: the owner waits for the task. */
int64_t rf_futex_pi_enqueue(struct rf_kernel *k, struct rf_task *task, uint64_t key, const struct rf_task *owner);
/* Sleep in WAITING_PI; interrupted: what a signal makes the result. */
int64_t rf_futex_pi_sleep(struct rf_kernel *k, int64_t interrupted);
/* The heir of a dead owner writes its name into the word. */
int64_t rf_futex_pi_inherit(struct rf_kernel *k, uint64_t address);

/* --- futex_requeue.c --- */

int64_t rf_futex_requeue(struct rf_kernel *k, const uint64_t a[6], bool compare, bool pi);
int64_t rf_futex_wait_requeue_pi(struct rf_kernel *k, const uint64_t a[6]);

/* --- for other parts of the kernel --- */

/* The memory of futex_waitv; freed with the task. */
void rf_futex_forget_many(struct rf_kernel *k, struct rf_task *task);

/* Wake up to `count` waiters on a user address of the current address space. */
int64_t rf_futex_wake(struct rf_kernel *k, uint64_t address, unsigned count);
/* A task has another real-time priority: it has another place among those that wait for its lock. */
void rf_futex_priority_changed(struct rf_kernel *k, struct rf_task *task);

/* The current thread ends or leaves its address space: mark the robust locks it holds and wake their waiters. */
void rf_futex_release_robust(struct rf_kernel *k);
/* The same: hand the locks with priority inheritance that it holds to their next owners. */
void rf_futex_release_pi(struct rf_kernel *k);

#endif
