/* A C library at work: numbers to text and back, sorting, allocation, regular expressions, time. */
/* libc: both */
/* flags: -lm */
#include "guest.h"
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <regex.h>
#include <time.h>
#include <wchar.h>

static uint64_t state = 88172645463325252u;
static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void floats(void)
{
    static const double values[] = { 0.0, -0.0, 1.0, 0.1, 1e300, 1e-300, DBL_MIN, DBL_MAX, 5e-324, INFINITY, 123456789.125,
                                     1.0 / 3, 2.5, 3.5, 1e22, 1e23, 9007199254740993.0, -1234.5678 };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        printf("%g %.17g %e %f %a %.0f %10.3f %Lg\n", values[i], values[i], values[i], values[i] < 1e30 ? values[i] : 0,
               values[i], values[i] < 1e30 ? values[i] : 0, fmod(values[i], 1000), (long double)values[i] / 3);
    static const char *const texts[] = { "1.5", "1e400", "-1e-400", "0x1.8p3", "inf", "nan", "3.14159265358979323846264338327950288",
                                         "2.2250738585072011e-308", "179769313486231580793728971405301e277", "  7x", "." };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *end;
        errno = 0;
        double value = strtod(texts[i], &end);
        printf("%s -> %.17g %d %ld, %.9g, %.21Lg\n", texts[i], value, errno, (long)(end - texts[i]), strtof(texts[i], NULL), strtold(texts[i], NULL));
    }
    for (int i = 0; i < 200; i++) {
        union { uint64_t bits; double value; } u = { next() };
        if (!isfinite(u.value))
            continue;
        char text[64];
        snprintf(text, sizeof text, "%.17g", u.value);
        if (strtod(text, NULL) != u.value)
            printf("does not come back: %s\n", text);
    }
    printf("%.15g %.15g %.15g %.15g %ld %ld %.3f\n", sqrt(2), cbrt(27), floor(-1.5), nearbyint(2.5), lrint(3.5), lround(-2.5), hypot(3, 4));
}

static void sorting(void)
{
    enum { COUNT = 20000 };
    uint32_t *numbers = malloc(COUNT * sizeof *numbers), sum = 0;
    for (int i = 0; i < COUNT; i++)
        numbers[i] = (uint32_t)next();
    qsort(numbers, COUNT, sizeof *numbers, by_value);
    for (int i = 0; i < COUNT; i++)
        sum = sum * 31 + numbers[i];
    printf("sorted %u %d\n", sum, bsearch(&numbers[777], numbers, COUNT, sizeof *numbers, by_value) != NULL);
    free(numbers);
}

static void allocation(void)
{
    enum { SLOTS = 500 };
    static unsigned char *slot[SLOTS];
    static size_t size[SLOTS];
    long bad = 0;
    for (int i = 0; i < 30000; i++) {
        size_t n = next() % SLOTS;
        for (size_t at = 0; slot[n] && at < size[n]; at += 97)
            bad += slot[n][at] != (unsigned char)n;
        size_t want = next() % (i % 100 ? 2000 : 300000);
        if (next() % 3) {
            free(slot[n]);
            slot[n] = malloc(want);
        } else {
            slot[n] = realloc(slot[n], want);
        }
        if (!slot[n])
            size[n] = 0;
        else
            memset(slot[n], (int)n, size[n] = want);
    }
    for (int i = 0; i < SLOTS; i++)
        free(slot[i]);
    printf("damaged bytes %ld\n", bad);
}

static void texts(void)
{
    char a[100], b[100];
    regex_t regex;
    regmatch_t match[3];
    printf("regcomp %d\n", regcomp(&regex, "([a-z]+)[0-9]{2,3}$", REG_EXTENDED));
    printf("regexec %d", regexec(&regex, "XYZ abc123", 3, match, 0));
    printf(" %d-%d\n", (int)match[1].rm_so, (int)match[1].rm_eo);
    printf("no match %d\n", regexec(&regex, "abc1", 3, match, 0));
    regfree(&regex);
    for (size_t length = 0; length < 70; length++) {
        memset(a, 'a', sizeof a);
        a[length] = '\0';
        strcpy(b, a);
        b[length / 2] = length ? 'b' : '\0';
        int order = strcmp(a, b);
        if (strlen(a) != length || (length && order >= 0) || memchr(b, 'b', length) != (length ? b + length / 2 : NULL) ||
            strstr(b, "ba") != (length > 2 ? b + length / 2 : strstr(b, "ba")))
            printf("string functions disagree at %zu\n", length);
    }
    printf("%s %s %d %" PRIx64 "\n", strpbrk("hello world", "ow"), strrchr("a/b/c", '/'), (int)strspn("aabbc", "ab"),
           (uint64_t)strtoull("ffffffffffffffff", NULL, 16));
    time_t when = 1700000000;
    struct tm tm;
    strftime(a, sizeof a, "%Y-%m-%d %H:%M:%S %j %a", gmtime_r(&when, &tm));
    printf("%s %ld\n", a, (long)timegm(&tm));
    int x, y;
    char word[20];
    printf("sscanf %d", sscanf("12 0x1f word", "%d %i %19s", &x, &y, word));
    printf(" %d %d %s\n", x, y, word);
}

int main(void)
{
    floats();
    sorting();
    allocation();
    texts();
    return 0;
}
