/* Why no system call ABI returns its result in RCX: SYSRET jumps to what RCX holds. Two kernels answer the same system
 * call with 42, one in RAX, one in RCX; the second sends the program to address 42. */
#include <ringfort/testkit.h>

#include <stdio.h>

RF_GUEST_CODE(user_program, "syscall\n"
                            "int $0x80\n");
RF_GUEST_CODE(kernel_rax, "mov $42, %eax\n"
                          "sysretq\n");
RF_GUEST_CODE(kernel_rcx, "mov $42, %ecx\n" /* the return address is lost here */
                          "sysretq\n");

static int run(const char *title, const rf_guest_code *kernel, const char *expected)
{
    rf_kit *kit;
    if (rf_kit_create(&(rf_kit_config){ .cpl = 3 }, &kit) != RF_OK) {
        fprintf(stderr, "no kit: %s\n", rf_create_error_text());
        return 1;
    }
    rf_kit_page(kit, 0, "absent"); /* as every real kernel does with address 0 */
    rf_kit_syscall(kit, kernel);
    rf_kit_run(kit, &user_program);
    RF_CHECK(kit, expected);
    printf("--- the result in %s ---\n%s\n", title, rf_kit_describe(kit));
    rf_kit_destroy(kit);
    return 0;
}

int main(void)
{
    if (run("RAX", &kernel_rax, "int 0x80 at user+2 rax=42 changed=rax,rcx,r11"))
        return 1;
    if (run("RCX", &kernel_rcx, "#PF(U|I) cr2=42 rip=42 cpl=3->0"))
        return 1;
    printf("So Linux returns results in RAX, and passes the fourth argument in R10 instead of RCX.\n");
    return 0;
}
