/* Differential testing: random states, both sides, comparison, report (differential.h). */
#include "diff_sides.h"

#include "cpu/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct diff_totals diff_totals;

#if defined(__x86_64__)

bool diff_available(void)
{
    diff_record(); /* before there are children */
    return true;
}

/* An interrupt shows in what it interrupts, on some hosts:
 * - AMD's CPUs save the x87's pointers only with an exception pending, and load zeros else: FIP,
 *   FDP and FOP are lost at a context switch, which can be between any two instructions.
 * - The return to an RSP that is not canonical is #GP on some CPUs. A hypervisor may then run one
 *   instruction by itself, and give #UD for what it does not know.
 * - It changes null selectors and 16-bit stack pointers of 32-bit code.
 * So a result is the host's if it gives it twice in a row. */
#define HOST_RUNS 8

static bool same_again(const struct diff_state *before, const struct diff_state *now)
{
    return now->vector != DIFF_LOST && !memcmp(before, now, sizeof *now);
}

void diff_run_host(const struct diff_case *test, const struct diff_state *in,
                   struct diff_state *out)
{
    static struct diff_state before, now;
    diff_host_prepare(test);
    diff_host_run(in, &now);
    for (unsigned run = 1; run < HOST_RUNS; run++) {
        before = now;
        diff_host_run(in, &now);
        if (same_again(&before, &now))
            break;
        diff_record()->disturbed++;
    }
    *out = now;
}

void diff_run_ringfort(const struct diff_case *test, const struct diff_state *in,
                       struct diff_state *out)
{
    diff_guest_prepare(test);
    diff_guest_run(in, out);
}

void diff_use_portable(bool portable)
{
    diff_guest_use_host(portable ? 0 : ~0u);
}

void diff_use_host(unsigned features)
{
    diff_guest_use_host(features);
}

/* --- random states --- */

#define PICK(rng, array) (array)[diff_below(rng, (unsigned)RF_ARRAY_SIZE(array))]

static void random_x87(struct diff_fx *fx, const struct diff_case *test, struct diff_rng *rng)
{
    static const uint16_t precision[] = { 0x000, 0x200, 0x300, 0x300 };
    for (unsigned i = 0; i < 8; i++) {
        memset(fx->st[i], 0, 16);
        diff_extended(rng, fx->st[i]);
    }
    fx->fcw = (uint16_t)(0x7f | PICK(rng, precision) | diff_below(rng, 4) << 10);
    fx->fsw = (uint16_t)(diff_random(rng) & 0x7f7f); /* nothing pending */
    fx->ftw = 0xff;
    if (test->options & DIFF_STACK_ROOM || diff_below(rng, 8) == 0)
        fx->ftw = (uint8_t)diff_random(rng);
    if (test->options & DIFF_UNMASKED) {
        fx->fcw = (uint16_t)((fx->fcw & ~0x3f) | diff_below(rng, 64));
        fx->fsw &= (uint16_t)~0x7f;
        if (diff_below(rng, 8) == 0) /* something is pending */
            fx->fsw |= (uint16_t)(diff_random(rng) & 0x7f);
        if (fx->fsw & ~fx->fcw & 0x3f)
            fx->fsw |= 0x8080;
    }
    /* what is known of the instruction before; AMD loads it only with an exception pending */
    fx->fip = diff_random(rng) >> 17;
    fx->fdp = diff_random(rng) >> 17;
    fx->fop = (uint16_t)(diff_random(rng) & 0x7ff);
}

static void random_mmx(struct diff_fx *fx, struct diff_rng *rng)
{
    for (unsigned i = 0; i < 8; i++) {
        memset(fx->st[i], 0, 16);
        diff_vector(rng, fx->st[i], 8);
        memset(fx->st[i] + 8, diff_below(rng, 4) ? 0xff : (int)diff_below(rng, 256), 2);
    }
    fx->fcw = 0x37f;
    fx->fsw = diff_below(rng, 4) ? 0 : (uint16_t)(diff_random(rng) & 0x7f7f);
    fx->ftw = diff_below(rng, 4) ? 0xff : (uint8_t)diff_random(rng);
}

static void random_state(struct diff_state *in, const struct diff_case *test, struct diff_rng *rng)
{
    memset(in, 0, sizeof *in);
    for (unsigned i = 0; i < 16; i++)
        in->gpr[i] = diff_integer(rng, 64);
    if (test->options & DIFF_SMALL_RCX)
        in->gpr[RF_RCX] = diff_below(rng, 9);
    in->flags = diff_random(rng) & RF_FLAGS_STATUS;
    if (test->options & DIFF_KEEP_DF && diff_below(rng, 3) == 0)
        in->flags |= RF_FLAG_DF;
    if (test->options & DIFF_AC)
        in->flags |= RF_FLAG_AC;
    for (unsigned i = 0; i < 16; i++)
        diff_vector(rng, &in->fx.xmm[i], 16);
    for (unsigned i = 0; i < 16 && diff_has_avx(); i++)
        diff_vector(rng, in->high[i], 16);
    if (diff_below(rng, 4) == 0) /* what matters is often the same value twice */
        in->fx.xmm[diff_below(rng, 16)] = in->fx.xmm[diff_below(rng, 16)];
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i += 16)
        diff_vector(rng, in->memory + i, 16);
    for (unsigned i = 0; i < DIFF_END_SIZE; i += 16)
        diff_vector(rng, in->end + i, 16);
    in->fx.mxcsr = 0x1f80;
    if (diff_below(rng, 4)) /* rounding, FTZ, DAZ, sticky flags */
        in->fx.mxcsr |= diff_random(rng) & 0xe07f;
    if (test->options & DIFF_UNMASKED)
        in->fx.mxcsr = (uint32_t)((in->fx.mxcsr & ~0x1f80u) | (diff_random(rng) & 0x1f80));
    in->fx.fcw = 0x37f;
    if (test->options & DIFF_X87)
        random_x87(&in->fx, test, rng);
    else if (test->options & DIFF_MMX)
        random_mmx(&in->fx, rng);
    if (test->options & DIFF_32) {
        uint16_t selector[6];
        in->gpr[RF_RSP] &= UINT32_MAX; /* the upper half does not outlive the far jumps */
        diff_selectors(test->options, selector);
        for (unsigned i = 0; i < 6; i++)
            in->base[i] = diff_segment_base(selector[i]);
    }
    in->vector = -1;
}

/* Registers so that every memory operand lies in the window. */
static void aim_operand(struct diff_state *in, const ZydisDecodedInstruction *ins,
                        const ZydisDecodedOperand *o, unsigned options, struct diff_rng *rng)
{
    const ZydisDecodedOperandMem *mem = &o->mem;
    unsigned size = o->size / 8u;
    if (mem->type != ZYDIS_MEMOP_TYPE_MEM || size > DIFF_MEMORY_SIZE - 128 ||
        mem->base == ZYDIS_REGISTER_NONE || mem->base == ZYDIS_REGISTER_RIP)
        return;
    /* Room on both sides for string and bit operations that move. */
    uint64_t at = 64 + diff_below(rng, DIFF_MEMORY_SIZE - 128 - size + 1);
    if (diff_below(rng, 4) == 0) /* across the page end */
        at = DIFF_MEMORY_SIZE / 2 - diff_below(rng, size + 1);
    if (options & DIFF_ALIGNED && diff_below(rng, 32))
        at &= ~(uint64_t)((size > 16 && !(size & (size - 1)) ? size : 16) - 1);
    else if (options & DIFF_AC) /* to any power of two up to 32 */
        at &= ~(uint64_t)0 << diff_below(rng, 6);
    uint64_t target = DIFF_MEMORY_AT + at - (uint64_t)mem->disp.value;
    if (diff_below(rng, 64) == 0) /* into the page that is not there: #PF */
        target = DIFF_PAGES_END - diff_below(rng, size + 1) - (uint64_t)mem->disp.value;
    target -= in->base[mem->segment - ZYDIS_REGISTER_ES];
    if (mem->index != ZYDIS_REGISTER_NONE) {
        unsigned number = (unsigned)ZydisRegisterGetId(mem->index);
        if (mem->index == mem->base)
            return;
        uint64_t index = diff_below(rng, 4) ? diff_below(rng, 32) : diff_integer(rng, 64);
        in->gpr[number] = index;
        target -= index * mem->scale;
    }
    if (ins->address_width == 16)
        target = (uint16_t)target | diff_random(rng) << 16;
    else if (ins->address_width == 32)
        target = (uint32_t)target | diff_random(rng) << 32;
    else if (diff_below(rng, 64) == 0)
        target ^= UINT64_C(1) << 62; /* not canonical: #GP or #SS, and nothing changes */
    unsigned base = (unsigned)ZydisRegisterGetId(mem->base);
    in->gpr[base] = base == RF_RSP && options & DIFF_32 ? (uint32_t)target : target;
}

static bool has_wide_indexes(ZydisMnemonic mnemonic)
{
    return mnemonic == ZYDIS_MNEMONIC_VPGATHERQD || mnemonic == ZYDIS_MNEMONIC_VPGATHERQQ ||
           mnemonic == ZYDIS_MNEMONIC_VGATHERQPS || mnemonic == ZYDIS_MNEMONIC_VGATHERQPD;
}

/* The `i`th of 32 bits, or of 64. */
static void set_index(struct diff_state *in, ZydisRegister reg, bool wide, unsigned i,
                      uint64_t value)
{
    unsigned number = (unsigned)ZydisRegisterGetId(reg), size = wide ? 8 : 4;
    uint8_t *half = i * size < 16 ? in->fx.xmm[number].u8 : in->high[number];
    memcpy(half + i * size % 16, &value, size);
}

/* A base and indexes so that every element of a gather lies in the window, but one now and
 * then. The indexes may be large: the base makes up for it. */
static void aim_gather(struct diff_state *in, const ZydisDecodedInstruction *ins,
                       const ZydisDecodedOperand *o, struct diff_rng *rng)
{
    const ZydisDecodedOperandMem *mem = &o->mem;
    const bool wide = has_wide_indexes(ins->mnemonic);
    const unsigned count = wide ? 4 : 8, size = o->size / 8u;
    const uint64_t middle = DIFF_MEMORY_AT + DIFF_MEMORY_SIZE / 2 - diff_below(rng, 16);
    const unsigned steps = (DIFF_MEMORY_SIZE / 2 - 64) / mem->scale;
    uint64_t common = diff_below(rng, 2) ? 0 : diff_random(rng);
    if (!wide)
        common = (uint64_t)((int64_t)(int32_t)common / 2);
    for (unsigned i = 0; i < count; i++)
        set_index(in, mem->index, wide, i, common + diff_below(rng, 2 * steps) - steps);
    if (diff_below(rng, 4) == 0) { /* in the page that is not there, or half so */
        uint64_t ahead = DIFF_PAGES_END - diff_below(rng, size + 1) - middle;
        set_index(in, mem->index, wide, diff_below(rng, count), common + ahead / mem->scale);
    }
    if (wide && diff_below(rng, 16) == 0) /* not canonical */
        set_index(in, mem->index, wide, diff_below(rng, count), common ^ UINT64_C(1) << 58);
    uint64_t base = middle - (uint64_t)mem->disp.value - common * mem->scale;
    if (ins->address_width == 32)
        base = (uint32_t)base | diff_random(rng) << 32;
    else if (diff_below(rng, 64) == 0)
        base ^= UINT64_C(1) << 62;
    in->gpr[ZydisRegisterGetId(mem->base)] = base;
}

#define DECODED_MAX 40
struct decoded_case {
    unsigned count;
    ZydisDecodedInstruction ins[DECODED_MAX];
    ZydisDecodedOperand operand[DECODED_MAX][ZYDIS_MAX_OPERAND_COUNT];
};

void diff_decoder(ZydisDecoder *decoder, unsigned options)
{
    if (options & DIFF_16)
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_COMPAT_16, ZYDIS_STACK_WIDTH_16);
    else if (options & DIFF_32)
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
    else
        ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
}

static void decode_case(const struct diff_case *test, struct decoded_case *decoded)
{
    ZydisDecoder decoder;
    diff_decoder(&decoder, test->options);
    size_t offset = 0;
    decoded->count = 0;
    while (offset < test->length && decoded->count < DECODED_MAX) {
        unsigned i = decoded->count;
        if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, test->code + offset, test->length - offset,
                                               &decoded->ins[i], decoded->operand[i])))
            break;
        offset += decoded->ins[i].length;
        decoded->count++;
    }
}

static void aim(struct diff_state *in, const struct diff_case *test,
                const struct decoded_case *decoded, struct diff_rng *rng)
{
    for (unsigned i = 0; i < decoded->count; i++)
        for (unsigned k = 0; k < decoded->ins[i].operand_count; k++)
            if (decoded->operand[i][k].type != ZYDIS_OPERAND_TYPE_MEMORY)
                continue;
            else if (decoded->operand[i][k].mem.type == ZYDIS_MEMOP_TYPE_VSIB)
                aim_gather(in, &decoded->ins[i], &decoded->operand[i][k], rng);
            else
                aim_operand(in, &decoded->ins[i], &decoded->operand[i][k], test->options, rng);
}

static uint64_t operand_address(const struct diff_state *in, const ZydisDecodedInstruction *ins,
                                const ZydisDecodedOperandMem *mem)
{
    uint64_t at = (uint64_t)mem->disp.value;
    if (mem->base == ZYDIS_REGISTER_RIP)
        at += DIFF_CODE64_AT + ins->length;
    else if (mem->base != ZYDIS_REGISTER_NONE)
        at += in->gpr[ZydisRegisterGetId(mem->base)];
    if (mem->index != ZYDIS_REGISTER_NONE)
        at += in->gpr[ZydisRegisterGetId(mem->index)] * mem->scale;
    if (ins->address_width != 64)
        at = ins->address_width == 16 ? (uint16_t)at : (uint32_t)at;
    return at + in->base[mem->segment - ZYDIS_REGISTER_ES];
}

/* What else the process has mapped is not the code's to reach: an input whose operands lie
 * neither near the window nor where nothing can be is not run. */
static bool in_bounds(const struct diff_state *in, const struct decoded_case *decoded)
{
    for (unsigned i = 0; i < decoded->count; i++)
        for (unsigned k = 0; k < decoded->ins[i].operand_count; k++) {
            const ZydisDecodedOperand *o = &decoded->operand[i][k];
            if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || o->mem.type != ZYDIS_MEMOP_TYPE_MEM)
                continue;
            uint64_t at = operand_address(in, &decoded->ins[i], &o->mem);
            bool near = at - (DIFF_PAGES_AT - 0x10000) < 0x20000, low = at < 0x8000;
            if (!near && !low && at <= INT64_MAX && at >> 47 == 0)
                return false;
        }
    return true;
}

/* --- comparison --- */

#define MASK_STATUS (RF_FLAGS_STATUS | RF_FLAG_DF)

/* Linux tells user code that every kernel address is present (do_user_addr_fault). */
static uint32_t error_code_mask(const struct diff_state *a)
{
    return a->vector == RF_PF && a->fault_address >> 63 ? ~1u : ~0u;
}

#define FSW_ES 0x80u

static bool loads_control_word(const struct decoded_case *decoded)
{
    for (unsigned i = 0; i < decoded->count; i++)
        if (decoded->ins[i].mnemonic == ZYDIS_MNEMONIC_FLDCW)
            return true;
    return false;
}

/* They are as wide as linear addresses: 57 bits on both sides, or 48 on the host. */
static bool equal_pointer(uint64_t a, uint64_t b)
{
    unsigned eax, ebx, ecx = 0, edx;
    __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx);
    return ecx >> 16 & 1 ? a == b : !((a ^ b) << 16);
}

/* The x87's instruction and operand pointers and its opcode. AMD saves them only with an
 * exception pending. They are of the instruction that raised it, unless FLDCW unmasked an
 * older one: some CPUs have FDP and FOP of an instruction later than that. An instruction
 * without a memory operand leaves FDP undefined (SDM 1, 8.1.8). */
static bool equal_x87_pointers(const struct decoded_case *decoded, const struct diff_fx *a,
                               const struct diff_fx *b)
{
    if (!(a->fsw & FSW_ES) || loads_control_word(decoded))
        return true;
    bool registers = (a->fop & 0xc0) == 0xc0;
    return a->fop == b->fop && equal_pointer(a->fip, b->fip) &&
           (registers || equal_pointer(a->fdp, b->fdp));
}

static bool equal(const struct diff_case *test, const struct decoded_case *decoded,
                  const struct diff_state *a, const struct diff_state *b)
{
    bool loose = test->options & DIFF_ANY_CR2 && a->vector == RF_PF;
    if (a->vector != b->vector || a->fault_at != b->fault_at || 
        (a->error_code ^ b->error_code) & error_code_mask(a) ||
        memcmp(a->selector, b->selector, sizeof a->selector) || (!loose && (a->fault_address != b->fault_address || memcmp(a->end, b->end, DIFF_END_SIZE))))
        return false;
    for (unsigned i = 0; i < 16; i++)
        if (!(test->ignore_gpr >> i & 1) && a->gpr[i] != b->gpr[i])
            return false;
    uint16_t fsw = (uint16_t)~test->ignore_fsw;
    return !((a->flags ^ b->flags) & MASK_STATUS & ~test->ignore_flags) &&
           a->fx.mxcsr == b->fx.mxcsr && a->fx.fcw == b->fx.fcw &&
           !((a->fx.fsw ^ b->fx.fsw) & fsw) && a->fx.ftw == b->fx.ftw &&
           equal_x87_pointers(decoded, &a->fx, &b->fx) &&
           !memcmp(a->fx.st, b->fx.st, sizeof a->fx.st) &&
           !memcmp(a->fx.xmm, b->fx.xmm, sizeof a->fx.xmm) &&
           !memcmp(a->high, b->high, sizeof a->high) &&
           !memcmp(a->memory, b->memory, DIFF_MEMORY_SIZE);
}

static const char *const gpr_names[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                           "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };

static void print_code(const struct diff_case *test, const struct decoded_case *decoded)
{
    ZydisFormatter formatter;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    printf("  code:");
    for (size_t i = 0; i < test->length; i++)
        printf(" %02x", test->code[i]);
    for (unsigned i = 0; i < decoded->count; i++) {
        char text[128];
        ZydisFormatterFormatInstruction(&formatter, &decoded->ins[i], decoded->operand[i],
                                        decoded->ins[i].operand_count_visible, text, sizeof text,
                                        ZYDIS_RUNTIME_ADDRESS_NONE, NULL);
        printf("%s %s", i ? ";" : "   ", text);
    }
    printf("\n");
}

static void print_wide(const uint8_t *value, unsigned size)
{
    for (unsigned i = size; i-- > 0;)
        printf("%02x%s", value[i], i && i % 8 == 0 ? "_" : "");
}

/* The value an operand had before. */
static void print_operand(const struct diff_state *in, const ZydisDecodedInstruction *ins,
                          const ZydisDecodedOperand *o)
{
    if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) {
        ZydisRegister reg = o->reg.value;
        int id = ZydisRegisterGetId(reg);
        switch (ZydisRegisterGetClass(reg)) {
        case ZYDIS_REGCLASS_XMM:
            printf("  in %s = ", ZydisRegisterGetString(reg));
            print_wide(in->fx.xmm[id].u8, 16);
            break;
        case ZYDIS_REGCLASS_MMX:
            printf("  in %s = ", ZydisRegisterGetString(reg));
            print_wide(in->fx.st[((unsigned)id - (in->fx.fsw >> 11)) & 7], 10);
            break;
        case ZYDIS_REGCLASS_X87:
            printf("  in %s = ", ZydisRegisterGetString(reg));
            print_wide(in->fx.st[id], 10);
            break;
        case ZYDIS_REGCLASS_GPR8: case ZYDIS_REGCLASS_GPR16: case ZYDIS_REGCLASS_GPR32:
        case ZYDIS_REGCLASS_GPR64:
            reg = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
            id = ZydisRegisterGetId(reg);
            printf("  in %s = %016" PRIx64, gpr_names[id], in->gpr[id]);
            break;
        default:
            return;
        }
        printf("\n");
    } else if (o->type == ZYDIS_OPERAND_TYPE_MEMORY && o->mem.type == ZYDIS_MEMOP_TYPE_MEM) {
        uint64_t ea = operand_address(in, ins, &o->mem);
        unsigned size = o->size / 8u;
        uint64_t at = ea - DIFF_MEMORY_AT, end_at = ea - (DIFF_PAGES_END - DIFF_END_SIZE);
        printf("  in memory %" PRIx64 " = ", ea);
        if (at < DIFF_MEMORY_SIZE && size <= 32 && size <= DIFF_MEMORY_SIZE - at)
            print_wide(in->memory + at, size);
        else if (end_at < DIFF_END_SIZE && size <= DIFF_END_SIZE - end_at)
            print_wide(in->end + end_at, size);
        printf("\n");
    }
}

static void print_register(const char *name, unsigned number, const uint8_t *host,
                           const uint8_t *ringfort, unsigned size)
{
    if (!memcmp(host, ringfort, size))
        return;
    printf("  %s%u: host ", name, number);
    print_wide(host, size);
    printf(", ringfort ");
    print_wide(ringfort, size);
    printf("\n");
}

static void print_difference(const struct diff_case *test, const struct diff_state *a,
                             const struct diff_state *b)
{
    if (a->vector != b->vector || a->fault_at != b->fault_at ||
        a->fault_address != b->fault_address || a->error_code != b->error_code)
        printf("  exception: host %d (%x) at +%u (%" PRIx64 "), ringfort %d (%x) at +%u (%" PRIx64
               ")\n", a->vector, a->error_code, a->fault_at, a->fault_address, b->vector,
               b->error_code, b->fault_at, b->fault_address);
    for (unsigned i = 0; i < 6; i++)
        if (a->selector[i] != b->selector[i])
            printf("  selector %u: host %04x, ringfort %04x\n", i, a->selector[i], b->selector[i]);
    for (unsigned i = 0; i < 16; i++)
        if (a->gpr[i] != b->gpr[i])
            printf("  %s: host %016" PRIx64 ", ringfort %016" PRIx64 "\n", gpr_names[i], a->gpr[i],
                   b->gpr[i]);
    if ((a->flags ^ b->flags) & MASK_STATUS & ~test->ignore_flags)
        printf("  flags: host %03" PRIx64 ", ringfort %03" PRIx64 ", differ %03" PRIx64 "\n",
               a->flags & MASK_STATUS, b->flags & MASK_STATUS,
               (a->flags ^ b->flags) & MASK_STATUS & ~test->ignore_flags);
    if (a->fx.mxcsr != b->fx.mxcsr)
        printf("  mxcsr: host %04x, ringfort %04x\n", a->fx.mxcsr, b->fx.mxcsr);
    if (a->fx.fcw != b->fx.fcw || a->fx.fsw != b->fx.fsw || a->fx.ftw != b->fx.ftw)
        printf("  fcw fsw ftw: host %04x %04x %02x, ringfort %04x %04x %02x\n", a->fx.fcw,
               a->fx.fsw, a->fx.ftw, b->fx.fcw, b->fx.fsw, b->fx.ftw);
    if (a->fx.fsw & FSW_ES && (a->fx.fip != b->fx.fip || a->fx.fdp != b->fx.fdp ||
                               a->fx.fop != b->fx.fop))
        printf("  fip fdp fop: host %" PRIx64 " %" PRIx64 " %03x, ringfort %" PRIx64 " %" PRIx64
               " %03x\n", a->fx.fip, a->fx.fdp, a->fx.fop, b->fx.fip, b->fx.fdp, b->fx.fop);
    for (unsigned i = 0; i < 8; i++)
        print_register("st", i, a->fx.st[i], b->fx.st[i], 10);
    for (unsigned i = 0; i < 16; i++) {
        print_register("xmm", i, a->fx.xmm[i].u8, b->fx.xmm[i].u8, 16);
        print_register("upper half of ymm", i, a->high[i], b->high[i], 16);
    }
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        if (a->memory[i] != b->memory[i])
            printf("  memory %" PRIx64 ": host %02x, ringfort %02x\n", DIFF_MEMORY_AT + i,
                   a->memory[i], b->memory[i]);
    for (unsigned i = 0; i < DIFF_END_SIZE; i++)
        if (a->end[i] != b->end[i])
            printf("  memory %" PRIx64 ": host %02x, ringfort %02x\n",
                   DIFF_PAGES_END - DIFF_END_SIZE + i, a->end[i], b->end[i]);
}

static void print_mismatch(const struct diff_case *test, const struct decoded_case *decoded,
                           const struct diff_state *in, const struct diff_state *a,
                           const struct diff_state *b, uint64_t seed, unsigned index)
{
    printf("MISMATCH %s (seed %" PRIu64 ", input %u)\n", test->name ? test->name : "", seed, index);
    print_code(test, decoded);
    for (unsigned i = 0; i < decoded->count; i++)
        for (unsigned k = 0; k < decoded->ins[i].operand_count; k++)
            print_operand(in, &decoded->ins[i], &decoded->operand[i][k]);
    printf("  in flags %03" PRIx64 ", mxcsr %04x", in->flags, in->fx.mxcsr);
    if (test->options & (DIFF_X87 | DIFF_MMX))
        printf(", fcw fsw ftw %04x %04x %02x", in->fx.fcw, in->fx.fsw, in->fx.ftw);
    printf("\n");
    print_difference(test, a, b);
    fflush(stdout);
}

/* The host's outcome is ringfort's; if not, both are left as they were compared. */
static bool agrees(const struct diff_case *test, const struct decoded_case *decoded,
                   const struct diff_state *in, struct diff_state *host,
                   struct diff_state *ringfort)
{
    static struct diff_state before, now, own;
    own = *ringfort;
    for (unsigned run = 0; run < HOST_RUNS; run++) {
        diff_host_run(in, &now);
        *host = now;
        *ringfort = own;
        if (test->forgive)
            test->forgive(in, host, ringfort, test->user);
        if (now.vector != DIFF_LOST && equal(test, decoded, host, ringfort)) {
            diff_record()->disturbed += run;
            return true;
        }
        if (run && same_again(&before, &now))
            return false;
        before = now;
    }
    diff_record()->disturbed += HOST_RUNS;
    return false;
}

/* Says so once, and counts as a mismatch of every case that follows. */
static bool host_is_no_oracle(void)
{
    static bool told;
    if (!diff_host_is_flaky())
        return false;
    if (!told)
        diff_print_record();
    told = true;
    return true;
}

unsigned diff_run_random(const struct diff_case *test, uint64_t seed, unsigned count)
{
    static struct diff_state in, a, b;
    static struct decoded_case decoded;
    struct diff_rng rng = { seed };
    unsigned mismatches = 0;
    const bool alone = test->options & DIFF_32 && diff_host32_lacks();
    if (!alone)
        diff_host_prepare(test);
    diff_guest_prepare(test);
    decode_case(test, &decoded);
    for (unsigned i = 0; i < count; i++) {
        random_state(&in, test, &rng);
        aim(&in, test, &decoded, &rng);
        if (test->prepare && !test->prepare(&in, &rng, test->user))
            continue;
        if (!(test->options & DIFF_32) && !in_bounds(&in, &decoded))
            continue;
        diff_guest_run(&in, &b);
        diff_totals.runs++;
        if (alone) {
            diff_record()->alone++;
            continue;
        }
        diff_record()->runs++;
        if (agrees(test, &decoded, &in, &a, &b))
            continue;
        if (!mismatches++ && !(test->options & DIFF_QUIET))
            print_mismatch(test, &decoded, &in, &a, &b, seed, i);
    }
    return mismatches + host_is_no_oracle();
}

#else

bool diff_available(void)
{
    return false;
}

const char *diff_host32_lacks(void)
{
    return NULL;
}

bool diff_has_avx(void)
{
    return false;
}

void diff_use_portable(bool portable)
{
    (void)portable;
}

void diff_use_host(unsigned features)
{
    (void)features;
}

void diff_run_host(const struct diff_case *test, const struct diff_state *in,
                   struct diff_state *out)
{
    (void)test;
    *out = *in;
}

void diff_run_ringfort(const struct diff_case *test, const struct diff_state *in,
                       struct diff_state *out)
{
    (void)test;
    *out = *in;
}

unsigned diff_run_random(const struct diff_case *test, uint64_t seed, unsigned count)
{
    (void)test;
    (void)seed;
    (void)count;
    return 0;
}

#endif
