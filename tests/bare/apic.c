/* The local APIC by its page: registers, self-IPIs, NMI, priorities, the timer. */
#include "image.h"

static volatile unsigned nmis;

static void on_nmi(struct frame *frame)
{
    (void)frame;
    nmis++;
}

/* NMIs that come during the handler are one, after its IRET. */
static void on_nmi_again(struct frame *frame)
{
    (void)frame;
    if (++nmis == 1)
        for (int i = 0; i < 10; i++)
            apic_write(APIC_ICR, 0x4400);
}

static volatile unsigned order[8], taken;

static void note_order(struct frame *frame)
{
    order[taken++ & 7] = (unsigned)frame->vector;
    apic_write(APIC_EOI, 0);
}

static void self_ipi(uint8_t vector)
{
    apic_write(APIC_ICR_HIGH, 0);
    apic_write(APIC_ICR, 0x44000u | vector);
}

static void registers(void)
{
    uint32_t version = apic_read(APIC_VERSION);
    check("version", (version & 0xff) >= 0x10 && (version & 0xff) <= 0x15);
    check("ID", apic_read(APIC_ID) == 0);
    check("SVR", apic_read(APIC_SVR) == 0x1ff);
    check("MSR 1B", (rdmsr(0x1b) & 0xfffffffffffff900) == 0xfee00900);
    uint32_t r[4];
    cpuid(1, r);
    check("CPUID tells of it", r[3] >> 9 & 1);
    apic_write(APIC_TPR, 0x35);
    check("TPR and CR8 are one", read_cr8() == 3);
    write_cr8(7);
    check("CR8 clears the sub-class", apic_read(APIC_TPR) == 0x70);
    check("PPR", apic_read(APIC_PPR) == 0x70);
    write_cr8(0);
    check("DFR", apic_read(APIC_DFR) == 0xffffffff);
    apic_write(APIC_LDR, 0x01000000);
    check("LDR", apic_read(APIC_LDR) == 0x01000000);
}

static void ipis(void)
{
    on(0x40, count_and_end);
    self_ipi(0x40);
    check("IRR while interrupts are off", apic_read(APIC_IRR + 0x20) == 1);
    sti_nop_cli();
    check("a self-IPI is taken after STI and one instruction", counted[0x40] == 1);
    sti();
    self_ipi(0x40);
    settle();
    check("a self-IPI is taken at once", counted[0x40] == 2);
    apic_write(APIC_ICR_HIGH, 0);
    apic_write(APIC_ICR, 0x4040);
    settle();
    check("by physical ID", counted[0x40] == 3);
    apic_write(APIC_ICR_HIGH, 0x01000000);
    apic_write(APIC_ICR, 0x4840);
    settle();
    check("by logical ID", counted[0x40] == 4);
    apic_write(APIC_ICR, 0x84040);
    settle();
    check("to all", counted[0x40] == 5);
    apic_write(APIC_ICR, 0xc4040);
    settle();
    check("to all others", counted[0x40] == 5);
    apic_write(APIC_ICR, 0xc4500); /* INIT and start-up to the other CPUs, which are not there */
    apic_write(APIC_ICR, 0xc4600);
    check("the ICR is idle", !(apic_read(APIC_ICR) & 0x1000));
    cli();
}

static void priorities(void)
{
    on(0x51, note_order);
    on(0x62, note_order);
    on(0x73, note_order);
    self_ipi(0x51);
    self_ipi(0x73);
    self_ipi(0x62);
    write_cr8(6);
    sti_nop_cli();
    check("TPR holds back its class and lower", taken == 1 && order[0] == 0x73);
    write_cr8(0);
    sti();
    settle();
    cli();
    check("the higher vector first", taken == 3 && order[1] == 0x62 && order[2] == 0x51);
    on(0x62, count); /* without EOI */
    on(0x51, count_and_end);
    self_ipi(0x62);
    sti_nop_cli();
    check("in service", apic_read(APIC_ISR + 0x30) == 4 && apic_read(APIC_PPR) == 0x60);
    self_ipi(0x51);
    sti_nop_cli();
    check("a lower one waits for EOI", counted[0x51] == 0);
    apic_write(APIC_EOI, 0);
    sti_nop_cli();
    check("and comes after it", counted[0x51] == 1);
}

static void nmi(void)
{
    on(2, on_nmi);
    apic_write(APIC_ICR_HIGH, 0);
    apic_write(APIC_ICR, 0x4400);
    settle();
    check("NMI with interrupts off", nmis == 1);
    on(2, on_nmi_again);
    nmis = 0;
    apic_write(APIC_ICR, 0x4400);
    while (nmis < 2)
        __asm__ volatile("pause");
    for (int i = 0; i < 1000; i++)
        __asm__ volatile("pause");
    check("ten NMIs in the handler are one", nmis == 2);
}

static void timer(void)
{
    on(0x80, count_and_end);
    apic_write(APIC_DIVIDE, 0xb);
    apic_write(APIC_LVT_TIMER, 0x80);
    apic_write(APIC_INITIAL, 0x10000);
    sti_hlt_cli();
    check("one-shot timer wakes HLT", counted[0x80] == 1);
    check("and stops", apic_read(APIC_CURRENT) == 0);
    apic_write(APIC_LVT_TIMER, 0x10080);
    apic_write(APIC_INITIAL, 0x100000);
    uint32_t first = apic_read(APIC_CURRENT);
    for (int i = 0; i < 100; i++)
        __asm__ volatile("pause");
    uint32_t second = apic_read(APIC_CURRENT);
    check("it counts down", second < first && first <= 0x100000 && second);
    apic_write(APIC_INITIAL, 0);
    check("zero stops it", apic_read(APIC_CURRENT) == 0);
    apic_write(APIC_LVT_TIMER, 0x20080);
    apic_write(APIC_INITIAL, 0x40000);
    for (int i = 0; i < 3; i++)
        sti_hlt_cli();
    check("periodic timer", counted[0x80] == 4);
    apic_write(APIC_INITIAL, 0);
    apic_write(APIC_LVT_TIMER, 0x10000);
}

int main(void)
{
    registers();
    ipis();
    priorities();
    nmi();
    timer();
    return failures();
}
