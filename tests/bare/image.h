/* What the images of this folder share: output on the serial port, results, interrupts, and the devices'
 * registers. main() returns the value for port f4h. */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int main(void);

/* --- results --- */
void print(const char *text);
void print_number(uint64_t value);
/* "ok NAME" or "FAILED NAME". */
void check(const char *name, bool holds);
int failures(void); /* so far */
_Noreturn void finish(int code);

/* --- interrupts --- */
struct frame {
    uint64_t vector, error_code, rip, cs, rflags, rsp, ss;
};
typedef void handler(struct frame *frame);
void on(unsigned vector, handler *function);
/* Let INT n come from CPL 3. */
void open_gate(unsigned vector);
/* Handlers that count; the latter tells the local APIC (or x2APIC) that it has ended. */
extern volatile unsigned counted[256];
void count(struct frame *frame);
void count_and_end(struct frame *frame);
void use_x2apic(void);

/* --- instructions --- */
static inline void out8(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port)); }
static inline void out16(uint16_t port, uint16_t v) { __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port)); }
static inline void out32(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port)); }
static inline uint8_t in8(uint16_t port) { uint8_t v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline uint16_t in16(uint16_t port) { uint16_t v; __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline uint32_t in32(uint16_t port) { uint32_t v; __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port)); return v; }
static inline uint64_t rdmsr(uint32_t n)
{
    uint32_t a, d;
    __asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(n) : "memory");
    return a | (uint64_t)d << 32;
}
static inline void wrmsr(uint32_t n, uint64_t v)
{
    __asm__ volatile("wrmsr" : : "c"(n), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}
static inline void cpuid(uint32_t leaf, uint32_t r[4])
{
    __asm__ volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}
static inline uint64_t rdtsc(void)
{
    uint32_t a, d;
    __asm__ volatile("rdtsc" : "=a"(a), "=d"(d) : : "memory");
    return a | (uint64_t)d << 32;
}
static inline void sti(void) { __asm__ volatile("sti" : : : "memory"); }
static inline void cli(void) { __asm__ volatile("cli" : : : "memory"); }
static inline void sti_nop_cli(void) { __asm__ volatile("sti; nop; cli" : : : "memory"); }
static inline void sti_hlt_cli(void) { __asm__ volatile("sti; hlt; cli" : : : "memory"); }
/* Time for an interrupt that is on its way: qemu's TCG takes one at the end of a block of code. */
static inline void settle(void)
{
    for (volatile int i = 0; i < 4; i++)
        __asm__ volatile("pause" : : : "memory");
}
static inline uint64_t read_cr8(void) { uint64_t v; __asm__ volatile("mov %%cr8, %0" : "=r"(v)); return v; }
static inline void write_cr8(uint64_t v) { __asm__ volatile("mov %0, %%cr8" : : "r"(v) : "memory"); }

/* --- devices --- */
#define APIC_BASE 0xfee00000u
#define IOAPIC_BASE 0xfec00000u
enum {
    APIC_ID = 0x20, APIC_VERSION = 0x30, APIC_TPR = 0x80, APIC_PPR = 0xa0, APIC_EOI = 0xb0, APIC_LDR = 0xd0,
    APIC_DFR = 0xe0, APIC_SVR = 0xf0, APIC_ISR = 0x100, APIC_TMR = 0x180, APIC_IRR = 0x200, APIC_ESR = 0x280,
    APIC_ICR = 0x300, APIC_ICR_HIGH = 0x310, APIC_LVT_TIMER = 0x320, APIC_LVT_LINT0 = 0x350,
    APIC_LVT_ERROR = 0x370, APIC_INITIAL = 0x380, APIC_CURRENT = 0x390, APIC_DIVIDE = 0x3e0,
};
static inline uint32_t apic_read(unsigned offset) { return *(volatile uint32_t *)(uintptr_t)(APIC_BASE + offset); }
static inline void apic_write(unsigned offset, uint32_t v) { *(volatile uint32_t *)(uintptr_t)(APIC_BASE + offset) = v; }
static inline uint32_t ioapic_read(uint8_t n)
{
    *(volatile uint32_t *)(uintptr_t)IOAPIC_BASE = n;
    return *(volatile uint32_t *)(uintptr_t)(IOAPIC_BASE + 0x10);
}
static inline void ioapic_write(uint8_t n, uint32_t v)
{
    *(volatile uint32_t *)(uintptr_t)IOAPIC_BASE = n;
    *(volatile uint32_t *)(uintptr_t)(IOAPIC_BASE + 0x10) = v;
}
static inline void set_line(unsigned line, bool level) { out8((uint16_t)(0x2000 + line), level); }
uint64_t fw_cfg(uint16_t key, unsigned bytes);

/* --- page tables --- */
extern uint64_t pml4[512];

/* --- multiboot --- */
extern uint32_t boot_magic, boot_info, boot_cr0;
static inline uint32_t boot_word(unsigned offset) { return *(const uint32_t *)(uintptr_t)(boot_info + offset); }

#endif
