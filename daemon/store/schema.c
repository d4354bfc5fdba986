/* The tables, made for people to query, and how those of older versions become those of this one. The version of a file is
 * its user_version. */
#include "store/schema.h"

#include <stdio.h>

/* Comments stay in the file: `.schema` of the sqlite3 program shows them. */
static const char version_1[] =
	"CREATE TABLE meta (\n"
	"	one INTEGER PRIMARY KEY CHECK (one = 1),\n"
	"	session INTEGER NOT NULL,    -- the daemon that wrote last\n"
	"	applied INTEGER NOT NULL,    -- its last operation that is here\n"
	"	first_id INTEGER NOT NULL,   -- tasks below were there before it\n"
	"	next_id INTEGER NOT NULL,    -- never given out, nor any above\n"
	"	next_place INTEGER NOT NULL,\n"
	"	next_fence INTEGER NOT NULL\n"
	") STRICT;\n"
	"INSERT INTO meta VALUES (1, 0, 0, 0, 0, 0, 0);\n"
	/* What changes and what is searched comes first: SQLite reads a row from its beginning. */
	"CREATE TABLE tasks (\n"
	"	id INTEGER PRIMARY KEY,\n"
	"	state TEXT NOT NULL,         -- queued, running, succeeded, ...\n"
	"	attempt INTEGER NOT NULL,\n"
	"	crashes INTEGER NOT NULL,\n"
	"	flags INTEGER NOT NULL,      -- see the view: 1 command, 2 detached, 4 wall, 8 tried, 16 on_interrupt is crash,\n"
	"	                             -- 32 passes results, 64 is not tried again; it has rows in: 256 attempts,\n"
	"	                             -- 512 claims, 1024 dependencies, 2048 retries, 4096 obituaries; in parts: 8192 args,\n"
	"	                             -- 16384 result, 32768 error_data\n"
	"	place INTEGER NOT NULL,      -- in its queue: those of equal priority go by it\n"
	"	ended_ns INTEGER,            -- since 1970, as all times; NULL: it has not ended\n"
	"	started_ns INTEGER,\n"
	"	due_ns INTEGER,\n"
	"	submitted_ns INTEGER,\n"
	"	priority INTEGER NOT NULL,\n"
	"	owner INTEGER NOT NULL,      -- the user's number\n"
	"	type TEXT NOT NULL,\n"
	"	queue TEXT NOT NULL,\n"
	"	tag TEXT,\n"
	"	key TEXT,\n"
	"	schedule TEXT,\n"
	"	items INTEGER,               -- of a chunk of a map\n"
	"	expires_ns INTEGER,\n"
	"	timeout_ns INTEGER,          -- a duration\n"
	"	retry_of INTEGER,\n"
	"	retried_as INTEGER,\n"
	"	args TEXT,                   -- JSON; as result and error_data in the table parts where it is large\n"
	"	result TEXT,\n"
	"	error_code INTEGER,\n"
	"	error_kind TEXT,\n"
	"	error_message TEXT,\n"
	"	error_data TEXT,\n"
	"	dropped INTEGER,             -- bytes of what was too large to be kept\n"
	"	because_of INTEGER           -- the task that it waited for in vain\n"
	") STRICT;\n"
	"CREATE INDEX tasks_live ON tasks (place) WHERE ended_ns IS NULL;\n"
	"CREATE INDEX tasks_ended ON tasks (ended_ns) WHERE ended_ns IS NOT NULL;\n"
	"CREATE INDEX tasks_key ON tasks (key) WHERE key IS NOT NULL;\n"
	"CREATE INDEX tasks_tag ON tasks (tag) WHERE tag IS NOT NULL;\n"
	"CREATE TABLE attempts (\n"
	"	task INTEGER NOT NULL,\n"
	"	attempt INTEGER NOT NULL,    -- from 1; the last one is in tasks\n"
	"	state TEXT NOT NULL,\n"
	"	started_ns INTEGER,\n"
	"	ended_ns INTEGER,\n"
	"	error_code INTEGER,\n"
	"	error_kind TEXT,\n"
	"	error_message TEXT,\n"
	"	pid INTEGER,\n"
	"	PRIMARY KEY (task, attempt)\n"
	") STRICT;\n"
	"CREATE TABLE claims (\n"
	"	task INTEGER NOT NULL,\n"
	"	position INTEGER NOT NULL,\n"
	"	kind INTEGER NOT NULL,       -- 0 lock, 1 semaphore, ...\n"
	"	name TEXT NOT NULL,\n"
	"	shared INTEGER NOT NULL,\n"
	"	count INTEGER NOT NULL,\n"
	"	slots INTEGER NOT NULL,\n"
	"	PRIMARY KEY (task, position)\n"
	") STRICT;\n"
	"CREATE TABLE dependencies (\n"
	"	task INTEGER NOT NULL,\n"
	"	position INTEGER NOT NULL,\n"
	"	needs INTEGER NOT NULL,      -- the other task\n"
	"	any INTEGER NOT NULL,        -- however it ends\n"
	"	done INTEGER NOT NULL,       -- it has ended as it was to; of one that is in tasks that may say it alone\n"
	"	result TEXT,\n"
	"	PRIMARY KEY (task, position)\n"
	") STRICT;\n"
	"CREATE INDEX dependencies_needs ON dependencies (needs) WHERE done = 0;\n"
	"CREATE TABLE retries (\n"
	"	task INTEGER PRIMARY KEY,\n"
	"	retries INTEGER NOT NULL,\n"
	"	retry_on INTEGER NOT NULL,   -- 1 failed, 2 timed out, 4 crashed\n"
	"	backoff_ns INTEGER NOT NULL,\n"
	"	backoff_max_ns INTEGER NOT NULL,\n"
	"	factor REAL NOT NULL,\n"
	"	jitter REAL NOT NULL\n"
	") STRICT;\n"
	"CREATE TABLE obituaries (\n"
	"	task INTEGER PRIMARY KEY,\n"
	"	pid INTEGER NOT NULL,\n"
	"	wait_status INTEGER NOT NULL,\n"
	"	user_ns INTEGER NOT NULL,\n"
	"	system_ns INTEGER NOT NULL,\n"
	"	maxrss_kib INTEGER NOT NULL,\n"
	"	reason TEXT\n"
	") STRICT;\n"
	"CREATE TABLE parts (\n"
	"	task INTEGER NOT NULL,\n"
	"	what INTEGER NOT NULL,       -- 0 args, 1 result, 2 error_data\n"
	"	part INTEGER NOT NULL,\n"
	"	text TEXT NOT NULL,\n"
	"	PRIMARY KEY (task, what, part)\n"
	") STRICT;\n"
	"CREATE TABLE queues (\n"
	"	name TEXT PRIMARY KEY,\n"
	"	paused INTEGER NOT NULL,\n"
	"	draining INTEGER NOT NULL,\n"
	"	is_made INTEGER NOT NULL,    -- by queue.create\n"
	"	is_set INTEGER NOT NULL,     -- by queue.set; neither: only the above counts\n"
	"	pool TEXT,\n"
	"	limit_queued INTEGER NOT NULL,\n"
	"	limit_bytes INTEGER NOT NULL,\n"
	"	limit_running INTEGER NOT NULL,\n"
	"	queue_order INTEGER NOT NULL,\n"
	"	rate REAL NOT NULL,\n"
	"	burst INTEGER NOT NULL,\n"
	"	weight INTEGER NOT NULL,\n"
	"	ageing_ns INTEGER NOT NULL,\n"
	"	durable INTEGER              -- NULL: not said\n"
	") STRICT;\n"
	"CREATE TABLE schedules (\n"
	"	name TEXT PRIMARY KEY,\n"
	"	text TEXT,\n"
	"	is_cron INTEGER NOT NULL,\n"
	"	every_ns INTEGER NOT NULL,\n"
	"	expires_ns INTEGER NOT NULL,\n"
	"	catch_up INTEGER NOT NULL,\n"
	"	overlap INTEGER NOT NULL,\n"
	"	next_ns INTEGER,\n"
	"	runs INTEGER NOT NULL,\n"
	"	skipped INTEGER NOT NULL,\n"
	"	last_id INTEGER NOT NULL,\n"
	"	owed INTEGER NOT NULL,       -- missed runs that are to be made up for\n"
	"	durable INTEGER,             -- NULL: not said\n"
	"	flags INTEGER NOT NULL,      -- and below: as of tasks\n"
	"	priority INTEGER NOT NULL,\n"
	"	owner INTEGER NOT NULL,\n"
	"	type TEXT,\n"
	"	queue TEXT,\n"
	"	tag TEXT,\n"
	"	items INTEGER,\n"
	"	timeout_ns INTEGER,\n"
	"	args TEXT,\n"
	"	retries INTEGER NOT NULL,\n"
	"	retry_on INTEGER NOT NULL,\n"
	"	backoff_ns INTEGER NOT NULL,\n"
	"	backoff_max_ns INTEGER NOT NULL,\n"
	"	factor REAL NOT NULL,\n"
	"	jitter REAL NOT NULL\n"
	") STRICT;\n"
	"CREATE TABLE schedule_claims (\n"
	"	schedule TEXT NOT NULL,\n"
	"	position INTEGER NOT NULL,\n"
	"	kind INTEGER NOT NULL,\n"
	"	name TEXT NOT NULL,\n"
	"	shared INTEGER NOT NULL,\n"
	"	count INTEGER NOT NULL,\n"
	"	slots INTEGER NOT NULL,\n"
	"	PRIMARY KEY (schedule, position)\n"
	") STRICT;\n"
#define WHEN(column) "strftime('%Y-%m-%dT%H:%M:%fZ', " column " / 1e9, 'unixepoch') AS "
#define WHOLE(column, bit, what)                                                                              \
	"	CASE WHEN flags & " bit " THEN (SELECT group_concat(text, '') FROM (SELECT text FROM parts\n" \
	"		WHERE parts.task = tasks.id AND what = " what " ORDER BY part)) ELSE " column         \
	" END AS " column
	"CREATE VIEW readable AS SELECT id, type, queue, state, priority, owner, tag, key, schedule, attempt, crashes,\n"
	"	" WHEN(
		"submitted_ns") "submitted,\n"
				"	" WHEN(
					"due_ns") "due,\n"
						  "	" WHEN(
							  "started_ns") "started,\n"
									"	" WHEN(
										"ended_ns") "ended,\n"
											    "	(ended_ns - started_ns) / 1e9 AS seconds,\n"
											    "	" WHEN(
												    "expires_ns") "expires,\n"
														  "	timeout_ns / 1e9 AS timeout, retry_of, retried_as,\n" WHOLE(
															  "args",
															  "8192",
															  "0") ",\n" WHOLE("result",
															  "16384",
															  "1") ",\n"
															       "	error_code, error_kind, error_message,\n" WHOLE(
																       "error_data",
																       "32768",
																       "2") ",\n"
																	    "	because_of, flags & 1 AS command, (flags & 2) / 2 AS detached,\n"
																	    "	CASE WHEN flags & 16 THEN 'crash' ELSE 'requeue' END AS on_interrupt\n"
																	    "	FROM tasks;\n";
#undef WHEN
#undef WHOLE

/* Each user has names of his own for his schedules, and what groups he is in is kept: not of those that are there. */
static const char version_2[] =
	"UPDATE schedule_claims SET schedule = (SELECT owner || '/' || name FROM schedules WHERE name = schedule)\n"
	"	WHERE schedule IN (SELECT name FROM schedules);\n"
	"UPDATE schedules SET name = owner || '/' || name;\n"
	"ALTER TABLE schedules ADD COLUMN owner_groups TEXT;\n";

/* migrations[v] makes a file of version v one of version v + 1. */
static const char *const migrations[SCHEMA_VERSION] = { version_1, version_2 };

enum db_code schema_migrate(const struct db *db, const char *const *steps, int target, bool *newer)
{
	char mark[48];
	int64_t version;
	enum db_code code = db_exec(db, "BEGIN IMMEDIATE");

	*newer = false;
	if (code != DB_OK)
		return code;
	code = db_number(db, "PRAGMA user_version", &version);
	*newer = code == DB_OK && (version > target || version < 0);
	for (int64_t step = version; code == DB_OK && !*newer && step < target; step++)
		code = db_exec(db, steps[step]);
	if (code == DB_OK && !*newer && version < target) {
		snprintf(mark, sizeof(mark), "PRAGMA user_version = %d", target);
		code = db_exec(db, mark);
	}
	if (code == DB_OK)
		code = db_exec(db, "COMMIT");
	return code;
}

enum db_code schema_prepare(const struct db *db, bool *newer)
{
	return schema_migrate(db, migrations, SCHEMA_VERSION, newer);
}
