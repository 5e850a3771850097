/* Multiboot images (Multiboot Specification 0.6.96): reading them, and putting them into memory with
 * the information that they find through EBX. Every file is treated as hostile. */
#ifndef RF_ABI_MULTIBOOT_H
#define RF_ABI_MULTIBOOT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_MULTIBOOT_EAX 0x2badb002u /* what an image finds in EAX */

enum { RF_MULTIBOOT_MAX_SEGMENTS = 64, RF_MULTIBOOT_MAX_MODULES = 64 };

struct rf_multiboot_segment {
    uint64_t address; /* physical */
    uint64_t offset, filesz, memsz; /* the rest is zero */
};

struct rf_multiboot_image {
    uint32_t entry; /* physical; in a segment */
    unsigned segment_count; /* at least 1; ascending, none overlaps another */
    struct rf_multiboot_segment segments[RF_MULTIBOOT_MAX_SEGMENTS];
};

/* Reads a file: an ELF file for i386, or for x86-64 (which then begins in 32-bit mode like the other),
 * loaded at its physical addresses, or any file whose header gives load addresses (flag 16, "a.out
 * kludge"). All ranges are checked against the file and `memory` bytes of RAM at 0. On failure
 * RF_ERR_FORMAT or RF_ERR_UNSUPPORTED with a line in err; *image is then undefined. */
rf_status rf_multiboot_parse(const void *bytes, size_t size, uint64_t memory, struct rf_multiboot_image *image,
                             struct rf_error *err);

struct rf_multiboot_module {
    const void *bytes;
    size_t size;
    const char *string; /* its name and arguments */
};

struct rf_multiboot_boot {
    const char *command_line;
    const struct rf_multiboot_module *modules;
    unsigned module_count; /* at most RF_MULTIBOOT_MAX_MODULES */
};

/* Copies the image, which was parsed for this memory, and places the information: the structure and
 * the memory map at 9000H if the image leaves that page free, all else from the first page after
 * the image on. Returns RF_OK with the address for EBX, or RF_ERR_ARGUMENT if it does not fit; then
 * nothing was written. */
rf_status rf_multiboot_load(const struct rf_multiboot_image *image, const void *bytes,
                            const struct rf_multiboot_boot *boot, uint8_t *ram, uint64_t memory, uint32_t *info,
                            struct rf_error *err);

#endif
