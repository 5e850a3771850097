/* Differential testing with the host CPU as the oracle: a few instructions run natively and
 * in a Ringfort CPU from the same state, and everything they can change is compared.
 *
 * Works on x86-64 hosts; elsewhere diff_available() is false and nothing runs. One process
 * holds one harness (a page of generated code, two pages of memory at a fixed address), made
 * on first use. */
#ifndef TESTS_LIB_DIFFERENTIAL_H
#define TESTS_LIB_DIFFERENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

/* The memory that instructions may touch: at the same linear address on both sides, with a
 * page end in its middle. */
#define DIFF_MEMORY_AT UINT64_C(0x10000e00)
#define DIFF_MEMORY_SIZE 1024
#define DIFF_END_SIZE 128

/* As FXSAVE64 stores it (SDM 1, table 10-2). */
struct diff_fx {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16]; /* ST0 to ST7 */
    union {
        uint8_t u8[16];
        uint32_t u32[4];
        uint64_t u64[2];
    } xmm[16];
    uint8_t unused[96];
} __attribute__((aligned(64)));

struct diff_state {
    struct diff_fx fx;
    uint8_t high[16][16]; /* bits 128 and up of YMM0 to YMM15; zero on hosts without AVX */
    uint64_t gpr[16]; /* by number */
    uint64_t flags;
    uint8_t memory[DIFF_MEMORY_SIZE];
    uint8_t end[DIFF_END_SIZE]; /* the bytes before the page that is not there */
    int vector;       /* exception that ended the run, -1 if none */
    unsigned fault_at; /* offset in the code of the instruction that the saved RIP points at */
    uint64_t fault_address; /* CR2 of a page fault */
    /* With DIFF_32 only, by number (ES CS SS DS FS GS). */
    uint32_t base[6];      /* input: where the segments begin */
    uint16_t selector[6];  /* result; CS only after an exception */
    uint32_t error_code;   /* result */
};

struct diff_rng {
    uint64_t state;
};
uint64_t diff_random(struct diff_rng *rng);
/* A number in 0..limit-1. */
unsigned diff_below(struct diff_rng *rng, unsigned limit);
/* Edge and random values: of an integer of `bits` bits; of any kind of vector content. */
uint64_t diff_integer(struct diff_rng *rng, unsigned bits);
void diff_vector(struct diff_rng *rng, void *out, size_t size);
/* An 80-bit floating-point value, 10 bytes. */
void diff_extended(struct diff_rng *rng, uint8_t out[10]);

enum {
    DIFF_ALIGNED = 1,    /* memory operands must be 16-aligned: mostly are, some runs fault */
    DIFF_X87 = 2,        /* random x87 state: values, TOP, tags, control and status word */
    DIFF_MMX = 4,        /* MMX register contents in a state that MMX instructions leave */
    DIFF_UNMASKED = 8,   /* random exception masks, MXCSR and (with DIFF_X87) control word */
    DIFF_KEEP_DF = 16,   /* the direction flag may be set */
    DIFF_STACK_ROOM = 32, /* with DIFF_X87: random tags, so that most inputs see a stack fault */
    DIFF_QUIET = 64,     /* print no mismatch */
    DIFF_SMALL_RCX = 128, /* RCX is a count of 0 to 8 */
    DIFF_ANY_CR2 = 256, /* which byte of several makes a page fault, and what was stored before
                           it, is the CPU's choice */
    DIFF_32 = 512, /* compatibility mode, 32-bit code in the flat segments of Linux; RSP is a
                      register like the others. One process runs either these or 64-bit cases */
    DIFF_SEGMENTED = 1024, /* with DIFF_32: code, data and stack segments with base and limit */
    DIFF_16 = 2048, /* with DIFF_32: 16-bit code, data and stack segments with base and limit */
    DIFF_AC = 4096, /* alignment is checked (64-bit cases only): RFLAGS.AC */
};

/* Selectors of the segments that 32-bit cases find (diff_segments.c); RPL 3. */
enum {
    DIFF_CODE32 = 0x23, DIFF_DATA32 = 0x2b, DIFF_CODE64 = 0x33, /* as Linux has them: flat */
    DIFF_LDT_DATA = 0x07, DIFF_LDT_EXTRA = 0x0f, DIFF_LDT_STACK = 0x17, DIFF_LDT_CODE = 0x1f,
    DIFF_LDT_STACK16 = 0x27, DIFF_LDT_CODE16 = 0x2f, DIFF_LDT_READ_ONLY = 0x37,
    DIFF_LDT_DOWN = 0x3f, DIFF_LDT_DOWN16 = 0x47, DIFF_LDT_EXECUTE_ONLY = 0x4f,
    DIFF_LDT_READ_CODE = 0x57, DIFF_LDT_ABSENT = 0x5f, DIFF_LDT_PAGES = 0x67,
    DIFF_LDT_BIG_CODE16 = 0x6f,
};
/* Where the code of 64-bit cases is: linear address. */
#define DIFF_CODE64_AT UINT64_C(0x10200400)
/* Where the code of 32-bit cases is, in a region of 64 KiB filled with INT3: linear address. */
#define DIFF_CODE_AT UINT32_C(0x10100437)
/* Where far transfers may go to, by the bits of the code: it loads CX with CS and ends. */
#define DIFF_LANDING_64 UINT32_C(0x10100e48)
#define DIFF_LANDING_32 UINT32_C(0x10100e68)
#define DIFF_LANDING_16 UINT32_C(0x10100e88)
/* Base of one of the segments above. */
uint32_t diff_segment_base(uint16_t selector);

struct diff_case {
    const char *name;
    const uint8_t *code; /* one instruction or a few */
    size_t length;
    unsigned options;
    uint32_t ignore_flags;     /* RFLAGS bits that are undefined after the code */
    uint16_t ignore_fsw;       /* x87 status word bits likewise */
    uint16_t ignore_gpr;       /* general registers likewise, a bit each */
    /* Last change to the input; false: this input is not to be run. */
    bool (*prepare)(struct diff_state *in, struct diff_rng *rng, void *user);
    /* Before the comparison: make equal what may differ. */
    void (*forgive)(const struct diff_state *in, struct diff_state *host,
                    struct diff_state *ringfort, void *user);
    void *user;
};

bool diff_available(void);
/* The end of a main that ran tests: tells how often the host was asked again and what it could
 * not run, and gives the exit status. That is 77 (skipped) instead of success if Ringfort's side
 * ran without the host's. The report alone: diff_print_record(). */
int diff_end(int status);
void diff_print_record(void);
/* The host has AVX2 and saves its registers: without, forms of AVX cannot be run. */
bool diff_has_avx(void);

/* From now on Ringfort's side uses none of the host's optional instructions (true), but what
 * stands for them elsewhere; or all of them again, as at first (false). */
void diff_use_portable(bool portable);
/* The same with those of the host's optional instructions that are in `features` (RF_HOST_*). */
void diff_use_host(unsigned features);

/* Run the case from `in` on one side. The host is asked until it gives the same twice in a row. */
void diff_run_host(const struct diff_case *test, const struct diff_state *in,
                   struct diff_state *out);
void diff_run_ringfort(const struct diff_case *test, const struct diff_state *in,
                       struct diff_state *out);

/* Run `count` random inputs on both sides. Returns the number of mismatches, after printing
 * the first of them: code, inputs, and what differs. */
unsigned diff_run_random(const struct diff_case *test, uint64_t seed, unsigned count);

/* --- instructions by description (diff_encode.c) --- */

/* How to generate forms of one instruction. Operands are words:
 *   r8 r16 r32 r64   general register (not RSP)     al ax eax rax cl   that one
 *   x y v            XMM, MMX, YMM register         x0                 XMM0
 *   st stN           x87 stack register: any, ST(N)
 *   m1 .. m512       memory of that many bytes, any address form
 *   X4 X8 V4 V8      memory elements of that many bytes, by indexes in an XMM or YMM register
 *                    that no other operand names
 *   i8 i16 i32 i64   immediate                      1 3                that number
 * Alternatives are joined by '|': "x x|m16 i8". */
struct diff_form {
    ZydisMnemonic mnemonic;
    const char *operands;
    unsigned options;         /* of diff_case */
    uint32_t ignore_flags;
    uint16_t ignore_fsw;
    uint16_t ignore_gpr;
    bool (*prepare)(struct diff_state *in, struct diff_rng *rng, void *user); /* user: the
                                 const ZydisEncoderRequest the instruction was made from */
    ZydisInstructionAttributes prefixes;
    unsigned immediates;      /* i8 takes the values 0 .. immediates-1; 0: random ones */
    unsigned sets;            /* operand sets per form; 0: 256 */
    const char *reason;       /* why flags are ignored */
};

/* Run every alternative of a form with several choices of registers. Returns mismatches. */
unsigned diff_run_form(const struct diff_form *form, uint64_t seed);
/* The same for a table; prints a line for each form with mismatches. */
unsigned diff_run_forms(const struct diff_form *forms, size_t count, uint64_t seed);

/* Run `sequences` random sequences of instructions of these forms, with conditional jumps
 * between them, several inputs each, in which no register that addresses memory changes.
 * What the forms ignore and prepare is not looked at: their undefined flags must be ignored,
 * and not read by other forms. Returns mismatches. */
unsigned diff_run_sequences(const struct diff_form *forms, size_t count, unsigned sequences,
                            unsigned options, uint32_t ignore_flags, uint64_t seed);

/* A decoder for the code of cases with these options. */
void diff_decoder(ZydisDecoder *decoder, unsigned options);

/* Instructions run so far, and distinct encodings. */
struct diff_totals {
    uint64_t runs, encodings;
};
extern struct diff_totals diff_totals;

#endif
