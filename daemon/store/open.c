/* Opening the database, and refusing what cannot be believed: a file that is damaged, another program's, or of a later
 * taskd is left as it is, to the byte, and its name and what to do are said. */
#include "store/db.h"
#include "store/open_file.h"

#include "base/clock.h"
#include "base/xmalloc.h"

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
		attempt->text = xasprintf("%s is of version %" PRId64 ", and this taskd knows those up to %d: it was written by a "
					  "later taskd, which can go on with it",
			attempt->file->path, version, SCHEMA_VERSION);
		return STORE_OPEN_NEWER;
	}
	if (version < 0 || (version == 0 && objects > 0))
		return damaged(attempt, "it is a database, but not taskd's");
	return STORE_OPEN_FINE;
}

static enum store_opening look_through(struct attempt *attempt)
{
	sqlite3_stmt *statement;
	enum store_opening status = STORE_OPEN_FINE;
	int64_t pages, page_size;
	enum db_code code = db_number(attempt->db, "PRAGMA page_count", &pages);
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
	if (rc != SQLITE_ROW)
		status = refused(attempt, db_error(attempt->db, rc), "read");
	else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
		status = damaged(attempt, (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return status;
}

/* --- what a file must have, whichever version it once was --- */
/* Whether FILE has the object at which WANTED, a row of (type, name, sql), stands. */
static int has_object(sqlite3_stmt *file, sqlite3_stmt *wanted)
{
	int rc;

	for (int i = 0; i < 3; i++)
		sqlite3_bind_value(file, i + 1, sqlite3_column_value(wanted, i));
	rc = sqlite3_step(file);
	sqlite3_reset(file);
	return rc;
}

static enum store_opening look_for_objects(struct attempt *attempt, const struct db *fresh)
{
	sqlite3_stmt *wanted = NULL, *file = NULL;
	enum store_opening status = STORE_OPEN_FINE;
	enum db_code code = db_prepare(fresh, "SELECT type, name, sql FROM sqlite_schema", &wanted);
	int rc;

	if (code == DB_OK)
		code = db_prepare(attempt->db, "SELECT 1 FROM sqlite_schema WHERE type = ? AND name = ? AND sql IS ?", &file);
	if (code != DB_OK) {
		status = refused(attempt, code, "read");
		goto out;
	}
	while (status == STORE_OPEN_FINE && sqlite3_step(wanted) == SQLITE_ROW) {
		rc = has_object(file, wanted);
		if (rc == SQLITE_DONE) {
			char *why = xasprintf("its %s %s is missing, or not as taskd made it", sqlite3_column_text(wanted, 0),
				sqlite3_column_text(wanted, 1));

			status = damaged(attempt, why);
			free(why);
		} else if (rc != SQLITE_ROW) {
			status = refused(attempt, db_error(attempt->db, rc), "read");
		}
	}
out:
	sqlite3_finalize(wanted);
	sqlite3_finalize(file);
	return status;
}

/* A new one is made in memory to compare with; others' indices and views beside it do no harm. */
static enum store_opening look_at_schema(struct attempt *attempt)
{
	struct db fresh = { 0 };
	enum store_opening status;
	int64_t metas;
	bool newer;
	enum db_code code = db_number(attempt->db, "SELECT count(*) FROM meta", &metas);

	if (code == DB_OTHER || (code == DB_OK && metas != 1))
		return damaged(attempt, "its table meta is missing, or empty");
	if (code != DB_OK)
		return refused(attempt, code, "read");
	if (sqlite3_open_v2(":memory:", &fresh.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
		schema_prepare(&fresh, &newer) == DB_OK) {
		status = look_for_objects(attempt, &fresh);
	} else {
		attempt->text = xasprintf("cannot open %s: out of memory", attempt->file->path);
		status = STORE_OPEN_ERROR;
	}
	db_close(&fresh);
	return status;
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
	return look_at_schema(attempt);
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
	if (status == STORE_OPEN_ASIDE) {
		attempt->file->was_made = false; /* what is empty now is new */
		status = open_existing(attempt);
	}
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

		attempt.text = xasprintf("%s: put a backup in its place, or rename it and what is beside it, or let taskd do "
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
