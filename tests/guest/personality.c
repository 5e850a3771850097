/* personality(2): what its flags do to memory, execve and uname; RDTSC where it is forbidden. */
#include "guest.h"
#include <linux/seccomp.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

static const char *self;

/* The protection of the mapping at an address, as /proc/self/maps tells it. */
static void show_protection(const char *name, const void *at)
{
    unsigned long start, end, address = (unsigned long)at;
    char line[512], protection[5];
    const char *found = "not mapped";
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %4s", &start, &end, protection) == 3 && start <= address && address < end) {
            found = protection;
            break;
        }
    }
    printf("%s: %s\n", name, found);
    fflush(stdout);
    if (maps)
        fclose(maps);
}

static void names(const char *what)
{
    struct utsname name;
    uname(&name);
    printf("%s: %s %s\n", what, strncmp(name.release, "2.6.", 4) ? "newer" : "2.6", name.machine);
    fflush(stdout);
}

/* After execve with the flags of argv[1]. */
static int executed(void)
{
    unsigned char resident;
    printf("personality %#x\n", (unsigned)personality(0xffffffff));
    CALL(mincore(NULL, PAGE, &resident)); /* the page at 0 */
    show_protection("page 0", NULL);
    char *low = pages(3, PROT_READ), *next = pages(1, PROT_READ);
    show("bottom up", low < (char *)0x300000000000);
    show("ascending", next > low);
    show_protection("readable", low);
    return 0;
}

static void execute(unsigned flags)
{
    int status;
    if (fork() == 0) {
        personality(flags);
        execl(self, self, "executed", NULL);
        _exit(1);
    }
    wait(&status);
    show_status("executed", status);
}

static void read_implies_exec(void)
{
    char *before = pages(1, PROT_READ);
    int fd = open(self, O_RDONLY);
    personality(READ_IMPLIES_EXEC);
    show_protection("before", before);
    show_protection("none", pages(1, PROT_NONE));
    show_protection("read", pages(1, PROT_READ));
    show_protection("write", pages(1, PROT_READ | PROT_WRITE));
    show_protection("write alone", pages(1, PROT_WRITE));
    show_protection("file", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
    CALL(mprotect(before, PAGE, PROT_READ | PROT_WRITE));
    show_protection("mprotect", before);
    CALL(mprotect(before, PAGE, PROT_NONE));
    show_protection("mprotect", before);
    char *top = sbrk(0);
    CALL(brk(top + 64 * PAGE));
    show_protection("brk", top + 32 * PAGE);
    close(fd);
}

/* --- RDTSC: not compared, since hypervisors let it through --- */

static void segv(int signo, siginfo_t *info, void *context)
{
    (void)context;
    printf("signal %d code %d address %p\n", signo, info->si_code, info->si_addr);
    fflush(stdout);
    prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0);
}

static uint64_t rdtsc(void)
{
    return __builtin_ia32_rdtsc();
}

static uint64_t rdtscp(void)
{
    unsigned aux;
    return __builtin_ia32_rdtscp(&aux);
}

static void in_child(const char *name, uint64_t (*body)(void), bool strict)
{
    int status;
    if (fork() == 0) {
        if (strict)
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
        else
            prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
        syscall(SYS_exit, body() ? 5 : 6);
    }
    wait(&status);
    show_status(name, status);
}

static void time_stamps(void)
{
    struct sigaction action = { .sa_sigaction = segv, .sa_flags = SA_SIGINFO };
    in_child("RDTSC", rdtsc, false);
    in_child("RDTSCP", rdtscp, false);
    in_child("strict RDTSC", rdtsc, true);
    sigaction(SIGSEGV, &action, NULL);
    prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
    show("read", rdtsc() != 0);
    show("read again", rdtsc() != 0);
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1 && strcmp(argv[1], "tsc") == 0) {
        time_stamps();
        return 0;
    }
    if (argc > 1)
        return executed();
    names("as ever");
    personality(0x0020000);
    names("UNAME26");
    personality(0x0020000 | PER_LINUX32);
    names("PER_LINUX32");
    personality(PER_LINUX);
    execute(0);
    execute(READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE);
    execute(MMAP_PAGE_ZERO);
    execute(ADDR_COMPAT_LAYOUT);
    read_implies_exec();
    return 0;
}
