/* Address spaces: VMAs, page tables in guest RAM, demand paging, copy-on-write. */
#ifndef RF_KERNEL_MM_MM_H
#define RF_KERNEL_MM_MM_H

#include "kernel/kernel.h"

struct rf_process;

/* What a mapping is besides its protection. */
enum {
    RF_VM_LOCKED = 1 << 0,      /* mlock: counts against RLIMIT_MEMLOCK */
    RF_VM_LOCKONFAULT = 1 << 1, /* with RF_VM_LOCKED: not filled ahead */
    RF_VM_NORESERVE = 1 << 2,
    RF_VM_DONTFORK = 1 << 3,    /* madvise(2) */
    RF_VM_WIPEONFORK = 1 << 4,
    RF_VM_DONTDUMP = 1 << 5,
    RF_VM_MERGEABLE = 1 << 6,
    RF_VM_HUGEPAGE = 1 << 7,
    RF_VM_NOHUGEPAGE = 1 << 8,
    RF_VM_RANDOM = 1 << 9,
    RF_VM_SEQUENTIAL = 1 << 10,
};

/* One mapping [start, end), page-aligned. In a list sorted by address. */
struct rf_vma {
    struct rf_vma *next;
    uint64_t start, end;
    uint32_t prot;   /* RF_PROT_* */
    uint32_t flags;  /* RF_VM_* */
    bool shared;     /* MAP_SHARED */
    bool growsdown;
    bool may_write;  /* shared with a file that may be written: mprotect may make it writable */
    uint8_t pkey;
    struct rf_file *file; /* NULL: anonymous */
    uint64_t offset;      /* of start in the file, bytes */
    const char *name;     /* "[heap]", "[stack]" or NULL: constant text */
};

#define RF_MAP_COUNT_MAX 65530                               /* vm.max_map_count */

struct rf_mm {
    uint32_t references;
    uint64_t id;   /* never used again in this machine's life */
    uint64_t pml4; /* physical */
    struct rf_vma *vmas;
    struct rf_vma **table; /* the same, for look-up by halving (vma.c) */
    uint32_t map_count, table_room;
    uint32_t future_flags;   /* RF_VM_*: what mlockall wants of new mappings */
    uint64_t mmap_base;  /* new mappings go below, top-down */
    bool bottom_up;      /* unless the personality was ADDR_COMPAT_LAYOUT at execve */
    uint64_t start_brk, brk, brk_limit;
    uint64_t start_stack, arg_start, arg_end, env_start, env_end, start_code, end_code, start_data, end_data;
    uint64_t total_pages, resident_pages, locked_pages;
    uint64_t table_pages; /* frames of page tables, the PML4 among them */
    uint64_t peak_total, peak_resident;
    struct rf_file *exe;
    uint64_t auxv[48];   /* as exec gave it: pairs */
    uint32_t auxv_count; /* words */
    bool undumpable;     /* PR_SET_DUMPABLE 0, or rights were gained: others may not look into it */
    bool no_huge_pages;  /* PR_SET_THP_DISABLE */
    uint32_t membarrier; /* registrations, RF_MEMBARRIER_CMD_REGISTER_* */
    uint16_t pkeys;      /* allocated protection keys, a bit each; 0 without the feature */
    int8_t execute_only_pkey; /* -1: none */
    bool oom_victim;     /* its pages were taken away: it only waits for its end */
};

/* --- mm.c --- */
struct rf_mm *rf_mm_create(struct rf_kernel *k);
struct rf_mm *rf_mm_fork(struct rf_kernel *k, struct rf_mm *mm); /* NULL: no memory */
void rf_mm_get(struct rf_mm *mm);
void rf_mm_put(struct rf_kernel *k, struct rf_mm *mm);
/* Load CR3. */
void rf_mm_activate(struct rf_kernel *k, struct rf_mm *mm);
/* The live address space with this id, or NULL. */
struct rf_mm *rf_mm_by_id(struct rf_kernel *k, uint64_t id);

/* --- vma.c --- */
struct rf_vma *rf_vma_find(struct rf_mm *mm, uint64_t address);  /* containing, or NULL */
struct rf_vma *rf_vma_after(struct rf_mm *mm, uint64_t address); /* the first that ends above it, or NULL */
struct rf_vma *rf_vma_before(struct rf_mm *mm, uint64_t address); /* the last that ends at or below it, or NULL */

/* --- map.c --- */
/* Map; address 0 = choose. Returns the address or -errno. Takes its own file reference. */
int64_t rf_mm_map(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                  uint32_t prot, uint32_t flags, struct rf_file *file, uint64_t offset);
int64_t rf_mm_unmap(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length);
/* The protection that the current task gets when it asks for prot: what is readable may be executed, if its
 * personality says READ_IMPLIES_EXEC and the file (NULL: none) is on no mount with MS_NOEXEC. */
uint32_t rf_mm_prot_given(const struct rf_kernel *k, const struct rf_file *file, uint32_t prot);
/* prot may have RF_PROT_GROWSDOWN; pkey -1: as mprotect. */
int64_t rf_mm_protect(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                      uint32_t prot, int pkey);
int64_t rf_mm_brk(struct rf_kernel *k, struct rf_mm *mm, uint64_t address);

/* --- remap.c --- */
int64_t rf_mm_remap(struct rf_kernel *k, struct rf_mm *mm, uint64_t old, uint64_t old_length,
                    uint64_t new_length, uint32_t flags, uint64_t new_address);

/* --- lock.c: lengths and addresses are page-aligned --- */
/* May the current task lock pages at all, and these pages more? 0, -RF_EPERM; 0, -RF_EAGAIN. */
int64_t rf_mm_may_lock(const struct rf_kernel *k);
int64_t rf_mm_lock_limit(const struct rf_kernel *k, const struct rf_mm *mm, uint64_t pages);
/* Set the locking of a range to flags (RF_VM_LOCKED...), 0 unlocks. Holes: -RF_ENOMEM. */
int64_t rf_mm_set_locked(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t length, uint32_t flags);
/* Fill pages as locking does (__mm_populate): 0, -RF_ENOMEM at a hole, -RF_EFAULT. Of the current
 * address space. ignore: go on after errors. */
int64_t rf_mm_populate(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t length, bool ignore);

/* --- limits.c --- */
/* Would `pages` more of such a mapping fit RLIMIT_AS and RLIMIT_DATA? */
bool rf_mm_may_grow(const struct rf_kernel *k, const struct rf_mm *mm, const struct rf_vma *kind, uint64_t pages);
/* vm.overcommit_memory = 0: what one call may not ask for. */
bool rf_mm_overcommits(const struct rf_kernel *k, uint64_t pages);
struct rf_mm_sizes {
    uint64_t data, stack, executable, anonymous, shmem, file; /* pages; the last three: resident */
};
void rf_mm_sizes(struct rf_kernel *k, const struct rf_mm *mm, struct rf_mm_sizes *out);

/* --- shared.c --- */
/* A file has become shorter: its pages past `size` leave every mapping, copies of them too. */
void rf_mm_truncated(struct rf_kernel *k, const struct rf_inode *inode, uint64_t size);
/* Pages [first, last) of a file became a hole: they leave every mapping, private copies stay. */
void rf_mm_punched(struct rf_kernel *k, const struct rf_inode *inode, uint64_t first, uint64_t last);

/* --- remote.c: memory of any address space, in its owner's words --- */
/* Bytes moved before the first one that cannot be. force (ptrace, /proc/PID/mem): protections do not
 * count, a private mapping that may not be written gets its own copy of the page. */
size_t rf_mm_read_remote(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, void *out, size_t size,
                         bool force);
size_t rf_mm_write_remote(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, const void *in, size_t size,
                          bool force);

/* --- fault.c --- */
/* Resolve a fault at a user address of the current task. 0, or the signal to send
 * (RF_SIGSEGV, RF_SIGBUS) with *si_code; RF_SIGKILL: out of memory, and the current process has been
 * killed for it. error_code: RF_PF_*. */
int rf_mm_fault(struct rf_kernel *k, uint64_t address, uint32_t error_code, int *si_code);
/* Have the page of a mapping there: for `write` a page of its own, whatever the protection. 0, a
 * signal; RF_SIGKILL: no memory. */
int rf_mm_make_page(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t address,
                    bool write, int *si_code);
/* The same ahead of any access: 0, -RF_EFAULT; -RF_ENOMEM: the current process has been killed. */
int64_t rf_mm_fill_page(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t address, bool write);
/* The mapping at an address, grown down to it if it can. */
struct rf_vma *rf_mm_find_or_grow(struct rf_kernel *k, struct rf_mm *mm, uint64_t address);

/* --- pkey.c --- */
bool rf_has_pkeys(const struct rf_kernel *k);
#define RF_PKRU_INITIAL UINT32_C(0x55555554) /* every key but 0 closed (arch/x86/mm/pkeys.c) */
int64_t rf_pkey_alloc(struct rf_kernel *k, struct rf_mm *mm, uint32_t rights);
int64_t rf_pkey_free(struct rf_mm *mm, int pkey);
bool rf_pkey_is_allocated(const struct rf_mm *mm, int pkey);
/* The key that a mapping of this protection gets; requested: -1, or the caller's. */
uint8_t rf_pkey_of(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint32_t prot, int requested);
/* Does PKRU let the current task access the mapping's data? */
bool rf_pkey_permits(const struct rf_kernel *k, const struct rf_vma *vma, uint32_t error_code);
/* PKRU as exec and signal handlers find it. */
void rf_pkey_reset(struct rf_kernel *k);

/* --- oom.c --- */
/* No frame is left for the current task: kill whom Linux would. True: that was another process, whose
 * pages are free now. False: the current one is to die. */
bool rf_out_of_memory(struct rf_kernel *k);
/* oom_badness in thousandths of all memory, as /proc/PID/oom_score shows it. */
int64_t rf_oom_score(const struct rf_kernel *k, const struct rf_process *process);

/* --- page_table.c --- */
#define RF_PTE_PRIVATE_COPY RF_BIT(9) /* ignored by the CPU: the page belongs to no file */
#define RF_PTE_PKEY_SHIFT 59
/* Entry that maps va in the 4-level table of mm; make = create missing tables. NULL:
 * absent, or no memory. Host pointer. */
uint64_t *rf_pte(struct rf_kernel *k, struct rf_mm *mm, uint64_t va, bool make);
/* Unmap [start, end): drop frames, free empty tables are kept until rf_pt_free_tables. */
void rf_pt_clear_range(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end);
/* The same for pages of files only: private copies stay. */
void rf_pt_clear_file_pages(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end);
/* Bring the entries in line with the mapping's protection and key. */
void rf_pt_protect_vma(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma);
/* Move leaves to a range without any; false: no memory, nothing was moved. */
bool rf_pt_move_range(struct rf_kernel *k, struct rf_mm *mm, uint64_t from, uint64_t to, uint64_t length);
/* Nothing is mapped in [start, end): free the tables that only serve it. */
void rf_pt_free_tables(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end);
/* Call visit for each non-zero leaf in [start, end). */
void rf_pt_each_leaf(struct rf_kernel *k, uint64_t pml4, uint64_t start, uint64_t end,
                     void (*visit)(struct rf_kernel *k, uint64_t va, uint64_t *pte, void *user), void *user);
/* Free the tables (leaves must be gone) and the PML4 itself. */
void rf_pt_free_user(struct rf_kernel *k, struct rf_mm *mm);
/* The mappings of `to` are a copy of those of `from`: let them have the same pages. */
bool rf_pt_copy_user(struct rf_kernel *k, struct rf_mm *to, struct rf_mm *from);

#endif
