/* The host's standard input, output and error as files of the machine.
 *
 * Bytes go straight through. A read waits for the host without blocking the host thread; a
 * write blocks it, as a write to a slow terminal does. Bytes that were read and could not be
 * given to the program (a bad address) are kept for its next read. */
#include "kernel/fs/fs.h"
#include "kernel/fs/tty.h"
#include "kernel/namespace/namespace.h"
#include "kernel/signal/signal.h"
#include "kernel/task/session.h"
#include "kernel/task/task.h"
#include "kernel/vfs/poll.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 4096u

struct stdio {
    int host_fd;
    bool is_tty, seekable, may_break; /* may_break: writing can raise SIGPIPE */
    uint32_t kept_at, kept_end;
    uint8_t kept[CHUNK];
};

static struct stdio *stdio_of(const struct rf_inode *inode)
{
    return inode->private_data;
}

/* Host error numbers are Linux': the two sides agree. */
static int64_t host_error(void)
{
    return -errno;
}

/* --- reading and writing --- */

static int64_t give_kept(struct stdio *s, struct rf_uio *uio)
{
    size_t n = s->kept_end - s->kept_at;
    if (n > uio->left)
        n = (size_t)uio->left;
    size_t moved = rf_uio_put(uio, s->kept + s->kept_at, n);
    s->kept_at += (uint32_t)moved;
    return moved || !n ? (int64_t)moved : -RF_EFAULT;
}

static int64_t stdio_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                          uint64_t *pos)
{
    struct stdio *s = stdio_of(file->inode);
    bool positioned = s->seekable && pos != &file->pos;
    int64_t refused = s->is_tty && k->current ? rf_tty_check(k, &k->vfs->console, RF_SIGTTIN) : 0;
    if (refused || uio->left == 0)
        return refused;
    if (positioned) {
        uint8_t bytes[CHUNK];
        size_t want = uio->left < CHUNK ? (size_t)uio->left : CHUNK;
        ssize_t got = pread(s->host_fd, bytes, want, (off_t)*pos);
        if (got <= 0)
            return got ? host_error() : 0;
        size_t moved = rf_uio_put(uio, bytes, (size_t)got);
        *pos += moved;
        return moved ? (int64_t)moved : -RF_EFAULT;
    }
    if (s->kept_at == s->kept_end) {
        if (!(rf_poll_host_now(s->host_fd, POLLIN) & (POLLIN | POLLHUP | POLLERR)))
            return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN
                                               : rf_sleep_on_host(k, s->host_fd, POLLIN);
        ssize_t got;
        do
            got = read(s->host_fd, s->kept, uio->left < CHUNK ? (size_t)uio->left : CHUNK);
        while (got < 0 && errno == EINTR);
        if (got < 0 && errno == EAGAIN)
            return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN
                                               : rf_sleep_on_host(k, s->host_fd, POLLIN);
        if (got <= 0)
            return got ? host_error() : 0;
        s->kept_at = 0;
        s->kept_end = (uint32_t)got;
    }
    return give_kept(s, uio);
}

/* write(2) that turns SIGPIPE into EPIPE alone, whatever the host program does with it. */
static ssize_t write_quietly(const struct stdio *s, const void *bytes, size_t size)
{
    if (!s->may_break)
        return write(s->host_fd, bytes, size);
    sigset_t pipe_set, before, pending;
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &before);
    ssize_t result = write(s->host_fd, bytes, size);
    int error = errno;
    if (result < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE)) {
        const struct timespec at_once = { 0, 0 };
        while (sigtimedwait(&pipe_set, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return result;
}

static int64_t write_refused(struct rf_kernel *k, struct rf_file *file, const struct stdio *s)
{
    if (errno == EAGAIN) /* the host's descriptor does not block */
        return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on_host(k, s->host_fd, POLLOUT);
    if (errno == EPIPE)
        rf_signal_send_current(k, RF_SIGPIPE);
    return host_error();
}

/* Background processes may write unless the terminal says TOSTOP. */
static int64_t check_write(struct rf_kernel *k, const struct stdio *s)
{
    struct rf_termios termios;
    if (!s->is_tty || !rf_tty_is_controlling(k, &k->vfs->console) ||
        k->current->process->pgid == k->vfs->console.foreground)
        return 0;
    if (ioctl(s->host_fd, RF_TCGETS, &termios) < 0 || !(termios.c_lflag & RF_TOSTOP))
        return 0;
    return rf_tty_check(k, &k->vfs->console, RF_SIGTTOU);
}

static int64_t stdio_write(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                           uint64_t *pos)
{
    struct stdio *s = stdio_of(file->inode);
    bool positioned = s->seekable && pos != &file->pos;
    uint8_t bytes[CHUNK];
    uint64_t done = 0;
    int64_t refused = k->current ? check_write(k, s) : 0;
    if (refused)
        return refused;
    while (uio->left) {
        size_t got = rf_uio_get(uio, bytes, uio->left < CHUNK ? (size_t)uio->left : CHUNK);
        if (got == 0)
            return done ? (int64_t)done : -RF_EFAULT;
        size_t put = 0;
        while (put < got) {
            ssize_t n = positioned ? pwrite(s->host_fd, bytes + put, got - put, (off_t)*pos)
                                   : write_quietly(s, bytes + put, got - put);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0 && done + put)
                return (int64_t)(done + put);
            if (n <= 0)
                return n ? write_refused(k, file, s) : 0;
            put += (size_t)n;
            if (positioned)
                *pos += (uint64_t)n;
        }
        done += got;
    }
    return (int64_t)done;
}

static int64_t stdio_seek(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    (void)k;
    struct stdio *s = stdio_of(file->inode);
    if (s->kept_at != s->kept_end && whence == RF_SEEK_CUR)
        offset -= s->kept_end - s->kept_at;
    off_t at = lseek(s->host_fd, offset, whence);
    if (at < 0)
        return host_error();
    s->kept_at = s->kept_end = 0;
    return at;
}

static uint32_t stdio_poll(struct rf_kernel *k, struct rf_file *file,
                           struct rf_poll_request *request)
{
    (void)k;
    struct stdio *s = stdio_of(file->inode);
    short events = (short)((file->mode & RF_FMODE_READ ? POLLIN : 0) |
                           (file->mode & RF_FMODE_WRITE ? POLLOUT : 0));
    uint32_t ready = rf_poll_host_now(s->host_fd, events);
    if (s->kept_at != s->kept_end)
        ready |= RF_POLLIN | RF_POLLRDNORM;
    if (request && (events & POLLIN) && !(ready & POLLIN))
        rf_poll_add_host(request, s->host_fd, POLLIN);
    if (request && (events & POLLOUT) && !(ready & POLLOUT))
        rf_poll_add_host(request, s->host_fd, POLLOUT);
    return ready;
}

/* --- terminals --- */

/* Requests whose argument is a struct that goes to or comes from the host's terminal as it
 * is: host and guest have the same layout. */
static const struct forwarded {
    uint32_t command;
    uint16_t size;
    bool in, out;
} forwarded[] = {
    { RF_TCGETS, sizeof(struct rf_termios), false, true },
    { RF_TCSETS, sizeof(struct rf_termios), true, false },
    { RF_TCSETSW, sizeof(struct rf_termios), true, false },
    { RF_TCSETSF, sizeof(struct rf_termios), true, false },
    { RF_TCGETS2, sizeof(struct rf_termios2), false, true },
    { RF_TCSETS2, sizeof(struct rf_termios2), true, false },
    { RF_TCSETSW2, sizeof(struct rf_termios2), true, false },
    { RF_TCSETSF2, sizeof(struct rf_termios2), true, false },
    { RF_TIOCGWINSZ, sizeof(struct rf_winsize), false, true },
    { RF_TIOCOUTQ, sizeof(int32_t), false, true },
};

static int64_t forward(struct rf_kernel *k, const struct stdio *s, const struct forwarded *f,
                       uint64_t user)
{
    uint8_t bytes[sizeof(struct rf_termios2)];
    int64_t refused = f->in ? rf_tty_check(k, &k->vfs->console, RF_SIGTTOU) : 0;
    if (refused)
        return refused;
    if (f->in && rf_copy_from_user(k, bytes, user, f->size))
        return -RF_EFAULT;
    if (ioctl(s->host_fd, f->command, bytes) < 0)
        return host_error();
    return f->out ? rf_copy_to_user(k, user, bytes, f->size) : 0;
}

static int64_t bytes_readable(struct rf_kernel *k, const struct stdio *s, uint64_t user)
{
    int count = 0;
    if (ioctl(s->host_fd, FIONREAD, &count) < 0)
        return host_error();
    int32_t total = count + (int32_t)(s->kept_end - s->kept_at);
    return RF_PUT_USER(k, user, total);
}

int64_t rf_stdio_ioctl(struct rf_kernel *k, struct rf_file *file, uint32_t command,
                       uint64_t argument)
{
    const struct stdio *s = stdio_of(file->inode);
    int64_t refused;
    if (command == RF_FIONREAD)
        return bytes_readable(k, s, argument);
    if (!s->is_tty)
        return -RF_ENOTTY;
    for (size_t i = 0; i < RF_ARRAY_SIZE(forwarded); i++)
        if (forwarded[i].command == command)
            return forward(k, s, &forwarded[i], argument);
    switch (command) {
    case RF_TIOCGPGRP:
    case RF_TIOCSPGRP:
    case RF_TIOCGSID:
    case RF_TIOCSCTTY:
    case RF_TIOCNOTTY: return rf_tty_job_ioctl(k, &k->vfs->console, file, command, argument, false);
    case RF_TCSBRK:
    case RF_TCFLSH:
    case RF_TCXONC:
        if ((refused = rf_tty_check(k, &k->vfs->console, RF_SIGTTOU)))
            return refused;
        return ioctl(s->host_fd, command, (int)argument) < 0 ? host_error() : 0;
    default: return -RF_ENOTTY;
    }
}

bool rf_stdio_is_tty(const struct rf_inode *inode)
{
    return inode && stdio_of(inode)->is_tty;
}

static int64_t stdio_fsync(struct rf_kernel *k, struct rf_file *file)
{
    (void)k;
    return fsync(stdio_of(file->inode)->host_fd) < 0 ? host_error() : 0;
}

const struct rf_file_ops rf_stdio_ops = {
    .read = stdio_read,
    .write = stdio_write,
    .seek = stdio_seek,
    .ioctl = rf_stdio_ioctl,
    .poll = stdio_poll,
    .fsync = stdio_fsync,
};

/* --- inodes --- */

static struct rf_timespec from_host(struct timespec t)
{
    return (struct rf_timespec){ t.tv_sec, t.tv_nsec };
}

static int64_t stdio_getattr(struct rf_kernel *k, struct rf_inode *inode)
{
    (void)k;
    struct stat st;
    if (fstat(stdio_of(inode)->host_fd, &st) < 0)
        return host_error();
    inode->mode = st.st_mode;
    inode->uid = st.st_uid;
    inode->gid = st.st_gid;
    inode->nlink = (uint32_t)st.st_nlink;
    inode->ino = st.st_ino;
    inode->rdev = st.st_rdev;
    inode->size = (uint64_t)st.st_size;
    inode->blocks = (uint64_t)st.st_blocks;
    inode->atime = from_host(st.st_atim);
    inode->mtime = from_host(st.st_mtim);
    inode->ctime = from_host(st.st_ctim);
    return 0;
}

/* Size alone: what the descriptor that was passed on lets everybody do. */
static int64_t stdio_setattr(struct rf_kernel *k, struct rf_inode *inode,
                             const struct rf_attributes *change)
{
    if (!(change->mask & RF_ATTR_SIZE))
        return -RF_EPERM;
    if (ftruncate(stdio_of(inode)->host_fd, (off_t)change->size) < 0)
        return host_error();
    return stdio_getattr(k, inode);
}

static int64_t stdio_open(struct rf_kernel *k, struct rf_inode *inode, struct rf_file *file)
{
    (void)k;
    file->ops = &rf_stdio_ops;
    file->host_fd = stdio_of(inode)->host_fd;
    if (!stdio_of(inode)->seekable)
        file->mode |= RF_FMODE_STREAM;
    return 0;
}

static void stdio_destroy(struct rf_kernel *k, struct rf_inode *inode)
{
    rf_kfree(k, inode->private_data);
}

static const struct rf_inode_ops stdio_inode_ops = {
    .getattr = stdio_getattr,
    .setattr = stdio_setattr,
    .open = stdio_open,
    .destroy = stdio_destroy,
};

static struct rf_inode *stdio_inode(struct rf_kernel *k, int host_fd)
{
    struct stdio *s = rf_kalloc(k, sizeof *s);
    struct rf_inode *inode = s ? rf_inode_alloc(k, k->vfs->pipes, RF_S_IFCHR | 0600) : NULL;
    if (!inode) {
        rf_kfree(k, s);
        return NULL;
    }
    s->host_fd = host_fd;
    s->is_tty = isatty(host_fd);
    s->seekable = !s->is_tty && lseek(host_fd, 0, SEEK_CUR) >= 0;
    inode->private_data = s;
    inode->ops = &stdio_inode_ops;
    stdio_getattr(k, inode); /* a closed descriptor fails when it is used */
    s->may_break = RF_S_ISFIFO(inode->mode) || RF_S_ISSOCK(inode->mode);
    return inode;
}

struct rf_file *rf_vfs_host_stdio(struct rf_kernel *k, int host_fd, uint32_t flags)
{
    bool standard = host_fd >= 0 && host_fd < 3;
    struct rf_inode *inode = standard ? k->vfs->stdio[host_fd] : NULL;
    if (inode)
        rf_inode_get(inode);
    else
        inode = stdio_inode(k, host_fd);
    if (!inode)
        return NULL;
    if (standard && !k->vfs->stdio[host_fd]) {
        rf_inode_get(inode);
        k->vfs->stdio[host_fd] = inode;
    }
    struct rf_file *file = rf_file_alloc(k, &rf_stdio_ops, inode, NULL, flags);
    if (file)
        stdio_open(k, inode, file);
    rf_inode_put(k, inode);
    return file;
}
