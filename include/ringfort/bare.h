/* A bare machine: one x86-64 CPU and its memory, without a kernel. You are the operating system:
 * write page tables and descriptor tables into memory, set registers, and run code at any
 * privilege level.
 *
 * Use: create, write memory and registers, run until something stops the CPU, look at what has
 * become of it, destroy. ringfort/testkit.h sets all of that up for a test in a few lines.
 *
 * Doors: VMCALL at CPL 0 stops the run (RF_BARE_DOOR) with RIP behind it, and running goes on from
 * there; at CPL 3 it is an undefined opcode. So a handler made of one VMCALL hands every event to
 * the caller.
 *
 * A machine is driven by one host thread at a time; different machines share nothing. The same
 * memory, registers and calls give the same results and cycles in every run.
 * Every fallible call returns an rf_status and leaves a line for rf_bare_error_text. A call that
 * fails has changed nothing. Nothing that guest code does can harm the host process. */
#ifndef RINGFORT_BARE_H
#define RINGFORT_BARE_H

#include <ringfort/explain.h>
#include <ringfort/machine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rf_bare rf_bare;

typedef struct rf_bare_config {
    uint64_t memory;     /* bytes of RAM from physical address 0: 64 KiB to 3 GiB, rounded up to
                            pages; 0 = 16 MiB. Reads outside RAM give ones, writes vanish. */
    const char *cpu;     /* "x86-64-v1", "x86-64-v2", "x86-64-v3", "max"; NULL = x86-64-v3 */
    const char *vendor;  /* "intel" or "amd": whose rules hold where the manuals differ (SYSRET to a
                            non-canonical address, and others); NULL = intel */
    uint64_t max_cycles; /* rf_bare_run stops after so many modelled cycles; 0 = no limit */
    bool apic;           /* a local APIC (SDM 3A, chapter 10), as firmware leaves it: in xAPIC mode, its
                            page at FEE00000H, enabled, LINT0 = ExtINT, LINT1 = NMI, ID 0. Its timer
                            counts modelled cycles. Set bit 10 of MSR 1BH for x2APIC mode, where its
                            registers are MSRs 800H to 83FH. */
} rf_bare_config;

/* Registers, by the manuals' names. */
typedef enum rf_bare_reg {
    RF_BARE_RAX, RF_BARE_RCX, RF_BARE_RDX, RF_BARE_RBX, RF_BARE_RSP, RF_BARE_RBP, RF_BARE_RSI,
    RF_BARE_RDI, RF_BARE_R8, RF_BARE_R9, RF_BARE_R10, RF_BARE_R11, RF_BARE_R12, RF_BARE_R13,
    RF_BARE_R14, RF_BARE_R15,
    RF_BARE_RIP, RF_BARE_RFLAGS,
    RF_BARE_CR0, RF_BARE_CR2, RF_BARE_CR3, RF_BARE_CR4, RF_BARE_CR8,
    RF_BARE_DR0, RF_BARE_DR1, RF_BARE_DR2, RF_BARE_DR3, RF_BARE_DR6, RF_BARE_DR7,
    RF_BARE_XCR0, RF_BARE_PKRU,
    RF_BARE_SSP, /* the shadow stack pointer; other registers of CET are MSRs, 6A0H to 6A8H */
    RF_BARE_GDTR_BASE, RF_BARE_GDTR_LIMIT, RF_BARE_IDTR_BASE, RF_BARE_IDTR_LIMIT,
    RF_BARE_CPL, /* read-only: set by loading CS */
    /* Selectors, read-only here: rf_bare_set_segment also sets the hidden parts. */
    RF_BARE_ES, RF_BARE_CS, RF_BARE_SS, RF_BARE_DS, RF_BARE_FS, RF_BARE_GS, RF_BARE_LDTR, RF_BARE_TR,
    RF_BARE_REG_COUNT
} rf_bare_reg;

/* A segment register with its hidden part (SDM 3A, 3.4.3). */
typedef struct rf_bare_segment {
    uint16_t selector;
    uint16_t attributes; /* bits 8 to 23 of the descriptor's second doubleword, shifted down by 8:
                            type 0-3, S 4, DPL 5-6, P 7, AVL 12, L 13, D/B 14, G 15; bits 8-11 are
                            0. 0 = unusable */
    uint32_t limit;      /* in bytes, G applied: the last offset */
    uint64_t base;
} rf_bare_segment;

/* Why a run ended. */
typedef enum rf_bare_stop_reason {
    RF_BARE_DOOR,         /* VMCALL at CPL 0; RIP is behind it */
    RF_BARE_HALT,         /* HLT, and no interrupt is on its way that could wake the CPU */
    RF_BARE_TRIPLE_FAULT, /* an exception while #DF was delivered; rf_bare_error_text tells which */
    RF_BARE_LIMIT,        /* the cycles were used up */
    RF_BARE_STOPPED,      /* rf_bare_stop was called */
    RF_BARE_STEPPED,      /* rf_bare_step did its one step */
    RF_BARE_RESET,        /* the CPU received INIT, or a port asked for a reset */
} rf_bare_stop_reason;

/* A machine in the state after power-on (SDM 3A, table 9-1): real-address mode, memory zero; but
 * CS and RIP are 0, as there is no ROM: the first instruction is the one at physical address 0.
 * config NULL = all defaults. On success *out owns the machine: release it with rf_bare_destroy.
 * On failure *out is NULL and rf_create_error_text() says why.
 * Errors: RF_ERR_ARGUMENT (a value out of range, an unknown name), RF_ERR_NO_MEMORY. */
rf_status rf_bare_create(const rf_bare_config *config, rf_bare **out);
/* Release everything. NULL is allowed. */
void rf_bare_destroy(rf_bare *bare);
/* The line left by the last call that failed, or by the last triple fault; "" if there is none.
 * Owned by the machine, valid until the next call. */
const char *rf_bare_error_text(const rf_bare *bare);

/* --- registers --- */

/* "RAX", "GDTR.base", ...; NULL for a number that is no register. Constant. */
const char *rf_bare_reg_name(rf_bare_reg reg);
/* A register's value; 0 for a number that is no register. */
uint64_t rf_bare_get(const rf_bare *bare, rf_bare_reg reg);
/* Set a register, as an instruction at CPL 0 would: values that the manuals call impossible are
 * refused (reserved bits of CR0, CR4, CR8, XCR0; CR0.PG without CR0.PE; paging in long mode
 * without CR4.PAE; CR4.CET without CR0.WP; a limit above 0xffff; an SSP that is no multiple of 4 or
 * not canonical, or any on a CPU model without shadow stacks). Setting CR0.PG with EFER.LME enters long mode (EFER.LMA), and
 * CR3 drops translations, as on hardware. RFLAGS' bit 1 is always 1 and undefined bits are 0.
 * Errors: RF_ERR_ARGUMENT (a reserved bit, or no such register), RF_ERR_STATE (the value is
 * impossible in the present mode). */
rf_status rf_bare_set(rf_bare *bare, rf_bare_reg reg, uint64_t value);

/* RF_BARE_ES to RF_BARE_TR with hidden parts. No descriptor table is read; loading CS also sets
 * CPL (the selector's RPL while CR0.PE = 1) and the code size.
 * Errors of set: RF_ERR_ARGUMENT (not a segment register, reserved attribute bits, L and D
 * together, a base that is not canonical, CS that is no code, a DPL that is not the RPL of CS, TR or
 * LDTR of another type). */
rf_status rf_bare_get_segment(const rf_bare *bare, rf_bare_reg reg, rf_bare_segment *out);
rf_status rf_bare_set_segment(rf_bare *bare, rf_bare_reg reg, const rf_bare_segment *segment);

/* Model-specific registers by number, with the rules of RDMSR and WRMSR at CPL 0.
 * Errors: RF_ERR_ARGUMENT (no such register, or a value that WRMSR answers with #GP). */
rf_status rf_bare_read_msr(rf_bare *bare, uint32_t number, uint64_t *value);
rf_status rf_bare_write_msr(rf_bare *bare, uint32_t number, uint64_t value);

/* --- memory --- */

/* Bytes of RAM. */
uint64_t rf_bare_memory_size(const rf_bare *bare);
/* Copy from or to physical memory. Code that was decoded from the bytes written is forgotten.
 * Translations are not: use rf_bare_flush after changing page tables that the CPU has used.
 * Errors: RF_ERR_FAULT (some byte is outside RAM; nothing was copied), RF_ERR_ARGUMENT. */
rf_status rf_bare_read_physical(rf_bare *bare, uint64_t address, void *out, size_t size);
rf_status rf_bare_write_physical(rf_bare *bare, uint64_t address, const void *bytes, size_t size);
/* The same by linear address: each page is walked as an access of supervisor mode with RFLAGS.AC
 * set, so user pages are reached under SMAP; accessed and dirty bits stay. Segments play no part.
 * Errors: RF_ERR_FAULT (the text holds the rule that refused; nothing was copied). */
rf_status rf_bare_read_linear(rf_bare *bare, uint64_t address, void *out, size_t size);
rf_status rf_bare_write_linear(rf_bare *bare, uint64_t address, const void *bytes, size_t size);
/* Forget all translations (TLB), those of global pages too. */
void rf_bare_flush(rf_bare *bare);

/* --- running --- */

/* Run until something stops the CPU, at most `cycles` modelled cycles (0 = the config's
 * max_cycles). The limit is seen at the end of a run of straight-line code, so it may be passed by some
 * dozens of instructions. After RF_BARE_HALT running goes on only with an interrupt.
 * Errors: RF_ERR_STATE after a triple fault: set RIP or another register first. */
rf_status rf_bare_run(rf_bare *bare, uint64_t cycles, rf_bare_stop_reason *reason);
/* Execute one instruction, or deliver one interrupt or debug exception that is due before it; while
 * the CPU has halted, let time pass to the next timer.
 * *reason is RF_BARE_STEPPED, or why less or something else came of it. An instruction that is
 * stepped costs a whole number of cycles, so stepping costs more than running.
 * Errors: as rf_bare_run. */
rf_status rf_bare_step(rf_bare *bare, rf_bare_stop_reason *reason);
/* Make a running machine stop soon, within about a million cycles. May be called from another
 * thread or a signal handler; a machine that does not run stops at its next run. */
void rf_bare_stop(rf_bare *bare);
/* "door", "halt", "triple fault", "cycle limit", "stopped", "stepped". Constant, never NULL. */
const char *rf_bare_stop_name(rf_bare_stop_reason reason);

/* Raise an external interrupt: it waits for RFLAGS.IF (SDM 3A, 6.8.1) and is delivered before the
 * next instruction once that is set. Only one can wait.
 * With a local APIC the interrupt comes by its LINT0, as from an 8259A: while LINT0 is masked it waits;
 * once software has made LINT0 something else than ExtINT, what its LVT says happens once, and
 * `vector` means nothing. A disabled APIC (MSR 1BH) is as if it were not there.
 * Errors: RF_ERR_ARGUMENT (vector above 255), RF_ERR_STATE (another one is waiting). */
rf_status rf_bare_interrupt(rf_bare *bare, unsigned vector);
/* The same, raised when `cycles` (at least 1) more have passed, at the end of the straight-line code
 * that runs then: a timer. It ends HLT, which lets time pass at once. One timer at a time; a new
 * call sets it again. If an interrupt is waiting then, this one is lost.
 * Errors: RF_ERR_ARGUMENT. */
rf_status rf_bare_interrupt_after(rf_bare *bare, unsigned vector, uint64_t cycles);
/* Raise a non-maskable interrupt: vector 2, blocked only while an earlier one is handled, until IRET
 * (SDM 3A, 6.7.1). A local APIC does not stand in its way, whatever LINT1 says. */
void rf_bare_nmi(rf_bare *bare);

/* --- devices --- */

/* What I/O ports answer. size is 1, 2 or 4 bytes; of a value that is narrower the upper bits are
 * ignored. They run in the middle of IN or OUT: of this machine they may call rf_bare_stop,
 * rf_bare_interrupt and rf_bare_nmi, and read registers, nothing else; general registers are those
 * before the instruction. */
typedef uint32_t rf_bare_port_read(void *user, uint16_t port, unsigned size);
typedef void rf_bare_port_write(void *user, uint16_t port, uint32_t value, unsigned size);
/* Connect ports, for all numbers; NULL = reads give ones, writes vanish, as without this call.
 * `user` is passed through, and stays the caller's. */
void rf_bare_set_ports(rf_bare *bare, rf_bare_port_read *read, rf_bare_port_write *write, void *user);

/* --- looking --- */

/* Figures since creation; what a bare machine does not have is 0. Code that starts to run at CPL 0
 * counts as "kernel body"; an account lasts from a transition to the return to CPL 3. */
void rf_bare_stats(const rf_bare *bare, rf_stats *out);
/* Modelled cycles so far. */
uint64_t rf_bare_cycles(const rf_bare *bare);

/* One instruction in Intel syntax, as the CPU in its present mode would fetch it at a linear
 * address. *length (may be NULL) gets its bytes. "bytes .." if it is none.
 * Errors: RF_ERR_FAULT (no byte can be fetched), RF_ERR_ARGUMENT. */
rf_status rf_bare_disassemble(rf_bare *bare, uint64_t address, char *out, size_t size, unsigned *length);

/* The same for bytes that the caller has (1 to 15 are looked at), as if at `address`; bits: 64, 32
 * or 16. Returns the instruction's length; 0 = it is none, or a buffer is missing. */
unsigned rf_disassemble(const void *bytes, size_t got, uint64_t address, unsigned bits, char *out, size_t size);

/* The page walk of an access, told level by level (ringfort/explain.h).
 * Errors: RF_ERR_ARGUMENT (NULL, or access or by is out of range). */
rf_status rf_bare_explain(const rf_bare *bare, uint64_t address, rf_access_kind access, rf_access_by by,
                          rf_explanation *out);

#ifdef __cplusplus
}
#endif
#endif
