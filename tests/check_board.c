/* The public board (include/ringfort/board.h): what its comments promise. */
#include "lib/suite.h"

#include <check.h>
#include <ringfort/board.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static rf_board *board;
static char sent[32];
static unsigned sent_count;

static void on_byte(void *user, unsigned char byte)
{
    ck_assert_ptr_eq(user, sent);
    sent[sent_count++ % sizeof sent] = (char)byte;
}

static void setup(void)
{
    const rf_board_config config = { .memory = 4 << 20, .max_cycles = 1000000, .serial = on_byte, .serial_user = sent };
    ck_assert_int_eq(rf_board_create(&config, &board), RF_OK);
    sent_count = 0;
}
static void teardown(void)
{
    rf_board_destroy(board);
}

/* 32-bit code at 1 MiB behind a header with load addresses. */
static rf_status load_code(const void *code, size_t size)
{
    uint8_t image[512] = { 0 };
    const uint32_t header[] = { 0x1badb002, 0x10000, -(0x1badb002u + 0x10000u), 0x100000, 0x100000, 0, 0, 0x100020 };
    ck_assert_uint_le(size, sizeof image - sizeof header);
    memcpy(image, header, sizeof header);
    memcpy(image + sizeof header, code, size);
    return rf_board_load_multiboot(board, image, sizeof image, NULL, NULL, 0);
}
#define LOAD(bytes) ck_assert_msg(load_code(bytes, sizeof(bytes) - 1) == RF_OK, "%s", rf_board_error_text(board))

static rf_board_stop_reason run(void)
{
    rf_board_stop_reason reason;
    ck_assert_msg(rf_board_run(board, &reason) == RF_OK, "%s", rf_board_error_text(board));
    return reason;
}

START_TEST(defaults)
{
    rf_board *other;
    ck_assert_int_eq(rf_board_create(NULL, &other), RF_OK);
    rf_board_destroy(other);
    rf_board_destroy(NULL);
}
END_TEST
START_TEST(bad_configurations)
{
    static const rf_board_config bad[] = {
        { .memory = (2 << 20) - 1 }, { .memory = (UINT64_C(3) << 30) + 1 }, { .cpu = "386" }, { .cpu = "" },
        { .vendor = "via" }, { .vendor = "" }
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rf_board *other = board;
        ck_assert_int_eq(rf_board_create(&bad[i], &other), RF_ERR_ARGUMENT);
        ck_assert_ptr_null(other);
        ck_assert_str_ne(rf_create_error_text(), "");
    }
    ck_assert_int_eq(rf_board_create(NULL, NULL), RF_ERR_ARGUMENT);
}
END_TEST
START_TEST(running_needs_an_image)
{
    rf_board_stop_reason reason;
    ck_assert_int_eq(rf_board_run(board, &reason), RF_ERR_STATE);
    ck_assert_int_eq(rf_board_run(NULL, &reason), RF_ERR_ARGUMENT);
}
END_TEST
START_TEST(a_bad_image_leaves_the_board_empty)
{
    ck_assert_int_eq(rf_board_load_multiboot(board, "text", 4, NULL, NULL, 0), RF_ERR_FORMAT);
    ck_assert_str_ne(rf_board_error_text(board), "");
    LOAD("\xe7\xf4");
    ck_assert_int_eq(run(), RF_BOARD_EXITED);
}
END_TEST
START_TEST(one_image_a_board)
{
    LOAD("\xf4");
    ck_assert_int_eq(load_code("\xf4", 1), RF_ERR_STATE);
}
END_TEST
START_TEST(too_many_modules)
{
    static const rf_board_module modules[65];
    ck_assert_int_eq(rf_board_load_multiboot(board, "x", 1, NULL, modules, 65), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_board_load_multiboot(board, "x", 1, NULL, NULL, 1), RF_ERR_ARGUMENT);
}
END_TEST
START_TEST(exit_code_and_end)
{
    rf_board_stop_reason reason;
    LOAD("\xb8\x34\x12\x00\x00\xe7\xf4"); /* mov $0x1234, %eax; out %eax, $0xf4 */
    ck_assert_int_eq(run(), RF_BOARD_EXITED);
    ck_assert_uint_eq(rf_board_exit_code(board), 0x1234);
    ck_assert_uint_eq(rf_board_instructions(board), 2);
    ck_assert_int_eq(rf_board_run(board, &reason), RF_ERR_STATE);
}
END_TEST
START_TEST(serial_output)
{
    LOAD("\x66\xba\xf8\x03\xb0\x41\xee\xb0\x42\xee\xf4"); /* mov $0x3f8, %dx; "AB"; hlt */
    ck_assert_int_eq(run(), RF_BOARD_HALTED);
    ck_assert_uint_eq(sent_count, 2);
    ck_assert_mem_eq(sent, "AB", 2);
}
END_TEST
START_TEST(the_limit)
{
    LOAD("\xeb\xfe");
    ck_assert_int_eq(run(), RF_BOARD_LIMIT);
    ck_assert_uint_ge(rf_board_cycles(board), 1000000);
}
END_TEST
START_TEST(a_triple_fault_is_told)
{
    LOAD("\x0f\x0b");
    ck_assert_int_eq(run(), RF_BOARD_TRIPLE_FAULT);
    ck_assert_ptr_nonnull(strstr(rf_board_error_text(board), "triple fault"));
}
END_TEST

/* --- devices of one's own --- */

static uint32_t last_port, last_value;
static uint32_t port_in(void *user, uint16_t port, unsigned size)
{
    ck_assert_ptr_eq(user, &last_port);
    last_port = port;
    return 0x11111111u * size;
}
static void port_out(void *user, uint16_t port, uint32_t value, unsigned size)
{
    (void)user, (void)size;
    last_port = port;
    last_value = value;
    if (value == 0x99)
        rf_board_stop(board);
}
static rf_status add_ports(uint16_t first, uint32_t count, unsigned width)
{
    return rf_board_add_ports(board, &(rf_board_ports){ first, count, width, port_in, port_out, &last_port });
}

START_TEST(ports_of_the_user)
{
    ck_assert_int_eq(add_ports(0x1234, 4, 0), RF_OK);
    LOAD("\x66\xba\x36\x12\x66\xed\x66\xef\xe7\xf4"); /* mov $0x1236, %dx; in; out; exit with EAX */
    ck_assert_int_eq(run(), RF_BOARD_EXITED);
    ck_assert_uint_eq(last_port, 0x1236);
    ck_assert_uint_eq(last_value, 0x2222);
    ck_assert_uint_eq(rf_board_exit_code(board) & 0xffff, 0x2222);
}
END_TEST
START_TEST(ports_of_the_user_hide_the_boards)
{
    ck_assert_int_eq(add_ports(0xf4, 1, 1), RF_OK);
    LOAD("\xe6\xf4\xf4");
    ck_assert_int_eq(run(), RF_BOARD_HALTED);
    ck_assert_uint_eq(last_port, 0xf4);
}
END_TEST
START_TEST(bad_ports)
{
    ck_assert_int_eq(add_ports(0x1000, 0, 0), RF_ERR_ARGUMENT);
    ck_assert_int_eq(add_ports(0xffff, 2, 0), RF_ERR_ARGUMENT);
    ck_assert_int_eq(add_ports(0x1000, 1, 3), RF_ERR_ARGUMENT);
    for (unsigned i = 0; i < 32; i++)
        ck_assert_int_eq(add_ports(0x1000, 1, 0), RF_OK);
    ck_assert_int_eq(add_ports(0x1000, 1, 0), RF_ERR_ARGUMENT);
}
END_TEST
START_TEST(stopping_from_a_port_and_going_on)
{
    ck_assert_int_eq(add_ports(0x80, 1, 1), RF_OK);
    LOAD("\xb0\x99\xe6\x80\xb8\x07\x00\x00\x00\xe7\xf4"); /* out $0x99 to 0x80; exit with 7 */
    ck_assert_int_eq(run(), RF_BOARD_STOPPED);
    ck_assert_uint_eq(rf_board_instructions(board), 2);
    ck_assert_int_eq(run(), RF_BOARD_EXITED);
    ck_assert_uint_eq(rf_board_exit_code(board), 7);
}
END_TEST

static uint8_t cells[16];
static void cell_read(void *user, uint64_t address, void *out, size_t size)
{
    memcpy(out, (uint8_t *)user + (address & 15), size);
}
static void cell_write(void *user, uint64_t address, const void *data, size_t size)
{
    memcpy((uint8_t *)user + (address & 15), data, size);
}

START_TEST(memory_of_the_user)
{
    const rf_board_memory range = { 0xf0000000, 16, cell_read, cell_write, cells };
    ck_assert_int_eq(rf_board_add_memory(board, &range), RF_OK);
    memset(cells, 3, sizeof cells);
    LOAD("\xbb\x00\x00\x00\xf0"   /* mov $0xf0000000, %ebx */
         "\x83\x43\x04\x01"       /* addl $1, 4(%ebx) */
         "\x8b\x43\x04\xe7\xf4"); /* mov 4(%ebx), %eax; out %eax, $0xf4 */
    ck_assert_int_eq(run(), RF_BOARD_EXITED);
    ck_assert_uint_eq(rf_board_exit_code(board), 0x03030304);
    ck_assert_uint_eq(cells[4], 4);
}
END_TEST
START_TEST(bad_memory)
{
    ck_assert_int_eq(rf_board_add_memory(board, &(rf_board_memory){ 0x100000, 4096, NULL, NULL, NULL }), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_board_add_memory(board, &(rf_board_memory){ 0xf0000000, 0, NULL, NULL, NULL }), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_board_add_memory(board, &(rf_board_memory){ UINT64_MAX, 2, NULL, NULL, NULL }), RF_ERR_ARGUMENT);
}
END_TEST
START_TEST(interrupt_lines)
{
    ck_assert_int_eq(rf_board_set_line(board, 23, true), RF_OK);
    ck_assert_int_eq(rf_board_set_line(board, 24, true), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_board_set_line(NULL, 1, true), RF_ERR_ARGUMENT);
}
END_TEST

int main(void)
{
    const TTest *const all[] = {
        defaults, bad_configurations, running_needs_an_image, a_bad_image_leaves_the_board_empty, one_image_a_board,
        too_many_modules, exit_code_and_end, serial_output, the_limit, a_triple_fault_is_told, ports_of_the_user,
        ports_of_the_user_hide_the_boards, bad_ports, stopping_from_a_port_and_going_on, memory_of_the_user, bad_memory,
        interrupt_lines,
    };
    Suite *suite = suite_create("board");
    TCase *tests = tcase_create("board");
    tcase_add_checked_fixture(tests, setup, teardown);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tcase_add_test(tests, all[i]);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
