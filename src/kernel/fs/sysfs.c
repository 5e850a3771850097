/* sysfs: what programs ask of the one CPU, the one memory node, the loopback device and huge pages. Read-only, from one
 * table; a directory is there because something lies below it. */
#include "kernel/fs/procfs.h"
#include "kernel/frames.h"
#include "kernel/vfs/fstype.h"

#include <string.h>

#define SYSFS_FILE_SIZE 4096 /* what stat(2) says of every attribute */
#define CPU "devices/system/cpu"
#define CPU0 CPU "/cpu0"
#define TOPOLOGY CPU0 "/topology/"
#define CACHE CPU0 "/cache/index"
#define NODE "devices/system/node"
#define LO "devices/virtual/net/lo"
#define THP "kernel/mm/transparent_hugepage/"

struct entry {
    const char *path;
    const char *text;                                           /* constant contents */
    void (*write)(struct rf_text *out, struct rf_kernel *k);    /* or made when read */
    const char *target;                                         /* or a symbolic link's */
    bool (*exists)(const struct rf_kernel *k);                  /* NULL: always */
};

static void memory_of_node(struct rf_text *out, struct rf_kernel *k)
{
    unsigned long long total = rf_frames_total(k) * RF_PAGE_SIZE / 1024, unused = rf_frames_free(k) * RF_PAGE_SIZE / 1024;
    rf_text_add(out, "Node 0 MemTotal:       %8llu kB\nNode 0 MemFree:        %8llu kB\n", total, unused);
    rf_text_add(out, "Node 0 MemUsed:        %8llu kB\n", total - unused);
    rf_text_add(out, "Node 0 HugePages_Total:     0\nNode 0 HugePages_Free:      0\nNode 0 HugePages_Surp:      0\n");
}

/* CPUID's leaf 4, which AMD's do not have. */
static bool tells_caches(const struct rf_kernel *k)
{
    return k->cpu->vendor == RF_VENDOR_INTEL;
}

#define CACHE_ENTRIES(index, level, type, size, sets, ways)                                     \
    { .path = CACHE index "/coherency_line_size", .text = "64\n", .exists = tells_caches },     \
    { .path = CACHE index "/id", .text = "0\n", .exists = tells_caches },                       \
    { .path = CACHE index "/level", .text = level "\n", .exists = tells_caches },               \
    { .path = CACHE index "/number_of_sets", .text = sets "\n", .exists = tells_caches },       \
    { .path = CACHE index "/physical_line_partition", .text = "1\n", .exists = tells_caches },  \
    { .path = CACHE index "/shared_cpu_list", .text = "0\n", .exists = tells_caches },          \
    { .path = CACHE index "/shared_cpu_map", .text = "1\n", .exists = tells_caches },           \
    { .path = CACHE index "/size", .text = size "\n", .exists = tells_caches },                 \
    { .path = CACHE index "/type", .text = type "\n", .exists = tells_caches },                 \
    { .path = CACHE index "/ways_of_associativity", .text = ways "\n", .exists = tells_caches }

/* Sorted: what a directory holds stands together. A path that ends in '/' is an empty directory. */
static const struct entry entries[] = {
    { .path = "block/" },
    { .path = "bus/" },
    { .path = "class/net/lo", .target = "../../" LO },
    { .path = "dev/block/" },
    { .path = "dev/char/" },
    CACHE_ENTRIES("0", "1", "Data", "32K", "64", "8"),
    CACHE_ENTRIES("1", "1", "Instruction", "32K", "64", "8"),
    CACHE_ENTRIES("2", "2", "Unified", "1024K", "1024", "16"),
    { .path = CPU0 "/node0", .target = "../../node/node0" },
    { .path = TOPOLOGY "cluster_cpus", .text = "1\n" },
    { .path = TOPOLOGY "cluster_cpus_list", .text = "0\n" },
    { .path = TOPOLOGY "core_cpus", .text = "1\n" },
    { .path = TOPOLOGY "core_cpus_list", .text = "0\n" },
    { .path = TOPOLOGY "core_id", .text = "0\n" },
    { .path = TOPOLOGY "core_siblings", .text = "1\n" },
    { .path = TOPOLOGY "core_siblings_list", .text = "0\n" },
    { .path = TOPOLOGY "die_cpus", .text = "1\n" },
    { .path = TOPOLOGY "die_cpus_list", .text = "0\n" },
    { .path = TOPOLOGY "die_id", .text = "0\n" },
    { .path = TOPOLOGY "package_cpus", .text = "1\n" },
    { .path = TOPOLOGY "package_cpus_list", .text = "0\n" },
    { .path = TOPOLOGY "physical_package_id", .text = "0\n" },
    { .path = TOPOLOGY "thread_siblings", .text = "1\n" },
    { .path = TOPOLOGY "thread_siblings_list", .text = "0\n" },
    { .path = CPU "/isolated", .text = "\n" },
    { .path = CPU "/kernel_max", .text = "0\n" },
    { .path = CPU "/offline", .text = "\n" },
    { .path = CPU "/online", .text = "0\n" },
    { .path = CPU "/possible", .text = "0\n" },
    { .path = CPU "/present", .text = "0\n" },
    { .path = CPU "/smt/active", .text = "0\n" },
    { .path = CPU "/smt/control", .text = "notsupported\n" },
    { .path = NODE "/has_cpu", .text = "0\n" },
    { .path = NODE "/has_memory", .text = "0\n" },
    { .path = NODE "/has_normal_memory", .text = "0\n" },
    { .path = NODE "/node0/cpu0", .target = "../../cpu/cpu0" },
    { .path = NODE "/node0/cpulist", .text = "0\n" },
    { .path = NODE "/node0/cpumap", .text = "1\n" },
    { .path = NODE "/node0/distance", .text = "10\n" },
    { .path = NODE "/node0/meminfo", .write = memory_of_node },
    { .path = NODE "/online", .text = "0\n" },
    { .path = NODE "/possible", .text = "0\n" },
    { .path = LO "/addr_assign_type", .text = "0\n" },
    { .path = LO "/addr_len", .text = "6\n" },
    { .path = LO "/address", .text = "00:00:00:00:00:00\n" },
    { .path = LO "/broadcast", .text = "00:00:00:00:00:00\n" },
    { .path = LO "/carrier", .text = "1\n" },
    { .path = LO "/dev_id", .text = "0x0\n" },
    { .path = LO "/dev_port", .text = "0\n" },
    { .path = LO "/dormant", .text = "0\n" },
    { .path = LO "/flags", .text = "0x9\n" },
    { .path = LO "/ifindex", .text = "1\n" },
    { .path = LO "/iflink", .text = "1\n" },
    { .path = LO "/link_mode", .text = "0\n" },
    { .path = LO "/mtu", .text = "65536\n" },
    { .path = LO "/name_assign_type", .text = "2\n" },
    { .path = LO "/netdev_group", .text = "0\n" },
    { .path = LO "/operstate", .text = "unknown\n" },
    { .path = LO "/subsystem", .target = "../../../../class/net" },
    { .path = LO "/tx_queue_len", .text = "1000\n" },
    { .path = LO "/type", .text = "772\n" },
    { .path = LO "/uevent", .text = "INTERFACE=lo\nIFINDEX=1\n" },
    { .path = "firmware/" },
    { .path = "fs/" },
    { .path = THP "defrag", .text = "always defer defer+madvise [madvise] never\n" },
    { .path = THP "enabled", .text = "always madvise [never]\n" },
    { .path = THP "hpage_pmd_size", .text = "2097152\n" },
    { .path = THP "use_zero_page", .text = "0\n" },
    { .path = "module/" },
    { .path = "power/" },
};
#define COUNT RF_ARRAY_SIZE(entries)

/* An inode is an entry, or the directory that the first `length` bytes of an entry's path name. */
struct node {
    const struct entry *entry;
    size_t length; /* 0: the root */
    bool directory;
};

static const struct rf_inode_ops inode_ops;
static const struct rf_file_ops file_ops, directory_ops;

static const struct node *node_of(const struct rf_inode *inode)
{
    return inode->private_data;
}

static uint64_t number_of(const char *path, size_t length)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        h = (h ^ (uint8_t)path[i]) * UINT64_C(0x100000001b3);
    return length ? (h >> 33) + 2 : 1;
}

/* The component of entry i that stands in the directory: its length, 0 if the entry is not below it. */
static size_t component(const struct rf_kernel *k, const struct node *dir, const struct entry *e, const char **name)
{
    const char *path = e->path;
    if (e->exists && !e->exists(k))
        return 0;
    if (dir->length && (strncmp(path, dir->entry->path, dir->length) != 0 || path[dir->length] != '/'))
        return 0;
    *name = path + dir->length + (dir->length != 0);
    return strcspn(*name, "/");
}

static int64_t make_inode(struct rf_kernel *k, struct rf_mount *mount, const struct entry *e, size_t length,
                          struct rf_inode **out)
{
    bool directory = !length || e->path[length] == '/';
    uint32_t mode = directory ? RF_S_IFDIR | 0755 : e->target ? RF_S_IFLNK | 0777 : RF_S_IFREG | 0444;
    struct node *node = rf_kalloc(k, sizeof *node);
    struct rf_inode *inode = node ? rf_inode_alloc(k, mount, mode) : NULL;
    if (!inode) {
        rf_kfree(k, node);
        return -RF_ENOMEM;
    }
    *node = (struct node){ e, length, directory };
    inode->private_data = node;
    inode->ops = &inode_ops;
    inode->file_ops = directory ? &directory_ops : e->target ? NULL : &file_ops;
    inode->ino = number_of(e->path, length);
    inode->uid = inode->gid = 0;
    inode->nlink = directory ? 2 : 1;
    inode->size = directory || e->target ? 0 : SYSFS_FILE_SIZE;
    *out = inode;
    return 0;
}

static int64_t lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode **out)
{
    const struct node *node = node_of(dir);
    if (!node->directory)
        return -RF_ENOTDIR;
    for (size_t i = 0; i < COUNT; i++) {
        const char *part;
        size_t length = component(k, node, &entries[i], &part);
        if (length && length == strlen(name) && !strncmp(part, name, length))
            return make_inode(k, dir->mount, &entries[i], (size_t)(part - entries[i].path) + length, out);
    }
    return -RF_ENOENT;
}

static int64_t read_link(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    (void)k;
    const char *target = node_of(inode)->entry->target;
    size_t length = strlen(target) < size ? strlen(target) : size;
    memcpy(out, target, length);
    return (int64_t)length;
}

static void destroy(struct rf_kernel *k, struct rf_inode *inode)
{
    rf_kfree(k, inode->private_data);
}

static int64_t read_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    const struct entry *e = node_of(file->inode)->entry;
    struct rf_text text = { .k = k };
    if (e->text)
        rf_text_bytes(&text, e->text, strlen(e->text));
    else
        e->write(&text, k);
    int64_t done = text.failed ? -RF_ENOMEM : 0;
    if (!done && *pos < text.used) {
        size_t n = text.used - *pos < uio->left ? (size_t)(text.used - *pos) : (size_t)uio->left;
        size_t moved = rf_uio_put(uio, text.bytes + *pos, n);
        *pos += moved;
        done = moved || !n ? (int64_t)moved : -RF_EFAULT;
    }
    rf_kfree(k, text.bytes);
    return done;
}

/* Cursor: 0 ".", 1 "..", then 2 + the entry's place in the table. */
static int64_t readdir(struct rf_kernel *k, struct rf_file *file,
                       bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos), void *user)
{
    const struct node *node = node_of(file->inode);
    const char *path = node->entry->path;
    size_t above = node->length;
    while (above && path[above - 1] != '/')
        above--;
    if (file->pos == 0 && !emit(user, ".", file->inode->ino, RF_DT_DIR, 1))
        return 0;
    if (file->pos <= 1 && !emit(user, "..", number_of(path, above ? above - 1 : 0), RF_DT_DIR, 2))
        return 0;
    char last[64] = "";
    for (size_t i = 0; i < COUNT; i++) {
        const char *part;
        size_t length = component(k, node, &entries[i], &part);
        if (!length || length >= sizeof last || (strlen(last) == length && !strncmp(last, part, length)))
            continue;
        memcpy(last, part, length);
        last[length] = '\0';
        bool directory = part[length] == '/';
        size_t whole = (size_t)(part - entries[i].path) + length;
        if (i + 2 >= file->pos && !emit(user, last, number_of(entries[i].path, whole),
                                        directory ? RF_DT_DIR : entries[i].target ? RF_DT_LNK : RF_DT_REG, i + 3))
            break;
    }
    return 0;
}

static const struct rf_file_ops file_ops = { .read = read_file };
static const struct rf_file_ops directory_ops = { .readdir = readdir };
static const struct rf_inode_ops inode_ops = { .lookup = lookup, .readlink = read_link, .destroy = destroy };
static const struct rf_mount_ops mount_ops;

struct rf_mount *rf_sysfs_create(struct rf_kernel *k)
{
    struct rf_mount *mount = rf_mount_alloc(k, "sysfs", RF_SYSFS_MAGIC, &mount_ops);
    struct rf_inode *root;
    if (mount && make_inode(k, mount, &entries[0], 0, &root) == 0) {
        mount->root = rf_dentry_new(k, NULL, "", root);
        rf_inode_put(k, root);
    }
    if (mount && !mount->root) {
        rf_mount_free(k, mount);
        return NULL;
    }
    return mount;
}

static int64_t mount_sysfs(struct rf_kernel *k, const char *source, const char *options, struct rf_mount **out)
{
    (void)source, (void)options;
    *out = rf_sysfs_create(k);
    return *out ? 0 : -RF_ENOMEM;
}

const struct rf_fs_type rf_sysfs_type = { .name = "sysfs", .flags = RF_FS_USER, .mount = mount_sysfs };
