/* seccomp(2), and PR_SET_SECCOMP of prctl(2). */
#include "abi/linux_seccomp.h"
#include "trace/strace_names.h"

#define N(name) {RF_##name, #name}
static const struct rf_st_name flag_list[] = {
    N(SECCOMP_FILTER_FLAG_TSYNC), N(SECCOMP_FILTER_FLAG_LOG), N(SECCOMP_FILTER_FLAG_SPEC_ALLOW),
    N(SECCOMP_FILTER_FLAG_NEW_LISTENER), N(SECCOMP_FILTER_FLAG_TSYNC_ESRCH),
    N(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV),
};
static const struct rf_st_names flags = {
    "SECCOMP_FILTER_FLAG_???", sizeof flag_list / sizeof *flag_list, flag_list,
};
static const struct rf_st_name action_list[] = {
    N(SECCOMP_RET_KILL_PROCESS), N(SECCOMP_RET_KILL_THREAD), N(SECCOMP_RET_TRAP), N(SECCOMP_RET_ERRNO),
    N(SECCOMP_RET_USER_NOTIF), N(SECCOMP_RET_TRACE), N(SECCOMP_RET_LOG), N(SECCOMP_RET_ALLOW),
};
static const struct rf_st_names actions = {
    "SECCOMP_RET_???", sizeof action_list / sizeof *action_list, action_list,
};
static const struct rf_st_name mode_list[] = {
    N(SECCOMP_MODE_DISABLED), N(SECCOMP_MODE_STRICT), N(SECCOMP_MODE_FILTER),
};
static const struct rf_st_names modes = {
    "SECCOMP_MODE_???", sizeof mode_list / sizeof *mode_list, mode_list,
};

static void put_program(struct rf_st *st, uint64_t address)
{
    struct rf_sock_fprog program;
    if (!address || !rf_st_read(st, address, &program, sizeof program)) {
        rf_st_address(st, address);
        return;
    }
    rf_st_format(st, "{len=%u, filter=", program.len);
    rf_st_address(st, program.filter);
    rf_st_text(st, "}");
}

static void put_action(struct rf_st *st, uint64_t address)
{
    uint32_t action;
    if (!address || !rf_st_read(st, address, &action, sizeof action)) {
        rf_st_address(st, address);
        return;
    }
    rf_st_text(st, "[");
    rf_st_enum(st, action, &actions);
    rf_st_text(st, "]");
}

void rf_st_enter_seccomp(struct rf_st *st)
{
    uint32_t operation = (uint32_t)st->args[0];
    rf_st_enum(st, operation, &rf_st_seccomp_ops);
    rf_st_text(st, ", ");
    if (operation == RF_SECCOMP_SET_MODE_FILTER)
        rf_st_flags(st, (uint32_t)st->args[1], &flags);
    else
        rf_st_hex(st, (uint32_t)st->args[1]);
    rf_st_text(st, ", ");
    if (operation == RF_SECCOMP_GET_NOTIF_SIZES)
        return; /* what it gives, when it has */
    st->last = true;
    if (operation == RF_SECCOMP_SET_MODE_FILTER)
        put_program(st, st->args[2]);
    else if (operation == RF_SECCOMP_GET_ACTION_AVAIL)
        put_action(st, st->args[2]);
    else
        rf_st_address(st, st->args[2]);
}

void rf_st_leave_seccomp(struct rf_st *st)
{
    struct rf_seccomp_notif_sizes sizes;
    if (rf_st_fetch(st, st->args[2], &sizes, sizeof sizes))
        rf_st_format(st, "{seccomp_notif=%u, seccomp_notif_resp=%u, seccomp_data=%u}", sizes.seccomp_notif,
                     sizes.seccomp_notif_resp, sizes.seccomp_data);
}

void rf_st_prctl_seccomp(struct rf_st *st)
{
    rf_st_text(st, ", ");
    rf_st_enum(st, st->args[1], &modes);
    if (st->args[1] == RF_SECCOMP_MODE_STRICT)
        return;
    if (st->args[1] == RF_SECCOMP_MODE_FILTER) {
        rf_st_text(st, ", ");
        put_program(st, st->args[2]);
        return;
    }
    for (unsigned i = 2; i < 5; i++) {
        rf_st_text(st, ", ");
        rf_st_hex(st, st->args[i]);
    }
}
