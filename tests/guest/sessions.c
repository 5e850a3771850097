/* Process groups and sessions: setpgid's rules, orphaned groups and their stopped members, what stops whom, and
 * processes without a controlling terminal. */
#include "guest.h"
#include <sys/ioctl.h>

static void in_child(const char *name, int (*body)(void))
{
    printf("--- %s\n", name);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        int result = body();
        fflush(stdout);
        _exit(result);
    }
    int status;
    waitpid(child, &status, 0);
    show_status(name, status);
}

static const char *program;

static int setpgid_rules(void)
{
    int gate[2], ready[2];
    char byte;
    if (pipe(gate) || pipe2(ready, O_CLOEXEC))
        return 1;
    CALL(setsid() > 0 ? 0 : -1);
    CALL(setsid());
    CALL(setpgid(0, 0)); /* a session leader */
    pid_t child = fork();
    if (!child) {
        char fd[12];
        sprintf(fd, "%d", gate[0]);
        close(gate[1]);
        if (read(gate[0], &byte, 1) != 1)
            _exit(1);
        execl(program, program, fd, NULL);
        _exit(2);
    }
    close(ready[1]);
    CALL(setpgid(child, child));
    show("leads its group", getpgid(child) == child);
    CALL(setpgid(child, getpid()));
    CALL(setpgid(child, 1));
    CALL(setpgid(child, 0x3ffffff));
    CALL(setpgid(child, -5));
    if (write(gate[1], "x", 1) != 1)
        return 1;
    show("it executes", read(ready[0], &byte, 1)); /* the end comes with its execve */
    CALL(setpgid(child, child));
    pid_t other = fork();
    if (!other) {
        CALL(setsid() > 0 ? 0 : -1);
        CALL(setpgid(child, 0)); /* not a child of this one */
        _exit(0);
    }
    waitpid(other, NULL, 0);
    other = fork();
    if (!other) {
        setsid();
        if (write(gate[1], "y", 1) != 1) /* the program ends */
            _exit(1);
        for (;;)
            pause();
    }
    waitpid(child, NULL, 0);
    usleep(10000);
    CALL(setpgid(other, other)); /* another session */
    CALL(setpgid(getppid(), 0));
    show("its session", getsid(other) == other);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    return 0;
}

/* In a group whose members' parents are all in it or outside its session, terminal stops do nothing. */
static int orphaned(void)
{
    static const int signals[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGSTOP };
    int status;
    setsid();
    for (int i = 0; i < 4; i++) {
        pid_t child = fork();
        if (!child) {
            raise(signals[i]);
            _exit(i);
        }
        waitpid(child, &status, WUNTRACED);
        show_status("in an orphaned group", status);
        if (WIFSTOPPED(status)) {
            kill(child, SIGCONT);
            waitpid(child, &status, 0);
            show_status("continued", status);
        }
        child = fork();
        if (!child) {
            setpgid(0, 0);
            raise(signals[i]);
            _exit(i);
        }
        waitpid(child, &status, WUNTRACED);
        show_status("in a job's group", status);
        if (WIFSTOPPED(status)) {
            kill(child, SIGCONT);
            waitpid(child, &status, 0);
            show_status("continued", status);
        }
    }
    return 0;
}

static volatile int hung_up, continued;

static void note(int signo)
{
    if (signo == SIGHUP)
        hung_up++;
    else
        continued++;
}

/* A job's parent ends while the job is stopped: SIGHUP and SIGCONT. */
static int hang_up(void)
{
    int out[2], status;
    char byte;
    if (pipe(out))
        return 1;
    setsid();
    pid_t shell = fork();
    if (!shell) {
        pid_t job = fork();
        if (!job) {
            setpgid(0, 0);
            signal(SIGHUP, note);
            signal(SIGCONT, note);
            raise(SIGSTOP);
            byte = (char)('0' + hung_up * 2 + continued);
            _exit(write(out[1], &byte, 1) != 1);
        }
        waitpid(job, &status, WUNTRACED);
        _exit(WIFSTOPPED(status) ? 3 : 4);
    }
    close(out[1]);
    waitpid(shell, &status, 0);
    show_status("shell", status);
    byte = '-';
    show("job", read(out[0], &byte, 1));
    printf("%c\n", byte);
    return 0;
}

/* The same, with nothing that catches SIGHUP. */
static int hang_up_kills(void)
{
    int out[2], status;
    char byte;
    if (pipe(out))
        return 1;
    setsid();
    pid_t shell = fork();
    if (!shell) {
        pid_t job = fork();
        if (!job) {
            setpgid(0, 0);
            raise(SIGSTOP);
            _exit(write(out[1], "x", 1) != 1);
        }
        waitpid(job, &status, WUNTRACED);
        _exit(3);
    }
    close(out[1]);
    waitpid(shell, &status, 0);
    show("job wrote", read(out[0], &byte, 1));
    return 0;
}

static int without_terminal(void)
{
    setsid();
    int fd = open("/dev/tty", O_RDWR);
    show_result("/dev/tty", fd);
    int number = 1;
    CALL(ioctl(0, TIOCGPGRP, &number));
    CALL(ioctl(0, TIOCSPGRP, &number));
    CALL(ioctl(0, TIOCGSID, &number));
    CALL(ioctl(0, TIOCSCTTY, 0));
    CALL(ioctl(0, TIOCNOTTY));
    return 0;
}

int main(int argc, char **argv)
{
    char byte;
    if (argc > 1)
        return read(atoi(argv[1]), &byte, 1) != 1;
    program = argv[0];
    in_child("setpgid", setpgid_rules);
    in_child("orphaned", orphaned);
    in_child("hang up", hang_up);
    in_child("hang up kills", hang_up_kills);
    in_child("no terminal", without_terminal);
    return 0;
}
