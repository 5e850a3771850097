/* Privileged code gone wild: random descriptor tables, page tables, MSRs, control registers and
 * instruction bytes at every privilege. The host must survive, every run must end, the CPU must
 * stay in a state that the architecture has, and the same seed must end in the same state.
 *
 *     fuzz-privileged [--seconds N] [--seed N] [--lives N]
 *
 * A life is one machine and some runs of it. A child process runs them, so that the parent can
 * tell the seed of the one that killed it. */
#include "fuzz_machine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HANG_SECONDS 60
#define TWICE_EVERY 16 /* lives of which one is lived again */

struct options {
    unsigned seconds;
    uint64_t seed, lives; /* lives 0: until the time is over */
};

/* What the child tells its parent. */
struct progress {
    volatile uint64_t seed, lives, runs, instructions, exceptions[32], triple_faults;
};

static uint64_t now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

static void live(struct progress *p, uint64_t seed)
{
    struct fuzz_result first, second;
    p->seed = seed;
    alarm(HANG_SECONDS);
    fuzz_life(seed, &first);
    if (seed % TWICE_EVERY == 0) {
        fuzz_life(seed, &second);
        if (first.hash != second.hash) {
            fprintf(stderr, "two lives of one seed differ\n");
            abort();
        }
    }
    p->lives++;
    p->runs += first.runs;
    p->instructions += first.instructions;
    p->triple_faults += first.triple_faults;
    for (unsigned i = 0; i < 32; i++)
        p->exceptions[i] += first.exceptions[i];
}

static void run_child(const struct options *o, struct progress *p)
{
    const uint64_t end = now_seconds() + o->seconds;
    for (uint64_t i = 0; o->lives ? i < o->lives : now_seconds() < end; i++)
        live(p, o->seed + i);
}

static void report(const struct progress *p)
{
    printf("%lu lives, %lu runs, %lu instructions, %lu triple faults; exceptions:", (unsigned long)p->lives,
           (unsigned long)p->runs, (unsigned long)p->instructions, (unsigned long)p->triple_faults);
    for (unsigned i = 0; i < 32; i++)
        if (p->exceptions[i])
            printf(" %s %lu", rf_vector_name(i), (unsigned long)p->exceptions[i]);
    printf("\n");
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

int main(int argc, char **argv)
{
    struct options options = { .seconds = 10, .seed = 1 };
    if (!parse(argc, argv, &options)) {
        fprintf(stderr, "usage: fuzz-privileged [--seconds N] [--seed N] [--lives N]\n");
        return 2;
    }
    struct progress *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return perror("mmap"), 2;
    pid_t child = fork();
    if (child == 0) {
        run_child(&options, p);
        exit(0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    report(p);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && p->lives)
        return 0;
    printf("FAILED: seed %lu %s; again: fuzz-privileged --lives 1 --seed %lu\n", (unsigned long)p->seed,
           WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "did not end" : "died", (unsigned long)p->seed);
    return 1;
}
