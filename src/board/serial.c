/* The serial port (board/serial.h). */
#include "board/serial.h"

enum { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCRATCH };

#define LCR_DLAB 0x80u
#define LSR_EMPTY 0x60u        /* holding and shift register: ready at any time */
#define MSR_CONNECTED 0xb0u    /* DCD, DSR, CTS */
#define IIR_NONE 0x01u
#define IIR_FIFO 0xc0u

static uint32_t read(void *user, unsigned offset, unsigned size)
{
    const struct rf_serial *s = user;
    const bool dlab = s->lcr & LCR_DLAB;
    (void)size;
    switch (offset) {
    case DATA: return dlab ? s->divisor[0] : 0;
    case IER: return dlab ? s->divisor[1] : s->ier;
    case IIR_FCR: return s->fcr & 1 ? IIR_NONE | IIR_FIFO : IIR_NONE;
    case LCR: return s->lcr;
    case MCR: return s->mcr;
    case LSR: return LSR_EMPTY;
    case MSR: return MSR_CONNECTED;
    default: return s->scratch;
    }
}

static void write_divisor(struct rf_serial *s, unsigned offset, uint8_t value)
{
    s->divisor[offset] = value;
}

static void write(void *user, unsigned offset, uint32_t value, unsigned size)
{
    struct rf_serial *s = user;
    const uint8_t byte = (uint8_t)value;
    (void)size;
    if (offset <= IER && s->lcr & LCR_DLAB) {
        write_divisor(s, offset, byte);
        return;
    }
    switch (offset) {
    case DATA:
        if (s->send)
            s->send(s->send_user, byte);
        break;
    case IER: s->ier = byte & 0x0f; break;
    case IIR_FCR: s->fcr = byte; break;
    case LCR: s->lcr = byte; break;
    case MCR: s->mcr = byte & 0x1f; break;
    case SCRATCH: s->scratch = byte; break;
    default: break; /* LSR and MSR are read-only */
    }
}

bool rf_serial_connect(struct rf_serial *serial, struct rf_bus *bus, uint16_t first)
{
    serial->divisor[0] = 12; /* 9600 bits a second, as after a PC's start */
    return rf_bus_add_ports(bus, &(struct rf_port_range){ first, 8, 1, read, write, serial });
}
