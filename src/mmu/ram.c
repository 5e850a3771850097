/* Guest physical memory as a memfd: sparse, shared, and mappable a second time. */
#define _GNU_SOURCE
#include "mmu/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_SIZE_MAX (UINT64_C(1) << 40)

static rf_status host_refused(struct rf_error *err, const char *what, uint64_t size)
{
    int cause = errno;
    rf_status status = cause == ENOMEM ? RF_ERR_NO_MEMORY : RF_ERR_IO;
    return rf_error_set(err, status, "guest RAM of %llu bytes: %s: %s", (unsigned long long)size,
                        what, strerror(cause));
}

static rf_status map_all(struct rf_ram *ram, struct rf_error *err)
{
    ram->fd = memfd_create("ringfort-ram", MFD_CLOEXEC);
    if (ram->fd < 0)
        return host_refused(err, "memfd_create", ram->size);
    if (ftruncate(ram->fd, (off_t)ram->size) != 0)
        return host_refused(err, "ftruncate", ram->size);

    void *base = mmap(NULL, ram->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                      ram->fd, 0);
    if (base == MAP_FAILED)
        return host_refused(err, "mmap", ram->size);
    ram->base = base;

    void *flags = mmap(NULL, ram->size / RF_PAGE_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (flags == MAP_FAILED)
        return host_refused(err, "mmap of page flags", ram->size);
    ram->page_flags = flags;
    return RF_OK;
}

rf_status rf_ram_create(struct rf_ram *ram, uint64_t size, struct rf_error *err)
{
    *ram = (struct rf_ram){.fd = -1};
    if (size == 0 || size > RAM_SIZE_MAX || (size & RF_PAGE_MASK) != 0)
        return rf_error_set(err, RF_ERR_ARGUMENT,
                            "guest RAM of %llu bytes: must be a multiple of 4096 from 4096 to 1 TiB",
                            (unsigned long long)size);
    ram->size = size;
    rf_status status = map_all(ram, err);
    if (status != RF_OK)
        rf_ram_destroy(ram);
    return status;
}

void rf_ram_destroy(struct rf_ram *ram)
{
    /* A ram that is all zero never was created: its fd 0 is not ours. */
    if (ram->size != 0) {
        if (ram->page_flags)
            munmap(ram->page_flags, ram->size / RF_PAGE_SIZE);
        if (ram->base)
            munmap(ram->base, ram->size);
        if (ram->fd >= 0)
            close(ram->fd);
    }
    *ram = (struct rf_ram){.fd = -1};
}

void rf_ram_discard_page(struct rf_ram *ram, uint64_t pa)
{
    pa &= ~RF_PAGE_MASK;
    uint8_t *page = rf_ram_at(ram, pa, RF_PAGE_SIZE);
    if (!page)
        return;
    if (fallocate(ram->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)pa,
                  (off_t)RF_PAGE_SIZE) == 0)
        return;
    if (madvise(page, RF_PAGE_SIZE, MADV_REMOVE) == 0)
        return;
    memset(page, 0, RF_PAGE_SIZE);
}
