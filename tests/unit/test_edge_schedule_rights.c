/* Whose schedules are, and that they go on by the rights that their owner has when they are due: he may have left, and
 * the configuration may have changed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "edge_commands.h"

#define ANNA 4001
#define BEN 4002
#define STAFF 4500

static struct world world;
static struct client anna, ben;

static void begin(void)
{
	client_init(&anna, &world);
	client_become(&anna, ANNA, ANNA, (const gid_t[]){ 4400, STAFF, (gid_t)-1 });
	client_init(&ben, &world);
	client_become(&ben, BEN, BEN, NULL);
}

static void set_up(void)
{
	world_init(&world);
	begin();
}

static void set_up_durable(void)
{
	world_init_durable(&world);
	begin();
}

static void tear_down(void)
{
	client_fini(&anna);
	client_fini(&ben);
	world_fini(&world);
}

static json_t *ask(struct client *client, const char *method, const char *params)
{
	char line[2048];
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	return client_ask(client, line);
}

static bool is_fine(json_t *answer)
{
	return tree_at(answer, "result");
}

static const char *kind_of(json_t *answer)
{
	return tree_text(answer, "error.data.kind");
}

/* --- rights --- */

/* What Anna's schedule submits, what she may do at first, and what later, when she may not submit that. */
#define ALL "4001"
#define REST .submit = 1, .read = ACCESS_OWN, .cancel = ACCESS_OWN
static const struct {
	const char *params;
	struct config_access first, later;
	const char *exec_users; /* later */
	const char *message;
} losses[] = {
	{ "\"task\":\"echo\"", { .users = (char *)ALL, REST }, { .users = (char *)"4002", REST }, "*", "that task any more" },
	{ "\"task\":\"echo\"", { .users = (char *)ALL, REST }, { .users = (char *)ALL, .read = ACCESS_OWN }, "*",
		"that task any more" },
	{ "\"task\":\"echo\"", { .users = (char *)"@4001", REST }, { .users = (char *)"@4002", REST }, "*", "that task" },
	{ "\"task\":\"echo\"", { .users = (char *)"@4500", REST }, { .users = (char *)"@4501", REST }, "*", "that task" },
	{ "\"task\":\"echo\"", { .users = (char *)ALL, REST }, { .users = (char *)ALL, .tasks = (char *)"fail", REST }, "*",
		"that task any more" },
	{ "\"task\":\"echo\",\"queue\":\"tight\"", { .users = (char *)ALL, REST },
		{ .users = (char *)ALL, .queues = (char *)"default", REST }, "*", "into that queue any more" },
	{ "\"task\":\"exec\",\"args\":[[\"true\"]]", { .users = (char *)ALL, REST }, { .users = (char *)ALL, REST }, "owner",
		"exec_users" },
	{ "\"task\":\"echo\",\"locks\":\"x\"", { .users = (char *)ALL, REST },
		{ .users = (char *)ALL, .objects = (char *)"y*", REST }, "*", "locks and semaphores" },
	{ "\"task\":\"echo\",\"semaphores\":{\"x\":1}", { .users = (char *)ALL, REST },
		{ .users = (char *)ALL, .objects = (char *)"y*", REST }, "*", "locks and semaphores" },
};
#define N_LOSSES (sizeof(losses) / sizeof(losses[0]))

static void allow(const struct config_access *section, const char *exec_users)
{
	world.config.exec_users = (char *)(uintptr_t)exec_users;
	world_allow(&world, section, 1);
}

static json_t *look(void)
{
	static struct client admin; /* what it has heard is looked at */
	if (admin.world)
		client_fini(&admin);
	client_init(&admin, &world);
	json_t *answer = ask(&admin, "schedule.list", "{}");
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 1);
	return answer;
}

static uint64_t submitted(void)
{
	return core_totals(world.core)->submitted;
}

START_TEST(a_run_is_submitted_by_the_rights_that_its_owner_has_then)
{
	char params[256];
	snprintf(params, sizeof(params), "{\"name\":\"tick\",\"every\":10,\"overlap\":true,%s}", losses[_i].params);
	allow(&losses[_i].first, "*");
	ck_assert_str_eq(tree_text(ask(&anna, "schedule.add", params), "result.name"), "tick");
	client_leave(&anna); /* as a process that has ended */
	world_advance(&world, 10 * NS_PER_S);
	ck_assert_uint_eq(submitted(), 1);
	ck_assert_ptr_null(tree_at(look(), "result.0.refused"));
	allow(&losses[_i].later, losses[_i].exec_users);
	for (int i = 0; i < 3; i++)
		world_advance(&world, 10 * NS_PER_S);
	ck_assert_uint_eq(submitted(), 1);
	json_t *answer = look();
	ck_assert_int_eq(tree_int(answer, "result.0.runs"), 1);
	ck_assert_int_eq(tree_int(answer, "result.0.skipped"), 3);
	ck_assert_str_eq(tree_text(answer, "result.0.refused.kind"), "denied");
	ck_assert_msg(strstr(tree_text(answer, "result.0.refused.message"), losses[_i].message), "%s",
		tree_text(answer, "result.0.refused.message"));
	ck_assert_ptr_nonnull(tree_at(answer, "result.0.refused.at"));
	allow(&losses[_i].first, "*");
	world_advance(&world, 10 * NS_PER_S);
	ck_assert_uint_eq(submitted(), 2);
	ck_assert_ptr_null(tree_at(look(), "result.0.refused"));
}
END_TEST

/* One section lets her submit the task, another one into the queue. */
START_TEST(a_task_and_its_queue_are_of_the_same_section)
{
	const struct config_access apart[] = {
		{ .users = (char *)ALL, .tasks = (char *)"echo", .queues = (char *)"default", REST },
		{ .users = (char *)ALL, .tasks = (char *)"fail", .queues = (char *)"tight", REST },
	};
	ck_assert(is_fine(ask(&anna, "schedule.add", "{\"name\":\"tick\",\"task\":\"echo\",\"queue\":\"tight\",\"every\":10}")));
	world_allow(&world, apart, 2);
	world_advance(&world, 10 * NS_PER_S);
	ck_assert_uint_eq(submitted(), 0);
}
END_TEST

START_TEST(an_admins_go_on_whatever_the_configuration_says)
{
	const struct config_access nobody = { .users = (char *)"nobody" };
	client_become(&anna, 0, 0, NULL);
	ck_assert(is_fine(ask(&anna, "schedule.add", "{\"name\":\"tick\",\"task\":\"exec\",\"args\":[[\"true\"]],\"every\":10}")));
	allow(&nobody, "owner");
	world_advance(&world, 10 * NS_PER_S);
	ck_assert_uint_eq(submitted(), 1);
}
END_TEST

START_TEST(what_was_submitted_before_goes_on)
{
	const struct config_access nobody = { .users = (char *)"nobody" };
	ck_assert(is_fine(ask(&anna, "task.submit", "{\"task\":\"echo\",\"delay\":10}")));
	ck_assert(is_fine(ask(&anna, "task.submit", "{\"task\":\"fail\",\"retries\":2,\"backoff\":10,\"jitter\":0}")));
	allow(&nobody, "nobody");
	for (int i = 0; i < 10; i++)
		world_advance(&world, 10 * NS_PER_S);
	ck_assert_uint_eq(core_totals(world.core)->ended[TASK_SUCCEEDED], 1);
	ck_assert_uint_eq(core_totals(world.core)->ended[TASK_FAILED], 1);
	struct task *task;
	ck_assert_int_eq(core_find(world.core, 2, &task), CORE_FOUND);
	ck_assert_int_eq(task->attempt, 3);
}
END_TEST

/* --- shares --- */

START_TEST(runs_count_for_their_owner)
{
	world.config.user_queued = 2;
	world_configure(&world);
	ck_assert(is_fine(ask(&anna, "schedule.add", "{\"name\":\"tick\",\"task\":\"hold\",\"every\":10,\"overlap\":true}")));
	for (int i = 0; i < 6; i++) /* as many as there are slots run */
		world_advance(&world, 10 * NS_PER_S);
	uint64_t most = submitted();
	world_advance(&world, 10 * NS_PER_S);
	ck_assert_uint_eq(submitted(), most);
	ck_assert_str_eq(tree_text(look(), "result.0.refused.kind"), "over_share");
	ck_assert_str_eq(kind_of(ask(&anna, "task.submit", "{\"task\":\"echo\"}")), "over_share");
	ck_assert(is_fine(ask(&ben, "task.submit", "{\"task\":\"echo\"}")));
}
END_TEST

/* --- the store --- */

static const struct {
	enum durable_answer answer;
	const char *kind, *message;
} full[] = {
	{ DURABLE_STORE_FULL, "store_full", "the disk is full" },
	{ DURABLE_STORE_FAILED, "store_failed", "the store has failed" },
	{ DURABLE_STORE_BEHIND, "store_behind", "too much waits" },
};

START_TEST(a_durable_run_is_submitted_where_the_store_takes_one)
{
	ck_assert(is_fine(ask(&anna, "schedule.add", "{\"name\":\"tick\",\"task\":\"echo\",\"every\":10,\"durable\":true}")));
	world.durable->may_submit = full[_i].answer;
	world_advance(&world, 10 * NS_PER_S);
	ck_assert_str_eq(kind_of(ask(&anna, "task.submit", "{\"task\":\"echo\",\"durable\":true}")), full[_i].kind);
	ck_assert_uint_eq(submitted(), 0);
	json_t *answer = look();
	ck_assert_int_eq(tree_int(answer, "result.0.skipped"), 1);
	ck_assert_str_eq(tree_text(answer, "result.0.refused.kind"), full[_i].kind);
	ck_assert_msg(strstr(tree_text(answer, "result.0.refused.message"), full[_i].message), "%s",
		tree_text(answer, "result.0.refused.message"));
	world.durable->may_submit = DURABLE_YES;
	world_advance(&world, 10 * NS_PER_S);
	ck_assert_uint_eq(submitted(), 1);
	ck_assert_ptr_null(tree_at(look(), "result.0.refused"));
}
END_TEST

START_TEST(others_do_not_mind_the_store)
{
	ck_assert(is_fine(ask(&anna, "schedule.add", "{\"name\":\"tick\",\"task\":\"echo\",\"every\":10,\"durable\":false}")));
	world.durable->may_submit = DURABLE_STORE_FAILED;
	world_advance(&world, 10 * NS_PER_S);
	ck_assert_uint_eq(submitted(), 1);
}
END_TEST

/* --- names --- */

START_TEST(one_users_names_are_not_in_anothers_way)
{
	struct client root;
	client_init(&root, &world);
	ck_assert(is_fine(ask(&anna, "schedule.add", "{\"name\":\"backup\",\"task\":\"echo\",\"every\":10}")));
	ck_assert(is_fine(ask(&ben, "schedule.add", "{\"name\":\"backup\",\"task\":\"echo\",\"every\":10}")));
	ck_assert_str_eq(kind_of(ask(&ben, "schedule.add", "{\"name\":\"backup\",\"task\":\"echo\",\"every\":10}")), "exists");
	ck_assert_uint_eq(json_array_size(tree_at(ask(&root, "schedule.list", "{}"), "result")), 2);
	/* nobody's own by that name, and nobody is named */
	json_t *answer = ask(&root, "schedule.remove", "{\"name\":\"backup\"}");
	ck_assert_str_eq(kind_of(answer), "not_found");
	ck_assert_ptr_nonnull(strstr(tree_text(answer, "error.message"), "\"user\" says whose"));
	ck_assert_int_eq(tree_int(ask(&ben, "schedule.remove", "{\"name\":\"backup\"}"), "result.owner"), BEN);
	answer = ask(&ben, "schedule.remove", "{\"name\":\"backup\"}");
	ck_assert_str_eq(kind_of(answer), "not_found");
	ck_assert_ptr_null(strstr(tree_text(answer, "error.message"), "4001"));
	ck_assert_str_eq(kind_of(ask(&ben, "schedule.remove", "{\"name\":\"backup\",\"user\":\"4001\"}")), "not_found");
	ck_assert_str_eq(kind_of(ask(&root, "schedule.remove", "{\"name\":\"backup\",\"user\":\"no such one\"}")), "invalid_params");
	answer = ask(&root, "schedule.remove", "{\"name\":\"bakcup\",\"user\":\"4001\"}");
	ck_assert_str_eq(tree_text(answer, "error.data.did_you_mean"), "backup");
	ck_assert_int_eq(tree_int(ask(&root, "schedule.remove", "{\"name\":\"backup\",\"user\":\"4001\"}"), "result.owner"), ANNA);
	client_fini(&root);
}
END_TEST

START_TEST(who_only_sees_it_is_told_whose_it_is)
{
	const struct config_access sections[] = { { .users = (char *)ALL, REST },
		{ .users = (char *)"4002", .submit = 1, .read = ACCESS_ALL, .cancel = ACCESS_OWN } };
	world_allow(&world, sections, 2);
	ck_assert(is_fine(ask(&anna, "schedule.add", "{\"name\":\"backup\",\"task\":\"echo\",\"every\":10}")));
	ck_assert_str_eq(kind_of(ask(&ben, "schedule.remove", "{\"name\":\"backup\"}")), "not_found");
	json_t *answer = ask(&ben, "schedule.remove", "{\"name\":\"backup\",\"user\":\"4001\"}");
	ck_assert_str_eq(kind_of(answer), "denied");
	ck_assert_int_eq(tree_int(answer, "error.data.owner"), ANNA);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge: whose schedules are");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_loop_test(all, a_run_is_submitted_by_the_rights_that_its_owner_has_then, 0, N_LOSSES);
	tcase_add_test(all, a_task_and_its_queue_are_of_the_same_section);
	tcase_add_test(all, an_admins_go_on_whatever_the_configuration_says);
	tcase_add_test(all, what_was_submitted_before_goes_on);
	tcase_add_test(all, runs_count_for_their_owner);
	tcase_add_test(all, one_users_names_are_not_in_anothers_way);
	tcase_add_test(all, who_only_sees_it_is_told_whose_it_is);
	suite_add_tcase(suite, all);
	TCase *stored = tcase_create("stored");
	tcase_add_checked_fixture(stored, set_up_durable, tear_down);
	tcase_add_loop_test(stored, a_durable_run_is_submitted_where_the_store_takes_one, 0, sizeof(full) / sizeof(full[0]));
	tcase_add_test(stored, others_do_not_mind_the_store);
	suite_add_tcase(suite, stored);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
