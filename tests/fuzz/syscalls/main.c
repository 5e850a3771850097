/* System calls gone wild: machines whose program (tests/guest/fuzz_calls.c) makes random calls. The host must
 * survive, every run must end, two runs of one seed must be the same, and a kernel that is taken down, be it
 * in the middle of everything, must give every object back.
 *
 *     fuzz-syscalls [--seconds N] [--seed N] [--lives N]
 *
 * A life is one machine, lived twice. A child process runs them, so that the parent can tell the seed of the
 * one that killed it. The guest programs are those of $GUEST, or beside the build of this program. */
#include "kernel/start.h"
#include "machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HANG_SECONDS 120

struct options {
    unsigned seconds;
    uint64_t seed, lives; /* lives 0: until the time is over */
    const char *program;
};

/* What the child tells its parent. */
struct progress {
    volatile uint64_t seed, lives, calls, limits, ends[RF_MACHINE_CRASHED + 1];
};

/* How a life ended. */
struct outcome {
    uint64_t cycles, calls, output;
    rf_stop_reason reason;
};

static FILE *errors; /* standard error is the guest's */

static uint64_t now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

static void die(const char *what, const char *why)
{
    fprintf(errors, "%s: %s\n", what, why);
    abort();
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Standard output and error of the guest: a file without a name, empty again. */
static void start_output(int fd)
{
    if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        die("output", strerror(errno));
}

static uint64_t hash_output(int fd)
{
    uint8_t bytes[4096];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    ssize_t got;
    for (off_t at = 0; at < 1 << 20 && (got = pread(fd, bytes, sizeof bytes, at)) > 0; at += got)
        for (ssize_t i = 0; i < got; i++)
            hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static rf_machine *make(const struct options *o, uint64_t seed)
{
    static const uint64_t memories[] = { 16, 64, 64, 256 };
    uint64_t dice = mix(seed);
    const rf_machine_config config = {
        .memory = memories[dice % 4] << 20,
        .max_cycles = dice >> 8 & 1 ? UINT64_C(4000000000) : 1000000 + (dice >> 16 & 0xfffffff),
        .seed = seed,
        .uid = dice >> 9 & 1 ? 1000 : 0,
        .gid = dice >> 9 & 1 ? 1000 : 0,
    };
    char number[32];
    const char *argv[] = { "fuzz_calls", number, NULL };
    rf_machine *m;
    snprintf(number, sizeof number, "%llu", (unsigned long long)mix(seed + 1));
    if (rf_machine_create(&config, &m))
        die("create", rf_create_error_text());
    if (rf_machine_mount(m, o->program, "/fuzz_calls", false) || rf_machine_start(m, "/fuzz_calls", argv, NULL, NULL))
        die("start", rf_error_text(m));
    return m;
}

/* In some lives the kernel's heap is soon full: every allocation may fail then. */
static size_t shrink_heap(rf_machine *m, uint64_t seed)
{
    size_t whole = m->kernel.heap.size;
    uint64_t dice = mix(seed + 2);
    if (dice % 3 == 0)
        m->kernel.heap.size = m->kernel.heap.used + (size_t)(dice >> 8 & 0x3ffff);
    return whole;
}

static void live_once(const struct options *o, uint64_t seed, int output, struct outcome *out)
{
    rf_stats stats;
    start_output(output);
    rf_machine *m = make(o, seed);
    size_t heap = shrink_heap(m, seed);
    if (rf_machine_run(m, &out->reason))
        die("run", rf_error_text(m));
    /* whatever programs do, the kernel goes on; running out of memory is told as a stop, too */
    if (out->reason == RF_MACHINE_CRASHED)
        die("crashed", rf_error_text(m));
    rf_machine_stats(m, &stats);
    out->cycles = stats.cycles;
    out->calls = stats.syscall_calls;
    out->output = hash_output(output);
    m->kernel.heap.size = heap;
    size_t leaks = rf_kernel_leaks(&m->kernel);
    if (leaks) {
        fprintf(errors, "%zu objects or frames leaked\n", leaks);
        abort();
    }
    rf_machine_destroy(m);
}

static void live(const struct options *o, struct progress *p, uint64_t seed, int output)
{
    struct outcome first, second;
    p->seed = seed;
    alarm(HANG_SECONDS);
    live_once(o, seed, output, &first);
    live_once(o, seed, output, &second);
    if (first.cycles != second.cycles || first.output != second.output || first.reason != second.reason) {
        fprintf(errors, "two lives of one seed differ: %llu and %llu cycles\n", (unsigned long long)first.cycles,
                (unsigned long long)second.cycles);
        abort();
    }
    p->lives++;
    p->calls += first.calls;
    p->ends[first.reason]++;
}

/* Reports of the sanitizers go where ours go. */
void __sanitizer_set_report_fd(void *fd) __attribute__((weak));

static void run_child(const struct options *o, struct progress *p, int output)
{
    const uint64_t end = now_seconds() + o->seconds;
    int null = open("/dev/null", O_RDONLY), saved = dup(2);
    errors = fdopen(saved, "w");
    if (null < 0 || !errors || dup2(null, 0) < 0)
        exit(2);
    setvbuf(errors, NULL, _IONBF, 0);
    if (__sanitizer_set_report_fd)
        __sanitizer_set_report_fd((void *)(uintptr_t)saved);
    for (uint64_t i = 0; o->lives ? i < o->lives : now_seconds() < end; i++)
        live(o, p, o->seed + i, output);
}

/* The last that was written to standard error: the undefined behaviour sanitizer's report among it. */
static void show_end(int output)
{
    char bytes[8192];
    off_t size = lseek(output, 0, SEEK_END);
    ssize_t got = pread(output, bytes, sizeof bytes, size > (off_t)sizeof bytes ? size - (off_t)sizeof bytes : 0);
    if (got > 0)
        fwrite(bytes, 1, (size_t)got, stdout);
    putchar('\n');
}

static bool parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 0);
        if (!strcmp(argv[i], "--seconds"))
            o->seconds = (unsigned)value;
        else if (!strcmp(argv[i], "--seed"))
            o->seed = value;
        else if (!strcmp(argv[i], "--lives"))
            o->lives = value;
        else
            return false;
    }
    return argc % 2;
}

/* The guest program: of $GUEST, or of the folder guest beside tests/. */
static char *find_program(void)
{
    static char path[4096];
    const char *folder = getenv("GUEST");
    if (folder) {
        snprintf(path, sizeof path, "%s/fuzz_calls", folder);
        return path;
    }
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    for (int up = 0; up < 2 && length > 0; up++)
        while (length > 0 && path[--length] != '/')
            ;
    snprintf(path + (length > 0 ? length : 0), 64, "/guest/fuzz_calls");
    return path;
}

int main(int argc, char **argv)
{
    struct options options = { .seconds = 10, .seed = 1, .program = find_program() };
    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: fuzz-syscalls [--seconds N] [--seed N] [--lives N]\n");
        return 2;
    }
    struct progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return perror("mmap"), 2;
    int output = memfd_create("output", 0);
    if (output < 0)
        return perror("memfd_create"), 2;
    pid_t child = fork();
    if (child == 0) {
        run_child(&options, p, output);
        exit(0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    printf("%lu lives, %lu system calls; %lu ended, %lu reached their limit, %lu deadlocks\n",
           (unsigned long)p->lives, (unsigned long)p->calls, (unsigned long)p->ends[RF_MACHINE_EXITED],
           (unsigned long)p->ends[RF_MACHINE_LIMIT], (unsigned long)p->ends[RF_MACHINE_DEADLOCK]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && p->lives)
        return 0;
    show_end(output);
    printf("FAILED: seed %lu %s; again: fuzz-syscalls --lives 1 --seed %lu\n", (unsigned long)p->seed,
           WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "did not end" : "died", (unsigned long)p->seed);
    return 1;
}
