/* Sets of semaphores: operations on them, and those that wait (kernel/ipc/sem.h). */
#include "kernel/ipc/sem.h"

#include "kernel/task/task.h"

#include <string.h>

int64_t rf_sem_create(struct rf_kernel *k, int32_t key, uint32_t count, uint32_t mode)
{
    struct rf_ipc_ids *ids = &k->current->namespaces.ipc->sem;
    if (count == 0)
        return -RF_EINVAL;
    if (rf_sem_total(ids) + count > RF_SEMMNS || ids->count >= RF_SEMMNI)
        return -RF_ENOSPC;
    struct rf_sem_set *set = rf_kalloc(k, sizeof *set + count * sizeof set->sems[0]);
    if (!set)
        return -RF_ENOMEM;
    set->count = count;
    rf_ipc_add(k, ids, &set->object, key, mode);
    return set->object.id;
}

uint64_t rf_sem_total(const struct rf_ipc_ids *ids)
{
    uint64_t total = 0;
    for (const struct rf_ipc_object *o = ids->first; o; o = o->next)
        total += ((const struct rf_sem_set *)o)->count;
    return total;
}

/* --- those that wait --- */

void rf_sem_wait(struct rf_sem_set *set, struct rf_sem_operation *o)
{
    struct rf_sem_operation **link = &set->waiting;
    while (*link)
        link = &(*link)->next;
    *link = o;
    o->next = NULL;
    o->set = set;
}

void rf_sem_give_up(struct rf_sem_operation *o)
{
    struct rf_sem_operation **link = &o->set->waiting;
    while (*link != o)
        link = &(*link)->next;
    *link = o->next;
    o->set = NULL;
}

static void finish(struct rf_kernel *k, struct rf_sem_operation *o, int64_t result)
{
    rf_sem_give_up(o);
    o->result = result;
    rf_wake(k, &o->done);
}

/* --- operations --- */

/* The first operations are taken back. */
static void roll_back(struct rf_sem_set *set, const struct rf_sem_operation *o, uint32_t done)
{
    while (done--) {
        const struct rf_sembuf *b = &o->operations[done];
        set->sems[b->sem_num].value -= b->sem_op;
        if (b->sem_flg & RF_SEM_UNDO)
            o->undo->adjust[b->sem_num] = (int16_t)(o->undo->adjust[b->sem_num] + b->sem_op);
    }
}

/* One operation: 0, RF_SEM_WAIT or -RF_ERANGE, and then nothing has changed. */
static int64_t do_one(struct rf_sem_set *set, const struct rf_sem_operation *o, const struct rf_sembuf *b)
{
    int32_t value = set->sems[b->sem_num].value, next = value + b->sem_op;
    if ((!b->sem_op && value) || next < 0)
        return RF_SEM_WAIT;
    if (next > RF_SEMVMX)
        return -RF_ERANGE;
    if (b->sem_flg & RF_SEM_UNDO) {
        int32_t undo = o->undo->adjust[b->sem_num] - b->sem_op;
        if (undo < -RF_SEMVMX - 1 || undo > RF_SEMVMX)
            return -RF_ERANGE;
        o->undo->adjust[b->sem_num] = (int16_t)undo;
    }
    set->sems[b->sem_num].value = next;
    return 0;
}

int64_t rf_sem_try(struct rf_kernel *k, struct rf_sem_set *set, struct rf_sem_operation *o)
{
    for (uint32_t i = 0; i < o->count; i++) {
        int64_t result = do_one(set, o, &o->operations[i]);
        if (!result)
            continue;
        roll_back(set, o, i);
        o->blocking = i;
        return result == RF_SEM_WAIT && o->operations[i].sem_flg & RF_IPC_NOWAIT ? -RF_EAGAIN : result;
    }
    for (uint32_t i = 0; i < o->count; i++)
        set->sems[o->operations[i].sem_num].pid = o->pid;
    set->otime = rf_ipc_now(k);
    return 0;
}

/* Those of a kind whose turn it may be: has one of them changed anything? Those that wait for zero go first
 * (do_smart_update). */
static bool update_kind(struct rf_kernel *k, struct rf_sem_set *set, bool alters)
{
    for (struct rf_sem_operation *o = set->waiting, *next; o; o = next) {
        next = o->next;
        if (o->alters != alters)
            continue;
        int64_t result = rf_sem_try(k, set, o);
        if (result == RF_SEM_WAIT)
            continue;
        finish(k, o, result);
        if (alters && !result)
            return true;
    }
    return false;
}

void rf_sem_update(struct rf_kernel *k, struct rf_sem_set *set)
{
    do
        update_kind(k, set, false);
    while (update_kind(k, set, true));
}

/* --- what is undone --- */

struct rf_sem_undo *rf_sem_undo(struct rf_kernel *k, struct rf_sem_set *set, struct rf_process *process)
{
    for (struct rf_sem_undo *u = set->undos; u; u = u->next)
        if (u->process == process)
            return u;
    struct rf_sem_undo *undo = rf_kalloc(k, sizeof *undo + set->count * sizeof undo->adjust[0]);
    if (!undo)
        return NULL;
    undo->process = process;
    undo->next = set->undos;
    set->undos = undo;
    return undo;
}

/* exit_sem: values stay within their bounds. */
static void apply(struct rf_kernel *k, struct rf_sem_set *set, const struct rf_sem_undo *undo)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (!undo->adjust[i])
            continue;
        int32_t value = set->sems[i].value + undo->adjust[i];
        set->sems[i].value = value < 0 ? 0 : value > RF_SEMVMX ? RF_SEMVMX : value;
        set->sems[i].pid = undo->process->pid;
    }
    rf_sem_update(k, set);
}

void rf_sem_process_ended(struct rf_kernel *k, struct rf_process *process, struct rf_ipc_namespace *ns)
{
    for (struct rf_ipc_object *o = ns->sem.first; o; o = o->next) {
        struct rf_sem_set *set = (struct rf_sem_set *)o;
        for (struct rf_sem_undo **link = &set->undos, *undo; (undo = *link); link = &undo->next) {
            if (undo->process != process)
                continue;
            *link = undo->next;
            apply(k, set, undo);
            rf_kfree(k, undo);
            break;
        }
    }
}

/* --- the end --- */

static void destroy(struct rf_kernel *k, struct rf_sem_set *set)
{
    while (set->waiting)
        finish(k, set->waiting, -RF_EIDRM);
    while (set->undos) {
        struct rf_sem_undo *undo = set->undos;
        set->undos = undo->next;
        rf_kfree(k, undo);
    }
    rf_kfree(k, set);
}

void rf_sem_remove(struct rf_kernel *k, struct rf_sem_set *set)
{
    rf_ipc_remove(&k->current->namespaces.ipc->sem, &set->object);
    destroy(k, set);
}

void rf_sem_end(struct rf_kernel *k, struct rf_ipc_ids *ids)
{
    while (ids->first) {
        struct rf_sem_set *set = (struct rf_sem_set *)ids->first;
        ids->first = set->object.next;
        while (set->waiting) { /* of tasks that are gone with the machine */
            struct rf_sem_operation *o = set->waiting;
            set->waiting = o->next;
            rf_kfree(k, o);
        }
        destroy(k, set);
    }
}
