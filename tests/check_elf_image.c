/* The ELF reader: real programs, every refusal with its errno, and symbols. Files
 * are built in memory from a good one by one change each. */
#include "lib/suite.h"

#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/elf_image.h"
#include "abi/errno.h"
#include "abi/linux_flags.h"

enum { FILE_SIZE = 0x3000, CODE = 0x1000, DATA = 0x2000, BASE = 0x400000, MAX_PHDR = 80 };

/* A file with its headers in reach for changes. */
struct elf {
    Elf64_Ehdr header;
    Elf64_Phdr phdr[MAX_PHDR];
    uint8_t rest[FILE_SIZE - sizeof(Elf64_Ehdr) - MAX_PHDR * sizeof(Elf64_Phdr)];
};

static struct elf file;
static struct rf_elf_image image;
static struct rf_error error;

static Elf64_Phdr load(uint64_t offset, uint64_t vaddr, uint64_t filesz, uint64_t memsz, int flags)
{
    return (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_flags = (Elf64_Word)flags,
        .p_offset = offset,
        .p_vaddr = vaddr,
        .p_filesz = filesz,
        .p_memsz = memsz,
        .p_align = 0x1000,
    };
}

/* Headers, code and data with bss; PT_GNU_STACK last. */
static void good_file(void)
{
    memset(&file, 0, sizeof file);
    file.header = (Elf64_Ehdr){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = BASE + CODE,
        .e_phoff = offsetof(struct elf, phdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 4,
    };
    file.phdr[0] = load(0, BASE, 0x400, 0x400, PF_R);
    file.phdr[1] = load(CODE, BASE + CODE, 0x123, 0x123, PF_R | PF_X);
    file.phdr[2] = load(DATA + 0x10, BASE + DATA + 0x10, 0x80, 0x2000, PF_R | PF_W);
    file.phdr[3] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
    memset(&error, 0, sizeof error);
}

static rf_status parse_size(size_t size)
{
    return rf_elf_parse(&file, size, &image, &error);
}

static rf_status parse(void)
{
    return parse_size(sizeof file);
}

/* The file is refused with this status and errno, one line holding `words`. */
static void expect_refused(size_t size, rf_status status, int number, const char *words)
{
    ck_assert_int_eq(parse_size(size), status);
    ck_assert_int_eq(error.status, status);
    ck_assert_msg(strstr(error.text, words), "\"%s\" lacks \"%s\"", error.text, words);
    ck_assert_ptr_null(strchr(error.text, '\n'));
    ck_assert_int_eq(image.linux_errno, number);
    ck_assert_uint_eq(image.segment_count, 0);
    ck_assert_int_eq(rf_elf_parse(&file, size, &image, NULL), status);
}

static void expect_noexec(const char *words)
{
    expect_refused(sizeof file, RF_ERR_FORMAT, RF_ENOEXEC, words);
    ck_assert(!image.linux_kills);
}

static void expect_killed(const char *words)
{
    expect_refused(sizeof file, RF_ERR_FORMAT, RF_EINVAL, words);
    ck_assert(image.linux_kills);
}

START_TEST(good_file_is_read)
{
    good_file();
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert(!image.is_dyn);
    ck_assert_uint_eq(image.entry, BASE + CODE);
    ck_assert_uint_eq(image.phdr_vaddr, BASE + offsetof(struct elf, phdr));
    ck_assert_uint_eq(image.phnum, 4);
    ck_assert_uint_eq(image.phentsize, 56);
    ck_assert_uint_eq(image.segment_count, 3);
    ck_assert_uint_eq(image.segments[1].vaddr, BASE + CODE);
    ck_assert_uint_eq(image.segments[1].flags, RF_PF_R | RF_PF_X);
    ck_assert_uint_eq(image.segments[2].offset, DATA + 0x10);
    ck_assert_uint_eq(image.segments[2].filesz, 0x80);
    ck_assert_uint_eq(image.segments[2].memsz, 0x2000);
    ck_assert_uint_eq(image.low, BASE);
    ck_assert_uint_eq(image.brk, BASE + DATA + 0x2010);
    ck_assert_uint_eq(image.high, BASE + DATA + 0x3000);
    ck_assert_uint_eq(image.align, 0x1000);
    ck_assert(image.has_gnu_stack && !image.stack_executable);
    ck_assert(!image.has_interp && !image.has_tls);
    ck_assert_int_eq(image.linux_errno, 0);
}
END_TEST

START_TEST(every_shorter_file_is_refused)
{
    good_file();
    for (size_t size = 0; size < DATA + 0x90; size++)
        ck_assert_int_eq(parse_size(size), RF_ERR_FORMAT);
    ck_assert_int_eq(parse_size(DATA + 0x90), RF_OK);
}
END_TEST

START_TEST(empty_file_is_refused)
{
    expect_refused(0, RF_ERR_FORMAT, RF_ENOEXEC, "empty");
}
END_TEST

START_TEST(text_file_is_refused)
{
    good_file();
    memcpy(&file, "#!/bin/sh\n", 10);
    expect_noexec("not an ELF file");
}
END_TEST

START_TEST(truncated_header_is_refused)
{
    good_file();
    expect_refused(8, RF_ERR_FORMAT, RF_ENOEXEC, "truncated");
    expect_refused(63, RF_ERR_FORMAT, RF_ENOEXEC, "truncated: 63 bytes");
}
END_TEST

START_TEST(class_32_is_unsupported)
{
    good_file();
    file.header.e_ident[EI_CLASS] = ELFCLASS32;
    expect_refused(sizeof file, RF_ERR_UNSUPPORTED, RF_ENOEXEC, "32-bit");
}
END_TEST

START_TEST(unknown_class_is_refused)
{
    good_file();
    file.header.e_ident[EI_CLASS] = 9;
    expect_noexec("class 9");
}
END_TEST

START_TEST(big_endian_is_unsupported)
{
    good_file();
    file.header.e_ident[EI_DATA] = ELFDATA2MSB;
    expect_refused(sizeof file, RF_ERR_UNSUPPORTED, RF_ENOEXEC, "big-endian");
}
END_TEST

START_TEST(unknown_encoding_is_refused)
{
    good_file();
    file.header.e_ident[EI_DATA] = 0;
    expect_noexec("encoding 0");
}
END_TEST

START_TEST(other_machine_is_unsupported)
{
    good_file();
    file.header.e_machine = EM_AARCH64;
    expect_refused(sizeof file, RF_ERR_UNSUPPORTED, RF_ENOEXEC, "AArch64");
}
END_TEST

START_TEST(object_file_is_refused)
{
    good_file();
    file.header.e_type = ET_REL;
    expect_noexec("object file");
}
END_TEST

START_TEST(core_dump_is_refused)
{
    good_file();
    file.header.e_type = ET_CORE;
    expect_noexec("core dump");
}
END_TEST

START_TEST(unknown_type_is_refused)
{
    good_file();
    file.header.e_type = 77;
    expect_noexec("e_type 77");
}
END_TEST

START_TEST(no_program_headers_is_refused)
{
    good_file();
    file.header.e_phnum = 0;
    expect_noexec("no program headers");
}
END_TEST

START_TEST(wrong_program_header_size_is_refused)
{
    good_file();
    file.header.e_phentsize = 32;
    expect_noexec("program headers of 32 bytes");
}
END_TEST

START_TEST(too_many_program_headers_are_refused)
{
    good_file();
    file.header.e_phnum = 73;
    ck_assert_int_eq(parse(), RF_OK);
    file.header.e_phnum = 74;
    expect_noexec("74 program headers");
}
END_TEST

START_TEST(program_headers_outside_the_file_are_refused)
{
    good_file();
    file.header.e_phoff = sizeof file - 1;
    expect_noexec("outside the file");
    file.header.e_phoff = UINT64_MAX - 8;
    expect_noexec("outside the file");
}
END_TEST

START_TEST(unaligned_program_headers_are_read)
{
    good_file();
    memmove((uint8_t *)&file + 65, file.phdr, 4 * sizeof file.phdr[0]);
    file.header.e_phoff = 65;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.segment_count, 3);
}
END_TEST

START_TEST(no_load_segment_is_refused)
{
    good_file();
    for (int i = 0; i < 3; i++)
        file.phdr[i].p_type = PT_NOTE;
    expect_killed("no PT_LOAD");
}
END_TEST

START_TEST(segment_outside_the_file_is_refused)
{
    good_file();
    file.phdr[1].p_offset = FILE_SIZE;
    expect_killed("lie outside the file");
    file.phdr[1].p_offset = UINT64_MAX & ~UINT64_C(0xfff);
    expect_killed("lie outside the file");
}
END_TEST

START_TEST(more_file_than_memory_is_refused)
{
    good_file();
    file.phdr[1].p_memsz = 0x122;
    expect_killed("more bytes in the file");
}
END_TEST

START_TEST(address_overflow_is_refused)
{
    good_file();
    file.phdr[2].p_vaddr = UINT64_MAX - 0xfef;
    expect_killed("47-bit");
    file.phdr[2].p_vaddr = BASE + DATA + 0x10;
    file.phdr[2].p_memsz = UINT64_MAX;
    expect_killed("47-bit");
}
END_TEST

START_TEST(kernel_address_is_refused)
{
    good_file();
    file.phdr[2].p_vaddr = RF_TASK_SIZE + 0x10;
    expect_killed("47-bit");
    file.phdr[2].p_vaddr = RF_TASK_SIZE - 0xff0;
    file.phdr[2].p_memsz = 0xff1;
    expect_killed("47-bit");
    file.phdr[2].p_memsz = 0xff0;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.high, RF_TASK_SIZE);
}
END_TEST

START_TEST(incongruent_offset_is_refused)
{
    good_file();
    file.phdr[1].p_offset += 8;
    expect_killed("differ within a page");
}
END_TEST

START_TEST(bss_only_segment_may_have_any_offset)
{
    good_file();
    file.phdr[1] = load(UINT64_MAX, BASE + CODE, 0, 0x100, PF_R | PF_W);
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.segments[1].filesz, 0);
    ck_assert_uint_eq(image.segments[1].memsz, 0x100);
}
END_TEST

START_TEST(overlapping_segments_are_refused)
{
    good_file();
    file.phdr[0].p_memsz = 0x1001;
    expect_killed("overlap");
    file.phdr[0].p_memsz = 0x1000;
    ck_assert_int_eq(parse(), RF_OK);
}
END_TEST

START_TEST(segments_may_share_a_page)
{
    good_file();
    file.phdr[1] = load(0x400, BASE + 0x400, 0x123, 0x123, PF_R | PF_X);
    ck_assert_int_eq(parse(), RF_OK);
}
END_TEST

START_TEST(segments_are_sorted)
{
    good_file();
    Elf64_Phdr first = file.phdr[0];
    file.phdr[0] = file.phdr[2];
    file.phdr[2] = first;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.segments[0].vaddr, BASE);
    ck_assert_uint_eq(image.segments[2].vaddr, BASE + DATA + 0x10);
}
END_TEST

START_TEST(empty_segment_is_skipped)
{
    good_file();
    file.phdr[1].p_filesz = file.phdr[1].p_memsz = 0;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.segment_count, 2);
}
END_TEST

START_TEST(entry_is_not_checked)
{
    good_file();
    file.header.e_entry = UINT64_C(0xdeadbeefdeadbeef);
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.entry, UINT64_C(0xdeadbeefdeadbeef));
}
END_TEST

START_TEST(headers_outside_segments_have_no_address)
{
    good_file();
    file.phdr[0].p_type = PT_NULL;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.phdr_vaddr, 0);
}
END_TEST

START_TEST(pie_keeps_largest_alignment)
{
    good_file();
    file.header.e_type = ET_DYN;
    for (int i = 0; i < 3; i++)
        file.phdr[i].p_vaddr -= BASE;
    file.phdr[1].p_align = 0x200000;
    file.phdr[2].p_align = 0x300000; /* no power of two: ignored */
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert(image.is_dyn);
    ck_assert_uint_eq(image.low, 0);
    ck_assert_uint_eq(image.align, 0x200000);
    file.phdr[1].p_align = 0;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.align, 0x1000);
}
END_TEST

START_TEST(executable_stack_is_seen)
{
    good_file();
    file.phdr[3].p_flags |= PF_X;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert(image.stack_executable);
    file.phdr[3].p_type = PT_NULL;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert(!image.has_gnu_stack && !image.stack_executable);
}
END_TEST

START_TEST(tls_is_seen)
{
    good_file();
    file.phdr[3] = (Elf64_Phdr){.p_type = PT_TLS,
                                .p_vaddr = BASE + DATA + 0x10,
                                .p_filesz = 8,
                                .p_memsz = 24,
                                .p_align = 16};
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert(image.has_tls);
    ck_assert_uint_eq(image.tls_vaddr, BASE + DATA + 0x10);
    ck_assert_uint_eq(image.tls_filesz, 8);
    ck_assert_uint_eq(image.tls_memsz, 24);
    ck_assert_uint_eq(image.tls_align, 16);
}
END_TEST

static void add_interp(const char *path, size_t length)
{
    good_file();
    memcpy((uint8_t *)&file + DATA, path, length);
    file.phdr[3] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = DATA, .p_filesz = length};
}

START_TEST(interpreter_is_read)
{
    add_interp("/lib64/ld-linux-x86-64.so.2", 28);
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert(image.has_interp);
    ck_assert_str_eq(image.interp, "/lib64/ld-linux-x86-64.so.2");
}
END_TEST

START_TEST(interpreter_without_nul_is_refused)
{
    add_interp("/lib/ld.so", 10);
    expect_noexec("NUL");
}
END_TEST

START_TEST(interpreter_of_bad_length_is_refused)
{
    add_interp("/lib/ld.so", 11);
    file.phdr[3].p_filesz = 1;
    expect_noexec("1 bytes");
    file.phdr[3].p_filesz = 4097;
    expect_noexec("4097 bytes");
}
END_TEST

START_TEST(interpreter_outside_the_file_is_refused)
{
    add_interp("/lib/ld.so", 11);
    file.phdr[3].p_offset = FILE_SIZE - 5;
    expect_refused(sizeof file, RF_ERR_FORMAT, RF_EIO, "outside the file");
}
END_TEST

START_TEST(damaged_section_headers_do_not_matter)
{
    good_file();
    file.header.e_shoff = UINT64_MAX - 3;
    file.header.e_shnum = 0xffff;
    file.header.e_shentsize = 3;
    file.header.e_shstrndx = 0xfffe;
    ck_assert_int_eq(parse(), RF_OK);
    struct rf_elf_symbol symbol;
    ck_assert(!rf_elf_symbol_lookup(&file, sizeof file, BASE + CODE, &symbol));
    file.header.e_shentsize = sizeof(Elf64_Shdr);
    ck_assert(!rf_elf_symbol_lookup(&file, sizeof file, BASE + CODE, &symbol));
}
END_TEST

/* Any bytes in the headers may give a refusal, never a range outside the file. */
START_TEST(random_headers_stay_in_bounds)
{
    uint32_t state = 12345;
    for (int round = 0; round < 200000; round++) {
        good_file();
        for (int change = 0; change < 3; change++) {
            state = state * 1664525 + 1013904223;
            size_t at = 16 + (state >> 8) % (offsetof(struct elf, phdr) + 4 * 56 - 16);
            state = state * 1664525 + 1013904223;
            ((uint8_t *)&file)[at] = (state >> 16) % 3 ? (uint8_t)(state >> 24) : 0xff;
        }
        if (parse() != RF_OK)
            continue;
        for (unsigned i = 0; i < image.segment_count; i++) {
            const struct rf_elf_segment *segment = &image.segments[i];
            ck_assert(segment->filesz <= segment->memsz);
            ck_assert(segment->filesz == 0 || segment->offset + segment->filesz <= sizeof file);
            ck_assert(segment->vaddr + segment->memsz <= RF_TASK_SIZE);
        }
    }
}
END_TEST

/* Symbols: a table and its strings behind the segments. */

enum { SECTIONS = 0x2100, SYMBOLS = 0x2300, STRINGS = 0x2400 };

static void add_symbols(void)
{
    good_file();
    file.header.e_shoff = SECTIONS;
    file.header.e_shnum = 4;
    file.header.e_shentsize = sizeof(Elf64_Shdr);
    Elf64_Shdr section[4] = {
        [1] = {.sh_type = SHT_SYMTAB,
               .sh_offset = SYMBOLS,
               .sh_size = 6 * sizeof(Elf64_Sym),
               .sh_link = 2,
               .sh_entsize = sizeof(Elf64_Sym)},
        [2] = {.sh_type = SHT_STRTAB, .sh_offset = STRINGS, .sh_size = 32},
        [3] = {.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR},
    };
    Elf64_Sym symbol[6] = {
        [1] = {.st_name = 1,
               .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
               .st_shndx = 3,
               .st_value = 0x401000,
               .st_size = 0x10},
        [2] = {.st_name = 6,
               .st_info = ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE),
               .st_shndx = 3,
               .st_value = 0x401020},
        [3] = {.st_name = 12,
               .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
               .st_shndx = 1,
               .st_value = 0x402010,
               .st_size = 8},
        [4] = {.st_name = 1000,
               .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
               .st_shndx = 3,
               .st_value = 0x401030},
        [5] = {.st_name = 1, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = SHN_UNDEF},
    };
    memcpy((uint8_t *)&file + SECTIONS, section, sizeof section);
    memcpy((uint8_t *)&file + SYMBOLS, symbol, sizeof symbol);
    memcpy((uint8_t *)&file + STRINGS, "\0main\0label\0table\0", 18);
}

static bool find(uint64_t address, struct rf_elf_symbol *symbol)
{
    return rf_elf_symbol_lookup(&file, sizeof file, address, symbol);
}

START_TEST(symbol_that_contains_an_address_is_found)
{
    struct rf_elf_symbol symbol;
    add_symbols();
    ck_assert(find(0x40100f, &symbol));
    ck_assert_str_eq(symbol.name, "main");
    ck_assert_uint_eq(symbol.value, 0x401000);
    ck_assert_uint_eq(symbol.size, 0x10);
    ck_assert_uint_eq(symbol.offset, 0xf);
}
END_TEST

START_TEST(gap_after_a_symbol_is_no_symbol)
{
    struct rf_elf_symbol symbol;
    add_symbols();
    ck_assert(!find(0x401010, &symbol));
    ck_assert(!find(0x400fff, &symbol));
}
END_TEST

START_TEST(code_label_without_size_reaches_on)
{
    struct rf_elf_symbol symbol;
    add_symbols();
    ck_assert(find(0x401025, &symbol));
    ck_assert_str_eq(symbol.name, "label");
    ck_assert_uint_eq(symbol.offset, 5);
    ck_assert_uint_eq(symbol.size, 0);
}
END_TEST

START_TEST(symbol_address_by_name)
{
    uint64_t address = 0;
    add_symbols();
    ck_assert(rf_elf_symbol_address(&file, sizeof file, "table", &address));
    ck_assert_uint_eq(address, 0x402010);
    ck_assert(!rf_elf_symbol_address(&file, sizeof file, "absent", &address));
}
END_TEST

START_TEST(damaged_symbol_tables_are_skipped)
{
    struct rf_elf_symbol symbol;
    for (size_t at = SECTIONS; at < SECTIONS + 4 * sizeof(Elf64_Shdr); at++) {
        add_symbols();
        ((uint8_t *)&file)[at] = 0xff;
        find(0x401005, &symbol);
    }
    for (size_t at = SYMBOLS; at < SYMBOLS + 6 * sizeof(Elf64_Sym); at++) {
        add_symbols();
        ((uint8_t *)&file)[at] = 0xff;
        find(0x401005, &symbol);
    }
    add_symbols();
    for (size_t size = 0; size < sizeof file; size += 7) {
        uint8_t *copy = malloc(size ? size : 1); /* so that sanitizers see the end */
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, &file, size);
        rf_elf_symbol_lookup(copy, size, 0x401005, &symbol);
        free(copy);
    }
}
END_TEST

__attribute__((noinline, used)) static void function_of_this_test(void) {}

START_TEST(own_program_is_read)
{
    FILE *self = fopen("/proc/self/exe", "rb");
    ck_assert_ptr_nonnull(self);
    ck_assert_int_eq(fseek(self, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(self);
    rewind(self);
    uint8_t *bytes = malloc(size);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, size, self), size);
    fclose(self);

    ck_assert_msg(rf_elf_parse(bytes, size, &image, &error) == RF_OK, "%s", error.text);
    ck_assert(image.segment_count >= 2);
    uint64_t address = 0;
    ck_assert(rf_elf_symbol_address(bytes, size, "function_of_this_test", &address));
    struct rf_elf_symbol symbol;
    ck_assert(rf_elf_symbol_lookup(bytes, size, address, &symbol));
    ck_assert_str_eq(symbol.name, "function_of_this_test");
    function_of_this_test();
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("elf_image");
    TCase *tests = tcase_create("parse");
    tcase_add_test(tests, good_file_is_read);
    tcase_add_test(tests, every_shorter_file_is_refused);
    tcase_add_test(tests, empty_file_is_refused);
    tcase_add_test(tests, text_file_is_refused);
    tcase_add_test(tests, truncated_header_is_refused);
    tcase_add_test(tests, class_32_is_unsupported);
    tcase_add_test(tests, unknown_class_is_refused);
    tcase_add_test(tests, big_endian_is_unsupported);
    tcase_add_test(tests, unknown_encoding_is_refused);
    tcase_add_test(tests, other_machine_is_unsupported);
    tcase_add_test(tests, object_file_is_refused);
    tcase_add_test(tests, core_dump_is_refused);
    tcase_add_test(tests, unknown_type_is_refused);
    tcase_add_test(tests, no_program_headers_is_refused);
    tcase_add_test(tests, wrong_program_header_size_is_refused);
    tcase_add_test(tests, too_many_program_headers_are_refused);
    tcase_add_test(tests, program_headers_outside_the_file_are_refused);
    tcase_add_test(tests, unaligned_program_headers_are_read);
    tcase_add_test(tests, no_load_segment_is_refused);
    tcase_add_test(tests, segment_outside_the_file_is_refused);
    tcase_add_test(tests, more_file_than_memory_is_refused);
    tcase_add_test(tests, address_overflow_is_refused);
    tcase_add_test(tests, kernel_address_is_refused);
    tcase_add_test(tests, incongruent_offset_is_refused);
    tcase_add_test(tests, bss_only_segment_may_have_any_offset);
    tcase_add_test(tests, overlapping_segments_are_refused);
    tcase_add_test(tests, segments_may_share_a_page);
    tcase_add_test(tests, segments_are_sorted);
    tcase_add_test(tests, empty_segment_is_skipped);
    tcase_add_test(tests, entry_is_not_checked);
    tcase_add_test(tests, headers_outside_segments_have_no_address);
    tcase_add_test(tests, pie_keeps_largest_alignment);
    tcase_add_test(tests, executable_stack_is_seen);
    tcase_add_test(tests, tls_is_seen);
    tcase_add_test(tests, interpreter_is_read);
    tcase_add_test(tests, interpreter_without_nul_is_refused);
    tcase_add_test(tests, interpreter_of_bad_length_is_refused);
    tcase_add_test(tests, interpreter_outside_the_file_is_refused);
    tcase_add_test(tests, damaged_section_headers_do_not_matter);
    tcase_add_test(tests, random_headers_stay_in_bounds);
    suite_add_tcase(suite, tests);

    TCase *symbols = tcase_create("symbols");
    tcase_add_test(symbols, symbol_that_contains_an_address_is_found);
    tcase_add_test(symbols, gap_after_a_symbol_is_no_symbol);
    tcase_add_test(symbols, code_label_without_size_reaches_on);
    tcase_add_test(symbols, symbol_address_by_name);
    tcase_add_test(symbols, damaged_symbol_tables_are_skipped);
    tcase_add_test(symbols, own_program_is_read);
    suite_add_tcase(suite, symbols);

    return run_suite(suite);
}
