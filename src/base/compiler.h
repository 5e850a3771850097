/* Names for the few compiler features that the code relies on. */
#ifndef RF_BASE_COMPILER_H
#define RF_BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_INLINE static inline __attribute__((always_inline))
#define RF_NOINLINE __attribute__((noinline))
#define RF_COLD __attribute__((cold, noinline))
#define RF_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define RF_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define RF_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define RF_BIT(number) (UINT64_C(1) << (number))

#endif
