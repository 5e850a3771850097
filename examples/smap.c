/* SMAP stops a kernel that follows a user's pointer by mistake, and STAC allows the one place that means it. The same
 * read of a user page at CPL 0: without SMAP, with it, and between STAC and CLAC. */
#include <ringfort/testkit.h>

#include <stdio.h>

#define CR4_SMAP (UINT64_C(1) << 21)
#define SECRET UINT64_C(0x5ec2e7)

/* RDI is what a system call was given as a pointer. */
RF_GUEST_CODE(stray_read, "mov (%rdi), %rax\n"
                          "vmcall\n");
RF_GUEST_CODE(copy_from_user, "stac\n"
                              "mov (%rdi), %rax\n"
                              "clac\n"
                              "vmcall\n");

static int run(const char *title, uint64_t cr4, const rf_guest_code *code, const char *expected)
{
    rf_kit *kit;
    if (rf_kit_create(&(rf_kit_config){ .cpl = 0, .cr4_set = cr4 }, &kit) != RF_OK) {
        fprintf(stderr, "no kit: %s\n", rf_create_error_text());
        return 1;
    }
    rf_kit_poke(kit, RF_KIT_USER_DATA, SECRET);
    rf_kit_set(kit, RF_BARE_RDI, RF_KIT_USER_DATA);
    rf_kit_run(kit, code);
    RF_CHECK(kit, expected);
    printf("--- %s ---\n%s\n", title, rf_kit_describe(kit));
    rf_kit_destroy(kit);
    return 0;
}

int main(void)
{
    if (run("CR4.SMAP = 0: the stray read succeeds", 0, &stray_read, "door rax=0x5ec2e7") ||
        run("CR4.SMAP = 1: it is refused", CR4_SMAP, &stray_read,
            "#PF(P) cr2=user_data at kernel+0 cpl=0->0 changed=none") ||
        run("CR4.SMAP = 1, between STAC and CLAC", CR4_SMAP, &copy_from_user, "door rax=0x5ec2e7"))
        return 1;

    /* Why the last one was allowed, from the page tables. */
    rf_kit *kit;
    rf_explanation e;
    char text[2048];
    if (rf_kit_create(&(rf_kit_config){ .cr4_set = CR4_SMAP }, &kit) != RF_OK)
        return 1;
    rf_bare_explain(rf_kit_bare(kit), RF_KIT_USER_DATA, RF_ACCESS_READ, RF_BY_SUPERVISOR_AC, &e);
    rf_explanation_text(&e, text, sizeof text);
    printf("%s", text);
    rf_kit_destroy(kit);
    return 0;
}
