/* Requests of job control that all terminals have (drivers/tty/tty_jobctrl.c). Process groups are the machine's own: the
 * host's numbers mean nothing in it. */
#include "kernel/fs/tty.h"

#include "kernel/namespace/namespace.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

/* tiocspgrp: the foreground goes to a group of the session, by who is in the foreground. */
static int64_t set_foreground(struct rf_kernel *k, struct rf_tty *tty, uint64_t user)
{
    int32_t pgrp;
    int64_t refused = rf_tty_check(k, tty, RF_SIGTTOU);
    if (refused)
        return refused == -RF_EIO ? -RF_ENOTTY : refused;
    if (RF_GET_USER(k, pgrp, user))
        return -RF_EFAULT;
    if (pgrp < 0)
        return -RF_EINVAL;
    if (!rf_tty_is_controlling(k, tty))
        return -RF_ENOTTY;
    pgrp = rf_pid_given(k, pgrp);
    int32_t session = pgrp ? rf_group_session(k, pgrp) : 0;
    if (!session && !(pgrp && rf_task_find(k, pgrp)))
        return -RF_ESRCH;
    if (session != k->current->process->sid)
        return -RF_EPERM;
    tty->foreground = pgrp;
    return 0;
}

int64_t rf_tty_job_ioctl(struct rf_kernel *k, struct rf_tty *tty, const struct rf_file *file, uint32_t command,
                         uint64_t argument, bool other)
{
    int32_t number;
    switch (command) {
    case RF_TIOCGPGRP:
    case RF_TIOCGSID:
        if ((!other && !rf_tty_is_controlling(k, tty)) || (command == RF_TIOCGSID && !tty->session))
            return -RF_ENOTTY;
        number = command == RF_TIOCGPGRP ? tty->foreground : tty->session;
        number = number ? rf_pid_shown(k, number) : 0;
        return RF_PUT_USER(k, argument, number) ? -RF_EFAULT : 0;
    case RF_TIOCSPGRP: return set_foreground(k, tty, argument);
    case RF_TIOCSCTTY: return other ? -RF_EIO : rf_tty_set_controlling(k, tty, argument == 1, file->mode & RF_FMODE_READ);
    default: return rf_tty_give_up(k, tty); /* TIOCNOTTY */
    }
}
