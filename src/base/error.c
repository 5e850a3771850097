/* Errors as values: formatting and status names. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const status_names[] = {
    [RF_OK] = "ok",
    [RF_ERR_ARGUMENT] = "argument",
    [RF_ERR_NO_MEMORY] = "no-memory",
    [RF_ERR_NOT_FOUND] = "not-found",
    [RF_ERR_PERMISSION] = "permission",
    [RF_ERR_FORMAT] = "format",
    [RF_ERR_UNSUPPORTED] = "unsupported",
    [RF_ERR_STATE] = "state",
    [RF_ERR_IO] = "io",
    [RF_ERR_FAULT] = "fault",
};

const char *rf_status_name(rf_status status)
{
    size_t count = sizeof status_names / sizeof status_names[0];
    if ((size_t)status >= count || !status_names[status])
        return "unknown";
    return status_names[status];
}

rf_status rf_error_set(struct rf_error *err, rf_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

void rf_error_prefix(struct rf_error *err, const char *format, ...)
{
    if (!err)
        return;
    char prefix[sizeof err->text];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    if (length < 0)
        return;
    size_t used = (size_t)length < sizeof prefix ? (size_t)length : sizeof prefix - 1;
    if (used > sizeof err->text - 3)
        used = sizeof err->text - 3;
    size_t rest = strlen(err->text);
    size_t room = sizeof err->text - 1 - used - 2;
    if (rest > room)
        rest = room;
    memmove(err->text + used + 2, err->text, rest);
    memcpy(err->text, prefix, used);
    memcpy(err->text + used, ": ", 2);
    err->text[used + 2 + rest] = '\0';
}
