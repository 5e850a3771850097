/* Random code for the fuzzer: short privileged sequences with random operands, random bytes, and
 * ordinary instructions between. */
#include "fuzz_machine.h"

/* Instructions as bytes; the register numbers of those with a ModRM byte are changed at random,
 * memory operands use registers with likely addresses. */
struct snippet {
    uint8_t size;
    int8_t modrm; /* its index: random, 0xc0 kept if it was set; -1: none */
    uint8_t bytes[10];
};
static const struct snippet snippets[] = {
    { 3, 2, { 0x0f, 0x22, 0xc0 } }, /* mov cr, r */
    { 3, 2, { 0x0f, 0x20, 0xc0 } }, /* mov r, cr */
    { 3, 2, { 0x0f, 0x23, 0xc0 } }, /* mov dr, r */
    { 3, 2, { 0x0f, 0x21, 0xc0 } },
    { 4, -1, { 0x44, 0x0f, 0x22, 0xc0 } }, /* mov cr8, rax */
    { 2, -1, { 0x0f, 0x30 } },             /* wrmsr */
    { 2, -1, { 0x0f, 0x32 } },             /* rdmsr */
    { 3, 2, { 0x0f, 0x01, 0x10 } },        /* lgdt and its group */
    { 3, 2, { 0x0f, 0x01, 0x18 } },
    { 3, 2, { 0x0f, 0x01, 0xc0 } }, /* group 7, registers: vmcall, monitor, swapgs ... */
    { 3, -1, { 0x0f, 0x01, 0xf8 } }, /* swapgs */
    { 3, -1, { 0x0f, 0x01, 0xca } }, /* clac */
    { 3, -1, { 0x0f, 0x01, 0xcb } }, /* stac */
    { 3, -1, { 0x0f, 0x01, 0xd1 } }, /* xsetbv */
    { 3, 2, { 0x0f, 0x00, 0xc0 } },  /* sldt str lldt ltr verr verw */
    { 3, 2, { 0x0f, 0x00, 0x10 } },
    { 3, 2, { 0x0f, 0x02, 0xc0 } }, /* lar */
    { 3, 2, { 0x0f, 0x03, 0xc0 } }, /* lsl */
    { 2, 1, { 0x8e, 0xc0 } },       /* mov sreg, r */
    { 2, 1, { 0x8e, 0xd0 } },
    { 2, 1, { 0xff, 0x18 } }, /* call far */
    { 2, 1, { 0xff, 0x28 } }, /* jmp far */
    { 2, 1, { 0xff, 0xc0 } }, /* inc .. push */
    { 1, -1, { 0xcb } },      /* retf */
    { 2, -1, { 0x48, 0xcb } },
    { 1, -1, { 0xcf } }, /* iret */
    { 2, -1, { 0x48, 0xcf } },
    { 2, -1, { 0x66, 0xcf } },
    { 2, -1, { 0x0f, 0x05 } }, /* syscall */
    { 2, -1, { 0x0f, 0x07 } },
    { 3, -1, { 0x48, 0x0f, 0x07 } },
    { 2, -1, { 0x0f, 0x34 } }, /* sysenter */
    { 2, -1, { 0x0f, 0x35 } },
    { 3, -1, { 0x48, 0x0f, 0x35 } },
    { 1, -1, { 0xcc } },
    { 1, -1, { 0xf1 } },
    { 2, -1, { 0xcd, 0x80 } },
    { 1, -1, { 0xf4 } }, /* hlt */
    { 1, -1, { 0xfa } },
    { 1, -1, { 0xfb } },
    { 1, -1, { 0x9c } }, /* pushf */
    { 1, -1, { 0x9d } }, /* popf */
    { 1, -1, { 0xee } }, /* out */
    { 1, -1, { 0xed } },
    { 2, -1, { 0xf3, 0x6e } }, /* rep outsb */
    { 2, -1, { 0xf3, 0x6d } },
    { 2, -1, { 0xf3, 0xa4 } }, /* rep movsb */
    { 3, -1, { 0xf3, 0x48, 0xab } },
    { 3, 2, { 0x0f, 0x01, 0x38 } }, /* invlpg */
    { 5, 4, { 0x66, 0x0f, 0x38, 0x82, 0x00 } }, /* invpcid */
    { 2, -1, { 0x0f, 0x06 } },                  /* clts */
    { 2, -1, { 0x0f, 0x09 } },
    { 3, 2, { 0x0f, 0xae, 0x08 } }, /* fxrstor and its group */
    { 3, 2, { 0x0f, 0xae, 0xe8 } },
    { 4, 3, { 0x48, 0x0f, 0xc7, 0x20 } }, /* xsavec, xrstors ... */
    { 4, 3, { 0xf3, 0x0f, 0xae, 0xd0 } }, /* wrfsbase, CET and others */
    { 4, 3, { 0xf3, 0x0f, 0x01, 0x28 } }, /* rstorssp and others */
    { 4, -1, { 0xf3, 0x0f, 0x1e, 0xfa } }, /* endbr64 */
    { 1, -1, { 0xc3 } },
    { 1, -1, { 0xc9 } },
    { 4, -1, { 0xc8, 0x10, 0x00, 0x1f } }, /* enter */
    { 2, 1, { 0x89, 0x00 } },              /* mov m, r */
    { 2, 1, { 0x8b, 0x00 } },
    { 3, 2, { 0x48, 0x87, 0x00 } }, /* xchg */
    { 3, 2, { 0x48, 0x01, 0xc0 } },
    { 2, -1, { 0xd9, 0xc0 } },
    { 4, -1, { 0xc5, 0xf8, 0x58, 0xc1 } }, /* vaddps */
};

/* mov r64, imm64 with a likely value: what the next snippet finds in its registers. */
static size_t load_register(struct fuzz_rng *rng, uint8_t *out)
{
    uint64_t value = fuzz_value(rng);
    unsigned number = (unsigned)fuzz_below(rng, 8);
    if (number == RF_RCX && fuzz_below(rng, 2))
        value = fuzz_msr(rng);
    out[0] = 0x48;
    out[1] = (uint8_t)(0xb8 + number);
    memcpy(out + 2, &value, 8);
    return 10;
}

static size_t privileged(struct fuzz_rng *rng, uint8_t *out)
{
    const struct snippet *s = &snippets[fuzz_below(rng, sizeof snippets / sizeof *snippets)];
    memcpy(out, s->bytes, s->size);
    if (s->modrm >= 0 && fuzz_below(rng, 4)) {
        uint8_t *modrm = &out[s->modrm];
        *modrm = (uint8_t)((*modrm & 0xc0) | ((*modrm + fuzz_next(rng)) & 0x3f));
    } else if (s->bytes[0] == 0xcd) {
        out[1] = (uint8_t)fuzz_next(rng);
    }
    return s->size;
}

static size_t random_bytes(struct fuzz_rng *rng, uint8_t *out)
{
    size_t size = 1 + fuzz_below(rng, 16);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)fuzz_next(rng);
    return size;
}

void fuzz_code(struct fuzz_rng *rng, uint8_t *out, size_t size)
{
    uint8_t piece[16];
    for (size_t at = 0; at < size;) {
        unsigned kind = (unsigned)fuzz_below(rng, 8);
        size_t length = kind < 4 ? privileged(rng, piece) : kind < 7 ? load_register(rng, piece)
                                                                     : random_bytes(rng, piece);
        if (length > size - at)
            length = size - at;
        memcpy(out + at, piece, length);
        at += length;
    }
}
