/* Each member of each message has a value of its own, so that none can be forgotten or taken for another. */
#include "store_samples.h"

#include <stdint.h>
#include <string.h>

#define T(literal) { literal, sizeof(literal) - 1 }

/* --- the same? --- */
static bool text_same(const struct store_text *a, const struct store_text *b)
{
	return !a->data == !b->data && a->length == b->length && (!a->length || memcmp(a->data, b->data, a->length) == 0);
}

#define IS(member) (a->member == b->member)
#define TEXT(member) text_same(&a->member, &b->member)

static bool attempt_same(const struct store_attempt *a, const struct store_attempt *b)
{
	return IS(started_ns) && IS(ended_ns) && TEXT(state) && TEXT(kind) && TEXT(message) && IS(code) && IS(pid);
}

static bool claim_same(const struct store_claim *a, const struct store_claim *b)
{
	return IS(kind) && IS(shared) && IS(count) && IS(slots) && TEXT(name);
}

static bool dependency_same(const struct store_dependency *a, const struct store_dependency *b)
{
	return IS(id) && IS(any) && IS(done) && TEXT(result);
}

static bool outcome_same(const struct store_outcome *a, const struct store_outcome *b)
{
	return TEXT(result) && TEXT(data) && TEXT(message) && TEXT(kind) && IS(code) && IS(dropped) && IS(because_of) &&
		IS(pid) && IS(wait_status) && IS(user_ns) && IS(system_ns) && IS(maxrss_kib) && TEXT(reason);
}

static bool lists_same(const struct store_task *a, const struct store_task *b)
{
	bool same = IS(n_attempts) && IS(n_claims) && IS(n_dependencies);
	for (uint32_t i = 0; same && i < a->n_attempts; i++)
		same = attempt_same(&a->attempts[i], &b->attempts[i]);
	for (uint32_t i = 0; same && i < a->n_claims; i++)
		same = claim_same(&a->claims[i], &b->claims[i]);
	for (uint32_t i = 0; same && i < a->n_dependencies; i++)
		same = dependency_same(&a->dependencies[i], &b->dependencies[i]);
	return same;
}

static bool task_same(const void *left, const void *right)
{
	const struct store_task *a = left, *b = right;
	return IS(id) && IS(place) && IS(retry_of) && IS(retried_as) && IS(replaces) && TEXT(type) && TEXT(queue) && TEXT(state) && TEXT(tag) &&
		TEXT(key) && TEXT(schedule) && IS(owner) && IS(items) && IS(priority) && IS(attempt) && IS(crashes) && IS(command) &&
		IS(detached) && IS(wall) && IS(tried) && IS(on_interrupt_crash) && IS(pass_results) && IS(final) &&
		IS(submitted_ns) && IS(due_ns) && IS(started_ns) && IS(ended_ns) && IS(expires_ns) && IS(timeout_ns) && TEXT(args) &&
		IS(retry.retries) && IS(retry.on) && IS(retry.backoff_ns) && IS(retry.backoff_max_ns) && IS(retry.factor) &&
		IS(retry.jitter) && lists_same(a, b) && outcome_same(&a->outcome, &b->outcome);
}

static bool start_same(const void *left, const void *right)
{
	const struct store_task_start *a = left, *b = right;
	return IS(attempt) && IS(started_ns);
}

static bool state_same(const void *left, const void *right)
{
	const struct store_task_state *a = left, *b = right;
	return TEXT(state) && IS(attempt) && IS(crashes) && IS(wall) && IS(tried) && IS(place) && IS(due_ns) &&
		IS(adds_attempt) && attempt_same(&a->last, &b->last);
}

static bool met_same(const void *left, const void *right)
{
	const struct store_task_met *a = left, *b = right;
	return IS(dependency) && TEXT(result);
}

static bool end_same(const void *left, const void *right)
{
	const struct store_task_end *a = left, *b = right;
	return TEXT(state) && IS(attempt) && IS(crashes) && IS(keeps_args) && IS(started_ns) && IS(ended_ns) &&
		outcome_same(&a->outcome, &b->outcome);
}

static bool queue_same(const void *left, const void *right)
{
	const struct store_queue *a = left, *b = right;
	return TEXT(name) && IS(paused) && IS(draining) && IS(is_made) && IS(is_set) && TEXT(pool) && IS(limit_queued) &&
		IS(limit_bytes) && IS(limit_running) && IS(order) && IS(rate) && IS(burst) && IS(weight) && IS(ageing_ns) &&
		IS(durable);
}

static bool schedule_same(const void *left, const void *right)
{
	const struct store_schedule *a = left, *b = right;
	return TEXT(name) && TEXT(text) && TEXT(groups) && IS(is_cron) && IS(every_ns) && IS(expires_ns) && IS(catch_up) && IS(overlap) &&
		IS(next_ns) && IS(runs) && IS(skipped) && IS(last_id) && IS(owed) && task_same(&a->task, &b->task) && IS(durable);
}

static bool ran_same(const void *left, const void *right)
{
	const struct store_schedule_ran *a = left, *b = right;
	return TEXT(name) && IS(next_ns) && IS(runs) && IS(skipped) && IS(last_id) && IS(owed);
}

static bool ids_same(const void *left, const void *right)
{
	const struct store_ids *a = left, *b = right;
	return IS(next_id) && IS(next_place) && IS(next_fence);
}

static bool name_same(const void *left, const void *right)
{
	const struct store_name *a = left, *b = right;
	return TEXT(name);
}

static bool body_text_same(const void *left, const void *right)
{
	return text_same(left, right);
}

static bool limits_same(const void *left, const void *right)
{
	const struct store_limits *a = left, *b = right;
	return IS(history_ttl_ns) && IS(history_count);
}

static bool open_same(const void *left, const void *right)
{
	const struct store_open *a = left, *b = right;
	return IS(version) && TEXT(directory) && IS(session) && IS(put_aside) && limits_same(&a->limits, &b->limits) &&
		IS(keep.success_after_ns) && IS(keep.failure_after_ns) && IS(keep.count) && IS(keep.bytes);
}

static bool opened_same(const void *left, const void *right)
{
	const struct store_opened *a = left, *b = right;
	return IS(version) && IS(status) && TEXT(text) && IS(next_id) && IS(next_place) && IS(next_fence) && IS(live) &&
		IS(ended) && IS(applied);
}

static bool query_same(const void *left, const void *right)
{
	const struct store_query *a = left, *b = right;
	return IS(question) && IS(id) && IS(states) && TEXT(queue) && TEXT(type) && TEXT(tag) && TEXT(key) && TEXT(path) &&
		IS(by_owner) && IS(owner) && IS(since_ns) && IS(until_ns) && IS(before) && IS(after) && IS(oldest_first) &&
		IS(limit);
}

static bool answer_same(const void *left, const void *right)
{
	const struct store_answer *a = left, *b = right;
	return IS(status) && TEXT(text) && TEXT(json) && IS(more);
}

static bool row_same(const void *left, const void *right)
{
	const struct store_row *a = left, *b = right;
	if (!IS(kind))
		return false;
	switch ((enum store_row_kind)a->kind) {
	case STORE_ROW_QUEUE:
		return queue_same(&a->queue, &b->queue);
	case STORE_ROW_SCHEDULE:
		return schedule_same(&a->schedule, &b->schedule);
	case STORE_ROW_TASK:
		return task_same(&a->task, &b->task);
	}
	return false;
}

/* --- samples --- */
static struct store_attempt attempts[] = {
	{ 0x0101010101010101, -2, T("crashed"), T("worker_died"), T("it was killed"), -3, 4711 },
	{ 5, 6, T("failed"), STORE_TEXT_NONE, T(""), 7, 0 },
};
static struct store_claim claims[] = {
	{ 1, true, 0x01020304, 0x05060708, T("a lock") },
	{ 255, false, UINT32_MAX, 0, T("\0\n\xff") },
	{ 0 },
};
static struct store_dependency dependencies[] = {
	{ UINT64_MAX, true, false, STORE_TEXT_NONE },
	{ 0x1112131415161718, false, true, T("[1,2,3]") },
};
#define OUTCOME                                                                                                        \
	{ T("{\"x\":1}"), T("[]"), T("a message"), T("a kind"), -12345, 0xa1a2a3a4a5a6a7a8, 0xb1b2b3b4b5b6b7b8, 99, 137,    \
		0xc1c2c3c4c5c6c7, 0xd1d2d3d4d5d6d7, 0xe1e2e3e4e5e6e7, T("a reason") }
#define TASK                                                                                                           \
	{ .id = 0x2122232425262728, .place = 0x3132333435363738, .retry_of = 0x4142434445464748,                       \
		.retried_as = 0x5152535455565758, .replaces = 0x5a5b5c5d5e5f5051, .type = T("a type"), .queue = T("a queue"), .state = T("123456789012345"), \
		.tag = T("a tag"), .key = T("a key"), .schedule = T("a schedule"), .owner = 0x61626364, .items = 0x71727374, \
		.priority = -0x01828384, .attempt = 3, .crashes = 254, .command = true, .detached = true, .wall = true,       \
		.tried = true, .on_interrupt_crash = true, .pass_results = true, .final = true,                              \
		.submitted_ns = INT64_MAX, .due_ns = INT64_MIN, .started_ns = 0x0192939495969798,                            \
		.ended_ns = 0x02a2a3a4a5a6a7a8, .expires_ns = -1, .timeout_ns = 0x03b2b3b4b5b6b7b8, .args = T("[\"args\"]"),   \
		.retry = { 0xc1c2c3c4, 0xd1d2d3d4, 0x0e, 0x0f, 1.5, -0.25 }, .attempts = attempts, .n_attempts = 2,          \
		.claims = claims, .n_claims = 3, .dependencies = dependencies, .n_dependencies = 2, .outcome = OUTCOME }
#define QUEUE                                                                                                          \
	{ T("a queue"), true, true, true, true, T("a pool"), 0x0102030405060708, 0x1112131415161718, 0x2122232425262728, 7, \
		1e300, 0x31323334, 0x41424344, 0x5152535455565758, -1 }
#define SCHEDULE                                                                                                       \
	{ T("1000/a schedule"), T("*/5 * * * *"), T("1000 27"), true, 0x0102030405060708, 0x1112131415161718, true, true, 0x2122232425262728, \
		0x3132333435363738, 0x4142434445464748, 0x5152535455565758, 0x61626364, TASK, 1 }

static const struct store_open open = { 0x01020304, T("/var/lib/taskd"), 0x1112131415161718, true,
	{ 0x2122232425262728, 0x3132333435363738 }, { -0x41, 0x5152535455565758, 0x6162636465666768, 0x7172737475767778 } };
static const struct store_query query = { STORE_ASK_BACKUP, 0x0102030405060708, 0x11121314, T("a queue"), T("a type"),
	T("a tag"), T("a key"), T("/a/path"), true, 0x21222324, -0x31, 0x4142434445464748, 0x5152535455565758,
	0x6162636465666768, true, 0x71727374 };
static const struct store_task task = TASK;
static const struct store_task_start start = { 0x0102, 0x1112131415161718 };
static const struct store_task_state state = { T("scheduled"), 0x0102, 3, true, true, 0x1112131415161718,
	0x2122232425262728, true, { 1, 2, T("timed_out"), T("k"), T("m"), 3, 4 } };
static const struct store_task_met met = { 0x01020304, T("[4,5,6]") };
static const struct store_task_end end = { T("succeeded"), 0x0102, 3, true, 0x1112131415161718, 0x2122232425262728, OUTCOME };
static const struct store_queue queue = QUEUE;
static const struct store_schedule schedule = SCHEDULE;
static const struct store_schedule_ran ran = { T("a schedule"), -1, 0x0102030405060708, 0x1112131415161718, 0x2122232425262728,
	0x31323334 };
static const struct store_ids ids = { 0x0102030405060708, 0x1112131415161718, 0x2122232425262728 };
static const struct store_name name = { T("a name") };
static const struct store_text text = T("a text");
static const struct store_opened opened = { 0x01020304, STORE_OPEN_ERROR, T("a text"), 0x1112131415161718, 0x2122232425262728,
	0x3132333435363738, 0x4142434445464748, 0x5152535455565758, 0x6162636465666768 };
static const struct store_row row_task = { STORE_ROW_TASK, .task = TASK };
static const struct store_row row_queue = { STORE_ROW_QUEUE, .queue = QUEUE };
static const struct store_row row_schedule = { STORE_ROW_SCHEDULE, .schedule = SCHEDULE };
static const struct store_answer answer = { STORE_ANSWER_ERROR, T("a text"), T("{}"), true };
static const struct store_row row_nothing = { .kind = STORE_ROW_TASK };
static const union store_sample nothing;

const struct store_sample_of store_samples[] = {
	{ STORE_OPEN, "open", &open, open_same },
	{ STORE_OPEN, "open, of nothing", &nothing, open_same },
	{ STORE_LOAD, "load", NULL, NULL },
	{ STORE_QUERY, "query", &query, query_same },
	{ STORE_QUERY, "query, of nothing", &nothing, query_same },
	{ STORE_SET_LIMITS, "limits", &open.limits, limits_same },
	{ STORE_STOP, "stop", NULL, NULL },
	{ STORE_AGAIN, "again", NULL, NULL },
	{ STORE_TASK_PUT, "task", &task, task_same },
	{ STORE_TASK_PUT, "task, of nothing", &nothing, task_same },
	{ STORE_TASK_START, "start", &start, start_same },
	{ STORE_TASK_STATE, "state", &state, state_same },
	{ STORE_TASK_STATE, "state, of nothing", &nothing, state_same },
	{ STORE_TASK_MET, "met", &met, met_same },
	{ STORE_TASK_MET, "met, of nothing", &nothing, met_same },
	{ STORE_TASK_END, "end", &end, end_same },
	{ STORE_TASK_END, "end, of nothing", &nothing, end_same },
	{ STORE_TASK_FORGET, "forget", NULL, NULL },
	{ STORE_QUEUE_PUT, "queue", &queue, queue_same },
	{ STORE_QUEUE_PUT, "queue, of nothing", &nothing, queue_same },
	{ STORE_QUEUE_DROP, "queue's name", &name, name_same },
	{ STORE_SCHEDULE_PUT, "schedule", &schedule, schedule_same },
	{ STORE_SCHEDULE_PUT, "schedule, of nothing", &nothing, schedule_same },
	{ STORE_SCHEDULE_RAN, "ran", &ran, ran_same },
	{ STORE_SCHEDULE_DROP, "schedule's name", &name, name_same },
	{ STORE_IDS, "ids", &ids, ids_same },
	{ STORE_OPENED, "opened", &opened, opened_same },
	{ STORE_OPENED, "opened, of nothing", &nothing, opened_same },
	{ STORE_COMMITTED, "committed", NULL, NULL },
	{ STORE_REFUSED, "refused", &text, body_text_same },
	{ STORE_FAILED, "failed", &nothing, body_text_same },
	{ STORE_ROW, "row of a task", &row_task, row_same },
	{ STORE_ROW, "row of a queue", &row_queue, row_same },
	{ STORE_ROW, "row of a schedule", &row_schedule, row_same },
	{ STORE_LOADED, "loaded", NULL, NULL },
	{ STORE_FOUND, "found", &row_task, row_same },
	{ STORE_FOUND, "found, of nothing", &row_nothing, row_same },
	{ STORE_ANSWERED, "answered", &answer, answer_same },
	{ STORE_ANSWERED, "answered, of nothing", &nothing, answer_same },
};
const size_t n_store_samples = sizeof store_samples / sizeof *store_samples;
