/* The channel between libext2fs and an image's file: pread and pwrite within the image's size.
 *
 * Changed metadata is held back in units of a kilobyte until a flush, so that the image on the host goes from one
 * consistent state to the next. Contents of files are written at once; what was held back for the same place (a block
 * that was metadata once) is forgotten then. */
#include "kernel/fs/ext4.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIT 1024u
#define BUCKETS 4096u

struct rf_ext4_unit {
    struct rf_ext4_unit *next;
    uint64_t index;
    uint8_t bytes[UNIT];
};

bool rf_ext4_io_create(struct rf_ext4_io *io, int fd, uint64_t size, bool writable)
{
    *io = (struct rf_ext4_io){ .fd = fd, .size = size, .writable = writable, .bucket_count = BUCKETS };
    io->buckets = calloc(BUCKETS, sizeof *io->buckets);
    return io->buckets != NULL;
}

void rf_ext4_io_destroy(struct rf_ext4_io *io)
{
    for (uint64_t i = 0; io->buckets && i < io->bucket_count; i++) {
        while (io->buckets[i]) {
            struct rf_ext4_unit *unit = io->buckets[i];
            io->buckets[i] = unit->next;
            free(unit);
        }
    }
    free(io->buckets);
    io->buckets = NULL;
}

/* Where the pointer to a unit is, or would be. */
static struct rf_ext4_unit **place(struct rf_ext4_io *io, uint64_t index)
{
    struct rf_ext4_unit **link = &io->buckets[index % io->bucket_count];
    while (*link && (*link)->index != index)
        link = &(*link)->next;
    return link;
}

static void forget(struct rf_ext4_io *io, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end && io->dirty; i++) {
        struct rf_ext4_unit **link = place(io, i), *unit = *link;
        if (!unit)
            continue;
        *link = unit->next;
        free(unit);
        io->dirty--;
    }
}

static bool is_within(const struct rf_ext4_io *io, uint64_t offset, uint64_t size)
{
    return offset <= io->size && size <= io->size - offset;
}

static int64_t write_file(int fd, const void *bytes, size_t size, uint64_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, (const uint8_t *)bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -(int64_t)errno : -RF_EIO;
        done += (size_t)n;
    }
    return 0;
}

bool rf_ext4_io_read(struct rf_ext4_io *io, void *out, size_t size, uint64_t offset)
{
    return is_within(io, offset, size) && rf_image_pread(io->fd, out, size, offset);
}

int64_t rf_ext4_io_write(struct rf_ext4_io *io, const void *bytes, size_t size, uint64_t offset)
{
    if (!io->writable || !is_within(io, offset, size))
        return -RF_EIO;
    forget(io, offset / UNIT, (offset + size + UNIT - 1) / UNIT);
    return write_file(io->fd, bytes, size, offset);
}

static int by_index(const void *a, const void *b)
{
    uint64_t x = (*(struct rf_ext4_unit *const *)a)->index, y = (*(struct rf_ext4_unit *const *)b)->index;
    return (x > y) - (x < y);
}

int64_t rf_ext4_io_flush(struct rf_ext4_io *io)
{
    if (!io->dirty)
        return 0;
    struct rf_ext4_unit **all = malloc(io->dirty * sizeof(struct rf_ext4_unit *));
    if (!all)
        return -RF_ENOMEM;
    size_t count = 0;
    for (uint64_t i = 0; i < io->bucket_count; i++)
        for (struct rf_ext4_unit *u = io->buckets[i]; u; u = u->next)
            all[count++] = u;
    qsort(all, count, sizeof(struct rf_ext4_unit *), by_index);
    int64_t error = 0;
    for (size_t i = 0; i < count && !error; i++)
        error = write_file(io->fd, all[i]->bytes, UNIT, all[i]->index * UNIT);
    if (!error)
        for (size_t i = 0; i < count; i++)
            forget(io, all[i]->index, all[i]->index + 1);
    free(all);
    return error;
}

/* --- what libext2fs calls --- */

static struct rf_ext4_io *io_of(io_channel channel)
{
    return channel->private_data;
}

/* The name is the address of the rf_ext4_io, in the form that "%p" gives it. */
static errcode_t open_channel(const char *name, int flags, io_channel *out)
{
    (void)flags;
    void *io;
    if (sscanf(name, "%p", &io) != 1)
        return EXT2_ET_BAD_DEVICE_NAME;
    io_channel channel = calloc(1, sizeof *channel);
    char *copy = strdup(name);
    if (!channel || !copy) {
        free(channel);
        free(copy);
        return EXT2_ET_NO_MEMORY;
    }
    channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
    channel->manager = (io_manager)(uintptr_t)&rf_ext4_io_manager;
    channel->name = copy;
    channel->block_size = UNIT;
    channel->refcount = 1;
    channel->private_data = io;
    *out = channel;
    return 0;
}

static errcode_t close_channel(io_channel channel)
{
    if (--channel->refcount > 0)
        return 0;
    free(channel->name);
    free(channel);
    return 0;
}

static errcode_t set_block_size(io_channel channel, int size)
{
    channel->block_size = size;
    return 0;
}

/* A count below zero is of bytes. */
static bool range_of(io_channel channel, uint64_t block, int count, uint64_t *offset, uint64_t *size)
{
    *size = count < 0 ? (uint64_t)-(int64_t)count : (uint64_t)count * (uint64_t)channel->block_size;
    return !__builtin_mul_overflow(block, (uint64_t)channel->block_size, offset) &&
           is_within(io_of(channel), *offset, *size);
}

static errcode_t read_blocks(io_channel channel, unsigned long long block, int count, void *out)
{
    struct rf_ext4_io *io = io_of(channel);
    uint64_t offset, size;
    if (!range_of(channel, block, count, &offset, &size) || !rf_image_pread(io->fd, out, size, offset))
        return EXT2_ET_SHORT_READ;
    for (uint64_t at = offset; io->dirty && at < offset + size;) {
        uint64_t in_unit = at % UNIT, n = UNIT - in_unit;
        if (n > offset + size - at)
            n = offset + size - at;
        const struct rf_ext4_unit *unit = *place(io, at / UNIT);
        if (unit)
            memcpy((uint8_t *)out + (at - offset), unit->bytes + in_unit, n);
        at += n;
    }
    return 0;
}

/* The unit of an index, made with what the image holds. NULL: no memory, or the image cannot be read. */
static struct rf_ext4_unit *hold(struct rf_ext4_io *io, uint64_t index)
{
    struct rf_ext4_unit **link = place(io, index);
    if (*link)
        return *link;
    struct rf_ext4_unit *unit = calloc(1, sizeof *unit);
    if (!unit || !rf_image_pread(io->fd, unit->bytes, UNIT, index * UNIT)) {
        free(unit);
        return NULL;
    }
    unit->index = index;
    *link = unit;
    io->dirty++;
    return unit;
}

static errcode_t write_blocks(io_channel channel, unsigned long long block, int count, const void *bytes)
{
    struct rf_ext4_io *io = io_of(channel);
    uint64_t offset, size;
    if (!io->writable || !range_of(channel, block, count, &offset, &size))
        return EXT2_ET_SHORT_WRITE;
    for (uint64_t at = offset; at < offset + size;) {
        uint64_t in_unit = at % UNIT, n = UNIT - in_unit;
        if (n > offset + size - at)
            n = offset + size - at;
        struct rf_ext4_unit *unit = hold(io, at / UNIT);
        if (!unit)
            return EXT2_ET_NO_MEMORY;
        memcpy(unit->bytes + in_unit, (const uint8_t *)bytes + (at - offset), n);
        at += n;
    }
    return 0;
}

static errcode_t read_old(io_channel channel, unsigned long block, int count, void *out)
{
    return read_blocks(channel, block, count, out);
}

static errcode_t write_old(io_channel channel, unsigned long block, int count, const void *bytes)
{
    return write_blocks(channel, block, count, bytes);
}

static errcode_t flush_channel(io_channel channel)
{
    (void)channel;
    return 0; /* rf_ext4_flush decides when */
}

const struct struct_io_manager rf_ext4_io_manager = {
    .magic = EXT2_ET_MAGIC_IO_MANAGER,
    .name = "image",
    .open = open_channel,
    .close = close_channel,
    .set_blksize = set_block_size,
    .read_blk = read_old,
    .write_blk = write_old,
    .flush = flush_channel,
    .read_blk64 = read_blocks,
    .write_blk64 = write_blocks,
};
