/* SYSRET to an address that is not canonical: where the vendors differ (CVE-2012-0217). Intel's CPUs check RCX while
 * they are still at CPL 0, when software has already loaded the user's stack pointer: the #GP handler runs as the
 * kernel on a stack that the user chose. AMD's return to CPL 3, and the fetch faults there. */
#include <ringfort/testkit.h>

#include <stdio.h>

/* The end of every system call: user's RSP, then SYSRET. RCX comes from a user who moved his return address. */
RF_GUEST_CODE(kernel_exit, "mov $0x120000, %rsp\n"     /* the user's stack pointer */
                           "mov $1, %ecx\n"
                           "shl $47, %rcx\n"           /* 0x800000000000: bit 47 set, bits 48 to 63 clear */
                           "mov $0x202, %r11d\n"
                           "sysretq\n");

static int run(const char *vendor, const char *expected)
{
    rf_kit *kit;
    if (rf_kit_create(&(rf_kit_config){ .cpl = 0, .vendor = vendor }, &kit) != RF_OK) {
        fprintf(stderr, "no kit: %s\n", rf_create_error_text());
        return 1;
    }
    rf_kit_run(kit, &kernel_exit);
    RF_CHECK(kit, expected);
    const rf_outcome *o = rf_kit_outcome(kit);
    unsigned long long stack = (unsigned long long)rf_kit_get(kit, RF_BARE_RSP);
    printf("--- %s ---\n%s", vendor, rf_kit_describe(kit));
    printf("The handler's stack is at 0x%llx: %s.\n\n", stack,
           o->cpl_before ? "TSS.RSP0, the kernel's own" : "the user's memory, written by the CPU at CPL 0");
    rf_kit_destroy(kit);
    return 0;
}

int main(void)
{
    /* From CPL 0 to CPL 0 there is no stack switch: the frame goes where RSP points. */
    if (run("intel", "#GP(0) at kernel+22 cpl=0->0 rsp=user_stack stack=user_stack-0x30"))
        return 1;
    /* A fetch from CPL 3: the stack comes from the TSS. */
    if (run("amd", "#GP(0) rip=noncanonical cpl=3->0 rsp=user_stack stack=rsp0-0x30"))
        return 1;
    printf("So kernels for both check the return address before SYSRET, and use IRET if it is odd.\n");
    return 0;
}
