/* The table of x86-64 system calls, built from abi/syscalls_x86_64.def. */
#include "abi/syscalls.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static_assert(RF_ARG_KIND_COUNT <= UINT8_MAX, "argument kinds fit their field");

#define IS_ARG(kind) (RF_ARG_##kind != RF_ARG_NONE)

static const struct rf_syscall_desc syscalls[RF_SYSCALL_COUNT] = {
#define RF_SYSCALL(nr, sysname, result, a0, a1, a2, a3, a4, a5)                                    \
    [nr] = {                                                                                       \
        .name = #sysname,                                                                          \
        .number = nr,                                                                              \
        .argc = IS_ARG(a0) + IS_ARG(a1) + IS_ARG(a2) + IS_ARG(a3) + IS_ARG(a4) + IS_ARG(a5),       \
        .ret = RF_RET_##result,                                                                    \
        .arg = {RF_ARG_##a0, RF_ARG_##a1, RF_ARG_##a2, RF_ARG_##a3, RF_ARG_##a4, RF_ARG_##a5},     \
    },
#include "abi/syscalls_x86_64.def"
#undef RF_SYSCALL
};

const struct rf_syscall_desc *rf_syscall_desc(unsigned number)
{
    if (number >= RF_SYSCALL_COUNT || !syscalls[number].name)
        return NULL;
    return &syscalls[number];
}

int rf_syscall_number(const char *name)
{
    for (unsigned i = 0; i < RF_SYSCALL_COUNT; i++)
        if (syscalls[i].name && strcmp(syscalls[i].name, name) == 0)
            return (int)i;
    return -1;
}
