/* Finding PROGRAM (tools/program.h). */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST_PROGRAM ((off_t)1 << 31)

static bool exists(const char *path)
{
    struct stat st;
    return !lstat(path, &st) && !S_ISDIR(st.st_mode);
}

/* --- absolute paths, without following symbolic links: the guest sees the name as given --- */

static char *absolute(const char *path)
{
    char *joined, *cwd = NULL;
    if (*path == '/')
        joined = must_print("%s", path);
    else
        joined = must_print("%s/%s", (cwd = getcwd(NULL, 0)) ? cwd : "", path);
    free(cwd);
    /* Squeeze "//", "/./" and "/../". */
    char *out = joined;
    for (const char *at = joined; *at;) {
        size_t slashes = strspn(at, "/"), length = strcspn(at + slashes, "/");
        const char *name = at + slashes;
        at = name + length;
        if (!length || (length == 1 && name[0] == '.'))
            continue;
        if (length == 2 && name[0] == '.' && name[1] == '.') {
            while (out > joined && *--out != '/')
                ;
            continue;
        }
        *out++ = '/';
        memmove(out, name, length);
        out += length;
    }
    if (out == joined)
        *out++ = '/';
    *out = '\0';
    return joined;
}

/* What follows `base` in `path`: "" or "/..."; NULL when path is not at or below it. */
static const char *below(const char *path, const char *base)
{
    size_t length = strlen(base);
    if (length == 1 && *base == '/')
        return path;
    return !strncmp(path, base, length) && (!path[length] || path[length] == '/') ? path + length : NULL;
}

/* Does some mount show the host file `path`, or hold one under the guest path `path`? */
static char *seen_in_mount(const struct options *o, const char *path)
{
    char *guest = NULL;
    for (size_t i = o->mount_count; i-- && !guest;) {
        const struct mount_option *m = &o->mounts[i];
        if (m->image)
            continue;
        char *host = absolute(m->host), *point = absolute(m->guest);
        const char *rest = below(path, host);
        if (rest) {
            guest = must_print("%s%s", strcmp(point, "/") ? point : "", rest);
        } else if ((rest = below(path, point))) {
            char *source = must_print("%s%s", host, rest);
            if (exists(source))
                guest = must_print("%s", path);
            free(source);
        }
        free(host);
        free(point);
    }
    return guest;
}

/* The first program `name` in the directories of a PATH-like list; owned. */
static char *search(const char *list, const char *name)
{
    while (*list) {
        size_t length = strcspn(list, ":");
        char *path = must_print("%.*s/%s", length ? (int)length : 1, length ? list : ".", name);
        if (exists(path) && !access(path, X_OK))
            return path;
        free(path);
        list += length + (list[length] == ':');
    }
    return NULL;
}

static int not_found(const char *name, const char *where)
{
    complain("%s: not found%s", name, where);
    return EXIT_NOT_FOUND;
}

/* A name that a machine looks for in its tree once it has one. */
static int in_root(const struct options *o, struct program *out)
{
    bool relative = strchr(o->program, '/') && *o->program != '/';
    out->guest = relative ? must_print("%s/%s", o->cwd ? o->cwd : "", o->program) : must_print("%s", o->program);
    return 0;
}

static int read_all(int fd, struct program *out, const char *name)
{
    out->bytes = must_resize(NULL, out->size ? out->size : 1);
    for (size_t done = 0; done < out->size;) {
        ssize_t got = read(fd, (char *)out->bytes + done, out->size - done);
        if (got < 0) {
            complain("%s: cannot be read: %s", name, strerror(errno));
            return EXIT_FORMAT;
        }
        if (!got)
            out->size = done; /* it has shrunk */
        done += (size_t)got;
    }
    return 0;
}

static int load(struct program *out, const char *name)
{
    struct stat st;
    int fd = open(out->host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int error = errno;
        if (error == ENOENT || error == ENOTDIR)
            return not_found(name, "");
        complain("%s: cannot be opened: %s", name, strerror(error));
        return EXIT_FORMAT;
    }
    int status = 0;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        complain("%s: is %s, not a program", name, S_ISDIR(st.st_mode) ? "a directory" : "no regular file");
        status = EXIT_FORMAT;
    } else if (st.st_size > LARGEST_PROGRAM) {
        complain("%s: is larger than 2 GiB", name);
        status = EXIT_FORMAT;
    } else {
        out->size = (size_t)st.st_size;
        out->mode = st.st_mode & 0777;
        status = read_all(fd, out, name);
    }
    close(fd);
    return status;
}

int program_find(const struct options *o, struct program *out)
{
    memset(out, 0, sizeof *out);
    if (o->root)
        return in_root(o, out);
    if (strchr(o->program, '/'))
        out->host = absolute(o->program);
    else {
        const char *list = getenv("PATH");
        char *found = search(list ? list : "/usr/bin:/bin", o->program);
        if (!found)
            return not_found(o->program, " in PATH; give its path");
        out->host = absolute(found);
        free(found);
    }
    out->guest = seen_in_mount(o, out->host);
    if (out->guest) {
        free(out->host);
        out->host = NULL;
        return 0;
    }
    out->guest = must_print("%s", out->host);
    return load(out, o->program);
}

void program_free(struct program *p)
{
    free(p->host);
    free(p->guest);
    free(p->bytes);
}
