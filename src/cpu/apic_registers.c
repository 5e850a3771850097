/* The local APIC's registers: the page of xAPIC mode (SDM 3A, 10.4.1) and the MSRs of x2APIC mode
 * (10.12.1). A register's number is its offset in the page divided by 16, and its MSR minus 800H. */
#include "cpu/apic_registers.h"

#include <string.h>

enum {
    ID = 0x02, VERSION, TPR = 0x08, APR, PPR, EOI, REMOTE_READ, LDR, DFR, SVR,
    ISR = 0x10, TMR = 0x18, IRR = 0x20, ESR = 0x28, LVT_CMCI = 0x2f, ICR_LOW, ICR_HIGH,
    LVT = 0x32, INITIAL_COUNT = 0x38, CURRENT_COUNT, DIVIDE = 0x3e, SELF_IPI, REGISTERS
};

#define VERSION_VALUE (0x14u | (RF_LVT_COUNT - 1u) << 16)

/* Who may use a register, in each mode. */
enum { X = 1, X2 = 2, BOTH = X | X2 };

/* Defined bits that a write may set; in x2APIC mode another one is #GP(0) (10.12.1.3). */
static const struct reg {
    uint8_t readable, writable; /* in which modes */
    uint32_t bits;
} registers[REGISTERS] = {
    [ID] = { BOTH, X, 0xff000000 },
    [VERSION] = { BOTH, 0, 0 },
    [TPR] = { BOTH, BOTH, 0xff },
    [APR] = { X, 0, 0 },
    [PPR] = { BOTH, 0, 0 },
    [EOI] = { 0, BOTH, 0 },
    [REMOTE_READ] = { X, 0, 0 },
    [LDR] = { BOTH, X, 0xff000000 },
    [DFR] = { X, X, 0xf0000000 },
    [SVR] = { BOTH, BOTH, 0x1ff },
    [ISR ... ISR + 7] = { BOTH, 0, 0 },
    [TMR ... TMR + 7] = { BOTH, 0, 0 },
    [IRR ... IRR + 7] = { BOTH, 0, 0 },
    [ESR] = { BOTH, BOTH, 0 },
    [ICR_LOW] = { BOTH, BOTH, 0xcdfff }, /* delivery status (12) is not kept */
    [ICR_HIGH] = { X, X, 0xff000000 },
    [LVT + RF_LVT_TIMER] = { BOTH, BOTH, 0x700ff },
    [LVT + RF_LVT_THERMAL] = { BOTH, BOTH, 0x107ff },
    [LVT + RF_LVT_PERFORMANCE] = { BOTH, BOTH, 0x107ff },
    [LVT + RF_LVT_LINT0] = { BOTH, BOTH, 0x1a7ff },
    [LVT + RF_LVT_LINT1] = { BOTH, BOTH, 0x1a7ff },
    [LVT + RF_LVT_ERROR] = { BOTH, BOTH, 0x100ff },
    [INITIAL_COUNT] = { BOTH, BOTH, UINT32_MAX },
    [CURRENT_COUNT] = { BOTH, 0, 0 },
    [DIVIDE] = { BOTH, BOTH, 0xb },
    [SELF_IPI] = { 0, X2, 0xff },
};

static bool is_lvt(unsigned number)
{
    return number >= LVT && number < LVT + RF_LVT_COUNT;
}

static uint32_t read_register(struct rf_cpu *cpu, unsigned number)
{
    const struct rf_apic *apic = &cpu->apic;
    if (number >= ISR && number < ESR)
        return number < TMR ? apic->isr[number - ISR] : number < IRR ? apic->tmr[number - TMR]
                                                                     : apic->irr[number - IRR];
    if (is_lvt(number))
        return apic->lvt[number - LVT];
    switch (number) {
    case ID: return rf_apic_is_x2(cpu) ? 0 : apic->id << 24;
    case VERSION: return VERSION_VALUE;
    case TPR: return apic->tpr;
    case PPR: return rf_apic_ppr(apic);
    case LDR: return rf_apic_is_x2(cpu) ? 1 : apic->ldr; /* cluster 0, bit 0 (10.12.10.2) */
    case DFR: return apic->dfr;
    case SVR: return apic->svr;
    case ESR: return apic->esr;
    case ICR_LOW: return apic->icr[0];
    case ICR_HIGH: return apic->icr[1];
    case INITIAL_COUNT: return apic->initial_count;
    case CURRENT_COUNT: return rf_apic_current_count(cpu);
    case DIVIDE: return apic->divide;
    default: return 0; /* APR, remote read */
    }
}

/* 10.4.7.2: disabling masks the local vectors, and they stay so. */
static void write_svr(struct rf_cpu *cpu, uint32_t value)
{
    cpu->apic.svr = value;
    if (!(value & RF_SVR_ENABLE))
        for (unsigned i = 0; i < RF_LVT_COUNT; i++)
            cpu->apic.lvt[i] |= RF_LVT_MASKED;
    rf_apic_update(cpu);
}

static void write_lvt(struct rf_cpu *cpu, unsigned which, uint32_t value)
{
    if (!(cpu->apic.svr & RF_SVR_ENABLE))
        value |= RF_LVT_MASKED;
    if (which == RF_LVT_TIMER)
        rf_apic_set_timer_lvt(cpu, value);
    else
        cpu->apic.lvt[which] = value;
    rf_apic_update(cpu);
}

static void write_icr(struct rf_cpu *cpu, uint64_t value)
{
    cpu->apic.icr[0] = (uint32_t)value & ~0x1000u; /* sent at once: idle */
    cpu->apic.icr[1] = (uint32_t)(value >> 32);
    rf_apic_send_ipi(cpu, value);
}

/* value has defined bits only. */
static void write_register(struct rf_cpu *cpu, unsigned number, uint32_t value)
{
    struct rf_apic *apic = &cpu->apic;
    if (is_lvt(number)) {
        write_lvt(cpu, number - LVT, value);
        return;
    }
    switch (number) {
    case ID: apic->id = value >> 24; break;
    case TPR: rf_apic_set_tpr(cpu, (uint8_t)value); break;
    case EOI: rf_apic_eoi(cpu); break;
    case LDR: apic->ldr = value; break;
    case DFR: apic->dfr = value | 0x0fffffff; break;
    case SVR: write_svr(cpu, value); break;
    case ESR: /* 10.5.3: a write brings what was seen since the last one */
        apic->esr = apic->esr_seen;
        apic->esr_seen = 0;
        break;
    case ICR_LOW: write_icr(cpu, (uint64_t)apic->icr[1] << 32 | value); break;
    case ICR_HIGH: apic->icr[1] = value; break;
    case INITIAL_COUNT: rf_apic_set_initial_count(cpu, value); break;
    case DIVIDE: rf_apic_set_divide(cpu, value); break;
    case SELF_IPI: rf_apic_send_ipi(cpu, 1u << 18 | value); break;
    default: break;
    }
}

/* --- the page --- */

bool rf_apic_has_page(const struct rf_cpu *cpu, uint64_t pa)
{
    const uint64_t mode = RF_APIC_BASE_EN | RF_APIC_BASE_EXTD;
    return cpu->apic.present && (cpu->apic_base & mode) == RF_APIC_BASE_EN &&
           !((pa ^ cpu->apic_base) & RF_PTE_ADDRESS);
}

static uint32_t load_register(struct rf_cpu *cpu, unsigned number)
{
    if (number < REGISTERS && registers[number].readable & X)
        return read_register(cpu, number);
    if (number >= REGISTERS || !(registers[number].writable & X))
        rf_apic_error(cpu, RF_ESR_ILLEGAL_REGISTER);
    return 0;
}

/* Registers are 4 bytes at a multiple of 16, and the rest of their 16 bytes reads as zero. The
 * manual leaves other accesses than those of 4 aligned bytes open (10.4.1): loads give the bytes. */
void rf_apic_load(struct rf_cpu *cpu, unsigned offset, void *out, size_t size)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < size;) {
        unsigned at = offset + (unsigned)i, in = at % 16;
        size_t part = 16 - in < size - i ? 16 - in : size - i;
        uint32_t whole[4] = { in < 4 ? load_register(cpu, at / 16) : 0 };
        memcpy(bytes + i, (uint8_t *)whole + in, part);
        i += part;
    }
}

/* Stores that are not of at least the 4 aligned bytes are ignored. */
void rf_apic_store(struct rf_cpu *cpu, unsigned offset, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = (16 - offset % 16) % 16; i + 4 <= size; i += 16) {
        unsigned number = (offset + (unsigned)i) / 16;
        uint32_t value;
        memcpy(&value, bytes + i, 4);
        if (number < REGISTERS && registers[number].writable & X)
            write_register(cpu, number, value & registers[number].bits);
        else if (number >= REGISTERS || !registers[number].readable)
            rf_apic_error(cpu, RF_ESR_ILLEGAL_REGISTER);
    }
}

/* --- the MSRs --- */

#define MSR_TSC_DEADLINE 0x6e0
#define MSR_FIRST 0x800

static const struct reg *find_x2(const struct rf_cpu *cpu, uint32_t msr)
{
    uint32_t number = msr - MSR_FIRST;
    return cpu->apic.present && rf_apic_is_x2(cpu) && number < REGISTERS ? &registers[number] : NULL;
}

bool rf_apic_read_msr(struct rf_cpu *cpu, uint32_t msr, uint64_t *value)
{
    if (msr == MSR_TSC_DEADLINE) {
        *value = cpu->apic.tsc_deadline;
        return cpu->apic.present;
    }
    const struct reg *reg = find_x2(cpu, msr);
    if (!reg || !(reg->readable & X2))
        return false;
    *value = read_register(cpu, msr - MSR_FIRST);
    if (msr - MSR_FIRST == ICR_LOW)
        *value |= (uint64_t)cpu->apic.icr[1] << 32;
    return true;
}

/* ICR is one register of 64 bits. Its bit 12, the delivery status of xAPIC mode, is ignored. */
static bool write_x2_icr(struct rf_cpu *cpu, const struct reg *reg, uint64_t value)
{
    if ((uint32_t)value & ~reg->bits)
        return false;
    write_icr(cpu, value);
    return true;
}

bool rf_apic_write_msr(struct rf_cpu *cpu, uint32_t msr, uint64_t value)
{
    if (msr == MSR_TSC_DEADLINE)
        return cpu->apic.present && rf_apic_write_deadline(cpu, value);
    const struct reg *reg = find_x2(cpu, msr);
    if (!reg || !(reg->writable & X2))
        return false;
    if (msr - MSR_FIRST == ICR_LOW)
        return write_x2_icr(cpu, reg, value);
    if (value & ~(uint64_t)reg->bits)
        return false;
    write_register(cpu, msr - MSR_FIRST, (uint32_t)value);
    return true;
}
