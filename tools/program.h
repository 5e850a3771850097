/* Which file PROGRAM means, and where the guest sees it. */
#ifndef RINGFORT_TOOLS_PROGRAM_H
#define RINGFORT_TOOLS_PROGRAM_H

#include "options.h"

struct program {
    char *host;       /* file to copy into the guest; NULL: a mount or the root shows it */
    char *guest;      /* its path in the guest */
    void *bytes;      /* contents of host */
    size_t size;
    uint32_t mode;    /* permission bits of host */
};

/* 0, or the exit status, after a complaint. Release with program_free either way. */
int program_find(const struct options *options, struct program *out);
void program_free(struct program *program);

#endif
