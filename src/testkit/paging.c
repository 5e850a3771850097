/* A kit's page tables: made and changed by words (ringfort/testkit.h). Entry bits: SDM 3A, tables 4-14 to
 * 4-20. */
#include "testkit/kit.h"

#include <stdio.h>
#include <string.h>

#define P (UINT64_C(1) << 0)
#define W (UINT64_C(1) << 1)
#define U (UINT64_C(1) << 2)
#define A (UINT64_C(1) << 5)
#define D (UINT64_C(1) << 6)
#define PS (UINT64_C(1) << 7)
#define G (UINT64_C(1) << 8)
#define RESERVED (UINT64_C(1) << 51)
#define NX (UINT64_C(1) << 63)
#define KEY_SHIFT 59
#define ADDRESS UINT64_C(0x00003ffffffff000)
#define CR4_LA57 (UINT64_C(1) << 12)
#define FIRST_TABLES_END UINT64_C(0x8000) /* the pages between the root and the GDT come first */

struct mapping {
    uint64_t bits;
    unsigned level; /* of the leaf: 1, 2 or 3 */
};

static unsigned root_level(const rf_kit *kit)
{
    return rf_bare_get(kit->bare, RF_BARE_CR4) & CR4_LA57 ? 5 : 4;
}

static unsigned shift_of(unsigned level)
{
    return 12 + 9 * (level - 1);
}

static uint64_t slot_of(uint64_t table, uint64_t linear, unsigned level)
{
    return table + (linear >> shift_of(level) & 511) * 8;
}

static uint64_t take_table(rf_kit *kit)
{
    static const uint8_t zeroes[4096];
    if (kit->next_table == FIRST_TABLES_END)
        kit->next_table = RF_KIT_TABLE_POOL;
    if (kit->next_table >= RF_KIT_MEMORY)
        return 0;
    uint64_t table = kit->next_table;
    kit->next_table += 4096;
    rf_bare_write_physical(kit->bare, table, zeroes, sizeof zeroes);
    return table;
}

/* A table in place of an absent entry or a large page, which it maps in smaller pages. */
static uint64_t make_table(rf_kit *kit, uint64_t slot, uint64_t entry, unsigned level)
{
    uint64_t table = take_table(kit);
    if (!table)
        return 0;
    if (entry & P) { /* a leaf at this level */
        uint64_t bits = entry & ~ADDRESS & ~(level == 2 ? PS : 0), size = UINT64_C(1) << shift_of(level - 1);
        for (unsigned i = 0; i < 512; i++)
            rf_kit_poke(kit, table + i * 8, bits | ((entry & ADDRESS) + i * size));
    }
    rf_kit_poke(kit, slot, table | P | W | U);
    return table;
}

static bool is_leaf(uint64_t entry, unsigned level)
{
    return level == 1 || (level <= 3 && entry & PS);
}

/* The slot of a level, tables above it made; 0: no table is left. */
static uint64_t slot_at(rf_kit *kit, unsigned root, uint64_t linear, unsigned level)
{
    uint64_t table = RF_KIT_TABLES;
    for (unsigned at = root; at > level; at--) {
        uint64_t slot = slot_of(table, linear, at), entry = rf_kit_peek(kit, slot);
        if (!(entry & P) || is_leaf(entry, at))
            table = make_table(kit, slot, entry, at);
        else
            table = entry & ADDRESS;
        if (!table)
            return 0;
    }
    return slot_of(table, linear, level);
}

static bool map_range(rf_kit *kit, unsigned root, uint64_t linear, uint64_t physical, uint64_t size,
                      const struct mapping *m)
{
    uint64_t page = UINT64_C(1) << shift_of(m->level);
    for (uint64_t done = 0; done < size; done += page) {
        uint64_t slot = slot_at(kit, root, linear + done, m->level);
        if (!slot)
            return false;
        rf_kit_poke(kit, slot, m->bits & P ? m->bits | (physical + done) : 0);
    }
    return true;
}

/* --- words --- */

static const struct {
    const char *word;
    uint64_t set, clear;
    unsigned level; /* 0: as it was */
} words_table[] = {
    { "absent", 0, P, 0 },       { "present", P, 0, 0 },    { "user", U, 0, 0 },      { "supervisor", 0, U, 0 },
    { "read-only", 0, W, 0 },    { "writable", W, 0, 0 },   { "no-execute", NX, 0, 0 }, { "executable", 0, NX, 0 },
    { "global", G, 0, 0 },       { "accessed", A, 0, 0 },   { "dirty", D, 0, 0 },     { "reserved", RESERVED, 0, 0 },
    { "large", PS, 0, 2 },       { "huge", PS, 0, 3 },      { "shadow-stack", D, W, 0 },
};

static bool take_word(const char *word, struct mapping *m)
{
    uint64_t key;
    if (!strncmp(word, "key=", 4) && kit_value(word + 4, &key) && key < 16) {
        m->bits = (m->bits & ~(UINT64_C(15) << KEY_SHIFT)) | key << KEY_SHIFT;
        return true;
    }
    for (size_t i = 0; i < sizeof words_table / sizeof *words_table; i++) {
        if (strcmp(words_table[i].word, word) != 0)
            continue;
        m->bits = (m->bits | words_table[i].set) & ~words_table[i].clear;
        if (words_table[i].level)
            m->level = words_table[i].level;
        return true;
    }
    return false;
}

static rf_status parse(rf_kit *kit, const char *words, struct mapping *m)
{
    char word[32];
    *m = (struct mapping){ P | W, 1 };
    for (const char *at = words ? words : ""; kit_word(&at, word);)
        if (!take_word(word, m))
            return kit_error(kit, RF_ERR_ARGUMENT, "'%s' is no word of a page", word);
    return RF_OK;
}

/* --- calls --- */

static bool is_canonical(uint64_t address, unsigned root)
{
    unsigned unused = root == 5 ? 7 : 16;
    return (uint64_t)((int64_t)(address << unused) >> unused) == address;
}

rf_status rf_kit_map(rf_kit *kit, uint64_t linear, uint64_t physical, uint64_t size, const char *words)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    struct mapping m;
    unsigned root = root_level(kit);
    rf_status status = parse(kit, words, &m);
    if (status)
        return status;
    uint64_t page = UINT64_C(1) << shift_of(m.level);
    if ((linear | physical) & (page - 1) || physical & ~ADDRESS)
        return kit_error(kit, RF_ERR_ARGUMENT, "0x%llx or 0x%llx is not the address of a page of 0x%llx bytes",
                         (unsigned long long)linear, (unsigned long long)physical, (unsigned long long)page);
    uint64_t last = linear + (size - 1);
    if (!size || !is_canonical(linear, root) || !is_canonical(last, root) || last < linear || (linear ^ last) >> 63)
        return kit_error(kit, RF_ERR_ARGUMENT, "0x%llx bytes from 0x%llx are not all canonical addresses",
                         (unsigned long long)size, (unsigned long long)linear);
    if (!map_range(kit, root, linear, physical, size, &m))
        return kit_error(kit, RF_ERR_NO_MEMORY, "the pool of page tables is used up");
    rf_bare_flush(kit->bare);
    return RF_OK;
}

rf_status rf_kit_page(rf_kit *kit, uint64_t address, const char *words)
{
    return rf_kit_map(kit, address, address, 1, words);
}

uint64_t rf_kit_entry(rf_kit *kit, uint64_t linear, unsigned *level)
{
    if (!kit)
        return 0;
    uint64_t table = RF_KIT_TABLES;
    for (unsigned at = root_level(kit);; at--) {
        uint64_t slot = slot_of(table, linear, at), entry = rf_kit_peek(kit, slot);
        if (at == 1 || !(entry & P) || is_leaf(entry, at)) {
            if (level)
                *level = at;
            return slot;
        }
        table = entry & ADDRESS;
    }
}

rf_status kit_build_tables(rf_kit *kit, bool five_levels)
{
    const unsigned root = five_levels ? 5 : 4;
    const struct mapping supervisor = { P | W, 1 }, user = { P | W | U, 1 }, absent = { 0, 1 },
                         read_only = { P | U, 1 }, no_execute = { P | W | U | NX, 1 };
    kit->next_table = RF_KIT_TABLES + 4096;
    if (map_range(kit, root, 0, 0, RF_KIT_MEMORY, &supervisor) &&
        map_range(kit, root, RF_KIT_USER_TEXT, RF_KIT_USER_TEXT, RF_KIT_ABSENT - RF_KIT_USER_TEXT, &user) &&
        map_range(kit, root, RF_KIT_ABSENT, 0, 4096, &absent) &&
        map_range(kit, root, RF_KIT_READ_ONLY, RF_KIT_READ_ONLY, 4096, &read_only) &&
        map_range(kit, root, RF_KIT_NO_EXECUTE, RF_KIT_NO_EXECUTE, 4096, &no_execute))
        return RF_OK;
    return kit_error(kit, RF_ERR_NO_MEMORY, "the pool of page tables is used up");
}
