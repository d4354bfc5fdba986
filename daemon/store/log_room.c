/* The write-ahead log is written over and over from its beginning; but a new one gets longer with each commit, and then a
 * file system has more to sync than what was written. So it is made long at once. What is empty in it is no part of
 * it: SQLite knows its own by what each page begins with. */
#include <stdlib.h>

#include "store/writer.h"

#define ROOM_BYTES (4 << 20)

/* Without an error, where there is no room for so much. */
static int extend(sqlite3_file *log, sqlite3_int64 length, void *nothing)
{
	int rc = log->pMethods->xWrite(log, nothing, (int)(ROOM_BYTES - length), length);

	if (rc == SQLITE_OK)
		return log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
	return rc == SQLITE_FULL ? log->pMethods->xTruncate(log, length) : rc;
}

enum db_code log_make_room(const struct db *db)
{
	sqlite3_file *log = NULL;
	sqlite3_int64 length = 0;
	int rc = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&log);

	if (rc != SQLITE_OK || !log || !log->pMethods)
		return DB_OK;
	rc = log->pMethods->xFileSize(log, &length);
	void *nothing = rc == SQLITE_OK && length < ROOM_BYTES ? calloc(1, (size_t)(ROOM_BYTES - length)) : NULL;
	if (nothing)
		rc = extend(log, length, nothing);
	free(nothing);
	return db_error(db, rc);
}
