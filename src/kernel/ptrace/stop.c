/* How a traced task stops, and goes on (kernel/ptrace/ptrace.h; kernel/signal.c of Linux: ptrace_stop, ptrace_signal,
 * do_jobctl_trap). */
#include "kernel/ptrace/ptrace.h"

#include "kernel/signal/signal.h"
#include "kernel/signal/stop.h"
#include "kernel/task/task.h"

void rf_ptrace_stop(struct rf_kernel *k, struct rf_task *task, enum rf_trace_phase phase, int code, int why,
                    const struct rf_siginfo *info)
{
    struct rf_ptrace *trace = task->trace;
    bool process_stopped = false;
    trace->phase = phase;
    trace->code = code;
    trace->has_info = info;
    if (info)
        trace->info = *info;
    if (why == RF_SI_CLD_STOPPED && task->jobctl & RF_JOBCTL_STOP_PENDING)
        process_stopped = rf_stop_participate(task);
    rf_jobctl_clear(task, RF_JOBCTL_TRAP_STOP);
    if (code >> 8 == RF_PTRACE_EVENT_STOP)
        rf_jobctl_clear(task, RF_JOBCTL_TRAP_NOTIFY);
    task->state = RF_TASK_TRACED;
    rf_stop_notify(k, task, true, why);
    if (process_stopped && rf_ptrace_by_stranger(task))
        rf_stop_notify(k, task, false, why);
}

bool rf_ptrace_resumed(struct rf_task *task, enum rf_trace_phase phase)
{
    struct rf_ptrace *trace = task->trace;
    if (trace->phase != phase)
        return false;
    trace->phase = RF_TRACE_RUNNING;
    trace->call_op = RF_PTRACE_SYSCALL_INFO_NONE;
    rf_jobctl_clear(task, RF_JOBCTL_LISTENING);
    return true;
}

/* The siginfo of stops that no signal caused (ptrace_do_notify). */
static struct rf_siginfo stop_info(const struct rf_task *task, int signo, int code)
{
    struct rf_siginfo info = { .si_signo = signo, .si_code = code };
    info.kill.pid = task->tid;
    info.kill.uid = task->credentials.uid;
    return info;
}

static void notify(struct rf_kernel *k, struct rf_task *task, enum rf_trace_phase phase, int signo, int code, int why)
{
    struct rf_siginfo info = stop_info(task, signo, code);
    rf_ptrace_stop(k, task, phase, code, why, &info);
}

/* --- events --- */

bool rf_ptrace_event_enabled(const struct rf_task *task, unsigned event)
{
    return task->trace && task->trace->options & 1u << event;
}

int64_t rf_ptrace_event(struct rf_kernel *k, struct rf_task *task, unsigned event, uint64_t message)
{
    if (!task->trace || rf_ptrace_resumed(task, RF_TRACE_EVENT) || !rf_ptrace_event_enabled(task, event))
        return 0;
    if (event != RF_PTRACE_EVENT_EXIT && rf_signal_fatal_pending(task))
        return 0;
    task->trace->message = message;
    notify(k, task, RF_TRACE_EVENT, RF_SIGTRAP, (int)event << 8 | RF_SIGTRAP, RF_SI_CLD_TRAPPED);
    return RF_BLOCKED;
}

void rf_ptrace_exec(struct rf_kernel *k, struct rf_task *task, int32_t tid)
{
    if (rf_ptrace_event_enabled(task, RF_PTRACE_EVENT_EXEC)) {
        task->trace->exec_event = true;
        task->trace->message = (uint64_t)rf_pid_in(task->trace->tracer->namespaces.pid, tid);
    } else if (task->trace && !task->trace->seized) {
        const struct rf_siginfo info = stop_info(task, RF_SIGTRAP, RF_SI_USER);
        rf_signal_send_task(k, task, &info);
    }
}

/* --- system calls --- */

static int call_stop_code(const struct rf_ptrace *trace)
{
    return RF_SIGTRAP | (trace->options & RF_PTRACE_O_TRACESYSGOOD ? 0x80 : 0);
}

/* The signal that the tracer went on with. */
static void send_signal_of_tracer(struct rf_kernel *k, struct rf_task *task)
{
    int signo = task->trace->code;
    task->trace->code = 0;
    if (signo) {
        const struct rf_siginfo info = { .si_signo = signo, .si_code = RF_SI_KERNEL };
        rf_signal_send_task(k, task, &info);
    }
}

static int64_t call_stop(struct rf_kernel *k, struct rf_task *task, enum rf_trace_phase phase, uint8_t op)
{
    if (rf_ptrace_resumed(task, phase)) {
        send_signal_of_tracer(k, task);
        return 0;
    }
    if (rf_signal_fatal_pending(task)) /* who is to die stops no more (ptrace_stop) */
        return 0;
    int code = call_stop_code(task->trace);
    task->trace->message = op;
    notify(k, task, phase, RF_SIGTRAP, code, RF_SI_CLD_TRAPPED);
    task->trace->call_op = op;
    return RF_BLOCKED;
}

int64_t rf_ptrace_call_entry(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_ptrace *trace = task->trace;
    if (trace->phase != RF_TRACE_CALL_ENTRY && !trace->calls && !trace->emulate)
        return 0;
    return call_stop(k, task, RF_TRACE_CALL_ENTRY, RF_PTRACE_SYSCALL_INFO_ENTRY);
}

int64_t rf_ptrace_call_exit(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_ptrace *trace = task->trace;
    if (trace->phase == RF_TRACE_CALL_EXIT || trace->calls)
        return call_stop(k, task, RF_TRACE_CALL_EXIT, RF_PTRACE_SYSCALL_INFO_EXIT);
    if (trace->step) { /* a step over SYSCALL ends here (user_single_step_report) */
        struct rf_siginfo info = { .si_signo = RF_SIGTRAP, .si_code = RF_SI_TRAP_BRKPT };
        info.fault.addr = task->regs->rip;
        rf_signal_force(k, task, &info);
    }
    return 0;
}

/* --- signals --- */

void rf_ptrace_signal_stop(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info)
{
    task->jobctl |= RF_JOBCTL_STOP_DEQUEUED;
    rf_ptrace_stop(k, task, RF_TRACE_SIGNAL, info->si_signo, RF_SI_CLD_TRAPPED, info);
}

int rf_ptrace_signal_resumed(struct rf_kernel *k, struct rf_task *task, struct rf_siginfo *info)
{
    struct rf_ptrace *trace = task->trace;
    int signo = trace->code;
    trace->code = 0;
    if (!signo)
        return 0;
    *info = trace->info;
    if (signo != info->si_signo) { /* another one than it was told of */
        *info = (struct rf_siginfo){ .si_signo = signo, .si_code = RF_SI_USER };
        info->kill.pid = trace->tracer->process->pid;
        info->kill.uid = trace->tracer->credentials.uid;
    }
    if (!(task->blocked & RF_SIGMASK(signo)) && !rf_signal_fatal_pending(task))
        return signo;
    rf_signal_send_task(k, task, info);
    return 0;
}

/* --- stops of job control --- */

void rf_ptrace_trap(struct rf_kernel *k, struct rf_task *task)
{
    int signo = (int)(task->jobctl & RF_JOBCTL_STOP_SIGNAL);
    if (task->trace->handler_started) {
        task->trace->handler_started = false;
        notify(k, task, RF_TRACE_TRAP, RF_SIGTRAP, RF_SIGTRAP, RF_SI_CLD_TRAPPED);
        return;
    }
    if (!task->trace->seized) {
        rf_ptrace_stop(k, task, RF_TRACE_TRAP, signo ? signo : RF_SIGSTOP, RF_SI_CLD_STOPPED, NULL);
        return;
    }
    if (!task->process->stop_count && !task->process->stopped)
        signo = RF_SIGTRAP;
    notify(k, task, RF_TRACE_TRAP, signo, signo | RF_PTRACE_EVENT_STOP << 8, RF_SI_CLD_STOPPED);
}

void rf_ptrace_trap_notify(struct rf_kernel *k, struct rf_task *task)
{
    if (task->state == RF_TASK_ZOMBIE)
        return;
    task->jobctl |= RF_JOBCTL_TRAP_NOTIFY;
    if (task->state == RF_TASK_TRACED) {
        if (task->jobctl & RF_JOBCTL_LISTENING)
            rf_stop_wake(k, task);
    } else {
        rf_signal_interrupt(k, task);
    }
}

bool rf_ptrace_hide_step(struct rf_task *task)
{
    if (!task->trace || !task->trace->step)
        return false;
    rf_ptrace_disable_step(task);
    return true;
}
