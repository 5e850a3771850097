/* The `ringfort` program: reads the command line and calls the library; docs/cli.md. */
#include "options.h"
#include "run.h"

#include <ringfort/machine.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Text that could not be written is a failure of its own. */
static int printed(void)
{
    return fflush(stdout) ? EXIT_OWN : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (!strcmp(command, "--help") || !strcmp(command, "-h")) {
        print_usage(stdout);
        return printed();
    }
    if (!strcmp(command, "--version")) {
        printf("ringfort %s\n", rf_version());
        return printed();
    }
    if (strcmp(command, "run")) {
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
    if (options_parse(argc - 2, argv + 2, &options, &status))
        status = run(&options);
    else if (status == EXIT_SUCCESS)
        status = printed();
    options_free(&options);
    return status;
}
