/* The test device that images for `qemu -device pc-testdev` use (qemu's hw/misc/pc-testdev.c): ports
 * E0H-E3H and E8H-EBH, a register that echoes; E4H, where qemu makes the host forget a page, which
 * here has nothing to do; 2000H+n, interrupt line n; 64 KiB of memory-like registers at FF000000H. */
#ifndef RF_BOARD_TESTDEV_H
#define RF_BOARD_TESTDEV_H

#include "board/bus.h"

#define RF_TESTDEV_MEMORY UINT64_C(0xff000000)
#define RF_TESTDEV_MEMORY_SIZE 0x10000

struct rf_testdev {
    uint32_t echo;
    uint8_t memory[RF_TESTDEV_MEMORY_SIZE];
    void (*set_line)(void *user, unsigned line, bool level);
    void *set_line_user;
};

bool rf_testdev_connect(struct rf_testdev *testdev, struct rf_bus *bus);

#endif
