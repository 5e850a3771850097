/* Pending sets: the first instance of each signal lies beside its bit, further ones of the
 * real-time signals wait in a queue, first come, first served (signal(7), "Queueing"). */
#include "kernel/signal/signal.h"

#include "kernel/task/task.h"

#define FIRST_QUEUED 32 /* SIGRTMIN of the kernel: lower numbers are never pending twice */

/* Where a target keeps its signals: a task for tgkill and faults, a process for kill. */
struct pending {
    uint64_t *set;
    struct rf_siginfo *info; /* by number */
    struct rf_queued_signal **queue;
};

static struct pending of_task(struct rf_task *task)
{
    return (struct pending){ &task->pending, task->info, &task->queued };
}

static struct pending of_process(struct rf_process *process)
{
    return (struct pending){ &process->pending, process->info, &process->queued };
}

static void append(struct rf_kernel *k, const struct pending *p, const struct rf_siginfo *info)
{
    struct rf_queued_signal *node = rf_kalloc(k, sizeof *node), **tail = p->queue;
    if (!node)
        return;
    node->info = *info;
    while (*tail)
        tail = &(*tail)->next;
    *tail = node;
}

static void add(struct rf_kernel *k, const struct pending *p, const struct rf_siginfo *info)
{
    uint64_t bit = RF_SIGMASK(info->si_signo);
    if (!(*p->set & bit))
        p->info[info->si_signo] = *info;
    else if (info->si_signo >= FIRST_QUEUED)
        append(k, p, info);
    *p->set |= bit;
}

/* The bit of a taken signal goes with its last instance. */
static void take(struct rf_kernel *k, const struct pending *p, int signo, struct rf_siginfo *out)
{
    *out = p->info[signo];
    for (struct rf_queued_signal **link = p->queue; *link; link = &(*link)->next) {
        struct rf_queued_signal *node = *link;
        if (node->info.si_signo != signo)
            continue;
        p->info[signo] = node->info;
        *link = node->next;
        rf_kfree(k, node);
        return;
    }
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
        rf_kfree(k, node);
    }
}

void rf_pending_add_task(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info)
{
    struct pending p = of_task(task);
    add(k, &p, info);
}

void rf_pending_add_process(struct rf_kernel *k, struct rf_process *process, const struct rf_siginfo *info)
{
    struct pending p = of_process(process);
    add(k, &p, info);
}

int rf_pending_take(struct rf_kernel *k, struct rf_task *task, uint64_t allowed, uint64_t first,
                    struct rf_siginfo *out)
{
    struct pending own = of_task(task), shared = of_process(task->process);
    const struct pending *p = *own.set & allowed ? &own : &shared;
    uint64_t set = *p->set & allowed;
    if (!set)
        return 0;
    if (set & first)
        set &= first;
    int signo = __builtin_ctzll(set) + 1;
    take(k, p, signo, out);
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
