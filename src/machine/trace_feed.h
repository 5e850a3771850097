/* Turns kernel events into strace lines for the machine's trace callback. */
#ifndef RF_MACHINE_TRACE_FEED_H
#define RF_MACHINE_TRACE_FEED_H

#include "kernel/kernel.h"

struct rf_strace_line;

/* One traced task. */
struct rf_traced {
    int32_t tid;
    bool open; /* a call is entered and not yet shown */
    struct rf_strace_line *line;
};

struct rf_trace_feed {
    void (*write)(void *user, const char *line);
    void *user;
    struct rf_traced *tasks;
    size_t count, room;
};

void rf_trace_feed_release(struct rf_trace_feed *feed);
void rf_trace_syscall_enter(struct rf_trace_feed *feed, struct rf_kernel *k, struct rf_task *task,
                            unsigned nr, const uint64_t args[6]);
void rf_trace_syscall_leave(struct rf_trace_feed *feed, struct rf_kernel *k, struct rf_task *task,
                            int64_t result);
void rf_trace_signal(struct rf_trace_feed *feed, struct rf_kernel *k, struct rf_task *task,
                     const struct rf_siginfo *info);
void rf_trace_exit(struct rf_trace_feed *feed, struct rf_kernel *k, struct rf_task *task, int wait_status);

#endif
