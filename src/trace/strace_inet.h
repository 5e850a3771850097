/* Internal to the strace formatter: AF_INET's part of messages and ioctls. */
#ifndef RF_TRACE_STRACE_INET_H
#define RF_TRACE_STRACE_INET_H

#include "trace/strace_text.h"

/* cmsg_type and cmsg_data of one cmsg of SOL_IP. */
bool rf_st_ip_control(struct rf_st *st, int32_t type, uint64_t address, uint64_t size);
/* struct ifreq, as the ioctl of this number has left it. */
void rf_st_interface(struct rf_st *st, uint32_t number, uint64_t address);
/* A sockaddr of this many bytes (strace_net.c). */
void rf_st_sockaddr(struct rf_st *st, uint64_t address, int64_t length);

#endif
