/* semget semop semtimedop semctl: ipc/sem.c of Linux. */
#include "kernel/ipc/sem.h"
#include "kernel/task/task.h"

#include <string.h>

static struct rf_ipc_ids *ids_of(const struct rf_kernel *k)
{
    return &k->current->namespaces.ipc->sem;
}

static struct rf_sem_set *find(const struct rf_kernel *k, int32_t id)
{
    return (struct rf_sem_set *)rf_ipc_find(ids_of(k), id);
}

static bool has_enough(const struct rf_ipc_object *object, uint64_t wanted)
{
    return wanted <= ((const struct rf_sem_set *)object)->count;
}

static int64_t sys_semget(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t key = (int32_t)a[0], count = (int32_t)a[1];
    int64_t error;
    if (count < 0 || count > RF_SEMMSL)
        return -RF_EINVAL;
    const struct rf_ipc_object *o = rf_ipc_get(k, ids_of(k), key, (uint32_t)a[2], has_enough, (uint64_t)count, &error);
    if (error)
        return error;
    return o ? o->id : rf_sem_create(k, key, (uint32_t)count, (uint32_t)a[2]);
}

/* --- operations --- */

/* What a sleeper has left for itself: its record, in the task's memory. */
enum { SCRATCH_RECORD = 0 };

static struct rf_sem_operation *record_of(const struct rf_task *task)
{
    return (struct rf_sem_operation *)(uintptr_t)task->scratch[SCRATCH_RECORD];
}

static int64_t end_wait(struct rf_kernel *k, struct rf_sem_operation *o, int64_t result)
{
    k->current->scratch[SCRATCH_RECORD] = 0;
    rf_kfree(k, o);
    return result;
}

void rf_sem_forget(struct rf_kernel *k, struct rf_task *task)
{
    bool operates = task->syscall_number == RF_NR_semop || task->syscall_number == RF_NR_semtimedop;
    if (task->in_syscall && operates && record_of(task) && !record_of(task)->set)
        rf_kfree(k, record_of(task));
}

/* Sleep until somebody has done it, the time is over, or a signal comes: never restarted (semop(2)). */
static int64_t sleep(struct rf_kernel *k, struct rf_sem_operation *o, uint64_t timeout)
{
    if (!o->set)
        return end_wait(k, o, o->result);
    int64_t result = -RF_EAGAIN;
    if (timeout != UINT64_MAX)
        rf_sleep_deadline(k, timeout);
    if (!rf_deadline_passed(k))
        result = rf_sleep_on(k, &o->done);
    if (result == RF_BLOCKED)
        return result;
    rf_sem_give_up(o);
    return end_wait(k, o, result == -RF_ERESTARTSYS ? -RF_EINTR : result);
}

static int64_t check(const struct rf_sem_set *set, const struct rf_kernel *k, struct rf_sem_operation *o, bool *undoes)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < o->count; i++) {
        const struct rf_sembuf *b = &o->operations[i];
        most = b->sem_num > most ? b->sem_num : most;
        o->alters |= b->sem_op != 0;
        *undoes |= (b->sem_flg & RF_SEM_UNDO) != 0;
    }
    if (!set)
        return -RF_EINVAL;
    if (most >= set->count)
        return -RF_EFBIG;
    return rf_ipc_permits(k, &set->object, o->alters ? 0222 : 0444) ? 0 : -RF_EACCES;
}

static int64_t begin(struct rf_kernel *k, int32_t id, struct rf_sem_operation *o, uint64_t timeout)
{
    struct rf_sem_set *set = find(k, id);
    bool undoes = false;
    int64_t result = check(set, k, o, &undoes);
    if (!result && undoes && !(o->undo = rf_sem_undo(k, set, k->current->process)))
        result = -RF_ENOMEM;
    if (!result)
        result = rf_sem_try(k, set, o);
    if (result == 0 && o->alters)
        rf_sem_update(k, set);
    if (result != RF_SEM_WAIT) {
        rf_kfree(k, o);
        return result;
    }
    rf_sem_wait(set, o);
    k->current->scratch[SCRATCH_RECORD] = (uintptr_t)o;
    return sleep(k, o, timeout);
}

static int64_t operate(struct rf_kernel *k, const uint64_t a[6], uint64_t timeout, bool bad_time)
{
    uint64_t count = (uint32_t)a[2];
    if (record_of(k->current))
        return sleep(k, record_of(k->current), timeout);
    if (count < 1 || (int32_t)a[0] < 0)
        return -RF_EINVAL;
    if (count > RF_SEMOPM)
        return -RF_E2BIG;
    struct rf_sem_operation *o = rf_kalloc(k, sizeof *o + count * sizeof o->operations[0]);
    if (!o)
        return -RF_ENOMEM;
    o->count = (uint32_t)count;
    o->pid = k->current->process->pid;
    int64_t error = rf_copy_from_user(k, o->operations, a[1], count * sizeof o->operations[0]);
    if (!error && bad_time)
        error = -RF_EINVAL;
    if (error) {
        rf_kfree(k, o);
        return error;
    }
    return begin(k, (int32_t)a[0], o, timeout);
}

static int64_t sys_semop(struct rf_kernel *k, const uint64_t a[6])
{
    return operate(k, a, UINT64_MAX, false);
}

static int64_t sys_semtimedop(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_timespec t;
    if (!a[3])
        return operate(k, a, UINT64_MAX, false);
    if (record_of(k->current)) /* the time was told at the first run */
        return operate(k, a, 0, false);
    if (RF_GET_USER(k, t, a[3]))
        return -RF_EFAULT;
    bool bad = t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000;
    uint64_t seconds = t.tv_sec > INT64_MAX / 1000000000 - 1 ? INT64_MAX / 1000000000 - 1 : (uint64_t)t.tv_sec;
    return operate(k, a, seconds * 1000000000 + (uint64_t)t.tv_nsec, bad);
}

/* --- semctl --- */

static int64_t tell_limits(struct rf_kernel *k, int command, uint64_t user)
{
    const struct rf_ipc_ids *ids = ids_of(k);
    bool use = command == RF_SEM_INFO;
    const struct rf_seminfo info = {
        .semmap = RF_SEMMNS, .semmni = RF_SEMMNI, .semmns = RF_SEMMNS, .semmnu = RF_SEMMNS, .semmsl = RF_SEMMSL,
        .semopm = RF_SEMOPM, .semume = RF_SEMOPM, .semvmx = RF_SEMVMX, .semusz = use ? ids->count : 20,
        .semaem = use ? (int32_t)rf_sem_total(ids) : RF_SEMVMX,
    };
    return RF_PUT_USER(k, user, info) ? -RF_EFAULT : rf_ipc_highest(ids);
}

static int64_t tell_set(struct rf_kernel *k, int32_t id, int command, uint64_t user)
{
    struct rf_ipc_object *o = command == RF_IPC_STAT ? rf_ipc_find(ids_of(k), id) : rf_ipc_at_index(ids_of(k), id & 0x7fff);
    const struct rf_sem_set *set = (const struct rf_sem_set *)o;
    if (!o)
        return -RF_EINVAL;
    if (command != RF_SEM_STAT_ANY && !rf_ipc_permits(k, o, 0444))
        return -RF_EACCES;
    struct rf_semid64_ds ds = { .sem_otime = set->otime, .sem_ctime = o->ctime, .sem_nsems = set->count };
    rf_ipc_tell(k, o, &ds.sem_perm);
    return RF_PUT_USER(k, user, ds) ? -RF_EFAULT : command == RF_IPC_STAT ? 0 : o->id;
}

static int64_t set_attributes(struct rf_kernel *k, int32_t id, int command, uint64_t user)
{
    struct rf_semid64_ds ds = { 0 };
    if (command == RF_IPC_SET && RF_GET_USER(k, ds, user))
        return -RF_EFAULT;
    struct rf_sem_set *set = find(k, id);
    if (!set)
        return -RF_EINVAL;
    if (!rf_ipc_owns(k, &set->object))
        return -RF_EPERM;
    if (command == RF_IPC_SET)
        return rf_ipc_set(k, &set->object, &ds.sem_perm);
    rf_sem_remove(k, set);
    return 0;
}

/* Values that are set have nothing to be undone. */
static void forget_undo(struct rf_sem_set *set, uint32_t index)
{
    for (struct rf_sem_undo *undo = set->undos; undo; undo = undo->next)
        undo->adjust[index] = 0;
}

static void set_value(struct rf_kernel *k, struct rf_sem_set *set, uint32_t index, int32_t value)
{
    set->sems[index].value = value;
    set->sems[index].pid = k->current->process->pid;
    forget_undo(set, index);
}

static int64_t set_one(struct rf_kernel *k, int32_t id, int32_t index, int32_t value)
{
    if (value < 0 || value > RF_SEMVMX)
        return -RF_ERANGE;
    struct rf_sem_set *set = find(k, id);
    if (!set || index < 0 || (uint32_t)index >= set->count)
        return -RF_EINVAL;
    if (!rf_ipc_permits(k, &set->object, 0222))
        return -RF_EACCES;
    set_value(k, set, (uint32_t)index, value);
    set->object.ctime = rf_ipc_now(k);
    rf_sem_update(k, set);
    return 0;
}

static int64_t get_all(struct rf_kernel *k, const struct rf_sem_set *set, uint64_t user)
{
    for (uint32_t i = 0; i < set->count; i++) {
        uint16_t value = (uint16_t)set->sems[i].value;
        if (RF_PUT_USER(k, user + i * sizeof value, value))
            return -RF_EFAULT;
    }
    return 0;
}

static int64_t set_all(struct rf_kernel *k, struct rf_sem_set *set, uint64_t user)
{
    uint16_t *values = rf_kalloc(k, set->count * sizeof *values);
    if (!values)
        return -RF_ENOMEM;
    int64_t result = rf_copy_from_user(k, values, user, set->count * sizeof *values);
    for (uint32_t i = 0; !result && i < set->count; i++)
        if (values[i] > RF_SEMVMX)
            result = -RF_ERANGE;
    for (uint32_t i = 0; !result && i < set->count; i++)
        set_value(k, set, i, values[i]);
    rf_kfree(k, values);
    if (result)
        return result;
    set->object.ctime = rf_ipc_now(k);
    rf_sem_update(k, set);
    return 0;
}

/* How many wait for this semaphore: each by the operation that holds it up (count_semcnt). */
static int64_t count_waiting(const struct rf_sem_set *set, uint32_t index, bool zero)
{
    int64_t count = 0;
    for (const struct rf_sem_operation *o = set->waiting; o; o = o->next) {
        const struct rf_sembuf *b = &o->operations[o->blocking];
        count += b->sem_num == index && (zero ? b->sem_op == 0 : b->sem_op < 0);
    }
    return count;
}

static int64_t look(struct rf_kernel *k, int32_t id, int32_t index, int command, uint64_t user)
{
    struct rf_sem_set *set = find(k, id);
    if (!set)
        return -RF_EINVAL;
    if (!rf_ipc_permits(k, &set->object, command == RF_SEM_SETALL ? 0222 : 0444))
        return -RF_EACCES;
    if (command == RF_SEM_GETALL)
        return get_all(k, set, user);
    if (command == RF_SEM_SETALL)
        return set_all(k, set, user);
    if (index < 0 || (uint32_t)index >= set->count)
        return -RF_EINVAL;
    switch (command) {
    case RF_SEM_GETVAL: return set->sems[index].value;
    case RF_SEM_GETPID: return rf_pid_shown(k, set->sems[index].pid);
    default: return count_waiting(set, (uint32_t)index, command == RF_SEM_GETZCNT);
    }
}

static int64_t sys_semctl(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t id = (int32_t)a[0], index = (int32_t)a[1];
    int command = (int)a[2];
    if (id < 0)
        return -RF_EINVAL;
    switch (command) {
    case RF_IPC_INFO:
    case RF_SEM_INFO: return tell_limits(k, command, a[3]);
    case RF_IPC_STAT:
    case RF_SEM_STAT:
    case RF_SEM_STAT_ANY: return tell_set(k, id, command, a[3]);
    case RF_IPC_SET:
    case RF_IPC_RMID: return set_attributes(k, id, command, a[3]);
    case RF_SEM_SETVAL: return set_one(k, id, index, (int32_t)a[3]);
    case RF_SEM_GETVAL:
    case RF_SEM_GETPID:
    case RF_SEM_GETNCNT:
    case RF_SEM_GETZCNT:
    case RF_SEM_GETALL:
    case RF_SEM_SETALL: return look(k, id, index, command, a[3]);
    default: return -RF_EINVAL;
    }
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_semget, sys_semget },
    { RF_NR_semop, sys_semop },
    { RF_NR_semtimedop, sys_semtimedop },
    { RF_NR_semctl, sys_semctl },
};
const struct rf_handler_table rf_handlers_sem = RF_HANDLER_TABLE(entries);
