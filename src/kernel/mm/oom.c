/* Out of memory: who has to die for it (mm/oom_kill.c). */
#include "kernel/mm/vma.h"

#include "kernel/frames.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#define ADJUSTMENT_NEVER (-1000) /* OOM_SCORE_ADJ_MIN */

static struct rf_mm *mm_of(const struct rf_kernel *k, const struct rf_process *process)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process == process && task->mm)
            return task->mm;
    return NULL;
}

/* oom_badness: pages of data and tables, moved by what oom_score_adj says of all memory. */
static bool badness(const struct rf_kernel *k, const struct rf_process *process, int64_t *points)
{
    const struct rf_mm *mm = mm_of(k, process);
    if (!mm || mm->oom_victim || process->oom_score_adj == ADJUSTMENT_NEVER)
        return false;
    *points = (int64_t)(mm->resident_pages + mm->table_pages) +
              process->oom_score_adj * ((int64_t)rf_frames_total(k) / 1000);
    return true;
}

/* proc_oom_score of fs/proc/base.c */
int64_t rf_oom_score(const struct rf_kernel *k, const struct rf_process *process)
{
    int64_t points, total = (int64_t)rf_frames_total(k);
    if (!badness(k, process, &points))
        return 0;
    return (1000 + points * 1000 / total) * 2 / 3;
}

static struct rf_process *choose(const struct rf_kernel *k)
{
    struct rf_process *victim = NULL;
    int64_t most = 0, points;
    for (const struct rf_task *task = k->tasks; task; task = task->next_task) {
        struct rf_process *process = task->process;
        if (!process || task != process->leader || !badness(k, process, &points))
            continue;
        if (!victim || points >= most) { /* of equals, the last */
            victim = process;
            most = points;
        }
    }
    return victim;
}

/* Nobody reads its private pages any more: give them back at once (the oom reaper). */
static void reap(struct rf_kernel *k, struct rf_mm *mm)
{
    mm->oom_victim = true;
    for (const struct rf_vma *vma = mm->vmas; vma; vma = vma->next)
        rf_pt_clear_range(k, mm, vma->start, vma->end);
    rf_pt_free_tables(k, mm, 0, RF_BIT(47)); /* what forked lately has little else */
}

/* All processes with the address space die, threads that share it by vfork or clone too. */
static void kill_users(struct rf_kernel *k, const struct rf_mm *mm)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        if (task->mm != mm || task->process->oom_killed)
            continue;
        struct rf_siginfo info = { .si_signo = RF_SIGKILL, .si_code = RF_SI_KERNEL };
        task->process->oom_killed = true;
        rf_signal_send_process(k, task->process, &info);
    }
}

bool rf_out_of_memory(struct rf_kernel *k)
{
    struct rf_mm *current = k->current->mm;
    uint64_t before = rf_frames_free(k);
    while (rf_frames_free(k) == before) {
        struct rf_process *victim = choose(k);
        if (!victim) /* all are dying or protected: whoever needs memory cannot go on */
            victim = k->current->process;
        struct rf_mm *mm = mm_of(k, victim);
        if (!mm)
            mm = current;
        kill_users(k, mm);
        if (mm == current) {
            mm->oom_victim = true;
            return false;
        }
        reap(k, mm);
    }
    return true;
}
