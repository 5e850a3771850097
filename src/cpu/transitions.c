/* SYSCALL SYSRET SYSENTER SYSEXIT IRET and far transfers (SDM 2, the instructions' pages). */
#include "cpu/debug.h"
#include "cpu/privilege.h"
#include "cpu/segmentation.h"

static void charge(struct rf_cpu *cpu, enum rf_cost_event event)
{
    cpu->budget -= cpu->cost->event[event];
}

/* Intel's exist in 64-bit mode only; AMD's from compatibility mode too, by CSTAR (SDM 2B and AMD
 * APM 3, SYSCALL). */
bool rf_syscall(struct rf_cpu *cpu, struct rf_refusal *refusal)
{
    bool from_64bit = cpu->code_bits == 64;
    if (!(cpu->mmu.efer & RF_EFER_SCE) || !(cpu->mmu.efer & RF_EFER_LMA) ||
        (!from_64bit && cpu->vendor == RF_VENDOR_INTEL))
        return rf_refuse_plain(refusal, RF_UD);
    rf_cpu_account(cpu, RF_ACCOUNT_ENTRY);
    charge(cpu, RF_EVENT_SYSCALL);
    cpu->counts.syscalls++;
    uint64_t flags = rf_cpu_flags(cpu);
    cpu->r[RF_RCX] = cpu->r[RF_REG_IP];
    cpu->r[RF_R11] = flags & ~(uint64_t)RF_FLAG_RF;
    cpu->r[RF_REG_IP] = from_64bit ? cpu->lstar : cpu->cstar;
    uint16_t cs = (uint16_t)(cpu->star >> 32) & 0xfffc;
    rf_set_flat_code(cpu, cs, 0, true);
    rf_set_flat_stack(cpu, (uint16_t)(cs + 8), 0);
    rf_cpu_set_flags(cpu, flags & ~cpu->fmask & ~(uint64_t)RF_FLAG_RF);
    rf_cpu_mode_changed(cpu);
    return true;
}

/* May SYSRET run? Intel's needs 64-bit mode and checks RCX while still at CPL 0, on whatever RSP
 * software has loaded; AMD's loads it, and the fetch from there faults at CPL 3 (SDM 2B and AMD
 * APM 3, SYSRET). */
static bool check_sysret(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal)
{
    bool intel = cpu->vendor == RF_VENDOR_INTEL;
    if (!(cpu->mmu.efer & RF_EFER_SCE) || (intel && cpu->code_bits != 64))
        return rf_refuse_plain(refusal, RF_UD);
    if (cpu->cpl != 0)
        return rf_refuse(refusal, RF_GP, 0);
    if (intel && to_64bit && !rf_mmu_canonical(&cpu->mmu, cpu->r[RF_RCX]))
        return rf_refuse(refusal, RF_GP, 0);
    return true;
}

/* SS of SYSRET. AMD's loads the selector alone: base, limit and attributes stay what they were
 * (AMD APM 3, SYSRET), so after an interrupt that had made SS null, 32-bit code finds an unusable
 * stack. */
static void set_sysret_stack(struct rf_cpu *cpu, uint16_t selector)
{
    if (cpu->vendor == RF_VENDOR_AMD)
        cpu->seg[RF_SEG_SS].selector = selector;
    else
        rf_set_flat_stack(cpu, selector, 3);
}

bool rf_sysret(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal)
{
    if (!check_sysret(cpu, to_64bit, refusal))
        return false;
    charge(cpu, RF_EVENT_SYSRET);
    cpu->counts.sysrets++;
    uint16_t base = (uint16_t)(cpu->star >> 48);
    cpu->r[RF_REG_IP] = to_64bit ? cpu->r[RF_RCX] : (uint32_t)cpu->r[RF_RCX];
    rf_set_flat_code(cpu, (uint16_t)((base + (to_64bit ? 16 : 0)) | 3), 3, to_64bit);
    set_sysret_stack(cpu, (uint16_t)((base + 8) | 3));
    rf_cpu_set_flags(cpu, cpu->r[RF_R11] & 0x3c7fd7);
    rf_cpu_account(cpu, RF_ACCOUNT_USER);
    rf_cpu_mode_changed(cpu);
    return true;
}

/* AMD has SYSENTER and SYSEXIT in legacy mode only (AMD APM 3, SYSENTER). */
static bool has_sysenter(const struct rf_cpu *cpu)
{
    return cpu->vendor != RF_VENDOR_AMD || !(cpu->mmu.efer & RF_EFER_LMA);
}

bool rf_sysenter(struct rf_cpu *cpu, struct rf_refusal *refusal)
{
    uint16_t cs = (uint16_t)cpu->sysenter_cs & 0xfffc;
    if (!has_sysenter(cpu))
        return rf_refuse_plain(refusal, RF_UD);
    if (!cs)
        return rf_refuse(refusal, RF_GP, 0);
    rf_cpu_account(cpu, RF_ACCOUNT_ENTRY);
    charge(cpu, RF_EVENT_SYSENTER);
    cpu->counts.sysenters++;
    bool long_mode = cpu->mmu.efer & RF_EFER_LMA;
    cpu->flags &= ~(RF_FLAG_VM | RF_FLAG_IF | RF_FLAG_RF);
    cpu->r[RF_RSP] = cpu->sysenter_esp;
    cpu->r[RF_REG_IP] = cpu->sysenter_eip;
    rf_set_flat_code(cpu, cs, 0, long_mode);
    rf_set_flat_stack(cpu, (uint16_t)(cs + 8), 0);
    rf_cpu_mode_changed(cpu);
    return true;
}

bool rf_sysexit(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal)
{
    uint16_t base = (uint16_t)cpu->sysenter_cs & 0xfffc;
    if (!has_sysenter(cpu))
        return rf_refuse_plain(refusal, RF_UD);
    if (!base || cpu->cpl != 0)
        return rf_refuse(refusal, RF_GP, 0);
    if (to_64bit && (!rf_mmu_canonical(&cpu->mmu, cpu->r[RF_RDX]) ||
                     !rf_mmu_canonical(&cpu->mmu, cpu->r[RF_RCX])))
        return rf_refuse(refusal, RF_GP, 0);
    charge(cpu, RF_EVENT_SYSEXIT);
    cpu->counts.sysexits++;
    cpu->r[RF_RSP] = to_64bit ? cpu->r[RF_RCX] : (uint32_t)cpu->r[RF_RCX];
    cpu->r[RF_REG_IP] = to_64bit ? cpu->r[RF_RDX] : (uint32_t)cpu->r[RF_RDX];
    rf_set_flat_code(cpu, (uint16_t)((base + (to_64bit ? 32 : 16)) | 3), 3, to_64bit);
    rf_set_flat_stack(cpu, (uint16_t)((base + (to_64bit ? 40 : 24)) | 3), 3);
    rf_cpu_account(cpu, RF_ACCOUNT_USER);
    rf_cpu_mode_changed(cpu);
    return true;
}

/* --- returns through a stack frame --- */

/* CS of a return: RPL is the new CPL (SDM 2, RET far and IRET). */
static bool check_return_code(struct rf_cpu *cpu, uint16_t selector, struct rf_descriptor *code,
                              struct rf_refusal *refusal)
{
    unsigned rpl = selector & RF_SELECTOR_RPL;
    uint32_t error = selector & ~3u;
    if (!error)
        return rf_refuse(refusal, RF_GP, 0);
    if (!rf_read_descriptor(cpu, selector, RF_GP, 0, code, refusal))
        return false;
    const struct rf_segment *s = &code->segment;
    if (!rf_segment_is_code(s) || rpl < cpu->cpl)
        return rf_refuse(refusal, RF_GP, error);
    if (rf_segment_is_conforming(s) ? rf_segment_dpl(s) > rpl : rf_segment_dpl(s) != rpl)
        return rf_refuse(refusal, RF_GP, error);
    if ((s->attributes & RF_SEG_L) && (s->attributes & RF_SEG_DB))
        return rf_refuse(refusal, RF_GP, error);
    if (!(s->attributes & RF_SEG_P))
        return rf_refuse(refusal, RF_NP, error);
    return rf_mark_accessed(cpu, code, refusal);
}

static bool check_return_stack(struct rf_cpu *cpu, uint16_t selector, unsigned new_cpl, bool to_64bit,
                               struct rf_descriptor *stack, struct rf_refusal *refusal)
{
    uint32_t error = selector & ~3u;
    *stack = (struct rf_descriptor){ .segment = { .selector = selector } };
    if (!error) {
        if (to_64bit && new_cpl != 3 && (selector & RF_SELECTOR_RPL) == new_cpl)
            return true;
        return rf_refuse(refusal, RF_GP, 0);
    }
    if (!rf_read_descriptor(cpu, selector, RF_GP, 0, stack, refusal))
        return false;
    const struct rf_segment *s = &stack->segment;
    bool writable = (s->attributes & RF_SEG_S) && !(s->attributes & 8) && (s->attributes & 2);
    if (!writable || (selector & RF_SELECTOR_RPL) != new_cpl || rf_segment_dpl(s) != new_cpl)
        return rf_refuse(refusal, RF_GP, error);
    if (!(s->attributes & RF_SEG_P))
        return rf_refuse(refusal, RF_SS, error);
    return rf_mark_accessed(cpu, stack, refusal);
}

/* n slots of operand_bytes from the stack, RSP unchanged. */
static bool read_frame(struct rf_cpu *cpu, unsigned operand_bytes, uint64_t offset, unsigned n,
                       uint64_t *slots, struct rf_refusal *refusal)
{
    if (!rf_stack_get(cpu, offset, slots, n, operand_bytes))
        return rf_refuse_fault(cpu, refusal, true);
    return true;
}

static bool check_target(const struct rf_cpu *cpu, const struct rf_segment *code, uint64_t rip,
                         struct rf_refusal *refusal)
{
    bool is_64bit = code->attributes & RF_SEG_L;
    if (is_64bit ? !rf_mmu_canonical(&cpu->mmu, rip) : rip > code->limit)
        return rf_refuse(refusal, RF_GP, 0);
    return true;
}

/* Flags that IRET may change at the present CPL (SDM 2, IRET). */
static void return_flags(struct rf_cpu *cpu, uint64_t value, unsigned operand_bytes)
{
    uint64_t mask = RF_FLAGS_STATUS | RF_FLAG_TF | RF_FLAG_DF | RF_FLAG_NT | RF_FLAG_RF | RF_FLAG_AC |
                    RF_FLAG_ID;
    if (cpu->cpl <= (cpu->flags & RF_FLAG_IOPL) >> 12)
        mask |= RF_FLAG_IF;
    if (cpu->cpl == 0)
        mask |= RF_FLAG_IOPL | RF_FLAG_VIF | RF_FLAG_VIP;
    if (operand_bytes == 2)
        mask &= 0xffff;
    /* RF is for the next instruction's breakpoint, and clear after it: only where breakpoints
     * are enabled is that instruction a block of its own, which can clear it. */
    if (!rf_debug_enabled(cpu))
        value &= ~(uint64_t)RF_FLAG_RF;
    rf_cpu_set_flags(cpu, (rf_cpu_flags(cpu) & ~mask) | (value & mask));
}

static void apply_return(struct rf_cpu *cpu, const struct rf_descriptor *code, uint16_t cs,
                         uint64_t rip)
{
    unsigned old = cpu->cpl;
    cpu->seg[RF_CS] = code->segment;
    cpu->seg[RF_CS].selector = cs;
    cpu->seg[RF_CS].attributes |= 1;
    cpu->cpl = cs & RF_SELECTOR_RPL;
    cpu->r[RF_REG_IP] = rip;
    if (cpu->cpl != old)
        rf_drop_privileged_segments(cpu);
    if (cpu->cpl == 3 && old != 3)
        rf_cpu_account(cpu, RF_ACCOUNT_USER);
}

bool rf_iret(struct rf_cpu *cpu, unsigned operand_bytes, struct rf_refusal *refusal)
{
    enum { RIP, CS, FLAGS, RSP, SS };
    uint64_t frame[5] = { 0 };
    struct rf_descriptor code, stack;
    if (cpu->flags & RF_FLAG_NT) /* no task returns in IA-32e mode */
        return rf_refuse(refusal, RF_GP, 0);
    bool from_64bit = cpu->code_bits == 64;
    if (!read_frame(cpu, operand_bytes, 0, from_64bit ? 5 : 3, frame, refusal))
        return false;
    uint16_t cs = (uint16_t)frame[CS], ss = (uint16_t)frame[SS];
    if (!check_return_code(cpu, cs, &code, refusal))
        return false;
    unsigned new_cpl = cs & RF_SELECTOR_RPL;
    bool pops_stack = from_64bit || new_cpl != cpu->cpl;
    if (pops_stack && !from_64bit) {
        if (!read_frame(cpu, operand_bytes, 3 * operand_bytes, 2, &frame[RSP], refusal))
            return false;
        ss = (uint16_t)frame[SS];
    }
    if (!check_target(cpu, &code.segment, frame[RIP], refusal))
        return false;
    bool to_64bit = code.segment.attributes & RF_SEG_L;
    if (pops_stack && !check_return_stack(cpu, ss, new_cpl, to_64bit, &stack, refusal))
        return false;

    cpu->budget -= cpu->cost->event[RF_EVENT_IRET];
    cpu->counts.irets++;
    if (!pops_stack)
        rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + 3 * operand_bytes);
    return_flags(cpu, frame[FLAGS], operand_bytes);
    apply_return(cpu, &code, cs, frame[RIP]);
    if (pops_stack) {
        cpu->seg[RF_SEG_SS] = stack.segment;
        cpu->r[RF_RSP] = frame[RSP];
    }
    cpu->nmi_blocked = false;
    rf_cpu_mode_changed(cpu);
    return true;
}

bool rf_far_return(struct rf_cpu *cpu, unsigned operand_bytes, uint64_t release,
                   struct rf_refusal *refusal)
{
    enum { RIP, CS, RSP, SS };
    uint64_t frame[4] = { 0 };
    struct rf_descriptor code, stack;
    if (!read_frame(cpu, operand_bytes, 0, 2, frame, refusal))
        return false;
    uint16_t cs = (uint16_t)frame[CS];
    if (!check_return_code(cpu, cs, &code, refusal) ||
        !check_target(cpu, &code.segment, frame[RIP], refusal))
        return false;
    unsigned new_cpl = cs & RF_SELECTOR_RPL;
    if (new_cpl == cpu->cpl) {
        rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + 2 * operand_bytes + release);
        apply_return(cpu, &code, cs, frame[RIP]);
        rf_cpu_mode_changed(cpu);
        return true;
    }
    if (!read_frame(cpu, operand_bytes, 2 * operand_bytes + release, 2, &frame[RSP], refusal))
        return false;
    bool to_64bit = code.segment.attributes & RF_SEG_L;
    if (!check_return_stack(cpu, (uint16_t)frame[SS], new_cpl, to_64bit, &stack, refusal))
        return false;
    apply_return(cpu, &code, cs, frame[RIP]);
    cpu->seg[RF_SEG_SS] = stack.segment;
    cpu->r[RF_RSP] = frame[RSP] + release;
    rf_cpu_mode_changed(cpu);
    return true;
}

static uint8_t bits_of(const struct rf_segment *code)
{
    return code->attributes & RF_SEG_L ? 64 : code->attributes & RF_SEG_DB ? 32 : 16;
}

/* Store CS and RIP below the stack pointer. CPUs address the stack as the new mode does, so a
 * call from 32-bit to 64-bit code looks at neither SS nor its B bit. */
static bool put_far_return(struct rf_cpu *cpu, const struct rf_segment *code, unsigned operand_bytes)
{
    const uint64_t frame[2] = { cpu->seg[RF_CS].selector, cpu->r[RF_REG_IP] };
    uint8_t old = cpu->code_bits;
    cpu->code_bits = bits_of(code);
    bool done = rf_stack_put(cpu, frame, 2, operand_bytes);
    cpu->code_bits = old;
    return done;
}

bool rf_far_transfer(struct rf_cpu *cpu, uint16_t selector, uint64_t offset, bool call,
                     unsigned operand_bytes, struct rf_refusal *refusal)
{
    struct rf_descriptor code;
    uint32_t error = selector & ~3u;
    if (!error)
        return rf_refuse(refusal, RF_GP, 0);
    if (!rf_read_descriptor(cpu, selector, RF_GP, 0, &code, refusal))
        return false;
    const struct rf_segment *s = &code.segment;
    if (!(s->attributes & RF_SEG_S) && (s->attributes & RF_SEG_TYPE) == 0xc)
        return rf_refuse_plain(refusal, RF_UD); /* call gate */
    if (!rf_segment_is_code(s))
        return rf_refuse(refusal, RF_GP, error);
    unsigned dpl = rf_segment_dpl(s);
    bool conforming = rf_segment_is_conforming(s);
    if (conforming ? dpl > cpu->cpl : (dpl != cpu->cpl || (selector & RF_SELECTOR_RPL) > cpu->cpl))
        return rf_refuse(refusal, RF_GP, error);
    if ((s->attributes & RF_SEG_L) && (s->attributes & RF_SEG_DB))
        return rf_refuse(refusal, RF_GP, error);
    if (!(s->attributes & RF_SEG_P))
        return rf_refuse(refusal, RF_NP, error);
    if (call && !put_far_return(cpu, s, operand_bytes))
        return rf_refuse_fault(cpu, refusal, true);
    if (!check_target(cpu, s, offset, refusal) || !rf_mark_accessed(cpu, &code, refusal))
        return false;
    cpu->seg[RF_CS] = code.segment;
    cpu->seg[RF_CS].selector = (uint16_t)((selector & ~3u) | cpu->cpl);
    cpu->seg[RF_CS].attributes |= 1;
    cpu->r[RF_REG_IP] = offset;
    rf_cpu_mode_changed(cpu);
    if (call)
        rf_set_stack_pointer(cpu, cpu->r[RF_RSP] - 2 * operand_bytes);
    return true;
}
