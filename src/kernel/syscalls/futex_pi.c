/* Futexes with priority inheritance: FUTEX_LOCK_PI and its family (futex(2), "Priority-inheritance
 * futexes"; kernel/futex/pi.c). The word holds the owner's thread number. Whoever must wait sleeps here in
 * the order of futex_queue.c; the unlocking thread, or the end of an owner, hands the lock on. The owner is
 * not lifted to its waiters' priority. */
#include "kernel/syscalls/futex.h"

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

static bool is_in(const struct rf_task *task, unsigned state)
{
    return task->state != RF_TASK_ZOMBIE && task->in_syscall && task->syscall_number == RF_NR_futex &&
           task->scratch[0] == state;
}

/* A dead owner's heir that has not run yet: the word does not name it, but it has the lock. */
static struct rf_task *heir(struct rf_kernel *k, uint64_t key)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (is_in(task, RF_FUTEX_INHERITED) && task->scratch[1] == key)
            return task;
    return NULL;
}

static void tell_owner(struct rf_kernel *k, uint64_t key, const struct rf_task *owner)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (is_in(task, RF_FUTEX_WAITING_PI) && task->scratch[1] == key)
            task->scratch[2] = (uint64_t)owner->tid;
}

static uint32_t number_of(const struct rf_kernel *k, const struct rf_task *task)
{
    return (uint32_t)rf_pid_shown(k, task->tid);
}

/* Somebody waits already, and knows the owner: the word must say the same (attach_to_pi_state). */
static int64_t attach(struct rf_kernel *k, uint32_t word, const struct rf_futex_place *top, struct rf_task **owner)
{
    if (top->kind != RF_FUTEX_WAITING_PI)
        return -RF_EINVAL;
    *owner = rf_task_find(k, (int32_t)top->task->scratch[2]);
    return *owner && (word & RF_FUTEX_TID_MASK) == number_of(k, *owner) ? 0 : -RF_EINVAL;
}

/* The first that waits: the word says so from now on, and the owner comes to the kernel for unlocking. */
static int64_t attach_first(struct rf_kernel *k, uint64_t address, uint32_t word, struct rf_task **owner)
{
    uint32_t contended = word | RF_FUTEX_WAITERS;
    if (RF_PUT_USER(k, address, contended))
        return -RF_EFAULT;
    *owner = rf_task_find(k, rf_pid_given(k, (int32_t)(word & RF_FUTEX_TID_MASK)));
    return *owner && (*owner)->state != RF_TASK_ZOMBIE ? 0 : -RF_ESRCH;
}

int64_t rf_futex_pi_acquire(struct rf_kernel *k, uint64_t address, uint64_t key, const struct rf_task *task,
                            bool waiters, struct rf_task **owner)
{
    struct rf_futex_place top;
    uint32_t word;
    if (RF_GET_USER(k, word, address))
        return -RF_EFAULT;
    *owner = heir(k, key);
    if (*owner)
        return *owner == task ? -RF_EDEADLK : 0;
    if ((word & RF_FUTEX_TID_MASK) == number_of(k, task))
        return -RF_EDEADLK;
    if (rf_futex_next(k, key, 0, &top))
        return attach(k, word, &top, owner);
    if (word & RF_FUTEX_TID_MASK)
        return attach_first(k, address, word, owner);
    uint32_t taken = number_of(k, task) | (word & RF_FUTEX_OWNER_DIED) | (waiters ? RF_FUTEX_WAITERS : 0);
    return RF_PUT_USER(k, address, taken) ? -RF_EFAULT : 1;
}

/* Does the owner wait for a lock of the task's, or of one that waits for it? */
static bool would_deadlock(struct rf_kernel *k, const struct rf_task *task, const struct rf_task *owner)
{
    enum { MOST = 1024 }; /* sysctl kernel.max_lock_depth */
    for (unsigned i = 0; i < MOST; i++) {
        if (owner == task)
            return true;
        if (!owner || !is_in(owner, RF_FUTEX_WAITING_PI))
            return false;
        owner = rf_task_find(k, (int32_t)owner->scratch[2]);
    }
    return true;
}

int64_t rf_futex_pi_enqueue(struct rf_kernel *k, struct rf_task *task, uint64_t key, const struct rf_task *owner)
{
    if (would_deadlock(k, task, owner))
        return -RF_EDEADLK;
    task->scratch[0] = RF_FUTEX_WAITING_PI;
    task->scratch[1] = key;
    task->scratch[2] = (uint64_t)owner->tid;
    task->scratch[3] = rf_futex_rank(k, task);
    return 0;
}

int64_t rf_futex_pi_sleep(struct rf_kernel *k, int64_t interrupted)
{
    if (rf_deadline_passed(k))
        return -RF_ETIMEDOUT;
    return rf_sleep_until_deadline(k) == RF_BLOCKED ? RF_BLOCKED : interrupted;
}

int64_t rf_futex_pi_inherit(struct rf_kernel *k, uint64_t address)
{
    uint32_t word = number_of(k, k->current) | RF_FUTEX_WAITERS | RF_FUTEX_OWNER_DIED;
    return RF_PUT_USER(k, address, word) ? -RF_EFAULT : 0;
}

static int64_t begin_lock(struct rf_kernel *k, const uint64_t a[6], bool try_only)
{
    struct rf_task *owner;
    uint64_t key;
    int64_t result = rf_futex_key(k, a[0], !(a[1] & RF_FUTEX_PRIVATE_FLAG), true, &key);
    if (!result)
        result = rf_futex_pi_acquire(k, a[0], key, k->current, false, &owner);
    if (result)
        return result > 0 ? 0 : result;
    return try_only ? -RF_EAGAIN : rf_futex_pi_enqueue(k, k->current, key, owner);
}

int64_t rf_futex_lock_pi(struct rf_kernel *k, const uint64_t a[6], bool try_only)
{
    struct rf_task *task = k->current;
    if (task->scratch[0] == RF_FUTEX_WOKEN)
        return 0;
    if (task->scratch[0] == RF_FUTEX_INHERITED)
        return rf_futex_pi_inherit(k, a[0]);
    int64_t result = task->scratch[0] == RF_FUTEX_IDLE ? begin_lock(k, a, try_only) : 0;
    return task->scratch[0] == RF_FUTEX_WAITING_PI ? rf_futex_pi_sleep(k, -RF_ERESTARTNOINTR) : result;
}

int64_t rf_futex_unlock_pi(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_futex_place top;
    uint64_t key;
    uint32_t word, next_word = 0;
    if (RF_GET_USER(k, word, a[0]))
        return -RF_EFAULT;
    if ((word & RF_FUTEX_TID_MASK) != number_of(k, k->current))
        return -RF_EPERM;
    int64_t error = rf_futex_key(k, a[0], !(a[1] & RF_FUTEX_PRIVATE_FLAG), true, &key);
    if (error)
        return error;
    bool contended = rf_futex_next(k, key, 0, &top);
    if (contended && (top.kind != RF_FUTEX_WAITING_PI || (int32_t)top.task->scratch[2] != k->current->tid))
        return -RF_EINVAL; /* somebody has played with the word */
    if (contended)
        next_word = RF_FUTEX_WAITERS | number_of(k, top.task);
    if (RF_PUT_USER(k, a[0], next_word))
        return -RF_EFAULT;
    if (contended) {
        rf_futex_resume(k, top.task, RF_FUTEX_WOKEN);
        tell_owner(k, key, top.task);
    }
    return 0;
}

void rf_futex_release_pi(struct rf_kernel *k)
{
    const uint64_t own = (uint64_t)k->current->tid;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        struct rf_futex_place top;
        uint64_t key = task->scratch[1];
        if (!is_in(task, RF_FUTEX_WAITING_PI) || task->scratch[2] != own || !rf_futex_next(k, key, 0, &top) ||
            top.kind != RF_FUTEX_WAITING_PI)
            continue;
        rf_futex_resume(k, top.task, RF_FUTEX_INHERITED);
        tell_owner(k, key, top.task);
    }
}
