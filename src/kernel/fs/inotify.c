/* inotify(7): watches on inodes, and the queue of what they have seen (fs/notify/inotify of Linux). */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/vfs/notify.h"
#include "kernel/vfs/poll.h"

#include <string.h>

#define MOST_EVENTS 16384u    /* fs.inotify.max_queued_events */
#define MOST_INSTANCES 128u   /* fs.inotify.max_user_instances */
#define MOST_WATCHES 65536u   /* fs.inotify.max_user_watches, of each user */
#define ALWAYS (RF_IN_UNMOUNT | RF_IN_Q_OVERFLOW | RF_IN_IGNORED)

struct event {
    struct event *next;
    int32_t wd;
    uint32_t mask, cookie, length; /* length: of the name in bytes as read, padded; 0: none */
    char name[];
};

struct rf_inotify_watch {
    struct rf_inotify_watch *next_of_inode, *next_of_group;
    struct rf_inotify *group;
    struct rf_inode *inode; /* referenced */
    int32_t wd;
    uint32_t mask;
};

struct rf_inotify {
    struct rf_inotify *next; /* k->vfs->watchers */
    struct rf_inotify_watch *watches;
    struct event *first, *last;
    uint32_t event_count, watch_count;
    int32_t last_wd;
    uint32_t uid; /* whose limits count */
    struct rf_wait_queue changed;
};

/* --- the queue --- */

static size_t size_of(const struct event *e)
{
    return sizeof(struct rf_inotify_event) + e->length;
}

static struct event *make_event(struct rf_kernel *k, int32_t wd, uint32_t mask, uint32_t cookie, const char *name)
{
    size_t unit = sizeof(struct rf_inotify_event), size = name ? (strlen(name) + 1 + unit - 1) / unit * unit : 0;
    struct event *e = rf_kalloc(k, sizeof *e + size);
    if (!e)
        return NULL;
    e->wd = wd;
    e->mask = mask;
    e->cookie = cookie;
    e->length = (uint32_t)size;
    if (name)
        strcpy(e->name, name);
    return e;
}

/* inotify_merge: the same again is not told twice in a row. */
static bool is_repeated(const struct event *last, int32_t wd, uint32_t mask, const char *name)
{
    return last && last->wd == wd && last->mask == mask && !last->length == !name && (!name || !strcmp(last->name, name));
}

static void queue(struct rf_kernel *k, struct rf_inotify *group, int32_t wd, uint32_t mask, uint32_t cookie, const char *name)
{
    if (is_repeated(group->last, wd, mask, name) || (group->last && group->last->mask == RF_IN_Q_OVERFLOW))
        return;
    struct event *e = group->event_count >= MOST_EVENTS ? NULL : make_event(k, wd, mask, cookie, name);
    if (!e) /* there is no room: that is what the last event says */
        e = make_event(k, -1, RF_IN_Q_OVERFLOW, 0, NULL);
    if (!e)
        return;
    if (group->last)
        group->last->next = e;
    else
        group->first = e;
    group->last = e;
    group->event_count++;
    rf_wake_for(k, &group->changed, RF_POLLIN | RF_POLLRDNORM);
}

static void drop_first(struct rf_kernel *k, struct rf_inotify *group)
{
    struct event *e = group->first;
    group->first = e->next;
    if (!group->first)
        group->last = NULL;
    group->event_count--;
    rf_kfree(k, e);
}

/* --- watches --- */

static void unlink_watch(struct rf_inotify_watch *w)
{
    struct rf_inotify_watch **at = &w->inode->watches;
    while (*at != w)
        at = &(*at)->next_of_inode;
    *at = w->next_of_inode;
    for (at = &w->group->watches; *at != w;)
        at = &(*at)->next_of_group;
    *at = w->next_of_group;
}

static void free_watch(struct rf_kernel *k, struct rf_inotify_watch *w, bool told)
{
    struct rf_inode *inode = w->inode;
    unlink_watch(w);
    w->group->watch_count--;
    k->vfs->watches--;
    if (told)
        queue(k, w->group, w->wd, RF_IN_IGNORED, 0, NULL);
    rf_kfree(k, w);
    rf_inode_put(k, inode);
}

void rf_notify_inode(struct rf_kernel *k, struct rf_inode *inode, uint32_t mask, uint32_t cookie, const char *name,
                     bool unlinked)
{
    for (struct rf_inotify_watch *w = inode->watches, *next; w; w = next) {
        next = w->next_of_inode;
        if (!(w->mask & mask & ~(uint32_t)RF_IN_ISDIR) || (unlinked && w->mask & RF_IN_EXCL_UNLINK))
            continue;
        uint32_t told = mask & (RF_IN_DELETE_SELF | RF_IN_MOVE_SELF) ? mask & ~(uint32_t)RF_IN_ISDIR : mask;
        queue(k, w->group, w->wd, told, cookie, name);
        if (w->mask & RF_IN_ONESHOT)
            free_watch(k, w, true);
    }
}

void rf_notify_gone(struct rf_kernel *k, struct rf_inode *inode)
{
    rf_inode_get(inode); /* the last watch would take it along */
    rf_notify_inode(k, inode, RF_IN_DELETE_SELF, 0, NULL, false);
    while (inode->watches)
        free_watch(k, inode->watches, true);
    rf_inode_put(k, inode);
}

void rf_notify_unmounted(struct rf_kernel *k, struct rf_mount *mount)
{
    for (struct rf_inotify *group = k->vfs->watchers; group; group = group->next)
        for (struct rf_inotify_watch *w = group->watches, *next; w; w = next) {
            next = w->next_of_group;
            if (w->inode->mount != mount)
                continue;
            queue(k, group, w->wd, RF_IN_UNMOUNT, 0, NULL);
            free_watch(k, w, true);
        }
}

uint32_t rf_notify_cookie(struct rf_kernel *k)
{
    return ++k->vfs->last_cookie;
}

/* --- the file --- */

static int64_t read_events(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    (void)pos;
    struct rf_inotify *group = file->private_data;
    int64_t done = 0;
    if (!group->first)
        return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on(k, &group->changed);
    while (group->first && size_of(group->first) <= uio->left) {
        const struct event *e = group->first;
        struct rf_inotify_event header = { .wd = e->wd, .mask = e->mask, .cookie = e->cookie, .len = e->length };
        if (rf_uio_put(uio, &header, sizeof header) != sizeof header || rf_uio_put(uio, e->name, e->length) != e->length)
            return done ? done : -RF_EFAULT;
        done += (int64_t)size_of(e);
        drop_first(k, group);
    }
    return done ? done : -RF_EINVAL;
}

static uint32_t poll_events(struct rf_kernel *k, struct rf_file *file, struct rf_poll_request *request)
{
    (void)k;
    struct rf_inotify *group = file->private_data;
    rf_poll_add(request, &group->changed);
    return group->first ? RF_POLLIN | RF_POLLRDNORM : 0;
}

static int64_t control(struct rf_kernel *k, struct rf_file *file, uint32_t command, uint64_t argument)
{
    const struct rf_inotify *group = file->private_data;
    int32_t bytes = 0;
    if (command != RF_FIONREAD)
        return -RF_ENOTTY;
    for (const struct event *e = group->first; e; e = e->next)
        bytes += (int32_t)size_of(e);
    return RF_PUT_USER(k, argument, bytes);
}

static void release(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_inotify *group = file->private_data, **at = &k->vfs->watchers;
    while (group->watches)
        free_watch(k, group->watches, false);
    while (group->first)
        drop_first(k, group);
    while (*at != group)
        at = &(*at)->next;
    *at = group->next;
    rf_wake(k, &group->changed);
    rf_kfree(k, group);
}

static const struct rf_file_ops inotify_ops = {
    .read = read_events,
    .seek = rf_anonymous_seek,
    .poll = poll_events,
    .ioctl = control,
    .release = release,
    .anonymous = "inotify",
};

int64_t rf_inotify_create(struct rf_kernel *k, uint32_t flags, struct rf_file **out)
{
    uint32_t uid = k->current->credentials.uid, instances = 0;
    for (const struct rf_inotify *g = k->vfs->watchers; g; g = g->next)
        instances += g->uid == uid;
    if (instances >= MOST_INSTANCES)
        return -RF_EMFILE;
    struct rf_inotify *group = rf_kalloc(k, sizeof *group);
    if (!group)
        return -RF_ENOMEM;
    group->uid = uid;
    int64_t result = rf_anonymous_file(k, &inotify_ops, RF_O_RDONLY | (flags & RF_IN_NONBLOCK), group, out);
    if (result)
        return result;
    group->next = k->vfs->watchers;
    k->vfs->watchers = group;
    return 0;
}

bool rf_file_is_inotify(const struct rf_file *file)
{
    return file->ops == &inotify_ops;
}

static struct rf_inotify_watch *find(struct rf_inotify *group, const struct rf_inode *inode, int32_t wd)
{
    for (struct rf_inotify_watch *w = group->watches; w; w = w->next_of_group)
        if (inode ? w->inode == inode : w->wd == wd)
            return w;
    return NULL;
}

static uint32_t watches_of(const struct rf_kernel *k, uint32_t uid)
{
    uint32_t count = 0;
    for (const struct rf_inotify *g = k->vfs->watchers; g; g = g->next)
        count += g->uid == uid ? g->watch_count : 0;
    return count;
}

/* idr_alloc_cyclic: a number is not used again soon. */
static int64_t add(struct rf_kernel *k, struct rf_inotify *group, struct rf_inode *inode, uint32_t mask)
{
    if (watches_of(k, group->uid) >= MOST_WATCHES)
        return -RF_ENOSPC;
    struct rf_inotify_watch *w = rf_kalloc(k, sizeof *w);
    if (!w)
        return -RF_ENOMEM;
    do
        group->last_wd = group->last_wd == INT32_MAX ? 1 : group->last_wd + 1;
    while (find(group, NULL, group->last_wd));
    *w = (struct rf_inotify_watch){ .next_of_inode = inode->watches, .next_of_group = group->watches, .group = group,
                                    .inode = inode, .wd = group->last_wd, .mask = mask };
    rf_inode_get(inode);
    inode->watches = group->watches = w;
    group->watch_count++;
    k->vfs->watches++;
    return w->wd;
}

int64_t rf_inotify_watch(struct rf_kernel *k, struct rf_file *file, struct rf_inode *inode, uint32_t mask)
{
    struct rf_inotify *group = file->private_data;
    uint32_t kept = (mask & (RF_IN_ALL_EVENTS | RF_IN_ONESHOT | RF_IN_EXCL_UNLINK)) | ALWAYS;
    struct rf_inotify_watch *w = find(group, inode, 0);
    if (!w)
        return add(k, group, inode, kept);
    if (mask & RF_IN_MASK_CREATE)
        return -RF_EEXIST;
    w->mask = mask & RF_IN_MASK_ADD ? w->mask | kept : kept;
    return w->wd;
}

int64_t rf_inotify_unwatch(struct rf_kernel *k, struct rf_file *file, int32_t wd)
{
    struct rf_inotify_watch *w = find(file->private_data, NULL, wd);
    if (!w)
        return -RF_EINVAL;
    free_watch(k, w, true);
    return 0;
}
