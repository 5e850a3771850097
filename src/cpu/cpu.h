/* One virtual CPU: its state, and the calls that the rest of the machine may use.
 *
 * Between blocks (and so whenever rf_cpu_run is not on the stack, inside a door
 * function and at every exception) r[RF_REG_IP] is the exact RIP. Inside a block it is
 * the address of the block's first instruction; ops add their own offset. */
#ifndef RF_CPU_CPU_H
#define RF_CPU_CPU_H

#include "base/compiler.h"
#include "base/error.h"
#include "cost/cost.h"
#include "cpu/apic.h"
#include "cpu/fpu_state.h"
#include "cpu/model.h"
#include "mmu/mmu.h"

struct rf_op;
struct rf_block_cache;
struct rf_bus_ops;
struct rf_cpu;

enum rf_reg {
    RF_RAX, RF_RCX, RF_RDX, RF_RBX, RF_RSP, RF_RBP, RF_RSI, RF_RDI,
    RF_R8, RF_R9, RF_R10, RF_R11, RF_R12, RF_R13, RF_R14, RF_R15,
    RF_REG_ZERO, /* always 0: the base or index that an address does not have */
    RF_REG_IP,   /* see above */
    RF_REG_EA,   /* an address formed by a separate op (segment base, 32-bit address) */
    RF_REG_COUNT
};

/* RFLAGS (SDM 1, 3.4.3). */
#define RF_FLAG_CF 0x000001u
#define RF_FLAG_FIXED 0x000002u
#define RF_FLAG_PF 0x000004u
#define RF_FLAG_AF 0x000010u
#define RF_FLAG_ZF 0x000040u
#define RF_FLAG_SF 0x000080u
#define RF_FLAG_TF 0x000100u
#define RF_FLAG_IF 0x000200u
#define RF_FLAG_DF 0x000400u
#define RF_FLAG_OF 0x000800u
#define RF_FLAG_IOPL 0x003000u
#define RF_FLAG_NT 0x004000u
#define RF_FLAG_RF 0x010000u
#define RF_FLAG_VM 0x020000u
#define RF_FLAG_AC 0x040000u
#define RF_FLAG_VIF 0x080000u
#define RF_FLAG_VIP 0x100000u
#define RF_FLAG_ID 0x200000u
#define RF_FLAGS_STATUS \
    (RF_FLAG_CF | RF_FLAG_PF | RF_FLAG_AF | RF_FLAG_ZF | RF_FLAG_SF | RF_FLAG_OF)

/* Exception vectors (SDM 3A, table 6-1). */
enum rf_vector {
    RF_DE = 0, RF_DB = 1, RF_NMI = 2, RF_BP = 3, RF_OF = 4, RF_BR = 5, RF_UD = 6, RF_NM = 7,
    RF_DF = 8, RF_TS = 10, RF_NP = 11, RF_SS = 12, RF_GP = 13, RF_PF = 14, RF_MF = 16,
    RF_AC = 17, RF_MC = 18, RF_XM = 19, RF_VE = 20, RF_CP = 21
};

enum rf_seg { RF_ES, RF_CS, RF_SEG_SS, RF_DS, RF_FS, RF_GS, RF_SEG_COUNT };

/* Attribute bits of a loaded segment: the descriptor's second doubleword, bits 8 to 23,
 * shifted down by 8 (SDM 3A, 3.4.5). */
#define RF_SEG_TYPE 0x000fu
#define RF_SEG_S 0x0010u
#define RF_SEG_DPL_SHIFT 5
#define RF_SEG_P 0x0080u
#define RF_SEG_AVL 0x1000u
#define RF_SEG_L 0x2000u
#define RF_SEG_DB 0x4000u
#define RF_SEG_G 0x8000u

/* A segment register with its hidden part. attributes 0 (P clear) = unusable. */
struct rf_segment {
    uint16_t selector;
    uint16_t attributes;
    uint32_t limit; /* in bytes, G applied */
    uint64_t base;
};

struct rf_table_register {
    uint64_t base;
    uint16_t limit;
};

/* CR0/CR4/EFER bits the MMU does not own the meaning of. */
#define RF_CR0_MP RF_BIT(1)
#define RF_CR0_EM RF_BIT(2)
#define RF_CR0_TS RF_BIT(3)
#define RF_CR0_ET RF_BIT(4)
#define RF_CR0_NE RF_BIT(5)
#define RF_CR0_AM RF_BIT(18)
#define RF_CR0_NW RF_BIT(29)
#define RF_CR0_CD RF_BIT(30)
#define RF_CR4_VME RF_BIT(0)
#define RF_CR4_PVI RF_BIT(1)
#define RF_CR4_TSD RF_BIT(2)
#define RF_CR4_DE RF_BIT(3)
#define RF_CR4_MCE RF_BIT(6)
#define RF_CR4_PCE RF_BIT(8)
#define RF_CR4_OSFXSR RF_BIT(9)
#define RF_CR4_OSXMMEXCPT RF_BIT(10)
#define RF_CR4_UMIP RF_BIT(11)
#define RF_CR4_FSGSBASE RF_BIT(16)
#define RF_CR4_OSXSAVE RF_BIT(18)
#define RF_EFER_SCE RF_BIT(0)
/* IA32_MISC_ENABLE (SDM 4, table 2-2). */
#define RF_MISC_ENABLE_MONITOR RF_BIT(18)
#define RF_MISC_ENABLE_LIMIT_CPUID RF_BIT(22)
#define RF_MISC_ENABLE_XD_DISABLE RF_BIT(34)

/* An exception or interrupt on its way to the IDT. */
struct rf_event {
    uint8_t vector;
    bool has_error_code;
    bool software;  /* INT n, INT3, INTO: gate DPL is checked */
    bool external;  /* interrupt: EXT bit in nested error codes */
    bool sets_rf;   /* a #DB that is a fault and saves RF = 1 */
    uint8_t length; /* of INT n and its kind at r[RF_REG_IP]: what follows is saved, but a fault
                       on the way is the instruction's own */
    uint32_t error_code;
    uint64_t cr2; /* for #PF */
};

/* A refused privilege check, to be raised as an exception. */
struct rf_refusal {
    uint8_t vector;
    bool has_error_code;
    uint32_t error_code;
    uint64_t cr2;
};

/* Why rf_cpu_run returned. */
enum rf_stop {
    RF_STOP_NONE,
    RF_STOP_LIMIT,        /* the cycle limit was reached */
    RF_STOP_HALT,         /* HLT and nothing can wake the CPU */
    RF_STOP_TRIPLE_FAULT, /* an exception during #DF delivery */
    RF_STOP_DOOR,         /* a door function asked for it */
    RF_STOP_REQUEST,      /* rf_cpu_request_stop */
    RF_STOP_DEVICE,       /* a device asked for it */
    RF_STOP_RESET,        /* INIT: what would begin at the reset vector is not there */
    RF_STOP_SHUTDOWN = RF_STOP_TRIPLE_FAULT,
};

/* What a door function (VMCALL at CPL 0) wants next. RIP is already past the VMCALL
 * when it is called; it may change any state, RIP and paging included. */
enum rf_door_action { RF_DOOR_CONTINUE, RF_DOOR_STOP };
typedef enum rf_door_action rf_door(void *user, struct rf_cpu *cpu);

/* Recently used jump targets: linear address -> first op. */
#define RF_JUMP_CACHE_ENTRIES 4096
struct rf_jump_entry {
    uint64_t key; /* RIP xor cpu->jump_salt */
    struct rf_op *op;
};

/* What the code at a linear address depends on beside paging: a jump cache entry's salt has
 * the index of one of these. */
#define RF_JUMP_MODES 8
struct rf_jump_mode {
    uint32_t block_mode;
    uint32_t cs_limit; /* outside 64-bit mode */
    uint64_t cs_base;
};

/* Counted events that are not cycles; printed by --stats. */
struct rf_cpu_counts {
    uint64_t syscalls, sysrets, sysenters, sysexits;
    uint64_t interrupts, exceptions[32], software_interrupts, irets;
    uint64_t blocks_decoded, instructions_decoded, code_invalidations;
};

struct rf_cpu {
    uint64_t r[RF_REG_COUNT]; /* first: ops address registers by byte offset in rf_cpu */

    /* Lazy arithmetic flags: cpu/flags.h. */
    uint64_t cc_dst, cc_src;
    uint32_t cc_op;
    uint32_t flags; /* every RFLAGS bit but RF_FLAGS_STATUS; RF_FLAG_FIXED set */

    int64_t budget;        /* cycles left until something must be looked at */
    uint64_t instructions; /* retired */
    const struct rf_tlb_entry *tlb; /* the current mode's array */
    uint64_t jump_salt;
    uint32_t block_mode;   /* RF_MODE_* of cpu/block.h, kept by rf_cpu_mode_changed */
    uint32_t jump_round;   /* of the generation: the bits that jump_salt has no room for */
    uint8_t jump_mode_count;
    struct rf_jump_mode jump_modes[RF_JUMP_MODES]; /* that entries of the jump cache are of */
    struct rf_jump_entry *jump_cache; /* RF_JUMP_CACHE_ENTRIES */
    uint8_t cpl;
    uint8_t tlb_mode;      /* enum rf_tlb_mode of ordinary data accesses now */
    bool code_changed;     /* a slow store hit decoded code, or a device has made something due: leave
                              the block */
    bool checks_alignment; /* CPL 3, CR0.AM and RFLAGS.AC: #AC */
    bool watches_data;     /* a breakpoint on data is enabled */
    uint8_t breakpoints_hit; /* on data or ports, by the instruction under way: #DB after it */
    bool step_armed;       /* an instruction began with RFLAGS.TF set: #DB after it */
    uint8_t code_bits;     /* 64 in 64-bit mode, else 32 or 16: CS.L and CS.D */

    _Alignas(16) uint8_t bounce[64]; /* data of a slow access on its way; x87 operands */
    uint64_t msr_value; /* scratch of RDMSR */
    uint32_t block_spent; /* cycles of the block before the instruction under way: set where an access
                             to a device may follow */
    struct rf_refusal refusal;

    struct rf_fpu fpu; /* x87, XMM/YMM, MXCSR */

    struct rf_segment seg[RF_SEG_COUNT], ldtr, tr;
    struct rf_table_register gdtr, idtr;
    uint64_t kernel_gs_base;
    uint64_t cr2, cr8, xcr0;
    rf_feature_set features; /* of the model: rf_cpu_set_model */
    enum rf_cpu_model model;
    enum rf_cpu_vendor vendor; /* rf_cpu_set_vendor */
    uint64_t dr[8];
    uint64_t star, lstar, cstar, fmask;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    /* CET (cpu/cet.h): shadow stack pointer, MSRs; branch_target is scratch */
    uint64_t ssp, u_cet, s_cet, pl_ssp[4], interrupt_ssp_table, branch_target;
    uint64_t tsc_aux, tsc_offset, tsc_adjust, misc_enable, pat, apic_base;

    /* Event recognition at block ends. */
    uint64_t cycle_limit;   /* budget counts down to this many total cycles */
    uint64_t stop_cycles;   /* RF_STOP_LIMIT at this many cycles; UINT64_MAX = never */
    uint64_t timer_cycles;  /* call timer() at this many cycles; UINT64_MAX = never */
    bool stop_requested;    /* may be set from a signal handler */
    bool interrupt_pending; /* an interrupt waits for RFLAGS.IF: the local APIC's, or else
                               interrupt_vector */
    bool nmi_pending, nmi_blocked;
    bool shadow;            /* STI or MOV SS: no interrupt before the next instruction ends */
    bool shadow_ss;         /* MOV SS, POP SS: nor a debug trap */
    bool in_shadow;         /* that next instruction is under way, and something waits for its end */
    bool halted;
    bool single;            /* blocks have one instruction: for a caller that steps */
    bool wakes_masked;      /* with halted: interrupts end the wait even while IF is clear */
    bool monitor_armed;     /* by MONITOR, for MWAIT (ops/monitor.c) */
    uint64_t monitor_address;
    uint8_t monitor_line[64];
    uint8_t interrupt_vector;
    uint8_t delivering;     /* nesting of exception delivery, for #DF */
    struct rf_fault fault;  /* of the last refused access */
    enum rf_stop stop;

    struct rf_apic apic;
    const struct rf_bus_ops *bus; /* cpu/bus.h; NULL = nothing is connected */
    void *bus_user;

    struct rf_mmu mmu;
    struct rf_block_cache *blocks;
    struct rf_account account;
    enum rf_account_id account_interrupted; /* by an external interrupt at CPL 0; RF_ACCOUNT_COUNT: none is */
    const struct rf_cost_model *cost;
    struct rf_cpu_counts counts;
    uint64_t random_state; /* RDRAND, RDSEED */

    rf_door *door;
    void *door_user;
    /* Called at a block end once rf_cpu_cycles() >= timer_cycles; sets a new one. */
    void (*timer)(void *user, struct rf_cpu *cpu);
    void *timer_user;
    /* An instruction this build does not implement was met; #UD follows. */
    void (*unimplemented)(void *user, struct rf_cpu *cpu, const uint8_t *bytes, unsigned length);
    void *unimplemented_user;
    /* While that is called for a part of the architecture: which, in words; bytes is NULL then. */
    const char *unimplemented_part;
    /* Time stamp counter in guest cycles; NULL = rf_cpu_cycles(). */
    uint64_t (*read_tsc)(void *user, struct rf_cpu *cpu);
    void *read_tsc_user;
    char stop_text[256]; /* why, for RF_STOP_TRIPLE_FAULT */
};

/* Power-on for a bare machine: real-address mode, registers as SDM 3A table 9-1 has them, so the
 * first instruction is at physical address FFFFFFF0H. A machine without a ROM there sets CS and
 * RIP, and calls rf_cpu_mode_changed. cpu must be zeroed memory; ram must outlive it. */
rf_status rf_cpu_init(struct rf_cpu *cpu, struct rf_ram *ram, const struct rf_cost_model *cost,
                      struct rf_error *err);
void rf_cpu_destroy(struct rf_cpu *cpu);

/* What CPUID tells and which instructions exist; RF_CPU_V3 after rf_cpu_init. Not while the
 * CPU runs, nor with a state that the new model cannot have (CR4, XCR0). */
void rf_cpu_set_model(struct rf_cpu *cpu, enum rf_cpu_model model);

/* Whose rules hold where vendors differ; Intel's after rf_cpu_init. Not while the CPU runs. */
void rf_cpu_set_vendor(struct rf_cpu *cpu, enum rf_cpu_vendor vendor);

/* Run until something stops the CPU. Never returns RF_STOP_NONE. */
enum rf_stop rf_cpu_run(struct rf_cpu *cpu);

/* The debug registers (SDM 3B, 18.2). */
#define RF_DR6_BREAKPOINTS UINT64_C(0xf) /* B0 to B3 */
#define RF_DR6_BD RF_BIT(13)
#define RF_DR6_BS RF_BIT(14)
#define RF_DR6_WRITABLE UINT64_C(0xe00f)
#define RF_DR6_FIXED UINT64_C(0xffff0ff0)
#define RF_DR7_ENABLES UINT64_C(0xff) /* L0 G0 .. L3 G3 */
#define RF_DR7_GD RF_BIT(13)
#define RF_DR7_WRITABLE UINT64_C(0xffff23ff)
#define RF_DR7_FIXED UINT64_C(0x400)

RF_INLINE bool rf_debug_enabled(const struct rf_cpu *cpu)
{
    return cpu->dr[7] & RF_DR7_ENABLES;
}

/* Does a debug trap or an interrupt wait, or the CPU in HLT? */
bool rf_cpu_event_due(const struct rf_cpu *cpu);

/* Raise what timers are due, as the end of every block does. */
void rf_cpu_expire_timers(struct rf_cpu *cpu);

/* Stop at a block end soon, within about a million cycles; async-signal-safe. */
void rf_cpu_request_stop(struct rf_cpu *cpu);

/* Total modelled cycles so far. */
RF_INLINE uint64_t rf_cpu_cycles(const struct rf_cpu *cpu)
{
    return cpu->cycle_limit - (uint64_t)cpu->budget;
}

/* Recompute cycle_limit/budget after stop_cycles, timer_cycles or a pending event
 * changed. Cycles are unchanged. */
void rf_cpu_refresh_budget(struct rf_cpu *cpu);

/* Charge cycles of an event to an account other than the running one. */
void rf_cpu_charge(struct rf_cpu *cpu, enum rf_account_id id, uint64_t cycles);
/* From here on, run time belongs to id. */
void rf_cpu_account(struct rf_cpu *cpu, enum rf_account_id id);

/* Call after CPL, RFLAGS.AC/TF/IF, CS, CR0, CR4, EFER, DR7, the MXCSR masks, or anything else
 * in the MMU changed. */
void rf_cpu_mode_changed(struct rf_cpu *cpu);

/* RFLAGS, whole. set stores every defined bit without any privilege rule. */
uint64_t rf_cpu_flags(const struct rf_cpu *cpu);
void rf_cpu_set_flags(struct rf_cpu *cpu, uint64_t value);

/* --- exceptions and transitions (exceptions.c, transitions.c) --- */

/* Deliver through the IDT: saves state, switches stacks, sets RIP; nested faults become
 * #DF, then a triple fault (stop set). RIP saved is r[RF_REG_IP]. The status flags are
 * read through rf_cpu_flags. Returns false if the CPU stopped. */
bool rf_cpu_deliver(struct rf_cpu *cpu, const struct rf_event *event);

/* Paging is off or of the 32-bit kinds: no 64-bit code, 8-byte gates (SDM 3A, 2.2). */
RF_INLINE bool rf_cpu_is_legacy(const struct rf_cpu *cpu) { return !(cpu->mmu.efer & RF_EFER_LMA); }
RF_INLINE bool rf_cpu_is_real(const struct rf_cpu *cpu) { return !(cpu->mmu.cr0 & RF_CR0_PE); }

/* "#PF", "#GP", ...; "interrupt" for a vector without a name. Never NULL. */
const char *rf_vector_name(unsigned vector);

/* --- control registers (control.c): with every rule of SDM 2A, MOV to a control register; false:
 * #GP(0), nothing changed. rf_cpu_mode_changed must follow. --- */
bool rf_cpu_write_cr0(struct rf_cpu *cpu, uint64_t value);
bool rf_cpu_write_cr3(struct rf_cpu *cpu, uint64_t value);
bool rf_cpu_write_cr4(struct rf_cpu *cpu, uint64_t value);
/* The bits of CR4 that are not reserved on this model. */
uint64_t rf_cpu_cr4_defined(const struct rf_cpu *cpu);

/* --- MSRs and CPUID (msr.c, cpuid.c) --- */
bool rf_cpu_read_msr(struct rf_cpu *cpu, uint32_t msr, uint64_t *value);
bool rf_cpu_write_msr(struct rf_cpu *cpu, uint32_t msr, uint64_t value); /* false: #GP(0) */
void rf_cpu_cpuid(struct rf_cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* --- implicit supervisor memory (descriptor tables, TSS) --- */
bool rf_cpu_read_system(struct rf_cpu *cpu, uint64_t va, void *out, size_t size);
bool rf_cpu_write_system(struct rf_cpu *cpu, uint64_t va, const void *data, size_t size);

#endif
