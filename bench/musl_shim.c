/* The few names that Debian's static libraries were compiled against glibc to expect and that musl
 * does not have, so that the library benchmarks can also be linked with musl. Each does what its
 * plain counterpart does; the *_chk ones keep the bound that they exist for. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__memcpy_chk(void *to, const void *from, size_t size, size_t room);
void *__memset_chk(void *to, int byte, size_t size, size_t room);
int __snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...);
int __fprintf_chk(FILE *to, int flag, const char *format, ...);
int fcntl64(int fd, int command, ...);
_Noreturn void __longjmp_chk(jmp_buf where, int value);

static void keep_bound(size_t size, size_t room)
{
    if (size > room)
        abort();
}

void *__memcpy_chk(void *to, const void *from, size_t size, size_t room)
{
    keep_bound(size, room);
    return memcpy(to, from, size);
}

void *__memset_chk(void *to, int byte, size_t size, size_t room)
{
    keep_bound(size, room);
    return memset(to, byte, size);
}

int __snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...)
{
    va_list arguments;
    (void)flag;
    keep_bound(size, room);
    va_start(arguments, format);
    int length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length;
}

int __fprintf_chk(FILE *to, int flag, const char *format, ...)
{
    va_list arguments;
    (void)flag;
    va_start(arguments, format);
    int length = vfprintf(to, format, arguments);
    va_end(arguments);
    return length;
}

/* The check is that the jump goes up the stack: longjmp itself is the same. */
_Noreturn void __longjmp_chk(jmp_buf where, int value)
{
    longjmp(where, value);
}

/* Every command's argument fits a long. */
int fcntl64(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return fcntl(fd, command, argument);
}
