/* The board's wiring (board/devices.h). */
#include "board/devices.h"

#include "cpu/bus.h"

/* --- from the CPU --- */

static uint32_t port_read(void *user, uint16_t port, unsigned size)
{
    return rf_bus_in(&((struct rf_devices *)user)->bus, port, size);
}
static void port_write(void *user, uint16_t port, uint32_t value, unsigned size)
{
    rf_bus_out(&((struct rf_devices *)user)->bus, port, value, size);
}
static void memory_read(void *user, uint64_t pa, void *out, size_t size)
{
    rf_bus_load(&((struct rf_devices *)user)->bus, pa, out, size);
}
static void memory_write(void *user, uint64_t pa, const void *data, size_t size)
{
    rf_bus_store(&((struct rf_devices *)user)->bus, pa, data, size);
}
static uint8_t acknowledge(void *user)
{
    return rf_pic_acknowledge(&((struct rf_devices *)user)->pic);
}
static void end_of_interrupt(void *user, uint8_t vector)
{
    rf_ioapic_end_of_interrupt(&((struct rf_devices *)user)->ioapic, vector);
}

static const struct rf_bus_ops ops = { port_read,    port_write,  memory_read,
                                       memory_write, acknowledge, end_of_interrupt };

/* --- to the CPU, and between devices --- */

static void on_pic_output(void *user, bool level)
{
    rf_apic_set_lint0(user, level);
}
static void on_ioapic_message(void *user, const struct rf_apic_message *message)
{
    rf_apic_send(user, message);
}
static void on_test_line(void *user, unsigned line, bool level)
{
    rf_devices_set_line(user, line, level);
}
static void on_power(void *user)
{
    rf_cpu_stop(user, RF_STOP_DEVICE);
}

void rf_devices_set_line(struct rf_devices *devices, unsigned line, bool level)
{
    if (line < 16)
        rf_pic_set_line(&devices->pic, line, level);
    if (line < RF_IOAPIC_PINS)
        rf_ioapic_set_pin(&devices->ioapic, line ? line : 2, level);
}

void rf_devices_connect(struct rf_devices *d, struct rf_cpu *cpu, uint64_t memory)
{
    d->cpu = cpu;
    d->fw_cfg.memory = memory;
    d->fw_cfg.cpus = 1;
    d->pic.set_output = on_pic_output;
    d->ioapic.send = on_ioapic_message;
    d->power.stop = on_power;
    d->pic.set_output_user = d->ioapic.send_user = d->power.stop_user = cpu;
    d->testdev.set_line = on_test_line;
    d->testdev.set_line_user = d;
    rf_serial_connect(&d->serial, &d->bus, 0x3f8); /* a new bus has room for all of these */
    rf_pic_connect(&d->pic, &d->bus);
    rf_ioapic_connect(&d->ioapic, &d->bus);
    rf_fw_cfg_connect(&d->fw_cfg, &d->bus);
    rf_testdev_connect(&d->testdev, &d->bus);
    rf_power_connect(&d->power, &d->bus);
    rf_apic_create_wired(cpu);
    rf_cpu_connect(cpu, &ops, d);
}
