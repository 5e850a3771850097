/* Inputs for instructions that random ones seldom suit (diff_prepare.h). */
#include "diff_prepare.h"

bool diff_prepare_dividend(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    switch (diff_below(rng, 4)) {
    case 0: in->gpr[2] = 0; break;
    case 1: in->gpr[2] = (uint64_t)((int64_t)in->gpr[0] >> 63); break;
    case 2: in->gpr[2] &= 0xff; break;
    default: break;
    }
    if (diff_below(rng, 2))
        in->gpr[0] &= 0x3fff;
    return true;
}

bool diff_prepare_narrow_count(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    const ZydisEncoderOperand *count = &request->operands[2];
    if (count->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        return (count->imm.u & 31) <= 16;
    in->gpr[1] = (in->gpr[1] & ~UINT64_C(31)) | diff_below(rng, 17);
    return true;
}

bool diff_prepare_near_bit(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    unsigned number = (unsigned)ZydisRegisterGetId(request->operands[1].reg.value);
    uint64_t offset = (uint64_t)((int64_t)diff_below(rng, 960) - 480);
    unsigned bits = request->operands[0].mem.size * 8u;
    if (bits == 16)
        in->gpr[number] = (in->gpr[number] & ~UINT64_C(0xffff)) | (offset & 0xffff);
    else if (bits == 32)
        in->gpr[number] = (in->gpr[number] & ~UINT64_C(0xffffffff)) | (offset & 0xffffffff);
    else
        in->gpr[number] = offset;
    return true;
}

bool diff_prepare_small_control(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    if (diff_below(rng, 2))
        return true;
    unsigned number = (unsigned)ZydisRegisterGetId(request->operands[2].reg.value);
    if (request->operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY &&
        (number == (unsigned)ZydisRegisterGetId(request->operands[1].mem.base) ||
         number == (unsigned)ZydisRegisterGetId(request->operands[1].mem.index)))
        return true;
    in->gpr[number] = (uint64_t)diff_below(rng, 70) | (uint64_t)diff_below(rng, 70) << 8;
    return true;
}

bool diff_prepare_table_at_rbx(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    in->gpr[0] = diff_random(rng);
    in->gpr[3] = DIFF_MEMORY_AT - in->base[3] + diff_below(rng, DIFF_MEMORY_SIZE - 256);
    return true;
}

bool diff_prepare_comparand(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    const ZydisEncoderOperand *to = &request->operands[0];
    if (diff_below(rng, 2))
        return true;
    if (to->type == ZYDIS_OPERAND_TYPE_REGISTER) {
        ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
                                                               to->reg.value);
        in->gpr[0] = in->gpr[ZydisRegisterGetId(whole)];
    } else {
        for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
            in->memory[i] = (uint8_t)(in->gpr[0] >> i % 8 * 8);
    }
    return true;
}

bool diff_prepare_wide_comparand(struct diff_state *in, struct diff_rng *rng, void *user)
{
    const ZydisEncoderRequest *request = user;
    unsigned half = request->operands[0].mem.size / 2u;
    if (diff_below(rng, 2))
        return true;
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        in->memory[i] = (uint8_t)(in->gpr[i / half % 2 ? 2 : 0] >> i % half * 8);
    return true;
}

bool diff_prepare_strings(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    unsigned letters = 1 + diff_below(rng, 3);
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        in->memory[i] = (uint8_t)(diff_below(rng, 16) ? 7 : 7 + diff_below(rng, letters));
    if (diff_below(rng, 2))
        in->gpr[0] = UINT64_C(0x0707070707070707);
    uint64_t middle = DIFF_MEMORY_AT + DIFF_MEMORY_SIZE / 2;
    uint64_t from = middle + diff_below(rng, 256) - 128, to = middle + diff_below(rng, 256) - 128;
    if (diff_below(rng, 4) == 0)
        to = from + diff_below(rng, 16) - 8;
    in->gpr[6] = from - in->base[3];
    in->gpr[7] = to - in->base[0];
    return true;
}
