/* Everything that a tree shows: `walk_tree DIR [all | change]`. Prints a line for each name, sorted, with a digest of
 * contents and attributes; "all": with owners and times too. "change": also makes, moves and removes names and writes
 * into files, whatever comes of it. For images, which may be damaged: errors are printed, and the walk has limits. */
#include "guest.h"

#include <dirent.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define DEPTH_MAX 12
#define NAMES_MAX 20000
#define BYTES_MAX (64u << 20)

static bool all, change;
static unsigned names;
static uint64_t bytes;

static uint64_t hash(uint64_t h, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        h = (h ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* -errno, or a digest. */
static uint64_t contents(const char *path, uint64_t h)
{
    static uint8_t buffer[65536];
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return (uint64_t)-errno;
    ssize_t n;
    while (bytes < BYTES_MAX && (n = read(fd, buffer, sizeof buffer)) != 0) {
        if (n < 0) {
            h = (uint64_t)-errno;
            break;
        }
        bytes += (uint64_t)n;
        h = hash(h, buffer, (size_t)n);
    }
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_size > 0) { /* the last page, as a mapping shows it; SIGBUS if it cannot be read */
        off_t last = (st.st_size - 1) / 4096 * 4096;
        void *map = (int64_t)h < 0 && (int64_t)h > -4096 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, last);
        if (map != MAP_FAILED) {
            h = hash(h, map, (size_t)(st.st_size - last));
            munmap(map, 4096);
        }
    }
    close(fd);
    return h;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint64_t attributes(const char *path, uint64_t h)
{
    static char list[65536], value[65536];
    ssize_t size = llistxattr(path, list, sizeof list);
    char *sorted[512];
    size_t count = 0;
    for (char *at = list; size > 0 && at < list + size && count < 512; at += strlen(at) + 1)
        sorted[count++] = at;
    qsort(sorted, count, sizeof *sorted, by_text);
    for (size_t i = 0; i < count; i++) {
        ssize_t n = lgetxattr(path, sorted[i], value, sizeof value);
        h = hash(hash(h, sorted[i], strlen(sorted[i])), value, n > 0 ? (size_t)n : 0) + (n < 0 ? 1 : 0);
    }
    return h;
}

static void show_name(const char *path, const struct stat *st)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    char target[4096] = "";
    if (S_ISREG(st->st_mode))
        h = contents(path, h);
    if (S_ISLNK(st->st_mode)) {
        ssize_t n = readlink(path, target, sizeof target);
        h = n < 0 ? (uint64_t)-errno : hash(h, target, (size_t)n);
    }
    if (all)
        h = attributes(path, h);
    printf("%s %o %lu %lld %016llx", path, st->st_mode, S_ISDIR(st->st_mode) ? 0 : (long)st->st_nlink,
           S_ISDIR(st->st_mode) ? 0 : (long long)st->st_size, (unsigned long long)h);
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        printf(" %u:%u", major(st->st_rdev), minor(st->st_rdev));
    if (all)
        printf(" %u:%u %lld", st->st_uid, st->st_gid, (long long)st->st_mtim.tv_sec);
    printf("\n");
}

static void change_here(const char *directory, const char *entry)
{
    char a[4300], b[4300];
    snprintf(a, sizeof a, "%s/new_%u", directory, names);
    snprintf(b, sizeof b, "%s/moved_%u", directory, names);
    int fd = open(a, O_RDWR | O_CREAT, 0644);
    if (fd >= 0) {
        pwrite(fd, a, strlen(a), 50000);
        fsetxattr(fd, "user.new", a, 100, 0);
        close(fd);
    }
    rename(a, b);
    link(b, a);
    symlink("target", b);
    mkdir(strcat(b, "_d"), 0755);
    switch (names % 6) {
    case 0: truncate(entry, 12345); break;
    case 1: unlink(entry); break;
    case 2: rename(entry, a); break;
    case 3: rmdir(b); break;
    case 4: setxattr(entry, "user.x", directory, 30, 0); break;
    default: break;
    }
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void walk(const char *path, int depth)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name);
    if (count < 0)
        printf("%s: error %d\n", path, errno);
    for (int i = 0; i < count; i++) {
        char below[4200];
        struct stat st;
        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        bool skipped = !strcmp(entries[i]->d_name, ".") || !strcmp(entries[i]->d_name, "..") || names >= NAMES_MAX;
        if (!skipped && lstat(below, &st)) {
            printf("%s: error %d\n", below, errno);
            skipped = true;
        }
        if (!skipped) {
            names++;
            show_name(below, &st);
            if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
                walk(below, depth + 1);
            if (change && names % 3 == 0)
                change_here(path, below);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int argc, char **argv)
{
    if (argc < 2 || chdir(argv[1]))
        return 2;
    all = argc > 2 && !strcmp(argv[2], "all");
    change = argc > 2 && !strcmp(argv[2], "change");
    walk(".", 0);
    return 0;
}
