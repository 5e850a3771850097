/* Forms of the integer instructions, for both modes; one file includes it. What only 64-bit
 * mode has is left out when the forms are run as 32-bit code. */
#ifndef TESTS_LIB_FORMS_INTEGER_H
#define TESTS_LIB_FORMS_INTEGER_H

#include "diff_prepare.h"
#include "differential.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define F(name, text, ...) { .mnemonic = ZYDIS_MNEMONIC_##name, .operands = text, __VA_ARGS__ }

#define CF 0x001u
#define PF 0x004u
#define AF 0x010u
#define ZF 0x040u
#define SF 0x080u
#define OF 0x800u
/* Flags that the manuals leave undefined and that this host and Ringfort (which does as Intel
 * CPUs do) fill differently. */
#define UNDEFINED(flags, why) .ignore_flags = (flags), .reason = (why)

#define LOCK .prefixes = ZYDIS_ATTRIB_HAS_LOCK

/* --- arithmetic and logic --- */

#define BINARY(name)                                                                        \
    F(name, "r8|m1 r8|i8"), F(name, "r16|m2 r16|i16|i8"), F(name, "r32|m4 r32|i32|i8"),     \
        F(name, "r64|m8 r64|i32|i8"), F(name, "r8 m1"), F(name, "r16 m2"),                  \
        F(name, "r32 m4"), F(name, "r64 m8"), F(name, "al i8"), F(name, "ax i16"),          \
        F(name, "eax i32"), F(name, "rax i32")
#define BINARY_LOCKED(name)                                                                 \
    F(name, "m1 r8|i8", LOCK), F(name, "m2 r16|i16|i8", LOCK), F(name, "m4 r32|i32|i8", LOCK), \
        F(name, "m8 r64|i32|i8", LOCK)
#define UNARY(name) F(name, "r8|m1"), F(name, "r16|m2"), F(name, "r32|m4"), F(name, "r64|m8")
#define UNARY_LOCKED(name) \
    F(name, "m1", LOCK), F(name, "m2", LOCK), F(name, "m4", LOCK), F(name, "m8", LOCK)

static const struct diff_form alu[] = {
    BINARY(ADD), BINARY(OR), BINARY(ADC), BINARY(SBB), BINARY(AND), BINARY(SUB), BINARY(XOR),
    BINARY(CMP),
    F(TEST, "r8|m1 r8|i8"), F(TEST, "r16|m2 r16|i16"), F(TEST, "r32|m4 r32|i32"),
    F(TEST, "r64|m8 r64|i32"), F(TEST, "al i8"), F(TEST, "rax i32"),
    UNARY(INC), UNARY(DEC), UNARY(NEG), UNARY(NOT),
};

static const struct diff_form locked[] = {
    BINARY_LOCKED(ADD), BINARY_LOCKED(OR), BINARY_LOCKED(ADC), BINARY_LOCKED(SBB),
    BINARY_LOCKED(AND), BINARY_LOCKED(SUB), BINARY_LOCKED(XOR), UNARY_LOCKED(INC),
    UNARY_LOCKED(DEC), UNARY_LOCKED(NEG), UNARY_LOCKED(NOT),
    F(BTS, "m2|m4|m8 i8", LOCK), F(BTR, "m2|m4|m8 i8", LOCK), F(BTC, "m2|m4|m8 i8", LOCK),
    F(XCHG, "m1 r8", LOCK), F(XCHG, "m8 r64", LOCK), F(XADD, "m1 r8", LOCK),
    F(XADD, "m2 r16", LOCK),
    F(XADD, "m4 r32", LOCK), F(XADD, "m8 r64", LOCK),
};

/* --- multiplication and division --- */

#define MULTIPLY UNDEFINED(SF | ZF | AF | PF, "undefined after MUL and IMUL")
static const struct diff_form multiply[] = {
    F(MUL, "r8|m1", MULTIPLY), F(MUL, "r16|m2", MULTIPLY), F(MUL, "r32|m4", MULTIPLY),
    F(MUL, "r64|m8", MULTIPLY), F(IMUL, "r8|m1", MULTIPLY), F(IMUL, "r16|m2", MULTIPLY),
    F(IMUL, "r32|m4", MULTIPLY), F(IMUL, "r64|m8", MULTIPLY), F(IMUL, "r16 r16|m2", MULTIPLY),
    F(IMUL, "r32 r32|m4", MULTIPLY), F(IMUL, "r64 r64|m8", MULTIPLY),
    F(IMUL, "r16 r16|m2 i8|i16", MULTIPLY), F(IMUL, "r32 r32|m4 i8|i32", MULTIPLY),
    F(IMUL, "r64 r64|m8 i8|i32", MULTIPLY),
};

#define DIVIDE .prepare = diff_prepare_dividend, .sets = 1024, \
    UNDEFINED(CF | OF | SF | ZF | AF | PF, "every status flag is undefined after a division")
static const struct diff_form divide[] = {
    F(DIV, "r8|m1", DIVIDE), F(DIV, "r16|m2", DIVIDE), F(DIV, "r32|m4", DIVIDE),
    F(DIV, "r64|m8", DIVIDE), F(IDIV, "r8|m1", DIVIDE), F(IDIV, "r16|m2", DIVIDE),
    F(IDIV, "r32|m4", DIVIDE), F(IDIV, "r64|m8", DIVIDE),
};

/* --- shifts and rotates --- */

#define AF_SHIFT UNDEFINED(AF, "AF after a shift: AMD sets it, Intel clears it")
#define SHIFT(name, ...)                                                                    \
    F(name, "r8|m1 1|cl", __VA_ARGS__), F(name, "r16|m2 1|cl", __VA_ARGS__),                \
        F(name, "r32|m4 1|cl", __VA_ARGS__), F(name, "r64|m8 1|cl", __VA_ARGS__),           \
        F(name, "r8|m1 i8", .immediates = 128, __VA_ARGS__),                                \
        F(name, "r16|m2 i8", .immediates = 128, __VA_ARGS__),                               \
        F(name, "r32|m4 i8", .immediates = 128, __VA_ARGS__),                               \
        F(name, "r64|m8 i8", .immediates = 128, __VA_ARGS__)

static const struct diff_form shift[] = { SHIFT(SHL, AF_SHIFT), SHIFT(SHR, AF_SHIFT),
                                          SHIFT(SAR, AF_SHIFT) };
static const struct diff_form rotate[] = { SHIFT(ROL), SHIFT(ROR), SHIFT(RCL), SHIFT(RCR) };

#define NARROW .prepare = diff_prepare_narrow_count, .immediates = 32, .sets = 2048
#define SHLD_16 UNDEFINED(AF | OF, "as after other shifts, and OF after SHLD by 16")
static const struct diff_form double_shift[] = {
    F(SHLD, "r16 r16 cl|i8", NARROW, SHLD_16),
    F(SHLD, "r32|m4 r32 cl|i8", .immediates = 64, AF_SHIFT),
    F(SHLD, "r64|m8 r64 cl|i8", .immediates = 64, AF_SHIFT),
    F(SHRD, "r16 r16 cl|i8", NARROW, AF_SHIFT),
    F(SHRD, "r32|m4 r32 cl|i8", .immediates = 64, AF_SHIFT),
    F(SHRD, "r64|m8 r64 cl|i8", .immediates = 64, AF_SHIFT),
};

/* --- bits --- */

#define BIT_TEST(name)                                                                      \
    F(name, "r16 r16|i8"), F(name, "r32 r32|i8"), F(name, "r64 r64|i8"),                    \
        F(name, "m2|m4|m8 i8"), F(name, "m2 r16", .prepare = diff_prepare_near_bit),                     \
        F(name, "m4 r32", .prepare = diff_prepare_near_bit), F(name, "m8 r64", .prepare = diff_prepare_near_bit)
static const struct diff_form bit_test[] = { BIT_TEST(BT), BIT_TEST(BTS), BIT_TEST(BTR),
                                             BIT_TEST(BTC) };

#define WIDTHS(name) F(name, "r16 r16|m2"), F(name, "r32 r32|m4"), F(name, "r64 r64|m8")
#define COUNT_ZEROS(name)                                                                   \
    F(name, "r16 r16|m2", OF_COUNT), F(name, "r32 r32|m4", OF_COUNT),                       \
    F(name, "r64 r64|m8", OF_COUNT)
#define OF_COUNT UNDEFINED(OF, "OF after TZCNT and LZCNT: AMD sets it, Intel clears it")
static const struct diff_form bit_scan[] = { WIDTHS(BSF), WIDTHS(BSR), COUNT_ZEROS(TZCNT),
                                             COUNT_ZEROS(LZCNT), WIDTHS(POPCNT) };

#define PF_BMI UNDEFINED(PF, "PF after BMI1 and BZHI: the result's parity on AMD, 0 on Intel")
#define BEXTR_FLAGS UNDEFINED(AF | SF | PF, "AF, SF, PF after BEXTR: some set on AMD, 0 on Intel")
#define CONTROL .prepare = diff_prepare_small_control, .sets = 1024
static const struct diff_form bmi[] = {
    F(ANDN, "r32 r32 r32|m4", PF_BMI), F(ANDN, "r64 r64 r64|m8", PF_BMI),
    F(BEXTR, "r32 r32|m4 r32", CONTROL, BEXTR_FLAGS),
    F(BEXTR, "r64 r64|m8 r64", CONTROL, BEXTR_FLAGS), F(BLSI, "r32 r32|m4", PF_BMI),
    F(BLSI, "r64 r64|m8", PF_BMI),
    F(BLSMSK, "r32 r32|m4", PF_BMI), F(BLSMSK, "r64 r64|m8", PF_BMI),
    F(BLSR, "r32 r32|m4", PF_BMI), F(BLSR, "r64 r64|m8", PF_BMI),
    F(BZHI, "r32 r32|m4 r32", CONTROL, PF_BMI), F(BZHI, "r64 r64|m8 r64", CONTROL, PF_BMI),
    F(MULX, "r32 r32 r32|m4"), F(MULX, "r64 r64 r64|m8"), F(PDEP, "r32 r32 r32|m4"),
    F(PDEP, "r64 r64 r64|m8"), F(PEXT, "r32 r32 r32|m4"), F(PEXT, "r64 r64 r64|m8"),
    F(RORX, "r32 r32|m4 i8", .immediates = 64), F(RORX, "r64 r64|m8 i8", .immediates = 64),
    F(SARX, "r32 r32|m4 r32"), F(SARX, "r64 r64|m8 r64"), F(SHLX, "r32 r32|m4 r32"),
    F(SHLX, "r64 r64|m8 r64"), F(SHRX, "r32 r32|m4 r32"), F(SHRX, "r64 r64|m8 r64"),
    F(ADCX, "r32 r32|m4"), F(ADCX, "r64 r64|m8"), F(ADOX, "r32 r32|m4"), F(ADOX, "r64 r64|m8"),
};

static const struct diff_form bytes[] = {
    F(MOVBE, "r16 m2"), F(MOVBE, "r32 m4"), F(MOVBE, "r64 m8"), F(MOVBE, "m2 r16"),
    F(MOVBE, "m4 r32"), F(MOVBE, "m8 r64"), F(BSWAP, "r32|r64"),
    F(CRC32, "r32 r8|r16|r32|m1|m2|m4"),
    F(CRC32, "r64 r8|r64|m1|m8"),
};

/* --- moves --- */

#define CONDITIONS(X)                                                                       \
    X(O), X(NO), X(B), X(NB), X(Z), X(NZ), X(BE), X(NBE), X(S), X(NS), X(P), X(NP), X(L),   \
        X(NL), X(LE), X(NLE)
#define CMOV(cc) F(CMOV##cc, "r16 r16|m2"), F(CMOV##cc, "r32 r32|m4"), F(CMOV##cc, "r64 r64|m8")
#define SET(cc) F(SET##cc, "r8|m1")

static const struct diff_form moves[] = {
    F(MOV, "r8|m1 r8|i8"), F(MOV, "r16|m2 r16|i16"), F(MOV, "r32|m4 r32|i32"),
    F(MOV, "r64|m8 r64|i32"), F(MOV, "r64 i64"), F(MOV, "r8 m1"), F(MOV, "r16 m2"),
    F(MOV, "r32 m4"),
    F(MOV, "r64 m8"), F(MOVZX, "r16|r32|r64 r8|m1"), F(MOVZX, "r32|r64 r16|m2"),
    F(MOVSX, "r16|r32|r64 r8|m1"), F(MOVSX, "r32|r64 r16|m2"), F(MOVSXD, "r64 r32|m4"),
    CONDITIONS(CMOV), CONDITIONS(SET), F(CBW, ""), F(CWDE, ""),
    F(CDQE, ""), F(CWD, ""), F(CDQ, ""), F(CQO, ""), F(LAHF, ""), F(SAHF, ""), F(CLC, ""),
    F(STC, ""), F(CMC, ""), F(XCHG, "r8|m1 r8"), F(XCHG, "r16|m2 r16"), F(XCHG, "r32|m4 r32"),
    F(XCHG, "r64|m8 r64"), F(XCHG, "r64 rax"), F(XCHG, "r32 eax"), F(XADD, "r8|m1 r8"),
    F(XADD, "r16|m2 r16"), F(XADD, "r32|m4 r32"), F(XADD, "r64|m8 r64"), F(NOP, ""),
};

/* The encoder wants the size of the address as the operand's. */
static const struct diff_form addresses[] __attribute__((unused)) = { F(LEA, "r16|r32|r64 m8") };

static const struct diff_form other_moves[] = { F(XLAT, "", .prepare = diff_prepare_table_at_rbx) };

#define COMPARAND .prepare = diff_prepare_comparand
#define WIDE .prepare = diff_prepare_wide_comparand
static const struct diff_form compare_exchange[] = {
    F(CMPXCHG, "r8|m1 r8", COMPARAND), F(CMPXCHG, "r16|m2 r16", COMPARAND),
    F(CMPXCHG, "r32|m4 r32", COMPARAND), F(CMPXCHG, "r64|m8 r64", COMPARAND),
    F(CMPXCHG, "m1 r8", COMPARAND, LOCK), F(CMPXCHG, "m2 r16", COMPARAND, LOCK),
    F(CMPXCHG, "m4 r32", COMPARAND, LOCK), F(CMPXCHG, "m8 r64", COMPARAND, LOCK),
    F(CMPXCHG8B, "m8", WIDE), F(CMPXCHG8B, "m8", WIDE, LOCK),
    F(CMPXCHG16B, "m16", WIDE, .options = DIFF_ALIGNED),
    F(CMPXCHG16B, "m16", WIDE, LOCK, .options = DIFF_ALIGNED),
};

/* --- strings --- */

#define STRING(name, ...) \
    F(name, "", .options = DIFF_KEEP_DF | DIFF_SMALL_RCX, .prepare = diff_prepare_strings, __VA_ARGS__)
#define REP .prefixes = ZYDIS_ATTRIB_HAS_REP
#define REPE .prefixes = ZYDIS_ATTRIB_HAS_REPE
#define REPNE .prefixes = ZYDIS_ATTRIB_HAS_REPNE
#define STRING_FOUR(name, ...)                                                              \
    STRING(name##B, __VA_ARGS__), STRING(name##W, __VA_ARGS__), STRING(name##D, __VA_ARGS__), \
        STRING(name##Q, __VA_ARGS__)
static const struct diff_form string_forms[] = {
    STRING_FOUR(MOVS, .sets = 1024), STRING_FOUR(MOVS, REP, .sets = 1024),
    STRING_FOUR(STOS, .sets = 1024), STRING_FOUR(STOS, REP, .sets = 1024),
    STRING_FOUR(LODS, .sets = 1024), STRING_FOUR(LODS, REP, .sets = 1024),
    STRING_FOUR(SCAS, .sets = 1024), STRING_FOUR(SCAS, REPE, .sets = 1024),
    STRING_FOUR(SCAS, REPNE, .sets = 1024), STRING_FOUR(CMPS, .sets = 1024),
    STRING_FOUR(CMPS, REPE, .sets = 1024), STRING_FOUR(CMPS, REPNE, .sets = 1024),
};

/* --- sequences: what leaves every status flag defined, but AF after shifts --- */

#define BINARY_SHORT(name)                                                                  \
    F(name, "r8|m1 r8|i8"), F(name, "r16|m2 r16|i8"), F(name, "r32|m4 r32|i32"),            \
        F(name, "r64|m8 r64|i8"), F(name, "r32 m4"), F(name, "r64 m8")
#define CMOV_SHORT(cc) F(CMOV##cc, "r32|r64 r32|r64")
static const struct diff_form sequence[] = {
    BINARY_SHORT(ADD), BINARY_SHORT(OR), BINARY_SHORT(ADC), BINARY_SHORT(SBB), BINARY_SHORT(AND),
    BINARY_SHORT(SUB), BINARY_SHORT(XOR), BINARY_SHORT(CMP), UNARY(INC), UNARY(DEC), UNARY(NEG),
    UNARY(NOT), F(TEST, "r8|m1 r8|i8"), F(TEST, "r32|m4 r32|i32"), F(TEST, "r64|m8 r64|i32"),
    CONDITIONS(SET), CONDITIONS(CMOV_SHORT), F(MOV, "r64|m8 r64"), F(MOV, "r32 m4|i32"),
    F(MOV, "r8|m1 r8"), F(MOVZX, "r32 r8|m2"), F(LEA, "r64 m8"), F(CLC, ""), F(STC, ""), F(CMC, ""),
    F(SAHF, ""), F(ADCX, "r64 r64|m8"), F(ADOX, "r64 r64"), F(XADD, "r32|m4 r32"),
    F(SHL, "r8|r16|r32|r64|m4 1"), F(SHR, "r8|r16|r32|r64|m8 1"), F(SAR, "r8|r16|r32|r64|m1 1"),
    F(ROL, "r8|r32|r64 1"), F(ROR, "r16|r32|r64 1"), F(RCL, "r8|r32|r64 1"), F(RCR, "r8|r32|r64 1"),
    F(MULX, "r64 r64 r64|m8"), F(RORX, "r32 r32 i8"), F(SHLX, "r64 r64 r64"), F(BSWAP, "r64"),
    F(POPCNT, "r64 r64|m8"), F(CMPXCHG, "r32|m4 r32"), F(XCHG, "r8|m1 r8"), F(MOVSX, "r64 r8|m1"),
};

#endif
