/* The two 8259A interrupt controllers of a PC (Intel 8259A data sheet; ports 20H, 21H, A0H, A1H).
 * Fixed priorities, edge-triggered lines, the second one on line 2 of the first. */
#ifndef RF_BOARD_PIC_H
#define RF_BOARD_PIC_H

#include "board/bus.h"

struct rf_pic_chip {
    uint8_t lines, irr, isr, imr;
    uint8_t base;       /* vector of line 0 */
    uint8_t init;       /* the next initialisation word at the data port; 0: none */
    bool needs_icw4, auto_eoi, read_isr;
};

struct rf_pic {
    struct rf_pic_chip chip[2];
    bool output;
    void (*set_output)(void *user, bool level); /* the first chip's INT */
    void *set_output_user;
};

/* All lines masked; vectors 08H and 70H, as firmware leaves them. */
bool rf_pic_connect(struct rf_pic *pic, struct rf_bus *bus);
void rf_pic_set_line(struct rf_pic *pic, unsigned line, bool level); /* 0 to 15 */
/* INTA: the vector of the most important request, which is then in service; line 7's (of the chip
 * that has lost its request) if there is none. */
uint8_t rf_pic_acknowledge(struct rf_pic *pic);

#endif
