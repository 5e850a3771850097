/* `ringfort run`, and running one program in one machine for other commands. */
#ifndef RINGFORT_TOOLS_RUN_H
#define RINGFORT_TOOLS_RUN_H

#include "options.h"

#include <ringfort/machine.h>

/* The exit status of `ringfort run`. */
int run(const struct options *options);

/* Make a machine, run the program in it until it stops, and give the exit status that `done` does. `config`: what
 * the options do not say. */
typedef int run_done(rf_machine *machine, const struct options *options, rf_stop_reason reason);
int run_machine(const struct options *options, rf_machine_config config, run_done *done);

#endif
