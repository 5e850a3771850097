/* Signal frames on the user stack: struct rt_sigframe of x86-64 with an XSAVE area
 * (arch/x86/kernel/signal.c; layout: abi/linux_structs.h). */
#include "kernel/boot/boot.h"
#include "kernel/signal/fpstate.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#include <string.h>

bool rf_on_altstack(const struct rf_task *task, uint64_t rsp)
{
    return task->altstack_size && rsp > task->altstack_base &&
           rsp - task->altstack_base <= task->altstack_size;
}

/* init_sigframe_size, arch/x86/kernel/signal.c */
uint64_t rf_signal_frame_bytes(const struct rf_cpu *cpu)
{
    return (sizeof(struct rf_sigframe) + 15 + rf_fp_frame_size(cpu) + 63 + 15) & ~UINT64_C(15);
}

/* Whether the software bytes vouch for a whole XSAVE area (check_xstate_in_sigframe). */
static bool has_xstate(struct rf_kernel *k, uint64_t at, const struct rf_fxsave_area *legacy)
{
    struct rf_fpx_sw_bytes software;
    uint32_t magic2;
    memcpy(&software, (const uint8_t *)legacy + offsetof(struct rf_fpstate, sw_reserved),
           sizeof software);
    return rf_fp_components(k->cpu) && software.magic1 == RF_FP_XSTATE_MAGIC1 &&
           software.xstate_size >= offsetof(struct rf_xsave_area, ymm_high) &&
           software.xstate_size <= rf_fp_size(k->cpu) &&
           software.xstate_size <= software.extended_size &&
           !rf_copy_from_user(k, &magic2, at + software.xstate_size, sizeof magic2) &&
           magic2 == RF_FP_XSTATE_MAGIC2;
}

/* False: the frame is bad, nothing changed. */
static bool load_fpu(struct rf_kernel *k, uint64_t at)
{
    struct rf_xsave_area area;
    memset(&area, 0, sizeof area);
    if (rf_copy_from_user(k, &area.legacy, at, sizeof area.legacy))
        return false;
    if (!has_xstate(k, at, &area.legacy)) {
        if (area.legacy.mxcsr & ~RF_MXCSR_MASK)
            return false;
        area.xstate_bv = RF_XCR0_X87 | RF_XCR0_SSE;
    } else if (rf_copy_from_user(k, &area, at, rf_fp_size(k->cpu)) || !rf_fp_valid(k->cpu, &area)) {
        return false;
    }
    rf_fp_restore(k->cpu, &area);
    return true;
}

/* --- registers --- */

static void save_registers(const struct rf_task *task, struct rf_sigcontext *sc)
{
    const struct rf_pt_regs *r = task->regs;
    *sc = (struct rf_sigcontext){
        .r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11, .r12 = r->r12, .r13 = r->r13,
        .r14 = r->r14, .r15 = r->r15, .rdi = r->rdi, .rsi = r->rsi, .rbp = r->rbp, .rbx = r->rbx,
        .rdx = r->rdx, .rax = r->rax, .rcx = r->rcx, .rsp = r->rsp, .rip = r->rip,
        .eflags = r->eflags, .cs = (uint16_t)r->cs, .ss = (uint16_t)r->ss,
        .err = task->trap_error, .trapno = task->trap_number, .cr2 = task->trap_cr2,
    };
}

#define FIX_EFLAGS                                                                        \
    (RF_FLAG_AC | RF_FLAG_OF | RF_FLAG_DF | RF_FLAG_TF | RF_FLAG_SF | RF_FLAG_ZF |        \
     RF_FLAG_AF | RF_FLAG_PF | RF_FLAG_CF | RF_FLAG_RF)

static void restore_registers(struct rf_pt_regs *r, const struct rf_sigcontext *sc)
{
    r->r8 = sc->r8, r->r9 = sc->r9, r->r10 = sc->r10, r->r11 = sc->r11, r->r12 = sc->r12;
    r->r13 = sc->r13, r->r14 = sc->r14, r->r15 = sc->r15, r->rdi = sc->rdi, r->rsi = sc->rsi;
    r->rbp = sc->rbp, r->rbx = sc->rbx, r->rdx = sc->rdx, r->rax = sc->rax, r->rcx = sc->rcx;
    r->rsp = sc->rsp, r->rip = sc->rip;
    /* the segments a 64-bit program may return to are ours to choose */
    r->cs = RF_USER_CS;
    r->ss = RF_USER_SS;
    r->eflags = (r->eflags & ~(uint64_t)FIX_EFLAGS) | (sc->eflags & FIX_EFLAGS);
    r->orig_rax = UINT64_MAX;
}

bool rf_signal_push_frame(struct rf_kernel *k, int signo, const struct rf_sigaction *action,
                          const struct rf_siginfo *info, uint64_t mask_to_save)
{
    struct rf_task *task = k->current;
    struct rf_pt_regs *regs = task->regs;
    uint8_t fpstate[sizeof(struct rf_xsave_area) + 4];
    struct rf_sigframe frame;
    uint64_t sp = regs->rsp - 128; /* the red zone belongs to the interrupted code */
    bool nested = rf_on_altstack(task, regs->rsp);
    bool enter_alt = action->flags & RF_SA_ONSTACK && task->altstack_size && !nested;
    if (!(action->flags & RF_SA_RESTORER))
        return false; /* x86-64 has no other way back */
    if (enter_alt)
        sp = task->altstack_base + task->altstack_size;
    uint64_t fp = (sp - rf_fp_frame_size(k->cpu)) & ~UINT64_C(63);
    uint64_t at = ((fp - sizeof frame) & ~UINT64_C(15)) - 8;
    if ((nested || enter_alt) && (at < task->altstack_base || at > task->altstack_base + task->altstack_size))
        return false;

    memset(&frame, 0, sizeof frame);
    frame.pretcode = action->restorer;
    frame.uc.uc_flags = RF_UC_SIGCONTEXT_SS | RF_UC_STRICT_RESTORE_SS |
                        (rf_fp_components(k->cpu) ? RF_UC_FP_XSTATE : 0);
    frame.uc.uc_stack.ss_sp = task->altstack_base;
    frame.uc.uc_stack.ss_size = task->altstack_size;
    frame.uc.uc_stack.ss_flags = task->altstack_size ? (int32_t)task->altstack_flags : (int32_t)RF_SS_DISABLE;
    save_registers(task, &frame.uc.uc_mcontext);
    frame.uc.uc_mcontext.fpstate = fp;
    frame.uc.uc_mcontext.oldmask = mask_to_save;
    frame.uc.uc_sigmask = mask_to_save;
    frame.info = *info;
    rf_fp_save(k->cpu, fpstate);
    if (rf_copy_to_user(k, fp, fpstate, rf_fp_frame_size(k->cpu)) ||
        rf_copy_to_user(k, at, &frame, sizeof frame))
        return false;

    if (task->altstack_flags & RF_SS_AUTODISARM && enter_alt) {
        task->altstack_base = task->altstack_size = 0;
        task->altstack_flags = RF_SS_DISABLE;
    }
    regs->rdi = (uint64_t)signo;
    regs->rax = 0;
    regs->rsi = at + offsetof(struct rf_sigframe, info);
    regs->rdx = at + offsetof(struct rf_sigframe, uc);
    regs->rip = action->handler;
    regs->rsp = at;
    regs->cs = RF_USER_CS;
    regs->ss = RF_USER_SS;
    regs->eflags &= ~(uint64_t)(RF_FLAG_DF | RF_FLAG_RF | RF_FLAG_TF);
    rf_pkey_reset(k); /* fpu__clear_user_states */
    rf_update_exit_work(k, RF_WORK_IRET);
    return true;
}

static int64_t bad_frame(struct rf_kernel *k)
{
    struct rf_siginfo info = { .si_signo = RF_SIGSEGV, .si_code = RF_SI_KERNEL };
    rf_signal_force(k, k->current, &info);
    return 0;
}

int64_t rf_signal_return(struct rf_kernel *k)
{
    struct rf_task *task = k->current;
    struct rf_sigframe frame;
    uint64_t at = task->regs->rsp - 8; /* the restorer's address is popped */
    if (rf_copy_from_user(k, &frame, at, sizeof frame))
        return bad_frame(k);
    const struct rf_sigcontext *sc = &frame.uc.uc_mcontext;
    if (sc->fpstate && !load_fpu(k, sc->fpstate))
        return bad_frame(k);
    task->blocked = frame.uc.uc_sigmask & ~(RF_SIGMASK(RF_SIGKILL) | RF_SIGMASK(RF_SIGSTOP));
    restore_registers(task->regs, sc);
    task->restart_ready = false;
    if (!(frame.uc.uc_stack.ss_flags & RF_SS_DISABLE)) {
        task->altstack_base = frame.uc.uc_stack.ss_sp;
        task->altstack_size = frame.uc.uc_stack.ss_size;
        task->altstack_flags = (uint32_t)frame.uc.uc_stack.ss_flags & RF_SS_AUTODISARM;
    }
    rf_update_exit_work(k, RF_WORK_IRET);
    return (int64_t)task->regs->rax;
}
