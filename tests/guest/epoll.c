/* epoll: what is ready and in which order, level and edge triggered, one shot, descriptors that
 * are closed or duplicated, instances in instances, timeouts, signals, threads that wait. */
/* flags: -pthread -Wno-unused-result */
#include "guest.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

static char big[70000];

static int control(int epoll, int op, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = { .events = events, .data.u64 = data };
    return epoll_ctl(epoll, op, fd, &event);
}

static int add(int epoll, int fd, uint32_t events)
{
    return control(epoll, EPOLL_CTL_ADD, fd, events, (uint64_t)fd << 32 | 7);
}

/* One line: the number of events, then descriptor and events of each in the order they came. */
static void look(const char *when, int epoll, int most, int timeout)
{
    struct epoll_event events[16];
    int count = epoll_wait(epoll, events, most, timeout);
    printf("%s: %d", when, count < 0 ? -errno : count);
    for (int i = 0; i < count; i++)
        printf(" %d=%x%s", (int)(events[i].data.u64 >> 32), events[i].events,
               (uint32_t)events[i].data.u64 == 7 ? "" : " data?");
    printf("\n");
    fflush(stdout);
}

static void make_pipe(int ends[2])
{
    if (pipe2(ends, O_NONBLOCK)) {
        perror("pipe2");
        exit(99);
    }
}

static void errors(void)
{
    int ends[2], file = open("epoll.file", O_RDWR | O_CREAT, 0600), null = open("/dev/null", O_RDWR);
    struct epoll_event event;
    make_pipe(ends);
    CALL(syscall(SYS_epoll_create, 0));
    CALL(syscall(SYS_epoll_create, -1));
    CALL(epoll_create1(1));
    int e = epoll_create1(EPOLL_CLOEXEC), other = epoll_create(5);
    CALL(fcntl(e, F_GETFD));
    CALL(fcntl(other, F_GETFD));
    CALL(fcntl(e, F_GETFL) & O_ACCMODE);
    CALL(add(e, 99, EPOLLIN));
    CALL(add(99, ends[0], EPOLLIN));
    CALL(add(ends[0], ends[1], EPOLLIN));
    CALL(add(e, e, EPOLLIN));
    CALL(add(e, file, EPOLLIN));
    CALL(add(e, null, EPOLLIN));
    CALL(add(e, ends[0], EPOLLIN));
    CALL(add(e, ends[0], EPOLLIN));
    CALL(control(e, EPOLL_CTL_MOD, ends[1], EPOLLIN, 0));
    CALL(control(e, EPOLL_CTL_DEL, ends[1], 0, 0));
    CALL(control(e, 9, ends[0], 0, 0));
    CALL(control(e, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLEXCLUSIVE, 0));
    CALL(add(e, ends[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT));
    CALL(add(e, other, EPOLLIN | EPOLLEXCLUSIVE));
    CALL(add(e, ends[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLET));
    CALL(control(e, EPOLL_CTL_MOD, ends[1], EPOLLOUT, 0));
    CALL(syscall(SYS_epoll_ctl, e, EPOLL_CTL_ADD, other, 8));
    CALL(syscall(SYS_epoll_ctl, e, EPOLL_CTL_DEL, ends[0], 8));
    CALL(epoll_wait(e, &event, 0, 0));
    CALL(syscall(SYS_epoll_wait, e, &event, -1, 0));
    CALL(syscall(SYS_epoll_wait, e, &event, INT32_MAX, 0));
    CALL(epoll_wait(99, &event, 1, 0));
    CALL(epoll_wait(ends[0], &event, 1, 0));
    CALL(syscall(SYS_epoll_wait, e, 8, 1, 0)); /* EPOLLOUT is there to be told */
    CALL(syscall(SYS_epoll_wait, e, -4096L, 1, 0));
    look("after a bad address", e, 4, 0);
    CALL(syscall(SYS_epoll_pwait, e, &event, 1, 0, &event, 4));
    struct timespec bad = { 0, 1000000000 };
    CALL(syscall(SYS_epoll_pwait2, e, &event, 1, &bad, NULL, 8));
    CALL(syscall(SYS_epoll_pwait2, e, &event, 1, 8, NULL, 8));
    CALL(read(e, big, 8));
    CALL(write(e, big, 8));
    char name[64] = { 0 }, path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", e);
    CALL(readlink(path, name, sizeof name - 1));
    printf("%s\n", name);
    unlink("epoll.file");
    close(file), close(null), close(e), close(other), close(ends[0]), close(ends[1]);
}

static void levels_and_edges(void)
{
    int level[2], edge[2], e = epoll_create1(0);
    make_pipe(level);
    make_pipe(edge);
    add(e, level[0], EPOLLIN);
    add(e, edge[0], EPOLLIN | EPOLLET);
    look("nothing", e, 8, 0);
    write(edge[1], "ab", 2);
    write(level[1], "ab", 2);
    look("both, as they came", e, 8, 0);
    look("the level again", e, 8, 0);
    write(edge[1], "c", 1);
    look("a new edge", e, 8, 0);
    read(edge[0], big, 1);
    look("a read is no edge", e, 8, 0);
    write(edge[1], big, 5000);
    look("a page more is one", e, 8, 0);
    read(level[0], big, 10);
    look("the level is gone", e, 8, 0);
    CALL(control(e, EPOLL_CTL_MOD, edge[0], EPOLLIN | EPOLLET, (uint64_t)edge[0] << 32 | 7));
    look("a change asks again", e, 8, 0);
    look("once", e, 8, 0);

    add(e, edge[1], EPOLLOUT | EPOLLET);
    look("may be written", e, 8, 0);
    while (write(edge[1], big, 4096) > 0)
        continue;
    look("full, with an edge to read", e, 8, 0);
    read(edge[0], big, sizeof big);
    look("room again", e, 8, 0);
    read(edge[0], big, sizeof big);
    look("more room is no edge", e, 8, 0);
    close(edge[1]);
    look("hung up", e, 8, 0);
    look("told once", e, 8, 0);
    close(level[1]);
    look("hung up, level", e, 8, 0);
    look("told again", e, 8, 0);
    control(e, EPOLL_CTL_MOD, level[0], 0, (uint64_t)level[0] << 32 | 7);
    look("even when not asked for", e, 8, 0);
    close(level[0]);
    look("closed", e, 8, 0);
    close(edge[0]);
    close(e);

    make_pipe(level);
    e = epoll_create1(0);
    add(e, level[1], EPOLLOUT);
    close(level[0]);
    look("no readers", e, 8, 0);
    close(level[1]), close(e);
}

static void one_shot(void)
{
    int ends[2], e = epoll_create1(0);
    make_pipe(ends);
    add(e, ends[0], EPOLLIN | EPOLLONESHOT);
    write(ends[1], "a", 1);
    look("one shot", e, 8, 0);
    look("spent", e, 8, 0);
    write(ends[1], "a", 1);
    look("still spent", e, 8, 0);
    close(ends[1]);
    look("even hung up", e, 8, 0);
    control(e, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, (uint64_t)ends[0] << 32 | 7);
    look("loaded", e, 8, 0);
    close(ends[0]), close(e);
}

/* With room for fewer events than are ready, the others come first the next time. */
static void turns(void)
{
    int ends[5][2], e = epoll_create1(0);
    for (int i = 0; i < 5; i++) {
        make_pipe(ends[i]);
        add(e, ends[i][0], EPOLLIN);
    }
    for (int i = 4; i >= 0; i--)
        write(ends[i][1], "x", 1);
    for (int i = 0; i < 5; i++)
        look("two of five", e, 2, 0);
    read(ends[2][0], big, 1);
    look("four", e, 8, 0);
    for (int i = 0; i < 5; i++)
        close(ends[i][0]), close(ends[i][1]);
    look("none", e, 8, 0);
    close(e);
}

/* An item belongs to the open file and the number it was added by. */
static void duplicates(void)
{
    int ends[2], e = epoll_create1(0);
    make_pipe(ends);
    int copy = dup(ends[0]);
    CALL(add(e, ends[0], EPOLLIN));
    CALL(add(e, copy, EPOLLIN));
    write(ends[1], "a", 1);
    look("under two numbers", e, 8, 0);
    close(ends[0]);
    look("closed, but open by the other", e, 8, 0);
    CALL(control(e, EPOLL_CTL_DEL, ends[0], 0, 0));
    close(copy);
    look("closed", e, 8, 0);
    int child_ends[2];
    make_pipe(child_ends);
    add(e, child_ends[0], EPOLLIN);
    pid_t child = fork();
    if (child == 0) {
        write(child_ends[1], "b", 1);
        look("in the child", e, 8, 0);
        _exit(control(e, EPOLL_CTL_DEL, child_ends[0], 0, 0));
    }
    int status;
    waitpid(child, &status, 0);
    show_status("child", status);
    look("the child has removed it", e, 8, 0);
    close(child_ends[0]), close(child_ends[1]), close(ends[1]), close(e);
}

static void counters(void)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE), e = epoll_create1(0);
    uint64_t value = 3;
    add(e, fd, EPOLLIN | EPOLLOUT | EPOLLET);
    look("to write", e, 8, 0);
    write(fd, &value, 8);
    look("to read and write", e, 8, 0);
    look("no more", e, 8, 0);
    read(fd, &value, 8);
    look("a read makes room", e, 8, 0);
    control(e, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, (uint64_t)fd << 32 | 7);
    look("changed", e, 8, 0);
    read(fd, &value, 8);
    look("room was not asked for", e, 8, 0);
    close(fd), close(e);
}

static void nested(void)
{
    int ends[2], inner = epoll_create1(0), outer = epoll_create1(0);
    make_pipe(ends);
    CALL(add(outer, inner, EPOLLIN));
    CALL(add(inner, outer, EPOLLIN));
    CALL(add(inner, ends[0], EPOLLIN));
    look("outer, nothing", outer, 8, 0);
    write(ends[1], "a", 1);
    look("outer", outer, 8, 0);
    struct pollfd p = { .fd = outer, .events = POLLIN | POLLOUT };
    CALL(poll(&p, 1, 0));
    SHOW(p.revents);
    look("inner", inner, 8, 0);
    read(ends[0], big, 1);
    look("outer, read", outer, 8, 0);
    CALL(poll(&p, 1, 0));
    control(outer, EPOLL_CTL_MOD, inner, EPOLLIN | EPOLLET, (uint64_t)inner << 32 | 7);
    write(ends[1], "a", 1);
    look("outer's edge", outer, 8, 0);
    look("once", outer, 8, 0);
    write(ends[1], "a", 1);
    look("again", outer, 8, 0);
    close(inner);
    look("inner closed", outer, 8, 0);
    close(outer);

    int line[8], last = 0;
    for (int i = 0; i < 8; i++) {
        line[i] = epoll_create1(0);
        add(line[i], i ? line[i - 1] : ends[0], EPOLLIN);
        struct epoll_event event;
        int ready = epoll_wait(line[i], &event, 1, 0);
        if (ready == 1)
            last = i + 1;
    }
    SHOW(last);
    for (int i = 0; i < 8; i++)
        close(line[i]);
    close(ends[0]), close(ends[1]);
}

static void handler(int number)
{
    (void)number;
}

static void *waker(void *argument)
{
    int fd = *(int *)argument;
    usleep(20000);
    write(fd, "a", 1);
    return NULL;
}

static long elapsed_ms(const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void waiting(void)
{
    int ends[2], e = epoll_create1(0);
    struct timespec begin;
    pthread_t thread;
    make_pipe(ends);
    add(e, ends[0], EPOLLIN);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    look("for 10 ms", e, 8, 10);
    SHOW(elapsed_ms(&begin) >= 9);
    pthread_create(&thread, NULL, waker, &ends[1]);
    look("until it is written", e, 8, -1);
    pthread_join(thread, NULL);
    read(ends[0], big, 1);

    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &action, NULL);
    ualarm(20000, 0);
    look("a signal ends it, SA_RESTART or not", e, 8, -1);
    sigset_t set, before, none;
    sigemptyset(&set), sigemptyset(&none);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, &before);
    ualarm(5000, 0);
    look("blocked", e, 8, 30);
    struct epoll_event event;
    CALL(epoll_pwait(e, &event, 1, -1, &none));
    sigprocmask(SIG_BLOCK, NULL, &set);
    SHOW(sigismember(&set, SIGALRM));
    struct timespec timeout = { 0, 3000000 };
    CALL(syscall(SYS_epoll_pwait2, e, &event, 1, &timeout, &none, 8));
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(ends[0]), close(ends[1]), close(e);
}

/* A descriptor that is added while another thread waits. */
struct late {
    int epoll, fd;
};

static void *late_adder(void *argument)
{
    struct late *late = argument;
    usleep(20000);
    add(late->epoll, late->fd, EPOLLIN);
    return NULL;
}

static void *one_event(void *argument)
{
    struct epoll_event event;
    return (void *)(intptr_t)epoll_wait(*(int *)argument, &event, 1, 300);
}

static void threads(void)
{
    int ends[2];
    struct late late = { .epoll = epoll_create1(0) };
    pthread_t thread, waiters[3];
    make_pipe(ends);
    late.fd = ends[0];
    write(ends[1], "a", 1);
    pthread_create(&thread, NULL, late_adder, &late);
    look("added while waiting", late.epoll, 8, 1000);
    pthread_join(thread, NULL);
    control(late.epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET, 0);
    look("edge", late.epoll, 8, 0);
    long total = 0;
    for (int i = 0; i < 3; i++)
        pthread_create(&waiters[i], NULL, one_event, &late.epoll);
    usleep(20000);
    write(ends[1], "b", 1);
    for (int i = 0; i < 3; i++) {
        void *result;
        pthread_join(waiters[i], &result);
        total += (intptr_t)result;
    }
    SHOW(total); /* one edge wakes one */
    close(ends[0]), close(ends[1]), close(late.epoll);
}

/* Standard input: a file, a device, or a pipe with "hello\n" in it that is closed in a while. */
static void standard_input(void)
{
    int e = epoll_create1(0);
    int added = add(e, 0, EPOLLIN | EPOLLET);
    SHOW(added ? -errno : added);
    if (added)
        return;
    look("input", e, 8, 20000);
    look("input, no edge", e, 8, 0);
    CALL(read(0, big, 4));
    control(e, EPOLL_CTL_MOD, 0, EPOLLIN, 7);
    look("input, level", e, 8, 20000);
    CALL(read(0, big, 100));
    look("input, at its end", e, 8, 20000);
    CALL(read(0, big, 100));
    close(e);
}

int main(void)
{
    syscall(SYS_close_range, 3, ~0U, 0); /* what the test runner left open shifts the numbers */
    errors();
    levels_and_edges();
    one_shot();
    turns();
    duplicates();
    counters();
    nested();
    waiting();
    threads();
    standard_input();
    return 0;
}
