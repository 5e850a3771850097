/* io_uring's memory: the rings, and the file that maps them (kernel/uring/uring.h). */
#include "kernel/uring/uring.h"

#include "kernel/frames.h"
#include "kernel/task/task.h"

/* struct io_rings: offsets that programs are told. */
enum {
    SQ_HEAD = 0, SQ_TAIL = 64, CQ_HEAD = 128, CQ_TAIL = 192, SQ_MASK = 256, CQ_MASK = 260, SQ_ENTRIES = 264,
    CQ_ENTRIES = 268, SQ_DROPPED = 272, SQ_FLAGS = 276, CQ_FLAGS = 280, CQ_OVERFLOW = 284, CQES = 320,
};
#define KNOWN_SETUP                                                                                          \
    (RF_URING_SETUP_CQSIZE | RF_URING_SETUP_CLAMP | RF_URING_SETUP_SUBMIT_ALL | RF_URING_SETUP_COOP_TASKRUN | \
     RF_URING_SETUP_TASKRUN_FLAG | RF_URING_SETUP_SINGLE_ISSUER | RF_URING_SETUP_DEFER_TASKRUN)
#define FEATURES                                                                                             \
    (RF_URING_FEAT_SINGLE_MMAP | RF_URING_FEAT_NODROP | RF_URING_FEAT_SUBMIT_STABLE | RF_URING_FEAT_RW_CUR_POS | \
     RF_URING_FEAT_FAST_POLL | RF_URING_FEAT_POLL_32BITS | RF_URING_FEAT_EXT_ARG | RF_URING_FEAT_CQE_SKIP)

static const struct rf_file_ops ring_ops;

static void *at(struct rf_kernel *k, const struct rf_pages *pages, uint64_t offset)
{
    return (uint8_t *)rf_frame_host(k, rf_pages_get(pages, offset / RF_PAGE_SIZE)) + offset % RF_PAGE_SIZE;
}

/* The program may change any word at any time: each is read once. */
static uint32_t get(struct rf_kernel *k, struct rf_uring *u, uint64_t offset)
{
    return *(volatile uint32_t *)at(k, &u->rings, offset);
}

static void set(struct rf_kernel *k, struct rf_uring *u, uint64_t offset, uint32_t value)
{
    *(volatile uint32_t *)at(k, &u->rings, offset) = value;
}

/* --- completions --- */

uint32_t rf_uring_ready(struct rf_kernel *k, struct rf_uring *u)
{
    return get(k, u, CQ_TAIL) - get(k, u, CQ_HEAD);
}

static bool put(struct rf_kernel *k, struct rf_uring *u, const struct rf_uring_cqe *cqe)
{
    uint32_t tail = get(k, u, CQ_TAIL);
    if (tail - get(k, u, CQ_HEAD) >= u->cq_entries)
        return false;
    *(struct rf_uring_cqe *)at(k, &u->rings, CQES + (uint64_t)(tail & (u->cq_entries - 1)) * sizeof *cqe) = *cqe;
    set(k, u, CQ_TAIL, tail + 1);
    return true;
}

static void keep(struct rf_kernel *k, struct rf_uring *u, const struct rf_uring_cqe *cqe)
{
    struct rf_uring_overflow *o = rf_kalloc(k, sizeof *o);
    if (!o) {
        set(k, u, CQ_OVERFLOW, get(k, u, CQ_OVERFLOW) + 1); /* lost */
        return;
    }
    o->cqe = *cqe;
    *u->overflow_end = o;
    u->overflow_end = &o->next;
    set(k, u, SQ_FLAGS, get(k, u, SQ_FLAGS) | RF_SQ_CQ_OVERFLOW);
}

void rf_uring_flush(struct rf_kernel *k, struct rf_uring *u)
{
    while (u->overflow && put(k, u, &u->overflow->cqe)) {
        struct rf_uring_overflow *o = u->overflow;
        u->overflow = o->next;
        rf_kfree(k, o);
    }
    if (!u->overflow) {
        u->overflow_end = &u->overflow;
        set(k, u, SQ_FLAGS, get(k, u, SQ_FLAGS) & ~(uint32_t)RF_SQ_CQ_OVERFLOW);
    }
}

static void tell_eventfd(struct rf_kernel *k, struct rf_uring *u)
{
    struct rf_file *file = u->eventfd;
    uint64_t one = 1;
    struct rf_uio uio;
    if (!file)
        return;
    rf_uio_kernel(&uio, k, (uint8_t *)&one, sizeof one);
    uint32_t before = file->flags;
    file->flags |= RF_O_NONBLOCK; /* at its most it stays there */
    file->ops->write(k, file, &uio, NULL);
    file->flags = before;
}

void rf_uring_post(struct rf_kernel *k, struct rf_uring *u, uint64_t user_data, int64_t result, uint32_t flags)
{
    const struct rf_uring_cqe cqe = { user_data, (int32_t)result, flags };
    if (u->overflow || !put(k, u, &cqe))
        keep(k, u, &cqe);
    u->completed++;
    rf_wake_for(k, &u->changed, RF_POLLIN | RF_POLLRDNORM);
    u->posted = true;
    if (!u->batching)
        tell_eventfd(k, u);
}

void rf_uring_batch(struct rf_kernel *k, struct rf_uring *u, bool begins)
{
    u->batching = begins;
    if (begins)
        u->posted = false;
    else if (u->posted)
        tell_eventfd(k, u);
}

/* --- submissions --- */

bool rf_uring_next(struct rf_kernel *k, struct rf_uring *u, struct rf_uring_sqe *out)
{
    for (uint32_t tries = 0; tries < u->sq_entries; tries++) {
        uint32_t head = get(k, u, SQ_HEAD);
        if (head == get(k, u, SQ_TAIL))
            return false;
        uint32_t index = get(k, u, u->array_offset + (uint64_t)(head & (u->sq_entries - 1)) * sizeof index);
        set(k, u, SQ_HEAD, head + 1);
        if (index < u->sq_entries) {
            *out = *(const struct rf_uring_sqe *)at(k, &u->sqes, (uint64_t)index * sizeof *out);
            return true;
        }
        set(k, u, SQ_DROPPED, get(k, u, SQ_DROPPED) + 1);
    }
    return false;
}

/* --- the file --- */

/* mmap's offset says which memory: the rings, by either of their names, or the submissions. */
static int64_t ring_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa)
{
    struct rf_uring *u = inode->private_data;
    uint64_t offset = index * RF_PAGE_SIZE;
    if (!u)
        return -RF_EFAULT;
    if (offset >= RF_URING_OFF_SQES)
        *pa = rf_pages_get(&u->sqes, (offset - RF_URING_OFF_SQES) / RF_PAGE_SIZE);
    else
        *pa = rf_pages_get(&u->rings, offset % RF_URING_OFF_CQ / RF_PAGE_SIZE);
    if (!*pa)
        return -RF_EFAULT;
    rf_frame_get(k, *pa);
    return 0;
}

static const struct rf_inode_ops ring_inode_ops = { .page = ring_page };

static uint32_t ring_poll(struct rf_kernel *k, struct rf_file *file, struct rf_poll_request *request)
{
    struct rf_uring *u = file->private_data;
    rf_poll_add(request, &u->changed);
    bool room = get(k, u, SQ_TAIL) - get(k, u, SQ_HEAD) < u->sq_entries;
    bool some = rf_uring_ready(k, u) || u->overflow || (k->current && rf_uring_can_run(k, u));
    return (room ? RF_POLLOUT | RF_POLLWRNORM : 0) | (some ? RF_POLLIN | RF_POLLRDNORM : 0);
}

static void free_ring(struct rf_kernel *k, struct rf_uring *u)
{
    while (u->overflow) {
        struct rf_uring_overflow *o = u->overflow;
        u->overflow = o->next;
        rf_kfree(k, o);
    }
    rf_pages_clear(k, &u->rings, 0, UINT64_MAX);
    rf_pages_clear(k, &u->sqes, 0, UINT64_MAX);
    rf_kfree(k, u);
}

static void ring_release(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_uring *u = file->private_data, **link = &k->urings;
    while (*link != u)
        link = &(*link)->next;
    *link = u->next;
    rf_uring_drop_all(k, u);
    rf_uring_unregister_all(k, u);
    rf_wake(k, &u->changed);
    file->inode->private_data = NULL;
    free_ring(k, u);
}

static const struct rf_file_ops ring_ops = {
    .seek = rf_anonymous_seek,
    .poll = ring_poll,
    .release = ring_release,
    .anonymous = "io_uring",
};

struct rf_uring *rf_uring_of(const struct rf_file *file)
{
    return file->ops == &ring_ops ? file->private_data : NULL;
}

static bool fill(struct rf_kernel *k, struct rf_pages *pages, uint64_t bytes)
{
    for (uint64_t index = 0; index * RF_PAGE_SIZE < bytes; index++) {
        uint64_t pa = rf_frame_alloc(k);
        if (!pa)
            return false;
        if (!rf_pages_set(k, pages, index, pa)) {
            rf_frame_put(k, pa);
            return false;
        }
    }
    return true;
}

static uint32_t round_up(uint32_t n)
{
    uint32_t power = 1;
    while (power < n)
        power *= 2;
    return power;
}

/* io_uring_create: sizes and flags. */
static int64_t choose(struct rf_uring *u, uint32_t entries, struct rf_uring_params *p)
{
    if (p->resv[0] || p->resv[1] || p->resv[2] || p->flags & ~(uint32_t)KNOWN_SETUP)
        return -RF_EINVAL;
    if (p->flags & RF_URING_SETUP_DEFER_TASKRUN && !(p->flags & RF_URING_SETUP_SINGLE_ISSUER))
        return -RF_EINVAL;
    bool clamp = p->flags & RF_URING_SETUP_CLAMP;
    if (!entries || (entries > RF_URING_MOST_ENTRIES && !clamp))
        return -RF_EINVAL;
    u->sq_entries = round_up(entries < RF_URING_MOST_ENTRIES ? entries : RF_URING_MOST_ENTRIES);
    u->cq_entries = 2 * u->sq_entries;
    if (p->flags & RF_URING_SETUP_CQSIZE) {
        const uint32_t most = 2 * RF_URING_MOST_ENTRIES;
        if (!p->cq_entries || (p->cq_entries > most && !clamp))
            return -RF_EINVAL;
        u->cq_entries = round_up(p->cq_entries < most ? p->cq_entries : most);
        if (u->cq_entries < u->sq_entries)
            return -RF_EINVAL;
    }
    u->flags = p->flags;
    u->array_offset = CQES + u->cq_entries * (uint32_t)sizeof(struct rf_uring_cqe);
    u->ring_bytes = u->array_offset + (uint64_t)u->sq_entries * sizeof(uint32_t);
    u->sqe_bytes = (uint64_t)u->sq_entries * sizeof(struct rf_uring_sqe);
    return 0;
}

static void tell(struct rf_kernel *k, struct rf_uring *u, struct rf_uring_params *p)
{
    set(k, u, SQ_MASK, u->sq_entries - 1);
    set(k, u, CQ_MASK, u->cq_entries - 1);
    set(k, u, SQ_ENTRIES, u->sq_entries);
    set(k, u, CQ_ENTRIES, u->cq_entries);
    p->sq_entries = u->sq_entries;
    p->cq_entries = u->cq_entries;
    p->features = FEATURES;
    p->sq_off = (struct rf_uring_sq_offsets){ SQ_HEAD, SQ_TAIL, SQ_MASK, SQ_ENTRIES, SQ_FLAGS, SQ_DROPPED,
                                              u->array_offset, 0, 0 };
    p->cq_off = (struct rf_uring_cq_offsets){ CQ_HEAD, CQ_TAIL, CQ_MASK, CQ_ENTRIES, CQ_OVERFLOW, CQES, CQ_FLAGS, 0, 0 };
}

int64_t rf_uring_create(struct rf_kernel *k, uint32_t entries, struct rf_uring_params *params, struct rf_file **out)
{
    struct rf_uring *u = rf_kalloc(k, sizeof *u);
    int64_t result = u ? choose(u, entries, params) : -RF_ENOMEM;
    if (result) {
        rf_kfree(k, u);
        return result;
    }
    u->overflow_end = &u->overflow;
    struct rf_inode *inode = NULL;
    struct rf_file *file = NULL;
    if (fill(k, &u->rings, u->ring_bytes) && fill(k, &u->sqes, u->sqe_bytes) &&
        (inode = rf_inode_alloc(k, k->vfs->pipes, 0600)) != NULL) {
        inode->ops = &ring_inode_ops;
        file = rf_file_alloc(k, &ring_ops, inode, NULL, RF_O_RDWR);
        rf_inode_put(k, inode);
    }
    if (!file) {
        free_ring(k, u);
        return -RF_ENOMEM;
    }
    inode->private_data = u;
    file->private_data = u;
    u->next = k->urings;
    k->urings = u;
    tell(k, u, params);
    *out = file;
    return 0;
}
