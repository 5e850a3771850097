/* Ways to end, by the word after the image's name. */
#include "image.h"

int main(void)
{
    const char *word = (const char *)(uintptr_t)boot_word(16);
    while (*word && *word != ' ')
        word++;
    switch (word[0] ? word[1] : 0) {
    case 's':
        for (const char *c = "ShutShutdown"; *c; c++)
            out8(0x8900, (uint8_t)*c);
        break;
    case 't': {
        const struct __attribute__((packed)) { uint16_t limit; uint64_t base; } none = { 0, 0 };
        __asm__ volatile("lidt %0; ud2" : : "m"(none));
        break;
    }
    case 'h': __asm__ volatile("cli; hlt"); break;
    case 'w': __asm__ volatile("sti; hlt"); break;
    case 'l': for (;;);
    case 'r': apic_write(APIC_ICR_HIGH, 0); apic_write(APIC_ICR, 0x4500); break;
    case 'm': out8(0xf4, 0x81); break;
    default: break;
    }
    return 0x20;
}
