/* Segmentation outside 64-bit mode (cpu/segmentation.h). */
#include "cpu/segmentation.h"
#include "cpu/op.h"

bool rf_segment_allows(const struct rf_segment *s, uint32_t offset, unsigned size, bool write)
{
    uint64_t last = (uint64_t)offset + size - 1;
    bool code = s->attributes & 8, readable_or_writable = s->attributes & 2;
    if (!(s->attributes & RF_SEG_P))
        return false;
    if (write ? code || !readable_or_writable : code && !readable_or_writable)
        return false;
    if (!code && s->attributes & 4) /* expand-down: beyond the limit, up to what B says */
        return offset > s->limit && last <= (s->attributes & RF_SEG_DB ? UINT32_MAX : 0xffff);
    return last <= s->limit;
}

static bool is_flat(const struct rf_segment *s)
{
    const unsigned kind = RF_SEG_P | RF_SEG_S | 0xe, writable_data = RF_SEG_P | RF_SEG_S | 2;
    return (s->attributes & kind) == writable_data && !s->base && s->limit == UINT32_MAX;
}

bool rf_segments_flat(const struct rf_cpu *cpu)
{
    return is_flat(&cpu->seg[RF_ES]) && is_flat(&cpu->seg[RF_SEG_SS]) && is_flat(&cpu->seg[RF_DS]) &&
           cpu->seg[RF_SEG_SS].attributes & RF_SEG_DB && cpu->seg[RF_CS].limit == UINT32_MAX;
}

uint64_t rf_stack_mask(const struct rf_cpu *cpu)
{
    if (cpu->code_bits == 64)
        return UINT64_MAX;
    return cpu->seg[RF_SEG_SS].attributes & RF_SEG_DB ? UINT32_MAX : 0xffff;
}

void rf_set_stack_pointer(struct rf_cpu *cpu, uint64_t value)
{
    uint64_t mask = rf_stack_mask(cpu);
    cpu->r[RF_RSP] = mask == 0xffff ? (cpu->r[RF_RSP] & ~mask) | (value & mask) : value & mask;
}

/* Linear address of a slot; false: SS does not allow it. */
static bool stack_address(struct rf_cpu *cpu, uint64_t at, unsigned size, bool write, uint64_t *va)
{
    const struct rf_segment *ss = &cpu->seg[RF_SEG_SS];
    *va = at & rf_stack_mask(cpu);
    if (cpu->code_bits == 64)
        return true;
    if (!rf_segment_allows(ss, (uint32_t)*va, size, write)) {
        cpu->fault = (struct rf_fault){ .kind = RF_FAULT_SEGMENT };
        return false;
    }
    *va = (uint32_t)(*va + ss->base);
    return true;
}

bool rf_stack_read(struct rf_cpu *cpu, uint64_t at, uint64_t *value, unsigned size)
{
    uint64_t va;
    *value = 0;
    return stack_address(cpu, at, size, false, &va) && rf_load_slow(cpu, va, value, size);
}

bool rf_stack_probe(struct rf_cpu *cpu, unsigned count, unsigned size)
{
    for (unsigned i = 1; i <= count; i++) {
        uint64_t va;
        if (!stack_address(cpu, cpu->r[RF_RSP] - i * size, size, true, &va) ||
            !rf_probe_write(cpu, va, size))
            return false;
    }
    return true;
}

bool rf_stack_put(struct rf_cpu *cpu, const uint64_t *values, unsigned count, unsigned size)
{
    if (!rf_stack_probe(cpu, count, size))
        return false;
    for (unsigned i = 0; i < count; i++) {
        uint64_t va;
        stack_address(cpu, cpu->r[RF_RSP] - (i + 1) * size, size, true, &va);
        rf_store_slow(cpu, va, &values[i], size);
    }
    return true;
}

bool rf_stack_push(struct rf_cpu *cpu, const uint64_t *values, unsigned count, unsigned size)
{
    if (!rf_stack_put(cpu, values, count, size))
        return false;
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] - count * size);
    return true;
}

bool rf_stack_get(struct rf_cpu *cpu, uint64_t skip, uint64_t *values, unsigned count, unsigned size)
{
    for (unsigned i = 0; i < count; i++)
        if (!rf_stack_read(cpu, cpu->r[RF_RSP] + skip + i * size, &values[i], size))
            return false;
    return true;
}

/* --- stacks of transitions --- */

struct rf_stack rf_current_stack(const struct rf_cpu *cpu, bool is_64bit)
{
    return (struct rf_stack){ .ss = cpu->seg[RF_SEG_SS],
                              .sp = cpu->r[RF_RSP],
                              .cpl = cpu->cpl,
                              .is_64bit = is_64bit };
}

/* Pushes are explicit accesses: RFLAGS.AC counts for SMAP (SDM 3A, 4.6.1). */
static enum rf_tlb_mode frame_mode(const struct rf_cpu *cpu, const struct rf_stack *stack)
{
    if (stack->cpl == 3)
        return RF_TLB_USER;
    return cpu->flags & RF_FLAG_AC ? RF_TLB_SUPERVISOR_AC : RF_TLB_SUPERVISOR;
}

/* Linear address of the slot that begins `below` bytes below the pointer. */
static bool frame_slot(struct rf_cpu *cpu, const struct rf_stack *stack, unsigned below, unsigned size,
                       uint64_t *va)
{
    const struct rf_segment *ss = &stack->ss;
    *va = stack->sp - below;
    if (stack->is_64bit)
        return true;
    *va &= ss->attributes & RF_SEG_DB ? UINT32_MAX : 0xffff;
    bool allowed = rf_segment_allows(ss, (uint32_t)*va, size, true);
    *va = (uint32_t)(*va + ss->base);
    if (allowed && *va + size <= UINT64_C(1) << 32)
        return true;
    cpu->fault = (struct rf_fault){ .kind = RF_FAULT_SEGMENT };
    return false;
}

/* Of a 64-bit stack: no byte of the frame may be outside the canonical addresses; that comes before
 * any page fault. */
static bool frame_canonical(struct rf_cpu *cpu, const struct rf_stack *stack, unsigned bytes)
{
    if (!stack->is_64bit || (rf_mmu_canonical(&cpu->mmu, stack->sp - bytes) &&
                             rf_mmu_canonical(&cpu->mmu, stack->sp - 1)))
        return true;
    cpu->fault = (struct rf_fault){ .kind = RF_FAULT_NONCANONICAL };
    return false;
}

/* In the order of the pushes, which CR2 shows. */
bool rf_pushes_probe(struct rf_cpu *cpu, const struct rf_stack *stack, unsigned count, unsigned size)
{
    if (!frame_canonical(cpu, stack, count * size))
        return false;
    for (unsigned i = 1; i <= count; i++) {
        uint64_t va, old;
        if (!frame_slot(cpu, stack, i * size, size, &va) ||
            !rf_mmu_read_for_write(&cpu->mmu, va, &old, size, frame_mode(cpu, stack), &cpu->fault))
            return false;
    }
    return true;
}

/* All slots in one piece; if that is refused, the probe says why. */
static bool put_64(struct rf_cpu *cpu, const struct rf_stack *stack, const uint64_t *values, unsigned count)
{
    uint64_t frame[RF_PUSHES_MOST];
    for (unsigned i = 0; i < count; i++)
        frame[i] = values[count - 1 - i];
    if (rf_mmu_write(&cpu->mmu, stack->sp - count * 8, frame, count * 8, frame_mode(cpu, stack), &cpu->fault))
        return true;
    rf_pushes_probe(cpu, stack, count, 8);
    return false;
}

bool rf_pushes_put(struct rf_cpu *cpu, const struct rf_stack *stack, const uint64_t *values, unsigned count,
                  unsigned size)
{
    if (stack->is_64bit && size == 8)
        return put_64(cpu, stack, values, count);
    if (!rf_pushes_probe(cpu, stack, count, size))
        return false;
    for (unsigned i = 0; i < count; i++) {
        uint64_t va;
        if (!frame_slot(cpu, stack, (i + 1) * size, size, &va) ||
            !rf_mmu_write(&cpu->mmu, va, &values[i], size, frame_mode(cpu, stack), &cpu->fault))
            return false;
    }
    return true;
}

void rf_pushes_done(struct rf_cpu *cpu, const struct rf_stack *stack, unsigned count, unsigned size)
{
    if (stack->is_64bit)
        cpu->r[RF_RSP] = stack->sp - count * size;
    else
        rf_set_stack_pointer(cpu, stack->sp - count * size);
}
