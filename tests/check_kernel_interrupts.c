/* Timer interrupts of the emulated kernel: in user code, and inside the kernel between STI and CLI of the entry text, where
 * they come back to the kernel and a switch of tasks waits for the way out. */
#include "lib/suite.h"

#include "kernel/boot/boot.h"
#include "kernel/task/task.h"
#include "machine/machine.h"

#include <check.h>
#include <string.h>

/* Two tasks that spend nearly all their time in system calls. */
static const char *const busy[] = { "sh", "-c",
    "dd if=/dev/zero of=/dev/null bs=1M count=400 2>/dev/null & dd if=/dev/zero of=/dev/null bs=1M count=400 2>/dev/null; wait",
    NULL };

static rf_machine *started(const char *const *argv)
{
    static const char *const environment[] = { "PATH=/bin", NULL };
    rf_machine *m;
    ck_assert_int_eq(rf_machine_create(NULL, &m), RF_OK);
    ck_assert_int_eq(rf_machine_mount(m, "/bin/busybox", "/bin/busybox", false), RF_OK);
    ck_assert_int_eq(rf_machine_mount(m, "/bin/busybox", "/bin/sh", false), RF_OK);
    ck_assert_int_eq(rf_machine_mount(m, "/bin/busybox", "/bin/dd", false), RF_OK);
    ck_assert_msg(rf_machine_start(m, "/bin/sh", argv, environment, NULL) == RF_OK, "%s", rf_error_text(m));
    return m;
}

/* What is seen when the machine stops every few instructions. */
struct seen {
    uint64_t in_entry, in_body, in_exit, other;
    bool switched_inside;
};

static void look(const rf_machine *m, const struct rf_task **interrupted, struct seen *seen)
{
    const struct rf_cpu *cpu = &m->cpu;
    if (cpu->account_interrupted == RF_ACCOUNT_COUNT) {
        *interrupted = NULL;
        return;
    }
    if (*interrupted && *interrupted != m->kernel.current)
        seen->switched_inside = true; /* before the interrupt has returned */
    if (!*interrupted) {
        ck_assert_uint_eq(cpu->cpl, 0);
        switch (cpu->account_interrupted) {
        case RF_ACCOUNT_ENTRY: seen->in_entry++; break;
        case RF_ACCOUNT_BODY: seen->in_body++; break;
        case RF_ACCOUNT_EXIT: seen->in_exit++; break;
        default: seen->other++; break;
        }
    }
    *interrupted = m->kernel.current;
}

START_TEST(a_timer_interrupts_the_kernel)
{
    rf_machine *m = started(busy);
    const struct rf_task *interrupted = NULL;
    struct seen seen = { 0 };
    rf_stop_reason reason;
    do {
        m->cpu.stop_cycles = rf_cpu_cycles(&m->cpu) + 20;
        ck_assert_int_eq(rf_machine_run(m, &reason), RF_OK);
        look(m, &interrupted, &seen);
    } while (reason == RF_MACHINE_LIMIT);
    ck_assert_int_eq(reason, RF_MACHINE_EXITED);
    ck_assert_uint_gt(seen.in_entry + seen.in_body + seen.in_exit, 3);
    ck_assert(!seen.switched_inside);
    rf_machine_destroy(m);
}
END_TEST

/* The time of interrupts in the kernel is the interrupts', and all parts add up. */
START_TEST(accounts_tell_interrupts_from_the_kernels_work)
{
    rf_machine *m = started(busy);
    rf_stop_reason reason;
    rf_stats stats;
    uint64_t sum = 0, interrupt = 0;
    ck_assert_int_eq(rf_machine_run(m, &reason), RF_OK);
    ck_assert_int_eq(reason, RF_MACHINE_EXITED);
    rf_machine_stats(m, &stats);
    for (unsigned i = 0; rf_stats_account_name(i); i++) {
        sum += stats.account_cycles[i];
        if (!strcmp(rf_stats_account_name(i), "interrupt"))
            interrupt = stats.account_cycles[i];
    }
    ck_assert_uint_eq(sum, stats.cycles);
    ck_assert_uint_gt(interrupt, 0);
    ck_assert_uint_gt(stats.interrupts, 3);
    rf_machine_destroy(m);
}
END_TEST

int main(void)
{
    const struct suite_case cases[] = {
        { "kernel interrupted", a_timer_interrupts_the_kernel },
        { "accounts", accounts_tell_interrupts_from_the_kernels_work },
    };
    return RUN_CASES("kernel_interrupts", cases);
}
