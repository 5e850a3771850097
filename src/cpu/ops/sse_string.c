/* stub */
#include "cpu/lower.h"
const struct rf_lower_table rf_lower_sse_string = { NULL, 0 };
