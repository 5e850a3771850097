/* Ports that end the machine (board/power.h). */
#include "board/power.h"

static const char word[] = "Shutdown";

static uint32_t read_exit(void *user, unsigned offset, unsigned size)
{
    (void)user, (void)offset, (void)size;
    return 0;
}

static void write_exit(void *user, unsigned offset, uint32_t value, unsigned size)
{
    struct rf_power *p = user;
    (void)offset, (void)size;
    p->exited = true;
    p->code = value;
    if (p->stop)
        p->stop(p->stop_user);
}

/* A wrong letter begins the word again. */
static void write_shutdown(void *user, unsigned offset, uint32_t value, unsigned size)
{
    struct rf_power *p = user;
    (void)offset, (void)size;
    if (value != (uint8_t)word[p->matched])
        p->matched = 0;
    if (value != (uint8_t)word[p->matched])
        return;
    if (++p->matched < sizeof word - 1)
        return;
    p->matched = 0;
    p->shut_down = true;
    if (p->stop)
        p->stop(p->stop_user);
}

bool rf_power_connect(struct rf_power *power, struct rf_bus *bus)
{
    return rf_bus_add_ports(bus, &(struct rf_port_range){ 0xf4, 4, 4, read_exit, write_exit, power }) &&
           rf_bus_add_ports(bus, &(struct rf_port_range){ 0x8900, 1, 1, NULL, write_shutdown, power });
}
