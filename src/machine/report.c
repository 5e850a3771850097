/* Why a program died: the instruction, the address, and the rule that refused it. */
#include "kernel/boot/boot.h"
#include "kernel/frames.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/signal.h"
#include "kernel/start.h"
#include "kernel/task/task.h"
#include "machine/inspect.h"
#include "machine/machine.h"

#include <stdio.h>
#include <string.h>

static void disassemble(struct rf_machine *m, const struct rf_task *task, char *out, size_t size)
{
    uint8_t bytes[15];
    size_t got = 0;
    out[0] = '\0';
    while (got < sizeof bytes && rf_peek_user(&m->kernel, task->mm, task->regs->rip + got, bytes + got, 1))
        got++;
    if (got)
        rf_inspect_instruction(bytes, got, task->regs->rip, 64, out, size);
}

static const char *access_name(uint64_t error_code)
{
    return error_code & RF_PF_I ? "execute" : error_code & RF_PF_W ? "write" : "read";
}

static void explain_page_fault(struct rf_machine *m, const struct rf_task *task, char *out, size_t size)
{
    struct rf_walk walk;
    uint64_t error = task->trap_error;
    enum rf_access access = error & RF_PF_I ? RF_FETCH : error & RF_PF_W ? RF_WRITE : RF_READ;
    rf_mmu_explain(&m->cpu.mmu, task->trap_cr2, access, RF_TLB_USER, &walk);
    const struct rf_vma *vma = rf_vma_find(task->mm, task->trap_cr2);
    if (task->trap_cr2 >= RF_TASK_SIZE)
        snprintf(out, size, "%s of a kernel address: %s", access_name(error),
                 walk.ok ? "not accessible at CPL 3" : walk.refused_by);
    else if (!vma)
        snprintf(out, size, "%s of an address where nothing is mapped: %s", access_name(error),
                 walk.ok ? "" : walk.refused_by);
    else
        snprintf(out, size, "%s of a page mapped %c%c%c: %s", access_name(error), vma->prot & 1 ? 'r' : '-',
                 vma->prot & 2 ? 'w' : '-', vma->prot & 4 ? 'x' : '-', walk.ok ? "" : walk.refused_by);
}

static void explain(struct rf_machine *m, const struct rf_task *task, int signo, char *out, size_t size)
{
    if (m->unimplemented[0] && signo == RF_SIGILL) {
        snprintf(out, size, "%s", m->unimplemented);
        return;
    }
    if (task->trap_number == RF_PF)
        explain_page_fault(m, task, out, size);
    else
        snprintf(out, size, "%s, error code %#llx", rf_vector_name((unsigned)task->trap_number),
                 (unsigned long long)task->trap_error);
}

static void explain_memory(const struct rf_machine *m, const struct rf_mm *mm, char *out, size_t size)
{
    const unsigned long long page = RF_PAGE_SIZE / 1024;
    snprintf(out, size, "out of memory: %llu KiB of the %llu KiB of RAM are free, %llu were its own",
             (unsigned long long)rf_frames_free(&m->kernel) * page, (unsigned long long)rf_frames_total(&m->kernel) * page,
             mm ? (unsigned long long)(mm->resident_pages + mm->table_pages) * page : 0ULL);
}

void rf_report_signal(struct rf_machine *machine, const struct rf_task *task,
                      const struct rf_siginfo *info)
{
    rf_result *d = &machine->death;
    memset(d, 0, sizeof *d);
    d->signal = info->si_signo;
    d->rip = task->regs->rip;
    d->si_code = info->si_code;
    d->has_fault = info->si_code > 0 && (info->si_signo == RF_SIGSEGV || info->si_signo == RF_SIGBUS ||
                                         info->si_signo == RF_SIGILL || info->si_signo == RF_SIGFPE ||
                                         info->si_signo == RF_SIGTRAP);
    disassemble(machine, task, d->instruction, sizeof d->instruction);
    if (info->si_signo == RF_SIGKILL && task->process->oom_killed)
        explain_memory(machine, task->mm, d->reason, sizeof d->reason);
    if (!d->has_fault)
        return;
    d->fault_address = info->fault.addr;
    d->vector = (unsigned)task->trap_number;
    d->error_code = (uint32_t)task->trap_error;
    explain(machine, task, info->si_signo, d->reason, sizeof d->reason);
}
