/* Rules of comparison by mnemonic and category (rules.h). */
#include "rules.h"

#include "diff_x87_image.h"

#include "cpu/cpu.h"

#include <string.h>

#define CF RF_FLAG_CF
#define PF RF_FLAG_PF
#define AF RF_FLAG_AF
#define ZF RF_FLAG_ZF
#define SF RF_FLAG_SF
#define OF RF_FLAG_OF
#define C1 0x0200

/* --- inputs --- */

static uint64_t address_of(const struct diff_state *in, const ZydisEncoderOperand *o)
{
    if (o->mem.base == ZYDIS_REGISTER_RIP || o->mem.base == ZYDIS_REGISTER_NONE)
        return (uint64_t)o->mem.displacement;
    uint64_t at = in->gpr[ZydisRegisterGetId(o->mem.base)] + (uint64_t)o->mem.displacement;
    if (o->mem.index != ZYDIS_REGISTER_NONE)
        at += in->gpr[ZydisRegisterGetId(o->mem.index)] * o->mem.scale;
    return ZydisRegisterGetClass(o->mem.base) == ZYDIS_REGCLASS_GPR32 ? (uint32_t)at : at;
}

/* The window's byte at a linear address; NULL if `size` bytes of it are not all there. */
static uint8_t *window(struct diff_state *in, uint64_t at, unsigned size)
{
    uint64_t offset = at - DIFF_MEMORY_AT;
    return offset <= DIFF_MEMORY_SIZE - size ? in->memory + offset : NULL;
}

/* Where a near branch goes: over what follows it (DIFF_CODE64_AT + length + 4, with the length
 * unknown here: any of the three), or to a page that is not there. */
static uint64_t branch_target(struct diff_rng *rng, const ZydisEncoderRequest *request)
{
    uint8_t code[ZYDIS_MAX_INSTRUCTION_LENGTH];
    ZyanUSize length = sizeof code;
    if (diff_below(rng, 8) == 0 || ZYAN_FAILED(ZydisEncoderEncodeInstruction(request, code, &length)))
        return UINT64_C(0x30000000) + diff_below(rng, 4096);
    return DIFF_CODE64_AT + length + (diff_below(rng, 4) ? 4 : 0);
}

static bool indirect_branch(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    const ZydisEncoderOperand *o = &request->operands[0];
    uint64_t target = branch_target(rng, request);
    if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) {
        in->gpr[ZydisRegisterGetId(o->reg.value)] = target;
        if (request->mnemonic == ZYDIS_MNEMONIC_CALL &&
            ZydisRegisterGetId(o->reg.value) == RF_RSP)
            return false; /* the code is no stack */
        return true;
    }
    uint8_t *place = window(in, address_of(in, o), 8);
    if (place)
        memcpy(place, &target, 8);
    /* What else is read there is hardly canonical, and a CALL may see the stack's fault first (AMD)
     * or the target's (SDM 2A, CALL): only one of them. */
    if (!place && request->mnemonic == ZYDIS_MNEMONIC_CALL) {
        if (ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, o->mem.base) == ZYDIS_REGISTER_RSP)
            return false;
        in->gpr[RF_RSP] = DIFF_MEMORY_AT + 64 + diff_below(rng, DIFF_MEMORY_SIZE - 128);
    }
    return place || address_of(in, o) - DIFF_CODE64_AT > 0x10000;
}

static bool return_address(struct diff_state *in, struct diff_rng *rng, void *user)
{
    uint64_t target = branch_target(rng, user);
    uint8_t *place = window(in, in->gpr[RF_RSP], 8);
    if (place)
        memcpy(place, &target, 8);
    return true;
}

/* RFLAGS without TF, NT, AC, RF, which would act on what runs next. */
static bool flags_image(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)rng, (void)user;
    const uint32_t kept = CF | PF | AF | ZF | SF | OF | RF_FLAG_DF | RF_FLAG_ID | RF_FLAG_IF;
    uint8_t *place = window(in, in->gpr[RF_RSP], 8);
    if (!place)
        return in->gpr[RF_RSP] - DIFF_MEMORY_AT > 0x10000;
    for (unsigned i = 0; i < 4; i++)
        place[i] &= (uint8_t)(kept >> 8 * i);
    return true;
}

/* Frames lie in the window. */
static bool frame(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    if (request->operands[0].imm.u > 256 && diff_below(rng, 8))
        return false;
    in->gpr[RF_RSP] = DIFF_MEMORY_AT + 600 + diff_below(rng, 300);
    in->gpr[RF_RBP] = DIFF_MEMORY_AT + 600 + diff_below(rng, 300);
    return true;
}

static bool leave_frame(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    in->gpr[RF_RBP] = DIFF_MEMORY_AT + diff_below(rng, DIFF_MEMORY_SIZE - 8);
    return true;
}

static bool short_loop(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    if (diff_below(rng, 2))
        in->gpr[RF_RCX] = diff_below(rng, 3) | (diff_below(rng, 2) ? UINT64_C(7) << 32 : 0);
    return true;
}

/* An MXCSR image: mostly valid. MISALIGNSSE (bit 17) is AMD's; other reserved bits are #GP. */
static bool mxcsr_at(struct diff_state *in, struct diff_rng *rng, uint64_t at)
{
    uint8_t *image = window(in, at, 4);
    if (!image) /* not at the window's end, where it may be anything */
        return at - DIFF_MEMORY_AT > 0x1000 - 4;
    image[2] &= diff_below(rng, 8) ? 0 : 0xfd;
    image[3] &= image[2];
    return true;
}

static bool mxcsr_image(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    memset(in->end, 0, sizeof in->end);
    return mxcsr_at(in, rng, address_of(in, &request->operands[0]));
}

static bool fx_image(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    memset(in->end, 0, sizeof in->end);
    return mxcsr_at(in, rng, address_of(in, &request->operands[0]) + 24);
}

static bool xsave_area(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    in->gpr[RF_RAX] = (in->gpr[RF_RAX] & ~UINT64_C(0xffffffff)) | diff_below(rng, 8);
    in->gpr[RF_RDX] &= ~UINT64_C(0xffffffff);
    in->fx.ftw |= 1;
    in->fx.xmm[3].u8[5] |= 1;
    in->high[2][3] |= 1;
    uint64_t at = address_of(in, &request->operands[0]);
    uint8_t *area = window(in, at, 832);
    if (area && request->mnemonic != ZYDIS_MNEMONIC_XSAVE &&
        request->mnemonic != ZYDIS_MNEMONIC_XSAVE64) {
        memset(area + 512, 0, 64);
        area[512] = (uint8_t)diff_below(rng, 8);
        if (diff_below(rng, 2)) {
            area[520] = area[512] | (uint8_t)diff_below(rng, 8);
            area[527] = 0x80;
        }
        area[26] = area[27] = 0;
    }
    return area || at & 63 || at - DIFF_MEMORY_AT > 0x10000;
}

/* Short strings over few letters, and lengths around the limits. */
static bool packed_strings(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    unsigned letters = 2 + diff_below(rng, 6);
    for (unsigned i = 0; i < 256; i++)
        in->fx.xmm[i / 16].u8[i % 16] = (uint8_t)(diff_below(rng, letters) - diff_below(rng, 2));
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        in->memory[i] = (uint8_t)(diff_below(rng, letters) - diff_below(rng, 2));
    uint64_t mask = diff_below(rng, 2) ? UINT32_MAX : UINT64_MAX;
    const ZydisEncoderRequest *request = user;
    bool free = request->operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
    if (free && diff_below(rng, 3)) {
        in->gpr[RF_RAX] = (uint64_t)((int)diff_below(rng, 40) - 20) & mask;
        in->gpr[RF_RDX] = (uint64_t)((int)diff_below(rng, 40) - 20) & mask;
    }
    return true;
}

/* Counts of packed shifts that are not too large. */
static bool packed_count(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    if (diff_below(rng, 3) == 0)
        return true;
    for (unsigned i = 0; i < 16; i++)
        in->fx.xmm[i].u64[0] &= diff_below(rng, 2) ? 127 : 15;
    for (unsigned i = 0; i < 8; i++)
        memset(in->fx.st[i] + 1, 0, 7);
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        in->memory[i] &= i % 8 ? 0 : 127;
    return true;
}

/* Offsets that stay near, for each lane of the index. */
static bool gather_indices(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    const ZydisEncoderOperand *o = &request->operands[1];
    unsigned index = (unsigned)ZydisRegisterGetId(o->mem.index);
    bool quad = request->mnemonic == ZYDIS_MNEMONIC_VPGATHERQD ||
                request->mnemonic == ZYDIS_MNEMONIC_VPGATHERQQ ||
                request->mnemonic == ZYDIS_MNEMONIC_VGATHERQPS ||
                request->mnemonic == ZYDIS_MNEMONIC_VGATHERQPD;
    uint64_t at = DIFF_MEMORY_AT + 512 - (uint64_t)o->mem.displacement;
    if (diff_below(rng, 16) == 0) /* some lanes lie in the page that is not there */
        at = DIFF_MEMORY_AT + DIFF_MEMORY_SIZE / 2 + 0x1000 - 16 - (uint64_t)o->mem.displacement;
    bool narrow = ZydisRegisterGetClass(o->mem.base) == ZYDIS_REGCLASS_GPR32;
    in->gpr[ZydisRegisterGetId(o->mem.base)] = narrow ? (uint32_t)at : at;
    for (unsigned lane = 0; lane < (quad ? 4u : 8u); lane++) {
        int64_t value = (int)diff_below(rng, 100) - 50;
        unsigned byte = lane * (quad ? 8 : 4);
        uint8_t *place = byte < 16 ? in->fx.xmm[index].u8 + byte : in->high[index] + byte - 16;
        memcpy(place, &value, quad ? 8 : 4);
    }
    return true;
}

/* MMX state as an MMX instruction before would have left it. */
static bool mmx_state(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)rng, (void)user;
    in->fx.fsw &= 0xc7ff;
    in->fx.ftw = 0xff;
    return true;
}

/* --- outcomes --- */

static void forgive_area(const struct diff_state *in, struct diff_state *host,
                         struct diff_state *ringfort, void *user)
{
    const ZydisEncoderRequest *request = user;
    bool wide = request->mnemonic == ZYDIS_MNEMONIC_FXSAVE64 ||
                request->mnemonic == ZYDIS_MNEMONIC_XSAVE64 ||
                request->mnemonic == ZYDIS_MNEMONIC_XSAVEC64 ||
                request->mnemonic == ZYDIS_MNEMONIC_XSAVEOPT64;
    diff_forgive_area(host, ringfort, address_of(in, &request->operands[0]), wide);
}

static void forgive_environment(const struct diff_state *in, struct diff_state *host,
                                struct diff_state *ringfort, void *user)
{
    const ZydisEncoderRequest *request = user;
    bool narrow = request->operands[0].mem.size == 14 || request->operands[0].mem.size == 94;
    diff_forgive_environment(in, host, ringfort, address_of(in, &request->operands[0]), narrow,
                             DIFF_NONE_BEFORE);
}

/* --- the table --- */

#define ELSEWHERE(text, tests) (struct rule){ .elsewhere = (text), .tested_by = (tests) }
#define PREPARE(function) (struct rule){ .prepare = diff_prepare_##function }
#define UNDEFINED(flags, text) (struct rule){ .ignore_flags = (flags), .why = (text) }

static struct rule double_shift(const struct form *form)
{
    struct rule rule = UNDEFINED(AF, "AF after a shift: AMD sets it, Intel clears it");
    if (form->ins.operand_width == 16) {
        rule.prepare = diff_prepare_narrow_count;
        rule.ignore_flags |= OF;
        rule.why = "AF as after other shifts, OF after a double shift by 16 (SDM 2B, SHLD)";
    }
    return rule;
}

static struct rule string_rule(const struct form *form)
{
    struct rule rule = PREPARE(strings);
    rule.options = DIFF_KEEP_DF | DIFF_SMALL_RCX;
    (void)form;
    return rule;
}

static struct rule by_category(const struct form *form)
{
    switch (form->ins.meta.category) {
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_VTX: /* VMCALL */
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_INTERRUPT: return ELSEWHERE("of the system", "check_transitions check_exceptions check_system_instructions "
                                          "check_diff_compat_transfer");
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP: return ELSEWHERE("ports", "check_system_instructions check_transitions");
    case ZYDIS_CATEGORY_CET:
        if (form->ins.mnemonic != ZYDIS_MNEMONIC_ENDBR64 && form->ins.mnemonic != ZYDIS_MNEMONIC_ENDBR32)
            return ELSEWHERE("shadow stacks", "check_cet");
        return (struct rule){ 0 };
    case ZYDIS_CATEGORY_SEGOP: return ELSEWHERE("loads descriptors", "check_system_instructions check_diff_compat_transfer");
    case ZYDIS_CATEGORY_RDWRFSGS: return ELSEWHERE("the host's thread pointer", "check_system_instructions check_transitions");
    case ZYDIS_CATEGORY_RDRAND:
    case ZYDIS_CATEGORY_RDSEED: return ELSEWHERE("random", "check_cpu_models");
    case ZYDIS_CATEGORY_STRINGOP: return string_rule(form);
    case ZYDIS_CATEGORY_SHIFT: return UNDEFINED(AF, "AF after a shift: AMD sets it, Intel clears it");
    case ZYDIS_CATEGORY_AVX2GATHER: return (struct rule){ .prepare = gather_indices };
    case ZYDIS_CATEGORY_XSAVE:
    case ZYDIS_CATEGORY_XSAVEOPT:
        return (struct rule){ .prepare = xsave_area,
                              .forgive = forgive_area,
                              .options = DIFF_ALIGNED | DIFF_ANY_CR2 | DIFF_X87,
                              .why = "FOP, FIP, FDP with nothing pending, selectors, MXCSR_MASK: vendors differ" };
    default: return (struct rule){ 0 };
    }
}

static struct rule stack_rule(const struct form *form)
{
    switch (form->ins.mnemonic) {
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFQ: return (struct rule){ .prepare = flags_image };
    case ZYDIS_MNEMONIC_ENTER: return (struct rule){ .prepare = frame };
    case ZYDIS_MNEMONIC_LEAVE: return (struct rule){ .prepare = leave_frame };
    default: return (struct rule){ 0 };
    }
}

static struct rule branch_rule(const struct form *form)
{
    if (form->ins.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
        return ELSEWHERE("far", "check_diff_compat_transfer check_compat");
    switch (form->ins.mnemonic) {
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ: return ELSEWHERE("of the system", "check_transitions check_compat");
    case ZYDIS_MNEMONIC_RET:
        if (form->ins.operand_width == 16)
            return ELSEWHERE("16-bit RIP on AMD alone", "check_system_instructions");
        return (struct rule){ .prepare = return_address };
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_LOOPE:
    case ZYDIS_MNEMONIC_LOOPNE:
    case ZYDIS_MNEMONIC_JRCXZ:
    case ZYDIS_MNEMONIC_JECXZ: return (struct rule){ .prepare = short_loop };
    default: break;
    }
    if (form->operand[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return (struct rule){ .prepare = indirect_branch };
    return (struct rule){ 0 };
}

static struct rule area_rule(diff_prepare *prepare)
{
    return (struct rule){ .prepare = prepare,
                          .forgive = forgive_area,
                          .options = DIFF_ALIGNED | DIFF_ANY_CR2 | DIFF_X87,
                          .why = "FOP, FIP, FDP with nothing pending, selectors, MXCSR_MASK: vendors differ" };
}

static struct rule by_mnemonic(const struct form *form)
{
    switch (form->ins.mnemonic) {
    case ZYDIS_MNEMONIC_MUL:
    case ZYDIS_MNEMONIC_IMUL: return UNDEFINED(SF | ZF | AF | PF, "undefined after MUL and IMUL");
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV: {
        struct rule rule = PREPARE(dividend);
        rule.ignore_flags = CF | OF | SF | ZF | AF | PF;
        rule.why = "every status flag is undefined after a division";
        return rule;
    }
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD: return double_shift(form);
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC:
        return form->operand[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
                       form->operand[1].type == ZYDIS_OPERAND_TYPE_REGISTER
                   ? PREPARE(near_bit)
                   : (struct rule){ 0 };
    case ZYDIS_MNEMONIC_TZCNT:
    case ZYDIS_MNEMONIC_LZCNT:
        return UNDEFINED(OF, "OF after TZCNT and LZCNT: AMD sets it, Intel clears it");
    case ZYDIS_MNEMONIC_ANDN:
    case ZYDIS_MNEMONIC_BLSI:
    case ZYDIS_MNEMONIC_BLSMSK:
    case ZYDIS_MNEMONIC_BLSR:
        return UNDEFINED(PF, "PF after BMI1: the result's parity on AMD, 0 on Intel");
    case ZYDIS_MNEMONIC_BEXTR:
    case ZYDIS_MNEMONIC_BZHI: {
        struct rule rule = PREPARE(small_control);
        bool bextr = form->ins.mnemonic == ZYDIS_MNEMONIC_BEXTR;
        rule.ignore_flags = bextr ? AF | SF | PF : PF;
        rule.why = bextr ? "AF, SF, PF after BEXTR: some set on AMD, 0 on Intel"
                         : "PF after BZHI: the result's parity on AMD, 0 on Intel";
        return rule;
    }
    case ZYDIS_MNEMONIC_XLAT: return PREPARE(table_at_rbx);
    case ZYDIS_MNEMONIC_MONITOR:
    case ZYDIS_MNEMONIC_MWAIT: return ELSEWHERE("of the system", "check_monitor");
    case ZYDIS_MNEMONIC_CMPXCHG: return PREPARE(comparand);
    case ZYDIS_MNEMONIC_CMPXCHG8B: return PREPARE(wide_comparand);
    case ZYDIS_MNEMONIC_CMPXCHG16B: {
        struct rule rule = PREPARE(wide_comparand);
        rule.options = DIFF_ALIGNED;
        return rule;
    }
    case ZYDIS_MNEMONIC_FCOMI:
    case ZYDIS_MNEMONIC_FCOMIP:
    case ZYDIS_MNEMONIC_FUCOMI:
    case ZYDIS_MNEMONIC_FUCOMIP:
        return (struct rule){ .ignore_fsw = C1, .why = "C1 after FCOMI: AMD leaves it, Intel clears it" };
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FNSAVE:
        return (struct rule){ .forgive = forgive_environment, .options = DIFF_ANY_CR2,
                              .why = "FIP, FDP, FOP with nothing pending, selectors: vendors differ" };
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FLDENV: return (struct rule){ .options = DIFF_ANY_CR2 };
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXSAVE64: return area_rule(NULL);
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64: return area_rule(fx_image);
    case ZYDIS_MNEMONIC_LDMXCSR:
    case ZYDIS_MNEMONIC_VLDMXCSR: return (struct rule){ .prepare = mxcsr_image };
    case ZYDIS_MNEMONIC_MASKMOVQ:
        return (struct rule){ .prepare = mmx_state, .options = DIFF_ANY_CR2,
                              .why = "AMD's goes to the MMX state even when it faults" };
    case ZYDIS_MNEMONIC_PCMPESTRI: case ZYDIS_MNEMONIC_PCMPESTRM: case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_PCMPISTRM: case ZYDIS_MNEMONIC_VPCMPESTRI: case ZYDIS_MNEMONIC_VPCMPESTRM:
    case ZYDIS_MNEMONIC_VPCMPISTRI: case ZYDIS_MNEMONIC_VPCMPISTRM:
        return (struct rule){ .prepare = packed_strings };
    case ZYDIS_MNEMONIC_PSLLW: case ZYDIS_MNEMONIC_PSLLD: case ZYDIS_MNEMONIC_PSLLQ:
    case ZYDIS_MNEMONIC_PSRLW: case ZYDIS_MNEMONIC_PSRLD: case ZYDIS_MNEMONIC_PSRLQ:
    case ZYDIS_MNEMONIC_PSRAW: case ZYDIS_MNEMONIC_PSRAD: case ZYDIS_MNEMONIC_VPSLLW:
    case ZYDIS_MNEMONIC_VPSLLD: case ZYDIS_MNEMONIC_VPSLLQ: case ZYDIS_MNEMONIC_VPSRLW:
    case ZYDIS_MNEMONIC_VPSRLD: case ZYDIS_MNEMONIC_VPSRLQ: case ZYDIS_MNEMONIC_VPSRAW:
    case ZYDIS_MNEMONIC_VPSRAD: return (struct rule){ .prepare = packed_count };
    case ZYDIS_MNEMONIC_CPUID:
    case ZYDIS_MNEMONIC_RDTSC:
    case ZYDIS_MNEMONIC_RDTSCP:
    case ZYDIS_MNEMONIC_RDPID:
    case ZYDIS_MNEMONIC_RDPMC:
    case ZYDIS_MNEMONIC_XGETBV:
    case ZYDIS_MNEMONIC_RDPKRU:
    case ZYDIS_MNEMONIC_WRPKRU: return ELSEWHERE("of this CPU and system", "check_cpu_models");
    case ZYDIS_MNEMONIC_XSETBV:
    case ZYDIS_MNEMONIC_INVPCID: return ELSEWHERE("privileged", "check_cpu_models check_system_instructions");
    case ZYDIS_MNEMONIC_NOP:
        if (form->ins.opcode == 0x0d && form->ins.operand_count_visible)
            return ELSEWHERE("0F 0D with registers: #UD on AMD, a NOP on Intel", "check_cpu_models");
        return (struct rule){ 0 };
    default: return by_category(form);
    }
}

static bool names_special_register(const struct form *form)
{
    for (unsigned i = 0; i < form->ins.operand_count_visible; i++) {
        const ZydisDecodedOperand *o = &form->operand[i];
        if (o->type != ZYDIS_OPERAND_TYPE_REGISTER)
            continue;
        ZydisRegisterClass class = ZydisRegisterGetClass(o->reg.value);
        if (class == ZYDIS_REGCLASS_SEGMENT || class == ZYDIS_REGCLASS_CONTROL ||
            class == ZYDIS_REGCLASS_DEBUG)
            return true;
    }
    return false;
}

struct rule rule_of(const struct form *form)
{
    if (names_special_register(form))
        return ELSEWHERE("segment, control or debug register", "check_system_instructions");
    switch (form->ins.meta.category) {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_COND_BR: return branch_rule(form);
    case ZYDIS_CATEGORY_PUSH:
    case ZYDIS_CATEGORY_POP: return stack_rule(form);
    case ZYDIS_CATEGORY_MISC:
        if (form->ins.mnemonic == ZYDIS_MNEMONIC_ENTER || form->ins.mnemonic == ZYDIS_MNEMONIC_LEAVE)
            return stack_rule(form);
        return by_mnemonic(form);
    default: return by_mnemonic(form);
    }
}
