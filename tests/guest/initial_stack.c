/* What a new program finds on its stack: argc, argv, envp, the auxiliary vector, and their strings
 * in the order that the System V ABI and Linux give them. */
#include "guest.h"
#include <elf.h>
#include <sys/auxv.h>

int main(int argc, char **argv, char **envp)
{
    printf("argc %d at %s\n", argc, *(long *)(argv - 1) == argc ? "argv[-1]" : "elsewhere");
    printf("alignment %lu\n", (uintptr_t)(argv - 1) % 16);
    char *last = NULL;
    for (int i = 0; i < argc; i++) {
        printf("argv[%d] = %s %s\n", i, argv[i], !last || argv[i] == last + strlen(last) + 1 ? "follows" : "jumps");
        last = argv[i];
    }
    printf("argv end %d, envp %s\n", argv[argc] == NULL, envp == argv + argc + 1 ? "follows" : "elsewhere");
    char **e = envp;
    for (; *e; e++) {
        printf("env %s %s\n", *e, *e == last + strlen(last) + 1 ? "follows" : "jumps");
        last = *e;
    }
    const Elf64_auxv_t *aux = (const void *)(e + 1);
    const char *execfn = (const char *)getauxval(AT_EXECFN);
    printf("execfn %s %s\n", execfn, execfn == last + strlen(last) + 1 ? "follows" : "jumps");
    printf("above the name: %d\n", *(const uint64_t *)(((uintptr_t)execfn + strlen(execfn) + 1 + 7) & ~7ul) == 0);
    uintptr_t top = ((uintptr_t)execfn + strlen(execfn) + 1 + 8 + 4095) & ~4095ul;
    printf("top: %lu left\n", top - ((uintptr_t)execfn + strlen(execfn) + 1));
    for (; aux->a_type != AT_NULL; aux++) {
        switch (aux->a_type) {
        case AT_PAGESZ: case AT_CLKTCK: case AT_PHENT: case AT_PHNUM: case AT_SECURE: case AT_BASE:
        case AT_FLAGS:
            printf("aux %lu = %lu\n", aux->a_type, aux->a_un.a_val);
            break;
        case AT_PHDR: case AT_ENTRY: case AT_EXECFN:
            printf("aux %lu set %d\n", aux->a_type, aux->a_un.a_val != 0);
            break;
        case AT_PLATFORM:
            printf("platform %s\n", (const char *)aux->a_un.a_val);
            break;
        case AT_RANDOM:
            printf("random in place %d\n", aux->a_un.a_val > (uintptr_t)aux && aux->a_un.a_val < (uintptr_t)argv[0]);
            break;
        case AT_UID: case AT_EUID:
            printf("aux %lu ok %d\n", aux->a_type, aux->a_un.a_val == getuid());
            break;
        }
    }
    extern char _start[];
    const Elf64_Phdr *phdr = (const void *)getauxval(AT_PHDR);
    printf("entry %d, first header type %u\n", getauxval(AT_ENTRY) == (uintptr_t)_start, phdr->p_type);
    return 0;
}
