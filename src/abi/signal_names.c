/* Names and texts of signals and si_code values. */
#include "abi/signal_names.h"

#include <stddef.h>

static const struct {
    const char *name;
    const char *text;
} signals[RF_NSIG + 1] = {
#define SIGNAL_ROW(number, name, text) [number] = {"SIG" #name, text},
    RF_SIGNAL_LIST(SIGNAL_ROW)
#undef SIGNAL_ROW
/* clang-format off */
#define RT(n) [RF_SIGRTMIN + (n)] = {"SIGRT_" #n, NULL}
    [RF_SIGRTMIN] = {"SIGRTMIN", NULL},
    RT(1), RT(2), RT(3), RT(4), RT(5), RT(6), RT(7), RT(8),
    RT(9), RT(10), RT(11), RT(12), RT(13), RT(14), RT(15), RT(16),
    RT(17), RT(18), RT(19), RT(20), RT(21), RT(22), RT(23), RT(24),
    RT(25), RT(26), RT(27), RT(28), RT(29), RT(30), RT(31), RT(32),
#undef RT
    /* clang-format on */
};

static const struct {
    int signo;
    int code;
    const char *name;
} si_codes[] = {
#define SI_CODE_ROW(signal, number, name) {RF_SIG##signal, number, #name},
    RF_SI_CODE_LIST(SI_CODE_ROW)
#undef SI_CODE_ROW
};

const char *rf_signal_name(int signo)
{
    return signo >= 1 && signo <= RF_NSIG ? signals[signo].name : NULL;
}

const char *rf_signal_text(int signo)
{
    return signo >= 1 && signo <= RF_NSIG ? signals[signo].text : NULL;
}

const char *rf_si_code_name(int signo, int code)
{
    switch (code) {
    case RF_SI_USER:
        return "SI_USER";
    case RF_SI_KERNEL:
        return "SI_KERNEL";
    case RF_SI_QUEUE:
        return "SI_QUEUE";
    case RF_SI_TIMER:
        return "SI_TIMER";
    case RF_SI_MESGQ:
        return "SI_MESGQ";
    case RF_SI_ASYNCIO:
        return "SI_ASYNCIO";
    case RF_SI_SIGIO:
        return "SI_SIGIO";
    case RF_SI_TKILL:
        return "SI_TKILL";
    case RF_SI_DETHREAD:
        return "SI_DETHREAD";
    case RF_SI_ASYNCNL:
        return "SI_ASYNCNL";
    default:
        break;
    }
    for (size_t i = 0; i < sizeof si_codes / sizeof si_codes[0]; i++)
        if (si_codes[i].signo == signo && si_codes[i].code == code)
            return si_codes[i].name;
    return NULL;
}
