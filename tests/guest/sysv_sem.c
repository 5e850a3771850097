/* System V semaphores: sets, operations that wait, undoing, rights, errors. */
#include "child.h"
#include "sockets.h"

#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

union argument {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
    void *bad;
};

static int id;

static int op(int num, int delta, int flags)
{
    struct sembuf b = { (unsigned short)num, (short)delta, (short)flags };
    return semop(id, &b, 1);
}
static int set(int num, int value)
{
    return semctl(id, num, SETVAL, (union argument){ .val = value });
}
static int get(int num)
{
    return semctl(id, num, GETVAL);
}

static void sets(void)
{
    int key = 0x5eed0000 | (getpid() & 0xffff);
    union argument a;
    struct semid_ds ds;
    unsigned short values[4] = { 1, 2, 3, 40000 };
    CALL(semget(key, 3, 0600)), CALL(semget(key, -1, 0600 | IPC_CREAT)), CALL(semget(key, 32001, 0600 | IPC_CREAT));
    CALL(semget(key, 0, 0600 | IPC_CREAT)), CALL(semget(IPC_PRIVATE, 0, 0600));
    id = semget(key, 3, 0640 | IPC_CREAT);
    CALL(id >= 0), CALL(semget(key, 3, 0) == id), CALL(semget(key, 0, 0) == id), CALL(semget(key, 4, 0)), CALL(semget(key, 3, IPC_CREAT | IPC_EXCL));
    a.buf = &ds;
    CALL(semctl(id, 0, IPC_STAT, a)), SHOW(ds.sem_nsems), SHOW(ds.sem_otime), show("mode", ds.sem_perm.mode), SHOW(ds.sem_perm.uid), SHOW(ds.sem_ctime > 0);
    CALL(get(0)), CALL(semctl(id, 0, GETPID)), CALL(set(1, 5)), CALL(get(1)), CALL(semctl(id, 1, GETPID) == getpid());
    CALL(set(0, -1)), CALL(set(0, 32768)), CALL(set(3, 1)), CALL(set(-1, 1)), CALL(get(3)), CALL(get(-1)), CALL(set(3, -1));
    a.array = values;
    CALL(semctl(id, 0, SETALL, a)), values[2] = 7;
    CALL(semctl(id, 0, GETALL, a)), SHOW(values[0]), SHOW(values[1]), SHOW(values[2]);
    values[1] = 9, values[2] = 32767;
    CALL(semctl(id, 99, SETALL, a)), CALL(get(1)), CALL(get(2)), values[0] = 32768;
    CALL(semctl(id, 0, SETALL, a)), CALL(get(0)), CALL(get(1));
    a.bad = BAD;
    CALL(semctl(id, 0, SETALL, a)), CALL(semctl(id, 0, GETALL, a)), CALL(semctl(id, 0, IPC_STAT, a)), CALL(semctl(id, 0, IPC_SET, a));
    CALL(semctl(id, 0, 99, a)), CALL(semctl(-1, 0, GETVAL)), CALL(semctl(id + 1, 0, GETVAL)), CALL(semctl(-1, 0, IPC_STAT, a)), CALL(semctl(id + 1, 0, IPC_SET, a));
    struct seminfo info;
    a.info = &info;
    CALL(semctl(0, 0, IPC_INFO, a) >= 0);
    printf("%d %d %d %d %d %d %d %d %d %d\n", info.semmap, info.semmni, info.semmns, info.semmnu, info.semmsl, info.semopm, info.semume, info.semusz, info.semvmx, info.semaem);
    CALL(semctl(0, 0, SEM_INFO, a) >= 0), SHOW(info.semusz >= 1), SHOW(info.semaem >= 3), a.bad = BAD, CALL(semctl(0, 0, SEM_INFO, a));
    a.buf = &ds;
    ds.sem_perm.mode = 01777, ds.sem_perm.uid = 12, ds.sem_perm.gid = 13;
    CALL(semctl(id, 0, IPC_SET, a)), CALL(semctl(id, 0, IPC_STAT, a)), show("mode", ds.sem_perm.mode), SHOW(ds.sem_perm.uid), SHOW(ds.sem_perm.cuid), SHOW(ds.sem_perm.gid);
    ds.sem_perm.uid = -1u;
    CALL(semctl(id, 0, IPC_SET, a));
    CALL(semctl(id & 0x7fff, 0, SEM_STAT, a) == id), CALL(semctl(30000, 0, SEM_STAT, a)), CALL(semctl(id & 0x7fff, 0, SEM_STAT_ANY, a) == id);
    CALL(semctl(id, 0, IPC_RMID)), CALL(semctl(id, 0, IPC_RMID)), CALL(get(0)), CALL(semget(key, 3, 0));
}

static void operations(void)
{
    struct sembuf many[501] = { { 0, 1, 0 }, { 1, -1, 0 }, { 2, 1, 0 } };
    id = semget(IPC_PRIVATE, 3, 0600);
    CALL(op(0, 1, 0)), CALL(op(0, 2, 0)), CALL(op(0, -3, 0)), CALL(op(0, 0, 0)), CALL(get(0)), CALL(semctl(id, 0, GETPID) == getpid());
    CALL(op(0, -1, IPC_NOWAIT)), CALL(op(0, 1, 0)), CALL(op(0, 0, IPC_NOWAIT)), CALL(op(0, 32767, 0)), CALL(op(0, 32766, 0)), CALL(get(0)), CALL(op(0, 1, 0));
    CALL(op(3, 1, 0)), CALL(op(65535, 1, 0)), CALL(semop(id, many, 0)), CALL(semop(id, many, 501)), CALL(semop(-1, many, 1)), CALL(semop(id + 1, many, 1));
    CALL(semop(id, BAD, 1)), CALL(semop(id, BAD, 501)), CALL(semop(id + 1, BAD, 1));
    set(0, 0);
    many[1].sem_flg = IPC_NOWAIT;
    CALL(semop(id, many, 3)), CALL(get(0)), CALL(get(2)), set(1, 1), CALL(semop(id, many, 3)), CALL(get(0)), CALL(get(1)), CALL(get(2));
    for (int i = 0; i < 500; i++)
        many[i] = (struct sembuf){ 2, i % 2 ? -1 : 1, 0 };
    CALL(semop(id, many, 500)), CALL(get(2));
    struct timespec t = { 0, 5000000 }, none = { 0, 0 }, wrong = { 0, 1000000000 }, negative = { -1, 0 };
    struct sembuf down = { 1, -1, 0 };
    CALL(semtimedop(id, &down, 1, &t)), CALL(semtimedop(id, &down, 1, &none)), CALL(semtimedop(id, &down, 1, &wrong)), CALL(semtimedop(id, &down, 1, &negative));
    CALL(semtimedop(id, &down, 1, BAD)), CALL(semtimedop(id, BAD, 1, &wrong));
    set(1, 1), CALL(semtimedop(id, &down, 1, &none)), CALL(semctl(id, 1, GETNCNT)), CALL(semctl(id, 1, GETZCNT));
    semctl(id, 0, IPC_RMID);
}

/* Wait until so many sleep for the semaphore. */
static void until_waiting(int num, int command, int count)
{
    for (int i = 0; i < 2000 && semctl(id, num, command) != count; i++)
        usleep(500);
    show("waiting", semctl(id, num, command));
}

static void waiting(void)
{
    pid_t child[4];
    int status;
    id = semget(IPC_PRIVATE, 3, 0600);
    for (int i = 0; i < 3; i++) {
        if (!(child[i] = fork()))
            _exit(op(0, -(i + 1), 0) ? errno : 0);
        until_waiting(0, GETNCNT, i + 1);
    }
    CALL(op(0, 1, 0)), CALL(get(0)), CALL(semctl(id, 0, GETNCNT)), CALL(semctl(id, 0, GETPID) == child[0]);
    CALL(op(0, 4, 0)), CALL(get(0)), CALL(semctl(id, 0, GETNCNT)), CALL(semctl(id, 0, GETPID) == child[1]);
    CALL(op(0, 1, 0)), CALL(get(0));
    for (int i = 0; i < 3; i++)
        waitpid(child[i], &status, 0), show_status("child", status);
    /* for zero, several at once, and by SETVAL */
    set(0, 2);
    for (int i = 0; i < 2; i++)
        if (!(child[i] = fork()))
            _exit(op(0, 0, 0) ? errno : 0);
    until_waiting(0, GETZCNT, 2);
    CALL(op(0, -1, 0)), CALL(semctl(id, 0, GETZCNT)), CALL(op(0, -1, 0)), CALL(semctl(id, 0, GETZCNT));
    for (int i = 0; i < 2; i++)
        waitpid(child[i], &status, 0), show_status("child", status);
    if (!(child[0] = fork())) {
        struct sembuf b[2] = { { 1, 0, 0 }, { 2, -1, 0 } };
        set(1, 0);
        _exit(semop(id, b, 2) ? errno : 0);
    }
    until_waiting(2, GETNCNT, 1), CALL(semctl(id, 1, GETZCNT));
    CALL(set(1, 1)), CALL(semctl(id, 1, GETZCNT)), CALL(semctl(id, 2, GETNCNT)), CALL(set(2, 1)), CALL(set(1, 0)), CALL(get(2));
    waitpid(child[0], &status, 0), show_status("child", status);
    /* a signal, with a handler that would restart other calls */
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGUSR1, &action, NULL);
    if (!(child[0] = fork()))
        _exit(op(0, -1, 0) ? errno : 0);
    until_waiting(0, GETNCNT, 1), kill(child[0], SIGUSR1);
    waitpid(child[0], &status, 0), show_status("interrupted", status), CALL(semctl(id, 0, GETNCNT));
    if (!(child[0] = fork()))
        _exit(op(0, -1, 0) ? errno : 0);
    until_waiting(0, GETNCNT, 1), kill(child[0], SIGKILL);
    waitpid(child[0], &status, 0), show_status("killed", status), CALL(semctl(id, 0, GETNCNT));
    /* the set goes */
    if (!(child[0] = fork()))
        _exit(op(0, -1, 0) ? errno : 0);
    until_waiting(0, GETNCNT, 1), CALL(semctl(id, 0, IPC_RMID));
    waitpid(child[0], &status, 0), show_status("removed", status);
}

static void undoing(void)
{
    int status;
    id = semget(IPC_PRIVATE, 2, 0600);
    set(0, 5);
    pid_t child = fork();
    if (!child) {
        CALL(op(0, -3, SEM_UNDO)), CALL(op(1, 2, SEM_UNDO)), CALL(op(0, 1, 0)), CALL(get(0)), CALL(get(1));
        _exit(0);
    }
    waitpid(child, &status, 0), CALL(get(0)), CALL(get(1)), CALL(semctl(id, 0, GETPID) == child);
    if (!(child = fork())) {
        op(0, 2, SEM_UNDO), set(0, 1), op(1, 3, SEM_UNDO);
        if (!fork())
            _exit(0);
        wait(NULL);
        CALL(get(1)), op(1, -2, 0);
        _exit(0);
    }
    waitpid(child, &status, 0), CALL(get(0)), CALL(get(1));
    if (!(child = fork())) {
        set(0, 32767);
        CALL(op(0, -32767, SEM_UNDO)), CALL(op(0, 2, 0)), CALL(op(0, -1, SEM_UNDO)), CALL(op(0, -1, SEM_UNDO));
        op(0, 2, 0);
        _exit(0);
    }
    waitpid(child, &status, 0), CALL(get(0));
    /* who waits gets what a dead one gives back */
    set(0, 1);
    int ready[2];
    pipe(ready);
    if (!(child = fork())) {
        op(0, -1, SEM_UNDO), write(ready[1], "x", 1), pause();
        _exit(0);
    }
    read(ready[0], buffer, 1);
    pid_t second = fork();
    if (!second)
        _exit(op(0, -1, 0) ? errno : 0);
    until_waiting(0, GETNCNT, 1), kill(child, SIGKILL), waitpid(child, NULL, 0);
    waitpid(second, &status, 0), show_status("second", status), CALL(get(0));
    semctl(id, 0, IPC_RMID);
}

static void rights(void)
{
    union argument a;
    struct semid_ds ds;
    unsigned short value[2];
    id = semget(IPC_PRIVATE, 2, 0604);
    int closed = semget(IPC_PRIVATE, 1, 0);
    setresuid(1000, 1000, 1000);
    a.buf = &ds;
    CALL(get(0)), CALL(set(0, 1)), CALL(op(0, 1, 0)), CALL(op(0, 0, 0)), CALL(semctl(id, 0, IPC_STAT, a)), CALL(semctl(id, 0, IPC_RMID)), CALL(semctl(id, 0, IPC_SET, a));
    a.array = value;
    CALL(semctl(id, 0, GETALL, a)), CALL(semctl(id, 0, SETALL, a)), CALL(semctl(id, 5, SETVAL, a)), CALL(semctl(id, 5, GETVAL));
    id = closed;
    CALL(get(0)), CALL(get(5)), a.buf = &ds, CALL(semctl(id, 0, IPC_STAT, a)), CALL(semctl(id & 0x7fff, 0, SEM_STAT_ANY, a) == id), CALL(op(0, 0, 0));
}

int main(void)
{
    prepare();
    sets();
    operations();
    waiting();
    undoing();
    in_child("rights", rights);
    return 0;
}
