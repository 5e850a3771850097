/* Pseudo terminals: the line discipline, its settings, requests, job control, hanging up, packets. */
#include "guest.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static int master, slave;

/* Text with everything unprintable spelt out. */
static void show_text(const char *name, const char *text, ssize_t n)
{
    printf("%s: ", name);
    if (n < 0)
        printf("error %d", errno);
    for (ssize_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 32 && c < 127 && c != '\\')
            putchar(c);
        else
            printf("\\%03o", c);
    }
    printf(n == 0 ? "(nothing)\n" : "\n");
    fflush(stdout);
}

static void get(const char *name, int fd, size_t size)
{
    char buffer[8192];
    ssize_t n = read(fd, buffer, size);
    show_text(name, buffer, n);
}

static void put(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        printf("short write, error %d\n", errno);
}

/* What the master hears, after native kernels' workers have moved it. */
static void echoed(const char *name)
{
    char buffer[8192];
    ssize_t total = 0, n;
    struct pollfd p = { master, POLLIN, 0 };
    while (poll(&p, 1, 30) > 0 && p.revents & POLLIN && (n = read(master, buffer + total, sizeof buffer - (size_t)total)) > 0)
        total += n;
    show_text(name, buffer, total);
}

static void settle(void)
{
    usleep(20000);
}

static void open_pair(void)
{
    int zero = 0, number;
    char name[64];
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master < 0 || ioctl(master, TIOCGPTN, &number))
        exit(3);
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    errno = 0;
    show("locked", open(name, O_RDWR | O_NOCTTY) < 0 ? errno : 0);
    CALL(ioctl(master, TIOCSPTLCK, &zero));
    slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    show("opened", slave >= 0);
}

static void close_pair(void)
{
    close(slave);
    close(master);
}

static void change(tcflag_t input_off, tcflag_t input_on, tcflag_t output_off, tcflag_t output_on, tcflag_t local_off,
                   tcflag_t local_on)
{
    struct termios t;
    tcgetattr(slave, &t);
    t.c_iflag = (t.c_iflag & ~input_off) | input_on;
    t.c_oflag = (t.c_oflag & ~output_off) | output_on;
    t.c_lflag = (t.c_lflag & ~local_off) | local_on;
    DONE(tcsetattr(slave, TCSANOW, &t));
}

static void raw(int min, int time)
{
    struct termios t;
    tcgetattr(slave, &t);
    cfmakeraw(&t);
    t.c_cc[VMIN] = (cc_t)min;
    t.c_cc[VTIME] = (cc_t)time;
    DONE(tcsetattr(slave, TCSANOW, &t));
}

static void typed(const char *name, const char *text)
{
    put(master, text);
    settle();
    echoed(name);
    get("  read", slave, 4096);
}

static void settings(void)
{
    struct termios t;
    struct winsize w = { 0, 0, 0, 0 };
    struct stat st;
    int n = -1;
    printf("--- settings\n");
    open_pair();
    CALL(isatty(master));
    CALL(isatty(slave));
    DONE(tcgetattr(slave, &t));
    printf("%o %o %o %o\n", t.c_iflag, t.c_oflag, t.c_cflag & ~CBAUD, t.c_lflag);
    for (int i = 0; i < 17; i++)
        printf("%d ", t.c_cc[i]);
    printf("\n");
    CALL(cfgetospeed(&t) == B38400);
    CALL(ioctl(slave, TIOCGWINSZ, &w));
    printf("%d %d\n", w.ws_row, w.ws_col);
    w.ws_row = 40, w.ws_col = 132;
    CALL(ioctl(master, TIOCSWINSZ, &w));
    memset(&w, 0, sizeof w);
    CALL(ioctl(slave, TIOCGWINSZ, &w));
    printf("%d %d\n", w.ws_row, w.ws_col);
    fstat(slave, &st);
    printf("%o %u\n", st.st_mode & S_IFMT, (unsigned)(st.st_rdev >> 8));
    CALL(ioctl(slave, TIOCGPTN, &n));
    CALL(ioctl(slave, TIOCGETD, &n));
    SHOW(n);
    CALL(ioctl(slave, TIOCOUTQ, &n));
    CALL(ioctl(slave, 0x5499, &n));
    CALL(lseek(slave, 0, SEEK_CUR));
    CALL(lseek(master, 0, SEEK_SET));
    CALL(pread(slave, &n, 1, 0));
    CALL(ioctl(slave, TCGETS, 8));
    CALL(ioctl(master, TIOCGPTN, 8));
    CALL(ioctl(slave, TCSETS, 8));
    CALL(ioctl(slave, TIOCSWINSZ, 8));
    t.c_cflag = (t.c_cflag & ~CSIZE) | CS7 | PARENB;
    DONE(tcsetattr(slave, TCSANOW, &t));
    tcgetattr(slave, &t);
    printf("%o\n", t.c_cflag & (CSIZE | PARENB));
    CALL(ioctl(slave, TCXONC, 9));
    CALL(ioctl(slave, TCFLSH, 9));
    CALL(tcdrain(slave));
    CALL(ioctl(slave, TIOCEXCL));
    CALL(ioctl(slave, TIOCNXCL));
    CALL(ioctl(slave, TIOCGPGRP, &n));
    CALL(ioctl(slave, TIOCGSID, &n));
    CALL(ioctl(slave, TIOCNOTTY));
    CALL(ioctl(master, TIOCGPGRP, &n));
    int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    show("peer", peer >= 0);
    put(peer, "from the peer\n");
    echoed("peer's output");
    close(peer);
    close_pair();
}

static void canonical(void)
{
    printf("--- canonical\n");
    open_pair();
    get("empty", slave, 10);
    typed("line", "hello\n");
    typed("erase", "helpp\177\177lo\n");
    typed("erase nothing", "\177\177x\n");
    typed("kill", "forget me\025kept\n");
    typed("word", "one two  three\027four\n");
    typed("word with marks", "a-b_c\027x\n");
    typed("control echo", "a\001b\033c\n");
    typed("erase control", "a\001\177b\n");
    typed("tab", "a\tb\t\177\177c\n");
    typed("tabs erased", "12345\t\t\177\177\177x\n");
    typed("literal", "a\026\003b\026\004c\026\nd\n");
    typed("reprint", "abc\022d\n");
    typed("return", "a\r");
    put(master, "no end");
    settle();
    echoed("no end");
    get("  read", slave, 100);
    put(master, "\004");
    settle();
    get("  read after end of file", slave, 100);
    put(master, "\004");
    settle();
    get("  end of file alone", slave, 100);
    get("  and then", slave, 100);
    put(master, "one\ntwo\nthree\n");
    settle();
    echoed("three lines");
    get("  first", slave, 100);
    get("  part of the second", slave, 2);
    get("  rest of it", slave, 100);
    int n = -1;
    CALL(ioctl(slave, FIONREAD, &n));
    SHOW(n);
    CALL(tcflush(slave, TCIFLUSH));
    get("  flushed", slave, 100);
    put(master, "abc\004");
    settle();
    echoed("abc");
    get("  exactly", slave, 3);
    get("  then", slave, 3);
    struct pollfd p = { slave, POLLIN | POLLOUT, 0 };
    poll(&p, 1, 0);
    SHOW(p.revents);
    put(master, "x");
    settle();
    poll(&p, 1, 0);
    SHOW(p.revents);
    put(master, "\n");
    settle();
    poll(&p, 1, 0);
    SHOW(p.revents);
    get("polled", slave, 10);
    echoed("echo");
    change(0, 0, 0, 0, ECHO, 0);
    typed("no echo", "secret\n");
    change(0, 0, 0, 0, 0, ECHONL);
    typed("newline alone", "secret\n");
    change(0, 0, 0, 0, ECHONL | ECHOCTL, ECHO);
    typed("no control echo", "a\001\002\177b\n");
    change(0, 0, 0, 0, ECHOE, 0);
    typed("no erase echo", "ab\177c\n");
    change(0, 0, 0, 0, ECHOKE, 0);
    typed("no kill echo", "ab\025c\n");
    change(0, 0, 0, 0, 0, ECHOPRT);
    typed("printed erasing", "abcd\177\177e\n");
    change(0, 0, 0, 0, ECHOPRT, 0);
    close_pair();
}

static void input_flags(void)
{
    printf("--- input\n");
    open_pair();
    change(ICRNL, 0, 0, 0, 0, 0);
    put(master, "a\rb\n");
    settle();
    echoed("no ICRNL");
    get("  read", slave, 100);
    change(0, IGNCR, 0, 0, 0, 0);
    typed("IGNCR", "a\rb\n");
    change(IGNCR, ISTRIP, 0, 0, 0, 0);
    typed("ISTRIP", "\341\342\n");
    change(ISTRIP, IUCLC, 0, 0, 0, 0);
    typed("IUCLC", "ABC\n");
    change(IUCLC, IUTF8, 0, 0, 0, 0);
    typed("IUTF8", "a\303\244\177b\n");
    change(IUTF8, 0, 0, 0, 0, 0);
    typed("no IUTF8", "a\303\244\177b\n");
    struct termios t;
    tcgetattr(slave, &t);
    t.c_cc[VEOL] = ';';
    t.c_cc[VEOL2] = ':';
    tcsetattr(slave, TCSANOW, &t);
    typed("ends of line", "ab;");
    typed("second end", "ab:");
    t.c_cc[VERASE] = '#';
    t.c_cc[VEOL] = t.c_cc[VEOL2] = 0;
    tcsetattr(slave, TCSANOW, &t);
    typed("another erase", "ab#c\n");
    put(master, "ab\023");
    settle();
    echoed("stopped");
    CALL(write(slave, "held back", 9));
    echoed("nothing");
    put(master, "\021");
    settle();
    CALL(write(slave, "let go", 6));
    echoed("started");
    CALL(tcflow(slave, TCOOFF));
    CALL(write(slave, "x", 1));
    CALL(tcflow(slave, TCOON));
    CALL(write(slave, "y", 1));
    echoed("flow");
    CALL(tcflow(slave, TCIOFF));
    CALL(tcflow(slave, TCION));
    echoed("flow characters");
    close_pair();
}

static void output_flags(void)
{
    printf("--- output\n");
    open_pair();
    put(slave, "a\nb\tc\rd\be\n");
    echoed("ONLCR");
    change(0, 0, 0, XTABS, 0, 0);
    put(slave, "a\tb\n12345678\tc\n\t\tx\n");
    echoed("XTABS");
    change(0, 0, XTABS, OLCUC, 0, 0);
    put(slave, "abcXYZ1\n");
    echoed("OLCUC");
    change(0, 0, OLCUC, OCRNL, 0, 0);
    put(slave, "a\rb\n");
    echoed("OCRNL");
    change(0, 0, OCRNL, ONOCR, 0, 0);
    put(slave, "\ra\r\rb\n");
    echoed("ONOCR");
    change(0, 0, ONOCR | ONLCR, ONLRET, 0, 0);
    put(slave, "a\nb\n");
    echoed("ONLRET");
    change(0, 0, OPOST, 0, 0, 0);
    put(slave, "a\nb\tc\r");
    echoed("no OPOST");
    int n = -1;
    put(slave, "12345");
    settle();
    CALL(ioctl(master, FIONREAD, &n));
    SHOW(n);
    get("part", master, 2);
    get("rest", master, 100);
    get("nothing", master, 100);
    close_pair();
}

static void raw_mode(void)
{
    printf("--- raw\n");
    open_pair();
    raw(1, 0);
    typed("bytes", "a\r\n\003\004\177\021");
    put(master, "abc");
    settle();
    get("two", slave, 2);
    get("one", slave, 2);
    get("none", slave, 2);
    raw(0, 0);
    get("none wanted", slave, 10);
    raw(4, 0);
    put(master, "ab");
    settle();
    struct pollfd p = { slave, POLLIN, 0 };
    CALL(poll(&p, 1, 0));
    put(master, "cd");
    settle();
    CALL(poll(&p, 1, 0));
    get("four", slave, 10);
    fcntl(slave, F_SETFL, O_RDWR);
    raw(0, 1);
    get("a tenth of a second", slave, 10);
    raw(3, 1);
    put(master, "xy");
    get("between bytes", slave, 10);
    put(master, "1234");
    settle();
    get("a small buffer", slave, 2);
    get("the rest", slave, 10);
    /* modes that change with bytes in the buffer */
    put(master, "left over");
    settle();
    change(0, 0, 0, 0, 0, ICANON);
    get("a line of what was there", slave, 100);
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    put(master, "begun");
    settle();
    get("no line yet", slave, 100);
    change(0, 0, 0, 0, ICANON, 0);
    get("raw again", slave, 100);
    close_pair();
}

static volatile sig_atomic_t caught[65];

static void handler(int signo)
{
    caught[signo]++;
}

/* A session of its own with the slave as its terminal. */
static int session_body(void)
{
    int n = -1;
    struct sigaction action = { .sa_handler = handler };
    close(master);
    CALL(setsid() == getpid() ? 0 : -1);
    CALL(ioctl(slave, TIOCSCTTY, 0));
    CALL(ioctl(slave, TIOCSCTTY, 0));
    CALL(ioctl(slave, TIOCGPGRP, &n));
    show("foreground", n == getpid());
    CALL(ioctl(slave, TIOCGSID, &n));
    show("session", n == getpid());
    int tty = open("/dev/tty", O_RDWR);
    show("/dev/tty", tty >= 0);
    CALL(isatty(tty));
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGQUIT, &action, NULL);
    sigaction(SIGTSTP, &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGCONT, &action, NULL);
    put(tty, "ready\n");
    for (int i = 0; i < 200 && !(caught[SIGINT] && caught[SIGQUIT] && caught[SIGTSTP] && caught[SIGWINCH]); i++)
        usleep(5000);
    printf("%d %d %d %d\n", caught[SIGINT], caught[SIGQUIT], caught[SIGTSTP], caught[SIGWINCH]);
    fflush(stdout);
    /* a background group */
    pid_t child = fork();
    if (!child) {
        setpgid(0, 0);
        struct sigaction normal = { .sa_handler = SIG_DFL };
        sigaction(SIGTTOU, &normal, NULL);
        char c;
        (void)!read(tty, &c, 1);
        _exit(1);
    }
    setpgid(child, child);
    int status;
    waitpid(child, &status, WUNTRACED);
    show_status("a background read", status);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    child = fork();
    if (!child) {
        setpgid(0, 0);
        pid_t me = getpid();
        ioctl(tty, TIOCSPGRP, &me);
        _exit(1);
    }
    setpgid(child, child);
    waitpid(child, &status, WUNTRACED);
    show_status("a background tcsetpgrp", status);
    CALL(tcsetpgrp(tty, child));
    CALL(tcgetpgrp(tty) == child ? 0 : -1);
    signal(SIGTTOU, SIG_IGN);
    CALL(tcsetpgrp(tty, getpid()));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    CALL(tcsetpgrp(tty, 0x3ffffff));
    CALL(tcsetpgrp(tty, -1));
    put(tty, "bye\n");
    for (int i = 0; i < 200 && !caught[SIGHUP]; i++)
        usleep(5000);
    printf("hung up %d, continued %d\n", caught[SIGHUP], caught[SIGCONT] > 0);
    get("after that", slave, 10);
    CALL(write(slave, "x", 1));
    CALL(ioctl(slave, TIOCGWINSZ, &n));
    CALL(isatty(slave));
    struct pollfd p = { slave, POLLIN | POLLOUT, 0 };
    CALL(poll(&p, 1, 0));
    SHOW(p.revents);
    CALL(open("/dev/tty", O_RDWR));
    return 0;
}

static void wait_for(const char *text)
{
    char buffer[4096];
    size_t total = 0;
    for (int i = 0; i < 400; i++) {
        ssize_t n = read(master, buffer + total, sizeof buffer - 1 - total);
        total += n > 0 ? (size_t)n : 0;
        buffer[total] = '\0';
        if (strstr(buffer, text))
            return;
        usleep(5000);
    }
    printf("\"%s\" did not come\n", text);
}

static void job_control(void)
{
    printf("--- job control\n");
    open_pair();
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        fcntl(slave, F_SETFL, O_RDWR);
        int result = session_body();
        fflush(stdout);
        _exit(result);
    }
    close(slave);
    wait_for("ready");
    struct winsize w = { .ws_row = 10, .ws_col = 20 };
    put(master, "\003");
    put(master, "\034");
    put(master, "\032");
    ioctl(master, TIOCSWINSZ, &w);
    wait_for("bye");
    close(master);
    int status;
    waitpid(child, &status, 0);
    show_status("the session", status);
}

static void ends(void)
{
    char c;
    printf("--- ends\n");
    open_pair();
    put(slave, "last words");
    close(slave);
    settle();
    struct pollfd p = { master, POLLIN | POLLOUT, 0 };
    CALL(poll(&p, 1, 0));
    SHOW(p.revents);
    get("read what is there", master, 100);
    CALL(read(master, &c, 1));
    CALL(poll(&p, 1, 0));
    SHOW(p.revents);
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
    show("opened again", slave >= 0);
    CALL(read(master, &c, 1));
    CALL(poll(&p, 1, 0));
    SHOW(p.revents);
    close(master);
    CALL(read(slave, &c, 1));
    CALL(write(slave, "x", 1));
    close(slave);
    open_pair();
    int on = 1, n = 0;
    CALL(ioctl(master, TIOCPKT, &on));
    put(slave, "data\n");
    settle();
    get("a packet", master, 100);
    CALL(tcflush(slave, TCIFLUSH));
    get("flushed", master, 100);
    CALL(tcflow(slave, TCOOFF));
    get("stopped", master, 100);
    CALL(tcflow(slave, TCOON));
    get("started", master, 100);
    get("nothing", master, 100);
    on = 0;
    CALL(ioctl(master, TIOCPKT, &on));
    put(slave, "plain\n");
    settle();
    get("no packet", master, 100);
    CALL(ioctl(master, 0x80045438, &n)); /* TIOCGPKT */
    SHOW(n);
    /* much output: the writer waits for the reader */
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        static char block[100000];
        memset(block, 'x', sizeof block);
        close(master);
        fcntl(slave, F_SETFL, O_RDWR);
        _exit(write(slave, block, sizeof block) != (ssize_t)sizeof block);
    }
    close(slave);
    fcntl(master, F_SETFL, O_RDWR);
    size_t total = 0;
    static char buffer[65536];
    ssize_t got;
    while ((got = read(master, buffer, sizeof buffer)) > 0)
        total += (size_t)got;
    show("read in all", (long)total);
    show_result("and then", got);
    int status;
    waitpid(child, &status, 0);
    show_status("the writer", status);
    close(master);
}

int main(void)
{
    signal(SIGHUP, SIG_DFL);
    settings();
    canonical();
    input_flags();
    output_flags();
    raw_mode();
    job_control();
    ends();
    return 0;
}
