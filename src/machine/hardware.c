/* machine/hardware.h */
#include "machine/hardware.h"

#include <stdlib.h>
#include <string.h>

void *rf_machine_allocate(size_t size, struct rf_error *err)
{
    size = (size + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size);
    if (memory)
        memset(memory, 0, size);
    else
        rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for a machine");
    return memory;
}

static const char *const vendors[RF_VENDOR_COUNT] = { [RF_VENDOR_INTEL] = "intel", [RF_VENDOR_AMD] = "amd" };

static unsigned vendor_by_name(const char *name)
{
    unsigned i = 0;
    while (i < RF_VENDOR_COUNT && strcmp(vendors[i], name) != 0)
        i++;
    return i;
}

rf_status rf_cpu_choice_check(const struct rf_cpu_choice *choice, struct rf_error *err)
{
    if (choice->model && rf_model_by_name(choice->model) == RF_CPU_MODEL_COUNT)
        return rf_error_set(err, RF_ERR_ARGUMENT,
                            "CPU model '%.40s' is not x86-64-v1, x86-64-v2, x86-64-v3 or max", choice->model);
    if (choice->vendor && vendor_by_name(choice->vendor) == RF_VENDOR_COUNT)
        return rf_error_set(err, RF_ERR_ARGUMENT, "vendor '%.40s' is not intel or amd", choice->vendor);
    return RF_OK;
}

rf_status rf_hardware_create(struct rf_cpu *cpu, struct rf_ram *ram, uint64_t memory,
                             const struct rf_cpu_choice *choice, struct rf_error *err)
{
    rf_status status = rf_ram_create(ram, (memory + RF_PAGE_MASK) & ~RF_PAGE_MASK, err);
    if (status)
        return status;
    status = rf_cpu_init(cpu, ram, &rf_cost_generic, err);
    if (status) {
        rf_ram_destroy(ram);
        return status;
    }
    if (choice->vendor)
        rf_cpu_set_vendor(cpu, (enum rf_cpu_vendor)vendor_by_name(choice->vendor));
    if (choice->model)
        rf_cpu_set_model(cpu, rf_model_by_name(choice->model));
    return RF_OK;
}

void rf_hardware_destroy(struct rf_cpu *cpu, struct rf_ram *ram)
{
    rf_cpu_destroy(cpu);
    rf_ram_destroy(ram);
}
