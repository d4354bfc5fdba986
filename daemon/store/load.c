/* All that outlives a daemon, told to the next one: in one piece, as it was before that one wrote anything of its own. */
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/reader.h"
#include "store/store.h"

/* What a record costs the master beside its texts, about. */
#define TASK_COST 500u

struct load {
	struct reader *reader;
	const struct store_keep *keep;
	uint64_t n_kept, kept_bytes;
	struct store_claim *claims; /* of one schedule */
	char *names;
	bool broken_off; /* there is nobody to be told any more */
};
/* Tells of the row that a statement stands at. False: no more of these, or *code says why not. */
typedef bool told(struct load *load, sqlite3_stmt *row, enum db_code *code);

static bool say(struct load *load, const struct store_row *row)
{
	load->broken_off = !reader_say(load->reader, STORE_ROW, 0, row);
	return !load->broken_off;
}

static int8_t column_said(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL ? -1 : (int8_t)sqlite3_column_int(row, column);
}

static uint64_t column_id(sqlite3_stmt *row, int column)
{
	return (uint64_t)sqlite3_column_int64(row, column);
}

static bool tell_queue(struct load *load, sqlite3_stmt *row, enum db_code *code)
{
	struct store_row said = { .kind = STORE_ROW_QUEUE };

	(void)code;
	said.queue = (struct store_queue){
		.name = db_column_text(row, 0),
		.paused = sqlite3_column_int(row, 1),
		.draining = sqlite3_column_int(row, 2),
		.is_made = sqlite3_column_int(row, 3),
		.is_set = sqlite3_column_int(row, 4),
		.pool = db_column_text(row, 5),
		.limit_queued = column_id(row, 6),
		.limit_bytes = column_id(row, 7),
		.limit_running = column_id(row, 8),
		.order = (uint8_t)sqlite3_column_int(row, 9),
		.rate = sqlite3_column_double(row, 10),
		.burst = (uint32_t)sqlite3_column_int64(row, 11),
		.weight = (uint32_t)sqlite3_column_int64(row, 12),
		.ageing_ns = sqlite3_column_int64(row, 13),
		.durable = column_said(row, 14),
	};
	return say(load, &said);
}

/* --- schedules --- */

/* The row's name is left when the next one is read: it is kept in load->names, whose room is that of all. */
static bool add_claim(struct load *load, sqlite3_stmt *row, struct store_task *task, size_t *used)
{
	struct store_text name = db_column_text(row, 1);
	struct store_claim *claims = reallocarray(load->claims, task->n_claims + 1, sizeof(*claims));

	if (!claims)
		return false;
	load->claims = claims;
	task->claims = claims;
	memcpy(load->names + *used, name.data, name.length);
	claims[task->n_claims++] = (struct store_claim){
		.kind = (uint8_t)sqlite3_column_int(row, 0),
		.name = store_text_of(load->names + *used, name.length),
		.shared = sqlite3_column_int(row, 2),
		.count = (uint32_t)sqlite3_column_int64(row, 3),
		.slots = (uint32_t)sqlite3_column_int64(row, 4),
	};
	*used += name.length;
	return true;
}

static enum db_code read_claims(struct load *load, struct store_text schedule, struct store_task *task)
{
	const struct db *db = &load->reader->db;
	sqlite3_stmt *statement;
	size_t used = 0;
	enum db_code code = db_prepare(db,
		"SELECT kind, name, shared, count, slots, sum(length(CAST(name AS BLOB))) OVER () FROM schedule_claims"
		" WHERE schedule = ? ORDER BY position",
		&statement);

	if (code != DB_OK)
		return code;
	int rc = sqlite3_bind_text64(statement, 1, schedule.data, schedule.length, SQLITE_STATIC, SQLITE_UTF8);
	while (code == DB_OK && rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
		if (task->n_claims == 0) {
			char *names = realloc(load->names, (size_t)sqlite3_column_int64(statement, 5) + 1);
			load->names = names ? names : load->names;
			code = names ? DB_OK : DB_OTHER;
		}
		if (code == DB_OK && !add_claim(load, statement, task, &used))
			code = DB_OTHER;
		rc = SQLITE_OK;
	}
	if (code == DB_OK)
		code = db_error(db, rc);
	sqlite3_finalize(statement);
	return code;
}

static struct store_schedule schedule_of(sqlite3_stmt *row)
{
	return (struct store_schedule){
		.name = db_column_text(row, 0),
		.text = db_column_text(row, 1),
		.is_cron = sqlite3_column_int(row, 2),
		.every_ns = sqlite3_column_int64(row, 3),
		.expires_ns = sqlite3_column_int64(row, 4),
		.catch_up = sqlite3_column_int(row, 5),
		.overlap = sqlite3_column_int(row, 6),
		.next_ns = sqlite3_column_int64(row, 7),
		.runs = column_id(row, 8),
		.skipped = column_id(row, 9),
		.last_id = column_id(row, 10),
		.owed = (uint32_t)sqlite3_column_int64(row, 27),
		.durable = column_said(row, 11),
		.groups = db_column_text(row, 28),
	};
}

static void take_task(sqlite3_stmt *row, struct store_task *task)
{
	task_row_flags(task, sqlite3_column_int64(row, 12));
	task->priority = sqlite3_column_int(row, 13);
	task->owner = (uint32_t)sqlite3_column_int64(row, 14);
	task->type = db_column_text(row, 15);
	task->queue = db_column_text(row, 16);
	task->tag = db_column_text(row, 17);
	task->items = (uint32_t)sqlite3_column_int64(row, 18);
	task->timeout_ns = sqlite3_column_int64(row, 19);
	task->args = db_column_text(row, 20);
	task->retry.retries = (uint32_t)sqlite3_column_int64(row, 21);
	task->retry.on = (uint32_t)sqlite3_column_int64(row, 22);
	task->retry.backoff_ns = sqlite3_column_int64(row, 23);
	task->retry.backoff_max_ns = sqlite3_column_int64(row, 24);
	task->retry.factor = sqlite3_column_double(row, 25);
	task->retry.jitter = sqlite3_column_double(row, 26);
}

static bool tell_schedule(struct load *load, sqlite3_stmt *row, enum db_code *code)
{
	struct store_row said = { .kind = STORE_ROW_SCHEDULE };

	said.schedule = schedule_of(row);
	take_task(row, &said.schedule.task);
	*code = read_claims(load, said.schedule.name, &said.schedule.task);
	return *code == DB_OK && say(load, &said);
}

/* --- tasks --- */

static bool tell_live(struct load *load, sqlite3_stmt *row, enum db_code *code)
{
	struct store_row said = { .kind = STORE_ROW_TASK };

	*code = task_rows_read(load->reader->rows, row, true, &said.task);
	return *code == DB_OK && say(load, &said);
}

static uint64_t cost_of(const struct store_task *task)
{
	return TASK_COST + task->args.length + task->outcome.result.length + task->outcome.data.length +
		task->outcome.message.length + task->tag.length + task->key.length;
}

/* The latest come first; where there is no room left, there is none for older ones. */
static bool tell_ended(struct load *load, sqlite3_stmt *row, enum db_code *code)
{
	const struct store_keep *keep = load->keep;
	struct store_row said = { .kind = STORE_ROW_TASK };

	*code = task_rows_read(load->reader->rows, row, true, &said.task);
	if (*code != DB_OK || load->n_kept >= keep->count)
		return false;
	bool succeeded = said.task.state.length == 9 && memcmp(said.task.state.data, "succeeded", 9) == 0;
	if (said.task.ended_ns <= (succeeded ? keep->success_after_ns : keep->failure_after_ns))
		return true;
	load->n_kept++;
	load->kept_bytes += cost_of(&said.task);
	return load->kept_bytes <= keep->bytes && say(load, &said);
}

/* --- all --- */

/* The parameters of SQL are numbers: FIRST, and SECOND. */
static enum db_code each(struct load *load, const char *sql, uint64_t first, int64_t second, told *tell)
{
	const struct db *db = &load->reader->db;
	sqlite3_stmt *statement;
	enum db_code code = db_prepare(db, sql, &statement);
	int rc;

	if (code != DB_OK)
		return code;
	if (sqlite3_bind_parameter_count(statement) > 0)
		sqlite3_bind_int64(statement, 1, (sqlite3_int64)first);
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite3_bind_int64(statement, 2, second);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
		if (!tell(load, statement, &code))
			break;
	if (code == DB_OK)
		code = db_error(db, rc);
	sqlite3_finalize(statement);
	return code;
}

static const char queues_sql[] =
	"SELECT name, paused, draining, is_made, is_set, pool, limit_queued, limit_bytes,"
	" limit_running, queue_order, rate, burst, weight, ageing_ns, durable FROM queues ORDER BY name";
static const char schedules_sql[] =
	"SELECT name, text, is_cron, every_ns, expires_ns, catch_up, overlap, next_ns, runs,"
	" skipped, last_id, durable, flags, priority, owner, type, queue, tag, items, timeout_ns,"
	" args, retries, retry_on, backoff_ns, backoff_max_ns, factor, jitter, owed, owner_groups FROM schedules"
	" ORDER BY rowid"; /* as they were made */

static enum db_code tell_tasks(struct load *load, const char *rest, uint64_t below, int64_t after_ns, told *tell)
{
	char *sql = sqlite3_mprintf("SELECT %s FROM tasks %s", task_columns, rest);
	enum db_code code = sql ? each(load, sql, below, after_ns, tell) : DB_OTHER;

	sqlite3_free(sql);
	return code;
}

static enum db_code tell_all(struct load *load)
{
	const struct store_keep *keep = load->keep;
	int64_t first_id,
		after_ns = keep->success_after_ns < keep->failure_after_ns ? keep->success_after_ns
									   : keep->failure_after_ns;
	enum db_code code = db_number(&load->reader->db, "SELECT first_id FROM meta", &first_id);

	if (code == DB_OK)
		code = each(load, queues_sql, 0, 0, tell_queue);
	if (code == DB_OK && !load->broken_off)
		code = each(load, schedules_sql, 0, 0, tell_schedule);
	/* Those that this daemon has put are its own already. */
	if (code == DB_OK && !load->broken_off)
		code = tell_tasks(load, "INDEXED BY tasks_live WHERE ended_ns IS NULL AND id < ?1 ORDER BY place",
			(uint64_t)first_id, 0, tell_live);
	if (code == DB_OK && !load->broken_off && keep->count)
		code = tell_tasks(load,
			"INDEXED BY tasks_ended WHERE ended_ns IS NOT NULL AND id < ?1 AND ended_ns > ?2 ORDER BY ended_ns DESC",
			(uint64_t)first_id, after_ns, tell_ended);
	return code;
}

void load_answer(struct reader *reader, const struct store_keep *keep)
{
	struct load load = { .reader = reader, .keep = keep };
	enum db_code code = db_exec(&reader->db, "BEGIN");

	if (code == DB_OK)
		code = tell_all(&load);
	if (code == DB_OK && !load.broken_off)
		load.broken_off = !reader_say(reader, STORE_LOADED, 0, NULL);
	free(load.claims);
	free(load.names);
	/* A load that stops in the middle would leave the master waiting for the rest. */
	if ((code != DB_OK || load.broken_off) && !reader_leaves(reader) && !store_is_orphan())
		reader_fail(reader, "loading what there is");
	sqlite3_exec(reader->db.handle, "ROLLBACK", NULL, NULL, NULL);
}
