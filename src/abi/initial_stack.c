/* Builds a new program's stack. From the top down, as in Linux's fs/exec.c
 * (bprm_stack_limits, copy_strings) and create_elf_tables():
 *   8 zero bytes, filename, environment strings, argument strings,
 *   padding to 16, platform string, 16 random bytes, padding,
 *   auxiliary vector, envp pointers, NULL, argv pointers, NULL, argc  <- rsp */
#include "abi/initial_stack.h"

#include <stdlib.h>
#include <string.h>

#include "abi/errno.h"
#include "abi/linux_flags.h"

enum {
    DEFAULT_LIMIT = 2 * 1024 * 1024,
    ARG_MAX_FLOOR = 128 * 1024,        /* ARG_MAX: always allowed */
    STRINGS_CEILING = 6 * 1024 * 1024, /* _STK_LIM / 4 * 3 */
    AUXV_MAX = 32,
    ALIGN_OFFSET_MAX = 8191,
};

size_t rf_initial_stack_limit(uint64_t rlimit_stack)
{
    uint64_t limit = rlimit_stack / 4;
    if (limit > STRINGS_CEILING)
        limit = STRINGS_CEILING;
    return limit < ARG_MAX_FLOOR ? ARG_MAX_FLOOR : (size_t)limit;
}

/* Lengths first, so that one allocation of the right size suffices. */
struct sizes {
    size_t filename, argv, envp; /* bytes of strings with their NULs */
    size_t argc;                 /* at least 1 */
};

/* Adds a string's bytes to *sum; false when a limit of execve(2) is passed. */
static bool add_string(const char *string, size_t room, size_t *used, size_t *sum)
{
    size_t length = strnlen(string, RF_MAX_ARG_STRLEN) + 1;
    if (length > RF_MAX_ARG_STRLEN || length > room - *used)
        return false;
    *used += length;
    *sum += length;
    return true;
}

static int measure(const struct rf_stack_request *request, struct sizes *sizes)
{
    size_t limit = request->string_limit ? request->string_limit : DEFAULT_LIMIT;
    sizes->argc = request->argc ? request->argc : 1;
    size_t most_pointers = limit / 8;
    if (sizes->argc > most_pointers || request->envc > most_pointers - sizes->argc)
        return RF_E2BIG;
    size_t pointers = (sizes->argc + request->envc) * 8;
    if (limit <= pointers)
        return RF_E2BIG;

    size_t room = limit - pointers;
    size_t used = 0;
    if (!add_string(request->filename, room, &used, &sizes->filename))
        return RF_E2BIG;
    for (size_t i = request->envc; i-- > 0;)
        if (!add_string(request->envp[i], room, &used, &sizes->envp))
            return RF_E2BIG;
    for (size_t i = request->argc; i-- > 0;)
        if (!add_string(request->argv[i], room, &used, &sizes->argv))
            return RF_E2BIG;
    if (request->argc == 0 && !add_string("", room, &used, &sizes->argv))
        return RF_E2BIG;
    return 0;
}

struct auxv {
    struct rf_auxv_entry entries[AUXV_MAX];
    size_t count;
};

static void add_auxv(struct auxv *auxv, uint64_t type, uint64_t value)
{
    auxv->entries[auxv->count++] = (struct rf_auxv_entry){type, value};
}

/* The order is create_elf_tables()'s; programs do not rely on it, tests compare it. */
static void fill_auxv(struct auxv *auxv, const struct rf_stack_request *request, uint64_t random,
                      uint64_t execfn, uint64_t platform)
{
    if (request->sysinfo_ehdr)
        add_auxv(auxv, RF_AT_SYSINFO_EHDR, request->sysinfo_ehdr);
    if (request->minsigstksz)
        add_auxv(auxv, RF_AT_MINSIGSTKSZ, request->minsigstksz);
    add_auxv(auxv, RF_AT_HWCAP, request->hwcap);
    add_auxv(auxv, RF_AT_PAGESZ, RF_ABI_PAGE_SIZE);
    add_auxv(auxv, RF_AT_CLKTCK, RF_USER_HZ);
    add_auxv(auxv, RF_AT_PHDR, request->phdr);
    add_auxv(auxv, RF_AT_PHENT, request->phent);
    add_auxv(auxv, RF_AT_PHNUM, request->phnum);
    add_auxv(auxv, RF_AT_BASE, request->base);
    add_auxv(auxv, RF_AT_FLAGS, request->flags);
    add_auxv(auxv, RF_AT_ENTRY, request->entry);
    add_auxv(auxv, RF_AT_UID, request->uid);
    add_auxv(auxv, RF_AT_EUID, request->euid);
    add_auxv(auxv, RF_AT_GID, request->gid);
    add_auxv(auxv, RF_AT_EGID, request->egid);
    add_auxv(auxv, RF_AT_SECURE, request->secure);
    add_auxv(auxv, RF_AT_RANDOM, random);
    add_auxv(auxv, RF_AT_HWCAP2, request->hwcap2);
    add_auxv(auxv, RF_AT_EXECFN, execfn);
    add_auxv(auxv, RF_AT_PLATFORM, platform);
    if (request->rseq_feature_size) {
        add_auxv(auxv, RF_AT_RSEQ_FEATURE_SIZE, request->rseq_feature_size);
        add_auxv(auxv, RF_AT_RSEQ_ALIGN, request->rseq_align);
    }
    add_auxv(auxv, RF_AT_NULL, 0);
}

/* Where the next 8-byte value of the table goes. */
struct writer {
    uint8_t *at;
};

static void put(struct writer *writer, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        *writer->at++ = (uint8_t)(value >> (8 * i));
}

/* Copies a string into the image and returns the address after its NUL. */
static uint64_t put_string(struct rf_initial_stack *stack, uint64_t address, const char *string)
{
    size_t length = strlen(string) + 1;
    memcpy(stack->bytes + (address - stack->rsp), string, length);
    return address + length;
}

int rf_initial_stack_build(const struct rf_stack_request *request, struct rf_initial_stack *stack)
{
    memset(stack, 0, sizeof *stack);
    if (!request->filename || request->stack_top % 16 || request->align_offset > ALIGN_OFFSET_MAX)
        return RF_EINVAL;
    struct sizes sizes = {0};
    int error = measure(request, &sizes);
    if (error)
        return error;

    const char *platform = request->platform ? request->platform : "x86_64";
    size_t platform_size = strlen(platform) + 1;
    struct auxv auxv = {.count = 0};

    /* Addresses, from the top down. The sums stay far below 2^63. */
    uint64_t top = request->stack_top;
    uint64_t needed = 8 + sizes.filename + sizes.envp + sizes.argv + ALIGN_OFFSET_MAX + 16 +
                      platform_size + 16 + sizeof auxv.entries +
                      (sizes.argc + request->envc + 3) * 8 + 16;
    if (platform_size > RF_ABI_PAGE_SIZE || top < needed)
        return RF_EINVAL;
    stack->execfn = top - 8 - sizes.filename;
    stack->env_end = stack->execfn;
    stack->env_start = stack->env_end - sizes.envp;
    stack->arg_end = stack->env_start;
    stack->arg_start = stack->arg_end - sizes.argv;
    uint64_t p = (stack->arg_start - request->align_offset) & ~UINT64_C(15);
    uint64_t platform_address = p - platform_size;
    stack->random = platform_address - 16;
    fill_auxv(&auxv, request, stack->random, stack->execfn, platform_address);

    size_t pointers = 1 + (sizes.argc + 1) + (request->envc + 1);
    /* STACK_ADD and STACK_ROUND count in unaligned 8-byte items, then round down. */
    stack->rsp = (stack->random - (auxv.count * 2 + pointers) * 8) & ~UINT64_C(15);
    stack->auxv = stack->rsp + pointers * 8;
    stack->auxv_count = auxv.count;
    stack->size = (size_t)(top - stack->rsp);
    stack->bytes = calloc(1, stack->size);
    if (!stack->bytes) {
        memset(stack, 0, sizeof *stack);
        return RF_ENOMEM;
    }

    struct writer writer = {stack->bytes};
    put(&writer, sizes.argc);
    uint64_t string = stack->arg_start;
    for (size_t i = 0; i < sizes.argc; i++) {
        put(&writer, string);
        string = put_string(stack, string, request->argc ? request->argv[i] : "");
    }
    put(&writer, 0);
    for (size_t i = 0; i < request->envc; i++) {
        put(&writer, string);
        string = put_string(stack, string, request->envp[i]);
    }
    put(&writer, 0);
    for (size_t i = 0; i < auxv.count; i++) {
        put(&writer, auxv.entries[i].type);
        put(&writer, auxv.entries[i].value);
    }
    put_string(stack, stack->execfn, request->filename);
    put_string(stack, platform_address, platform);
    memcpy(stack->bytes + (stack->random - stack->rsp), request->random, 16);
    return 0;
}

void rf_initial_stack_free(struct rf_initial_stack *stack)
{
    free(stack->bytes);
    memset(stack, 0, sizeof *stack);
}
