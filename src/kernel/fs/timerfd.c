/* timerfd(2): a timer whose expiries are read. As fs/timerfd.c, a repeating timer rests after an expiry
 * until somebody reads or asks, and then counts what it has missed. */
#include "kernel/fs/fs.h"
#include "kernel/task/clock.h"
#include "kernel/vfs/poll.h"

struct rf_timerfd {
    struct rf_timer timer;
    bool realtime;   /* its clock */
    bool cancelled, listed; /* TFD_TIMER_CANCEL_ON_SET */
    struct rf_timerfd *next;
    uint64_t ticks, interval;
    bool expired;    /* and, if it repeats, not started again */
    struct rf_wait_queue changed;
};

static void fire(struct rf_kernel *k, void *owner)
{
    struct rf_timerfd *t = owner;
    t->expired = true;
    t->ticks++;
    rf_wake_for(k, &t->changed, RF_POLLIN);
}

/* Count the intervals that have passed since the expiry, and go on with the next. */
static void catch_up(struct rf_kernel *k, struct rf_timerfd *t)
{
    uint64_t now = rf_clock_monotonic(k), passed;
    if (!t->expired || !t->interval)
        return;
    passed = (now - t->timer.expires) / t->interval;
    t->expired = false;
    t->ticks += passed;
    rf_timer_start(k, &t->timer, t->timer.expires + (passed + 1) * t->interval);
}

/* Reads fail once after the clock was set. */
void rf_timerfd_clock_was_set(struct rf_kernel *k)
{
    for (struct rf_timerfd *t = k->cancelled_on_set; t; t = t->next) {
        t->cancelled = true;
        rf_wake_for(k, &t->changed, RF_POLLIN);
    }
}

static void unlist(struct rf_kernel *k, struct rf_timerfd *t)
{
    struct rf_timerfd **link = &k->cancelled_on_set;
    while (*link && *link != t)
        link = &(*link)->next;
    if (*link)
        *link = t->next;
    t->listed = false;
}

static int64_t timerfd_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio,
                            uint64_t *pos)
{
    (void)pos;
    struct rf_timerfd *t = file->private_data;
    if (uio->left < sizeof(uint64_t))
        return -RF_EINVAL;
    if (t->cancelled) {
        t->cancelled = false;
        t->ticks = 0;
        return -RF_ECANCELED;
    }
    if (!t->ticks)
        return file->flags & RF_O_NONBLOCK ? -RF_EAGAIN : rf_sleep_on(k, &t->changed);
    catch_up(k, t);
    uint64_t ticks = t->ticks;
    t->ticks = 0;
    t->expired = false;
    return rf_uio_put(uio, &ticks, sizeof ticks) == sizeof ticks ? (int64_t)sizeof ticks
                                                                  : -RF_EFAULT;
}

static uint32_t timerfd_poll(struct rf_kernel *k, struct rf_file *file,
                             struct rf_poll_request *request)
{
    (void)k;
    struct rf_timerfd *t = file->private_data;
    rf_poll_add(request, &t->changed);
    return t->ticks || t->cancelled ? RF_POLLIN : 0;
}

static void timerfd_release(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_timerfd *t = file->private_data;
    rf_timer_stop(k, &t->timer);
    if (t->listed)
        unlist(k, t);
    rf_wake(k, &t->changed);
    rf_kfree(k, t);
}

static const struct rf_file_ops timerfd_ops = {
    .read = timerfd_read,
    .seek = rf_anonymous_seek,
    .poll = timerfd_poll,
    .release = timerfd_release,
    .anonymous = "timerfd",
};

bool rf_file_is_timerfd(const struct rf_file *file)
{
    return file->ops == &timerfd_ops;
}

int64_t rf_timerfd_create(struct rf_kernel *k, int clock, uint32_t flags, struct rf_file **out)
{
    struct rf_timerfd *t = rf_kalloc(k, sizeof *t);
    if (!t)
        return -RF_ENOMEM;
    t->timer = (struct rf_timer){ .fire = fire, .owner = t };
    t->realtime = clock == RF_CLOCK_REALTIME || clock == RF_CLOCK_REALTIME_ALARM;
    return rf_anonymous_file(k, &timerfd_ops, RF_O_RDWR | (flags & RF_TFD_NONBLOCK), t, out);
}

void rf_timerfd_get(struct rf_kernel *k, struct rf_file *file, struct rf_itimerspec *out)
{
    struct rf_timerfd *t = file->private_data;
    catch_up(k, t);
    uint64_t now = rf_clock_monotonic(k);
    out->it_interval = rf_ns_timespec(t->interval);
    out->it_value = rf_ns_timespec(t->timer.active && t->timer.expires > now ? t->timer.expires - now : 0);
}

void rf_timerfd_set(struct rf_kernel *k, struct rf_file *file, bool absolute, bool cancels,
                    const struct rf_itimerspec *value)
{
    struct rf_timerfd *t = file->private_data;
    uint64_t first = rf_timespec_ns(&value->it_value), now = rf_clock_monotonic(k);
    rf_timer_stop(k, &t->timer);
    t->ticks = 0;
    t->expired = t->cancelled = false;
    t->interval = rf_timespec_ns(&value->it_interval);
    if (t->listed)
        unlist(k, t);
    t->timer.realtime = t->realtime && absolute;
    if (t->timer.realtime && cancels) {
        t->listed = true;
        t->next = k->cancelled_on_set;
        k->cancelled_on_set = t;
    }
    if (!first)
        return;
    if (absolute)
        rf_timer_start(k, &t->timer, !t->realtime ? first : first > k->epoch_ns ? first - k->epoch_ns : 0);
    else
        rf_timer_start(k, &t->timer, now + first);
    rf_timer_fire_expired(k, now); /* a time that has passed can be read at once */
}
