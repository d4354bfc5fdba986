/* Whether the file is what it should be: as SQLite sees it, and as taskd does. What the second part asks is what every
 * transaction keeps true; where it is not, somebody else has written, or there is a bug here. All of it is asked about one
 * moment, while the writer goes on. */
#include "store/query.h"

#include "base/clock.h"

#include <string.h>

#define NAMES_LIMIT 5 /* … of rows that one sentence tells */

#define ENDED_STATES "('succeeded', 'failed', 'timed_out', 'crashed', 'cancelled', 'expired')"
#define LIVE_STATES "('scheduled', 'blocked', 'queued', 'running', 'cancelling', 'recording')"
#define NOBODYS(table) "SELECT DISTINCT task FROM " table " WHERE task NOT IN (SELECT id FROM tasks)"
/* A bit of tasks.flags that does not say whether there are rows. */
#define WRONG_FLAG(bit, rows) "SELECT id FROM tasks WHERE (flags & " bit " != 0) != (id IN (SELECT task FROM " rows "))"

/* SQL that should find nothing, and what is said of what it finds: "…: 17, 18". */
static const struct {
	const char *sql;
	const char *problem;
} invariants[] = {
	{ "SELECT 1 FROM (SELECT count(*) AS n FROM meta) WHERE n != 1", "the table meta has not one row" },
	{ "SELECT id FROM tasks WHERE ended_ns IS NULL AND state NOT IN " LIVE_STATES,
		"tasks have an outcome's state, but have not ended" },
	{ "SELECT id FROM tasks WHERE ended_ns IS NULL AND (result IS NOT NULL OR error_code IS NOT NULL AND error_code != 0"
	  " OR error_kind IS NOT NULL OR error_message IS NOT NULL OR error_data IS NOT NULL OR flags & (16384 | 32768 | 4096))",
		"tasks have an outcome, but have not ended" },
	{ "SELECT id FROM tasks WHERE ended_ns IS NOT NULL AND state NOT IN " ENDED_STATES,
		"tasks have ended, but without an outcome" },
	{ "SELECT id FROM tasks WHERE state = 'succeeded' AND (error_kind IS NOT NULL OR error_message IS NOT NULL"
	  " OR error_data IS NOT NULL OR flags & (32768 | 4096))",
		"tasks have succeeded, and have an error too" },
	{ "SELECT id FROM tasks WHERE state != 'succeeded' AND (result IS NOT NULL OR flags & 16384)",
		"tasks have not succeeded, but have a result" },
	{ "SELECT id FROM tasks WHERE id < 1 OR attempt < 1", "tasks have numbers that there are not" },
	{ "SELECT task FROM attempts JOIN tasks ON id = task WHERE attempts.attempt NOT BETWEEN 1 AND tasks.attempt - 1"
	  " GROUP BY task",
		"tasks have attempts that were not" },
	{ "SELECT task FROM attempts WHERE state NOT IN " ENDED_STATES " GROUP BY task",
		"tasks have attempts that did not end" },
	{ "SELECT min(id) FROM tasks WHERE ended_ns IS NULL AND place != 0 GROUP BY place HAVING count(*) > 1",
		"tasks share their place with another" },
	{ "SELECT id FROM tasks, meta WHERE id >= next_id AND next_id != 0",
		"tasks have ids that will be given out again" },
	{ "SELECT id FROM tasks, meta WHERE ended_ns IS NULL AND place >= next_place AND next_place != 0",
		"tasks have places that will be given out again" },
	{ NOBODYS("attempts"), "attempts are of no task" },
	{ NOBODYS("claims"), "claims are of no task" },
	{ NOBODYS("dependencies"), "dependencies are of no task" },
	{ NOBODYS("retries"), "retries are of no task" },
	{ NOBODYS("obituaries"), "obituaries are of no task" },
	{ NOBODYS("parts"), "parts are of no task" },
	{ "SELECT DISTINCT schedule FROM schedule_claims WHERE schedule NOT IN (SELECT name FROM schedules)",
		"claims are of no schedule" },
	{ WRONG_FLAG("256", "attempts"), "tasks have attempts and do not know it, or the other way round" },
	{ WRONG_FLAG("512", "claims"), "tasks have claims and do not know it, or the other way round" },
	{ WRONG_FLAG("1024", "dependencies"), "tasks have dependencies and do not know it, or the other way round" },
	{ WRONG_FLAG("2048", "retries"), "tasks have retries and do not know it, or the other way round" },
	{ WRONG_FLAG("4096", "obituaries"), "tasks have an obituary and do not know it, or the other way round" },
	{ WRONG_FLAG("8192", "parts WHERE what = 0"),
		"tasks have parts of arguments and do not know it, or the other way round" },
	{ WRONG_FLAG("16384", "parts WHERE what = 1"),
		"tasks have parts of a result and do not know it, or the other way round" },
	{ WRONG_FLAG("32768", "parts WHERE what = 2"),
		"tasks have parts of data and do not know it, or the other way round" },
	{ "SELECT DISTINCT task FROM (SELECT task, part, row_number() OVER (PARTITION BY task, what ORDER BY part) - 1 AS nth"
	  " FROM parts) WHERE part != nth",
		"parts of a text are missing of tasks" },
};

/* "PROBLEM: 17, 18, …": STATEMENT is at the first row. */
static enum db_code tell_rows(
	const struct db *db, sqlite3_stmt *statement, const char *problem, const struct check_listener *listener)
{
	sqlite3_str *text = sqlite3_str_new(db->handle);
	int named = 0, rc = SQLITE_ROW;
	char *said;

	sqlite3_str_appendf(text, "%s:", problem);
	while (rc == SQLITE_ROW && named < NAMES_LIMIT) {
		const char *name = (const char *)sqlite3_column_text(statement, 0);

		sqlite3_str_appendf(text, "%s %s", named++ ? "," : "", name ? name : "?");
		rc = sqlite3_step(statement);
	}
	if (rc == SQLITE_ROW)
		sqlite3_str_appendall(text, ", and more");
	said = sqlite3_str_finish(text);
	listener->problem(listener->context, said ? said : problem);
	sqlite3_free(said);
	return db_error(db, rc);
}

static enum db_code ask(const struct db *db, size_t which, const struct check_listener *listener)
{
	sqlite3_stmt *statement;
	enum db_code code = db_prepare(db, invariants[which].sql, &statement);
	int rc;

	if (code != DB_OK)
		return code;
	rc = sqlite3_step(statement);
	code = rc == SQLITE_ROW ? tell_rows(db, statement, invariants[which].problem, listener) : db_error(db, rc);
	sqlite3_finalize(statement);
	return code;
}

static enum db_code ask_sqlite(const struct db *db, const struct check_listener *listener)
{
	sqlite3_stmt *statement;
	enum db_code code = db_prepare(db, "PRAGMA integrity_check", &statement);
	int rc = SQLITE_DONE;

	if (code != DB_OK)
		return code;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(statement, 0);

		if (text && strcmp(text, "ok") != 0)
			listener->problem(listener->context, text);
	}
	code = db_error(db, rc);
	sqlite3_finalize(statement);
	return code;
}

enum db_code check_all(const struct db *db, const struct check_listener *listener)
{
	enum db_code code = db_exec(db, "BEGIN");

	if (code == DB_OK)
		code = ask_sqlite(db, listener);
	for (size_t i = 0; code == DB_OK && i < sizeof(invariants) / sizeof(invariants[0]); i++) {
		if (!listener->goes_on(listener->context))
			break;
		code = ask(db, i, listener);
	}
	/* Too much so to be asked further: that is an answer, too. */
	if (code == DB_CORRUPT)
		listener->problem(listener->context, db_message(db));
	if (!sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	return code == DB_CORRUPT ? DB_OK : code;
}

/* --- as an answer --- */
struct check {
	struct reader *reader;
	struct reply *reply;
	unsigned problems;
};

static void say_problem(void *context, const char *text)
{
	struct check *check = context;

	sqlite3_str_appendall(check->reply->said, check->problems++ ? "," : "");
	reply_string(check->reply, text);
}

static bool goes_on(void *context)
{
	const struct check *check = context;

	return !reader_leaves(check->reader);
}

bool check_reply(struct reader *reader, struct reply *reply)
{
	struct check check = { .reader = reader, .reply = reply };
	struct check_listener listener = { &check, say_problem, goes_on };
	int64_t began_ns = clock_mono_ns();

	sqlite3_str_appendall(reply->said, "{\"problems\":[");
	if (check_all(&reader->db, &listener) != DB_OK)
		return reply_error(reply, &reader->db, "check the store");
	if (reader_leaves(reader))
		return reply_sorry(reply, "the store is being stopped");
	sqlite3_str_appendf(reply->said, "],\"ok\":%s,\"seconds\":%.3f}", check.problems ? "false" : "true",
		(double)(clock_mono_ns() - began_ns) / (double)NS_PER_S);
	return true;
}
