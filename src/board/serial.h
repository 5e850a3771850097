/* A 16550A serial port without a far end: what is sent goes to a function, nothing arrives, and it
 * raises no interrupts (National Semiconductor PC16550D data sheet, section 8). */
#ifndef RF_BOARD_SERIAL_H
#define RF_BOARD_SERIAL_H

#include "board/bus.h"

struct rf_serial {
    uint8_t ier, fcr, lcr, mcr, scratch;
    uint8_t divisor[2];
    void (*send)(void *user, uint8_t byte); /* NULL: bytes vanish */
    void *send_user;
};

/* Eight ports from `first` on. */
bool rf_serial_connect(struct rf_serial *serial, struct rf_bus *bus, uint16_t first);

#endif
