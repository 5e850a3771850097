/* Page walks told level by level: which entries translate a linear address, what they say, and
 * the one rule that allows or refuses an access.
 *
 * An rf_explanation is a plain structure that the caller owns. rf_bare_explain
 * (ringfort/bare.h) and rf_machine_explain (ringfort/machine.h) fill it from a machine,
 * rf_explain_image from a dump of memory. Explaining never changes a machine: no accessed or dirty
 * bit, no TLB entry, no count.
 *
 * Rules: Intel SDM volume 3A, chapter 4, "Paging"; its sections are named in the texts. */
#ifndef RINGFORT_EXPLAIN_H
#define RINGFORT_EXPLAIN_H

#include <ringfort/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rf_access_kind {
    RF_ACCESS_READ,
    RF_ACCESS_WRITE,
    RF_ACCESS_FETCH, /* of instructions */
    /* Shadow-stack accesses: by CALL, RET, events and the instructions of CET, never by MOV. CPUs make
     * them only while CR4.CET = 1; they are told by the same rules while it is 0. */
    RF_ACCESS_SHADOW_READ,
    RF_ACCESS_SHADOW_WRITE,
} rf_access_kind;

/* Who accesses (SDM 3A, 4.6: user-mode and supervisor-mode accesses). WRUSS, an instruction of
 * supervisor mode, accesses as RF_BY_USER. RFLAGS.AC means nothing to shadow-stack accesses. */
typedef enum rf_access_by {
    RF_BY_USER,          /* CPL 3 */
    RF_BY_SUPERVISOR,    /* CPL 0 to 2 with RFLAGS.AC = 0, and implicit accesses (GDT, IDT, TSS) */
    RF_BY_SUPERVISOR_AC, /* CPL 0 to 2 with RFLAGS.AC = 1, as STAC sets it */
} rf_access_by;

/* The registers that paging depends on. */
typedef struct rf_paging {
    uint64_t cr0, cr3, cr4, efer;
    uint32_t pkru, pkrs;
} rf_paging;

#define RF_WALK_LEVELS 5

/* One table entry that the walk read. */
typedef struct rf_walk_level {
    unsigned level;         /* 5 = PML5E, 4 = PML4E, 3 = PDPTE, 2 = PDE, 1 = PTE */
    const char *name;       /* "PML4E"; constant */
    unsigned index;         /* in its table */
    uint64_t table;         /* physical address of the table */
    uint64_t entry_address; /* physical address of the entry */
    uint64_t entry;         /* its value */
    bool leaf;              /* maps a page, rather than naming the next table */
    bool usable;            /* present, and no reserved bit is set */
    uint64_t next;          /* physical address of the next table or of the page; if usable */
    char bits[128];         /* "present, writable, user, accessed" */
} rf_walk_level;

typedef struct rf_explanation {
    uint64_t address; /* linear */
    rf_access_kind access;
    rf_access_by by;
    rf_paging paging;
    const char *mode;     /* "paging off", "32-bit paging", "PAE paging", "4-level paging" or
                             "5-level paging"; constant */
    unsigned level_count; /* how many of level[] are valid: from the root down */
    rf_walk_level level[RF_WALK_LEVELS];

    bool translated; /* there is a page (or paging is off): the following are meaningful */
    uint64_t physical;
    uint64_t page_size; /* bytes; 0 with paging off */
    bool writable, user, executable, global; /* all levels combined (SDM 3A, 4.6) */
    bool shadow_stack;    /* R/W = 0 and D = 1 in the leaf, R/W = 1 above it */
    unsigned protection_key;

    bool allowed;
    char rule[256];      /* the rule that allows or refuses, in words, with its section */
    unsigned vector;     /* when refused: 14 = #PF, 13 = #GP */
    uint32_t error_code; /* when refused: of the exception */
    char error_text[128]; /* when refused: the error code's bits in words */
} rf_explanation;

/* Explain an access with the page tables in a copy of physical memory: `memory` holds the bytes of
 * physical addresses 0 to size - 1. Addresses beyond read as ones, as an open bus does.
 * Errors: RF_ERR_ARGUMENT (a pointer is NULL, or access or by is out of range). */
rf_status rf_explain_image(const void *memory, uint64_t size, const rf_paging *paging, uint64_t address,
                           rf_access_kind access, rf_access_by by, rf_explanation *out);

/* The whole story as text: a line for the access, one for each level, one for the combined rights,
 * the verdict and the rule, each ended by '\n'. Written to out (size bytes, always terminated;
 * NULL with size 0 is allowed). Returns the length that the whole text has, as snprintf does. */
size_t rf_explanation_text(const rf_explanation *explanation, char *out, size_t size);

/* A page-fault error code's bits as symbols, "P|W|U" ("0" for none): P protection (not set: the page
 * was absent), W write, U user mode, RSVD reserved bit, I instruction fetch, PK protection
 * key, SS shadow-stack access (SDM 3A, 4.7). Returns the length as snprintf does. */
size_t rf_page_fault_bits(uint32_t error_code, char *out, size_t size);
/* The kind of access that a page-fault error code tells of. */
rf_access_kind rf_page_fault_access(uint32_t error_code);

#ifdef __cplusplus
}
#endif
#endif
