/* fork vfork clone execve exit. */
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/signal.h"
#include "kernel/task/clock.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

#include <stdlib.h>
#include <string.h>

/* --- birth --- */

static int64_t sys_fork(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    const struct rf_clone_args args = { .exit_signal = RF_SIGCHLD };
    return rf_task_clone(k, &args);
}

static int64_t sys_vfork(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    const struct rf_clone_args args = { .flags = RF_CLONE_VM | RF_CLONE_VFORK, .exit_signal = RF_SIGCHLD };
    return rf_task_clone(k, &args);
}

static int64_t sys_clone(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_clone_args args = { .flags = a[0] & 0xffffff00u, .exit_signal = a[0] & 0xff, .stack = a[1],
                                        .parent_tid = a[2], .child_tid = a[3], .tls = a[4],
                                        .pidfd = a[2] };
    if (args.flags & RF_CLONE_PIDFD && args.flags & RF_CLONE_PARENT_SETTID)
        return -RF_EINVAL; /* one place for two numbers */
    return rf_task_clone(k, &args);
}

static int64_t sys_clone3(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_clone_args args = { 0 };
    if (rf_task_clone_begun(k)) /* a child of vfork may have written over the arguments */
        return rf_task_clone(k, &args);
    if (a[1] < 64)
        return -RF_EINVAL;
    if (a[1] > RF_PAGE_SIZE)
        return -RF_E2BIG;
    size_t known = a[1] < sizeof args ? a[1] : sizeof args;
    if (rf_copy_from_user(k, &args, a[0], known))
        return -RF_EFAULT;
    for (uint64_t at = known; at < a[1]; at++) { /* a newer struct must not ask for more */
        uint8_t byte;
        if (RF_GET_USER(k, byte, a[0] + at))
            return -RF_EFAULT;
        if (byte)
            return -RF_E2BIG;
    }
    if (args.flags & 0xff || args.exit_signal > RF_NSIG || !args.stack != !args.stack_size ||
        args.set_tid_size || args.set_tid)
        return -RF_EINVAL;
    if (args.flags & RF_CLONE_DETACHED || (args.flags & (RF_CLONE_THREAD | RF_CLONE_PARENT) && args.exit_signal))
        return -RF_EINVAL;
    return rf_task_clone(k, &args);
}

/* --- exec --- */

#define MAX_VECTOR 65536u

static void free_vector(char **vector)
{
    for (size_t i = 0; vector && vector[i]; i++)
        free(vector[i]);
    free(vector);
}

static int64_t copy_string(struct rf_kernel *k, uint64_t user, char **out)
{
    char *buffer = malloc(RF_MAX_ARG_STRLEN);
    if (!buffer)
        return -RF_ENOMEM;
    int64_t length = rf_strncpy_from_user(k, buffer, user, RF_MAX_ARG_STRLEN);
    if (length < 0) {
        free(buffer);
        return length == -RF_ENAMETOOLONG ? -RF_E2BIG : length;
    }
    char *fitting = realloc(buffer, (size_t)length + 1);
    *out = fitting ? fitting : buffer;
    return 0;
}

/* A NULL-terminated vector of strings; a NULL pointer counts as an empty one. */
static int64_t copy_vector(struct rf_kernel *k, uint64_t user, char ***out)
{
    size_t room = 16, count = 0;
    uint64_t total = 0;
    char **vector = calloc(room, sizeof *vector);
    int64_t error = vector ? 0 : -RF_ENOMEM;
    while (!error && user) {
        uint64_t pointer;
        if (RF_GET_USER(k, pointer, user + 8 * count)) {
            error = -RF_EFAULT;
            break;
        }
        if (!pointer)
            break;
        if (count + 2 > room) {
            char **larger = realloc(vector, 2 * room * sizeof *vector);
            if (!larger) {
                error = -RF_ENOMEM;
                break;
            }
            memset(larger + room, 0, room * sizeof *vector);
            vector = larger;
            room *= 2;
        }
        error = copy_string(k, pointer, &vector[count]);
        if (!error)
            total += strlen(vector[count++]) + 9;
        if (!error && (count > MAX_VECTOR || total > UINT64_C(6) << 20))
            error = -RF_E2BIG;
    }
    if (error)
        free_vector(vector);
    else
        *out = vector;
    return error;
}

/* 0, or why a path cannot be opened. */
static int64_t open_error(struct rf_kernel *k, int dirfd, const char *path, int flags)
{
    struct rf_file *file;
    if (!*path && flags & RF_AT_EMPTY_PATH)
        return 0;
    int64_t error = rf_vfs_open(k, dirfd, path, RF_O_RDONLY | RF_O_NONBLOCK | RF_O_CLOEXEC, 0, &file);
    if (error < 0)
        return error;
    rf_file_put(k, file);
    return 0;
}

static int64_t exec_common(struct rf_kernel *k, int dirfd, uint64_t path_user, uint64_t argv_user,
                           uint64_t envp_user, int flags)
{
    char path[RF_PATH_MAX], **argv = NULL, **envp = NULL;
    int64_t result = rf_strncpy_from_user(k, path, path_user, sizeof path);
    if (result < 0)
        return result;
    result = copy_vector(k, argv_user, &argv);
    if (!result)
        result = copy_vector(k, envp_user, &envp);
    if (result) { /* a path that cannot be opened is reported before a bad vector */
        int64_t error = open_error(k, dirfd, path, flags);
        free_vector(argv);
        return error ? error : result;
    }
    result = rf_task_exec(k, dirfd, path, flags, argv, envp);
    free_vector(argv);
    free_vector(envp);
    return result;
}

static int64_t sys_execve(struct rf_kernel *k, const uint64_t a[6])
{
    return exec_common(k, RF_AT_FDCWD, a[0], a[1], a[2], 0);
}

static int64_t sys_execveat(struct rf_kernel *k, const uint64_t a[6])
{
    return exec_common(k, (int)a[0], a[1], a[2], a[3], (int)a[4]);
}

/* --- death --- */

static int64_t sys_exit(struct rf_kernel *k, const uint64_t a[6])
{
    rf_task_exit(k, (int)(a[0] & 0xff) << 8, false);
    return 0;
}

static int64_t sys_exit_group(struct rf_kernel *k, const uint64_t a[6])
{
    rf_task_exit(k, (int)(a[0] & 0xff) << 8, true);
    return 0;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_fork, sys_fork },     { RF_NR_vfork, sys_vfork },       { RF_NR_clone, sys_clone },
    { RF_NR_clone3, sys_clone3 }, { RF_NR_execve, sys_execve },     { RF_NR_execveat, sys_execveat },
    { RF_NR_exit, sys_exit },     { RF_NR_exit_group, sys_exit_group },
};
const struct rf_handler_table rf_handlers_process = RF_HANDLER_TABLE(entries);
