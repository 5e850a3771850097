/* The entry text: real x86-64 code, made at boot by the Zydis encoder.
 *
 * SYSCALL entry, exception and interrupt entries, the exit paths and the table's stubs.
 * Structure after Linux's arch/x86/entry/entry_64.S: swapgs, stack switch, pt_regs push,
 * bounds check, indirect call through the table, exit work, SYSRET or IRET. Emitted twice:
 * the first pass finds the labels, the second uses them. */
#include "kernel/boot/boot.h"

#include <Zydis/Zydis.h>
#include <string.h>

struct emitter {
    uint8_t *out;
    size_t size, used;
    bool failed;
    struct rf_entry_labels *labels;
    /* labels that stay inside the text */
    uint64_t syscall_exit, unknown_number, slow_exit, user_return, return_common, kernel_return;
};

static uint64_t here(const struct emitter *e)
{
    return RF_KERNEL_TEXT + e->used;
}

static void put(struct emitter *e, ZydisEncoderRequest *request)
{
    ZyanUSize length = e->size - e->used;
    ZyanStatus status =
        ZydisEncoderEncodeInstructionAbsolute(request, e->out + e->used, &length, here(e));
    if (ZYAN_FAILED(status)) {
        e->failed = true;
        return;
    }
    e->used += length;
}

static ZydisEncoderRequest request(ZydisMnemonic mnemonic, unsigned operands)
{
    ZydisEncoderRequest r;
    memset(&r, 0, sizeof r);
    r.machine_mode = ZYDIS_MACHINE_MODE_LONG_64;
    r.mnemonic = mnemonic;
    r.operand_count = (ZyanU8)operands;
    return r;
}

static ZydisEncoderOperand reg(ZydisRegister value)
{
    ZydisEncoderOperand o;
    memset(&o, 0, sizeof o);
    o.type = ZYDIS_OPERAND_TYPE_REGISTER;
    o.reg.value = value;
    return o;
}

static ZydisEncoderOperand imm(int64_t value)
{
    ZydisEncoderOperand o;
    memset(&o, 0, sizeof o);
    o.type = ZYDIS_OPERAND_TYPE_IMMEDIATE;
    o.imm.s = value;
    return o;
}

static ZydisEncoderOperand mem(ZydisRegister base, int64_t displacement, unsigned bytes)
{
    ZydisEncoderOperand o;
    memset(&o, 0, sizeof o);
    o.type = ZYDIS_OPERAND_TYPE_MEMORY;
    o.mem.base = base;
    o.mem.displacement = displacement;
    o.mem.size = (ZyanU16)bytes;
    return o;
}

static void ins0(struct emitter *e, ZydisMnemonic m)
{
    ZydisEncoderRequest r = request(m, 0);
    put(e, &r);
}

static void ins1(struct emitter *e, ZydisMnemonic m, ZydisEncoderOperand a)
{
    ZydisEncoderRequest r = request(m, 1);
    r.operands[0] = a;
    put(e, &r);
}

static void ins2(struct emitter *e, ZydisMnemonic m, ZydisEncoderOperand a, ZydisEncoderOperand b)
{
    ZydisEncoderRequest r = request(m, 2);
    r.operands[0] = a;
    r.operands[1] = b;
    put(e, &r);
}

/* One operand in the per-CPU area. */
static void gs2(struct emitter *e, ZydisMnemonic m, ZydisEncoderOperand a, ZydisEncoderOperand b)
{
    ZydisEncoderRequest r = request(m, 2);
    r.prefixes = ZYDIS_ATTRIB_HAS_SEGMENT_GS;
    r.operands[0] = a;
    r.operands[1] = b;
    put(e, &r);
}

/* A branch to an absolute address, always with a 32-bit displacement so that both passes
 * have the same length. */
static void branch(struct emitter *e, ZydisMnemonic m, uint64_t target)
{
    ZydisEncoderRequest r = request(m, 1);
    r.branch_width = ZYDIS_BRANCH_WIDTH_32;
    r.operands[0] = imm((int64_t)(target ? target : RF_KERNEL_TEXT));
    put(e, &r);
}

#define R(name) reg(ZYDIS_REGISTER_##name)
#define I(name) ZYDIS_MNEMONIC_##name
#define PT(member) ((int64_t)offsetof(struct rf_pt_regs, member))
#define PERCPU(member) mem(ZYDIS_REGISTER_NONE, (int64_t)offsetof(struct rf_percpu, member), 8)

/* pt_regs from rdi down to r15; rax_slot is what the rax slot gets. */
static void push_registers(struct emitter *e, bool syscall)
{
    static const ZydisRegister first[] = { ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDX,
                                           ZYDIS_REGISTER_RCX };
    static const ZydisRegister rest[] = { ZYDIS_REGISTER_R8,  ZYDIS_REGISTER_R9,  ZYDIS_REGISTER_R10,
                                          ZYDIS_REGISTER_R11, ZYDIS_REGISTER_RBX, ZYDIS_REGISTER_RBP,
                                          ZYDIS_REGISTER_R12, ZYDIS_REGISTER_R13, ZYDIS_REGISTER_R14,
                                          ZYDIS_REGISTER_R15 };
    for (size_t i = 0; i < RF_ARRAY_SIZE(first); i++)
        ins1(e, I(PUSH), reg(first[i]));
    if (syscall)
        ins1(e, I(PUSH), imm(-RF_ENOSYS)); /* the result unless a handler gives one */
    else
        ins1(e, I(PUSH), R(RAX));
    for (size_t i = 0; i < RF_ARRAY_SIZE(rest); i++)
        ins1(e, I(PUSH), reg(rest[i]));
}

static void pop_registers(struct emitter *e)
{
    static const ZydisRegister order[] = {
        ZYDIS_REGISTER_R15, ZYDIS_REGISTER_R14, ZYDIS_REGISTER_R13, ZYDIS_REGISTER_R12,
        ZYDIS_REGISTER_RBP, ZYDIS_REGISTER_RBX, ZYDIS_REGISTER_R11, ZYDIS_REGISTER_R10,
        ZYDIS_REGISTER_R9,  ZYDIS_REGISTER_R8,  ZYDIS_REGISTER_RAX, ZYDIS_REGISTER_RCX,
        ZYDIS_REGISTER_RDX, ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDI
    };
    for (size_t i = 0; i < RF_ARRAY_SIZE(order); i++)
        ins1(e, I(POP), reg(order[i]));
}

static void emit_syscall_entry(struct emitter *e)
{
    e->labels->syscall = here(e);
    ins0(e, I(SWAPGS));
    gs2(e, I(MOV), PERCPU(user_rsp), R(RSP));
    gs2(e, I(MOV), R(RSP), PERCPU(kernel_rsp));
    ins1(e, I(PUSH), imm(RF_USER_SS));
    ZydisEncoderRequest user_rsp = request(I(PUSH), 1);
    user_rsp.prefixes = ZYDIS_ATTRIB_HAS_SEGMENT_GS;
    user_rsp.operands[0] = PERCPU(user_rsp);
    put(e, &user_rsp);
    ins1(e, I(PUSH), R(R11));
    ins1(e, I(PUSH), imm(RF_USER_CS));
    ins1(e, I(PUSH), R(RCX));
    ins1(e, I(PUSH), R(RAX));
    push_registers(e, true);
    ins0(e, I(STI)); /* the rest of the way, interrupts find a kernel stack and are let in */
    ins2(e, I(MOVSXD), R(RAX), R(EAX)); /* the number is an int */
    ins2(e, I(CMP), R(RAX), imm(RF_SYSCALL_COUNT));
    branch(e, I(JNB), e->unknown_number);
    ZydisEncoderOperand entry = mem(ZYDIS_REGISTER_NONE, (int64_t)RF_KERNEL_TABLE, 8);
    entry.mem.index = ZYDIS_REGISTER_RAX;
    entry.mem.scale = 8;
    ins1(e, I(CALL), entry);
    ins2(e, I(MOV), mem(ZYDIS_REGISTER_RSP, PT(rax), 8), R(RAX));

    e->syscall_exit = here(e);
    ins0(e, I(CLI)); /* no work may come between the look at it and the return */
    gs2(e, I(CMP), PERCPU(exit_work), imm(0));
    branch(e, I(JNZ), e->slow_exit);
    /* fast: RCX and R11 slots hold the user's RIP and RFLAGS */
    pop_registers(e);
    ins2(e, I(MOV), R(RSP), mem(ZYDIS_REGISTER_RSP, PT(rsp) - PT(orig_rax), 8));
    ins0(e, I(SWAPGS));
    ZydisEncoderRequest sysret = request(I(SYSRET), 0);
    sysret.operand_size_hint = ZYDIS_OPERAND_SIZE_HINT_64;
    put(e, &sysret);

    e->unknown_number = here(e);
    branch(e, I(CALL), e->labels->stubs + 16 * RF_SYSCALL_COUNT);
    ins2(e, I(MOV), mem(ZYDIS_REGISTER_RSP, PT(rax), 8), R(RAX));
    branch(e, I(JMP), e->syscall_exit);

    e->labels->return_from_fork = here(e);
    branch(e, I(JMP), e->syscall_exit);

    /* SYSCALL from 32-bit code: no such entry is offered */
    e->labels->syscall_ignored = here(e);
    ins2(e, I(MOV), R(EAX), imm(-RF_ENOSYS));
    ZydisEncoderRequest sysretl = request(I(SYSRET), 0);
    put(e, &sysretl);
}

static void emit_exits(struct emitter *e)
{
    e->slow_exit = here(e);
    e->labels->work_door = here(e);
    ins0(e, I(VMCALL));
    e->user_return = here(e);
    pop_registers(e);
    ins2(e, I(ADD), R(RSP), imm(8));
    ins0(e, I(SWAPGS));
    ins0(e, I(IRETQ));

    e->return_common = here(e);
    ins0(e, I(CLI));
    ins2(e, I(TEST), mem(ZYDIS_REGISTER_RSP, PT(cs), 1), imm(3));
    branch(e, I(JZ), e->kernel_return);
    gs2(e, I(CMP), PERCPU(exit_work), imm(0));
    branch(e, I(JNZ), e->slow_exit);
    branch(e, I(JMP), e->user_return);
    e->kernel_return = here(e);
    pop_registers(e);
    ins2(e, I(ADD), R(RSP), imm(8));
    ins0(e, I(IRETQ));
}

static bool pushes_error_code(unsigned vector)
{
    return vector == RF_DF || (vector >= RF_TS && vector <= RF_PF) || vector == RF_AC || vector == RF_CP;
}

/* Interrupts stay out while one is handled, and of what has a stack of its own (NMI, #DF, #MC). */
static bool lets_interrupts_in(unsigned vector)
{
    return vector < 32 && vector != RF_NMI && vector != RF_DF && vector != RF_MC;
}

static void emit_exception(struct emitter *e, unsigned vector)
{
    while (e->used % 16 && e->used < e->size)
        e->out[e->used++] = 0xcc;
    e->labels->exception[vector] = here(e);
    if (!pushes_error_code(vector))
        ins1(e, I(PUSH), imm(0));
    push_registers(e, false);
    ins2(e, I(TEST), mem(ZYDIS_REGISTER_RSP, PT(cs), 1), imm(3));
    /* over the 3-byte SWAPGS, and STI, when the kernel itself was interrupted */
    bool lets_in = lets_interrupts_in(vector);
    ZydisEncoderRequest skip = request(I(JZ), 1);
    skip.branch_width = ZYDIS_BRANCH_WIDTH_8;
    skip.operands[0] = imm((int64_t)(here(e) + 2 + 3 + lets_in));
    put(e, &skip);
    ins0(e, I(SWAPGS));
    if (lets_in)
        ins0(e, I(STI));
    e->labels->exception_door[vector] = here(e);
    ins0(e, I(VMCALL));
    branch(e, I(JMP), e->return_common);
}

static void emit_stubs(struct emitter *e)
{
    while (e->used % 16 && e->used < e->size)
        e->out[e->used++] = 0xcc;
    e->labels->stubs = here(e);
    for (unsigned n = 0; n <= RF_SYSCALL_COUNT; n++) {
        size_t start = e->used;
        ins0(e, I(VMCALL));
        ins0(e, I(RET));
        while (e->used < start + 16 && e->used < e->size)
            e->out[e->used++] = 0xcc;
    }
}

static void emit_all(struct emitter *e)
{
    e->used = 0;
    emit_syscall_entry(e);
    emit_exits(e);
    for (unsigned vector = 0; vector < 32; vector++)
        if (vector != 9 && vector != 15 && (vector < 22 || vector == 29))
            emit_exception(e, vector);
    emit_exception(e, RF_TIMER_VECTOR);
    emit_stubs(e);
    e->labels->end = here(e);
}

size_t rf_entry_emit(uint8_t *out, size_t size, struct rf_entry_labels *labels, struct rf_error *err)
{
    struct emitter e = { .out = out, .size = size, .labels = labels };
    memset(labels, 0, sizeof *labels);
    emit_all(&e);
    size_t first = e.used;
    emit_all(&e);
    if (e.failed || e.used != first) {
        rf_error_set(err, RF_ERR_STATE, "the kernel entry text could not be encoded");
        return 0;
    }
    return e.used;
}
