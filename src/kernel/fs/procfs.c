/* /proc: directories and links; the files' texts are in procfs_system.c and procfs_process.c.
 *
 * Nothing is stored: inodes are made when they are looked up, texts when files are opened. */
#include "kernel/fs/procfs.h"
#include "kernel/vfs/fstype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const char *name;
    uint32_t mode;
    rf_proc_text *text;           /* regular files */
    const struct entry *children; /* directories */
    size_t child_count;
    const char *target; /* plain symbolic links */
    const struct rf_file_ops *ops; /* files that are more than a text, and what opens them */
    int64_t (*open)(struct rf_kernel *k, struct rf_task *task, struct rf_file *file);
    rf_proc_write *write; /* regular files that may be written */
};

/* An inode: an entry of a table, or one of the dynamic kinds. */
enum kind { STATIC, PROCESS, DESCRIPTOR, DESCRIPTOR_INFO };
struct node {
    enum kind kind;
    const struct entry *entry; /* STATIC; for PROCESS its table */
    int32_t pid;               /* 0: not below /proc/<pid> */
    int32_t tid;               /* below /proc/<pid>/task/<tid>; 0: the leader is meant */
    int32_t fd;
};

#define TEXT(name_, function) { .name = name_, .mode = RF_S_IFREG | 0444, .text = function }
#define WRITABLE(name_, function, write_) { .name = name_, .mode = RF_S_IFREG | 0644, .text = function, .write = write_ }
#define SPECIAL(name_, mode_, ops_, open_) { .name = name_, .mode = RF_S_IFREG | (mode_), .ops = ops_, .open = open_ }
#define FOLDER(name_, mode_, table) \
    { .name = name_, .mode = RF_S_IFDIR | (mode_), .children = table, .child_count = RF_ARRAY_SIZE(table) }
#define DIRECTORY(name, table) FOLDER(name, 0555, table)
#define LINK(name_, target_) { .name = name_, .mode = RF_S_IFLNK | 0777, .target = target_ }

static const struct entry sys_random[] = {
    TEXT("boot_id", rf_proc_boot_id),
    TEXT("entropy_avail", rf_proc_entropy),
    TEXT("poolsize", rf_proc_entropy),
    TEXT("uuid", rf_proc_random_uuid),
};
static const struct entry sys_fs[] = {
    TEXT("file-max", rf_proc_file_max),
    TEXT("nr_open", rf_proc_nr_open),
    TEXT("overflowgid", rf_proc_overflow_id),
    TEXT("overflowuid", rf_proc_overflow_id),
    TEXT("pipe-max-size", rf_proc_pipe_max_size),
};
static const struct entry sys_kernel[] = {
    TEXT("cap_last_cap", rf_proc_cap_last_cap),
    TEXT("core_pattern", rf_proc_core_pattern),
    TEXT("core_uses_pid", rf_proc_core_uses_pid),
    TEXT("domainname", rf_proc_domainname),
    TEXT("hostname", rf_proc_hostname),
    TEXT("msgmax", rf_proc_msgmax),
    TEXT("msgmnb", rf_proc_msgmnb),
    TEXT("msgmni", rf_proc_msgmni),
    TEXT("ngroups_max", rf_proc_ngroups_max),
    TEXT("osrelease", rf_proc_osrelease),
    TEXT("ostype", rf_proc_ostype),
    TEXT("overflowgid", rf_proc_overflow_id),
    TEXT("overflowuid", rf_proc_overflow_id),
    TEXT("pid_max", rf_proc_pid_max),
    DIRECTORY("random", sys_random),
    TEXT("randomize_va_space", rf_proc_zero),
    TEXT("sem", rf_proc_sem_limits),
    TEXT("shmall", rf_proc_shmmax), /* the same number, of pages */
    TEXT("shmmax", rf_proc_shmmax),
    TEXT("shmmni", rf_proc_shmmni),
};
static const struct entry sys_vm[] = {
    TEXT("max_map_count", rf_proc_max_map_count),
    TEXT("mmap_min_addr", rf_proc_mmap_min_addr),
    TEXT("overcommit_memory", rf_proc_overcommit_memory),
    TEXT("overcommit_ratio", rf_proc_overcommit_ratio),
    TEXT("swappiness", rf_proc_swappiness),
};
static const struct entry sys_net_core[] = {
    TEXT("optmem_max", rf_proc_optmem_max),
    TEXT("rmem_default", rf_proc_socket_memory_default),
    TEXT("rmem_max", rf_proc_socket_memory_max),
    TEXT("somaxconn", rf_proc_somaxconn),
    TEXT("wmem_default", rf_proc_socket_memory_default),
    TEXT("wmem_max", rf_proc_socket_memory_max),
};
static const struct entry sys_net_unix[] = { TEXT("max_dgram_qlen", rf_proc_max_dgram_qlen) };
static const struct entry sys_net_ipv4[] = {
    TEXT("ip_default_ttl", rf_proc_net_64),
    TEXT("ip_forward", rf_proc_net_0),
    TEXT("ip_local_port_range", rf_proc_ip_local_port_range),
    TEXT("ip_nonlocal_bind", rf_proc_net_0),
    TEXT("ip_unprivileged_port_start", rf_proc_net_1024),
    TEXT("ping_group_range", rf_proc_ping_group_range),
    TEXT("tcp_available_congestion_control", rf_proc_tcp_congestions),
    TEXT("tcp_congestion_control", rf_proc_tcp_congestion),
    TEXT("tcp_fastopen", rf_proc_net_1),
    TEXT("tcp_fin_timeout", rf_proc_net_60),
    TEXT("tcp_keepalive_intvl", rf_proc_net_75),
    TEXT("tcp_keepalive_probes", rf_proc_net_9),
    TEXT("tcp_keepalive_time", rf_proc_net_7200),
    TEXT("tcp_max_syn_backlog", rf_proc_net_4096),
    TEXT("tcp_max_tw_buckets", rf_proc_net_16384),
    TEXT("tcp_moderate_rcvbuf", rf_proc_net_1),
    TEXT("tcp_rmem", rf_proc_tcp_rmem),
    TEXT("tcp_sack", rf_proc_net_1),
    TEXT("tcp_syn_retries", rf_proc_net_6),
    TEXT("tcp_syncookies", rf_proc_net_1),
    TEXT("tcp_timestamps", rf_proc_net_1),
    TEXT("tcp_tw_reuse", rf_proc_net_2),
    TEXT("tcp_window_scaling", rf_proc_net_1),
    TEXT("tcp_wmem", rf_proc_tcp_wmem),
};
static const struct entry ipv6_conf_of[] = { TEXT("disable_ipv6", rf_proc_net_0) };
static const struct entry ipv6_conf[] = {
    DIRECTORY("all", ipv6_conf_of), DIRECTORY("default", ipv6_conf_of), DIRECTORY("lo", ipv6_conf_of),
};
static const struct entry sys_net_ipv6[] = { TEXT("bindv6only", rf_proc_net_0), DIRECTORY("conf", ipv6_conf) };
static const struct entry sys_net[] = {
    DIRECTORY("core", sys_net_core),
    DIRECTORY("ipv4", sys_net_ipv4),
    DIRECTORY("ipv6", sys_net_ipv6),
    DIRECTORY("unix", sys_net_unix),
};
static const struct entry sys[] = {
    DIRECTORY("fs", sys_fs),
    DIRECTORY("kernel", sys_kernel),
    DIRECTORY("net", sys_net),
    DIRECTORY("vm", sys_vm),
};
static const struct entry net[] = {
    TEXT("arp", rf_proc_net_arp),
    TEXT("dev", rf_proc_net_dev),
    TEXT("if_inet6", rf_proc_net_if_inet6),
    TEXT("ipv6_route", rf_proc_net_ipv6_route),
    TEXT("netlink", rf_proc_net_netlink),
    TEXT("raw", rf_proc_net_raw),
    TEXT("raw6", rf_proc_net_raw6),
    TEXT("route", rf_proc_net_route),
    TEXT("sockstat", rf_proc_net_sockstat),
    TEXT("sockstat6", rf_proc_net_sockstat6),
    TEXT("tcp", rf_proc_net_tcp),
    TEXT("tcp6", rf_proc_net_tcp6),
    TEXT("udp", rf_proc_net_udp),
    TEXT("udp6", rf_proc_net_udp6),
    TEXT("unix", rf_proc_net_unix),
};
static const struct entry sysvipc[] = {
    TEXT("msg", rf_proc_sysvipc_msg),
    TEXT("sem", rf_proc_sysvipc_sem),
    TEXT("shm", rf_proc_sysvipc_shm),
};
static const struct entry top[] = {
    TEXT("cmdline", rf_proc_cmdline),
    TEXT("cpuinfo", rf_proc_cpuinfo),
    TEXT("devices", rf_proc_devices),
    TEXT("diskstats", rf_proc_nothing),
    TEXT("filesystems", rf_proc_filesystems),
    TEXT("loadavg", rf_proc_loadavg),
    TEXT("meminfo", rf_proc_meminfo),
    LINK("mounts", "self/mounts"),
    LINK("net", "self/net"),
    TEXT("partitions", rf_proc_partitions),
    LINK("self", NULL),
    TEXT("stat", rf_proc_stat),
    TEXT("swaps", rf_proc_swaps),
    DIRECTORY("sys", sys),
    DIRECTORY("sysvipc", sysvipc),
    LINK("thread-self", NULL),
    TEXT("uptime", rf_proc_uptime),
    TEXT("version", rf_proc_version),
    TEXT("vmstat", rf_proc_vmstat),
};
static const struct entry root_entry = DIRECTORY("", top);

/* Links to namespaces: fs/nsfs.c. */
static const struct entry namespaces[] = {
    LINK("ipc", NULL), LINK("mnt", NULL), LINK("pid", NULL), LINK("pid_for_children", NULL), LINK("user", NULL),
    LINK("uts", NULL),
};

/* fd is special by its address, as are the links that lead to objects. */
static const struct entry of_process[] = {
    { .name = "auxv", .mode = RF_S_IFREG | 0400, .text = rf_proc_pid_auxv },
    TEXT("cgroup", rf_proc_pid_cgroup),
    TEXT("cmdline", rf_proc_pid_cmdline),
    TEXT("comm", rf_proc_pid_comm),
    LINK("cwd", NULL),
    { .name = "environ", .mode = RF_S_IFREG | 0400, .text = rf_proc_pid_environ },
    LINK("exe", NULL),
    { .name = "fd", .mode = RF_S_IFDIR | 0500 },
    { .name = "fdinfo", .mode = RF_S_IFDIR | 0555 },
    WRITABLE("gid_map", rf_proc_pid_gid_map, rf_proc_write_gid_map),
    TEXT("limits", rf_proc_pid_limits),
    TEXT("maps", rf_proc_pid_maps),
    SPECIAL("mem", 0600, &rf_proc_mem_ops, rf_proc_open_mem),
    TEXT("mountinfo", rf_proc_mountinfo),
    TEXT("mounts", rf_proc_mounts),
    { .name = "mountstats", .mode = RF_S_IFREG | 0400, .text = rf_proc_mountstats },
    DIRECTORY("net", net),
    FOLDER("ns", 0511, namespaces),
    TEXT("oom_score", rf_proc_pid_oom_score),
    SPECIAL("oom_score_adj", 0644, &rf_proc_oom_score_adj_ops, NULL),
    { .name = "personality", .mode = RF_S_IFREG | 0400, .text = rf_proc_pid_personality },
    LINK("root", NULL),
    WRITABLE("setgroups", rf_proc_pid_setgroups, rf_proc_write_setgroups),
    TEXT("smaps", rf_proc_pid_smaps),
    TEXT("stat", rf_proc_pid_stat),
    TEXT("statm", rf_proc_pid_statm),
    TEXT("status", rf_proc_pid_status),
    TEXT("timerslack_ns", rf_proc_pid_timerslack),
    WRITABLE("uid_map", rf_proc_pid_uid_map, rf_proc_write_uid_map),
    TEXT("wchan", rf_proc_pid_wchan),
    { .name = "task", .mode = RF_S_IFDIR | 0555 },
};
static const struct entry process_entry = DIRECTORY("", of_process);
/* A thread has the same but task, which is last. */
static const struct entry thread_entry = { .name = "", .mode = RF_S_IFDIR | 0555, .children = of_process,
                                           .child_count = RF_ARRAY_SIZE(of_process) - 1 };

static const struct rf_inode_ops inode_ops, link_ops, object_link_ops;
static const struct rf_file_ops text_ops, directory_ops;

static const struct node *node_of(const struct rf_inode *inode)
{
    return inode->private_data;
}

/* Whose numbers a mount shows: NULL, the initial namespace's. */
static const struct rf_pid_namespace *pids_of(const struct rf_mount *mount)
{
    return mount->private_data;
}

static int32_t shown(const struct rf_mount *mount, int32_t global)
{
    return pids_of(mount) ? rf_pid_in(pids_of(mount), global) : global;
}

static struct rf_task *task_of(struct rf_kernel *k, const struct node *node)
{
    struct rf_task *task = node->pid ? rf_task_find(k, node->tid ? node->tid : node->pid) : NULL;
    return task && task->process->pid == node->pid ? task : NULL;
}

struct rf_task *rf_proc_task_of(struct rf_kernel *k, const struct rf_inode *inode)
{
    return task_of(k, node_of(inode));
}

static bool is_named(const struct node *node, const char *name)
{
    return node->kind == STATIC && strcmp(node->entry->name, name) == 0;
}

static bool is_task_directory(const struct node *node)
{
    return node->pid && is_named(node, "task");
}

static bool is_fd_directory(const struct node *node)
{
    return node->pid && is_named(node, "fd");
}

static bool is_fdinfo_directory(const struct node *node)
{
    return node->pid && is_named(node, "fdinfo");
}

/* --- inodes --- */

/* Numbers are the same each time: process, entry or descriptor. */
static uint64_t number_of(const struct node *node)
{
    uint64_t base = (uint64_t)(node->tid ? node->tid : node->pid) << 32 | (node->tid ? 0x40000u : 0);
    if (node->kind == DESCRIPTOR || node->kind == DESCRIPTOR_INFO)
        return base | (node->kind == DESCRIPTOR ? 0x10000u : 0x20000u) | (uint32_t)node->fd;
    if (node->kind == PROCESS)
        return base | 1;
    uint64_t sum = 0;
    for (const char *p = node->entry->name; *p; p++)
        sum = sum * 31 + (uint8_t)*p;
    return base | 0x80000000u | (sum & 0x7fffffff);
}

static uint32_t mode_of(const struct node *node)
{
    switch (node->kind) {
    case PROCESS: return RF_S_IFDIR | 0555;
    case DESCRIPTOR: return RF_S_IFLNK | 0700;
    case DESCRIPTOR_INFO: return RF_S_IFREG | 0444;
    default: return node->entry->mode;
    }
}

static const struct rf_inode_ops *ops_of(const struct node *node)
{
    if (!RF_S_ISLNK(mode_of(node)))
        return &inode_ops;
    return node->pid ? &object_link_ops : &link_ops;
}

/* task_dump_owner: root owns what others may not look into. */
static void own(struct rf_inode *inode, const struct rf_task *task)
{
    bool open_to_all = inode->mode == (RF_S_IFDIR | 0555);
    inode->uid = inode->gid = 0;
    if (!task || (!open_to_all && !task->mm))
        return;
    const struct rf_credentials *c = &task->credentials;
    bool hidden = !open_to_all && task->mm->undumpable;
    uint32_t uid = hidden ? rf_uid_to_kernel(c->user, 0) : c->euid;
    uint32_t gid = hidden ? rf_gid_to_kernel(c->user, 0) : c->egid;
    inode->uid = uid == RF_NO_ID ? 0 : uid;
    inode->gid = gid == RF_NO_ID ? 0 : gid;
}

static struct rf_inode *make_inode(struct rf_kernel *k, struct rf_mount *mount, struct node from)
{
    struct node *node = rf_kalloc(k, sizeof *node);
    struct rf_inode *inode = node ? rf_inode_alloc(k, mount, mode_of(&from)) : NULL;
    if (!inode) {
        rf_kfree(k, node);
        return NULL;
    }
    *node = from;
    inode->private_data = node;
    inode->ino = number_of(node);
    inode->ops = ops_of(node);
    inode->file_ops = RF_S_ISDIR(inode->mode) ? &directory_ops : &text_ops;
    if (RF_S_ISDIR(inode->mode))
        inode->nlink = 2;
    own(inode, task_of(k, node));
    return inode;
}

static void destroy_inode(struct rf_kernel *k, struct rf_inode *inode)
{
    rf_kfree(k, inode->private_data);
}

/* A decimal number without leading zeros: a process or descriptor. -1 if it is not one. */
static int64_t parse_number(const char *name)
{
    size_t length = strspn(name, "0123456789");
    if (!length || length > 9 || name[length] || (name[0] == '0' && length > 1))
        return -1;
    return strtol(name, NULL, 10);
}

static struct rf_file *file_at(const struct rf_task *task, int64_t fd)
{
    if (!task || !task->files || fd < 0 || fd >= task->files->capacity)
        return NULL;
    return task->files->fds[fd].file;
}

/* The task whose number, as the mount tells it, is this name. */
static struct rf_task *numbered(struct rf_kernel *k, const struct rf_mount *mount, const char *name)
{
    int64_t tid = parse_number(name);
    if (tid > 0 && pids_of(mount))
        tid = rf_pid_global(pids_of(mount), (int32_t)tid);
    return tid > 0 ? rf_task_find(k, (int32_t)tid) : NULL;
}

/* What name is in the directory `dir`. */
static int64_t find(struct rf_kernel *k, const struct rf_mount *mount, const struct node *dir, const char *name,
                    struct node *found)
{
    struct rf_task *task = task_of(k, dir);
    if (dir->pid && !task)
        return -RF_ENOENT;
    if (is_fd_directory(dir) || is_fdinfo_directory(dir)) {
        int64_t fd = parse_number(name);
        *found = (struct node){ .kind = is_fd_directory(dir) ? DESCRIPTOR : DESCRIPTOR_INFO, .pid = dir->pid, .tid = dir->tid, .fd = (int32_t)fd };
        return file_at(task, fd) ? 0 : -RF_ENOENT;
    }
    if (is_task_directory(dir)) {
        const struct rf_task *thread = numbered(k, mount, name);
        if (!thread || thread->process->pid != dir->pid)
            return -RF_ENOENT;
        *found = (struct node){ .kind = PROCESS, .entry = &thread_entry, .pid = dir->pid, .tid = thread->tid };
        return 0;
    }
    for (size_t i = 0; i < dir->entry->child_count; i++) {
        if (strcmp(dir->entry->children[i].name, name) != 0)
            continue;
        *found = (struct node){ .kind = STATIC, .entry = &dir->entry->children[i], .pid = dir->pid, .tid = dir->tid };
        return 0;
    }
    task = dir->entry == &root_entry ? numbered(k, mount, name) : NULL;
    if (!task)
        return -RF_ENOENT;
    bool leads = task == task->process->leader; /* a thread's number leads to the thread, though no listing shows it */
    *found = (struct node){ .kind = PROCESS, .entry = &process_entry, .pid = task->process->pid,
                            .tid = leads ? 0 : task->tid };
    return 0;
}

static int64_t lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                      struct rf_inode **out)
{
    struct node found;
    int64_t result = find(k, dir->mount, node_of(dir), name, &found);
    if (result)
        return result;
    *out = make_inode(k, dir->mount, found);
    return *out ? 0 : -RF_ENOMEM;
}

/* --- links --- */

static int64_t read_plain_link(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    const struct node *node = node_of(inode);
    char text[48];
    const char *target = node->entry->target;
    if (!target) { /* self, thread-self */
        int32_t self = k->current ? shown(inode->mount, k->current->process->pid) : 0;
        if (!self)
            return -RF_ENOENT; /* the reader is not in the namespace of this mount */
        int length = snprintf(text, sizeof text, "%d", self);
        if (is_named(node, "thread-self"))
            snprintf(text + length, sizeof text - (size_t)length, "/task/%d", shown(inode->mount, k->current->tid));
        target = text;
    }
    size_t length = strlen(target);
    if (length > size)
        length = size;
    memcpy(out, target, length);
    return (int64_t)length;
}

/* The namespace that a link of /proc/<pid>/ns is for, or NULL: it is another link. */
static struct rf_namespace *namespace_of(const struct rf_task *task, const struct node *node)
{
    const struct rf_namespaces *n = &task->namespaces;
    struct rf_namespace *const of[] = { &n->ipc->ns, n->mnt, &n->pid->ns, &n->pid_for_children->ns,
                                        &task->credentials.user->ns, &n->uts->ns };
    size_t index = node->kind == STATIC ? (size_t)(node->entry - namespaces) : RF_ARRAY_SIZE(of);
    return node->kind == STATIC && node->entry >= namespaces && index < RF_ARRAY_SIZE(of) ? of[index] : NULL;
}

/* Links to objects tell nothing to those who may not look into the process. */
static int64_t check_access(struct rf_kernel *k, const struct node *node)
{
    const struct rf_task *task = task_of(k, node);
    if (!task)
        return -RF_ENOENT;
    return !k->current || rf_may_access_task(k, task, false) ? 0 : -RF_EACCES;
}

/* The file or place behind /proc/<pid>/{exe,cwd,root,fd/n}: one of the two is set. */
static int64_t object_of(struct rf_kernel *k, const struct node *node, struct rf_file **file,
                         struct rf_dentry **dentry)
{
    const struct rf_task *task = task_of(k, node);
    *file = NULL;
    *dentry = NULL;
    int64_t error = check_access(k, node);
    if (error)
        return error;
    if (node->kind == DESCRIPTOR)
        *file = file_at(task, node->fd);
    else if (is_named(node, "exe"))
        *file = task->mm ? task->mm->exe : NULL;
    else if (task->fs)
        *dentry = is_named(node, "cwd") ? task->fs->cwd : task->fs->root;
    return *file || *dentry ? 0 : -RF_ENOENT;
}

static int64_t read_object_link(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    struct rf_file *file;
    struct rf_dentry *dentry;
    const struct node *node = node_of(inode);
    const struct rf_task *task = task_of(k, node);
    int64_t result = check_access(k, node);
    if (result == 0 && namespace_of(task, node)) {
        char name[32];
        rf_nsfs_name(namespace_of(task, node), name, sizeof name);
        size_t length = strlen(name) < size ? strlen(name) : size;
        memcpy(out, name, length);
        return (int64_t)length;
    }
    if (result == 0)
        result = object_of(k, node, &file, &dentry);
    if (result)
        return result;
    struct rf_dentry *root = k->current && k->current->fs ? k->current->fs->root : NULL;
    char path[RF_PATH_MAX];
    result = file ? rf_proc_file_name(k, file, path, sizeof path)
                  : rf_dentry_path(k, dentry, root, path, sizeof path, NULL);
    if (result < 0)
        return result;
    size_t length = (size_t)result < size ? (size_t)result : size;
    memcpy(out, path, length);
    return (int64_t)length;
}

static int64_t follow(struct rf_kernel *k, struct rf_inode *inode, struct rf_dentry **out)
{
    struct rf_file *file;
    const struct node *node = node_of(inode);
    int64_t result = check_access(k, node);
    if (result == 0 && namespace_of(task_of(k, node), node))
        return rf_nsfs_dentry(k, namespace_of(task_of(k, node), node), out);
    if (result == 0)
        result = object_of(k, node, &file, out);
    if (result)
        return result;
    if (file && !file->dentry) {
        char name[64];
        result = rf_proc_file_name(k, file, name, sizeof name);
        *out = result < 0 ? NULL : rf_dentry_new(k, NULL, name, file->inode);
        return *out ? 0 : -RF_ENOMEM;
    }
    if (file)
        *out = file->dentry;
    rf_dentry_get(*out);
    return 0;
}

/* --- files --- */

struct contents {
    size_t size;
    char *bytes;
    struct rf_credentials opener; /* of files that may be written */
};

static int64_t open_inode(struct rf_kernel *k, struct rf_inode *inode, struct rf_file *file)
{
    const struct node *node = node_of(inode);
    if (!RF_S_ISREG(inode->mode))
        return 0;
    struct rf_task *task = task_of(k, node);
    if (node->pid && !task)
        return -RF_ENOENT;
    bool is_info = node->kind == DESCRIPTOR_INFO;
    if (is_info && !file_at(task, node->fd))
        return -RF_ENOENT;
    if (!is_info && node->entry->ops) {
        file->ops = node->entry->ops;
        return node->entry->open ? node->entry->open(k, task, file) : 0;
    }
    struct contents *contents = rf_kalloc(k, sizeof *contents);
    struct rf_text text = { .k = k, .pids = pids_of(inode->mount) };
    bool writes = file->mode & RF_FMODE_WRITE;
    if (writes && !is_info && node->entry->write == rf_proc_write_setgroups &&
        !rf_capable_in(k, task->credentials.user, RF_CAP_SYS_ADMIN))
        return -RF_EACCES;
    if (contents && is_info)
        rf_proc_fdinfo(&text, &task->files->fds[node->fd]);
    else if (contents)
        node->entry->text(&text, k, task);
    if (!contents || text.failed) {
        rf_kfree(k, text.bytes);
        rf_kfree(k, contents);
        return -RF_ENOMEM;
    }
    contents->bytes = text.bytes;
    contents->size = text.used;
    if (writes)
        rf_credentials_copy(&contents->opener, &k->current->credentials);
    file->private_data = contents;
    return 0;
}

static int64_t read_text(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                         uint64_t *pos)
{
    (void)k;
    const struct contents *contents = file->private_data;
    if (*pos >= contents->size || !uio->left)
        return 0;
    size_t n = contents->size - (size_t)*pos;
    size_t moved = rf_uio_put(uio, contents->bytes + *pos, n);
    *pos += moved;
    return moved ? (int64_t)moved : -RF_EFAULT;
}

/* One write says all, from the file's beginning, as in kernel/user_namespace.c. */
static int64_t write_text(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    const struct contents *contents = file->private_data;
    const struct node *node = node_of(file->inode);
    struct rf_task *task = task_of(k, node);
    size_t size = (size_t)uio->left;
    if (node->kind == DESCRIPTOR_INFO || !node->entry->write) /* only who may override modes gets here */
        return -RF_EINVAL;
    if (*pos || uio->left >= RF_PAGE_SIZE)
        return -RF_EINVAL;
    if (!task)
        return -RF_ESRCH;
    char *text = rf_kalloc(k, size + 1);
    if (!text)
        return -RF_ENOMEM;
    int64_t result = rf_uio_get(uio, text, size) == size ? node->entry->write(k, task, &contents->opener, text)
                                                         : -RF_EFAULT;
    rf_kfree(k, text);
    if (result)
        return result;
    *pos += size;
    return (int64_t)size;
}

static void release_text(struct rf_kernel *k, struct rf_file *file)
{
    struct contents *contents = file->private_data;
    rf_credentials_drop(k, &contents->opener);
    rf_kfree(k, contents->bytes);
    rf_kfree(k, contents);
}

/* --- directories: cursors 0 ".", 1 "..", 2 + index, then numbers from FIRST_NUMBER on --- */

#define FIRST_NUMBER 1000u

typedef bool emit_function(void *user, const char *name, uint64_t ino, uint8_t type,
                           uint64_t next_pos);

/* The lowest process at or above pid, as the mount numbers them, or 0. */
static int32_t next_process(struct rf_kernel *k, const struct rf_mount *mount, int64_t pid)
{
    int32_t best = 0;
    for (const struct rf_task *t = k->tasks; t; t = t->next_task) {
        int32_t number = shown(mount, t->process->pid);
        if (number && number >= pid && (!best || number < best))
            best = number;
    }
    return best;
}

static void emit_processes(struct rf_kernel *k, const struct rf_mount *mount, uint64_t pos, emit_function *emit, void *user)
{
    char name[16];
    int64_t from = pos > FIRST_NUMBER ? (int64_t)(pos - FIRST_NUMBER) : 1;
    for (int32_t pid = next_process(k, mount, from); pid; pid = next_process(k, mount, (int64_t)pid + 1)) {
        struct node node = { .kind = PROCESS, .pid = pid };
        snprintf(name, sizeof name, "%d", pid);
        if (!emit(user, name, number_of(&node), RF_DT_DIR, FIRST_NUMBER + (uint64_t)pid + 1))
            return;
    }
}

/* The thread of a process with the lowest number from `from` on, as the mount numbers them; NULL: none. */
static const struct rf_task *next_thread(const struct rf_kernel *k, const struct rf_mount *mount, int32_t pid, int32_t from)
{
    const struct rf_task *best = NULL;
    for (const struct rf_task *t = k->tasks; t; t = t->next_task) {
        int32_t number = t->process->pid == pid ? shown(mount, t->tid) : 0;
        if (number && number >= from && (!best || number < shown(mount, best->tid)))
            best = t;
    }
    return best;
}

static void emit_threads(const struct rf_kernel *k, const struct rf_mount *mount, int32_t pid, uint64_t pos,
                         emit_function *emit, void *user)
{
    const struct rf_task *task;
    int32_t from = pos > FIRST_NUMBER ? (int32_t)(pos - FIRST_NUMBER) : 1;
    while ((task = next_thread(k, mount, pid, from))) {
        const struct node node = { .kind = PROCESS, .pid = pid, .tid = task->tid };
        char name[16];
        from = shown(mount, task->tid) + 1;
        snprintf(name, sizeof name, "%d", from - 1);
        if (!emit(user, name, number_of(&node), RF_DT_DIR, FIRST_NUMBER + (uint64_t)from))
            return;
    }
}

static void emit_descriptors(struct rf_task *task, int32_t pid, enum kind kind, uint64_t pos, emit_function *emit,
                             void *user)
{
    char name[16];
    if (!task || !task->files)
        return;
    for (uint64_t fd = pos > FIRST_NUMBER ? pos - FIRST_NUMBER : 0; fd < task->files->capacity; fd++) {
        struct node node = { .kind = kind, .pid = pid, .fd = (int32_t)fd };
        if (!task->files->fds[fd].file)
            continue;
        snprintf(name, sizeof name, "%u", (unsigned)fd);
        if (!emit(user, name, number_of(&node), kind == DESCRIPTOR ? RF_DT_LNK : RF_DT_REG, FIRST_NUMBER + fd + 1))
            return;
    }
}

static int64_t readdir(struct rf_kernel *k, struct rf_file *file, emit_function *emit, void *user)
{
    const struct node *dir = node_of(file->inode);
    if (dir->pid && !task_of(k, dir))
        return -RF_ENOENT;
    for (uint64_t pos = file->pos; pos < 2; pos++)
        if (!emit(user, pos ? ".." : ".", file->inode->ino, RF_DT_DIR, pos + 1))
            return 0;
    uint64_t pos = file->pos < 2 ? 2 : file->pos;
    if (is_fd_directory(dir) || is_fdinfo_directory(dir)) {
        emit_descriptors(task_of(k, dir), dir->pid, is_fd_directory(dir) ? DESCRIPTOR : DESCRIPTOR_INFO, pos, emit, user);
        return 0;
    }
    if (is_task_directory(dir)) {
        emit_threads(k, file->inode->mount, dir->pid, pos, emit, user);
        return 0;
    }
    for (uint64_t i = pos - 2; i < dir->entry->child_count; i++) {
        struct node node = { .kind = STATIC, .entry = &dir->entry->children[i], .pid = dir->pid, .tid = dir->tid };
        if (!emit(user, node.entry->name, number_of(&node), rf_mode_to_dtype(mode_of(&node)), i + 3))
            return 0;
    }
    if (dir->entry == &root_entry)
        emit_processes(k, file->inode->mount, pos, emit, user);
    return 0;
}

static const struct rf_file_ops text_ops = { .read = read_text, .write = write_text, .release = release_text };
static const struct rf_file_ops directory_ops = { .readdir = readdir };
static const struct rf_inode_ops inode_ops = {
    .lookup = lookup,
    .open = open_inode,
    .destroy = destroy_inode,
};
static const struct rf_inode_ops link_ops = {
    .readlink = read_plain_link,
    .destroy = destroy_inode,
};
static const struct rf_inode_ops object_link_ops = {
    .readlink = read_object_link,
    .follow = follow,
    .destroy = destroy_inode,
};

static void destroy_mount(struct rf_kernel *k, struct rf_mount *mount)
{
    struct rf_pid_namespace *pids = mount->private_data;
    if (pids)
        rf_namespace_put(k, &pids->ns);
}

static const struct rf_mount_ops mount_ops = { .destroy = destroy_mount };

void rf_procfs_number(struct rf_mount *mount, struct rf_pid_namespace *pids)
{
    if (!pids->parent)
        return;
    rf_namespace_get(&pids->ns);
    mount->private_data = pids;
}

struct rf_mount *rf_procfs_create(struct rf_kernel *k)
{
    struct rf_mount *mount = rf_mount_alloc(k, "proc", RF_PROC_SUPER_MAGIC, &mount_ops);
    if (!mount)
        return NULL;
    struct rf_inode *root = make_inode(k, mount, (struct node){ .kind = STATIC, .entry = &root_entry });
    if (root) {
        root->ino = 1;
        mount->root = rf_dentry_new(k, NULL, "", root);
        rf_inode_put(k, root);
    }
    if (!mount->root) {
        rf_mount_free(k, mount);
        return NULL;
    }
    return mount;
}

static int64_t mount_proc(struct rf_kernel *k, const char *source, const char *options, struct rf_mount **out)
{
    (void)source, (void)options;
    struct rf_pid_namespace *pids = k->current->namespaces.pid;
    if (!rf_capable_in(k, pids->ns.owner, RF_CAP_SYS_ADMIN))
        return -RF_EPERM;
    *out = rf_procfs_create(k);
    if (!*out)
        return -RF_ENOMEM;
    rf_procfs_number(*out, pids);
    return 0;
}

const struct rf_fs_type rf_procfs_type = { .name = "proc", .flags = RF_FS_USER, .mount = mount_proc };
