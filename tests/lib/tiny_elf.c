/* tests/lib/tiny_elf.h */
#include "tiny_elf.h"

#include <elf.h>
#include <string.h>

size_t tiny_elf(uint8_t out[TINY_ELF_ROOM], const void *code, size_t size)
{
    const Elf64_Ehdr header = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = TINY_ELF_ENTRY,
        .e_phoff = sizeof header,
        .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 1,
    };
    const Elf64_Phdr segment = {
        .p_type = PT_LOAD,
        .p_flags = PF_R | PF_X,
        .p_vaddr = TINY_ELF_BASE,
        .p_filesz = TINY_ELF_CODE + size,
        .p_memsz = TINY_ELF_CODE + size,
        .p_align = 4096,
    };
    _Static_assert(sizeof header + sizeof segment == TINY_ELF_CODE, "the code follows the headers");
    memcpy(out, &header, sizeof header);
    memcpy(out + sizeof header, &segment, sizeof segment);
    memcpy(out + TINY_ELF_CODE, code, size);
    return TINY_ELF_CODE + size;
}
