/* Status values: what every fallible Ringfort call returns.
 *
 * A call that fails leaves its outputs unchanged unless its own comment says
 * otherwise, and leaves one line of explanation: for rf_create_error_text() if it creates
 * something, else for the error text of its object. */
#ifndef RINGFORT_STATUS_H
#define RINGFORT_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rf_status {
    RF_OK = 0,
    RF_ERR_ARGUMENT,    /* a parameter is NULL, out of range or contradicts another */
    RF_ERR_NO_MEMORY,   /* the host, or the machine's configured limit, has no memory left */
    RF_ERR_NOT_FOUND,   /* a named file, symbol or object does not exist */
    RF_ERR_PERMISSION,  /* the host refused, or a file is not executable */
    RF_ERR_FORMAT,      /* a file is damaged or not of the expected format */
    RF_ERR_UNSUPPORTED, /* well formed, but outside what this build implements */
    RF_ERR_STATE,       /* the call is not allowed in the object's present state */
    RF_ERR_IO,          /* the host reported an input/output error */
    RF_ERR_FAULT,       /* a guest address is not mapped or not accessible */
} rf_status;

/* Returns a constant, one-word English name of a status ("argument",
 * "no-memory", ...); "unknown" for a value that is not one. Never NULL. */
const char *rf_status_name(rf_status status);

/* Why the last rf_..._create of this thread failed: rf_machine_create, rf_board_create, rf_bare_create
 * or rf_kit_create; "" if it did not. One line, never NULL, valid until this thread's next create
 * call. */
const char *rf_create_error_text(void);

#ifdef __cplusplus
}
#endif
#endif
