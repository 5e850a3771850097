/* Random changes of a small tree of files: `file_stress DIR SEED COUNT`. Prints each call's result and a digest of the
 * tree now and then, so that the same run on two file systems can be compared. */
#include "guest.h"

#include <dirent.h>
#include <sys/xattr.h>

#define NAMES 24
#define HELD 6
#define SIZE_MAX_USED (3u << 20)

static uint64_t state;
static int held[HELD];

static uint64_t draw(uint64_t below)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static const char *name(char *out)
{
    unsigned n = (unsigned)draw(NAMES * 3);
    static const char *const dirs[3] = { ".", "d1", "d1/d2" };
    if (n % 7 == 0)
        sprintf(out, "%s/a_rather_long_name_that_fills_directory_blocks_%u", dirs[n / NAMES], n % NAMES);
    else
        sprintf(out, "%s/n%u", dirs[n / NAMES], n % NAMES);
    return out;
}

static void fill(uint8_t *bytes, size_t size)
{
    uint64_t seed = draw(UINT64_MAX);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(seed >> (i % 57)) ^ (uint8_t)(i * 31);
}

static long report(const char *what, long result)
{
    printf("%s %ld %d\n", what, result, result < 0 ? errno : 0);
    return result;
}

/* --- the tree as text --- */

static uint64_t hash(uint64_t h, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        h = (h ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t contents(const char *path, uint64_t h)
{
    static uint8_t buffer[65536];
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n;
    while (fd >= 0 && (n = read(fd, buffer, sizeof buffer)) > 0)
        h = hash(h, buffer, (size_t)n);
    if (fd >= 0)
        close(fd);
    return h;
}

static uint64_t attributes(const char *path, uint64_t h)
{
    static const char *const names[] = { "user.one", "user.two", "user.three" };
    char value[4096];
    for (int i = 0; i < 3; i++) {
        ssize_t n = lgetxattr(path, names[i], value, sizeof value);
        if (n >= 0)
            h = hash(h, value, (size_t)n) + (uint64_t)i + 1;
    }
    return h;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void tree(const char *path, int depth)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        char below[4096], target[256] = "";
        struct stat st;
        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        if (strcmp(entries[i]->d_name, ".") && strcmp(entries[i]->d_name, "..") && lstat(below, &st) == 0) {
            uint64_t h = UINT64_C(0xcbf29ce484222325);
            if (S_ISREG(st.st_mode))
                h = contents(below, h);
            if (S_ISLNK(st.st_mode))
                h = hash(h, target, (size_t)readlink(below, target, sizeof target - 1));
            if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
                h = attributes(below, h);
            printf("  %s %o %lu %ld %llx %x\n", below, st.st_mode, (long)st.st_nlink, S_ISDIR(st.st_mode) ? 0 : (long)st.st_size,
                   (unsigned long long)h, (unsigned)st.st_rdev);
            if (S_ISDIR(st.st_mode) && depth < 6)
                tree(below, depth + 1);
        }
        free(entries[i]);
    }
    free(entries);
}

/* --- the operations --- */

static void op_write(void)
{
    static uint8_t bytes[200000];
    char path[128];
    size_t size = draw(8) ? draw(9000) + 1 : draw(sizeof bytes) + 1;
    off_t offset = (off_t)(draw(3) ? draw(50000) : draw(SIZE_MAX_USED));
    int fd = open(name(path), O_RDWR | O_CREAT | (draw(6) ? 0 : O_TRUNC) | (draw(6) ? 0 : O_APPEND), 0644);
    report("open", fd < 0 ? -1 : 0);
    if (fd < 0)
        return;
    fill(bytes, size);
    report("pwrite", pwrite(fd, bytes, size, offset));
    int slot = (int)draw(HELD * 4);
    if (slot < HELD) {
        close(held[slot]);
        held[slot] = fd;
    } else {
        close(fd);
    }
}

static void op_size(void)
{
    char path[128];
    report("truncate", truncate(name(path), (off_t)draw(draw(3) ? 20000 : SIZE_MAX_USED)));
}

static void op_allocate(void)
{
    char path[128];
    int fd = open(name(path), O_RDWR);
    if (fd < 0)
        return;
    off_t from = (off_t)draw(100000), length = (off_t)draw(200000) + 1;
    switch (draw(3)) {
    case 0: report("fallocate", fallocate(fd, 0, from, length)); break;
    case 1: report("keep", fallocate(fd, FALLOC_FL_KEEP_SIZE, from, length)); break;
    default: report("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, length)); break;
    }
    close(fd);
}

static void op_map(void)
{
    char path[128];
    struct stat st;
    int fd = open(name(path), O_RDWR | O_NONBLOCK);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 100) {
        uint8_t *map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map != MAP_FAILED) {
            for (int i = 0; i < 5; i++)
                map[draw((uint64_t)st.st_size)] = (uint8_t)draw(256);
            if (draw(2))
                report("msync", msync(map, (size_t)st.st_size, MS_SYNC));
            munmap(map, (size_t)st.st_size);
        }
    }
    close(fd);
}

static void op_names(void)
{
    char a[128], b[128];
    switch (draw(12)) {
    case 0:
    case 1: report("mkdir", mkdir(name(a), 0755)); break;
    case 2: report("rmdir", rmdir(name(a))); break;
    case 3: report("unlink", unlink(name(a))); break;
    case 4: report("link", link(name(a), name(b))); break;
    case 5: report("symlink", symlink(draw(2) ? "n1" : "d1/d2/a_target_that_is_longer_than_what_fits_into_an_inode/12345", name(a))); break;
    case 6:
    case 7: report("rename", rename(name(a), name(b))); break;
    case 8: report("exchange", renameat2(AT_FDCWD, name(a), AT_FDCWD, name(b), RENAME_EXCHANGE)); break;
    case 9: report("noreplace", renameat2(AT_FDCWD, name(a), AT_FDCWD, name(b), RENAME_NOREPLACE)); break;
    case 10: report("mkfifo", mkfifo(name(a), 0600)); break;
    default: report("chmod", chmod(name(a), 0700 | (mode_t)draw(077))); break;
    }
}

static void op_attribute(void)
{
    static const char *const names[] = { "user.one", "user.two", "user.three" };
    char path[128], value[900];
    const char *key = names[draw(3)];
    size_t size = draw(4) ? draw(60) : draw(sizeof value);
    fill((uint8_t *)value, size);
    name(path);
    struct stat st;
    if (lstat(path, &st) || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return;
    if (draw(3))
        report("setxattr", setxattr(path, key, value, size, draw(3) ? 0 : draw(2) ? XATTR_CREATE : XATTR_REPLACE));
    else
        report("removexattr", removexattr(path, key));
}

static void op_held(void)
{
    int slot = (int)draw(HELD);
    uint8_t bytes[3000];
    struct stat st;
    if (held[slot] < 0)
        return;
    fill(bytes, sizeof bytes);
    report("held", pwrite(held[slot], bytes, draw(sizeof bytes), (off_t)draw(60000)));
    if (fstat(held[slot], &st) == 0)
        report("links", (long)st.st_nlink);
    if (draw(3) == 0)
        report("fsync", fsync(held[slot]));
    if (draw(4) == 0) {
        close(held[slot]);
        held[slot] = -1;
    }
}

static void op_tmpfile(void)
{
    char path[128], link_path[64];
    int fd = open(draw(2) ? "d1" : ".", O_TMPFILE | O_RDWR, 0640);
    report("tmpfile", fd < 0 ? -1 : 0);
    if (fd < 0)
        return;
    report("write", write(fd, "temporary", 9));
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    if (draw(2))
        report("linkat", linkat(AT_FDCWD, link_path, AT_FDCWD, name(path), AT_SYMLINK_FOLLOW));
    close(fd);
}

int main(int argc, char **argv)
{
    static void (*const ops[])(void) = { op_write, op_write, op_size, op_allocate, op_map, op_names, op_names,
                                         op_names, op_names, op_attribute, op_held, op_tmpfile };
    if (argc != 4 || chdir(argv[1]))
        return 2;
    state = strtoull(argv[2], NULL, 0);
    for (int i = 0; i < HELD; i++)
        held[i] = -1;
    umask(022);
    mkdir("d1", 0755);
    mkdir("d1/d2", 0755);
    int count = atoi(argv[3]);
    for (int i = 0; i < count; i++) {
        ops[draw(sizeof ops / sizeof *ops)]();
        if (i % 500 == 499) {
            printf("after %d:\n", i + 1);
            tree(".", 0);
        }
    }
    printf("end:\n");
    tree(".", 0);
    return 0;
}
