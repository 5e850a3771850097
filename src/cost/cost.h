/* The cycle model: prices as data, and accounts whose parts add up to the total.
 *
 * Knows nothing of Linux or of the CPU's insides: the decoder asks for the price of an
 * instruction by class, the CPU reports events by name. */
#ifndef RF_COST_COST_H
#define RF_COST_COST_H

#include "base/compiler.h"

/* Where a cycle was spent. */
enum rf_account_id {
    RF_ACCOUNT_USER,      /* instructions at CPL 3 */
    RF_ACCOUNT_ENTRY,     /* from SYSCALL / INT n to the handler */
    RF_ACCOUNT_BODY,      /* the system call handler's own work */
    RF_ACCOUNT_EXIT,      /* from the handler back to CPL 3 */
    RF_ACCOUNT_INTERRUPT, /* external interrupts */
    RF_ACCOUNT_FAULT,     /* exceptions, their handlers included */
    RF_ACCOUNT_IDLE,      /* time that passed with every task asleep */
    RF_ACCOUNT_COUNT
};

struct rf_account {
    enum rf_account_id current;
    uint64_t mark; /* total cycles when `current` began */
    uint64_t cycles[RF_ACCOUNT_COUNT];
};

const char *rf_account_name(enum rf_account_id id);

/* Instruction classes of the static price list. */
enum rf_cost_class {
    RF_COST_NOP, RF_COST_MOVE, RF_COST_ALU, RF_COST_LEA, RF_COST_SHIFT, RF_COST_MUL,
    RF_COST_DIV, RF_COST_BRANCH, RF_COST_CALL, RF_COST_RET, RF_COST_PUSH_POP, RF_COST_STRING,
    RF_COST_BIT, RF_COST_ATOMIC, RF_COST_VECTOR_MOVE, RF_COST_VECTOR_INT, RF_COST_FP_ADD,
    RF_COST_FP_MUL, RF_COST_FP_DIV, RF_COST_FP_SQRT, RF_COST_CONVERT, RF_COST_X87,
    RF_COST_SYSTEM, RF_COST_CLASS_COUNT
};

/* Events priced by themselves. */
enum rf_cost_event {
    RF_EVENT_SYSCALL, RF_EVENT_SYSRET, RF_EVENT_SYSENTER, RF_EVENT_SYSEXIT, RF_EVENT_INT,
    RF_EVENT_EXCEPTION, RF_EVENT_PAGE_FAULT, RF_EVENT_INTERRUPT, RF_EVENT_IRET, RF_EVENT_SWAPGS,
    RF_EVENT_WRMSR, RF_EVENT_RDMSR, RF_EVENT_MOV_CR, RF_EVENT_MOV_CR3, RF_EVENT_MOV_CR3_KEEP,
    RF_EVENT_INVLPG, RF_EVENT_CPUID, RF_EVENT_RDTSC, RF_EVENT_RDRAND, RF_EVENT_STAC_CLAC,
    RF_EVENT_SEGMENT_LOAD, RF_EVENT_FENCE,
    /* work of the kernel's C handlers, in units */
    RF_EVENT_HANDLER,       /* any system call handler, once */
    RF_EVENT_COPY_CHUNK,    /* per 64 bytes copied from or to user memory */
    RF_EVENT_PAGE_FILL,     /* per page zeroed, copied or read from a file */
    RF_EVENT_PATH_LOOKUP,   /* per path component */
    RF_EVENT_WAKE,          /* per task woken */
    RF_EVENT_SWITCH,        /* per context switch */
    RF_EVENT_FORK_PAGE,     /* per page table entry copied by fork */
    RF_EVENT_COUNT
};

struct rf_cost_model {
    const char *name;
    uint16_t load, store;                 /* 1/4 cycles, added when the instruction reads / writes memory */
    uint16_t class_cycles[RF_COST_CLASS_COUNT]; /* reciprocal throughput in 1/4 cycles */
    uint16_t repeat_step;                 /* one iteration of a REP string instruction, 1/4 cycles */
    uint32_t event[RF_EVENT_COUNT];
};

/* The built-in model, "generic": constant data. */
extern const struct rf_cost_model rf_cost_generic;

/* Price of one instruction in quarter cycles, at least 1. */
unsigned rf_cost_instruction(const struct rf_cost_model *model, enum rf_cost_class cost_class,
                             bool reads_memory, bool writes_memory);

#endif
