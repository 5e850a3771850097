/* Which build of the VEX-encoded families this host can run (ops/avx.h). */
#include "base/host.h"
#include "cpu/ops/avx.h"

#define PORTABLE(family) &rf_lower_avx_##family##_portable,
static const struct rf_lower_table *const portable[] = { RF_AVX_FAMILIES(PORTABLE) NULL };

const struct rf_lower_table *const *rf_avx_families(unsigned host)
{
#if RF_HOST_X86
#define NATIVE(family) &rf_lower_avx_##family##_native,
    static const struct rf_lower_table *const native[] = { RF_AVX_FAMILIES(NATIVE) NULL };
    if (host & RF_HOST_AVX2)
        return native;
#else
    (void)host;
#endif
    return portable;
}
