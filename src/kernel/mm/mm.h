/* Address spaces: VMAs, page tables in guest RAM, demand paging, copy-on-write. */
#ifndef RF_KERNEL_MM_MM_H
#define RF_KERNEL_MM_MM_H

#include "kernel/kernel.h"

/* One mapping [start, end), page-aligned. In a list sorted by address. */
struct rf_vma {
    struct rf_vma *next;
    uint64_t start, end;
    uint32_t prot;   /* RF_PROT_* */
    bool shared;     /* MAP_SHARED */
    bool growsdown;
    bool may_write;  /* shared with a file that may be written: mprotect may make it writable */
    struct rf_file *file; /* NULL: anonymous */
    uint64_t offset;      /* of start in the file, bytes */
    const char *name;     /* "[heap]", "[stack]" or NULL: constant text */
};

struct rf_mm {
    uint32_t references;
    uint64_t pml4; /* physical */
    struct rf_vma *vmas;
    uint64_t mmap_base;  /* new mappings go below, top-down */
    uint64_t start_brk, brk, brk_limit;
    uint64_t start_stack, arg_start, arg_end, env_start, env_end, start_code, end_code, start_data, end_data;
    uint64_t total_pages, resident_pages;
    struct rf_file *exe;
    bool undumpable;     /* PR_SET_DUMPABLE 0, or rights were gained: others may not look into it */
    bool no_huge_pages;  /* PR_SET_THP_DISABLE */
    uint32_t membarrier; /* registrations, RF_MEMBARRIER_CMD_REGISTER_* */
};

/* --- mm.c --- */
struct rf_mm *rf_mm_create(struct rf_kernel *k);
struct rf_mm *rf_mm_fork(struct rf_kernel *k, struct rf_mm *mm); /* NULL: no memory */
void rf_mm_get(struct rf_mm *mm);
void rf_mm_put(struct rf_kernel *k, struct rf_mm *mm);
/* Load CR3. */
void rf_mm_activate(struct rf_kernel *k, struct rf_mm *mm);

/* --- vma.c --- */
struct rf_vma *rf_vma_find(struct rf_mm *mm, uint64_t address); /* containing, or NULL */
/* Map; address 0 = choose. Returns the address or -errno. Takes its own file reference. */
int64_t rf_mm_map(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                  uint32_t prot, uint32_t flags, struct rf_file *file, uint64_t offset);
int64_t rf_mm_unmap(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length);
int64_t rf_mm_protect(struct rf_kernel *k, struct rf_mm *mm, uint64_t address, uint64_t length,
                      uint32_t prot);
int64_t rf_mm_remap(struct rf_kernel *k, struct rf_mm *mm, uint64_t old, uint64_t old_length,
                    uint64_t new_length, uint32_t flags, uint64_t new_address);
int64_t rf_mm_brk(struct rf_kernel *k, struct rf_mm *mm, uint64_t address);

/* A file has become shorter: its pages past `size` leave every mapping, copies of them too. */
void rf_mm_truncated(struct rf_kernel *k, const struct rf_inode *inode, uint64_t size);

/* --- fault.c --- */
/* Resolve a fault at a user address of the current task. 0, or the signal to send
 * (RF_SIGSEGV, RF_SIGBUS) with *si_code. error_code: RF_PF_*. */
int rf_mm_fault(struct rf_kernel *k, uint64_t address, uint32_t error_code, int *si_code);
/* Give every page of shared anonymous mappings its frame: no object but the page tables holds
 * them, so those that fork finds absent would become two. False: no memory. */
bool rf_mm_fill_shared(struct rf_kernel *k, struct rf_mm *mm);

/* --- page_table.c --- */
/* Entry that maps va in the current 4-level table; make = create missing tables. NULL:
 * absent, or no memory. Host pointer. */
uint64_t *rf_pte(struct rf_kernel *k, uint64_t pml4, uint64_t va, bool make);
/* Unmap [start, end): drop frames, free empty tables are kept until the mm ends. */
void rf_pt_clear_range(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end);
void rf_pt_protect_range(struct rf_kernel *k, struct rf_mm *mm, uint64_t start, uint64_t end,
                         uint32_t prot);
/* Move leaves to a range without any; false: out of memory half way. */
bool rf_pt_move_range(struct rf_kernel *k, struct rf_mm *mm, uint64_t from, uint64_t to, uint64_t length);
/* Free the tables (leaves must be gone) and the PML4 itself. */
void rf_pt_free_user(struct rf_kernel *k, uint64_t pml4);
bool rf_pt_copy_user(struct rf_kernel *k, struct rf_mm *to, struct rf_mm *from);

#endif
