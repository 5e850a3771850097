/* Attributes on one file system: modes, owners, times, statx, extended attributes, as root and as others. */
#include "directory.h"
#include <sys/xattr.h>
#include <sys/statfs.h>
#include <time.h>

static void make(const char *name, mode_t mode)
{
    int fd = open(name, O_RDWR | O_CREAT, mode);
    if (fd < 0)
        printf("%s: error %d\n", name, errno);
    close(fd);
}

static void owner(const char *path)
{
    struct stat st;
    if (lstat(path, &st))
        printf("%s: error %d\n", path, errno);
    else
        printf("%s: %o %u:%u size %ld\n", path, st.st_mode, st.st_uid, st.st_gid, S_ISREG(st.st_mode) ? (long)st.st_size : -1);
    fflush(stdout);
}

static void as(unsigned uid, void (*what)(void))
{
    fflush(stdout);
    if (fork() == 0) {
        if (setgid(uid) || setuid(uid))
            puts("cannot become another");
        what();
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void modes(void)
{
    make("m", 0666);
    owner("m");
    CALL(chmod("m", 07777));
    owner("m");
    CALL(chown("m", 1000, 1001));
    owner("m");
    CALL(chmod("m", 06770));
    CALL(chown("m", -1, -1));
    owner("m");
    CALL(chown("m", -1, 1000));
    owner("m");
    CALL(mkdir("dir", 02777));
    CALL(chmod("dir", 02777));
    CALL(chown("dir", 0, 55));
    make("dir/in", 0666);
    owner("dir/in");
    CALL(mkdir("dir/sub", 0777));
    owner("dir/sub");
    CALL(symlink("m", "link"));
    CALL(lchown("link", 5, 6));
    owner("link");
    owner("m");
    CALL(fchmodat(AT_FDCWD, "link", 0600, 0));
    owner("m");
    CALL(chmod("none", 0600));
    CALL(chown("none", 0, 0));
    int fd = open("m", O_RDONLY);
    CALL(fchmod(fd, 04711));
    CALL(fchown(fd, 1000, 1000));
    owner("m");
    close(fd);
    fd = open("m", O_PATH);
    CALL(fchmod(fd, 0600));
    CALL(fchownat(fd, "", 7, 7, AT_EMPTY_PATH));
    owner("m");
    close(fd);
}

static void by_owner(void)
{
    CALL(chmod("own", 06755));
    owner("own");
    CALL(chown("own", 2000, -1));
    CALL(chown("own", -1, 2000));
    CALL(chown("own", 1000, 1000));
    owner("own");
    CALL(chmod("own", 06777));
    int fd = open("own", O_WRONLY);
    CALL(write(fd, "x", 1));
    owner("own");
    CALL(chmod("own", 02767)); /* setgid without group execute stays */
    CALL(write(fd, "x", 1));
    owner("own");
    CALL(chmod("own", 06777));
    CALL(ftruncate(fd, 0));
    owner("own");
    close(fd);
    CALL(chmod("shared", 0600));
    CALL(open("shared", O_RDONLY));
    CALL(unlink("sticky/other"));
    CALL(rename("sticky/other", "sticky/x"));
    CALL(unlink("sticky/mine"));
    CALL(chmod("group", 02755));
    owner("group");
    CALL(utimensat(AT_FDCWD, "shared", NULL, 0));
    CALL(setxattr("own", "user.a", "1", 1, 0));
    CALL(setxattr("own", "trusted.a", "1", 1, 0));
    CALL(setxattr("own", "security.a", "1", 1, 0));
    CALL(getxattr("own", "trusted.a", NULL, 0));
    CALL(setxattr("shared", "user.a", "1", 1, 0));
    CALL(access("own", X_OK));
    CALL(open("own", O_RDONLY | O_NOATIME) >= 0);
    CALL(open("/", O_RDONLY | O_NOATIME));
}

static void others(void)
{
    make("own", 0600);
    CALL(chown("own", 1000, 1000));
    make("shared", 0600);
    CALL(mkdir("sticky", 0777));
    CALL(chmod("sticky", 01777));
    make("sticky/other", 0666);
    make("sticky/mine", 0666);
    CALL(chown("sticky/mine", 1000, 1000));
    make("group", 0666);
    CALL(chown("group", 1000, 77));
    CALL(chmod(".", 0755));
    as(1000, by_owner);
}

static void show_time(const char *what, struct timespec t)
{
    printf("%s: %ld.%09ld\n", what, (long)t.tv_sec, t.tv_nsec);
}

static void times(void)
{
    struct timespec set[2] = { { 1000000000, 123456789 }, { 1700000000, 987654321 } };
    struct stat st, after;
    make("t", 0644);
    CALL(utimensat(AT_FDCWD, "t", set, 0));
    stat("t", &st);
    show_time("atime", st.st_atim);
    show_time("mtime", st.st_mtim);
    set[0].tv_nsec = UTIME_OMIT;
    set[1].tv_sec = -1;
    set[1].tv_nsec = 5;
    CALL(utimensat(AT_FDCWD, "t", set, 0));
    stat("t", &st);
    show_time("atime", st.st_atim);
    show_time("mtime", st.st_mtim);
    set[1].tv_nsec = 1000000000;
    CALL(utimensat(AT_FDCWD, "t", set, 0));
    set[0].tv_nsec = set[1].tv_nsec = UTIME_OMIT;
    CALL(utimensat(AT_FDCWD, "none", set, 0));
    set[0].tv_nsec = set[1].tv_nsec = UTIME_NOW;
    CALL(utimensat(AT_FDCWD, "t", set, 0));
    CALL(utimensat(AT_FDCWD, "none", set, 0));
    CALL(symlink("t", "lt"));
    set[0] = set[1] = (struct timespec){ 42, 42 };
    CALL(utimensat(AT_FDCWD, "lt", set, AT_SYMLINK_NOFOLLOW));
    lstat("lt", &st);
    show_time("link's mtime", st.st_mtim);
    stat("t", &after);
    SHOW(after.st_mtim.tv_sec > 42);
    int fd = open("t", O_RDWR);
    set[0] = set[1] = (struct timespec){ 50, 50 };
    CALL(futimens(fd, set));
    fstat(fd, &st);
    CALL(write(fd, "x", 1));
    fstat(fd, &after);
    SHOW(after.st_mtim.tv_sec > st.st_mtim.tv_sec);
    SHOW(after.st_ctim.tv_sec >= st.st_ctim.tv_sec);
    SHOW(after.st_atim.tv_sec == 50);
    char byte;
    pread(fd, &byte, 1, 0);
    fstat(fd, &after);
    SHOW(after.st_atim.tv_sec > 50); /* relatime: older than the change */
    close(fd);
    CALL(futimens(1000, set));
}

static void statx_of(const char *what, int dir, const char *path, int flags)
{
    struct statx x;
    errno = 0;
    if (statx(dir, path, flags, STATX_BASIC_STATS | STATX_BTIME, &x)) {
        show_result(what, -1);
        return;
    }
    printf("%s: mode %o links %u %u:%u basic %d birth %d born %d\n", what, x.stx_mode, x.stx_nlink, x.stx_uid, x.stx_gid,
           (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS, !!(x.stx_mask & STATX_BTIME),
           x.stx_btime.tv_sec <= x.stx_ctime.tv_sec);
}

static void statxes(void)
{
    make("x", 0640);
    statx_of("file", AT_FDCWD, "x", 0);
    statx_of("link", AT_FDCWD, "lt", AT_SYMLINK_NOFOLLOW);
    statx_of("followed", AT_FDCWD, "lt", 0);
    statx_of("none", AT_FDCWD, "none", 0);
    statx_of("empty", AT_FDCWD, "", 0);
    statx_of("bad flags", AT_FDCWD, "x", 0x8000);
    statx_of("both sync", AT_FDCWD, "x", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC);
    int fd = open("x", O_RDONLY);
    statx_of("descriptor", fd, "", AT_EMPTY_PATH);
    close(fd);
    struct statfs fs;
    CALL(statfs("x", &fs));
    SHOW(fs.f_namelen);
    SHOW(fs.f_bsize);
    SHOW(fs.f_bavail > 0 && fs.f_bfree >= fs.f_bavail && fs.f_blocks >= fs.f_bfree);
}

static void attributes(void)
{
    char value[70], list[200];
    make("ea", 0644);
    CALL(setxattr("ea", "user.one", "first", 5, 0));
    CALL(setxattr("ea", "user.one", "second!", 7, XATTR_CREATE));
    CALL(setxattr("ea", "user.two", "x", 1, XATTR_REPLACE));
    CALL(setxattr("ea", "user.one", "second!", 7, XATTR_REPLACE));
    CALL(setxattr("ea", "user.empty", "", 0, 0));
    CALL(setxattr("ea", "user.", "", 0, 0));
    CALL(setxattr("ea", "nothing", "", 0, 0));
    CALL(setxattr("ea", "other.x", "", 0, 0));
    CALL(getxattr("ea", "user.one", NULL, 0));
    CALL(getxattr("ea", "user.one", value, 6));
    memset(value, 0, sizeof value);
    CALL(getxattr("ea", "user.one", value, sizeof value));
    puts(value);
    CALL(getxattr("ea", "user.empty", value, sizeof value));
    CALL(getxattr("ea", "user.none", value, sizeof value));
    CALL(getxattr("ea", "other.x", value, sizeof value));
    CALL(listxattr("ea", NULL, 0));
    CALL(listxattr("ea", list, 3));
    long length = listxattr("ea", list, sizeof list);
    SHOW(length > 0 && memmem(list, (size_t)length, "user.one", 9) && memmem(list, (size_t)length, "user.empty", 11));
    CALL(removexattr("ea", "user.empty"));
    CALL(removexattr("ea", "user.empty"));
    CALL(listxattr("ea", list, sizeof list));
    CALL(mkdir("ead", 0755));
    CALL(setxattr("ead", "user.d", "dir", 3, 0));
    CALL(getxattr("ead", "user.d", value, sizeof value));
    CALL(symlink("ea", "eal"));
    CALL(getxattr("eal", "user.one", value, sizeof value));
    CALL(lgetxattr("eal", "user.one", value, sizeof value));
    CALL(lsetxattr("eal", "user.one", "x", 1, 0));
    CALL(llistxattr("eal", list, sizeof list));
    int fd = open("ea", O_RDONLY);
    CALL(fsetxattr(fd, "user.fd", "fd", 2, 0));
    CALL(fgetxattr(fd, "user.fd", value, sizeof value));
    CALL(fremovexattr(fd, "user.fd"));
    close(fd);
    CALL(rename("ea", "ea2"));
    CALL(getxattr("ea2", "user.one", value, sizeof value));
    CALL(mknod("fifo", S_IFIFO | 0666, 0));
    CALL(setxattr("fifo", "user.x", "x", 1, 0));
    CALL(getxattr("fifo", "user.x", value, sizeof value));
}

int main(int argc, char **argv)
{
    directory_enter(argc, argv);
    modes();
    others();
    times();
    statxes();
    attributes();
    directory_leave();
    return 0;
}
