/* Firmware configuration (board/fw_cfg.h). */
#include "board/fw_cfg.h"

enum {
    KEY_SIGNATURE = 0x00, KEY_FEATURES = 0x01, KEY_MEMORY = 0x03, KEY_CPUS = 0x05,
    KEY_MOST_CPUS = 0x0f,
    /* kvm-unit-tests reads a limit of RAM to use here: zero is none. */
    KEY_MOST_MEMORY = 0x11,
};

#define SIGNATURE 0x554d4551u /* "QEMU" */
#define FEATURE_TRADITIONAL 1u

/* Little-endian items of at most eight bytes; what lies beyond an item reads as zero. */
static uint64_t item(const struct rf_fw_cfg *f)
{
    switch (f->key) {
    case KEY_SIGNATURE: return SIGNATURE;
    case KEY_FEATURES: return FEATURE_TRADITIONAL;
    case KEY_MEMORY: return f->memory;
    case KEY_CPUS:
    case KEY_MOST_CPUS: return f->cpus;
    case KEY_MOST_MEMORY:
    default: return 0;
    }
}

static void write_selector(void *user, unsigned offset, uint32_t value, unsigned size)
{
    struct rf_fw_cfg *f = user;
    if (offset || size != 2)
        return;
    f->key = (uint16_t)value;
    f->offset = 0;
}

/* The selector's word covers the data port too, where bytes are read. */
static uint32_t read_data(void *user, unsigned offset, unsigned size)
{
    struct rf_fw_cfg *f = user;
    if (offset != 1 || size != 1 || f->offset >= 8)
        return 0;
    return item(f) >> 8 * f->offset++ & 0xff;
}

bool rf_fw_cfg_connect(struct rf_fw_cfg *fw_cfg, struct rf_bus *bus)
{
    return rf_bus_add_ports(bus, &(struct rf_port_range){ 0x510, 2, 2, read_data, write_selector, fw_cfg });
}
