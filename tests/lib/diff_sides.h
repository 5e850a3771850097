/* Between the files of the differential tester: its two sides. */
#ifndef TESTS_LIB_DIFF_SIDES_H
#define TESTS_LIB_DIFF_SIDES_H

#include "differential.h"

#define DIFF_PAGE 4096
/* Two pages are there; the next one is not, on either side. */
#define DIFF_PAGES_AT UINT64_C(0x10000000)
#define DIFF_PAGES_END (DIFF_PAGES_AT + 2 * DIFF_PAGE)

/* Make the code to run; then run it from a state, any number of times. */
void diff_host_prepare(const struct diff_case *test);
void diff_host_run(const struct diff_state *in, struct diff_state *out);
void diff_guest_prepare(const struct diff_case *test);
void diff_guest_use_host(unsigned features);
void diff_guest_run(const struct diff_state *in, struct diff_state *out);

#endif
