/* What a system call costs in modelled cycles, and where they go: a program of a few bytes of
 * machine code calls getppid a thousand times. The figures are the same in every run. */
#include <ringfort/machine.h>

#include <elf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const uint8_t code[] = {
    0xbb, 0xe8, 0x03, 0x00, 0x00, /*    mov ebx, 1000      */
    0xb8, 0x6e, 0x00, 0x00, 0x00, /* 1: mov eax, 110       getppid */
    0x0f, 0x05,                   /*    syscall            */
    0xff, 0xcb,                   /*    dec ebx            */
    0x75, 0xf5,                   /*    jnz 1b             */
    0x31, 0xff,                   /*    xor edi, edi       */
    0xb8, 0xe7, 0x00, 0x00, 0x00, /*    mov eax, 231       exit_group */
    0x0f, 0x05,                   /*    syscall            */
};

struct file {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    uint8_t code[sizeof code];
};

static struct file make_program(void)
{
    const uint64_t base = 0x400000;
    struct file file = {
        .header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                    .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
                    .e_entry = base + offsetof(struct file, code), .e_phoff = offsetof(struct file, segment),
                    .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 },
        .segment = { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = base, .p_filesz = sizeof file,
                     .p_memsz = sizeof file, .p_align = 4096 },
    };
    memcpy(file.code, code, sizeof code);
    return file;
}

int main(void)
{
    const struct file file = make_program();
    const char *const argv[] = { "/calls", NULL };
    rf_machine *machine;
    rf_stop_reason reason;
    rf_stats stats;

    if (rf_machine_create(NULL, &machine) != RF_OK)
        return 1;
    if (rf_machine_add_file(machine, "/calls", &file, sizeof file, 0755) != RF_OK ||
        rf_machine_start(machine, "/calls", argv, NULL, NULL) != RF_OK || rf_machine_run(machine, &reason) != RF_OK) {
        fprintf(stderr, "%s\n", rf_error_text(machine));
        rf_machine_destroy(machine);
        return 1;
    }
    rf_machine_stats(machine, &stats);
    printf("%llu system calls, %llu cycles\n", (unsigned long long)stats.syscalls, (unsigned long long)stats.cycles);
    for (unsigned i = 0; rf_stats_account_name(i); i++)
        printf("%8.1f a call: %s\n", (double)stats.account_cycles[i] / (double)stats.syscalls,
               rf_stats_account_name(i));
    rf_machine_destroy(machine);
    return 0;
}
