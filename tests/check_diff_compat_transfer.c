/* Compatibility mode against the host CPU: transfers of control, near and far, and segment
 * registers: loads of them, and what the loaded segments then allow. */
#include "lib/differential.h"
#include "lib/suite.h"

#include <check.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGES (DIFF_MEMORY_AT - 0xe00)
#define END (PAGES + 0x2000)

enum { ES, CS, SS, DS, FS, GS };

static const unsigned modes[] = { DIFF_32, DIFF_32 | DIFF_SEGMENTED, DIFF_32 | DIFF_16 };

/* Every selector that a process of Linux may try: good and bad ones. */
static const uint16_t selectors[] = {
    DIFF_CODE32, DIFF_CODE32 - 3, DIFF_DATA32, DIFF_DATA32 - 3, DIFF_CODE64, 0, 3, DIFF_LDT_DATA,
    DIFF_LDT_DATA - 3, DIFF_LDT_EXTRA, DIFF_LDT_STACK, DIFF_LDT_CODE, DIFF_LDT_CODE - 1,
    DIFF_LDT_STACK16, DIFF_LDT_CODE16, DIFF_LDT_READ_ONLY, DIFF_LDT_DOWN, DIFF_LDT_DOWN16,
    DIFF_LDT_EXECUTE_ONLY, DIFF_LDT_READ_CODE, DIFF_LDT_ABSENT, DIFF_LDT_PAGES,
    DIFF_LDT_BIG_CODE16, 0x77 /* behind the LDT */, 0xffe3 /* behind the GDT */,
};
#define PICK(rng, array) (array)[diff_below(rng, (unsigned)COUNT(array))]

/* The input's memory at a linear address. */
static void poke(struct diff_state *in, uint64_t linear, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++, value >>= 8) {
        uint64_t at = linear + i - DIFF_MEMORY_AT, end_at = linear + i - (END - DIFF_END_SIZE);
        if (at < DIFF_MEMORY_SIZE)
            in->memory[at] = (uint8_t)value;
        else if (end_at < DIFF_END_SIZE)
            in->end[end_at] = (uint8_t)value;
    }
}

/* A linear address with slots for a stack frame; near the page that is not there sometimes. */
static uint64_t aim_stack(struct diff_state *in, struct diff_rng *rng)
{
    uint64_t at = DIFF_MEMORY_AT + 64 + diff_below(rng, DIFF_MEMORY_SIZE - 128);
    switch (diff_below(rng, 12)) {
    case 0: at = END - diff_below(rng, 20); break;
    case 1: at = PAGES + diff_below(rng, 12); break;
    case 2: at = DIFF_MEMORY_AT + DIFF_MEMORY_SIZE / 2 - diff_below(rng, 8); break;
    default: break;
    }
    in->gpr[4] = (uint32_t)(at - in->base[SS]);
    if (in->base[SS] && diff_below(rng, 2)) /* of no meaning to a 16-bit stack; else, a fault */
        in->gpr[4] |= (diff_random(rng) & 0xffff) << 16;
    return at;
}

/* How many bytes the operand size makes, with a prefix or not. */
static unsigned operand_size(unsigned mode, bool prefix)
{
    return ((mode & DIFF_16) != 0) == prefix ? 4 : 2;
}

static unsigned run_code(const char *name, const uint8_t *code, size_t length, unsigned mode,
                         unsigned count, bool (*prepare)(struct diff_state *, struct diff_rng *, void *),
                         void *user)
{
    struct diff_case test = { .name = name, .code = code, .length = length,
                              .options = mode | DIFF_SMALL_RCX | DIFF_ANY_CR2, .prepare = prepare, .user = user };
    return diff_run_random(&test, length * 31 + code[0], count);
}

/* --- near transfers --- */

/* Relative ones: over an INC, with either operand size (a 16-bit one cuts the target) and, for
 * those with a count, either address size. */
static unsigned run_short(uint8_t opcode, unsigned mode)
{
    unsigned mismatches = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t code[8];
        size_t n = 0;
        if (i & 1)
            code[n++] = 0x66;
        if (i & 2)
            code[n++] = 0x67;
        code[n++] = opcode;
        code[n++] = 1;
        code[n++] = 0x42; /* inc edx */
        code[n++] = 0x43; /* inc ebx */
        mismatches += run_code("short branch", code, n, mode, 300, NULL, NULL);
    }
    return mismatches;
}

START_TEST(test_short)
{
    for (unsigned opcode = 0x70; opcode < 0x80; opcode++)
        ck_assert_uint_eq(run_short((uint8_t)opcode, modes[_i]), 0);
    for (unsigned opcode = 0xe0; opcode < 0xe4; opcode++)
        ck_assert_uint_eq(run_short((uint8_t)opcode, modes[_i]), 0);
    ck_assert_uint_eq(run_short(0xeb, modes[_i]), 0);
}
END_TEST

static bool with_stack(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    aim_stack(in, rng);
    return true;
}

/* JMP, Jcc and CALL with a displacement of 16 or 32 bits, to a random place or over an INC. */
START_TEST(test_relative)
{
    static const uint8_t opcodes[][2] = { { 0xe9 }, { 0xe8 }, { 0x0f, 0x84 }, { 0x0f, 0x8c } };
    struct diff_rng rng = { 1 };
    for (unsigned i = 0; i < 4 * 2 * 32; i++) {
        uint8_t code[16];
        size_t n = 0;
        bool prefix = i & 1;
        const uint8_t *opcode = opcodes[i >> 1 & 3];
        unsigned size = operand_size(modes[_i], prefix);
        uint32_t far = (uint32_t)diff_integer(&rng, 32), delta = i < 64 ? 1 : i < 128 ? far : far >> 14;
        if ((int16_t)delta < 0 && (int16_t)delta > -64)
            delta = 1; /* not back into itself, for ever */
        if (prefix)
            code[n++] = 0x66;
        code[n++] = opcode[0];
        if (opcode[0] == 0x0f)
            code[n++] = opcode[1];
        memcpy(code + n, &delta, size);
        n += size;
        code[n++] = 0x42; /* inc edx */
        code[n++] = 0x43; /* inc ebx */
        ck_assert_uint_eq(run_code("relative", code, n, modes[_i], 50, with_stack, NULL), 0);
    }
}
END_TEST

/* The offset of the 32- or 16-bit landing, or something else. */
static uint32_t near_target(const struct diff_state *in, struct diff_rng *rng, unsigned mode)
{
    uint32_t landing = mode & DIFF_16 ? DIFF_LANDING_16 : DIFF_LANDING_32;
    if (diff_below(rng, 4) == 0)
        return (uint32_t)diff_integer(rng, 32);
    return landing - in->base[CS];
}

static bool to_register(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const unsigned *mode = user;
    aim_stack(in, rng);
    in->gpr[0] = near_target(in, rng, *mode) | diff_random(rng) << 32;
    return true;
}

static bool to_memory(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const unsigned *mode = user;
    uint64_t at = DIFF_MEMORY_AT + diff_below(rng, 1000);
    aim_stack(in, rng);
    if (diff_below(rng, 16) == 0)
        at = END - diff_below(rng, 5);
    poke(in, at, near_target(in, rng, *mode), 4);
    in->gpr[7] = in->gpr[3] = at - in->base[DS]; /* [edi], in 16-bit code [bx] */
    return true;
}

static bool to_stack(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const unsigned *mode = user;
    uint64_t at = aim_stack(in, rng);
    poke(in, at, near_target(in, rng, *mode), 4);
    return true;
}

/* Code with and without an operand-size prefix. */
static unsigned run_both(const char *name, const uint8_t *code, size_t length, unsigned mode,
                         bool (*prepare)(struct diff_state *, struct diff_rng *, void *))
{
    uint8_t prefixed[16] = { 0x66 };
    memcpy(prefixed + 1, code, length);
    return run_code(name, code, length, mode, 2000, prepare, &mode) +
           run_code(name, prefixed, length + 1, mode, 2000, prepare, &mode);
}
#define RUN_CODE(name, prepare, ...)                                                        \
    do {                                                                                    \
        static const uint8_t code_[] = { __VA_ARGS__ };                                     \
        ck_assert_uint_eq(run_both(name, code_, sizeof code_, modes[_i], prepare), 0);      \
    } while (0)

START_TEST(test_indirect)
{
    RUN_CODE("jmp eax", to_register, 0xff, 0xe0);
    RUN_CODE("call eax", to_register, 0xff, 0xd0);
    RUN_CODE("jmp [edi]", to_memory, 0xff, 0x27);
    RUN_CODE("call [edi]", to_memory, 0xff, 0x17);
    RUN_CODE("ret", to_stack, 0xc3);
    RUN_CODE("ret 6", to_stack, 0xc2, 6, 0);
    RUN_CODE("ret 0xfffc", to_stack, 0xc2, 0xfc, 0xff);
}
END_TEST

/* --- far transfers --- */

struct far_pointer {
    uint16_t selector;
    uint32_t offset;
};

/* Any selector; an offset that is good for it, or any. */
static struct far_pointer far_target(struct diff_rng *rng)
{
    struct far_pointer p = { .selector = PICK(rng, selectors) };
    if (diff_below(rng, 2)) {
        static const uint16_t good[] = { DIFF_CODE32, DIFF_CODE64, DIFF_LDT_CODE, DIFF_LDT_CODE16,
                                         DIFF_LDT_BIG_CODE16 };
        p.selector = PICK(rng, good);
    }
    uint32_t landing = p.selector == DIFF_CODE64 ? DIFF_LANDING_64
                       : p.selector == DIFF_LDT_CODE16 || p.selector == DIFF_LDT_BIG_CODE16
                           ? DIFF_LANDING_16 : DIFF_LANDING_32;
    p.offset = landing - diff_segment_base(p.selector);
    if (diff_below(rng, 8) == 0)
        p.offset = (uint32_t)diff_integer(rng, 32);
    return p;
}

struct far_case {
    unsigned size;  /* of the operand, in bytes */
    bool flags;     /* IRET's frame */
    unsigned count; /* of inputs */
};

static bool far_in_memory(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const struct far_case *c = user;
    struct far_pointer target = far_target(rng);
    uint64_t at = DIFF_MEMORY_AT + diff_below(rng, 1000);
    aim_stack(in, rng);
    if (diff_below(rng, 16) == 0)
        at = END - diff_below(rng, 7);
    poke(in, at, target.offset, c->size);
    poke(in, at + c->size, target.selector, 2);
    in->gpr[7] = in->gpr[3] = at - in->base[DS];
    return true;
}

static bool far_on_stack(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const struct far_case *c = user;
    struct far_pointer target = far_target(rng);
    uint64_t at = aim_stack(in, rng);
    if (at > END - 20 || at < PAGES + 20) /* which of two faults comes first is the CPU's choice */
        target = (struct far_pointer){ DIFF_CODE32, DIFF_LANDING_32 };
    poke(in, at, target.offset, c->size);
    poke(in, at + c->size, target.selector | diff_random(rng) << 16, c->size);
    if (c->flags) /* no trap flag, no alignment check */
        poke(in, at + 2 * c->size, diff_random(rng) & ~UINT64_C(0x40100), c->size);
    return true;
}

static unsigned run_far(const char *name, const uint8_t *code, size_t length, unsigned mode, bool flags,
                        bool (*prepare)(struct diff_state *, struct diff_rng *, void *))
{
    unsigned mismatches = 0;
    for (unsigned prefix = 0; prefix < 2; prefix++) {
        uint8_t bytes[16] = { 0x66 };
        struct far_case c = { operand_size(mode, prefix), flags, prepare == far_in_memory ||
                              prepare == far_on_stack ? 2000 : 500 };
        memcpy(bytes + prefix, code, length);
        mismatches += run_code(name, bytes, length + prefix, mode, c.count, prepare, &c);
    }
    return mismatches;
}
#define RUN_FAR(name, flags, prepare, ...)                                                  \
    do {                                                                                    \
        static const uint8_t code_[] = { __VA_ARGS__ };                                     \
        ck_assert_uint_eq(run_far(name, code_, sizeof code_, modes[_i], flags, prepare), 0); \
    } while (0)

START_TEST(test_far)
{
    RUN_FAR("jmp far [edi]", false, far_in_memory, 0xff, 0x2f);
    RUN_FAR("call far [edi]", false, far_in_memory, 0xff, 0x1f);
    RUN_FAR("retf", false, far_on_stack, 0xcb);
    RUN_FAR("retf 10", false, far_on_stack, 0xca, 10, 0);
    RUN_FAR("iret", true, far_on_stack, 0xcf);
}
END_TEST

START_TEST(test_far_direct)
{
    struct diff_rng rng = { 3 };
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t code[16];
        size_t n = 0;
        bool prefix = i & 1;
        unsigned size = operand_size(modes[_i], prefix);
        struct far_pointer target = far_target(&rng);
        if (prefix)
            code[n++] = 0x66;
        code[n++] = i & 2 ? 0x9a : 0xea;
        memcpy(code + n, &target.offset, size);
        memcpy(code + n + size, &target.selector, 2);
        n += size + 2;
        ck_assert_uint_eq(run_code("far", code, n, modes[_i], 10, with_stack, NULL), 0);
    }
}
END_TEST

/* --- segment registers --- */

static bool any_selector(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const struct far_case *c = user;
    uint64_t at = aim_stack(in, rng), place = DIFF_MEMORY_AT + diff_below(rng, 1000);
    uint16_t selector = PICK(rng, selectors);
    in->gpr[0] = selector | diff_random(rng) << 16;
    poke(in, at, in->gpr[0], 4);
    poke(in, place, diff_random(rng), c->size);
    poke(in, place + 2, selector, 2);
    poke(in, place + c->size, selector, 2);
    in->gpr[7] = in->gpr[3] = place - in->base[DS];
    return true;
}

START_TEST(test_loads)
{
    RUN_FAR("mov es, eax", false, any_selector, 0x8e, 0xc0);
    RUN_FAR("mov ss, eax", false, any_selector, 0x8e, 0xd0);
    RUN_FAR("mov ds, eax", false, any_selector, 0x8e, 0xd8);
    RUN_FAR("mov gs, eax", false, any_selector, 0x8e, 0xe8);
    RUN_FAR("mov cs, eax", false, any_selector, 0x8e, 0xc8);
    RUN_FAR("pop es", false, any_selector, 0x07);
    RUN_FAR("pop ss", false, any_selector, 0x17);
    RUN_FAR("pop ds", false, any_selector, 0x1f);
    RUN_FAR("pop gs", false, any_selector, 0x0f, 0xa9);
    RUN_FAR("lds eax, [edi]", false, any_selector, 0xc5, 0x07);
    RUN_FAR("les eax, [edi]", false, any_selector, 0xc4, 0x07);
    RUN_FAR("lss eax, [edi]", false, any_selector, 0x0f, 0xb2, 0x07);
    RUN_FAR("lgs eax, [edi]", false, any_selector, 0x0f, 0xb5, 0x07);
    RUN_FAR("mov ds, [edi+2]", false, any_selector, 0x8e, 0x5f, 2);
    RUN_FAR("mov edx, ds", false, any_selector, 0x8c, 0xda);
    RUN_FAR("mov [edi], es", false, any_selector, 0x8c, 0x07);
}
END_TEST

/* LAR LSL VERR VERW look at descriptors; Linux's GDT is another beyond the entries it tells of. */
START_TEST(test_queries)
{
    RUN_FAR("lar edx, eax", false, any_selector, 0x0f, 0x02, 0xd0);
    RUN_FAR("lsl edx, eax", false, any_selector, 0x0f, 0x03, 0xd0);
    RUN_FAR("verr eax", false, any_selector, 0x0f, 0x00, 0xe0);
    RUN_FAR("verw eax", false, any_selector, 0x0f, 0x00, 0xe8);
}
END_TEST

/* A segment to use, an offset near where something about it changes, in EDI and EBX. */
static bool edge_of_segment(struct diff_state *in, struct diff_rng *rng, void *user)
{
    static const uint16_t usable[] = { DIFF_DATA32, DIFF_CODE32, DIFF_CODE64, DIFF_LDT_DATA,
                                       DIFF_LDT_EXTRA, DIFF_LDT_STACK, DIFF_LDT_STACK16,
                                       DIFF_LDT_READ_ONLY, DIFF_LDT_DOWN, DIFF_LDT_DOWN16,
                                       DIFF_LDT_READ_CODE, DIFF_LDT_PAGES };
    static const uint64_t edges[] = { PAGES, PAGES + 0x1000, END, DIFF_MEMORY_AT + 512,
                                      PAGES - 0x2000, PAGES - 0x2000 + 0x10000 };
    (void)user;
    uint16_t selector = PICK(rng, usable);
    uint64_t linear = PICK(rng, edges) + diff_below(rng, 40) - 20;
    if (diff_below(rng, 2))
        linear = DIFF_MEMORY_AT + diff_below(rng, DIFF_MEMORY_SIZE);
    aim_stack(in, rng);
    in->gpr[0] = diff_below(rng, 32) ? selector : 0;
    in->gpr[7] = in->gpr[3] = linear - diff_segment_base(selector);
    in->gpr[6] = in->gpr[7];
    return true;
}

/* For what reads at ESI too: only one of the two may fault, since the order is the CPU's choice. */
static bool edge_of_destination(struct diff_state *in, struct diff_rng *rng, void *user)
{
    edge_of_segment(in, rng, user);
    in->gpr[6] = DIFF_MEMORY_AT + 64 + diff_below(rng, DIFF_MEMORY_SIZE - 128) - in->base[DS];
    return true;
}

/* What one access does through a segment register that has just been loaded; 16-bit code has
 * [bx] where 32-bit code has [edi]. */
#define USE(load, ...) \
    RUN_FAR(#__VA_ARGS__, false, edge_of_segment, 0x8e, load, __VA_ARGS__)
START_TEST(test_use)
{
    USE(0xd8, 0x8a, 0x0f);       /* DS: mov cl, [edi] */
    USE(0xd8, 0x8b, 0x0f);       /* mov ecx, [edi] */
    USE(0xd8, 0x88, 0x0f);       /* mov [edi], cl */
    USE(0xd8, 0x89, 0x0f);       /* mov [edi], ecx */
    USE(0xd8, 0x01, 0x0f);       /* add [edi], ecx */
    USE(0xd8, 0x39, 0x0f);       /* cmp [edi], ecx */
    USE(0xd8, 0x87, 0x0f);       /* xchg [edi], ecx */
    USE(0xd8, 0x0f, 0xab, 0x0f); /* bts [edi], ecx */
    USE(0xd8, 0xff, 0x37);       /* push [edi] */
    USE(0xd8, 0x8f, 0x07);       /* pop [edi] */
    USE(0xd8, 0xd7);             /* xlat */
    USE(0xd8, 0xac);             /* lodsb */
    USE(0xd8, 0xa5);             /* movsd */
    USE(0xd8, 0xf3, 0xad);       /* rep lodsd */
    USE(0xc0, 0xab);             /* ES: stosd */
    USE(0xc0, 0xf3, 0xaa);       /* rep stosb */
    USE(0xc0, 0xf2, 0xae);       /* repne scasb */
    RUN_FAR("repe cmpsd", false, edge_of_destination, 0x8e, 0xc0, 0xf3, 0xa7);
    USE(0xc0, 0x26, 0x8b, 0x0f); /* mov ecx, es:[edi] */
    USE(0xc0, 0x26, 0x89, 0x0f); /* mov es:[edi], ecx */
    USE(0xd0, 0x36, 0x8b, 0x0f); /* SS: mov ecx, ss:[edi] */
    USE(0xd0, 0x36, 0x89, 0x0f); /* mov ss:[edi], ecx */
    USE(0xd0, 0x36, 0xad);       /* lodsd ss: */
    USE(0xe8, 0x65, 0x8b, 0x0f); /* GS: mov ecx, gs:[edi] */
    USE(0xe8, 0x65, 0x89, 0x0f); /* mov gs:[edi], ecx */
    USE(0xe8, 0x2e, 0x8b, 0x0f); /* CS: mov ecx, cs:[edi] */
    USE(0xe8, 0x2e, 0x89, 0x0f); /* mov cs:[edi], ecx: never */
}
END_TEST

/* The stack in a segment that has just been loaded: EDI to ESP, and one instruction. */
#define ON_STACK(...) \
    RUN_FAR(#__VA_ARGS__, false, edge_of_segment, 0x8e, 0xd0, 0x89, 0xfc, __VA_ARGS__)
START_TEST(test_use_of_stack)
{
    ON_STACK(0x51);                   /* push ecx */
    ON_STACK(0x6a, 0x55);             /* push 0x55 */
    ON_STACK(0x59);                   /* pop ecx */
    ON_STACK(0x5c);                   /* pop esp */
    ON_STACK(0x60);                   /* pusha */
    ON_STACK(0x9c);                   /* pushf */
    ON_STACK(0x0f, 0xa8);             /* push gs */
    ON_STACK(0xe8, 0, 0, 0, 0);       /* call: to the end, or into an ADD */
    ON_STACK(0xc8, 4, 0, 2);          /* enter */
    ON_STACK(0x8b, 0xef, 0xc9);       /* mov ebp, edi; leave */
}
END_TEST

/* --- at the end of the code segment --- */

/* Sequential code, and jumps, in a 16-bit segment of more than 64 KiB: EIP goes on. */
static bool to_big_segment(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    aim_stack(in, rng);
    return true;
}

START_TEST(test_big_segment)
{
    /* far to the code after this jump, but in a segment where that is at 0xf4xx + ... */
    uint32_t base = diff_segment_base(DIFF_LDT_BIG_CODE16), after;
    static const uint8_t tail[] = { 0x42, 0xe8, 0x01, 0x00, 0x43, 0x43, 0x75, 0x01, 0x46, 0xff, 0xd2 };
    uint8_t code[40];
    size_t n = 0;
    if (modes[_i] & DIFF_16)
        code[n++] = 0x66;
    code[n++] = 0xea;
    after = DIFF_CODE_AT + (uint32_t)n + 6 - base;
    memcpy(code + n, &after, 4);
    code[n + 4] = DIFF_LDT_BIG_CODE16;
    code[n + 5] = 0;
    n += 6;
    memcpy(code + n, tail, sizeof tail);
    n += sizeof tail;
    ck_assert_uint_eq(run_code("code beyond 64 KiB", code, n, modes[_i], 500, to_big_segment, NULL), 0);
}
END_TEST

int main(void)
{
    if (!diff_available())
        return 77;
    const struct suite_case cases[] = {
        { "short", test_short }, { "relative", test_relative }, { "indirect", test_indirect },
        { "far", test_far }, { "far_direct", test_far_direct }, { "loads", test_loads },
        { "queries", test_queries }, { "use", test_use }, { "use_of_stack", test_use_of_stack },
        { "big_segment", test_big_segment },
    };
    return diff_end(run_cases("diff_compat_transfer", cases, COUNT(cases), (int)COUNT(modes)));
}
