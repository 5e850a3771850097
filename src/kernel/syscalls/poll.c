/* poll, select and their relatives.
 *
 * A call first asks every file what it is ready for. Only when none is, it asks again with a
 * request, which puts the task on the files' wait queues, and sleeps. */
#include "kernel/syscalls/poll.h"

#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/poll.h"

#include <string.h>

/* --- sleeping --- */

/* One look at everything: how much is ready. With request, the queues are joined too. */
typedef int64_t look(struct rf_kernel *k, void *what, struct rf_poll_request *request);

/* A result, RF_BLOCKED, or -RF_ERESTARTNOHAND. */
static int64_t look_or_sleep(struct rf_kernel *k, look *look_at, void *what, uint64_t timeout_ns)
{
    int64_t ready = look_at(k, what, NULL);
    if (ready || timeout_ns == 0)
        return ready;
    if (timeout_ns != RF_NO_TIMEOUT) {
        rf_sleep_deadline(k, timeout_ns);
        if (rf_deadline_passed(k))
            return 0;
    }
    struct rf_poll_request request = { .k = k, .host_fd = -1 };
    look_at(k, what, &request);
    int64_t result = rf_poll_sleep(&request);
    return result == -RF_ERESTARTSYS ? -RF_ERESTARTNOHAND : result;
}

/* --- the signal mask of ppoll and pselect6 --- */

/* In scratch[3] once the mask of this call is in force. */
#define MASK_SWAPPED 1

int64_t rf_poll_swap_mask(struct rf_kernel *k, uint64_t user, uint64_t size)
{
    struct rf_task *task = k->current;
    uint64_t mask;
    if (!user)
        return 0;
    if (size != sizeof mask)
        return -RF_EINVAL;
    if (task->scratch[3] == MASK_SWAPPED)
        return 0;
    if (RF_GET_USER(k, mask, user))
        return -RF_EFAULT;
    mask &= ~(RF_BIT(RF_SIGKILL - 1) | RF_BIT(RF_SIGSTOP - 1));
    task->saved_blocked = task->blocked;
    task->blocked = mask;
    task->restore_blocked = true;
    task->scratch[3] = MASK_SWAPPED;
    return 0;
}

/* The call is over, unless a handler runs first: then it restores the mask. */
void rf_poll_restore_mask(struct rf_kernel *k, int64_t result)
{
    struct rf_task *task = k->current;
    if (result == -RF_EINTR)
        rf_update_exit_work(k, 0); /* the mask of this call let the signal through */
    if (result == RF_BLOCKED || result == -RF_ERESTARTNOHAND || result == -RF_EINTR ||
        task->scratch[3] != MASK_SWAPPED)
        return;
    task->blocked = task->saved_blocked;
    task->restore_blocked = false;
    task->scratch[3] = 0;
}

/* --- timeouts --- */

static int64_t timespec_to_ns(const struct rf_timespec *t, uint64_t *ns)
{
    if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= 1000000000)
        return -RF_EINVAL;
    uint64_t seconds = (uint64_t)t->tv_sec;
    *ns = seconds > INT64_MAX / 1000000000 - 1 ? INT64_MAX
                                               : seconds * 1000000000 + (uint64_t)t->tv_nsec;
    return 0;
}

int64_t rf_poll_get_timeout(struct rf_kernel *k, uint64_t user, uint64_t *ns)
{
    struct rf_timespec t;
    *ns = RF_NO_TIMEOUT;
    if (!user)
        return 0;
    if (RF_GET_USER(k, t, user))
        return -RF_EFAULT;
    return timespec_to_ns(&t, ns);
}

/* Time left of the call's timeout, as it is told to the program. */
static uint64_t remaining(const struct rf_kernel *k, uint64_t timeout_ns)
{
    uint64_t deadline = k->current->deadline, now = rf_clock_monotonic(k);
    if (!deadline)
        return timeout_ns;
    return deadline > now ? deadline - now : 0;
}

static void put_timespec(struct rf_kernel *k, uint64_t user, uint64_t ns)
{
    struct rf_timespec t = { (int64_t)(ns / 1000000000), (int64_t)(ns % 1000000000) };
    (void)RF_PUT_USER(k, user, t); /* a bad address is overlooked, as in Linux */
}

/* --- poll --- */

struct poll_set {
    struct rf_pollfd *fds;
    uint32_t count;
};

static uint32_t poll_one(struct rf_kernel *k, const struct rf_pollfd *p,
                         struct rf_poll_request *request)
{
    if (p->fd < 0)
        return 0;
    struct rf_file *file = rf_fd_file(k, p->fd);
    if (!file)
        return RF_POLLNVAL;
    uint32_t wanted = (uint16_t)p->events | RF_POLLERR | RF_POLLHUP;
    return rf_file_poll(k, file, request) & wanted;
}

static int64_t look_at_poll(struct rf_kernel *k, void *what, struct rf_poll_request *request)
{
    struct poll_set *set = what;
    int64_t ready = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        set->fds[i].revents = (int16_t)poll_one(k, &set->fds[i], request);
        ready += set->fds[i].revents != 0;
    }
    return ready;
}

static int64_t put_results(struct rf_kernel *k, const struct poll_set *set, uint64_t user)
{
    for (uint32_t i = 0; i < set->count; i++) {
        uint64_t at = user + i * sizeof(struct rf_pollfd) + offsetof(struct rf_pollfd, revents);
        if (RF_PUT_USER(k, at, set->fds[i].revents))
            return -RF_EFAULT;
    }
    return 0;
}

static int64_t do_poll(struct rf_kernel *k, uint64_t user, uint32_t count, uint64_t timeout_ns)
{
    if (count > k->current->process->rlimit[RF_RLIMIT_NOFILE].rlim_cur)
        return -RF_EINVAL;
    struct poll_set set = { .count = count };
    size_t size = (size_t)count * sizeof *set.fds;
    set.fds = rf_kalloc(k, size ? size : 1);
    if (!set.fds)
        return -RF_ENOMEM;
    int64_t result = rf_copy_from_user(k, set.fds, user, size);
    if (result == 0)
        result = look_or_sleep(k, look_at_poll, &set, timeout_ns);
    if (result >= 0 && put_results(k, &set, user))
        result = -RF_EFAULT;
    rf_kfree(k, set.fds);
    return result;
}

static int64_t sys_poll(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t ms = (int32_t)a[2];
    int64_t result = do_poll(k, a[0], (uint32_t)a[1], ms < 0 ? RF_NO_TIMEOUT : (uint64_t)ms * 1000000);
    return result == -RF_ERESTARTNOHAND ? rf_restart_later(k) : result;
}

static int64_t sys_ppoll(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t timeout;
    int64_t result = rf_poll_get_timeout(k, a[2], &timeout);
    if (result == 0)
        result = rf_poll_swap_mask(k, a[3], a[4]);
    if (result)
        return result;
    result = do_poll(k, a[0], (uint32_t)a[1], timeout);
    rf_poll_restore_mask(k, result);
    if (a[2] && result != RF_BLOCKED)
        put_timespec(k, a[2], remaining(k, timeout));
    return result;
}

/* --- select --- */

enum { READ_SET, WRITE_SET, EXCEPT_SET, SETS };

struct select_set {
    unsigned count;       /* descriptors */
    unsigned words;       /* of 64 bits in a set */
    uint64_t *wanted[SETS]; /* NULL: not given */
    uint64_t *ready[SETS];
};

static const uint32_t events_of[SETS] = {
    [READ_SET] = RF_POLLIN | RF_POLLRDNORM | RF_POLLRDBAND | RF_POLLHUP | RF_POLLERR,
    [WRITE_SET] = RF_POLLOUT | RF_POLLWRNORM | RF_POLLWRBAND | RF_POLLERR,
    [EXCEPT_SET] = RF_POLLPRI,
};

static bool wants(const struct select_set *set, int which, unsigned fd)
{
    return set->wanted[which] && (set->wanted[which][fd / 64] & RF_BIT(fd % 64));
}

static int64_t select_one(struct rf_kernel *k, struct select_set *set, unsigned fd,
                          struct rf_poll_request *request)
{
    struct rf_file *file = rf_fd_file(k, (int)fd);
    if (!file)
        return -RF_EBADF;
    uint32_t events = rf_file_poll(k, file, request);
    int64_t ready = 0;
    for (int i = 0; i < SETS; i++) {
        if (!wants(set, i, fd) || !(events & events_of[i]))
            continue;
        set->ready[i][fd / 64] |= RF_BIT(fd % 64);
        ready++;
    }
    return ready;
}

static int64_t look_at_select(struct rf_kernel *k, void *what, struct rf_poll_request *request)
{
    struct select_set *set = what;
    int64_t ready = 0;
    for (unsigned fd = 0; fd < set->count; fd++) {
        if (!wants(set, READ_SET, fd) && !wants(set, WRITE_SET, fd) && !wants(set, EXCEPT_SET, fd))
            continue;
        int64_t result = select_one(k, set, fd, request);
        if (result < 0)
            return result;
        ready += result;
    }
    return ready;
}

/* Bytes that a set of count descriptors has in user memory. */
static size_t user_bytes(const struct select_set *set)
{
    return (size_t)set->words * sizeof(uint64_t);
}

static int64_t get_sets(struct rf_kernel *k, struct select_set *set, uint64_t *memory,
                        const uint64_t user[SETS])
{
    for (int i = 0; i < SETS; i++) {
        set->ready[i] = memory + (size_t)(SETS + i) * set->words;
        if (!user[i])
            continue;
        set->wanted[i] = memory + (size_t)i * set->words;
        if (rf_copy_from_user(k, set->wanted[i], user[i], user_bytes(set)))
            return -RF_EFAULT;
        if (set->count % 64) /* bits past the last descriptor */
            set->wanted[i][set->words - 1] &= RF_BIT(set->count % 64) - 1;
    }
    return 0;
}

static int64_t put_sets(struct rf_kernel *k, const struct select_set *set,
                        const uint64_t user[SETS])
{
    for (int i = 0; i < SETS; i++)
        if (user[i] && rf_copy_to_user(k, user[i], set->ready[i], user_bytes(set)))
            return -RF_EFAULT;
    return 0;
}

static int64_t do_select(struct rf_kernel *k, int count, const uint64_t user[SETS],
                         uint64_t timeout_ns)
{
    if (count < 0)
        return -RF_EINVAL;
    uint32_t most = k->current->files->capacity; /* higher ones cannot be open */
    if (most < RF_FD_SETSIZE)
        most = RF_FD_SETSIZE;
    struct select_set set = { .count = (unsigned)count < most ? (unsigned)count : most };
    set.words = (set.count + 63) / 64;
    uint64_t *memory = rf_kalloc(k, (size_t)(2 * SETS) * (set.words + 1) * sizeof *memory);
    if (!memory)
        return -RF_ENOMEM;
    int64_t result = get_sets(k, &set, memory, user);
    if (result == 0)
        result = look_or_sleep(k, look_at_select, &set, timeout_ns);
    if (result >= 0 && put_sets(k, &set, user))
        result = -RF_EFAULT;
    rf_kfree(k, memory);
    return result;
}

static int64_t sys_select(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t timeout = RF_NO_TIMEOUT;
    struct rf_timeval tv;
    if (a[4]) {
        if (RF_GET_USER(k, tv, a[4]))
            return -RF_EFAULT;
        if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_usec > INT64_MAX / 1000)
            return -RF_EINVAL;
        struct rf_timespec t = { tv.tv_sec + tv.tv_usec / 1000000, tv.tv_usec % 1000000 * 1000 };
        timespec_to_ns(&t, &timeout);
    }
    int64_t result = do_select(k, (int)a[0], a + 1, timeout);
    if (a[4] && result != RF_BLOCKED) {
        uint64_t ns = remaining(k, timeout);
        tv = (struct rf_timeval){ (int64_t)(ns / 1000000000), (int64_t)(ns / 1000 % 1000000) };
        (void)RF_PUT_USER(k, a[4], tv);
    }
    return result;
}

static int64_t sys_pselect6(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t mask[2] = { 0, 0 }, timeout; /* address and size */
    if (a[5] && RF_GET_USER(k, mask, a[5]))
        return -RF_EFAULT;
    int64_t result = rf_poll_get_timeout(k, a[4], &timeout);
    if (result == 0)
        result = rf_poll_swap_mask(k, mask[0], mask[1]);
    if (result)
        return result;
    result = do_select(k, (int)a[0], a + 1, timeout);
    rf_poll_restore_mask(k, result);
    if (a[4] && result != RF_BLOCKED)
        put_timespec(k, a[4], remaining(k, timeout));
    return result;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_poll, sys_poll },
    { RF_NR_ppoll, sys_ppoll },
    { RF_NR_select, sys_select },
    { RF_NR_pselect6, sys_pselect6 },
};
const struct rf_handler_table rf_handlers_poll = RF_HANDLER_TABLE(entries);
