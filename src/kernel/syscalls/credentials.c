/* Users and groups: get*id, set*id, setfs*id, getgroups, setgroups (credentials(7), kernel/sys.c). Ids are
 * those of the caller's user namespace. */
#include "kernel/task/credentials.h"

#include "kernel/namespace/namespace.h"
#include "kernel/task/task.h"

#include <stdlib.h>

#define GETTER(name, expression)                                                          \
    static int64_t sys_##name(struct rf_kernel *k, const uint64_t a[6])                   \
    {                                                                                     \
        (void)a;                                                                          \
        return (expression);                                                              \
    }
GETTER(getuid, rf_uid_shown(k, k->current->credentials.uid))
GETTER(geteuid, rf_uid_shown(k, k->current->credentials.euid))
GETTER(getgid, rf_gid_shown(k, k->current->credentials.gid))
GETTER(getegid, rf_gid_shown(k, k->current->credentials.egid))

static bool may_set_uid(const struct rf_kernel *k)
{
    return rf_capable_here(k, RF_CAP_SETUID);
}

static bool may_set_gid(const struct rf_kernel *k)
{
    return rf_capable_here(k, RF_CAP_SETGID);
}

/* The current task gets new user ids. Over RLIMIT_NPROC it may have them, but not execute (execve(2), EAGAIN). */
static int64_t adopt_uids(struct rf_kernel *k, struct rf_credentials *next)
{
    struct rf_task *task = k->current;
    struct rf_credentials old = task->credentials;
    if (next->uid != old.uid)
        task->nproc_exceeded = next->uid != 0 && rf_user_has_too_many(k, task, next->uid, 1);
    rf_credentials_fix_setuid(next, &old);
    task->credentials = *next;
    rf_credentials_changed(k, &old);
    return 0;
}

static int64_t adopt_gids(struct rf_kernel *k, const struct rf_credentials *next)
{
    struct rf_credentials old = k->current->credentials;
    k->current->credentials = *next;
    rf_credentials_changed(k, &old);
    return 0;
}

static int64_t sys_setuid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials next = k->current->credentials;
    uint32_t uid = rf_uid_given(k, (uint32_t)a[0]);
    if (uid == RF_NO_ID)
        return -RF_EINVAL;
    if (may_set_uid(k))
        next.uid = next.suid = uid;
    else if (uid != next.uid && uid != next.suid)
        return -RF_EPERM;
    next.euid = next.fsuid = uid;
    return adopt_uids(k, &next);
}

static int64_t sys_setgid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials next = k->current->credentials;
    uint32_t gid = rf_gid_given(k, (uint32_t)a[0]);
    if (gid == RF_NO_ID)
        return -RF_EINVAL;
    if (may_set_gid(k))
        next.gid = next.sgid = gid;
    else if (gid != next.gid && gid != next.sgid)
        return -RF_EPERM;
    next.egid = next.fsgid = gid;
    return adopt_gids(k, &next);
}

/* Three ids as given, -1 staying "leave it". False: one means nothing here. */
static bool translate(const struct rf_kernel *k, const uint64_t *a, unsigned count, bool groups, uint32_t *out)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t id = (uint32_t)a[i];
        out[i] = groups ? rf_gid_given(k, id) : rf_uid_given(k, id);
        if (id != RF_NO_ID && out[i] == RF_NO_ID)
            return false;
    }
    return true;
}

/* Real, effective, saved: -1 leaves one; unprivileged only among the present three. */
static int64_t set_three(bool may_all, uint32_t *real, uint32_t *effective, uint32_t *saved,
                         uint32_t *filesystem, const uint32_t wanted[3])
{
    const uint32_t now[3] = { *real, *effective, *saved };
    bool same = (wanted[1] == RF_NO_ID || (wanted[1] == *effective && wanted[1] == *filesystem)) &&
                (wanted[0] == RF_NO_ID || wanted[0] == *real) && (wanted[2] == RF_NO_ID || wanted[2] == *saved);
    if (same)
        return 0;
    for (unsigned i = 0; i < 3; i++) {
        bool known = wanted[i] == RF_NO_ID || wanted[i] == now[0] || wanted[i] == now[1] || wanted[i] == now[2];
        if (!known && !may_all)
            return -RF_EPERM;
    }
    *real = wanted[0] == RF_NO_ID ? now[0] : wanted[0];
    *effective = wanted[1] == RF_NO_ID ? now[1] : wanted[1];
    *saved = wanted[2] == RF_NO_ID ? now[2] : wanted[2];
    *filesystem = *effective;
    return 0;
}

static int64_t sys_setresuid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials next = k->current->credentials;
    uint32_t wanted[3];
    if (!translate(k, a, 3, false, wanted))
        return -RF_EINVAL;
    int64_t error = set_three(may_set_uid(k), &next.uid, &next.euid, &next.suid, &next.fsuid, wanted);
    return error ? error : adopt_uids(k, &next);
}

static int64_t sys_setresgid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials next = k->current->credentials;
    uint32_t wanted[3];
    if (!translate(k, a, 3, true, wanted))
        return -RF_EINVAL;
    int64_t error = set_three(may_set_gid(k), &next.gid, &next.egid, &next.sgid, &next.fsgid, wanted);
    return error ? error : adopt_gids(k, &next);
}

/* setreuid(2): the saved id follows the new effective one when the real one is set, or when the effective
 * one becomes another than the real one was. */
static int64_t set_two(bool may_all, uint32_t *real, uint32_t *effective, uint32_t *saved,
                       uint32_t *filesystem, const uint32_t wanted[2])
{
    uint32_t was_real = *real, was_effective = *effective;
    if (wanted[0] != RF_NO_ID && wanted[0] != was_real && wanted[0] != was_effective && !may_all)
        return -RF_EPERM;
    if (wanted[1] != RF_NO_ID && wanted[1] != was_real && wanted[1] != was_effective && wanted[1] != *saved &&
        !may_all)
        return -RF_EPERM;
    if (wanted[0] != RF_NO_ID)
        *real = wanted[0];
    if (wanted[1] != RF_NO_ID)
        *effective = wanted[1];
    if (wanted[0] != RF_NO_ID || (wanted[1] != RF_NO_ID && wanted[1] != was_real))
        *saved = *effective;
    *filesystem = *effective;
    return 0;
}

static int64_t sys_setreuid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials next = k->current->credentials;
    uint32_t wanted[2];
    if (!translate(k, a, 2, false, wanted))
        return -RF_EINVAL;
    int64_t error = set_two(may_set_uid(k), &next.uid, &next.euid, &next.suid, &next.fsuid, wanted);
    return error ? error : adopt_uids(k, &next);
}

static int64_t sys_setregid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials next = k->current->credentials;
    uint32_t wanted[2];
    if (!translate(k, a, 2, true, wanted))
        return -RF_EINVAL;
    int64_t error = set_two(may_set_gid(k), &next.gid, &next.egid, &next.sgid, &next.fsgid, wanted);
    return error ? error : adopt_gids(k, &next);
}

/* No error is ever told: the id before, whatever came of it. */
static int64_t sys_setfsuid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials, old = *c;
    uint32_t uid = rf_uid_given(k, (uint32_t)a[0]), before = rf_uid_shown(k, c->fsuid);
    if (uid == RF_NO_ID || uid == c->fsuid)
        return before;
    if (uid == c->uid || uid == c->euid || uid == c->suid || may_set_uid(k)) {
        c->fsuid = uid;
        rf_credentials_fix_setfsuid(c, &old);
        rf_credentials_changed(k, &old);
    }
    return before;
}

static int64_t sys_setfsgid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials, old = *c;
    uint32_t gid = rf_gid_given(k, (uint32_t)a[0]), before = rf_gid_shown(k, c->fsgid);
    if (gid == RF_NO_ID || gid == c->fsgid)
        return before;
    if (gid == c->gid || gid == c->egid || gid == c->sgid || may_set_gid(k)) {
        c->fsgid = gid;
        rf_credentials_changed(k, &old);
    }
    return before;
}

static int64_t put_three(struct rf_kernel *k, const uint64_t a[6], const uint32_t ids[3])
{
    for (unsigned i = 0; i < 3; i++)
        if (RF_PUT_USER(k, a[i], ids[i]))
            return -RF_EFAULT;
    return 0;
}

static int64_t sys_getresuid(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_credentials *c = &k->current->credentials;
    const uint32_t ids[3] = { rf_uid_shown(k, c->uid), rf_uid_shown(k, c->euid), rf_uid_shown(k, c->suid) };
    return put_three(k, a, ids);
}

static int64_t sys_getresgid(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_credentials *c = &k->current->credentials;
    const uint32_t ids[3] = { rf_gid_shown(k, c->gid), rf_gid_shown(k, c->egid), rf_gid_shown(k, c->sgid) };
    return put_three(k, a, ids);
}

/* --- supplementary groups --- */

static int64_t sys_getgroups(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_group_list *list = k->current->credentials.groups;
    int32_t room = (int32_t)a[0];
    uint32_t count = list ? list->count : 0;
    if (room < 0 || (room && (uint32_t)room < count))
        return -RF_EINVAL;
    for (uint32_t i = 0; room && i < count; i++) {
        uint32_t gid = rf_gid_shown(k, list->gid[i]);
        if (RF_PUT_USER(k, a[1] + i * sizeof gid, gid))
            return -RF_EFAULT;
    }
    return count;
}

static int by_number(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

/* Read and translate; kept in ascending order, as groups_sort does. */
static int64_t read_groups(struct rf_kernel *k, uint64_t user, struct rf_group_list *list)
{
    if (rf_copy_from_user(k, list->gid, user, list->count * sizeof list->gid[0]))
        return -RF_EFAULT;
    for (uint32_t i = 0; i < list->count; i++) {
        list->gid[i] = rf_gid_given(k, list->gid[i]);
        if (list->gid[i] == RF_NO_ID)
            return -RF_EINVAL;
    }
    qsort(list->gid, list->count, sizeof list->gid[0], by_number);
    return 0;
}

static int64_t sys_setgroups(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials;
    uint32_t count = (uint32_t)a[0];
    if (!may_set_gid(k) || !rf_may_setgroups(c->user))
        return -RF_EPERM;
    if (count > RF_NGROUPS_MAX)
        return -RF_EINVAL;
    struct rf_group_list *list = NULL;
    if (count) {
        list = rf_kalloc(k, sizeof *list + count * sizeof list->gid[0]);
        if (!list)
            return -RF_ENOMEM;
        *list = (struct rf_group_list){ .references = 1, .count = count };
        int64_t error = read_groups(k, a[1], list);
        if (error) {
            rf_kfree(k, list);
            return error;
        }
    }
    if (c->groups && --c->groups->references == 0)
        rf_kfree(k, c->groups);
    c->groups = list;
    return 0;
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(getuid), ENTRY(geteuid), ENTRY(getgid), ENTRY(getegid), ENTRY(setuid), ENTRY(setgid),
    ENTRY(setresuid), ENTRY(setresgid), ENTRY(setreuid), ENTRY(setregid), ENTRY(setfsuid),
    ENTRY(setfsgid), ENTRY(getresuid), ENTRY(getresgid), ENTRY(getgroups), ENTRY(setgroups),
};
const struct rf_handler_table rf_handlers_credentials = RF_HANDLER_TABLE(entries);
