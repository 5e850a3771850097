/* The scheduler: context switches, and when they happen. */
#include "kernel/uring/uring.h"
#include "kernel/boot/boot.h"
#include "kernel/frames.h"
#include "kernel/mm/mm.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/usage.h"
#include "kernel/task/runqueue.h"
#include "kernel/task/task.h"

void rf_context_save(const struct rf_kernel *k, struct rf_cpu_context *c)
{
    const struct rf_cpu *cpu = k->cpu;
    for (unsigned i = 0; i < 16; i++)
        c->r[i] = cpu->r[i];
    c->rip = cpu->r[RF_REG_IP];
    c->rflags = rf_cpu_flags(cpu);
    c->fs_base = cpu->seg[RF_FS].base;
    c->gs_base = cpu->seg[RF_GS].base;
    c->kernel_gs_base = cpu->kernel_gs_base;
    c->fs = cpu->seg[RF_FS].selector;
    c->gs = cpu->seg[RF_GS].selector;
    c->ds = cpu->seg[RF_DS].selector;
    c->es = cpu->seg[RF_ES].selector;
    c->pkru = cpu->mmu.pkru;
    c->fpu = cpu->fpu;
}

static void load_context(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_cpu *cpu = k->cpu;
    const struct rf_cpu_context *c = &task->context;
    uint32_t host_mxcsr = cpu->fpu.host_mxcsr;
    for (unsigned i = 0; i < 16; i++)
        cpu->r[i] = c->r[i];
    cpu->r[RF_REG_IP] = c->rip;
    rf_cpu_set_flags(cpu, c->rflags);
    /* An interrupt of user code has left SS null, and AMD's SYSRET keeps its attributes (APM 3, SYSRET): the next
     * task's 32-bit code would have no stack. Linux loads SS here, too. */
    if (cpu->vendor == RF_VENDOR_AMD)
        cpu->seg[RF_SEG_SS] = rf_kernel_ss;
    cpu->seg[RF_FS].base = c->fs_base;
    cpu->seg[RF_GS].base = c->gs_base;
    cpu->kernel_gs_base = c->kernel_gs_base;
    cpu->seg[RF_FS].selector = c->fs;
    cpu->seg[RF_GS].selector = c->gs;
    cpu->seg[RF_DS].selector = c->ds;
    cpu->seg[RF_ES].selector = c->es;
    if (cpu->mmu.pkru != c->pkru)
        rf_mmu_set_pkru(&cpu->mmu, c->pkru);
    cpu->fpu = c->fpu;
    cpu->fpu.host_mxcsr = host_mxcsr;
}

void rf_account_times(struct rf_kernel *k)
{
    struct rf_cpu *cpu = k->cpu;
    rf_cpu_account(cpu, cpu->account.current);
    uint64_t user = cpu->account.cycles[RF_ACCOUNT_USER], all = 0;
    for (unsigned i = 0; i < RF_ACCOUNT_COUNT; i++)
        if (i != RF_ACCOUNT_IDLE)
            all += cpu->account.cycles[i];
    if (k->current) {
        k->current->process->user_cycles += user - k->counted_user;
        k->current->process->kernel_cycles += (all - user) - k->counted_kernel;
        k->current->user_cycles += user - k->counted_user;
        k->current->kernel_cycles += (all - user) - k->counted_kernel;
    }
    k->counted_user = user;
    k->counted_kernel = all - user;
}

static void load_debug_registers(struct rf_cpu *cpu, const struct rf_debug_registers *debug)
{
    if (!(debug->control & RF_DR7_ENABLES) && !rf_debug_enabled(cpu))
        return;
    for (unsigned i = 0; i < 4; i++)
        cpu->dr[i] = debug->address[i];
    cpu->dr[7] = debug->control | RF_DR7_FIXED;
}

static void switch_to(struct rf_kernel *k, struct rf_task *next)
{
    uint64_t top = RF_DIRECT_MAP + next->kstack_pa + RF_KSTACK_BYTES;
    load_context(k, next);
    load_debug_registers(k->cpu, &next->debug);
    k->current = next;
    k->layout->percpu->kernel_rsp = top;
    k->layout->tss->rsp[0] = top;
    rf_mm_activate(k, next->mm);
    rf_apply_tsc(k, next);
    rf_charge(k, RF_EVENT_SWITCH, 1);
}

void rf_apply_tsc(struct rf_kernel *k, const struct rf_task *task)
{
    uint64_t cr4 = k->cpu->mmu.cr4 & ~RF_CR4_TSD;
    if (task->tsc_faults)
        cr4 |= RF_CR4_TSD;
    if (cr4 != k->cpu->mmu.cr4)
        rf_mmu_set_cr4(&k->cpu->mmu, cr4);
}

bool rf_schedule(struct rf_kernel *k)
{
    struct rf_task *previous = k->current, *next;
    rf_account_realtime(k);
    if (k->ending_namespaces)
        rf_settle_namespaces(k);
    if (previous && previous->state == RF_TASK_RUNNABLE) {
        if (!k->run_first) {
            k->need_resched = false;
            return true;
        }
        k->current = NULL; /* so that it queues */
        previous->was_running = true;
        rf_make_runnable(k, previous);
        previous->was_running = previous->yielded = false;
        k->current = previous;
    }
    if (previous)
        previous->rseq_event = true; /* the CPU is given away, if only to nobody */
    bool slept = rf_usage_count_sleep(previous);
    while (!(next = rf_take_next(k))) {
        if (k->finished || !rf_idle(k))
            return false;
        if (previous && previous->state == RF_TASK_RUNNABLE) { /* woken while it was current: not queued */
            next = previous;
            break;
        }
    }
    if (next != previous) {
        rf_usage_count_preemption(previous, slept);
        rf_account_times(k);
        if (previous && previous->state != RF_TASK_ZOMBIE)
            rf_context_save(k, &previous->context);
        switch_to(k, next);
    }
    k->need_resched = false;
    next->slice_start = rf_cpu_cycles(k->cpu);
    next->timeslice_end = rf_slice_end(k, next);
    if (k->reap && k->reap != next) {
        rf_task_free(k, k->reap);
        k->reap = NULL;
    }
    rf_timers_arm(k);
    rf_update_exit_work(k, 0);
    return true;
}

void rf_yield(struct rf_kernel *k)
{
    k->need_resched = true;
    rf_update_exit_work(k, 0);
}

void rf_update_exit_work(struct rf_kernel *k, uint32_t also)
{
    uint64_t work = also | (k->layout->percpu->exit_work & RF_WORK_IRET);
    const struct rf_task *task = k->current;
    if (task && (rf_signal_pending(task) || task->deliver_again || task->restore_blocked ||
                 (task->trace && task->trace->phase)))
        work |= RF_WORK_SIGNAL;
    if (task && (task->exit_work || (task->trace && task->trace->exec_event)))
        work |= RF_WORK_TRACE;
    if (k->need_resched)
        work |= RF_WORK_RESCHED;
    if (k->current && k->current->rseq && k->current->rseq_event)
        work |= RF_WORK_RSEQ;
    if (k->uring_ready && task)
        for (const struct rf_uring *u = k->urings; u; u = u->next)
            if (rf_uring_can_run(k, u))
                work |= RF_WORK_URING;
    k->layout->percpu->exit_work = work;
}
