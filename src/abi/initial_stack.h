/* The stack a new program starts with: strings, auxiliary vector, environment,
 * arguments and argc, placed as Linux places them (fs/exec.c, create_elf_tables()
 * in fs/binfmt_elf.c). A pure builder: the caller copies the bytes. */
#ifndef RF_ABI_INITIAL_STACK_H
#define RF_ABI_INITIAL_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rf_auxv_entry {
    uint64_t type;
    uint64_t value;
};

struct rf_stack_request {
    /* Strings. argv and envp need no terminating NULL pointer. */
    const char *const *argv;
    size_t argc;
    const char *const *envp;
    size_t envc;
    const char *filename; /* AT_EXECFN: the path execve was given */
    const char *platform; /* AT_PLATFORM; NULL means "x86_64" */

    uint64_t stack_top;  /* end of the stack mapping, 16-aligned */
    size_t string_limit; /* see rf_initial_stack_limit(); 0 means 2 MiB, that of an 8 MiB stack */
    /* Linux moves the strings' end down by a random amount below stack_top and the
     * pointers' start by 0..8191 more (randomize_stack_top, arch_align_stack); the
     * kernel does the first by choosing stack_top, and the second with this. */
    uint32_t align_offset; /* 0..8191 */

    uint8_t random[16]; /* AT_RANDOM bytes */

    /* The auxiliary vector's values. */
    uint64_t sysinfo_ehdr; /* address of the vDSO; 0: no AT_SYSINFO_EHDR */
    uint64_t minsigstksz;  /* 0: no AT_MINSIGSTKSZ */
    uint64_t hwcap;        /* CPUID.1:EDX */
    uint64_t hwcap2;
    uint64_t phdr;
    uint64_t phent;
    uint64_t phnum;
    uint64_t base; /* where the interpreter was loaded; 0 without one */
    uint64_t flags;
    uint64_t entry;
    uint32_t uid;
    uint32_t euid;
    uint32_t gid;
    uint32_t egid;
    bool secure;
    uint64_t rseq_feature_size; /* 0: no AT_RSEQ_FEATURE_SIZE, AT_RSEQ_ALIGN (Linux before 6.3) */
    uint64_t rseq_align;
};

struct rf_initial_stack {
    uint8_t *bytes;              /* malloc'd; to be copied to [rsp, rsp + size) */
    size_t size;                 /* rsp + size == stack_top */
    uint64_t rsp;                /* 16-aligned; argc lies here */
    uint64_t arg_start, arg_end; /* argument strings, NULs included */
    uint64_t env_start, env_end;
    uint64_t execfn;   /* address of the filename */
    uint64_t random;   /* address of the random bytes */
    uint64_t auxv;     /* address of the auxiliary vector */
    size_t auxv_count; /* entries, AT_NULL included */
};

/* Most bytes that execve(2) allows for the strings (filename, argv, envp) and the
 * argv and envp pointers together, given the soft RLIMIT_STACK. */
size_t rf_initial_stack_limit(uint64_t rlimit_stack);

/* Builds the stack. Returns 0, or the positive errno execve(2) gives: RF_E2BIG for
 * a string longer than RF_MAX_ARG_STRLEN or a total past the limit, RF_ENOMEM when
 * the host has no memory, RF_EINVAL for a request that no execve could make (NULL
 * filename, stack_top unaligned or too low, align_offset out of range).
 * An argc of 0 becomes one empty argument, as in Linux since 5.18. On failure
 * *stack is zero. */
int rf_initial_stack_build(const struct rf_stack_request *request, struct rf_initial_stack *stack);

/* Releases stack->bytes and zeroes *stack. */
void rf_initial_stack_free(struct rf_initial_stack *stack);

#endif
