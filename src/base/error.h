/* An error as a value: a status and one line of text. Filled where the failure
 * is seen, given context on the way up, read by rf_error_text(). */
#ifndef RF_BASE_ERROR_H
#define RF_BASE_ERROR_H

#include <ringfort/status.h>

struct rf_error {
    rf_status status;
    char text[1024];
};

/* Store status and a formatted line (cut at the buffer's end) and return status.
 * err may be NULL. */
rf_status rf_error_set(struct rf_error *err, rf_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "prefix: " in front of the stored line, keeping the status. */
void rf_error_prefix(struct rf_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
