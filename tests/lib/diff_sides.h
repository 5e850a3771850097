/* Between the files of the differential tester: its two sides. */
#ifndef TESTS_LIB_DIFF_SIDES_H
#define TESTS_LIB_DIFF_SIDES_H

#include "cpu/fpu_state.h"
#include "differential.h"

#define DIFF_PAGE 4096
/* Two pages are there; the next one is not, on either side. */
#define DIFF_PAGES_AT UINT64_C(0x10000000)
#define DIFF_PAGES_END (DIFF_PAGES_AT + 2 * DIFF_PAGE)

/* The code under test of 64-bit cases, in a page with nothing else that runs after it. */
#define DIFF_CODE_PAGE UINT64_C(0x10200000)
#define DIFF_CODE64_OFFSET 0x400

/* Make the code to run; then run it from a state, any number of times. */
void diff_host_prepare(const struct diff_case *test);
void diff_host_run(const struct diff_state *in, struct diff_state *out);
void diff_guest_prepare(const struct diff_case *test);
void diff_guest_use_host(unsigned features);
void diff_guest_run(const struct diff_state *in, struct diff_state *out);

/* The same for 32-bit cases (DIFF_32), to which the functions above hand on. */
/* AddressSanitizer's shadow memory lies within the 4 GiB that 32-bit code reaches: beside it the
 * host cannot run what may go astray, and only Ringfort's side is run, for the sanitizer. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DIFF_NO_HOST32 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define DIFF_NO_HOST32 1
#endif
#ifndef DIFF_NO_HOST32
#define DIFF_NO_HOST32 0
#endif
/* Why the host cannot run them: it may have no segments for 32-bit code. NULL: it can. */
const char *diff_host32_lacks(void);
void diff_host32_prepare(const struct diff_case *test);
void diff_host32_run(const struct diff_state *in, struct diff_state *out);
void diff_guest32_prepare(const struct diff_case *test);
void diff_guest32_run(const struct diff_state *in, struct diff_state *out);

/* --- what was done so far, in all children of the program that first asked (diff_record.c) --- */

struct diff_record {
    uint64_t runs;      /* compared with the host */
    uint64_t disturbed; /* results of the host that it did not give again */
    uint64_t alone;     /* run on Ringfort's side only */
};
struct diff_record *diff_record(void);
/* Disturbed so often that its results are not to be believed. */
bool diff_host_is_flaky(void);

/* Ringfort's x87 and vector registers, but for what a run needs beside (diff_fpu.c). */
void diff_fpu_in(struct rf_fpu *fpu, const struct diff_state *in);
void diff_fpu_out(const struct rf_fpu *fpu, struct diff_state *out);

/* --- what both sides of a 32-bit case have alike (diff_segments.c) --- */

/* The vector of a run that the host did not end, or whose end tells nothing of the case. */
#define DIFF_LOST (-2)

/* 64 KiB for code. The code under test is at DIFF_CODE_AT; it ends in a far jump to
 * DIFF_LEAVE_AT, which is 64-bit code. */
#define DIFF_CODE_REGION UINT32_C(0x10100000)
#define DIFF_CODE_REGION_SIZE UINT32_C(0x10000)
#define DIFF_LEAVE_AT DIFF_LANDING_64
/* Where the host's side has a pointer to the code that ends a run; Ringfort's has nothing. */
#define DIFF_LEAVE_POINTER (DIFF_CODE_REGION + DIFF_CODE_REGION_SIZE + UINT32_C(1864))

/* An entry of the LDT, in the terms of modify_ldt(2). */
struct diff_segment {
    uint32_t base, limit;
    bool code, wide, expand_down, restricted /* read-only or execute-only */, absent, pages;
};
#define DIFF_SEGMENTS 14
extern const struct diff_segment diff_segments[DIFF_SEGMENTS];

/* ES CS SS DS FS GS that a case starts with. */
void diff_selectors(unsigned options, uint16_t selector[6]);
/* Fill the region for code: INT3, and the landings. That of 64-bit code jumps through
 * DIFF_LEAVE_POINTER, which to Ringfort's CPU is a page fault. */
void diff_fill_code_region(uint8_t *region);
/* The code of a case with the jump that ends it, and INT3 behind. */
#define DIFF_CODE_SIZE 512
void diff_code_with_jump(const struct diff_case *test, uint8_t code[DIFF_CODE_SIZE]);

#endif
