/* The strace formatter: the layout of a line, strings, files, memory and bad input, one
 * named test per rule. The lines are what strace 6.1 prints for the same calls. */
#include "lib/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/errno.h"
#include "abi/linux_flags.h"
#include "abi/linux_structs.h"
#include "abi/signal_names.h"
#include "abi/syscalls.h"
#include "strace_memory.h"
#include "trace/strace.h"

/* ---- layout of a line ---- */

START_TEST(result_stands_at_column_40)
{
    CALL(7, "getpid()                                = 7", getpid, 0);
    CALL(0, "close(123)                              = 0", close, 123);
}
END_TEST

START_TEST(long_arguments_push_the_result)
{
    CALL(0, "munmap(0x7ffff7ff0000, 12345678901)     = 0", munmap, 0x7ffff7ff0000, 12345678901);
    CALL(0, "madvise(0x7ffff7ff0000, 12345678901, MADV_DONTNEED) = 0", madvise, 0x7ffff7ff0000,
         12345678901, 4);
}
END_TEST

START_TEST(errors_have_name_and_text)
{
    CALL(NOENT, "chdir(\"/x\")                             = -1 ENOENT (No such file or directory)",
         chdir, string("/x"));
    CALL(-RF_ENOSYS,
         "getpid()                                = -1 ENOSYS (Function not implemented)", getpid,
         0);
    CALL(-600, "getpid()                                = -1 (errno 600)", getpid, 0);
    CALL(-5000, "getpid()                                = -5000", getpid, 0);
}
END_TEST

START_TEST(restart_errors_are_question_marks)
{
    CALL(-RF_ERESTARTSYS,
         "getpid()                                = ? ERESTARTSYS (To be restarted if SA_RESTART "
         "is set)",
         getpid, 0);
    CALL(-RF_ERESTARTNOINTR,
         "getpid()                                = ? ERESTARTNOINTR (To be restarted)", getpid, 0);
    CALL(-RF_ERESTARTNOHAND,
         "pause()                                 = ? ERESTARTNOHAND (To be restarted if no "
         "handler)",
         pause, 0);
    CALL(-RF_ERESTART_RESTARTBLOCK,
         "nanosleep(NULL, NULL)                   = ? ERESTART_RESTARTBLOCK (Interrupted by "
         "signal)",
         nanosleep, 0, 0);
    CALL(0, "restart_syscall(<... resuming interrupted nanosleep ...>) = 0", restart_syscall, 0);
}
END_TEST

START_TEST(exit_does_not_return)
{
    ENTER(exit_group, 3);
    rf_strace_leave_none(&line);
    EXPECT("exit_group(3)                           = ?");
}
END_TEST

START_TEST(unknown_call_shows_six_numbers)
{
    const uint64_t args[6] = {1, 2, 0, 4, 5, 0xffffffffffffffff};
    rf_strace_enter(&line, 335, args, &source);
    LEAVE(-RF_ENOSYS);
    EXPECT("syscall_0x14f(0x1, 0x2, 0, 0x4, 0x5, 0xffffffffffffffff) = -1 ENOSYS (Function not "
           "implemented)");
}
END_TEST

START_TEST(suspended_call_resumes)
{
    uint64_t buffer = string("");
    ENTER(read, 0, buffer, 10);
    rf_strace_suspend(&line);
    EXPECT("read(0,  <unfinished ...>");
    memcpy(memory, "hi\n", 3);
    LEAVE(3);
    EXPECT("<... read resumed>\"hi\\n\", 10)           = 3");
}
END_TEST

START_TEST(suspended_call_with_all_arguments_shown)
{
    ENTER(futex, 0x1000, 0x80, 2, 0);
    rf_strace_suspend(&line);
    EXPECT("futex(0x1000, FUTEX_WAIT_PRIVATE, 2, NULL <unfinished ...>");
    LEAVE(0);
    EXPECT("<... futex resumed>)                    = 0");
}
END_TEST

START_TEST(suspended_clone_shows_child_later)
{
    ENTER(clone, RF_CLONE_CHILD_SETTID | RF_SIGCHLD, 0, 0, 0x2000, 0);
    rf_strace_suspend(&line);
    EXPECT("clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>");
    LEAVE(9);
    EXPECT("<... clone resumed>, child_tidptr=0x2000) = 9");
}
END_TEST

START_TEST(killed_in_a_call)
{
    ENTER(read, 0, BASE, 10);
    rf_strace_leave_none(&line);
    EXPECT("read(0,  <unfinished ...>)              = ?");
    ENTER(pause, 0);
    rf_strace_leave_none(&line);
    EXPECT("pause()                                 = ?");
}
END_TEST

START_TEST(prefix_counts_for_the_column)
{
    rf_strace_set_prefix(&line, "[pid    42] ");
    CALL(7, "[pid    42] getpid()                    = 7", getpid, 0);
    ENTER(read, 0, BASE, 1);
    rf_strace_suspend(&line);
    EXPECT("[pid    42] read(0,  <unfinished ...>");
    LEAVE(0);
    EXPECT("[pid    42] <... read resumed>\"\", 1)    = 0");
}
END_TEST

START_TEST(longest_line_keeps_its_result)
{
    uint64_t text = BASE;
    uint64_t vectors[64];
    for (int i = 0; i < 64; i++)
        vectors[i] = text;
    vectors[32] = 0;
    memset(memory, 1, 0x1000);
    used = 0x1000;
    rf_strace_line_init(&line, NULL, 1024);
    ENTER(execve, string("/bin/x"), put(vectors, sizeof vectors), 0);
    LEAVE(0);
    ck_assert_uint_lt(line.length, RF_STRACE_LINE_MAX);
    ck_assert_uint_eq(line.length, strlen(line.text));
    ck_assert_ptr_nonnull(strstr(line.text, "...) = 0"));
}
END_TEST

/* ---- strings ---- */

START_TEST(string_of_32_is_whole_and_33_is_cut)
{
    uint64_t text = string("0123456789abcdef0123456789abcdefX");
    CALL(32, "write(1, \"0123456789abcdef0123456789abcdef\", 32) = 32", write, 1, text, 32);
    CALL(33, "write(1, \"0123456789abcdef0123456789abcdef\"..., 33) = 33", write, 1, text, 33);
    CALL(0, "memfd_create(\"0123456789abcdef0123456789abcdef\"..., 0) = 0", memfd_create, text, 0);
    memory[32] = 0;
    CALL(0, "memfd_create(\"0123456789abcdef0123456789abcdef\", 0) = 0", memfd_create, text, 0);
}
END_TEST

START_TEST(string_limit_is_adjustable)
{
    rf_strace_line_init(&line, NULL, 4);
    CALL(5, "write(1, \"hell\"..., 5)                  = 5", write, 1, string("hello"), 5);
}
END_TEST

START_TEST(escapes)
{
    static const uint8_t control[] = {1, 7, 8, 9, 10, 11, 12, 13, 27, 31, 34, 92, 127, 200};
    CALL(14, "write(1, \"\\1\\7\\10\\t\\n\\v\\f\\r\\33\\37\\\"\\\\\\177\\310\", 14) = 14", write, 1,
         put(control, sizeof control), sizeof control);
}
END_TEST

START_TEST(short_escape_before_a_digit_is_padded)
{
    static const uint8_t bytes[] = {1, '7', 1, '8', 0, '0', 0};
    CALL(7, "write(1, \"\\0017\\18\\0000\\0\", 7)          = 7", write, 1, put(bytes, 7), 7);
}
END_TEST

START_TEST(unreadable_memory_shows_addresses)
{
    CALL(-RF_EFAULT, "write(1, 0x10, 5)                       = -1 EFAULT (Bad address)", write, 1,
         0x10, 5);
    CALL(-RF_EFAULT, "open(0x10, O_RDONLY)                    = -1 EFAULT (Bad address)", open,
         0x10, 0);
    CALL(-RF_EFAULT, "open(NULL, O_RDONLY)                    = -1 EFAULT (Bad address)", open, 0,
         0);
    CALL(-RF_EFAULT, "write(1, 0xfffffffffffffff0, 32)        = -1 EFAULT (Bad address)", write, 1,
         0xfffffffffffffff0, 32);
}
END_TEST

START_TEST(string_at_the_end_of_memory)
{
    memcpy(memory + SIZE - 3, "ab", 3);
    CALL(3, "open(\"ab\", O_RDONLY)                    = 3", open, BASE + SIZE - 3, 0);
    memory[SIZE - 1] = 'c';
    CALL(-RF_EFAULT, "open(0x1fffd, O_RDONLY)                 = -1 EFAULT (Bad address)", open,
         BASE + SIZE - 3, 0);
}
END_TEST

START_TEST(path_is_not_cut)
{
    CALL(0, "chdir(\"/aaaaaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbbbbbb/cccccc\") = 0", chdir,
         string("/aaaaaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbbbbbb/cccccc"));
}
END_TEST

/* ---- files ---- */

START_TEST(open_flags_and_mode)
{
    uint64_t path = string("/f");
    CALL(3, "openat(AT_FDCWD, \"/f\", O_RDONLY|O_CLOEXEC) = 3", openat, FD_CWD, path, RF_O_CLOEXEC,
         0777);
    CALL(3, "openat(5, \"/f\", O_WRONLY|O_CREAT|O_TRUNC, 0644) = 3", openat, 5, path,
         RF_O_WRONLY | RF_O_CREAT | RF_O_TRUNC, 0644);
    CALL(3, "open(\"/f\", O_RDWR|O_NONBLOCK|O_DIRECTORY) = 3", open, path,
         RF_O_RDWR | RF_O_NONBLOCK | RF_O_DIRECTORY);
    CALL(3, "open(\"/f\", O_RDONLY|O_TMPFILE, 000)     = 3", open, path, RF_O_TMPFILE, 0);
    CALL(3, "open(\"/f\", O_RDONLY|0x10)               = 3", open, path, 0x10);
    CALL(3, "creat(\"/f\", 0600)                       = 3", creat, path, 0600);
}
END_TEST

START_TEST(read_shows_what_was_read)
{
    uint64_t buffer = string("before");
    ENTER(read, 3, buffer, 100);
    memcpy(memory, "after!", 6);
    LEAVE(5);
    EXPECT("read(3, \"after\", 100)                   = 5");
    CALL(-RF_EBADF, "read(3, 0x10000, 100)                   = -1 EBADF (Bad file descriptor)",
         read, 3, buffer, 100);
    CALL(0, "read(3, \"\", 100)                        = 0", read, 3, buffer, 100);
    CALL(2, "pread64(3, \"af\", 2, 8)                  = 2", pread64, 3, buffer, 2, 8);
}
END_TEST

START_TEST(data_vectors)
{
    uint64_t text = string("abcdef");
    uint64_t vectors = WORDS(text, 2, text + 2, 10, 0, 5);
    CALL(7,
         "writev(1, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"cdef\\0\\0\\0\\0\\0\\0\", "
         "iov_len=10}, {iov_base=NULL, iov_len=5}], 3) = 7",
         writev, 1, vectors, 3);
    CALL(3, "readv(0, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\", iov_len=10}], 2) = 3", readv,
         0, vectors, 2);
    CALL(0, "writev(1, [], 0)                        = 0", writev, 1, vectors, 0);
    CALL(-RF_EFAULT, "writev(1, 0x10, 1)                      = -1 EFAULT (Bad address)", writev, 1,
         0x10, 1);
}
END_TEST

START_TEST(stat_is_abbreviated)
{
    struct rf_stat stat = {.st_mode = 0100644, .st_size = 1234};
    struct rf_stat tty = {.st_mode = 020620, .st_rdev = 0x8801};
    struct rf_stat tmp = {.st_mode = 041777, .st_size = 4096};
    CALL(0, "fstat(3, {st_mode=S_IFREG|0644, st_size=1234, ...}) = 0", fstat, 3,
         put(&stat, sizeof stat));
    CALL(0, "fstat(0, {st_mode=S_IFCHR|0620, st_rdev=makedev(0x88, 0x1), ...}) = 0", fstat, 0,
         put(&tty, sizeof tty));
    CALL(0, "newfstatat(AT_FDCWD, \"/\", {st_mode=S_IFDIR|S_ISVTX|0777, st_size=4096, ...}, 0) = 0",
         newfstatat, FD_CWD, string("/"), put(&tmp, sizeof tmp), 0);
    CALL(NOENT, "stat(\"/x\", 0x10000)                     = -1 ENOENT (No such file or directory)",
         stat, string("/x"), BASE);
}
END_TEST

START_TEST(statx_is_abbreviated)
{
    struct rf_statx statx = {.stx_mask = 0x17ff, .stx_mode = 0100755, .stx_size = 99};
    CALL(0,
         "statx(3, \"\", AT_STATX_SYNC_AS_STAT|AT_EMPTY_PATH, STATX_BASIC_STATS, "
         "{stx_mask=STATX_BASIC_STATS|STATX_MNT_ID, stx_attributes=0, stx_mode=S_IFREG|0755, "
         "stx_size=99, ...}) = 0",
         statx, 3, string(""), RF_AT_EMPTY_PATH, RF_STATX_BASIC_STATS, put(&statx, sizeof statx));
}
END_TEST

START_TEST(directory_entries_are_counted)
{
    static const uint8_t entries[64] = {[16] = 24, [24 + 16] = 40};
    uint64_t buffer = put(entries, sizeof entries);
    CALL(64, "getdents64(3, 0x10000 /* 2 entries */, 1024) = 64", getdents64, 3, buffer, 1024);
    CALL(0, "getdents64(3, 0x10000 /* 0 entries */, 1024) = 0", getdents64, 3, buffer, 1024);
}
END_TEST

START_TEST(link_and_cwd)
{
    CALL(4, "readlink(\"/l\", \"/bin\", 100)             = 4", readlink, string("/l"),
         string("/bin/more"), 100);
    CALL(5, "getcwd(\"/tmp\", 100)                     = 5", getcwd, string("/tmp"), 100);
    CALL(-RF_ERANGE,
         "getcwd(0x10000, 1)                      = -1 ERANGE (Numerical result out of range)",
         getcwd, BASE, 1);
}
END_TEST

START_TEST(fcntl_by_command)
{
    CALL(1, "fcntl(3, F_GETFD)                       = 0x1 (flags FD_CLOEXEC)", fcntl, 3, 1, 77);
    CALL(0, "fcntl(3, F_GETFD)                       = 0", fcntl, 3, 1);
    CALL(0, "fcntl(3, F_SETFD, FD_CLOEXEC)           = 0", fcntl, 3, 2, 1);
    CALL(0x8402,
         "fcntl(3, F_GETFL)                       = 0x8402 (flags O_RDWR|O_APPEND|"
         "O_LARGEFILE)",
         fcntl, 3, 3);
    CALL(10, "fcntl(3, F_DUPFD, 10)                   = 10", fcntl, 3, 0, 10);
    struct rf_flock lock = {.l_type = 1, .l_start = 5, .l_len = 10, .l_pid = 77};
    uint64_t at = put(&lock, sizeof lock);
    CALL(0, "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=5, l_len=10}) = 0",
         fcntl, 3, RF_F_SETLK, at);
    CALL(0,
         "fcntl(3, F_GETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=5, l_len=10, l_pid=77}) "
         "= 0",
         fcntl, 3, RF_F_GETLK, at);
    CALL(-RF_EINVAL, "fcntl(3, 0x63 /* F_??? */, 0x5)         = -1 EINVAL (Invalid argument)",
         fcntl, 3, 99, 5);
}
END_TEST

START_TEST(terminal_ioctls)
{
    struct rf_termios termios = {
        .c_iflag = 0x500, .c_oflag = 5, .c_cflag = 0xbf, .c_lflag = 0x8a3b};
    struct rf_winsize size = {24, 80, 0, 0};
    uint64_t at = put(&termios, sizeof termios);
    CALL(0,
         "ioctl(0, TCGETS, {c_iflag=ICRNL|IXON, c_oflag=NL0|CR0|TAB0|BS0|VT0|FF0|OPOST|ONLCR, "
         "c_cflag=B38400|CS8|CREAD, c_lflag=ISIG|ICANON|ECHO|ECHOE|ECHOK|IEXTEN|ECHOCTL|ECHOKE, "
         "...}) = 0",
         ioctl, 0, RF_TCGETS, at);
    CALL(-RF_ENOTTY,
         "ioctl(3, TCGETS, 0x10000)               = -1 ENOTTY (Inappropriate ioctl for device)",
         ioctl, 3, RF_TCGETS, at);
    CALL(0, "ioctl(0, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0", ioctl, 0,
         RF_TIOCGWINSZ, put(&size, sizeof size));
    CALL(0, "ioctl(0, TIOCGPGRP, [42])               = 0", ioctl, 0, RF_TIOCGPGRP, INTS(42));
    CALL(-RF_ENOTTY,
         "ioctl(0, _IOC(_IOC_NONE, 0x56, 0x78, 0x1234), 0x5) = -1 ENOTTY (Inappropriate ioctl for "
         "device)",
         ioctl, 0, 0x12345678, 5);
}
END_TEST

START_TEST(file_times)
{
    CALL(0,
         "utimensat(AT_FDCWD, \"/f\", [UTIME_OMIT, {tv_sec=1700000000, tv_nsec=5} "
         "/* 2023-11-14T22:13:20.000000005+0000 */], 0) = 0",
         utimensat, FD_CWD, string("/f"), WORDS(0, RF_UTIME_OMIT, 1700000000, 5), 0);
    CALL(0, "utime(\"/f\", {actime=951782400 /* 2000-02-29T00:00:00+0000 */, modtime=0}) = 0",
         utime, string("/f"), WORDS(951782400, 0));
    CALL(0, "utimes(\"/f\", NULL)                      = 0", utimes, string("/f"), 0);
}
END_TEST

START_TEST(device_nodes)
{
    uint64_t path = string("/d");
    CALL(0, "mknod(\"/d\", S_IFCHR|0644, makedev(0x1, 0x5)) = 0", mknod, path, 020644, 0x105);
    CALL(0, "mknod(\"/d\", S_IFREG|0644)               = 0", mknod, path, 0100644, 0x105);
}
END_TEST

START_TEST(pipes_and_duplicates)
{
    uint64_t pair = INTS(0, 0);
    ENTER(pipe2, pair, RF_O_CLOEXEC);
    memcpy(memory, (const int32_t[]){3, 4}, 8);
    LEAVE(0);
    EXPECT("pipe2([3, 4], O_CLOEXEC)                = 0");
    CALL(5, "dup2(3, 5)                              = 5", dup2, 3, 5);
}
END_TEST

START_TEST(sendfile_offset_moves)
{
    uint64_t offset = WORDS(3);
    ENTER(sendfile, 5, 3, offset, 5);
    memory[0] = 8;
    LEAVE(5);
    EXPECT("sendfile(5, 3, [3] => [8], 5)           = 5");
}
END_TEST

/* ---- memory ---- */

START_TEST(mmap_flags)
{
    CALL(0x7ffff7ff0000,
         "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = "
         "0x7ffff7ff0000",
         mmap, 0, 8192, 3, 0x22, UINT64_MAX, 0);
    CALL(-RF_EINVAL,
         "mmap(0x1000, 0, PROT_NONE, MAP_SHARED|MAP_FIXED, 3, 0x2000) = -1 EINVAL (Invalid "
         "argument)",
         mmap, 0x1000, 0, 0, 0x11, 3, 0x2000);
    CALL(0x1000,
         "mmap(NULL, 1, PROT_NONE, MAP_PRIVATE|MAP_HUGETLB|21<<MAP_HUGE_SHIFT, -1, 0) = 0x1000",
         mmap, 0, 1, 0, 0x54040002, UINT64_MAX, 0);
}
END_TEST

START_TEST(brk_and_mremap)
{
    CALL(0x555000, "brk(NULL)                               = 0x555000", brk, 0);
    CALL(0x1000, "mremap(0x1000, 4096, 8192, MREMAP_MAYMOVE) = 0x1000", mremap, 0x1000, 4096, 8192,
         1, 0x5555);
    CALL(0x1000, "mremap(0x1000, 1, 2, MREMAP_MAYMOVE|MREMAP_FIXED, 0x5000) = 0x1000", mremap,
         0x1000, 1, 2, 3, 0x5000);
}
END_TEST

START_TEST(mincore_vector)
{
    uint8_t pages[40] = {1, 0, 1};
    CALL(0, "mincore(0x1000, 12288, [1, 0, 1])       = 0", mincore, 0x1000, 12288,
         put(pages, sizeof pages));
}
END_TEST

/* ---- bad input ---- */

/* Any call with any arguments gives one line within the buffer. */
START_TEST(random_arguments_stay_in_bounds)
{
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < SIZE; i++)
        memory[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int round = 0; round < 60000; round++) {
        uint64_t args[6];
        for (int i = 0; i < 6; i++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            switch (state >> 60) {
            case 0:
                args[i] = state;
                break;
            case 1:
                args[i] = UINT64_MAX - (state & 15);
                break;
            case 2:
            case 3:
            case 4:
                args[i] = state >> 20 & 0xff;
                break;
            case 5:
                args[i] = BASE + SIZE - (state >> 20 & 31);
                break;
            default:
                args[i] = BASE + (state >> 20 & (SIZE - 1));
                break;
            }
        }
        unsigned nr = (unsigned)round % 470;
        rf_strace_enter(&line, nr, args, &source);
        if (round % 7 == 0)
            rf_strace_suspend(&line);
        if (round % 11 == 0)
            rf_strace_leave_none(&line);
        else
            LEAVE(round % 3 ? (int64_t)(state >> 50) : -(int64_t)(state >> 55));
        ck_assert_uint_eq(strlen(line.text), line.length);
        ck_assert_ptr_null(strchr(line.text, '\n'));
        ck_assert_ptr_nonnull(strstr(line.text, "= "));
    }
}
END_TEST

START_TEST(without_memory_everything_is_an_address)
{
    const uint64_t args[6] = {BASE, BASE, BASE, BASE, BASE, BASE};
    for (unsigned nr = 0; nr < RF_SYSCALL_COUNT; nr++) {
        rf_strace_enter(&line, nr, args, NULL);
        rf_strace_leave(&line, 0, NULL);
        ck_assert_ptr_nonnull(strstr(line.text, "= "));
    }
}
END_TEST

START_TEST(format_in_one_step)
{
    char text[100];
    struct rf_strace_call call = {.nr = RF_NR_close, .args = {3}, .result = 0, .returned = true};
    ck_assert_uint_eq(rf_strace_format(text, sizeof text, &call, &source), 43);
    ck_assert_str_eq(text, "close(3)                                = 0");
    call.returned = false;
    rf_strace_format(text, sizeof text, &call, &source);
    ck_assert_str_eq(text, "close(3)                                = ?");
    ck_assert_uint_eq(rf_strace_format(text, 6, &call, &source), 43);
    ck_assert_str_eq(text, "close");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("strace");
    TCase *tests = tcase_create("lines");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, result_stands_at_column_40);
    tcase_add_test(tests, long_arguments_push_the_result);
    tcase_add_test(tests, errors_have_name_and_text);
    tcase_add_test(tests, restart_errors_are_question_marks);
    tcase_add_test(tests, exit_does_not_return);
    tcase_add_test(tests, unknown_call_shows_six_numbers);
    tcase_add_test(tests, suspended_call_resumes);
    tcase_add_test(tests, suspended_call_with_all_arguments_shown);
    tcase_add_test(tests, suspended_clone_shows_child_later);
    tcase_add_test(tests, killed_in_a_call);
    tcase_add_test(tests, prefix_counts_for_the_column);
    tcase_add_test(tests, longest_line_keeps_its_result);
    tcase_add_test(tests, string_of_32_is_whole_and_33_is_cut);
    tcase_add_test(tests, string_limit_is_adjustable);
    tcase_add_test(tests, escapes);
    tcase_add_test(tests, short_escape_before_a_digit_is_padded);
    tcase_add_test(tests, unreadable_memory_shows_addresses);
    tcase_add_test(tests, string_at_the_end_of_memory);
    tcase_add_test(tests, path_is_not_cut);
    tcase_add_test(tests, open_flags_and_mode);
    tcase_add_test(tests, read_shows_what_was_read);
    tcase_add_test(tests, data_vectors);
    tcase_add_test(tests, stat_is_abbreviated);
    tcase_add_test(tests, statx_is_abbreviated);
    tcase_add_test(tests, directory_entries_are_counted);
    tcase_add_test(tests, link_and_cwd);
    tcase_add_test(tests, fcntl_by_command);
    tcase_add_test(tests, terminal_ioctls);
    tcase_add_test(tests, file_times);
    tcase_add_test(tests, device_nodes);
    tcase_add_test(tests, pipes_and_duplicates);
    tcase_add_test(tests, sendfile_offset_moves);
    tcase_add_test(tests, mmap_flags);
    tcase_add_test(tests, brk_and_mremap);
    tcase_add_test(tests, mincore_vector);
    tcase_add_test(tests, random_arguments_stay_in_bounds);
    tcase_add_test(tests, without_memory_everything_is_an_address);
    tcase_add_test(tests, format_in_one_step);
    suite_add_tcase(suite, tests);

    return run_suite(suite);
}
