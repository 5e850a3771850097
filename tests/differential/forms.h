/* Every form of every instruction: what Zydis' tables hold, found by decoding all of the
 * opcode space of 64-bit mode. */
#ifndef TESTS_DIFFERENTIAL_FORMS_H
#define TESTS_DIFFERENTIAL_FORMS_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A form: mnemonic, prefixes that change it, and the kinds and sizes of its operands. */
struct form {
    char text[96];            /* "lock add m4 r32", "vpaddb ymm ymm m32" */
    uint8_t code[24];         /* one encoding of it */
    unsigned length;
    ZydisDecodedInstruction ins;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    uint64_t features;        /* rf_isa_features: of no model here if RF_ISA_NEVER */
};

struct forms {
    struct form *form; /* sorted by text */
    size_t count;
};

/* Find them all. Exits with a message if memory runs out. */
struct forms forms_find(void);
void forms_free(struct forms *forms);

/* The text of a decoded instruction's form. */
void form_text(const ZydisDecodedInstruction *ins, const ZydisDecodedOperand *operands, char *out,
               size_t size);

/* Decode as a CPU of the model `max` does. */
bool form_decode(const uint8_t *code, size_t length, ZydisDecodedInstruction *ins,
                 ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT]);

#endif
