/* The SHA instructions (SDM 2, FIPS 180-4): the host's where it has them. */
#include "cpu/ops/crypto.h"

/* Doublewords by number, 0 is the lowest. */
struct words {
    uint32_t w[4];
};

static struct words to_words(rf_m128 v)
{
    struct words words;
    memcpy(&words, &v, sizeof words);
    return words;
}

static rf_m128 from_words(struct words words)
{
    rf_m128 v;
    memcpy(&v, &words, sizeof v);
    return v;
}

static uint32_t rotate_left(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

/* --- SHA-1 --- */

/* Logical function and constant of rounds 20 * stage and up (FIPS 180-4, 4.1.1 and 4.2.1). */
static uint32_t sha1_mix(unsigned stage, uint32_t b, uint32_t c, uint32_t d)
{
    switch (stage) {
    case 0: return ((b & c) ^ (~b & d)) + 0x5a827999;
    case 1: return (b ^ c ^ d) + 0x6ed9eba1;
    case 2: return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdc;
    default: return (b ^ c ^ d) + 0xca62c1d6;
    }
}

static RF_NOINLINE rf_m128 soft_sha1rnds4(rf_m128 d, rf_m128 s, unsigned stage)
{
    const struct words in = to_words(d), message = to_words(s);
    uint32_t a = in.w[3], b = in.w[2], c = in.w[1], e = 0, old_d = in.w[0];
    for (unsigned i = 0; i < 4; i++) { /* E is in the first message word already */
        const uint32_t next = sha1_mix(stage, b, c, old_d) + rotate_left(a, 5) +
                              message.w[3 - i] + e;
        e = old_d;
        old_d = c;
        c = rotate_left(b, 30);
        b = a;
        a = next;
    }
    return from_words((struct words){ { old_d, c, b, a } });
}

static RF_NOINLINE rf_m128 soft_sha1nexte(rf_m128 d, rf_m128 s)
{
    struct words out = to_words(s);
    out.w[3] += rotate_left(to_words(d).w[3], 30);
    return from_words(out);
}

static RF_NOINLINE rf_m128 soft_sha1msg1(rf_m128 d, rf_m128 s)
{
    const struct words a = to_words(d), b = to_words(s);
    return from_words((struct words){ { b.w[2] ^ a.w[0], b.w[3] ^ a.w[1], a.w[0] ^ a.w[2],
                                        a.w[1] ^ a.w[3] } });
}

static RF_NOINLINE rf_m128 soft_sha1msg2(rf_m128 d, rf_m128 s)
{
    const struct words a = to_words(d), b = to_words(s);
    struct words out;
    for (unsigned i = 3; i > 0; i--)
        out.w[i] = rotate_left(a.w[i] ^ b.w[i - 1], 1);
    out.w[0] = rotate_left(a.w[0] ^ out.w[3], 1);
    return from_words(out);
}

/* --- SHA-256: the functions of FIPS 180-4, 4.1.2 --- */

static uint32_t rotate_3(uint32_t x, unsigned i, unsigned j, unsigned k)
{
    return rotate_left(x, 32 - i) ^ rotate_left(x, 32 - j) ^ rotate_left(x, 32 - k);
}

static uint32_t small_sigma_0(uint32_t x)
{
    return rotate_left(x, 25) ^ rotate_left(x, 14) ^ x >> 3;
}

static uint32_t small_sigma_1(uint32_t x)
{
    return rotate_left(x, 15) ^ rotate_left(x, 13) ^ x >> 10;
}

static RF_NOINLINE rf_m128 soft_sha256rnds2(rf_m128 d, rf_m128 s, rf_m128 wk)
{
    const struct words cdgh = to_words(d), abef = to_words(s), message = to_words(wk);
    uint32_t a = abef.w[3], b = abef.w[2], c = cdgh.w[3], old_d = cdgh.w[2];
    uint32_t e = abef.w[1], f = abef.w[0], g = cdgh.w[1], h = cdgh.w[0];
    for (unsigned i = 0; i < 2; i++) {
        const uint32_t t = h + rotate_3(e, 6, 11, 25) + ((e & f) ^ (~e & g)) + message.w[i];
        const uint32_t u = rotate_3(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = old_d + t;
        old_d = c, c = b, b = a, a = t + u;
    }
    return from_words((struct words){ { f, e, b, a } });
}

static RF_NOINLINE rf_m128 soft_sha256msg1(rf_m128 d, rf_m128 s)
{
    const struct words a = to_words(d);
    const uint32_t w4 = to_words(s).w[0];
    struct words out;
    for (unsigned i = 0; i < 4; i++)
        out.w[i] = a.w[i] + small_sigma_0(i == 3 ? w4 : a.w[i + 1]);
    return from_words(out);
}

static RF_NOINLINE rf_m128 soft_sha256msg2(rf_m128 d, rf_m128 s)
{
    const struct words a = to_words(d), b = to_words(s);
    struct words out;
    for (unsigned i = 0; i < 4; i++)
        out.w[i] = a.w[i] + small_sigma_1(i < 2 ? b.w[2 + i] : out.w[i - 2]);
    return from_words(out);
}

/* --- lowering --- */

/* The SDM (exception class 4) asks for aligned memory operands, AMD's processors do not look:
 * the more generous rule. */
#define DEFINE(name, hard, soft) RF_HARD_OR_SOFT(name, 16U, RF_HOST_SHA, hard, soft)

#define SHA(X)                                             \
    X(SHA1NEXTE, "sha1nexte", d = soft_sha1nexte(d, s))    \
    X(SHA1MSG1, "sha1msg1", d = soft_sha1msg1(d, s))       \
    X(SHA1MSG2, "sha1msg2", d = soft_sha1msg2(d, s))       \
    X(SHA256MSG1, "sha256msg1", d = soft_sha256msg1(d, s)) \
    X(SHA256MSG2, "sha256msg2", d = soft_sha256msg2(d, s))
#define DEFINE_SHA(name, text, soft) DEFINE(name, RF_HARD(text), soft)
SHA(DEFINE_SHA)

#define ROUNDS(stage) \
    DEFINE(sha1rnds4_##stage, RF_HARD_IMM("sha1rnds4", stage), d = soft_sha1rnds4(d, s, stage))
ROUNDS(0)
ROUNDS(1)
ROUNDS(2)
ROUNDS(3)

static bool lower_SHA1RNDS4(struct rf_lower *l)
{
    static rf_lower_fn *const lower[4] = { lower_sha1rnds4_0, lower_sha1rnds4_1,
                                           lower_sha1rnds4_2, lower_sha1rnds4_3 };
    return lower[l->operand[2].imm.value.u & 3](l);
}

/* The third operand is XMM0. */
#define XMM0 rf_xmm(cpu, RF_VEC_SLOT(0))
#if RF_HOST_X86
#define HARD_ROUNDS          \
    const rf_m128 wk = XMM0; \
    __asm__("sha256rnds2 %2, %1, %0" : "+x"(d) : "x"(s), "Yz"(wk))
#else
#define HARD_ROUNDS (void)0
#endif
DEFINE(SHA256RNDS2, HARD_ROUNDS, d = soft_sha256rnds2(d, s, XMM0))

#define ENTRY(name, text, soft) RF_SSE_ENTRY(name)

static const struct rf_lower_entry entries[] = {
    SHA(ENTRY)
    RF_SSE_ENTRY(SHA1RNDS4)
    RF_SSE_ENTRY(SHA256RNDS2)
};

const struct rf_lower_table rf_lower_sha = RF_LOWER_TABLE(entries);
