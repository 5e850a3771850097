/* stub */
#include "cpu/lower.h"
const struct rf_lower_table rf_lower_mmx = { NULL, 0 };
