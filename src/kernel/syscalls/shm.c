/* shmget shmat shmdt shmctl: ipc/shm.c of Linux. */
#include "kernel/ipc/shm.h"
#include "kernel/fs/fs.h"
#include "kernel/mm/vma.h"
#include "kernel/task/task.h"

#define READ_MODE 0444u
#define WRITE_MODE 0222u
#define EXECUTE_MODE 0111u

/* ipcget of ipc/util.c */
static int64_t sys_shmget(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t key = (int32_t)a[0];
    uint32_t flags = (uint32_t)a[2];
    struct rf_shm_segment *segment = key == RF_IPC_PRIVATE ? NULL : rf_shm_by_key(k, key);
    if (!segment && key != RF_IPC_PRIVATE && !(flags & RF_IPC_CREAT))
        return -RF_ENOENT;
    if (!segment)
        return rf_shm_create(k, key, a[1], flags);
    if (flags & RF_IPC_CREAT && flags & RF_IPC_EXCL)
        return -RF_EEXIST;
    if (segment->size < a[1])
        return -RF_EINVAL;
    return rf_shm_permits(k, segment, flags & 0777) ? segment->id : -RF_EACCES;
}

/* --- shmat, shmdt --- */

static int64_t attach(struct rf_kernel *k, struct rf_shm_segment *segment, uint64_t address, uint32_t flags)
{
    struct rf_mm *mm = k->current->mm;
    uint32_t prot = RF_PROT_READ | (flags & RF_SHM_RDONLY ? 0u : RF_PROT_WRITE) | (flags & RF_SHM_EXEC ? RF_PROT_EXEC : 0u);
    uint64_t size = segment->size;
    if (address && !(flags & RF_SHM_REMAP)) {
        if (address + size < address || !rf_vma_range_is_free(mm, address, address + size))
            return -RF_EINVAL;
    }
    if (mm->future_flags & RF_VM_LOCKED && rf_mm_lock_limit(k, mm, RF_PAGE_UP(size) / RF_PAGE_SIZE))
        return -RF_EAGAIN;
    struct rf_file *file;
    int64_t at = rf_shm_open(k, segment, flags & RF_SHM_RDONLY, &file);
    if (at)
        return at;
    at = rf_mm_map(k, mm, address, size, rf_mm_prot_given(k, file, prot), RF_MAP_SHARED | (address ? RF_MAP_FIXED : 0u), file, 0);
    rf_file_put(k, file);
    if (at >= 0 && mm->future_flags & RF_VM_LOCKED)
        rf_mm_populate(k, mm, (uint64_t)at, size, true);
    return at;
}

static int64_t sys_shmat(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t address = a[1];
    uint32_t flags = (uint32_t)a[2];
    if ((int32_t)a[0] < 0)
        return -RF_EINVAL;
    if (address & RF_PAGE_MASK) { /* SHMLBA is the page */
        if (!(flags & RF_SHM_RND))
            return -RF_EINVAL;
        address &= ~RF_PAGE_MASK;
    }
    if (!address && flags & RF_SHM_REMAP)
        return -RF_EINVAL;
    struct rf_shm_segment *segment = rf_shm_find(k, (int32_t)a[0]);
    if (!segment)
        return -RF_EINVAL;
    uint32_t mode = READ_MODE | (flags & RF_SHM_RDONLY ? 0 : WRITE_MODE) | (flags & RF_SHM_EXEC ? EXECUTE_MODE : 0);
    if (!rf_shm_permits(k, segment, mode))
        return -RF_EACCES;
    rf_shm_hold(segment); /* SHM_REMAP may unmap its last attachment */
    int64_t at = attach(k, segment, address, flags);
    rf_shm_let_go(k, segment);
    return at;
}

/* All parts that are left of what was attached at the address; those of another attachment stay. */
static int64_t sys_shmdt(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_mm *mm = k->current->mm;
    uint64_t address = a[0], size = 0;
    const struct rf_file *file = NULL;
    if (address & RF_PAGE_MASK)
        return -RF_EINVAL;
    for (struct rf_vma *vma = rf_vma_after(mm, address), *next; vma; vma = next) {
        uint64_t start = vma->start, end = vma->end;
        next = vma->next;
        if (file && end - address > size)
            break;
        if (!vma->file || !rf_file_is_shm(vma->file) || start - address != vma->offset || (file && vma->file != file))
            continue;
        file = vma->file;
        size = RF_PAGE_UP(file->inode->size);
        rf_mm_unmap(k, mm, start, end - start);
    }
    return file ? 0 : -RF_EINVAL;
}

/* --- shmctl --- */

static int64_t highest_index(const struct rf_kernel *k)
{
    const struct rf_shm_set *set = rf_shm_set(k);
    int64_t index = 0;
    for (const struct rf_shm_segment *s = set ? set->first : NULL; s; s = s->next)
        index = s->index;
    return index;
}

static int64_t tell_limits(struct rf_kernel *k, uint64_t user)
{
    const struct rf_shminfo64 info = { .shmmax = RF_SHMMAX, .shmmin = 1, .shmmni = RF_SHMMNI, .shmseg = RF_SHMMNI,
                                       .shmall = RF_SHMMAX };
    return RF_PUT_USER(k, user, info) ? -RF_EFAULT : highest_index(k);
}

static int64_t tell_use(struct rf_kernel *k, uint64_t user)
{
    const struct rf_shm_set *set = rf_shm_set(k);
    struct rf_shm_info info = { .used_ids = set ? set->count : 0, .shm_tot = set ? set->pages : 0 };
    for (const struct rf_shm_segment *s = set ? set->first : NULL; s; s = s->next)
        info.shm_rss += s->inode->blocks / (RF_PAGE_SIZE / 512);
    return RF_PUT_USER(k, user, info) ? -RF_EFAULT : highest_index(k);
}

static int64_t tell_segment(struct rf_kernel *k, int32_t id, int command, uint64_t user)
{
    struct rf_shm_segment *s = command == RF_IPC_STAT ? rf_shm_find(k, id) : rf_shm_at_index(k, id & 0x7fff);
    if (!s)
        return -RF_EINVAL;
    if (command != RF_SHM_STAT_ANY && !rf_shm_permits(k, s, READ_MODE))
        return -RF_EACCES;
    const struct rf_shmid64_ds ds = {
        .shm_perm = { .key = s->key, .uid = s->uid, .gid = s->gid, .cuid = s->cuid, .cgid = s->cgid, .mode = s->mode,
                      .seq = s->sequence },
        .shm_segsz = s->size, .shm_atime = s->atime, .shm_dtime = s->dtime, .shm_ctime = s->ctime,
        .shm_cpid = s->creator, .shm_lpid = s->last, .shm_nattch = s->attached,
    };
    int32_t result = command == RF_IPC_STAT ? 0 : s->id;
    return RF_PUT_USER(k, user, ds) ? -RF_EFAULT : result;
}

static bool owns(const struct rf_kernel *k, const struct rf_shm_segment *s)
{
    uint32_t euid = k->current->credentials.euid;
    return euid == s->uid || euid == s->cuid;
}

/* shmctl_down: IPC_SET, IPC_RMID */
static int64_t change(struct rf_kernel *k, int32_t id, int command, uint64_t user)
{
    struct rf_shmid64_ds ds = { 0 };
    if (command == RF_IPC_SET && RF_GET_USER(k, ds, user))
        return -RF_EFAULT;
    struct rf_shm_segment *s = rf_shm_find(k, id);
    if (!s)
        return -RF_EINVAL;
    if (!owns(k, s) && !rf_capable(k, RF_CAP_SYS_ADMIN))
        return -RF_EPERM;
    if (command == RF_IPC_RMID) {
        rf_shm_remove(k, s);
        return 0;
    }
    if (ds.shm_perm.uid == UINT32_MAX || ds.shm_perm.gid == UINT32_MAX)
        return -RF_EINVAL;
    s->uid = ds.shm_perm.uid;
    s->gid = ds.shm_perm.gid;
    s->mode = (s->mode & ~0777u) | (ds.shm_perm.mode & 0777);
    s->ctime = (int64_t)(rf_clock_realtime(k) / 1000000000);
    return 0;
}

/* shmctl_do_lock */
static int64_t lock(struct rf_kernel *k, int32_t id, bool locked)
{
    struct rf_shm_segment *s = rf_shm_find(k, id);
    uint64_t limit = k->current->process->rlimit[RF_RLIMIT_MEMLOCK].rlim_cur;
    if (!s)
        return -RF_EINVAL;
    if (!rf_capable(k, RF_CAP_IPC_LOCK)) {
        if (!owns(k, s))
            return -RF_EPERM;
        if (locked && !limit)
            return -RF_EPERM;
        if (locked && !(s->mode & RF_SHM_LOCKED) && limit != UINT64_MAX && RF_PAGE_UP(s->size) > limit)
            return -RF_ENOMEM;
    }
    s->mode = locked ? s->mode | RF_SHM_LOCKED : s->mode & ~(uint32_t)RF_SHM_LOCKED;
    return 0;
}

static int64_t sys_shmctl(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t id = (int32_t)a[0];
    int command = (int)a[1];
    if (command < 0 || id < 0)
        return -RF_EINVAL;
    switch (command) {
    case RF_IPC_INFO: return tell_limits(k, a[2]);
    case RF_SHM_INFO: return tell_use(k, a[2]);
    case RF_SHM_STAT:
    case RF_SHM_STAT_ANY:
    case RF_IPC_STAT: return tell_segment(k, id, command, a[2]);
    case RF_IPC_SET:
    case RF_IPC_RMID: return change(k, id, command, a[2]);
    case RF_SHM_LOCK: return lock(k, id, true);
    case RF_SHM_UNLOCK: return lock(k, id, false);
    default: return -RF_EINVAL;
    }
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_shmget, sys_shmget },
    { RF_NR_shmat, sys_shmat },
    { RF_NR_shmdt, sys_shmdt },
    { RF_NR_shmctl, sys_shmctl },
};
const struct rf_handler_table rf_handlers_shm = RF_HANDLER_TABLE(entries);
