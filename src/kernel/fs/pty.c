/* Pseudo terminals: the files of both sides (drivers/tty/pty.c, tty_io.c, tty_ioctl.c). */
#include "kernel/fs/tty.h"

#include "kernel/signal/signal.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"
#include "kernel/vfs/poll.h"

#include <stdio.h>
#include <string.h>

#define TENTH_SECOND UINT64_C(100000000)

enum { TIOCGPKT = (int)0x80045438, TIOCGPTLCK = (int)0x80045439, TIOCGEXCL = (int)0x80045440, TIOCVHANGUP = 0x5437,
       TCSBRKP = 0x5425 };

static struct rf_pty *pty_of(const struct rf_file *file)
{
    return file->private_data;
}

struct rf_pty *rf_pty_of_tty(struct rf_tty *tty)
{
    return tty && tty->is_pty ? (struct rf_pty *)tty : NULL;
}

bool rf_file_is_pty(const struct rf_file *file)
{
    return file->ops == &rf_pty_master_ops || file->ops == &rf_pty_slave_ops;
}

void rf_pty_free(struct rf_kernel *k, struct rf_pty *pty)
{
    rf_tty_hang_up(k, &pty->tty);
    rf_wake(k, &pty->slave_wait);
    rf_wake(k, &pty->master_wait);
    rf_kfree(k, pty);
}

static bool is_closed(const struct rf_pty *pty)
{
    return pty->was_open && !pty->slaves;
}

/* A write that has to wait, or ends with what it has done. */
static int64_t wait_to_write(struct rf_kernel *k, struct rf_file *file, struct rf_wait_queue *q, uint64_t done)
{
    if (file->flags & RF_O_NONBLOCK || !k->current)
        return done ? (int64_t)done : -RF_EAGAIN;
    k->current->scratch[0] = done;
    int64_t result = rf_sleep_on(k, q);
    return result != RF_BLOCKED && done ? (int64_t)done : result;
}

static uint64_t begin_write(struct rf_kernel *k, struct rf_uio *uio)
{
    uint64_t done = k->current ? k->current->scratch[0] : 0; /* before it had to wait */
    rf_uio_skip(uio, done);
    return done;
}

/* --- the slave --- */

/* How many bytes a raw read waits for. */
static uint64_t least_bytes(const struct rf_pty *pty, const struct rf_uio *uio)
{
    uint64_t least = pty->termios.c_cc[RF_VMIN];
    return least > uio->left ? uio->left : least;
}

static int64_t take(struct rf_kernel *k, struct rf_pty *pty, struct rf_uio *uio)
{
    int64_t done = rf_tty_take(pty, uio);
    rf_wake_for(k, &pty->master_wait, RF_POLLOUT | RF_POLLWRNORM);
    return done;
}

static int64_t read_raw(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio)
{
    struct rf_pty *pty = pty_of(file);
    uint64_t n = pty->head - pty->tail, least = least_bytes(pty, uio), time = pty->termios.c_cc[RF_VTIME];
    if ((n && n >= least) || (!least && !time))
        return take(k, pty, uio);
    if (file->flags & RF_O_NONBLOCK)
        return n ? take(k, pty, uio) : -RF_EAGAIN;
    if (time && (n || !least)) {
        rf_sleep_deadline(k, time * TENTH_SECOND);
        if (rf_deadline_passed(k))
            return take(k, pty, uio);
    }
    int64_t result = rf_sleep_on(k, &pty->slave_wait);
    return result != RF_BLOCKED && n ? take(k, pty, uio) : result;
}

static int64_t slave_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    struct rf_pty *pty = pty_of(file);
    (void)pos;
    if (pty->hung_up)
        return 0;
    int64_t refused = k->current ? rf_tty_check(k, &pty->tty, RF_SIGTTIN) : 0;
    if (refused || !uio->left)
        return refused;
    if (!(pty->termios.c_lflag & RF_ICANON))
        return read_raw(k, file, uio);
    if (rf_tty_has_line(pty))
        return take(k, pty, uio);
    return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on(k, &pty->slave_wait);
}

static int64_t slave_write(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    struct rf_pty *pty = pty_of(file);
    (void)pos;
    int64_t refused = k->current && pty->termios.c_lflag & RF_TOSTOP ? rf_tty_check(k, &pty->tty, RF_SIGTTOU) : 0;
    if (refused)
        return refused;
    uint64_t done = begin_write(k, uio), before = done;
    bool fault = false;
    while (!pty->hung_up && !pty->stopped && uio->left && !fault) {
        uint8_t c;
        if (RF_PTY_OUTPUT - (pty->out_head - pty->out_tail) < 8) /* the widest that one byte becomes: a tab */
            break;
        fault = rf_uio_get(uio, &c, 1) != 1;
        if (!fault && rf_tty_put(pty, c))
            done++;
    }
    if (done != before)
        rf_wake_for(k, &pty->master_wait, RF_POLLIN | RF_POLLRDNORM);
    if (pty->hung_up || fault)
        return done ? (int64_t)done : pty->hung_up ? -RF_EIO : -RF_EFAULT;
    return uio->left ? wait_to_write(k, file, &pty->slave_wait, done) : (int64_t)done;
}

static uint32_t slave_poll(struct rf_kernel *k, struct rf_file *file, struct rf_poll_request *request)
{
    struct rf_pty *pty = pty_of(file);
    (void)k;
    rf_poll_add(request, &pty->slave_wait);
    if (pty->hung_up)
        return RF_POLLIN | RF_POLLOUT | RF_POLLERR | RF_POLLHUP | RF_POLLRDNORM | RF_POLLWRNORM;
    const uint8_t *cc = pty->termios.c_cc;
    uint64_t least = !cc[RF_VTIME] && cc[RF_VMIN] ? cc[RF_VMIN] : 1;
    bool readable = pty->termios.c_lflag & RF_ICANON ? rf_tty_has_line(pty) : pty->head - pty->tail >= least;
    bool writable = !pty->stopped && RF_PTY_OUTPUT - (pty->out_head - pty->out_tail) >= 8;
    return (readable ? RF_POLLIN | RF_POLLRDNORM : 0) | (writable ? RF_POLLOUT | RF_POLLWRNORM : 0);
}

static void slave_release(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_pty *pty = pty_of(file);
    pty->slaves--;
    rf_wake(k, &pty->master_wait);
}

int64_t rf_pty_open_slave(struct rf_kernel *k, struct rf_inode *inode, struct rf_file *file)
{
    struct rf_pty *pty = inode->private_data;
    if (!pty->master || pty->hung_up || pty->locked)
        return -RF_EIO;
    if (pty->exclusive && !rf_capable(k, RF_CAP_SYS_ADMIN))
        return -RF_EBUSY;
    file->ops = &rf_pty_slave_ops;
    file->private_data = pty;
    file->mode |= RF_FMODE_STREAM;
    pty->slaves++;
    pty->was_open = true;
    const struct rf_process *p = k->current ? k->current->process : NULL;
    if (p && !(file->flags & RF_O_NOCTTY) && p->pid == p->sid && !p->tty && !pty->tty.session &&
        file->mode & RF_FMODE_READ)
        rf_tty_acquire(k, &pty->tty);
    rf_wake(k, &pty->master_wait);
    return 0;
}

/* --- the master --- */

static int64_t master_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    struct rf_pty *pty = pty_of(file);
    (void)pos;
    if (!uio->left)
        return 0;
    uint8_t zero = 0;
    if (pty->packet && pty->status) {
        if (rf_uio_put(uio, &pty->status, 1) != 1)
            return -RF_EFAULT;
        pty->status = 0;
        return 1;
    }
    if (!rf_tty_shown(pty)) {
        if (is_closed(pty))
            return -RF_EIO;
        return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on(k, &pty->master_wait);
    }
    int64_t done = 0;
    if (pty->packet && rf_uio_put(uio, &zero, 1) != 1)
        return -RF_EFAULT;
    done += pty->packet;
    while (uio->left && rf_tty_shown(pty)) {
        size_t at = pty->out_tail % RF_PTY_OUTPUT, n = RF_PTY_OUTPUT - at;
        n = n < rf_tty_shown(pty) ? n : (size_t)rf_tty_shown(pty);
        n = n < uio->left ? n : (size_t)uio->left;
        size_t moved = rf_uio_put(uio, pty->output + at, n);
        pty->out_tail += moved;
        done += (int64_t)moved;
        if (moved < n)
            break;
    }
    rf_wake_for(k, &pty->slave_wait, RF_POLLOUT | RF_POLLWRNORM);
    return done ? done : -RF_EFAULT;
}

static int64_t master_write(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    struct rf_pty *pty = pty_of(file);
    (void)pos;
    uint64_t done = begin_write(k, uio);
    uint64_t output = pty->out_head;
    if (!pty->stopped)
        pty->shown = output;
    bool fault = false;
    while (uio->left && !fault && rf_tty_room(pty)) {
        uint8_t c;
        fault = rf_uio_get(uio, &c, 1) != 1;
        if (!fault) {
            rf_tty_receive(k, pty, c);
            done++;
        }
    }
    if (pty->out_head != output)
        rf_wake_for(k, &pty->master_wait, RF_POLLIN | RF_POLLRDNORM);
    if (fault)
        return done ? (int64_t)done : -RF_EFAULT;
    return uio->left ? wait_to_write(k, file, &pty->master_wait, done) : (int64_t)done;
}

static uint32_t master_poll(struct rf_kernel *k, struct rf_file *file, struct rf_poll_request *request)
{
    struct rf_pty *pty = pty_of(file);
    (void)k;
    rf_poll_add(request, &pty->master_wait);
    uint32_t ready = rf_tty_shown(pty) ? RF_POLLIN | RF_POLLRDNORM : 0;
    if (pty->packet && pty->status)
        ready |= RF_POLLIN | RF_POLLRDNORM | RF_POLLPRI;
    if (is_closed(pty))
        ready |= RF_POLLHUP;
    return ready | (rf_tty_room(pty) ? RF_POLLOUT | RF_POLLWRNORM : 0);
}

static void hang_up(struct rf_kernel *k, struct rf_pty *pty)
{
    pty->hung_up = true;
    rf_tty_hang_up(k, &pty->tty);
    rf_wake(k, &pty->slave_wait);
    rf_wake(k, &pty->master_wait);
}

static void master_release(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_pty *pty = pty_of(file);
    struct rf_inode *node = pty->node;
    pty->master = false;
    hang_up(k, pty);
    rf_devpts_remove(k, pty);
    rf_inode_put(k, node); /* the last: pty is gone */
}

/* --- requests --- */

static int64_t get_termios(struct rf_kernel *k, const struct rf_pty *pty, uint64_t user, bool second)
{
    size_t size = second ? sizeof(struct rf_termios2) : sizeof(struct rf_termios);
    return rf_copy_to_user(k, user, &pty->termios, size) ? -RF_EFAULT : 0; /* the first 36 bytes are the same */
}

/* when: 0 at once, 1 after output is written (it is), 2 and input is thrown away. */
static int64_t set_termios(struct rf_kernel *k, struct rf_pty *pty, uint64_t user, bool second, unsigned when)
{
    struct rf_termios2 termios = pty->termios;
    size_t size = second ? sizeof termios : sizeof(struct rf_termios);
    int64_t refused = rf_tty_check(k, &pty->tty, RF_SIGTTOU);
    if (refused)
        return refused;
    if (rf_copy_from_user(k, &termios, user, size))
        return -RF_EFAULT;
    termios.c_cflag = (termios.c_cflag & ~(uint32_t)(RF_CSIZE | RF_PARENB)) | RF_CS8 | RF_CREAD; /* pty_set_termios */
    termios.c_line = pty->termios.c_line;
    if (when == 2)
        rf_tty_flush_input(k, pty);
    rf_tty_set_termios(k, pty, &termios);
    return 0;
}

static int64_t termios_ioctl(struct rf_kernel *k, struct rf_pty *pty, uint32_t command, uint64_t argument)
{
    switch (command) {
    case RF_TCGETS: return get_termios(k, pty, argument, false);
    case RF_TCGETS2: return get_termios(k, pty, argument, true);
    case RF_TCSETS:
    case RF_TCSETSW:
    case RF_TCSETSF: return set_termios(k, pty, argument, false, command - RF_TCSETS);
    default: return set_termios(k, pty, argument, true, command - RF_TCSETS2);
    }
}

static int64_t set_size(struct rf_kernel *k, struct rf_pty *pty, uint64_t user)
{
    struct rf_winsize size;
    if (RF_GET_USER(k, size, user))
        return -RF_EFAULT;
    if (memcmp(&size, &pty->size, sizeof size) == 0)
        return 0;
    pty->size = size;
    if (pty->tty.foreground)
        rf_group_signal(k, pty->tty.foreground, RF_SIGWINCH);
    return 0;
}

/* TCXONC: 0 and 1 stop and start the output, 2 and 3 have the other side do so. */
static int64_t flow(struct rf_kernel *k, struct rf_pty *pty, uint64_t action)
{
    int64_t refused = rf_tty_check(k, &pty->tty, RF_SIGTTOU);
    if (refused)
        return refused;
    switch (action) {
    case 0:
        pty->shown = pty->out_head;
        rf_tty_stop(k, pty);
        return 0;
    case 1: rf_tty_start(k, pty); return 0;
    case 2:
    case 3:
        if (pty->termios.c_cc[action == 2 ? RF_VSTOP : RF_VSTART])
            rf_tty_put_raw(pty, pty->termios.c_cc[action == 2 ? RF_VSTOP : RF_VSTART]);
        rf_wake(k, &pty->master_wait);
        return 0;
    default: return -RF_EINVAL;
    }
}

/* TCFLSH: 0 input, 1 output, 2 both. */
static int64_t flush(struct rf_kernel *k, struct rf_pty *pty, uint64_t which)
{
    int64_t refused = rf_tty_check(k, &pty->tty, RF_SIGTTOU);
    if (refused || which > 2)
        return refused ? refused : -RF_EINVAL;
    if (which != 1)
        rf_tty_flush_input(k, pty);
    if (which != 0) {
        pty->out_tail = pty->shown = pty->out_head;
        if (pty->packet)
            pty->status |= 2; /* TIOCPKT_FLUSHWRITE */
        rf_wake(k, &pty->slave_wait);
        rf_wake(k, &pty->master_wait);
    }
    return 0;
}

static int64_t put_int(struct rf_kernel *k, uint64_t user, int32_t value)
{
    return RF_PUT_USER(k, user, value) ? -RF_EFAULT : 0;
}

/* What both sides answer. master: asked there. */
static int64_t common_ioctl(struct rf_kernel *k, struct rf_file *file, uint32_t command, uint64_t argument, bool master)
{
    struct rf_pty *pty = pty_of(file);
    char c;
    switch (command) {
    case RF_TCGETS:
    case RF_TCSETS:
    case RF_TCSETSW:
    case RF_TCSETSF:
    case RF_TCGETS2:
    case RF_TCSETS2:
    case RF_TCSETSW2:
    case RF_TCSETSF2: return termios_ioctl(k, pty, command, argument);
    case RF_TIOCGPGRP:
    case RF_TIOCSPGRP:
    case RF_TIOCGSID:
    case RF_TIOCSCTTY:
    case RF_TIOCNOTTY: return rf_tty_job_ioctl(k, &pty->tty, file, command, argument, master);
    case RF_TIOCGWINSZ: return rf_copy_to_user(k, argument, &pty->size, sizeof pty->size) ? -RF_EFAULT : 0;
    case RF_TIOCSWINSZ: return set_size(k, pty, argument);
    case RF_TIOCOUTQ: return put_int(k, argument, 0);
    case RF_FIONREAD:
        return put_int(k, argument, (int32_t)(master ? rf_tty_shown(pty) : rf_tty_readable(pty)));
    case RF_TCSBRK:
    case TCSBRKP: return rf_tty_check(k, &pty->tty, RF_SIGTTOU);
    case RF_TCXONC: return flow(k, pty, argument);
    case RF_TCFLSH: return flush(k, pty, argument);
    case RF_TIOCEXCL: pty->exclusive = true; return 0;
    case RF_TIOCNXCL: pty->exclusive = false; return 0;
    case TIOCGEXCL: return put_int(k, argument, pty->exclusive);
    case RF_TIOCGETD: return put_int(k, argument, 0); /* N_TTY */
    case RF_TIOCSTI: /* dev.tty.legacy_tiocsti is 0 */
        if (!rf_capable(k, RF_CAP_SYS_ADMIN))
            return -RF_EIO;
        if (RF_GET_USER(k, c, argument))
            return -RF_EFAULT;
        rf_tty_receive(k, pty, (uint8_t)c);
        return 0;
    case TIOCVHANGUP:
        if (!rf_capable(k, RF_CAP_SYS_ADMIN))
            return -RF_EPERM;
        hang_up(k, pty);
        return 0;
    default: return -RF_ENOTTY;
    }
}

static int64_t slave_ioctl(struct rf_kernel *k, struct rf_file *file, uint32_t command, uint64_t argument)
{
    if (pty_of(file)->hung_up)
        return command == RF_TIOCSPGRP ? -RF_ENOTTY : -RF_EIO;
    return common_ioctl(k, file, command, argument, false);
}

/* TIOCGPTPEER: a descriptor of the slave, also where its name cannot be reached. */
static int64_t open_peer(struct rf_kernel *k, struct rf_pty *pty, uint32_t flags)
{
    char name[16];
    struct rf_dentry *root = pty->node->mount->root, *dentry;
    struct rf_file *file;
    if (!root)
        return -RF_EIO;
    snprintf(name, sizeof name, "%u", pty->index);
    int64_t result = rf_dentry_child(k, root, name, &dentry);
    if (result)
        return result;
    bool locked = pty->locked;
    pty->locked = false; /* the master may */
    result = rf_dentry_open(k, dentry, flags & ~(uint32_t)RF_O_CLOEXEC, true, &file);
    pty->locked = locked;
    rf_dentry_put(k, dentry);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, flags & RF_O_CLOEXEC);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static int64_t master_ioctl(struct rf_kernel *k, struct rf_file *file, uint32_t command, uint64_t argument)
{
    struct rf_pty *pty = pty_of(file);
    int32_t value;
    switch (command) {
    case RF_TIOCGPTN: return put_int(k, argument, (int32_t)pty->index);
    case TIOCGPTLCK: return put_int(k, argument, pty->locked);
    case TIOCGPKT: return put_int(k, argument, pty->packet);
    case RF_TIOCSPTLCK:
        if (RF_GET_USER(k, value, argument))
            return -RF_EFAULT;
        pty->locked = value != 0;
        return 0;
    case RF_TIOCPKT:
        if (RF_GET_USER(k, value, argument))
            return -RF_EFAULT;
        if (value && !pty->packet)
            pty->status = 0;
        pty->packet = value != 0;
        return 0;
    case RF_TIOCGPTPEER: return open_peer(k, pty, (uint32_t)argument);
    default: return common_ioctl(k, file, command, argument, true);
    }
}

const struct rf_file_ops rf_pty_slave_ops = {
    .read = slave_read,
    .write = slave_write,
    .ioctl = slave_ioctl,
    .poll = slave_poll,
    .release = slave_release,
};
const struct rf_file_ops rf_pty_master_ops = {
    .read = master_read,
    .write = master_write,
    .ioctl = master_ioctl,
    .poll = master_poll,
    .release = master_release,
};
