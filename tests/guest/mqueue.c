/* POSIX message queues, by system call: names, attributes, order, waiting, notification. */
#include "guest.h"
#include <mqueue.h>
#include <poll.h>
#include <sys/resource.h>
#include <time.h>

static void *volatile bad = (void *)8;
static volatile int minus_one = -1;
static char name[64];

static long mq_sys_open(const char *path, int flags, int mode, void *attributes)
{
    return syscall(SYS_mq_open, path, flags, mode, attributes);
}

static void show_attributes(int q)
{
    struct mq_attr a = { 0 };
    CALL(syscall(SYS_mq_getsetattr, q, NULL, &a));
    printf("flags %lx most %ld size %ld now %ld\n", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
}

static void names(void)
{
    struct mq_attr a = { .mq_maxmsg = 3, .mq_msgsize = 16 }, none = { 0 }, huge = { .mq_maxmsg = 1 << 20, .mq_msgsize = 8 };
    static char longest[300];
    memset(longest, 'q', sizeof longest - 1);
    CALL(mq_sys_open(name, O_RDWR, 0, NULL));
    CALL(mq_sys_open("a/b", O_RDWR | O_CREAT, 0600, NULL));
    CALL(mq_sys_open("/x", O_RDWR | O_CREAT, 0600, NULL));
    CALL(mq_sys_open("", O_RDWR | O_CREAT, 0600, NULL));
    CALL(mq_sys_open(".", O_RDWR | O_CREAT, 0600, NULL));
    CALL(mq_sys_open("..", O_RDWR | O_CREAT, 0600, NULL));
    CALL(mq_sys_open(longest, O_RDWR | O_CREAT, 0600, NULL));
    CALL(mq_sys_open(bad, O_RDWR | O_CREAT, 0600, NULL));
    CALL(mq_sys_open(name, O_RDWR | O_CREAT, 0600, bad));
    CALL(mq_sys_open(name, O_RDWR | O_CREAT, 0600, &none));
    CALL(mq_sys_open(name, O_RDWR | O_CREAT, 0600, &huge));
    int q = (int)mq_sys_open(name, O_RDWR | O_CREAT | O_EXCL, 0640, &a);
    SHOW(q > 2);
    SHOW(fcntl(q, F_GETFD));
    CALL(mq_sys_open(name, O_RDWR | O_CREAT | O_EXCL, 0640, &a));
    CALL(mq_sys_open(name, O_ACCMODE, 0, NULL));
    int again = (int)mq_sys_open(name, O_RDONLY | O_NONBLOCK | O_CREAT, 0, NULL);
    show_attributes(q);
    show_attributes(again);
    struct stat st;
    CALL(fstat(q, &st));
    printf("mode %o size %ld links %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
    char text[100] = "";
    CALL(read(q, text, sizeof text - 1));
    printf("%s", text);
    CALL(write(q, "x", 1));
    CALL(syscall(SYS_mq_timedsend, again, "x", 1, 0, NULL));
    CALL(syscall(SYS_mq_unlink, "none"));
    CALL(syscall(SYS_mq_unlink, bad));
    CALL(syscall(SYS_mq_unlink, "a/b"));
    close(q);
    close(again);
}

static void take(int q)
{
    char text[17] = "";
    unsigned priority = 77;
    long n = syscall(SYS_mq_timedreceive, q, text, 16, &priority, NULL);
    if (n < 0)
        show_result("receive", n);
    else
        printf("received %ld '%.*s' priority %u\n", n, (int)n, text, priority);
}

static void order(void)
{
    struct timespec past = { 0, 0 }, wrong = { 0, 1000000000 }, soon;
    int q = (int)mq_sys_open(name, O_RDWR, 0, NULL);
    CALL(syscall(SYS_mq_timedsend, q, "low", 3, 1, NULL));
    CALL(syscall(SYS_mq_timedsend, q, "high", 4, 9, NULL));
    struct pollfd p = { q, POLLIN | POLLOUT, 0 };
    CALL(poll(&p, 1, 0));
    SHOW(p.revents);
    CALL(syscall(SYS_mq_timedsend, q, "second", 6, 9, NULL));
    CALL(poll(&p, 1, 0));
    SHOW(p.revents);
    show_attributes(q);
    CALL(syscall(SYS_mq_timedsend, q, "full", 4, 0, &past));
    CALL(syscall(SYS_mq_timedsend, q, "full", 4, 0, &wrong));
    CALL(syscall(SYS_mq_timedsend, q, "full", 4, 0, bad));
    CALL(syscall(SYS_mq_timedsend, q, "full", 4, 32768, NULL));
    CALL(syscall(SYS_mq_timedsend, q, "too long for this", 17, 0, NULL));
    CALL(syscall(SYS_mq_timedsend, q, bad, 4, 0, NULL));
    CALL(syscall(SYS_mq_timedsend, minus_one, "x", 1, 0, NULL));
    CALL(syscall(SYS_mq_timedsend, 0, "x", 1, 0, NULL));
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 20000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    CALL(syscall(SYS_mq_timedsend, q, "full", 4, 0, &soon));
    char small[8];
    CALL(syscall(SYS_mq_timedreceive, q, small, 8, NULL, NULL));
    CALL(syscall(SYS_mq_timedreceive, minus_one, small, 16, NULL, NULL));
    take(q);
    take(q);
    take(q);
    CALL(poll(&p, 1, 0));
    SHOW(p.revents);
    CALL(syscall(SYS_mq_timedreceive, q, name, 16, NULL, &past));
    struct mq_attr set = { .mq_flags = O_NONBLOCK }, wrong_flags = { .mq_flags = O_APPEND };
    CALL(syscall(SYS_mq_getsetattr, q, &set, NULL));
    CALL(syscall(SYS_mq_getsetattr, q, &wrong_flags, NULL));
    CALL(syscall(SYS_mq_getsetattr, q, bad, NULL));
    CALL(syscall(SYS_mq_getsetattr, minus_one, NULL, NULL));
    take(q);
    CALL(syscall(SYS_mq_timedsend, q, "", 0, 0, NULL));
    take(q);
    close(q);
}

static void waiting(void)
{
    int status, q = (int)mq_sys_open(name, O_RDWR, 0, NULL);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        take(q); /* waits */
        for (int i = 0; i < 5; i++)
            syscall(SYS_mq_timedsend, q, &"abcde"[i], 1, i, NULL); /* the fourth waits for room */
        _exit(3);
    }
    usleep(20000);
    CALL(syscall(SYS_mq_timedsend, q, "woken", 5, 4, NULL));
    usleep(20000);
    show_attributes(q);
    for (int i = 0; i < 5; i++)
        take(q);
    waitpid(child, &status, 0);
    show_status("child", status);
    close(q);
}

static volatile int told;
static siginfo_t last;
static void handler(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    told++;
    last = *info;
}

static void notification(void)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42 };
    int q = (int)mq_sys_open(name, O_RDWR | O_NONBLOCK, 0, NULL);
    sigaction(SIGUSR1, &action, NULL);
    CALL(syscall(SYS_mq_notify, q, bad));
    CALL(syscall(SYS_mq_notify, minus_one, NULL));
    CALL(syscall(SYS_mq_notify, 0, NULL));
    event.sigev_signo = 99;
    CALL(syscall(SYS_mq_notify, q, &event));
    event.sigev_signo = SIGUSR1;
    event.sigev_notify = 77;
    CALL(syscall(SYS_mq_notify, q, &event));
    event.sigev_notify = SIGEV_SIGNAL;
    CALL(syscall(SYS_mq_notify, q, &event));
    CALL(syscall(SYS_mq_notify, q, &event));
    CALL(syscall(SYS_mq_timedsend, q, "one", 3, 0, NULL));
    SHOW(told);
    SHOW(last.si_code);
    SHOW(last.si_value.sival_int);
    SHOW(last.si_pid == getpid());
    CALL(syscall(SYS_mq_timedsend, q, "two", 3, 0, NULL));
    SHOW(told);
    CALL(syscall(SYS_mq_notify, q, &event)); /* not empty: only after it has been */
    CALL(syscall(SYS_mq_timedsend, q, "three", 5, 0, NULL));
    SHOW(told);
    take(q), take(q), take(q);
    CALL(syscall(SYS_mq_timedsend, q, "four", 4, 0, NULL));
    SHOW(told);
    take(q);
    CALL(syscall(SYS_mq_notify, q, &event));
    CALL(syscall(SYS_mq_notify, q, NULL));
    CALL(syscall(SYS_mq_timedsend, q, "five", 4, 0, NULL));
    SHOW(told);
    take(q);
    CALL(syscall(SYS_mq_notify, q, &event));
    CALL(close(q));
    q = (int)mq_sys_open(name, O_RDWR | O_NONBLOCK, 0, NULL);
    CALL(syscall(SYS_mq_notify, q, &event)); /* closing ended the other */
    close(q);
}

static void ends(void)
{
    int q = (int)mq_sys_open(name, O_RDWR | O_NONBLOCK, 0, NULL);
    CALL(syscall(SYS_mq_unlink, name));
    CALL(syscall(SYS_mq_unlink, name));
    CALL(mq_sys_open(name, O_RDWR, 0, NULL));
    CALL(syscall(SYS_mq_timedsend, q, "still", 5, 0, NULL));
    take(q);
    close(q);
    if (fork() == 0) {
        struct rlimit small = { 1000, 1000 };
        setrlimit(RLIMIT_MSGQUEUE, &small);
        CALL(mq_sys_open(name, O_RDWR | O_CREAT, 0600, NULL));
        if (setgid(1000) || setuid(1000))
            _exit(1);
        struct mq_attr many = { .mq_maxmsg = 11, .mq_msgsize = 8 };
        CALL(mq_sys_open(name, O_RDWR | O_CREAT, 0600, &many));
        _exit(0);
    }
    wait(NULL);
}

int main(void)
{
    snprintf(name, sizeof name, "guest-mq-%d", (int)getpid());
    char kept[64];
    strcpy(kept, name);
    names();
    order();
    strcpy(name, kept);
    waiting();
    notification();
    ends();
    return 0;
}
