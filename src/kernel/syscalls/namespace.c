/* unshare(2) and setns(2). */
#include "kernel/fs/fs.h"
#include "kernel/ipc/sem.h"
#include "kernel/namespace/namespace.h"
#include "kernel/task/credentials.h"
#include "kernel/task/identity.h"
#include "kernel/task/task.h"
#include "kernel/vfs/inode.h"

#include <string.h>

/* --- unshare --- */

#define UNSHARE_PLAIN                                                                       \
    (RF_CLONE_THREAD | RF_CLONE_VM | RF_CLONE_SIGHAND | RF_CLONE_FS | RF_CLONE_FILES | RF_CLONE_SYSVSEM)

/* What unshare(2) makes of flags that imply others. */
static uint64_t implied(uint64_t flags)
{
    if (flags & RF_CLONE_NEWUSER)
        flags |= RF_CLONE_THREAD | RF_CLONE_FS;
    if (flags & RF_CLONE_NEWNS)
        flags |= RF_CLONE_FS;
    if (flags & RF_CLONE_VM)
        flags |= RF_CLONE_SIGHAND;
    if (flags & RF_CLONE_SIGHAND)
        flags |= RF_CLONE_THREAD;
    if (flags & RF_CLONE_NEWIPC)
        flags |= RF_CLONE_SYSVSEM;
    return flags;
}

static int64_t check_unshare(const struct rf_task *task, uint64_t flags)
{
    if (flags & ~(UNSHARE_PLAIN | RF_CLONE_NAMESPACES))
        return -RF_EINVAL;
    if (flags & (RF_CLONE_THREAD | RF_CLONE_SIGHAND | RF_CLONE_VM) && task->process->thread_count > 1)
        return -RF_EINVAL;
    if (flags & (RF_CLONE_SIGHAND | RF_CLONE_VM) && task->sighand->references > 1)
        return -RF_EINVAL;
    return 0;
}

/* What is to take the place of the task's own; NULL or empty where nothing changes. */
struct unshared {
    struct rf_fs_context *fs;
    struct rf_fd_table *files;
    struct rf_user_namespace *user;
    struct rf_namespaces namespaces;
};

static void drop_unshared(struct rf_kernel *k, struct unshared *u)
{
    rf_fs_context_put(k, u->fs);
    if (u->files)
        rf_fd_table_put(k, u->files);
    if (u->user)
        rf_namespace_put(k, &u->user->ns);
    rf_namespaces_drop(k, &u->namespaces);
}

static int64_t prepare(struct rf_kernel *k, struct rf_task *task, uint64_t flags, struct unshared *u)
{
    if (flags & RF_CLONE_FS && (task->fs->references > 1 || flags & RF_CLONE_NEWNS) && !(u->fs = rf_fs_context_copy(k, task->fs)))
        return -RF_ENOMEM;
    if (flags & RF_CLONE_FILES && task->files->references > 1 && !(u->files = rf_fd_table_copy(k, task->files)))
        return -RF_ENOMEM;
    if (flags & RF_CLONE_NEWUSER) {
        int64_t error = rf_user_namespace_create(k, &u->user);
        if (error)
            return error;
    }
    uint64_t others = flags & RF_CLONE_NAMESPACES & ~RF_CLONE_NEWUSER;
    if (!others)
        return 0;
    if (!u->user && !rf_capable_here(k, RF_CAP_SYS_ADMIN))
        return -RF_EPERM;
    if (others & RF_CLONE_NEWPID && task->namespaces.pid != task->namespaces.pid_for_children)
        return -RF_EINVAL;
    int64_t error = rf_namespaces_copy(k, &u->namespaces, &task->namespaces, others,
                                       u->user ? u->user : task->credentials.user);
    if (!error && others & RF_CLONE_NEWIPC)
        rf_sem_process_ended(k, task->process, task->namespaces.ipc);
    if (!error && others & RF_CLONE_NEWNS &&
        !rf_fs_context_follow(k, u->fs, (const struct rf_mount_namespace *)u->namespaces.mnt))
        error = -RF_ENOMEM;
    return error;
}

static void exchange(void *a, void *b, size_t size)
{
    uint8_t held[sizeof(struct rf_namespaces)];
    memcpy(held, a, size);
    memcpy(a, b, size);
    memcpy(b, held, size);
}

static int64_t sys_unshare(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    struct unshared u = { 0 };
    uint64_t flags = implied(a[0]);
    int64_t error = check_unshare(task, flags);
    if (!error)
        error = prepare(k, task, flags, &u);
    if (!error) {
        if (u.fs)
            exchange(&task->fs, &u.fs, sizeof u.fs);
        if (u.files)
            exchange(&task->files, &u.files, sizeof u.files);
        if (u.namespaces.uts)
            exchange(&task->namespaces, &u.namespaces, sizeof u.namespaces);
        if (u.user) {
            struct rf_credentials old = task->credentials;
            rf_namespace_get(&old.user->ns);
            rf_credentials_enter(k, &task->credentials, u.user);
            u.user = NULL;
            rf_credentials_changed(k, &old);
            rf_namespace_put(k, &old.user->ns);
        }
    }
    drop_unshared(k, &u);
    return error;
}

/* --- setns --- */

static uint64_t flag_of(enum rf_namespace_kind kind)
{
    static const uint64_t flags[] = { [RF_NS_UTS] = RF_CLONE_NEWUTS, [RF_NS_IPC] = RF_CLONE_NEWIPC,
                                      [RF_NS_MNT] = RF_CLONE_NEWNS, [RF_NS_PID] = RF_CLONE_NEWPID,
                                      [RF_NS_USER] = RF_CLONE_NEWUSER };
    return flags[kind];
}

/* userns_install; the capabilities are those of the namespace that is entered. */
static int64_t check_user(const struct rf_kernel *k, const struct rf_user_namespace *ns)
{
    const struct rf_task *task = k->current;
    if (ns == task->credentials.user || task->process->thread_count > 1 || task->fs->references > 1)
        return -RF_EINVAL;
    return rf_capable_in(k, ns, RF_CAP_SYS_ADMIN) ? 0 : -RF_EPERM;
}

/* c: the credentials that the caller will have. */
static int64_t check_install(const struct rf_kernel *k, const struct rf_namespace *ns, const struct rf_credentials *c)
{
    if (!rf_credentials_capable(c, ns->owner, RF_CAP_SYS_ADMIN) ||
        !rf_credentials_capable(c, c->user, RF_CAP_SYS_ADMIN))
        return -RF_EPERM;
    if (ns->kind == RF_NS_MNT && !rf_credentials_capable(c, c->user, RF_CAP_SYS_CHROOT))
        return -RF_EPERM;
    if (ns->kind == RF_NS_MNT && k->current->fs->references > 1)
        return -RF_EINVAL;
    if (ns->kind == RF_NS_PID && /* only downwards */
        !rf_pid_namespace_is_within((const struct rf_pid_namespace *)ns, k->current->namespaces.pid))
        return -RF_EINVAL;
    return 0;
}

/* mntns_install: root and working directory are the namespace's root. */
static void go_to_root(struct rf_kernel *k, const struct rf_mount_namespace *ns)
{
    struct rf_fs_context *fs = k->current->fs;
    const struct rf_mount_point *top = ns->points;
    while (top && top->at)
        top = top->next;
    if (!top)
        return;
    struct rf_dentry *root = rf_mount_cross(top->root), *old_root = fs->root, *old_cwd = fs->cwd;
    rf_dentry_get(root);
    rf_dentry_get(root);
    fs->root = fs->cwd = root;
    rf_dentry_put(k, old_root);
    rf_dentry_put(k, old_cwd);
}

static void install(struct rf_kernel *k, struct rf_namespaces *set, struct rf_namespace *ns)
{
    rf_namespace_get(ns);
    switch (ns->kind) {
    case RF_NS_UTS:
        rf_namespace_put(k, &set->uts->ns);
        set->uts = (struct rf_uts_namespace *)ns;
        break;
    case RF_NS_IPC:
        rf_sem_process_ended(k, k->current->process, set->ipc); /* exit_sem, as on leaving by unshare */
        rf_namespace_put(k, &set->ipc->ns);
        set->ipc = (struct rf_ipc_namespace *)ns;
        break;
    case RF_NS_PID:
        rf_namespace_put(k, &set->pid_for_children->ns);
        set->pid_for_children = (struct rf_pid_namespace *)ns;
        break;
    case RF_NS_MNT:
        go_to_root(k, (const struct rf_mount_namespace *)ns);
        rf_namespace_put(k, set->mnt);
        set->mnt = ns;
        break;
    default: rf_namespace_put(k, ns); break;
    }
}

/* Enter all of these, or none; users first, because of the rights. */
static int64_t enter(struct rf_kernel *k, struct rf_namespace *const *wanted, unsigned count)
{
    struct rf_task *task = k->current;
    struct rf_credentials next = task->credentials, old = task->credentials;
    struct rf_user_namespace *user = NULL;
    for (unsigned i = 0; i < count; i++) {
        if (wanted[i]->kind != RF_NS_USER)
            continue;
        user = (struct rf_user_namespace *)wanted[i];
        int64_t error = check_user(k, user);
        if (error)
            return error;
        next.user = user;
        next.permitted = next.effective = RF_CAP_ALL;
    }
    for (unsigned i = 0; i < count; i++) {
        int64_t error = wanted[i]->kind == RF_NS_USER ? 0 : check_install(k, wanted[i], &next);
        if (error)
            return error;
    }
    for (unsigned i = 0; i < count; i++)
        install(k, &task->namespaces, wanted[i]);
    if (user) {
        rf_namespace_get(&old.user->ns);
        rf_namespace_get(&user->ns);
        rf_credentials_enter(k, &task->credentials, user);
        rf_credentials_changed(k, &old);
        rf_namespace_put(k, &old.user->ns);
    }
    return 0;
}

/* All that flags name, of another process. */
static int64_t enter_process(struct rf_kernel *k, const struct rf_task *other, uint64_t flags)
{
    struct rf_namespace *wanted[5];
    unsigned count = 0;
    if (!rf_may_access_task(k, other, false))
        return -RF_EPERM;
    if (flags & RF_CLONE_NEWUSER)
        wanted[count++] = &other->credentials.user->ns;
    if (flags & RF_CLONE_NEWUTS)
        wanted[count++] = &other->namespaces.uts->ns;
    if (flags & RF_CLONE_NEWIPC)
        wanted[count++] = &other->namespaces.ipc->ns;
    if (flags & RF_CLONE_NEWNS)
        wanted[count++] = other->namespaces.mnt;
    if (flags & RF_CLONE_NEWPID)
        wanted[count++] = &other->namespaces.pid->ns;
    return enter(k, wanted, count);
}

static int64_t sys_setns(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_file *file = rf_fd_file(k, (int)a[0]);
    uint32_t flags = (uint32_t)a[1];
    if (!file)
        return -RF_EBADF;
    struct rf_namespace *ns = rf_nsfs_namespace(file);
    if (ns && flags && flag_of(ns->kind) != flags)
        return -RF_EINVAL;
    if (ns)
        return enter(k, &ns, 1);
    int32_t pid = rf_pidfd_pid(file);
    if (!pid || !flags || flags & ~RF_CLONE_NAMESPACES)
        return -RF_EINVAL;
    const struct rf_process *process = rf_process_find(k, pid);
    return process && !process->zombie ? enter_process(k, process->leader, flags) : -RF_ESRCH;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_unshare, sys_unshare },
    { RF_NR_setns, sys_setns },
};
const struct rf_handler_table rf_handlers_namespace = RF_HANDLER_TABLE(entries);
