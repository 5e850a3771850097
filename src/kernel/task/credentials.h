/* Credentials (credentials(7), capabilities(7)): who a task acts as, and what it may do besides. */
#ifndef RF_KERNEL_TASK_CREDENTIALS_H
#define RF_KERNEL_TASK_CREDENTIALS_H

#include "abi/linux_capabilities.h"
#include "kernel/kernel.h"

struct rf_inode;
struct rf_mount;
struct rf_task;
struct rf_user_namespace;

/* Supplementary groups: never changed, shared by those who inherited them. */
struct rf_group_list {
    uint32_t references, count;
    uint32_t gid[]; /* ascending */
};

struct rf_credentials {
    uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
    uint32_t securebits; /* RF_SECBIT_* */
    uint64_t permitted, effective, inheritable, bounding, ambient;
    struct rf_group_list *groups; /* NULL: none */
    struct rf_user_namespace *user; /* the capabilities count in it and those below */
};

/* A copy with references of its own, and their return. */
void rf_credentials_copy(struct rf_credentials *to, const struct rf_credentials *from);
void rf_credentials_drop(struct rf_kernel *k, struct rf_credentials *c);
/* Of the first task: all capabilities if it is root. Takes over the user namespace. */
void rf_credentials_first(struct rf_credentials *c, uint32_t uid, uint32_t gid, struct rf_user_namespace *user);
/* Everything in a new user namespace (takes it over), where it is the only one with any right. */
void rf_credentials_enter(struct rf_kernel *k, struct rf_credentials *c, struct rf_user_namespace *user);

/* Has the current task a capability, in the initial user namespace, in another, or in its own? */
bool rf_capable(const struct rf_kernel *k, int cap);
bool rf_capable_in(const struct rf_kernel *k, const struct rf_user_namespace *ns, int cap);
bool rf_capable_here(const struct rf_kernel *k, int cap);
bool rf_credentials_capable(const struct rf_credentials *c, const struct rf_user_namespace *ns, int cap);
/* For an inode: its ids must have a meaning in the task's own user namespace. */
bool rf_capable_for(const struct rf_kernel *k, const struct rf_inode *inode, int cap);
bool rf_credentials_in_group(const struct rf_credentials *c, uint32_t gid); /* fsgid or a supplementary one */
/* Is the current task the owner of the inode, or does CAP_FOWNER say so? */
bool rf_credentials_in_group(const struct rf_credentials *c, uint32_t gid); /* fsgid or a supplementary one */
bool rf_owner_or_capable(const struct rf_kernel *k, const struct rf_inode *inode);

/* After user ids have changed from `old`: what becomes of the capabilities. */
void rf_credentials_fix_setuid(struct rf_credentials *c, const struct rf_credentials *old);
void rf_credentials_fix_setfsuid(struct rf_credentials *c, const struct rf_credentials *old);
/* The current task has other credentials than `old`: who may look into it, and what a parent's death means. */
void rf_credentials_changed(struct rf_kernel *k, const struct rf_credentials *old);

/* Does a process more of the task's user pass RLIMIT_NPROC? `more`: not counted yet. */
bool rf_user_has_too_many(const struct rf_kernel *k, const struct rf_task *task, uint32_t uid, uint64_t more);

/* execve(2): the credentials under which a program starts (no references are taken). */
struct rf_exec_credentials {
    struct rf_credentials next;
    uint32_t personality;
    bool secure;     /* AT_SECURE */
    bool unreadable; /* the user may not read the program: its memory neither */
};
void rf_credentials_before_exec(struct rf_kernel *k, struct rf_inode *program, bool nosuid,
                                struct rf_exec_credentials *out);
/* Once the new address space is there. */
void rf_credentials_after_exec(struct rf_kernel *k, const struct rf_exec_credentials *exec);

/* ptrace(2), "Ptrace access mode checking": may the current task see into another one? real: with its real
 * ids (attaching) instead of those for files. */
bool rf_may_access_task(const struct rf_kernel *k, const struct rf_task *other, bool real);

#endif
