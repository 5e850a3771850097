/* Signal-driven input and output: owners, signals, what they tell. */
#include "guest.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static volatile int told;
static siginfo_t last;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    told++;
    last = *info;
}

static void show_last(const char *what, int fd)
{
    printf("%s: %d signals", what, told);
    if (told)
        printf(", signal %d code %d band %ld fd %s", last.si_signo, last.si_code, last.si_code > 0 && last.si_code < 7 ? last.si_band : 0,
               last.si_code > 0 && last.si_code < 7 ? last.si_fd == fd ? "the one" : "another" : "none");
    puts("");
    fflush(stdout);
    told = 0;
}

static void owners(int fd)
{
    struct f_owner_ex owner = { F_OWNER_TID, getpid() };
    CALL(fcntl(fd, F_GETOWN));
    CALL(fcntl(fd, F_GETSIG));
    CALL(fcntl(fd, F_SETOWN, 999999));
    CALL(fcntl(fd, F_SETOWN, -999999));
    CALL(fcntl(fd, F_SETSIG, 65));
    CALL(fcntl(fd, F_SETSIG, -1));
    CALL(fcntl(fd, F_SETOWN_EX, &owner));
    owner.type = 7;
    CALL(fcntl(fd, F_SETOWN_EX, &owner));
    CALL(fcntl(fd, F_SETOWN_EX, (void *)8));
    CALL(fcntl(fd, F_GETOWN_EX, &owner));
    SHOW(owner.type);
    SHOW(owner.pid == getpid());
    CALL(fcntl(fd, F_SETOWN, getpid()));
    SHOW(fcntl(fd, F_GETOWN) == getpid());
    CALL(fcntl(fd, F_GETOWN_EX, &owner));
    SHOW(owner.type);
}

static void signals(const char *what, int in, int out, int pair)
{
    char byte;
    printf("== %s\n", what);
    owners(in);
    int flags = fcntl(in, F_GETFL);
    CALL(fcntl(in, F_SETFL, flags | O_ASYNC | O_NONBLOCK));
    SHOW(!!(fcntl(in, F_GETFL) & O_ASYNC));
    CALL(write(out, "a", 1));
    show_last("written", in);
    CALL(write(out, "b", 1));
    show_last("written again", in);
    CALL(fcntl(in, F_SETSIG, SIGRTMIN));
    CALL(fcntl(in, F_GETSIG) == SIGRTMIN);
    CALL(write(out, "c", 1));
    show_last("with a signal of its own", in);
    CALL(read(in, &byte, 1));
    CALL(fcntl(in, F_SETSIG, 0));
    CALL(fcntl(in, F_SETOWN, 0));
    CALL(write(out, "d", 1));
    show_last("nobody", in);
    CALL(fcntl(in, F_SETOWN, -getpgrp()));
    CALL(write(out, "e", 1));
    show_last("the group", in);
    CALL(fcntl(in, F_SETFL, flags));
    CALL(write(out, "f", 1));
    show_last("off", in);
    int on = 1;
    CALL(ioctl(in, FIOASYNC, &on));
    SHOW(!!(fcntl(in, F_GETFL) & O_ASYNC));
    if (!pair) {
        close(out);
        show_last("the writer closes", in);
    }
}

int main(void)
{
    int pipes[2], sockets[2];
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    setpgid(0, 0);
    sigaction(SIGIO, &action, NULL);
    sigaction(SIGRTMIN, &action, NULL);
    if (pipe(pipes) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
        return 1;
    signals("pipe", pipes[0], pipes[1], 0);
    signals("socket", sockets[0], sockets[1], 1);
    int file = open("/dev/null", O_RDONLY);
    CALL(fcntl(file, F_SETFL, O_ASYNC));
    SHOW(!!(fcntl(file, F_GETFL) & O_ASYNC));
    return 0;
}
