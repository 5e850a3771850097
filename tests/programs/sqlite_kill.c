/* SQLite killed at every write: a child changes a database in transactions, its tracer kills it at the first call that
 * writes, the next one at the second, and so on until one comes through. After each death the database must be whole.
 * Usage: sqlite_kill DATABASE JOURNAL [MOST]; JOURNAL: delete, truncate, persist or wal; MOST: kills, none if 0. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define ACCOUNTS 40
#define TOTAL (ACCOUNTS * 100)

static void must(sqlite3 *db, const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) {
        printf("%s: %s\n", sql, error);
        exit(1);
    }
}

static sqlite3 *open_database(const char *path, const char *journal)
{
    sqlite3 *db;
    char sql[64];
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        printf("%s: %s\n", path, sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_busy_timeout(db, 1000);
    snprintf(sql, sizeof sql, "PRAGMA journal_mode=%s", journal);
    must(db, sql);
    return db;
}

static long number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    long value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        value = (long)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void create(const char *path, const char *journal)
{
    sqlite3 *db = open_database(path, journal);
    must(db, "CREATE TABLE IF NOT EXISTS account(id INTEGER PRIMARY KEY, money INTEGER, note TEXT)");
    must(db, "CREATE TABLE IF NOT EXISTS move(id INTEGER PRIMARY KEY, what BLOB)");
    must(db, "CREATE INDEX IF NOT EXISTS by_note ON account(note)");
    if (number(db, "SELECT count(*) FROM account") == 0)
        must(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)"
                 "INSERT INTO account SELECT i, 100, 'account ' || i FROM n");
    sqlite3_close(db);
}

/* Money changes hands, and every move is noted: both or neither. */
static void work(const char *path, const char *journal)
{
    sqlite3 *db = open_database(path, journal);
    for (int i = 1; i <= 3; i++) {
        char sql[512];
        snprintf(sql, sizeof sql,
                 "BEGIN; UPDATE account SET money = money - %d, note = note || '.' WHERE id = %d;"
                 "UPDATE account SET money = money + %d WHERE id = %d;"
                 "INSERT INTO move(what) VALUES (randomblob(3000)); COMMIT",
                 i, i, i, ACCOUNTS - i);
        must(db, sql);
    }
    sqlite3_close(db);
}

static int is_whole(const char *path, const char *journal)
{
    sqlite3 *db = open_database(path, journal);
    sqlite3_stmt *statement;
    int whole = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW && !strcmp((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
    whole = whole && number(db, "SELECT sum(money) FROM account") == TOTAL &&
            number(db, "SELECT sum(length(note) - length(rtrim(note, '.'))) FROM account") ==
                number(db, "SELECT count(*) FROM move");
    sqlite3_close(db);
    return whole;
}

static int writes(long call)
{
    return call == SYS_write || call == SYS_pwrite64 || call == SYS_pwritev || call == SYS_ftruncate ||
           call == SYS_fsync || call == SYS_fdatasync || call == SYS_unlink || call == SYS_fallocate;
}

/* 1: it was killed at its nth write; 0: it came to its end before. */
static int kill_at(int nth, const char *path, const char *journal)
{
    int status, entering = 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        work(path, journal);
        _exit(0);
    }
    waitpid(child, &status, 0);
    for (;; entering = !entering) {
        struct user_regs_struct registers;
        ptrace(PTRACE_SYSCALL, child, NULL, NULL);
        waitpid(child, &status, 0);
        if (WIFEXITED(status))
            return 0;
        ptrace(PTRACE_GETREGS, child, NULL, &registers);
        if (entering && writes((long)registers.orig_rax) && --nth == 0) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            return 1;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int most = argc > 3 ? atoi(argv[3]) : 1000, kills = 0, whole = 0;
    create(argv[1], argv[2]);
    while (kills < most && kill_at(kills + 1, argv[1], argv[2])) {
        kills++;
        if (is_whole(argv[1], argv[2]))
            whole++;
        else
            printf("damaged by the kill at write %d\n", kills);
    }
    if (!most)
        work(argv[1], argv[2]);
    printf("%s: %s, %s\n", argv[2], kills > 10 || !most ? "killed at every write" : "killed too rarely",
           whole == kills && is_whole(argv[1], argv[2]) ? "whole each time" : "damaged");
    fprintf(stderr, "%d kills\n", kills);
    return whole != kills;
}
