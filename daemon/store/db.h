/* Inside taskd-store: connections to the database, and what its files share. There are three connections to the file: the
 * writer's (the main thread, the only one that changes anything), the reader's (a thread for what is asked), and the
 * keeper's (a thread that copies the write-ahead log back into the file). Each is used by one thread at a time. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>

#include "store/record.h"

/* What went wrong, as far as it matters for what is done about it. */
enum db_code {
	DB_OK,
	DB_FULL,    /* no room on the disk: nothing was done, and may work later */
	DB_IO,      /* reading, writing or syncing failed: what is on disk is not known any more */
	DB_CORRUPT, /* the file is damaged, or none of SQLite's */
	DB_BUSY,    /* somebody else has it locked */
	DB_OTHER,   /* no memory, interrupted, misuse, a constraint: sqlite3_extended_errcode says which */
};

struct db {
	sqlite3 *handle;
};

/* What SQLite's result RC means, RC being the last one of this connection. SQLITE_OK, _ROW and _DONE are DB_OK. */
enum db_code db_error(const struct db *db, int rc);
/* For people: what went wrong last. Valid until the next call. */
const char *db_message(const struct db *db);
/* Runs statements that give no rows. */
enum db_code db_exec(const struct db *db, const char *sql) __attribute__((warn_unused_result));
/* *statement is to be finalized by sqlite3_finalize. On an error it is NULL. */
enum db_code db_prepare(const struct db *db, const char *sql, sqlite3_stmt **statement) __attribute__((warn_unused_result));
/* The first column of the first row of SQL; 0 where there is none. */
enum db_code db_number(const struct db *db, const char *sql, int64_t *out) __attribute__((warn_unused_result));
#define DB_BUSY_MS 5000 /* so long a connection waits for others' locks */
/* The pragmas of a connection, after it was opened and before it is used. WRITES: also those of the file: a new one's page
 * size, WAL. */
enum db_code db_configure(const struct db *db, bool writes) __attribute__((warn_unused_result));
/* Closes; nothing happens where there is no connection. */
void db_close(struct db *db);

/* --- schema.c --- */
#define SCHEMA_VERSION 2
/* Makes the tables of a new file, or brings those of an older version up to date, in one transaction. *newer: the file is of
 * a later version, and was left alone. After an error the connection is only good for db_message and db_close. */
enum db_code schema_prepare(const struct db *db, bool *newer) __attribute__((warn_unused_result));

/* --- open.c --- */
/* Opens the writer's connection to STORE_FILE in open->directory, configured and with its schema. STORE_OPEN_FINE, or
 * STORE_OPEN_ASIDE with *text (malloc'ed) saying so; anything else: there is no connection, and *text says why. */
enum store_opening open_writer(struct db *db, const struct store_open *open, char **text);
/* Another connection to the same file: for the reader, or, WRITES, for the keeper. */
enum db_code open_another(struct db *db, const struct store_text *directory, bool writes);

/* --- a task in the database --- */
/* The bits of tasks.flags; in the order of the schema's comment. */
enum task_flag {
	TASK_FLAG_COMMAND = 1,
	TASK_FLAG_DETACHED = 2,
	TASK_FLAG_WALL = 4,
	TASK_FLAG_TRIED = 8,
	TASK_FLAG_CRASH = 16, /* on_interrupt_crash */
	TASK_FLAG_PASS_RESULTS = 32,
	TASK_FLAG_FINAL = 64,
	/* It has rows in the other tables, which nobody needs to ask otherwise. */
	TASK_FLAG_ATTEMPTS = 256,
	TASK_FLAG_CLAIMS = 512,
	TASK_FLAG_DEPENDENCIES = 1024,
	TASK_FLAG_RETRIES = 2048,
	TASK_FLAG_OBITUARY = 4096,
	/* That column is empty, and what belongs there is in `parts`, as it is large. */
	TASK_FLAG_PARTS_OF_ARGS = 8192,
	TASK_FLAG_PARTS_OF_RESULT = 16384,
	TASK_FLAG_PARTS_OF_DATA = 32768,
};
enum task_part { TASK_PART_ARGS, TASK_PART_RESULT, TASK_PART_DATA }; /* parts.what */
/* What is longer is put into `parts`: it would be written again with each change of its task. */
#define TASK_INLINE_LIMIT 1500u
/* SQLite has a limit of a thousand million bytes for a value, and a row. */
#define TASK_PART_LENGTH (32u << 20)
#define TASK_VALUE_LIMIT 990000000u /* of what has no parts; a result that is to be passed on is lost beyond it */

/* task_row.c */
struct task_rows;
/* Its statements are those of DB. NULL: db_error says why. */
struct task_rows *task_rows_new(const struct db *db);
void task_rows_free(struct task_rows *rows);
/* The columns that a statement must have, in this order and first, from the table `tasks`. */
extern const char task_columns[];
/* The row that STATEMENT stands at. PAYLOADS: with args, result and data, else without them. What it points to lives until the
 * statement goes on, or the next call; there is nothing to free. */
enum db_code task_rows_read(struct task_rows *rows, sqlite3_stmt *statement, bool payloads, struct store_task *task)
	__attribute__((warn_unused_result));

/* What tasks.flags says of it. */
void task_row_flags(struct store_task *task, int64_t flags);
/* A column that holds text, or nothing; until the statement goes on. */
struct store_text db_column_text(sqlite3_stmt *statement, int column);

/* --- reader.c: the thread that answers --- */
/* What a question's answer is made with. The functions that answer run on the reader's thread. */
struct reader {
	struct db db;
	struct task_rows *rows;
	struct store_text directory;
	struct channel_end *end;
	struct store_buffer out; /* said, not yet sent */
};
/* Says MESSAGE to the master, in larger pieces; the rest goes when the question is over. False: the master is gone, or the
 * store is about to leave: stop. */
bool reader_say(struct reader *reader, enum store_message message, uint64_t number, const void *body);
/* The store is about to leave: what takes long asks now and then. (It is interrupted by sqlite3_interrupt, too.) */
bool reader_leaves(const struct reader *reader);
/* query.c: answers the question NUMBER, from STORE_FOUND to STORE_ANSWERED. */
void query_answer(struct reader *reader, uint64_t number, const struct store_query *query);
/* load.c: STORE_ROW … STORE_LOADED. */
void load_answer(struct reader *reader, const struct store_keep *keep);

#endif
