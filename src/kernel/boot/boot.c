/* Boot: page tables, GDT, IDT, TSS, per-CPU area, system call table, entry text, MSRs.
 * The same structures that Linux builds (arch/x86/kernel/cpu/common.c, idt.c), in RAM. */
#include "kernel/boot/boot.h"

#include <string.h>

/* Physical pages that boot hands out, from 0x1000 up to RF_FIRST_FRAME. */
struct builder {
    struct rf_kernel *k;
    uint64_t next;
    bool full;
};

static uint64_t take_page(struct builder *b)
{
    if (b->next + RF_PAGE_SIZE > RF_FIRST_FRAME) {
        b->full = true;
        return 0;
    }
    uint64_t pa = b->next;
    b->next += RF_PAGE_SIZE;
    return pa;
}

static uint64_t *table_at(struct builder *b, uint64_t pa)
{
    return (uint64_t *)(b->k->ram->base + pa);
}

static uint64_t next_table(struct builder *b, uint64_t *entry)
{
    if (!(*entry & RF_PTE_P))
        *entry = take_page(b) | RF_PTE_P | RF_PTE_W | RF_PTE_A;
    return *entry & RF_PTE_ADDRESS;
}

static void map_page(struct builder *b, uint64_t pml4, uint64_t va, uint64_t pa, uint64_t bits)
{
    uint64_t table = pml4;
    for (unsigned shift = 39; shift > 12; shift -= 9)
        table = next_table(b, &table_at(b, table)[va >> shift & 511]);
    table_at(b, table)[va >> 12 & 511] = pa | bits;
}

/* All of RAM by 1 GiB pages. */
static void map_direct(struct builder *b, uint64_t pml4)
{
    uint64_t pdpt = next_table(b, &table_at(b, pml4)[RF_DIRECT_MAP >> 39 & 511]);
    uint64_t gigabytes = (b->k->ram->size + RF_BIT(30) - 1) >> 30;
    for (uint64_t i = 0; i < gigabytes && i < 512; i++)
        table_at(b, pdpt)[i] =
            i << 30 | RF_PTE_P | RF_PTE_W | RF_PTE_PS | RF_PTE_G | RF_PTE_NX | RF_PTE_A | RF_PTE_D;
}

/* Map `pages` fresh pages at va; the physical address of the first (they are consecutive). */
static uint64_t map_fresh(struct builder *b, uint64_t pml4, uint64_t va, unsigned pages, uint64_t bits)
{
    uint64_t first = b->next;
    for (unsigned i = 0; i < pages; i++)
        take_page(b);
    for (unsigned i = 0; i < pages; i++)
        map_page(b, pml4, va + i * RF_PAGE_SIZE, first + i * RF_PAGE_SIZE, bits);
    return first;
}

static uint64_t flat_segment(unsigned type, unsigned dpl, uint16_t mode)
{
    uint64_t access = type | RF_SEG_S | dpl << RF_SEG_DPL_SHIFT | RF_SEG_P;
    return UINT64_C(0xf) << 48 | 0xffff | access << 40 | (uint64_t)(mode | RF_SEG_G) << 40;
}

static void fill_gdt(uint64_t *gdt, uint64_t tss_va)
{
    gdt[RF_KERNEL_CS / 8] = flat_segment(0xb, 0, RF_SEG_L);
    gdt[RF_KERNEL_SS / 8] = flat_segment(0x3, 0, RF_SEG_DB);
    gdt[RF_USER32_CS / 8] = flat_segment(0xb, 3, RF_SEG_DB);
    gdt[RF_USER_SS / 8] = flat_segment(0x3, 3, RF_SEG_DB);
    gdt[RF_USER_CS / 8] = flat_segment(0xb, 3, RF_SEG_L);
    uint64_t limit = sizeof(struct rf_tss) - 1;
    gdt[RF_TSS_SELECTOR / 8] = limit | (tss_va & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
                               (tss_va >> 24 & 0xff) << 56;
    gdt[RF_TSS_SELECTOR / 8 + 1] = tss_va >> 32;
}

/* #BP and #OF may be raised by INT instructions of user code: DPL 3. NMI, #DF and #MC have
 * stacks of their own. */
static void fill_idt(uint64_t (*idt)[2], const struct rf_entry_labels *labels)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uint64_t handler = labels->exception[vector];
        if (!handler)
            continue;
        uint64_t dpl = vector == RF_BP || vector == RF_OF ? 3 : 0;
        uint64_t ist = vector == RF_DF ? 1 : vector == RF_NMI ? 2 : vector == RF_MC ? 3 : 0;
        idt[vector][0] = (handler & 0xffff) | (uint64_t)RF_KERNEL_CS << 16 | ist << 32 |
                         UINT64_C(0x8e) << 40 | dpl << 45 | (handler >> 16 & 0xffff) << 48;
        idt[vector][1] = handler >> 32;
    }
}

static bool write_msrs(struct rf_cpu *cpu, const struct rf_boot_layout *layout)
{
    uint64_t star = (uint64_t)RF_USER32_CS << 48 | (uint64_t)RF_KERNEL_CS << 32;
    uint64_t fmask = RF_FLAGS_STATUS | RF_FLAG_TF | RF_FLAG_IF | RF_FLAG_DF | RF_FLAG_IOPL | RF_FLAG_NT |
                     RF_FLAG_RF | RF_FLAG_AC | RF_FLAG_ID;
    return rf_cpu_write_msr(cpu, 0xc0000081, star) &&
           rf_cpu_write_msr(cpu, 0xc0000082, layout->labels.syscall) &&
           rf_cpu_write_msr(cpu, 0xc0000083, layout->labels.syscall_ignored) &&
           rf_cpu_write_msr(cpu, 0xc0000084, fmask) &&
           rf_cpu_write_msr(cpu, 0xc0000101, layout->percpu_va);
}

const struct rf_segment rf_kernel_ss = { RF_KERNEL_SS, RF_SEG_P | RF_SEG_S | RF_SEG_G | RF_SEG_DB | 3, UINT32_MAX, 0 };

/* Registers as the boot processor has them when the first process is about to start. */
static rf_status program_cpu(struct rf_kernel *k, struct rf_error *err)
{
    struct rf_cpu *cpu = k->cpu;
    const struct rf_boot_layout *layout = k->layout;
    rf_mmu_set_efer(&cpu->mmu, RF_EFER_LME | RF_EFER_LMA | RF_EFER_NXE | RF_EFER_SCE);
    rf_mmu_set_cr4(&cpu->mmu, RF_CR4_PAE | RF_CR4_PGE | RF_CR4_OSFXSR | RF_CR4_OSXMMEXCPT | RF_CR4_UMIP |
                                  RF_CR4_FSGSBASE | RF_CR4_SMEP | RF_CR4_SMAP | RF_CR4_DE |
                                  (rf_has(cpu->features, RF_FEATURE_PKU) ? RF_CR4_PKE : 0) |
                                  (rf_has(cpu->features, RF_FEATURE_XSAVE) ? RF_CR4_OSXSAVE : 0));
    if (rf_has(cpu->features, RF_FEATURE_XSAVE))
        cpu->xcr0 = rf_model_xcr0(cpu->features);
    rf_mmu_set_cr3(&cpu->mmu, layout->kernel_pml4);
    rf_mmu_set_cr0(&cpu->mmu, RF_CR0_PE | RF_CR0_MP | RF_CR0_ET | RF_CR0_NE | RF_CR0_WP | RF_CR0_AM |
                                  RF_CR0_PG);
    cpu->gdtr = (struct rf_table_register){ layout->gdt_va, RF_TSS_SELECTOR + 15 };
    cpu->idtr = (struct rf_table_register){ layout->idt_va, 256 * 16 - 1 };
    cpu->tr = (struct rf_segment){ .selector = RF_TSS_SELECTOR,
                                   .base = layout->tss_va,
                                   .limit = sizeof(struct rf_tss) - 1,
                                   .attributes = RF_SEG_P | 0xb };
    cpu->ldtr = (struct rf_segment){ 0 };
    cpu->seg[RF_CS] = (struct rf_segment){ RF_KERNEL_CS, RF_SEG_P | RF_SEG_S | RF_SEG_G | RF_SEG_L | 0xb,
                                           UINT32_MAX, 0 };
    cpu->seg[RF_SEG_SS] = rf_kernel_ss;
    static const enum rf_seg null_segments[] = { RF_DS, RF_ES, RF_FS, RF_GS };
    for (size_t i = 0; i < RF_ARRAY_SIZE(null_segments); i++)
        cpu->seg[null_segments[i]] = (struct rf_segment){ 0 };
    cpu->cpl = 0;
    if (!write_msrs(cpu, layout))
        return rf_error_set(err, RF_ERR_STATE, "a boot MSR write was refused");
    rf_cpu_mode_changed(cpu);
    cpu->door = rf_kernel_door;
    cpu->door_user = k;
    return RF_OK;
}

/* Three IST stacks and everything writable, in one data area. */
static void build_data(struct builder *b, struct rf_boot_layout *layout)
{
    enum { GDT, IDT, TSS, PERCPU, STACK_DF, STACK_NMI, STACK_MC, PAGES };
    uint64_t pa = map_fresh(b, layout->kernel_pml4, RF_KERNEL_DATA, PAGES,
                            RF_PTE_P | RF_PTE_W | RF_PTE_G | RF_PTE_NX | RF_PTE_A | RF_PTE_D);
    uint8_t *host = b->k->ram->base + pa;
    layout->gdt_va = RF_KERNEL_DATA + GDT * RF_PAGE_SIZE;
    layout->idt_va = RF_KERNEL_DATA + IDT * RF_PAGE_SIZE;
    layout->tss_va = RF_KERNEL_DATA + TSS * RF_PAGE_SIZE;
    layout->percpu_va = RF_KERNEL_DATA + PERCPU * RF_PAGE_SIZE;
    layout->tss = (struct rf_tss *)(host + TSS * RF_PAGE_SIZE);
    layout->percpu = (struct rf_percpu *)(host + PERCPU * RF_PAGE_SIZE);
    layout->tss->io_map = sizeof(struct rf_tss);
    for (unsigned i = 0; i < 3; i++)
        layout->tss->ist[i] = RF_KERNEL_DATA + (STACK_DF + i + 1) * RF_PAGE_SIZE;
    fill_gdt((uint64_t *)(host + GDT * RF_PAGE_SIZE), layout->tss_va);
    fill_idt((uint64_t(*)[2])(host + IDT * RF_PAGE_SIZE), &layout->labels);
}

rf_status rf_boot(struct rf_kernel *k, struct rf_error *err)
{
    struct builder b = { .k = k, .next = RF_PAGE_SIZE };
    struct rf_boot_layout *layout = rf_kalloc(k, sizeof *layout);
    if (!layout)
        return rf_error_set(err, RF_ERR_NO_MEMORY, "no memory to boot the kernel");
    k->layout = layout;
    layout->kernel_pml4 = take_page(&b);
    map_direct(&b, layout->kernel_pml4);

    enum { TEXT_PAGES = 4, TABLE_PAGES = 1 };
    uint64_t text = map_fresh(&b, layout->kernel_pml4, RF_KERNEL_TEXT, TEXT_PAGES,
                              RF_PTE_P | RF_PTE_G | RF_PTE_A);
    if (!rf_entry_emit(k->ram->base + text, TEXT_PAGES * RF_PAGE_SIZE, &layout->labels, err))
        return RF_ERR_STATE;
    uint64_t table = map_fresh(&b, layout->kernel_pml4, RF_KERNEL_TABLE, TABLE_PAGES,
                               RF_PTE_P | RF_PTE_G | RF_PTE_NX | RF_PTE_A);
    layout->syscall_table = (uint64_t *)(k->ram->base + table);
    _Static_assert(RF_SYSCALL_COUNT * 8 <= TABLE_PAGES * 4096, "the table fits its page");
    for (unsigned n = 0; n < RF_SYSCALL_COUNT; n++)
        layout->syscall_table[n] = layout->labels.stubs + 16 * n;
    build_data(&b, layout);
    if (b.full)
        return rf_error_set(err, RF_ERR_NO_MEMORY, "the boot area is too small");
    return program_cpu(k, err);
}
