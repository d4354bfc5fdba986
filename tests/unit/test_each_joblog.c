/* The job log: what is written, and what a later one reads out of it, whatever has happened to its end. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskctl/each_joblog.h"
#include "client/taskctl/taskctl.h"

void *must(void *p)
{
	ck_assert_ptr_nonnull(p);
	return p;
}

static char path[] = "/tmp/taskctl-joblog-XXXXXX";

static void setup(void)
{
	int fd;

	memcpy(path + strlen(path) - 6, "XXXXXX", 6);
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(path);
}

static char *content(void)
{
	FILE *in = fopen(path, "r");
	char *text = calloc(1, 65536);

	ck_assert_ptr_nonnull(in);
	ck_assert_uint_lt(fread(text, 1, 65535, in), 65535);
	fclose(in);
	return text;
}

static void write_content(const char *text)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	ck_assert_int_eq(fclose(out), 0);
}

static struct joblog *begin(bool resume)
{
	struct joblog *log = joblog_open(path, resume);

	ck_assert_ptr_nonnull(log);
	return log;
}

static void add(struct joblog *log, uint64_t number, int status, int signal_number, const char *command)
{
	joblog_add(log,
		&(struct joblog_entry){ .number = number,
			.start_ns = INT64_C(1700000000123456789),
			.duration_ns = 1500000000,
			.status = status,
			.signal = signal_number,
			.command = command });
}

START_TEST(a_line_has_all_there_is_to_know)
{
	struct joblog *log = begin(false);
	char *text;

	joblog_add(log,
		&(struct joblog_entry){ .number = 3,
			.id = "17",
			.start_ns = INT64_C(1700000000123456789),
			.duration_ns = 1500000000,
			.status = -1,
			.signal = 9,
			.command = "echo 'a b'" });
	ck_assert_int_eq(joblog_flush(log), 0);
	joblog_free(log);
	text = content();
	ck_assert_str_eq(text,
		"seq\tid\tstart\tseconds\texit\tsignal\tcommand\n"
		"3\t17\t2023-11-14T22:13:20.123456Z\t1.500000\t-\t9\techo 'a b'\n");
	free(text);
}
END_TEST

START_TEST(what_has_succeeded_is_known_as_often_as_it_did)
{
	struct joblog *log = begin(false);

	add(log, 1, 0, 0, "sleep 1");
	add(log, 2, 0, 0, "sleep 1");
	add(log, 3, 1, 0, "false");
	add(log, 4, 0, 0, "a");
	add(log, 5, -1, 9, "b");
	add(log, 6, 10, 0, "c");
	ck_assert_int_eq(joblog_flush(log), 0);
	joblog_free(log);

	log = begin(true);
	ck_assert(joblog_succeeded(log, "sleep 1"));
	ck_assert(joblog_succeeded(log, "sleep 1"));
	ck_assert(!joblog_succeeded(log, "sleep 1"));
	ck_assert(!joblog_succeeded(log, "false"));
	ck_assert(!joblog_succeeded(log, "b"));
	ck_assert(!joblog_succeeded(log, "c"));
	ck_assert(joblog_succeeded(log, "a"));
	ck_assert(!joblog_succeeded(log, "a"));
	ck_assert(!joblog_succeeded(log, "never"));
	joblog_free(log);
}
END_TEST

START_TEST(what_is_resumed_is_gone_on_with_and_what_is_not_begins_anew)
{
	struct joblog *log = begin(false);
	char *text;

	add(log, 1, 0, 0, "a");
	ck_assert_int_eq(joblog_flush(log), 0);
	joblog_free(log);
	log = begin(true);
	add(log, 2, 0, 0, "b");
	ck_assert_int_eq(joblog_flush(log), 0);
	joblog_free(log);
	text = content();
	ck_assert_ptr_nonnull(strstr(text, "\ta\n2\t"));
	ck_assert_ptr_null(strstr(text + 1, "seq\t"));
	free(text);

	joblog_free(begin(false));
	text = content();
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

START_TEST(a_last_line_that_is_cut_counts_for_nothing_and_harms_no_other)
{
	struct joblog *log;
	char *text;

	write_content("seq\tid\tstart\tseconds\texit\tsignal\tcommand\n"
		      "1\t-\tx\t1\t0\t0\twhole\n"
		      "2\t-\tx\t1\t0\t0\tcut of");
	log = begin(true);
	ck_assert(joblog_succeeded(log, "whole"));
	ck_assert(!joblog_succeeded(log, "cut of"));
	add(log, 2, 0, 0, "cut off");
	ck_assert_int_eq(joblog_flush(log), 0);
	joblog_free(log);

	text = content();
	ck_assert_ptr_nonnull(strstr(text, "\tcut of\n2\t"));
	free(text);
	log = begin(true);
	ck_assert(joblog_succeeded(log, "cut off"));
	joblog_free(log);
}
END_TEST

START_TEST(lines_that_are_none_are_left_out)
{
	struct joblog *log;

	write_content("\n\t\n1\t-\n0\t0\t0\t0\t0\t0\n1\t-\tx\t1\t00\t0\td\n1\t-\tx\t1\t0\t0\ta\tb\n");
	log = begin(true);
	ck_assert(joblog_succeeded(log, "a\tb"));
	ck_assert(!joblog_succeeded(log, "d"));
	ck_assert(!joblog_succeeded(log, "0"));
	ck_assert(!joblog_succeeded(log, ""));
	joblog_free(log);
}
END_TEST

START_TEST(a_log_that_is_not_there_is_begun)
{
	struct joblog *log;
	char *text;

	unlink(path);
	log = begin(true);
	ck_assert(!joblog_succeeded(log, "a"));
	add(log, 1, 0, 0, "a");
	ck_assert_int_eq(joblog_flush(log), 0);
	joblog_free(log);
	text = content();
	ck_assert_int_eq(strncmp(text, "seq\t", 4), 0);
	free(text);
	errno = 0;
	ck_assert_ptr_null(joblog_open("/nosuch/folder/log", false));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("joblog");
	Suite *suite = suite_create("joblog");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_line_has_all_there_is_to_know);
	tcase_add_test(tcase, what_has_succeeded_is_known_as_often_as_it_did);
	tcase_add_test(tcase, what_is_resumed_is_gone_on_with_and_what_is_not_begins_anew);
	tcase_add_test(tcase, a_last_line_that_is_cut_counts_for_nothing_and_harms_no_other);
	tcase_add_test(tcase, lines_that_are_none_are_left_out);
	tcase_add_test(tcase, a_log_that_is_not_there_is_begun);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
