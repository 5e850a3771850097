/* The `ringfort` program: reads the command line and calls the library; docs/cli.md. */
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

int main(int argc, char **argv)
{
    reserve_standard_descriptors();
    const char *command = argc > 1 ? argv[1] : "";
    if (!strcmp(command, "--help") || !strcmp(command, "-h")) {
        print_usage(stdout);
        return printed();
    }
    if (!strcmp(command, "--version")) {
        printf("ringfort %s\n", rf_version());
        return printed();
    }
    bool explains = !strcmp(command, "explain");
    if (strcmp(command, "run") && !explains) {
        if (*command)
            complain("unknown command %s; see ringfort --help", command);
        else
            print_usage(stderr);
        return EXIT_OWN;
    }
    /* A write to a closed pipe is the guest's own matter: it gets EPIPE and SIGPIPE. */
    signal(SIGPIPE, SIG_IGN);
    struct options options;
    int status;
    if (options_parse(explains ? &command_explain : &command_run, argc - 2, argv + 2, &options, &status))
        status = explains ? explain(&options) : run(&options);
    else if (status == EXIT_SUCCESS)
        status = printed();
    options_free(&options);
    return status;
}
