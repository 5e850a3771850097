/* prctl(2): what follows depends on the option. */
#include "abi/linux_flags.h"
#include "trace/strace_names.h"

enum form {
    NOTHING,
    NUMBER,      /* decimal */
    NUMBER_MORE, /* decimal, then three more arguments */
    FOUR,        /* four arguments in hex */
    SIGNAL,
    SIGNAL_OUT,
    INT_OUT,
    ADDRESS_OUT,
    NAME,
    NAME_OUT,
    DUMPABLE,
    CAPABILITY,
    TSC,
    TSC_OUT,
    SECURE_BITS,
    PTRACER,
    SECCOMP,
    VMA,
    AMBIENT,
    MCE_KILL,
    SPECULATION,
    MM,
};

static const struct {
    uint32_t option;
    enum form form;
} forms[] = {
    {RF_PR_SET_PDEATHSIG, SIGNAL},
    {RF_PR_GET_PDEATHSIG, SIGNAL_OUT},
    {RF_PR_GET_DUMPABLE, NOTHING},
    {RF_PR_SET_DUMPABLE, DUMPABLE},
    {RF_PR_GET_KEEPCAPS, NOTHING},
    {RF_PR_SET_KEEPCAPS, NUMBER},
    {RF_PR_GET_TIMING, NOTHING},
    {RF_PR_SET_TIMING, NUMBER},
    {RF_PR_SET_NAME, NAME},
    {RF_PR_GET_NAME, NAME_OUT},
    {RF_PR_GET_SECCOMP, NOTHING},
    {RF_PR_SET_SECCOMP, SECCOMP},
    {RF_PR_CAPBSET_READ, CAPABILITY},
    {RF_PR_CAPBSET_DROP, CAPABILITY},
    {RF_PR_GET_TSC, TSC_OUT},
    {RF_PR_SET_TSC, TSC},
    {RF_PR_GET_SECUREBITS, NOTHING},
    {RF_PR_SET_SECUREBITS, SECURE_BITS},
    {RF_PR_SET_TIMERSLACK, NUMBER},
    {RF_PR_GET_TIMERSLACK, NOTHING},
    {31, NOTHING}, /* PR_TASK_PERF_EVENTS_DISABLE, ENABLE */
    {32, NOTHING},
    {RF_PR_MCE_KILL, MCE_KILL},
    {RF_PR_MCE_KILL_GET, FOUR},
    {RF_PR_SET_MM, MM},
    {RF_PR_SET_CHILD_SUBREAPER, NUMBER},
    {RF_PR_GET_CHILD_SUBREAPER, INT_OUT},
    {RF_PR_SET_NO_NEW_PRIVS, NUMBER_MORE},
    {RF_PR_GET_NO_NEW_PRIVS, FOUR},
    {RF_PR_GET_TID_ADDRESS, ADDRESS_OUT},
    {RF_PR_SET_THP_DISABLE, NUMBER_MORE},
    {RF_PR_GET_THP_DISABLE, FOUR},
    {RF_PR_CAP_AMBIENT, AMBIENT},
    {RF_PR_GET_SPECULATION_CTRL, SPECULATION},
    {RF_PR_SET_SPECULATION_CTRL, SPECULATION},
    {RF_PR_SET_PTRACER, PTRACER},
    {RF_PR_SET_VMA, VMA},
};

static enum form form_of(uint32_t option)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (forms[i].option == option)
            return forms[i].form;
    return FOUR;
}

static bool is_out(enum form form)
{
    return form == SIGNAL_OUT || form == INT_OUT || form == ADDRESS_OUT || form == NAME_OUT ||
           form == TSC_OUT;
}

/* Arguments first..4 in hex. */
static void put_hex_from(struct rf_st *st, unsigned first)
{
    for (unsigned i = first; i < 5; i++) {
        rf_st_text(st, ", ");
        rf_st_hex(st, st->args[i]);
    }
}

static void put_ambient(struct rf_st *st)
{
    static const char *const names[] = {"PR_CAP_AMBIENT_IS_SET", "PR_CAP_AMBIENT_RAISE",
                                        "PR_CAP_AMBIENT_LOWER", "PR_CAP_AMBIENT_CLEAR_ALL"};
    uint64_t operation = st->args[1];
    if (operation < 1 || operation > 4) {
        rf_st_format(st, ", %#llx /* PR_CAP_AMBIENT_??? */", (unsigned long long)operation);
        put_hex_from(st, 2);
        return;
    }
    rf_st_format(st, ", %s", names[operation - 1]);
    if (operation == 4) {
        put_hex_from(st, 2);
        return;
    }
    rf_st_text(st, ", ");
    rf_st_enum(st, st->args[2], &rf_st_capabilities);
    put_hex_from(st, 3);
}

static void put_mce_kill(struct rf_st *st)
{
    static const char *const policies[] = {"PR_MCE_KILL_LATE", "PR_MCE_KILL_EARLY",
                                           "PR_MCE_KILL_DEFAULT"};
    uint64_t operation = st->args[1];
    if (operation > 1)
        rf_st_format(st, ", %#llx /* PR_MCE_KILL_??? */", (unsigned long long)operation);
    else
        rf_st_text(st, operation ? ", PR_MCE_KILL_SET" : ", PR_MCE_KILL_CLEAR");
    if (operation == 1 && st->args[2] < 3) {
        rf_st_format(st, ", %s", policies[st->args[2]]);
        put_hex_from(st, 3);
    } else {
        put_hex_from(st, 2);
    }
}

static void put_speculation(struct rf_st *st)
{
    static const char *const which[] = {"PR_SPEC_STORE_BYPASS", "PR_SPEC_INDIRECT_BRANCH",
                                        "PR_SPEC_L1D_FLUSH"};
    if (st->args[1] < 3)
        rf_st_format(st, ", %s", which[st->args[1]]);
    else
        rf_st_format(st, ", %#llx /* PR_SPEC_??? */", (unsigned long long)st->args[1]);
    if ((uint32_t)st->args[0] == RF_PR_SET_SPECULATION_CTRL) {
        rf_st_text(st, ", ");
        rf_st_flags(st, st->args[2], &rf_st_speculation);
    }
}

static void put_mm(struct rf_st *st)
{
    static const char *const fields[] = {NULL,        "START_CODE",  "END_CODE",  "START_DATA",
                                         "END_DATA",  "START_STACK", "START_BRK", "BRK",
                                         "ARG_START", "ARG_END",     "ENV_START", "ENV_END",
                                         "AUXV",      "EXE_FILE",    "MAP",       "MAP_SIZE"};
    uint64_t field = st->args[1];
    if (field >= 1 && field < sizeof fields / sizeof fields[0])
        rf_st_format(st, ", PR_SET_MM_%s", fields[field]);
    else
        rf_st_format(st, ", %#llx /* PR_SET_MM_??? */", (unsigned long long)field);
    put_hex_from(st, 2);
}

static void put_vma(struct rf_st *st)
{
    if (st->args[1] != RF_PR_SET_VMA_ANON_NAME) {
        rf_st_format(st, ", %#llx /* PR_SET_VMA_??? */", (unsigned long long)st->args[1]);
        put_hex_from(st, 2);
        return;
    }
    rf_st_text(st, ", PR_SET_VMA_ANON_NAME, ");
    rf_st_address(st, st->args[2]);
    rf_st_format(st, ", %llu, ", (unsigned long long)st->args[3]);
    rf_st_string(st, st->args[4]);
}

static void put_in_argument(struct rf_st *st, enum form form)
{
    uint64_t value = st->args[1];
    rf_st_text(st, ", ");
    switch (form) {
    case SIGNAL:
        rf_st_signal_name(st, (int)value);
        break;
    case NAME:
        rf_st_string(st, value);
        break;
    case DUMPABLE:
        rf_st_enum(st, value, &rf_st_dumpable);
        break;
    case CAPABILITY:
        rf_st_enum(st, value, &rf_st_capabilities);
        break;
    case TSC:
        rf_st_enum(st, value, &rf_st_tsc);
        break;
    case SECURE_BITS:
        rf_st_flags(st, value, &rf_st_secure_bits);
        break;
    case PTRACER:
        if (value == UINT64_MAX)
            rf_st_text(st, "PR_SET_PTRACER_ANY");
        else
            rf_st_unsigned(st, value);
        break;
    default:
        rf_st_unsigned(st, value);
        break;
    }
}

void rf_st_enter_prctl(struct rf_st *st)
{
    uint32_t option = (uint32_t)st->args[0];
    enum form form = form_of(option);
    rf_st_enum(st, option, &rf_st_prctl);
    if (is_out(form)) {
        rf_st_text(st, ", ");
        return;
    }
    st->last = true; /* nothing waits for the result */
    switch (form) {
    case NOTHING:
        break;
    case NUMBER_MORE:
        put_in_argument(st, form);
        put_hex_from(st, 2);
        break;
    case FOUR:
        put_hex_from(st, 1);
        break;
    case SECCOMP:
        rf_st_prctl_seccomp(st);
        break;
    case VMA:
        put_vma(st);
        break;
    case AMBIENT:
        put_ambient(st);
        break;
    case MCE_KILL:
        put_mce_kill(st);
        break;
    case SPECULATION:
        put_speculation(st);
        break;
    case MM:
        put_mm(st);
        break;
    default:
        put_in_argument(st, form);
        break;
    }
}

void rf_st_leave_prctl(struct rf_st *st)
{
    enum form form = form_of((uint32_t)st->args[0]);
    uint64_t address = st->args[1];
    uint64_t wide = 0;
    int32_t number = 0;
    if (!is_out(form))
        return;
    if (form == NAME_OUT) {
        if (st->failed)
            rf_st_address(st, address);
        else
            rf_st_string(st, address);
        return;
    }
    if (form == ADDRESS_OUT ? !rf_st_fetch(st, address, &wide, sizeof wide)
                            : !rf_st_fetch(st, address, &number, sizeof number))
        return;
    rf_st_text(st, "[");
    if (form == ADDRESS_OUT)
        rf_st_hex(st, wide);
    else if (form == SIGNAL_OUT)
        rf_st_signal_name(st, number);
    else if (form == TSC_OUT)
        rf_st_enum(st, (uint32_t)number, &rf_st_tsc);
    else
        rf_st_int(st, number);
    rf_st_text(st, "]");
}

bool rf_st_prctl_result(struct rf_st *st)
{
    uint64_t value = (uint64_t)st->result;
    const struct rf_st_names *names;
    if (st->failed)
        return false;
    switch ((uint32_t)st->args[0]) {
    case RF_PR_GET_DUMPABLE:
        rf_st_format(st, "%llu (", (unsigned long long)value);
        rf_st_enum(st, value, &rf_st_dumpable);
        rf_st_text(st, ")");
        return true;
    case RF_PR_MCE_KILL_GET:
        rf_st_format(st, "%llu (", (unsigned long long)value);
        rf_st_enum(st, value, &rf_st_mce_policies);
        rf_st_text(st, ")");
        return true;
    case RF_PR_GET_SECUREBITS:
        names = &rf_st_secure_bits;
        break;
    case RF_PR_GET_SPECULATION_CTRL:
        names = &rf_st_speculation;
        break;
    default:
        return false;
    }
    if (!value)
        return false;
    rf_st_format(st, "%#llx (", (unsigned long long)value);
    rf_st_flags(st, value, names);
    rf_st_text(st, ")");
    return true;
}
