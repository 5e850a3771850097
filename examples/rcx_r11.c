/* SYSCALL destroys RCX and R11: it saves the return address in one and RFLAGS in the other, because it touches no
 * memory at all. A user program sets all registers, makes a system call that does nothing, and looks again. */
#include <ringfort/testkit.h>

#include <stdio.h>

/* Every register has its own value before the call; the kit stops at INT 0x80 behind it. */
RF_GUEST_CODE(user_program, "mov $0x1111, %ebx\n"
                            "mov $0x2222, %ecx\n"
                            "mov $0x3333, %edx\n"
                            "mov $0x4444, %r10d\n"
                            "mov $0x5555, %r11d\n"
                            "int $0x80\n" /* look: before */
                            "syscall\n"
                            "int $0x80\n"); /* look: after */

/* The whole kernel. SYSRET takes RIP from RCX and RFLAGS from R11: the kernel needs both, too. */
RF_GUEST_CODE(kernel, "sysretq");

static int failed(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

int main(void)
{
    static const rf_bare_reg registers[] = { RF_BARE_RBX, RF_BARE_RCX, RF_BARE_RDX, RF_BARE_R10, RF_BARE_R11 };
    rf_kit *kit;
    if (rf_kit_create(&(rf_kit_config){ .cpl = 3 }, &kit) != RF_OK)
        return failed("no kit", rf_create_error_text());
    if (rf_kit_syscall(kit, &kernel) != RF_OK || rf_kit_run(kit, &user_program) != RF_OK)
        return failed("cannot run", rf_kit_error_text(kit));
    RF_CHECK(kit, "int 0x80");
    rf_kit_continue(kit, 0);
    RF_CHECK(kit, "int 0x80 changed=rcx,r11");

    const rf_outcome *o = rf_kit_outcome(kit);
    printf("register  before   after SYSCALL and SYSRET\n");
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++)
        printf("%-8s  0x%04llx   0x%llx%s\n", rf_bare_reg_name(registers[i]),
               (unsigned long long)o->before[registers[i]],
               (unsigned long long)o->after[registers[i]], o->changed >> registers[i] & 1 ? "  <- changed" : "");
    printf("RCX is the address behind SYSCALL (code began at 0x%llx), R11 is RFLAGS.\n",
           (unsigned long long)RF_KIT_USER_TEXT);
    rf_kit_destroy(kit);
    return 0;
}
