/* uname sethostname sysinfo syslog getrandom getcpu: calls about the machine as a whole. */
#include "kernel/frames.h"
#include "kernel/fs/fs.h"
#include "kernel/namespace/namespace.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"

#include <stdio.h>
#include <string.h>

/* personality(2): UNAME26 for programs that expect a 2.6 kernel, PER_LINUX32 (override_release, override_architecture of
 * kernel/sys.c). */
static void override_name(struct rf_utsname *name, uint32_t personality)
{
    unsigned major, minor, patch;
    int used = 0;
    if (personality & RF_UNAME26 &&
        sscanf(RF_KERNEL_RELEASE, "%u.%u.%u%n", &major, &minor, &patch, &used) == 3)
        snprintf(name->release, sizeof name->release, "2.6.%u%s", minor + 60, &RF_KERNEL_RELEASE[used]);
    if ((personality & RF_PER_MASK) == RF_PER_LINUX32)
        memcpy(name->machine, "i686", sizeof "i686");
}

static int64_t sys_uname(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_uts_namespace *uts = k->current->namespaces.uts;
    struct rf_utsname name = { .sysname = "Linux", .release = RF_KERNEL_RELEASE, .machine = "x86_64",
                               .version = "#1 SMP Ringfort " RF_VERSION };
    memcpy(name.nodename, uts->nodename, sizeof name.nodename);
    memcpy(name.domainname, uts->domainname, sizeof name.domainname);
    override_name(&name, k->current->personality);
    return RF_PUT_USER(k, a[0], name) ? -RF_EFAULT : 0;
}

/* name: 65 bytes, of which the last is NUL. */
static int64_t set_name(struct rf_kernel *k, char *name, const uint64_t a[6])
{
    char text[65] = { 0 };
    int32_t length = (int32_t)a[1];
    if (!rf_capable_in(k, k->current->namespaces.uts->ns.owner, RF_CAP_SYS_ADMIN))
        return -RF_EPERM;
    if (length < 0 || length > 64)
        return -RF_EINVAL;
    if (rf_copy_from_user(k, text, a[0], (size_t)length))
        return -RF_EFAULT;
    memcpy(name, text, sizeof text);
    return 0;
}

static int64_t sys_sethostname(struct rf_kernel *k, const uint64_t a[6])
{
    return set_name(k, k->current->namespaces.uts->nodename, a);
}

static int64_t sys_setdomainname(struct rf_kernel *k, const uint64_t a[6])
{
    return set_name(k, k->current->namespaces.uts->domainname, a);
}

/* The kernel logs nothing: a ring buffer of the smallest size (CONFIG_LOG_BUF_SHIFT 12), always empty. */
#define LOG_BYTES 4096
enum { SYSLOG_CLOSE, SYSLOG_OPEN, SYSLOG_READ, SYSLOG_READ_ALL, SYSLOG_READ_CLEAR, SYSLOG_CLEAR, SYSLOG_CONSOLE_OFF,
       SYSLOG_CONSOLE_ON, SYSLOG_CONSOLE_LEVEL, SYSLOG_SIZE_UNREAD, SYSLOG_SIZE_BUFFER };

static int64_t check_log_buffer(uint64_t user, int32_t size)
{
    if (!user || size < 0)
        return -RF_EINVAL;
    return size && (user >= RF_TASK_SIZE || RF_TASK_SIZE - user < (uint64_t)size) ? -RF_EFAULT : 0;
}

/* do_syslog of kernel/printk/printk.c, with kernel.dmesg_restrict 1. */
static int64_t sys_syslog(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t action = (int32_t)a[0], length = (int32_t)a[2];
    if (!rf_capable(k, RF_CAP_SYSLOG) && !rf_capable(k, RF_CAP_SYS_ADMIN))
        return -RF_EPERM;
    switch (action) {
    case SYSLOG_CLOSE:
    case SYSLOG_OPEN:
    case SYSLOG_CLEAR:
    case SYSLOG_CONSOLE_OFF:
    case SYSLOG_CONSOLE_ON:
    case SYSLOG_SIZE_UNREAD: return 0;
    case SYSLOG_READ: {
        int64_t error = check_log_buffer(a[1], length);
        return error || !length ? error : rf_sleep_until_deadline(k); /* for a message that never comes */
    }
    case SYSLOG_READ_ALL:
    case SYSLOG_READ_CLEAR: return check_log_buffer(a[1], length);
    case SYSLOG_CONSOLE_LEVEL: return length < 1 || length > 8 ? -RF_EINVAL : 0;
    case SYSLOG_SIZE_BUFFER: return LOG_BYTES;
    default: return -RF_EINVAL;
    }
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
    struct rf_iovec iov;
    struct rf_uio uio;
    if (flags & ~7u || (flags & (RF_GRND_INSECURE | RF_GRND_RANDOM)) == (RF_GRND_INSECURE | RF_GRND_RANDOM))
        return -RF_EINVAL;
    int error = rf_uio_user(&uio, k, &iov, a[0], a[1] > INT32_MAX ? INT32_MAX : a[1]);
    return error ? error : rf_random_read(k, &uio);
}

static int64_t sys_getcpu(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t zero = 0;
    if ((a[0] && RF_PUT_USER(k, a[0], zero)) || (a[1] && RF_PUT_USER(k, a[1], zero)))
        return -RF_EFAULT;
    return 0;
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(uname), ENTRY(sysinfo), ENTRY(getrandom), ENTRY(getcpu), ENTRY(sethostname), ENTRY(setdomainname),
    ENTRY(syslog),
};
const struct rf_handler_table rf_handlers_system = RF_HANDLER_TABLE(entries);
