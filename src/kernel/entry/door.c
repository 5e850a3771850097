/* What VMCALL runs: the C side of the entry text.
 *
 * Which door it is follows from the address of the VMCALL: a stub of the system call
 * table, an exception entry, or the exit-work path. */
#include "kernel/boot/boot.h"
#include "kernel/entry/syscall_work.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/rseq.h"
#include "kernel/task/task.h"

#include <stdio.h>
#include <string.h>

#define VMCALL_LENGTH 3
#define DR6_BS RF_BIT(14) /* SDM 3B, 18.2.3: the #DB is a single step */

/* --- system calls --- */

static void read_call(struct rf_task *task, unsigned nr)
{
    const struct rf_pt_regs *r = task->regs;
    const uint64_t args[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };
    task->syscall_number = nr;
    memcpy(task->syscall_args, args, sizeof args);
}

static void begin_call(struct rf_kernel *k, struct rf_task *task, unsigned nr)
{
    task->in_syscall = true;
    read_call(task, nr);
    memset(task->scratch, 0, sizeof task->scratch);
    task->deadline = task->awaited = 0;
    task->entry_stage = 0;
    task->syscall_start_cycles = rf_cpu_cycles(k->cpu);
    rf_charge(k, RF_EVENT_HANDLER, 1);
    if (k->observer && k->observer->syscall_enter)
        k->observer->syscall_enter(k->observer_user, k, task, nr, task->syscall_args);
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
    count_call(k, task, result);
    if (k->observer && k->observer->syscall_leave)
        k->observer->syscall_leave(k->observer_user, k, task, nr, result);
}

static enum rf_door_action stop_or_go(struct rf_kernel *k, bool can_run)
{
    rf_cpu_mode_changed(k->cpu);
    return can_run && !k->finished ? RF_DOOR_CONTINUE : RF_DOOR_STOP;
}

/* The task sleeps: through the same door again when it is woken. */
static enum rf_door_action come_again(struct rf_kernel *k)
{
    k->cpu->r[RF_REG_IP] -= VMCALL_LENGTH;
    return stop_or_go(k, rf_schedule(k));
}

static int64_t run_handler(struct rf_kernel *k, const struct rf_task *task)
{
    unsigned nr = task->syscall_number;
    rf_syscall_handler *handler = nr < RF_SYSCALL_COUNT ? k->handlers[nr] : NULL;
    return handler ? handler(k, task->syscall_args) : -RF_ENOSYS;
}

static enum rf_door_action syscall_door(struct rf_kernel *k, unsigned nr)
{
    struct rf_task *task = k->current;
    if (!task->in_syscall)
        begin_call(k, task, nr < RF_SYSCALL_COUNT ? nr : (unsigned)task->regs->orig_rax);
    bool skipped = false;
    if (task->syscall_work && task->entry_stage != RF_ENTRY_STAGE_DONE) {
        enum rf_entry_result work = rf_syscall_entry_work(k, task);
        if (work == RF_ENTRY_WAIT)
            return come_again(k);
        skipped = work == RF_ENTRY_SKIP;
        read_call(task, (unsigned)task->regs->orig_rax);
    }
    int64_t result = skipped ? (int64_t)task->regs->rax : run_handler(k, task);
    if (result == RF_BLOCKED && !skipped)
        return come_again(k);
    if (task->state == RF_TASK_ZOMBIE) { /* exit: it has no other end */
        count_call(k, task, 0);
        return stop_or_go(k, rf_schedule(k));
    }
    end_call(k, task, result);
    k->cpu->r[RF_RAX] = (uint64_t)result;
    if (!skipped && result <= -RF_ERESTARTSYS && result >= -RF_ERESTART_RESTARTBLOCK)
        rf_update_exit_work(k, RF_WORK_SIGNAL); /* restart it even if the signal was taken elsewhere */
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
    if (signo == RF_SIGKILL) {
        snprintf(k->stop_text, sizeof k->stop_text, "out of memory: task %d was killed", task->tid);
        struct rf_siginfo info = { .si_signo = RF_SIGKILL, .si_code = RF_SI_KERNEL };
        rf_signal_send_process(k, task->process, &info);
        return;
    }
    send_fault(k, RF_PF, signo, code, address);
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
    if (vector == RF_DB && !(k->cpu->dr[6] & DR6_BS))
        code = RF_SI_TRAP_BRKPT; /* INT1 */
    k->cpu->dr[6] &= ~(vector == RF_DB ? DR6_BS : 0);
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

static enum rf_door_action work_door(struct rf_kernel *k)
{
    struct rf_task *task = k->current;
    uint64_t *work = &k->layout->percpu->exit_work;
    while (*work & (RF_WORK_SIGNAL | RF_WORK_RESCHED | RF_WORK_RSEQ)) {
        bool runnable = true;
        if (*work & RF_WORK_SIGNAL)
            rf_signal_deliver(k);
        if (task->state != RF_TASK_RUNNABLE || *work & RF_WORK_RESCHED) {
            bool comes_back = task->state != RF_TASK_ZOMBIE;
            /* come back through this door: there may be more to do by then */
            if (comes_back && (k->run_first || task->state != RF_TASK_RUNNABLE)) {
                k->cpu->r[RF_REG_IP] -= VMCALL_LENGTH;
                return stop_or_go(k, rf_schedule(k));
            }
            runnable = rf_schedule(k);
            if (!comes_back || !runnable)
                return stop_or_go(k, runnable);
        }
        if (*work & RF_WORK_RSEQ)
            rf_rseq_resume(k, task, 0);
        *work &= RF_WORK_IRET;
        rf_update_exit_work(k, 0);
    }
    check_return_state(k, task);
    if (task->state == RF_TASK_ZOMBIE)
        return stop_or_go(k, rf_schedule(k));
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
