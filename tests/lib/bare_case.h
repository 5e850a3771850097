/* What test files about the bare machine share: code given as assembler text, cases that have a
 * machine, and expectations of exceptions. */
#ifndef BARE_CASE_H
#define BARE_CASE_H

#include "bare.h"

#include <check.h>
#include <string.h>

/* Code for the bare machine, assembled into this program and copied. */
#define CODE(name, ...)                                                                   \
    __asm__(".pushsection .rodata\n" #name ":\n" __VA_ARGS__ "\n" #name "_end:\n.popsection\n"); \
    extern const uint8_t name[] __attribute__((visibility("hidden")));                    \
    extern const uint8_t name##_end[] __attribute__((visibility("hidden")))
#define RUN(b, name) bare_run(b, name, (size_t)(name##_end - name))

/* A case: `b` at CPL 0 or 3. */
#define CASE(name, cpl)                                                                   \
    static void name##_body(struct bare *b);                                              \
    START_TEST(name)                                                                      \
    {                                                                                     \
        struct bare machine;                                                              \
        bare_create(&machine, cpl);                                                       \
        name##_body(&machine);                                                            \
        bare_destroy(&machine);                                                           \
    }                                                                                     \
    END_TEST                                                                              \
    static void name##_body(struct bare *b)

static inline uint64_t reg(const struct bare *b, enum rf_reg r) { return b->cpu->r[r]; }

/* The exception, and that its frame points at offset bytes into the code. */
static inline void expect_vector(const struct bare *b, int vector, uint64_t rip)
{
    ck_assert_int_eq(b->stop, RF_STOP_DOOR);
    ck_assert_int_eq(b->vector, vector);
    ck_assert_uint_eq(b->frame.rip, rip);
}

static inline void expect_error(const struct bare *b, int vector, uint64_t rip, uint32_t error_code)
{
    expect_vector(b, vector, rip);
    ck_assert(b->has_error_code);
    ck_assert_uint_eq(b->error_code, error_code);
}

#define USER(offset) (BARE_USER_TEXT + (offset))
#define KERNEL(offset) (BARE_KERNEL_TEXT + (offset))

/* Add the cases to a test case. */
#define ADD_ALL(tests, list)                                                              \
    for (size_t i_ = 0; i_ < sizeof(list) / sizeof *(list); i_++)                        \
        tcase_add_test(tests, (list)[i_])

#endif
