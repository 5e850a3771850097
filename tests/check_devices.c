/* The board's bus, serial port, fw_cfg, test device and exit ports, and the CPU's way to them: one rule
 * a case. Sources are the data sheets and qemu's files that the devices' headers name. */
#include "lib/devices_case.h"
#include "lib/suite.h"

/* --- the bus --- */

static struct { unsigned offset, size; uint32_t value; unsigned count; } seen;
static uint32_t see_in(void *user, unsigned offset, unsigned size)
{
    (void)user;
    seen.offset = offset;
    seen.size = size;
    seen.count++;
    return 0x11223344;
}
static void see_out(void *user, unsigned offset, uint32_t value, unsigned size)
{
    (void)see_in(user, offset, size);
    seen.value = value;
}
static void add(uint16_t first, uint32_t count, uint8_t width)
{
    memset(&seen, 0, sizeof seen);
    ck_assert(rf_bus_add_ports(&d->bus, &(struct rf_port_range){ first, count, width, see_in, see_out, NULL }));
}

START_TEST(no_device_reads_ones_at_each_size)
{
    ck_assert_uint_eq(in(0x9990, 1), 0xff);
    ck_assert_uint_eq(in(0x9990, 2), 0xffff);
    ck_assert_uint_eq(in(0x9990, 4), UINT32_MAX);
    ck_assert_uint_eq(load(0xfd000000), UINT32_MAX);
}
END_TEST
START_TEST(a_value_is_cut_to_its_size)
{
    add(0x9000, 4, 4);
    ck_assert_uint_eq(in(0x9000, 2), 0x3344);
    out(0x9000, 0x12345678, 1);
    ck_assert_uint_eq(seen.value, 0x78);
}
END_TEST
START_TEST(wide_accesses_to_narrow_devices_are_bytes)
{
    add(0x9000, 8, 1);
    ck_assert_uint_eq(in(0x9000, 4), 0x44444444);
    ck_assert_uint_eq(seen.count, 4);
    ck_assert_uint_eq(seen.offset, 3);
    out(0x9002, 0xabcd, 2);
    ck_assert_uint_eq(seen.value, 0xab);
    ck_assert_uint_eq(seen.offset, 3);
}
END_TEST
START_TEST(an_access_over_the_end_of_a_range_is_bytes)
{
    add(0x9000, 2, 4);
    ck_assert_uint_eq(in(0x9001, 2), 0xff44);
    ck_assert_uint_eq(seen.count, 1);
}
END_TEST
START_TEST(port_ffff_is_followed_by_port_0)
{
    add(0xffff, 1, 4);
    ck_assert_uint_eq(in(0xffff, 2), 0xff44);
}
END_TEST
START_TEST(a_later_range_answers_first)
{
    add(0x3f8, 8, 1);
    ck_assert_uint_eq(in(0x3fd, 1), 0x44);
}
END_TEST
START_TEST(bad_ranges_are_refused)
{
    ck_assert(!rf_bus_add_ports(&d->bus, &(struct rf_port_range){ 0x9000, 0, 1, NULL, NULL, NULL }));
    ck_assert(!rf_bus_add_ports(&d->bus, &(struct rf_port_range){ 0xfff0, 17, 1, NULL, NULL, NULL }));
    ck_assert(!rf_bus_add_memory(&d->bus, &(struct rf_memory_range){ UINT64_MAX, 2, NULL, NULL, NULL }));
    ck_assert(!rf_bus_add_memory(&d->bus, &(struct rf_memory_range){ 0, 0, NULL, NULL, NULL }));
    while (rf_bus_add_ports(&d->bus, &(struct rf_port_range){ 0x9000, 1, 1, NULL, NULL, NULL }))
        ;
    ck_assert_uint_eq(d->bus.port_ranges, RF_BUS_RANGES);
}
END_TEST
START_TEST(memory_accesses_are_cut_at_ranges)
{
    uint8_t bytes[8];
    memset(d->testdev.memory, 0x5a, sizeof d->testdev.memory);
    rf_bus_load(&d->bus, RF_TESTDEV_MEMORY + RF_TESTDEV_MEMORY_SIZE - 4, bytes, 8);
    ck_assert_uint_eq(bytes[3], 0x5a);
    ck_assert_uint_eq(bytes[4], 0xff);
}
END_TEST

/* --- the CPU's way to ports --- */

static void run(const char *code, size_t size)
{
    bare_run(&machine, code, size);
}
#define RUN_BYTES(bytes) run(bytes "\x0f\x01\xc1", sizeof(bytes "\x0f\x01\xc1") - 1)

START_TEST(in_writes_only_its_part_of_rax)
{
    add(0x90, 4, 4);
    machine.cpu->r[RF_RAX] = UINT64_MAX;
    RUN_BYTES("\xe4\x90"); /* in $0x90, %al */
    ck_assert_uint_eq(machine.cpu->r[RF_RAX], UINT64_C(0xffffffffffffff44));
    RUN_BYTES("\x66\xe5\x90"); /* in $0x90, %ax */
    ck_assert_uint_eq(machine.cpu->r[RF_RAX], UINT64_C(0xffffffffffff3344));
    RUN_BYTES("\xe5\x90"); /* in $0x90, %eax */
    ck_assert_uint_eq(machine.cpu->r[RF_RAX], 0x11223344);
}
END_TEST
START_TEST(out_by_dx_gives_port_and_value)
{
    add(0x1234, 4, 4);
    machine.cpu->r[RF_RDX] = 0xffff1236;
    machine.cpu->r[RF_RAX] = 0xabcd1234;
    RUN_BYTES("\x66\xef"); /* out %ax, %dx */
    ck_assert_uint_eq(seen.offset, 2);
    ck_assert_uint_eq(seen.size, 2);
    ck_assert_uint_eq(seen.value, 0x1234);
}
END_TEST
START_TEST(rep_outsb_sends_each_byte)
{
    memcpy(machine.ram.base + BARE_USER_DATA, "hello", 5);
    machine.cpu->r[RF_RSI] = BARE_USER_DATA;
    machine.cpu->r[RF_RCX] = 5;
    machine.cpu->r[RF_RDX] = 0x3f8;
    RUN_BYTES("\xf3\x6e");
    ck_assert_uint_eq(sent_count, 5);
    ck_assert_mem_eq(sent, "hello", 5);
    ck_assert_uint_eq(machine.cpu->r[RF_RCX], 0);
}
END_TEST
START_TEST(rep_insl_stores_each_element)
{
    add(0x9000, 4, 4);
    machine.cpu->r[RF_RDI] = BARE_USER_DATA;
    machine.cpu->r[RF_RCX] = 3;
    machine.cpu->r[RF_RDX] = 0x9000;
    RUN_BYTES("\xf3\x6d");
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_uint_eq(bare_read(&machine, BARE_USER_DATA + 4), UINT64_C(0x1122334411223344));
    ck_assert_uint_eq(bare_read(&machine, BARE_USER_DATA + 12), 0);
}
END_TEST
/* The element's place is checked first: a port that is read has lost its value. */
START_TEST(ins_that_faults_reads_no_port)
{
    add(0x9000, 4, 4);
    machine.cpu->r[RF_RDI] = BARE_ABSENT;
    machine.cpu->r[RF_RDX] = 0x9000;
    RUN_BYTES("\x6c");
    ck_assert_int_eq(machine.vector, RF_PF);
    ck_assert_uint_eq(seen.count, 0);
}
END_TEST
START_TEST(ports_refused_by_iopl_reach_no_device)
{
    bare_destroy(&machine);
    bare_create(&machine, 3);
    rf_cpu_connect(machine.cpu, &(const struct rf_bus_ops){ 0 }, NULL);
    memset(d, 0, sizeof *d);
    rf_devices_connect(d, machine.cpu, BARE_RAM);
    RUN_BYTES("\xe6\xf4");
    ck_assert_int_eq(machine.vector, RF_GP);
    ck_assert(!d->power.exited);
}
END_TEST

/* --- the serial port: PC16550D, section 8 --- */

START_TEST(serial_sends_what_is_written)
{
    out(0x3f8, 'x', 1);
    ck_assert_uint_eq(sent_count, 1);
    ck_assert_int_eq(sent[0], 'x');
}
END_TEST
START_TEST(serial_is_always_ready) { ck_assert_uint_eq(in(0x3fd, 1), 0x60); }
END_TEST
START_TEST(serial_divisor_latch)
{
    out(0x3fb, 0x80, 1);
    out(0x3f8, 0x01, 1);
    out(0x3f9, 0x02, 1);
    ck_assert_uint_eq(in(0x3f8, 1), 1);
    ck_assert_uint_eq(in(0x3f9, 1), 2);
    out(0x3fb, 0x03, 1);
    ck_assert_uint_eq(in(0x3fb, 1), 3);
    ck_assert_uint_eq(in(0x3f9, 1), 0);
    ck_assert_uint_eq(sent_count, 0);
}
END_TEST
START_TEST(serial_scratch_and_modem_registers)
{
    out(0x3ff, 0xa5, 1);
    out(0x3fc, 0xff, 1);
    ck_assert_uint_eq(in(0x3ff, 1), 0xa5);
    ck_assert_uint_eq(in(0x3fc, 1), 0x1f);
    ck_assert_uint_eq(in(0x3fe, 1), 0xb0);
}
END_TEST
START_TEST(serial_fifo_is_told_by_iir)
{
    ck_assert_uint_eq(in(0x3fa, 1), 0x01);
    out(0x3fa, 0x01, 1);
    ck_assert_uint_eq(in(0x3fa, 1), 0xc1);
}
END_TEST
START_TEST(serial_line_status_is_read_only)
{
    out(0x3fd, 0, 1);
    ck_assert_uint_eq(in(0x3fd, 1), 0x60);
}
END_TEST

/* --- fw_cfg --- */

static uint64_t item(uint16_t key, unsigned bytes)
{
    uint64_t value = 0;
    out(0x510, key, 2);
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)in(0x511, 1) << 8 * i;
    return value;
}

START_TEST(fw_cfg_items)
{
    ck_assert_uint_eq(item(0, 4), 0x554d4551);
    ck_assert_uint_eq(item(1, 4), 1);
    ck_assert_uint_eq(item(3, 8), BARE_RAM);
    ck_assert_uint_eq(item(5, 2), 1);
    ck_assert_uint_eq(item(0xf, 2), 1);
    ck_assert_uint_eq(item(0x11, 8), 0);
    ck_assert_uint_eq(item(0x7fff, 8), 0);
}
END_TEST
START_TEST(fw_cfg_reads_zero_beyond_an_item)
{
    item(3, 8);
    ck_assert_uint_eq(in(0x511, 1), 0);
}
END_TEST
START_TEST(fw_cfg_selecting_starts_again)
{
    item(3, 3);
    ck_assert_uint_eq(item(3, 8), BARE_RAM);
}
END_TEST
START_TEST(fw_cfg_selector_takes_words_only)
{
    item(0, 0);
    out(0x510, 3, 1);
    ck_assert_uint_eq(in(0x511, 1), 'Q');
}
END_TEST

/* --- the test device --- */

START_TEST(testdev_echo_by_parts)
{
    out(0xe0, 0x12345678, 4);
    out(0xe1, 0xff, 1);
    ck_assert_uint_eq(in(0xe0, 4), 0x1234ff78);
    ck_assert_uint_eq(in(0xe2, 2), 0x1234);
}
END_TEST
START_TEST(testdev_echo_by_bytes)
{
    out(0xe8, 0x12345678, 4);
    ck_assert_uint_eq(in(0xe8, 4), 0x12345678);
    ck_assert_uint_eq(in(0xe0, 4), 0x12345678);
}
END_TEST
START_TEST(testdev_flush_port_keeps_the_echo)
{
    out(0xe0, 7, 4);
    out(0xe4, 0x1000, 4);
    ck_assert_uint_eq(in(0xe0, 4), 7);
}
END_TEST
START_TEST(testdev_lines_follow_the_value)
{
    redirect(14, 0x77, 0);
    out(0x200e, 1, 1);
    ck_assert(requested(0x77));
    ck_assert_uint_eq(d->ioapic.lines, 1u << 14);
    out(0x200e, 0, 1);
    ck_assert_uint_eq(d->ioapic.lines, 0);
}
END_TEST
START_TEST(testdev_memory_keeps_bytes)
{
    store(RF_TESTDEV_MEMORY + 0xfffc, 0x12345678);
    ck_assert_uint_eq(load(RF_TESTDEV_MEMORY + 0xfffc), 0x12345678);
    ck_assert_uint_eq(load(RF_TESTDEV_MEMORY + 0x10000), UINT32_MAX);
}
END_TEST

/* --- devices in memory, from the CPU --- */

#define WINDOW UINT64_C(0x204000)
static void map(uint64_t va, uint64_t pa)
{
    *bare_pte(&machine, va) = pa | RF_PTE_P | RF_PTE_W;
    bare_flush(&machine);
    machine.cpu->r[RF_RDI] = WINDOW;
}
static uint32_t word(unsigned offset) { return load(RF_TESTDEV_MEMORY + offset); }

START_TEST(cpu_exchange_with_a_device)
{
    map(WINDOW, RF_TESTDEV_MEMORY);
    store(RF_TESTDEV_MEMORY, 5);
    machine.cpu->r[RF_RAX] = 9;
    RUN_BYTES("\x87\x07"); /* xchg %eax, (%rdi) */
    ck_assert_uint_eq(machine.cpu->r[RF_RAX], 5);
    ck_assert_uint_eq(word(0), 9);
}
END_TEST
START_TEST(cpu_cmpxchg_with_a_device)
{
    map(WINDOW, RF_TESTDEV_MEMORY);
    store(RF_TESTDEV_MEMORY, 5);
    machine.cpu->r[RF_RAX] = 5;
    machine.cpu->r[RF_RCX] = 9;
    RUN_BYTES("\xf0\x0f\xb1\x0f"); /* lock cmpxchg %ecx, (%rdi) */
    ck_assert_uint_eq(word(0), 9);
}
END_TEST
/* The second page is refused: the first one's device must not have been written. */
START_TEST(cpu_a_split_store_that_faults_reaches_no_device)
{
    map(WINDOW, RF_TESTDEV_MEMORY);
    *bare_pte(&machine, WINDOW + 0x1000) = 0;
    bare_flush(&machine);
    machine.cpu->r[RF_RDI] = WINDOW + 0xffe;
    machine.cpu->r[RF_RAX] = UINT32_MAX;
    RUN_BYTES("\x89\x07"); /* mov %eax, (%rdi) */
    ck_assert_int_eq(machine.vector, RF_PF);
    ck_assert_uint_eq(word(0xffc), 0);
}
END_TEST
START_TEST(cpu_a_store_across_two_devices_pages)
{
    map(WINDOW, RF_TESTDEV_MEMORY);
    map(WINDOW + 0x1000, RF_TESTDEV_MEMORY + 0x3000);
    machine.cpu->r[RF_RDI] = WINDOW + 0xffe;
    machine.cpu->r[RF_RAX] = 0x11223344;
    RUN_BYTES("\x89\x07");
    ck_assert_uint_eq(word(0xffc), 0x33440000);
    ck_assert_uint_eq(word(0x3000), 0x1122);
}
END_TEST
START_TEST(cpu_rep_movs_from_ram_to_a_device)
{
    map(WINDOW, RF_TESTDEV_MEMORY);
    memcpy(machine.ram.base + BARE_USER_DATA, "0123456789abcdef", 16);
    machine.cpu->r[RF_RSI] = BARE_USER_DATA;
    machine.cpu->r[RF_RCX] = 16;
    RUN_BYTES("\xf3\xa4");
    ck_assert_mem_eq(d->testdev.memory, "0123456789abcdef", 16);
}
END_TEST
START_TEST(cpu_code_is_not_fetched_from_devices)
{
    map(WINDOW, RF_TESTDEV_MEMORY);
    memset(d->testdev.memory, 0x90, 64);
    RUN_BYTES("\xff\xe7"); /* jmp *%rdi */
    ck_assert_int_eq(machine.vector, RF_UD);
    ck_assert_uint_eq(machine.frame.rip, WINDOW);
}
END_TEST

/* --- the ends --- */

START_TEST(exit_port_stops_at_once)
{
    machine.cpu->r[RF_RAX] = 0x12345678;
    RUN_BYTES("\xe7\xf4\x0f\x0b"); /* out %eax, $0xf4; ud2 */
    ck_assert_int_eq(machine.stop, RF_STOP_DEVICE);
    ck_assert_uint_eq(machine.cpu->r[RF_REG_IP], BARE_KERNEL_TEXT + 2);
    ck_assert(d->power.exited);
    ck_assert_uint_eq(d->power.code, 0x12345678);
}
END_TEST
START_TEST(exit_port_takes_bytes)
{
    machine.cpu->r[RF_RAX] = 0x12345678;
    RUN_BYTES("\xe6\xf5"); /* out %al, $0xf5 */
    ck_assert_uint_eq(d->power.code, 0x78);
}
END_TEST
static void spell(const char *word_)
{
    for (; *word_; word_++)
        out(0x8900, (uint8_t)*word_, 1);
}
START_TEST(shutdown_word)
{
    spell("Shutdow");
    ck_assert(!d->power.shut_down);
    spell("n");
    ck_assert(d->power.shut_down);
    ck_assert_int_eq(machine.cpu->stop, RF_STOP_DEVICE);
}
END_TEST
START_TEST(shutdown_word_after_a_wrong_letter)
{
    spell("ShutSShutdown");
    ck_assert(d->power.shut_down);
}
END_TEST
START_TEST(shutdown_needs_the_whole_word)
{
    spell("Shutdowm");
    spell("hutdown");
    ck_assert(!d->power.shut_down);
}
END_TEST

int main(void)
{
    const TTest *const all[] = {
        no_device_reads_ones_at_each_size, a_value_is_cut_to_its_size,
        wide_accesses_to_narrow_devices_are_bytes, an_access_over_the_end_of_a_range_is_bytes,
        port_ffff_is_followed_by_port_0, a_later_range_answers_first, bad_ranges_are_refused,
        memory_accesses_are_cut_at_ranges, in_writes_only_its_part_of_rax, out_by_dx_gives_port_and_value,
        rep_outsb_sends_each_byte, rep_insl_stores_each_element, ins_that_faults_reads_no_port,
        ports_refused_by_iopl_reach_no_device, serial_sends_what_is_written, serial_is_always_ready,
        serial_divisor_latch, serial_scratch_and_modem_registers, serial_fifo_is_told_by_iir,
        serial_line_status_is_read_only, fw_cfg_items, fw_cfg_reads_zero_beyond_an_item,
        fw_cfg_selecting_starts_again, fw_cfg_selector_takes_words_only, testdev_echo_by_parts,
        testdev_echo_by_bytes, testdev_flush_port_keeps_the_echo, testdev_lines_follow_the_value,
        testdev_memory_keeps_bytes, cpu_exchange_with_a_device, cpu_cmpxchg_with_a_device,
        cpu_a_split_store_that_faults_reaches_no_device, cpu_a_store_across_two_devices_pages,
        cpu_rep_movs_from_ram_to_a_device, cpu_code_is_not_fetched_from_devices, exit_port_stops_at_once,
        exit_port_takes_bytes, shutdown_word, shutdown_word_after_a_wrong_letter, shutdown_needs_the_whole_word,
    };
    Suite *suite = suite_create("devices");
    TCase *tests = tcase_create("devices");
    tcase_add_checked_fixture(tests, setup, teardown);
    ADD_ALL(tests, all);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
