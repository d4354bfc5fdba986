/* A command's environment, and the program that its name means. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/json_scan.h"
#include "worker/command.h"

/* --- the environment --- */

static char **made;
static struct environment_own own;

static char **make(const char *args)
{
	struct json_span span;
	struct json_error where;
	struct command_params params;
	char error[300];
	ck_assert_int_eq(json_scan(args, strlen(args), &span, NULL, &where), 0);
	ck_assert_int_eq(command_read(&span, &params, error, sizeof(error)), 0);
	made = environment_make(&params, &own, UINT64_MAX, 3, 5);
	command_free(&params);
	return made;
}

/* NULL: it is not there. Twice is a mistake. */
static const char *value(const char *name)
{
	const char *found = NULL;
	size_t length = strlen(name);
	for (char **entry = made; *entry; entry++)
		if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') {
			ck_assert_ptr_null(found);
			found = *entry + length + 1;
		}
	return found;
}

static void set_up(void)
{
	clearenv();
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("LC_", "no name of a category", 1);
	setenv("LANGUAGE", "de", 1);
	setenv("SECRET", "password", 1);
	setenv("TASKD_SOCKET", "/run/taskd.sock", 1);
	setenv("TASKD_SLOT", "the worker's, who knows", 1);
}

static void tear_down(void)
{
	free(made);
}

START_TEST(only_what_is_on_the_list_is_passed)
{
	make("{\"argv\":[\"true\"]}");
	ck_assert_str_eq(value("PATH"), "/usr/bin:/bin");
	ck_assert_str_eq(value("HOME"), "/root");
	ck_assert_str_eq(value("LC_ALL"), "C.UTF-8");
	ck_assert_ptr_null(value("LC_"));
	ck_assert_ptr_null(value("LANGUAGE"));
	ck_assert_ptr_null(value("SECRET"));
	ck_assert_ptr_null(value("USER"));
}
END_TEST

START_TEST(the_task_is_told)
{
	make("{\"argv\":[\"true\"]}");
	ck_assert_str_eq(value("TASKD_TASK_ID"), "18446744073709551615");
	ck_assert_str_eq(value("TASKD_ATTEMPT"), "3");
	ck_assert_str_eq(value("TASKD_SLOT"), "5");
	ck_assert_str_eq(value("TASKD_SOCKET"), "/run/taskd.sock");
}
END_TEST

START_TEST(what_is_set_takes_the_place_of_what_is_passed)
{
	make("{\"argv\":[\"true\"],\"env\":{\"HOME\":\"/home/me\",\"A\":\"b=c\",\"EMPTY\":\"\","
	     "\"PATH\":null,\"NONE\":null}}");
	ck_assert_str_eq(value("HOME"), "/home/me");
	ck_assert_str_eq(value("A"), "b=c");
	ck_assert_str_eq(value("EMPTY"), "");
	ck_assert_ptr_null(value("PATH"));
	ck_assert_ptr_null(value("NONE"));
}
END_TEST

START_TEST(nobody_speaks_for_the_daemon)
{
	make("{\"argv\":[\"true\"],\"env\":{\"TASKD_SLOT\":\"9\",\"TASKD_SOCKET\":null,\"TASKD_OTHER\":\"fine\"}}");
	ck_assert_str_eq(value("TASKD_SLOT"), "5");
	ck_assert_str_eq(value("TASKD_SOCKET"), "/run/taskd.sock");
	ck_assert_str_eq(value("TASKD_OTHER"), "fine");
}
END_TEST

START_TEST(an_empty_environment_is_no_trouble)
{
	clearenv();
	make("{\"argv\":[\"true\"]}");
	ck_assert_str_eq(value("TASKD_TASK_ID"), "18446744073709551615");
	ck_assert_ptr_null(value("TASKD_SOCKET"));
	ck_assert_ptr_null(value("PATH"));
}
END_TEST

/* --- the program --- */

static char folder[] = "/tmp/taskd-programs-XXXXXX";

static char *in_folder(const char *name)
{
	static char path[200];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put_file(const char *name, mode_t mode)
{
	FILE *file = fopen(in_folder(name), "we");
	ck_assert_ptr_nonnull(file);
	fputs("#!/bin/sh\n", file);
	fclose(file);
	ck_assert_int_eq(chmod(in_folder(name), mode), 0);
}

static void set_up_programs(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(mkdir(in_folder("one"), 0755), 0);
	ck_assert_int_eq(mkdir(in_folder("two"), 0755), 0);
	ck_assert_int_eq(mkdir(in_folder("one/folder"), 0755), 0);
	put_file("one/text", 0644);
	put_file("one/both", 0755);
	put_file("two/both", 0755);
	put_file("two/second", 0755);
	put_file("one/shadowed", 0644);
	put_file("two/shadowed", 0755);
	ck_assert_int_eq(mkfifo(in_folder("one/fifo"), 0755), 0);
}

static void tear_down_programs(void)
{
	static const char *const names[] = { "one/text", "one/both", "two/both", "two/second", "one/shadowed",
		"two/shadowed", "one/fifo" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(in_folder(names[i]));
	rmdir(in_folder("one/folder"));
	rmdir(in_folder("one"));
	rmdir(in_folder("two"));
	rmdir(folder);
}

/* NAME with the PATH one:two (or PATH where it is given), from the folder. */
static void find(const char *name, const char *path, const char *expected, int error)
{
	char variable[300];
	char *environment[] = { variable, NULL };
	if (path)
		snprintf(variable, sizeof(variable), "PATH=%s", path);
	else
		snprintf(variable, sizeof(variable), "PATH=%s/one:%s/two", folder, folder);
	char *found = program_find(name, folder, environment);
	if (expected) {
		ck_assert_msg(found != NULL, "%s: %s", name, strerror(errno));
		ck_assert_str_eq(found, in_folder(expected));
	} else {
		int given = errno;
		ck_assert_ptr_null(found);
		ck_assert_int_eq(given, error);
	}
	free(found);
}

START_TEST(programs_are_searched_in_order)
{
	find("both", NULL, "one/both", 0);
	find("second", NULL, "two/second", 0);
	find("shadowed", NULL, "two/shadowed", 0);
}
END_TEST

START_TEST(why_there_is_no_such_program_is_told)
{
	find("nosuch", NULL, NULL, ENOENT);
	find("text", NULL, NULL, EACCES);
	find("folder", NULL, NULL, EACCES);
	find("fifo", NULL, NULL, EACCES);
	find("", NULL, NULL, ENOENT);
	find("./nosuch", NULL, NULL, ENOENT);
	find("./one/text", NULL, NULL, EACCES);
	find("one/text/deeper", NULL, NULL, ENOTDIR);
	find("second", "/nonexistent:/dev/null", NULL, ENOENT);
}
END_TEST

START_TEST(paths_are_seen_from_the_commands_folder)
{
	find("one/both", NULL, "one/both", 0);
	find("both", "two", "two/both", 0);
	find("./two/second", "", "./two/second", 0);
	find(in_folder("two/second"), NULL, "two/second", 0);
}
END_TEST

START_TEST(an_empty_place_in_the_path_is_the_commands_folder)
{
	char *environment[] = { (char[]){ "PATH=/nonexistent:" }, NULL };
	put_file("second", 0755);
	char *found = program_find("second", folder, environment);
	ck_assert_str_eq(found, in_folder("second"));
	free(found);
	unlink(in_folder("second"));
}
END_TEST

START_TEST(without_a_path_there_is_the_systems)
{
	char *environment[] = { NULL };
	char *found = program_find("sh", NULL, environment);
	ck_assert_str_eq(found, "/bin/sh");
	free(found);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("environment");
	TCase *tests = tcase_create("environment");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, only_what_is_on_the_list_is_passed);
	tcase_add_test(tests, the_task_is_told);
	tcase_add_test(tests, what_is_set_takes_the_place_of_what_is_passed);
	tcase_add_test(tests, nobody_speaks_for_the_daemon);
	tcase_add_test(tests, an_empty_environment_is_no_trouble);
	suite_add_tcase(suite, tests);

	tests = tcase_create("program");
	tcase_add_checked_fixture(tests, set_up_programs, tear_down_programs);
	tcase_add_test(tests, programs_are_searched_in_order);
	tcase_add_test(tests, why_there_is_no_such_program_is_told);
	tcase_add_test(tests, paths_are_seen_from_the_commands_folder);
	tcase_add_test(tests, an_empty_place_in_the_path_is_the_commands_folder);
	tcase_add_test(tests, without_a_path_there_is_the_systems);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
