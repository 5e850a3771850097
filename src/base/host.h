/* What the processor that Ringfort itself runs on can do. */
#ifndef RF_BASE_HOST_H
#define RF_BASE_HOST_H

#include "base/compiler.h"

enum {
    RF_HOST_AVX2 = 1, /* with FMA and F16C, and the host's kernel saves YMM registers */
    RF_HOST_AES = 2,
    RF_HOST_PCLMULQDQ = 4,
    RF_HOST_SHA = 8,
    RF_HOST_GFNI = 16,       /* the legacy form, and with RF_HOST_AVX2 the VEX forms */
    RF_HOST_VAES = 32,       /* of 256 bits; implies RF_HOST_AVX2 */
    RF_HOST_VPCLMULQDQ = 64, /* likewise */
};

/* The bits above. Slow (CPUID leaves a virtual machine): ask once and keep the answer. */
unsigned rf_host_features(void);

#endif
