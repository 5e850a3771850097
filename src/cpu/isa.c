/* Instructions and the features they belong to (isa.h), from Zydis' instruction sets. */
#include "cpu/isa.h"

#define SET(name) (UINT64_C(1) << RF_FEATURE_##name)

static rf_feature_set of_isa_set(ZydisISASet set)
{
    switch (set) {
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSE3X87: return SET(SSE3);
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX: return SET(SSSE3);
    case ZYDIS_ISA_SET_SSE4: return SET(SSE41);
    case ZYDIS_ISA_SET_SSE42: return SET(SSE42);
    case ZYDIS_ISA_SET_POPCNT: return SET(POPCNT);
    case ZYDIS_ISA_SET_CMPXCHG16B: return SET(CX16);
    case ZYDIS_ISA_SET_AES: return SET(AES);
    case ZYDIS_ISA_SET_PCLMULQDQ: return SET(PCLMULQDQ);
    case ZYDIS_ISA_SET_XSAVE: return SET(XSAVE);
    case ZYDIS_ISA_SET_XSAVEOPT: return SET(XSAVE) | SET(XSAVEOPT);
    case ZYDIS_ISA_SET_XSAVEC: return SET(XSAVE) | SET(XSAVEC);
    case ZYDIS_ISA_SET_AVX: return SET(AVX);
    case ZYDIS_ISA_SET_AVX2:
    case ZYDIS_ISA_SET_AVX2GATHER: return SET(AVX) | SET(AVX2);
    case ZYDIS_ISA_SET_AVXAES: return SET(AVX) | SET(AES);
    case ZYDIS_ISA_SET_VAES: return SET(AVX) | SET(VAES);
    case ZYDIS_ISA_SET_VPCLMULQDQ: return SET(AVX) | SET(VPCLMULQDQ);
    case ZYDIS_ISA_SET_F16C: return SET(AVX) | SET(F16C);
    case ZYDIS_ISA_SET_FMA: return SET(AVX) | SET(FMA);
    case ZYDIS_ISA_SET_GFNI: return SET(GFNI);
    case ZYDIS_ISA_SET_AVX_GFNI: return SET(AVX) | SET(GFNI);
    case ZYDIS_ISA_SET_SHA: return SET(SHA);
    case ZYDIS_ISA_SET_BMI1: return SET(BMI1);
    case ZYDIS_ISA_SET_BMI2: return SET(BMI2);
    case ZYDIS_ISA_SET_LZCNT: return SET(LZCNT);
    case ZYDIS_ISA_SET_MOVBE: return SET(MOVBE);
    case ZYDIS_ISA_SET_ADOX_ADCX: return SET(ADX);
    case ZYDIS_ISA_SET_RDRAND: return SET(RDRAND);
    case ZYDIS_ISA_SET_RDSEED: return SET(RDSEED);
    case ZYDIS_ISA_SET_RDPID: return SET(RDPID);
    case ZYDIS_ISA_SET_PKU: return SET(PKU);
    case ZYDIS_ISA_SET_CET: return SET(SHSTK); /* ENDBRANCH, too, is a NOP for older models */
    case ZYDIS_ISA_SET_CLFLUSHOPT: return SET(CLFLUSHOPT);
    case ZYDIS_ISA_SET_CLWB: return SET(CLWB);

    case ZYDIS_ISA_SET_AMD:
    case ZYDIS_ISA_SET_CLFSH:
    case ZYDIS_ISA_SET_CMOV:
    case ZYDIS_ISA_SET_FAT_NOP:
    case ZYDIS_ISA_SET_FCMOV:
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_FXSAVE64:
    case ZYDIS_ISA_SET_I186:
    case ZYDIS_ISA_SET_I286PROTECTED:
    case ZYDIS_ISA_SET_I286REAL:
    case ZYDIS_ISA_SET_I386:
    case ZYDIS_ISA_SET_I486:
    case ZYDIS_ISA_SET_I486REAL:
    case ZYDIS_ISA_SET_I86:
    case ZYDIS_ISA_SET_INVPCID:
    case ZYDIS_ISA_SET_LAHF: /* asked for in 64-bit mode only: below */
    case ZYDIS_ISA_SET_LONGMODE:
    case ZYDIS_ISA_SET_MONITOR: /* IA32_MISC_ENABLE is asked when they run */
    case ZYDIS_ISA_SET_PAUSE:
    case ZYDIS_ISA_SET_PENTIUMMMX:
    case ZYDIS_ISA_SET_PENTIUMREAL:
    case ZYDIS_ISA_SET_PPRO:
    case ZYDIS_ISA_SET_PREFETCHWT1: /* 0F 0D /r: a NOP where it does nothing */
    case ZYDIS_ISA_SET_PREFETCH_NOP:
    case ZYDIS_ISA_SET_RDPMC:
    case ZYDIS_ISA_SET_RDTSCP:
    case ZYDIS_ISA_SET_RDWRFSGS:
    case ZYDIS_ISA_SET_SMAP:
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX:
    case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_SSE_PREFETCH:
    case ZYDIS_ISA_SET_X87: return 0;
    default: return RF_ISA_NEVER;
    }
}

rf_feature_set rf_isa_features(const ZydisDecodedInstruction *ins, unsigned bits)
{
    switch (ins->mnemonic) {
    case ZYDIS_MNEMONIC_VPCLMULQDQ: /* Zydis counts the 128-bit form as plain AVX */
        if (ins->meta.isa_set == ZYDIS_ISA_SET_AVX)
            return SET(AVX) | SET(PCLMULQDQ);
        break;
    case ZYDIS_MNEMONIC_LAHF:
    case ZYDIS_MNEMONIC_SAHF: return bits == 64 ? SET(LAHF64) : 0;
    case ZYDIS_MNEMONIC_VMCALL: return 0; /* the host door; there is no VMX beside it */
    case ZYDIS_MNEMONIC_PREFETCH: /* 3DNow!'s, which every x86-64 CPU takes for a NOP */
    case ZYDIS_MNEMONIC_PREFETCHW: return 0;
    default: break;
    }
    return of_isa_set(ins->meta.isa_set);
}

static bool is_sse(const ZydisDecodedInstruction *ins)
{
    switch (ins->meta.isa_ext) {
    case ZYDIS_ISA_EXT_SSE:
    case ZYDIS_ISA_EXT_SSE2:
    case ZYDIS_ISA_EXT_SSE3:
    case ZYDIS_ISA_EXT_SSSE3:
    case ZYDIS_ISA_EXT_SSE4:
    case ZYDIS_ISA_EXT_AES:
    case ZYDIS_ISA_EXT_PCLMULQDQ:
    case ZYDIS_ISA_EXT_SHA:
    case ZYDIS_ISA_EXT_GFNI: break;
    default: return false;
    }
    switch (ins->mnemonic) {
    case ZYDIS_MNEMONIC_FXSAVE: /* have rules of their own: ops/fpu_state.c */
    case ZYDIS_MNEMONIC_FXSAVE64:
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64:
    case ZYDIS_MNEMONIC_CRC32:
    case ZYDIS_MNEMONIC_MOVNTI:
    case ZYDIS_MNEMONIC_LFENCE:
    case ZYDIS_MNEMONIC_SFENCE:
    case ZYDIS_MNEMONIC_MFENCE:
    case ZYDIS_MNEMONIC_PAUSE:
    case ZYDIS_MNEMONIC_POPCNT: return false;
    default: return ins->meta.category != ZYDIS_CATEGORY_PREFETCH;
    }
}

enum rf_isa_unit rf_isa_unit(const ZydisDecodedInstruction *ins)
{
    switch (ins->meta.isa_ext) {
    case ZYDIS_ISA_EXT_AVX:
    case ZYDIS_ISA_EXT_AVX2:
    case ZYDIS_ISA_EXT_AVX2GATHER:
    case ZYDIS_ISA_EXT_AVXAES:
    case ZYDIS_ISA_EXT_VAES:
    case ZYDIS_ISA_EXT_VPCLMULQDQ:
    case ZYDIS_ISA_EXT_F16C:
    case ZYDIS_ISA_EXT_FMA: return RF_ISA_AVX;
    case ZYDIS_ISA_EXT_X87:
        return ins->mnemonic == ZYDIS_MNEMONIC_FWAIT ? RF_ISA_WAIT : RF_ISA_X87;
    case ZYDIS_ISA_EXT_MMX: return RF_ISA_MMX;
    default: break;
    }
    if (!is_sse(ins))
        return RF_ISA_INTEGER;
    if (ins->mnemonic == ZYDIS_MNEMONIC_FISTTP)
        return RF_ISA_X87;
    if (ins->meta.category == ZYDIS_CATEGORY_MMX)
        return RF_ISA_MMX;
    return ins->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ? RF_ISA_AVX : RF_ISA_SSE;
}

void rf_isa_set_decoder(ZydisDecoder *decoder, rf_feature_set features)
{
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_MPX, false);
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_CET, rf_has(features, RF_FEATURE_SHSTK));
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_CLDEMOTE, false);
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_WBNOINVD, false);
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_LZCNT,
                           rf_has(features, RF_FEATURE_LZCNT));
    ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_TZCNT, rf_has(features, RF_FEATURE_BMI1));
}
