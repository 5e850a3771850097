/* uname sysinfo getrandom getcpu sched_* and other calls about the machine as a whole. */
#include "kernel/frames.h"
#include "kernel/task/task.h"

#include <string.h>

static int64_t sys_uname(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_utsname name = { .sysname = "Linux", .release = RF_KERNEL_RELEASE, .machine = "x86_64",
                               .version = "#1 SMP Ringfort " RF_VERSION, .domainname = "(none)" };
    memcpy(name.nodename, k->hostname, sizeof name.nodename);
    return RF_PUT_USER(k, a[0], name) ? -RF_EFAULT : 0;
}

static int64_t sys_sysinfo(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_sysinfo info = { .uptime = (int64_t)(rf_clock_monotonic(k) / 1000000000),
                               .totalram = rf_frames_total(k) * RF_PAGE_SIZE,
                               .freeram = rf_frames_free(k) * RF_PAGE_SIZE,
                               .mem_unit = 1 };
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        info.procs++;
    return RF_PUT_USER(k, a[0], info) ? -RF_EFAULT : 0;
}

static int64_t sys_getrandom(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[2];
    uint8_t chunk[256];
    if (flags & ~7u || (flags & (RF_GRND_INSECURE | RF_GRND_RANDOM)) == (RF_GRND_INSECURE | RF_GRND_RANDOM))
        return -RF_EINVAL;
    uint64_t size = a[1] > INT32_MAX ? INT32_MAX : a[1], done = 0;
    while (done < size) {
        size_t here = size - done < sizeof chunk ? size - done : sizeof chunk;
        rf_kernel_random(k, chunk, here);
        size_t copied = rf_copy_to_user_partial(k, a[0] + done, chunk, here);
        done += copied;
        if (copied < here)
            return done ? (int64_t)done : -RF_EFAULT;
    }
    return (int64_t)done;
}

static int64_t sys_getcpu(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t zero = 0;
    if ((a[0] && RF_PUT_USER(k, a[0], zero)) || (a[1] && RF_PUT_USER(k, a[1], zero)))
        return -RF_EFAULT;
    return 0;
}

static int64_t sys_sched_yield(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    rf_yield(k);
    return 0;
}

static int64_t sys_sched_getaffinity(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t mask = 1; /* one CPU */
    if (a[1] < sizeof mask || a[1] % sizeof mask)
        return -RF_EINVAL;
    if ((int32_t)a[0] && !rf_task_find(k, (int32_t)a[0]))
        return -RF_ESRCH;
    return RF_PUT_USER(k, a[2], mask) ? -RF_EFAULT : (int64_t)sizeof mask;
}

static int64_t sys_sched_setaffinity(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t mask = 0;
    size_t size = a[1] < sizeof mask ? a[1] : sizeof mask;
    if (rf_copy_from_user(k, &mask, a[2], size))
        return -RF_EFAULT;
    if ((int32_t)a[0] && !rf_task_find(k, (int32_t)a[0]))
        return -RF_ESRCH;
    return mask & 1 ? 0 : -RF_EINVAL;
}

/* SCHED_OTHER, priority 0, for everybody. */
static int64_t sys_sched_getscheduler(struct rf_kernel *k, const uint64_t a[6])
{
    if ((int32_t)a[0] < 0)
        return -RF_EINVAL;
    return (int32_t)a[0] && !rf_task_find(k, (int32_t)a[0]) ? -RF_ESRCH : 0;
}

static int64_t sys_sched_getparam(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t priority = 0;
    if ((int32_t)a[0] < 0 || !a[1])
        return -RF_EINVAL;
    if ((int32_t)a[0] && !rf_task_find(k, (int32_t)a[0]))
        return -RF_ESRCH;
    return RF_PUT_USER(k, a[1], priority) ? -RF_EFAULT : 0;
}

static int64_t priority_bound(const uint64_t a[6], int64_t realtime)
{
    switch ((int)a[0]) {
    case 0: case 3: case 5: return 0; /* OTHER, BATCH, IDLE */
    case 1: case 2: return realtime;  /* FIFO, RR */
    case 6: return 0;                 /* DEADLINE */
    default: return -RF_EINVAL;
    }
}

static int64_t sys_sched_get_priority_max(struct rf_kernel *k, const uint64_t a[6])
{
    (void)k;
    return priority_bound(a, 99);
}

static int64_t sys_sched_get_priority_min(struct rf_kernel *k, const uint64_t a[6])
{
    (void)k;
    return priority_bound(a, 1);
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(uname), ENTRY(sysinfo), ENTRY(getrandom), ENTRY(getcpu), ENTRY(sched_yield),
    ENTRY(sched_getaffinity), ENTRY(sched_setaffinity), ENTRY(sched_getscheduler),
    ENTRY(sched_getparam), ENTRY(sched_get_priority_max), ENTRY(sched_get_priority_min),
};
const struct rf_handler_table rf_handlers_system = RF_HANDLER_TABLE(entries);
