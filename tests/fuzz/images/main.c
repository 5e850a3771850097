/* Damaged images: file systems and archives with bytes changed or cut off are mounted, walked and, where they can be
 * written, changed. The host must survive, every run must end, and the kernel must give every object back.
 *
 *     fuzz-images [--seconds N] [--seed N] [--lives N]
 *
 * A life is one image in one machine, in a process of its own. The images are made by the tools of e2fsprogs, xfsprogs
 * and squashfs-tools-ng, and by tar; the guest program is tests/guest/walk_tree.c, of $GUEST. */
#include "kernel/start.h"
#include "machine/machine.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HANG_SECONDS 60
#define BLOCK 1024u

struct kind {
    const char *name, *command; /* makes "$D/NAME" of the tree "$D/tree" */
    bool writable;
};
static const struct kind kinds[] = {
    { "ext2", "truncate -s 4M $D/ext2 && mke2fs -q -F -t ext2 -d $D/tree $D/ext2", true },
    { "ext4", "truncate -s 4M $D/ext4 && mke2fs -q -F -t ext4 -O ^metadata_csum,^has_journal -d $D/tree $D/ext4", true },
    { "ext4csum", "truncate -s 4M $D/ext4csum && mke2fs -q -F -t ext4 -O inline_data,^has_journal -I 256 -d $D/tree "
                  "$D/ext4csum", false },
    { "xfs4", "truncate -s 320M $D/xfs4 && mkfs.xfs -q -f -m crc=0 -p $D/proto $D/xfs4 2>/dev/null", false },
    { "xfs5", "truncate -s 320M $D/xfs5 && mkfs.xfs -q -f -p $D/proto $D/xfs5", false },
    { "squashfs", "gensquashfs -q -f -D $D/tree $D/squashfs >/dev/null", false },
    { "tar", "tar -C $D/tree --format=pax -cf $D/tar .", false },
    { "tgz", "tar -C $D/tree -czf $D/tgz .", false },
    { "cpio", "cd $D/tree && find . | cpio -o -H newc >$D/cpio 2>/dev/null || tar -C $D/tree --format=ustar -cf $D/cpio .",
      false },
};
#define KINDS (sizeof kinds / sizeof *kinds)

struct source {
    uint8_t *bytes;
    size_t size, count;
    uint32_t *blocks; /* those that hold something */
};
static struct source sources[KINDS];
static char directory[] = "/tmp/fuzz_images_XXXXXX";
static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void run(const char *command)
{
    if (system(command) != 0) {
        fprintf(stderr, "fuzz-images: failed: %s\n", command);
        exit(77);
    }
}

/* --- good images --- */

static void make_tree(void)
{
    run("set -e; mkdir $D/tree $D/tree/d $D/tree/d/e $D/tree/many; head -c 60000 /bin/sh >$D/tree/binary; echo text >$D/tree/d/text;"
        "ln $D/tree/d/text $D/tree/d/hard; ln -s text $D/tree/d/link; ln -s "
        "/a/target/that/is/longer/than/what/an/inode/has/room/for/in/its/blocks/1/2/3 $D/tree/long;"
        "truncate -s 100000 $D/tree/sparse; echo end >>$D/tree/sparse; mkfifo $D/tree/fifo;"
        "for i in $(seq 120); do echo $i >$D/tree/many/a_name_that_is_long_enough_to_fill_blocks_$i; done");
    run("{ printf '/boot\\n0 0\\nd--755 0 0\\n'; printf 'binary ---644 0 0 %s\\n' $D/tree/binary; printf 'many d--755 0 0\\n';"
        "for i in $(seq 120); do printf 'a_name_that_is_long_enough_to_fill_blocks_%s ---644 0 0 %s\\n' $i $D/tree/d/text; done;"
        "printf '$\\nlong l--777 0 0 /a/target/that/is/longer/than/what/an/inode/has/room\\n$\\n'; } >$D/proto");
}

static void load(struct source *source, const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st))
        fail(path);
    source->size = (size_t)st.st_size;
    source->bytes = malloc(source->size);
    source->blocks = malloc((source->size / BLOCK + 1) * sizeof *source->blocks);
    if (!source->bytes || !source->blocks || read(fd, source->bytes, source->size) != st.st_size)
        fail(path);
    close(fd);
    for (size_t at = 0; at + BLOCK <= source->size; at += BLOCK)
        for (size_t i = 0; i < BLOCK; i++)
            if (source->bytes[at + i]) {
                source->blocks[source->count++] = (uint32_t)(at / BLOCK);
                break;
            }
}

static void make_images(void)
{
    setenv("D", directory, 1);
    make_tree();
    for (size_t i = 0; i < KINDS; i++) {
        run(kinds[i].command);
        load(&sources[i], kinds[i].name);
    }
}

/* --- one life --- */

/* Changes at random places, which are undone when the file is written again. */
static void damage(const struct source *source, int fd)
{
    uint64_t changes = draw(3) ? draw(8) + 1 : draw(60) + 1;
    for (; changes && source->count; changes--) {
        uint64_t block = draw(2) ? source->blocks[draw(source->count)] : source->blocks[draw(source->count / 8 + 1)];
        uint64_t at = block * BLOCK + draw(BLOCK), size = draw(4) ? 1 : draw(16) + 1;
        uint8_t bytes[16];
        for (size_t i = 0; i < size; i++) {
            uint8_t was = at + i < source->size ? source->bytes[at + i] : 0;
            switch (draw(5)) {
            case 0: bytes[i] = (uint8_t)draw(256); break;
            case 1: bytes[i] = was ^ (uint8_t)(1u << draw(8)); break;
            case 2: bytes[i] = 0xff; break;
            case 3: bytes[i] = 0; break;
            default: bytes[i] = (uint8_t)(was + draw(5) - 2); break;
            }
        }
        if (at + size <= source->size && pwrite(fd, bytes, size, (off_t)at) != (ssize_t)size)
            fail("pwrite");
    }
    if (draw(8) == 0 && ftruncate(fd, (off_t)draw(source->size)))
        fail("ftruncate");
}

static void copy(const struct source *source, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)source->size))
        fail(path);
    for (size_t i = 0; i < source->count; i++) {
        off_t at = (off_t)source->blocks[i] * BLOCK;
        if (pwrite(fd, source->bytes + at, BLOCK, at) != BLOCK)
            fail(path);
    }
    size_t rest = source->size % BLOCK;
    if (rest && pwrite(fd, source->bytes + source->size - rest, rest, (off_t)(source->size - rest)) < 0)
        fail(path);
    damage(source, fd);
    close(fd);
}

/* 0: it could not be mounted; 1: it was walked; 2: objects were left. */
static int live(const char *program, const char *path, rf_mount_access access)
{
    rf_machine *machine;
    rf_stop_reason reason;
    rf_machine_config config = { .max_cycles = UINT64_C(3000000000) };
    int status = 0;
    if (rf_machine_create(&config, &machine))
        exit(3);
    if (rf_machine_mount(machine, program, "/walk", RF_MOUNT_READ_ONLY))
        exit(3);
    if (rf_machine_mount_image(machine, path, "/image", access) == RF_OK) {
        const char *const argv[] = { "walk_tree", "/image", access == RF_MOUNT_READ_ONLY ? "all" : "change", NULL };
        if (rf_machine_start(machine, "/walk", argv, NULL, NULL) || rf_machine_run(machine, &reason))
            exit(3);
        status = rf_kernel_leaks(&machine->kernel) ? 2 : 1;
    }
    rf_machine_destroy(machine);
    return status;
}

/* In a child. */
static void live_seed(uint64_t seed, const char *program)
{
    char path[128];
    int null = open("/dev/null", O_WRONLY);
    state = seed * UINT64_C(0x2545f4914f6cdd1d);
    size_t kind = (size_t)draw(KINDS);
    snprintf(path, sizeof path, "%s/damaged", directory);
    copy(&sources[kind], path);
    dup2(null, 1);
    alarm(HANG_SECONDS);
    rf_mount_access access = draw(2) ? RF_MOUNT_READ_ONLY : kinds[kind].writable ? RF_MOUNT_WRITABLE : RF_MOUNT_OVERLAY;
    _exit(live(program, path, access));
}

struct totals {
    uint64_t lives, walked;
};

static bool live_one(uint64_t seed, const char *program, struct totals *totals)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        live_seed(seed, program);
    if (child < 0 || waitpid(child, &status, 0) < 0)
        fail("fork");
    totals->lives++;
    totals->walked += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    if (WIFEXITED(status) && WEXITSTATUS(status) < 2)
        return true;
    printf("FAILED: seed %lu %s; again: fuzz-images --lives 1 --seed %lu\n", (unsigned long)seed,
           WIFEXITED(status) ? WEXITSTATUS(status) == 2 ? "left objects" : "could not run"
           : WTERMSIG(status) == SIGALRM ? "did not end" : "died", (unsigned long)seed);
    return false;
}

int main(int argc, char **argv)
{
    uint64_t seconds = 10, seed = 1, lives = 0;
    char program[512];
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 0);
        if (!strcmp(argv[i], "--seconds"))
            seconds = value;
        else if (!strcmp(argv[i], "--seed"))
            seed = value;
        else if (!strcmp(argv[i], "--lives"))
            lives = value;
        else
            return fprintf(stderr, "usage: fuzz-images [--seconds N] [--seed N] [--lives N]\n"), 2;
    }
    const char *guest = getenv("GUEST");
    char *end = strrchr(argv[0], '/');
    if (guest)
        snprintf(program, sizeof program, "%s/walk_tree", guest);
    else
        snprintf(program, sizeof program, "%.*s/../guest/walk_tree", end ? (int)(end - argv[0]) : 1, end ? argv[0] : ".");
    if (!mkdtemp(directory))
        fail(directory);
    make_images();
    struct totals totals = { 0 };
    time_t until = time(NULL) + (time_t)seconds;
    bool ok = true;
    while (ok && (lives ? totals.lives < lives : time(NULL) < until))
        ok = live_one(seed++, program, &totals);
    printf("%lu lives, %lu of them mounted\n", (unsigned long)totals.lives, (unsigned long)totals.walked);
    if (ok)
        run("rm -rf $D");
    return ok && totals.walked ? 0 : 1;
}
