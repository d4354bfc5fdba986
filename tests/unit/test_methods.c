/* The table of methods: complete, its schemas JSON, its parameters where the structs have them. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/methods.h"

static char error[320];

static void read_into(enum method method, const char *text, void *out, size_t size)
{
	struct json_span params;

	ck_assert_int_eq(json_scan(text, strlen(text), &params, NULL, NULL), 0);
	memset(out, 0, size);
	ck_assert_msg(params_read(method_info(method)->params, &params, out, error, sizeof(error)) == 0, "%s", error);
}

START_TEST(every_method_is_described)
{
	const struct method_info *info = method_info((enum method)_i);

	ck_assert(info->name && info->summary && info->params && info->result && info->result_schema);
	ck_assert(strchr(info->name, '.') || strncmp(info->name, "$/", 2) == 0);
	ck_assert_int_eq(method_find(info->name, strlen(info->name)), _i);
	ck_assert_int_eq(method_find(info->name, strlen(info->name) - 1), -1);
	ck_assert_int_ne(info->summary[strlen(info->summary) - 1], '.');
	json_t *json = json_loads(info->result_schema, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(json_is_object(json), "%s: %s", info->name, info->result_schema);
	json_decref(json);
	for (const struct param_spec *spec = info->params; spec->name; spec++) {
		ck_assert_ptr_nonnull(spec->summary);
		ck_assert_int_eq(spec->type == PARAM_ENUM, spec->words != NULL);
		for (const struct param_spec *other = info->params; other < spec; other++)
			ck_assert(strcmp(spec->name, other->name) != 0 && spec->offset != other->offset);
	}
}
END_TEST

START_TEST(other_names_are_no_methods)
{
	ck_assert_int_eq(method_find("fib", 3), -1);
	ck_assert_int_eq(method_find("", 0), -1);
	ck_assert_int_eq(method_find("task.callx", 10), -1);
	ck_assert_int_eq(method_find("task.callx", 9), METHOD_TASK_CALL);
	ck_assert_int_eq(method_find("task.call\0x", 11), -1);
}
END_TEST

#define OPTIONS ",\"queue\":\"q\",\"priority\":-2147483648,\"timeout\":\"2s\",\"tag\":\"t\"}"

static void expect_options(const struct submit_options *options)
{
	ck_assert_str_eq(options->queue, "q");
	ck_assert_int_eq(options->priority, INT32_MIN);
	ck_assert_int_eq(options->timeout, INT64_C(2000000000));
	ck_assert_str_eq(options->tag, "t");
}

START_TEST(submissions_fill_their_struct)
{
	struct submit_params params;

	read_into(METHOD_TASK_CALL, "{\"task\":\"fib\",\"args\":[1]" OPTIONS, &params, sizeof(params));
	ck_assert_str_eq(params.task, "fib");
	ck_assert_int_eq(params.args.kind, JSON_SPAN_ARRAY);
	expect_options(&params.options);
	params_free(method_info(METHOD_TASK_CALL)->params, &params);
	read_into(METHOD_TASK_SUBMIT, "{\"watch\":true,\"task\":\"fib\",\"args\":{}" OPTIONS, &params, sizeof(params));
	ck_assert(params.watch);
	expect_options(&params.options);
	params_free(method_info(METHOD_TASK_SUBMIT)->params, &params);
	read_into(METHOD_TASK_CALL, "[\"fib\",[30]]", &params, sizeof(params));
	ck_assert(params.options.timeout == -1 && !params.options.queue && !params.options.tag &&
		!params.options.priority);
	params_free(method_info(METHOD_TASK_CALL)->params, &params);
}
END_TEST

START_TEST(maps_fill_their_struct)
{
	struct map_params params;

	read_into(METHOD_TASK_MAP, "{\"task\":\"fib\",\"items\":[1],\"chunk\":7,\"return_exceptions\":true" OPTIONS,
		&params, sizeof(params));
	ck_assert_str_eq(params.task, "fib");
	ck_assert(params.items.length == 3 && params.chunk == 7 && params.return_exceptions);
	expect_options(&params.options);
	params_free(method_info(METHOD_TASK_MAP)->params, &params);
}
END_TEST

START_TEST(waits_fill_their_structs)
{
	struct result_params result;
	struct wait_params wait;
	static const char *const words[] = { "all_completed", "first_completed", "first_exception" };
	static const int values[] = { WHEN_ALL_COMPLETED, WHEN_FIRST_COMPLETED, WHEN_FIRST_EXCEPTION };

	read_into(METHOD_TASK_RESULT, "{\"id\":\"17\",\"timeout\":0}", &result, sizeof(result));
	ck_assert(result.id == 17 && result.timeout == 0);
	read_into(METHOD_TASK_RESULT, "[17]", &result, sizeof(result));
	ck_assert(result.id == 17 && result.timeout == -1);
	for (size_t i = 0; i < 3; i++) {
		char text[100];
		snprintf(text, sizeof(text), "{\"ids\":[\"1\",\"2\"],\"timeout\":1,\"return_when\":\"%s\"}", words[i]);
		read_into(METHOD_TASK_WAIT, text, &wait, sizeof(wait));
		ck_assert(wait.ids.count == 2 && wait.ids.ids[1] == 2 && wait.timeout == INT64_C(1000000000));
		ck_assert_int_eq(wait.return_when, values[i]);
		params_free(method_info(METHOD_TASK_WAIT)->params, &wait);
	}
}
END_TEST

START_TEST(the_others_fill_their_structs)
{
	struct id_params status;
	struct ids_params cancel;
	struct list_params list;
	struct shutdown_params shutdown;
	struct cancel_request_params cancel_request;

	read_into(METHOD_TASK_STATUS, "{\"id\":5}", &status, sizeof(status));
	ck_assert(status.id == 5 && status.call.kind == JSON_NONE);
	read_into(METHOD_TASK_STATUS, "{\"call\":null}", &status, sizeof(status));
	ck_assert(status.id == 0 && status.call.kind == JSON_SPAN_NULL);
	read_into(METHOD_TASK_CANCEL, "{\"ids\":5,\"call\":\"x\"}", &cancel, sizeof(cancel));
	ck_assert(cancel.ids.count == 1 && cancel.call.kind == JSON_SPAN_STRING);
	params_free(method_info(METHOD_TASK_CANCEL)->params, &cancel);
	read_into(METHOD_TASK_FORGET, "{\"ids\":[5]}", &cancel, sizeof(cancel));
	ck_assert_uint_eq(cancel.ids.ids[0], 5);
	params_free(method_info(METHOD_TASK_FORGET)->params, &cancel);
	read_into(METHOD_TASK_LIST,
		"{\"state\":\"queued\",\"queue\":\"q\",\"task\":\"t\",\"tag\":\"g\",\"limit\":9,\"before\":\"3\"}",
		&list, sizeof(list));
	ck_assert_str_eq(list.states.strings[0], "queued");
	ck_assert_str_eq(list.queue, "q");
	ck_assert_str_eq(list.task, "t");
	ck_assert_str_eq(list.tag, "g");
	ck_assert(list.limit == 9 && list.before == 3);
	params_free(method_info(METHOD_TASK_LIST)->params, &list);
	read_into(METHOD_SERVER_SHUTDOWN, "[true]", &shutdown, sizeof(shutdown));
	ck_assert(shutdown.now);
	read_into(METHOD_CANCEL_REQUEST, "{\"id\":null}", &cancel_request, sizeof(cancel_request));
	ck_assert_int_eq(cancel_request.id.kind, JSON_SPAN_NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("methods");
	TCase *tcase = tcase_create("methods");
	tcase_add_loop_test(tcase, every_method_is_described, 0, N_METHODS);
	tcase_add_test(tcase, other_names_are_no_methods);
	tcase_add_test(tcase, submissions_fill_their_struct);
	tcase_add_test(tcase, maps_fill_their_struct);
	tcase_add_test(tcase, waits_fill_their_structs);
	tcase_add_test(tcase, the_others_fill_their_structs);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
