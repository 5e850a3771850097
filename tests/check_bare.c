/* The public bare machine (ringfort/bare.h): what it refuses, memory, running, stepping, events, figures. */
#include "suite.h"

#include <ringfort/testkit.h>
#include <string.h>

static rf_bare *new_bare(rf_bare_config config)
{
    rf_bare *bare;
    ck_assert_msg(rf_bare_create(&config, &bare) == RF_OK, "%s", rf_create_error_text());
    return bare;
}

static rf_kit *new_kit(unsigned cpl)
{
    rf_kit *kit;
    ck_assert_msg(rf_kit_create(&(rf_kit_config){ .cpl = cpl }, &kit) == RF_OK, "%s", rf_create_error_text());
    return kit;
}

/* A case with a bare machine `b`, and one with a kit `k` at CPL 0. */
#define BARE(name)                                                    \
    static void name##_body(rf_bare *b);                              \
    START_TEST(name)                                                  \
    {                                                                 \
        rf_bare *b = new_bare((rf_bare_config){ .memory = 0x20000 }); \
        name##_body(b);                                               \
        rf_bare_destroy(b);                                           \
    }                                                                 \
    END_TEST                                                          \
    static void name##_body(rf_bare *b)
#define KIT(name)                                                     \
    static void name##_body(rf_kit *k, rf_bare *b);                   \
    START_TEST(name)                                                  \
    {                                                                 \
        rf_kit *k = new_kit(0);                                       \
        name##_body(k, rf_kit_bare(k));                               \
        rf_kit_destroy(k);                                            \
    }                                                                 \
    END_TEST                                                          \
    static void name##_body(rf_kit *k, rf_bare *b)

/* The call fails with the status, and says the text. */
#define REFUSED(b, call, status, text)                                             \
    do {                                                                           \
        ck_assert_int_eq(call, status);                                            \
        ck_assert_msg(strstr(rf_bare_error_text(b), text) != NULL, "'%s' is not in '%s'", text,    \
                      rf_bare_error_text(b));                                       \
    } while (0)

/* --- creation --- */

START_TEST(bad_configs_are_refused)
{
    static const struct {
        rf_bare_config config;
        const char *says;
    } bad[] = {
        { { .memory = 0xffff }, "outside 64 KiB to 3 GiB" },
        { { .memory = (UINT64_C(3) << 30) + 1 }, "outside 64 KiB to 3 GiB" },
        { { .cpu = "i486" }, "CPU model 'i486' is not" },
        { { .vendor = "cyrix" }, "vendor 'cyrix' is not intel or amd" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rf_bare *bare = (rf_bare *)1;
        ck_assert_int_eq(rf_bare_create(&bad[i].config, &bare), RF_ERR_ARGUMENT);
        ck_assert_ptr_null(bare);
        ck_assert_msg(strstr(rf_create_error_text(), bad[i].says) != NULL, "%s", rf_create_error_text());
    }
    ck_assert_int_eq(rf_bare_create(NULL, NULL), RF_ERR_ARGUMENT);
    rf_bare_destroy(NULL);
    ck_assert_str_eq(rf_bare_error_text(NULL), "");
}
END_TEST

START_TEST(configs_are_rounded_and_defaulted)
{
    rf_bare *bare = new_bare((rf_bare_config){ .memory = 0x10001, .cpu = "max", .vendor = "amd" });
    ck_assert_uint_eq(rf_bare_memory_size(bare), 0x11000);
    rf_bare_destroy(bare);
    ck_assert_int_eq(rf_bare_create(NULL, &bare), RF_OK);
    ck_assert_uint_eq(rf_bare_memory_size(bare), 16 << 20);
    ck_assert_uint_eq(rf_bare_get(bare, RF_BARE_RFLAGS), 2);
    ck_assert_uint_eq(rf_bare_get(bare, RF_BARE_CPL), 0);
    rf_bare_destroy(bare);
}
END_TEST

/* --- registers --- */

BARE(every_register_has_a_name_and_reads_back)
{
    for (int reg = 0; reg < RF_BARE_REG_COUNT; reg++) {
        ck_assert_ptr_nonnull(rf_bare_reg_name((rf_bare_reg)reg));
        uint64_t value = rf_bare_get(b, (rf_bare_reg)reg);
        if (reg < RF_BARE_CPL && reg != RF_BARE_SSP) /* which this model does not have */
            ck_assert_msg(rf_bare_set(b, (rf_bare_reg)reg, value) == RF_OK, "%s", rf_bare_error_text(b));
        ck_assert_uint_eq(rf_bare_get(b, (rf_bare_reg)reg), value);
    }
    ck_assert_ptr_null(rf_bare_reg_name(RF_BARE_REG_COUNT));
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_REG_COUNT), 0);
    for (int reg = RF_BARE_RAX; reg <= RF_BARE_R15; reg++)
        ck_assert(rf_bare_set(b, (rf_bare_reg)reg, UINT64_C(0x1111111111111111) * (unsigned)reg) == RF_OK);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_R15), UINT64_C(0xffffffffffffffff));
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RSP), UINT64_C(0x4444444444444444));
}

START_TEST(cet_has_rules)
{
    rf_bare *b = new_bare((rf_bare_config){ .cpu = "max" });
    const uint64_t cet = UINT64_C(1) << 23, wp_and_pe = 0x10011;
    REFUSED(b, rf_bare_set(b, RF_BARE_CR4, cet), RF_ERR_STATE, "CET can be set only while CR0.WP is set");
    ck_assert(rf_bare_set(b, RF_BARE_CR0, wp_and_pe) == RF_OK && rf_bare_set(b, RF_BARE_CR4, cet) == RF_OK);
    REFUSED(b, rf_bare_set(b, RF_BARE_CR0, 0x11), RF_ERR_STATE, "WP cannot be cleared while CR4.CET is set");
    REFUSED(b, rf_bare_set(b, RF_BARE_SSP, 0x1002), RF_ERR_ARGUMENT,
            "SSP = 0x1002: a shadow stack pointer is a multiple");
    REFUSED(b, rf_bare_set(b, RF_BARE_SSP, UINT64_C(1) << 47), RF_ERR_ARGUMENT, "not canonical");
    ck_assert(rf_bare_set(b, RF_BARE_SSP, 0x1004) == RF_OK);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_SSP), 0x1004);
    rf_bare_destroy(b);
}
END_TEST

BARE(impossible_values_are_refused)
{
    REFUSED(b, rf_bare_set(b, RF_BARE_CR0, UINT64_C(1) << 32), RF_ERR_ARGUMENT, "CR0 = 0x100000000: a reserved bit");
    REFUSED(b, rf_bare_set(b, RF_BARE_CR0, UINT64_C(1) << 31), RF_ERR_ARGUMENT, "PG without PE");
    REFUSED(b, rf_bare_set(b, RF_BARE_CR0, UINT64_C(1) << 29), RF_ERR_ARGUMENT, "NW without CD");
    REFUSED(b, rf_bare_set(b, RF_BARE_CR4, UINT64_C(1) << 63), RF_ERR_ARGUMENT, "reserved, or that this CPU model");
    REFUSED(b, rf_bare_set(b, RF_BARE_CR4, UINT64_C(1) << 17), RF_ERR_STATE, "PCIDE can be set only in long mode");
    REFUSED(b, rf_bare_set(b, RF_BARE_CR3, UINT64_C(1) << 46), RF_ERR_ARGUMENT, "46 bits");
    REFUSED(b, rf_bare_set(b, RF_BARE_CR8, 16), RF_ERR_ARGUMENT, "0 to 15");
    REFUSED(b, rf_bare_set(b, RF_BARE_XCR0, 2), RF_ERR_ARGUMENT, "bit 0 must be set");
    REFUSED(b, rf_bare_set(b, RF_BARE_RFLAGS, 8), RF_ERR_ARGUMENT, "reserved");
    REFUSED(b, rf_bare_set(b, RF_BARE_GDTR_LIMIT, 0x10000), RF_ERR_ARGUMENT, "at most 0xffff");
    REFUSED(b, rf_bare_set(b, RF_BARE_PKRU, UINT64_C(1) << 32), RF_ERR_ARGUMENT, "32 bits");
    REFUSED(b, rf_bare_set(b, RF_BARE_SSP, 0), RF_ERR_ARGUMENT, "this CPU model has no shadow stacks");
    REFUSED(b, rf_bare_set(b, RF_BARE_DR7, UINT64_C(1) << 32), RF_ERR_ARGUMENT, "reserved");
    REFUSED(b, rf_bare_set(b, RF_BARE_CPL, 3), RF_ERR_ARGUMENT, "rf_bare_set_segment");
    REFUSED(b, rf_bare_set(b, RF_BARE_SS, 0x10), RF_ERR_ARGUMENT, "rf_bare_set_segment");
    REFUSED(b, rf_bare_set(b, RF_BARE_REG_COUNT, 0), RF_ERR_ARGUMENT, "there is no register");
    ck_assert(rf_bare_write_msr(b, 0xc0000080, 0x100) == RF_OK); /* LME */
    REFUSED(b, rf_bare_set(b, RF_BARE_CR0, UINT64_C(0x80000001)), RF_ERR_STATE, "needs CR4.PAE");
    REFUSED(b, rf_bare_set(b, RF_BARE_IDTR_BASE, UINT64_C(1) << 56), RF_ERR_ARGUMENT, "not canonical");
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_CR0) & 1, 0);
}

KIT(long_mode_has_its_own_rules)
{
    uint64_t efer;
    ck_assert(rf_bare_read_msr(b, 0xc0000080, &efer) == RF_OK);
    ck_assert_uint_eq(efer, 0xd01);
    REFUSED(b, rf_bare_set(b, RF_BARE_CR4, 0), RF_ERR_STATE, "PAE cannot be cleared in long mode");
    REFUSED(b, rf_bare_set(b, RF_BARE_CR4, 0x1020), RF_ERR_STATE, "LA57 cannot change");
    ck_assert(rf_bare_set(b, RF_BARE_CR4, 0x20020) == RF_OK); /* PCIDE */
    REFUSED(b, rf_bare_set(b, RF_BARE_CR0, 1), RF_ERR_STATE, "while CR4.PCIDE is set");
    ck_assert(rf_bare_set(b, RF_BARE_CR4, 0x20) == RF_OK);
    ck_assert(rf_bare_set(b, RF_BARE_CR0, 1) == RF_OK); /* out of long mode */
    ck_assert(rf_bare_read_msr(b, 0xc0000080, &efer) == RF_OK && efer == 0x901);
    (void)k;
}

KIT(segments_keep_to_the_rules)
{
    rf_bare_segment s;
    ck_assert(rf_bare_get_segment(b, RF_BARE_CS, &s) == RF_OK);
    ck_assert_uint_eq(s.selector, RF_KIT_KERNEL_CS);
    ck_assert_uint_eq(s.attributes, 0xa09b);
    const struct {
        rf_bare_reg reg;
        rf_bare_segment segment;
        const char *says;
    } bad[] = {
        { RF_BARE_CS, { 8, 0xe09b, UINT32_MAX, 0 }, "L and D are set together" },
        { RF_BARE_CS, { 8, 0xc093, UINT32_MAX, 0 }, "must be a code segment" },
        { RF_BARE_CS, { 0x2b, 0xa09b, UINT32_MAX, 0 }, "DPL of CS" },
        { RF_BARE_DS, { 8, 0xa193, UINT32_MAX, 0 }, "bits 8 to 11" },
        { RF_BARE_FS, { 8, 0xa093, UINT32_MAX, UINT64_C(1) << 56 }, "not canonical" },
        { RF_BARE_TR, { 8, 0x89, 0x67, 0 }, "busy TSS" },
        { RF_BARE_LDTR, { 8, 0x8b, 0x67, 0 }, "must be an LDT" },
        { RF_BARE_RAX, { 0 }, "no segment register" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        REFUSED(b, rf_bare_set_segment(b, bad[i].reg, &bad[i].segment), RF_ERR_ARGUMENT, bad[i].says);
    ck_assert(rf_bare_set_segment(b, RF_BARE_CS, &(rf_bare_segment){ 0x2b, 0xa0fb, UINT32_MAX, 0 }) == RF_OK);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_CPL), 3);
    ck_assert_int_eq(rf_bare_get_segment(b, RF_BARE_RIP, &s), RF_ERR_ARGUMENT);
    (void)k;
}

BARE(msrs_follow_wrmsr)
{
    uint64_t value;
    REFUSED(b, rf_bare_read_msr(b, 0x12345, &value), RF_ERR_ARGUMENT, "MSR 0x12345 does not exist");
    REFUSED(b, rf_bare_write_msr(b, 0x12345, 0), RF_ERR_ARGUMENT, "does not exist");
    REFUSED(b, rf_bare_write_msr(b, 0xc0000082, UINT64_C(1) << 56), RF_ERR_ARGUMENT,
            "WRMSR answers this value with #GP");
    ck_assert(rf_bare_write_msr(b, 0xc0000082, 0x1234) == RF_OK);
    ck_assert(rf_bare_read_msr(b, 0xc0000082, &value) == RF_OK && value == 0x1234);
}

/* --- memory --- */

BARE(physical_memory_ends)
{
    uint8_t bytes[16] = { 1, 2, 3 };
    ck_assert(rf_bare_write_physical(b, 0x1fff0, bytes, 16) == RF_OK);
    REFUSED(b, rf_bare_write_physical(b, 0x1fff1, bytes, 16), RF_ERR_FAULT, "0x1fff1 to 0x20000 are not all RAM");
    REFUSED(b, rf_bare_read_physical(b, UINT64_MAX, bytes, 1), RF_ERR_FAULT, "not all RAM");
    REFUSED(b, rf_bare_read_physical(b, 0, NULL, 1), RF_ERR_ARGUMENT, "no buffer");
    ck_assert(rf_bare_read_physical(b, UINT64_MAX, NULL, 0) == RF_OK);
}

KIT(linear_memory_is_walked)
{
    char text[8] = "";
    /* the page after is another one, far away */
    ck_assert(rf_kit_map(k, UINT64_C(0xffff800000000000), RF_KIT_USER_DATA, 4096, "user") == RF_OK);
    ck_assert(rf_kit_map(k, UINT64_C(0xffff800000001000), RF_KIT_USER_DATA + 0x5000, 4096, "") == RF_OK);
    ck_assert(rf_bare_write_linear(b, UINT64_C(0xffff800000000ffd), "abcdef", 6) == RF_OK);
    ck_assert(rf_bare_read_physical(b, RF_KIT_USER_DATA + 0x5000, text, 3) == RF_OK);
    ck_assert_str_eq(text, "def");
    ck_assert(rf_bare_read_linear(b, UINT64_C(0xffff800000000ffd), text, 6) == RF_OK);
    ck_assert_str_eq(text, "abcdef");
    REFUSED(b, rf_bare_read_linear(b, RF_KIT_ABSENT - 1, text, 2), RF_ERR_FAULT,
            "linear address 0x200000 cannot be read: P = 0 in the PTE");
    REFUSED(b, rf_bare_write_linear(b, RF_KIT_READ_ONLY, text, 1), RF_ERR_FAULT, "cannot be written: R/W = 0");
    REFUSED(b, rf_bare_read_linear(b, UINT64_C(1) << 47, text, 1), RF_ERR_FAULT, "not canonical");
    ck_assert(rf_kit_map(k, 0x40000000, 0x7000000, 4096, "") == RF_OK);
    REFUSED(b, rf_bare_read_linear(b, 0x40000000, text, 1), RF_ERR_FAULT,
            "physical address 0x7000000, which is no RAM");
}

/* --- running --- */

RF_GUEST_CODE(nops_and_door, "nop\n nop\n inc %rax\n vmcall\n inc %rax\n vmcall");
KIT(doors_and_steps)
{
    rf_bare_stop_reason reason;
    ck_assert(rf_kit_place(k, RF_KIT_KERNEL_TEXT, &nops_and_door) == RF_OK);
    ck_assert(rf_bare_set(b, RF_BARE_RIP, RF_KIT_KERNEL_TEXT) == RF_OK);
    for (unsigned i = 1; i <= 3; i++) {
        ck_assert(rf_bare_step(b, &reason) == RF_OK && reason == RF_BARE_STEPPED);
        ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RIP), RF_KIT_KERNEL_TEXT + (i < 3 ? i : 5));
    }
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RAX), 1);
    ck_assert(rf_bare_step(b, &reason) == RF_OK && reason == RF_BARE_DOOR);
    ck_assert(rf_bare_run(b, 0, &reason) == RF_OK && reason == RF_BARE_DOOR);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RAX), 2);
}

RF_GUEST_CODE(endless, "1: inc %rax\n jmp 1b");
KIT(limits_and_stop_requests)
{
    rf_bare_stop_reason reason;
    ck_assert(rf_kit_run(k, &endless) == RF_OK);
    ck_assert_int_eq(rf_kit_outcome(k)->kind, RF_OUTCOME_LIMIT);
    uint64_t before = rf_bare_cycles(b);
    ck_assert(rf_bare_run(b, 1000, &reason) == RF_OK && reason == RF_BARE_LIMIT);
    ck_assert(rf_bare_cycles(b) - before >= 1000 && rf_bare_cycles(b) - before < 1100);
    rf_bare_stop(b);
    ck_assert(rf_bare_run(b, 0, &reason) == RF_OK && reason == RF_BARE_STOPPED);
    ck_assert_str_eq(rf_bare_stop_name(reason), "stopped");
    ck_assert_str_eq(rf_bare_stop_name((rf_bare_stop_reason)99), "unknown");
    ck_assert_int_eq(rf_bare_run(NULL, 0, &reason), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_bare_run(b, 0, NULL), RF_ERR_ARGUMENT);
}

RF_GUEST_CODE(undefined, "ud2");
KIT(a_triple_fault_is_reported)
{
    rf_bare_stop_reason reason;
    ck_assert(rf_bare_set(b, RF_BARE_IDTR_LIMIT, 0) == RF_OK);
    ck_assert(rf_kit_run(k, &undefined) == RF_OK);
    ck_assert_int_eq(rf_kit_outcome(k)->kind, RF_OUTCOME_TRIPLE_FAULT);
    ck_assert_ptr_nonnull(strstr(rf_kit_outcome(k)->report, "triple fault: #GP"));
    REFUSED(b, rf_bare_run(b, 0, &reason), RF_ERR_STATE, "has shut down");
    REFUSED(b, rf_bare_step(b, &reason), RF_ERR_STATE, "has shut down");
    ck_assert(rf_bare_set(b, RF_BARE_RIP, RF_KIT_KERNEL_TEXT) == RF_OK);
    ck_assert(rf_bare_run(b, 0, &reason) == RF_OK && reason == RF_BARE_TRIPLE_FAULT);
}

/* --- events --- */

RF_GUEST_CODE(halting, "sti\n hlt\n inc %rax\n hlt");
KIT(interrupts_wake_the_cpu)
{
    rf_bare_stop_reason reason;
    ck_assert(rf_kit_run(k, &halting) == RF_OK);
    ck_assert_int_eq(rf_kit_outcome(k)->kind, RF_OUTCOME_HALT);
    ck_assert(rf_bare_run(b, 0, &reason) == RF_OK && reason == RF_BARE_HALT); /* it stays so */
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RAX), 0);
    ck_assert(rf_bare_interrupt(b, 0x40) == RF_OK);
    REFUSED(b, rf_bare_interrupt(b, 0x41), RF_ERR_STATE, "interrupt 0x40 is waiting already");
    ck_assert(rf_kit_continue(k, 0) == RF_OK);
    ck_assert_str_eq(rf_kit_outcome(k)->name, "interrupt 0x40");
    ck_assert_uint_eq(rf_kit_outcome(k)->frame.rip, RF_KIT_KERNEL_TEXT + 2);
    ck_assert(rf_kit_continue(k, 0) == RF_OK);
    ck_assert_int_eq(rf_kit_outcome(k)->kind, RF_OUTCOME_HALT);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RAX), 1);
    REFUSED(b, rf_bare_interrupt(b, 256), RF_ERR_ARGUMENT, "above 255");
}

KIT(interrupts_wait_for_the_flag)
{
    rf_bare_stop_reason reason;
    ck_assert(rf_bare_interrupt(b, 0x40) == RF_OK);
    ck_assert(rf_kit_place(k, RF_KIT_KERNEL_TEXT, &nops_and_door) == RF_OK);
    ck_assert(rf_bare_set(b, RF_BARE_RIP, RF_KIT_KERNEL_TEXT) == RF_OK);
    ck_assert(rf_bare_step(b, &reason) == RF_OK);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RIP), RF_KIT_KERNEL_TEXT + 1);
    ck_assert(rf_bare_set(b, RF_BARE_RFLAGS, 0x202) == RF_OK);
    ck_assert(rf_bare_step(b, &reason) == RF_OK && reason == RF_BARE_STEPPED); /* the delivery is a step */
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RIP), RF_KIT_HANDLERS + 0x40 * 16);
}

RF_GUEST_CODE(sti_and_nops, "sti\n nop\n nop\n nop");
KIT(steps_respect_the_shadow_of_sti)
{
    rf_bare_stop_reason reason;
    ck_assert(rf_bare_interrupt(b, 0x40) == RF_OK);
    ck_assert(rf_kit_place(k, RF_KIT_KERNEL_TEXT, &sti_and_nops) == RF_OK);
    ck_assert(rf_bare_set(b, RF_BARE_RIP, RF_KIT_KERNEL_TEXT) == RF_OK);
    ck_assert(rf_bare_step(b, &reason) == RF_OK && rf_bare_step(b, &reason) == RF_OK);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RIP), RF_KIT_KERNEL_TEXT + 2); /* one more than STI */
    ck_assert(rf_bare_step(b, &reason) == RF_OK);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RIP), RF_KIT_HANDLERS + 0x40 * 16);
}

KIT(a_timer_comes_in_time)
{
    ck_assert(rf_bare_set(b, RF_BARE_RFLAGS, 0x202) == RF_OK);
    ck_assert(rf_bare_interrupt_after(b, 0x20, 5000) == RF_OK);
    ck_assert(rf_kit_run(k, &endless) == RF_OK);
    const rf_outcome *o = rf_kit_outcome(k);
    ck_assert_str_eq(o->name, "interrupt 0x20");
    ck_assert_uint_ge(o->cycles, 5000);
    ck_assert_uint_lt(o->cycles, 6000);
    REFUSED(b, rf_bare_interrupt_after(b, 0x20, 0), RF_ERR_ARGUMENT, "after 0 cycles");
    REFUSED(b, rf_bare_interrupt_after(b, 0x20, UINT64_MAX), RF_ERR_ARGUMENT, "is none");
    REFUSED(b, rf_bare_interrupt_after(b, 0x120, 1), RF_ERR_ARGUMENT, "above 255");
}

KIT(a_timer_ends_halt_and_time_passes)
{
    ck_assert(rf_bare_interrupt_after(b, 0x20, 100000) == RF_OK);
    ck_assert(rf_kit_run(k, &halting) == RF_OK);
    ck_assert_str_eq(rf_kit_outcome(k)->name, "interrupt 0x20");
    ck_assert_uint_ge(rf_kit_outcome(k)->account_cycles[6], 99000); /* idle */
}

KIT(nmis_do_not_nest)
{
    rf_bare_nmi(b);
    ck_assert(rf_kit_run(k, &nops_and_door) == RF_OK);
    ck_assert_str_eq(rf_kit_outcome(k)->name, "nmi");
    ck_assert_uint_eq(rf_kit_outcome(k)->frame.rip, RF_KIT_KERNEL_TEXT);
    rf_bare_nmi(b);
    ck_assert(rf_kit_continue(k, 0) == RF_OK); /* IRET, and the second */
    ck_assert_str_eq(rf_kit_outcome(k)->name, "nmi");
    ck_assert(rf_kit_continue(k, 0) == RF_OK);
    ck_assert_int_eq(rf_kit_outcome(k)->kind, RF_OUTCOME_DOOR);
}

/* --- ports --- */

struct device {
    rf_bare *bare;
    uint32_t written[3];
    unsigned sizes[3], writes;
};

static uint32_t device_read(void *user, uint16_t port, unsigned size)
{
    (void)user;
    return UINT32_C(0x11220000) + port + (size << 8);
}

static void device_write(void *user, uint16_t port, uint32_t value, unsigned size)
{
    struct device *d = user;
    if (port == 0x80) {
        rf_bare_interrupt(d->bare, 0x33);
    } else if (d->writes < 3) {
        d->written[d->writes] = value;
        d->sizes[d->writes++] = size;
    }
}

RF_GUEST_CODE(port_code, "mov $0x12345678, %eax\n out %al, $0x10\n mov $0x20, %dx\n out %ax, %dx\n out %eax, %dx\n"
                         "xor %ebx, %ebx\n in %dx, %eax\n mov %eax, %ebx\n xor %eax, %eax\n in $0x21, %al\n vmcall\n"
                         "sti\n nop\n out %al, $0x80\n nop\n vmcall");
KIT(ports_are_the_callers)
{
    struct device device = { .bare = b };
    ck_assert(rf_kit_run(k, &port_code) == RF_OK);
    RF_CHECK(k, "door rbx=0xffffffff rax=0xff"); /* nothing is connected */
    rf_bare_set_ports(b, device_read, device_write, &device);
    ck_assert(rf_kit_run(k, &port_code) == RF_OK);
    RF_CHECK(k, "door rbx=0x11220420 rax=0x21");
    ck_assert_uint_eq(device.writes, 3);
    ck_assert_uint_eq(device.written[0] & 0xff, 0x78);
    ck_assert_uint_eq(device.written[1] & 0xffff, 0x5678);
    ck_assert_uint_eq(device.written[2], 0x12345678);
    ck_assert(device.sizes[0] == 1 && device.sizes[1] == 2 && device.sizes[2] == 4);
    /* an interrupt that OUT has raised comes right after it */
    ck_assert(rf_kit_continue(k, 0) == RF_OK);
    ck_assert_str_eq(rf_kit_outcome(k)->name, "interrupt 0x33");
    ck_assert_uint_eq(rf_kit_outcome(k)->instruction[0], 'n'); /* NOP */
    rf_bare_set_ports(b, NULL, NULL, NULL);
}

/* --- real-address mode, after power-on --- */

BARE(power_on_runs_16_bit_code)
{
    rf_bare_stop_reason reason;
    char text[64];
    ck_assert(rf_bare_write_physical(b, 0, "\xb8\x34\x12\x0f\x01\xc1", 6) == RF_OK); /* mov ax, 0x1234; vmcall */
    ck_assert(rf_bare_disassemble(b, 0, text, sizeof text, NULL) == RF_OK);
    ck_assert_str_eq(text, "mov ax, 0x1234");
    ck_assert(rf_bare_run(b, 1000, &reason) == RF_OK && reason == RF_BARE_DOOR);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_RAX), 0x1234);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_CS), 0);
    ck_assert_uint_eq(rf_bare_get(b, RF_BARE_CR0), 0x60000010);
}

BARE(pae_paging_loads_its_registers)
{
    ck_assert(rf_bare_set(b, RF_BARE_CR4, 0x20) == RF_OK && rf_bare_set(b, RF_BARE_CR3, 0x1000) == RF_OK);
    const uint64_t bad = 3, good = 0x2001;
    ck_assert(rf_bare_write_physical(b, 0x1000, &bad, 8) == RF_OK);
    REFUSED(b, rf_bare_set(b, RF_BARE_CR0, UINT64_C(0x80000001)), RF_ERR_STATE,
            "a PDPTE of PAE paging has a reserved bit set");
    ck_assert(rf_bare_write_physical(b, 0x1000, &good, 8) == RF_OK);
    ck_assert(rf_bare_set(b, RF_BARE_CR0, UINT64_C(0x80000001)) == RF_OK);
    ck_assert(rf_bare_write_physical(b, 0x3000, &bad, 8) == RF_OK);
    REFUSED(b, rf_bare_set(b, RF_BARE_CR3, 0x3000), RF_ERR_STATE, "reserved bit set");
}

/* --- looking --- */

KIT(instructions_are_disassembled)
{
    char text[64];
    unsigned length;
    ck_assert(rf_kit_place(k, RF_KIT_KERNEL_TEXT, &halting) == RF_OK);
    ck_assert(rf_bare_disassemble(b, RF_KIT_KERNEL_TEXT + 2, text, sizeof text, &length) == RF_OK);
    ck_assert_str_eq(text, "inc rax");
    ck_assert_uint_eq(length, 3);
    REFUSED(b, rf_bare_disassemble(b, RF_KIT_ABSENT, text, sizeof text, NULL), RF_ERR_FAULT,
            "no instruction can be fetched at 0x200000: P = 0");
    REFUSED(b, rf_bare_disassemble(b, RF_KIT_KERNEL_TEXT, text, 0, NULL), RF_ERR_ARGUMENT, "no buffer");
    ck_assert(rf_bare_write_physical(b, RF_KIT_ABSENT - 2, "\x0f\xff", 2) == RF_OK); /* cut by the page's end */
    ck_assert(rf_bare_disassemble(b, RF_KIT_ABSENT - 2, text, sizeof text, &length) == RF_OK);
    ck_assert_str_eq(text, "bytes 0f ff");
    ck_assert_uint_eq(rf_disassemble("\xc3", 1, 0, 64, text, sizeof text), 1);
    ck_assert_str_eq(text, "ret");
    ck_assert_uint_eq(rf_disassemble(NULL, 1, 0, 64, text, sizeof text), 0);
}

KIT(figures_add_up)
{
    rf_stats stats;
    uint64_t sum = 0;
    ck_assert(rf_kit_run(k, &undefined) == RF_OK);
    rf_bare_stats(b, &stats);
    for (unsigned i = 0; i < 8; i++)
        sum += stats.account_cycles[i];
    ck_assert_uint_eq(sum, stats.cycles);
    ck_assert_uint_eq(stats.cycles, rf_bare_cycles(b));
    ck_assert_uint_eq(stats.exceptions[6], 1);
}

int main(void)
{
    const TTest *const tests[] = {
        bad_configs_are_refused, configs_are_rounded_and_defaulted, every_register_has_a_name_and_reads_back,
        cet_has_rules, impossible_values_are_refused, long_mode_has_its_own_rules, segments_keep_to_the_rules,
        msrs_follow_wrmsr,
        physical_memory_ends, linear_memory_is_walked, doors_and_steps, limits_and_stop_requests,
        a_triple_fault_is_reported, interrupts_wake_the_cpu, interrupts_wait_for_the_flag,
        steps_respect_the_shadow_of_sti, a_timer_comes_in_time, a_timer_ends_halt_and_time_passes, nmis_do_not_nest,
        ports_are_the_callers, power_on_runs_16_bit_code, pae_paging_loads_its_registers,
        instructions_are_disassembled,
        figures_add_up,
    };
    Suite *suite = suite_create("bare");
    TCase *cases = tcase_create("bare");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
