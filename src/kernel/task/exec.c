/* execve: scripts, ELF images, the new address space and its first registers. */
#include "abi/elf_image.h"
#include "abi/initial_stack.h"
#include "abi/script.h"
#include "kernel/boot/boot.h"
#include "kernel/mm/vma.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/posix_timer.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/futex.h"
#include "kernel/syscalls/rseq.h"
#include "kernel/syscalls/usage.h"
#include "kernel/task/task.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIE_BASE UINT64_C(0x555555554000)   /* where Linux puts one without ASLR */
#define STACK_TOP RF_TASK_SIZE
#define STACK_FIRST UINT64_C(0x21000)       /* mapped at start; grows by faults */
#define MMAP_BASE UINT64_C(0x7ffff7fff000)  /* below an 8 MiB stack and its gap */
#define MAX_IMAGE (UINT64_C(1) << 31)
#define PAGE_DOWN(x) ((x) & ~RF_PAGE_MASK)
#define PAGE_UP(x) (((x) + RF_PAGE_MASK) & ~RF_PAGE_MASK)

/* A program file on its way to run. */
struct program {
    struct rf_file *file;
    uint8_t *bytes; /* malloc'd: the whole file, for the ELF reader */
    uint64_t size;
    struct rf_elf_image *image;
};

static void drop_program(struct rf_kernel *k, struct program *p)
{
    if (p->file)
        rf_file_put(k, p->file);
    free(p->bytes);
    free(p->image);
    memset(p, 0, sizeof *p);
}

/* Where a program file is: as execveat(2) is told. */
struct place {
    int dirfd;
    const char *path;
    uint32_t flags;
    const char *shown; /* the path by which the program itself could find it */
};

static int64_t open_program(struct rf_kernel *k, const struct place *place, struct program *p)
{
    int64_t error = rf_vfs_open_exec(k, place->dirfd, place->path, place->flags, &p->file);
    if (error < 0) {
        p->file = NULL;
        return error;
    }
    error = rf_file_may_execute(k, p->file);
    if (error)
        return error;
    p->size = rf_file_size(k, p->file);
    if (p->size > MAX_IMAGE)
        return -RF_ENOMEM;
    p->bytes = malloc(p->size ? p->size : 1);
    if (!p->bytes)
        return -RF_ENOMEM;
    int64_t got = rf_file_read_kernel(k, p->file, p->bytes, p->size, 0);
    if (got < 0)
        return got;
    p->size = (uint64_t)got;
    return 0;
}

static int64_t parse_program(struct rf_kernel *k, struct program *p)
{
    struct rf_error error = { 0 };
    p->image = malloc(sizeof *p->image);
    if (!p->image)
        return -RF_ENOMEM;
    if (rf_elf_parse(p->bytes, p->size, p->image, &error) == RF_OK)
        return 0;
    if (k->error && !k->init) /* starting the first program: the user wants to know why */
        *k->error = error;
    return p->image->linux_errno ? -p->image->linux_errno : -RF_ENOEXEC;
}

/* --- #! --- */

/* The vector that runs `path` through a script's interpreter: interpreter [argument] path
 * argv[1..]. Strings are borrowed. NULL: no memory. */
static char **script_vector(const struct rf_script *script, const char *path, char **argv)
{
    size_t count = 0;
    while (argv[count])
        count++;
    char **out = calloc(count + 4, sizeof *out);
    if (!out)
        return NULL;
    size_t n = 0;
    out[n++] = (char *)(uintptr_t)script->interpreter;
    if (script->has_argument)
        out[n++] = (char *)(uintptr_t)script->argument;
    out[n++] = (char *)(uintptr_t)path;
    for (size_t i = 1; i < count; i++)
        out[n++] = argv[i];
    return out;
}

/* --- the new address space --- */

static uint32_t segment_prot(uint32_t flags)
{
    return (flags & RF_PF_R ? RF_PROT_READ : 0u) | (flags & RF_PF_W ? RF_PROT_WRITE : 0u) |
           (flags & RF_PF_X ? RF_PROT_EXEC : 0u);
}

static int64_t map_segment(struct rf_kernel *k, struct rf_mm *mm, struct rf_file *file,
                           const struct rf_elf_segment *s, uint64_t bias)
{
    uint64_t start = bias + PAGE_DOWN(s->vaddr), file_end = PAGE_UP(bias + s->vaddr + s->filesz);
    uint64_t end = PAGE_UP(bias + s->vaddr + s->memsz);
    uint32_t prot = segment_prot(s->flags);
    if (s->filesz) {
        int64_t at = rf_mm_map(k, mm, start, file_end - start, prot, RF_MAP_PRIVATE | RF_MAP_FIXED, file,
                               PAGE_DOWN(s->offset));
        if (at < 0)
            return at;
    } else {
        file_end = start;
    }
    if (end > file_end) {
        int64_t at = rf_mm_map(k, mm, file_end, end - file_end, prot,
                               RF_MAP_PRIVATE | RF_MAP_ANONYMOUS | RF_MAP_FIXED, NULL, 0);
        if (at < 0)
            return at;
    }
    return 0;
}

static int64_t map_image(struct rf_kernel *k, struct rf_mm *mm, const struct program *p, uint64_t bias)
{
    for (unsigned i = 0; i < p->image->segment_count; i++) {
        int64_t error = map_segment(k, mm, p->file, &p->image->segments[i], bias);
        if (error)
            return error;
    }
    return 0;
}

/* Where a segment is longer in memory than in the file, the rest of its last file page is
 * zero, to the page's end (padzero() of fs/binfmt_elf.c): the dynamic linker allocates from
 * there. The address space is current. */
static bool clear_tails(struct rf_kernel *k, const struct rf_elf_image *image, uint64_t bias)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct rf_elf_segment *s = &image->segments[i];
        uint64_t from = bias + s->vaddr + s->filesz, size = PAGE_UP(from) - from;
        if (!(s->flags & RF_PF_W) || !s->filesz || s->memsz == s->filesz)
            continue;
        if (rf_clear_user_partial(k, from, size) != size)
            return false;
    }
    return true;
}

static int64_t map_stack(struct rf_kernel *k, struct rf_mm *mm, bool executable)
{
    uint32_t prot = RF_PROT_READ | RF_PROT_WRITE | (executable ? RF_PROT_EXEC : 0u);
    int64_t at = rf_mm_map(k, mm, STACK_TOP - STACK_FIRST, STACK_FIRST, prot,
                           RF_MAP_PRIVATE | RF_MAP_ANONYMOUS | RF_MAP_FIXED | RF_MAP_GROWSDOWN, NULL, 0);
    if (at < 0)
        return at;
    rf_vma_find(mm, STACK_TOP - 1)->name = "[stack]";
    mm->start_stack = STACK_TOP;
    return 0;
}

/* What starts: the program, or the interpreter that PT_INTERP names. */
struct layout {
    uint64_t bias, interp_base, entry;
};

static int64_t map_interpreter(struct rf_kernel *k, struct rf_mm *mm, const struct program *interp, struct layout *l)
{
    if (interp->image->is_dyn) {
        uint64_t low = PAGE_DOWN(interp->image->low);
        int64_t at = rf_mm_choose_address(k, mm, 0, PAGE_UP(interp->image->high) - low, 0);
        if (at < 0)
            return at;
        l->interp_base = (uint64_t)at - low;
    }
    l->entry = l->interp_base + interp->image->entry;
    return map_image(k, mm, interp, l->interp_base);
}

static int64_t build_space(struct rf_kernel *k, struct rf_mm *mm, const struct program *p,
                           const struct program *interp, uint32_t personality, struct layout *l)
{
    mm->mmap_base = MMAP_BASE;
    mm->bottom_up = personality & RF_ADDR_COMPAT_LAYOUT;
    l->bias = p->image->is_dyn ? PIE_BASE - PAGE_DOWN(p->image->low) : 0;
    if (p->image->is_dyn && p->image->align > RF_PAGE_SIZE)
        l->bias = (l->bias + p->image->align - 1) & ~(p->image->align - 1);
    int64_t error = map_image(k, mm, p, l->bias);
    if (error)
        return error;
    l->entry = l->bias + p->image->entry;
    mm->start_brk = mm->brk = PAGE_UP(l->bias + p->image->brk);
    mm->start_code = l->bias + p->image->low;
    mm->end_code = l->bias + p->image->high;
    for (unsigned i = 0; i < p->image->segment_count; i++) { /* load_elf_binary of fs/binfmt_elf.c */
        const struct rf_elf_segment *s = &p->image->segments[i];
        if (mm->start_data < l->bias + s->vaddr)
            mm->start_data = l->bias + s->vaddr;
        if (mm->end_data < l->bias + s->vaddr + s->filesz)
            mm->end_data = l->bias + s->vaddr + s->filesz;
    }
    error = map_stack(k, mm, p->image->has_gnu_stack && p->image->stack_executable);
    if (!error && interp->image)
        error = map_interpreter(k, mm, interp, l);
    if (!error && personality & RF_MMAP_PAGE_ZERO) /* as System V had it; those that may not do without */
        rf_mm_map(k, mm, 0, RF_PAGE_SIZE, RF_PROT_READ | RF_PROT_EXEC,
                  RF_MAP_PRIVATE | RF_MAP_ANONYMOUS | RF_MAP_FIXED, NULL, 0);
    return error;
}

static size_t count_strings(char **strings)
{
    size_t n = 0;
    while (strings && strings[n])
        n++;
    return n;
}

static int build_stack(struct rf_kernel *k, const struct program *p, const struct layout *l,
                       const char *filename, char **argv, char **envp, const struct rf_exec_credentials *exec,
                       struct rf_initial_stack *out)
{
    struct rf_task *task = k->current;
    const struct rf_credentials *c = &exec->next;
    uint32_t cpuid[4];
    rf_cpu_cpuid(k->cpu, 1, 0, cpuid);
    struct rf_stack_request request = {
        .argv = (const char *const *)argv,
        .argc = count_strings(argv),
        .envp = (const char *const *)envp,
        .envc = count_strings(envp),
        .filename = filename,
        .stack_top = STACK_TOP,
        .string_limit = rf_initial_stack_limit(task->process->rlimit[RF_RLIMIT_STACK].rlim_cur),
        .minsigstksz = rf_signal_frame_bytes(k->cpu),
        .hwcap = cpuid[3],
        .hwcap2 = 2, /* FSGSBASE in user mode */
        .phdr = p->image->phdr_vaddr ? l->bias + p->image->phdr_vaddr : 0,
        .phent = p->image->phentsize,
        .phnum = p->image->phnum,
        .base = l->interp_base,
        .entry = l->bias + p->image->entry,
        .uid = rf_uid_shown(k, c->uid),
        .euid = rf_uid_shown(k, c->euid),
        .gid = rf_gid_shown(k, c->gid),
        .egid = rf_gid_shown(k, c->egid),
        .secure = exec->secure,
    };
    rf_kernel_random(k, request.random, sizeof request.random);
    return rf_initial_stack_build(&request, out);
}

/* --- one thread alone --- */

/* Handlers and descriptors that other tasks use too stay as they are for those. */
static int64_t unshare(struct rf_kernel *k, struct rf_task *task)
{
    if (task->sighand && task->sighand->references > 1) {
        struct rf_sighand *own = rf_kalloc(k, sizeof *own);
        if (!own)
            return -RF_ENOMEM;
        *own = *task->sighand;
        own->references = 1;
        task->sighand->references--;
        task->sighand = own;
    }
    if (task->files->references > 1) {
        struct rf_fd_table *own = rf_fd_table_copy(k, task->files);
        if (!own)
            return -RF_ENOMEM;
        rf_fd_table_put(k, task->files);
        task->files = own;
    }
    return 0;
}

/* No other thread is there any more; the leader may be a zombie that the caller will replace. */
static bool is_alone(const struct rf_kernel *k, const struct rf_task *task)
{
    const struct rf_process *process = task->process;
    for (const struct rf_task *other = k->tasks; other; other = other->next_task)
        if (other->process == process && other != task && other != k->reap &&
            (other != process->leader || other->state != RF_TASK_ZOMBIE))
            return false;
    return true;
}

/* The process keeps its number: the thread that survives becomes its leader (de_thread of fs/exec.c). */
static void take_leadership(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_process *process = task->process;
    struct rf_task *old = process->leader;
    if (old == task)
        return;
    if (old->trace)
        rf_ptrace_unlink(k, old);
    process->leader = task;
    old->tid = task->tid; /* that number goes with the old leader */
    task->tid = process->pid;
    if (k->init == old)
        k->init = task;
    rf_task_free(k, old);
}

/* 0: the caller is the only thread of its process. RF_BLOCKED: it waits for the others' end. */
static int64_t become_alone(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_process *process = task->process;
    if (!is_alone(k, task)) {
        if (rf_task_must_die(task))
            return -RF_EAGAIN;
        if (!process->exec_task) {
            process->exec_task = task;
            rf_task_end_others(k, task);
        }
        return rf_sleep_on_killable(k, &process->thread_ended);
    }
    int64_t error = unshare(k, task);
    if (error)
        return error;
    process->exec_task = NULL;
    take_leadership(k, task);
    return 0;
}

/* --- past the point of no return --- */

static void reset_task(struct rf_kernel *k, struct rf_task *task, const char *path)
{
    for (int signo = 1; signo <= RF_NSIG; signo++) {
        struct rf_sigaction *action = &task->sighand->action[signo];
        uint64_t handler = action->handler == RF_SIG_IGN ? RF_SIG_IGN : RF_SIG_DFL;
        *action = (struct rf_sigaction){ .handler = handler };
    }
    task->altstack_base = task->altstack_size = 0;
    task->altstack_flags = 0;
    task->clear_child_tid = task->robust_list = 0;
    task->debug = (struct rf_debug_registers){ 0 };
    rf_rseq_exec(task);
    task->process->executed = k->init != NULL;
    task->process->exit_signal = RF_SIGCHLD;
    rf_posix_timers_delete_all(k, task->process);
    rf_fd_close_on_exec(k, task->files);
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    memset(task->comm, 0, sizeof task->comm);
    strncpy(task->comm, base, sizeof task->comm - 1);
    task->vfork_parent = NULL;
    rf_wake(k, &task->vfork_done);
}

/* Registers at entry: all zero but RSP, RIP and the segments (ELF_PLAT_INIT, start_thread). */
static void reset_registers(struct rf_kernel *k, struct rf_task *task, uint64_t rip, uint64_t rsp)
{
    struct rf_cpu *cpu = k->cpu;
    memset(task->regs, 0, sizeof *task->regs);
    task->regs->rip = rip;
    task->regs->rsp = rsp;
    task->regs->cs = RF_USER_CS;
    task->regs->ss = RF_USER_SS;
    task->regs->eflags = RF_FLAG_IF | RF_FLAG_FIXED;
    task->regs->orig_rax = UINT64_MAX;
    cpu->seg[RF_FS] = cpu->seg[RF_DS] = cpu->seg[RF_ES] = (struct rf_segment){ 0 };
    cpu->seg[RF_GS].selector = 0;
    cpu->kernel_gs_base = 0; /* the user's, while in the kernel */
    uint32_t host = cpu->fpu.host_mxcsr;
    memset(&cpu->fpu, 0, sizeof cpu->fpu);
    cpu->fpu.host_mxcsr = host;
    cpu->fpu.cw = 0x37f;
    cpu->fpu.mxcsr = RF_MXCSR_DEFAULT;
    rf_pkey_reset(k);
    rf_update_exit_work(k, RF_WORK_IRET);
}

static void adopt_space(struct rf_kernel *k, struct rf_task *task, struct rf_mm *mm)
{
    struct rf_mm *old = task->mm;
    if (old) { /* locks that it holds there (futex_exec_release) */
        rf_futex_release_robust(k);
        rf_futex_release_pi(k);
        rf_usage_leave_mm(task->process, old);
    }
    task->mm = mm;
    rf_mm_activate(k, mm);
    if (old)
        rf_mm_put(k, old);
}

static void keep_auxv(struct rf_mm *mm, const struct rf_initial_stack *stack)
{
    size_t words = 2 * stack->auxv_count;
    mm->auxv_count = (uint32_t)(words < RF_ARRAY_SIZE(mm->auxv) ? words : RF_ARRAY_SIZE(mm->auxv));
    memcpy(mm->auxv, stack->bytes + (stack->auxv - stack->rsp), mm->auxv_count * sizeof mm->auxv[0]);
}

/* The tracer could take over what set-ID bits give (LSM_UNSAFE_PTRACE). */
static bool is_watched(const struct rf_task *task)
{
    return task->trace &&
           !rf_credentials_capable(&task->trace->tracer->credentials, task->credentials.user, RF_CAP_SYS_PTRACE);
}

static int64_t start(struct rf_kernel *k, const struct program *p, const struct program *interp,
                     const char *path, char **argv, char **envp)
{
    struct rf_task *task = k->current;
    int32_t tid = task->tid;
    int64_t error = become_alone(k, task);
    if (error)
        return error;
    struct rf_mm *mm = rf_mm_create(k);
    struct layout layout = { 0 };
    struct rf_initial_stack stack;
    struct rf_exec_credentials exec;
    if (!mm)
        return -RF_ENOMEM;
    rf_credentials_before_exec(k, p->file->inode, rf_file_is_nosuid(p->file) || is_watched(task), &exec);
    error = build_space(k, mm, p, interp, exec.personality, &layout);
    if (!error)
        error = -build_stack(k, p, &layout, path, argv, envp, &exec, &stack);
    if (error) {
        rf_mm_put(k, mm);
        return error;
    }
    mm->exe = p->file;
    rf_file_get(p->file);
    mm->arg_start = stack.arg_start, mm->arg_end = stack.arg_end;
    mm->env_start = stack.env_start, mm->env_end = stack.env_end;
    keep_auxv(mm, &stack);
    adopt_space(k, task, mm);
    rf_credentials_after_exec(k, &exec);
    reset_task(k, task, path);
    bool good = rf_copy_to_user(k, stack.rsp, stack.bytes, stack.size) == 0 &&
                clear_tails(k, p->image, layout.bias) &&
                (!interp->image || clear_tails(k, interp->image, layout.interp_base));
    reset_registers(k, task, layout.entry, stack.rsp);
    rf_initial_stack_free(&stack);
    rf_ptrace_exec(k, task, tid);
    if (!good) {
        struct rf_siginfo info = { .si_signo = RF_SIGKILL, .si_code = RF_SI_KERNEL };
        rf_signal_send_process(k, task->process, &info);
    }
    return 0;
}

static int64_t run_program(struct rf_kernel *k, const struct place *place, const char *name, char **argv,
                           char **envp, unsigned depth);

static int64_t run_script(struct rf_kernel *k, const struct rf_script *script, const char *path,
                          const char *name, char **argv, char **envp, unsigned depth)
{
    if (depth >= RF_SCRIPT_MAX_DEPTH)
        return -RF_ELOOP;
    char **vector = script_vector(script, path, argv);
    if (!vector)
        return -RF_ENOMEM;
    const struct place place = { RF_AT_FDCWD, script->interpreter, 0, script->interpreter };
    int64_t result = run_program(k, &place, name, vector, envp, depth + 1);
    free(vector);
    return result;
}

static int64_t run_program(struct rf_kernel *k, const struct place *place, const char *name, char **argv,
                           char **envp, unsigned depth)
{
    struct program p = { 0 }, interp = { 0 };
    struct rf_script script;
    int64_t result = open_program(k, place, &p);
    if (result)
        goto done;
    if (p.size >= 2 && p.bytes[0] == '#' && p.bytes[1] == '!') {
        result = -rf_script_parse(p.bytes, p.size, &script);
        if (!result)
            result = run_script(k, &script, place->shown, name, argv, envp, depth);
        goto done;
    }
    result = parse_program(k, &p);
    if (!result && p.image->has_interp) {
        const struct place loader = { RF_AT_FDCWD, p.image->interp, 0, p.image->interp };
        result = open_program(k, &loader, &interp);
        if (!result)
            result = parse_program(k, &interp);
    }
    if (!result)
        result = start(k, &p, &interp, name, argv, envp);
done:
    drop_program(k, &p);
    drop_program(k, &interp);
    return result;
}

int64_t rf_task_exec(struct rf_kernel *k, int dirfd, const char *path, int flags, char **argv,
                     char **envp)
{
    if (flags & ~(RF_AT_EMPTY_PATH | RF_AT_SYMLINK_NOFOLLOW))
        return -RF_EINVAL;
    if (k->current->nproc_exceeded && rf_user_has_too_many(k, k->current, k->current->credentials.uid, 0))
        return -RF_EAGAIN;
    k->current->nproc_exceeded = false;
    char by_descriptor[RF_PATH_MAX + 24];
    struct place place = { dirfd, path, (uint32_t)flags, path };
    if (path[0] != '/' && dirfd != RF_AT_FDCWD) { /* alloc_bprm of fs/exec.c */
        snprintf(by_descriptor, sizeof by_descriptor, "/dev/fd/%d%s%s", dirfd, *path ? "/" : "", path);
        place.shown = by_descriptor;
    }
    return run_program(k, &place, place.shown, argv, envp, 0);
}
