/* Waiting until another process has come to rest: for guest programs that compare what happens to one that sleeps. */
#ifndef SETTLE_H
#define SETTLE_H

#include "guest.h"

/* The letter of /proc/PID/stat; '?': there is no such process. */
static inline char state_of(pid_t pid)
{
    char name[40], text[400], *at;
    snprintf(name, sizeof name, "/proc/%d/stat", pid);
    int fd = open(name, O_RDONLY);
    if (fd < 0)
        return '?';
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return '?';
    text[got] = '\0';
    at = strrchr(text, ')');
    return at ? at[2] : '?';
}

static inline void wait_for_state(pid_t pid, char state)
{
    while (state_of(pid) != state)
        usleep(1000);
}

/* It sleeps, and has for some time, or it has ended. */
static inline void settle(pid_t pid)
{
    for (int calm = 0; calm < 3;) {
        usleep(1500);
        char state = state_of(pid);
        if (state == 'Z' || state == '?')
            return;
        calm = state == 'S' ? calm + 1 : 0;
    }
}

#endif
