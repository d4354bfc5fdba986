/* Which handlers and plugins a worker takes, and what it says of those that it does not. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/plugin.h"
#include "worker/registry.h"

static struct registry registry;
static char directory[] = "/tmp/taskd-registry-XXXXXX";
static char path[PATH_MAX];

static void set_up(void)
{
	registry_init(&registry);
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/plugin.so", directory);
}

static void tear_down(void)
{
	registry_fini(&registry);
	unlink(path);
	rmdir(directory);
}

static int nothing(struct taskd_call *call) { (void)call; return TASKD_OK; }
static void no_fini(void *state) { (void)state; }

static const char *problem(void)
{
	const struct registry_problem *first = STAILQ_FIRST(&registry.problems);
	return first ? first->reason : "";
}

#define LETTERS_64 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-"

START_TEST(a_good_handler_is_found_by_its_name)
{
	static const char *const names[] = { "a", "_", "fib", "A-b_9", LETTERS_64 };
	struct taskd_handler handlers[5];
	for (size_t i = 0; i < 5; i++) {
		handlers[i] = (struct taskd_handler){ .name = names[i], .run = nothing, .parameters = " a:int  b:any? " };
		ck_assert_int_eq(registry_add(&registry, &handlers[i], "test"), 0);
	}
	for (size_t i = 0; i < 5; i++)
		ck_assert_ptr_eq(registry_find(&registry, names[i], strlen(names[i]))->handler, &handlers[i]);
	ck_assert_ptr_null(registry_find(&registry, "fi", 2));
	ck_assert_ptr_null(registry_find(&registry, "fibx", 4));
	ck_assert(STAILQ_EMPTY(&registry.problems));
}
END_TEST

START_TEST(the_builtin_handlers_are_good)
{
	for (const struct taskd_handler *handler = builtin_handlers; handler->name; handler++)
		ck_assert_int_eq(registry_add(&registry, handler, "built-in"), 0);
	ck_assert_ptr_nonnull(registry_find(&registry, "echo", 4));
	ck_assert_uint_eq(registry.count, 4);
}
END_TEST

static const struct refusal {
	struct taskd_handler handler;
	const char *reason;
} refusals[] = {
	{ { .name = "", .run = nothing }, "a name is" },
	{ { .name = "9a", .run = nothing }, "a name is" },
	{ { .name = "-a", .run = nothing }, "a name is" },
	{ { .name = "a.b", .run = nothing }, "a name is" },
	{ { .name = "a b", .run = nothing }, "a name is" },
	{ { .name = "caf\xc3\xa9", .run = nothing }, "a name is" },
	{ { .name = LETTERS_64 "x", .run = nothing }, "a name is" },
	{ { .name = "there", .run = nothing }, "the name is taken (first)" },
	{ { .name = "x" }, "no run function" },
	{ { .name = "x", .run = nothing, .fini = no_fini }, "fini but no init" },
	{ { .name = "x", .run = nothing, .summary = "a\nb" }, "summary" },
	{ { .name = "x", .run = nothing, .summary = "\xff" }, "summary" },
	{ { .name = "x", .run = nothing, .parameters = "a" }, "parameters" },
	{ { .name = "x", .run = nothing, .parameters = ":int" }, "parameters" },
	{ { .name = "x", .run = nothing, .parameters = "a:integer" }, "parameters" },
	{ { .name = "x", .run = nothing, .parameters = "a:int??" }, "parameters" },
};

START_TEST(a_bad_handler_is_refused_with_its_reason)
{
	const struct taskd_handler there = { .name = "there", .run = nothing };
	ck_assert_int_eq(registry_add(&registry, &there, "first"), 0);
	ck_assert_int_eq(registry_add(&registry, &refusals[_i].handler, "second"), -1);
	ck_assert_msg(strstr(problem(), refusals[_i].reason), "%s", problem());
	ck_assert_uint_eq(registry.count, 1);
}
END_TEST

/* --- plugins --- */

static void copy_plugin(const char *name, mode_t mode)
{
	const char *build = getenv("top_builddir");
	char from[PATH_MAX], bytes[65536];
	snprintf(from, sizeof(from), "%s/tests/plugins/%s.so", build ? build : ".", name);
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_msg(in >= 0 && out >= 0, "%s: %s", from, strerror(errno));
	ssize_t n;
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		ck_assert_int_eq(write(out, bytes, (size_t)n), n);
	fchmod(out, mode);
	close(in);
	close(out);
}

START_TEST(a_plugin_brings_its_handlers)
{
	copy_plugin("example", 0644);
	ck_assert_msg(plugin_load(&registry, "math", path) == 0, "%s", problem());
	ck_assert_str_eq(registry_find(&registry, "add", 3)->source, "math");
	ck_assert_ptr_nonnull(registry_find(&registry, "counter", 7));
}
END_TEST

START_TEST(two_plugins_are_two_objects)
{
	char other[PATH_MAX];
	copy_plugin("example", 0644);
	ck_assert_int_eq(plugin_load(&registry, "math", path), 0);
	snprintf(other, sizeof(other), "%s/other.so", directory);
	ck_assert_int_eq(rename(path, other), 0);
	copy_plugin("nasty", 0644);
	ck_assert_msg(plugin_load(&registry, "nasty", path) == 0, "%s", problem());
	ck_assert_str_eq(registry_find(&registry, "spin", 4)->source, "nasty");
	unlink(other);
}
END_TEST

static void ck_refused(const char *at, const char *reason)
{
	ck_assert_int_eq(plugin_load(&registry, "math", at), -1);
	ck_assert_msg(strstr(problem(), reason), "%s", problem());
	ck_assert_ptr_eq(strstr(problem(), "/proc/"), NULL);
	ck_assert_str_eq(STAILQ_FIRST(&registry.problems)->source, "math");
	ck_assert_uint_eq(registry.count, 0);
}

START_TEST(a_plugin_that_others_can_write_is_refused)
{
	static const mode_t modes[] = { 0664, 0646, 0666 };
	copy_plugin("example", modes[_i]);
	ck_refused(path, "others than its owner may write the file");
}
END_TEST

START_TEST(a_directory_that_others_can_write_is_refused)
{
	static const mode_t modes[] = { 0770, 0707, 01777 };
	copy_plugin("example", 0644);
	chmod(directory, modes[_i]);
	ck_refused(path, "others than its owner may write the directory");
}
END_TEST

/* Only root can give a file away. */
START_TEST(a_plugin_or_directory_of_someone_else_is_refused)
{
	copy_plugin("example", 0644);
	if (chown(_i ? directory : path, 12345, (gid_t)-1) < 0)
		return;
	ck_refused(path, "belongs to uid 12345");
}
END_TEST

START_TEST(a_symbolic_link_is_refused)
{
	char target[PATH_MAX];
	copy_plugin("example", 0644);
	snprintf(target, sizeof(target), "%s/real.so", directory);
	ck_assert_int_eq(rename(path, target), 0);
	ck_assert_int_eq(symlink("real.so", path), 0);
	ck_refused(path, "a symbolic link");
	unlink(target);
}
END_TEST

START_TEST(a_path_that_leads_nowhere_is_refused)
{
	static const struct { const char *at, *reason; } cases[] = {
		{ "plugin.so", "not an absolute path" }, { "", "not an absolute path" }, { "/tmp/", "not an absolute path" },
		{ "/nowhere/at/all.so", "No such file" }, { "/etc/no-such-plugin.so", "No such file" }, { "/usr/lib", "not a regular file" },
	};
	ck_refused(cases[_i].at, cases[_i].reason);
}
END_TEST

START_TEST(a_file_that_is_no_plugin_is_refused)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(write(fd, "hello\n", 6), 6);
	close(fd);
	ck_refused(path, ": file too short");
}
END_TEST

START_TEST(a_plugin_of_another_version_is_refused)
{
	copy_plugin("other_abi", 0644);
	ck_refused(path, "made for version 2 of the plugin interface; this taskd has 1");
}
END_TEST

START_TEST(a_handler_whose_name_is_taken_leaves_the_others)
{
	const struct taskd_handler there = { .name = "add", .run = nothing };
	ck_assert_int_eq(registry_add(&registry, &there, "built-in"), 0);
	copy_plugin("example", 0644);
	ck_assert_int_eq(plugin_load(&registry, "math", path), 0);
	ck_assert_str_eq(problem(), "handler \"add\": the name is taken (built-in)");
	ck_assert_ptr_eq(registry_find(&registry, "add", 3)->handler, &there);
	ck_assert_ptr_nonnull(registry_find(&registry, "counter", 7));
}
END_TEST

static char *read_source(const char *name)
{
	const char *source = getenv("top_srcdir");
	char at[PATH_MAX];
	snprintf(at, sizeof(at), "%s/%s", source ? source : ".", name);
	FILE *file = fopen(at, "r");
	ck_assert_msg(file, "%s: %s", at, strerror(errno));
	char *text = calloc(1, 65536);
	ck_assert_uint_lt(fread(text, 1, 65535, file), 65535);
	fclose(file);
	return text;
}

START_TEST(the_manual_page_has_the_example_that_is_tested)
{
	char *example = read_source("tests/plugins/example.c"), *page = read_source("daemon/worker/taskd-plugin.3.scd");
	ck_assert_uint_gt(strlen(example), 0);
	ck_assert_ptr_nonnull(strstr(page, example));
	free(example);
	free(page);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registry");
	TCase *tests = tcase_create("registry");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_good_handler_is_found_by_its_name);
	tcase_add_test(tests, the_builtin_handlers_are_good);
	tcase_add_loop_test(tests, a_bad_handler_is_refused_with_its_reason, 0, sizeof(refusals) / sizeof(*refusals));
	tcase_add_test(tests, a_plugin_brings_its_handlers);
	tcase_add_test(tests, two_plugins_are_two_objects);
	tcase_add_loop_test(tests, a_plugin_that_others_can_write_is_refused, 0, 3);
	tcase_add_loop_test(tests, a_directory_that_others_can_write_is_refused, 0, 3);
	tcase_add_loop_test(tests, a_plugin_or_directory_of_someone_else_is_refused, 0, 2);
	tcase_add_test(tests, a_symbolic_link_is_refused);
	tcase_add_loop_test(tests, a_path_that_leads_nowhere_is_refused, 0, 6);
	tcase_add_test(tests, a_file_that_is_no_plugin_is_refused);
	tcase_add_test(tests, a_plugin_of_another_version_is_refused);
	tcase_add_test(tests, a_handler_whose_name_is_taken_leaves_the_others);
	tcase_add_test(tests, the_manual_page_has_the_example_that_is_tested);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
