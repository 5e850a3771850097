/* unshare, clone and setns with user, pid, uts and ipc namespaces: identities inside and outside, maps and who may
 * write them, numbers, the fate of an init. Runs as root; unprivileged parts are children. */
#include "child.h"
#include <linux/futex.h>
#include <linux/capability.h>
#include <grp.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <sys/utsname.h>

static void *volatile bad = (void *)8;

static long put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY), error;
    if (fd < 0)
        return -1;
    long result = write(fd, text, strlen(text));
    error = errno;
    close(fd);
    errno = error;
    return result;
}

static void cat(const char *path)
{
    char text[4096];
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    text[got < 0 ? 0 : got] = '\0';
    printf("%s: %zd\n%s", path, got < 0 ? -errno : got, text);
    fflush(stdout);
    close(fd);
}

static void identity(const char *when)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { 0 } };
    struct stat st;
    syscall(SYS_capget, &header, d);
    stat("/", &st);
    printf("%s: uid %u %u gid %u %u effective %x%08x root owned by %u %u\n", when, getuid(), geteuid(), getgid(), getegid(),
           d[1].effective, d[0].effective, st.st_uid, st.st_gid);
    fflush(stdout);
}

/* --- names of the machine --- */

static void uts(void)
{
    struct utsname before, inside, after;
    uname(&before);
    pid_t child = fork();
    if (!child) {
        CALL(unshare(CLONE_NEWUTS));
        CALL(sethostname("inside", 6));
        CALL(setdomainname("domain", 6));
        uname(&inside);
        printf("%s %s\n", inside.nodename, inside.domainname);
        cat("/proc/sys/kernel/hostname");
        CALL(sethostname(bad, 3));
        CALL(syscall(SYS_sethostname, "x", -1));
        CALL(syscall(SYS_sethostname, "x", 65));
        CALL(setdomainname(bad, 3));
        CALL(sethostname("", 0));
        uname(&inside);
        show("length", (long)strlen(inside.nodename));
        CALL(setresuid(1000, 1000, 1000));
        CALL(sethostname("y", 1));
        CALL(syscall(SYS_setdomainname, "y", 65));
        CALL(unshare(CLONE_NEWUTS));
        CALL(unshare(CLONE_NEWUTS | CLONE_NEWUSER));
        CALL(sethostname("y", 1));
        uname(&inside);
        puts(inside.nodename);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    uname(&after);
    show("outside unchanged", strcmp(before.nodename, after.nodename) == 0);
}

/* --- users --- */

static void unmapped(void)
{
    CALL(setresgid(1000, 1000, 1000));
    CALL(setresuid(1000, 1000, 1000));
    CALL(unshare(CLONE_NEWUSER));
    identity("unmapped");
    CALL(setuid(0));
    CALL(setuid(1000));
    CALL(setgroups(0, NULL));
    CALL(syscall(SYS_setresuid, -1, -1, -1));
    CALL(setfsuid(0));
    cat("/proc/self/uid_map");
    cat("/proc/self/setgroups");
    CALL(put("/proc/self/uid_map", "0 1001 1\n"));
    CALL(put("/proc/self/uid_map", "0 1000 2\n"));
    CALL(put("/proc/self/uid_map", "0 1000\n"));
    CALL(put("/proc/self/uid_map", "0 1000 0\n"));
    CALL(put("/proc/self/uid_map", "0 1000 1 x\n"));
    CALL(put("/proc/self/uid_map", "\n"));
    CALL(put("/proc/self/uid_map", "-1 1000 1\n"));
    CALL(put("/proc/self/uid_map", "0 4294967295 1\n"));
    CALL(put("/proc/self/uid_map", "0 1000 4294967295\n"));
    CALL(put("/proc/self/uid_map", "0 1000 1\n0 1000 1\n"));
    CALL(put("/proc/self/gid_map", "0 1000 1\n"));
    CALL(put("/proc/self/setgroups", "nonsense"));
    CALL(put("/proc/self/setgroups", "deny x"));
    CALL(put("/proc/self/setgroups", "deny\n"));
    CALL(put("/proc/self/setgroups", "allow\n"));
    CALL(put("/proc/self/gid_map", "5 1000 1\n"));
    CALL(put("/proc/self/uid_map", "  0\t1000  1"));
    CALL(put("/proc/self/uid_map", "0 1000 1\n"));
    CALL(put("/proc/self/setgroups", "deny\n"));
    CALL(put("/proc/self/setgroups", "allow\n"));
    cat("/proc/self/uid_map");
    cat("/proc/self/gid_map");
    cat("/proc/self/setgroups");
    identity("mapped");
    CALL(setgroups(0, NULL));
    CALL(setuid(5));
    CALL(setuid(0));
    CALL(setgid(5));
    CALL(setgid(0));
    CALL(chown("/tmp", 0, 0));
    int fd = open("/tmp/namespaces-file", O_CREAT | O_RDWR, 0600);
    CALL(fchown(fd, 0, 5));
    CALL(fchown(fd, 1, 5));
    CALL(fchown(fd, 0, 0));
    struct stat st;
    fstat(fd, &st);
    printf("file of %u %u\n", st.st_uid, st.st_gid);
    unlink("/tmp/namespaces-file");
    CALL(syscall(SYS_chroot, "/"));
    CALL(sethostname("x", 1));
    CALL(setpriority(0, 0, -1));
    CALL(mknod("/tmp/namespaces-node", S_IFCHR | 0600, 0x103));
    CALL(kill(getppid(), 0));
    CALL(unshare(CLONE_NEWUSER));
    identity("one deeper");
    CALL(put("/proc/self/uid_map", "7 0 1\n"));
    CALL(put("/proc/self/setgroups", "allow"));
    CALL(put("/proc/self/gid_map", "8 5 1\n"));
    cat("/proc/self/uid_map");
    identity("one deeper, mapped");
}

static void several_ids(void)
{
    int go[2], ready[2];
    char byte, path[64];
    if (pipe(go) || pipe(ready))
        return;
    pid_t child = fork();
    if (!child) {
        CALL(unshare(CLONE_NEWUSER));
        if (write(ready[1], "x", 1) != 1 || read(go[0], &byte, 1) != 1)
            _exit(1);
        identity("mapped by the parent");
        cat("/proc/self/uid_map");
        cat("/proc/self/gid_map");
        CALL(setresuid(0, 0, 0));
        identity("root");
        gid_t groups[] = { 3, 1, 2 };
        CALL(setgroups(3, groups));
        CALL(getgroups(0, NULL));
        CALL(setresuid(10, 11, 12));
        identity("among the mapped");
        CALL(setuid(100));
        CALL(setuid(12));
        identity("end");
        _exit(0);
    }
    if (read(ready[0], &byte, 1) != 1)
        return;
    snprintf(path, sizeof path, "/proc/%d/uid_map", child);
    show_result("two ranges", put(path, "0 100000 50\n50 200000 10\n"));
    snprintf(path, sizeof path, "/proc/%d/gid_map", child);
    show_result("overlap", put(path, "0 100000 50\n49 300000 10\n"));
    show_result("one range", put(path, "0 100000 65536\n"));
    if (write(go[1], "x", 1) != 1)
        return;
    waitpid(child, NULL, 0);
}

/* --- process numbers --- */

static void lines_of_status(void)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, "Groups", 6) || !strncmp(line, "NoNewPrivs", 10) || !strncmp(line, "Uid", 3) ||
            !strncmp(line, "CapAmb", 6) || !strncmp(line, "CapInh", 6))
            fputs(line, stdout);
    fflush(stdout);
    if (file)
        fclose(file);
}

static volatile int got, from_pid, from_uid;

static void on_signal(int signo, siginfo_t *info, void *context)
{
    (void)context;
    got = signo;
    from_pid = info->si_pid;
    from_uid = (int)info->si_uid;
}

static void catch_signal(int signo)
{
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    sigaction(signo, &action, NULL);
}

static void numbers(void)
{
    int status;
    CALL(unshare(CLONE_NEWPID));
    CALL(unshare(CLONE_NEWPID)); /* one after another, not two at once */
    show("own number is small", getpid() < 3);
    pid_t init = fork();
    if (!init) {
        printf("init: pid %d parent %d group in sight %d session in sight %d\n", getpid(), getppid(), getpgrp() != 0,
               getsid(0) != 0);
        fflush(stdout);
        CALL(setsid());
        CALL(getpgid(0));
        pid_t second = fork();
        if (!second) {
            printf("second: pid %d parent %d\n", getpid(), getppid());
            fflush(stdout);
            CALL(kill(1, 0));
            CALL(kill(1, SIGKILL)); /* not from inside */
            CALL(kill(1, SIGSTOP));
            CALL(kill(1, SIGTERM));
            CALL(kill(3, 0));
            CALL(kill(-1, 0));
            CALL(setpgid(0, 0));
            CALL(getpgid(1));
            CALL(getsid(2));
            CALL(sched_getscheduler(3));
            pid_t third = fork();
            if (!third) {
                pid_t fourth = fork();
                if (!fourth) {
                    while (getppid() != 1)
                        usleep(1000);
                    _exit(40 + getpid());
                }
                _exit(30 + fourth);
            }
            show("waited for", waitpid(third, &status, 0));
            show("third is", third);
            show_status("third", status);
            _exit(22);
        }
        int codes[5] = { 0 }; /* the two may come in any order */
        for (int i = 0; i < 2; i++) {
            pid_t pid = wait(&status);
            codes[pid > 0 && pid < 5 ? pid : 0] = WEXITSTATUS(status);
        }
        printf("init has waited: %d %d\n", codes[2], codes[4]);
        fflush(stdout);
        CALL(wait(&status));
        catch_signal(SIGUSR1);
        kill(1, SIGUSR1);
        printf("signal %d from %d\n", got, from_pid);
        fflush(stdout);
        pid_t last = fork();
        if (!last)
            for (;;)
                pause();
        _exit(11); /* and kills the last */
    }
    waitpid(init, &status, 0);
    show_status("init", status);
    show("init is 1 outside", init == 1);
    pid_t another = fork();
    show_result("nobody is born any more", another < 0 ? -1 : 0);
    if (!another)
        _exit(0);
}

static void killed_init(void)
{
    int ends[2], status;
    char byte;
    if (pipe(ends))
        return;
    CALL(unshare(CLONE_NEWPID));
    pid_t init = fork();
    if (!init) {
        for (int i = 0; i < 3; i++)
            if (!fork())
                for (;;)
                    pause();
        if (write(ends[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ends[1]);
    show("ready", read(ends[0], &byte, 1));
    CALL(kill(init, SIGTERM)); /* its default action does not reach it */
    usleep(10000);
    CALL(waitpid(init, &status, WNOHANG));
    CALL(kill(init, SIGKILL));
    show("init", waitpid(init, &status, 0) == init);
    show_status("init", status);
    show("all have gone", read(ends[0], &byte, 1));
}

static void senders(void)
{
    int status;
    catch_signal(SIGUSR2);
    CALL(setresgid(1000, 1000, 1000));
    CALL(setresuid(1000, 1000, 1000));
    CALL(unshare(CLONE_NEWUSER | CLONE_NEWPID));
    pid_t outside = getpid();
    (void)outside;
    pid_t init = fork();
    if (!init) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigprocmask(SIG_BLOCK, &set, NULL);
        siginfo_t info;
        sigwaitinfo(&set, &info);
        printf("inside: from %d uid %u\n", info.si_pid, info.si_uid);
        fflush(stdout);
        _exit(0);
    }
    usleep(20000);
    kill(init, SIGUSR2);
    waitpid(init, &status, 0);
    siginfo_t info;
    memset(&info, 0, sizeof info);
    show_status("init", status);
}

/* --- entering, links, errors --- */

static void links(void)
{
    static const char *const names[] = { "uts", "ipc", "pid", "user", "pid_for_children", "mnt" };
    char path[64], text[64], before[64];
    for (unsigned i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        ssize_t length = readlink(path, text, sizeof text - 1);
        text[length < 0 ? 0 : length] = '\0';
        printf("%s is %.*s[...]\n", names[i], (int)strcspn(text, "["), text);
        struct stat st;
        show("stat", stat(path, &st));
        printf("%o, number %d\n", st.st_mode, strtoul(strchr(text, '[') + 1, NULL, 10) == st.st_ino);
    }
    CALL(readlink("/proc/self/ns/nothing", text, sizeof text));
    memset(before, 0, sizeof before);
    memset(text, 0, sizeof text);
    int old = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    show("readlink", readlink("/proc/self/ns/uts", before, sizeof before - 1) > 0);
    CALL(unshare(CLONE_NEWUTS));
    show("readlink", readlink("/proc/self/ns/uts", text, sizeof text - 1) > 0);
    show("another", strcmp(before, text) != 0);
    CALL(sethostname("elsewhere", 9));
    CALL(setns(old, CLONE_NEWIPC));
    CALL(setns(old, CLONE_NEWUTS));
    memset(text, 0, sizeof text);
    show("readlink", readlink("/proc/self/ns/uts", text, sizeof text - 1) > 0);
    show("back", strcmp(before, text) == 0);
    CALL(setns(-1, 0));
    CALL(setns(0, 0));
    int user = open("/proc/self/ns/user", O_RDONLY);
    CALL(setns(user, 0)); /* one's own */
    CALL(ioctl(old, 0xb703));
    CALL(ioctl(user, 0xb703));
    unsigned owner = 7;
    CALL(ioctl(user, 0xb704, &owner));
    show("owner", owner);
    CALL(ioctl(old, 0xb704, &owner));
    CALL(ioctl(old, 0xb702));
    CALL(ioctl(user, 0xb702));
    DONE(ioctl(old, 0xb701));
    CALL(ioctl(old, 0x1234));
    DONE(write(old, "x", 1));
    pid_t child = fork();
    if (!child) {
        unshare(CLONE_NEWUSER | CLONE_NEWUTS);
        sethostname("childs", 6);
        for (;;)
            pause();
    }
    usleep(30000);
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    CALL(setns(pidfd, 0));
    CALL(setns(pidfd, 0x1000));
    CALL(setns(pidfd, CLONE_NEWUSER | CLONE_NEWUTS));
    identity("in the child's");
    struct utsname name;
    uname(&name);
    puts(name.nodename);
    fflush(stdout);
    CALL(setns(old, CLONE_NEWUTS)); /* no rights there any more */
    CALL(setns(user, CLONE_NEWUSER));
    CALL(kill(child, SIGKILL));
    waitpid(child, NULL, 0);
    CALL(setns(pidfd, CLONE_NEWUTS));
}

static void refused(void)
{
    CALL(unshare(0x1));
    CALL(unshare(0));
    CALL(unshare(CLONE_FILES | CLONE_FS));
    CALL(unshare(CLONE_THREAD | CLONE_VM | CLONE_SIGHAND));
    DONE(syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
    DONE(syscall(SYS_clone, CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, 0, 0, 0, 0));
    DONE(syscall(SYS_clone, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0));
    CALL(unshare(CLONE_NEWIPC));
    CALL(setresuid(1000, 1000, 1000));
    CALL(unshare(CLONE_NEWUTS));
    CALL(unshare(CLONE_NEWPID));
    CALL(unshare(CLONE_NEWIPC));
    DONE(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
    int levels = 0;
    while (unshare(CLONE_NEWUSER) == 0 && levels < 100) {
        levels++;
        put("/proc/self/uid_map", "0 0 1");
        if (levels == 1)
            put("/proc/self/uid_map", "0 1000 1");
        put("/proc/self/setgroups", "deny");
        put("/proc/self/gid_map", "0 0 1");
    }
    printf("after %d levels: error %d\n", levels, errno);
    fflush(stdout);
}

static void by_clone(void)
{
    int status;
    long child = syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        identity("cloned");
        show("pid", getpid());
        lines_of_status();
        CALL(sethostname("cloned", 6));
        fflush(stdout);
        _exit(3);
    }
    waitpid((pid_t)child, &status, 0);
    show_status("cloned", status);
    show("more than 1", child > 1);
}

/* What SIGCHLD says of a child in a namespace above, whose user the parent's does not know. */
static void child_signals(void)
{
    siginfo_t info;
    sigset_t set;
    int ends[2];
    char byte = 'x';
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (pipe(ends))
        return;
    pid_t child = fork();
    if (!child) { /* it stays in the parent's namespace, with another user */
        if (read(ends[0], &byte, 1) != 1 || setuid(1234))
            _exit(1);
        _exit(2);
    }
    CALL(unshare(CLONE_NEWUSER));
    put("/proc/self/uid_map", "5 0 1");
    if (write(ends[1], &byte, 1) != 1)
        return;
    show("signal", sigwaitinfo(&set, &info));
    printf("code %d uid %u status %d own %d\n", info.si_code, info.si_uid, info.si_status, info.si_pid == child);
    fflush(stdout);
    show("waited", waitpid(child, NULL, 0) == child);
}

/* Numbers of threads that are given, in a namespace of one's own: timers' and locks'. */
static void thread_numbers(void)
{
    int status;
    CALL(unshare(CLONE_NEWPID));
    if (fork() == 0) {
        struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
        uint32_t lock = 0;
        timer_t timer;
        event._sigev_un._tid = 1;
        CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
        event._sigev_un._tid = 2;
        CALL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
        CALL(syscall(SYS_futex, &lock, FUTEX_LOCK_PI, 0, NULL));
        show("lock", lock);
        CALL(syscall(SYS_futex, &lock, FUTEX_LOCK_PI, 0, NULL));
        CALL(syscall(SYS_futex, &lock, FUTEX_UNLOCK_PI, 0, NULL));
        show("lock", lock);
        char byte = 7, copy = 0;
        struct iovec from = { &byte, 1 }, to = { &copy, 1 };
        CALL(syscall(SYS_process_vm_readv, 1, &to, 1, &from, 1, 0));
        CALL(syscall(SYS_process_vm_readv, 2, &to, 1, &from, 1, 0));
        fflush(stdout);
        _exit(0);
    }
    wait(&status);
    show_status("init", status);
}

int main(void)
{
    prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE);
    in_child("uts", uts);
    in_child("unmapped", unmapped);
    in_child("several ids", several_ids);
    in_child("numbers", numbers);
    in_child("killed init", killed_init);
    in_child("senders", senders);
    in_child("links", links);
    in_child("refused", refused);
    in_child("by clone", by_clone);
    in_child("child signals", child_signals);
    in_child("thread numbers", thread_numbers);
    return 0;
}
