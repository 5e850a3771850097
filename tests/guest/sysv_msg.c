/* System V message queues: types, sizes, waiting, rights, errors. */
#include "child.h"
#include "sockets.h"

#include <limits.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

static int id;
static struct message {
    long type;
    char text[9000];
} out, in;

static int put(long type, const char *text, int flags)
{
    out.type = type;
    strcpy(out.text, text);
    return msgsnd(id, &out, strlen(text), flags);
}

static void take(long type, size_t size, int flags)
{
    errno = 0;
    memset(&in, 0, sizeof in);
    long n = msgrcv(id, &in, size, type, flags);
    printf("take %ld of %zu, flags %o: %ld %d type %ld '%s'\n", type, size, flags, n, n < 0 ? errno : 0, in.type, in.text);
    fflush(stdout);
}

static void state(void)
{
    struct msqid_ds ds;
    CALL(msgctl(id, IPC_STAT, &ds));
    printf("  %lu messages, %lu bytes of %lu, times %d %d %d\n", ds.msg_qnum, ds.__msg_cbytes, ds.msg_qbytes, ds.msg_stime != 0, ds.msg_rtime != 0, ds.msg_ctime != 0);
    fflush(stdout);
}

static void queues(void)
{
    int key = 0x5eed0000 | (getpid() & 0xffff);
    struct msqid_ds ds;
    struct msginfo info;
    CALL(msgget(key, 0600)), id = msgget(key, 0640 | IPC_CREAT);
    CALL(id >= 0), CALL(msgget(key, 0) == id), CALL(msgget(key, IPC_CREAT | IPC_EXCL)), CALL(msgget(key, 0777) == id);
    state();
    CALL(msgctl(id, IPC_STAT, &ds)), show("mode", ds.msg_perm.mode), SHOW(ds.msg_lspid), SHOW(ds.msg_lrpid);
    CALL(put(1, "hello", 0)), CALL(msgctl(id, IPC_STAT, &ds)), SHOW(ds.msg_lspid == getpid()), SHOW(ds.msg_lrpid);
    state(), take(0, 100, 0), state();
    CALL(msgctl(id, IPC_STAT, &ds)), SHOW(ds.msg_lrpid == getpid());
    CALL(msgctl(id, IPC_STAT, BAD)), CALL(msgctl(id, IPC_SET, BAD)), CALL(msgctl(id, 99, &ds)), CALL(msgctl(id, -1, &ds)), CALL(msgctl(-1, IPC_STAT, &ds)), CALL(msgctl(id + 1, IPC_STAT, &ds));
    CALL(msgctl(id + 1, IPC_SET, BAD));
    CALL(msgctl(0, IPC_INFO, (void *)&info) >= 0);
    printf("%d %d %d %d %d %d %d %d\n", info.msgpool, info.msgmap, info.msgmax, info.msgmnb, info.msgmni, info.msgssz, info.msgtql, info.msgseg);
    put(3, "counted", 0), CALL(msgctl(0, MSG_INFO, (void *)&info) >= 0), SHOW(info.msgpool >= 1), SHOW(info.msgmap >= 1), SHOW(info.msgtql >= 7);
    CALL(msgctl(0, MSG_INFO, BAD));
    ds.msg_perm.mode = 0777 | 01000, ds.msg_perm.uid = 5, ds.msg_qbytes = 100;
    CALL(msgctl(id, IPC_SET, &ds)), state(), CALL(msgctl(id, IPC_STAT, &ds)), show("mode", ds.msg_perm.mode), SHOW(ds.msg_perm.uid);
    ds.msg_perm.uid = -1u, CALL(msgctl(id, IPC_SET, &ds)), ds.msg_perm.uid = 0, ds.msg_qbytes = 16384, CALL(msgctl(id, IPC_SET, &ds)), state();
    CALL(msgctl(id & 0x7fff, MSG_STAT, &ds) == id), CALL(msgctl(30000, MSG_STAT, &ds)), CALL(msgctl(id & 0x7fff, MSG_STAT_ANY, &ds) == id);
    CALL(msgctl(id, IPC_RMID, NULL)), CALL(msgctl(id, IPC_RMID, NULL)), CALL(put(1, "x", 0)), take(0, 1, 0);
}

static void types(void)
{
    static const char *const texts[] = { "five", "two", "nine", "two again", "seven", "five again" };
    static const long numbers[] = { 5, 2, 9, 2, 7, 5 };
    id = msgget(IPC_PRIVATE, 0600);
    for (int i = 0; i < 6; i++)
        put(numbers[i], texts[i], 0);
    take(0, 100, MSG_COPY | IPC_NOWAIT), take(3, 100, MSG_COPY | IPC_NOWAIT), take(6, 100, MSG_COPY | IPC_NOWAIT), take(-1, 100, MSG_COPY | IPC_NOWAIT);
    take(0, 100, MSG_COPY), take(0, 100, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT), take(0, 2, MSG_COPY | IPC_NOWAIT);
    take(7, 100, 0), take(3, 100, IPC_NOWAIT), take(-4, 100, 0), take(-100, 100, 0), take(-1, 100, IPC_NOWAIT), take(5, 100, MSG_EXCEPT), take(5, 100, MSG_EXCEPT | IPC_NOWAIT);
    take(LONG_MIN, 100, 0), take(0, 2, 0), take(0, 2, MSG_NOERROR), take(0, 2, IPC_NOWAIT);
    CALL(put(0, "x", 0)), CALL(put(-1, "x", 0)), CALL(put(LONG_MAX, "big", 0)), take(0, 100, 0);
    CALL(put(1, "", 0)), take(1, 0, 0);
    CALL(msgsnd(id, &out, 8193, 0)), CALL(msgsnd(id, &out, (size_t)-1, 0)), CALL(msgsnd(id, BAD, 5, 0)), CALL(msgsnd(-1, BAD, 5, 0)), CALL(msgsnd(-1, &out, 5, 0)), CALL(msgsnd(id + 1, &out, 1, 0));
    void *edge = (char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
    munmap(edge, 4096);
    long *before = (long *)((char *)edge - 16);
    before[0] = 1;
    CALL(msgsnd(id, before, 9, 0)), CALL(msgsnd(id, before, 8, 0)), CALL(msgrcv(id, before + 1, 8, 0, 0)), take(0, 100, IPC_NOWAIT);
    CALL(msgrcv(id, BAD, 8, 0, IPC_NOWAIT)), CALL(msgrcv(id, &in, (size_t)-1, 0, 0)), CALL(msgrcv(-1, &in, 1, 0, 0)), CALL(msgrcv(id + 1, &in, 1, 0, 0));
    put(1, "lost", 0), CALL(msgrcv(id, BAD, 8, 0, IPC_NOWAIT)), state();
    out.type = 1;
    int count = 0;
    while (!msgsnd(id, &out, 1000, IPC_NOWAIT))
        count++;
    show("of 1000", count), show("errno", errno), state();
    CALL(msgsnd(id, &out, 384, IPC_NOWAIT)), CALL(msgsnd(id, &out, 0, IPC_NOWAIT)), CALL(msgsnd(id, &out, 1, IPC_NOWAIT));
    msgctl(id, IPC_RMID, NULL);
}

/* The child sleeps in the call by the time that its parent goes on. */
static void let_sleep(void)
{
    usleep(20000);
}

/* The child prints what it took before anything is said here. */
static void send_to(pid_t child, long type, const char *text)
{
    int status;
    errno = 0;
    long result = put(type, text, 0);
    int error = errno;
    waitpid(child, &status, 0);
    errno = error;
    show_result(text, result);
    state();
}

static void waiting(void)
{
    pid_t child[3];
    int status;
    struct msqid_ds ds;
    id = msgget(IPC_PRIVATE, 0600);
    for (int i = 0; i < 3; i++) {
        if (!(child[i] = fork())) {
            static const long wanted[] = { 3, -2, 0 };
            take(wanted[i], i == 2 ? 4 : 100, 0);
            _exit(0);
        }
        let_sleep();
    }
    send_to(child[1], 2, "second");
    send_to(child[2], 9, "too long");
    send_to(child[0], 3, "third");
    CALL(msgctl(id, IPC_STAT, &ds)), SHOW(ds.msg_lrpid == child[0]);
    take(0, 100, 0);
    /* a full queue */
    out.type = 1;
    while (!msgsnd(id, &out, 4096, IPC_NOWAIT))
        ;
    if (!(child[0] = fork()))
        _exit(put(7, "later", 0) ? errno : 0);
    let_sleep(), CALL(msgrcv(id, &in, 5000, 0, 0)), waitpid(child[0], &status, 0), show_status("sender", status), take(7, 100, 0);
    while (msgrcv(id, &in, 5000, 0, IPC_NOWAIT) >= 0)
        ;
    /* signals and removal */
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGUSR1, &action, NULL);
    if (!(child[0] = fork()))
        _exit(msgrcv(id, &in, 10, 0, 0) < 0 ? errno : 0);
    let_sleep(), kill(child[0], SIGUSR1), waitpid(child[0], &status, 0), show_status("interrupted", status);
    if (!(child[0] = fork()))
        _exit(msgrcv(id, &in, 10, 0, 0) < 0 ? errno : 0);
    let_sleep(), kill(child[0], SIGSTOP), waitpid(child[0], &status, WUNTRACED), kill(child[0], SIGCONT);
    let_sleep(), put(1, "x", 0), waitpid(child[0], &status, 0), show_status("continued", status);
    if (!(child[0] = fork()))
        _exit(msgrcv(id, &in, 10, 5, 0) < 0 ? errno : 0);
    let_sleep(), msgctl(id, IPC_STAT, &ds), CALL(msgctl(id, IPC_SET, &ds)), let_sleep(), put(5, "y", 0);
    waitpid(child[0], &status, 0), show_status("looked again", status);
    while (!msgsnd(id, &out, 4096, IPC_NOWAIT))
        ;
    if (!(child[1] = fork()))
        _exit(msgsnd(id, &out, 4096, 0) ? errno : 0);
    if (!(child[0] = fork()))
        _exit(msgrcv(id, &in, 10, 5, 0) < 0 ? errno : 0);
    let_sleep(), CALL(msgctl(id, IPC_RMID, NULL));
    waitpid(child[0], &status, 0), show_status("removed", status), waitpid(child[1], &status, 0), show_status("removed", status);
}

static void rights(void)
{
    struct msqid_ds ds;
    id = msgget(IPC_PRIVATE, 0604);
    put(1, "x", 0), msgctl(id, IPC_STAT, &ds);
    setresuid(1000, 1000, 1000);
    CALL(put(1, "x", 0)), take(0, 10, 0), CALL(msgctl(id, IPC_RMID, NULL)), CALL(msgctl(id, IPC_SET, &ds)), CALL(msgctl(id, IPC_STAT, &ds));
    id = msgget(IPC_PRIVATE, 0400);
    CALL(put(1, "x", IPC_NOWAIT)), take(0, 10, IPC_NOWAIT), CALL(msgctl(id, IPC_STAT, &ds));
    ds.msg_qbytes = 16385, CALL(msgctl(id, IPC_SET, &ds)), ds.msg_qbytes = 16384, ds.msg_perm.mode = 0, CALL(msgctl(id, IPC_SET, &ds)), CALL(msgctl(id, IPC_STAT, &ds)), CALL(msgctl(id, IPC_RMID, NULL));
}

int main(void)
{
    prepare();
    queues();
    types();
    waiting();
    in_child("rights", rights);
    return 0;
}
