/* XSAVE, XSAVEOPT, XSAVEC and XRSTOR against the host CPU, for the components x87, SSE, AVX. */
#include "lib/diff_x87_image.h"
#include "lib/differential.h"
#include "lib/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define RAX 0
#define RDX 2
#define RDI 7

#define HEADER 512

static void random_mask(struct diff_state *in, struct diff_rng *rng)
{
    /* bits of components that neither side has are ignored */
    in->gpr[RAX] = diff_below(rng, 8) | (diff_random(rng) & UINT64_C(0xffffffff40000000));
    in->gpr[RDX] = diff_random(rng) & UINT64_C(0xffffffff00000000);
}

static uint8_t *place(struct diff_state *in, struct diff_rng *rng)
{
    unsigned at = diff_below(rng, 4) * 64;
    in->gpr[RDI] = DIFF_MEMORY_AT + at;
    if (diff_below(rng, 32) == 0)
        in->gpr[RDI] += 1u << diff_below(rng, 6); /* not aligned: #GP */
    else if (diff_below(rng, 32) == 0)
        in->gpr[RDI] = DIFF_MEMORY_AT + DIFF_MEMORY_SIZE / 2 + 0xe00; /* runs into the hole */
    return in->memory + at;
}

/* What CPUs differ in: some never see XMM or x87 state as initial. So all of it is in use. */
static bool save(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    random_mask(in, rng);
    place(in, rng);
    in->fx.ftw |= 1;
    in->fx.xmm[3].u8[5] |= 1;
    in->high[2][3] |= 1;
    return true;
}

/* XSAVEC does not write the bytes of the header that XRSTOR wants to be 0. */
static bool save_and_restore(struct diff_state *in, struct diff_rng *rng, void *user)
{
    save(in, rng, user);
    for (unsigned at = HEADER; at < DIFF_MEMORY_SIZE; at += 64)
        memset(in->memory + at, 0, 64);
    return !(in->gpr[RDI] & 63);
}

static bool restore(struct diff_state *in, struct diff_rng *rng, void *user)
{
    (void)user;
    random_mask(in, rng);
    uint8_t *area = place(in, rng);
    bool spoil = diff_below(rng, 4) == 0;
    memset(area + HEADER, 0, 64);
    area[HEADER] = (uint8_t)diff_below(rng, 8);
    if (diff_below(rng, 2)) { /* compacted */
        area[HEADER + 8] = area[HEADER] | (uint8_t)diff_below(rng, 8);
        area[HEADER + 15] = 0x80;
    }
    if (spoil) {
        unsigned at = diff_below(rng, 24);
        if (at == 1 || at == 9) /* components that only one side has */
            at = 0;
        area[HEADER + at] ^= (uint8_t)(at % 8 ? 1u << diff_below(rng, 8) : diff_below(rng, 8));
    }
    /* Bit 17 is MISALIGNSSE on AMD, which also refuses reserved bits of an MXCSR that it does
     * not load: in compacted format without the SSE component. SDM 2D, XRSTOR, does not. */
    bool loaded = !(area[HEADER + 15] & 0x80) || area[HEADER] & 2;
    area[26] &= diff_below(rng, 16) || !loaded ? 0 : 0xfd;
    area[27] &= area[26];
    return true;
}

/* Forgives what CPUs save differently of pointers; `user`: saved with REX.W. */
static void forgive(const struct diff_state *in, struct diff_state *host,
                    struct diff_state *ringfort, void *user)
{
    diff_forgive_area(host, ringfort, in->gpr[RDI], user != NULL);
}

static unsigned run(const char *name, const uint8_t *code, size_t length, unsigned options,
                    bool (*prepare)(struct diff_state *, struct diff_rng *, void *))
{
    static bool wide = true;
    struct diff_case test = { .name = name, .code = code, .length = length, .prepare = prepare,
                              .forgive = forgive, .user = code[0] == 0x48 ? &wide : NULL,
                              .options = DIFF_X87 | DIFF_ANY_CR2 | options };
    return diff_run_random(&test, length, 4000);
}

#define RUN(name, prepare, ...)                                                     \
    do {                                                                            \
        static const uint8_t code[] = { __VA_ARGS__ };                              \
        ck_assert_uint_eq(run(name, code, sizeof code, 0, prepare), 0);             \
        ck_assert_uint_eq(run(name, code, sizeof code, DIFF_UNMASKED, prepare), 0); \
    } while (0)

START_TEST(test_save)
{
    RUN("xsave", save, 0x0f, 0xae, 0x27);
    RUN("xsave64", save, 0x48, 0x0f, 0xae, 0x27);
    RUN("xsaveopt", save, 0x0f, 0xae, 0x37);
    RUN("xsaveopt64", save, 0x48, 0x0f, 0xae, 0x37);
    RUN("xsavec", save, 0x0f, 0xc7, 0x27);
    RUN("xsavec64", save, 0x48, 0x0f, 0xc7, 0x27);
}
END_TEST

START_TEST(test_restore)
{
    RUN("xrstor", restore, 0x0f, 0xae, 0x2f);
    RUN("xrstor64", restore, 0x48, 0x0f, 0xae, 0x2f);
    RUN("xrstor, addsd", restore, 0x48, 0x0f, 0xae, 0x2f, 0xf2, 0x0f, 0x58, 0xc1);
}
END_TEST

/* A saved area restores to the same state. */
START_TEST(test_both)
{
    RUN("xsavec, xrstor", save_and_restore, 0x0f, 0xc7, 0x27, 0x0f, 0xae, 0x2f);
}
END_TEST

int main(void)
{
    if (!diff_available() || !diff_has_avx())
        return 77;
    Suite *suite = suite_create("diff_xsave");
    TCase *tcase = tcase_create("areas");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_save);
    tcase_add_test(tcase, test_restore);
    tcase_add_test(tcase, test_both);
    suite_add_tcase(suite, tcase);
    return diff_end(run_suite(suite));
}
