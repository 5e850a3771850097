/* What a decoded instruction asks of the CPU: the features of its model, and the parts of the
 * processor that CR0, CR4 and XCR0 can switch off. */
#ifndef RF_CPU_ISA_H
#define RF_CPU_ISA_H

#include "cpu/model.h"

#include <Zydis/Zydis.h>

/* No model has it. */
#define RF_ISA_NEVER UINT64_MAX

/* The features that must all be there, 0 for an instruction of every model. `bits`: of the
 * code, as in rf_cpu.code_bits. */
rf_feature_set rf_isa_features(const ZydisDecodedInstruction *ins, unsigned bits);

/* The unit whose availability rules apply (SDM 3A, table 2-2 and 13.1). FWAIT has rules of its
 * own. Instructions of the SSE extensions that work on MMX registers alone are of the MMX unit:
 * CR4.OSFXSR is not asked (SDM 3B, 24.25.3). */
enum rf_isa_unit {
    RF_ISA_INTEGER, RF_ISA_X87, RF_ISA_WAIT, RF_ISA_MMX, RF_ISA_SSE, RF_ISA_AVX
};
enum rf_isa_unit rf_isa_unit(const ZydisDecodedInstruction *ins);

/* Make the decoder read prefixes and encodings as a CPU with these features does: F3 0F BD is
 * LZCNT or BSR, the encodings of MPX and CET are NOPs. */
void rf_isa_set_decoder(ZydisDecoder *decoder, rf_feature_set features);

#endif
