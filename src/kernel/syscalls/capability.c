/* capget, capset (capget(2)), and the prctl(2) options about capabilities (security/commoncap.c). */
#include "kernel/syscalls/capability.h"

#include "kernel/namespace/namespace.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"

/* Words of each set that the header's version has; an unknown one is told ours, and is -RF_EINVAL. */
static int64_t words_of(struct rf_kernel *k, uint64_t user)
{
    uint32_t version, ours = RF_CAPABILITY_VERSION_3;
    if (RF_GET_USER(k, version, user))
        return -RF_EFAULT;
    switch (version) {
    case RF_CAPABILITY_VERSION_1: return 1;
    case RF_CAPABILITY_VERSION_2:
    case RF_CAPABILITY_VERSION_3: return 2;
    default: return RF_PUT_USER(k, user, ours) ? -RF_EFAULT : -RF_EINVAL;
    }
}

static int64_t read_pid(struct rf_kernel *k, uint64_t header, int32_t *pid)
{
    return RF_GET_USER(k, *pid, header + offsetof(struct rf_cap_header, pid)) ? -RF_EFAULT : 0;
}

static int64_t sys_capget(struct rf_kernel *k, const uint64_t a[6])
{
    int64_t words = words_of(k, a[0]);
    int32_t pid;
    if (!a[1] && (words >= 0 || words == -RF_EINVAL)) /* asks for the version alone */
        return 0;
    if (words < 0)
        return words;
    int64_t error = read_pid(k, a[0], &pid);
    if (error)
        return error;
    if (pid < 0)
        return -RF_EINVAL;
    const struct rf_task *task = pid ? rf_task_find(k, rf_pid_given(k, pid)) : k->current;
    if (!task)
        return -RF_ESRCH;
    const struct rf_credentials *c = &task->credentials;
    struct rf_cap_data data[2];
    for (unsigned i = 0; i < 2; i++)
        data[i] = (struct rf_cap_data){ (uint32_t)(c->effective >> 32 * i), (uint32_t)(c->permitted >> 32 * i),
                                        (uint32_t)(c->inheritable >> 32 * i) };
    return rf_copy_to_user(k, a[1], data, (size_t)words * sizeof data[0]) ? -RF_EFAULT : 0;
}

/* cap_capset */
static int64_t change(struct rf_kernel *k, uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
    struct rf_credentials *c = &k->current->credentials, old = *c;
    if (!rf_capable_here(k, RF_CAP_SETPCAP) && inheritable & ~(c->inheritable | c->permitted))
        return -RF_EPERM;
    if (inheritable & ~(c->inheritable | c->bounding) || permitted & ~c->permitted || effective & ~permitted)
        return -RF_EPERM;
    c->effective = effective;
    c->permitted = permitted;
    c->inheritable = inheritable;
    c->ambient &= permitted & inheritable;
    rf_credentials_changed(k, &old);
    return 0;
}

static int64_t sys_capset(struct rf_kernel *k, const uint64_t a[6])
{
    int64_t words = words_of(k, a[0]);
    int32_t pid;
    struct rf_cap_data data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
    if (words < 0)
        return words;
    int64_t error = read_pid(k, a[0], &pid);
    if (error)
        return error;
    if (pid && rf_pid_given(k, pid) != k->current->tid)
        return -RF_EPERM;
    if (rf_copy_from_user(k, data, a[1], (size_t)words * sizeof data[0]))
        return -RF_EFAULT;
    uint64_t set[3] = { data[0].effective | (uint64_t)data[1].effective << 32,
                        data[0].permitted | (uint64_t)data[1].permitted << 32,
                        data[0].inheritable | (uint64_t)data[1].inheritable << 32 };
    return change(k, set[0] & RF_CAP_ALL, set[1] & RF_CAP_ALL, set[2] & RF_CAP_ALL);
}

/* --- prctl --- */

static int64_t set_securebits(struct rf_kernel *k, uint64_t bits)
{
    struct rf_credentials *c = &k->current->credentials;
    uint64_t locked = (c->securebits & RF_SECURE_ALL_LOCKS) >> 1;
    if (locked & (c->securebits ^ bits) || c->securebits & RF_SECURE_ALL_LOCKS & ~bits ||
        bits & ~(uint64_t)(RF_SECURE_ALL_BITS | RF_SECURE_ALL_LOCKS) || !rf_capable_here(k, RF_CAP_SETPCAP))
        return -RF_EPERM;
    c->securebits = (uint32_t)bits;
    return 0;
}

static int64_t set_keepcaps(struct rf_kernel *k, uint64_t value)
{
    struct rf_credentials *c = &k->current->credentials;
    if (value > 1)
        return -RF_EINVAL;
    if (c->securebits & RF_SECBIT_KEEP_CAPS_LOCKED)
        return -RF_EPERM;
    c->securebits &= ~(uint32_t)RF_SECBIT_KEEP_CAPS;
    c->securebits |= value ? (uint32_t)RF_SECBIT_KEEP_CAPS : 0;
    return 0;
}

static int64_t drop_bounding(struct rf_kernel *k, uint64_t cap)
{
    if (!rf_capable_here(k, RF_CAP_SETPCAP))
        return -RF_EPERM;
    if (cap > RF_CAP_LAST_CAP)
        return -RF_EINVAL;
    k->current->credentials.bounding &= ~RF_CAP_BIT(cap);
    return 0;
}

static int64_t ambient(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials;
    if (a[1] == RF_PR_CAP_AMBIENT_CLEAR_ALL) {
        if (a[2] | a[3] | a[4])
            return -RF_EINVAL;
        c->ambient = 0;
        return 0;
    }
    if (a[2] > RF_CAP_LAST_CAP || a[3] | a[4])
        return -RF_EINVAL;
    uint64_t bit = RF_CAP_BIT(a[2]);
    switch (a[1]) {
    case RF_PR_CAP_AMBIENT_IS_SET:
        return (c->ambient & bit) != 0;
    case RF_PR_CAP_AMBIENT_RAISE:
        if (!(c->permitted & c->inheritable & bit) || c->securebits & RF_SECBIT_NO_CAP_AMBIENT_RAISE)
            return -RF_EPERM;
        c->ambient |= bit;
        return 0;
    case RF_PR_CAP_AMBIENT_LOWER:
        c->ambient &= ~bit;
        return 0;
    default:
        return -RF_EINVAL;
    }
}

int64_t rf_capability_prctl(struct rf_kernel *k, const uint64_t a[6], bool *known)
{
    const struct rf_credentials *c = &k->current->credentials;
    *known = true;
    switch ((int)a[0]) {
    case RF_PR_CAPBSET_READ: return a[1] > RF_CAP_LAST_CAP ? -RF_EINVAL : (c->bounding & RF_CAP_BIT(a[1])) != 0;
    case RF_PR_CAPBSET_DROP: return drop_bounding(k, a[1]);
    case RF_PR_SET_SECUREBITS: return set_securebits(k, a[1]);
    case RF_PR_GET_SECUREBITS: return c->securebits;
    case RF_PR_GET_KEEPCAPS: return (c->securebits & RF_SECBIT_KEEP_CAPS) != 0;
    case RF_PR_SET_KEEPCAPS: return set_keepcaps(k, a[1]);
    case RF_PR_CAP_AMBIENT: return ambient(k, a);
    default: *known = false; return -RF_EINVAL;
    }
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_capget, sys_capget },
    { RF_NR_capset, sys_capset },
};
const struct rf_handler_table rf_handlers_capability = RF_HANDLER_TABLE(entries);
