/* Children that die by each fault and signal, with the default action: the wait status. */
#include "guest.h"

static volatile int *volatile bad = (volatile int *)8;

static void die(int how)
{
    switch (how) {
    case 0: *bad = 1; break;
    case 1: __builtin_trap();
    case 2: __asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; mov $1, %%eax; div %%ecx" ::: "eax", "ecx", "edx"); break;
    case 3: __asm__ volatile("hlt"); break;
    case 4: __asm__ volatile("int3"); break;
    case 5: abort();
    case 6: { sigset_t all; sigfillset(&all); sigprocmask(SIG_BLOCK, &all, NULL); *bad = 1; } break;
    case 7: signal(SIGSEGV, SIG_IGN); *bad = 1; break;
    case 8: __asm__ volatile("mov $0, %rsp; push %rax"); break;
    case 9: { char *p = alloca(64 << 20); *(volatile char *)p = 1; } break;
    }
}

int main(void)
{
    for (int how = 0; how < 10; how++) {
        pid_t child = fork();
        if (!child) {
            die(how);
            _exit(77);
        }
        int status;
        waitpid(child, &status, 0);
        printf("%d: ", how);
        show_status("death", status & ~0x80); /* whether a core was dumped depends on limits */
    }
    for (int signo = 1; signo <= 64; signo++) {
        if (signo == 32 || signo == 33 || signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU)
            continue;
        pid_t child = fork();
        if (!child) {
            signal(signo, SIG_DFL); /* the parent of the test may ignore some */
            raise(signo);
            _exit(7);
        }
        int status;
        waitpid(child, &status, 0);
        printf("signal %d: ", signo);
        show_status("status", status & ~0x80);
    }
    return 0;
}
