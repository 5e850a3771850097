/* Page walks as public structures, made from the MMU's own walk: what is explained is what the CPU
 * does. Text: explain_text.c. */
#include "machine/explain.h"

#include "mmu/walk.h"

#include <stdio.h>
#include <string.h>

static const char *const level_names[] = { "", "PTE", "PDE", "PDPTE", "PML4E", "PML5E" };

static const char *mode_name(const struct rf_mmu *mmu)
{
    if (!(mmu->cr0 & RF_CR0_PG))
        return "paging off";
    if (!(mmu->cr4 & RF_CR4_PAE))
        return "32-bit paging";
    if (!(mmu->efer & RF_EFER_LMA))
        return "PAE paging";
    return mmu->cr4 & RF_CR4_LA57 ? "5-level paging" : "4-level paging";
}

/* --- one entry --- */

static void add(char *text, size_t size, const char *word)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", used ? ", " : "", word);
}

static void add_size(char *text, size_t size, unsigned shift)
{
    char word[24];
    snprintf(word, sizeof word, shift >= 30 ? "%u GiB page" : "%u MiB page", 1u << (shift - (shift >= 30 ? 30 : 20)));
    add(text, size, word);
}

/* Which bits an entry of each kind has: SDM 3A, tables 4-5 to 4-6 and 4-15 to 4-20. */
static void describe_entry(const struct rf_mmu *mmu, rf_walk_level *l, unsigned page_shift)
{
    uint64_t e = l->entry;
    size_t size = sizeof l->bits;
    l->bits[0] = '\0';
    if (!(e & RF_PTE_P)) {
        add(l->bits, size, e ? "not present (the other bits mean nothing)" : "not present");
        return;
    }
    bool pae = mmu->cr4 & RF_CR4_PAE, long_mode = mmu->efer & RF_EFER_LMA;
    add(l->bits, size, "present");
    if (!(pae && !long_mode && l->level == 3)) { /* PDPTEs of PAE paging grant no rights */
        add(l->bits, size, e & RF_PTE_W ? "writable" : "read-only");
        add(l->bits, size, e & RF_PTE_U ? "user" : "supervisor");
        if (e & RF_PTE_A)
            add(l->bits, size, "accessed");
    }
    if (l->leaf && e & RF_PTE_D)
        add(l->bits, size, "dirty");
    if (l->leaf && l->level > 1 && page_shift)
        add_size(l->bits, size, page_shift);
    if (l->leaf && e & RF_PTE_G)
        add(l->bits, size, "global");
    if (pae && e & RF_PTE_NX)
        add(l->bits, size, "no-execute");
    if (l->leaf && long_mode && e >> RF_PTE_PKEY_SHIFT & 15 && mmu->cr4 & (RF_CR4_PKE | RF_CR4_PKS)) {
        char key[8];
        snprintf(key, sizeof key, "key %u", (unsigned)(e >> RF_PTE_PKEY_SHIFT & 15));
        add(l->bits, size, key);
    }
    if (e & RF_PTE_PWT)
        add(l->bits, size, "write-through");
    if (e & RF_PTE_PCD)
        add(l->bits, size, "cache-disable");
    if (!l->usable)
        add(l->bits, size, "reserved bit set");
}

static void take_level(const struct rf_mmu *mmu, const struct rf_walk *walk, unsigned i, rf_walk_level *l)
{
    const struct rf_walk_step *step = &walk->step[i];
    bool last = i + 1 == walk->step_count;
    memset(l, 0, sizeof *l);
    l->level = step->level;
    l->name = level_names[step->level <= RF_WALK_LEVELS ? step->level : 0];
    l->table = step->table;
    l->entry_address = step->entry_pa;
    l->entry = step->entry;
    l->index = (unsigned)((step->entry_pa - step->table) / rf_walk_entry_size(mmu));
    /* Only the last entry read can be a page's, or refuse to be anything. */
    l->usable = !last || walk->page_shift;
    l->leaf = last && (walk->page_shift || l->level == 1);
    if (!last)
        l->next = walk->step[i + 1].table;
    else if (l->usable)
        l->next = walk->pa & ~(RF_BIT(walk->page_shift) - 1);
    describe_entry(mmu, l, walk->page_shift);
}

/* --- the verdict --- */

size_t rf_page_fault_bits(uint32_t error_code, char *out, size_t size)
{
    static const struct { uint32_t bit; const char *name; } bits[] = {
        { RF_PF_P, "P" }, { RF_PF_W, "W" }, { RF_PF_U, "U" },
        { RF_PF_RSVD, "RSVD" }, { RF_PF_I, "I" }, { RF_PF_PK, "PK" }, { RF_PF_SS, "SS" },
    };
    char text[64] = "";
    uint32_t unknown = error_code;
    size_t used = 0;
    for (size_t i = 0; i < RF_ARRAY_SIZE(bits); i++) {
        if (error_code & bits[i].bit)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? "|" : "", bits[i].name);
        unknown &= ~bits[i].bit;
    }
    if (unknown)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%#x", used ? "|" : "", unknown);
    if (!used)
        used = (size_t)snprintf(text, sizeof text, "0");
    if (size)
        snprintf(out, size, "%s", text);
    return used;
}

rf_access_kind rf_page_fault_access(uint32_t error_code)
{
    if (error_code & RF_PF_SS)
        return error_code & RF_PF_W ? RF_ACCESS_SHADOW_WRITE : RF_ACCESS_SHADOW_READ;
    if (error_code & RF_PF_I)
        return RF_ACCESS_FETCH;
    return error_code & RF_PF_W ? RF_ACCESS_WRITE : RF_ACCESS_READ;
}

static void error_words(uint32_t code, rf_access_kind access, char *out, size_t size)
{
    static const char *const words[] = { "read", "write", "instruction fetch", "shadow-stack read",
                                         "shadow-stack write" };
    out[0] = '\0';
    add(out, size, code & RF_PF_P ? "the page is present" : "not present");
    add(out, size, words[access]);
    add(out, size, code & RF_PF_U ? "user mode" : "supervisor mode");
    if (code & RF_PF_RSVD)
        add(out, size, "reserved bit");
    if (code & RF_PF_PK)
        add(out, size, "protection key");
}

static const char *format_section(const struct rf_mmu *mmu)
{
    if (mmu->efer & RF_EFER_LMA)
        return "SDM 3A, 4.5 and 4.7";
    return mmu->cr4 & RF_CR4_PAE ? "SDM 3A, 4.4 and 4.7" : "SDM 3A, 4.3 and 4.7";
}

static const char *section_of(const struct rf_mmu *mmu, const struct rf_walk *walk)
{
    if (walk->fault.kind != RF_FAULT_PAGE)
        return "SDM 1, 3.3.7.1";
    if (!(walk->fault.error_code & RF_PF_P))
        return "SDM 3A, 4.7";
    if (walk->fault.error_code & RF_PF_RSVD)
        return format_section(mmu);
    /* PK may accompany another rule, which is told first */
    return strstr(walk->refused_by, "PKR") ? "SDM 3A, 4.6.2" : "SDM 3A, 4.6.1";
}

static void take_refusal(const struct rf_mmu *mmu, const struct rf_walk *walk, rf_explanation *out)
{
    snprintf(out->rule, sizeof out->rule, "%s (%s)", walk->refused_by, section_of(mmu, walk));
    out->vector = walk->fault.kind == RF_FAULT_PAGE ? 14 : 13;
    if (walk->fault.kind != RF_FAULT_PAGE)
        return;
    out->error_code = walk->fault.error_code;
    error_words(out->error_code, out->access, out->error_text, sizeof out->error_text);
}

rf_status rf_explain_mmu(const struct rf_mmu *mmu, uint64_t address, rf_access_kind access,
                         rf_access_by by, rf_explanation *out)
{
    static const enum rf_access kinds[] = { RF_READ, RF_WRITE, RF_FETCH, RF_SHADOW_READ, RF_SHADOW_WRITE };
    static const enum rf_tlb_mode modes[] = { RF_TLB_USER, RF_TLB_SUPERVISOR, RF_TLB_SUPERVISOR_AC };
    if (!out || (unsigned)access >= RF_ARRAY_SIZE(kinds) || (unsigned)by >= RF_ARRAY_SIZE(modes))
        return RF_ERR_ARGUMENT;
    struct rf_walk walk;
    bool shadow = access >= RF_ACCESS_SHADOW_READ;
    enum rf_tlb_mode mode = shadow && by != RF_BY_USER ? RF_TLB_SUPERVISOR : modes[by];
    rf_mmu_explain(mmu, address, kinds[access], mode, &walk);
    memset(out, 0, sizeof *out);
    out->address = address;
    out->access = access;
    out->by = by;
    out->paging = (rf_paging){ mmu->cr0, mmu->cr3, mmu->cr4, mmu->efer, mmu->pkru, mmu->pkrs };
    out->mode = mode_name(mmu);
    for (unsigned i = 0; i < walk.step_count && i < RF_WALK_LEVELS; i++)
        take_level(mmu, &walk, i, &out->level[out->level_count++]);
    out->translated = walk.page_shift != 0;
    out->allowed = walk.ok;
    if (out->translated) {
        out->physical = walk.pa;
        out->page_size = walk.step_count ? RF_BIT(walk.page_shift) : 0;
        out->writable = walk.writable;
        out->user = walk.user;
        out->executable = walk.executable;
        out->global = walk.global;
        out->shadow_stack = walk.shadow_stack;
        out->protection_key = walk.protection_key;
    }
    if (walk.ok)
        rf_explain_allowed(mmu, out, out->rule, sizeof out->rule);
    else
        take_refusal(mmu, &walk, out);
    return RF_OK;
}

rf_status rf_explain_image(const void *memory, uint64_t size, const rf_paging *paging, uint64_t address,
                           rf_access_kind access, rf_access_by by, rf_explanation *out)
{
    if ((!memory && size) || !paging || !out)
        return RF_ERR_ARGUMENT;
    /* A walk reads RAM and registers and touches nothing else of an MMU. */
    struct rf_ram ram = { .base = (uint8_t *)(uintptr_t)memory, .size = size, .fd = -1 };
    struct rf_mmu mmu = { .ram = &ram,
                          .cr0 = paging->cr0,
                          .cr3 = paging->cr3,
                          .cr4 = paging->cr4,
                          .efer = paging->efer,
                          .pkru = paging->pkru,
                          .pkrs = paging->pkrs };
    for (unsigned i = 0; i < RF_ARRAY_SIZE(mmu.pdpte); i++) /* as loading CR3 would, were this PAE paging */
        mmu.pdpte[i] = rf_walk_read(&mmu, (paging->cr3 & 0xffffffe0) + i * 8, 8);
    return rf_explain_mmu(&mmu, address, access, by, out);
}
