/* Advisory locks. An owner's locks on one inode never overlap each other; setting a range
 * cuts, splits or swallows what it had. */
#include "kernel/vfs/lock.h"
#include "kernel/task/task.h"

/* In task->scratch[3] while a task sleeps for a lock; scratch[2] is the owner it waits for. */
#define WAITS_FOR_LOCK UINT64_C(0x6c6f636b77616974)

static bool same_world(enum rf_lock_kind a, enum rf_lock_kind b)
{
    return (a == RF_LOCK_FLOCK) == (b == RF_LOCK_FLOCK);
}

static bool overlaps(const struct rf_lock *a, const struct rf_lock *b)
{
    return a->start <= b->end && b->start <= a->end;
}

const struct rf_lock *rf_lock_conflict(const struct rf_inode *inode, const struct rf_lock *want)
{
    for (const struct rf_lock *l = inode->locks; l; l = l->next)
        if (same_world(l->kind, want->kind) && l->owner != want->owner && overlaps(l, want) &&
            (l->type == RF_F_WRLCK || want->type == RF_F_WRLCK))
            return l;
    return NULL;
}

/* Would the current task, waiting for `blocker`, wait for itself in the end? */
static bool deadlock(struct rf_kernel *k, const void *owner, const void *blocker)
{
    for (unsigned hops = 0; hops < 64; hops++) {
        if (blocker == owner)
            return true;
        const struct rf_task *t = k->tasks;
        while (t && !(t->files == blocker && t->state == RF_TASK_SLEEPING &&
                      t->scratch[3] == WAITS_FOR_LOCK))
            t = t->next_task;
        if (!t)
            return false;
        blocker = (const void *)(uintptr_t)t->scratch[2];
    }
    return false;
}

static struct rf_lock *insert(struct rf_kernel *k, struct rf_inode *inode,
                              const struct rf_lock *from)
{
    struct rf_lock *lock = rf_kalloc(k, sizeof *lock);
    if (!lock)
        return NULL;
    *lock = *from;
    struct rf_lock **p = &inode->locks;
    while (*p && (*p)->start <= lock->start)
        p = &(*p)->next;
    lock->next = *p;
    *p = lock;
    return lock;
}

static bool same_owner(const struct rf_lock *a, const struct rf_lock *b)
{
    return a->owner == b->owner && a->kind == b->kind;
}

/* Remove [start, end] from the owner's locks. False: no memory for a split. */
static bool cut(struct rf_kernel *k, struct rf_inode *inode, const struct rf_lock *range)
{
    struct rf_lock **p = &inode->locks;
    while (*p) {
        struct rf_lock *l = *p;
        if (!same_owner(l, range) || !overlaps(l, range)) {
            p = &l->next;
            continue;
        }
        bool head = l->start < range->start, tail = l->end > range->end;
        if (head && tail) {
            struct rf_lock rest = *l;
            rest.start = range->end + 1;
            if (!insert(k, inode, &rest))
                return false;
        }
        if (head) {
            l->end = range->start - 1;
            p = &l->next;
        } else if (tail) {
            l->start = range->end + 1;
            p = &l->next;
        } else {
            *p = l->next;
            rf_kfree(k, l);
        }
    }
    return true;
}

/* Grow want over the owner's neighbours of the same type. */
static void merge(struct rf_kernel *k, struct rf_inode *inode, struct rf_lock *want)
{
    struct rf_lock **p = &inode->locks;
    while (*p) {
        struct rf_lock *l = *p;
        bool adjacent = (l->end != INT64_MAX && l->end + 1 == want->start) ||
                        (want->end != INT64_MAX && want->end + 1 == l->start);
        if (!same_owner(l, want) || l->type != want->type || !adjacent) {
            p = &l->next;
            continue;
        }
        if (l->start < want->start)
            want->start = l->start;
        if (l->end > want->end)
            want->end = l->end;
        *p = l->next;
        rf_kfree(k, l);
    }
}

static int64_t wait_for(struct rf_kernel *k, struct rf_inode *inode, const struct rf_lock *want,
                        const struct rf_lock *conflict)
{
    if (want->kind == RF_LOCK_POSIX && deadlock(k, want->owner, conflict->owner))
        return -RF_EDEADLK;
    k->current->scratch[2] = (uintptr_t)conflict->owner;
    k->current->scratch[3] = WAITS_FOR_LOCK;
    return rf_sleep_on(k, &inode->lock_wait);
}

int64_t rf_lock_set(struct rf_kernel *k, struct rf_inode *inode, const struct rf_lock *want,
                    bool wait)
{
    struct rf_lock lock = *want;
    if (want->type != RF_F_UNLCK) {
        const struct rf_lock *conflict = rf_lock_conflict(inode, want);
        if (conflict)
            return wait ? wait_for(k, inode, want, conflict) : -RF_EAGAIN;
    }
    if (!cut(k, inode, &lock))
        return -RF_ENOLCK;
    if (lock.type != RF_F_UNLCK) {
        merge(k, inode, &lock);
        if (!insert(k, inode, &lock))
            return -RF_ENOLCK;
    }
    rf_wake(k, &inode->lock_wait); /* a lock became weaker or smaller */
    return 0;
}

void rf_lock_drop(struct rf_kernel *k, struct rf_inode *inode, const void *owner)
{
    bool dropped = false;
    struct rf_lock **p = &inode->locks;
    while (*p) {
        struct rf_lock *l = *p;
        if (l->owner != owner) {
            p = &l->next;
            continue;
        }
        *p = l->next;
        rf_kfree(k, l);
        dropped = true;
    }
    if (dropped)
        rf_wake(k, &inode->lock_wait);
}

/* --- fcntl --- */

static int64_t range_of(struct rf_kernel *k, struct rf_file *file, const struct rf_flock *f,
                        struct rf_lock *out)
{
    int64_t base;
    switch (f->l_whence) {
    case RF_SEEK_SET: base = 0; break;
    case RF_SEEK_CUR: base = (int64_t)file->pos; break;
    case RF_SEEK_END: base = (int64_t)rf_file_size(k, file); break;
    default: return -RF_EINVAL;
    }
    int64_t start, end = INT64_MAX;
    if (__builtin_add_overflow(base, f->l_start, &start))
        return -RF_EOVERFLOW;
    if (start < 0)
        return -RF_EINVAL;
    if (f->l_len > 0) {
        if (__builtin_add_overflow(start, f->l_len - 1, &end))
            return -RF_EOVERFLOW;
    } else if (f->l_len < 0) {
        end = start - 1;
        if (start + f->l_len < 0)
            return -RF_EINVAL;
        start += f->l_len;
    }
    out->start = (uint64_t)start;
    out->end = (uint64_t)end;
    return 0;
}

static int64_t get_lock(struct rf_kernel *k, struct rf_file *file, struct rf_flock *f,
                        struct rf_lock *want, uint64_t user)
{
    const struct rf_lock *conflict = rf_lock_conflict(file->inode, want);
    if (!conflict) {
        f->l_type = RF_F_UNLCK;
        return RF_PUT_USER(k, user, *f);
    }
    f->l_type = conflict->type;
    f->l_whence = RF_SEEK_SET;
    f->l_start = (int64_t)conflict->start;
    f->l_len = conflict->end == INT64_MAX ? 0 : (int64_t)(conflict->end - conflict->start + 1);
    f->l_pid = conflict->kind == RF_LOCK_OFD ? -1 : rf_pid_shown(k, conflict->pid);
    return RF_PUT_USER(k, user, *f);
}

static bool mode_allows(const struct rf_file *file, int type)
{
    if (type == RF_F_RDLCK)
        return file->mode & RF_FMODE_READ;
    return type == RF_F_UNLCK || (file->mode & RF_FMODE_WRITE);
}

int64_t rf_lock_fcntl(struct rf_kernel *k, struct rf_file *file, int command, uint64_t user)
{
    bool ofd = command >= RF_F_OFD_GETLK && command <= RF_F_OFD_SETLKW;
    bool get = command == RF_F_GETLK || command == RF_F_OFD_GETLK;
    bool wait = command == RF_F_SETLKW || command == RF_F_OFD_SETLKW;
    struct rf_flock f;
    if (RF_GET_USER(k, f, user))
        return -RF_EFAULT;
    if (f.l_type != RF_F_RDLCK && f.l_type != RF_F_WRLCK && (get || f.l_type != RF_F_UNLCK))
        return -RF_EINVAL;
    if (ofd && f.l_pid != 0)
        return -RF_EINVAL;
    struct rf_lock want = { .kind = ofd ? RF_LOCK_OFD : RF_LOCK_POSIX,
                            .owner = ofd ? (void *)file : (void *)k->current->files,
                            .pid = k->current->process->pid,
                            .type = f.l_type };
    int64_t result = range_of(k, file, &f, &want);
    if (result)
        return result;
    if (get)
        return get_lock(k, file, &f, &want, user);
    if (!mode_allows(file, f.l_type))
        return -RF_EBADF;
    return rf_lock_set(k, file->inode, &want, wait);
}
