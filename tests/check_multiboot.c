/* Multiboot images: reading (Multiboot Specification 0.6.96, section 3.1), what is refused and why, and
 * what an image finds in memory (3.3). Damaged files of every kind must end in a status. */
#include "abi/multiboot.h"
#include "lib/suite.h"

#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY (UINT64_C(16) << 20)
#define LOAD 0x100000u

static uint8_t file[16384];
static struct rf_multiboot_image image;
static struct rf_error err;

static void put32(size_t at, uint32_t value)
{
    memcpy(file + at, &value, 4);
}

static void put_header(size_t at, uint32_t flags)
{
    put32(at, 0x1badb002);
    put32(at + 4, flags);
    put32(at + 8, -(0x1badb002u + flags));
}

static Elf32_Ehdr *header(void) { return (Elf32_Ehdr *)(void *)file; }
static Elf32_Phdr *segment(unsigned i) { return (Elf32_Phdr *)(void *)(file + sizeof(Elf32_Ehdr)) + i; }

/* An ELF file for i386 with two segments; the header is at 1000H. */
static void setup(void)
{
    memset(file, 0, sizeof file);
    *header() = (Elf32_Ehdr){ .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
                              .e_type = ET_EXEC, .e_machine = EM_386, .e_version = EV_CURRENT, .e_entry = LOAD + 12,
                              .e_phoff = sizeof(Elf32_Ehdr), .e_ehsize = sizeof(Elf32_Ehdr),
                              .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 2 };
    *segment(0) = (Elf32_Phdr){ .p_type = PT_LOAD, .p_offset = 0x1000, .p_vaddr = LOAD, .p_paddr = LOAD,
                                .p_filesz = 0x800, .p_memsz = 0x800 };
    *segment(1) = (Elf32_Phdr){ .p_type = PT_LOAD, .p_offset = 0x2000, .p_vaddr = LOAD + 0x1000,
                                .p_paddr = LOAD + 0x1000, .p_filesz = 0x10, .p_memsz = 0x3000 };
    put_header(0x1000, 3);
    memset(file + 0x2000, 0xaa, 0x10);
    err.text[0] = '\0';
}

static rf_status parse_size(size_t size)
{
    /* a copy of its own, so that sanitizers see reads beyond it */
    uint8_t *copy = malloc(size ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, file, size);
    rf_status status = rf_multiboot_parse(copy, size, MEMORY, &image, &err);
    free(copy);
    return status;
}
static rf_status parse(void) { return parse_size(0x3000); }

static void refuses(rf_status status, const char *text)
{
    ck_assert_int_eq(parse(), status);
    ck_assert_msg(strstr(err.text, text), "'%s' does not say '%s'", err.text, text);
}

/* --- ELF files --- */

START_TEST(elf_segments_and_entry)
{
    ck_assert_msg(parse() == RF_OK, "%s", err.text);
    ck_assert_uint_eq(image.entry, LOAD + 12);
    ck_assert_uint_eq(image.segment_count, 2);
    ck_assert_uint_eq(image.segments[1].address, LOAD + 0x1000);
    ck_assert_uint_eq(image.segments[1].memsz, 0x3000);
}
END_TEST
START_TEST(elf_is_loaded_at_physical_addresses)
{
    segment(0)->p_vaddr += 0xc0000000;
    header()->e_entry += 0xc0000000;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.segments[0].address, LOAD);
    ck_assert_uint_eq(image.entry, LOAD + 12);
}
END_TEST
START_TEST(elf_segments_are_sorted)
{
    Elf32_Phdr first = *segment(0);
    *segment(0) = *segment(1);
    *segment(1) = first;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.segments[0].address, LOAD);
}
END_TEST
START_TEST(elf_other_program_headers_are_ignored)
{
    segment(1)->p_type = PT_NOTE;
    segment(1)->p_offset = UINT32_MAX;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.segment_count, 1);
}
END_TEST
START_TEST(elf_empty_segments_are_ignored)
{
    segment(1)->p_memsz = segment(1)->p_filesz = 0;
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.segment_count, 1);
}
END_TEST
START_TEST(elf_for_x86_64)
{
    memset(file, 0, sizeof file);
    *(Elf64_Ehdr *)(void *)file = (Elf64_Ehdr){
        .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_EXEC,
        .e_machine = EM_X86_64, .e_entry = LOAD, .e_phoff = 64, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 };
    *(Elf64_Phdr *)(void *)(file + 64) = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = 0x1000, .p_vaddr = LOAD,
                                                       .p_paddr = LOAD, .p_filesz = 16, .p_memsz = 16 };
    put_header(0x1000, 0);
    ck_assert_msg(parse() == RF_OK, "%s", err.text);
    ck_assert_uint_eq(image.entry, LOAD);
    ((Elf64_Ehdr *)(void *)file)->e_entry = UINT64_C(0x100000000);
    refuses(RF_ERR_FORMAT, "beyond 4 GiB");
}
END_TEST

START_TEST(elf_of_another_machine) { header()->e_machine = EM_ARM; refuses(RF_ERR_UNSUPPORTED, "another machine"); }
END_TEST
START_TEST(elf_of_the_wrong_class) { header()->e_machine = EM_X86_64; refuses(RF_ERR_UNSUPPORTED, "another machine"); }
END_TEST
START_TEST(elf_big_endian) { header()->e_ident[EI_DATA] = ELFDATA2MSB; refuses(RF_ERR_UNSUPPORTED, "machine"); }
END_TEST
START_TEST(elf_of_no_class) { header()->e_ident[EI_CLASS] = 3; refuses(RF_ERR_FORMAT, "unknown class"); }
END_TEST
START_TEST(elf_without_fixed_addresses) { header()->e_type = ET_DYN; refuses(RF_ERR_UNSUPPORTED, "fixed addresses"); }
END_TEST
START_TEST(elf_with_odd_program_headers) { header()->e_phentsize = 31; refuses(RF_ERR_FORMAT, "31 bytes"); }
END_TEST
START_TEST(elf_program_headers_beyond_the_file) { header()->e_phoff = 0x2ff0; refuses(RF_ERR_FORMAT, "truncated"); }
END_TEST
START_TEST(elf_segment_beyond_the_file) { segment(0)->p_offset = 0x2900; refuses(RF_ERR_FORMAT, "truncated"); }
END_TEST
START_TEST(elf_segment_larger_in_the_file) { segment(0)->p_filesz = 0x801; refuses(RF_ERR_FORMAT, "larger in the file"); }
END_TEST
START_TEST(elf_segment_outside_memory) { segment(1)->p_paddr = MEMORY - 0x2fff; refuses(RF_ERR_FORMAT, "outside the memory of 16 MiB"); }
END_TEST
START_TEST(elf_segment_up_to_the_end_of_memory)
{
    segment(1)->p_paddr = MEMORY - 0x3000;
    ck_assert_int_eq(parse(), RF_OK);
}
END_TEST
START_TEST(elf_segments_that_overlap) { segment(1)->p_paddr = LOAD + 0x7ff; refuses(RF_ERR_FORMAT, "overlap"); }
END_TEST
START_TEST(elf_without_segments) { header()->e_phnum = 0; refuses(RF_ERR_FORMAT, "nothing to load"); }
END_TEST
START_TEST(elf_entry_outside) { header()->e_entry = LOAD + 0x900; refuses(RF_ERR_FORMAT, "entry point"); }
END_TEST
START_TEST(elf_with_too_many_segments)
{
    header()->e_phoff = 0x100;
    header()->e_phnum = RF_MULTIBOOT_MAX_SEGMENTS + 1;
    for (uint32_t i = 0; i <= RF_MULTIBOOT_MAX_SEGMENTS; i++) {
        Elf32_Phdr one = { .p_type = PT_LOAD, .p_paddr = LOAD + 4096 * i, .p_memsz = 1 };
        memcpy(file + 0x100 + i * sizeof one, &one, sizeof one);
    }
    refuses(RF_ERR_UNSUPPORTED, "more than 64 segments");
}
END_TEST

/* --- the header --- */

START_TEST(header_may_end_at_8192)
{
    memset(file + 0x1000, 0, 12);
    put_header(8192 - 12, 0);
    ck_assert_int_eq(parse(), RF_OK);
}
END_TEST
START_TEST(header_beyond_8192)
{
    memset(file + 0x1000, 0, 12);
    put_header(8192 - 8, 0);
    refuses(RF_ERR_FORMAT, "no multiboot header");
}
END_TEST
START_TEST(header_not_aligned)
{
    memset(file + 0x1000, 0, 12);
    put_header(0x1002, 0);
    refuses(RF_ERR_FORMAT, "no multiboot header");
}
END_TEST
START_TEST(header_with_a_wrong_checksum) { file[0x1008] ^= 1; refuses(RF_ERR_FORMAT, "no multiboot header"); }
END_TEST
START_TEST(header_magic_before_the_header) { put32(0xf00, 0x1badb002); ck_assert_int_eq(parse(), RF_OK); }
END_TEST
START_TEST(header_that_asks_for_video) { put_header(0x1000, 4); refuses(RF_ERR_UNSUPPORTED, "video"); }
END_TEST
START_TEST(header_that_requires_the_unknown) { put_header(0x1000, 0x8000); refuses(RF_ERR_UNSUPPORTED, "0x8000"); }
END_TEST
START_TEST(header_with_optional_unknown_flags) { put_header(0x1000, 0xfffe0000); ck_assert_int_eq(parse(), RF_OK); }
END_TEST
START_TEST(header_in_no_elf_file) { file[0] = 0; refuses(RF_ERR_FORMAT, "no ELF file"); }
END_TEST

/* --- load addresses: 3.1.3 --- */

static void put_addresses(uint32_t at, uint32_t load, uint32_t load_end, uint32_t bss_end, uint32_t entry)
{
    memset(file, 0, sizeof file);
    put_header(0x20, 0x10000);
    put32(0x2c, at);
    put32(0x30, load);
    put32(0x34, load_end);
    put32(0x38, bss_end);
    put32(0x3c, entry);
}

START_TEST(addresses_give_one_segment)
{
    put_addresses(LOAD + 0x20, LOAD, LOAD + 0x100, LOAD + 0x200, LOAD + 4);
    ck_assert_msg(parse() == RF_OK, "%s", err.text);
    ck_assert_uint_eq(image.segment_count, 1);
    ck_assert_uint_eq(image.segments[0].offset, 0);
    ck_assert_uint_eq(image.segments[0].filesz, 0x100);
    ck_assert_uint_eq(image.segments[0].memsz, 0x200);
    ck_assert_uint_eq(image.entry, LOAD + 4);
}
END_TEST
START_TEST(addresses_from_the_header_on)
{
    put_addresses(LOAD, LOAD, 0, 0, LOAD);
    ck_assert_int_eq(parse(), RF_OK);
    ck_assert_uint_eq(image.segments[0].offset, 0x20);
    ck_assert_uint_eq(image.segments[0].filesz, 0x3000 - 0x20);
    ck_assert_uint_eq(image.segments[0].memsz, 0x3000 - 0x20);
}
END_TEST
START_TEST(addresses_load_after_the_header) { put_addresses(LOAD, LOAD + 4, 0, 0, LOAD); refuses(RF_ERR_FORMAT, "cannot be at address"); }
END_TEST
START_TEST(addresses_before_the_file) { put_addresses(LOAD + 0x24, LOAD, 0, 0, LOAD); refuses(RF_ERR_FORMAT, "cannot be at address"); }
END_TEST
START_TEST(addresses_that_end_before_they_begin) { put_addresses(LOAD, LOAD, LOAD - 1, 0, LOAD); refuses(RF_ERR_FORMAT, "end at"); }
END_TEST
START_TEST(addresses_with_bss_before_data) { put_addresses(LOAD, LOAD, LOAD + 16, LOAD + 15, LOAD); refuses(RF_ERR_FORMAT, "bss"); }
END_TEST
START_TEST(addresses_beyond_the_file) { put_addresses(LOAD, LOAD, LOAD + 0x3000, 0, LOAD); refuses(RF_ERR_FORMAT, "truncated"); }
END_TEST
START_TEST(addresses_outside_memory) { put_addresses(UINT32_MAX, UINT32_MAX, 0, 0, UINT32_MAX); refuses(RF_ERR_FORMAT, "outside"); }
END_TEST
START_TEST(addresses_in_a_file_that_ends)
{
    put_addresses(LOAD, LOAD, 0, 0, LOAD);
    ck_assert_int_eq(parse_size(0x3c), RF_ERR_FORMAT);
    ck_assert_ptr_nonnull(strstr(err.text, "middle of its multiboot header"));
}
END_TEST

/* --- damaged files --- */

START_TEST(every_length)
{
    for (size_t size = 0; size < 0x3000; size += size < 0x200 || size > 0xff0 ? 1 : 16)
        parse_size(size);
}
END_TEST

/* A parsed image keeps its promises whatever the file was. */
static void expect_sound(void)
{
    for (unsigned i = 0; i < image.segment_count; i++) {
        const struct rf_multiboot_segment *s = &image.segments[i];
        ck_assert_uint_le(s->filesz, s->memsz);
        ck_assert_uint_le(s->offset + s->filesz, 0x3000);
        ck_assert_uint_le(s->address + s->memsz, MEMORY);
        if (i)
            ck_assert_uint_le(s[-1].address + s[-1].memsz, s->address);
    }
}
START_TEST(random_damage)
{
    uint64_t x = 88172645463325252u + (unsigned)_i;
    for (unsigned round = 0; round < 20000; round++) {
        setup();
        if (round % 3 == 0)
            put_addresses(LOAD, LOAD, 0, 0, LOAD);
        for (unsigned n = 0; n < 1 + round % 4; n++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            size_t at = round % 3 ? (x >> 8) % 128 : 0x20 + (x >> 8) % 32;
            file[at] = (uint8_t)(x >> 40);
        }
        if (rf_multiboot_parse(file, 0x3000, MEMORY, &image, &err) == RF_OK)
            expect_sound();
    }
}
END_TEST

/* --- in memory --- */

static uint8_t *ram;
static uint32_t info;
static uint32_t word(uint64_t at)
{
    uint32_t value;
    memcpy(&value, ram + at, 4);
    return value;
}
static rf_status load(const char *line, const struct rf_multiboot_module *modules, unsigned count, uint64_t memory)
{
    const struct rf_multiboot_boot boot = { line, modules, count };
    ram = realloc(ram, MEMORY);
    ck_assert_ptr_nonnull(ram);
    memset(ram, 0x55, MEMORY);
    ck_assert_int_eq(parse(), RF_OK);
    return rf_multiboot_load(&image, file, &boot, ram, memory, &info, &err);
}

START_TEST(load_copies_segments_and_clears_the_rest)
{
    ck_assert_int_eq(load("", NULL, 0, MEMORY), RF_OK);
    ck_assert_uint_eq(word(LOAD), 0x1badb002);
    ck_assert_uint_eq(ram[LOAD + 0x100f], 0xaa);
    ck_assert_uint_eq(ram[LOAD + 0x1010], 0);
    ck_assert_uint_eq(ram[LOAD + 0x3fff], 0);
}
END_TEST
START_TEST(load_tells_memory)
{
    ck_assert_int_eq(load("", NULL, 0, MEMORY), RF_OK);
    ck_assert_uint_eq(info, 0x9000);
    ck_assert_uint_eq(word(info) & 0x4d, 0x4d);
    ck_assert_uint_eq(word(info + 4), 639);
    ck_assert_uint_eq(word(info + 8), 15 * 1024);
}
END_TEST
START_TEST(load_gives_a_memory_map)
{
    ck_assert_int_eq(load("", NULL, 0, MEMORY), RF_OK);
    uint32_t at = word(info + 48), end = at + word(info + 44), ram_bytes = 0;
    while (at < end) {
        ck_assert_uint_eq(word(at), 20);
        ck_assert_uint_eq(word(at + 8) | word(at + 16), 0); /* below 4 GiB */
        if (word(at + 20) == 1)
            ram_bytes += word(at + 12);
        at += word(at) + 4;
    }
    ck_assert_uint_eq(at, end);
    ck_assert_uint_eq(ram_bytes, MEMORY - 0x100000 + 0x9fc00);
}
END_TEST
START_TEST(load_gives_the_command_line_after_the_image)
{
    ck_assert_int_eq(load("name a b", NULL, 0, MEMORY), RF_OK);
    ck_assert_uint_ge(word(info + 16), LOAD + 0x4000);
    ck_assert_str_eq((char *)ram + word(info + 16), "name a b");
    ck_assert_str_eq((char *)ram + word(info + 64), "ringfort");
    ck_assert_uint_eq(word(info + 20), 0);
}
END_TEST
START_TEST(load_gives_modules_at_pages)
{
    const struct rf_multiboot_module modules[] = { { "one", 3, "first" }, { NULL, 0, "" }, { file, 5000, "third x" } };
    ck_assert_int_eq(load("x", modules, 3, MEMORY), RF_OK);
    ck_assert_uint_eq(word(info + 20), 3);
    uint32_t at = word(info + 24);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(word(at + 16 * i) & 0xfff, 0);
        ck_assert_uint_eq(word(at + 16 * i + 4) - word(at + 16 * i), modules[i].size);
        ck_assert_str_eq((char *)ram + word(at + 16 * i + 8), modules[i].string);
    }
    ck_assert_mem_eq(ram + word(at), "one", 3);
    ck_assert_mem_eq(ram + word(at + 32), file, 5000);
}
END_TEST
START_TEST(load_moves_the_information_out_of_the_images_way)
{
    segment(1)->p_paddr = 0x8000;
    ck_assert_int_eq(load("x", NULL, 0, MEMORY), RF_OK);
    ck_assert_uint_ge(info, LOAD + 0x800);
    ck_assert_uint_eq(ram[0x9000], 0);
    ck_assert_uint_eq(word(info) & 0x4d, 0x4d);
}
END_TEST
START_TEST(load_refuses_what_does_not_fit)
{
    const struct rf_multiboot_module module = { file, sizeof file, "" };
    ck_assert_int_eq(load("x", &module, 1, LOAD * 2), RF_OK);
    segment(1)->p_paddr = 2 * LOAD - 0x6000;
    ck_assert_int_eq(load("x", &module, 1, LOAD * 2), RF_ERR_ARGUMENT);
    ck_assert_uint_eq(ram[LOAD], 0x55); /* nothing was written */
    ck_assert_ptr_nonnull(strstr(err.text, "needs"));
}
END_TEST

static void teardown(void)
{
    free(ram);
    ram = NULL;
}

int main(void)
{
    const TTest *const all[] = {
        elf_segments_and_entry, elf_is_loaded_at_physical_addresses, elf_segments_are_sorted,
        elf_other_program_headers_are_ignored, elf_empty_segments_are_ignored, elf_for_x86_64, elf_of_another_machine,
        elf_of_the_wrong_class, elf_big_endian, elf_of_no_class, elf_without_fixed_addresses,
        elf_with_odd_program_headers, elf_program_headers_beyond_the_file, elf_segment_beyond_the_file,
        elf_segment_larger_in_the_file, elf_segment_outside_memory, elf_segment_up_to_the_end_of_memory,
        elf_segments_that_overlap, elf_without_segments, elf_entry_outside, elf_with_too_many_segments,
        header_may_end_at_8192, header_beyond_8192, header_not_aligned, header_with_a_wrong_checksum,
        header_magic_before_the_header, header_that_asks_for_video, header_that_requires_the_unknown,
        header_with_optional_unknown_flags, header_in_no_elf_file, addresses_give_one_segment,
        addresses_from_the_header_on, addresses_load_after_the_header, addresses_before_the_file,
        addresses_that_end_before_they_begin, addresses_with_bss_before_data, addresses_beyond_the_file,
        addresses_outside_memory, addresses_in_a_file_that_ends, every_length, random_damage,
        load_copies_segments_and_clears_the_rest, load_tells_memory, load_gives_a_memory_map,
        load_gives_the_command_line_after_the_image, load_gives_modules_at_pages,
        load_moves_the_information_out_of_the_images_way, load_refuses_what_does_not_fit,
    };
    Suite *suite = suite_create("multiboot");
    TCase *tests = tcase_create("multiboot");
    tcase_add_checked_fixture(tests, setup, teardown);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        tcase_add_test(tests, all[i]);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
