/* The host side of 32-bit cases. A Linux process may jump to 32-bit code by itself: through
 * the kernel's 32-bit code segment, or one of its LDT. Signals come back to a 64-bit handler
 * on a stack of its own, whatever SS and ESP are. */
#include "diff_sides.h"

#if defined(__x86_64__)

#include "cpu/cpu.h"

#include <asm/ldt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

/* What the code below reaches by absolute addresses, behind the region for code. */
struct native32 {
    struct diff_fx in_fx, out_fx, host_fx;
    uint64_t in_gpr[16], out_gpr[16];
    uint64_t in_flags, out_flags, host_rsp, host_fs_base;
    uint16_t in_selector[8], out_selector[8];
    uint32_t entry_offset;
    uint16_t entry_selector;
    const void *leave; /* DIFF_LEAVE_POINTER */
};
#define NATIVE 0x10110000
_Static_assert(NATIVE == DIFF_CODE_REGION + DIFF_CODE_REGION_SIZE, "behind the code");
_Static_assert(offsetof(struct native32, out_fx) == 512 && offsetof(struct native32, host_fx) == 1024 &&
                   offsetof(struct native32, in_gpr) == 1536 &&
                   offsetof(struct native32, out_gpr) == 1664 &&
                   offsetof(struct native32, in_flags) == 1792 &&
                   offsetof(struct native32, in_selector) == 1824 &&
                   offsetof(struct native32, out_selector) == 1840 &&
                   offsetof(struct native32, entry_offset) == 1856 &&
                   NATIVE + offsetof(struct native32, leave) == DIFF_LEAVE_POINTER,
               "the offsets of the code below");

void diff32_enter(void);
extern const uint8_t diff32_leave[] __attribute__((visibility("hidden")));
extern const uint8_t diff32_restore[], diff32_end[];

/* ES CS SS DS FS GS at +1824, +1840. */
__asm__(".text\n"
        ".set N, 0x10110000\n"
        "diff32_enter:\n"
        "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
        "  mov %rsp, N+1808\n"
        "  rdfsbase %rax\n  mov %rax, N+1816\n"
        "  fxsave64 N+1024\n"
        "  fxrstor64 N\n"
        "  mov N+1824, %es\n  mov N+1830, %ds\n  mov N+1834, %gs\n"
        "  pushq N+1792\n  popfq\n"
        "  mov N+1536, %rax\n  mov N+1544, %rcx\n  mov N+1552, %rdx\n  mov N+1560, %rbx\n"
        "  mov N+1576, %rbp\n  mov N+1584, %rsi\n  mov N+1592, %rdi\n  mov N+1600, %r8\n"
        "  mov N+1608, %r9\n  mov N+1616, %r10\n  mov N+1624, %r11\n  mov N+1632, %r12\n"
        "  mov N+1640, %r13\n  mov N+1648, %r14\n  mov N+1656, %r15\n"
        "  mov N+1828, %ss\n  mov N+1568, %rsp\n"
        "  ljmpl *N+1856\n"
        ".globl diff32_leave\n.hidden diff32_leave\n"
        "diff32_leave:\n"
        "  mov %rax, N+1664\n  mov %rcx, N+1672\n  mov %rdx, N+1680\n  mov %rbx, N+1688\n"
        "  mov %rsp, N+1696\n  mov %rbp, N+1704\n  mov %rsi, N+1712\n  mov %rdi, N+1720\n"
        "  mov %r8, N+1728\n  mov %r9, N+1736\n  mov %r10, N+1744\n  mov %r11, N+1752\n"
        "  mov %r12, N+1760\n  mov %r13, N+1768\n  mov %r14, N+1776\n  mov %r15, N+1784\n"
        "  mov %ss, N+1844\n"
        "  mov N+1808, %rsp\n"
        "  pushfq\n  popq N+1800\n"
        "  fxsave64 N+512\n"
        "diff32_restore:\n"
        "  mov %es, N+1840\n  mov %ds, N+1846\n  mov %fs, N+1848\n  mov %gs, N+1850\n"
        "  mov $0x2b, %eax\n  mov %eax, %ss\n"
        "  mov N+1808, %rsp\n"
        "  xor %eax, %eax\n  mov %eax, %ds\n  mov %eax, %es\n  mov %eax, %fs\n  mov %eax, %gs\n"
        "  mov N+1816, %rax\n  wrfsbase %rax\n"
        "  pushq $0x202\n  popfq\n"
        "  fxrstor64 N+1024\n"
        "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n"
        "  ret\n"
        "diff32_end:\n");

static struct native32 *const native = (struct native32 *)(uintptr_t)NATIVE;

static struct {
    bool created;
    volatile bool running;
    volatile uint64_t runs; /* begun so far */
    uint64_t runs_seen;     /* by the watchdog */
    uint32_t entry; /* offset of the code in its segment */
    int vector;
    unsigned fault_at;
    uint64_t fault_address;
    uint32_t error_code;
} host;

/* Leave the code under test; what it has is its result. */
static void abandon(greg_t *r, const void *fx, int vector)
{
    static const int by_number[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                       REG_R12, REG_R13, REG_R14, REG_R15 };
    const uint64_t segments = (uint64_t)r[REG_CSGSFS];
    for (unsigned i = 0; i < 16; i++)
        native->out_gpr[i] = (uint64_t)r[by_number[i]];
    native->out_flags = (uint64_t)r[REG_EFL];
    native->out_selector[RF_CS] = (uint16_t)segments;
    native->out_selector[RF_SEG_SS] = (uint16_t)(segments >> 48);
    memcpy(&native->out_fx, fx, sizeof native->out_fx);
    host.vector = vector;
    host.fault_at = (unsigned)((uint32_t)r[REG_RIP] - host.entry);
    r[REG_RIP] = (greg_t)(uintptr_t)diff32_restore;
    r[REG_CSGSFS] = (greg_t)((uint64_t)DIFF_DATA32 << 48 | DIFF_CODE64);
    r[REG_EFL] = RF_FLAG_FIXED | RF_FLAG_IF;
}

static bool in_subject(const greg_t *r)
{
    uintptr_t rip = (uintptr_t)r[REG_RIP];
    return host.running && !(rip >= (uintptr_t)diff32_enter && rip < (uintptr_t)diff32_end);
}

/* Now and then a kernel that returns to a 16-bit stack after an interrupt goes on for ever at
 * one instruction. A run that has not ended since the last look is given up, as no exception;
 * the host is then asked again. */
#define WATCHDOG_SECONDS 1
static void on_alarm(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    ucontext_t *uc = context;
    if (in_subject(uc->uc_mcontext.gregs) && host.runs == host.runs_seen)
        abandon(uc->uc_mcontext.gregs, uc->uc_mcontext.fpregs, DIFF_LOST);
    host.runs_seen = host.runs;
}

/* An exception in the code under test is its result. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)info;
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    if (!in_subject(r)) {
        signal(number, SIG_DFL);
        return;
    }
    abandon(r, uc->uc_mcontext.fpregs, (int)r[REG_TRAPNO]);
    host.fault_address = host.vector == RF_PF ? (uint64_t)r[REG_CR2] : 0;
    host.error_code = (uint32_t)r[REG_ERR];
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static bool make_segments(void)
{
    for (unsigned i = 0; i < DIFF_SEGMENTS; i++) {
        const struct diff_segment *s = &diff_segments[i];
        struct user_desc entry = { .entry_number = i,
                                   .base_addr = s->base,
                                   .limit = s->limit,
                                   .seg_32bit = s->wide,
                                   .contents = s->code ? 2 : s->expand_down ? 1 : 0,
                                   .read_exec_only = s->restricted,
                                   .limit_in_pages = s->pages,
                                   .seg_not_present = s->absent };
        if (syscall(SYS_modify_ldt, 0x11, &entry, sizeof entry))
            return false;
    }
    return true;
}

/* The tables have a descriptor there that CPL 3 may use, as the CPU itself sees it: a hypervisor
 * for 64-bit code may have other tables than its guest's kernel believes. */
static bool has_segment(uint16_t selector)
{
    uint32_t rights = 0;
    bool valid;
    __asm__("lar %2, %0" : "+r"(rights), "=@ccz"(valid) : "r"((uint32_t)selector));
    return valid;
}

static const char *lacks(void)
{
    if (DIFF_NO_HOST32)
        return "AddressSanitizer's memory lies where 32-bit code reaches";
    if (!has_segment(DIFF_CODE32))
        return "the host has no segment for 32-bit code (selector 0x23)";
    if (!has_segment(DIFF_DATA32))
        return "the host has no data segment of Linux's (selector 0x2b)";
    if (!make_segments())
        return "the host's kernel has no modify_ldt";
    for (uint16_t i = 0; i < DIFF_SEGMENTS; i++)
        if (!has_segment((uint16_t)(i << 3 | 7)))
            return "the host's CPU does not see the LDT that modify_ldt makes";
    return NULL;
}

const char *diff_host32_lacks(void)
{
    static bool known;
    static const char *what;
    if (!known)
        what = lacks();
    known = true;
    return what;
}

static void map(uint64_t at, size_t size, int protection)
{
    void *place = (void *)(uintptr_t)at;
    if (mmap(place, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != place)
        fail("differential: mmap");
}

static void host_create(void)
{
    host.created = true;
    map(DIFF_CODE_REGION, DIFF_CODE_REGION_SIZE + DIFF_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    map(DIFF_PAGES_AT, 2 * DIFF_PAGE, PROT_READ | PROT_WRITE);
    map(DIFF_PAGES_END, DIFF_PAGE, PROT_NONE);
    if (!make_segments())
        fail("differential: modify_ldt");
    diff_fill_code_region((uint8_t *)(uintptr_t)DIFF_CODE_REGION);
    native->leave = diff32_leave;
    static uint8_t stack[1 << 16];
    stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    sigaltstack(&alternate, NULL);
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    static const int numbers[] = { SIGFPE, SIGSEGV, SIGILL, SIGBUS, SIGTRAP };
    for (size_t i = 0; i < RF_ARRAY_SIZE(numbers); i++)
        sigaction(numbers[i], &action, NULL);
    action.sa_sigaction = on_alarm;
    action.sa_flags |= SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    const struct itimerval often = { { .tv_sec = WATCHDOG_SECONDS }, { .tv_sec = WATCHDOG_SECONDS } };
    setitimer(ITIMER_REAL, &often, NULL);
}

static uint8_t *const window = (uint8_t *)(uintptr_t)DIFF_MEMORY_AT;
static uint8_t *const end = (uint8_t *)(uintptr_t)(DIFF_PAGES_END - DIFF_END_SIZE);

void diff_host32_prepare(const struct diff_case *test)
{
    uint16_t selector[6];
    if (!host.created)
        host_create();
    diff_code_with_jump(test, (uint8_t *)(uintptr_t)DIFF_CODE_AT);
    diff_selectors(test->options, selector);
    memcpy(native->in_selector, selector, sizeof selector);
    host.entry = DIFF_CODE_AT - diff_segment_base(selector[RF_CS]);
    native->entry_offset = host.entry;
    native->entry_selector = selector[RF_CS];
}

void diff_host32_run(const struct diff_state *in, struct diff_state *out)
{
    native->in_fx = in->fx;
    memcpy(native->in_gpr, in->gpr, sizeof native->in_gpr);
    native->in_flags = (in->flags & (RF_FLAGS_STATUS | RF_FLAG_DF)) | RF_FLAG_FIXED | RF_FLAG_IF;
    native->out_selector[RF_CS] = 0;
    memset((void *)(uintptr_t)DIFF_PAGES_AT, 0, 2 * DIFF_PAGE);
    memcpy(window, in->memory, DIFF_MEMORY_SIZE);
    memcpy(end, in->end, DIFF_END_SIZE);
    host.vector = -1;
    host.fault_at = 0;
    host.fault_address = 0;
    host.error_code = 0;
    host.runs++;
    host.running = true;
    diff32_enter();
    host.running = false;
    out->fx = native->out_fx;
    memcpy(out->gpr, native->out_gpr, sizeof out->gpr);
    out->gpr[RF_RSP] &= UINT32_MAX; /* Linux loses the rest when it returns to a 16-bit stack */
    out->flags = native->out_flags;
    memcpy(out->memory, window, DIFF_MEMORY_SIZE);
    memcpy(out->end, end, DIFF_END_SIZE);
    memcpy(out->selector, native->out_selector, sizeof out->selector);
    out->vector = host.vector;
    out->fault_at = host.fault_at;
    out->fault_address = host.fault_address;
    out->error_code = host.error_code;
}

#endif
