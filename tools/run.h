/* `ringfort run`: one program in one machine. */
#ifndef RINGFORT_TOOLS_RUN_H
#define RINGFORT_TOOLS_RUN_H

#include "options.h"

/* The exit status of the command. */
int run(const struct options *options);

#endif
