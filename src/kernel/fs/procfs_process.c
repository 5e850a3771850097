/* Texts of /proc/<pid>: what a process is, and its address space. */
#include "kernel/fs/epoll.h"
#include "kernel/fs/procfs.h"
#include "kernel/mm/mm.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/seccomp/seccomp.h"
#include "kernel/start.h"
#include "kernel/task/clock.h"

#include <stdio.h>
#include <string.h>

int64_t rf_proc_file_name(struct rf_kernel *k, struct rf_file *file, char *out, size_t size)
{
    if (file->dentry)
        return rf_file_path(k, file, out, size);
    const struct rf_inode *inode = file->inode;
    unsigned long long ino = inode->ino;
    int length;
    if (file->ops == &rf_stdio_ops && rf_stdio_is_tty(inode))
        length = snprintf(out, size, "/dev/tty");
    else if (RF_S_ISFIFO(inode->mode))
        length = snprintf(out, size, "pipe:[%llu]", ino);
    else if (RF_S_ISSOCK(inode->mode))
        length = snprintf(out, size, "socket:[%llu]", ino);
    else if (file->ops == &rf_stdio_ops)
        length = snprintf(out, size, "host:[%llu]", ino);
    else
        length = snprintf(out, size, "anon_inode:[%s]", file->ops->anonymous ? file->ops->anonymous : "unknown");
    return length < 0 || (size_t)length >= size ? -RF_ENAMETOOLONG : length;
}

void rf_proc_pid_comm(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k;
    rf_text_add(out, "%.*s\n", (int)sizeof task->comm, task->comm);
}

void rf_proc_pid_cmdline(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    struct rf_mm *mm = task->mm;
    if (!mm || mm->arg_end <= mm->arg_start)
        return;
    uint8_t bytes[256];
    for (uint64_t at = mm->arg_start; at < mm->arg_end;) {
        size_t n = mm->arg_end - at < sizeof bytes ? (size_t)(mm->arg_end - at) : sizeof bytes;
        if (!rf_peek_user(k, mm, at, bytes, n))
            return;
        rf_text_bytes(out, bytes, n);
        at += n;
    }
}

/* --- status and stat --- */

static char state_of(const struct rf_task *task)
{
    static const char letters[] = { [RF_TASK_RUNNABLE] = 'R', [RF_TASK_SLEEPING] = 'S',
                                    [RF_TASK_STOPPED] = 'T', [RF_TASK_TRACED] = 't', [RF_TASK_ZOMBIE] = 'Z' };
    return task->state == RF_TASK_SLEEPING && task->killable ? 'D' : letters[task->state];
}

static const char *state_text(char letter)
{
    switch (letter) {
    case 'R': return "R (running)";
    case 'D': return "D (disk sleep)";
    case 'T': return "T (stopped)";
    case 't': return "t (tracing stop)";
    case 'Z': return "Z (zombie)";
    default: return "S (sleeping)";
    }
}

static void add_signals(struct rf_text *out, const struct rf_task *task)
{
    uint64_t ignored = 0, caught = 0;
    for (unsigned n = 1; task->sighand && n <= 64; n++) {
        uint64_t handler = task->sighand->action[n].handler;
        if (handler == RF_SIG_IGN)
            ignored |= RF_BIT(n - 1);
        else if (handler != RF_SIG_DFL)
            caught |= RF_BIT(n - 1);
    }
    rf_text_add(out, "SigPnd:\t%016llx\nShdPnd:\t%016llx\n", (unsigned long long)task->pending,
                (unsigned long long)task->process->pending);
    rf_text_add(out, "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
                (unsigned long long)task->blocked, (unsigned long long)ignored,
                (unsigned long long)caught);
}

/* Without a parent in the machine it is the child of number 1, which is not seen (getppid says so, too). */
static int32_t parent_number(const struct rf_text *out, const struct rf_process *p)
{
    return p->parent ? rf_proc_number(out, p->parent->pid) : !out->pids || !out->pids->parent;
}

void rf_proc_pid_status(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    const struct rf_process *p = task->process;
    rf_text_add(out, "Name:\t%.*s\n", (int)sizeof task->comm, task->comm);
    if (task->fs)
        rf_text_add(out, "Umask:\t%04o\n", task->fs->umask);
    rf_text_add(out, "State:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
                state_text(state_of(task)), rf_proc_number(out, p->pid), rf_proc_number(out, task->tid),
                parent_number(out, p),
                task->trace ? rf_proc_number(out, task->trace->tracer->tid) : 0);
    rf_proc_add_ids(out, k, task);
    if (task->mm)
        rf_proc_add_sizes(out, k, task->mm);
    rf_text_add(out, "Threads:\t%u\n", p->thread_count);
    add_signals(out, task);
    rf_proc_add_capabilities(out, task);
    rf_text_add(out, "Seccomp:\t%d\nSeccomp_filters:\t%u\n", task->seccomp_mode, rf_seccomp_filter_count(task));
    rf_text_add(out, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
                (unsigned long long)task->usage.voluntary, (unsigned long long)task->usage.involuntary);
}

static unsigned long long ticks(const struct rf_kernel *k, uint64_t cycles)
{
    return rf_clock_to_ns(k, cycles) / (1000000000 / RF_USER_HZ);
}

/* proc(5), /proc/[pid]/stat: 52 fields; what the machine does not know is 0. */
void rf_proc_pid_stat(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    const struct rf_process *p = task->process;
    const struct rf_mm *mm = task->mm;
    rf_text_add(out, "%d (%.*s) %c %d %d %d 0 %d 0 %llu %llu 0 0", rf_proc_number(out, task->tid), (int)sizeof task->comm,
                task->comm, state_of(task), parent_number(out, p),
                rf_proc_number(out, p->pgid), rf_proc_number(out, p->sid),
                p->tty && p->tty->foreground ? rf_proc_number(out, p->tty->foreground) : -1,
                (unsigned long long)p->usage.faults, (unsigned long long)p->child_usage.faults);
    rf_text_add(out, " %llu %llu %llu %llu %d %d %u 0 0 %llu %llu %llu", ticks(k, p->user_cycles),
                ticks(k, p->kernel_cycles), ticks(k, p->child_user_cycles),
                ticks(k, p->child_kernel_cycles), 20 + task->nice, task->nice, p->thread_count,
                mm ? (unsigned long long)(mm->total_pages * RF_PAGE_SIZE) : 0ULL, mm ? (unsigned long long)mm->resident_pages : 0ULL,
                (unsigned long long)UINT64_MAX);
    rf_text_add(out, " %llu %llu %llu 0 0 %llu %llu 0 0 0 0 0 %d 0 0 0 0 0 0",
                mm ? (unsigned long long)mm->start_code : 0ULL,
                mm ? (unsigned long long)mm->end_code : 0ULL,
                mm ? (unsigned long long)mm->start_stack : 0ULL, (unsigned long long)task->pending,
                (unsigned long long)task->blocked, p->exit_signal);
    rf_text_add(out, " %llu %llu %llu %llu %llu %llu %llu 0\n",
                mm ? (unsigned long long)mm->start_data : 0ULL,
                mm ? (unsigned long long)mm->end_data : 0ULL,
                mm ? (unsigned long long)mm->start_brk : 0ULL,
                mm ? (unsigned long long)mm->arg_start : 0ULL,
                mm ? (unsigned long long)mm->arg_end : 0ULL,
                mm ? (unsigned long long)mm->env_start : 0ULL,
                mm ? (unsigned long long)mm->env_end : 0ULL);
}
