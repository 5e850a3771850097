/* The test kit in a plain C program: no Check, no test library. */
#include <ringfort/testkit.h>

#include <stdio.h>
#include <string.h>

RF_GUEST_CODE(write_kernel_page, "mov $1, %eax\n mov %rax, 0x203000");

static int failures;

static void on_failure(void *user, const char *file, int line, const char *message)
{
    ++*(int *)user;
    if (!strstr(file, "plain_testkit.c") || !line || !strstr(message, "expected: #GP\n") || !strstr(message, "=> user+5"))
        failures++;
}

int main(void)
{
    rf_kit *kit;
    int calls = 0;
    if (rf_kit_create(&(rf_kit_config){ .cpl = 3 }, &kit) != RF_OK) {
        fprintf(stderr, "%s\n", rf_create_error_text());
        return 1;
    }
    if (rf_kit_run(kit, &write_kernel_page) != RF_OK)
        failures++;
    RF_CHECK(kit, "#PF(P|W|U) cr2=supervisor_page at user+5 changed=rax");
    rf_kit_on_failure(kit, on_failure, &calls);
    RF_CHECK(kit, "#GP");
    if (calls != 1)
        failures++;
    rf_kit_destroy(kit);
    return failures ? 1 : 0;
}
