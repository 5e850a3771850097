/* Placing a multiboot image and its information in memory (abi/multiboot.h). Offsets are those of the
 * specification, 3.3. */
#include "abi/multiboot.h"

#include <string.h>

#define PAGE UINT64_C(4096)
#define INFO_PAGE UINT64_C(0x9000)

#define LOW_END UINT64_C(0x9fc00)   /* conventional memory ends where PCs have the extended BIOS data */
#define HIGH_START UINT64_C(0x100000)

enum info_flag {
    INFO_MEMORY = 1, INFO_BOOT_DEVICE = 2, INFO_COMMAND_LINE = 4, INFO_MODULES = 8, INFO_MMAP = 0x40,
    INFO_LOADER_NAME = 0x200
};
#define BOOT_DEVICE_DISK 0x8000ffffu /* the first hard disk, no partition */

struct info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4], mmap_length,
        mmap_addr, drives_length, drives_addr, config_table, boot_loader_name, apm_table, vbe[4];
};
_Static_assert(sizeof(struct info) == 88, "3.3");

struct module_entry {
    uint32_t start, end, string, reserved;
};

struct __attribute__((packed)) map_entry {
    uint32_t size; /* of what follows */
    uint64_t base, length;
    uint32_t type;
};
enum { MAP_RAM = 1, MAP_RESERVED = 2 };

#define MAP_ENTRIES 4
static const char loader_name[] = "ringfort";

/* Where everything goes. */
struct plan {
    uint64_t info, map, modules, loader_name, command_line, strings, data;
    uint64_t end;
};

static uint64_t page_up(uint64_t address)
{
    return (address + PAGE - 1) & ~(PAGE - 1);
}

static bool leaves_info_page_free(const struct rf_multiboot_image *image)
{
    for (unsigned i = 0; i < image->segment_count; i++)
        if (image->segments[i].address < INFO_PAGE + PAGE &&
            image->segments[i].address + image->segments[i].memsz > INFO_PAGE)
            return false;
    return true;
}

static struct plan make_plan(const struct rf_multiboot_image *image, const struct rf_multiboot_boot *boot)
{
    const struct rf_multiboot_segment *last = &image->segments[image->segment_count - 1];
    uint64_t at = page_up(last->address + last->memsz);
    struct plan plan;
    if (at <= INFO_PAGE)
        at = INFO_PAGE + PAGE;
    plan.info = INFO_PAGE;
    if (!leaves_info_page_free(image)) {
        plan.info = at;
        at += PAGE;
    }
    plan.map = plan.info + sizeof(struct info);
    plan.modules = at;
    plan.loader_name = plan.modules + boot->module_count * sizeof(struct module_entry);
    plan.command_line = plan.loader_name + sizeof loader_name;
    plan.strings = plan.command_line + strlen(boot->command_line) + 1;
    at = plan.strings;
    for (unsigned i = 0; i < boot->module_count; i++)
        at += strlen(boot->modules[i].string) + 1;
    at = plan.data = page_up(at);
    for (unsigned i = 0; i < boot->module_count; i++)
        at = page_up(at + boot->modules[i].size);
    plan.end = at;
    return plan;
}

static void copy_segments(const struct rf_multiboot_image *image, const uint8_t *bytes, uint8_t *ram)
{
    for (unsigned i = 0; i < image->segment_count; i++) {
        const struct rf_multiboot_segment *s = &image->segments[i];
        if (s->filesz)
            memcpy(ram + s->address, bytes + s->offset, s->filesz);
        memset(ram + s->address + s->filesz, 0, s->memsz - s->filesz);
    }
}

/* Modules are aligned to pages, as an image may ask for. */
static void put_modules(const struct rf_multiboot_boot *boot, const struct plan *plan, uint8_t *ram)
{
    uint64_t string = plan->strings, data = plan->data;
    for (unsigned i = 0; i < boot->module_count; i++) {
        const struct rf_multiboot_module *m = &boot->modules[i];
        const struct module_entry entry = { (uint32_t)data, (uint32_t)(data + m->size), (uint32_t)string, 0 };
        memcpy(ram + plan->modules + i * sizeof entry, &entry, sizeof entry);
        memcpy(ram + string, m->string, strlen(m->string) + 1);
        if (m->size)
            memcpy(ram + data, m->bytes, m->size);
        string += strlen(m->string) + 1;
        data = page_up(data + m->size);
    }
}

/* As a PC's firmware tells it: the first MiB has holes. Returns the bytes written. */
static uint32_t put_map(const struct plan *plan, uint8_t *ram, uint64_t memory)
{
    const struct map_entry map[MAP_ENTRIES] = {
        { 20, 0, LOW_END, MAP_RAM },
        { 20, LOW_END, 0xa0000 - LOW_END, MAP_RESERVED },
        { 20, 0xf0000, 0x10000, MAP_RESERVED },
        { 20, HIGH_START, memory - HIGH_START, MAP_RAM },
    };
    memcpy(ram + plan->map, map, sizeof map);
    return sizeof map;
}

rf_status rf_multiboot_load(const struct rf_multiboot_image *image, const void *bytes,
                            const struct rf_multiboot_boot *boot, uint8_t *ram, uint64_t memory, uint32_t *info,
                            struct rf_error *err)
{
    const struct plan plan = make_plan(image, boot);
    if (plan.end > memory || memory < 2 * HIGH_START)
        return rf_error_set(err, RF_ERR_ARGUMENT,
                            "the image with its modules and command line needs %llu bytes of memory and has %llu",
                            (unsigned long long)(plan.end > 2 * HIGH_START ? plan.end : 2 * HIGH_START),
                            (unsigned long long)memory);
    copy_segments(image, bytes, ram);
    put_modules(boot, &plan, ram);
    memcpy(ram + plan.loader_name, loader_name, sizeof loader_name);
    memcpy(ram + plan.command_line, boot->command_line, strlen(boot->command_line) + 1);
    const struct info told = {
        .flags = INFO_MEMORY | INFO_BOOT_DEVICE | INFO_COMMAND_LINE | INFO_MODULES | INFO_MMAP | INFO_LOADER_NAME,
        .mem_lower = (uint32_t)(LOW_END >> 10),
        .mem_upper = (uint32_t)((memory - HIGH_START) >> 10),
        .boot_device = BOOT_DEVICE_DISK,
        .cmdline = (uint32_t)plan.command_line,
        .mods_count = boot->module_count,
        .mods_addr = (uint32_t)plan.modules,
        .mmap_length = put_map(&plan, ram, memory),
        .mmap_addr = (uint32_t)plan.map,
        .boot_loader_name = (uint32_t)plan.loader_name,
    };
    memcpy(ram + plan.info, &told, sizeof told);
    *info = (uint32_t)plan.info;
    return RF_OK;
}
