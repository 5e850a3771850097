/* Secure computing (seccomp(2)): the filters of tasks, and the descriptors that decide for them. */
#ifndef RF_KERNEL_SECCOMP_SECCOMP_H
#define RF_KERNEL_SECCOMP_SECCOMP_H

#include "abi/linux_seccomp.h"
#include "kernel/entry/syscall_work.h"
#include "kernel/task/task.h"

struct rf_seccomp_listener;
struct rf_seccomp_notification;

/* One filter; tasks point to their newest one. */
struct rf_seccomp_filter {
    uint32_t references; /* newest of a task, previous of a filter, listener */
    uint32_t users;      /* the same without the listener: 0 = nobody will ask it again */
    bool wait_killable;
    struct rf_seccomp_filter *previous;
    struct rf_seccomp_listener *listener; /* NULL: there never was one, or it is closed */
    struct rf_wait_queue changed;         /* who polls or reads the listener */
    uint32_t length, translated;
    struct rf_sock_filter code[];
};

/* --- seccomp.c --- */
int64_t rf_seccomp_set_strict(struct rf_kernel *k);
/* user: a struct sock_fprog. 0, a listener's descriptor, a thread that refuses TSYNC, or -errno. */
int64_t rf_seccomp_set_filter(struct rf_kernel *k, uint32_t flags, uint64_t user);
/* The stage of system call entry. */
enum rf_entry_result rf_seccomp_entry(struct rf_kernel *k, struct rf_task *task);
void rf_seccomp_fork(struct rf_task *child, const struct rf_task *parent);
/* The task ends. */
void rf_seccomp_release(struct rf_kernel *k, struct rf_task *task);
uint32_t rf_seccomp_filter_count(const struct rf_task *task);
void rf_seccomp_filter_get(struct rf_seccomp_filter *filter);
void rf_seccomp_filter_put(struct rf_kernel *k, struct rf_seccomp_filter *filter);

/* --- notify.c --- */
/* A listener's file, not yet of any filter. */
int64_t rf_seccomp_listener_create(struct rf_kernel *k, struct rf_file **out);
/* Make it the filter's. False: no memory. */
bool rf_seccomp_listener_attach(struct rf_kernel *k, struct rf_file *file, struct rf_seccomp_filter *filter);
/* RET_USER_NOTIF: ask the listener, and sleep until it has answered. */
enum rf_entry_result rf_seccomp_ask(struct rf_kernel *k, struct rf_task *task, struct rf_seccomp_filter *filter,
                                    const struct rf_seccomp_data *data);
/* The task runs again. */
enum rf_entry_result rf_seccomp_wait_answer(struct rf_kernel *k, struct rf_task *task);
void rf_seccomp_forget_question(struct rf_kernel *k, struct rf_task *task);

/* --- syscalls/seccomp.c --- */
int64_t rf_seccomp_prctl_set(struct rf_kernel *k, uint64_t mode, uint64_t filter);

#endif
