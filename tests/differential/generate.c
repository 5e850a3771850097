/* From a form to encodings of it (generate.h): the request that Zydis makes of the form's
 * sample, with other registers, addresses and immediates. */
#include "generate.h"

#include <string.h>

struct maker {
    struct diff_rng *rng;
    const struct form *form;
    ZydisEncoderRequest *request;
    unsigned round;
    bool apart;
    bool same;     /* registers shall often be one and the same */
    unsigned last; /* number of the last register */
    uint16_t used; /* general registers */
};

static unsigned choose(struct maker *m, unsigned count)
{
    if (!(m->same && m->last < count))
        m->last = diff_below(m->rng, count);
    return m->last;
}

static ZydisRegister byte_register(unsigned number, struct diff_rng *rng)
{
    if (number < 4)
        return (ZydisRegister)((diff_below(rng, 3) ? ZYDIS_REGISTER_AL : ZYDIS_REGISTER_AH) + number);
    return (ZydisRegister)(ZYDIS_REGISTER_SPL + number - 4);
}

static ZydisRegister other_register(struct maker *m, ZydisRegister sample)
{
    unsigned number;
    switch (ZydisRegisterGetClass(sample)) {
    case ZYDIS_REGCLASS_GPR8:
        number = choose(m, 16);
        m->used |= (uint16_t)(1u << number);
        return byte_register(number, m->rng);
    case ZYDIS_REGCLASS_GPR16:
        number = choose(m, 16);
        m->used |= (uint16_t)(1u << number);
        return (ZydisRegister)(ZYDIS_REGISTER_AX + number);
    case ZYDIS_REGCLASS_GPR32:
        number = choose(m, 16);
        m->used |= (uint16_t)(1u << number);
        return (ZydisRegister)(ZYDIS_REGISTER_EAX + number);
    case ZYDIS_REGCLASS_GPR64:
        number = choose(m, 16);
        m->used |= (uint16_t)(1u << number);
        return (ZydisRegister)(ZYDIS_REGISTER_RAX + number);
    case ZYDIS_REGCLASS_MMX: return (ZydisRegister)(ZYDIS_REGISTER_MM0 + choose(m, 8));
    case ZYDIS_REGCLASS_XMM: return (ZydisRegister)(ZYDIS_REGISTER_XMM0 + choose(m, 16));
    case ZYDIS_REGCLASS_YMM: return (ZydisRegister)(ZYDIS_REGISTER_YMM0 + choose(m, 16));
    case ZYDIS_REGCLASS_X87: return (ZydisRegister)(ZYDIS_REGISTER_ST0 + choose(m, 8));
    default: return sample;
    }
}

/* A general register for an address. */
static unsigned address_register(struct maker *m, bool index)
{
    unsigned number, tries = 0;
    do
        number = diff_below(m->rng, 16);
    while ((index && number == 4) || (m->apart && m->used >> number & 1 && ++tries < 100));
    return number;
}

static void choose_index(struct maker *m, ZydisEncoderOperand *o, ZydisRegister first)
{
    if (ZydisRegisterGetClass(o->mem.index) == ZYDIS_REGCLASS_XMM ||
        ZydisRegisterGetClass(o->mem.index) == ZYDIS_REGCLASS_YMM) {
        bool wide = ZydisRegisterGetClass(o->mem.index) == ZYDIS_REGCLASS_YMM;
        o->mem.index = (ZydisRegister)((wide ? ZYDIS_REGISTER_YMM0 : ZYDIS_REGISTER_XMM0) +
                                       diff_below(m->rng, 16));
        o->mem.scale = (ZyanU8)(1u << diff_below(m->rng, 4));
        return;
    }
    o->mem.index = ZYDIS_REGISTER_NONE;
    o->mem.scale = 0;
    if (diff_below(m->rng, 4) == 0) {
        unsigned index = address_register(m, true);
        if (first + index != o->mem.base) {
            o->mem.index = (ZydisRegister)(first + index);
            o->mem.scale = (ZyanU8)(1u << diff_below(m->rng, 4));
        }
    }
}

static void other_address(struct maker *m, ZydisEncoderOperand *o, bool vsib)
{
    struct diff_rng *rng = m->rng;
    bool narrow = diff_below(rng, 8) == 0;
    ZydisRegister first = narrow ? ZYDIS_REGISTER_EAX : ZYDIS_REGISTER_RAX;
    static const int reach[] = { 0, 128, 0x1000000 };
    int most = reach[diff_below(rng, 3)];
    o->mem.displacement = most ? (int)diff_below(rng, (unsigned)most * 2) - most : 0;
    if (!vsib && diff_below(rng, 16) == 0) { /* no register, or RIP */
        o->mem.index = ZYDIS_REGISTER_NONE;
        o->mem.scale = 0;
        o->mem.base = diff_below(rng, 2) ? ZYDIS_REGISTER_RIP : ZYDIS_REGISTER_NONE;
        o->mem.displacement = (int64_t)DIFF_MEMORY_AT + 128 + 64 * diff_below(rng, 6);
        return;
    }
    o->mem.base = (ZydisRegister)(first + address_register(m, false));
    choose_index(m, o, first);
}

static int64_t other_immediate(struct maker *m, const ZydisDecodedOperand *sample)
{
    if (sample->imm.is_relative)
        return 4; /* over the instruction that follows: see append_landing */
    if (sample->size == 8)
        return m->round < 256 ? (int8_t)m->round : (int8_t)diff_random(m->rng);
    return (int64_t)(diff_integer(m->rng, sample->size) << (64 - sample->size)) >>
           (64 - sample->size);
}

static void randomize(struct maker *m)
{
    const struct form *form = m->form;
    for (unsigned i = 0; i < m->request->operand_count; i++) {
        const ZydisDecodedOperand *sample = &form->operand[i];
        ZydisEncoderOperand *o = &m->request->operands[i];
        bool fixed = sample->visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT ||
                     sample->encoding == ZYDIS_OPERAND_ENCODING_NONE;
        if (fixed)
            continue;
        if (o->type == ZYDIS_OPERAND_TYPE_REGISTER)
            o->reg.value = other_register(m, o->reg.value);
        else if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
            o->imm.s = other_immediate(m, sample);
    }
    for (unsigned i = 0; i < m->request->operand_count; i++)
        if (m->request->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            form->operand[i].visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT)
            other_address(m, &m->request->operands[i],
                          form->operand[i].mem.type == ZYDIS_MEMOP_TYPE_VSIB);
}

static bool is_relative(const struct form *form)
{
    return form->ins.operand_count_visible && form->operand[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
           form->operand[0].imm.is_relative;
}

static bool is_branch(const struct form *form)
{
    return form->ins.meta.branch_type == ZYDIS_BRANCH_TYPE_SHORT ||
           form->ins.meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR;
}

/* What a taken branch jumps over: lea r15, [r15 + 1]. */
static void append_landing(struct generated *out)
{
    static const uint8_t skipped[] = { 0x4d, 0x8d, 0x7f, 0x01 };
    memcpy(out->code + out->length, skipped, sizeof skipped);
    out->length += sizeof skipped;
}

static bool uses_rip(const ZydisEncoderRequest *request)
{
    for (unsigned i = 0; i < request->operand_count; i++)
        if (request->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            request->operands[i].mem.base == ZYDIS_REGISTER_RIP)
            return true;
    return false;
}

/* Encode, and see that it is the form. */
static bool encode(const struct form *form, struct generated *out)
{
    ZydisDecodedInstruction ins;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    char text[96];
    ZyanUSize length = ZYDIS_MAX_INSTRUCTION_LENGTH;
    ZydisEncoderRequest request = out->request; /* addresses there stay absolute */
    ZyanStatus status =
        uses_rip(&request)
            ? ZydisEncoderEncodeInstructionAbsolute(&request, out->code, &length, DIFF_CODE64_AT)
            : ZydisEncoderEncodeInstruction(&request, out->code, &length);
    if (ZYAN_FAILED(status) || !form_decode(out->code, length, &ins, operands))
        return false;
    form_text(&ins, operands, text, sizeof text);
    out->length = out->instruction = length;
    return !strcmp(text, form->text);
}

bool generate(const struct form *form, struct diff_rng *rng, unsigned round, bool apart,
              struct generated *out)
{
    for (unsigned attempt = 0; attempt < 60; attempt++) {
        struct maker m = { .rng = rng,
                           .form = form,
                           .request = &out->request,
                           .round = attempt < 30 ? round : 256,
                           .apart = apart,
                           .same = diff_below(rng, 6) == 0,
                           .last = UINT32_MAX };
        if (ZYAN_FAILED(ZydisEncoderDecodedInstructionToEncoderRequest(
                &form->ins, form->operand, form->ins.operand_count_visible, &out->request)))
            break;
        randomize(&m);
        if (encode(form, out)) {
            if (is_branch(form))
                append_landing(out);
            return true;
        }
    }
    /* What the encoder cannot make is run as it was found. */
    if (is_relative(form))
        return false;
    memcpy(out->code, form->code, form->length);
    out->length = out->instruction = form->length;
    if (is_branch(form))
        append_landing(out);
    return true;
}
