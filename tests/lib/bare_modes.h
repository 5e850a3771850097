/* The bare machine outside IA-32e mode, and descriptors of its own. */
#ifndef BARE_MODES_H
#define BARE_MODES_H

#include "bare_case.h"

/* Free places in the GDT; bare_descriptor makes it long enough. */
enum { FREE = 0x70, FREE2 = 0x80, FREE3 = 0x90, FREE4 = 0xa0 };

void bare_descriptor(struct bare *b, unsigned selector, uint64_t low, uint64_t high);
/* An 8-byte segment descriptor; limit in units that flags' G says. */
uint64_t bare_segment(uint32_t base, uint32_t limit, unsigned access, unsigned flags);
/* A call gate: both halves, the upper one for IA-32e mode. */
void bare_call_gate(struct bare *b, unsigned selector, uint16_t code, uint64_t offset, unsigned access,
                    unsigned parameters);

/* 32-bit protected mode without paging at this CPL, in flat segments: an IDT of 8-byte interrupt
 * gates to the handlers, a 32-bit TSS with SS0:ESP0 = KERNEL_DATA:BARE_RSP0. */
void bare_enter_legacy(struct bare *b, unsigned cpl);
/* One of its gates. */
void bare_gate32(struct bare *b, unsigned vector, uint32_t offset, uint16_t selector, unsigned access);
/* TSS stacks of level 0 to 2. */
void bare_stack32(struct bare *b, unsigned level, uint16_t ss, uint32_t esp);

/* Real-address mode: CS:IP is the kernel text's start with IP 0, SS:SP is 2000:0000 + 0x1000, DS and
 * ES are 0; the vector table at 0 leads to the handlers. */
void bare_enter_real(struct bare *b);
#define REAL_TEXT 0x1400 /* selector of the text */
#define REAL_STACK 0x1000
void bare_run_real(struct bare *b, const void *code, size_t size);

#define CODE32(name, ...) CODE(name, ".code32\n" __VA_ARGS__ "\n.code64")
#define CODE16(name, ...) CODE(name, ".code16\n" __VA_ARGS__ "\n.code64")

/* A case in each of the modes. */
#define MODE_CASE(name, enter)                                                            \
    static void name##_in_mode(struct bare *b);                                           \
    CASE(name, 0)                                                                         \
    {                                                                                     \
        enter;                                                                            \
        name##_in_mode(b);                                                                \
    }                                                                                     \
    static void name##_in_mode(struct bare *b)
#define LEGACY_CASE(name, cpl) MODE_CASE(name, bare_enter_legacy(b, cpl))
#define REAL_CASE(name) MODE_CASE(name, bare_enter_real(b))
#define RUN_REAL(b, name) bare_run_real(b, name, (size_t)(name##_end - name))

/* Count reports of what is not implemented: after this, b->cpu->unimplemented_user is the count. */
void bare_count_unimplemented(struct bare *b, unsigned *count);

#endif
