/* What images do with the modes and privilege levels of the CPU: user code behind the image's own page
 * tables, out of long mode and back with 57-bit addresses, start-up messages for other CPUs. */
#include "image.h"

#define USER 4u
#define USER_CODE 0x3b /* selectors of start.S */
#define USER_DATA 0x33

static volatile struct frame last;
static volatile unsigned skip;
static volatile uint64_t cr2;

static void note(struct frame *frame)
{
    last = *frame;
    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    cr2 = address;
    frame->rip += skip;
}

/* --- user code --- */

static uint8_t user_stack[4096] __attribute__((aligned(4096)));

/* Run code at CPL 3 up to its INT 80H, whose handler comes back here. */
uint64_t kernel_rsp;
void enter_user(const void *code, void *stack);
__asm__(".text\nenter_user:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rsp, kernel_rsp\n"
        "push $0x33; push %rsi; push $0x3002; push $0x3b; push %rdi\n" /* IOPL 3 for a start */
        "iretq\n"
        "left_user: pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");
extern const uint8_t left_user[];

static void leave_user(struct frame *frame)
{
    last = *frame;
    frame->cs = 8;
    frame->ss = 0x10;
    frame->rsp = kernel_rsp;
    frame->rip = (uint64_t)(uintptr_t)left_user;
}

#define USER_TEXT(name, code)                                                             \
    extern const uint8_t name[];                                                          \
    __asm__(".text\n" #name ": " code "\nint $0x80\n")

USER_TEXT(user_nothing, "nop");
USER_TEXT(user_cli, "cli; sti");
USER_TEXT(user_hlt, "hlt");
USER_TEXT(user_cr, "mov %cr3, %rax");
USER_TEXT(user_rdmsr, "rdmsr");
USER_TEXT(user_read, "mov (%rbx), %rax");
USER_TEXT(user_write, "mov %rax, (%rbx)");
USER_TEXT(user_int, "int $0x41");
USER_TEXT(user_out, "mov $0x55, %eax; out %eax, $0xe0");

static void run_user(const uint8_t *code, unsigned length, uint64_t rbx)
{
    last.vector = 0;
    skip = length;
    register uint64_t pointer __asm__("rbx") = rbx;
    __asm__ volatile("call *%%rax" : : "a"((uint64_t)(uintptr_t)enter_user), "D"(code), "S"(user_stack + 4096),
                     "r"(pointer) : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
}

static void mark_user(uint64_t va, bool user)
{
    uint64_t *pdpt = (uint64_t *)(uintptr_t)(pml4[0] & ~UINT64_C(0xfff));
    uint64_t *pd = (uint64_t *)(uintptr_t)(pdpt[va >> 30] & ~UINT64_C(0xfff));
    pml4[0] |= USER;
    pdpt[va >> 30] |= USER;
    if (user)
        pd[va >> 21 & 511] |= USER;
    else
        pd[va >> 21 & 511] &= ~(uint64_t)USER;
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static volatile uint64_t seen_vector, seen_error;
static void note_and_keep(struct frame *frame)
{
    note(frame);
    seen_vector = frame->vector;
    seen_error = frame->error_code;
}
static bool faulted(unsigned vector, unsigned error)
{
    bool right = seen_vector == vector && seen_error == error;
    seen_vector = 255;
    return right;
}

static void user(void)
{
    const uint64_t secret = 0x800000;
    for (unsigned i = 0; i < 32; i++)
        on(i, note_and_keep);
    on(0x80, leave_user);
    open_gate(0x80);
    mark_user((uint64_t)(uintptr_t)user_nothing, true);
    mark_user(secret, false);
    run_user(user_nothing, 0, 0);
    check("user code and back", last.vector == 0x80 && last.cs == USER_CODE && last.ss == USER_DATA);
    check("its stack", last.rsp == (uint64_t)(uintptr_t)user_stack + 4096);
    run_user(user_cli, 0, 0);
    check("CLI and STI with IOPL 3", last.vector == 0x80 && last.rflags & 0x200);
    run_user(user_out, 0, 0);
    check("OUT with IOPL 3", in32(0xe0) == 0x55);
    run_user(user_hlt, 1, 0);
    check("HLT", faulted(13, 0));
    run_user(user_cr, 3, 0);
    check("MOV from CR3", faulted(13, 0));
    run_user(user_rdmsr, 2, 0);
    check("RDMSR", faulted(13, 0));
    run_user(user_int, 2, 0);
    seen_error &= 7; /* the rest, 8 times the vector, is 16 times the vector in qemu's TCG */
    check("INT n through a closed gate", faulted(13, 2));
    run_user(user_read, 3, secret);
    check("read of a supervisor page", faulted(14, 5) && cr2 == secret);
    run_user(user_write, 3, secret + 8);
    check("write to it", faulted(14, 7) && cr2 == secret + 8);
    run_user(user_read, 3, UINT64_C(0x0000800000000000));
    check("non-canonical address", faulted(13, 0));
}

/* --- 57-bit addresses --- */

static uint64_t pml5[512] __attribute__((aligned(4096)));
void five_levels(uint64_t *root);
__asm__(".text\nfive_levels:\n"
        "mov %edi, %ecx\n"
        "pushq $0x28; pushq $1f; lretq\n"
        ".code32\n"
        "1: mov %cr0, %eax; btr $31, %eax; mov %eax, %cr0\n" /* out of long mode */
        "mov %ecx, %eax; mov %eax, %cr3\n"
        "mov %cr4, %eax; bts $12, %eax; mov %eax, %cr4\n"
        "mov %cr0, %eax; bts $31, %eax; mov %eax, %cr0\n"
        "ljmp $8, $2f\n"
        ".code64\n"
        "2: ret\n");

static void addresses(void)
{
    uint32_t r[4];
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(7), "c"(0));
    check("CPUID tells of 57-bit addresses", r[2] >> 16 & 1);
    for (unsigned i = 0; i < 32; i++)
        on(i, note);
    skip = 3;
    __asm__ volatile("mov (%0), %%rax" : : "r"(UINT64_C(1) << 50) : "rax", "memory");
    check("bit 50 is too much for 4 levels", last.vector == 13);
    pml5[0] = (uint64_t)(uintptr_t)pml4 | 7;
    pml5[1] = (uint64_t)(uintptr_t)pml4 | 7;
    five_levels(pml5);
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    check("back in long mode with five", cr4 >> 12 & 1);
    __asm__ volatile("mov (%0), %%rax" : : "r"(UINT64_C(1) << 50) : "rax", "memory");
    check("bit 50 is an address without a page", last.vector == 14 && cr2 == UINT64_C(1) << 50);
    volatile uint32_t *again = (volatile uint32_t *)((UINT64_C(1) << 48) + (uint64_t)(uintptr_t)&boot_magic);
    check("the second entry of the root", *again == 0x2badb002);
}

/* --- other CPUs --- */

static void start_others(void)
{
    uint8_t *to = NULL;
    const uint8_t *from = left_user;
    uint64_t n = 16;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory"); /* code for them, at 0 */
    apic_write(APIC_ICR, 0xc4500);
    apic_write(APIC_ICR, 0xc4600);
    check("as many CPUs as fw_cfg says", fw_cfg(5, 2) == 1);
    wrmsr(0x1b, rdmsr(0x1b) & ~UINT64_C(0xc00));
    check("APIC disabled", !(rdmsr(0x1b) & 0xc00));
    wrmsr(0x1b, rdmsr(0x1b) | 0x800);
    apic_write(APIC_SVR, 0x1ff);
    check("and enabled again", apic_read(APIC_SVR) == 0x1ff);
}

int main(void)
{
    user();
    addresses();
    start_others();
    return failures();
}
