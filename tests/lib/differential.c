/* The two sides of differential testing, and the comparison (differential.h). */
#include "differential.h"

#include "cpu/cpu.h"
#include "cpu/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diff_totals diff_totals;

#if defined(__x86_64__)

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE 4096
#define MEMORY_PAGES UINT64_C(0x10000000)
#define GUEST_CODE UINT64_C(0x8000)
#define GUEST_RAM (MEMORY_PAGES + 16 * PAGE)
#define GUEST_GDT UINT64_C(0x1000)
#define GUEST_IDT UINT64_C(0x2000)
#define GUEST_HANDLERS UINT64_C(0x3000) /* 16 bytes for each vector */
#define GUEST_STACK UINT64_C(0x6000)

/* --- the host side --- */

/* What generated code reaches RIP-relative. */
struct native {
    struct diff_fx in_fx, out_fx, host_fx;
    uint64_t in_gpr[16], out_gpr[16];
    uint64_t in_flags, out_flags, host_rsp;
};

struct host {
    uint8_t *code; /* one page, followed by struct native */
    struct native *native;
    void (*enter)(void);
    uint8_t *subject, *leave, *restore;
    volatile bool running;
    int vector;
    unsigned fault_at;
};

static struct host host;

struct emitter {
    uint8_t *at;
};

static void bytes(struct emitter *e, const void *data, size_t size)
{
    memcpy(e->at, data, size);
    e->at += size;
}

/* An instruction given up to its ModRM, whose operand is [rip + what]. */
static void rip_relative(struct emitter *e, const void *opcode, size_t size, const void *what)
{
    bytes(e, opcode, size);
    int32_t delta = (int32_t)((const uint8_t *)what - (e->at + 4));
    bytes(e, &delta, 4);
}

static void mov_gpr(struct emitter *e, unsigned number, bool store, void *what)
{
    uint8_t code[3] = { (uint8_t)(0x48 | (number >= 8 ? 4 : 0)), store ? 0x89 : 0x8b,
                        (uint8_t)((number & 7) << 3 | 5) };
    rip_relative(e, code, sizeof code, what);
}

#define RSP 4
static const uint8_t push_all[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57 };
static const uint8_t pop_all_ret[] = { 0xfc, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c,
                                       0x5d, 0x5b, 0xc3 };
static const uint8_t fxsave64[] = { 0x48, 0x0f, 0xae, 0x05 };
static const uint8_t fxrstor64[] = { 0x48, 0x0f, 0xae, 0x0d };

/* Build the code around the subject: everything before it once, what follows per case. */
static void build_entry(void)
{
    struct native *n = host.native;
    struct emitter e = { host.code };
    bytes(&e, push_all, sizeof push_all);
    mov_gpr(&e, RSP, true, &n->host_rsp);
    rip_relative(&e, fxsave64, sizeof fxsave64, &n->host_fx);
    rip_relative(&e, fxrstor64, sizeof fxrstor64, &n->in_fx);
    rip_relative(&e, "\xff\x35", 2, &n->in_flags);
    bytes(&e, "\x9d", 1); /* popfq */
    for (unsigned i = 0; i < 16; i++)
        if (i != RSP)
            mov_gpr(&e, i, false, &n->in_gpr[i]);
    host.subject = e.at;
}

static void build_subject(const struct diff_case *test)
{
    struct native *n = host.native;
    struct emitter e = { host.subject };
    bytes(&e, test->code, test->length);
    host.leave = e.at;
    for (unsigned i = 0; i < 16; i++)
        if (i != RSP)
            mov_gpr(&e, i, true, &n->out_gpr[i]);
    mov_gpr(&e, RSP, false, &n->host_rsp);
    bytes(&e, "\x9c", 1); /* pushfq */
    rip_relative(&e, "\x8f\x05", 2, &n->out_flags);
    rip_relative(&e, fxsave64, sizeof fxsave64, &n->out_fx);
    host.restore = e.at;
    mov_gpr(&e, RSP, false, &n->host_rsp);
    rip_relative(&e, fxrstor64, sizeof fxrstor64, &n->host_fx);
    bytes(&e, pop_all_ret, sizeof pop_all_ret);
}

/* An exception in the subject: its state is the result, and the harness goes on. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    static const int by_number[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                       REG_R12, REG_R13, REG_R14, REG_R15 };
    (void)info;
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    uint64_t rip = (uint64_t)r[REG_RIP];
    if (!host.running || rip < (uintptr_t)host.subject || rip >= (uintptr_t)host.leave) {
        signal(number, SIG_DFL);
        return;
    }
    struct native *n = host.native;
    for (unsigned i = 0; i < 16; i++)
        n->out_gpr[i] = (uint64_t)r[by_number[i]];
    n->out_flags = (uint64_t)r[REG_EFL];
    memcpy(&n->out_fx, uc->uc_mcontext.fpregs, sizeof n->out_fx);
    host.vector = (int)r[REG_TRAPNO];
    host.fault_at = (unsigned)(rip - (uintptr_t)host.subject);
    r[REG_RIP] = (greg_t)(uintptr_t)host.restore;
    r[REG_EFL] &= ~(greg_t)RF_FLAG_DF;
}

static void host_create(void)
{
    size_t size = PAGE + ((sizeof(struct native) + PAGE - 1) & ~(size_t)(PAGE - 1));
    host.code = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                     -1, 0);
    void *memory = mmap((void *)(uintptr_t)MEMORY_PAGES, 2 * PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (host.code == MAP_FAILED || memory != (void *)(uintptr_t)MEMORY_PAGES) {
        fprintf(stderr, "differential: no executable page, or no memory at 0x%" PRIx64 "\n",
                MEMORY_PAGES);
        exit(1);
    }
    host.native = (struct native *)(void *)(host.code + PAGE);
    void *entry = host.code;
    memcpy(&host.enter, &entry, sizeof entry);
    build_entry();
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    static const int numbers[] = { SIGFPE, SIGSEGV, SIGILL, SIGBUS, SIGTRAP };
    for (size_t i = 0; i < RF_ARRAY_SIZE(numbers); i++)
        sigaction(numbers[i], &action, NULL);
}

static void host_memory(uint8_t *to, const uint8_t *from)
{
    void *window = (void *)(uintptr_t)DIFF_MEMORY_AT;
    if (from)
        memcpy(window, from, DIFF_MEMORY_SIZE);
    else
        memcpy(to, window, DIFF_MEMORY_SIZE);
}

static void host_run(const struct diff_state *in, struct diff_state *out)
{
    struct native *n = host.native;
    n->in_fx = in->fx;
    memcpy(n->in_gpr, in->gpr, sizeof n->in_gpr);
    n->in_flags = (in->flags & (RF_FLAGS_STATUS | RF_FLAG_DF)) | RF_FLAG_FIXED | RF_FLAG_IF;
    host_memory(NULL, in->memory);
    host.vector = -1;
    host.fault_at = 0;
    host.running = true;
    host.enter();
    host.running = false;
    out->fx = n->out_fx;
    memcpy(out->gpr, n->out_gpr, sizeof out->gpr);
    out->flags = n->out_flags;
    host_memory(out->memory, NULL);
    out->vector = host.vector;
    out->fault_at = host.fault_at;
}

/* --- the Ringfort side --- */

static struct rf_ram guest_ram;
static struct rf_cpu *guest;

/* Every exception ends in a HLT of its own, on the same stack. */
static void guest_tables(void)
{
    static const uint64_t gdt[3] = { 0, UINT64_C(0x00af9b000000ffff), UINT64_C(0x00cf93000000ffff) };
    rf_mmu_physical_write(&guest->mmu, GUEST_GDT, gdt, sizeof gdt);
    for (uint64_t vector = 0; vector < 32; vector++) {
        uint64_t at = GUEST_HANDLERS + 16 * vector;
        uint64_t gate[2] = { UINT64_C(0x8e) << 40 | UINT64_C(8) << 16 | at, 0 };
        rf_mmu_physical_write(&guest->mmu, GUEST_IDT + 16 * vector, gate, sizeof gate);
        rf_mmu_physical_write(&guest->mmu, at, "\xf4", 1);
    }
    guest->gdtr = (struct rf_table_register){ GUEST_GDT, sizeof gdt - 1 };
    guest->idtr = (struct rf_table_register){ GUEST_IDT, 32 * 16 - 1 };
}

static void guest_create(void)
{
    struct rf_error err = { 0 };
    guest = aligned_alloc(64, (sizeof *guest + 63) & ~(size_t)63);
    if (guest)
        memset(guest, 0, sizeof *guest);
    if (!guest || rf_ram_create(&guest_ram, GUEST_RAM, &err) != RF_OK ||
        rf_cpu_init(guest, &guest_ram, &rf_cost_generic, &err) != RF_OK) {
        fprintf(stderr, "differential: no CPU\n");
        exit(1);
    }
    rf_mmu_set_cr0(&guest->mmu, (guest->mmu.cr0 | RF_CR0_PE | RF_CR0_NE | RF_CR0_MP) &
                                    ~(RF_CR0_EM | RF_CR0_TS | RF_CR0_PG));
    rf_mmu_set_cr4(&guest->mmu, guest->mmu.cr4 | RF_CR4_OSFXSR | RF_CR4_OSXMMEXCPT);
    rf_mmu_set_efer(&guest->mmu, guest->mmu.efer | RF_EFER_LME | RF_EFER_LMA);
    guest->cpl = 0;
    guest->seg[RF_CS] = (struct rf_segment){
        .selector = 0x08, .attributes = RF_SEG_P | RF_SEG_S | RF_SEG_L | 0xb, .limit = UINT32_MAX };
    guest->seg[RF_SEG_SS] = (struct rf_segment){
        .selector = 0x10, .attributes = RF_SEG_P | RF_SEG_S | RF_SEG_DB | 3, .limit = UINT32_MAX };
    guest_tables();
    guest->stop_cycles = UINT64_MAX;
    guest->timer_cycles = UINT64_MAX;
}

static void guest_code(const struct diff_case *test)
{
    uint8_t code[PAGE] = { 0 };
    memcpy(code, test->code, test->length);
    code[test->length] = 0xf4; /* hlt */
    rf_mmu_physical_write(&guest->mmu, GUEST_CODE, code, test->length + 16);
}

static void guest_fx_in(const struct diff_fx *fx)
{
    struct rf_fpu *fpu = &guest->fpu;
    fpu->cw = fx->fcw;
    fpu->sw = fx->fsw;
    fpu->tag_valid = fx->ftw;
    fpu->mxcsr = fx->mxcsr;
    unsigned top = fx->fsw >> 11 & 7;
    for (unsigned i = 0; i < 8; i++) {
        memset(&fpu->x87[(top + i) & 7], 0, 16);
        memcpy(&fpu->x87[(top + i) & 7], fx->st[i], 10);
    }
    for (unsigned i = 0; i < 16; i++)
        memcpy(&fpu->v[i], &fx->xmm[i], 16);
}

static void guest_fx_out(struct diff_fx *fx)
{
    const struct rf_fpu *fpu = &guest->fpu;
    memset(fx, 0, sizeof *fx);
    fx->fcw = fpu->cw;
    fx->fsw = fpu->sw;
    fx->ftw = fpu->tag_valid;
    fx->mxcsr = fpu->mxcsr;
    unsigned top = fpu->sw >> 11 & 7;
    for (unsigned i = 0; i < 8; i++)
        memcpy(fx->st[i], &fpu->x87[(top + i) & 7], 10);
    for (unsigned i = 0; i < 16; i++)
        memcpy(&fx->xmm[i], &fpu->v[i], 16);
}

/* The exception whose handler the CPU halted in. */
static void guest_outcome(enum rf_stop stop, struct diff_state *out)
{
    static const uint32_t with_error_code = 0x27d00; /* SDM 3A, table 6-1 */
    uint64_t rip = guest->r[RF_REG_IP];
    out->vector = -1;
    out->fault_at = 0;
    if (stop != RF_STOP_HALT) {
        out->vector = 255;
    } else if (rip - GUEST_HANDLERS < 32 * 16) {
        out->vector = (int)((rip - GUEST_HANDLERS) / 16);
        uint64_t at = guest->r[RF_RSP] + (with_error_code >> out->vector & 1) * 8, saved;
        memcpy(&saved, rf_ram_at(&guest_ram, at, 8), 8);
        out->fault_at = (unsigned)(saved - GUEST_CODE);
    }
}

static void guest_run(const struct diff_state *in, struct diff_state *out)
{
    void *window = rf_ram_at(&guest_ram, DIFF_MEMORY_AT, DIFF_MEMORY_SIZE);
    memcpy(guest->r, in->gpr, sizeof in->gpr);
    guest->r[RF_RSP] = GUEST_STACK;
    guest->r[RF_REG_IP] = GUEST_CODE;
    rf_cpu_set_flags(guest, in->flags & (RF_FLAGS_STATUS | RF_FLAG_DF));
    guest_fx_in(&in->fx);
    memcpy(window, in->memory, DIFF_MEMORY_SIZE);
    guest->halted = false;
    enum rf_stop stop = rf_cpu_run(guest);
    memcpy(out->gpr, guest->r, sizeof out->gpr);
    out->flags = rf_cpu_flags(guest);
    guest_fx_out(&out->fx);
    memcpy(out->memory, window, DIFF_MEMORY_SIZE);
    guest_outcome(stop, out);
}

/* --- setting up --- */

static void create(void)
{
    if (!host.code) {
        host_create();
        guest_create();
    }
}

bool diff_available(void)
{
    return true;
}

void diff_run_host(const struct diff_case *test, const struct diff_state *in, struct diff_state *out)
{
    create();
    build_subject(test);
    host_run(in, out);
}

void diff_run_ringfort(const struct diff_case *test, const struct diff_state *in,
                       struct diff_state *out)
{
    create();
    guest_code(test);
    guest_run(in, out);
}

/* --- random states --- */

#define PICK(rng, array) (array)[diff_below(rng, (unsigned)RF_ARRAY_SIZE(array))]

static void random_x87(struct diff_fx *fx, const struct diff_case *test, struct diff_rng *rng)
{
    static const uint16_t precision[] = { 0x000, 0x200, 0x300, 0x300 };
    for (unsigned i = 0; i < 8; i++) {
        memset(fx->st[i], 0, 16);
        diff_extended(rng, fx->st[i]);
    }
    fx->fcw = (uint16_t)(0x7f | PICK(rng, precision) | diff_below(rng, 4) << 10);
    fx->fsw = (uint16_t)(diff_random(rng) & 0x7f7f); /* nothing pending */
    fx->ftw = 0xff;
    if (test->options & DIFF_STACK_ROOM || diff_below(rng, 8) == 0)
        fx->ftw = (uint8_t)diff_random(rng);
    if (test->options & DIFF_UNMASKED) {
        fx->fcw = (uint16_t)((fx->fcw & ~0x3f) | diff_below(rng, 64));
        fx->fsw &= (uint16_t)~0x7f;
        if (diff_below(rng, 8) == 0) /* something is pending */
            fx->fsw |= (uint16_t)(diff_random(rng) & 0x7f);
        if (fx->fsw & ~fx->fcw & 0x3f)
            fx->fsw |= 0x8080;
    }
}

static void random_mmx(struct diff_fx *fx, struct diff_rng *rng)
{
    for (unsigned i = 0; i < 8; i++) {
        memset(fx->st[i], 0, 16);
        diff_vector(rng, fx->st[i], 8);
        memset(fx->st[i] + 8, diff_below(rng, 4) ? 0xff : (int)diff_below(rng, 256), 2);
    }
    fx->fcw = 0x37f;
    fx->fsw = diff_below(rng, 4) ? 0 : (uint16_t)(diff_random(rng) & 0x7f7f);
    fx->ftw = diff_below(rng, 4) ? 0xff : (uint8_t)diff_random(rng);
}

static void random_state(struct diff_state *in, const struct diff_case *test, struct diff_rng *rng)
{
    memset(in, 0, sizeof *in);
    for (unsigned i = 0; i < 16; i++)
        in->gpr[i] = diff_integer(rng, 64);
    if (test->options & DIFF_SMALL_RCX)
        in->gpr[RF_RCX] = diff_below(rng, 9);
    in->flags = diff_random(rng) & RF_FLAGS_STATUS;
    if (test->options & DIFF_KEEP_DF && diff_below(rng, 3) == 0)
        in->flags |= RF_FLAG_DF;
    for (unsigned i = 0; i < 16; i++)
        diff_vector(rng, &in->fx.xmm[i], 16);
    if (diff_below(rng, 4) == 0) /* what matters is often the same value twice */
        in->fx.xmm[diff_below(rng, 16)] = in->fx.xmm[diff_below(rng, 16)];
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i += 16)
        diff_vector(rng, in->memory + i, 16);
    in->fx.mxcsr = 0x1f80;
    if (diff_below(rng, 4)) /* rounding, FTZ, DAZ, sticky flags */
        in->fx.mxcsr |= diff_random(rng) & 0xe07f;
    if (test->options & DIFF_UNMASKED)
        in->fx.mxcsr = (uint32_t)((in->fx.mxcsr & ~0x1f80u) | (diff_random(rng) & 0x1f80));
    in->fx.fcw = 0x37f;
    if (test->options & DIFF_X87)
        random_x87(&in->fx, test, rng);
    else if (test->options & DIFF_MMX)
        random_mmx(&in->fx, rng);
    in->vector = -1;
}

/* Registers so that every memory operand lies in the window. */
static void aim_operand(struct diff_state *in, const ZydisDecodedInstruction *ins,
                        const ZydisDecodedOperand *o, unsigned options, struct diff_rng *rng)
{
    const ZydisDecodedOperandMem *mem = &o->mem;
    unsigned size = o->size / 8u;
    if (mem->type != ZYDIS_MEMOP_TYPE_MEM || size > DIFF_MEMORY_SIZE - 128 ||
        mem->base == ZYDIS_REGISTER_NONE)
        return;
    /* Room on both sides for string and bit operations that move. */
    uint64_t at = 64 + diff_below(rng, DIFF_MEMORY_SIZE - 128 - size + 1);
    if (diff_below(rng, 4) == 0) /* across the page end */
        at = DIFF_MEMORY_SIZE / 2 - diff_below(rng, size + 1);
    if (options & DIFF_ALIGNED && diff_below(rng, 32))
        at &= ~UINT64_C(15);
    uint64_t target = DIFF_MEMORY_AT + at - (uint64_t)mem->disp.value;
    if (mem->index != ZYDIS_REGISTER_NONE) {
        unsigned number = (unsigned)ZydisRegisterGetId(mem->index);
        if (mem->index == mem->base)
            return;
        uint64_t index = diff_below(rng, 4) ? diff_below(rng, 32) : diff_integer(rng, 64);
        in->gpr[number] = index;
        target -= ins->address_width == 32 ? (uint32_t)index * (uint64_t)mem->scale
                                           : index * mem->scale;
    }
    if (ins->address_width == 32)
        target = (uint32_t)target | diff_random(rng) << 32;
    in->gpr[ZydisRegisterGetId(mem->base)] = target;
}

struct decoded_case {
    unsigned count;
    ZydisDecodedInstruction ins[16];
    ZydisDecodedOperand operand[16][ZYDIS_MAX_OPERAND_COUNT];
};

static void decode_case(const struct diff_case *test, struct decoded_case *decoded)
{
    ZydisDecoder decoder;
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    size_t offset = 0;
    decoded->count = 0;
    while (offset < test->length && decoded->count < 16) {
        unsigned i = decoded->count;
        if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, test->code + offset, test->length - offset,
                                               &decoded->ins[i], decoded->operand[i])))
            break;
        offset += decoded->ins[i].length;
        decoded->count++;
    }
}

static void aim(struct diff_state *in, const struct diff_case *test,
                const struct decoded_case *decoded, struct diff_rng *rng)
{
    for (unsigned i = 0; i < decoded->count; i++)
        for (unsigned k = 0; k < decoded->ins[i].operand_count; k++)
            if (decoded->operand[i][k].type == ZYDIS_OPERAND_TYPE_MEMORY)
                aim_operand(in, &decoded->ins[i], &decoded->operand[i][k], test->options, rng);
}

/* --- comparison --- */

#define MASK_STATUS (RF_FLAGS_STATUS | RF_FLAG_DF)

/* MXCSR bits to compare. Beside an unmasked overflow or underflow, the precision flag tells of
 * the result that an unlimited exponent would have given; Ringfort tells of the masked one. */
static uint32_t mxcsr_mask(const struct diff_state *a)
{
    uint32_t unmasked = a->fx.mxcsr & ~(a->fx.mxcsr >> 7) & 0x18;
    return a->vector == RF_XM && unmasked ? ~0x20u : ~0u;
}

static bool equal(const struct diff_case *test, const struct diff_state *a,
                  const struct diff_state *b)
{
    if (a->vector != b->vector || a->fault_at != b->fault_at)
        return false;
    for (unsigned i = 0; i < 16; i++)
        if (i != RSP && !(test->ignore_gpr >> i & 1) && a->gpr[i] != b->gpr[i])
            return false;
    uint16_t fsw = (uint16_t)~test->ignore_fsw;
    return !((a->flags ^ b->flags) & MASK_STATUS & ~test->ignore_flags) &&
           !((a->fx.mxcsr ^ b->fx.mxcsr) & mxcsr_mask(a)) && a->fx.fcw == b->fx.fcw &&
           !((a->fx.fsw ^ b->fx.fsw) & fsw) && a->fx.ftw == b->fx.ftw &&
           !memcmp(a->fx.st, b->fx.st, sizeof a->fx.st) &&
           !memcmp(a->fx.xmm, b->fx.xmm, sizeof a->fx.xmm) &&
           !memcmp(a->memory, b->memory, DIFF_MEMORY_SIZE);
}

static const char *const gpr_names[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                           "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };

static void print_code(const struct diff_case *test, const struct decoded_case *decoded)
{
    ZydisFormatter formatter;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    printf("  code:");
    for (size_t i = 0; i < test->length; i++)
        printf(" %02x", test->code[i]);
    for (unsigned i = 0; i < decoded->count; i++) {
        char text[128];
        ZydisFormatterFormatInstruction(&formatter, &decoded->ins[i], decoded->operand[i],
                                        decoded->ins[i].operand_count_visible, text, sizeof text,
                                        ZYDIS_RUNTIME_ADDRESS_NONE, NULL);
        printf("%s %s", i ? ";" : "   ", text);
    }
    printf("\n");
}

static void print_wide(const uint8_t *value, unsigned size)
{
    for (unsigned i = size; i-- > 0;)
        printf("%02x%s", value[i], i && i % 8 == 0 ? "_" : "");
}

/* The value an operand had before. */
static void print_operand(const struct diff_state *in, const ZydisDecodedInstruction *ins,
                          const ZydisDecodedOperand *o)
{
    if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) {
        ZydisRegister reg = o->reg.value;
        int id = ZydisRegisterGetId(reg);
        switch (ZydisRegisterGetClass(reg)) {
        case ZYDIS_REGCLASS_XMM:
            printf("  in %s = ", ZydisRegisterGetString(reg));
            print_wide(in->fx.xmm[id].u8, 16);
            break;
        case ZYDIS_REGCLASS_MMX:
            printf("  in %s = ", ZydisRegisterGetString(reg));
            print_wide(in->fx.st[((unsigned)id - (in->fx.fsw >> 11)) & 7], 10);
            break;
        case ZYDIS_REGCLASS_X87:
            printf("  in %s = ", ZydisRegisterGetString(reg));
            print_wide(in->fx.st[id], 10);
            break;
        case ZYDIS_REGCLASS_GPR8: case ZYDIS_REGCLASS_GPR16: case ZYDIS_REGCLASS_GPR32:
        case ZYDIS_REGCLASS_GPR64:
            reg = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
            id = ZydisRegisterGetId(reg);
            printf("  in %s = %016" PRIx64, gpr_names[id], in->gpr[id]);
            break;
        default:
            return;
        }
        printf("\n");
    } else if (o->type == ZYDIS_OPERAND_TYPE_MEMORY && o->mem.type == ZYDIS_MEMOP_TYPE_MEM) {
        uint64_t ea = (uint64_t)o->mem.disp.value;
        if (o->mem.base != ZYDIS_REGISTER_NONE)
            ea += in->gpr[ZydisRegisterGetId(o->mem.base)];
        if (o->mem.index != ZYDIS_REGISTER_NONE)
            ea += in->gpr[ZydisRegisterGetId(o->mem.index)] * o->mem.scale;
        if (ins->address_width == 32)
            ea = (uint32_t)ea;
        unsigned size = o->size / 8u;
        uint64_t at = ea - DIFF_MEMORY_AT;
        printf("  in memory %" PRIx64 " = ", ea);
        if (at < DIFF_MEMORY_SIZE && size <= 32 && size <= DIFF_MEMORY_SIZE - at)
            print_wide(in->memory + at, size);
        printf("\n");
    }
}

static void print_difference(const struct diff_case *test, const struct diff_state *a,
                             const struct diff_state *b)
{
    if (a->vector != b->vector || a->fault_at != b->fault_at)
        printf("  exception: host %d at +%u, ringfort %d at +%u\n", a->vector, a->fault_at, b->vector,
               b->fault_at);
    for (unsigned i = 0; i < 16; i++)
        if (i != RSP && a->gpr[i] != b->gpr[i])
            printf("  %s: host %016" PRIx64 ", ringfort %016" PRIx64 "\n", gpr_names[i], a->gpr[i],
                   b->gpr[i]);
    if ((a->flags ^ b->flags) & MASK_STATUS & ~test->ignore_flags)
        printf("  flags: host %03" PRIx64 ", ringfort %03" PRIx64 ", differ %03" PRIx64 "\n",
               a->flags & MASK_STATUS, b->flags & MASK_STATUS,
               (a->flags ^ b->flags) & MASK_STATUS & ~test->ignore_flags);
    if (a->fx.mxcsr != b->fx.mxcsr)
        printf("  mxcsr: host %04x, ringfort %04x\n", a->fx.mxcsr, b->fx.mxcsr);
    if (a->fx.fcw != b->fx.fcw || a->fx.fsw != b->fx.fsw || a->fx.ftw != b->fx.ftw)
        printf("  fcw fsw ftw: host %04x %04x %02x, ringfort %04x %04x %02x\n", a->fx.fcw, a->fx.fsw,
               a->fx.ftw, b->fx.fcw, b->fx.fsw, b->fx.ftw);
    for (unsigned i = 0; i < 24; i++) {
        const uint8_t *x = i < 8 ? a->fx.st[i] : a->fx.xmm[i - 8].u8;
        const uint8_t *y = i < 8 ? b->fx.st[i] : b->fx.xmm[i - 8].u8;
        if (!memcmp(x, y, 16))
            continue;
        printf("  %s%u: host ", i < 8 ? "st" : "xmm", i < 8 ? i : i - 8);
        print_wide(x, i < 8 ? 10 : 16);
        printf(", ringfort ");
        print_wide(y, i < 8 ? 10 : 16);
        printf("\n");
    }
    for (unsigned i = 0; i < DIFF_MEMORY_SIZE; i++)
        if (a->memory[i] != b->memory[i])
            printf("  memory %" PRIx64 ": host %02x, ringfort %02x\n", DIFF_MEMORY_AT + i, a->memory[i],
                   b->memory[i]);
}

static void print_mismatch(const struct diff_case *test, const struct decoded_case *decoded,
                           const struct diff_state *in, const struct diff_state *a,
                           const struct diff_state *b, uint64_t seed, unsigned index)
{
    printf("MISMATCH %s (seed %" PRIu64 ", input %u)\n", test->name ? test->name : "", seed, index);
    print_code(test, decoded);
    for (unsigned i = 0; i < decoded->count; i++)
        for (unsigned k = 0; k < decoded->ins[i].operand_count; k++)
            print_operand(in, &decoded->ins[i], &decoded->operand[i][k]);
    printf("  in flags %03" PRIx64 ", mxcsr %04x", in->flags, in->fx.mxcsr);
    if (test->options & (DIFF_X87 | DIFF_MMX))
        printf(", fcw fsw ftw %04x %04x %02x", in->fx.fcw, in->fx.fsw, in->fx.ftw);
    printf("\n");
    print_difference(test, a, b);
    fflush(stdout);
}

unsigned diff_run_random(const struct diff_case *test, uint64_t seed, unsigned count)
{
    static struct diff_state in, a, b;
    static struct decoded_case decoded;
    struct diff_rng rng = { seed };
    unsigned mismatches = 0;
    create();
    decode_case(test, &decoded);
    build_subject(test);
    guest_code(test);
    for (unsigned i = 0; i < count; i++) {
        random_state(&in, test, &rng);
        aim(&in, test, &decoded, &rng);
        if (test->prepare && !test->prepare(&in, &rng, test->user))
            continue;
        host_run(&in, &a);
        guest_run(&in, &b);
        diff_totals.runs++;
        if (equal(test, &a, &b))
            continue;
        if (!mismatches++ && !(test->options & DIFF_QUIET))
            print_mismatch(test, &decoded, &in, &a, &b, seed, i);
    }
    return mismatches;
}

#else

bool diff_available(void)
{
    return false;
}

void diff_run_host(const struct diff_case *test, const struct diff_state *in, struct diff_state *out)
{
    (void)test;
    *out = *in;
}

void diff_run_ringfort(const struct diff_case *test, const struct diff_state *in,
                       struct diff_state *out)
{
    (void)test;
    *out = *in;
}

unsigned diff_run_random(const struct diff_case *test, uint64_t seed, unsigned count)
{
    (void)test;
    (void)seed;
    (void)count;
    return 0;
}

#endif
