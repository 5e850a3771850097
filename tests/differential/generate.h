/* Random encodings of a form, made by Zydis' encoder. */
#ifndef TESTS_DIFFERENTIAL_GENERATE_H
#define TESTS_DIFFERENTIAL_GENERATE_H

#include "differential.h"
#include "forms.h"

struct generated {
    uint8_t code[40];
    size_t length;
    ZydisEncoderRequest request; /* what it was made from; prepare functions get it */
    size_t instruction;          /* length of the instruction itself: code may follow */
};

/* Registers, addresses and immediates at random; `round` counts the encodings of a form: it
 * chooses the value of an 8-bit immediate. `apart`: registers of addresses are no others. False
 * if nothing could be encoded that is of the form. */
bool generate(const struct form *form, struct diff_rng *rng, unsigned round, bool apart,
              struct generated *out);

#endif
