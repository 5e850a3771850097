/* ELF program files: the checks of load_elf_binary() in Linux's fs/binfmt_elf.c and
 * those that keep a loader inside the file. libelf translates headers from their
 * file form; which bytes they may lie in is decided here, because libelf trusts
 * section headers that Linux never reads and refuses files that Linux runs. */
#include "abi/elf_image.h"

#include <elf.h>
#include <libelf.h>
#include <string.h>

#include "abi/errno.h"
#include "abi/linux_flags.h"

/* Where a failure is recorded: the line for people and the errno for a guest. */
struct parse {
    const uint8_t *bytes;
    size_t size;
    Elf64_Ehdr header;
    struct rf_elf_image *image;
    struct rf_error *err;
};

#define PAGE_OFFSET(address) ((address) & (RF_ABI_PAGE_SIZE - 1))
#define PAGE_DOWN(address)   ((address) & ~(uint64_t)(RF_ABI_PAGE_SIZE - 1))
#define PAGE_UP(address)     PAGE_DOWN((address) + RF_ABI_PAGE_SIZE - 1)

/* Refuses the file: formats the line, notes what execve(2) would do. */
#define REFUSE(parse, status, number, ...)                                                         \
    ((parse)->image->linux_errno = (number), rf_error_set((parse)->err, status, __VA_ARGS__))

/* The same for what Linux notices after the point of no return. */
#define REFUSE_LATE(parse, ...)                                                                    \
    ((parse)->image->linux_kills = true, REFUSE(parse, RF_ERR_FORMAT, RF_EINVAL, __VA_ARGS__))

static bool range_in_file(size_t size, uint64_t offset, uint64_t length)
{
    return offset <= size && length <= size - offset;
}

/* Translates `count` records of `type` at `offset`, whose range has been checked. */
static bool translate(const void *bytes, uint64_t offset, Elf_Type type, void *out, size_t out_size,
                      size_t length)
{
    Elf_Data source = {
        .d_buf = (uint8_t *)(uintptr_t)bytes + offset, /* only read */
        .d_type = type,
        .d_version = EV_CURRENT,
        .d_size = length,
    };
    Elf_Data target = {
        .d_buf = out,
        .d_type = type,
        .d_version = EV_CURRENT,
        .d_size = out_size,
    };
    return elf64_xlatetom(&target, &source, ELFDATA2LSB) != NULL;
}

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_386:
        return "i386";
    case EM_ARM:
        return "ARM";
    case EM_AARCH64:
        return "AArch64";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "PowerPC64";
    case EM_S390:
        return "S/390";
    case EM_MIPS:
        return "MIPS";
    default:
        return "another machine";
    }
}

static rf_status read_header(struct parse *parse)
{
    const uint8_t *ident = parse->bytes;
    if (parse->size == 0)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC, "the file is empty");
    if (parse->size < SELFMAG || memcmp(ident, ELFMAG, SELFMAG) != 0)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC,
                      "not an ELF file: it does not start with 7f 45 4c 46");
    if (parse->size < EI_NIDENT)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC,
                      "the ELF file is truncated: %zu bytes, its header needs %zu", parse->size,
                      sizeof(Elf64_Ehdr));
    if (ident[EI_CLASS] == ELFCLASS32)
        return REFUSE(parse, RF_ERR_UNSUPPORTED, RF_ENOEXEC,
                      "a 32-bit ELF file; only 64-bit x86-64 programs are supported");
    if (ident[EI_CLASS] != ELFCLASS64)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC, "unknown ELF class %u", ident[EI_CLASS]);
    if (ident[EI_DATA] == ELFDATA2MSB)
        return REFUSE(parse, RF_ERR_UNSUPPORTED, RF_ENOEXEC,
                      "a big-endian ELF file; only x86-64 programs are supported");
    if (ident[EI_DATA] != ELFDATA2LSB)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC, "unknown ELF data encoding %u",
                      ident[EI_DATA]);
    Elf64_Ehdr *header = &parse->header;
    if (parse->size < sizeof *header ||
        !translate(parse->bytes, 0, ELF_T_EHDR, header, sizeof *header, sizeof *header))
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC,
                      "the ELF file is truncated: %zu bytes, its header needs %zu", parse->size,
                      sizeof *header);
    if (header->e_machine != EM_X86_64)
        return REFUSE(parse, RF_ERR_UNSUPPORTED, RF_ENOEXEC,
                      "an ELF file for %s (e_machine %u); only x86-64 programs are supported",
                      machine_name(header->e_machine), header->e_machine);
    if (header->e_type == ET_REL)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC,
                      "an ELF object file, not a program: it must be linked first");
    if (header->e_type == ET_CORE)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC, "an ELF core dump, not a program");
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC, "not an ELF program (e_type %u)",
                      header->e_type);
    return RF_OK;
}

static rf_status check_program_headers(struct parse *parse)
{
    const Elf64_Ehdr *header = &parse->header;
    if (header->e_phnum == 0)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC, "the ELF file has no program headers");
    if (header->e_phentsize != sizeof(Elf64_Phdr))
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC, "program headers of %u bytes, expected %zu",
                      header->e_phentsize, sizeof(Elf64_Phdr));
    if (header->e_phnum > RF_ELF_MAX_SEGMENTS)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC,
                      "%u program headers; Linux accepts at most %d", header->e_phnum,
                      RF_ELF_MAX_SEGMENTS);
    uint64_t length = (uint64_t)header->e_phnum * sizeof(Elf64_Phdr);
    if (!range_in_file(parse->size, header->e_phoff, length))
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC,
                      "the %u program headers at offset %#llx lie outside the file of %zu bytes",
                      header->e_phnum, (unsigned long long)header->e_phoff, parse->size);
    return RF_OK;
}

/* PT_INTERP: the path of the dynamic loader. Only the first one counts. */
static rf_status read_interp(struct parse *parse, const Elf64_Phdr *phdr)
{
    struct rf_elf_image *image = parse->image;
    if (image->has_interp)
        return RF_OK;
    if (phdr->p_filesz < 2 || phdr->p_filesz > RF_ELF_INTERP_MAX)
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC,
                      "the interpreter path (PT_INTERP) has %llu bytes, expected 2 to %d",
                      (unsigned long long)phdr->p_filesz, RF_ELF_INTERP_MAX);
    if (!range_in_file(parse->size, phdr->p_offset, phdr->p_filesz))
        return REFUSE(parse, RF_ERR_FORMAT, RF_EIO,
                      "the interpreter path (PT_INTERP) at offset %#llx lies outside the file",
                      (unsigned long long)phdr->p_offset);
    const uint8_t *path = parse->bytes + phdr->p_offset;
    if (path[phdr->p_filesz - 1] != '\0')
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC,
                      "the interpreter path (PT_INTERP) does not end with a NUL byte");
    memcpy(image->interp, path, phdr->p_filesz);
    image->has_interp = true;
    return RF_OK;
}

/* Puts a segment in its place by address. */
static void insert_segment(struct rf_elf_image *image, struct rf_elf_segment segment)
{
    unsigned i = image->segment_count++;
    for (; i > 0 && image->segments[i - 1].vaddr > segment.vaddr; i--)
        image->segments[i] = image->segments[i - 1];
    image->segments[i] = segment;
}

static rf_status read_load(struct parse *parse, unsigned index, const Elf64_Phdr *phdr)
{
    struct rf_elf_image *image = parse->image;
    unsigned long long vaddr = phdr->p_vaddr;
    unsigned long long offset = phdr->p_offset;
    unsigned long long filesz = phdr->p_filesz;
    unsigned long long memsz = phdr->p_memsz;
    if (filesz > memsz)
        return REFUSE_LATE(parse,
                           "segment %u has more bytes in the file (%#llx) than in memory (%#llx)",
                           index, filesz, memsz);
    if (vaddr >= RF_TASK_SIZE || memsz > RF_TASK_SIZE || RF_TASK_SIZE - memsz < vaddr)
        return REFUSE_LATE(parse,
                           "segment %u at %#llx with %#llx bytes does not fit the 47-bit user "
                           "address space",
                           index, vaddr, memsz);
    if (filesz && PAGE_OFFSET(vaddr) != PAGE_OFFSET(offset))
        return REFUSE_LATE(parse,
                           "segment %u: address %#llx and file offset %#llx differ within a page",
                           index, vaddr, offset);
    if (!range_in_file(parse->size, offset, filesz) && filesz)
        return REFUSE_LATE(parse,
                           "segment %u: %#llx bytes at offset %#llx lie outside the file of %zu "
                           "bytes (truncated?)",
                           index, filesz, offset, parse->size);
    uint64_t align = phdr->p_align;
    if (align && (align & (align - 1)) == 0 && align > image->align)
        image->align = align;
    uint64_t phoff = parse->header.e_phoff;
    if (offset <= phoff && phoff - offset < filesz)
        image->phdr_vaddr = phoff - offset + vaddr;
    if (memsz)
        insert_segment(image, (struct rf_elf_segment){
                                  .vaddr = vaddr,
                                  .offset = filesz ? offset : 0,
                                  .filesz = filesz,
                                  .memsz = memsz,
                                  .flags = phdr->p_flags & (RF_PF_R | RF_PF_W | RF_PF_X),
                              });
    return RF_OK;
}

static rf_status read_program_header(struct parse *parse, unsigned index)
{
    struct rf_elf_image *image = parse->image;
    Elf64_Phdr phdr;
    uint64_t offset = parse->header.e_phoff + index * sizeof phdr;
    if (!translate(parse->bytes, offset, ELF_T_PHDR, &phdr, sizeof phdr, sizeof phdr))
        return REFUSE(parse, RF_ERR_FORMAT, RF_ENOEXEC, "program header %u is unreadable", index);
    switch (phdr.p_type) {
    case PT_LOAD:
        return read_load(parse, index, &phdr);
    case PT_INTERP:
        return read_interp(parse, &phdr);
    case PT_GNU_STACK:
        image->has_gnu_stack = true;
        image->stack_executable = phdr.p_flags & PF_X;
        return RF_OK;
    case PT_TLS:
        image->has_tls = true;
        image->tls_vaddr = phdr.p_vaddr;
        image->tls_filesz = phdr.p_filesz;
        image->tls_memsz = phdr.p_memsz;
        image->tls_align = phdr.p_align;
        return RF_OK;
    default:
        return RF_OK;
    }
}

static rf_status finish_segments(struct parse *parse)
{
    struct rf_elf_image *image = parse->image;
    if (image->segment_count == 0)
        return REFUSE_LATE(parse, "the ELF file has nothing to load (no PT_LOAD segment)");
    for (unsigned i = 1; i < image->segment_count; i++) {
        const struct rf_elf_segment *below = &image->segments[i - 1];
        const struct rf_elf_segment *segment = &image->segments[i];
        if (segment->vaddr - below->vaddr < below->memsz)
            return REFUSE_LATE(parse, "the segments at %#llx and %#llx overlap",
                               (unsigned long long)below->vaddr,
                               (unsigned long long)segment->vaddr);
    }
    const struct rf_elf_segment *last = &image->segments[image->segment_count - 1];
    image->low = PAGE_DOWN(image->segments[0].vaddr);
    image->brk = last->vaddr + last->memsz;
    image->high = PAGE_UP(image->brk);
    image->align = PAGE_UP(image->align);
    return RF_OK;
}

static rf_status parse_file(struct parse *parse)
{
    struct rf_elf_image *image = parse->image;
    rf_status status = read_header(parse);
    if (status == RF_OK)
        status = check_program_headers(parse);
    if (status != RF_OK)
        return status;
    const Elf64_Ehdr *header = &parse->header;
    image->is_dyn = header->e_type == ET_DYN;
    image->entry = header->e_entry;
    image->phnum = header->e_phnum;
    image->phentsize = header->e_phentsize;
    image->align = RF_ABI_PAGE_SIZE;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        status = read_program_header(parse, i);
        if (status != RF_OK)
            return status;
    }
    return finish_segments(parse);
}

rf_status rf_elf_parse(const void *bytes, size_t size, struct rf_elf_image *image,
                       struct rf_error *err)
{
    memset(image, 0, sizeof *image);
    elf_version(EV_CURRENT);
    struct parse parse = {.bytes = bytes, .size = size, .image = image, .err = err};
    rf_status status = parse_file(&parse);
    if (status != RF_OK) {
        int linux_errno = image->linux_errno;
        bool linux_kills = image->linux_kills;
        memset(image, 0, sizeof *image);
        image->linux_errno = linux_errno;
        image->linux_kills = linux_kills;
    }
    return status;
}
