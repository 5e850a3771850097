/* Pending sets: a bit for each signal, and a queue of their instances, first come, first served
 * (signal(7), "Queueing"). Standard signals are queued once, real-time signals and those of POSIX
 * timers each time. A bit without an instance is a signal whose information found no room. */
#include "kernel/signal/signal.h"

#include "kernel/signal/posix_timer.h"
#include "kernel/task/itimer.h"
#include "kernel/task/task.h"

#define FIRST_QUEUED 32 /* SIGRTMIN of the kernel: lower numbers are never pending twice */

/* Where a target keeps its signals: a task for tgkill and faults, a process for kill. */
struct pending {
    uint64_t *set;
    struct rf_queued_signal **queue;
};

static struct pending of_task(struct rf_task *task)
{
    return (struct pending){ &task->pending, &task->queued };
}

static struct pending of_process(struct rf_process *process)
{
    return (struct pending){ &process->pending, &process->queued };
}

static uint64_t count_queue(const struct rf_queued_signal *node, uint32_t uid)
{
    uint64_t count = 0;
    for (; node; node = node->next)
        count += !node->timer && node->uid == uid;
    return count;
}

bool rf_pending_has_room(struct rf_kernel *k, const struct rf_task *target)
{
    uint64_t limit = target->process->rlimit[RF_RLIMIT_SIGPENDING].rlim_cur, count = 0;
    uint32_t uid = target->credentials.uid;
    if (limit == RF_RLIM_INFINITY)
        return true;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        count += count_queue(task->queued, uid);
        if (task != task->process->leader)
            continue;
        count += count_queue(task->process->queued, uid);
        if (task->credentials.uid == uid)
            count += rf_posix_timer_count(task->process);
    }
    return count < limit;
}

static void append(const struct pending *p, struct rf_queued_signal *node)
{
    struct rf_queued_signal **tail = p->queue;
    node->next = NULL;
    while (*tail)
        tail = &(*tail)->next;
    *tail = node;
    *p->set |= RF_SIGMASK(node->info.si_signo);
}

/* Over the limit, a signal of kill(2) or of the kernel is still pending, without its information;
 * a real-time signal of sigqueue(3) is refused (kernel/signal.c, __send_signal_locked). */
static int64_t add(struct rf_kernel *k, const struct rf_task *target, const struct pending *p,
                   const struct rf_siginfo *info)
{
    uint64_t bit = RF_SIGMASK(info->si_signo);
    bool realtime = info->si_signo >= FIRST_QUEUED;
    if (!realtime && *p->set & bit)
        return 0;
    bool counted = realtime || info->si_code < 0;
    struct rf_queued_signal *node =
        counted && !rf_pending_has_room(k, target) ? NULL : rf_kalloc(k, sizeof *node);
    if (!node) {
        if (realtime && info->si_code != RF_SI_USER)
            return -RF_EAGAIN;
        *p->set |= bit;
        return 0;
    }
    node->info = *info;
    node->uid = target->credentials.uid;
    append(p, node);
    return 0;
}

static bool still_queued(const struct pending *p, int signo)
{
    for (const struct rf_queued_signal *node = *p->queue; node; node = node->next)
        if (node->info.si_signo == signo)
            return true;
    return false;
}

/* The bit of a taken signal goes with its last instance. */
static void take(struct rf_kernel *k, const struct pending *p, int signo, struct rf_siginfo *out)
{
    *out = (struct rf_siginfo){ .si_signo = signo, .si_code = RF_SI_USER };
    for (struct rf_queued_signal **link = p->queue; *link; link = &(*link)->next) {
        struct rf_queued_signal *node = *link;
        if (node->info.si_signo != signo)
            continue;
        *link = node->next;
        *out = node->info;
        if (node->timer)
            rf_posix_timer_delivered(k, node->timer, out);
        else
            rf_kfree(k, node);
        break;
    }
    if (!still_queued(p, signo))
        *p->set &= ~RF_SIGMASK(signo);
}

static void drop(struct rf_kernel *k, const struct pending *p, uint64_t set)
{
    *p->set &= ~set;
    for (struct rf_queued_signal **link = p->queue; *link;) {
        struct rf_queued_signal *node = *link;
        if (!(RF_SIGMASK(node->info.si_signo) & set)) {
            link = &node->next;
            continue;
        }
        *link = node->next;
        if (node->timer)
            rf_posix_timer_dropped(k, node->timer);
        else
            rf_kfree(k, node);
    }
}

static bool unlink_node(const struct pending *p, struct rf_queued_signal *node)
{
    int signo = node->info.si_signo;
    for (struct rf_queued_signal **link = p->queue; *link; link = &(*link)->next) {
        if (*link != node)
            continue;
        *link = node->next;
        if (!still_queued(p, signo))
            *p->set &= ~RF_SIGMASK(signo);
        return true;
    }
    return false;
}

int64_t rf_pending_add_task(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info)
{
    struct pending p = of_task(task);
    return add(k, task, &p, info);
}

int64_t rf_pending_add_process(struct rf_kernel *k, struct rf_process *process, const struct rf_siginfo *info)
{
    struct pending p = of_process(process);
    return add(k, process->leader, &p, info);
}

void rf_pending_force(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info)
{
    struct pending p = of_task(task);
    drop(k, &p, RF_SIGMASK(info->si_signo)); /* what the fault has to say comes first */
    add(k, task, &p, info);
}

void rf_pending_add_timer(struct rf_process *process, struct rf_task *task, struct rf_queued_signal *node)
{
    struct pending p = task ? of_task(task) : of_process(process);
    append(&p, node);
}

void rf_pending_remove_timer(struct rf_kernel *k, struct rf_process *process, struct rf_queued_signal *node)
{
    struct pending p = of_process(process);
    if (unlink_node(&p, node))
        return;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        p = of_task(task);
        if (task->process == process && unlink_node(&p, node))
            return;
    }
}

int rf_pending_take(struct rf_kernel *k, struct rf_task *task, uint64_t allowed, uint64_t first,
                    struct rf_siginfo *out)
{
    struct pending own = of_task(task), shared = of_process(task->process);
    if (*own.set & RF_SIGMASK(RF_SIGKILL) || *shared.set & RF_SIGMASK(RF_SIGKILL))
        allowed &= RF_SIGMASK(RF_SIGKILL); /* nothing comes before death */
    const struct pending *p = *own.set & allowed ? &own : &shared;
    uint64_t set = *p->set & allowed;
    if (!set)
        return 0;
    if (set & first)
        set &= first;
    int signo = __builtin_ctzll(set) + 1;
    take(k, p, signo, out);
    if (p == &shared && signo == RF_SIGALRM)
        rf_itimer_delivered(k, task->process);
    return signo;
}

void rf_pending_drop_task(struct rf_kernel *k, struct rf_task *task, uint64_t set)
{
    struct pending p = of_task(task);
    drop(k, &p, set);
}

void rf_pending_drop_process(struct rf_kernel *k, struct rf_process *process, uint64_t set)
{
    struct pending p = of_process(process);
    drop(k, &p, set);
}
