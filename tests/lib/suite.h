/* The end of every Check program's main. */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>

/* Run the suite, print Check's summary (CK_VERBOSITY says how much), free it, and give main's
 * exit status: failure also when no test ran. */
int run_suite(Suite *suite);

#endif
