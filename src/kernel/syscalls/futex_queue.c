/* The words that futexes wait for, and the order of their waiters: by priority, then first come, first served, as in
 * Linux's plist (kernel/futex/core.c, __futex_queue). */
#include "kernel/syscalls/futex.h"

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

/* --- keys --- */

/* The place of an object, the same in every run, and a number within it, mixed as splitmix64 does. */
static uint64_t mix(const struct rf_kernel *k, const void *object, uint64_t number)
{
    uint64_t z = number * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)((const uint8_t *)object - k->heap.base);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

#define MM_SHARED 2 /* FUT_OFF_MMSHARED: a shared futex in private memory is not the private one there */

int64_t rf_futex_key(struct rf_kernel *k, uint64_t address, bool shared, bool write, uint64_t *key)
{
    struct rf_mm *mm = k->current->mm;
    uint32_t word;
    if (address & 3)
        return -RF_EINVAL;
    if (address >= RF_TASK_SIZE)
        return -RF_EFAULT;
    *key = mix(k, mm, address);
    if (!shared)
        return 0;
    if (RF_GET_USER(k, word, address)) /* a shared one is looked up by its page, which must be there */
        return -RF_EFAULT;
    const struct rf_vma *vma = rf_vma_find(mm, address);
    if (!vma)
        return -RF_EFAULT;
    bool writable = vma->prot & RF_PROT_WRITE, of_file = vma->file && (vma->shared || !writable);
    if (!writable && (write || !of_file))
        return -RF_EFAULT;
    *key = of_file ? mix(k, vma->file->inode, vma->offset + (address - vma->start)) : mix(k, mm, address | MM_SHARED);
    return 0;
}

/* --- ranks and places --- */

#define RANK_PRIORITY_SHIFT 56
#define RANK_PRIORITY (UINT64_C(0xff) << RANK_PRIORITY_SHIFT)

uint64_t rf_futex_rank(struct rf_kernel *k, const struct rf_task *task)
{
    return (uint64_t)(99 - task->rt_priority) << RANK_PRIORITY_SHIFT | ++k->futex_turns;
}

/* What it waits as, RF_FUTEX_IDLE: not at all. A zombie waits no more, whatever its last call has left behind; one
 * that waits for a lock has its place until it runs. */
static unsigned waits_as(const struct rf_task *task)
{
    unsigned nr = task->syscall_number, how = (unsigned)task->scratch[0];
    if (!task->in_syscall || task->state == RF_TASK_ZOMBIE)
        return RF_FUTEX_IDLE;
    if (nr == RF_NR_futex_waitv)
        return how == RF_FUTEX_WAITING_MANY && task->state == RF_TASK_SLEEPING ? how : RF_FUTEX_IDLE;
    if (nr != RF_NR_futex && nr != RF_NR_restart_syscall)
        return RF_FUTEX_IDLE;
    if (how == RF_FUTEX_WAITING_PI)
        return how;
    return (how == RF_FUTEX_WAITING || how == RF_FUTEX_WAITING_REQUEUE_PI) && task->state == RF_TASK_SLEEPING
               ? how
               : RF_FUTEX_IDLE;
}

static void look_at(uint64_t key, uint64_t after, const struct rf_futex_place *place, struct rf_futex_place *best)
{
    if (*place->key == key && *place->rank > after && (!best->task || *place->rank < *best->rank))
        *best = *place;
}

bool rf_futex_next(struct rf_kernel *k, uint64_t key, uint64_t after, struct rf_futex_place *place)
{
    struct rf_futex_place best = { 0 };
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        unsigned kind = waits_as(task);
        if (kind == RF_FUTEX_IDLE)
            continue;
        struct rf_futex_many *many = kind == RF_FUTEX_WAITING_MANY ? task->futex_many : NULL;
        if (!many)
            look_at(key, after, &(struct rf_futex_place){ task, &task->scratch[1], &task->scratch[3], kind, 0 }, &best);
        for (unsigned i = 0; many && i < many->count; i++)
            look_at(key, after, &(struct rf_futex_place){ task, &many->word[i].key, &many->word[i].rank, kind, i }, &best);
    }
    *place = best;
    return best.task;
}

/* --- waking --- */

void rf_futex_resume(struct rf_kernel *k, struct rf_task *task, unsigned how)
{
    task->scratch[0] = how;
    rf_leave_queues(k, task);
    rf_make_runnable(k, task);
    rf_charge(k, RF_EVENT_WAKE, 1);
}

void rf_futex_wake_place(struct rf_kernel *k, const struct rf_futex_place *place)
{
    if (place->kind == RF_FUTEX_WAITING_MANY)
        place->task->scratch[3] = place->index;
    rf_futex_resume(k, place->task, RF_FUTEX_WOKEN);
}

/* futex_wake of kernel/futex/waitwake.c: a waiter that a wake-up must not reach is found only on the way to the last
 * one that is woken, and takes the count away. */
int64_t rf_futex_wake_key(struct rf_kernel *k, uint64_t key, int32_t count, uint32_t bitset)
{
    struct rf_futex_place place;
    int64_t woken = 0;
    for (uint64_t after = 0; rf_futex_next(k, key, after, &place);) {
        after = *place.rank;
        if (place.kind == RF_FUTEX_WAITING_PI || place.kind == RF_FUTEX_WAITING_REQUEUE_PI)
            return -RF_EINVAL;
        if (place.kind == RF_FUTEX_WAITING && !(place.task->scratch[2] & bitset))
            continue;
        rf_futex_wake_place(k, &place);
        if (++woken >= count)
            break;
    }
    return woken;
}

int64_t rf_futex_wake(struct rf_kernel *k, uint64_t address, unsigned count)
{
    uint64_t key;
    int64_t error = rf_futex_key(k, address, true, false, &key);
    return error ? error : rf_futex_wake_key(k, key, (int32_t)count, UINT32_MAX);
}

/* rt_mutex_adjust_pi: as if it had come now. A futex without inheritance does not look. */
void rf_futex_priority_changed(struct rf_kernel *k, struct rf_task *task)
{
    if (waits_as(task) != RF_FUTEX_WAITING_PI)
        return;
    uint64_t rank = rf_futex_rank(k, task);
    if ((rank ^ task->scratch[3]) & RANK_PRIORITY)
        task->scratch[3] = rank;
}
