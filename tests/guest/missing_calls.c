/* Makes the system calls whose numbers are given, with zeroes, and prints those that do not fail
 * with ENOSYS. Only for Ringfort: check_machine gives it what is not implemented. */
#include "guest.h"

int main(int argc, char **argv)
{
    int others = 0;
    for (int i = 1; i < argc; i++) {
        long result = syscall(atol(argv[i]), 0, 0, 0, 0, 0, 0);
        if (result == -1 && errno == ENOSYS)
            continue;
        printf("%s: result %ld, error %d\n", argv[i], result, errno);
        others++;
    }
    return others > 255 ? 255 : others;
}
