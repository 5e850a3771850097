/* The smallest program: an ELF file of one segment around given machine code. */
#ifndef TINY_ELF_H
#define TINY_ELF_H

#include <stddef.h>
#include <stdint.h>

#define TINY_ELF_CODE 0x78u                  /* file offset of the code */
#define TINY_ELF_BASE UINT64_C(0x400000)
#define TINY_ELF_ENTRY (TINY_ELF_BASE + TINY_ELF_CODE)
#define TINY_ELF_ROOM 4096

/* Returns the file's size; out has TINY_ELF_ROOM bytes. */
size_t tiny_elf(uint8_t out[TINY_ELF_ROOM], const void *code, size_t size);

#endif
