/* prctl(2), arch_prctl(2), personality(2), get_robust_list: values, errors, inheritance, and what a parent's death
 * and a subreaper mean. Options of other architectures and bad arguments are refused. */
#include "child.h"
#include <asm/prctl.h>
#include <linux/prctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>

static void *volatile bad = (void *)8;
#define PRCTL(...) CALL(syscall(SYS_prctl, __VA_ARGS__))

static void simple(void)
{
    int value = -1;
    char name[17] = "";
    PRCTL(PR_SET_NAME, "a name that is too long", 0, 0, 0);
    PRCTL(PR_GET_NAME, name, 0, 0, 0);
    puts(name);
    PRCTL(PR_SET_NAME, bad, 0, 0, 0);
    PRCTL(PR_GET_NAME, bad, 0, 0, 0);
    PRCTL(PR_GET_DUMPABLE, 0, 0, 0, 0);
    PRCTL(PR_SET_DUMPABLE, 2, 0, 0, 0);
    PRCTL(PR_SET_DUMPABLE, 0, 0, 0, 0);
    PRCTL(PR_GET_DUMPABLE, 0, 0, 0, 0);
    PRCTL(PR_SET_DUMPABLE, 1, 0, 0, 0);
    PRCTL(PR_GET_TIMING, 0, 0, 0, 0);
    PRCTL(PR_SET_TIMING, 1, 0, 0, 0);
    PRCTL(PR_SET_TIMING, 0, 0, 0, 0);
    PRCTL(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    PRCTL(PR_SET_TIMERSLACK, 1234, 0, 0, 0);
    PRCTL(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    if (!fork()) {
        PRCTL(PR_SET_TIMERSLACK, 99, 0, 0, 0);
        PRCTL(PR_SET_TIMERSLACK, 0, 0, 0, 0); /* back to what it was born with */
        PRCTL(PR_GET_TIMERSLACK, 0, 0, 0, 0);
        _exit(0);
    }
    wait(NULL);
    PRCTL(PR_SET_TIMERSLACK, 0, 0, 0, 0);
    PRCTL(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    PRCTL(PR_MCE_KILL_GET, 0, 0, 0, 0);
    PRCTL(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0);
    PRCTL(PR_MCE_KILL_GET, 0, 0, 0, 0);
    PRCTL(PR_MCE_KILL, PR_MCE_KILL_SET, 3, 0, 0);
    PRCTL(PR_MCE_KILL, PR_MCE_KILL_SET, 0, 1, 0);
    PRCTL(PR_MCE_KILL, 2, 0, 0, 0);
    PRCTL(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0);
    PRCTL(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0);
    PRCTL(PR_MCE_KILL_GET, 0, 0, 0, 0);
    PRCTL(PR_MCE_KILL_GET, 1, 0, 0, 0);
    PRCTL(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    PRCTL(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0);
    PRCTL(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
    PRCTL(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0);
    PRCTL(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    PRCTL(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    PRCTL(PR_GET_THP_DISABLE, 0, 0, 0, 0);
    PRCTL(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    PRCTL(PR_GET_THP_DISABLE, 0, 0, 0, 0);
    PRCTL(PR_SET_THP_DISABLE, 0, 0, 0, 1);
    PRCTL(PR_GET_THP_DISABLE, 0, 0, 1, 0);
    PRCTL(PR_SET_THP_DISABLE, 0, 0, 0, 0);
    PRCTL(PR_SET_CHILD_SUBREAPER, 5, 0, 0, 0);
    PRCTL(PR_GET_CHILD_SUBREAPER, &value, 0, 0, 0);
    show("subreaper", value);
    PRCTL(PR_GET_CHILD_SUBREAPER, bad, 0, 0, 0);
    PRCTL(PR_SET_PDEATHSIG, 65, 0, 0, 0);
    PRCTL(PR_SET_PDEATHSIG, -1L, 0, 0, 0);
    PRCTL(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
    PRCTL(PR_GET_PDEATHSIG, &value, 0, 0, 0);
    show("death signal", value);
    PRCTL(PR_GET_PDEATHSIG, bad, 0, 0, 0);
    if (!fork()) {
        PRCTL(PR_GET_PDEATHSIG, &value, 0, 0, 0);
        show("child's death signal", value);
        _exit(0);
    }
    wait(NULL);
    CALL(setresuid(0, 5, 0));
    PRCTL(PR_GET_PDEATHSIG, &value, 0, 0, 0);
    show("death signal after setresuid", value);
    PRCTL(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static void refused(void)
{
    static const int options[] = { PR_GET_UNALIGN, PR_SET_UNALIGN, PR_GET_FPEMU, PR_SET_FPEMU, PR_GET_FPEXC, PR_SET_FPEXC,
                                   PR_GET_ENDIAN, PR_SET_ENDIAN, PR_SET_FP_MODE, PR_GET_FP_MODE, PR_SVE_SET_VL,
                                   PR_SVE_GET_VL, PR_PAC_RESET_KEYS, PR_SET_TAGGED_ADDR_CTRL, PR_GET_TAGGED_ADDR_CTRL,
                                   PR_MPX_ENABLE_MANAGEMENT, PR_MPX_DISABLE_MANAGEMENT, 0, 1000, -1 };
    for (unsigned i = 0; i < sizeof options / sizeof *options; i++)
        show_result("refused", syscall(SYS_prctl, options[i], 0, 0, 0, 0));
    PRCTL(PR_SET_MM, PR_SET_MM_BRK, 0, 0, 1);
    PRCTL(PR_SET_MM, PR_SET_MM_BRK, 0, 1, 0);
    CALL(setresuid(1000, 1000, 1000));
    PRCTL(PR_SET_MM, PR_SET_MM_BRK, 0x10000, 0, 0);
    PRCTL(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
    PRCTL(PR_GET_IO_FLUSHER, 0, 0, 0, 0);
    PRCTL(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_ENABLE, 1, 0);
    PRCTL(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 1, 0, 0);
    PRCTL(PR_GET_SPECULATION_CTRL, 77, 0, 0, 0);
    PRCTL(PR_SET_SPECULATION_CTRL, 77, 0, 0, 0);
}

/* Whether the instruction then faults is not compared: not every hypervisor honours CR4.TSD. */
static void time_stamps(void)
{
    int mode = 0;
    PRCTL(PR_GET_TSC, &mode, 0, 0, 0);
    show("TSC", mode);
    PRCTL(PR_SET_TSC, 3, 0, 0, 0);
    PRCTL(PR_GET_TSC, bad, 0, 0, 0);
    PRCTL(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
    if (!fork()) {
        PRCTL(PR_GET_TSC, &mode, 0, 0, 0);
        show("child's TSC", mode);
        _exit(0);
    }
    wait(NULL);
    PRCTL(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0);
    show("counts", __builtin_ia32_rdtsc() != 0);
}

/* The parent of a process with a death signal ends. */
static void deaths(void)
{
    int ends[2], byte = 0;
    if (pipe(ends))
        return;
    pid_t middle = fork();
    if (!middle) {
        if (!fork()) {
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, SIGUSR2);
            sigprocmask(SIG_BLOCK, &set, NULL);
            prctl(PR_SET_PDEATHSIG, SIGUSR2);
            if (write(ends[1], "r", 1) != 1)
                _exit(1);
            siginfo_t info;
            show("signal", sigwaitinfo(&set, &info));
            show("code", info.si_code);
            _exit(write(ends[1], "e", 1) != 1);
        }
        if (read(ends[0], &byte, 1) != 1)
            _exit(1);
        _exit(0);
    }
    waitpid(middle, NULL, 0);
    close(ends[1]);
    show("end", read(ends[0], &byte, 1));
}

/* Orphans come to the nearest subreaper. */
static void orphans(void)
{
    int status, ends[2];
    char byte;
    if (pipe(ends))
        return;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    pid_t self = getpid();
    pid_t middle = fork();
    if (!middle) {
        int inherited = 0;
        prctl(PR_GET_CHILD_SUBREAPER, &inherited, 0, 0, 0);
        show("inherited", inherited);
        if (!fork()) {
            pid_t first = getppid();
            close(ends[1]);
            if (read(ends[0], &byte, 1) != 0)
                _exit(1);
            while (getppid() == first)
                usleep(1000);
            _exit(getppid() == self ? 42 : 43);
        }
        if (!fork())
            _exit(7); /* a zombie by the time its parent ends */
        usleep(20000);
        _exit(5);
    }
    waitpid(middle, &status, 0);
    show_status("middle", status);
    close(ends[0]);
    close(ends[1]);
    int sum = 0;
    for (int i = 0; i < 2; i++) {
        pid_t pid = wait(&status);
        sum += pid > 0 ? WEXITSTATUS(status) : 1000;
    }
    show("both orphans", sum);
    CALL(wait(&status));
}

static void personalities(void)
{
    CALL(personality(0xffffffff));
    CALL(personality(ADDR_NO_RANDOMIZE | 0x0020000));
    CALL(personality(0xffffffff));
    if (!fork()) {
        CALL(personality(0xffffffff));
        char text[16] = "";
        int fd = open("/proc/self/personality", O_RDONLY);
        show("read", read(fd, text, sizeof text));
        fputs(text, stdout);
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    CALL(personality(PER_LINUX));
}

static void architecture(void)
{
    unsigned long value = 0;
    CALL(syscall(SYS_arch_prctl, ARCH_GET_FS, bad));
    CALL(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x123456));
    CALL(syscall(SYS_arch_prctl, ARCH_GET_GS, &value));
    show("GS", (long)value);
    CALL(syscall(SYS_arch_prctl, ARCH_SET_GS, -1L));
    CALL(syscall(SYS_arch_prctl, ARCH_SET_FS, 0x7ffffffff000));
    CALL(syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0));
    CALL(syscall(SYS_arch_prctl, 0x1022, bad));
    CALL(syscall(SYS_arch_prctl, 0x1023, 1000));
    CALL(syscall(SYS_arch_prctl, 0x1023, 3));
    CALL(syscall(SYS_arch_prctl, 0x9999, 0));
    void *head;
    size_t size = 0;
    CALL(syscall(SYS_get_robust_list, 0, &head, &size));
    show("size", (long)size);
    CALL(syscall(SYS_get_robust_list, 0, bad, &size));
    CALL(syscall(SYS_get_robust_list, 0, &head, bad));
    CALL(syscall(SYS_get_robust_list, 0x3ffffff, &head, &size));
    CALL(syscall(SYS_get_robust_list, getppid(), &head, &size));
    CALL(setresuid(1000, 1000, 1000));
    CALL(syscall(SYS_get_robust_list, getppid(), &head, &size));
}

int main(void)
{
    in_child("simple", simple);
    in_child("refused", refused);
    in_child("time stamps", time_stamps);
    in_child("deaths", deaths);
    in_child("orphans", orphans);
    in_child("personalities", personalities);
    in_child("architecture", architecture);
    return 0;
}
