/* The ports by which an image ends its machine: F4H-F7H, qemu's isa-debug-exit (hw/misc/debugexit.c),
 * where the value written is the exit code; and 8900H, where Bochs' firmware and old kernels write
 * "Shutdown". */
#ifndef RF_BOARD_POWER_H
#define RF_BOARD_POWER_H

#include "board/bus.h"

struct rf_power {
    bool exited, shut_down;
    uint32_t code;      /* when exited */
    unsigned matched;   /* letters of "Shutdown" so far */
    void (*stop)(void *user); /* called at either */
    void *stop_user;
};

bool rf_power_connect(struct rf_power *power, struct rf_bus *bus);

#endif
