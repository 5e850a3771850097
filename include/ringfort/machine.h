/* A machine: one CPU, its memory, the emulated Linux kernel and the programs in it.
 *
 * Use: fill a config (zero means default everywhere), create, mount what the program may
 * see, start one program, run, read the result, destroy. A machine is driven by one host
 * thread at a time; different machines share nothing and may run in parallel threads.
 *
 * Every fallible call returns an rf_status and leaves a line for rf_error_text(). */
#ifndef RINGFORT_MACHINE_H
#define RINGFORT_MACHINE_H

#include <ringfort/explain.h>
#include <ringfort/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rf_machine rf_machine;

typedef struct rf_machine_config {
    uint64_t memory;      /* guest RAM in bytes, 8 MiB to 64 GiB, rounded up to pages; 0 = 4 GiB.
                             Only touched pages use host memory. */
    uint64_t max_cycles;  /* stop after this many modelled cycles; 0 = no limit */
    uint64_t seed;        /* of everything random in the machine; 0 = a fixed default */
    uint64_t epoch_ns;    /* wall clock at boot, ns since 1970; 0 = 2024-01-01T00:00:00Z, or with host_clock
                             the host's */
    uint64_t sched_seed;  /* perturbs which of several tasks runs next, and how long, the same way each time;
                             0 = they take turns */
    bool host_clock;      /* the clocks are the host's and sleeping takes real time: runs differ. Default:
                             modelled cycles, 3 to the nanosecond, and sleeping costs nothing */
    const char *hostname; /* at most 64 bytes; NULL = "ringfort" */
    uint32_t uid, gid;    /* of the first process */
    const char *cpu;      /* "x86-64-v1", "x86-64-v2", "x86-64-v3", "max" (all that Ringfort has):
                             what CPUID tells, and which instructions exist; NULL = x86-64-v3 */
    const char *vendor;   /* "intel" or "amd": CPUID's vendor, and whose rules hold where the manuals
                             differ; NULL = intel */
    /* A line (no newline) for each system call, signal and exit, as strace writes them;
     * NULL = no tracing. trace_user is passed through. */
    void (*trace)(void *user, const char *line);
    void *trace_user;
    bool keep_memory;     /* keep the first process' address space after its end, so that
                             rf_machine_explain can tell of it; shared file mappings are then
                             written back when the machine is destroyed */
} rf_machine_config;

/* Why rf_machine_run returned. */
typedef enum rf_stop_reason {
    RF_MACHINE_EXITED,   /* the first process has ended: see rf_machine_result */
    RF_MACHINE_LIMIT,    /* max_cycles was reached; running again goes on if it was raised */
    RF_MACHINE_STOPPED,  /* rf_machine_stop was called */
    RF_MACHINE_DEADLOCK, /* every task sleeps and nothing can wake one; rf_error_text has a line for each */
    RF_MACHINE_CRASHED,  /* the emulated kernel or CPU cannot go on; see rf_error_text */
} rf_stop_reason;

/* How the first process ended, with what a report of its death needs. */
typedef struct rf_result {
    bool signaled;         /* ended by a signal, else by exit */
    int exit_code;         /* 0..255 when !signaled */
    int signal;            /* Linux number when signaled */
    uint64_t rip;          /* where it was */
    bool has_fault;        /* the signal came from a CPU fault: the rest is meaningful */
    int si_code;
    uint64_t fault_address; /* CR2 for page faults */
    char instruction[96];  /* disassembly at rip, or "" */
    char reason[192];      /* why the CPU or MMU refused, or memory was out, in words, or "" */
    unsigned vector;       /* of the CPU's exception, 14 = #PF */
    uint32_t error_code;   /* that came with it */
} rf_result;

/* Figures of a run so far. All cycles are modelled. */
typedef struct rf_stats {
    uint64_t instructions;
    uint64_t cycles;
    uint64_t account_cycles[8]; /* by rf_stats_account_name(i); the parts add up to cycles */
    uint64_t syscalls, sysrets, interrupts, software_interrupts, irets;
    uint64_t exceptions[32];    /* by vector */
    uint64_t page_walks, walk_levels, tlb_flushes;
    uint64_t blocks_decoded, instructions_decoded;
    uint64_t syscall_calls;     /* system calls finished */
} rf_stats;

/* One row of the per-call table. */
typedef struct rf_syscall_stats {
    uint64_t calls, errors, cycles;
} rf_syscall_stats;

/* Create a machine with a booted kernel and an in-memory root (/dev, /tmp, /proc). config NULL =
 * all defaults. The host process should have descriptors 0, 1 and 2 open: the guest's standard
 * streams go to whatever has these numbers. On success *out owns the machine: release it with
 * rf_machine_destroy. On failure *out is NULL; rf_create_error_text() (ringfort/status.h) says why.
 * Errors: RF_ERR_ARGUMENT (a value out of range), RF_ERR_NO_MEMORY. */
rf_status rf_machine_create(const rf_machine_config *config, rf_machine **out);
/* Release everything. NULL is allowed. */
void rf_machine_destroy(rf_machine *machine);

/* The line (after a deadlock: the lines) left by the last call on this machine that failed; "" if none did. Owned by the
 * machine, valid until the next call. */
const char *rf_error_text(const rf_machine *machine);

/* How something of the host's is seen in the guest. */
typedef enum rf_mount_access {
    RF_MOUNT_READ_ONLY = 0,
    RF_MOUNT_WRITABLE = 1,
    RF_MOUNT_OVERLAY = 2, /* the guest may write, into the machine's memory alone: the host's files stay as they are */
} rf_mount_access;

/* Show a host directory or file in the guest. guest_path is absolute; missing parents are
 * made. Programs cannot leave host_path. An overlay needs a directory. Only before rf_machine_start.
 * Errors: RF_ERR_NOT_FOUND, RF_ERR_PERMISSION, RF_ERR_ARGUMENT, RF_ERR_STATE. */
rf_status rf_machine_mount(rf_machine *machine, const char *host_path, const char *guest_path,
                           rf_mount_access access);
/* The same for what a regular file of the host holds: the image of a file system, or an archive, which is read into
 * the machine's memory and can be written there whatever access says, unless it is RF_MOUNT_READ_ONLY.
 * Errors: as above; RF_ERR_FORMAT (damaged, or of no kind that is known), RF_ERR_UNSUPPORTED (of a kind or with
 * features that cannot be written, for RF_MOUNT_WRITABLE). */
rf_status rf_machine_mount_image(rf_machine *machine, const char *host_path, const char *guest_path,
                                 rf_mount_access access);
/* Make a host directory, or what an image or archive holds, the guest's root. Before any other mount. /dev and /proc
 * are put over it. Errors: as of the other two. */
rf_status rf_machine_root(rf_machine *machine, const char *host_path, rf_mount_access access);
/* Let programs use the host's network where rules allow it; without this call they see nothing but the machine's own
 * loopback. rules: "connect=ADDRESS[:PORT]" (connect and send to) and "listen=ADDRESS[:PORT]" (bind to), with commas
 * between; ADDRESS is 1.2.3.4, 10.0.0.0/8, [::1], [fd00::]/8 or *, PORT a number, LOW-HIGH or * (the default). NULL or
 * empty: connect=*,listen=*. 127.0.0.0/8 and ::1 are the machine's own unless a rule names them: * does not. What is not
 * allowed is unreachable for the program (ENETUNREACH). Rules of several calls add up. Results of a run then depend on
 * the network. Only before rf_machine_start. Errors: RF_ERR_ARGUMENT (a rule that cannot be read), RF_ERR_NO_MEMORY,
 * RF_ERR_STATE. */
rf_status rf_machine_allow_network(rf_machine *machine, const char *rules);
/* Where a shell in the guest would find a program: name itself when it holds a slash, else the first file of that name
 * in the directories that list names (separated by colons; NULL = the usual bin and sbin directories). Writes the
 * absolute path with its NUL to out. Errors: RF_ERR_NOT_FOUND, RF_ERR_ARGUMENT (out is too small for it). */
rf_status rf_machine_find_program(rf_machine *machine, const char *name, const char *list, char *out, size_t size);
/* Add one file to the guest's tree with a copy of `size` bytes; mode: permission bits. */
rf_status rf_machine_add_file(rf_machine *machine, const char *guest_path, const void *bytes,
                              size_t size, uint32_t mode);

/* Load a program as the first process: guest_path inside the guest, argv and envp
 * NULL-terminated (argv[0] included; envp NULL = empty), cwd absolute or NULL = "/". Its
 * standard descriptors are the host process' own 0, 1 and 2. Once per machine.
 * Errors: RF_ERR_NOT_FOUND, RF_ERR_PERMISSION, RF_ERR_FORMAT, RF_ERR_UNSUPPORTED,
 * RF_ERR_ARGUMENT (also a cwd that is no directory of the guest), RF_ERR_STATE. */
rf_status rf_machine_start(rf_machine *machine, const char *guest_path, const char *const *argv,
                           const char *const *envp, const char *cwd);

/* Lock the calling process down for the rest of its life: no file can be opened any more but beneath the directories that are
 * mounted in this machine, with no more rights than the guest has there (Landlock); no program can be executed, no process
 * or socket made, nothing mapped for execution, and all system calls that running the machine does not need fail with EPERM
 * (seccomp). What is open stays so. To be called after all set-up, of this and other machines of the process. No privilege is
 * needed. The filter holds for all threads of the process, Landlock's rules for the calling thread and those that it starts.
 * Errors: RF_ERR_UNSUPPORTED (the host's kernel lacks one of the two: the text says which), RF_ERR_PERMISSION; the process may
 * then be locked down in part. */
rf_status rf_machine_lock_down(rf_machine *machine);

/* Run until something stops it. Errors: RF_ERR_STATE (nothing started, or it has ended). */
rf_status rf_machine_run(rf_machine *machine, rf_stop_reason *reason);

/* Make a running machine stop soon: within about a million cycles. May be called from another thread or
 * a signal handler. */
void rf_machine_stop(rf_machine *machine);

/* How the first process ended. Errors: RF_ERR_STATE if it has not. */
rf_status rf_machine_result(const rf_machine *machine, rf_result *out);

/* The page walk of an access in the address space of the task that ran last (after the end of the first
 * process: in its own, if keep_memory was set), told level by level (ringfort/explain.h). A page
 * that the kernel has not filled yet is told as absent: see rf_machine_mapping.
 * Errors: RF_ERR_STATE (nothing started, or its memory was not kept), RF_ERR_ARGUMENT. */
rf_status rf_machine_explain(rf_machine *machine, uint64_t address, rf_access_kind access, rf_access_by by,
                             rf_explanation *out);
/* The kernel's mapping (VMA) that holds an address of the same address space, as in /proc/PID/maps:
 * "7f0000000000-7f0000021000 rw-p [heap]"; "" if there is none. Errors: as rf_machine_explain. */
rf_status rf_machine_mapping(rf_machine *machine, uint64_t address, char *out, size_t size);

/* Copy the figures so far. */
void rf_machine_stats(const rf_machine *machine, rf_stats *out);
/* Name of account_cycles[index], or NULL past the last. Constant. */
const char *rf_stats_account_name(unsigned index);
/* Per-call figures; false if the number has no name or was never called. */
bool rf_machine_syscall_stats(const rf_machine *machine, unsigned number, rf_syscall_stats *out);
/* Name of a system call number, NULL for a hole; numbers are below rf_syscall_limit(). */
const char *rf_syscall_name(unsigned number);
unsigned rf_syscall_limit(void);
/* True if the kernel implements the call; others return -ENOSYS. */
bool rf_syscall_implemented(const rf_machine *machine, unsigned number);

/* "#PF", "#GP", ... for an exception vector. Never NULL. */
const char *rf_exception_name(unsigned vector);

/* "0.1.0" */
const char *rf_version(void);

#ifdef __cplusplus
}
#endif
#endif
