/* Texts of /proc/sysvipc and /proc/sys/kernel about semaphores and messages. */
#include "kernel/fs/procfs.h"
#include "kernel/ipc/msg.h"
#include "kernel/ipc/sem.h"

/* sysvipc_sem_proc_show of ipc/sem.c */
void rf_proc_sysvipc_sem(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    rf_text_add(out, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    for (const struct rf_ipc_object *o = k->current->namespaces.ipc->sem.first; o; o = o->next) {
        const struct rf_sem_set *set = (const struct rf_sem_set *)o;
        struct rf_ipc64_perm p;
        rf_ipc_tell(k, o, &p);
        rf_text_add(out, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lld %10lld\n", o->key, o->id, o->mode, set->count, p.uid,
                    p.gid, p.cuid, p.cgid, (long long)set->otime, (long long)o->ctime);
    }
}

/* sysvipc_msg_proc_show of ipc/msg.c */
void rf_proc_sysvipc_msg(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    rf_text_add(out, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      "
                     "stime      rtime      ctime\n");
    for (const struct rf_ipc_object *o = k->current->namespaces.ipc->msg.first; o; o = o->next) {
        const struct rf_msg_queue *q = (const struct rf_msg_queue *)o;
        struct rf_ipc64_perm p;
        rf_ipc_tell(k, o, &p);
        rf_text_add(out, "%10d %10d  %4o  %10llu %10llu %5d %5d %5u %5u %5u %5u %10lld %10lld %10lld\n", o->key, o->id, o->mode,
                    (unsigned long long)q->bytes, (unsigned long long)q->count, rf_pid_shown(k, q->sender),
                    rf_pid_shown(k, q->receiver), p.uid, p.gid, p.cuid, p.cgid, (long long)q->stime, (long long)q->rtime,
                    (long long)o->ctime);
    }
}

void rf_proc_msgmax(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "%d\n", RF_MSGMAX);
}

void rf_proc_msgmnb(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "%d\n", RF_MSGMNB);
}

void rf_proc_msgmni(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "%d\n", RF_MSGMNI);
}

void rf_proc_sem_limits(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "%d\t%d\t%d\t%d\n", RF_SEMMSL, RF_SEMMNS, RF_SEMOPM, RF_SEMMNI);
}
