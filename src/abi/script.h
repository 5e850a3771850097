/* The "#!" line of a script, by the rules of Linux's fs/binfmt_script.c. */
#ifndef RF_ABI_SCRIPT_H
#define RF_ABI_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum {
    RF_BINPRM_BUF_SIZE = 256, /* how much of a file execve(2) looks at */
    RF_SCRIPT_MAX_DEPTH = 5,  /* interpreters that are scripts; one more is ELOOP */
};

struct rf_script {
    char interpreter[RF_BINPRM_BUF_SIZE];
    char argument[RF_BINPRM_BUF_SIZE]; /* the one optional argument, blanks inside kept */
    bool has_argument;
};

/* Parses the first bytes of a file (only the first RF_BINPRM_BUF_SIZE matter).
 * Returns 0 and fills *script, or the errno of execve(2): RF_ENOEXEC when this is
 * no script, names no interpreter, or its interpreter path is cut off at the
 * buffer's end. A cut-off argument is accepted, as Linux does. A file of just "#!"
 * gives an empty interpreter, which Linux then refuses with EACCES. */
int rf_script_parse(const void *bytes, size_t size, struct rf_script *script);

#endif
