/* io_uring (io_uring(7)): rings shared with a program, and the requests it has made through them.
 *
 * A request is a system call's handler run with the file made non-blocking. Where that would have waited, the queues that
 * the file's poll names are watched, and the request runs again in its owner's name once one is woken: in io_uring_enter,
 * or before the owner returns to user mode. */
#ifndef RF_KERNEL_URING_URING_H
#define RF_KERNEL_URING_URING_H

#include "abi/linux_uring.h"
#include "kernel/fs/fs.h"
#include "kernel/task/timer.h"
#include "kernel/vfs/poll.h"

#define RF_URING_MOST_ENTRIES 32768u

enum rf_uring_state { RF_URING_WAITS, RF_URING_READY, RF_URING_TIMER, RF_URING_DRAINS };

struct rf_uring_watch;
struct rf_uring_request {
    struct rf_uring_request *next; /* u->requests: all that are not over */
    struct rf_uring *u;
    struct rf_uring_sqe sqe;
    enum rf_uring_state state;
    int32_t pid;                   /* whose it is: the process */
    struct rf_file *file;          /* referenced while it waits; NULL: none */
    struct rf_uring_watch *watches;
    struct rf_timer timer;         /* TIMEOUT, LINK_TIMEOUT */
    bool multishot, cancelled, looked; /* looked: it was ready once, and had to wait all the same */
    uint32_t target;               /* TIMEOUT: completions that end it; 0: none */
    uint64_t order;
    struct rf_uring_request *link; /* what is started after it */
    struct rf_uring_request *guarded; /* LINK_TIMEOUT: whom it ends */
};

struct rf_uring_buffer { /* PROVIDE_BUFFERS */
    struct rf_uring_buffer *next;
    uint64_t address;
    uint32_t size;
    uint16_t group, id;
};
struct rf_uring_overflow {
    struct rf_uring_overflow *next;
    struct rf_uring_cqe cqe;
};

struct rf_uring {
    struct rf_uring *next; /* k->urings */
    struct rf_pages rings, sqes;
    uint32_t sq_entries, cq_entries, flags, array_offset;
    uint64_t ring_bytes, sqe_bytes, orders, completed;
    struct rf_uring_overflow *overflow, **overflow_end;
    struct rf_uring_request *requests;
    struct rf_wait_queue changed; /* completions, and requests that can go on */
    struct rf_uring_buffer *buffers;
    struct rf_iovec *fixed_buffers;
    uint32_t fixed_buffer_count;
    struct rf_file **files;
    uint32_t file_count;
    struct rf_file *eventfd;
    bool refused;          /* the last request was malformed */
    bool batching, posted; /* the eventfd is told once of all that a submission completes */
};

/* --- ring.c --- */
int64_t rf_uring_create(struct rf_kernel *k, uint32_t entries, struct rf_uring_params *params, struct rf_file **out);
struct rf_uring *rf_uring_of(const struct rf_file *file); /* NULL: another kind of file */
/* A completion: into the ring, or kept until there is room. */
void rf_uring_post(struct rf_kernel *k, struct rf_uring *u, uint64_t user_data, int64_t result, uint32_t flags);
void rf_uring_flush(struct rf_kernel *k, struct rf_uring *u); /* what did not fit */
void rf_uring_batch(struct rf_kernel *k, struct rf_uring *u, bool begins);
uint32_t rf_uring_ready(struct rf_kernel *k, struct rf_uring *u); /* completions in the ring */
/* The next submission. False: there is none. An index out of range is dropped, and the next one taken. */
bool rf_uring_next(struct rf_kernel *k, struct rf_uring *u, struct rf_uring_sqe *out);

/* --- request.c --- */
/* Up to count submissions: how many were taken, or -errno if none could be. */
int64_t rf_uring_submit(struct rf_kernel *k, struct rf_uring *u, uint32_t count);
/* What can go on in the current task's name, goes on. */
void rf_uring_run(struct rf_kernel *k, struct rf_uring *u);
void rf_uring_run_all(struct rf_kernel *k); /* before a return to user mode */
bool rf_uring_can_run(const struct rf_kernel *k, const struct rf_uring *u); /* a request of the current process is ready */
/* A request is over. result: of its completion, unless the request asks for none. */
void rf_uring_complete(struct rf_kernel *k, struct rf_uring_request *r, int64_t result, uint32_t flags);
void rf_uring_make_ready(struct rf_kernel *k, struct rf_uring_request *r);
void rf_uring_drop_all(struct rf_kernel *k, struct rf_uring *u); /* no completions */
/* Requests that match: how many were ended. */
int64_t rf_uring_cancel(struct rf_kernel *k, struct rf_uring *u, const struct rf_uring_request *by, uint64_t user_data,
                        int fd, uint32_t flags, int opcode);

/* --- ops.c: what each operation does --- */
#define RF_URING_WOULD_WAIT INT64_MIN /* = RF_BLOCKED: its file is to be watched */
#define RF_URING_PENDING INT64_MAX    /* it has a timer or watches of its own */
int64_t rf_uring_issue(struct rf_kernel *k, struct rf_uring_request *r, uint32_t *cqe_flags);
bool rf_uring_is_known(unsigned opcode);
/* Bytes that were asked for: fewer break a chain of links. 0: any result above is whole. */
uint32_t rf_uring_events(const struct rf_uring_request *r); /* RF_POLL*: what it waits for */
uint64_t rf_uring_wanted(const struct rf_uring_request *r);

/* --- register.c --- */
int64_t rf_uring_register(struct rf_kernel *k, struct rf_uring *u, uint32_t opcode, uint64_t argument, uint32_t count);
void rf_uring_unregister_all(struct rf_kernel *k, struct rf_uring *u);
int64_t rf_uring_update_files(struct rf_kernel *k, struct rf_uring *u, uint32_t first, uint64_t fds, uint32_t count);

#endif
