/* Inside of a bare machine: what its own files share. */
#ifndef RF_MACHINE_BARE_H
#define RF_MACHINE_BARE_H

#include "cpu/cpu.h"

#include <ringfort/bare.h>

struct rf_bare {
    struct rf_cpu cpu;
    struct rf_ram ram;
    struct rf_error error;
    uint64_t max_cycles;   /* of a run; UINT64_MAX = no limit */
    uint8_t line_vector;   /* of the interrupt that waits at INTR or LINT0 */
    uint8_t timer_vector;  /* of the one that rf_bare_interrupt_after will raise */
    rf_bare_port_read *port_read;
    rf_bare_port_write *port_write;
    void *port_user;
    bool shut_down;        /* by a triple fault, until a register is set */
};

/* Begin a call: no error so far. */
static inline void rf_bare_begin(struct rf_bare *bare)
{
    bare->error.status = RF_OK;
    bare->error.text[0] = '\0';
}

#endif
