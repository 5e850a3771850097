/* Options of tmpfs (tmpfs(5), mm/shmem.c of Linux): size, nr_blocks, nr_inodes, mode, uid, gid. */
#include "kernel/frames.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/namespace/namespace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* memparse of lib/cmdline.c: a number in C's notation, and a unit. */
static bool parse_size(const char *text, char **end, uint64_t *out)
{
    static const char units[] = "kmgtpe";
    *out = strtoull(text, end, 0);
    if (*end == text)
        return false;
    const char *unit = **end ? strchr(units, **end | 0x20) : NULL;
    if (unit) {
        *out <<= 10 * (unit - units + 1);
        ++*end;
    }
    return true;
}

static bool parse_number(const char *text, int base, uint32_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, base);
    *out = (uint32_t)value;
    return end != text && !*end && *text != '-' && value <= UINT32_MAX;
}

static int64_t parse_bytes(struct rf_kernel *k, const char *value, struct rf_tmpfs_limits *limits)
{
    char *end;
    uint64_t size;
    if (!parse_size(value, &end, &size))
        return -RF_EINVAL;
    if (*end == '%') {
        size = size * rf_frames_total(k) * RF_PAGE_SIZE / 100;
        end++;
    }
    if (*end)
        return -RF_EINVAL;
    limits->max_pages = size / RF_PAGE_SIZE + (size % RF_PAGE_SIZE != 0);
    return 0;
}

static int64_t parse_count(const char *value, uint64_t *out)
{
    char *end;
    return parse_size(value, &end, out) && !*end && *out <= INT64_MAX ? 0 : -RF_EINVAL;
}

static int64_t parse_option(struct rf_kernel *k, const char *name, const char *value, struct rf_tmpfs_limits *limits)
{
    uint32_t number;
    if (strcmp(name, "inode64") == 0 || strcmp(name, "inode32") == 0)
        return value ? -RF_EINVAL : 0;
    if (!value)
        return -RF_EINVAL;
    if (strcmp(name, "size") == 0)
        return parse_bytes(k, value, limits);
    if (strcmp(name, "nr_blocks") == 0)
        return parse_count(value, &limits->max_pages);
    if (strcmp(name, "nr_inodes") == 0)
        return parse_count(value, &limits->max_inodes);
    if (!parse_number(value, strcmp(name, "mode") == 0 ? 8 : 0, &number))
        return -RF_EINVAL;
    if (strcmp(name, "mode") == 0) {
        limits->mode = number & 07777;
        return 0;
    }
    bool is_uid = strcmp(name, "uid") == 0;
    if (!is_uid && strcmp(name, "gid") != 0)
        return -RF_EINVAL;
    uint32_t id = is_uid ? rf_uid_given(k, number) : rf_gid_given(k, number);
    *(is_uid ? &limits->uid : &limits->gid) = id;
    return id == RF_NO_ID ? -RF_EINVAL : 0;
}

int64_t rf_tmpfs_parse(struct rf_kernel *k, const char *options, struct rf_tmpfs_limits *limits)
{
    int64_t error = 0;
    while (*options && !error) {
        char text[256];
        size_t length = strcspn(options, ",");
        if (length >= sizeof text)
            return -RF_EINVAL;
        memcpy(text, options, length);
        text[length] = '\0';
        options += length + (options[length] == ',');
        char *value = strchr(text, '=');
        if (value)
            *value++ = '\0';
        if (length)
            error = parse_option(k, text, value, limits);
    }
    return error;
}

/* shmem_reconfigure: limits only, which must hold what is there, and be there already. */
int64_t rf_tmpfs_remount(struct rf_kernel *k, struct rf_mount *mount, const char *options)
{
    struct rf_tmpfs_limits *limits = mount->private_data, next;
    if (!limits)
        return 0;
    next = *limits;
    int64_t error = rf_tmpfs_parse(k, options, &next);
    if (error)
        return error;
    if ((next.max_pages && (!limits->max_pages || next.max_pages < limits->pages) && next.max_pages != limits->max_pages) ||
        (next.max_inodes && (!limits->max_inodes || next.max_inodes < limits->inodes) &&
         next.max_inodes != limits->max_inodes))
        return -RF_EINVAL;
    limits->max_pages = next.max_pages;
    limits->max_inodes = next.max_inodes;
    return 0;
}

void rf_tmpfs_show(struct rf_kernel *k, struct rf_mount *mount, char *out, size_t size)
{
    const struct rf_tmpfs_limits *limits = mount->private_data;
    size_t at = 0;
    *out = '\0';
    if (!limits)
        return;
#define ADD(condition, ...)                                                   \
    if (condition)                                                            \
    at += (size_t)snprintf(out + at, size - at, __VA_ARGS__)
    ADD(limits->max_pages != limits->default_pages, ",size=%lluk",
        (unsigned long long)limits->max_pages * (RF_PAGE_SIZE / 1024));
    ADD(limits->max_inodes != limits->default_pages, ",nr_inodes=%llu", (unsigned long long)limits->max_inodes);
    ADD(limits->mode != (RF_S_ISVTX | 0777), ",mode=%03o", limits->mode);
    ADD(limits->uid, ",uid=%u", rf_uid_shown(k, limits->uid));
    ADD(limits->gid, ",gid=%u", rf_gid_shown(k, limits->gid));
#undef ADD
}
