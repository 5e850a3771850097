/* Calls whose arguments depend on each other or whose result says more than a number. */
#include <string.h>

#include "abi/errno.h"
#include "abi/linux_flags.h"
#include "abi/signal_names.h"
#include "trace/strace_names.h"

/* Shows ", " and then the argument by the printer that follows. */
static void next_argument(struct rf_st *st)
{
    rf_st_text(st, ", ");
}

/* ---- vectors ---- */

void rf_st_iovec(struct rf_st *st, uint64_t address, uint64_t count, bool with_data,
                 uint64_t available)
{
    struct rf_iovec vector;
    if (address && !count && !st->failed) {
        rf_st_text(st, "[]");
        return;
    }
    bool failed = st->failed; /* the vectors themselves are the caller's */
    st->failed = false;
    bool readable = rf_st_fetch(st, address, &vector, sizeof vector);
    st->failed = failed;
    if (!readable)
        return;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = address + i * sizeof vector;
        rf_st_text(st, i ? ", " : "[");
        if (i == RF_ST_ARRAY_LIMIT) {
            rf_st_text(st, "...");
            break;
        }
        if (!rf_st_read(st, at, &vector, sizeof vector)) {
            rf_st_format(st, "... /* %#llx */", (unsigned long long)at);
            break;
        }
        rf_st_text(st, "{iov_base=");
        uint64_t length = vector.iov_len < available ? vector.iov_len : available;
        if (with_data && !st->failed)
            rf_st_data(st, vector.iov_base, length, false);
        else
            rf_st_address(st, vector.iov_base);
        available -= length;
        rf_st_format(st, ", iov_len=%llu}", (unsigned long long)vector.iov_len);
    }
    rf_st_text(st, "]");
}

static void put_argv(struct rf_st *st, uint64_t address)
{
    uint64_t pointer;
    if (!rf_st_fetch(st, address, &pointer, sizeof pointer))
        return;
    rf_st_text(st, "[");
    for (unsigned i = 0;; i++) {
        uint64_t at = address + i * sizeof pointer;
        if (!rf_st_read(st, at, &pointer, sizeof pointer)) {
            rf_st_format(st, "%s... /* %#llx */", i ? ", " : "", (unsigned long long)at);
            break;
        }
        if (!pointer)
            break;
        if (i)
            rf_st_text(st, ", ");
        if (i == RF_ST_ARRAY_LIMIT) {
            rf_st_text(st, "...");
            break;
        }
        rf_st_string(st, pointer);
    }
    rf_st_text(st, "]");
}

static void put_envp(struct rf_st *st, uint64_t address)
{
    enum { MOST = 131072 }; /* so that a wild pointer cannot hold us up */
    uint64_t pointer;
    unsigned count = 0;
    rf_st_address(st, address);
    if (!address)
        return;
    bool ended = false;
    while (count < MOST && rf_st_read(st, address + count * sizeof pointer, &pointer, 8)) {
        ended = !pointer;
        if (ended)
            break;
        count++;
    }
    if (ended || count)
        rf_st_format(st, " /* %u var%s%s */", count, count == 1 ? "" : "s",
                     ended ? "" : ", unterminated");
}

/* ---- poll and select ---- */

static void put_pollfd(struct rf_st *st, const void *element)
{
    struct rf_pollfd entry;
    memcpy(&entry, element, sizeof entry);
    rf_st_format(st, "{fd=%d", entry.fd);
    if (entry.fd >= 0) {
        rf_st_text(st, ", events=");
        rf_st_flags(st, (uint16_t)entry.events, &rf_st_poll_events);
    }
    rf_st_text(st, "}");
}

static void put_time_left(struct rf_st *st, uint64_t address, bool is_timeval, const char *before)
{
    struct rf_timespec time;
    struct rf_timeval value;
    if (!address || !rf_st_read(st, address, &time, sizeof time))
        return;
    memcpy(&value, &time, sizeof value);
    rf_st_format(st, "%sleft ", before);
    if (is_timeval)
        rf_st_timeval_value(st, &value);
    else
        rf_st_timespec_value(st, &time);
}

/* "2 ([{fd=4, revents=POLLIN}, ...], left {...})" */
static bool put_poll_result(struct rf_st *st)
{
    if (st->failed)
        return false;
    if (st->result == 0) {
        rf_st_text(st, "0 (Timeout)");
        return true;
    }
    rf_st_format(st, "%lld ([", (long long)st->result);
    int64_t shown = 0;
    for (uint64_t i = 0; i < (uint32_t)st->args[1] && shown < st->result; i++) {
        struct rf_pollfd entry;
        if (!rf_st_read(st, st->args[0] + i * sizeof entry, &entry, sizeof entry))
            break;
        if (!entry.revents)
            continue;
        if (shown)
            rf_st_text(st, ", ");
        if (shown++ == RF_ST_ARRAY_LIMIT) {
            rf_st_text(st, "...");
            break;
        }
        rf_st_format(st, "{fd=%d, revents=", entry.fd);
        rf_st_flags(st, (uint16_t)entry.revents, &rf_st_poll_events);
        rf_st_text(st, "}");
    }
    rf_st_text(st, "]");
    if (st->line->nr == RF_NR_ppoll)
        put_time_left(st, st->args[2], false, ", ");
    rf_st_text(st, ")");
    return true;
}

/* Reads a descriptor set for nfds descriptors; sets are whole words. Returns how many
 * descriptors count; 0 if there is none or it is unreadable. */
static unsigned read_fdset(const struct rf_st *st, uint64_t address, uint8_t bits[8192])
{
    int32_t nfds = (int32_t)st->args[0];
    if (nfds <= 0 || !address)
        return 0;
    unsigned count = nfds < 65536 ? (unsigned)nfds : 65536;
    return rf_st_read(st, address, bits, (count + 63) / 64 * 8) ? count : 0;
}

static void put_fds(struct rf_st *st, const uint8_t *bits, unsigned count)
{
    bool shown = false;
    rf_st_text(st, "[");
    for (unsigned fd = 0; fd < count; fd++) {
        if (!(bits[fd / 8] >> fd % 8 & 1))
            continue;
        rf_st_format(st, shown ? " %u" : "%u", fd);
        shown = true;
    }
    rf_st_text(st, "]");
}

static void put_fdset(struct rf_st *st, uint64_t address)
{
    uint8_t bits[8192];
    unsigned count = read_fdset(st, address, bits);
    if (count)
        put_fds(st, bits, count);
    else
        rf_st_address(st, address);
}

/* "2 (in [4], out [5], left {...})" */
static bool put_select_result(struct rf_st *st)
{
    static const char *const names[] = {"in", "out", "except"};
    uint8_t bits[8192];
    if (st->failed)
        return false;
    if (st->result == 0) {
        rf_st_text(st, "0 (Timeout)");
        return true;
    }
    rf_st_int(st, st->result);
    const char *before = " (";
    for (unsigned set = 0; set < 3; set++) {
        unsigned count = read_fdset(st, st->args[1 + set], bits);
        bool any = false;
        for (unsigned fd = 0; fd < count && !any; fd++)
            any = bits[fd / 8] >> fd % 8 & 1;
        if (!any)
            continue;
        rf_st_format(st, "%s%s ", before, names[set]);
        put_fds(st, bits, count);
        before = ", ";
    }
    size_t length = st->line->length;
    put_time_left(st, st->args[4], st->line->nr == RF_NR_select, before);
    if (st->line->length > length || before[0] == ',')
        rf_st_text(st, ")");
    return true;
}

/* ---- clone ---- */

static void put_int_at(struct rf_st *st, uint64_t address)
{
    int32_t value;
    if (rf_st_fetch(st, address, &value, sizeof value))
        rf_st_format(st, "[%d]", value);
}

static void put_clone_flags(struct rf_st *st, uint64_t flags, bool signal_in_flags)
{
    uint64_t signal = signal_in_flags ? flags & RF_CSIGNAL : 0;
    flags -= signal;
    bool shown = false;
    uint64_t rest = rf_st_flag_names(st, flags, &rf_st_clone_flags, &shown);
    if (rest) {
        rf_st_separate(st, &shown);
        rf_st_hex(st, rest);
        if (rest == flags)
            rf_st_text(st, " /* CLONE_??? */");
    }
    if (signal) {
        rf_st_separate(st, &shown);
        rf_st_signal_name(st, (int)signal);
    }
    if (!shown)
        rf_st_text(st, "0");
}

/* clone(flags, stack, parent_tid, child_tid, tls) */
static void enter_clone(struct rf_st *st)
{
    rf_st_text(st, "child_stack=");
    rf_st_address(st, st->args[1]);
    rf_st_text(st, ", flags=");
    put_clone_flags(st, (uint32_t)st->args[0], true);
}

static void leave_clone(struct rf_st *st)
{
    uint64_t flags = (uint32_t)st->args[0];
    if (flags & (RF_CLONE_PARENT_SETTID | RF_CLONE_PIDFD)) {
        rf_st_text(st, ", parent_tid=");
        put_int_at(st, st->args[2]);
    }
    if (flags & RF_CLONE_SETTLS) {
        rf_st_text(st, ", tls=");
        rf_st_hex(st, st->args[4]);
    }
    if (flags & (RF_CLONE_CHILD_SETTID | RF_CLONE_CHILD_CLEARTID)) {
        rf_st_text(st, ", child_tidptr=");
        rf_st_address(st, st->args[3]);
    }
}

static void put_named_address(struct rf_st *st, const char *name, uint64_t address)
{
    rf_st_format(st, ", %s=", name);
    rf_st_address(st, address);
}

static void put_tid(struct rf_st *st, const void *element)
{
    int32_t tid;
    memcpy(&tid, element, sizeof tid);
    rf_st_int(st, tid);
}

static bool read_clone_args(const struct rf_st *st, struct rf_clone_args *clone)
{
    uint64_t size = st->args[1];
    memset(clone, 0, sizeof *clone);
    return st->args[0] && size >= 64 &&
           rf_st_read(st, st->args[0], clone, size < sizeof *clone ? size : sizeof *clone);
}

static void enter_clone3(struct rf_st *st)
{
    struct rf_clone_args clone;
    if (!read_clone_args(st, &clone)) {
        rf_st_address(st, st->args[0]);
        return;
    }
    rf_st_text(st, "{flags=");
    put_clone_flags(st, clone.flags, false);
    if (clone.flags & RF_CLONE_PIDFD)
        put_named_address(st, "pidfd", clone.pidfd);
    if (clone.flags & (RF_CLONE_CHILD_SETTID | RF_CLONE_CHILD_CLEARTID))
        put_named_address(st, "child_tid", clone.child_tid);
    if (clone.flags & RF_CLONE_PARENT_SETTID)
        put_named_address(st, "parent_tid", clone.parent_tid);
    rf_st_text(st, ", exit_signal=");
    if (clone.exit_signal <= RF_NSIG)
        rf_st_signal_name(st, (int)clone.exit_signal);
    else
        rf_st_unsigned(st, clone.exit_signal);
    put_named_address(st, "stack", clone.stack);
    rf_st_format(st, ", stack_size=%#llx", (unsigned long long)clone.stack_size);
    if (clone.flags & RF_CLONE_SETTLS)
        put_named_address(st, "tls", clone.tls);
    if (clone.set_tid || clone.set_tid_size) {
        rf_st_text(st, ", set_tid=");
        if (!clone.set_tid || clone.set_tid_size > RF_ST_ARRAY_LIMIT)
            rf_st_address(st, clone.set_tid);
        else
            rf_st_array(st, clone.set_tid, clone.set_tid_size, sizeof(int32_t), put_tid);
        rf_st_format(st, ", set_tid_size=%llu", (unsigned long long)clone.set_tid_size);
    }
    if (clone.cgroup || clone.flags & RF_CLONE_INTO_CGROUP)
        rf_st_format(st, ", cgroup=%llu", (unsigned long long)clone.cgroup);
    rf_st_extra_bytes(st, st->args[0], sizeof clone, st->args[1]);
    rf_st_text(st, "}");
}

/* What the kernel wrote through the pointers: " => {pidfd=[4], parent_tid=[70]}". */
static void leave_clone3(struct rf_st *st)
{
    struct rf_clone_args clone;
    if (!st->failed && read_clone_args(st, &clone)) {
        bool pidfd = clone.flags & RF_CLONE_PIDFD;
        bool parent = clone.flags & RF_CLONE_PARENT_SETTID;
        if (pidfd || parent)
            rf_st_text(st, " => {");
        if (pidfd) {
            rf_st_text(st, "pidfd=");
            put_int_at(st, clone.pidfd);
        }
        if (parent) {
            rf_st_text(st, pidfd ? ", parent_tid=" : "parent_tid=");
            put_int_at(st, clone.parent_tid);
        }
        if (pidfd || parent)
            rf_st_text(st, "}");
    }
    rf_st_format(st, ", %llu", (unsigned long long)st->args[1]);
}

/* ---- futex ---- */

static void put_wake_op(struct rf_st *st, uint32_t value)
{
    uint32_t op = value >> 28;
    uint32_t compare = value >> 24 & 15;
    if (op & RF_FUTEX_OP_OPARG_SHIFT)
        rf_st_text(st, "FUTEX_OP_OPARG_SHIFT<<28|");
    op &= ~(uint32_t)RF_FUTEX_OP_OPARG_SHIFT;
    const char *name = rf_st_find_name(op, &rf_st_futex_ops);
    if (name)
        rf_st_format(st, "%s<<28", name);
    else
        rf_st_format(st, "%#x<<28 /* FUTEX_OP_??? */", op);
    rf_st_format(st, "|%#x<<12|", value >> 12 & 0xfff);
    name = rf_st_find_name(compare, &rf_st_futex_compares);
    if (name)
        rf_st_format(st, "%s<<24", name);
    else
        rf_st_format(st, "%#x<<24 /* FUTEX_OP_CMP_??? */", compare);
    rf_st_format(st, "|%#x", value & 0xfff);
}

static void put_bitset(struct rf_st *st, uint32_t bits)
{
    next_argument(st);
    if (bits == RF_FUTEX_BITSET_MATCH_ANY)
        rf_st_text(st, "FUTEX_BITSET_MATCH_ANY");
    else
        rf_st_hex(st, bits);
}

static void put_futex_value(struct rf_st *st)
{
    next_argument(st);
    rf_st_unsigned(st, (uint32_t)st->args[2]);
}

static void put_futex_timeout(struct rf_st *st)
{
    next_argument(st);
    rf_st_timespec(st, st->args[3]);
}

static void put_futex_second(struct rf_st *st, bool with_count)
{
    if (with_count) {
        next_argument(st);
        rf_st_unsigned(st, (uint32_t)st->args[3]);
    }
    next_argument(st);
    rf_st_address(st, st->args[4]);
}

static void enter_futex(struct rf_st *st)
{
    uint32_t op = (uint32_t)st->args[1];
    rf_st_address(st, st->args[0]);
    next_argument(st);
    rf_st_enum(st, op, &rf_st_futex);
    switch ((int)op & RF_FUTEX_CMD_MASK) {
    case RF_FUTEX_WAIT:
        put_futex_value(st);
        put_futex_timeout(st);
        break;
    case RF_FUTEX_WAKE:
    case RF_FUTEX_FD:
        put_futex_value(st);
        break;
    case RF_FUTEX_REQUEUE:
        put_futex_value(st);
        put_futex_second(st, true);
        break;
    case RF_FUTEX_CMP_REQUEUE:
    case RF_FUTEX_CMP_REQUEUE_PI:
        put_futex_value(st);
        put_futex_second(st, true);
        next_argument(st);
        rf_st_unsigned(st, (uint32_t)st->args[5]);
        break;
    case RF_FUTEX_WAKE_OP:
        put_futex_value(st);
        put_futex_second(st, true);
        next_argument(st);
        put_wake_op(st, (uint32_t)st->args[5]);
        break;
    case RF_FUTEX_LOCK_PI:
    case RF_FUTEX_LOCK_PI2:
        put_futex_timeout(st);
        break;
    case RF_FUTEX_UNLOCK_PI:
    case RF_FUTEX_TRYLOCK_PI:
        break;
    case RF_FUTEX_WAIT_BITSET:
        put_futex_value(st);
        put_futex_timeout(st);
        put_bitset(st, (uint32_t)st->args[5]);
        break;
    case RF_FUTEX_WAKE_BITSET:
        put_futex_value(st);
        put_bitset(st, (uint32_t)st->args[5]);
        break;
    case RF_FUTEX_WAIT_REQUEUE_PI:
        put_futex_value(st);
        put_futex_timeout(st);
        put_futex_second(st, false);
        break;
    default:
        put_futex_value(st);
        for (int i = 3; i < 6; i++) {
            next_argument(st);
            if (i < 5)
                rf_st_address(st, st->args[i]);
            else
                rf_st_hex(st, st->args[i]);
        }
        break;
    }
}

/* ---- fcntl ---- */

bool rf_st_fcntl_is_out(uint64_t command)
{
    switch ((uint32_t)command) {
    case RF_F_GETLK:
    case RF_F_OFD_GETLK:
    case RF_F_GETOWN_EX:
    case RF_F_GETOWNER_UIDS:
        return true;
    default:
        return false;
    }
}

static void put_flock(struct rf_st *st, uint64_t address, bool with_pid)
{
    struct rf_flock lock;
    if (!rf_st_fetch(st, address, &lock, sizeof lock))
        return;
    rf_st_text(st, "{l_type=");
    rf_st_enum(st, (uint16_t)lock.l_type, &rf_st_lock_types);
    rf_st_text(st, ", l_whence=");
    rf_st_enum(st, (uint16_t)lock.l_whence, &rf_st_whence);
    rf_st_format(st, ", l_start=%lld, l_len=%lld", (long long)lock.l_start, (long long)lock.l_len);
    if (with_pid)
        rf_st_format(st, ", l_pid=%d", lock.l_pid);
    rf_st_text(st, "}");
}

static void put_owner(struct rf_st *st, uint64_t address)
{
    int32_t owner[2];
    if (!rf_st_fetch(st, address, owner, sizeof owner))
        return;
    rf_st_text(st, "{type=");
    rf_st_enum(st, (uint32_t)owner[0], &rf_st_owner_types);
    rf_st_format(st, ", pid=%d}", owner[1]);
}

static void put_fcntl_arg(struct rf_st *st, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    switch ((uint32_t)st->args[1]) {
    case RF_F_GETFD:
    case RF_F_GETFL:
    case RF_F_GETOWN:
    case RF_F_GETSIG:
    case RF_F_GETLEASE:
    case RF_F_GETPIPE_SZ:
    case RF_F_GET_SEALS:
        st->omit = true;
        break;
    case RF_F_DUPFD:
    case RF_F_DUPFD_CLOEXEC:
    case RF_F_SETPIPE_SZ:
    case RF_F_SETOWN:
        rf_st_int(st, (int32_t)narrow);
        break;
    case RF_F_SETFD:
        rf_st_flags(st, narrow, &rf_st_fd_bits);
        break;
    case RF_F_SETFL:
        rf_st_open_flags(st, narrow);
        break;
    case RF_F_SETSIG:
        rf_st_signal_name(st, (int32_t)narrow);
        break;
    case RF_F_SETLEASE:
        rf_st_enum(st, narrow, &rf_st_lock_types);
        break;
    case RF_F_NOTIFY:
        rf_st_flags(st, narrow, &rf_st_dnotify);
        break;
    case RF_F_ADD_SEALS:
        rf_st_flags(st, narrow, &rf_st_seals);
        break;
    case RF_F_SETLK:
    case RF_F_SETLKW:
    case RF_F_OFD_SETLK:
    case RF_F_OFD_SETLKW:
        put_flock(st, value, false);
        break;
    case RF_F_GETLK:
    case RF_F_OFD_GETLK:
        put_flock(st, value, true);
        break;
    case RF_F_SETOWN_EX:
    case RF_F_GETOWN_EX:
        put_owner(st, value);
        break;
    default:
        rf_st_hex(st, value);
        break;
    }
}

static bool put_fcntl_result(struct rf_st *st)
{
    uint64_t value = (uint64_t)st->result;
    if (st->failed)
        return false;
    switch ((uint32_t)st->args[1]) {
    case RF_F_GETFD:
        if (!value)
            return false;
        rf_st_format(st, "%#llx (flags ", (unsigned long long)value);
        rf_st_flags(st, value, &rf_st_fd_bits);
        break;
    case RF_F_GETFL:
        rf_st_format(st, "%#llx (flags ", (unsigned long long)value);
        rf_st_open_flags(st, value);
        break;
    case RF_F_GETLEASE:
        rf_st_format(st, "%#llx (", (unsigned long long)value);
        rf_st_enum(st, value, &rf_st_lock_types);
        break;
    case RF_F_GETSIG:
        if (!value)
            return false;
        rf_st_format(st, "%llu (", (unsigned long long)value);
        rf_st_signal_name(st, (int)value);
        break;
    case RF_F_GET_SEALS:
        if (!value)
            return false;
        rf_st_format(st, "%#llx (seals ", (unsigned long long)value);
        rf_st_flags(st, value, &rf_st_seals);
        break;
    default:
        return false;
    }
    rf_st_text(st, ")");
    return true;
}

/* ---- arch_prctl ---- */

bool rf_st_arch_prctl_is_out(uint64_t code)
{
    switch ((uint32_t)code) {
    case RF_ARCH_GET_FS:
    case RF_ARCH_GET_GS:
    case RF_ARCH_GET_XCOMP_SUPP:
    case RF_ARCH_GET_XCOMP_PERM:
    case RF_ARCH_GET_XCOMP_GUEST_PERM:
        return true;
    default:
        return false;
    }
}

static void put_arch_prctl_arg(struct rf_st *st, uint64_t value)
{
    uint64_t code = st->args[0];
    uint64_t base;
    if ((uint32_t)code == RF_ARCH_GET_CPUID) {
        st->omit = true;
    } else if (!rf_st_arch_prctl_is_out(code)) {
        rf_st_hex(st, value);
    } else if (rf_st_fetch(st, value, &base, sizeof base)) {
        rf_st_text(st, "[");
        rf_st_address(st, base);
        rf_st_text(st, "]");
    }
}

/* ---- smaller ones ---- */

static void put_offset(struct rf_st *st, uint64_t address)
{
    int64_t offset;
    if (rf_st_fetch(st, address, &offset, sizeof offset))
        rf_st_format(st, "[%lld]", (long long)offset);
}

static void enter_sendfile(struct rf_st *st)
{
    rf_st_format(st, "%d, %d, ", (int32_t)st->args[0], (int32_t)st->args[1]);
    put_offset(st, st->args[2]);
    if (!rf_st_read(st, st->args[2], &st->line->memory[0], 8))
        st->line->memory[0] = 0;
}

/* The offset after the call, if it has moved: " => [8]". */
static void leave_sendfile(struct rf_st *st)
{
    uint64_t offset;
    if (!st->failed && st->args[2] && rf_st_read(st, st->args[2], &offset, sizeof offset) &&
        offset != st->line->memory[0])
        rf_st_format(st, " => [%lld]", (long long)offset);
    rf_st_format(st, ", %llu", (unsigned long long)st->args[3]);
}

static void enter_ptrace(struct rf_st *st)
{
    uint32_t request = (uint32_t)st->args[0];
    rf_st_enum(st, request, &rf_st_ptrace);
    if (request == 0) /* PTRACE_TRACEME */
        return;
    next_argument(st);
    rf_st_int(st, (int32_t)st->args[1]);
    bool bare = request == 8 || request == 16 || request == 0x4207 || request == 0x4208;
    if (bare) /* PTRACE_KILL, ATTACH, INTERRUPT, LISTEN */
        return;
    bool data_only = request >= 12 && request <= 15; /* PTRACE_GETREGS ... */
    if (!data_only) {
        next_argument(st);
        rf_st_address(st, st->args[2]);
    }
    next_argument(st);
    bool resumes = request == 7 || request == 9 || request == 17 || request == 24 ||
                   (request >= 31 && request <= 33);
    if (resumes)
        rf_st_signal_name(st, (int32_t)st->args[3]);
    else
        rf_st_address(st, st->args[3]);
}

static void enter_membarrier(struct rf_st *st)
{
    bool has_cpu = (uint32_t)st->args[1] != 0;
    rf_st_enum(st, (uint32_t)st->args[0], &rf_st_membarrier);
    if (!has_cpu) {
        rf_st_text(st, ", 0");
        return;
    }
    bool shown = true;
    rf_st_text(st, st->args[1] & 1 ? ", MEMBARRIER_CMD_FLAG_CPU" : ", ");
    uint32_t rest = (uint32_t)st->args[1] & ~1u;
    if (rest && st->args[1] & 1)
        rf_st_separate(st, &shown);
    if (rest)
        rf_st_hex(st, rest);
    rf_st_format(st, ", %d", (int32_t)st->args[2]);
}

static bool put_membarrier_result(struct rf_st *st)
{
    if (st->failed || st->args[0] != RF_MEMBARRIER_CMD_QUERY || !st->result)
        return false;
    rf_st_format(st, "%#llx (", (unsigned long long)st->result);
    rf_st_flags(st, (uint64_t)st->result, &rf_st_membarrier);
    rf_st_text(st, ")");
    return true;
}

static bool put_time_result(struct rf_st *st)
{
    if (st->failed || !st->result)
        return false;
    rf_st_format(st, "%lld (", (long long)st->result);
    rf_st_date(st, st->result, 0, 0);
    rf_st_text(st, ")");
    return true;
}

static bool put_named_result(struct rf_st *st, const struct rf_st_names *names)
{
    if (st->failed)
        return false;
    rf_st_format(st, "%lld (", (long long)st->result);
    rf_st_enum(st, (uint64_t)st->result, names);
    rf_st_text(st, ")");
    return true;
}

static bool put_scheduler_result(struct rf_st *st)
{
    return put_named_result(st, &rf_st_sched);
}

static bool put_signal_result(struct rf_st *st)
{
    if (st->failed || !st->result)
        return false;
    rf_st_format(st, "%lld (", (long long)st->result);
    rf_st_signal_name(st, (int)st->result);
    rf_st_text(st, ")");
    return true;
}

static bool put_personality_result(struct rf_st *st)
{
    if (st->failed)
        return false;
    rf_st_format(st, "%#llx (", (unsigned long long)st->result);
    rf_st_plain_kind(st, RF_ARG_PERSONALITY, (uint64_t)st->result);
    rf_st_text(st, ")");
    return true;
}

/* rt_sigreturn has no arguments: its signal frame lies at the stack pointer. */
static void enter_sigreturn(struct rf_st *st)
{
    uint64_t mask;
    uint64_t frame = st->line->stack_pointer;
    if (!frame || !rf_st_read(st, frame + offsetof(struct rf_ucontext, uc_sigmask), &mask, 8))
        return;
    rf_st_text(st, "{mask=");
    rf_st_sigset(st, mask);
    rf_st_text(st, "}");
}

static void put_sembuf(struct rf_st *st, const void *element)
{
    struct {
        uint16_t num;
        int16_t op, flags;
    } operation;
    memcpy(&operation, element, sizeof operation);
    rf_st_format(st, "{sem_num=%u, sem_op=%d, sem_flg=", operation.num, operation.op);
    rf_st_flags(st, (uint16_t)operation.flags, &rf_st_sem_undo);
    rf_st_text(st, "}");
}

static void put_msgbuf(struct rf_st *st, uint64_t address, uint64_t size)
{
    int64_t type;
    if (!rf_st_fetch(st, address, &type, sizeof type))
        return;
    rf_st_format(st, "{mtype=%lld, mtext=", (long long)type);
    rf_st_data(st, address + sizeof type, size, false);
    rf_st_text(st, "}");
}

bool rf_st_call_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    uint64_t next = st->index < 5 ? st->args[st->index + 1] : 0;
    switch (kind) {
    case RF_ARG_ARGV:
        put_argv(st, value);
        break;
    case RF_ARG_ENVP:
        put_envp(st, value);
        break;
    case RF_ARG_IOVEC_IN:
        rf_st_iovec(st, value, next, true, UINT64_MAX);
        break;
    case RF_ARG_IOVEC_OUT:
        rf_st_iovec(st, value, next, true, (uint64_t)st->result);
        break;
    case RF_ARG_IOVEC_BASES:
        rf_st_iovec(st, value, next, false, 0);
        break;
    case RF_ARG_POLLFDS:
        rf_st_array(st, value, (uint32_t)next, 8, put_pollfd);
        break;
    case RF_ARG_FDSET:
        put_fdset(st, value);
        break;
    case RF_ARG_FCNTL_ARG:
        put_fcntl_arg(st, value);
        break;
    case RF_ARG_ARCH_PRCTL_ARG:
        put_arch_prctl_arg(st, value);
        break;
    case RF_ARG_OFFSET_INOUT:
        put_offset(st, value);
        break;
    case RF_ARG_SEMBUFS:
        rf_st_array(st, value, next, 6, put_sembuf);
        break;
    case RF_ARG_MSGBUF_IN:
        put_msgbuf(st, value, next);
        break;
    default:
        return false;
    }
    return true;
}

static const struct rf_st_special specials[] = {
    {RF_NR_clone, enter_clone, leave_clone, NULL},
    {RF_NR_clone3, enter_clone3, leave_clone3, NULL},
    {RF_NR_futex, enter_futex, NULL, NULL},
    {RF_NR_sendfile, enter_sendfile, leave_sendfile, NULL},
    {RF_NR_prctl, rf_st_enter_prctl, rf_st_leave_prctl, rf_st_prctl_result},
    {RF_NR_seccomp, rf_st_enter_seccomp, rf_st_leave_seccomp, NULL},
    {RF_NR_ptrace, enter_ptrace, NULL, NULL},
    {RF_NR_membarrier, enter_membarrier, NULL, put_membarrier_result},
    {RF_NR_rt_sigreturn, enter_sigreturn, NULL, NULL},
    {RF_NR_fcntl, NULL, NULL, put_fcntl_result},
    {RF_NR_poll, NULL, NULL, put_poll_result},
    {RF_NR_ppoll, NULL, NULL, put_poll_result},
    {RF_NR_select, NULL, NULL, put_select_result},
    {RF_NR_pselect6, NULL, NULL, put_select_result},
    {RF_NR_time, NULL, NULL, put_time_result},
    {RF_NR_sched_getscheduler, NULL, NULL, put_scheduler_result},
    {RF_NR_rt_sigtimedwait, NULL, NULL, put_signal_result},
    {RF_NR_personality, NULL, NULL, put_personality_result},
};

const struct rf_st_special *rf_st_special(unsigned nr)
{
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        if (specials[i].nr == nr)
            return &specials[i];
    return NULL;
}
