/* Which function applies which operation, the statements that they all run, and how a statement is run. */
#include "store/apply.h"

/* What ends with a task: its arguments, unless it may be retried. An outcome is only put where there is none. */
#define TASK_END(flags, args)                                                                                          \
	"UPDATE tasks SET state = ?2, attempt = ?3, crashes = ?4, flags = " flags " | ?5, ended_ns = ?6,"              \
	" started_ns = ?7, result = ?8, error_code = ?9, error_kind = ?10, error_message = ?11, error_data = ?12,"      \
	" dropped = ?13, because_of = ?14" args " WHERE id = ?1 AND ended_ns IS NULL"

static const char *const sql[APPLY_N_SQL] = {
	[APPLY_TASK_ADD] =
		"INSERT INTO tasks (id, state, attempt, crashes, flags, place, started_ns, due_ns, submitted_ns,"
		" priority, owner, type, queue, tag, key, schedule, items, expires_ns, timeout_ns, retry_of,"
		" retried_as, args) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
		" ?17, ?18, ?19, ?20, ?21, ?22)",
	[APPLY_TASK_LOOK] = "SELECT flags, ended_ns IS NOT NULL FROM tasks WHERE id = ?1",
	[APPLY_TASK_START] = "UPDATE tasks SET state = 'running', attempt = ?2, started_ns = ?3, flags = flags | 8"
			     " WHERE id = ?1 AND ended_ns IS NULL",
	[APPLY_TASK_STATE] =
		"UPDATE tasks SET state = ?2, attempt = ?3, crashes = ?4, flags = flags & ~12 | ?5, place = ?6,"
		" due_ns = ?7, started_ns = NULL WHERE id = ?1 AND ended_ns IS NULL",
	[APPLY_TASK_END] = TASK_END("flags", ""),
	[APPLY_TASK_END_BARE] = TASK_END("flags & ~8192", ", args = NULL"),
	[APPLY_TASK_RETRIED] = "UPDATE tasks SET retried_as = ?2 WHERE id = ?1",
	[APPLY_TASK_REPLACED] = "UPDATE tasks SET flags = flags | 64 WHERE id = ?1 AND ended_ns IS NULL",
	[APPLY_TASK_DROP] = "DELETE FROM tasks WHERE id = ?1",
	[APPLY_ATTEMPT_ADD] = "INSERT OR IGNORE INTO attempts (task, attempt, state, started_ns, ended_ns, error_code,"
			      " error_kind, error_message, pid) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[APPLY_ATTEMPTS_DROP] = "DELETE FROM attempts WHERE task = ?1",
	[APPLY_CLAIM_ADD] = "INSERT INTO claims (task, position, kind, name, shared, count, slots)"
			    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[APPLY_CLAIMS_DROP] = "DELETE FROM claims WHERE task = ?1",
	[APPLY_DEPENDENCY_ADD] = "INSERT INTO dependencies (task, position, needs, any, done, result)"
				 " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[APPLY_DEPENDENCY_MET] =
		"UPDATE dependencies SET done = 1, result = ?3 WHERE task = ?1 AND position = ?2"
		" AND EXISTS (SELECT 1 FROM tasks WHERE id = ?1 AND ended_ns IS NULL)",
	/* What ?1 was to those who wait for it, or may be tried again. A result beyond SQLite's limit is lost to them. */
	[APPLY_DEPENDENCIES_LEFT] =
		"UPDATE dependencies SET done = 1, result = CASE WHEN any OR NOT (SELECT flags & 32 FROM tasks WHERE id = task)"
		" THEN NULL ELSE (SELECT CASE WHEN flags & 16384 THEN (SELECT group_concat(text, '') FROM (SELECT text FROM parts"
		" WHERE parts.task = ?1 AND what = 1 ORDER BY part)) ELSE result END FROM tasks WHERE id = ?1) END"
		" WHERE needs = ?1 AND done = 0 AND (any OR (SELECT state = 'succeeded' FROM tasks WHERE id = ?1))"
		" AND EXISTS (SELECT 1 FROM tasks AS waits WHERE waits.id = dependencies.task AND waits.state != 'succeeded'"
		" AND (any OR NOT waits.flags & 32 OR (SELECT dropped IS NULL FROM tasks WHERE id = ?1)"
		" AND ifnull((SELECT max(part) FROM parts WHERE parts.task = ?1 AND what = 1), 0) < 28))",
	[APPLY_DEPENDENCIES_DROP] = "DELETE FROM dependencies WHERE task = ?1",
	[APPLY_DEPENDENCIES_EMPTY] = "UPDATE dependencies SET result = NULL WHERE task = ?1 AND result IS NOT NULL",
	[APPLY_RETRIES_ADD] =
		"INSERT INTO retries (task, retries, retry_on, backoff_ns, backoff_max_ns, factor, jitter)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[APPLY_RETRIES_DROP] = "DELETE FROM retries WHERE task = ?1",
	[APPLY_OBITUARY_ADD] =
		"INSERT OR REPLACE INTO obituaries (task, pid, wait_status, user_ns, system_ns, maxrss_kib,"
		" reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[APPLY_OBITUARY_DROP] = "DELETE FROM obituaries WHERE task = ?1",
	[APPLY_PART_ADD] = "INSERT INTO parts (task, what, part, text) VALUES (?1, ?2, ?3, ?4)",
	[APPLY_PARTS_DROP] = "DELETE FROM parts WHERE task = ?1",
	[APPLY_PARTS_DROP_ARGS] = "DELETE FROM parts WHERE task = ?1 AND what = 0",
	[APPLY_QUEUE_PUT] =
		"INSERT OR REPLACE INTO queues (name, paused, draining, is_made, is_set, pool, limit_queued,"
		" limit_bytes, limit_running, queue_order, rate, burst, weight, ageing_ns, durable)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
	[APPLY_QUEUE_DROP] = "DELETE FROM queues WHERE name = ?1",
	[APPLY_SCHEDULE_PUT] =
		"INSERT OR REPLACE INTO schedules (name, text, is_cron, every_ns, expires_ns, catch_up,"
		" overlap, next_ns, runs, skipped, last_id, owed, durable, flags, priority, owner, type, queue, tag,"
		" items, timeout_ns, args, retries, retry_on, backoff_ns, backoff_max_ns, factor, jitter, owner_groups)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
		" ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29)",
	[APPLY_SCHEDULE_RAN] =
		"UPDATE schedules SET next_ns = ?2, runs = ?3, skipped = ?4, last_id = ?5, owed = ?6 WHERE name = ?1",
	[APPLY_SCHEDULE_DROP] = "DELETE FROM schedules WHERE name = ?1",
	[APPLY_SCHEDULE_CLAIM_ADD] =
		"INSERT INTO schedule_claims (schedule, position, kind, name, shared, count, slots)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[APPLY_SCHEDULE_CLAIMS_DROP] = "DELETE FROM schedule_claims WHERE schedule = ?1",
	[APPLY_IDS] = "UPDATE meta SET next_id = ?1, next_place = ?2, next_fence = ?3",
};

/* --- statements --- */

struct binder bind_begin(struct apply *apply, enum apply_sql which)
{
	return (struct binder){ apply, apply->sql[which], 1, SQLITE_OK };
}

static inline void bound(struct binder *binder, int rc)
{
	if (rc != SQLITE_OK && binder->rc == SQLITE_OK)
		binder->rc = rc;
}

void bind_number(struct binder *binder, int64_t number)
{
	bound(binder, sqlite3_bind_int64(binder->statement, binder->next++, number));
}

void bind_id(struct binder *binder, uint64_t number)
{
	bind_number(binder, (int64_t)number);
}

void bind_null(struct binder *binder)
{
	bound(binder, sqlite3_bind_null(binder->statement, binder->next++));
}

void bind_some(struct binder *binder, int64_t number)
{
	if (number)
		bind_number(binder, number);
	else
		bind_null(binder);
}

void bind_real(struct binder *binder, double number)
{
	bound(binder, sqlite3_bind_double(binder->statement, binder->next++, number));
}

void bind_text(struct binder *binder, struct store_text text)
{
	bound(binder,
		sqlite3_bind_text64(
			binder->statement, binder->next++, text.data, text.length, SQLITE_STATIC, SQLITE_UTF8));
}

void bind_word(struct binder *binder, struct store_text text)
{
	bind_text(binder, text.data ? text : store_text_of("", 0));
}

int bind_step(struct binder *binder)
{
	int rc = binder->rc == SQLITE_OK ? sqlite3_step(binder->statement) : binder->rc;

	/* What this returns is what step has returned. */
	sqlite3_reset(binder->statement);
	return rc;
}

enum db_code bind_run(struct binder *binder)
{
	return db_error(&binder->apply->db, bind_step(binder));
}

bool apply_changed(const struct apply *apply)
{
	return sqlite3_changes(apply->db.handle) > 0;
}

/* --- operations --- */

static enum db_code any(const struct db *db, const char *question, bool *out)
{
	int64_t found;
	enum db_code code = db_number(db, question, &found);

	*out = found;
	return code;
}

static enum db_code count(const struct db *db, const char *question, uint64_t *out)
{
	int64_t found;
	enum db_code code = db_number(db, question, &found);

	*out = (uint64_t)found;
	return code;
}

enum db_code apply_init(struct apply *apply, const struct db *db)
{
	enum db_code code = DB_OK;

	*apply = (struct apply){ .db = *db, .oldest_ns = INT64_MAX };
	for (int i = 0; i < APPLY_N_SQL && code == DB_OK; i++)
		code = db_prepare(db, sql[i], &apply->sql[i]);
	/* These two read an index each, not the tasks. */
	if (code == DB_OK)
		code = count(db, "SELECT count(*) FROM tasks WHERE ended_ns IS NULL", &apply->live);
	if (code == DB_OK)
		code = count(db, "SELECT count(*) FROM tasks WHERE ended_ns IS NOT NULL", &apply->ended);
	if (code == DB_OK)
		code = any(db, "SELECT EXISTS (SELECT 1 FROM parts)", &apply->any_parts);
	return code != DB_OK ? code : any(db, "SELECT EXISTS (SELECT 1 FROM dependencies)", &apply->any_dependencies);
}

void apply_fini(struct apply *apply)
{
	for (int i = 0; i < APPLY_N_SQL; i++)
		sqlite3_finalize(apply->sql[i]);
	*apply = (struct apply){ 0 };
}

enum db_code apply_operation(struct apply *apply, const struct store_header *header, const void *body)
{
	switch ((enum store_message)header->message) {
	case STORE_TASK_PUT:
		return apply_task_put(apply, body);
	case STORE_TASK_START:
		return apply_task_start(apply, header->id, body);
	case STORE_TASK_STATE:
		return apply_task_state(apply, header->id, body);
	case STORE_TASK_MET:
		return apply_task_met(apply, header->id, body);
	case STORE_TASK_END:
		return apply_task_end(apply, header->id, body);
	case STORE_TASK_FORGET:
		return apply_task_forget(apply, header->id);
	case STORE_QUEUE_PUT:
		return apply_queue_put(apply, body);
	case STORE_QUEUE_DROP:
		return apply_queue_drop(apply, body);
	case STORE_SCHEDULE_PUT:
		return apply_schedule_put(apply, body);
	case STORE_SCHEDULE_RAN:
		return apply_schedule_ran(apply, body);
	case STORE_SCHEDULE_DROP:
		return apply_schedule_drop(apply, body);
	case STORE_IDS:
		return apply_ids(apply, body);
	case STORE_OPEN:
	case STORE_LOAD:
	case STORE_QUERY:
	case STORE_SET_LIMITS:
	case STORE_STOP:
	case STORE_AGAIN:
	case STORE_OPENED:
	case STORE_COMMITTED:
	case STORE_REFUSED:
	case STORE_FAILED:
	case STORE_ROW:
	case STORE_LOADED:
	case STORE_FOUND:
	case STORE_ANSWERED:
		break;
	}
	return DB_OTHER;
}
