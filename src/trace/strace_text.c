/* The strace formatter's primitives: bounded writing, strings, names, guest reads. */
#include "trace/strace_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "abi/errno.h"
#include "abi/linux_flags.h"
#include "abi/signal_names.h"
#include "trace/strace_names.h"

/* ---- writing ---- */

static void append(struct rf_strace_line *line, const char *text, size_t size)
{
    size_t room = line->limit > line->length ? line->limit - line->length : 0;
    if (size > room)
        size = room;
    memcpy(line->text + line->length, text, size);
    line->length += size;
    line->text[line->length] = '\0';
}

void rf_st_text(struct rf_st *st, const char *text)
{
    append(st->line, text, strlen(text));
}

void rf_st_format(struct rf_st *st, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length > 0)
        append(st->line, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

void rf_st_int(struct rf_st *st, int64_t value)
{
    rf_st_format(st, "%lld", (long long)value);
}

void rf_st_unsigned(struct rf_st *st, uint64_t value)
{
    rf_st_format(st, "%llu", (unsigned long long)value);
}

void rf_st_hex(struct rf_st *st, uint64_t value)
{
    rf_st_format(st, "%#llx", (unsigned long long)value);
}

void rf_st_address(struct rf_st *st, uint64_t value)
{
    if (value)
        rf_st_hex(st, value);
    else
        rf_st_text(st, "NULL");
}

void rf_st_mode(struct rf_st *st, unsigned mode)
{
    rf_st_format(st, "%#03o", mode);
}

void rf_st_file_mode(struct rf_st *st, unsigned mode)
{
    const char *type = rf_st_find_name(mode & RF_S_IFMT, &rf_st_file_types);
    if (!type && mode & RF_S_IFMT) {
        rf_st_mode(st, mode);
        return;
    }
    rf_st_format(st, "%s%s%s%s%s%#03o", type ? type : "", type ? "|" : "",
                 mode & RF_S_ISUID ? "S_ISUID|" : "", mode & RF_S_ISGID ? "S_ISGID|" : "",
                 mode & RF_S_ISVTX ? "S_ISVTX|" : "", mode & 0777);
}

/* Linux's 64-bit dev_t: makedev(3). */
void rf_st_device(struct rf_st *st, uint64_t device)
{
    unsigned major = (unsigned)((device >> 8 & 0xfff) | (device >> 32 & 0xfffff000));
    unsigned minor = (unsigned)((device & 0xff) | (device >> 12 & 0xffffff00));
    rf_st_format(st, "makedev(%#x, %#x)", major, minor);
}

void rf_st_signal_name(struct rf_st *st, int signo)
{
    const char *name = rf_signal_name(signo);
    if (name)
        rf_st_text(st, name);
    else
        rf_st_int(st, signo);
}

/* Year, month and day of a number of days since 1970-01-01 in the Gregorian calendar,
 * counting from a 1st of March so that leap days come last. */
static void civil_date(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468; /* from 0000-03-01 */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * of_year + 2) / 153;
    *day = of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

void rf_st_date(struct rf_st *st, int64_t seconds, uint64_t fraction, int digits)
{
    int64_t days = seconds / 86400;
    int64_t rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t year;
    unsigned month;
    unsigned day;
    civil_date(days, &year, &month, &day);
    rf_st_format(st, "%04lld-%02u-%02uT%02d:%02d:%02d", (long long)year, month, day,
                 (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
    if (fraction)
        rf_st_format(st, ".%0*llu", digits, (unsigned long long)fraction);
    rf_st_text(st, "+0000");
}

/* ---- names ---- */

const char *rf_st_find_name(uint64_t value, const struct rf_st_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->list[i].value == value)
            return names->list[i].name;
    return NULL;
}

static void put_unknown(struct rf_st *st, uint64_t value, const struct rf_st_names *names)
{
    rf_st_hex(st, value);
    if (names->unknown)
        rf_st_format(st, " /* %s */", names->unknown);
}

void rf_st_enum(struct rf_st *st, uint64_t value, const struct rf_st_names *names)
{
    const char *name = rf_st_find_name(value, names);
    if (name)
        rf_st_text(st, name);
    else
        put_unknown(st, value, names);
}

void rf_st_separate(struct rf_st *st, bool *shown)
{
    if (*shown)
        rf_st_text(st, "|");
    *shown = true;
}

uint64_t rf_st_flag_names(struct rf_st *st, uint64_t value, const struct rf_st_names *names,
                          bool *shown)
{
    for (size_t i = 0; i < names->count && value; i++) {
        uint64_t bits = names->list[i].value;
        if (!bits || (value & bits) != bits)
            continue;
        rf_st_separate(st, shown);
        rf_st_text(st, names->list[i].name);
        value &= ~bits;
    }
    return value;
}

void rf_st_flags(struct rf_st *st, uint64_t value, const struct rf_st_names *names)
{
    if (!value) {
        const char *name = rf_st_find_name(0, names);
        rf_st_text(st, name ? name : "0");
        return;
    }
    bool shown = false;
    uint64_t rest = rf_st_flag_names(st, value, names, &shown);
    if (rest && !shown) {
        put_unknown(st, rest, names);
    } else if (rest) {
        rf_st_text(st, "|");
        rf_st_hex(st, rest);
    }
}

void rf_st_open_flags(struct rf_st *st, uint64_t flags)
{
    static const char *const access[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
    bool shown = true;
    rf_st_text(st, access[flags & RF_O_ACCMODE]);
    uint64_t rest = rf_st_flag_names(st, flags & ~(uint64_t)RF_O_ACCMODE, &rf_st_open_bits, &shown);
    if (rest) {
        rf_st_text(st, "|");
        rf_st_hex(st, rest);
    }
}

/* A set with two thirds of all signals or more is shown as what it lacks. */
void rf_st_sigset(struct rf_st *st, uint64_t mask)
{
    bool inverse = __builtin_popcountll(mask) >= RF_NSIG * 2 / 3;
    if (inverse)
        mask = ~mask;
    rf_st_text(st, inverse ? "~[" : "[");
    bool shown = false;
    for (int signo = 1; signo <= RF_NSIG; signo++) {
        if (!(mask & RF_SIGMASK(signo)))
            continue;
        if (shown)
            rf_st_text(st, " ");
        shown = true;
        rf_st_text(st, rf_signal_name(signo) + strlen("SIG"));
    }
    rf_st_text(st, "]");
}

/* ---- strings ---- */

static void quote_byte(struct rf_st *st, uint8_t byte, bool digit_follows)
{
    switch (byte) {
    case '"':
        rf_st_text(st, "\\\"");
        return;
    case '\\':
        rf_st_text(st, "\\\\");
        return;
    case '\f':
        rf_st_text(st, "\\f");
        return;
    case '\n':
        rf_st_text(st, "\\n");
        return;
    case '\r':
        rf_st_text(st, "\\r");
        return;
    case '\t':
        rf_st_text(st, "\\t");
        return;
    case '\v':
        rf_st_text(st, "\\v");
        return;
    default:
        break;
    }
    if (byte >= ' ' && byte < 0x7f)
        append(st->line, (const char *)&byte, 1);
    else if (digit_follows) /* a shorter escape would take the digit in */
        rf_st_format(st, "\\%03o", byte);
    else
        rf_st_format(st, "\\%o", byte);
}

void rf_st_quote(struct rf_st *st, const uint8_t *bytes, size_t size, bool hex)
{
    rf_st_text(st, "\"");
    for (size_t i = 0; i < size; i++) {
        if (hex)
            rf_st_format(st, "\\x%02x", bytes[i]);
        else
            quote_byte(st, bytes[i], i + 1 < size && bytes[i + 1] >= '0' && bytes[i + 1] <= '7');
    }
    rf_st_text(st, "\"");
}

/* ---- reading ---- */

bool rf_st_read(const struct rf_st *st, uint64_t address, void *out, size_t size)
{
    if (!st->source || address > UINT64_MAX - size)
        return false;
    return size == 0 || st->source->read(st->source->user, address, out, size);
}

bool rf_st_fetch(struct rf_st *st, uint64_t address, void *out, size_t size)
{
    if (address && !st->failed && rf_st_read(st, address, out, size))
        return true;
    rf_st_address(st, address);
    return false;
}

void rf_st_data(struct rf_st *st, uint64_t address, uint64_t size, bool hex)
{
    uint8_t bytes[RF_STRACE_STRING_MAX];
    unsigned limit = st->line->string_limit;
    size_t shown = size < limit ? (size_t)size : limit;
    if (!address || !rf_st_read(st, address, bytes, shown)) {
        rf_st_address(st, address);
        return;
    }
    rf_st_quote(st, bytes, shown, hex);
    if (size > limit)
        rf_st_text(st, "...");
}

/* Reads bytes up to and with a NUL, at most max, into *out; returns how many were read
 * (0: unreadable). Steps stay within pages, because the string may end just before an
 * unreadable one. */
static size_t read_string(const struct rf_st *st, uint64_t address, uint8_t *out, size_t max)
{
    size_t length = 0;
    while (length < max) {
        uint64_t at = address + length;
        size_t step = 64 - at % 64;
        if (step > max - length)
            step = max - length;
        if (at < address || !rf_st_read(st, at, out + length, step))
            return 0;
        if (memchr(out + length, '\0', step))
            return (size_t)((uint8_t *)memchr(out + length, '\0', step) - out) + 1;
        length += step;
    }
    return length;
}

static void put_string(struct rf_st *st, uint64_t address, uint8_t *bytes, size_t limit)
{
    size_t length = address ? read_string(st, address, bytes, limit + 1) : 0;
    if (!length) {
        rf_st_address(st, address);
        return;
    }
    bool ended = bytes[length - 1] == '\0';
    rf_st_quote(st, bytes, ended ? length - 1 : limit, false);
    if (!ended)
        rf_st_text(st, "...");
}

void rf_st_string(struct rf_st *st, uint64_t address)
{
    uint8_t bytes[RF_STRACE_STRING_MAX + 1];
    put_string(st, address, bytes, st->line->string_limit);
}

void rf_st_path(struct rf_st *st, uint64_t address)
{
    uint8_t bytes[RF_PATH_MAX + 1];
    put_string(st, address, bytes, RF_PATH_MAX - 1);
}

void rf_st_array(struct rf_st *st, uint64_t address, uint64_t count, size_t element_size,
                 rf_st_element *print)
{
    uint64_t element[16]; /* large enough for every element, and aligned */
    if (address && !count && !st->failed) {
        rf_st_text(st, "[]");
        return;
    }
    if (element_size > sizeof element || !rf_st_fetch(st, address, element, element_size))
        return;
    rf_st_text(st, "[");
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = address + i * element_size;
        if (i)
            rf_st_text(st, ", ");
        if (i == RF_ST_ARRAY_LIMIT) {
            rf_st_text(st, "...");
            break;
        }
        if (!rf_st_read(st, at, element, element_size)) {
            rf_st_format(st, "... /* %#llx */", (unsigned long long)at);
            break;
        }
        print(st, element);
    }
    rf_st_text(st, "]");
}
