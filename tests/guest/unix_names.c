/* AF_UNIX: names of sockets. Paths and their rights, abstract names, autobind, /proc/net/unix. */
#include "child.h"
#include "sockets.h"

static void show_own(int fd)
{
    struct sockaddr_un un;
    socklen_t room = sizeof un;
    memset(&un, 0, sizeof un);
    CALL(getsockname(fd, (void *)&un, &room)), show_name(&un, room);
}

static void paths(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct stat st;
    unlink("sock"), unlink("other");
    show_own(s);
    CALL(getpeername(s, (void *)&address, &(socklen_t){ 10 }));
    socklen_t size = path_name("sock");
    CALL(connect(c, ADDRESS, size));
    umask(027);
    CALL(bind(s, ADDRESS, size)), show_own(s);
    CALL(stat("sock", &st)), printf("  mode %o\n", st.st_mode);
    umask(022);
    CALL(connect(c, ADDRESS, size));
    CALL(open("sock", O_RDWR)), CALL(open("sock", O_RDONLY | O_PATH) >= 0);
    CALL(bind(c, ADDRESS, size)), CALL(bind(s, ADDRESS, size));
    size = path_name("other");
    CALL(bind(s, ADDRESS, size)), CALL(stat("other", &st));
    CALL(bind(d, ADDRESS, size)), CALL(connect(c, ADDRESS, size)), CALL(connect(d, ADDRESS, size));
    unlink("other");
    CALL(connect(c, ADDRESS, size));
    listen(s, 2);
    size = path_name("sock");
    CALL(connect(d, ADDRESS, size)), CALL(sendto(d, "x", 1, 0, ADDRESS, size));
    CALL(connect(c, ADDRESS, size)), CALL(link("sock", "other")), CALL(rename("sock", "moved"));
    int e = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(connect(e, ADDRESS, size)), CALL(symlink("moved", "sock")), CALL(connect(e, ADDRESS, size));
    close(e), e = socket(AF_UNIX, SOCK_STREAM, 0);
    size = path_name("other");
    CALL(connect(e, ADDRESS, size));
    close(s);
    close(e), e = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(connect(e, ADDRESS, size)), CALL(bind(e, ADDRESS, size));
    unlink("sock"), unlink("other"), unlink("moved");
    CALL(mknod("node", S_IFSOCK | 0644, 0)), size = path_name("node");
    CALL(connect(e, ADDRESS, size)), CALL(bind(e, ADDRESS, size)), unlink("node");
    size = path_name(".");
    CALL(connect(e, ADDRESS, size)), CALL(bind(e, ADDRESS, size));
    size = path_name("/");
    CALL(bind(e, ADDRESS, size));
    size = path_name("missing/x");
    CALL(connect(e, ADDRESS, size)), CALL(bind(e, ADDRESS, size));
    close(open("file", O_CREAT | O_WRONLY, 0644)), size = path_name("file/x");
    CALL(connect(e, ADDRESS, size)), CALL(bind(e, ADDRESS, size)), size = path_name("file");
    CALL(connect(e, ADDRESS, size)), CALL(bind(e, ADDRESS, size)), unlink("file");
    size = path_name("dir/");
    CALL(bind(e, ADDRESS, size));
    close(e), close(c), close(d);
}

static void lengths(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t base = offsetof(struct sockaddr_un, sun_path);
    CALL(bind(s, ADDRESS, 0)), CALL(bind(s, ADDRESS, 1)), CALL(bind(s, ADDRESS, 111)), CALL(bind(s, ADDRESS, 129));
    CALL(bind(s, ADDRESS, (socklen_t)-1)), CALL(bind(s, BAD, 10)), CALL(bind(s, BAD, 0));
    CALL(connect(s, ADDRESS, 0)), CALL(connect(s, ADDRESS, 2)), CALL(connect(s, ADDRESS, 111)), CALL(connect(s, BAD, 10));
    address.sun_family = AF_INET;
    CALL(bind(s, ADDRESS, 16)), CALL(bind(s, ADDRESS, 2)), CALL(connect(s, ADDRESS, 16));
    address.sun_family = AF_UNIX;
    memset(address.sun_path, 'n', sizeof address.sun_path);
    CALL(bind(s, ADDRESS, base + 5));
    struct { struct sockaddr_un un; char more[8]; } own = { 0 };
    socklen_t room = sizeof own;
    CALL(getsockname(s, (void *)&own, &room)), SHOW(room), SHOW(strlen(own.un.sun_path));
    CALL(listen(s, 1)), address.sun_path[5] = 0;
    CALL(connect(c, ADDRESS, 110)), CALL(unlink("nnnnn"));
    close(s), close(c), s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(address.sun_path, 'n', sizeof address.sun_path);
    CALL(bind(s, ADDRESS, 110)), room = sizeof own;
    CALL(getsockname(s, (void *)&own, &room)), SHOW(room), SHOW(strlen(own.un.sun_path));
    CALL(listen(s, 1)), CALL(connect(c, ADDRESS, 110)), CALL(connect(c, ADDRESS, 109));
    char whole[109] = { 0 };
    memcpy(whole, &own.un.sun_path, 108);
    CALL(unlink(whole));
    close(s), close(c);
}

static void abstract_names(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t size = abstract("name");
    CALL(bind(s, ADDRESS, size)), show_own(s);
    CALL(bind(c, ADDRESS, size)), CALL(bind(d, ADDRESS, size)), CALL(bind(s, ADDRESS, size - 1)), CALL(bind(c, ADDRESS, size + 1));
    CALL(listen(s, 1)), CALL(connect(d, ADDRESS, size + 1));
    int e = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(connect(e, ADDRESS, size - 1)), CALL(connect(e, ADDRESS, size));
    int a = accept(s, NULL, NULL);
    close(s);
    CALL(bind(a, ADDRESS, size)), show_own(a);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(bind(s, ADDRESS, size)), close(s);
    address.sun_path[0] = 0;
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    CALL(bind(s, ADDRESS, 2)), CALL(bind(s, ADDRESS, 2)), CALL(bind(s, ADDRESS, size));
    struct sockaddr_un un;
    socklen_t room = sizeof un;
    CALL(getsockname(s, (void *)&un, &room)), SHOW(room), SHOW(un.sun_path[0]);
    int hex = 0;
    for (int i = 1; i < 6; i++)
        hex += strchr("0123456789abcdef", un.sun_path[i]) != NULL;
    SHOW(hex);
    CALL(listen(s, 1)), close(e), e = socket(AF_UNIX, SOCK_STREAM, 0);
    set_option(e, SO_PASSCRED, 1);
    CALL(connect(e, (void *)&un, room)), room = sizeof un;
    CALL(getsockname(e, (void *)&un, &room)), SHOW(room);
    close(s), close(c), close(d), close(e), close(a);
}

static void rights(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
    CALL(mkdir("closed", 0755)), umask(0);
    socklen_t size = path_name("closed/s");
    CALL(bind(s, ADDRESS, size)), CALL(listen(s, 5)), CALL(chmod("closed/s", 0600));
    CALL(setresuid(1000, 1000, 1000));
    CALL(connect(c, ADDRESS, size)), CALL(sendto(d, "x", 1, 0, ADDRESS, size));
    size = path_name("closed/t");
    CALL(bind(c, ADDRESS, size));
    CALL(unlink("closed/s"));
}

static void clean(void)
{
    CALL(unlink("closed/s")), CALL(rmdir("closed"));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The lines of /proc/net/unix whose name begins so, in an order of their own. */
static void show_line(const char *name)
{
    char line[256], lines[8][64];
    size_t count = 0;
    FILE *f = fopen("/proc/net/unix", "r");
    while (f && fgets(line, sizeof line, f)) {
        unsigned long num, inode;
        unsigned references, protocol, flags, type, state;
        char shown[128] = "";
        if (sscanf(line, "%lx: %x %x %x %x %x %lu %127s", &num, &references, &protocol, &flags, &type, &state, &inode, shown) < 7)
            printf("%s", line);
        else if (strncmp(shown, name, strlen(name)) == 0 && count < 8)
            snprintf(lines[count++], sizeof *lines, "%u %u %#x %u %u inode %d %.5s", references, protocol, flags, type, state, inode != 0, shown);
    }
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++)
        puts(lines[i]);
    fclose(f);
    fflush(stdout);
}

static void listing(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t size = path_name("rf-listed");
    bind(s, ADDRESS, size), bind(d, ADDRESS, abstract("rf-d"));
    show_line("rf-listed"), show_line("@rf-d");
    listen(s, 5), path_name("rf-listed"), connect(c, ADDRESS, size);
    show_line("rf-listed");
    int a = accept(s, NULL, NULL);
    show_line("rf-listed");
    unlink("rf-listed"), close(a);
}

int main(void)
{
    prepare();
    paths();
    lengths();
    abstract_names();
    in_child("rights", rights);
    clean();
    listing();
    return 0;
}
