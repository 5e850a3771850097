/* A small made-up guest memory and the macros that check one formatted line against
 * it. For the tests of the strace formatter; included once by each. */
#ifndef RF_TESTS_STRACE_MEMORY_H
#define RF_TESTS_STRACE_MEMORY_H

#include <check.h>
#include <string.h>

#include "abi/linux_flags.h"
#include "abi/syscalls.h"
#include "trace/strace.h"

enum { BASE = 0x10000, SIZE = 0x10000 };

static uint8_t memory[SIZE];
static uint64_t used;
static struct rf_strace_line line;

static bool read_memory(void *user, uint64_t address, void *out, size_t size)
{
    (void)user;
    if (address < BASE || address - BASE > SIZE || size > SIZE - (address - BASE))
        return false;
    memcpy(out, memory + (address - BASE), size);
    return true;
}

static const struct rf_strace_source source = {read_memory, NULL};

static void setup(void)
{
    memset(memory, 0, sizeof memory);
    used = 0;
    rf_strace_line_init(&line, NULL, 0);
}

/* Stores bytes in the guest's memory and returns their address. */
static uint64_t put(const void *bytes, size_t size)
{
    uint64_t address = BASE + used;
    ck_assert(used + size <= SIZE);
    memcpy(memory + used, bytes, size);
    used = (used + size + 15) & ~UINT64_C(15);
    return address;
}

static inline uint64_t string(const char *text)
{
    return put(text, strlen(text) + 1);
}

#define WORDS(...)       put((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}))
#define INTS(...)        put((const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}))
#define ENTER(nr, ...)   rf_strace_enter(&line, RF_NR_##nr, (const uint64_t[6]){__VA_ARGS__}, &source)
#define LEAVE(result)    rf_strace_leave(&line, result, &source)
#define EXPECT(expected) ck_assert_str_eq(line.text, expected)
/* A whole call whose memory does not change. */
#define CALL(result, expected, nr, ...)                                                            \
    do {                                                                                           \
        ENTER(nr, __VA_ARGS__);                                                                    \
        LEAVE(result);                                                                             \
        EXPECT(expected);                                                                          \
    } while (0)

#define FD_CWD ((uint64_t)RF_AT_FDCWD)
#define NOENT  (-RF_ENOENT)

#endif
