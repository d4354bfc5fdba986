/* Who a peer is by its user and its groups, which sections are about it, what these add up to, and that each method asks for
 * its right. What follows for single tasks and objects is test_edge_rights.c's and test_edge_foreign.c's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edge_world.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UID 4001
#define GID 4100

static const gid_t groups[] = { 4200, 4300, (gid_t)-1 };
static struct world world;
static struct client client;

static void set_up(void)
{
	world_init(&world);
	client_init(&client, &world);
	client_become(&client, UID, GID, groups);
}

static void tear_down(void)
{
	client_fini(&client);
	world_fini(&world);
}

static const struct access *mine(void)
{
	return access_of(client_connection(&client));
}

static json_t *ask(const char *method, const char *params)
{
	char line[512];
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	return client_ask(&client, line);
}

static bool is_denied(json_t *answer)
{
	return strcmp(tree_text(answer, "error.data.kind"), "denied") == 0;
}

/* --- who --- */

static void allow(const char *users)
{
	const struct config_access section = { .users = (char *)users, .submit = 1, .read = ACCESS_OWN, .cancel = ACCESS_OWN };
	world_allow(&world, &section, 1);
}

START_TEST(a_section_is_about_those_whom_its_words_name)
{
	static const struct {
		const char *users;
		bool about;
	} cases[] = {
		{ "4001", true },
		{ "4002", false },
		{ "*", true },
		{ "nobody", false },
		{ "owner", false },
		{ "@4100", true },   /* the primary group */
		{ "@4300", true },   /* a supplementary one */
		{ "@4001", false },  /* a user's number is no group's */
		{ "4100", false },
		{ "daemon 4001", true },
		{ "daemon\t@4200 ", true },
		{ "no-such-user @no-such-group", false },
		{ "4294967295 -1 @4294967295 @-1 4001x", false },
		{ "", false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		allow(cases[i].users);
		ck_assert_msg(mine()->submit == cases[i].about, "%s", cases[i].users);
		ck_assert_uint_eq(mine()->sections, cases[i].about);
		ck_assert_int_eq(mine()->read, cases[i].about ? ACCESS_OWN : ACCESS_NONE);
		ck_assert(!mine()->admin);
	}
}
END_TEST

/* Not a user who happens to be called so. */
START_TEST(nobody_is_nobody)
{
	client_become(&client, 65534, 65534, NULL);
	allow("nobody");
	ck_assert(!mine()->submit);
	allow("65534");
	ck_assert(mine()->submit);
}
END_TEST

/* Whoever has no right to give the file away has a group of his own all the same. */
START_TEST(members_are_in_the_group_of_the_sockets_file)
{
	struct stat status;
	ck_assert_int_eq(lstat(world.path, &status), 0);
	const gid_t member[] = { 4200, status.st_gid, (gid_t)-1 };
	allow("members");
	ck_assert(!mine()->submit);
	client_become(&client, UID, status.st_gid, NULL);
	ck_assert(mine()->submit);
	client_become(&client, UID, GID, member);
	ck_assert(mine()->submit);
	ck_assert(!mine()->submit_all || mine()->submit);
	/* A socket that is not known has none. */
	ck_assert_int_eq(unlink(world.path), 0);
	world_configure(&world);
	ck_assert(!mine()->submit);
}
END_TEST

START_TEST(the_group_of_the_file_is_looked_at_again_by_a_reload)
{
	if (geteuid() != 0)
		return; /* nobody else gives files to others' groups */
	allow("members");
	ck_assert_int_eq(chown(world.path, (uid_t)-1, 4300), 0);
	ck_assert(!mine()->submit);
	world_configure(&world);
	ck_assert(mine()->submit);
}
END_TEST

START_TEST(root_and_the_daemons_user_have_everything_whatever_is_written)
{
	const uid_t uids[] = { 0, geteuid() };
	world_allow(&world, NULL, 0);
	ck_assert(!mine()->submit);
	for (size_t i = 0; i < COUNT(uids); i++) {
		client_become(&client, uids[i], GID, NULL);
		ck_assert(mine()->admin && mine()->submit && mine()->submit_all);
		ck_assert_int_eq(mine()->read, ACCESS_ALL);
		ck_assert_int_eq(mine()->cancel, ACCESS_ALL);
	}
	const gid_t of_root[] = { 0, (gid_t)-1 };
	client_become(&client, UID, 0, of_root); /* root's group is not root */
	ck_assert(!mine()->admin && !mine()->submit);
}
END_TEST

START_TEST(the_kernel_says_which_groups_a_peer_has)
{
	struct client fresh;
	client_init(&fresh, &world);
	const struct peer *peer = &client_connection(&fresh)->peer;
	gid_t own[256];
	int n = getgroups(COUNT(own), own);
	ck_assert_uint_eq(peer->uid, geteuid());
	ck_assert_uint_eq(peer->gid, getegid());
	ck_assert_int_ge(n, 0);
	ck_assert_uint_eq(peer->n_groups, (size_t)n);
	for (int i = 0; i < n; i++)
		ck_assert(peer_is_in_group(peer, own[i]));
	ck_assert(!peer_is_in_group(peer, 4242));
	client_fini(&fresh);
}
END_TEST

/* --- what --- */

START_TEST(sections_add_up)
{
	const struct config_access sections[] = {
		{ .users = (char *)"4001", .read = ACCESS_ALL },
		{ .users = (char *)"4002", .admin = 1, .submit = 1, .cancel = ACCESS_ALL },
		{ .users = (char *)"@4200", .submit = 1, .tasks = (char *)"echo", .cancel = ACCESS_OWN },
		{ .users = (char *)"*", .read = ACCESS_OWN },
	};
	world_allow(&world, sections, 4);
	ck_assert_uint_eq(mine()->sections, 1u | 4u | 8u);
	ck_assert(mine()->submit && !mine()->submit_all && !mine()->admin);
	ck_assert_int_eq(mine()->read, ACCESS_ALL);
	ck_assert_int_eq(mine()->cancel, ACCESS_OWN);
	client_become(&client, 4002, 1, NULL);
	ck_assert(mine()->admin && mine()->submit_all);
	ck_assert_int_eq(mine()->read, ACCESS_ALL);
}
END_TEST

START_TEST(a_task_and_its_queue_are_allowed_by_the_same_section)
{
	const struct config_access sections[] = {
		{ .users = (char *)"*", .submit = 1, .tasks = (char *)"ec?o", .queues = (char *)"default" },
		{ .users = (char *)"*", .submit = 1, .tasks = (char *)"[pq]lain", .queues = (char *)"x t*" },
		{ .users = (char *)"*", .submit = 0, .tasks = (char *)"*", .queues = (char *)"*" }, /* lets nobody do anything */
	};
	static const struct {
		const char *params;
		const char *message; /* NULL: allowed */
	} cases[] = {
		{ "{\"task\":\"echo\"}", NULL },
		{ "{\"task\":\"echo\",\"queue\":\"tight\"}", "user uid 4001 may not submit \"echo\" into queue \"tight\"" },
		{ "{\"task\":\"plain\"}", "user uid 4001 may not submit \"plain\" into queue \"default\"" },
		{ "{\"task\":\"plain\",\"queue\":\"tight\"}", NULL },
		{ "{\"task\":\"fail\"}", "user uid 4001 may not submit \"fail\"" },
	};
	world_allow(&world, sections, 3);
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *answer = ask("task.submit", cases[i].params);
		ck_assert_str_eq(tree_text(answer, "error.message"), cases[i].message ? cases[i].message : "(none)");
		ck_assert_str_eq(tree_text(answer, "error.data.right"), cases[i].message ? "submit" : "(none)");
	}
}
END_TEST

static const struct role {
	const char *name;
	struct config_access section;
} roles[] = {
	{ "stranger", { .users = (char *)"nobody" } },
	{ "submitter", { .users = (char *)"*", .submit = 1 } },
	{ "reader", { .users = (char *)"*", .read = ACCESS_ALL } },
	{ "canceller", { .users = (char *)"*", .cancel = ACCESS_OWN } },
	{ "member", { .users = (char *)"*", .submit = 1, .read = ACCESS_OWN, .cancel = ACCESS_OWN } },
};

static bool role_has(const struct config_access *section, enum right right)
{
	const bool has[N_RIGHTS] = {
		[RIGHT_NONE] = true,
		[RIGHT_SUBMIT] = section->submit,
		[RIGHT_READ] = section->read != ACCESS_NONE,
		[RIGHT_CANCEL] = section->cancel != ACCESS_NONE,
	};
	return has[right];
}

/* Nothing of the parameters is looked at before. */
START_TEST(every_method_asks_for_its_right)
{
	const struct role *role = &roles[_i];
	world_allow(&world, &role->section, 1);
	for (int i = 0; i < N_METHODS; i++) {
		const struct method_info *info = method_info((enum method)i);
		json_t *answer = ask(info->name, "{\"nonsense\":1}");
		bool has = role_has(&role->section, info->right);
		ck_assert_msg(is_denied(answer) == !has, "%s as %s", info->name, role->name);
		if (!has)
			ck_assert_str_eq(tree_text(answer, "error.data.right"), right_name(info->right));
	}
	ck_assert(is_denied(ask("echo", "[1]")) == !role->section.submit);
	ck_assert(is_denied(ask("no_such_task", "[]")) == !role->section.submit);
	ck_assert_int_eq(world.n_shutdowns, 0);
}
END_TEST

START_TEST(a_reload_counts_for_connections_that_are_open)
{
	allow("nobody");
	ck_assert(is_denied(ask("echo", "[1]")));
	allow("4001");
	ck_assert(!is_denied(ask("echo", "[1]")));
	allow("4002");
	ck_assert(is_denied(ask("echo", "[1]")));
}
END_TEST

START_TEST(discovery_tells_the_rights_and_only_the_tasks_that_are_offered)
{
	const struct config_access section = { .users = (char *)"*", .submit = 1, .tasks = (char *)"echo" };
	world_allow(&world, &section, 1);
	json_t *methods = tree_at(ask("rpc.discover", "{}"), "result.methods"), *method;
	size_t i, tasks = 0, rights = 0;
	json_array_foreach(methods, i, method) {
		const char *name = tree_text(method, "name");
		int known = method_find(name, strlen(name));
		if (known >= 0)
			rights += strcmp(tree_text(method, "x-right"), right_name(method_info((enum method)known)->right)) == 0;
		else
			tasks += strcmp(name, "echo") == 0 ? 1 : 100;
	}
	ck_assert_uint_eq(rights, N_METHODS);
	ck_assert_uint_eq(tasks, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_access");
	TCase *tcase = tcase_create("access");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_section_is_about_those_whom_its_words_name);
	tcase_add_test(tcase, nobody_is_nobody);
	tcase_add_test(tcase, members_are_in_the_group_of_the_sockets_file);
	tcase_add_test(tcase, the_group_of_the_file_is_looked_at_again_by_a_reload);
	tcase_add_test(tcase, root_and_the_daemons_user_have_everything_whatever_is_written);
	tcase_add_test(tcase, the_kernel_says_which_groups_a_peer_has);
	tcase_add_test(tcase, sections_add_up);
	tcase_add_test(tcase, a_task_and_its_queue_are_allowed_by_the_same_section);
	tcase_add_loop_test(tcase, every_method_asks_for_its_right, 0, (int)COUNT(roles));
	tcase_add_test(tcase, a_reload_counts_for_connections_that_are_open);
	tcase_add_test(tcase, discovery_tells_the_rights_and_only_the_tasks_that_are_offered);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
