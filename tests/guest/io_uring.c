/* io_uring by system call: setup, submission, completion, links, timeouts, polls, sockets, registered files and buffers. */
#include "directory.h"
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

static void *volatile bad = (void *)8;
static struct ring {
    int fd;
    unsigned *sq_head, *sq_tail, *sq_mask, *array, *cq_head, *cq_tail, *cq_mask;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
    unsigned filled;
} ring;

static int open_ring(unsigned entries, unsigned flags, unsigned cq_entries)
{
    struct io_uring_params p = { .flags = flags, .cq_entries = cq_entries };
    ring.fd = (int)syscall(SYS_io_uring_setup, entries, &p);
    if (ring.fd < 0)
        return -1;
    size_t size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), other = p.sq_off.array + p.sq_entries * 4;
    char *at = mmap(NULL, size > other ? size : other, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQ_RING);
    ring.sqes = mmap(NULL, p.sq_entries * 64, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
    if (at == MAP_FAILED || ring.sqes == MAP_FAILED)
        return -1;
    ring.sq_head = (unsigned *)(at + p.sq_off.head);
    ring.sq_tail = (unsigned *)(at + p.sq_off.tail);
    ring.sq_mask = (unsigned *)(at + p.sq_off.ring_mask);
    ring.array = (unsigned *)(at + p.sq_off.array);
    ring.cq_head = (unsigned *)(at + p.cq_off.head);
    ring.cq_tail = (unsigned *)(at + p.cq_off.tail);
    ring.cq_mask = (unsigned *)(at + p.cq_off.ring_mask);
    ring.cqes = (struct io_uring_cqe *)(at + p.cq_off.cqes);
    printf("sq %u cq %u\n", p.sq_entries, p.cq_entries);
    return 0;
}

static struct io_uring_sqe *add(int opcode, int fd, const void *address, unsigned length, uint64_t offset, uint64_t data)
{
    unsigned tail = *ring.sq_tail + ring.filled, index = tail & *ring.sq_mask;
    struct io_uring_sqe *s = &ring.sqes[index];
    memset(s, 0, sizeof *s);
    s->opcode = (uint8_t)opcode;
    s->fd = fd;
    s->addr = (uint64_t)address;
    s->len = length;
    s->off = offset;
    s->user_data = data;
    ring.array[index] = index;
    ring.filled++;
    return s;
}

static long submit(unsigned wait)
{
    unsigned count = ring.filled;
    ring.filled = 0;
    __atomic_store_n(ring.sq_tail, *ring.sq_tail + count, __ATOMIC_RELEASE);
    return syscall(SYS_io_uring_enter, ring.fd, count, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

/* Completions that have come, sorted by their data. */
static void told(const char *what)
{
    struct io_uring_cqe got[64];
    unsigned count = 0;
    while (*ring.cq_head != __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) && count < 64) {
        got[count++] = ring.cqes[*ring.cq_head & *ring.cq_mask];
        __atomic_store_n(ring.cq_head, *ring.cq_head + 1, __ATOMIC_RELEASE);
    }
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = i + 1; j < count; j++)
            if (got[j].user_data < got[i].user_data) {
                struct io_uring_cqe t = got[i];
                got[i] = got[j], got[j] = t;
            }
    printf("%s:", what);
    for (unsigned i = 0; i < count; i++)
        printf(" %lu=%d%s", (unsigned long)got[i].user_data, got[i].res, got[i].flags & IORING_CQE_F_MORE ? "+" : "");
    puts("");
    fflush(stdout);
}

static void refusals(void)
{
    struct io_uring_params p = { 0 }, resv = { .resv = { 1 } }, flags = { .flags = 1u << 31 };
    CALL(syscall(SYS_io_uring_setup, 0, &p));
    CALL(syscall(SYS_io_uring_setup, 40000, &p));
    CALL(syscall(SYS_io_uring_setup, 4, bad));
    CALL(syscall(SYS_io_uring_setup, 4, &resv));
    CALL(syscall(SYS_io_uring_setup, 4, &flags));
    CALL(syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
    CALL(syscall(SYS_io_uring_enter, 0, 0, 0, 0, NULL, 0));
    CALL(syscall(SYS_io_uring_enter, ring.fd, 0, 0, 1 << 20, NULL, 0));
    CALL(syscall(SYS_io_uring_register, 999, IORING_REGISTER_BUFFERS, NULL, 0));
    CALL(syscall(SYS_io_uring_register, ring.fd, 200, NULL, 0));
    CALL(syscall(SYS_io_uring_enter, ring.fd, 3, 0, 0, NULL, 0));
    CALL((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, ring.fd, 0x7000000) == -1);
}

static void files(void)
{
    static char buffer[64], other[64];
    struct iovec v[2] = { { "hello ", 6 }, { "world", 5 } }, r[2] = { { buffer, 4 }, { other, 60 } };
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    add(IORING_OP_NOP, -1, NULL, 0, 0, 1);
    add(IORING_OP_WRITEV, fd, v, 2, 0, 2);
    SHOW(submit(2));
    told("nop and writev");
    add(IORING_OP_READV, fd, r, 2, 0, 3);
    add(IORING_OP_READ, fd, buffer + 32, 5, 6, 4);
    add(IORING_OP_READ, 99, buffer, 5, 6, 5);
    add(IORING_OP_READ, fd, bad, 5, 0, 6);
    add(IORING_OP_WRITE, fd, "!", 1, 11, 7);
    add(IORING_OP_FSYNC, fd, NULL, 0, 0, 8);
    add(250, fd, NULL, 0, 0, 9);
    SHOW(submit(7));
    told("reads, a write, errors");
    printf("%.4s|%.7s|%.5s\n", buffer, other, buffer + 32);
    lseek(fd, 2, SEEK_SET);
    add(IORING_OP_READ, fd, buffer, 3, (uint64_t)-1, 10);
    SHOW(submit(1));
    told("at the position");
    SHOW(lseek(fd, 0, SEEK_CUR));
    struct statx x;
    add(IORING_OP_OPENAT, AT_FDCWD, "made", 0600, 0, 11)->open_flags = O_RDWR | O_CREAT;
    SHOW(submit(1));
    int made = ring.cqes[*ring.cq_head & *ring.cq_mask].res;
    ++*ring.cq_head;
    SHOW(made > fd);
    add(IORING_OP_STATX, AT_FDCWD, "made", STATX_MODE, (uint64_t)&x, 12);
    add(IORING_OP_FALLOCATE, made, (void *)100, 0, 0, 13);
    SHOW(submit(2));
    told("statx and fallocate");
    SHOW(x.stx_mode);
    add(IORING_OP_CLOSE, made, NULL, 0, 0, 14);
    add(IORING_OP_RENAMEAT, AT_FDCWD, "made", (unsigned)AT_FDCWD, (uint64_t)"moved", 15);
    add(IORING_OP_MKDIRAT, AT_FDCWD, "dir", 0755, 0, 16);
    add(IORING_OP_SYMLINKAT, AT_FDCWD, "moved", 0, (uint64_t)"sym", 17);
    add(IORING_OP_LINKAT, AT_FDCWD, "file", (unsigned)AT_FDCWD, (uint64_t)"hard", 18);
    add(IORING_OP_UNLINKAT, AT_FDCWD, "none", 0, 0, 19);
    SHOW(submit(6));
    told("names");
    CALL(access("moved", F_OK));
    CALL(access("hard", F_OK));
    CALL(fcntl(made, F_GETFD));
    close(fd);
}

static void waiting(void)
{
    char buffer[16] = "";
    int p[2];
    if (pipe(p))
        return;
    add(IORING_OP_READ, p[0], buffer, 8, 0, 20);
    SHOW(submit(0));
    told("nothing yet");
    CALL(write(p[1], "piped", 5));
    SHOW(submit(1));
    told("read when written");
    puts(buffer);
    add(IORING_OP_POLL_ADD, p[0], NULL, 0, 0, 21)->poll32_events = POLLIN;
    add(IORING_OP_POLL_ADD, p[1], NULL, 0, 0, 22)->poll32_events = POLLOUT;
    SHOW(submit(1));
    told("polls");
    CALL(write(p[1], "x", 1));
    SHOW(submit(1));
    told("the other poll");
    CALL(read(p[0], buffer, 1));
    add(IORING_OP_POLL_ADD, p[0], NULL, 0, 0, 23)->poll32_events = POLLIN;
    SHOW(submit(0));
    add(IORING_OP_POLL_REMOVE, -1, (void *)23, 0, 0, 24);
    add(IORING_OP_POLL_REMOVE, -1, (void *)99, 0, 0, 25);
    SHOW(submit(3));
    told("poll removed");
    add(IORING_OP_READ, p[0], buffer, 8, 0, 26);
    SHOW(submit(0));
    add(IORING_OP_ASYNC_CANCEL, -1, (void *)26, 0, 0, 27);
    SHOW(submit(2));
    told("cancelled");
    struct pollfd ready = { ring.fd, POLLIN, 0 };
    CALL(poll(&ready, 1, 0));
    add(IORING_OP_NOP, -1, NULL, 0, 0, 29);
    SHOW(submit(0));
    CALL(poll(&ready, 1, 0));
    told("a nop");
    close(p[0]);
    close(p[1]);
}

static void links(void)
{
    char buffer[16];
    int p[2];
    struct __kernel_timespec soon = { 0, 20000000 }, late = { 1000, 0 };
    if (pipe(p))
        return;
    add(IORING_OP_WRITE, p[1], "abc", 3, 0, 30)->flags = IOSQE_IO_LINK;
    add(IORING_OP_READ, p[0], buffer, 3, 0, 31)->flags = IOSQE_IO_LINK;
    add(IORING_OP_NOP, -1, NULL, 0, 0, 32);
    SHOW(submit(3));
    told("a chain");
    add(IORING_OP_READ, 99, buffer, 3, 0, 33)->flags = IOSQE_IO_LINK;
    add(IORING_OP_NOP, -1, NULL, 0, 0, 34)->flags = IOSQE_IO_LINK;
    add(IORING_OP_NOP, -1, NULL, 0, 0, 35);
    add(IORING_OP_NOP, -1, NULL, 0, 0, 36);
    SHOW(submit(4));
    told("a broken chain");
    add(IORING_OP_READ, 99, buffer, 3, 0, 37)->flags = IOSQE_IO_HARDLINK;
    add(IORING_OP_NOP, -1, NULL, 0, 0, 38);
    SHOW(submit(2));
    told("a hard one");
    add(IORING_OP_TIMEOUT, -1, &soon, 1, 0, 39);
    SHOW(submit(1));
    told("time is over");
    add(IORING_OP_TIMEOUT, -1, &late, 1, 2, 40);
    add(IORING_OP_NOP, -1, NULL, 0, 0, 41);
    add(IORING_OP_NOP, -1, NULL, 0, 0, 42);
    SHOW(submit(3));
    told("two completions end it");
    add(IORING_OP_TIMEOUT, -1, &late, 1, 0, 43);
    SHOW(submit(0));
    add(IORING_OP_TIMEOUT_REMOVE, -1, (void *)43, 0, 0, 44);
    add(IORING_OP_TIMEOUT_REMOVE, -1, (void *)43, 0, 0, 45);
    SHOW(submit(3));
    told("removed");
    add(IORING_OP_READ, p[0], buffer, 3, 0, 46)->flags = IOSQE_IO_LINK;
    add(IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 0, 47);
    SHOW(submit(2));
    told("a read that takes too long");
    add(IORING_OP_NOP, -1, NULL, 0, 0, 48)->flags = IOSQE_IO_LINK;
    add(IORING_OP_LINK_TIMEOUT, -1, &late, 1, 0, 49);
    SHOW(submit(2));
    told("one that does not");
    add(IORING_OP_TIMEOUT, -1, &late, 2, 0, 50);
    SHOW(submit(1));
    add(IORING_OP_TIMEOUT, -1, bad, 1, 0, 51);
    add(IORING_OP_NOP, -1, NULL, 0, 0, 52);
    SHOW(submit(1)); /* the nop is left for later */
    SHOW(submit(1));
    told("bad timeouts");
    SHOW(syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
    told("what was left");
    add(IORING_OP_NOP, -1, NULL, 0, 0, 53)->flags = IOSQE_CQE_SKIP_SUCCESS;
    add(IORING_OP_NOP, -1, NULL, 0, 0, 54);
    SHOW(submit(1));
    told("one is silent");
    struct io_uring_getevents_arg arg = { .ts = (uint64_t)&soon };
    CALL(syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof arg));
    CALL(syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, 3));
    close(p[0]);
    close(p[1]);
}

static void sockets(void)
{
    char buffer[32] = "";
    int s[2];
    struct iovec v = { buffer, sizeof buffer };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
        return;
    add(IORING_OP_RECV, s[0], buffer, sizeof buffer, 0, 60);
    SHOW(submit(0));
    add(IORING_OP_SEND, s[1], "message", 7, 0, 61);
    SHOW(submit(2));
    told("recv and send");
    puts(buffer);
    struct iovec out = { "another", 7 };
    struct msghdr o = { .msg_iov = &out, .msg_iovlen = 1 };
    add(IORING_OP_SENDMSG, s[1], &o, 1, 0, 62);
    add(IORING_OP_RECVMSG, s[0], &m, 1, 0, 63);
    SHOW(submit(2));
    told("sendmsg and recvmsg");
    add(IORING_OP_RECV, s[0], buffer, sizeof buffer, 0, 64)->msg_flags = MSG_DONTWAIT;
    SHOW(submit(1));
    told("MSG_DONTWAIT");
    add(IORING_OP_SHUTDOWN, s[1], NULL, SHUT_WR, 0, 65);
    add(IORING_OP_RECV, s[0], buffer, sizeof buffer, 0, 66);
    SHOW(submit(2));
    told("shutdown");
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof a;
    CALL(bind(listener, (void *)&a, sizeof a));
    CALL(listen(listener, 4));
    CALL(getsockname(listener, (void *)&a, &size));
    add(IORING_OP_ACCEPT, listener, NULL, 0, 0, 67);
    SHOW(submit(0));
    add(IORING_OP_CONNECT, client, &a, 0, sizeof a, 68);
    long n = submit(2);
    SHOW(n);
    int accepted = -1;
    while (*ring.cq_head != *ring.cq_tail) {
        struct io_uring_cqe *c = &ring.cqes[(*ring.cq_head)++ & *ring.cq_mask];
        if (c->user_data == 67)
            accepted = c->res;
        else
            show("connected", c->res);
    }
    SHOW(accepted > 2);
    CALL(write(client, "tcp", 3));
    add(IORING_OP_RECV, accepted, buffer, 3, 0, 69);
    SHOW(submit(1));
    told("over tcp");
}

static void registered(void)
{
    static char memory[8192];
    struct iovec v = { memory, sizeof memory };
    int fd = open("file", O_RDWR), fds[2] = { fd, -1 }, event = eventfd(0, EFD_NONBLOCK);
    uint64_t count = 0;
    CALL(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_BUFFERS, NULL, 0));
    CALL(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, bad, 1));
    CALL(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &v, 1));
    CALL(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &v, 1));
    CALL(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, fds, 2));
    CALL(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, fds, 2));
    CALL(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_EVENTFD, &event, 1));
    add(IORING_OP_READ_FIXED, fd, memory + 100, 5, 0, 70);
    add(IORING_OP_READ_FIXED, fd, memory + 8190, 5, 0, 71);
    add(IORING_OP_READ_FIXED, fd, memory, 5, 0, 72)->buf_index = 3;
    SHOW(submit(3));
    told("fixed buffers");
    printf("%.5s\n", memory + 100);
    CALL(read(event, &count, 8));
    SHOW(count);
    add(IORING_OP_READ, 0, memory, 5, 6, 73)->flags = IOSQE_FIXED_FILE;
    add(IORING_OP_READ, 1, memory, 5, 0, 74)->flags = IOSQE_FIXED_FILE;
    add(IORING_OP_READ, 9, memory, 5, 0, 75)->flags = IOSQE_FIXED_FILE;
    SHOW(submit(3));
    told("fixed files");
    close(fd);
    add(IORING_OP_READ, 0, memory, 5, 0, 76)->flags = IOSQE_FIXED_FILE;
    add(IORING_OP_FILES_UPDATE, -1, &fds[1], 1, 0, 77);
    SHOW(submit(2));
    told("after a close, and an update");
    CALL(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_FILES, NULL, 0));
    CALL(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_EVENTFD, NULL, 0));
    CALL(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_EVENTFD, NULL, 0));
    int p[2];
    if (pipe(p))
        return;
    add(IORING_OP_PROVIDE_BUFFERS, 4, memory, 16, 0, 78)->buf_group = 5;
    SHOW(submit(1));
    told("buffers are provided");
    CALL(write(p[1], "chosen", 6));
    struct io_uring_sqe *s = add(IORING_OP_READ, p[0], NULL, 16, 0, 79);
    s->flags = IOSQE_BUFFER_SELECT;
    s->buf_group = 5;
    SHOW(submit(1));
    unsigned flags = ring.cqes[*ring.cq_head & *ring.cq_mask].flags;
    SHOW(flags & IORING_CQE_F_BUFFER);
    printf("%.6s\n", memory + 16 * (flags >> 16));
    told("one was chosen");
    s = add(IORING_OP_READ, p[0], NULL, 16, 0, 80);
    s->flags = IOSQE_BUFFER_SELECT;
    s->buf_group = 6;
    add(IORING_OP_REMOVE_BUFFERS, 10, NULL, 0, 0, 81)->buf_group = 5;
    SHOW(submit(2));
    told("none of that group; removed");
}

static void overflow(void)
{
    int status, p[2];
    CALL(open_ring(4, IORING_SETUP_CQSIZE, 4));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            add(IORING_OP_NOP, -1, NULL, 0, 0, (uint64_t)(100 + 4 * round + i));
        SHOW(submit(0));
    }
    told("the ring holds four");
    SHOW(submit(4));
    told("four that were kept");
    SHOW(submit(4));
    told("the last");
    if (pipe(p))
        return;
    char buffer[8] = "";
    add(IORING_OP_READ, p[0], buffer, 8, 0, 120);
    SHOW(submit(0));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        usleep(20000);
        _exit(write(p[1], "child", 5) == 5 ? 0 : 1);
    }
    SHOW(submit(1));
    told("woken by another process");
    waitpid(child, &status, 0);
    puts(buffer);
    CALL(close(ring.fd));
}

int main(int argc, char **argv)
{
    directory_enter(argc, argv);
    if (open_ring(16, 0, 0)) {
        show_result("io_uring_setup", -1);
        return 1;
    }
    refusals();
    files();
    waiting();
    links();
    sockets();
    registered();
    CALL(close(ring.fd));
    overflow();
    directory_leave();
    return 0;
}
