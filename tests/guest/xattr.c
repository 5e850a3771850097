/* Extended attributes: what is refused whatever the file system keeps. */
#include "guest.h"

static void *volatile bad = (void *)8;

int main(void)
{
    static char name[300], value[70000], list[4096];
    memset(name, 'n', 299);
    CALL(syscall(SYS_setxattr, "/", bad, value, 1, 0));
    CALL(syscall(SYS_setxattr, "/", "", value, 1, 0));
    CALL(syscall(SYS_setxattr, "/", name, value, 1, 0));
    CALL(syscall(SYS_setxattr, "/", "user.a", value, 65537, 0));
    CALL(syscall(SYS_setxattr, "/", "user.a", bad, 1, 0));
    CALL(syscall(SYS_setxattr, "/", "user.a", value, 1, 4));
    CALL(syscall(SYS_setxattr, bad, "user.a", value, 1, 0));
    CALL(syscall(SYS_setxattr, "", "user.a", value, 1, 0));
    CALL(syscall(SYS_setxattr, "/nowhere/x", "user.a", value, 1, 0));
    CALL(syscall(SYS_lsetxattr, "/nowhere/x", "user.a", value, 1, 3));
    CALL(syscall(SYS_fsetxattr, 999, "user.a", value, 1, 0));
    CALL(syscall(SYS_fsetxattr, 999, "", value, 1, 0));
    CALL(syscall(SYS_getxattr, "/", bad, value, 1));
    CALL(syscall(SYS_getxattr, "/", name, value, 1));
    CALL(syscall(SYS_getxattr, "/nowhere/x", "user.a", value, 1));
    CALL(syscall(SYS_lgetxattr, bad, "user.a", value, 1));
    CALL(syscall(SYS_fgetxattr, 999, "user.a", value, 1));
    CALL(syscall(SYS_fgetxattr, -1, "", value, 1));
    CALL(syscall(SYS_getxattr, "/dev/null", "user.a", value, 1));
    CALL(syscall(SYS_setxattr, "/dev/null", "user.a", value, 1, 0));
    CALL(syscall(SYS_removexattr, "/dev/null", "user.a"));
    CALL(syscall(SYS_listxattr, "/nowhere/x", list, sizeof list));
    CALL(syscall(SYS_llistxattr, bad, list, sizeof list));
    CALL(syscall(SYS_flistxattr, 999, list, sizeof list));
    CALL(syscall(SYS_removexattr, "/", bad));
    CALL(syscall(SYS_removexattr, "/", ""));
    CALL(syscall(SYS_lremovexattr, "/nowhere/x", "user.a"));
    CALL(syscall(SYS_fremovexattr, 999, "user.a"));
    int fd = open("/", O_PATH);
    CALL(syscall(SYS_fgetxattr, fd, "user.a", value, 1));
    CALL(syscall(SYS_flistxattr, fd, list, sizeof list));
    return 0;
}
