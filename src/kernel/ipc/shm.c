/* Segments of System V shared memory (kernel/ipc/shm.h): inodes of the internal tmpfs, counted by their
 * mappings. A file belongs to each attachment; its operations see mappings come and go. */
#include "kernel/ipc/shm.h"

#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/task/task.h"

#include <stdio.h>

#define INDEX_BITS 15  /* IPCMNI_SHIFT */
#define CYCLE_LEAST 64 /* ipc_min_cycle: so many indices are used before one is used again */

static int64_t now(struct rf_kernel *k)
{
    return (int64_t)(rf_clock_realtime(k) / 1000000000);
}

static int32_t caller(const struct rf_kernel *k)
{
    return k->current && k->current->process ? k->current->process->pid : 0;
}

/* --- finding --- */

struct rf_shm_set *rf_shm_set(const struct rf_kernel *k)
{
    return k->current->namespaces.ipc->shm;
}

static struct rf_shm_segment *first_of(const struct rf_kernel *k)
{
    return rf_shm_set(k) ? rf_shm_set(k)->first : NULL;
}

struct rf_shm_segment *rf_shm_at_index(struct rf_kernel *k, int32_t index)
{
    for (struct rf_shm_segment *s = first_of(k); s; s = s->next)
        if (s->index == index)
            return s;
    return NULL;
}

struct rf_shm_segment *rf_shm_find(struct rf_kernel *k, int32_t id)
{
    struct rf_shm_segment *s = id < 0 ? NULL : rf_shm_at_index(k, id & ((1 << INDEX_BITS) - 1));
    return s && s->id == id ? s : NULL;
}

struct rf_shm_segment *rf_shm_by_key(struct rf_kernel *k, int32_t key)
{
    for (struct rf_shm_segment *s = first_of(k); s; s = s->next)
        if (s->key == key)
            return s;
    return NULL;
}

/* ipcperms of ipc/util.c */
bool rf_shm_permits(const struct rf_kernel *k, const struct rf_shm_segment *s, uint32_t mode)
{
    const struct rf_task *task = k->current;
    uint32_t wanted = (mode >> 6 | mode >> 3 | mode) & 7, granted = s->mode;
    uint32_t euid = task->credentials.euid;
    if (euid == s->cuid || euid == s->uid)
        granted >>= 6;
    else if (rf_in_group(k, s->cgid) || rf_in_group(k, s->gid))
        granted >>= 3;
    return !(wanted & ~granted) || rf_capable(k, RF_CAP_IPC_OWNER);
}

/* --- birth and death --- */

/* idr_alloc_cyclic: the lowest free index above the last one, or from the start; a wrap makes other identifiers
 * of the same indices (ipc_idr_alloc). */
static int32_t take_index(struct rf_kernel *k)
{
    struct rf_shm_set *set = rf_shm_set(k);
    int32_t most = set->count * 3 / 2 > CYCLE_LEAST ? set->count * 3 / 2 : CYCLE_LEAST;
    if (most > RF_SHMMNI)
        most = RF_SHMMNI;
    int32_t from = set->used ? set->last_index + 1 : 0;
    int32_t index = from < most ? from : 0;
    for (int32_t tried = 0; tried < most && rf_shm_at_index(k, index); tried++)
        index = index + 1 < most ? index + 1 : 0;
    if (set->used && index <= set->last_index)
        set->sequence++;
    set->used = true;
    set->last_index = index;
    return index;
}

static void add(struct rf_shm_set *set, struct rf_shm_segment *segment)
{
    struct rf_shm_segment **link = &set->first;
    while (*link && (*link)->index < segment->index)
        link = &(*link)->next;
    segment->next = *link;
    segment->set = set;
    *link = segment;
    set->count++;
    set->pages += (segment->size + RF_PAGE_MASK) / RF_PAGE_SIZE;
}

int64_t rf_shm_create(struct rf_kernel *k, int32_t key, uint64_t size, uint32_t flags)
{
    if (size < 1 || size > RF_SHMMAX)
        return -RF_EINVAL;
    if (size > UINT64_MAX - RF_PAGE_MASK) /* the pages' bytes wrap */
        return -RF_ENOSPC;
    if (flags & RF_SHM_HUGETLB)
        return rf_capable(k, RF_CAP_IPC_LOCK) ? -RF_ENOMEM : -RF_EPERM; /* no huge pages are reserved */
    if (size > INT64_MAX)
        return -RF_EINVAL;
    if (!(flags & RF_SHM_NORESERVE) && rf_mm_overcommits(k, (size + RF_PAGE_MASK) / RF_PAGE_SIZE))
        return -RF_ENOMEM;
    struct rf_ipc_namespace *ns = k->current->namespaces.ipc;
    if (!ns->shm && !(ns->shm = rf_kalloc(k, sizeof *ns->shm)))
        return -RF_ENOMEM;
    if (ns->shm->count >= RF_SHMMNI)
        return -RF_ENOSPC;
    struct rf_shm_segment *segment = rf_kalloc(k, sizeof *segment);
    if (!segment || rf_memory_inode(k, 0777, size, &segment->inode)) {
        rf_kfree(k, segment);
        return -RF_ENOMEM;
    }
    const struct rf_credentials *c = &k->current->credentials;
    segment->index = take_index(k);
    segment->sequence = ns->shm->sequence;
    segment->id = (int32_t)segment->sequence << INDEX_BITS | segment->index;
    segment->inode->ino = (uint64_t)segment->id; /* as /proc/PID/maps shows it */
    segment->key = key;
    segment->uid = segment->cuid = c->euid;
    segment->gid = segment->cgid = c->egid;
    segment->mode = flags & 0777;
    segment->size = size;
    segment->ctime = now(k);
    segment->creator = caller(k);
    add(ns->shm, segment);
    return segment->id;
}

static void leave_set(struct rf_shm_segment *segment)
{
    struct rf_shm_set *set = segment->set;
    struct rf_shm_segment **link = &set->first;
    while (*link != segment)
        link = &(*link)->next;
    *link = segment->next;
    set->count--;
    set->pages -= (segment->size + RF_PAGE_MASK) / RF_PAGE_SIZE;
    segment->set = NULL;
}

static void destroy(struct rf_kernel *k, struct rf_shm_segment *segment)
{
    if (segment->set)
        leave_set(segment);
    rf_inode_put(k, segment->inode);
    rf_kfree(k, segment);
}

void rf_shm_remove(struct rf_kernel *k, struct rf_shm_segment *segment)
{
    if (!segment->attached) {
        destroy(k, segment);
        return;
    }
    segment->mode |= RF_SHM_DEST;
    segment->key = RF_IPC_PRIVATE; /* nobody finds it any more */
}

void rf_shm_set_end(struct rf_kernel *k, struct rf_shm_set *set)
{
    while (set && set->first) {
        struct rf_shm_segment *segment = set->first;
        leave_set(segment);
        rf_shm_remove(k, segment);
    }
    rf_kfree(k, set);
}

/* --- attachments --- */

void rf_shm_hold(struct rf_shm_segment *segment)
{
    segment->attached++;
}

void rf_shm_let_go(struct rf_kernel *k, struct rf_shm_segment *segment)
{
    if (!--segment->attached && segment->mode & RF_SHM_DEST)
        destroy(k, segment);
}

static void mapped(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_shm_segment *segment = file->private_data;
    segment->attached++;
    segment->atime = now(k);
    segment->last = caller(k);
}

static void unmapped(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_shm_segment *segment = file->private_data;
    segment->dtime = now(k);
    segment->last = caller(k);
    rf_shm_let_go(k, segment);
}

static const struct rf_file_ops shm_ops = { .mapped = mapped, .unmapped = unmapped };

bool rf_file_is_shm(const struct rf_file *file)
{
    return file->ops == &shm_ops;
}

int64_t rf_shm_open(struct rf_kernel *k, struct rf_shm_segment *segment, bool read_only, struct rf_file **out)
{
    char label[16];
    snprintf(label, sizeof label, "SYSV%08x", (unsigned)segment->key);
    int64_t result = rf_memory_open(k, label, segment->inode, read_only ? RF_O_RDONLY : RF_O_RDWR, out);
    if (result)
        return result;
    (*out)->ops = &shm_ops;
    (*out)->private_data = segment;
    return 0;
}
