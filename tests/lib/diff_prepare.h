/* Inputs that make an instruction do its work: what the prepare functions of diff_case and
 * diff_form share. `user` is the const ZydisEncoderRequest of the instruction. */
#ifndef TESTS_LIB_DIFF_PREPARE_H
#define TESTS_LIB_DIFF_PREPARE_H

#include "differential.h"

typedef bool diff_prepare(struct diff_state *in, struct diff_rng *rng, void *user);

/* A dividend whose upper half is small or a sign, most of the time; #DE otherwise. */
diff_prepare diff_prepare_dividend;
/* Counts above the operand size leave everything undefined. */
diff_prepare diff_prepare_narrow_count;
/* The bit offset in a register reaches far from the operand in memory: keep it near. */
diff_prepare diff_prepare_near_bit;
/* BEXTR and BZHI take their numbers from low bytes: make them small. */
diff_prepare diff_prepare_small_control;
diff_prepare diff_prepare_table_at_rbx;
/* The accumulator often equals the destination. */
diff_prepare diff_prepare_comparand;
/* RDX:RAX often equals the destination; all memory holds the same pair. */
diff_prepare diff_prepare_wide_comparand;
/* Few different bytes, so that comparisons go on for a while; sometimes overlapping. */
diff_prepare diff_prepare_strings;

#endif
