/* Symbols of an ELF file, for reports and debuggers. Section headers, the symbol
 * table and its strings are bounds-checked here one by one; a file whose tables are
 * damaged simply has fewer symbols. */
#include "abi/elf_image.h"

#include <elf.h>
#include <libelf.h>
#include <string.h>

struct file {
    const uint8_t *bytes;
    size_t size;
    Elf64_Ehdr header;
};

static bool range_in_file(const struct file *file, uint64_t offset, uint64_t length)
{
    return offset <= file->size && length <= file->size - offset;
}

/* Reads one record of `length` bytes into *out (the same size on x86-64 ELF). */
static bool read_record(const struct file *file, uint64_t offset, Elf_Type type, void *out,
                        size_t length)
{
    if (!range_in_file(file, offset, length))
        return false;
    Elf_Data source = {
        .d_buf = (uint8_t *)(uintptr_t)file->bytes + offset, /* only read */
        .d_type = type,
        .d_version = EV_CURRENT,
        .d_size = length,
    };
    Elf_Data target = {
        .d_buf = out,
        .d_type = type,
        .d_version = EV_CURRENT,
        .d_size = length,
    };
    return elf64_xlatetom(&target, &source, ELFDATA2LSB) != NULL;
}

static bool open_file(struct file *file, const void *bytes, size_t size)
{
    *file = (struct file){.bytes = bytes, .size = size};
    elf_version(EV_CURRENT);
    if (size < sizeof file->header || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return false;
    if (file->bytes[EI_CLASS] != ELFCLASS64 || file->bytes[EI_DATA] != ELFDATA2LSB)
        return false;
    return read_record(file, 0, ELF_T_EHDR, &file->header, sizeof file->header);
}

static bool read_section(const struct file *file, unsigned index, Elf64_Shdr *section)
{
    if (file->header.e_shentsize != sizeof *section || index >= file->header.e_shnum)
        return false;
    uint64_t start = file->header.e_shoff;
    uint64_t offset = start + (uint64_t)index * sizeof *section;
    if (start == 0 || offset < start)
        return false;
    return read_record(file, offset, ELF_T_SHDR, section, sizeof *section);
}

static bool find_section(const struct file *file, unsigned type, Elf64_Shdr *found)
{
    for (unsigned i = 0; i < file->header.e_shnum; i++)
        if (read_section(file, i, found) && found->sh_type == type)
            return true;
    return false;
}

/* The NUL-terminated, non-empty string at `index` of a string table, or NULL. */
static const char *string_at(const struct file *file, const Elf64_Shdr *strings, uint32_t index)
{
    if (index >= strings->sh_size || !range_in_file(file, strings->sh_offset, strings->sh_size))
        return NULL;
    const char *string = (const char *)file->bytes + strings->sh_offset + index;
    if (!*string || !memchr(string, '\0', strings->sh_size - index))
        return NULL;
    return string;
}

/* Labels of assembly text have no type: they count as functions if they are in code. */
static bool is_function(const struct file *file, const Elf64_Sym *symbol)
{
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    if (type == STT_FUNC || type == STT_GNU_IFUNC)
        return true;
    Elf64_Shdr section;
    return type == STT_NOTYPE && read_section(file, symbol->st_shndx, &section) &&
           (section.sh_flags & SHF_EXECINSTR);
}

size_t rf_elf_symbol_each(const void *bytes, size_t size, rf_elf_symbol_visitor *visit, void *user)
{
    struct file file;
    Elf64_Shdr table;
    Elf64_Shdr strings;
    if (!open_file(&file, bytes, size))
        return 0;
    if (!find_section(&file, SHT_SYMTAB, &table) && !find_section(&file, SHT_DYNSYM, &table))
        return 0;
    if (table.sh_entsize != sizeof(Elf64_Sym) ||
        !range_in_file(&file, table.sh_offset, table.sh_size) ||
        !read_section(&file, table.sh_link, &strings) || strings.sh_type != SHT_STRTAB)
        return 0;

    size_t visited = 0;
    for (uint64_t i = 0; i < table.sh_size / sizeof(Elf64_Sym); i++) {
        Elf64_Sym symbol;
        uint64_t offset = table.sh_offset + i * sizeof symbol;
        if (!read_record(&file, offset, ELF_T_SYM, &symbol, sizeof symbol))
            break;
        bool function = is_function(&file, &symbol);
        unsigned type = ELF64_ST_TYPE(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS ||
            !(function || type == STT_OBJECT || type == STT_NOTYPE))
            continue;
        const char *name = string_at(&file, &strings, symbol.st_name);
        if (!name)
            continue;
        visited++;
        if (!visit(user, name, symbol.st_value, symbol.st_size, function))
            break;
    }
    return visited;
}

struct nearest {
    uint64_t address;
    bool found;
    const char *name;
    uint64_t value;
    uint64_t size;
};

/* The highest start wins; at one start, a symbol with a size beats one without. */
static bool visit_nearest(void *user, const char *name, uint64_t value, uint64_t size,
                          bool function)
{
    struct nearest *nearest = user;
    if (!function || value > nearest->address)
        return true;
    if (size && nearest->address - value >= size)
        return true;
    if (nearest->found && (value < nearest->value || (value == nearest->value && nearest->size)))
        return true;
    nearest->found = true;
    nearest->name = name;
    nearest->value = value;
    nearest->size = size;
    return true;
}

bool rf_elf_symbol_lookup(const void *bytes, size_t size, uint64_t address,
                          struct rf_elf_symbol *symbol)
{
    struct nearest nearest = {.address = address};
    memset(symbol, 0, sizeof *symbol);
    rf_elf_symbol_each(bytes, size, visit_nearest, &nearest);
    if (!nearest.found)
        return false;
    size_t length = strnlen(nearest.name, sizeof symbol->name - 1);
    memcpy(symbol->name, nearest.name, length);
    symbol->value = nearest.value;
    symbol->size = nearest.size;
    symbol->offset = address - nearest.value;
    return true;
}

struct wanted {
    const char *name;
    bool found;
    uint64_t value;
};

static bool visit_wanted(void *user, const char *name, uint64_t value, uint64_t size, bool function)
{
    struct wanted *wanted = user;
    (void)size;
    (void)function;
    if (strcmp(name, wanted->name) != 0)
        return true;
    wanted->found = true;
    wanted->value = value;
    return false;
}

bool rf_elf_symbol_address(const void *bytes, size_t size, const char *name, uint64_t *address)
{
    struct wanted wanted = {.name = name};
    rf_elf_symbol_each(bytes, size, visit_wanted, &wanted);
    if (wanted.found)
        *address = wanted.value;
    return wanted.found;
}
