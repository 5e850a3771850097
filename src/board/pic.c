/* The interrupt controllers (board/pic.h). */
#include "board/pic.h"

enum { FIRST, SECOND, CASCADE_LINE = 2, SPURIOUS_LINE = 7 };

#define ICW1 0x10u
#define ICW1_ICW4 0x01u
#define ICW4_AUTO_EOI 0x02u
#define OCW3 0x08u
#define OCW3_READ 0x02u
#define OCW3_READ_ISR 0x01u
#define OCW2_EOI 0x20u
#define OCW2_SPECIFIC 0x40u

/* The line that would interrupt now, or -1: requests of less importance than one in service wait
 * (fully nested mode). */
static int pending_line(const struct rf_pic_chip *chip)
{
    unsigned requests = chip->irr & (uint8_t)~chip->imr;
    if (!requests)
        return -1;
    int line = __builtin_ctz(requests);
    return chip->isr && __builtin_ctz(chip->isr) <= line ? -1 : line;
}

static void set_chip_line(struct rf_pic_chip *chip, unsigned line, bool level)
{
    uint8_t bit = (uint8_t)(1u << line);
    if (level && !(chip->lines & bit))
        chip->irr |= bit;
    else if (!level)
        chip->irr &= (uint8_t)~bit; /* the request must stay until it is acknowledged */
    chip->lines = (uint8_t)(level ? chip->lines | bit : chip->lines & ~bit);
}

static void update(struct rf_pic *pic)
{
    set_chip_line(&pic->chip[FIRST], CASCADE_LINE, pending_line(&pic->chip[SECOND]) >= 0);
    bool output = pending_line(&pic->chip[FIRST]) >= 0;
    if (output == pic->output)
        return;
    pic->output = output;
    if (pic->set_output)
        pic->set_output(pic->set_output_user, output);
}

void rf_pic_set_line(struct rf_pic *pic, unsigned line, bool level)
{
    set_chip_line(&pic->chip[line / 8], line % 8, level);
    update(pic);
}

static uint8_t acknowledge_chip(struct rf_pic_chip *chip, int line)
{
    if (line < 0)
        return (uint8_t)(chip->base + SPURIOUS_LINE);
    uint8_t bit = (uint8_t)(1u << line);
    chip->irr &= (uint8_t)~bit;
    if (!chip->auto_eoi)
        chip->isr |= bit;
    return (uint8_t)(chip->base + line);
}

uint8_t rf_pic_acknowledge(struct rf_pic *pic)
{
    int line = pending_line(&pic->chip[FIRST]);
    uint8_t vector = acknowledge_chip(&pic->chip[FIRST], line);
    if (line == CASCADE_LINE)
        vector = acknowledge_chip(&pic->chip[SECOND], pending_line(&pic->chip[SECOND]));
    pic->chip[FIRST].lines &= (uint8_t)~(1u << CASCADE_LINE); /* INTA ends the second one's pulse */
    update(pic);
    return vector;
}

static void end_of_interrupt(struct rf_pic_chip *chip, uint8_t command)
{
    if (command & OCW2_SPECIFIC)
        chip->isr &= (uint8_t)~(1u << (command & 7));
    else
        chip->isr &= (uint8_t)(chip->isr - 1);
}

static void command(struct rf_pic_chip *chip, uint8_t value)
{
    if (value & ICW1) {
        *chip = (struct rf_pic_chip){ .lines = chip->lines, .base = chip->base, .init = 2,
                                      .needs_icw4 = value & ICW1_ICW4 };
    } else if (value & OCW3) {
        if (value & OCW3_READ)
            chip->read_isr = value & OCW3_READ_ISR;
    } else if (value & OCW2_EOI) {
        end_of_interrupt(chip, value);
    }
}

static void data(struct rf_pic_chip *chip, uint8_t value)
{
    switch (chip->init) {
    case 2:
        chip->base = value & 0xf8;
        chip->init = 3;
        break;
    case 3: chip->init = chip->needs_icw4 ? 4 : 0; break;
    case 4:
        chip->auto_eoi = value & ICW4_AUTO_EOI;
        chip->init = 0;
        break;
    default: chip->imr = value; break;
    }
}

static void write(struct rf_pic *pic, struct rf_pic_chip *chip, unsigned offset, uint8_t value)
{
    if (offset)
        data(chip, value);
    else
        command(chip, value);
    update(pic);
}

static uint32_t read(const struct rf_pic_chip *chip, unsigned offset)
{
    return offset ? chip->imr : chip->read_isr ? chip->isr : chip->irr;
}

static uint32_t read_first(void *user, unsigned offset, unsigned size)
{
    (void)size;
    return read(&((struct rf_pic *)user)->chip[FIRST], offset);
}
static uint32_t read_second(void *user, unsigned offset, unsigned size)
{
    (void)size;
    return read(&((struct rf_pic *)user)->chip[SECOND], offset);
}
static void write_first(void *user, unsigned offset, uint32_t value, unsigned size)
{
    struct rf_pic *pic = user;
    (void)size;
    write(pic, &pic->chip[FIRST], offset, (uint8_t)value);
}
static void write_second(void *user, unsigned offset, uint32_t value, unsigned size)
{
    struct rf_pic *pic = user;
    (void)size;
    write(pic, &pic->chip[SECOND], offset, (uint8_t)value);
}

bool rf_pic_connect(struct rf_pic *pic, struct rf_bus *bus)
{
    pic->chip[FIRST] = (struct rf_pic_chip){ .imr = 0xff, .base = 0x08 };
    pic->chip[SECOND] = (struct rf_pic_chip){ .imr = 0xff, .base = 0x70 };
    return rf_bus_add_ports(bus, &(struct rf_port_range){ 0x20, 2, 1, read_first, write_first, pic }) &&
           rf_bus_add_ports(bus, &(struct rf_port_range){ 0xa0, 2, 1, read_second, write_second, pic });
}
