/* The I/O APIC (board/ioapic.h). */
#include "board/ioapic.h"

#include <string.h>

#define IOREGSEL 0x00u
#define IOWIN 0x10u
#define EOI 0x40u
enum { REG_ID, REG_VERSION, REG_ARBITRATION, REG_TABLE = 0x10 };

#define VERSION_VALUE (0x20u | (RF_IOAPIC_PINS - 1u) << 16)

/* An entry (82093AA, 3.2.4). */
#define LOGICAL RF_BIT(11)
#define REMOTE_IRR RF_BIT(14)
#define LEVEL RF_BIT(15)
#define MASKED RF_BIT(16)
#define DELIVERY_STATUS RF_BIT(12)
#define READ_ONLY (DELIVERY_STATUS | REMOTE_IRR)
#define WRITABLE (UINT64_C(0xff0000000001ffff) & ~READ_ONLY)

static void deliver(struct rf_ioapic *ioapic, unsigned pin)
{
    uint64_t *entry = &ioapic->entry[pin];
    const struct rf_apic_message message = { .vector = (uint8_t)*entry,
                                             .mode = (enum rf_apic_mode)(*entry >> 8 & 7),
                                             .logical = *entry & LOGICAL,
                                             .level = *entry & LEVEL,
                                             .destination = (uint32_t)(*entry >> 56) };
    if (*entry & LEVEL)
        *entry |= REMOTE_IRR;
    if (ioapic->send)
        ioapic->send(ioapic->send_user, &message);
}

/* A level-triggered pin that is up interrupts until Remote IRR says that one is on its way. */
static void serve_level(struct rf_ioapic *ioapic, unsigned pin)
{
    uint64_t entry = ioapic->entry[pin];
    if (entry & LEVEL && !(entry & (MASKED | REMOTE_IRR)) && ioapic->lines >> pin & 1)
        deliver(ioapic, pin);
}

/* 3.2.4: an edge at a masked pin is not remembered, a level is. */
void rf_ioapic_set_pin(struct rf_ioapic *ioapic, unsigned pin, bool level)
{
    bool rises = level && !(ioapic->lines >> pin & 1);
    ioapic->lines = level ? ioapic->lines | 1u << pin : ioapic->lines & ~(1u << pin);
    uint64_t entry = ioapic->entry[pin];
    if (entry & LEVEL)
        serve_level(ioapic, pin);
    else if (rises && !(entry & MASKED))
        deliver(ioapic, pin);
}

void rf_ioapic_end_of_interrupt(struct rf_ioapic *ioapic, uint8_t vector)
{
    for (unsigned pin = 0; pin < RF_IOAPIC_PINS; pin++) {
        uint64_t *entry = &ioapic->entry[pin];
        if ((uint8_t)*entry != vector || !(*entry & LEVEL) || !(*entry & REMOTE_IRR))
            continue;
        *entry &= ~REMOTE_IRR;
        serve_level(ioapic, pin);
    }
}

static uint32_t read_register(const struct rf_ioapic *ioapic)
{
    switch (ioapic->select) {
    case REG_ID:
    case REG_ARBITRATION: return (uint32_t)ioapic->id << 24;
    case REG_VERSION: return VERSION_VALUE;
    default: break;
    }
    unsigned pin = (ioapic->select - REG_TABLE) / 2u;
    if (ioapic->select < REG_TABLE || pin >= RF_IOAPIC_PINS)
        return 0;
    return (uint32_t)(ioapic->entry[pin] >> (ioapic->select & 1 ? 32 : 0));
}

/* Software clears Remote IRR by making an entry edge-triggered for a moment. */
static void write_entry(struct rf_ioapic *ioapic, unsigned pin, bool upper, uint32_t value)
{
    uint64_t *entry = &ioapic->entry[pin], kept = *entry & READ_ONLY;
    uint64_t all = upper ? (uint64_t)value << 32 | (uint32_t)*entry : (*entry >> 32 << 32) | value;
    *entry = (all & WRITABLE) | kept;
    if (!(*entry & LEVEL))
        *entry &= ~REMOTE_IRR;
    serve_level(ioapic, pin);
}

static void write_register(struct rf_ioapic *ioapic, uint32_t value)
{
    unsigned pin = (ioapic->select - REG_TABLE) / 2u;
    if (ioapic->select == REG_ID)
        ioapic->id = value >> 24 & 0xf;
    else if (ioapic->select >= REG_TABLE && pin < RF_IOAPIC_PINS)
        write_entry(ioapic, pin, ioapic->select & 1, value);
}

/* The registers lie in each 256 bytes of the page. Only IOREGSEL may be read or written by the byte. */
static void load(void *user, uint64_t offset, void *out, size_t size)
{
    const struct rf_ioapic *ioapic = user;
    uint32_t value = 0;
    if ((offset & 0xff) == IOREGSEL)
        value = ioapic->select;
    else if ((offset & 0xff) == IOWIN && size >= 4)
        value = read_register(ioapic);
    memset(out, 0, size);
    memcpy(out, &value, size < 4 ? size : 4);
}

static void store(void *user, uint64_t offset, const void *data, size_t size)
{
    struct rf_ioapic *ioapic = user;
    uint32_t value = 0;
    memcpy(&value, data, size < 4 ? size : 4);
    if ((offset & 0xff) == IOREGSEL)
        ioapic->select = (uint8_t)value;
    else if ((offset & 0xff) == IOWIN && size >= 4)
        write_register(ioapic, value);
    else if ((offset & 0xff) == EOI && size >= 4)
        rf_ioapic_end_of_interrupt(ioapic, (uint8_t)value);
}

bool rf_ioapic_connect(struct rf_ioapic *ioapic, struct rf_bus *bus)
{
    for (unsigned pin = 0; pin < RF_IOAPIC_PINS; pin++)
        ioapic->entry[pin] = MASKED;
    return rf_bus_add_memory(bus, &(struct rf_memory_range){ RF_IOAPIC_BASE, 4096, load, store, ioapic });
}
