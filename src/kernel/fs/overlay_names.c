/* overlay: directories. Names are looked for from the upper layer down; a whiteout in one layer hides what those
 * below it have, and changes are made in the upper layer alone (fs/overlayfs/namei.c, dir.c, readdir.c). */
#include "kernel/fs/listing.h"
#include "kernel/fs/overlay.h"

#include <string.h>

#define WHITEOUT_TYPE 14 /* DT_WHT */

/* --- lookup --- */

/* What the layers have under one name. */
struct found {
    struct rf_inode *upper;
    struct rf_inode **lowers; /* room for all layers of the directory */
    uint32_t lower_count;
};

static void release_found(struct rf_kernel *k, struct found *f)
{
    rf_inode_put(k, f->upper);
    for (uint32_t i = 0; i < f->lower_count; i++)
        rf_inode_put(k, f->lowers[i]);
    rf_kfree(k, f->lowers);
}

/* Look in one layer. 1: those below matter too; 0: enough; -errno. */
static int64_t look_in(struct rf_kernel *k, struct rf_inode *layer, const char *name, bool is_upper, struct found *f)
{
    struct rf_inode *real;
    int64_t result = rf_overlay_lookup_in(k, layer, name, &real);
    if (result == -RF_ENOENT || result == -RF_ENOTDIR)
        return 1;
    if (result)
        return result;
    bool directory = RF_S_ISDIR(real->mode), first = !f->upper && !f->lower_count;
    if (rf_overlay_is_whiteout(real) || (!directory && !first)) {
        rf_inode_put(k, real);
        return 0;
    }
    if (is_upper)
        f->upper = real;
    else
        f->lowers[f->lower_count++] = real;
    return directory && !rf_overlay_is_opaque(k, real);
}

static int64_t find_layers(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct found *f)
{
    const struct rf_overlay_inode *o = rf_overlay_of(dir);
    *f = (struct found){ 0 };
    f->lowers = rf_kalloc(k, (o->lower_count + 1) * sizeof(struct rf_inode *));
    int64_t result = f->lowers ? 1 : -RF_ENOMEM;
    if (result > 0 && o->upper)
        result = look_in(k, o->upper, name, true, f);
    for (uint32_t i = 0; result > 0 && i < o->lower_count; i++)
        result = look_in(k, o->lowers[i], name, false, f);
    if (result >= 0)
        result = f->upper || f->lower_count ? 0 : -RF_ENOENT;
    if (result)
        release_found(k, f);
    return result;
}

static int64_t lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode **out)
{
    struct found f;
    int64_t result = find_layers(k, dir, name, &f);
    if (result)
        return result;
    *out = rf_overlay_inode(k, dir, name, f.upper, f.lowers, f.lower_count);
    return *out ? 0 : -RF_ENOMEM;
}

/* Would the name still be seen if the upper layer did not have it? */
static bool lower_has(struct rf_kernel *k, const struct rf_inode *dir, const char *name)
{
    const struct rf_overlay_inode *o = rf_overlay_of(dir);
    for (uint32_t i = 0; i < o->lower_count; i++) {
        struct rf_inode *real;
        if (rf_overlay_lookup_in(k, o->lowers[i], name, &real))
            continue;
        bool whiteout = rf_overlay_is_whiteout(real);
        rf_inode_put(k, real);
        return !whiteout;
    }
    return false;
}

/* --- whiteouts --- */

static int64_t put_whiteout(struct rf_kernel *k, struct rf_inode *upper_dir, const char *name)
{
    struct rf_inode *whiteout;
    int64_t result = upper_dir->ops->create(k, upper_dir, name, RF_S_IFCHR, 0, &whiteout);
    if (result == 0)
        rf_inode_put(k, whiteout);
    return result;
}

/* What the upper directory itself has: 0, -RF_ENOENT. */
static int64_t in_upper(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode **out)
{
    struct rf_inode *upper = rf_overlay_of(dir)->upper;
    return upper ? rf_overlay_lookup_in(k, upper, name, out) : -RF_ENOENT;
}

/* Take a whiteout away, if there is one, to make room for something: *was tells. */
static int64_t clear_whiteout(struct rf_kernel *k, struct rf_inode *dir, const char *name, bool *was)
{
    struct rf_inode *real, *upper = rf_overlay_of(dir)->upper;
    *was = false;
    int64_t result = in_upper(k, dir, name, &real);
    if (result)
        return result == -RF_ENOENT ? 0 : result;
    if (rf_overlay_is_whiteout(real)) {
        *was = true;
        result = upper->ops->remove(k, upper, name, real);
    }
    rf_inode_put(k, real);
    return result;
}

static int64_t set_opaque(struct rf_kernel *k, struct rf_inode *upper)
{
    return upper->ops->setxattr ? upper->ops->setxattr(k, upper, RF_OVERLAY_OPAQUE, "y", 1, 0) : -RF_EOPNOTSUPP;
}

/* --- listing --- */

struct gathering {
    struct rf_kernel *k;
    struct rf_listing *seen, *all; /* what layers above have, sorted; what it becomes */
    struct rf_inode *layer;
    bool is_upper, failed;
    uint64_t pos;
};

static bool gather(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos)
{
    struct gathering *g = user;
    g->pos = next_pos;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || rf_listing_find(g->seen, name))
        return true;
    struct rf_inode *real = NULL;
    if (g->is_upper || type == RF_DT_CHR || type == RF_DT_UNKNOWN) {
        if (rf_overlay_lookup_in(g->k, g->layer, name, &real))
            return true; /* gone meanwhile */
        ino = g->is_upper ? rf_overlay_upper_ino(g->k, real) : ino;
        type = rf_overlay_is_whiteout(real) ? WHITEOUT_TYPE : rf_mode_to_dtype(real->mode);
        rf_inode_put(g->k, real);
    }
    g->failed = !rf_listing_add(g->k, g->all, name, ino, type);
    return !g->failed;
}

/* The entries of one layer that those above do not have or hide, into g->all. */
static int64_t gather_layer(struct gathering *g)
{
    struct rf_file *file;
    int64_t result = rf_overlay_open_real(g->k, g->layer, RF_O_RDONLY | RF_O_DIRECTORY, &file);
    if (result)
        return result;
    for (g->pos = 0; !result && !g->failed; file->pos = g->pos) {
        uint64_t before = g->pos;
        result = file->ops->readdir ? file->ops->readdir(g->k, file, gather, g) : -RF_ENOTDIR;
        if (result || g->pos == before)
            break;
    }
    rf_file_put(g->k, file);
    return result ? result : g->failed ? -RF_ENOMEM : 0;
}

/* A copy of what is known so far, to look names up in while the other grows. */
static bool copy_listing(struct rf_kernel *k, const struct rf_listing *from, struct rf_listing *to)
{
    for (uint32_t i = to->count; i < from->count; i++)
        if (!rf_listing_add(k, to, from->entries[i]->name, from->entries[i]->ino, from->entries[i]->type))
            return false;
    rf_listing_sort(to);
    return true;
}

static void drop_whiteouts(struct rf_kernel *k, struct rf_listing *listing)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < listing->count; i++) {
        if (listing->entries[i]->type == WHITEOUT_TYPE)
            rf_kfree(k, listing->entries[i]);
        else
            listing->entries[kept++] = listing->entries[i];
    }
    listing->count = kept;
}

/* Every name once. NULL: *error says why. */
static struct rf_listing *merge(struct rf_kernel *k, const struct rf_inode *dir, int64_t *error)
{
    const struct rf_overlay_inode *o = rf_overlay_of(dir);
    struct gathering g = { .k = k, .seen = rf_listing_new(k), .all = rf_listing_new(k) };
    *error = g.seen && g.all ? 0 : -RF_ENOMEM;
    uint32_t uppers = o->upper ? 1 : 0;
    for (uint32_t i = 0; !*error && i < uppers + o->lower_count; i++) {
        g.is_upper = i < uppers;
        g.layer = g.is_upper ? o->upper : o->lowers[i - uppers];
        *error = gather_layer(&g);
        if (!*error && i + 1 < uppers + o->lower_count && !copy_listing(k, g.all, g.seen))
            *error = -RF_ENOMEM;
    }
    rf_listing_free(k, g.seen);
    if (*error) {
        rf_listing_free(k, g.all);
        return NULL;
    }
    drop_whiteouts(k, g.all);
    rf_listing_sort(g.all);
    return g.all;
}

static void release_directory(struct rf_kernel *k, struct rf_file *file)
{
    rf_listing_free(k, file->private_data);
    file->private_data = NULL;
}

static int64_t readdir(struct rf_kernel *k, struct rf_file *file,
                       bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos),
                       void *user)
{
    int64_t error;
    if (file->pos == 0 || !file->private_data) {
        release_directory(k, file);
        file->private_data = merge(k, file->inode, &error);
        if (!file->private_data)
            return error;
    }
    const struct rf_inode *above = rf_overlay_of(file->inode)->parent;
    rf_listing_emit(file->private_data, file, above ? above->ino : file->inode->ino, emit, user);
    return 0;
}

const struct rf_file_ops rf_overlay_directory_file_ops = { .readdir = readdir, .release = release_directory };

/* --- new names --- */

static void changed(struct rf_kernel *k, struct rf_inode *dir)
{
    rf_overlay_refresh(k, dir);
}

static int64_t begin_new(struct rf_kernel *k, struct rf_inode *dir, const char *name, bool *covers)
{
    int64_t result = rf_overlay_copy_up(k, dir, true);
    return result ? result : clear_whiteout(k, dir, name, covers);
}

/* The upper layer has a new object; or has none (result), and the whiteout comes back. */
static int64_t end_new(struct rf_kernel *k, struct rf_inode *dir, const char *name, bool covered, int64_t result,
                       struct rf_inode *upper, struct rf_inode **out)
{
    struct rf_inode *upper_dir = rf_overlay_of(dir)->upper;
    if (!result && covered && RF_S_ISDIR(upper->mode) && (result = set_opaque(k, upper)) != 0) {
        upper_dir->ops->remove(k, upper_dir, name, upper);
        rf_inode_put(k, upper);
    }
    if (result && covered)
        put_whiteout(k, upper_dir, name);
    changed(k, dir);
    if (result)
        return result;
    *out = rf_overlay_inode(k, dir, name, upper, NULL, 0);
    return *out ? 0 : -RF_ENOMEM;
}

static int64_t create(struct rf_kernel *k, struct rf_inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                      struct rf_inode **out)
{
    bool covers;
    struct rf_inode *upper = NULL;
    if (RF_S_ISCHR(mode) && rdev == 0)
        return -RF_EPERM; /* it would hide itself */
    int64_t result = begin_new(k, dir, name, &covers);
    if (result)
        return result;
    struct rf_inode *upper_dir = rf_overlay_of(dir)->upper;
    result = upper_dir->ops->create(k, upper_dir, name, mode, rdev, &upper);
    return end_new(k, dir, name, covers, result, upper, out);
}

static int64_t make_symlink(struct rf_kernel *k, struct rf_inode *dir, const char *name, const char *target,
                            struct rf_inode **out)
{
    bool covers;
    struct rf_inode *upper = NULL;
    int64_t result = begin_new(k, dir, name, &covers);
    if (result)
        return result;
    struct rf_inode *upper_dir = rf_overlay_of(dir)->upper;
    result = upper_dir->ops->symlink ? upper_dir->ops->symlink(k, upper_dir, name, target, &upper) : -RF_EPERM;
    return end_new(k, dir, name, covers, result, upper, out);
}

static int64_t make_tmpfile(struct rf_kernel *k, struct rf_inode *dir, uint32_t mode, struct rf_inode **out)
{
    struct rf_inode *upper;
    int64_t result = rf_overlay_copy_up(k, dir, true);
    if (result)
        return result;
    struct rf_inode *upper_dir = rf_overlay_of(dir)->upper;
    result = upper_dir->ops->tmpfile ? upper_dir->ops->tmpfile(k, upper_dir, mode, &upper) : -RF_EOPNOTSUPP;
    if (result)
        return result;
    *out = rf_overlay_inode(k, dir, "", upper, NULL, 0);
    if (*out)
        rf_overlay_place(k, *out, NULL, NULL);
    return *out ? 0 : -RF_ENOMEM;
}

static int64_t make_link(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode)
{
    bool covers;
    int64_t result = rf_overlay_copy_up(k, inode, true);
    if (!result)
        result = begin_new(k, dir, name, &covers);
    if (result)
        return result;
    struct rf_inode *upper_dir = rf_overlay_of(dir)->upper, *upper = rf_overlay_of(inode)->upper;
    result = upper_dir->ops->link ? upper_dir->ops->link(k, upper_dir, name, upper) : -RF_EPERM;
    if (result && covers)
        put_whiteout(k, upper_dir, name);
    if (!result && !rf_overlay_of(inode)->parent)
        rf_overlay_place(k, inode, dir, name);
    rf_overlay_refresh(k, inode);
    changed(k, dir);
    return result;
}

/* --- names that go --- */

/* 0, -RF_ENOTEMPTY. What is left in the upper directory then are whiteouts: they go first. */
static int64_t empty_upper(struct rf_kernel *k, struct rf_inode *dir)
{
    int64_t error;
    struct rf_listing *listing = merge(k, dir, &error);
    if (!listing)
        return error;
    error = listing->count ? -RF_ENOTEMPTY : 0;
    rf_listing_free(k, listing);
    return error;
}

static int64_t remove_whiteouts(struct rf_kernel *k, struct rf_inode *dir)
{
    struct rf_inode *upper = rf_overlay_of(dir)->upper;
    if (!upper)
        return 0;
    struct gathering g = { .k = k, .seen = rf_listing_new(k), .all = rf_listing_new(k), .layer = upper, .is_upper = true };
    int64_t result = g.seen && g.all ? gather_layer(&g) : -RF_ENOMEM;
    for (uint32_t i = 0; !result && i < g.all->count; i++) {
        bool was;
        result = clear_whiteout(k, dir, g.all->entries[i]->name, &was);
    }
    rf_listing_free(k, g.seen);
    rf_listing_free(k, g.all);
    return result;
}

/* The object has lost this name. */
static void lost_name(struct rf_kernel *k, struct rf_inode *inode, bool only_lower)
{
    if (only_lower)
        rf_overlay_uncover(k, inode);
    if (RF_S_ISDIR(inode->mode))
        inode->nlink = 0;
    rf_overlay_refresh(k, inode);
    if (!inode->nlink)
        rf_overlay_place(k, inode, NULL, NULL);
}

static int64_t remove_name(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode)
{
    int64_t result = rf_overlay_copy_up(k, dir, true);
    if (!result && RF_S_ISDIR(inode->mode))
        result = empty_upper(k, inode);
    if (!result && RF_S_ISDIR(inode->mode))
        result = remove_whiteouts(k, inode);
    if (result)
        return result;
    struct rf_inode *upper_dir = rf_overlay_of(dir)->upper, *real;
    bool was_upper = in_upper(k, dir, name, &real) == 0;
    if (was_upper) {
        result = upper_dir->ops->remove(k, upper_dir, name, real);
        rf_inode_put(k, real);
    }
    if (!result && lower_has(k, dir, name))
        result = put_whiteout(k, upper_dir, name);
    if (!result)
        lost_name(k, inode, !was_upper);
    changed(k, dir);
    return result;
}

/* --- rename --- */

/* The upper layer has the object under this name, not only under another one of its names. */
static int64_t name_in_upper(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode)
{
    struct rf_inode *real;
    int64_t result = rf_overlay_copy_up(k, dir, true);
    if (!result)
        result = rf_overlay_copy_up(k, inode, true);
    if (result)
        return result;
    result = in_upper(k, dir, name, &real);
    if (result == 0)
        rf_inode_put(k, real);
    if (result != -RF_ENOENT)
        return result;
    struct rf_inode *upper_dir = rf_overlay_of(dir)->upper;
    result = upper_dir->ops->link ? upper_dir->ops->link(k, upper_dir, name, rf_overlay_of(inode)->upper) : -RF_EXDEV;
    if (!result)
        rf_overlay_uncover(k, inode);
    return result;
}

/* Directories of lower layers stay where they are: as Linux without redirect_dir, programs then copy. */
static bool is_fixed(const struct rf_inode *inode)
{
    return RF_S_ISDIR(inode->mode) && rf_overlay_of(inode)->lower_count;
}

static int64_t prepare_rename(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode,
                              struct rf_inode *new_dir, struct rf_inode *victim)
{
    if (is_fixed(inode))
        return -RF_EXDEV;
    int64_t result = name_in_upper(k, dir, name, inode);
    if (!result)
        result = rf_overlay_copy_up(k, new_dir, true);
    if (!result && victim && RF_S_ISDIR(victim->mode))
        result = empty_upper(k, victim);
    if (!result && victim && RF_S_ISDIR(victim->mode))
        result = remove_whiteouts(k, victim);
    return result;
}

static int64_t rename_name(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode,
                           struct rf_inode *new_dir, const char *new_name, struct rf_inode *victim)
{
    int64_t result = prepare_rename(k, dir, name, inode, new_dir, victim);
    if (result)
        return result;
    struct rf_inode *from = rf_overlay_of(dir)->upper, *to = rf_overlay_of(new_dir)->upper, *over = NULL;
    bool hides_old = lower_has(k, dir, name), hides_new = lower_has(k, new_dir, new_name), covered = false;
    if (RF_S_ISDIR(inode->mode))
        result = clear_whiteout(k, new_dir, new_name, &covered);
    if (!result && RF_S_ISDIR(inode->mode) && hides_new)
        result = set_opaque(k, rf_overlay_of(inode)->upper);
    if (!result && in_upper(k, new_dir, new_name, &over))
        over = NULL;
    bool victim_in_upper = over && !rf_overlay_is_whiteout(over);
    if (!result)
        result = from->ops->rename(k, from, name, rf_overlay_of(inode)->upper, to, new_name, over);
    rf_inode_put(k, over);
    if (result) {
        if (covered)
            put_whiteout(k, to, new_name);
        return result;
    }
    if (hides_old)
        result = put_whiteout(k, from, name);
    if (victim)
        lost_name(k, victim, !victim_in_upper);
    if (!rf_overlay_place(k, inode, new_dir, new_name))
        result = -RF_ENOMEM;
    rf_overlay_refresh(k, inode);
    changed(k, dir);
    changed(k, new_dir);
    return result;
}

static int64_t exchange_names(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode,
                              struct rf_inode *new_dir, const char *new_name, struct rf_inode *other)
{
    if (is_fixed(inode) || is_fixed(other))
        return -RF_EXDEV;
    int64_t result = name_in_upper(k, dir, name, inode);
    if (!result)
        result = name_in_upper(k, new_dir, new_name, other);
    if (result)
        return result;
    struct rf_inode *from = rf_overlay_of(dir)->upper, *to = rf_overlay_of(new_dir)->upper;
    struct rf_inode *a = rf_overlay_of(inode)->upper, *b = rf_overlay_of(other)->upper;
    if (!from->ops->exchange)
        return -RF_EINVAL;
    if (RF_S_ISDIR(inode->mode) && lower_has(k, new_dir, new_name))
        result = set_opaque(k, a);
    if (!result && RF_S_ISDIR(other->mode) && lower_has(k, dir, name))
        result = set_opaque(k, b);
    if (!result)
        result = from->ops->exchange(k, from, name, a, to, new_name, b);
    if (!result && !(rf_overlay_place(k, inode, new_dir, new_name) && rf_overlay_place(k, other, dir, name)))
        result = -RF_ENOMEM;
    rf_overlay_refresh(k, inode);
    rf_overlay_refresh(k, other);
    changed(k, dir);
    changed(k, new_dir);
    return result;
}

const struct rf_inode_ops rf_overlay_directory_ops = {
    .lookup = lookup,
    .create = create,
    .symlink = make_symlink,
    .link = make_link,
    .remove = remove_name,
    .rename = rename_name,
    .exchange = exchange_names,
    .tmpfile = make_tmpfile,
    .getattr = rf_overlay_getattr,
    .setattr = rf_overlay_setattr,
    .getxattr = rf_overlay_getxattr,
    .listxattr = rf_overlay_listxattr,
    .setxattr = rf_overlay_setxattr,
    .destroy = rf_overlay_destroy_inode,
};
