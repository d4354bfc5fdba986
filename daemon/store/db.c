/* What every connection to the database needs: its settings, its statements, and what its errors mean. */
#include "store/db.h"

#include <errno.h>
#include <stdlib.h>

/* The writer finds in its cache what it has written a moment ago: the rows of tasks that end. */
#define WRITER_CACHE_KIB "32768"
#define READER_CACHE_KIB "4096"
/* What the log is cut to when it begins anew. What it has is written over and not freed, so that most commits need not
 * make it longer, which costs the file system a second write. */
#define LOG_KEPT_BYTES "67108864"

enum db_code db_error(const struct db *db, int rc)
{
	int primary = rc & 0xff;

	if (primary == SQLITE_OK || primary == SQLITE_ROW || primary == SQLITE_DONE)
		return DB_OK;
	if (primary == SQLITE_FULL)
		return DB_FULL;
	if (primary == SQLITE_IOERR) {
		int error = db->handle ? sqlite3_system_errno(db->handle) : 0;
		/* After a sync that failed nobody knows what is on disk, whatever the reason. */
		bool sync = rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC;
		if ((error == ENOSPC || error == EDQUOT) && !sync)
			return DB_FULL;
		return rc == SQLITE_IOERR_NOMEM ? DB_OTHER : DB_IO;
	}
	if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
		return DB_CORRUPT;
	if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
		return DB_BUSY;
	return primary == SQLITE_READONLY || primary == SQLITE_CANTOPEN ? DB_IO : DB_OTHER;
}

const char *db_message(const struct db *db)
{
	return db->handle ? sqlite3_errmsg(db->handle) : "out of memory";
}

enum db_code db_exec(const struct db *db, const char *sql)
{
	return db_error(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

enum db_code db_prepare(const struct db *db, const char *sql, sqlite3_stmt **statement)
{
	return db_error(db, sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL));
}

enum db_code db_number(const struct db *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *statement;
	enum db_code code = db_prepare(db, sql, &statement);

	*out = 0;
	if (code != DB_OK)
		return code;
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(statement, 0);
	code = db_error(db, rc);
	sqlite3_finalize(statement);
	return code;
}

enum db_code db_configure(const struct db *db, bool writes)
{
	/* Deleted rows need not be overwritten, which Debian's SQLite does unless told otherwise. The log is copied back by
	 * the keeper, at its own time. */
	static const char all[] = "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;"
				  "PRAGMA cache_size = -" READER_CACHE_KIB ";";
	static const char writer[] = "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				     "PRAGMA locking_mode = NORMAL; PRAGMA secure_delete = OFF;"
				     "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = " LOG_KEPT_BYTES ";"
				     "PRAGMA cache_size = -" WRITER_CACHE_KIB ";";

	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
	enum db_code code = db_exec(db, all);
	return code == DB_OK && writes ? db_exec(db, writer) : code;
}

void db_close(struct db *db)
{
	sqlite3_close_v2(db->handle);
	db->handle = NULL;
}
