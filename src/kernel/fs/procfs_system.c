/* Texts of /proc that are about the machine: processor, memory, time, version, mounts. */
#include "kernel/fs/procfs.h"
#include "kernel/frames.h"
#include "kernel/task/clock.h"
#include "kernel/vfs/fstype.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool make_room(struct rf_text *text, size_t size)
{
    if (text->failed || size > SIZE_MAX / 4)
        return false;
    if (text->used + size <= text->room)
        return true;
    size_t room = text->room ? text->room * 2 : 1024;
    while (room < text->used + size)
        room *= 2;
    char *bytes = rf_heap_realloc(&text->k->heap, text->bytes, room);
    text->failed = !bytes;
    if (!bytes)
        return false;
    text->bytes = bytes;
    text->room = room;
    return true;
}

void rf_text_bytes(struct rf_text *text, const void *bytes, size_t size)
{
    if (!make_room(text, size))
        return;
    memcpy(text->bytes + text->used, bytes, size);
    text->used += size;
}

void rf_text_add(struct rf_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !make_room(text, (size_t)length + 1))
        return;
    va_start(arguments, format);
    vsnprintf(text->bytes + text->used, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->used += (size_t)length;
}

void rf_proc_filesystems(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    for (const struct rf_fs_type *const *type = rf_fs_types; *type; type++)
        if ((*type)->mount)
            rf_text_add(out, "%s\t%s\n", (*type)->flags & RF_FS_DEVICE ? "" : "nodev", (*type)->name);
}

/* --- version --- */

/* As uname(2) tells them. */
#define VERSION "#1 SMP Ringfort " RF_VERSION

void rf_proc_osrelease(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, RF_KERNEL_RELEASE "\n");
}

void rf_proc_ostype(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "Linux\n");
}

void rf_proc_hostname(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    const char *name = k->current ? k->current->namespaces.uts->nodename : k->hostname;
    rf_text_add(out, "%s\n", name);
}

/* What signal/coredump.c does. */
void rf_proc_core_pattern(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "core\n");
}

void rf_proc_core_uses_pid(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "0\n");
}

void rf_proc_version(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "Linux version " RF_KERNEL_RELEASE " " VERSION "\n");
}

/* --- processor --- */

struct feature {
    uint8_t bit;
    const char *name;
};
static const struct feature leaf1_edx[] = {
    { 0, "fpu" },  { 1, "vme" },  { 2, "de" },    { 3, "pse" },      { 4, "tsc" },  { 5, "msr" },
    { 6, "pae" },  { 7, "mce" },  { 8, "cx8" },   { 9, "apic" },     { 11, "sep" }, { 12, "mtrr" },
    { 13, "pge" }, { 14, "mca" }, { 15, "cmov" }, { 16, "pat" },     { 17, "pse36" },
    { 19, "clflush" }, { 23, "mmx" }, { 24, "fxsr" }, { 25, "sse" }, { 26, "sse2" },
};
static const struct feature extended_edx[] = {
    { 11, "syscall" }, { 20, "nx" }, { 26, "pdpe1gb" }, { 27, "rdtscp" }, { 29, "lm" },
};
static const struct feature leaf1_ecx[] = {
    { 0, "pni" },      { 1, "pclmulqdq" }, { 9, "ssse3" },   { 12, "fma" },    { 13, "cx16" },
    { 17, "pcid" },    { 19, "sse4_1" },   { 20, "sse4_2" }, { 22, "movbe" },  { 23, "popcnt" },
    { 25, "aes" },     { 26, "xsave" },    { 28, "avx" },    { 29, "f16c" },   { 30, "rdrand" },
    { 31, "hypervisor" },
};
static const struct feature extended_ecx[] = {
    { 0, "lahf_lm" }, { 5, "abm" }, { 8, "3dnowprefetch" },
};
static const struct feature leaf7_ebx[] = {
    { 0, "fsgsbase" }, { 3, "bmi1" },   { 5, "avx2" }, { 7, "smep" },  { 8, "bmi2" },
    { 9, "erms" },     { 10, "invpcid" }, { 18, "rdseed" }, { 19, "adx" }, { 20, "smap" },
    { 23, "clflushopt" }, { 24, "clwb" }, { 29, "sha_ni" },
};
static const struct feature leaf7_ecx[] = {
    { 2, "umip" }, { 3, "pku" }, { 4, "ospke" }, { 8, "gfni" }, { 9, "vaes" },
    { 10, "vpclmulqdq" }, { 16, "la57" }, { 22, "rdpid" },
};
static const struct feature leaf7_edx[] = { { 4, "fsrm" } };
static const struct feature leaf_d1_eax[] = {
    { 0, "xsaveopt" }, { 1, "xsavec" }, { 2, "xgetbv1" },
};

static void add_features(struct rf_text *out, uint32_t bits, const struct feature *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bits & (1u << list[i].bit))
            rf_text_add(out, " %s", list[i].name);
}
#define ADD_FEATURES(out, bits, list) add_features((out), (bits), (list), RF_ARRAY_SIZE(list))

/* Vendor or brand: text that CPUID gives in registers. */
static void add_identity(struct rf_text *out, struct rf_kernel *k)
{
    uint32_t r[4], brand[12] = { 0 };
    char vendor[13] = { 0 };
    rf_cpu_cpuid(k->cpu, 0, 0, r);
    memcpy(vendor, &r[1], 4);
    memcpy(vendor + 4, &r[3], 4);
    memcpy(vendor + 8, &r[2], 4);
    for (uint32_t i = 0; i < 3; i++)
        rf_cpu_cpuid(k->cpu, 0x80000002u + i, 0, brand + (size_t)4 * i);
    char model[49] = { 0 };
    memcpy(model, brand, 48);
    rf_cpu_cpuid(k->cpu, 1, 0, r);
    rf_text_add(out, "processor\t: 0\nvendor_id\t: %s\n", vendor);
    rf_text_add(out, "cpu family\t: %u\nmodel\t\t: %u\n", (r[0] >> 8) & 15,
                ((r[0] >> 4) & 15) | ((r[0] >> 12) & 0xf0));
    rf_text_add(out, "model name\t: %s\nstepping\t: %u\n", model, r[0] & 15);
}

void rf_proc_cpuinfo(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    uint32_t one[4], seven[4], xsave[4], extended[4], sizes[4];
    rf_cpu_cpuid(k->cpu, 1, 0, one);
    rf_cpu_cpuid(k->cpu, 7, 0, seven);
    rf_cpu_cpuid(k->cpu, 0xd, 1, xsave);
    rf_cpu_cpuid(k->cpu, 0x80000001u, 0, extended);
    rf_cpu_cpuid(k->cpu, 0x80000008u, 0, sizes);
    add_identity(out, k);
    rf_text_add(out, "cpu MHz\t\t: %u.000\n", RF_CYCLES_PER_NS * 1000u);
    rf_text_add(out, "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n");
    uint32_t basic[4];
    rf_cpu_cpuid(k->cpu, 0, 0, basic);
    rf_text_add(out, "fpu\t\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:",
                basic[0]);
    ADD_FEATURES(out, one[3], leaf1_edx);
    ADD_FEATURES(out, extended[3], extended_edx);
    ADD_FEATURES(out, one[2], leaf1_ecx);
    ADD_FEATURES(out, extended[2], extended_ecx);
    ADD_FEATURES(out, seven[1], leaf7_ebx);
    ADD_FEATURES(out, seven[2], leaf7_ecx);
    ADD_FEATURES(out, seven[3], leaf7_edx);
    ADD_FEATURES(out, xsave[0], leaf_d1_eax);
    rf_text_add(out, "\nclflush size\t: %u\n", ((one[1] >> 8) & 0xff) * 8);
    rf_text_add(out, "address sizes\t: %u bits physical, %u bits virtual\n\n", sizes[0] & 0xff,
                (sizes[0] >> 8) & 0xff);
}

/* --- memory and time --- */

void rf_proc_meminfo(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    unsigned long long total = rf_frames_total(k) * RF_PAGE_SIZE / 1024,
                       unused = rf_frames_free(k) * RF_PAGE_SIZE / 1024;
    rf_text_add(out, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n", total, unused);
    rf_text_add(out, "MemAvailable:   %8llu kB\n", unused);
    rf_text_add(out, "SwapTotal:      %8u kB\nSwapFree:       %8u kB\n", 0u, 0u);
}

static unsigned long long ticks(const struct rf_kernel *k, uint64_t cycles)
{
    return rf_clock_to_ns(k, cycles) / (1000000000 / RF_USER_HZ);
}

void rf_proc_stat(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    const uint64_t *c = k->cpu->account.cycles;
    unsigned long long user = ticks(k, c[RF_ACCOUNT_USER]), idle = ticks(k, c[RF_ACCOUNT_IDLE]);
    unsigned long long system =
        ticks(k, c[RF_ACCOUNT_ENTRY] + c[RF_ACCOUNT_BODY] + c[RF_ACCOUNT_EXIT] + c[RF_ACCOUNT_FAULT]);
    unsigned long long interrupts = ticks(k, c[RF_ACCOUNT_INTERRUPT]);
    rf_text_add(out, "cpu  %llu 0 %llu %llu 0 %llu 0 0 0 0\n", user, system, idle, interrupts);
    rf_text_add(out, "cpu0 %llu 0 %llu %llu 0 %llu 0 0 0 0\n", user, system, idle, interrupts);
    rf_text_add(out, "btime %llu\n", (unsigned long long)(k->epoch_ns / 1000000000));
}

void rf_proc_uptime(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    unsigned long long up = rf_clock_monotonic(k) / 10000000,
                       idle = ticks(k, k->cpu->account.cycles[RF_ACCOUNT_IDLE]);
    rf_text_add(out, "%llu.%02llu %llu.%02llu\n", up / 100, up % 100, idle / 100, idle % 100);
}

/* --- mounts --- */

/* Blanks and backslashes in octal, as in /etc/fstab. */
static void add_escaped(struct rf_text *out, const char *path)
{
    for (; *path; path++) {
        if (strchr(" \t\n\\", *path))
            rf_text_add(out, "\\%03o", (unsigned)(uint8_t)*path);
        else
            rf_text_add(out, "%c", *path);
    }
}

static void add_options(struct rf_text *out, const struct rf_mount_point *p)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } options[] = { { RF_MS_NOSUID, ",nosuid" }, { RF_MS_NODEV, ",nodev" }, { RF_MS_NOEXEC, ",noexec" },
                    { RF_MS_NOATIME, ",noatime" }, { RF_MS_NODIRATIME, ",nodiratime" } };
    for (size_t i = 0; i < RF_ARRAY_SIZE(options); i++)
        if (p->flags & options[i].flag)
            rf_text_add(out, "%s", options[i].name);
    if (!(p->flags & (RF_MS_NOATIME | RF_MS_STRICTATIME)))
        rf_text_add(out, ",relatime");
}

static void add_own_options(struct rf_text *out, struct rf_kernel *k, struct rf_mount *fs)
{
    char text[160] = "";
    if (fs->ops->show)
        fs->ops->show(k, fs, text, sizeof text);
    rf_text_add(out, "%s", text);
}

static const struct rf_mount_point *points_of(const struct rf_task *task)
{
    const struct rf_mount_namespace *ns = task ? (const void *)task->namespaces.mnt : NULL;
    return ns ? ns->points : NULL;
}

/* Where the task sees it. False: covered, or not below its root. */
static bool place_of(struct rf_kernel *k, const struct rf_task *task, const struct rf_mount_point *p, char *path,
                     size_t size)
{
    bool reachable;
    if (p->root->mounted || !task->fs)
        return false;
    return rf_dentry_path(k, p->root, task->fs->root, path, size, &reachable) >= 0 && reachable;
}

void rf_proc_mountstats(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    char path[RF_PATH_MAX];
    for (const struct rf_mount_point *p = points_of(task); p; p = p->next) {
        if (!place_of(k, task, p, path, sizeof path))
            continue;
        rf_text_add(out, "device ");
        add_escaped(out, p->fs->source);
        rf_text_add(out, " mounted on ");
        add_escaped(out, path);
        rf_text_add(out, " with fstype %s\n", p->fs->type);
    }
}

void rf_proc_mounts(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    char path[RF_PATH_MAX];
    for (const struct rf_mount_point *p = points_of(task); p; p = p->next) {
        if (!place_of(k, task, p, path, sizeof path))
            continue;
        add_escaped(out, p->fs->source);
        rf_text_add(out, " ");
        add_escaped(out, path);
        rf_text_add(out, " %s %s", p->fs->type, rf_is_read_only(p->root) ? "ro" : "rw");
        add_options(out, p);
        add_own_options(out, k, p->fs);
        rf_text_add(out, " 0 0\n");
    }
}

/* proc(5), /proc/[pid]/mountinfo */
void rf_proc_mountinfo(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    char path[RF_PATH_MAX];
    for (const struct rf_mount_point *p = points_of(task); p; p = p->next) {
        if (!place_of(k, task, p, path, sizeof path))
            continue;
        const struct rf_mount_point *parent = p->at ? p->at->point : p;
        rf_text_add(out, "%u %u %u:%u ", p->id, parent ? parent->id : p->id, (unsigned)(p->fs->device >> 8),
                    (unsigned)(p->fs->device & 0xff));
        add_escaped(out, p->subpath ? p->subpath : "/");
        rf_text_add(out, " ");
        add_escaped(out, path);
        /* places of the machine's set-up are as writable as their file systems */
        bool set_up = p->fs->changes_outside && p->fs->read_only;
        rf_text_add(out, " %s", p->flags & RF_MS_RDONLY || set_up ? "ro" : "rw");
        add_options(out, p);
        rf_text_add(out, " - %s ", p->fs->type);
        add_escaped(out, p->fs->source);
        rf_text_add(out, " %s", p->fs->read_only ? "ro" : "rw");
        add_own_options(out, k, p->fs);
        rf_text_add(out, "\n");
    }
}
