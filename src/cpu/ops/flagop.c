/* CLC STC CMC CLD STD LAHF SAHF SALC ADCX ADOX: instructions about flags. */
#include "cpu/ops/integer.h"

static RF_OP(clc) { rf_flags_set_status(cpu, rf_flags_status(cpu) & ~RF_FLAG_CF); RF_NEXT; }
static RF_OP(stc) { rf_flags_set_status(cpu, rf_flags_status(cpu) | RF_FLAG_CF); RF_NEXT; }
static RF_OP(cmc) { rf_flags_set_status(cpu, rf_flags_status(cpu) ^ RF_FLAG_CF); RF_NEXT; }
static RF_OP(cld) { cpu->flags &= ~RF_FLAG_DF; RF_NEXT; }
static RF_OP(std_) { cpu->flags |= RF_FLAG_DF; RF_NEXT; }
static RF_OP(lahf)
{
    RF_R8(1) = (uint8_t)(rf_flags_status(cpu) | RF_FLAG_FIXED);
    RF_NEXT;
}
static RF_OP(sahf)
{
    uint32_t kept = rf_flags_status(cpu) & RF_FLAG_OF;
    rf_flags_set_status(cpu, kept | (RF_R8(1) & (RF_FLAGS_STATUS & 0xff)));
    RF_NEXT;
}

static bool lower_flagop(struct rf_lower *l)
{
    rf_run *run;
    switch (l->ins.mnemonic) {
    case ZYDIS_MNEMONIC_CLC: run = clc; break;
    case ZYDIS_MNEMONIC_STC: run = stc; break;
    case ZYDIS_MNEMONIC_CMC: run = cmc; break;
    case ZYDIS_MNEMONIC_CLD: run = cld; break;
    case ZYDIS_MNEMONIC_STD: run = std_; break;
    case ZYDIS_MNEMONIC_LAHF: run = lahf; break;
    default: run = sahf; break;
    }
    rf_emit(l, run);
    return true;
}

/* ADCX uses and writes CF alone, ADOX OF alone (SDM 2). */
#define ADD_WITH(name, N, FLAG)                                                           \
    RF_INLINE RF_TYPE_##N name##_##N(struct rf_cpu *cpu, RF_TYPE_##N a, RF_TYPE_##N b)    \
    {                                                                                     \
        uint32_t status = rf_flags_status(cpu);                                           \
        RF_TYPE_##N sum, r;                                                               \
        bool carry = __builtin_add_overflow(a, b, &sum);                                  \
        carry |= __builtin_add_overflow(sum, (RF_TYPE_##N)((status & FLAG) != 0), &r);    \
        rf_flags_set_status(cpu, (status & ~FLAG) | (carry ? FLAG : 0));                  \
        return r;                                                                         \
    }                                                                                     \
    static RF_OP(name##_r_##N)                                                            \
    {                                                                                     \
        RF_SET(N, op->a, name##_##N(cpu, RF_GET(N, op->a), RF_GET(N, op->b)));            \
        RF_NEXT;                                                                          \
    }                                                                                     \
    RF_MEM_HANDLER(name##_m_##N)                                                          \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, b, rf_ea(cpu, op));                                          \
        RF_SET(N, op->a, name##_##N(cpu, RF_GET(N, op->a), b));                           \
        RF_MEM_NEXT;                                                                      \
    }
ADD_WITH(adcx, 32, RF_FLAG_CF)
ADD_WITH(adcx, 64, RF_FLAG_CF)
ADD_WITH(adox, 32, RF_FLAG_OF)
ADD_WITH(adox, 64, RF_FLAG_OF)

static bool lower_adx(struct rf_lower *l)
{
    static rf_run *const runs[2][2][2] = {
        { { adcx_r_32, adcx_r_64 }, { adcx_m_32, adcx_m_64 } },
        { { adox_r_32, adox_r_64 }, { adox_m_32, adox_m_64 } },
    };
    bool adox = l->ins.mnemonic == ZYDIS_MNEMONIC_ADOX, wide = l->operand[0].size == 64;
    rf_emit_from(l, runs[adox][0][wide], runs[adox][1][wide]);
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_CLC, lower_flagop },  { ZYDIS_MNEMONIC_STC, lower_flagop },
    { ZYDIS_MNEMONIC_CMC, lower_flagop },  { ZYDIS_MNEMONIC_CLD, lower_flagop },
    { ZYDIS_MNEMONIC_STD, lower_flagop },  { ZYDIS_MNEMONIC_LAHF, lower_flagop },
    { ZYDIS_MNEMONIC_SAHF, lower_flagop }, { ZYDIS_MNEMONIC_ADCX, lower_adx },
    { ZYDIS_MNEMONIC_ADOX, lower_adx },
};
const struct rf_lower_table rf_lower_flagop = RF_LOWER_TABLE(entries);
