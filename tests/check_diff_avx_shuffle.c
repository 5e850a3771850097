/* AVX and AVX2 shuffles, permutations, blends, broadcasts, insertions and extractions against
 * the host CPU, with the host's own AVX2 behind them and without. */
#include "lib/diff_avx.h"

static const struct diff_form orders[] = {
    BOTH(VPSHUFB), UNARY_IMM(VPSHUFD, 256), UNARY_IMM(VPSHUFLW, 256), UNARY_IMM(VPSHUFHW, 256),
    BOTH_IMM(VSHUFPS, 256), BOTH_IMM(VSHUFPD, 256), BOTH_IMM(VPALIGNR, 256),
    F(VPSLLDQ, "x x i8", .immediates = 256), F(VPSLLDQ, "v v i8", .immediates = 256),
    F(VPSRLDQ, "x x i8", .immediates = 256), F(VPSRLDQ, "v v i8", .immediates = 256),
};

static const struct diff_form unpacks[] = {
    BOTH(VUNPCKLPS), BOTH(VUNPCKHPS), BOTH(VUNPCKLPD), BOTH(VUNPCKHPD), BOTH(VPUNPCKLBW),
    BOTH(VPUNPCKLWD), BOTH(VPUNPCKLDQ), BOTH(VPUNPCKLQDQ), BOTH(VPUNPCKHBW), BOTH(VPUNPCKHWD),
    BOTH(VPUNPCKHDQ), BOTH(VPUNPCKHQDQ), BOTH(VPACKSSWB), BOTH(VPACKSSDW), BOTH(VPACKUSWB),
    BOTH(VPACKUSDW),
};

/* Name, bytes of memory for 128 and for 256 bits */
#define WIDEN(name, x, y) F(name, "x x|m" #x), F(name, "v x|m" #y)
static const struct diff_form widening[] = {
    WIDEN(VPMOVSXBW, 8, 16), WIDEN(VPMOVSXBD, 4, 8), WIDEN(VPMOVSXBQ, 2, 4),
    WIDEN(VPMOVSXWD, 8, 16), WIDEN(VPMOVSXWQ, 4, 8), WIDEN(VPMOVSXDQ, 8, 16),
    WIDEN(VPMOVZXBW, 8, 16), WIDEN(VPMOVZXBD, 4, 8), WIDEN(VPMOVZXBQ, 2, 4),
    WIDEN(VPMOVZXWD, 8, 16), WIDEN(VPMOVZXWQ, 4, 8), WIDEN(VPMOVZXDQ, 8, 16),
    WIDEN(VPBROADCASTB, 1, 1), WIDEN(VPBROADCASTW, 2, 2), WIDEN(VPBROADCASTD, 4, 4),
    WIDEN(VPBROADCASTQ, 8, 8), WIDEN(VBROADCASTSS, 4, 4), F(VBROADCASTSD, "v x|m8"),
    F(VBROADCASTF128, "v m16"), F(VBROADCASTI128, "v m16"),
};

static const struct diff_form blends[] = {
    BOTH_IMM(VPBLENDW, 256), BOTH_IMM(VPBLENDD, 256), BOTH_IMM(VBLENDPS, 256),
    BOTH_IMM(VBLENDPD, 256), F(VPBLENDVB, "x x x|m16 x"), F(VPBLENDVB, "v v v|m32 v"),
    F(VBLENDVPS, "x x x|m16 x"), F(VBLENDVPS, "v v v|m32 v"), F(VBLENDVPD, "x x x|m16 x"),
    F(VBLENDVPD, "v v v|m32 v"),
};

static const struct diff_form permutations[] = {
    UNARY_IMM(VPERMILPS, 256), UNARY_IMM(VPERMILPD, 256), BOTH(VPERMILPS), BOTH(VPERMILPD),
    F(VPERMD, "v v v|m32"), F(VPERMPS, "v v v|m32"), F(VPERMQ, "v v|m32 i8", .immediates = 256),
    F(VPERMPD, "v v|m32 i8", .immediates = 256), F(VPERM2F128, "v v v|m32 i8", .immediates = 256),
    F(VPERM2I128, "v v v|m32 i8", .immediates = 256),
};

#define IMM .immediates = 256
static const struct diff_form lanes[] = {
    F(VINSERTF128, "v v x|m16 i8", IMM), F(VINSERTI128, "v v x|m16 i8", IMM),
    F(VEXTRACTF128, "x|m16 v i8", IMM), F(VEXTRACTI128, "x|m16 v i8", IMM),
    F(VPINSRB, "x x r32|m1 i8", IMM), F(VPINSRW, "x x r32|m2 i8", IMM),
    F(VPINSRD, "x x r32|m4 i8", IMM), F(VPINSRQ, "x x r64|m8 i8", IMM),
    F(VPEXTRB, "r32|m1 x i8", IMM), F(VPEXTRW, "r32|m2 x i8", IMM),
    F(VPEXTRD, "r32|m4 x i8", IMM), F(VPEXTRQ, "r64|m8 x i8", IMM),
    F(VINSERTPS, "x x x|m4 i8", IMM), F(VEXTRACTPS, "r32|m4 x i8", IMM),
};

AVX_TEST(test_orders, orders)
AVX_TEST(test_unpacks, unpacks)
AVX_TEST(test_widening, widening)
AVX_TEST(test_blends, blends)
AVX_TEST(test_permutations, permutations)
AVX_TEST(test_lanes, lanes)

AVX_MAIN("diff_avx_shuffle", { "orders", test_orders }, { "unpacks", test_unpacks },
         { "widening", test_widening }, { "blends", test_blends },
         { "permutations", test_permutations }, { "lanes", test_lanes })
