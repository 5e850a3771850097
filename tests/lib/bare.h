/* A bare machine for tests: one CPU in 64-bit mode on page tables, a GDT, an IDT and a TSS of its
 * own, without a kernel.
 *
 * Every vector's handler is ENDBR64 and VMCALL, which stops the CPU: a test then looks at the state that
 * delivery has left. Linear addresses equal physical ones. */
#ifndef BARE_H
#define BARE_H

#include "cpu/cpu.h"

/* Segment selectors; the order is what STAR wants. */
enum {
    KERNEL_CODE = 0x08, KERNEL_DATA = 0x10, USER_CODE32 = 0x1b, USER_DATA = 0x23, USER_CODE = 0x2b,
    TSS_SELECTOR = 0x30, /* two entries */
    ABSENT_DATA = 0x43, ABSENT_CODE = 0x48, CONFORMING_CODE = 0x50, READ_ONLY_DATA = 0x5b,
    KERNEL_CODE32 = 0x60, GDT_LIMIT = 0x6f,
};

/* The memory map: 4 MiB of RAM, all of it mapped. */
#define BARE_RAM (UINT64_C(4) << 20)
#define BARE_PML4 UINT64_C(0x1000)
#define BARE_PT UINT64_C(0x4000)          /* two page tables: 4 MiB */
#define BARE_GDT UINT64_C(0x8000)
#define BARE_IDT UINT64_C(0x9000)
#define BARE_TSS UINT64_C(0xa000)
#define BARE_HANDLERS UINT64_C(0x10000)   /* 16 bytes for each vector */
#define BARE_SYSCALL UINT64_C(0x12000)    /* LSTAR */
#define BARE_SYSCALL32 UINT64_C(0x12010)  /* CSTAR */
#define BARE_SYSENTER UINT64_C(0x12020)
#define BARE_KERNEL_TEXT UINT64_C(0x14000) /* code run at CPL 0 */
#define BARE_KERNEL_STACK UINT64_C(0x20000) /* tops of stacks, which grow down 16 pages */
#define BARE_RSP0 UINT64_C(0x40000)
#define BARE_IST1 UINT64_C(0x60000)
#define BARE_USER_TEXT UINT64_C(0x100000) /* user pages from here to 2 MiB */
#define BARE_USER_STACK UINT64_C(0x120000)
#define BARE_USER_DATA UINT64_C(0x130000)
#define BARE_ABSENT UINT64_C(0x200000)    /* pages with a rule of their own: no user bit but where said */
#define BARE_READ_ONLY UINT64_C(0x201000) /* user, not writable */
#define BARE_NX UINT64_C(0x202000)        /* user, writable, not executable */
#define BARE_KERNEL_PAGE UINT64_C(0x203000) /* supervisor only */
#define BARE_NONCANONICAL UINT64_C(0x0000800000000000)     /* of 4-level paging */
#define BARE_NEVER_CANONICAL UINT64_C(0x0100000000000000)  /* of 5-level paging neither */

/* A flat segment: its access byte, and the nibble of G, D, L and AVL. */
#define FLAT(access, flags) (UINT64_C(0x000f00000000ffff) | (uint64_t)(access) << 40 | (uint64_t)(flags) << 52)

/* What delivery pushes, error code aside. rsp and ss: not from the same level outside IA-32e mode. */
struct bare_frame {
    uint64_t rip, cs, rflags, rsp, ss;
};

struct bare {
    struct rf_cpu *cpu;
    struct rf_ram ram;
    enum rf_stop stop;  /* how the last run ended */
    int vector;         /* whose handler was reached; -1: another place */
    bool has_error_code;
    uint32_t error_code;
    struct bare_frame frame;
};

/* A machine that will run at `cpl` (0 or 3) from the start of its text. */
void bare_create(struct bare *b, unsigned cpl);
void bare_destroy(struct bare *b);

/* Copy code to where the CPU will run, and run it until VMCALL at CPL 0 or another stop. */
void bare_run(struct bare *b, const void *code, size_t size);
/* Go on from the present state. */
void bare_continue(struct bare *b);

uint64_t bare_text(const struct bare *b); /* where bare_run puts the code */
uint64_t bare_read(const struct bare *b, uint64_t address);
/* A word of `size` bytes, `index` words above the stack pointer. */
uint64_t bare_slot(const struct bare *b, unsigned index, unsigned size);
void bare_write(struct bare *b, uint64_t address, uint64_t value);
void bare_put(struct bare *b, uint64_t address, const void *bytes, size_t size);
/* The page table entry of an address: change it, then bare_flush. */
uint64_t *bare_pte(struct bare *b, uint64_t address);
void bare_flush(struct bare *b);
/* One gate of the IDT: type 0xe interrupt, 0xf trap. */
void bare_gate(struct bare *b, unsigned vector, uint64_t offset, uint16_t selector, unsigned type, unsigned dpl,
               unsigned ist, bool present);
void bare_set_cr4(struct bare *b, uint64_t set, uint64_t clear);

#endif
