/* The end of every Check program's main. */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>

/* Run the suite, print Check's summary (CK_VERBOSITY says how much), free it, and give main's
 * exit status: failure also when no test ran. */
int run_suite(Suite *suite);

/* The same of a suite made of these tests, each a case of its own with a time limit in which a
 * differential test ends. `loops`: how many times to run each, with _i from 0; 0: once. */
struct suite_case {
    const char *name;
    const TTest *test;
};
int run_cases(const char *suite, const struct suite_case *cases, size_t count, int loops);
#define RUN_CASES(suite, cases) run_cases(suite, cases, sizeof(cases) / sizeof((cases)[0]), 0)

#endif
