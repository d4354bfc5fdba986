/* Transactions. What has been committed is on disk; what has failed has not been done; where neither is certain, nothing
 * is written any more. */
#include "store/writer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* Of old tasks there leave with each transaction up to twice as many as there can be new ones in it, so that their number
 * comes down to what it should be under any load. */
#define PRUNE_LEAST 16u
#define PRUNE_MOST 2000u
#define LOG_MOST 12288 /* pages: three times what the keeper begins at */
#define LOG_TRIES 100

union body {
	struct store_task task;
	struct store_task_start start;
	struct store_task_state state;
	struct store_task_met met;
	struct store_task_end end;
	struct store_queue queue;
	struct store_schedule schedule;
	struct store_schedule_ran ran;
	struct store_ids ids;
	struct store_name name;
};

/* --- opening --- */

static enum db_code read_meta(struct writer *writer, uint64_t *first_id, struct store_opened *opened)
{
	const struct db *db = &writer->apply.db;
	sqlite3_stmt *statement;
	enum db_code code = db_prepare(
		db, "SELECT session, applied, first_id, next_id, next_place, next_fence FROM meta", &statement);

	if (code != DB_OK)
		return code;
	int rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW) {
		writer->session = (uint64_t)sqlite3_column_int64(statement, 0);
		writer->applied = (uint64_t)sqlite3_column_int64(statement, 1);
		*first_id = (uint64_t)sqlite3_column_int64(statement, 2);
		opened->next_id = (uint64_t)sqlite3_column_int64(statement, 3);
		opened->next_place = (uint64_t)sqlite3_column_int64(statement, 4);
		opened->next_fence = (uint64_t)sqlite3_column_int64(statement, 5);
	}
	code = rc == SQLITE_DONE ? DB_CORRUPT : db_error(db, rc);
	sqlite3_finalize(statement);
	return code;
}

/* Whatever was written down, what is there was given out. */
static enum db_code look_at_ids(const struct db *db, struct store_opened *opened)
{
	int64_t id, place;
	enum db_code code = db_number(db, "SELECT max(id) FROM tasks", &id);

	if (code == DB_OK)
		code = db_number(db, "SELECT max(place) FROM tasks WHERE ended_ns IS NULL", &place);
	if (code != DB_OK)
		return code;
	if ((uint64_t)id >= opened->next_id && id > 0)
		opened->next_id = (uint64_t)id + 1;
	if ((uint64_t)place >= opened->next_place && place > 0)
		opened->next_place = (uint64_t)place + 1;
	return DB_OK;
}

/* A session that is new: tasks of this number and above are its own. Also shows whether anything can be written. */
static enum db_code begin_session(struct writer *writer, uint64_t session, uint64_t first_id)
{
	const struct db *db = &writer->apply.db;
	sqlite3_stmt *statement;
	enum db_code code = db_prepare(db, "UPDATE meta SET session = ?1, applied = 0, first_id = ?2", &statement);

	if (code != DB_OK)
		return code;
	sqlite3_bind_int64(statement, 1, (sqlite3_int64)session);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)first_id);
	code = db_error(db, sqlite3_step(statement));
	sqlite3_finalize(statement);
	writer->session = session;
	writer->applied = 0;
	return code;
}

static enum db_code prepare(struct writer *writer)
{
	const struct db *db = &writer->apply.db;
	enum db_code code = db_prepare(db, "BEGIN IMMEDIATE", &writer->begin);

	if (code == DB_OK)
		code = db_prepare(db, "COMMIT", &writer->commit);
	if (code == DB_OK)
		code = db_prepare(db, "ROLLBACK", &writer->rollback);
	if (code == DB_OK)
		code = db_prepare(db, "UPDATE meta SET applied = ?1", &writer->mark);
	return code != DB_OK
		? code
		: db_prepare(db,
			  "SELECT id, flags, ended_ns FROM tasks INDEXED BY tasks_ended WHERE ended_ns IS NOT NULL AND ended_ns <= ?1"
			  " ORDER BY ended_ns LIMIT ?2",
			  &writer->old);
}

static int count_pages(void *user, sqlite3 *handle, const char *name, int pages)
{
	struct writer *writer = user;

	(void)handle;
	(void)name;
	writer->log_pages = pages;
	return SQLITE_OK;
}

enum db_code writer_open(
	struct writer *writer, const struct db *db, const struct store_open *open, struct store_opened *opened)
{
	uint64_t first_id = 0;

	*writer = (struct writer){ .limits = open->limits };
	pthread_mutex_init(&writer->lock, NULL);
	enum db_code code = apply_init(&writer->apply, db);
	if (code == DB_OK)
		code = prepare(writer);
	if (code == DB_OK)
		code = read_meta(writer, &first_id, opened);
	if (code == DB_OK)
		code = look_at_ids(db, opened);
	if (code == DB_OK && writer->session != open->session)
		code = begin_session(writer, open->session, opened->next_id);
	if (code == DB_OK)
		code = log_make_room(db);
	if (code == DB_OK)
		code = prune_look(writer);
	if (code != DB_OK)
		return code;
	sqlite3_wal_hook(db->handle, count_pages, writer);
	opened->live = writer->apply.live;
	opened->ended = writer->apply.ended;
	return DB_OK;
}

void writer_close(struct writer *writer)
{
	struct db db = writer->apply.db;

	sqlite3_finalize(writer->begin);
	sqlite3_finalize(writer->commit);
	sqlite3_finalize(writer->rollback);
	sqlite3_finalize(writer->mark);
	sqlite3_finalize(writer->old);
	apply_fini(&writer->apply);
	db_close(&db);
	pthread_mutex_destroy(&writer->lock);
}

void writer_set_limits(struct writer *writer, const struct store_limits *limits)
{
	pthread_mutex_lock(&writer->lock);
	writer->limits = *limits;
	pthread_mutex_unlock(&writer->lock);
}

/* --- a transaction --- */

static enum db_code run(struct writer *writer, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);

	sqlite3_reset(statement);
	return db_error(&writer->apply.db, rc);
}

/* What has failed leaves nothing behind but what went wrong. */
static enum writer_result give_up(struct writer *writer, enum db_code code, uint64_t live, uint64_t ended)
{
	sqlite3 *handle = writer->apply.db.handle;
	int error = code == DB_FULL || code == DB_IO ? sqlite3_system_errno(handle) : 0;

	snprintf(writer->trouble, sizeof(writer->trouble), "%s%s%s", db_message(&writer->apply.db), error ? ": " : "",
		error ? strerror(error) : "");
	if (!sqlite3_get_autocommit(handle) && run(writer, writer->rollback) != DB_OK)
		code = DB_IO;
	writer->apply.live = live;
	writer->apply.ended = ended;
	switch (code) {
	case DB_FULL:
		return WRITER_FULL;
	case DB_BUSY:
		return WRITER_LOCKED;
	case DB_IO:
	case DB_CORRUPT:
		return WRITER_DISK;
	case DB_OK:
	case DB_OTHER:
		break;
	}
	return WRITER_ERROR;
}

static enum db_code apply_entry(
	struct writer *writer, const struct batch_entry *entry, const char *data, bool *nonsense)
{
	union body body;

	if (!store_read_body(&entry->header, data + entry->body, &body)) {
		*nonsense = true;
		return DB_OTHER;
	}
	enum db_code code = apply_operation(&writer->apply, &entry->header, &body);
	store_body_free(entry->header.message, &body);
	return code;
}

static enum db_code apply_all(struct writer *writer, const struct batch *batch, const char *data, bool *nonsense)
{
	enum db_code code = DB_OK;

	for (size_t i = 0; i < batch->n && code == DB_OK; i++) {
		const struct batch_entry *entry = &batch->entries[i];
		if (entry->header.number > writer->applied && !batch_is_idle(batch, entry))
			code = apply_entry(writer, entry, data, nonsense);
	}
	return code;
}

static enum db_code mark(struct writer *writer, uint64_t number)
{
	sqlite3_bind_int64(writer->mark, 1, (sqlite3_int64)number);
	return run(writer, writer->mark);
}

static unsigned prune_share(const struct batch *batch)
{
	size_t most = batch->n * 2 + PRUNE_LEAST;

	return most < PRUNE_MOST ? (unsigned)most : PRUNE_MOST;
}

/* The log's room may be all that there is: what is in it is copied to where it belongs, as far as there is room, and the
 * log is cut. What goes wrong with the disk there is as bad as anywhere: the next try would be told that all is well. */
static enum writer_result make_room(struct writer *writer)
{
	sqlite3 *handle = writer->apply.db.handle;

	sqlite3_busy_timeout(handle, 0);
	int rc = sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	enum db_code code = db_error(&writer->apply.db, rc);
	bool believed = code != DB_IO && code != DB_CORRUPT;
	if (!believed)
		give_up(writer, code, writer->apply.live, writer->apply.ended);
	sqlite3_busy_timeout(handle, DB_BUSY_MS);
	return believed ? WRITER_FULL : WRITER_DISK;
}

/* The keeper copies the log back beside the commits. Where it does not keep up, for want of a processor, they wait for the
 * copying, so that the log is not as large as all that was ever written. Busy: the keeper is at it. */
static enum writer_result copy_log(struct writer *writer)
{
	const struct timespec pause = { .tv_nsec = 2 * NS_PER_MS };
	int rc = SQLITE_BUSY;

	for (int i = 0; i < LOG_TRIES && rc == SQLITE_BUSY; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		rc = sqlite3_wal_checkpoint_v2(writer->apply.db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	}
	enum db_code code = db_error(&writer->apply.db, rc);
	if (code != DB_IO && code != DB_CORRUPT)
		return WRITER_DONE;
	give_up(writer, code, writer->apply.live, writer->apply.ended);
	return WRITER_DISK;
}

static enum writer_result commit_locked(struct writer *writer, const struct batch *batch, const char *data)
{
	uint64_t live = writer->apply.live, ended = writer->apply.ended,
		 last = batch->entries[batch->n - 1].header.number;
	bool nonsense = false;
	unsigned dropped;
	enum db_code code = run(writer, writer->begin);

	if (code == DB_OK)
		code = apply_all(writer, batch, data, &nonsense);
	if (code == DB_OK)
		code = prune_some(writer, prune_share(batch), &dropped);
	if (code == DB_OK)
		code = mark(writer, last);
	if (code == DB_OK)
		code = run(writer, writer->commit);
	if (code != DB_OK) {
		enum writer_result result = give_up(writer, code, live, ended);
		return nonsense && result == WRITER_ERROR ? WRITER_NONSENSE : result;
	}
	writer->applied = last;
	return WRITER_DONE;
}

enum writer_result writer_commit(struct writer *writer, const struct batch *batch, const char *data)
{
	enum writer_result result = WRITER_DONE;

	pthread_mutex_lock(&writer->lock);
	/* What comes again after the store's own death may have been done by the last one. */
	if (batch->entries[batch->n - 1].header.number > writer->applied)
		result = commit_locked(writer, batch, data);
	if (result == WRITER_FULL)
		result = make_room(writer);
	if (result == WRITER_DONE && writer->log_pages >= LOG_MOST)
		result = copy_log(writer);
	pthread_mutex_unlock(&writer->lock);
	return result;
}

static enum writer_result prune_locked(struct writer *writer, unsigned most, bool *left)
{
	uint64_t live = writer->apply.live, ended = writer->apply.ended;
	unsigned dropped = 0;
	enum db_code code = run(writer, writer->begin);

	if (code == DB_OK)
		code = prune_some(writer, most, &dropped);
	if (code == DB_OK)
		code = run(writer, writer->commit);
	if (code != DB_OK)
		return give_up(writer, code, live, ended);
	*left = dropped == most;
	return WRITER_DONE;
}

enum writer_result writer_prune(struct writer *writer, unsigned most, bool *left)
{
	*left = false;
	pthread_mutex_lock(&writer->lock);
	enum writer_result result = prune_is_due(writer) ? prune_locked(writer, most, left) : WRITER_DONE;
	pthread_mutex_unlock(&writer->lock);
	return result;
}

int64_t writer_next_old_ns(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	int64_t next_ns = prune_next_ns(writer);
	pthread_mutex_unlock(&writer->lock);
	return next_ns;
}

int writer_log_pages(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	int pages = writer->log_pages;
	pthread_mutex_unlock(&writer->lock);
	return pages;
}
