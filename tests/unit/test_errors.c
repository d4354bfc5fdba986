/* The table of errors: complete, and without contradictions. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/errors.h"

START_TEST(every_error_is_described)
{
	const struct proto_error_info *info = proto_error_info((enum proto_error)_i);

	ck_assert(info->kind && info->text && info->library);
	ck_assert_msg(strspn(info->kind, "abcdefghijklmnopqrstuvwxyz_") == strlen(info->kind), "%s", info->kind);
	ck_assert_int_eq(proto_error_of_kind(info->kind), _i);
	ck_assert(info->text[0] >= 'a' && info->text[0] <= 'z');
	ck_assert_int_ne(info->text[strlen(info->text) - 1], '.');
	ck_assert(strncmp(info->library, "TASKD_E_", 8) == 0);
	ck_assert_int_gt(info->exit_status, 0);
	ck_assert_int_le(info->exit_status, 125);
	ck_assert(!strchr(info->text, '\n') && !(info->hint && strchr(info->hint, '\n')));
}
END_TEST

/* The standard has its codes, taskd its range; only the two that mean "no such name" share one. */
START_TEST(codes_are_in_their_ranges_and_differ)
{
	int code = proto_error_info((enum proto_error)_i)->code;

	if (_i <= PROTO_INTERNAL_ERROR)
		ck_assert(code == -32700 || (code <= -32600 && code >= -32603));
	else
		ck_assert(code <= -32000 && code >= -32099);
	for (int other = 0; other < _i; other++)
		if (!(other == PROTO_UNKNOWN_METHOD && _i == PROTO_UNKNOWN_TASK))
			ck_assert_int_ne(code, proto_error_info((enum proto_error)other)->code);
}
END_TEST

START_TEST(exit_statuses_are_what_taskctl_promises)
{
	static const struct {
		enum proto_error error;
		int status;
	} cases[] = {
		{ PROTO_FAILED, 1 },
		{ PROTO_CRASHED, 1 },
		{ PROTO_CANCELLED, 1 },
		{ PROTO_EXPIRED, 1 },
		{ PROTO_INVALID_PARAMS, 2 },
		{ PROTO_UNKNOWN_TASK, 2 },
		{ PROTO_NOT_FOUND, 3 },
		{ PROTO_FORGOTTEN, 3 },
		{ PROTO_SHUTTING_DOWN, 4 },
		{ PROTO_DENIED, 5 },
		{ PROTO_QUEUE_FULL, 6 },
		{ PROTO_TOO_MANY, 6 },
		{ PROTO_QUEUE_DRAINING, 6 },
		{ PROTO_DEPENDENCY_CYCLE, 2 },
		{ PROTO_DEPENDENCY_FAILED, 1 },
		{ PROTO_DUPLICATE, 1 },
		{ PROTO_TIMED_OUT, 124 },
		{ PROTO_WAIT_TIMED_OUT, 124 },
		{ PROTO_COMMAND_FAILED, 1 },
		{ PROTO_NOT_STARTED, 125 },
		{ PROTO_NOT_RUNNING, 1 },
		{ PROTO_INPUT_CLOSED, 1 },
		{ PROTO_NOT_A_COMMAND, 2 },
		{ PROTO_STORE_FULL, 6 },
		{ PROTO_STORE_BEHIND, 6 },
		{ PROTO_STORE_FAILED, 4 },
		{ PROTO_NOT_DURABLE, 2 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_int_eq(proto_error_info(cases[i].error)->exit_status, cases[i].status);
}
END_TEST

START_TEST(other_words_are_no_kinds)
{
	ck_assert_int_eq(proto_error_of_kind(""), -1);
	ck_assert_int_eq(proto_error_of_kind("Failed"), -1);
	ck_assert_int_eq(proto_error_of_kind("failed "), -1);
	ck_assert_str_eq(proto_error_info(PROTO_N_ERRORS)->kind, "internal_error");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("errors");
	TCase *tcase = tcase_create("errors");
	tcase_add_loop_test(tcase, every_error_is_described, 0, PROTO_N_ERRORS);
	tcase_add_loop_test(tcase, codes_are_in_their_ranges_and_differ, 0, PROTO_N_ERRORS);
	tcase_add_test(tcase, exit_statuses_are_what_taskctl_promises);
	tcase_add_test(tcase, other_words_are_no_kinds);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
