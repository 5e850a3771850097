/* Every way an instruction can fault in user mode: the signal, its code and address, and what the
 * context says of the exception (trapno, error code, CR2). */
#include "guest.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static uint64_t expected_address;
static volatile int skip;

static const char *place(uint64_t address, const char *rip)
{
    if (!address)
        return "0";
    if (address == expected_address)
        return "expected";
    if (address == (uint64_t)rip)
        return "rip";
    return "other";
}

#define AC 0x40000u /* RFLAGS: check alignment */
#define SET_AC "pushfq; orl $0x40000, (%%rsp); popfq; "
#define CLEAR_AC "; pushfq; andl $~0x40000, (%%rsp); popfq"

static void handler(int signo, siginfo_t *info, void *context)
{
    __builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(unsigned long long)AC);
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    uint64_t rsp = (uint64_t)__builtin_frame_address(0);
    printf(" signal %d code %d address %s trap %lld error %#llx cr2 %s csgsfs %#llx TF %lld RF %lld AC %lld aligned %d\n",
           signo, info->si_code, place((uint64_t)info->si_addr, (char *)r[REG_RIP]), r[REG_TRAPNO], r[REG_ERR],
           r[REG_TRAPNO] == 14 ? place((uint64_t)r[REG_CR2], (char *)r[REG_RIP]) : "-",
           r[REG_CSGSFS] & 0xffff, r[REG_EFL] >> 8 & 1, r[REG_EFL] >> 16 & 1,
           r[REG_EFL] >> 18 & 1, rsp % 16 == 0);
    fflush(stdout);
    r[REG_EFL] &= ~0x100ll;
    siglongjmp(back, 1);
}

#define TRY(name, address, ...) do { \
    expected_address = (uint64_t)(address); \
    printf("%s:", name); \
    fflush(stdout); \
    if (!sigsetjmp(back, 1)) { \
        __VA_ARGS__; \
        printf(" nothing happened\n"); \
    } } while (0)

int main(void)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    static char stack[65536];
    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof stack }, NULL);
    static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);

    char *none = pages(1, PROT_NONE), *readable = pages(1, PROT_READ), *data = pages(2, PROT_READ | PROT_WRITE);
    char *gone = pages(1, PROT_READ);
    munmap(gone, PAGE);
    data[0] = (char)0xc3;
    volatile char sink;
    volatile int zero = 0, minus = -1, least = INT32_MIN;
    volatile int result;
    char *kernel = (char *)0xffff800000001000, *odd = (char *)0x8000000000000000;

    TRY("read null", 0, sink = *(volatile char *)0);
    TRY("read unmapped", gone, sink = *(volatile char *)gone);
    TRY("write unmapped", gone + 7, *(volatile char *)(gone + 7) = 1);
    TRY("read PROT_NONE", none, sink = *(volatile char *)none);
    TRY("write PROT_NONE", none + 1, *(volatile char *)(none + 1) = 1);
    TRY("write read-only", readable + 8, *(volatile char *)(readable + 8) = 1);
    TRY("read-modify-write read-only", readable + 8, __asm__ volatile("lock incl %0" : "+m"(*(int *)(readable + 8))));
    TRY("execute data", data, ((void (*)(void))data)());
    TRY("execute unmapped", gone, ((void (*)(void))gone)());
    TRY("execute null", 0, __asm__ volatile("xor %%eax, %%eax; call *%%rax" ::: "rax", "memory"));
    TRY("execute PROT_NONE", none, ((void (*)(void))none)());
    TRY("read kernel", kernel, sink = *(volatile char *)kernel);
    TRY("write kernel", kernel, *(volatile char *)kernel = 1);
    TRY("execute kernel", kernel, ((void (*)(void))kernel)());
    TRY("read non-canonical", odd, sink = *(volatile char *)odd);
    TRY("write non-canonical", odd, *(volatile char *)odd = 1);
    TRY("jump non-canonical", odd, __asm__ volatile("jmp *%0" :: "r"(odd)));
    TRY("stack non-canonical", odd, __asm__ volatile("mov %%rsp, %%rbx; mov %0, %%rsp; pop %%rax; mov %%rbx, %%rsp" :: "r"(odd) : "rax", "rbx", "memory"));
    TRY("cross into unmapped", 0, { char *two = pages(2, PROT_READ | PROT_WRITE); munmap(two + PAGE, PAGE);
        expected_address = (uint64_t)two + PAGE; *(volatile uint64_t *)(two + PAGE - 4) = 1; });
    TRY("divide by zero", 0, result = minus / zero);
    TRY("divide overflow", 0, __asm__ volatile("cltd; idivl %1" :: "a"(least), "m"(minus) : "edx", "cc"));
    TRY("ud2", 0, __asm__ volatile("ud2"));
    TRY("lock on a register", 0, __asm__ volatile(".byte 0xf0, 0x01, 0xc0"));
    TRY("push es", 0, __asm__ volatile(".byte 0x06"));
    TRY("int3", 0, __asm__ volatile("int3"));
    TRY("int 3, long form", 0, __asm__ volatile(".byte 0xcd, 0x03"));
    TRY("int1", 0, __asm__ volatile(".byte 0xf1"));
    TRY("int 4", 0, __asm__ volatile("int $4"));
    TRY("int 13", 0, __asm__ volatile("int $13"));
    TRY("int 14", 0, __asm__ volatile("int $14"));
    TRY("int 0x20", 0, __asm__ volatile("int $0x20"));
    TRY("int 0x81", 0, __asm__ volatile("int $0x81"));
    TRY("hlt", 0, __asm__ volatile("hlt"));
    TRY("cli", 0, __asm__ volatile("cli"));
    TRY("sti", 0, __asm__ volatile("sti"));
    TRY("in", 0, __asm__ volatile("inb $0x80, %%al" ::: "al"));
    TRY("out", 0, __asm__ volatile("outb %%al, $0x80" ::: "al"));
    TRY("mov cr0", 0, __asm__ volatile("mov %%cr0, %%rax" ::: "rax"));
    TRY("mov to cr3", 0, __asm__ volatile("mov %%rax, %%cr3" ::: "rax"));
    TRY("mov dr7", 0, __asm__ volatile("mov %%db7, %%rax" ::: "rax"));
    TRY("rdmsr", 0, __asm__ volatile("rdmsr" :: "c"(0xc0000082) : "rax", "rdx"));
    TRY("wrmsr", 0, __asm__ volatile("wrmsr" :: "c"(0xc0000082), "a"(0), "d"(0)));
    TRY("swapgs", 0, __asm__ volatile("swapgs"));
    TRY("invlpg", 0, __asm__ volatile("invlpg (%0)" :: "r"(data)));
    TRY("lgdt", 0, __asm__ volatile("lgdt (%0)" :: "r"(data + 64)));
    TRY("ltr", 0, __asm__ volatile("ltr %%ax" :: "a"(0)));
    TRY("wbinvd", 0, __asm__ volatile("wbinvd"));
    TRY("clts", 0, __asm__ volatile("clts"));
    TRY("sysret", 0, __asm__ volatile("sysretq" :: "c"(0)));
    TRY("load a bad selector", 0, __asm__ volatile("mov %%ax, %%ds" :: "a"(0x123)));
    TRY("load the kernel's data segment", 0, __asm__ volatile("mov %%ax, %%ds" :: "a"(0x18)));
    TRY("load null into ss", 0, __asm__ volatile("mov %%ax, %%ss" :: "a"(0)));
    TRY("movaps not aligned", 0, __asm__ volatile("movaps 1(%0), %%xmm0" :: "r"(data) : "xmm0"));
    TRY("alignment check", 0, __asm__ volatile(SET_AC "mov 1(%0), %%eax" CLEAR_AC :: "r"(data) : "rax", "memory", "cc"));
    TRY("alignment check of a store", 0, __asm__ volatile(SET_AC "mov %%rax, 4(%0)" CLEAR_AC :: "r"(data) : "memory", "cc"));
    TRY("alignment check of the stack", 0, __asm__ volatile(SET_AC "mov %%rsp, %%rbx; lea 12(%0), %%rsp; push %%rax; mov %%rbx, %%rsp" CLEAR_AC :: "r"(data) : "rbx", "memory", "cc"));
    TRY("alignment checked and right", 0, __asm__ volatile(SET_AC "mov 4(%0), %%eax; mov %%rax, 8(%0); mov 1(%0), %%al" CLEAR_AC :: "r"(data) : "rax", "memory", "cc"));
    TRY("alignment check after a system call", 0, __asm__ volatile(SET_AC "syscall; mov 2(%0), %%eax" CLEAR_AC :: "r"(data), "a"(39) : "rcx", "r11", "memory", "cc"));
    TRY("system call with a buffer that is not aligned", 0, { long done; __asm__ volatile(SET_AC "syscall" CLEAR_AC : "=a"(done) : "0"(96), "D"(data + 65), "S"(0) : "rcx", "r11", "memory", "cc"); printf(" %ld", done); });
    TRY("single step", 0, __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" ::: "memory", "cc"));
    TRY("x87 divide by zero", 0, { unsigned short cw = 0x37b; __asm__ volatile("fldcw %0; fld1; fldz; fdivrp; fwait" :: "m"(cw)); });
    __asm__ volatile("fninit");
    TRY("sse divide by zero", 0, { unsigned csr = 0x1d80; __asm__ volatile("ldmxcsr %0; divsd %2, %1" :: "m"(csr), "x"(1.0), "x"(0.0)); });
    TRY("sse invalid", 0, { unsigned csr = 0x1f00; __asm__ volatile("ldmxcsr %0; sqrtsd %1, %1" :: "m"(csr), "x"(-1.0)); });
    { unsigned csr = 0x1f80; __asm__ volatile("ldmxcsr %0" :: "m"(csr)); }

    /* beyond the end of a mapped file */
    char name[] = "/tmp/faultsXXXXXX";
    int fd = mkstemp(name);
    unlink(name);
    if (write(fd, "x", 1) != 1)
        return 1;
    char *file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    TRY("in the last page of a file", 0, sink = file[PAGE - 1]);
    TRY("beyond a file", file + PAGE, sink = ((volatile char *)file)[PAGE]);
    (void)sink, (void)result, (void)skip;
    return 0;
}
