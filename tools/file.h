/* Whole files of the host, for commands that take one. */
#ifndef RINGFORT_TOOLS_FILE_H
#define RINGFORT_TOOLS_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct file {
    char *bytes; /* owned: free */
    size_t size;
};

/* Any readable file, pipes included, of at most `most` bytes. False after a complaint; out->bytes is to be freed
 * either way. */
bool file_read(const char *path, size_t most, struct file *out);

#endif
