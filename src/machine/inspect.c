/* machine/inspect.h */
#include "machine/inspect.h"

#include <Zydis/Zydis.h>
#include <stdio.h>
#include <string.h>

void rf_inspect_stats(const struct rf_cpu *cpu, rf_stats *out)
{
    memset(out, 0, sizeof *out);
    out->instructions = cpu->instructions;
    out->cycles = rf_cpu_cycles(cpu);
    for (unsigned i = 0; i < RF_ACCOUNT_COUNT; i++)
        out->account_cycles[i] = cpu->account.cycles[i];
    out->account_cycles[cpu->account.current] += out->cycles - cpu->account.mark;
    out->syscalls = cpu->counts.syscalls;
    out->sysrets = cpu->counts.sysrets;
    out->interrupts = cpu->counts.interrupts;
    out->software_interrupts = cpu->counts.software_interrupts;
    out->irets = cpu->counts.irets;
    memcpy(out->exceptions, cpu->counts.exceptions, sizeof out->exceptions);
    out->page_walks = cpu->mmu.counts.walks;
    out->walk_levels = cpu->mmu.counts.walk_levels;
    out->tlb_flushes = cpu->mmu.counts.flushes;
    out->blocks_decoded = cpu->counts.blocks_decoded;
    out->instructions_decoded = cpu->counts.instructions_decoded;
}

unsigned rf_inspect_instruction(const uint8_t *bytes, size_t got, uint64_t address, unsigned code_bits,
                                char *out, size_t size)
{
    ZydisDisassembledInstruction instruction;
    ZydisMachineMode mode = code_bits == 64   ? ZYDIS_MACHINE_MODE_LONG_64
                            : code_bits == 32 ? ZYDIS_MACHINE_MODE_LONG_COMPAT_32
                                              : ZYDIS_MACHINE_MODE_LONG_COMPAT_16;
    if (ZYAN_SUCCESS(ZydisDisassembleIntel(mode, address, bytes, got, &instruction))) {
        snprintf(out, size, "%s", instruction.text);
        return instruction.info.length;
    }
    size_t used = (size_t)snprintf(out, size, "bytes");
    for (size_t i = 0; i < got && used + 4 < size; i++)
        used += (size_t)snprintf(out + used, size - used, " %02x", bytes[i]);
    return 0;
}
