/* membarrier (membarrier(2)).
 *
 * One CPU runs all threads in turn, and a switch between them orders everything, decoded code too. So
 * a barrier is there already; what is left are the rules about who may ask. */
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

#define NEEDS_NOTHING                                                                      \
    (RF_MEMBARRIER_CMD_GLOBAL | RF_MEMBARRIER_CMD_GLOBAL_EXPEDITED |                       \
     RF_MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
#define REGISTRATIONS                                                                      \
    (RF_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |                                        \
     RF_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |                              \
     RF_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)
#define PRIVATE                                                                            \
    (RF_MEMBARRIER_CMD_PRIVATE_EXPEDITED | RF_MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |  \
     RF_MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
#define FLAG_CPU 1u /* MEMBARRIER_CMD_FLAG_CPU: of the restartable sequences on one CPU */

static int64_t sys_membarrier(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t command = (uint32_t)a[0];
    struct rf_mm *mm = k->current->mm;
    uint32_t flags = (uint32_t)a[1];
    if (command == RF_MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
        flags &= ~FLAG_CPU;
    if (flags || command & (command - 1))
        return -RF_EINVAL;
    if (command == RF_MEMBARRIER_CMD_QUERY)
        return NEEDS_NOTHING | REGISTRATIONS | PRIVATE;
    if (command & REGISTRATIONS) {
        mm->membarrier |= command;
        return 0;
    }
    if (command & PRIVATE) /* a registration is the bit after its command's */
        return mm->membarrier & command << 1 ? 0 : -RF_EPERM;
    return command & NEEDS_NOTHING ? 0 : -RF_EINVAL;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_membarrier, sys_membarrier },
};
const struct rf_handler_table rf_handlers_membarrier = RF_HANDLER_TABLE(entries);
