/* Writes through a shared mapping of the file named by the first argument, calls msync if the
 * second is "sync", says so, and waits for its input to end: the caller looks at the file. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char byte;
    int fd = argc > 2 ? open(argv[1], O_RDWR) : -1;
    char *map = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return 1;
    memcpy(map, "changed", 7);
    if (!strcmp(argv[2], "sync") && msync(map, 4096, MS_SYNC))
        return 2;
    puts("written");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    return 0;
}
