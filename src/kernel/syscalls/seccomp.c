/* seccomp(2), and what prctl(2) has of it. */
#include "kernel/seccomp/seccomp.h"

static int64_t action_available(struct rf_kernel *k, uint64_t user)
{
    static const uint32_t actions[] = {
        RF_SECCOMP_RET_KILL_PROCESS, RF_SECCOMP_RET_KILL_THREAD, RF_SECCOMP_RET_TRAP, RF_SECCOMP_RET_ERRNO,
        RF_SECCOMP_RET_USER_NOTIF,   RF_SECCOMP_RET_TRACE,       RF_SECCOMP_RET_LOG,  RF_SECCOMP_RET_ALLOW,
    };
    uint32_t action;
    if (RF_GET_USER(k, action, user))
        return -RF_EFAULT;
    for (size_t i = 0; i < RF_ARRAY_SIZE(actions); i++)
        if (actions[i] == action)
            return 0;
    return -RF_EOPNOTSUPP;
}

static int64_t notif_sizes(struct rf_kernel *k, uint64_t user)
{
    static const struct rf_seccomp_notif_sizes sizes = {
        sizeof(struct rf_seccomp_notif), sizeof(struct rf_seccomp_notif_resp), sizeof(struct rf_seccomp_data),
    };
    return RF_PUT_USER(k, user, sizes) ? -RF_EFAULT : 0;
}

static int64_t sys_seccomp(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t operation = (uint32_t)a[0], flags = (uint32_t)a[1];
    if (operation == RF_SECCOMP_SET_MODE_FILTER)
        return rf_seccomp_set_filter(k, flags, a[2]);
    if (flags)
        return -RF_EINVAL;
    switch (operation) {
    case RF_SECCOMP_SET_MODE_STRICT: return a[2] ? -RF_EINVAL : rf_seccomp_set_strict(k);
    case RF_SECCOMP_GET_ACTION_AVAIL: return action_available(k, a[2]);
    case RF_SECCOMP_GET_NOTIF_SIZES: return notif_sizes(k, a[2]);
    default: return -RF_EINVAL;
    }
}

int64_t rf_seccomp_prctl_set(struct rf_kernel *k, uint64_t mode, uint64_t filter)
{
    switch (mode) {
    case RF_SECCOMP_MODE_STRICT: return rf_seccomp_set_strict(k);
    case RF_SECCOMP_MODE_FILTER: return rf_seccomp_set_filter(k, 0, filter);
    default: return -RF_EINVAL;
    }
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_seccomp, sys_seccomp },
};
const struct rf_handler_table rf_handlers_seccomp = RF_HANDLER_TABLE(entries);
