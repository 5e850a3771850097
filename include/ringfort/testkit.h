/* The test kit: a bare machine in 64-bit mode, ready to run guest code at CPL 0 or CPL 3, that tells
 * in words what happened, and checks it against a line of text.
 *
 *     RF_GUEST_CODE(write_kernel_page, "mov $1, %eax\n"
 *                                      "mov %rax, 0x203000\n");
 *
 *     rf_kit *kit;
 *     rf_kit_create(&(rf_kit_config){ .cpl = 3 }, &kit);
 *     rf_kit_run(kit, &write_kernel_page);
 *     RF_CHECK(kit, "#PF(P|W|U) cr2=supervisor_page at user+5 changed=rax");
 *     rf_kit_destroy(kit);
 *
 * There are page tables, a GDT, an IDT with a handler for every vector, a TSS, stacks, and entry
 * points for SYSCALL and SYSENTER. Every handler is one VMCALL, which ends the run, and then the way
 * back (IRETQ, SYSRETQ): a test looks at the state that delivery has left, may change it, and
 * goes on with rf_kit_continue. Handlers of the guest's own replace them one by one.
 *
 * The kit needs no test framework. If <check.h> was included before this header, RF_CHECK fails
 * as Check's own assertions do. Kits share nothing: many may run in parallel threads. */
#ifndef RINGFORT_TESTKIT_H
#define RINGFORT_TESTKIT_H

#include <ringfort/bare.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- guest code --- */

typedef struct rf_guest_code {
    const char *name;
    const unsigned char *start, *end;
} rf_guest_code;

/* Code for the guest, as GNU assembly (AT&T syntax) in a source file of the test, outside of
 * functions: assembled into the program as data, and copied. It is put elsewhere, so it must not
 * depend on its own address beyond relative jumps, calls and %rip. For an x86-64 host; elsewhere
 * fill an rf_guest_code with bytes. */
#define RF_GUEST_CODE(name, ...)                                                              \
    __asm__(".pushsection .rodata\n.balign 16\nrf_guest_" #name ":\n" __VA_ARGS__             \
            "\nrf_guest_end_" #name ":\n.popsection\n");                                      \
    extern const unsigned char rf_guest_##name[] __attribute__((visibility("hidden")));       \
    extern const unsigned char rf_guest_end_##name[] __attribute__((visibility("hidden")));   \
    static const rf_guest_code name __attribute__((unused)) = { #name, rf_guest_##name, rf_guest_end_##name }

/* --- the memory map: linear addresses equal physical ones below 4 MiB --- */

#define RF_KIT_MEMORY UINT64_C(0x400000)       /* mapped: supervisor, writable, executable, but: */
#define RF_KIT_TABLES UINT64_C(0x1000)         /* the root of the page tables */
#define RF_KIT_GDT UINT64_C(0x8000)
#define RF_KIT_IDT UINT64_C(0x9000)
#define RF_KIT_TSS UINT64_C(0xa000)
#define RF_KIT_HANDLERS UINT64_C(0x10000)      /* 16 bytes for each vector */
#define RF_KIT_SYSCALL UINT64_C(0x12000)       /* LSTAR */
#define RF_KIT_SYSCALL32 UINT64_C(0x12010)     /* CSTAR */
#define RF_KIT_SYSENTER UINT64_C(0x12020)
#define RF_KIT_KERNEL_TEXT UINT64_C(0x14000)   /* "kernel": where code runs at CPL 0 */
#define RF_KIT_HANDLER_TEXT UINT64_C(0x18000)  /* where rf_kit_handler and rf_kit_syscall put code */
#define RF_KIT_KERNEL_STACK UINT64_C(0x20000)  /* "kernel_stack": RSP at CPL 0; stacks grow down */
#define RF_KIT_RSP0 UINT64_C(0x40000)          /* "rsp0": TSS.RSP0, the stack of events from CPL 3 */
#define RF_KIT_IST1 UINT64_C(0x60000)          /* "ist1" */
/* With shadow_stacks, pages that end at these addresses; stacks grow down, and are empty: */
#define RF_KIT_KERNEL_SSP UINT64_C(0x71000)    /* "kernel_ssp": SSP at CPL 0 */
#define RF_KIT_PL0_SSP UINT64_C(0x72ff8)       /* "pl0_ssp": IA32_PL0_SSP, of events from CPL 3: a token */
#define RF_KIT_IST1_SSP UINT64_C(0x74ff8)      /* "ist1_ssp": of gates with IST 1: a token */
#define RF_KIT_SSP_TABLE UINT64_C(0x76000)     /* IA32_INTERRUPT_SSP_TABLE_ADDR */
#define RF_KIT_USER_SSP UINT64_C(0x141000)     /* "user_ssp": SSP at CPL 3 */
#define RF_KIT_USER_TEXT UINT64_C(0x100000)    /* "user": where code runs at CPL 3; user pages up to 2 MiB */
#define RF_KIT_USER_STACK UINT64_C(0x120000)   /* "user_stack": RSP at CPL 3 */
#define RF_KIT_USER_DATA UINT64_C(0x130000)    /* "user_data" */
#define RF_KIT_ABSENT UINT64_C(0x200000)       /* "absent": not present */
#define RF_KIT_READ_ONLY UINT64_C(0x201000)    /* "read_only": user, not writable */
#define RF_KIT_NO_EXECUTE UINT64_C(0x202000)   /* "no_execute": user, writable, not executable */
#define RF_KIT_SUPERVISOR UINT64_C(0x203000)   /* "supervisor_page": as all others from here on */
#define RF_KIT_TABLE_POOL UINT64_C(0x300000)   /* page tables that rf_kit_map makes */

/* Selectors of the GDT. */
enum {
    RF_KIT_KERNEL_CS = 0x08, RF_KIT_KERNEL_SS = 0x10, RF_KIT_USER_CS32 = 0x1b, RF_KIT_USER_SS = 0x23,
    RF_KIT_USER_CS = 0x2b, RF_KIT_TSS_SELECTOR = 0x30 /* two entries; 0x40 to 0xff8 are free */
};

/* --- a kit --- */

typedef struct rf_kit rf_kit;

typedef struct rf_kit_config {
    unsigned cpl;        /* 0 or 3: where code starts */
    const char *cpu;     /* model, as in rf_bare_config; NULL = x86-64-v3, or max where CET is asked for */
    const char *vendor;  /* "intel" or "amd", as in rf_bare_config */
    uint64_t memory;     /* bytes, 4 MiB to 3 GiB; 0 = 4 MiB. Only the first 4 MiB are mapped. */
    uint64_t max_cycles; /* of a run: a test that goes wrong ends; 0 = 10 million */
    uint64_t cr0_set, cr0_clear; /* changes to the defaults: CR0 PE PG WP NE ET MP, */
    uint64_t cr4_set, cr4_clear; /* CR4 PAE PGE OSFXSR OSXMMEXCPT FSGSBASE, */
    uint64_t efer_clear;         /* EFER SCE LME NXE */
    bool apic;           /* a local APIC, as in rf_bare_config; map its page to reach it in xAPIC mode */
    /* Control-flow enforcement (SDM 1, chapter 17), at both levels: CR4.CET and a bit of IA32_S_CET and
     * IA32_U_CET. Other bits are set by rf_bare_write_msr. */
    bool shadow_stacks;  /* SH_STK_EN: stacks are at the memory map's "ssp" addresses */
    bool tracking;       /* ENDBR_EN: the kit's handlers and entry points begin with ENDBR64 */
} rf_kit_config;

/* config NULL = all defaults. On success *out owns the kit: release it with rf_kit_destroy. On failure *out
 * is NULL and rf_create_error_text() says why.
 * Errors: RF_ERR_ARGUMENT, RF_ERR_STATE (bits of CR0 or CR4 that cannot be together), RF_ERR_NO_MEMORY. */
rf_status rf_kit_create(const rf_kit_config *config, rf_kit **out);
void rf_kit_destroy(rf_kit *kit);
/* The line left by the last call on this kit that failed; "" if none did. Valid until the next call. */
const char *rf_kit_error_text(const rf_kit *kit);
/* The machine below, owned by the kit: everything of ringfort/bare.h may be used on it. */
rf_bare *rf_kit_bare(rf_kit *kit);

/* Shorthands. Reading RAM that is not there gives 0. */
uint64_t rf_kit_get(const rf_kit *kit, rf_bare_reg reg);
rf_status rf_kit_set(rf_kit *kit, rf_bare_reg reg, uint64_t value);
uint64_t rf_kit_peek(rf_kit *kit, uint64_t physical); /* 8 bytes, little-endian */
rf_status rf_kit_poke(rf_kit *kit, uint64_t physical, uint64_t value);
/* Be at CPL 0 or 3: CS, SS, data segments, and the stack pointer of that level. With CET: its SSP, no
 * token is busy, and no branch is waiting for its ENDBR64. */
rf_status rf_kit_set_cpl(rf_kit *kit, unsigned cpl);

/* Map [linear, linear + size) to physical addresses from `physical` on,
 * with bits in words, separated by blanks:
 *   absent  user  supervisor  read-only  writable  no-execute  executable  global  accessed  dirty
 *   shadow-stack (R/W = 0, D = 1)  key=N (0 to 15)  reserved (sets bit 51)
 *   large (2 MiB pages)  huge (1 GiB pages)
 * What is not said is: present, supervisor, writable, executable, 4 KiB pages. Tables above are
 * made as needed, with all rights, and the TLB is flushed.
 * Errors: RF_ERR_ARGUMENT (an unknown word, an address that is not canonical or not aligned to the
 * page size), RF_ERR_NO_MEMORY (the pool of page tables is used up). */
rf_status rf_kit_map(rf_kit *kit, uint64_t linear, uint64_t physical, uint64_t size, const char *words);
/* One page where linear = physical. */
rf_status rf_kit_page(rf_kit *kit, uint64_t address, const char *words);
/* Physical address of the entry that maps a linear address, or that says there is nothing, to be
 * changed by hand; call rf_bare_flush then. *level: 1 = PTE, 2 = PDE ... (may be NULL). */
uint64_t rf_kit_entry(rf_kit *kit, uint64_t linear, unsigned *level);

/* Set the IDT's gate of a vector (0 to 255). handler 0 = the kit's own. Words: "trap" (leaves
 * RFLAGS.IF), "dpl=N", "ist=N", "absent", "selector=N"; not said: an interrupt gate, DPL 0, no
 * IST, present. As created, vectors 3, 4 and 0x80 have DPL 3. */
rf_status rf_kit_gate(rf_kit *kit, unsigned vector, uint64_t handler, const char *words);
/* Put code into memory at an address where linear = physical. */
rf_status rf_kit_place(rf_kit *kit, uint64_t address, const rf_guest_code *code);
/* Put code into the kernel's pages and make it a vector's handler (the gate's words stay), or what
 * SYSCALL enters. Errors: RF_ERR_ARGUMENT, RF_ERR_NO_MEMORY (no room is left). */
rf_status rf_kit_handler(rf_kit *kit, unsigned vector, const rf_guest_code *code);
rf_status rf_kit_syscall(rf_kit *kit, const rf_guest_code *code);

/* --- running --- */

typedef enum rf_outcome_kind {
    RF_OUTCOME_NONE,               /* nothing was run yet */
    RF_OUTCOME_EXCEPTION,          /* the kit's handler of an exception was reached; INT3 and INTO too */
    RF_OUTCOME_SOFTWARE_INTERRUPT, /* by INT n */
    RF_OUTCOME_INTERRUPT,          /* an external interrupt, or NMI */
    RF_OUTCOME_SYSCALL,
    RF_OUTCOME_SYSENTER,
    RF_OUTCOME_DOOR,               /* a VMCALL in the guest's own code */
    RF_OUTCOME_HALT,
    RF_OUTCOME_TRIPLE_FAULT,
    RF_OUTCOME_LIMIT,              /* max_cycles were used up */
    RF_OUTCOME_STOPPED,            /* rf_bare_stop */
    RF_OUTCOME_STEPPED             /* rf_kit_step */
} rf_outcome_kind;

/* What delivery pushed (SDM 3A, 6.14.2). */
typedef struct rf_frame {
    uint64_t rip, cs, rflags, rsp, ss;
} rf_frame;

typedef struct rf_outcome {
    rf_outcome_kind kind;
    char name[24];         /* "#PF", "int 0x80", "interrupt 0x20", "SYSCALL", "halt", ... */
    int vector;            /* -1: none */
    bool has_error_code;
    uint32_t error_code;
    char error_text[64];   /* its bits in words, or "" */
    uint64_t cr2;
    bool has_frame;        /* exceptions and interrupts */
    rf_frame frame;
    unsigned cpl_before;   /* where the event came from */
    unsigned cpl_after;
    uint64_t cause;        /* address of the instruction that caused the event, or was interrupted;
                              SYSENTER keeps none: 0 */
    char instruction[96];  /* its text, or "" */
    uint32_t changed;      /* bit i: general register i (RF_BARE_RAX + i) differs from before the run, as
                              the interrupted code would find it: RSP is the frame's */
    uint64_t before[16], after[16]; /* their values */
    uint64_t instructions, cycles;  /* of this run */
    uint64_t account_cycles[8];     /* by rf_stats_account_name(i) */
    char report[256];      /* of a triple fault */
} rf_outcome;

/* Put the code where the present CPL runs ("user" or "kernel"), and run it until an event.
 * Registers stay as they are. Errors: RF_ERR_ARGUMENT (code is NULL or too long). What the guest
 * does is no error but an outcome. */
rf_status rf_kit_run(rf_kit *kit, const rf_guest_code *code);
/* Go on from the present state; at most `cycles`, 0 = max_cycles. After the kit's own handler:
 * return from it. */
rf_status rf_kit_continue(rf_kit *kit, uint64_t cycles);
/* One instruction, or one event, as rf_bare_step. */
rf_status rf_kit_step(rf_kit *kit);
/* What the last run came to; owned by the kit, valid until the next run. */
const rf_outcome *rf_kit_outcome(const rf_kit *kit);
/* The same in words: several lines, each ended by '\n'. Owned by the kit, valid until its next call. */
const char *rf_kit_describe(rf_kit *kit);

/* --- expecting --- */

/* Does the outcome agree with the text? It begins with the event:
 *   #PF  #PF(P|W|U)  #GP(0x28)     an exception, with its error code if one is said
 *   int 0x80  interrupt 0x20  nmi  syscall  sysenter  door  halt  triple-fault  limit  stopped  stepped
 * and goes on with any of these, in any order; what is not said may be anything:
 *   at A                      the instruction that caused it (the one interrupted)
 *   rip=A cs=A rflags=A rsp=A ss=A     the saved frame
 *   cr2=A  cpl=B->C           the fault's address; CPL before and after
 *   changed=rcx,r11           exactly these general registers changed; changed=none
 *   kept=rax,rbx              these did not
 *   rax=A ... r15=A  ssp=A    values now (RSP now: stack=A)
 *   cycles=A  instructions=A  of this run
 *   exact                     everything the event has must be said: error code, CR2, at, frame, changed
 * "=" may be "<" or ">". A is a number or name, or several joined by + - |. Names: those in quotes
 * at the memory map (user, kernel, user_stack, ...), user_cs user_ss user_cs32 kernel_cs
 * kernel_ss, noncanonical (bit 47 alone), P W U RSVD I PK SS of page faults, NEAR_RET FAR_RET
 * ENDBRANCH RSTORSSP SETSSBSY of #CP, and CF PF AF ZF SF TF IF
 * DF OF NT RF AC of RFLAGS (whose bit 1 must be said: IF|2). False: rf_kit_failure says why; a
 * text that cannot be understood is false, too. */
bool rf_kit_expect(rf_kit *kit, const char *text);
/* What did not agree: expected and actual side by side, the code with the guilty line marked, and
 * for a page fault the walk that was refused. "" after an expectation that held. Owned by the kit. */
const char *rf_kit_failure(const rf_kit *kit);

/* Called by RF_CHECK, outside Check, when an expectation fails. NULL = print the message to
 * standard error and abort(). If it returns, the test goes on. */
typedef void rf_kit_failed(void *user, const char *file, int line, const char *message);
void rf_kit_on_failure(rf_kit *kit, rf_kit_failed *handler, void *user);
/* For RF_CHECK. */
void rf_kit_fail(rf_kit *kit, const char *file, int line);

#ifdef CHECK_H /* <check.h> was included */
#define RF_CHECK(kit, text)                                                                   \
    do {                                                                                      \
        if (!rf_kit_expect((kit), (text)))                                                    \
            ck_abort_msg("%s", rf_kit_failure(kit));                                          \
    } while (0)
#else
#define RF_CHECK(kit, text)                                                                   \
    do {                                                                                      \
        if (!rf_kit_expect((kit), (text)))                                                    \
            rf_kit_fail((kit), __FILE__, __LINE__);                                           \
    } while (0)
#endif

#ifdef __cplusplus
}
#endif
#endif
