/* Running a Check suite to an exit status (tests/lib/suite.h). */
#include "suite.h"

#include <stdlib.h>

int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed || !ran ? EXIT_FAILURE : EXIT_SUCCESS;
}

int run_cases(const char *suite, const struct suite_case *cases, size_t count, int loops)
{
    Suite *all = suite_create(suite);
    for (size_t i = 0; i < count; i++) {
        TCase *tcase = tcase_create(cases[i].name);
        tcase_set_timeout(tcase, 120);
        if (loops)
            tcase_add_loop_test(tcase, cases[i].test, 0, loops);
        else
            tcase_add_test(tcase, cases[i].test);
        suite_add_tcase(all, tcase);
    }
    return run_suite(all);
}
