/* tools/file.h */
#include "file.h"

#include "options.h"

#include <errno.h>
#include <string.h>

/* All of a stream, or some bytes more than the most. */
static void read_stream(FILE *from, size_t most, struct file *out)
{
    size_t room = 0, got;
    do {
        if (room - out->size < 65536) {
            room = 2 * room + 65536;
            out->bytes = must_resize(out->bytes, room);
        }
        got = fread(out->bytes + out->size, 1, room - out->size, from);
        out->size += got;
    } while (got && out->size <= most);
}

bool file_read(const char *path, size_t most, struct file *out)
{
    *out = (struct file){ NULL, 0 };
    FILE *from = fopen(path, "rb");
    int failure = from ? 0 : errno;
    if (from) {
        errno = 0;
        read_stream(from, most, out);
        failure = ferror(from) ? errno : 0;
        fclose(from);
    }
    if (failure)
        complain("%s: %s", path, strerror(failure));
    else if (out->size > most)
        complain("%s: larger than %zu MiB", path, most >> 20);
    return !failure && out->size <= most;
}
