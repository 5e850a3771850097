/* The "#!" line: the rules of load_script() in Linux's fs/binfmt_script.c (5.1 and
 * later). The buffer is looked at as Linux does: 256 bytes, zero-padded. */
#include "abi/script.h"

#include <string.h>

#include "abi/errno.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* First byte of [from, last], last included, that is no blank; NULL if all are. */
static const char *skip_blanks(const char *from, const char *last)
{
    for (; from <= last; from++)
        if (!is_blank(*from))
            return from;
    return NULL;
}

/* First blank or NUL of [from, last], last included; NULL if there is none. */
static const char *find_terminator(const char *from, const char *last)
{
    for (; from <= last; from++)
        if (is_blank(*from) || !*from)
            return from;
    return NULL;
}

static void copy_word(char *out, const char *from, const char *end)
{
    size_t length = (size_t)(end - from);
    memcpy(out, from, length);
    out[length] = '\0';
}

int rf_script_parse(const void *bytes, size_t size, struct rf_script *script)
{
    char buffer[RF_BINPRM_BUF_SIZE] = {0};
    memset(script, 0, sizeof *script);
    if (size)
        memcpy(buffer, bytes, size < sizeof buffer ? size : sizeof buffer);
    if (buffer[0] != '#' || buffer[1] != '!')
        return RF_ENOEXEC;

    const char *last = buffer + sizeof buffer - 1;
    const char *end = memchr(buffer, '\n', sizeof buffer);
    if (!end) {
        /* Without a newline, a blank or NUL must show that the path is whole. */
        const char *first = skip_blanks(buffer + 2, last);
        if (!first || !find_terminator(first, last))
            return RF_ENOEXEC;
        end = last;
    }
    while (is_blank(end[-1]))
        end--;

    const char *name = skip_blanks(buffer + 2, end);
    if (!name || name == end)
        return RF_ENOEXEC;
    const char *separator = find_terminator(name, end);
    const char *argument = NULL;
    if (separator && *separator)
        argument = skip_blanks(separator, end);

    /* Both words end at a NUL inside them, if there is one. */
    copy_word(script->interpreter, name, argument ? separator : end);
    if (argument) {
        copy_word(script->argument, argument, end);
        script->has_argument = true;
    }
    return 0;
}
