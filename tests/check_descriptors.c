/* Instructions that load, or ask about, descriptors: MOV to a segment register, LLDT, LTR, LAR, LSL,
 * VERR, VERW, ARPL, in IA-32e mode and outside it (SDM 2A to 2B, their pages; 3A, 3.4, 3.5, 5.10). One
 * case for each rule. */
#include "bare_modes.h"
#include "lib/suite.h"

#define RESULT UINT64_C(0x130000) /* a word in memory for the tests' code */
#define D FREE                    /* the descriptor that a rule is about */

/* --- MOV to a segment register: SDM 2B --- */

CODE(load_ds, "mov %ax, %ds; mov $1, %ebx; int $0x80");
CODE(load_ss, "mov %ax, %ss; mov $1, %ebx; int $0x80");
CODE(load_fs, "mov %ax, %fs; mov $1, %ebx; int $0x80");

static const struct load {
    const char *rule;
    char segment; /* 'd', 's' */
    unsigned cpl;
    uint16_t selector;
    unsigned access; /* of descriptor D */
    int vector;      /* 0x80: loaded */
    uint32_t error;
} loads[] = {
    { "writable data", 'd', 0, D, 0x92, 0x80, 0 },
    { "read-only data", 'd', 0, D, 0x90, 0x80, 0 },
    { "readable code", 'd', 0, D, 0x9a, 0x80, 0 },
    { "execute-only code is #GP", 'd', 0, D, 0x98, RF_GP, D },
    { "a system descriptor is #GP", 'd', 0, TSS_SELECTOR, 0x92, RF_GP, TSS_SELECTOR },
    { "an absent segment is #NP", 'd', 0, D, 0x12, RF_NP, D },
    { "DPL < CPL is #GP", 'd', 3, D, 0x92, RF_GP, D },
    { "DPL < RPL is #GP", 'd', 0, D | 3, 0x92, RF_GP, D },
    { "DPL 3 with any RPL", 'd', 0, D | 3, 0xf2, 0x80, 0 },
    { "readable conforming code at any level", 'd', 3, D | 3, 0x9e, 0x80, 0 },
    { "execute-only conforming code is #GP", 'd', 3, D | 3, 0x9c, RF_GP, D },
    { "privilege comes before presence", 'd', 3, D, 0x12, RF_GP, D },
    { "null", 'd', 3, 3, 0x92, 0x80, 0 },
    { "beyond the GDT is #GP", 'd', 0, 0x2000, 0x92, RF_GP, 0x2000 },
    { "an LDT that is not there is #GP", 'd', 0, 0x0c, 0x92, RF_GP, 0x0c },
    { "SS: writable data of CPL", 's', 0, D, 0x92, 0x80, 0 },
    { "SS: RPL is not CPL: #GP", 's', 0, D | 3, 0x92, RF_GP, D },
    { "SS: DPL is not CPL: #GP", 's', 0, D, 0xf2, RF_GP, D },
    { "SS: read-only is #GP", 's', 0, D, 0x90, RF_GP, D },
    { "SS: code is #GP", 's', 0, D, 0x9a, RF_GP, D },
    { "SS: absent is #SS", 's', 0, D, 0x12, RF_SS, D },
    { "SS: null at CPL 0 in 64-bit mode", 's', 0, 0, 0x92, 0x80, 0 },
    { "SS: null with an RPL that is not CPL: #GP(0)", 's', 0, 3, 0x92, RF_GP, 0 },
    { "SS: null at CPL 3: #GP(0)", 's', 3, 3, 0x92, RF_GP, 0 },
    { "SS: beyond the GDT is #GP", 's', 0, 0x2000, 0x92, RF_GP, 0x2000 },
};
START_TEST(segment_loads)
{
    const struct load *l = &loads[_i];
    struct bare b;
    bare_create(&b, l->cpl);
    bare_descriptor(&b, D, FLAT(l->access, 0xc), 0);
    enum rf_seg which = l->segment == 's' ? RF_SEG_SS : RF_DS;
    uint16_t before = b.cpu->seg[which].selector;
    b.cpu->r[RF_RAX] = l->selector;
    b.cpu->r[RF_RBX] = 0;
    if (l->segment == 's')
        RUN(&b, load_ss);
    else
        RUN(&b, load_ds);
    ck_assert_msg(b.vector == l->vector && b.error_code == l->error, "%s: %s(%#x)", l->rule,
                  b.vector < 0 ? "nothing" : rf_vector_name((unsigned)b.vector), b.error_code);
    ck_assert_uint_eq(b.cpu->r[RF_RBX], l->vector == 0x80);
    uint16_t after = l->segment == 's' ? (uint16_t)b.frame.ss : b.cpu->seg[which].selector;
    ck_assert_uint_eq(after, l->vector == 0x80 ? l->selector : before);
    if (l->selector == D && l->vector == 0x80) /* the accessed bit, in memory (SDM 3A, 3.4.5.1) */
        ck_assert_uint_eq(bare_read(&b, BARE_GDT + D) >> 40 & 1, 1);
    if (l->vector != 0x80)
        ck_assert_uint_eq(bare_read(&b, BARE_GDT + D), FLAT(l->access, 0xc));
    bare_destroy(&b);
}
END_TEST

/* A null FS clears its base. */
CASE(a_null_fs_has_base_0, 0)
{
    b->cpu->seg[RF_FS].base = 0x1234;
    b->cpu->r[RF_RAX] = 0;
    RUN(b, load_fs);
    ck_assert_uint_eq(b->cpu->seg[RF_FS].base, 0);
}
/* SDM 3A, 3.4.5.1: setting the accessed bit in a read-only GDT is a page fault; nothing is loaded. */
CASE(a_read_only_gdt_is_pf, 0)
{
    bare_descriptor(b, D, FLAT(0x92, 0xc), 0);
    bare_write(b, BARE_GDT + KERNEL_CODE, FLAT(0x9b, 0xa)); /* the handler's is accessed */
    *bare_pte(b, BARE_GDT) &= ~RF_PTE_W;
    bare_flush(b);
    b->cpu->r[RF_RAX] = D;
    RUN(b, load_ds);
    expect_error(b, RF_PF, KERNEL(0), RF_PF_P | RF_PF_W);
    ck_assert_uint_eq(b->cpu->cr2, BARE_GDT + D + 5);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].selector, KERNEL_DATA);
}

/* --- LTR and LLDT: SDM 2A --- */

CODE(ltr, "ltr %ax; vmcall");
CODE(lldt, "lldt %ax; vmcall");
static const struct system_load {
    const char *rule;
    bool task, legacy;
    uint16_t selector;
    unsigned access; /* of descriptor D */
    uint64_t high;   /* its second half */
    int vector;
    uint32_t error;
} system_loads[] = {
    { "LTR: an available 64-bit TSS", true, false, D, 0x89, 0, -1, 0 },
    { "LTR: null is #GP(0)", true, false, 3, 0x89, 0, RF_GP, 0 },
    { "LTR: busy is #GP", true, false, D, 0x8b, 0, RF_GP, D },
    { "LTR: a 16-bit TSS is #GP in IA-32e mode", true, false, D, 0x81, 0, RF_GP, D },
    { "LTR: another type is #GP", true, false, D, 0x82, 0, RF_GP, D },
    { "LTR: a data segment is #GP", true, false, D, 0x99, 0, RF_GP, D },
    { "LTR: absent is #NP", true, false, D, 0x09, 0, RF_NP, D },
    { "LTR: in the LDT is #GP", true, false, D | 4, 0x89, 0, RF_GP, D | 4 },
    { "LTR: beyond the GDT is #GP", true, false, 0x2000, 0x89, 0, RF_GP, 0x2000 },
    { "LTR: a base that is not canonical is #GP", true, false, D, 0x89, 0x1000000, RF_GP, D },
    { "LTR: a type in the upper half is #GP", true, false, D, 0x89, UINT64_C(1) << 41, RF_GP, D },
    { "LTR: a 16-bit TSS outside IA-32e mode", true, true, D, 0x81, 0, -1, 0 },
    { "LTR: a busy 16-bit TSS outside IA-32e mode", true, true, D, 0x83, 0, RF_GP, D },
    { "LTR: a 32-bit TSS outside IA-32e mode", true, true, D, 0x89, UINT64_MAX, -1, 0 },
    { "LLDT: an LDT", false, false, D, 0x82, 0, -1, 0 },
    { "LLDT: null makes it unusable", false, false, 3, 0x82, 0, -1, 0 },
    { "LLDT: another type is #GP", false, false, D, 0x89, 0, RF_GP, D },
    { "LLDT: absent is #NP", false, false, D, 0x02, 0, RF_NP, D },
    { "LLDT: in the LDT is #GP", false, false, D | 4, 0x82, 0, RF_GP, D | 4 },
    { "LLDT: a base that is not canonical is #GP", false, false, D, 0x82, 0x1000000, RF_GP, D },
    { "LLDT: outside IA-32e mode", false, true, D, 0x82, UINT64_MAX, -1, 0 },
};
START_TEST(ltr_and_lldt)
{
    const struct system_load *l = &system_loads[_i];
    struct bare b;
    bare_create(&b, 0);
    if (l->legacy)
        bare_enter_legacy(&b, 0);
    uint64_t raw = bare_segment((uint32_t)BARE_TSS, 0x67, l->access, 0);
    bare_descriptor(&b, D, raw, l->high);
    b.cpu->ldtr = (struct rf_segment){ D, 0x82, 0, 0 };
    b.cpu->r[RF_RAX] = l->selector;
    if (l->task)
        RUN(&b, ltr);
    else
        RUN(&b, lldt);
    ck_assert_msg(b.vector == l->vector && b.error_code == l->error, "%s: %s(%#x)", l->rule,
                  b.vector < 0 ? "nothing" : rf_vector_name((unsigned)b.vector), b.error_code);
    const struct rf_segment *got = l->task ? &b.cpu->tr : &b.cpu->ldtr;
    if (l->vector < 0) {
        ck_assert_uint_eq(got->selector, l->selector);
        ck_assert_uint_eq(got->base, l->selector == D ? BARE_TSS : 0);
        ck_assert_uint_eq(bare_read(&b, BARE_GDT + D), l->task ? raw | UINT64_C(2) << 40 : raw);
        ck_assert_uint_eq(got->attributes & RF_SEG_P, l->selector == D ? RF_SEG_P : 0);
    } else {
        ck_assert_uint_eq(got->selector, l->task ? TSS_SELECTOR : D);
        ck_assert_uint_eq(bare_read(&b, BARE_GDT + D), raw);
    }
    bare_destroy(&b);
}
END_TEST

/* SDM 3A, 3.5.1: segments come from the LDT then, up to its limit. */
CASE(segments_of_an_ldt, 0)
{
    bare_descriptor(b, D, bare_segment(0x30000, 0xf, 0x82, 0), 0);
    bare_write(b, 0x30008, FLAT(0xf2, 0xc));
    bare_write(b, 0x30010, FLAT(0xf2, 0xc));
    b->cpu->r[RF_RAX] = D;
    RUN(b, lldt);
    b->cpu->r[RF_RAX] = 0x0f;
    RUN(b, load_ds);
    ck_assert_uint_eq(b->cpu->seg[RF_DS].selector, 0x0f);
    b->cpu->r[RF_RAX] = 0x17; /* one entry further */
    RUN(b, load_ds);
    expect_error(b, RF_GP, KERNEL(0), 0x14);
}

/* --- LAR, LSL, VERR, VERW: SDM 2A and 2B --- */

CODE(queries, "lar %ax, %ecx; setz %r8b; lsl %ax, %edx; setz %r9b; verr %ax; setz %r10b; verw %ax; setz %r11b;"
              "int $0x80");
CODE32(queries_32, "lar %ax, %ecx; setz (%edi); lsl %ax, %edx; setz 1(%edi); verr %ax; setz 2(%edi); verw %ax;"
                   "setz 3(%edi); int $0x80");
enum { LAR = 1, LSL = 2, VERR = 4, VERW = 8, ALL = 15 };
static const struct query {
    const char *rule;
    bool legacy;
    unsigned cpl;
    uint16_t selector;
    unsigned access;
    unsigned good; /* which set ZF */
} queries_of[] = {
    { "writable data", false, 0, D, 0x92, ALL },
    { "read-only data", false, 0, D, 0x90, LAR | LSL | VERR },
    { "readable code", false, 0, D, 0x9a, LAR | LSL | VERR },
    { "execute-only code", false, 0, D, 0x98, LAR | LSL },
    { "DPL < CPL", false, 3, D, 0x92, 0 },
    { "DPL < RPL", false, 0, D | 1, 0x92, 0 },
    { "conforming code of an inner level", false, 3, D | 3, 0x9e, LAR | LSL | VERR },
    { "execute-only conforming code", false, 3, D | 3, 0x9c, LAR | LSL },
    { "an absent segment", false, 0, D, 0x12, ALL },
    { "null", false, 0, 3, 0x92, 0 },
    { "beyond the GDT", false, 0, 0x2000, 0x92, 0 },
    { "an LDT that is not there", false, 0, 0x0c, 0x92, 0 },
    { "IA-32e: LDT", false, 0, D, 0x82, LAR | LSL },
    { "IA-32e: available TSS", false, 0, D, 0x89, LAR | LSL },
    { "IA-32e: busy TSS", false, 0, D, 0x8b, LAR | LSL },
    { "IA-32e: call gate", false, 0, D, 0x8c, LAR },
    { "IA-32e: 16-bit TSS", false, 0, D, 0x81, 0 },
    { "IA-32e: busy 16-bit TSS", false, 0, D, 0x83, 0 },
    { "IA-32e: 16-bit call gate", false, 0, D, 0x84, 0 },
    { "IA-32e: task gate", false, 0, D, 0x85, 0 },
    { "IA-32e: interrupt gate", false, 0, D, 0x8e, 0 },
    { "IA-32e: trap gate", false, 0, D, 0x8f, 0 },
    { "IA-32e: reserved", false, 0, D, 0x80, 0 },
    { "legacy: 16-bit TSS", true, 0, D, 0x81, LAR | LSL },
    { "legacy: LDT", true, 0, D, 0x82, LAR | LSL },
    { "legacy: busy 16-bit TSS", true, 0, D, 0x83, LAR | LSL },
    { "legacy: 16-bit call gate", true, 0, D, 0x84, LAR },
    { "legacy: task gate", true, 0, D, 0x85, LAR },
    { "legacy: 16-bit interrupt gate", true, 0, D, 0x86, 0 },
    { "legacy: 16-bit trap gate", true, 0, D, 0x87, 0 },
    { "legacy: type 8", true, 0, D, 0x88, 0 },
    { "legacy: 32-bit TSS", true, 0, D, 0x89, LAR | LSL },
    { "legacy: type 10", true, 0, D, 0x8a, 0 },
    { "legacy: busy 32-bit TSS", true, 0, D, 0x8b, LAR | LSL },
    { "legacy: 32-bit call gate", true, 0, D, 0x8c, LAR },
    { "legacy: type 13", true, 0, D, 0x8d, 0 },
    { "legacy: 32-bit interrupt gate", true, 0, D, 0x8e, 0 },
    { "legacy: 32-bit trap gate", true, 0, D, 0x8f, 0 },
};
static unsigned run_query(struct bare *b, const struct query *q)
{
    unsigned good = 0;
    if (q->legacy) {
        RUN(b, queries_32);
        for (unsigned i = 0; i < 4; i++)
            good |= (unsigned)(bare_read(b, RESULT) >> 8 * i & 1) << i;
    } else {
        RUN(b, queries);
        for (unsigned i = 0; i < 4; i++)
            good |= (unsigned)(reg(b, (enum rf_reg)(RF_R8 + i)) & 1) << i;
    }
    return good;
}
START_TEST(lar_lsl_verr_verw)
{
    const struct query *q = &queries_of[_i];
    struct bare b;
    bare_create(&b, q->cpl);
    if (q->legacy)
        bare_enter_legacy(&b, q->cpl);
    bare_descriptor(&b, D, bare_segment(0x12345678, 0x00054, q->access, 8), 0);
    b.cpu->r[RF_RDI] = RESULT;
    b.cpu->r[RF_RAX] = q->selector;
    b.cpu->r[RF_RCX] = b.cpu->r[RF_RDX] = 0xdead;
    unsigned good = run_query(&b, q);
    ck_assert_int_eq(b.vector, 0x80);
    ck_assert_msg(good == q->good, "%s: %#x", q->rule, good);
    /* access rights, G and limit bits included; the limit in bytes */
    ck_assert_uint_eq(b.cpu->r[RF_RCX], q->good & LAR ? 0x00800000 | q->access << 8 : 0xdead);
    ck_assert_uint_eq(b.cpu->r[RF_RDX], q->good & LSL ? 0x54fff : 0xdead);
    ck_assert_uint_eq(bare_read(&b, BARE_GDT + D) >> 40 & 0xff, q->access); /* no accessed bit */
    bare_destroy(&b);
}
END_TEST

/* A page fault while the table is read is one; ZF does not hide it. */
CODE(lar_once, "lar %ax, %ecx");
CASE(a_page_fault_of_lar, 0)
{
    b->cpu->gdtr.limit = 0x2fff; /* over the page after the IDT's and the TSS' */
    *bare_pte(b, BARE_TSS) = 0;
    bare_flush(b);
    b->cpu->r[RF_RAX] = 0x2000;
    RUN(b, lar_once);
    expect_error(b, RF_PF, KERNEL(0), 0);
    ck_assert_uint_eq(b->cpu->cr2, BARE_TSS);
}

/* --- ARPL: SDM 2A --- */

CODE32(arpl, "arpl %bx, %ax; setz (%edi); int $0x80");
LEGACY_CASE(arpl_raises_the_rpl, 0)
{
    b->cpu->r[RF_RDI] = RESULT;
    b->cpu->r[RF_RAX] = 0x1234 & ~3u;
    b->cpu->r[RF_RBX] = 0x4322;
    RUN(b, arpl);
    ck_assert_uint_eq(reg(b, RF_RAX) & 0xffff, 0x1236);
    ck_assert_uint_eq(bare_read(b, RESULT) & 1, 1);
}
LEGACY_CASE(arpl_never_lowers_the_rpl, 0)
{
    b->cpu->r[RF_RDI] = RESULT;
    b->cpu->r[RF_RAX] = 0x1237;
    b->cpu->r[RF_RBX] = 0x4322;
    RUN(b, arpl);
    ck_assert_uint_eq(reg(b, RF_RAX) & 0xffff, 0x1237);
    ck_assert_uint_eq(bare_read(b, RESULT) & 1, 0);
}

int main(void)
{
    const TTest *const all[] = {
        a_null_fs_has_base_0, a_read_only_gdt_is_pf, segments_of_an_ldt, a_page_fault_of_lar, arpl_raises_the_rpl,
        arpl_never_lowers_the_rpl,
    };
    Suite *suite = suite_create("descriptors");
    TCase *tests = tcase_create("descriptors");
    ADD_ALL(tests, all);
    tcase_add_loop_test(tests, segment_loads, 0, (int)RF_ARRAY_SIZE(loads));
    tcase_add_loop_test(tests, ltr_and_lldt, 0, (int)RF_ARRAY_SIZE(system_loads));
    tcase_add_loop_test(tests, lar_lsl_verr_verw, 0, (int)RF_ARRAY_SIZE(queries_of));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
