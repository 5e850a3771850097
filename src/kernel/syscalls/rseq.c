/* rseq(2): user memory in which a thread finds its CPU's number, and critical sections that start again at an
 * abort handler when the thread was preempted or got a signal in them (kernel/rseq.c). */
#include "kernel/syscalls/rseq.h"

#include "kernel/signal/signal.h"

#include <stddef.h>
#include <string.h>

#define AREA_SIZE 32 /* ORIG_RSEQ_SIZE: size and alignment */

static uint64_t field(const struct rf_task *task, size_t offset)
{
    return task->rseq + offset;
}
#define FIELD(task, member) field(task, offsetof(struct rf_rseq, member))

/* The one CPU, on the one node; or what says that there is none. */
static bool put_numbers(struct rf_kernel *k, const struct rf_task *task, uint32_t cpu)
{
    const uint32_t start = 0, node = 0;
    return !RF_PUT_USER(k, FIELD(task, cpu_id_start), start) && !RF_PUT_USER(k, FIELD(task, cpu_id), cpu) &&
           !RF_PUT_USER(k, FIELD(task, node_id), node);
}

/* --- critical sections --- */

static bool descriptor_good(struct rf_kernel *k, const struct rf_task *task, const struct rf_rseq_cs *cs)
{
    uint32_t signature;
    uint64_t end = cs->start_ip + cs->post_commit_offset;
    return cs->start_ip < RF_TASK_SIZE && end < RF_TASK_SIZE && cs->abort_ip < RF_TASK_SIZE && !cs->version &&
           end >= cs->start_ip && cs->abort_ip - cs->start_ip >= cs->post_commit_offset &&
           !RF_GET_USER(k, signature, cs->abort_ip - sizeof signature) && signature == task->rseq_signature;
}

static bool clear_section(struct rf_kernel *k, const struct rf_task *task)
{
    const uint64_t none = 0;
    return !RF_PUT_USER(k, FIELD(task, rseq_cs), none);
}

/* rseq_ip_fixup. False: the user's data is bad. */
static bool abort_section(struct rf_kernel *k, struct rf_task *task)
{
    uint64_t at;
    uint32_t flags;
    struct rf_rseq_cs cs;
    if (RF_GET_USER(k, at, FIELD(task, rseq_cs)))
        return false;
    if (!at)
        return true;
    if (at >= RF_TASK_SIZE || RF_GET_USER(k, cs, at) || !descriptor_good(k, task, &cs))
        return false;
    if (task->regs->rip - cs.start_ip >= cs.post_commit_offset)
        return clear_section(k, task);
    if (cs.flags || RF_GET_USER(k, flags, FIELD(task, flags)) || flags)
        return false; /* sections that signals or preemption do not abort are no more (Linux 6.1) */
    if (!task->rseq_event)
        return true;
    task->rseq_event = false;
    if (!clear_section(k, task))
        return false;
    task->regs->rip = cs.abort_ip;
    return true;
}

void rf_rseq_resume(struct rf_kernel *k, struct rf_task *task, int signo)
{
    if (signo)
        task->rseq_event = true;
    bool good = abort_section(k, task) && put_numbers(k, task, 0);
    task->rseq_event = false;
    if (good)
        return;
    struct rf_siginfo info = { .si_signo = RF_SIGSEGV, .si_code = RF_SI_KERNEL };
    if (signo == RF_SIGSEGV)
        task->sighand->action[RF_SIGSEGV].handler = RF_SIG_DFL;
    rf_signal_force(k, task, &info);
}

/* --- registration --- */

static int64_t unregister(struct rf_kernel *k, struct rf_task *task, const uint64_t a[6])
{
    if ((uint32_t)a[2] != RF_RSEQ_FLAG_UNREGISTER || !task->rseq || task->rseq != a[0] ||
        (uint32_t)a[1] != AREA_SIZE)
        return -RF_EINVAL;
    if (task->rseq_signature != (uint32_t)a[3])
        return -RF_EPERM;
    if (!put_numbers(k, task, UINT32_MAX)) /* RSEQ_CPU_ID_UNINITIALIZED */
        return -RF_EFAULT;
    rf_rseq_exec(task);
    return 0;
}

static int64_t sys_rseq(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    uint64_t section;
    if ((uint32_t)a[2] & RF_RSEQ_FLAG_UNREGISTER)
        return unregister(k, task, a);
    if ((uint32_t)a[2])
        return -RF_EINVAL;
    if (task->rseq && (task->rseq != a[0] || (uint32_t)a[1] != AREA_SIZE))
        return -RF_EINVAL;
    if (task->rseq)
        return task->rseq_signature == (uint32_t)a[3] ? -RF_EBUSY : -RF_EPERM;
    if (a[0] % AREA_SIZE || (uint32_t)a[1] != AREA_SIZE)
        return -RF_EINVAL;
    /* What lies in the area from an earlier thread must not count (Linux 6.14 and the stable releases then). */
    if (a[0] >= RF_TASK_SIZE || RF_GET_USER(k, section, a[0] + offsetof(struct rf_rseq, rseq_cs)))
        return -RF_EFAULT;
    const uint64_t none = 0;
    if (section && RF_PUT_USER(k, a[0] + offsetof(struct rf_rseq, rseq_cs), none))
        return -RF_EFAULT;
    task->rseq = a[0];
    task->rseq_signature = (uint32_t)a[3];
    task->rseq_event = true; /* the numbers are written on the way back */
    rf_update_exit_work(k, 0);
    return 0;
}

/* Threads register areas of their own; a new process has a copy of its parent's. */
void rf_rseq_fork(struct rf_task *child, const struct rf_task *parent, uint64_t flags)
{
    if (flags & RF_CLONE_VM)
        return;
    child->rseq = parent->rseq;
    child->rseq_signature = parent->rseq_signature;
    child->rseq_event = parent->rseq_event;
}

void rf_rseq_exec(struct rf_task *task)
{
    task->rseq = 0;
    task->rseq_signature = 0;
    task->rseq_event = false;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_rseq, sys_rseq },
};
const struct rf_handler_table rf_handlers_rseq = RF_HANDLER_TABLE(entries);
