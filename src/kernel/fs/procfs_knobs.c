/* Files of /proc that say how the kernel is set up: limits, devices, random numbers, load. What cannot be changed here is
 * told as it is. */
#include "kernel/fs/procfs.h"
#include "kernel/frames.h"
#include "kernel/task/task.h"

#define CONSTANT(name, text)                                                          \
    void rf_proc_##name(struct rf_text *out, struct rf_kernel *k, struct rf_task *task) \
    {                                                                                 \
        (void)k, (void)task;                                                          \
        rf_text_add(out, "%s", text);                                                 \
    }
CONSTANT(cmdline, "ringfort\n")
CONSTANT(partitions, "major minor  #blocks  name\n\n")
CONSTANT(swaps, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
CONSTANT(nothing, "")
CONSTANT(devices, "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n128 ptm\n136 pts\n\nBlock devices:\n")
CONSTANT(cap_last_cap, "40\n")
CONSTANT(domainname, "(none)\n")
CONSTANT(ngroups_max, "65536\n")
CONSTANT(overflow_id, "65534\n")
CONSTANT(pid_max, "4194304\n")
CONSTANT(zero, "0\n")
CONSTANT(entropy, "256\n")
CONSTANT(nr_open, "1048576\n")
CONSTANT(pipe_max_size, "1048576\n")
CONSTANT(swappiness, "60\n")
CONSTANT(overcommit_ratio, "50\n")

static void add_uuid(struct rf_text *out, uint8_t bytes[16])
{
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    for (unsigned i = 0; i < 16; i++)
        rf_text_add(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
    rf_text_add(out, "\n");
}

/* Another one each time. */
void rf_proc_random_uuid(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    uint8_t bytes[16];
    (void)task;
    rf_kernel_random(k, bytes, sizeof bytes);
    add_uuid(out, bytes);
}

/* The same as long as the machine runs, and on every run that begins alike. */
void rf_proc_boot_id(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    uint64_t state = k->boot_random, words[2];
    (void)task;
    words[0] = rf_random_next(&state);
    words[1] = rf_random_next(&state);
    add_uuid(out, (uint8_t *)words);
}

/* Without a history of its own: what can run now stands for all three averages. */
void rf_proc_loadavg(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    unsigned runnable = 0, all = 0;
    (void)task;
    for (const struct rf_task *t = k->tasks; t; t = t->next_task) {
        all++;
        runnable += t->state == RF_TASK_RUNNABLE;
    }
    rf_text_add(out, "%u.00 %u.00 %u.00 %u/%u %d\n", runnable, runnable, runnable, runnable, all,
                rf_proc_number(out, k->next_pid - 1));
}

void rf_proc_vmstat(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    unsigned long long faults = 0;
    (void)task;
    for (const struct rf_task *t = k->tasks; t; t = t->next_task)
        faults += t->usage.faults;
    rf_text_add(out, "nr_free_pages %llu\npgfault %llu\npswpin 0\npswpout 0\n", (unsigned long long)rf_frames_free(k), faults);
}

/* Open files and the most of them: what memory has room for. */
void rf_proc_file_max(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    rf_text_add(out, "%llu\n", (unsigned long long)(rf_frames_total(k) * RF_PAGE_SIZE / 1024 / 10));
}
