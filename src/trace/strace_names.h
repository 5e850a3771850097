/* Internal to the strace formatter: tables of the names of flags and values. */
#ifndef RF_TRACE_STRACE_NAMES_H
#define RF_TRACE_STRACE_NAMES_H

#include "trace/strace_text.h"

extern const struct rf_st_names rf_st_open_bits;
extern const struct rf_st_names rf_st_fd_bits;
extern const struct rf_st_names rf_st_file_types;
extern const struct rf_st_names rf_st_whence;
extern const struct rf_st_names rf_st_at_flags;
extern const struct rf_st_names rf_st_faccessat_flags;
extern const struct rf_st_names rf_st_statx_sync;
extern const struct rf_st_names rf_st_access_modes;
extern const struct rf_st_names rf_st_rename_flags;
extern const struct rf_st_names rf_st_resolve;
extern const struct rf_st_names rf_st_statx_mask;
extern const struct rf_st_names rf_st_statx_attributes;
extern const struct rf_st_names rf_st_fs_types;
extern const struct rf_st_names rf_st_fs_flags;
extern const struct rf_st_names rf_st_fallocate_modes;
extern const struct rf_st_names rf_st_fadvice;
extern const struct rf_st_names rf_st_flock_ops;
extern const struct rf_st_names rf_st_fcntl;
extern const struct rf_st_names rf_st_lock_types;
extern const struct rf_st_names rf_st_seals;
extern const struct rf_st_names rf_st_dnotify;
extern const struct rf_st_names rf_st_owner_types;
extern const struct rf_st_names rf_st_memfd;
extern const struct rf_st_names rf_st_close_range_flags;
extern const struct rf_st_names rf_st_rwf_flags;
extern const struct rf_st_names rf_st_splice_flags;
extern const struct rf_st_names rf_st_sync_range_flags;
extern const struct rf_st_names rf_st_mount_flags;
extern const struct rf_st_names rf_st_umount_flags;
extern const struct rf_st_names rf_st_xattr_flags;
extern const struct rf_st_names rf_st_inotify_events;
extern const struct rf_st_names rf_st_inotify_flags;
extern const struct rf_st_names rf_st_epoll_ops;
extern const struct rf_st_names rf_st_epoll_create_flags;
extern const struct rf_st_names rf_st_eventfd_flags;
extern const struct rf_st_names rf_st_signalfd_flags;
extern const struct rf_st_names rf_st_timerfd_flags;
extern const struct rf_st_names rf_st_pidfd_flags;
extern const struct rf_st_names rf_st_ioprio_who;
extern const struct rf_st_names rf_st_prot;
extern const struct rf_st_names rf_st_map_types;
extern const struct rf_st_names rf_st_map_bits;
extern const struct rf_st_names rf_st_mremap_flags;
extern const struct rf_st_names rf_st_advice;
extern const struct rf_st_names rf_st_msync_flags;
extern const struct rf_st_names rf_st_mlockall_flags;
extern const struct rf_st_names rf_st_mlock2_flags;
extern const struct rf_st_names rf_st_pkey_rights;
extern const struct rf_st_names rf_st_clocks;
extern const struct rf_st_names rf_st_timer_flags;
extern const struct rf_st_names rf_st_itimers;
extern const struct rf_st_names rf_st_sigmask_how;
extern const struct rf_st_names rf_st_sigaction_flags;
extern const struct rf_st_names rf_st_sigstack_flags;
extern const struct rf_st_names rf_st_sigev;
extern const struct rf_st_names rf_st_clone_flags;
extern const struct rf_st_names rf_st_namespace_flags;
extern const struct rf_st_names rf_st_unshare_flags;
extern const struct rf_st_names rf_st_wait_options;
extern const struct rf_st_names rf_st_waitid_types;
extern const struct rf_st_names rf_st_rusage_who;
extern const struct rf_st_names rf_st_resources;
extern const struct rf_st_names rf_st_priorities;
extern const struct rf_st_names rf_st_sched;
extern const struct rf_st_names rf_st_futex;
extern const struct rf_st_names rf_st_futex_ops;
extern const struct rf_st_names rf_st_futex_compares;
extern const struct rf_st_names rf_st_arch_prctl;
extern const struct rf_st_names rf_st_prctl;
extern const struct rf_st_names rf_st_dumpable;
extern const struct rf_st_names rf_st_tsc;
extern const struct rf_st_names rf_st_secure_bits;
extern const struct rf_st_names rf_st_capabilities;
extern const struct rf_st_names rf_st_capability_versions;
extern const struct rf_st_names rf_st_getrandom_flags;
extern const struct rf_st_names rf_st_membarrier;
extern const struct rf_st_names rf_st_rseq_flags;
extern const struct rf_st_names rf_st_personality;
extern const struct rf_st_names rf_st_personality_flags;
extern const struct rf_st_names rf_st_ptrace;
extern const struct rf_st_names rf_st_syslog_actions;
extern const struct rf_st_names rf_st_seccomp_ops;
extern const struct rf_st_names rf_st_kcmp_types;
extern const struct rf_st_names rf_st_poll_events;
extern const struct rf_st_names rf_st_epoll_events;
extern const struct rf_st_names rf_st_sem_commands;
extern const struct rf_st_names rf_st_shm_commands;
extern const struct rf_st_names rf_st_msg_commands;
extern const struct rf_st_names rf_st_ipc_msg_flags;
extern const struct rf_st_names rf_st_ipc_get_flags;
extern const struct rf_st_names rf_st_shm_get_flags;
extern const struct rf_st_names rf_st_shmat_flags;
extern const struct rf_st_names rf_st_sem_undo;

extern const struct rf_st_names rf_st_speculation;

extern const struct rf_st_names rf_st_mce_policies;

/* Terminals (strace_ioctl.c uses them). */
extern const struct rf_st_names rf_st_input_modes;
extern const struct rf_st_names rf_st_output_modes;
extern const struct rf_st_names rf_st_control_modes;
extern const struct rf_st_names rf_st_local_modes;
extern const struct rf_st_names rf_st_baud_rates;

/* Sockets (strace_net.c uses them). */
extern const struct rf_st_names rf_st_domains;
extern const struct rf_st_names rf_st_socket_types;
extern const struct rf_st_names rf_st_socket_bits;
extern const struct rf_st_names rf_st_ip_protocols;
extern const struct rf_st_names rf_st_netlink_protocols;
extern const struct rf_st_names rf_st_option_levels;
extern const struct rf_st_names rf_st_socket_options;
extern const struct rf_st_names rf_st_ip_options;
extern const struct rf_st_names rf_st_ipv6_options;
extern const struct rf_st_names rf_st_tcp_options;
extern const struct rf_st_names rf_st_udp_options;
extern const struct rf_st_names rf_st_msg_flags;
extern const struct rf_st_names rf_st_shutdown;

#endif
