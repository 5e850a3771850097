/* System V shared memory: shmget, shmat, shmdt, shmctl, what fork, exec and exit do to attachments. */
#include "guest.h"
#include <sched.h>
#include <setjmp.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

static sigjmp_buf back;
static void caught(int signo) { siglongjmp(back, signo); }

static void touch(const char *name, volatile char *at, bool write)
{
    int signo = sigsetjmp(back, 1);
    if (signo) {
        printf("%s: signal %d\n", name, signo);
        return;
    }
    if (write)
        *at = 1;
    printf("%s: %d\n", name, *at);
}

static void tell(const char *name, int id)
{
    struct shmid_ds ds;
    if (shmctl(id, IPC_STAT, &ds)) {
        printf("%s: error %d\n", name, errno);
        return;
    }
    printf("%s: key %d mode %o size %zu attached %ld uid %u %u gid %u %u creator %d last %d times %d%d%d\n", name,
           ds.shm_perm.__key, ds.shm_perm.mode, ds.shm_segsz, (long)ds.shm_nattch, ds.shm_perm.uid, ds.shm_perm.cuid,
           ds.shm_perm.gid, ds.shm_perm.cgid, ds.shm_cpid == getpid(), ds.shm_lpid == getpid(), ds.shm_atime != 0,
           ds.shm_dtime != 0, ds.shm_ctime != 0);
    fflush(stdout);
}

/* The line of a segment in /proc/sysvipc/shm, without what differs between runs. */
static void line_of(const char *name, int id)
{
    FILE *list = fopen("/proc/sysvipc/shm", "r");
    char line[512];
    if (fgets(line, sizeof line, list))
        printf("%s", line);
    while (fgets(line, sizeof line, list)) {
        long key, shmid, attached, rss, swap, ignored;
        unsigned mode, uid, gid;
        unsigned long size;
        int fields = sscanf(line, "%ld %ld %o %lu %ld %ld %ld %u %u %ld %ld %ld %ld %ld %ld %ld", &key, &shmid, &mode,
                            &size, &ignored, &ignored, &attached, &uid, &gid, &ignored, &ignored, &ignored, &ignored,
                            &ignored, &rss, &swap);
        if (shmid == id)
            printf("%s: %d fields, %zu characters, key %ld mode %o size %lu attached %ld uid %u gid %u rss %ld swap %ld\n",
                   name, fields, strlen(line), key, mode, size, attached, uid, gid, rss, swap);
    }
    fclose(list);
}

static void refusals(int id, char *free_area)
{
    struct shmid_ds ds;
    DONE(shmget(0x5242, 100, 0));
    CALL(shmget(IPC_PRIVATE, 0, 0600));
    CALL(shmget(IPC_PRIVATE, ~0ul, 0600));
    CALL(shmget(IPC_PRIVATE, 1ul << 46, 0600));
    CALL((long)shmat(-1, NULL, 0));
    CALL((long)shmat(id + 1, NULL, 0));
    CALL((long)shmat(id + 32768, NULL, 0));
    CALL((long)shmat(id, free_area + 1, 0));
    CALL((long)shmat(id, NULL, SHM_REMAP));
    CALL((long)shmat(id, (void *)1, SHM_REMAP | SHM_RND));
    CALL((long)shmat(id, free_area + 7 * PAGE, 0));
    CALL((long)shmat(id, (void *)(1ul << 47), 0));
    CALL(shmdt(free_area));
    CALL(shmdt(free_area + 1));
    CALL(shmdt(NULL));
    CALL(shmctl(id, 99, &ds));
    CALL(shmctl(id, -1, &ds));
    CALL(shmctl(-1, IPC_STAT, &ds));
    CALL(shmctl(id + 1, IPC_STAT, &ds));
    CALL(shmctl(id, IPC_STAT, (void *)8));
    CALL(shmctl(id, IPC_SET, (void *)8));
    CALL(shmctl(id + 1, IPC_RMID, NULL));
    CALL(shmctl(id + 1, SHM_LOCK, NULL));
    CALL(shmctl(0, IPC_INFO, (void *)8));
    CALL(shmctl(0, SHM_INFO, (void *)8));
    CALL(shmctl(30000, SHM_STAT, &ds));
}

static void attachments(int id, char *area)
{
    char *at = shmat(id, area, 0);
    show("attached", at == area);
    strcpy(at, "hello");
    tell("once", id);
    line_of("once", id);
    char *twin = shmat(id, area + 4 * PAGE + 5, SHM_RND | SHM_RDONLY);
    show("rounded", twin == area + 4 * PAGE);
    printf("%s\n", twin);
    touch("read only", twin, true);
    CALL(mprotect(twin, PAGE, PROT_READ | PROT_WRITE));
    CALL((long)shmat(id, area + PAGE, 0));
    char *code = shmat(id, area + PAGE, SHM_REMAP | SHM_EXEC);
    show("over a part of the other", code == area + PAGE);
    tell("thrice", id);
    CALL(mprotect(area + 4 * PAGE, PAGE, PROT_NONE));
    tell("a cut counts", id);
    CALL(munmap(area + 5 * PAGE, PAGE));
    CALL(shmdt(area));
    touch("gone", area, false);
    touch("another's", area + PAGE, false);
    CALL(shmdt(area + 5 * PAGE));
    CALL(shmdt(area + 4 * PAGE));
    CALL(shmdt(area + 4 * PAGE));
    CALL(shmdt(area + PAGE));
    tell("none", id);
    touch("past the end of it", shmat(id, area, 0) + 3 * PAGE, false);
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps))
        if (strstr(line, "SYSV"))
            printf("%.4s %s", strchr(line, ' ') + 1, strstr(line, "/SYSV"));
    fclose(maps);
    CALL(shmdt(area));
}

static void ends(int id, char *area, const char *self)
{
    char *at = shmat(id, area, 0);
    strcpy(at, "parent's");
    if (!fork()) {
        tell("in the child", id);
        strcpy(at, "child's");
        _exit(0);
    }
    wait(NULL);
    tell("after its exit", id);
    printf("%s\n", at);
    char text[16];
    snprintf(text, sizeof text, "%d", id);
    fflush(stdout);
    if (!fork()) {
        execl(self, self, text, NULL);
        _exit(9);
    }
    wait(NULL);
    CALL(shmctl(id, IPC_RMID, NULL));
    tell("removed, attached", id);
    DONE(shmget(0x52494e47, 100, 0));
    DONE(shmat(id, area + 8 * PAGE, 0));
    CALL(shmctl(id, IPC_RMID, NULL));
    CALL(shmdt(area));
    printf("%s\n", area + 8 * PAGE);
    DONE(shmat(id, area + 8 * PAGE, SHM_REMAP)); /* over its last attachment */
    tell("still there", id);
    CALL(shmdt(area + 8 * PAGE));
    tell("gone", id);
    CALL((long)shmat(id, NULL, 0));
}

static void rights(void)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0640);
    struct shmid_ds ds;
    if (!fork()) {
        CALL(setresuid(1000, 1000, 1000));
        CALL(shmctl(id, IPC_STAT, &ds));
        DONE(shmctl(id, SHM_STAT, &ds));
        CALL(shmctl(id, IPC_RMID, NULL));
        CALL(shmctl(id, SHM_LOCK, NULL));
        CALL(shmctl(id, SHM_UNLOCK, NULL));
        DONE(shmat(id, NULL, SHM_RDONLY)); /* the group's */
        CALL((long)shmat(id, NULL, 0));
        CALL((long)shmat(id, NULL, SHM_RDONLY | SHM_EXEC));
        _exit(0);
    }
    wait(NULL);
    CALL(shmctl(id, IPC_STAT, &ds));
    ds.shm_perm.uid = 1000;
    ds.shm_perm.mode = 07207;
    CALL(shmctl(id, IPC_SET, &ds));
    CALL(shmctl(id, SHM_LOCK, NULL));
    tell("changed", id);
    if (!fork()) {
        struct rlimit limit = { 0, 0 };
        setrlimit(RLIMIT_MEMLOCK, &limit);
        CALL(setresgid(1000, 1000, 1000));
        CALL(setresuid(1000, 1000, 1000));
        CALL((long)shmat(id, NULL, SHM_RDONLY));
        CALL(shmctl(id, SHM_LOCK, NULL));
        CALL(shmctl(id, SHM_UNLOCK, NULL));
        ds.shm_perm.uid = (uid_t)-1;
        CALL(shmctl(id, IPC_SET, &ds));
        int mine = shmget(0x4d494e45, PAGE, IPC_CREAT | 0444);
        tell("mine", mine);
        CALL(shmget(0x4d494e45, PAGE, 0222) == mine);
        CALL(shmget(0x4d494e45, PAGE, 0444) == mine);
        CALL(shmctl(mine, IPC_RMID, NULL));
        CALL(shmctl(id, IPC_RMID, NULL));
        _exit(0);
    }
    wait(NULL);
    tell("removed by its owner", id);
}

/* Another IPC namespace has segments of its own; they go with it, but for those that are attached. */
static void namespaces(void)
{
    int id = shmget(4711, PAGE, IPC_CREAT | 0600);
    char *ours = shmat(id, NULL, 0);
    strcpy(ours, "ours");
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        CALL(unshare(CLONE_NEWIPC));
        CALL(shmget(4711, PAGE, 0));
        CALL((long)shmat(id, NULL, 0));
        int own = shmget(4711, PAGE, IPC_CREAT | 0600);
        char *at = shmat(own, NULL, 0);
        strcpy(at, "own");
        printf("'%s' '%s'\n", ours, at); /* what was attached stays */
        CALL(shmctl(own, IPC_RMID, NULL) || shmget(4711, PAGE, 0));
        fflush(stdout);
        _exit(strcmp(at, "own") != 0);
    }
    int status;
    waitpid(child, &status, 0);
    show_status("child", status);
    printf("'%s'\n", ours);
    CALL(shmget(4711, PAGE, 0) != id);
    CALL(shmdt(ours));
    CALL(shmctl(id, IPC_RMID, NULL));
}

int main(int argc, char **argv)
{
    static char stack[65536];
    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof stack }, NULL);
    struct sigaction action = { .sa_handler = caught, .sa_flags = SA_ONSTACK };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    if (argc > 1) {
        tell("not in a new program", atoi(argv[1]));
        return 0;
    }
    char *area = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(area, 64 * PAGE);
    mmap(area + 8 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    shmctl(shmget(0x52494e47, 1, 0), IPC_RMID, NULL);
    int id = shmget(0x52494e47, 2 * PAGE + 5, IPC_CREAT | IPC_EXCL | 0660);
    tell("new", id);
    CALL(shmget(0x52494e47, 100, IPC_CREAT) == id);
    CALL(shmget(0x52494e47, 3 * PAGE, IPC_CREAT));
    CALL(shmget(0x52494e47, 100, IPC_CREAT | IPC_EXCL));
    refusals(id, area);
    munmap(area + 8 * PAGE, PAGE);
    attachments(id, area);
    ends(id, area, argv[0]);
    rights();
    namespaces();
    return 0;
}
