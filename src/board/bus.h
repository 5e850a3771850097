/* Which device an I/O port or a physical address belongs to. */
#ifndef RF_BOARD_BUS_H
#define RF_BOARD_BUS_H

#include "base/compiler.h"

/* offset is from the range's first port or address. A port access has 1, 2 or 4 bytes, at most
 * `width`, and does not leave the range; one of memory lies in one page. A NULL function: reads give
 * ones, writes vanish. */
typedef uint32_t rf_port_read(void *user, unsigned offset, unsigned size);
typedef void rf_port_write(void *user, unsigned offset, uint32_t value, unsigned size);
typedef void rf_memory_read(void *user, uint64_t offset, void *out, size_t size);
typedef void rf_memory_write(void *user, uint64_t offset, const void *data, size_t size);

struct rf_port_range {
    uint16_t first;
    uint32_t count; /* of ports */
    uint8_t width;  /* wider accesses are made byte by byte: 1, 2 or 4 */
    rf_port_read *read;
    rf_port_write *write;
    void *user;
};

struct rf_memory_range {
    uint64_t first, size;
    rf_memory_read *read;
    rf_memory_write *write;
    void *user;
};

#define RF_BUS_RANGES 64
struct rf_bus {
    struct rf_port_range ports[RF_BUS_RANGES];
    struct rf_memory_range memory[RF_BUS_RANGES];
    unsigned port_ranges, memory_ranges;
};

/* Of two ranges that overlap the later one answers. False: there are too many, or the range is empty
 * or leaves the address space. */
bool rf_bus_add_ports(struct rf_bus *bus, const struct rf_port_range *range);
bool rf_bus_add_memory(struct rf_bus *bus, const struct rf_memory_range *range);

/* Accesses of any kind; what no device covers is all ones, or vanishes. */
uint32_t rf_bus_in(struct rf_bus *bus, uint16_t port, unsigned size);
void rf_bus_out(struct rf_bus *bus, uint16_t port, uint32_t value, unsigned size);
void rf_bus_load(struct rf_bus *bus, uint64_t pa, void *out, size_t size);
void rf_bus_store(struct rf_bus *bus, uint64_t pa, const void *data, size_t size);

#endif
