/* The `ringfort` program: reads the command line and calls the library; docs/cli.md. */
#include "bare.h"
#include "explain.h"
#include "options.h"
#include "run.h"

#include <fcntl.h>
#include <ringfort/machine.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Text that could not be written is a failure of its own. */
static int printed(void)
{
    return fflush(stdout) ? EXIT_OWN : EXIT_SUCCESS;
}

/* Standard descriptors that the caller has closed keep their numbers, so that nothing of ours takes
 * them: an O_PATH descriptor refuses reads and writes with EBADF, as a closed one does. */
static void reserve_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd < 3);
    if (fd >= 3)
        close(fd);
}

static const struct command *find_command(const char *name)
{
    static const struct command *const commands[] = { &command_run, &command_bare, &command_explain };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static int execute(const struct command *command, const struct options *options)
{
    if (command == &command_bare)
        return run_bare(options);
    return command == &command_explain ? explain(options) : run(options);
}

int main(int argc, char **argv)
{
    reserve_standard_descriptors();
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
        print_usage(stdout);
        return printed();
    }
    if (!strcmp(name, "--version")) {
        printf("ringfort %s\n", rf_version());
        return printed();
    }
    const struct command *known = find_command(name);
    if (!known) {
        if (*name)
            complain("unknown command %s; see ringfort --help", name);
        else
            print_usage(stderr);
        return EXIT_OWN;
    }
    /* A write to a closed pipe is the guest's own matter: it gets EPIPE and SIGPIPE. */
    signal(SIGPIPE, SIG_IGN);
    struct options options;
    int status;
    if (options_parse(known, argc - 2, argv + 2, &options, &status))
        status = execute(known, &options);
    else if (status == EXIT_SUCCESS)
        status = printed();
    options_free(&options);
    return status;
}
