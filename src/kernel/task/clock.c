/* Clock numbers, and the two ways to write a time (kernel/task/clock.h). */
#include "kernel/task/clock.h"

#include "kernel/task/task.h"

#define NS 1000000000u

/* A negative number names the CPU time of a process or thread (include/linux/posix-timers_types.h): the
 * complement of its id, a bit for threads, and which modes count. */
#define CPU_CLOCK_WHICH 3
#define CPU_CLOCK_THREAD 4
enum { CPU_CLOCK_PROF, CPU_CLOCK_VIRT, CPU_CLOCK_SCHED };

static int64_t find_cpu_clock(struct rf_kernel *k, int id, struct rf_clock *out)
{
    int32_t pid = ~(id >> 3);
    bool thread = id & CPU_CLOCK_THREAD;
    if ((id & CPU_CLOCK_WHICH) > CPU_CLOCK_SCHED)
        return -RF_EINVAL; /* a file's clock: there are no such files */
    struct rf_task *task = pid ? rf_task_find(k, rf_pid_given(k, pid)) : k->current;
    if (!task || (thread && task->process != k->current->process) ||
        (!thread && pid && task->process->pid != task->tid && task != k->current))
        return -RF_EINVAL;
    *out = (struct rf_clock){
        .is_cpu = true,
        .cpu = { task->process, thread ? task : NULL, (id & CPU_CLOCK_WHICH) == CPU_CLOCK_VIRT },
    };
    return 0;
}

int64_t rf_clock_find(struct rf_kernel *k, int id, struct rf_clock *out)
{
    *out = (struct rf_clock){ 0 };
    switch (id) {
    case RF_CLOCK_REALTIME:
    case RF_CLOCK_REALTIME_COARSE:
    case RF_CLOCK_REALTIME_ALARM:
    case RF_CLOCK_TAI:
        out->offset = k->epoch_ns + (id == RF_CLOCK_TAI ? (uint64_t)k->ntp.tai * NS : 0);
        out->realtime = true;
        return 0;
    case RF_CLOCK_MONOTONIC:
    case RF_CLOCK_MONOTONIC_RAW:
    case RF_CLOCK_MONOTONIC_COARSE:
    case RF_CLOCK_BOOTTIME:
    case RF_CLOCK_BOOTTIME_ALARM:
        return 0;
    case RF_CLOCK_PROCESS_CPUTIME_ID:
        *out = (struct rf_clock){ .is_cpu = true, .cpu = { .process = k->current->process } };
        return 0;
    case RF_CLOCK_THREAD_CPUTIME_ID:
        *out = (struct rf_clock){ .is_cpu = true, .cpu = { k->current->process, k->current, false } };
        return 0;
    default:
        return id < 0 ? find_cpu_clock(k, id, out) : -RF_EINVAL;
    }
}

bool rf_clock_id_is_own_thread(const struct rf_kernel *k, int id)
{
    int32_t pid = ~(id >> 3);
    return id < 0 && id & CPU_CLOCK_THREAD && (!pid || pid == rf_pid_shown(k, k->current->tid));
}

bool rf_clock_id_is_dynamic(int id)
{
    return id < 0 && (id & CPU_CLOCK_WHICH) > CPU_CLOCK_SCHED;
}

bool rf_clock_id_is_coarse(int id)
{
    return id == RF_CLOCK_REALTIME_COARSE || id == RF_CLOCK_MONOTONIC_COARSE ||
           (id < 0 && (id & CPU_CLOCK_WHICH) < CPU_CLOCK_SCHED);
}

uint64_t rf_clock_read(struct rf_kernel *k, const struct rf_clock *clock)
{
    return clock->is_cpu ? rf_cpu_clock_read(k, &clock->cpu) : rf_clock_monotonic(k) + clock->offset;
}

bool rf_timespec_valid(const struct rf_timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < NS;
}

uint64_t rf_timespec_ns(const struct rf_timespec *t)
{
    if ((uint64_t)t->tv_sec >= INT64_MAX / NS)
        return INT64_MAX; /* KTIME_MAX */
    return (uint64_t)t->tv_sec * NS + (uint64_t)t->tv_nsec;
}

struct rf_timespec rf_ns_timespec(uint64_t ns)
{
    return (struct rf_timespec){ (int64_t)(ns / NS), (int64_t)(ns % NS) };
}

struct rf_timeval rf_ns_timeval(uint64_t ns)
{
    return (struct rf_timeval){ (int64_t)(ns / NS), (int64_t)(ns % NS / 1000) };
}
