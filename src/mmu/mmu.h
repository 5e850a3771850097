/* The memory management unit: page walks, every access rule, the software TLB.
 *
 * Owns the registers that paging depends on (CR0, CR3, CR4, EFER, PKRU, PKRS) so
 * that no cached translation can outlive a change to them. Knows nothing of
 * instructions: the CPU says who accesses (rf_tlb_mode), how (rf_access) and where,
 * and turns an rf_fault into #PF, #GP or #SS.
 *
 * Rules: Intel SDM volume 3A, chapter 4 (paging), sections 4.3 (32-bit paging), 4.4 (PAE paging),
 * 4.5 (4-level and 5-level paging), 4.6 (access rights), 4.7 (page-fault exceptions), 4.8 (accessed and dirty
 * flags), 4.10 (caching translation information). */
#ifndef RF_MMU_MMU_H
#define RF_MMU_MMU_H

#include "mmu/ram.h"

/* Control register bits that paging reads (SDM 3A, 2.5). */
#define RF_CR0_PE RF_BIT(0)
#define RF_CR0_WP RF_BIT(16)
#define RF_CR0_PG RF_BIT(31)
#define RF_CR4_PSE RF_BIT(4)
#define RF_CR4_PAE RF_BIT(5)
#define RF_CR4_PGE RF_BIT(7)
#define RF_CR4_LA57 RF_BIT(12)
#define RF_CR4_PCIDE RF_BIT(17)
#define RF_CR4_SMEP RF_BIT(20)
#define RF_CR4_SMAP RF_BIT(21)
#define RF_CR4_PKE RF_BIT(22)
#define RF_CR4_CET RF_BIT(23)
#define RF_CR4_PKS RF_BIT(24)
#define RF_EFER_LME RF_BIT(8)
#define RF_EFER_LMA RF_BIT(10)
#define RF_EFER_NXE RF_BIT(11)
#define RF_CR3_NO_FLUSH RF_BIT(63) /* in the source operand of MOV to CR3 */

/* Page table entry bits (SDM 3A, table 4-20). */
#define RF_PTE_P RF_BIT(0)
#define RF_PTE_W RF_BIT(1)
#define RF_PTE_U RF_BIT(2)
#define RF_PTE_PWT RF_BIT(3)
#define RF_PTE_PCD RF_BIT(4)
#define RF_PTE_A RF_BIT(5)
#define RF_PTE_D RF_BIT(6)
#define RF_PTE_PS RF_BIT(7)
#define RF_PTE_G RF_BIT(8)
#define RF_PTE_NX RF_BIT(63)
#define RF_PTE_PKEY_SHIFT 59
#define RF_MAXPHYADDR 46
#define RF_PTE_ADDRESS (((UINT64_C(1) << RF_MAXPHYADDR) - 1) & ~RF_PAGE_MASK)

/* Page-fault error code bits (SDM 3A, figure 4-12). */
#define RF_PF_P 0x01u
#define RF_PF_W 0x02u
#define RF_PF_U 0x04u
#define RF_PF_RSVD 0x08u
#define RF_PF_I 0x10u
#define RF_PF_PK 0x20u
#define RF_PF_SS 0x40u

/* The last two: shadow-stack accesses, which are allowed on shadow-stack pages alone, and for which
 * RF_TLB_USER and RF_TLB_SUPERVISOR are to be asked (SDM 3A, 4.6.1). */
enum rf_access { RF_READ, RF_WRITE, RF_FETCH, RF_SHADOW_READ, RF_SHADOW_WRITE };

/* Who accesses. Implicit supervisor accesses (descriptor tables, TSS) made while
 * CPL is 3 use RF_TLB_SUPERVISOR whatever RFLAGS.AC says (SDM 3A, 4.6.1). */
enum rf_tlb_mode {
    RF_TLB_USER,          /* CPL 3 */
    RF_TLB_SUPERVISOR,    /* CPL 0-2, RFLAGS.AC = 0, and implicit accesses */
    RF_TLB_SUPERVISOR_AC, /* CPL 0-2, RFLAGS.AC = 1 */
    RF_TLB_MODES
};

/* Why an access was refused. */
enum rf_fault_kind {
    RF_FAULT_NONE,
    RF_FAULT_NONCANONICAL, /* #GP(0), or #SS(0) for a stack reference */
    RF_FAULT_PAGE,         /* #PF with error_code, CR2 = address */
    RF_FAULT_SEGMENT,      /* the CPU's own: refused by a segment; #GP(0), or #SS(0) */
    RF_FAULT_ALIGNMENT,    /* the CPU's own: #AC(0) */
};

struct rf_fault {
    enum rf_fault_kind kind;
    uint32_t error_code; /* RF_PF_* */
    uint64_t address;    /* first byte that could not be accessed */
};

#define RF_TLB_ENTRIES 512
#define RF_TLB_INVALID UINT64_MAX

/* One translation. A tag is the page's linear address when that kind of access
 * may go straight to memory, else RF_TLB_INVALID. A page that holds decoded code,
 * or whose dirty bit is clear, has no write tag. */
struct rf_tlb_entry {
    uint64_t read, write, fetch;
    uint64_t addend; /* host address = linear address + addend */
};

/* What the page tables say of one page, all levels combined (SDM 3A, 4.6). */
struct rf_page_rights {
    bool writable, user, executable; /* AND of R/W, AND of U/S, no XD */
    bool global;                     /* leaf G with CR4.PGE = 1 */
    bool dirty;                      /* leaf D */
    bool shadow_stack;               /* R/W = 1 above the leaf, R/W = 0 and D = 1 in it */
    uint8_t protection_key;
    uint8_t page_shift; /* 12, 21, 22 or 30 */
};

/* What the fast path does not need, at the same index. Tags can be made again from
 * it, so a change of PKRU, CR0.WP or a code mark costs no new walk. */
struct rf_tlb_note {
    uint64_t page; /* linear page address, RF_TLB_INVALID if unused */
    uint64_t pa;   /* physical page address (4K granule within a large page) */
    struct rf_page_rights rights;
};

/* The translations of one address space (one PCID). Linear address bits 12 and up
 * choose the index, in each mode's array. */
struct rf_tlb_set {
    _Alignas(64) struct rf_tlb_entry entry[RF_TLB_MODES][RF_TLB_ENTRIES];
    struct rf_tlb_note note[RF_TLB_MODES][RF_TLB_ENTRIES];
    uint64_t used[RF_TLB_MODES * RF_TLB_ENTRIES / 64]; /* a bit per filled entry */
    uint16_t pcid;
    bool in_use;
    /* What was filled since the set was last emptied of everything: */
    bool has_global;
    uint16_t keys;                    /* bit per protection key */
    uint64_t large_first, large_last; /* bounds of the large pages; first > last if none */
    uint32_t generation;              /* see rf_mmu.generation */
    uint64_t last_used;
};

#define RF_TLB_SETS 4

/* Events counted for the cost account. */
struct rf_mmu_counts {
    uint64_t walks;       /* page walks made */
    uint64_t walk_levels; /* table entries read by them */
    uint64_t flushes;     /* whole-space TLB flushes */
};

struct rf_mmu {
    struct rf_ram *ram;
    uint64_t cr0, cr3, cr4, efer; /* cr3 without the no-flush bit */
    uint32_t pkru, pkrs;
    uint64_t pdpte[4]; /* PAE paging's registers: rf_mmu_load_pdptes */

    struct rf_tlb_set *set;  /* the current one of sets[] */
    struct rf_tlb_set *sets; /* RF_TLB_SETS of them */

    /* A number that changes whenever a linear address may translate differently than
     * before: two equal generations mean the same translations. Never 0. */
    uint32_t generation, next_generation;
    uint64_t use_clock;
    struct rf_mmu_counts counts;

    /* Called before bytes [pa, pa + size) of a page marked RF_PAGE_CODE change. */
    void (*code_write)(void *user, uint64_t pa, uint64_t size);
    void *code_write_user;

    /* Data accesses outside RAM, not across a page's end; the bytes of one instruction's operand in
     * one call for each page. NULL = nothing is there: reads give 0xff, writes vanish. */
    void (*device_read)(void *user, uint64_t pa, void *out, size_t size);
    void (*device_write)(void *user, uint64_t pa, const void *data, size_t size);
    void *device_user;
};

/* A walk told level by level, for faults that must be explained. */
struct rf_walk_step {
    uint8_t level;  /* 5 = PML5E ... 1 = PTE; 32-bit paging: 2 and 1 */
    uint64_t table; /* physical address of the table */
    uint64_t entry_pa;
    uint64_t entry;
};

struct rf_walk {
    unsigned step_count;
    struct rf_walk_step step[5]; /* from the root down; step_count are valid */
    bool ok;
    struct rf_fault fault;   /* when !ok */
    const char *refused_by;  /* when !ok: the rule in words, e.g. "U/S = 0 at level 1: ..."; constant text */
    uint64_t pa;             /* when ok */
    uint8_t page_shift;      /* 12, 21, 22 or 30, when ok */
    bool writable, user, executable, global, dirty, shadow_stack; /* combined rights over all levels, when ok */
    uint8_t protection_key;
};

/* Start with paging off (CR0.PG = 0: linear = physical), all TLBs empty. ram must
 * outlive the mmu. */
rf_status rf_mmu_init(struct rf_mmu *mmu, struct rf_ram *ram, struct rf_error *err);
void rf_mmu_destroy(struct rf_mmu *mmu);

/* Register writes. Reserved-bit and mode checks (#GP) are the CPU's; these apply
 * the effect on translations: SDM 3A, 4.10.4.1. rf_mmu_set_cr3 takes the source
 * operand, RF_CR3_NO_FLUSH included, which is honoured when CR4.PCIDE = 1. */
void rf_mmu_set_cr0(struct rf_mmu *mmu, uint64_t value);
void rf_mmu_set_cr3(struct rf_mmu *mmu, uint64_t value);
void rf_mmu_set_cr4(struct rf_mmu *mmu, uint64_t value);
void rf_mmu_set_efer(struct rf_mmu *mmu, uint64_t value);
void rf_mmu_set_pkru(struct rf_mmu *mmu, uint32_t value);
void rf_mmu_set_pkrs(struct rf_mmu *mmu, uint32_t value);

/* Read the four PDPTE registers of PAE paging from the table that a CR3 value names. False: one
 * has a reserved bit set, #GP(0), and none has changed (SDM 3A, 4.4.1). The CPU calls it before
 * the register writes that the manual lists. */
bool rf_mmu_load_pdptes(struct rf_mmu *mmu, uint64_t cr3);

/* INVLPG: forget va (global or not) in the current space, and the whole large page
 * it lies in, and global translations of it in every space; INVPCID types 0 to 3 (SDM
 * 2A, INVPCID). */
void rf_mmu_invlpg(struct rf_mmu *mmu, uint64_t va);
void rf_mmu_invpcid(struct rf_mmu *mmu, unsigned type, uint16_t pcid, uint64_t va);
/* Forget everything in every space. */
void rf_mmu_flush_all(struct rf_mmu *mmu);

/* True if va is canonical for the current paging mode (48 or 57 bits). */
bool rf_mmu_canonical(const struct rf_mmu *mmu, uint64_t va);
/* True if va is canonical in the widest paging mode that there is (57 bits). That is what CPUs ask of
 * an address that a register keeps, be it an MSR, a segment's or a table's base, and of INVPCID's, in
 * whichever mode they are (Linux 6.13, arch/x86/kvm/x86.h, is_noncanonical_base_address). */
bool rf_mmu_canonical_base(uint64_t va);

/* Translate one byte's address: TLB first, else a walk that checks every rule, sets
 * A and D as the access requires, and fills the TLB. On refusal false and *fault.
 * A physical address outside RAM succeeds and is not cached (open bus). */
bool rf_mmu_translate(struct rf_mmu *mmu, uint64_t va, enum rf_access access,
                      enum rf_tlb_mode mode, uint64_t *pa, struct rf_fault *fault);

/* Copy size bytes (any number) from or to linear memory, across page ends. All pages are checked before the first byte moves, so a refused
 * access has changed nothing but A/D bits; fault->address is the first refused byte
 * (CR2). What lies outside RAM goes to device_read and device_write. Writes to pages marked
 * RF_PAGE_CODE call code_write first. Non-canonical: any byte of the access. */
bool rf_mmu_read(struct rf_mmu *mmu, uint64_t va, void *out, size_t size, enum rf_tlb_mode mode,
                 struct rf_fault *fault);
bool rf_mmu_write(struct rf_mmu *mmu, uint64_t va, const void *data, size_t size,
                  enum rf_tlb_mode mode, struct rf_fault *fault);
/* As rf_mmu_read, for a read-modify-write instruction's load: rights and error code
 * are those of a write. */
bool rf_mmu_read_for_write(struct rf_mmu *mmu, uint64_t va, void *out, size_t size,
                           enum rf_tlb_mode mode, struct rf_fault *fault);
/* Would rf_mmu_write be allowed? Touches A/D bits as it would, and no memory or device. */
bool rf_mmu_probe_write(struct rf_mmu *mmu, uint64_t va, size_t size, enum rf_tlb_mode mode,
                        struct rf_fault *fault);
/* A shadow stack's word of 4 or 8 bytes, at a multiple of 4; `user`: by code at CPL 3, or on its
 * behalf (WRUSS). The TLB has no part in it. */
bool rf_mmu_shadow_read(struct rf_mmu *mmu, uint64_t va, uint64_t *value, unsigned size, bool user,
                        struct rf_fault *fault);
bool rf_mmu_shadow_write(struct rf_mmu *mmu, uint64_t va, uint64_t value, unsigned size, bool user,
                         struct rf_fault *fault);

/* Instruction bytes: fetch rights; 0xff outside RAM. Returns how many bytes from va on could be fetched
 * (stops at the first refused page; 0..size), *fault says why when less than size. */
size_t rf_mmu_fetch(struct rf_mmu *mmu, uint64_t va, void *out, size_t size,
                    enum rf_tlb_mode mode, struct rf_fault *fault);

/* Walk without touching A/D bits, the TLB or the counts. */
void rf_mmu_explain(const struct rf_mmu *mmu, uint64_t va, enum rf_access access,
                    enum rf_tlb_mode mode, struct rf_walk *walk);

/* Physical writes by devices, loaders and the kernel's own C code: code_write is
 * called where due. False if any byte is outside RAM (nothing written then). */
bool rf_mmu_physical_write(struct rf_mmu *mmu, uint64_t pa, const void *data, size_t size);

/* Mark a physical page as holding decoded code and drop its write tags everywhere,
 * or clear the mark. */
void rf_mmu_mark_code(struct rf_mmu *mmu, uint64_t pa);
void rf_mmu_unmark_code(struct rf_mmu *mmu, uint64_t pa);

/* The fast path: a host pointer to [va, va + size) (size 1 to 64) or NULL when the
 * slow path must decide. table is one mode's array of the current set. */
RF_INLINE const struct rf_tlb_entry *rf_tlb_slot(const struct rf_tlb_entry *table, uint64_t va)
{
    return (const struct rf_tlb_entry *)((const char *)table +
        ((va >> (12 - 5)) & ((uint64_t)(RF_TLB_ENTRIES - 1) << 5)));
}
_Static_assert(sizeof(struct rf_tlb_entry) == 32, "rf_tlb_slot scales by 32");

RF_INLINE void *rf_tlb_read(const struct rf_tlb_entry *table, uint64_t va, unsigned size)
{
    const struct rf_tlb_entry *slot = rf_tlb_slot(table, va);
    if (RF_LIKELY(((va + (size - 1)) & ~RF_PAGE_MASK) == slot->read)) {
        void *host = (void *)(uintptr_t)(va + slot->addend);
        if (!host)
            __builtin_unreachable(); /* spares callers a second test */
        return host;
    }
    return NULL;
}

RF_INLINE void *rf_tlb_write(const struct rf_tlb_entry *table, uint64_t va, unsigned size)
{
    const struct rf_tlb_entry *slot = rf_tlb_slot(table, va);
    if (RF_LIKELY(((va + (size - 1)) & ~RF_PAGE_MASK) == slot->write)) {
        void *host = (void *)(uintptr_t)(va + slot->addend);
        if (!host)
            __builtin_unreachable(); /* spares callers a second test */
        return host;
    }
    return NULL;
}

#endif
