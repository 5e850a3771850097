/* Tasks: allocation and look-up. */
#include "kernel/task/task.h"

#include "kernel/frames.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/futex.h"
#include "kernel/task/identity.h"

struct rf_task *rf_task_find(struct rf_kernel *k, int32_t tid)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->tid == tid)
            return task;
    return NULL;
}

struct rf_process *rf_process_find(struct rf_kernel *k, int32_t pid)
{
    struct rf_task *task = rf_task_find(k, pid);
    return task && task->process->pid == pid ? task->process : NULL;
}

struct rf_task *rf_process_live_thread(struct rf_kernel *k, struct rf_process *process)
{
    if (process->leader->sighand)
        return process->leader;
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process == process && task->sighand)
            return task;
    return NULL;
}

bool rf_task_must_die(const struct rf_task *task)
{
    const struct rf_process *process = task->process;
    return process->exiting || (process->exec_task && process->exec_task != task);
}

struct rf_task *rf_task_create(struct rf_kernel *k)
{
    struct rf_task *task = rf_kalloc(k, sizeof *task);
    if (!task)
        return NULL;
    task->kstack_pa = rf_frame_alloc(k);
    if (!task->kstack_pa) {
        rf_kfree(k, task);
        return NULL;
    }
    uint8_t *top = (uint8_t *)rf_frame_host(k, task->kstack_pa) + RF_KSTACK_BYTES;
    task->regs = (struct rf_pt_regs *)(top - sizeof(struct rf_pt_regs));
    task->host_fd = -1;
    task->tid = k->next_pid++;
    task->state = RF_TASK_SLEEPING;
    struct rf_task **tail = &k->tasks;
    while (*tail)
        tail = &(*tail)->next_task;
    *tail = task;
    return task;
}

void rf_task_free(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_task **link = &k->tasks;
    while (*link && *link != task)
        link = &(*link)->next_task;
    if (*link)
        *link = task->next_task;
    rf_leave_queues(k, task);
    rf_kfree(k, task->trace);
    rf_futex_forget_many(k, task);
    rf_frame_put(k, task->kstack_pa);
    rf_pending_drop_task(k, task, UINT64_MAX);
    if (task->process && --task->process->references == 0) {
        rf_pending_drop_process(k, task->process, UINT64_MAX);
        rf_kfree(k, task->process);
    }
    rf_identity_drop(k, task);
    rf_kfree(k, task);
}
