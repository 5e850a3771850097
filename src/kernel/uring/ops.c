/* What io_uring's operations do: each is a system call's handler, with the file made non-blocking for its time. */
#include "kernel/uring/uring.h"

#include "kernel/task/task.h"

typedef struct rf_uring_request request;

static uint32_t group_of(const request *r)
{
    return r->sqe.buf_index;
}

/* A handler in the middle of another call: what such calls keep between runs is set aside. */
static int64_t call(struct rf_kernel *k, unsigned number, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    uint64_t scratch[4], deadline = task->deadline;
    if (!k->handlers[number])
        return -RF_EINVAL;
    for (size_t i = 0; i < RF_ARRAY_SIZE(scratch); i++) {
        scratch[i] = task->scratch[i];
        task->scratch[i] = 0;
    }
    task->deadline = 0;
    int64_t result = k->handlers[number](k, a);
    for (size_t i = 0; i < RF_ARRAY_SIZE(scratch); i++)
        task->scratch[i] = scratch[i];
    if (result == RF_BLOCKED) { /* it is on queues, where it must not stay */
        rf_make_runnable(k, task);
        result = -RF_EAGAIN;
    }
    task->deadline = deadline;
    return result < -4095 || (result <= -512 && result >= -516) ? -RF_EINTR : result;
}

/* What Linux finds out when it takes a submission: those after it are then not taken. */
static int64_t refuse(request *r, int64_t error)
{
    r->u->refused = true;
    return error;
}

/* --- files --- */

static bool uses_file(unsigned opcode)
{
    switch (opcode) {
    case RF_URING_READV: case RF_URING_WRITEV: case RF_URING_READ: case RF_URING_WRITE: case RF_URING_READ_FIXED:
    case RF_URING_WRITE_FIXED: case RF_URING_FSYNC: case RF_URING_SYNC_FILE_RANGE: case RF_URING_POLL_ADD:
    case RF_URING_SENDMSG: case RF_URING_RECVMSG: case RF_URING_SEND: case RF_URING_RECV: case RF_URING_ACCEPT:
    case RF_URING_CONNECT: case RF_URING_FALLOCATE: case RF_URING_FADVISE: case RF_URING_SHUTDOWN:
    case RF_URING_SPLICE: case RF_URING_TEE: return true;
    default: return false;
    }
}

static struct rf_file *find_file(struct rf_kernel *k, const request *r)
{
    if (!(r->sqe.flags & RF_SQE_FIXED_FILE))
        return rf_fd_file(k, r->sqe.fd);
    return (uint32_t)r->sqe.fd < r->u->file_count ? r->u->files[r->sqe.fd] : NULL;
}

/* --- buffers that were provided --- */

static struct rf_uring_buffer *take_buffer(request *r)
{
    struct rf_uring_buffer **at = &r->u->buffers;
    while (*at && (*at)->group != group_of(r))
        at = &(*at)->next;
    struct rf_uring_buffer *b = *at;
    if (b)
        *at = b->next;
    return b;
}

static void give_back(request *r, struct rf_uring_buffer *b)
{
    b->next = r->u->buffers;
    r->u->buffers = b;
}

static int64_t provide(struct rf_kernel *k, const request *r)
{
    const struct rf_uring_sqe *s = &r->sqe;
    struct rf_uring_buffer **end = &r->u->buffers;
    if (s->fd <= 0 || s->fd > 65536 || !s->len || s->off + (uint32_t)s->fd > 65536)
        return s->fd <= 0 || s->fd > 65536 ? -RF_E2BIG : -RF_EINVAL;
    if (!rf_user_range_ok(s->addr, (uint64_t)s->fd * s->len))
        return -RF_EFAULT;
    while (*end)
        end = &(*end)->next;
    for (int32_t i = 0; i < s->fd; i++) {
        struct rf_uring_buffer *b = rf_kalloc(k, sizeof *b);
        if (!b)
            return i ? 0 : -RF_ENOMEM;
        *b = (struct rf_uring_buffer){ .address = s->addr + (uint64_t)i * s->len, .size = s->len,
                                       .group = s->buf_index, .id = (uint16_t)(s->off + (uint32_t)i) };
        *end = b;
        end = &b->next;
    }
    return 0;
}

static int64_t withdraw(struct rf_kernel *k, request *r)
{
    struct rf_uring_buffer *b;
    int64_t count = 0;
    if (r->sqe.fd <= 0 || r->sqe.fd > 65536)
        return -RF_EINVAL;
    while (count < r->sqe.fd && (b = take_buffer(r)) != NULL) {
        rf_kfree(k, b);
        count++;
    }
    return count ? count : -RF_ENOENT;
}

/* --- reading and writing --- */

/* READ_FIXED and WRITE_FIXED stay within a registered buffer. */
static int64_t check_fixed(const request *r)
{
    const struct rf_uring *u = r->u;
    if (r->sqe.buf_index >= u->fixed_buffer_count)
        return -RF_EFAULT;
    const struct rf_iovec *v = &u->fixed_buffers[r->sqe.buf_index];
    uint64_t end;
    if (__builtin_add_overflow(r->sqe.addr, r->sqe.len, &end) || r->sqe.addr < v->iov_base || end > v->iov_base + v->iov_len)
        return -RF_EFAULT;
    return 0;
}

static bool writes(unsigned opcode)
{
    return opcode == RF_URING_WRITEV || opcode == RF_URING_WRITE || opcode == RF_URING_WRITE_FIXED;
}

/* off -1, and files without a position: where the file is. */
static int64_t transfer(struct rf_kernel *k, const request *r, int fd, uint64_t address, uint64_t length)
{
    const struct rf_uring_sqe *s = &r->sqe;
    bool vector = s->opcode == RF_URING_READV || s->opcode == RF_URING_WRITEV;
    uint64_t at = r->file->mode & RF_FMODE_STREAM ? UINT64_MAX : s->off;
    if (vector)
        return call(k, writes(s->opcode) ? RF_NR_pwritev2 : RF_NR_preadv2,
                    (const uint64_t[6]){ (uint32_t)fd, address, length, at, 0, s->op_flags });
    if (at == UINT64_MAX)
        return call(k, writes(s->opcode) ? RF_NR_write : RF_NR_read, (const uint64_t[6]){ (uint32_t)fd, address, length });
    return call(k, writes(s->opcode) ? RF_NR_pwrite64 : RF_NR_pread64,
                (const uint64_t[6]){ (uint32_t)fd, address, length, at });
}

/* --- the system calls of the others --- */

static int64_t connect_socket(struct rf_kernel *k, request *r, int fd)
{
    int64_t result = call(k, RF_NR_connect, (const uint64_t[6]){ (uint32_t)fd, r->sqe.addr, r->sqe.off });
    if (result == -RF_EINPROGRESS || (r->multishot && result == -RF_EALREADY)) {
        r->multishot = true; /* it has begun */
        return -RF_EAGAIN;
    }
    return r->multishot && result == -RF_EISCONN ? 0 : result;
}

static int64_t with_file(struct rf_kernel *k, request *r, int fd, uint64_t address, uint64_t length)
{
    const struct rf_uring_sqe *s = &r->sqe;
#define CALL(name, ...) call(k, RF_NR_##name, (const uint64_t[6]){ __VA_ARGS__ })
    switch (s->opcode) {
    case RF_URING_FSYNC: return s->op_flags & 1 ? CALL(fdatasync, (uint32_t)fd) : CALL(fsync, (uint32_t)fd);
    case RF_URING_SENDMSG: return CALL(sendmsg, (uint32_t)fd, s->addr, s->op_flags);
    case RF_URING_RECVMSG: return CALL(recvmsg, (uint32_t)fd, s->addr, s->op_flags);
    case RF_URING_SEND: return CALL(sendto, (uint32_t)fd, address, length, s->op_flags, 0, 0);
    case RF_URING_RECV: return CALL(recvfrom, (uint32_t)fd, address, length, s->op_flags, 0, 0);
    case RF_URING_ACCEPT: return CALL(accept4, (uint32_t)fd, s->addr, s->off, s->op_flags);
    case RF_URING_CONNECT: return connect_socket(k, r, fd);
    case RF_URING_SHUTDOWN: return CALL(shutdown, (uint32_t)fd, s->len);
    case RF_URING_FALLOCATE: return CALL(fallocate, (uint32_t)fd, s->len, s->off, s->addr);
    case RF_URING_FADVISE: return CALL(fadvise64, (uint32_t)fd, s->off, s->len, s->op_flags);
    case RF_URING_SPLICE: return -RF_EINVAL; /* below */
    case RF_URING_SYNC_FILE_RANGE: return CALL(fdatasync, (uint32_t)fd);
    default: return transfer(k, r, fd, address, length);
    }
}

static int64_t without_file(struct rf_kernel *k, request *r)
{
    const struct rf_uring_sqe *s = &r->sqe;
    const uint64_t fd = (uint32_t)s->fd, other = s->len; /* two directories: the second is in len */
    switch (s->opcode) {
    case RF_URING_NOP: return 0;
    case RF_URING_OPENAT: return s->file_index ? -RF_EINVAL : CALL(openat, fd, s->addr, s->op_flags, s->len);
    case RF_URING_OPENAT2: return s->file_index ? -RF_EINVAL : CALL(openat2, fd, s->addr, s->off, s->len);
    case RF_URING_CLOSE: return s->file_index ? -RF_EINVAL : CALL(close, fd);
    case RF_URING_STATX: return CALL(statx, fd, s->addr, s->op_flags, s->len, s->off);
    case RF_URING_MADVISE: return CALL(madvise, s->addr, s->len, s->op_flags);
    case RF_URING_EPOLL_CTL: return CALL(epoll_ctl, fd, s->len, s->off, s->addr);
    case RF_URING_RENAMEAT: return CALL(renameat2, fd, s->addr, other, s->off, s->op_flags);
    case RF_URING_UNLINKAT: return CALL(unlinkat, fd, s->addr, s->op_flags);
    case RF_URING_MKDIRAT: return CALL(mkdirat, fd, s->addr, s->len);
    case RF_URING_SYMLINKAT: return CALL(symlinkat, s->addr, fd, s->off);
    case RF_URING_LINKAT: return CALL(linkat, fd, s->addr, other, s->off, s->op_flags);
    case RF_URING_PROVIDE_BUFFERS: return provide(k, r);
    case RF_URING_REMOVE_BUFFERS: return withdraw(k, r);
    case RF_URING_FILES_UPDATE: return rf_uring_update_files(k, r->u, (uint32_t)s->off, s->addr, s->len);
    default: return -RF_EINVAL;
    }
}

/* --- polls, timeouts, cancels --- */

static int64_t poll_file(struct rf_kernel *k, request *r)
{
    uint32_t mask = r->sqe.op_flags | RF_POLLERR | RF_POLLHUP, ready = rf_file_poll(k, r->file, NULL) & mask;
    if (r->sqe.len & ~(uint32_t)RF_URING_POLL_ADD_MULTI)
        return -RF_EINVAL;
    if (!(r->sqe.len & RF_URING_POLL_ADD_MULTI))
        return ready ? (int64_t)ready : RF_URING_WOULD_WAIT;
    if (ready)
        rf_uring_post(k, r->u, r->sqe.user_data, ready, RF_CQE_F_MORE);
    return RF_URING_WOULD_WAIT;
}

static void timeout_expires(struct rf_kernel *k, void *owner)
{
    request *r = owner;
    rf_uring_complete(k, r, -RF_ETIME, 0);
}

static int64_t get_time(struct rf_kernel *k, uint64_t user, uint32_t flags, uint64_t *expires)
{
    struct rf_timespec t;
    if (RF_GET_USER(k, t, user))
        return -RF_EFAULT;
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000)
        return -RF_EINVAL;
    uint64_t ns = (uint64_t)t.tv_sec > INT64_MAX / 1000000000 - 1 ? INT64_MAX
                                                                   : (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
    uint64_t now = rf_clock_monotonic(k), real = rf_clock_realtime(k);
    if (!(flags & RF_URING_TIMEOUT_ABS))
        *expires = ns > INT64_MAX - now ? INT64_MAX : now + ns;
    else if (flags & RF_URING_TIMEOUT_REALTIME)
        *expires = ns > real ? now + (ns - real) : now;
    else
        *expires = ns;
    return 0;
}

static int64_t begin_timeout(struct rf_kernel *k, request *r)
{
    const uint32_t known = RF_URING_TIMEOUT_ABS | RF_URING_TIMEOUT_BOOTTIME | RF_URING_TIMEOUT_REALTIME |
                           RF_URING_TIMEOUT_ETIME_SUCCESS;
    uint64_t expires;
    if (r->sqe.buf_index || r->sqe.len != 1 || r->sqe.op_flags & ~known)
        return refuse(r, -RF_EINVAL);
    int64_t error = get_time(k, r->sqe.addr, r->sqe.op_flags, &expires);
    if (error)
        return refuse(r, error);
    r->state = RF_URING_TIMER;
    r->target = (uint32_t)r->sqe.off;
    r->timer.fire = timeout_expires;
    r->timer.owner = r;
    rf_timer_start(k, &r->timer, expires);
    return RF_URING_PENDING;
}

static int64_t change_timeout(struct rf_kernel *k, request *r)
{
    uint64_t expires;
    if (!(r->sqe.op_flags & RF_URING_TIMEOUT_UPDATE))
        return rf_uring_cancel(k, r->u, r, r->sqe.addr, 0, 0, RF_URING_TIMEOUT) ? 0 : -RF_ENOENT;
    int64_t error = get_time(k, r->sqe.off, r->sqe.op_flags, &expires);
    for (request *t = r->u->requests; !error && t; t = t->next)
        if (t->sqe.opcode == RF_URING_TIMEOUT && t->sqe.user_data == r->sqe.addr) {
            rf_timer_stop(k, &t->timer);
            rf_timer_start(k, &t->timer, expires);
            return 0;
        }
    return error ? error : -RF_ENOENT;
}

static int64_t cancel(struct rf_kernel *k, request *r)
{
    const uint32_t known = RF_URING_CANCEL_ALL | RF_URING_CANCEL_FD | RF_URING_CANCEL_ANY;
    uint32_t flags = r->sqe.op_flags;
    if (flags & ~known)
        return -RF_EINVAL;
    int64_t count = rf_uring_cancel(k, r->u, r, r->sqe.addr, r->sqe.fd, flags, -1);
    if (flags & (RF_URING_CANCEL_ALL | RF_URING_CANCEL_ANY))
        return count;
    return count ? 0 : -RF_ENOENT;
}

/* --- issue --- */

static int64_t run_on_file(struct rf_kernel *k, request *r, uint32_t *cqe_flags)
{
    bool select = r->sqe.flags & RF_SQE_BUFFER_SELECT && !writes(r->sqe.opcode);
    struct rf_uring_buffer *b = select ? take_buffer(r) : NULL;
    if (select && !b)
        return -RF_ENOBUFS;
    uint64_t length = b && (!r->sqe.len || r->sqe.len > b->size) ? b->size : r->sqe.len;
    uint32_t before = r->file->flags;
    rf_file_get(r->file);
    int64_t fd = rf_fd_install(k, r->file, 0, true);
    if (fd < 0) {
        rf_file_put(k, r->file);
        if (b)
            give_back(r, b);
        return fd;
    }
    r->file->flags |= RF_O_NONBLOCK;
    int64_t result = with_file(k, r, (int)fd, b ? b->address : r->sqe.addr, length);
    r->file->flags = before | (r->file->flags & RF_O_ASYNC);
    rf_fd_take_back(k, (int)fd);
    if (b && result > 0) {
        *cqe_flags = (uint32_t)b->id << 16 | RF_CQE_F_BUFFER;
        rf_kfree(k, b);
    } else if (b) {
        give_back(r, b);
    }
    bool may_wait = !(before & RF_O_NONBLOCK) && r->file->ops->poll && !(r->sqe.op_flags & RF_MSG_DONTWAIT);
    return result == -RF_EAGAIN && may_wait ? RF_URING_WOULD_WAIT : result;
}

static int64_t splice_files(struct rf_kernel *k, const request *r)
{
    const struct rf_uring_sqe *s = &r->sqe;
    if (s->op_flags & 1u << 31 /* SPLICE_F_FD_IN_FIXED */ || s->flags & RF_SQE_FIXED_FILE)
        return -RF_EINVAL;
    return s->opcode == RF_URING_TEE ? CALL(tee, s->file_index, (uint32_t)s->fd, s->len, s->op_flags | RF_SPLICE_F_NONBLOCK)
           : s->addr == UINT64_MAX && s->off == UINT64_MAX
               ? CALL(splice, s->file_index, 0, (uint32_t)s->fd, 0, s->len, s->op_flags | RF_SPLICE_F_NONBLOCK)
               : -RF_EINVAL; /* offsets are in the request, where splice's handler cannot read them */
}

int64_t rf_uring_issue(struct rf_kernel *k, request *r, uint32_t *cqe_flags)
{
    const struct rf_uring_sqe *s = &r->sqe;
    const uint8_t known = RF_SQE_FIXED_FILE | RF_SQE_IO_DRAIN | RF_SQE_IO_LINK | RF_SQE_IO_HARDLINK | RF_SQE_ASYNC |
                          RF_SQE_BUFFER_SELECT | RF_SQE_CQE_SKIP_SUCCESS;
    if (s->flags & (uint8_t)~known || !rf_uring_is_known(s->opcode) || s->personality)
        return refuse(r, -RF_EINVAL);
    if (uses_file(s->opcode) && !r->file) {
        r->file = find_file(k, r);
        if (!r->file)
            return -RF_EBADF;
        rf_file_get(r->file);
    }
    switch (s->opcode) {
    case RF_URING_POLL_ADD: return poll_file(k, r);
    case RF_URING_POLL_REMOVE:
        if (s->len)
            return -RF_EINVAL;
        return rf_uring_cancel(k, r->u, r, s->addr, 0, 0, RF_URING_POLL_ADD) ? 0 : -RF_ENOENT;
    case RF_URING_TIMEOUT: return begin_timeout(k, r);
    case RF_URING_TIMEOUT_REMOVE: return change_timeout(k, r);
    case RF_URING_ASYNC_CANCEL: return cancel(k, r);
    case RF_URING_LINK_TIMEOUT: return refuse(r, -RF_EINVAL); /* nothing is before it */
    case RF_URING_SPLICE:
    case RF_URING_TEE: return splice_files(k, r);
    case RF_URING_READ_FIXED:
    case RF_URING_WRITE_FIXED: {
        int64_t error = check_fixed(r);
        return error ? error : run_on_file(k, r, cqe_flags);
    }
    default: return uses_file(s->opcode) ? run_on_file(k, r, cqe_flags) : without_file(k, r);
    }
}

bool rf_uring_is_known(unsigned opcode)
{
    return opcode < RF_URING_OP_COUNT;
}

uint32_t rf_uring_events(const request *r)
{
    switch (r->sqe.opcode) {
    case RF_URING_POLL_ADD: return r->sqe.op_flags | RF_POLLERR | RF_POLLHUP;
    case RF_URING_CONNECT: case RF_URING_SEND: case RF_URING_SENDMSG: return RF_POLLOUT | RF_POLLERR | RF_POLLHUP;
    default: return (writes(r->sqe.opcode) ? RF_POLLOUT : RF_POLLIN) | RF_POLLERR | RF_POLLHUP;
    }
}

uint64_t rf_uring_wanted(const request *r)
{
    switch (r->sqe.opcode) {
    case RF_URING_READ: case RF_URING_WRITE: case RF_URING_READ_FIXED: case RF_URING_WRITE_FIXED: return r->sqe.len;
    default: return 0;
    }
}
