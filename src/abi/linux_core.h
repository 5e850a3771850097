/* Core files: linux/elf.h, linux/elfcore.h, linux/auxvec.h as of x86-64, under the kernel's names with the
 * prefix RF_. */
#ifndef RF_ABI_LINUX_CORE_H
#define RF_ABI_LINUX_CORE_H

#include "abi/linux_structs.h"

enum { RF_ET_CORE = 4, RF_EM_X86_64 = 62, RF_PT_LOAD = 1, RF_PT_NOTE = 4 };
enum {
    RF_NT_PRSTATUS = 1,
    RF_NT_PRFPREG = 2,
    RF_NT_PRPSINFO = 3,
    RF_NT_AUXV = 6,
    RF_NT_SIGINFO = 0x53494749,
    RF_NT_FILE = 0x46494c45,
    RF_NT_X86_XSTATE = 0x202,
};

struct rf_elf_header { /* Elf64_Ehdr */
    uint8_t e_ident[16];
    uint16_t e_type, e_machine;
    uint32_t e_version;
    uint64_t e_entry, e_phoff, e_shoff;
    uint32_t e_flags;
    uint16_t e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};
RF_ABI_SIZE(rf_elf_header, 64);

struct rf_elf_phdr { /* Elf64_Phdr */
    uint32_t p_type, p_flags;
    uint64_t p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
RF_ABI_SIZE(rf_elf_phdr, 56);

struct rf_elf_note { /* Elf64_Nhdr; the name and the contents follow, each padded to 4 bytes */
    uint32_t n_namesz, n_descsz, n_type;
};
RF_ABI_SIZE(rf_elf_note, 12);

struct rf_user_regs { /* struct user_regs_struct, asm/user_64.h */
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax;
    uint64_t rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
RF_ABI_SIZE(rf_user_regs, 216);

struct rf_elf_prstatus {
    int32_t si_signo, si_code, si_errno;
    int16_t pr_cursig;
    uint16_t __pad0;
    uint64_t pr_sigpend, pr_sighold;
    int32_t pr_pid, pr_ppid, pr_pgrp, pr_sid;
    struct rf_timeval pr_utime, pr_stime, pr_cutime, pr_cstime;
    struct rf_user_regs pr_reg;
    int32_t pr_fpvalid;
    uint32_t __pad1;
};
RF_ABI_SIZE(rf_elf_prstatus, 336);

struct rf_elf_prpsinfo {
    int8_t pr_state;
    char pr_sname;
    int8_t pr_zomb, pr_nice;
    uint32_t __pad0;
    uint64_t pr_flag;
    uint32_t pr_uid, pr_gid;
    int32_t pr_pid, pr_ppid, pr_pgrp, pr_sid;
    char pr_fname[16];
    char pr_psargs[80];
};
RF_ABI_SIZE(rf_elf_prpsinfo, 136);

/* Where the FXSAVE image in NT_X86_XSTATE says which components there are (XCR0). */
enum { RF_XSTATE_XCR0_OFFSET = 464 };

#endif
