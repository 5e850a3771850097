/* The kernel's beginning and end, for the machine that owns it. */
#ifndef RF_KERNEL_START_H
#define RF_KERNEL_START_H

#include "kernel/kernel.h"

/* Boot a kernel on a CPU and RAM just made. On failure everything is released. */
rf_status rf_kernel_create(struct rf_kernel *k, struct rf_cpu *cpu, struct rf_ram *ram,
                           const struct rf_kernel_config *config, struct rf_error *err);
void rf_kernel_destroy(struct rf_kernel *k);
/* For tests, right before rf_kernel_destroy: release everything, and tell how many heap objects and page
 * frames are left. 0, or something has leaked. */
size_t rf_kernel_leaks(struct rf_kernel *k);

struct rf_start_request {
    const char *path; /* in the guest */
    char **argv, **envp;
    const char *cwd;
    uint32_t uid, gid;
};
/* Load the first process and leave the CPU ready to run it. */
rf_status rf_kernel_start(struct rf_kernel *k, const struct rf_start_request *request,
                          struct rf_error *err);

/* Bytes of the current address space without any effect on it: pages not yet there are
 * read from where they would come. False if an address is not mapped. */
bool rf_peek_user(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, void *out, size_t size);

#endif
