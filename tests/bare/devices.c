/* The test device, the I/O APIC, the PIC, string input and output. */
#include "image.h"

#define MEMORY 0xff000000u

static void redirect(unsigned pin, uint32_t low)
{
    ioapic_write((uint8_t)(0x10 + 2 * pin), low);
    ioapic_write((uint8_t)(0x11 + 2 * pin), 0);
}

static void echo(void)
{
    out32(0xe0, 0x12345678);
    check("echo", in32(0xe0) == 0x12345678);
    check("a byte of it", in8(0xe1) == 0x56);
    out16(0xe2, 0xabcd);
    check("a word of it", in32(0xe0) == 0xabcd5678);
    out32(0xe8, 0xcafebabe);
    check("echo by the byte", in32(0xe8) == 0xcafebabe);
    out32(0xe4, 0x1000);
    static const char text[] = "TEST";
    const char *from = text;
    uint64_t n = 4;
    __asm__ volatile("cld; rep outsb" : "+S"(from), "+c"(n) : "d"(0xe0) : "memory");
    check("REP OUTSB", n == 0 && from == text + 4 && in8(0xe0) == 'T');
    uint16_t words[3] = { 0 };
    uint16_t *to = words;
    n = 3;
    out16(0xe0, 0x1234);
    __asm__ volatile("rep insw" : "+D"(to), "+c"(n) : "d"(0xe0) : "memory");
    check("REP INSW", words[0] == 0x1234 && words[2] == 0x1234 && to == words + 3);
}

static void memory(void)
{
    volatile uint32_t *m = (volatile uint32_t *)(uintptr_t)MEMORY;
    m[0] = 0x11223344;
    check("a doubleword", m[0] == 0x11223344);
    check("a byte", ((volatile uint8_t *)m)[1] == 0x33);
    *(volatile uint64_t *)(m + 2) = UINT64_C(0x1122334455667788);
    check("a quadword", m[3] == 0x11223344);
    __asm__ volatile("lock; addl %1, %0" : "+m"(m[0]) : "r"(1));
    check("read-modify-write", m[0] == 0x11223345);
    uint32_t old = 7;
    __asm__ volatile("xchgl %0, %1" : "+r"(old), "+m"(m[0]));
    check("exchange", old == 0x11223345 && m[0] == 7);
    uint32_t bits = 5;
    __asm__ volatile("btsl %1, %0" : "+m"(m[0]) : "r"(bits) : "cc");
    check("bit set", m[0] == 0x27);
    *(volatile uint32_t *)(MEMORY + 0xffe) = 0xa1b2c3d4;
    check("across a page", *(volatile uint32_t *)(MEMORY + 0xffe) == 0xa1b2c3d4);
    __asm__ volatile("movups (%0), %%xmm0; movups %%xmm0, 64(%0)" : : "r"(MEMORY) : "memory");
    check("16 bytes", m[16] == 0x27 && m[19] == 0x11223344);
    uint8_t *to = (uint8_t *)(uintptr_t)(MEMORY + 0x2000);
    uint64_t n = 100;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0x5a) : "memory");
    check("REP STOSB", *(volatile uint8_t *)(MEMORY + 0x2063) == 0x5a && *(volatile uint8_t *)(MEMORY + 0x2064) == 0);
}

static void io_apic(void)
{
    check("version", (ioapic_read(1) & 0xff00ff) == (0x170000 | (ioapic_read(1) & 0xff)));
    on(0x77, count_and_end);
    redirect(14, 0x77);
    sti();
    set_line(14, true);
    set_line(14, false);
    settle();
    check("an edge", counted[0x77] == 1);
    set_line(14, true);
    set_line(14, true);
    set_line(14, false);
    settle();
    check("a level that stays is one edge", counted[0x77] == 2);
    redirect(14, 0x10077);
    set_line(14, true);
    set_line(14, false);
    redirect(14, 0x77);
    settle();
    check("an edge while masked is lost", counted[0x77] == 2);
    cli();
    on(0x66, count_and_end);
    redirect(15, 0x66);
    set_line(14, true);
    set_line(15, true);
    set_line(14, false);
    set_line(15, false);
    check("both wait", counted[0x66] == 0 && counted[0x77] == 2);
    sti();
    settle();
    check("both come", counted[0x66] == 1 && counted[0x77] == 3);
}

static volatile unsigned level_seen, level_until;

static void on_level(struct frame *frame)
{
    (void)frame;
    if (++level_seen == level_until)
        set_line(14, false);
    apic_write(APIC_EOI, 0);
}

static void io_apic_levels(void)
{
    on(0x79, on_level);
    redirect(14, 0x8079);
    level_until = 3;
    set_line(14, true);
    settle();
    check("a level interrupts until it falls", level_seen == 3);
    redirect(14, 0x18079);
    level_seen = 0;
    level_until = 1;
    set_line(14, true);
    settle();
    check("masked", level_seen == 0);
    redirect(14, 0x8079);
    settle();
    check("a level is remembered while masked", level_seen == 1);
    redirect(14, 0x10000);
    cli();
}

/* The PIC by way of LINT0, as firmware leaves it. */
static void on_pic(struct frame *frame)
{
    count(frame);
    out8(0x20, 0x20);
}

static void pic(void)
{
    check("masks", in8(0x21) == 0xff && in8(0xa1) == 0xff);
    out8(0x20, 0x11);
    out8(0x21, 0x28);
    out8(0x21, 4);
    out8(0x21, 1);
    out8(0xa0, 0x11);
    out8(0xa1, 0x30);
    out8(0xa1, 2);
    out8(0xa1, 1);
    out8(0xa1, 0xff);
    out8(0x21, 0xdf);
    check("masks can be read", in8(0x21) == 0xdf && in8(0xa1) == 0xff);
    apic_write(APIC_LVT_LINT0, 0x700);
    on(0x2d, on_pic);
    set_line(5, true);
    sti_nop_cli();
    check("a PIC's interrupt", counted[0x2d] == 1);
    sti_nop_cli();
    check("once", counted[0x2d] == 1);
    set_line(5, false);
    out8(0x21, 0xff);
    set_line(5, true);
    sti_nop_cli();
    check("masked", counted[0x2d] == 1);
    set_line(5, false);
}

int main(void)
{
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0; or $0x600, %0; mov %0, %%cr4" : "=r"(cr4));
    echo();
    memory();
    io_apic();
    io_apic_levels();
    pic();
    check("nothing at a port without a device", in8(0x9999) == 0xff && in32(0x9998) == 0xffffffff);
    return failures();
}
