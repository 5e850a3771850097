/* What may differ in saved x87 state (diff_x87_image.h). */
#include "diff_x87_image.h"

#include "diff_sides.h"

#define ES 0x80 /* of the status word: an exception is pending */

/* A byte of the memory that cases look at; NULL elsewhere. */
static uint8_t *byte_at(struct diff_state *state, uint64_t at)
{
    uint64_t in_end = at - (DIFF_PAGES_END - DIFF_END_SIZE);
    if (at - DIFF_MEMORY_AT < DIFF_MEMORY_SIZE)
        return &state->memory[at - DIFF_MEMORY_AT];
    return in_end < DIFF_END_SIZE ? &state->end[in_end] : NULL;
}

static void make_equal(struct diff_state *host, struct diff_state *ringfort, uint64_t at,
                       unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        if (byte_at(host, at + i))
            *byte_at(ringfort, at + i) = *byte_at(host, at + i);
}

/* FOP's low byte is ModRM. */
static bool of_registers(uint16_t fop)
{
    return (fop & 0xc0) == 0xc0;
}

void diff_forgive_environment(const struct diff_state *in, struct diff_state *host,
                              struct diff_state *ringfort, uint64_t at, bool narrow,
                              enum diff_x87_before before)
{
    const unsigned step = narrow ? 2 : 4, fip = 3 * step, fcs = 4 * step, fdp = 5 * step;
    const uint8_t *fsw = byte_at(host, at + step);
    bool pending = fsw && *fsw & ES;
    bool registers = in->fx.fsw & ES ? of_registers(in->fx.fop) : before != DIFF_MEMORY_BEFORE;
    make_equal(host, ringfort, at, fcs, fcs + 2);
    make_equal(host, ringfort, at, fdp + step, fdp + step + 2);
    if (!pending)
        make_equal(host, ringfort, at, fcs + 2, fdp); /* FOP, if there */
    if (!pending || registers)
        make_equal(host, ringfort, at, fdp, fdp + step);
    if (!pending && before == DIFF_NONE_BEFORE)
        make_equal(host, ringfort, at, fip, fip + step);
}

void diff_forgive_area(struct diff_state *host, struct diff_state *ringfort, uint64_t at, bool wide)
{
    const uint8_t *fsw = byte_at(host, at + 2), *modrm = byte_at(host, at + 6);
    make_equal(host, ringfort, at, 28, 32); /* MXCSR_MASK: MISALIGNSSE is AMD's */
    if (!fsw || !(*fsw & ES))
        make_equal(host, ringfort, at, 6, 24);
    if (!modrm || of_registers(*modrm))
        make_equal(host, ringfort, at, 16, 24);
    if (!wide) { /* selectors */
        make_equal(host, ringfort, at, 12, 16);
        make_equal(host, ringfort, at, 20, 24);
    }
}
