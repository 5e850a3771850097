/* The cheapest system call, over and over: what crossing into the kernel costs. The count is the
 * number of calls. */
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 1000000);
    long parent = syscall(SYS_getppid);
    uint64_t same = 0;
    for (uint64_t i = 0; i < count; i++)
        same += syscall(SYS_getppid) == parent;
    return bench_report(same);
}
