/* Where boot puts things, and what the rest of the kernel needs of it. */
#ifndef RF_KERNEL_BOOT_BOOT_H
#define RF_KERNEL_BOOT_BOOT_H

#include "kernel/kernel.h"

/* Kernel part of every address space. */
#define RF_DIRECT_MAP UINT64_C(0xffff888000000000)  /* all of RAM: RW, NX, global */
#define RF_KERNEL_TEXT UINT64_C(0xffffffff81000000) /* entry text and stubs: RX */
#define RF_KERNEL_TABLE UINT64_C(0xffffffff81800000) /* system call table: R, NX */
#define RF_KERNEL_DATA UINT64_C(0xffffffff82000000) /* GDT IDT TSS per-CPU area: RW, NX */
#define RF_FIRST_FRAME UINT64_C(0x100000)           /* below: made by boot, never freed */

/* Selectors; the order is what SYSCALL and SYSRET need (STAR). */
enum {
    RF_KERNEL_CS = 0x10,
    RF_KERNEL_SS = 0x18,
    RF_USER32_CS = 0x23,
    RF_USER_SS = 0x2b,
    RF_USER_CS = 0x33,
    RF_TSS_SELECTOR = 0x40,
};
#define RF_TIMER_VECTOR 0xec

extern const struct rf_segment rf_kernel_ss; /* SS as loaded in the kernel */

/* The per-CPU area, reached by GS in the kernel. */
struct rf_percpu {
    uint64_t user_rsp;   /* 0x00: scratch of the SYSCALL entry */
    uint64_t kernel_rsp; /* 0x08: top of the current task's kernel stack */
    uint64_t exit_work;  /* 0x10: not 0: the exit path calls the exit-work door */
};
/* Bits of exit_work. */
#define RF_WORK_SIGNAL 1u
#define RF_WORK_RESCHED 2u
#define RF_WORK_RSEQ 16u /* restartable sequences: preempted */
#define RF_WORK_IRET 4u /* leave by IRET: registers were replaced */
#define RF_WORK_URING 32u /* requests of rings of the process can go on */
#define RF_WORK_TRACE 8u /* the tracer is to learn of the call's end, or of execve */

struct rf_tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} __attribute__((packed));

/* Labels in the entry text. */
struct rf_entry_labels {
    uint64_t syscall;          /* LSTAR */
    uint64_t syscall_ignored;  /* CSTAR: 32-bit SYSCALL gets -ENOSYS */
    uint64_t return_from_fork; /* where a new task starts, its pt_regs on the stack */
    uint64_t work_door;        /* the VMCALL of the exit-work path */
    uint64_t exception[256];   /* IDT handlers; 0 where there is none */
    uint64_t exception_door[256];
    uint64_t stubs;            /* stub of number n: stubs + 16 n; n = RF_SYSCALL_COUNT: unknown */
    uint64_t end;
};

struct rf_boot_layout {
    uint64_t kernel_pml4;        /* page tables of nobody: the template */
    struct rf_percpu *percpu;    /* host pointers into RAM */
    struct rf_tss *tss;
    uint64_t *syscall_table;
    uint64_t percpu_va, tss_va, gdt_va, idt_va;
    struct rf_entry_labels labels;
};

/* Build tables and text in RAM and program the CPU: after it the CPU is at CPL 0 in 64-bit
 * mode with the template address space. */
rf_status rf_boot(struct rf_kernel *k, struct rf_error *err);

/* entry.c: emit the text for address RF_KERNEL_TEXT into out; bytes used or 0. */
size_t rf_entry_emit(uint8_t *out, size_t size, struct rf_entry_labels *labels, struct rf_error *err);
/* door.c: what VMCALL runs. */
rf_door rf_kernel_door;

#endif
