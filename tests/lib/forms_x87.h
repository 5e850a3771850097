/* Forms of the x87 instructions, for both modes; one file includes it. */
#ifndef TESTS_LIB_FORMS_X87_H
#define TESTS_LIB_FORMS_X87_H

#include "differential.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define F(name, text, ...) { .mnemonic = ZYDIS_MNEMONIC_##name, .operands = text, __VA_ARGS__ }

#define C1 0x0200
/* C1 after FCOMI and its kin: cleared as the SDM says; AMD leaves it alone. */
#define C1_LEFT .ignore_fsw = C1, .reason = "C1 after FCOMI: AMD leaves it, Intel clears it"

/* Operands as the encoder wants them: ST0 is named where two registers are. */
static const struct diff_form loads[] = {
    F(FLD, "m4|m8|m10|st"), F(FILD, "m2|m4|m8"), F(FBLD, "m10"), F(FLD1, ""), F(FLDZ, ""),
    F(FLDL2T, ""), F(FLDL2E, ""), F(FLDPI, ""), F(FLDLG2, ""), F(FLDLN2, ""),
};

static const struct diff_form stores[] = {
    F(FST, "m4|m8|st"), F(FSTP, "m4|m8|m10|st"), F(FIST, "m2|m4"),
    F(FISTP, "m2|m4|m8"), F(FISTTP, "m2|m4|m8"), F(FBSTP, "m10"),
};

static const struct diff_form moves[] = {
    F(FXCH, "st"), F(FCHS, ""), F(FABS, ""), F(FFREE, "st"), F(FFREEP, "st"), F(FINCSTP, ""),
    F(FDECSTP, ""), F(FNOP, ""), F(FCMOVB, "st0 st"), F(FCMOVE, "st0 st"), F(FCMOVBE, "st0 st"),
    F(FCMOVU, "st0 st"), F(FCMOVNB, "st0 st"), F(FCMOVNE, "st0 st"), F(FCMOVNBE, "st0 st"),
    F(FCMOVNU, "st0 st"),
};

#define ARITHMETIC(name) \
    F(F##name, "m4|m8"), F(F##name, "st0 st"), F(F##name, "st st0"), F(F##name##P, "st st0"),\
    F(FI##name, "m2|m4")
static const struct diff_form arithmetic[] = {
    ARITHMETIC(ADD), ARITHMETIC(SUB), ARITHMETIC(SUBR), ARITHMETIC(MUL), ARITHMETIC(DIV),
    ARITHMETIC(DIVR), F(FSQRT, ""), F(FRNDINT, ""),
};

static const struct diff_form comparisons[] = {
    F(FCOM, "m4|m8|st"), F(FCOMP, "m4|m8|st"), F(FICOM, "m2|m4"), F(FICOMP, "m2|m4"),
    F(FCOMPP, ""), F(FUCOM, "st"), F(FUCOMP, "st0 st"), F(FUCOMPP, ""), F(FCOMI, "st0 st", C1_LEFT),
    F(FCOMIP, "st0 st", C1_LEFT), F(FUCOMI, "st0 st", C1_LEFT), F(FUCOMIP, "st0 st", C1_LEFT),
    F(FTST, ""), F(FXAM, ""),
};

static const struct diff_form functions[] = {
    F(FPREM, ""), F(FPREM1, ""), F(FSCALE, ""), F(FXTRACT, ""), F(F2XM1, ""), F(FYL2X, ""),
    F(FYL2XP1, ""), F(FPATAN, ""), F(FPTAN, ""), F(FSIN, ""), F(FCOS, ""), F(FSINCOS, ""),
};

static const struct diff_form control[] = {
    F(FNSTCW, "m2"), F(FNSTSW, "m2"), F(FNSTSW, "ax"), F(FLDCW, "m2"), F(FNCLEX, ""), F(FNINIT, ""),
    F(FWAIT, ""),
};

#endif
