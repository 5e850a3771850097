/* The I/O APIC (Intel 82093AA data sheet; the EOI register of version 20H, which later chips have, as
 * qemu's hw/intc/ioapic.c). 24 pins, each with an entry of the redirection table. */
#ifndef RF_BOARD_IOAPIC_H
#define RF_BOARD_IOAPIC_H

#include "board/bus.h"
#include "cpu/apic.h"

#define RF_IOAPIC_BASE UINT64_C(0xfec00000)
#define RF_IOAPIC_PINS 24

struct rf_ioapic {
    uint8_t select, id;
    uint32_t lines; /* levels of the pins */
    uint64_t entry[RF_IOAPIC_PINS];
    void (*send)(void *user, const struct rf_apic_message *message);
    void *send_user;
};

/* All entries masked. */
bool rf_ioapic_connect(struct rf_ioapic *ioapic, struct rf_bus *bus);
void rf_ioapic_set_pin(struct rf_ioapic *ioapic, unsigned pin, bool level);
/* A local APIC has ended a level-triggered interrupt: one whose pin is still up comes again. */
void rf_ioapic_end_of_interrupt(struct rf_ioapic *ioapic, uint8_t vector);

#endif
