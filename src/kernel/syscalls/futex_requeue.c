/* Moving waiters from one word to another: FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, and the pair of
 * FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI, which moves waiters of a condition variable to a lock with
 * priority inheritance (kernel/futex/requeue.c). */
#include "kernel/syscalls/futex.h"

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

/* What a requeue is about. */
struct requeue {
    uint64_t from, to, lock_address;
    int32_t wake, move;
    struct rf_task *owner; /* of the lock */
};

/* Behind those already there, with the priority that it had when its wait began. */
static void move_plain(struct rf_kernel *k, const struct requeue *r, struct rf_futex_place *place)
{
    const uint64_t turn = (UINT64_C(1) << 56) - 1;
    if (r->from == r->to)
        return;
    *place->key = r->to;
    *place->rank = (*place->rank & ~turn) | ++k->futex_turns;
}

/* The first waiter may have the lock at once (futex_proxy_trylock_atomic). 1: it has; 0: *owner has it. */
static int64_t lock_for_first(struct rf_kernel *k, struct requeue *r)
{
    struct rf_futex_place top;
    uint32_t word;
    if (RF_GET_USER(k, word, r->lock_address))
        return -RF_EFAULT;
    if (!rf_futex_next(k, r->from, 0, &top))
        return 0;
    if (top.kind != RF_FUTEX_WAITING_REQUEUE_PI || top.task->scratch[2] != r->to)
        return -RF_EINVAL;
    int64_t result = rf_futex_pi_acquire(k, r->lock_address, r->to, top.task, r->move > 0, &r->owner);
    if (result == 1) {
        r->owner = top.task;
        rf_futex_resume(k, top.task, RF_FUTEX_WOKEN);
    }
    return result;
}

static int64_t move_pi(struct rf_kernel *k, const struct requeue *r, struct rf_futex_place *place)
{
    if (place->task->scratch[2] != r->to)
        return -RF_EINVAL;
    return rf_futex_pi_enqueue(k, place->task, r->to, r->owner);
}

static int64_t move_all(struct rf_kernel *k, struct requeue *r, bool pi)
{
    struct rf_futex_place place;
    int64_t done = pi ? lock_for_first(k, r) : 0;
    if (done < 0)
        return done;
    for (uint64_t after = 0; done - r->wake < r->move && rf_futex_next(k, r->from, after, &place); done++) {
        after = *place.rank;
        if (place.kind == RF_FUTEX_WAITING_PI || pi != (place.kind == RF_FUTEX_WAITING_REQUEUE_PI))
            return -RF_EINVAL;
        int64_t error = 0;
        if (pi)
            error = move_pi(k, r, &place);
        else if (done < r->wake)
            rf_futex_wake_place(k, &place);
        else
            move_plain(k, r, &place);
        if (error)
            return error;
    }
    return done;
}

int64_t rf_futex_requeue(struct rf_kernel *k, const uint64_t a[6], bool compare, bool pi)
{
    struct requeue r = { .lock_address = a[4], .wake = (int32_t)a[2], .move = (int32_t)a[3] };
    bool shared = !(a[1] & RF_FUTEX_PRIVATE_FLAG);
    uint32_t value;
    if (r.wake < 0 || r.move < 0 || (pi && (a[0] == a[4] || r.wake != 1)))
        return -RF_EINVAL;
    int64_t error = rf_futex_key(k, a[0], shared, false, &r.from);
    if (!error)
        error = rf_futex_key(k, a[4], shared, pi, &r.to);
    if (error)
        return error;
    if (pi && r.from == r.to)
        return -RF_EINVAL;
    if (compare && RF_GET_USER(k, value, a[0]))
        return -RF_EFAULT;
    if (compare && value != (uint32_t)a[5])
        return -RF_EAGAIN;
    return move_all(k, &r, pi);
}

/* --- the waiter's side --- */

static int64_t begin_wait(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    bool shared = !(a[1] & RF_FUTEX_PRIVATE_FLAG);
    uint64_t key, lock;
    uint32_t value;
    if (a[0] == a[4])
        return -RF_EINVAL;
    int64_t error = rf_futex_key(k, a[4], shared, true, &lock);
    if (!error)
        error = rf_futex_key(k, a[0], shared, false, &key);
    if (error)
        return error;
    if (RF_GET_USER(k, value, a[0]))
        return -RF_EFAULT;
    if (value != (uint32_t)a[2])
        return -RF_EAGAIN;
    if (key == lock)
        return -RF_EINVAL;
    task->scratch[0] = RF_FUTEX_WAITING_REQUEUE_PI;
    task->scratch[1] = key;
    task->scratch[2] = lock;
    task->scratch[3] = rf_futex_rank(k, task);
    return 0;
}

/* Once it has been moved, a signal cannot restart it: the word has another value by then. */
int64_t rf_futex_wait_requeue_pi(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    if (task->scratch[0] == RF_FUTEX_WOKEN)
        return 0;
    if (task->scratch[0] == RF_FUTEX_INHERITED)
        return rf_futex_pi_inherit(k, a[4]);
    int64_t error = task->scratch[0] == RF_FUTEX_IDLE ? begin_wait(k, a) : 0;
    if (error)
        return error;
    bool moved = task->scratch[0] == RF_FUTEX_WAITING_PI;
    return rf_futex_pi_sleep(k, moved ? -RF_EAGAIN : -RF_ERESTARTNOINTR);
}
