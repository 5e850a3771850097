/* The public board: a CPU with memory and devices, and no kernel. */
#include "abi/multiboot.h"
#include "board/devices.h"
#include "cpu/bus.h"
#include "machine/create_error.h"
#include "machine/hardware.h"

#include <ringfort/board.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MEMORY (UINT64_C(128) << 20)
#define LEAST_MEMORY (UINT64_C(2) << 20)
#define MOST_MEMORY (UINT64_C(3) << 30) /* devices lie above */
#define MOST_RANGES 32

struct rf_board {
    struct rf_cpu cpu;
    struct rf_ram ram;
    struct rf_devices devices;
    struct rf_error error;
    rf_board_config config;
    bool loaded, ended;
    rf_board_ports ports[MOST_RANGES];
    rf_board_memory memory[MOST_RANGES];
    unsigned port_count, memory_count;
};

/* --- life --- */

static rf_status check_config(const rf_board_config *c, struct rf_error *err)
{
    if (c->memory && (c->memory < LEAST_MEMORY || c->memory > MOST_MEMORY))
        return rf_error_set(err, RF_ERR_ARGUMENT, "memory of %llu bytes is outside 2 MiB to 3 GiB",
                            (unsigned long long)c->memory);
    return rf_cpu_choice_check(&(struct rf_cpu_choice){ c->cpu, c->vendor }, err);
}

static void send_serial(void *user, uint8_t byte)
{
    const rf_board *b = user;
    b->config.serial(b->config.serial_user, byte);
}

static rf_status build(rf_board *b, struct rf_error *err)
{
    uint64_t memory = b->config.memory ? b->config.memory : DEFAULT_MEMORY;
    rf_status status = rf_hardware_create(&b->cpu, &b->ram, memory,
                                          &(struct rf_cpu_choice){ b->config.cpu, b->config.vendor }, err);
    if (status)
        return status;
    if (b->config.max_cycles)
        b->cpu.stop_cycles = b->config.max_cycles;
    if (b->config.serial)
        b->devices.serial.send = send_serial;
    b->devices.serial.send_user = b;
    rf_devices_connect(&b->devices, &b->cpu, b->ram.size);
    return RF_OK;
}

rf_status rf_board_create(const rf_board_config *config, rf_board **out)
{
    static const rf_board_config defaults;
    struct rf_error err = { 0 };
    rf_set_create_error("");
    if (!out)
        return RF_ERR_ARGUMENT;
    *out = NULL;
    if (!config)
        config = &defaults;
    rf_status status = check_config(config, &err);
    rf_board *b = NULL;
    if (!status && !(b = rf_machine_allocate(sizeof *b, &err)))
        status = RF_ERR_NO_MEMORY;
    if (!status) {
        b->config = *config;
        status = build(b, &err);
    }
    if (status) {
        free(b);
        rf_set_create_error(err.text);
        return status;
    }
    *out = b;
    return RF_OK;
}

void rf_board_destroy(rf_board *board)
{
    if (!board)
        return;
    rf_hardware_destroy(&board->cpu, &board->ram);
    free(board);
}

const char *rf_board_error_text(const rf_board *board)
{
    return board ? board->error.text : "";
}

/* --- images --- */

#define VECTOR_TABLE_LIMIT 0x3ff /* 256 vectors of 4 bytes (SDM 3A, 20.1.4) */

/* Multiboot Specification, 3.2. ESP, GDTR and IDTR are the image's to set. Until then IDTR is what the
 * firmware of a PC leaves: the vector table at 0, for images that go back to real-address mode. */
static void enter_image(struct rf_cpu *cpu, uint32_t entry, uint32_t info)
{
    enum { CODE = 0x10, DATA = 0x18 };
    for (unsigned i = 0; i < RF_SEG_COUNT; i++)
        cpu->seg[i] = (struct rf_segment){ DATA, RF_SEG_P | RF_SEG_S | 3 | RF_SEG_DB | RF_SEG_G, UINT32_MAX, 0 };
    cpu->seg[RF_CS].selector = CODE;
    cpu->seg[RF_CS].attributes |= 0xb;
    cpu->gdtr = (struct rf_table_register){ 0 };
    cpu->idtr = (struct rf_table_register){ .limit = VECTOR_TABLE_LIMIT };
    rf_mmu_set_cr0(&cpu->mmu, RF_CR0_PE | RF_CR0_ET);
    cpu->r[RF_RAX] = RF_MULTIBOOT_EAX;
    cpu->r[RF_RBX] = info;
    cpu->r[RF_REG_IP] = entry;
    rf_cpu_mode_changed(cpu);
}

rf_status rf_board_load_multiboot(rf_board *board, const void *image, size_t size, const char *command_line,
                                  const rf_board_module *modules, size_t module_count)
{
    struct rf_multiboot_image parsed;
    struct rf_multiboot_module copies[RF_MULTIBOOT_MAX_MODULES];
    uint32_t info;
    if (!board || (!image && size) || (!modules && module_count))
        return RF_ERR_ARGUMENT;
    board->error.text[0] = '\0';
    if (board->loaded)
        return rf_error_set(&board->error, RF_ERR_STATE, "an image has already been loaded");
    if (module_count > RF_MULTIBOOT_MAX_MODULES)
        return rf_error_set(&board->error, RF_ERR_ARGUMENT, "%zu modules are more than %d", module_count,
                            RF_MULTIBOOT_MAX_MODULES);
    for (size_t i = 0; i < module_count; i++)
        copies[i] = (struct rf_multiboot_module){ modules[i].bytes, modules[i].size,
                                                  modules[i].string ? modules[i].string : "" };
    rf_status status = rf_multiboot_parse(image, size, board->ram.size, &parsed, &board->error);
    const struct rf_multiboot_boot boot = { command_line ? command_line : "", copies, (unsigned)module_count };
    if (!status)
        status = rf_multiboot_load(&parsed, image, &boot, board->ram.base, board->ram.size, &info, &board->error);
    if (status)
        return status;
    enter_image(&board->cpu, parsed.entry, info);
    board->loaded = true;
    return RF_OK;
}

/* --- running --- */

static rf_board_stop_reason reason_of(rf_board *b, enum rf_stop stop)
{
    switch (stop) {
    case RF_STOP_DEVICE: return b->devices.power.exited ? RF_BOARD_EXITED : RF_BOARD_SHUT_DOWN;
    case RF_STOP_TRIPLE_FAULT:
        rf_error_set(&b->error, RF_ERR_STATE, "%.400s", b->cpu.stop_text);
        return RF_BOARD_TRIPLE_FAULT;
    case RF_STOP_RESET: return RF_BOARD_RESET;
    case RF_STOP_HALT: return RF_BOARD_HALTED;
    case RF_STOP_LIMIT: return RF_BOARD_LIMIT;
    default: return RF_BOARD_STOPPED;
    }
}

rf_status rf_board_run(rf_board *board, rf_board_stop_reason *reason)
{
    if (!board || !reason)
        return RF_ERR_ARGUMENT;
    board->error.text[0] = '\0';
    if (!board->loaded || board->ended)
        return rf_error_set(&board->error, RF_ERR_STATE, "there is no image to run");
    *reason = reason_of(board, rf_cpu_run(&board->cpu));
    board->ended = *reason != RF_BOARD_STOPPED;
    return RF_OK;
}

void rf_board_stop(rf_board *board)
{
    rf_cpu_request_stop(&board->cpu);
}

uint32_t rf_board_exit_code(const rf_board *board)
{
    return board->devices.power.code;
}

uint64_t rf_board_cycles(const rf_board *board)
{
    return rf_cpu_cycles(&board->cpu);
}

uint64_t rf_board_instructions(const rf_board *board)
{
    return board->cpu.instructions;
}

/* --- devices of the user's --- */

static uint32_t user_in(void *user, unsigned offset, unsigned size)
{
    const rf_board_ports *p = user;
    return p->read ? p->read(p->user, (uint16_t)(p->first + offset), size) : UINT32_MAX;
}
static void user_out(void *user, unsigned offset, uint32_t value, unsigned size)
{
    const rf_board_ports *p = user;
    if (p->write)
        p->write(p->user, (uint16_t)(p->first + offset), value, size);
}

rf_status rf_board_add_ports(rf_board *board, const rf_board_ports *ports)
{
    if (!board || !ports || board->port_count == MOST_RANGES)
        return RF_ERR_ARGUMENT;
    unsigned width = ports->width ? ports->width : 4;
    rf_board_ports *own = &board->ports[board->port_count];
    *own = *ports;
    if ((width != 1 && width != 2 && width != 4) ||
        !rf_bus_add_ports(&board->devices.bus, &(struct rf_port_range){ ports->first, ports->count, (uint8_t)width,
                                                                       user_in, user_out, own }))
        return rf_error_set(&board->error, RF_ERR_ARGUMENT, "ports %#x and %u on, %u bytes wide, cannot be added",
                            ports->first, ports->count, width);
    board->port_count++;
    return RF_OK;
}

static void user_load(void *user, uint64_t offset, void *out, size_t size)
{
    const rf_board_memory *m = user;
    if (m->read)
        m->read(m->user, m->first + offset, out, size);
    else
        memset(out, 0xff, size);
}
static void user_store(void *user, uint64_t offset, const void *data, size_t size)
{
    const rf_board_memory *m = user;
    if (m->write)
        m->write(m->user, m->first + offset, data, size);
}

rf_status rf_board_add_memory(rf_board *board, const rf_board_memory *memory)
{
    if (!board || !memory || board->memory_count == MOST_RANGES)
        return RF_ERR_ARGUMENT;
    rf_board_memory *own = &board->memory[board->memory_count];
    *own = *memory;
    if (memory->first < board->ram.size ||
        !rf_bus_add_memory(&board->devices.bus, &(struct rf_memory_range){ memory->first, memory->size, user_load,
                                                                          user_store, own }))
        return rf_error_set(&board->error, RF_ERR_ARGUMENT, "memory at %#llx, %llu bytes, cannot be added",
                            (unsigned long long)memory->first, (unsigned long long)memory->size);
    board->memory_count++;
    return RF_OK;
}

rf_status rf_board_set_line(rf_board *board, unsigned line, bool level)
{
    if (!board || line >= RF_IOAPIC_PINS)
        return RF_ERR_ARGUMENT;
    rf_devices_set_line(&board->devices, line, level);
    return RF_OK;
}
