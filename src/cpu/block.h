/* The block cache: decoded blocks by physical address and mode, and their undoing when
 * the bytes they were made from change. */
#ifndef RF_CPU_BLOCK_H
#define RF_CPU_BLOCK_H

#include "cpu/op.h"

#define RF_BLOCK_MAX_INSTRUCTIONS 48

struct rf_block {
    uint64_t pa;            /* of the first byte */
    uint64_t second_pa;     /* page of the rest, for one instruction across a page end; else 0 */
    uint32_t mode;          /* see rf_block_mode */
    uint32_t bytes;
    struct rf_block *next;  /* in the hash chain */
    struct rf_block *next_in_page, *next_in_second;
    struct rf_op *ops;
};

/* Block mode: everything besides the bytes that decoding depends on. The low byte is
 * cpu->code_bits. */
#define RF_MODE_BITS 0xffu
#define RF_MODE_STEP 0x100u        /* RFLAGS.TF: one instruction a block */
#define RF_MODE_NO_SSE 0x200u      /* CR0.EM, or CR4.OSFXSR clear: #UD */
#define RF_MODE_NO_X87 0x400u      /* CR0.EM: x87 instructions are #NM */
#define RF_MODE_TASK_SWITCHED 0x800u /* CR0.TS: #NM */
#define RF_MODE_UNMASKED 0x1000u   /* MXCSR unmasks an exception: check after each operation */
#define RF_MODE_NO_AVX 0x2000u     /* CR4.OSXSAVE clear, or XCR0 without SSE and AVX: #UD */
#define RF_MODE_NO_XSAVE 0x4000u   /* CR4.OSXSAVE clear: #UD */
#define RF_MODE_SEGMENTED 0x8000u  /* outside 64-bit mode, when not all of CS.limit, DS, ES and SS
                                      are flat: limits and types are checked */
#define RF_MODE_WAIT 0x10000u      /* CR0.MP and TS: FWAIT too is #NM */
#define RF_MODE_DEBUG 0x20000u     /* DR7 enables a breakpoint: one instruction a block */
#define RF_MODE_REAL 0x40000u      /* real-address mode: VEX encodings are #UD */
#define RF_MODE_SHADOW_STACK 0x80000u /* CET: near calls and returns use the shadow stack too */
#define RF_MODE_TRACKING 0x100000u /* CET: indirect branches must come to an ENDBRANCH */
#define RF_MODE_SINGLE 0x200000u  /* cpu->single: one instruction a block */
#define RF_MODE_SHADOW 0x80000000u /* one instruction a block: an interrupt waits for its end */

RF_INLINE uint32_t rf_block_mode(const struct rf_cpu *cpu)
{
    return cpu->block_mode;
}

rf_status rf_block_cache_create(struct rf_cpu *cpu, struct rf_error *err);
void rf_block_cache_destroy(struct rf_cpu *cpu);

/* The block at r[RF_REG_IP], made if need be. NULL: the fetch was refused, cpu->fault is
 * set. Never NULL for another reason. */
struct rf_block *rf_block_find(struct rf_cpu *cpu);

/* Forget every block made from any of these physical bytes. */
void rf_block_invalidate(struct rf_cpu *cpu, uint64_t pa, uint64_t size);
/* The CPU's features changed: decode by them from now on, and forget all blocks. */
void rf_block_features_changed(struct rf_cpu *cpu);
/* Use only these features of the host (RF_HOST_*), instead of all it has: for tests of what
 * stands for the missing ones. */
void rf_block_use_host(struct rf_cpu *cpu, unsigned host);
/* Forget all blocks. */
void rf_block_flush(struct rf_cpu *cpu);

/* A number that changes when rf_block_flush has emptied the storage. */
uint64_t rf_block_epoch(const struct rf_cpu *cpu);

/* Space for a block of `slots` ops; flushes everything when the cache is full. */
struct rf_block *rf_block_allocate(struct rf_cpu *cpu, unsigned slots);

/* Decoder (decode.c): make the block that starts at `bytes`. `available` bytes are left in
 * its page; `readable` bytes may be looked at. When readable == available the block ends
 * at the page end at the latest, and NULL is returned if already its first instruction
 * runs over it. Else exactly one instruction is decoded, and NULL means that it needs
 * bytes past `readable` (the next page was refused). */
struct rf_decoder;
struct rf_decoder *rf_decoder_create(struct rf_error *err);
void rf_decoder_destroy(struct rf_decoder *decoder);
void rf_decoder_use_host(struct rf_decoder *decoder, unsigned host);
void rf_decoder_set_features(struct rf_decoder *decoder, rf_feature_set features);
struct rf_block *rf_decode_block(struct rf_cpu *cpu, struct rf_decoder *decoder,
                                 const uint8_t *bytes, size_t available, size_t readable);

#endif
