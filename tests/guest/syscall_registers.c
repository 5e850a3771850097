/* SYSCALL leaves every register but RAX, RCX and R11; RCX is the return address and R11 the flags
 * (SDM 2B, SYSCALL). Flags, and vector registers, come back as they were. */
#include "guest.h"

struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, flags, xmm[2], next;
};

/* call(number, flags, out): make the call with marked registers and store all of them. */
void call(uint64_t number, uint64_t flags, struct registers *out);
__asm__(".text\n"
        "call:\n\t"
        "push %rbp\n\t push %rbx\n\t push %r12\n\t push %r13\n\t push %r14\n\t push %r15\n\t"
        "push %rdx\n\t"
        "mov %rdi, %rax\n\t"
        "movq %rsi, %xmm15\n\t"
        "push %rsi\n\t popfq\n\t"
        "mov $0x101, %ebx\n\t mov $0x102, %edx\n\t mov $-1, %rsi\n\t mov $-1, %rdi\n\t"
        "mov $0x105, %ebp\n\t mov $0x106, %r8d\n\t mov $0x107, %r9d\n\t mov $0x108, %r10d\n\t"
        "mov $0x109, %r12d\n\t mov $0x10a, %r13d\n\t mov $0x10b, %r14d\n\t mov $0x10c, %r15d\n\t"
        "syscall\n"
        "1:\n\t"
        "push %rax\n\t pushfq\n\t mov 16(%rsp), %rax\n\t"
        "pop 120(%rax)\n\t pop (%rax)\n\t"
        "mov %rbx, 8(%rax)\n\t mov %rcx, 16(%rax)\n\t mov %rdx, 24(%rax)\n\t mov %rsi, 32(%rax)\n\t"
        "mov %rdi, 40(%rax)\n\t mov %rbp, 48(%rax)\n\t mov %r8, 56(%rax)\n\t mov %r9, 64(%rax)\n\t"
        "mov %r10, 72(%rax)\n\t mov %r11, 80(%rax)\n\t mov %r12, 88(%rax)\n\t mov %r13, 96(%rax)\n\t"
        "mov %r14, 104(%rax)\n\t mov %r15, 112(%rax)\n\t movdqu %xmm15, 128(%rax)\n\t"
        "lea 1b(%rip), %rcx\n\t mov %rcx, 144(%rax)\n\t"
        "push $0x202\n\t popfq\n\t"
        "pop %rax\n\t"
        "pop %r15\n\t pop %r14\n\t pop %r13\n\t pop %r12\n\t pop %rbx\n\t pop %rbp\n\t"
        "ret\n");

static void print(const char *name, uint64_t number, uint64_t flags)
{
    struct registers r = { 0 };
    call(number, flags, &r);
    printf("%s flags %#lx: rax %ld rbx %lx rdx %lx rsi %lx rdi %lx rbp %lx r8 %lx r9 %lx r10 %lx r12 %lx "
           "r13 %lx r14 %lx r15 %lx flags %lx r11 %lx rcx %d xmm %lx %lx\n",
           name, flags, (long)r.rax, r.rbx, r.rdx, r.rsi, r.rdi, r.rbp, r.r8, r.r9, r.r10, r.r12, r.r13, r.r14,
           r.r15, r.flags, r.r11, r.rcx == r.next, r.xmm[0], r.xmm[1]);
}

int main(void)
{
    static const uint64_t flags[] = { 0x202, 0x246, 0xad7 | 0x400, 0x40202, 0x200202, 0x200ed7 & ~0x100ul };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        print("close", SYS_close, flags[i]);
        print("none", 100000, flags[i]);
        print("sched_yield", SYS_sched_yield, flags[i]);
        print("minus one", (uint64_t)-1, flags[i]);
        print("high half", UINT64_C(0x700000000) | SYS_close, flags[i]);
    }
    return 0;
}
