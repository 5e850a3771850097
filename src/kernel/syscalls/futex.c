/* futex: wait and wake by value, with bitsets, requeue and wake_op; robust list head. */
#include "kernel/syscalls/futex.h"

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

/* The place of an object, the same in every run, and a number within it, mixed as splitmix64 does. */
static uint64_t mix(const struct rf_kernel *k, const void *object, uint64_t number)
{
    uint64_t z = number * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)((const uint8_t *)object - k->heap.base);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t rf_futex_key(struct rf_kernel *k, uint64_t address)
{
    struct rf_mm *mm = k->current->mm;
    const struct rf_vma *vma = rf_vma_find(mm, address);
    if (vma && vma->shared && vma->file)
        return mix(k, vma->file->inode, vma->offset + (address - vma->start));
    return mix(k, mm, address);
}

void rf_futex_resume(struct rf_kernel *k, struct rf_task *task, unsigned how)
{
    task->scratch[0] = how;
    rf_leave_queues(k, task);
    rf_make_runnable(k, task);
    rf_charge(k, RF_EVENT_WAKE, 1);
}

static bool is_waiting(const struct rf_task *task, uint64_t key, uint32_t bitset)
{
    if (task->state != RF_TASK_SLEEPING || !task->in_syscall || task->syscall_number != RF_NR_futex)
        return false;
    return task->scratch[0] == RF_FUTEX_WAITING && task->scratch[1] == key && task->scratch[2] & bitset;
}

static int64_t wake_key(struct rf_kernel *k, uint64_t key, unsigned count, uint32_t bitset)
{
    int64_t woken = 0;
    for (struct rf_task *task = k->tasks; task && woken < count; task = task->next_task) {
        uint64_t index;
        if (rf_futex_waits_for(task, key, &index))
            task->scratch[3] = index;
        else if (!is_waiting(task, key, bitset))
            continue;
        rf_futex_resume(k, task, RF_FUTEX_WOKEN);
        woken++;
    }
    return woken;
}

int64_t rf_futex_wake(struct rf_kernel *k, uint64_t address, unsigned count)
{
    return wake_key(k, rf_futex_key(k, address), count, UINT32_MAX);
}

int64_t rf_futex_deadline(struct rf_kernel *k, uint64_t user, bool absolute, bool realtime)
{
    struct rf_timespec t;
    if (!user)
        return 0;
    if (RF_GET_USER(k, t, user))
        return -RF_EFAULT;
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000)
        return -RF_EINVAL;
    uint64_t ns = (uint64_t)t.tv_sec > UINT64_MAX / 1000000000 - 1 ? UINT64_MAX - 1
                                                                    : (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
    uint64_t now = realtime ? rf_clock_realtime(k) : rf_clock_monotonic(k);
    if (absolute)
        ns = ns > now ? ns - now : 0;
    rf_sleep_deadline(k, ns);
    return 0;
}

static int64_t futex_wait(struct rf_kernel *k, const uint64_t a[6], uint32_t bitset, bool absolute)
{
    struct rf_task *task = k->current;
    uint32_t value;
    if (task->scratch[0] == RF_FUTEX_WOKEN)
        return 0;
    if (!bitset)
        return -RF_EINVAL;
    int64_t error = rf_futex_deadline(k, a[3], absolute, a[1] & RF_FUTEX_CLOCK_REALTIME);
    if (error)
        return error;
    if (RF_GET_USER(k, value, a[0]))
        return -RF_EFAULT;
    if (task->scratch[0] == RF_FUTEX_IDLE && value != (uint32_t)a[2])
        return -RF_EAGAIN;
    if (rf_deadline_passed(k))
        return -RF_ETIMEDOUT;
    task->scratch[0] = RF_FUTEX_WAITING;
    task->scratch[1] = rf_futex_key(k, a[0]);
    task->scratch[2] = bitset;
    int64_t result = rf_sleep_until_deadline(k);
    return result == RF_BLOCKED ? result : a[3] ? rf_restart_later(k) : -RF_ERESTARTSYS;
}

static int64_t requeue(struct rf_kernel *k, const uint64_t a[6], bool compare)
{
    uint32_t value;
    uint64_t from = rf_futex_key(k, a[0]);
    if ((int32_t)a[2] < 0 || (int32_t)a[3] < 0)
        return -RF_EINVAL;
    if (RF_GET_USER(k, value, a[4]))
        return -RF_EFAULT;
    if (compare) {
        if (RF_GET_USER(k, value, a[0]))
            return -RF_EFAULT;
        if (value != (uint32_t)a[5])
            return -RF_EAGAIN;
    }
    uint64_t to = rf_futex_key(k, a[4]);
    int64_t done = wake_key(k, from, (unsigned)a[2], UINT32_MAX), moved = 0;
    for (struct rf_task *task = k->tasks; task && moved < (int64_t)(uint32_t)a[3]; task = task->next_task)
        if (is_waiting(task, from, UINT32_MAX)) {
            task->scratch[1] = to;
            moved++;
        }
    return done + (compare ? moved : 0);
}

static int64_t wake_op(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t code = (uint32_t)a[5], old, new, operand = code >> 12 & 0xfff, comparand = code & 0xfff;
    if (code >> 28 & RF_FUTEX_OP_OPARG_SHIFT)
        operand = 1u << (operand & 31);
    if (RF_GET_USER(k, old, a[4]))
        return -RF_EFAULT;
    switch (code >> 28 & 7) {
    case RF_FUTEX_OP_SET: new = operand; break;
    case RF_FUTEX_OP_ADD: new = old + operand; break;
    case RF_FUTEX_OP_OR: new = old | operand; break;
    case RF_FUTEX_OP_ANDN: new = old & ~operand; break;
    case RF_FUTEX_OP_XOR: new = old ^ operand; break;
    default: return -RF_ENOSYS;
    }
    if (RF_PUT_USER(k, a[4], new))
        return -RF_EFAULT;
    int32_t x = (int32_t)old, y = (int32_t)(comparand << 20) >> 20;
    bool holds;
    switch (code >> 24 & 15) {
    case RF_FUTEX_OP_CMP_EQ: holds = x == y; break;
    case RF_FUTEX_OP_CMP_NE: holds = x != y; break;
    case RF_FUTEX_OP_CMP_LT: holds = x < y; break;
    case RF_FUTEX_OP_CMP_LE: holds = x <= y; break;
    case RF_FUTEX_OP_CMP_GT: holds = x > y; break;
    case RF_FUTEX_OP_CMP_GE: holds = x >= y; break;
    default: return -RF_ENOSYS;
    }
    int64_t woken = wake_key(k, rf_futex_key(k, a[0]), (unsigned)a[2], UINT32_MAX);
    return woken + (holds ? wake_key(k, rf_futex_key(k, a[4]), (unsigned)a[3], UINT32_MAX) : 0);
}

static int64_t sys_futex(struct rf_kernel *k, const uint64_t a[6])
{
    if (a[0] & 3)
        return -RF_EINVAL;
    if (a[0] >= RF_TASK_SIZE)
        return -RF_EFAULT;
    switch ((int)a[1] & RF_FUTEX_CMD_MASK) {
    case RF_FUTEX_WAIT: return futex_wait(k, a, UINT32_MAX, false);
    case RF_FUTEX_WAIT_BITSET: return futex_wait(k, a, (uint32_t)a[5], true);
    case RF_FUTEX_WAKE: return wake_key(k, rf_futex_key(k, a[0]), (unsigned)a[2] ? (unsigned)a[2] : 1, UINT32_MAX);
    case RF_FUTEX_WAKE_BITSET:
        return (uint32_t)a[5] ? wake_key(k, rf_futex_key(k, a[0]), (unsigned)a[2], (uint32_t)a[5]) : -RF_EINVAL;
    case RF_FUTEX_REQUEUE: return requeue(k, a, false);
    case RF_FUTEX_CMP_REQUEUE: return requeue(k, a, true);
    case RF_FUTEX_WAKE_OP: return wake_op(k, a);
    case RF_FUTEX_LOCK_PI:
    case RF_FUTEX_LOCK_PI2: return rf_futex_lock_pi(k, a, false);
    case RF_FUTEX_TRYLOCK_PI: return rf_futex_lock_pi(k, a, true);
    case RF_FUTEX_UNLOCK_PI: return rf_futex_unlock_pi(k, a);
    default: return -RF_ENOSYS;
    }
}

static int64_t sys_set_robust_list(struct rf_kernel *k, const uint64_t a[6])
{
    if (a[1] != sizeof(struct rf_robust_list_head))
        return -RF_EINVAL;
    k->current->robust_list = a[0];
    return 0;
}

/* The owner of one robust lock has died (kernel/futex/core.c, handle_futex_death). Bit 0 of the
 * list's pointer: one with priority inheritance, which rf_futex_release_pi hands on. */
static void owner_died(struct rf_kernel *k, uint64_t address, bool is_pi)
{
    uint32_t word;
    if (address & 3 || RF_GET_USER(k, word, address) ||
        (word & RF_FUTEX_TID_MASK) != (uint32_t)k->current->tid)
        return;
    uint32_t marked = (word & RF_FUTEX_WAITERS) | RF_FUTEX_OWNER_DIED;
    if (!RF_PUT_USER(k, address, marked) && word & RF_FUTEX_WAITERS && !is_pi)
        wake_key(k, rf_futex_key(k, address), 1, UINT32_MAX);
}

void rf_futex_release_robust(struct rf_kernel *k)
{
    struct rf_robust_list_head head;
    enum { MOST = 2048 }; /* ROBUST_LIST_LIMIT: the list may be a loop */
    uint64_t at = k->current->robust_list;
    if (!at || RF_GET_USER(k, head, at))
        return;
    uint64_t entry = head.list.next;
    for (unsigned i = 0; i < MOST && entry && (entry & ~UINT64_C(1)) != at; i++) {
        uint64_t next;
        if ((entry & ~UINT64_C(1)) != head.list_op_pending)
            owner_died(k, (entry & ~UINT64_C(1)) + (uint64_t)head.futex_offset, entry & 1);
        if (RF_GET_USER(k, next, entry & ~UINT64_C(1)))
            break;
        entry = next;
    }
    if (head.list_op_pending)
        owner_died(k, (head.list_op_pending & ~UINT64_C(1)) + (uint64_t)head.futex_offset,
                   head.list_op_pending & 1);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_futex, sys_futex },
    { RF_NR_set_robust_list, sys_set_robust_list },
};
const struct rf_handler_table rf_handlers_futex = RF_HANDLER_TABLE(entries);
