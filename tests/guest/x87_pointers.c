/* The x87's pointers to its last instruction and operand: FNSTENV and the frames of signals. */
#include "guest.h"
#include <ucontext.h>

struct environment {
    uint32_t control, status, tags, fip, fcs_fop, fdp, fds;
};

/* Natively a context switch between two instructions can lose FIP: AMD's CPUs save it only with an
 * exception pending. So what is not as expected is tried again. */
#define TRIES 3

/* What position-independent code has long used to learn its address. */
static void own_address(void)
{
    uint64_t found = 0, expected = 1;
    for (unsigned i = 0; i < TRIES && (uint32_t)found != (uint32_t)expected; i++)
        __asm__ volatile("lea 1f(%%rip), %1\n\t"
                         "sub $256, %%rsp\n\t"
                         "1:\tfldz\n\t"
                         "fnstenv -12(%%rsp)\n\t"
                         "pop %0\n\t"
                         "add $248, %%rsp\n\t"
                         "fninit"
                         : "=&r"(found), "=&r"(expected)
                         :
                         : "memory", "st");
    SHOW((uint32_t)found == (uint32_t)expected);
}

/* FIP after `before` and one of the instructions that leave it alone. */
#define AFTER(before, then)                                                                        \
    do {                                                                                           \
        struct environment e = { 0 };                                                              \
        uint16_t word = 0x37f;                                                                     \
        uint64_t start;                                                                            \
        for (unsigned i = 0; i < TRIES && !e.fip; i++)                                             \
            __asm__ volatile("fninit\n\tlea 1f(%%rip), %0\n\t1:\t" before "\n\t" then              \
                             "\n\tfnstenv %1\n\tfninit"                                            \
                             : "=&r"(start), "=m"(e), "+m"(word)                                   \
                             :                                                                     \
                             : "memory", "rax", "st", "mm0");                                      \
        show("FIP after " before "; " then, e.fip ? (int32_t)(e.fip - (uint32_t)start) : -1);      \
    } while (0)

static void last_instruction(void)
{
    AFTER("fld1", "nop");
    AFTER("nop; fld1", "nop");
    AFTER("fld1; fldz", "nop");
    AFTER(".byte 0x3e; fld1", "nop");
    AFTER("fld1", "fwait");
    AFTER("fld1", "fnclex");
    AFTER("fld1", "fninit");
    AFTER("fld1", "fnstcw %2; fldcw %2");
    AFTER("fld1", "fnstsw %%ax");
    AFTER("fld1", "fnop");
    AFTER("fld1", "fincstp");
    AFTER("fld1", "fxch");
    AFTER("fld1", "ffree %%st(3)");
    AFTER("fld1", "emms");
    AFTER("fld1", "pxor %%mm0, %%mm0");
    AFTER("fld1", "fildl (%%rsp)");
    AFTER("fld1; jmp 2f; 2:", "nop");
}

/* --- the frame of SIGFPE --- */

static uint64_t start, operand;
static volatile int fps;

static void on_fpe(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    struct _libc_fpstate *fp = uc->uc_mcontext.fpregs;
    printf("signal %d code %d: at +%ld, FIP +%ld, FDP +%ld, FOP %#x, status %#x, RIP +%ld\n", signo,
           info->si_code, (long)((uint64_t)info->si_addr - start), (long)(fp->rip - start),
           (long)(fp->rdp - operand), fp->fop, fp->swd,
           (long)((uint64_t)uc->uc_mcontext.gregs[REG_RIP] - start));
    fp->swd &= 0x7f00;
    fp->cwd = 0x37f;
    fps++;
}

/* The instructions `text` with every exception unmasked, then FWAIT. */
#define FAULT(text)                                                                                \
    do {                                                                                           \
        uint16_t all = 0x340;                                                                      \
        __asm__ volatile("fninit\n\tlea 1f(%%rip), %%rax\n\tmov %%rax, %0\n\t"                     \
                         "lea %2, %%rax\n\tmov %%rax, %1\n\t"                                      \
                         "fldcw %3\n\t1:\t" text "\n\tnop\n\tfwait\n\tfninit"                      \
                         : "=m"(start), "=m"(operand)                                              \
                         : "m"(numbers), "m"(all)                                                  \
                         : "memory", "rax", "st");                                                 \
    } while (0)

static void signal_frames(void)
{
    static double numbers[3] = {0.1};
    struct sigaction action = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO};
    sigaction(SIGFPE, &action, NULL);
    FAULT("fldl %2; fsts 16+%2"); /* precision */
    FAULT("faddl %2");            /* stack underflow */
    FAULT("fld1; fldz; fmull %2; fld1; fcompl %2; fldl %2; fidivl 8+%2");
    FAULT("fld1; fdivl 8+%2; fnclex; fldz; faddl %2; fistpl 16+%2");
    SHOW(fps > 2);
}

/* The operand pointer is an offset in the segment. */
static __thread double in_thread;
static void segment_offset(void)
{
    uint64_t base, place = (uint64_t)&in_thread;
    uint16_t all = 0x340;
    struct environment e;
    __asm__("mov %%fs:0, %0" : "=r"(base));
    __asm__ volatile("fninit\n\tfldcw %2\n\tfaddl %%fs:(%1)\n\tfnstenv %0\n\tfninit"
                     : "=m"(e)
                     : "r"(place - base), "m"(all)
                     : "memory", "st");
    SHOW(e.fdp == (uint32_t)(place - base));
    SHOW(e.fcs_fop >> 16);
}

int main(void)
{
    own_address();
    last_instruction();
    signal_frames();
    segment_offset();
    return 0;
}
