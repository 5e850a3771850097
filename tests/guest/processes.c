/* Processes: fork, copy-on-write, exit statuses, wait4 and waitid, stop and continue, groups and
 * sessions, execve, close-on-exec, scripts. Run with "child" arguments by itself. */
#include "guest.h"
#include <sched.h>

extern char **environ;
static void *volatile bad = (void *)8;
static int shared_value = 1;

static int status_of(pid_t pid)
{
    int status = -1;
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return status;
}

static void forks(void)
{
    int local = 5;
    char *memory = pages(3, PROT_READ | PROT_WRITE);
    char *both = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(memory, "parent");
    pid_t child = fork();
    if (!child) {
        shared_value = 2;
        local = 6;
        strcpy(memory, "child");
        strcpy(both, "from the child");
        _exit(shared_value + local);
    }
    show_status("child", status_of(child));
    printf("%d %d %s %s\n", shared_value, local, memory, both);
    for (int i = 0; i < 3; i++) {
        child = fork();
        if (!child)
            _exit(i * 100); /* the low eight bits count */
        show_status("exit", status_of(child));
    }
    CALL(waitpid(-1, NULL, 0));
    CALL(waitpid(-1, NULL, WNOHANG));
    CALL(waitpid(0x3ffffff, NULL, 0));
    CALL(waitpid(-1, NULL, 0x40000000 | 0x10));
    child = vfork();
    if (!child) {
        shared_value = 3;
        _exit(4);
    }
    show_status("vfork", status_of(child));
    show("shared by vfork", shared_value);
}

static void waits(void)
{
    int gate[2];
    char byte;
    if (pipe(gate))
        return;
    pid_t child = fork();
    if (!child) {
        close(gate[1]);
        _exit(read(gate[0], &byte, 1) == 0 ? 9 : 8);
    }
    close(gate[0]);
    int status;
    CALL(waitpid(child, &status, WNOHANG));
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    show_status("stop", status);
    CALL(waitpid(child, &status, WNOHANG | WUNTRACED));
    kill(child, SIGCONT);
    waitpid(child, &status, WCONTINUED);
    show_status("continue", status);
    siginfo_t info = { 0 };
    CALL(waitid(P_PID, child, &info, WEXITED | WNOHANG));
    show("si_pid before the end", info.si_pid);
    close(gate[1]);
    CALL(waitid(P_PID, child, &info, WEXITED | WNOWAIT));
    printf("waitid: signo %d code %d status %d pid %d\n", info.si_signo, info.si_code, info.si_status, info.si_pid == child);
    CALL(waitid(P_PID, child, &info, WEXITED));
    CALL(waitid(P_PID, child, &info, WEXITED));
    CALL(waitid(P_ALL, 0, &info, 0));
    /* a killed child */
    child = fork();
    if (!child)
        for (;;)
            pause();
    kill(child, SIGKILL);
    waitid(P_ALL, 0, &info, WEXITED);
    printf("waitid: code %d status %d\n", info.si_code, info.si_status);
    /* children of a process that ignores SIGCHLD leave no zombies */
    signal(SIGCHLD, SIG_IGN);
    child = fork();
    if (!child)
        _exit(0);
    CALL(waitpid(child, &status, 0));
    signal(SIGCHLD, SIG_DFL);
    /* a child's child is inherited */
    int ends[2];
    if (pipe(ends))
        return;
    child = fork();
    if (!child) {
        pid_t middle = getpid();
        if (!fork()) {
            while (getppid() == middle)
                usleep(1000);
            _exit(write(ends[1], "o", 1) != 1);
        }
        _exit(0);
    }
    status_of(child);
    show("orphan wrote", read(ends[0], &byte, 1));
}

static void groups(void)
{
    show("own group is a group", getpgid(0) == getpgrp());
    pid_t child = fork();
    if (!child) {
        int bad = 0;
        bad |= setpgid(0, 0) != 0;
        bad |= (getpgrp() != getpid()) << 1;
        bad |= (setsid() != -1 || errno != EPERM) << 2; /* a group leader cannot */
        _exit(bad);
    }
    show_status("setpgid", status_of(child));
    child = fork();
    if (!child) {
        int bad = 0;
        bad |= setsid() != getpid();
        bad |= (getsid(0) != getpid()) << 1;
        bad |= (getpgrp() != getpid()) << 2;
        bad |= (setpgid(0, 0) != -1 || errno != EPERM) << 3; /* nor may a session leader move */
        _exit(bad);
    }
    show_status("setsid", status_of(child));
    CALL(setpgid(-1, 0));
    CALL(setpgid(0x3ffffff, 0));
    CALL(getpgid(0x3ffffff));
    CALL(getsid(0x3ffffff));
    child = fork();
    if (!child) {
        setpgid(0, 0);
        signal(SIGTERM, SIG_DFL);
        for (;;)
            pause();
    }
    setpgid(child, child);
    CALL(kill(-child, SIGTERM));
    show_status("group kill", status_of(child));
}

static void run(const char *name, char *const argv[], char *const envp[])
{
    pid_t child = fork();
    if (!child) {
        execve(argv[0], argv, envp);
        _exit(errno);
    }
    show_status(name, status_of(child));
}

static void make_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        perror(path);
    close(fd);
    chmod(path, mode);
}

static void programs(const char *self)
{
    char *env[] = { "ONE=1", "TWO=zwei", NULL }, *none[] = { NULL };
    run("execve", (char *[]){ (char *)self, "child", "a b", "", NULL }, env);
    run("execve, nothing", (char *[]){ (char *)self, "child", NULL }, none);
    int kept = open("/dev/null", O_RDONLY), closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char a[12], b[12];
    sprintf(a, "%d", kept);
    sprintf(b, "%d", closed);
    run("descriptors", (char *[]){ (char *)self, "descriptors", a, b, NULL }, none);
    signal(SIGUSR1, SIG_IGN);
    run("dispositions", (char *[]){ (char *)self, "dispositions", NULL }, none);
    run("missing", (char *[]){ "/nowhere/at/all", NULL }, none);
    run("directory", (char *[]){ "/tmp", NULL }, none);

    char directory[] = "/tmp/processesXXXXXX", path[64], text[256];
    if (!mkdtemp(directory) || chdir(directory))
        return;
    snprintf(text, sizeof text, "#! %s child of a script\nrest", self);
    make_file("script", text, 0755);
    run("script", (char *[]){ "./script", "x", "y", NULL }, none);
    make_file("nested", "#!./script argument\n", 0755);
    run("nested script", (char *[]){ "./nested", "z", NULL }, none);
    make_file("loop", "#!./loop\n", 0755);
    run("script loop", (char *[]){ "./loop", NULL }, none);
    make_file("lost", "#!/nowhere/at/all\n", 0755);
    run("lost interpreter", (char *[]){ "./lost", NULL }, none);
    make_file("text", "just text\n", 0755);
    run("text", (char *[]){ "./text", NULL }, none);
    make_file("empty", "", 0755);
    run("empty", (char *[]){ "./empty", NULL }, none);
    make_file("plain", "x", 0644);
    run("not executable", (char *[]){ "./plain", NULL }, none);
    make_file("short", "\177ELF", 0755);
    run("short ELF", (char *[]){ "./short", NULL }, none);
    static const char *const files[] = { "script", "nested", "loop", "lost", "text", "empty", "plain", "short" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(files[i]);
    if (chdir("/"))
        return;
    snprintf(path, sizeof path, "%s", directory);
    rmdir(path);
    CALL(execve(self, bad, NULL));
    CALL(execve(bad, none, none));
    char *huge = malloc(200000);
    memset(huge, 'x', 199999);
    huge[199999] = '\0';
    char *long_argument[] = { (char *)self, huge, NULL };
    CALL(execve(self, long_argument, none)); /* one string may have 128 KiB */
    free(huge);
}

static void pipes(void)
{
    int ends[2];
    char text[16] = "";
    CALL(pipe2(ends, 0x12345678));
    if (pipe(ends))
        return;
    pid_t child = fork();
    if (!child) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        _exit(write(1, "through a pipe", 14) != 14);
    }
    close(ends[1]);
    show("read", read(ends[0], text, sizeof text));
    puts(text);
    show("end", read(ends[0], text, sizeof text));
    status_of(child);
    close(ends[0]);
    if (pipe(ends))
        return;
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    CALL(write(ends[1], "x", 1));
    signal(SIGPIPE, SIG_DFL);
    child = fork();
    if (!child)
        _exit(write(ends[1], "x", 1) == 1);
    show_status("SIGPIPE", status_of(child));
    close(ends[1]);
    /* more than a pipe holds */
    if (pipe(ends))
        return;
    child = fork();
    if (!child) {
        static char block[100000];
        close(ends[0]);
        for (size_t i = 0; i < sizeof block; i++)
            block[i] = (char)(i * 7);
        for (int i = 0; i < 5; i++)
            if (write(ends[1], block, sizeof block) != sizeof block)
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    unsigned long total = 0, sum = 0;
    ssize_t got;
    unsigned char buffer[3001];
    while ((got = read(ends[0], buffer, sizeof buffer)) > 0) {
        total += (unsigned long)got;
        for (ssize_t i = 0; i < got; i++)
            sum = sum * 31 + buffer[i];
    }
    printf("streamed %lu, sum %lx\n", total, sum);
    show_status("writer", status_of(child));
}

static int as_child(int argc, char **argv)
{
    struct sigaction action;
    if (!strcmp(argv[1], "descriptors")) {
        printf("kept %d closed %d\n", fcntl(atoi(argv[2]), F_GETFD), fcntl(atoi(argv[3]), F_GETFD));
        return 0;
    }
    if (!strcmp(argv[1], "dispositions")) {
        sigaction(SIGUSR1, NULL, &action);
        printf("ignored %d\n", action.sa_handler == SIG_IGN);
        return 0;
    }
    for (int i = 1; i < argc; i++)
        printf("[%s]", argv[i]);
    for (char **e = environ; *e; e++)
        printf(" %s", *e);
    puts("");
    return argc;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return as_child(argc, argv);
    forks();
    waits();
    groups();
    programs(argv[0]);
    pipes();
    return 0;
}
