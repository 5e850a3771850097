/* Mount namespaces: mount, umount2, pivot_root, chroot, their flags and errors, in a namespace of one's own whose
 * mounts are private. Runs as root; everything happens in children. */
#include "child.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

static void *volatile bad = (void *)8;
#define BASE "/tmp/mounts-test"

static void (*part)(void);

static void with_own_mounts(void)
{
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        perror("unshare");
    mkdir(BASE, 0755);
    if (mount("test", BASE, "tmpfs", 0, "mode=755"))
        perror("tmpfs");
    part();
}

static void in_namespace(const char *name, void (*body)(void))
{
    struct stat st;
    part = body;
    in_child(name, with_own_mounts);
    CALL(stat(BASE "/a", &st)); /* not seen outside */
}

static void make(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0755);
    if (fd < 0 || write(fd, path, strlen(path)) < 0)
        perror(path);
    close(fd);
}

static void cat(const char *path)
{
    char text[64];
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? -errno : read(fd, text, sizeof text);
    printf("%s: %.*s %zd\n", path, got > 0 ? (int)got : 0, text, got);
    fflush(stdout);
    close(fd);
}

static void binds(void)
{
    mkdir(BASE "/a", 0755);
    mkdir(BASE "/b", 0755);
    mkdir(BASE "/a/sub", 0755);
    make(BASE "/a/file");
    CALL(mount(BASE "/a", BASE "/b", NULL, MS_BIND, NULL));
    cat(BASE "/b/file");
    make(BASE "/b/new");
    cat(BASE "/a/new");
    CALL(unlink(BASE "/a/new"));
    cat(BASE "/b/new");
    CALL(rename(BASE "/b/file", BASE "/b/renamed"));
    cat(BASE "/a/renamed");
    cat(BASE "/a/file");
    CALL(rename(BASE "/b/renamed", BASE "/a/file")); /* across two mounts, though of one file system */
    CALL(link(BASE "/b/renamed", BASE "/a/file"));
    CALL(mount(NULL, BASE "/b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    DONE(open(BASE "/b/x", O_CREAT | O_WRONLY, 0600));
    DONE(open(BASE "/b/renamed", O_WRONLY));
    CALL(mkdir(BASE "/b/x", 0700));
    CALL(unlink(BASE "/b/renamed"));
    CALL(chmod(BASE "/b/renamed", 0700));
    CALL(access(BASE "/b/renamed", W_OK));
    CALL(access(BASE "/a/renamed", W_OK));
    CALL(mount("inner", BASE "/a/sub", "tmpfs", 0, NULL));
    make(BASE "/a/sub/inner");
    cat(BASE "/b/sub/inner"); /* private: not seen through the other */
    mkdir(BASE "/c", 0755);
    CALL(mount(BASE "/a", BASE "/c", NULL, MS_BIND | MS_REC, NULL));
    cat(BASE "/c/sub/inner");
    CALL(umount2(BASE "/c", 0));
    CALL(umount2(BASE "/c/sub", 0));
    CALL(umount2(BASE "/c", 0));
    CALL(rmdir(BASE "/a/sub"));
    CALL(mount(BASE "/a/renamed", BASE "/c", NULL, MS_BIND, NULL));
    make(BASE "/target");
    CALL(mount(BASE "/a/renamed", BASE "/target", NULL, MS_BIND, NULL));
    cat(BASE "/target");
    CALL(mount(BASE "/a", BASE "/target", NULL, MS_BIND, NULL));
    CALL(unlink(BASE "/target"));
    CALL(umount2(BASE "/target", 0));
    CALL(unlink(BASE "/target"));
}

static void flags(void)
{
    struct statfs fs;
    mkdir(BASE "/a", 0755);
    CALL(mount("flags", BASE "/a", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    statfs(BASE "/a", &fs);
    printf("flags %lx\n", (unsigned long)fs.f_flags & 0x40f);
    make(BASE "/a/program");
    CALL(access(BASE "/a/program", X_OK));
    CALL(execl(BASE "/a/program", "x", NULL));
    CALL(mknod(BASE "/a/null", S_IFCHR | 0666, 0x103));
    DONE(open(BASE "/a/null", O_RDWR));
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT, NULL));
    DONE(open(BASE "/a/null", O_RDWR));
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    DONE(open(BASE "/a/more", O_CREAT | O_WRONLY, 0600));
    DONE(open(BASE "/a/null", O_RDWR)); /* devices are not the file system's */
    statfs(BASE "/a", &fs);
    printf("flags %lx\n", (unsigned long)fs.f_flags & 0x40f);
}

static void errors(void)
{
    mkdir(BASE "/a", 0755);
    make(BASE "/file");
    CALL(mount("x", BASE "/a", "nothing-like-that", 0, NULL));
    CALL(mount("x", BASE "/nowhere", "tmpfs", 0, NULL));
    CALL(mount("x", BASE "/file", "tmpfs", 0, NULL));
    CALL(mount("x", BASE "/a", NULL, 0, NULL));
    CALL(mount("x", BASE "/a", bad, 0, NULL));
    CALL(mount(bad, BASE "/a", "tmpfs", 0, NULL));
    CALL(mount("x", bad, "tmpfs", 0, NULL));
    CALL(mount("x", "", "tmpfs", 0, NULL));
    CALL(mount(NULL, BASE "/a", NULL, MS_BIND, NULL));
    CALL(mount(BASE "/nowhere", BASE "/a", NULL, MS_BIND, NULL));
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT, NULL)); /* no root of a mount */
    CALL(mount(NULL, BASE "/a", NULL, MS_PRIVATE, NULL));
    CALL(mount(NULL, BASE, NULL, MS_PRIVATE, NULL));
    CALL(mount(NULL, BASE, NULL, MS_PRIVATE | MS_SHARED, NULL));
    CALL(mount(NULL, BASE, NULL, MS_PRIVATE | MS_NOSUID, NULL));
    CALL(mount(BASE "/a", BASE, NULL, MS_MOVE, NULL));
    CALL(mount(NULL, BASE, NULL, MS_MOVE, NULL));
    CALL(umount2(BASE "/a", 0));
    CALL(umount2(BASE "/nowhere", 0));
    CALL(umount2(BASE, 0x100));
    CALL(umount2(bad, 0));
    CALL(umount2(BASE, MNT_EXPIRE | MNT_DETACH));
    int fd = open(BASE "/file", O_RDONLY);
    CALL(umount2(BASE, 0));
    CALL(umount2(BASE, MNT_EXPIRE));
    close(fd);
    CALL(umount2(BASE, MNT_EXPIRE));
    CALL(umount2(BASE, MNT_EXPIRE));
    CALL(umount2(BASE, 0)); /* the directory below it */
    CALL(setresuid(1000, 1000, 1000));
    CALL(mount("x", "/tmp", "tmpfs", 0, NULL));
    CALL(umount2("/tmp", 0));
    CALL(umount2("/proc", 0));
    CALL(chroot("/"));
    CALL(syscall(SYS_pivot_root, "/", "/"));
    CALL(unshare(CLONE_NEWNS));
}

static void moves_and_detaches(void)
{
    char text[64];
    mkdir(BASE "/a", 0755);
    mkdir(BASE "/b", 0755);
    CALL(mount("m", BASE "/a", "tmpfs", 0, NULL));
    make(BASE "/a/file");
    CALL(mount(BASE "/a", BASE "/b", NULL, MS_MOVE, NULL));
    cat(BASE "/a/file");
    cat(BASE "/b/file");
    mkdir(BASE "/b/deeper", 0755);
    CALL(mount(BASE "/b", BASE "/b/deeper", NULL, MS_MOVE, NULL));
    CALL(chdir(BASE "/b/deeper"));
    CALL(umount2(BASE "/b", 0));
    CALL(umount2(BASE "/b", MNT_DETACH));
    cat(BASE "/b/file");
    cat("../file"); /* what was detached is whole still */
    CALL(syscall(SYS_getcwd, text, sizeof text) > 0 ? 0 : -1);
    CALL(chdir("/"));
    CALL(umount2(BASE, MNT_DETACH));
}

static void pivots(void)
{
    mkdir(BASE "/a", 0755);
    CALL(syscall(SYS_pivot_root, BASE "/a", BASE "/a"));
    CALL(mount("root", BASE "/a", "tmpfs", 0, NULL));
    mkdir(BASE "/a/old", 0755);
    mkdir(BASE "/b", 0755);
    make(BASE "/a/file");
    CALL(syscall(SYS_pivot_root, BASE "/a", BASE "/b"));
    CALL(syscall(SYS_pivot_root, BASE "/a", "/tmp"));
    CALL(syscall(SYS_pivot_root, BASE "/nowhere", BASE "/a"));
    CALL(syscall(SYS_pivot_root, BASE "/a/file", BASE "/a"));
    CALL(syscall(SYS_pivot_root, BASE "/a", BASE "/a/old"));
    CALL(chdir("/"));
    cat("/file");
    cat("/old" BASE "/a/file");
    CALL(access("/old/proc", F_OK));
    CALL(umount2("/old", 0));
    CALL(umount2("/old", MNT_DETACH));
    CALL(access("/old/proc", F_OK));
    CALL(rmdir("/old"));
    mkdir("/jail", 0755);
    CALL(chroot("/jail"));
    cat("/file");
    cat("../file"); /* the working directory is outside */
    CALL(unshare(CLONE_NEWUSER));
}

static void own_proc(void)
{
    int status;
    mkdir(BASE "/proc", 0755);
    CALL(unshare(CLONE_NEWPID | CLONE_NEWUTS));
    pid_t init = fork();
    if (!init) {
        char text[64] = "";
        CALL(mount("proc", BASE "/proc", "proc", 0, NULL));
        show("self", readlink(BASE "/proc/self", text, sizeof text - 1));
        puts(text);
        fflush(stdout);
        CALL(access(BASE "/proc/1/status", F_OK));
        CALL(access(BASE "/proc/2", F_OK));
        pid_t child = fork();
        if (!child) {
            CALL(access(BASE "/proc/2/status", F_OK));
            _exit(0);
        }
        waitpid(child, NULL, 0);
        CALL(access(BASE "/proc/2", F_OK));
        _exit(0);
    }
    waitpid(init, &status, 0);
    show_status("init", status);
}

static void by_namespace(void)
{
    int ends[2], more[2], status;
    char byte;
    if (pipe(ends) || pipe(more))
        return;
    make(BASE "/outer");
    CALL(chdir(BASE));
    pid_t child = fork();
    if (!child) {
        CALL(unshare(CLONE_NEWNS));
        cat("outer");
        make("seen"); /* one file system, two namespaces */
        CALL(mount("in", BASE, "tmpfs", 0, NULL));
        make(BASE "/hidden");
        cat(BASE "/outer");
        cat("outer");
        if (write(ends[1], "x", 1) != 1 || read(more[0], &byte, 1) != 1)
            _exit(1);
        _exit(0);
    }
    if (read(ends[0], &byte, 1) != 1)
        return;
    cat(BASE "/seen");
    cat(BASE "/hidden");
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", child);
    int fd = open(path, O_RDONLY);
    show_result("setns", setns(fd, CLONE_NEWNS));
    cat(BASE "/hidden");
    cat(BASE "/seen");
    if (write(more[1], "x", 1) != 1)
        return;
    waitpid(child, &status, 0);
    cat(BASE "/hidden"); /* the namespace lives on */
}

static void unprivileged(void)
{
    make(BASE "/file");
    chmod(BASE, 0777);
    CALL(setresgid(1000, 1000, 1000));
    CALL(setresuid(1000, 1000, 1000));
    CALL(unshare(CLONE_NEWUSER | CLONE_NEWNS));
    CALL(umount2(BASE, 0)); /* what came from outside cannot be taken away */
    CALL(mount("own", BASE, "tmpfs", 0, NULL));
    make(BASE "/mine");
    cat(BASE "/mine");
    cat(BASE "/file");
    CALL(umount2(BASE, 0));
    cat(BASE "/file");
}

/* The lines of the mounts below BASE, without what is a machine's own: mount ids and device numbers. */
static void show_table(const char *path, bool info)
{
    char line[512];
    FILE *file = fopen(path, "r");
    puts(path);
    while (file && fgets(line, sizeof line, file)) {
        char *text = line;
        for (int i = 0; info && i < 3 && text; i++)
            text = strchr(text, ' ') + 1;
        if (strstr(line, BASE))
            fputs(text, stdout);
    }
    fflush(stdout);
    if (file)
        fclose(file);
}

static void tables(void)
{
    show_table("/proc/self/mountinfo", true);
    show_table("/proc/self/mounts", false);
}

static void shown(void)
{
    mkdir(BASE "/a", 0755);
    mkdir(BASE "/b", 0755);
    mkdir(BASE "/c d", 0755);
    CALL(mount("source with\tblanks", BASE "/a", "tmpfs", MS_NOSUID, "size=1m"));
    mkdir(BASE "/a/x", 0755);
    mkdir(BASE "/a/x/y", 0755);
    make(BASE "/a/x/file");
    CALL(mount(NULL, BASE "/c d", "tmpfs", MS_RDONLY | MS_STRICTATIME, "nr_inodes=20,mode=710,uid=3,gid=4"));
    CALL(mount(BASE "/a/x", BASE "/b", "ignored", MS_BIND, "ignored"));
    CALL(mount(NULL, BASE "/b", NULL, MS_SLAVE, NULL)); /* of nobody: private */
    CALL(mount(BASE "/b/y", BASE "/b/y", NULL, MS_BIND, NULL));
    make(BASE "/file");
    CALL(mount(BASE "/b/file", BASE "/file", NULL, MS_BIND, NULL));
    tables();
    CALL(mount(NULL, BASE "/b", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOATIME | MS_NODIRATIME, NULL));
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT | MS_RDONLY, "size=2m"));
    CALL(mount(NULL, BASE "/c d", NULL, MS_BIND | MS_REMOUNT | MS_NODEV, NULL));
    CALL(mount(NULL, BASE "/b", NULL, MS_BIND | MS_REMOUNT, NULL));
    tables();
    CALL(umount2(BASE "/a", 0));
    CALL(unshare(CLONE_NEWNS));
    tables();
}

static void show_space(const char *path)
{
    struct statfs fs;
    statfs(path, &fs);
    printf("blocks %ld free %ld, files %ld free %ld\n", (long)fs.f_blocks, (long)fs.f_bfree, (long)fs.f_files, (long)fs.f_ffree);
    fflush(stdout);
}

static void limits(void)
{
    static const char *const options[] = { "size=1x", "size=", "size", "mode=9", "uid=-1", "uid=x", "nr_inodes=1z", "what", "what=1",
        "size=4k,,mode=1755", "nr_blocks=2k", "size=0x1000", "size=5000", "mode=0,uid=4294967295", "nr_inodes=1k,size=8k", "inode64" };
    static char block[3 * PAGE];
    mkdir(BASE "/a", 0755);
    for (unsigned i = 0; i < sizeof options / sizeof *options; i++) {
        printf("%s ", options[i]);
        CALL(mount("x", BASE "/a", "tmpfs", 0, options[i]));
        umount2(BASE "/a", 0);
    }
    CALL(mount("x", BASE "/a", "tmpfs", 0, "size=16k,nr_inodes=5"));
    show_space(BASE "/a");
    int fd = open(BASE "/a/file", O_CREAT | O_RDWR, 0600);
    CALL(write(fd, block, sizeof block));
    CALL(write(fd, block, sizeof block));
    CALL(write(fd, block, sizeof block));
    show_space(BASE "/a");
    CALL(ftruncate(fd, 5 * PAGE));
    CALL(pwrite(fd, block, 1, 4 * PAGE));
    CALL(link(BASE "/a/file", BASE "/a/second"));
    CALL(symlink("file", BASE "/a/link"));
    CALL(mkdir(BASE "/a/dir", 0700));
    CALL(mkdir(BASE "/a/none", 0700));
    CALL(link(BASE "/a/file", BASE "/a/third"));
    show_space(BASE "/a");
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT, "size=12k"));
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT, "nr_inodes=4"));
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT, "size=20k,nr_inodes=6"));
    CALL(pwrite(fd, block, 1, 4 * PAGE));
    CALL(link(BASE "/a/file", BASE "/a/third"));
    CALL(unlink(BASE "/a/second"));
    CALL(unlink(BASE "/a/third"));
    CALL(unlink(BASE "/a/file"));
    show_space(BASE "/a");
    close(fd);
    show_space(BASE "/a");
}

static void writers(void)
{
    mkdir(BASE "/a", 0755);
    mkdir(BASE "/b", 0755);
    CALL(mount("x", BASE "/a", "tmpfs", 0, NULL));
    make(BASE "/a/file");
    CALL(mount(BASE "/a", BASE "/b", NULL, MS_BIND, NULL));
    int fd = open(BASE "/a/file", O_RDWR);
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    CALL(mount(NULL, BASE "/b", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    CALL(mount(NULL, BASE "/b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    CALL(munmap(at, PAGE));
    fd = open(BASE "/a/file", O_RDONLY);
    CALL(unlink(BASE "/a/file"));
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT | MS_RDONLY, NULL)); /* it is to be deleted yet */
    close(fd);
    CALL(mount(NULL, BASE "/a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    DONE(open(BASE "/a/x", O_CREAT | O_WRONLY, 0600));
}

static void not_executable(void)
{
    mkdir(BASE "/a", 0755);
    CALL(mount("x", BASE "/a", "tmpfs", MS_NOEXEC, NULL));
    make(BASE "/a/file");
    int fd = open(BASE "/a/file", O_RDWR);
    DONE(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
    DONE(mmap(NULL, PAGE, PROT_EXEC, MAP_SHARED, fd, 0));
    char *at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    CALL(mprotect(at, PAGE, PROT_READ | PROT_EXEC));
    CALL(mprotect(at, PAGE, PROT_READ | PROT_WRITE));
    CALL(execl(BASE "/a/file", "x", NULL));
    CALL(syscall(SYS_execveat, fd, "", NULL, NULL, AT_EMPTY_PATH));
}

int main(void)
{
    in_namespace("binds", binds);
    in_namespace("flags", flags);
    in_namespace("errors", errors);
    in_namespace("moves and detaches", moves_and_detaches);
    in_namespace("pivots", pivots);
    in_namespace("own proc", own_proc);
    in_namespace("by namespace", by_namespace);
    in_namespace("shown", shown);
    in_namespace("limits", limits);
    in_namespace("writers", writers);
    in_namespace("not executable", not_executable);
    in_namespace("unprivileged", unprivileged);
    rmdir(BASE);
    return 0;
}
