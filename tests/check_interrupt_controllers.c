/* The board's PICs (Intel 8259A data sheet) and I/O APIC (82093AA data sheet): one rule a case. */
#include "lib/devices_case.h"
#include "lib/suite.h"

/* --- the PIC: 8259A --- */

static void init_pic(void)
{
    static const struct { uint16_t port; uint8_t value; } words[] = {
        { 0x20, 0x11 }, { 0x21, 0x28 }, { 0x21, 4 }, { 0x21, 1 }, { 0xa0, 0x11 }, { 0xa1, 0x70 }, { 0xa1, 2 }, { 0xa1, 1 }
    };
    for (size_t i = 0; i < RF_ARRAY_SIZE(words); i++)
        out(words[i].port, words[i].value, 1);
}
static uint8_t ack(void) { return rf_pic_acknowledge(&d->pic); }

START_TEST(pic_starts_masked)
{
    ck_assert_uint_eq(in(0x21, 1), 0xff);
    ck_assert_uint_eq(in(0xa1, 1), 0xff);
    rf_devices_set_line(d, 4, true);
    ck_assert(!d->pic.output);
}
END_TEST
START_TEST(pic_masks_can_be_read)
{
    out(0x21, 0x5a, 1);
    out(0xa1, 0xa5, 1);
    ck_assert_uint_eq(in(0x21, 1), 0x5a);
    ck_assert_uint_eq(in(0xa1, 1), 0xa5);
}
END_TEST
START_TEST(pic_initialisation_clears_the_mask_and_sets_the_base)
{
    init_pic();
    ck_assert_uint_eq(in(0x21, 1), 0);
    rf_devices_set_line(d, 4, true);
    ck_assert(d->pic.output);
    ck_assert_uint_eq(ack(), 0x2c);
}
END_TEST
START_TEST(pic_gives_line_0_the_highest_priority)
{
    init_pic();
    rf_devices_set_line(d, 5, true);
    rf_devices_set_line(d, 1, true);
    ck_assert_uint_eq(ack(), 0x29);
}
END_TEST
START_TEST(pic_in_service_holds_back_lower_lines)
{
    init_pic();
    rf_devices_set_line(d, 1, true);
    ack();
    rf_devices_set_line(d, 5, true);
    ck_assert(!d->pic.output);
    out(0x20, 0x20, 1);
    ck_assert(d->pic.output);
}
END_TEST
START_TEST(pic_higher_line_nests)
{
    init_pic();
    rf_devices_set_line(d, 5, true);
    ack();
    rf_devices_set_line(d, 1, true);
    ck_assert_uint_eq(ack(), 0x29);
    out(0x20, 0x0b, 1);
    ck_assert_uint_eq(in(0x20, 1), 0x22);
    out(0x20, 0x20, 1); /* ends line 1 */
    ck_assert_uint_eq(in(0x20, 1), 0x20);
}
END_TEST
START_TEST(pic_specific_end_of_interrupt)
{
    init_pic();
    rf_devices_set_line(d, 5, true);
    ack();
    rf_devices_set_line(d, 1, true);
    ack();
    out(0x20, 0x65, 1);
    out(0x20, 0x0b, 1);
    ck_assert_uint_eq(in(0x20, 1), 0x02);
}
END_TEST
START_TEST(pic_an_edge_interrupts_once)
{
    init_pic();
    rf_devices_set_line(d, 5, true);
    ack();
    out(0x20, 0x20, 1);
    ck_assert(!d->pic.output);
    rf_devices_set_line(d, 5, false);
    rf_devices_set_line(d, 5, true);
    ck_assert(d->pic.output);
}
END_TEST
START_TEST(pic_request_that_falls_is_spurious)
{
    init_pic();
    rf_devices_set_line(d, 5, true);
    rf_devices_set_line(d, 5, false);
    ck_assert_uint_eq(ack(), 0x2f);
    out(0x20, 0x0b, 1);
    ck_assert_uint_eq(in(0x20, 1), 0);
}
END_TEST
START_TEST(pic_lines_of_the_second_chip)
{
    init_pic();
    rf_devices_set_line(d, 12, true);
    ck_assert_uint_eq(ack(), 0x74);
    out(0x20, 0x0b, 1);
    ck_assert_uint_eq(in(0x20, 1), 0x04);
    out(0xa0, 0x20, 1);
    out(0x20, 0x20, 1);
    rf_devices_set_line(d, 9, true);
    ck_assert_uint_eq(ack(), 0x71);
}
END_TEST
START_TEST(pic_two_lines_of_the_second_chip_come_in_turn)
{
    init_pic();
    rf_devices_set_line(d, 9, true);
    rf_devices_set_line(d, 12, true);
    ck_assert_uint_eq(ack(), 0x71);
    out(0xa0, 0x20, 1);
    out(0x20, 0x20, 1);
    ck_assert(d->pic.output);
    ck_assert_uint_eq(ack(), 0x74);
}
END_TEST
START_TEST(pic_auto_eoi)
{
    out(0x20, 0x11, 1);
    out(0x21, 0x28, 1);
    out(0x21, 4, 1);
    out(0x21, 3, 1);
    rf_devices_set_line(d, 5, true);
    ack();
    out(0x20, 0x0b, 1);
    ck_assert_uint_eq(in(0x20, 1), 0);
}
END_TEST
START_TEST(pic_irr_is_read_by_default)
{
    rf_devices_set_line(d, 5, true);
    ck_assert_uint_eq(in(0x20, 1), 0x20);
}
END_TEST
START_TEST(pic_reaches_the_cpu_through_lint0)
{
    init_pic();
    rf_devices_set_line(d, 5, true);
    ck_assert(machine.cpu->interrupt_pending);
    ck_assert_uint_eq(rf_apic_acknowledge(machine.cpu), 0x2d);
    ck_assert(!machine.cpu->interrupt_pending);
}
END_TEST

/* --- the I/O APIC: 82093AA --- */

START_TEST(ioapic_version_and_id)
{
    ck_assert_uint_eq(io_read(1), 0x170020);
    io_write(0, 0x0f000000);
    ck_assert_uint_eq(io_read(0), 0x0f000000);
    ck_assert_uint_eq(io_read(2), 0x0f000000);
}
END_TEST
START_TEST(ioapic_select_can_be_read) { store(RF_IOAPIC_BASE, 0x15); ck_assert_uint_eq(load(RF_IOAPIC_BASE), 0x15); }
END_TEST
START_TEST(ioapic_entries_start_masked)
{
    for (unsigned pin = 0; pin < 24; pin++)
        ck_assert_uint_eq(io_read((uint8_t)(0x10 + 2 * pin)), 0x10000);
    ck_assert_uint_eq(io_read(0x40), 0);
}
END_TEST
START_TEST(ioapic_read_only_bits_stay)
{
    redirect(3, 0x15040, 0xff000000);
    ck_assert_uint_eq(io_read(0x16), 0x10040);
    ck_assert_uint_eq(io_read(0x17), 0xff000000);
}
END_TEST
START_TEST(ioapic_edge_sends_its_vector)
{
    redirect(14, 0x77, 0);
    pulse(14);
    ck_assert(requested(0x77));
}
END_TEST
START_TEST(ioapic_edge_while_masked_is_lost)
{
    redirect(14, 0x10077, 0);
    pulse(14);
    redirect(14, 0x77, 0);
    ck_assert(!requested(0x77));
}
END_TEST
START_TEST(ioapic_edge_that_is_still_up_does_not_come_again)
{
    redirect(14, 0x77, 0);
    rf_devices_set_line(d, 14, true);
    end();
    rf_devices_set_line(d, 14, true);
    ck_assert(!requested(0x77));
}
END_TEST
START_TEST(ioapic_level_sets_remote_irr_until_eoi)
{
    redirect(14, 0x8077, 0);
    rf_devices_set_line(d, 14, true);
    ck_assert_uint_eq(io_read(0x10 + 28), 0xc077);
    rf_devices_set_line(d, 14, false);
    end();
    ck_assert_uint_eq(io_read(0x10 + 28), 0x8077);
    ck_assert(!requested(0x77));
}
END_TEST
START_TEST(ioapic_level_that_is_still_up_comes_again)
{
    redirect(14, 0x8077, 0);
    rf_devices_set_line(d, 14, true);
    end();
    ck_assert(requested(0x77));
}
END_TEST
START_TEST(ioapic_level_is_remembered_while_masked)
{
    redirect(14, 0x18077, 0);
    rf_devices_set_line(d, 14, true);
    ck_assert(!requested(0x77));
    redirect(14, 0x8077, 0);
    ck_assert(requested(0x77));
}
END_TEST
START_TEST(ioapic_remote_irr_is_cleared_by_edge_mode)
{
    redirect(14, 0x8077, 0);
    rf_devices_set_line(d, 14, true);
    redirect(14, 0x10077, 0);
    ck_assert_uint_eq(io_read(0x10 + 28), 0x10077);
}
END_TEST
/* Version 20H has an EOI register. */
START_TEST(ioapic_eoi_register)
{
    redirect(14, 0x8077, 0);
    rf_devices_set_line(d, 14, true);
    rf_devices_set_line(d, 14, false);
    store(RF_IOAPIC_BASE + 0x40, 0x77);
    ck_assert_uint_eq(io_read(0x10 + 28), 0x8077);
}
END_TEST
START_TEST(ioapic_line_0_is_pin_2)
{
    redirect(2, 0x77, 0);
    pulse(0);
    ck_assert(requested(0x77));
}
END_TEST
START_TEST(ioapic_lines_beyond_the_pic)
{
    redirect(23, 0x77, 0);
    pulse(23);
    pulse(24);
    ck_assert(requested(0x77));
}
END_TEST
START_TEST(ioapic_physical_destination)
{
    redirect(14, 0x77, 0x01000000);
    pulse(14);
    ck_assert(!requested(0x77));
    redirect(14, 0x77, 0xff000000);
    pulse(14);
    ck_assert(requested(0x77));
}
END_TEST
START_TEST(ioapic_logical_destination)
{
    machine.cpu->apic.ldr = 0x02000000;
    redirect(14, 0x877, 0x01000000);
    pulse(14);
    ck_assert(!requested(0x77));
    redirect(14, 0x877, 0x03000000);
    pulse(14);
    ck_assert(requested(0x77));
}
END_TEST
START_TEST(ioapic_lowest_priority_goes_to_the_one_cpu)
{
    redirect(14, 0x177, 0);
    pulse(14);
    ck_assert(requested(0x77));
}
END_TEST
START_TEST(ioapic_nmi)
{
    redirect(14, 0x400, 0);
    pulse(14);
    ck_assert(machine.cpu->nmi_pending);
}
END_TEST
START_TEST(ioapic_byte_access_to_the_window_is_ignored)
{
    redirect(14, 0x77, 0);
    rf_bus_store(&d->bus, RF_IOAPIC_BASE + 0x10, "\x55", 1);
    ck_assert_uint_eq(io_read(0x10 + 28), 0x77);
}
END_TEST

int main(void)
{
    const TTest *const all[] = {
        pic_starts_masked, pic_masks_can_be_read, pic_initialisation_clears_the_mask_and_sets_the_base,
        pic_gives_line_0_the_highest_priority, pic_in_service_holds_back_lower_lines, pic_higher_line_nests,
        pic_specific_end_of_interrupt, pic_an_edge_interrupts_once, pic_request_that_falls_is_spurious,
        pic_lines_of_the_second_chip, pic_two_lines_of_the_second_chip_come_in_turn, pic_auto_eoi,
        pic_irr_is_read_by_default, pic_reaches_the_cpu_through_lint0, ioapic_version_and_id,
        ioapic_select_can_be_read, ioapic_entries_start_masked, ioapic_read_only_bits_stay,
        ioapic_edge_sends_its_vector, ioapic_edge_while_masked_is_lost,
        ioapic_edge_that_is_still_up_does_not_come_again, ioapic_level_sets_remote_irr_until_eoi,
        ioapic_level_that_is_still_up_comes_again, ioapic_level_is_remembered_while_masked,
        ioapic_remote_irr_is_cleared_by_edge_mode, ioapic_eoi_register, ioapic_line_0_is_pin_2,
        ioapic_lines_beyond_the_pic, ioapic_physical_destination, ioapic_logical_destination,
        ioapic_lowest_priority_goes_to_the_one_cpu, ioapic_nmi, ioapic_byte_access_to_the_window_is_ignored,
    };
    Suite *suite = suite_create("interrupt controllers");
    TCase *tests = tcase_create("interrupt controllers");
    tcase_add_checked_fixture(tests, setup, teardown);
    ADD_ALL(tests, all);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
