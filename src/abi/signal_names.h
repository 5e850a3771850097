/* Signal numbers of x86-64 Linux, their names and texts, and the si_code values
 * that say why a signal was sent. Pure data.
 * Sources: asm/signal.h, asm-generic/siginfo.h, signal(7), sigaction(2). */
#ifndef RF_ABI_SIGNAL_NAMES_H
#define RF_ABI_SIGNAL_NAMES_H

#include <stdint.h>

/* X(number, name, text); the texts are those of glibc's strsignal(). */
#define RF_SIGNAL_LIST(X)                                                                          \
    X(1, HUP, "Hangup")                                                                            \
    X(2, INT, "Interrupt")                                                                         \
    X(3, QUIT, "Quit")                                                                             \
    X(4, ILL, "Illegal instruction")                                                               \
    X(5, TRAP, "Trace/breakpoint trap")                                                            \
    X(6, ABRT, "Aborted")                                                                          \
    X(7, BUS, "Bus error")                                                                         \
    X(8, FPE, "Floating point exception")                                                          \
    X(9, KILL, "Killed")                                                                           \
    X(10, USR1, "User defined signal 1")                                                           \
    X(11, SEGV, "Segmentation fault")                                                              \
    X(12, USR2, "User defined signal 2")                                                           \
    X(13, PIPE, "Broken pipe")                                                                     \
    X(14, ALRM, "Alarm clock")                                                                     \
    X(15, TERM, "Terminated")                                                                      \
    X(16, STKFLT, "Stack fault")                                                                   \
    X(17, CHLD, "Child exited")                                                                    \
    X(18, CONT, "Continued")                                                                       \
    X(19, STOP, "Stopped (signal)")                                                                \
    X(20, TSTP, "Stopped")                                                                         \
    X(21, TTIN, "Stopped (tty input)")                                                             \
    X(22, TTOU, "Stopped (tty output)")                                                            \
    X(23, URG, "Urgent I/O condition")                                                             \
    X(24, XCPU, "CPU time limit exceeded")                                                         \
    X(25, XFSZ, "File size limit exceeded")                                                        \
    X(26, VTALRM, "Virtual timer expired")                                                         \
    X(27, PROF, "Profiling timer expired")                                                         \
    X(28, WINCH, "Window changed")                                                                 \
    X(29, IO, "I/O possible")                                                                      \
    X(30, PWR, "Power failure")                                                                    \
    X(31, SYS, "Bad system call")

enum rf_signal {
#define RF_SIGNAL_ENUM(number, name, text) RF_SIG##name = number,
    RF_SIGNAL_LIST(RF_SIGNAL_ENUM)
#undef RF_SIGNAL_ENUM
        RF_SIGIOT = RF_SIGABRT,
    RF_SIGPOLL = RF_SIGIO,
    RF_SIGRTMIN = 32, /* the kernel's; glibc keeps 32 and 33 for itself */
    RF_SIGRTMAX = 64,
    RF_NSIG = 64, /* signals are 1..RF_NSIG */
};

/* Bit of a signal in a sigset. */
#define RF_SIGMASK(signo) (UINT64_C(1) << ((signo)-1))

/* si_code values for any signal. */
enum {
    RF_SI_USER = 0,
    RF_SI_KERNEL = 0x80,
    RF_SI_QUEUE = -1,
    RF_SI_TIMER = -2,
    RF_SI_MESGQ = -3,
    RF_SI_ASYNCIO = -4,
    RF_SI_SIGIO = -5,
    RF_SI_TKILL = -6,
    RF_SI_DETHREAD = -7,
    RF_SI_ASYNCNL = -60,
};

/* si_code values for one signal: X(signal, number, name). */
#define RF_SI_CODE_LIST(X)                                                                         \
    X(ILL, 1, ILL_ILLOPC)                                                                          \
    X(ILL, 2, ILL_ILLOPN)                                                                          \
    X(ILL, 3, ILL_ILLADR)                                                                          \
    X(ILL, 4, ILL_ILLTRP)                                                                          \
    X(ILL, 5, ILL_PRVOPC)                                                                          \
    X(ILL, 6, ILL_PRVREG)                                                                          \
    X(ILL, 7, ILL_COPROC)                                                                          \
    X(ILL, 8, ILL_BADSTK)                                                                          \
    X(FPE, 1, FPE_INTDIV)                                                                          \
    X(FPE, 2, FPE_INTOVF)                                                                          \
    X(FPE, 3, FPE_FLTDIV)                                                                          \
    X(FPE, 4, FPE_FLTOVF)                                                                          \
    X(FPE, 5, FPE_FLTUND)                                                                          \
    X(FPE, 6, FPE_FLTRES)                                                                          \
    X(FPE, 7, FPE_FLTINV)                                                                          \
    X(FPE, 8, FPE_FLTSUB)                                                                          \
    X(FPE, 14, FPE_FLTUNK)                                                                         \
    X(FPE, 15, FPE_CONDTRAP)                                                                       \
    X(SEGV, 1, SEGV_MAPERR)                                                                        \
    X(SEGV, 2, SEGV_ACCERR)                                                                        \
    X(SEGV, 3, SEGV_BNDERR)                                                                        \
    X(SEGV, 4, SEGV_PKUERR)                                                                        \
    X(SEGV, 10, SEGV_CPERR)                                                                        \
    X(BUS, 1, BUS_ADRALN)                                                                          \
    X(BUS, 2, BUS_ADRERR)                                                                          \
    X(BUS, 3, BUS_OBJERR)                                                                          \
    X(BUS, 4, BUS_MCEERR_AR)                                                                       \
    X(BUS, 5, BUS_MCEERR_AO)                                                                       \
    X(TRAP, 1, TRAP_BRKPT)                                                                         \
    X(TRAP, 2, TRAP_TRACE)                                                                         \
    X(TRAP, 3, TRAP_BRANCH)                                                                        \
    X(TRAP, 4, TRAP_HWBKPT)                                                                        \
    X(TRAP, 5, TRAP_UNK)                                                                           \
    X(TRAP, 6, TRAP_PERF)                                                                          \
    X(CHLD, 1, CLD_EXITED)                                                                         \
    X(CHLD, 2, CLD_KILLED)                                                                         \
    X(CHLD, 3, CLD_DUMPED)                                                                         \
    X(CHLD, 4, CLD_TRAPPED)                                                                        \
    X(CHLD, 5, CLD_STOPPED)                                                                        \
    X(CHLD, 6, CLD_CONTINUED)                                                                      \
    X(POLL, 1, POLL_IN)                                                                            \
    X(POLL, 2, POLL_OUT)                                                                           \
    X(POLL, 3, POLL_MSG)                                                                           \
    X(POLL, 4, POLL_ERR)                                                                           \
    X(POLL, 5, POLL_PRI)                                                                           \
    X(POLL, 6, POLL_HUP)                                                                           \
    X(SYS, 1, SYS_SECCOMP)                                                                         \
    X(SYS, 2, SYS_USER_DISPATCH)

/* RF_SI_SEGV_MAPERR and so on: prefixed apart from the poll(2) and flag names. */
enum rf_si_code {
#define RF_SI_CODE_ENUM(signal, number, name) RF_SI_##name = number,
    RF_SI_CODE_LIST(RF_SI_CODE_ENUM)
#undef RF_SI_CODE_ENUM
};

/* "SIGSEGV" for 11, "SIGRTMIN" for 32, "SIGRT_2" for 34; NULL when not 1..64. */
const char *rf_signal_name(int signo);

/* "Segmentation fault" for 11; NULL when not 1..31. */
const char *rf_signal_text(int signo);

/* "SEGV_MAPERR" for (11, 1), "SI_USER" for (any, 0); NULL for a code without a name. */
const char *rf_si_code_name(int signo, int code);

#endif
