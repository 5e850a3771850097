/* Structures that system calls read and write: files, time, signals, processes. */
#include <string.h>

#include "abi/errno.h"
#include "abi/linux_flags.h"
#include "trace/strace_names.h"

/* ---- numbers ---- */

static void put_number_at(struct rf_st *st, uint64_t address, enum rf_arg_kind kind)
{
    uint64_t wide;
    uint32_t narrow;
    bool is_wide = kind == RF_ARG_ULONG_OUT || kind == RF_ARG_PTR_OUT;
    if (is_wide ? !rf_st_fetch(st, address, &wide, sizeof wide)
                : !rf_st_fetch(st, address, &narrow, sizeof narrow))
        return;
    rf_st_text(st, "[");
    if (kind == RF_ARG_PTR_OUT)
        rf_st_address(st, wide);
    else if (kind == RF_ARG_ULONG_OUT)
        rf_st_unsigned(st, wide);
    else if (kind == RF_ARG_UINT_OUT)
        rf_st_unsigned(st, narrow);
    else
        rf_st_int(st, (int32_t)narrow);
    rf_st_text(st, "]");
}

static void put_fd_pair(struct rf_st *st, uint64_t address)
{
    int32_t fds[2];
    if (rf_st_fetch(st, address, fds, sizeof fds))
        rf_st_format(st, "[%d, %d]", fds[0], fds[1]);
}

static void put_group(struct rf_st *st, const void *element)
{
    uint32_t id;
    memcpy(&id, element, sizeof id);
    if (id == UINT32_MAX)
        rf_st_text(st, "-1");
    else
        rf_st_unsigned(st, id);
}

static void put_byte(struct rf_st *st, const void *element)
{
    rf_st_unsigned(st, *(const uint8_t *)element);
}

static void put_mincore(struct rf_st *st, uint64_t address)
{
    uint64_t pages = (st->args[1] + RF_ABI_PAGE_SIZE - 1) / RF_ABI_PAGE_SIZE;
    rf_st_array(st, address, pages, 1, put_byte);
}

/* CPU sets: bit numbers, from `size` bytes rounded down to words. */
static void put_cpuset(struct rf_st *st, uint64_t address, uint64_t size)
{
    uint8_t bits[1024];
    if (size > sizeof bits)
        size = sizeof bits;
    if (address && !size && !st->failed) {
        rf_st_text(st, "[]");
        return;
    }
    if (!rf_st_fetch(st, address, bits, size))
        return;
    rf_st_text(st, "[");
    bool shown = false;
    for (unsigned cpu = 0; cpu < size * 8; cpu++) {
        if (!(bits[cpu / 8] >> cpu % 8 & 1))
            continue;
        rf_st_format(st, shown ? " %u" : "%u", cpu);
        shown = true;
    }
    rf_st_text(st, "]");
}

/* ---- files ---- */

static void put_stat(struct rf_st *st, uint64_t address)
{
    struct rf_stat stat;
    if (!rf_st_fetch(st, address, &stat, sizeof stat))
        return;
    rf_st_text(st, "{st_mode=");
    rf_st_file_mode(st, stat.st_mode);
    if (RF_S_ISCHR(stat.st_mode) || RF_S_ISBLK(stat.st_mode)) {
        rf_st_text(st, ", st_rdev=");
        rf_st_device(st, stat.st_rdev);
    } else {
        rf_st_format(st, ", st_size=%llu", (unsigned long long)stat.st_size);
    }
    rf_st_text(st, ", ...}");
}

static void put_statx(struct rf_st *st, uint64_t address)
{
    struct rf_statx statx;
    if (!rf_st_fetch(st, address, &statx, sizeof statx))
        return;
    rf_st_text(st, "{stx_mask=");
    rf_st_flags(st, statx.stx_mask, &rf_st_statx_mask);
    rf_st_text(st, ", stx_attributes=");
    rf_st_flags(st, statx.stx_attributes, &rf_st_statx_attributes);
    rf_st_text(st, ", stx_mode=");
    rf_st_file_mode(st, statx.stx_mode);
    rf_st_format(st, ", stx_size=%llu, ...}", (unsigned long long)statx.stx_size);
}

static void put_statfs(struct rf_st *st, uint64_t address)
{
    struct rf_statfs fs;
    if (!rf_st_fetch(st, address, &fs, sizeof fs))
        return;
    rf_st_text(st, "{f_type=");
    rf_st_enum(st, (uint64_t)fs.f_type, &rf_st_fs_types);
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {
        {"f_bsize", fs.f_bsize},   {"f_blocks", fs.f_blocks}, {"f_bfree", fs.f_bfree},
        {"f_bavail", fs.f_bavail}, {"f_files", fs.f_files},   {"f_ffree", fs.f_ffree},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        rf_st_format(st, ", %s=%llu", counts[i].name, (unsigned long long)counts[i].value);
    rf_st_format(st, ", f_fsid={val=[%#x, %#x]}, f_namelen=%llu", (unsigned)fs.f_fsid[0],
                 (unsigned)fs.f_fsid[1], (unsigned long long)fs.f_namelen);
    if (fs.f_frsize)
        rf_st_format(st, ", f_frsize=%llu", (unsigned long long)fs.f_frsize);
    if (fs.f_flags) {
        rf_st_text(st, ", f_flags=");
        rf_st_flags(st, (uint64_t)fs.f_flags, &rf_st_fs_flags);
    }
    rf_st_text(st, "}");
}

/* How many records a directory read returned; the names are not shown. */
static void put_dirents(struct rf_st *st, uint64_t address)
{
    rf_st_address(st, address);
    if (st->failed || !address)
        return;
    unsigned count = 0;
    for (uint64_t at = 0; at < (uint64_t)st->result; count++) {
        uint16_t length; /* d_reclen: at the same offset in both kinds of record */
        if (!rf_st_read(st, address + at + offsetof(struct rf_dirent64, d_reclen), &length, 2) ||
            length < offsetof(struct rf_dirent64, d_name))
            break;
        at += length;
    }
    rf_st_format(st, " /* %u entries */", count);
}

static void put_open_how(struct rf_st *st, uint64_t address, uint64_t size)
{
    struct rf_open_how how;
    if (size < sizeof how) {
        rf_st_address(st, address);
        return;
    }
    if (!rf_st_fetch(st, address, &how, sizeof how))
        return;
    rf_st_text(st, "{flags=");
    rf_st_open_flags(st, how.flags);
    if (how.mode || (how.flags & RF_O_CREAT) || (how.flags & RF_O_TMPFILE) == RF_O_TMPFILE) {
        rf_st_text(st, ", mode=");
        rf_st_mode(st, (unsigned)how.mode);
    }
    rf_st_text(st, ", resolve=");
    rf_st_flags(st, how.resolve, &rf_st_resolve);
    rf_st_extra_bytes(st, address, sizeof how, size);
    rf_st_text(st, "}");
}

void rf_st_extra_bytes(struct rf_st *st, uint64_t address, uint64_t from, uint64_t size)
{
    uint8_t bytes[RF_ABI_PAGE_SIZE];
    if (size > sizeof bytes)
        size = sizeof bytes;
    if (size <= from)
        return;
    if (!rf_st_read(st, address + from, bytes, size - from)) {
        rf_st_text(st, ", ???");
        return;
    }
    bool all_zero = true;
    for (uint64_t i = 0; i < size - from; i++)
        all_zero = all_zero && !bytes[i];
    if (all_zero)
        return;
    rf_st_format(st, ", /* bytes %llu..%llu */ ", (unsigned long long)from,
                 (unsigned long long)size - 1);
    rf_st_data(st, address + from, size - from, true);
}

/* ---- time ---- */

void rf_st_timespec_value(struct rf_st *st, const struct rf_timespec *time)
{
    rf_st_format(st, "{tv_sec=%lld, tv_nsec=%llu}", (long long)time->tv_sec,
                 (unsigned long long)time->tv_nsec);
}

void rf_st_timespec(struct rf_st *st, uint64_t address)
{
    struct rf_timespec time;
    if (rf_st_fetch(st, address, &time, sizeof time))
        rf_st_timespec_value(st, &time);
}

void rf_st_timeval_value(struct rf_st *st, const struct rf_timeval *time)
{
    rf_st_format(st, "{tv_sec=%lld, tv_usec=%llu}", (long long)time->tv_sec,
                 (unsigned long long)time->tv_usec);
}

static void put_timeval(struct rf_st *st, uint64_t address)
{
    struct rf_timeval time;
    if (rf_st_fetch(st, address, &time, sizeof time))
        rf_st_timeval_value(st, &time);
}

/* The date of a time, as a comment; none for the epoch itself. */
static void put_date_comment(struct rf_st *st, int64_t seconds, uint64_t fraction,
                             uint64_t fraction_max, int digits)
{
    if ((!seconds && !fraction) || fraction > fraction_max)
        return;
    rf_st_text(st, " /* ");
    rf_st_date(st, seconds, fraction, digits);
    rf_st_text(st, " */");
}

static void put_file_time(struct rf_st *st, const struct rf_timespec *time)
{
    if (time->tv_nsec == RF_UTIME_NOW) {
        rf_st_text(st, "UTIME_NOW");
    } else if (time->tv_nsec == RF_UTIME_OMIT) {
        rf_st_text(st, "UTIME_OMIT");
    } else {
        rf_st_timespec_value(st, time);
        put_date_comment(st, time->tv_sec, (uint64_t)time->tv_nsec, 999999999, 9);
    }
}

static void put_timespec_pair(struct rf_st *st, uint64_t address)
{
    struct rf_timespec times[2];
    if (!rf_st_fetch(st, address, times, sizeof times))
        return;
    rf_st_text(st, "[");
    put_file_time(st, &times[0]);
    rf_st_text(st, ", ");
    put_file_time(st, &times[1]);
    rf_st_text(st, "]");
}

static void put_timeval_pair(struct rf_st *st, uint64_t address)
{
    struct rf_timeval times[2];
    if (!rf_st_fetch(st, address, times, sizeof times))
        return;
    for (int i = 0; i < 2; i++) {
        rf_st_text(st, i ? ", " : "[");
        rf_st_timeval_value(st, &times[i]);
        put_date_comment(st, times[i].tv_sec, (uint64_t)times[i].tv_usec, 999999, 6);
    }
    rf_st_text(st, "]");
}

static void put_utimbuf(struct rf_st *st, uint64_t address)
{
    struct rf_utimbuf times;
    if (!rf_st_fetch(st, address, &times, sizeof times))
        return;
    rf_st_format(st, "{actime=%lld", (long long)times.actime);
    put_date_comment(st, times.actime, 0, 0, 0);
    rf_st_format(st, ", modtime=%lld", (long long)times.modtime);
    put_date_comment(st, times.modtime, 0, 0, 0);
    rf_st_text(st, "}");
}

static void put_time(struct rf_st *st, uint64_t address)
{
    int64_t seconds;
    if (!rf_st_fetch(st, address, &seconds, sizeof seconds))
        return;
    rf_st_format(st, "[%lld", (long long)seconds);
    put_date_comment(st, seconds, 0, 0, 0);
    rf_st_text(st, "]");
}

static void put_timezone(struct rf_st *st, uint64_t address)
{
    struct rf_timezone zone;
    if (rf_st_fetch(st, address, &zone, sizeof zone))
        rf_st_format(st, "{tz_minuteswest=%d, tz_dsttime=%d}", zone.tz_minuteswest,
                     zone.tz_dsttime);
}

static void put_itimerval(struct rf_st *st, uint64_t address)
{
    struct rf_itimerval timer;
    if (!rf_st_fetch(st, address, &timer, sizeof timer))
        return;
    rf_st_text(st, "{it_interval=");
    rf_st_timeval_value(st, &timer.it_interval);
    rf_st_text(st, ", it_value=");
    rf_st_timeval_value(st, &timer.it_value);
    rf_st_text(st, "}");
}

static void put_itimerspec(struct rf_st *st, uint64_t address)
{
    struct rf_itimerspec timer;
    if (!rf_st_fetch(st, address, &timer, sizeof timer))
        return;
    rf_st_text(st, "{it_interval=");
    rf_st_timespec_value(st, &timer.it_interval);
    rf_st_text(st, ", it_value=");
    rf_st_timespec_value(st, &timer.it_value);
    rf_st_text(st, "}");
}

/* The time left of a sleep: written only when the sleep was interrupted. */
static void put_remaining(struct rf_st *st, uint64_t address)
{
    bool interrupted = st->result == -RF_ERESTART_RESTARTBLOCK ||
                       st->result == -RF_ERESTARTNOHAND || st->result == -RF_ERESTARTSYS;
    bool absolute = st->line->nr == RF_NR_clock_nanosleep && st->args[1] & RF_TIMER_ABSTIME;
    if (!interrupted || absolute) {
        rf_st_address(st, address);
        return;
    }
    st->failed = false;
    rf_st_timespec(st, address);
    st->failed = true;
}

static void put_tms(struct rf_st *st, uint64_t address)
{
    struct rf_tms times;
    if (rf_st_fetch(st, address, &times, sizeof times))
        rf_st_format(st, "{tms_utime=%lld, tms_stime=%lld, tms_cutime=%lld, tms_cstime=%lld}",
                     (long long)times.tms_utime, (long long)times.tms_stime,
                     (long long)times.tms_cutime, (long long)times.tms_cstime);
}

/* ---- processes and the system ---- */

static void put_uname(struct rf_st *st, uint64_t address)
{
    struct rf_utsname name;
    if (!rf_st_fetch(st, address, &name, sizeof name))
        return;
    rf_st_text(st, "{sysname=");
    rf_st_string(st, address + offsetof(struct rf_utsname, sysname));
    rf_st_text(st, ", nodename=");
    rf_st_string(st, address + offsetof(struct rf_utsname, nodename));
    rf_st_text(st, ", ...}");
}

static void put_sysinfo(struct rf_st *st, uint64_t address)
{
    struct rf_sysinfo info;
    if (!rf_st_fetch(st, address, &info, sizeof info))
        return;
    rf_st_format(st, "{uptime=%lld, loads=[%llu, %llu, %llu]", (long long)info.uptime,
                 (unsigned long long)info.loads[0], (unsigned long long)info.loads[1],
                 (unsigned long long)info.loads[2]);
    rf_st_format(st, ", totalram=%llu, freeram=%llu, sharedram=%llu, bufferram=%llu",
                 (unsigned long long)info.totalram, (unsigned long long)info.freeram,
                 (unsigned long long)info.sharedram, (unsigned long long)info.bufferram);
    rf_st_format(st, ", totalswap=%llu, freeswap=%llu, procs=%u, totalhigh=%llu",
                 (unsigned long long)info.totalswap, (unsigned long long)info.freeswap, info.procs,
                 (unsigned long long)info.totalhigh);
    rf_st_format(st, ", freehigh=%llu, mem_unit=%u}", (unsigned long long)info.freehigh,
                 info.mem_unit);
}

static void put_limit(struct rf_st *st, uint64_t limit)
{
    if (limit == RF_RLIM_INFINITY)
        rf_st_text(st, "RLIM64_INFINITY");
    else if (limit > 1024 && limit % 1024 == 0)
        rf_st_format(st, "%llu*1024", (unsigned long long)limit / 1024);
    else
        rf_st_unsigned(st, limit);
}

static void put_rlimit(struct rf_st *st, uint64_t address)
{
    struct rf_rlimit64 limit;
    if (!rf_st_fetch(st, address, &limit, sizeof limit))
        return;
    rf_st_text(st, "{rlim_cur=");
    put_limit(st, limit.rlim_cur);
    rf_st_text(st, ", rlim_max=");
    put_limit(st, limit.rlim_max);
    rf_st_text(st, "}");
}

static void put_rusage(struct rf_st *st, uint64_t address)
{
    struct rf_rusage usage;
    bool nothing_waited = st->line->nr == RF_NR_wait4 && st->result == 0;
    if (nothing_waited) {
        rf_st_address(st, address);
        return;
    }
    if (!rf_st_fetch(st, address, &usage, sizeof usage))
        return;
    rf_st_text(st, "{ru_utime=");
    rf_st_timeval_value(st, &usage.ru_utime);
    rf_st_text(st, ", ru_stime=");
    rf_st_timeval_value(st, &usage.ru_stime);
    rf_st_text(st, ", ...}");
}

static void put_wait_status(struct rf_st *st, uint64_t address)
{
    int32_t status;
    if (st->result == 0) { /* WNOHANG, and nothing to report */
        rf_st_address(st, address);
        return;
    }
    if (!rf_st_fetch(st, address, &status, sizeof status))
        return;
    int rest;
    if (RF_WIFSTOPPED(status)) {
        int signo = RF_WSTOPSIG(status);
        rf_st_text(st, "[{WIFSTOPPED(s) && WSTOPSIG(s) == ");
        rf_st_signal_name(st, signo & 0x7f);
        rf_st_text(st, signo & 0x80 ? " | 0x80}" : "}"); /* PTRACE_O_TRACESYSGOOD */
        rest = status & ~RF_W_STOPCODE(signo);
    } else if (RF_WIFSIGNALED(status)) {
        rf_st_text(st, "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
        rf_st_signal_name(st, RF_WTERMSIG(status));
        rf_st_text(st, RF_WCOREDUMP(status) ? " && WCOREDUMP(s)}" : "}");
        rest = status & ~(RF_WTERMSIG(status) | RF_WCOREFLAG);
    } else if (RF_WIFEXITED(status)) {
        rf_st_format(st, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}", RF_WEXITSTATUS(status));
        rest = status & ~RF_W_EXITCODE(RF_WEXITSTATUS(status), 0);
    } else if (RF_WIFCONTINUED(status)) {
        rf_st_text(st, "[{WIFCONTINUED(s)}");
        rest = 0;
    } else {
        rf_st_format(st, "[%#x", (unsigned)status);
        rest = 0;
    }
    if (rest)
        rf_st_format(st, " | %#x", (unsigned)rest);
    rf_st_text(st, "]");
}

static void put_sched_param(struct rf_st *st, uint64_t address)
{
    struct rf_sched_param param;
    if (rf_st_fetch(st, address, &param, sizeof param))
        rf_st_format(st, "[%d]", param.sched_priority);
}

static void put_cap_header(struct rf_st *st, uint64_t address)
{
    struct rf_cap_header header;
    if (!rf_st_fetch(st, address, &header, sizeof header))
        return;
    rf_st_text(st, "{version=");
    rf_st_enum(st, header.version, &rf_st_capability_versions);
    rf_st_format(st, ", pid=%d}", header.pid);
}

static void put_capabilities(struct rf_st *st, const char *name, uint64_t set)
{
    rf_st_text(st, name);
    if (!set)
        rf_st_text(st, "0");
    bool shown = false;
    for (unsigned bit = 0; bit < 64; bit++) {
        if (!(set >> bit & 1))
            continue;
        rf_st_separate(st, &shown);
        const char *capability = rf_st_find_name(bit, &rf_st_capabilities);
        if (capability)
            rf_st_format(st, "1<<%s", capability);
        else
            rf_st_hex(st, UINT64_C(1) << bit);
    }
}

static void put_cap_data(struct rf_st *st, uint64_t address)
{
    struct rf_cap_data data[2] = {{0, 0, 0}, {0, 0, 0}};
    struct rf_cap_header header = {0, 0};
    /* Version 1 has 32 capabilities, later ones 64. */
    bool known = rf_st_read(st, st->args[0], &header, sizeof header);
    size_t size = known && header.version == 0x19980330 ? sizeof data[0] : sizeof data;
    if (!rf_st_fetch(st, address, data, size))
        return;
    put_capabilities(st, "{effective=", data[0].effective | (uint64_t)data[1].effective << 32);
    put_capabilities(st, ", permitted=", data[0].permitted | (uint64_t)data[1].permitted << 32);
    put_capabilities(st,
                     ", inheritable=", data[0].inheritable | (uint64_t)data[1].inheritable << 32);
    rf_st_text(st, "}");
}

static void put_user_desc(struct rf_st *st, uint64_t address)
{
    struct rf_user_desc desc;
    if (!rf_st_fetch(st, address, &desc, sizeof desc))
        return;
    if (desc.entry_number == UINT32_MAX)
        rf_st_text(st, "{entry_number=-1");
    else
        rf_st_format(st, "{entry_number=%u", desc.entry_number);
    rf_st_format(st, ", base_addr=%#08x, limit=%#08x", desc.base_addr, desc.limit);
    rf_st_format(st, ", seg_32bit=%u, contents=%u, read_exec_only=%u, limit_in_pages=%u",
                 desc.flags & 1, desc.flags >> 1 & 3, desc.flags >> 3 & 1, desc.flags >> 4 & 1);
    rf_st_format(st, ", seg_not_present=%u, useable=%u, lm=%u}", desc.flags >> 5 & 1,
                 desc.flags >> 6 & 1, desc.flags >> 7 & 1);
}

/* ---- event queues ---- */

static void put_epoll_event(struct rf_st *st, const void *element)
{
    struct rf_epoll_event event;
    memcpy(&event, element, sizeof event);
    rf_st_text(st, "{events=");
    rf_st_flags(st, event.events, &rf_st_epoll_events);
    rf_st_format(st, ", data={u32=%u, u64=%llu}}", (uint32_t)event.data,
                 (unsigned long long)event.data);
}

static void put_epoll_ctl_event(struct rf_st *st, uint64_t address)
{
    struct rf_epoll_event event;
    if (st->args[1] == RF_EPOLL_CTL_DEL)
        rf_st_address(st, address); /* the kernel does not look at it */
    else if (rf_st_fetch(st, address, &event, sizeof event))
        put_epoll_event(st, &event);
}

/* ---- by kind ---- */

static bool put_file_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    switch (kind) {
    case RF_ARG_STAT_OUT:
        put_stat(st, value);
        return true;
    case RF_ARG_STATX_OUT:
        put_statx(st, value);
        return true;
    case RF_ARG_STATFS_OUT:
        put_statfs(st, value);
        return true;
    case RF_ARG_DIRENTS_OUT:
        put_dirents(st, value);
        return true;
    case RF_ARG_OPEN_HOW:
        put_open_how(st, value, st->args[3]);
        return true;
    case RF_ARG_FD_PAIR_OUT:
        put_fd_pair(st, value);
        return true;
    case RF_ARG_EPOLL_EVENT_IN:
        put_epoll_ctl_event(st, value);
        return true;
    case RF_ARG_EPOLL_EVENTS_OUT:
        rf_st_array(st, value, (uint64_t)st->result, sizeof(struct rf_epoll_event),
                    put_epoll_event);
        return true;
    default:
        return false;
    }
}

static bool put_time_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    switch (kind) {
    case RF_ARG_TIMESPEC_IN:
    case RF_ARG_TIMESPEC_OUT:
        rf_st_timespec(st, value);
        return true;
    case RF_ARG_TIMESPEC_REM_OUT:
        put_remaining(st, value);
        return true;
    case RF_ARG_TIMESPEC_PAIR_IN:
        put_timespec_pair(st, value);
        return true;
    case RF_ARG_TIMEVAL_IN:
    case RF_ARG_TIMEVAL_OUT:
        put_timeval(st, value);
        return true;
    case RF_ARG_TIMEVAL_PAIR_IN:
        put_timeval_pair(st, value);
        return true;
    case RF_ARG_TIMEZONE_IN:
    case RF_ARG_TIMEZONE_OUT:
        put_timezone(st, value);
        return true;
    case RF_ARG_ITIMERVAL_IN:
    case RF_ARG_ITIMERVAL_OUT:
        put_itimerval(st, value);
        return true;
    case RF_ARG_ITIMERSPEC_IN:
    case RF_ARG_ITIMERSPEC_OUT:
        put_itimerspec(st, value);
        return true;
    case RF_ARG_UTIMBUF_IN:
        put_utimbuf(st, value);
        return true;
    case RF_ARG_TIME_OUT:
        put_time(st, value);
        return true;
    case RF_ARG_TMS_OUT:
        put_tms(st, value);
        return true;
    default:
        return false;
    }
}

static bool put_process_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    uint64_t before = st->index ? st->args[st->index - 1] : 0;
    switch (kind) {
    case RF_ARG_WAIT_STATUS_OUT:
        put_wait_status(st, value);
        return true;
    case RF_ARG_RUSAGE_OUT:
        put_rusage(st, value);
        return true;
    case RF_ARG_RLIMIT_IN:
    case RF_ARG_RLIMIT_OUT:
        put_rlimit(st, value);
        return true;
    case RF_ARG_UTSNAME_OUT:
        put_uname(st, value);
        return true;
    case RF_ARG_SYSINFO_OUT:
        put_sysinfo(st, value);
        return true;
    case RF_ARG_SCHED_PARAM_IN:
    case RF_ARG_SCHED_PARAM_OUT:
        put_sched_param(st, value);
        return true;
    case RF_ARG_CPUSET_IN:
        put_cpuset(st, value, before);
        return true;
    case RF_ARG_CPUSET_OUT:
        put_cpuset(st, value, (uint64_t)st->result);
        return true;
    case RF_ARG_GROUPS_IN:
        if ((uint32_t)before > RF_NGROUPS_MAX)
            rf_st_address(st, value);
        else
            rf_st_array(st, value, (uint32_t)before, sizeof(uint32_t), put_group);
        return true;
    case RF_ARG_GROUPS_OUT:
        if (!before)
            rf_st_address(st, value);
        else
            rf_st_array(st, value, (uint64_t)st->result, sizeof(uint32_t), put_group);
        return true;
    case RF_ARG_CAP_HEADER:
        put_cap_header(st, value);
        return true;
    case RF_ARG_CAP_DATA_IN:
    case RF_ARG_CAP_DATA_OUT:
        put_cap_data(st, value);
        return true;
    case RF_ARG_USER_DESC:
        put_user_desc(st, value);
        return true;
    default:
        return false;
    }
}

bool rf_st_struct_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    switch (kind) {
    case RF_ARG_INT_OUT:
    case RF_ARG_UINT_OUT:
    case RF_ARG_ULONG_OUT:
    case RF_ARG_PTR_OUT:
        put_number_at(st, value, kind);
        return true;
    case RF_ARG_MINCORE_OUT:
        put_mincore(st, value);
        return true;
    default:
        break;
    }
    return put_file_kind(st, kind, value) || put_time_kind(st, kind, value) ||
           put_process_kind(st, kind, value);
}
