/* AES, PCLMULQDQ, SHA and GFNI against the host CPU, legacy and VEX encodings, by the host's
 * instructions and by what stands for them. Hosts lack some of them: those are left out. */
#include "base/host.h"
#include "lib/differential.h"
#include "lib/suite.h"

#include <check.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define F(name, text, ...) { .mnemonic = ZYDIS_MNEMONIC_##name, .operands = text, __VA_ARGS__ }
#define A .options = DIFF_ALIGNED
#define IMM .immediates = 256, .sets = 256 * 16
#define LEGACY(name) F(name, "x x|m16", A)
#define X(name) F(name, "x x x|m16")
#define Y(name) F(name, "v v v|m32")

static const struct diff_form aes[] = {
    LEGACY(AESENC), LEGACY(AESENCLAST), LEGACY(AESDEC), LEGACY(AESDECLAST), LEGACY(AESIMC),
    F(AESKEYGENASSIST, "x x|m16 i8", A, IMM),
};
static const struct diff_form avx_aes[] = {
    X(VAESENC), X(VAESENCLAST), X(VAESDEC), X(VAESDECLAST), F(VAESIMC, "x x|m16"),
    F(VAESKEYGENASSIST, "x x|m16 i8", IMM),
};
static const struct diff_form vaes[] = { Y(VAESENC), Y(VAESENCLAST), Y(VAESDEC), Y(VAESDECLAST) };

static const struct diff_form clmul[] = { F(PCLMULQDQ, "x x|m16 i8", A, IMM) };
static const struct diff_form avx_clmul[] = { F(VPCLMULQDQ, "x x x|m16 i8", IMM) };
static const struct diff_form vclmul[] = { F(VPCLMULQDQ, "v v v|m32 i8", IMM) };

static const struct diff_form gfni[] = {
    LEGACY(GF2P8MULB), F(GF2P8AFFINEQB, "x x|m16 i8", A, IMM),
    F(GF2P8AFFINEINVQB, "x x|m16 i8", A, IMM),
};
static const struct diff_form avx_gfni[] = {
    X(VGF2P8MULB), Y(VGF2P8MULB), F(VGF2P8AFFINEQB, "x x x|m16 i8", IMM),
    F(VGF2P8AFFINEQB, "v v v|m32 i8", IMM), F(VGF2P8AFFINEINVQB, "x x x|m16 i8", IMM),
    F(VGF2P8AFFINEINVQB, "v v v|m32 i8", IMM),
};

/* Does the host refuse a misaligned operand of an SHA instruction? Some do, Ringfort does not
 * (ops/sse_sha.c). */
static bool host_wants_aligned(void)
{
    static const uint8_t sha1nexte[] = { 0x0f, 0x38, 0xc8, 0x07 }; /* xmm0, [rdi] */
    static struct diff_state in, out;
    const struct diff_case test = { .code = sha1nexte, .length = sizeof sha1nexte };
    in.fx.mxcsr = 0x1f80;
    in.gpr[7] = DIFF_MEMORY_AT + 1;
    diff_run_host(&test, &in, &out);
    return out.vector == 13;
}

static bool sha_aligned;

static bool sha_operand(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderOperand *o = &((const ZydisEncoderRequest *)user)->operands[1];
    (void)rng;
    if (!sha_aligned || o->type != ZYDIS_OPERAND_TYPE_MEMORY)
        return true;
    uint64_t index = 0;
    if (o->mem.index != ZYDIS_REGISTER_NONE)
        index = in->gpr[ZydisRegisterGetId(o->mem.index)] * o->mem.scale;
    uint64_t *base = &in->gpr[ZydisRegisterGetId(o->mem.base)];
    *base -= (*base + index + (uint64_t)o->mem.displacement) & 15;
    return true;
}
#define SHA(name) F(name, "x x|m16", .prepare = sha_operand)
static const struct diff_form sha[] = {
    SHA(SHA1NEXTE), SHA(SHA1MSG1), SHA(SHA1MSG2), SHA(SHA256MSG1), SHA(SHA256MSG2),
    SHA(SHA256RNDS2), F(SHA1RNDS4, "x x|m16 i8", IMM, .prepare = sha_operand),
};

/* By the host's features, without any, without those of 256 bits, and without AVX; nothing if it
 * lacks those that are `needed`. */
static void run_all(const struct diff_form *forms, size_t count, unsigned needed, uint64_t seed)
{
    static const unsigned masks[] = { ~0u, 0, ~(RF_HOST_VAES | RF_HOST_VPCLMULQDQ),
                                      RF_HOST_AES | RF_HOST_PCLMULQDQ | RF_HOST_GFNI };
    unsigned mismatches = 0;
    if (~rf_host_features() & needed)
        return;
    for (size_t i = 0; i < COUNT(masks); i++) {
        diff_use_host(masks[i]);
        mismatches += diff_run_forms(forms, count, seed + i);
    }
    diff_use_host(~0u);
    ck_assert_uint_eq(mismatches, 0);
}
#define RUN(table, needed) run_all(table, COUNT(table), needed, __LINE__)

START_TEST(test_aes)
{
    RUN(aes, RF_HOST_AES);
    RUN(avx_aes, RF_HOST_AES | RF_HOST_AVX2);
    RUN(vaes, RF_HOST_VAES);
}
END_TEST

START_TEST(test_clmul)
{
    RUN(clmul, RF_HOST_PCLMULQDQ);
    RUN(avx_clmul, RF_HOST_PCLMULQDQ | RF_HOST_AVX2);
    RUN(vclmul, RF_HOST_VPCLMULQDQ);
}
END_TEST

START_TEST(test_gfni)
{
    RUN(gfni, RF_HOST_GFNI);
    RUN(avx_gfni, RF_HOST_GFNI | RF_HOST_AVX2);
}
END_TEST

START_TEST(test_sha)
{
    sha_aligned = rf_host_features() & RF_HOST_SHA && host_wants_aligned();
    RUN(sha, RF_HOST_SHA);
}
END_TEST

int main(void)
{
    if (!diff_available())
        return 77;
    const struct suite_case cases[] = {
        { "aes", test_aes },
        { "clmul", test_clmul },
        { "gfni", test_gfni },
        { "sha", test_sha },
    };
    return diff_end(run_cases("diff_crypto", cases, COUNT(cases), 0));
}
