/* What an image is given: its registers, the multiboot information, fw_cfg. */
#include "image.h"

struct __attribute__((packed)) map_entry {
    uint32_t size;
    uint64_t base, length;
    uint32_t type;
};

/* The RAM at 1 MiB in the memory map, and that the entries lie in order. */
static uint64_t ram_in_map(void)
{
    uint64_t at = boot_word(48), end = at + boot_word(44), length = 0;
    while (at < end) {
        const struct map_entry *e = (const struct map_entry *)at;
        if (e->type == 1 && e->base == 0x100000)
            length = e->length;
        at += e->size + 4;
    }
    return length;
}

static void print_words_after_the_first(const char *line)
{
    while (*line && *line != ' ')
        line++;
    print("arguments:");
    print(*line ? line : " ");
    print("\n");
}

static void print_module(void)
{
    const uint32_t *module = (const uint32_t *)(uintptr_t)boot_word(24);
    print("module:\n");
    for (uint32_t at = module[0]; at < module[1]; at++) {
        char text[2] = { *(const char *)(uintptr_t)at, 0 };
        print(text);
    }
    check("the module begins at a page", !(module[0] & 0xfff));
}

int main(void)
{
    print("hello\n");
    check("EAX", boot_magic == 0x2badb002);
    check("CR0", boot_cr0 == 0x11);
    check("flags of the information", (boot_word(0) & 0x4d) == 0x4d);
    check("lower memory", boot_word(4) >= 600 && boot_word(4) <= 640);
    uint64_t memory = fw_cfg(3, 8);
    print("memory: ");
    print_number(memory);
    print("\n");
    check("upper memory", boot_word(8) <= (memory >> 10) - 1024 && boot_word(8) > (memory >> 10) - 2048);
    uint64_t mapped = ram_in_map();
    check("memory map", mapped <= memory - 0x100000 && mapped > memory - 0x200000);
    check("fw_cfg: one CPU", fw_cfg(5, 2) == 1);
    check("fw_cfg: signature", fw_cfg(0, 4) == 0x554d4551);
    check("fw_cfg: a key again from its start", fw_cfg(5, 2) == 1);
    print_words_after_the_first((const char *)(uintptr_t)boot_word(16));
    print("modules: ");
    print_number(boot_word(20));
    print("\n");
    if (boot_word(20))
        print_module();
    return failures() ? 1 : 5;
}
