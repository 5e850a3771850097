/* Finding a program by its name in the guest's tree, before there is a process. */
#include "kernel/vfs/path.h"

#include <stdio.h>
#include <string.h>

static bool is_file(struct rf_kernel *k, const char *path)
{
    struct rf_dentry *found;
    if (rf_path_lookup(k, RF_AT_FDCWD, path, RF_WALK_FOLLOW, &found))
        return false;
    bool file = !rf_dentry_is_directory(found);
    rf_dentry_put(k, found);
    return file;
}

rf_status rf_vfs_find_program(struct rf_kernel *k, const char *name, const char *list, char *out, size_t size,
                              struct rf_error *err)
{
    char path[RF_PATH_MAX];
    bool has_slash = strchr(name, '/');
    for (const char *dir = has_slash ? "" : list; *dir || has_slash; dir += *dir == ':') {
        size_t length = strcspn(dir, ":");
        int written = snprintf(path, sizeof path, "%.*s%s%s", (int)length, dir, has_slash && *name == '/' ? "" : "/", name);
        if (written < (int)sizeof path && is_file(k, path)) {
            if ((size_t)written >= size)
                return rf_error_set(err, RF_ERR_ARGUMENT, "no room for the path %s", path);
            memcpy(out, path, (size_t)written + 1);
            return RF_OK;
        }
        if (has_slash)
            break;
        dir += length;
    }
    return rf_error_set(err, RF_ERR_NOT_FOUND, "%s: not found%s", name,
                        has_slash ? "" : " in the usual directories of the root; give its path");
}
