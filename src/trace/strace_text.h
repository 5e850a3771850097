/* Internal to the strace formatter: writing into a line, reading guest memory, and
 * the printers that its files share. */
#ifndef RF_TRACE_STRACE_TEXT_H
#define RF_TRACE_STRACE_TEXT_H

#include "abi/syscalls.h"
#include "trace/strace.h"

enum { RF_ST_ARRAY_LIMIT = 32 };

/* One step (enter or leave) of formatting one call. */
struct rf_st {
    struct rf_strace_line *line;
    const struct rf_strace_source *source;
    const uint64_t *args;
    unsigned index; /* of the argument being shown */
    bool leaving;
    bool failed; /* leaving with an error: out-arguments are shown as addresses */
    bool omit;   /* set by a printer: this argument does not appear */
    bool last;   /* set by a printer: no argument after this one appears */
    int64_t result;
};

/* Names of values. unknown is the comment for a value without a name; NULL: none. */
struct rf_st_name {
    uint64_t value;
    const char *name;
};
struct rf_st_names {
    const char *unknown;
    size_t count;
    const struct rf_st_name *list;
};

/* ---- writing (strace_text.c) ---- */

void rf_st_text(struct rf_st *st, const char *text);
void rf_st_format(struct rf_st *st, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rf_st_int(struct rf_st *st, int64_t value);
void rf_st_unsigned(struct rf_st *st, uint64_t value);
void rf_st_hex(struct rf_st *st, uint64_t value);
void rf_st_address(struct rf_st *st, uint64_t value);  /* NULL for 0 */
void rf_st_mode(struct rf_st *st, unsigned mode);      /* permission bits, octal */
void rf_st_file_mode(struct rf_st *st, unsigned mode); /* S_IFREG|0644 */
void rf_st_device(struct rf_st *st, uint64_t device);  /* makedev(0x1, 0x3) */
void rf_st_signal_name(struct rf_st *st, int signo);
/* "2023-11-14T22:13:20.000000005+0000" (strace uses the local time zone; this is UTC). */
void rf_st_date(struct rf_st *st, int64_t seconds, uint64_t fraction, int digits);

/* The name of a value, or the number with the table's comment for unknown ones. */
void rf_st_enum(struct rf_st *st, uint64_t value, const struct rf_st_names *names);
const char *rf_st_find_name(uint64_t value, const struct rf_st_names *names);
/* Names of bits joined by '|', the rest in hex; a zero value by its name or "0". */
void rf_st_flags(struct rf_st *st, uint64_t value, const struct rf_st_names *names);
/* Adds the names of bits with '|' in front where something stands already (*shown),
 * and returns the bits that have no name. */
uint64_t rf_st_flag_names(struct rf_st *st, uint64_t value, const struct rf_st_names *names,
                          bool *shown);
/* "|" if something stands already; marks that something does. */
void rf_st_separate(struct rf_st *st, bool *shown);
void rf_st_sigset(struct rf_st *st, uint64_t mask);
void rf_st_open_flags(struct rf_st *st, uint64_t flags);

/* Quotes bytes as a C string. hex: every byte as \xNN. */
void rf_st_quote(struct rf_st *st, const uint8_t *bytes, size_t size, bool hex);

/* ---- reading ---- */

bool rf_st_read(const struct rf_st *st, uint64_t address, void *out, size_t size);
/* Reads for an argument that is shown as an address if it is NULL or unreadable, or if
 * the call has failed; returns whether *out is filled (otherwise text is written). */
bool rf_st_fetch(struct rf_st *st, uint64_t address, void *out, size_t size);

/* Bytes at an address, cut at the line's limit with "..."; the address if unreadable. */
void rf_st_data(struct rf_st *st, uint64_t address, uint64_t size, bool hex);
/* A NUL-terminated string, cut at the line's limit. */
void rf_st_string(struct rf_st *st, uint64_t address);
/* A path: shown whole up to PATH_MAX. */
void rf_st_path(struct rf_st *st, uint64_t address);

/* "[a, b, ...]" of count elements, at most RF_ST_ARRAY_LIMIT of them. */
typedef void rf_st_element(struct rf_st *st, const void *element);
void rf_st_array(struct rf_st *st, uint64_t address, uint64_t count, size_t element_size,
                 rf_st_element *print);

/* ---- plain values (strace_kinds.c) ---- */

/* Shows an argument that is a number, a string or a set of names by itself; false for
 * other kinds. */
bool rf_st_plain_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value);

/* ---- structures (strace_structs.c), signals (strace_signals.c), sockets
 * (strace_net.c) ---- */

/* Shows an argument that is an address of one of the known structures; false for other
 * kinds. */
bool rf_st_struct_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value);
bool rf_st_signal_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value);
bool rf_st_net_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value);

/* What a larger structure than the known one holds beyond it, unless that is all zero. */
void rf_st_extra_bytes(struct rf_st *st, uint64_t address, uint64_t from, uint64_t size);

void rf_st_timespec(struct rf_st *st, uint64_t address);
void rf_st_timespec_value(struct rf_st *st, const struct rf_timespec *time);
void rf_st_timeval_value(struct rf_st *st, const struct rf_timeval *time);
void rf_st_sigset_at(struct rf_st *st, uint64_t address, uint64_t size);
void rf_st_siginfo(struct rf_st *st, const struct rf_siginfo *info);
void rf_st_iovec(struct rf_st *st, uint64_t address, uint64_t count, bool with_data,
                 uint64_t available);

/* ---- calls with a form of their own (strace_calls.c, strace_ioctl.c,
 * strace_prctl.c) ---- */

struct rf_st_special {
    unsigned nr;
    void (*enter)(struct rf_st *st);  /* shows the arguments; NULL: by kind */
    void (*leave)(struct rf_st *st);  /* shows the rest of them; only with enter */
    bool (*result)(struct rf_st *st); /* shows the result; false: the usual way */
};
/* NULL for a call without anything special. */
const struct rf_st_special *rf_st_special(unsigned nr);

bool rf_st_call_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value);
void rf_st_enter_prctl(struct rf_st *st); /* strace_prctl.c */
void rf_st_leave_prctl(struct rf_st *st);
void rf_st_enter_seccomp(struct rf_st *st); /* strace_seccomp.c */
void rf_st_leave_seccomp(struct rf_st *st);
void rf_st_prctl_seccomp(struct rf_st *st);
bool rf_st_prctl_result(struct rf_st *st);
bool rf_st_ioctl_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value);
/* Whether the last argument of this ioctl, fcntl or arch_prctl is written by the call. */
bool rf_st_ioctl_is_out(uint64_t request);
bool rf_st_fcntl_is_out(uint64_t command);
bool rf_st_arch_prctl_is_out(uint64_t code);

#endif
