/* Core files (core(5)): coredump.c writes them, core_notes.c makes what they say about threads. */
#ifndef RF_KERNEL_SIGNAL_COREDUMP_H
#define RF_KERNEL_SIGNAL_COREDUMP_H

#include "kernel/task/task.h"

/* The current process dies by a signal that dumps core. True if a file was made. */
bool rf_coredump(struct rf_kernel *k, const struct rf_siginfo *info);

/* --- core_notes.c --- */
/* Bytes in the kernel heap. */
struct rf_core_buffer {
    struct rf_kernel *k;
    uint8_t *bytes;
    size_t used, room;
    bool failed; /* no memory */
};
/* The contents of PT_NOTE, in the order in which Linux writes them. */
void rf_core_notes(struct rf_core_buffer *out, const struct rf_siginfo *info);

#endif
