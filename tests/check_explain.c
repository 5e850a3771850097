/* The page-walk explainer: the whole text of some walks, and the verdict of every rule. The CPU must agree with each
 * verdict: the same access is made by guest code where there is one. */
#include "suite.h"

#include <ringfort/testkit.h>
#include <string.h>

#define CR0_WP UINT64_C(0x10000)
#define CR4_LA57 UINT64_C(0x1000)
#define CR4_SMEP UINT64_C(0x100000)
#define CR4_SMAP UINT64_C(0x200000)
#define CR4_PKE UINT64_C(0x400000)
#define CR4_PKS UINT64_C(0x1000000)
#define PAGE UINT64_C(0x210000)
#define CR4_CET UINT64_C(0x800000)
#define IA32_PKRS 0x6e1
#define IA32_S_CET 0x6a2

static rf_kit *new_kit(rf_kit_config config)
{
    rf_kit *kit;
    ck_assert_msg(rf_kit_create(&config, &kit) == RF_OK, "%s", rf_create_error_text());
    return kit;
}

static void expect_text(rf_kit *kit, uint64_t address, rf_access_kind access, rf_access_by by, const char *wanted)
{
    rf_explanation e;
    char text[4096];
    ck_assert(rf_bare_explain(rf_kit_bare(kit), address, access, by, &e) == RF_OK);
    size_t length = rf_explanation_text(&e, text, sizeof text);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_str_eq(text, wanted);
}

START_TEST(refused_write)
{
    rf_kit *kit = new_kit((rf_kit_config){ .cpl = 3 });
    expect_text(kit, RF_KIT_READ_ONLY + 8, RF_ACCESS_WRITE, RF_BY_USER,
                "write of 0x201008 in user mode (CPL 3), 4-level paging, CR3 = 0x1000\n"
                "  PML4E[0] at 0x1000 = 0x2007: present, writable, user -> table 0x2000\n"
                "  PDPTE[0] at 0x2000 = 0x3007: present, writable, user -> table 0x3000\n"
                "  PDE[1] at 0x3008 = 0x5007: present, writable, user -> table 0x5000\n"
                "  PTE[1] at 0x5008 = 0x201005: present, read-only, user -> page 0x201000\n"
                "  combined: read-only, user, executable; 4 KiB page; physical address 0x201008\n"
                "  refused: R/W = 0 in the PTE (level 1): a user write needs R/W = 1 at every level (SDM 3A, 4.6.1)\n"
                "  raises #PF, error code 0x7 (P|W|U): the page is present, write, user mode\n");
    rf_kit_destroy(kit);
}
END_TEST

START_TEST(five_levels_and_a_large_page)
{
    rf_kit *kit = new_kit((rf_kit_config){ .cr4_set = CR4_LA57 });
    const uint64_t far = UINT64_C(0x00ab000000000000);
    ck_assert(rf_kit_map(kit, far, 0x40000000, 1, "huge user no-execute global dirty") == RF_OK);
    expect_text(kit, far + 0x12345678, RF_ACCESS_READ, RF_BY_SUPERVISOR,
                "read of 0xab000012345678 in supervisor mode (CPL 0-2, RFLAGS.AC = 0), 5-level paging, CR3 = 0x1000\n"
                "  PML5E[171] at 0x1558 = 0x7007: present, writable, user -> table 0x7000\n"
                "  PML4E[0] at 0x7000 = 0x300007: present, writable, user -> table 0x300000\n"
                "  PDPTE[0] at 0x300000 = 0x80000000400001c7: present, writable, user, dirty, 1 GiB page, global, no-execute -> page 0x40000000\n"
                "  combined: writable, user, no-execute, global; 1 GiB page; physical address 0x52345678\n"
                "  allowed: CR4.SMAP = 0: supervisor mode may read user pages (SDM 3A, 4.6.1)\n");
    rf_kit_destroy(kit);
}
END_TEST

START_TEST(not_present_and_not_canonical)
{
    rf_kit *kit = new_kit((rf_kit_config){ 0 });
    expect_text(kit, UINT64_C(0xffffffffffffffff), RF_ACCESS_FETCH, RF_BY_SUPERVISOR,
                "fetch of 0xffffffffffffffff in supervisor mode (CPL 0-2, RFLAGS.AC = 0), 4-level paging, CR3 = 0x1000\n"
                "  PML4E[511] at 0x1ff8 = 0x0: not present\n"
                "  refused: P = 0 in the PML4E (level 4): the page is not present (SDM 3A, 4.7)\n"
                "  raises #PF, error code 0x10 (I): not present, instruction fetch, supervisor mode\n");
    expect_text(kit, UINT64_C(0x800000000000), RF_ACCESS_READ, RF_BY_USER,
                "read of 0x800000000000 in user mode (CPL 3), 4-level paging\n"
                "  refused: the address is not canonical: bits 63 to 47 are not all equal (4-level paging) (SDM 1, 3.3.7.1)\n"
                "  raises #GP(0), or #SS(0) if the address is a stack reference\n");
    rf_kit_destroy(kit);
}
END_TEST

START_TEST(paging_off)
{
    rf_bare *bare;
    rf_explanation e;
    char text[512];
    ck_assert(rf_bare_create(NULL, &bare) == RF_OK);
    ck_assert(rf_bare_explain(bare, 0x1234, RF_ACCESS_WRITE, RF_BY_USER, &e) == RF_OK);
    rf_explanation_text(&e, text, sizeof text);
    ck_assert_str_eq(text, "write of 0x1234 in user mode (CPL 3), paging off\n"
                           "  allowed: CR0.PG = 0: linear addresses are physical addresses, and nothing is checked (SDM 3A, 4.1.1)\n");
    rf_bare_destroy(bare);
}
END_TEST

/* --- one rule a row --- */

enum { R = RF_ACCESS_READ, W = RF_ACCESS_WRITE, X = RF_ACCESS_FETCH, SR = RF_ACCESS_SHADOW_READ,
       SW = RF_ACCESS_SHADOW_WRITE };
enum { USER = RF_BY_USER, SUPER = RF_BY_SUPERVISOR, AC = RF_BY_SUPERVISOR_AC };
static const struct rule {
    const char *page;
    uint64_t cr4, cr0_clear;
    uint32_t pkru, pkrs;
    int access, by;
    int code; /* of #PF; -1: allowed */
    const char *says;
} rules[] = {
    { "user", 0, 0, 0, 0, R, USER, -1, "U/S = 1 at every level, and user reads need nothing more" },
    { "user", 0, 0, 0, 0, W, USER, -1, "U/S = 1 and R/W = 1 at every level (SDM 3A, 4.6.1)" },
    { "user", 0, 0, 0, 0, X, USER, -1, "U/S = 1 and XD = 0 at every level" },
    { "supervisor", 0, 0, 0, 0, R, USER, 0x5, "U/S = 0 in the PTE (level 1)" },
    { "user read-only", 0, 0, 0, 0, W, USER, 0x7, "R/W = 0 in the PTE (level 1): a user write" },
    { "user no-execute", 0, 0, 0, 0, X, USER, 0x15, "XD = 1 in the PTE (level 1): a fetch needs XD = 0" },
    { "user reserved", 0, 0, 0, 0, R, USER, 0xd, "a reserved bit of 46 to 51 is set in the PTE (level 1)" },
    { "absent", 0, 0, 0, 0, W, USER, 0x6, "P = 0 in the PTE (level 1)" },
    { "supervisor", 0, 0, 0, 0, R, SUPER, -1, "supervisor mode may read every supervisor page" },
    { "supervisor", 0, 0, 0, 0, W, SUPER, -1, "R/W = 1 at every level: supervisor mode may write" },
    { "supervisor", 0, 0, 0, 0, X, SUPER, -1, "XD = 0 at every level: supervisor mode may fetch" },
    { "no-execute", 0, 0, 0, 0, X, SUPER, 0x11, "XD = 1 in the PTE" },
    { "read-only", 0, 0, 0, 0, W, SUPER, 0x3, "a supervisor write needs R/W = 1 at every level while CR0.WP = 1" },
    { "read-only", 0, CR0_WP, 0, 0, W, SUPER, -1, "a supervisor write with CR0.WP = 0 ignores R/W" },
    { "user", CR4_SMAP, 0, 0, 0, R, SUPER, 0x1, "CR4.SMAP = 1 and RFLAGS.AC = 0" },
    { "user", CR4_SMAP, 0, 0, 0, R, AC, -1, "RFLAGS.AC = 1 suspends CR4.SMAP: supervisor mode may read" },
    { "user", CR4_SMAP, 0, 0, 0, W, SUPER, 0x3, "CR4.SMAP = 1 and RFLAGS.AC = 0" },
    { "user", CR4_SMAP, 0, 0, 0, W, AC, -1, "R/W = 1 at every level, and RFLAGS.AC = 1 suspends CR4.SMAP" },
    { "user", 0, 0, 0, 0, W, SUPER, -1, "CR4.SMAP = 0: supervisor mode may write user pages" },
    { "user", CR4_SMEP, 0, 0, 0, X, SUPER, 0x11, "CR4.SMEP = 1: supervisor mode may not fetch from a user page" },
    { "user", 0, 0, 0, 0, X, SUPER, -1, "CR4.SMEP = 0: supervisor mode may fetch from user pages" },
    { "user key=2", CR4_PKE, 0, 0x10, 0, R, USER, 0x25,
      "PKRU.AD = 1 for the page's protection key: no data access (SDM 3A, 4.6.2)" },
    { "user key=2", CR4_PKE, 0, 0x20, 0, W, USER, 0x27, "PKRU.WD = 1" },
    { "user key=2", CR4_PKE, 0, 0x20, 0, R, USER, -1, "; PKRU allows it for key 2 (SDM 3A, 4.6.1 and 4.6.2)" },
    { "user key=2", CR4_PKE, CR0_WP, 0x20, 0, W, SUPER, -1,
      "PKRU.WD = 1 for key 2 binds no supervisor write while CR0.WP = 0" },
    { "user key=2", CR4_PKE, 0, 0x30, 0, X, USER, -1, "U/S = 1 and XD = 0 at every level (SDM 3A, 4.6.1)" },
    { "key=3", CR4_PKS, 0, 0, 0x40, R, SUPER, 0x21, "IA32_PKRS.AD = 1" },
    { "key=3", CR4_PKS, 0, 0, 0x80, W, SUPER, 0x23, "IA32_PKRS.WD = 1" },
    { "key=3", CR4_PKS, 0, 0, 0x80, R, SUPER, -1, "IA32_PKRS allows it for key 3" },
    { "shadow-stack", CR4_CET, 0, 0, 0, SR, SUPER, -1, "U/S = 0 at some level, and it is a shadow-stack page" },
    { "shadow-stack", CR4_CET, 0, 0, 0, SW, SUPER, -1, "R/W = 0 and D = 1 in the leaf, R/W = 1 above it (SDM" },
    { "shadow-stack", CR4_CET, 0, 0, 0, R, SUPER, -1, "supervisor mode may read every supervisor page" },
    { "shadow-stack", CR4_CET, 0, 0, 0, W, SUPER, 0x3, "a supervisor write needs R/W = 1" },
    { "writable", CR4_CET, 0, 0, 0, SR, SUPER, 0x41, "a shadow-stack access needs a shadow-stack page: R/W = 0" },
    { "read-only", CR4_CET, 0, 0, 0, SW, SUPER, 0x43, "a shadow-stack access needs a shadow-stack page" },
    { "absent", CR4_CET, 0, 0, 0, SW, SUPER, 0x42, "P = 0 in the PTE (level 1)" },
    { "user shadow-stack", CR4_CET, 0, 0, 0, SR, SUPER, 0x41, "a supervisor's shadow-stack access needs U/S = 0" },
    { "shadow-stack key=3", CR4_CET | CR4_PKS, 0, 0, 0x80, SW, SUPER, 0x63, "IA32_PKRS.WD = 1" },
    { "shadow-stack key=3", CR4_CET | CR4_PKS, 0, 0, 0x80, SR, SUPER, -1, "IA32_PKRS allows it for key 3" },
};

/* The access of a rule, made by the CPU. */
RF_GUEST_CODE(read_rbx, "movb (%rbx), %al\n vmcall\n int $0x80");
RF_GUEST_CODE(write_rbx, "movb %al, (%rbx)\n vmcall\n int $0x80");
RF_GUEST_CODE(jump_rbx, "jmp *%rbx");
/* RSTORSSP reads a token with the rights of a write, INCSSP pops a word */
RF_GUEST_CODE(shadow_read_rbx, "mov $1, %eax\n incsspq %rax\n vmcall");
RF_GUEST_CODE(shadow_write_rbx, "wrssq %rax, (%rbx)\n vmcall");
RF_GUEST_CODE(landing, "vmcall\n int $0x80");

static void cpu_agrees(rf_kit *kit, const struct rule *rule)
{
    const rf_guest_code *const code[] = { &read_rbx, &write_rbx, &jump_rbx, &shadow_read_rbx, &shadow_write_rbx };
    rf_kit_place(kit, PAGE, &landing);
    rf_kit_set(kit, RF_BARE_RBX, PAGE);
    rf_kit_set_cpl(kit, rule->by == USER ? 3 : 0);
    if (rule->cr4 & CR4_CET) {
        ck_assert(rf_bare_write_msr(rf_kit_bare(kit), IA32_S_CET, 3) == RF_OK); /* SH_STK_EN, WR_SHSTK_EN */
        ck_assert(rf_kit_set(kit, RF_BARE_SSP, PAGE) == RF_OK);
        ck_assert(rf_kit_gate(kit, 14, 0, "ist=1") == RF_OK); /* #PF has a shadow stack of its own */
    }
    rf_kit_set(kit, RF_BARE_RFLAGS, rule->by == AC ? 0x40002 : 2);
    ck_assert(rf_kit_run(kit, code[rule->access]) == RF_OK);
    const rf_outcome *o = rf_kit_outcome(kit);
    if (rule->code < 0) {
        /* at CPL 3, VMCALL is an undefined opcode: the access itself has succeeded */
        ck_assert_msg(o->kind == RF_OUTCOME_DOOR || o->vector == 6, "%s: %s", rule->says, rf_kit_describe(kit));
        return;
    }
    ck_assert_msg(o->vector == 14 && o->error_code == (uint32_t)rule->code, "%s: %s", rule->says,
                  rf_kit_describe(kit));
}

START_TEST(rule_by_rule)
{
    const struct rule *rule = &rules[_i];
    rf_explanation e;
    rf_kit *kit = new_kit((rf_kit_config){ .cpu = "max", .cr4_set = rule->cr4, .cr0_clear = rule->cr0_clear,
                                           .shadow_stacks = rule->cr4 & CR4_CET });
    ck_assert_msg(rf_kit_page(kit, PAGE, rule->page) == RF_OK, "%s", rf_kit_error_text(kit));
    ck_assert(rf_kit_set(kit, RF_BARE_PKRU, rule->pkru) == RF_OK);
    ck_assert(rf_bare_write_msr(rf_kit_bare(kit), IA32_PKRS, rule->pkrs) == RF_OK);
    ck_assert(rf_bare_explain(rf_kit_bare(kit), PAGE, (rf_access_kind)rule->access, (rf_access_by)rule->by,
                              &e) == RF_OK);
    ck_assert_msg(strstr(e.rule, rule->says) != NULL, "'%s' is not in '%s'", rule->says, e.rule);
    ck_assert_int_eq(e.allowed, rule->code < 0);
    ck_assert_int_eq(e.allowed ? -1 : (int)e.error_code, rule->code);
    cpu_agrees(kit, rule);
    rf_kit_destroy(kit);
}
END_TEST

/* --- the calls --- */

START_TEST(explaining_changes_nothing)
{
    rf_kit *kit = new_kit((rf_kit_config){ 0 });
    rf_stats before, after;
    rf_explanation e;
    uint64_t entry = rf_kit_entry(kit, PAGE, NULL), value = rf_kit_peek(kit, entry);
    rf_bare_stats(rf_kit_bare(kit), &before);
    ck_assert(rf_bare_explain(rf_kit_bare(kit), PAGE, RF_ACCESS_WRITE, RF_BY_SUPERVISOR, &e) == RF_OK);
    rf_bare_stats(rf_kit_bare(kit), &after);
    ck_assert(!memcmp(&before, &after, sizeof before));
    ck_assert_uint_eq(rf_kit_peek(kit, entry), value);
    ck_assert_uint_eq(e.level_count, 4);
    ck_assert_uint_eq(e.level[3].entry_address, entry);
    ck_assert(e.level[3].leaf && e.level[3].usable && !e.level[0].leaf);
    ck_assert_uint_eq(e.page_size, 4096);
    rf_kit_destroy(kit);
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    rf_explanation e;
    char text[8];
    const rf_paging paging = { .cr0 = UINT64_C(0x80000001), .cr3 = UINT64_C(0x3fffffffffff), .cr4 = 0x20,
                               .efer = 0x500 };
    ck_assert(rf_bare_explain(NULL, 0, RF_ACCESS_READ, RF_BY_USER, &e) == RF_ERR_ARGUMENT);
    ck_assert(rf_explain_image(NULL, 1, &paging, 0, RF_ACCESS_READ, RF_BY_USER, &e) == RF_ERR_ARGUMENT);
    ck_assert(rf_explain_image("", 0, NULL, 0, RF_ACCESS_READ, RF_BY_USER, &e) == RF_ERR_ARGUMENT);
    ck_assert(rf_explain_image("", 0, &paging, 0, (rf_access_kind)5, RF_BY_USER, &e) == RF_ERR_ARGUMENT);
    ck_assert(rf_explain_image("", 0, &paging, 0, RF_ACCESS_READ, (rf_access_by)3, &e) == RF_ERR_ARGUMENT);
    /* tables outside the memory read as ones, which sets reserved bits */
    ck_assert(rf_explain_image(NULL, 0, &paging, 0, RF_ACCESS_READ, RF_BY_USER, &e) == RF_OK);
    ck_assert(!e.allowed && e.error_code == 0xd);
    size_t whole = rf_explanation_text(&e, NULL, 0);
    ck_assert_uint_eq(rf_explanation_text(&e, text, sizeof text), whole);
    ck_assert_str_eq(text, "read of");
    ck_assert_uint_eq(rf_explanation_text(NULL, text, sizeof text), 0);
    ck_assert_uint_eq(rf_page_fault_bits(0x7f, text, sizeof text), strlen("P|W|U|RSVD|I|PK|SS"));
    ck_assert_uint_eq(rf_page_fault_bits(0x8040, text, sizeof text), strlen("SS|0x8000"));
    ck_assert_str_eq(text, "SS|0x80");
}
END_TEST

START_TEST(error_codes_tell_the_access)
{
    ck_assert_int_eq(rf_page_fault_access(0x5), RF_ACCESS_READ);
    ck_assert_int_eq(rf_page_fault_access(0x7), RF_ACCESS_WRITE);
    ck_assert_int_eq(rf_page_fault_access(0x15), RF_ACCESS_FETCH);
    ck_assert_int_eq(rf_page_fault_access(0x45), RF_ACCESS_SHADOW_READ);
    ck_assert_int_eq(rf_page_fault_access(0x46), RF_ACCESS_SHADOW_WRITE);
}
END_TEST

START_TEST(a_shadow_stack)
{
    rf_kit *kit = new_kit((rf_kit_config){ .cpu = "max", .cr4_set = CR4_CET });
    ck_assert(rf_kit_page(kit, PAGE, "user shadow-stack") == RF_OK);
    expect_text(kit, PAGE + 8, RF_ACCESS_SHADOW_WRITE, RF_BY_USER,
                "shadow-stack write of 0x210008 in user mode (CPL 3), 4-level paging, CR3 = 0x1000\n"
                "  PML4E[0] at 0x1000 = 0x2007: present, writable, user -> table 0x2000\n"
                "  PDPTE[0] at 0x2000 = 0x3007: present, writable, user -> table 0x3000\n"
                "  PDE[1] at 0x3008 = 0x5007: present, writable, user -> table 0x5000\n"
                "  PTE[16] at 0x5080 = 0x210045: present, read-only, user, dirty -> page 0x210000\n"
                "  combined: read-only, user, executable, shadow-stack page; 4 KiB page; physical address 0x210008\n"
                "  allowed: U/S = 1 at every level, and it is a shadow-stack page: R/W = 0 and D = 1 in the leaf, "
                "R/W = 1 above it (SDM 3A, 4.6.1)\n");
    expect_text(kit, RF_KIT_KERNEL_STACK, RF_ACCESS_SHADOW_READ, RF_BY_SUPERVISOR_AC,
                "shadow-stack read of 0x20000 in supervisor mode (CPL 0-2), 4-level paging, CR3 = 0x1000\n"
                "  PML4E[0] at 0x1000 = 0x2007: present, writable, user -> table 0x2000\n"
                "  PDPTE[0] at 0x2000 = 0x3007: present, writable, user -> table 0x3000\n"
                "  PDE[0] at 0x3000 = 0x4007: present, writable, user -> table 0x4000\n"
                "  PTE[32] at 0x4100 = 0x20003: present, writable, supervisor -> page 0x20000\n"
                "  combined: writable, supervisor, executable; 4 KiB page; physical address 0x20000\n"
                "  refused: a shadow-stack access needs a shadow-stack page: R/W = 0 and D = 1 in the leaf, R/W = 1 "
                "above it (SDM 3A, 4.6.1)\n"
                "  raises #PF, error code 0x41 (P|SS): the page is present, shadow-stack read, supervisor mode\n");
    rf_kit_destroy(kit);
}
END_TEST

/* A dump with 32-bit and PAE tables at 0x1000. */
static void expect_dump(const uint8_t *memory, uint64_t cr4, uint64_t address, const char *wanted)
{
    const rf_paging paging = { .cr0 = UINT64_C(0x80010001), .cr3 = 0x1000, .cr4 = cr4, .efer = 0x800 };
    rf_explanation e;
    char text[2048];
    ck_assert(rf_explain_image(memory, 0x4000, &paging, address, RF_ACCESS_WRITE, RF_BY_USER, &e) == RF_OK);
    rf_explanation_text(&e, text, sizeof text);
    ck_assert_str_eq(text, wanted);
}

START_TEST(thirty_two_bit_paging)
{
    static uint8_t memory[0x4000];
    const uint32_t pde = 0x2007, large = 0x004000e7, pte = 0x00005025;
    memset(memory, 0, sizeof memory);
    memcpy(memory + 0x1004, &pde, 4);
    memcpy(memory + 0x1008, &large, 4);
    memcpy(memory + 0x2004, &pte, 4);
    expect_dump(memory, 0x10, 0x401234,
                "write of 0x401234 in user mode (CPL 3), 32-bit paging, CR3 = 0x1000\n"
                "  PDE[1] at 0x1004 = 0x2007: present, writable, user -> table 0x2000\n"
                "  PTE[1] at 0x2004 = 0x5025: present, read-only, user, accessed -> page 0x5000\n"
                "  combined: read-only, user, executable; 4 KiB page; physical address 0x5234\n"
                "  refused: R/W = 0 in the PTE (level 1): a user write needs R/W = 1 at every level (SDM 3A, 4.6.1)\n"
                "  raises #PF, error code 0x7 (P|W|U): the page is present, write, user mode\n");
    expect_dump(memory, 0x10, 0x812345,
                "write of 0x812345 in user mode (CPL 3), 32-bit paging, CR3 = 0x1000\n"
                "  PDE[2] at 0x1008 = 0x4000e7: present, writable, user, accessed, dirty, 4 MiB page -> page 0x400000\n"
                "  combined: writable, user, executable; 4 MiB page; physical address 0x412345\n"
                "  allowed: U/S = 1 and R/W = 1 at every level (SDM 3A, 4.6.1)\n");
}
END_TEST

START_TEST(pae_paging)
{
    static uint8_t memory[0x4000];
    const uint64_t pdpte = 0x2001, pde = 0x3007, pte = UINT64_C(0x8000000000005027),
                   bad = UINT64_C(0x0010000000005007);
    memset(memory, 0, sizeof memory);
    memcpy(memory + 0x1000, &pdpte, 8);
    memcpy(memory + 0x2008, &pde, 8);
    memcpy(memory + 0x3000, &pte, 8);
    memcpy(memory + 0x3008, &bad, 8);
    expect_dump(memory, 0x20, 0x200010,
                "write of 0x200010 in user mode (CPL 3), PAE paging, CR3 = 0x1000\n"
                "  PDE[1] at 0x2008 = 0x3007: present, writable, user -> table 0x3000\n"
                "  PTE[0] at 0x3000 = 0x8000000000005027: present, writable, user, accessed, no-execute -> page 0x5000\n"
                "  combined: writable, user, no-execute; 4 KiB page; physical address 0x5010\n"
                "  allowed: U/S = 1 and R/W = 1 at every level (SDM 3A, 4.6.1)\n");
    expect_dump(memory, 0x20, 0x201000,
                "write of 0x201000 in user mode (CPL 3), PAE paging, CR3 = 0x1000\n"
                "  PDE[1] at 0x2008 = 0x3007: present, writable, user -> table 0x3000\n"
                "  PTE[1] at 0x3008 = 0x10000000005007: present, writable, user, reserved bit set\n"
                "  refused: a reserved bit of 46 to 51 is set in the PTE (level 1): physical addresses have 46 bits (SDM 3A, 4.4 and 4.7)\n"
                "  raises #PF, error code 0xf (P|W|U|RSVD): the page is present, write, user mode, reserved bit\n");
    expect_dump(memory, 0x20, 0xc0000000,
                "write of 0xc0000000 in user mode (CPL 3), PAE paging, CR3 = 0x1000\n"
                "  PDPTE[3] at 0x1018 = 0x0: not present\n"
                "  refused: P = 0 in the PDPTE (level 3): the page is not present (SDM 3A, 4.7)\n"
                "  raises #PF, error code 0x6 (W|U): not present, write, user mode\n");
}
END_TEST

START_TEST(machines_explain_their_programs)
{
    rf_machine *machine;
    rf_explanation e;
    char text[64];
    ck_assert(rf_machine_create(NULL, &machine) == RF_OK);
    ck_assert(rf_machine_explain(machine, 0, RF_ACCESS_READ, RF_BY_USER, &e) == RF_ERR_STATE);
    ck_assert_str_eq(rf_error_text(machine), "there is no process");
    ck_assert(rf_machine_mapping(machine, 0, text, sizeof text) == RF_ERR_STATE);
    rf_machine_destroy(machine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explain");
    TCase *tests = tcase_create("explain");
    tcase_add_test(tests, refused_write);
    tcase_add_test(tests, five_levels_and_a_large_page);
    tcase_add_test(tests, not_present_and_not_canonical);
    tcase_add_test(tests, paging_off);
    tcase_add_loop_test(tests, rule_by_rule, 0, sizeof rules / sizeof rules[0]);
    tcase_add_test(tests, explaining_changes_nothing);
    tcase_add_test(tests, wrong_arguments_are_refused);
    tcase_add_test(tests, error_codes_tell_the_access);
    tcase_add_test(tests, a_shadow_stack);
    tcase_add_test(tests, thirty_two_bit_paging);
    tcase_add_test(tests, pae_paging);
    tcase_add_test(tests, machines_explain_their_programs);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
