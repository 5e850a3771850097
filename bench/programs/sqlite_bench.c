/* SQLite on a database in memory: inserts, an index, joins, grouping, sorting, text search and
 * deletes. The count is rounds over 1000 rows each. */
#include <sqlite3.h>

#include "bench.h"

/* A static program cannot load extensions: the linker (--wrap=dlopen) sends SQLite here, which
 * keeps the dynamic loader out. */
void *__wrap_dlopen(const char *file, int mode);

void *__wrap_dlopen(const char *file, int mode)
{
    (void)file;
    (void)mode;
    return NULL;
}

static const char schema[] =
    "PRAGMA cache_size = 4000;"
    "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, town INTEGER);"
    "CREATE TABLE purchase(id INTEGER PRIMARY KEY, customer INTEGER, amount REAL, note TEXT);";

static const char *const queries[] = {
    "SELECT count(*), sum(id * town) FROM customer",
    "SELECT c.town, count(*), cast(sum(p.amount) * 100 AS INTEGER)"
    " FROM purchase p JOIN customer c ON c.id = p.customer GROUP BY c.town ORDER BY 3 DESC, 1",
    "SELECT p.id, p.customer FROM purchase p ORDER BY p.note, p.id LIMIT 40",
    "SELECT count(*), max(id) FROM purchase WHERE note LIKE '%gate%7%'",
    "SELECT c.id, length(group_concat(p.note)) FROM customer c LEFT JOIN purchase p"
    " ON p.customer = c.id GROUP BY c.id HAVING count(*) > 5 ORDER BY 2, 1 LIMIT 20",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
    " SELECT sum(i * i), sum(i % 7 = 3) FROM n",
};

static void check(sqlite3 *db, int status, int expected)
{
    if (status == expected)
        return;
    fprintf(stderr, "sqlite_bench: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void execute(sqlite3 *db, const char *text)
{
    check(db, sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
    sqlite3_stmt *statement;
    check(db, sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    return statement;
}

static void fill(sqlite3 *db, uint64_t round, uint64_t *random)
{
    static const char *const words[] = {"ring", "gate", "page", "table", "stack"};
    char text[64];

    execute(db, "BEGIN");
    sqlite3_stmt *insert = prepare(db, "INSERT INTO customer(name, town) VALUES(?1, ?2)");
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "customer %" PRIu64 ".%d", round, i);
        sqlite3_bind_text(insert, 1, text, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(insert, 2, (int)(bench_random(random) % 12));
        check(db, sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);

    insert = prepare(db, "INSERT INTO purchase(customer, amount, note) VALUES(?1, ?2, ?3)");
    for (int i = 0; i < 900; i++) {
        uint64_t value = bench_random(random);
        snprintf(text, sizeof text, "%s %s %u", words[value % 5], words[value / 5 % 5],
                 (unsigned)(value >> 50));
        sqlite3_bind_int(insert, 1, 1 + (int)(value >> 20 & 0xff) % 100);
        sqlite3_bind_double(insert, 2, (double)(value >> 40 & 0xffff) / 16);
        sqlite3_bind_text(insert, 3, text, -1, SQLITE_TRANSIENT);
        check(db, sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    execute(db, "COMMIT");
}

static uint64_t ask(sqlite3 *db, uint64_t sum, const char *query)
{
    sqlite3_stmt *statement = prepare(db, query);
    int status;
    while ((status = sqlite3_step(statement)) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            sum = bench_mix(sum, (uint64_t)sqlite3_column_int64(statement, i));
    check(db, status, SQLITE_DONE);
    sqlite3_finalize(statement);
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t count = bench_count(argc, argv, 400);
    uint64_t random = 0x2545f4914f6cdd1d;
    uint64_t sum = 0;
    sqlite3 *db;
    check(NULL, sqlite3_open(":memory:", &db), SQLITE_OK);
    execute(db, schema);
    for (uint64_t round = 0; round < count; round++) {
        fill(db, round, &random);
        execute(db, "CREATE INDEX by_customer ON purchase(customer)");
        for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++)
            sum = ask(db, sum, queries[i]);
        execute(db, "DROP INDEX by_customer;"
                    "DELETE FROM purchase WHERE id % 10 <> 0;"
                    "DELETE FROM purchase WHERE id < (SELECT max(id) FROM purchase) - 5000;"
                    "UPDATE customer SET town = town * 5 % 12 WHERE id % 3 = 0;"
                    "DELETE FROM customer WHERE id > 100");
    }
    sqlite3_close(db);
    return bench_report(sum);
}
