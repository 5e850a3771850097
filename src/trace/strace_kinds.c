/* Arguments that are complete in themselves: numbers, descriptors, bytes, strings, and
 * values and flags with names. */
#include "abi/linux_flags.h"
#include "trace/strace_names.h"

/* Kinds that are nothing but names. width: bits of the argument that count. */
static const struct {
    const struct rf_st_names *names;
    bool is_flags;
    uint8_t width;
} named_kinds[RF_ARG_KIND_COUNT] = {
#define VALUE(kind, table)        [RF_ARG_##kind] = {&rf_st_##table, false, 32}
#define FLAGS(kind, table, width) [RF_ARG_##kind] = {&rf_st_##table, true, width}
    FLAGS(ACCESS_MODE, access_modes, 32),
    VALUE(WHENCE, whence),
    FLAGS(AT_FLAGS, at_flags, 32),
    FLAGS(UNLINKAT_FLAGS, at_flags, 32),
    FLAGS(FACCESSAT_FLAGS, faccessat_flags, 32),
    FLAGS(STATX_MASK, statx_mask, 32),
    FLAGS(RENAME_FLAGS, rename_flags, 32),
    FLAGS(FALLOC_MODE, fallocate_modes, 32),
    VALUE(FADVICE, fadvice),
    FLAGS(FLOCK_OP, flock_ops, 32),
    VALUE(FCNTL_CMD, fcntl),
    FLAGS(CLOSE_RANGE_FLAGS, close_range_flags, 32),
    FLAGS(RWF_FLAGS, rwf_flags, 32),
    FLAGS(SPLICE_FLAGS, splice_flags, 32),
    FLAGS(SYNC_RANGE_FLAGS, sync_range_flags, 32),
    FLAGS(FD_FLAGS, open_bits, 32),
    FLAGS(MOUNT_FLAGS, mount_flags, 64),
    FLAGS(UMOUNT_FLAGS, umount_flags, 32),
    FLAGS(XATTR_FLAGS, xattr_flags, 32),
    FLAGS(INOTIFY_MASK, inotify_events, 32),
    FLAGS(INOTIFY_FLAGS, inotify_flags, 32),
    VALUE(EPOLL_OP, epoll_ops),
    FLAGS(EPOLL_CREATE_FLAGS, epoll_create_flags, 32),
    FLAGS(EVENTFD_FLAGS, eventfd_flags, 32),
    FLAGS(SIGNALFD_FLAGS, signalfd_flags, 32),
    FLAGS(TIMERFD_FLAGS, timerfd_flags, 32),
    FLAGS(TIMERFD_SET_FLAGS, timerfd_flags, 32),
    FLAGS(PIDFD_FLAGS, pidfd_flags, 32),
    VALUE(IOPRIO_WHO, ioprio_who),
    FLAGS(PROT, prot, 32),
    FLAGS(MREMAP_FLAGS, mremap_flags, 32),
    VALUE(MADVICE, advice),
    FLAGS(MSYNC_FLAGS, msync_flags, 32),
    FLAGS(MLOCKALL_FLAGS, mlockall_flags, 32),
    FLAGS(MLOCK2_FLAGS, mlock2_flags, 32),
    FLAGS(PKEY_RIGHTS, pkey_rights, 32),
    VALUE(CLOCK, clocks),
    FLAGS(TIMER_FLAGS, timer_flags, 32),
    VALUE(ITIMER_WHICH, itimers),
    VALUE(SIGMASK_HOW, sigmask_how),
    FLAGS(CLONE_NS_FLAGS, namespace_flags, 32),
    FLAGS(UNSHARE_FLAGS, unshare_flags, 64),
    FLAGS(WAIT_OPTIONS, wait_options, 32),
    VALUE(WAITID_TYPE, waitid_types),
    VALUE(RUSAGE_WHO, rusage_who),
    VALUE(RESOURCE, resources),
    VALUE(PRIORITY_WHICH, priorities),
    VALUE(SCHED_POLICY, sched),
    VALUE(ARCH_PRCTL_CODE, arch_prctl),
    VALUE(PRCTL_OPTION, prctl),
    FLAGS(GETRANDOM_FLAGS, getrandom_flags, 32),
    VALUE(MEMBARRIER_CMD, membarrier),
    FLAGS(RSEQ_FLAGS, rseq_flags, 32),
    VALUE(PTRACE_REQUEST, ptrace),
    VALUE(SECCOMP_OP, seccomp_ops),
    FLAGS(IPC_MSG_FLAGS, ipc_msg_flags, 32),
    FLAGS(SHMAT_FLAGS, shmat_flags, 32),
    FLAGS(SOCKET_FLAGS, socket_bits, 32),
    FLAGS(MSG_FLAGS, msg_flags, 32),
    VALUE(SHUTDOWN_HOW, shutdown),
    VALUE(SOCKET_DOMAIN, domains),
#undef VALUE
#undef FLAGS
};

static void put_rest(struct rf_st *st, uint64_t rest, bool *shown)
{
    if (!rest)
        return;
    rf_st_separate(st, shown);
    rf_st_hex(st, rest);
}

static void put_if_none(struct rf_st *st, bool shown)
{
    if (!shown)
        rf_st_text(st, "0");
}

/* The log2 of a huge page's size, in bits 26..31 of several flag words. */
enum { HUGE_SHIFT = 26, HUGE_MASK = 0x3f };

static void put_huge_shift(struct rf_st *st, uint64_t flags, const char *name, bool *shown)
{
    unsigned shift = (unsigned)(flags >> HUGE_SHIFT) & HUGE_MASK;
    if (!shift)
        return;
    rf_st_separate(st, shown);
    rf_st_format(st, "%u<<%s", shift, name);
}

static void put_map_flags(struct rf_st *st, uint64_t flags)
{
    flags &= UINT32_MAX;
    bool shown = true;
    rf_st_enum(st, flags & RF_MAP_TYPE, &rf_st_map_types);
    uint64_t huge = (uint64_t)HUGE_MASK << HUGE_SHIFT;
    put_rest(st, rf_st_flag_names(st, flags & ~(huge | RF_MAP_TYPE), &rf_st_map_bits, &shown),
             &shown);
    put_huge_shift(st, flags, "MAP_HUGE_SHIFT", &shown);
}

static void put_memfd_flags(struct rf_st *st, uint64_t flags)
{
    flags &= UINT32_MAX;
    bool shown = false;
    uint64_t huge = (uint64_t)HUGE_MASK << HUGE_SHIFT;
    put_rest(st, rf_st_flag_names(st, flags & ~huge, &rf_st_memfd, &shown), &shown);
    put_huge_shift(st, flags, "MFD_HUGE_SHIFT", &shown);
    put_if_none(st, shown);
}

static void put_statx_flags(struct rf_st *st, uint64_t flags)
{
    flags &= UINT32_MAX;
    bool shown = true;
    rf_st_flags(st, flags & RF_AT_STATX_SYNC_TYPE, &rf_st_statx_sync);
    flags &= ~(uint64_t)RF_AT_STATX_SYNC_TYPE;
    put_rest(st, rf_st_flag_names(st, flags, &rf_st_at_flags, &shown), &shown);
}

/* shmget, semget, msgget: flags, then permission bits in octal. */
static void put_ipc_flags(struct rf_st *st, uint64_t flags, const struct rf_st_names *names,
                          bool may_be_huge)
{
    flags &= UINT32_MAX;
    bool shown = false;
    uint64_t huge = may_be_huge ? (uint64_t)HUGE_MASK << HUGE_SHIFT : 0;
    put_rest(st, rf_st_flag_names(st, flags & ~(huge | 0777), names, &shown), &shown);
    if (may_be_huge)
        put_huge_shift(st, flags, "SHM_HUGE_SHIFT", &shown);
    rf_st_separate(st, &shown);
    rf_st_mode(st, (unsigned)flags & 0777);
}

static void put_ipc_command(struct rf_st *st, uint64_t command)
{
    const struct rf_st_names *names = &rf_st_sem_commands;
    if (st->line->nr == RF_NR_shmctl)
        names = &rf_st_shm_commands;
    else if (st->line->nr == RF_NR_msgctl)
        names = &rf_st_msg_commands;
    command &= UINT32_MAX;
    if (command & 0x100)
        rf_st_text(st, "IPC_64|");
    rf_st_enum(st, command & ~UINT64_C(0x100), names);
}

static void put_personality(struct rf_st *st, uint64_t value)
{
    value &= UINT32_MAX;
    if (value == UINT32_MAX) {
        rf_st_hex(st, value);
        return;
    }
    bool shown = true;
    rf_st_enum(st, value & 0xff, &rf_st_personality);
    uint64_t rest = rf_st_flag_names(st, value & ~UINT64_C(0xff), &rf_st_personality_flags, &shown);
    put_rest(st, rest, &shown);
}

static void put_syslog_action(struct rf_st *st, uint64_t action)
{
    const char *name = rf_st_find_name(action, &rf_st_syslog_actions);
    rf_st_format(st, "%d /* %s */", (int)action, name ? name : rf_st_syslog_actions.unknown);
}

/* Bytes that the call wrote: as many as its result says. */
static void put_data_out(struct rf_st *st, uint64_t address, bool hex)
{
    if (st->failed)
        rf_st_address(st, address);
    else
        rf_st_data(st, address, (uint64_t)st->result, hex);
}

static bool put_number(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    switch (kind) {
    case RF_ARG_INT:
    case RF_ARG_FD:
        rf_st_int(st, (int32_t)value);
        return true;
    case RF_ARG_DIRFD:
        if ((int32_t)value == RF_AT_FDCWD)
            rf_st_text(st, "AT_FDCWD");
        else
            rf_st_int(st, (int32_t)value);
        return true;
    case RF_ARG_UINT:
        rf_st_unsigned(st, (uint32_t)value);
        return true;
    case RF_ARG_LONG:
    case RF_ARG_OFFSET:
        rf_st_int(st, (int64_t)value);
        return true;
    case RF_ARG_ULONG:
    case RF_ARG_SIZE:
        rf_st_unsigned(st, value);
        return true;
    case RF_ARG_HEX:
        rf_st_hex(st, value);
        return true;
    case RF_ARG_PTR:
        rf_st_address(st, value);
        return true;
    case RF_ARG_UID:
        if ((uint32_t)value == UINT32_MAX)
            rf_st_text(st, "-1");
        else
            rf_st_unsigned(st, (uint32_t)value);
        return true;
    case RF_ARG_SIGNAL:
        rf_st_signal_name(st, (int32_t)value);
        return true;
    case RF_ARG_MODE:
        rf_st_mode(st, (uint16_t)value);
        return true;
    case RF_ARG_NODE_MODE:
        rf_st_file_mode(st, (uint16_t)value);
        return true;
    case RF_ARG_USTAT_DEVICE:
        rf_st_device(st, value);
        return true;
    case RF_ARG_IPC_KEY:
        if ((uint32_t)value)
            rf_st_hex(st, (uint32_t)value);
        else
            rf_st_text(st, "IPC_PRIVATE");
        return true;
    default:
        return false;
    }
}

/* Arguments that appear only if the one before says so. */
static bool put_optional(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    uint64_t before = st->index ? st->args[st->index - 1] : 0;
    switch (kind) {
    case RF_ARG_UNSHOWN:
        st->omit = true;
        return true;
    case RF_ARG_OPEN_MODE:
        if ((before & RF_O_CREAT) || (before & RF_O_TMPFILE) == RF_O_TMPFILE)
            rf_st_mode(st, (uint16_t)value);
        else
            st->omit = st->last = true; /* mq_open's attributes go with the mode */
        return true;
    case RF_ARG_DEVICE:
        if (RF_S_ISCHR(before) || RF_S_ISBLK(before))
            rf_st_device(st, (uint32_t)value);
        else
            st->omit = true;
        return true;
    case RF_ARG_MREMAP_ADDRESS:
        if (before & (RF_MREMAP_FIXED | RF_MREMAP_DONTUNMAP))
            rf_st_address(st, value);
        else
            st->omit = true;
        return true;
    default:
        return false;
    }
}

static bool put_bytes(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    uint64_t next = st->index < 5 ? st->args[st->index + 1] : 0;
    switch (kind) {
    case RF_ARG_PATH:
        rf_st_path(st, value);
        return true;
    case RF_ARG_STR:
        rf_st_string(st, value);
        return true;
    case RF_ARG_XATTR_IN:
    case RF_ARG_DATA_IN:
        rf_st_data(st, value, next, false);
        return true;
    case RF_ARG_LINK_OUT:
    case RF_ARG_DATA_OUT:
        put_data_out(st, value, false);
        return true;
    case RF_ARG_XATTR_LIST_OUT:
    case RF_ARG_XATTR_OUT:
        if (next)
            put_data_out(st, value, false);
        else
            rf_st_address(st, value);
        return true;
    case RF_ARG_RANDOM_OUT:
        put_data_out(st, value, true);
        return true;
    case RF_ARG_CWD_OUT:
        if (st->failed)
            rf_st_address(st, value);
        else
            rf_st_path(st, value);
        return true;
    default:
        return false;
    }
}

static bool put_flags(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    switch (kind) {
    case RF_ARG_OPEN_FLAGS:
        rf_st_open_flags(st, (uint32_t)value);
        return true;
    case RF_ARG_STATX_FLAGS:
        put_statx_flags(st, value);
        return true;
    case RF_ARG_MMAP_FLAGS:
        put_map_flags(st, value);
        return true;
    case RF_ARG_MEMFD_FLAGS:
        put_memfd_flags(st, value);
        return true;
    case RF_ARG_SHM_FLAGS:
        put_ipc_flags(st, value, &rf_st_shm_get_flags, true);
        return true;
    case RF_ARG_SEM_FLAGS:
    case RF_ARG_MSGGET_FLAGS:
        put_ipc_flags(st, value, &rf_st_ipc_get_flags, false);
        return true;
    case RF_ARG_KCMP_TYPE:
        rf_st_enum(st, (uint32_t)value, &rf_st_kcmp_types);
        st->last = value != 0 && value < 7; /* only KCMP_FILE and EPOLL_TFD take more */
        return true;
    case RF_ARG_IPC_CMD:
        put_ipc_command(st, value);
        return true;
    case RF_ARG_PERSONALITY:
        put_personality(st, value);
        return true;
    case RF_ARG_SYSLOG_ACTION:
        put_syslog_action(st, (uint32_t)value);
        /* These actions have no buffer. */
        st->last = (value <= 1 || (value >= 5 && value != 8)) && value <= 10;
        return true;
    default:
        break;
    }
    if (!named_kinds[kind].names)
        return false;
    if (named_kinds[kind].width == 32)
        value &= UINT32_MAX;
    if (named_kinds[kind].is_flags)
        rf_st_flags(st, value, named_kinds[kind].names);
    else
        rf_st_enum(st, value, named_kinds[kind].names);
    return true;
}

bool rf_st_plain_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    return put_number(st, kind, value) || put_optional(st, kind, value) ||
           put_bytes(st, kind, value) || put_flags(st, kind, value);
}
