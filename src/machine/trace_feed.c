/* Kernel events -> strace lines: one open line per task, suspended when another task's
 * line must come between (machine/trace_feed.h). */
#include "machine/trace_feed.h"

#include "kernel/start.h"
#include "kernel/task/task.h"
#include "trace/strace.h"

#include <stdio.h>
#include <stdlib.h>

static bool read_guest(void *user, uint64_t address, void *out, size_t size)
{
    struct rf_kernel *k = user;
    return k->current->mm && rf_peek_user(k, k->current->mm, address, out, size);
}

static struct rf_strace_source source_of(struct rf_kernel *k)
{
    return (struct rf_strace_source){ read_guest, k };
}

static bool many_tasks(const struct rf_kernel *k)
{
    unsigned live = 0;
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        live += task->state != RF_TASK_ZOMBIE;
    return live > 1;
}

static void prefix_for(const struct rf_kernel *k, int32_t tid, char out[32])
{
    out[0] = '\0';
    if (many_tasks(k))
        snprintf(out, 32, "[pid %5d] ", tid);
}

static struct rf_traced *find(struct rf_trace_feed *feed, int32_t tid)
{
    for (size_t i = 0; i < feed->count; i++)
        if (feed->tasks[i].tid == tid)
            return &feed->tasks[i];
    return NULL;
}

static struct rf_traced *traced(struct rf_trace_feed *feed, int32_t tid)
{
    struct rf_traced *t = find(feed, tid);
    if (t)
        return t;
    if (feed->count == feed->room) {
        size_t room = feed->room ? feed->room * 2 : 8;
        struct rf_traced *larger = realloc(feed->tasks, room * sizeof *larger);
        if (!larger)
            return NULL;
        feed->tasks = larger;
        feed->room = room;
    }
    struct rf_strace_line *line = malloc(sizeof *line);
    if (!line)
        return NULL;
    rf_strace_line_init(line, NULL, 0);
    t = &feed->tasks[feed->count++];
    *t = (struct rf_traced){ .tid = tid, .line = line };
    return t;
}

static void forget(struct rf_trace_feed *feed, int32_t tid)
{
    struct rf_traced *t = find(feed, tid);
    if (!t)
        return;
    free(t->line);
    *t = feed->tasks[--feed->count];
}

void rf_trace_feed_release(struct rf_trace_feed *feed)
{
    for (size_t i = 0; i < feed->count; i++)
        free(feed->tasks[i].line);
    free(feed->tasks);
    feed->tasks = NULL;
    feed->count = feed->room = 0;
}

/* Some task is about to write: calls of other tasks are shown as unfinished. */
static void suspend_others(struct rf_trace_feed *feed, int32_t tid)
{
    for (size_t i = 0; i < feed->count; i++) {
        struct rf_traced *t = &feed->tasks[i];
        if (!t->open || t->tid == tid)
            continue;
        rf_strace_suspend(t->line);
        feed->write(feed->user, t->line->text);
        t->open = false;
    }
}

void rf_trace_syscall_enter(struct rf_trace_feed *feed, struct rf_kernel *k, struct rf_task *task,
                            unsigned nr, const uint64_t args[6])
{
    struct rf_traced *t = traced(feed, task->tid);
    if (!t)
        return;
    char prefix[32];
    struct rf_strace_source source = source_of(k);
    prefix_for(k, task->tid, prefix);
    rf_strace_set_prefix(t->line, prefix);
    t->line->stack_pointer = task->regs->rsp;
    rf_strace_enter(t->line, nr, args, &source);
    t->open = true;
    if (nr == RF_NR_exit || nr == RF_NR_exit_group) { /* these have no other end */
        suspend_others(feed, task->tid);
        rf_strace_leave_none(t->line);
        feed->write(feed->user, t->line->text);
        t->open = false;
    }
}

void rf_trace_syscall_leave(struct rf_trace_feed *feed, struct rf_kernel *k, struct rf_task *task,
                            int64_t result)
{
    struct rf_traced *t = find(feed, task->tid);
    if (!t)
        return;
    char prefix[32];
    struct rf_strace_source source = source_of(k);
    prefix_for(k, task->tid, prefix);
    if (!t->open)
        rf_strace_set_prefix(t->line, prefix);
    suspend_others(feed, task->tid);
    rf_strace_leave(t->line, result, &source);
    feed->write(feed->user, t->line->text);
    t->open = false;
}

static void write_event(struct rf_trace_feed *feed, const struct rf_kernel *k, int32_t tid, const char *text)
{
    char line[640];
    prefix_for(k, tid, line);
    size_t used = 0;
    while (line[used])
        used++;
    snprintf(line + used, sizeof line - used, "%s", text);
    suspend_others(feed, -1);
    feed->write(feed->user, line);
}

void rf_trace_signal(struct rf_trace_feed *feed, struct rf_kernel *k, struct rf_task *task,
                     const struct rf_siginfo *info)
{
    char text[512];
    rf_strace_signal(text, sizeof text, info);
    write_event(feed, k, task->tid, text);
}

void rf_trace_exit(struct rf_trace_feed *feed, struct rf_kernel *k, struct rf_task *task, int wait_status)
{
    char text[128];
    rf_strace_exit(text, sizeof text, wait_status);
    write_event(feed, k, task->tid, text);
    forget(feed, task->tid);
}
