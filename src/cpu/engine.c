/* The run loop: finding blocks, linking them, and what is due at block ends. */
#include "cpu/block.h"
#include "cpu/bus.h"
#include "cpu/cet.h"
#include "cpu/debug.h"
#include "cpu/engine.h"
#include "cpu/flags.h"
#include "cpu/ops/x87_host.h"
#include "cpu/segmentation.h"

#include <simde/x86/sse.h>

/* Raise the refused fetch in cpu->fault. */
static RF_NOINLINE bool raise_fetch_fault(struct rf_cpu *cpu)
{
    struct rf_event event = { .vector = RF_GP, .has_error_code = true };
    if (cpu->block_mode & RF_MODE_DEBUG && rf_debug_begin(cpu))
        return !cpu->stop;
    if (cpu->fault.kind == RF_FAULT_PAGE) {
        event.vector = RF_PF;
        event.error_code = cpu->fault.error_code;
        event.cr2 = cpu->fault.address;
    }
    return rf_cpu_deliver(cpu, &event);
}

/* The first op at r[RF_REG_IP], or NULL when rf_cpu_run must look what happened. */
static RF_NOINLINE struct rf_op *enter(struct rf_cpu *cpu)
{
    for (;;) {
        struct rf_block *block = rf_block_find(cpu);
        if (block) {
            uint64_t rip = cpu->r[RF_REG_IP];
            struct rf_jump_entry *entry =
                &cpu->jump_cache[(rip ^ (rip >> 12)) & (RF_JUMP_CACHE_ENTRIES - 1)];
            *entry = (struct rf_jump_entry){ rip ^ cpu->jump_salt, block->ops };
            cpu->code_changed = false;
            return block->ops;
        }
        if (!raise_fetch_fault(cpu) || cpu->budget < 0)
            return NULL;
    }
}

/* Outside 64-bit mode the instruction pointer has 32 bits: ops add to it without cutting it,
 * and everything that leaves a block comes by here. */
static void cut_instruction_pointer(struct rf_cpu *cpu)
{
    if (cpu->code_bits != 64)
        cpu->r[RF_REG_IP] &= UINT32_MAX;
}

struct rf_op *rf_dispatch(struct rf_cpu *cpu)
{
    cut_instruction_pointer(cpu);
    if (RF_UNLIKELY(cpu->stop))
        return NULL;
    if (RF_UNLIKELY(cpu->budget < 0))
        return rf_block_event(cpu);
    struct rf_op *op = rf_jump_lookup(cpu, cpu->r[RF_REG_IP]);
    if (!op)
        op = enter(cpu);
    if (!op)
        return NULL;
    RF_JUMP(op);
}

static struct rf_op *op_far(struct rf_cpu *cpu, struct rf_op *op)
{
    (void)op;
    struct rf_op *found = rf_jump_lookup(cpu, cpu->r[RF_REG_IP]);
    if (RF_UNLIKELY(!found))
        return rf_dispatch(cpu);
    RF_JUMP(found);
}

struct rf_op rf_far_op = { .run = op_far };

struct rf_op *rf_link(struct rf_cpu *cpu, struct rf_op **link)
{
    uint64_t epoch = rf_block_epoch(cpu);
    struct rf_block *block = rf_block_find(cpu);
    if (!block)
        return rf_dispatch(cpu);
    if (epoch == rf_block_epoch(cpu))
        *link = block->second_pa ? &rf_far_op : block->ops;
    cpu->code_changed = false;
    RF_JUMP(block->ops);
}

void rf_op_sync(struct rf_cpu *cpu, struct rf_op *op)
{
    cpu->r[RF_REG_IP] += op->ip_offset;
    cpu->budget -= op->cost;
    cpu->instructions += op->number;
}

static RF_NOINLINE void deliver(struct rf_cpu *cpu, struct rf_op *op, enum rf_vector vector,
                                bool has_error_code, uint32_t error_code, uint64_t cr2)
{
    rf_op_sync(cpu, op);
    struct rf_event event = { .vector = (uint8_t)vector,
                              .has_error_code = has_error_code,
                              .error_code = error_code,
                              .cr2 = cr2 };
    rf_cpu_deliver(cpu, &event);
}

struct rf_op *rf_op_raise(struct rf_cpu *cpu, struct rf_op *op, enum rf_vector vector,
                          bool has_error_code, uint32_t error_code)
{
    deliver(cpu, op, vector, has_error_code, error_code, 0);
    return rf_dispatch(cpu);
}

static struct rf_op *raise_fault(struct rf_cpu *cpu, struct rf_op *op, bool stack)
{
    if (cpu->fault.kind == RF_FAULT_PAGE)
        deliver(cpu, op, RF_PF, true, cpu->fault.error_code, cpu->fault.address);
    else if (cpu->fault.kind == RF_FAULT_ALIGNMENT)
        deliver(cpu, op, RF_AC, true, 0, 0);
    else
        deliver(cpu, op, stack ? RF_SS : RF_GP, true, 0, 0);
    return rf_dispatch(cpu);
}

struct rf_op *rf_op_fault(struct rf_cpu *cpu, struct rf_op *op)
{
    return raise_fault(cpu, op, op->stack);
}

struct rf_op *rf_op_stack_fault(struct rf_cpu *cpu, struct rf_op *op)
{
    return raise_fault(cpu, op, true);
}

struct rf_op *rf_after_slow(struct rf_cpu *cpu, struct rf_op *op)
{
    if (RF_LIKELY(!cpu->code_changed))
        RF_NEXT;
    /* op[1] begins the following instruction or ends the block: either way it knows what
     * was spent so far. */
    cpu->r[RF_REG_IP] += op->ip_offset + op->length;
    cpu->budget -= op[1].cost;
    cpu->instructions += op->number + 1u;
    cpu->code_changed = false;
    return rf_dispatch(cpu);
}

/* --- mode, budget, accounts --- */

static uint32_t block_mode(const struct rf_cpu *cpu)
{
    uint32_t mode = cpu->code_bits;
    if (cpu->flags & RF_FLAG_TF)
        mode |= RF_MODE_STEP;
    if (rf_debug_enabled(cpu))
        mode |= RF_MODE_DEBUG;
    if (cpu->in_shadow)
        mode |= RF_MODE_SHADOW;
    if (cpu->single)
        mode |= RF_MODE_SINGLE;
    if (cpu->mmu.cr0 & RF_CR0_EM)
        mode |= RF_MODE_NO_SSE | RF_MODE_NO_X87;
    if (!(cpu->mmu.cr4 & RF_CR4_OSFXSR))
        mode |= RF_MODE_NO_SSE;
    if (!(cpu->mmu.cr4 & RF_CR4_OSXSAVE))
        mode |= RF_MODE_NO_XSAVE | RF_MODE_NO_AVX;
    if (~cpu->xcr0 & (RF_XCR0_SSE | RF_XCR0_AVX))
        mode |= RF_MODE_NO_AVX;
    if (cpu->mmu.cr0 & RF_CR0_TS)
        mode |= RF_MODE_TASK_SWITCHED;
    if (cpu->mmu.cr0 & RF_CR0_TS && cpu->mmu.cr0 & RF_CR0_MP)
        mode |= RF_MODE_WAIT;
    if (~cpu->fpu.mxcsr & RF_MXCSR_ALL_MASKED)
        mode |= RF_MODE_UNMASKED;
    if (cpu->code_bits != 64 && !rf_segments_flat(cpu))
        mode |= RF_MODE_SEGMENTED;
    if (rf_cpu_is_real(cpu))
        mode |= RF_MODE_REAL;
    if (rf_shadow_stack_enabled(cpu, cpu->cpl))
        mode |= RF_MODE_SHADOW_STACK;
    if (rf_tracking_enabled(cpu, cpu->cpl))
        mode |= RF_MODE_TRACKING;
    return mode;
}

/* The index of the present mode among those that the jump cache knows; when there are too many,
 * it forgets them all. */
static unsigned jump_mode(struct rf_cpu *cpu)
{
    const bool wide = cpu->code_bits == 64;
    const struct rf_jump_mode now = { cpu->block_mode, wide ? 0 : cpu->seg[RF_CS].limit,
                                      wide ? 0 : cpu->seg[RF_CS].base };
    for (unsigned i = 0; i < cpu->jump_mode_count; i++) {
        const struct rf_jump_mode *known = &cpu->jump_modes[i];
        if (known->block_mode == now.block_mode && known->cs_limit == now.cs_limit &&
            known->cs_base == now.cs_base)
            return i;
    }
    if (cpu->jump_mode_count == RF_JUMP_MODES) {
        rf_jump_cache_clear(cpu);
        cpu->jump_mode_count = 0;
    }
    cpu->jump_modes[cpu->jump_mode_count] = now;
    return cpu->jump_mode_count++;
}

/* Paging generation, mode and privilege, in the bits above a canonical address' sign bit: so two
 * addresses with different salts never have the same key. */
static void update_jump_salt(struct rf_cpu *cpu)
{
    const unsigned sign = cpu->mmu.cr4 & RF_CR4_LA57 ? 56 : 47, generation_at = sign + 5;
    const uint32_t round = cpu->mmu.generation >> (64 - generation_at);
    if (round != cpu->jump_round) {
        cpu->jump_round = round;
        rf_jump_cache_clear(cpu);
    }
    cpu->jump_salt = (uint64_t)cpu->mmu.generation << generation_at |
                     (uint64_t)jump_mode(cpu) << (sign + 2) |
                     (uint64_t)(cpu->cpl == 3) << (sign + 1);
}

void rf_cpu_mode_changed(struct rf_cpu *cpu)
{
    if (cpu->cpl == 3)
        cpu->tlb_mode = RF_TLB_USER;
    else
        cpu->tlb_mode = cpu->flags & RF_FLAG_AC ? RF_TLB_SUPERVISOR_AC : RF_TLB_SUPERVISOR;
    cpu->tlb = rf_cpu_tlb(cpu);
    uint16_t cs = cpu->seg[RF_CS].attributes;
    if ((cs & RF_SEG_L) && (cpu->mmu.efer & RF_EFER_LMA))
        cpu->code_bits = 64;
    else
        cpu->code_bits = cs & RF_SEG_DB ? 32 : 16;

    cpu->block_mode = block_mode(cpu);
    update_jump_salt(cpu);
    if (cpu->interrupt_pending || cpu->nmi_pending || cpu->block_mode & (RF_MODE_STEP | RF_MODE_DEBUG))
        rf_cpu_refresh_budget(cpu);
}

void rf_jump_cache_clear(struct rf_cpu *cpu)
{
    for (unsigned i = 0; i < RF_JUMP_CACHE_ENTRIES; i++)
        cpu->jump_cache[i] = (struct rf_jump_entry){ UINT64_MAX, NULL };
}

static bool interrupt_due(const struct rf_cpu *cpu)
{
    return (cpu->interrupt_pending && cpu->flags & RF_FLAG_IF) ||
           (cpu->nmi_pending && !cpu->nmi_blocked);
}

bool rf_cpu_event_due(const struct rf_cpu *cpu)
{
    return !cpu->in_shadow && (rf_debug_trap_due(cpu) || cpu->halted || interrupt_due(cpu));
}

/* How long code may run before a stop requested from outside is seen: a millisecond or so. */
#define STOP_SLICE (UINT64_C(1) << 20)

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A trap or interrupt that is due is taken before the next instruction: the budget is used up
 * already. The rest waits for the end of the next block. */
void rf_cpu_refresh_budget(struct rf_cpu *cpu)
{
    uint64_t now = rf_cpu_cycles(cpu);
    uint64_t limit = least(cpu->stop_cycles, least(cpu->timer_cycles, cpu->apic.expiry));
    if (cpu->shadow || cpu->in_shadow || cpu->stop_requested || cpu->halted ||
        cpu->flags & RF_FLAG_TF || rf_debug_enabled(cpu))
        limit = least(limit, now);
    limit = least(limit, now + STOP_SLICE);
    if (cpu->stop || (!cpu->in_shadow && (rf_debug_trap_due(cpu) || (interrupt_due(cpu) && !cpu->shadow))))
        limit = now - 1;
    cpu->cycle_limit = limit;
    cpu->budget = (int64_t)(limit - now);
}

void rf_cpu_account(struct rf_cpu *cpu, enum rf_account_id id)
{
    uint64_t now = rf_cpu_cycles(cpu);
    cpu->account.cycles[cpu->account.current] += now - cpu->account.mark;
    cpu->account.mark = now;
    cpu->account.current = id;
}

void rf_cpu_charge(struct rf_cpu *cpu, enum rf_account_id id, uint64_t cycles)
{
    cpu->budget -= (int64_t)cycles;
    cpu->account.cycles[id] += cycles;
    cpu->account.mark += cycles;
}

void rf_cpu_request_stop(struct rf_cpu *cpu)
{
    __atomic_store_n(&cpu->stop_requested, true, __ATOMIC_RELAXED);
}

/* --- block ends --- */

/* RF_STOP_* if the CPU must stop here, else RF_STOP_NONE. */
static enum rf_stop stop_due(struct rf_cpu *cpu)
{
    if (__atomic_exchange_n(&cpu->stop_requested, false, __ATOMIC_RELAXED))
        return RF_STOP_REQUEST;
    if (rf_cpu_cycles(cpu) >= cpu->stop_cycles)
        return RF_STOP_LIMIT;
    return RF_STOP_NONE;
}

/* The instruction after STI or MOV SS comes. If something waits for it, it is a block of its own. */
static void enter_shadow(struct rf_cpu *cpu)
{
    cpu->shadow = cpu->shadow_ss = false;
    cpu->in_shadow = interrupt_due(cpu) || rf_debug_trap_due(cpu);
    if (cpu->in_shadow)
        rf_cpu_mode_changed(cpu);
}

static void leave_shadow(struct rf_cpu *cpu)
{
    cpu->in_shadow = false;
    rf_cpu_mode_changed(cpu);
}

/* Deliver what is due by priority (SDM 3A, table 6-2): traps of the previous
 * instruction, then NMI, then maskable interrupts. */
static void deliver_due(struct rf_cpu *cpu)
{
    struct rf_event event = { .external = true };
    if (cpu->in_shadow)
        leave_shadow(cpu);
    if (cpu->shadow_ss) {
        rf_debug_postpone(cpu);
        enter_shadow(cpu);
        return;
    }
    if (rf_debug_trap_due(cpu)) {
        cpu->halted = false;
        rf_debug_trap(cpu);
        return;
    }
    if (cpu->shadow) {
        enter_shadow(cpu);
        return;
    } else if (cpu->nmi_pending && !cpu->nmi_blocked) {
        cpu->nmi_pending = false;
        cpu->nmi_blocked = true;
        event.vector = RF_NMI;
    } else if (cpu->interrupt_pending && cpu->flags & RF_FLAG_IF) {
        event.vector = rf_cpu_acknowledge(cpu);
    } else {
        return;
    }
    cpu->halted = false;
    rf_cpu_deliver(cpu, &event);
}

/* The next dispatch is to look at what is due, and begin no block before. */
static void look_at_once(struct rf_cpu *cpu)
{
    cpu->budget--;
    cpu->cycle_limit--;
}

struct rf_op *rf_halt(struct rf_cpu *cpu, bool wakes_masked)
{
    cpu->halted = true;
    cpu->wakes_masked = wakes_masked;
    rf_cpu_refresh_budget(cpu);
    look_at_once(cpu);
    return rf_block_event(cpu);
}

static bool wakes(const struct rf_cpu *cpu)
{
    return interrupt_due(cpu) || rf_debug_trap_due(cpu) || (cpu->wakes_masked && cpu->interrupt_pending);
}

/* HLT and MWAIT: time passes at once to whatever can wake the CPU. */
static enum rf_stop wait_halted(struct rf_cpu *cpu)
{
    uint64_t until = cpu->timer_cycles;
    if (rf_apic_timer_wakes(cpu))
        until = least(until, cpu->apic.expiry);
    if (until == UINT64_MAX)
        return RF_STOP_HALT;
    until = least(until, cpu->stop_cycles);
    if (rf_cpu_cycles(cpu) < until)
        rf_cpu_charge(cpu, RF_ACCOUNT_IDLE, until - rf_cpu_cycles(cpu));
    return RF_STOP_NONE;
}

void rf_cpu_expire_timers(struct rf_cpu *cpu)
{
    if (rf_cpu_cycles(cpu) >= cpu->timer_cycles) {
        cpu->timer_cycles = UINT64_MAX;
        if (cpu->timer)
            cpu->timer(cpu->timer_user, cpu);
    }
    if (rf_cpu_cycles(cpu) >= cpu->apic.expiry)
        rf_apic_expire(cpu);
}

/* Everything due at a block end. */
static RF_NOINLINE enum rf_stop block_end(struct rf_cpu *cpu)
{
    do {
        enum rf_stop stop = cpu->stop ? cpu->stop : stop_due(cpu);
        if (stop)
            return stop;
        if (cpu->halted && !wakes(cpu)) {
            stop = wait_halted(cpu);
            if (stop)
                return stop;
        }
        rf_cpu_expire_timers(cpu);
        if (cpu->wakes_masked && cpu->interrupt_pending)
            cpu->halted = cpu->wakes_masked = false;
        deliver_due(cpu);
        if (cpu->stop)
            return cpu->stop;
        rf_cpu_refresh_budget(cpu);
    } while (cpu->budget < 0 || cpu->halted);
    return RF_STOP_NONE;
}

struct rf_op *rf_block_event(struct rf_cpu *cpu)
{
    cut_instruction_pointer(cpu);
    enum rf_stop stop = block_end(cpu);
    if (stop) {
        cpu->stop = stop;
        return NULL;
    }
    return rf_dispatch(cpu);
}

void rf_fpu_to_host(struct rf_cpu *cpu)
{
    cpu->fpu.mxcsr = rf_fpu_mxcsr(cpu);
    simde_mm_setcsr(cpu->fpu.host_mxcsr);
    if (cpu->fpu.x87_live)
        rf_x87_leave(&cpu->fpu);
}

void rf_fpu_to_guest(struct rf_cpu *cpu)
{
    cpu->fpu.host_mxcsr = simde_mm_getcsr();
    simde_mm_setcsr(cpu->fpu.mxcsr | RF_MXCSR_ALL_MASKED);
}

uint32_t rf_fpu_mxcsr(const struct rf_cpu *cpu)
{
    return (simde_mm_getcsr() & ~RF_MXCSR_ALL_MASKED) | (cpu->fpu.mxcsr & RF_MXCSR_ALL_MASKED);
}

enum rf_stop rf_cpu_run(struct rf_cpu *cpu)
{
    cpu->stop = RF_STOP_NONE;
    rf_cpu_mode_changed(cpu);
    rf_cpu_refresh_budget(cpu);
    /* the CPU was stopped before its block's end was looked at */
    if (cpu->shadow) { /* at once: if a stop is requested again, it comes after the next instruction */
        rf_cpu_expire_timers(cpu);
        deliver_due(cpu);
        rf_cpu_refresh_budget(cpu);
    } else if (cpu->halted) {
        look_at_once(cpu);
    }
    rf_fpu_to_guest(cpu);
    while (!cpu->stop) {
        struct rf_op *op = rf_dispatch(cpu);
        while (op)
            op = op->run(cpu, op);
    }
    rf_fpu_to_host(cpu);
    rf_cpu_account(cpu, cpu->account.current);
    return cpu->stop;
}
