/* The initial stack: this very process's one, which the host's kernel built, must
 * come out again byte for byte; then layout, limits and errors one by one. */
#include "lib/suite.h"

#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/errno.h"
#include "abi/initial_stack.h"
#include "abi/linux_flags.h"

#define TOP UINT64_C(0x7ffffffff000)

static int host_argc;
static char **host_argv;

static struct rf_stack_request request;
static struct rf_initial_stack stack;

static const char *const two_args[] = {"/bin/prog", "x"};
static const char *const one_env[] = {"A=b"};

static void plain_request(void)
{
    request = (struct rf_stack_request){
        .argv = two_args,
        .argc = 2,
        .envp = one_env,
        .envc = 1,
        .filename = "./prog",
        .stack_top = TOP,
        .hwcap = 0x178bfbff,
        .hwcap2 = 2,
        .phdr = 0x400040,
        .phent = 56,
        .phnum = 10,
        .entry = 0x401000,
        .uid = 1000,
        .euid = 1001,
        .gid = 1002,
        .egid = 1003,
        .random = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    };
}

static uint64_t word(uint64_t address)
{
    uint64_t value;
    ck_assert(address >= stack.rsp && address + 8 <= TOP);
    memcpy(&value, stack.bytes + (address - stack.rsp), 8);
    return value;
}

static const char *text(uint64_t address)
{
    ck_assert(address >= stack.rsp && address < TOP);
    return (const char *)stack.bytes + (address - stack.rsp);
}

static uint64_t auxv(uint64_t type)
{
    for (uint64_t at = stack.auxv; word(at) != RF_AT_NULL; at += 16)
        if (word(at) == type)
            return word(at + 8);
    ck_abort_msg("auxv type %d is missing", (int)type);
    return 0;
}

static void build(void)
{
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), 0);
}

START_TEST(layout_from_argc_to_top)
{
    plain_request();
    build();
    ck_assert_uint_eq(stack.rsp % 16, 0);
    ck_assert_uint_eq(stack.rsp + stack.size, TOP);
    ck_assert_uint_eq(word(stack.rsp), 2);
    ck_assert_uint_eq(word(stack.rsp + 8), stack.arg_start);
    ck_assert_str_eq(text(word(stack.rsp + 8)), "/bin/prog");
    ck_assert_str_eq(text(word(stack.rsp + 16)), "x");
    ck_assert_uint_eq(word(stack.rsp + 24), 0);
    ck_assert_str_eq(text(word(stack.rsp + 32)), "A=b");
    ck_assert_uint_eq(word(stack.rsp + 40), 0);
    ck_assert_uint_eq(stack.auxv, stack.rsp + 48);
    ck_assert_uint_eq(word(TOP - 8), 0);
    ck_assert_str_eq(text(TOP - 8 - 7), "./prog");
    ck_assert_uint_eq(stack.execfn, TOP - 15);
    ck_assert_uint_eq(stack.env_end, stack.execfn);
    ck_assert_uint_eq(stack.env_start, stack.env_end - 4);
    ck_assert_uint_eq(stack.arg_end, stack.env_start);
    ck_assert_uint_eq(stack.arg_start, stack.arg_end - 12);
    rf_initial_stack_free(&stack);
    ck_assert_ptr_null(stack.bytes);
}
END_TEST

START_TEST(auxv_has_linux_order_and_values)
{
    static const uint64_t order[] = {
        RF_AT_SYSINFO_EHDR, RF_AT_MINSIGSTKSZ, RF_AT_HWCAP,  RF_AT_PAGESZ, RF_AT_CLKTCK,
        RF_AT_PHDR,         RF_AT_PHENT,       RF_AT_PHNUM,  RF_AT_BASE,   RF_AT_FLAGS,
        RF_AT_ENTRY,        RF_AT_UID,         RF_AT_EUID,   RF_AT_GID,    RF_AT_EGID,
        RF_AT_SECURE,       RF_AT_RANDOM,      RF_AT_HWCAP2, RF_AT_EXECFN, RF_AT_PLATFORM,
        RF_AT_NULL};
    plain_request();
    request.sysinfo_ehdr = 0x7ffff7fc1000;
    request.minsigstksz = 3376;
    build();
    size_t count = sizeof order / sizeof order[0];
    ck_assert_uint_eq(stack.auxv_count, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(word(stack.auxv + 16 * i), order[i]);
    ck_assert_uint_eq(auxv(RF_AT_SYSINFO_EHDR), 0x7ffff7fc1000);
    ck_assert_uint_eq(auxv(RF_AT_MINSIGSTKSZ), 3376);
    ck_assert_uint_eq(auxv(RF_AT_HWCAP), 0x178bfbff);
    ck_assert_uint_eq(auxv(RF_AT_HWCAP2), 2);
    ck_assert_uint_eq(auxv(RF_AT_PAGESZ), 4096);
    ck_assert_uint_eq(auxv(RF_AT_CLKTCK), 100);
    ck_assert_uint_eq(auxv(RF_AT_PHDR), 0x400040);
    ck_assert_uint_eq(auxv(RF_AT_PHENT), 56);
    ck_assert_uint_eq(auxv(RF_AT_PHNUM), 10);
    ck_assert_uint_eq(auxv(RF_AT_ENTRY), 0x401000);
    ck_assert_uint_eq(auxv(RF_AT_UID), 1000);
    ck_assert_uint_eq(auxv(RF_AT_EUID), 1001);
    ck_assert_uint_eq(auxv(RF_AT_GID), 1002);
    ck_assert_uint_eq(auxv(RF_AT_EGID), 1003);
    ck_assert_uint_eq(auxv(RF_AT_SECURE), 0);
    ck_assert_str_eq(text(auxv(RF_AT_EXECFN)), "./prog");
    ck_assert_str_eq(text(auxv(RF_AT_PLATFORM)), "x86_64");
    ck_assert_uint_eq(auxv(RF_AT_RANDOM), stack.random);
    ck_assert_mem_eq(text(stack.random), request.random, 16);
    rf_initial_stack_free(&stack);
}
END_TEST

START_TEST(absent_vdso_and_stack_size_have_no_entry)
{
    plain_request();
    build();
    ck_assert_uint_eq(word(stack.auxv), RF_AT_HWCAP);
    rf_initial_stack_free(&stack);
}
END_TEST

START_TEST(rseq_entries_follow_the_platform)
{
    plain_request();
    request.rseq_feature_size = 28;
    request.rseq_align = 32;
    build();
    uint64_t end = stack.auxv + 16 * stack.auxv_count;
    ck_assert_uint_eq(word(end - 48), RF_AT_RSEQ_FEATURE_SIZE);
    ck_assert_uint_eq(word(end - 40), 28);
    ck_assert_uint_eq(word(end - 32), RF_AT_RSEQ_ALIGN);
    ck_assert_uint_eq(word(end - 16), RF_AT_NULL);
    rf_initial_stack_free(&stack);
}
END_TEST

START_TEST(no_arguments_become_one_empty_argument)
{
    plain_request();
    request.argc = 0;
    request.argv = NULL;
    build();
    ck_assert_uint_eq(word(stack.rsp), 1);
    ck_assert_str_eq(text(word(stack.rsp + 8)), "");
    ck_assert_uint_eq(word(stack.rsp + 16), 0);
    ck_assert_uint_eq(stack.arg_end - stack.arg_start, 1);
    rf_initial_stack_free(&stack);
}
END_TEST

START_TEST(no_environment)
{
    plain_request();
    request.envc = 0;
    request.envp = NULL;
    build();
    ck_assert_uint_eq(word(stack.rsp + 32), 0);
    ck_assert_uint_eq(stack.env_start, stack.env_end);
    rf_initial_stack_free(&stack);
}
END_TEST

START_TEST(stack_pointer_is_aligned_for_any_sizes)
{
    const char *many[40];
    for (size_t i = 0; i < 40; i++)
        many[i] = i % 2 ? "odd" : "e";
    for (size_t argc = 0; argc < 40; argc++) {
        plain_request();
        request.argv = many;
        request.argc = argc;
        request.envc = argc % 3 ? 1 : 0;
        request.align_offset = (uint32_t)(argc * 191);
        build();
        ck_assert_uint_eq(stack.rsp % 16, 0);
        ck_assert_uint_eq(stack.rsp + stack.size, TOP);
        rf_initial_stack_free(&stack);
    }
}
END_TEST

START_TEST(longest_string_is_accepted_and_one_more_is_not)
{
    char *text_of = malloc(RF_MAX_ARG_STRLEN + 1);
    ck_assert_ptr_nonnull(text_of);
    memset(text_of, 'a', RF_MAX_ARG_STRLEN);
    text_of[RF_MAX_ARG_STRLEN] = '\0';
    const char *const args[] = {text_of + 1};
    const char *const too_long[] = {text_of};
    plain_request();
    request.argv = args;
    request.argc = 1;
    build();
    rf_initial_stack_free(&stack);
    request.argv = too_long;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_E2BIG);
    ck_assert_ptr_null(stack.bytes);
    plain_request();
    request.envp = too_long;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_E2BIG);
    plain_request();
    request.filename = text_of;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_E2BIG);
    free(text_of);
}
END_TEST

START_TEST(total_limit_counts_strings_and_pointers)
{
    plain_request(); /* 3 pointers, 12 + 4 + 7 bytes of strings */
    request.string_limit = 24 + 23;
    build();
    rf_initial_stack_free(&stack);
    request.string_limit = 24 + 22;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_E2BIG);
    request.string_limit = 24;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_E2BIG);
    request.string_limit = 1;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_E2BIG);
}
END_TEST

START_TEST(huge_counts_are_too_big)
{
    plain_request();
    request.argc = SIZE_MAX / 8;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_E2BIG);
    plain_request();
    request.envc = SIZE_MAX;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_E2BIG);
}
END_TEST

START_TEST(impossible_requests_are_invalid)
{
    plain_request();
    request.filename = NULL;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_EINVAL);
    plain_request();
    request.stack_top = TOP - 8;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_EINVAL);
    plain_request();
    request.stack_top = 64;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_EINVAL);
    plain_request();
    request.align_offset = 8192;
    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), RF_EINVAL);
}
END_TEST

START_TEST(limit_follows_the_stack_limit)
{
    ck_assert_uint_eq(rf_initial_stack_limit(8 << 20), 2 << 20);
    ck_assert_uint_eq(rf_initial_stack_limit(0), 128 << 10);
    ck_assert_uint_eq(rf_initial_stack_limit(UINT64_MAX), 6 << 20);
}
END_TEST

/* ---- against the host's kernel ---- */

/* End of the mapping that holds an address: where Linux put the stack's top. */
static uint64_t mapping_end(uint64_t address)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    uint64_t end = 0;
    ck_assert_ptr_nonnull(maps);
    while (!end && fgets(line, sizeof line, maps)) {
        unsigned long long from, to;
        if (sscanf(line, "%llx-%llx", &from, &to) == 2 && from <= address && address < to)
            end = to;
    }
    fclose(maps);
    return end;
}

/* Reads the values that this process got, so that the builder is asked for the same. */
static void request_from_auxv(const Elf64_auxv_t *entry, uint64_t *platform)
{
    for (; entry->a_type != AT_NULL; entry++) {
        uint64_t value = entry->a_un.a_val;
        switch (entry->a_type) {
        case AT_SYSINFO_EHDR:
            request.sysinfo_ehdr = value;
            break;
        case 51:
            request.minsigstksz = value;
            break;
        case AT_HWCAP:
            request.hwcap = value;
            break;
        case AT_HWCAP2:
            request.hwcap2 = value;
            break;
        case AT_PHDR:
            request.phdr = value;
            break;
        case AT_PHENT:
            request.phent = value;
            break;
        case AT_PHNUM:
            request.phnum = value;
            break;
        case AT_BASE:
            request.base = value;
            break;
        case AT_FLAGS:
            request.flags = value;
            break;
        case AT_ENTRY:
            request.entry = value;
            break;
        case AT_UID:
            request.uid = (uint32_t)value;
            break;
        case AT_EUID:
            request.euid = (uint32_t)value;
            break;
        case AT_GID:
            request.gid = (uint32_t)value;
            break;
        case AT_EGID:
            request.egid = (uint32_t)value;
            break;
        case AT_SECURE:
            request.secure = value;
            break;
        case AT_RANDOM:
            memcpy(request.random, (void *)(uintptr_t)value, 16);
            break;
        case AT_EXECFN:
            request.filename = (const char *)(uintptr_t)value;
            break;
        case AT_PLATFORM:
            request.platform = (const char *)(uintptr_t)value;
            *platform = value;
            break;
        case 27:
            request.rseq_feature_size = value;
            break;
        case 28:
            request.rseq_align = value;
            break;
        default:
            break;
        }
    }
}

START_TEST(own_stack_comes_out_again)
{
    char **envp = host_argv + host_argc + 1;
    size_t envc = 0;
    while (envp[envc])
        envc++;
    uint64_t platform = 0;
    request = (struct rf_stack_request){
        .argv = (const char *const *)host_argv,
        .argc = (size_t)host_argc,
        .envp = (const char *const *)envp,
        .envc = envc,
        .string_limit = 6 << 20,
    };
    request_from_auxv((const Elf64_auxv_t *)(envp + envc + 1), &platform);

    uint64_t rsp = (uint64_t)(uintptr_t)host_argv - 8;
    request.stack_top = mapping_end(rsp);
    /* The random distance between the strings and what lies below them. */
    uint64_t aligned = platform + strlen(request.platform) + 1;
    request.align_offset = (uint32_t)((uint64_t)(uintptr_t)host_argv[0] - aligned);

    ck_assert_int_eq(rf_initial_stack_build(&request, &stack), 0);
    ck_assert_uint_eq(stack.rsp, rsp);
    ck_assert_uint_eq(stack.execfn, (uint64_t)(uintptr_t)request.filename);
    const uint8_t *host = (const uint8_t *)(uintptr_t)rsp;
    for (size_t i = 0; i < stack.size; i++)
        ck_assert_msg(host[i] == stack.bytes[i], "byte %zu of %zu: %02x, built %02x", i, stack.size,
                      host[i], stack.bytes[i]);
    rf_initial_stack_free(&stack);
}
END_TEST

int main(int argc, char **argv)
{
    host_argc = argc;
    host_argv = argv;
    Suite *suite = suite_create("initial_stack");
    TCase *tests = tcase_create("build");
    tcase_add_test(tests, layout_from_argc_to_top);
    tcase_add_test(tests, auxv_has_linux_order_and_values);
    tcase_add_test(tests, absent_vdso_and_stack_size_have_no_entry);
    tcase_add_test(tests, rseq_entries_follow_the_platform);
    tcase_add_test(tests, no_arguments_become_one_empty_argument);
    tcase_add_test(tests, no_environment);
    tcase_add_test(tests, stack_pointer_is_aligned_for_any_sizes);
    tcase_add_test(tests, longest_string_is_accepted_and_one_more_is_not);
    tcase_add_test(tests, total_limit_counts_strings_and_pointers);
    tcase_add_test(tests, huge_counts_are_too_big);
    tcase_add_test(tests, impossible_requests_are_invalid);
    tcase_add_test(tests, limit_follows_the_stack_limit);
    tcase_add_test(tests, own_stack_comes_out_again);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
