/* capget, capset, the bounding and ambient sets, securebits, and execve's rules for them. Runs as root; the first
 * thing it does is to give up CAP_SYS_RESOURCE, which not every host gives. Run with "caps" by itself. */
#include "child.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

static void *volatile bad = (void *)8;
static const char *program;
#define BIT(cap) (1ull << (cap))

static void get(unsigned long long set[3])
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { 0 } };
    syscall(SYS_capget, &header, d);
    set[0] = d[0].effective | (unsigned long long)d[1].effective << 32;
    set[1] = d[0].permitted | (unsigned long long)d[1].permitted << 32;
    set[2] = d[0].inheritable | (unsigned long long)d[1].inheritable << 32;
}

static int set(unsigned long long effective, unsigned long long permitted, unsigned long long inheritable)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = {
        { (unsigned)effective, (unsigned)permitted, (unsigned)inheritable },
        { (unsigned)(effective >> 32), (unsigned)(permitted >> 32), (unsigned)(inheritable >> 32) },
    };
    return (int)syscall(SYS_capset, &header, d);
}

static unsigned long long ambient_set(void)
{
    unsigned long long all = 0;
    for (int cap = 0; cap <= 40; cap++)
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
            all |= BIT(cap);
    return all;
}

static void caps(const char *when)
{
    unsigned long long s[3];
    get(s);
    printf("%s: effective %llx permitted %llx inheritable %llx ambient %llx\n", when, s[0], s[1], s[2], ambient_set());
    fflush(stdout);
}

static void run(const char *name)
{
    printf("execve %s\n", name);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        execl(program, program, "caps", NULL);
        _exit(9);
    }
    waitpid(child, NULL, 0);
}

static void versions(void)
{
    static const unsigned known[] = { 0x19980330, 0x20071026, 0x20080522, 0, 0x12345678 };
    for (unsigned i = 0; i < 5; i++) {
        struct __user_cap_header_struct header = { known[i], 0 };
        unsigned d[6];
        memset(d, 0xee, sizeof d);
        printf("version %x\n", known[i]);
        CALL(syscall(SYS_capget, &header, d));
        printf("header %x, words %x %x %x %x\n", header.version, d[0], d[2], d[3], d[5]);
        header.version = known[i];
        CALL(syscall(SYS_capget, &header, NULL));
        header.version = known[i];
        CALL(syscall(SYS_capset, &header, d));
        header.version = known[i];
        header.pid = 0x3ffffff;
        CALL(syscall(SYS_capget, &header, d));
        header.pid = -1;
        CALL(syscall(SYS_capget, &header, d));
        header.pid = getppid();
        CALL(syscall(SYS_capset, &header, d));
    }
    struct __user_cap_header_struct header = { 0x20080522, 0 };
    unsigned d[6] = { 0 };
    CALL(syscall(SYS_capget, bad, d));
    CALL(syscall(SYS_capget, &header, bad));
    CALL(syscall(SYS_capset, bad, d));
    CALL(syscall(SYS_capset, &header, bad));
    CALL(syscall(SYS_capset, &header, NULL));
    CALL(syscall(SYS_capget, NULL, NULL));
    header.pid = getppid();
    CALL(syscall(SYS_capget, &header, d));
    printf("parent %x %x\n", d[0], d[1]);
}

static void changes(void)
{
    unsigned long long s[3];
    get(s);
    CALL(set(BIT(CAP_KILL), s[1], 0));
    caps("effective KILL");
    CALL(set(s[1] | BIT(60), s[1] | BIT(60), 0)); /* bits that are no capability are ignored */
    caps("all");
    CALL(set(s[1], s[1], BIT(CAP_CHOWN)));
    caps("inheritable CHOWN");
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    caps("ambient CHOWN");
    CALL(set(s[1], s[1], 0));
    caps("no inheritable");
    CALL(set(BIT(CAP_KILL), BIT(CAP_CHOWN), 0));
    CALL(set(0, BIT(CAP_CHOWN) | BIT(CAP_KILL), 0));
    CALL(set(0, BIT(CAP_CHOWN) | BIT(CAP_FOWNER), 0));
    CALL(set(0, BIT(CAP_CHOWN), BIT(CAP_FOWNER)));
    CALL(set(0, BIT(CAP_CHOWN), BIT(CAP_CHOWN)));
    caps("CHOWN");
}

static void bounding(void)
{
    CALL(prctl(PR_CAPBSET_READ, CAP_KILL));
    CALL(prctl(PR_CAPBSET_READ, 41));
    CALL(prctl(PR_CAPBSET_READ, -1L));
    CALL(prctl(PR_CAPBSET_DROP, 41));
    CALL(prctl(PR_CAPBSET_DROP, CAP_KILL));
    CALL(prctl(PR_CAPBSET_READ, CAP_KILL));
    caps("dropped from bounding");
    unsigned long long s[3];
    get(s);
    CALL(set(s[0], s[1], BIT(CAP_KILL))); /* not in the bounding set */
    run("with less bounding");
    CALL(set(s[0] & ~BIT(CAP_SETPCAP), s[1], 0));
    CALL(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
    CALL(prctl(PR_CAPBSET_DROP, 41));
}

static void ambient(void)
{
    unsigned long long s[3];
    get(s);
    CALL(set(s[1], s[1], BIT(CAP_CHOWN) | BIT(CAP_NET_RAW)));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 1, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 41, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, 9, CAP_CHOWN, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
    CALL(prctl(PR_SET_KEEPCAPS, 1));
    CALL(setresuid(1000, 1000, 1000));
    caps("no more root");
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
    run("unprivileged, ambient");
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_CHOWN, 0, 0));
    caps("lowered");
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 1));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    caps("cleared");
    run("unprivileged, none");
}

static void securebits(void)
{
    CALL(prctl(PR_GET_SECUREBITS));
    CALL(prctl(PR_SET_SECUREBITS, 0x10000));
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
    CALL(prctl(PR_GET_SECUREBITS));
    run("without root's rights");
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
    CALL(setresuid(1000, 1000, 1000));
    caps("no fixup");
    CALL(setresuid(0, 0, 0));
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_KEEP_CAPS_LOCKED));
    CALL(prctl(PR_SET_KEEPCAPS, 0));
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS));
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED));
    CALL(prctl(PR_GET_SECUREBITS));
    CALL(prctl(PR_SET_KEEPCAPS, 2));
    CALL(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE));
    unsigned long long s[3];
    get(s);
    CALL(set(s[1], s[1], BIT(CAP_CHOWN)));
    CALL(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
    run("with locked bits");
    CALL(set(0, s[1], 0));
    CALL(prctl(PR_SET_SECUREBITS, 0));
    CALL(prctl(PR_GET_SECUREBITS));
}

static void root_with_less(void)
{
    CALL(set(BIT(CAP_SETUID), BIT(CAP_SETUID), BIT(CAP_CHOWN)));
    CALL(set(BIT(CAP_SETUID), BIT(CAP_SETUID), 0));
    run("as root with one capability");
    CALL(setresuid(0, 1000, 0));
    run("real root");
    CALL(setresuid(1000, 0, 0));
    caps("effective root again");
    run("effective root");
    CALL(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    run("no new privileges");
}

/* Files, with some of root's rights. */
static void files(void)
{
    char buffer[16];
    int fd = open("/tmp/capabilities-file", O_CREAT | O_RDWR, 0600);
    CALL(write(fd, "secret", 6));
    mkdir("/tmp/capabilities-directory", 0700);
    close(open("/tmp/capabilities-directory/inside", O_CREAT | O_RDWR, 0000));
    prctl(PR_SET_KEEPCAPS, 1);
    CALL(setresuid(1000, 1000, 1000));
    CALL(access("/tmp/capabilities-file", R_OK));
    DONE(open("/tmp/capabilities-file", O_RDONLY));
    unsigned long long s[3];
    get(s);
    CALL(set(BIT(CAP_DAC_READ_SEARCH), s[1], 0));
    CALL(access("/tmp/capabilities-file", R_OK)); /* asks for what an unprivileged user may */
    CALL(faccessat(AT_FDCWD, "/tmp/capabilities-file", R_OK, AT_EACCESS));
    fd = open("/tmp/capabilities-file", O_RDONLY);
    show("read", read(fd, buffer, sizeof buffer));
    DONE(open("/tmp/capabilities-file", O_WRONLY));
    DONE(open("/tmp/capabilities-directory/inside", O_RDONLY));
    DONE(open("/tmp/capabilities-directory/new", O_CREAT | O_WRONLY, 0600));
    CALL(chmod("/tmp/capabilities-file", 0644));
    CALL(chown("/tmp/capabilities-file", 1000, 1000));
    CALL(set(BIT(CAP_DAC_OVERRIDE), s[1], 0));
    DONE(open("/tmp/capabilities-file", O_RDWR));
    DONE(open("/tmp/capabilities-directory/new", O_CREAT | O_WRONLY, 0600));
    CALL(access("/tmp/capabilities-file", X_OK));
    CALL(faccessat(AT_FDCWD, "/tmp/capabilities-file", X_OK, AT_EACCESS));
    CALL(unlink("/tmp/capabilities-file")); /* /tmp is sticky */
    CALL(set(BIT(CAP_FOWNER), s[1], 0));
    CALL(chmod("/tmp/capabilities-file", 04644));
    CALL(set(BIT(CAP_CHOWN), s[1], 0));
    CALL(chown("/tmp/capabilities-file", 1000, 1000));
    struct stat st;
    stat("/tmp/capabilities-file", &st);
    printf("%o %u %u\n", st.st_mode, st.st_uid, st.st_gid);
    CALL(chown("/tmp/capabilities-file", 2000, -1));
    CALL(set(BIT(CAP_FOWNER) | BIT(CAP_DAC_OVERRIDE), s[1], 0));
    CALL(unlink("/tmp/capabilities-file"));
    CALL(unlink("/tmp/capabilities-directory/new"));
    CALL(unlink("/tmp/capabilities-directory/inside"));
    CALL(rmdir("/tmp/capabilities-directory"));
    CALL(mknod("/tmp/capabilities-node", S_IFCHR | 0600, 0x103));
    CALL(set(BIT(CAP_MKNOD), s[1], 0));
    CALL(mknod("/tmp/capabilities-node", S_IFCHR | 0600, 0x103));
    CALL(unlink("/tmp/capabilities-node"));
    CALL(kill(getppid(), 0));
    CALL(set(BIT(CAP_KILL), s[1], 0));
    CALL(kill(getppid(), 0));
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        caps("program");
        CALL(prctl(PR_GET_SECUREBITS));
        return 0;
    }
    program = argv[0];
    prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE);
    unsigned long long s[3];
    get(s);
    set(s[0] & ~BIT(CAP_SYS_RESOURCE), s[1] & ~BIT(CAP_SYS_RESOURCE), 0);
    in_child("versions", versions);
    in_child("changes", changes);
    in_child("bounding", bounding);
    in_child("ambient", ambient);
    in_child("securebits", securebits);
    in_child("root with less", root_with_less);
    in_child("files", files);
    return 0;
}
