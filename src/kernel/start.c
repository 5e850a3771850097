/* Kernel creation, the first process, destruction (kernel/start.h). */
#include "kernel/start.h"

#include "kernel/boot/boot.h"
#include "kernel/frames.h"
#include "kernel/mm/mm.h"
#include "kernel/namespace/namespace.h"
#include "kernel/net/socket.h"
#include "kernel/signal/signal.h"
#include "kernel/task/clock.h"
#include "kernel/fs/fs.h"
#include "kernel/task/itimer.h"
#include "kernel/task/session.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAP_BYTES ((size_t)1 << 30)
#define DEFAULT_SEED UINT64_C(0x52696e67666f7274)      /* "Ringfort" */
#define DEFAULT_EPOCH UINT64_C(1704067200000000000)    /* 2024-01-01T00:00:00Z */
#define FIRST_PID 100

static const struct rf_handler_table *const handler_tables[] = {
    &rf_handlers_file,    &rf_handlers_stat,     &rf_handlers_directory, &rf_handlers_descriptor,
    &rf_handlers_poll,    &rf_handlers_epoll,    &rf_handlers_memory,    &rf_handlers_process,
    &rf_handlers_credentials, &rf_handlers_capability, &rf_handlers_limits, &rf_handlers_prctl,
    &rf_handlers_personality, &rf_handlers_session, &rf_handlers_scheduling, &rf_handlers_namespace, &rf_handlers_clock_set,
    &rf_handlers_adjtimex, &rf_handlers_mount,
    &rf_handlers_signal,  &rf_handlers_time,      &rf_handlers_system,
    &rf_handlers_futex,   &rf_handlers_timer,    &rf_handlers_pidfd,     &rf_handlers_priority,
    &rf_handlers_wait,    &rf_handlers_usage,   &rf_handlers_ptrace,
    &rf_handlers_memory_advice, &rf_handlers_memory_lock, &rf_handlers_process_vm, &rf_handlers_shm,
    &rf_handlers_futex_waitv, &rf_handlers_membarrier, &rf_handlers_seccomp,
    &rf_handlers_rseq, &rf_handlers_xattr, &rf_handlers_file_size, &rf_handlers_file_copy, &rf_handlers_inotify, &rf_handlers_splice, &rf_handlers_mqueue, &rf_handlers_socket,
    &rf_handlers_socket_message, &rf_handlers_sem, &rf_handlers_msg,
};

static void install_handlers(struct rf_kernel *k)
{
    for (size_t t = 0; t < RF_ARRAY_SIZE(handler_tables); t++)
        for (size_t i = 0; i < handler_tables[t]->count; i++)
            k->handlers[handler_tables[t]->entries[i].number] = handler_tables[t]->entries[i].handler;
}

/* splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators"). */
uint64_t rf_random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void rf_kernel_random(struct rf_kernel *k, void *out, size_t size)
{
    uint8_t *at = out;
    while (size) {
        uint64_t value = rf_random_next(&k->random_state);
        size_t here = size < sizeof value ? size : sizeof value;
        memcpy(at, &value, here);
        at += here;
        size -= here;
    }
}

static void start_clock(struct rf_kernel *k, const struct rf_kernel_config *config)
{
    k->epoch_ns = config->epoch_ns ? config->epoch_ns : DEFAULT_EPOCH;
    k->host_clock = config->host_clock;
    if (!k->host_clock)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    k->host_start_ns = rf_clock_host();
    if (!config->epoch_ns)
        k->epoch_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

rf_status rf_kernel_create(struct rf_kernel *k, struct rf_cpu *cpu, struct rf_ram *ram,
                           const struct rf_kernel_config *config, struct rf_error *err)
{
    memset(k, 0, sizeof *k);
    k->cpu = cpu;
    k->ram = ram;
    k->next_pid = FIRST_PID;
    k->random_state = config->seed ? config->seed : DEFAULT_SEED;
    k->boot_random = ~k->random_state;
    k->sched_random = config->sched_seed;
    start_clock(k, config);
    k->ntp.constant = 2;
    rf_ntp_clear(k);
    strncpy(k->hostname, config->hostname ? config->hostname : "ringfort", sizeof k->hostname - 1);
    cpu->random_state = rf_random_next(&k->random_state) | 1;
    cpu->timer = rf_kernel_timer;
    cpu->timer_user = k;
    rf_status status = rf_heap_create(&k->heap, HEAP_BYTES, err);
    if (status)
        return status;
    k->syscall_counts = rf_kalloc(k, RF_SYSCALL_COUNT * sizeof *k->syscall_counts);
    status = rf_frames_create(k, RF_FIRST_FRAME, err);
    if (!status)
        status = rf_boot(k, err);
    if (!status)
        status = rf_vfs_create(k, err);
    if (!status && rf_net_create(k))
        status = rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for sockets");
    if (status) {
        rf_kernel_destroy(k);
        return status;
    }
    install_handlers(k);
    return RF_OK;
}

/* All but the heap itself and the frames' owners; in the order in which they hold each other. */
static void release(struct rf_kernel *k)
{
    rf_tasks_release(k);
    if (k->last_mm)
        rf_mm_put(k, k->last_mm); /* shared mappings of files are written back */
    k->last_mm = NULL;
    rf_net_destroy(k); /* bound sockets hold names */
    if (k->vfs)
        rf_vfs_destroy(k);
    rf_kfree(k, k->syscall_counts);
    rf_kfree(k, k->layout);
    k->syscall_counts = NULL;
    k->layout = NULL;
}

size_t rf_kernel_leaks(struct rf_kernel *k)
{
    release(k);
    size_t frames = rf_frames_total(k) - rf_frames_free(k);
    rf_frames_destroy(k);
    return k->heap.objects + frames;
}

void rf_kernel_destroy(struct rf_kernel *k)
{
    release(k);
    rf_frames_destroy(k);
    rf_heap_destroy(&k->heap);
}

/* --- the first process --- */

static void default_limits(struct rf_process *process)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(process->rlimit); i++)
        process->rlimit[i] = (struct rf_rlimit64){ UINT64_MAX, UINT64_MAX };
    process->rlimit[RF_RLIMIT_STACK].rlim_cur = UINT64_C(8) << 20;
    process->rlimit[RF_RLIMIT_CORE].rlim_cur = 0;
    process->rlimit[RF_RLIMIT_NOFILE] = (struct rf_rlimit64){ 1024, 4096 };
    process->rlimit[RF_RLIMIT_NPROC] = (struct rf_rlimit64){ 4096, 4096 };
    process->rlimit[RF_RLIMIT_MEMLOCK] = (struct rf_rlimit64){ UINT64_C(8) << 20, UINT64_C(8) << 20 };
    process->rlimit[RF_RLIMIT_SIGPENDING] = (struct rf_rlimit64){ 4096, 4096 };
    process->rlimit[RF_RLIMIT_MSGQUEUE] = (struct rf_rlimit64){ 819200, 819200 };
    process->rlimit[RF_RLIMIT_NICE] = process->rlimit[RF_RLIMIT_RTPRIO] = (struct rf_rlimit64){ 0, 0 };
}

static bool open_stdio(struct rf_kernel *k)
{
    static const uint32_t flags[3] = { RF_O_RDONLY, RF_O_WRONLY, RF_O_WRONLY };
    for (int fd = 0; fd < 3; fd++) {
        struct rf_file *file = rf_vfs_host_stdio(k, fd, flags[fd]);
        if (!file || rf_fd_install(k, file, fd, false) != fd)
            return false;
    }
    return true;
}

static struct rf_task *first_task(struct rf_kernel *k, const struct rf_start_request *request)
{
    struct rf_task *task = rf_task_create(k);
    if (!task)
        return NULL;
    task->process = rf_kalloc(k, sizeof *task->process);
    task->sighand = rf_kalloc(k, sizeof *task->sighand);
    task->files = rf_fd_table_create(k);
    task->fs = rf_fs_context_create(k);
    if (!task->process || !task->sighand || !task->files || !task->fs)
        return NULL;
    struct rf_process *p = task->process;
    p->references = p->thread_count = 1;
    p->pid = p->pgid = p->sid = task->tid;
    p->leader = task;
    default_limits(p);
    rf_itimer_init(p);
    task->sighand->references = 1;
    struct rf_user_namespace *user;
    if (!rf_namespaces_create(k, &task->namespaces, &user))
        return NULL;
    rf_credentials_first(&task->credentials, request->uid, request->gid, user);
    task->timer_slack = task->default_timer_slack = RF_TIMER_SLACK;
    task->state = RF_TASK_RUNNABLE;
    return task;
}

static rf_status status_of(int64_t result)
{
    switch (-result) {
    case RF_ENOENT:
    case RF_ENOTDIR: return RF_ERR_NOT_FOUND;
    case RF_EACCES:
    case RF_EPERM: return RF_ERR_PERMISSION;
    case RF_ENOMEM: return RF_ERR_NO_MEMORY;
    case RF_E2BIG:
    case RF_EINVAL: return RF_ERR_ARGUMENT;
    default: return RF_ERR_FORMAT;
    }
}

/* The kernel side of the CPU as if the first task were about to leave a system call. */
static void enter_kernel_mode(struct rf_kernel *k, struct rf_task *task)
{
    uint64_t top = RF_DIRECT_MAP + task->kstack_pa + RF_KSTACK_BYTES;
    k->layout->percpu->kernel_rsp = top;
    k->layout->tss->rsp[0] = top;
    memset(k->cpu->r, 0, 16 * sizeof k->cpu->r[0]);
    k->cpu->r[RF_RSP] = top - sizeof(struct rf_pt_regs);
    k->cpu->r[RF_REG_IP] = k->layout->labels.return_from_fork;
    task->timeslice_end = rf_cpu_cycles(k->cpu) + RF_TIMESLICE_CYCLES;
    rf_cpu_account(k->cpu, RF_ACCOUNT_EXIT);
}

rf_status rf_kernel_start(struct rf_kernel *k, const struct rf_start_request *request,
                          struct rf_error *err)
{
    struct rf_task *task = first_task(k, request);
    if (!task)
        return rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for the first process");
    k->current = task;
    k->error = err;
    err->text[0] = '\0';
    if (!open_stdio(k))
        return rf_error_set(err, RF_ERR_STATE, "standard input, output or error cannot be passed on");
    for (int fd = 0; fd < 3; fd++)
        if (rf_stdio_is_tty(k->vfs->stdio[fd]))
            rf_tty_acquire(k, &k->vfs->console); /* as if a shell had started it in the foreground */
    if (request->cwd) {
        int64_t error = rf_fs_chdir(k, task->fs, request->cwd);
        if (error)
            return rf_error_set(err, RF_ERR_ARGUMENT, "cannot start in directory '%s': %s", request->cwd,
                                rf_errno_text((int)-error));
    }
    int64_t result = rf_task_exec(k, RF_AT_FDCWD, request->path, 0, request->argv, request->envp);
    if (result) {
        rf_status status = status_of(result);
        if (err->text[0] && err->status == RF_ERR_UNSUPPORTED)
            status = RF_ERR_UNSUPPORTED;
        char why[sizeof err->text];
        memcpy(why, err->text, sizeof why);
        return rf_error_set(err, status, "cannot run '%s': %.300s", request->path,
                            why[0] ? why : rf_errno_text((int)-result));
    }
    k->init = task;
    enter_kernel_mode(k, task);
    return RF_OK;
}

/* --- looking without touching --- */

static bool peek_page(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint8_t *out, size_t size)
{
    const struct rf_vma *vma = rf_vma_find(mm, address);
    if (!vma || !vma->prot)
        return false;
    const uint64_t *pte = rf_pte(k, mm, address, false);
    if (pte && *pte) {
        memcpy(out, (uint8_t *)rf_frame_host(k, *pte & RF_PTE_ADDRESS) + (address & RF_PAGE_MASK), size);
        return true;
    }
    memset(out, 0, size);
    if (vma->file)
        return rf_file_read_kernel(k, vma->file, out, size, vma->offset + (address - vma->start)) >= 0;
    return true;
}

bool rf_peek_user(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, void *out, size_t size)
{
    uint8_t *at = out;
    while (size) {
        size_t here = RF_PAGE_SIZE - (address & RF_PAGE_MASK);
        if (here > size)
            here = size;
        if (address >= RF_TASK_SIZE || !peek_page(k, mm, address, at, here))
            return false;
        address += here;
        at += here;
        size -= here;
    }
    return true;
}
