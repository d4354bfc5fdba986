/* What is put comes back: a store is told of tasks, queues and schedules, ends, and the next one tells of them. What is
 * compared are the messages themselves, to the byte. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "store_served.h"

#define MANY 300

static struct served served;
static struct store_open order;
static uint64_t seq;
static uint64_t random_state;

static void setup(void)
{
	served_make(&served, NULL);
	order = (struct store_open){ .session = 7, .keep = { .count = UINT64_MAX, .bytes = UINT64_MAX } };
	seq = 0;
	random_state = 42;
	served_start(&served, &order);
}

static void teardown(void)
{
	served_free(&served);
}

static uint64_t chance(uint64_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (random_state >> 33) % n;
}

/* --- what is made up; texts live until the test's end --- */

static struct store_text text(const char *of)
{
	return store_text_of(of, strlen(of));
}

static struct store_text some_text(size_t most)
{
	size_t length = chance(most + 1);
	char *data = xmalloc(length + 1);

	for (size_t i = 0; i < length; i++)
		data[i] = (char)(' ' + chance(95));
	return store_text_of(data, length);
}

static struct store_text maybe_text(size_t most)
{
	return chance(2) ? STORE_TEXT_NONE : some_text(most);
}

/* Small, of a page, of some. */
static struct store_text payload(void)
{
	static const size_t sizes[] = { 40, 40, 40, 1600, 20000 };

	return maybe_text(sizes[chance(5)]);
}

static int64_t some_ns(void)
{
	return chance(3) ? (int64_t)(chance(1u << 30) * 1000003 + 1) : 0;
}

static void make_sides(struct store_task *task)
{
	task->n_attempts = chance(4) ? 0 : (uint32_t)chance(5);
	task->attempts = xcalloc(task->n_attempts + 1, sizeof(*task->attempts));
	for (uint32_t i = 0; i < task->n_attempts; i++)
		task->attempts[i] = (struct store_attempt){ .started_ns = some_ns(),
			.ended_ns = some_ns(),
			.state = text("failed"),
			.kind = maybe_text(10),
			.message = maybe_text(600),
			.code = (int32_t)chance(9) - 4,
			.pid = (int32_t)chance(3) };
	task->n_claims = chance(4) ? 0 : (uint32_t)chance(4);
	task->claims = xcalloc(task->n_claims + 1, sizeof(*task->claims));
	for (uint32_t i = 0; i < task->n_claims; i++)
		task->claims[i] = (struct store_claim){ .kind = (uint8_t)chance(2),
			.shared = chance(2),
			.count = (uint32_t)chance(5),
			.slots = (uint32_t)chance(9),
			.name = some_text(30) };
	task->n_dependencies = chance(4) ? 0 : (uint32_t)chance(4);
	task->dependencies = xcalloc(task->n_dependencies + 1, sizeof(*task->dependencies));
	for (uint32_t i = 0; i < task->n_dependencies; i++)
		task->dependencies[i] = (struct store_dependency){
			.id = 1 + chance(1000), .any = chance(2), .done = chance(2), .result = maybe_text(3000)
		};
	if (chance(2)) {
		task->retry.retries = (uint32_t)chance(4);
		task->retry.on = (uint32_t)chance(8);
		task->retry.backoff_ns = some_ns();
		task->retry.backoff_max_ns = some_ns();
		task->retry.factor = (double)chance(8) / 4;
		task->retry.jitter = (double)chance(8) / 8;
	}
}

static struct store_task make_task(uint64_t id)
{
	static const char *const states[] = { "queued", "scheduled", "blocked", "running" };
	struct store_task task = {
		.id = id,
		.place = id * 2,
		.retry_of = chance(5) ? 0 : 5000 + chance(100),
		.retried_as = chance(5) ? 0 : chance(100),
		.type = some_text(30),
		.queue = some_text(30),
		.state = text(states[chance(4)]),
		.tag = maybe_text(20),
		.key = maybe_text(200),
		.schedule = maybe_text(20),
		.owner = (uint32_t)chance(UINT32_MAX) + (uint32_t)chance(2) * 0x80000000u,
		.items = (uint32_t)chance(3),
		.priority = (int32_t)chance(2000) - 1000,
		.attempt = (uint16_t)(1 + chance(UINT16_MAX)),
		.crashes = (uint8_t)chance(4),
		.command = chance(2),
		.detached = chance(2),
		.wall = chance(2),
		.tried = chance(2),
		.on_interrupt_crash = chance(2),
		.pass_results = chance(2),
		.final = chance(2),
		.submitted_ns = some_ns(),
		.due_ns = some_ns(),
		.started_ns = some_ns(),
		.expires_ns = some_ns(),
		.timeout_ns = some_ns(),
		.args = payload(),
	};

	make_sides(&task);
	return task;
}

static struct store_outcome make_outcome(void)
{
	struct store_outcome outcome = { .result = payload(),
		.data = payload(),
		.message = maybe_text(900),
		.kind = maybe_text(15),
		.code = (int32_t)chance(5) - 2,
		.dropped = chance(3),
		.because_of = chance(3) };

	if (chance(3) == 0) {
		outcome.pid = 1 + (int32_t)chance(30000);
		outcome.wait_status = (int32_t)chance(65536);
		outcome.user_ns = some_ns();
		outcome.system_ns = some_ns();
		outcome.maxrss_kib = some_ns();
		outcome.reason = maybe_text(30);
	}
	return outcome;
}

/* --- what is compared --- */

struct told { /* a row, as a message */
	char *data;
	size_t length;
	uint64_t id;
	uint8_t kind;
};
static struct told told[4 * MANY];
static size_t n_told;

static struct told tell(const struct store_row *row)
{
	const struct store_header header = { .message = STORE_ROW };
	struct store_buffer buffer = { 0 };

	ck_assert(store_write(&buffer, &header, row));
	return (struct told){ buffer.data, buffer.length, row->kind == STORE_ROW_TASK ? row->task.id : 0, row->kind };
}

static bool same(const struct told *a, const struct told *b)
{
	return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

static struct told tell_task(const struct store_task *task)
{
	return tell(&(struct store_row){ .kind = STORE_ROW_TASK, .task = *task });
}

static void put(enum store_message message, uint64_t id, const void *body)
{
	served_put(&served, message, ++seq, id, 0, body);
}

static void put_task(const struct store_task *task)
{
	put(STORE_TASK_PUT, task->id, task);
}

static void commit(void)
{
	bool committed = served_committed(&served, seq);

	ck_assert(committed);
}

static void load(void)
{
	struct store_header header;
	union served_body body;
	bool good = true;

	for (n_told = 0; good;) {
		good = served_hear(&served, &header, &body) && header.message == STORE_ROW && n_told < 4 * MANY;
		if (!good)
			break;
		told[n_told++] = tell(&body.row);
		store_body_free(STORE_ROW, &body);
	}
	ck_assert_int_eq(header.message, STORE_LOADED);
}

/* Another daemon, which is told of everything. */
static void restart(void)
{
	commit();
	int status = served_stop(&served);
	ck_assert_int_eq(status, 0);
	order.session++;
	seq = 0;
	served_start(&served, &order);
	ck_assert_int_eq(served.opened.status, STORE_OPEN_FINE);
	served_put(&served, STORE_LOAD, 0, 0, 0, NULL);
	load();
}

static void assert_told(const struct told *expected, size_t n)
{
	size_t wrong = 0;

	ck_assert_uint_eq(n_told, n);
	while (wrong < n && same(&expected[wrong], &told[wrong]))
		wrong++;
	ck_assert_msg(wrong == n, "row %zu (task %llu) is another", wrong, (unsigned long long)told[wrong].id);
}

/* --- tasks --- */

START_TEST(tasks_come_back_in_the_order_of_their_places)
{
	struct told expected[MANY];

	for (uint64_t i = 0; i < MANY; i++) {
		struct store_task task = make_task(i + 1);
		task.place = 2 * MANY - i;
		put_task(&task);
		expected[MANY - 1 - i] = tell_task(&task);
	}
	restart();
	assert_told(expected, MANY);
	ck_assert_uint_eq(served.opened.live, MANY);
	ck_assert_uint_eq(served.opened.ended, 0);
	ck_assert_uint_eq(served.opened.next_id, MANY + 1);
}
END_TEST

static struct store_task_end make_end(struct store_task *task, int64_t ended_ns)
{
	static const char *const states[] = { "succeeded", "failed", "crashed", "cancelled", "timed_out", "expired" };
	struct store_task_end end = {
		.state = text(states[chance(6)]),
		.attempt = (uint16_t)chance(9),
		.crashes = (uint8_t)chance(9),
		.keeps_args = chance(2),
		.started_ns = some_ns(),
		.ended_ns = ended_ns,
		.outcome = make_outcome(),
	};

	task->state = end.state;
	task->attempt = end.attempt;
	task->crashes = end.crashes;
	task->started_ns = end.started_ns;
	task->ended_ns = end.ended_ns;
	task->outcome = end.outcome;
	task->tried |= end.started_ns != 0;
	if (!end.keeps_args) {
		task->args = STORE_TEXT_NONE;
		for (uint32_t i = 0; i < task->n_dependencies; i++)
			task->dependencies[i].result = STORE_TEXT_NONE;
	}
	return end;
}

START_TEST(outcomes_come_back_the_latest_first)
{
	struct told expected[MANY];

	for (uint64_t i = 0; i < MANY; i++) {
		struct store_task task = make_task(i + 1);
		put_task(&task);
		struct store_task_end end = make_end(&task, (int64_t)(MANY + i));
		put(STORE_TASK_END, task.id, &end);
		expected[MANY - 1 - i] = tell_task(&task);
	}
	restart();
	assert_told(expected, MANY);
	ck_assert_uint_eq(served.opened.live, 0);
	ck_assert_uint_eq(served.opened.ended, MANY);
}
END_TEST

/* One that is put with its outcome is as one that ended after it. */
START_TEST(a_task_may_be_put_when_it_has_ended)
{
	struct told expected[MANY];

	for (uint64_t i = 0; i < MANY; i++) {
		struct store_task task = make_task(i + 1);
		(void)make_end(&task, (int64_t)(2 * MANY - i));
		put_task(&task);
		expected[i] = tell_task(&task);
	}
	restart();
	assert_told(expected, MANY);
}
END_TEST

START_TEST(it_comes_back_as_what_has_become_of_it)
{
	struct store_task task = make_task(1);
	struct told expected;

	task.n_attempts = 0;
	task.attempt = 1;
	task.tried = false;
	task.wall = false;
	task.state = text("queued");
	put_task(&task);
	put(STORE_TASK_START, 1, &(struct store_task_start){ .attempt = 1, .started_ns = 1000 });
	task.state = text("running");
	task.started_ns = 1000;
	task.tried = true;
	restart();
	expected = tell_task(&task);
	assert_told(&expected, 1);

	struct store_task_state state = { .state = text("scheduled"),
		.attempt = 2,
		.crashes = 3,
		.wall = true,
		.tried = false,
		.place = 77,
		.due_ns = 88,
		.adds_attempt = true,
		.last = { .started_ns = 1000,
			.ended_ns = 2000,
			.state = text("crashed"),
			.message = text("it fell"),
			.pid = 12 } };
	put(STORE_TASK_STATE, 1, &state);
	task.state = state.state;
	task.attempt = 2;
	task.crashes = 3;
	task.wall = true;
	task.tried = false;
	task.place = 77;
	task.due_ns = 88;
	task.started_ns = 0;
	struct store_attempt last = state.last;
	task.attempts = &last;
	task.n_attempts = 1;
	restart();
	expected = tell_task(&task);
	assert_told(&expected, 1);

	/* Without an attempt between, nothing is added. */
	state = (struct store_task_state){ .state = text("queued"), .attempt = 2, .crashes = 3, .place = 78 };
	put(STORE_TASK_STATE, 1, &state);
	task.state = state.state;
	task.wall = false;
	task.place = 78;
	task.due_ns = 0;
	restart();
	expected = tell_task(&task);
	assert_told(&expected, 1);
}
END_TEST

/* Longer than what SQLite takes in one piece, as far as that is set here, and cut between characters. */
START_TEST(what_is_very_large_comes_back_whole)
{
	static const char letter[] = "\xe2\x82\xac";
	size_t length = (size_t)70 << 20;
	char *data = xmalloc(length);
	struct store_task task = make_task(1);

	for (size_t i = 0; i < length; i++)
		data[i] = letter[(i + 1) % 3];
	task.args = store_text_of(data, length);
	put_task(&task);
	restart();
	struct told expected = tell_task(&task);
	assert_told(&expected, 1);
	served_stop(&served);
	ck_assert_int_eq(served_number(&served, "SELECT count(*) FROM parts"), 3);
	ck_assert_int_eq(served_number(&served,
				 "SELECT count(*) FROM parts WHERE unicode(substr(text, 1, 1)) != 8364"
				 " AND part > 0"),
		0);
	ck_assert_int_eq(served_number(&served, "SELECT length(CAST(args AS BLOB)) FROM readable"), (int64_t)length);
	free(data);
}
END_TEST

START_TEST(a_retry_is_named_by_what_it_retries)
{
	struct store_task first = make_task(1), second = make_task(2);

	first.retry_of = first.retried_as = second.retried_as = 0;
	second.retry_of = 1;
	put_task(&first);
	struct store_task_end end = make_end(&first, 5);
	put(STORE_TASK_END, 1, &end);
	put_task(&second);
	first.retried_as = 2;
	restart();
	const struct told expected[] = { tell_task(&second), tell_task(&first) };
	assert_told(expected, 2);
}
END_TEST

START_TEST(an_outcome_does_not_change)
{
	struct store_task task = make_task(1), other = make_task(1);

	put_task(&task);
	struct store_task_end end = make_end(&task, 5);
	put(STORE_TASK_END, 1, &end);
	commit();
	put_task(&other);
	struct store_task_end later = make_end(&other, 6);
	put(STORE_TASK_END, 1, &later);
	put(STORE_TASK_START, 1, &(struct store_task_start){ .attempt = 9, .started_ns = 9 });
	put(STORE_TASK_STATE, 1,
		&(struct store_task_state){ .state = text("queued"),
			.attempt = 9,
			.place = 9,
			.adds_attempt = true,
			.last = { .state = text("failed") } });
	restart();
	struct told expected = tell_task(&task);
	assert_told(&expected, 1);
}
END_TEST

START_TEST(what_is_not_there_is_not_made_by_what_becomes_of_it)
{
	struct store_task task = make_task(1);
	struct store_task_end end = make_end(&task, 5);

	put(STORE_TASK_START, 1, &(struct store_task_start){ .attempt = 9, .started_ns = 9 });
	put(STORE_TASK_STATE, 1,
		&(struct store_task_state){ .state = text("queued"), .adds_attempt = true, .attempt = 2 });
	put(STORE_TASK_END, 1, &end);
	put(STORE_TASK_FORGET, 1, NULL);
	restart();
	ck_assert_uint_eq(n_told, 0);
	served_stop(&served);
	ck_assert_int_eq(served_number(&served,
				 "SELECT (SELECT count(*) FROM attempts) + (SELECT count(*) FROM parts)"
				 " + (SELECT count(*) FROM obituaries)"),
		0);
}
END_TEST

/* --- all kinds of operations, again and again --- */

static void put_something(uint64_t id, unsigned kind)
{
	struct store_task task = make_task(id);
	struct store_task_end end = make_end(&(struct store_task){ 0 }, (int64_t)(1000 + id));

	switch (kind) {
	case 0:
		put_task(&task);
		break;
	case 1:
		put(STORE_TASK_START, id, &(struct store_task_start){ .attempt = 1, .started_ns = 9 });
		break;
	case 2:
		put(STORE_TASK_STATE, id,
			&(struct store_task_state){ .state = text("queued"),
				.attempt = (uint16_t)(2 + chance(3)),
				.place = 2 * id,
				.adds_attempt = chance(2),
				.last = { .state = text("failed"), .code = 5 } });
		break;
	case 3:
		put(STORE_TASK_END, id, &end);
		break;
	default:
		put(STORE_TASK_FORGET, id, NULL);
		break;
	}
}

static void put_history(void)
{
	/* Each task's operations in the order of a life. */
	random_state = 4711;
	for (unsigned kind = 0; kind < 5; kind++)
		for (uint64_t id = 1; id <= MANY; id++)
			if (kind == 0 || chance(2))
				put_something(id, kind);
}

START_TEST(applied_twice_it_is_the_same)
{
	struct told once[MANY];

	put_history();
	restart();
	size_t n = n_told;
	memcpy(once, told, n * sizeof(*once));
	ck_assert_uint_gt(n, 100);
	/* What is sent again begins before the end of what was done. Nothing is forgotten twice that was put again: so
	 * those that were forgotten come, and go. */
	put_history();
	restart();
	assert_told(once, n);
}
END_TEST

/* --- queues, schedules, numbers --- */

static struct store_queue make_queue(unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "queue%03u", i);
	return (struct store_queue){ .name = text(xstrdup(name)),
		.paused = chance(2),
		.draining = chance(2),
		.is_made = chance(2),
		.is_set = chance(2),
		.pool = maybe_text(20),
		.limit_queued = chance(3) ? chance(1000) : UINT64_MAX,
		.limit_bytes = chance(1000),
		.limit_running = chance(1000),
		.order = (uint8_t)chance(3),
		.rate = (double)chance(100) / 8,
		.burst = (uint32_t)chance(UINT32_MAX),
		.weight = (uint32_t)chance(100),
		.ageing_ns = some_ns(),
		.durable = (int8_t)((int)chance(3) - 1) };
}

static struct store_schedule make_schedule(unsigned i)
{
	struct store_task task = make_task(0);
	char name[16];

	snprintf(name, sizeof(name), "plan%03u", i);
	task.place = task.retry_of = task.retried_as = task.attempt = task.crashes = 0;
	task.state = task.key = task.schedule = STORE_TEXT_NONE;
	task.submitted_ns = task.due_ns = task.started_ns = task.expires_ns = 0;
	task.n_attempts = task.n_dependencies = 0;
	return (struct store_schedule){ .name = text(xstrdup(name)),
		.text = maybe_text(20),
		.is_cron = chance(2),
		.every_ns = some_ns(),
		.expires_ns = some_ns(),
		.catch_up = chance(2),
		.overlap = chance(2),
		.next_ns = some_ns(),
		.runs = chance(1000),
		.skipped = chance(1000),
		.last_id = chance(1000),
		.task = task,
		.durable = (int8_t)((int)chance(3) - 1) };
}

START_TEST(queues_and_schedules_come_back_first)
{
	struct told expected[2 * 40 + 1];
	struct store_task task = make_task(1);
	size_t n = 0;

	put_task(&task);
	for (unsigned i = 0; i < 40; i++) {
		struct store_queue first = make_queue(i), queue = make_queue(i);
		put(STORE_QUEUE_PUT, 0, &first);
		put(STORE_QUEUE_PUT, 0, &queue);
		if (i % 4 == 0)
			put(STORE_QUEUE_DROP, 0, &(struct store_name){ queue.name });
		else
			expected[n++] = tell(&(struct store_row){ .kind = STORE_ROW_QUEUE, .queue = queue });
	}
	for (unsigned i = 0; i < 40; i++) {
		struct store_schedule first = make_schedule(i), schedule = make_schedule(i);
		struct store_schedule_ran ran = {
			.name = schedule.name, .next_ns = 5, .runs = 6, .skipped = 7, .last_id = 8
		};
		put(STORE_SCHEDULE_PUT, 0, &first);
		put(STORE_SCHEDULE_PUT, 0, &schedule);
		if (i % 4 == 0) {
			put(STORE_SCHEDULE_DROP, 0, &(struct store_name){ schedule.name });
			continue;
		}
		if (i % 4 == 1) {
			put(STORE_SCHEDULE_RAN, 0, &ran);
			schedule.next_ns = 5;
			schedule.runs = 6;
			schedule.skipped = 7;
			schedule.last_id = 8;
		}
		expected[n++] = tell(&(struct store_row){ .kind = STORE_ROW_SCHEDULE, .schedule = schedule });
	}
	expected[n++] = tell_task(&task);
	restart();
	assert_told(expected, n);
}
END_TEST

START_TEST(numbers_are_those_that_were_written_last)
{
	struct store_task task = make_task(30);

	put(STORE_IDS, 0, &(struct store_ids){ 1000, 2000, 3000 });
	restart();
	ck_assert_uint_eq(served.opened.next_id, 1000);
	ck_assert_uint_eq(served.opened.next_place, 2000);
	ck_assert_uint_eq(served.opened.next_fence, 3000);
	/* A clean end gives back what was reserved, but nothing that was used. */
	put_task(&task);
	put(STORE_IDS, 0, &(struct store_ids){ 20, 70, 40 });
	restart();
	ck_assert_uint_eq(served.opened.next_id, 31);
	ck_assert_uint_eq(served.opened.next_place, 70);
	ck_assert_uint_eq(served.opened.next_fence, 40);
}
END_TEST

/* --- what is kept, what leaves --- */

START_TEST(a_daemon_is_told_of_as_much_as_it_has_room_for)
{
	for (uint64_t id = 1; id <= 40; id++) {
		struct store_task task = make_task(id);
		put_task(&task);
		struct store_task_end end = make_end(&task, (int64_t)(100 + id));
		end.state = text(id % 2 ? "succeeded" : "failed");
		put(STORE_TASK_END, id, &end);
	}
	order.keep = (struct store_keep){
		.success_after_ns = 130, .failure_after_ns = 120, .count = 100, .bytes = UINT64_MAX
	};
	restart();
	ck_assert_uint_eq(n_told, 5 + 10);
	ck_assert_uint_eq(told[0].id, 40);
	ck_assert_uint_eq(told[14].id, 22);
	order.keep.count = 7;
	restart();
	ck_assert_uint_eq(n_told, 7);
	order.keep.bytes = 0;
	restart();
	ck_assert_uint_eq(n_told, 0);
}
END_TEST

static void end_many(uint64_t first, uint64_t n, int64_t ended_ns)
{
	for (uint64_t id = first; id < first + n; id++) {
		struct store_task task = make_task(id);
		put_task(&task);
		struct store_task_end end = make_end(&task, ended_ns + (int64_t)id);
		put(STORE_TASK_END, id, &end);
	}
	commit();
}

static int64_t rows_beside(void)
{
	return served_number(&served,
		"SELECT count(*) FROM (SELECT task FROM attempts UNION SELECT task FROM claims UNION SELECT task FROM dependencies"
		" UNION SELECT task FROM retries UNION SELECT task FROM obituaries UNION SELECT task FROM parts)"
		" WHERE task NOT IN (SELECT id FROM tasks)");
}

START_TEST(the_oldest_leave_where_there_are_too_many)
{
	struct store_limits limits = { .history_count = 20 };
	struct store_task live = make_task(1000);

	put_task(&live);
	end_many(1, MANY, 1000);
	served_put(&served, STORE_SET_LIMITS, 0, 0, 0, &limits);
	end_many(2000, 300, 2000);
	served_stop(&served);
	ck_assert_int_eq(served_number(&served, "SELECT count(*) FROM tasks WHERE ended_ns IS NOT NULL"), 20);
	ck_assert_int_eq(served_number(&served, "SELECT min(id) FROM tasks WHERE ended_ns IS NOT NULL"), 2280);
	ck_assert_int_eq(served_number(&served, "SELECT count(*) FROM tasks WHERE id = 1000"), 1);
	ck_assert_int_eq(rows_beside(), 0);
}
END_TEST

START_TEST(what_is_too_old_leaves)
{
	struct store_limits limits = { .history_ttl_ns = 3600 * NS_PER_S };

	served_put(&served, STORE_SET_LIMITS, 0, 0, 0, &limits);
	end_many(1, 100, clock_wall_ns() - 7200 * NS_PER_S);
	end_many(1000, 100, clock_wall_ns() - 60 * NS_PER_S);
	served_stop(&served);
	ck_assert_int_eq(served_number(&served, "SELECT min(id) FROM tasks"), 1000);
	ck_assert_int_eq(served_number(&served, "SELECT count(*) FROM tasks"), 100);
	ck_assert_int_eq(rows_beside(), 0);
}
END_TEST

/* Nobody says anything meanwhile. */
START_TEST(what_is_too_old_leaves_an_idle_store_too)
{
	order.limits.history_ttl_ns = 100 * 3600 * NS_PER_S;
	restart();
	end_many(1, 50, clock_wall_ns() - 7200 * NS_PER_S);
	served_stop(&served);
	order.limits.history_ttl_ns = 3600 * NS_PER_S;
	served_start(&served, &order);
	bool gone = false;
	for (int i = 0; i < 3000 && !gone; i++) {
		gone = served_number(&served, "SELECT count(*) FROM tasks") == 0;
		usleep(10000);
	}
	ck_assert(gone);
}
END_TEST

START_TEST(the_room_of_what_has_left_is_used_again)
{
	order.limits.history_count = 10;
	restart();
	end_many(1, MANY, 1000);
	served_stop(&served);
	int64_t pages = served_number(&served, "PRAGMA page_count");
	for (uint64_t round = 1; round <= 5; round++) {
		served_start(&served, &order);
		order.session++;
		seq += 1000;
		end_many(round * MANY + 1, MANY, 1000);
		served_stop(&served);
	}
	ck_assert_int_lt(served_number(&served, "PRAGMA page_count"), pages * 3 / 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_apply");
	TCase *tasks = tcase_create("tasks"), *rest = tcase_create("rest");

	tcase_add_checked_fixture(tasks, setup, teardown);
	tcase_set_timeout(tasks, 60);
	tcase_add_test(tasks, tasks_come_back_in_the_order_of_their_places);
	tcase_add_test(tasks, outcomes_come_back_the_latest_first);
	tcase_add_test(tasks, a_task_may_be_put_when_it_has_ended);
	tcase_add_test(tasks, it_comes_back_as_what_has_become_of_it);
	tcase_add_test(tasks, what_is_very_large_comes_back_whole);
	tcase_add_test(tasks, a_retry_is_named_by_what_it_retries);
	tcase_add_test(tasks, an_outcome_does_not_change);
	tcase_add_test(tasks, what_is_not_there_is_not_made_by_what_becomes_of_it);
	tcase_add_test(tasks, applied_twice_it_is_the_same);
	suite_add_tcase(suite, tasks);
	tcase_add_checked_fixture(rest, setup, teardown);
	tcase_set_timeout(rest, 60);
	tcase_add_test(rest, queues_and_schedules_come_back_first);
	tcase_add_test(rest, numbers_are_those_that_were_written_last);
	tcase_add_test(rest, a_daemon_is_told_of_as_much_as_it_has_room_for);
	tcase_add_test(rest, the_oldest_leave_where_there_are_too_many);
	tcase_add_test(rest, what_is_too_old_leaves);
	tcase_add_test(rest, what_is_too_old_leaves_an_idle_store_too);
	tcase_add_test(rest, the_room_of_what_has_left_is_used_again);
	suite_add_tcase(suite, rest);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
