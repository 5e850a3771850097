/* A new, empty working directory for a guest program: below the directory it is given, or below
 * /tmp; removed again with all that is in it. */
#ifndef GUEST_DIRECTORY_H
#define GUEST_DIRECTORY_H

#include "guest.h"

#include <ftw.h>
#include <limits.h>

static char directory_path[PATH_MAX];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void directory_leave(void)
{
    if (chdir("/") || nftw(directory_path, remove_one, 16, FTW_DEPTH | FTW_PHYS))
        perror(directory_path);
}

static void directory_enter(int argc, char **argv)
{
    snprintf(directory_path, sizeof directory_path, "%s/guestXXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (!mkdtemp(directory_path) || chdir(directory_path)) {
        perror(directory_path);
        exit(1);
    }
    umask(022);
}

#endif
