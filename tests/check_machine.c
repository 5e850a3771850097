/* The public machine: wrong use, limits, stopping, several machines, figures. */
#include "tiny_elf.h"

#include "lib/suite.h"

#include <check.h>
#include <pthread.h>
#include <ringfort/machine.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- programs --- */

#define EXIT_42 0xbf, 42, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 /* mov edi, 42; exit_group */
static const uint8_t exits[] = { EXIT_42 };
static const uint8_t loops[] = { 0xeb, 0xfe };                                          /* jmp . */
static const uint8_t sleeps[] = { 0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe };          /* pause */
static const uint8_t faults[] = { 0x31, 0xc0, 0x8b, 0x40, 0x10 };                       /* mov eax, [rax + 16] */
static const uint8_t traps[] = { 0x90, 0x0f, 0x0b };                                    /* ud2 */
/* a thousand getppid, then exit */
static const uint8_t calls[] = { 0xbb, 0xe8, 3, 0, 0, 0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0xff, 0xcb, 0x75, 0xf5, EXIT_42 };
/* exit with argc */
static const uint8_t counts[] = { 0x8b, 0x3c, 0x24, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };
/* touch the stack, a page down each time, until it fails */
static const uint8_t hogs[] = {
    0x31, 0xff, 0xbe, 0, 0, 0, 0x40, 0xba, 3, 0, 0, 0, 0x41, 0xba, 0x22, 0x40, 0, 0, /* mmap 1 GiB, NORESERVE */
    0x49, 0x83, 0xc8, 0xff, 0x45, 0x31, 0xc9, 0xb8, 9, 0, 0, 0, 0x0f, 0x05,
    0xc6, 0x00, 0x01, 0x48, 0x05, 0, 0x10, 0, 0, 0xeb, 0xf5,                         /* write each page */
};

static const char *const one_argument[] = { "/program", NULL };

static rf_machine *machine_with(const rf_machine_config *config, const void *code, size_t size)
{
    static uint8_t elf[TINY_ELF_ROOM];
    rf_machine *machine = NULL;
    ck_assert_int_eq(rf_machine_create(config, &machine), RF_OK);
    size_t length = tiny_elf(elf, code, size);
    ck_assert_int_eq(rf_machine_add_file(machine, "/program", elf, length, 0755), RF_OK);
    return machine;
}

static rf_machine *started(const rf_machine_config *config, const void *code, size_t size)
{
    rf_machine *machine = machine_with(config, code, size);
    ck_assert_int_eq(rf_machine_start(machine, "/program", one_argument, NULL, NULL), RF_OK);
    return machine;
}
#define STARTED(config, code) started(config, code, sizeof code)

static rf_stop_reason run(rf_machine *machine)
{
    rf_stop_reason reason;
    ck_assert_msg(rf_machine_run(machine, &reason) == RF_OK, "%s", rf_error_text(machine));
    return reason;
}

static rf_result result_of(rf_machine *machine)
{
    rf_result result;
    ck_assert_int_eq(run(machine), RF_MACHINE_EXITED);
    ck_assert_int_eq(rf_machine_result(machine, &result), RF_OK);
    return result;
}

/* --- creation --- */

START_TEST(null_config_means_defaults)
{
    rf_machine *machine = NULL;
    ck_assert_int_eq(rf_machine_create(NULL, &machine), RF_OK);
    ck_assert_ptr_nonnull(machine);
    ck_assert_str_eq(rf_error_text(machine), "");
    rf_machine_destroy(machine);
}
END_TEST

START_TEST(bad_configs_are_refused_with_a_reason)
{
    char long_name[66];
    memset(long_name, 'h', 65);
    long_name[65] = '\0';
    const rf_machine_config bad[] = {
        { .memory = 1 }, { .memory = (UINT64_C(8) << 20) - 1 }, { .memory = (UINT64_C(64) << 30) + 1 },
        { .memory = UINT64_MAX }, { .hostname = long_name }, { .cpu = "386" }, { .vendor = "via" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rf_machine *machine = (rf_machine *)&machine;
        ck_assert_int_eq(rf_machine_create(&bad[i], &machine), RF_ERR_ARGUMENT);
        ck_assert_ptr_null(machine);
        ck_assert_str_ne(rf_create_error_text(), "");
    }
    ck_assert_int_eq(rf_machine_create(NULL, NULL), RF_ERR_ARGUMENT);
}
END_TEST

START_TEST(nulls_are_refused)
{
    rf_machine *m = machine_with(NULL, exits, sizeof exits);
    rf_stop_reason reason;
    rf_result result;
    ck_assert_int_eq(rf_machine_mount(NULL, "/", "/x", false), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_mount(m, NULL, "/x", false), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_mount(m, "/", NULL, false), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_root(NULL, "/", false), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_root(m, NULL, false), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_add_file(NULL, "/x", "", 0, 0644), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_add_file(m, NULL, "", 0, 0644), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_add_file(m, "/x", NULL, 1, 0644), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_add_file(m, "/empty", NULL, 0, 0644), RF_OK);
    ck_assert_int_eq(rf_machine_start(NULL, "/program", one_argument, NULL, NULL), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_start(m, NULL, one_argument, NULL, NULL), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_start(m, "/program", NULL, NULL, NULL), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_run(NULL, &reason), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_run(m, NULL), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_result(NULL, &result), RF_ERR_ARGUMENT);
    ck_assert_int_eq(rf_machine_result(m, NULL), RF_ERR_ARGUMENT);
    ck_assert_str_eq(rf_error_text(NULL), "");
    rf_machine_destroy(NULL);
    ck_assert_int_eq(rf_machine_start(m, "/program", one_argument, NULL, NULL), RF_OK); /* still usable */
    ck_assert_int_eq(result_of(m).exit_code, 42);
    rf_machine_destroy(m);
}
END_TEST

START_TEST(bad_paths_are_refused)
{
    rf_machine *m = machine_with(NULL, exits, sizeof exits);
    ck_assert_int_ne(rf_machine_add_file(m, "relative", "x", 1, 0644), RF_OK);
    ck_assert_int_ne(rf_machine_add_file(m, "", "x", 1, 0644), RF_OK);
    ck_assert_int_ne(rf_machine_add_file(m, "/", "x", 1, 0644), RF_OK);
    ck_assert_int_ne(rf_machine_add_file(m, "/program/below", "x", 1, 0644), RF_OK);
    ck_assert_str_ne(rf_error_text(m), "");
    ck_assert_int_eq(rf_machine_add_file(m, "/made/for/it", "x", 1, 0644), RF_OK);
    ck_assert_int_eq(rf_machine_mount(m, "/nowhere/at/all", "/x", false), RF_ERR_NOT_FOUND);
    ck_assert_int_ne(rf_machine_mount(m, "/", "relative", false), RF_OK);
    ck_assert_int_eq(rf_machine_root(m, "/nowhere/at/all", false), RF_ERR_NOT_FOUND);
    rf_machine_destroy(m);
}
END_TEST

/* --- states --- */

START_TEST(calls_in_the_wrong_state)
{
    rf_machine *m = machine_with(NULL, exits, sizeof exits);
    rf_stop_reason reason;
    rf_result result;
    ck_assert_int_eq(rf_machine_run(m, &reason), RF_ERR_STATE);
    ck_assert_str_ne(rf_error_text(m), "");
    ck_assert_int_eq(rf_machine_result(m, &result), RF_ERR_STATE);
    ck_assert_int_eq(rf_machine_start(m, "/program", one_argument, NULL, NULL), RF_OK);
    ck_assert_int_eq(rf_machine_start(m, "/program", one_argument, NULL, NULL), RF_ERR_STATE);
    ck_assert_int_eq(rf_machine_mount(m, "/tmp", "/x", false), RF_ERR_STATE);
    ck_assert_int_eq(rf_machine_root(m, "/tmp", false), RF_ERR_STATE);
    ck_assert_int_eq(rf_machine_add_file(m, "/late", "x", 1, 0644), RF_ERR_STATE);
    ck_assert_int_eq(rf_machine_result(m, &result), RF_ERR_STATE);
    ck_assert_int_eq(result_of(m).exit_code, 42);
    ck_assert_int_eq(rf_machine_run(m, &reason), RF_ERR_STATE);
    ck_assert_int_eq(rf_machine_start(m, "/program", one_argument, NULL, NULL), RF_ERR_STATE);
    ck_assert_int_eq(rf_machine_result(m, &result), RF_OK);
    rf_machine_destroy(m);
}
END_TEST

static rf_status start_status(const char *path, const void *bytes, size_t size, uint32_t mode, const char *cwd)
{
    rf_machine *m = NULL;
    ck_assert_int_eq(rf_machine_create(NULL, &m), RF_OK);
    if (bytes)
        ck_assert_int_eq(rf_machine_add_file(m, "/file", bytes, size, mode), RF_OK);
    rf_status status = rf_machine_start(m, path, one_argument, NULL, cwd);
    if (status)
        ck_assert_str_ne(rf_error_text(m), "");
    rf_stop_reason reason;
    if (status)
        ck_assert_int_eq(rf_machine_run(m, &reason), RF_ERR_STATE);
    rf_machine_destroy(m);
    return status;
}

START_TEST(programs_that_cannot_start)
{
    uint8_t elf[TINY_ELF_ROOM];
    size_t size = tiny_elf(elf, exits, sizeof exits);
    ck_assert_int_eq(start_status("/file", elf, size, 0755, NULL), RF_OK);
    ck_assert_int_eq(start_status("/none", elf, size, 0755, NULL), RF_ERR_NOT_FOUND);
    ck_assert_int_eq(start_status("", elf, size, 0755, NULL), RF_ERR_NOT_FOUND);
    ck_assert_int_eq(start_status("/file/x", elf, size, 0755, NULL), RF_ERR_NOT_FOUND);
    ck_assert_int_eq(start_status("/file", elf, size, 0644, NULL), RF_ERR_PERMISSION);
    ck_assert_int_eq(start_status("/tmp", elf, size, 0755, NULL), RF_ERR_PERMISSION);
    ck_assert_int_eq(start_status("/file", "text", 4, 0755, NULL), RF_ERR_FORMAT);
    ck_assert_int_eq(start_status("/file", "", 0, 0755, NULL), RF_ERR_FORMAT);
    ck_assert_int_eq(start_status("/file", elf, 70, 0755, NULL), RF_ERR_FORMAT);
    ck_assert_int_eq(start_status("/file", elf, size, 0755, "/nowhere"), RF_ERR_ARGUMENT);
    elf[18] = 3; /* EM_386 */
    ck_assert_int_ne(start_status("/file", elf, size, 0755, NULL), RF_OK);
}
END_TEST

START_TEST(argument_count_reaches_the_program)
{
    rf_machine *m = machine_with(NULL, counts, sizeof counts);
    const char *const argv[] = { "/program", "a", "", "c", NULL };
    ck_assert_int_eq(rf_machine_start(m, "/program", argv, NULL, "/tmp"), RF_OK);
    ck_assert_int_eq(result_of(m).exit_code, 4);
    rf_machine_destroy(m);
}
END_TEST

/* --- the ways to stop --- */

START_TEST(max_cycles_stops_an_endless_loop)
{
    rf_machine *m = STARTED(&(rf_machine_config){ .max_cycles = 100000 }, loops);
    rf_stats stats;
    rf_result result;
    ck_assert_int_eq(run(m), RF_MACHINE_LIMIT);
    rf_machine_stats(m, &stats);
    ck_assert_uint_ge(stats.cycles, 100000);
    ck_assert_uint_lt(stats.cycles, 200000);
    ck_assert_int_eq(rf_machine_result(m, &result), RF_ERR_STATE);
    uint64_t before = stats.cycles;
    ck_assert_int_eq(run(m), RF_MACHINE_LIMIT); /* at once: the limit is of all runs together */
    rf_machine_stats(m, &stats);
    ck_assert_uint_lt(stats.cycles, before + 100000);
    rf_machine_destroy(m);
}
END_TEST

START_TEST(max_cycles_counts_idle_time)
{
    /* nanosleep of 2^31 s, twice over: only the limit ends it */
    static const uint8_t naps[] = { 0x6a, 0, 0x68, 0, 0, 0, 0x40, 0x48, 0x89, 0xe7, 0x31, 0xf6, 0xb8, 35, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe };
    rf_machine *m = STARTED(&(rf_machine_config){ .max_cycles = 1000000000 }, naps);
    ck_assert_int_eq(run(m), RF_MACHINE_LIMIT);
    rf_machine_destroy(m);
}
END_TEST

static void *stop_soon(void *machine)
{
    usleep(20000);
    rf_machine_stop(machine);
    return NULL;
}

START_TEST(another_thread_stops_a_loop_and_it_goes_on)
{
    rf_machine *m = STARTED(NULL, loops);
    uint64_t cycles = 0;
    for (int round = 0; round < 3; round++) {
        pthread_t thread;
        rf_stats stats;
        ck_assert_int_eq(pthread_create(&thread, NULL, stop_soon, m), 0);
        ck_assert_int_eq(run(m), RF_MACHINE_STOPPED);
        pthread_join(thread, NULL);
        rf_machine_stats(m, &stats);
        ck_assert_uint_gt(stats.cycles, cycles);
        cycles = stats.cycles;
    }
    rf_machine_destroy(m);
}
END_TEST

static rf_machine *alarmed;
static void on_alarm(int signo)
{
    (void)signo;
    rf_machine_stop(alarmed);
}

START_TEST(a_signal_handler_stops_a_loop)
{
    alarmed = STARTED(NULL, loops);
    signal(SIGALRM, on_alarm);
    ualarm(20000, 0);
    ck_assert_int_eq(run(alarmed), RF_MACHINE_STOPPED);
    signal(SIGALRM, SIG_DFL);
    rf_machine_destroy(alarmed);
}
END_TEST

START_TEST(sleep_without_end_is_a_deadlock)
{
    rf_machine *m = STARTED(NULL, sleeps);
    ck_assert_int_eq(run(m), RF_MACHINE_DEADLOCK);
    ck_assert_ptr_nonnull(strstr(rf_error_text(m), "deadlock"));
    rf_machine_destroy(m);
}
END_TEST

START_TEST(memory_that_runs_out_kills_the_program)
{
    rf_machine *m = STARTED(&(rf_machine_config){ .memory = UINT64_C(8) << 20 }, hogs);
    rf_result result = result_of(m);
    ck_assert(result.signaled);
    ck_assert_int_eq(result.signal, 9);
    rf_machine_destroy(m);
}
END_TEST

/* --- the report of a death --- */

START_TEST(a_fault_is_explained)
{
    rf_machine *m = STARTED(NULL, faults);
    rf_result r = result_of(m);
    ck_assert(r.signaled && r.has_fault);
    ck_assert_int_eq(r.signal, 11);
    ck_assert_int_eq(r.si_code, 1); /* SEGV_MAPERR */
    ck_assert_uint_eq(r.rip, TINY_ELF_ENTRY + 2);
    ck_assert_uint_eq(r.fault_address, 16);
    ck_assert_str_eq(r.instruction, "mov eax, [rax+0x10]");
    ck_assert_ptr_nonnull(strstr(r.reason, "read of an address where nothing is mapped"));
    rf_machine_destroy(m);
}
END_TEST

START_TEST(an_invalid_opcode_is_explained)
{
    rf_machine *m = STARTED(NULL, traps);
    rf_result r = result_of(m);
    ck_assert(r.signaled && r.has_fault);
    ck_assert_int_eq(r.signal, 4);
    ck_assert_uint_eq(r.rip, TINY_ELF_ENTRY + 1);
    ck_assert_str_eq(r.instruction, "ud2");
    ck_assert_ptr_nonnull(strstr(r.reason, "#UD"));
    rf_machine_destroy(m);
}
END_TEST

/* --- figures --- */

static rf_stats stats_of(const rf_machine_config *config, const void *code, size_t size)
{
    rf_machine *m = started(config, code, size);
    rf_stats stats;
    run(m);
    rf_machine_stats(m, &stats);
    rf_machine_destroy(m);
    return stats;
}

START_TEST(accounts_add_up_to_the_cycles)
{
    const struct { const uint8_t *code; size_t size; } programs[] = {
        { exits, sizeof exits }, { calls, sizeof calls }, { faults, sizeof faults }, { sleeps, sizeof sleeps },
        { loops, sizeof loops },
    };
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        rf_stats s = stats_of(&(rf_machine_config){ .max_cycles = 300000 }, programs[i].code, programs[i].size);
        uint64_t sum = 0;
        for (unsigned a = 0; rf_stats_account_name(a); a++)
            sum += s.account_cycles[a];
        ck_assert_uint_eq(sum, s.cycles);
        ck_assert_uint_gt(s.instructions, 0);
    }
}
END_TEST

START_TEST(system_calls_are_counted)
{
    rf_machine *m = STARTED(NULL, calls);
    rf_stats stats;
    rf_syscall_stats row;
    run(m);
    rf_machine_stats(m, &stats);
    ck_assert_uint_eq(stats.syscalls, 1001);
    ck_assert_uint_eq(stats.sysrets, 1000);
    ck_assert_uint_eq(stats.syscall_calls, 1001);
    ck_assert(rf_machine_syscall_stats(m, 110, &row));
    ck_assert_uint_eq(row.calls, 1000);
    ck_assert_uint_eq(row.errors, 0);
    ck_assert_uint_gt(row.cycles, 0);
    ck_assert(rf_machine_syscall_stats(m, 231, &row));
    ck_assert(!rf_machine_syscall_stats(m, 0, &row));
    ck_assert(!rf_machine_syscall_stats(m, 100000, &row));
    rf_machine_destroy(m);
}
END_TEST

START_TEST(the_same_run_has_the_same_figures)
{
    rf_stats a = stats_of(NULL, calls, sizeof calls), b = stats_of(NULL, calls, sizeof calls);
    ck_assert_mem_eq(&a, &b, sizeof a);
}
END_TEST

START_TEST(stopping_in_between_changes_no_figure)
{
    rf_stats whole = stats_of(NULL, calls, sizeof calls), stats;
    rf_machine *m = STARTED(NULL, calls);
    rf_stop_reason reason;
    do {
        rf_machine_stop(m);
        reason = run(m);
    } while (reason == RF_MACHINE_STOPPED);
    ck_assert_int_eq(reason, RF_MACHINE_EXITED);
    rf_machine_stats(m, &stats);
    ck_assert_mem_eq(&stats, &whole, sizeof stats);
    rf_machine_destroy(m);
}
END_TEST

static void *run_in_thread(void *out)
{
    *(rf_stats *)out = stats_of(NULL, calls, sizeof calls);
    return NULL;
}

START_TEST(machines_in_threads_do_not_meet)
{
    rf_stats alone = stats_of(NULL, calls, sizeof calls), stats[4];
    pthread_t threads[4];
    /* tiny_elf's buffer in machine_with is shared, but always filled with the same bytes */
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_in_thread, &stats[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_mem_eq(&stats[i], &alone, sizeof alone);
    }
}
END_TEST

START_TEST(two_machines_take_turns)
{
    rf_machine *a = STARTED(NULL, calls), *b = STARTED(NULL, calls);
    rf_stop_reason first = RF_MACHINE_STOPPED, second = RF_MACHINE_STOPPED;
    while (first == RF_MACHINE_STOPPED || second == RF_MACHINE_STOPPED) {
        rf_machine_stop(a), rf_machine_stop(b);
        if (first == RF_MACHINE_STOPPED)
            first = run(a);
        if (second == RF_MACHINE_STOPPED)
            second = run(b);
    }
    ck_assert_int_eq(first, RF_MACHINE_EXITED);
    ck_assert_int_eq(second, RF_MACHINE_EXITED);
    rf_machine_destroy(a);
    rf_machine_destroy(b);
}
END_TEST

START_TEST(machines_come_and_go)
{
    for (int i = 0; i < 50; i++) {
        rf_machine *m = STARTED(NULL, exits);
        if (i % 2)
            ck_assert_int_eq(result_of(m).exit_code, 42);
        rf_machine_destroy(m);
    }
}
END_TEST

/* --- names and tracing --- */

START_TEST(names)
{
    rf_machine *m = machine_with(NULL, exits, sizeof exits);
    ck_assert_str_eq(rf_stats_account_name(0), "user");
    ck_assert_ptr_null(rf_stats_account_name(1000));
    ck_assert_str_eq(rf_syscall_name(0), "read");
    ck_assert_ptr_null(rf_syscall_name(rf_syscall_limit()));
    ck_assert_ptr_null(rf_syscall_name(UINT32_MAX));
    ck_assert(rf_syscall_implemented(m, 0));
    ck_assert(!rf_syscall_implemented(m, UINT32_MAX));
    ck_assert_str_eq(rf_exception_name(14), "#PF");
    for (unsigned i = 0; i < 300; i++)
        ck_assert_ptr_nonnull(rf_exception_name(i));
    ck_assert_ptr_nonnull(strchr(rf_version(), '.'));
    ck_assert_str_eq(rf_status_name(RF_ERR_STATE), "state");
    ck_assert_str_eq(rf_status_name((rf_status)99), "unknown");
    rf_machine_destroy(m);
}
END_TEST

struct lines {
    unsigned count, calls;
    char last[256];
};

static void collect(void *user, const char *line)
{
    struct lines *lines = user;
    lines->count++;
    lines->calls += strstr(line, "getppid()") != NULL;
    snprintf(lines->last, sizeof lines->last, "%s", line);
}

START_TEST(trace_lines_reach_the_callback)
{
    struct lines lines = { 0 };
    rf_machine *m = STARTED((&(rf_machine_config){ .trace = collect, .trace_user = &lines }), calls);
    run(m);
    ck_assert_uint_eq(lines.calls, 1000);
    ck_assert_uint_eq(lines.count, 1002); /* exit_group, and "exited with" */
    ck_assert_str_eq(lines.last, "+++ exited with 42 +++");
    rf_machine_destroy(m);
}
END_TEST

START_TEST(tracing_changes_no_figure)
{
    struct lines lines = { 0 };
    rf_stats with = stats_of(&(rf_machine_config){ .trace = collect, .trace_user = &lines }, calls, sizeof calls);
    rf_stats without = stats_of(NULL, calls, sizeof calls);
    ck_assert_mem_eq(&with, &without, sizeof with);
}
END_TEST

START_TEST(calls_that_are_not_implemented_say_so)
{
    const char *guest = getenv("GUEST");
    if (!guest)
        return; /* run by hand */
    char path[4096], numbers[600][12];
    const char *argv[602] = { "missing_calls" };
    rf_machine *m = NULL;
    int count = 0;
    snprintf(path, sizeof path, "%s/missing_calls", guest);
    ck_assert_int_eq(rf_machine_create(NULL, &m), RF_OK);
    ck_assert_int_eq(rf_machine_mount(m, path, "/missing_calls", false), RF_OK);
    for (unsigned number = 0; number < rf_syscall_limit() + 20 && count < 600; number++) {
        if (rf_syscall_implemented(m, number))
            continue;
        snprintf(numbers[count], sizeof numbers[count], "%u", number);
        argv[count + 1] = numbers[count];
        count++;
    }
    ck_assert_int_gt(count, 20);
    ck_assert_int_eq(rf_machine_start(m, "/missing_calls", argv, NULL, NULL), RF_OK);
    ck_assert_int_eq(result_of(m).exit_code, 0);
    rf_machine_destroy(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("machine");
    TCase *tests = tcase_create("machine");
    const TTest *const all[] = {
        null_config_means_defaults, bad_configs_are_refused_with_a_reason, nulls_are_refused, bad_paths_are_refused,
        calls_in_the_wrong_state, programs_that_cannot_start, argument_count_reaches_the_program,
        max_cycles_stops_an_endless_loop, max_cycles_counts_idle_time, another_thread_stops_a_loop_and_it_goes_on,
        a_signal_handler_stops_a_loop, sleep_without_end_is_a_deadlock, memory_that_runs_out_kills_the_program,
        a_fault_is_explained, an_invalid_opcode_is_explained, accounts_add_up_to_the_cycles, system_calls_are_counted,
        the_same_run_has_the_same_figures, stopping_in_between_changes_no_figure, machines_in_threads_do_not_meet,
        two_machines_take_turns, machines_come_and_go, names, trace_lines_reach_the_callback, tracing_changes_no_figure,
        calls_that_are_not_implemented_say_so,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tcase_add_test(tests, all[i]);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
