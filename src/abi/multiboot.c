/* Reading multiboot images (abi/multiboot.h). Section numbers are the specification's. */
#include "abi/multiboot.h"

#include <elf.h>
#include <libelf.h>
#include <string.h>

#define HEADER_MAGIC 0x1badb002u
#define SEARCHED 8192u          /* 3.1: the header lies whole in the first bytes */
#define FLAG_VIDEO 0x4u
#define FLAGS_KNOWN 0x3u        /* of the lower 16: pages aligned, memory information: always so */
#define FLAGS_REQUIRED 0xffffu
#define FLAG_ADDRESSES 0x10000u

/* The header's fields that are used. */
struct header {
    size_t offset; /* in the file */
    uint32_t flags;
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
};

struct parse {
    const uint8_t *bytes;
    size_t size;
    uint64_t memory;
    struct rf_multiboot_image *image;
    struct rf_error *err;
};

#define REFUSE(p, status, ...) rf_error_set((p)->err, status, __VA_ARGS__)
#define DAMAGED(p, ...) REFUSE(p, RF_ERR_FORMAT, __VA_ARGS__)

static uint32_t word_at(const struct parse *p, size_t offset)
{
    const uint8_t *b = p->bytes + offset;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static bool range_in_file(const struct parse *p, uint64_t offset, uint64_t length)
{
    return offset <= p->size && length <= p->size - offset;
}

/* --- the header: 3.1 --- */

static bool is_header(const struct parse *p, size_t at)
{
    return word_at(p, at) == HEADER_MAGIC &&
           word_at(p, at) + word_at(p, at + 4) + word_at(p, at + 8) == 0;
}

static rf_status find_header(const struct parse *p, struct header *h)
{
    size_t limit = p->size < SEARCHED ? p->size : SEARCHED;
    size_t at = 0;
    while (at + 12 <= limit && !is_header(p, at))
        at += 4;
    if (at + 12 > limit)
        return DAMAGED(p, "it has no multiboot header in its first %u bytes", SEARCHED);
    *h = (struct header){ .offset = at, .flags = word_at(p, at + 4) };
    if (h->flags & FLAG_VIDEO)
        return REFUSE(p, RF_ERR_UNSUPPORTED, "it asks for a video mode, and the board has no display");
    if (h->flags & FLAGS_REQUIRED & ~FLAGS_KNOWN)
        return REFUSE(p, RF_ERR_UNSUPPORTED, "its multiboot header requires features %#x that are unknown",
                      h->flags & FLAGS_REQUIRED & ~FLAGS_KNOWN);
    if (!(h->flags & FLAG_ADDRESSES))
        return RF_OK;
    if (!range_in_file(p, at, 32))
        return DAMAGED(p, "it ends in the middle of its multiboot header");
    h->header_addr = word_at(p, at + 12);
    h->load_addr = word_at(p, at + 16);
    h->load_end_addr = word_at(p, at + 20);
    h->bss_end_addr = word_at(p, at + 24);
    h->entry_addr = word_at(p, at + 28);
    return RF_OK;
}

/* --- segments --- */

/* Keeps the table ascending. */
static rf_status add_segment(struct parse *p, const struct rf_multiboot_segment *s)
{
    struct rf_multiboot_image *image = p->image;
    if (s->memsz == 0)
        return RF_OK;
    if (s->filesz > s->memsz)
        return DAMAGED(p, "the segment at %#llx is larger in the file than in memory",
                       (unsigned long long)s->address);
    if (!range_in_file(p, s->offset, s->filesz))
        return DAMAGED(p, "it is truncated: the segment at %#llx reaches beyond the end of the file",
                       (unsigned long long)s->address);
    if (s->address > p->memory || s->memsz > p->memory - s->address)
        return DAMAGED(p, "the segment at %#llx, %llu bytes, is outside the memory of %llu MiB",
                       (unsigned long long)s->address, (unsigned long long)s->memsz,
                       (unsigned long long)(p->memory >> 20));
    if (image->segment_count == RF_MULTIBOOT_MAX_SEGMENTS)
        return REFUSE(p, RF_ERR_UNSUPPORTED, "it has more than %d segments", RF_MULTIBOOT_MAX_SEGMENTS);
    unsigned at = image->segment_count++;
    for (; at && image->segments[at - 1].address > s->address; at--)
        image->segments[at] = image->segments[at - 1];
    image->segments[at] = *s;
    return RF_OK;
}

static rf_status check_segments(const struct parse *p)
{
    const struct rf_multiboot_image *image = p->image;
    if (!image->segment_count)
        return DAMAGED(p, "it has nothing to load");
    for (unsigned i = 1; i < image->segment_count; i++)
        if (image->segments[i - 1].address + image->segments[i - 1].memsz > image->segments[i].address)
            return DAMAGED(p, "its segments at %#llx and %#llx overlap",
                           (unsigned long long)image->segments[i - 1].address,
                           (unsigned long long)image->segments[i].address);
    for (unsigned i = 0; i < image->segment_count; i++)
        if (image->entry - image->segments[i].address < image->segments[i].memsz)
            return RF_OK;
    return DAMAGED(p, "its entry point %#x is in no segment", image->entry);
}

/* --- by the addresses in the header: 3.1.3 --- */

static rf_status parse_addresses(struct parse *p, const struct header *h)
{
    uint64_t before = (uint64_t)h->header_addr - h->load_addr;
    if (h->header_addr < h->load_addr || before > h->offset)
        return DAMAGED(p, "its multiboot header at file offset %zu cannot be at address %#x when loading begins at %#x",
                       h->offset, h->header_addr, h->load_addr);
    struct rf_multiboot_segment s = { .address = h->load_addr, .offset = h->offset - before };
    if (h->load_end_addr && h->load_end_addr < h->load_addr)
        return DAMAGED(p, "its load addresses end at %#x before they begin at %#x", h->load_end_addr, h->load_addr);
    s.filesz = h->load_end_addr ? h->load_end_addr - h->load_addr : p->size - s.offset;
    s.memsz = s.filesz;
    if (h->bss_end_addr && h->bss_end_addr < h->load_addr + s.filesz)
        return DAMAGED(p, "its bss ends at %#x before its data do", h->bss_end_addr);
    if (h->bss_end_addr)
        s.memsz = h->bss_end_addr - h->load_addr;
    p->image->entry = h->entry_addr;
    return add_segment(p, &s);
}

/* --- ELF --- */

static bool translate(const struct parse *p, uint64_t offset, Elf_Type type, bool wide, void *out, size_t size)
{
    Elf_Data source = { .d_buf = (uint8_t *)(uintptr_t)p->bytes + offset, /* only read */
                        .d_type = type, .d_version = EV_CURRENT, .d_size = size };
    Elf_Data target = { .d_buf = out, .d_type = type, .d_version = EV_CURRENT, .d_size = size };
    return range_in_file(p, offset, size) && (wide ? elf64_xlatetom(&target, &source, ELFDATA2LSB)
                                                   : elf32_xlatetom(&target, &source, ELFDATA2LSB));
}

/* Both classes in the form of the wider one. */
static bool read_file_header(const struct parse *p, bool wide, Elf64_Ehdr *out)
{
    Elf32_Ehdr narrow;
    if (wide)
        return translate(p, 0, ELF_T_EHDR, true, out, sizeof *out);
    if (!translate(p, 0, ELF_T_EHDR, false, &narrow, sizeof narrow))
        return false;
    *out = (Elf64_Ehdr){ .e_type = narrow.e_type, .e_machine = narrow.e_machine, .e_entry = narrow.e_entry,
                         .e_phoff = narrow.e_phoff, .e_phentsize = narrow.e_phentsize,
                         .e_phnum = narrow.e_phnum };
    return true;
}

static bool read_program_header(const struct parse *p, bool wide, uint64_t offset, Elf64_Phdr *out)
{
    Elf32_Phdr narrow;
    if (wide)
        return translate(p, offset, ELF_T_PHDR, true, out, sizeof *out);
    if (!translate(p, offset, ELF_T_PHDR, false, &narrow, sizeof narrow))
        return false;
    *out = (Elf64_Phdr){ .p_type = narrow.p_type, .p_offset = narrow.p_offset, .p_vaddr = narrow.p_vaddr,
                         .p_paddr = narrow.p_paddr, .p_filesz = narrow.p_filesz, .p_memsz = narrow.p_memsz };
    return true;
}

static rf_status check_file_header(const struct parse *p, bool wide, const Elf64_Ehdr *h)
{
    if (p->bytes[EI_DATA] != ELFDATA2LSB || h->e_machine != (wide ? EM_X86_64 : EM_386))
        return REFUSE(p, RF_ERR_UNSUPPORTED, "it is an ELF file for another machine than i386 and x86-64");
    if (h->e_type != ET_EXEC)
        return REFUSE(p, RF_ERR_UNSUPPORTED, "it is an ELF file without fixed addresses");
    if (h->e_phentsize != (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
        return DAMAGED(p, "its program headers have %u bytes each", h->e_phentsize);
    if (!range_in_file(p, h->e_phoff, (uint64_t)h->e_phnum * h->e_phentsize))
        return DAMAGED(p, "it is truncated: its program headers reach beyond the end of the file");
    return RF_OK;
}

/* The entry point is a virtual address; paging is off, so it is meant where its segment is loaded. */
static uint64_t physical_entry(uint64_t entry, const Elf64_Phdr *segment, uint64_t found)
{
    return entry - segment->p_vaddr < segment->p_memsz ? entry - segment->p_vaddr + segment->p_paddr : found;
}

static rf_status parse_elf(struct parse *p, bool wide)
{
    Elf64_Ehdr header;
    if (!read_file_header(p, wide, &header))
        return DAMAGED(p, "it ends in the middle of its ELF header");
    rf_status status = check_file_header(p, wide, &header);
    uint64_t entry = header.e_entry;
    for (unsigned i = 0; !status && i < header.e_phnum; i++) {
        Elf64_Phdr s;
        if (!read_program_header(p, wide, header.e_phoff + (uint64_t)i * header.e_phentsize, &s))
            return DAMAGED(p, "its program header %u cannot be read", i);
        if (s.p_type != PT_LOAD)
            continue;
        entry = physical_entry(header.e_entry, &s, entry);
        status = add_segment(p, &(struct rf_multiboot_segment){ s.p_paddr, s.p_offset, s.p_filesz, s.p_memsz });
    }
    if (!status && entry > UINT32_MAX)
        return DAMAGED(p, "its entry point %#llx is beyond 4 GiB", (unsigned long long)entry);
    p->image->entry = (uint32_t)entry;
    return status;
}

rf_status rf_multiboot_parse(const void *bytes, size_t size, uint64_t memory, struct rf_multiboot_image *image,
                             struct rf_error *err)
{
    struct parse p = { bytes, size, memory, image, err };
    struct header header = { 0 };
    *image = (struct rf_multiboot_image){ 0 };
    elf_version(EV_CURRENT);
    rf_status status = find_header(&p, &header);
    if (status)
        return status;
    if (header.flags & FLAG_ADDRESSES)
        status = parse_addresses(&p, &header);
    else if (size < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG))
        status = DAMAGED(&p, "it has a multiboot header without load addresses and is no ELF file");
    else if (p.bytes[EI_CLASS] != ELFCLASS32 && p.bytes[EI_CLASS] != ELFCLASS64)
        status = DAMAGED(&p, "it is an ELF file of an unknown class");
    else
        status = parse_elf(&p, p.bytes[EI_CLASS] == ELFCLASS64);
    return status ? status : check_segments(&p);
}
