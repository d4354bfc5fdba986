/* The log: what a line and a journal record look like, what goes where, and how a flood is held back. */
#include "base/log.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_format.h"

static char buf[LOG_TEXT_SIZE];

static void expect(const char *got, size_t length, const char *wanted, size_t wanted_length)
{
	ck_assert_uint_eq(length, wanted_length);
	ck_assert(!memcmp(got, wanted, length));
}
#define EXPECT(length, wanted) expect(buf, length, wanted, sizeof(wanted) - 1)

START_TEST(line_has_fields_without_the_prefix_and_in_lower_case)
{
	const struct log_field fields[] = { { "TASKD_TASK_ID", "17" }, { "TASKD_REASON", "a \"b\"" }, { "OTHER", "" } };
	struct log_message message = {
		.level = LOG_LEVEL_WARNING, .prefix = "worker: ", .text = "it ended", .fields = fields, .n_fields = 3,
	};

	EXPECT(log_format_line(buf, &message, false), "worker: it ended task_id=17 reason=\"a \\\"b\\\"\" other=\"\"\n");
	EXPECT(log_format_line(buf, &message, true), "<4>worker: it ended task_id=17 reason=\"a \\\"b\\\"\" other=\"\"\n");
}
END_TEST

START_TEST(message_is_one_line_whatever_is_in_it)
{
	const struct log_field field = { "X", "1\n<0>forged" };
	struct log_message message = { .level = LOG_LEVEL_INFO, .text = "a\nb\tc\033[1m", .fields = &field, .n_fields = 1 };

	EXPECT(log_format_line(buf, &message, false), "a\\nb\\tc\\x1b[1m x=1\\n<0>forged\n");
}
END_TEST

START_TEST(longest_line_still_ends_with_a_newline)
{
	char *text = malloc(3 * LOG_TEXT_SIZE);

	memset(text, '\n', 3 * LOG_TEXT_SIZE - 1);
	text[3 * LOG_TEXT_SIZE - 1] = '\0';
	struct log_message message = { .level = LOG_LEVEL_INFO, .text = text };
	size_t length = log_format_line(buf, &message, true);
	ck_assert_uint_le(length, LOG_TEXT_SIZE);
	ck_assert_ptr_eq(memchr(buf, '\n', length), buf + length - 1);
	free(text);
}
END_TEST

START_TEST(journal_record_has_all_fields)
{
	const struct log_field field = { "TASKD_TASK_ID", "17" };
	struct log_message message = {
		.level = LOG_LEVEL_ERROR, .identifier = "taskd", .prefix = "p: ", .text = "text", .fields = &field, .n_fields = 1,
	};

	EXPECT(log_format_journal(buf, &message), "PRIORITY=3\nSYSLOG_IDENTIFIER=taskd\nMESSAGE=p: text\nTASKD_TASK_ID=17\n");
}
END_TEST

START_TEST(journal_value_with_a_newline_takes_the_length_form)
{
	const struct log_field field = { "X", "y" };
	struct log_message message = { .level = LOG_LEVEL_INFO, .text = "a\nb", .fields = &field, .n_fields = 1 };

	EXPECT(log_format_journal(buf, &message), "PRIORITY=6\nMESSAGE\n\3\0\0\0\0\0\0\0a\nb\nX=y\n");
}
END_TEST

START_TEST(journal_record_that_is_too_long_is_still_well_formed)
{
	char *text = malloc(3 * LOG_TEXT_SIZE);

	memset(text, 'x', 3 * LOG_TEXT_SIZE - 1);
	text[3 * LOG_TEXT_SIZE - 1] = '\0';
	const struct log_field field = { "LAST", "value" };
	struct log_message message = { .level = LOG_LEVEL_INFO, .text = text, .fields = &field, .n_fields = 1 };
	size_t length = log_format_journal(buf, &message);
	ck_assert_uint_le(length, LOG_TEXT_SIZE);
	ck_assert_int_eq(buf[length - 1], '\n');
	free(text);
}
END_TEST

/* --- what reaches stderr --- */

static int saved, memory;

static void catch_stderr(void)
{
	memory = memfd_create("log", MFD_CLOEXEC);
	saved = dup(STDERR_FILENO);
	dup2(memory, STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
}

static void release_stderr(void)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(memory);
}

static size_t caught(void)
{
	ssize_t size = pread(memory, buf, sizeof(buf), 0);

	return size < 0 ? 0 : (size_t)size;
}

START_TEST(plain_stderr_gets_plain_lines_up_to_the_level)
{
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "test");
	log_info("one %d", 1);
	log_debug("not this");
	log_set_level(LOG_LEVEL_DEBUG);
	log_set_prefix("p: ");
	log_debug("two");
	log_set_prefix(NULL);
	EXPECT(caught(), "one 1\np: two\n");
}
END_TEST

START_TEST(journals_stderr_gets_priorities)
{
	char stream[64];
	struct stat status;

	fstat(STDERR_FILENO, &status);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "test");
	log_error("bad");
	EXPECT(caught(), "<3>bad\n");
}
END_TEST

START_TEST(stream_of_somebody_elses_stderr_gives_no_priorities)
{
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "test");
	log_error("bad");
	EXPECT(caught(), "bad\n");
}
END_TEST

/* --- floods --- */

/* Or this test does not end: it has no reader. */
START_TEST(hasty_one_leaves_out_what_there_is_no_room_for)
{
	int ends[2], before = dup(STDERR_FILENO);
	static char text[65536 * 2];
	char last[6000];

	memset(last, 'l', sizeof(last) - 1);
	last[sizeof(last) - 1] = '\0';
	ck_assert_int_eq(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "taskd");
	log_set_hasty(true);
	for (int i = 0; i < 100000; i++)
		log_info("line %d", i);
	/* What is read is a page at a time, and the lines are whole. */
	ssize_t length = read(ends[0], text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = '\0';
	bool whole = length > 0 && text[length - 1] == '\n' && strstr(text, "line 0\n") && !strstr(text, "left out");
	for (int i = 0; i < 50; i++)
		log_info("%s", last);
	length = read(ends[0], text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = '\0';
	log_set_hasty(false);
	dup2(before, STDERR_FILENO);
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO, "taskd");
	ck_assert(whole);
	ck_assert(strstr(text, " messages before this one were left out"));
	ck_assert(length > 0 && text[length - 1] == '\n');
	ck_assert(strstr(text, "llll"));
}
END_TEST

START_TEST(flood_is_held_back_and_counted)
{
	struct log_limit limit = { .burst = 3, .period_ns = 10 * NS_PER_S };
	unsigned long suppressed = 99;

	clock_fake(NS_PER_S, 0);
	for (int i = 0; i < 3; i++)
		ck_assert(log_limit_pass(&limit, &suppressed));
	ck_assert_uint_eq(suppressed, 0);
	for (int i = 0; i < 5; i++)
		ck_assert(!log_limit_pass(&limit, &suppressed));
	clock_fake_advance(10 * NS_PER_S, 0);
	ck_assert(log_limit_pass(&limit, &suppressed));
	ck_assert_uint_eq(suppressed, 5);
	ck_assert(log_limit_pass(&limit, &suppressed));
	ck_assert_uint_eq(suppressed, 0);
	clock_fake_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("format");

	tcase_add_test(tcase, line_has_fields_without_the_prefix_and_in_lower_case);
	tcase_add_test(tcase, message_is_one_line_whatever_is_in_it);
	tcase_add_test(tcase, longest_line_still_ends_with_a_newline);
	tcase_add_test(tcase, journal_record_has_all_fields);
	tcase_add_test(tcase, journal_value_with_a_newline_takes_the_length_form);
	tcase_add_test(tcase, journal_record_that_is_too_long_is_still_well_formed);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("stderr");
	tcase_add_checked_fixture(tcase, catch_stderr, release_stderr);
	tcase_add_test(tcase, plain_stderr_gets_plain_lines_up_to_the_level);
	tcase_add_test(tcase, journals_stderr_gets_priorities);
	tcase_add_test(tcase, stream_of_somebody_elses_stderr_gives_no_priorities);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("limit");
	tcase_add_test(tcase, hasty_one_leaves_out_what_there_is_no_room_for);
	tcase_add_test(tcase, flood_is_held_back_and_counted);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
