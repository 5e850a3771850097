/* The public bare machine: creation, running, events, figures (ringfort/bare.h). Registers:
 * bare_registers.c; memory: bare_memory.c. */
#include "machine/bare.h"

#include "cpu/bus.h"
#include "machine/create_error.h"
#include "machine/explain.h"
#include "machine/hardware.h"
#include "machine/inspect.h"

#include <stdlib.h>

#define DEFAULT_MEMORY (UINT64_C(16) << 20)
#define LEAST_MEMORY (UINT64_C(64) << 10)
#define MOST_MEMORY (UINT64_C(3) << 30)

/* --- life --- */

static enum rf_door_action at_door(void *user, struct rf_cpu *cpu)
{
    (void)user, (void)cpu;
    return RF_DOOR_STOP;
}

/* --- the interrupt pin: INTR, or LINT0 of a local APIC --- */

static bool is_waiting(const struct rf_cpu *cpu)
{
    return cpu->apic.present ? cpu->apic.lint0 : cpu->interrupt_pending;
}

/* An ExtINT pin stays up until the vector is asked for; for another mode of LINT0 the edge is all. */
static void raise_interrupt(struct rf_bare *bare, struct rf_cpu *cpu, uint8_t vector)
{
    bare->line_vector = vector;
    if (!cpu->apic.present) {
        rf_cpu_set_interrupt(cpu, true);
        return;
    }
    rf_apic_set_lint0(cpu, true);
    if (rf_apic_lint0_mode(cpu) != RF_APIC_EXTINT)
        rf_apic_set_lint0(cpu, false);
}

static uint8_t acknowledge(void *user)
{
    struct rf_bare *bare = user;
    bare->cpu.apic.lint0 = false; /* the APIC looks at it again after this */
    return bare->line_vector;
}

static void at_timer(void *user, struct rf_cpu *cpu)
{
    struct rf_bare *bare = user;
    if (!is_waiting(cpu))
        raise_interrupt(bare, cpu, bare->timer_vector);
}

static uint32_t port_read(void *user, uint16_t port, unsigned size)
{
    const struct rf_bare *bare = user;
    return bare->port_read ? bare->port_read(bare->port_user, port, size) : UINT32_MAX;
}

static void port_write(void *user, uint16_t port, uint32_t value, unsigned size)
{
    const struct rf_bare *bare = user;
    if (bare->port_write)
        bare->port_write(bare->port_user, port, value, size);
}

static const struct rf_bus_ops bus = { .port_read = port_read, .port_write = port_write, .acknowledge = acknowledge };

static rf_status check_config(const rf_bare_config *c, struct rf_error *err)
{
    if (c->memory && (c->memory < LEAST_MEMORY || c->memory > MOST_MEMORY))
        return rf_error_set(err, RF_ERR_ARGUMENT, "memory of %llu bytes is outside 64 KiB to 3 GiB",
                            (unsigned long long)c->memory);
    return rf_cpu_choice_check(&(struct rf_cpu_choice){ c->cpu, c->vendor }, err);
}

static rf_status build(struct rf_bare *bare, const rf_bare_config *c, struct rf_error *err)
{
    struct rf_cpu *cpu = &bare->cpu;
    rf_status status = rf_hardware_create(cpu, &bare->ram, c->memory ? c->memory : DEFAULT_MEMORY,
                                          &(struct rf_cpu_choice){ c->cpu, c->vendor }, err);
    if (status)
        return status;
    /* There is no ROM at the reset vector: code begins at the first byte of RAM. */
    cpu->seg[RF_CS].selector = 0;
    cpu->seg[RF_CS].base = 0;
    cpu->r[RF_REG_IP] = 0;
    rf_cpu_mode_changed(cpu);
    cpu->door = at_door;
    cpu->timer = at_timer;
    cpu->timer_user = bare;
    rf_cpu_connect(cpu, &bus, bare);
    if (c->apic)
        rf_apic_create_wired(cpu);
    bare->max_cycles = c->max_cycles ? c->max_cycles : UINT64_MAX;
    return RF_OK;
}

rf_status rf_bare_create(const rf_bare_config *config, rf_bare **out)
{
    static const rf_bare_config defaults;
    struct rf_error err = { 0 };
    rf_set_create_error("");
    if (!out)
        return RF_ERR_ARGUMENT;
    *out = NULL;
    if (!config)
        config = &defaults;
    struct rf_bare *bare = NULL;
    rf_status status = check_config(config, &err);
    if (!status && !(bare = rf_machine_allocate(sizeof *bare, &err)))
        status = RF_ERR_NO_MEMORY;
    if (!status)
        status = build(bare, config, &err);
    if (status) {
        rf_set_create_error(err.text);
        free(bare);
        return status;
    }
    *out = bare;
    return RF_OK;
}

void rf_bare_destroy(rf_bare *bare)
{
    if (!bare)
        return;
    rf_hardware_destroy(&bare->cpu, &bare->ram);
    free(bare);
}

const char *rf_bare_error_text(const rf_bare *bare)
{
    return bare ? bare->error.text : "";
}

/* --- running --- */

const char *rf_bare_stop_name(rf_bare_stop_reason reason)
{
    static const char *const names[] = {
        [RF_BARE_DOOR] = "door", [RF_BARE_HALT] = "halt", [RF_BARE_TRIPLE_FAULT] = "triple fault",
        [RF_BARE_LIMIT] = "cycle limit", [RF_BARE_STOPPED] = "stopped", [RF_BARE_STEPPED] = "stepped",
        [RF_BARE_RESET] = "reset",
    };
    return (unsigned)reason < RF_ARRAY_SIZE(names) ? names[reason] : "unknown";
}

static rf_bare_stop_reason reason_of(struct rf_bare *bare, enum rf_stop stop)
{
    switch (stop) {
    case RF_STOP_DOOR: return RF_BARE_DOOR;
    case RF_STOP_HALT: return RF_BARE_HALT;
    case RF_STOP_REQUEST: return RF_BARE_STOPPED;
    case RF_STOP_RESET: return RF_BARE_RESET;
    case RF_STOP_TRIPLE_FAULT:
        bare->shut_down = true;
        rf_error_set(&bare->error, RF_ERR_STATE, "%s", bare->cpu.stop_text);
        return RF_BARE_TRIPLE_FAULT;
    default: return RF_BARE_LIMIT;
    }
}

static rf_status ready(struct rf_bare *bare)
{
    rf_bare_begin(bare);
    if (bare->shut_down)
        return rf_error_set(&bare->error, RF_ERR_STATE,
                            "the CPU has shut down after a triple fault; set RIP to run again");
    /* Code that a caller starts at CPL 0 is the kernel's own work. */
    if (bare->cpu.cpl < 3 && bare->cpu.account.current == RF_ACCOUNT_USER)
        rf_cpu_account(&bare->cpu, RF_ACCOUNT_BODY);
    else if (bare->cpu.cpl == 3)
        rf_cpu_account(&bare->cpu, RF_ACCOUNT_USER);
    return RF_OK;
}

rf_status rf_bare_run(rf_bare *bare, uint64_t cycles, rf_bare_stop_reason *reason)
{
    if (!bare || !reason)
        return RF_ERR_ARGUMENT;
    rf_status status = ready(bare);
    if (status)
        return status;
    struct rf_cpu *cpu = &bare->cpu;
    uint64_t now = rf_cpu_cycles(cpu);
    if (!cycles)
        cycles = bare->max_cycles;
    cpu->stop_cycles = cycles < UINT64_MAX - now ? now + cycles : UINT64_MAX;
    *reason = reason_of(bare, rf_cpu_run(cpu));
    return RF_OK;
}

/* When the one step is over: at once, but an event that is due must have its time before the limit is seen, and a CPU
 * that has halted waits for a timer. */
static uint64_t end_of_step(const struct rf_cpu *cpu)
{
    uint64_t now = rf_cpu_cycles(cpu);
    uint64_t timer = cpu->timer_cycles < cpu->apic.expiry ? cpu->timer_cycles : cpu->apic.expiry;
    if (cpu->halted && timer > now && timer != UINT64_MAX)
        return timer + 1;
    return now + rf_cpu_event_due(cpu);
}

/* The machine stops at the end of the one block that may run, which has one instruction. */
rf_status rf_bare_step(rf_bare *bare, rf_bare_stop_reason *reason)
{
    if (!bare || !reason)
        return RF_ERR_ARGUMENT;
    rf_status status = ready(bare);
    if (status)
        return status;
    struct rf_cpu *cpu = &bare->cpu;
    cpu->single = true;
    rf_cpu_expire_timers(cpu);
    if (!rf_cpu_event_due(cpu)) /* nothing waits for the shadow of STI or MOV SS to end: there is none */
        cpu->shadow = cpu->shadow_ss = false;
    cpu->stop_cycles = end_of_step(cpu);
    enum rf_stop stop = rf_cpu_run(cpu);
    cpu->single = false;
    if (stop == RF_STOP_LIMIT) /* the one instruction of a shadow is over */
        cpu->in_shadow = false;
    rf_cpu_mode_changed(cpu);
    *reason = stop == RF_STOP_LIMIT ? RF_BARE_STEPPED : reason_of(bare, stop);
    return RF_OK;
}

void rf_bare_stop(rf_bare *bare)
{
    rf_cpu_request_stop(&bare->cpu);
}

/* --- events --- */

rf_status rf_bare_interrupt(rf_bare *bare, unsigned vector)
{
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_bare_begin(bare);
    if (vector > 255)
        return rf_error_set(&bare->error, RF_ERR_ARGUMENT, "interrupt vector %u is above 255", vector);
    if (is_waiting(&bare->cpu))
        return rf_error_set(&bare->error, RF_ERR_STATE, "interrupt %#x is waiting already", bare->line_vector);
    raise_interrupt(bare, &bare->cpu, (uint8_t)vector);
    return RF_OK;
}

rf_status rf_bare_interrupt_after(rf_bare *bare, unsigned vector, uint64_t cycles)
{
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_bare_begin(bare);
    uint64_t now = rf_cpu_cycles(&bare->cpu);
    if (vector > 255)
        return rf_error_set(&bare->error, RF_ERR_ARGUMENT, "interrupt vector %u is above 255", vector);
    if (!cycles || cycles >= (uint64_t)INT64_MAX - now)
        return rf_error_set(&bare->error, RF_ERR_ARGUMENT, "an interrupt after %llu cycles is none",
                            (unsigned long long)cycles);
    bare->timer_vector = (uint8_t)vector;
    bare->cpu.timer_cycles = now + cycles;
    return RF_OK;
}

void rf_bare_nmi(rf_bare *bare)
{
    rf_cpu_set_nmi(&bare->cpu);
}

void rf_bare_set_ports(rf_bare *bare, rf_bare_port_read *read, rf_bare_port_write *write, void *user)
{
    bare->port_read = read;
    bare->port_write = write;
    bare->port_user = user;
}

/* --- looking --- */

void rf_bare_stats(const rf_bare *bare, rf_stats *out)
{
    rf_inspect_stats(&bare->cpu, out);
}

uint64_t rf_bare_cycles(const rf_bare *bare)
{
    return rf_cpu_cycles(&bare->cpu);
}

rf_status rf_bare_explain(const rf_bare *bare, uint64_t address, rf_access_kind access, rf_access_by by,
                          rf_explanation *out)
{
    return bare ? rf_explain_mmu(&bare->cpu.mmu, address, access, by, out) : RF_ERR_ARGUMENT;
}
