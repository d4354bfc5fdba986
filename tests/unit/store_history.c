/* See store_history.h. */
#include "store_history.h"
#include "store_world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define AT(seconds) (INT64_C(1795000000000000000) + (seconds)*INT64_C(1000000000))

static void say(struct history *history, enum store_message message, uint64_t id, const void *body, bool chained)
{
	struct store_header header = { .message = (uint16_t)message, .flags = chained ? STORE_CHAINED : 0, .id = id };
	struct store_header read;
	size_t start = history->said.length;

	header.number =
		history->batch.n ? history->batch.entries[history->batch.n - 1].header.number + 1 : header.number;
	ck_assert(store_write(&history->said, &header, body));
	ck_assert(store_read_header(history->said.data + start, &read));
	batch_add(&history->batch, &read, start + STORE_HEADER_SIZE);
}

static struct store_text long_text(size_t length)
{
	static char *room;

	if (!room) {
		room = malloc(8192);
		ck_assert_ptr_nonnull(room);
		memset(room, 'a', 8192);
		room[0] = '"';
	}
	return store_text_of(room, length);
}

static void put(struct history *history, uint64_t id, bool chained)
{
	struct store_task task = world_task(id);

	say(history, STORE_TASK_PUT, id, &task, chained);
}

/* One with everything that has a table of its own. */
static void put_rich(struct history *history, uint64_t id, bool chained)
{
	struct store_task task = world_task(id);
	struct store_claim claims[] = { { .count = 1, .name = text("disk") },
		{ .kind = 1, .count = 2, .slots = 4, .name = text("net") } };
	struct store_dependency dependencies[] = { { .id = 1 },
		{ .id = 2, .any = true, .done = true, .result = text("55") } };

	task.state = text("blocked");
	task.tag = text("nightly");
	task.key = text("report");
	task.args = long_text(1600);
	task.claims = claims;
	task.n_claims = 2;
	task.dependencies = dependencies;
	task.n_dependencies = 2;
	task.retry.retries = 3;
	task.retry.on = 7;
	task.retry.factor = 2;
	say(history, STORE_TASK_PUT, id, &task, chained);
}

static void start(struct history *history, uint64_t id, unsigned attempt)
{
	struct store_task_start body = { .attempt = (uint16_t)attempt, .started_ns = AT(60) };

	say(history, STORE_TASK_START, id, &body, false);
}

static void wait_again(struct history *history, uint64_t id, unsigned attempt)
{
	struct store_task_state body = {
		.state = text("scheduled"),
		.attempt = (uint16_t)attempt,
		.place = id,
		.due_ns = AT(120),
		.tried = true,
		.adds_attempt = true,
		.last = { .started_ns = AT(60),
			.ended_ns = AT(61),
			.state = text("crashed"),
			.message = text("SIGSEGV"),
			.pid = 99 },
	};

	say(history, STORE_TASK_STATE, id, &body, false);
}

static void end(struct history *history, uint64_t id, const char *state, size_t result)
{
	struct store_task_end body = {
		.state = text(state),
		.attempt = 1,
		.started_ns = AT(60),
		.ended_ns = AT(100 + (int64_t)id),
	};

	if (strcmp(state, "succeeded") == 0) {
		body.outcome.result = long_text(result);
	} else {
		body.keeps_args = true;
		body.outcome.code = 5;
		body.outcome.kind = text("handler_failed");
		body.outcome.message = text("it did not work");
		body.outcome.data = long_text(result);
		body.outcome.pid = 77;
		body.outcome.wait_status = 11;
	}
	say(history, STORE_TASK_END, id, &body, false);
}

static void settings(struct history *history, bool made)
{
	struct store_queue queue = {
		.name = text("slow"), .is_made = made, .paused = made, .limit_queued = 10, .durable = -1
	};
	struct store_claim claim = { .count = 1, .name = text("disk") };
	struct store_schedule schedule = {
		.name = text("nightly"),
		.text = text("0 3 * * *"),
		.is_cron = true,
		.next_ns = AT(3600),
		.durable = -1,
		.task = { .type = text("report"),
			.queue = text("slow"),
			.args = text("[]"),
			.claims = &claim,
			.n_claims = 1 },
	};
	struct store_schedule_ran ran = { .name = text("nightly"), .next_ns = AT(7200), .runs = 1, .last_id = 4 };
	struct store_name name = { text("slow") };

	if (made) {
		say(history, STORE_QUEUE_PUT, 0, &queue, false);
		say(history, STORE_SCHEDULE_PUT, 0, &schedule, false);
	} else {
		say(history, STORE_SCHEDULE_RAN, 0, &ran, false);
		say(history, STORE_QUEUE_DROP, 0, &name, false);
	}
}

static void ids(struct history *history, uint64_t next)
{
	struct store_ids body = { next, next, next };

	say(history, STORE_IDS, 0, &body, false);
}

void history_step(struct history *history, unsigned step)
{
	struct store_name name = { text("nightly") };

	history->said.length = 0;
	batch_clear(&history->batch);
	switch (step) {
	case 1:
		ids(history, 1000);
		put(history, 1, true);
		put(history, 2, true);
		put_rich(history, 3, false);
		break;
	case 2:
		start(history, 1, 1);
		start(history, 2, 1);
		settings(history, true);
		break;
	case 3:
		end(history, 1, "succeeded", 30);
		wait_again(history, 2, 2);
		break;
	case 4:
		for (uint64_t id = 4; id < 24; id++)
			put(history, id, false);
		break;
	case 5:
		end(history, 1, "failed", 30); /* it has ended: nothing happens */
		start(history, 2, 2);
		wait_again(history, 2, 3);
		break;
	case 6:
		end(history, 3, "failed", 1700);
		end(history, 4, "succeeded", 6000);
		break;
	case 7:
		settings(history, false);
		ids(history, 2000);
		break;
	case 8:
		start(history, 5, 1); /* and its end: this one need not be written */
		end(history, 5, "succeeded", 20);
		end(history, 6, "cancelled", 0);
		break;
	case 9: /* more than are kept: the oldest leave */
		for (uint64_t id = 7; id < 12; id++)
			end(history, id, "succeeded", 20);
		break;
	case 10:
		say(history, STORE_TASK_FORGET, 11, NULL, false);
		say(history, STORE_SCHEDULE_DROP, 0, &name, false);
		break;
	case 11:
		put_rich(history, 30, true);
		put_rich(history, 31, false);
		break;
	case 12:
		end(history, 30, "succeeded", 1600);
		end(history, 2, "timed_out", 10);
		break;
	default:
		ck_abort_msg("no such step");
	}
	for (size_t i = 0; i < history->batch.n; i++)
		history->batch.entries[i].header.number = step * 100 + i;
}

void history_free(struct history *history)
{
	store_buffer_free(&history->said);
	batch_free(&history->batch);
}

/* --- what the file says --- */
static void add(uint64_t *digest, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++)
		*digest = (*digest ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static bool add_rows(const struct db *db, const char *sql, uint64_t *digest)
{
	sqlite3_stmt *statement;
	int rc;

	if (db_prepare(db, sql, &statement) != DB_OK)
		return false;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const void *value = sqlite3_column_blob(statement, i);
			int length = sqlite3_column_bytes(statement, i), type = sqlite3_column_type(statement, i);

			add(digest, &type, sizeof(type));
			add(digest, &length, sizeof(length));
			add(digest, value, (size_t)length);
		}
	}
	sqlite3_finalize(statement);
	return rc == SQLITE_DONE;
}

uint64_t history_digest(const struct db *db, bool *ok)
{
	static const char *const tables[] = {
		"SELECT next_id, next_place, next_fence FROM meta",
		"SELECT * FROM tasks ORDER BY id",
		"SELECT * FROM attempts ORDER BY task, attempt",
		"SELECT * FROM claims ORDER BY task, position",
		"SELECT * FROM dependencies ORDER BY task, position",
		"SELECT * FROM retries ORDER BY task",
		"SELECT * FROM obituaries ORDER BY task",
		"SELECT * FROM parts ORDER BY task, what, part",
		"SELECT * FROM queues ORDER BY name",
		"SELECT * FROM schedules ORDER BY name",
		"SELECT * FROM schedule_claims ORDER BY schedule, position",
	};
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	*ok = true;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		*ok = add_rows(db, tables[i], &digest) && *ok;
	return digest;
}
