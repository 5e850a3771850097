/* Run a program of this host in a machine of its own, with a file made in memory.
 *
 *     run_program /bin/busybox cat /greeting
 *
 * The program sees its own file, /greeting and standard input, output and error. */
#include <ringfort/machine.h>

#include <stdio.h>
#include <string.h>

static int failed(const rf_machine *machine, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, rf_error_text(machine));
    return 1;
}

int main(int argc, char **argv)
{
    static const char greeting[] = "hello from a file that no disk holds\n";
    const rf_machine_config config = {
        .memory = UINT64_C(256) << 20,
        .max_cycles = UINT64_C(1000000000), /* a program that hangs ends, too */
    };
    rf_machine *machine;
    rf_stop_reason reason;
    rf_result result;

    if (argc < 2) {
        fprintf(stderr, "usage: %s PROGRAM [ARGUMENT...]\n", argv[0]);
        return 2;
    }
    if (rf_machine_create(&config, &machine) != RF_OK) {
        fprintf(stderr, "no machine: %s\n", rf_create_error_text());
        return 1;
    }
    /* A single file is mounted like a directory; false: the program cannot write it. */
    int status = 0;
    if (rf_machine_mount(machine, argv[1], "/program", false) != RF_OK)
        status = failed(machine, argv[1]);
    else if (rf_machine_add_file(machine, "/greeting", greeting, strlen(greeting), 0644) != RF_OK)
        status = failed(machine, "/greeting");
    else if (rf_machine_start(machine, "/program", (const char *const *)argv + 1, NULL, NULL) != RF_OK)
        status = failed(machine, "cannot start");
    else if (rf_machine_run(machine, &reason) != RF_OK || reason != RF_MACHINE_EXITED)
        status = failed(machine, "stopped");
    else if (rf_machine_result(machine, &result) == RF_OK && result.signaled)
        printf("killed by signal %d at %#llx: %s\n", result.signal, (unsigned long long)result.rip,
               result.instruction);
    else
        printf("exit status %d\n", result.exit_code);
    rf_machine_destroy(machine);
    return status;
}
