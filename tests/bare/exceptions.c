/* Exceptions through the image's own IDT. */
#include "image.h"

static volatile struct frame last;
static volatile uint64_t skip, cr2;

static void note(struct frame *frame)
{
    last = *frame;
    __asm__ volatile("mov %%cr2, %0" : "=r"(*(uint64_t *)&cr2));
    frame->rip += skip;
}

#define RAISES(name, vector_, error, length, code, ...)                                   \
    do {                                                                                  \
        last.vector = 255;                                                                \
        skip = (length);                                                                  \
        __asm__ volatile(code : : __VA_ARGS__ : "memory", "rax", "rcx", "rdx");          \
        check(name, last.vector == (vector_) && last.error_code == (error));             \
    } while (0)

int main(void)
{
    for (unsigned i = 0; i < 32; i++)
        on(i, note);
    RAISES("#UD of UD2", 6, 0, 2, "ud2", "r"(0));
    RAISES("#BP of INT3", 3, 0, 0, "int3", "r"(0));
    RAISES("#DE", 0, 0, 2, "xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx", "r"(0));
    RAISES("#GP of a segment beyond the GDT", 13, 0x100, 2, "mov %0, %%eax; mov %%eax, %%ds", "r"(0x103));
    RAISES("#GP of a non-canonical address", 13, 0, 3, "mov (%0), %%rax", "r"(UINT64_C(1) << 60));
    RAISES("#PF of a read", 14, 0, 3, "mov (%0), %%rax", "r"(UINT64_C(0x140000000)));
    check("CR2", cr2 == UINT64_C(0x140000000));
    RAISES("#PF of a write", 14, 2, 3, "mov %%rax, (%0)", "r"(UINT64_C(0x140000008)));
    check("CR2 again", cr2 == UINT64_C(0x140000008));
    RAISES("INT n through a gate", 9, 0, 0, "int $9", "r"(0));
    check("exceptions do not change the flags' IF", !(last.rflags & 0x200));
    return failures();
}
