/* The machine's end: every task that is left gives back what it holds, and goes. Nothing of it is seen by the
 * programs: no signals, no writes to their memory. */
#include "kernel/ipc/msg.h"
#include "kernel/ipc/sem.h"
#include "kernel/mm/mm.h"
#include "kernel/seccomp/seccomp.h"
#include "kernel/signal/posix_timer.h"
#include "kernel/task/itimer.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

static void give_back(struct rf_kernel *k, struct rf_task *task)
{
    rf_sem_forget(k, task);
    rf_msg_forget(k, task);
    rf_seccomp_release(k, task);
    rf_fd_table_put(k, task->files);
    task->files = NULL;
    if (task->fs)
        rf_fs_context_put(k, task->fs);
    task->fs = NULL;
    if (task->mm)
        rf_mm_put(k, task->mm);
    task->mm = NULL;
    if (task->sighand && --task->sighand->references == 0)
        rf_kfree(k, task->sighand);
    task->sighand = NULL;
}

static void stop_timers(struct rf_kernel *k, struct rf_task *task)
{
    if (!task->process)
        return; /* the first, when there was no memory for it */
    rf_posix_timers_thread_ended(k, task);
    if (task != task->process->leader)
        return;
    rf_itimer_stop_all(k, task->process);
    rf_posix_timers_delete_all(k, task->process);
}

void rf_tasks_release(struct rf_kernel *k)
{
    struct rf_task *last = k->current;
    k->current = NULL; /* nobody runs any more */
    k->run_first = k->run_last = NULL;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        rf_leave_queues(k, task);
        task->state = RF_TASK_ZOMBIE; /* and nobody is woken */
    }
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        stop_timers(k, task);
    k->current = last; /* drivers may look at who closes */
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        give_back(k, task);
    k->current = NULL;
    while (k->tasks)
        rf_task_free(k, k->tasks);
    k->init = k->reap = NULL;
}
