/* The text of --stats. */
#ifndef RINGFORT_TOOLS_STATS_H
#define RINGFORT_TOOLS_STATS_H

#include <ringfort/machine.h>
#include <stdio.h>

void print_stats(FILE *to, const rf_machine *machine);

#endif
