/* futex: wait and wake by value, with bitsets and wake_op; robust lists (futex(2), kernel/futex/syscalls.c). */
#include "kernel/syscalls/futex.h"

#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

static bool is_shared(const uint64_t a[6])
{
    return !(a[1] & RF_FUTEX_PRIVATE_FLAG);
}

int64_t rf_futex_deadline(struct rf_kernel *k, uint64_t user, bool absolute, bool realtime)
{
    struct rf_timespec t;
    if (!user || k->current->deadline)
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

/* --- wait and wake --- */

static int64_t begin_wait(struct rf_kernel *k, const uint64_t a[6], uint32_t bitset)
{
    struct rf_task *task = k->current;
    uint64_t key;
    uint32_t value;
    if (!bitset)
        return -RF_EINVAL;
    int64_t error = rf_futex_key(k, a[0], is_shared(a), false, &key);
    if (error)
        return error;
    if (RF_GET_USER(k, value, a[0]))
        return -RF_EFAULT;
    if (value != (uint32_t)a[2])
        return -RF_EAGAIN;
    task->scratch[0] = RF_FUTEX_WAITING;
    task->scratch[1] = key;
    task->scratch[2] = bitset;
    task->scratch[3] = rf_futex_rank(k, task);
    return 0;
}

static int64_t futex_wait(struct rf_kernel *k, const uint64_t a[6], uint32_t bitset)
{
    struct rf_task *task = k->current;
    if (task->scratch[0] == RF_FUTEX_WOKEN)
        return 0;
    int64_t error = task->scratch[0] == RF_FUTEX_IDLE ? begin_wait(k, a, bitset) : 0;
    if (error)
        return error;
    if (rf_deadline_passed(k))
        return -RF_ETIMEDOUT;
    int64_t result = rf_sleep_until_deadline(k);
    return result == RF_BLOCKED ? result : a[3] ? rf_restart_later(k) : -RF_ERESTARTSYS;
}

static int64_t futex_wake(struct rf_kernel *k, const uint64_t a[6], uint32_t bitset)
{
    uint64_t key;
    if (!bitset)
        return -RF_EINVAL;
    int64_t error = rf_futex_key(k, a[0], is_shared(a), false, &key);
    return error ? error : rf_futex_wake_key(k, key, (int32_t)a[2], bitset);
}

/* --- wake_op --- */

static int32_t signed_12(uint32_t value)
{
    return (int32_t)(value << 20) >> 20;
}

/* futex_atomic_op_inuser of kernel/futex/waitwake.c: an unknown comparison is found after the operation. */
static int64_t change_word(struct rf_kernel *k, uint64_t address, uint32_t code)
{
    uint32_t old, new, operand = (uint32_t)signed_12(code >> 12 & 0xfff);
    if (code >> 28 & RF_FUTEX_OP_OPARG_SHIFT)
        operand = 1u << (operand & 31);
    if ((code >> 28 & 7) > RF_FUTEX_OP_XOR)
        return -RF_ENOSYS;
    if (RF_GET_USER(k, old, address))
        return -RF_EFAULT;
    switch (code >> 28 & 7) {
    case RF_FUTEX_OP_SET: new = operand; break;
    case RF_FUTEX_OP_ADD: new = old + operand; break;
    case RF_FUTEX_OP_OR: new = old | operand; break;
    case RF_FUTEX_OP_ANDN: new = old & ~operand; break;
    default: new = old ^ operand; break;
    }
    if (RF_PUT_USER(k, address, new))
        return -RF_EFAULT;
    int32_t x = (int32_t)old, y = signed_12(code & 0xfff);
    switch (code >> 24 & 15) {
    case RF_FUTEX_OP_CMP_EQ: return x == y;
    case RF_FUTEX_OP_CMP_NE: return x != y;
    case RF_FUTEX_OP_CMP_LT: return x < y;
    case RF_FUTEX_OP_CMP_LE: return x <= y;
    case RF_FUTEX_OP_CMP_GT: return x > y;
    case RF_FUTEX_OP_CMP_GE: return x >= y;
    default: return -RF_ENOSYS;
    }
}

static int64_t wake_op(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t first, second;
    int64_t holds = rf_futex_key(k, a[0], is_shared(a), false, &first);
    if (!holds)
        holds = rf_futex_key(k, a[4], is_shared(a), true, &second);
    if (!holds)
        holds = change_word(k, a[4], (uint32_t)a[5]);
    if (holds < 0)
        return holds;
    int64_t woken = rf_futex_wake_key(k, first, (int32_t)a[2], UINT32_MAX);
    if (woken < 0 || !holds)
        return woken;
    int64_t more = rf_futex_wake_key(k, second, (int32_t)a[3], UINT32_MAX);
    return more < 0 ? more : woken + more;
}

/* --- the call --- */

static int64_t do_futex(struct rf_kernel *k, const uint64_t a[6])
{
    switch ((int)a[1] & RF_FUTEX_CMD_MASK) {
    case RF_FUTEX_WAIT: return futex_wait(k, a, UINT32_MAX);
    case RF_FUTEX_WAIT_BITSET: return futex_wait(k, a, (uint32_t)a[5]);
    case RF_FUTEX_WAKE: return futex_wake(k, a, UINT32_MAX);
    case RF_FUTEX_WAKE_BITSET: return futex_wake(k, a, (uint32_t)a[5]);
    case RF_FUTEX_REQUEUE: return rf_futex_requeue(k, a, false, false);
    case RF_FUTEX_CMP_REQUEUE: return rf_futex_requeue(k, a, true, false);
    case RF_FUTEX_CMP_REQUEUE_PI: return rf_futex_requeue(k, a, true, true);
    case RF_FUTEX_WAIT_REQUEUE_PI: return rf_futex_wait_requeue_pi(k, a);
    case RF_FUTEX_WAKE_OP: return wake_op(k, a);
    case RF_FUTEX_LOCK_PI:
    case RF_FUTEX_LOCK_PI2: return rf_futex_lock_pi(k, a, false);
    case RF_FUTEX_TRYLOCK_PI: return rf_futex_lock_pi(k, a, true);
    case RF_FUTEX_UNLOCK_PI: return rf_futex_unlock_pi(k, a);
    default: return -RF_ENOSYS;
    }
}

/* The timeout is looked at first, then whether the command takes the realtime clock. FUTEX_LOCK_PI has always
 * measured by that, FUTEX_WAIT never. */
static int64_t sys_futex(struct rf_kernel *k, const uint64_t a[6])
{
    int command = (int)a[1] & RF_FUTEX_CMD_MASK;
    bool realtime = a[1] & RF_FUTEX_CLOCK_REALTIME, takes_clock = false, timed = true;
    switch (command) {
    case RF_FUTEX_WAIT:
    case RF_FUTEX_LOCK_PI: break;
    case RF_FUTEX_LOCK_PI2:
    case RF_FUTEX_WAIT_BITSET:
    case RF_FUTEX_WAIT_REQUEUE_PI: takes_clock = true; break;
    default: timed = false;
    }
    int64_t error = timed ? rf_futex_deadline(k, a[3], command != RF_FUTEX_WAIT, realtime || command == RF_FUTEX_LOCK_PI)
                          : 0;
    if (error)
        return error;
    return realtime && !takes_clock ? -RF_ENOSYS : do_futex(k, a);
}

/* --- robust lists --- */

static int64_t sys_set_robust_list(struct rf_kernel *k, const uint64_t a[6])
{
    if (a[1] != sizeof(struct rf_robust_list_head))
        return -RF_EINVAL;
    k->current->robust_list = a[0];
    return 0;
}

/* Bit 0 of a pointer in the list: a lock with priority inheritance, which rf_futex_release_pi hands on. */
#define IS_PI 1u

/* The owner of one robust lock has died (handle_futex_death of kernel/futex/core.c). pending: it may have unlocked it
 * already, and died before it woke anybody. False: the list is no good. */
static bool owner_died(struct rf_kernel *k, const struct rf_robust_list_head *head, uint64_t entry, bool pending)
{
    uint64_t address = (entry & ~(uint64_t)IS_PI) + (uint64_t)head->futex_offset;
    bool is_pi = entry & IS_PI;
    uint32_t word;
    if (address & 3 || RF_GET_USER(k, word, address))
        return false;
    if (pending && !is_pi && !word) {
        rf_futex_wake(k, address, 1);
        return true;
    }
    if ((word & RF_FUTEX_TID_MASK) != (uint32_t)rf_pid_shown(k, k->current->tid))
        return true;
    uint32_t marked = (word & RF_FUTEX_WAITERS) | RF_FUTEX_OWNER_DIED;
    if (RF_PUT_USER(k, address, marked))
        return false;
    if (word & RF_FUTEX_WAITERS && !is_pi)
        rf_futex_wake(k, address, 1);
    return true;
}

void rf_futex_release_robust(struct rf_kernel *k)
{
    struct rf_robust_list_head head;
    enum { MOST = 2048 }; /* ROBUST_LIST_LIMIT: the list may be a loop */
    uint64_t at = k->current->robust_list;
    k->current->robust_list = 0;
    if (!at || RF_GET_USER(k, head, at))
        return;
    uint64_t entry = head.list.next, pending = head.list_op_pending & ~(uint64_t)IS_PI;
    for (unsigned i = 0; i < MOST && (entry & ~(uint64_t)IS_PI) != at; i++) {
        uint64_t next; /* read before the lock's next owner may change it */
        bool more = !RF_GET_USER(k, next, entry & ~(uint64_t)IS_PI);
        if ((entry & ~(uint64_t)IS_PI) != pending && !owner_died(k, &head, entry, false))
            return;
        if (!more)
            break;
        entry = next;
    }
    if (pending)
        owner_died(k, &head, head.list_op_pending, true);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_futex, sys_futex },
    { RF_NR_set_robust_list, sys_set_robust_list },
};
const struct rf_handler_table rf_handlers_futex = RF_HANDLER_TABLE(entries);
