/* ioctl(2): names of requests and the forms of their arguments; terminals in full. */
#include <string.h>

#include "abi/linux_flags.h"
#include "abi/linux_inet.h"
#include "abi/linux_seccomp.h"
#include "trace/strace_inet.h"
#include "trace/strace_names.h"

enum form {
    NOTHING,
    NUMBER, /* the argument itself, decimal */
    RAW,    /* the argument itself, hex */
    ADDRESS,
    INT_IN,
    INT_OUT,
    CHAR_IN,
    TERMIOS_IN,
    TERMIOS_OUT,
    WINSIZE_IN,
    WINSIZE_OUT,
    IFREQ_OUT,
    XONC,
    FLUSH,
};

static const struct request {
    uint32_t request;
    enum form form;
    const char *name;
} requests[] = {
    {RF_SECCOMP_IOCTL_NOTIF_RECV, ADDRESS, "SECCOMP_IOCTL_NOTIF_RECV"},
    {RF_SECCOMP_IOCTL_NOTIF_SEND, ADDRESS, "SECCOMP_IOCTL_NOTIF_SEND"},
    {RF_SECCOMP_IOCTL_NOTIF_ID_VALID, ADDRESS, "SECCOMP_IOCTL_NOTIF_ID_VALID"},
    {RF_SECCOMP_IOCTL_NOTIF_ADDFD, ADDRESS, "SECCOMP_IOCTL_NOTIF_ADDFD"},
    {RF_TCGETS, TERMIOS_OUT, "TCGETS"},
    {RF_TCSETS, TERMIOS_IN, "SNDCTL_TMR_START or TCSETS"}, /* sound cards share numbers */
    {RF_TCSETSW, TERMIOS_IN, "SNDCTL_TMR_STOP or TCSETSW"},
    {RF_TCSETSF, TERMIOS_IN, "SNDCTL_TMR_CONTINUE or TCSETSF"},
    {RF_TCGETA, ADDRESS, "TCGETA"},
    {RF_TCSETA, ADDRESS, "TCSETA"},
    {RF_TCSETAW, ADDRESS, "TCSETAW"},
    {RF_TCSETAF, ADDRESS, "TCSETAF"},
    {RF_TCSBRK, NUMBER, "TCSBRK"},
    {RF_TCXONC, XONC, "TCXONC"},
    {RF_TCFLSH, FLUSH, "TCFLSH"},
    {RF_TIOCEXCL, NOTHING, "TIOCEXCL"},
    {RF_TIOCNXCL, NOTHING, "TIOCNXCL"},
    {RF_TIOCSCTTY, NUMBER, "TIOCSCTTY"},
    {RF_TIOCGPGRP, INT_OUT, "TIOCGPGRP"},
    {RF_TIOCSPGRP, INT_IN, "TIOCSPGRP"},
    {RF_TIOCOUTQ, INT_OUT, "TIOCOUTQ"},
    {RF_TIOCSTI, CHAR_IN, "TIOCSTI"},
    {RF_TIOCGWINSZ, WINSIZE_OUT, "TIOCGWINSZ"},
    {RF_TIOCSWINSZ, WINSIZE_IN, "TIOCSWINSZ"},
    {RF_TIOCMGET, ADDRESS, "TIOCMGET"},
    {RF_TIOCMBIS, ADDRESS, "TIOCMBIS"},
    {RF_TIOCMBIC, ADDRESS, "TIOCMBIC"},
    {RF_TIOCMSET, ADDRESS, "TIOCMSET"},
    {RF_TIOCGSOFTCAR, INT_OUT, "TIOCGSOFTCAR"},
    {RF_TIOCSSOFTCAR, INT_IN, "TIOCSSOFTCAR"},
    {RF_FIONREAD, INT_OUT, "FIONREAD"},
    {RF_TIOCLINUX, RAW, "TIOCLINUX"},
    {RF_TIOCCONS, NOTHING, "TIOCCONS"},
    {RF_TIOCGSERIAL, RAW, "TIOCGSERIAL"},
    {RF_TIOCSSERIAL, NOTHING, "TIOCSSERIAL"},
    {RF_TIOCPKT, INT_IN, "TIOCPKT"},
    {RF_FIONBIO, INT_IN, "FIONBIO"},
    {RF_TIOCNOTTY, NOTHING, "TIOCNOTTY"},
    {RF_TIOCSETD, INT_IN, "TIOCSETD"},
    {RF_TIOCGETD, INT_OUT, "TIOCGETD"},
    {RF_TCSBRKP, NUMBER, "TCSBRKP"},
    {RF_TIOCSBRK, NOTHING, "TIOCSBRK"},
    {RF_TIOCCBRK, NOTHING, "TIOCCBRK"},
    {RF_TIOCGSID, INT_OUT, "TIOCGSID"},
    {RF_TCGETS2, TERMIOS_OUT, "TCGETS2"},
    {RF_TCSETS2, TERMIOS_IN, "TCSETS2"},
    {RF_TCSETSW2, TERMIOS_IN, "TCSETSW2"},
    {RF_TCSETSF2, TERMIOS_IN, "TCSETSF2"},
    {RF_TIOCGPTN, INT_OUT, "TIOCGPTN"},
    {RF_TIOCSPTLCK, INT_IN, "TIOCSPTLCK"},
    {RF_TIOCGDEV, ADDRESS, "TIOCGDEV"},
    {RF_TIOCGPTPEER, RAW, "TIOCGPTPEER"},
    {RF_FIONCLEX, NOTHING, "FIONCLEX"},
    {RF_FIOCLEX, NOTHING, "FIOCLEX"},
    {RF_FIOASYNC, INT_IN, "FIOASYNC"},
    {RF_FIOQSIZE, RAW, "FIOQSIZE"},
    {RF_SIOCATMARK, INT_OUT, "SIOCATMARK"},
    {RF_SIOCGIFNAME, IFREQ_OUT, "SIOCGIFNAME"},
    {RF_SIOCGIFCONF, ADDRESS, "SIOCGIFCONF"},
    {RF_SIOCGIFFLAGS, IFREQ_OUT, "SIOCGIFFLAGS"},
    {RF_SIOCGIFADDR, IFREQ_OUT, "SIOCGIFADDR"},
    {RF_SIOCGIFDSTADDR, IFREQ_OUT, "SIOCGIFDSTADDR"},
    {RF_SIOCGIFBRDADDR, IFREQ_OUT, "SIOCGIFBRDADDR"},
    {RF_SIOCGIFNETMASK, IFREQ_OUT, "SIOCGIFNETMASK"},
    {RF_SIOCGIFMETRIC, IFREQ_OUT, "SIOCGIFMETRIC"},
    {RF_SIOCGIFMTU, IFREQ_OUT, "SIOCGIFMTU"},
    {RF_SIOCGIFHWADDR, IFREQ_OUT, "SIOCGIFHWADDR"},
    {RF_SIOCGIFINDEX, IFREQ_OUT, "SIOCGIFINDEX"},
    {RF_SIOCGIFTXQLEN, IFREQ_OUT, "SIOCGIFTXQLEN"},
    {RF_SIOCSIFFLAGS, ADDRESS, "SIOCSIFFLAGS"},
    {RF_SIOCSIFADDR, ADDRESS, "SIOCSIFADDR"},
    {RF_SIOCSIFMTU, ADDRESS, "SIOCSIFMTU"},
    {RF_BLKGETSIZE64, ADDRESS, "BLKGETSIZE64"},
    {0x1260, ADDRESS, "BLKGETSIZE"},
    {RF_FICLONE, NUMBER, "BTRFS_IOC_CLONE or FICLONE"},
    {RF_FIGETBSZ, ADDRESS, "FIGETBSZ"},
    {RF_FIBMAP, ADDRESS, "FIBMAP"},
    {0x80086601, ADDRESS, "FS_IOC_GETFLAGS"},
    {0x40086602, ADDRESS, "FS_IOC_SETFLAGS"},
    {0x4b33, ADDRESS, "KDGKBTYPE"},
    {0x4b3a, RAW, "KDSETMODE"},
    {0x4b3b, ADDRESS, "KDGETMODE"},
    {0x5600, RAW, "VT_OPENQRY"},
    {0x5603, RAW, "VBG_IOCTL_VMMDEV_REQUEST_BIG or VT_GETSTATE"},
};

static const struct request *find_request(uint64_t request)
{
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        if (requests[i].request == (uint32_t)request)
            return &requests[i];
    return NULL;
}

bool rf_st_ioctl_is_out(uint64_t request)
{
    const struct request *found = find_request(request);
    return found &&
           (found->form == INT_OUT || found->form == TERMIOS_OUT || found->form == WINSIZE_OUT ||
            found->form == IFREQ_OUT);
}

/* _IOC(direction, type, number, size) of a request without a name: asm-generic/ioctl.h */
static void put_request(struct rf_st *st, uint64_t request)
{
    static const char *const directions[] = {"_IOC_NONE", "_IOC_WRITE", "_IOC_READ",
                                             "_IOC_READ|_IOC_WRITE"};
    const struct request *found = find_request(request);
    uint32_t number = (uint32_t)request;
    if (found)
        rf_st_text(st, found->name);
    else
        rf_st_format(st, "_IOC(%s, %#x, %#x, %#x)", directions[number >> 30], number >> 8 & 0xff,
                     number & 0xff, number >> 16 & 0x3fff);
}

/* Flags after what is always shown: "NL0|CR0|" leaves the bar even without any. */
static void put_modes(struct rf_st *st, uint32_t flags, const struct rf_st_names *names)
{
    bool shown = false;
    uint64_t rest = rf_st_flag_names(st, flags, names, &shown);
    if (!rest)
        return;
    rf_st_separate(st, &shown);
    rf_st_hex(st, rest);
}

static void put_output_modes(struct rf_st *st, uint32_t flags)
{
    uint32_t tab = flags & RF_TABDLY;
    rf_st_format(st, "NL%u|CR%u|", flags & RF_NLDLY ? 1 : 0, (flags & RF_CRDLY) >> 9);
    if (tab == RF_TABDLY)
        rf_st_text(st, "XTABS|");
    else
        rf_st_format(st, "TAB%u|", tab >> 11);
    rf_st_format(st, "BS%u|VT%u|FF%u|", flags & RF_BSDLY ? 1 : 0, flags & RF_VTDLY ? 1 : 0,
                 flags & RF_FFDLY ? 1 : 0);
    uint32_t delays = RF_NLDLY | RF_CRDLY | RF_TABDLY | RF_BSDLY | RF_VTDLY | RF_FFDLY;
    put_modes(st, flags & ~delays, &rf_st_output_modes);
}

static void put_control_modes(struct rf_st *st, uint32_t flags)
{
    enum { INPUT_BAUD = RF_CBAUD << 16 };
    rf_st_enum(st, flags & RF_CBAUD, &rf_st_baud_rates);
    if (flags & INPUT_BAUD) {
        rf_st_text(st, "|");
        rf_st_enum(st, (flags & INPUT_BAUD) >> 16, &rf_st_baud_rates);
        rf_st_text(st, "<<IBSHIFT");
    }
    rf_st_format(st, "|CS%u|", 5 + ((flags & RF_CSIZE) >> 4));
    put_modes(st, flags & ~(uint32_t)(RF_CBAUD | INPUT_BAUD | RF_CSIZE), &rf_st_control_modes);
}

static void put_termios(struct rf_st *st, uint64_t address)
{
    struct rf_termios termios;
    if (!rf_st_fetch(st, address, &termios, sizeof termios))
        return;
    rf_st_text(st, "{c_iflag=");
    put_modes(st, termios.c_iflag, &rf_st_input_modes);
    rf_st_text(st, ", c_oflag=");
    put_output_modes(st, termios.c_oflag);
    rf_st_text(st, ", c_cflag=");
    put_control_modes(st, termios.c_cflag);
    rf_st_text(st, ", c_lflag=");
    put_modes(st, termios.c_lflag, &rf_st_local_modes);
    rf_st_text(st, ", ...}");
}

static void put_winsize(struct rf_st *st, uint64_t address)
{
    struct rf_winsize size;
    if (rf_st_fetch(st, address, &size, sizeof size))
        rf_st_format(st, "{ws_row=%u, ws_col=%u, ws_xpixel=%u, ws_ypixel=%u}", size.ws_row,
                     size.ws_col, size.ws_xpixel, size.ws_ypixel);
}

static void put_choice(struct rf_st *st, uint64_t value, const char *const names[], uint64_t count,
                       const char *unknown)
{
    if (value < count)
        rf_st_text(st, names[value]);
    else
        rf_st_format(st, "%#llx /* %s */", (unsigned long long)value, unknown);
}

static void put_argument(struct rf_st *st, uint64_t value)
{
    static const char *const flow[] = {"TCOOFF", "TCOON", "TCIOFF", "TCION"};
    static const char *const queues[] = {"TCIFLUSH", "TCOFLUSH", "TCIOFLUSH"};
    const struct request *found = find_request(st->args[1]);
    int32_t number;
    switch (found ? found->form : RAW) {
    case NOTHING:
        st->omit = true;
        break;
    case NUMBER:
        rf_st_int(st, (int32_t)value);
        break;
    case RAW:
        rf_st_hex(st, value);
        break;
    case ADDRESS:
        rf_st_address(st, value);
        break;
    case INT_IN:
    case INT_OUT:
        if (rf_st_fetch(st, value, &number, sizeof number))
            rf_st_format(st, "[%d]", number);
        break;
    case CHAR_IN:
        rf_st_data(st, value, 1, false);
        break;
    case TERMIOS_IN:
    case TERMIOS_OUT:
        put_termios(st, value);
        break;
    case WINSIZE_IN:
    case WINSIZE_OUT:
        put_winsize(st, value);
        break;
    case IFREQ_OUT:
        rf_st_interface(st, found->request, value);
        break;
    case XONC:
        put_choice(st, value, flow, 4, "TC???");
        break;
    case FLUSH:
        put_choice(st, value, queues, 3, "TC???FLUSH");
        break;
    }
}

bool rf_st_ioctl_kind(struct rf_st *st, enum rf_arg_kind kind, uint64_t value)
{
    if (kind == RF_ARG_IOCTL_CMD)
        put_request(st, value);
    else if (kind == RF_ARG_IOCTL_ARG)
        put_argument(st, value);
    else
        return false;
    return true;
}
