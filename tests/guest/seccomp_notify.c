/* seccomp_unotify(2): receiving, answering, continuing, adding descriptors, polls, and who goes away when. */
/* flags: -pthread */
#include "seccomp.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

static struct seccomp_notif note;
static struct seccomp_notif_resp reply;

static int receive(int listener)
{
    memset(&note, 0, sizeof note);
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &note);
}

static int answer(int listener, int64_t value, int error, uint32_t flags)
{
    reply = (struct seccomp_notif_resp){ .id = note.id, .val = value, .error = error, .flags = flags };
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

static int valid(int listener)
{
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &note.id);
}

static int add(int listener, uint32_t flags, int srcfd, uint32_t newfd, uint32_t newfd_flags)
{
    struct seccomp_notif_addfd request = { note.id, flags, (uint32_t)srcfd, newfd, newfd_flags };
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
}

static int ready(int listener)
{
    struct pollfd p = { listener, POLLIN | POLLOUT, 0 };
    poll(&p, 1, 0);
    return p.revents;
}

/* A child that runs body with getpgid handed over. The parent takes its listener by pidfd_getfd. */
static pid_t target;
static int output; /* what it writes, shown when it has ended */

static int start(unsigned flags, void (*body)(void))
{
    int ends[2], ready_pipe[2], fd, status;
    pipe(ends);
    pipe(ready_pipe);
    output = memfd_create("output", 0);
    target = fork();
    if (target == 0) {
        dup2(output, 1);
        close(output);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        fd = (int)on_call(SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, SYS_getpgid, SECCOMP_RET_USER_NOTIF);
        write(ends[1], &fd, sizeof fd);
        read(ready_pipe[0], &status, 1);
        close(fd);
        close(ready_pipe[0]);
        close(ready_pipe[1]);
        body();
        fflush(stdout);
        _exit(0);
    }
    read(ends[0], &fd, sizeof fd);
    int pidfd = (int)syscall(SYS_pidfd_open, target, 0);
    int listener = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    write(ready_pipe[1], "", 1); /* the child may close it now */
    close(pidfd);
    close(ready_pipe[0]);
    close(ready_pipe[1]);
    close(ends[0]);
    close(ends[1]);
    return listener;
}

static void finish(int listener)
{
    int status;
    char text[2000];
    waitpid(target, &status, 0);
    ssize_t size = pread(output, text, sizeof text, 0);
    close(output);
    printf("%.*s", (int)size, text);
    show_status("target", status);
    if (listener >= 0) {
        SHOW(ready(listener));
        CALL(receive(listener));
        close(listener);
    }
}

/* --- answers --- */

static void three_calls(void)
{
    CALL(syscall(SYS_getpgid, 1, 2, 3, 4, 5, 6));
    CALL(syscall(SYS_getpgid, 0) == getpgrp());
    CALL(syscall(SYS_getpgid, 0));
    CALL(syscall(SYS_getpgid, 0));
}

static void answers(void)
{
    int listener = start(0, three_calls);
    CALL(receive(listener));
    SHOW(note.pid == (uint32_t)target);
    SHOW(note.flags);
    SHOW(note.data.nr);
    SHOW(note.data.arch == AUDIT_ARCH_X86_64);
    for (int i = 0; i < 6; i++)
        SHOW(note.data.args[i]);
    uint64_t first = note.id;
    CALL(valid(listener));
    SHOW(ready(listener));
    CALL(answer(listener, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
    CALL(answer(listener, 0, 1, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
    CALL(answer(listener, 0, 0, 2));
    CALL(answer(listener, 123456789012, 0, 0));
    CALL(receive(listener));
    SHOW(note.id - first);
    CALL(answer(listener, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
    CALL(receive(listener));
    CALL(answer(listener, 5, -13, 0));
    CALL(receive(listener));
    CALL(answer(listener, 5, 77, 0)); /* a positive error is what it returns */
    finish(listener);
}

static void one_call(void)
{
    CALL(syscall(SYS_getpgid, 0));
}

static void errors(void)
{
    int listener = start(0, one_call);
    char *edge = pages(2, PROT_READ | PROT_WRITE);
    munmap(edge + PAGE, PAGE);
    CALL(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, NULL));
    CALL(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, edge + PAGE - 79));
    note.flags = 1;
    CALL(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &note));
    note.flags = 0;
    struct seccomp_notif *readonly = pages(1, PROT_READ);
    CALL(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, readonly));
    SHOW(ready(listener));
    note.id = 1;
    CALL(valid(listener));
    CALL(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, 8));
    CALL(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, 8));
    CALL(answer(listener, 0, 0, 0));
    CALL(add(listener, 0, 1, 0, 0));
    CALL(receive(listener));
    CALL(ioctl(listener, SECCOMP_IOR(2, uint64_t), &note.id));
    CALL(add(listener, 0, 999, 0, 0));
    CALL(add(listener, 0, 1, 7, 0));
    CALL(add(listener, 4, 1, 0, 0));
    CALL(add(listener, 0, 1, 0, O_NONBLOCK));
    CALL(add(listener, SECCOMP_ADDFD_FLAG_SETFD, 1, 5000000, 0));
    struct { struct seccomp_notif_addfd known; uint64_t more; } large = { { note.id, 0, 1, 0, 0 }, 1 };
    unsigned long sized = _IOC(_IOC_READ | _IOC_WRITE, '!', 3, sizeof large);
    CALL(ioctl(listener, sized, &large));
    large.more = 0;
    DONE(ioctl(listener, sized, &large));
    CALL(ioctl(listener, _IOC(_IOC_WRITE, '!', 3, 23), &large));
    CALL(ioctl(listener, _IOC(_IOC_WRITE, '!', 3, 4096), &large));
    CALL(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, 8));
    CALL(ioctl(listener, _IO('!', 9), &large));
    CALL(ioctl(listener, 0x5401, &large));
    CALL(read(listener, edge, 1));
    CALL(write(listener, edge, 1));
    CALL(lseek(listener, 0, SEEK_SET));
    CALL(fcntl(listener, F_GETFL));
    CALL(answer(listener, 3, 0, 0));
    finish(listener);
}

static void listener_rules(void)
{
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    int listener = (int)on_call(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getpgid, SECCOMP_RET_USER_NOTIF);
    SHOW(listener >= 0);
    CALL(fcntl(listener, F_GETFD));
    CALL(on_call(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid, SECCOMP_RET_USER_NOTIF)); /* one for a chain */
    CALL(on_call(0, SYS_getppid, SECCOMP_RET_USER_NOTIF)); /* a newer filter without one */
    CALL(syscall(SYS_getppid));
    close(listener);
    CALL(syscall(SYS_getpgid, 0)); /* nobody listens any more */
    listener = (int)on_call(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC |
                            SECCOMP_FILTER_FLAG_TSYNC_ESRCH, SYS_getuid, SECCOMP_RET_USER_NOTIF);
    SHOW(listener >= 0);
    struct sock_filter bad[] = { RETURN(0), BPF_STMT(BPF_LD | BPF_IMM, 0) };
    int next = dup(1);
    close(next);
    CALL(install_program(SECCOMP_FILTER_FLAG_NEW_LISTENER, bad, 2));
    SHOW(dup(1) == next); /* no descriptor is left behind */
}

/* --- descriptors --- */

static void write_where_told(void)
{
    char text[] = "through the pipe\n";
    long fd = syscall(SYS_getpgid, 1);
    SHOW(fd);
    SHOW(fcntl((int)fd, F_GETFD));
    SHOW(write((int)fd, text, strlen(text)));
    SHOW(fcntl(60, F_GETFD));
    SHOW(write(60, text, 5));
    fd = syscall(SYS_getpgid, 2);
    SHOW(write((int)fd, text, 3));
    SHOW(fcntl((int)fd, F_GETFD));
}

static void descriptors(void)
{
    int ends[2], listener = start(0, write_where_told);
    char text[64] = "";
    pipe(ends);
    CALL(receive(listener));
    int fd = add(listener, 0, ends[1], 0, 0);
    SHOW(fd >= 0);
    CALL(add(listener, SECCOMP_ADDFD_FLAG_SETFD, ends[1], 60, O_CLOEXEC));
    CALL(add(listener, SECCOMP_ADDFD_FLAG_SETFD, ends[1], 60, O_CLOEXEC)); /* replaces it */
    CALL(answer(listener, fd, 0, 0));
    CALL(receive(listener));
    DONE(add(listener, SECCOMP_ADDFD_FLAG_SEND, ends[1], 0, O_CLOEXEC));
    CALL(valid(listener)); /* that was the answer, too */
    finish(listener);
    close(ends[1]);
    CALL(read(ends[0], text, sizeof text));
    printf("%s\n", text);
}

/* --- interruptions --- */

static void noted(int signo)
{
    (void)signo;
}

static void with_handler(void)
{
    struct sigaction action = { .sa_handler = noted };
    sigaction(SIGUSR1, &action, NULL);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &action, NULL);
    CALL(syscall(SYS_getpgid, 1));
    CALL(syscall(SYS_getpgid, 2));
}

static void interrupted(void)
{
    int listener = start(0, with_handler);
    CALL(receive(listener));
    uint64_t old = note.id;
    kill(target, SIGUSR1);
    usleep(60000);
    CALL(valid(listener)); /* it has gone: EINTR */
    CALL(answer(listener, 1, 0, 0));
    CALL(receive(listener));
    SHOW(note.data.args[0]);
    SHOW(note.id - old);
    kill(target, SIGUSR2); /* restarted: asks again */
    usleep(60000);
    CALL(valid(listener));
    CALL(receive(listener));
    SHOW(note.data.args[0]);
    SHOW(note.id - old);
    CALL(answer(listener, 44, 0, 0));
    finish(listener);
}

/* Asked but not received, and given up: what was counted is not there. */
static void gave_up(void)
{
    int listener = start(0, with_handler);
    usleep(60000);
    SHOW(ready(listener));
    kill(target, SIGUSR1);
    usleep(60000);
    CALL(receive(listener));
    SHOW(note.data.args[0]);
    CALL(answer(listener, 44, 0, 0));
    usleep(60000);
    finish(listener);
}

static void killable(void)
{
    int listener = start(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, with_handler);
    CALL(receive(listener));
    kill(target, SIGUSR1);
    usleep(60000);
    CALL(valid(listener)); /* the signal waits */
    CALL(answer(listener, 44, 0, 0));
    CALL(receive(listener));
    SHOW(note.data.args[0]);
    kill(target, SIGTERM);
    usleep(60000);
    CALL(valid(listener));
    finish(listener);
}

static void killed(void)
{
    int listener = start(0, one_call);
    CALL(receive(listener));
    SHOW(ready(listener));
    kill(target, SIGKILL);
    waitpid(target, NULL, 0);
    SHOW(ready(listener));
    CALL(answer(listener, 1, 0, 0));
    CALL(receive(listener));
    close(listener);
}

static void listener_goes(void)
{
    int listener = start(0, one_call);
    CALL(receive(listener));
    close(listener);
    finish(-1);
}

/* --- waiting for notifications --- */

static void *late_answer(void *argument)
{
    int listener = *(int *)argument;
    CALL(receive(listener)); /* sleeps */
    CALL(answer(listener, 21, 0, 0));
    return NULL;
}

static void *two_threads_body(void *unused)
{
    (void)unused;
    show("thread", syscall(SYS_getpgid, 0));
    return NULL;
}

static void two_threads(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, two_threads_body, NULL);
    pthread_join(thread, NULL);
    show("leader", syscall(SYS_getpgid, 0));
}

static void polls(void)
{
    int listener = start(0, two_threads), set = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.fd = listener };
    struct pollfd p = { listener, POLLIN, 0 };
    pthread_t thread;
    CALL(epoll_ctl(set, EPOLL_CTL_ADD, listener, &event));
    CALL(epoll_wait(set, &event, 1, 1000));
    SHOW(event.events);
    SHOW(poll(&p, 1, 1000));
    SHOW(p.revents);
    CALL(receive(listener));
    SHOW(note.pid != (uint32_t)target); /* the thread's number */
    SHOW(ready(listener));
    CALL(epoll_wait(set, &event, 1, 1000));
    SHOW(event.events);
    struct seccomp_notif_resp first = { .id = note.id, .val = 20 };
    pthread_create(&thread, NULL, late_answer, &listener);
    usleep(60000);
    CALL(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &first));
    pthread_join(thread, NULL);
    CALL(epoll_wait(set, &event, 1, 1000));
    SHOW(event.events & EPOLLHUP);
    finish(listener);
}

/* Sleeping in the receive when the last task goes. */
static void nothing(void)
{
}

static void no_task_left(void)
{
    int listener = start(0, nothing);
    CALL(receive(listener));
    finish(listener);
}

static void *interrupt_me(void *thread)
{
    usleep(60000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void sleeps(void)
{
    usleep(300000);
}

static void receive_interrupted(void)
{
    int listener = start(0, sleeps);
    pthread_t self = pthread_self(), thread;
    struct sigaction action = { .sa_handler = noted };
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&thread, NULL, interrupt_me, &self);
    CALL(receive(listener));
    pthread_join(thread, NULL);
    finish(listener);
}

int main(void)
{
    answers();
    errors();
    IN_CHILD(listener_rules);
    descriptors();
    interrupted();
    gave_up();
    killable();
    killed();
    listener_goes();
    polls();
    no_task_left();
    receive_interrupted();
    return 0;
}
