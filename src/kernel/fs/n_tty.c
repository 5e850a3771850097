/* The line discipline of pseudo terminals: what becomes of a byte that is typed (editing, echo, signals, flow) and of one
 * that a program writes. The rules are those of Linux' drivers/tty/n_tty.c. */
#include "kernel/fs/tty.h"

#include "kernel/signal/signal.h"
#include "kernel/vfs/poll.h"

#include <string.h>

#define DISABLED 0 /* _POSIX_VDISABLE: what stands in the buffer for an end of file */

const struct rf_termios2 rf_pty_termios = {
    .c_iflag = RF_ICRNL | RF_IXON,
    .c_oflag = RF_OPOST | RF_ONLCR,
    .c_cflag = RF_B38400 | RF_CS8 | RF_CREAD,
    .c_lflag = RF_ISIG | RF_ICANON | RF_ECHO | RF_ECHOE | RF_ECHOK | RF_ECHOCTL | RF_ECHOKE | RF_IEXTEN,
    .c_cc = { 3, 034, 0177, 025, 4, 0, 1, 0, 021, 023, 032, 0, 022, 017, 027, 026, 0 },
    .c_ispeed = 38400,
    .c_ospeed = 38400,
};

static bool local(const struct rf_pty *pty, uint32_t flag) { return pty->termios.c_lflag & flag; }
static bool input(const struct rf_pty *pty, uint32_t flag) { return pty->termios.c_iflag & flag; }
static bool output(const struct rf_pty *pty, uint32_t flag) { return pty->termios.c_oflag & flag; }

static bool is(const struct rf_pty *pty, unsigned which, uint8_t c)
{
    return c != DISABLED && pty->termios.c_cc[which] == c;
}

static bool is_control(uint8_t c)
{
    return c < 32 || c == 127;
}

static bool is_continuation(const struct rf_pty *pty, uint8_t c)
{
    return input(pty, RF_IUTF8) && (c & 0xc0) == 0x80;
}

/* --- to the master --- */

bool rf_tty_put_raw(struct rf_pty *pty, uint8_t c)
{
    if (pty->out_head - pty->out_tail >= RF_PTY_OUTPUT)
        return false;
    pty->output[pty->out_head++ % RF_PTY_OUTPUT] = c;
    return true;
}

static bool put_text(struct rf_pty *pty, const char *text, size_t length)
{
    if (RF_PTY_OUTPUT - (pty->out_head - pty->out_tail) < length)
        return false;
    for (size_t i = 0; i < length; i++)
        rf_tty_put_raw(pty, (uint8_t)text[i]);
    return true;
}

static bool put_newline(struct rf_pty *pty)
{
    if (output(pty, RF_ONLRET))
        pty->column = 0;
    bool both = output(pty, RF_ONLCR);
    if (!(both ? put_text(pty, "\r\n", 2) : rf_tty_put_raw(pty, '\n')))
        return false;
    if (both)
        pty->column = 0;
    pty->canon_column = pty->column;
    return true;
}

static bool put_tab(struct rf_pty *pty)
{
    uint32_t spaces = 8 - pty->column % 8;
    bool expand = (pty->termios.c_oflag & RF_TABDLY) == RF_TABDLY; /* XTABS */
    if (!(expand ? put_text(pty, "        ", spaces) : rf_tty_put_raw(pty, '\t')))
        return false;
    pty->column += spaces;
    return true;
}

/* do_output_char */
bool rf_tty_put(struct rf_pty *pty, uint8_t c)
{
    if (!output(pty, RF_OPOST))
        return rf_tty_put_raw(pty, c);
    if (c == '\r' && output(pty, RF_ONOCR) && pty->column == 0)
        return true;
    if (c == '\n')
        return put_newline(pty);
    if (c == '\t')
        return put_tab(pty);
    bool upper = output(pty, RF_OLCUC) && c >= 'a' && c <= 'z', returns = c == '\r';
    if (returns && output(pty, RF_OCRNL))
        c = '\n';
    if (!rf_tty_put_raw(pty, upper ? (uint8_t)(c - 32) : c))
        return false;
    if (returns && (c == '\r' || output(pty, RF_ONLRET)))
        pty->canon_column = pty->column = 0;
    else if (c == '\b' && pty->column)
        pty->column--;
    else if (!is_control(c) && !is_continuation(pty, c))
        pty->column++;
    return true;
}

/* --- echo --- */

static void echo_raw(struct rf_pty *pty, uint8_t c)
{
    rf_tty_put(pty, c); /* what has no room is lost */
}

static void echo(struct rf_pty *pty, uint8_t c)
{
    if (local(pty, RF_ECHOCTL) && is_control(c) && c != '\t') {
        rf_tty_put(pty, '^');
        rf_tty_put(pty, c ^ 0100);
    } else {
        rf_tty_put(pty, c);
    }
}

static void back_one(struct rf_pty *pty)
{
    put_text(pty, "\b \b", 3);
    if (pty->column)
        pty->column--;
}

static void finish_erasing(struct rf_pty *pty)
{
    if (pty->erasing)
        echo_raw(pty, '/');
    pty->erasing = false;
}

static void mark_column(struct rf_pty *pty)
{
    if (pty->canon == pty->head)
        pty->canon_column = pty->column;
}

/* --- the buffer --- */

static uint8_t *place(struct rf_pty *pty, uint64_t at)
{
    return &pty->input[at % RF_PTY_INPUT];
}

static void set_end(struct rf_pty *pty, uint64_t at, bool end)
{
    uint8_t bit = (uint8_t)(1u << (at % 8));
    uint8_t *byte = &pty->ends[at % RF_PTY_INPUT / 8];
    *byte = end ? *byte | bit : *byte & (uint8_t)~bit;
}

static bool is_end(const struct rf_pty *pty, uint64_t at)
{
    return pty->ends[at % RF_PTY_INPUT / 8] >> (at % 8) & 1;
}

static void keep(struct rf_pty *pty, uint8_t c, bool end)
{
    if (pty->head - pty->tail >= RF_PTY_INPUT)
        return;
    set_end(pty, pty->head, end);
    *place(pty, pty->head++) = c;
}

static bool has_room(const struct rf_pty *pty)
{
    return pty->head - pty->tail < RF_PTY_INPUT - 1;
}

uint64_t rf_tty_room(const struct rf_pty *pty)
{
    uint64_t used = pty->head - pty->tail, room = used < RF_PTY_INPUT - 1 ? RF_PTY_INPUT - 1 - used : 0;
    if (!room && local(pty, RF_ICANON) && pty->canon == pty->tail)
        return 1; /* a line that is too long is cut, so that its end comes through */
    return room;
}

/* --- editing --- */

/* How a tab is taken back: to where what stands before it on the line ends. */
static void erase_tab(struct rf_pty *pty)
{
    uint32_t columns = 0;
    bool after_tab = false;
    for (uint64_t at = pty->head; at != pty->canon && !after_tab;) {
        uint8_t c = *place(pty, --at);
        if (c == '\t')
            after_tab = true;
        else if (is_control(c))
            columns += local(pty, RF_ECHOCTL) ? 2 : 0;
        else if (!is_continuation(pty, c))
            columns++;
    }
    if (!after_tab)
        columns += pty->canon_column;
    for (uint32_t n = 8 - columns % 8; n; n--) {
        rf_tty_put_raw(pty, '\b');
        if (pty->column)
            pty->column--;
    }
}

static void echo_erased(struct rf_pty *pty, uint8_t key, uint8_t c, uint64_t first, uint64_t count)
{
    if (local(pty, RF_ECHOPRT)) {
        if (!pty->erasing)
            echo_raw(pty, '\\');
        pty->erasing = true;
        echo(pty, c);
        for (uint64_t i = 1; i < count; i++)
            echo_raw(pty, *place(pty, first + i));
    } else if (is(pty, RF_VERASE, key) && !local(pty, RF_ECHOE)) {
        echo(pty, key);
    } else if (c == '\t') {
        erase_tab(pty);
    } else {
        if (is_control(c) && local(pty, RF_ECHOCTL))
            back_one(pty);
        if (!is_control(c) || local(pty, RF_ECHOCTL))
            back_one(pty);
    }
}

static void kill_line(struct rf_pty *pty, uint8_t key)
{
    pty->head = pty->canon;
    finish_erasing(pty);
    echo(pty, key);
    if (local(pty, RF_ECHOK))
        echo_raw(pty, '\n');
}

/* eraser: a character, a word, or the line. */
static void erase(struct rf_pty *pty, uint8_t key)
{
    bool one = is(pty, RF_VERASE, key), word = !one && is(pty, RF_VWERASE, key) && local(pty, RF_IEXTEN);
    bool seen = false;
    if (pty->head == pty->canon)
        return;
    if (!one && !word && !local(pty, RF_ECHO)) {
        pty->head = pty->canon;
        return;
    }
    if (!one && !word && !(local(pty, RF_ECHOK) && local(pty, RF_ECHOKE) && local(pty, RF_ECHOE))) {
        kill_line(pty, key);
        return;
    }
    while (pty->head != pty->canon) {
        uint64_t at = pty->head;
        uint8_t c;
        do
            c = *place(pty, --at);
        while (is_continuation(pty, c) && at != pty->canon);
        if (is_continuation(pty, c))
            break;
        bool in_word = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
        if (word && !in_word && seen)
            break;
        seen |= in_word;
        uint64_t count = pty->head - at;
        pty->head = at;
        if (local(pty, RF_ECHO))
            echo_erased(pty, key, c, at, count);
        if (one)
            break;
    }
    if (pty->head == pty->canon && local(pty, RF_ECHO))
        finish_erasing(pty);
}

/* --- signals and flow --- */

void rf_tty_flush_input(struct rf_kernel *k, struct rf_pty *pty)
{
    pty->tail = pty->canon = pty->head;
    pty->erasing = pty->literal_next = false;
    if (pty->packet) {
        pty->status |= 1; /* TIOCPKT_FLUSHREAD */
        rf_wake(k, &pty->master_wait);
    }
    rf_wake_for(k, &pty->master_wait, RF_POLLOUT);
}

void rf_tty_start(struct rf_kernel *k, struct rf_pty *pty)
{
    if (!pty->stopped)
        return;
    pty->stopped = false;
    if (pty->packet)
        pty->status = (pty->status & ~4u) | 8; /* TIOCPKT_STOP, TIOCPKT_START */
    rf_wake(k, &pty->master_wait);
    rf_wake(k, &pty->slave_wait);
}

void rf_tty_stop(struct rf_kernel *k, struct rf_pty *pty)
{
    if (pty->stopped)
        return;
    pty->stopped = true;
    if (pty->packet)
        pty->status = (pty->status & ~8u) | 4;
    rf_wake(k, &pty->master_wait);
}

static void send_signal(struct rf_kernel *k, struct rf_pty *pty, uint8_t c, int signo)
{
    if (!local(pty, RF_NOFLSH)) {
        rf_tty_flush_input(k, pty);
        pty->out_tail = pty->shown = pty->out_head;
        if (pty->packet)
            pty->status |= 2; /* TIOCPKT_FLUSHWRITE */
    }
    if (pty->tty.foreground)
        rf_group_signal(k, pty->tty.foreground, signo);
    if (input(pty, RF_IXON))
        rf_tty_start(k, pty);
    if (local(pty, RF_ECHO))
        echo(pty, c);
}

/* A character of job control or flow: true if it was one. */
static bool take_control(struct rf_kernel *k, struct rf_pty *pty, uint8_t c)
{
    static const struct {
        uint8_t which, signo;
    } signals[] = { { RF_VINTR, RF_SIGINT }, { RF_VQUIT, RF_SIGQUIT }, { RF_VSUSP, RF_SIGTSTP } };
    if (input(pty, RF_IXON) && (is(pty, RF_VSTART, c) || is(pty, RF_VSTOP, c))) {
        if (is(pty, RF_VSTART, c))
            rf_tty_start(k, pty);
        else
            rf_tty_stop(k, pty);
        return true;
    }
    for (size_t i = 0; local(pty, RF_ISIG) && i < RF_ARRAY_SIZE(signals); i++) {
        if (is(pty, signals[i].which, c)) {
            send_signal(k, pty, c, signals[i].signo);
            return true;
        }
    }
    return false;
}

/* --- receiving --- */

static void end_line(struct rf_kernel *k, struct rf_pty *pty, uint8_t c)
{
    keep(pty, c, true);
    pty->canon = pty->head;
    rf_wake_for(k, &pty->slave_wait, RF_POLLIN | RF_POLLRDNORM);
}

static void reprint(struct rf_pty *pty, uint8_t c)
{
    finish_erasing(pty);
    echo(pty, c);
    echo_raw(pty, '\n');
    for (uint64_t at = pty->canon; at != pty->head; at++)
        echo(pty, *place(pty, at));
}

/* What canonical mode makes of a character: true if that is all. */
static bool take_canonical(struct rf_kernel *k, struct rf_pty *pty, uint8_t c)
{
    bool extended = local(pty, RF_IEXTEN), echoes = local(pty, RF_ECHO);
    if (is(pty, RF_VERASE, c) || is(pty, RF_VKILL, c) || (is(pty, RF_VWERASE, c) && extended)) {
        erase(pty, c);
    } else if (is(pty, RF_VLNEXT, c) && extended) {
        pty->literal_next = true;
        if (echoes) {
            finish_erasing(pty);
            if (local(pty, RF_ECHOCTL))
                put_text(pty, "^\b", 2);
        }
    } else if (is(pty, RF_VREPRINT, c) && echoes && extended) {
        reprint(pty, c);
    } else if (c == '\n') {
        if (echoes || local(pty, RF_ECHONL))
            echo_raw(pty, '\n');
        end_line(k, pty, c);
    } else if (is(pty, RF_VEOF, c)) {
        end_line(k, pty, DISABLED);
    } else if (is(pty, RF_VEOL, c) || (is(pty, RF_VEOL2, c) && extended)) {
        if (echoes) {
            mark_column(pty);
            echo(pty, c);
        }
        end_line(k, pty, c);
    } else {
        return false;
    }
    return true;
}

static void take_ordinary(struct rf_kernel *k, struct rf_pty *pty, uint8_t c, bool literal)
{
    bool canonical = local(pty, RF_ICANON);
    if (!has_room(pty)) { /* cut off, until the line's end */
        if (input(pty, RF_IMAXBEL))
            rf_tty_put_raw(pty, '\a');
        return;
    }
    if (local(pty, RF_ECHO)) {
        finish_erasing(pty);
        if (c == '\n' && !literal) {
            echo_raw(pty, c);
        } else {
            mark_column(pty);
            echo(pty, c);
        }
    }
    if (c == 0xff && input(pty, RF_PARMRK))
        keep(pty, c, false);
    keep(pty, c, false);
    if (!canonical)
        rf_wake_for(k, &pty->slave_wait, RF_POLLIN | RF_POLLRDNORM);
}

void rf_tty_receive(struct rf_kernel *k, struct rf_pty *pty, uint8_t c)
{
    if (input(pty, RF_ISTRIP))
        c &= 0x7f;
    if (input(pty, RF_IUCLC) && local(pty, RF_IEXTEN) && c >= 'A' && c <= 'Z')
        c += 32;
    if (pty->literal_next) {
        pty->literal_next = false;
        take_ordinary(k, pty, c, true);
        return;
    }
    if (take_control(k, pty, c))
        return;
    if (pty->stopped && input(pty, RF_IXON) && input(pty, RF_IXANY))
        rf_tty_start(k, pty);
    if (c == '\r' && input(pty, RF_IGNCR))
        return;
    if (c == '\r' && input(pty, RF_ICRNL))
        c = '\n';
    else if (c == '\n' && input(pty, RF_INLCR))
        c = '\r';
    if (!local(pty, RF_ICANON) || !take_canonical(k, pty, c))
        take_ordinary(k, pty, c, false);
}

/* --- reading --- */

bool rf_tty_has_line(const struct rf_pty *pty)
{
    return pty->canon != pty->tail;
}

uint64_t rf_tty_readable(const struct rf_pty *pty)
{
    if (!local(pty, RF_ICANON))
        return pty->head - pty->tail;
    uint64_t n = 0; /* inq_canon: ends of file do not count */
    for (uint64_t at = pty->tail; at != pty->canon; at++)
        n += !(is_end(pty, at) && pty->input[at % RF_PTY_INPUT] == DISABLED);
    return n;
}

int64_t rf_tty_take(struct rf_pty *pty, struct rf_uio *uio)
{
    bool canonical = local(pty, RF_ICANON), ended = false;
    uint64_t end = canonical ? pty->canon : pty->head;
    int64_t done = 0;
    while (!ended && pty->tail != end) {
        uint8_t c = *place(pty, pty->tail);
        bool ends = canonical && is_end(pty, pty->tail);
        if (!(ends && c == DISABLED)) {
            if (!uio->left)
                break;
            if (rf_uio_put(uio, &c, 1) != 1)
                return done ? done : -RF_EFAULT;
            done++;
        }
        pty->tail++;
        ended = ends;
        /* a full buffer right before an end of file takes that with it */
        if (!ended && canonical && !uio->left && pty->tail != end && is_end(pty, pty->tail) && *place(pty, pty->tail) == DISABLED) {
            pty->tail++;
            ended = true;
        }
    }
    return done;
}

/* n_tty_set_termios: lines begin or end to count. */
void rf_tty_set_termios(struct rf_kernel *k, struct rf_pty *pty, const struct rf_termios2 *termios)
{
    uint32_t changed = pty->termios.c_lflag ^ termios->c_lflag;
    bool flow_was = input(pty, RF_IXON);
    pty->termios = *termios;
    if (changed & RF_ICANON) {
        memset(pty->ends, 0, sizeof pty->ends);
        if (local(pty, RF_ICANON) && pty->head != pty->tail) {
            set_end(pty, pty->head - 1, true);
            pty->canon = pty->head;
        } else {
            pty->canon = pty->tail;
        }
        pty->erasing = pty->literal_next = false;
    }
    if (flow_was && !input(pty, RF_IXON))
        rf_tty_start(k, pty);
    rf_wake(k, &pty->slave_wait);
    rf_wake(k, &pty->master_wait);
}
