/* The ABI tables against the host's own headers: system call numbers, errno and
 * signal numbers and texts, flag values, structure sizes; and the #! line parser. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <asm/termbits.h>
#include "lib/suite.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/rseq.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/ucontext.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi/errno.h"
#include "abi/linux_flags.h"
#include "abi/linux_structs.h"
#include "abi/script.h"
#include "abi/signal_names.h"
#include "abi/syscalls.h"

/* Calls newer than the host's headers: their numbers, from the kernel's table. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_map_shadow_stack
#define SYS_map_shadow_stack 453
#endif
#ifndef SYS_futex_wake
#define SYS_futex_wake    454
#define SYS_futex_wait    455
#define SYS_futex_requeue 456
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif
#ifndef SYS_lsm_get_self_attr
#define SYS_lsm_get_self_attr 459
#define SYS_lsm_set_self_attr 460
#define SYS_lsm_list_modules  461
#endif
#ifndef SYS_mseal
#define SYS_mseal 462
#endif

START_TEST(syscall_numbers_are_the_hosts)
{
#define RF_SYSCALL(number, name, ret, a0, a1, a2, a3, a4, a5)                                      \
    ck_assert_msg(number == SYS_##name, "%s is %d, not %d", #name, (int)SYS_##name, number);       \
    ck_assert_int_eq(RF_NR_##name, number);
#include "abi/syscalls_x86_64.def"
#undef RF_SYSCALL
}
END_TEST

START_TEST(syscall_descriptions_agree_with_names)
{
    unsigned count = 0;
    for (unsigned number = 0; number < RF_SYSCALL_COUNT; number++) {
        const struct rf_syscall_desc *desc = rf_syscall_desc(number);
        if (!desc)
            continue;
        count++;
        ck_assert_uint_eq(desc->number, number);
        ck_assert_int_eq(rf_syscall_number(desc->name), (int)number);
        ck_assert_uint_le(desc->argc, 6);
        for (unsigned i = 0; i < 6; i++)
            ck_assert_int_eq(desc->arg[i] != RF_ARG_NONE, i < desc->argc);
    }
    ck_assert_uint_eq(count, 374);
}
END_TEST

START_TEST(syscall_holes_have_no_description)
{
    ck_assert_ptr_null(rf_syscall_desc(335));
    ck_assert_ptr_null(rf_syscall_desc(423));
    ck_assert_ptr_null(rf_syscall_desc(463));
    ck_assert_ptr_null(rf_syscall_desc(UINT32_MAX));
    ck_assert_ptr_nonnull(rf_syscall_desc(424));
    ck_assert_int_eq(rf_syscall_number("no_such_call"), -1);
    ck_assert_int_eq(rf_syscall_number(""), -1);
}
END_TEST

START_TEST(syscall_arguments_of_known_calls)
{
    const struct rf_syscall_desc *desc = rf_syscall_desc(RF_NR_openat);
    ck_assert_str_eq(desc->name, "openat");
    ck_assert_uint_eq(desc->argc, 4);
    ck_assert_int_eq(desc->arg[0], RF_ARG_DIRFD);
    ck_assert_int_eq(desc->arg[1], RF_ARG_PATH);
    ck_assert_int_eq(rf_syscall_desc(RF_NR_mmap)->ret, RF_RET_HEX);
    ck_assert_int_eq(rf_syscall_desc(RF_NR_exit_group)->ret, RF_RET_NONE);
    ck_assert_uint_eq(rf_syscall_desc(RF_NR_getpid)->argc, 0);
    ck_assert_uint_eq(rf_syscall_desc(RF_NR_mmap)->argc, 6);
}
END_TEST

START_TEST(errno_names_and_numbers_are_the_hosts)
{
#define CHECK_ERRNO(number, name, text)                                                            \
    ck_assert_int_eq(number, name);                                                                \
    ck_assert_int_eq(RF_##name, name);                                                             \
    ck_assert_str_eq(rf_errno_name(name), #name);
    RF_ERRNO_LIST(CHECK_ERRNO)
#undef CHECK_ERRNO
    ck_assert_ptr_null(rf_errno_name(0));
    ck_assert_ptr_null(rf_errno_name(41));
    ck_assert_ptr_null(rf_errno_name(-1));
    ck_assert_ptr_null(rf_errno_name(134));
}
END_TEST

START_TEST(errno_texts_are_the_hosts)
{
#ifdef __GLIBC__
    for (int number = 0; number <= 133; number++)
        if (number != 41 && number != 58)
            ck_assert_str_eq(rf_errno_text(number), strerror(number));
#endif
    ck_assert_ptr_null(rf_errno_text(41));
    ck_assert_ptr_null(rf_errno_text(134));
    ck_assert_ptr_null(rf_errno_text(-5));
}
END_TEST

START_TEST(internal_errnos_have_names)
{
    ck_assert_str_eq(rf_errno_name(512), "ERESTARTSYS");
    ck_assert_str_eq(rf_errno_name(513), "ERESTARTNOINTR");
    ck_assert_str_eq(rf_errno_name(514), "ERESTARTNOHAND");
    ck_assert_str_eq(rf_errno_name(516), "ERESTART_RESTARTBLOCK");
}
END_TEST

START_TEST(error_results_are_the_last_4095)
{
    ck_assert(rf_is_error(-1));
    ck_assert(rf_is_error(-4095));
    ck_assert(!rf_is_error(-4096));
    ck_assert(!rf_is_error(0));
    ck_assert(!rf_is_error(INT64_MAX));
}
END_TEST

START_TEST(signals_are_the_hosts)
{
#define CHECK_SIGNAL(number, name, text)                                                           \
    ck_assert_int_eq(number, SIG##name);                                                           \
    ck_assert_str_eq(rf_signal_name(SIG##name), "SIG" #name);
    RF_SIGNAL_LIST(CHECK_SIGNAL)
#undef CHECK_SIGNAL
#ifdef __GLIBC__
    for (int number = 1; number <= 31; number++)
        ck_assert_str_eq(rf_signal_text(number), strsignal(number));
#endif
    ck_assert_str_eq(rf_signal_name(32), "SIGRTMIN");
    ck_assert_str_eq(rf_signal_name(64), "SIGRT_32");
    ck_assert_ptr_null(rf_signal_name(0));
    ck_assert_ptr_null(rf_signal_name(65));
    ck_assert_ptr_null(rf_signal_text(32));
}
END_TEST

START_TEST(si_codes_are_the_hosts)
{
#define CODE(name) ck_assert_int_eq(RF_SI_##name, name)
    CODE(ILL_ILLOPC);
    CODE(ILL_BADSTK);
    CODE(FPE_INTDIV);
    CODE(FPE_FLTSUB);
    CODE(SEGV_MAPERR);
    CODE(SEGV_ACCERR);
    CODE(SEGV_PKUERR);
    CODE(BUS_ADRALN);
    CODE(BUS_ADRERR);
    CODE(TRAP_BRKPT);
    CODE(TRAP_TRACE);
    CODE(CLD_EXITED);
    CODE(CLD_CONTINUED);
    CODE(POLL_IN);
#undef CODE
    ck_assert_str_eq(rf_si_code_name(SIGSEGV, 1), "SEGV_MAPERR");
    ck_assert_str_eq(rf_si_code_name(SIGBUS, 1), "BUS_ADRALN");
    ck_assert_str_eq(rf_si_code_name(SIGSEGV, SI_USER), "SI_USER");
    ck_assert_str_eq(rf_si_code_name(SIGTERM, SI_TKILL), "SI_TKILL");
    ck_assert_ptr_null(rf_si_code_name(SIGTERM, 1));
}
END_TEST

#define SAME(name) ck_assert_msg((uint64_t)RF_##name == (uint64_t)(name), "RF_" #name " differs")

START_TEST(open_and_file_flags_are_the_hosts)
{
    SAME(O_WRONLY);
    SAME(O_RDWR);
    SAME(O_ACCMODE);
    SAME(O_CREAT);
    SAME(O_EXCL);
    SAME(O_NOCTTY);
    SAME(O_TRUNC);
    SAME(O_APPEND);
    SAME(O_NONBLOCK);
    SAME(O_DSYNC);
    SAME(O_DIRECT);
    SAME(O_SYNC);
    SAME(O_DIRECTORY);
    SAME(O_NOFOLLOW);
    SAME(O_NOATIME);
    SAME(O_CLOEXEC);
    SAME(O_PATH);
    SAME(O_TMPFILE);
    SAME(O_ASYNC);
    SAME(AT_FDCWD);
    SAME(AT_SYMLINK_NOFOLLOW);
    SAME(AT_REMOVEDIR);
    SAME(AT_EACCESS);
    SAME(AT_SYMLINK_FOLLOW);
    SAME(AT_EMPTY_PATH);
    SAME(AT_NO_AUTOMOUNT);
    SAME(S_IFMT);
    SAME(S_IFDIR);
    SAME(S_IFLNK);
    SAME(S_IFIFO);
    SAME(S_IFSOCK);
    SAME(S_IFBLK);
    SAME(S_IFCHR);
    SAME(S_IFREG);
    SAME(S_ISUID);
    SAME(S_ISVTX);
    SAME(S_IRWXG);
    SAME(S_IWOTH);
    SAME(F_DUPFD);
    SAME(F_GETFD);
    SAME(F_SETFD);
    SAME(F_GETFL);
    SAME(F_SETFL);
    SAME(F_SETLKW);
    SAME(F_DUPFD_CLOEXEC);
    SAME(F_GETPIPE_SZ);
    SAME(F_ADD_SEALS);
    SAME(F_OFD_SETLK);
    SAME(F_GETOWN_EX);
    SAME(F_SETSIG);
    SAME(FD_CLOEXEC);
    SAME(F_RDLCK);
    SAME(F_UNLCK);
    SAME(UTIME_NOW);
    SAME(UTIME_OMIT);
    SAME(R_OK);
    SAME(SEEK_HOLE);
    SAME(DT_LNK);
    SAME(DT_SOCK);
    SAME(STATX_BASIC_STATS);
    SAME(STATX_BTIME);
    SAME(STATX_MNT_ID);
    SAME(RENAME_EXCHANGE);
    SAME(POSIX_FADV_NOREUSE);
    SAME(FALLOC_FL_PUNCH_HOLE);
    SAME(MFD_ALLOW_SEALING);
}
END_TEST

START_TEST(memory_flags_are_the_hosts)
{
    SAME(PROT_READ);
    SAME(PROT_WRITE);
    SAME(PROT_EXEC);
    SAME(PROT_GROWSDOWN);
    SAME(MAP_SHARED);
    SAME(MAP_PRIVATE);
    SAME(MAP_FIXED);
    SAME(MAP_ANONYMOUS);
    SAME(MAP_32BIT);
    SAME(MAP_GROWSDOWN);
    SAME(MAP_DENYWRITE);
    SAME(MAP_NORESERVE);
    SAME(MAP_POPULATE);
    SAME(MAP_STACK);
    SAME(MAP_HUGETLB);
    SAME(MAP_FIXED_NOREPLACE);
    SAME(MAP_LOCKED);
    SAME(MREMAP_MAYMOVE);
    SAME(MREMAP_FIXED);
    SAME(MREMAP_DONTUNMAP);
    SAME(MADV_DONTNEED);
    SAME(MADV_FREE);
    SAME(MADV_HUGEPAGE);
    SAME(MADV_DONTDUMP);
    SAME(MADV_POPULATE_WRITE);
    SAME(MS_SYNC);
    SAME(MS_ASYNC);
    SAME(MCL_FUTURE);
}
END_TEST

START_TEST(process_flags_are_the_hosts)
{
    SAME(CLONE_VM);
    SAME(CLONE_FS);
    SAME(CLONE_FILES);
    SAME(CLONE_SIGHAND);
    SAME(CLONE_PIDFD);
    SAME(CLONE_VFORK);
    SAME(CLONE_PARENT);
    SAME(CLONE_THREAD);
    SAME(CLONE_SYSVSEM);
    SAME(CLONE_SETTLS);
    SAME(CLONE_PARENT_SETTID);
    SAME(CLONE_CHILD_CLEARTID);
    SAME(CLONE_CHILD_SETTID);
    SAME(CLONE_NEWPID);
    SAME(CLONE_UNTRACED);
    ck_assert_uint_eq(RF_CLONE_IO, (uint32_t)CLONE_IO);
    SAME(WNOHANG);
    SAME(WUNTRACED);
    SAME(WEXITED);
    SAME(WCONTINUED);
    SAME(WNOWAIT);
    SAME(P_ALL);
    SAME(P_PID);
    SAME(P_PGID);
    SAME(SA_NOCLDSTOP);
    SAME(SA_SIGINFO);
    SAME(SA_ONSTACK);
    SAME(SA_RESTART);
    SAME(SA_NODEFER);
    ck_assert_uint_eq(RF_SA_RESETHAND, (uint32_t)SA_RESETHAND);
    SAME(SS_ONSTACK);
    SAME(SS_DISABLE);
    SAME(SIG_SETMASK);
    SAME(FUTEX_WAIT_BITSET);
    SAME(FUTEX_CMP_REQUEUE_PI);
    SAME(FUTEX_PRIVATE_FLAG);
    SAME(FUTEX_CLOCK_REALTIME);
    SAME(FUTEX_OWNER_DIED);
    SAME(FUTEX_WAITERS);
    SAME(RLIMIT_STACK);
    SAME(RLIMIT_NOFILE);
    SAME(RLIMIT_AS);
    SAME(RLIMIT_RTTIME);
    SAME(RUSAGE_CHILDREN);
    SAME(RLIM_INFINITY);
    SAME(PRIO_PROCESS);
    SAME(ARCH_SET_FS);
    SAME(ARCH_SET_GS);
    SAME(ARCH_GET_FS);
    SAME(ARCH_GET_GS);
    SAME(PR_SET_NAME);
    SAME(PR_SET_PDEATHSIG);
    SAME(PR_SET_NO_NEW_PRIVS);
    SAME(PR_SET_DUMPABLE);
    SAME(CLOCK_REALTIME);
    SAME(CLOCK_MONOTONIC);
    SAME(CLOCK_BOOTTIME);
    SAME(TIMER_ABSTIME);
    SAME(SCHED_FIFO);
    SAME(SCHED_RR);
    SAME(SCHED_BATCH);
    SAME(SCHED_IDLE);
    SAME(AT_PHDR);
    SAME(AT_RANDOM);
    SAME(AT_EXECFN);
    SAME(AT_SYSINFO_EHDR);
    SAME(AT_HWCAP2);
}
END_TEST

START_TEST(poll_and_terminal_flags_are_the_hosts)
{
    SAME(POLLIN);
    SAME(POLLPRI);
    SAME(POLLOUT);
    SAME(POLLERR);
    SAME(POLLHUP);
    SAME(POLLNVAL);
    SAME(POLLRDHUP);
    SAME(EPOLLIN);
    SAME(EPOLLET);
    SAME(EPOLLONESHOT);
    SAME(EPOLL_CTL_MOD);
    SAME(TCGETS);
    SAME(TCSETS);
    SAME(TCSETSW);
    SAME(TCSETSF);
    SAME(TIOCGPGRP);
    SAME(TIOCSPGRP);
    SAME(TIOCGWINSZ);
    SAME(TIOCSWINSZ);
    SAME(FIONREAD);
    SAME(FIONBIO);
    SAME(FIOCLEX);
    SAME(TIOCGPTN);
    SAME(TIOCSPTLCK);
    SAME(TIOCSCTTY);
    SAME(TIOCNOTTY);
    SAME(TIOCGSID);
    SAME(TCFLSH);
    SAME(TCSBRK);
    SAME(TCXONC);
    SAME(TIOCGDEV);
    SAME(ICRNL);
    SAME(IXON);
    SAME(IUTF8);
    SAME(IMAXBEL);
    SAME(OPOST);
    SAME(ONLCR);
    SAME(CSIZE);
    SAME(CS8);
    SAME(CREAD);
    SAME(HUPCL);
    SAME(B38400);
    SAME(ISIG);
    SAME(ICANON);
    SAME(ECHO);
    SAME(ECHOE);
    SAME(ECHOK);
    SAME(ECHOCTL);
    SAME(ECHOKE);
    SAME(IEXTEN);
    SAME(TOSTOP);
    SAME(VMIN);
    SAME(VTIME);
    SAME(VSUSP);
    SAME(VEOL2);
    SAME(VERASE);
    SAME(VSTART);
}
END_TEST

START_TEST(socket_flags_are_the_hosts)
{
    SAME(AF_UNIX);
    SAME(AF_INET);
    SAME(AF_INET6);
    SAME(SOCK_STREAM);
    SAME(SOCK_DGRAM);
    SAME(SOCK_CLOEXEC);
    SAME(SOCK_NONBLOCK);
    SAME(MSG_PEEK);
    SAME(MSG_DONTWAIT);
    SAME(MSG_NOSIGNAL);
    SAME(MSG_CMSG_CLOEXEC);
    SAME(MSG_TRUNC);
    SAME(SOL_SOCKET);
    SAME(SO_REUSEADDR);
    SAME(SO_ERROR);
    SAME(SO_PEERCRED);
    SAME(SO_KEEPALIVE);
    SAME(SO_DOMAIN);
    SAME(SHUT_RDWR);
    SAME(SCM_RIGHTS);
}
END_TEST

#define SIZE(ours, host) ck_assert_uint_eq(sizeof(struct ours), sizeof(host))

START_TEST(structures_have_the_hosts_sizes)
{
    SIZE(rf_stat, struct stat);
    SIZE(rf_statx, struct statx);
    SIZE(rf_statfs, struct statfs);
    SIZE(rf_timespec, struct timespec);
    SIZE(rf_timeval, struct timeval);
    SIZE(rf_itimerval, struct itimerval);
    SIZE(rf_tms, struct tms);
    SIZE(rf_iovec, struct iovec);
    SIZE(rf_utsname, struct utsname);
    SIZE(rf_rlimit64, struct rlimit);
    SIZE(rf_rusage, struct rusage);
    SIZE(rf_sysinfo, struct sysinfo);
    SIZE(rf_siginfo, siginfo_t);
    SIZE(rf_stack_t, stack_t);
    SIZE(rf_flock, struct flock);
    SIZE(rf_pollfd, struct pollfd);
    SIZE(rf_winsize, struct winsize);
    SIZE(rf_termios, struct termios);
    SIZE(rf_termios2, struct termios2);
    SIZE(rf_robust_list_head, struct robust_list_head);
    SIZE(rf_fpstate, struct _libc_fpstate);
    SIZE(rf_epoll_event, struct epoll_event);
    SIZE(rf_signalfd_siginfo, struct signalfd_siginfo);
    SIZE(rf_msghdr, struct msghdr);
    SIZE(rf_ucred, struct ucred);
    SIZE(rf_sigevent, struct sigevent);
    ck_assert_uint_eq(offsetof(struct rf_dirent64, d_name), offsetof(struct dirent64, d_name));
}
END_TEST

START_TEST(signal_context_lies_as_the_hosts)
{
    ck_assert_uint_eq(offsetof(struct rf_ucontext, uc_mcontext), offsetof(ucontext_t, uc_mcontext));
    ck_assert_uint_eq(offsetof(struct rf_ucontext, uc_sigmask), offsetof(ucontext_t, uc_sigmask));
    ck_assert_uint_eq(offsetof(struct rf_sigcontext, rip), REG_RIP * 8);
    ck_assert_uint_eq(offsetof(struct rf_sigcontext, rsp), REG_RSP * 8);
    ck_assert_uint_eq(offsetof(struct rf_sigcontext, rax), REG_RAX * 8);
    ck_assert_uint_eq(offsetof(struct rf_sigcontext, eflags), REG_EFL * 8);
    ck_assert_uint_eq(offsetof(struct rf_sigcontext, cs), REG_CSGSFS * 8);
    ck_assert_uint_eq(offsetof(struct rf_sigcontext, cr2), REG_CR2 * 8);
    ck_assert_uint_eq(offsetof(struct rf_sigcontext, fpstate), offsetof(mcontext_t, fpregs));
}
END_TEST

START_TEST(register_frame_lies_as_the_hosts)
{
#define REGISTER(ours, host)                                                                       \
    ck_assert_uint_eq(offsetof(struct rf_pt_regs, ours), offsetof(struct user_regs_struct, host))
    REGISTER(r15, r15);
    REGISTER(rbp, rbp);
    REGISTER(r11, r11);
    REGISTER(rdi, rdi);
    REGISTER(orig_rax, orig_rax);
    REGISTER(rip, rip);
    REGISTER(cs, cs);
    REGISTER(rsp, rsp);
    REGISTER(ss, ss);
    REGISTER(rax, rax);
    REGISTER(rcx, rcx);
#undef REGISTER
}
END_TEST

START_TEST(a_host_signal_frame_reads_as_ours)
{
    struct rf_siginfo ours;
    siginfo_t host;
    sigset_t set;
    memset(&host, 0, sizeof host);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    ck_assert_int_eq(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 77}), 0);
    ck_assert_int_eq(sigwaitinfo(&set, &host), SIGUSR1);
    memcpy(&ours, &host, sizeof ours);
    ck_assert_int_eq(ours.si_signo, SIGUSR1);
    ck_assert_int_eq(ours.si_code, RF_SI_QUEUE);
    ck_assert_int_eq(ours.rt.pid, getpid());
    ck_assert_int_eq(ours.rt.value.sival_int, 77);
}
END_TEST

START_TEST(wait_status_words_are_the_hosts)
{
    for (int status = 0; status <= 0xffff; status++) {
        ck_assert_int_eq(!!RF_WIFEXITED(status), !!WIFEXITED(status));
        ck_assert_int_eq(!!RF_WIFSTOPPED(status), !!WIFSTOPPED(status));
        ck_assert_int_eq(!!RF_WIFCONTINUED(status), !!WIFCONTINUED(status));
        ck_assert_int_eq(!!RF_WIFSIGNALED(status), !!WIFSIGNALED(status));
        ck_assert_int_eq(RF_WEXITSTATUS(status), WEXITSTATUS(status));
        ck_assert_int_eq(RF_WTERMSIG(status), WTERMSIG(status));
    }
    ck_assert_int_eq(RF_W_EXITCODE(3, 0), W_EXITCODE(3, 0));
    ck_assert_int_eq(RF_W_STOPCODE(19), W_STOPCODE(19));
}
END_TEST

/* The #! line. */

static struct rf_script script;

static int parse_script(const char *text)
{
    return rf_script_parse(text, strlen(text), &script);
}

static void expect_script(const char *text, const char *interpreter, const char *argument)
{
    ck_assert_int_eq(parse_script(text), 0);
    ck_assert_str_eq(script.interpreter, interpreter);
    ck_assert_int_eq(script.has_argument, argument != NULL);
    ck_assert_str_eq(script.argument, argument ? argument : "");
}

START_TEST(script_without_argument)
{
    expect_script("#!/bin/sh\necho\n", "/bin/sh", NULL);
    expect_script("#! /bin/sh\n", "/bin/sh", NULL);
    expect_script("#!\t /bin/sh \t\n", "/bin/sh", NULL);
}
END_TEST

START_TEST(script_with_argument)
{
    expect_script("#!/usr/bin/env -S a b\n", "/usr/bin/env", "-S a b");
    expect_script("#!/bin/sh \t -e  \n", "/bin/sh", "-e");
    expect_script("#!/bin/awk -f\r\n", "/bin/awk", "-f\r");
}
END_TEST

START_TEST(script_without_newline)
{
    expect_script("#!/bin/sh", "/bin/sh", NULL);
    expect_script("#!/bin/sh -x", "/bin/sh", "-x");
}
END_TEST

START_TEST(script_with_nul)
{
    ck_assert_int_eq(rf_script_parse("#!/bin/sh\0 -x\n", 14, &script), 0);
    ck_assert_str_eq(script.interpreter, "/bin/sh");
    ck_assert(!script.has_argument);
}
END_TEST

START_TEST(script_without_interpreter_is_refused)
{
    ck_assert_int_eq(parse_script("#!\n"), RF_ENOEXEC);
    ck_assert_int_eq(parse_script("#! \t \n"), RF_ENOEXEC);
}
END_TEST

START_TEST(bare_marker_has_an_empty_interpreter)
{
    expect_script("#!", "", NULL);
    expect_script("#! ", "", NULL);
}
END_TEST

START_TEST(other_files_are_no_scripts)
{
    ck_assert_int_eq(parse_script(""), RF_ENOEXEC);
    ck_assert_int_eq(parse_script("#"), RF_ENOEXEC);
    ck_assert_int_eq(parse_script("echo hi\n"), RF_ENOEXEC);
    ck_assert_int_eq(parse_script("\x7f"
                                  "ELF"),
                     RF_ENOEXEC);
}
END_TEST

START_TEST(cut_off_interpreter_is_refused)
{
    char text[600] = "#!";
    memset(text + 2, 'x', 597);
    ck_assert_int_eq(parse_script(text), RF_ENOEXEC);
    memset(text + 2, ' ', 597);
    ck_assert_int_eq(parse_script(text), RF_ENOEXEC);
}
END_TEST

START_TEST(longest_interpreter_is_accepted)
{
    char text[600] = "#!";
    memset(text + 2, 'x', 253);
    text[255] = '\n';
    ck_assert_int_eq(parse_script(text), 0);
    ck_assert_uint_eq(strlen(script.interpreter), 253);
    text[255] = 'x';
    text[256] = '\n';
    ck_assert_int_eq(parse_script(text), RF_ENOEXEC);
}
END_TEST

START_TEST(cut_off_argument_is_accepted)
{
    char text[600] = "#!/bin/sh ";
    memset(text + 10, 'y', 580);
    ck_assert_int_eq(parse_script(text), 0);
    ck_assert_str_eq(script.interpreter, "/bin/sh");
    ck_assert_uint_eq(strlen(script.argument), 245);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("abi_tables");
    TCase *tables = tcase_create("tables");
    tcase_add_test(tables, syscall_numbers_are_the_hosts);
    tcase_add_test(tables, syscall_descriptions_agree_with_names);
    tcase_add_test(tables, syscall_holes_have_no_description);
    tcase_add_test(tables, syscall_arguments_of_known_calls);
    tcase_add_test(tables, errno_names_and_numbers_are_the_hosts);
    tcase_add_test(tables, errno_texts_are_the_hosts);
    tcase_add_test(tables, internal_errnos_have_names);
    tcase_add_test(tables, error_results_are_the_last_4095);
    tcase_add_test(tables, signals_are_the_hosts);
    tcase_add_test(tables, si_codes_are_the_hosts);
    suite_add_tcase(suite, tables);

    TCase *layout = tcase_create("flags and structures");
    tcase_add_test(layout, open_and_file_flags_are_the_hosts);
    tcase_add_test(layout, memory_flags_are_the_hosts);
    tcase_add_test(layout, process_flags_are_the_hosts);
    tcase_add_test(layout, poll_and_terminal_flags_are_the_hosts);
    tcase_add_test(layout, socket_flags_are_the_hosts);
    tcase_add_test(layout, structures_have_the_hosts_sizes);
    tcase_add_test(layout, signal_context_lies_as_the_hosts);
    tcase_add_test(layout, register_frame_lies_as_the_hosts);
    tcase_add_test(layout, a_host_signal_frame_reads_as_ours);
    tcase_add_test(layout, wait_status_words_are_the_hosts);
    suite_add_tcase(suite, layout);

    TCase *scripts = tcase_create("scripts");
    tcase_add_test(scripts, script_without_argument);
    tcase_add_test(scripts, script_with_argument);
    tcase_add_test(scripts, script_without_newline);
    tcase_add_test(scripts, script_with_nul);
    tcase_add_test(scripts, script_without_interpreter_is_refused);
    tcase_add_test(scripts, bare_marker_has_an_empty_interpreter);
    tcase_add_test(scripts, other_files_are_no_scripts);
    tcase_add_test(scripts, cut_off_interpreter_is_refused);
    tcase_add_test(scripts, longest_interpreter_is_accepted);
    tcase_add_test(scripts, cut_off_argument_is_accepted);
    suite_add_tcase(suite, scripts);

    return run_suite(suite);
}
