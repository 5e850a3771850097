/* PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM and their VEX forms (SDM 1, 14.3 "SSE4.2", and
 * SDM 2B, 4.1).
 *
 * The comparison itself is made by the host, one handler for each element type and
 * aggregation (imm bits 0 to 3); lengths, polarity, output and flags are worked out here. */
#include "cpu/ops/sse.h"

/* Bits of op->c. */
#define EXPLICIT 1u   /* lengths in EAX and EDX */
#define TO_MASK 2u    /* result to XMM0, else an index to ECX */
#define LENGTHS_64 4u /* REX.W or VEX.W: in RAX and RDX */
#define CLEAR_UPPER 8u /* VEX: a mask clears the upper half of YMM0 */

/* Bits of the immediate. */
#define WORDS 0x01u
#define POLARITY(imm) ((imm) >> 4 & 3)
#define MOST_SIGNIFICANT 0x40u /* index of the last match; or whole elements in the mask */

RF_INLINE unsigned explicit_length(const struct rf_cpu *cpu, unsigned reg, unsigned kind,
                                   unsigned most)
{
    int64_t length = kind & LENGTHS_64 ? (int64_t)cpu->r[reg] : (int32_t)cpu->r[reg];
    uint64_t magnitude = length < 0 ? -(uint64_t)length : (uint64_t)length;
    return magnitude < most ? (unsigned)magnitude : most;
}

/* Elements before the first zero. */
RF_INLINE unsigned implicit_length(rf_m128 string, const unsigned words)
{
    const rf_m128 zero = simde_mm_setzero_si128();
    rf_m128 zeros = words ? simde_mm_cmpeq_epi16(string, zero) : simde_mm_cmpeq_epi8(string, zero);
    unsigned mask = (unsigned)simde_mm_movemask_epi8(zeros) | 0x10000;
    return (unsigned)__builtin_ctz(mask) >> words;
}

/* IntRes1: a bit for each element of s. */
#if RF_HOST_X86
#define COMPARE(imm)                                                                            \
    __extension__({                                                                             \
        register rf_m128 result_ __asm__("xmm0");                                               \
        __asm__("pcmpestrm %[how], %[second], %[first]"                                         \
                : "=x"(result_)                                                                 \
                : [first] "x"(d), [second] "x"(s), [how] "n"(imm), "a"(length_d), "d"(length_s) \
                : "cc");                                                                        \
        (unsigned)simde_mm_cvtsi128_si32(result_);                                              \
    })
#else
struct elements {
    int32_t value[16];
};

static struct elements split(rf_m128 v, unsigned type)
{
    union rf_vec bits;
    struct elements e;
    memcpy(&bits, &v, sizeof v);
    for (unsigned i = 0; i < 16; i++)
        e.value[i] = type == 0   ? bits.u8[i]
                     : type == 2 ? bits.s8[i]
                     : type == 1 ? bits.u16[i & 7]
                                 : bits.s16[i & 7];
    return e;
}

/* Element j of s against element i of d (SDM 2B, table 4-7 for what lies past an end). */
static bool matches(const struct elements *d, const struct elements *s, unsigned i, unsigned j,
                    unsigned length_d, unsigned length_s, unsigned aggregation)
{
    bool valid_d = i < length_d, valid_s = j < length_s;
    if (!valid_d || !valid_s)
        return aggregation == 2 ? !valid_d && !valid_s : aggregation == 3 && !valid_d;
    if (aggregation == 1)
        return i & 1 ? s->value[j] <= d->value[i] : s->value[j] >= d->value[i];
    return s->value[j] == d->value[i];
}

static unsigned compare(rf_m128 a, rf_m128 b, unsigned length_d, unsigned length_s, unsigned imm)
{
    struct elements d = split(a, imm & 3), s = split(b, imm & 3);
    unsigned count = imm & WORDS ? 8 : 16, aggregation = imm >> 2 & 3, result = 0;
    for (unsigned j = 0; j < count; j++) {
        bool bit = aggregation == 3;
        for (unsigned i = 0; i < count; i++) {
#define MATCHES(i, j) matches(&d, &s, i, j, length_d, length_s, aggregation)
            if (aggregation == 0)
                bit |= MATCHES(i, j);
            else if (aggregation == 1)
                bit |= !(i & 1) && MATCHES(i, j) && MATCHES(i + 1, j);
            else if (aggregation == 2)
                bit |= i == j && MATCHES(i, j);
            else if (i + j < count)
                bit &= MATCHES(i, i + j);
        }
        result |= (unsigned)bit << j;
    }
    return result;
}
#define COMPARE(imm) compare(d, s, length_d, length_s, imm)
#endif

RF_INLINE rf_m128 spread(unsigned bits, const unsigned words)
{
    if (words)
        return rf_lanes_16(bits);
    const rf_m128 one = simde_mm_set1_epi64x((int64_t)0x8040201008040201);
    rf_m128 both = simde_mm_set_epi64x((int64_t)(bits >> 8) * 0x0101010101010101,
                                       (int64_t)(bits & 0xff) * 0x0101010101010101);
    return simde_mm_cmpeq_epi8(simde_mm_and_si128(both, one), one);
}

/* Polarity, output and flags. */
RF_INLINE void finish(struct rf_cpu *cpu, const struct rf_op *op, unsigned bits, unsigned length_d,
                      unsigned length_s, const unsigned words)
{
    const unsigned count = words ? 8 : 16;
    unsigned imm = (unsigned)op->imm;
    if (POLARITY(imm) == 1)
        bits ^= (1u << count) - 1;
    else if (POLARITY(imm) == 3)
        bits ^= (1u << length_s) - 1;
    if (op->c & CLEAR_UPPER)
        simde_mm_store_si128((rf_m128 *)&RF_V(0).u64[2], simde_mm_setzero_si128());
    if (op->c & TO_MASK)
        rf_xmm_set(cpu, 0, imm & MOST_SIGNIFICANT ? spread(bits, words) : rf_m128_low(bits));
    else if (!bits)
        cpu->r[RF_RCX] = count;
    else
        cpu->r[RF_RCX] = imm & MOST_SIGNIFICANT ? 31u - (unsigned)__builtin_clz(bits)
                                                : (unsigned)__builtin_ctz(bits);
    uint32_t flags = bits ? RF_FLAG_CF : 0;
    if (length_s < count)
        flags |= RF_FLAG_ZF;
    if (length_d < count)
        flags |= RF_FLAG_SF;
    if (bits & 1)
        flags |= RF_FLAG_OF;
    rf_flags_set_status(cpu, flags);
}

#define COMPARE_STRINGS(imm)                                      \
    const unsigned words = (imm) & WORDS, count = words ? 8 : 16; \
    unsigned length_d, length_s;                                  \
    if (op->c & EXPLICIT) {                                       \
        length_d = explicit_length(cpu, RF_RAX, op->c, count);    \
        length_s = explicit_length(cpu, RF_RDX, op->c, count);    \
    } else {                                                      \
        length_d = implicit_length(d, words);                     \
        length_s = implicit_length(s, words);                     \
    }                                                             \
    finish(cpu, op, COMPARE(imm), length_d, length_s, words)

#define HANDLERS(imm)                                           \
    static RF_OP(strings_##imm##_reg)                           \
    {                                                           \
        rf_m128 d = rf_xmm(cpu, op->a), s = rf_xmm(cpu, op->b); \
        COMPARE_STRINGS(imm);                                   \
        RF_NEXT;                                                \
    }                                                           \
    RF_MEM_HANDLER(strings_##imm##_mem)                         \
    {                                                           \
        RF_SSE_LOAD_16U(s);                                     \
        rf_m128 d = rf_xmm(cpu, op->a);                         \
        COMPARE_STRINGS(imm);                                   \
        RF_MEM_NEXT;                                            \
    }
#define SIXTEEN(X)      \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
SIXTEEN(HANDLERS)

static bool lower(struct rf_lower *l, unsigned kind)
{
#define FORM(imm) { .reg = strings_##imm##_reg, .mem = strings_##imm##_mem },
    static const struct rf_sse_form forms[16] = { SIXTEEN(FORM) };
    if (!rf_sse_lower(l, &forms[l->operand[2].imm.value.u & 15]))
        return false;
    l->cc_after = RF_CC_FLAGS;
    const bool vex = l->ins.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
    if (l->code_bits == 64 && (vex ? l->ins.raw.vex.W : l->ins.raw.rex.W))
        kind |= LENGTHS_64;
    if (vex && kind & TO_MASK)
        kind |= CLEAR_UPPER;
    l->out[-1].c = (uint8_t)kind;
    return true;
}

static bool lower_PCMPESTRI(struct rf_lower *l)
{
    return lower(l, EXPLICIT);
}

static bool lower_PCMPESTRM(struct rf_lower *l)
{
    return lower(l, EXPLICIT | TO_MASK);
}

static bool lower_PCMPISTRI(struct rf_lower *l)
{
    return lower(l, 0);
}

static bool lower_PCMPISTRM(struct rf_lower *l)
{
    return lower(l, TO_MASK);
}

static const struct rf_lower_entry entries[] = {
    RF_SSE_ENTRY(PCMPESTRI)
    RF_SSE_ENTRY(PCMPESTRM)
    RF_SSE_ENTRY(PCMPISTRI)
    RF_SSE_ENTRY(PCMPISTRM)
    { ZYDIS_MNEMONIC_VPCMPESTRI, lower_PCMPESTRI },
    { ZYDIS_MNEMONIC_VPCMPESTRM, lower_PCMPESTRM },
    { ZYDIS_MNEMONIC_VPCMPISTRI, lower_PCMPISTRI },
    { ZYDIS_MNEMONIC_VPCMPISTRM, lower_PCMPISTRM },
};

const struct rf_lower_table rf_lower_sse_string = RF_LOWER_TABLE(entries);
