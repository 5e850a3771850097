/* Every VEX-encoded opcode with every VEX.pp, W and L, with VEX.vvvv used and not, with register
 * and memory operands: what the host refuses is refused, and what it takes does the same. */
#include "lib/diff_avx.h"

#include <string.h>

/* VEX.pp, mmmmm, W, L and the opcode; then what is random in the encoding. */
struct encoding {
    unsigned map, pp, w, l, opcode;
    bool memory, vvvv_unused;
};

/* Any but 4: RSP is not for the tests. */
static unsigned any_register(struct diff_rng *rng)
{
    unsigned number = diff_below(rng, 15);
    return number + (number >= 4);
}

/* [rdi + index * scale + 16], in which the index may be a vector; then imm8, and NOPs. */
static void encode(const struct encoding *e, struct diff_rng *rng, uint8_t code[16])
{
    const unsigned reg = any_register(rng), rm = any_register(rng);
    unsigned vvvv = e->vvvv_unused ? 0 : any_register(rng);
    const unsigned index = 5 + diff_below(rng, 2) * 3; /* RBP or R8, XMM5 or XMM8 */
    const unsigned x = e->memory ? index >> 3 : diff_below(rng, 2), b = e->memory ? 0 : rm >> 3;
    memset(code, 0x90, 16);
    code[e->memory ? 7 : 5] = (uint8_t)diff_random(rng);
    code[0] = 0xc4;
    code[1] = (uint8_t)((~(reg >> 3) & 1) << 7 | (~x & 1) << 6 | (~b & 1) << 5 | e->map);
    code[2] = (uint8_t)(e->w << 7 | (~vvvv & 15) << 3 | e->l << 2 | e->pp);
    code[3] = (uint8_t)e->opcode;
    code[4] = (uint8_t)((e->memory ? 0x44 : 0xc0 | (rm & 7)) | (reg & 7) << 3);
    if (e->memory) {
        code[5] = (uint8_t)(diff_below(rng, 4) << 6 | (index & 7) << 3 | 7);
        code[6] = 16;
    }
}

/* Left out: the opmask instructions of AVX-512, which are encoded by VEX and which the host may
 * have; VPERMQ and VPERMPD with VEX.W clear, which SDM 2C does not define and some CPUs take. */
static bool left_out(const struct encoding *e)
{
    if (e->map == 1)
        return (e->opcode >= 0x41 && e->opcode <= 0x4b) || (e->opcode >= 0x90 && e->opcode <= 0x99);
    return e->map == 3 && ((e->opcode >= 0x30 && e->opcode <= 0x33) || (e->opcode <= 1 && !e->w));
}

/* Those whose results other tests compare: exceptions depend on the input, or the model has
 * them not while the host may. Of these only the reserved encodings are looked at. */
static bool compared(const ZydisDecodedInstruction *ins)
{
    static const char *const others[] = {
        "vadd", "vand", "vcmp", "vcomi",   "vcvt", "vdiv",   "vdp",    "vhadd", "vhsub", "vmax",
        "vmin", "vmul", "vor",  "vpclmul", "vrcp", "vround", "vrsqrt", "vsqrt", "vsub",  "vucomi",
        "vxor"
    };
    const char *name = ZydisMnemonicGetString(ins->mnemonic);
    for (size_t i = 0; i < COUNT(others); i++)
        if (!strncmp(name, others[i], strlen(others[i])))
            return false;
    return ins->meta.isa_set == ZYDIS_ISA_SET_AVX || ins->meta.isa_set == ZYDIS_ISA_SET_AVX2 ||
           ins->meta.isa_set == ZYDIS_ISA_SET_AVX2GATHER;
}

#define UD 6

/* Ringfort refuses it if the host does. */
static bool refused_alike(const struct diff_case *test)
{
    static struct diff_state in, host, ringfort;
    memset(&in, 0, sizeof in);
    in.fx.mxcsr = 0x1f80;
    in.fx.fcw = 0x37f;
    for (unsigned i = 0; i < 16; i++)
        in.gpr[i] = i == 7 ? DIFF_MEMORY_AT + DIFF_MEMORY_SIZE / 2 : 0;
    diff_run_host(test, &in, &host);
    if (host.vector != UD)
        return true;
    diff_run_ringfort(test, &in, &ringfort);
    return ringfort.vector == UD;
}

static unsigned refusals; /* encodings that are no instruction */

/* Mismatches of one encoding. */
static unsigned run_encoding(const struct encoding *e, struct diff_rng *rng)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction ins;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    uint8_t code[16];
    if (left_out(e))
        return 0;
    encode(e, rng, code);
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    bool known = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, sizeof code, &ins, operands));
    struct diff_case test = {
        .name = known ? ZydisMnemonicGetString(ins.mnemonic) : "no instruction",
        .code = code,
        .length = known ? ins.length : sizeof code,
        .options = DIFF_ALIGNED,
    };
    refusals += !known;
    if (!known) /* should the host take it, with an immediate or not, nothing else follows */
        memset(code + 5, 0x90, sizeof code - 5);
    diff_totals.encodings++;
    if (known && !compared(&ins)) {
        bool same = refused_alike(&test);
        if (!same)
            printf("%s is not refused: map %u pp %u W%u L%u opcode %02x\n", test.name, e->map,
                   e->pp, e->w, e->l, e->opcode);
        return !same;
    }
    return diff_run_random(&test, diff_random(rng), known ? 2 : 1);
}

static unsigned run_opcode(struct encoding e, struct diff_rng *rng)
{
    unsigned mismatches = 0;
    for (unsigned bits = 0; bits < 16; bits++) {
        e.w = bits & 1;
        e.l = bits >> 1 & 1;
        e.memory = bits >> 2 & 1;
        e.vvvv_unused = bits >> 3 & 1;
        for (unsigned i = 0; i < 6; i++)
            mismatches += run_encoding(&e, rng);
    }
    return mismatches;
}

static void run_map(unsigned map)
{
    struct diff_rng rng = { map };
    struct encoding e = { .map = map };
    unsigned mismatches = 0;
    for (e.pp = 0; e.pp < 4; e.pp++)
        for (e.opcode = 0; e.opcode < 256; e.opcode++)
            mismatches += run_opcode(e, &rng);
    printf("map %u: %llu encodings, %u of them no instruction\n", map,
           (unsigned long long)diff_totals.encodings, refusals);
    ck_assert_uint_eq(mismatches, 0);
}

START_TEST(test_map_0f) { run_map(1); }
END_TEST

START_TEST(test_map_0f38) { run_map(2); }
END_TEST

START_TEST(test_map_0f3a) { run_map(3); }
END_TEST

/* No legacy prefix that VEX stands for, and no REX, may come before it; no other map is there. */
START_TEST(test_prefixes)
{
    static const uint8_t codes[][16] = {
        { 0x66, 0xc5, 0xf9, 0xfc, 0xc1 },       { 0xf2, 0xc5, 0xf9, 0xfc, 0xc1 },
        { 0xf3, 0xc5, 0xf9, 0xfc, 0xc1 },       { 0xf0, 0xc5, 0xf9, 0xfc, 0x07 },
        { 0x48, 0xc5, 0xf9, 0xfc, 0xc1 },       { 0x40, 0xc4, 0xe2, 0x79, 0x1c, 0xc1 },
        { 0xc4, 0xe0, 0x79, 0xfc, 0xc1 },       { 0xc4, 0xe4, 0x79, 0xfc, 0xc1 },
        { 0xc4, 0xff, 0x79, 0xfc, 0xc1 },
        { 0xc4, 0xe2, 0x69, 0x90, 0x04, 0x07 }, /* vpgatherdd xmm0, [rdi+xmm0], xmm2 */
        { 0xc4, 0xe2, 0x79, 0x90, 0x14, 0x0f }, /* vpgatherdd xmm2, [rdi+xmm1], xmm0 */
        { 0xc4, 0xe2, 0x69, 0x90, 0x14, 0x0f }, /* vpgatherdd xmm2, [rdi+xmm1], xmm2 */
        { 0xc4, 0xe2, 0x71, 0x90, 0x14, 0x0f }, /* vpgatherdd xmm2, [rdi+xmm1], xmm1 */
        { 0xc4, 0xe2, 0x69, 0x90, 0xc1 },       /* no memory operand */
        { 0xc4, 0xe2, 0x69, 0x90, 0x07 },       /* no SIB */
    };
    for (size_t i = 0; i < COUNT(codes); i++) {
        struct diff_case test = { .name = "prefixes", .code = codes[i], .length = 8 };
        ck_assert_uint_eq(diff_run_random(&test, i, 2), 0);
    }
}
END_TEST

AVX_MAIN("avx_encodings", { "map 0F", test_map_0f }, { "map 0F38", test_map_0f38 },
         { "map 0F3A", test_map_0f3a }, { "prefixes", test_prefixes })
