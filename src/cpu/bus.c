/* The CPU's way to devices and back (cpu/bus.h). */
#include "cpu/bus.h"

#include "cpu/engine.h"

#include <simde/x86/sse.h>
#include <string.h>

/* --- to devices --- */

/* The host's MXCSR is the guest's while guest code runs; C code wants its own. */
#define MXCSR_DEFAULT 0x1f80u
static uint32_t enter_host(void)
{
    uint32_t guest = simde_mm_getcsr();
    simde_mm_setcsr(MXCSR_DEFAULT);
    return guest;
}
static void leave_host(struct rf_cpu *cpu, uint32_t guest)
{
    simde_mm_setcsr(guest);
    /* perhaps by this very device: not a block later */
    if (RF_UNLIKELY(__atomic_load_n(&cpu->stop_requested, __ATOMIC_RELAXED)) &&
        __atomic_exchange_n(&cpu->stop_requested, false, __ATOMIC_RELAXED))
        rf_cpu_stop(cpu, RF_STOP_REQUEST);
}

uint32_t rf_cpu_port_read(struct rf_cpu *cpu, uint16_t port, unsigned size)
{
    if (!cpu->bus || !cpu->bus->port_read)
        return UINT32_MAX;
    const uint32_t mxcsr = enter_host();
    uint32_t value = cpu->bus->port_read(cpu->bus_user, port, size);
    leave_host(cpu, mxcsr);
    return value;
}

void rf_cpu_port_write(struct rf_cpu *cpu, uint16_t port, uint32_t value, unsigned size)
{
    if (!cpu->bus || !cpu->bus->port_write)
        return;
    const uint32_t mxcsr = enter_host();
    cpu->bus->port_write(cpu->bus_user, port, value, size);
    leave_host(cpu, mxcsr);
}

static void device_read(void *user, uint64_t pa, void *out, size_t size)
{
    struct rf_cpu *cpu = user;
    if (rf_apic_has_page(cpu, pa)) {
        rf_apic_load(cpu, pa & RF_PAGE_MASK, out, size);
    } else if (cpu->bus && cpu->bus->memory_read) {
        const uint32_t mxcsr = enter_host();
        cpu->bus->memory_read(cpu->bus_user, pa, out, size);
        leave_host(cpu, mxcsr);
    } else {
        memset(out, 0xff, size);
    }
}

static void device_write(void *user, uint64_t pa, const void *data, size_t size)
{
    struct rf_cpu *cpu = user;
    if (rf_apic_has_page(cpu, pa)) {
        rf_apic_store(cpu, pa & RF_PAGE_MASK, data, size);
    } else if (cpu->bus && cpu->bus->memory_write) {
        const uint32_t mxcsr = enter_host();
        cpu->bus->memory_write(cpu->bus_user, pa, data, size);
        leave_host(cpu, mxcsr);
    }
}

void rf_cpu_watch_memory(struct rf_cpu *cpu)
{
    cpu->mmu.device_read = device_read;
    cpu->mmu.device_write = device_write;
    cpu->mmu.device_user = cpu;
}

void rf_cpu_connect(struct rf_cpu *cpu, const struct rf_bus_ops *ops, void *user)
{
    cpu->bus = ops;
    cpu->bus_user = user;
    rf_cpu_watch_memory(cpu);
}

/* --- from devices --- */

uint64_t rf_cpu_now(const struct rf_cpu *cpu)
{
    return rf_cpu_cycles(cpu) + cpu->block_spent;
}

void rf_cpu_attend(struct rf_cpu *cpu)
{
    rf_cpu_refresh_budget(cpu);
    if (cpu->budget < 0)
        cpu->code_changed = true;
}

void rf_cpu_set_interrupt(struct rf_cpu *cpu, bool level)
{
    cpu->interrupt_pending = level;
    rf_cpu_attend(cpu);
}

void rf_cpu_set_nmi(struct rf_cpu *cpu)
{
    cpu->nmi_pending = true;
    rf_cpu_attend(cpu);
}

void rf_cpu_stop(struct rf_cpu *cpu, enum rf_stop reason)
{
    cpu->stop = reason;
    rf_cpu_attend(cpu);
}

uint8_t rf_cpu_acknowledge(struct rf_cpu *cpu)
{
    if (cpu->apic.present)
        return rf_apic_acknowledge(cpu);
    cpu->interrupt_pending = false; /* a device whose line stays up raises it again */
    if (cpu->bus && cpu->bus->acknowledge)
        return cpu->bus->acknowledge(cpu->bus_user);
    return cpu->interrupt_vector;
}
