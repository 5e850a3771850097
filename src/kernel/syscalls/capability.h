/* The prctl(2) options about capabilities (syscalls/capability.c). */
#ifndef RF_KERNEL_SYSCALLS_CAPABILITY_H
#define RF_KERNEL_SYSCALLS_CAPABILITY_H

#include "kernel/kernel.h"

/* a: as prctl's arguments. *known: is the option one of these? */
int64_t rf_capability_prctl(struct rf_kernel *k, const uint64_t a[6], bool *known);

#endif
