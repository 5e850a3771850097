/* `ringfort explain`: page walks told level by level. */
#ifndef RINGFORT_TOOLS_EXPLAIN_H
#define RINGFORT_TOOLS_EXPLAIN_H

#include "options.h"

/* The exit status of the command. */
int explain(const struct options *options);

#endif
