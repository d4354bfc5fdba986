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

static void expect_described(const struct param_spec *specs)
{
	for (const struct param_spec *spec = specs; spec->name; spec++) {
		ck_assert_ptr_nonnull(spec->summary);
		ck_assert(spec->words ? spec->type == PARAM_ENUM || spec->type == PARAM_STRINGS
				      : spec->type != PARAM_ENUM);
		for (const struct param_spec *other = specs; other < spec; other++)
			ck_assert(strcmp(spec->name, other->name) != 0 && spec->offset != other->offset);
	}
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
	expect_described(info->params);
}
END_TEST

START_TEST(an_element_of_a_batch_is_described)
{
	expect_described(batch_task_params());
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

#define OPTIONS_OPEN                                                                                                      \
	",\"queue\":\"q\",\"priority\":-2147483648,\"timeout\":\"2s\",\"tag\":\"t\",\"expires\":\"1m\",\"retries\":3,"    \
	"\"backoff\":2,\"backoff_max\":\"1m\",\"backoff_factor\":1.5,\"jitter\":0,\"retry_on\":[\"failed\",\"crashed\"]," \
	"\"wait_for_room\":\"5s\""
#define OPTIONS OPTIONS_OPEN "}"
#define SINGLE_OPTIONS                                                                            \
	",\"delay\":4,\"at\":\"1970-01-01T00:00:05Z\",\"after\":[\"17\",\"a\"],\"after_any\":18," \
	"\"pass_results\":true,\"key\":\"k\",\"key_mode\":\"once\",\"durable\":true,\"on_interrupt\":\"crash\"}"

static void expect_options(const struct submit_options *options)
{
	ck_assert_str_eq(options->queue, "q");
	ck_assert_int_eq(options->priority, INT32_MIN);
	ck_assert_int_eq(options->timeout, INT64_C(2000000000));
	ck_assert_str_eq(options->tag, "t");
	ck_assert(options->expires.given && !options->expires.wall && options->expires.ns == INT64_C(60000000000));
	ck_assert_int_eq(options->retry.retries, 3);
	ck_assert_int_eq(options->retry.backoff, INT64_C(2000000000));
	ck_assert_int_eq(options->retry.backoff_max, INT64_C(60000000000));
	ck_assert_double_eq(options->retry.backoff_factor, 1.5);
	ck_assert_double_eq(options->retry.jitter, 0);
	ck_assert_uint_eq(options->retry.retry_on.count, 2);
}

static void expect_single_options(const struct submit_options *options)
{
	ck_assert_int_eq(options->delay, INT64_C(4000000000));
	ck_assert_int_eq(options->at, INT64_C(5000000000));
	ck_assert(options->after.count == 2 && options->after.refs[0].id == 17);
	ck_assert_str_eq(options->after.refs[1].label, "a");
	ck_assert(options->after_any.count == 1 && options->after_any.refs[0].id == 18);
	ck_assert(options->pass_results && options->key_mode == KEY_WORD_ONCE);
	ck_assert_str_eq(options->key, "k");
	ck_assert(options->durable == 1 && options->on_interrupt == ON_INTERRUPT_CRASH);
}

START_TEST(what_concerns_everybody_is_for_admins)
{
	static const enum method admins[] = { METHOD_POOL_RESIZE, METHOD_QUEUE_CREATE, METHOD_QUEUE_SET,
		METHOD_QUEUE_REMOVE, METHOD_QUEUE_PAUSE, METHOD_QUEUE_RESUME, METHOD_QUEUE_DRAIN, METHOD_SERVER_RELOAD,
		METHOD_SERVER_SHUTDOWN, METHOD_STORE_CHECK, METHOD_STORE_BACKUP };

	for (int method = 0; method < N_METHODS; method++) {
		bool admin = false;
		for (size_t i = 0; i < sizeof(admins) / sizeof(admins[0]); i++)
			admin |= admins[i] == (enum method)method;
		ck_assert_msg(
			(method_info((enum method)method)->right == RIGHT_ADMIN) == admin, "%s", method_info((enum method)method)->name);
	}
}
END_TEST

START_TEST(what_is_said_to_commands_fills_its_struct)
{
	struct log_params log;
	struct follow_params follow;
	struct unfollow_params unfollow;
	struct send_params send;
	struct signal_params signal;
	struct ids_params ids;
	struct window_params window;

	read_into(METHOD_TASK_LOG, "{\"id\":\"17\",\"stream\":\"stderr\",\"offset\":5,\"limit\":9,\"attempt\":2}", &log,
		sizeof(log));
	ck_assert(log.id == 17 && log.stream == STREAM_WORD_STDERR && log.offset == 5 && log.limit == 9 &&
		log.attempt == 2);
	read_into(METHOD_TASK_LOG, "[17]", &log, sizeof(log));
	ck_assert(log.stream == -1 && log.offset == -1 && log.limit == 0 && log.attempt == 0);
	read_into(METHOD_TASK_FOLLOW, "[\"17\",4096]", &follow, sizeof(follow));
	ck_assert(follow.id == 17 && follow.limit == 4096);
	read_into(METHOD_TASK_UNFOLLOW, "[\"3\"]", &unfollow, sizeof(unfollow));
	ck_assert_uint_eq(unfollow.follow, 3);
	read_into(METHOD_TASK_SEND, "{\"id\":17,\"data\":\"a\\n\",\"eof\":true,\"timeout\":1}", &send, sizeof(send));
	ck_assert(send.id == 17 && json_string_is(&send.data, "a\n") && send.eof && send.timeout == 1000000000);
	params_free(method_info(METHOD_TASK_SEND)->params, &send);
	read_into(METHOD_TASK_SEND, "{\"id\":17,\"data_base64\":\"AA==\"}", &send, sizeof(send));
	ck_assert(send.data.kind == JSON_NONE && !send.eof && send.timeout == -1);
	ck_assert_str_eq(send.data_base64, "AA==");
	params_free(method_info(METHOD_TASK_SEND)->params, &send);
	read_into(METHOD_TASK_SIGNAL, "[[\"17\",18],\"TERM\"]", &signal, sizeof(signal));
	ck_assert(signal.ids.count == 2 && signal.ids.ids[1] == 18);
	ck_assert_str_eq(signal.signal, "TERM");
	params_free(method_info(METHOD_TASK_SIGNAL)->params, &signal);
	read_into(METHOD_TASK_SUSPEND, "[17]", &ids, sizeof(ids));
	ck_assert(ids.ids.count == 1 && ids.ids.ids[0] == 17);
	params_free(method_info(METHOD_TASK_SUSPEND)->params, &ids);
	ck_assert_ptr_eq(method_info(METHOD_TASK_SUSPEND)->params, method_info(METHOD_TASK_RESUME)->params);
	read_into(METHOD_TASK_WINDOW, "[17,24,80]", &window, sizeof(window));
	ck_assert(window.id == 17 && window.rows == 24 && window.columns == 80);
}
END_TEST

static bool is_name(const struct param_name *name, const char *text)
{
	return name->length == strlen(text) && memcmp(name->data, text, name->length) == 0;
}

START_TEST(what_is_said_of_objects_fills_its_struct)
{
	struct lock_acquire_params acquire;
	struct semaphore_params semaphore;
	struct condition_notify_params notify;
	struct barrier_wait_params barrier;
	struct mq_put_params put;
	struct mq_get_params get;

	read_into(METHOD_LOCK_ACQUIRE, "[\"db\",\"1s\",true,true,\"t\",17]", &acquire, sizeof(acquire));
	ck_assert(is_name(&acquire.name, "db") && acquire.timeout == 1000000000 && acquire.shared && acquire.reentrant);
	ck_assert(is_name(&acquire.who.holder, "t") && acquire.who.task == 17);
	read_into(METHOD_LOCK_ACQUIRE, "[\"db\"]", &acquire, sizeof(acquire));
	ck_assert(acquire.timeout == -1 && !acquire.shared && acquire.who.holder.length == 0 && acquire.who.task == 0);
	read_into(METHOD_SEMAPHORE_ACQUIRE, "[\"gpu\",0,2,false,0,\"t\",17]", &semaphore, sizeof(semaphore));
	ck_assert(semaphore.slots == 0 && semaphore.count == 2 && semaphore.bounded == 0 && semaphore.timeout == 0);
	read_into(METHOD_SEMAPHORE_RELEASE, "[\"gpu\"]", &semaphore, sizeof(semaphore));
	ck_assert(semaphore.slots == -1 && semaphore.count == 0 && semaphore.bounded == -1);
	read_into(METHOD_CONDITION_NOTIFY, "[\"c\",\"l\",3,true]", &notify, sizeof(notify));
	ck_assert(is_name(&notify.lock, "l") && notify.count == 3 && notify.all);
	read_into(METHOD_BARRIER_WAIT, "[\"b\",3,1,\"t\"]", &barrier, sizeof(barrier));
	ck_assert(barrier.parties == 3 && barrier.timeout == 1000000000 && is_name(&barrier.holder, "t"));
	read_into(METHOD_MQ_PUT, "[\"q\",null,-1,\"head\",0,\"lifo\",5,\"1k\"]", &put, sizeof(put));
	ck_assert(put.value.kind == JSON_SPAN_NULL && put.priority == -1 && put.end == MQ_END_HEAD && put.timeout == 0);
	ck_assert(put.options.order == 1 && put.options.limit_count == 5 && put.options.limit_bytes == 1024);
	read_into(METHOD_MQ_GET, "[\"q\",1,true,\"tail\"]", &get, sizeof(get));
	ck_assert(get.ack && get.end == MQ_END_TAIL);
}
END_TEST

START_TEST(what_is_said_of_durable_things_fills_its_struct)
{
	struct history_params history;
	struct schedule_params schedule;
	struct queue_params queue;
	struct backup_params backup;

	read_into(METHOD_TASK_HISTORY,
		"{\"state\":\"failed\",\"key\":\"k\",\"since\":60,\"until\":1,\"limit\":9,\"order\":\"oldest\",\"after\":17}",
		&history, sizeof(history));
	ck_assert(history.filter.states.count == 1 && history.filter.since.ns == INT64_C(60000000000));
	ck_assert(history.until.given && !history.until.wall && history.until.ns == 1000000000);
	ck_assert(history.limit == 9 && history.order == 1 && history.after == 17 && history.before == 0);
	ck_assert_str_eq(history.key, "k");
	params_free(method_info(METHOD_TASK_HISTORY)->params, &history);
	read_into(METHOD_SCHEDULE_ADD, "{\"name\":\"n\",\"task\":\"t\",\"durable\":false,\"on_interrupt\":\"requeue\"}",
		&schedule, sizeof(schedule));
	ck_assert(schedule.durable == 0 && schedule.on_interrupt == ON_INTERRUPT_REQUEUE);
	params_free(method_info(METHOD_SCHEDULE_ADD)->params, &schedule);
	read_into(METHOD_QUEUE_SET, "{\"name\":\"q\",\"durable\":\"yes\"}", &queue, sizeof(queue));
	ck_assert_int_eq(queue.durable, DURABLE_WORD_YES);
	params_free(method_info(METHOD_QUEUE_SET)->params, &queue);
	read_into(METHOD_QUEUE_SET, "{\"name\":\"q\"}", &queue, sizeof(queue));
	ck_assert_int_eq(queue.durable, -1);
	params_free(method_info(METHOD_QUEUE_SET)->params, &queue);
	read_into(METHOD_STORE_BACKUP, "[\"/copy\"]", &backup, sizeof(backup));
	ck_assert_str_eq(backup.path, "/copy");
	params_free(method_info(METHOD_STORE_BACKUP)->params, &backup);
}
END_TEST

START_TEST(submissions_fill_their_struct)
{
	struct submit_params params;

	read_into(METHOD_TASK_CALL, "{\"task\":\"fib\",\"args\":[1]" OPTIONS_OPEN SINGLE_OPTIONS, &params,
		sizeof(params));
	ck_assert_str_eq(params.task, "fib");
	ck_assert_int_eq(params.args.kind, JSON_SPAN_ARRAY);
	expect_options(&params.options);
	expect_single_options(&params.options);
	ck_assert_int_eq(params.options.wait_for_room, INT64_C(5000000000));
	params_free(method_info(METHOD_TASK_CALL)->params, &params);
	read_into(METHOD_TASK_SUBMIT, "{\"watch\":true,\"task\":\"fib\",\"args\":{}" OPTIONS_OPEN SINGLE_OPTIONS,
		&params, sizeof(params));
	ck_assert(params.watch);
	expect_options(&params.options);
	expect_single_options(&params.options);
	params_free(method_info(METHOD_TASK_SUBMIT)->params, &params);
	read_into(METHOD_TASK_CALL, "[\"fib\",[30]]", &params, sizeof(params));
	ck_assert(params.options.timeout == -1 && !params.options.queue && !params.options.tag &&
		!params.options.priority && params.options.delay == -1 && params.options.at == INT64_MIN);
	ck_assert(!params.options.expires.given && !params.options.retry.retries &&
		params.options.retry.backoff == -1 && params.options.retry.backoff_max == -1 &&
		params.options.retry.jitter == -1);
	ck_assert(params.options.retry.backoff_factor == 0 && !params.options.after.count && !params.options.key &&
		params.options.key_mode == -1 && params.options.wait_for_room == -1 && params.options.durable == -1 &&
		params.options.on_interrupt == -1);
	params_free(method_info(METHOD_TASK_CALL)->params, &params);
}
END_TEST

START_TEST(an_element_of_a_batch_fills_its_struct)
{
	static const char text[] = "{\"label\":\"x\",\"task\":\"fib\",\"retries\":1,\"key\":\"k\",\"after\":\"y\"}";
	struct batch_task_params params = { 0 };
	struct json_span span;

	ck_assert_int_eq(json_scan(text, strlen(text), &span, NULL, NULL), 0);
	ck_assert_int_eq(params_read(batch_task_params(), &span, &params, error, sizeof(error)), 0);
	ck_assert_str_eq(params.label, "x");
	ck_assert_str_eq(params.task, "fib");
	ck_assert(params.options.retry.retries == 1 && params.options.after.count == 1 && !params.watch);
	params_free(batch_task_params(), &params);
	/* All that a submission takes, but for waiting alone, and no more. */
	for (const struct param_spec *spec = method_info(METHOD_TASK_SUBMIT)->params; spec->name; spec++) {
		const struct param_spec *same = batch_task_params();
		while (same->name && strcmp(same->name, spec->name) != 0)
			same++;
		ck_assert_msg(!same->name == !strcmp(spec->name, "wait_for_room"), "%s", spec->name);
	}
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
	struct cancel_params cancel;
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
	read_into(METHOD_TASK_CANCEL, "{\"tag\":\"g\",\"user\":\"0\",\"since\":\"1970-01-01T00:00:00Z\",\"all\":true}",
		&cancel, sizeof(cancel));
	ck_assert_str_eq(cancel.filter.tag, "g");
	ck_assert_str_eq(cancel.filter.user, "0");
	ck_assert(cancel.all && cancel.filter.since.wall && !cancel.ids.ids);
	params_free(method_info(METHOD_TASK_CANCEL)->params, &cancel);
	read_into(METHOD_TASK_RETRY, "{\"state\":\"crashed\"}", &cancel, sizeof(cancel));
	ck_assert_str_eq(cancel.filter.states.strings[0], "crashed");
	params_free(method_info(METHOD_TASK_RETRY)->params, &cancel);
	/* In the places that they always had. */
	read_into(METHOD_TASK_LIST, "[\"queued\",\"q\",\"t\",\"g\",9,\"3\"]", &list, sizeof(list));
	ck_assert_str_eq(list.filter.states.strings[0], "queued");
	ck_assert_str_eq(list.filter.queue, "q");
	ck_assert_str_eq(list.filter.task, "t");
	ck_assert_str_eq(list.filter.tag, "g");
	ck_assert(list.limit == 9 && list.before == 3 && list.order == -1);
	params_free(method_info(METHOD_TASK_LIST)->params, &list);
	read_into(METHOD_TASK_LIST, "{\"order\":\"oldest\",\"after\":\"3\"}", &list, sizeof(list));
	ck_assert(list.order == 1 && list.after == 3);
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
	tcase_add_test(tcase, what_is_said_of_durable_things_fills_its_struct);
	tcase_add_test(tcase, what_concerns_everybody_is_for_admins);
	tcase_add_test(tcase, what_is_said_to_commands_fills_its_struct);
	tcase_add_test(tcase, what_is_said_of_objects_fills_its_struct);
	tcase_add_test(tcase, submissions_fill_their_struct);
	tcase_add_test(tcase, an_element_of_a_batch_is_described);
	tcase_add_test(tcase, an_element_of_a_batch_fills_its_struct);
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
