/* futex_waitv: wait for one of several words (futex_waitv(2), Documentation/userspace-api/futex2.rst). */
#include "kernel/syscalls/futex.h"

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

#define MOST 128 /* FUTEX_WAITV_MAX */
#define FLAG_32 2u
#define FLAG_PRIVATE 128u

/* struct futex_waitv of linux/futex.h */
struct waiter {
    uint64_t value, address;
    uint32_t flags, reserved;
};

void rf_futex_forget_many(struct rf_kernel *k, struct rf_task *task)
{
    rf_kfree(k, task->futex_many);
    task->futex_many = NULL;
}

static int64_t check_waiter(struct rf_kernel *k, uint64_t array, unsigned i, struct waiter *w)
{
    if (RF_GET_USER(k, *w, array + i * sizeof *w))
        return -RF_EFAULT;
    if (w->flags & ~(FLAG_32 | FLAG_PRIVATE) || !(w->flags & FLAG_32) || w->reserved)
        return -RF_EINVAL;
    return 0;
}

/* All flags are looked at before the first word. */
static int64_t check_all(struct rf_kernel *k, uint64_t array, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct waiter w;
        int64_t error = check_waiter(k, array, i, &w);
        if (error)
            return error;
    }
    return 0;
}

static int64_t look_at_words(struct rf_kernel *k, uint64_t array, struct rf_futex_many *many)
{
    for (unsigned i = 0; i < many->count; i++) {
        struct waiter w;
        uint32_t word;
        int64_t error = check_waiter(k, array, i, &w);
        if (error)
            return error;
        error = rf_futex_key(k, w.address, !(w.flags & FLAG_PRIVATE), false, &many->word[i].key);
        if (error)
            return error;
        if (RF_GET_USER(k, word, w.address))
            return -RF_EFAULT;
        if (word != (uint32_t)w.value)
            return -RF_EAGAIN;
        many->word[i].rank = rf_futex_rank(k, k->current);
    }
    return 0;
}

static int64_t begin_wait(struct rf_kernel *k, uint64_t array, unsigned count)
{
    struct rf_task *task = k->current;
    int64_t error = check_all(k, array, count);
    if (error)
        return error;
    struct rf_futex_many *many = rf_kalloc(k, sizeof *many + count * sizeof many->word[0]);
    if (!many)
        return -RF_ENOMEM;
    many->count = count;
    error = look_at_words(k, array, many);
    rf_futex_forget_many(k, task);
    if (error)
        rf_kfree(k, many);
    else
        task->futex_many = many;
    return error;
}

static int64_t wait_for_any(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    if (task->scratch[0] == RF_FUTEX_WOKEN)
        return (int64_t)task->scratch[3];
    if ((uint32_t)a[2] || (uint32_t)a[1] == 0 || (uint32_t)a[1] > MOST || !a[0])
        return -RF_EINVAL;
    if (a[3] && (int32_t)a[4] != RF_CLOCK_REALTIME && (int32_t)a[4] != RF_CLOCK_MONOTONIC)
        return -RF_EINVAL;
    int64_t error = rf_futex_deadline(k, a[3], true, (int32_t)a[4] == RF_CLOCK_REALTIME);
    if (!error && task->scratch[0] == RF_FUTEX_IDLE)
        error = begin_wait(k, a[0], (unsigned)a[1]);
    if (error)
        return error;
    if (rf_deadline_passed(k))
        return -RF_ETIMEDOUT;
    task->scratch[0] = RF_FUTEX_WAITING_MANY;
    return rf_sleep_until_deadline(k);
}

static int64_t sys_futex_waitv(struct rf_kernel *k, const uint64_t a[6])
{
    int64_t result = wait_for_any(k, a);
    if (result != RF_BLOCKED)
        rf_futex_forget_many(k, k->current);
    return result;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_futex_waitv, sys_futex_waitv },
};
const struct rf_handler_table rf_handlers_futex_waitv = RF_HANDLER_TABLE(entries);
