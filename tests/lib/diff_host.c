/* The host side of differential testing: code generated around the instructions under test
 * loads every register from a state and stores them after; a signal is a result too. */
#include "diff_sides.h"

#if defined(__x86_64__)

#include "base/host.h"
#include "cpu/cpu.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

/* The XSAVE area in standard format, or, without AVX, what FXSAVE fills of it. */
struct area {
    struct diff_fx fx;
    uint64_t xstate_bv, xcomp_bv, reserved[6];
    uint8_t high[16][16];
} __attribute__((aligned(64)));
_Static_assert(offsetof(struct area, high) == 576, "SDM 1, 13.4");

#define COMPONENTS 7u /* x87, SSE, AVX */

/* What generated code reaches RIP-relative. */
struct native {
    struct area in_fx, out_fx, host_fx;
    uint64_t in_gpr[16], out_gpr[16];
    uint64_t in_flags, out_flags, host_rsp;
    uint8_t signal_stack[0x10000]; /* the one under test may be anywhere */
};

struct host {
    uint8_t *code; /* one page, followed by struct native */
    struct native *native;
    void (*enter)(void);
    uint8_t *subject, *leave, *restore;
    volatile bool running;
    int vector;
    unsigned fault_at;
    uint64_t fault_address;
    uint32_t error_code;
    bool narrow; /* the case runs in diff_host32.c */
};

static struct host host;

struct emitter {
    uint8_t *at;
};

static void bytes(struct emitter *e, const void *data, size_t size)
{
    memcpy(e->at, data, size);
    e->at += size;
}

/* An instruction given up to its ModRM, whose operand is [rip + what]. */
static void rip_relative(struct emitter *e, const void *opcode, size_t size, const void *what)
{
    bytes(e, opcode, size);
    int32_t delta = (int32_t)((const uint8_t *)what - (e->at + 4));
    bytes(e, &delta, 4);
}

static void mov_gpr(struct emitter *e, unsigned number, bool store, void *what)
{
    uint8_t code[3] = { (uint8_t)(0x48 | (number >= 8 ? 4 : 0)), store ? 0x89 : 0x8b,
                        (uint8_t)((number & 7) << 3 | 5) };
    rip_relative(e, code, sizeof code, what);
}

#define RSP 4
static const uint8_t push_all[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57 };
static const uint8_t pop_all_ret[] = { 0xfc, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c,
                                       0x5d, 0x5b, 0xc3 };
static const uint8_t fxsave64[] = { 0x48, 0x0f, 0xae, 0x05 };
static const uint8_t fxrstor64[] = { 0x48, 0x0f, 0xae, 0x0d };
static const uint8_t xsave64[] = { 0x48, 0x0f, 0xae, 0x25 };
static const uint8_t xrstor64[] = { 0x48, 0x0f, 0xae, 0x2d };
static const uint8_t all_components[] = { 0xb8, COMPONENTS, 0, 0, 0, 0x31, 0xd2 }; /* EDX:EAX */

/* Changes RAX, RDX and, for the components, flags. */
static void save_or_restore(struct emitter *e, bool save, struct area *area)
{
    if (!diff_has_avx()) {
        rip_relative(e, save ? fxsave64 : fxrstor64, sizeof fxsave64, area);
        return;
    }
    bytes(e, all_components, sizeof all_components);
    rip_relative(e, save ? xsave64 : xrstor64, sizeof xsave64, area);
}

/* Build the code around the subject: everything before it once, what follows per case. */
static void build_entry(void)
{
    struct native *n = host.native;
    struct emitter e = { host.code };
    bytes(&e, push_all, sizeof push_all);
    mov_gpr(&e, RSP, true, &n->host_rsp);
    save_or_restore(&e, true, &n->host_fx);
    save_or_restore(&e, false, &n->in_fx);
    rip_relative(&e, "\xff\x35", 2, &n->in_flags);
    bytes(&e, "\x9d", 1); /* popfq */
    for (unsigned i = 0; i < 16; i++)
        mov_gpr(&e, i, false, &n->in_gpr[i]);
    host.subject = host.code + DIFF_CODE64_OFFSET;
    int32_t distance = (int32_t)(host.subject - (e.at + 5));
    bytes(&e, "\xe9", 1); /* jmp */
    bytes(&e, &distance, sizeof distance);
}

static void build_subject(const struct diff_case *test)
{
    struct native *n = host.native;
    struct emitter e = { host.subject };
    bytes(&e, test->code, test->length);
    host.leave = e.at;
    for (unsigned i = 0; i < 16; i++)
        mov_gpr(&e, i, true, &n->out_gpr[i]);
    mov_gpr(&e, RSP, false, &n->host_rsp);
    bytes(&e, "\x9c", 1); /* pushfq */
    rip_relative(&e, "\x8f\x05", 2, &n->out_flags);
    bytes(&e, "\x6a\x02\x9d", 3); /* push 2; popfq: no RFLAGS.AC in what follows */
    save_or_restore(&e, true, &n->out_fx);
    host.restore = e.at;
    mov_gpr(&e, RSP, false, &n->host_rsp);
    save_or_restore(&e, false, &n->host_fx);
    bytes(&e, pop_all_ret, sizeof pop_all_ret);
}

bool diff_has_avx(void)
{
    static int known = -1;
    if (known < 0)
        known = (rf_host_features() & RF_HOST_AVX2) != 0;
    return known;
}

/* What was in its initial state was not stored. */
static void area_out(const struct area *area, struct diff_state *out)
{
    out->fx = area->fx;
    memset(out->high, 0, sizeof out->high);
    if (diff_has_avx() && area->xstate_bv & 4)
        memcpy(out->high, area->high, sizeof out->high);
    if (!diff_has_avx())
        return;
    if (!(area->xstate_bv & 1)) {
        memset(&out->fx, 0, offsetof(struct diff_fx, mxcsr));
        memset(out->fx.st, 0, sizeof out->fx.st);
        out->fx.fcw = 0x37f;
    }
    if (!(area->xstate_bv & 2))
        memset(out->fx.xmm, 0, sizeof out->fx.xmm);
}

/* An exception in the subject: its state is the result, and the harness goes on. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    static const int by_number[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                       REG_R12, REG_R13, REG_R14, REG_R15 };
    /* Linux leaves RFLAGS.AC as it was */
    __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(uint64_t)RF_FLAG_AC);
    (void)info;
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    uint64_t rip = (uint64_t)r[REG_RIP];
    bool subject = rip >= (uintptr_t)host.subject && rip < (uintptr_t)host.leave;
    /* a jump that left the code faults at its target */
    bool outside = rip - DIFF_CODE_PAGE >= DIFF_PAGE;
    struct native *n = host.native;
    /* an interrupt may end so (same_again in differential.c) in the code around the subject, when
     * RSP is the subject's already, or still */
    bool lost = !subject && !outside && (uint64_t)r[REG_RSP] != n->host_rsp;
    if (!host.running || !(subject || outside || lost)) {
        signal(number, SIG_DFL);
        return;
    }
    for (unsigned i = 0; i < 16; i++)
        n->out_gpr[i] = (uint64_t)r[by_number[i]];
    n->out_flags = (uint64_t)r[REG_EFL];
    memcpy(&n->out_fx, uc->uc_mcontext.fpregs,
           diff_has_avx() ? sizeof n->out_fx : sizeof n->out_fx.fx);
    host.vector = lost ? DIFF_LOST : (int)r[REG_TRAPNO];
    host.fault_at = (unsigned)(rip - (uintptr_t)host.subject);
    host.fault_address = host.vector == 14 ? (uint64_t)r[REG_CR2] : 0;
    host.error_code = (uint32_t)r[REG_ERR];
    r[REG_RIP] = (greg_t)(uintptr_t)host.restore;
    r[REG_RSP] = (greg_t)n->host_rsp; /* IRET to one that is not canonical is #GP on some CPUs */
    r[REG_EFL] &= ~(greg_t)(RF_FLAG_DF | RF_FLAG_AC);
}

static void host_create(void)
{
    size_t data = (sizeof(struct native) + DIFF_PAGE - 1) & ~(size_t)(DIFF_PAGE - 1);
    size_t size = DIFF_PAGE + data;
    host.code = mmap((void *)(uintptr_t)DIFF_CODE_PAGE, size, PROT_READ | PROT_WRITE | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    void *memory = mmap((void *)(uintptr_t)DIFF_PAGES_AT, 3 * DIFF_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (host.code == MAP_FAILED || memory != (void *)(uintptr_t)DIFF_PAGES_AT) {
        fprintf(stderr, "differential: no executable page, or no memory at 0x%" PRIx64 "\n",
                DIFF_PAGES_AT);
        exit(1);
    }
    mprotect((void *)(uintptr_t)DIFF_PAGES_END, DIFF_PAGE, PROT_NONE);
    host.native = (struct native *)(void *)(host.code + DIFF_PAGE);
    void *entry = host.code;
    memcpy(&host.enter, &entry, sizeof entry);
    build_entry();
    stack_t stack = { .ss_sp = host.native->signal_stack,
                      .ss_size = sizeof host.native->signal_stack };
    sigaltstack(&stack, NULL);
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    static const int numbers[] = { SIGFPE, SIGSEGV, SIGILL, SIGBUS, SIGTRAP };
    for (size_t i = 0; i < RF_ARRAY_SIZE(numbers); i++)
        sigaction(numbers[i], &action, NULL);
}

static uint8_t *const window = (uint8_t *)(uintptr_t)DIFF_MEMORY_AT;
static uint8_t *const end = (uint8_t *)(uintptr_t)(DIFF_PAGES_END - DIFF_END_SIZE);

void diff_host_prepare(const struct diff_case *test)
{
    host.narrow = test->options & DIFF_32;
    if (host.narrow) {
        diff_host32_prepare(test);
        return;
    }
    if (!host.code)
        host_create();
    build_subject(test);
}

void diff_host_run(const struct diff_state *in, struct diff_state *out)
{
    if (host.narrow) {
        diff_host32_run(in, out);
        return;
    }
    struct native *n = host.native;
    memset(&n->in_fx, 0, sizeof n->in_fx);
    n->in_fx.fx = in->fx;
    n->in_fx.xstate_bv = COMPONENTS;
    memcpy(n->in_fx.high, in->high, sizeof in->high);
    memcpy(n->in_gpr, in->gpr, sizeof n->in_gpr);
    n->in_flags = (in->flags & (RF_FLAGS_STATUS | RF_FLAG_DF | RF_FLAG_AC)) | RF_FLAG_FIXED | RF_FLAG_IF;
    memcpy(window, in->memory, DIFF_MEMORY_SIZE);
    memcpy(end, in->end, DIFF_END_SIZE);
    host.vector = -1;
    host.fault_at = 0;
    host.fault_address = 0;
    host.error_code = 0;
    host.running = true;
    host.enter();
    host.running = false;
    area_out(&n->out_fx, out);
    memcpy(out->gpr, n->out_gpr, sizeof out->gpr);
    out->flags = n->out_flags;
    memcpy(out->memory, window, DIFF_MEMORY_SIZE);
    memcpy(out->end, end, DIFF_END_SIZE);
    out->vector = host.vector;
    out->fault_at = host.fault_at;
    out->fault_address = host.fault_address;
    out->error_code = host.error_code;
}

#endif
