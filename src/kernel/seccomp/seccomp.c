/* Seccomp's modes, filters and actions (seccomp(2); kernel/seccomp.c). Filters form a chain from a task's
 * newest to its oldest; a fork shares the chain. */
#include "kernel/seccomp/seccomp.h"

#include "kernel/ptrace/ptrace.h"
#include "kernel/seccomp/bpf.h"
#include "kernel/signal/signal.h"
#include "kernel/vfs/vfs.h"

#include <string.h>

#define KNOWN_FLAGS                                                                                     \
    (RF_SECCOMP_FILTER_FLAG_TSYNC | RF_SECCOMP_FILTER_FLAG_LOG | RF_SECCOMP_FILTER_FLAG_SPEC_ALLOW |    \
     RF_SECCOMP_FILTER_FLAG_NEW_LISTENER | RF_SECCOMP_FILTER_FLAG_TSYNC_ESRCH |                         \
     RF_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
#define LINK_COST 4 /* instructions that each older filter of a chain counts for besides its own */
#define MAX_ERRNO 4095
#define SYS_SECCOMP 1 /* si_code of SIGSYS */

/* --- life of filters --- */

void rf_seccomp_filter_get(struct rf_seccomp_filter *filter)
{
    filter->references++;
}

void rf_seccomp_filter_put(struct rf_kernel *k, struct rf_seccomp_filter *filter)
{
    while (filter && --filter->references == 0) {
        struct rf_seccomp_filter *previous = filter->previous;
        rf_kfree(k, filter);
        filter = previous;
    }
}

/* One user less; listeners of filters that nobody uses any more are told. */
static void drop_user(struct rf_kernel *k, struct rf_seccomp_filter *filter)
{
    struct rf_seccomp_filter *newest = filter;
    for (; filter && --filter->users == 0; filter = filter->previous)
        rf_wake_for(k, &filter->changed, RF_POLLHUP);
    rf_seccomp_filter_put(k, newest);
}

static void share(struct rf_task *to, const struct rf_task *from)
{
    to->seccomp_filter = from->seccomp_filter;
    if (to->seccomp_filter) {
        to->seccomp_filter->references++;
        to->seccomp_filter->users++;
    }
}

static void set_mode(struct rf_task *task, uint8_t mode)
{
    task->seccomp_mode = mode;
    if (mode)
        task->syscall_work |= RF_SYSCALL_WORK_SECCOMP;
}

void rf_seccomp_fork(struct rf_task *child, const struct rf_task *parent)
{
    share(child, parent);
    set_mode(child, parent->seccomp_mode);
}

void rf_seccomp_release(struct rf_kernel *k, struct rf_task *task)
{
    rf_seccomp_forget_question(k, task);
    drop_user(k, task->seccomp_filter);
    task->seccomp_filter = NULL;
}

uint32_t rf_seccomp_filter_count(const struct rf_task *task)
{
    uint32_t count = 0;
    for (const struct rf_seccomp_filter *f = task->seccomp_filter; f; f = f->previous)
        count++;
    return count;
}

/* --- installing --- */

/* A mode, once set, stays. */
static bool may_set_mode(const struct rf_task *task, uint8_t mode)
{
    return !task->seccomp_mode || task->seccomp_mode == mode;
}

int64_t rf_seccomp_set_strict(struct rf_kernel *k)
{
    if (!may_set_mode(k->current, RF_SECCOMP_MODE_STRICT))
        return -RF_EINVAL;
    set_mode(k->current, RF_SECCOMP_MODE_STRICT);
    k->current->tsc_faults = true; /* disable_TSC, arch/x86/kernel/process.c */
    rf_apply_tsc(k, k->current);
    return 0;
}

/* CAP_SYS_ADMIN, or the promise to gain no privileges by exec. */
static bool may_filter(const struct rf_kernel *k)
{
    return k->current->no_new_privs || rf_capable_here(k, RF_CAP_SYS_ADMIN);
}

static bool check_program(struct rf_kernel *k, const struct rf_seccomp_filter *filter, int64_t *error)
{
    uint16_t *masks = rf_kalloc(k, filter->length * sizeof *masks);
    *error = !masks ? -RF_ENOMEM : rf_bpf_check(filter->code, filter->length, masks) ? 0 : -RF_EINVAL;
    rf_kfree(k, masks);
    return *error == 0;
}

/* A checked filter, of no chain yet. */
static int64_t prepare(struct rf_kernel *k, uint64_t user, struct rf_seccomp_filter **out)
{
    struct rf_sock_fprog program;
    int64_t error;
    if (RF_GET_USER(k, program, user))
        return -RF_EFAULT;
    if (!program.len || program.len > RF_BPF_MAXINSNS)
        return -RF_EINVAL;
    if (!may_filter(k))
        return -RF_EACCES;
    if (!program.filter)
        return -RF_EINVAL;
    size_t bytes = program.len * sizeof(struct rf_sock_filter);
    struct rf_seccomp_filter *filter = rf_kalloc(k, sizeof *filter + bytes);
    if (!filter)
        return -RF_ENOMEM;
    filter->references = filter->users = 1;
    filter->length = program.len;
    if (rf_copy_from_user(k, filter->code, program.filter, bytes)) {
        rf_kfree(k, filter);
        return -RF_EFAULT;
    }
    if (!check_program(k, filter, &error)) {
        rf_kfree(k, filter);
        return error;
    }
    filter->translated = rf_bpf_translated_length(filter->code, filter->length);
    *out = filter;
    return 0;
}

static bool is_ancestor(const struct rf_seccomp_filter *older, const struct rf_seccomp_filter *filter)
{
    while (filter && filter != older)
        filter = filter->previous;
    return filter == older;
}

static bool is_sibling(const struct rf_task *task, const struct rf_task *other)
{
    return other != task && other->process == task->process && other->state != RF_TASK_ZOMBIE;
}

/* TSYNC: the first thread whose chain is not the beginning of the caller's, 0 if all can follow. */
static int32_t thread_that_differs(const struct rf_kernel *k, const struct rf_task *task)
{
    for (const struct rf_task *other = k->tasks; other; other = other->next_task) {
        if (!is_sibling(task, other) || other->seccomp_mode == RF_SECCOMP_MODE_DISABLED)
            continue;
        if (other->seccomp_mode != RF_SECCOMP_MODE_FILTER ||
            !is_ancestor(other->seccomp_filter, task->seccomp_filter))
            return other->tid;
    }
    return 0;
}

static void synchronise_threads(struct rf_kernel *k, const struct rf_task *task)
{
    for (struct rf_task *other = k->tasks; other; other = other->next_task) {
        if (!is_sibling(task, other))
            continue;
        struct rf_seccomp_filter *old = other->seccomp_filter;
        share(other, task);
        drop_user(k, old);
        other->no_new_privs |= task->no_new_privs;
        set_mode(other, task->seccomp_mode);
    }
}

/* Put a filter in front of the current task's chain. */
static int64_t attach(struct rf_kernel *k, uint32_t flags, struct rf_seccomp_filter *filter)
{
    struct rf_task *task = k->current;
    uint64_t total = filter->translated;
    for (const struct rf_seccomp_filter *f = task->seccomp_filter; f; f = f->previous)
        total += f->translated + LINK_COST;
    if (total > RF_SECCOMP_MAX_PATH_INSNS)
        return -RF_ENOMEM;
    int32_t differs = flags & RF_SECCOMP_FILTER_FLAG_TSYNC ? thread_that_differs(k, task) : 0;
    if (differs)
        return flags & RF_SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -RF_ESRCH : differs;
    filter->wait_killable = flags & RF_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    filter->previous = task->seccomp_filter;
    task->seccomp_filter = filter;
    set_mode(task, RF_SECCOMP_MODE_FILTER);
    if (flags & RF_SECCOMP_FILTER_FLAG_TSYNC)
        synchronise_threads(k, task);
    return 0;
}

/* A chain has one listener at most. */
static bool has_listener(const struct rf_seccomp_filter *filter)
{
    while (filter && !filter->listener)
        filter = filter->previous;
    return filter;
}

/* The listener's descriptor is there before anything is decided, and goes again if that fails. */
static int64_t attach_with_listener(struct rf_kernel *k, uint32_t flags, struct rf_seccomp_filter *filter)
{
    struct rf_file *file;
    int64_t error = rf_seccomp_listener_create(k, &file);
    if (error)
        return error;
    int64_t fd = rf_fd_install(k, file, 0, true);
    if (fd < 0) {
        rf_file_put(k, file);
        return fd;
    }
    if (!may_set_mode(k->current, RF_SECCOMP_MODE_FILTER))
        error = -RF_EINVAL;
    else if (has_listener(k->current->seccomp_filter))
        error = -RF_EBUSY;
    else if (!rf_seccomp_listener_attach(k, file, filter))
        error = -RF_ENOMEM;
    else
        error = attach(k, flags, filter);
    if (!error)
        return fd;
    rf_fd_close(k, (int)fd);
    return error;
}

int64_t rf_seccomp_set_filter(struct rf_kernel *k, uint32_t flags, uint64_t user)
{
    struct rf_seccomp_filter *filter;
    bool listener = flags & RF_SECCOMP_FILTER_FLAG_NEW_LISTENER;
    if (flags & ~(uint32_t)KNOWN_FLAGS)
        return -RF_EINVAL;
    if (flags & RF_SECCOMP_FILTER_FLAG_TSYNC && listener && !(flags & RF_SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
        return -RF_EINVAL; /* both have a result to give */
    if (flags & RF_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !listener)
        return -RF_EINVAL;
    int64_t result = prepare(k, user, &filter);
    if (result)
        return result;
    if (listener)
        result = attach_with_listener(k, flags, filter);
    else if (!may_set_mode(k->current, RF_SECCOMP_MODE_FILTER))
        result = -RF_EINVAL;
    else
        result = attach(k, flags, filter);
    if (k->current->seccomp_filter != filter)
        rf_seccomp_filter_put(k, filter);
    return result;
}

/* --- a system call --- */

/* The newest of the filters that say what comes first of all they say. */
static uint32_t run_filters(struct rf_kernel *k, const struct rf_task *task, const struct rf_seccomp_data *data,
                            struct rf_seccomp_filter **match)
{
    uint32_t verdict = RF_SECCOMP_RET_ALLOW;
    uint64_t steps = 0;
    for (struct rf_seccomp_filter *f = task->seccomp_filter; f; f = f->previous) {
        uint32_t said = rf_bpf_run(f->code, data, &steps);
        if ((int32_t)(said & RF_SECCOMP_RET_ACTION_FULL) < (int32_t)(verdict & RF_SECCOMP_RET_ACTION_FULL)) {
            verdict = said;
            *match = f;
        }
    }
    k->cpu->budget -= (int64_t)steps; /* a cycle each, as translated code takes */
    return verdict;
}

static void describe(const struct rf_task *task, struct rf_seccomp_data *out)
{
    const struct rf_pt_regs *r = task->regs;
    *out = (struct rf_seccomp_data){
        .nr = (int32_t)r->orig_rax,
        .arch = RF_AUDIT_ARCH_X86_64,
        .instruction_pointer = r->rip,
        .args = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 },
    };
}

/* SIGSYS; the registers become those before the call (force_sig_seccomp, syscall_rollback). */
static enum rf_entry_result trap(struct rf_kernel *k, struct rf_task *task, const struct rf_seccomp_data *data,
                                 uint32_t verdict, bool deadly)
{
    struct rf_siginfo info = { .si_signo = RF_SIGSYS, .si_code = SYS_SECCOMP,
                               .si_errno = (int32_t)(verdict & RF_SECCOMP_RET_DATA) };
    info.sys.call_addr = task->regs->rip;
    info.sys.syscall = data->nr;
    info.sys.arch = data->arch;
    task->regs->rax = task->regs->orig_rax;
    if (deadly) {
        task->sighand->action[RF_SIGSYS].handler = RF_SIG_DFL;
        task->blocked &= ~RF_SIGMASK(RF_SIGSYS);
    }
    rf_signal_force(k, task, &info);
    return RF_ENTRY_SKIP;
}

static enum rf_entry_result give(struct rf_task *task, int64_t result)
{
    task->regs->rax = (uint64_t)result;
    return RF_ENTRY_SKIP;
}

static enum rf_entry_result kill(struct rf_kernel *k, struct rf_task *task, const struct rf_seccomp_data *data,
                                 uint32_t verdict)
{
    bool thread = (verdict & RF_SECCOMP_RET_ACTION_FULL) == RF_SECCOMP_RET_KILL_THREAD;
    if (!thread || task->process->thread_count == 1)
        return trap(k, task, data, verdict, true);
    rf_task_exit(k, RF_SIGSYS, false);
    return RF_ENTRY_SKIP;
}

/* RET_TRACE: stop for a tracer with PTRACE_O_TRACESECCOMP. Without one the call fails. */
static enum rf_entry_result tell_tracer(struct rf_kernel *k, struct rf_task *task, uint32_t message)
{
    if (rf_ptrace_event(k, task, RF_PTRACE_EVENT_SECCOMP, message) != RF_BLOCKED)
        return give(task, -RF_ENOSYS);
    task->trace->call_op = RF_PTRACE_SYSCALL_INFO_SECCOMP;
    return RF_ENTRY_WAIT;
}

/* traced: the tracer has been told, and has let the call go on, which may be another by now. */
static enum rf_entry_result filtered(struct rf_kernel *k, struct rf_task *task, bool traced)
{
    struct rf_seccomp_filter *match = NULL;
    struct rf_seccomp_data data;
    describe(task, &data);
    uint32_t verdict = run_filters(k, task, &data, &match), number = verdict & RF_SECCOMP_RET_DATA;
    switch (verdict & RF_SECCOMP_RET_ACTION_FULL) {
    case RF_SECCOMP_RET_ALLOW:
    case RF_SECCOMP_RET_LOG: return RF_ENTRY_GO;
    case RF_SECCOMP_RET_TRACE: return traced ? RF_ENTRY_GO : tell_tracer(k, task, number);
    case RF_SECCOMP_RET_USER_NOTIF: return rf_seccomp_ask(k, task, match, &data);
    case RF_SECCOMP_RET_ERRNO: return give(task, -(int64_t)(number < MAX_ERRNO ? number : MAX_ERRNO));
    case RF_SECCOMP_RET_TRAP: return trap(k, task, &data, verdict, false);
    default: return kill(k, task, &data, verdict);
    }
}

/* mode1_syscalls, kernel/seccomp.c */
static enum rf_entry_result strict(struct rf_kernel *k, struct rf_task *task)
{
    switch ((int32_t)task->regs->orig_rax) {
    case RF_NR_read:
    case RF_NR_write:
    case RF_NR_exit:
    case RF_NR_rt_sigreturn: return RF_ENTRY_GO;
    default: rf_task_exit(k, RF_SIGKILL, false); return RF_ENTRY_SKIP;
    }
}

enum rf_entry_result rf_seccomp_entry(struct rf_kernel *k, struct rf_task *task)
{
    if (task->seccomp_question)
        return rf_seccomp_wait_answer(k, task);
    if (task->trace && rf_ptrace_resumed(task, RF_TRACE_EVENT)) {
        if (rf_signal_fatal_pending(task) || (int32_t)task->regs->orig_rax < 0)
            return RF_ENTRY_SKIP;
        return filtered(k, task, true);
    }
    return task->seccomp_mode == RF_SECCOMP_MODE_STRICT ? strict(k, task) : filtered(k, task, false);
}
