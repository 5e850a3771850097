/* Classic BPF for seccomp: what bpf_check_classic (net/core/filter.c) and seccomp_check_filter
 * (kernel/seccomp.c) let pass, and an interpreter of it. */
#include "kernel/seccomp/bpf.h"

#include <string.h>

/* What an instruction is to the checker. */
enum kind { REFUSED, PLAIN, LOAD_DATA, LOAD_CELL, STORE_CELL, DIVIDE, SHIFT, JUMP, BRANCH, RETURN };

#define ALU(op) [RF_BPF_ALU | (op) | RF_BPF_K] = PLAIN, [RF_BPF_ALU | (op) | RF_BPF_X] = PLAIN
#define JMP(op) [RF_BPF_JMP | (op) | RF_BPF_K] = BRANCH, [RF_BPF_JMP | (op) | RF_BPF_X] = BRANCH
/* seccomp_check_filter's list: of the socket filters' instructions, those without packets, and no MOD. */
static const uint8_t kinds[256] = {
    [RF_BPF_LD | RF_BPF_W | RF_BPF_ABS] = LOAD_DATA,
    [RF_BPF_LD | RF_BPF_W | RF_BPF_LEN] = PLAIN,
    [RF_BPF_LDX | RF_BPF_W | RF_BPF_LEN] = PLAIN,
    [RF_BPF_LD | RF_BPF_IMM] = PLAIN,
    [RF_BPF_LDX | RF_BPF_IMM] = PLAIN,
    [RF_BPF_LD | RF_BPF_MEM] = LOAD_CELL,
    [RF_BPF_LDX | RF_BPF_MEM] = LOAD_CELL,
    [RF_BPF_ST] = STORE_CELL,
    [RF_BPF_STX] = STORE_CELL,
    ALU(RF_BPF_ADD), ALU(RF_BPF_SUB), ALU(RF_BPF_MUL), ALU(RF_BPF_OR), ALU(RF_BPF_AND), ALU(RF_BPF_XOR),
    [RF_BPF_ALU | RF_BPF_DIV | RF_BPF_K] = DIVIDE,
    [RF_BPF_ALU | RF_BPF_DIV | RF_BPF_X] = PLAIN,
    [RF_BPF_ALU | RF_BPF_LSH | RF_BPF_K] = SHIFT,
    [RF_BPF_ALU | RF_BPF_LSH | RF_BPF_X] = PLAIN,
    [RF_BPF_ALU | RF_BPF_RSH | RF_BPF_K] = SHIFT,
    [RF_BPF_ALU | RF_BPF_RSH | RF_BPF_X] = PLAIN,
    [RF_BPF_ALU | RF_BPF_NEG] = PLAIN,
    [RF_BPF_JMP | RF_BPF_JA] = JUMP,
    JMP(RF_BPF_JEQ), JMP(RF_BPF_JGT), JMP(RF_BPF_JGE), JMP(RF_BPF_JSET),
    [RF_BPF_RET | RF_BPF_K] = RETURN,
    [RF_BPF_RET | RF_BPF_A] = RETURN,
    [RF_BPF_MISC | RF_BPF_TAX] = PLAIN,
    [RF_BPF_MISC | RF_BPF_TXA] = PLAIN,
};

static enum kind kind_of(const struct rf_sock_filter *insn)
{
    return insn->code < RF_ARRAY_SIZE(kinds) ? (enum kind)kinds[insn->code] : REFUSED;
}

static bool operands_good(const struct rf_sock_filter *insn, uint32_t left)
{
    switch (kind_of(insn)) {
    case REFUSED: return false;
    case LOAD_DATA: return insn->k < sizeof(struct rf_seccomp_data) && insn->k % 4 == 0;
    case LOAD_CELL:
    case STORE_CELL: return insn->k < RF_BPF_MEMWORDS;
    case DIVIDE: return insn->k != 0;
    case SHIFT: return insn->k < 32;
    case JUMP: return insn->k < left;
    case BRANCH: return insn->jt < left && insn->jf < left;
    default: return true;
    }
}

/* No way through the program reads a cell that it has not written (check_load_and_stores). */
static bool cells_written(const struct rf_sock_filter *code, uint32_t length, uint16_t *masks)
{
    uint16_t written = 0; /* a bit for each cell, on every way to here */
    memset(masks, 0xff, length * sizeof *masks);
    for (uint32_t at = 0; at < length; at++) {
        const struct rf_sock_filter *insn = &code[at];
        written &= masks[at];
        switch (kind_of(insn)) {
        case STORE_CELL: written |= (uint16_t)(1u << insn->k); break;
        case LOAD_CELL:
            if (!(written & 1u << insn->k))
                return false;
            break;
        case JUMP:
            masks[at + 1 + insn->k] &= written;
            written = UINT16_MAX;
            break;
        case BRANCH:
            masks[at + 1 + insn->jt] &= written;
            masks[at + 1 + insn->jf] &= written;
            written = UINT16_MAX;
            break;
        default: break;
        }
    }
    return true;
}

bool rf_bpf_check(const struct rf_sock_filter *code, uint32_t length, uint16_t *masks)
{
    for (uint32_t at = 0; at < length; at++)
        if (!operands_good(&code[at], length - at - 1))
            return false;
    return kind_of(&code[length - 1]) == RETURN && cells_written(code, length, masks);
}

/* Instructions that bpf_convert_filter (net/core/filter.c) makes of one. */
static uint32_t translated(const struct rf_sock_filter *insn)
{
    uint32_t compare = 1;
    switch (insn->code) {
    case RF_BPF_ALU | RF_BPF_DIV | RF_BPF_X: return 5; /* a test for zero around it */
    case RF_BPF_RET | RF_BPF_K: return 2;
    default: break;
    }
    if (kind_of(insn) != BRANCH)
        return 1;
    if (!(insn->code & RF_BPF_X) && insn->k > INT32_MAX)
        compare++; /* a constant that sign extension would change */
    bool can_be_negated = (insn->code & 0xf0) != RF_BPF_JSET;
    return insn->jf == 0 || (insn->jt == 0 && can_be_negated) ? compare : compare + 1;
}

uint32_t rf_bpf_translated_length(const struct rf_sock_filter *code, uint32_t length)
{
    uint32_t total = 3; /* A and X are cleared, the context kept */
    for (uint32_t at = 0; at < length; at++)
        total += translated(&code[at]);
    return total;
}

/* --- running --- */

static uint32_t calculate(uint16_t operation, uint32_t a, uint32_t b)
{
    switch (operation) {
    case RF_BPF_ADD: return a + b;
    case RF_BPF_SUB: return a - b;
    case RF_BPF_MUL: return a * b;
    case RF_BPF_DIV: return a / b;
    case RF_BPF_OR: return a | b;
    case RF_BPF_AND: return a & b;
    case RF_BPF_LSH: return a << (b & 31);
    case RF_BPF_RSH: return a >> (b & 31);
    case RF_BPF_XOR: return a ^ b;
    default: return 0 - a; /* NEG */
    }
}

static bool holds(uint16_t operation, uint32_t a, uint32_t b)
{
    switch (operation) {
    case RF_BPF_JEQ: return a == b;
    case RF_BPF_JGT: return a > b;
    case RF_BPF_JGE: return a >= b;
    default: return a & b; /* JSET */
    }
}

uint32_t rf_bpf_run(const struct rf_sock_filter *code, const struct rf_seccomp_data *data, uint64_t *steps)
{
    uint32_t a = 0, x = 0, cells[RF_BPF_MEMWORDS] = { 0 };
    for (const struct rf_sock_filter *insn = code;; insn++) {
        uint32_t operand = insn->code & RF_BPF_X ? x : insn->k;
        ++*steps;
        switch (insn->code) {
        case RF_BPF_RET | RF_BPF_K: return insn->k;
        case RF_BPF_RET | RF_BPF_A: return a;
        case RF_BPF_LD | RF_BPF_W | RF_BPF_ABS: memcpy(&a, (const uint8_t *)data + insn->k, sizeof a); break;
        case RF_BPF_LD | RF_BPF_W | RF_BPF_LEN: a = sizeof *data; break;
        case RF_BPF_LDX | RF_BPF_W | RF_BPF_LEN: x = sizeof *data; break;
        case RF_BPF_LD | RF_BPF_IMM: a = insn->k; break;
        case RF_BPF_LDX | RF_BPF_IMM: x = insn->k; break;
        case RF_BPF_LD | RF_BPF_MEM: a = cells[insn->k]; break;
        case RF_BPF_LDX | RF_BPF_MEM: x = cells[insn->k]; break;
        case RF_BPF_ST: cells[insn->k] = a; break;
        case RF_BPF_STX: cells[insn->k] = x; break;
        case RF_BPF_MISC | RF_BPF_TAX: x = a; break;
        case RF_BPF_MISC | RF_BPF_TXA: a = x; break;
        case RF_BPF_JMP | RF_BPF_JA: insn += insn->k; break;
        case RF_BPF_ALU | RF_BPF_DIV | RF_BPF_X:
            if (!x)
                return 0;
            a /= x;
            break;
        default:
            if ((insn->code & 7) == RF_BPF_ALU)
                a = calculate(insn->code & 0xf0, a, operand);
            else
                insn += holds(insn->code & 0xf0, a, operand) ? insn->jt : insn->jf;
            break;
        }
    }
}
