/* The strace formatter: processes, signals, waiting and sockets, one named test per
 * subject. The lines are what strace 6.1 prints for the same calls. */
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/errno.h"
#include "abi/linux_flags.h"
#include "abi/linux_structs.h"
#include "abi/signal_names.h"
#include "abi/syscalls.h"
#include "strace_memory.h"
#include "trace/strace.h"

/* ---- processes ---- */

START_TEST(execve_arguments)
{
    uint64_t name = string("ls");
    uint64_t argv = WORDS(name, string("-l"), 0);
    CALL(0, "execve(\"/bin/ls\", [\"ls\", \"-l\"], 0x10020 /* 2 vars */) = 0", execve,
         string("/bin/ls"), argv, argv);
    CALL(0, "execve(NULL, NULL, NULL)                = 0", execve, 0, 0, 0);
    CALL(0, "execve(NULL, [], 0x10030 /* 0 vars */)  = 0", execve, 0, argv + 16, argv + 16);
    CALL(0, "execve(NULL, 0x10, 0x10)                = 0", execve, 0, 0x10, 0x10);
}
END_TEST

START_TEST(unterminated_argument_array)
{
    uint64_t name = string("a");
    memcpy(memory + SIZE - 16, &name, 8);
    memcpy(memory + SIZE - 8, &name, 8);
    CALL(
        -RF_EFAULT,
        "execve(\"a\", [\"a\", \"a\", ... /* 0x20000 */], 0x1fff0 /* 2 vars, unterminated */) = -1 "
        "EFAULT (Bad address)",
        execve, name, BASE + SIZE - 16, BASE + SIZE - 16);
}
END_TEST

START_TEST(execve_keeps_the_old_memory)
{
    ENTER(execve, string("/old"), WORDS(0), 0);
    memset(memory, 0, sizeof memory);
    LEAVE(0);
    EXPECT("execve(\"/old\", [], NULL)                = 0");
}
END_TEST

START_TEST(clone_as_fork)
{
    CALL(42,
         "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, "
         "child_tidptr=0x7000) = 42",
         clone, 0x01200011, 0, 0, 0x7000, 0);
}
END_TEST

START_TEST(clone3_for_a_thread)
{
    uint64_t tid = INTS(77);
    uint64_t args[11] = {0x3d0f00, 0, tid, tid, 0, 0x7000, 0x1000, 0x7fc0};
    CALL(77,
         "clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|"
         "CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, child_tid=0x10000, "
         "parent_tid=0x10000, exit_signal=0, stack=0x7000, stack_size=0x1000, tls=0x7fc0} => "
         "{parent_tid=[77]}, 88) = 77",
         clone3, put(args, sizeof args), sizeof args);
}
END_TEST

static void expect_wait(int status, const char *shown)
{
    char text[256];
    snprintf(text, sizeof text, "wait4(-1, [%s], 0, NULL) = 9", shown);
    ENTER(wait4, UINT64_MAX, INTS(status), 0, 0);
    LEAVE(9);
    EXPECT(text);
}

START_TEST(wait_statuses)
{
    expect_wait(0x300, "{WIFEXITED(s) && WEXITSTATUS(s) == 3}");
    expect_wait(11, "{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV}");
    expect_wait(11 | 0x80, "{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}");
    expect_wait(0x137f, "{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}");
    expect_wait(0x857f, "{WIFSTOPPED(s) && WSTOPSIG(s) == SIGTRAP | 0x80}");
    expect_wait(0xffff, "{WIFCONTINUED(s)}");
    CALL(0, "wait4(-1, 0x10, WNOHANG, NULL)          = 0", wait4, UINT64_MAX, 0x10, 1, 0);
}
END_TEST

START_TEST(waitid_information)
{
    struct rf_siginfo info = {.si_signo = RF_SIGCHLD, .si_code = 1};
    info.chld.pid = 9;
    info.chld.status = 3;
    CALL(0,
         "waitid(P_ALL, 0, {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=9, si_uid=0, "
         "si_status=3, si_utime=0, si_stime=0}, WEXITED, NULL) = 0",
         waitid, 0, 0, put(&info, sizeof info), RF_WEXITED, 0);
}
END_TEST

START_TEST(limits_are_in_units_of_1024)
{
    CALL(0, "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0",
         prlimit64, 0, 3, 0, WORDS(8 << 20, UINT64_MAX));
    CALL(0, "prlimit64(0, RLIMIT_NOFILE, {rlim_cur=1024, rlim_max=1025}, NULL) = 0", prlimit64, 0,
         7, WORDS(1024, 1025), 0);
}
END_TEST

START_TEST(arch_prctl_by_code)
{
    CALL(0, "arch_prctl(ARCH_SET_FS, 0x4bc380)       = 0", arch_prctl, 0x1002, 0x4bc380);
    CALL(0, "arch_prctl(ARCH_GET_FS, [0x4bc380])     = 0", arch_prctl, 0x1003, WORDS(0x4bc380));
    CALL(-RF_EINVAL, "arch_prctl(0x3001 /* ARCH_??? */, 0x7ffe0) = -1 EINVAL (Invalid argument)",
         arch_prctl, 0x3001, 0x7ffe0);
}
END_TEST

START_TEST(prctl_by_option)
{
    CALL(0, "prctl(PR_SET_NAME, \"worker\")            = 0", prctl, 15, string("worker"));
    CALL(0, "prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)  = 0", prctl, 38, 1, 0, 0, 0);
    CALL(1, "prctl(PR_GET_DUMPABLE)                  = 1 (SUID_DUMP_USER)", prctl, 3);
    CALL(0, "prctl(PR_GET_PDEATHSIG, [SIGKILL])      = 0", prctl, 2, INTS(9));
    CALL(-RF_EINVAL, "prctl(0x3e7 /* PR_??? */, 0x1, 0x2, 0x3, 0x4) = -1 EINVAL (Invalid argument)",
         prctl, 999, 1, 2, 3, 4);
}
END_TEST

START_TEST(futex_operations)
{
    uint64_t time = WORDS(1, 500);
    CALL(-RF_EAGAIN,
         "futex(0x1000, FUTEX_WAIT, 6, {tv_sec=1, tv_nsec=500}) = -1 EAGAIN (Resource temporarily "
         "unavailable)",
         futex, 0x1000, 0, 6, time);
    CALL(1, "futex(0x1000, FUTEX_WAKE_PRIVATE, 1)    = 1", futex, 0x1000, 129, 1);
    CALL(0,
         "futex(0x1000, FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME, 2, NULL, "
         "FUTEX_BITSET_MATCH_ANY) = 0",
         futex, 0x1000, 9 | 256, 2, 0, 0, 0xffffffff);
    CALL(0,
         "futex(0x1000, FUTEX_WAKE_OP, 1, 2, 0x2000, "
         "FUTEX_OP_SET<<28|0xa<<12|FUTEX_OP_CMP_NE<<24|0x1) = 0",
         futex, 0x1000, 5, 1, 2, 0x2000, 0x0100a001);
    CALL(0, "futex(0x1000, FUTEX_REQUEUE, 1, 5, 0x2000) = 0", futex, 0x1000, 3, 1, 5, 0x2000);
    CALL(0, "futex(0x1000, FUTEX_UNLOCK_PI_PRIVATE)  = 0", futex, 0x1000, 7 | 128);
}
END_TEST

START_TEST(identity_and_mask)
{
    CALL(0, "setresuid(-1, 1000, -1)                 = 0", setresuid, UINT64_MAX, 1000, UINT64_MAX);
    CALL(0, "getresuid([0], [1000], [0])             = 0", getresuid, INTS(0), INTS(1000), INTS(0));
    CALL(022, "umask(000)                              = 022", umask, 0);
    CALL(0, "sched_getscheduler(0)                   = 0 (SCHED_OTHER)", sched_getscheduler, 0);
    CALL(2, "getgroups(10, [4, 24])                  = 2", getgroups, 10, INTS(4, 24));
}
END_TEST

START_TEST(cpu_sets)
{
    CALL(8, "sched_getaffinity(0, 128, [0 1 3])      = 8", sched_getaffinity, 0, 128, WORDS(11));
    CALL(0, "sched_setaffinity(0, 8, [63])           = 0", sched_setaffinity, 0, 8,
         WORDS(UINT64_C(1) << 63));
}
END_TEST

START_TEST(system_information)
{
    struct rf_utsname name = {.sysname = "Linux", .nodename = "box", .release = "6.1"};
    CALL(0, "uname({sysname=\"Linux\", nodename=\"box\", ...}) = 0", uname,
         put(&name, sizeof name));
    CALL(0, "getrusage(RUSAGE_CHILDREN, 0x10)        = 0", getrusage, UINT64_MAX, 0x10);
    CALL(5, "times({tms_utime=1, tms_stime=2, tms_cutime=3, tms_cstime=4}) = 5", times,
         WORDS(1, 2, 3, 4));
}
END_TEST

START_TEST(random_bytes_are_hex)
{
    CALL(4, "getrandom(\"\\x00\\x41\\xff\\x0a\", 8, GRND_NONBLOCK) = 4", getrandom,
         put("\0A\xff\n", 4), 8, 1);
}
END_TEST

/* ---- signals ---- */

START_TEST(signal_sets)
{
    CALL(0, "rt_sigprocmask(SIG_BLOCK, [INT CHLD], [], 8) = 0", rt_sigprocmask, 0,
         WORDS(1 << 1 | 1 << 16), WORDS(0), 8);
    CALL(0, "rt_sigprocmask(SIG_SETMASK, ~[RTMIN RT_1], NULL, 8) = 0", rt_sigprocmask, 2,
         WORDS(~(UINT64_C(3) << 31)), 0, 8);
    CALL(-RF_EINVAL, "rt_sigprocmask(SIG_BLOCK, 0x10, 0x10, 4) = -1 EINVAL (Invalid argument)",
         rt_sigprocmask, 0, 0x10, 0x10, 4);
}
END_TEST

START_TEST(set_of_two_thirds_is_inverted)
{
    ENTER(rt_sigsuspend, WORDS((UINT64_C(1) << 41) - 1), 8);
    ck_assert_ptr_null(strchr(line.text, '~'));
    ENTER(rt_sigsuspend, WORDS((UINT64_C(1) << 42) - 1), 8);
    ck_assert_ptr_nonnull(strchr(line.text, '~'));
}
END_TEST

START_TEST(signal_actions)
{
    CALL(0,
         "rt_sigaction(SIGCHLD, {sa_handler=0x401000, sa_mask=[HUP], "
         "sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x402000}, {sa_handler=SIG_DFL, "
         "sa_mask=[], sa_flags=0}, 8) = 0",
         rt_sigaction, 17, WORDS(0x401000, 0x14000000, 0x402000, 1), WORDS(0, 0, 0, 0), 8);
    CALL(0, "rt_sigaction(SIGRT_2, {sa_handler=SIG_IGN, sa_mask=[], sa_flags=0}, NULL, 8) = 0",
         rt_sigaction, 34, WORDS(1, 0, 0, 0), 0, 8);
}
END_TEST

START_TEST(signal_return_shows_the_mask)
{
    struct rf_ucontext context = {.uc_sigmask = 2};
    line.stack_pointer = put(&context, sizeof context);
    CALL(0, "rt_sigreturn({mask=[INT]})              = 0", rt_sigreturn, 0);
    line.stack_pointer = 0;
    CALL(-RF_EINTR, "rt_sigreturn()                          = -1 EINTR (Interrupted system call)",
         rt_sigreturn, 0);
}
END_TEST

START_TEST(kill_names_the_signal)
{
    CALL(0, "kill(-1, SIGTERM)                       = 0", kill, UINT64_MAX, 15);
    CALL(0, "kill(5, 0)                              = 0", kill, 5, 0);
    CALL(0, "tgkill(5, 6, 77)                        = 0", tgkill, 5, 6, 77);
}
END_TEST

START_TEST(interrupted_sleep_shows_the_rest)
{
    uint64_t want = WORDS(3, 0);
    uint64_t rest = WORDS(1, 5);
    CALL(-RF_ERESTART_RESTARTBLOCK,
         "nanosleep({tv_sec=3, tv_nsec=0}, {tv_sec=1, tv_nsec=5}) = ? ERESTART_RESTARTBLOCK "
         "(Interrupted by signal)",
         nanosleep, want, rest);
    CALL(0, "nanosleep({tv_sec=3, tv_nsec=0}, 0x10010) = 0", nanosleep, want, rest);
    CALL(0, "clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, {tv_sec=3, tv_nsec=0}, NULL) = 0",
         clock_nanosleep, 1, 1, want, 0);
}
END_TEST

static void expect_signal(const struct rf_siginfo *info, const char *expected)
{
    char text[512];
    size_t length = rf_strace_signal(text, sizeof text, info);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(length, strlen(expected));
}

START_TEST(signal_lines)
{
    struct rf_siginfo info = {.si_signo = RF_SIGSEGV, .si_code = 1};
    expect_signal(&info, "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---");
    info.si_code = RF_SI_KERNEL;
    info.fault.addr = 0x1234;
    expect_signal(&info, "--- SIGSEGV {si_signo=SIGSEGV, si_code=SI_KERNEL, si_addr=0x1234} ---");

    info = (struct rf_siginfo){.si_signo = RF_SIGUSR1, .si_code = RF_SI_USER};
    info.kill.pid = 42;
    expect_signal(&info,
                  "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=42, si_uid=0} ---");
    info.si_code = RF_SI_QUEUE;
    info.rt.value.sival_ptr = 7;
    expect_signal(&info, "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_QUEUE, si_pid=42, si_uid=0, "
                         "si_int=7, si_ptr=0x7} ---");

    info = (struct rf_siginfo){.si_signo = RF_SIGALRM, .si_code = RF_SI_KERNEL};
    expect_signal(&info, "--- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---");

    info = (struct rf_siginfo){.si_signo = RF_SIGCHLD, .si_code = RF_SI_CLD_KILLED};
    info.chld.pid = 9;
    info.chld.status = 9;
    info.chld.utime = 125;
    expect_signal(&info, "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=9, si_uid=0, "
                         "si_status=SIGKILL, si_utime=125 /* 1.25 s */, si_stime=0} ---");
}
END_TEST

START_TEST(end_lines)
{
    char text[64];
    rf_strace_exit(text, sizeof text, 0x300);
    ck_assert_str_eq(text, "+++ exited with 3 +++");
    rf_strace_exit(text, sizeof text, 9);
    ck_assert_str_eq(text, "+++ killed by SIGKILL +++");
    rf_strace_exit(text, sizeof text, 11 | 0x80);
    ck_assert_str_eq(text, "+++ killed by SIGSEGV (core dumped) +++");
    rf_strace_stopped(text, sizeof text, 19);
    ck_assert_str_eq(text, "--- stopped by SIGSTOP ---");
    ck_assert_uint_eq(rf_strace_exit(text, 4, 0), strlen("+++ exited with 0 +++"));
    ck_assert_str_eq(text, "+++");
}
END_TEST

/* ---- waiting ---- */

START_TEST(poll_results)
{
    struct rf_pollfd fds[3] = {{4, RF_POLLIN, 0}, {5, RF_POLLOUT, RF_POLLOUT}, {-1, 1, 0}};
    uint64_t at = put(fds, sizeof fds);
    CALL(1,
         "poll([{fd=4, events=POLLIN}, {fd=5, events=POLLOUT}, {fd=-1}], 3, 100) = 1 ([{fd=5, "
         "revents=POLLOUT}])",
         poll, at, 3, 100);
    CALL(0, "poll([{fd=4, events=POLLIN}], 1, -1)    = 0 (Timeout)", poll, at, 1, UINT64_MAX);
    CALL(1,
         "ppoll([{fd=4, events=POLLIN}, {fd=5, events=POLLOUT}], 2, {tv_sec=1, tv_nsec=0}, NULL, "
         "8) = 1 ([{fd=5, revents=POLLOUT}], left {tv_sec=1, tv_nsec=0})",
         ppoll, at, 2, WORDS(1, 0), 0, 8);
}
END_TEST

START_TEST(select_results)
{
    uint64_t in = WORDS(0x10);
    uint64_t out = WORDS(0x20);
    ENTER(select, 6, in, out, 0, WORDS(1, 5));
    memory[out - BASE] = 0;
    LEAVE(1);
    EXPECT("select(6, [4], [5], NULL, {tv_sec=1, tv_usec=5}) = 1 (in [4], left {tv_sec=1, "
           "tv_usec=5})");
    CALL(0, "select(0, NULL, NULL, NULL, {tv_sec=0, tv_usec=0}) = 0 (Timeout)", select, 0, 0, 0, 0,
         WORDS(0, 0));
    CALL(1, "pselect6(6, [4], NULL, NULL, NULL, {sigmask=[INT], sigsetsize=8}) = 1 (in [4])",
         pselect6, 6, in, 0, 0, 0, WORDS(WORDS(2), 8));
}
END_TEST

START_TEST(epoll_events)
{
    struct rf_epoll_event events[2] = {{RF_EPOLLIN | RF_EPOLLET, 5}, {RF_EPOLLHUP, 6}};
    uint64_t at = put(events, sizeof events);
    CALL(0, "epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data={u32=5, u64=5}}) = 0",
         epoll_ctl, 3, 1, 4, at);
    CALL(0, "epoll_ctl(3, EPOLL_CTL_DEL, 4, 0x10000) = 0", epoll_ctl, 3, 2, 4, at);
    CALL(2,
         "epoll_wait(3, [{events=EPOLLIN|EPOLLET, data={u32=5, u64=5}}, {events=EPOLLHUP, "
         "data={u32=6, u64=6}}], 8, -1) = 2",
         epoll_wait, 3, at, 8, UINT64_MAX);
}
END_TEST

START_TEST(clocks)
{
    CALL(0, "clock_gettime(CLOCK_MONOTONIC, {tv_sec=5, tv_nsec=7}) = 0", clock_gettime, 1,
         WORDS(5, 7));
    CALL(0, "gettimeofday({tv_sec=5, tv_usec=7}, NULL) = 0", gettimeofday, WORDS(5, 7), 0);
    CALL(951782400,
         "time(NULL)                              = 951782400 (2000-02-29T00:00:00+0000)", time, 0);
}
END_TEST

/* ---- sockets ---- */

START_TEST(socket_addresses)
{
    struct rf_sockaddr_un un = {.sun_family = 1, .sun_path = "/s"};
    struct rf_sockaddr_in in = {2, 0x901f, {127, 0, 0, 1}, {0}};
    struct rf_sockaddr_in6 in6 = {.sin6_family = 10, .sin6_port = 0x901f};
    in6.sin6_addr[15] = 1;
    CALL(0, "connect(3, {sa_family=AF_UNIX, sun_path=\"/s\"}, 110) = 0", connect, 3,
         put(&un, sizeof un), sizeof un);
    CALL(0,
         "bind(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"127.0.0.1\")}, "
         "16) = 0",
         bind, 3, put(&in, sizeof in), 16);
    CALL(0,
         "bind(3, {sa_family=AF_INET6, sin6_port=htons(8080), sin6_flowinfo=htonl(0), "
         "inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, 28) = 0",
         bind, 3, put(&in6, sizeof in6), 28);
    CALL(3, "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3", socket, 2, 0x80001, 6);
    CALL(0, "socketpair(AF_UNIX, SOCK_DGRAM, 0, [3, 4]) = 0", socketpair, 1, 2, 0, INTS(3, 4));
}
END_TEST

static void expect_ipv6(const uint8_t address[16], const char *text)
{
    struct rf_sockaddr_in6 in6 = {.sin6_family = 10};
    char expected[256];
    memcpy(in6.sin6_addr, address, 16);
    snprintf(expected, sizeof expected, "inet_pton(AF_INET6, \"%s\", &sin6_addr)", text);
    ENTER(bind, 3, put(&in6, sizeof in6), 28);
    ck_assert_msg(strstr(line.text, expected), "%s lacks %s", line.text, expected);
}

START_TEST(ipv6_texts)
{
    expect_ipv6((const uint8_t[16]){0}, "::");
    expect_ipv6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 5}, "2001:db8::5");
    expect_ipv6((const uint8_t[16]){0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8},
                "1:2:3:4:5:6:7:8");
    expect_ipv6((const uint8_t[16]){0, 1, 0, 0, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0, 0, 0},
                "1:0:3:4:5:6::");
    expect_ipv6((const uint8_t[16]){[10] = 0xff, [11] = 0xff, [12] = 10, 0, 0, 1},
                "::ffff:10.0.0.1");
}
END_TEST

START_TEST(socket_lengths_change)
{
    struct rf_sockaddr_un un = {.sun_family = 1};
    uint64_t length = INTS(100);
    ENTER(getsockname, 3, put(&un, sizeof un), length);
    memory[length - BASE] = 2;
    LEAVE(0);
    EXPECT("getsockname(3, {sa_family=AF_UNIX}, [100 => 2]) = 0");
    CALL(0, "getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0", getsockopt, 3, 1, 4, INTS(0),
         INTS(4));
    CALL(0, "setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0", setsockopt, 3, 6, 1, INTS(1), 4);
}
END_TEST

START_TEST(messages)
{
    uint64_t vector = WORDS(string("qq"), 2);
    uint64_t control = put("\x14\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\7\0\0\0", 20);
    struct rf_msghdr header = {
        .msg_iov = vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 24};
    CALL(2,
         "sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"qq\", iov_len=2}], "
         "msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, "
         "cmsg_data=[7]}], msg_controllen=24, msg_flags=0}, MSG_NOSIGNAL) = 2",
         sendmsg, 3, put(&header, sizeof header), RF_MSG_NOSIGNAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("strace_process");
    TCase *tests = tcase_create("lines");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, execve_arguments);
    tcase_add_test(tests, unterminated_argument_array);
    tcase_add_test(tests, execve_keeps_the_old_memory);
    tcase_add_test(tests, clone_as_fork);
    tcase_add_test(tests, clone3_for_a_thread);
    tcase_add_test(tests, wait_statuses);
    tcase_add_test(tests, waitid_information);
    tcase_add_test(tests, limits_are_in_units_of_1024);
    tcase_add_test(tests, arch_prctl_by_code);
    tcase_add_test(tests, prctl_by_option);
    tcase_add_test(tests, futex_operations);
    tcase_add_test(tests, identity_and_mask);
    tcase_add_test(tests, cpu_sets);
    tcase_add_test(tests, system_information);
    tcase_add_test(tests, random_bytes_are_hex);
    tcase_add_test(tests, signal_sets);
    tcase_add_test(tests, set_of_two_thirds_is_inverted);
    tcase_add_test(tests, signal_actions);
    tcase_add_test(tests, signal_return_shows_the_mask);
    tcase_add_test(tests, kill_names_the_signal);
    tcase_add_test(tests, interrupted_sleep_shows_the_rest);
    tcase_add_test(tests, signal_lines);
    tcase_add_test(tests, end_lines);
    tcase_add_test(tests, poll_results);
    tcase_add_test(tests, select_results);
    tcase_add_test(tests, epoll_events);
    tcase_add_test(tests, clocks);
    tcase_add_test(tests, socket_addresses);
    tcase_add_test(tests, ipv6_texts);
    tcase_add_test(tests, socket_lengths_change);
    tcase_add_test(tests, messages);
    suite_add_tcase(suite, tests);

    return run_suite(suite);
}
