/* The virtual clock: modelled cycles as time, 3 cycles a nanosecond; and the clocks of
 * clock_gettime(2) that are made from it. */
#ifndef RF_KERNEL_TASK_CLOCK_H
#define RF_KERNEL_TASK_CLOCK_H

#include "kernel/kernel.h"
#include "kernel/task/timer.h"

#define RF_CYCLES_PER_NS 3 /* a 3 GHz time stamp counter */
#define RF_CYCLES_PER_TICK (RF_CYCLES_PER_NS * UINT64_C(10000000)) /* USER_HZ = 100 */

RF_INLINE uint64_t rf_clock_to_ns(const struct rf_kernel *k, uint64_t cycles)
{
    (void)k;
    return cycles / RF_CYCLES_PER_NS;
}

/* Saturates: UINT64_MAX for times beyond what cycles can say. */
RF_INLINE uint64_t rf_clock_to_cycles(const struct rf_kernel *k, uint64_t ns)
{
    (void)k;
    return ns > UINT64_MAX / RF_CYCLES_PER_NS - 1 ? UINT64_MAX : (ns + 1) * RF_CYCLES_PER_NS;
}

/* The CPU's timer callback: user is the kernel. */
void rf_kernel_timer(void *user, struct rf_cpu *cpu);

/* --- clock.c --- */
/* What a clockid_t names: CPU time, or the monotonic clock plus an offset. */
struct rf_clock {
    bool is_cpu;
    struct rf_cpu_clock cpu;
    uint64_t offset;
    bool realtime; /* the offset changes when the clock is set */
};
/* 0, or -RF_EINVAL: no such clock. */
int64_t rf_clock_find(struct rf_kernel *k, int id, struct rf_clock *out);
/* Does it name a thread's CPU time, and is that thread the current one? Or a file's clock? */
bool rf_clock_id_is_own_thread(const struct rf_kernel *k, int id);
bool rf_clock_id_is_dynamic(int id);
/* The CPU time clocks that once counted ticks claim no more. */
bool rf_clock_id_is_coarse(int id);
uint64_t rf_clock_read(struct rf_kernel *k, const struct rf_clock *clock); /* ns */

/* --- clock_set.c --- */
/* Can the realtime clock be set to that at all (timespec64_valid_settod)? */
bool rf_clock_is_settable(int64_t seconds, int64_t ns);
/* The realtime clock jumps to another value, which is settable: timers and sleeps until a time of it follow, and what
 * adjtimex knew of it is void. -RF_EINVAL: before the machine's start. */
int64_t rf_clock_set(struct rf_kernel *k, int64_t seconds, int64_t ns);
/* As at boot and after a jump: nobody synchronises the clock (ntp_clear). */
void rf_ntp_clear(struct rf_kernel *k);

/* False: negative, or nanoseconds out of range. */
bool rf_timespec_valid(const struct rf_timespec *t);
/* Saturates below what the clocks reach in 292 years. */
uint64_t rf_timespec_ns(const struct rf_timespec *t);
struct rf_timespec rf_ns_timespec(uint64_t ns);
struct rf_timeval rf_ns_timeval(uint64_t ns);

#endif
