/* Following commands: what they say is told as it comes, in order, to its end; and how a follow ends otherwise. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskd.h"
#include "client_fake.h"

static struct fake fake;
static struct taskd *c;
static uint64_t offsets[2];

/* What was told, a word each. */
static char told[4096];

static void setup(void)
{
	fake_begin(&fake);
	c = fake_connect(&fake);
	told[0] = '\0';
	offsets[0] = offsets[1] = 99;
}

static void teardown(void)
{
	taskd_close(c);
	fake_end(&fake);
}

static void note(void *user, const struct taskd_output *output)
{
	size_t used = strlen(told);

	ck_assert_ptr_eq(user, &fake);
	ck_assert_int_eq(output->stream == 0, output->data == NULL);
	if (output->stream == 0)
		snprintf(told + used, sizeof(told) - used, "end:%s ", output->state ? output->state : "-");
	else
		snprintf(told + used, sizeof(told) - used, "%s%d@%llu:%s ", output->attempt > 1 ? "again:" : "",
			(int)output->stream, (unsigned long long)output->offset, output->data);
	if (output->data)
		ck_assert_uint_eq(strlen(output->data), output->length);
}

static void say_output(int follow, const char *rest)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.output\",\"params\":{\"follow\":\"%d\",\"id\":\"17\",%s}}",
		follow, rest);
}

static void say_begin(int request, int follow)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"follow\":\"%d\",\"id\":\"17\",\"state\":\"running\","
		"\"stdout\":10,\"stderr\":0}}",
		request, follow);
}

/* Reads until nothing more comes. */
static void read_all(void)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"method\":\"last\",\"params\":[]}");
	while (taskd_dispatch(c, 0) == TASKD_OK)
		;
}

static struct taskd_follow *follow(int request, int number)
{
	say_begin(request, number);
	struct taskd_follow *f = taskd_follow(c, "17", note, &fake, offsets, FAKE_PATIENCE);
	ck_assert_ptr_nonnull(f);
	return f;
}

START_TEST(what_a_command_says_is_told_as_it_comes)
{
	struct taskd_follow *f = follow(1, 3);

	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.follow\",\"params\":{\"id\":\"17\"}}");
	ck_assert_uint_eq(offsets[0], 10);
	ck_assert_uint_eq(offsets[1], 0);
	ck_assert_str_eq(told, "");
	say_output(3, "\"attempt\":1,\"stream\":\"stdout\",\"offset\":10,\"data\":\"a\\u00e9\"");
	say_output(3, "\"attempt\":1,\"stream\":\"stderr\",\"offset\":0,\"data_base64\":\"/2E=\"");
	say_output(4, "\"attempt\":1,\"stream\":\"stderr\",\"offset\":0,\"data\":\"nobody's\"");
	say_output(3, "\"attempt\":2,\"stream\":\"stdout\",\"offset\":9000000000,\"data\":\"\"");
	say_output(3, "\"end\":true,\"state\":\"succeeded\"");
	say_output(3, "\"attempt\":1,\"stream\":\"stdout\",\"offset\":9000000000,\"data\":\"late\"");
	read_all();
	ck_assert_str_eq(told,
		"1@10:aé 2@0:\xff"
		"a again:1@9000000000: end:succeeded ");
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
	taskd_unfollow(f);
	ck_assert(!taskd_wants_write(c)); /* it is over: nobody has to be told */
	ck_assert_int_eq(taskd_flush(c, 0), TASKD_OK);
	taskd_unfollow(NULL);
}
END_TEST

static void note_offsets(void *user, const struct taskd_output *output)
{
	(void)output;
	*(uint64_t *)user = offsets[0];
}

START_TEST(offsets_are_known_before_anything_is_told)
{
	uint64_t seen = 0;

	say_begin(1, 3);
	say_output(3, "\"stream\":\"stdout\",\"offset\":10,\"data\":\"a\"");
	struct taskd_follow *f = taskd_follow(c, "17", note_offsets, &seen, offsets, FAKE_PATIENCE);
	ck_assert_ptr_nonnull(f);
	read_all();
	ck_assert_uint_eq(seen, 10);
	taskd_unfollow(f);
}
END_TEST

START_TEST(what_is_not_followed_any_more_is_not_told)
{
	struct taskd_follow *f = follow(1, 3), *g = follow(2, 4);

	ck_assert_ptr_nonnull(fake_read(&fake));
	ck_assert_ptr_nonnull(fake_read(&fake));
	taskd_unfollow(f);
	fake_expect(
		&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"task.unfollow\",\"params\":{\"follow\":\"3\"}}");
	say_output(3, "\"stream\":\"stdout\",\"offset\":10,\"data\":\"late\"");
	say_output(4, "\"stream\":\"stdout\",\"offset\":10,\"data\":\"other\"");
	read_all();
	ck_assert_str_eq(told, "1@10:other ");
	taskd_unfollow(g);
}
END_TEST

static struct taskd_follow *to_end;

static void end_it(void *user, const struct taskd_output *output)
{
	note(user, output);
	taskd_unfollow(to_end);
}

START_TEST(a_follow_can_be_ended_by_its_function)
{
	say_begin(1, 3);
	to_end = taskd_follow(c, "17", end_it, &fake, NULL, FAKE_PATIENCE);
	say_output(3, "\"stream\":\"stdout\",\"offset\":10,\"data\":\"a\"");
	say_output(3, "\"stream\":\"stdout\",\"offset\":11,\"data\":\"b\"");
	read_all();
	ck_assert_str_eq(told, "1@10:a ");
}
END_TEST

START_TEST(it_ends_with_the_connection)
{
	struct taskd_follow *f = follow(1, 3);

	say_output(3, "\"stream\":\"stdout\",\"offset\":10,\"data\":\"a\"");
	fake_close(&fake);
	while (taskd_dispatch(c, FAKE_PATIENCE) == TASKD_OK)
		;
	ck_assert_str_eq(told, "1@10:a end:- ");
	taskd_unfollow(f);
}
END_TEST

START_TEST(a_follow_that_is_refused_is_none)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32026,\"message\":\"it is over\",\"data\":"
		"{\"kind\":\"not_running\"}}}");
	ck_assert_ptr_null(taskd_follow(c, "17", note, &fake, offsets, FAKE_PATIENCE));
	const char *why;
	ck_assert_int_eq(taskd_last_error(&why), TASKD_E_NOT_RUNNING);
	ck_assert_str_eq(why, "it is over");
	ck_assert_ptr_null(taskd_follow(c, "17", NULL, &fake, offsets, FAKE_PATIENCE));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
	ck_assert_ptr_null(taskd_follow(c, "", note, &fake, offsets, FAKE_PATIENCE));
	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(one_that_begins_too_late_is_ended)
{
	ck_assert_ptr_null(taskd_follow(c, "17", note, &fake, offsets, 0));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_TIMEOUT);
	ck_assert_ptr_nonnull(fake_read(&fake));
	say_begin(1, 3);
	say_output(3, "\"stream\":\"stdout\",\"offset\":10,\"data\":\"a\"");
	read_all();
	fake_expect(
		&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.unfollow\",\"params\":{\"follow\":\"3\"}}");
	ck_assert_str_eq(told, "");
	ck_assert_uint_eq(offsets[0], 99);
}
END_TEST

START_TEST(one_that_is_not_answered_ends_with_the_connection)
{
	fake_close(&fake);
	ck_assert_ptr_null(taskd_follow(c, "17", note, &fake, offsets, FAKE_PATIENCE));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_DISCONNECTED);
	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(an_answer_without_a_number_is_nonsense)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"id\":\"17\"}}");
	ck_assert_ptr_null(taskd_follow(c, "17", note, &fake, offsets, FAKE_PATIENCE));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_PROTOCOL);
}
END_TEST

START_TEST(output_that_makes_no_sense_ends_the_connection)
{
	static const char *const outputs[] = {
		"\"stream\":\"stdin\",\"offset\":10,\"data\":\"a\"",
		"\"stream\":\"stdout\",\"data\":\"a\"",
		"\"stream\":\"stdout\",\"offset\":-1,\"data\":\"a\"",
		"\"stream\":\"stdout\",\"offset\":10",
		"\"stream\":\"stdout\",\"offset\":10,\"data_base64\":\"?\"",
	};
	struct taskd_follow *f = follow(1, 3);

	say_output(3, outputs[_i]);
	read_all();
	ck_assert_int_eq(taskd_connection_error(c), TASKD_E_PROTOCOL);
	ck_assert_str_eq(told, "end:- ");
	taskd_unfollow(f);
}
END_TEST

static void try_to_wait(void *user, const struct taskd_output *output)
{
	(void)output;
	ck_assert_ptr_null(taskd_follow(c, "18", note, &fake, NULL, FAKE_PATIENCE));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_signal(c, "18", 1, FAKE_PATIENCE), TASKD_E_INVALID);
	*(bool *)user = true;
}

START_TEST(what_waits_is_not_for_its_function)
{
	bool called = false;

	say_begin(1, 3);
	struct taskd_follow *f = taskd_follow(c, "17", try_to_wait, &called, NULL, FAKE_PATIENCE);
	say_output(3, "\"stream\":\"stdout\",\"offset\":10,\"data\":\"a\"");
	read_all();
	ck_assert(called);
	taskd_unfollow(f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client: follows");
	TCase *tests = tcase_create("follows");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, what_a_command_says_is_told_as_it_comes);
	tcase_add_test(tests, offsets_are_known_before_anything_is_told);
	tcase_add_test(tests, what_is_not_followed_any_more_is_not_told);
	tcase_add_test(tests, a_follow_can_be_ended_by_its_function);
	tcase_add_test(tests, it_ends_with_the_connection);
	tcase_add_test(tests, a_follow_that_is_refused_is_none);
	tcase_add_test(tests, one_that_begins_too_late_is_ended);
	tcase_add_test(tests, one_that_is_not_answered_ends_with_the_connection);
	tcase_add_test(tests, an_answer_without_a_number_is_nonsense);
	tcase_add_loop_test(tests, output_that_makes_no_sense_ends_the_connection, 0, 5);
	tcase_add_test(tests, what_waits_is_not_for_its_function);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
