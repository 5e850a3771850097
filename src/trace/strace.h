/* Text of system calls, signals and exits as strace 6.1 prints them for x86-64.
 * Knows neither kernel nor CPU: it is given numbers and a way to read guest memory.
 *
 * A call is formatted in two steps, because the call may change or replace the memory
 * that its arguments lie in:
 *
 *     rf_strace_enter(line, nr, args, source);   before the call acts
 *     rf_strace_leave(line, result, source);     after it, memory as the call left it
 *     puts(line->text);
 *
 * If other output must come between the two (another task runs while this call waits):
 *
 *     rf_strace_suspend(line); puts(line->text);  "read(0,  <unfinished ...>"
 *     ...
 *     rf_strace_leave(line, ...); puts(line->text);  "<... read resumed>"x\n", 1) = 2"
 *
 * Every text ends with NUL and has no newline. A line longer than the buffer is cut.
 * No allocation, no globals: one rf_strace_line per task. */
#ifndef RF_TRACE_STRACE_H
#define RF_TRACE_STRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/linux_structs.h"

enum {
    RF_STRACE_LINE_MAX = 16384, /* bytes of text, NUL included */
    RF_STRACE_PREFIX_MAX = 32,
    RF_STRACE_STRING_LIMIT = 32, /* default: bytes of a string that are shown */
    RF_STRACE_STRING_MAX = 1024,
};

/* How to read the calling task's memory. read copies all `size` bytes at a guest
 * address to `out` and returns true, or returns false if any byte is unreadable (the
 * formatter then shows the address). It must not have effects on the guest. */
struct rf_strace_source {
    bool (*read)(void *user, uint64_t guest_address, void *out, size_t size);
    void *user;
};

/* One system call being formatted. Callers read text and length, and may set
 * stack_pointer before rf_strace_enter(). */
struct rf_strace_line {
    size_t length;
    uint64_t stack_pointer; /* RSP at the call: only rt_sigreturn needs it; 0: unknown */

    /* Private. */
    size_t limit; /* most bytes that the present step may fill */
    unsigned nr;
    unsigned previous; /* number of the call before, plus 1; 0: none */
    unsigned string_limit;
    unsigned next;  /* first argument not yet shown */
    bool separated; /* the comma before it is */
    bool any_shown;
    bool complete;  /* no argument is left to show */
    bool suspended; /* the text so far was printed as unfinished */
    uint64_t args[6];
    uint64_t memory[2]; /* what a call's enter step remembers for its leave step */
    char prefix[RF_STRACE_PREFIX_MAX];
    char text[RF_STRACE_LINE_MAX];
};

/* Must be called once. prefix goes before each line ("[pid    42] "; NULL or "" for
 * none; cut at its limit). string_limit 0 means RF_STRACE_STRING_LIMIT, more than
 * RF_STRACE_STRING_MAX means that. */
void rf_strace_line_init(struct rf_strace_line *line, const char *prefix, unsigned string_limit);

/* Changes the prefix from the next new text on (strace -f shows one only while there
 * is more than one task). */
void rf_strace_set_prefix(struct rf_strace_line *line, const char *prefix);

/* Formats the call's name and every argument known before it acts. */
void rf_strace_enter(struct rf_strace_line *line, unsigned nr, const uint64_t args[6],
                     const struct rf_strace_source *source);

/* Completes the line: results, " = " from column 40 on, the value or the error's name
 * and text. result is what the kernel's handler returns: the restart errors -512, -513,
 * -514 and -516 are shown as "? ERESTARTSYS (To be restarted if SA_RESTART is set)". */
void rf_strace_leave(struct rf_strace_line *line, int64_t result,
                     const struct rf_strace_source *source);

/* Completes the line of a call that never returns (exit, a task killed in a call):
 * " = ?"; arguments that were waiting are left out: "read(0,  <unfinished ...>) = ?". */
void rf_strace_leave_none(struct rf_strace_line *line);

/* Ends the text so far with " <unfinished ...>"; print it, then later complete the
 * call as usual, which then begins with "<... name resumed>". */
void rf_strace_suspend(struct rf_strace_line *line);

/* "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---". Returns the
 * length of the whole text as snprintf does; out is always terminated if out_size > 0. */
size_t rf_strace_signal(char *out, size_t out_size, const struct rf_siginfo *info);

/* "--- stopped by SIGSTOP ---" */
size_t rf_strace_stopped(char *out, size_t out_size, int signo);

/* "+++ exited with 0 +++", "+++ killed by SIGSEGV (core dumped) +++": status is the
 * word of wait4(2). */
size_t rf_strace_exit(char *out, size_t out_size, int wait_status);

/* Formats entry and result in one go, for callers that look only afterwards. */
struct rf_strace_call {
    unsigned nr;
    uint64_t args[6];
    int64_t result;
    bool returned; /* false: shown as "= ?" */
};
size_t rf_strace_format(char *out, size_t out_size, const struct rf_strace_call *call,
                        const struct rf_strace_source *source);

#endif
