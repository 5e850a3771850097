/* The command line, and the options of a run (tools/options.h). */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fputs("ringfort: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

void *must_resize(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (!memory) {
        complain("out of memory");
        exit(EXIT_OWN);
    }
    return memory;
}

char *must_print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text;
    if (vasprintf(&text, format, args) < 0) {
        complain("out of memory");
        exit(EXIT_OWN);
    }
    va_end(args);
    return text;
}

/* --- values --- */

bool parse_number(const char *text, uint64_t step, uint64_t *out)
{
    static const char suffixes[] = "KMG";
    char *end;
    errno = 0;
    if (*text < '0' || *text > '9') /* strtoull takes signs and blanks */
        return false;
    uint64_t value = strtoull(text, &end, 0);
    if (errno)
        return false;
    if (*end && step) {
        const char *suffix = strchr(suffixes, *end >= 'a' ? *end - ('a' - 'A') : *end);
        if (!suffix)
            return false;
        for (const char *s = suffixes; s <= suffix; s++)
            if (__builtin_mul_overflow(value, step, &value))
                return false;
        end++;
    }
    *out = value;
    return !*end;
}

/* Cuts ":ro", ":rw" or ":overlay" off the end of a copied value; returns what is meant if none is there otherwise. */
static rf_mount_access cut_access(char *value, rf_mount_access otherwise)
{
    static const char *const names[] = { [RF_MOUNT_READ_ONLY] = ":ro", [RF_MOUNT_WRITABLE] = ":rw",
                                         [RF_MOUNT_OVERLAY] = ":overlay" };
    size_t length = strlen(value);
    for (int i = RF_MOUNT_READ_ONLY; i <= RF_MOUNT_OVERLAY; i++) {
        size_t suffix = strlen(names[i]);
        if (length >= suffix && !strcmp(value + length - suffix, names[i])) {
            value[length - suffix] = '\0';
            return (rf_mount_access)i;
        }
    }
    return otherwise;
}

static bool add_mount(struct options *o, const char *option, const char *value, bool image)
{
    char *host = must_print("%s", value);
    rf_mount_access access = cut_access(host, image ? RF_MOUNT_OVERLAY : RF_MOUNT_READ_ONLY);
    char *split = NULL;
    for (char *at = host; (at = strstr(at, ":/")); at++)
        split = at; /* the last: a host path may hold colons */
    if (!split || split == host) {
        complain("%s %s: give %s:GUEST, and after it :ro, :rw or :overlay if need be; GUEST begins with /", option, value,
                 image ? "FILE" : "HOST");
        free(host);
        return false;
    }
    *split = '\0';
    o->mounts = must_resize(o->mounts, (o->mount_count + 1) * sizeof *o->mounts);
    o->mounts[o->mount_count++] = (struct mount_option){ host, must_print("%s", split + 1), access, image };
    return true;
}

static bool take_mount(struct options *o, const char *value)
{
    return add_mount(o, "--mount", value, false);
}

static bool take_mounted_image(struct options *o, const char *value)
{
    return add_mount(o, "--image", value, true);
}

static bool take_root(struct options *o, const char *value)
{
    struct stat st;
    if (o->root) {
        complain("--root %s: there can be only one root", value);
        return false;
    }
    o->root = must_print("%s", value);
    o->root_access = cut_access(o->root, (rf_mount_access)-1);
    if (!*o->root) {
        complain("--root %s: give DIR or IMAGE, and after it :ro, :rw or :overlay if need be", value);
        return false;
    }
    if (o->root_access == (rf_mount_access)-1)
        o->root_access = !stat(o->root, &st) && S_ISREG(st.st_mode) ? RF_MOUNT_OVERLAY : RF_MOUNT_READ_ONLY;
    return true;
}

/* The slot of a variable: the one already there, so that the last --env of a name counts. */
static char **env_slot(struct options *o, const char *name, size_t length)
{
    for (size_t i = 0; i < o->env_count; i++)
        if (!strncmp(o->env[i], name, length) && o->env[i][length] == '=')
            return &o->env[i];
    o->env = must_resize(o->env, (o->env_count + 2) * sizeof *o->env);
    o->env[o->env_count] = o->env[o->env_count + 1] = NULL;
    return &o->env[o->env_count++];
}

static bool take_env(struct options *o, const char *value)
{
    size_t length = strcspn(value, "=");
    if (!length) {
        complain("--env %s: give NAME=VALUE, or NAME for the host's value", value);
        return false;
    }
    char *text = NULL;
    if (value[length])
        text = must_print("%s", value);
    else if (getenv(value))
        text = must_print("%s=%s", value, getenv(value));
    if (!text)
        return true; /* not set here, so not set there */
    char **slot = env_slot(o, value, length);
    free(*slot);
    *slot = text;
    return true;
}

static bool take_cwd(struct options *o, const char *value)
{
    if (*value != '/') {
        complain("--cwd %s: give a directory of the guest; it begins with /", value);
        return false;
    }
    o->cwd = value;
    return true;
}

static bool take_strace(struct options *o, const char *value)
{
    (void)value;
    return o->strace = true;
}

static bool take_stats(struct options *o, const char *value)
{
    (void)value;
    return o->stats = true;
}

static bool take_max_cycles(struct options *o, const char *value)
{
    if (parse_number(value, 1000, &o->max_cycles) && o->max_cycles)
        return true;
    complain("--max-cycles %s: give a number above 0, with K, M or G for thousands, millions or billions",
             value);
    return false;
}

static bool parse_memory(struct options *o, const char *name, const char *value)
{
    if (parse_number(value, 1024, &o->memory) && o->memory)
        return true;
    complain("%s %s: give a size such as 64M or 4G", name, value);
    return false;
}

static bool take_memory(struct options *o, const char *value)
{
    return parse_memory(o, "--max-memory", value);
}

static bool take_board_memory(struct options *o, const char *value)
{
    return parse_memory(o, "--memory", value);
}

static bool take_append(struct options *o, const char *value)
{
    o->append = value;
    return true;
}

static bool take_env_file(struct options *o, const char *value)
{
    o->env_file = value;
    return true;
}

static bool take_above_zero(const char *option, const char *value, uint64_t *out)
{
    if (parse_number(value, 0, out) && *out)
        return true;
    complain("%s %s: give a number above 0", option, value);
    return false;
}

static bool take_seed(struct options *o, const char *value)
{
    return take_above_zero("--seed", value, &o->seed);
}

static bool take_sched_seed(struct options *o, const char *value)
{
    return take_above_zero("--sched-seed", value, &o->sched_seed);
}

static bool take_clock(struct options *o, const char *value)
{
    o->host_clock = !strcmp(value, "host");
    if (o->host_clock || !strcmp(value, "virtual"))
        return true;
    complain("--clock %s: give virtual or host", value);
    return false;
}

static bool take_net(struct options *o, const char *value)
{
    bool rules = !strncmp(value, "host:", 5) && value[5];
    o->host_net = rules || !strcmp(value, "host");
    o->net_rules = rules ? value + 5 : NULL;
    if (o->host_net || !strcmp(value, "none"))
        return true;
    complain("--net %s: give none, host, or host:RULE,... where a RULE is connect=ADDRESS:PORT or listen=ADDRESS:PORT", value);
    return false;
}

static bool take_cpu(struct options *o, const char *value)
{
    o->cpu = value;
    return true;
}

static bool take_vendor(struct options *o, const char *value)
{
    o->vendor = value;
    return true;
}

static bool take_strict(struct options *o, const char *value)
{
    (void)value;
    return o->strict = true;
}

/* Options that more than one command has. */
#define MAX_CYCLES                                                                                \
    { "--max-cycles", "N", take_max_cycles,                                                       \
      "stop after N modelled cycles; K, M, G: thousands, millions,\nbillions" }
#define CPU                                                                                       \
    { "--cpu", "MODEL", take_cpu,                                                                 \
      "x86-64-v1, x86-64-v2, x86-64-v3 (default), or max: the\nfeatures that CPUID tells and the " \
      "instructions that exist" }
#define VENDOR                                                                                    \
    { "--vendor", "intel|amd", take_vendor,                                                       \
      "CPUID's vendor, and whose rules hold where the manuals\ndiffer (default intel)" }

static const struct option table[] = {
    { "--mount", "HOST:GUEST[:ACCESS]", take_mount,
      "show a file or directory of the host in the guest: read-only\n(ACCESS ro, the default), writable (rw), or with an overlay\n"
      "in memory, so that the guest may write and the host's files\nstay as they are (overlay); may be repeated" },
    { "--image", "FILE:GUEST[:ACCESS]", take_mounted_image,
      "show what a file system image (ext2/3/4, XFS, squashfs) or\nan archive (tar, cpio, zip, also compressed) holds, with an\n"
      "overlay by default; may be repeated" },
    { "--root", "PATH[:ACCESS]", take_root,
      "make a directory of the host (ro by default), an image or\nan archive (overlay by default) the guest's root; PROGRAM is\n"
      "then a path inside it" },
    { "--env", "NAME[=VALUE]", take_env,
      "set a variable, without =VALUE to the host's value; the\nenvironment is empty otherwise; may be repeated" },
    { "--cwd", "DIR", take_cwd, "start in this directory of the guest (default /)" },
    { "--net", "none|host[:RULES]", take_net,
      "the network that programs see: the machine's own loopback\nalone (none, the default), or the host's too: all of it, or what\n"
      "RULES allow (connect=1.2.3.4:80,listen=*:8080 ...)" },
    { "--strace", NULL, take_strace, "write system calls and signals to standard error" },
    { "--stats", NULL, take_stats, "write figures of the run to standard error at its end" },
    MAX_CYCLES,
    { "--max-memory", "SIZE", take_memory, "RAM of the machine, 8M to 64G (default 4G)" },
    CPU,
    VENDOR,
    { "--seed", "N", take_seed, "seed of everything random in the machine" },
    { "--sched-seed", "N", take_sched_seed, "perturb the order in which tasks run, the same way\neach time for the same N" },
    { "--clock", "virtual|host", take_clock, "clocks count modelled cycles (default), or are the\nhost's" },
    { "--strict", NULL, take_strict,
      "once the program is loaded, lock this process down too:\nno file but those mounted, no process, no socket (Landlock\nand seccomp)" },
};
#define OPTION_COUNT (sizeof table / sizeof table[0])

static const struct option bare_options[] = {
    { "--append", "ARGS", take_append, "the image's command line, after its name" },
    { "--env", "FILE", take_env_file, "a file of the host that the image finds as its first\nmultiboot module" },
    { "--memory", "SIZE", take_board_memory, "RAM, 2M to 3G (default 128M)" },
    MAX_CYCLES,
    CPU,
    VENDOR,
};

/* --- help --- */

void print_usage(FILE *to)
{
    fputs("Usage: ringfort run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
          "       ringfort bare [OPTION...] [--] IMAGE\n"
          "       ringfort explain [OPTION...] [--] [ADDRESS,...] PROGRAM [ARGUMENT...]\n"
          "       ringfort --help | --version\n"
          "\n"
          "Runs a static x86-64 Linux program inside a modelled computer. It sees its own file, the\n"
          "standard streams and what you mount; nothing else of this host.\n"
          "\n"
          "  run          run a program; `ringfort run --help` lists its options\n"
          "  bare         run a multiboot image without a kernel; see `ringfort bare --help`\n"
          "  explain      tell how an address is translated, and which rule allows or refuses an\n"
          "               access; `ringfort explain --help`\n"
          "  --help       show this text\n"
          "  --version    show the version\n"
          "\n"
          "Exit status: the program's. 128+N when signal N killed it, 127 when PROGRAM was not found,\n"
          "126 when it cannot be run, 125 when an option is wrong or ringfort cannot go on, 124 when\n"
          "--max-cycles stopped it, 123 when it waits for something that can never come.\n", to);
}

static void print_option(FILE *to, const char *name, const char *value, const char *help)
{
    int used = fprintf(to, "  %s%s%s", name, value ? " " : "", value ? value : "");
    if (used > 28) {
        fputc('\n', to);
        used = 0;
    }
    while (*help) {
        size_t length = strcspn(help, "\n");
        fprintf(to, "%*s%.*s\n", 30 - used, "", (int)length, help);
        help += length + (help[length] == '\n');
        used = 0;
    }
}

const struct command command_run = {
    .name = "run",
    .usage = "Usage: ringfort run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
             "\n"
             "PROGRAM is a file of this host (a name without / is looked up in PATH); the guest sees it\n"
             "under its absolute path, or where a mount shows it.\n"
             "\n",
    .runs_program = true,
};

static bool take_image(struct options *options, int argc, char **argv)
{
    if (argc > 1)
        complain("%s is one operand too many; give the image's arguments by --append", argv[1]);
    else if (take_program(options, argc, argv))
        return true;
    else
        complain("no IMAGE given; see ringfort bare --help");
    return false;
}

const struct command command_bare = {
    .name = "bare",
    .usage = "Usage: ringfort bare [OPTION...] [--] IMAGE\n"
             "\n"
             "IMAGE is a multiboot image (an ELF file), such as those for `qemu -kernel`: it runs on a board\n"
             "with a CPU, memory and a few devices, and nothing else. What it sends on its serial port goes\n"
             "to standard output. The exit status is 2 * N + 1 when it writes N to port 0xf4.\n"
             "\n",
    .options = bare_options,
    .option_count = sizeof bare_options / sizeof bare_options[0],
    .positional = take_image,
};

static void print_command_usage(FILE *to, const struct command *command)
{
    fputs(command->usage, to);
    for (size_t i = 0; i < command->option_count; i++)
        print_option(to, command->options[i].name, command->options[i].value, command->options[i].help);
    for (size_t i = 0; command->runs_program && i < OPTION_COUNT; i++)
        print_option(to, table[i].name, table[i].value, table[i].help);
    print_option(to, "--help", NULL, "show this text");
}

/* --- the command line --- */

static const struct option *find_in(const struct option *options, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == length && !strncmp(options[i].name, name, length))
            return &options[i];
    return NULL;
}

static const struct option *find_option(const struct command *command, const char *arg, const char **value)
{
    size_t length = strcspn(arg, "=");
    *value = arg[length] ? arg + length + 1 : NULL;
    const struct option *own = find_in(command->options, command->option_count, arg, length);
    return own || !command->runs_program ? own : find_in(table, OPTION_COUNT, arg, length);
}

/* One option at argv[*at]; moves *at past it. */
static bool parse_option(const struct command *command, char **argv, int *at, struct options *out)
{
    const char *value, *arg = argv[(*at)++];
    const struct option *option = find_option(command, arg, &value);
    if (!option) {
        complain("unknown option %s; see ringfort %s --help", arg, command->name);
        return false;
    }
    if (!option->value && value) {
        complain("%s takes no value", option->name);
        return false;
    }
    if (option->value && !value && !(value = argv[(*at)++])) {
        (*at)--;
        complain("%s needs a value: %s %s", option->name, option->name, option->value);
        return false;
    }
    return option->take(out, value);
}

bool take_program(struct options *options, int argc, char **argv)
{
    if (argc < 1 || !argv[0][0])
        return false;
    options->program = argv[0];
    options->argv = (const char *const *)argv;
    return true;
}

bool options_parse(const struct command *command, int argc, char **argv, struct options *out, int *status)
{
    memset(out, 0, sizeof *out);
    *status = EXIT_OWN;
    int at = 0;
    while (at < argc && argv[at][0] == '-') {
        if (!strcmp(argv[at], "--")) {
            at++;
            break;
        }
        if (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h")) {
            print_command_usage(stdout, command);
            *status = EXIT_SUCCESS;
            return false;
        }
        if (!parse_option(command, argv, &at, out))
            return false;
    }
    if (command->positional)
        return command->positional(out, argc - at, argv + at);
    if (take_program(out, argc - at, argv + at))
        return true;
    complain("no PROGRAM given; see ringfort %s --help", command->name);
    return false;
}

void options_free(struct options *o)
{
    for (size_t i = 0; i < o->mount_count; i++) {
        free(o->mounts[i].host);
        free(o->mounts[i].guest);
    }
    for (size_t i = 0; i < o->env_count; i++)
        free(o->env[i]);
    free(o->mounts);
    free(o->env);
    free(o->root);
    free(o->explain.addresses);
}
