/* Futexes with priority inheritance: FUTEX_LOCK_PI and its family (futex(2), "Priority-inheritance
 * futexes"; Documentation/locking/pi-futex.rst). The word holds the owner's thread id. Whoever must
 * wait sleeps here, first come, first served; the unlocking thread, or the end of an owner, hands the
 * lock on. The scheduler knows no priorities, so there is none to inherit. */
#include "kernel/syscalls/futex.h"

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

/* A zombie waits no more, whatever its last call has left behind. */
static bool is_in(const struct rf_task *task, unsigned state, uint64_t key)
{
    return task->state != RF_TASK_ZOMBIE && task->in_syscall && task->syscall_number == RF_NR_futex &&
           task->scratch[0] == state && task->scratch[1] == key;
}

static bool is_pi_waiter(const struct rf_task *task, uint64_t key)
{
    return is_in(task, RF_FUTEX_WAITING_PI, key);
}

uint32_t rf_futex_own_tid(const struct rf_kernel *k)
{
    return (uint32_t)rf_pid_shown(k, k->current->tid);
}

/* Who has waited longest. */
static struct rf_task *first_waiter(struct rf_kernel *k, uint64_t key)
{
    struct rf_task *first = NULL;
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (is_pi_waiter(task, key) && (!first || task->scratch[3] < first->scratch[3]))
            first = task;
    return first;
}

/* A dead owner's heir that has not run yet: the word does not name it, but it has the lock. */
static struct rf_task *heir(struct rf_kernel *k, uint64_t key)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (is_in(task, RF_FUTEX_INHERITED, key))
            return task;
    return NULL;
}

static void tell_owner(struct rf_kernel *k, uint64_t key, const struct rf_task *owner)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (is_pi_waiter(task, key))
            task->scratch[2] = (uint64_t)owner->tid;
}

/* The lock is free: take it. */
static int64_t take(struct rf_kernel *k, uint64_t address, uint32_t word)
{
    uint32_t own = rf_futex_own_tid(k) | (word & (RF_FUTEX_OWNER_DIED | RF_FUTEX_WAITERS));
    return RF_PUT_USER(k, address, own) ? -RF_EFAULT : 0;
}

/* Its owner has it: say so in the word, that it comes to the kernel for unlocking. */
static int64_t queue_up(struct rf_kernel *k, uint64_t address, uint32_t word, int32_t owner)
{
    uint32_t contended = word | RF_FUTEX_WAITERS;
    const struct rf_task *task = rf_task_find(k, owner);
    if (!task || task->state == RF_TASK_ZOMBIE)
        return -RF_ESRCH;
    return RF_PUT_USER(k, address, contended) ? -RF_EFAULT : 0;
}

static int64_t sleep_for_lock(struct rf_kernel *k)
{
    if (rf_deadline_passed(k))
        return -RF_ETIMEDOUT;
    int64_t result = rf_sleep_until_deadline(k);
    return result == RF_BLOCKED ? result : -RF_ERESTARTNOINTR;
}

/* The heir of a dead owner finds its name missing in the word. */
static int64_t inherit(struct rf_kernel *k, uint64_t address)
{
    uint32_t word;
    if (RF_GET_USER(k, word, address))
        return -RF_EFAULT;
    word = (word & RF_FUTEX_OWNER_DIED) | RF_FUTEX_WAITERS | rf_futex_own_tid(k);
    return RF_PUT_USER(k, address, word) ? -RF_EFAULT : 0;
}

static int64_t begin_lock(struct rf_kernel *k, uint64_t address, bool try_only)
{
    struct rf_task *task = k->current;
    uint64_t key = rf_futex_key(k, address);
    uint32_t word;
    if (RF_GET_USER(k, word, address))
        return -RF_EFAULT;
    const struct rf_task *next = heir(k, key);
    int32_t owner = next ? next->tid : rf_pid_given(k, (int32_t)(word & RF_FUTEX_TID_MASK));
    if (owner == task->tid)
        return -RF_EDEADLK;
    if (!owner)
        return take(k, address, word);
    int64_t error = queue_up(k, address, word, owner);
    if (error || try_only)
        return error ? error : -RF_EAGAIN;
    task->scratch[0] = RF_FUTEX_WAITING_PI;
    task->scratch[1] = key;
    task->scratch[2] = (uint64_t)owner;
    task->scratch[3] = rf_cpu_cycles(k->cpu);
    return RF_BLOCKED;
}

/* FUTEX_LOCK_PI measures its timeout by the wall clock, FUTEX_LOCK_PI2 by what its flag says. */
int64_t rf_futex_lock_pi(struct rf_kernel *k, const uint64_t a[6], bool try_only)
{
    struct rf_task *task = k->current;
    bool second = ((int)a[1] & RF_FUTEX_CMD_MASK) == RF_FUTEX_LOCK_PI2;
    if (task->scratch[0] == RF_FUTEX_WOKEN)
        return 0;
    if (task->scratch[0] == RF_FUTEX_INHERITED)
        return inherit(k, a[0]);
    if (!second && a[1] & RF_FUTEX_CLOCK_REALTIME)
        return -RF_ENOSYS;
    int64_t result = try_only ? 0 : rf_futex_deadline(k, a[3], true, !second || a[1] & RF_FUTEX_CLOCK_REALTIME);
    if (!result && task->scratch[0] == RF_FUTEX_IDLE)
        result = begin_lock(k, a[0], try_only);
    return task->scratch[0] == RF_FUTEX_WAITING_PI ? sleep_for_lock(k) : result;
}

int64_t rf_futex_unlock_pi(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t key = rf_futex_key(k, a[0]);
    uint32_t word, next_word = 0;
    if (RF_GET_USER(k, word, a[0]))
        return -RF_EFAULT;
    if ((word & RF_FUTEX_TID_MASK) != rf_futex_own_tid(k))
        return -RF_EPERM;
    struct rf_task *next = first_waiter(k, key);
    if (next)
        next_word = RF_FUTEX_WAITERS | (uint32_t)rf_pid_shown(k, next->tid);
    if (RF_PUT_USER(k, a[0], next_word))
        return -RF_EFAULT;
    if (!next)
        return 0;
    rf_futex_resume(k, next, RF_FUTEX_WOKEN);
    tell_owner(k, key, next);
    return 0;
}

void rf_futex_release_pi(struct rf_kernel *k)
{
    const uint64_t own = (uint64_t)k->current->tid;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        uint64_t key = task->scratch[1];
        if (!is_pi_waiter(task, key) || task->scratch[2] != own)
            continue;
        struct rf_task *next = first_waiter(k, key);
        rf_futex_resume(k, next, RF_FUTEX_INHERITED);
        tell_owner(k, key, next);
    }
}
