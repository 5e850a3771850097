/* x87: control and status words, environments, whole states; and when the host's unit has
 * the guest's control word (x87_host.h). */
#include "cpu/ops/x87.h"

#define CW_RESERVED_ONE 0x0040u
#define CW_INITIAL 0x037fu

/* --- the host's unit --- */

#if RF_X87_NATIVE

void rf_x87_enter(struct rf_fpu *fpu)
{
    __asm__ volatile("fnstenv %0\n\tfninit\n\tfldcw %1" : "=m"(fpu->host_x87) : "m"(fpu->cw));
    fpu->x87_live = true;
}

void rf_x87_leave(struct rf_fpu *fpu)
{
    __asm__ volatile("fnclex\n\tfldenv %0" : : "m"(fpu->host_x87));
    fpu->x87_live = false;
}

void rf_x87_reload(struct rf_fpu *fpu)
{
    if (fpu->x87_live)
        __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(fpu->cw));
}

#else

void rf_x87_enter(struct rf_fpu *fpu)
{
    fpu->x87_live = true;
}

void rf_x87_leave(struct rf_fpu *fpu)
{
    fpu->x87_live = false;
}

void rf_x87_reload(struct rf_fpu *fpu)
{
    (void)fpu;
}

#endif

struct rf_op *rf_x87_enter_and_retry(struct rf_cpu *cpu, struct rf_op *op)
{
    rf_x87_enter(&cpu->fpu);
    RF_JUMP(op);
}

/* --- control and status words --- */

/* ES and B say whether an unmasked exception is recorded. */
static void update_summary(struct rf_fpu *fpu)
{
    fpu->sw &= (uint16_t)~(X87_ES | X87_B);
    if (fpu->sw & ~fpu->cw & X87_EXCEPTIONS)
        fpu->sw |= X87_ES | X87_B;
}

void rf_x87_set_control(struct rf_fpu *fpu, uint16_t cw, uint16_t sw)
{
    fpu->cw = (cw & 0x1f3f) | CW_RESERVED_ONE;
    fpu->sw = sw;
    update_summary(fpu);
    rf_x87_reload(fpu);
}

RF_MEM_HANDLER(fldcw)
{
    X87_WAIT;
    RF_LOAD(uint16_t, value, rf_ea(cpu, op));
    rf_x87_set_control(&cpu->fpu, value, cpu->fpu.sw);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(fnstcw)
{
    RF_STORE(uint16_t, rf_ea(cpu, op), cpu->fpu.cw);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(fnstsw_m16)
{
    RF_STORE(uint16_t, rf_ea(cpu, op), cpu->fpu.sw);
    RF_MEM_NEXT;
}

static RF_OP(fnstsw_ax)
{
    RF_R16(RF_OFFSET(RF_RAX)) = cpu->fpu.sw;
    RF_NEXT;
}

static RF_OP(fnclex)
{
    cpu->fpu.sw &= (uint16_t)~(X87_EXCEPTIONS | X87_SF | X87_ES | X87_B);
    rf_x87_reload(&cpu->fpu);
    RF_NEXT;
}

static void initialize(struct rf_fpu *fpu)
{
    fpu->cw = CW_INITIAL;
    fpu->sw = 0;
    fpu->tag_valid = 0;
    fpu->fop = 0;
    fpu->fip = fpu->fdp = 0;
    rf_x87_reload(fpu);
}

static RF_OP(fninit)
{
    initialize(&cpu->fpu);
    RF_NEXT;
}

static RF_OP(fnop)
{
    X87_BEGIN;
    RF_NEXT;
}

static RF_OP(old_nop) /* FENI, FDISI, FSETPM: nothing since the 80387 */
{
    RF_NEXT;
}

/* --- environments: protected-mode layout of 28 bytes, or of 14 with a 16-bit operand size
 * (SDM 1, figures 8-9 and 8-11) --- */

#define ENVIRONMENT_SIZE(op) ((op)->b ? 14u : 28u)
#define REGISTERS_SIZE 80u

/* The tag word with its two bits for each register (SDM 1, 8.1.7). */
static uint16_t full_tags(const struct rf_fpu *fpu)
{
    unsigned tags = 0;
    for (unsigned i = 0; i < 8; i++) {
        const union rf_x87_reg *r = &fpu->x87[i];
        unsigned exponent = r->sign_exponent & 0x7fff, tag = 0;
        if (!(fpu->tag_valid >> i & 1))
            tag = 3;
        else if (!exponent && !r->mantissa)
            tag = 1;
        else if (!exponent || exponent == 0x7fff || !(r->mantissa >> 63))
            tag = 2;
        tags |= tag << 2 * i;
    }
    return (uint16_t)tags;
}

static uint8_t abridged_tags(unsigned tags)
{
    unsigned valid = 0;
    for (unsigned i = 0; i < 8; i++)
        if ((tags >> 2 * i & 3) != 3)
            valid |= 1u << i;
    return (uint8_t)valid;
}

static void put(uint8_t *to, unsigned size, uint32_t value)
{
    memcpy(to, &value, size);
}

static void make_environment(const struct rf_fpu *fpu, bool narrow, uint8_t out[28])
{
    unsigned step = narrow ? 2 : 4;
    /* the unused upper halves read as ones */
    put(out, step, fpu->cw | 0xffff0000u);
    put(out + step, step, fpu->sw | 0xffff0000u);
    put(out + 2 * step, step, full_tags(fpu) | 0xffff0000u);
    put(out + 3 * step, step, (uint32_t)fpu->fip);
    put(out + 4 * step, step, narrow ? 0 : (uint32_t)fpu->fop << 16);
    put(out + 5 * step, step, (uint32_t)fpu->fdp);
    put(out + 6 * step, step, narrow ? 0 : 0xffff0000u);
}

static void take_environment(struct rf_fpu *fpu, bool narrow, const uint8_t in[28])
{
    uint32_t field[7] = { 0 };
    unsigned step = narrow ? 2 : 4;
    for (unsigned i = 0; i < 7; i++)
        memcpy(&field[i], in + i * step, step);
    rf_x87_set_control(fpu, (uint16_t)field[0], (uint16_t)field[1]);
    fpu->tag_valid = abridged_tags(field[2]);
    fpu->fip = field[3];
    fpu->fop = narrow ? 0 : field[4] >> 16 & 0x7ff;
    fpu->fdp = field[5];
}

/* Each is a helper, which holds the image, and a handler; false: cpu->fault is set. */
static RF_NOINLINE bool store_environment(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint8_t image[28];
    make_environment(&cpu->fpu, op->b, image);
    if (!rf_store_slow(cpu, rf_ea(cpu, op), image, ENVIRONMENT_SIZE(op)))
        return false;
    cpu->fpu.cw |= X87_EXCEPTIONS;
    update_summary(&cpu->fpu);
    rf_x87_reload(&cpu->fpu);
    return true;
}

static RF_NOINLINE bool load_environment(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint8_t image[28];
    if (!rf_load_slow(cpu, rf_ea(cpu, op), image, ENVIRONMENT_SIZE(op)))
        return false;
    take_environment(&cpu->fpu, op->b, image);
    return true;
}

static RF_NOINLINE bool save_state(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint8_t image[28 + REGISTERS_SIZE];
    unsigned size = ENVIRONMENT_SIZE(op);
    make_environment(&cpu->fpu, op->b, image);
    for (unsigned i = 0; i < 8; i++)
        memcpy(image + size + 10 * i, x87_st(cpu, i), 10);
    if (!rf_store_slow(cpu, rf_ea(cpu, op), image, size + REGISTERS_SIZE))
        return false;
    initialize(&cpu->fpu);
    return true;
}

static RF_NOINLINE bool restore_state(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint8_t image[28 + REGISTERS_SIZE];
    unsigned size = ENVIRONMENT_SIZE(op);
    if (!rf_load_slow(cpu, rf_ea(cpu, op), image, size + REGISTERS_SIZE))
        return false;
    take_environment(&cpu->fpu, op->b, image);
    for (unsigned i = 0; i < 8; i++)
        memcpy(x87_st(cpu, i), image + size + 10 * i, 10);
    return true;
}

static RF_OP(fnstenv)
{
    if (!store_environment(cpu, op))
        return rf_op_fault(cpu, op);
    return rf_after_slow(cpu, op);
}

static RF_OP(fldenv)
{
    X87_WAIT;
    if (!load_environment(cpu, op))
        return rf_op_fault(cpu, op);
    RF_NEXT;
}

static RF_OP(fnsave)
{
    if (!save_state(cpu, op))
        return rf_op_fault(cpu, op);
    return rf_after_slow(cpu, op);
}

static RF_OP(frstor)
{
    X87_WAIT;
    if (!restore_state(cpu, op))
        return rf_op_fault(cpu, op);
    RF_NEXT;
}

const struct rf_x87_table rf_x87_control = {
    .mem = {
        [X87_MEM(0xd9, 4)] = fldenv,
        [X87_MEM(0xd9, 5)] = fldcw,
        [X87_MEM(0xd9, 6)] = fnstenv,
        [X87_MEM(0xd9, 7)] = fnstcw,
        [X87_MEM(0xdd, 4)] = frstor,
        [X87_MEM(0xdd, 6)] = fnsave,
        [X87_MEM(0xdd, 7)] = fnstsw_m16,
    },
    .reg = {
        [X87_REG(0xd9, 0xd0)] = fnop,
        [X87_REG(0xdb, 0xe0)] = old_nop,
        [X87_REG(0xdb, 0xe1)] = old_nop,
        [X87_REG(0xdb, 0xe2)] = fnclex,
        [X87_REG(0xdb, 0xe3)] = fninit,
        [X87_REG(0xdb, 0xe4)] = old_nop,
        [X87_REG(0xdf, 0xe0)] = fnstsw_ax,
    },
};
