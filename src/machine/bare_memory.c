/* Memory of a bare machine, physical and linear, and disassembly (ringfort/bare.h). */
#include "machine/bare.h"
#include "machine/inspect.h"

#include <string.h>

uint64_t rf_bare_memory_size(const rf_bare *bare)
{
    return bare->ram.size;
}

static rf_status check_physical(struct rf_bare *bare, uint64_t address, const void *bytes, size_t size)
{
    rf_bare_begin(bare);
    if (!bytes && size)
        return rf_error_set(&bare->error, RF_ERR_ARGUMENT, "no buffer was given");
    if (size && !rf_ram_at(&bare->ram, address, size))
        return rf_error_set(&bare->error, RF_ERR_FAULT,
                            "physical addresses %#llx to %#llx are not all RAM: it ends at %#llx",
                            (unsigned long long)address, (unsigned long long)(address + (size - 1)),
                            (unsigned long long)bare->ram.size);
    return RF_OK;
}

rf_status rf_bare_read_physical(rf_bare *bare, uint64_t address, void *out, size_t size)
{
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_status status = check_physical(bare, address, out, size);
    if (!status && size)
        memcpy(out, rf_ram_at(&bare->ram, address, size), size);
    return status;
}

rf_status rf_bare_write_physical(rf_bare *bare, uint64_t address, const void *bytes, size_t size)
{
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_status status = check_physical(bare, address, bytes, size);
    if (!status)
        rf_mmu_physical_write(&bare->cpu.mmu, address, bytes, size);
    return status;
}

/* --- linear --- */

/* Walk to one page for a caller of the API: rights of supervisor mode with RFLAGS.AC set. */
static rf_status translate(struct rf_bare *bare, uint64_t address, enum rf_access access, uint64_t *pa)
{
    struct rf_walk walk;
    rf_mmu_explain(&bare->cpu.mmu, address, access, RF_TLB_SUPERVISOR_AC, &walk);
    if (!walk.ok)
        return rf_error_set(&bare->error, RF_ERR_FAULT, "linear address %#llx cannot be %s: %s",
                            (unsigned long long)address, access == RF_WRITE ? "written" : "read", walk.refused_by);
    if (!rf_ram_at(&bare->ram, walk.pa, 1))
        return rf_error_set(&bare->error, RF_ERR_FAULT,
                            "linear address %#llx is physical address %#llx, which is no RAM",
                            (unsigned long long)address, (unsigned long long)walk.pa);
    *pa = walk.pa;
    return RF_OK;
}

static size_t part_in_page(uint64_t address, size_t size)
{
    uint64_t rest = RF_PAGE_SIZE - (address & RF_PAGE_MASK);
    return size < rest ? size : (size_t)rest;
}

static rf_status check_linear(struct rf_bare *bare, uint64_t address, const void *bytes, size_t size,
                              enum rf_access access)
{
    uint64_t pa;
    rf_bare_begin(bare);
    if (!bytes && size)
        return rf_error_set(&bare->error, RF_ERR_ARGUMENT, "no buffer was given");
    for (size_t done = 0; done < size; done += part_in_page(address + done, size - done)) {
        rf_status status = translate(bare, address + done, access, &pa);
        if (status)
            return status;
    }
    return RF_OK;
}

rf_status rf_bare_read_linear(rf_bare *bare, uint64_t address, void *out, size_t size)
{
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_status status = check_linear(bare, address, out, size, RF_READ);
    for (size_t done = 0; !status && done < size;) {
        uint64_t pa;
        size_t part = part_in_page(address + done, size - done);
        status = translate(bare, address + done, RF_READ, &pa);
        if (!status)
            memcpy((uint8_t *)out + done, rf_ram_at(&bare->ram, pa, part), part);
        done += part;
    }
    return status;
}

rf_status rf_bare_write_linear(rf_bare *bare, uint64_t address, const void *bytes, size_t size)
{
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_status status = check_linear(bare, address, bytes, size, RF_WRITE);
    for (size_t done = 0; !status && done < size;) {
        uint64_t pa;
        size_t part = part_in_page(address + done, size - done);
        /* Fails only if the bytes have changed the page tables that map their own end. */
        status = translate(bare, address + done, RF_WRITE, &pa);
        if (!status)
            rf_mmu_physical_write(&bare->cpu.mmu, pa, (const uint8_t *)bytes + done, part);
        done += part;
    }
    return status;
}

void rf_bare_flush(rf_bare *bare)
{
    rf_mmu_flush_all(&bare->cpu.mmu);
    rf_cpu_mode_changed(&bare->cpu);
}

/* --- disassembly --- */

static size_t fetch(struct rf_bare *bare, uint64_t address, uint8_t *bytes, size_t size)
{
    size_t got = 0;
    enum rf_tlb_mode mode = bare->cpu.cpl == 3 ? RF_TLB_USER : RF_TLB_SUPERVISOR;
    while (got < size) {
        struct rf_walk walk;
        rf_mmu_explain(&bare->cpu.mmu, address + got, RF_FETCH, mode, &walk);
        size_t part = part_in_page(address + got, size - got);
        const void *host = walk.ok ? rf_ram_at(&bare->ram, walk.pa, part) : NULL;
        if (!host) {
            if (!walk.ok)
                rf_error_set(&bare->error, RF_ERR_FAULT, "no instruction can be fetched at %#llx: %s",
                             (unsigned long long)address, walk.refused_by);
            break;
        }
        memcpy(bytes + got, host, part);
        got += part;
    }
    return got;
}

rf_status rf_bare_disassemble(rf_bare *bare, uint64_t address, char *out, size_t size, unsigned *length)
{
    uint8_t bytes[15];
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_bare_begin(bare);
    if (!out || !size)
        return rf_error_set(&bare->error, RF_ERR_ARGUMENT, "no buffer was given");
    size_t got = fetch(bare, address, bytes, sizeof bytes);
    if (!got)
        return *bare->error.text ? RF_ERR_FAULT
                                 : rf_error_set(&bare->error, RF_ERR_FAULT, "there is no RAM at %#llx",
                                                (unsigned long long)address);
    rf_bare_begin(bare);
    unsigned used = rf_inspect_instruction(bytes, got, address, bare->cpu.code_bits, out, size);
    if (length)
        *length = used;
    return RF_OK;
}

unsigned rf_disassemble(const void *bytes, size_t got, uint64_t address, unsigned bits, char *out, size_t size)
{
    if (out && size)
        out[0] = '\0';
    if (!bytes || !got || !out || !size)
        return 0;
    return rf_inspect_instruction(bytes, got < 15 ? got : 15, address, bits, out, size);
}
