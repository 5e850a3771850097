/* A life: a good machine, then its tables, registers and code spoilt and run, again and again. */
#include "fuzz_machine.h"

#include "bare_modes.h"
#include "board/devices.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t fuzz_value(struct fuzz_rng *rng)
{
    static const uint64_t places[] = {
        BARE_PML4, BARE_PT, BARE_GDT, BARE_IDT, BARE_TSS, BARE_HANDLERS, BARE_SYSCALL, BARE_KERNEL_TEXT,
        BARE_KERNEL_STACK, BARE_RSP0, BARE_IST1, BARE_USER_TEXT, BARE_USER_STACK, BARE_USER_DATA, BARE_ABSENT,
        BARE_READ_ONLY, BARE_NX, BARE_KERNEL_PAGE, BARE_NONCANONICAL, 0xfee00000, 0xfec00000, 0xff000000,
        UINT64_C(0xffff800000000000), UINT32_MAX, INT64_MAX,
    };
    switch (fuzz_below(rng, 8)) {
    case 0: return fuzz_below(rng, 16);
    case 1: return fuzz_below(rng, 0x100);
    case 2: return (fuzz_below(rng, GDT_LIMIT / 8 + 4) << 3) | fuzz_below(rng, 8);
    case 3: return UINT64_C(1) << fuzz_below(rng, 64);
    case 4: return fuzz_next(rng);
    case 5: return fuzz_next(rng) & UINT32_MAX;
    default: return places[fuzz_below(rng, RF_ARRAY_SIZE(places))] + (fuzz_below(rng, 2) ? fuzz_below(rng, 4096) : 0);
    }
}

uint32_t fuzz_msr(struct fuzz_rng *rng)
{
    static const uint32_t known[] = {
        0x10, 0x1b, 0x3b, 0x174, 0x175, 0x176, 0x1a0, 0x277, 0x6a0, 0x6a2, 0x6a4, 0x6a5, 0x6a7, 0x6a8, 0x6e0,
        0x6e1, 0x802, 0x808, 0x80b, 0x80f, 0x828, 0x830, 0x832, 0x838, 0x83e, 0x83f, 0xda0, 0xc0000080,
        0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103,
    };
    return fuzz_below(rng, 16) ? known[fuzz_below(rng, RF_ARRAY_SIZE(known))] : (uint32_t)fuzz_next(rng);
}

/* --- spoiling --- */

/* A descriptor or gate that may well be a good one. */
static uint64_t descriptor(struct fuzz_rng *rng)
{
    uint64_t raw = fuzz_next(rng);
    if (fuzz_below(rng, 4) == 0)
        return raw;
    static const uint8_t access[] = { 0x9a, 0x92, 0xfa, 0xf2, 0x9e, 0x89, 0x8b, 0x82, 0x8c, 0x8e, 0x8f,
                                      0xec, 0xee, 0x96, 0x1a, 0x12, 0xba, 0xb2, 0xda, 0xe5, 0x85, 0x9b };
    uint64_t type = access[fuzz_below(rng, sizeof access)];
    uint64_t flags = fuzz_below(rng, 16), offset = fuzz_value(rng);
    if (fuzz_below(rng, 2)) /* a gate: offset and selector */
        return (offset & 0xffff) | (fuzz_below(rng, 16) << 3 | fuzz_below(rng, 4)) << 16 | fuzz_below(rng, 8) << 32 |
               type << 40 | (offset >> 16 & 0xffff) << 48;
    return 0xffff | (raw & (fuzz_below(rng, 2) ? 0 : 0xff000000ffff0000)) | type << 40 | UINT64_C(0xf) << 48 | flags << 52;
}

static void spoil_tables(struct bare *b, struct fuzz_rng *rng)
{
    for (uint64_t n = fuzz_below(rng, 6); n; n--)
        bare_write(b, BARE_GDT + fuzz_below(rng, GDT_LIMIT / 8 + 3) * 8, descriptor(rng));
    for (uint64_t n = fuzz_below(rng, 6); n; n--)
        bare_write(b, BARE_IDT + fuzz_below(rng, fuzz_below(rng, 2) ? 64 : 512) * 8, descriptor(rng));
    for (uint64_t n = fuzz_below(rng, 4); n; n--)
        bare_write(b, BARE_TSS + fuzz_below(rng, 0x70), fuzz_value(rng));
}

static void spoil_paging(struct bare *b, struct fuzz_rng *rng)
{
    for (uint64_t n = fuzz_below(rng, 8); n; n--) {
        uint64_t at = BARE_PML4 + fuzz_below(rng, 5) * 4096 + fuzz_below(rng, fuzz_below(rng, 2) ? 8 : 512) * 8;
        uint64_t entry = bare_read(b, at);
        if (fuzz_below(rng, 4) == 0)
            entry = fuzz_next(rng);
        else if (fuzz_below(rng, 4) == 0)
            entry = (BARE_PML4 + fuzz_below(rng, 6) * 4096) | (fuzz_next(rng) & 0xe7) | 3;
        else
            entry ^= UINT64_C(1) << fuzz_below(rng, 64);
        bare_write(b, at, entry);
    }
    if (fuzz_below(rng, 2))
        bare_flush(b);
}

static void spoil_registers(struct bare *b, struct fuzz_rng *rng)
{
    struct rf_cpu *cpu = b->cpu;
    for (unsigned i = 0; i < 16; i++)
        if (i != RF_RSP || fuzz_below(rng, 8) == 0)
            cpu->r[i] = fuzz_value(rng);
    for (uint64_t n = fuzz_below(rng, 4); n; n--)
        rf_cpu_write_msr(cpu, fuzz_msr(rng), fuzz_value(rng));
    if (fuzz_below(rng, 8) == 0)
        cpu->gdtr.limit = (uint16_t)fuzz_value(rng);
    if (fuzz_below(rng, 8) == 0)
        cpu->idtr.limit = (uint16_t)fuzz_value(rng);
    if (fuzz_below(rng, 8) == 0)
        rf_cpu_set_flags(cpu, fuzz_next(rng) & ~(uint64_t)RF_FLAG_VM);
    if (fuzz_below(rng, 16) == 0)
        cpu->nmi_pending = true;
    cpu->interrupt_pending = fuzz_below(rng, 8) == 0;
    cpu->interrupt_vector = (uint8_t)fuzz_next(rng);
}

static void new_code(struct bare *b, struct fuzz_rng *rng)
{
    uint8_t code[256];
    const uint64_t text = b->cpu->r[RF_REG_IP];
    fuzz_code(rng, code, sizeof code);
    bare_put(b, text < BARE_RAM - sizeof code ? text : bare_text(b), code, sizeof code);
    if (fuzz_below(rng, 4) == 0) {
        fuzz_code(rng, code, 16);
        bare_put(b, BARE_HANDLERS + fuzz_below(rng, 256) * 16, code, 16);
    }
}

/* --- what must hold whatever was run --- */

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "impossible state: %s\n", what);
    abort();
}

static void check_state(const struct rf_cpu *cpu)
{
    const struct rf_mmu *mmu = &cpu->mmu;
    bool lma = mmu->efer & RF_EFER_LMA, pg = mmu->cr0 & RF_CR0_PG;
    must(cpu->cpl <= 3, "CPL");
    must((cpu->code_bits == 64) == (lma && cpu->seg[RF_CS].attributes & RF_SEG_L), "64-bit mode");
    must(!pg || mmu->cr0 & RF_CR0_PE, "PG without PE");
    must(lma == (pg && mmu->efer & RF_EFER_LME), "EFER.LMA");
    must(!lma || mmu->cr4 & RF_CR4_PAE, "long mode without PAE");
    must(!(mmu->cr4 & RF_CR4_PCIDE) || lma, "PCIDs outside long mode");
    must(cpu->flags & RF_FLAG_FIXED && !(cpu->flags & 0x8028), "fixed flags");
    must(cpu->cr8 < 16, "CR8");
    must((cpu->dr[6] & 0xffff0ff0) == 0xffff0ff0 && cpu->dr[7] >> 32 == 0, "DR6 and DR7");
    must(cpu->xcr0 & 1 && (!(cpu->xcr0 & RF_XCR0_AVX) || cpu->xcr0 & RF_XCR0_SSE), "XCR0");
}

static uint64_t hash(uint64_t h, const void *data, size_t size)
{
    for (const uint8_t *p = data; size--; p++)
        h = (h ^ *p) * UINT64_C(0x100000001b3);
    return h;
}

static void account(struct bare *b, struct fuzz_result *out)
{
    const struct rf_cpu *cpu = b->cpu;
    const uint64_t parts[] = { rf_cpu_cycles(cpu), rf_cpu_flags(cpu), cpu->mmu.cr0, cpu->mmu.cr3, cpu->mmu.cr4,
                               cpu->mmu.efer, cpu->instructions, cpu->cpl, b->stop };
    out->hash = hash(out->hash, parts, sizeof parts);
    out->hash = hash(out->hash, cpu->r, 16 * 8);
    out->runs++;
    out->triple_faults += b->stop == RF_STOP_TRIPLE_FAULT;
}

/* A machine and its surroundings. */
struct life {
    struct bare b;
    struct rf_devices devices;
    bool alive;
};

/* Long mode mostly; the others are where the machine's tables make less sense. */
static void enter_mode(struct bare *b, struct fuzz_rng *rng)
{
    switch (fuzz_below(rng, 8)) {
    case 0: bare_enter_real(b); break;
    case 1: bare_enter_legacy(b, fuzz_below(rng, 2) ? 0 : 3); break;
    default: break;
    }
}

/* After a triple fault, or now and then, all begins anew. */
static void count(const struct bare *b, struct fuzz_result *out)
{
    out->instructions += b->cpu->instructions;
    for (unsigned i = 0; i < 32; i++)
        out->exceptions[i] += b->cpu->counts.exceptions[i];
}

static void end(struct life *life, struct fuzz_result *out)
{
    if (life->alive) {
        count(&life->b, out);
        bare_destroy(&life->b);
    }
    life->alive = false;
}

static void fresh(struct life *life, struct fuzz_rng *rng, struct fuzz_result *out)
{
    struct bare *b = &life->b;
    uint64_t optional = RF_CR4_SMEP | RF_CR4_SMAP | RF_CR4_UMIP | RF_CR4_DE;
    end(life, out);
    bare_create(b, fuzz_below(rng, 4) ? 0 : 3);
    life->alive = true;
    rf_cpu_set_model(b->cpu, (enum rf_cpu_model)fuzz_below(rng, RF_CPU_MODEL_COUNT));
    rf_cpu_set_vendor(b->cpu, (enum rf_cpu_vendor)fuzz_below(rng, RF_VENDOR_COUNT));
    if (rf_has(b->cpu->features, RF_FEATURE_SHSTK))
        optional |= RF_CR4_CET;
    bare_set_cr4(b, fuzz_next(rng) & optional, 0);
    if (fuzz_below(rng, 2)) {
        memset(&life->devices, 0, sizeof life->devices);
        rf_devices_connect(&life->devices, b->cpu, BARE_RAM);
    }
    enter_mode(b, rng);
}

static void spoil(struct bare *b, struct fuzz_rng *rng)
{
    if (fuzz_below(rng, 3) == 0)
        spoil_tables(b, rng);
    if (fuzz_below(rng, 3) == 0)
        spoil_paging(b, rng);
    spoil_registers(b, rng);
    if (fuzz_below(rng, 3))
        b->cpu->r[RF_REG_IP] = bare_text(b);
    new_code(b, rng);
}

void fuzz_life(uint64_t seed, struct fuzz_result *out)
{
    struct fuzz_rng rng = { seed * UINT64_C(0x9e3779b97f4a7c15) | 1 };
    struct life life = { .alive = false };
    struct bare *b = &life.b;
    memset(out, 0, sizeof *out);
    fuzz_next(&rng);
    fresh(&life, &rng, out);
    for (uint64_t run = 4 + fuzz_below(&rng, 12); run; run--) {
        if (b->stop == RF_STOP_TRIPLE_FAULT || fuzz_below(&rng, 16) == 0)
            fresh(&life, &rng, out);
        spoil(b, &rng);
        b->cpu->halted = false;
        b->cpu->stop_cycles = rf_cpu_cycles(b->cpu) + 2000 + fuzz_below(&rng, 20000);
        rf_cpu_mode_changed(b->cpu);
        b->stop = rf_cpu_run(b->cpu);
        check_state(b->cpu);
        account(b, out);
    }
    end(&life, out);
}
