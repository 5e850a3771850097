/* Signal frames on the user stack: struct rt_sigframe of x86-64 with an FXSAVE image
 * (arch/x86/kernel/signal.c; layout: abi/linux_structs.h). */
#include "kernel/boot/boot.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#include <string.h>

bool rf_on_altstack(const struct rf_task *task, uint64_t rsp)
{
    return task->altstack_size && rsp > task->altstack_base &&
           rsp - task->altstack_base <= task->altstack_size;
}

/* --- FXSAVE image (SDM 1, table 10-2) --- */

static void save_fpu(const struct rf_fpu *fpu, struct rf_fpstate *out)
{
    memset(out, 0, sizeof *out);
    out->cwd = fpu->cw;
    out->swd = fpu->sw;
    out->twd = fpu->tag_valid;
    out->fop = fpu->fop;
    out->rip = fpu->fip;
    out->rdp = fpu->fdp;
    out->mxcsr = fpu->mxcsr;
    out->mxcsr_mask = RF_MXCSR_MASK;
    unsigned top = fpu->sw >> 11 & 7;
    for (unsigned i = 0; i < 8; i++)
        memcpy(out->st_space[i], fpu->x87[(top + i) & 7].bytes, 10);
    for (unsigned i = 0; i < 16; i++)
        memcpy(out->xmm_space[i], &fpu->v[i], 16);
}

static void restore_fpu(struct rf_fpu *fpu, const struct rf_fpstate *in)
{
    fpu->cw = in->cwd;
    fpu->sw = in->swd;
    fpu->tag_valid = (uint8_t)in->twd;
    fpu->fop = in->fop;
    fpu->fip = in->rip;
    fpu->fdp = in->rdp;
    fpu->mxcsr = in->mxcsr & RF_MXCSR_MASK;
    unsigned top = in->swd >> 11 & 7;
    for (unsigned i = 0; i < 8; i++)
        memcpy(fpu->x87[(top + i) & 7].bytes, in->st_space[i], 10);
    for (unsigned i = 0; i < 16; i++)
        memcpy(&fpu->v[i], in->xmm_space[i], 16);
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
    struct rf_fpstate fpstate;
    struct rf_sigframe frame;
    uint64_t sp = regs->rsp - 128; /* the red zone belongs to the interrupted code */
    bool nested = rf_on_altstack(task, regs->rsp);
    bool enter_alt = action->flags & RF_SA_ONSTACK && task->altstack_size && !nested;
    if (!(action->flags & RF_SA_RESTORER))
        return false; /* x86-64 has no other way back */
    if (enter_alt)
        sp = task->altstack_base + task->altstack_size;
    uint64_t fp = (sp - sizeof fpstate) & ~UINT64_C(63);
    uint64_t at = ((fp - sizeof frame) & ~UINT64_C(15)) - 8;
    if ((nested || enter_alt) && (at < task->altstack_base || at > task->altstack_base + task->altstack_size))
        return false;

    memset(&frame, 0, sizeof frame);
    frame.pretcode = action->restorer;
    frame.uc.uc_flags = RF_UC_SIGCONTEXT_SS | RF_UC_STRICT_RESTORE_SS;
    frame.uc.uc_stack.ss_sp = task->altstack_base;
    frame.uc.uc_stack.ss_size = task->altstack_size;
    frame.uc.uc_stack.ss_flags = task->altstack_size ? (int32_t)task->altstack_flags : (int32_t)RF_SS_DISABLE;
    save_registers(task, &frame.uc.uc_mcontext);
    frame.uc.uc_mcontext.fpstate = fp;
    frame.uc.uc_mcontext.oldmask = mask_to_save;
    frame.uc.uc_sigmask = mask_to_save;
    frame.info = *info;
    save_fpu(&k->cpu->fpu, &fpstate);
    if (rf_copy_to_user(k, fp, &fpstate, sizeof fpstate) || rf_copy_to_user(k, at, &frame, sizeof frame))
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
    struct rf_fpstate fpstate;
    uint64_t at = task->regs->rsp - 8; /* the restorer's address is popped */
    if (rf_copy_from_user(k, &frame, at, sizeof frame))
        return bad_frame(k);
    const struct rf_sigcontext *sc = &frame.uc.uc_mcontext;
    if (sc->fpstate) {
        if (rf_copy_from_user(k, &fpstate, sc->fpstate, sizeof fpstate) ||
            fpstate.mxcsr & ~RF_MXCSR_MASK)
            return bad_frame(k);
        restore_fpu(&k->cpu->fpu, &fpstate);
    }
    task->blocked = frame.uc.uc_sigmask & ~(RF_SIGMASK(RF_SIGKILL) | RF_SIGMASK(RF_SIGSTOP));
    restore_registers(task->regs, sc);
    if (!(frame.uc.uc_stack.ss_flags & RF_SS_DISABLE)) {
        task->altstack_base = frame.uc.uc_stack.ss_sp;
        task->altstack_size = frame.uc.uc_stack.ss_size;
        task->altstack_flags = (uint32_t)frame.uc.uc_stack.ss_flags & RF_SS_AUTODISARM;
    }
    rf_update_exit_work(k, RF_WORK_IRET);
    return (int64_t)task->regs->rax;
}
