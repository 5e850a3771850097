/* Credentials: set*id with each kind of caller, supplementary groups, what changes of user ids do to
 * capabilities, set-user-ID programs. Runs as root; unprivileged parts are children. Run with "ids" by itself. */
#include "child.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void *volatile bad = (void *)8;

static void ids(const char *when)
{
    unsigned r, e, s, gr, ge, gs;
    syscall(SYS_getresuid, &r, &e, &s);
    syscall(SYS_getresgid, &gr, &ge, &gs);
    printf("%s: uid %u %u %u fs %d gid %u %u %u fs %d\n", when, r, e, s, (int)syscall(SYS_setfsuid, -1), gr, ge, gs,
           (int)syscall(SYS_setfsgid, -1));
    fflush(stdout);
}

/* Without CAP_SYS_RESOURCE (24), which not every host gives. */
static void caps(const char *when)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { 0 } };
    syscall(SYS_capget, &header, d);
    for (int i = 0; i < 1; i++)
        d[i].effective &= ~(1u << 24), d[i].permitted &= ~(1u << 24), d[i].inheritable &= ~(1u << 24);
    printf("%s: effective %08x%08x permitted %08x%08x inheritable %08x%08x\n", when, d[1].effective, d[0].effective,
           d[1].permitted, d[0].permitted, d[1].inheritable, d[0].inheritable);
    fflush(stdout);
}

#define SYS(name, ...) CALL(syscall(SYS_##name, __VA_ARGS__))

static void as_root(void)
{
    ids("root");
    SYS(setresuid, 1, 2, 3);
    ids("setresuid 1 2 3");
    SYS(setresuid, 0, -1, -1);
    SYS(setuid, 0);
    SYS(setuid, 3);
    ids("setuid 3");
    SYS(setreuid, -1, 1);
    ids("setreuid -1 1");
    SYS(setreuid, 2, 3);
    SYS(setreuid, 1, 3);
    ids("setreuid 1 3");
    SYS(setuid, -1);
    SYS(setresuid, -1, -1, -1);
    SYS(setgid, 5);
    SYS(getresuid, bad, bad, bad);
    SYS(getresgid, bad, bad, bad);
}

static void group_ids(void)
{
    SYS(setresgid, 10, 20, 30);
    ids("setresgid");
    SYS(setregid, -1, 99);
    ids("setregid -1 99");
    SYS(setregid, 7, -1);
    ids("setregid 7 -1");
    SYS(setgid, -1);
    SYS(setresgid, 1, -1, 0xffffffff);
    ids("setresgid 1 -1 -1");
    SYS(setresuid, 100, 100, 100);
    SYS(setgid, 44);
    SYS(setresgid, 7, 1, 99);
    SYS(setresgid, 7, 99, 44);
    SYS(setregid, 99, 1);
    ids("unprivileged");
    SYS(setgid, 99);
    ids("setgid 99");
}

static void filesystem_ids(void)
{
    SYS(setfsuid, 1000);
    SYS(setfsuid, -1);
    caps("setfsuid 1000");
    SYS(setfsgid, 1001);
    SYS(setfsgid, 0);
    ids("fs");
    SYS(setfsuid, 0);
    caps("setfsuid 0");
    SYS(setresuid, 1, 2, 3);
    SYS(setfsuid, 9);
    SYS(setfsuid, 3);
    SYS(setfsuid, 1);
    ids("among three");
}

static void capabilities(void)
{
    caps("root");
    SYS(setresuid, -1, 1000, -1);
    caps("euid 1000");
    SYS(setresuid, -1, 0, -1);
    caps("euid 0");
    CALL(prctl(PR_SET_KEEPCAPS, 1));
    SYS(setresuid, 1000, 1000, 1000);
    caps("all 1000, kept");
    CALL(prctl(PR_GET_KEEPCAPS));
    SYS(setuid, 0);
}

static void no_capabilities(void)
{
    SYS(setresuid, 1000, 1000, 1000);
    caps("all 1000");
    CALL(setpriority(PRIO_PROCESS, 0, -1));
    SYS(chroot, "/");
    SYS(sethostname, "x", 1);
    CALL(mknod("/tmp/credentials-node", S_IFCHR | 0600, 0x103));
    CALL(kill(getppid(), 0));
    CALL(kill(getppid(), SIGCONT));
    SYS(setgroups, 0, NULL);
}

static void groups(void)
{
    static gid_t many[65537], back[65536];
    gid_t three[] = { 30, 10, 20 };
    SYS(setgroups, 3, three);
    SYS(getgroups, 0, NULL);
    SYS(getgroups, 2, back);
    SYS(getgroups, -1, back);
    SYS(getgroups, 3, bad);
    SYS(getgroups, 10, back);
    printf("%u %u %u\n", back[0], back[1], back[2]);
    for (unsigned i = 0; i < 65537; i++)
        many[i] = 100000 - i;
    SYS(setgroups, 65537, many);
    SYS(setgroups, -1, many);
    SYS(setgroups, 2, bad);
    SYS(getgroups, 0, NULL);
    SYS(setgroups, 65536, many);
    SYS(getgroups, 65536, back);
    show("lowest", back[0]);
    show("highest", back[65535]);
    many[0] = (gid_t)-1;
    SYS(setgroups, 1, many);
    if (!fork()) {
        SYS(getgroups, 0, NULL);
        _exit(0);
    }
    wait(NULL);
    SYS(setgroups, 0, bad);
    SYS(getgroups, 0, NULL);
}

static int program_fd;

static void copy_program(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
    char block[4096];
    ssize_t got;
    unlink(path);
    int out = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0700);
    lseek(program_fd, 0, SEEK_SET);
    while ((got = read(program_fd, block, sizeof block)) > 0)
        if (write(out, block, (size_t)got) != got)
            perror("write");
    if (fchown(out, uid, gid) || fchmod(out, mode))
        perror(path);
    close(out);
}

static void run(const char *path)
{
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        execl(path, path, "ids", NULL);
        printf("exec: error %d\n", errno);
        fflush(stdout);
        _exit(1);
    }
    waitpid(child, NULL, 0);
}

#define PROGRAM "/tmp/credentials-program"

static void set_id_programs(void)
{
    setgroups(0, NULL);
    prctl(PR_CAPBSET_DROP, 24);
    copy_program(PROGRAM, 500, 600, 0755);
    run(PROGRAM);
    copy_program(PROGRAM, 500, 600, 04755);
    run(PROGRAM);
    copy_program(PROGRAM, 500, 600, 06755);
    run(PROGRAM);
    copy_program(PROGRAM, 500, 600, 02745); /* not executable by the group: no set-group-ID */
    run(PROGRAM);
    pid_t child = fork();
    if (!child) {
        setresgid(1000, 1000, 1000);
        setresuid(1000, 1000, 1000);
        copy_program("/tmp/credentials-own", 1000, 1000, 0755);
        run("/tmp/credentials-own");
        run(PROGRAM);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    copy_program(PROGRAM, 0, 0, 04755); /* root for everybody */
    child = fork();
    if (!child) {
        setresgid(1000, 1000, 1000);
        setresuid(1000, 1000, 1000);
        run(PROGRAM);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        run(PROGRAM);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    copy_program(PROGRAM, 500, 600, 0711); /* may be executed, not read */
    child = fork();
    if (!child) {
        setresuid(1000, 1000, 1000);
        run(PROGRAM);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    unlink(PROGRAM);
    unlink("/tmp/credentials-own");
}

static void too_many(void)
{
    struct rlimit limit = { 2, 2 };
    CALL(setrlimit(RLIMIT_NPROC, &limit));
    SYS(setresuid, 54321, 54321, 54321);
    pid_t first = fork();
    if (!first)
        for (;;)
            pause();
    pid_t second = fork();
    show_result("a third process", second < 0 ? -1 : 0);
    if (!second)
        _exit(0);
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    second = fork();
    show_result("after one has gone", second < 0 ? -1 : 0);
    if (!second)
        _exit(0);
    waitpid(second, NULL, 0);
}

static void too_many_to_execute(void)
{
    struct rlimit limit = { 0, 0 };
    CALL(setrlimit(RLIMIT_NPROC, &limit));
    SYS(setresuid, 54322, 54322, 54322);
    run("/bin/true");
    CALL(execl("/bin/nothing-there", "x", NULL));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        ids("program");
        caps("program");
        SHOW(getauxval(AT_SECURE));
        SHOW(getauxval(AT_UID));
        SHOW(getauxval(AT_EUID));
        SHOW(getauxval(AT_GID));
        SHOW(getauxval(AT_EGID));
        SHOW(prctl(PR_GET_DUMPABLE));
        return 0;
    }
    program_fd = open(argv[0], O_RDONLY);
    in_child("root", as_root);
    in_child("group ids", group_ids);
    in_child("file system ids", filesystem_ids);
    in_child("capabilities", capabilities);
    in_child("no capabilities", no_capabilities);
    in_child("groups", groups);
    in_child("set-id programs", set_id_programs);
    in_child("too many processes", too_many);
    in_child("too many to execute", too_many_to_execute);
    return 0;
}
