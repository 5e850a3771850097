/* Enumeration of instruction forms (forms.h). */
#include "forms.h"

#include "cpu/isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- names of forms --- */

static void append(char *out, size_t size, const char *word)
{
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%s", used ? " " : "", word);
}

static void register_word(const ZydisDecodedOperand *o, char word[16])
{
    ZydisRegister reg = o->reg.value;
    bool fixed = o->visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT ||
                 o->encoding == ZYDIS_OPERAND_ENCODING_NONE;
    if (fixed) {
        snprintf(word, 16, "%s", ZydisRegisterGetString(reg));
        return;
    }
    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8: strcpy(word, "r8"); break;
    case ZYDIS_REGCLASS_GPR16: strcpy(word, "r16"); break;
    case ZYDIS_REGCLASS_GPR32: strcpy(word, "r32"); break;
    case ZYDIS_REGCLASS_GPR64: strcpy(word, "r64"); break;
    case ZYDIS_REGCLASS_MMX: strcpy(word, "mm"); break;
    case ZYDIS_REGCLASS_XMM: strcpy(word, "xmm"); break;
    case ZYDIS_REGCLASS_YMM: strcpy(word, "ymm"); break;
    case ZYDIS_REGCLASS_X87: strcpy(word, "st"); break;
    case ZYDIS_REGCLASS_SEGMENT: strcpy(word, "sreg"); break;
    case ZYDIS_REGCLASS_CONTROL: strcpy(word, "cr"); break;
    case ZYDIS_REGCLASS_DEBUG: strcpy(word, "dr"); break;
    default: snprintf(word, 16, "%s", ZydisRegisterGetString(reg)); break;
    }
}

static void operand_word(const ZydisDecodedOperand *o, char word[16])
{
    switch (o->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        register_word(o, word);
        break;
    case ZYDIS_OPERAND_TYPE_MEMORY:
        if (o->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
            strcpy(word, "m");
        else if (o->mem.type == ZYDIS_MEMOP_TYPE_VSIB)
            snprintf(word, 16, "vm%u%c", o->element_size / 8u,
                     ZydisRegisterGetClass(o->mem.index) == ZYDIS_REGCLASS_YMM ? 'y' : 'x');
        else
            snprintf(word, 16, "m%u", o->size / 8u);
        break;
    case ZYDIS_OPERAND_TYPE_POINTER: strcpy(word, "ptr"); break;
    default: /* a fixed operand is a number: the 1 of shifts */
        if (o->encoding == ZYDIS_OPERAND_ENCODING_NONE)
            snprintf(word, 16, "%u", (unsigned)o->imm.value.u);
        else
            snprintf(word, 16, "%s%u", o->imm.is_relative ? "rel" : "i", o->size);
        break;
    }
}

/* Instructions whose addresses are no visible operand. */
static bool has_hidden_address(const ZydisDecodedInstruction *ins, const ZydisDecodedOperand *o)
{
    for (unsigned i = ins->operand_count_visible; i < ins->operand_count; i++)
        if (o[i].type == ZYDIS_OPERAND_TYPE_MEMORY && o[i].mem.base != ZYDIS_REGISTER_RSP)
            return true;
    return ins->meta.category == ZYDIS_CATEGORY_STRINGOP || ins->mnemonic == ZYDIS_MNEMONIC_LOOP ||
           ins->mnemonic == ZYDIS_MNEMONIC_LOOPE || ins->mnemonic == ZYDIS_MNEMONIC_LOOPNE;
}

void form_text(const ZydisDecodedInstruction *ins, const ZydisDecodedOperand *operands, char *out,
               size_t size)
{
    *out = '\0';
    if (ins->attributes & ZYDIS_ATTRIB_HAS_LOCK)
        append(out, size, "lock");
    if (ins->attributes & ZYDIS_ATTRIB_HAS_REP)
        append(out, size, "rep");
    if (ins->attributes & ZYDIS_ATTRIB_HAS_REPE)
        append(out, size, "repe");
    if (ins->attributes & ZYDIS_ATTRIB_HAS_REPNE)
        append(out, size, "repne");
    if (ins->address_width == 32 && has_hidden_address(ins, operands))
        append(out, size, "a32");
    append(out, size, ZydisMnemonicGetString(ins->mnemonic));
    for (unsigned i = 0; i < ins->operand_count_visible; i++) {
        char word[16];
        operand_word(&operands[i], word);
        append(out, size, word);
    }
    /* what PUSH, POP, RET, ENTER, IRET move when no operand says it */
    if (ins->operand_width == 16 && ins->operand_count_visible <= 2 &&
        (ins->meta.category == ZYDIS_CATEGORY_PUSH || ins->meta.category == ZYDIS_CATEGORY_POP ||
         ins->meta.category == ZYDIS_CATEGORY_RET || ins->mnemonic == ZYDIS_MNEMONIC_ENTER ||
         ins->mnemonic == ZYDIS_MNEMONIC_LEAVE || ins->meta.isa_ext == ZYDIS_ISA_EXT_X87))
        append(out, size, "o16");
    if (ins->operand_width == 64 && ins->meta.category == ZYDIS_CATEGORY_RET)
        append(out, size, "o64");
}

/* --- enumeration --- */

struct finder {
    ZydisDecoder decoder;
    struct form *form;
    size_t count, room;
    uint32_t *hash; /* index + 1 of a form, 0: free */
    size_t hash_size;
};

static uint32_t hash_text(const char *text)
{
    uint32_t h = 2166136261u;
    while (*text)
        h = (h ^ (uint8_t)*text++) * 16777619u;
    return h;
}

static struct form *place_for(struct finder *f, const char *text)
{
    size_t at = hash_text(text) & (f->hash_size - 1);
    while (f->hash[at]) {
        if (!strcmp(f->form[f->hash[at] - 1].text, text))
            return NULL;
        at = (at + 1) & (f->hash_size - 1);
    }
    if (f->count == f->room) {
        f->room = f->room ? f->room * 2 : 4096;
        f->form = realloc(f->form, f->room * sizeof *f->form);
    }
    if (!f->form || f->count * 2 > f->hash_size) {
        fprintf(stderr, "differential: no memory for the forms\n");
        exit(1);
    }
    f->hash[at] = (uint32_t)f->count + 1;
    return &f->form[f->count++];
}

static void try_code(struct finder *f, const uint8_t *code)
{
    ZydisDecodedInstruction ins;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    char text[96];
    if (ZYAN_FAILED(ZydisDecoderDecodeFull(&f->decoder, code, 15, &ins, operand)))
        return;
    if (ins.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
        ins.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX)
        return;
    form_text(&ins, operand, text, sizeof text);
    struct form *form = place_for(f, text);
    if (!form)
        return;
    memset(form, 0, sizeof *form);
    strcpy(form->text, text);
    memcpy(form->code, code, 15);
    form->length = ins.length;
    form->ins = ins;
    memcpy(form->operand, operand, sizeof form->operand);
    form->features = rf_isa_features(&ins, 64);
}

/* ModRM of a register, of [rbx], and of [rsp + ...] with an index for VSIB. */
static void try_modrm(struct finder *f, uint8_t *code, unsigned at)
{
    for (unsigned reg = 0; reg < 8; reg++) {
        for (unsigned rm = 0; rm < 8; rm++) {
            code[at] = (uint8_t)(0xc0 | reg << 3 | rm);
            try_code(f, code);
        }
        code[at] = (uint8_t)(reg << 3 | 3);
        try_code(f, code);
        code[at] = (uint8_t)(reg << 3 | 4);
        code[at + 1] = 0x3b; /* [rbx + index 7] */
        try_code(f, code);
        code[at + 1] = 0;
    }
}

static void legacy(struct finder *f)
{
    static const struct {
        uint8_t count, bytes[3];
    } prefixes[] = { { 0, { 0 } },          { 1, { 0x66 } },       { 1, { 0xf3 } },
                     { 1, { 0xf2 } },       { 1, { 0xf0 } },       { 1, { 0x67 } },
                     { 2, { 0x66, 0xf0 } }, { 2, { 0x66, 0xf2 } }, { 2, { 0x66, 0xf3 } },
                     { 2, { 0x67, 0xf2 } }, { 2, { 0x67, 0xf3 } }, { 2, { 0x67, 0x66 } },
                     { 3, { 0x67, 0x66, 0xf2 } }, { 3, { 0x67, 0x66, 0xf3 } } };
    static const struct {
        uint8_t count, bytes[2];
    } maps[] = { { 0, { 0 } }, { 1, { 0x0f } }, { 2, { 0x0f, 0x38 } }, { 2, { 0x0f, 0x3a } } };
    for (size_t p = 0; p < sizeof prefixes / sizeof prefixes[0]; p++)
        for (unsigned rex = 0; rex < 2; rex++)
            for (size_t m = 0; m < 4; m++)
                for (unsigned opcode = 0; opcode < 256; opcode++) {
                    uint8_t code[24] = { 0 };
                    unsigned at = prefixes[p].count;
                    memcpy(code, prefixes[p].bytes, at);
                    if (rex)
                        code[at++] = 0x48;
                    memcpy(code + at, maps[m].bytes, maps[m].count);
                    at += maps[m].count;
                    code[at++] = (uint8_t)opcode;
                    try_modrm(f, code, at);
                }
}

static void vex(struct finder *f)
{
    for (unsigned map = 1; map <= 3; map++)
        for (unsigned last = 0; last < 256; last++) /* W vvvv L pp */
            for (unsigned opcode = 0; opcode < 256; opcode++) {
                unsigned vvvv = last >> 3 & 15;
                if (vvvv != 15 && vvvv != 9)
                    continue;
                uint8_t code[24] = { 0xc4, (uint8_t)(0xe0 | map), (uint8_t)last, (uint8_t)opcode };
                try_modrm(f, code, 4);
            }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct form *)a)->text, ((const struct form *)b)->text);
}

static ZydisDecoder model_decoder(void)
{
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    rf_isa_set_decoder(&decoder, rf_model_features(RF_CPU_MAX));
    return decoder;
}

bool form_decode(const uint8_t *code, size_t length, ZydisDecodedInstruction *ins,
                 ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT])
{
    ZydisDecoder decoder = model_decoder();
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, length, ins, operands));
}

struct forms forms_find(void)
{
    struct finder f = { .decoder = model_decoder(), .hash_size = 1u << 17 };
    f.hash = calloc(f.hash_size, sizeof *f.hash);
    if (!f.hash) {
        fprintf(stderr, "differential: no memory for the forms\n");
        exit(1);
    }
    legacy(&f);
    vex(&f);
    free(f.hash);
    qsort(f.form, f.count, sizeof *f.form, by_text);
    return (struct forms){ f.form, f.count };
}

void forms_free(struct forms *forms)
{
    free(forms->form);
    *forms = (struct forms){ NULL, 0 };
}
