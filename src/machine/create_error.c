/* machine/create_error.h */
#include "machine/create_error.h"

#include <ringfort/status.h>
#include <stdio.h>

static _Thread_local char create_error[512];

const char *rf_create_error_text(void)
{
    return create_error;
}

void rf_set_create_error(const char *text)
{
    snprintf(create_error, sizeof create_error, "%s", text);
}
