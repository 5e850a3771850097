/* process_vm_readv, process_vm_writev, /proc/PID/mem: other processes' memory, and one's own. */
#include "guest.h"
#include <sys/uio.h>

static char *volatile bad = (char *)8;
static char *shared_with_child; /* tells the parent where things are: nothing moves at fork */

static void vectors(pid_t pid, char *remote)
{
    char a[8] = "", b[8] = "";
    struct iovec local[2] = { { a, 4 }, { b, 4 } };
    struct iovec parts[3] = { { remote, 2 }, { remote + PAGE - 1, 2 }, { remote + 2 * PAGE, 8 } };
    CALL(process_vm_readv(pid, local, 2, parts, 3, 0));
    printf("'%.4s' '%.4s'\n", a, b);
    CALL(process_vm_readv(pid, local, 2, parts, 1, 0));
    CALL(process_vm_readv(pid, local, 0, parts, 3, 0));
    CALL(process_vm_readv(pid, local, 2, parts, 0, 0));
    CALL(process_vm_readv(pid, local, 2, parts, 3, 1));
    CALL(process_vm_readv(pid, local, 2000, parts, 1, 0));
    CALL(process_vm_readv(pid, local, 1, parts, 2000, 0));
    CALL(process_vm_readv(pid, (void *)8, 1, parts, 1, 0));
    CALL(process_vm_readv(pid, local, 1, (void *)8, 1, 0));
    CALL(process_vm_readv(-1, local, 1, parts, 1, 0));
    CALL(process_vm_readv(0, local, 1, parts, 1, 0));
    CALL(process_vm_readv(0x7fffffff, local, 0, parts, 1, 0));
    struct iovec bad[3] = { { remote, 2 }, { (void *)8, 2 }, { remote, 2 } };
    CALL(process_vm_readv(pid, local, 2, bad, 3, 0));
    CALL(process_vm_readv(pid, local, 2, bad + 1, 2, 0));
    struct iovec negative = { remote, (size_t)-1 };
    CALL(process_vm_readv(pid, local, 2, &negative, 1, 0));
    CALL(process_vm_readv(pid, &negative, 1, parts, 1, 0));
    struct iovec high = { (void *)0xffff800000000000, 4 };
    CALL(process_vm_readv(pid, local, 2, &high, 1, 0));
    CALL(process_vm_readv(pid, &high, 1, parts, 1, 0));
    struct iovec nowhere = { (void *)16, 4 };
    CALL(process_vm_readv(pid, &nowhere, 1, parts, 1, 0));
    struct iovec across = { remote + 3 * PAGE - 3, 8 };
    CALL(process_vm_readv(pid, local, 2, &across, 1, 0));
}

static long put(pid_t pid, void *at, const char *text)
{
    struct iovec local = { (void *)(uintptr_t)text, strlen(text) + 1 }, remote = { at, strlen(text) + 1 };
    return process_vm_writev(pid, &local, 1, &remote, 1, 0);
}

/* The child's pages: 0-2 text, 3 unmapped, 4 read only, 5 no access, 6 shared with the parent, 7 untouched, 8 code */
static int child_of(char *at, int ready, int go)
{
    char byte;
    strcpy(at, "first");
    memcpy(at + PAGE - 1, "acrossing", 9);
    strcpy(at + 2 * PAGE, "third page");
    munmap(at + 3 * PAGE, PAGE);
    strcpy(at + 4 * PAGE, "read only");
    mprotect(at + 4 * PAGE, PAGE, PROT_READ);
    strcpy(at + 5 * PAGE, "no access");
    mprotect(at + 5 * PAGE, PAGE, PROT_NONE);
    static const unsigned char code[] = { 0xb8, 1, 0, 0, 0, 0xc3 };
    memcpy(at + 8 * PAGE, code, sizeof code);
    int (*function)(void) = (int (*)(void))(void *)(at + 8 * PAGE);
    printf("code %d\n", function());
    fflush(stdout);
    write(ready, "r", 1);
    read(go, &byte, 1);
    printf("'%s' '%s' '%s' '%s'\n", at, at + 4 * PAGE, at + 6 * PAGE, at + 7 * PAGE);
    printf("code %d\n", function());
    mprotect(at + 5 * PAGE, PAGE, PROT_READ);
    printf("'%s'\n", at + 5 * PAGE);
    fflush(stdout);
    write(ready, "r", 1);
    read(go, &byte, 1);
    return 0;
}

static void by_file(pid_t pid, char *at)
{
    char name[64], text[16] = "";
    snprintf(name, sizeof name, "/proc/%d/mem", pid);
    int fd = open(name, O_RDWR);
    show("opened", fd >= 0);
    CALL(pread(fd, text, 10, (off_t)(at + 5 * PAGE)));
    printf("'%s'\n", text);
    CALL(pread(fd, text, 10, (off_t)(at + 3 * PAGE)));
    CALL(pread(fd, text, 10, (off_t)(at + 3 * PAGE - 5)));
    CALL(pread(fd, text, 10, 0));
    CALL(pread(fd, bad, 10, (off_t)at));
    CALL(pwrite(fd, "forced", 7, (off_t)(at + 4 * PAGE)));
    CALL(pwrite(fd, "NO", 2, (off_t)(at + 5 * PAGE)));
    CALL(pwrite(fd, "\x02", 1, (off_t)(at + 8 * PAGE + 1)));
    CALL(pwrite(fd, "x", 1, (off_t)(at + 3 * PAGE)));
    CALL(pwrite(fd, bad, 1, (off_t)at));
    CALL(lseek(fd, (off_t)at, SEEK_SET) == (off_t)at);
    CALL(read(fd, text, 5));
    printf("'%.5s'\n", text);
    CALL(lseek(fd, 1, SEEK_CUR) == (off_t)at + 6);
    CALL(lseek(fd, 0, SEEK_END));
    close(fd);
}

static void rights(pid_t pid, char *at)
{
    char byte, name[64];
    struct iovec local = { &byte, 1 }, remote = { at, 1 };
    snprintf(name, sizeof name, "/proc/%d/mem", pid);
    fflush(stdout);
    if (!fork()) {
        CALL(setresuid(1000, 1000, 1000));
        CALL(process_vm_readv(pid, &local, 1, &remote, 1, 0));
        CALL(process_vm_writev(pid, &local, 1, &remote, 1, 0));
        CALL(open(name, O_RDONLY));
        CALL(process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
        _exit(0);
    }
    wait(NULL);
}

int main(void)
{
    int ready[2], go[2], status;
    char byte, *at = mmap(NULL, 9 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pipe(ready);
    pipe(go);
    mmap(at + 6 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    shared_with_child = at + 6 * PAGE;
    strcpy(at, "parent's own");
    pid_t child = fork();
    if (!child)
        _exit(child_of(at, ready[1], go[0]));
    read(ready[0], &byte, 1);
    vectors(child, at);
    CALL(put(child, at, "written"));
    CALL(put(child, at + 4 * PAGE, "refused"));
    CALL(put(child, at + 5 * PAGE, "refused"));
    CALL(put(child, at + 6 * PAGE, "to both"));
    CALL(put(child, at + 7 * PAGE, "a new page"));
    CALL(put(child, at + 3 * PAGE - 4, "partly"));
    printf("'%s' '%s' '%s'\n", at, shared_with_child, at + 7 * PAGE);
    by_file(child, at);
    rights(child, at);
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/mem", child);
    int fd = open(name, O_RDONLY);
    write(go[1], "g", 1);
    read(ready[0], &byte, 1);
    write(go[1], "g", 1);
    CALL(waitid(P_PID, (id_t)child, NULL, WEXITED | WNOWAIT));
    struct iovec local = { &byte, 1 }, remote = { at, 1 };
    CALL(process_vm_readv(child, &local, 1, &remote, 1, 0)); /* a zombie */
    CALL(pread(fd, &byte, 1, (off_t)at));
    waitpid(child, &status, 0);
    show_status("child", status);
    CALL(process_vm_readv(child, &local, 1, &remote, 1, 0));
    CALL(pread(fd, &byte, 1, (off_t)at));
    return 0;
}
