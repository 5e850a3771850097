/* Why no machine, board or kit came of a create call: one line for each thread. */
#ifndef RF_MACHINE_CREATE_ERROR_H
#define RF_MACHINE_CREATE_ERROR_H

/* rf_create_error_text() tells it from now on; "" = none. */
void rf_set_create_error(const char *text);

#endif
