/* rseq(2): who may register what, the numbers, critical sections aborted by preemption and signals, and bad
 * data. */
/* flags: -pthread */
#include "guest.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/time.h>

#define UNREGISTER 1
#define AREA 32

struct area {
    uint32_t cpu_id_start, cpu_id;
    uint64_t section;
    uint32_t flags, node_id, rest[2];
};
struct section {
    uint32_t version, flags;
    uint64_t start_ip, post_commit_offset, abort_ip;
};
static struct area area __attribute__((aligned(32))), other __attribute__((aligned(32)));

static long rseq(void *at, unsigned length, int flags, unsigned signature)
{
    return syscall(SYS_rseq, at, length, flags, signature);
}

static struct area *of_libc(void)
{
    return (struct area *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static long leave_libc(void)
{
    return rseq(of_libc(), AREA, UNREGISTER, RSEQ_SIG);
}

static void libc(void)
{
    SHOW(__rseq_size >= 20);
    SHOW(of_libc()->cpu_id_start == of_libc()->cpu_id);
    SHOW(of_libc()->cpu_id < CPU_SETSIZE);
    SHOW(of_libc()->node_id == 0);
    SHOW(sched_getcpu() >= 0);
    CALL(rseq(of_libc(), AREA, 0, RSEQ_SIG));
    CALL(rseq(of_libc(), AREA, 0, 1));
    CALL(rseq(&area, AREA, 0, RSEQ_SIG));
    CALL(rseq(&area, AREA, UNREGISTER, RSEQ_SIG));
    CALL(rseq(of_libc(), AREA, UNREGISTER, 1));
    CALL(rseq(of_libc(), AREA, UNREGISTER | 2, RSEQ_SIG));
    CALL(rseq(of_libc(), 48, UNREGISTER, RSEQ_SIG));
    CALL(leave_libc());
    SHOW((int)of_libc()->cpu_id);
    SHOW((int)of_libc()->cpu_id_start);
    CALL(leave_libc());
    SHOW(sched_getcpu() >= 0); /* by getcpu(2) now */
}

static void registration(void)
{
    leave_libc();
    char *edge = pages(2, PROT_READ | PROT_WRITE);
    munmap(edge + PAGE, PAGE);
    CALL(rseq(&area, AREA, 2, 5));
    CALL(rseq(&area, AREA, -2, 5));
    CALL(rseq((char *)&area + 16, AREA, 0, 5));
    CALL(rseq(&area, 16, 0, 5));
    CALL(rseq(&area, 0, 0, 5));
    CALL(rseq((void *)0xffff800000000000, AREA, 0, 5));
    CALL(rseq((void *)0x7ffffffff000, AREA, 0, 5));
    CALL(rseq(edge + PAGE, AREA, 0, 5));
    CALL(rseq(NULL, AREA, 0, 5));
    area.section = 12345; /* of an earlier thread */
    CALL(rseq(&area, AREA, 0, 5));
    SHOW(area.section);
    SHOW(area.cpu_id < CPU_SETSIZE);
    CALL(rseq(&other, AREA, 0, 5));
    CALL(rseq(&area, AREA, 0, 5));
    CALL(rseq(&area, AREA, 0, 6));
    CALL(rseq(&area, AREA, UNREGISTER, 5));
    mprotect(edge, PAGE, PROT_READ);
    CALL(rseq(edge, AREA, UNREGISTER, 5));
}

/* --- critical sections: a loop that only its abort ends --- */

static struct section section;
static volatile unsigned long rounds, aborts;

/* Spins until aborted. */
static void spin(uint32_t version, uint32_t cs_flags, uint32_t area_flags, struct area *a)
{
    section.version = version;
    section.flags = cs_flags;
    a->flags = area_flags;
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "movq %%rax, %[start]\n\t"
                     "leaq 2f(%%rip), %%rcx\n\t"
                     "subq %%rax, %%rcx\n\t"
                     "movq %%rcx, %[length]\n\t"
                     "leaq 4f(%%rip), %%rax\n\t"
                     "movq %%rax, %[abort]\n\t"
                     "leaq %[section], %%rax\n\t"
                     "movq %%rax, %[pointer]\n\t"
                     "1:\n\t"
                     "incq %[rounds]\n\t"
                     "jmp 1b\n\t"
                     "2:\n\t"
                     "jmp 5f\n\t"
                     ".byte 0x0f, 0xb9, 0x3d\n\t" /* ud1 with the signature */
                     ".long 0x53053053\n\t"
                     "4:\n\t"
                     "incq %[aborts]\n\t"
                     "5:\n\t"
                     : [start] "=m"(section.start_ip), [length] "=m"(section.post_commit_offset),
                       [abort] "=m"(section.abort_ip), [rounds] "+m"(rounds), [aborts] "+m"(aborts),
                       [pointer] "=m"(a->section)
                     : [section] "m"(section)
                     : "rax", "rcx", "memory", "cc");
}

static void one_cpu(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/* A process that wants the same CPU. */
static pid_t rival(void)
{
    one_cpu();
    pid_t child = fork();
    if (child == 0)
        for (;;)
            rounds++;
    return child;
}

static void preempted(void)
{
    pid_t child = rival();
    for (int i = 0; i < 3; i++)
        spin(0, 0, 0, of_libc());
    kill(child, SIGKILL);
    SHOW(rounds > 0);
    SHOW(aborts);
    SHOW(of_libc()->section);
}

static volatile int in_handler_section_cleared = -1;

static void on_alarm(int signo)
{
    (void)signo;
    in_handler_section_cleared = of_libc()->section == 0;
}

static void signalled(void)
{
    struct sigaction action = { .sa_handler = on_alarm };
    struct itimerval soon = { .it_value.tv_usec = 5000 };
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    spin(0, 0, 0, of_libc());
    SHOW(aborts);
    if (in_handler_section_cleared < 0) /* something else came first */
        pause();
    SHOW(in_handler_section_cleared);
}

/* Outside of the section its pointer is just cleared. */
static void outside(void)
{
    section = (struct section){ 0, 7, 0x1000, 16, 0x2000 };
    pid_t child = fork();
    if (child == 0) {
        section.abort_ip = (uint64_t)(uintptr_t)&area + 4; /* data that has the signature in front */
        *(uint32_t *)&area = RSEQ_SIG;
        of_libc()->section = (uintptr_t)&section;
        raise(SIGCHLD); /* ignored: nothing is delivered */
        usleep(1000);   /* a switch */
        SHOW(of_libc()->section);
        exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    show_status("outside", status);
}

#define DIES(name, ...)                                                                \
    static void name(void)                                                             \
    {                                                                                  \
        one_cpu();                                                                     \
        section = (struct section){ 0, 0, (uintptr_t)&area, 0, (uintptr_t)&area + 8 }; \
        area.cpu_id = RSEQ_SIG;                                                        \
        __VA_ARGS__;                                                                   \
        usleep(1000);                                                                  \
        puts("lives");                                                                 \
    }
#define POINTS of_libc()->section = (uintptr_t)&section
DIES(good, section.abort_ip = (uintptr_t)&area + 8; POINTS)
DIES(kernel_pointer, of_libc()->section = 0xffff800000000000)
DIES(unmapped_pointer, of_libc()->section = 8)
DIES(wrong_version, section.version = 1; POINTS)
DIES(kernel_start, section.start_ip = UINT64_C(1) << 63; POINTS)
DIES(kernel_abort, section.abort_ip = UINT64_C(1) << 63; POINTS)
DIES(overflow, section.post_commit_offset = UINT64_MAX; POINTS)
DIES(abort_inside, section.post_commit_offset = 16; POINTS)
DIES(wrong_signature, area.cpu_id++; POINTS)
DIES(unmapped_signature, section.abort_ip = 0x1000; POINTS)
DIES(flags_elsewhere, section.flags = 1; POINTS)
DIES(read_only_area, {
    char *at = pages(1, PROT_READ | PROT_WRITE);
    leave_libc();
    rseq(at, AREA, 0, RSEQ_SIG);
    mprotect(at, PAGE, PROT_READ);
})
DIES(unmapped_area, {
    char *at = pages(1, PROT_READ | PROT_WRITE);
    leave_libc();
    rseq(at, AREA, 0, RSEQ_SIG);
    munmap(at, PAGE);
})

static void section_flags(void)
{
    pid_t child = rival();
    show("rival", child > 0);
    if (fork() == 0) {
        spin(0, 1, 0, of_libc());
        puts("aborted");
        exit(0);
    }
    int status;
    wait(&status);
    show_status("section's flags", status);
    if (fork() == 0) {
        spin(0, 0, 4, of_libc());
        puts("aborted");
        exit(0);
    }
    wait(&status);
    show_status("area's flags", status);
    kill(child, SIGKILL);
}

static void on_segv(int signo, siginfo_t *info, void *context)
{
    (void)context;
    SHOW(signo);
    SHOW(info->si_code);
    SHOW(info->si_addr != NULL);
    of_libc()->section = 0;
    _exit(7);
}

static void handled(void)
{
    struct sigaction action = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    of_libc()->section = 8;
    usleep(1000);
    puts("lives");
}

/* --- who has a registration --- */

static int raw_child(void *unused)
{
    (void)unused;
    show_result("in CLONE_VM child", syscall(SYS_rseq, &other, AREA, 0, RSEQ_SIG));
    return 0;
}

static void inheritance(void)
{
    int status;
    if (fork() == 0) {
        CALL(rseq(of_libc(), AREA, 0, RSEQ_SIG));
        exit(0);
    }
    wait(NULL);
    static char stack[65536] __attribute__((aligned(16)));
    pid_t child = clone(raw_child, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    waitpid(child, &status, 0);
    show_status("CLONE_VM", status);
    CALL(rseq(of_libc(), AREA, 0, RSEQ_SIG));
}

static void *thread(void *unused)
{
    CALL(rseq(of_libc(), AREA, 0, RSEQ_SIG));
    SHOW(of_libc()->cpu_id < CPU_SETSIZE);
    return unused;
}

static void barriers(void)
{
    CALL((syscall(SYS_membarrier, 0, 0, 0) & 0x1ff) == 0x1ff);
    CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0));
    CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 1, 0));
    CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0));
    CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0));
    CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 1, 0));
    CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 1, 99999));
    CALL(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 2, 0));
}

static void in_child(const char *name, void (*body)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        body();
        exit(0);
    }
    waitpid(child, &status, 0);
    show_status(name, status);
}
#define IN_CHILD(body) in_child(#body, body)

int main(int argc, char **argv)
{
    struct rlimit no_core = { 0, 0 };
    pthread_t other_thread;
    (void)argv;
    setrlimit(RLIMIT_CORE, &no_core);
    if (argc > 1) { /* after exec libc registered anew */
        CALL(rseq(of_libc(), AREA, 0, RSEQ_SIG));
        return 0;
    }
    IN_CHILD(libc);
    IN_CHILD(registration);
    IN_CHILD(preempted);
    IN_CHILD(signalled);
    outside();
    IN_CHILD(good);
    IN_CHILD(kernel_pointer);
    IN_CHILD(unmapped_pointer);
    IN_CHILD(wrong_version);
    IN_CHILD(kernel_start);
    IN_CHILD(kernel_abort);
    IN_CHILD(overflow);
    IN_CHILD(abort_inside);
    IN_CHILD(wrong_signature);
    IN_CHILD(unmapped_signature);
    IN_CHILD(flags_elsewhere);
    IN_CHILD(read_only_area);
    IN_CHILD(unmapped_area);
    IN_CHILD(section_flags);
    IN_CHILD(handled);
    IN_CHILD(inheritance);
    pthread_create(&other_thread, NULL, thread, NULL);
    pthread_join(other_thread, NULL);
    IN_CHILD(barriers);
    char *arguments[] = { "rseq", "again", NULL };
    execv("/proc/self/exe", arguments);
    return 1;
}
