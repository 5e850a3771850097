/* Numbers and names in expectations: "user_stack-0x28", "P|W|U", "IF|2" (ringfort/testkit.h). */
#include "testkit/kit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint64_t value;
} names[] = {
    { "user", RF_KIT_USER_TEXT }, { "kernel", RF_KIT_KERNEL_TEXT }, { "user_stack", RF_KIT_USER_STACK },
    { "user_data", RF_KIT_USER_DATA }, { "kernel_stack", RF_KIT_KERNEL_STACK }, { "rsp0", RF_KIT_RSP0 },
    { "ist1", RF_KIT_IST1 }, { "absent", RF_KIT_ABSENT }, { "read_only", RF_KIT_READ_ONLY },
    { "no_execute", RF_KIT_NO_EXECUTE }, { "supervisor_page", RF_KIT_SUPERVISOR },
    { "handlers", RF_KIT_HANDLERS }, { "syscall", RF_KIT_SYSCALL }, { "noncanonical", UINT64_C(1) << 47 },
    { "user_cs", RF_KIT_USER_CS }, { "user_ss", RF_KIT_USER_SS }, { "user_cs32", RF_KIT_USER_CS32 },
    { "kernel_cs", RF_KIT_KERNEL_CS }, { "kernel_ss", RF_KIT_KERNEL_SS },
    { "kernel_ssp", RF_KIT_KERNEL_SSP }, { "pl0_ssp", RF_KIT_PL0_SSP }, { "ist1_ssp", RF_KIT_IST1_SSP },
    { "user_ssp", RF_KIT_USER_SSP },
    { "NEAR_RET", 1 }, { "FAR_RET", 2 }, { "ENDBRANCH", 3 }, { "RSTORSSP", 4 }, { "SETSSBSY", 5 }, /* SDM 3A, 6.15 */
    { "P", 0x1 }, { "W", 0x2 }, { "U", 0x4 }, { "RSVD", 0x8 }, { "I", 0x10 }, { "PK", 0x20 }, { "SS", 0x40 },
    { "CF", 0x1 }, { "PF", 0x4 }, { "AF", 0x10 }, { "ZF", 0x40 }, { "SF", 0x80 }, { "TF", 0x100 },
    { "IF", 0x200 }, { "DF", 0x400 }, { "OF", 0x800 }, { "NT", 0x4000 }, { "RF", 0x10000 }, { "AC", 0x40000 },
};

/* A number, or a name of letters, digits and underscores; *text is moved past it. */
static bool term(const char **text, uint64_t *out)
{
    const char *at = *text;
    if (isdigit((unsigned char)*at)) {
        char *end;
        errno = 0;
        *out = strtoull(at, &end, 0);
        *text = end;
        return !errno;
    }
    size_t length = 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '_')
        length++;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) == length && !strncmp(names[i].name, at, length)) {
            *out = names[i].value;
            *text = at + length;
            return true;
        }
    }
    return false;
}

bool kit_value(const char *text, uint64_t *out)
{
    uint64_t total, next;
    if (!term(&text, &total))
        return false;
    while (*text) {
        char joint = *text++;
        if (!term(&text, &next))
            return false;
        if (joint == '+')
            total += next;
        else if (joint == '-')
            total -= next;
        else if (joint == '|')
            total |= next;
        else
            return false;
    }
    *out = total;
    return true;
}
