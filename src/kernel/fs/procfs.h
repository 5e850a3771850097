/* procfs' own: what a node is, and the texts that its files show. */
#ifndef RF_KERNEL_FS_PROCFS_H
#define RF_KERNEL_FS_PROCFS_H

#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

/* Text that grows in the kernel heap. */
struct rf_text {
    struct rf_kernel *k;
    char *bytes;
    size_t used, room;
    bool failed; /* no memory: what follows is lost */
    const struct rf_pid_namespace *pids; /* whose numbers are shown; NULL: the initial one's */
};
void rf_text_add(struct rf_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void rf_text_bytes(struct rf_text *text, const void *bytes, size_t size);

/* Produces a file's text; task is the process' leader, NULL outside /proc/<pid>. */
typedef void rf_proc_text(struct rf_text *out, struct rf_kernel *k, struct rf_task *task);

rf_proc_text rf_proc_cpuinfo, rf_proc_filesystems, rf_proc_meminfo, rf_proc_stat, rf_proc_uptime, rf_proc_version,
    rf_proc_osrelease, rf_proc_ostype, rf_proc_hostname, rf_proc_mounts, rf_proc_mountinfo,
    rf_proc_core_pattern, rf_proc_core_uses_pid;
rf_proc_text rf_proc_pid_cmdline, rf_proc_pid_comm, rf_proc_pid_maps, rf_proc_pid_stat,
    rf_proc_pid_status, rf_proc_pid_limits, rf_proc_pid_personality, rf_proc_pid_uid_map, rf_proc_pid_gid_map,
    rf_proc_pid_setgroups;

rf_proc_text rf_proc_pid_environ, rf_proc_pid_auxv, rf_proc_pid_timerslack, rf_proc_pid_cgroup, rf_proc_pid_wchan,
    rf_proc_mountstats;
struct rf_fd;
void rf_proc_fdinfo(struct rf_text *out, const struct rf_fd *fd);

/* --- procfs_knobs.c --- */
rf_proc_text rf_proc_cmdline, rf_proc_partitions, rf_proc_swaps, rf_proc_nothing, rf_proc_devices, rf_proc_cap_last_cap,
    rf_proc_domainname, rf_proc_ngroups_max, rf_proc_overflow_id, rf_proc_pid_max, rf_proc_zero, rf_proc_entropy,
    rf_proc_nr_open, rf_proc_pipe_max_size, rf_proc_swappiness, rf_proc_overcommit_ratio, rf_proc_random_uuid,
    rf_proc_boot_id, rf_proc_loadavg, rf_proc_vmstat, rf_proc_file_max;

/* --- ipc/procfs_ipc.c --- */
rf_proc_text rf_proc_sysvipc_msg, rf_proc_sysvipc_sem, rf_proc_msgmax, rf_proc_msgmnb, rf_proc_msgmni, rf_proc_sem_limits;

/* --- net/procfs_net.c --- */
rf_proc_text rf_proc_net_unix, rf_proc_somaxconn, rf_proc_optmem_max, rf_proc_socket_memory_default,
    rf_proc_socket_memory_max, rf_proc_max_dgram_qlen;

/* --- net/inet_proc.c, net/netlink.c --- */
rf_proc_text rf_proc_net_tcp, rf_proc_net_tcp6, rf_proc_net_udp, rf_proc_net_udp6, rf_proc_net_raw, rf_proc_net_raw6,
    rf_proc_net_sockstat, rf_proc_net_sockstat6, rf_proc_net_dev, rf_proc_net_route, rf_proc_net_ipv6_route,
    rf_proc_net_if_inet6, rf_proc_net_arp, rf_proc_net_netlink;
rf_proc_text rf_proc_ip_local_port_range, rf_proc_ping_group_range, rf_proc_tcp_rmem, rf_proc_tcp_wmem,
    rf_proc_tcp_congestion, rf_proc_tcp_congestions, rf_proc_net_0, rf_proc_net_1, rf_proc_net_2, rf_proc_net_6,
    rf_proc_net_9, rf_proc_net_60, rf_proc_net_64, rf_proc_net_75, rf_proc_net_1024, rf_proc_net_4096, rf_proc_net_7200,
    rf_proc_net_16384;

/* A file is written, by one who has opened it with these credentials: text ends with NUL. 0 or -errno. */
typedef int64_t rf_proc_write(struct rf_kernel *k, struct rf_task *task, const struct rf_credentials *opener,
                              const char *text);
rf_proc_write rf_proc_write_uid_map, rf_proc_write_gid_map, rf_proc_write_setgroups;

/* --- procfs_identity.c --- */
int32_t rf_proc_number(const struct rf_text *out, int32_t global);
void rf_proc_add_ids(struct rf_text *out, const struct rf_kernel *k, const struct rf_task *task);
void rf_proc_add_capabilities(struct rf_text *out, const struct rf_task *task);

/* --- procfs_memory.c --- */
rf_proc_text rf_proc_pid_smaps, rf_proc_pid_statm, rf_proc_pid_oom_score, rf_proc_sysvipc_shm,
    rf_proc_shmmax, rf_proc_shmmni,
    rf_proc_overcommit_memory, rf_proc_max_map_count, rf_proc_mmap_min_addr;
void rf_proc_add_sizes(struct rf_text *out, struct rf_kernel *k, const struct rf_mm *mm);
extern const struct rf_file_ops rf_proc_mem_ops, rf_proc_oom_score_adj_ops;
int64_t rf_proc_open_mem(struct rf_kernel *k, struct rf_task *task, struct rf_file *file);
/* The leader of the process that an inode below /proc/<pid> belongs to; NULL: it is gone. */
struct rf_task *rf_proc_task_of(struct rf_kernel *k, const struct rf_inode *inode);

/* What /proc/<pid>/fd/<n> says about a file: a path, or "pipe:[17]". Length or -errno. */
int64_t rf_proc_file_name(struct rf_kernel *k, struct rf_file *file, char *out, size_t size);

#endif
