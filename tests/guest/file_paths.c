/* Path walking and names: every rule of path_resolution(7) that has an error of its own, and
 * making, linking, removing and renaming. */
/* flags: -Wno-unused-result */
#include "directory.h"

#include <dirent.h>
#include <linux/openat2.h>

/* Not mapped; the compiler must not know. */
static void *bad_address(void)
{
    static void *volatile address = (void *)8;
    return address;
}

static char long_name[300], long_path[5000];

static void make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        printf("%s: cannot be made\n", path);
    close(fd);
}

static void show_file(const char *path)
{
    char text[64] = "";
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    printf("%s: %zd \"%s\"\n", path, n, n > 0 ? text : "");
    fflush(stdout);
    close(fd);
}

static void open_and_close(const char *what, const char *path, int flags, mode_t mode)
{
    errno = 0;
    int fd = open(path, flags, mode);
    show_result(what, fd < 0 ? -1 : 0);
    if (fd >= 0)
        close(fd);
}
#define OPEN(path, flags) open_and_close("open " #path " " #flags, path, flags, 0644)

static void components(void)
{
    struct stat st;
    memset(long_name, 'n', sizeof long_name - 1);
    memset(long_path, '/', sizeof long_path - 1);
    CALL(mkdir("d", 0755));
    make_file("d/f", "contents");
    CALL(stat("d/f", &st));
    CALL(stat("d//f", &st));
    CALL(stat("./d/./f", &st));
    CALL(stat("d/../d/f", &st));
    CALL(stat("d/f/", &st));
    CALL(stat("d/f/.", &st));
    CALL(stat("d/f/..", &st));
    CALL(stat("d/f/x", &st));
    CALL(stat("d/missing", &st));
    CALL(stat("missing/f", &st));
    CALL(stat("missing/..", &st));
    CALL(stat("", &st));
    CALL(stat("d/", &st));
    CALL(stat("d/.", &st));
    CALL(stat("/", &st));
    CALL(stat("//", &st));
    CALL(stat("/..", &st));
    CALL(stat("/../..", &st));
    CALL(stat(long_name, &st));
    long_name[256] = '\0';
    CALL(stat(long_name, &st));
    long_name[255] = '\0';
    CALL(stat(long_name, &st));
    CALL(stat(long_path, &st));
    long_path[4096] = '\0';
    CALL(stat(long_path, &st));
    long_path[4095] = '\0';
    CALL(stat(long_path, &st));
    CALL(stat(bad_address(), &st));
    CALL(syscall(SYS_stat, 0L, &st));
    CALL(syscall(SYS_stat, "d", bad_address()));
}

static void links(void)
{
    struct stat st;
    char buffer[64];
    CALL(symlink("d", "to_d"));
    CALL(symlink("d/f", "to_f"));
    CALL(symlink("missing", "dangling"));
    CALL(symlink("loop", "loop"));
    CALL(symlink("loop_b", "loop_a"));
    CALL(symlink("loop_a", "loop_b"));
    CALL(symlink("../to_f", "d/up"));
    CALL(symlink("d/", "to_d_slash"));
    CALL(symlink("f/", "d/f_slash"));
    CALL(symlink("", "empty"));
    CALL(symlink("x", "d"));
    CALL(symlink("x", "to_f"));
    CALL(stat("to_d/f", &st));
    CALL(stat("to_d_slash/f", &st));
    CALL(stat("to_f", &st));
    CALL(stat("to_f/", &st));
    CALL(stat("d/f_slash", &st));
    CALL(stat("d/up", &st));
    CALL(stat("dangling", &st));
    CALL(stat("loop", &st));
    CALL(stat("loop_a/x", &st));
    CALL(lstat("loop", &st));
    SHOW(S_ISLNK(st.st_mode));
    SHOW(st.st_size);
    CALL(lstat("to_d", &st));
    SHOW(S_ISLNK(st.st_mode));
    CALL(lstat("to_d/", &st));
    SHOW(S_ISDIR(st.st_mode));
    CALL(lstat("dangling/", &st));
    CALL(readlink("to_d", buffer, sizeof buffer));
    CALL(readlink("to_f", buffer, 2));
    CALL(readlink("to_f", buffer, 0));
    CALL(readlink("d", buffer, sizeof buffer));
    CALL(readlink("to_d/", buffer, sizeof buffer));
    CALL(readlink("missing", buffer, sizeof buffer));
    CALL(readlink("to_d", bad_address(), 10));
    for (int i = 0; i < 41; i++) {
        char from[16], to[16];
        snprintf(from, sizeof from, "chain%d", i);
        snprintf(to, sizeof to, i ? "chain%d" : "d", i - 1);
        symlink(to, from);
    }
    CALL(stat("chain39", &st));
    CALL(stat("chain40", &st));
}

static void opening(void)
{
    OPEN("d/f", O_RDONLY);
    OPEN("d/f", O_RDONLY | O_DIRECTORY);
    OPEN("d", O_RDONLY | O_DIRECTORY);
    OPEN("d", O_RDONLY);
    OPEN("d", O_WRONLY);
    OPEN("d", O_RDWR);
    OPEN("d", O_RDONLY | O_TRUNC);
    OPEN("d", O_RDONLY | O_CREAT);
    OPEN("d/", O_RDONLY | O_CREAT);
    OPEN("new/", O_WRONLY | O_CREAT);
    OPEN("d/f/", O_WRONLY | O_CREAT);
    OPEN("to_f", O_RDONLY | O_NOFOLLOW);
    OPEN("to_f", O_PATH | O_NOFOLLOW);
    OPEN("to_d/f", O_RDONLY | O_NOFOLLOW);
    OPEN("to_f", O_WRONLY | O_CREAT | O_EXCL);
    OPEN("dangling", O_WRONLY | O_CREAT | O_EXCL);
    OPEN("dangling", O_RDONLY);
    OPEN("dangling", O_WRONLY | O_CREAT);
    OPEN("missing", O_RDONLY);
    OPEN("missing", O_WRONLY | O_CREAT | O_EXCL);
    OPEN("loop", O_RDONLY);
    OPEN("loop", O_WRONLY | O_CREAT);
    OPEN("nodir/x", O_WRONLY | O_CREAT);
    OPEN("d/f/x", O_WRONLY | O_CREAT);
    OPEN("new2", O_WRONLY | O_CREAT | O_EXCL);
    OPEN("new2", O_WRONLY | O_CREAT | O_EXCL);
    OPEN(".", O_WRONLY | O_CREAT);
    OPEN("..", O_RDONLY);
    OPEN("", O_RDONLY);
    OPEN("", O_WRONLY | O_CREAT);
    CALL(unlink("new2"));
    long_name[255] = 'n';
    OPEN(long_name, O_WRONLY | O_CREAT);
    long_name[255] = '\0';
    OPEN(long_name, O_WRONLY | O_CREAT);
    CALL(unlink(long_name));
    CALL(open(bad_address(), O_RDONLY));
}

static void relative(void)
{
    struct stat st;
    int dir = open("d", O_RDONLY | O_DIRECTORY), file = open("d/f", O_RDONLY);
    int path = open("d", O_PATH), file_path = open("d/f", O_PATH);
    char byte;
    CALL(fstatat(dir, "f", &st, 0));
    CALL(fstatat(path, "f", &st, 0));
    CALL(fstatat(file, "f", &st, 0));
    CALL(fstatat(99, "f", &st, 0));
    CALL(fstatat(-1, "f", &st, 0));
    CALL(fstatat(99, "/", &st, 0));
    CALL(fstatat(dir, "", &st, 0));
    CALL(fstatat(dir, "", &st, AT_EMPTY_PATH));
    CALL(fstatat(file, "", &st, AT_EMPTY_PATH));
    CALL(fstatat(file_path, "", &st, AT_EMPTY_PATH));
    CALL(fstatat(dir, "f", &st, 0x8000000));
    CALL(fstatat(dir, "up", &st, AT_SYMLINK_NOFOLLOW));
    CALL(read(file_path, &byte, 1));
    CALL(write(file_path, &byte, 1));
    CALL(lseek(file_path, 0, SEEK_SET));
    CALL(fchmod(file_path, 0600));
    CALL(fstat(file_path, &st));
    CALL(ftruncate(file_path, 0));
    CALL(fcntl(file_path, F_GETFL) == O_PATH);
    CALL(fcntl(file_path, F_SETFL, 0));
    DONE(fcntl(file_path, F_DUPFD, 0));
    DONE(openat(dir, "../d/f", O_RDONLY));
    CALL(fchdir(path));
    CALL(stat("f", &st));
    CALL(fchdir(file));
    CALL(fchdir(99));
    CALL(chdir(".."));
    CALL(chdir("d/f"));
    CALL(chdir("missing"));
    CALL(faccessat(dir, "f", R_OK, 0));
    for (int fd = dir; fd < 20; fd++)
        close(fd);
}

static void scoped(void)
{
    static const struct { const char *path; unsigned long long resolve; } cases[] = {
        { "d/f", RESOLVE_BENEATH },
        { "d/../d/f", RESOLVE_BENEATH },
        { "../x", RESOLVE_BENEATH },
        { "/", RESOLVE_BENEATH },
        { "to_f", RESOLVE_NO_SYMLINKS },
        { "d/f", RESOLVE_NO_SYMLINKS },
        { "d/up", RESOLVE_BENEATH },
        { "/d/f", RESOLVE_IN_ROOT },
        { "../../d/f", RESOLVE_IN_ROOT },
        { "d/f", RESOLVE_IN_ROOT | RESOLVE_BENEATH },
        { "d/f", 0x1000 },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct open_how how = { .flags = O_RDONLY, .resolve = cases[i].resolve };
        errno = 0;
        long fd = syscall(SYS_openat2, AT_FDCWD, cases[i].path, &how, sizeof how);
        printf("%s %llx ", cases[i].path, cases[i].resolve);
        show_result("openat2", fd < 0 ? -1 : 0);
        close((int)fd);
    }
    struct open_how how = { .flags = O_RDONLY, .mode = 0600 };
    CALL(syscall(SYS_openat2, AT_FDCWD, "d/f", &how, sizeof how));
    CALL(syscall(SYS_openat2, AT_FDCWD, "d/f", &how, 8));
}

static void making(void)
{
    CALL(mkdir("e", 0755));
    CALL(mkdir("e", 0755));
    CALL(mkdir("e/", 0755));
    CALL(mkdir("e/sub/", 0755));
    CALL(mkdir("e/no/sub", 0755));
    CALL(mkdir("d/f", 0755));
    CALL(mkdir("d/f/x", 0755));
    CALL(mkdir(".", 0755));
    CALL(mkdir("/", 0755));
    CALL(mkdir("", 0755));
    CALL(mkdir("dangling2/", 0755));
    CALL(mkdir("to_d", 0755));
    CALL(rmdir("e"));
    CALL(rmdir("e/."));
    CALL(rmdir("e/.."));
    CALL(rmdir("e/sub"));
    CALL(rmdir("e/sub"));
    CALL(rmdir("d/f"));
    CALL(rmdir("to_d"));
    CALL(rmdir("/"));
    CALL(unlink("e"));
    CALL(unlink("e/"));
    CALL(unlink("d/f/"));
    CALL(unlink("missing2"));
    CALL(unlink("to_d/"));
    CALL(unlink("."));
    CALL(unlinkat(AT_FDCWD, "e", 0x1000));
    CALL(unlinkat(AT_FDCWD, "e", AT_REMOVEDIR));
    CALL(mknod("fifo", S_IFIFO | 0600, 0));
    CALL(mknod("plain", 0600, 0));
    CALL(mknod("plain", S_IFREG | 0600, 0));
    CALL(mknod("bad", S_IFDIR | 0600, 0));
    CALL(mknod("bad", S_IFLNK | 0600, 0));
    CALL(mknod("bad/", S_IFREG | 0600, 0));
    CALL(unlink("fifo"));
    CALL(unlink("plain"));
}

static void linking(void)
{
    struct stat st;
    make_file("one", "one");
    CALL(link("one", "two"));
    CALL(link("one", "two"));
    CALL(stat("one", &st));
    SHOW(st.st_nlink);
    CALL(link("d", "dir_link"));
    CALL(link("missing2", "x"));
    CALL(link("one", "no/x"));
    CALL(link("one/", "x"));
    CALL(link("one", "x/"));
    CALL(link("to_f", "link_to_link"));
    CALL(lstat("link_to_link", &st));
    SHOW(S_ISLNK(st.st_mode));
    CALL(linkat(AT_FDCWD, "to_f", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
    CALL(lstat("followed", &st));
    SHOW(S_ISREG(st.st_mode));
    CALL(linkat(AT_FDCWD, "one", AT_FDCWD, "x", 0x800000));
    CALL(unlink("one"));
    show_file("two");
    CALL(stat("two", &st));
    SHOW(st.st_nlink);
    int fd = open("two", O_RDWR);
    CALL(unlink("two"));
    CALL(fstat(fd, &st));
    SHOW(st.st_nlink);
    CALL(write(fd, "more", 4));
    CALL(lseek(fd, 0, SEEK_SET));
    char text[16];
    CALL(read(fd, text, sizeof text));
    close(fd);
}

static void renaming(void)
{
    struct stat st;
    make_file("r1", "r1");
    make_file("r2", "r2");
    CALL(mkdir("rd1", 0755));
    CALL(mkdir("rd2", 0755));
    CALL(mkdir("rd1/inner", 0755));
    CALL(rename("r1", "r2"));
    show_file("r2");
    CALL(stat("r1", &st));
    CALL(rename("r1", "r2"));
    CALL(rename("r2", "rd1"));
    CALL(rename("rd1", "r2"));
    CALL(rename("rd2", "rd1"));
    CALL(rename("rd1", "rd2"));
    CALL(stat("rd2/inner", &st));
    CALL(rename("rd2", "rd2/inner/x"));
    CALL(rename("rd2", "rd2/x"));
    CALL(rename("rd2/inner", "rd2"));
    CALL(rename("r2", "r2"));
    CALL(rename("r2", "rd2/moved"));
    show_file("rd2/moved");
    CALL(rename("rd2/moved", "missing/x"));
    CALL(rename("rd2/moved", "rd2/moved/x"));
    CALL(rename("rd2/moved", "x/"));
    CALL(rename("rd2", "rd3/"));
    CALL(rename("rd3/.", "x"));
    CALL(rename("rd3", "."));
    CALL(rename(".", "x"));
    CALL(rename("to_d", "renamed_link"));
    CALL(lstat("renamed_link", &st));
    CALL(link("rd3/moved", "hard"));
    CALL(rename("rd3/moved", "hard"));
    CALL(stat("rd3/moved", &st));
    CALL(syscall(SYS_renameat2, AT_FDCWD, "hard", AT_FDCWD, "rd3/moved", 1));
    CALL(syscall(SYS_renameat2, AT_FDCWD, "hard", AT_FDCWD, "fresh", 1));
    CALL(syscall(SYS_renameat2, AT_FDCWD, "fresh", AT_FDCWD, "x", 0x100));
    int fd = open("fresh", O_RDONLY);
    make_file("other", "other");
    CALL(rename("other", "fresh"));
    char text[8] = "";
    CALL(read(fd, text, 7));
    show_file("fresh");
    close(fd);
}

static void working_directory(void)
{
    char buffer[4096];
    char *base = getcwd(NULL, 0);
    size_t length = strlen(base);
    CALL(mkdir("w", 0755));
    CALL(chdir("w"));
    CALL(syscall(SYS_getcwd, buffer, sizeof buffer) == (long)length + 3);
    printf("%s\n", getcwd(buffer, sizeof buffer) + length);
    CALL(syscall(SYS_getcwd, buffer, 2));
    CALL(syscall(SYS_getcwd, bad_address(), 4096));
    CALL(rename("../w", "../w2"));
    printf("%s\n", getcwd(buffer, sizeof buffer) + length);
    CALL(rmdir("../w2"));
    CALL(syscall(SYS_getcwd, buffer, sizeof buffer));
    CALL(mkdir("x", 0755));
    OPEN("x", O_WRONLY | O_CREAT);
    OPEN(".", O_RDONLY);
    CALL(chdir(".."));
    printf("%d\n", strcmp(getcwd(buffer, sizeof buffer), base));
    free(base);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void listing(void)
{
    struct dirent **names;
    int count = scandir(".", &names, NULL, by_name);
    show("names", count);
    for (int i = 0; i < count; i++)
        printf("%s %d\n", names[i]->d_name, names[i]->d_type);
    char buffer[1024];
    int fd = open(".", O_RDONLY | O_DIRECTORY), file = open("fresh", O_RDONLY);
    CALL(syscall(SYS_getdents64, fd, buffer, 8));
    CALL(syscall(SYS_getdents64, file, buffer, sizeof buffer));
    CALL(syscall(SYS_getdents64, 99, buffer, sizeof buffer));
    CALL(syscall(SYS_getdents64, fd, bad_address(), sizeof buffer));
    long total = 0, n, calls = 0;
    while ((n = syscall(SYS_getdents64, fd, buffer, 100)) > 0)
        for (long at = 0; at < n; at += *(unsigned short *)(buffer + at + 16), calls++)
            total += (long)strlen(buffer + at + 19);
    show("entries", calls);
    show("name bytes", total);
    CALL(lseek(fd, 0, SEEK_SET));
    SHOW(syscall(SYS_getdents, fd, buffer, sizeof buffer) > 0);
    CALL(read(fd, buffer, 1));
    close(fd);
    close(file);
}

int main(int argc, char **argv)
{
    directory_enter(argc, argv);
    components();
    links();
    opening();
    relative();
    scoped();
    making();
    linking();
    renaming();
    working_directory();
    listing();
    directory_leave();
    return 0;
}
