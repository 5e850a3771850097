/* System V semaphores (ipc/sem.c of Linux).
 *
 * An operation that cannot be done waits in its set as a record, and whoever changes the set does it for the sleeper:
 * what others see of the values is what they would see there. The sleeper only takes the result. */
#ifndef RF_KERNEL_IPC_SEM_H
#define RF_KERNEL_IPC_SEM_H

#include "kernel/ipc/ids.h"

struct rf_process;
struct rf_task;

struct rf_sem {
    int32_t value, pid; /* who changed it last */
};
/* What a process has to give back when it ends. */
struct rf_sem_undo {
    struct rf_sem_undo *next;
    struct rf_process *process;
    int16_t adjust[];
};
/* Operations that are tried, and may have to wait. */
struct rf_sem_operation {
    struct rf_sem_operation *next; /* of the set's, in order */
    struct rf_sem_set *set;        /* NULL: it is over, with result */
    struct rf_sem_undo *undo;      /* NULL: none of them has SEM_UNDO */
    struct rf_wait_queue done;
    int32_t pid;
    int64_t result;
    bool alters;
    uint32_t count, blocking; /* of operations; which one cannot be done */
    struct rf_sembuf operations[];
};
struct rf_sem_set {
    struct rf_ipc_object object; /* first */
    int64_t otime;
    struct rf_sem_operation *waiting;
    struct rf_sem_undo *undos;
    uint32_t count;
    struct rf_sem sems[];
};

#define RF_SEM_WAIT 1 /* what rf_sem_try returns when it cannot be done yet */

int64_t rf_sem_create(struct rf_kernel *k, int32_t key, uint32_t count, uint32_t mode);
void rf_sem_remove(struct rf_kernel *k, struct rf_sem_set *set); /* sleepers get -RF_EIDRM */
/* Do all of the operations, or none: 0, RF_SEM_WAIT, -RF_EAGAIN, -RF_ERANGE. */
int64_t rf_sem_try(struct rf_kernel *k, struct rf_sem_set *set, struct rf_sem_operation *o);
/* Values have changed: do for sleepers what can be done now. */
void rf_sem_update(struct rf_kernel *k, struct rf_sem_set *set);
void rf_sem_wait(struct rf_sem_set *set, struct rf_sem_operation *o);
/* A sleeper gives up. */
void rf_sem_give_up(struct rf_sem_operation *o);
/* The process' entry in the set, made if there is none. NULL: no memory. */
struct rf_sem_undo *rf_sem_undo(struct rf_kernel *k, struct rf_sem_set *set, struct rf_process *process);
uint64_t rf_sem_total(const struct rf_ipc_ids *ids);
/* It ends, or leaves the IPC namespace: what it has to undo is undone. */
void rf_sem_process_ended(struct rf_kernel *k, struct rf_process *process, struct rf_ipc_namespace *ns);
/* The machine ends before a sleeper has taken its result. */
void rf_sem_forget(struct rf_kernel *k, struct rf_task *task);
/* The namespace ends. */
void rf_sem_end(struct rf_kernel *k, struct rf_ipc_ids *ids);

#endif
