/* Capabilities and securebits, under their kernel names with the prefix RF_: linux/capability.h,
 * linux/securebits.h, and the prctl(2) options that only they have. Constants only. */
#ifndef RF_ABI_LINUX_CAPABILITIES_H
#define RF_ABI_LINUX_CAPABILITIES_H

#include <stdint.h>

enum {
    RF_CAP_CHOWN = 0,
    RF_CAP_DAC_OVERRIDE = 1,
    RF_CAP_DAC_READ_SEARCH = 2,
    RF_CAP_FOWNER = 3,
    RF_CAP_FSETID = 4,
    RF_CAP_KILL = 5,
    RF_CAP_SETGID = 6,
    RF_CAP_SETUID = 7,
    RF_CAP_SETPCAP = 8,
    RF_CAP_LINUX_IMMUTABLE = 9,
    RF_CAP_NET_BIND_SERVICE = 10,
    RF_CAP_NET_BROADCAST = 11,
    RF_CAP_NET_ADMIN = 12,
    RF_CAP_NET_RAW = 13,
    RF_CAP_IPC_LOCK = 14,
    RF_CAP_IPC_OWNER = 15,
    RF_CAP_SYS_MODULE = 16,
    RF_CAP_SYS_RAWIO = 17,
    RF_CAP_SYS_CHROOT = 18,
    RF_CAP_SYS_PTRACE = 19,
    RF_CAP_SYS_PACCT = 20,
    RF_CAP_SYS_ADMIN = 21,
    RF_CAP_SYS_BOOT = 22,
    RF_CAP_SYS_NICE = 23,
    RF_CAP_SYS_RESOURCE = 24,
    RF_CAP_SYS_TIME = 25,
    RF_CAP_SYS_TTY_CONFIG = 26,
    RF_CAP_MKNOD = 27,
    RF_CAP_LEASE = 28,
    RF_CAP_AUDIT_WRITE = 29,
    RF_CAP_AUDIT_CONTROL = 30,
    RF_CAP_SETFCAP = 31,
    RF_CAP_MAC_OVERRIDE = 32,
    RF_CAP_MAC_ADMIN = 33,
    RF_CAP_SYSLOG = 34,
    RF_CAP_WAKE_ALARM = 35,
    RF_CAP_BLOCK_SUSPEND = 36,
    RF_CAP_AUDIT_READ = 37,
    RF_CAP_PERFMON = 38,
    RF_CAP_BPF = 39,
    RF_CAP_CHECKPOINT_RESTORE = 40,
    RF_CAP_LAST_CAP = 40,
};
#define RF_CAP_BIT(cap) (UINT64_C(1) << (cap))
#define RF_CAP_ALL ((UINT64_C(1) << (RF_CAP_LAST_CAP + 1)) - 1)
/* What setfsuid(2) moves: CAP_FS_SET of linux/capability.h. */
#define RF_CAP_FS_SET                                                                      \
    (RF_CAP_BIT(RF_CAP_CHOWN) | RF_CAP_BIT(RF_CAP_DAC_OVERRIDE) |                          \
     RF_CAP_BIT(RF_CAP_DAC_READ_SEARCH) | RF_CAP_BIT(RF_CAP_FOWNER) |                      \
     RF_CAP_BIT(RF_CAP_FSETID) | RF_CAP_BIT(RF_CAP_LINUX_IMMUTABLE) |                      \
     RF_CAP_BIT(RF_CAP_MKNOD) | RF_CAP_BIT(RF_CAP_MAC_OVERRIDE))

enum {
    RF_CAPABILITY_VERSION_1 = 0x19980330,
    RF_CAPABILITY_VERSION_2 = 0x20071026,
    RF_CAPABILITY_VERSION_3 = 0x20080522,
};

/* Each bit is followed by the one that locks it. */
enum {
    RF_SECBIT_NOROOT = 1,
    RF_SECBIT_NO_SETUID_FIXUP = 4,
    RF_SECBIT_KEEP_CAPS = 16,
    RF_SECBIT_KEEP_CAPS_LOCKED = 32,
    RF_SECBIT_NO_CAP_AMBIENT_RAISE = 64,
    RF_SECURE_ALL_BITS = 0x55,
    RF_SECURE_ALL_LOCKS = 0xaa,
};

enum {
    RF_PR_CAP_AMBIENT_IS_SET = 1,
    RF_PR_CAP_AMBIENT_RAISE = 2,
    RF_PR_CAP_AMBIENT_LOWER = 3,
    RF_PR_CAP_AMBIENT_CLEAR_ALL = 4,
};

#endif
