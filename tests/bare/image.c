/* tests/bare/image.h */
#include "image.h"

#define SERIAL 0x3f8

static int failed;

static void send(char c)
{
    while (!(in8(SERIAL + 5) & 0x20))
        ;
    out8(SERIAL, (uint8_t)c);
}

void print(const char *text)
{
    for (; *text; text++)
        send(*text);
}

void print_number(uint64_t value)
{
    print("0x");
    for (int shift = 60; shift >= 0; shift -= 4)
        if (value >> shift || !shift)
            send("0123456789abcdef"[value >> shift & 15]);
}

void check(const char *name, bool holds)
{
    print(holds ? "ok " : "FAILED ");
    print(name);
    print("\n");
    failed += !holds;
}

int failures(void)
{
    return failed;
}

_Noreturn void finish(int code)
{
    out32(0xf4, (uint32_t)code);
    for (;;)
        __asm__ volatile("hlt");
}

/* --- interrupts --- */

extern const uint8_t entries[];
static struct { uint64_t low, high; } idt[256];
static handler *handlers[256];
volatile unsigned counted[256];
static bool x2apic;

void on(unsigned vector, handler *function)
{
    handlers[vector] = function;
}

void open_gate(unsigned vector)
{
    idt[vector].low |= UINT64_C(3) << 45;
}

void interrupt(struct frame *frame);
void interrupt(struct frame *frame)
{
    if (handlers[frame->vector]) {
        handlers[frame->vector](frame);
        return;
    }
    print("unexpected vector ");
    print_number(frame->vector);
    print(" error code ");
    print_number(frame->error_code);
    print(" rip ");
    print_number(frame->rip);
    print("\n");
    finish(0x3f);
}

void count(struct frame *frame)
{
    counted[frame->vector]++;
}

void use_x2apic(void)
{
    wrmsr(0x1b, rdmsr(0x1b) | 0xc00);
    x2apic = true;
}

void count_and_end(struct frame *frame)
{
    count(frame);
    if (x2apic)
        wrmsr(0x80b, 0);
    else
        apic_write(APIC_EOI, 0);
}

/* Called before main. */
void prepare(void);
void prepare(void)
{
    for (unsigned i = 0; i < 256; i++) {
        /* 16 bytes an entry: push, push, jmp */
        uint64_t at = (uint64_t)(uintptr_t)entries + 16 * i;
        idt[i].low = (at & 0xffff) | 8u << 16 | UINT64_C(0x8e) << 40 | (at >> 16 & 0xffff) << 48;
        idt[i].high = at >> 32;
    }
    const struct __attribute__((packed)) { uint16_t limit; uint64_t base; } pointer = { sizeof idt - 1, (uint64_t)(uintptr_t)idt };
    __asm__ volatile("lidt %0" : : "m"(pointer));
    out8(0x21, 0xff);
    out8(0xa1, 0xff);
    apic_write(APIC_SVR, 0x1ff);
}

uint64_t fw_cfg(uint16_t key, unsigned bytes)
{
    uint64_t value = 0;
    out16(0x510, key);
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)in8(0x511) << 8 * i;
    return value;
}
