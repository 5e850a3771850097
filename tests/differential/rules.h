/* What is special about comparing an instruction with the host. */
#ifndef TESTS_DIFFERENTIAL_RULES_H
#define TESTS_DIFFERENTIAL_RULES_H

#include "diff_prepare.h"
#include "forms.h"

struct rule {
    uint32_t ignore_flags; /* undefined, and different from CPU to CPU: `why` says how */
    uint16_t ignore_fsw;
    unsigned options;      /* of diff_case, beside those of the unit */
    diff_prepare *prepare;
    /* Bytes of memory that CPUs fill differently: make them equal in both outcomes. */
    void (*forgive)(const struct diff_state *in, struct diff_state *host,
                    struct diff_state *ringfort, void *user);
    const char *why;
    const char *elsewhere; /* it cannot be compared with the host: why */
    const char *tested_by; /* and which test programs have it, with spaces between */
};

/* The rule of a form; all zero if nothing is special. */
struct rule rule_of(const struct form *form);

#endif
