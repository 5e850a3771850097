/* `ringfort run` (tools/run.h). */
#include "run.h"

#include "program.h"
#include "stats.h"

#include <inttypes.h>
#include <ringfort/machine.h>
#include <stdlib.h>
#include <string.h>

static int status_of(rf_status error)
{
    switch (error) {
    case RF_ERR_NOT_FOUND: return EXIT_NOT_FOUND;
    case RF_ERR_PERMISSION:
    case RF_ERR_FORMAT:
    case RF_ERR_UNSUPPORTED: return EXIT_FORMAT;
    default: return EXIT_OWN;
    }
}

static void write_trace(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "%s\n", line);
}

/* --- preparation --- */

/* The library's message, or the kind of error when it left none. */
static const char *why(const rf_machine *machine, rf_status error)
{
    const char *text = rf_error_text(machine);
    return *text ? text : rf_status_name(error);
}

static int mount_all(rf_machine *machine, const struct options *o)
{
    rf_status error = o->host_net ? rf_machine_allow_network(machine, o->net_rules) : RF_OK;
    if (error) {
        complain("--net host:%s: %s", o->net_rules ? o->net_rules : "", why(machine, error));
        return EXIT_OWN;
    }
    if (o->root)
        error = rf_machine_root(machine, o->root, o->root_access);
    if (error) {
        complain("--root %s: %s", o->root, why(machine, error));
        return EXIT_OWN;
    }
    for (size_t i = 0; i < o->mount_count; i++) {
        const struct mount_option *m = &o->mounts[i];
        error = m->image ? rf_machine_mount_image(machine, m->host, m->guest, m->access)
                         : rf_machine_mount(machine, m->host, m->guest, m->access);
        if (error) {
            complain("--%s %s:%s: %s", m->image ? "image" : "mount", m->host, m->guest, why(machine, error));
            return EXIT_OWN;
        }
    }
    return 0;
}

/* With --root, PROGRAM is looked for in the guest's tree. */
static int find_in_root(rf_machine *machine, struct program *program)
{
    char path[4096];
    if (rf_machine_find_program(machine, program->guest, NULL, path, sizeof path)) {
        complain("%s", rf_error_text(machine));
        return EXIT_NOT_FOUND;
    }
    free(program->guest);
    program->guest = must_print("%s", path);
    return 0;
}

static int prepare(rf_machine *machine, const struct options *o, struct program *program)
{
    rf_status error = RF_OK;
    int status = mount_all(machine, o);
    if (!status && o->root)
        status = find_in_root(machine, program);
    if (status)
        return status;
    if (program->host)
        error = rf_machine_add_file(machine, program->guest, program->bytes, program->size, program->mode);
    if (error) {
        complain("%s: cannot be shown in the guest at %s: %s", o->program, program->guest, why(machine, error));
        return EXIT_OWN;
    }
    return 0;
}

static int start(rf_machine *machine, const struct options *o, const struct program *program)
{
    rf_status error = rf_machine_start(machine, program->guest, o->argv, (const char *const *)o->env, o->cwd);
    if (!error)
        return 0;
    complain("%s", why(machine, error));
    if (error == RF_ERR_NOT_FOUND && program->size > 2 && !memcmp(program->bytes, "#!", 2))
        complain("%s is a script: mount its interpreter too", o->program);
    return status_of(error);
}

/* --- the end --- */

/* Names of Linux' x86-64 signals; the guest's numbers, whatever the host's are. */
static const char *signal_name(int number, char out[24])
{
    static const char *const names[] = {
        "0",    "HUP",  "INT",    "QUIT", "ILL",  "TRAP", "ABRT", "BUS",  "FPE",    "KILL", "USR1",
        "SEGV", "USR2", "PIPE",   "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN",
        "TTOU", "URG",  "XCPU",   "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    };
    if (number > 0 && number < 32)
        snprintf(out, 24, "SIG%s", names[number]);
    else
        snprintf(out, 24, "signal %d", number);
    return out;
}

static void report_death(const struct options *o, const rf_result *r)
{
    char name[24], fault[256] = "";
    if (r->has_fault)
        snprintf(fault, sizeof fault, " (address 0x%" PRIx64 ": %s)", r->fault_address, r->reason);
    else if (r->reason[0])
        snprintf(fault, sizeof fault, " (%s)", r->reason);
    complain("%s killed by %s at rip 0x%" PRIx64 "%s%s%s", o->program, signal_name(r->signal, name), r->rip,
             r->instruction[0] ? ": " : "", r->instruction, fault);
}

static int finish(rf_machine *machine, const struct options *o, rf_stop_reason reason)
{
    rf_result result;
    switch (reason) {
    case RF_MACHINE_EXITED:
        if (rf_machine_result(machine, &result) != RF_OK)
            break;
        if (!result.signaled)
            return result.exit_code;
        report_death(o, &result);
        return 128 + result.signal;
    case RF_MACHINE_LIMIT:
        complain("%s stopped: --max-cycles %" PRIu64 " was reached", o->program, o->max_cycles);
        return EXIT_LIMIT;
    case RF_MACHINE_DEADLOCK:
        complain("%s stopped: %s", o->program, rf_error_text(machine));
        return EXIT_DEADLOCK;
    case RF_MACHINE_STOPPED:
    case RF_MACHINE_CRASHED: break;
    }
    complain("%s stopped: %s", o->program, rf_error_text(machine));
    return EXIT_OWN;
}

static int run_in(rf_machine *machine, const struct options *o, struct program *program, run_done *done)
{
    int status = prepare(machine, o, program);
    if (!status)
        status = start(machine, o, program);
    if (status)
        return status;
    rf_stop_reason reason;
    rf_status error = o->strict ? rf_machine_lock_down(machine) : RF_OK;
    if (error) {
        complain("--strict: %s", why(machine, error));
        return EXIT_OWN;
    }
    error = rf_machine_run(machine, &reason);
    if (error) {
        complain("%s", why(machine, error));
        status = EXIT_OWN;
    } else {
        status = done(machine, o, reason);
    }
    if (o->stats)
        print_stats(stderr, machine);
    return status;
}

int run_machine(const struct options *o, rf_machine_config config, run_done *done)
{
    struct program program;
    rf_machine *machine = NULL;
    config.memory = o->memory;
    config.cpu = o->cpu;
    config.vendor = o->vendor;
    config.seed = o->seed;
    config.sched_seed = o->sched_seed;
    config.host_clock = o->host_clock;
    config.trace = o->strace ? write_trace : NULL;
    int status = program_find(o, &program);
    if (!status && rf_machine_create(&config, &machine) != RF_OK) {
        complain("%s", rf_create_error_text());
        status = EXIT_OWN;
    }
    if (!status)
        status = run_in(machine, o, &program, done);
    rf_machine_destroy(machine);
    program_free(&program);
    return status;
}

int run(const struct options *o)
{
    return run_machine(o, (rf_machine_config){ .max_cycles = o->max_cycles }, finish);
}
