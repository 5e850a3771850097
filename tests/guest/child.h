/* For test programs whose parts each change the process that runs them: every part has a child of its own. */
#ifndef GUEST_CHILD_H
#define GUEST_CHILD_H

#include "guest.h"

static inline void in_child(const char *name, void (*body)(void))
{
    int status;
    printf("--- %s\n", name);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        body();
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    show_status(name, status);
}

#endif
