/* IN and OUT, which end their block: what a device makes due comes before the next instruction. The
 * string forms are in string.c. */
#include "cpu/block.h"
#include "cpu/bus.h"
#include "cpu/debug.h"
#include "cpu/ops/integer.h"
#include "cpu/privilege.h"

/* By IOPL, else by the I/O permission bitmap of the TSS (SDM 1, 18.5.2). */
RF_NOINLINE bool rf_port_allowed(struct rf_cpu *cpu, uint16_t port, unsigned bytes)
{
    if (cpu->cpl <= (cpu->flags & RF_FLAG_IOPL) >> 12)
        return true;
    uint16_t map, bits;
    if (cpu->tr.limit < 0x67 || !rf_cpu_read_system(cpu, cpu->tr.base + 0x66, &map, 2))
        return false;
    uint32_t offset = map + port / 8u;
    if (offset + 1 > cpu->tr.limit || !rf_cpu_read_system(cpu, cpu->tr.base + offset, &bits, 2))
        return false;
    return !(bits >> (port & 7) & ((1u << bytes) - 1));
}

/* op->a: bytes; op->b: 0xff for the port in DX, else it is op->imm */
RF_INLINE uint16_t port_of(const struct rf_cpu *cpu, const struct rf_op *op)
{
    return op->b == 0xff ? (uint16_t)cpu->r[RF_RDX] : (uint16_t)op->imm;
}

static RF_OP(in_)
{
    if (!rf_port_allowed(cpu, port_of(cpu, op), op->a))
        return rf_op_gp0(cpu, op);
    if (cpu->block_mode & RF_MODE_DEBUG)
        rf_debug_port(cpu, port_of(cpu, op), op->a);
    rf_op_retire(cpu, op);
    cpu->block_spent = 0;
    const uint32_t value = rf_cpu_port_read(cpu, port_of(cpu, op), op->a);
    if (op->a == 4)
        cpu->r[RF_RAX] = value;
    else if (op->a == 2)
        RF_R16(RF_OFFSET(RF_RAX)) = (uint16_t)value;
    else
        RF_R8(RF_OFFSET(RF_RAX)) = (uint8_t)value;
    return rf_dispatch(cpu);
}

static RF_OP(out)
{
    if (!rf_port_allowed(cpu, port_of(cpu, op), op->a))
        return rf_op_gp0(cpu, op);
    if (cpu->block_mode & RF_MODE_DEBUG)
        rf_debug_port(cpu, port_of(cpu, op), op->a);
    rf_op_retire(cpu, op);
    cpu->block_spent = 0;
    rf_cpu_port_write(cpu, port_of(cpu, op), RF_R32(RF_OFFSET(RF_RAX)), op->a);
    return rf_dispatch(cpu);
}

static bool lower_port(struct rf_lower *l)
{
    bool input = l->ins.mnemonic == ZYDIS_MNEMONIC_IN;
    const ZydisDecodedOperand *port = &l->operand[input ? 1 : 0], *data = &l->operand[input ? 0 : 1];
    struct rf_op *op = rf_emit(l, input ? in_ : out);
    op->a = (uint8_t)(data->size / 8);
    op->b = rf_is_reg(port) ? 0xff : 0;
    if (rf_is_imm(port))
        op->imm = port->imm.value.u & 0xff;
    l->ends_block = true;
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_IN, lower_port },
    { ZYDIS_MNEMONIC_OUT, lower_port },
};
const struct rf_lower_table rf_lower_port = RF_LOWER_TABLE(entries);
