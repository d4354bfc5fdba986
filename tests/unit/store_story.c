#include "store_story.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct story story;

/* What is made up lives until the end. */
struct kept {
	struct kept *next;
	max_align_t data[];
};
static struct kept *kept;

static void *keep_memory(size_t size)
{
	struct kept *one = calloc(1, sizeof(*one) + size);

	ck_assert_ptr_nonnull(one);
	one->next = kept;
	kept = one;
	return one->data;
}

static struct store_text kept_name(const char *name)
{
	size_t length = strlen(name);

	return store_text_of(memcpy(keep_memory(length + 1), name, length), length);
}

void story_begin(void)
{
	served_make(&story.served, NULL);
	story.order = (struct store_open){ .session = 7, .keep = { .count = UINT64_MAX, .bytes = UINT64_MAX } };
	story.seq = 0;
	story.random = 42;
	served_start(&story.served, &story.order);
}

void story_finish(void)
{
	served_free(&story.served);
	while (kept) {
		struct kept *one = kept;
		kept = one->next;
		free(one);
	}
}

uint64_t story_chance(uint64_t n)
{
	story.random = story.random * 6364136223846793005u + 1442695040888963407u;
	return (story.random >> 33) % n;
}

/* --- what is made up --- */

static struct store_text some_text(size_t most)
{
	size_t length = story_chance(most + 1);
	char *data = keep_memory(length + 1);

	for (size_t i = 0; i < length; i++)
		data[i] = (char)(' ' + story_chance(95));
	return store_text_of(data, length);
}

static struct store_text maybe_text(size_t most)
{
	return story_chance(2) ? STORE_TEXT_NONE : some_text(most);
}

/* Small, of a page, of some. */
static struct store_text payload(void)
{
	static const size_t sizes[] = { 40, 40, 40, 1600, 20000 };

	return maybe_text(sizes[story_chance(5)]);
}

static int64_t some_ns(void)
{
	return story_chance(3) ? (int64_t)(story_chance(1u << 30) * 1000003 + 1) : 0;
}

static void make_sides(struct store_task *task)
{
	task->n_attempts = story_chance(4) ? 0 : (uint32_t)story_chance(5);
	task->attempts = keep_memory((task->n_attempts + 1) * sizeof(*task->attempts));
	for (uint32_t i = 0; i < task->n_attempts; i++)
		task->attempts[i] = (struct store_attempt){ .started_ns = some_ns(),
			.ended_ns = some_ns(),
			.state = story_text("failed"),
			.kind = maybe_text(10),
			.message = maybe_text(600),
			.code = (int32_t)story_chance(9) - 4,
			.pid = (int32_t)story_chance(3) };
	task->n_claims = story_chance(4) ? 0 : (uint32_t)story_chance(4);
	task->claims = keep_memory((task->n_claims + 1) * sizeof(*task->claims));
	for (uint32_t i = 0; i < task->n_claims; i++)
		task->claims[i] = (struct store_claim){ .kind = (uint8_t)story_chance(2),
			.shared = story_chance(2),
			.count = (uint32_t)story_chance(5),
			.slots = (uint32_t)story_chance(9),
			.name = some_text(30) };
	task->n_dependencies = story_chance(4) ? 0 : (uint32_t)story_chance(4);
	task->dependencies = keep_memory((task->n_dependencies + 1) * sizeof(*task->dependencies));
	for (uint32_t i = 0; i < task->n_dependencies; i++)
		task->dependencies[i] = (struct store_dependency){ .id = 100000 + story_chance(1000),
			.any = story_chance(2),
			.done = story_chance(2),
			.result = maybe_text(3000) };
	if (story_chance(2)) {
		task->retry.retries = (uint32_t)story_chance(4);
		task->retry.on = (uint32_t)story_chance(8);
		task->retry.backoff_ns = some_ns();
		task->retry.backoff_max_ns = some_ns();
		task->retry.factor = (double)story_chance(8) / 4;
		task->retry.jitter = (double)story_chance(8) / 8;
	}
}

struct store_task story_task(uint64_t id)
{
	static const char *const states[] = { "queued", "scheduled", "blocked", "running" };
	struct store_task task = {
		.id = id,
		.place = id * 2,
		.retry_of = story_chance(5) ? 0 : 5000 + story_chance(100),
		.retried_as = story_chance(5) ? 0 : story_chance(100),
		.type = some_text(30),
		.queue = some_text(30),
		.state = story_text(states[story_chance(4)]),
		.tag = maybe_text(20),
		.key = maybe_text(200),
		.schedule = maybe_text(20),
		.owner = (uint32_t)story_chance(UINT32_MAX) + (uint32_t)story_chance(2) * 0x80000000u,
		.items = (uint32_t)story_chance(3),
		.priority = (int32_t)story_chance(2000) - 1000,
		.attempt = (uint16_t)(1 + story_chance(UINT16_MAX)),
		.crashes = (uint8_t)story_chance(4),
		.command = story_chance(2),
		.detached = story_chance(2),
		.wall = story_chance(2),
		.tried = story_chance(2),
		.on_interrupt_crash = story_chance(2),
		.pass_results = story_chance(2),
		.final = story_chance(2),
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
		.code = (int32_t)story_chance(5) - 2,
		.dropped = story_chance(3),
		.because_of = story_chance(3) };

	if (story_chance(3) == 0) {
		outcome.pid = 1 + (int32_t)story_chance(30000);
		outcome.wait_status = (int32_t)story_chance(65536);
		outcome.user_ns = some_ns();
		outcome.system_ns = some_ns();
		outcome.maxrss_kib = some_ns();
		outcome.reason = maybe_text(30);
	}
	return outcome;
}

struct store_task_end story_end(struct store_task *task, int64_t ended_ns)
{
	static const char *const states[] = { "succeeded", "failed", "crashed", "cancelled", "timed_out", "expired" };
	struct store_task_end end = {
		.state = story_text(states[story_chance(6)]),
		.attempt = (uint16_t)story_chance(9),
		.crashes = (uint8_t)story_chance(9),
		.keeps_args = story_chance(2),
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

struct store_queue story_queue(unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "queue%03u", i);
	return (struct store_queue){ .name = kept_name(name),
		.paused = story_chance(2),
		.draining = story_chance(2),
		.is_made = story_chance(2),
		.is_set = story_chance(2),
		.pool = maybe_text(20),
		.limit_queued = story_chance(3) ? story_chance(1000) : UINT64_MAX,
		.limit_bytes = story_chance(1000),
		.limit_running = story_chance(1000),
		.order = (uint8_t)story_chance(3),
		.rate = (double)story_chance(100) / 8,
		.burst = (uint32_t)story_chance(UINT32_MAX),
		.weight = (uint32_t)story_chance(100),
		.ageing_ns = some_ns(),
		.durable = (int8_t)((int)story_chance(3) - 1) };
}

struct store_schedule story_schedule(unsigned i)
{
	struct store_task task = story_task(0);
	char name[16];

	snprintf(name, sizeof(name), "plan%03u", i);
	task.place = task.retry_of = task.retried_as = task.attempt = task.crashes = 0;
	task.state = task.key = task.schedule = STORE_TEXT_NONE;
	task.submitted_ns = task.due_ns = task.started_ns = task.expires_ns = 0;
	task.n_attempts = task.n_dependencies = 0;
	return (struct store_schedule){ .name = kept_name(name),
		.text = maybe_text(20),
		.groups = maybe_text(20),
		.is_cron = story_chance(2),
		.every_ns = some_ns(),
		.expires_ns = some_ns(),
		.catch_up = story_chance(2),
		.overlap = story_chance(2),
		.next_ns = some_ns(),
		.runs = story_chance(1000),
		.skipped = story_chance(1000),
		.last_id = story_chance(1000),
		.owed = (uint32_t)story_chance(1000),
		.task = task,
		.durable = (int8_t)((int)story_chance(3) - 1) };
}

/* --- what is compared --- */

struct told story_tell(const struct store_row *row)
{
	const struct store_header header = { .message = STORE_ROW };
	struct store_buffer buffer = { 0 };

	ck_assert(store_write(&buffer, &header, row));
	struct told told = { keep_memory(buffer.length), buffer.length,
		row->kind == STORE_ROW_TASK ? row->task.id : 0 };
	memcpy(told.data, buffer.data, buffer.length);
	store_buffer_free(&buffer);
	return told;
}

static bool same(const struct told *a, const struct told *b)
{
	return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

struct told story_tell_task(const struct store_task *task)
{
	return story_tell(&(struct store_row){ .kind = STORE_ROW_TASK, .task = *task });
}

void story_put(enum store_message message, uint64_t id, const void *body)
{
	served_put(&story.served, message, ++story.seq, id, 0, body);
}

void story_put_task(const struct store_task *task)
{
	story_put(STORE_TASK_PUT, task->id, task);
}

void story_commit(void)
{
	bool committed = served_committed(&story.served, story.seq);

	ck_assert(committed);
}

static void load(void)
{
	struct store_header header;
	union served_body body;
	bool good = true;

	for (story.n_told = 0; good;) {
		good = served_hear(&story.served, &header, &body) && header.message == STORE_ROW &&
			story.n_told < 4 * STORY_MANY;
		if (!good)
			break;
		story.told[story.n_told++] = story_tell(&body.row);
		store_body_free(STORE_ROW, &body);
	}
	ck_assert_int_eq(header.message, STORE_LOADED);
}

/* Another daemon, which is told of everything. */
void story_restart(void)
{
	story_commit();
	int status = served_stop(&story.served);
	ck_assert_int_eq(status, 0);
	story.order.session++;
	story.seq = 0;
	served_start(&story.served, &story.order);
	ck_assert_int_eq(story.served.opened.status, STORE_OPEN_FINE);
	served_put(&story.served, STORE_LOAD, 0, 0, 0, NULL);
	load();
}

void story_assert_told(const struct told *expected, size_t n)
{
	size_t wrong = 0;

	ck_assert_uint_eq(story.n_told, n);
	while (wrong < n && same(&expected[wrong], &story.told[wrong]))
		wrong++;
	ck_assert_msg(wrong == n, "row %zu (task %llu) is another", wrong, (unsigned long long)story.told[wrong].id);
}
