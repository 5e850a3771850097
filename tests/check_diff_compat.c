/* Compatibility mode against the host CPU: the integer instructions as 32-bit code in flat
 * segments, in segments with base and limit, and as 16-bit code; and what only this mode has. */
#include "lib/forms_integer.h"
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* The three environments; every test runs in each. */
static const unsigned modes[] = { DIFF_32, DIFF_32 | DIFF_SEGMENTED, DIFF_32 | DIFF_16 };

/* Less than in check_diff_integer.c, where the same handlers are run: what differs here is how
 * operands are found. */
#define FEWER 4

static unsigned run_in(const struct diff_form *forms, size_t count, unsigned mode, uint64_t seed)
{
    unsigned mismatches = 0;
    for (size_t i = 0; i < count; i++) {
        struct diff_form form = forms[i];
        form.options |= mode;
        form.sets = (form.sets ? form.sets : 256) / FEWER;
        mismatches += diff_run_forms(&form, 1, seed + 7919 * i);
    }
    return mismatches;
}
#define RUN(table) ck_assert_uint_eq(run_in(table, COUNT(table), modes[_i], __LINE__ + _i), 0)

/* --- what only this mode has --- */

#define DECIMAL(flags, why) .sets = 4096, UNDEFINED(flags, why)
static const struct diff_form decimal[] = {
    F(DAA, "", DECIMAL(OF, "undefined")), F(DAS, "", DECIMAL(OF, "undefined")),
    F(AAA, "", DECIMAL(OF | SF | ZF | PF, "undefined")),
    F(AAS, "", DECIMAL(OF | SF | ZF | PF, "undefined")),
    F(AAM, "i8", .immediates = 256, DECIMAL(OF | AF | CF, "undefined")),
    F(AAD, "i8", .immediates = 256, DECIMAL(OF | AF | CF, "undefined")),
    F(SALC, ""), F(INTO, ""),
};

/* BOUND: limits around the index now and then. */
static bool near_limits(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    unsigned half = request->operands[1].mem.size / 2u;
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
                                                           request->operands[0].reg.value);
    uint64_t index = in->gpr[ZydisRegisterGetId(whole)];
    if (diff_below(rng, 4) == 0)
        return true;
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE / half; i++) {
        uint64_t limit = index + diff_below(rng, 3) - 1 - (i & 1);
        memcpy(in->memory + i * half, &limit, half);
    }
    return true;
}
/* INT 0x80 is a system call of the host. */
static bool no_system_call(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    (void)in, (void)rng;
    return (uint8_t)request->operands[0].imm.u != 0x80;
}
static const struct diff_form lea_16[] = { F(LEA, "r16|r32 m2") };
static const struct diff_form others[] = {
    F(BOUND, "r16 m4", .prepare = near_limits), F(BOUND, "r32 m8", .prepare = near_limits),
    F(ARPL, "r16|m2 r16"), F(LEA, "r16|r32 m4"), F(INT3, ""),
    F(INT, "i8", .immediates = 256, .sets = 2048, .prepare = no_system_call), F(CPUID, "", .ignore_gpr = 0xf, .sets = 8),
};

/* --- the stack --- */

/* Now and then at the edge of the stack segment or of a page, or around the end of 64 KiB. */
static bool stack_edges(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    uint64_t linear;
    switch (diff_below(rng, 16)) {
    case 0: linear = DIFF_MEMORY_AT - 0xe00 + diff_below(rng, 24); break; /* first page */
    case 1: linear = in->base[2] + diff_below(rng, 24); break; /* the segment's start */
    case 2: linear = in->base[2] + 0x10000 - diff_below(rng, 24); break;
    case 3: linear = DIFF_MEMORY_AT + 0x1200 - diff_below(rng, 24); break; /* last page */
    default: return true;
    }
    in->gpr[4] = (in->gpr[4] & 0xffff0000) | (uint16_t)(linear - in->base[2]);
    if (diff_below(rng, 4))
        in->gpr[4] = (uint32_t)(linear - in->base[2]);
    return true;
}
/* As above, but a POPA that faults does so at once: AMD CPUs load registers up to the fault. */
static bool whole_frame(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const uint32_t end = (uint32_t)DIFF_MEMORY_AT + 0x1200;
    stack_edges(in, rng, user);
    uint32_t linear = in->base[2] + (uint32_t)in->gpr[4]; /* by ESP, or by SP */
    uint32_t linear_16 = in->base[2] + (uint16_t)in->gpr[4];
    if ((linear < end && linear + 32 > end) || (linear_16 < end && linear_16 + 32 > end))
        in->gpr[4] -= 32;
    return true;
}
#define STACK .prepare = stack_edges, .sets = 4096
#define FRAME .prepare = whole_frame, .sets = 4096
static const struct diff_form stack[] = {
    F(PUSH, "r16|r32|i8|i16|i32", STACK), F(PUSH, "m2|m4", STACK), F(POP, "r16|r32", STACK),
    F(POP, "m2|m4", STACK), F(PUSHA, "", STACK), F(PUSHAD, "", STACK), F(POPA, "", FRAME),
    F(POPAD, "", FRAME), F(PUSHF, "", STACK), F(PUSHFD, "", STACK),
};

/* ENTER and LEAVE: (E)BP in the stack, too. */
static bool frames(struct diff_state *in, struct diff_rng *rng, void *user)
{
    stack_edges(in, rng, user);
    uint64_t at = DIFF_MEMORY_AT + 64 + diff_below(rng, DIFF_MEMORY_SIZE - 128);
    if (diff_below(rng, 8) == 0)
        at = DIFF_MEMORY_AT + 0x1200 - diff_below(rng, 8);
    if (diff_below(rng, 8) == 0)
        at = DIFF_MEMORY_AT - 0xe00 + diff_below(rng, 140);
    in->gpr[5] = (uint32_t)(at - in->base[2]);
    if (diff_below(rng, 2))
        in->gpr[5] = (uint16_t)(at - in->base[2]) | diff_random(rng) << 16;
    return true;
}

/* No trap flag, no alignment check: the harness runs on with them. */
static bool flags_image(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    uint64_t at = 64 + diff_below(rng, DIFF_MEMORY_SIZE - 128);
    in->gpr[4] = (uint32_t)(DIFF_MEMORY_AT + at - in->base[2]);
    in->memory[at + 1] &= 0xfe;
    in->memory[at + 2] &= 0xfb;
    return true;
}

static const struct diff_form frame_forms[] = {
    F(ENTER, "i16 i8", .immediates = 32, .sets = 4096, .prepare = frames),
    F(LEAVE, "", .sets = 4096, .prepare = frames),
};

/* The same bytes in every mode, with any operand size. */
static unsigned run_code(const char *name, const uint8_t *code, size_t length, unsigned options,
                         bool (*prepare)(struct diff_state *, struct diff_rng *, void *))
{
    unsigned mismatches = 0;
    for (unsigned prefix = 0; prefix < 2; prefix++) {
        uint8_t bytes_[16] = { 0x66 };
        memcpy(bytes_ + prefix, code, length);
        struct diff_case test = { .name = name, .code = bytes_, .length = length + prefix,
                                  .options = options, .prepare = prepare };
        mismatches += diff_run_random(&test, length, 1000);
    }
    return mismatches;
}
#define RUN_CODE(name, prepare, ...)                                                        \
    do {                                                                                    \
        static const uint8_t code_[] = { __VA_ARGS__ };                                     \
        ck_assert_uint_eq(run_code(name, code_, sizeof code_, modes[_i], prepare), 0);      \
    } while (0)

START_TEST(test_frames)
{
    RUN(frame_forms);
    RUN_CODE("leave, 16 and 32 bits", frames, 0xc9);
    RUN_CODE("enter, level 0", frames, 0xc8, 0x12, 0x00, 0x00);
    RUN_CODE("enter, level 1", frames, 0xc8, 0x12, 0x00, 0x01);
    RUN_CODE("enter, level 5", frames, 0xc8, 0x03, 0x00, 0x05);
    RUN_CODE("enter, level 31", frames, 0xc8, 0x03, 0x01, 0xff);
}
END_TEST
START_TEST(test_flags)
{
    RUN_CODE("popf, pushfd", flags_image, 0x9d, 0x66, 0x9c);
    RUN_CODE("popf, pushf", flags_image, 0x9d, 0x9c);
}
END_TEST
START_TEST(test_push_segments)
{
    RUN_CODE("push es", stack_edges, 0x06);
    RUN_CODE("push cs", stack_edges, 0x0e);
    RUN_CODE("push ss", stack_edges, 0x16);
    RUN_CODE("push ds", stack_edges, 0x1e);
    RUN_CODE("push fs", stack_edges, 0x0f, 0xa0);
    RUN_CODE("push gs", stack_edges, 0x0f, 0xa8);
}
END_TEST
START_TEST(test_decimal) { RUN(decimal); }
END_TEST
START_TEST(test_others)
{
    RUN(others);
    if (modes[_i] != DIFF_32) /* 16-bit addresses do not reach the flat window */
        RUN(lea_16);
}
END_TEST
START_TEST(test_stack) { RUN(stack); }
END_TEST
START_TEST(test_alu) { RUN(alu); }
END_TEST
START_TEST(test_locked) { RUN(locked); }
END_TEST
START_TEST(test_multiply) { RUN(multiply); }
END_TEST
START_TEST(test_divide) { RUN(divide); }
END_TEST
START_TEST(test_shift) { RUN(shift); }
END_TEST
START_TEST(test_rotate) { RUN(rotate); }
END_TEST
START_TEST(test_double_shift) { RUN(double_shift); }
END_TEST
START_TEST(test_bit_test) { RUN(bit_test); }
END_TEST
START_TEST(test_bit_scan) { RUN(bit_scan); }
END_TEST
START_TEST(test_bmi) { RUN(bmi); }
END_TEST
START_TEST(test_bytes) { RUN(bytes); }
END_TEST
START_TEST(test_moves)
{
    RUN(moves);
    RUN(other_moves);
}
END_TEST
START_TEST(test_compare_exchange) { RUN(compare_exchange); }
END_TEST
START_TEST(test_strings) { RUN(string_forms); }
END_TEST
START_TEST(test_sequences)
{
    ck_assert_uint_eq(diff_run_sequences(sequence, COUNT(sequence), 2500, modes[_i], AF, 1), 0);
}
END_TEST

int main(void)
{
    if (!diff_available())
        return 77;
    const struct suite_case cases[] = {
        { "alu", test_alu }, { "locked", test_locked }, { "multiply", test_multiply },
        { "divide", test_divide }, { "shift", test_shift }, { "rotate", test_rotate },
        { "double_shift", test_double_shift }, { "bit_test", test_bit_test },
        { "bit_scan", test_bit_scan }, { "bmi", test_bmi }, { "bytes", test_bytes },
        { "moves", test_moves }, { "compare_exchange", test_compare_exchange },
        { "strings", test_strings }, { "sequences", test_sequences },
        { "decimal", test_decimal }, { "others", test_others }, { "stack", test_stack },
        { "frames", test_frames }, { "flags", test_flags },
        { "push_segments", test_push_segments },
    };
    return diff_end(run_cases("diff_compat", cases, COUNT(cases), (int)COUNT(modes)));
}
