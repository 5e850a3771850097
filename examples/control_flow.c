/* Control-flow enforcement (CET) at work. A function's return address is smashed: without a shadow stack RET
 * goes where the attacker wants, with one it is #CP. An indirect jump goes past the ENDBR64 of a function:
 * without tracking it lands in its middle, with tracking it is #CP. */
#include <ringfort/testkit.h>

#include <stdio.h>

/* What an overflow of a buffer on the stack does to its function: it returns to `attack`. */
RF_GUEST_CODE(smashed_return, "call function\n"
                              "int $0x80\n" /* where it should return to */
                              "function: lea attack(%rip), %rax\n"
                              "mov %rax, (%rsp)\n"
                              "ret\n"
                              "attack: mov $0xbad, %edi\n"
                              "int $0x80\n");

/* A pointer to a function that somebody has moved past the check at its start. */
RF_GUEST_CODE(bent_pointer, "lea checked(%rip), %rax\n"
                            "add $8, %rax\n"
                            "jmp *%rax\n"
                            "checked: endbr64\n"
                            "test %rbx, %rbx\n" /* 3 bytes */
                            ".byte 0x90\n"
                            "mov $0xbad, %edi\n"
                            "int $0x80\n");

static int run(const char *title, const rf_kit_config *config, const rf_guest_code *code, const char *expected)
{
    rf_kit *kit;
    if (rf_kit_create(config, &kit) != RF_OK) {
        fprintf(stderr, "no kit: %s\n", rf_create_error_text());
        return 1;
    }
    rf_kit_run(kit, code);
    RF_CHECK(kit, expected);
    printf("--- %s ---\n%s\n", title, rf_kit_describe(kit));
    rf_kit_destroy(kit);
    return 0;
}

int main(void)
{
    const rf_kit_config plain = { .cpl = 3, .cpu = "max" };
    const rf_kit_config shadow = { .cpl = 3, .shadow_stacks = true };
    const rf_kit_config tracking = { .cpl = 3, .tracking = true };
    return run("a smashed return address, nobody looks", &plain, &smashed_return, "int 0x80 at user+24 rdi=0xbad") ||
           run("with a shadow stack", &shadow, &smashed_return, "#CP(NEAR_RET) at user+18 cpl=3->0 rdi=0") ||
           run("a jump past ENDBR64, nobody looks", &plain, &bent_pointer, "int 0x80 rdi=0xbad") ||
           run("with branch tracking", &tracking, &bent_pointer, "#CP(ENDBRANCH) at user+21 cpl=3->0 rdi=0");
}
