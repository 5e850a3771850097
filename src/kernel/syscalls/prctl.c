/* prctl(2): what a task says about itself (kernel/sys.c). Capabilities are in syscalls/capability.c. */
#include "kernel/mm/mm.h"
#include "kernel/namespace/namespace.h"
#include "kernel/seccomp/seccomp.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/capability.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"

#include <string.h>

typedef int64_t option_function(struct rf_kernel *k, struct rf_task *task, const uint64_t a[6]);
#define OPTION(name) static int64_t name(struct rf_kernel *k, struct rf_task *task, const uint64_t a[6])

static int64_t put_int(struct rf_kernel *k, uint64_t user, int32_t value)
{
    return RF_PUT_USER(k, user, value) ? -RF_EFAULT : 0;
}

static bool any(const uint64_t a[6], unsigned first)
{
    for (unsigned i = first; i < 5; i++)
        if (a[i])
            return true;
    return false;
}

OPTION(set_death_signal)
{
    (void)k;
    if (a[1] > RF_NSIG)
        return -RF_EINVAL;
    task->parent_death_signal = (int32_t)a[1];
    return 0;
}

OPTION(get_death_signal)
{
    return put_int(k, a[1], task->parent_death_signal);
}

OPTION(set_dumpable)
{
    (void)k;
    if (a[1] > 1) /* 2 is the administrator's (fs.suid_dumpable) */
        return -RF_EINVAL;
    task->mm->undumpable = !a[1];
    return 0;
}

OPTION(get_dumpable)
{
    (void)k, (void)a;
    return !task->mm->undumpable;
}

OPTION(set_timing)
{
    (void)k, (void)task;
    return a[1] ? -RF_EINVAL : 0; /* PR_TIMING_STATISTICAL alone */
}

OPTION(get_timing)
{
    (void)k, (void)task, (void)a;
    return 0;
}

OPTION(set_name)
{
    char name[16] = { 0 };
    if (rf_strncpy_from_user(k, name, a[1], sizeof name) == -RF_EFAULT)
        return -RF_EFAULT;
    name[15] = '\0';
    memcpy(task->comm, name, sizeof task->comm);
    return 0;
}

OPTION(get_name)
{
    return rf_copy_to_user(k, a[1], task->comm, sizeof task->comm);
}

OPTION(set_tsc)
{
    if (a[1] != RF_PR_TSC_ENABLE && a[1] != RF_PR_TSC_SIGSEGV)
        return -RF_EINVAL;
    task->tsc_faults = a[1] == RF_PR_TSC_SIGSEGV;
    rf_apply_tsc(k, task);
    return 0;
}

OPTION(get_tsc)
{
    return put_int(k, a[1], task->tsc_faults ? RF_PR_TSC_SIGSEGV : RF_PR_TSC_ENABLE);
}

OPTION(set_timer_slack)
{
    (void)k;
    task->timer_slack = a[1] ? a[1] : task->default_timer_slack;
    return 0;
}

OPTION(get_timer_slack)
{
    (void)k, (void)a;
    return (int64_t)task->timer_slack;
}

/* There are no memory errors to be killed by: the policy is remembered. */
OPTION(set_mce_kill)
{
    (void)k;
    if (any(a, 3) || a[1] > 1 || (a[1] == 0 && a[2]) || (a[1] == 1 && a[2] > 2))
        return -RF_EINVAL;
    task->mce_policy = a[1] == 0 || a[2] == RF_PR_MCE_KILL_DEFAULT ? 0 : (uint8_t)(a[2] + 1);
    return 0;
}

OPTION(get_mce_kill)
{
    (void)k;
    if (any(a, 1))
        return -RF_EINVAL;
    return task->mce_policy ? task->mce_policy - 1 : RF_PR_MCE_KILL_DEFAULT;
}

OPTION(set_subreaper)
{
    (void)k;
    task->process->subreaper = a[1] != 0;
    return 0;
}

OPTION(get_subreaper)
{
    return put_int(k, a[1], task->process->subreaper);
}

OPTION(set_no_new_privs)
{
    (void)k;
    if (a[1] != 1 || any(a, 2))
        return -RF_EINVAL;
    task->no_new_privs = true;
    return 0;
}

OPTION(get_no_new_privs)
{
    (void)k;
    return any(a, 1) ? -RF_EINVAL : task->no_new_privs;
}

OPTION(set_seccomp)
{
    (void)task;
    return rf_seccomp_prctl_set(k, a[1], a[2]);
}

OPTION(get_seccomp)
{
    (void)k, (void)a;
    return task->seccomp_mode;
}

OPTION(get_tid_address)
{
    return RF_PUT_USER(k, a[1], task->clear_child_tid) ? -RF_EFAULT : 0;
}

OPTION(set_thp_disable)
{
    (void)k;
    if (any(a, 2))
        return -RF_EINVAL;
    task->mm->no_huge_pages = a[1] != 0;
    return 0;
}

OPTION(get_thp_disable)
{
    (void)k;
    return any(a, 1) ? -RF_EINVAL : task->mm->no_huge_pages;
}

/* As on a CPU without these weaknesses (arch/x86/kernel/cpu/bugs.c): nothing to mitigate, nothing to choose. */
enum { SPEC_STORE_BYPASS, SPEC_INDIRECT_BRANCH, SPEC_L1D_FLUSH };
enum { SPEC_NOT_AFFECTED = 0, SPEC_ENABLE = 2, SPEC_DISABLE = 4, SPEC_FORCE_DISABLE = 8 };

OPTION(get_speculation)
{
    (void)k, (void)task;
    if (any(a, 2))
        return -RF_EINVAL;
    switch (a[1]) {
    case SPEC_STORE_BYPASS:
    case SPEC_INDIRECT_BRANCH: return SPEC_NOT_AFFECTED;
    case SPEC_L1D_FLUSH: return SPEC_FORCE_DISABLE;
    default: return -RF_ENODEV;
    }
}

OPTION(set_speculation)
{
    (void)k, (void)task;
    if (any(a, 3))
        return -RF_EINVAL;
    switch (a[1]) {
    case SPEC_STORE_BYPASS: return -RF_ENXIO;
    case SPEC_INDIRECT_BRANCH:
        return a[2] == SPEC_ENABLE                                       ? 0
               : a[2] == SPEC_DISABLE || a[2] == SPEC_FORCE_DISABLE ? -RF_EPERM
                                                                         : -RF_ERANGE;
    case SPEC_L1D_FLUSH: return -RF_EPERM;
    default: return -RF_ENODEV;
    }
}

OPTION(set_io_flusher)
{
    if (!rf_capable(k, RF_CAP_SYS_RESOURCE))
        return -RF_EPERM;
    if (any(a, 2) || a[1] > 1)
        return -RF_EINVAL;
    task->io_flusher = a[1];
    return 0;
}

OPTION(get_io_flusher)
{
    if (!rf_capable(k, RF_CAP_SYS_RESOURCE))
        return -RF_EPERM;
    return any(a, 1) ? -RF_EINVAL : task->io_flusher;
}

/* --- PR_SET_MM: where the parts of the address space are said to be --- */

#define MMAP_MIN_ADDR 65536 /* vm.mmap_min_addr */

static bool is_ordered(const struct rf_mm *mm)
{
    return mm->start_code <= mm->end_code && mm->start_data <= mm->end_data && mm->start_brk <= mm->brk &&
           mm->arg_start <= mm->arg_end && mm->env_start <= mm->env_end;
}

OPTION(set_mm)
{
    struct rf_mm *mm = task->mm, wanted = *mm;
    uint64_t *const field[] = { NULL, &wanted.start_code, &wanted.end_code, &wanted.start_data, &wanted.end_data,
                                &wanted.start_stack, &wanted.start_brk, &wanted.brk, &wanted.arg_start,
                                &wanted.arg_end, &wanted.env_start, &wanted.env_end };
    if (a[4] || a[3])
        return -RF_EINVAL;
    if (!rf_capable(k, RF_CAP_SYS_RESOURCE))
        return -RF_EPERM;
    if (a[1] == 0 || a[1] >= RF_ARRAY_SIZE(field)) /* PR_SET_MM_AUXV, _EXE_FILE and _MAP are not offered */
        return -RF_EINVAL;
    if (a[2] >= RF_TASK_SIZE || a[2] < MMAP_MIN_ADDR)
        return -RF_EINVAL;
    *field[a[1]] = a[2];
    if (!is_ordered(&wanted))
        return -RF_EINVAL;
    if ((a[1] == 5 || a[1] >= 8) && !rf_vma_find(mm, a[2]))
        return -RF_EFAULT;
    *mm = wanted;
    return 0;
}

/* --- the table --- */

static const struct {
    int option;
    option_function *run;
} options[] = {
    { RF_PR_SET_PDEATHSIG, set_death_signal },
    { RF_PR_GET_PDEATHSIG, get_death_signal },
    { RF_PR_SET_DUMPABLE, set_dumpable },
    { RF_PR_GET_DUMPABLE, get_dumpable },
    { RF_PR_SET_TIMING, set_timing },
    { RF_PR_GET_TIMING, get_timing },
    { RF_PR_SET_NAME, set_name },
    { RF_PR_GET_NAME, get_name },
    { RF_PR_SET_TSC, set_tsc },
    { RF_PR_GET_TSC, get_tsc },
    { RF_PR_SET_TIMERSLACK, set_timer_slack },
    { RF_PR_GET_TIMERSLACK, get_timer_slack },
    { RF_PR_MCE_KILL, set_mce_kill },
    { RF_PR_MCE_KILL_GET, get_mce_kill },
    { RF_PR_SET_CHILD_SUBREAPER, set_subreaper },
    { RF_PR_GET_CHILD_SUBREAPER, get_subreaper },
    { RF_PR_SET_SECCOMP, set_seccomp },
    { RF_PR_GET_SECCOMP, get_seccomp },
    { RF_PR_SET_NO_NEW_PRIVS, set_no_new_privs },
    { RF_PR_GET_NO_NEW_PRIVS, get_no_new_privs },
    { RF_PR_GET_TID_ADDRESS, get_tid_address },
    { RF_PR_SET_THP_DISABLE, set_thp_disable },
    { RF_PR_GET_THP_DISABLE, get_thp_disable },
    { RF_PR_GET_SPECULATION_CTRL, get_speculation },
    { RF_PR_SET_SPECULATION_CTRL, set_speculation },
    { RF_PR_SET_IO_FLUSHER, set_io_flusher },
    { RF_PR_GET_IO_FLUSHER, get_io_flusher },
    { RF_PR_SET_MM, set_mm },
};

/* Options of other architectures (PR_SET_FPEMU, PR_SVE_SET_VL ...) and of what is not offered are -RF_EINVAL. */
static int64_t sys_prctl(struct rf_kernel *k, const uint64_t a[6])
{
    bool known;
    int64_t result = rf_capability_prctl(k, a, &known);
    if (known)
        return result;
    for (size_t i = 0; i < RF_ARRAY_SIZE(options); i++)
        if (options[i].option == (int)a[0])
            return options[i].run(k, k->current, a);
    return -RF_EINVAL;
}

static const struct rf_handler_entry entries[] = { { RF_NR_prctl, sys_prctl } };
const struct rf_handler_table rf_handlers_prctl = RF_HANDLER_TABLE(entries);
