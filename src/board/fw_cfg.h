/* The firmware configuration device of qemu's PCs, its traditional interface (qemu's
 * docs/specs/fw_cfg): a 16-bit selector at port 510H, bytes of the selected item at 511H. */
#ifndef RF_BOARD_FW_CFG_H
#define RF_BOARD_FW_CFG_H

#include "board/bus.h"

struct rf_fw_cfg {
    uint64_t memory; /* bytes of RAM */
    uint16_t cpus;
    uint16_t key;
    uint32_t offset; /* of the next byte */
};

bool rf_fw_cfg_connect(struct rf_fw_cfg *fw_cfg, struct rf_bus *bus);

#endif
