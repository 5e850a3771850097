/* Saved x87 state, where CPUs differ: the pointers to the last instruction and its operand (SDM
 * 1, 8.1.8). AMD's store and load them in areas of FXSAVE and XSAVE only with an exception
 * pending, and environments have FDP and FOP of every instruction, where the CPUs that Ringfort
 * models have them of those with unmasked exceptions; these have no selectors, others have. */
#ifndef TESTS_LIB_DIFF_X87_IMAGE_H
#define TESTS_LIB_DIFF_X87_IMAGE_H

#include "differential.h"

/* The x87 instruction that the code has before the one that saves state. */
enum diff_x87_before { DIFF_NONE_BEFORE, DIFF_REGISTERS_BEFORE, DIFF_MEMORY_BEFORE };

/* Make equal in both outcomes what may differ of an image at `at`. `narrow`: an environment of
 * 14 bytes. `wide`: saved with REX.W. */
void diff_forgive_environment(const struct diff_state *in, struct diff_state *host,
                              struct diff_state *ringfort, uint64_t at, bool narrow,
                              enum diff_x87_before before);
void diff_forgive_area(struct diff_state *host, struct diff_state *ringfort, uint64_t at,
                       bool wide);

#endif
