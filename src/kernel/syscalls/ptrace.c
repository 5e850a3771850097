/* ptrace(2): what a tracer asks of a task (kernel/ptrace.c and arch/x86/kernel/ptrace.c of Linux). */
#include "kernel/ptrace/ptrace.h"

#include "kernel/entry/syscall_work.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/fpstate.h"
#include "kernel/signal/signal.h"
#include "kernel/signal/stop.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#include <string.h>

/* A request's operands as ptrace(2) names them. */
struct request {
    uint64_t number, addr, data;
};
typedef int64_t request_handler(struct rf_kernel *k, struct rf_task *task, const struct request *r);

/* --- memory --- */

static int64_t peek(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    uint64_t word;
    if (rf_mm_read_remote(k, task->mm, r->addr, &word, sizeof word, true) != sizeof word)
        return -RF_EIO;
    return RF_PUT_USER(k, r->data, word) ? -RF_EFAULT : 0;
}

static int64_t poke(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    return rf_mm_write_remote(k, task->mm, r->addr, &r->data, sizeof r->data, true) == sizeof r->data ? 0 : -RF_EIO;
}

/* --- registers --- */

static int64_t peek_user(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    uint64_t value;
    int64_t error = rf_ptrace_peek_user(task, r->addr, &value);
    if (error)
        return error;
    return RF_PUT_USER(k, r->data, value) ? -RF_EFAULT : 0;
}

static int64_t poke_user(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    (void)k;
    return rf_ptrace_poke_user(task, r->addr, r->data);
}

static int64_t get_regs(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    struct rf_user_regs regs;
    rf_ptrace_get_regs(task, &regs);
    return RF_PUT_USER(k, r->data, regs) ? -RF_EFAULT : 0;
}

static int64_t set_regs(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    struct rf_user_regs regs;
    return RF_GET_USER(k, regs, r->data) ? -RF_EFAULT : rf_ptrace_set_regs(task, &regs, sizeof regs);
}

static int64_t get_fp(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    uint8_t area[RF_FP_ROOM];
    rf_fp_of_task(k, task, area, false);
    return rf_copy_to_user(k, r->data, area, sizeof(struct rf_fxsave_area)) ? -RF_EFAULT : 0;
}

static int64_t set_fp(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    uint8_t area[sizeof(struct rf_fxsave_area)];
    if (rf_copy_from_user(k, area, r->data, sizeof area))
        return -RF_EFAULT;
    return rf_ptrace_set_fp(k, task, area, sizeof area);
}

/* The bytes of a register set, 0 if there is no such. */
static size_t fill_set(struct rf_kernel *k, struct rf_task *task, uint64_t type, uint8_t *out)
{
    switch (type) {
    case RF_NT_PRSTATUS: rf_ptrace_get_regs(task, (struct rf_user_regs *)out); return sizeof(struct rf_user_regs);
    case RF_NT_PRFPREG:
        rf_fp_of_task(k, task, out, false);
        return sizeof(struct rf_fxsave_area);
    case RF_NT_X86_XSTATE: return rf_fp_components(k->cpu) ? rf_fp_of_task(k, task, out, true) : 0;
    default: return 0;
    }
}

/* `data` points to an iovec; its length becomes what was moved (ptrace_regset). */
static int64_t move_set(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    union {
        uint8_t bytes[RF_FP_ROOM];
        uint64_t aligned;
    } set;
    struct rf_iovec iov;
    if (RF_GET_USER(k, iov, r->data))
        return -RF_EFAULT;
    size_t size = fill_set(k, task, r->addr, set.bytes);
    if (!size || iov.iov_len % 8)
        return -RF_EINVAL;
    uint64_t moved = iov.iov_len < size ? iov.iov_len : size;
    int64_t error;
    if (r->number == RF_PTRACE_GETREGSET) {
        error = rf_copy_to_user(k, iov.iov_base, set.bytes, moved);
    } else {
        if (r->addr == RF_NT_X86_XSTATE && moved != size)
            return -RF_EFAULT; /* xstateregs_set wants all of it */
        if (r->addr == RF_NT_PRFPREG && moved != size)
            return -RF_EINVAL;
        error = rf_copy_from_user(k, set.bytes, iov.iov_base, moved);
        if (!error)
            error = r->addr == RF_NT_PRSTATUS
                        ? rf_ptrace_set_regs(task, (const struct rf_user_regs *)set.bytes, moved)
                        : rf_ptrace_set_fp(k, task, set.bytes, moved);
    }
    if (error)
        return error;
    return RF_PUT_USER(k, r->data + offsetof(struct rf_iovec, iov_len), moved) ? -RF_EFAULT : 0;
}

static int64_t arch_prctl(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    bool fs = r->data == RF_ARCH_SET_FS || r->data == RF_ARCH_GET_FS;
    uint64_t *base = fs ? &task->context.fs_base : &task->context.kernel_gs_base;
    switch (r->data) {
    case RF_ARCH_SET_FS:
    case RF_ARCH_SET_GS:
        if (r->addr >= RF_TASK_SIZE)
            return -RF_EPERM;
        *base = r->addr;
        return 0;
    case RF_ARCH_GET_FS:
    case RF_ARCH_GET_GS: return RF_PUT_USER(k, r->addr, *base) ? -RF_EFAULT : 0;
    default: return -RF_EINVAL;
    }
}

/* --- signals --- */

static int64_t get_siginfo(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    if (!task->trace->has_info)
        return -RF_EINVAL;
    return RF_PUT_USER(k, r->data, task->trace->info) ? -RF_EFAULT : 0;
}

static int64_t set_siginfo(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    struct rf_siginfo info;
    if (RF_GET_USER(k, info, r->data))
        return -RF_EFAULT;
    if (!task->trace->has_info)
        return -RF_EINVAL;
    task->trace->info = info;
    return 0;
}

static int64_t peek_siginfo(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    struct rf_ptrace_peeksiginfo_args args;
    if (RF_GET_USER(k, args, r->addr))
        return -RF_EFAULT;
    if (args.flags & ~(uint32_t)RF_PTRACE_PEEKSIGINFO_SHARED || args.nr < 0)
        return -RF_EINVAL;
    const struct rf_queued_signal *node =
        args.flags & RF_PTRACE_PEEKSIGINFO_SHARED ? task->process->queued : task->queued;
    for (uint64_t skip = args.off; node && skip; skip--)
        node = node->next;
    int32_t copied = 0;
    for (; node && copied < args.nr; node = node->next, copied++)
        if (RF_PUT_USER(k, r->data + (uint64_t)copied * sizeof node->info, node->info))
            return copied ? copied : -RF_EFAULT;
    return copied;
}

static int64_t get_mask(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    if (r->addr != sizeof(uint64_t))
        return -RF_EINVAL;
    uint64_t mask = task->restore_blocked ? task->saved_blocked : task->blocked;
    return RF_PUT_USER(k, r->data, mask) ? -RF_EFAULT : 0;
}

static int64_t set_mask(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    uint64_t mask;
    if (r->addr != sizeof mask)
        return -RF_EINVAL;
    if (RF_GET_USER(k, mask, r->data))
        return -RF_EFAULT;
    task->blocked = mask & ~RF_SIGNALS_UNBLOCKABLE;
    task->restore_blocked = false;
    return 0;
}

/* --- what is known of a stop --- */

static int64_t set_options(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    (void)k;
    return rf_ptrace_set_options(task->trace, r->data);
}

static int64_t get_message(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    return RF_PUT_USER(k, r->data, task->trace->message) ? -RF_EFAULT : 0;
}

static int64_t get_syscall_info(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    const struct rf_pt_regs *regs = task->regs;
    struct rf_ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    info.op = task->trace->call_op;
    info.arch = RF_AUDIT_ARCH_X86_64;
    info.instruction_pointer = regs->rip;
    info.stack_pointer = regs->rsp;
    size_t size = offsetof(struct rf_ptrace_syscall_info, entry);
    switch (info.op) {
    case RF_PTRACE_SYSCALL_INFO_ENTRY:
    case RF_PTRACE_SYSCALL_INFO_SECCOMP: {
        const uint64_t args[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };
        info.entry.nr = (uint64_t)(int64_t)(int32_t)regs->orig_rax;
        memcpy(info.entry.args, args, sizeof args);
        size = offsetof(struct rf_ptrace_syscall_info, entry.ret_data);
        if (info.op == RF_PTRACE_SYSCALL_INFO_SECCOMP) {
            info.entry.ret_data = (uint32_t)task->trace->message;
            size += sizeof info.entry.ret_data;
        }
        break;
    }
    case RF_PTRACE_SYSCALL_INFO_EXIT:
        info.exit.rval = (int64_t)regs->rax;
        info.exit.is_error = rf_is_error(info.exit.rval);
        size = offsetof(struct rf_ptrace_syscall_info, exit.is_error) + sizeof info.exit.is_error;
        break;
    default: break;
    }
    size_t copied = r->addr < size ? r->addr : size;
    return rf_copy_to_user(k, r->data, &info, copied) ? -RF_EFAULT : (int64_t)size;
}

static int64_t get_rseq(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    const struct rf_ptrace_rseq_configuration c = {
        .rseq_abi_pointer = task->rseq,
        .rseq_abi_size = task->rseq ? 32 : 0, /* the only size before Linux 6.3 */
        .signature = task->rseq_signature,
    };
    size_t copied = r->addr < sizeof c ? r->addr : sizeof c;
    return rf_copy_to_user(k, r->data, &c, copied) ? -RF_EFAULT : (int64_t)sizeof c;
}

/* As a kernel without CONFIG_CHECKPOINT_RESTORE says. */
static int64_t not_offered(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    (void)k, (void)task, (void)r;
    return -RF_EINVAL;
}

/* --- going on --- */

static bool is_signal(uint64_t data)
{
    return data <= RF_NSIG;
}

/* PTRACE_CONT and its kin: `data` is the signal to go on with. */
static int64_t resume(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    struct rf_ptrace *trace = task->trace;
    if (!is_signal(r->data))
        return -RF_EIO;
    trace->calls = r->number == RF_PTRACE_SYSCALL;
    trace->emulate = r->number == RF_PTRACE_SYSEMU || r->number == RF_PTRACE_SYSEMU_SINGLESTEP;
    if (r->number == RF_PTRACE_SINGLESTEP || r->number == RF_PTRACE_SYSEMU_SINGLESTEP)
        rf_ptrace_enable_step(task);
    else
        rf_ptrace_disable_step(task);
    if (trace->calls || trace->emulate || trace->step)
        task->syscall_work |= RF_SYSCALL_WORK_PTRACE;
    else
        task->syscall_work &= ~(uint32_t)RF_SYSCALL_WORK_PTRACE;
    trace->code = (int)r->data;
    trace->has_info = false;
    rf_stop_wake(k, task);
    return 0;
}

static int64_t detach(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    if (!is_signal(r->data))
        return -RF_EIO;
    /* the stop that it is in ends as if it had been resumed; what is left of it needs no tracer */
    struct rf_ptrace *trace = task->trace;
    struct rf_siginfo info = trace->info;
    bool at_signal = trace->phase == RF_TRACE_SIGNAL || trace->phase == RF_TRACE_CALL_ENTRY ||
                     trace->phase == RF_TRACE_CALL_EXIT;
    int signo = (int)r->data;
    if (trace->phase != RF_TRACE_SIGNAL || signo != info.si_signo) {
        info = (struct rf_siginfo){ .si_signo = signo, .si_code = RF_SI_USER };
        info.kill.pid = k->current->process->pid;
        info.kill.uid = k->current->credentials.uid;
    }
    trace->code = 0;
    rf_ptrace_unlink(k, task);
    if (signo && at_signal)
        rf_signal_send_task(k, task, &info);
    return 0;
}

static int64_t kill_task(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    (void)r;
    const struct rf_siginfo info = { .si_signo = RF_SIGKILL, .si_code = RF_SI_USER };
    if (task->state != RF_TASK_ZOMBIE)
        rf_signal_send_task(k, task, &info);
    return 0;
}

/* Stop without a signal: PTRACE_SEIZE's tasks alone. */
static int64_t interrupt(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    (void)r;
    if (!task->trace->seized)
        return -RF_EIO;
    if (task->state == RF_TASK_ZOMBIE)
        return 0;
    task->jobctl |= RF_JOBCTL_TRAP_STOP;
    if (task->state == RF_TASK_TRACED) {
        if (task->jobctl & RF_JOBCTL_LISTENING)
            rf_stop_wake(k, task);
    } else {
        rf_signal_interrupt(k, task);
    }
    return 0;
}

/* Leave it stopped with its process, and hear when that goes on. */
static int64_t listen(struct rf_kernel *k, struct rf_task *task, const struct request *r)
{
    (void)r;
    const struct rf_ptrace *trace = task->trace;
    if (!trace->seized || !trace->has_info || trace->info.si_code >> 8 != RF_PTRACE_EVENT_STOP)
        return -RF_EIO;
    task->jobctl |= RF_JOBCTL_LISTENING;
    if (task->jobctl & RF_JOBCTL_TRAP_NOTIFY)
        rf_stop_wake(k, task);
    return 0;
}

/* --- the call --- */

static const struct {
    uint16_t number;
    bool any_state; /* need not be stopped */
    request_handler *handler;
} requests[] = {
    { RF_PTRACE_PEEKTEXT, false, peek },
    { RF_PTRACE_PEEKDATA, false, peek },
    { RF_PTRACE_POKETEXT, false, poke },
    { RF_PTRACE_POKEDATA, false, poke },
    { RF_PTRACE_PEEKUSER, false, peek_user },
    { RF_PTRACE_POKEUSER, false, poke_user },
    { RF_PTRACE_GETREGS, false, get_regs },
    { RF_PTRACE_SETREGS, false, set_regs },
    { RF_PTRACE_GETFPREGS, false, get_fp },
    { RF_PTRACE_SETFPREGS, false, set_fp },
    { RF_PTRACE_GETREGSET, false, move_set },
    { RF_PTRACE_SETREGSET, false, move_set },
    { RF_PTRACE_ARCH_PRCTL, false, arch_prctl },
    { RF_PTRACE_GETSIGINFO, false, get_siginfo },
    { RF_PTRACE_SETSIGINFO, false, set_siginfo },
    { RF_PTRACE_PEEKSIGINFO, false, peek_siginfo },
    { RF_PTRACE_GETSIGMASK, false, get_mask },
    { RF_PTRACE_SETSIGMASK, false, set_mask },
    { RF_PTRACE_SETOPTIONS, false, set_options },
    { RF_PTRACE_GETEVENTMSG, false, get_message },
    { RF_PTRACE_GET_SYSCALL_INFO, false, get_syscall_info },
    { RF_PTRACE_GET_RSEQ_CONFIGURATION, false, get_rseq },
    { RF_PTRACE_SECCOMP_GET_FILTER, false, not_offered },
    { RF_PTRACE_SECCOMP_GET_METADATA, false, not_offered },
    { RF_PTRACE_CONT, false, resume },
    { RF_PTRACE_SYSCALL, false, resume },
    { RF_PTRACE_SINGLESTEP, false, resume },
    { RF_PTRACE_SYSEMU, false, resume },
    { RF_PTRACE_SYSEMU_SINGLESTEP, false, resume },
    { RF_PTRACE_DETACH, false, detach },
    { RF_PTRACE_LISTEN, false, listen },
    { RF_PTRACE_INTERRUPT, true, interrupt },
    { RF_PTRACE_KILL, true, kill_task },
};

static int64_t sys_ptrace(struct rf_kernel *k, const uint64_t a[6])
{
    const struct request r = { a[0], a[2], a[3] };
    if (r.number == RF_PTRACE_TRACEME)
        return rf_ptrace_traceme(k);
    struct rf_task *task = rf_task_find(k, rf_pid_given(k, (int32_t)a[1]));
    if (!task)
        return -RF_ESRCH;
    if (r.number == RF_PTRACE_ATTACH || r.number == RF_PTRACE_SEIZE) {
        if (r.number == RF_PTRACE_SEIZE && r.addr)
            return -RF_EIO;
        return rf_ptrace_attach(k, task, r.number == RF_PTRACE_SEIZE, r.data);
    }
    if (!task->trace || task->trace->tracer != k->current)
        return -RF_ESRCH;
    bool stopped = task->state == RF_TASK_TRACED && !(task->jobctl & RF_JOBCTL_LISTENING);
    for (size_t i = 0; i < RF_ARRAY_SIZE(requests); i++) {
        if (requests[i].number != r.number)
            continue;
        return stopped || requests[i].any_state ? requests[i].handler(k, task, &r) : -RF_ESRCH;
    }
    return stopped ? -RF_EIO : -RF_ESRCH;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_ptrace, sys_ptrace },
};
const struct rf_handler_table rf_handlers_ptrace = RF_HANDLER_TABLE(entries);
