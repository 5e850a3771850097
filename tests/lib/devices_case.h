/* Cases about the board's devices: a bare machine with all of them, and short names for accesses. */
#ifndef DEVICES_CASE_H
#define DEVICES_CASE_H

#include "bare_case.h"
#include "board/devices.h"
#include "cpu/bus.h"

#include <stdlib.h>

static struct rf_devices *d;
static struct bare machine;
static char sent[64];
static unsigned sent_count;

static inline void on_byte(void *user, uint8_t byte)
{
    (void)user;
    sent[sent_count++ % sizeof sent] = (char)byte;
}

static inline void setup(void)
{
    bare_create(&machine, 0);
    d = calloc(1, sizeof *d);
    ck_assert_ptr_nonnull(d);
    rf_devices_connect(d, machine.cpu, BARE_RAM);
    d->serial.send = on_byte;
    sent_count = 0;
}
static inline void teardown(void)
{
    bare_destroy(&machine);
    free(d);
}

static inline uint32_t in(uint16_t port, unsigned size) { return rf_bus_in(&d->bus, port, size); }
static inline void out(uint16_t port, uint32_t value, unsigned size) { rf_bus_out(&d->bus, port, value, size); }
static inline uint32_t load(uint64_t pa)
{
    uint32_t value;
    rf_bus_load(&d->bus, pa, &value, 4);
    return value;
}
static inline void store(uint64_t pa, uint32_t value) { rf_bus_store(&d->bus, pa, &value, 4); }
static inline bool requested(uint8_t vector) { return machine.cpu->apic.irr[vector / 32] >> vector % 32 & 1; }
static inline void end(void)
{
    uint32_t zero = 0;
    rf_apic_acknowledge(machine.cpu);
    rf_apic_store(machine.cpu, 0xb0, &zero, 4);
}

/* Registers of the I/O APIC. */
static inline uint32_t io_read(uint8_t reg)
{
    store(RF_IOAPIC_BASE, reg);
    return load(RF_IOAPIC_BASE + 0x10);
}
static inline void io_write(uint8_t reg, uint32_t value)
{
    store(RF_IOAPIC_BASE, reg);
    store(RF_IOAPIC_BASE + 0x10, value);
}
static inline void redirect(unsigned pin, uint32_t low, uint32_t high)
{
    io_write((uint8_t)(0x11 + 2 * pin), high);
    io_write((uint8_t)(0x10 + 2 * pin), low);
}
static inline void pulse(unsigned line)
{
    rf_devices_set_line(d, line, true);
    rf_devices_set_line(d, line, false);
}

#endif
