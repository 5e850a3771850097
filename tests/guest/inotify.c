/* inotify: which events come, in which order, for what is done to a watched directory and to watched files. */
#include "directory.h"
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

static int watcher;
static uint32_t last_cookie;
static void *volatile bad = (void *)8;
static volatile int minus_one = -1;

static void name_mask(uint32_t mask)
{
    static const struct { uint32_t bit; const char *name; } names[] = {
        { IN_ACCESS, "ACCESS" }, { IN_MODIFY, "MODIFY" }, { IN_ATTRIB, "ATTRIB" }, { IN_CLOSE_WRITE, "CLOSE_WRITE" },
        { IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" }, { IN_OPEN, "OPEN" }, { IN_MOVED_FROM, "MOVED_FROM" },
        { IN_MOVED_TO, "MOVED_TO" }, { IN_CREATE, "CREATE" }, { IN_DELETE, "DELETE" }, { IN_DELETE_SELF, "DELETE_SELF" },
        { IN_MOVE_SELF, "MOVE_SELF" }, { IN_UNMOUNT, "UNMOUNT" }, { IN_Q_OVERFLOW, "OVERFLOW" }, { IN_IGNORED, "IGNORED" },
        { IN_ISDIR, "ISDIR" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (mask & names[i].bit)
            printf(" %s", names[i].name);
}

/* What has come, since the last time. */
static void told(const char *what)
{
    static char buffer[65536] __attribute__((aligned(8)));
    printf("-- %s\n", what);
    for (;;) {
        long n = read(watcher, buffer, sizeof buffer);
        if (n <= 0)
            break;
        for (long at = 0; at < n;) {
            const struct inotify_event *e = (const void *)(buffer + at);
            printf("%d:", e->wd);
            name_mask(e->mask);
            if (e->cookie)
                printf(" cookie %s", e->cookie == last_cookie ? "same" : "new");
            if (e->cookie)
                last_cookie = e->cookie;
            printf(" len %u '%s'\n", e->len, e->len ? e->name : "");
            at += (long)sizeof *e + e->len;
        }
    }
    fflush(stdout);
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (write(fd, text, strlen(text)) < 0)
        perror(path);
    close(fd);
}

static void refusals(void)
{
    CALL(inotify_init1(0x40));
    CALL(inotify_add_watch(watcher, ".", 0));
    CALL(inotify_add_watch(watcher, ".", 0x10000));
    CALL(inotify_add_watch(watcher, "none", IN_ALL_EVENTS));
    CALL(inotify_add_watch(watcher, "", IN_ALL_EVENTS));
    CALL(inotify_add_watch(watcher, bad, IN_ALL_EVENTS));
    CALL(inotify_add_watch(minus_one, ".", IN_ALL_EVENTS));
    CALL(inotify_add_watch(0, ".", IN_ALL_EVENTS));
    CALL(inotify_add_watch(watcher, ".", IN_MASK_ADD | IN_MASK_CREATE | IN_OPEN));
    CALL(inotify_rm_watch(watcher, 7));
    CALL(inotify_rm_watch(minus_one, 1));
    CALL(inotify_rm_watch(0, 1));
    char byte;
    CALL(read(watcher, &byte, 1));
    CALL(write(watcher, &byte, 1));
    put("file", "x");
    CALL(inotify_add_watch(watcher, "file", IN_OPEN | IN_ONLYDIR));
}

static void directory(void)
{
    CALL(inotify_add_watch(watcher, ".", IN_ALL_EVENTS));
    put("new", "text");
    told("a file is made");
    put("new", "longer text");
    told("it is written again");
    char byte;
    int fd = open("new", O_RDONLY);
    read(fd, &byte, 1);
    read(fd, &byte, 1);
    close(fd);
    told("read twice");
    chmod("new", 0600);
    chown("new", 0, 0);
    told("chmod and chown");
    utimensat(AT_FDCWD, "new", NULL, 0);
    truncate("new", 3);
    told("times and size");
    setxattr("new", "user.x", "1", 1, 0);
    removexattr("new", "user.x");
    told("attributes");
    link("new", "linked");
    told("link");
    symlink("new", "symbolic");
    mkfifo("fifo", 0600);
    mkdir("dir", 0700);
    told("others are made");
    rename("new", "renamed");
    told("rename");
    rename("renamed", "linked");
    told("to another of its names");
    rename("renamed", "dir/moved");
    told("moved away");
    rename("dir/moved", "back");
    told("moved back");
    renameat2(AT_FDCWD, "back", AT_FDCWD, "linked", 2);
    told("exchange");
    unlink("linked");
    unlink("symbolic");
    unlink("fifo");
    rmdir("dir");
    told("removed");
    access("back", R_OK);
    struct stat st;
    stat("back", &st);
    told("only looked at");
    fd = open("back", O_PATH);
    close(fd);
    told("opened as a path");
    fd = open(".", O_RDONLY | O_DIRECTORY);
    char entries[512];
    syscall(SYS_getdents64, fd, entries, sizeof entries);
    close(fd);
    told("the directory is read");
}

static void files(void)
{
    int pending = 0;
    put("watched", "x");
    put("other", "y");
    told("made");
    CALL(inotify_add_watch(watcher, "watched", IN_ALL_EVENTS));
    CALL(inotify_add_watch(watcher, "watched", IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF));
    CALL(inotify_add_watch(watcher, "watched", IN_OPEN | IN_MASK_ADD));
    CALL(inotify_add_watch(watcher, "watched", IN_OPEN | IN_MASK_CREATE));
    int fd = open("watched", O_RDWR);
    told("opened");
    CALL(ioctl(watcher, FIONREAD, &pending));
    SHOW(pending);
    chmod("watched", 0600);
    CALL(ioctl(watcher, FIONREAD, &pending));
    SHOW(pending);
    struct pollfd p = { watcher, POLLIN, 0 };
    CALL(poll(&p, 1, 0));
    told("chmod");
    CALL(poll(&p, 1, 0));
    rename("watched", "elsewhere");
    told("renamed");
    unlink("elsewhere");
    told("unlinked while open");
    fchmod(fd, 0640);
    told("changed without a name");
    close(fd);
    told("closed");
    CALL(inotify_add_watch(watcher, "other", IN_ALL_EVENTS));
    rename("back", "other");
    told("replaced");
    CALL(inotify_add_watch(watcher, "other", IN_OPEN | IN_ONESHOT));
    close(open("other", O_RDONLY));
    told("one shot");
    close(open("other", O_RDONLY));
    told("no more");
}

static void ends(void)
{
    mkdir("d", 0755);
    int wd = inotify_add_watch(watcher, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK);
    told("watched");
    int fd = open("d/f", O_RDWR | O_CREAT, 0600);
    told("a file in it");
    unlink("d/f");
    told("unlinked");
    CALL(write(fd, "x", 1));
    close(fd);
    told("written without a name");
    rmdir("d");
    told("the directory goes");
    CALL(inotify_rm_watch(watcher, wd));
    mkdir("e", 0755);
    wd = inotify_add_watch(watcher, "e", IN_CREATE);
    CALL(inotify_rm_watch(watcher, wd));
    put("e/x", "x");
    told("no longer watched");
    for (int i = 0; i < 3; i++)
        chmod("e", 0700); /* the same three times: one event */
    told("repeated");
    char small[20];
    chmod("e", 0701);
    CALL(read(watcher, small, sizeof small));
    told("left");
}

int main(int argc, char **argv)
{
    directory_enter(argc, argv);
    watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    SHOW(watcher > 0);
    refusals();
    directory();
    files();
    ends();
    CALL(close(watcher));
    directory_leave();
    return 0;
}
