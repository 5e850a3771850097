/* MONITOR and MWAIT (SDM 2B, and 3A, 9.10.3). This CPU is alone: what changes the monitored line
 * while it waits is the host, and what it stores itself before it waits is seen by comparing the
 * line with what MONITOR found there. So a wait begins only when the line is unchanged, and ends
 * by an interrupt as that of HLT does. */
#include "cpu/engine.h"
#include "cpu/ops/integer.h"

/* MONITOR and MWAIT exist at CPL 0, while IA32_MISC_ENABLE has them on. */
static bool is_missing(const struct rf_cpu *cpu)
{
    return cpu->cpl != 0 || !(cpu->misc_enable & RF_MISC_ENABLE_MONITOR);
}

#define LINE (sizeof ((struct rf_cpu *)0)->monitor_line)

static RF_NOINLINE bool read_line(struct rf_cpu *cpu, uint8_t *out)
{
    return rf_mmu_read(&cpu->mmu, cpu->monitor_address, out, LINE, (enum rf_tlb_mode)cpu->tlb_mode,
                       &cpu->fault);
}

/* What comes before the address: privilege, and ECX, which names no extension. */
static RF_OP(monitor_begin)
{
    if (is_missing(cpu))
        return rf_op_ud(cpu, op);
    if (RF_R32(RF_OFFSET(RF_RCX)))
        return rf_op_gp0(cpu, op);
    RF_NEXT;
}

RF_MEM_HANDLER(monitor)
{
    RF_LOAD(uint8_t, byte, rf_ea(cpu, op));
    (void)byte;
    cpu->monitor_address = rf_ea(cpu, op) & ~(uint64_t)(LINE - 1);
    cpu->monitor_armed = read_line(cpu, cpu->monitor_line);
    RF_MEM_NEXT;
}

static RF_NOINLINE bool line_unchanged(struct rf_cpu *cpu)
{
    uint8_t now[LINE];
    return read_line(cpu, now) && !memcmp(now, cpu->monitor_line, LINE);
}

/* ECX bit 0: an interrupt ends the wait even while RFLAGS.IF is clear (CPUID leaf 5). */
static RF_OP(mwait)
{
    uint32_t extensions = RF_R32(RF_OFFSET(RF_RCX));
    if (is_missing(cpu))
        return rf_op_ud(cpu, op);
    if (extensions & ~1u)
        return rf_op_gp0(cpu, op);
    rf_op_retire(cpu, op);
    bool waits = cpu->monitor_armed && line_unchanged(cpu);
    cpu->monitor_armed = false;
    if (!waits)
        return rf_dispatch(cpu);
    return rf_halt(cpu, extensions & 1);
}

/* Zydis names no memory operand: the segment is that of the last prefix, of which only FS and GS
 * count in 64-bit mode. */
static ZydisRegister segment_of(const struct rf_lower *l)
{
    static const struct {
        uint8_t prefix;
        ZydisRegister segment;
    } prefixes[] = { { 0x26, ZYDIS_REGISTER_ES }, { 0x2e, ZYDIS_REGISTER_CS }, { 0x36, ZYDIS_REGISTER_SS },
                     { 0x3e, ZYDIS_REGISTER_DS }, { 0x64, ZYDIS_REGISTER_FS }, { 0x65, ZYDIS_REGISTER_GS } };
    ZydisRegister segment = ZYDIS_REGISTER_DS;
    for (unsigned i = 0; i < l->ins.raw.prefix_count; i++)
        for (size_t k = l->code_bits == 64 ? 4 : 0; k < RF_ARRAY_SIZE(prefixes); k++)
            if (l->ins.raw.prefixes[i].value == prefixes[k].prefix)
                segment = prefixes[k].segment;
    return segment;
}

static bool lower_monitor(struct rf_lower *l)
{
    rf_emit(l, monitor_begin);
    rf_emit_implicit(l, monitor, segment_of(l), RF_RAX, false);
    return true;
}

static bool lower_mwait(struct rf_lower *l)
{
    rf_emit(l, mwait);
    l->ends_block = true;
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_MONITOR, lower_monitor },
    { ZYDIS_MNEMONIC_MWAIT, lower_mwait },
};
const struct rf_lower_table rf_lower_monitor = RF_LOWER_TABLE(entries);
