/* The test device (board/testdev.h). */
#include "board/testdev.h"

#include <string.h>

#define LINES 24

static uint32_t mask_of(unsigned offset, unsigned size)
{
    return (uint32_t)((UINT64_C(1) << 8 * size) - 1) << 8 * offset;
}

static uint32_t read_echo(void *user, unsigned offset, unsigned size)
{
    const struct rf_testdev *t = user;
    return (t->echo & mask_of(offset, size)) >> 8 * offset;
}

static void write_echo(void *user, unsigned offset, uint32_t value, unsigned size)
{
    struct rf_testdev *t = user;
    t->echo = (t->echo & ~mask_of(offset, size)) | value << 8 * offset;
}

static void write_line(void *user, unsigned offset, uint32_t value, unsigned size)
{
    struct rf_testdev *t = user;
    (void)size;
    if (t->set_line)
        t->set_line(t->set_line_user, offset, value != 0);
}

static void load(void *user, uint64_t offset, void *out, size_t size)
{
    memcpy(out, ((struct rf_testdev *)user)->memory + offset, size);
}

static void store(void *user, uint64_t offset, const void *data, size_t size)
{
    memcpy(((struct rf_testdev *)user)->memory + offset, data, size);
}

bool rf_testdev_connect(struct rf_testdev *testdev, struct rf_bus *bus)
{
    const struct rf_port_range ranges[] = {
        { 0xe0, 4, 4, read_echo, write_echo, testdev },
        { 0xe4, 4, 4, NULL, NULL, testdev },
        { 0xe8, 4, 1, read_echo, write_echo, testdev },
        { 0x2000, LINES, 1, NULL, write_line, testdev },
    };
    for (unsigned i = 0; i < RF_ARRAY_SIZE(ranges); i++)
        if (!rf_bus_add_ports(bus, &ranges[i]))
            return false;
    return rf_bus_add_memory(bus, &(struct rf_memory_range){ RF_TESTDEV_MEMORY, RF_TESTDEV_MEMORY_SIZE, load,
                                                             store, testdev });
}
