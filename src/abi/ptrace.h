/* ptrace(2): requests, options, events and structures of x86-64 (linux/ptrace.h, asm/ptrace-abi.h, sys/user.h). */
#ifndef RF_ABI_PTRACE_H
#define RF_ABI_PTRACE_H

#include "abi/linux_structs.h"

enum {
    RF_PTRACE_TRACEME = 0,
    RF_PTRACE_PEEKTEXT = 1,
    RF_PTRACE_PEEKDATA = 2,
    RF_PTRACE_PEEKUSER = 3,
    RF_PTRACE_POKETEXT = 4,
    RF_PTRACE_POKEDATA = 5,
    RF_PTRACE_POKEUSER = 6,
    RF_PTRACE_CONT = 7,
    RF_PTRACE_KILL = 8,
    RF_PTRACE_SINGLESTEP = 9,
    RF_PTRACE_GETREGS = 12,
    RF_PTRACE_SETREGS = 13,
    RF_PTRACE_GETFPREGS = 14,
    RF_PTRACE_SETFPREGS = 15,
    RF_PTRACE_ATTACH = 16,
    RF_PTRACE_DETACH = 17,
    RF_PTRACE_SYSCALL = 24,
    RF_PTRACE_ARCH_PRCTL = 30,
    RF_PTRACE_SYSEMU = 31,
    RF_PTRACE_SYSEMU_SINGLESTEP = 32,
    RF_PTRACE_SINGLEBLOCK = 33,
    RF_PTRACE_SETOPTIONS = 0x4200,
    RF_PTRACE_GETEVENTMSG = 0x4201,
    RF_PTRACE_GETSIGINFO = 0x4202,
    RF_PTRACE_SETSIGINFO = 0x4203,
    RF_PTRACE_GETREGSET = 0x4204,
    RF_PTRACE_SETREGSET = 0x4205,
    RF_PTRACE_SEIZE = 0x4206,
    RF_PTRACE_INTERRUPT = 0x4207,
    RF_PTRACE_LISTEN = 0x4208,
    RF_PTRACE_PEEKSIGINFO = 0x4209,
    RF_PTRACE_GETSIGMASK = 0x420a,
    RF_PTRACE_SETSIGMASK = 0x420b,
    RF_PTRACE_SECCOMP_GET_FILTER = 0x420c,
    RF_PTRACE_SECCOMP_GET_METADATA = 0x420d,
    RF_PTRACE_GET_SYSCALL_INFO = 0x420e,
    RF_PTRACE_GET_RSEQ_CONFIGURATION = 0x420f,
};

enum {
    RF_PTRACE_EVENT_FORK = 1,
    RF_PTRACE_EVENT_VFORK = 2,
    RF_PTRACE_EVENT_CLONE = 3,
    RF_PTRACE_EVENT_EXEC = 4,
    RF_PTRACE_EVENT_VFORK_DONE = 5,
    RF_PTRACE_EVENT_EXIT = 6,
    RF_PTRACE_EVENT_SECCOMP = 7,
    RF_PTRACE_EVENT_STOP = 128,
};

/* Option 1 << event asks for an event; beside them: */
#define RF_PTRACE_O_TRACESYSGOOD    0x00000001u
#define RF_PTRACE_O_EXITKILL        0x00100000u
#define RF_PTRACE_O_SUSPEND_SECCOMP 0x00200000u
#define RF_PTRACE_O_MASK            0x003000ffu

enum { RF_PTRACE_PEEKSIGINFO_SHARED = 1 };

/* Notes of core files name the register sets (linux/elf.h). */
enum { RF_NT_PRSTATUS = 1, RF_NT_PRFPREG = 2, RF_NT_X86_XSTATE = 0x202 };

struct rf_user_regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax;
    uint64_t rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
RF_ABI_SIZE(rf_user_regs, 216);

/* struct user, whose offsets PTRACE_PEEKUSER takes: the registers first, the debug registers near the end. */
#define RF_USER_SIZE     928u /* two words more than the C library's, which read as 0 */
#define RF_USER_DEBUGREG 848u

struct rf_ptrace_peeksiginfo_args {
    uint64_t off;
    uint32_t flags;
    int32_t nr;
};
RF_ABI_SIZE(rf_ptrace_peeksiginfo_args, 16);

enum {
    RF_PTRACE_SYSCALL_INFO_NONE = 0,
    RF_PTRACE_SYSCALL_INFO_ENTRY = 1,
    RF_PTRACE_SYSCALL_INFO_EXIT = 2,
    RF_PTRACE_SYSCALL_INFO_SECCOMP = 3,
};
struct rf_ptrace_syscall_info {
    uint8_t op;
    uint8_t pad[3];
    uint32_t arch;
    uint64_t instruction_pointer;
    uint64_t stack_pointer;
    union {
        struct {
            uint64_t nr;
            uint64_t args[6];
            uint32_t ret_data; /* SECCOMP alone */
        } entry;
        struct {
            int64_t rval;
            uint8_t is_error;
        } exit;
    };
};
RF_ABI_SIZE(rf_ptrace_syscall_info, 88);
#define RF_AUDIT_ARCH_X86_64 0xc000003eu

struct rf_ptrace_rseq_configuration {
    uint64_t rseq_abi_pointer;
    uint32_t rseq_abi_size;
    uint32_t signature;
    uint32_t flags;
    uint32_t pad;
};
RF_ABI_SIZE(rf_ptrace_rseq_configuration, 24);

#endif
