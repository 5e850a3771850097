/* Memory protection keys (pkeys(7)): which a process has, which a mapping gets, what PKRU says. */
#include "kernel/mm/vma.h"

#include "kernel/task/task.h"

#define KEYS 16
#define RIGHTS 3u /* PKEY_DISABLE_ACCESS, PKEY_DISABLE_WRITE: as the two bits of a key in PKRU */
enum { ACCESS_DISABLED = 1, WRITE_DISABLED = 2 };

bool rf_has_pkeys(const struct rf_kernel *k)
{
    return k->cpu->mmu.cr4 & RF_CR4_PKE;
}

bool rf_pkey_is_allocated(const struct rf_mm *mm, int pkey)
{
    return pkey >= 0 && pkey < KEYS && pkey != mm->execute_only_pkey && mm->pkeys >> pkey & 1;
}

static int take_key(struct rf_mm *mm)
{
    for (int pkey = 0; pkey < KEYS; pkey++)
        if (!(mm->pkeys >> pkey & 1)) {
            mm->pkeys |= (uint16_t)(1u << pkey);
            return pkey;
        }
    return -1;
}

static void set_rights(struct rf_kernel *k, int pkey, uint32_t rights)
{
    uint32_t pkru = k->cpu->mmu.pkru & ~(RIGHTS << pkey * 2);
    rf_mmu_set_pkru(&k->cpu->mmu, pkru | rights << pkey * 2);
}

int64_t rf_pkey_alloc(struct rf_kernel *k, struct rf_mm *mm, uint32_t rights)
{
    if (!rf_has_pkeys(k)) /* pkeys(7) says ENOSPC, but arch_set_user_pkey_access refuses key 0 */
        return -RF_EINVAL;
    int pkey = take_key(mm);
    if (pkey < 0)
        return -RF_ENOSPC;
    set_rights(k, pkey, rights);
    return pkey;
}

int64_t rf_pkey_free(struct rf_mm *mm, int pkey)
{
    if (!rf_pkey_is_allocated(mm, pkey))
        return -RF_EINVAL;
    mm->pkeys &= (uint16_t)~(1u << pkey);
    return 0;
}

/* The key that makes PROT_EXEC alone mean what it says (__execute_only_pkey); 0 if there is none. */
static uint8_t execute_only_key(struct rf_kernel *k, struct rf_mm *mm)
{
    if (!rf_has_pkeys(k))
        return 0;
    int pkey = mm->execute_only_pkey < 0 ? take_key(mm) : mm->execute_only_pkey;
    if (pkey < 0)
        return 0;
    if (mm == (k->current ? k->current->mm : NULL))
        set_rights(k, pkey, ACCESS_DISABLED);
    mm->execute_only_pkey = (int8_t)pkey;
    return (uint8_t)pkey;
}

/* __arch_override_mprotect_pkey of arch/x86/mm/pkeys.c */
uint8_t rf_pkey_of(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint32_t prot, int requested)
{
    if (!rf_has_pkeys(k))
        return 0;
    if (requested >= 0)
        return (uint8_t)requested;
    if ((prot & (RF_PROT_READ | RF_PROT_WRITE | RF_PROT_EXEC)) == RF_PROT_EXEC) {
        uint8_t pkey = execute_only_key(k, mm);
        if (pkey)
            return pkey;
    } else if (vma && mm->execute_only_pkey > 0 && vma->pkey == mm->execute_only_pkey) {
        return 0;
    }
    return vma ? vma->pkey : 0;
}

bool rf_pkey_permits(const struct rf_kernel *k, const struct rf_vma *vma, uint32_t error_code)
{
    uint32_t rights = k->cpu->mmu.pkru >> vma->pkey * 2 & RIGHTS;
    if (!rf_has_pkeys(k) || error_code & RF_PF_I || !rights)
        return true;
    return !(rights & ACCESS_DISABLED) && !(error_code & RF_PF_W);
}

void rf_pkey_reset(struct rf_kernel *k)
{
    if (rf_has_pkeys(k))
        rf_mmu_set_pkru(&k->cpu->mmu, RF_PKRU_INITIAL);
}
