/* Classic BPF programs of seccomp filters: the checks at installation, and running them (bpf.c). */
#ifndef RF_KERNEL_SECCOMP_BPF_H
#define RF_KERNEL_SECCOMP_BPF_H

#include "abi/linux_seccomp.h"
#include "base/compiler.h"

/* Whether Linux would accept the program. masks: `length` words of scratch memory. */
bool rf_bpf_check(const struct rf_sock_filter *code, uint32_t length, uint16_t *masks);
/* The length Linux counts: of the program that it translates this one into. */
uint32_t rf_bpf_translated_length(const struct rf_sock_filter *code, uint32_t length);
/* What a checked program returns; adds the instructions that ran to *steps. */
uint32_t rf_bpf_run(const struct rf_sock_filter *code, const struct rf_seccomp_data *data, uint64_t *steps);

#endif
