/* msgget msgsnd msgrcv msgctl: ipc/msg.c of Linux. */
#include "kernel/ipc/msg.h"
#include "kernel/task/task.h"

static struct rf_ipc_ids *ids_of(const struct rf_kernel *k)
{
    return &k->current->namespaces.ipc->msg;
}

static struct rf_msg_queue *find(const struct rf_kernel *k, int32_t id)
{
    return (struct rf_msg_queue *)rf_ipc_find(ids_of(k), id);
}

static int64_t sys_msgget(struct rf_kernel *k, const uint64_t a[6])
{
    int64_t error;
    const struct rf_ipc_object *o = rf_ipc_get(k, ids_of(k), (int32_t)a[0], (uint32_t)a[1], NULL, 0, &error);
    if (error)
        return error;
    return o ? o->id : rf_msg_create(k, (int32_t)a[0], (uint32_t)a[1]);
}

/* A wait that no signal may restart with a handler: ERESTARTNOHAND. */
static int64_t without_handler(int64_t result)
{
    return result == -RF_ERESTARTSYS ? -RF_ERESTARTNOHAND : result;
}

/* --- sending --- */

enum { SCRATCH_WAITED = 0, SCRATCH_RECORD = 1 };

static int64_t load(struct rf_kernel *k, uint64_t user, uint64_t size, int64_t type, struct rf_msg **out)
{
    struct rf_msg *m = rf_kalloc(k, sizeof *m + size);
    if (!m)
        return -RF_ENOMEM;
    m->type = type;
    m->size = size;
    if (rf_copy_from_user(k, m->bytes, user, size)) {
        rf_kfree(k, m);
        return -RF_EFAULT;
    }
    *out = m;
    return 0;
}

/* Room in the queue: 0, RF_BLOCKED, or -errno. */
static int64_t wait_for_room(struct rf_kernel *k, int32_t id, uint64_t size, uint32_t flags, struct rf_msg_queue **out)
{
    struct rf_msg_queue *q = find(k, id);
    uint64_t *waited = &k->current->scratch[SCRATCH_WAITED];
    if (!q)
        return *waited ? -RF_EIDRM : -RF_EINVAL;
    *out = q;
    if (!rf_ipc_permits(k, &q->object, 0222))
        return -RF_EACCES;
    if (rf_msg_fits(q, size))
        return 0;
    if (flags & RF_IPC_NOWAIT)
        return -RF_EAGAIN;
    *waited = 1;
    return without_handler(rf_sleep_on(k, &q->room));
}

static int64_t sys_msgsnd(struct rf_kernel *k, const uint64_t a[6])
{
    int64_t type;
    struct rf_msg *m;
    struct rf_msg_queue *q;
    int32_t id = (int32_t)a[0];
    if (RF_GET_USER(k, type, a[1]))
        return -RF_EFAULT;
    if (a[2] > RF_MSGMAX || id < 0 || type < 1)
        return -RF_EINVAL;
    int64_t result = load(k, a[1] + sizeof type, a[2], type, &m);
    if (result)
        return result;
    result = wait_for_room(k, id, m->size, (uint32_t)a[3], &q);
    if (result)
        rf_kfree(k, m);
    else
        rf_msg_put(k, q, m);
    return result;
}

/* --- receiving --- */

/* convert_mode */
static enum rf_msg_search search_of(int64_t *type, uint32_t flags)
{
    if (flags & RF_MSG_COPY)
        return RF_MSG_NUMBER;
    if (*type == 0)
        return RF_MSG_ANY;
    if (*type < 0) {
        *type = *type == INT64_MIN ? INT64_MAX : -*type;
        return RF_MSG_LESS_EQUAL;
    }
    return flags & RF_MSG_EXCEPT ? RF_MSG_NOT_EQUAL : RF_MSG_EQUAL;
}

/* do_msg_fill: the bytes that there is room for. */
static int64_t give(struct rf_kernel *k, uint64_t user, uint64_t room, const struct rf_msg *m)
{
    uint64_t size = m->size < room ? m->size : room;
    if (RF_PUT_USER(k, user, m->type) || rf_copy_to_user(k, user + sizeof m->type, m->bytes, size))
        return -RF_EFAULT;
    return (int64_t)size;
}

static struct rf_msg_receiver *record_of(const struct rf_task *task)
{
    return (struct rf_msg_receiver *)(uintptr_t)task->scratch[SCRATCH_RECORD];
}

void rf_msg_forget(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_msg_receiver *r = record_of(task);
    if (!task->in_syscall || task->syscall_number != RF_NR_msgrcv || !r || r->queue)
        return;
    rf_kfree(k, r->message);
    rf_kfree(k, r);
}

/* What has become of the wait. */
static int64_t look_again(struct rf_kernel *k, struct rf_msg_receiver *r, const uint64_t a[6])
{
    if (r->queue) {
        int64_t result = without_handler(rf_sleep_on(k, &r->done));
        if (result == RF_BLOCKED)
            return result;
        rf_msg_give_up(r);
        r->error = result;
    }
    int64_t result = r->message ? give(k, a[1], a[2], r->message) : r->error;
    k->current->scratch[SCRATCH_RECORD] = 0;
    rf_kfree(k, r->message);
    rf_kfree(k, r);
    return result;
}

static int64_t wait_for_message(struct rf_kernel *k, struct rf_msg_queue *q, const uint64_t a[6], enum rf_msg_search search,
                                int64_t type, uint32_t flags)
{
    struct rf_msg_receiver *r = rf_kalloc(k, sizeof *r);
    if (!r)
        return -RF_ENOMEM;
    r->search = search;
    r->type = type;
    r->most = flags & RF_MSG_NOERROR ? INT64_MAX : a[2];
    r->pid = k->current->process->pid;
    rf_msg_wait(q, r);
    k->current->scratch[SCRATCH_RECORD] = (uintptr_t)r;
    return look_again(k, r, a);
}

static int64_t receive(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[4];
    int64_t type = (int64_t)a[3];
    if ((int32_t)a[0] < 0 || (int64_t)a[2] < 0)
        return -RF_EINVAL;
    if (flags & RF_MSG_COPY && (flags & RF_MSG_EXCEPT || !(flags & RF_IPC_NOWAIT)))
        return -RF_EINVAL;
    enum rf_msg_search search = search_of(&type, flags);
    struct rf_msg_queue *q = find(k, (int32_t)a[0]);
    if (!q)
        return -RF_EINVAL;
    if (!rf_ipc_permits(k, &q->object, 0444))
        return -RF_EACCES;
    struct rf_msg *m = search == RF_MSG_NUMBER && type < 0 ? NULL : rf_msg_find(q, search, type);
    if (!m)
        return flags & RF_IPC_NOWAIT ? -RF_ENOMSG : wait_for_message(k, q, a, search, type, flags);
    if (a[2] < m->size && !(flags & RF_MSG_NOERROR))
        return -RF_E2BIG;
    if (flags & RF_MSG_COPY)
        return give(k, a[1], a[2], m);
    rf_msg_take(k, q, m);
    int64_t result = give(k, a[1], a[2], m);
    rf_kfree(k, m);
    return result;
}

/* After msgctl(IPC_SET) a receiver looks again: its rights may be others. */
static int64_t sys_msgrcv(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_msg_receiver *r = record_of(k->current);
    if (!r)
        return receive(k, a);
    int64_t result = look_again(k, r, a);
    return result == -RF_EAGAIN ? receive(k, a) : result;
}

/* --- msgctl --- */

static int64_t tell_limits(struct rf_kernel *k, int command, uint64_t user)
{
    const struct rf_ipc_ids *ids = ids_of(k);
    struct rf_msginfo info = { .msgpool = RF_MSGMNI * (RF_MSGMNB / 1024), .msgmap = RF_MSGMNB, .msgmax = RF_MSGMAX,
                               .msgmnb = RF_MSGMNB, .msgmni = RF_MSGMNI, .msgssz = 16, .msgtql = RF_MSGMNB, .msgseg = 0xffff };
    if (command == RF_MSG_INFO) {
        info.msgpool = ids->count;
        info.msgmap = info.msgtql = 0;
        for (const struct rf_ipc_object *o = ids->first; o; o = o->next) {
            info.msgmap += (int32_t)((const struct rf_msg_queue *)o)->count;
            info.msgtql += (int32_t)((const struct rf_msg_queue *)o)->bytes;
        }
    }
    return RF_PUT_USER(k, user, info) ? -RF_EFAULT : rf_ipc_highest(ids);
}

static int64_t tell_queue(struct rf_kernel *k, int32_t id, int command, uint64_t user)
{
    struct rf_ipc_object *o = command == RF_IPC_STAT ? rf_ipc_find(ids_of(k), id) : rf_ipc_at_index(ids_of(k), id & 0x7fff);
    const struct rf_msg_queue *q = (const struct rf_msg_queue *)o;
    if (!o)
        return -RF_EINVAL;
    if (command != RF_MSG_STAT_ANY && !rf_ipc_permits(k, o, 0444))
        return -RF_EACCES;
    struct rf_msqid64_ds ds = {
        .msg_stime = q->stime, .msg_rtime = q->rtime, .msg_ctime = o->ctime, .msg_cbytes = q->bytes, .msg_qnum = q->count,
        .msg_qbytes = q->most, .msg_lspid = rf_pid_shown(k, q->sender), .msg_lrpid = rf_pid_shown(k, q->receiver),
    };
    rf_ipc_tell(k, o, &ds.msg_perm);
    return RF_PUT_USER(k, user, ds) ? -RF_EFAULT : command == RF_IPC_STAT ? 0 : o->id;
}

static int64_t change(struct rf_kernel *k, int32_t id, int command, uint64_t user)
{
    struct rf_msqid64_ds ds = { 0 };
    if (command == RF_IPC_SET && RF_GET_USER(k, ds, user))
        return -RF_EFAULT;
    struct rf_msg_queue *q = find(k, id);
    if (!q)
        return -RF_EINVAL;
    if (!rf_ipc_owns(k, &q->object))
        return -RF_EPERM;
    if (command == RF_IPC_RMID) {
        rf_msg_remove(k, q);
        return 0;
    }
    if (ds.msg_qbytes > RF_MSGMNB && !rf_capable(k, RF_CAP_SYS_RESOURCE))
        return -RF_EPERM;
    int64_t error = rf_ipc_set(k, &q->object, &ds.msg_perm);
    if (error)
        return error;
    q->most = ds.msg_qbytes;
    rf_msg_expunge(k, q, -RF_EAGAIN);
    rf_wake(k, &q->room);
    return 0;
}

static int64_t sys_msgctl(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t id = (int32_t)a[0];
    int command = (int)a[1];
    if (id < 0 || command < 0)
        return -RF_EINVAL;
    switch (command) {
    case RF_IPC_INFO:
    case RF_MSG_INFO: return tell_limits(k, command, a[2]);
    case RF_IPC_STAT:
    case RF_MSG_STAT:
    case RF_MSG_STAT_ANY: return tell_queue(k, id, command, a[2]);
    case RF_IPC_SET:
    case RF_IPC_RMID: return change(k, id, command, a[2]);
    default: return -RF_EINVAL;
    }
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_msgget, sys_msgget },
    { RF_NR_msgsnd, sys_msgsnd },
    { RF_NR_msgrcv, sys_msgrcv },
    { RF_NR_msgctl, sys_msgctl },
};
const struct rf_handler_table rf_handlers_msg = RF_HANDLER_TABLE(entries);
