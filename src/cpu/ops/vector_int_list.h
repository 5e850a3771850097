/* Packed integer instructions that SSE (sse_int.c, sse_shuffle.c) and AVX (avx_int.c,
 * avx_shuffle.c) have alike, as X-macro lists of the legacy name and what its operation is called
 * in the intrinsics: add_epi8 is simde_mm_add_epi8 for 128 bits, simde_mm256_add_epi8 for 256. */
#ifndef RF_CPU_OPS_VECTOR_INT_LIST_H
#define RF_CPU_OPS_VECTOR_INT_LIST_H

/* Lane by lane: the low half of the result comes from the low halves of the operands. */
#define RF_INT_LANES(X)                                                          \
    X(PADDB, add_epi8) X(PADDW, add_epi16) X(PADDD, add_epi32)                   \
    X(PADDQ, add_epi64) X(PADDSB, adds_epi8) X(PADDSW, adds_epi16)               \
    X(PADDUSB, adds_epu8) X(PADDUSW, adds_epu16) X(PSUBB, sub_epi8)              \
    X(PSUBW, sub_epi16) X(PSUBD, sub_epi32) X(PSUBQ, sub_epi64)                  \
    X(PSUBSB, subs_epi8) X(PSUBSW, subs_epi16) X(PSUBUSB, subs_epu8)             \
    X(PSUBUSW, subs_epu16) X(PCMPEQB, cmpeq_epi8) X(PCMPEQW, cmpeq_epi16)        \
    X(PCMPEQD, cmpeq_epi32) X(PCMPGTB, cmpgt_epi8) X(PCMPGTW, cmpgt_epi16)       \
    X(PCMPGTD, cmpgt_epi32) X(PMAXSW, max_epi16) X(PMAXUB, max_epu8)             \
    X(PMINSW, min_epi16) X(PMINUB, min_epu8) X(PAVGB, avg_epu8)                  \
    X(PAVGW, avg_epu16) X(PMULLW, mullo_epi16) X(PMULHW, mulhi_epi16)            \
    X(PMULHUW, mulhi_epu16) X(PMULUDQ, mul_epu32) X(PMADDWD, madd_epi16)         \
    X(PMADDUBSW, maddubs_epi16) X(PMULHRSW, mulhrs_epi16) X(PSADBW, sad_epu8)    \
    X(PSIGNB, sign_epi8) X(PSIGNW, sign_epi16) X(PSIGND, sign_epi32)

/* The same of the whole register: named si128 and si256. */
#define RF_INT_LOGIC(X) X(PAND, and) X(PANDN, andnot) X(POR, or) X(PXOR, xor)

/* The same of one operand. */
#define RF_INT_UNARY(X) X(PABSB, abs_epi8) X(PABSW, abs_epi16) X(PABSD, abs_epi32)

/* Across neighbouring lanes. */
#define RF_INT_HORIZONTAL(X)                                            \
    X(PHADDW, hadd_epi16) X(PHADDD, hadd_epi32) X(PHADDSW, hadds_epi16) \
    X(PHSUBW, hsub_epi16) X(PHSUBD, hsub_epi32) X(PHSUBSW, hsubs_epi16)

/* Lane by lane, with no MMX form. */
#define RF_INT_NO_MMX(X)                                                \
    X(PCMPEQQ, cmpeq_epi64) X(PCMPGTQ, cmpgt_epi64) X(PMAXSB, max_epi8) \
    X(PMAXSD, max_epi32) X(PMAXUW, max_epu16) X(PMAXUD, max_epu32)      \
    X(PMINSB, min_epi8) X(PMINSD, min_epi32) X(PMINUW, min_epu16)       \
    X(PMINUD, min_epu32) X(PMULLD, mullo_epi32) X(PMULDQ, mul_epi32)

/* Counts are the low 64 bits of an operand: too large ones give zeros, or sign bits. */
#define RF_INT_SHIFTS(X)                                        \
    X(PSLLW, sll_epi16) X(PSLLD, sll_epi32) X(PSLLQ, sll_epi64) \
    X(PSRLW, srl_epi16) X(PSRLD, srl_epi32) X(PSRLQ, srl_epi64) \
    X(PSRAW, sra_epi16) X(PSRAD, sra_epi32)

/* Interleaving, narrowing and PSHUFB; what the MMX forms of the first list are made of is in
 * sse_shuffle.c (MMX_<name>). */
#define RF_SHUFFLE_MMX(X)                                                     \
    X(PUNPCKLBW, unpacklo_epi8) X(PUNPCKLWD, unpacklo_epi16)                  \
    X(PUNPCKLDQ, unpacklo_epi32) X(PUNPCKHBW, unpackhi_epi8)                  \
    X(PUNPCKHWD, unpackhi_epi16) X(PUNPCKHDQ, unpackhi_epi32)                 \
    X(PACKSSWB, packs_epi16) X(PACKSSDW, packs_epi32) X(PACKUSWB, packus_epi16) \
    X(PSHUFB, shuffle_epi8)
#define RF_SHUFFLE_NO_MMX(X)                                     \
    X(UNPCKLPS, unpacklo_epi32) X(UNPCKHPS, unpackhi_epi32)      \
    X(UNPCKLPD, unpacklo_epi64) X(UNPCKHPD, unpackhi_epi64)      \
    X(PUNPCKLQDQ, unpacklo_epi64) X(PUNPCKHQDQ, unpackhi_epi64)  \
    X(PACKUSDW, packus_epi32)

/* Name, bytes of the memory operand of the 128-bit form, bytes of the 256-bit one, operation */
#define RF_SHUFFLE_WIDEN(X)                                                   \
    X(PMOVSXBW, 8, 16, cvtepi8_epi16) X(PMOVSXBD, 4, 8, cvtepi8_epi32)        \
    X(PMOVSXBQ, 2, 4, cvtepi8_epi64) X(PMOVSXWD, 8, 16, cvtepi16_epi32)       \
    X(PMOVSXWQ, 4, 8, cvtepi16_epi64) X(PMOVSXDQ, 8, 16, cvtepi32_epi64)      \
    X(PMOVZXBW, 8, 16, cvtepu8_epi16) X(PMOVZXBD, 4, 8, cvtepu8_epi32)        \
    X(PMOVZXBQ, 2, 4, cvtepu8_epi64) X(PMOVZXWD, 8, 16, cvtepu16_epi32)       \
    X(PMOVZXWQ, 4, 8, cvtepu16_epi64) X(PMOVZXDQ, 8, 16, cvtepu32_epi64)

#endif
