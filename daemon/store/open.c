/* Opening the database, and refusing what cannot be believed: a file that is damaged, another program's, or of a later
 * taskd is left as it is, to the byte, and its name and what to do are said. */
#include "store/db.h"
#include "store/open_file.h"

#include "base/clock.h"
#include "base/xmalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Up to here the whole file is looked through at every start, which takes as long as reading it; what is wrong in a
 * larger one is met where it is read, or by a check. */
#define CHECK_BYTES (INT64_C(16) << 20)

struct attempt {
	struct open_file *file;
	struct db *db;
	char *text;
};

/* What DB's last error means here. */
static enum store_opening refused(struct attempt *attempt, enum db_code code, const char *what)
{
	const struct db *db = attempt->db;
	const char *path = attempt->file->path;
	int reason = db->handle ? sqlite3_system_errno(db->handle) : 0;

	free(attempt->text);
	attempt->text = NULL;
	if (code == DB_IO && (reason == ENOSPC || reason == EDQUOT))
		code = DB_FULL;
	switch (code) {
	case DB_OK:
		return STORE_OPEN_FINE;
	case DB_CORRUPT:
		attempt->text = xasprintf("%s is damaged (%s)", path, db_message(db));
		return STORE_OPEN_DAMAGED;
	case DB_BUSY:
		attempt->text = xasprintf("cannot %s %s: another program has it locked", what, path);
		return STORE_OPEN_LOCKED;
	case DB_FULL:
		attempt->text = xasprintf("cannot %s %s: the disk is full", what, path);
		return STORE_OPEN_FULL;
	case DB_IO:
	case DB_OTHER:
		break;
	}
	attempt->text = reason ? xasprintf("cannot %s %s: %s (%s)", what, path, db_message(db), strerror(reason))
			       : xasprintf("cannot %s %s: %s", what, path, db_message(db));
	return STORE_OPEN_ERROR;
}

static enum store_opening damaged(struct attempt *attempt, const char *why)
{
	free(attempt->text);
	attempt->text = xasprintf("%s is damaged (%s)", attempt->file->path, why);
	return STORE_OPEN_DAMAGED;
}

static enum store_opening unreadable(struct attempt *attempt, const char *why)
{
	free(attempt->text);
	attempt->text = xasprintf("cannot read %s: %s", attempt->file->path, why);
	return STORE_OPEN_ERROR;
}

/* --- what is looked at before anything is written --- */
static enum store_opening look_at_version(struct attempt *attempt)
{
	int64_t version, objects;
	enum db_code code = db_number(attempt->db, "PRAGMA user_version", &version);

	if (code == DB_OK)
		code = db_number(attempt->db, "SELECT count(*) FROM sqlite_schema", &objects);
	if (code != DB_OK)
		return refused(attempt, code, "read");
	if (version > SCHEMA_VERSION) {
		attempt->text = xasprintf("%s is of version %" PRId64
					  ", and this taskd knows those up to %d: it was written by a "
					  "later taskd, which can go on with it",
			attempt->file->path, version, SCHEMA_VERSION);
		return STORE_OPEN_NEWER;
	}
	if (version < 0 || (version == 0 && objects > 0))
		return damaged(attempt, "it is a database, but not taskd's");
	return STORE_OPEN_FINE;
}

/* Whether what quick_check says is of the file, and not that a page of it could not be read, or that memory was short. */
static bool is_damage(const char *said)
{
	static const char mark[] = "error code=";
	const char *code = strstr(said, mark);
	int rc = code ? atoi(code + strlen(mark)) & 0xff : SQLITE_CORRUPT;

	return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
}

static enum store_opening look_through(struct attempt *attempt)
{
	sqlite3_stmt *statement;
	enum store_opening status = STORE_OPEN_FINE;
	int64_t pages, page_size;
	enum db_code code = db_number(attempt->db, "PRAGMA page_count", &pages);
	const char *said;
	int rc;

	if (code == DB_OK)
		code = db_number(attempt->db, "PRAGMA page_size", &page_size);
	if (code != DB_OK)
		return refused(attempt, code, "read");
	if (pages * page_size > CHECK_BYTES)
		return STORE_OPEN_FINE;
	code = db_prepare(attempt->db, "PRAGMA quick_check(1)", &statement);
	if (code != DB_OK)
		return refused(attempt, code, "read");
	rc = sqlite3_step(statement);
	said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	if (!said)
		status = refused(attempt, rc == SQLITE_ROW ? DB_OTHER : db_error(attempt->db, rc), "read");
	else if (strcmp(said, "ok") != 0 && is_damage(said))
		status = damaged(attempt, said);
	else if (strcmp(said, "ok") != 0)
		status = unreadable(attempt, said);
	sqlite3_finalize(statement);
	return status;
}

/* --- what a file must have, whichever version it once was --- */
/* What others have added does no harm. */
static enum store_opening look_for_tables(struct attempt *attempt)
{
	static const char question[] =
		"SELECT value FROM json_each('[\"meta\", \"tasks\", \"attempts\", \"claims\", \"dependencies\", \"retries\","
		" \"obituaries\", \"parts\", \"queues\", \"schedules\", \"schedule_claims\"]')"
		" WHERE value NOT IN (SELECT name FROM sqlite_schema WHERE type = 'table')";
	sqlite3_stmt *statement;
	enum db_code code = db_prepare(attempt->db, question, &statement);
	enum store_opening status;
	int rc;

	if (code != DB_OK)
		return refused(attempt, code, "read");
	rc = sqlite3_step(statement);
	status = refused(attempt, db_error(attempt->db, rc), "read");
	if (rc == SQLITE_ROW) {
		char *why = xasprintf("its table %s is missing", sqlite3_column_text(statement, 0));

		status = damaged(attempt, why);
		free(why);
	}
	sqlite3_finalize(statement);
	return status;
}

/* What is read at every start, whatever the file's size; where it is damaged there, that is better met now. */
static enum store_opening look_at_rows(struct attempt *attempt)
{
	static const char *const questions[] = {
		"SELECT count(*) FROM tasks WHERE ended_ns IS NULL",
		"SELECT count(*) FROM tasks WHERE ended_ns IS NOT NULL",
		"SELECT max(id) FROM tasks",
		"SELECT count(*) FROM meta",
	};
	int64_t found = 0;

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		enum db_code code = db_number(attempt->db, questions[i], &found);

		if (code != DB_OK)
			return refused(attempt, code, "read");
	}
	return found == 1 ? STORE_OPEN_FINE : damaged(attempt, "its table meta is empty");
}

/* --- opening --- */
static enum store_opening bring_up(struct attempt *attempt)
{
	enum store_opening status;
	enum db_code code;
	bool newer = false;

	status = look_at_version(attempt);
	if (status == STORE_OPEN_FINE)
		status = look_through(attempt);
	if (status != STORE_OPEN_FINE)
		return status;
	code = db_configure(attempt->db, true);
	if (code == DB_OK)
		code = schema_prepare(attempt->db, &newer);
	if (code != DB_OK)
		return refused(attempt, code, "write");
	status = look_for_tables(attempt);
	return status == STORE_OPEN_FINE ? look_at_rows(attempt) : status;
}

static enum store_opening open_existing(struct attempt *attempt)
{
	struct db *db = attempt->db;
	enum store_opening status = file_look(attempt->file, &attempt->text);
	int rc;

	if (status != STORE_OPEN_FINE)
		return status;
	rc = sqlite3_open_v2(attempt->file->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(db->handle, 1);
		sqlite3_busy_timeout(db->handle, (int)(file_lock_wait_ns / NS_PER_MS));
		/* A file that is refused stays as it is, and its log too. */
		sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		status = bring_up(attempt);
	} else {
		status = refused(attempt, db_error(db, rc), "open");
	}
	if (status == STORE_OPEN_FINE)
		status = file_mark(attempt->file, &attempt->text);
	if (status == STORE_OPEN_FINE)
		sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	else
		db_close(db);
	return status;
}

static enum store_opening open_aside(struct attempt *attempt)
{
	char *why = attempt->text;
	char *as_what = NULL;
	enum store_opening status;

	attempt->text = NULL;
	status = file_put_aside(attempt->file, why, &as_what);
	free(why);
	if (status == STORE_OPEN_ASIDE)
		status = open_existing(attempt);
	if (status != STORE_OPEN_FINE && attempt->text) {
		free(as_what);
		return status;
	}
	attempt->text = as_what;
	return status == STORE_OPEN_FINE ? STORE_OPEN_ASIDE : status;
}

enum store_opening open_writer(struct db *db, const struct store_open *open, char **text)
{
	struct open_file file;
	struct attempt attempt = { .file = &file, .db = db };
	enum store_opening status;

	*db = (struct db){ 0 };
	file_name(&file, &open->directory);
	status = file_lock(&file, &attempt.text);
	if (status == STORE_OPEN_FINE)
		status = open_existing(&attempt);
	if (status == STORE_OPEN_DAMAGED && open->put_aside) {
		status = open_aside(&attempt);
	} else if (status == STORE_OPEN_DAMAGED) {
		char *why = attempt.text;

		attempt.text =
			xasprintf("%s: put a backup in its place, or rename it and what is beside it, or let taskd do "
				  "that (store_damaged = aside)",
				why);
		free(why);
	}
	file_free(&file);
	*text = attempt.text;
	return status;
}

enum db_code open_another(struct db *db, const struct store_text *directory, bool writes)
{
	int flags = (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
	struct open_file file;
	enum db_code code;

	*db = (struct db){ 0 };
	file_name(&file, directory);
	code = db_error(db, sqlite3_open_v2(file.path, &db->handle, flags, NULL));
	file_free(&file);
	if (code == DB_OK)
		code = db_configure(db, writes);
	if (code != DB_OK)
		db_close(db);
	return code;
}
