/* Between user memory and messages: what the system calls use, beside what families do (socket.h). */
#ifndef RF_KERNEL_NET_MESSAGE_H
#define RF_KERNEL_NET_MESSAGE_H

#include "kernel/net/socket.h"

/* sendmsg's control data into control->raw: -RF_ENOBUFS, -RF_EFAULT. */
int64_t rf_control_from_user(struct rf_kernel *k, struct rf_control *control, uint64_t user, uint64_t size);
/* What was received: the bytes that were used of the size at user (0: nowhere), and RF_MSG_CTRUNC. Files become
 * descriptors; the references stay the caller's. */
uint64_t rf_control_to_user(struct rf_kernel *k, struct rf_socket *s, struct rf_message *message, uint64_t user,
                            uint64_t size);

#endif
