/* Numbers of /proc/self/status. */
#ifndef GUEST_STATUS_LINE_H
#define GUEST_STATUS_LINE_H

#include "guest.h"

/* The value of a line, -1 if there is none. */
static inline long status_line(const char *name)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long value = -1;
    while (fgets(line, sizeof line, status))
        if (!strncmp(line, name, strlen(name)))
            value = strtol(line + strlen(name) + 1, NULL, 10);
    fclose(status);
    return value;
}

#endif
