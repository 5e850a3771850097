/* The integer families against the host CPU: every form at every size, registers and memory,
 * flags included, and random sequences, in which dead flags are not computed. */
#include "lib/forms_integer.h"
#include "lib/suite.h"

#include <check.h>

#define RUN(table) ck_assert_uint_eq(diff_run_forms(table, COUNT(table), __LINE__), 0)

START_TEST(test_alu) { RUN(alu); }
END_TEST
START_TEST(test_locked) { RUN(locked); }
END_TEST
START_TEST(test_multiply) { RUN(multiply); }
END_TEST
START_TEST(test_divide) { RUN(divide); }
END_TEST
START_TEST(test_shift) { RUN(shift); }
END_TEST
START_TEST(test_rotate) { RUN(rotate); }
END_TEST
START_TEST(test_double_shift) { RUN(double_shift); }
END_TEST
START_TEST(test_bit_test) { RUN(bit_test); }
END_TEST
START_TEST(test_bit_scan) { RUN(bit_scan); }
END_TEST
START_TEST(test_bmi) { RUN(bmi); }
END_TEST
START_TEST(test_bytes) { RUN(bytes); }
END_TEST
START_TEST(test_moves)
{
    RUN(moves);
    RUN(addresses);
    RUN(other_moves);
}
END_TEST
START_TEST(test_compare_exchange) { RUN(compare_exchange); }
END_TEST
START_TEST(test_strings) { RUN(string_forms); }
END_TEST
START_TEST(test_sequences)
{
    ck_assert_uint_eq(diff_run_sequences(sequence, COUNT(sequence), 20000, 0, AF, 1), 0);
}
END_TEST

int main(void)
{
    if (!diff_available())
        return 77;
    const struct suite_case cases[] = {
        { "alu", test_alu }, { "locked", test_locked }, { "multiply", test_multiply },
        { "divide", test_divide }, { "shift", test_shift }, { "rotate", test_rotate },
        { "double_shift", test_double_shift }, { "bit_test", test_bit_test },
        { "bit_scan", test_bit_scan }, { "bmi", test_bmi }, { "bytes", test_bytes },
        { "moves", test_moves }, { "compare_exchange", test_compare_exchange },
        { "strings", test_strings }, { "sequences", test_sequences },
    };
    return diff_end(run_cases("diff_integer", cases, COUNT(cases), 0));
}
