/* What VMCALL runs: the C side of the entry text.
 *
 * Which door it is follows from the address of the VMCALL: a stub of the system call
 * table, an exception entry, or the exit-work path. */
#include "kernel/uring/uring.h"
#include "kernel/boot/boot.h"
#include "kernel/entry/syscall_work.h"
#include "kernel/mm/mm.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/rseq.h"
#include "kernel/task/task.h"

#include <stdio.h>
#include <string.h>

#define VMCALL_LENGTH 3

/* --- system calls --- */

static void read_arguments(struct rf_task *task)
{
    const struct rf_pt_regs *r = task->regs;
    const uint64_t args[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };
    memcpy(task->syscall_args, args, sizeof args);
}

static void begin_call(struct rf_kernel *k, struct rf_task *task, unsigned nr)
{
    task->in_syscall = true;
    task->asked_number = (uint32_t)task->regs->orig_rax;
    task->syscall_number = nr < RF_SYSCALL_COUNT ? nr : task->asked_number;
    read_arguments(task);
    memset(task->scratch, 0, sizeof task->scratch);
    task->deadline = task->awaited = 0;
    task->entry_stage = task->syscall_work ? RF_ENTRY_STAGE_PTRACE : RF_ENTRY_STAGE_DONE;
    task->syscall_start_cycles = rf_cpu_cycles(k->cpu);
    rf_charge(k, RF_EVENT_HANDLER, 1);
    if (k->observer && k->observer->syscall_enter)
        k->observer->syscall_enter(k->observer_user, k, task, task->syscall_number, task->syscall_args);
}

static void count_call(struct rf_kernel *k, const struct rf_task *task, int64_t result)
{
    unsigned nr = task->syscall_number;
    if (nr >= RF_SYSCALL_COUNT)
        return;
    k->syscall_counts[nr].calls++;
    k->syscall_counts[nr].errors += result < 0 && result > -4096;
    k->syscall_counts[nr].cycles += rf_cpu_cycles(k->cpu) - task->syscall_start_cycles;
}

static void end_call(struct rf_kernel *k, struct rf_task *task, int64_t result)
{
    unsigned nr = task->syscall_number;
    task->in_syscall = false;
    task->deadline = task->awaited = 0;
    if (task->trace && task->syscall_work & RF_SYSCALL_WORK_PTRACE && !task->trace->emulate)
        task->exit_work = true;
    count_call(k, task, result);
    if (k->observer && k->observer->syscall_leave)
        k->observer->syscall_leave(k->observer_user, k, task, nr, result);
}

static enum rf_door_action stop_or_go(struct rf_kernel *k, bool can_run)
{
    rf_cpu_mode_changed(k->cpu);
    return can_run && !k->finished ? RF_DOOR_CONTINUE : RF_DOOR_STOP;
}

/* The task sleeps, has stopped or has ended: another runs, and it comes back through this door, if ever. */
static enum rf_door_action leave_door(struct rf_kernel *k)
{
    if (k->current->state != RF_TASK_ZOMBIE)
        k->cpu->r[RF_REG_IP] -= VMCALL_LENGTH;
    return stop_or_go(k, rf_schedule(k));
}

/* *skipped: what watches has given the result, which is the program's whatever it is. */
static int64_t run_call(struct rf_kernel *k, struct rf_task *task, bool *skipped)
{
    if (task->entry_stage != RF_ENTRY_STAGE_DONE) {
        enum rf_entry_result entry = rf_syscall_entry_work(k, task);
        if (entry == RF_ENTRY_WAIT)
            return RF_BLOCKED;
        *skipped = entry == RF_ENTRY_SKIP;
        if (*skipped)
            return (int64_t)task->regs->rax;
        if ((uint32_t)task->regs->orig_rax != task->asked_number)
            task->syscall_number = (uint32_t)task->regs->orig_rax;
        read_arguments(task);
    }
    unsigned nr = task->syscall_number;
    rf_syscall_handler *handler = nr < RF_SYSCALL_COUNT ? k->handlers[nr] : NULL;
    return handler ? handler(k, task->syscall_args) : -RF_ENOSYS;
}

static enum rf_door_action syscall_door(struct rf_kernel *k, unsigned nr)
{
    struct rf_task *task = k->current;
    if (!task->in_syscall)
        begin_call(k, task, nr);
    bool skipped = false;
    int64_t result = run_call(k, task, &skipped);
    if ((result == RF_BLOCKED && !skipped) || task->state == RF_TASK_TRACED)
        return leave_door(k);
    if (task->state == RF_TASK_ZOMBIE) { /* exit: it has no other end */
        count_call(k, task, 0);
        return leave_door(k);
    }
    end_call(k, task, result);
    k->cpu->r[RF_RAX] = (uint64_t)result;
    if (!skipped && result <= -RF_ERESTARTSYS && result >= -RF_ERESTART_RESTARTBLOCK)
        task->deliver_again = true; /* restart it even if the signal was taken elsewhere */
    if (task->deliver_again || task->exit_work)
        rf_update_exit_work(k, 0);
    return stop_or_go(k, true);
}

/* --- exceptions --- */

/* How a fault of user code becomes a signal (arch/x86/kernel/traps.c). */
struct fault_signal {
    int signo, code;
    bool at_rip; /* si_addr is the instruction's address */
};
static const struct fault_signal fault_signals[32] = {
    [RF_DE] = { RF_SIGFPE, RF_SI_FPE_INTDIV, true },
    [RF_DB] = { RF_SIGTRAP, RF_SI_TRAP_TRACE, true },
    [RF_BP] = { RF_SIGTRAP, RF_SI_KERNEL, false },
    [RF_OF] = { RF_SIGSEGV, RF_SI_KERNEL, false },
    [RF_BR] = { RF_SIGSEGV, RF_SI_KERNEL, false },
    [RF_UD] = { RF_SIGILL, RF_SI_ILL_ILLOPN, true },
    [RF_NM] = { RF_SIGSEGV, RF_SI_KERNEL, false },
    [RF_TS] = { RF_SIGSEGV, RF_SI_KERNEL, false },
    [RF_NP] = { RF_SIGBUS, RF_SI_KERNEL, false },
    [RF_SS] = { RF_SIGBUS, RF_SI_KERNEL, false },
    [RF_GP] = { RF_SIGSEGV, RF_SI_KERNEL, false },
    [RF_MF] = { RF_SIGFPE, RF_SI_FPE_FLTINV, true },
    [RF_AC] = { RF_SIGBUS, RF_SI_BUS_ADRALN, false },
    [RF_XM] = { RF_SIGFPE, RF_SI_FPE_FLTINV, true },
};

/* si_code by the first unmasked exception flag that is set (fpu__exception_code). */
static int float_code(unsigned raised)
{
    if (raised & 0x01)
        return RF_SI_FPE_FLTINV;
    if (raised & 0x04)
        return RF_SI_FPE_FLTDIV;
    if (raised & 0x08)
        return RF_SI_FPE_FLTOVF;
    if (raised & 0x12)
        return RF_SI_FPE_FLTUND;
    return raised & 0x20 ? RF_SI_FPE_FLTRES : 0;
}

static void send_fault(struct rf_kernel *k, unsigned vector, int signo, int code, uint64_t address)
{
    struct rf_siginfo info = { .si_signo = signo, .si_code = code };
    const struct rf_fpu *fpu = &k->cpu->fpu;
    if (vector == RF_MF)
        info.si_code = float_code(fpu->sw & ~fpu->cw);
    if (vector == RF_XM)
        info.si_code = float_code(fpu->mxcsr & ~(fpu->mxcsr >> 7));
    info.fault.addr = address;
    rf_signal_force(k, k->current, &info);
}

static void user_page_fault(struct rf_kernel *k, struct rf_task *task, uint32_t error_code)
{
    uint64_t address = k->cpu->cr2;
    int code, signo = rf_mm_fault(k, address, error_code, &code);
    if (!signo)
        return;
    task->trap_number = RF_PF;
    /* a kernel address always looks like a protection fault, mapped or not */
    task->trap_error = error_code | (address >= RF_TASK_SIZE ? RF_PF_P : 0);
    task->trap_cr2 = address;
    if (signo == RF_SIGKILL) /* out of memory: it has been sent */
        return;
    struct rf_siginfo info = { .si_signo = signo, .si_code = code };
    info.fault.addr = address;
    if (signo == RF_SIGSEGV && code == RF_SI_SEGV_PKUERR)
        info.fault.lower = rf_vma_find(task->mm, address)->pkey;
    rf_signal_force(k, task, &info);
}

/* Why #DB came: a step, a breakpoint of the debug registers, or INT1 (get_si_code of asm/traps.h). */
static int debug_code(struct rf_kernel *k, struct rf_task *task)
{
    uint64_t why = k->cpu->dr[6] & (RF_DR6_BREAKPOINTS | RF_DR6_BS);
    task->debug.status = why;
    k->cpu->dr[6] &= ~why;
    return why & RF_DR6_BS ? RF_SI_TRAP_TRACE : why ? RF_SI_TRAP_HWBKPT : RF_SI_TRAP_BRKPT;
}

static void user_exception(struct rf_kernel *k, struct rf_task *task, unsigned vector)
{
    struct rf_pt_regs *regs = task->regs;
    uint32_t error_code = (uint32_t)regs->orig_rax;
    regs->orig_rax = UINT64_MAX;
    if (vector == RF_PF) {
        user_page_fault(k, task, error_code);
        return;
    }
    const struct fault_signal *f = &fault_signals[vector];
    task->trap_number = vector;
    task->trap_error = error_code;
    int code = f->signo ? f->code : RF_SI_KERNEL;
    if (vector == RF_DB)
        code = debug_code(k, task);
    send_fault(k, vector, f->signo ? f->signo : RF_SIGSEGV, code, f->at_rip ? regs->rip : 0);
}

/* A fault of the entry text itself. */
static enum rf_door_action oops(struct rf_kernel *k, unsigned vector)
{
    const struct rf_pt_regs *frame =
        (const struct rf_pt_regs *)(k->ram->base + (k->cpu->r[RF_RSP] - RF_DIRECT_MAP));
    bool readable = k->cpu->r[RF_RSP] - RF_DIRECT_MAP < k->ram->size - sizeof *frame;
    snprintf(k->stop_text, sizeof k->stop_text,
             "kernel oops: %s at RIP %#llx, error code %#llx, CR2 %#llx, task %d", rf_vector_name(vector),
             readable ? (unsigned long long)frame->rip : 0, readable ? (unsigned long long)frame->orig_rax : 0,
             (unsigned long long)k->cpu->cr2, k->current ? k->current->tid : 0);
    return RF_DOOR_STOP;
}

static enum rf_door_action exception_door(struct rf_kernel *k, unsigned vector)
{
    struct rf_task *task = k->current;
    /* a frame from user mode lies at the top of the task's kernel stack */
    uint64_t top = RF_DIRECT_MAP + task->kstack_pa + RF_KSTACK_BYTES;
    if (k->cpu->r[RF_RSP] != top - sizeof(struct rf_pt_regs))
        return vector == RF_TIMER_VECTOR ? RF_DOOR_CONTINUE : oops(k, vector);
    if (vector == RF_TIMER_VECTOR)
        task->regs->orig_rax = UINT64_MAX;
    else
        user_exception(k, task, vector);
    rf_update_exit_work(k, 0);
    return stop_or_go(k, true);
}

/* --- on the way back to user space --- */

/* IRET would fault on these: the task gets what Linux's fix-up gives it. */
static void check_return_state(struct rf_kernel *k, struct rf_task *task)
{
    const struct rf_pt_regs *regs = task->regs;
    if (rf_mmu_canonical(&k->cpu->mmu, regs->rip))
        return;
    struct rf_siginfo info = { .si_signo = RF_SIGSEGV, .si_code = RF_SI_KERNEL };
    task->trap_number = RF_GP;
    task->trap_error = 0;
    task->sighand->action[RF_SIGSEGV].handler = RF_SIG_DFL;
    rf_signal_force(k, task, &info);
    rf_signal_deliver(k);
}

/* What the tracer is told before signals are looked at. True: the task has stopped. */
static bool trace_work(struct rf_kernel *k, struct rf_task *task)
{
    if (task->trace && task->trace->exec_event) {
        if (rf_ptrace_event(k, task, RF_PTRACE_EVENT_EXEC, task->trace->message) == RF_BLOCKED)
            return true;
        task->trace->exec_event = false;
    }
    if (task->exit_work && task->trace && rf_ptrace_call_exit(k, task) == RF_BLOCKED)
        return true;
    task->exit_work = false;
    return false;
}

static enum rf_door_action work_door(struct rf_kernel *k)
{
    struct rf_task *task = k->current;
    uint64_t *work = &k->layout->percpu->exit_work;
    do {
        if (trace_work(k, task))
            return leave_door(k);
        if (*work & RF_WORK_URING)
            rf_uring_run_all(k);
        if (*work & RF_WORK_SIGNAL)
            rf_signal_deliver(k);
        /* come back through this door: there may be more to do by then */
        if (task->state != RF_TASK_RUNNABLE || (*work & RF_WORK_RESCHED && k->run_first))
            return leave_door(k);
        if (*work & RF_WORK_RESCHED)
            rf_schedule(k);
        if (*work & RF_WORK_RSEQ)
            rf_rseq_resume(k, task, 0);
        *work &= RF_WORK_IRET;
        rf_update_exit_work(k, 0);
    } while (*work & (RF_WORK_SIGNAL | RF_WORK_RESCHED | RF_WORK_TRACE | RF_WORK_RSEQ | RF_WORK_URING));
    check_return_state(k, task);
    if (task->state != RF_TASK_RUNNABLE)
        return leave_door(k);
    *work = 0;
    return stop_or_go(k, true);
}

static int exception_of(const struct rf_entry_labels *labels, uint64_t address)
{
    for (int vector = 0; vector < 256; vector++)
        if (labels->exception_door[vector] == address)
            return vector;
    return -1;
}

enum rf_door_action rf_kernel_door(void *user, struct rf_cpu *cpu)
{
    struct rf_kernel *k = user;
    const struct rf_entry_labels *labels = &k->layout->labels;
    uint64_t address = cpu->r[RF_REG_IP] - VMCALL_LENGTH;
    uint64_t stub = address - labels->stubs;
    if (stub < 16 * (RF_SYSCALL_COUNT + 1))
        return syscall_door(k, (unsigned)(stub / 16));
    if (address == labels->work_door)
        return work_door(k);
    int vector = exception_of(labels, address);
    if (vector >= 0)
        return exception_door(k, (unsigned)vector);
    snprintf(k->stop_text, sizeof k->stop_text, "VMCALL at %#llx is no kernel door",
             (unsigned long long)address);
    return RF_DOOR_STOP;
}
