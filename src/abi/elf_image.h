/* Reading x86-64 ELF program files from memory: which segments to map where, as
 * Linux's binfmt_elf would decide. Nothing is mapped or allocated here; the kernel
 * and the bare-machine loader do that. Every file is treated as hostile. */
#ifndef RF_ABI_ELF_IMAGE_H
#define RF_ABI_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    RF_ELF_MAX_SEGMENTS = 73, /* Linux: the program headers fit one 4096-byte page */
    RF_ELF_INTERP_MAX = 4096, /* PATH_MAX, with the NUL */
};

/* Segment permissions: PF_* of elf(5). */
enum { RF_PF_X = 1, RF_PF_W = 2, RF_PF_R = 4 };

struct rf_elf_segment { /* one PT_LOAD with memsz > 0; they may share a page, not a byte */
    uint64_t vaddr;
    uint64_t offset; /* congruent to vaddr modulo 4096 when filesz > 0 */
    uint64_t filesz; /* offset + filesz lies in the file */
    uint64_t memsz;  /* >= filesz */
    uint32_t flags;  /* RF_PF_* */
};

struct rf_elf_image {
    bool is_dyn;         /* ET_DYN: add a page-aligned base to every address here */
    uint64_t entry;      /* not checked against the segments: Linux does not either */
    uint64_t phdr_vaddr; /* of the program headers, for AT_PHDR; 0 if in no segment */
    uint16_t phnum;
    uint16_t phentsize;
    unsigned segment_count;
    struct rf_elf_segment segments[RF_ELF_MAX_SEGMENTS]; /* ascending by vaddr */
    uint64_t low;                                        /* first page of the lowest segment */
    uint64_t high;  /* end of the last page of the highest segment */
    uint64_t align; /* largest power-of-two p_align of a PT_LOAD, at least 4096 */
    uint64_t brk;   /* end of the highest segment, not rounded: where the heap may start */
    bool has_gnu_stack;
    bool stack_executable; /* PT_GNU_STACK has PF_X. x86-64 without PT_GNU_STACK: false */
    bool has_tls;
    uint64_t tls_vaddr;
    uint64_t tls_filesz;
    uint64_t tls_memsz;
    uint64_t tls_align;
    bool has_interp;
    char interp[RF_ELF_INTERP_MAX]; /* NUL-terminated */
    /* When rf_elf_parse fails: the errno execve(2) gives on Linux for this file
     * (positive: ENOEXEC, EINVAL, EIO). 0 after success. */
    int linux_errno;
    /* Linux finds this fault only after the old program is gone: it kills the
     * process with SIGSEGV instead of returning linux_errno. */
    bool linux_kills;
};

/* Reads the headers of an ELF file of `size` bytes at `bytes` and checks every
 * range that a loader will use. On failure returns RF_ERR_FORMAT (damaged, or not
 * ELF) or RF_ERR_UNSUPPORTED (ELF, but not for x86-64) with one line in err, and
 * sets image->linux_errno and linux_kills; the rest of *image is then zero. err may
 * be NULL.
 *
 * Stricter than Linux in a few points, where it would map the file and let it crash:
 * overlapping segments, file ranges past the end of the file, and no PT_LOAD at all
 * are errors here. Section headers are not looked at. */
rf_status rf_elf_parse(const void *bytes, size_t size, struct rf_elf_image *image,
                       struct rf_error *err);

/* The function that contains an address, from .symtab or else .dynsym. */
struct rf_elf_symbol {
    char name[256];  /* NUL-terminated, cut at 255 bytes */
    uint64_t value;  /* its address as in the file */
    uint64_t size;   /* 0 when the file does not say */
    uint64_t offset; /* address - value */
};

/* Calls visit for every defined function and object symbol, of .symtab if the file has
 * one, else of .dynsym, until it returns false. The name (NUL-terminated, in the
 * file's bytes) is never empty. Returns the number of calls. A damaged symbol or
 * section is skipped. */
typedef bool rf_elf_symbol_visitor(void *user, const char *name, uint64_t value, uint64_t size,
                                   bool is_function);
size_t rf_elf_symbol_each(const void *bytes, size_t size, rf_elf_symbol_visitor *visit, void *user);

/* Finds the nearest function symbol at or below `address` (an address as in the
 * file: subtract the base of an ET_DYN first) that is not known to end before it.
 * Walks the whole table: use rf_elf_symbol_each() to index it for many lookups.
 * Returns false when the file has none or is damaged. */
bool rf_elf_symbol_lookup(const void *bytes, size_t size, uint64_t address,
                          struct rf_elf_symbol *symbol);

/* The address of a symbol by name. */
bool rf_elf_symbol_address(const void *bytes, size_t size, const char *name, uint64_t *address);

#endif
