/* Prices of the built-in model and the names of accounts.
 *
 * "generic" is a made-up recent x86-64 core: instruction prices are reciprocal throughputs
 * typical of 4-wide cores (Agner Fog, "Instruction tables", Skylake and Zen 2 columns,
 * rounded); privilege events are taken from published measurements of single events:
 * SYSCALL about 70 and SYSRET about 43 cycles, exception entry several hundred, IRETQ
 * about 330, CR3 write about 200, RDTSC about 25 (Linux perf mailing list and the
 * processors' optimisation guides); kernel work units are estimates. */
#include "cost/cost.h"

static const char *const account_names[RF_ACCOUNT_COUNT] = {
    [RF_ACCOUNT_USER] = "user",           [RF_ACCOUNT_ENTRY] = "kernel entry",
    [RF_ACCOUNT_BODY] = "kernel body",    [RF_ACCOUNT_EXIT] = "kernel exit",
    [RF_ACCOUNT_INTERRUPT] = "interrupt", [RF_ACCOUNT_FAULT] = "fault",
    [RF_ACCOUNT_IDLE] = "idle",
};

const char *rf_account_name(enum rf_account_id id)
{
    return (unsigned)id < RF_ACCOUNT_COUNT ? account_names[id] : "unknown";
}

const struct rf_cost_model rf_cost_generic = {
    .name = "generic",
    .load = 1,
    .store = 2,
    .class_cycles = {
        [RF_COST_NOP] = 1,         [RF_COST_MOVE] = 1,        [RF_COST_ALU] = 1,
        [RF_COST_LEA] = 2,         [RF_COST_SHIFT] = 2,       [RF_COST_MUL] = 4,
        [RF_COST_DIV] = 72,        [RF_COST_BRANCH] = 3,      [RF_COST_CALL] = 6,
        [RF_COST_RET] = 5,         [RF_COST_PUSH_POP] = 2,    [RF_COST_STRING] = 8,
        [RF_COST_BIT] = 4,         [RF_COST_ATOMIC] = 72,     [RF_COST_VECTOR_MOVE] = 1,
        [RF_COST_VECTOR_INT] = 2,  [RF_COST_FP_ADD] = 4,      [RF_COST_FP_MUL] = 4,
        [RF_COST_FP_DIV] = 16,     [RF_COST_FP_SQRT] = 20,    [RF_COST_CONVERT] = 6,
        [RF_COST_X87] = 5,         [RF_COST_SYSTEM] = 4,
    },
    .repeat_step = 2,
    .event = {
        [RF_EVENT_SYSCALL] = 70,      [RF_EVENT_SYSRET] = 43,       [RF_EVENT_SYSENTER] = 75,
        [RF_EVENT_SYSEXIT] = 50,      [RF_EVENT_INT] = 420,         [RF_EVENT_EXCEPTION] = 450,
        [RF_EVENT_PAGE_FAULT] = 700,  [RF_EVENT_INTERRUPT] = 600,   [RF_EVENT_IRET] = 330,
        [RF_EVENT_SWAPGS] = 6,        [RF_EVENT_WRMSR] = 90,        [RF_EVENT_RDMSR] = 50,
        [RF_EVENT_MOV_CR] = 12,       [RF_EVENT_MOV_CR3] = 200,     [RF_EVENT_MOV_CR3_KEEP] = 190,
        [RF_EVENT_INVLPG] = 120,      [RF_EVENT_CPUID] = 100,       [RF_EVENT_RDTSC] = 25,
        [RF_EVENT_RDRAND] = 300,      [RF_EVENT_STAC_CLAC] = 8,     [RF_EVENT_SEGMENT_LOAD] = 15,
        [RF_EVENT_FENCE] = 30,
        [RF_EVENT_HANDLER] = 20,      [RF_EVENT_COPY_CHUNK] = 4,    [RF_EVENT_PAGE_FILL] = 250,
        [RF_EVENT_PATH_LOOKUP] = 120, [RF_EVENT_WAKE] = 300,        [RF_EVENT_SWITCH] = 700,
        [RF_EVENT_FORK_PAGE] = 25,
    },
};

unsigned rf_cost_instruction(const struct rf_cost_model *model, enum rf_cost_class cost_class,
                             bool reads_memory, bool writes_memory)
{
    unsigned quarters = model->class_cycles[cost_class];
    if (reads_memory)
        quarters += model->load;
    if (writes_memory)
        quarters += model->store;
    return quarters ? quarters : 1;
}
