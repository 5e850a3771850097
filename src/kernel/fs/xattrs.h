/* Extended attributes kept in the kernel's heap, for file systems that live in memory. */
#ifndef RF_KERNEL_FS_XATTRS_H
#define RF_KERNEL_FS_XATTRS_H

#include "kernel/kernel.h"

struct rf_xattr; /* sorted by name; a list's head is NULL at first */

/* The contracts of rf_inode_ops.getxattr, listxattr and setxattr. */
int64_t rf_xattrs_get(const struct rf_xattr *list, const char *name, void *value, size_t size);
int64_t rf_xattrs_list(const struct rf_xattr *list, char *out, size_t size);
int64_t rf_xattrs_set(struct rf_kernel *k, struct rf_xattr **list, const char *name, const void *value, size_t size,
                      uint32_t flags);
/* Of a list of names, all that are not (shown: that are) below the prefix, into out as listxattr does: length or -RF_ERANGE. */
int64_t rf_xattrs_filter(const char *names, int64_t length, const char *prefix, bool shown, char *out, size_t size);
void rf_xattrs_free(struct rf_kernel *k, struct rf_xattr **list);

#endif
