/* Terminals: requests that all have in common, and pseudo terminals with their line discipline. */
#ifndef RF_KERNEL_FS_TTY_H
#define RF_KERNEL_FS_TTY_H

#include "kernel/fs/fs.h"
#include "kernel/task/session.h"

#define RF_PTY_INPUT 4096u   /* N_TTY_BUF_SIZE: what a program has not read yet */
#define RF_PTY_OUTPUT 16384u /* what the master has not read yet */

/* A pseudo terminal: the private_data of its node in a devpts, which lives while a side is open. */
struct rf_pty {
    struct rf_tty tty;
    struct rf_inode *node;
    struct rf_termios2 termios;
    struct rf_winsize size;
    uint32_t index;
    uint32_t slaves;   /* open files of the slave */
    bool master, was_open, locked, exclusive, hung_up;
    bool packet;
    uint8_t status;    /* RF_TIOCPKT_*: not yet told to the master */
    bool stopped;      /* output, by ^S or TCOOFF */

    /* input: counters that only grow, places modulo the size */
    uint64_t tail, canon, head; /* [tail, canon): whole lines, in canonical mode; [canon, head): the line that is edited */
    uint8_t input[RF_PTY_INPUT];
    uint8_t ends[RF_PTY_INPUT / 8]; /* a bit for each place that ends a line */
    bool literal_next, erasing;
    uint32_t column, canon_column;

    uint64_t out_tail, out_head;
    uint64_t shown; /* while output is stopped: echo behind this is held back */
    uint8_t output[RF_PTY_OUTPUT];

    struct rf_wait_queue slave_wait, master_wait;
};

/* --- tty.c --- */
/* TIOCGPGRP, TIOCSPGRP, TIOCGSID, TIOCSCTTY, TIOCNOTTY. other: asked through the master. */
int64_t rf_tty_job_ioctl(struct rf_kernel *k, struct rf_tty *tty, const struct rf_file *file, uint32_t command,
                         uint64_t argument, bool other);

/* --- n_tty.c: the line discipline (drivers/tty/n_tty.c's rules) --- */
extern const struct rf_termios2 rf_pty_termios; /* of a new one */
/* A byte comes from the master. */
void rf_tty_receive(struct rf_kernel *k, struct rf_pty *pty, uint8_t c);
uint64_t rf_tty_room(const struct rf_pty *pty); /* for how many bytes; 0: the master must wait */
/* A byte goes to the master, processed as c_oflag says. False: no room. */
bool rf_tty_put(struct rf_pty *pty, uint8_t c);
bool rf_tty_put_raw(struct rf_pty *pty, uint8_t c);
/* How many bytes the master may read. */
RF_INLINE uint64_t rf_tty_shown(const struct rf_pty *pty)
{
    return (pty->stopped ? pty->shown : pty->out_head) - pty->out_tail;
}
/* How many bytes a read may have now; in canonical mode those of the first line with its end. */
uint64_t rf_tty_readable(const struct rf_pty *pty);
bool rf_tty_has_line(const struct rf_pty *pty);
/* Take one line, or what is there: bytes moved. */
int64_t rf_tty_take(struct rf_pty *pty, struct rf_uio *uio);
void rf_tty_set_termios(struct rf_kernel *k, struct rf_pty *pty, const struct rf_termios2 *termios);
void rf_tty_flush_input(struct rf_kernel *k, struct rf_pty *pty);
void rf_tty_start(struct rf_kernel *k, struct rf_pty *pty);
void rf_tty_stop(struct rf_kernel *k, struct rf_pty *pty);

/* --- pty.c --- */
extern const struct rf_file_ops rf_pty_master_ops, rf_pty_slave_ops;
int64_t rf_pty_open_slave(struct rf_kernel *k, struct rf_inode *inode, struct rf_file *file);
struct rf_pty *rf_pty_of_tty(struct rf_tty *tty); /* NULL: the machine's own terminal */
/* Nothing holds it any more. */
void rf_pty_free(struct rf_kernel *k, struct rf_pty *pty);
bool rf_file_is_pty(const struct rf_file *file);

/* --- devpts.c --- */
#define RF_PTMX_DEVICE UINT64_C(0x502) /* 5:2 */
struct rf_mount *rf_devpts_create(struct rf_kernel *k, uint32_t gid, bool has_gid, uint32_t mode, uint32_t ptmx_mode);
int64_t rf_ptmx_open(struct rf_kernel *k, struct rf_file *file);
/* The master is closed: the name goes. */
void rf_devpts_remove(struct rf_kernel *k, struct rf_pty *pty);

#endif
