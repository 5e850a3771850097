/* Writing a core file (core(5); fs/coredump.c, fs/binfmt_elf.c): "core" in the working directory, an ELF file
 * with a note segment and one segment for each mapping, of which what a coredump_filter of 0x33 selects is in
 * the file: private pages that were written, anonymous memory, the first page of ELF images. */
#include "kernel/signal/coredump.h"

#include "abi/linux_core.h"
#include "kernel/frames.h"
#include "kernel/mm/mm.h"
#include "kernel/vfs/path.h"

#include <string.h>

#define LEAST_LIMIT RF_PAGE_SIZE /* binfmt's min_coredump */

/* A core file that is being written. */
struct dump {
    struct rf_kernel *k;
    struct rf_file *file;
    uint64_t limit;   /* RLIMIT_CORE: holes do not count */
    uint64_t written;
    uint64_t at;      /* in the file */
    bool stopped;     /* the limit, or no room */
};

static void emit(struct dump *d, const void *bytes, size_t size)
{
    size_t done = 0;
    if (d->written + size > d->limit)
        d->stopped = true;
    while (!d->stopped && done < size) {
        struct rf_uio uio;
        rf_uio_kernel(&uio, d->k, (uint8_t *)(uintptr_t)bytes + done, size - done);
        int64_t result = rf_file_write(d->k, d->file, &uio, &d->at);
        d->stopped = result <= 0;
        done += result > 0 ? (size_t)result : 0;
    }
    d->written += done;
}

static void skip(struct dump *d, uint64_t size)
{
    d->at += size;
}

/* --- which pages --- */

/* Some page is not the file's any more, or of no file at all: Linux' anon_vma. */
static bool has_private_pages(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma)
{
    for (uint64_t va = vma->start; va < vma->end;) {
        const uint64_t *pte = rf_pte(k, mm, va, false);
        if (pte && *pte && (!vma->file || *pte & RF_PTE_D))
            return true;
        va = pte ? va + RF_PAGE_SIZE : (va | (RF_BIT(21) - 1)) + 1;
    }
    return false;
}

static bool begins_with_elf(struct rf_kernel *k, const struct rf_vma *vma)
{
    uint8_t magic[4];
    return rf_file_read_kernel(k, vma->file, magic, sizeof magic, 0) == sizeof magic &&
           memcmp(magic, "\177ELF", sizeof magic) == 0;
}

/* vma_dump_size */
static uint64_t dump_size(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma)
{
    if (vma->flags & RF_VM_DONTDUMP)
        return 0;
    bool whole = vma->shared ? !vma->file || vma->file->inode->nlink == 0 : has_private_pages(k, mm, vma);
    if (whole)
        return vma->end - vma->start;
    if (vma->shared || !vma->file || vma->offset || !(vma->prot & RF_PROT_READ))
        return 0;
    return vma->prot & RF_PROT_EXEC || begins_with_elf(k, vma) ? RF_PAGE_SIZE : 0;
}

/* One page: what is mapped, else what the file has; false for nothing but zeros. */
static bool page_bytes(struct rf_kernel *k, struct rf_mm *mm, const struct rf_vma *vma, uint64_t va,
                       uint8_t out[RF_PAGE_SIZE])
{
    const uint64_t *pte = rf_pte(k, mm, va, false);
    if (pte && *pte) {
        memcpy(out, rf_frame_host(k, *pte & RF_PTE_ADDRESS), RF_PAGE_SIZE);
        return true;
    }
    memset(out, 0, RF_PAGE_SIZE);
    return vma->file && rf_file_read_kernel(k, vma->file, out, RF_PAGE_SIZE, vma->offset + (va - vma->start)) > 0;
}

static void emit_pages(struct dump *d, struct rf_mm *mm, const struct rf_vma *vma, uint64_t size)
{
    uint8_t page[RF_PAGE_SIZE];
    for (uint64_t va = vma->start; va < vma->start + size && !d->stopped;) {
        uint64_t step = RF_PAGE_SIZE;
        if (page_bytes(d->k, mm, vma, va, page)) {
            emit(d, page, sizeof page);
            rf_charge(d->k, RF_EVENT_PAGE_FILL, 1);
        } else {
            if (!vma->file && !rf_pte(d->k, mm, va, false))
                step = (va | (RF_BIT(21) - 1)) + 1 - va; /* no page table: a large hole */
            if (step > vma->start + size - va)
                step = vma->start + size - va;
            skip(d, step);
        }
        va += step;
    }
}

/* --- headers --- */

static void emit_headers(struct dump *d, struct rf_mm *mm, size_t notes, uint16_t mappings)
{
    struct rf_elf_header header = {
        .e_ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, .e_type = RF_ET_CORE, .e_machine = RF_EM_X86_64,
        .e_version = 1, .e_phoff = sizeof header, .e_ehsize = sizeof header,
        .e_phentsize = sizeof(struct rf_elf_phdr), .e_phnum = (uint16_t)(mappings + 1),
    };
    uint64_t offset = sizeof header + (mappings + 1u) * sizeof(struct rf_elf_phdr);
    struct rf_elf_phdr segment = { .p_type = RF_PT_NOTE, .p_offset = offset, .p_filesz = notes, .p_align = 4 };
    emit(d, &header, sizeof header);
    emit(d, &segment, sizeof segment);
    offset = (offset + notes + RF_PAGE_MASK) & ~RF_PAGE_MASK;
    for (const struct rf_vma *v = mm->vmas; v && mappings; v = v->next, mappings--) {
        segment = (struct rf_elf_phdr){
            .p_type = RF_PT_LOAD, .p_offset = offset, .p_vaddr = v->start, .p_filesz = dump_size(d->k, mm, v),
            .p_memsz = v->end - v->start, .p_align = RF_PAGE_SIZE,
            .p_flags = (v->prot & RF_PROT_READ ? 4u : 0u) | (v->prot & RF_PROT_WRITE ? 2u : 0u) |
                       (v->prot & RF_PROT_EXEC ? 1u : 0u),
        };
        emit(d, &segment, sizeof segment);
        offset += segment.p_filesz;
    }
}

static void write_core(struct dump *d, const struct rf_siginfo *info)
{
    struct rf_mm *mm = d->k->current->mm;
    struct rf_core_buffer notes = { .k = d->k };
    uint16_t mappings = 0;
    for (const struct rf_vma *v = mm->vmas; v && mappings < UINT16_MAX - 2; v = v->next)
        mappings++; /* more would not fit into e_phnum: the highest are left out */
    rf_core_notes(&notes, info);
    if (!notes.failed) {
        emit_headers(d, mm, notes.used, mappings);
        emit(d, notes.bytes, notes.used);
        skip(d, -d->at & RF_PAGE_MASK);
    }
    for (const struct rf_vma *v = mm->vmas; v && mappings && !notes.failed && !d->stopped; v = v->next, mappings--)
        emit_pages(d, mm, v, dump_size(d->k, mm, v));
    rf_kfree(d->k, notes.bytes);
    if (!d->stopped && d->at > rf_file_size(d->k, d->file)) { /* a hole is last */
        d->at--;
        emit(d, "", 1);
    }
}

/* --- the file --- */

/* A new file: what had its name before is removed (do_coredump, of processes that are not set-user-id). */
static int64_t open_core(struct rf_kernel *k, struct rf_file **out)
{
    rf_vfs_unlink(k, RF_AT_FDCWD, "core");
    return rf_vfs_open(k, RF_AT_FDCWD, "core",
                       RF_O_CREAT | RF_O_EXCL | RF_O_RDWR | RF_O_NOFOLLOW | RF_O_LARGEFILE, 0600, out);
}

bool rf_coredump(struct rf_kernel *k, const struct rf_siginfo *info)
{
    const struct rf_task *task = k->current;
    struct dump d = { .k = k, .limit = task->process->rlimit[RF_RLIMIT_CORE].rlim_cur };
    if (!task->mm || task->mm->undumpable || d.limit < LEAST_LIMIT || open_core(k, &d.file))
        return false;
    write_core(&d, info);
    rf_file_put(k, d.file);
    return true;
}
