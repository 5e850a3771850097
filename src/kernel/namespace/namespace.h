/* Namespaces (namespaces(7)): what a task sees of users, process numbers, names of the machine, mounts.
 *
 * Each is a counted object; tasks, their children's settings and open files of /proc/PID/ns hold it. User
 * and group ids inside the kernel are those of the initial user namespace, process numbers those of the
 * initial pid namespace: system calls translate at their edge. */
#ifndef RF_KERNEL_NAMESPACE_NAMESPACE_H
#define RF_KERNEL_NAMESPACE_NAMESPACE_H

#include "kernel/kernel.h"

struct rf_process;
struct rf_task;
struct rf_user_namespace;

enum rf_namespace_kind { RF_NS_UTS, RF_NS_IPC, RF_NS_MNT, RF_NS_PID, RF_NS_USER };
#define RF_NS_MAX_LEVEL 32
#define RF_OVERFLOW_ID 65534u
#define RF_NO_ID UINT32_MAX

struct rf_namespace {
    enum rf_namespace_kind kind;
    uint32_t references;
    uint32_t inum;                   /* the inode number of /proc/PID/ns */
    struct rf_user_namespace *owner; /* counted; NULL: the initial user namespace itself */
};

/* Ids [first, first + count) of a user namespace are the kernel's from `kernel` on. */
struct rf_id_extent {
    uint32_t first, kernel, count;
};
#define RF_ID_EXTENTS 340
struct rf_id_map {
    uint32_t count; /* 0: not written yet, nothing is mapped */
    struct rf_id_extent *extents;
};
struct rf_user_namespace {
    struct rf_namespace ns; /* ns.owner is the parent */
    uint32_t level, owner_uid, owner_gid;
    bool setgroups_denied;
    bool parent_could_setfcap;
    struct rf_id_map uid, gid;
};

struct rf_uts_namespace {
    struct rf_namespace ns;
    char nodename[65], domainname[65];
};

/* System V objects of one kind, by index (ipc/ids.h). */
struct rf_ipc_ids {
    struct rf_ipc_object *first;
    int32_t count, last_index;
    bool used; /* an index has been given out */
    uint16_t sequence;
};
struct rf_ipc_namespace {
    struct rf_namespace ns;
    struct rf_shm_set *shm; /* ipc/shm.h; NULL until the first segment */
    struct rf_ipc_ids sem, msg; /* ipc/sem.h, ipc/msg.h */
    struct rf_mqueue *queues;   /* ipc/mqueue.h, by name */
};

/* One number that the namespace has given: to whom in the initial one. */
struct rf_pid_entry {
    struct rf_pid_entry *next;
    int32_t global, local;
};
struct rf_pid_namespace {
    struct rf_namespace ns;
    struct rf_pid_namespace *parent; /* counted; NULL: the initial one */
    uint32_t level;
    int32_t last;                    /* number given last */
    struct rf_process *init;         /* number 1 while it lives */
    bool closed;                     /* number 1 has ended: nobody is born here any more */
    struct rf_pid_entry *entries;    /* empty in the initial one, where all numbers are global */
};

/* What a task holds. The pid namespace of its children may differ from its own. */
struct rf_namespaces {
    struct rf_uts_namespace *uts;
    struct rf_ipc_namespace *ipc;
    struct rf_namespace *mnt;
    struct rf_pid_namespace *pid, *pid_for_children;
};

/* --- namespace.c --- */
/* The initial ones, for the first task. False: no memory. */
bool rf_namespaces_create(struct rf_kernel *k, struct rf_namespaces *out, struct rf_user_namespace **user);
/* The child's of a clone or unshare: the parent's, but new ones for CLONE_NEW* in flags, which `user` owns.
 * 0 or -errno, and then nothing is held. */
int64_t rf_namespaces_copy(struct rf_kernel *k, struct rf_namespaces *to, const struct rf_namespaces *from,
                           uint64_t flags, struct rf_user_namespace *user);
void rf_namespaces_drop(struct rf_kernel *k, struct rf_namespaces *set);
/* The common part of a new one, with a reference; takes one of the owner. */
void rf_namespace_begin(struct rf_kernel *k, struct rf_namespace *ns, enum rf_namespace_kind kind,
                        struct rf_user_namespace *owner);
void rf_namespace_get(struct rf_namespace *ns);
void rf_namespace_put(struct rf_kernel *k, struct rf_namespace *ns); /* NULL is allowed */
/* CLONE_NEW* that these flags ask for and this kernel has; others are -RF_EINVAL at the caller. */
#define RF_CLONE_NAMESPACES                                                                 \
    (RF_CLONE_NEWUTS | RF_CLONE_NEWIPC | RF_CLONE_NEWNS | RF_CLONE_NEWPID | RF_CLONE_NEWUSER)

/* --- user.c --- */
/* A child of the current task's user namespace, owned by its effective user. 0 or -errno. */
int64_t rf_user_namespace_create(struct rf_kernel *k, struct rf_user_namespace **out);
/* Ids between a namespace and the kernel: RF_NO_ID where there is no mapping. */
uint32_t rf_uid_to_kernel(const struct rf_user_namespace *ns, uint32_t uid);
uint32_t rf_gid_to_kernel(const struct rf_user_namespace *ns, uint32_t gid);
uint32_t rf_uid_from_kernel(const struct rf_user_namespace *ns, uint32_t kernel);
uint32_t rf_gid_from_kernel(const struct rf_user_namespace *ns, uint32_t kernel);
/* What tasks of a namespace see: the overflow id where there is no mapping. */
uint32_t rf_uid_as_seen(const struct rf_user_namespace *ns, uint32_t kernel);
/* The same as the current task sees it: the overflow id where there is no mapping. */
uint32_t rf_uid_shown(const struct rf_kernel *k, uint32_t kernel);
uint32_t rf_gid_shown(const struct rf_kernel *k, uint32_t kernel);
/* Ids that the current task gives: RF_NO_ID if they mean nothing to it. */
uint32_t rf_uid_given(const struct rf_kernel *k, uint32_t uid);
uint32_t rf_gid_given(const struct rf_kernel *k, uint32_t gid);

/* Writes of /proc/PID/{uid_map,gid_map,setgroups} by one who has opened it with these credentials: 0 or
 * -errno. */
struct rf_credentials;
int64_t rf_user_map_write(struct rf_kernel *k, struct rf_user_namespace *ns, bool groups,
                          const struct rf_credentials *opener, const char *text);
int64_t rf_setgroups_write(struct rf_user_namespace *ns, const char *text);
bool rf_may_setgroups(const struct rf_user_namespace *ns);

/* --- pid.c --- */
int64_t rf_pid_namespace_create(struct rf_kernel *k, struct rf_pid_namespace *parent,
                                struct rf_user_namespace *owner, struct rf_pid_namespace **out);
/* Give a new task's number in ns and all above it but the initial one. False: no memory. */
bool rf_pid_register(struct rf_kernel *k, struct rf_pid_namespace *ns, int32_t global);
/* The task is gone: forget numbers that stand for no task, group or session any more. */
void rf_pid_forget(struct rf_kernel *k, struct rf_pid_namespace *ns, int32_t global);
/* What a kernel's number is in a namespace, 0 where it is not seen; and back, 0 for none. */
int32_t rf_pid_in(const struct rf_pid_namespace *ns, int32_t global);
int32_t rf_pid_global(const struct rf_pid_namespace *ns, int32_t local);
/* The same for the current task: numbers to show and numbers given; 0 and negative ones stay, as groups. */
int32_t rf_pid_shown(const struct rf_kernel *k, int32_t global);
int32_t rf_pid_given(const struct rf_kernel *k, int32_t local);
bool rf_pid_namespace_is_within(const struct rf_pid_namespace *ns, const struct rf_pid_namespace *above);

#endif
