/* The strace formatter: a line's steps, the order of arguments, and results. How each
 * kind of argument looks is in the other strace_*.c files. */
#include "trace/strace.h"

#include <stdio.h>
#include <string.h>

#include "abi/errno.h"
#include "abi/linux_flags.h"
#include "abi/signal_names.h"
#include "trace/strace_text.h"

enum {
    RESULT_COLUMN = 40,
    RESULT_ROOM = 1024, /* kept free for the result, however long the arguments are */
};

void rf_strace_set_prefix(struct rf_strace_line *line, const char *prefix)
{
    snprintf(line->prefix, sizeof line->prefix, "%s", prefix ? prefix : "");
}

void rf_strace_line_init(struct rf_strace_line *line, const char *prefix, unsigned string_limit)
{
    memset(line, 0, sizeof *line);
    rf_strace_set_prefix(line, prefix);
    line->string_limit = string_limit ? string_limit : RF_STRACE_STRING_LIMIT;
    if (line->string_limit > RF_STRACE_STRING_MAX)
        line->string_limit = RF_STRACE_STRING_MAX;
}

/* Kinds whose text must wait until the call has written what they point to. */
static bool waits_for_result(const struct rf_st *st, enum rf_arg_kind kind)
{
    switch (kind) {
    case RF_ARG_INT_OUT:
    case RF_ARG_INT_INOUT:
    case RF_ARG_UINT_OUT:
    case RF_ARG_ULONG_OUT:
    case RF_ARG_PTR_OUT:
    case RF_ARG_FD_PAIR_OUT:
    case RF_ARG_DATA_OUT:
    case RF_ARG_LINK_OUT:
    case RF_ARG_CWD_OUT:
    case RF_ARG_RANDOM_OUT:
    case RF_ARG_IOVEC_OUT:
    case RF_ARG_XATTR_OUT:
    case RF_ARG_XATTR_LIST_OUT:
    case RF_ARG_STAT_OUT:
    case RF_ARG_STATX_OUT:
    case RF_ARG_STATFS_OUT:
    case RF_ARG_DIRENTS_OUT:
    case RF_ARG_EPOLL_EVENTS_OUT:
    case RF_ARG_MINCORE_OUT:
    case RF_ARG_TIMESPEC_OUT:
    case RF_ARG_TIMESPEC_REM_OUT:
    case RF_ARG_TIMEVAL_OUT:
    case RF_ARG_TIMEZONE_OUT:
    case RF_ARG_ITIMERVAL_OUT:
    case RF_ARG_ITIMERSPEC_OUT:
    case RF_ARG_TIME_OUT:
    case RF_ARG_TMS_OUT:
    case RF_ARG_SIGSET_OUT:
    case RF_ARG_SIGACTION_OUT:
    case RF_ARG_SIGINFO_OUT:
    case RF_ARG_SIGSTACK_OUT:
    case RF_ARG_WAIT_STATUS_OUT:
    case RF_ARG_RUSAGE_OUT:
    case RF_ARG_RLIMIT_OUT:
    case RF_ARG_UTSNAME_OUT:
    case RF_ARG_SYSINFO_OUT:
    case RF_ARG_SCHED_PARAM_OUT:
    case RF_ARG_CPUSET_OUT:
    case RF_ARG_GROUPS_OUT:
    case RF_ARG_CAP_DATA_OUT:
    case RF_ARG_SOCKADDR_OUT:
    case RF_ARG_SOCKLEN_INOUT:
    case RF_ARG_SOCKOPT_OUT:
    case RF_ARG_MSGHDR_OUT:
    case RF_ARG_MMSGHDR_IN: /* carries a length out */
    case RF_ARG_MMSGHDR_OUT:
        return true;
    case RF_ARG_FCNTL_ARG:
        return rf_st_fcntl_is_out(st->args[1]);
    case RF_ARG_IOCTL_ARG:
        return rf_st_ioctl_is_out(st->args[1]);
    case RF_ARG_ARCH_PRCTL_ARG:
        return rf_st_arch_prctl_is_out(st->args[0]);
    default:
        return false;
    }
}

static void show_argument(struct rf_st *st, enum rf_arg_kind kind)
{
    uint64_t value = st->args[st->index];
    bool shown = rf_st_plain_kind(st, kind, value) || rf_st_struct_kind(st, kind, value) ||
                 rf_st_signal_kind(st, kind, value) || rf_st_call_kind(st, kind, value) ||
                 rf_st_ioctl_kind(st, kind, value) || rf_st_net_kind(st, kind, value);
    if (!shown)
        rf_st_hex(st, value);
}

static void separate(struct rf_st *st)
{
    if (st->line->any_shown && !st->line->separated)
        rf_st_text(st, ", ");
    st->line->separated = true;
}

/* Shows arguments by their kinds from where the line stands, on entry only up to the
 * first that waits for the result. */
static void show_arguments(struct rf_st *st, const struct rf_syscall_desc *desc)
{
    struct rf_strace_line *line = st->line;
    bool failed = st->failed;
    /* strace shows these calls' in-arguments as addresses too when they fail. */
    bool is_epoll_wait = line->nr == RF_NR_epoll_pwait || line->nr == RF_NR_epoll_pwait2;
    for (; line->next < desc->argc; line->next++) {
        enum rf_arg_kind kind = desc->arg[line->next];
        size_t length = line->length;
        bool separated = line->separated;
        bool waits = waits_for_result(st, kind);
        separate(st);
        if (waits && !st->leaving)
            return;
        st->index = line->next;
        st->omit = st->last = false;
        st->failed = failed && (waits || is_epoll_wait);
        show_argument(st, kind);
        st->failed = failed;
        if (st->omit) {
            line->length = length;
            line->text[length] = '\0';
            line->separated = separated;
        } else {
            line->any_shown = true;
            line->separated = false;
        }
        if (st->last)
            break;
    }
    line->complete = true;
}

static void show_unknown_call(struct rf_st *st)
{
    for (int i = 0; i < 6; i++) {
        if (i)
            rf_st_text(st, ", ");
        rf_st_hex(st, st->args[i]);
    }
}

static void show_name(struct rf_st *st, const struct rf_syscall_desc *desc)
{
    if (desc)
        rf_st_text(st, desc->name);
    else
        rf_st_format(st, "syscall_%#x", st->line->nr);
}

/* Lengths that the call will overwrite, and that the text shows both ways. */
static void remember_lengths(struct rf_st *st, const struct rf_syscall_desc *desc)
{
    uint32_t length = 0;
    for (unsigned i = 0; desc && i < desc->argc; i++) {
        uint64_t address = st->args[i];
        if (desc->arg[i] == RF_ARG_MSGHDR_OUT)
            address += offsetof(struct rf_msghdr, msg_namelen);
        else if (desc->arg[i] != RF_ARG_SOCKLEN_INOUT && desc->arg[i] != RF_ARG_INT_INOUT)
            continue;
        if (rf_st_read(st, address, &length, sizeof length))
            st->line->memory[0] = length;
    }
}

void rf_strace_enter(struct rf_strace_line *line, unsigned nr, const uint64_t args[6],
                     const struct rf_strace_source *source)
{
    struct rf_st st = {.line = line, .source = source, .args = line->args};
    const struct rf_syscall_desc *desc = rf_syscall_desc(nr);
    const struct rf_st_special *special = rf_st_special(nr);
    line->nr = nr;
    memcpy(line->args, args, sizeof line->args);
    memset(line->memory, 0, sizeof line->memory);
    line->next = 0;
    line->length = 0;
    line->limit = sizeof line->text - 1 - RESULT_ROOM;
    line->separated = line->any_shown = line->complete = line->suspended = false;
    remember_lengths(&st, desc);

    rf_st_text(&st, line->prefix);
    show_name(&st, desc);
    rf_st_text(&st, "(");
    if (!desc) {
        show_unknown_call(&st);
        line->complete = true;
    } else if (nr == RF_NR_restart_syscall) {
        line->complete = true;
        const struct rf_syscall_desc *before = rf_syscall_desc(line->previous - 1u);
        rf_st_format(&st, "<... resuming interrupted %s ...>",
                     before ? before->name : "system call");
    } else if (special && special->enter) {
        special->enter(&st);
        line->complete = !special->leave || st.last;
    } else {
        show_arguments(&st, desc);
    }
}

static void show_error(struct rf_st *st)
{
    int number = (int)-st->result;
    const char *name = rf_errno_name(number);
    const char *text = rf_errno_text(number);
    const char *restart = NULL;
    switch (number) {
    case RF_ERESTARTSYS:
        restart = "To be restarted if SA_RESTART is set";
        break;
    case RF_ERESTARTNOINTR:
        restart = "To be restarted";
        break;
    case RF_ERESTARTNOHAND:
        restart = "To be restarted if no handler";
        break;
    case RF_ERESTART_RESTARTBLOCK:
        restart = "Interrupted by signal";
        break;
    default:
        break;
    }
    if (restart)
        rf_st_format(st, "? %s (%s)", name, restart);
    else if (name && text)
        rf_st_format(st, "-1 %s (%s)", name, text);
    else
        rf_st_format(st, "-1 (errno %d)", number);
}

static void show_result(struct rf_st *st, const struct rf_syscall_desc *desc)
{
    const struct rf_st_special *special = rf_st_special(st->line->nr);
    if (st->failed) {
        show_error(st);
        return;
    }
    if (special && special->result && special->result(st))
        return;
    switch (desc ? desc->ret : RF_RET_INT) {
    case RF_RET_HEX:
        rf_st_hex(st, (uint64_t)st->result);
        break;
    case RF_RET_OCTAL:
        rf_st_mode(st, (unsigned)st->result);
        break;
    default:
        rf_st_int(st, st->result);
        break;
    }
}

/* Starts the text anew if its first part was printed as unfinished. */
static void resume(struct rf_st *st, const struct rf_syscall_desc *desc)
{
    struct rf_strace_line *line = st->line;
    if (!line->suspended)
        return;
    line->suspended = false;
    line->length = 0;
    line->limit = sizeof line->text - 1 - RESULT_ROOM;
    rf_st_text(st, line->prefix);
    rf_st_text(st, "<... ");
    show_name(st, desc);
    rf_st_text(st, " resumed>");
}

/* Shows the arguments that had to wait. */
static void finish_arguments(struct rf_st *st, const struct rf_syscall_desc *desc)
{
    struct rf_strace_line *line = st->line;
    const struct rf_st_special *special = rf_st_special(line->nr);
    if (line->complete)
        return;
    if (special && special->leave)
        special->leave(st);
    else if (desc)
        show_arguments(st, desc);
}

static void close_arguments(struct rf_st *st)
{
    static const char blanks[RESULT_COLUMN + 1] = "                                        ";
    struct rf_strace_line *line = st->line;
    if (line->length >= line->limit)
        memcpy(line->text + line->length - 3, "...", 3);
    line->limit = sizeof line->text - 1;
    rf_st_text(st, ") ");
    if (line->length < RESULT_COLUMN)
        rf_st_text(st, blanks + line->length);
    rf_st_text(st, "= ");
}

void rf_strace_leave(struct rf_strace_line *line, int64_t result,
                     const struct rf_strace_source *source)
{
    const struct rf_syscall_desc *desc = rf_syscall_desc(line->nr);
    struct rf_st st = {.line = line,
                       .source = source,
                       .args = line->args,
                       .leaving = true,
                       .failed = rf_is_error(result),
                       .result = result};
    resume(&st, desc);
    finish_arguments(&st, desc);
    close_arguments(&st);
    show_result(&st, desc);
    line->previous = line->nr + 1;
}

void rf_strace_leave_none(struct rf_strace_line *line)
{
    struct rf_st st = {.line = line, .args = line->args, .leaving = true};
    resume(&st, rf_syscall_desc(line->nr));
    if (!line->complete)
        rf_st_text(&st, " <unfinished ...>");
    close_arguments(&st);
    rf_st_text(&st, "?");
    line->previous = line->nr + 1;
}

void rf_strace_suspend(struct rf_strace_line *line)
{
    struct rf_st st = {.line = line};
    line->limit = sizeof line->text - 1;
    rf_st_text(&st, " <unfinished ...>");
    line->suspended = true;
}

/* ---- lines that are no calls ---- */

/* Copies a line's text out, as snprintf would. */
static size_t copy_out(char *out, size_t out_size, const char *text)
{
    return (size_t)snprintf(out, out_size, "%s", text);
}

size_t rf_strace_signal(char *out, size_t out_size, const struct rf_siginfo *info)
{
    struct rf_strace_line line = {.limit = sizeof line.text - 1};
    struct rf_st st = {.line = &line};
    rf_st_text(&st, "--- ");
    rf_st_signal_name(&st, info->si_signo);
    rf_st_text(&st, " ");
    rf_st_siginfo(&st, info);
    rf_st_text(&st, " ---");
    return copy_out(out, out_size, line.text);
}

size_t rf_strace_stopped(char *out, size_t out_size, int signo)
{
    const char *name = rf_signal_name(signo);
    if (!name)
        return (size_t)snprintf(out, out_size, "--- stopped by %d ---", signo);
    return (size_t)snprintf(out, out_size, "--- stopped by %s ---", name);
}

size_t rf_strace_exit(char *out, size_t out_size, int wait_status)
{
    int signo = RF_WTERMSIG(wait_status);
    const char *name = rf_signal_name(signo);
    if (!signo)
        return (size_t)snprintf(out, out_size, "+++ exited with %d +++",
                                RF_WEXITSTATUS(wait_status));
    return (size_t)snprintf(out, out_size, "+++ killed by %s%s +++", name ? name : "signal",
                            RF_WCOREDUMP(wait_status) ? " (core dumped)" : "");
}

size_t rf_strace_format(char *out, size_t out_size, const struct rf_strace_call *call,
                        const struct rf_strace_source *source)
{
    struct rf_strace_line line;
    rf_strace_line_init(&line, NULL, 0);
    rf_strace_enter(&line, call->nr, call->args, source);
    if (call->returned)
        rf_strace_leave(&line, call->result, source);
    else
        rf_strace_leave_none(&line);
    return copy_out(out, out_size, line.text);
}
