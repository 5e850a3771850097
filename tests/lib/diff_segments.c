/* The segments of 32-bit cases, alike on both sides: those that Linux has in its GDT, and LDT
 * entries, which the host makes by modify_ldt(2). */
#include "diff_sides.h"

#if defined(__x86_64__)

#include <string.h>

#define PAGES ((uint32_t)DIFF_PAGES_AT)
#define END ((uint32_t)DIFF_PAGES_END)

/* Ends at the last byte that is there, from `below` bytes before the first page. */
#define ENDS_WITH_PAGES(below) .base = PAGES - (below), .limit = (below) + (END - PAGES) - 1

const struct diff_segment diff_segments[DIFF_SEGMENTS] = {
    [DIFF_LDT_DATA >> 3] = { ENDS_WITH_PAGES(0x2340), .wide = true },
    /* reaches over the page that is not there: #PF instead of #GP */
    [DIFF_LDT_EXTRA >> 3] = { .base = PAGES - 0x5670, .limit = 0x9fff, .wide = true },
    [DIFF_LDT_STACK >> 3] = { ENDS_WITH_PAGES(0x1000), .wide = true },
    [DIFF_LDT_CODE >> 3] = { .base = DIFF_CODE_REGION - 0x100, .limit = 0x100fe, .code = true,
                             .wide = true },
    [DIFF_LDT_STACK16 >> 3] = { .base = PAGES - 0x3000, .limit = 0xffff },
    [DIFF_LDT_CODE16 >> 3] = { .base = DIFF_CODE_REGION, .limit = 0xffff, .code = true },
    [DIFF_LDT_READ_ONLY >> 3] = { ENDS_WITH_PAGES(0), .wide = true, .restricted = true },
    /* from the middle of the window up to 4 GiB or 64 KiB */
    [DIFF_LDT_DOWN >> 3] = { .base = PAGES - 0x2000, .limit = 0x2fff, .wide = true,
                             .expand_down = true },
    [DIFF_LDT_DOWN16 >> 3] = { .base = PAGES - 0x2000, .limit = 0x2fff, .expand_down = true },
    [DIFF_LDT_EXECUTE_ONLY >> 3] = { ENDS_WITH_PAGES(0), .code = true, .wide = true,
                                     .restricted = true },
    [DIFF_LDT_READ_CODE >> 3] = { ENDS_WITH_PAGES(0), .code = true, .wide = true },
    [DIFF_LDT_ABSENT >> 3] = { ENDS_WITH_PAGES(0), .wide = true, .absent = true },
    [DIFF_LDT_PAGES >> 3] = { .base = PAGES, .limit = 1, .wide = true, .pages = true },
    /* 16-bit code in a segment that is larger than 64 KiB */
    [DIFF_LDT_BIG_CODE16 >> 3] = { .base = DIFF_CODE_REGION - 0xf000, .limit = 0x1efff,
                                   .code = true },
};

void diff_selectors(unsigned options, uint16_t selector[6])
{
    static const uint16_t flat[6] = { DIFF_DATA32, DIFF_CODE32, DIFF_DATA32, DIFF_DATA32, 0, 0 },
                          segmented[6] = { DIFF_LDT_EXTRA, DIFF_LDT_CODE, DIFF_LDT_STACK,
                                           DIFF_LDT_DATA, 0, DIFF_LDT_PAGES },
                          narrow[6] = { DIFF_LDT_EXTRA, DIFF_LDT_CODE16, DIFF_LDT_STACK16,
                                        DIFF_LDT_DATA, 0, DIFF_LDT_PAGES };
    memcpy(selector, options & DIFF_16 ? narrow : options & DIFF_SEGMENTED ? segmented : flat,
           sizeof flat);
}

uint32_t diff_segment_base(uint16_t selector)
{
    unsigned index = selector >> 3;
    return selector & 4 && index < DIFF_SEGMENTS ? diff_segments[index].base : 0;
}

#define LEAVE DIFF_LEAVE_AT & 0xff, DIFF_LEAVE_AT >> 8 & 0xff, DIFF_LEAVE_AT >> 16 & 0xff, \
    DIFF_LEAVE_AT >> 24, DIFF_CODE64, 0
static const uint8_t landing_32[] = { 0x66, 0x8c, 0xc9, 0xea, LEAVE }; /* mov cx, cs; jmp far */
static const uint8_t landing_16[] = { 0x8c, 0xc9, 0x66, 0xea, LEAVE };

/* jmp [rip + distance to DIFF_LEAVE_POINTER]. Not the pointer itself: it differs from run to run,
 * and stray jumps would execute it. In 32-bit code this is a jump through an address that is not
 * there. */
#define LEAVE_DISTANCE (DIFF_LEAVE_POINTER - (DIFF_LANDING_64 + 6))
static const uint8_t landing_64[] = { 0xff, 0x25, LEAVE_DISTANCE & 0xff, LEAVE_DISTANCE >> 8 & 0xff,
                                      LEAVE_DISTANCE >> 16 & 0xff, LEAVE_DISTANCE >> 24 };

void diff_fill_code_region(uint8_t *region)
{
    memset(region, 0xcc, DIFF_CODE_REGION_SIZE);
    memcpy(region + (DIFF_LANDING_64 - DIFF_CODE_REGION), landing_64, sizeof landing_64);
    memcpy(region + (DIFF_LANDING_32 - DIFF_CODE_REGION), landing_32, sizeof landing_32);
    memcpy(region + (DIFF_LANDING_16 - DIFF_CODE_REGION), landing_16, sizeof landing_16);
}

void diff_code_with_jump(const struct diff_case *test, uint8_t code[DIFF_CODE_SIZE])
{
    size_t length = test->length;
    const uint32_t target = DIFF_LEAVE_AT;
    const uint16_t selector = DIFF_CODE64;
    memset(code, 0xcc, DIFF_CODE_SIZE);
    memcpy(code, test->code, length);
    if (test->options & DIFF_16)
        code[length++] = 0x66;
    code[length++] = 0xea; /* jmp far */
    memcpy(code + length, &target, 4);
    memcpy(code + length + 4, &selector, 2);
}

#endif
