/* System instructions: ring transitions, control registers, MSRs, time, identification.
 * Those that change the mode end their block. */
#include "cpu/debug.h"
#include "cpu/engine.h"
#include "cpu/ops/integer.h"
#include "cpu/ops/privileged.h"
#include "cpu/privilege.h"

static RF_NOINLINE void deliver_refusal(struct rf_cpu *cpu, struct rf_op *op,
                                        const struct rf_refusal *refusal)
{
    rf_op_sync(cpu, op);
    struct rf_event event = { .vector = refusal->vector,
                              .has_error_code = refusal->has_error_code,
                              .error_code = refusal->error_code,
                              .cr2 = refusal->cr2 };
    rf_cpu_deliver(cpu, &event);
}

struct rf_op *rf_op_refused(struct rf_cpu *cpu, struct rf_op *op)
{
    deliver_refusal(cpu, op, &cpu->refusal);
    return rf_dispatch(cpu);
}

/* Run a transition with the block retired; undo the retirement if it is refused. */
#define TRANSITION(call)                                                                  \
    do {                                                                                  \
        const struct rf_exit *exit_ = (const struct rf_exit *)(op + 1);                   \
        uint64_t ip_ = cpu->r[RF_REG_IP];                                                 \
        rf_op_retire(cpu, op);                                                            \
        if (RF_UNLIKELY(!(call))) {                                                       \
            cpu->budget += exit_->cost;                                                   \
            cpu->instructions -= exit_->instructions;                                     \
            cpu->r[RF_REG_IP] = ip_;                                                      \
            return rf_op_refused(cpu, op);                                                \
        }                                                                                 \
        return rf_dispatch(cpu);                                                          \
    } while (0)

static RF_OP(syscall_) { TRANSITION(rf_syscall(cpu, &cpu->refusal)); }
static RF_OP(sysret_64) { TRANSITION(rf_sysret(cpu, true, &cpu->refusal)); }
static RF_OP(sysret_32) { TRANSITION(rf_sysret(cpu, false, &cpu->refusal)); }
static RF_OP(sysenter) { TRANSITION(rf_sysenter(cpu, &cpu->refusal)); }
static RF_OP(sysexit_64) { TRANSITION(rf_sysexit(cpu, true, &cpu->refusal)); }
static RF_OP(sysexit_32) { TRANSITION(rf_sysexit(cpu, false, &cpu->refusal)); }
static RF_OP(iret) { TRANSITION(rf_iret(cpu, op->a, &cpu->refusal)); }

/* INT n, INT3, INTO, INT1: traps, so the saved RIP is that of the next instruction; what is refused
 * on the way to the handler is a fault of the INT itself. op->imm: the vector. */
static RF_NOINLINE void interrupt(struct rf_cpu *cpu, const struct rf_op *op, bool software)
{
    const struct rf_event event = { .vector = (uint8_t)op->imm, .software = software, .length = op->length };
    cpu->r[RF_REG_IP] -= op->length;
    if (cpu->code_bits != 64)
        cpu->r[RF_REG_IP] &= UINT32_MAX;
    rf_cpu_deliver(cpu, &event);
}

static RF_OP(int_n)
{
    rf_op_retire(cpu, op);
    interrupt(cpu, op, true);
    return rf_dispatch(cpu);
}

/* INTO exists outside 64-bit mode only: INT 4 if OF is set (SDM 2A, INT n). */
static RF_OP(into)
{
    rf_op_retire(cpu, op);
    if (rf_flags_status(cpu) & RF_FLAG_OF)
        interrupt(cpu, op, true);
    return rf_dispatch(cpu);
}

/* No software interrupt: the gate's DPL does not count. */
static RF_OP(int1)
{
    rf_op_retire(cpu, op);
    interrupt(cpu, op, false);
    return rf_dispatch(cpu);
}

static RF_OP(ud) { return rf_op_ud(cpu, op); }

/* The host door. At CPL 3, and without a door, VMCALL is an undefined opcode. */
static RF_OP(vmcall)
{
    if (cpu->cpl != 0 || !cpu->door)
        return rf_op_ud(cpu, op);
    rf_op_retire(cpu, op);
    bool in_syscall = cpu->account.current == RF_ACCOUNT_ENTRY;
    if (in_syscall)
        rf_cpu_account(cpu, RF_ACCOUNT_BODY);
    rf_fpu_to_host(cpu);
    enum rf_door_action action = cpu->door(cpu->door_user, cpu);
    rf_fpu_to_guest(cpu);
    if (cpu->account.current == RF_ACCOUNT_BODY)
        rf_cpu_account(cpu, RF_ACCOUNT_EXIT);
    if (action == RF_DOOR_STOP) {
        cpu->stop = RF_STOP_DOOR;
        return NULL;
    }
    return rf_dispatch(cpu);
}

/* --- interrupt flag, halt --- */
static RF_OP(cli)
{
    if (cpu->cpl > (cpu->flags & RF_FLAG_IOPL) >> 12)
        return rf_op_gp0(cpu, op);
    cpu->flags &= ~RF_FLAG_IF;
    RF_NEXT;
}
static RF_OP(sti)
{
    if (cpu->cpl > (cpu->flags & RF_FLAG_IOPL) >> 12)
        return rf_op_gp0(cpu, op);
    if (!(cpu->flags & RF_FLAG_IF)) {
        cpu->flags |= RF_FLAG_IF;
        cpu->shadow = true;
        rf_cpu_refresh_budget(cpu); /* before the retirement: this block's end is looked at */
    }
    rf_op_retire(cpu, op);
    return rf_dispatch(cpu);
}
static RF_OP(hlt)
{
    REQUIRE_CPL0;
    rf_op_retire(cpu, op);
    return rf_halt(cpu, false);
}

/* --- RFLAGS.AC, GS, FS and GS bases --- */
static RF_OP(stac_clac)
{
    if (cpu->cpl != 0)
        return rf_op_ud(cpu, op);
    rf_op_retire(cpu, op);
    cpu->budget -= cpu->cost->event[RF_EVENT_STAC_CLAC];
    cpu->flags = (cpu->flags & ~RF_FLAG_AC) | (uint32_t)op->imm;
    rf_cpu_mode_changed(cpu);
    return rf_dispatch(cpu);
}
static RF_OP(swapgs)
{
    REQUIRE_CPL0;
    uint64_t base = cpu->seg[RF_GS].base;
    cpu->budget -= cpu->cost->event[RF_EVENT_SWAPGS];
    cpu->seg[RF_GS].base = cpu->kernel_gs_base;
    cpu->kernel_gs_base = base;
    RF_NEXT;
}
#define REQUIRE_FSGSBASE                                                                  \
    do {                                                                                  \
        if (!(cpu->mmu.cr4 & RF_CR4_FSGSBASE))                                            \
            return rf_op_ud(cpu, op);                                                     \
    } while (0)
static RF_OP(rdbase_64) { REQUIRE_FSGSBASE; RF_R64(op->a) = cpu->seg[op->b].base; RF_NEXT; }
static RF_OP(rdbase_32) { REQUIRE_FSGSBASE; RF_R64(op->a) = (uint32_t)cpu->seg[op->b].base; RF_NEXT; }
static RF_OP(wrbase_64)
{
    REQUIRE_FSGSBASE;
    if (!rf_mmu_canonical_base(RF_R64(op->a)))
        return rf_op_gp0(cpu, op);
    cpu->seg[op->b].base = RF_R64(op->a);
    RF_NEXT;
}
static RF_OP(wrbase_32) { REQUIRE_FSGSBASE; cpu->seg[op->b].base = RF_R32(op->a); RF_NEXT; }

/* --- MSRs, time, identification --- */
static RF_OP(rdmsr)
{
    REQUIRE_CPL0;
    cpu->block_spent = op->cost;
    if (!rf_cpu_read_msr(cpu, (uint32_t)cpu->r[RF_RCX], &cpu->msr_value))
        return rf_op_gp0(cpu, op);
    cpu->budget -= cpu->cost->event[RF_EVENT_RDMSR];
    cpu->r[RF_RAX] = (uint32_t)cpu->msr_value;
    cpu->r[RF_RDX] = cpu->msr_value >> 32;
    RF_NEXT;
}
static RF_OP(wrmsr)
{
    REQUIRE_CPL0;
    uint64_t value = cpu->r[RF_RDX] << 32 | RF_R32(0);
    cpu->block_spent = op->cost;
    if (!rf_cpu_write_msr(cpu, (uint32_t)cpu->r[RF_RCX], value))
        return rf_op_gp0(cpu, op);
    rf_op_retire(cpu, op);
    cpu->budget -= cpu->cost->event[RF_EVENT_WRMSR];
    return rf_dispatch(cpu);
}
/* The whole block so far counts, so that two readings differ by what lies between. */
static RF_NOINLINE uint64_t tsc_here(struct rf_cpu *cpu, struct rf_op *op)
{
    uint64_t value;
    cpu->budget -= op->cost;
    rf_cpu_read_msr(cpu, 0x10, &value);
    cpu->budget += op->cost;
    cpu->budget -= cpu->cost->event[RF_EVENT_RDTSC];
    return value;
}
static RF_OP(rdtsc)
{
    if (cpu->cpl && cpu->mmu.cr4 & RF_CR4_TSD)
        return rf_op_gp0(cpu, op);
    uint64_t value = tsc_here(cpu, op);
    cpu->r[RF_RAX] = (uint32_t)value;
    cpu->r[RF_RDX] = value >> 32;
    RF_NEXT;
}
static RF_OP(rdtscp)
{
    if (cpu->cpl && cpu->mmu.cr4 & RF_CR4_TSD)
        return rf_op_gp0(cpu, op);
    uint64_t value = tsc_here(cpu, op);
    cpu->r[RF_RAX] = (uint32_t)value;
    cpu->r[RF_RDX] = value >> 32;
    cpu->r[RF_RCX] = cpu->tsc_aux;
    RF_NEXT;
}
static RF_OP(rdpid) { RF_R64(op->a) = cpu->tsc_aux; RF_NEXT; }
static RF_NOINLINE void do_cpuid(struct rf_cpu *cpu)
{
    uint32_t out[4];
    rf_cpu_cpuid(cpu, RF_R32(0), RF_R32(RF_OFFSET(RF_RCX)), out);
    cpu->budget -= cpu->cost->event[RF_EVENT_CPUID];
    cpu->r[RF_RAX] = out[0];
    cpu->r[RF_RBX] = out[1];
    cpu->r[RF_RCX] = out[2];
    cpu->r[RF_RDX] = out[3];
}
static RF_OP(cpuid)
{
    do_cpuid(cpu);
    RF_NEXT;
}
/* No performance counters exist: every index is refused (SDM 2, RDPMC). */
static RF_OP(rdpmc) { return rf_op_gp0(cpu, op); }

/* xorshift64* (Marsaglia, "Xorshift RNGs"; Vigna): from the machine's seed. */
static uint64_t next_random(struct rf_cpu *cpu)
{
    uint64_t x = cpu->random_state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    cpu->random_state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}
#define RANDOM(N)                                                                         \
    static RF_OP(random_##N)                                                              \
    {                                                                                     \
        RF_SET(N, op->a, next_random(cpu));                                               \
        rf_flags_set_status(cpu, RF_FLAG_CF);                                             \
        cpu->budget -= cpu->cost->event[RF_EVENT_RDRAND];                                 \
        RF_NEXT;                                                                          \
    }
RF_SIZES_WIDE(RANDOM)

/* --- control registers --- */
static RF_OP(mov_from_cr)
{
    REQUIRE_CPL0;
    const uint64_t value[9] = { cpu->mmu.cr0, 0, cpu->cr2, cpu->mmu.cr3, cpu->mmu.cr4, 0, 0, 0, cpu->cr8 };
    RF_R64(op->a) = cpu->code_bits == 64 ? value[op->b] : (uint32_t)value[op->b];
    RF_NEXT;
}

static bool write_cr(struct rf_cpu *cpu, unsigned number, uint64_t value)
{
    cpu->budget -= cpu->cost->event[RF_EVENT_MOV_CR];
    switch (number) {
    case 0: return rf_cpu_write_cr0(cpu, value);
    case 2: cpu->cr2 = value; return true;
    case 3: return rf_cpu_write_cr3(cpu, value);
    case 4: return rf_cpu_write_cr4(cpu, value);
    default:
        cpu->cr8 = value;
        rf_apic_cr8_written(cpu);
        return true;
    }
}

static RF_OP(mov_to_cr)
{
    REQUIRE_CPL0;
    uint64_t value = cpu->code_bits == 64 ? RF_R64(op->a) : RF_R32(op->a);
    if (op->b == 8 && value > 15)
        return rf_op_gp0(cpu, op);
    if (!write_cr(cpu, op->b, value))
        return rf_op_gp0(cpu, op);
    rf_op_retire(cpu, op);
    rf_cpu_mode_changed(cpu);
    return rf_dispatch(cpu);
}

/* CR4.DE = 1 makes DR4 and DR5 undefined; else they are DR6 and DR7 (SDM 3B, 18.2.2). */
RF_INLINE bool is_undefined_dr(const struct rf_cpu *cpu, unsigned n)
{
    return (n == 4 || n == 5) && cpu->mmu.cr4 & RF_CR4_DE;
}
RF_INLINE unsigned dr_number(unsigned n)
{
    return n == 4 || n == 5 ? n + 2 : n;
}
static struct rf_op *general_detect(struct rf_cpu *cpu, struct rf_op *op)
{
    rf_op_sync(cpu, op);
    rf_debug_detect(cpu);
    return rf_dispatch(cpu);
}
static RF_OP(mov_from_dr)
{
    REQUIRE_CPL0;
    if (is_undefined_dr(cpu, op->b))
        return rf_op_ud(cpu, op);
    if (cpu->dr[7] & RF_DR7_GD)
        return general_detect(cpu, op);
    uint64_t value = cpu->dr[dr_number(op->b)];
    RF_R64(op->a) = cpu->code_bits == 64 ? value : (uint32_t)value;
    RF_NEXT;
}
static RF_OP(mov_to_dr)
{
    REQUIRE_CPL0;
    unsigned n = dr_number(op->b);
    uint64_t value = cpu->code_bits == 64 ? RF_R64(op->a) : RF_R32(op->a);
    if (is_undefined_dr(cpu, op->b))
        return rf_op_ud(cpu, op);
    if (cpu->dr[7] & RF_DR7_GD)
        return general_detect(cpu, op);
    if (n >= 6 && value >> 32)
        return rf_op_gp0(cpu, op);
    rf_op_retire(cpu, op);
    if (n == 6)
        value = (value & RF_DR6_WRITABLE) | RF_DR6_FIXED;
    else if (n == 7)
        value = (value & RF_DR7_WRITABLE) | RF_DR7_FIXED;
    cpu->dr[n] = value;
    rf_cpu_mode_changed(cpu);
    return rf_dispatch(cpu);
}

bool rf_lower_control_register(struct rf_lower *l)
{
    bool to = !rf_is_reg(&l->operand[0]) ? false
              : ZydisRegisterGetClass(l->operand[0].reg.value) != ZYDIS_REGCLASS_GPR64 &&
                    ZydisRegisterGetClass(l->operand[0].reg.value) != ZYDIS_REGCLASS_GPR32;
    ZydisRegister special = l->operand[to ? 0 : 1].reg.value;
    bool debug = ZydisRegisterGetClass(special) == ZYDIS_REGCLASS_DEBUG;
    struct rf_op *op = rf_emit(l, debug ? (to ? mov_to_dr : mov_from_dr) : (to ? mov_to_cr : mov_from_cr));
    op->a = rf_reg_offset(l->operand[to ? 1 : 0].reg.value);
    op->b = (uint8_t)ZydisRegisterGetId(special);
    l->ends_block = to;
    return true;
}

static RF_OP(clts)
{
    REQUIRE_CPL0;
    rf_op_retire(cpu, op);
    rf_mmu_set_cr0(&cpu->mmu, cpu->mmu.cr0 & ~RF_CR0_TS);
    rf_cpu_mode_changed(cpu);
    return rf_dispatch(cpu);
}

/* --- TLB and caches --- */
static RF_OP(invlpg)
{
    REQUIRE_CPL0;
    uint64_t va = rf_ea(cpu, op);
    rf_op_retire(cpu, op);
    cpu->budget -= cpu->cost->event[RF_EVENT_INVLPG];
    rf_mmu_invlpg(&cpu->mmu, va);
    rf_cpu_mode_changed(cpu);
    return rf_dispatch(cpu);
}
RF_MEM_HANDLER(invpcid)
{
    REQUIRE_CPL0;
    RF_LOAD(struct { uint64_t word[2]; }, descriptor, rf_ea(cpu, op));
    uint64_t type = cpu->code_bits == 64 ? RF_R64(op->a) : RF_R32(op->a), pcid = descriptor.word[0];
    if (type > 3 || (type < 2 && pcid > 0xfff) ||
        (type < 2 && pcid && !(cpu->mmu.cr4 & RF_CR4_PCIDE)) ||
        (type == 0 && !rf_mmu_canonical_base(descriptor.word[1])))
        return rf_op_gp0(cpu, op);
    rf_op_retire(cpu, op);
    cpu->budget -= cpu->cost->event[RF_EVENT_INVLPG];
    rf_mmu_invpcid(&cpu->mmu, (unsigned)type, (uint16_t)pcid, descriptor.word[1]);
    rf_cpu_mode_changed(cpu);
    return rf_dispatch(cpu);
}
/* Caches are not modelled here: WBINVD and INVD only check the privilege. */
static RF_OP(privileged_nothing) { REQUIRE_CPL0; RF_NEXT; }
/* CLFLUSH, CLFLUSHOPT, CLWB check their address like a one-byte load. */
RF_MEM_HANDLER(cache_line)
{
    RF_LOAD(uint8_t, byte, rf_ea(cpu, op));
    (void)byte;
    RF_MEM_NEXT;
}

/* --- protection keys, extended control --- */
static RF_OP(rdpkru)
{
    if (!(cpu->mmu.cr4 & RF_CR4_PKE))
        return rf_op_ud(cpu, op);
    if (RF_R32(RF_OFFSET(RF_RCX)))
        return rf_op_gp0(cpu, op);
    cpu->r[RF_RAX] = cpu->mmu.pkru;
    cpu->r[RF_RDX] = 0;
    RF_NEXT;
}
static RF_OP(wrpkru)
{
    if (!(cpu->mmu.cr4 & RF_CR4_PKE))
        return rf_op_ud(cpu, op);
    if (RF_R32(RF_OFFSET(RF_RCX)) || RF_R32(RF_OFFSET(RF_RDX)))
        return rf_op_gp0(cpu, op);
    rf_op_retire(cpu, op);
    rf_mmu_set_pkru(&cpu->mmu, RF_R32(0));
    rf_cpu_mode_changed(cpu);
    return rf_dispatch(cpu);
}

/* --- lowering --- */
struct simple {
    ZydisMnemonic mnemonic;
    rf_run *run;
    bool ends_block;
    uint64_t imm;
};
static const struct simple simple[] = {
    { ZYDIS_MNEMONIC_SYSCALL, syscall_, true, 0 },
    { ZYDIS_MNEMONIC_SYSENTER, sysenter, true, 0 },
    { ZYDIS_MNEMONIC_INT3, int_n, true, RF_BP },
    { ZYDIS_MNEMONIC_INTO, into, true, RF_OF },
    { ZYDIS_MNEMONIC_INT1, int1, true, RF_DB },
    { ZYDIS_MNEMONIC_UD2, ud, true, 0 },
    { ZYDIS_MNEMONIC_UD1, ud, true, 0 },
    { ZYDIS_MNEMONIC_UD0, ud, true, 0 },
    { ZYDIS_MNEMONIC_VMCALL, vmcall, true, 0 },
    { ZYDIS_MNEMONIC_CLI, cli, false, 0 },
    { ZYDIS_MNEMONIC_STI, sti, true, 0 },
    { ZYDIS_MNEMONIC_HLT, hlt, true, 0 },
    { ZYDIS_MNEMONIC_STAC, stac_clac, true, RF_FLAG_AC },
    { ZYDIS_MNEMONIC_CLAC, stac_clac, true, 0 },
    { ZYDIS_MNEMONIC_SWAPGS, swapgs, false, 0 },
    { ZYDIS_MNEMONIC_RDMSR, rdmsr, false, 0 },
    { ZYDIS_MNEMONIC_WRMSR, wrmsr, true, 0 },
    { ZYDIS_MNEMONIC_RDTSC, rdtsc, false, 0 },
    { ZYDIS_MNEMONIC_RDTSCP, rdtscp, false, 0 },
    { ZYDIS_MNEMONIC_CPUID, cpuid, false, 0 },
    { ZYDIS_MNEMONIC_RDPMC, rdpmc, true, 0 },
    { ZYDIS_MNEMONIC_CLTS, clts, true, 0 },
    { ZYDIS_MNEMONIC_WBINVD, privileged_nothing, false, 0 },
    { ZYDIS_MNEMONIC_INVD, privileged_nothing, false, 0 },
    { ZYDIS_MNEMONIC_RDPKRU, rdpkru, false, 0 },
    { ZYDIS_MNEMONIC_WRPKRU, wrpkru, true, 0 },
};

static bool lower_simple(struct rf_lower *l)
{
    const struct simple *s = simple;
    while (s->mnemonic != l->ins.mnemonic)
        s++;
    struct rf_op *op = rf_emit(l, s->run);
    op->imm = s->imm;
    l->ends_block = s->ends_block;
    return true;
}

static bool lower_int(struct rf_lower *l)
{
    struct rf_op *op = rf_emit(l, int_n);
    op->imm = l->operand[0].imm.value.u & 0xff;
    l->ends_block = true;
    return true;
}

static bool lower_return(struct rf_lower *l)
{
    bool wide = l->ins.operand_width == 64;
    rf_run *run;
    switch (l->ins.mnemonic) {
    case ZYDIS_MNEMONIC_SYSRET: run = wide ? sysret_64 : sysret_32; break;
    case ZYDIS_MNEMONIC_SYSEXIT: run = wide ? sysexit_64 : sysexit_32; break;
    default: run = iret; break;
    }
    struct rf_op *op = rf_emit(l, run);
    op->a = (uint8_t)(l->ins.operand_width / 8);
    l->ends_block = true;
    return true;
}

static bool lower_base(struct rf_lower *l)
{
    bool wide = l->operand[0].size == 64;
    ZydisMnemonic m = l->ins.mnemonic;
    bool write = m == ZYDIS_MNEMONIC_WRFSBASE || m == ZYDIS_MNEMONIC_WRGSBASE;
    bool fs = m == ZYDIS_MNEMONIC_RDFSBASE || m == ZYDIS_MNEMONIC_WRFSBASE;
    struct rf_op *op = rf_emit(l, write ? (wide ? wrbase_64 : wrbase_32) : (wide ? rdbase_64 : rdbase_32));
    op->a = rf_reg_offset(l->operand[0].reg.value);
    op->b = fs ? RF_FS : RF_GS;
    return true;
}

static bool lower_random(struct rf_lower *l)
{
    static rf_run *const runs[4] = RF_ROW_WIDE(random);
    struct rf_op *op = rf_emit(l, runs[rf_size_log2(l->operand[0].size)]);
    op->a = rf_reg_offset(l->operand[0].reg.value);
    return true;
}

static bool lower_rdpid(struct rf_lower *l)
{
    rf_emit(l, rdpid)->a = rf_reg_offset(l->operand[0].reg.value);
    return true;
}

static bool lower_invlpg(struct rf_lower *l)
{
    rf_emit_mem(l, invlpg, 0);
    l->ends_block = true;
    return true;
}

static bool lower_invpcid(struct rf_lower *l)
{
    rf_emit_mem(l, invpcid, 1)->a = rf_reg_offset(l->operand[0].reg.value);
    l->ends_block = true;
    return true;
}

static bool lower_cache_line(struct rf_lower *l)
{
    rf_emit_mem(l, cache_line, 0);
    return true;
}

#define SIMPLE(name) { ZYDIS_MNEMONIC_##name, lower_simple }
static const struct rf_lower_entry entries[] = {
    SIMPLE(SYSCALL), SIMPLE(SYSENTER), SIMPLE(INT3), SIMPLE(INTO), SIMPLE(INT1), SIMPLE(UD2), SIMPLE(UD1),
    SIMPLE(UD0), SIMPLE(VMCALL), SIMPLE(CLI), SIMPLE(STI), SIMPLE(HLT), SIMPLE(STAC),
    SIMPLE(CLAC), SIMPLE(SWAPGS), SIMPLE(RDMSR), SIMPLE(WRMSR), SIMPLE(RDTSC), SIMPLE(RDTSCP),
    SIMPLE(CPUID), SIMPLE(RDPMC), SIMPLE(CLTS), SIMPLE(WBINVD), SIMPLE(INVD), SIMPLE(RDPKRU),
    SIMPLE(WRPKRU),
    { ZYDIS_MNEMONIC_INT, lower_int },           { ZYDIS_MNEMONIC_SYSRET, lower_return },
    { ZYDIS_MNEMONIC_SYSEXIT, lower_return },    { ZYDIS_MNEMONIC_IRET, lower_return },
    { ZYDIS_MNEMONIC_IRETD, lower_return },      { ZYDIS_MNEMONIC_IRETQ, lower_return },
    { ZYDIS_MNEMONIC_RDFSBASE, lower_base },     { ZYDIS_MNEMONIC_RDGSBASE, lower_base },
    { ZYDIS_MNEMONIC_WRFSBASE, lower_base },     { ZYDIS_MNEMONIC_WRGSBASE, lower_base },
    { ZYDIS_MNEMONIC_RDRAND, lower_random },     { ZYDIS_MNEMONIC_RDSEED, lower_random },
    { ZYDIS_MNEMONIC_RDPID, lower_rdpid },       { ZYDIS_MNEMONIC_INVLPG, lower_invlpg },
    { ZYDIS_MNEMONIC_INVPCID, lower_invpcid },   { ZYDIS_MNEMONIC_CLFLUSH, lower_cache_line },
    { ZYDIS_MNEMONIC_CLFLUSHOPT, lower_cache_line }, { ZYDIS_MNEMONIC_CLWB, lower_cache_line },
};
const struct rf_lower_table rf_lower_system = RF_LOWER_TABLE(entries);
