/* Naive recursion: calls, returns and the stack. The count is how often fib(27) is computed. */
#include "bench.h"

static __attribute__((noinline, noipa)) uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 1500);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum = bench_mix(sum, fib(27));
    return bench_report(sum);
}
