/* The public machine: creation, mounts, start, run, figures. */
#include "machine/machine.h"
#include "machine/create_error.h"
#include "machine/hardware.h"
#include "machine/explain.h"
#include "machine/inspect.h"

#include "kernel/net/host.h"
#include "kernel/start.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MEMORY (UINT64_C(4) << 30)
#define LEAST_MEMORY (UINT64_C(8) << 20)
#define MOST_MEMORY (UINT64_C(64) << 30)

const char *rf_version(void)
{
    return RF_VERSION;
}

const char *rf_exception_name(unsigned vector)
{
    return rf_vector_name(vector);
}

/* --- observers --- */

static void on_enter(void *user, struct rf_kernel *k, struct rf_task *task, unsigned nr, const uint64_t args[6])
{
    struct rf_machine *m = user;
    if (m->trace.write)
        rf_trace_syscall_enter(&m->trace, k, task, nr, args);
}

static void on_leave(void *user, struct rf_kernel *k, struct rf_task *task, unsigned nr, int64_t result)
{
    struct rf_machine *m = user;
    (void)nr;
    if (m->trace.write)
        rf_trace_syscall_leave(&m->trace, k, task, result);
}

static void on_signal(void *user, struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info)
{
    struct rf_machine *m = user;
    if (task->process->leader == k->init)
        rf_report_signal(m, task, info);
    if (m->trace.write)
        rf_trace_signal(&m->trace, k, task, info);
}

static void on_task_exit(void *user, struct rf_kernel *k, struct rf_task *task, int wait_status)
{
    struct rf_machine *m = user;
    if (m->trace.write)
        rf_trace_exit(&m->trace, k, task, wait_status);
}

static const struct rf_kernel_observer observer = { on_enter, on_leave, on_signal, on_task_exit };

/* An instruction we do not know: one clear line, with the address and the bytes. */
static void on_unimplemented(void *user, struct rf_cpu *cpu, const uint8_t *bytes, unsigned length)
{
    struct rf_machine *m = user;
    const char *what = cpu->unimplemented_part ? cpu->unimplemented_part : "instruction";
    size_t used = (size_t)snprintf(m->unimplemented, sizeof m->unimplemented,
                                   "%s not implemented at %#llx%s", what,
                                   (unsigned long long)cpu->r[RF_REG_IP], length ? ":" : "");
    for (unsigned i = 0; i < length && used + 4 < sizeof m->unimplemented; i++)
        used += (size_t)snprintf(m->unimplemented + used, sizeof m->unimplemented - used, " %02x", bytes[i]);
    if (m->trace.write)
        m->trace.write(m->trace.user, m->unimplemented);
}

/* --- life --- */

static rf_status check_config(const rf_machine_config *c, struct rf_error *err)
{
    if (c->memory && (c->memory < LEAST_MEMORY || c->memory > MOST_MEMORY))
        return rf_error_set(err, RF_ERR_ARGUMENT, "memory of %llu bytes is outside 8 MiB to 64 GiB",
                            (unsigned long long)c->memory);
    if (c->hostname && strlen(c->hostname) > 64)
        return rf_error_set(err, RF_ERR_ARGUMENT, "the host name is longer than 64 bytes");
    return rf_cpu_choice_check(&(struct rf_cpu_choice){ c->cpu, c->vendor }, err);
}

static rf_status build(struct rf_machine *m, struct rf_error *err)
{
    uint64_t memory = m->config.memory ? m->config.memory : DEFAULT_MEMORY;
    rf_status status = rf_hardware_create(&m->cpu, &m->ram, memory,
                                          &(struct rf_cpu_choice){ m->config.cpu, m->config.vendor }, err);
    if (status)
        return status;
    const struct rf_kernel_config kernel = {
        .seed = m->config.seed,
        .epoch_ns = m->config.epoch_ns,
        .sched_seed = m->config.sched_seed,
        .host_clock = m->config.host_clock,
        .hostname = m->config.hostname,
    };
    status = rf_kernel_create(&m->kernel, &m->cpu, &m->ram, &kernel, err);
    if (status)
        rf_hardware_destroy(&m->cpu, &m->ram);
    return status;
}

rf_status rf_machine_create(const rf_machine_config *config, rf_machine **out)
{
    static const rf_machine_config defaults;
    struct rf_error err = { 0 };
    rf_set_create_error("");
    if (!out)
        return RF_ERR_ARGUMENT;
    *out = NULL;
    if (!config)
        config = &defaults;
    rf_status status = check_config(config, &err);
    struct rf_machine *m = NULL;
    if (!status && !(m = rf_machine_allocate(sizeof *m, &err)))
        status = RF_ERR_NO_MEMORY;
    if (!status) {
        m->config = *config;
        status = build(m, &err);
    }
    if (status) {
        free(m);
        rf_set_create_error(err.text);
        return status;
    }
    m->kernel.observer = &observer;
    m->kernel.observer_user = m;
    m->cpu.unimplemented = on_unimplemented;
    m->cpu.unimplemented_user = m;
    m->cpu.stop_cycles = config->max_cycles ? config->max_cycles : UINT64_MAX;
    m->kernel.keeps_last_mm = config->keep_memory;
    m->trace.write = config->trace;
    m->trace.user = config->trace_user;
    *out = m;
    return RF_OK;
}

void rf_machine_destroy(rf_machine *machine)
{
    if (!machine)
        return;
    rf_trace_feed_release(&machine->trace);
    rf_kernel_destroy(&machine->kernel);
    rf_hardware_destroy(&machine->cpu, &machine->ram);
    free(machine);
}

const char *rf_error_text(const rf_machine *machine)
{
    return machine ? machine->error.text : "";
}

static rf_status before_start(struct rf_machine *m)
{
    m->error.text[0] = '\0';
    if (m->started)
        return rf_error_set(&m->error, RF_ERR_STATE, "a program has already been started");
    return RF_OK;
}

static bool is_access(rf_mount_access access)
{
    return access == RF_MOUNT_READ_ONLY || access == RF_MOUNT_WRITABLE || access == RF_MOUNT_OVERLAY;
}

rf_status rf_machine_mount(rf_machine *machine, const char *host_path, const char *guest_path,
                           rf_mount_access access)
{
    if (!machine || !host_path || !guest_path || !is_access(access))
        return RF_ERR_ARGUMENT;
    rf_status status = before_start(machine);
    return status ? status : rf_vfs_mount_host(&machine->kernel, host_path, guest_path, access, &machine->error);
}

rf_status rf_machine_mount_image(rf_machine *machine, const char *host_path, const char *guest_path,
                                 rf_mount_access access)
{
    if (!machine || !host_path || !guest_path || !is_access(access))
        return RF_ERR_ARGUMENT;
    rf_status status = before_start(machine);
    return status ? status : rf_vfs_mount_image(&machine->kernel, host_path, guest_path, access, &machine->error);
}

rf_status rf_machine_root(rf_machine *machine, const char *host_path, rf_mount_access access)
{
    if (!machine || !host_path || !is_access(access))
        return RF_ERR_ARGUMENT;
    rf_status status = before_start(machine);
    return status ? status : rf_vfs_mount_root(&machine->kernel, host_path, access, &machine->error);
}

rf_status rf_machine_allow_network(rf_machine *machine, const char *rules)
{
    if (!machine)
        return RF_ERR_ARGUMENT;
    rf_status status = before_start(machine);
    return status ? status : rf_host_allow(&machine->kernel, rules, &machine->error);
}

rf_status rf_machine_find_program(rf_machine *machine, const char *name, const char *list, char *out, size_t size)
{
    static const char usual[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    if (!machine || !name || !out)
        return RF_ERR_ARGUMENT;
    return rf_vfs_find_program(&machine->kernel, name, list ? list : usual, out, size, &machine->error);
}

rf_status rf_machine_add_file(rf_machine *machine, const char *guest_path, const void *bytes,
                              size_t size, uint32_t mode)
{
    if (!machine || !guest_path || (!bytes && size))
        return RF_ERR_ARGUMENT;
    rf_status status = before_start(machine);
    return status ? status : rf_vfs_add_file(&machine->kernel, guest_path, bytes, size, mode, &machine->error);
}

rf_status rf_machine_start(rf_machine *machine, const char *guest_path, const char *const *argv,
                           const char *const *envp, const char *cwd)
{
    static const char *const nothing[] = { NULL };
    if (!machine || !guest_path || !argv)
        return RF_ERR_ARGUMENT;
    rf_status status = before_start(machine);
    if (status)
        return status;
    const struct rf_start_request request = {
        .path = guest_path,
        .argv = (char **)(uintptr_t)argv,
        .envp = (char **)(uintptr_t)(envp ? envp : nothing),
        .cwd = cwd,
        .uid = machine->config.uid,
        .gid = machine->config.gid,
    };
    machine->started = true;
    return rf_kernel_start(&machine->kernel, &request, &machine->error);
}

/* --- running --- */

static rf_stop_reason reason_of(struct rf_machine *m, enum rf_stop stop)
{
    const struct rf_kernel *k = &m->kernel;
    if (k->finished)
        return RF_MACHINE_EXITED;
    switch (stop) {
    case RF_STOP_LIMIT: return RF_MACHINE_LIMIT;
    case RF_STOP_REQUEST: return RF_MACHINE_STOPPED;
    case RF_STOP_TRIPLE_FAULT:
        rf_error_set(&m->error, RF_ERR_STATE, "%.400s", m->cpu.stop_text);
        return RF_MACHINE_CRASHED;
    default: break;
    }
    if (rf_cpu_cycles(&m->cpu) >= m->cpu.stop_cycles)
        return RF_MACHINE_LIMIT;
    if (m->cpu.stop_requested)
        return RF_MACHINE_STOPPED;
    rf_error_set(&m->error, RF_ERR_STATE, "%.1000s", k->stop_text[0] ? k->stop_text : "the CPU halted");
    return strncmp(k->stop_text, "deadlock", 8) ? RF_MACHINE_CRASHED : RF_MACHINE_DEADLOCK;
}

rf_status rf_machine_run(rf_machine *machine, rf_stop_reason *reason)
{
    if (!machine || !reason)
        return RF_ERR_ARGUMENT;
    machine->error.text[0] = '\0';
    if (!machine->kernel.init || machine->kernel.finished)
        return rf_error_set(&machine->error, RF_ERR_STATE, "there is no program to run");
    *reason = reason_of(machine, rf_cpu_run(&machine->cpu));
    return RF_OK;
}

void rf_machine_stop(rf_machine *machine)
{
    rf_cpu_request_stop(&machine->cpu);
}

rf_status rf_machine_result(const rf_machine *machine, rf_result *out)
{
    if (!machine || !out)
        return RF_ERR_ARGUMENT;
    if (!machine->kernel.finished)
        return RF_ERR_STATE;
    int status = machine->kernel.exit_status;
    memset(out, 0, sizeof *out);
    if (status & 0x7f) {
        if (machine->death.signal == (status & 0x7f))
            *out = machine->death;
        out->signaled = true;
        out->signal = status & 0x7f;
    } else {
        out->exit_code = status >> 8 & 0xff;
    }
    return RF_OK;
}

/* --- figures --- */

void rf_machine_stats(const rf_machine *machine, rf_stats *out)
{
    rf_inspect_stats(&machine->cpu, out);
    for (unsigned i = 0; i < RF_SYSCALL_COUNT; i++)
        out->syscall_calls += machine->kernel.syscall_counts[i].calls;
}

const char *rf_stats_account_name(unsigned index)
{
    return index < RF_ACCOUNT_COUNT ? rf_account_name((enum rf_account_id)index) : NULL;
}

bool rf_machine_syscall_stats(const rf_machine *machine, unsigned number, rf_syscall_stats *out)
{
    if (number >= RF_SYSCALL_COUNT || !machine->kernel.syscall_counts[number].calls)
        return false;
    const struct rf_syscall_count *c = &machine->kernel.syscall_counts[number];
    *out = (rf_syscall_stats){ c->calls, c->errors, c->cycles };
    return true;
}

const char *rf_syscall_name(unsigned number)
{
    const struct rf_syscall_desc *desc = rf_syscall_desc(number);
    return desc ? desc->name : NULL;
}

unsigned rf_syscall_limit(void)
{
    return RF_SYSCALL_COUNT;
}

bool rf_syscall_implemented(const rf_machine *machine, unsigned number)
{
    return number < RF_SYSCALL_COUNT && machine->kernel.handlers[number];
}
