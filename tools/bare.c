/* `ringfort bare` (tools/bare.h). */
#include "bare.h"

#include "file.h"

#include <errno.h>
#include <inttypes.h>
#include <ringfort/board.h>
#include <stdlib.h>
#include <string.h>

#define BARE_MOST_BYTES ((size_t)256 << 20)

/* --- the board --- */

static void put_byte(void *user, unsigned char byte)
{
    fputc(byte, user);
}

static int status_of(rf_status error)
{
    return error == RF_ERR_FORMAT || error == RF_ERR_UNSUPPORTED ? EXIT_FORMAT : EXIT_OWN;
}

static int load(rf_board *board, const struct options *o, const struct file *image, const struct file *env)
{
    const rf_board_module module = { env->bytes, env->size, o->env_file };
    char *line = must_print(o->append ? "%s %s" : "%s", o->program, o->append);
    rf_status error = rf_board_load_multiboot(board, image->bytes, image->size, line, &module, o->env_file ? 1 : 0);
    free(line);
    if (!error)
        return EXIT_SUCCESS;
    complain("%s: %s", o->program, rf_board_error_text(board));
    return status_of(error);
}

static int finish(const rf_board *board, const struct options *o, rf_board_stop_reason reason)
{
    switch (reason) {
    case RF_BOARD_EXITED: return (int)((rf_board_exit_code(board) * 2 + 1) & 0xff);
    case RF_BOARD_SHUT_DOWN: return EXIT_SUCCESS;
    case RF_BOARD_TRIPLE_FAULT:
        complain("%s stopped: %s", o->program, rf_board_error_text(board));
        return EXIT_TRIPLE_FAULT;
    case RF_BOARD_RESET: complain("%s stopped: the CPU reset itself", o->program); return EXIT_RESET;
    case RF_BOARD_HALTED:
        complain("%s stopped: the CPU has halted, and no interrupt can wake it", o->program);
        return EXIT_HALTED;
    case RF_BOARD_LIMIT:
        complain("%s stopped: --max-cycles %" PRIu64 " was reached", o->program, o->max_cycles);
        return EXIT_LIMIT;
    case RF_BOARD_STOPPED: break;
    }
    complain("%s stopped", o->program);
    return EXIT_OWN;
}

static int run_on(rf_board *board, const struct options *o)
{
    rf_board_stop_reason reason;
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was sent is seen even if this process is killed */
    if (rf_board_run(board, &reason) != RF_OK) {
        complain("%s: %s", o->program, rf_board_error_text(board));
        return EXIT_OWN;
    }
    if (fflush(stdout) || ferror(stdout)) {
        complain("standard output: %s", strerror(errno));
        return EXIT_OWN;
    }
    return finish(board, o, reason);
}

int run_bare(const struct options *o)
{
    const rf_board_config config = { .memory = o->memory, .max_cycles = o->max_cycles,
                                     .cpu = o->cpu, .vendor = o->vendor,
                                     .serial = put_byte, .serial_user = stdout };
    struct file image, env = { NULL, 0 };
    rf_board *board = NULL;
    int status = file_read(o->program, BARE_MOST_BYTES, &image) ? EXIT_SUCCESS : EXIT_NOT_FOUND;
    if (!status && o->env_file && !file_read(o->env_file, BARE_MOST_BYTES, &env))
        status = EXIT_OWN;
    if (!status && rf_board_create(&config, &board) != RF_OK) {
        complain("%s", rf_create_error_text());
        status = EXIT_OWN;
    }
    if (!status)
        status = load(board, o, &image, &env);
    if (!status)
        status = run_on(board, o);
    rf_board_destroy(board);
    free(image.bytes);
    free(env.bytes);
    return status;
}
