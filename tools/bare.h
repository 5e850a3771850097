/* `ringfort bare`: one multiboot image on one board. */
#ifndef RINGFORT_TOOLS_BARE_H
#define RINGFORT_TOOLS_BARE_H

#include "options.h"

/* The exit status of the command. */
int run_bare(const struct options *options);

#endif
