/* The devices of a PC-like board, connected to each other and to a CPU: all that bare images made for
 * `qemu -kernel` touch. */
#ifndef RF_BOARD_DEVICES_H
#define RF_BOARD_DEVICES_H

#include "board/bus.h"
#include "board/fw_cfg.h"
#include "board/ioapic.h"
#include "board/pic.h"
#include "board/power.h"
#include "board/serial.h"
#include "board/testdev.h"

struct rf_cpu;

struct rf_devices {
    struct rf_cpu *cpu;
    struct rf_bus bus;
    struct rf_serial serial;
    struct rf_pic pic;
    struct rf_ioapic ioapic;
    struct rf_fw_cfg fw_cfg;
    struct rf_testdev testdev;
    struct rf_power power;
};

/* Gives the CPU a local APIC and connects everything. devices must be zeroed memory, which stays where
 * it is while the CPU lives. */
void rf_devices_connect(struct rf_devices *devices, struct rf_cpu *cpu, uint64_t memory);

/* An interrupt line, 0 to 23: of the I/O APIC (line 0 is its pin 2, as on PCs) and, up to 15, of the
 * PIC. */
void rf_devices_set_line(struct rf_devices *devices, unsigned line, bool level);

#endif
