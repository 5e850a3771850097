/* Descriptor tables: small numbers to open files. */
#include "kernel/task/task.h"
#include "kernel/vfs/lock.h"

#include <string.h>

#define FIRST_CAPACITY 64u
#define MOST_DESCRIPTORS (1u << 20) /* Linux' fs.nr_open */

struct rf_fd_table *rf_fd_table_create(struct rf_kernel *k)
{
    struct rf_fd_table *table = rf_kalloc(k, sizeof *table);
    struct rf_fd *fds = rf_kalloc(k, FIRST_CAPACITY * sizeof *fds);
    if (!table || !fds) {
        rf_kfree(k, table);
        rf_kfree(k, fds);
        return NULL;
    }
    *table = (struct rf_fd_table){ .references = 1, .capacity = FIRST_CAPACITY, .fds = fds };
    return table;
}

struct rf_fd_table *rf_fd_table_copy(struct rf_kernel *k, struct rf_fd_table *table)
{
    struct rf_fd_table *copy = rf_kalloc(k, sizeof *copy);
    struct rf_fd *fds = rf_kalloc(k, table->capacity * sizeof *fds);
    if (!copy || !fds) {
        rf_kfree(k, copy);
        rf_kfree(k, fds);
        return NULL;
    }
    *copy = *table;
    copy->references = 1;
    copy->fds = memcpy(fds, table->fds, table->capacity * sizeof *fds);
    for (uint32_t i = 0; i < copy->capacity; i++)
        if (fds[i].file)
            rf_file_get(fds[i].file);
    return copy;
}

void rf_fd_table_get(struct rf_fd_table *table)
{
    table->references++;
}

/* Take a descriptor out of the table and give its reference up. */
static void close_slot(struct rf_kernel *k, struct rf_fd_table *table, uint32_t fd)
{
    struct rf_file *file = table->fds[fd].file;
    table->fds[fd] = (struct rf_fd){ 0 };
    if (fd < table->lowest)
        table->lowest = fd;
    if (file->ops->flush)
        file->ops->flush(k, file, table);
    rf_lock_drop(k, file->inode, table); /* POSIX: any close drops the process' locks */
    rf_file_put(k, file);
}

void rf_fd_table_put(struct rf_kernel *k, struct rf_fd_table *table)
{
    if (!table || --table->references)
        return;
    for (uint32_t i = 0; i < table->capacity; i++)
        if (table->fds[i].file)
            close_slot(k, table, i);
    rf_kfree(k, table->fds);
    rf_kfree(k, table);
}

void rf_fd_close_on_exec(struct rf_kernel *k, struct rf_fd_table *table)
{
    for (uint32_t i = 0; i < table->capacity; i++)
        if (table->fds[i].file && table->fds[i].close_on_exec)
            close_slot(k, table, i);
}

struct rf_file *rf_fd_file_or_path(struct rf_kernel *k, int fd)
{
    struct rf_fd_table *table = k->current->files;
    if (fd < 0 || (uint32_t)fd >= table->capacity)
        return NULL;
    return table->fds[fd].file;
}

struct rf_file *rf_fd_file(struct rf_kernel *k, int fd)
{
    struct rf_file *file = rf_fd_file_or_path(k, fd);
    return file && !(file->mode & RF_FMODE_PATH) ? file : NULL;
}

/* One more than the highest descriptor allowed. */
static uint32_t limit_of(struct rf_kernel *k)
{
    uint64_t limit = k->current->process->rlimit[RF_RLIMIT_NOFILE].rlim_cur;
    return limit < MOST_DESCRIPTORS ? (uint32_t)limit : MOST_DESCRIPTORS;
}

static bool make_room(struct rf_kernel *k, struct rf_fd_table *table, uint32_t fd)
{
    uint32_t capacity = table->capacity;
    if (fd < capacity)
        return true;
    while (capacity <= fd)
        capacity *= 2;
    struct rf_fd *fds = rf_heap_realloc(&k->heap, table->fds, capacity * sizeof *fds);
    if (!fds)
        return false;
    memset(fds + table->capacity, 0, (capacity - table->capacity) * sizeof *fds);
    table->fds = fds;
    table->capacity = capacity;
    return true;
}

int64_t rf_fd_install(struct rf_kernel *k, struct rf_file *file, int min, bool close_on_exec)
{
    struct rf_fd_table *table = k->current->files;
    uint32_t limit = limit_of(k);
    uint32_t fd = (uint32_t)min > table->lowest ? (uint32_t)min : table->lowest;
    bool from_lowest = fd == table->lowest;
    while (fd < table->capacity && table->fds[fd].file)
        fd++;
    if (fd >= limit)
        return -RF_EMFILE;
    if (!make_room(k, table, fd))
        return -RF_ENOMEM;
    table->fds[fd] = (struct rf_fd){ file, close_on_exec };
    if (from_lowest)
        table->lowest = fd + 1;
    return fd;
}

int64_t rf_fd_next(struct rf_kernel *k, int32_t fds[2])
{
    const struct rf_fd_table *table = k->current->files;
    uint32_t limit = limit_of(k), fd = table->lowest;
    for (int i = 0; i < 2; i++, fd++) {
        while (fd < table->capacity && table->fds[fd].file)
            fd++;
        fds[i] = fd < limit ? (int32_t)fd : -1;
    }
    return fds[1] < 0 ? -RF_EMFILE : 0;
}

int64_t rf_fd_replace(struct rf_kernel *k, struct rf_file *file, int fd, bool close_on_exec)
{
    struct rf_fd_table *table = k->current->files;
    if (fd < 0 || (uint32_t)fd >= limit_of(k))
        return -RF_EBADF;
    if (!make_room(k, table, (uint32_t)fd))
        return -RF_ENOMEM;
    if (table->fds[fd].file)
        close_slot(k, table, (uint32_t)fd);
    table->fds[fd] = (struct rf_fd){ file, close_on_exec };
    return fd;
}

int64_t rf_fd_close(struct rf_kernel *k, int fd)
{
    if (!rf_fd_file_or_path(k, fd))
        return -RF_EBADF;
    close_slot(k, k->current->files, (uint32_t)fd);
    return 0;
}

void rf_fd_take_back(struct rf_kernel *k, int fd)
{
    struct rf_fd_table *table = k->current->files;
    struct rf_file *file = table->fds[fd].file;
    table->fds[fd] = (struct rf_fd){ 0 };
    if ((uint32_t)fd < table->lowest)
        table->lowest = (uint32_t)fd;
    rf_file_put(k, file);
}
