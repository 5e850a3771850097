/* Explanations as text, and the reasons of accesses that are allowed (machine/explain.h). */
#include "machine/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- why an access is allowed: SDM 3A, 4.6.1 --- */

static const char *read_rule(const struct rf_mmu *mmu, const rf_explanation *e)
{
    if (e->by == RF_BY_USER)
        return "U/S = 1 at every level, and user reads need nothing more";
    if (!e->user)
        return "supervisor mode may read every supervisor page";
    if (!(mmu->cr4 & RF_CR4_SMAP))
        return "CR4.SMAP = 0: supervisor mode may read user pages";
    return "RFLAGS.AC = 1 suspends CR4.SMAP: supervisor mode may read this user page";
}

static const char *write_rule(const struct rf_mmu *mmu, const rf_explanation *e)
{
    if (e->by == RF_BY_USER)
        return "U/S = 1 and R/W = 1 at every level";
    if (!e->writable)
        return "a supervisor write with CR0.WP = 0 ignores R/W";
    if (!e->user)
        return "R/W = 1 at every level: supervisor mode may write this supervisor page";
    if (!(mmu->cr4 & RF_CR4_SMAP))
        return "R/W = 1 at every level, and CR4.SMAP = 0: supervisor mode may write user pages";
    return "R/W = 1 at every level, and RFLAGS.AC = 1 suspends CR4.SMAP";
}

static const char *fetch_rule(const struct rf_mmu *mmu, const rf_explanation *e)
{
    bool nxe = mmu->efer & RF_EFER_NXE;
    if (e->by == RF_BY_USER)
        return nxe ? "U/S = 1 and XD = 0 at every level"
                   : "U/S = 1 at every level, and EFER.NXE = 0: every page is executable";
    if (e->user)
        return nxe ? "XD = 0 at every level, and CR4.SMEP = 0: supervisor mode may fetch from user pages"
                   : "EFER.NXE = 0 and CR4.SMEP = 0: supervisor mode may fetch from user pages";
    return nxe ? "XD = 0 at every level: supervisor mode may fetch from this supervisor page"
               : "EFER.NXE = 0: every supervisor page is executable in supervisor mode";
}

static const char *shadow_rule(const rf_explanation *e)
{
#define SHADOW_PAGE "and it is a shadow-stack page: R/W = 0 and D = 1 in the leaf, R/W = 1 above it"
    return e->by == RF_BY_USER ? "U/S = 1 at every level, " SHADOW_PAGE : "U/S = 0 at some level, " SHADOW_PAGE;
}

static const char *allowing_rule(const struct rf_mmu *mmu, const rf_explanation *e)
{
    switch (e->access) {
    case RF_ACCESS_READ: return read_rule(mmu, e);
    case RF_ACCESS_WRITE: return write_rule(mmu, e);
    case RF_ACCESS_FETCH: return fetch_rule(mmu, e);
    default: return shadow_rule(e);
    }
}

/* What the protection key adds: "" if keys do not apply (SDM 3A, 4.6.2). */
static void key_rule(const struct rf_mmu *mmu, const rf_explanation *e, char *out, size_t size)
{
    out[0] = '\0';
    if (e->access == RF_ACCESS_FETCH || !(mmu->cr4 & (e->user ? RF_CR4_PKE : RF_CR4_PKS)))
        return;
    uint32_t denied = (e->user ? mmu->pkru : mmu->pkrs) >> 2 * e->protection_key & 3;
    const char *name = e->user ? "PKRU" : "IA32_PKRS";
    if (denied & 2 && (e->access == RF_ACCESS_WRITE || e->access == RF_ACCESS_SHADOW_WRITE))
        snprintf(out, size, "; %s.WD = 1 for key %u binds no supervisor write while CR0.WP = 0", name,
                 e->protection_key);
    else
        snprintf(out, size, "; %s allows it for key %u", name, e->protection_key);
}

void rf_explain_allowed(const struct rf_mmu *mmu, const rf_explanation *e, char *out, size_t size)
{
    if (!e->level_count) {
        snprintf(out, size,
                 "CR0.PG = 0: linear addresses are physical addresses, and nothing is checked (SDM 3A, 4.1.1)");
        return;
    }
    char key[96];
    key_rule(mmu, e, key, sizeof key);
    snprintf(out, size, "%s%s (SDM 3A, %s)", allowing_rule(mmu, e), key, *key ? "4.6.1 and 4.6.2" : "4.6.1");
}

/* --- text --- */

struct text {
    char *out;
    size_t size, used;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *format, ...)
{
    va_list args;
    size_t room = t->used < t->size ? t->size - t->used : 0;
    va_start(args, format);
    int length = vsnprintf(room ? t->out + t->used : NULL, room, format, args);
    va_end(args);
    if (length > 0)
        t->used += (size_t)length;
}

#define HEX(value) (unsigned long long)(value)

static void put_access(struct text *t, const rf_explanation *e)
{
    static const char *const kinds[] = { "read", "write", "fetch", "shadow-stack read", "shadow-stack write" };
    static const char *const who[] = { "user mode (CPL 3)", "supervisor mode (CPL 0-2, RFLAGS.AC = 0)",
                                       "supervisor mode (CPL 0-2, RFLAGS.AC = 1)" };
    const char *by = who[e->by];
    if (e->access >= RF_ACCESS_SHADOW_READ && e->by != RF_BY_USER)
        by = "supervisor mode (CPL 0-2)"; /* whatever RFLAGS.AC is */
    put(t, "%s of 0x%llx in %s, %s", kinds[e->access], HEX(e->address), by, e->mode);
    if (e->level_count)
        put(t, ", CR3 = 0x%llx", HEX(e->paging.cr3));
    put(t, "\n");
}

static void put_level(struct text *t, const rf_walk_level *l)
{
    put(t, "  %s[%u] at 0x%llx = 0x%llx: %s", l->name, l->index, HEX(l->entry_address), HEX(l->entry), l->bits);
    if (l->usable)
        put(t, " -> %s 0x%llx", l->leaf ? "page" : "table", HEX(l->next));
    put(t, "\n");
}

static void put_rights(struct text *t, const rf_explanation *e)
{
    if (!e->translated || !e->level_count)
        return;
    /* A page is one by bits that mean nothing of the kind while CET is off. */
    bool shadow = e->shadow_stack && (e->paging.cr4 & RF_CR4_CET || e->access >= RF_ACCESS_SHADOW_READ);
    unsigned shift = e->page_size >= RF_BIT(30) ? 30 : e->page_size >= RF_BIT(20) ? 20 : 10;
    put(t, "  combined: %s, %s, %s%s%s; %llu %s page; physical address 0x%llx\n",
        e->writable ? "writable" : "read-only", e->user ? "user" : "supervisor",
        e->executable ? "executable" : "no-execute", e->global ? ", global" : "", shadow ? ", shadow-stack page" : "",
        HEX(e->page_size >> shift), shift == 30 ? "GiB" : shift == 20 ? "MiB" : "KiB", HEX(e->physical));
}

static void put_verdict(struct text *t, const rf_explanation *e)
{
    if (e->allowed) {
        put(t, "  allowed: %s\n", e->rule);
        return;
    }
    put(t, "  refused: %s\n", e->rule);
    if (e->vector != 14) {
        put(t, "  raises #GP(0), or #SS(0) if the address is a stack reference\n");
        return;
    }
    char bits[64];
    rf_page_fault_bits(e->error_code, bits, sizeof bits);
    put(t, "  raises #PF, error code 0x%x (%s): %s\n", e->error_code, bits, e->error_text);
}

size_t rf_explanation_text(const rf_explanation *explanation, char *out, size_t size)
{
    struct text t = { out, size, 0 };
    if (size)
        out[0] = '\0';
    if (!explanation || !explanation->mode)
        return 0;
    put_access(&t, explanation);
    for (unsigned i = 0; i < explanation->level_count && i < RF_WALK_LEVELS; i++)
        put_level(&t, &explanation->level[i]);
    put_rights(&t, explanation);
    put_verdict(&t, explanation);
    return t.used;
}
