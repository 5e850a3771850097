/* Process groups, sessions and the controlling terminal (credentials(7), setpgid(2), tty(4)). */
#ifndef RF_KERNEL_TASK_SESSION_H
#define RF_KERNEL_TASK_SESSION_H

#include "kernel/kernel.h"

struct rf_process;

/* POSIX: no member has a parent in another group of the same session. Stop signals of the terminal are
 * discarded there. */
bool rf_group_is_orphaned(const struct rf_kernel *k, int32_t pgid);
/* Is there such a group, and in which session? 0: none. */
int32_t rf_group_session(const struct rf_kernel *k, int32_t pgid);
void rf_group_signal(struct rf_kernel *k, int32_t pgid, int signo);

/* The process is about to end, its children still its own: a session leader gives up the terminal, and a
 * group that it leaves orphaned with stopped members gets SIGHUP and SIGCONT. */
void rf_session_process_ends(struct rf_kernel *k, struct rf_process *process);
/* A child's parent has ended (and is not its parent any more). */
void rf_session_parent_ended(struct rf_kernel *k, struct rf_process *child, const struct rf_process *parent);

/* --- controlling terminals --- */
/* Whose a terminal is: part of the machine's own and of every pseudo terminal. */
struct rf_tty {
    int32_t session, foreground; /* 0: none */
    bool is_pty;
};
/* The current process has it. */
bool rf_tty_is_controlling(const struct rf_kernel *k, const struct rf_tty *tty);
/* Make it the current session's. */
void rf_tty_acquire(struct rf_kernel *k, struct rf_tty *tty);
/* tty_check_change: may the current process do what signo (SIGTTIN, SIGTTOU) would stop it from? 0, -RF_EIO, or
 * -RF_ERESTARTSYS with the signal sent. */
int64_t rf_tty_check(struct rf_kernel *k, const struct rf_tty *tty, int signo);
int64_t rf_tty_set_controlling(struct rf_kernel *k, struct rf_tty *tty, bool steal, bool readable); /* TIOCSCTTY */
int64_t rf_tty_give_up(struct rf_kernel *k, const struct rf_tty *tty);                               /* TIOCNOTTY */
/* Its other side is gone: the session's leader hears of it, and nobody has it any more. */
void rf_tty_hang_up(struct rf_kernel *k, struct rf_tty *tty);

#endif
