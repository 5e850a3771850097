/* From descriptions of instruction forms to encodings that are run (differential.h). */
#include "differential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_OPERANDS 4
#define MOST_ALTERNATIVES 6
#define SETS 256
#define REGISTER_CHOICES 4

struct words {
    unsigned count;
    struct {
        unsigned count;
        char text[MOST_ALTERNATIVES][8];
    } operand[MOST_OPERANDS];
};

static void parse(const char *text, struct words *words)
{
    memset(words, 0, sizeof *words);
    while (*text) {
        size_t length = strcspn(text, " ");
        const char *end = text + length;
        unsigned n = words->count++;
        while (text < end) {
            size_t part = strcspn(text, " |");
            memcpy(words->operand[n].text[words->operand[n].count++], text, part);
            text += part + (text[part] == '|');
        }
        text += *text == ' ';
    }
}

struct builder {
    const struct diff_form *form;
    struct diff_rng *rng;
    ZydisEncoderRequest request;
    uint16_t used;      /* general registers that operands name */
    unsigned immediate; /* the next value of an i8 */
    bool same;          /* the register operands shall be one and the same */
    bool sequence;      /* memory is [RBX + displacement], no operand names RBX */
    bool gather;        /* all vector registers are different ones: else #UD */
    uint16_t used_vectors;
    int last[3];        /* general, XMM, MMX */
    unsigned options;
};

static unsigned register_count(const struct builder *b)
{
    return b->options & DIFF_32 ? 8 : 16;
}

static unsigned choose_gpr(struct builder *b)
{
    if (b->same && b->last[0] >= 0)
        return (unsigned)b->last[0];
    unsigned number;
    do
        number = diff_below(b->rng, register_count(b));
    while (number == 4 || (b->sequence && number == 3));
    b->last[0] = (int)number;
    return number;
}

static unsigned choose_vector(struct builder *b, unsigned kind, unsigned limit)
{
    if (b->same && !b->gather && b->last[kind] >= 0)
        return (unsigned)b->last[kind];
    unsigned number;
    do
        number = diff_below(b->rng, limit);
    while (b->gather && b->used_vectors >> number & 1);
    b->used_vectors |= (uint16_t)(1u << number);
    b->last[kind] = (int)number;
    return number;
}

/* *number becomes that of the register which the byte register is part of. */
static ZydisRegister gpr(unsigned *whole, unsigned bits, bool narrow, struct diff_rng *rng)
{
    if (bits == 8 && narrow)
        *whole &= 3;
    unsigned number = *whole;
    if (bits == 8 && number < 4)
        return (ZydisRegister)(number + (diff_below(rng, 3) ? ZYDIS_REGISTER_AL
                                                            : ZYDIS_REGISTER_AH));
    if (bits == 8)
        return (ZydisRegister)(ZYDIS_REGISTER_SPL + number - 4);
    return (ZydisRegister)((bits == 16   ? ZYDIS_REGISTER_AX
                            : bits == 32 ? ZYDIS_REGISTER_EAX
                                         : ZYDIS_REGISTER_RAX) + number);
}

/* 16-bit addressing (SDM 2A, table 2-1). */
static void memory_16(struct builder *b, ZydisEncoderOperand *o)
{
    static const ZydisRegister bases[] = { ZYDIS_REGISTER_BX, ZYDIS_REGISTER_BP, ZYDIS_REGISTER_SI,
                                           ZYDIS_REGISTER_DI };
    o->mem.base = bases[diff_below(b->rng, 4)];
    if ((o->mem.base == ZYDIS_REGISTER_BX || o->mem.base == ZYDIS_REGISTER_BP) && diff_below(b->rng, 2))
        o->mem.index = bases[2 + diff_below(b->rng, 2)];
    o->mem.scale = o->mem.index != ZYDIS_REGISTER_NONE;
    if (diff_below(b->rng, 2))
        o->mem.displacement = (int)diff_below(b->rng, 0x10000) - 0x8000;
    else if (o->mem.base == ZYDIS_REGISTER_BP || diff_below(b->rng, 2))
        o->mem.displacement = (int)diff_below(b->rng, 256) - 128;
}

/* Memory operands of 32-bit code: only EBP, ESI and EDI are free to address with. */
static void memory_32(struct builder *b, ZydisEncoderOperand *o)
{
    struct diff_rng *rng = b->rng;
    unsigned base = 5 + diff_below(rng, 3), index = 5 + diff_below(rng, 3);
    unsigned in_16 = b->options & DIFF_16 ? 4 : b->options & DIFF_SEGMENTED ? 1 : 0;
    if (diff_below(rng, 5) < in_16) {
        memory_16(b, o);
        return;
    }
    while (b->used >> base & 1)
        base = 5 + diff_below(rng, 3);
    o->mem.base = (ZydisRegister)(ZYDIS_REGISTER_EAX + base);
    if (diff_below(rng, 3) == 0)
        o->mem.displacement = (int)diff_below(rng, 256) - 128;
    else if (diff_below(rng, 2))
        o->mem.displacement = (int)(uint32_t)diff_random(rng);
    if (index != base && !(b->used >> index & 1)) {
        o->mem.index = (ZydisRegister)(ZYDIS_REGISTER_EAX + index);
        o->mem.scale = (ZyanU8)(1u << diff_below(rng, 4));
    }
}

static void memory(struct builder *b, ZydisEncoderOperand *o, unsigned size)
{
    struct diff_rng *rng = b->rng;
    unsigned base, index;
    o->type = ZYDIS_OPERAND_TYPE_MEMORY;
    o->mem.size = (ZyanU16)size;
    if (b->options & DIFF_32 && !b->sequence) {
        memory_32(b, o);
        return;
    }
    if (b->sequence) {
        o->mem.base = b->options & DIFF_32 ? ZYDIS_REGISTER_EBX : ZYDIS_REGISTER_RBX;
        o->mem.displacement = (int)diff_below(rng, 3) * 8 + (int)diff_below(rng, 3);
        return;
    }
    do /* RAX, RCX, RDX, RBX are too often operands that are not named */
        base = 5 + diff_below(rng, 11);
    while (b->used >> base & 1);
    do
        index = 5 + diff_below(rng, 11);
    while (index == base || b->used >> index & 1);
    bool narrow = diff_below(rng, 8) == 0;
    ZydisRegister first = narrow ? ZYDIS_REGISTER_EAX : ZYDIS_REGISTER_RAX;
    o->mem.base = (ZydisRegister)(first + base);
    switch (diff_below(rng, 4)) {
    case 0:
        o->mem.displacement = (int)diff_below(rng, 256) - 128;
        break;
    case 1:
        o->mem.displacement = (int)diff_below(rng, 0x2000000) - 0x1000000;
        break;
    case 2:
        o->mem.index = (ZydisRegister)(first + index);
        o->mem.scale = (ZyanU8)(1u << diff_below(rng, 4));
        o->mem.displacement = (int)diff_below(rng, 256) - 128;
        break;
    default:
        break;
    }
}

/* The same with a vector of indexes; `word`: X4, X8, V4 or V8. */
static void gathered_memory(struct builder *b, ZydisEncoderOperand *o, const char *word)
{
    unsigned base;
    do
        base = 5 + diff_below(b->rng, 11);
    while (b->used >> base & 1);
    bool narrow = diff_below(b->rng, 8) == 0;
    o->type = ZYDIS_OPERAND_TYPE_MEMORY;
    o->mem.size = (ZyanU16)atoi(word + 1);
    o->mem.base = (ZydisRegister)((narrow ? ZYDIS_REGISTER_EAX : ZYDIS_REGISTER_RAX) + base);
    o->mem.index = (ZydisRegister)((word[0] == 'X' ? ZYDIS_REGISTER_XMM0 : ZYDIS_REGISTER_YMM0) +
                                   choose_vector(b, 1, 16));
    o->mem.scale = (ZyanU8)(1u << diff_below(b->rng, 4));
    if (diff_below(b->rng, 2))
        o->mem.displacement = (int)diff_below(b->rng, 0x2000) - 0x1000;
}

static bool is_gathered(const char *word)
{
    return word[0] == 'X' || word[0] == 'V';
}

static void fixed_gpr(struct builder *b, ZydisEncoderOperand *o, ZydisRegister reg)
{
    o->type = ZYDIS_OPERAND_TYPE_REGISTER;
    o->reg.value = reg;
    b->used |= (uint16_t)(1u << (reg == ZYDIS_REGISTER_CL ? 1 : 0));
}

static bool build_operand(struct builder *b, ZydisEncoderOperand *o, const char *word)
{
    static const struct {
        const char *word;
        ZydisRegister reg;
    } fixed[] = { { "al", ZYDIS_REGISTER_AL }, { "ax", ZYDIS_REGISTER_AX },
                  { "eax", ZYDIS_REGISTER_EAX }, { "rax", ZYDIS_REGISTER_RAX },
                  { "cl", ZYDIS_REGISTER_CL } };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (!strcmp(word, fixed[i].word)) {
            fixed_gpr(b, o, fixed[i].reg);
            return true;
        }
    unsigned number = word[1] ? (unsigned)atoi(word + 1) : 0;
    o->type = ZYDIS_OPERAND_TYPE_REGISTER;
    if (!strncmp(word, "st", 2)) {
        unsigned st = word[2] ? (unsigned)atoi(word + 2) : diff_below(b->rng, 8);
        o->reg.value = (ZydisRegister)(ZYDIS_REGISTER_ST0 + st);
    } else if (word[0] == 'r') {
        unsigned reg = choose_gpr(b);
        o->reg.value = gpr(&reg, number, b->options & DIFF_32, b->rng);
        b->used |= (uint16_t)(1u << reg);
    } else if (word[0] == 'x') {
        unsigned reg = word[1] ? number : choose_vector(b, 1, register_count(b));
        o->reg.value = (ZydisRegister)(ZYDIS_REGISTER_XMM0 + reg);
    } else if (word[0] == 'v') {
        o->reg.value = (ZydisRegister)(ZYDIS_REGISTER_YMM0 + choose_vector(b, 1, 16));
    } else if (word[0] == 'y') {
        o->reg.value = (ZydisRegister)(ZYDIS_REGISTER_MM0 + choose_vector(b, 2, 8));
    } else if (word[0] == 'i') {
        o->type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
        if (number == 8 && b->form->immediates)
            o->imm.s = (int8_t)b->immediate;
        else
            o->imm.s = (int64_t)(diff_integer(b->rng, number) << (64 - number)) >> (64 - number);
    } else if (word[0] >= '0' && word[0] <= '9') {
        o->type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
        o->imm.u = (ZyanU64)atoi(word);
    } else if (word[0] != 'm' && !is_gathered(word)) {
        return false;
    }
    return true;
}

/* Encode one choice of alternatives; 0 if it cannot be (AH with REX, say). */
static size_t build(struct builder *b, const struct words *words, const unsigned *choice,
                    uint8_t *code)
{
    ZydisEncoderRequest *r = &b->request;
    memset(r, 0, sizeof *r);
    r->machine_mode = b->options & DIFF_16   ? ZYDIS_MACHINE_MODE_LONG_COMPAT_16
                      : b->options & DIFF_32 ? ZYDIS_MACHINE_MODE_LONG_COMPAT_32
                                             : ZYDIS_MACHINE_MODE_LONG_64;
    r->mnemonic = b->form->mnemonic;
    r->prefixes = b->form->prefixes;
    r->operand_count = (ZyanU8)words->count;
    b->used = b->used_vectors = 0;
    b->gather = false;
    for (unsigned i = 0; i < words->count; i++)
        b->gather |= is_gathered(words->operand[i].text[choice[i]]);
    b->last[0] = b->last[1] = b->last[2] = -1;
    for (unsigned i = 0; i < words->count; i++)
        if (!build_operand(b, &r->operands[i], words->operand[i].text[choice[i]])) {
            printf("operand '%s'?\n", words->operand[i].text[choice[i]]);
            return 0;
        }
    for (unsigned i = 0; i < words->count; i++) {
        const char *word = words->operand[i].text[choice[i]];
        if (word[0] == 'm')
            memory(b, &r->operands[i], (unsigned)atoi(word + 1));
        else if (is_gathered(word))
            gathered_memory(b, &r->operands[i], word);
        else if (i == 3) /* a fourth register is encoded in the immediate */
            r->operands[i].reg.is4 = r->operands[i].type == ZYDIS_OPERAND_TYPE_REGISTER;
    }
    ZyanUSize length = ZYDIS_MAX_INSTRUCTION_LENGTH;
    return ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(r, code, &length)) ? length : 0;
}

/* Only what the architecture leaves undefined may be ignored. */
static bool may_ignore(const struct diff_form *form, const uint8_t *code, size_t length)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction ins;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    if (!form->ignore_flags)
        return true;
    diff_decoder(&decoder, form->options);
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code, length, &ins, operands)))
        return false;
    return ins.cpu_flags && !(form->ignore_flags & ~ins.cpu_flags->undefined);
}

static bool next_choice(const struct words *words, unsigned *choice)
{
    for (unsigned i = 0; i < words->count; i++) {
        if (++choice[i] < words->operand[i].count)
            return true;
        choice[i] = 0;
    }
    return false;
}

static unsigned run_choice(struct builder *b, const struct words *words, const unsigned *choice,
                           uint64_t seed, unsigned *encoded)
{
    const struct diff_form *form = b->form;
    unsigned rounds = form->immediates ? form->immediates : REGISTER_CHOICES;
    unsigned sets = (form->sets ? form->sets : SETS) / rounds;
    unsigned mismatches = 0;
    if (sets < 8)
        sets = 8;
    for (unsigned i = 0; i < rounds; i++) {
        uint8_t code[ZYDIS_MAX_INSTRUCTION_LENGTH];
        size_t length = 0;
        b->immediate = i;
        b->same = i % 8 == 3;
        for (unsigned attempt = 0; attempt < 20 && !length; attempt++)
            length = build(b, words, choice, code);
        if (!length)
            continue;
        ++*encoded;
        diff_totals.encodings++;
        if (!may_ignore(form, code, length)) {
            printf("%s: flags are ignored that are not undefined\n",
                   ZydisMnemonicGetString(form->mnemonic));
            return 1;
        }
        struct diff_case test = {
            .name = ZydisMnemonicGetString(form->mnemonic),
            .code = code,
            .length = length,
            .options = form->options | (mismatches ? DIFF_QUIET : 0),
            .ignore_flags = form->ignore_flags,
            .ignore_fsw = form->ignore_fsw,
            .ignore_gpr = form->ignore_gpr,
            .prepare = form->prepare,
            .user = &b->request,
        };
        mismatches += diff_run_random(&test, seed + i, sets);
    }
    return mismatches;
}

/* A choice that 32-bit code does not have: in 64-bit mode it needs REX.W, or a byte register
 * that only REX names. */
static bool is_64_bit_only(struct builder *b, const struct words *words, const unsigned *choice)
{
    struct builder wide = *b;
    uint8_t code[ZYDIS_MAX_INSTRUCTION_LENGTH];
    size_t length = 0;
    ZydisDecoder decoder;
    ZydisDecodedInstruction ins;
    if (!(b->options & DIFF_32))
        return false;
    wide.options &= ~(unsigned)(DIFF_32 | DIFF_16 | DIFF_SEGMENTED);
    for (unsigned attempt = 0; attempt < 20 && !length; attempt++)
        length = build(&wide, words, choice, code);
    diff_decoder(&decoder, wide.options);
    if (!length || ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, NULL, code, length, &ins)))
        return false;
    for (unsigned i = 0; i < words->count; i++) {
        const char *word = words->operand[i].text[choice[i]];
        if (!strcmp(word, "r64") || !strcmp(word, "rax"))
            return true;
    }
    return ins.attributes & ZYDIS_ATTRIB_HAS_REX && ins.raw.rex.W;
}

unsigned diff_run_form(const struct diff_form *form, uint64_t seed)
{
    struct diff_rng rng = { seed };
    struct builder b = { .form = form, .rng = &rng, .options = form->options };
    struct words words;
    unsigned choice[MOST_OPERANDS] = { 0 };
    unsigned mismatches = 0;
    parse(form->operands, &words);
    do {
        unsigned encoded = 0;
        if (is_64_bit_only(&b, &words, choice))
            continue;
        mismatches += run_choice(&b, &words, choice, seed, &encoded);
        if (!encoded) {
            printf("NOT ENCODED: %s %s\n", ZydisMnemonicGetString(form->mnemonic), form->operands);
            mismatches++;
        }
    } while (next_choice(&words, choice));
    return mismatches;
}

unsigned diff_run_forms(const struct diff_form *forms, size_t count, uint64_t seed)
{
    unsigned total = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned mismatches = diff_run_form(&forms[i], seed + i * 1000);
        if (mismatches)
            printf("FAILED: %s %s: %u mismatches\n", ZydisMnemonicGetString(forms[i].mnemonic),
                   forms[i].operands, mismatches);
        total += mismatches;
    }
    fflush(stdout);
    return total;
}

/* --- sequences --- */

#define SEQUENCE_LENGTH 14
#define SEQUENCE_INPUTS 20

static bool place_memory(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    in->gpr[3] = DIFF_MEMORY_AT + 64 + diff_below(rng, DIFF_MEMORY_SIZE - 192);
    if (diff_below(rng, 2))
        in->gpr[3] = DIFF_MEMORY_AT + DIFF_MEMORY_SIZE / 2 - diff_below(rng, 24);
    in->gpr[3] -= in->base[3];
    return true;
}

static size_t append_random(struct builder *b, const struct diff_form *forms, size_t count,
                            uint8_t *code)
{
    for (;;) {
        struct words words;
        unsigned choice[MOST_OPERANDS];
        b->form = &forms[diff_below(b->rng, (unsigned)count)];
        b->immediate = (unsigned)diff_random(b->rng) & 255;
        b->same = diff_below(b->rng, 8) == 0;
        parse(b->form->operands, &words);
        for (unsigned i = 0; i < words.count; i++)
            choice[i] = diff_below(b->rng, words.operand[i].count);
        if (is_64_bit_only(b, &words, choice))
            continue;
        size_t length = build(b, &words, choice, code);
        if (length)
            return length;
    }
}

/* A conditional jump over an instruction that changes R15 (or EDI, or DI) and no flag. */
static size_t append_branch(struct builder *b, uint8_t *code)
{
    static const uint8_t skipped[] = { 0x70, 0x04, 0x4d, 0x8d, 0x7f, 0x01 }, /* lea r15, [r15+1] */
        skipped_32[] = { 0x70, 0x03, 0x8d, 0x7f, 0x01 }, /* lea edi, [edi+1] */
        skipped_16[] = { 0x70, 0x03, 0x8d, 0x7d, 0x01 }; /* lea di, [di+1] */
    size_t size = b->options & DIFF_32 ? sizeof skipped_32 : sizeof skipped;
    memcpy(code, b->options & DIFF_16 ? skipped_16 : b->options & DIFF_32 ? skipped_32 : skipped, size);
    code[0] |= (uint8_t)diff_below(b->rng, 16);
    return size;
}

unsigned diff_run_sequences(const struct diff_form *forms, size_t count, unsigned sequences,
                            unsigned options, uint32_t ignore_flags, uint64_t seed)
{
    struct diff_rng rng = { seed };
    struct builder b = { .rng = &rng, .sequence = true, .options = options };
    unsigned mismatches = 0;
    for (unsigned i = 0; i < sequences; i++) {
        uint8_t code[SEQUENCE_LENGTH * (ZYDIS_MAX_INSTRUCTION_LENGTH + 6)];
        size_t length = 0;
        for (unsigned n = 1 + diff_below(&rng, SEQUENCE_LENGTH); n > 0; n--) {
            length += append_random(&b, forms, count, code + length);
            if (diff_below(&rng, 3) == 0)
                length += append_branch(&b, code + length);
        }
        struct diff_case test = { .name = "sequence",
                                  .code = code,
                                  .length = length,
                                  .options = options | (mismatches ? DIFF_QUIET : 0),
                                  .ignore_flags = ignore_flags,
                                  .prepare = place_memory };
        diff_totals.encodings++;
        mismatches += diff_run_random(&test, seed + i, SEQUENCE_INPUTS);
    }
    return mismatches;
}
