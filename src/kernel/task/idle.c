/* Time: timers and deadlines that are due, and what happens while every task sleeps. */
#include "kernel/boot/boot.h"
#include "kernel/net/host.h"
#include "kernel/signal/signal.h"
#include "kernel/task/clock.h"
#include "kernel/task/runqueue.h"
#include "kernel/task/task.h"

#include <poll.h>
#include <time.h>

static uint64_t next_deadline(const struct rf_kernel *k)
{
    uint64_t next = k->timers ? k->timers->expires : UINT64_MAX;
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->state == RF_TASK_SLEEPING && task->deadline && task->deadline < next)
            next = task->deadline;
    return next;
}

void rf_timers_run(struct rf_kernel *k)
{
    uint64_t now = rf_clock_monotonic(k);
    rf_host_pump(k);
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->state == RF_TASK_SLEEPING && task->deadline && task->deadline <= now) {
            rf_leave_queues(k, task);
            rf_make_runnable(k, task);
        }
    rf_timer_fire_expired(k, now);
    rf_cpu_timer_fire_expired(k);
    if (k->run_first && k->current && rf_cpu_cycles(k->cpu) >= k->current->timeslice_end)
        k->need_resched = true;
}

/* When to look whether the time has come. Cycles do not tell when the host's clock will say so: look often. */
static uint64_t cycles_at(const struct rf_kernel *k, uint64_t deadline)
{
    const uint64_t often = 1000000;
    return k->host_clock ? rf_cpu_cycles(k->cpu) + often : rf_clock_to_cycles(k, deadline);
}

void rf_timers_arm(struct rf_kernel *k)
{
    uint64_t deadline = next_deadline(k);
    uint64_t cycles = deadline == UINT64_MAX ? UINT64_MAX : cycles_at(k, deadline);
    if (k->run_first && k->current && k->current->timeslice_end < cycles)
        cycles = k->current->timeslice_end;
    uint64_t now = rf_cpu_cycles(k->cpu), distance = rf_cpu_timer_distance(k);
    if (distance != UINT64_MAX && now + distance < cycles)
        cycles = now + distance;
    if (cycles > now + RF_TIMESLICE_CYCLES && rf_host_waits(k))
        cycles = now + RF_TIMESLICE_CYCLES; /* to look at the host's sockets */
    k->cpu->timer_cycles = cycles;
    rf_cpu_refresh_budget(k->cpu);
}

void rf_kernel_timer(void *user, struct rf_cpu *cpu)
{
    struct rf_kernel *k = user;
    rf_timers_run(k);
    rf_timers_arm(k);
    rf_update_exit_work(k, 0);
    /* enter the kernel, so that the exit path sees the work */
    if (k->layout->percpu->exit_work) {
        cpu->interrupt_pending = true;
        cpu->interrupt_vector = RF_TIMER_VECTOR;
    }
    /* a slice that ended with nothing else to run: do not ask again at once */
    if (k->current && cpu->timer_cycles <= rf_cpu_cycles(cpu))
        cpu->timer_cycles = rf_cpu_cycles(cpu) + RF_TIMESLICE_CYCLES;
}

/* --- waiting for the outside --- */

#define MAX_HOST_WAITS 64
#define LONGEST_WAIT_NS UINT64_C(100000000) /* then it is time to look for a requested stop */

static nfds_t collect_host_waits(const struct rf_kernel *k, struct pollfd *fds, struct rf_task **tasks)
{
    nfds_t count = 0;
    for (struct rf_task *task = k->tasks; task && count < MAX_HOST_WAITS; task = task->next_task) {
        if (task->state != RF_TASK_SLEEPING || task->host_fd < 0)
            continue;
        fds[count] = (struct pollfd){ .fd = task->host_fd, .events = task->host_events };
        tasks[count++] = task;
    }
    return count;
}

/* Sleep, on the host, until a descriptor of the host that a task waits for is ready, or for so long. True: a task can run. */
static bool wait_for_host(struct rf_kernel *k, uint64_t ns)
{
    struct pollfd fds[MAX_HOST_WAITS + 1]; /* the last for all sockets of the host */
    struct rf_task *tasks[MAX_HOST_WAITS];
    nfds_t count = collect_host_waits(k, fds, tasks);
    fds[count] = (struct pollfd){ .fd = rf_host_watched(k), .events = POLLIN };
    if (ns > LONGEST_WAIT_NS)
        ns = LONGEST_WAIT_NS;
    const struct timespec timeout = { 0, (long)ns };
    int ready = ppoll(fds, count + 1, &timeout, NULL);
    rf_host_pump(k);
    for (nfds_t i = 0; ready > 0 && i < count; i++) {
        if (!fds[i].revents)
            continue;
        rf_leave_queues(k, tasks[i]);
        rf_make_runnable(k, tasks[i]);
    }
    return ready > 0;
}

bool rf_must_end_soon(const struct rf_kernel *k)
{
    return __atomic_load_n(&k->cpu->stop_requested, __ATOMIC_RELAXED) ||
           rf_cpu_cycles(k->cpu) >= k->cpu->stop_cycles || (k->current && rf_signal_fatal_pending(k->current));
}

static bool anyone_waits_for_host(const struct rf_kernel *k)
{
    if (rf_host_waits(k))
        return true;
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->state == RF_TASK_SLEEPING && task->host_fd >= 0)
            return true;
    return false;
}

/* The virtual clock jumps. False: the cycle limit comes first. */
static bool jump_to(struct rf_kernel *k, uint64_t deadline)
{
    bool limited = deadline > rf_clock_to_ns(k, k->cpu->stop_cycles);
    uint64_t target = limited ? k->cpu->stop_cycles + RF_CYCLES_PER_NS : rf_clock_to_cycles(k, deadline);
    uint64_t now = rf_cpu_cycles(k->cpu);
    if (target > now)
        rf_cpu_charge(k->cpu, RF_ACCOUNT_IDLE, target - now);
    rf_timers_run(k);
    return !limited;
}

/* By the host's clock, its time passes; by the virtual one, waiting for the host takes none. */
bool rf_idle(struct rf_kernel *k)
{
    uint64_t deadline = next_deadline(k), now = rf_clock_monotonic(k);
    bool host = anyone_waits_for_host(k);
    if (k->cpu->stop_requested)
        return false;
    if (deadline == UINT64_MAX && !host) {
        rf_deadlock_report(k);
        return false;
    }
    bool waits = host || k->host_clock;
    if (waits && (wait_for_host(k, deadline > now ? deadline - now : 0) || deadline == UINT64_MAX))
        return true;
    if (!k->host_clock)
        return waits && deadline > now + LONGEST_WAIT_NS ? true : jump_to(k, deadline);
    rf_timers_run(k);
    return true;
}
