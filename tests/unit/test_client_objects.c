/* Named objects as libtaskd asks for them, and what it makes of the answers. These are there before they are asked for, so
 * one thread is enough; test_client_objects_threads.c has several. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskd.h"
#include "client_fake.h"

static struct fake fake;
static struct taskd *c;
static struct taskd_grant grant;
static struct taskd_message message;
static int last_id;

static void setup(void)
{
	fake_begin(&fake);
	c = fake_connect(&fake);
	last_id = 0;
	/* What a function does not fill in is seen. */
	grant = (struct taskd_grant){ .fence = 99, .holder_died = true, .depth = 99 };
	message = (struct taskd_message){ .length = 99, .priority = 99, .deliveries = 99, .receipt = "99" };
}

static void teardown(void)
{
	taskd_message_free(&message);
	taskd_close(c);
	fake_end(&fake);
}

/* To the next request. */
static void answer(const char *result)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%s}", ++last_id, result);
}

static void answer_error(const char *kind, const char *text)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%d,\"error\":{\"code\":-32099,\"message\":\"%s\",\"data\":{\"kind\":\"%s\"}}}",
		++last_id, text, kind);
}

static const struct taskd_failure *failure_with(const char *data)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%d,\"error\":{\"code\":-32030,\"message\":\"pid 7 has it\",\"data\":%s}}",
		++last_id, data);
	ck_assert_int_ne(taskd_lock_release(c, "db", NULL), TASKD_OK);
	return taskd_future_error(NULL);
}

/* That one was this. */
static void check_asked(const char *method, const char *members)
{
	char line[1024];

	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":{%s}}", last_id,
		method, members);
	fake_expect(&fake, c, line);
}

static void check_last(enum taskd_error error, const char *text)
{
	const char *why;

	ck_assert_int_eq(taskd_last_error(&why), error);
	ck_assert_msg(strstr(why, text) != NULL, "%s", why);
}

static void check_grant(uint64_t fence, bool holder_died, int64_t depth)
{
	ck_assert_uint_eq(grant.fence, fence);
	ck_assert_int_eq(grant.holder_died, holder_died);
	ck_assert_int_eq(grant.depth, depth);
}

#define GRANTED "{\"fence\":17,\"holder_died\":false,\"depth\":1}"

/* --- locks --- */

START_TEST(a_lock_is_asked_for_as_it_was_said)
{
	static const struct {
		struct taskd_lock_options options;
		const char *members;
	} cases[] = {
		{ { .shared = false }, "" },
		{ { .shared = true }, ",\"shared\":true" },
		{ { .reentrant = true }, ",\"reentrant\":true" },
		{ { .who = { .holder = "a \"thread\"" } }, ",\"holder\":\"a \\\"thread\\\"\"" },
		{ { .who = { .task = "42" } }, ",\"task\":\"42\"" },
		{ { .shared = true, .reentrant = true, .who = { .holder = "a", .task = "42" } },
			",\"shared\":true,\"reentrant\":true,\"holder\":\"a\",\"task\":\"42\"" },
	};
	char members[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer(GRANTED);
		ck_assert_int_eq(taskd_lock_acquire(c, "db", &cases[i].options, TASKD_FOREVER, &grant), TASKD_OK);
		snprintf(members, sizeof(members), "\"name\":\"db\"%s", cases[i].members);
		check_asked("lock.acquire", members);
		check_grant(17, false, 1);
	}
	answer(GRANTED);
	ck_assert_int_eq(taskd_lock_acquire(c, "the\n\"db\"", NULL, TASKD_FOREVER, NULL), TASKD_OK);
	check_asked("lock.acquire", "\"name\":\"the\\n\\\"db\\\"\"");
}
END_TEST

START_TEST(the_time_limit_is_the_daemons_to_keep)
{
	static const struct {
		int64_t timeout_ns;
		const char *members;
	} cases[] = {
		{ TASKD_FOREVER, "" },
		{ 0, ",\"timeout\":\"0s\"" },
		{ -1, ",\"timeout\":\"0s\"" },
		{ INT64_MIN, ",\"timeout\":\"0s\"" },
		{ 1, ",\"timeout\":\"1ns\"" },
		{ 1500 * TASKD_MS, ",\"timeout\":\"1.5s\"" },
		{ TASKD_FOREVER - 1, ",\"timeout\":\"36500d\"" },
	};
	char members[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(members, sizeof(members), "\"name\":\"x\"%s", cases[i].members);
		answer(GRANTED);
		ck_assert_int_eq(taskd_lock_acquire(c, "x", NULL, cases[i].timeout_ns, NULL), TASKD_OK);
		check_asked("lock.acquire", members);
		answer(GRANTED);
		ck_assert_int_eq(taskd_semaphore_acquire(c, "x", NULL, cases[i].timeout_ns, NULL), TASKD_OK);
		check_asked("semaphore.acquire", members);
		answer("true");
		ck_assert_int_eq(taskd_event_wait(c, "x", cases[i].timeout_ns), TASKD_OK);
		check_asked("event.wait", members);
		answer("{\"value\":1}");
		ck_assert_int_eq(taskd_mq_get(c, "x", NULL, cases[i].timeout_ns, &message), TASKD_OK);
		taskd_message_free(&message);
		check_asked("mq.get", members);
		answer("true");
		ck_assert_int_eq(taskd_mq_join(c, "x", cases[i].timeout_ns), TASKD_OK);
		check_asked("mq.join", members);
	}
}
END_TEST

START_TEST(a_grant_is_told)
{
	answer("{\"later\":[],\"depth\":3,\"holder_died\":true,\"fence\":9007199254740991}");
	ck_assert_int_eq(taskd_lock_acquire(c, "db", NULL, 0, &grant), TASKD_OK);
	check_grant(9007199254740991, true, 3);
	answer("{\"fence\":1,\"holder_died\":true}");
	ck_assert_int_eq(taskd_semaphore_acquire(c, "db", NULL, 0, &grant), TASKD_OK);
	check_grant(1, true, 0);
}
END_TEST

START_TEST(a_refusal_has_the_daemons_words_and_no_grant)
{
	static const struct {
		const char *kind;
		enum taskd_error error;
	} kinds[] = {
		{ "wait_timed_out", TASKD_E_TIMEOUT },
		{ "deadlock", TASKD_E_DEADLOCK },
		{ "too_many", TASKD_E_UNAVAILABLE },
		{ "mismatch", TASKD_E_MISMATCH },
		{ "denied", TASKD_E_DENIED },
		{ "not_running", TASKD_E_NOT_RUNNING },
		{ "invalid_params", TASKD_E_INVALID },
	};
	char text[401]; /* as long as the daemon's are */

	memset(text, 'x', sizeof(text));
	memcpy(text + 380, "pid 7 waits for it\0", 19);
	answer_error(kinds[_i].kind, text);
	ck_assert_int_eq(taskd_lock_acquire(c, "db", NULL, 0, &grant), kinds[_i].error);
	check_last(kinds[_i].error, text);
	check_grant(0, false, 0);
	grant.fence = 99;
	answer_error(kinds[_i].kind, text);
	ck_assert_int_eq(taskd_semaphore_acquire(c, "db", NULL, 0, &grant), kinds[_i].error);
	check_last(kinds[_i].error, text);
	check_grant(0, false, 0);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
}
END_TEST

START_TEST(a_lock_is_released)
{
	answer("{\"depth\":0}");
	ck_assert_int_eq(taskd_lock_release(c, "db", NULL), TASKD_OK);
	check_asked("lock.release", "\"name\":\"db\"");
	answer("{\"depth\":1}");
	ck_assert_int_eq(taskd_lock_release(c, "db", &(struct taskd_holder){ "a", "42" }), TASKD_OK);
	check_asked("lock.release", "\"name\":\"db\",\"holder\":\"a\",\"task\":\"42\"");
	answer_error("not_held", "nobody holds it");
	ck_assert_int_eq(taskd_lock_release(c, "db", NULL), TASKD_E_NOT_HELD);
	check_last(TASKD_E_NOT_HELD, "nobody holds it");
	answer_error("not_owner", "pid 7 of root holds it");
	ck_assert_int_eq(taskd_lock_release(c, "db", NULL), TASKD_E_NOT_OWNER);
	check_last(TASKD_E_NOT_OWNER, "pid 7 of root holds it");
}
END_TEST

START_TEST(a_lock_that_is_there_need_not_be_held)
{
	static const struct {
		const char *list;
		bool locked;
	} cases[] = {
		{ "[]", false },
		{ "[{\"name\":\"db\",\"holders\":[],\"waiting\":[],\"holder_died\":true}]", false },
		{ "[{\"name\":\"db\",\"waiting\":[],\"holders\":[{\"pid\":7,\"user\":\"root\"}]}]", true },
	};
	bool locked = !cases[_i].locked;

	answer(cases[_i].list);
	ck_assert_int_eq(taskd_lock_locked(c, "db", &locked), TASKD_OK);
	ck_assert_int_eq(locked, cases[_i].locked);
	check_asked("lock.list", "\"name\":\"db\"");
}
END_TEST

START_TEST(a_refusal_is_told_with_all_that_it_says)
{
#define HELD_BY "{\"kind\":\"not_owner\",\"hint\":\"ask it\",\"held_by\":{\"pid\":7}}"
	const struct taskd_failure *failure = failure_with(HELD_BY);
	static char large[6000];

	ck_assert_int_eq(failure->error, TASKD_E_NOT_OWNER);
	ck_assert_int_eq(failure->code, -32030);
	ck_assert_str_eq(failure->kind, "not_owner");
	ck_assert_str_eq(failure->message, "pid 7 has it");
	ck_assert_str_eq(failure->hint, "ask it");
	ck_assert_str_eq(failure->data, HELD_BY);
	ck_assert_int_eq(taskd_lock_release(c, "", NULL), TASKD_E_INVALID);
	ck_assert_str_eq(taskd_future_error(NULL)->kind, ""); /* nothing of it is left */
	ck_assert_ptr_null(taskd_future_error(NULL)->hint);
	ck_assert_ptr_null(taskd_future_error(NULL)->data);
	/* What is too long is not there, rather than half. */
	snprintf(large, sizeof(large), "{\"kind\":\"not_owner\",\"x\":\"%05000d\"}", 1);
	failure = failure_with(large);
	ck_assert_str_eq(failure->kind, "not_owner");
	ck_assert_ptr_null(failure->data);
}
END_TEST

/* --- semaphores, events, conditions, barriers --- */

START_TEST(a_semaphore_is_asked_for_as_it_was_said)
{
	static const struct {
		struct taskd_semaphore_options options;
		const char *members;
	} cases[] = {
		{ { .slots = 0 }, "" },
		{ { .slots = 3 }, ",\"slots\":3" },
		{ { .slots = -1, .unbounded = true }, ",\"slots\":0,\"bounded\":false" },
		{ { .count = 2 }, ",\"count\":2" },
		{ { .slots = 4, .count = 2, .who = { "a", "42" } },
			",\"slots\":4,\"count\":2,\"holder\":\"a\",\"task\":\"42\"" },
	};
	char members[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(members, sizeof(members), "\"name\":\"gpu\"%s", cases[i].members);
		answer("{\"fence\":17,\"holder_died\":false}");
		ck_assert_int_eq(taskd_semaphore_acquire(c, "gpu", &cases[i].options, TASKD_FOREVER, &grant), TASKD_OK);
		check_asked("semaphore.acquire", members);
		check_grant(17, false, 0);
		answer("{\"value\":3}");
		ck_assert_int_eq(taskd_semaphore_release(c, "gpu", &cases[i].options), TASKD_OK);
		check_asked("semaphore.release", members);
	}
	answer("{\"value\":1}");
	ck_assert_int_eq(taskd_semaphore_release(c, "gpu", NULL), TASKD_OK);
	check_asked("semaphore.release", "\"name\":\"gpu\"");
	answer_error("over_released", "it has 1");
	ck_assert_int_eq(taskd_semaphore_release(c, "gpu", NULL), TASKD_E_OVER_RELEASED);
	check_last(TASKD_E_OVER_RELEASED, "it has 1");
}
END_TEST

START_TEST(an_event_is_set_cleared_looked_at)
{
	bool set = false;

	answer("true");
	ck_assert_int_eq(taskd_event_set(c, "go"), TASKD_OK);
	check_asked("event.set", "\"name\":\"go\"");
	answer("true");
	ck_assert_int_eq(taskd_event_clear(c, "go"), TASKD_OK);
	check_asked("event.clear", "\"name\":\"go\"");
	answer("{\"set\":true}");
	ck_assert_int_eq(taskd_event_is_set(c, "go", &set), TASKD_OK);
	check_asked("event.is_set", "\"name\":\"go\"");
	ck_assert(set);
	answer("{\"set\":false}");
	ck_assert_int_eq(taskd_event_is_set(c, "go", &set), TASKD_OK);
	ck_assert(!set);
	answer_error("wait_timed_out", "it was not set in time");
	ck_assert_int_eq(taskd_event_wait(c, "go", 1), TASKD_E_TIMEOUT);
	check_last(TASKD_E_TIMEOUT, "it was not set in time");
}
END_TEST

START_TEST(a_condition_gives_its_lock_back_also_when_time_is_over)
{
	const struct taskd_holder who = { .holder = "a" };

	answer("{\"notified\":true,\"fence\":5,\"holder_died\":false}");
	ck_assert_int_eq(taskd_condition_wait(c, "full", "db", &who, TASKD_SECOND, &grant), TASKD_OK);
	check_asked("condition.wait", "\"name\":\"full\",\"lock\":\"db\",\"holder\":\"a\",\"timeout\":\"1s\"");
	check_grant(5, false, 0);
	answer("{\"notified\":false,\"fence\":6,\"holder_died\":true}");
	ck_assert_int_eq(taskd_condition_wait(c, "full", "db", NULL, TASKD_FOREVER, &grant), TASKD_E_TIMEOUT);
	check_asked("condition.wait", "\"name\":\"full\",\"lock\":\"db\"");
	check_last(TASKD_E_TIMEOUT, "time");
	check_grant(6, true, 0);
	answer("{\"notified\":false,\"fence\":7,\"holder_died\":false}");
	ck_assert_int_eq(taskd_condition_wait(c, "full", "db", NULL, 0, NULL), TASKD_E_TIMEOUT);
	answer_error("not_held", "you do not hold it");
	ck_assert_int_eq(taskd_condition_wait(c, "full", "db", NULL, 0, &grant), TASKD_E_NOT_HELD);
	check_grant(0, false, 0);
	ck_assert_int_eq(taskd_condition_wait(c, "full", NULL, NULL, 0, &grant), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "no lock was given");
}
END_TEST

START_TEST(some_or_all_are_notified)
{
	int64_t notified = 99;

	answer("{\"notified\":1}");
	ck_assert_int_eq(taskd_condition_notify(c, "full", "db", NULL, 1, &notified), TASKD_OK);
	check_asked("condition.notify", "\"name\":\"full\",\"lock\":\"db\",\"count\":1");
	ck_assert_int_eq(notified, 1);
	answer("{\"notified\":12}");
	ck_assert_int_eq(taskd_condition_notify(c, "full", "db", &(struct taskd_holder){ .task = "42" }, 0, &notified),
		TASKD_OK);
	check_asked("condition.notify", "\"name\":\"full\",\"lock\":\"db\",\"task\":\"42\",\"all\":true");
	ck_assert_int_eq(notified, 12);
	answer("{\"notified\":0}");
	ck_assert_int_eq(taskd_condition_notify(c, "full", "db", NULL, -1, NULL), TASKD_OK);
	answer_error("not_owner", "pid 7 holds it");
	ck_assert_int_eq(taskd_condition_notify(c, "full", "db", NULL, 1, &notified), TASKD_E_NOT_OWNER);
	ck_assert_int_eq(notified, 0);
}
END_TEST

START_TEST(a_barrier_lets_all_go_or_is_broken)
{
	int64_t index = 99;

	answer("{\"index\":2}");
	ck_assert_int_eq(taskd_barrier_wait(c, "b", 3, TASKD_FOREVER, &index), TASKD_OK);
	check_asked("barrier.wait", "\"name\":\"b\",\"parties\":3");
	ck_assert_int_eq(index, 2);
	answer("{\"index\":0}");
	ck_assert_int_eq(taskd_barrier_wait(c, "b", 0, TASKD_SECOND, NULL), TASKD_OK);
	check_asked("barrier.wait", "\"name\":\"b\",\"timeout\":\"1s\"");
	answer_error("barrier_broken", "it is broken");
	ck_assert_int_eq(taskd_barrier_wait(c, "b", 3, TASKD_FOREVER, &index), TASKD_E_BARRIER_BROKEN);
	ck_assert_int_eq(index, 0);
	check_asked("barrier.wait", "\"name\":\"b\",\"parties\":3");
	answer("true");
	ck_assert_int_eq(taskd_barrier_abort(c, "b"), TASKD_OK);
	check_asked("barrier.abort", "\"name\":\"b\"");
	answer("true");
	ck_assert_int_eq(taskd_barrier_reset(c, "b"), TASKD_OK);
	check_asked("barrier.reset", "\"name\":\"b\"");
}
END_TEST

/* --- message queues --- */

START_TEST(a_message_queue_is_described)
{
	static const struct {
		struct taskd_mq_options options;
		const char *members;
	} cases[] = {
		{ { .order = TASKD_MQ_ANY }, "" },
		{ { .order = TASKD_MQ_FIFO }, ",\"order\":\"fifo\"" },
		{ { .order = TASKD_MQ_LIFO, .limit_count = 5 }, ",\"order\":\"lifo\",\"limit_count\":5" },
		{ { .order = TASKD_MQ_PRIORITY, .limit_bytes = 5000000000 },
			",\"order\":\"priority\",\"limit_bytes\":5000000000" },
	};
	char members[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct taskd_mq_put_options put = { .mq = cases[i].options };
		snprintf(members, sizeof(members), "\"name\":\"q\"%s", cases[i].members);
		answer("{\"created\":true}");
		ck_assert_int_eq(taskd_mq_create(c, "q", &cases[i].options), TASKD_OK);
		check_asked("mq.create", members);
		snprintf(members, sizeof(members), "\"name\":\"q\"%s,\"value\":1", cases[i].members);
		answer("true");
		ck_assert_int_eq(taskd_mq_put(c, "q", "1", &put, TASKD_FOREVER), TASKD_OK);
		check_asked("mq.put", members);
	}
	answer("{\"created\":false}");
	ck_assert_int_eq(taskd_mq_create(c, "q", NULL), TASKD_OK);
	check_asked("mq.create", "\"name\":\"q\"");
}
END_TEST

START_TEST(a_queue_for_all_users_is_made_so_and_not_by_a_put)
{
	const struct taskd_mq_options shared = { .shared = true };
	const struct taskd_mq_put_options put = { .mq = shared };

	answer("{\"created\":true}");
	ck_assert_int_eq(taskd_mq_create(c, "q", &shared), TASKD_OK);
	check_asked("mq.create", "\"name\":\"q\",\"shared\":true");
	ck_assert_int_eq(taskd_mq_put(c, "q", "1", &put, TASKD_FOREVER), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "taskd_mq_create can");
}
END_TEST

START_TEST(whose_queue_it_is_is_told_to_who_may_not_use_it)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%d,\"error\":{\"code\":-32009,\"message\":\"q is anna's\","
		"\"data\":{\"kind\":\"denied\",\"right\":\"submit\"}}}",
		++last_id);
	ck_assert_int_eq(taskd_mq_put(c, "q", "1", NULL, TASKD_FOREVER), TASKD_E_DENIED);
	ck_assert_str_eq(taskd_future_error(NULL)->message, "q is anna's");
	ck_assert_str_eq(taskd_future_error(NULL)->data, "{\"kind\":\"denied\",\"right\":\"submit\"}");
}
END_TEST

START_TEST(any_json_value_is_put_and_nothing_else)
{
	static const char *const values[] = { "null", "-1.5e3", "\"a\\nb\"", "[1,{\"a\":null}]", "{}" };
	static const char *const others[] = { "", "a", "1 2", "[", "\"\n\"", "\"\xff\"", "nul" };
	const struct taskd_mq_put_options options = { .priority = -3, .head = true };
	char members[256];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(members, sizeof(members), "\"name\":\"q\",\"timeout\":\"0s\",\"value\":%s", values[i]);
		answer("true");
		ck_assert_int_eq(taskd_mq_put(c, "q", values[i], NULL, 0), TASKD_OK);
		check_asked("mq.put", members);
	}
	answer("true");
	ck_assert_int_eq(taskd_mq_put(c, "q", "[1,\n\r2] ", &options, TASKD_FOREVER), TASKD_OK);
	check_asked("mq.put", "\"name\":\"q\",\"priority\":-3,\"end\":\"head\",\"value\":[1,  2] ");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		ck_assert_int_eq(taskd_mq_put(c, "q", others[i], NULL, 0), TASKD_E_INVALID);
		check_last(TASKD_E_INVALID, "the value: not JSON");
	}
	ck_assert_int_eq(taskd_mq_put(c, "q", NULL, NULL, 0), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "no value was given");
	answer_error("queue_full", "it has 5 messages");
	ck_assert_int_eq(taskd_mq_put(c, "q", "1", NULL, 0), TASKD_E_QUEUE_FULL);
	check_last(TASKD_E_QUEUE_FULL, "it has 5 messages");
	check_asked("mq.put", "\"name\":\"q\",\"timeout\":\"0s\",\"value\":1"); /* and nothing before it */
}
END_TEST

START_TEST(a_message_is_read_into_its_parts)
{
	answer("{\"value\":[1,{\"value\":2}]}");
	ck_assert_int_eq(taskd_mq_get(c, "q", NULL, TASKD_FOREVER, &message), TASKD_OK);
	check_asked("mq.get", "\"name\":\"q\"");
	ck_assert_str_eq(message.value, "[1,{\"value\":2}]");
	ck_assert_uint_eq(message.length, 15);
	ck_assert_int_eq(message.priority, 0);
	ck_assert_int_eq(message.deliveries, 1);
	ck_assert_str_eq(message.receipt, "");
	taskd_message_free(&message);
	ck_assert_ptr_null(message.value);
	taskd_message_free(&message);
	taskd_message_free(NULL);

	answer("{\"deliveries\":3,\"receipt\":\"18446744073709551615\",\"value\":\"x\",\"priority\":-2147483648,\"later\":{}}");
	ck_assert_int_eq(taskd_mq_get(c, "q", &(struct taskd_mq_get_options){ .tail = true, .ack = true }, TASKD_SECOND,
				 &message),
		TASKD_OK);
	check_asked("mq.get", "\"name\":\"q\",\"end\":\"tail\",\"ack\":true,\"timeout\":\"1s\"");
	ck_assert_str_eq(message.value, "\"x\"");
	ck_assert_int_eq(message.priority, INT32_MIN);
	ck_assert_int_eq(message.deliveries, 3);
	taskd_message_free(&message);
	ck_assert_ptr_null(message.value);
	ck_assert_str_eq(message.receipt, "18446744073709551615"); /* who frees first can acknowledge all the same */
}
END_TEST

START_TEST(a_message_of_any_length_is_the_callers)
{
	static char text[100000], result[100100];

	for (size_t length = 2; length < sizeof(text) - 1; length = length < 100 ? length + 1 : length * 3) {
		memset(text, 'a' + (int)(length % 26), length);
		text[0] = text[length - 1] = '"';
		text[length] = '\0';
		snprintf(result, sizeof(result), "{\"priority\":7,\"value\":%s,\"receipt\":\"1\"}", text);
		answer(result);
		bool fine = taskd_mq_get(c, "q", NULL, 0, &message) == TASKD_OK && message.length == length &&
			strcmp(message.value, text) == 0 && message.priority == 7;
		taskd_message_free(&message);
		snprintf(result, sizeof(result), "{\"values\":[%s]}", text);
		answer(result);
		fine = fine && taskd_mq_peek(c, "q", false, &message) == TASKD_OK && message.length == length &&
			strcmp(message.value, text) == 0;
		taskd_message_free(&message);
		ck_assert_msg(fine, "of %zu bytes", length);
	}
}
END_TEST

START_TEST(a_message_is_looked_at)
{
	answer("{\"values\":[{\"a\":1}]}");
	ck_assert_int_eq(taskd_mq_peek(c, "q", false, &message), TASKD_OK);
	check_asked("mq.peek", "\"name\":\"q\"");
	ck_assert_str_eq(message.value, "{\"a\":1}");
	ck_assert_str_eq(message.receipt, "");
	ck_assert_int_eq(message.priority, 0);
	ck_assert_int_eq(message.deliveries, 0);
	taskd_message_free(&message);
	message.length = 99;
	answer("{\"values\":[]}");
	ck_assert_int_eq(taskd_mq_peek(c, "q", true, &message), TASKD_E_NOT_FOUND);
	check_asked("mq.peek", "\"name\":\"q\",\"end\":\"tail\"");
	check_last(TASKD_E_NOT_FOUND, "no message in \"q\"");
	ck_assert_ptr_null(message.value);
	ck_assert_uint_eq(message.length, 0);
}
END_TEST

START_TEST(a_message_is_acknowledged_or_given_back)
{
	answer("true");
	ck_assert_int_eq(taskd_mq_ack(c, "17"), TASKD_OK);
	check_asked("mq.ack", "\"receipt\":\"17\"");
	answer("true");
	ck_assert_int_eq(taskd_mq_nack(c, "17"), TASKD_OK);
	check_asked("mq.nack", "\"receipt\":\"17\"");
	answer_error("not_found", "no such receipt");
	ck_assert_int_eq(taskd_mq_ack(c, "17"), TASKD_E_NOT_FOUND);
	ck_assert_int_eq(taskd_mq_ack(c, ""), TASKD_E_INVALID); /* of one that has not to be */
	check_last(TASKD_E_INVALID, "no receipt was given");
	ck_assert_int_eq(taskd_mq_nack(c, NULL), TASKD_E_INVALID);
}
END_TEST

START_TEST(a_message_queue_is_counted_cleared_joined_and_deleted)
{
	int64_t number = 99;

	answer("{\"length\":5,\"bytes\":50,\"unacked\":1}");
	ck_assert_int_eq(taskd_mq_length(c, "q", &number), TASKD_OK);
	check_asked("mq.length", "\"name\":\"q\"");
	ck_assert_int_eq(number, 5);
	answer("{\"cleared\":3}");
	ck_assert_int_eq(taskd_mq_clear(c, "q", &number), TASKD_OK);
	check_asked("mq.clear", "\"name\":\"q\"");
	ck_assert_int_eq(number, 3);
	answer("{\"cleared\":3}");
	ck_assert_int_eq(taskd_mq_clear(c, "q", NULL), TASKD_OK);
	check_asked("mq.clear", "\"name\":\"q\"");
	answer("{\"unfinished\":3}");
	ck_assert_int_eq(taskd_mq_task_done(c, "q", 2), TASKD_OK);
	check_asked("mq.task_done", "\"name\":\"q\",\"count\":2");
	answer_error("over_released", "1 is unfinished");
	ck_assert_int_eq(taskd_mq_task_done(c, "q", 2), TASKD_E_OVER_RELEASED);
	check_asked("mq.task_done", "\"name\":\"q\",\"count\":2");
	answer("true");
	ck_assert_int_eq(taskd_mq_delete(c, "q"), TASKD_OK);
	check_asked("mq.delete", "\"name\":\"q\"");
	answer_error("not_found", "there is none");
	ck_assert_int_eq(taskd_mq_delete(c, "q"), TASKD_E_NOT_FOUND);
}
END_TEST

/* --- what makes no sense --- */

START_TEST(what_makes_no_sense_is_never_written)
{
	const struct taskd_semaphore_options less = { .count = -1 };
	const struct taskd_mq_options order = { .order = (enum taskd_mq_order)4 }, limit = { .limit_bytes = -1 };
	const struct taskd_lock_options binary = { .who = { .holder = "\x01\xff" } };
	const struct taskd_mq_put_options put = { .mq = { .limit_count = -1 } };
	static const char *const names[] = { NULL, "", "a\xff", "\xed\xa0\x80" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = names[i] && names[i][0] ? "the name is not UTF-8" : "no name was given";
		ck_assert_int_eq(taskd_lock_acquire(c, names[i], NULL, 0, &grant), TASKD_E_INVALID);
		check_last(TASKD_E_INVALID, text);
		check_grant(0, false, 0);
		ck_assert_int_eq(taskd_mq_put(c, names[i], "1", NULL, 0), TASKD_E_INVALID);
		check_last(TASKD_E_INVALID, text);
		ck_assert_int_eq(taskd_mq_put(c, names[i], "?", &put, 0), TASKD_E_INVALID);
		check_last(TASKD_E_INVALID, text);
	}
	ck_assert_int_eq(taskd_lock_acquire(c, "x", &binary, 0, NULL), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "the holder is not UTF-8");
	ck_assert_int_eq(taskd_semaphore_acquire(c, "x", &less, 0, NULL), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "count is negative");
	ck_assert_int_eq(taskd_semaphore_release(c, "x", &less), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_barrier_wait(c, "x", -1, 0, NULL), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "parties");
	ck_assert_int_eq(taskd_mq_create(c, "x", &order), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "order");
	ck_assert_int_eq(taskd_mq_create(c, "x", &limit), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "negative limit");
	ck_assert_int_eq(taskd_mq_put(c, "x", "1", &put, 0), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_mq_task_done(c, "x", 0), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "at least one");
	/* A NULL connection is the failure that has made it so. */
	ck_assert_int_eq(taskd_lock_acquire(NULL, "x", NULL, 0, NULL), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "at least one");
	ck_assert_int_eq(taskd_lock_locked(c, "x", NULL), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "no place for the answer");
	ck_assert_int_eq(taskd_event_is_set(c, "x", NULL), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_mq_get(c, "x", NULL, 0, NULL), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_mq_peek(c, "x", false, NULL), TASKD_E_INVALID);
	answer("true");
	ck_assert_int_eq(taskd_event_set(c, "x"), TASKD_OK);
	check_asked("event.set", "\"name\":\"x\"");
}
END_TEST

static int ended;

static void note_end(struct taskd_future *f, void *user)
{
	(void)user;
	ck_assert_int_eq(taskd_future_error(f)->error, TASKD_E_PROTOCOL);
	ended++;
}

/* A grant that cannot be read may be one: only the connection's end makes sure that nothing is held. */
static const char *const nonsense[] = { "true", "null", "[]", "{}", "{\"fence\":\"17\"}", "{\"fence\":1.5}", "17",
	"{\"Fence\":1}" };

START_TEST(an_answer_that_makes_no_sense_ends_the_connection)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);
	bool locked = true;

	ended = 0;
	last_id = 1;
	ck_assert_int_eq(taskd_add_done_callback(f, note_end, NULL), TASKD_OK);
	answer(nonsense[_i]);
	ck_assert_int_eq(taskd_lock_acquire(c, "db", NULL, 0, &grant), TASKD_E_PROTOCOL);
	check_last(TASKD_E_PROTOCOL, "the daemon sent nonsense: an answer without \"fence\"");
	check_grant(0, false, 0);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_E_PROTOCOL);
	ck_assert_int_eq(ended, 1);
	taskd_future_free(f);
	ck_assert_int_eq(taskd_lock_release(c, "db", NULL), TASKD_E_PROTOCOL);
	ck_assert_int_eq(taskd_lock_locked(c, "db", &locked), TASKD_E_PROTOCOL);
	ck_assert(!locked);
}
END_TEST

static enum taskd_error get(void)
{
	return taskd_mq_get(c, "q", NULL, 0, &message);
}

static enum taskd_error peek(void)
{
	return taskd_mq_peek(c, "q", false, &message);
}

static enum taskd_error length(void)
{
	int64_t number;

	return taskd_mq_length(c, "q", &number);
}

static enum taskd_error locked(void)
{
	bool is_locked;

	return taskd_lock_locked(c, "q", &is_locked);
}

static enum taskd_error barrier(void)
{
	return taskd_barrier_wait(c, "q", 2, 0, NULL);
}

static enum taskd_error notify(void)
{
	return taskd_condition_notify(c, "q", "l", NULL, 1, NULL);
}

static const struct {
	enum taskd_error (*ask)(void);
	const char *result;
} strange[] = {
	{ get, "true" },
	{ get, "[]" },
	{ get, "{}" },
	{ get, "{\"value\":1,\"receipt\":17}" },
	{ get, "{\"value\":1,\"receipt\":\"123456789012345678901234567890\"}" },
	{ peek, "[]" },
	{ peek, "{}" },
	{ peek, "{\"values\":{}}" },
	{ length, "{\"length\":\"1\"}" },
	{ length, "5" },
	{ locked, "{}" },
	{ locked, "true" },
	{ barrier, "true" },
	{ notify, "{\"notified\":true}" },
};

START_TEST(any_answer_may_make_no_sense)
{
	answer(strange[_i].result);
	ck_assert_int_eq(strange[_i].ask(), TASKD_E_PROTOCOL);
	check_last(TASKD_E_PROTOCOL, "the daemon sent nonsense");
	ck_assert_ptr_null(message.value);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_E_PROTOCOL);
}
END_TEST

/* --- the connection's end --- */

static const struct taskd_mq_get_options with_ack = { .ack = true };

START_TEST(what_is_granted_is_not_held_when_the_connection_has_ended_with_it)
{
	/* Both are read at once. */
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"fence\":17,\"holder_died\":false,\"depth\":1,"
		"\"notified\":true,\"value\":1,\"receipt\":\"1\"}}\nnonsense");
	switch (_i) {
	case 0:
		ck_assert_int_eq(taskd_lock_acquire(c, "x", NULL, 0, &grant), TASKD_E_PROTOCOL);
		break;
	case 1:
		ck_assert_int_eq(taskd_semaphore_acquire(c, "x", NULL, 0, &grant), TASKD_E_PROTOCOL);
		break;
	case 2:
		ck_assert_int_eq(taskd_condition_wait(c, "x", "y", NULL, 0, &grant), TASKD_E_PROTOCOL);
		break;
	case 3:
		ck_assert_int_eq(taskd_mq_get(c, "x", &with_ack, 0, &message), TASKD_E_PROTOCOL);
		ck_assert_ptr_null(message.value);
		grant.fence = 0;
		break;
	case 4: /* what is nowhere else is not lost */
		ck_assert_int_eq(taskd_mq_get(c, "x", NULL, 0, &message), TASKD_OK);
		ck_assert_str_eq(message.value, "1");
		grant.fence = 0;
		break;
	}
	ck_assert_uint_eq(grant.fence, 0);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_E_PROTOCOL);
}
END_TEST

START_TEST(an_answer_that_does_not_come_is_the_connections_end)
{
	bool flag = true;

	fake_close(&fake);
	ck_assert_int_eq(taskd_lock_acquire(c, "x", NULL, TASKD_FOREVER, &grant), TASKD_E_DISCONNECTED);
	check_last(TASKD_E_DISCONNECTED, "the daemon closed the connection");
	check_grant(0, false, 0);
	ck_assert_int_eq(taskd_lock_release(c, "x", NULL), TASKD_E_DISCONNECTED);
	check_last(TASKD_E_DISCONNECTED, "the daemon closed the connection");
	ck_assert_int_eq(taskd_event_is_set(c, "x", &flag), TASKD_E_DISCONNECTED);
	ck_assert(!flag);
	ck_assert_int_eq(taskd_mq_put(c, "x", "1", NULL, 0), TASKD_E_DISCONNECTED);
	ck_assert_int_eq(get(), TASKD_E_DISCONNECTED);
}
END_TEST

/* --- where waiting is not possible --- */

static void ask_all(struct taskd_future *f, void *user)
{
	bool flag;

	(void)f;
	(void)user;
	ck_assert_int_eq(taskd_lock_acquire(c, "x", NULL, 0, &grant), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "a callback must not wait");
	ck_assert_int_eq(taskd_lock_release(c, "x", NULL), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_lock_locked(c, "x", &flag), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_semaphore_acquire(c, "x", NULL, 0, NULL), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_event_set(c, "x"), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_condition_wait(c, "x", "y", NULL, 0, NULL), TASKD_E_INVALID);
	ck_assert_int_eq(barrier(), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_mq_put(c, "x", "1", NULL, 0), TASKD_E_INVALID);
	ck_assert_int_eq(get(), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_mq_ack(c, "1"), TASKD_E_INVALID);
	ended++;
}

START_TEST(a_callback_must_not_wait)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	ended = 0;
	ck_assert_int_eq(taskd_add_done_callback(f, ask_all, NULL), TASKD_OK);
	answer("1");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(ended, 1);
	taskd_future_free(f);
	ck_assert(!taskd_wants_write(c));
}
END_TEST

/* --- as futures --- */

START_TEST(a_wait_that_nobody_wants_any_more_is_taken_back)
{
	static const struct {
		const char *method;
		bool waits;
	} methods[] = {
		{ "lock.acquire", true },
		{ "semaphore.acquire", true },
		{ "event.wait", true },
		{ "condition.wait", true },
		{ "barrier.wait", true },
		{ "mq.get", true },
		{ "mq.join", true },
		{ "mq.put", false }, /* what was put is there, whoever looks at the answer */
		{ "lock.release", false },
		{ "lock.list", false },
	};
	char line[128];

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct taskd_future *f = taskd_request(c, methods[i].method, NULL);
		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\"}", ++last_id,
			methods[i].method);
		fake_expect(&fake, c, line);
		ck_assert_int_eq(taskd_cancel(f, 0), TASKD_E_INVALID);
		check_last(TASKD_E_INVALID, "not a task");
		taskd_future_free(f);
		if (!methods[i].waits)
			continue;
		snprintf(line, sizeof(line),
			"{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":%d}}", last_id);
		fake_expect(&fake, c, line);
	}
	struct taskd_future *f = taskd_request(c, "lock.acquire", "{\"name\":\"db\"}");
	answer(GRANTED);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f, NULL), GRANTED);
	check_asked("lock.acquire", "\"name\":\"db\"");
	taskd_future_free(f);
	ck_assert(!taskd_wants_write(c));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client: named objects");
	TCase *tests = tcase_create("named objects");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_lock_is_asked_for_as_it_was_said);
	tcase_add_test(tests, the_time_limit_is_the_daemons_to_keep);
	tcase_add_test(tests, a_grant_is_told);
	tcase_add_loop_test(tests, a_refusal_has_the_daemons_words_and_no_grant, 0, 7);
	tcase_add_test(tests, a_refusal_is_told_with_all_that_it_says);
	tcase_add_test(tests, a_lock_is_released);
	tcase_add_loop_test(tests, a_lock_that_is_there_need_not_be_held, 0, 3);
	tcase_add_test(tests, a_semaphore_is_asked_for_as_it_was_said);
	tcase_add_test(tests, an_event_is_set_cleared_looked_at);
	tcase_add_test(tests, a_condition_gives_its_lock_back_also_when_time_is_over);
	tcase_add_test(tests, some_or_all_are_notified);
	tcase_add_test(tests, a_barrier_lets_all_go_or_is_broken);
	tcase_add_test(tests, a_message_queue_is_described);
	tcase_add_test(tests, a_queue_for_all_users_is_made_so_and_not_by_a_put);
	tcase_add_test(tests, whose_queue_it_is_is_told_to_who_may_not_use_it);
	tcase_add_test(tests, any_json_value_is_put_and_nothing_else);
	tcase_add_test(tests, a_message_is_read_into_its_parts);
	tcase_add_test(tests, a_message_of_any_length_is_the_callers);
	tcase_add_test(tests, a_message_is_looked_at);
	tcase_add_test(tests, a_message_is_acknowledged_or_given_back);
	tcase_add_test(tests, a_message_queue_is_counted_cleared_joined_and_deleted);
	tcase_add_test(tests, what_makes_no_sense_is_never_written);
	tcase_add_loop_test(tests, an_answer_that_makes_no_sense_ends_the_connection, 0,
		(int)(sizeof(nonsense) / sizeof(nonsense[0])));
	tcase_add_loop_test(tests, any_answer_may_make_no_sense, 0, (int)(sizeof(strange) / sizeof(strange[0])));
	tcase_add_loop_test(tests, what_is_granted_is_not_held_when_the_connection_has_ended_with_it, 0, 5);
	tcase_add_test(tests, an_answer_that_does_not_come_is_the_connections_end);
	tcase_add_test(tests, a_callback_must_not_wait);
	tcase_add_test(tests, a_wait_that_nobody_wants_any_more_is_taken_back);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
