/* The file side of the kernel, driven through its system call handlers: what two kernels cannot
 * be compared on. Memory is given back, host directories cannot be left, mounts, blocking, bad
 * addresses. (tests/guest/file_*.c compare the rest with the host's kernel.) */
#include "kernel/frames.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/signal.h"
#include "kernel/start.h"
#include "kernel/task/task.h"
#include "kernel/vfs/path.h"

#include "lib/suite.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER UINT64_C(0x10000000) /* a mapped MiB */
#define USER_BYTES UINT64_C(0x100000)
#define BAD UINT64_C(8)

static struct rf_ram ram;
static struct rf_cpu cpu;
static struct rf_kernel kernel, *k = &kernel;
static struct rf_error error;
static char host[64]; /* a host directory */

/* --- one kernel, one or two tasks --- */

static struct rf_task *new_task(void)
{
    struct rf_task *task = rf_task_create(k);
    task->process = rf_kalloc(k, sizeof *task->process);
    task->process->references = task->process->thread_count = 1;
    task->process->pid = task->process->pgid = task->process->sid = task->tid;
    task->process->leader = task;
    for (size_t i = 0; i < RF_ARRAY_SIZE(task->process->rlimit); i++)
        task->process->rlimit[i] = (struct rf_rlimit64){ UINT64_MAX, UINT64_MAX };
    task->process->rlimit[RF_RLIMIT_NOFILE] = (struct rf_rlimit64){ 1024, 4096 };
    task->sighand = rf_kalloc(k, sizeof *task->sighand);
    task->sighand->references = 1;
    task->state = RF_TASK_RUNNABLE;
    task->host_fd = -1;
    if (k->current) {
        rf_credentials_copy(&task->credentials, &k->current->credentials);
        ck_assert_int_eq(rf_namespaces_copy(k, &task->namespaces, &k->current->namespaces, 0, NULL), 0);
        return task;
    }
    struct rf_user_namespace *users;
    ck_assert(rf_namespaces_create(k, &task->namespaces, &users));
    rf_credentials_first(&task->credentials, 0, 0, users);
    return task;
}

static void setup(void)
{
    static const struct rf_kernel_config config;
    ck_assert_int_eq(rf_ram_create(&ram, UINT64_C(256) << 20, &error), RF_OK);
    memset(&cpu, 0, sizeof cpu);
    ck_assert_int_eq(rf_cpu_init(&cpu, &ram, &rf_cost_generic, &error), RF_OK);
    ck_assert_msg(rf_kernel_create(k, &cpu, &ram, &config, &error) == RF_OK, "%s", error.text);
    struct rf_task *task = new_task();
    task->files = rf_fd_table_create(k);
    task->fs = rf_fs_context_create(k);
    task->mm = rf_mm_create(k);
    k->current = task;
    rf_mm_activate(k, task->mm);
    int64_t at = rf_mm_map(k, task->mm, USER, USER_BYTES, RF_PROT_READ | RF_PROT_WRITE,
                           RF_MAP_PRIVATE | RF_MAP_ANONYMOUS | RF_MAP_FIXED, NULL, 0);
    ck_assert_int_eq(at, (int64_t)USER);
    strcpy(host, "/tmp/check_vfsXXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(host));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void teardown(void)
{
    rf_kernel_destroy(k);
    rf_cpu_destroy(&cpu);
    rf_ram_destroy(&ram);
    nftw(host, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- calls --- */

static int64_t again(unsigned number, const uint64_t a[6])
{
    return k->handlers[number](k, a);
}

static int64_t call6(unsigned number, const uint64_t a[6])
{
    memset(k->current->scratch, 0, sizeof k->current->scratch);
    k->current->deadline = 0;
    ck_assert_ptr_nonnull(k->handlers[number]);
    return again(number, a);
}
#define CALL(name, ...) call6(RF_NR_##name, (const uint64_t[6]){ __VA_ARGS__ })

/* Strings and bytes for a call, one after the other in user memory. */
static uint64_t user_next = USER;
static uint64_t user(const void *bytes, size_t size)
{
    if (user_next + size > USER + USER_BYTES / 2)
        user_next = USER;
    uint64_t at = user_next;
    ck_assert_int_eq(rf_copy_to_user(k, at, bytes, size), 0);
    user_next += (size + 15) & ~(size_t)15;
    return at;
}

static uint64_t text(const char *string)
{
    return user(string, strlen(string) + 1);
}

static int64_t open_at(const char *path, uint32_t flags)
{
    return CALL(open, text(path), flags, 0644);
}

static int64_t write_text(int64_t fd, const char *string)
{
    return CALL(write, (uint64_t)fd, text(string), strlen(string));
}

#define BUFFER (USER + USER_BYTES / 2)
static const char *read_text(int64_t fd)
{
    static char bytes[4096];
    int64_t n = CALL(read, (uint64_t)fd, BUFFER, sizeof bytes - 1);
    ck_assert_int_ge(n, 0);
    ck_assert_int_eq(rf_copy_from_user(k, bytes, BUFFER, (size_t)n), 0);
    bytes[n] = '\0';
    return bytes;
}

static const char *contents(const char *path)
{
    int64_t fd = open_at(path, RF_O_RDONLY);
    ck_assert_msg(fd >= 0, "%s: %d", path, (int)fd);
    const char *result = read_text(fd);
    CALL(close, (uint64_t)fd);
    return result;
}

static void make(const char *path, const char *string)
{
    int64_t fd = open_at(path, RF_O_WRONLY | RF_O_CREAT | RF_O_TRUNC);
    ck_assert_msg(fd >= 0, "%s: %d", path, (int)fd);
    ck_assert_int_eq(write_text(fd, string), (int64_t)strlen(string));
    CALL(close, (uint64_t)fd);
}

static void host_file(const char *name, const char *string)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", host, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(string, f);
    fclose(f);
}

static void host_link(const char *target, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", host, name);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void host_directory(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", host, name);
    ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void mount_at(const char *path, bool writable)
{
    ck_assert_msg(rf_vfs_mount_host(k, host, path, writable, &error) == RF_OK, "%s", error.text);
}

/* Names of a directory, each followed by a blank. */
static const char *listing(const char *path)
{
    static char names[4096];
    uint8_t bytes[4096];
    names[0] = '\0';
    int64_t fd = open_at(path, RF_O_RDONLY | RF_O_DIRECTORY), n;
    ck_assert_int_ge(fd, 0);
    while ((n = CALL(getdents64, (uint64_t)fd, BUFFER, 200)) > 0) {
        ck_assert_int_eq(rf_copy_from_user(k, bytes, BUFFER, (size_t)n), 0);
        for (int64_t at = 0; at < n;) {
            uint16_t length;
            memcpy(&length, bytes + at + 16, sizeof length);
            strcat(strcat(names, (char *)bytes + at + 19), " ");
            at += length;
        }
    }
    ck_assert_int_eq(n, 0);
    CALL(close, (uint64_t)fd);
    return names;
}

/* --- tmpfs --- */

START_TEST(memory_of_removed_files_comes_back)
{
    ck_assert_int_eq(open_at("/tmp/warm", RF_O_RDWR | RF_O_CREAT), 0);
    CALL(write, 0, USER, 70000);
    CALL(pread64, 0, BUFFER, 10, 0);
    CALL(close, 0);
    CALL(unlink, text("/tmp/warm"));
    uint64_t frames = rf_frames_free(k), objects = k->heap.objects;
    int64_t fd = open_at("/tmp/f", RF_O_RDWR | RF_O_CREAT);
    ck_assert_int_eq(CALL(write, (uint64_t)fd, USER, 70000), 70000);
    ck_assert_int_eq(CALL(pwrite64, (uint64_t)fd, USER, 10, UINT64_C(1) << 40), 10);
    ck_assert_uint_lt(rf_frames_free(k), frames);
    ck_assert_int_eq(CALL(unlink, text("/tmp/f")), 0);
    ck_assert_uint_lt(rf_frames_free(k), frames);
    ck_assert_int_eq(CALL(pread64, (uint64_t)fd, BUFFER, 10, UINT64_C(1) << 40), 10);
    ck_assert_int_eq(CALL(close, (uint64_t)fd), 0);
    ck_assert_uint_eq(rf_frames_free(k), frames);
    ck_assert_uint_eq(k->heap.objects, objects);
}
END_TEST

START_TEST(every_kind_of_call_gives_its_memory_back)
{
    make("/tmp/a", "a");
    uint64_t objects = k->heap.objects;
    for (int i = 0; i < 3; i++) {
        CALL(mkdir, text("/tmp/d"), 0755);
        make("/tmp/d/f", "f");
        CALL(symlink, text("../a"), text("/tmp/d/l"));
        CALL(symlink, text("l"), text("/tmp/d/m"));
        ck_assert_str_eq(contents("/tmp/d/m"), "a");
        CALL(stat, text("/tmp/d/missing/x"), BUFFER);
        CALL(stat, text("/tmp/d/f/x"), BUFFER);
        CALL(link, text("/tmp/d/f"), text("/tmp/d/g"));
        CALL(rename, text("/tmp/d/g"), text("/tmp/d/f2"));
        CALL(rename, text("/tmp/d/f2"), text("/tmp/d/l"));
        CALL(unlink, text("/tmp/d/f"));
        CALL(unlink, text("/tmp/d/l"));
        CALL(unlink, text("/tmp/d/m"));
        CALL(chdir, text("/tmp/d"));
        CALL(chdir, text("/"));
        ck_assert_int_eq(CALL(rmdir, text("/tmp/d")), 0);
        contents("/proc/self/status");
        contents("/proc/cpuinfo");
        listing("/proc/self/fd");
        CALL(open, text("/proc/self/fd/9"), 0);
    }
    ck_assert_uint_eq(k->heap.objects, objects);
}
END_TEST

START_TEST(a_deep_tree_is_built_and_released)
{
    for (int i = 0; i < 20000; i++) {
        ck_assert_int_eq(CALL(mkdir, text("d"), 0755), 0);
        ck_assert_int_eq(CALL(chdir, text("d")), 0);
    }
    ck_assert_int_eq(CALL(getcwd, BUFFER, 100000), -RF_ENAMETOOLONG);
    ck_assert_int_eq(CALL(chdir, text("/")), 0);
}
END_TEST

START_TEST(one_file_system_of_memory_does_not_take_all_of_it)
{
    int64_t fd = open_at("/tmp/big", RF_O_RDWR | RF_O_CREAT), n;
    while ((n = CALL(write, (uint64_t)fd, USER, USER_BYTES)) == (int64_t)USER_BYTES)
        continue;
    if (n > 0)
        n = CALL(write, (uint64_t)fd, USER, USER_BYTES);
    ck_assert_int_eq(n, -RF_ENOSPC);
    ck_assert_uint_gt(rf_frames_free(k), rf_frames_total(k) / 20);
}
END_TEST

START_TEST(a_page_of_a_file_is_the_file)
{
    make("/tmp/f", "page");
    struct rf_file *file;
    uint64_t pa, second;
    ck_assert_int_eq(rf_vfs_open(k, RF_AT_FDCWD, "/tmp/f", RF_O_RDWR, 0, &file), 0);
    ck_assert_int_eq(rf_file_page(k, file, 0, &pa), 0);
    ck_assert_mem_eq(rf_frame_host(k, pa), "page", 5);
    memcpy(rf_frame_host(k, pa), "PAGE", 4);
    ck_assert_str_eq(contents("/tmp/f"), "PAGE");
    ck_assert_int_eq(rf_file_page(k, file, 1, &second), -RF_EFAULT);
    rf_frame_put(k, pa);
    rf_file_put(k, file);
}
END_TEST

/* --- descriptors --- */

START_TEST(a_bad_address_leaves_no_descriptor)
{
    uint64_t objects = k->heap.objects;
    ck_assert_int_eq(CALL(pipe, BAD), -RF_EFAULT);
    ck_assert_int_eq(CALL(pipe, USER + USER_BYTES - 4), -RF_EFAULT);
    ck_assert_int_eq(CALL(open, BAD, 0), -RF_EFAULT);
    ck_assert_int_eq(CALL(openat2, 0, text("/"), BAD, 24), -RF_EFAULT);
    ck_assert_ptr_null(rf_fd_file(k, 0));
    ck_assert_uint_eq(k->heap.objects, objects);
}
END_TEST

START_TEST(a_failed_write_keeps_what_was_copied)
{
    int64_t fd = open_at("/tmp/f", RF_O_RDWR | RF_O_CREAT);
    ck_assert_int_eq(CALL(write, (uint64_t)fd, USER + USER_BYTES - 100, 200), 100);
    ck_assert_int_eq(CALL(write, (uint64_t)fd, BAD, 200), -RF_EFAULT);
    ck_assert_int_eq(CALL(lseek, (uint64_t)fd, 0, RF_SEEK_CUR), 100);
}
END_TEST

START_TEST(sizes_of_guests_are_not_believed)
{
    int64_t fd = open_at("/tmp/f", RF_O_RDWR | RF_O_CREAT);
    ck_assert_int_eq(CALL(readv, (uint64_t)fd, USER, UINT64_MAX), -RF_EINVAL);
    ck_assert_int_eq(CALL(poll, USER, UINT32_MAX, 0), -RF_EINVAL);
    ck_assert_int_eq(CALL(select, 1 << 30, 0, 0, 0, 0), RF_BLOCKED);
    rf_make_runnable(k, k->current);
    ck_assert_int_eq(CALL(dup2, (uint64_t)fd, INT32_MAX), -RF_EBADF);
    ck_assert_int_eq(CALL(pwrite64, (uint64_t)fd, USER, 10, INT64_MAX), -RF_EINVAL);
    ck_assert_int_eq(CALL(ftruncate, (uint64_t)fd, INT64_MAX), 0);
    ck_assert_int_eq(CALL(pwrite64, (uint64_t)fd, USER, 10, INT64_MAX - 4), -RF_EINVAL);
    ck_assert_int_eq(CALL(fallocate, (uint64_t)fd, 0, INT64_MAX, 10), -RF_EFBIG);
    ck_assert_int_eq(CALL(fallocate, (uint64_t)fd, 3, 0, INT64_MAX), 0);
}
END_TEST

/* --- waiting --- */

static int64_t fds_of_pipe(int32_t fds[2])
{
    int64_t result = CALL(pipe, BUFFER);
    ck_assert_int_eq(rf_copy_from_user(k, fds, BUFFER, 8), 0);
    return result;
}

/* A second thread of the process. */
static struct rf_task *second_task(void)
{
    struct rf_task *task = new_task();
    task->files = k->current->files;
    rf_fd_table_get(task->files);
    task->fs = k->current->fs;
    rf_fs_context_get(task->fs);
    task->mm = k->current->mm;
    rf_mm_get(task->mm);
    return task;
}

START_TEST(a_reader_sleeps_until_something_comes)
{
    int32_t fds[2];
    struct rf_task *reader = k->current, *writer = second_task();
    ck_assert_int_eq(fds_of_pipe(fds), 0);
    const uint64_t a[6] = { (uint64_t)fds[0], BUFFER, 10 };
    ck_assert_int_eq(call6(RF_NR_read, a), RF_BLOCKED);
    ck_assert_int_eq(reader->state, RF_TASK_SLEEPING);
    k->current = writer;
    ck_assert_int_eq(write_text(fds[1], "hello"), 5);
    ck_assert_int_eq(reader->state, RF_TASK_RUNNABLE);
    k->current = reader;
    ck_assert_int_eq(again(RF_NR_read, a), 5);
}
END_TEST

START_TEST(a_long_write_goes_on_where_it_was)
{
    int32_t fds[2];
    struct rf_task *reader = k->current, *writer = second_task();
    ck_assert_int_eq(fds_of_pipe(fds), 0);
    k->current = writer;
    const uint64_t a[6] = { (uint64_t)fds[1], USER, 200000 };
    int64_t result = call6(RF_NR_write, a), total = 0;
    while (result == RF_BLOCKED) {
        k->current = reader;
        total += CALL(read, (uint64_t)fds[0], BUFFER, 5000);
        k->current = writer;
        if (writer->state == RF_TASK_RUNNABLE)
            result = again(RF_NR_write, a);
    }
    ck_assert_int_eq(result, 200000);
    k->current = reader;
    while (total < 200000)
        total += CALL(read, (uint64_t)fds[0], BUFFER, 5000);
    ck_assert_int_eq(total, 200000);
}
END_TEST

START_TEST(closing_wakes_whoever_waits)
{
    int32_t fds[2];
    struct rf_task *reader = k->current, *closer = second_task();
    ck_assert_int_eq(fds_of_pipe(fds), 0);
    const uint64_t a[6] = { (uint64_t)fds[0], BUFFER, 10 };
    ck_assert_int_eq(call6(RF_NR_read, a), RF_BLOCKED);
    k->current = closer;
    CALL(close, (uint64_t)fds[0]);
    CALL(close, (uint64_t)fds[1]);
    ck_assert_int_eq(reader->state, RF_TASK_RUNNABLE);
    ck_assert_ptr_null(reader->waits);
    k->current = reader;
    ck_assert_int_eq(again(RF_NR_read, a), -RF_EBADF);
}
END_TEST

START_TEST(an_interrupted_open_of_a_fifo_counts_no_longer)
{
    ck_assert_int_eq(CALL(mknod, text("/tmp/fifo"), RF_S_IFIFO | 0600, 0), 0);
    const uint64_t a[6] = { text("/tmp/fifo"), RF_O_RDONLY };
    ck_assert_int_eq(call6(RF_NR_open, a), RF_BLOCKED);
    struct rf_task *reader = k->current, *writer = second_task();
    reader->process->exiting = true;
    rf_leave_queues(k, reader);
    reader->state = RF_TASK_RUNNABLE;
    ck_assert_int_eq(again(RF_NR_open, a), -RF_ERESTARTSYS);
    k->current = writer;
    ck_assert_int_eq(open_at("/tmp/fifo", RF_O_WRONLY | RF_O_NONBLOCK), -RF_ENXIO);
}
END_TEST

START_TEST(a_deadlock_of_record_locks_is_refused)
{
    make("/tmp/f", "0123456789");
    struct rf_task *first = k->current, *second = new_task();
    second->fs = first->fs;
    rf_fs_context_get(second->fs);
    second->mm = first->mm;
    rf_mm_get(second->mm);
    second->files = rf_fd_table_create(k);
    const struct rf_flock low = { .l_type = RF_F_WRLCK, .l_len = 1 };
    const struct rf_flock high = { .l_type = RF_F_WRLCK, .l_start = 5, .l_len = 1 };
    uint64_t at_low = USER + 4096, at_high = USER + 8192;
    rf_copy_to_user(k, at_low, &low, sizeof low);
    rf_copy_to_user(k, at_high, &high, sizeof high);
    ck_assert_int_eq(open_at("/tmp/f", RF_O_RDWR), 0);
    ck_assert_int_eq(CALL(fcntl, 0, RF_F_SETLK, at_low), 0);
    k->current = second;
    ck_assert_int_eq(open_at("/tmp/f", RF_O_RDWR), 0);
    ck_assert_int_eq(CALL(fcntl, 0, RF_F_SETLK, at_high), 0);
    ck_assert_int_eq(CALL(fcntl, 0, RF_F_SETLK, at_low), -RF_EAGAIN);
    ck_assert_int_eq(CALL(fcntl, 0, RF_F_SETLKW, at_low), RF_BLOCKED);
    k->current = first;
    ck_assert_int_eq(CALL(fcntl, 0, RF_F_SETLKW, at_high), -RF_EDEADLK);
    CALL(close, 0);
    ck_assert_int_eq(second->state, RF_TASK_RUNNABLE);
}
END_TEST

START_TEST(standard_input_waits_for_the_host)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct rf_file *file = rf_vfs_host_stdio(k, ends[0], RF_O_RDONLY);
    ck_assert_int_eq(rf_fd_install(k, file, 0, false), 0);
    const uint64_t a[6] = { 0, BUFFER, 10 };
    ck_assert_int_eq(call6(RF_NR_read, a), RF_BLOCKED);
    ck_assert_int_eq(k->current->host_fd, ends[0]);
    ck_assert_int_eq(write(ends[1], "abc", 3), 3);
    const uint64_t bad[6] = { 0, BAD, 10 };
    ck_assert_int_eq(again(RF_NR_read, bad), -RF_EFAULT);
    ck_assert_int_eq(again(RF_NR_read, a), 3); /* nothing was lost */
    close(ends[1]);
    ck_assert_int_eq(call6(RF_NR_read, a), 0);
    ck_assert_int_eq(CALL(close, 0), 0);
    ck_assert_int_eq(close(ends[0]), 0); /* it is still the caller's */
}
END_TEST

START_TEST(a_broken_host_pipe_is_a_signal_in_the_guest_alone)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    struct rf_file *file = rf_vfs_host_stdio(k, ends[1], RF_O_WRONLY);
    ck_assert_int_eq(rf_fd_install(k, file, 0, false), 0);
    ck_assert_int_eq(write_text(0, "x"), -RF_EPIPE);
    ck_assert(rf_signal_pending(k->current));
    close(ends[1]);
}
END_TEST

/* --- host directories --- */

START_TEST(a_host_directory_is_shown)
{
    host_file("b", "bee");
    host_file("a", "");
    host_directory("c");
    host_file("c/inner", "inside");
    mount_at("/mnt/host", false);
    ck_assert_str_eq(listing("/mnt/host"), ". .. a b c ");
    ck_assert_str_eq(contents("/mnt/host/b"), "bee");
    ck_assert_str_eq(contents("/mnt/host/c/../c/inner"), "inside");
    ck_assert_str_eq(listing("/mnt"), ". .. host ");
    struct stat st;
    struct rf_stat shown;
    char path[128];
    snprintf(path, sizeof path, "%s/b", host);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(CALL(stat, text("/mnt/host/b"), BUFFER), 0);
    ck_assert_int_eq(rf_copy_from_user(k, &shown, BUFFER, sizeof shown), 0);
    ck_assert_uint_eq(shown.st_ino, st.st_ino);
    ck_assert_uint_eq(shown.st_mode, st.st_mode);
    ck_assert_uint_eq(shown.st_uid, st.st_uid);
    ck_assert_int_eq(shown.st_size, 3);
}
END_TEST

START_TEST(a_host_directory_cannot_be_left)
{
    char up[4096] = "";
    host_directory("in");
    host_link("/etc/passwd", "absolute");
    host_link("../../../../../../etc/passwd", "relative");
    host_link("/proc/self/root/etc/passwd", "magic");
    host_link("/", "root");
    host_link("in/../..", "parent");
    mount_at("/mnt", true);
    static const char *const paths[] = { "/mnt/absolute", "/mnt/relative", "/mnt/magic",
                                         "/mnt/root/etc/passwd", "/mnt/parent/etc/passwd",
                                         "/mnt/in/../../etc/passwd" };
    for (size_t i = 0; i < RF_ARRAY_SIZE(paths); i++) {
        ck_assert_int_eq(open_at(paths[i], RF_O_RDONLY), -RF_ENOENT);
        ck_assert_int_eq(open_at(paths[i], RF_O_WRONLY | RF_O_TRUNC), -RF_ENOENT);
    }
    for (int i = 0; i < 60; i++)
        strcat(up, "../");
    strcat(up, "etc/passwd");
    ck_assert_int_eq(CALL(chdir, text("/mnt/in")), 0);
    ck_assert_int_eq(open_at(up, RF_O_RDONLY), -RF_ENOENT);
    ck_assert_int_eq(CALL(symlink, text("/etc"), text("/mnt/made")), 0);
    ck_assert_int_eq(open_at("/mnt/made/passwd", RF_O_RDONLY), -RF_ENOENT);
    ck_assert_str_eq(listing("/mnt/root"), listing("/"));
}
END_TEST

/* The host replaces a directory by a link while the guest stands in it. */
START_TEST(changes_on_the_host_do_not_open_a_way_out)
{
    char from[128], to[128];
    host_directory("d");
    host_file("d/f", "inside");
    mount_at("/mnt", false);
    ck_assert_int_eq(CALL(chdir, text("/mnt/d")), 0);
    ck_assert_str_eq(contents("f"), "inside");
    snprintf(from, sizeof from, "%s/d", host);
    snprintf(to, sizeof to, "%s/moved", host);
    ck_assert_int_eq(rename(from, to), 0);
    host_link("/etc", "d");
    ck_assert_str_eq(contents("f"), "inside"); /* the directory itself has only moved */
    ck_assert_int_eq(open_at("/mnt/d/passwd", RF_O_RDONLY), -RF_ENOENT);
}
END_TEST

START_TEST(nothing_changes_on_a_read_only_mount)
{
    host_file("f", "fixed");
    host_directory("d");
    mount_at("/mnt", false);
    ck_assert_int_eq(open_at("/mnt/f", RF_O_WRONLY), -RF_EROFS);
    ck_assert_int_eq(open_at("/mnt/f", RF_O_RDONLY | RF_O_TRUNC), -RF_EROFS);
    ck_assert_int_eq(open_at("/mnt/new", RF_O_WRONLY | RF_O_CREAT), -RF_EROFS);
    ck_assert_int_eq(open_at("/mnt", RF_O_RDWR | RF_O_TMPFILE), -RF_EROFS);
    ck_assert_int_eq(CALL(mkdir, text("/mnt/new"), 0755), -RF_EROFS);
    ck_assert_int_eq(CALL(mkdir, text("/mnt/d"), 0755), -RF_EEXIST);
    ck_assert_int_eq(CALL(mknod, text("/mnt/new"), RF_S_IFIFO | 0600, 0), -RF_EROFS);
    ck_assert_int_eq(CALL(unlink, text("/mnt/f")), -RF_EROFS);
    ck_assert_int_eq(CALL(rmdir, text("/mnt/d")), -RF_EROFS);
    ck_assert_int_eq(CALL(rename, text("/mnt/f"), text("/mnt/g")), -RF_EROFS);
    ck_assert_int_eq(CALL(rename, text("/mnt/f"), text("/tmp/g")), -RF_EXDEV);
    ck_assert_int_eq(CALL(link, text("/mnt/f"), text("/mnt/g")), -RF_EROFS);
    ck_assert_int_eq(CALL(symlink, text("x"), text("/mnt/g")), -RF_EROFS);
    ck_assert_int_eq(CALL(chmod, text("/mnt/f"), 0600), -RF_EROFS);
    ck_assert_int_eq(CALL(chown, text("/mnt/f"), 1, 1), -RF_EROFS);
    ck_assert_int_eq(CALL(truncate, text("/mnt/f"), 0), -RF_EROFS);
    ck_assert_int_eq(CALL(utimes, text("/mnt/f"), 0), -RF_EROFS);
    ck_assert_int_eq(CALL(access, text("/mnt/f"), RF_W_OK), -RF_EROFS);
    int64_t fd = open_at("/mnt/f", RF_O_RDONLY);
    ck_assert_int_eq(CALL(fchmod, (uint64_t)fd, 0600), -RF_EROFS);
    ck_assert_int_eq(CALL(ftruncate, (uint64_t)fd, 0), -RF_EINVAL);
    ck_assert_str_eq(listing("/mnt"), ". .. d f ");
    ck_assert_str_eq(contents("/mnt/f"), "fixed");
}
END_TEST

START_TEST(changes_of_a_writable_mount_reach_the_host)
{
    char path[128], bytes[16] = "";
    struct stat st;
    mount_at("/mnt", true);
    k->current->fs->umask = 0;
    mode_t before = umask(077);
    make("/mnt/new", "from the guest");
    CALL(chmod, text("/mnt/new"), 0664);
    ck_assert_int_eq(CALL(mkdir, text("/mnt/dir"), 0775), 0);
    umask(before);
    ck_assert_int_eq(CALL(rename, text("/mnt/new"), text("/mnt/dir/moved")), 0);
    snprintf(path, sizeof path, "%s/dir", host);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0775);
    strcat(path, "/moved");
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0664);
    int fd = open(path, O_RDONLY);
    ck_assert_int_eq(read(fd, bytes, sizeof bytes), 14);
    ck_assert_mem_eq(bytes, "from the guest", 14);
    close(fd);
}
END_TEST

START_TEST(a_shared_mapping_is_written_back)
{
    char path[128], bytes[16] = "";
    struct rf_file *file;
    uint64_t pa;
    host_file("m", "mapped text");
    mount_at("/mnt", true);
    ck_assert_int_eq(rf_vfs_open(k, RF_AT_FDCWD, "/mnt/m", RF_O_RDWR, 0, &file), 0);
    ck_assert_int_eq(rf_file_may_map(k, file, RF_PROT_WRITE, true), 0);
    ck_assert_int_eq(rf_file_page(k, file, 0, &pa), 0);
    memcpy(rf_frame_host(k, pa), "MAPPED", 6);
    ck_assert_str_eq(contents("/mnt/m"), "MAPPED text"); /* reads see it at once */
    rf_frame_put(k, pa);
    rf_file_put(k, file);
    snprintf(path, sizeof path, "%s/m", host);
    int fd = open(path, O_RDONLY);
    ck_assert_int_eq(read(fd, bytes, sizeof bytes), 11);
    ck_assert_mem_eq(bytes, "MAPPED text", 11);
    close(fd);
}
END_TEST

START_TEST(host_descriptors_are_given_back)
{
    host_file("f", "f");
    host_directory("d");
    mount_at("/mnt", false);
    int before = dup(0);
    close(before);
    for (int i = 0; i < 50; i++) {
        contents("/mnt/f");
        listing("/mnt/d");
        open_at("/mnt/d/none", RF_O_RDONLY);
    }
    int after = dup(0);
    close(after);
    ck_assert_int_eq(after, before);
}
END_TEST

START_TEST(one_host_file_is_shown_alone)
{
    char path[128];
    host_file("secret", "hidden");
    host_file("shown", "seen");
    snprintf(path, sizeof path, "%s/shown", host);
    ck_assert_int_eq(rf_vfs_mount_host(k, path, "/data/file", false, &error), RF_OK);
    ck_assert_str_eq(contents("/data/file"), "seen");
    ck_assert_str_eq(listing("/data"), ". .. file ");
    ck_assert_int_eq(open_at("/data/file/../secret", RF_O_RDONLY), -RF_ENOTDIR);
    ck_assert_int_eq(open_at("/data/secret", RF_O_RDONLY), -RF_ENOENT);
    ck_assert_int_eq(CALL(unlink, text("/data/file")), -RF_EBUSY);
}
END_TEST

START_TEST(bad_mounts_are_explained)
{
    ck_assert_int_eq(rf_vfs_mount_host(k, "/no/such/thing", "/mnt", false, &error), RF_ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.text, "/no/such/thing"));
    ck_assert_int_eq(rf_vfs_mount_host(k, "/dev/null", "/mnt", false, &error), RF_ERR_UNSUPPORTED);
    ck_assert_int_ne(rf_vfs_mount_host(k, host, "relative", false, &error), RF_OK);
    ck_assert_int_ne(rf_vfs_mount_host(k, host, "/a/../b", false, &error), RF_OK);
    ck_assert_int_ne(rf_vfs_add_file(k, "/", "x", 1, 0755, &error), RF_OK);
}
END_TEST

START_TEST(a_host_directory_as_root_still_has_devices_and_processes)
{
    host_file("top", "of the root");
    rf_fs_context_put(k, k->current->fs);
    ck_assert_int_eq(rf_vfs_mount_root(k, host, false, &error), RF_OK);
    k->current->fs = rf_fs_context_create(k);
    ck_assert_str_eq(contents("/top"), "of the root");
    ck_assert_str_eq(listing("/"), ". .. dev proc top ");
    int64_t fd = open_at("/dev/null", RF_O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write_text(fd, "gone"), 4);
    ck_assert_ptr_nonnull(strstr(contents("/proc/self/status"), "Pid:"));
    ck_assert_int_eq(CALL(chdir, text("/dev")), 0);
    ck_assert_int_eq(CALL(chdir, text("..")), 0);
    ck_assert_str_eq(contents("top"), "of the root");
    ck_assert_int_eq(CALL(mkdir, text("/x"), 0755), -RF_EROFS);
    ck_assert_int_ne(rf_vfs_add_file(k, "/x", "x", 1, 0755, &error), RF_OK);
    ck_assert_int_eq(rf_vfs_add_file(k, "/made/up/x", "added", 5, 0755, &error), RF_OK);
    ck_assert_str_eq(contents("/made/up/x"), "added");
    ck_assert_str_eq(contents("/made/../made/up/../up/x"), "added");
    ck_assert_str_eq(listing("/"), ". .. dev made proc top ");
}
END_TEST

/* --- rights and roots --- */

START_TEST(rights_of_ordinary_users)
{
    struct rf_credentials *c = &k->current->credentials;
    make("/tmp/private", "root's");
    CALL(chmod, text("/tmp/private"), 0600);
    CALL(mkdir, text("/tmp/closed"), 0700);
    c->uid = c->euid = c->fsuid = c->gid = c->egid = c->fsgid = 1000;
    c->effective = c->permitted = 0;
    ck_assert_int_eq(open_at("/tmp/private", RF_O_RDONLY), -RF_EACCES);
    ck_assert_int_eq(CALL(stat, text("/tmp/private"), BUFFER), 0);
    ck_assert_int_eq(CALL(stat, text("/tmp/closed/x"), BUFFER), -RF_EACCES);
    ck_assert_int_eq(CALL(unlink, text("/tmp/private")), -RF_EPERM); /* sticky */
    ck_assert_int_eq(CALL(chmod, text("/tmp/private"), 0666), -RF_EPERM);
    ck_assert_int_eq(CALL(chown, text("/tmp/private"), 1000, 1000), -RF_EPERM);
    ck_assert_int_eq(open_at("/new", RF_O_WRONLY | RF_O_CREAT), -RF_EACCES);
    ck_assert_int_eq(CALL(utimes, text("/tmp/private"), 0), -RF_EACCES);
    make("/tmp/mine", "mine");
    ck_assert_int_eq(CALL(chmod, text("/tmp/mine"), 0), 0);
    ck_assert_int_eq(open_at("/tmp/mine", RF_O_RDONLY), -RF_EACCES);
    ck_assert_int_eq(CALL(mknod, text("/tmp/dev"), RF_S_IFCHR | 0666, 0x103), -RF_EPERM);
    ck_assert_int_eq(CALL(chroot, text("/tmp")), -RF_EPERM);
    ck_assert_int_eq(CALL(unlink, text("/tmp/mine")), 0);
}
END_TEST

START_TEST(a_changed_root_is_the_top)
{
    CALL(mkdir, text("/jail"), 0755);
    CALL(mkdir, text("/jail/in"), 0755);
    make("/jail/in/f", "jailed");
    make("/outside", "free");
    ck_assert_int_eq(CALL(chroot, text("/jail")), 0);
    ck_assert_int_eq(CALL(getcwd, BUFFER, 100), 15);
    char where[16];
    rf_copy_from_user(k, where, BUFFER, 15);
    ck_assert_str_eq(where, "(unreachable)/");
    ck_assert_int_eq(CALL(chdir, text("/in")), 0);
    ck_assert_str_eq(contents("/in/f"), "jailed");
    ck_assert_int_eq(open_at("/../../outside", RF_O_RDONLY), -RF_ENOENT);
    ck_assert_int_eq(CALL(getcwd, BUFFER, 100), 4);
}
END_TEST

/* execve needs the right to execute and no other; whatever is not a plain file is refused, and
 * a FIFO is not waited for. */
START_TEST(opening_for_execution)
{
    struct rf_file *file;
    struct rf_credentials *c = &k->current->credentials;
    make("/tmp/program", "x");
    CALL(chmod, text("/tmp/program"), 0711);
    CALL(mknod, text("/tmp/fifo"), RF_S_IFIFO | 0777, 0);
    CALL(symlink, text("program"), text("/tmp/link"));
    c->fsuid = c->fsgid = 1000;
    c->effective = 0;
    ck_assert_int_eq(open_at("/tmp/program", RF_O_RDONLY), -RF_EACCES);
    ck_assert_int_eq(rf_vfs_open_exec(k, RF_AT_FDCWD, "/tmp/program", 0, &file), 0);
    rf_file_put(k, file);
    ck_assert_int_eq(rf_vfs_open_exec(k, RF_AT_FDCWD, "/tmp/fifo", 0, &file), -RF_EACCES);
    ck_assert_int_eq(rf_vfs_open_exec(k, RF_AT_FDCWD, "/tmp", 0, &file), -RF_EACCES);
    ck_assert_int_eq(rf_vfs_open_exec(k, RF_AT_FDCWD, "/tmp/link", RF_AT_SYMLINK_NOFOLLOW, &file),
                     -RF_ELOOP);
}
END_TEST

static void add_tests(TCase *tc, const TTest *const *tests, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tc, tests[i]);
}

int main(void)
{
    static const TTest *tests[40];
    size_t count = 0;
#define ADD(name) tests[count++] = name
    ADD(memory_of_removed_files_comes_back);
    ADD(every_kind_of_call_gives_its_memory_back);
    ADD(a_deep_tree_is_built_and_released);
    ADD(one_file_system_of_memory_does_not_take_all_of_it);
    ADD(a_page_of_a_file_is_the_file);
    ADD(a_bad_address_leaves_no_descriptor);
    ADD(a_failed_write_keeps_what_was_copied);
    ADD(sizes_of_guests_are_not_believed);
    ADD(a_reader_sleeps_until_something_comes);
    ADD(a_long_write_goes_on_where_it_was);
    ADD(closing_wakes_whoever_waits);
    ADD(an_interrupted_open_of_a_fifo_counts_no_longer);
    ADD(a_deadlock_of_record_locks_is_refused);
    ADD(standard_input_waits_for_the_host);
    ADD(a_broken_host_pipe_is_a_signal_in_the_guest_alone);
    ADD(a_host_directory_is_shown);
    ADD(a_host_directory_cannot_be_left);
    ADD(changes_on_the_host_do_not_open_a_way_out);
    ADD(nothing_changes_on_a_read_only_mount);
    ADD(changes_of_a_writable_mount_reach_the_host);
    ADD(a_shared_mapping_is_written_back);
    ADD(host_descriptors_are_given_back);
    ADD(one_host_file_is_shown_alone);
    ADD(bad_mounts_are_explained);
    ADD(a_host_directory_as_root_still_has_devices_and_processes);
    ADD(rights_of_ordinary_users);
    ADD(a_changed_root_is_the_top);
    ADD(opening_for_execution);
    Suite *suite = suite_create("vfs");
    TCase *tc = tcase_create("files");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    add_tests(tc, tests, count);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
