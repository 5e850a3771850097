/* epoll(7): a set of files of interest, and the list of those that may be ready.
 *
 * An item watches the wait queues of its file and is put on the ready list when one of them is
 * woken for an event that it asks for. Looking at the set asks the files on that list alone:
 * level-triggered items go back to its end while they are ready, edge-triggered ones wait for the
 * next wake (fs/eventpoll.c in Linux 6.1, whose order of events this is).
 *
 * Files that stand for a descriptor of the host wake no queue, and neither does an epoll instance
 * that holds one: they are asked at every look. An edge there is a bit that was not ready at the
 * last look, or that is ready after the program has used the file.
 *
 * Items hold no reference to their file: its last reference takes them away. */
#include "kernel/fs/epoll.h"

#include "kernel/fs/fs.h"
#include "kernel/vfs/poll.h"

/* What stays of an item's events when EPOLLONESHOT has disabled it (EP_PRIVATE_BITS). */
#define PRIVATE_BITS (RF_EPOLLWAKEUP | RF_EPOLLONESHOT | RF_EPOLLET | RF_EPOLLEXCLUSIVE)
/* What may go with EPOLLEXCLUSIVE (EPOLLEXCLUSIVE_OK_BITS). */
#define EXCLUSIVE_BITS (RF_EPOLLIN | RF_EPOLLOUT | RF_EPOLLERR | RF_EPOLLHUP | RF_EPOLLWAKEUP | \
                        RF_EPOLLET | RF_EPOLLEXCLUSIVE)
/* Instances above a file, or above one another (EP_MAX_NESTS, counted from zero). */
#define MOST_NESTED 4

struct epoll;

struct item_watch {
    struct rf_watch watch; /* first: rf_watch.wake gets its address */
    struct rf_epoll_item *item;
    struct item_watch *next;
};

struct rf_epoll_item {
    struct epoll *epoll;
    struct rf_file *file;
    int fd;
    struct rf_epoll_event event;
    struct item_watch *watches;
    struct rf_epoll_item *next;         /* in the set */
    struct rf_epoll_item *next_of_file; /* file->epoll_items */
    struct rf_epoll_item *next_ready;
    bool ready;                         /* on the ready list */
    bool asked;                         /* at every look, as it may become ready unannounced */
    uint32_t reported;                  /* asked: events that were ready before */
};

struct epoll {
    struct rf_file *file;
    struct rf_epoll_item *items;
    struct rf_epoll_item *ready_first, *ready_last;
    struct rf_wait_queue changed; /* something went on the ready list */
};

/* --- the ready list --- */

static void append_ready(struct rf_epoll_item *item)
{
    struct epoll *e = item->epoll;
    item->ready = true;
    item->next_ready = NULL;
    if (e->ready_last)
        e->ready_last->next_ready = item;
    else
        e->ready_first = item;
    e->ready_last = item;
}

static struct rf_epoll_item *take_ready(struct epoll *e)
{
    struct rf_epoll_item *item = e->ready_first;
    e->ready_first = item->next_ready;
    if (!e->ready_first)
        e->ready_last = NULL;
    item->ready = false;
    return item;
}

static void prepend_ready(struct rf_epoll_item *item)
{
    struct epoll *e = item->epoll;
    item->ready = true;
    item->next_ready = e->ready_first;
    e->ready_first = item;
    if (!e->ready_last)
        e->ready_last = item;
}

static uint32_t count_ready(const struct epoll *e)
{
    uint32_t count = 0;
    for (const struct rf_epoll_item *item = e->ready_first; item; item = item->next_ready)
        count++;
    return count;
}

static void remove_ready(struct rf_epoll_item *item)
{
    for (uint32_t left = count_ready(item->epoll); left; left--) {
        struct rf_epoll_item *first = take_ready(item->epoll);
        if (first != item)
            append_ready(first);
    }
}

static bool is_disabled(const struct rf_epoll_item *item)
{
    return !(item->event.events & ~PRIVATE_BITS);
}

static uint32_t ask(struct rf_kernel *k, const struct rf_epoll_item *item)
{
    return rf_file_poll(k, item->file, NULL) & item->event.events;
}

/* Put on the ready list what may have become so without a wake. Are there such items? */
static bool ask_unannounced(struct rf_kernel *k, struct epoll *e)
{
    bool any = false;
    for (struct rf_epoll_item *item = e->items; item; item = item->next) {
        any = any || item->asked;
        if (!item->asked || item->ready)
            continue;
        uint32_t ready = ask(k, item);
        bool edge = item->event.events & RF_EPOLLET;
        item->reported &= ready;
        if (edge ? ready & ~item->reported : ready)
            append_ready(item);
    }
    return any;
}

/* --- watching --- */

static void woken(struct rf_kernel *k, struct rf_watch *watch, uint32_t events)
{
    struct rf_epoll_item *item = ((struct item_watch *)watch)->item;
    if (is_disabled(item) || (events && !(events & item->event.events)))
        return;
    item->reported = 0;
    if (!item->ready)
        append_ready(item);
    rf_wake_for(k, &item->epoll->changed, RF_POLLIN | RF_POLLRDNORM);
}

struct watch_request {
    struct rf_poll_request request; /* first: what the file's poll gets */
    struct rf_epoll_item *item;
};

static void add_watch(struct rf_poll_request *request, struct rf_wait_queue *q)
{
    struct rf_epoll_item *item = ((struct watch_request *)request)->item;
    struct item_watch *w = rf_kalloc(request->k, sizeof *w);
    if (!w) {
        request->refused = -RF_ENOMEM;
        return;
    }
    *w = (struct item_watch){ .watch = { woken, q, q->watches }, .item = item,
                              .next = item->watches };
    q->watches = &w->watch;
    item->watches = w;
}

static void drop_watches(struct rf_kernel *k, struct rf_epoll_item *item)
{
    while (item->watches) {
        struct item_watch *w = item->watches;
        item->watches = w->next;
        struct rf_watch **link = &w->watch.queue->watches;
        while (*link != &w->watch)
            link = &(*link)->next;
        *link = w->watch.next;
        rf_kfree(k, w);
    }
}

/* Take an item out of its set, its file and all lists. */
static void remove_item(struct rf_kernel *k, struct rf_epoll_item *item)
{
    drop_watches(k, item);
    if (item->ready)
        remove_ready(item);
    struct rf_epoll_item **link = &item->epoll->items;
    while (*link != item)
        link = &(*link)->next;
    *link = item->next;
    link = &item->file->epoll_items;
    while (*link != item)
        link = &(*link)->next_of_file;
    *link = item->next_of_file;
    rf_kfree(k, item);
}

void rf_epoll_forget(struct rf_kernel *k, struct rf_file *file)
{
    while (file->epoll_items)
        remove_item(k, file->epoll_items);
}

void rf_epoll_used(struct rf_file *file)
{
    for (struct rf_epoll_item *item = file->epoll_items; item; item = item->next_of_file)
        item->reported = 0;
}

/* --- the instance as a file --- */

static uint32_t epoll_poll(struct rf_kernel *k, struct rf_file *file,
                           struct rf_poll_request *request)
{
    struct epoll *e = file->private_data;
    rf_poll_add(request, &e->changed);
    if (request && !request->watch)
        rf_epoll_add_unannounced(file, request);
    ask_unannounced(k, e);
    for (uint32_t left = count_ready(e); left; left--) {
        if (ask(k, e->ready_first))
            return RF_POLLIN | RF_POLLRDNORM;
        take_ready(e);
    }
    return 0;
}

static int64_t epoll_seek(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    (void)k, (void)offset, (void)whence;
    return (int64_t)file->pos; /* noop_llseek: nothing to move, and no error */
}

static void epoll_release(struct rf_kernel *k, struct rf_file *file)
{
    struct epoll *e = file->private_data;
    while (e->items)
        remove_item(k, e->items);
    rf_wake(k, &e->changed);
    rf_kfree(k, e);
}

static const struct rf_file_ops epoll_ops = {
    .seek = epoll_seek,
    .poll = epoll_poll,
    .release = epoll_release,
    .anonymous = "eventpoll",
};

bool rf_file_is_epoll(const struct rf_file *file)
{
    return file->ops == &epoll_ops;
}

int64_t rf_epoll_create(struct rf_kernel *k, struct rf_file **out)
{
    struct epoll *e = rf_kalloc(k, sizeof *e);
    if (!e)
        return -RF_ENOMEM;
    int64_t error = rf_anonymous_file(k, &epoll_ops, RF_O_RDWR, e, out);
    if (!error)
        e->file = *out;
    return error;
}

/* --- changing the set --- */

/* A file without a poll operation cannot be added: regular files, directories, /dev/null. */
static bool can_poll(const struct rf_file *file)
{
    uint32_t mode = file->inode->mode;
    if (!file->ops->poll || RF_S_ISREG(mode) || RF_S_ISDIR(mode))
        return false;
    return file->ops != &rf_stdio_ops || !RF_S_ISCHR(mode) || rf_stdio_is_tty(file->inode);
}

/* Would `below` lead back to e, or too deep? */
static bool makes_loop(const struct epoll *e, const struct epoll *below, unsigned depth)
{
    for (const struct rf_epoll_item *item = below->items; item; item = item->next) {
        if (!rf_file_is_epoll(item->file))
            continue;
        const struct epoll *next = item->file->private_data;
        if (next == e || depth > MOST_NESTED || makes_loop(e, next, depth + 1))
            return true;
    }
    return false;
}

/* Instances in the longest line upwards from one, itself included. */
static unsigned height_above(const struct epoll *e)
{
    unsigned most = 0;
    for (const struct rf_epoll_item *i = e->file->epoll_items; i; i = i->next_of_file) {
        unsigned height = height_above(i->epoll);
        most = height > most ? height : most;
    }
    return most + 1;
}

static unsigned depth_below(const struct rf_file *file)
{
    unsigned most = 0;
    if (!rf_file_is_epoll(file))
        return 0;
    const struct epoll *e = file->private_data;
    for (const struct rf_epoll_item *i = e->items; i; i = i->next) {
        unsigned depth = depth_below(i->file);
        most = depth > most ? depth : most;
    }
    return most + 1;
}

static struct rf_epoll_item *find(const struct epoll *e, const struct rf_file *file, int fd)
{
    struct rf_epoll_item *item = e->items;
    while (item && (item->file != file || item->fd != fd))
        item = item->next;
    return item;
}

static int64_t add_item(struct rf_kernel *k, struct epoll *e, struct rf_file *file, int fd,
                        const struct rf_epoll_event *event)
{
    if (height_above(e) + depth_below(file) > MOST_NESTED + 1)
        return -RF_EINVAL; /* reverse_path_check */
    struct rf_epoll_item *item = rf_kalloc(k, sizeof *item);
    if (!item)
        return -RF_ENOMEM;
    *item = (struct rf_epoll_item){ .epoll = e, .file = file, .fd = fd, .event = *event,
                                    .next = e->items, .next_of_file = file->epoll_items };
    item->asked = file->ops == &rf_stdio_ops || rf_file_is_epoll(file);
    e->items = item;
    file->epoll_items = item;
    struct watch_request w = { .request = { .k = k, .host_fd = -1, .watch = add_watch },
                               .item = item };
    uint32_t ready = rf_file_poll(k, file, &w.request) & event->events;
    if (w.request.refused) {
        remove_item(k, item);
        return w.request.refused;
    }
    if (ready)
        append_ready(item);
    if (ready || item->asked)
        rf_wake_for(k, &e->changed, RF_POLLIN | RF_POLLRDNORM);
    return 0;
}

static void modify_item(struct rf_kernel *k, struct rf_epoll_item *item,
                        const struct rf_epoll_event *event)
{
    item->event = *event;
    item->reported = 0;
    bool ready = ask(k, item);
    if (ready && !item->ready)
        append_ready(item);
    if (ready || item->asked)
        rf_wake_for(k, &item->epoll->changed, RF_POLLIN | RF_POLLRDNORM);
}

/* The checks of do_epoll_ctl, in its order. */
int64_t rf_epoll_control(struct rf_kernel *k, struct rf_file *epoll, int op, struct rf_file *file,
                         int fd, struct rf_epoll_event *event)
{
    if (!can_poll(file))
        return -RF_EPERM;
    if (epoll == file || !rf_file_is_epoll(epoll))
        return -RF_EINVAL;
    struct epoll *e = epoll->private_data;
    bool exclusive = op != RF_EPOLL_CTL_DEL && (event->events & RF_EPOLLEXCLUSIVE);
    if (exclusive && op == RF_EPOLL_CTL_MOD)
        return -RF_EINVAL;
    if (exclusive && op == RF_EPOLL_CTL_ADD &&
        (rf_file_is_epoll(file) || (event->events & ~EXCLUSIVE_BITS)))
        return -RF_EINVAL;
    if (op == RF_EPOLL_CTL_ADD && rf_file_is_epoll(file) && makes_loop(e, file->private_data, 0))
        return -RF_ELOOP;
    struct rf_epoll_item *item = find(e, file, fd);
    event->events |= RF_EPOLLERR | RF_EPOLLHUP;
    switch (op) {
    case RF_EPOLL_CTL_ADD: return item ? -RF_EEXIST : add_item(k, e, file, fd, event);
    case RF_EPOLL_CTL_DEL:
        if (!item)
            return -RF_ENOENT;
        remove_item(k, item);
        return 0;
    case RF_EPOLL_CTL_MOD:
        if (!item)
            return -RF_ENOENT;
        if (item->event.events & RF_EPOLLEXCLUSIVE)
            return -RF_EINVAL;
        modify_item(k, item, event);
        return 0;
    default: return -RF_EINVAL;
    }
}

/* --- looking at it --- */

/* It has been reported with these events: when may it be again? */
static void settle(struct rf_epoll_item *item, uint32_t ready)
{
    item->reported = ready;
    if (item->event.events & RF_EPOLLONESHOT)
        item->event.events &= PRIVATE_BITS;
    else if (!(item->event.events & RF_EPOLLET))
        append_ready(item);
}

int64_t rf_epoll_collect(struct rf_kernel *k, struct rf_file *epoll, uint64_t user, uint32_t most)
{
    struct epoll *e = epoll->private_data;
    int64_t count = 0;
    if (ask_unannounced(k, e))
        rf_epoll_used(epoll);
    for (uint32_t left = count_ready(e); left && count < most; left--) {
        struct rf_epoll_item *item = take_ready(e);
        uint32_t ready = ask(k, item);
        if (!ready)
            continue;
        struct rf_epoll_event out = { ready, item->event.data };
        if (RF_PUT_USER(k, user + (uint64_t)count * sizeof out, out)) {
            prepend_ready(item);
            return count ? count : -RF_EFAULT;
        }
        count++;
        settle(item, ready);
    }
    return count;
}

void rf_epoll_add_changed(struct rf_file *epoll, struct rf_poll_request *request)
{
    struct epoll *e = epoll->private_data;
    rf_poll_add(request, &e->changed);
    rf_epoll_add_unannounced(epoll, request);
}

void rf_epoll_add_unannounced(struct rf_file *epoll, struct rf_poll_request *request)
{
    struct epoll *e = epoll->private_data;
    for (struct rf_epoll_item *item = e->items; item; item = item->next)
        if (item->asked && !is_disabled(item))
            rf_file_poll(request->k, item->file, request);
}
