/* What one may submit, by whatever way; which names of objects one may use; whose message queues are; what is told of
 * who holds what, and of a full share; what is secret of commands. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "edge_commands.h"

#define ANNA 4001
#define BEN 4002

static struct world world;
static struct client anna, ben;

static void set_up(void)
{
	world_init(&world);
	client_init(&anna, &world);
	client_become(&anna, ANNA, ANNA, NULL);
	client_init(&ben, &world);
	client_become(&ben, BEN, BEN, NULL);
}

static void tear_down(void)
{
	client_fini(&anna);
	client_fini(&ben);
	world_fini(&world);
}

static void say(struct client *client, const char *method, const char *params)
{
	char line[2048];
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	client_say(client, line);
	world_settle(&world);
}

static json_t *ask(struct client *client, const char *method, const char *params)
{
	say(client, method, params);
	return client_hear_json(client);
}

static bool is_fine(json_t *answer)
{
	return tree_at(answer, "result");
}

/* jansson's are macros that look twice. */
static bool is_true(const json_t *value)
{
	return json_is_true(value);
}

static void expect_denied(json_t *answer, const char *right, const char *part)
{
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "denied");
	ck_assert_str_eq(tree_text(answer, "error.data.right"), right);
	ck_assert_msg(strstr(tree_text(answer, "error.message"), part), "%s", tree_text(answer, "error.message"));
}

/* --- submitting --- */

/* Ben may submit echo and fail into any queue, and all into "tight". */
static void restrict_ben(void)
{
	const struct config_access sections[] = {
		{ .users = (char *)"4001", .submit = 1, .read = ACCESS_OWN, .cancel = ACCESS_ALL },
		{ .users = (char *)"4002", .submit = 1, .tasks = (char *)"echo fail", .read = ACCESS_ALL,
			.cancel = ACCESS_ALL },
		{ .users = (char *)"4002", .submit = 1, .queues = (char *)"tight" },
		{ .users = (char *)"4002" },
	};
	world_allow(&world, sections, 4);
}

/* Each with a task and more options in its place. */
#define WAY(method_, before_, after_) { method_, "{" before_ "\"task\":\"%s\"%s" after_ }
static const struct submitting {
	const char *method, *params;
} submittings[] = {
	WAY("task.call", "", "}"),
	WAY("task.submit", "", "}"),
	WAY("task.submit_batch", "\"tasks\":[{", "}]}"),
	WAY("task.map", "\"items\":[1],", "}"),
	WAY("schedule.add", "\"name\":\"s\",\"every\":10,", "}"),
};
#define N_WAYS ((int)(sizeof(submittings) / sizeof(submittings[0])))

static json_t *submit_by(const struct submitting *way, const char *task, const char *options)
{
	char params[256];
	const char *first = strstr(way->params, "%s"), *second = strstr(first + 2, "%s");
	snprintf(params, sizeof(params), "%.*s%s%.*s%s%s", (int)(first - way->params), way->params, task,
		(int)(second - first - 2), first + 2, options, second + 2);
	return ask(&ben, way->method, params);
}

START_TEST(what_one_may_submit_is_the_same_by_every_way)
{
	restrict_ben();
	expect_denied(submit_by(&submittings[_i], "plain", ""), "submit",
		"may not submit \"plain\" into queue \"default\"");
	ck_assert_uint_eq(core_totals(world.core)->submitted, 0);
	ck_assert_ptr_null(core_schedule_next(world.core, NULL));
	ck_assert_str_ne(tree_text(submit_by(&submittings[_i], "echo", ""), "error.data.kind"), "denied");
	json_t *answer = submit_by(&submittings[_i], "plain", ",\"queue\":\"tight\"");
	ck_assert_str_ne(tree_text(answer, "error.data.kind"), "denied");
}
END_TEST

START_TEST(also_by_its_name_and_once_more)
{
	restrict_ben();
	expect_denied(ask(&ben, "plain", "[]"), "submit", "\"plain\"");
	ck_assert(is_fine(ask(&ben, "echo", "[]")));
	ask(&anna, "task.submit", "{\"task\":\"plain\"}");
	ask(&anna, "task.submit", "{\"task\":\"fail\"}");
	world_settle(&world);
	json_t *answer = ask(&ben, "task.retry", "{\"ids\":[2,3]}");
	ck_assert_str_eq(tree_text(answer, "result.0.error.data.right"), "submit");
	ck_assert_str_eq(tree_text(answer, "result.1.retried_as"), "4");
	answer = ask(&ben, "task.retry", "{\"all\":true}");
	ck_assert_int_eq(tree_int(answer, "result.retried"), 1);
	ck_assert_str_eq(tree_text(answer, "result.error.data.right"), "submit");
}
END_TEST

START_TEST(only_that_is_offered)
{
	const struct config_access section = { .users = (char *)"4002", .submit = 1, .tasks = (char *)"ec* double",
		.read = ACCESS_OWN };
	world_allow(&world, &section, 1);
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "task.types", "{}"), "result")), 2);
	ck_assert_str_eq(tree_text(ask(&ben, "task.call", "{\"task\":\"echp\"}"), "error.data.did_you_mean"), "echo");
	json_t *answer = ask(&ben, "task.call", "{\"task\":\"crashe\"}");
	ck_assert_str_eq(tree_text(answer, "error.data.did_you_mean"), "(none)");
}
END_TEST

START_TEST(who_has_waited_for_room_may_have_lost_the_right)
{
	for (int i = 0; i < 3; i++)
		ask(&anna, "task.submit", "{\"task\":\"echo\",\"queue\":\"tight\",\"delay\":1000}");
	say(&ben, "task.submit", "{\"task\":\"echo\",\"queue\":\"tight\",\"wait_for_room\":1000}");
	ck_assert(client_hears_nothing(&ben));
	const struct config_access section = { .users = (char *)"4001", .submit = 1, .cancel = ACCESS_OWN };
	world_allow(&world, &section, 1);
	ask(&anna, "task.cancel", "{\"ids\":1}");
	world_settle(&world);
	expect_denied(client_hear_json(&ben), "submit", "\"echo\"");
}
END_TEST

/* Those whose turn it would be by that get what they wait for, where they may still have it. */
START_TEST(who_waits_for_what_he_may_not_use_any_more_is_denied)
{
	static const char *const waits[][2] = {
		{ "mq.get", "{\"name\":\"q\",\"timeout\":1000}" },
		{ "event.wait", "{\"name\":\"e\"}" },
		{ "lock.acquire", "{\"name\":\"l\"}" },
		{ "semaphore.acquire", "{\"name\":\"s\",\"slots\":1}" },
	};
	ask(&anna, "mq.create", "{\"name\":\"q\",\"shared\":true}");
	ask(&anna, "lock.acquire", "{\"name\":\"l\",\"shared\":true}");
	ask(&anna, "semaphore.acquire", "{\"name\":\"s\",\"slots\":1}");
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		say(&ben, waits[i][0], waits[i][1]);
	say(&ben, "event.wait", "{\"name\":\"ben-e\"}");
	struct client other;
	client_init(&other, &world);
	client_become(&other, 4001, 4001, NULL);
	say(&other, "lock.acquire", "{\"name\":\"l\",\"shared\":true}"); /* stands behind ben's */
	ck_assert(client_hears_nothing(&other));
	ck_assert(client_hears_nothing(&ben));
	const struct config_access sections[] = {
		{ .users = (char *)"4001", .submit = 1 },
		{ .users = (char *)"4002", .submit = 1, .objects = (char *)"ben-*" },
	};
	world_allow(&world, sections, 2);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		expect_denied(client_hear_json(&ben), "submit", "may not use the name");
	ck_assert_ptr_nonnull(tree_at(client_hear_json(&other), "result.fence"));
	ask(&anna, "mq.put", "{\"name\":\"q\",\"value\":1}");
	ck_assert_int_eq(tree_int(ask(&anna, "mq.length", "{\"name\":\"q\"}"), "result.length"), 1);
	ck_assert(client_hears_nothing(&ben));
	ask(&anna, "event.set", "{\"name\":\"ben-e\"}");
	ck_assert_ptr_nonnull(tree_at(client_hear_json(&ben), "result"));
	client_fini(&other);
}
END_TEST

/* --- shares --- */

static void share(size_t queued, size_t bytes)
{
	core_set_shares(world.core, &(struct core_shares){ .queued = queued, .queued_bytes = bytes });
}

START_TEST(a_full_share_is_told_with_figures)
{
	share(2, 0);
	for (int i = 0; i < 2; i++)
		ck_assert(is_fine(ask(&ben, "task.submit", "{\"task\":\"echo\",\"delay\":1000}")));
	static const char *const ways[][2] = {
		{ "task.submit", "{\"task\":\"echo\",\"delay\":1000}" },
		{ "task.submit", "{\"task\":\"echo\",\"delay\":1000,\"wait_for_room\":1000}" },
		{ "task.submit_batch", "{\"tasks\":[{\"task\":\"echo\"}]}" },
		{ "task.map", "{\"task\":\"double\",\"items\":[1,2,3]}" },
		{ "task.call", "{\"task\":\"echo\"}" },
		{ "echo", "[]" },
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		json_t *answer = ask(&ben, ways[i][0], ways[i][1]);
		ck_assert_str_eq(tree_text(answer, "error.data.kind"), "over_share");
		ck_assert_str_eq(tree_text(answer, "error.data.limit"), "user_queued");
		ck_assert_int_eq(tree_int(answer, "error.data.most"), 2);
		ck_assert_int_eq(tree_int(answer, "error.data.has"), 2);
		ck_assert_str_eq(tree_text(answer, "error.data.user"), "uid 4002");
		ck_assert_ptr_null(tree_at(answer, "error.data.retry_after")); /* nothing tells when */
	}
	ck_assert(is_fine(ask(&anna, "task.call", "{\"task\":\"echo\"}"))); /* it is his alone */
}
END_TEST

START_TEST(one_of_bytes_too)
{
	share(0, 500);
	char params[1024] = "{\"tasks\":[{\"task\":\"echo\"}";
	for (int i = 1; i < 20; i++)
		strcat(params, ",{\"task\":\"echo\"}");
	json_t *answer = ask(&ben, "task.submit_batch", strcat(params, "]}"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "over_share");
	ck_assert_str_eq(tree_text(answer, "error.data.limit"), "user_queued_bytes");
	ck_assert_int_eq(tree_int(answer, "error.data.most"), 500);
	ck_assert_int_eq(tree_int(answer, "error.data.has"), 0);
	ck_assert_ptr_nonnull(strstr(tree_text(answer, "error.message"), "0 bytes of tasks waiting, and may have 500: "));
}
END_TEST

START_TEST(when_there_may_be_room_is_told_where_the_queue_tells_how_fast_it_is)
{
	static const struct {
		const char *queue, *tasks;
		bool told;
	} cases[] = {
		{ "{\"name\":\"default\",\"rate\":0.5}", "{\"tasks\":[{\"task\":\"echo\",\"delay\":1000}]}", true },
		{ "{\"name\":\"default\",\"rate\":0}", "{\"tasks\":[{\"task\":\"echo\",\"delay\":1000}]}", false },
		/* these never have room */
		{ "{\"name\":\"default\",\"rate\":0.5}",
			"{\"tasks\":[{\"task\":\"echo\"},{\"task\":\"echo\"},{\"task\":\"echo\"}]}", false },
	};
	client_become(&anna, 0, 0, NULL);
	share(2, 0);
	for (int i = 0; i < 2; i++)
		ask(&ben, "task.submit", "{\"task\":\"echo\",\"delay\":1000}");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert(is_fine(ask(&anna, "queue.set", cases[i].queue)));
		json_t *answer = ask(&ben, "task.submit_batch", cases[i].tasks);
		ck_assert_str_eq(tree_text(answer, "error.data.kind"), "over_share");
		ck_assert_int_eq(tree_at(answer, "error.data.retry_after") != NULL, cases[i].told);
	}
}
END_TEST

START_TEST(a_batch_counts_for_a_share_over_all_its_queues)
{
	share(1, 0);
	json_t *answer = ask(&ben, "task.submit_batch",
		"{\"tasks\":[{\"task\":\"echo\"},{\"task\":\"echo\",\"queue\":\"tight\"}]}");
	ck_assert_str_eq(tree_text(answer, "error.data.limit"), "user_queued");
	ck_assert_int_eq(tree_int(answer, "error.data.most"), 1);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 0);
}
END_TEST

START_TEST(who_has_waited_for_room_does_not_wait_for_his_share)
{
	for (int i = 0; i < 3; i++)
		ask(&anna, "task.submit", "{\"task\":\"echo\",\"queue\":\"tight\",\"delay\":1000}");
	say(&ben, "task.submit", "{\"task\":\"echo\",\"queue\":\"tight\",\"wait_for_room\":1000}");
	ck_assert(client_hears_nothing(&ben));
	core_set_shares(world.core, &(struct core_shares){ .queued = 1 });
	struct client more;
	client_init(&more, &world);
	client_become(&more, BEN, BEN, NULL);
	ck_assert(is_fine(ask(&more, "task.submit", "{\"task\":\"echo\",\"delay\":1000}")));
	ask(&anna, "task.cancel", "{\"ids\":1}");
	world_settle(&world);
	ck_assert_str_eq(tree_text(client_hear_json(&ben), "error.data.kind"), "over_share");
	client_fini(&more);
}
END_TEST

START_TEST(schedules_are_not_all_one_users)
{
	char params[128];
	json_t *answer = NULL;
	for (int i = 0; i <= 1000; i++) {
		snprintf(params, sizeof(params), "{\"name\":\"s%d\",\"task\":\"echo\",\"every\":1000}", i);
		answer = ask(&ben, "schedule.add", params);
	}
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "too_many");
	ck_assert(is_fine(ask(&anna, "schedule.add", "{\"name\":\"x\",\"task\":\"echo\",\"every\":1000}")));
}
END_TEST

/* --- names of objects --- */

static const char *const uses[][2] = {
	{ "lock.acquire", "{\"name\":\"x\",\"timeout\":0}" },
	{ "lock.release", "{\"name\":\"x\"}" },
	{ "semaphore.acquire", "{\"name\":\"x\",\"timeout\":0}" },
	{ "semaphore.release", "{\"name\":\"x\"}" },
	{ "event.set", "{\"name\":\"x\"}" },
	{ "event.clear", "{\"name\":\"x\"}" },
	{ "event.is_set", "{\"name\":\"x\"}" },
	{ "event.wait", "{\"name\":\"x\",\"timeout\":0}" },
	{ "condition.wait", "{\"name\":\"x\",\"lock\":\"ben-l\"}" },
	{ "condition.wait", "{\"name\":\"ben-c\",\"lock\":\"x\"}" },
	{ "condition.notify", "{\"name\":\"x\",\"lock\":\"ben-l\"}" },
	{ "condition.notify", "{\"name\":\"ben-c\",\"lock\":\"x\"}" },
	{ "barrier.wait", "{\"name\":\"x\",\"parties\":2}" },
	{ "barrier.abort", "{\"name\":\"x\"}" },
	{ "barrier.reset", "{\"name\":\"x\"}" },
	{ "mq.create", "{\"name\":\"x\"}" },
	{ "mq.put", "{\"name\":\"x\",\"value\":1}" },
	{ "mq.get", "{\"name\":\"x\",\"timeout\":0}" },
	{ "mq.peek", "{\"name\":\"x\"}" },
	{ "mq.length", "{\"name\":\"x\"}" },
	{ "mq.clear", "{\"name\":\"x\"}" },
	{ "mq.join", "{\"name\":\"x\"}" },
	{ "mq.task_done", "{\"name\":\"x\"}" },
	{ "mq.delete", "{\"name\":\"x\"}" },
	{ "task.submit", "{\"task\":\"echo\",\"locks\":[\"ben-l\",\"x\"]}" },
	{ "task.submit", "{\"task\":\"echo\",\"shared_locks\":\"x\"}" },
	{ "task.call", "{\"task\":\"echo\",\"semaphores\":{\"x\":1}}" },
	{ "schedule.add", "{\"name\":\"s\",\"task\":\"echo\",\"every\":10,\"locks\":\"x\"}" },
};
#define N_USES ((int)(sizeof(uses) / sizeof(uses[0])))

START_TEST(names_are_used_by_those_who_may)
{
	/* Names of a section that lets him see, and submit nothing, are to be seen. */
	const struct config_access sections[] = {
		{ .users = (char *)"4002", .submit = 1, .objects = (char *)"ben-*" },
		{ .users = (char *)"4002", .read = ACCESS_OWN, .objects = (char *)"x" },
	};
	world_allow(&world, sections, 2);
	expect_denied(ask(&ben, uses[_i][0], uses[_i][1]), "submit", "\"x\"");
	ck_assert_uint_eq(core_totals(world.core)->submitted, 0);
}
END_TEST

START_TEST(and_only_they_are_listed)
{
	ask(&anna, "lock.acquire", "{\"name\":\"x\"}");
	ask(&anna, "lock.acquire", "{\"name\":\"ben-l\"}");
	const struct config_access section = { .users = (char *)"4002", .submit = 1, .objects = (char *)"ben-*",
		.read = ACCESS_ALL };
	world_allow(&world, &section, 1);
	json_t *answer = ask(&ben, "lock.list", "{}");
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 1);
	ck_assert_str_eq(tree_text(answer, "result.0.name"), "ben-l");
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "lock.list", "{\"name\":\"x\"}"), "result")), 0);
}
END_TEST

/* --- whose message queues are --- */

static const char *const of_queues[][2] = {
	{ "mq.create", "{\"name\":\"q\"}" },
	{ "mq.create", "{\"name\":\"q\",\"shared\":true}" },
	{ "mq.put", "{\"name\":\"q\",\"value\":1}" },
	{ "mq.get", "{\"name\":\"q\",\"timeout\":0}" },
	{ "mq.get", "{\"name\":\"q\"}" },
	{ "mq.peek", "{\"name\":\"q\"}" },
	{ "mq.length", "{\"name\":\"q\"}" },
	{ "mq.clear", "{\"name\":\"q\"}" },
	{ "mq.join", "{\"name\":\"q\"}" },
	{ "mq.task_done", "{\"name\":\"q\"}" },
	{ "mq.delete", "{\"name\":\"q\"}" },
};
#define N_OF_QUEUES ((int)(sizeof(of_queues) / sizeof(of_queues[0])))

START_TEST(a_message_queue_is_its_makers)
{
	ask(&anna, "mq.put", "{\"name\":\"q\",\"value\":\"private\"}");
	json_t *answer = ask(&ben, of_queues[_i][0], of_queues[_i][1]);
	ck_assert_int_eq(tree_int(answer, "error.data.owner"), ANNA);
	expect_denied(answer, "submit", "belongs to user uid 4001");
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "mq.list", "{}"), "result")), 0);
	answer = ask(&anna, "mq.list", "{}");
	ck_assert_int_eq(tree_int(answer, "result.0.length"), 1);
	ck_assert_int_eq(tree_int(answer, "result.0.owner"), ANNA);
	ck_assert(json_is_false(tree_at(answer, "result.0.shared")));
	ck_assert_str_eq(tree_text(ask(&anna, "mq.get", "{\"name\":\"q\"}"), "result.value"), "private");
	ck_assert(is_fine(ask(&ben, "mq.put", "{\"name\":\"q\",\"value\":2}"))); /* hers is gone */
}
END_TEST

START_TEST(unless_she_shares_it)
{
	ask(&anna, "mq.create", "{\"name\":\"q\",\"shared\":true}");
	ask(&anna, "mq.put", "{\"name\":\"q\",\"value\":1}");
	json_t *answer = ask(&ben, "mq.length", "{\"name\":\"q\"}");
	ck_assert_int_eq(tree_int(answer, "result.owner"), ANNA);
	ck_assert(json_is_true(tree_at(answer, "result.shared")));
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "mq.list", "{}"), "result")), 1);
	ck_assert_int_eq(tree_int(ask(&ben, "mq.get", "{\"name\":\"q\"}"), "result.value"), 1);
}
END_TEST

START_TEST(admins_may_always)
{
	ask(&anna, "mq.put", "{\"name\":\"q\",\"value\":\"private\"}");
	client_become(&ben, 0, 0, NULL);
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "mq.list", "{}"), "result")), 1);
	ck_assert_str_eq(tree_text(ask(&ben, "mq.get", "{\"name\":\"q\"}"), "result.value"), "private");
}
END_TEST

/* --- who holds what --- */

static void expect_hidden(json_t *party)
{
	ck_assert_str_eq(tree_text(party, "user"), "uid 4001");
	static const char *const others[] = { "pid", "connection", "task", "holder", "fence" };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_ptr_null(tree_at(party, others[i]));
}

START_TEST(others_are_told_by_their_user_alone)
{
	ask(&anna, "lock.acquire", "{\"name\":\"x\",\"holder\":\"private\"}");
	ask(&anna, "semaphore.acquire", "{\"name\":\"s\",\"holder\":\"private\"}");
	ask(&anna, "task.submit", "{\"task\":\"echo\",\"locks\":\"x\"}");
	expect_hidden(tree_at(ask(&ben, "lock.list", "{}"), "result.0.holders.0"));
	expect_hidden(tree_at(ask(&ben, "lock.list", "{}"), "result.0.waiting.0"));
	json_t *answer = ask(&ben, "lock.acquire", "{\"name\":\"x\",\"timeout\":0}");
	ck_assert_str_eq(tree_text(answer, "error.message"), "lock \"x\" is held by user uid 4001");
	expect_hidden(tree_at(answer, "error.data.held_by"));
	answer = ask(&ben, "lock.release", "{\"name\":\"x\"}");
	expect_hidden(tree_at(answer, "error.data.held_by"));
	answer = ask(&ben, "semaphore.acquire", "{\"name\":\"s\",\"timeout\":0}");
	expect_hidden(tree_at(answer, "error.data.held_by"));
	ck_assert_ptr_nonnull(tree_at(ask(&anna, "lock.list", "{}"), "result.0.holders.0.pid"));
	const struct config_access reader = { .users = (char *)"4002", .submit = 1, .read = ACCESS_ALL };
	world_allow(&world, &reader, 1);
	ck_assert_str_eq(tree_text(ask(&ben, "lock.list", "{}"), "result.0.holders.0.holder"), "private");
	answer = ask(&ben, "lock.acquire", "{\"name\":\"x\",\"timeout\":0}");
	ck_assert_str_eq(tree_text(answer, "error.data.held_by.holder"), "private");
}
END_TEST

START_TEST(also_in_a_circle)
{
	ask(&anna, "lock.acquire", "{\"name\":\"a\"}");
	ask(&ben, "lock.acquire", "{\"name\":\"b\"}");
	say(&anna, "lock.acquire", "{\"name\":\"b\"}");
	json_t *answer = ask(&ben, "lock.acquire", "{\"name\":\"a\"}");
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "deadlock");
	ck_assert_ptr_nonnull(tree_at(answer, "error.data.cycle.0.connection"));
	expect_hidden(tree_at(answer, "error.data.cycle.1"));
	ck_assert_msg(strstr(tree_text(answer, "error.message"), "held by user uid 4001, which"), "%s",
		tree_text(answer, "error.message"));
}
END_TEST

/* --- secrets --- */

#define SECRET "s3cr3t"
#define ARGV "[\"login\",\"" SECRET "\",\"shown\"]"
#define OPEN_ARGV "[\"login\",\"shown\"]"
#define ENV "{\"A\":\"" SECRET "\",\"B\":null}"
#define NULLS_8 "null,null,null,null,null,null,null,null"

/* What Anna is told, as text; json_dumps is the caller's to free. */
static bool tells_secret(struct client *client, const char *method, const char *params)
{
	char *text = json_dumps(ask(client, method, params), 0);
	bool told = strstr(text, SECRET);
	free(text);
	return told;
}

START_TEST(what_is_secret_is_not_in_what_is_told_of_a_command)
{
	static const char *const forms[] = {
		"{\"argv\":" ARGV ",\"env\":" ENV ",\"stdin\":\"" SECRET "\",\"secret\":[1]}",
		"[" ARGV ",null,null," ENV "," NULLS_8 ",\"" SECRET "\"," NULLS_8 ",null,null,null,[1]]",
		"[{\"stdin_base64\":\"" SECRET "aa\",\"argv\":" ARGV ",\"secret\":[1],\"env\":" ENV "}]",
	};
	char params[1024];
	world.config.exec_users = (char *)"*";
	world_configure(&world);
	snprintf(params, sizeof(params), "{\"task\":\"exec\",\"args\":%s}", forms[_i]);
	json_t *answer = ask(&anna, "task.submit", params);
	ck_assert_msg(is_fine(answer), "%s", tree_text(answer, "error.message"));
	answer = ask(&anna, "task.status", "{\"id\":1}");
	ck_assert_str_eq(tree_text(answer, "result.command"), "login *** shown");
	ck_assert(!tells_secret(&anna, "task.list", "{}"));
	snprintf(params, sizeof(params), "{\"name\":\"s\",\"task\":\"exec\",\"every\":1000,\"args\":%s}", forms[_i]);
	ck_assert(!tells_secret(&anna, "schedule.add", params));
	answer = ask(&anna, "schedule.list", "{}");
	ck_assert_str_eq(tree_text(answer, "result.0.args.argv.0"), "login");
	ck_assert_str_eq(tree_text(answer, "result.0.args.argv.1"), "***");
	ck_assert_str_eq(tree_text(answer, "result.0.args.argv.2"), "shown");
	ck_assert_str_eq(tree_text(answer, "result.0.args.env.A"), "***");
	ck_assert(json_is_null(tree_at(answer, "result.0.args.env.B")));
	ck_assert(!tells_secret(&anna, "schedule.list", "{}"));
	ck_assert(!tells_secret(&anna, "schedule.remove", "{\"name\":\"s\"}"));
	snprintf(params, sizeof(params), "{\"task\":\"exec\",\"items\":[%s]}", forms[_i]);
	if (_i == 0) {
		say(&anna, "task.map", params);
		answer = ask(&anna, "task.status", "{\"id\":2}");
		ck_assert_str_eq(tree_text(answer, "result.command"), "login *** shown");
	}
}
END_TEST

START_TEST(without_a_secret_a_schedule_hides_what_is_read_and_what_is_set)
{
	static const char *const forms[] = {
		"{\"argv\":" OPEN_ARGV ",\"env\":" ENV ",\"stdin\":\"" SECRET "\"}",
		"[" OPEN_ARGV ",null,null," ENV "," NULLS_8 ",\"" SECRET "\"]",
		"[{\"env\":" ENV ",\"argv\":" OPEN_ARGV ",\"stdin\":\"" SECRET "\"}]",
	};
	char params[1024];
	world.config.exec_users = (char *)"*";
	world_configure(&world);
	snprintf(params, sizeof(params), "{\"name\":\"s\",\"task\":\"exec\",\"every\":1000,\"args\":%s}", forms[_i]);
	ck_assert(!tells_secret(&anna, "schedule.add", params));
	json_t *answer = ask(&anna, "schedule.list", "{}");
	ck_assert_str_eq(tree_text(answer, "result.0.args.argv.1"), "shown");
	ck_assert_str_eq(tree_text(answer, "result.0.args.env.A"), "***");
	ck_assert_str_eq(tree_text(answer, "result.0.args.stdin"), "***");
	ck_assert(!tells_secret(&anna, "schedule.list", "{}"));
}
END_TEST

/* --- queues that are fair --- */

START_TEST(a_queue_is_made_fair_and_unfair)
{
	client_become(&anna, 0, 0, NULL);
	ck_assert(is_true(tree_at(ask(&anna, "queue.create", "{\"name\":\"even\",\"fair\":true}"), "result.fair")));
	ck_assert(is_true(tree_at(ask(&anna, "queue.set", "{\"name\":\"even\",\"weight\":2}"), "result.fair")));
	ck_assert(!is_true(tree_at(ask(&anna, "queue.set", "{\"name\":\"even\",\"fair\":false}"), "result.fair")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge: rights");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_loop_test(all, what_one_may_submit_is_the_same_by_every_way, 0, N_WAYS);
	tcase_add_test(all, also_by_its_name_and_once_more);
	tcase_add_test(all, only_that_is_offered);
	tcase_add_test(all, who_has_waited_for_room_may_have_lost_the_right);
	tcase_add_test(all, who_waits_for_what_he_may_not_use_any_more_is_denied);
	tcase_add_test(all, a_full_share_is_told_with_figures);
	tcase_add_test(all, one_of_bytes_too);
	tcase_add_test(all, when_there_may_be_room_is_told_where_the_queue_tells_how_fast_it_is);
	tcase_add_test(all, a_batch_counts_for_a_share_over_all_its_queues);
	tcase_add_test(all, who_has_waited_for_room_does_not_wait_for_his_share);
	tcase_add_test(all, schedules_are_not_all_one_users);
	tcase_add_loop_test(all, names_are_used_by_those_who_may, 0, N_USES);
	tcase_add_test(all, and_only_they_are_listed);
	tcase_add_loop_test(all, a_message_queue_is_its_makers, 0, N_OF_QUEUES);
	tcase_add_test(all, unless_she_shares_it);
	tcase_add_test(all, admins_may_always);
	tcase_add_test(all, others_are_told_by_their_user_alone);
	tcase_add_test(all, also_in_a_circle);
	tcase_add_loop_test(all, what_is_secret_is_not_in_what_is_told_of_a_command, 0, 3);
	tcase_add_loop_test(all, without_a_secret_a_schedule_hides_what_is_read_and_what_is_set, 0, 3);
	tcase_add_test(all, a_queue_is_made_fair_and_unfair);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
