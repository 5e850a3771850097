/* Two ways into a kernel: INT 0x80 and SYSCALL. What each saves, and where, which stack the kernel finds itself on,
 * and what the way in and back costs. */
#include <ringfort/testkit.h>

#include <stdio.h>

RF_GUEST_CODE(by_interrupt, "int $0x80\n"
                            "ud2\n");
RF_GUEST_CODE(by_syscall, "syscall\n"
                          "ud2\n");

static void print_saved(rf_kit *kit, const rf_outcome *o)
{
    if (o->has_frame)
        printf("saved in memory: RIP 0x%llx, CS 0x%llx, RFLAGS 0x%llx, RSP 0x%llx, SS 0x%llx\n",
               (unsigned long long)o->frame.rip,
               (unsigned long long)o->frame.cs, (unsigned long long)o->frame.rflags, (unsigned long long)o->frame.rsp,
               (unsigned long long)o->frame.ss);
    else
        printf("saved in registers: RIP in RCX = 0x%llx, RFLAGS in R11 = 0x%llx; nothing in memory, RSP not at all\n",
               (unsigned long long)rf_kit_get(kit, RF_BARE_RCX), (unsigned long long)rf_kit_get(kit, RF_BARE_R11));
}

static const char *stack_name(uint64_t rsp)
{
    return rsp == RF_KIT_USER_STACK ? "still the user's" : "the kernel's, from TSS.RSP0";
}

static int run(const char *title, const rf_guest_code *code, const char *expected, uint64_t *cycles)
{
    rf_kit *kit;
    if (rf_kit_create(&(rf_kit_config){ .cpl = 3 }, &kit) != RF_OK) {
        fprintf(stderr, "no kit: %s\n", rf_create_error_text());
        return 1;
    }
    uint64_t start = rf_bare_cycles(rf_kit_bare(kit));
    rf_kit_run(kit, code);
    RF_CHECK(kit, expected);
    uint64_t rsp = rf_kit_get(kit, RF_BARE_RSP), in = rf_kit_outcome(kit)->cycles;
    printf("--- %s ---\n", title);
    print_saved(kit, rf_kit_outcome(kit));
    printf("stack: RSP = 0x%llx, %s\n", (unsigned long long)rsp, stack_name(rsp));
    rf_kit_continue(kit, 0); /* the kit's handler goes back, to UD2 */
    RF_CHECK(kit, "#UD at user+2 cpl=3->0 rsp=user_stack");
    rf_stats stats;
    rf_bare_stats(rf_kit_bare(kit), &stats);
    const uint64_t fault = stats.account_cycles[5]; /* of the UD2 at the end */
    *cycles = rf_bare_cycles(rf_kit_bare(kit)) - start - fault;
    printf("cycles: %llu in, %llu in and back\n\n", (unsigned long long)in, (unsigned long long)*cycles);
    rf_kit_destroy(kit);
    return 0;
}

int main(void)
{
    uint64_t interrupt, syscall;
    if (run("INT 0x80", &by_interrupt, "int 0x80 at user+0 rip=user+2 changed=none cpl=3->0", &interrupt) ||
        run("SYSCALL", &by_syscall, "syscall at user+0 changed=rcx,r11 cpl=3->0", &syscall))
        return 1;
    printf("INT 0x80 costs %.1f times as much: it reads the IDT, the GDT and the TSS, and writes 40 bytes.\n",
           (double)interrupt / (double)syscall);
    return 0;
}
