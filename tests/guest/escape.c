/* Every way out of the machine that one can name: `escape MOUNT OUTSIDE TEXT PID PORT`. MOUNT shows a directory of the host,
 * OUTSIDE is the host's path of one that is not mounted, whose file "secret" holds TEXT; PID is a process of the host,
 * PORT one that it listens on. Prints a line for each way that got out, and how many were tried. */
#include "guest.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>

static const char *mounted, *outside, *text;
static unsigned tried, escaped;

static void out(const char *how, const char *detail)
{
    escaped++;
    printf("OUT: %s %s\n", how, detail);
}

static bool is_secret(int fd)
{
    char bytes[256];
    ssize_t n = read(fd, bytes, sizeof bytes - 1);
    bytes[n > 0 ? n : 0] = '\0';
    return n > 0 && strstr(bytes, text);
}

static void try_at(const char *how, int dir, const char *path)
{
    static const int flags[] = { O_RDONLY | O_NONBLOCK, O_RDWR | O_NONBLOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, O_PATH };
    tried++;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        int fd = openat(dir, path, flags[i]);
        if (fd >= 0 && is_secret(fd))
            out(how, path);
        if (fd >= 0)
            close(fd);
    }
}

static void try_path(const char *how, const char *format, const char *a, const char *b)
{
    char path[8192];
    snprintf(path, sizeof path, format, a, b);
    try_at(how, AT_FDCWD, path);
}

static void expect_failure(const char *how, long result)
{
    tried++;
    if (result >= 0)
        out(how, "succeeded");
}

static const char *in_mount(const char *name)
{
    static char path[4][4096];
    static unsigned turn;
    char *at = path[turn++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", mounted, name);
    return at;
}

/* --- names --- */

static void by_dots(void)
{
    char dots[400] = "";
    for (int i = 0; i < 40; i++)
        strcat(dots, "../");
    try_path("the host's path", "%s/secret%s", outside, "");
    try_path("..", "%s/../outside/secret%s", mounted, "");
    try_path("many ..", "%s/%s/secret", dots, outside);
    try_path("many .. below the mount", "%s/../../../../../../../..%s/secret", mounted, outside);
    try_path("/proc/self/root", "/proc/self/root%s/secret%s", outside, "");
    try_path("/proc/self/root/..", "/proc/self/root/../../../..%s/secret%s", outside, "");
    try_path("/proc/1/root", "/proc/1/root%s/secret%s", outside, "");
    try_path("/proc/1/cwd", "/proc/1/cwd/../../../../..%s/secret%s", outside, "");
    try_path("/proc/self/cwd", "/proc/self/cwd/../../../../..%s/secret%s", outside, "");
    int dir = open(mounted, O_RDONLY | O_DIRECTORY);
    try_at("openat ..", dir, "../outside/secret");
    try_at("openat", dir, "d/../../outside/secret");
    int path = open(mounted, O_PATH);
    try_at("openat of O_PATH", path, "../outside/secret");
    if (fchdir(dir) == 0 && chdir("..") == 0)
        try_at("fchdir, chdir ..", AT_FDCWD, "outside/secret");
    if (chdir("/"))
        out("chdir", "/");
    close(dir);
    close(path);
}

static void by_links(void)
{
    char target[4096];
    static const char *const names[] = { "to_file", "to_dir", "to_dots", "to_root", "to_self", "chain" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in_mount(names[i]));
    snprintf(target, sizeof target, "%s/secret", outside);
    symlink(target, in_mount("to_file"));
    symlink(outside, in_mount("to_dir"));
    symlink("../outside", in_mount("to_dots"));
    symlink("/", in_mount("to_root"));
    symlink("/proc/self/root", in_mount("to_self"));
    symlink("to_dots", in_mount("chain"));
    try_path("symlink", "%s/to_file%s", mounted, "");
    try_path("symlink to a directory", "%s/to_dir/secret%s", mounted, "");
    try_path("relative symlink", "%s/to_dots/secret%s", mounted, "");
    try_path("symlink to the root", "%s/to_root%s/secret", mounted, outside);
    try_path("symlink to /proc/self/root", "%s/to_self%s/secret", mounted, outside);
    try_path("links in a chain", "%s/chain/secret%s", mounted, "");
    try_path("made by the host", "%s/host_link%s", mounted, "");
    try_path("directory link made by the host", "%s/host_dir/secret%s", mounted, "");
    expect_failure("create through a link", open(in_mount("to_dots/made"), O_CREAT | O_WRONLY, 0600));
    expect_failure("create through the host's link", open(in_mount("host_dir/made"), O_CREAT | O_WRONLY, 0600));
    expect_failure("mkdir through a link", mkdir(in_mount("host_dir/made_d"), 0700));
    expect_failure("unlink through a link", unlink(in_mount("host_dir/victim")));
    expect_failure("rename through a link", rename(in_mount("host_dir/victim"), in_mount("got")));
    expect_failure("rename into a link", rename(in_mount("own"), in_mount("host_dir/own")));
    expect_failure("link through a link", link(in_mount("host_dir/secret"), in_mount("hard")));
    expect_failure("truncate a link", truncate(in_mount("host_link"), 0));
    expect_failure("chmod a link", chmod(in_mount("host_link"), 0777));
    expect_failure("chdir a link", chdir(in_mount("host_dir")));
    linkat(AT_FDCWD, in_mount("host_link"), AT_FDCWD, in_mount("hard1"), AT_SYMLINK_FOLLOW);
    linkat(AT_FDCWD, in_mount("host_link"), AT_FDCWD, in_mount("hard2"), 0);
    try_path("hard link to where a link leads", "%s/hard1%s", mounted, "");
    try_path("hard link to a link", "%s/hard2%s", mounted, "");
    int fd = open(in_mount("host_link"), O_PATH | O_NOFOLLOW);
    linkat(fd, "", AT_FDCWD, in_mount("hard3"), AT_EMPTY_PATH);
    try_path("AT_EMPTY_PATH", "%s/hard3%s", mounted, "");
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    try_path("/proc/self/fd of a link", "%s%s", self, "");
    close(fd);
}

static void by_race(int turns)
{
    for (int i = 0; i < turns; i++) {
        int fd = open(in_mount("swap/secret"), O_RDONLY);
        if (fd >= 0 && is_secret(fd))
            out("race", "open");
        if (fd >= 0)
            close(fd);
        fd = open(in_mount("swap/made_in_race"), O_CREAT | O_RDWR, 0600);
        if (fd >= 0)
            close(fd);
        mkdir(in_mount("swap/dir_in_race"), 0700);
        rename(in_mount("swap/victim"), in_mount("swap/renamed"));
        unlink(in_mount("swap/victim2"));
        symlink("x", in_mount("swap/link_in_race"));
        chmod(in_mount("swap/secret"), 0777);
    }
    tried += 7;
}

/* --- roots, mounts, devices --- */

static void by_chroot(void)
{
    pid_t child = fork();
    if (child == 0) {
        unsigned before = escaped;
        int dir = open("/", O_RDONLY | O_DIRECTORY);
        mkdir("/tmp/jail", 0700);
        if (chroot("/tmp/jail") == 0 && fchdir(dir) == 0) {
            for (int i = 0; i < 50; i++)
                if (chdir(".."))
                    break;
            try_path("chroot with an open directory", ".%s/secret%s", outside, "");
            if (chroot(".") == 0)
                try_path("chroot to what is above", "%s/secret%s", outside, "");
        }
        _exit(escaped != before);
    }
    int status;
    waitpid(child, &status, 0);
    tried += 2;
    if (status)
        out("chroot", "");
}

static void by_mounts(void)
{
    char path[4096];
    mkdir("/tmp/at", 0700);
    static const char *const types[] = { "hostfs", "ext4", "xfs", "squashfs", "9p", "virtiofs", "nfs", "fuse", "archive" };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        expect_failure(types[i], mount(outside, "/tmp/at", types[i], 0, ""));
    snprintf(path, sizeof path, "%s/..", mounted);
    if (mount(path, "/tmp/at", NULL, MS_BIND, NULL) == 0) {
        try_path("bind of ..", "/tmp/at/outside/secret%s%s", "", "");
        umount2("/tmp/at", MNT_DETACH);
    }
    if (mount("/proc/1/root", "/tmp/at", NULL, MS_BIND | MS_REC, NULL) == 0) {
        try_path("bind of /proc/1/root", "/tmp/at%s/secret%s", outside, "");
        umount2("/tmp/at", MNT_DETACH);
    }
    snprintf(path, sizeof path, "lowerdir=%s", outside);
    expect_failure("overlay of the host's path", mount("overlay", "/tmp/at", "overlay", 0, path));
    expect_failure("bind of the host's path", mount(outside, "/tmp/at", NULL, MS_BIND, NULL));
    expect_failure("remount for writing", mount(NULL, "/ro", NULL, MS_REMOUNT, NULL) == 0 &&
                                              open("/ro/made", O_CREAT | O_WRONLY, 0600) >= 0 ? 0 : -1);
}

/* The mount may become the root: what is above it is then nowhere. */
static void by_pivot(void)
{
    tried++;
    pid_t child = fork();
    if (child == 0) {
        unsigned before = escaped;
        if (syscall(SYS_unshare, 0x20000) == 0 && syscall(SYS_pivot_root, mounted, mounted) == 0) {
            try_at("pivot_root", AT_FDCWD, "/../outside/secret");
            try_at("pivot_root", AT_FDCWD, "../../outside/secret");
            try_at("pivot_root", AT_FDCWD, "/host_link");
            umount2("/", MNT_DETACH);
            try_path("pivot_root and the host's path", "%s/secret%s", outside, "");
            try_at("pivot_root, unmounted", AT_FDCWD, "/../outside/secret");
        }
        _exit(escaped != before);
    }
    int status;
    waitpid(child, &status, 0);
    if (status)
        out("pivot_root", "");
}

static void by_devices(void)
{
    static const struct {
        mode_t type;
        unsigned major, minor;
    } devices[] = { { S_IFBLK, 254, 0 }, { S_IFBLK, 8, 0 }, { S_IFBLK, 259, 0 }, { S_IFBLK, 7, 0 }, { S_IFCHR, 1, 1 },
                    { S_IFCHR, 1, 2 }, { S_IFCHR, 1, 4 }, { S_IFCHR, 1, 11 }, { S_IFCHR, 10, 232 }, { S_IFCHR, 10, 229 } };
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        dev_t number = makedev(devices[i].major, devices[i].minor);
        unlink("/tmp/device");
        unlink(in_mount("device"));
        mknod("/tmp/device", devices[i].type | 0600, number);
        mknod(in_mount("device"), devices[i].type | 0600, number);
        expect_failure("a device in memory", open("/tmp/device", O_RDONLY | O_NONBLOCK));
        expect_failure("a device in the mount", open(in_mount("device"), O_RDONLY | O_NONBLOCK));
    }
}

/* --- descriptors, processes, sockets --- */

static void by_descriptors(void)
{
    for (int fd = 3; fd < 1024; fd++) {
        char path[64];
        if (fcntl(fd, F_GETFD) >= 0)
            out("a descriptor of the host", "");
        snprintf(path, sizeof path, "/proc/1/fd/%d", fd);
        tried++;
        int opened = open(path, O_RDONLY);
        if (opened >= 0)
            out("/proc/1/fd", path);
        try_at("openat of a host's descriptor", fd, "secret");
    }
    struct {
        unsigned bytes;
        int type;
        unsigned char data[128];
    } handle = { .bytes = 128 };
    int id;
    syscall(SYS_name_to_handle_at, AT_FDCWD, mounted, &handle, &id, 0);
    expect_failure("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDONLY));
}

static void by_processes(pid_t pid)
{
    char byte, path[64];
    struct iovec local = { &byte, 1 }, remote = { (void *)0x400000, 1 };
    expect_failure("kill", kill(pid, 0));
    expect_failure("ptrace", ptrace(PTRACE_SEIZE, pid, 0, 0));
    expect_failure("pidfd_open", syscall(SYS_pidfd_open, pid, 0));
    expect_failure("process_vm_readv", process_vm_readv(pid, &local, 1, &remote, 1, 0));
    expect_failure("getpgid", getpgid(pid));
    static const char *const files[] = { "root", "cwd", "exe", "mem", "fd/0", "maps", "environ" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, files[i]);
        expect_failure(path, open(path, O_RDONLY | O_NONBLOCK));
    }
    static const char *const knobs[] = { "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger",
                                         "/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent" };
    for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++) {
        int fd = open(knobs[i], O_WRONLY);
        expect_failure(knobs[i], fd < 0 ? -1 : write(fd, "|/bin/sh", 8));
    }
    expect_failure("TIOCSTI", ioctl(0, TIOCSTI, "x"));
    char *const argv[] = { "x", NULL };
    snprintf(path, sizeof path, "%s/program", outside);
    expect_failure("execve", execve(path, argv, argv + 1));
}

static void by_sockets(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    expect_failure("TCP to the host", s < 0 ? -1 : connect(s, (struct sockaddr *)&address, sizeof address));
    inet_pton(AF_INET, "8.8.8.8", &address.sin_addr);
    s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    expect_failure("TCP to the world", s < 0 || errno == EINPROGRESS ? -1 : connect(s, (struct sockaddr *)&address, sizeof address));
    snprintf(name.sun_path, sizeof name.sun_path, "%s/host_socket", mounted);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    expect_failure("a socket of the host in the mount", s < 0 ? -1 : connect(s, (struct sockaddr *)&name, sizeof name));
    memset(name.sun_path, 0, sizeof name.sun_path);
    strcpy(name.sun_path + 1, "ringfort_escape");
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    expect_failure("an abstract socket of the host", s < 0 ? -1 : connect(s, (struct sockaddr *)&name, sizeof name));
    expect_failure("AF_PACKET", socket(AF_PACKET, SOCK_RAW, htons(3)));
    expect_failure("AF_VSOCK", socket(40, SOCK_STREAM, 0));
    expect_failure("AF_ALG", socket(38, SOCK_SEQPACKET, 0));
    expect_failure("io_uring", syscall(425, 4, NULL));
    expect_failure("bpf", syscall(SYS_bpf, 0, NULL, 0));
    expect_failure("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
    expect_failure("init_module", syscall(SYS_init_module, NULL, 0, ""));
    expect_failure("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    expect_failure("iopl", syscall(SYS_iopl, 3));
    expect_failure("ioperm", syscall(SYS_ioperm, 0x3f8, 1, 1));
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    mounted = argv[1];
    outside = argv[2];
    text = argv[3];
    by_descriptors();
    by_dots();
    by_links();
    by_race(300);
    by_chroot();
    by_mounts();
    by_pivot();
    by_devices();
    by_processes(atoi(argv[4]));
    by_sockets(atoi(argv[5]));
    printf("%u tried, %u out\n", tried, escaped);
    return escaped != 0;
}
