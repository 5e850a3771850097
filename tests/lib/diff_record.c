/* What a whole program of differential tests did, in its children too: how many host runs were
 * disturbed and repeated, and how many cases the host could not run. It decides the exit status. */
#include "diff_sides.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Check runs every test in a child of its own: the memory is shared with those to come. */
struct diff_record *diff_record(void)
{
    static struct diff_record *record;
    if (record)
        return record;
    void *memory = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("differential: mmap");
        exit(1);
    }
    record = memory;
    return record;
}

/* An interrupt meets few of the runs, on a busy machine too. */
#define DISTURBED_AT_FIRST 50
#define RUNS_FOR_ONE_DISTURBED 2000

bool diff_host_is_flaky(void)
{
    const struct diff_record *r = diff_record();
    return r->disturbed > DISTURBED_AT_FIRST + r->runs / RUNS_FOR_ONE_DISTURBED;
}

void diff_print_record(void)
{
    const struct diff_record *r = diff_record();
    if (r->disturbed)
        printf("%" PRIu64 " disturbed host runs of %" PRIu64 " were repeated\n", r->disturbed, r->runs);
    if (diff_host_is_flaky())
        puts("the host is no oracle: it gives different results for the same case too often");
    if (r->alone)
        printf("%" PRIu64 " 32-bit cases were run by Ringfort alone: %s\n", r->alone,
               diff_host32_lacks() ? diff_host32_lacks() : "unknown");
    fflush(stdout);
}

int diff_end(int status)
{
    diff_print_record();
    return status == EXIT_SUCCESS && diff_record()->alone && !DIFF_NO_HOST32 ? 77 : status;
}
