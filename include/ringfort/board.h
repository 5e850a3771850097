/* A board: one CPU, its memory and the devices of a simple PC, without the emulated kernel. It runs
 * images that bring their own: multiboot images such as those made for `qemu -kernel`.
 *
 * Use: create, load an image, run, look why it stopped, destroy. A board is driven by one host
 * thread at a time; different boards share nothing.
 *
 * What is there: RAM from address 0; a local APIC (xAPIC at FEE00000H, x2APIC MSRs) and an I/O APIC
 * (FEC00000H), two 8259A PICs, a serial port at 3F8H (output), qemu's fw_cfg at 510H, its debug
 * exit at F4H and its test device (E0H-EBH, 2000H-2017H, 64 KiB at FF000000H), the shutdown port
 * 8900H; and what rf_board_add_ports and rf_board_add_memory connect. One CPU, without performance
 * counters. Time is modelled cycles: the APIC timer counts them. */
#ifndef RINGFORT_BOARD_H
#define RINGFORT_BOARD_H

#include <ringfort/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rf_board rf_board;

typedef struct rf_board_config {
    uint64_t memory;     /* bytes of RAM, 2 MiB to 3 GiB, rounded up to pages; 0 = 128 MiB. Only
                            touched pages use host memory. */
    uint64_t max_cycles; /* stop after this many modelled cycles; 0 = no limit */
    const char *cpu;     /* "x86-64-v1", "x86-64-v2", "x86-64-v3", "max"; NULL = x86-64-v3 */
    const char *vendor;  /* "intel" or "amd": CPUID's vendor, and whose rules hold where the manuals
                            differ; NULL = intel */
    /* Called with each byte that is sent on the serial port; NULL: they vanish. Like every function
     * that a board calls, it runs in the middle of an instruction: it may call rf_board_stop and
     * rf_board_set_line, no other function of this board, and must not use x87 registers (long
     * double). */
    void (*serial)(void *user, unsigned char byte);
    void *serial_user;
} rf_board_config;

/* Why rf_board_run returned. */
typedef enum rf_board_stop_reason {
    RF_BOARD_EXITED,       /* a value was written to port F4H: rf_board_exit_code */
    RF_BOARD_SHUT_DOWN,    /* "Shutdown" was written to port 8900H */
    RF_BOARD_TRIPLE_FAULT, /* rf_board_error_text tells the last fault */
    RF_BOARD_RESET,        /* the CPU sent INIT to itself: there is no firmware to start again */
    RF_BOARD_HALTED,       /* HLT, and no interrupt can come */
    RF_BOARD_LIMIT,        /* max_cycles was reached */
    RF_BOARD_STOPPED,      /* rf_board_stop was called; running again goes on */
} rf_board_stop_reason;

/* config NULL = all defaults. On success *out owns the board: release it with rf_board_destroy. On
 * failure *out is NULL; rf_create_error_text() says why.
 * Errors: RF_ERR_ARGUMENT (a value out of range), RF_ERR_NO_MEMORY, RF_ERR_IO. */
rf_status rf_board_create(const rf_board_config *config, rf_board **out);
/* Release everything. NULL is allowed. */
void rf_board_destroy(rf_board *board);

/* The line left by the last call on this board that failed, or by a triple fault; "" if there is none.
 * Owned by the board, valid until the next call. */
const char *rf_board_error_text(const rf_board *board);

/* A file that the image finds in memory. */
typedef struct rf_board_module {
    const void *bytes; /* copied */
    size_t size;
    const char *string; /* what the image finds as its command line; NULL = "" */
} rf_board_module;

/* Load a multiboot image (Multiboot Specification 0.6.96) of `size` bytes: an ELF file for i386, or
 * for x86-64, or one whose header gives load addresses. The CPU then is where such an image begins:
 * 32-bit protected mode without paging, CR0 = 11H, flat segments, EAX = 2BADB002H, EBX = the address
 * of the multiboot information (memory sizes and map, command line, modules).
 * command_line: NULL = "". modules: module_count (at most 64) of them, in order.
 * Once per board. Errors: RF_ERR_FORMAT (damaged, no multiboot image, or outside the memory),
 * RF_ERR_UNSUPPORTED, RF_ERR_ARGUMENT (it all does not fit into the memory), RF_ERR_STATE. */
rf_status rf_board_load_multiboot(rf_board *board, const void *image, size_t size, const char *command_line,
                                  const rf_board_module *modules, size_t module_count);

/* Run until something stops the CPU. Errors: RF_ERR_STATE (nothing is loaded, or it has ended). */
rf_status rf_board_run(rf_board *board, rf_board_stop_reason *reason);
/* Make a running board stop soon: within about a million cycles, or after the present instruction when
 * called by one of the board's functions. May be called from another thread or a signal handler. */
void rf_board_stop(rf_board *board);
/* The value written to port F4H; 0 before. qemu ends with the status value * 2 + 1. */
uint32_t rf_board_exit_code(const rf_board *board);

/* Modelled cycles and retired instructions so far. */
uint64_t rf_board_cycles(const rf_board *board);
uint64_t rf_board_instructions(const rf_board *board);

/* --- devices of one's own --- */

/* I/O ports [first, first + count). Accesses have 1, 2 or 4 bytes; those wider than `width` (1, 2 or
 * 4) or that leave the range are made byte by byte. port is the absolute number. read NULL: all ones;
 * write NULL: ignored. They come before the board's own devices and earlier ones.
 * Errors: RF_ERR_ARGUMENT (an empty range, or one beyond port FFFFH, or no more than 32 fit). */
typedef struct rf_board_ports {
    uint16_t first;
    uint32_t count;
    unsigned width; /* 0 = 4 */
    uint32_t (*read)(void *user, uint16_t port, unsigned size);
    void (*write)(void *user, uint16_t port, uint32_t value, unsigned size);
    void *user;
} rf_board_ports;
rf_status rf_board_add_ports(rf_board *board, const rf_board_ports *ports);

/* Registers in memory, [first, first + size) outside RAM. An access has the bytes that one instruction
 * moves (of a string instruction: one element), cut at pages.
 * Errors: RF_ERR_ARGUMENT (an empty range, one in RAM, or no more than 32 fit). */
typedef struct rf_board_memory {
    uint64_t first, size;
    void (*read)(void *user, uint64_t address, void *out, size_t size);
    void (*write)(void *user, uint64_t address, const void *data, size_t size);
    void *user;
} rf_board_memory;
rf_status rf_board_add_memory(rf_board *board, const rf_board_memory *memory);

/* The level of interrupt line 0 to 23: of the I/O APIC (line 0 is its pin 2) and, up to 15, of the
 * PICs. Errors: RF_ERR_ARGUMENT. */
rf_status rf_board_set_line(rf_board *board, unsigned line, bool level);

#ifdef __cplusplus
}
#endif
#endif
