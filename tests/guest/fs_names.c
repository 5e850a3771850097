/* Names on one file system: making, linking, renaming, exchanging, lengths, links, in a directory of the one given. */
#include "directory.h"
#include <dirent.h>
#include <sys/sysmacros.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#define RENAME_WHITEOUT 4
#endif

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Names with their types, sorted; each exactly once. */
static void list(const char *path)
{
    DIR *directory = opendir(path);
    char *names[400];
    int count = 0;
    if (!directory) {
        show_result("opendir", -1);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) && count < 400;) {
        struct stat st;
        if (fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino != entry->d_ino &&
            strcmp(entry->d_name, ".."))
            printf("%s: d_ino differs\n", entry->d_name);
        if (asprintf(&names[count], "%s/%d", entry->d_name, entry->d_type) > 0)
            count++;
    }
    closedir(directory);
    qsort(names, (size_t)count, sizeof *names, compare);
    printf("list %s:", path);
    for (int i = 0; i < count; i++) {
        printf(" %s", names[i]);
        free(names[i]);
    }
    puts("");
    fflush(stdout);
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (long)strlen(text))
        printf("%s cannot be written: %d\n", path, errno);
    close(fd);
}

static void get(const char *path)
{
    char text[64] = "";
    int fd = open(path, O_RDONLY);
    long n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    printf("%s holds %ld '%s'\n", path, n, text);
    close(fd);
}

static void links_of(const char *path)
{
    struct stat st;
    if (lstat(path, &st))
        printf("%s: error %d\n", path, errno);
    else
        printf("%s: mode %o links %ld%s\n", path, st.st_mode, (long)st.st_nlink, S_ISDIR(st.st_mode) ? " (directory)" : "");
}

static void making(void)
{
    CALL(mkdir("d", 0755));
    CALL(mkdir("d", 0755));
    CALL(mkdir("d/", 0755));
    CALL(mkdir("e/", 0755));
    CALL(mkdir("none/x", 0755));
    CALL(mkdir(".", 0755));
    CALL(mkdir("d/..", 0755));
    put("f", "one");
    CALL(mkdir("f/x", 0755));
    CALL(mkdir("f", 0755));
    CALL(mknod("fifo", S_IFIFO | 0640, 0));
    CALL(mknod("sock", S_IFSOCK | 0600, 0));
    CALL(mknod("plain", S_IFREG | 0600, 0));
    CALL(mknod("dir", S_IFDIR | 0600, 0));
    CALL(mknod("bad", 0170000, 0));
    CALL(symlink("f", "s"));
    CALL(symlink("f", "s"));
    CALL(symlink("", "empty"));
    CALL(symlink("d", "sd"));
    CALL(symlink("loop", "loop"));
    CALL(open("loop", O_RDONLY));
    CALL(open("sock", O_RDONLY));
    CALL(open("s", O_RDONLY | O_NOFOLLOW));
    CALL(open("d", O_WRONLY));
    CALL(open("f", O_RDONLY | O_DIRECTORY));
    CALL(open("f/", O_RDONLY));
    CALL(open("new/", O_RDWR | O_CREAT, 0600));
    CALL(open("s", O_RDWR | O_CREAT | O_EXCL, 0600));
    CALL(open("d", O_RDWR | O_CREAT, 0600));
    char target[8];
    memset(target, '-', sizeof target);
    CALL(readlink("s", target, sizeof target));
    CALL(readlink("f", target, sizeof target));
    CALL(readlink("s", target, 0));
    list(".");
    list("d");
}

static void linking(void)
{
    CALL(link("f", "f2"));
    links_of("f");
    CALL(link("f", "f2"));
    CALL(link("d", "d2"));
    CALL(link("s", "s2"));
    links_of("s2");
    CALL(linkat(AT_FDCWD, "s", AT_FDCWD, "f3", AT_SYMLINK_FOLLOW));
    links_of("f");
    CALL(link("none", "x"));
    CALL(link("f", "none/x"));
    CALL(link("f", "f/x"));
    CALL(unlink("f2"));
    CALL(unlink("f2"));
    CALL(unlink("d"));
    CALL(rmdir("f"));
    CALL(unlink("f3/"));
    CALL(unlink("."));
    CALL(rmdir("."));
    CALL(rmdir("d/."));
    CALL(rmdir("d/.."));
    links_of("f");
    links_of("d");
    CALL(mkdir("d/in", 0700));
    CALL(rmdir("d"));
    list("d");
    int fd = open("f3", O_RDWR);
    CALL(unlink("f3"));
    CALL(unlink("f"));
    struct stat st;
    CALL(fstat(fd, &st));
    SHOW(st.st_nlink);
    CALL(write(fd, "more", 4));
    CALL(lseek(fd, 0, SEEK_END));
    CALL(linkat(fd, "", AT_FDCWD, "back", AT_EMPTY_PATH));
    close(fd);
    list(".");
}

static void renaming(void)
{
    put("a", "a");
    put("b", "b");
    CALL(rename("a", "b"));
    get("b");
    CALL(rename("a", "b"));
    put("a", "a again");
    CALL(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
    CALL(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
    CALL(renameat2(AT_FDCWD, "c", AT_FDCWD, "none", RENAME_EXCHANGE));
    CALL(renameat2(AT_FDCWD, "c", AT_FDCWD, "b", RENAME_EXCHANGE));
    get("c");
    get("b");
    CALL(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", RENAME_EXCHANGE));
    list(".");
    list("c");
    CALL(renameat2(AT_FDCWD, "c/in", AT_FDCWD, "b", RENAME_EXCHANGE));
    list("c");
    links_of("c");
    CALL(renameat2(AT_FDCWD, "c/in", AT_FDCWD, "b", RENAME_EXCHANGE));
    CALL(renameat2(AT_FDCWD, "c", AT_FDCWD, "c/in", RENAME_EXCHANGE));
    CALL(renameat2(AT_FDCWD, "c/in", AT_FDCWD, "c", RENAME_EXCHANGE));
    CALL(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", RENAME_EXCHANGE | RENAME_NOREPLACE));
    CALL(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", 8));
    CALL(renameat2(AT_FDCWD, "c", AT_FDCWD, "d", RENAME_EXCHANGE));
    CALL(rename("d", "d/in/x"));
    CALL(rename("d/in", "d"));
    CALL(rename("d", "b"));
    CALL(rename("b", "d"));
    CALL(rename("b", "d/in/"));
    CALL(rename("b/", "new"));
    CALL(rename("d/.", "x"));
    CALL(rename("d", "."));
    CALL(rename("d", "sd"));
    CALL(rename("sd", "sd2"));
    links_of("sd2");
    CALL(mkdir("over", 0755));
    CALL(rename("d/in", "over"));
    list("over");
    CALL(mkdir("full", 0755));
    put("full/x", "x");
    CALL(rename("over", "full"));
    CALL(rename("full", "over"));
    list("over");
    CALL(rename("over/x", "over/x"));
    CALL(link("b", "b2"));
    CALL(rename("b", "b2"));
    get("b");
    get("b2");
    CALL(chmod("over", 01777));
    CALL(rename("over", "d/moved"));
    links_of("d");
    links_of("d/moved");
    list("d");
    int fd = open("d/moved", O_RDONLY | O_DIRECTORY);
    CALL(rename("d/moved", "out"));
    struct stat up, here;
    SHOW(fstatat(fd, "..", &up, 0));
    SHOW(stat(".", &here));
    SHOW(up.st_ino == here.st_ino);
    close(fd);
}

static void lengths(void)
{
    char name[300], path[5000];
    memset(name, 'n', sizeof name);
    name[255] = '\0';
    CALL(mkdir(name, 0755));
    CALL(rmdir(name));
    put(name, "255");
    get(name);
    CALL(rename(name, "short"));
    CALL(rename("short", name));
    CALL(unlink(name));
    name[255] = 'n';
    name[256] = '\0';
    CALL(mkdir(name, 0755));
    CALL(open(name, O_RDWR | O_CREAT, 0644));
    CALL(symlink("x", name));
    CALL(rename("b", name));
    CALL(access(name, F_OK));
    for (int length = 4094; length <= 4097; length++) { /* "./././b" */
        memset(path, '/', sizeof path);
        path[0] = '.';
        path[length - 1] = 'b';
        path[length] = '\0';
        show("path of", length);
        CALL(access(path, F_OK));
        DONE(open(path, O_RDWR | O_CREAT, 0644));
    }
    memset(path, 'p', 4095);
    path[4095] = '\0';
    CALL(symlink(path, "long"));
    CALL(readlink("long", path, sizeof path));
    path[4096] = '\0';
    memset(path, 'p', 4096);
    CALL(symlink(path, "longer"));
}

static void many(void)
{
    char name[32];
    CALL(mkdir("many", 0755));
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "many/file-%03d", i);
        put(name, "x");
    }
    DIR *directory = opendir("many");
    long seen = 0, removed = 0;
    for (struct dirent *entry; (entry = readdir(directory));) { /* removing what has been seen loses nothing */
        if (entry->d_name[0] == '.')
            continue;
        seen++;
        removed += unlinkat(dirfd(directory), entry->d_name, 0) == 0;
    }
    show("seen", seen);
    show("removed", removed);
    rewinddir(directory);
    seen = 0;
    while (readdir(directory))
        seen++;
    show("left", seen);
    CALL(rmdir("many"));
    errno = 0;
    SHOW(readdir(directory) == NULL);
    SHOW(errno);
    CALL(openat(dirfd(directory), "x", O_RDWR | O_CREAT, 0600));
    CALL(mkdirat(dirfd(directory), "x", 0700));
    closedir(directory);
}

static void nameless(void)
{
    struct stat st;
    char path[64];
    int fd = open(".", O_RDWR | O_TMPFILE, 0640);
    if (fd < 0) {
        show_result("O_TMPFILE", -1);
        return;
    }
    CALL(write(fd, "nameless", 8));
    fstat(fd, &st);
    SHOW(st.st_nlink);
    SHOW(st.st_mode);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CALL(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    get("named");
    links_of("named");
    close(fd);
    CALL(open(".", O_RDONLY | O_TMPFILE, 0640));
    fd = open(".", O_RDWR | O_TMPFILE | O_EXCL, 0640);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    CALL(linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
    close(fd);
}

int main(int argc, char **argv)
{
    directory_enter(argc, argv);
    making();
    linking();
    renaming();
    lengths();
    many();
    nameless();
    list(".");
    directory_leave();
    return 0;
}
