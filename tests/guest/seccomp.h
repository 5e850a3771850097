/* Filters of the seccomp tests. */
#ifndef GUEST_SECCOMP_H
#define GUEST_SECCOMP_H

#include "guest.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define FIELD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static inline long seccomp(unsigned operation, unsigned flags, void *argument)
{
    return syscall(SYS_seccomp, operation, flags, argument);
}

static inline long install_program(unsigned flags, struct sock_filter *code, size_t length)
{
    struct sock_fprog program = { (unsigned short)length, code };
    return seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* `verdict` for system call nr, everything else is allowed. */
static inline long on_call(unsigned flags, int nr, uint32_t verdict)
{
    struct sock_filter code[] = {
        FIELD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1), RETURN(verdict), RETURN(SECCOMP_RET_ALLOW),
    };
    return install_program(flags, code, LENGTH(code));
}

static inline int in_child(void (*body)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        body();
        exit(0);
    }
    waitpid(child, &status, 0);
    return status;
}
#define IN_CHILD(body) show_status(#body, in_child(body))

#endif
