/* A kit's birth: descriptor tables, stacks, handlers, control registers (ringfort/testkit.h). */
#include "testkit/kit.h"

#include "machine/create_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* CR0, CR4 and EFER bits of the defaults (SDM 3A, 2.2.1 and 2.5). */
#define CR0_DEFAULT (UINT64_C(0x80010033)) /* PG WP NE ET MP PE */
#define CR4_DEFAULT (UINT64_C(0x000106a0)) /* FSGSBASE OSXMMEXCPT OSFXSR PGE PAE */
#define CR4_LA57 (UINT64_C(1) << 12)
#define CR4_PCIDE (UINT64_C(1) << 17)
#define CR4_CET (UINT64_C(1) << 23)
#define EFER_DEFAULT UINT64_C(0x901) /* NXE LME SCE */
#define DEFAULT_CYCLES UINT64_C(10000000)

#define MSR_SYSENTER_CS 0x174u
#define MSR_SYSENTER_ESP 0x175u
#define MSR_SYSENTER_EIP 0x176u
#define MSR_EFER 0xc0000080u
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u

/* --- errors --- */

rf_status kit_error(rf_kit *kit, rf_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(kit->error, sizeof kit->error, format, args);
    va_end(args);
    return status;
}

rf_status kit_bare_error(rf_kit *kit, rf_status status)
{
    if (status)
        snprintf(kit->error, sizeof kit->error, "%.255s", rf_bare_error_text(kit->bare));
    return status;
}

const char *rf_kit_error_text(const rf_kit *kit)
{
    return kit ? kit->error : "";
}

bool kit_word(const char **text, char word[32])
{
    const char *at = *text + strspn(*text, " \t\n");
    size_t length = strcspn(at, " \t\n");
    snprintf(word, 32, "%.*s", length < 31 ? (int)length : 31, at);
    *text = at + length;
    return length > 0;
}

/* --- shorthands --- */

rf_bare *rf_kit_bare(rf_kit *kit)
{
    return kit ? kit->bare : NULL;
}

uint64_t rf_kit_get(const rf_kit *kit, rf_bare_reg reg)
{
    return kit ? rf_bare_get(kit->bare, reg) : 0;
}

rf_status rf_kit_set(rf_kit *kit, rf_bare_reg reg, uint64_t value)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    return kit_bare_error(kit, rf_bare_set(kit->bare, reg, value));
}

uint64_t rf_kit_peek(rf_kit *kit, uint64_t physical)
{
    uint64_t value = 0;
    if (kit)
        rf_bare_read_physical(kit->bare, physical, &value, sizeof value);
    return value;
}

rf_status rf_kit_poke(rf_kit *kit, uint64_t physical, uint64_t value)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    return kit_bare_error(kit, rf_bare_write_physical(kit->bare, physical, &value, sizeof value));
}

/* --- code --- */

static void remember(rf_kit *kit, uint64_t address, size_t size, const char *name)
{
    unsigned i = 0;
    while (i < kit->code_count && kit->code[i].address != address)
        i++;
    if (i == KIT_CODES)
        return; /* it is told by number */
    if (i == kit->code_count)
        kit->code_count++;
    kit->code[i].address = address;
    kit->code[i].size = size;
    snprintf(kit->code[i].name, sizeof kit->code[i].name, "%s", name);
}

rf_status kit_place(rf_kit *kit, uint64_t address, const rf_guest_code *code, const char *name)
{
    if (!code || !code->start || code->end < code->start)
        return kit_error(kit, RF_ERR_ARGUMENT, "no code was given");
    size_t size = (size_t)(code->end - code->start);
    rf_status status = rf_bare_write_physical(kit->bare, address, code->start, size);
    if (status)
        return kit_bare_error(kit, status);
    remember(kit, address, size, name);
    return RF_OK;
}

rf_status rf_kit_place(rf_kit *kit, uint64_t address, const rf_guest_code *code)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    return kit_place(kit, address, code, code && code->name ? code->name : "code");
}

static rf_status place_handler(rf_kit *kit, const rf_guest_code *code, uint64_t *address)
{
    size_t size = code && code->end >= code->start ? (size_t)(code->end - code->start) : 0;
    if (size > RF_KIT_KERNEL_STACK - 0x1000 - kit->next_code)
        return kit_error(kit, RF_ERR_NO_MEMORY, "no room is left for a handler of %zu bytes", size);
    rf_status status = rf_kit_place(kit, kit->next_code, code);
    if (status)
        return status;
    *address = kit->next_code;
    kit->next_code += (size + 15) / 16 * 16 + 16;
    return RF_OK;
}

rf_status rf_kit_handler(rf_kit *kit, unsigned vector, const rf_guest_code *code)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    uint64_t address = 0, slot = RF_KIT_IDT + vector * UINT64_C(16);
    if (vector > 255)
        return kit_error(kit, RF_ERR_ARGUMENT, "vector %u is above 255", vector);
    rf_status status = place_handler(kit, code, &address);
    if (status)
        return status;
    const uint64_t offset_bits = UINT64_C(0xffff00000000ffff);
    uint64_t gate = (rf_kit_peek(kit, slot) & ~offset_bits) | (address & 0xffff) | (address >> 16 & 0xffff) << 48;
    rf_kit_poke(kit, slot, gate);
    return rf_kit_poke(kit, slot + 8, address >> 32);
}

rf_status rf_kit_syscall(rf_kit *kit, const rf_guest_code *code)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    uint64_t address = 0;
    rf_status status = place_handler(kit, code, &address);
    return status ? status : kit_bare_error(kit, rf_bare_write_msr(kit->bare, MSR_LSTAR, address));
}

/* --- descriptor tables --- */

/* A flat segment: access byte, then flags (SDM 3A, 3.4.5). */
#define DESCRIPTOR(access, flags) \
    (UINT64_C(0x000f00000000ffff) | (uint64_t)(access) << 40 | (uint64_t)(flags) << 52)

static void build_gdt(rf_kit *kit)
{
    const uint64_t gdt[] = {
        [RF_KIT_KERNEL_CS / 8] = DESCRIPTOR(0x9a, 0xa), [RF_KIT_KERNEL_SS / 8] = DESCRIPTOR(0x92, 0xc),
        [RF_KIT_USER_CS32 / 8] = DESCRIPTOR(0xfa, 0xc), [RF_KIT_USER_SS / 8] = DESCRIPTOR(0xf2, 0xc),
        [RF_KIT_USER_CS / 8] = DESCRIPTOR(0xfa, 0xa),
        /* busy 64-bit TSS, limit 0x67: TR holds it */
        [RF_KIT_TSS_SELECTOR / 8] = UINT64_C(0x67) | RF_KIT_TSS << 16 | UINT64_C(0x8b) << 40,
    };
    rf_bare_write_physical(kit->bare, RF_KIT_GDT, gdt, sizeof gdt);
    rf_bare_set(kit->bare, RF_BARE_GDTR_BASE, RF_KIT_GDT);
    rf_bare_set(kit->bare, RF_BARE_GDTR_LIMIT, 0xfff);
}

static void build_tss(rf_kit *kit)
{
    const rf_bare_segment tr = { RF_KIT_TSS_SELECTOR, 0x8b, 0x67, RF_KIT_TSS };
    rf_kit_poke(kit, RF_KIT_TSS + 4, RF_KIT_RSP0);
    rf_kit_poke(kit, RF_KIT_TSS + 36, RF_KIT_IST1);
    rf_kit_poke(kit, RF_KIT_TSS + 102, 0x68); /* no I/O permission map */
    rf_bare_set_segment(kit->bare, RF_BARE_TR, &tr);
}

struct gate {
    unsigned type, dpl, ist, selector;
    bool present;
};

static bool gate_word(const char *word, struct gate *gate)
{
    uint64_t value;
    const char *equal = strchr(word, '=');
    if (equal && !kit_value(equal + 1, &value))
        return false;
    if (!strcmp(word, "trap"))
        gate->type = 0xf;
    else if (!strcmp(word, "absent"))
        gate->present = false;
    else if (!strncmp(word, "dpl=", 4) && value < 4)
        gate->dpl = (unsigned)value;
    else if (!strncmp(word, "ist=", 4) && value < 8)
        gate->ist = (unsigned)value;
    else if (!strncmp(word, "selector=", 9) && value < 0x10000)
        gate->selector = (unsigned)value;
    else
        return false;
    return true;
}

rf_status rf_kit_gate(rf_kit *kit, unsigned vector, uint64_t handler, const char *words)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    struct gate gate = { 0xe, 0, 0, RF_KIT_KERNEL_CS, true };
    char word[32];
    if (vector > 255)
        return kit_error(kit, RF_ERR_ARGUMENT, "vector %u is above 255", vector);
    for (const char *at = words ? words : ""; kit_word(&at, word);)
        if (!gate_word(word, &gate))
            return kit_error(kit, RF_ERR_ARGUMENT, "'%s' is no word of a gate", word);
    if (!handler)
        handler = RF_KIT_HANDLERS + vector * UINT64_C(16);
    uint64_t low = (handler & 0xffff) | (uint64_t)gate.selector << 16 | (uint64_t)gate.ist << 32 |
                   (uint64_t)gate.type << 40 | (uint64_t)gate.dpl << 45 | (uint64_t)gate.present << 47 |
                   (handler >> 16 & 0xffff) << 48;
    rf_kit_poke(kit, RF_KIT_IDT + vector * UINT64_C(16), low);
    return rf_kit_poke(kit, RF_KIT_IDT + vector * UINT64_C(16) + 8, handler >> 32);
}

/* SDM 3A, table 6-1. */
bool kit_pushes_error_code(unsigned vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
static const uint8_t vmcall[] = { 0x0f, 0x01, 0xc1 };

unsigned kit_handler_prefix(const rf_kit *kit)
{
    return kit->tracking ? sizeof endbr64 : 0;
}

/* ENDBR64 where branches are tracked, VMCALL, and the way back. */
static void put_handler(rf_kit *kit, uint64_t address, const uint8_t *way_back, size_t size)
{
    if (kit->tracking)
        rf_bare_write_physical(kit->bare, address, endbr64, sizeof endbr64);
    address += kit_handler_prefix(kit);
    rf_bare_write_physical(kit->bare, address, vmcall, sizeof vmcall);
    rf_bare_write_physical(kit->bare, address + sizeof vmcall, way_back, size);
}

static void build_handlers(rf_kit *kit)
{
    static const uint8_t plain[] = { 0x48, 0xcf };                         /* iretq */
    static const uint8_t coded[] = { 0x48, 0x83, 0xc4, 0x08, 0x48, 0xcf }; /* add $8, %rsp; iretq */
    static const uint8_t sysret[] = { 0x48, 0x0f, 0x07 };                  /* sysretq */
    static const uint8_t sysretl[] = { 0x0f, 0x07 };
    static const uint8_t sysexit[] = { 0x48, 0x0f, 0x35 };
    for (unsigned vector = 0; vector < 256; vector++) {
        bool code = kit_pushes_error_code(vector);
        put_handler(kit, RF_KIT_HANDLERS + vector * UINT64_C(16), code ? coded : plain,
                    code ? sizeof coded : sizeof plain);
        rf_kit_gate(kit, vector, 0, vector == 3 || vector == 4 || vector == 0x80 ? "dpl=3" : "");
    }
    put_handler(kit, RF_KIT_SYSCALL, sysret, sizeof sysret);
    put_handler(kit, RF_KIT_SYSCALL32, sysretl, sizeof sysretl);
    put_handler(kit, RF_KIT_SYSENTER, sysexit, sizeof sysexit);
    rf_bare_set(kit->bare, RF_BARE_IDTR_BASE, RF_KIT_IDT);
    rf_bare_set(kit->bare, RF_BARE_IDTR_LIMIT, 0xfff);
}

/* --- registers --- */

rf_status rf_kit_set_cpl(rf_kit *kit, unsigned cpl)
{
    if (!kit)
        return RF_ERR_ARGUMENT;
    if (cpl != 0 && cpl != 3)
        return kit_error(kit, RF_ERR_ARGUMENT, "CPL %u: the kit has segments for 0 and 3", cpl);
    const uint16_t dpl = (uint16_t)(cpl << 5);
    const uint16_t cs = cpl ? RF_KIT_USER_CS : RF_KIT_KERNEL_CS, ss = cpl ? RF_KIT_USER_SS : RF_KIT_KERNEL_SS;
    const rf_bare_segment code = { cs, (uint16_t)(0xa09b | dpl), UINT32_MAX, 0 };
    const rf_bare_segment data = { ss, (uint16_t)(0xc093 | dpl), UINT32_MAX, 0 };
    static const rf_bare_reg registers[] = { RF_BARE_ES, RF_BARE_SS, RF_BARE_DS, RF_BARE_FS, RF_BARE_GS };
    rf_bare_set_segment(kit->bare, RF_BARE_CS, &code);
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++)
        rf_bare_set_segment(kit->bare, registers[i], &data);
    kit_begin_cet(kit, cpl);
    return rf_kit_set(kit, RF_BARE_RSP, cpl ? RF_KIT_USER_STACK : RF_KIT_KERNEL_STACK);
}

/* In the order in which hardware lets a kernel enter long mode (SDM 3A, 9.8.5). */
static rf_status enter_long_mode(rf_kit *kit, const rf_kit_config *c)
{
    uint64_t cet = c->shadow_stacks || c->tracking ? CR4_CET : 0, after_cr0 = CR4_PCIDE | CR4_CET;
    uint64_t cr4 = (CR4_DEFAULT | cet | c->cr4_set) & ~c->cr4_clear;
    uint64_t cr0 = (CR0_DEFAULT | c->cr0_set) & ~c->cr0_clear;
    rf_status status = rf_kit_set(kit, RF_BARE_CR4, cr4 & ~after_cr0);
    if (!status)
        status = rf_kit_set(kit, RF_BARE_CR3, RF_KIT_TABLES);
    if (!status)
        status = kit_bare_error(kit, rf_bare_write_msr(kit->bare, MSR_EFER, EFER_DEFAULT & ~c->efer_clear));
    if (!status)
        status = rf_kit_set(kit, RF_BARE_CR0, cr0);
    if (!status && cr4 & after_cr0)
        status = rf_kit_set(kit, RF_BARE_CR4, cr4);
    return status;
}

static void set_entry_points(rf_kit *kit)
{
    rf_bare *bare = kit->bare;
    rf_bare_write_msr(bare, MSR_STAR, (uint64_t)RF_KIT_KERNEL_CS << 32 | (uint64_t)RF_KIT_USER_CS32 << 48);
    rf_bare_write_msr(bare, MSR_LSTAR, RF_KIT_SYSCALL);
    rf_bare_write_msr(bare, MSR_CSTAR, RF_KIT_SYSCALL32);
    rf_bare_write_msr(bare, MSR_SYSENTER_CS, RF_KIT_KERNEL_CS);
    rf_bare_write_msr(bare, MSR_SYSENTER_EIP, RF_KIT_SYSENTER);
    rf_bare_write_msr(bare, MSR_SYSENTER_ESP, RF_KIT_RSP0);
}

/* --- life --- */

static rf_status build(rf_kit *kit, const rf_kit_config *c)
{
    kit->next_code = RF_KIT_HANDLER_TEXT;
    kit->shadow_stacks = c->shadow_stacks;
    kit->tracking = c->tracking;
    rf_status status = kit_build_tables(kit, c->cr4_set & CR4_LA57);
    if (status)
        return status;
    build_gdt(kit);
    build_tss(kit);
    build_handlers(kit);
    status = enter_long_mode(kit, c);
    if (status)
        return status;
    set_entry_points(kit);
    status = kit_build_cet(kit, c);
    if (!status)
        status = rf_kit_set_cpl(kit, c->cpl);
    if (status)
        return status;
    return rf_kit_set(kit, RF_BARE_RFLAGS, c->cpl ? 0x202 : 0x2); /* IF where user code runs */
}

rf_status rf_kit_create(const rf_kit_config *config, rf_kit **out)
{
    static const rf_kit_config defaults;
    if (!out)
        return RF_ERR_ARGUMENT;
    *out = NULL;
    if (!config)
        config = &defaults;
    rf_set_create_error("");
    rf_kit *kit = calloc(1, sizeof *kit);
    if (!kit)
        return RF_ERR_NO_MEMORY;
    bool cet = config->shadow_stacks || config->tracking;
    const rf_bare_config bare = {
        .memory = config->memory ? config->memory : RF_KIT_MEMORY,
        .cpu = config->cpu ? config->cpu : cet ? "max" : NULL,
        .vendor = config->vendor,
        .apic = config->apic,
        .max_cycles = config->max_cycles ? config->max_cycles : DEFAULT_CYCLES,
    };
    rf_status status = bare.memory < RF_KIT_MEMORY
                           ? kit_error(kit, RF_ERR_ARGUMENT, "memory of %llu bytes is less than the kit's 4 MiB",
                                       (unsigned long long)bare.memory)
                           : rf_bare_create(&bare, &kit->bare);
    if (status && *rf_create_error_text())
        snprintf(kit->error, sizeof kit->error, "%.255s", rf_create_error_text());
    if (!status)
        status = build(kit, config);
    if (status) {
        rf_set_create_error(kit->error);
        rf_kit_destroy(kit);
        return status;
    }
    kit->outcome.vector = -1;
    *out = kit;
    return RF_OK;
}

void rf_kit_destroy(rf_kit *kit)
{
    if (!kit)
        return;
    rf_bare_destroy(kit->bare);
    free(kit);
}
