/* Inputs on which overflow, underflow and exact tiny results are frequent: random ones hardly
 * ever meet them. */
#ifndef TESTS_LIB_FLOAT_VALUES_H
#define TESTS_LIB_FLOAT_VALUES_H

#include "differential.h"

/* diff_form.prepare: vector registers and memory full of singles, doubles or halves with
 * exponents near both ends and near 1, in half of the runs; else as they are. */
bool diff_extreme_floats(struct diff_state *in, struct diff_rng *rng, void *user);

#endif
