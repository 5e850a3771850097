/* A directory's entries as they were when reading began, for drivers that cannot keep a place in the directory itself. */
#ifndef RF_KERNEL_FS_LISTING_H
#define RF_KERNEL_FS_LISTING_H

#include "kernel/vfs/inode.h"

struct rf_listing_entry {
    uint64_t ino;
    uint8_t type; /* RF_DT_* */
    char name[];  /* NUL-terminated */
};
struct rf_listing {
    uint32_t count, room;
    struct rf_listing_entry **entries;
};

struct rf_listing *rf_listing_new(struct rf_kernel *k); /* NULL: no memory */
void rf_listing_free(struct rf_kernel *k, struct rf_listing *listing); /* NULL is allowed */
bool rf_listing_add(struct rf_kernel *k, struct rf_listing *listing, const char *name, uint64_t ino, uint8_t type);
void rf_listing_sort(struct rf_listing *listing); /* by name */
/* In a sorted listing; NULL: not there. */
struct rf_listing_entry *rf_listing_find(const struct rf_listing *listing, const char *name);
/* Emit from file->pos on: 0 is ".", 1 is "..", then 2 + index. */
void rf_listing_emit(const struct rf_listing *listing, struct rf_file *file, uint64_t above,
                     bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos),
                     void *user);

#endif
