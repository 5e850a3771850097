/* Page walks and mappings of a machine's address space (ringfort/machine.h). */
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"
#include "machine/explain.h"
#include "machine/machine.h"

#include <stdio.h>

static rf_status address_space(struct rf_machine *m, struct rf_mm **out)
{
    const struct rf_kernel *k = &m->kernel;
    m->error.text[0] = '\0';
    *out = k->finished ? k->last_mm : k->current ? k->current->mm : NULL;
    if (*out)
        return RF_OK;
    return rf_error_set(&m->error, RF_ERR_STATE, k->finished ? "the process has ended, and keep_memory was not set"
                                                             : "there is no process");
}

rf_status rf_machine_explain(rf_machine *machine, uint64_t address, rf_access_kind access, rf_access_by by,
                             rf_explanation *out)
{
    struct rf_mm *mm;
    if (!machine || !out)
        return RF_ERR_ARGUMENT;
    rf_status status = address_space(machine, &mm);
    if (status)
        return status;
    struct rf_mmu view = machine->cpu.mmu; /* a walk only reads it */
    view.cr3 = mm->pml4;
    status = rf_explain_mmu(&view, address, access, by, out);
    return status ? rf_error_set(&machine->error, status, "no such kind of access") : RF_OK;
}

rf_status rf_machine_mapping(rf_machine *machine, uint64_t address, char *out, size_t size)
{
    struct rf_mm *mm;
    if (!machine || !out || !size)
        return RF_ERR_ARGUMENT;
    rf_status status = address_space(machine, &mm);
    if (status)
        return status;
    const struct rf_vma *vma = rf_vma_find(mm, address);
    out[0] = '\0';
    if (vma)
        snprintf(out, size, "%llx-%llx %c%c%c%c%s%s", (unsigned long long)vma->start, (unsigned long long)vma->end,
                 vma->prot & 1 ? 'r' : '-', vma->prot & 2 ? 'w' : '-', vma->prot & 4 ? 'x' : '-',
                 vma->shared ? 's' : 'p', vma->name ? " " : vma->file ? " of a file" : "",
                 vma->name ? vma->name : "");
    return RF_OK;
}
