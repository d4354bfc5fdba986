/* A task as the database has it becomes a task as the master is told of it: its row, and those of the other tables that
 * belong to it. Most tasks have none of those, and their flags say so. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "store/db.h"

/* As they are needed, so that a question about small tasks prepares nothing. */
enum side {
	SIDE_ATTEMPTS,
	SIDE_CLAIMS,
	SIDE_DEPENDENCIES,
	SIDE_NEEDED, /* by who waits for it */
	SIDE_RETRIES,
	SIDE_OBITUARY,
	SIDE_PARTS,
	N_SIDES
};

struct copy { /* of a text whose row has been left */
	struct copy *next;
	char data[];
};

struct task_rows {
	struct db db;
	sqlite3_stmt *sides[N_SIDES];
	struct copy *copies;
	struct store_attempt *attempts;
	struct store_claim *claims;
	struct store_dependency *dependencies;
};

static const char *const side_sql[N_SIDES] = {
	[SIDE_ATTEMPTS] = "SELECT state, started_ns, ended_ns, error_code, error_kind, error_message, pid FROM attempts"
			  " WHERE task = ? ORDER BY attempt",
	[SIDE_CLAIMS] = "SELECT kind, name, shared, count, slots FROM claims WHERE task = ? ORDER BY position",
	[SIDE_DEPENDENCIES] = "SELECT needs, any, done, result FROM dependencies WHERE task = ? ORDER BY position",
	[SIDE_NEEDED] =
		"SELECT state = 'succeeded', dropped, flags, result FROM tasks WHERE id = ? AND ended_ns IS NOT NULL",
	[SIDE_RETRIES] =
		"SELECT retries, retry_on, backoff_ns, backoff_max_ns, factor, jitter FROM retries WHERE task = ?",
	[SIDE_OBITUARY] =
		"SELECT pid, wait_status, user_ns, system_ns, maxrss_kib, reason FROM obituaries WHERE task = ?",
	[SIDE_PARTS] = "SELECT text FROM parts WHERE task = ? AND what = ? ORDER BY part",
};

/* The order is that of enum column. */
const char task_columns[] =
	"id, state, attempt, crashes, flags, place, ended_ns, started_ns, due_ns, submitted_ns, priority,"
	" owner, type, queue, tag, key, schedule, items, expires_ns, timeout_ns, retry_of, retried_as,"
	" args, result, error_code, error_kind, error_message, error_data, dropped, because_of";
enum column {
	COLUMN_ID,
	COLUMN_STATE,
	COLUMN_ATTEMPT,
	COLUMN_CRASHES,
	COLUMN_FLAGS,
	COLUMN_PLACE,
	COLUMN_ENDED,
	COLUMN_STARTED,
	COLUMN_DUE,
	COLUMN_SUBMITTED,
	COLUMN_PRIORITY,
	COLUMN_OWNER,
	COLUMN_TYPE,
	COLUMN_QUEUE,
	COLUMN_TAG,
	COLUMN_KEY,
	COLUMN_SCHEDULE,
	COLUMN_ITEMS,
	COLUMN_EXPIRES,
	COLUMN_TIMEOUT,
	COLUMN_RETRY_OF,
	COLUMN_RETRIED_AS,
	COLUMN_ARGS,
	COLUMN_RESULT,
	COLUMN_CODE,
	COLUMN_KIND,
	COLUMN_MESSAGE,
	COLUMN_DATA,
	COLUMN_DROPPED,
	COLUMN_BECAUSE_OF,
};

struct store_text db_column_text(sqlite3_stmt *statement, int column)
{
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return STORE_TEXT_NONE;
	/* As a blob: nobody needs it terminated, which might copy it. An empty one is NULL there. */
	const char *data = sqlite3_column_blob(statement, column);
	return store_text_of(data ? data : "", data ? (size_t)sqlite3_column_bytes(statement, column) : 0);
}

struct task_rows *task_rows_new(const struct db *db)
{
	struct task_rows *rows = xcalloc(1, sizeof(*rows));

	rows->db = *db;
	return rows;
}

static void clear(struct task_rows *rows)
{
	while (rows->copies) {
		struct copy *copy = rows->copies;
		rows->copies = copy->next;
		free(copy);
	}
	free(rows->attempts);
	free(rows->claims);
	free(rows->dependencies);
	rows->attempts = NULL;
	rows->claims = NULL;
	rows->dependencies = NULL;
}

void task_rows_free(struct task_rows *rows)
{
	if (!rows)
		return;
	clear(rows);
	for (int i = 0; i < N_SIDES; i++)
		sqlite3_finalize(rows->sides[i]);
	free(rows);
}

static char *copy_new(struct task_rows *rows, size_t length)
{
	struct copy *copy = malloc(sizeof(*copy) + length + 1);

	if (!copy)
		return NULL;
	copy->next = rows->copies;
	rows->copies = copy;
	return copy->data;
}

/* As db_column_text, until the next task. False: no memory. */
static bool keep_text(struct task_rows *rows, sqlite3_stmt *statement, int column, struct store_text *text)
{
	*text = db_column_text(statement, column);
	if (!text->data)
		return true;
	char *data = copy_new(rows, text->length);
	if (!data)
		return false;
	memcpy(data, text->data, text->length);
	text->data = data;
	return true;
}

/* --- rows of other tables. Each of these takes the one that its statement stands at, the N-th; false: no memory --- */

/* ARRAY with room for one more than N. */
static void *room_for(void *array, uint32_t n, size_t size)
{
	return n & (n - 1) ? array : reallocarray(array, n ? (size_t)n * 2 : 1, size);
}

static bool take_attempt(struct task_rows *rows, sqlite3_stmt *row, struct store_task *task)
{
	struct store_attempt *attempts = room_for(rows->attempts, task->n_attempts, sizeof(*attempts));

	if (!attempts)
		return false;
	rows->attempts = attempts;
	task->attempts = attempts;
	struct store_attempt *attempt = &attempts[task->n_attempts++];
	*attempt = (struct store_attempt){
		.started_ns = sqlite3_column_int64(row, 1),
		.ended_ns = sqlite3_column_int64(row, 2),
		.code = sqlite3_column_int(row, 3),
		.pid = sqlite3_column_int(row, 6),
	};
	return keep_text(rows, row, 0, &attempt->state) && keep_text(rows, row, 4, &attempt->kind) &&
		keep_text(rows, row, 5, &attempt->message);
}

static bool take_claim(struct task_rows *rows, sqlite3_stmt *row, struct store_task *task)
{
	struct store_claim *claims = room_for(rows->claims, task->n_claims, sizeof(*claims));

	if (!claims)
		return false;
	rows->claims = claims;
	task->claims = claims;
	struct store_claim *claim = &claims[task->n_claims++];
	*claim = (struct store_claim){
		.kind = (uint8_t)sqlite3_column_int(row, 0),
		.shared = sqlite3_column_int(row, 2),
		.count = (uint32_t)sqlite3_column_int64(row, 3),
		.slots = (uint32_t)sqlite3_column_int64(row, 4),
	};
	return keep_text(rows, row, 1, &claim->name);
}

static bool take_dependency(struct task_rows *rows, sqlite3_stmt *row, struct store_task *task)
{
	struct store_dependency *dependencies =
		room_for(rows->dependencies, task->n_dependencies, sizeof(*dependencies));

	if (!dependencies)
		return false;
	rows->dependencies = dependencies;
	task->dependencies = dependencies;
	struct store_dependency *dependency = &dependencies[task->n_dependencies++];
	*dependency = (struct store_dependency){
		.id = (uint64_t)sqlite3_column_int64(row, 0),
		.any = sqlite3_column_int(row, 1),
		.done = sqlite3_column_int(row, 2),
	};
	return keep_text(rows, row, 3, &dependency->result);
}

static bool take_retries(struct task_rows *rows, sqlite3_stmt *row, struct store_task *task)
{
	(void)rows;
	task->retry.retries = (uint32_t)sqlite3_column_int64(row, 0);
	task->retry.on = (uint32_t)sqlite3_column_int64(row, 1);
	task->retry.backoff_ns = sqlite3_column_int64(row, 2);
	task->retry.backoff_max_ns = sqlite3_column_int64(row, 3);
	task->retry.factor = sqlite3_column_double(row, 4);
	task->retry.jitter = sqlite3_column_double(row, 5);
	return true;
}

static bool take_obituary(struct task_rows *rows, sqlite3_stmt *row, struct store_task *task)
{
	struct store_outcome *outcome = &task->outcome;

	outcome->pid = sqlite3_column_int(row, 0);
	outcome->wait_status = sqlite3_column_int(row, 1);
	outcome->user_ns = sqlite3_column_int64(row, 2);
	outcome->system_ns = sqlite3_column_int64(row, 3);
	outcome->maxrss_kib = sqlite3_column_int64(row, 4);
	return keep_text(rows, row, 5, &outcome->reason);
}

/* A statement for the task ID, which has not begun. */
static enum db_code begin(struct task_rows *rows, enum side side, uint64_t id)
{
	enum db_code code = rows->sides[side] ? DB_OK : db_prepare(&rows->db, side_sql[side], &rows->sides[side]);

	return code == DB_OK ? db_error(&rows->db, sqlite3_bind_int64(rows->sides[side], 1, (sqlite3_int64)id)) : code;
}

static enum db_code read_side(struct task_rows *rows, enum side side, struct store_task *task,
	bool (*take)(struct task_rows *rows, sqlite3_stmt *row, struct store_task *task))
{
	enum db_code code = begin(rows, side, task->id);
	int rc = SQLITE_DONE;

	while (code == DB_OK && (rc = sqlite3_step(rows->sides[side])) == SQLITE_ROW)
		if (!take(rows, rows->sides[side], task))
			code = DB_OTHER;
	if (code == DB_OK)
		code = db_error(&rows->db, rc);
	if (rows->sides[side])
		sqlite3_reset(rows->sides[side]);
	return code;
}

static enum db_code join_parts(struct task_rows *rows, sqlite3_stmt *statement, struct store_text *text)
{
	struct copy *whole = NULL;
	size_t length = 0;
	int rc;

	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		struct store_text part = db_column_text(statement, 0);
		struct copy *longer = realloc(whole, sizeof(*whole) + length + part.length);
		if (!longer)
			break;
		whole = longer;
		memcpy(whole->data + length, part.data, part.length);
		length += part.length;
	}
	if (rc != SQLITE_DONE || !whole) {
		free(whole);
		if (rc == SQLITE_DONE)
			return DB_CORRUPT; /* the flag says that there are some */
		return rc == SQLITE_ROW ? DB_OTHER : db_error(&rows->db, rc);
	}
	whole->next = rows->copies;
	rows->copies = whole;
	*text = store_text_of(whole->data, length);
	return DB_OK;
}

static enum db_code read_parts(struct task_rows *rows, uint64_t id, enum task_part what, struct store_text *text)
{
	enum db_code code = begin(rows, SIDE_PARTS, id);

	if (code != DB_OK)
		return code;
	sqlite3_bind_int(rows->sides[SIDE_PARTS], 2, what);
	code = join_parts(rows, rows->sides[SIDE_PARTS], text);
	sqlite3_reset(rows->sides[SIDE_PARTS]);
	return code;
}

/* --- what has become of those that it waits for --- */

/* SIDE_NEEDED stands at the row of one that has ended. */
static enum db_code take_needed(
	struct task_rows *rows, sqlite3_stmt *row, const struct store_task *task, struct store_dependency *dependency)
{
	bool passes = task->pass_results && !dependency->any;
	int64_t flags = sqlite3_column_int64(row, 2);

	if (!dependency->any && !sqlite3_column_int(row, 0))
		return DB_OK;
	if (passes && sqlite3_column_type(row, 1) != SQLITE_NULL) /* its result was too large to be kept */
		return DB_OK;
	dependency->done = true;
	if (!passes)
		return DB_OK;
	if (flags & TASK_FLAG_PARTS_OF_RESULT)
		return read_parts(rows, dependency->id, TASK_PART_RESULT, &dependency->result);
	return keep_text(rows, row, 3, &dependency->result) ? DB_OK : DB_OTHER;
}

static enum db_code look_at_needed(struct task_rows *rows, struct store_task *task)
{
	enum db_code code = DB_OK;

	for (uint32_t i = 0; i < task->n_dependencies && code == DB_OK; i++) {
		struct store_dependency *dependency = &task->dependencies[i];
		if (dependency->done)
			continue;
		code = begin(rows, SIDE_NEEDED, dependency->id);
		if (code != DB_OK)
			break;
		int rc = sqlite3_step(rows->sides[SIDE_NEEDED]);
		code = rc == SQLITE_ROW ? take_needed(rows, rows->sides[SIDE_NEEDED], task, dependency)
					: db_error(&rows->db, rc);
		sqlite3_reset(rows->sides[SIDE_NEEDED]);
	}
	return code;
}

/* --- the row itself --- */

void task_row_flags(struct store_task *task, int64_t flags)
{
	task->command = flags & TASK_FLAG_COMMAND;
	task->detached = flags & TASK_FLAG_DETACHED;
	task->wall = flags & TASK_FLAG_WALL;
	task->tried = flags & TASK_FLAG_TRIED;
	task->on_interrupt_crash = flags & TASK_FLAG_CRASH;
	task->pass_results = flags & TASK_FLAG_PASS_RESULTS;
	task->final = flags & TASK_FLAG_FINAL;
}

static void take_row(sqlite3_stmt *row, struct store_task *task)
{
	*task = (struct store_task){
		.id = (uint64_t)sqlite3_column_int64(row, COLUMN_ID),
		.place = (uint64_t)sqlite3_column_int64(row, COLUMN_PLACE),
		.retry_of = (uint64_t)sqlite3_column_int64(row, COLUMN_RETRY_OF),
		.retried_as = (uint64_t)sqlite3_column_int64(row, COLUMN_RETRIED_AS),
		.state = db_column_text(row, COLUMN_STATE),
		.type = db_column_text(row, COLUMN_TYPE),
		.queue = db_column_text(row, COLUMN_QUEUE),
		.tag = db_column_text(row, COLUMN_TAG),
		.key = db_column_text(row, COLUMN_KEY),
		.schedule = db_column_text(row, COLUMN_SCHEDULE),
		.owner = (uint32_t)sqlite3_column_int64(row, COLUMN_OWNER),
		.items = (uint32_t)sqlite3_column_int64(row, COLUMN_ITEMS),
		.priority = sqlite3_column_int(row, COLUMN_PRIORITY),
		.attempt = (uint16_t)sqlite3_column_int(row, COLUMN_ATTEMPT),
		.crashes = (uint8_t)sqlite3_column_int(row, COLUMN_CRASHES),
		.submitted_ns = sqlite3_column_int64(row, COLUMN_SUBMITTED),
		.due_ns = sqlite3_column_int64(row, COLUMN_DUE),
		.started_ns = sqlite3_column_int64(row, COLUMN_STARTED),
		.ended_ns = sqlite3_column_int64(row, COLUMN_ENDED),
		.expires_ns = sqlite3_column_int64(row, COLUMN_EXPIRES),
		.timeout_ns = sqlite3_column_int64(row, COLUMN_TIMEOUT),
	};
	task->outcome.code = sqlite3_column_int(row, COLUMN_CODE);
	task->outcome.kind = db_column_text(row, COLUMN_KIND);
	task->outcome.message = db_column_text(row, COLUMN_MESSAGE);
	task->outcome.dropped = (uint64_t)sqlite3_column_int64(row, COLUMN_DROPPED);
	task->outcome.because_of = (uint64_t)sqlite3_column_int64(row, COLUMN_BECAUSE_OF);
}

/* A text that may be in `parts`: FLAG says so. */
static enum db_code take_payload(struct task_rows *rows, sqlite3_stmt *row, uint64_t id, enum column column,
	bool in_parts, enum task_part what, struct store_text *text)
{
	if (in_parts)
		return read_parts(rows, id, what, text);
	*text = db_column_text(row, column);
	return DB_OK;
}

static enum db_code take_payloads(struct task_rows *rows, sqlite3_stmt *row, int64_t flags, struct store_task *task)
{
	enum db_code code = take_payload(
		rows, row, task->id, COLUMN_ARGS, flags & TASK_FLAG_PARTS_OF_ARGS, TASK_PART_ARGS, &task->args);

	if (code == DB_OK)
		code = take_payload(rows, row, task->id, COLUMN_RESULT, flags & TASK_FLAG_PARTS_OF_RESULT,
			TASK_PART_RESULT, &task->outcome.result);
	return code != DB_OK ? code
			     : take_payload(rows, row, task->id, COLUMN_DATA, flags & TASK_FLAG_PARTS_OF_DATA,
				       TASK_PART_DATA, &task->outcome.data);
}

enum db_code task_rows_read(struct task_rows *rows, sqlite3_stmt *statement, bool payloads, struct store_task *task)
{
	static const struct {
		enum task_flag flag;
		enum side side;
		bool (*take)(struct task_rows *rows, sqlite3_stmt *row, struct store_task *task);
	} sides[] = {
		{ TASK_FLAG_ATTEMPTS, SIDE_ATTEMPTS, take_attempt },
		{ TASK_FLAG_CLAIMS, SIDE_CLAIMS, take_claim },
		{ TASK_FLAG_DEPENDENCIES, SIDE_DEPENDENCIES, take_dependency },
		{ TASK_FLAG_RETRIES, SIDE_RETRIES, take_retries },
		{ TASK_FLAG_OBITUARY, SIDE_OBITUARY, take_obituary },
	};
	int64_t flags = sqlite3_column_int64(statement, COLUMN_FLAGS);

	if (rows->copies || rows->attempts || rows->claims || rows->dependencies)
		clear(rows);
	take_row(statement, task);
	task_row_flags(task, flags);
	enum db_code code = payloads ? take_payloads(rows, statement, flags, task) : DB_OK;
	for (size_t i = 0; i < sizeof(sides) / sizeof(*sides) && code == DB_OK; i++)
		if (flags & sides[i].flag)
			code = read_side(rows, sides[i].side, task, sides[i].take);
	return code == DB_OK && payloads && task->n_dependencies ? look_at_needed(rows, task) : code;
}
