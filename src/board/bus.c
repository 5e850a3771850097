/* The bus: finds the device of an access (board/bus.h). */
#include "board/bus.h"

#include <string.h>

bool rf_bus_add_ports(struct rf_bus *bus, const struct rf_port_range *range)
{
    if (bus->port_ranges == RF_BUS_RANGES || !range->count || range->count > 0x10000u - range->first)
        return false;
    bus->ports[bus->port_ranges++] = *range;
    return true;
}

bool rf_bus_add_memory(struct rf_bus *bus, const struct rf_memory_range *range)
{
    if (bus->memory_ranges == RF_BUS_RANGES || !range->size || range->size - 1 > UINT64_MAX - range->first)
        return false;
    bus->memory[bus->memory_ranges++] = *range;
    return true;
}

/* --- ports --- */

static const struct rf_port_range *find_port(const struct rf_bus *bus, uint16_t port)
{
    for (unsigned i = bus->port_ranges; i--;)
        if (port >= bus->ports[i].first && port - bus->ports[i].first < (int64_t)bus->ports[i].count)
            return &bus->ports[i];
    return NULL;
}

/* The range that takes the access whole, or NULL. */
static const struct rf_port_range *find_whole(const struct rf_bus *bus, uint16_t port, unsigned size)
{
    const struct rf_port_range *range = find_port(bus, port);
    bool fits = range && size <= range->width && port - range->first + size <= range->count;
    return fits ? range : NULL;
}

static uint32_t ones(unsigned size)
{
    return UINT32_MAX >> (32 - 8 * size);
}

uint32_t rf_bus_in(struct rf_bus *bus, uint16_t port, unsigned size)
{
    const struct rf_port_range *range = find_whole(bus, port, size);
    if (range)
        return range->read ? range->read(range->user, port - range->first, size) & ones(size) : ones(size);
    if (size == 1)
        return ones(1);
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= rf_bus_in(bus, (uint16_t)(port + i), 1) << 8 * i;
    return value;
}

void rf_bus_out(struct rf_bus *bus, uint16_t port, uint32_t value, unsigned size)
{
    const struct rf_port_range *range = find_whole(bus, port, size);
    if (range && range->write)
        range->write(range->user, port - range->first, value & ones(size), size);
    else if (!range && size > 1)
        for (unsigned i = 0; i < size; i++)
            rf_bus_out(bus, (uint16_t)(port + i), value >> 8 * i, 1);
}

/* --- memory --- */

static const struct rf_memory_range *find_memory(const struct rf_bus *bus, uint64_t pa)
{
    for (unsigned i = bus->memory_ranges; i--;)
        if (pa >= bus->memory[i].first && pa - bus->memory[i].first < bus->memory[i].size)
            return &bus->memory[i];
    return NULL;
}

/* How many bytes from pa on one answer covers: of the range, or of nothing. */
static size_t part_at(const struct rf_bus *bus, const struct rf_memory_range *range, uint64_t pa, size_t size)
{
    size_t part = 1;
    while (part < size && find_memory(bus, pa + part) == range)
        part++;
    return part;
}

void rf_bus_load(struct rf_bus *bus, uint64_t pa, void *out, size_t size)
{
    uint8_t *bytes = out;
    while (size) {
        const struct rf_memory_range *range = find_memory(bus, pa);
        size_t part = part_at(bus, range, pa, size);
        if (range && range->read)
            range->read(range->user, pa - range->first, bytes, part);
        else
            memset(bytes, 0xff, part);
        pa += part;
        bytes += part;
        size -= part;
    }
}

void rf_bus_store(struct rf_bus *bus, uint64_t pa, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    while (size) {
        const struct rf_memory_range *range = find_memory(bus, pa);
        size_t part = part_at(bus, range, pa, size);
        if (range && range->write)
            range->write(range->user, pa - range->first, bytes, part);
        pa += part;
        bytes += part;
        size -= part;
    }
}
