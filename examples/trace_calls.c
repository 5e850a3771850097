/* Watch a program's system calls as they happen: count the failed ones and show them.
 *
 *     trace_calls /bin/busybox ls /nowhere
 */
#include <ringfort/machine.h>

#include <stdio.h>
#include <string.h>

struct counts {
    unsigned calls, failed, signals;
};

/* One line in strace's form for each system call, signal and exit. */
static void on_line(void *user, const char *line)
{
    struct counts *counts = user;
    if (!strncmp(line, "+++ ", 4))
        return;
    if (!strncmp(line, "--- ", 4)) {
        counts->signals++;
        return;
    }
    counts->calls++;
    if (strstr(line, " = -1 E")) {
        counts->failed++;
        printf("failed: %s\n", line);
    }
}

int main(int argc, char **argv)
{
    struct counts counts = { 0 };
    const rf_machine_config config = { .trace = on_line, .trace_user = &counts };
    rf_machine *machine;
    rf_stop_reason reason;

    if (argc < 2) {
        fprintf(stderr, "usage: %s PROGRAM [ARGUMENT...]\n", argv[0]);
        return 2;
    }
    if (rf_machine_create(&config, &machine) != RF_OK) {
        fprintf(stderr, "no machine: %s\n", rf_create_error_text());
        return 1;
    }
    rf_status error = rf_machine_mount(machine, argv[1], "/program", false);
    if (!error)
        error = rf_machine_start(machine, "/program", (const char *const *)argv + 1, NULL, NULL);
    if (!error)
        error = rf_machine_run(machine, &reason);
    if (error)
        fprintf(stderr, "%s: %s\n", argv[1], rf_error_text(machine));
    fflush(stdout);
    printf("%u calls, %u failed, %u signals\n", counts.calls, counts.failed, counts.signals);
    rf_machine_destroy(machine);
    return error != RF_OK;
}
