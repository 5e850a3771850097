/* Pipes and FIFOs: a ring of page-sized buffers, filled as Linux fills them (fs/pipe.c), so
 * that a pipe holds as much, and is as ready, as it would be there. */
#include "kernel/fs/fs.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/poll.h"

#include <string.h>

#define DEFAULT_SLOTS 16u
#define MOST_SLOTS 256u /* fs.pipe-max-size, 1 MiB */

struct slot {
    uint8_t *page; /* NULL until first used */
    uint32_t offset, length;
};

struct rf_pipe {
    uint32_t readers, writers;
    uint64_t reader_count, writer_count; /* openings so far, for FIFOs that wait */
    uint32_t slot_count; /* a power of two */
    uint32_t head, tail; /* head - tail slots hold bytes */
    struct slot *slots;
    struct rf_wait_queue readable, writable;         /* blocked readers, writers */
    struct rf_wait_queue opening_read, opening_write; /* blocked in open of a FIFO */
};

static struct rf_pipe *pipe_new(struct rf_kernel *k)
{
    struct rf_pipe *pipe = rf_kalloc(k, sizeof *pipe);
    struct slot *slots = rf_kalloc(k, DEFAULT_SLOTS * sizeof *slots);
    if (!pipe || !slots) {
        rf_kfree(k, pipe);
        rf_kfree(k, slots);
        return NULL;
    }
    pipe->slots = slots;
    pipe->slot_count = DEFAULT_SLOTS;
    return pipe;
}

static void wake_all(struct rf_kernel *k, struct rf_pipe *pipe)
{
    rf_wake_for(k, &pipe->readable, RF_POLLIN | RF_POLLRDNORM | RF_POLLERR | RF_POLLHUP);
    rf_wake_for(k, &pipe->writable, RF_POLLOUT | RF_POLLWRNORM | RF_POLLERR | RF_POLLHUP);
    rf_wake(k, &pipe->opening_read);
    rf_wake(k, &pipe->opening_write);
}

static void free_pages(struct rf_kernel *k, struct rf_pipe *pipe)
{
    for (uint32_t i = 0; i < pipe->slot_count; i++) {
        rf_kfree(k, pipe->slots[i].page);
        pipe->slots[i] = (struct slot){ 0 };
    }
    pipe->head = pipe->tail = 0;
}

void rf_pipe_free(struct rf_kernel *k, struct rf_pipe *pipe)
{
    wake_all(k, pipe);
    free_pages(k, pipe);
    rf_kfree(k, pipe->slots);
    rf_kfree(k, pipe);
}

static struct rf_pipe *pipe_of(const struct rf_file *file)
{
    return file->inode->pipe;
}

static struct slot *slot_at(struct rf_pipe *pipe, uint32_t index)
{
    return &pipe->slots[index & (pipe->slot_count - 1)];
}

static bool is_empty(const struct rf_pipe *pipe)
{
    return pipe->head == pipe->tail;
}

static bool is_full(const struct rf_pipe *pipe)
{
    return pipe->head - pipe->tail >= pipe->slot_count;
}

/* --- reading --- */

static int64_t take(struct rf_pipe *pipe, struct rf_uio *uio)
{
    uint64_t done = 0;
    while (uio->left && !is_empty(pipe)) {
        struct slot *slot = slot_at(pipe, pipe->tail);
        size_t n = slot->length < uio->left ? slot->length : (size_t)uio->left;
        size_t moved = rf_uio_put(uio, slot->page + slot->offset, n);
        slot->offset += (uint32_t)moved;
        slot->length -= (uint32_t)moved;
        done += moved;
        if (slot->length == 0)
            pipe->tail++;
        if (moved < n)
            return done ? (int64_t)done : -RF_EFAULT;
    }
    return (int64_t)done;
}

static int64_t pipe_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                         uint64_t *pos)
{
    (void)pos;
    struct rf_pipe *pipe = pipe_of(file);
    if (uio->left == 0)
        return 0;
    if (is_empty(pipe)) {
        if (!pipe->writers)
            return 0;
        return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on(k, &pipe->readable);
    }
    bool was_full = is_full(pipe);
    int64_t result = take(pipe, uio);
    if (was_full && !is_full(pipe))
        rf_wake_for(k, &pipe->writable, RF_POLLOUT | RF_POLLWRNORM);
    if (result > 0)
        file->inode->atime = rf_now(k);
    return result;
}

/* --- writing --- */

/* The odd bytes of a write go into the last buffer if they all fit. */
static size_t merge(struct rf_pipe *pipe, struct rf_uio *uio)
{
    size_t odd = uio->left % RF_PAGE_SIZE;
    if (!odd || is_empty(pipe))
        return 0;
    struct slot *last = slot_at(pipe, pipe->head - 1);
    uint32_t end = last->offset + last->length;
    if (end + odd > RF_PAGE_SIZE)
        return 0;
    size_t moved = rf_uio_get(uio, last->page + end, odd);
    last->length += (uint32_t)moved;
    return moved;
}

/* Fill one free slot. Bytes moved or -errno. */
static int64_t fill_slot(struct rf_kernel *k, struct rf_pipe *pipe, struct rf_uio *uio)
{
    struct slot *slot = slot_at(pipe, pipe->head);
    if (!slot->page && !(slot->page = rf_kalloc(k, RF_PAGE_SIZE)))
        return -RF_ENOMEM;
    size_t n = uio->left < RF_PAGE_SIZE ? (size_t)uio->left : RF_PAGE_SIZE;
    size_t moved = rf_uio_get(uio, slot->page, n);
    if (moved == 0)
        return -RF_EFAULT;
    slot->offset = 0;
    slot->length = (uint32_t)moved;
    pipe->head++;
    return (int64_t)moved;
}

/* Room is gone: wait, or say how far it came. `done` survives in scratch[0]. */
static int64_t wait_for_room(struct rf_kernel *k, struct rf_file *file, uint64_t done)
{
    if (file->flags & RF_O_NONBLOCK)
        return done ? (int64_t)done : -RF_EAGAIN;
    k->current->scratch[0] = done;
    int64_t result = rf_sleep_on(k, &pipe_of(file)->writable);
    return result == RF_BLOCKED || !done ? result : (int64_t)done;
}

static int64_t broken(struct rf_kernel *k, uint64_t done)
{
    rf_signal_send_current(k, RF_SIGPIPE);
    return done ? (int64_t)done : -RF_EPIPE;
}

static int64_t pipe_write(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                          uint64_t *pos)
{
    (void)pos;
    struct rf_pipe *pipe = pipe_of(file);
    if (uio->left == 0)
        return 0;
    uint64_t done = k->current ? k->current->scratch[0] : 0; /* before it had to wait */
    rf_uio_skip(uio, done);
    if (!pipe->readers)
        return broken(k, done);
    int64_t result = 0;
    uint64_t before = done;
    size_t merged = done ? 0 : merge(pipe, uio);
    done += merged;
    while (uio->left && !is_full(pipe)) {
        result = fill_slot(k, pipe, uio);
        if (result < 0)
            break;
        done += (uint64_t)result;
    }
    /* Also when bytes were there already: an edge for epoll (pipe_write, poll_usage). */
    if (done != before)
        rf_wake_for(k, &pipe->readable, RF_POLLIN | RF_POLLRDNORM);
    if (done)
        file->inode->mtime = file->inode->ctime = rf_now(k);
    if (uio->left && result >= 0)
        return wait_for_room(k, file, done);
    return done ? (int64_t)done : result;
}

/* --- splice, tee, vmsplice: bytes are copied, as far as they or the room for them go --- */

/* Wait until there is something to take: 0, or what the call returns (0 bytes: *ended). */
int64_t rf_pipe_wait_filled(struct rf_kernel *k, struct rf_file *file, bool nonblock, bool *ended)
{
    struct rf_pipe *pipe = pipe_of(file);
    *ended = false;
    if (!is_empty(pipe))
        return 0;
    *ended = !pipe->writers;
    if (*ended)
        return 0;
    return nonblock || file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on(k, &pipe->readable);
}

/* Wait until a buffer is free. */
int64_t rf_pipe_wait_room(struct rf_kernel *k, struct rf_file *file, bool nonblock)
{
    struct rf_pipe *pipe = pipe_of(file);
    if (!pipe->readers)
        return broken(k, 0);
    if (!is_full(pipe))
        return 0;
    return nonblock || file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on(k, &pipe->writable);
}

uint64_t rf_pipe_room(const struct rf_file *file)
{
    const struct rf_pipe *pipe = pipe_of(file);
    return (uint64_t)(pipe->slot_count - (pipe->head - pipe->tail)) * RF_PAGE_SIZE;
}

/* The first bytes, without taking them: how many there are, at most size. */
size_t rf_pipe_peek(const struct rf_file *file, uint8_t *out, size_t size)
{
    struct rf_pipe *pipe = pipe_of(file);
    size_t done = 0;
    for (uint32_t i = pipe->tail; i != pipe->head && done < size; i++) {
        const struct slot *slot = slot_at(pipe, i);
        size_t n = slot->length < size - done ? slot->length : size - done;
        memcpy(out + done, slot->page + slot->offset, n);
        done += n;
    }
    return done;
}

void rf_pipe_consume(struct rf_kernel *k, struct rf_file *file, size_t size)
{
    struct rf_pipe *pipe = pipe_of(file);
    while (size) {
        struct slot *slot = slot_at(pipe, pipe->tail);
        size_t n = slot->length < size ? slot->length : size;
        slot->offset += (uint32_t)n;
        slot->length -= (uint32_t)n;
        size -= n;
        if (slot->length == 0)
            pipe->tail++;
    }
    rf_wake_for(k, &pipe->writable, RF_POLLOUT | RF_POLLWRNORM);
}

/* Fill free buffers from uio: bytes, or -errno when there are none. */
int64_t rf_pipe_fill(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio)
{
    struct rf_pipe *pipe = pipe_of(file);
    int64_t done = 0, result = 0;
    while (uio->left && !is_full(pipe) && result >= 0) {
        result = fill_slot(k, pipe, uio);
        done += result > 0 ? result : 0;
    }
    if (done)
        rf_wake_for(k, &pipe->readable, RF_POLLIN | RF_POLLRDNORM);
    return done ? done : result;
}

bool rf_pipe_is_same(const struct rf_file *a, const struct rf_file *b)
{
    return pipe_of(a) == pipe_of(b);
}

/* --- the rest of a pipe's file --- */

static uint32_t pipe_poll(struct rf_kernel *k, struct rf_file *file,
                          struct rf_poll_request *request)
{
    (void)k;
    struct rf_pipe *pipe = pipe_of(file);
    uint32_t ready = 0;
    if (file->mode & RF_FMODE_READ) {
        rf_poll_add(request, &pipe->readable);
        if (!is_empty(pipe))
            ready |= RF_POLLIN | RF_POLLRDNORM;
        if (!pipe->writers && file->pos != pipe->writer_count)
            ready |= RF_POLLHUP;
    }
    if (file->mode & RF_FMODE_WRITE) {
        rf_poll_add(request, &pipe->writable);
        if (!is_full(pipe))
            ready |= RF_POLLOUT | RF_POLLWRNORM;
        if (!pipe->readers)
            ready |= RF_POLLERR;
    }
    return ready;
}

static int64_t pipe_ioctl(struct rf_kernel *k, struct rf_file *file, uint32_t command,
                          uint64_t argument)
{
    if (command != RF_FIONREAD)
        return -RF_ENOTTY;
    struct rf_pipe *pipe = pipe_of(file);
    int32_t count = 0;
    for (uint32_t i = pipe->tail; i != pipe->head; i++)
        count += (int32_t)slot_at(pipe, i)->length;
    return RF_PUT_USER(k, argument, count);
}

static void pipe_release(struct rf_kernel *k, struct rf_file *file);

static const struct rf_file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .ioctl = pipe_ioctl,
    .poll = pipe_poll,
    .release = pipe_release,
};

bool rf_file_is_pipe(const struct rf_file *file)
{
    return file->ops == &pipe_ops;
}

int64_t rf_pipe_size(struct rf_file *file)
{
    return (int64_t)(pipe_of(file)->slot_count * RF_PAGE_SIZE);
}

int64_t rf_pipe_set_size(struct rf_kernel *k, struct rf_file *file, uint64_t size)
{
    struct rf_pipe *pipe = pipe_of(file);
    uint32_t count = 1, used = pipe->head - pipe->tail;
    if (size > INT32_MAX)
        return -RF_EINVAL;
    while ((uint64_t)count * RF_PAGE_SIZE < size && count <= MOST_SLOTS)
        count *= 2;
    if (count > MOST_SLOTS)
        return -RF_EPERM;
    if (count < used)
        return -RF_EBUSY;
    struct slot *slots = rf_kalloc(k, count * sizeof *slots);
    if (!slots)
        return -RF_ENOMEM;
    for (uint32_t i = 0; i < used; i++) {
        struct slot *from = slot_at(pipe, pipe->tail + i);
        slots[i] = *from;
        from->page = NULL;
    }
    free_pages(k, pipe);
    rf_kfree(k, pipe->slots);
    pipe->slots = slots;
    pipe->slot_count = count;
    pipe->tail = 0;
    pipe->head = used;
    rf_wake(k, &pipe->writable);
    return (int64_t)(count * RF_PAGE_SIZE);
}

static void count_in(struct rf_pipe *pipe, uint64_t mode)
{
    if (mode & RF_FMODE_READ) {
        pipe->readers++;
        pipe->reader_count++;
    }
    if (mode & RF_FMODE_WRITE) {
        pipe->writers++;
        pipe->writer_count++;
    }
}

static void count_out(struct rf_kernel *k, struct rf_pipe *pipe, uint64_t mode)
{
    if (mode & RF_FMODE_READ)
        pipe->readers--;
    if (mode & RF_FMODE_WRITE)
        pipe->writers--;
    wake_all(k, pipe);
    if (!pipe->readers && !pipe->writers)
        free_pages(k, pipe); /* what nobody read is gone; the inode frees the rest */
}

static void pipe_release(struct rf_kernel *k, struct rf_file *file)
{
    count_out(k, pipe_of(file), file->mode);
}

/* --- pipe(2) --- */

static const struct rf_inode_ops pipe_inode_ops = { .setattr = rf_generic_setattr };

static struct rf_file *new_end(struct rf_kernel *k, struct rf_inode *inode, uint32_t flags)
{
    struct rf_file *file = rf_file_alloc(k, &pipe_ops, inode, NULL, flags);
    if (!file)
        return NULL;
    file->mode |= RF_FMODE_STREAM;
    file->pos = UINT64_MAX; /* there is a writer: POLLHUP once it is gone */
    count_in(inode->pipe, file->mode);
    return file;
}

int64_t rf_pipe_create(struct rf_kernel *k, uint32_t flags, struct rf_file *ends[2])
{
    struct rf_inode *inode = rf_inode_alloc(k, k->vfs->pipes, RF_S_IFIFO | 0600);
    if (!inode)
        return -RF_ENOMEM;
    inode->ops = &pipe_inode_ops;
    inode->pipe = pipe_new(k);
    flags &= RF_O_NONBLOCK | RF_O_DIRECT;
    ends[0] = inode->pipe ? new_end(k, inode, RF_O_RDONLY | flags) : NULL;
    ends[1] = ends[0] ? new_end(k, inode, RF_O_WRONLY | flags) : NULL;
    if (!ends[1])
        rf_file_put(k, ends[0]);
    rf_inode_put(k, inode);
    return ends[1] ? 0 : -RF_ENOMEM;
}

/* --- FIFOs --- */

/* A task that waits in open already counts as a reader or writer, so that the other side can
 * go on at once. What it is counted in as stays in its scratch memory over the sleep. */
enum { SCRATCH_INODE = 1, SCRATCH_MODE = 2, SCRATCH_SEEN = 3 };

static struct rf_inode *waits_for(const struct rf_task *task)
{
    return (struct rf_inode *)(uintptr_t)task->scratch[SCRATCH_INODE];
}

void rf_fifo_give_up(struct rf_kernel *k)
{
    struct rf_task *task = k->current;
    struct rf_inode *inode = waits_for(task);
    if (!inode)
        return;
    task->scratch[SCRATCH_INODE] = 0;
    count_out(k, inode->pipe, task->scratch[SCRATCH_MODE]);
    rf_inode_put(k, inode);
}

/* Wait until the other side has opened once more than when this call began. */
static int64_t wait_for_peer(struct rf_kernel *k, struct rf_inode *inode, uint32_t mode, bool waited)
{
    struct rf_pipe *pipe = inode->pipe;
    struct rf_task *task = k->current;
    bool reading = mode == RF_FMODE_READ;
    uint64_t openings = reading ? pipe->writer_count : pipe->reader_count;
    if (reading ? pipe->writers : pipe->readers)
        return 0;
    if (waited && task->scratch[SCRATCH_SEEN] != openings)
        return 0; /* it came, and has gone again */
    if (!waited) {
        rf_inode_get(inode);
        task->scratch[SCRATCH_INODE] = (uintptr_t)inode;
        task->scratch[SCRATCH_MODE] = mode;
        task->scratch[SCRATCH_SEEN] = openings;
    }
    return rf_sleep_on(k, reading ? &pipe->opening_read : &pipe->opening_write);
}

int64_t rf_fifo_open(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_inode *inode = file->inode;
    uint32_t mode = file->mode & (RF_FMODE_READ | RF_FMODE_WRITE);
    if (!mode)
        return -RF_EINVAL;
    if (!inode->pipe && !(inode->pipe = pipe_new(k)))
        return -RF_ENOMEM;
    struct rf_pipe *pipe = inode->pipe;
    bool nonblock = file->flags & RF_O_NONBLOCK, waited = waits_for(k->current) == inode;
    /* a pipe(2) opened again through /proc/self/fd waits for nobody (fifo_open, is_pipe) */
    bool named = inode->mount != k->vfs->pipes;
    if (named && mode == RF_FMODE_WRITE && nonblock && !pipe->readers)
        return -RF_ENXIO;
    if (!waited) {
        count_in(pipe, mode);
        rf_wake(k, &pipe->opening_read);
        rf_wake(k, &pipe->opening_write);
    }
    if (named && mode != (RF_FMODE_READ | RF_FMODE_WRITE) && !nonblock) {
        int64_t result = wait_for_peer(k, inode, mode, waited);
        if (result)
            return result; /* rf_fifo_give_up counts it out unless it is blocked */
    }
    if (waited) { /* what was counted for the task now belongs to the file */
        k->current->scratch[SCRATCH_INODE] = 0;
        rf_inode_put(k, inode);
    }
    file->mode |= RF_FMODE_STREAM;
    file->ops = &pipe_ops;
    /* without a writer yet, an empty FIFO opened for reading has not hung up */
    file->pos = pipe->writers || !named ? UINT64_MAX : pipe->writer_count;
    return 0;
}
