/* Signals: sets, actions, siginfo, alternate stacks, and the lines that announce a
 * signal or a task's end. */
#include <string.h>

#include "abi/linux_flags.h"
#include "abi/signal_names.h"
#include "trace/strace_names.h"

void rf_st_sigset_at(struct rf_st *st, uint64_t address, uint64_t size)
{
    uint64_t mask = 0;
    /* rt_sigpending alone may ask for less than the whole set. */
    bool odd_size = st->line->nr == RF_NR_rt_sigpending ? !size || size > 8 : size != 8;
    if (odd_size)
        rf_st_address(st, address);
    else if (rf_st_fetch(st, address, &mask, size))
        rf_st_sigset(st, mask);
}

static void put_action(struct rf_st *st, uint64_t address)
{
    struct rf_sigaction action;
    if (!rf_st_fetch(st, address, &action, sizeof action))
        return;
    rf_st_text(st, "{sa_handler=");
    if (action.handler == RF_SIG_DFL)
        rf_st_text(st, "SIG_DFL");
    else if (action.handler == RF_SIG_IGN)
        rf_st_text(st, "SIG_IGN");
    else if (action.handler == RF_SIG_ERR)
        rf_st_text(st, "SIG_ERR");
    else
        rf_st_address(st, action.handler);
    rf_st_text(st, ", sa_mask=");
    rf_st_sigset(st, action.mask);
    rf_st_text(st, ", sa_flags=");
    rf_st_flags(st, action.flags, &rf_st_sigaction_flags);
    if (action.flags & RF_SA_RESTORER) {
        rf_st_text(st, ", sa_restorer=");
        rf_st_address(st, action.restorer);
    }
    rf_st_text(st, "}");
}

static void put_stack(struct rf_st *st, uint64_t address)
{
    rf_stack_t stack;
    if (!rf_st_fetch(st, address, &stack, sizeof stack))
        return;
    rf_st_text(st, "{ss_sp=");
    rf_st_address(st, stack.ss_sp);
    rf_st_text(st, ", ss_flags=");
    rf_st_flags(st, (uint32_t)stack.ss_flags, &rf_st_sigstack_flags);
    rf_st_format(st, ", ss_size=%llu}", (unsigned long long)stack.ss_size);
}

static void put_sigevent(struct rf_st *st, uint64_t address)
{
    struct rf_sigevent event;
    if (!rf_st_fetch(st, address, &event, sizeof event))
        return;
    uint64_t value = event.sigev_value.sival_ptr;
    rf_st_text(st, "{");
    if (value) {
        rf_st_format(st, "sigev_value={sival_int=%d, sival_ptr=", event.sigev_value.sival_int);
        rf_st_address(st, value);
        rf_st_text(st, "}, ");
    }
    rf_st_text(st, "sigev_signo=");
    bool has_signal = event.sigev_notify == RF_SIGEV_SIGNAL ||
                      event.sigev_notify == RF_SIGEV_THREAD ||
                      event.sigev_notify == RF_SIGEV_THREAD_ID;
    if (has_signal)
        rf_st_signal_name(st, event.sigev_signo);
    else
        rf_st_int(st, event.sigev_signo);
    rf_st_text(st, ", sigev_notify=");
    rf_st_enum(st, (uint32_t)event.sigev_notify, &rf_st_sigev);
    if (event.sigev_notify == RF_SIGEV_THREAD_ID)
        rf_st_format(st, ", sigev_notify_thread_id=%d", event.sigev_tid);
    if (event.sigev_notify == RF_SIGEV_THREAD) {
        uint64_t pointers[2]; /* the C library's, in the union that holds sigev_tid */
        memcpy(pointers, (const uint8_t *)&event + offsetof(struct rf_sigevent, sigev_tid),
               sizeof pointers);
        rf_st_text(st, ", sigev_notify_function=");
        rf_st_address(st, pointers[0]);
        rf_st_text(st, ", sigev_notify_attributes=");
        rf_st_address(st, pointers[1]);
    }
    rf_st_text(st, "}");
}

/* ---- siginfo ---- */

static void put_sender(struct rf_st *st, const struct rf_siginfo *info)
{
    rf_st_format(st, ", si_pid=%d, si_uid=%u", info->kill.pid, info->kill.uid);
}

static void put_value(struct rf_st *st, union rf_sigval value)
{
    rf_st_format(st, ", si_int=%d, si_ptr=", value.sival_int);
    rf_st_address(st, value.sival_ptr);
}

static void put_ticks(struct rf_st *st, const char *name, uint64_t ticks)
{
    rf_st_format(st, ", %s=%llu", name, (unsigned long long)ticks);
    if (ticks)
        rf_st_format(st, " /* %llu.%02u s */", (unsigned long long)(ticks / RF_USER_HZ),
                     (unsigned)(ticks % RF_USER_HZ * 100 / RF_USER_HZ));
}

/* What a process sent: si_code is 0 or less. */
static void put_user_info(struct rf_st *st, const struct rf_siginfo *info)
{
    switch (info->si_code) {
    case RF_SI_USER:
    case RF_SI_TKILL:
        put_sender(st, info);
        break;
    case RF_SI_TIMER:
        rf_st_format(st, ", si_timerid=%#x, si_overrun=%d", (unsigned)info->timer.tid,
                     info->timer.overrun);
        put_value(st, info->timer.value);
        break;
    default:
        put_sender(st, info);
        if (info->rt.value.sival_ptr)
            put_value(st, info->rt.value);
        break;
    }
}

static void put_child_info(struct rf_st *st, const struct rf_siginfo *info)
{
    put_sender(st, info);
    rf_st_text(st, ", si_status=");
    if (info->si_code == RF_SI_CLD_EXITED)
        rf_st_int(st, info->chld.status);
    else
        rf_st_signal_name(st, info->chld.status);
    put_ticks(st, "si_utime", (uint64_t)info->chld.utime);
    put_ticks(st, "si_stime", (uint64_t)info->chld.stime);
}

static void put_fault_info(struct rf_st *st, const struct rf_siginfo *info)
{
    rf_st_text(st, ", si_addr=");
    rf_st_address(st, info->fault.addr);
    if (info->si_signo != RF_SIGSEGV)
        return;
    if (info->si_code == RF_SI_SEGV_BNDERR) {
        rf_st_text(st, ", si_lower=");
        rf_st_address(st, info->fault.lower);
        rf_st_text(st, ", si_upper=");
        rf_st_address(st, info->fault.upper);
    } else if (info->si_code == RF_SI_SEGV_PKUERR) {
        rf_st_format(st, ", si_pkey=%u", (uint32_t)info->fault.lower);
    }
}

/* What the kernel sent: si_code is above 0. */
static void put_kernel_info(struct rf_st *st, const struct rf_siginfo *info)
{
    switch (info->si_signo) {
    case RF_SIGCHLD:
        put_child_info(st, info);
        break;
    case RF_SIGILL:
    case RF_SIGFPE:
    case RF_SIGSEGV:
    case RF_SIGBUS:
        put_fault_info(st, info);
        break;
    case RF_SIGPOLL:
        rf_st_format(st, ", si_band=%lld", (long long)info->poll.band);
        break;
    case RF_SIGSYS: {
        const struct rf_syscall_desc *desc = rf_syscall_desc((unsigned)info->sys.syscall);
        rf_st_text(st, ", si_call_addr=");
        rf_st_address(st, info->sys.call_addr);
        if (desc)
            rf_st_format(st, ", si_syscall=__NR_%s", desc->name);
        else
            rf_st_format(st, ", si_syscall=%d", info->sys.syscall);
        if (info->sys.arch == 0xc000003e) /* linux/audit.h */
            rf_st_text(st, ", si_arch=AUDIT_ARCH_X86_64");
        else
            rf_st_format(st, ", si_arch=%#x", info->sys.arch);
        break;
    }
    default:
        if (info->kill.pid || info->kill.uid)
            put_sender(st, info);
        if (info->rt.value.sival_ptr)
            put_value(st, info->rt.value);
        break;
    }
}

void rf_st_siginfo(struct rf_st *st, const struct rf_siginfo *info)
{
    if (!info->si_signo) {
        rf_st_text(st, "{}");
        return;
    }
    rf_st_text(st, "{si_signo=");
    rf_st_signal_name(st, info->si_signo);
    const char *code = rf_si_code_name(info->si_signo, info->si_code);
    if (code)
        rf_st_format(st, ", si_code=%s", code);
    else
        rf_st_format(st, ", si_code=%#x", (unsigned)info->si_code);
    if (info->si_errno)
        rf_st_format(st, ", si_errno=%d", info->si_errno);
    if (info->si_code <= 0)
        put_user_info(st, info);
    else
        put_kernel_info(st, info);
    rf_st_text(st, "}");
}

static void put_siginfo_at(struct rf_st *st, uint64_t address)
{
    struct rf_siginfo info;
    if (rf_st_fetch(st, address, &info, sizeof info))
        rf_st_siginfo(st, &info);
}

/* ---- by kind ---- */

/* pselect6's last argument: the address of a set, and its size. */
static void put_pselect_mask(struct rf_st *st, uint64_t address)
{
    uint64_t mask[2];
    if (!rf_st_fetch(st, address, mask, sizeof mask))
        return;
    rf_st_text(st, "{sigmask=");
    rf_st_sigset_at(st, mask[0], mask[1]);
    rf_st_format(st, ", sigsetsize=%llu}", (unsigned long long)mask[1]);
}

bool rf_st_signal_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    switch (kind) {
    case RF_ARG_SIGSET_IN:
    case RF_ARG_SIGSET_OUT: {
        /* The size follows, or comes last. */
        const struct rf_syscall_desc *desc = rf_syscall_desc(st->line->nr);
        unsigned at = st->index + 1u;
        while (at < 5 && desc && desc->arg[at] != RF_ARG_SIZE)
            at++;
        rf_st_sigset_at(st, value, st->args[at]);
        return true;
    }
    case RF_ARG_SIGACTION_IN:
    case RF_ARG_SIGACTION_OUT:
        put_action(st, value);
        return true;
    case RF_ARG_SIGINFO_IN:
    case RF_ARG_SIGINFO_OUT:
        put_siginfo_at(st, value);
        return true;
    case RF_ARG_SIGSTACK_IN:
    case RF_ARG_SIGSTACK_OUT:
        put_stack(st, value);
        return true;
    case RF_ARG_SIGEVENT_IN:
        put_sigevent(st, value);
        return true;
    case RF_ARG_PSELECT_MASK_IN:
        put_pselect_mask(st, value);
        return true;
    default:
        return false;
    }
}
