/* Files of /proc about memory: /proc/<pid>/mem, maps, smaps, statm, the lines Vm* and Rss* of status, oom_*. */
#include "kernel/fs/procfs.h"
#include "kernel/frames.h"
#include "kernel/ipc/shm.h"

#include <stdlib.h>
#include <string.h>

#define KIB(pages) ((unsigned long long)((pages) * (RF_PAGE_SIZE / 1024)))

/* --- maps, smaps --- */

static void add_file(struct rf_text *out, struct rf_kernel *k, const struct rf_vma *vma)
{
    char path[RF_PATH_MAX];
    if (!vma->file || rf_proc_file_name(k, vma->file, path, sizeof path) < 0)
        return;
    for (const char *p = path; *p; p++) {
        if (*p == '\n')
            rf_text_add(out, "\\012");
        else
            rf_text_bytes(out, p, 1);
    }
}

#define MAPS_NAME_COLUMN 73

static void add_mapping(struct rf_text *out, struct rf_kernel *k, const struct rf_vma *v)
{
    const struct rf_inode *inode = v->file ? v->file->inode : NULL;
    uint64_t device = inode ? inode->mount->device : 0;
    size_t start = out->used;
    rf_text_add(out, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)v->start,
                (unsigned long long)v->end, v->prot & RF_PROT_READ ? 'r' : '-', v->prot & RF_PROT_WRITE ? 'w' : '-',
                v->prot & RF_PROT_EXEC ? 'x' : '-', v->shared ? 's' : 'p',
                (unsigned long long)(v->file ? v->offset : 0), (unsigned)(device >> 8), (unsigned)(device & 0xff),
                inode ? (unsigned long long)inode->ino : 0ULL);
    if (v->file || v->name)
        while (out->used - start < MAPS_NAME_COLUMN && !out->failed)
            rf_text_add(out, " ");
    if (v->file)
        add_file(out, k, v);
    else if (v->name)
        rf_text_add(out, "%s", v->name);
    rf_text_add(out, "\n");
}

void rf_proc_pid_maps(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    for (const struct rf_vma *v = task->mm ? task->mm->vmas : NULL; v; v = v->next)
        add_mapping(out, k, v);
}

struct pages {
    const struct rf_vma *vma;
    uint64_t all, anonymous, shared, dirty; /* shared: other address spaces have them, too */
};

static void count_leaf(struct rf_kernel *k, uint64_t va, uint64_t *pte, void *user)
{
    (void)va;
    struct pages *p = user;
    bool copy = !p->vma->file || *pte & RF_PTE_PRIVATE_COPY;
    p->all++;
    p->anonymous += copy;
    p->dirty += copy || *pte & RF_PTE_D;
    p->shared += rf_frame_references(k, *pte & RF_PTE_ADDRESS) > (copy ? 1u : 2u); /* a file holds one itself */
}

/* The two letters of each flag, in the order of show_smap_vma_flags (fs/proc/task_mmu.c). */
static void add_flags(struct rf_text *out, const struct rf_vma *v)
{
    const struct {
        bool set;
        const char *letters;
    } flags[] = {
        { v->prot & RF_PROT_READ, "rd" }, { v->prot & RF_PROT_WRITE, "wr" }, { v->prot & RF_PROT_EXEC, "ex" },
        { v->shared && (!v->file || v->may_write), "sh" }, { true, "mr" }, { !v->shared || v->may_write, "mw" },
        { true, "me" }, { v->shared, "ms" }, { v->growsdown, "gd" }, { v->flags & RF_VM_LOCKED, "lo" },
        { v->flags & RF_VM_SEQUENTIAL, "sr" }, { v->flags & RF_VM_RANDOM, "rr" },
        { v->flags & RF_VM_DONTFORK, "dc" },
        { v->prot & RF_PROT_WRITE && !v->shared && !(v->flags & RF_VM_NORESERVE), "ac" },
        { v->flags & RF_VM_NORESERVE, "nr" }, { v->flags & RF_VM_WIPEONFORK, "wf" },
        { v->flags & RF_VM_DONTDUMP, "dd" }, { v->flags & RF_VM_HUGEPAGE, "hg" },
        { v->flags & RF_VM_NOHUGEPAGE, "nh" }, { v->flags & RF_VM_MERGEABLE, "mg" },
    };
    rf_text_add(out, "VmFlags: ");
    for (size_t i = 0; i < RF_ARRAY_SIZE(flags); i++)
        if (flags[i].set)
            rf_text_add(out, "%s ", flags[i].letters);
    rf_text_add(out, "\n");
}

void rf_proc_pid_smaps(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    for (const struct rf_vma *v = task->mm ? task->mm->vmas : NULL; v; v = v->next) {
        struct pages p = { .vma = v };
        rf_pt_each_leaf(k, task->mm->pml4, v->start, v->end, count_leaf, &p);
        uint64_t private = p.all - p.shared, dirty = p.dirty < private ? p.dirty : private;
        add_mapping(out, k, v);
        rf_text_add(out, "Size:           %8llu kB\nKernelPageSize: %8u kB\nMMUPageSize:    %8u kB\n",
                    KIB((v->end - v->start) / RF_PAGE_SIZE), 4u, 4u);
        rf_text_add(out, "Rss:            %8llu kB\nShared_Clean:   %8llu kB\nShared_Dirty:   %8llu kB\n", KIB(p.all),
                    KIB(p.shared - (p.dirty - dirty)), KIB(p.dirty - dirty));
        rf_text_add(out, "Private_Clean:  %8llu kB\nPrivate_Dirty:  %8llu kB\nReferenced:     %8llu kB\n",
                    KIB(private - dirty), KIB(dirty), KIB(p.all));
        rf_text_add(out, "Anonymous:      %8llu kB\nSwap:           %8u kB\nLocked:         %8llu kB\n", KIB(p.anonymous),
                    0u, v->flags & RF_VM_LOCKED ? KIB(p.all) : 0ULL);
        if (rf_has_pkeys(k))
            rf_text_add(out, "ProtectionKey:  %8u\n", v->pkey);
        add_flags(out, v);
    }
}

/* --- sizes --- */

void rf_proc_add_sizes(struct rf_text *out, struct rf_kernel *k, const struct rf_mm *mm)
{
    struct rf_mm_sizes s;
    rf_mm_sizes(k, mm, &s);
    rf_text_add(out, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\nVmPin:\t%8u kB\n", KIB(mm->peak_total),
                KIB(mm->total_pages), KIB(mm->locked_pages), 0u);
    rf_text_add(out, "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\nRssAnon:\t%8llu kB\nRssFile:\t%8llu kB\nRssShmem:\t%8llu kB\n",
                KIB(mm->peak_resident), KIB(mm->resident_pages), KIB(s.anonymous), KIB(s.file), KIB(s.shmem));
    uint64_t text = (((mm->end_code + RF_PAGE_MASK) & ~RF_PAGE_MASK) - (mm->start_code & ~RF_PAGE_MASK)) / RF_PAGE_SIZE;
    if (text > s.executable)
        text = s.executable;
    rf_text_add(out, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\nVmLib:\t%8llu kB\n", KIB(s.data),
                KIB(s.stack), KIB(text), KIB(s.executable - text));
    rf_text_add(out, "VmPTE:\t%8llu kB\nVmSwap:\t%8u kB\n", KIB(mm->table_pages), 0u);
}

void rf_proc_pid_statm(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    struct rf_mm_sizes s = { 0 };
    if (task->mm)
        rf_mm_sizes(k, task->mm, &s);
    rf_text_add(out, "%llu %llu %llu %llu 0 %llu 0\n", task->mm ? (unsigned long long)task->mm->total_pages : 0ULL,
                task->mm ? (unsigned long long)task->mm->resident_pages : 0ULL, (unsigned long long)(s.file + s.shmem),
                (unsigned long long)s.executable, (unsigned long long)(s.data + s.stack));
}

/* --- oom_score, oom_score_adj --- */

void rf_proc_pid_oom_score(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    rf_text_add(out, "%lld\n", (long long)rf_oom_score(k, task->process));
}

/* oom_score_adj_write and __set_oom_adj of fs/proc/base.c */
static int64_t write_adjustment(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    char text[13], *end;
    size_t size = uio->left < sizeof text - 1 ? (size_t)uio->left : sizeof text - 1;
    uint64_t whole = uio->left;
    (void)pos;
    if (rf_uio_get(uio, text, size) < size)
        return -RF_EFAULT;
    while (size && strchr(" \t\n\v\f\r", text[size - 1]))
        size--;
    text[size] = '\0';
    const char *from = text + strspn(text, " \t\n\v\f\r");
    long value = strtol(from, &end, 0);
    if (end == from || *end || value < -1000 || value > 1000)
        return -RF_EINVAL;
    struct rf_task *task = rf_proc_task_of(k, file->inode);
    if (!task)
        return -RF_ESRCH;
    bool may_lower = rf_capable(k, RF_CAP_SYS_RESOURCE);
    if (value < task->process->oom_score_adj_min && !may_lower)
        return -RF_EACCES;
    if (may_lower)
        task->process->oom_score_adj_min = (int32_t)value;
    task->process->oom_score_adj = (int32_t)value;
    return (int64_t)whole;
}

/* Its text is made anew at each read, as that of a file which can be written must be. */
static int64_t read_adjustment(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    const struct rf_task *task = rf_proc_task_of(k, file->inode);
    struct rf_text text = { .k = k };
    if (!task)
        return -RF_ESRCH;
    rf_text_add(&text, "%d\n", task->process->oom_score_adj);
    int64_t result = 0;
    if (text.failed) {
        result = -RF_ENOMEM;
    } else if (*pos < text.used && uio->left) {
        size_t moved = rf_uio_put(uio, text.bytes + *pos, text.used - (size_t)*pos);
        *pos += moved;
        result = moved ? (int64_t)moved : -RF_EFAULT;
    }
    rf_kfree(k, text.bytes);
    return result;
}

const struct rf_file_ops rf_proc_oom_score_adj_ops = { .read = read_adjustment, .write = write_adjustment };

/* --- mem: the address space that the process had when the file was opened --- */

struct memory {
    uint64_t mm;
};

int64_t rf_proc_open_mem(struct rf_kernel *k, struct rf_task *task, struct rf_file *file)
{
    if (task->mm && !rf_may_access_task(k, task, false))
        return -RF_EACCES;
    struct memory *memory = rf_kalloc(k, sizeof *memory);
    if (!memory)
        return -RF_ENOMEM;
    memory->mm = task->mm ? task->mm->id : 0;
    file->private_data = memory;
    return 0;
}

/* mem_rw of fs/proc/base.c: a page at a time, whatever its protection. */
static int64_t access_memory(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos, bool write)
{
    const struct memory *memory = file->private_data;
    uint8_t page[RF_PAGE_SIZE];
    int64_t done = 0;
    struct rf_mm *mm = rf_mm_by_id(k, memory->mm);
    if (!mm)
        return 0;
    while (uio->left) {
        size_t n = uio->left < sizeof page ? (size_t)uio->left : sizeof page, moved;
        if (write && rf_uio_get(uio, page, n) < n)
            return done ? done : -RF_EFAULT;
        moved = write ? rf_mm_write_remote(k, mm, *pos, page, n, true) : rf_mm_read_remote(k, mm, *pos, page, n, true);
        if (!moved)
            return done ? done : -RF_EIO;
        if (!write && rf_uio_put(uio, page, moved) < moved)
            return done ? done : -RF_EFAULT;
        *pos += moved;
        done += (int64_t)moved;
        if (moved < n)
            break;
    }
    return done;
}

static int64_t read_memory(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    return access_memory(k, file, uio, pos, false);
}

static int64_t write_memory(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    return access_memory(k, file, uio, pos, true);
}

/* mem_lseek: no end is known, and any place will do. */
static int64_t seek_memory(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    (void)k;
    if (whence != RF_SEEK_SET && whence != RF_SEEK_CUR)
        return -RF_EINVAL;
    file->pos = (whence == RF_SEEK_CUR ? file->pos : 0) + (uint64_t)offset;
    return (int64_t)file->pos;
}

static void release_memory(struct rf_kernel *k, struct rf_file *file)
{
    rf_kfree(k, file->private_data);
}

const struct rf_file_ops rf_proc_mem_ops = {
    .read = read_memory,
    .write = write_memory,
    .seek = seek_memory,
    .release = release_memory,
};

/* --- /proc/sysvipc/shm: sysvipc_shm_proc_show of ipc/shm.c --- */

void rf_proc_sysvipc_shm(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)task;
    const struct rf_shm_set *set = rf_shm_set(k);
    rf_text_add(out, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      "
                     "atime      dtime      ctime                   rss                  swap\n");
    for (const struct rf_shm_segment *s = set ? set->first : NULL; s; s = s->next)
        rf_text_add(out, "%10d %10d  %4o %21llu %5d %5d  %5llu %5u %5u %5u %5u %10lld %10lld %10lld %21llu %21u\n", s->key,
                    s->id, s->mode, (unsigned long long)s->size, s->creator, s->last, (unsigned long long)s->attached,
                    s->uid, s->gid, s->cuid, s->cgid, (long long)s->atime, (long long)s->dtime, (long long)s->ctime,
                    (unsigned long long)s->inode->blocks * 512, 0u);
}

void rf_proc_shmmax(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "%llu\n", (unsigned long long)RF_SHMMAX);
}

void rf_proc_shmmni(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "%d\n", RF_SHMMNI);
}

/* --- /proc/sys/vm --- */

void rf_proc_overcommit_memory(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "0\n");
}

void rf_proc_max_map_count(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "%d\n", RF_MAP_COUNT_MAX);
}

void rf_proc_mmap_min_addr(struct rf_text *out, struct rf_kernel *k, struct rf_task *task)
{
    (void)k, (void)task;
    rf_text_add(out, "65536\n");
}
