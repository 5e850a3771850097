/* stub */
#include "cpu/lower.h"
const struct rf_lower_table rf_lower_x87 = { NULL, 0 };
