/* Requests of io_uring: started, waiting, linked, ended (kernel/uring/uring.h). */
#include "kernel/uring/uring.h"

#include "kernel/task/task.h"

struct rf_uring_watch {
    struct rf_watch watch; /* first: rf_watch.wake gets its address */
    struct rf_uring_request *request;
    struct rf_uring_watch *next;
};

/* --- the list of those that are not over, in order --- */

static void enlist(struct rf_uring_request *r, enum rf_uring_state state)
{
    struct rf_uring_request **at = &r->u->requests;
    while (*at && *at != r)
        at = &(*at)->next;
    if (!*at) {
        r->next = NULL;
        *at = r;
    }
    r->state = state;
}

static void unlist(struct rf_uring_request *r)
{
    struct rf_uring_request **at = &r->u->requests;
    while (*at && *at != r)
        at = &(*at)->next;
    if (*at)
        *at = r->next;
}

static bool is_ready_for(const struct rf_uring_request *r, const struct rf_task *task)
{
    return r->state == RF_URING_READY && r->pid == task->process->pid;
}

static struct rf_uring_request *first_ready(const struct rf_kernel *k, const struct rf_uring *u)
{
    struct rf_uring_request *r = u->requests;
    while (r && !is_ready_for(r, k->current))
        r = r->next;
    return r;
}

bool rf_uring_can_run(const struct rf_kernel *k, const struct rf_uring *u)
{
    return first_ready(k, u);
}

void rf_uring_make_ready(struct rf_kernel *k, struct rf_uring_request *r)
{
    enlist(r, RF_URING_READY);
    k->uring_ready = true;
    rf_wake_for(k, &r->u->changed, RF_POLLIN | RF_POLLRDNORM);
    if (k->current)
        rf_update_exit_work(k, 0);
}

/* --- watching a file --- */

static void woken(struct rf_kernel *k, struct rf_watch *watch, uint32_t events)
{
    (void)events;
    struct rf_uring_request *r = ((struct rf_uring_watch *)watch)->request;
    r->looked = false;
    if (r->state == RF_URING_WAITS)
        rf_uring_make_ready(k, r);
}

struct watch_request {
    struct rf_poll_request request; /* first: what the file's poll gets */
    struct rf_uring_request *r;
};

static void add_watch(struct rf_poll_request *request, struct rf_wait_queue *q)
{
    struct rf_uring_request *r = ((struct watch_request *)request)->r;
    struct rf_uring_watch *w = rf_kalloc(request->k, sizeof *w);
    if (!w) {
        request->refused = -RF_ENOMEM;
        return;
    }
    *w = (struct rf_uring_watch){ .watch = { woken, q, q->watches }, .request = r, .next = r->watches };
    q->watches = &w->watch;
    r->watches = w;
}

static void drop_watches(struct rf_kernel *k, struct rf_uring_request *r)
{
    while (r->watches) {
        struct rf_uring_watch *w = r->watches;
        struct rf_watch **link = &w->watch.queue->watches;
        r->watches = w->next;
        while (*link != &w->watch)
            link = &(*link)->next;
        *link = w->watch.next;
        rf_kfree(k, w);
    }
}

static int64_t watch_file(struct rf_kernel *k, struct rf_uring_request *r)
{
    struct watch_request w = { .request = { .k = k, .host_fd = -1, .watch = add_watch }, .r = r };
    uint32_t ready = rf_file_poll(k, r->file, r->watches ? NULL : &w.request);
    if (r->watches && !w.request.refused) {
        bool again = ready & rf_uring_events(r) && !r->looked; /* it has come meanwhile */
        r->looked = true;
        if (again)
            rf_uring_make_ready(k, r);
        return 0;
    }
    drop_watches(k, r);
    return w.request.refused ? w.request.refused : -RF_EAGAIN; /* nothing would ever wake it */
}

/* --- the end of a request --- */

static void release(struct rf_kernel *k, struct rf_uring_request *r)
{
    unlist(r);
    drop_watches(k, r);
    rf_timer_stop(k, &r->timer);
    if (r->file)
        rf_file_put(k, r->file);
    rf_kfree(k, r);
}

/* io_flush_timeouts: those that only wait for completions. */
static void end_counted(struct rf_kernel *k, struct rf_uring *u)
{
    for (struct rf_uring_request *r = u->requests, *next; r; r = next) {
        next = r->next;
        if (r->state == RF_URING_TIMER && r->target && u->completed >= r->order + r->target) {
            r->target = 0;
            rf_uring_complete(k, r, 0, 0);
            next = u->requests; /* the list is another now */
        }
    }
}

/* Deferred ones start when all before them are over. */
static void start_drained(struct rf_kernel *k, struct rf_uring *u)
{
    struct rf_uring_request *first = u->requests;
    while (first && first->state == RF_URING_TIMER && first->sqe.opcode == RF_URING_TIMEOUT)
        first = first->next; /* a timeout holds nobody up */
    if (first && first->state == RF_URING_DRAINS)
        rf_uring_make_ready(k, first);
}

static void cancel_chain(struct rf_kernel *k, struct rf_uring_request *r)
{
    while (r) {
        struct rf_uring_request *next = r->link;
        rf_uring_post(k, r->u, r->sqe.user_data, -RF_ECANCELED, 0);
        release(k, r);
        r = next;
    }
}

static void end_guard(struct rf_kernel *k, struct rf_uring_request *r)
{
    for (struct rf_uring_request *g = r->u->requests; g; g = g->next)
        if (g->guarded == r) {
            g->guarded = NULL;
            rf_uring_complete(k, g, -RF_ECANCELED, 0);
            return;
        }
}

void rf_uring_complete(struct rf_kernel *k, struct rf_uring_request *r, int64_t result, uint32_t flags)
{
    struct rf_uring *u = r->u;
    struct rf_uring_request *next = r->link;
    uint64_t wanted = rf_uring_wanted(r);
    bool failed = result < 0 || (wanted && (uint64_t)result < wanted), hard = r->sqe.flags & RF_SQE_IO_HARDLINK;
    unlist(r);
    if (result < 0 || !(r->sqe.flags & RF_SQE_CQE_SKIP_SUCCESS))
        rf_uring_post(k, u, r->sqe.user_data, result, flags);
    else
        u->completed++;
    end_guard(k, r);
    release(k, r);
    if (next && failed && !hard)
        cancel_chain(k, next);
    else if (next)
        rf_uring_make_ready(k, next);
    end_counted(k, u);
    start_drained(k, u);
}

void rf_uring_drop_all(struct rf_kernel *k, struct rf_uring *u)
{
    while (u->requests) {
        struct rf_uring_request *r = u->requests;
        for (struct rf_uring_request *l = r->link, *next; l; l = next) {
            next = l->link;
            release(k, l);
        }
        release(k, r);
    }
}

static bool matches(const struct rf_uring_request *r, uint64_t user_data, int fd, uint32_t flags, int opcode)
{
    if (opcode >= 0 ? r->sqe.opcode != opcode : r->sqe.opcode == RF_URING_LINK_TIMEOUT)
        return false;
    if (flags & RF_URING_CANCEL_ANY)
        return true;
    return flags & RF_URING_CANCEL_FD ? r->sqe.fd == fd : r->sqe.user_data == user_data;
}

int64_t rf_uring_cancel(struct rf_kernel *k, struct rf_uring *u, const struct rf_uring_request *by, uint64_t user_data,
                        int fd, uint32_t flags, int opcode)
{
    int64_t count = 0;
    for (struct rf_uring_request *r = u->requests; r;) {
        if (r == by || r->cancelled || !matches(r, user_data, fd, flags, opcode)) {
            r = r->next;
            continue;
        }
        r->cancelled = true;
        rf_uring_complete(k, r, -RF_ECANCELED, 0);
        count++;
        if (!(flags & (RF_URING_CANCEL_ALL | RF_URING_CANCEL_ANY)))
            break;
        r = u->requests;
    }
    return count;
}

/* --- the life of a request --- */

static void guard_expires(struct rf_kernel *k, void *owner)
{
    struct rf_uring_request *g = owner, *r = g->guarded;
    g->guarded = NULL;
    rf_uring_complete(k, g, r ? -RF_ETIME : -RF_ENOENT, 0);
    if (r)
        rf_uring_complete(k, r, -RF_ECANCELED, 0);
}

/* A LINK_TIMEOUT behind it begins with it. */
static struct rf_uring_request *take_guard(struct rf_uring_request *r)
{
    struct rf_uring_request *g = r->link;
    if (!g || g->sqe.opcode != RF_URING_LINK_TIMEOUT || r->sqe.opcode == RF_URING_LINK_TIMEOUT)
        return NULL;
    r->link = g->link;
    g->link = NULL;
    g->guarded = r;
    return g;
}

static void start_guard(struct rf_kernel *k, struct rf_uring_request *g)
{
    struct rf_timespec t;
    if (RF_GET_USER(k, t, g->sqe.addr) || t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000) {
        g->guarded = NULL;
        rf_uring_complete(k, g, -RF_EINVAL, 0);
        return;
    }
    enlist(g, RF_URING_TIMER);
    g->timer.fire = guard_expires;
    g->timer.owner = g;
    rf_timer_start(k, &g->timer, rf_clock_monotonic(k) + (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

static void go(struct rf_kernel *k, struct rf_uring_request *r)
{
    uint32_t flags = 0;
    struct rf_uring_request *guard = take_guard(r);
    if (guard)
        enlist(guard, RF_URING_TIMER);
    enlist(r, RF_URING_WAITS);
    int64_t result = rf_uring_issue(k, r, &flags);
    if (result == RF_URING_WOULD_WAIT || (result == RF_URING_PENDING && r->state == RF_URING_WAITS)) {
        int64_t error = watch_file(k, r);
        if (!error && guard)
            start_guard(k, guard);
        if (!error)
            return;
        result = error;
    }
    if (result == RF_URING_PENDING) {
        if (guard)
            start_guard(k, guard);
        return;
    }
    rf_uring_complete(k, r, result, flags);
}

void rf_uring_run(struct rf_kernel *k, struct rf_uring *u)
{
    struct rf_uring_request *r;
    for (uint64_t work = 0; (r = first_ready(k, u)) != NULL; work++) {
        if (work > RF_URING_MOST_ENTRIES && rf_must_end_soon(k))
            return;
        go(k, r);
    }
}

static bool is_any_ready(const struct rf_kernel *k)
{
    for (const struct rf_uring *u = k->urings; u; u = u->next)
        for (const struct rf_uring_request *r = u->requests; r; r = r->next)
            if (r->state == RF_URING_READY)
                return true;
    return false;
}

void rf_uring_run_all(struct rf_kernel *k)
{
    for (struct rf_uring *u = k->urings; u; u = u->next)
        rf_uring_run(k, u);
    k->uring_ready = is_any_ready(k);
}

/* --- submission --- */

static struct rf_uring_request *make(struct rf_kernel *k, struct rf_uring *u, const struct rf_uring_sqe *sqe)
{
    struct rf_uring_request *r = rf_kalloc(k, sizeof *r);
    if (!r)
        return NULL;
    r->u = u;
    r->sqe = *sqe;
    r->pid = k->current->process->pid;
    r->order = u->completed;
    return r;
}

static void start(struct rf_kernel *k, struct rf_uring_request *r)
{
    struct rf_uring *u = r->u;
    bool drains = false;
    for (const struct rf_uring_request *other = u->requests; other; other = other->next)
        drains |= other->state == RF_URING_DRAINS || (r->sqe.flags & RF_SQE_IO_DRAIN && other->state != RF_URING_TIMER);
    if (drains)
        enlist(r, RF_URING_DRAINS);
    else
        rf_uring_make_ready(k, r);
    rf_uring_run(k, u);
}

int64_t rf_uring_submit(struct rf_kernel *k, struct rf_uring *u, uint32_t count)
{
    struct rf_uring_request *head = NULL, *tail = NULL;
    struct rf_uring_sqe sqe;
    uint32_t taken = 0;
    bool failed = false;
    u->refused = false;
    rf_uring_batch(k, u, true);
    while (taken < count && !failed && rf_uring_next(k, u, &sqe)) {
        struct rf_uring_request *r = make(k, u, &sqe);
        taken++;
        if (!r) { /* it is lost: there is not even memory to say so at leisure */
            rf_uring_post(k, u, sqe.user_data, -RF_ENOMEM, 0);
            failed = true;
            continue;
        }
        if (tail)
            tail->link = r;
        head = head ? head : r;
        tail = r;
        if (sqe.flags & (RF_SQE_IO_LINK | RF_SQE_IO_HARDLINK) && taken < count)
            continue;
        start(k, head);
        head = tail = NULL;
        failed = u->refused && !(u->flags & RF_URING_SETUP_SUBMIT_ALL); /* the rest stays where it is */
    }
    if (head)
        start(k, head);
    rf_uring_batch(k, u, false);
    return taken;
}
