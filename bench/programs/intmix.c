/* A mix of integer work as embedded programs have it: linked lists, small matrices, a state
 * machine over text, and a bitwise CRC over the results. The count is rounds of all four. */
#include <string.h>

#include "bench.h"

/* ---- CRC-16/CCITT, one bit at a time ---- */

static uint16_t crc16(uint16_t crc, uint32_t value)
{
    for (int i = 0; i < 32; i++) {
        uint16_t feedback = (crc >> 15 ^ value >> 31) & 1;
        crc = (uint16_t)(crc << 1);
        if (feedback)
            crc ^= 0x1021;
        value <<= 1;
    }
    return crc;
}

/* ---- Linked list: build, find, reverse, merge sort ---- */

enum { NODES = 256 };

struct node {
    struct node *next;
    int32_t key;
    int32_t data;
};

static struct node nodes[NODES];

static struct node *list_build(uint64_t *random)
{
    for (int i = 0; i < NODES; i++) {
        nodes[i].key = (int32_t)(bench_random(random) >> 40);
        nodes[i].data = i;
        nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
    }
    return nodes;
}

static struct node *list_reverse(struct node *list)
{
    struct node *reversed = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static int by_key(const struct node *a, const struct node *b)
{
    return (a->key > b->key) - (a->key < b->key);
}

static int by_data(const struct node *a, const struct node *b)
{
    return (a->data > b->data) - (a->data < b->data);
}

static struct node *list_sort(struct node *list,
                              int (*order)(const struct node *, const struct node *))
{
    if (!list || !list->next)
        return list;
    struct node *middle = list;
    for (struct node *end = list->next; end && end->next; end = end->next->next)
        middle = middle->next;
    struct node *right = list_sort(middle->next, order);
    middle->next = NULL;
    struct node *left = list_sort(list, order);

    struct node *sorted = NULL;
    struct node **tail = &sorted;
    while (left && right) {
        struct node **smaller = order(left, right) <= 0 ? &left : &right;
        *tail = *smaller;
        tail = &(*smaller)->next;
        *smaller = *tail;
    }
    *tail = left ? left : right;
    return sorted;
}

static int32_t list_find(const struct node *list, int32_t data)
{
    int32_t steps = 0;
    for (; list && list->data != data; list = list->next)
        steps++;
    return list ? steps : -1;
}

static uint16_t list_round(uint16_t crc, uint64_t *random)
{
    struct node *list = list_sort(list_build(random), by_key);
    for (int i = 0; i < 16; i++)
        crc = crc16(crc, (uint32_t)list_find(list, (int32_t)(bench_random(random) >> 55)));
    list = list_sort(list_reverse(list), by_data);
    return crc16(crc, (uint32_t)(list->key ^ list->next->data));
}

/* ---- Matrix: 16-bit elements, 32-bit sums ---- */

enum { SIDE = 12 };

static int32_t matrix_round_cell(int16_t a[SIDE][SIDE], int16_t b[SIDE][SIDE], int row, int column)
{
    int32_t sum = 0;
    for (int k = 0; k < SIDE; k++)
        sum += a[row][k] * b[k][column];
    return sum;
}

static uint16_t matrix_round(uint16_t crc, uint64_t *random)
{
    static int16_t a[SIDE][SIDE];
    static int16_t b[SIDE][SIDE];
    int16_t add = (int16_t)bench_random(random);
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            a[i][j] = (int16_t)(bench_random(random) >> 52);
            b[i][j] = (int16_t)(a[i][j] * 3 + add);
        }
    }
    int32_t trace = 0;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int32_t cell = matrix_round_cell(a, b, i, j);
            trace += i == j ? cell >> 2 & 0x3fff : cell >> 5 & 0x7f;
        }
    }
    return crc16(crc, (uint32_t)trace);
}

/* ---- State machine: which words of a text are numbers, and of what kind ---- */

enum state { START, SIGN, DIGITS, FRACTION, EXPONENT, EXPONENT_DIGITS, INVALID, STATES };

static enum state advance(enum state state, char c)
{
    int digit = c >= '0' && c <= '9';
    switch (state) {
    case START:
        return digit ? DIGITS : c == '+' || c == '-' ? SIGN : c == '.' ? FRACTION : INVALID;
    case SIGN:
        return digit ? DIGITS : c == '.' ? FRACTION : INVALID;
    case DIGITS:
        return digit ? DIGITS : c == '.' ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case FRACTION:
        return digit ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT:
        return digit || c == '+' || c == '-' ? EXPONENT_DIGITS : INVALID;
    case EXPONENT_DIGITS:
        return digit ? EXPONENT_DIGITS : INVALID;
    default:
        return INVALID;
    }
}

static uint16_t state_round(uint16_t crc, uint64_t *random)
{
    static const char *const words[] = {
        "5012", "-874", "35.54400", ".1234500", "5.500e+3", "-.123e-2", "T0.3e-1F", "1T3.4e4z", "+",
    };
    char text[512];
    size_t length = 0;
    while (length < sizeof text - 16) {
        const char *word = words[bench_random(random) % (sizeof words / sizeof words[0])];
        for (; *word; word++)
            text[length++] = *word;
        text[length++] = ',';
    }
    uint32_t entered[STATES] = {0};
    uint32_t ended[STATES] = {0};
    enum state state = START;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ',') {
            ended[state]++;
            state = START;
            continue;
        }
        enum state next = advance(state, text[i]);
        if (next != state)
            entered[next]++;
        state = next;
    }
    for (int i = 0; i < STATES; i++)
        crc = crc16(crc, entered[i] << 16 | ended[i]);
    return crc;
}

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 25000);
    uint64_t random = 0x6c078965;
    uint64_t sum = 0;
    uint16_t crc = 0xffff;
    for (uint64_t i = 0; i < count; i++) {
        crc = list_round(crc, &random);
        crc = matrix_round(crc, &random);
        crc = state_round(crc, &random);
        sum = bench_mix(sum, crc);
    }
    return bench_report(sum);
}
