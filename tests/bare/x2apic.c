/* x2APIC mode and the TSC deadline, which qemu's TCG of some versions has not. */
#include "image.h"

static volatile unsigned faults;

static void on_gp(struct frame *frame)
{
    faults++;
    frame->rip += 2; /* RDMSR or WRMSR */
}

static bool write_faults(uint32_t msr, uint64_t value)
{
    unsigned before = faults;
    wrmsr(msr, value);
    return faults != before;
}

static bool read_faults(uint32_t msr)
{
    unsigned before = faults;
    rdmsr(msr);
    return faults != before;
}

static void modes(void)
{
    const uint64_t base = 0xfee00100;
    check("no x2APIC MSRs in xAPIC mode", read_faults(0x802));
    check("EXTD without EN", write_faults(0x1b, base | 0x400));
    use_x2apic();
    check("x2APIC mode", rdmsr(0x1b) == (base | 0xc00));
    check("not back to xAPIC", write_faults(0x1b, base | 0x800));
    check("the page is gone", apic_read(APIC_VERSION) == 0xffffffff);
    check("to disabled", !write_faults(0x1b, base));
    uint32_t r[4];
    cpuid(1, r);
    check("CPUID does not tell of it", !(r[3] >> 9 & 1));
    check("disabled to x2APIC", write_faults(0x1b, base | 0xc00));
    check("reserved bits", write_faults(0x1b, base | 0x801) && write_faults(0x1b, base | 0x800 | UINT64_C(1) << 60));
    check("disabled to xAPIC", !write_faults(0x1b, base | 0x800));
    check("reset", apic_read(APIC_SVR) == 0xff && apic_read(APIC_LVT_TIMER) == 0x10000);
    use_x2apic();
    wrmsr(0x80f, 0x1ff);
}

static void rules(void)
{
    check("ID is read-only", write_faults(0x802, 0) && rdmsr(0x802) == 0);
    check("LDR", rdmsr(0x80d) == 1 && write_faults(0x80d, 1));
    check("no DFR", read_faults(0x80e) && write_faults(0x80e, 0));
    check("no upper ICR", read_faults(0x831));
    check("EOI is write-only and takes zero", read_faults(0x80b) && write_faults(0x80b, 1));
    check("ESR takes zero", write_faults(0x828, 1) && !write_faults(0x828, 0));
    check("TPR has 8 bits", write_faults(0x808, 0x100));
    check("upper halves are reserved", write_faults(0x838, UINT64_C(1) << 32));
    check("IRR is read-only", write_faults(0x820, 0) && !read_faults(0x820));
    check("self IPI is write-only", read_faults(0x83f) && write_faults(0x83f, 0x100));
    check("nothing beyond", read_faults(0x840) && read_faults(0x8ff));
}

static void interrupts(void)
{
    on(0x40, count_and_end);
    sti();
    wrmsr(0x83f, 0x40);
    __asm__ volatile("nop");
    check("self IPI", counted[0x40] == 1);
    wrmsr(0x830, 0x44040);
    wrmsr(0x830, 0x4040);
    wrmsr(0x830, UINT64_C(0xffffffff00004040));
    wrmsr(0x830, UINT64_C(0x0000000100004840));
    check("by ICR: shorthand, physical, broadcast, logical", counted[0x40] == 5);
    wrmsr(0x830, UINT64_C(0x0000000100004040));
    check("to another CPU", counted[0x40] == 5);
    cli();
}

static void deadline(void)
{
    on(0xef, count_and_end);
    wrmsr(0x832, 0x400ef);
    sti();
    wrmsr(0x6e0, rdtsc());
    __asm__ volatile("nop");
    check("a deadline that has passed", counted[0xef] == 1 && rdmsr(0x6e0) == 0);
    uint64_t at = rdtsc() + 1000000;
    wrmsr(0x6e0, at);
    check("a deadline to come", rdmsr(0x6e0) == at);
    cli();
    sti_hlt_cli();
    uint64_t now = rdtsc();
    check("it wakes HLT in time", counted[0xef] == 2 && now >= at && now < at + 10000);
    wrmsr(0x6e0, rdtsc() + 1000000);
    wrmsr(0x832, 0xef);
    check("another mode disarms it", rdmsr(0x6e0) == 0);
    wrmsr(0x6e0, rdtsc());
    sti_nop_cli();
    check("and ignores the MSR", counted[0xef] == 2);
}

int main(void)
{
    uint32_t r[4];
    cpuid(1, r);
    check("CPUID", r[2] >> 21 & 1 && r[2] >> 24 & 1);
    on(13, on_gp);
    modes();
    rules();
    interrupts();
    deadline();
    return failures();
}
