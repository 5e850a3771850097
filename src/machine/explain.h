/* What the machines' explainers share (ringfort/explain.h). */
#ifndef RF_MACHINE_EXPLAIN_H
#define RF_MACHINE_EXPLAIN_H

#include "mmu/mmu.h"

#include <ringfort/explain.h>

/* RF_ERR_ARGUMENT if access or by is none of its enum. */
rf_status rf_explain_mmu(const struct rf_mmu *mmu, uint64_t address, rf_access_kind access,
                         rf_access_by by, rf_explanation *out);

/* The rule that allows the access of a walk that is ok, in words with its section. */
void rf_explain_allowed(const struct rf_mmu *mmu, const rf_explanation *e, char *out, size_t size);

#endif
