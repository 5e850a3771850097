/* User copies: access_ok, STAC, the access through the MMU as supervisor, CLAC; a fault is
 * resolved by demand paging and retried, or ends the copy (DESIGN section 4). */
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

#include <string.h>

static bool access_ok(uint64_t user, size_t size)
{
    return user < RF_TASK_SIZE && size <= RF_TASK_SIZE - user;
}

static void charge_copy(struct rf_kernel *k, size_t size)
{
    rf_charge(k, RF_EVENT_STAC_CLAC, 2);
    rf_charge(k, RF_EVENT_COPY_CHUNK, (size + 63) / 64);
}

/* One access inside one page. */
static bool copy_page(struct rf_kernel *k, uint64_t user, void *out, const void *in, size_t size)
{
    for (;;) {
        struct rf_fault fault;
        bool done = in ? rf_mmu_write(&k->cpu->mmu, user, in, size, RF_TLB_SUPERVISOR_AC, &fault)
                       : rf_mmu_read(&k->cpu->mmu, user, out, size, RF_TLB_SUPERVISOR_AC, &fault);
        if (done)
            return true;
        int si_code;
        if (fault.kind != RF_FAULT_PAGE || rf_mm_fault(k, fault.address, fault.error_code, &si_code))
            return false;
        rf_charge(k, RF_EVENT_PAGE_FAULT, 1);
    }
}

static size_t copy(struct rf_kernel *k, uint64_t user, uint8_t *out, const uint8_t *in, size_t size)
{
    size_t done = 0;
    charge_copy(k, size);
    if (user >= RF_TASK_SIZE)
        return 0;
    if (size > RF_TASK_SIZE - user)
        size = RF_TASK_SIZE - user;
    while (done < size) {
        size_t here = RF_PAGE_SIZE - ((user + done) & RF_PAGE_MASK);
        if (here > size - done)
            here = size - done;
        if (!copy_page(k, user + done, out ? out + done : NULL, in ? in + done : NULL, here))
            break;
        done += here;
    }
    return done;
}

size_t rf_copy_from_user_partial(struct rf_kernel *k, void *dst, uint64_t user, size_t size)
{
    return copy(k, user, dst, NULL, size);
}

size_t rf_copy_to_user_partial(struct rf_kernel *k, uint64_t user, const void *src, size_t size)
{
    return copy(k, user, NULL, src, size);
}

int rf_copy_from_user(struct rf_kernel *k, void *dst, uint64_t user, size_t size)
{
    if (!access_ok(user, size))
        return -RF_EFAULT;
    return copy(k, user, dst, NULL, size) == size ? 0 : -RF_EFAULT;
}

int rf_copy_to_user(struct rf_kernel *k, uint64_t user, const void *src, size_t size)
{
    if (!access_ok(user, size))
        return -RF_EFAULT;
    return copy(k, user, NULL, src, size) == size ? 0 : -RF_EFAULT;
}

size_t rf_clear_user_partial(struct rf_kernel *k, uint64_t user, size_t size)
{
    static const uint8_t zeros[4096];
    size_t done = 0;
    while (done < size) {
        size_t here = size - done < sizeof zeros ? size - done : sizeof zeros;
        size_t n = copy(k, user + done, NULL, zeros, here);
        done += n;
        if (n < here)
            break;
    }
    return done;
}

int64_t rf_strncpy_from_user(struct rf_kernel *k, char *dst, uint64_t user, size_t size)
{
    size_t done = 0;
    rf_charge(k, RF_EVENT_STAC_CLAC, 2);
    while (done < size) {
        uint64_t at = user + done;
        size_t here = RF_PAGE_SIZE - (at & RF_PAGE_MASK);
        if (here > size - done)
            here = size - done;
        if (here > 64)
            here = 64; /* most strings are short: do not read a page for each */
        if (at >= RF_TASK_SIZE || !copy_page(k, at, dst + done, NULL, here))
            return -RF_EFAULT;
        rf_charge(k, RF_EVENT_COPY_CHUNK, 1);
        const char *end = memchr(dst + done, 0, here);
        if (end)
            return end - dst;
        done += here;
    }
    return -RF_ENAMETOOLONG;
}
