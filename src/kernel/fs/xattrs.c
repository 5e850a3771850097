/* Extended attributes in memory (fs/xattrs.h): simple_xattr_* of Linux' fs/xattr.c. */
#include "kernel/fs/xattrs.h"

#include <string.h>

struct rf_xattr {
    struct rf_xattr *next;
    char *name;
    size_t size;
    uint8_t value[];
};

int64_t rf_xattrs_get(const struct rf_xattr *list, const char *name, void *value, size_t size)
{
    for (; list; list = list->next) {
        if (strcmp(list->name, name) != 0)
            continue;
        if (size && list->size > size)
            return -RF_ERANGE;
        if (size)
            memcpy(value, list->value, list->size);
        return (int64_t)list->size;
    }
    return -RF_ENODATA;
}

int64_t rf_xattrs_list(const struct rf_xattr *list, char *out, size_t size)
{
    size_t used = 0;
    for (; list; list = list->next) {
        size_t length = strlen(list->name) + 1;
        if (size && length > size - used)
            return -RF_ERANGE;
        if (size)
            memcpy(out + used, list->name, length);
        used += length;
    }
    return (int64_t)used;
}

static void free_one(struct rf_kernel *k, struct rf_xattr *x)
{
    rf_kfree(k, x->name);
    rf_kfree(k, x);
}

static struct rf_xattr *make(struct rf_kernel *k, const char *name, const void *value, size_t size)
{
    struct rf_xattr *x = rf_kalloc(k, sizeof *x + size);
    size_t length = strlen(name) + 1;
    if (!x)
        return NULL;
    x->name = rf_kalloc(k, length);
    if (!x->name) {
        rf_kfree(k, x);
        return NULL;
    }
    memcpy(x->name, name, length);
    x->size = size;
    if (size)
        memcpy(x->value, value, size);
    return x;
}

int64_t rf_xattrs_set(struct rf_kernel *k, struct rf_xattr **list, const char *name, const void *value, size_t size,
                      uint32_t flags)
{
    struct rf_xattr **at = list;
    while (*at && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    struct rf_xattr *old = *at && strcmp((*at)->name, name) == 0 ? *at : NULL, *made = NULL;
    if (old && flags & RF_XATTR_CREATE)
        return -RF_EEXIST;
    if (!old && (flags & RF_XATTR_REPLACE || !value))
        return -RF_ENODATA;
    if (value && !(made = make(k, name, value, size)))
        return -RF_ENOSPC;
    struct rf_xattr *rest = old ? old->next : *at;
    if (made)
        made->next = rest;
    *at = made ? made : rest;
    if (old)
        free_one(k, old);
    return 0;
}

int64_t rf_xattrs_filter(const char *names, int64_t length, const char *prefix, bool shown, char *out, size_t size)
{
    size_t used = 0;
    for (int64_t at = 0; at < length; at += (int64_t)strlen(names + at) + 1) {
        size_t one = strlen(names + at) + 1;
        if ((strncmp(names + at, prefix, strlen(prefix)) == 0) != shown)
            continue;
        if (size && one > size - used)
            return -RF_ERANGE;
        if (size)
            memcpy(out + used, names + at, one);
        used += one;
    }
    return (int64_t)used;
}

void rf_xattrs_free(struct rf_kernel *k, struct rf_xattr **list)
{
    while (*list) {
        struct rf_xattr *x = *list;
        *list = x->next;
        free_one(k, x);
    }
}
