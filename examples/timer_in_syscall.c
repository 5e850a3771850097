/* A timer interrupt in the middle of a system call. SYSCALL has brought the CPU to CPL 0 on the kernel's stack; the
 * interrupt finds it there, so there is no stack switch, and its frame lands below what the system call has pushed. */
#include <ringfort/testkit.h>

#include <inttypes.h>
#include <stdio.h>

#define TIMER_VECTOR 0x20
#define TICKS UINT64_C(0x208000) /* the kernel's counter of timer interrupts */

RF_GUEST_CODE(user_program, "mov $7, %edi\n"
                            "syscall\n"
                            "int $0x80\n");
/* Switch to the kernel's stack, save what SYSRET needs, work with interrupts on, go back. (A real kernel has no
 * register to keep RSP in: it uses SWAPGS and memory.) */
RF_GUEST_CODE(system_call, "mov %rsp, %r15\n"
                           "mov $0x40000, %esp\n"
                           "push %rcx\n"
                           "push %r11\n"
                           "sti\n"
                           "mov $2000, %eax\n"
                           "1: dec %eax\n"
                           "jnz 1b\n"
                           "lea 35(%rdi), %eax\n" /* the result: 42 */
                           "cli\n"
                           "pop %r11\n"
                           "pop %rcx\n"
                           "mov %r15, %rsp\n"
                           "sysretq\n");
RF_GUEST_CODE(timer_handler, "incq 0x208000\n"
                             "vmcall\n" /* let main() look */
                             "iretq\n");

static void print_stack(rf_kit *kit)
{
    static const char *const names[] = { "RIP", "CS",  "RFLAGS", "RSP",
                                         "SS",  "R11 = user's RFLAGS", "RCX = user's RIP" };
    uint64_t rsp = rf_kit_get(kit, RF_BARE_RSP), slots = (RF_KIT_RSP0 - rsp) / 8;
    printf("the kernel's stack, from its top down:\n");
    for (uint64_t i = slots; i-- > 0;)
        printf("  0x%" PRIx64 ": 0x%-10" PRIx64 "%s %s\n", rsp + i * 8, rf_kit_peek(kit, rsp + i * 8),
               i < 5 ? "timer:      " : "system call:", i < sizeof names / sizeof *names ? names[i] : "");
}

int main(void)
{
    rf_kit *kit;
    if (rf_kit_create(&(rf_kit_config){ .cpl = 3 }, &kit) != RF_OK) {
        fprintf(stderr, "no kit: %s\n", rf_create_error_text());
        return 1;
    }
    rf_bare_write_msr(rf_kit_bare(kit), 0xc0000084, 0x200); /* IA32_FMASK: SYSCALL clears IF */
    rf_kit_syscall(kit, &system_call);
    rf_kit_handler(kit, TIMER_VECTOR, &timer_handler);
    rf_bare_interrupt_after(rf_kit_bare(kit), TIMER_VECTOR, 1000);
    rf_kit_run(kit, &user_program);
    RF_CHECK(kit, "door cpl=0->0 cycles>1000");
    printf("the timer came after %" PRIu64 " cycles, %" PRIu64 " loops before the end of the system call\n",
           rf_kit_outcome(kit)->cycles, rf_kit_get(kit, RF_BARE_RAX));
    print_stack(kit);
    rf_kit_continue(kit, 0); /* IRET to the loop, and SYSRET to the user */
    RF_CHECK(kit, "int 0x80 at user+7 rax=42 rsp=user_stack cpl=3->0");
    printf("the system call went on and returned %" PRIu64 "; timer interrupts: %" PRIu64 "\n",
           rf_kit_get(kit, RF_BARE_RAX),
           rf_kit_peek(kit, TICKS));
    rf_kit_destroy(kit);
    return 0;
}
