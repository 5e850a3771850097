/* What the guest programs about sockets share. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include "guest.h"

#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <linux/sockios.h>

#ifndef SO_PEEK_OFF
#define SO_PEEK_OFF 42
#endif

/* As expressions, so that several can stand in one line. */
#undef CALL
#define CALL(expression) (errno = 0, show_result(#expression, (long)(expression)))

#define BAD ((void *)8)
#define HUGE_POINTER ((void *)0xffff800000000000ul)

static char buffer[65536];
static volatile int pipe_signals;

static inline void on_signal(int signo)
{
    if (signo == SIGPIPE)
        pipe_signals++;
}

static inline void prepare(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
}

static inline void show_bytes(int count)
{
    printf("  '%.*s'\n", count, buffer);
    fflush(stdout);
}

/* Ready events, of all that can be asked for. */
static inline int poll_now(int fd)
{
    struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLWRBAND, 0 };
    return poll(&p, 1, 0) < 0 ? -1 : (unsigned short)p.revents;
}

static inline int option(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &size) ? -1 : value;
}

static inline int set_option(int fd, int name, int value)
{
    return setsockopt(fd, SOL_SOCKET, name, &value, sizeof value);
}

static struct sockaddr_un address = { .sun_family = AF_UNIX };
#define ADDRESS ((struct sockaddr *)&address)

/* An abstract name that other runs of the program do not have: its length with the family. */
static inline socklen_t abstract(const char *name)
{
    memset(address.sun_path, 0, sizeof address.sun_path);
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s-%08d", name, (int)getpid());
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

static inline socklen_t path_name(const char *path)
{
    memset(address.sun_path, 0, sizeof address.sun_path);
    memcpy(address.sun_path, path, strnlen(path, sizeof address.sun_path));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strnlen(path, sizeof address.sun_path) + 1);
}

/* Without what differs between runs: the process id at the end of abstract names. */
static inline void show_name(const struct sockaddr_un *un, socklen_t size)
{
    if (size <= offsetof(struct sockaddr_un, sun_path)) {
        printf("  name: %u bytes, family %d\n", size, size >= 2 ? un->sun_family : -1);
    } else if (un->sun_path[0]) {
        printf("  name: %u bytes, path %s\n", size, un->sun_path);
    } else {
        int length = (int)(size - offsetof(struct sockaddr_un, sun_path) - 1), shown = length;
        for (int i = 0; i < length; i++)
            if (un->sun_path[1 + i] == '-' && un->sun_path[2 + i] >= '0' && un->sun_path[2 + i] <= '9')
                shown = i;
        printf("  name: abstract %.*s\n", shown, un->sun_path + 1);
    }
    fflush(stdout);
}

#endif
