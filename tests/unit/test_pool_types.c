/* Types of tasks that are commands, from one configuration to the next, and which workers that concerns. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/template.h"
#include "pool/internal.h"
#include "pool_world.h"
#include "proto/json_scan.h"
#include "proto/strbuf.h"

static struct pool_world world;
static struct config other;
static struct config_pool other_handlers, other_commands;
static struct config_command section;

/* A configuration like the world's, for changes. */
static void set_up(void)
{
	pool_world_init(&world);
	other = world.config;
	other_handlers = world.handlers;
	other_commands = world.commands;
	STAILQ_INIT(&other.pools);
	STAILQ_INIT(&other.commands);
	STAILQ_INSERT_TAIL(&other.pools, &other_handlers, link);
	STAILQ_INSERT_TAIL(&other.pools, &other_commands, link);
}

static void tear_down(void)
{
	pool_world_fini(&world);
	template_free(section.template);
}

static void add_command(const char *name)
{
	char *error = NULL;
	section = (struct config_command){ .name = (char *)(uintptr_t)name, .argv = (char *)(uintptr_t)"/bin/echo {who}",
		.parameters = (char *)(uintptr_t)"who", .summary = (char *)(uintptr_t)"greets", .timeout = 5 * NS_PER_S,
		.limit_memory = -1, .limit_processes = -1, .limit_cpu = -1, .limit_files = -1, .limit_core = 0,
		.limit_file_size = -1, .capture = -1 };
	section.template = template_new(&section, &error);
	ck_assert_msg(section.template, "%s", error);
	STAILQ_INSERT_TAIL(&other.commands, &section, link);
}

static struct task_type *type(const char *name)
{
	return core_type_find(world.core, name, strlen(name));
}

START_TEST(a_named_command_is_known_from_a_reload_on_and_until_one)
{
	ck_assert_ptr_null(type("greet"));
	add_command("greet");
	pools_configure(world.pools, &other);
	const struct task_type *greet = type("greet");
	const struct handler_info *info = greet->user;
	ck_assert(greet->known && pools_type_is_command(greet));
	ck_assert_str_eq(core_queue_name(greet->queue), "commands");
	ck_assert_str_eq(info->summary, "greets");
	ck_assert_str_eq(info->source, "command");
	ck_assert_str_eq(info->parameters, template_parameters(section.template));
	ck_assert_int_eq(pools_command_timeout(world.pools, greet), 5 * NS_PER_S);
	pools_configure(world.pools, &world.config);
	ck_assert(!greet->known);
	ck_assert_int_eq(pools_command_timeout(world.pools, greet), 0);
	ck_assert(world.exec->known);
}
END_TEST

START_TEST(a_named_commands_arguments_become_those_of_exec)
{
	static const char good[] = "[\"you\"]", bad[] = "[]";
	struct strbuf out = STRBUF_INIT;
	struct json_span args;
	struct json_error problem;
	char error[200] = "";
	bool newline;
	add_command("greet");
	pools_configure(world.pools, &other);
	ck_assert_int_eq(json_scan(good, strlen(good), &args, &newline, &problem), 0);
	int code = pools_command_expand(world.pools, type("greet"), &args, &out, error, sizeof(error));
	ck_assert_msg(code == 0, "%s", error);
	ck_assert_ptr_nonnull(strstr(out.data, "\"argv\":[\"/bin/echo\",\"you\"]"));
	strbuf_free(&out);
	ck_assert_int_eq(pools_command_expand(world.pools, world.exec, &args, &out, error, sizeof(error)), 0);
	ck_assert_uint_eq(out.length, 0);
	ck_assert_int_eq(json_scan(bad, strlen(bad), &args, &newline, &problem), 0);
	ck_assert_int_eq(pools_command_expand(world.pools, type("greet"), &args, &out, error, sizeof(error)), -1);
	ck_assert_ptr_nonnull(strstr(error, "who"));
	strbuf_free(&out);
	pools_configure(world.pools, &world.config);
}
END_TEST

START_TEST(a_command_hides_a_handler_of_its_name_while_it_is_there)
{
	struct task_type *both = type("shadowed");
	ck_assert(both->known && !pools_type_is_command(both));
	add_command("shadowed");
	pools_configure(world.pools, &other);
	ck_assert(both->known && pools_type_is_command(both));
	ck_assert_str_eq(core_queue_name(both->queue), "commands");
	pools_configure(world.pools, &world.config);
	const struct handler_info *info = both->user;
	ck_assert(both->known && !pools_type_is_command(both));
	ck_assert_str_eq(core_queue_name(both->queue), "default");
	ck_assert_str_eq(info->source, "built-in");
}
END_TEST

START_TEST(a_handler_that_comes_later_stays_behind_the_command)
{
	struct task_type *both = type("shadowed");
	struct pool *pool = pools_find(world.pools, "default");
	add_command("shadowed");
	pools_configure(world.pools, &other);
	uint64_t starts = TAILQ_FIRST(&pool->workers)->starts;
	kill(TAILQ_FIRST(&pool->workers)->pid, SIGKILL);
	world_until(&world, TAILQ_FIRST(&pool->workers)->starts > starts && TAILQ_FIRST(&pool->workers)->state == WORKER_READY);
	const struct handler_info *info = both->user;
	ck_assert(both->known && pools_type_is_command(both));
	ck_assert_str_eq(info->source, "command");
	pools_configure(world.pools, &world.config);
}
END_TEST

static int says(const char *pool, const char *name, const char *summary)
{
	return types_handler(pools_find(world.pools, pool), name, summary, NULL, "plugin");
}

START_TEST(what_another_pools_worker_says_of_a_handler_is_nothing_to_go_by)
{
	const struct handler_info *info = world.handler->user;
	ck_assert_int_eq(says("commands", "work", "lies"), 0);
	ck_assert(!info->summary || strcmp(info->summary, "lies") != 0);
	ck_assert_str_eq(info->source, "built-in");
	ck_assert_int_eq(says("default", "work", "works"), 0);
	ck_assert_str_eq(info->summary, "works");
	/* Where nobody else has said anything it is better than nothing. */
	ck_assert_int_eq(says("commands", "rare", "of a plugin that only one could load"), 0);
	info = type("rare")->user;
	ck_assert_str_eq(info->summary, "of a plugin that only one could load");
	ck_assert_int_eq(says("default", "rare", "is rare"), 0);
	ck_assert_str_eq(info->summary, "is rare");
}
END_TEST

START_TEST(a_pools_workers_that_make_up_names_use_up_only_their_own)
{
	char name[32];
	int code = 0;
	long made = 0;
	for (long i = 0; i < 20000 && code == 0; i++) {
		snprintf(name, sizeof(name), "made_up_%ld", i);
		code = says("commands", name, NULL);
		made += code == 0;
	}
	ck_assert_int_eq(code, -1);
	ck_assert_int_eq(made, 10000);
	ck_assert_int_eq(says("commands", "one_more", NULL), -1);
	ck_assert_int_eq(says("commands", "made_up_7", NULL), 0);
	ck_assert_int_eq(says("default", "real", NULL), 0);
}
END_TEST

/* Others come first, and the end is not lost. */
START_TEST(who_reports_without_an_end_is_heard_now_and_then)
{
	struct task *task = world_start(&world, world.handler, "[\"chatter\",20000]");
	const struct seat *seat = core_slot_user(task->slot);
	bool was_not_heard = false;
	world_until(&world, (was_not_heard |= seat->deaf_until_ns != 0, task_state_is_terminal(task->state)));
	ck_assert_str_eq(world_result(task), "{}");
	ck_assert(was_not_heard);
}
END_TEST

/* --- reload --- */

static uint64_t starts_of(const char *pool)
{
	return TAILQ_FIRST(&pools_find(world.pools, pool)->workers)->starts;
}

static void until_ready(void)
{
	int ready = 0, wanted = 0;
	world_until(&world, (pools_count(world.pools, &ready, &wanted), ready == wanted));
}

/* …of three slots, each of which is heard though others have more to say. */
START_TEST(what_is_heard_a_little_at_a_time_is_all_heard)
{
	struct task *tasks[40];
	world.hears_little = true;
	for (int i = 0; i < 40; i++)
		tasks[i] = world_submit(&world, i % 2 ? world.handler : world.exec, i % 4 ? "[\"done\"]" : "[\"chatter\",30]");
	for (int i = 0; i < 40; i++)
		world_end(&world, tasks[i]);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(tasks[i]->state, TASK_SUCCEEDED);
	ck_assert_uint_gt(world.behind, 40);
}
END_TEST

START_TEST(a_change_of_what_commands_keep_replaces_their_workers_alone)
{
	uint64_t commands = starts_of("commands"), handlers = starts_of("default");
	other_commands.capture_limit = 4096;
	pools_configure(world.pools, &other);
	until_ready();
	ck_assert_uint_eq(starts_of("commands"), commands + 1);
	ck_assert_uint_eq(starts_of("default"), handlers);
	pools_configure(world.pools, &world.config);
	until_ready();
	other.command_log_dir = NULL;
	other_commands.capture_limit = world.commands.capture_limit;
	pools_configure(world.pools, &other);
	until_ready();
	ck_assert_uint_eq(starts_of("commands"), commands + 3);
	ck_assert_uint_eq(starts_of("default"), handlers);
	pools_configure(world.pools, &world.config);
}
END_TEST

START_TEST(plugins_do_not_concern_workers_of_commands)
{
	struct config_plugin plugin = { .name = (char *)(uintptr_t)"p", .path = (char *)(uintptr_t)"/p.so" };
	uint64_t commands = starts_of("commands"), handlers = starts_of("default");
	STAILQ_INSERT_TAIL(&other.plugins, &plugin, link);
	pools_configure(world.pools, &other);
	until_ready();
	ck_assert_uint_eq(starts_of("commands"), commands);
	ck_assert_uint_eq(starts_of("default"), handlers + 1);
	pools_configure(world.pools, &world.config);
}
END_TEST

START_TEST(whether_a_pool_runs_commands_is_not_changed_while_it_runs)
{
	other_commands.commands = 0;
	other_commands.threads = 4;
	other_handlers.commands = 1;
	pools_configure(world.pools, &other);
	until_ready();
	ck_assert_str_eq(core_queue_name(world.exec->queue), "commands");
	ck_assert_str_eq(core_queue_name(world.handler->queue), "default");
	ck_assert_int_eq(pools_find(world.pools, "commands")->threads, 1);
	struct task *task = world_submit(&world, world.exec, "[\"done\"]");
	world_end(&world, task);
	ck_assert_str_eq(world_result(task), "{}");
	pools_configure(world.pools, &world.config);
}
END_TEST

int main(int argc, char **argv)
{
	worker_main(argc, argv);
	Suite *suite = suite_create("pool_types");
	TCase *all = tcase_create("types");
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_named_command_is_known_from_a_reload_on_and_until_one);
	tcase_add_test(all, a_named_commands_arguments_become_those_of_exec);
	tcase_add_test(all, a_command_hides_a_handler_of_its_name_while_it_is_there);
	tcase_add_test(all, a_handler_that_comes_later_stays_behind_the_command);
	tcase_add_test(all, what_another_pools_worker_says_of_a_handler_is_nothing_to_go_by);
	tcase_add_test(all, a_pools_workers_that_make_up_names_use_up_only_their_own);
	tcase_add_test(all, who_reports_without_an_end_is_heard_now_and_then);
	tcase_add_test(all, what_is_heard_a_little_at_a_time_is_all_heard);
	tcase_add_test(all, a_change_of_what_commands_keep_replaces_their_workers_alone);
	tcase_add_test(all, plugins_do_not_concern_workers_of_commands);
	tcase_add_test(all, whether_a_pool_runs_commands_is_not_changed_while_it_runs);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
