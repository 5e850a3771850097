/* Names and texts of the Linux error numbers. */
#include "abi/errno.h"

#include <stddef.h>

static const struct {
    const char *name;
    const char *text;
} errors[] = {[0] = {NULL, "Success"},
#define ERRNO_ROW(number, name, text) [number] = {#name, text},
              RF_ERRNO_LIST(ERRNO_ROW)
#undef ERRNO_ROW
};

enum { ERROR_COUNT = sizeof errors / sizeof errors[0] };

const char *rf_errno_name(int number)
{
    switch (number) {
    case RF_ERESTARTSYS:
        return "ERESTARTSYS";
    case RF_ERESTARTNOINTR:
        return "ERESTARTNOINTR";
    case RF_ERESTARTNOHAND:
        return "ERESTARTNOHAND";
    case RF_ENOIOCTLCMD:
        return "ENOIOCTLCMD";
    case RF_ERESTART_RESTARTBLOCK:
        return "ERESTART_RESTARTBLOCK";
    default:
        break;
    }
    if (number < 0 || number >= ERROR_COUNT)
        return NULL;
    return errors[number].name;
}

const char *rf_errno_text(int number)
{
    if (number < 0 || number >= ERROR_COUNT)
        return NULL;
    return errors[number].text;
}
