/* mq: what message queues there are and what is in them. Putting and getting are in files of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/mq.h"
#include "client/taskctl/parties.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/strbuf.h"
#include "proto/units.h"

const char *const mq_orders[] = { "fifo", "lifo", "priority", NULL };

struct create_values {
	struct mq_kind kind;
	bool shared;
};
struct peek_values {
	struct option_integer count;
	bool tail;
	bool raw;
};
struct join_values {
	struct option_integer timeout_ns;
};
struct task_done_values {
	struct option_integer count;
};

/* --- what put and get need, too --- */

json_t *mq_params(const struct invocation *invocation)
{
	return must(json_pack("{s:s}", "name", invocation->operands[0]));
}

void mq_put_kind(json_t *params, const struct mq_kind *kind)
{
	if (kind->order)
		json_object_set_new(params, "order", json_string(mq_orders[kind->order - 1]));
	if (kind->limit_count.given)
		json_object_set_new(params, "limit_count", json_integer(kind->limit_count.value));
	if (kind->limit_bytes.given)
		json_object_set_new(params, "limit_bytes", json_integer(kind->limit_bytes.value));
}

void mq_put_timeout(json_t *params, const struct option_integer *timeout_ns)
{
	char text[UNITS_TEXT_SIZE];

	if (!timeout_ns->given)
		return;
	units_format_duration(timeout_ns->value, text);
	json_object_set_new(params, "timeout", must(json_string(text)));
}

struct json_span mq_member(const struct json_span *answer, const char *name)
{
	struct json_span member, value;
	size_t cursor = 0;

	while (answer->kind == JSON_SPAN_OBJECT && json_next(answer, &cursor, &member, &value))
		if (json_string_is(&member, name))
			return value;
	return (struct json_span){ 0 };
}

void mq_print(struct taskctl *ctl, const struct json_span *message)
{
	struct json_span name, value = mq_member(message, "value");
	struct strbuf out = STRBUF_INIT;
	size_t cursor = 0;
	char *text;

	if (!ctl->json) {
		ctl->writer->ops->value(ctl->writer, value.text, value.length);
		return;
	}
	while (json_next(message, &cursor, &name, &value)) {
		if (json_string_is(&name, "receipt"))
			continue;
		strbuf_puts(&out, out.length > 0 ? "," : "{");
		strbuf_add(&out, name.text, name.length);
		strbuf_puts(&out, ":");
		strbuf_add(&out, value.text, value.length);
	}
	strbuf_puts(&out, "}");
	text = must(strbuf_take(&out, NULL));
	ctl->writer->ops->value(ctl->writer, text, strlen(text));
	free(text);
}

/* --- peek: what may be any number passes as it is, so there is no tree --- */

static int print_values(struct taskctl *ctl, const char *name, const struct taskd_future *f)
{
	struct json_span answer = { 0 }, values, value;
	struct json_error error;
	size_t length, cursor = 0;
	const char *text = taskd_future_result(f, &length);

	if (json_scan(text, length, &answer, NULL, &error) < 0)
		return report_library(ctl, TASKD_E_PROTOCOL, NULL);
	values = mq_member(&answer, "values");
	if (values.kind != JSON_SPAN_ARRAY || json_count(&values) == 0)
		return report(ctl, EXIT_NOT_FOUND, "not_found", NULL, "there is no message in \"%s\"", name);
	while (json_next(&values, &cursor, NULL, &value)) {
		char *message;

		if (asprintf(&message, "{\"value\":%.*s}", (int)value.length, value.text) < 0)
			message = must(NULL);
		if (json_scan(message, value.length + strlen("{\"value\":}"), &answer, NULL, &error) == 0)
			mq_print(ctl, &answer);
		free(message);
	}
	return EXIT_FINE;
}

static int run_peek(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct peek_values *values = invocation->values;
	json_t *params = mq_params(invocation);
	char *text;
	struct taskd_future *f;
	int status = taskctl_connect(ctl);

	ctl->writer->raw = values->raw;
	if (values->count.given)
		json_object_set_new(params, "limit", json_integer(values->count.value));
	if (values->tail)
		json_object_set_new(params, "end", json_string("tail"));
	text = must(json_dumps(params, JSON_COMPACT));
	json_decref(params);
	if (status == EXIT_FINE) {
		f = taskd_request(ctl->connection, method_info(METHOD_MQ_PEEK)->name, text);
		if (taskd_result(f, TASKD_FOREVER) != TASKD_OK)
			status = report_failure(ctl, NULL, taskd_future_error(f));
		else
			status = print_values(ctl, invocation->operands[0], f);
		taskd_future_free(f);
	}
	free(text);
	return status;
}

/* --- the others --- */

/* Asks, and says TEXT, where %lld is the answer's member NUMBER. */
static int ask(
	struct taskctl *ctl, enum method method, json_t *params, const char *number, const char *one, const char *many)
{
	json_t *answer;
	char text[96] = "";
	int status = taskctl_request(ctl, method, params, &answer);

	if (status != EXIT_FINE)
		return status;
	if (number) {
		json_int_t n = json_integer_value(json_object_get(answer, number));

		snprintf(text, sizeof text, "%lld%s", (long long)n, n == 1 ? one : many);
	}
	if (ctl->json || !ctl->quiet || !*one)
		ctl->writer->ops->sentence(ctl->writer, answer, text);
	json_decref(answer);
	return EXIT_FINE;
}

static int run_create(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct create_values *values = invocation->values;
	json_t *params = mq_params(invocation), *answer;
	char text[320];
	int status;

	mq_put_kind(params, &values->kind);
	if (values->shared)
		json_object_set_new(params, "shared", json_true());
	status = taskctl_request(ctl, METHOD_MQ_CREATE, params, &answer);
	if (status != EXIT_FINE)
		return status;
	snprintf(text, sizeof text, "message queue %s %s", invocation->operands[0],
		json_is_true(json_object_get(answer, "created")) ? "is made" : "is there already");
	if (ctl->json || !ctl->quiet)
		ctl->writer->ops->sentence(ctl->writer, answer, text);
	json_decref(answer);
	return EXIT_FINE;
}

static int run_len(struct taskctl *ctl, const struct invocation *invocation)
{
	return ask(ctl, METHOD_MQ_LENGTH, mq_params(invocation), "length", "", "");
}

static int run_clear(struct taskctl *ctl, const struct invocation *invocation)
{
	return ask(ctl, METHOD_MQ_CLEAR, mq_params(invocation), "cleared", " message is thrown away",
		" messages are thrown away");
}

static int run_join(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct join_values *values = invocation->values;
	json_t *params = mq_params(invocation);

	mq_put_timeout(params, &values->timeout_ns);
	return ask(ctl, METHOD_MQ_JOIN, params, NULL, "", "");
}

static int run_task_done(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct task_done_values *values = invocation->values;
	json_t *params = mq_params(invocation);

	if (values->count.given)
		json_object_set_new(params, "count", json_integer(values->count.value));
	return ask(ctl, METHOD_MQ_TASK_DONE, params, "unfinished", " message is left to be done",
		" messages are left to be done");
}

static int run_delete(struct taskctl *ctl, const struct invocation *invocation)
{
	int worst = EXIT_FINE;

	for (int i = 0; i < invocation->n_operands; i++) {
		json_t *params = must(json_pack("{s:s}", "name", invocation->operands[i]));
		int status = ask(ctl, METHOD_MQ_DELETE, params, NULL, "", "");

		if (worst == EXIT_FINE)
			worst = status;
	}
	return worst;
}

/* For people, a limit that is none is no number, and one column says who waits. */
static void make_readable(json_t *queues)
{
	static const char *const members[] = { "limit_count", "limit_bytes", "unacked", "unfinished", "getters",
		"putters" };
	size_t i;
	json_t *queue;

	json_array_foreach (queues, i, queue) {
		for (size_t j = 0; j < sizeof members / sizeof *members; j++)
			if (json_integer_value(json_object_get(queue, members[j])) == 0)
				json_object_del(queue, members[j]);
		if (json_is_false(json_object_get(queue, "shared")))
			json_object_del(queue, "shared");
	}
}

static int run_list(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct field fields[] = {
		{ .title = "QUEUE", .path = "name", .cell = CELL_TEXT },
		{ .title = "ORDER", .path = "order", .cell = CELL_TEXT },
		{ .title = "LENGTH", .path = "length", .cell = CELL_NUMBER },
		{ .title = "BYTES", .path = "bytes", .cell = CELL_SIZE },
		{ .title = "UNACKED", .path = "unacked", .cell = CELL_NUMBER, .optional = true },
		{ .title = "UNFINISHED", .path = "unfinished", .cell = CELL_NUMBER, .optional = true },
		{ .title = "GETTERS", .path = "getters", .cell = CELL_NUMBER, .optional = true },
		{ .title = "PUTTERS", .path = "putters", .cell = CELL_NUMBER, .optional = true },
		{ .title = "LIMIT", .path = "limit_count", .cell = CELL_NUMBER, .optional = true },
		{ .title = "LIMIT-BYTES", .path = "limit_bytes", .cell = CELL_SIZE, .optional = true },
		{ .title = "OWNER", .path = "owner", .cell = CELL_TEXT, .optional = true },
		{ .title = "SHARED", .path = "shared", .cell = CELL_TEXT, .optional = true },
		{ .title = "MADE", .path = "created", .cell = CELL_TEXT },
		{ .title = "SINCE", .path = "since", .cell = CELL_AGO },
		{ .title = "MAKER", .path = "maker", .cell = CELL_TEXT, .optional = true },
		{ .title = NULL },
	};
	json_t *params = must(json_pack("{s:i}", "limit", OBJECTS_LISTED_MAX)), *queues;
	int status;

	if (invocation->n_operands > 0)
		json_object_set_new(params, "name", must(json_string(invocation->operands[0])));
	status = taskctl_request(ctl, METHOD_MQ_LIST, params, &queues);
	if (status != EXIT_FINE)
		return status;
	if (!ctl->json)
		make_readable(queues);
	ctl->writer->ops->table(ctl->writer, fields, queues);
	if (json_array_size(queues) == 0 && invocation->n_operands > 0)
		status = report(ctl, EXIT_NOT_FOUND, "not_found", NULL, "the message queue \"%s\" is not there",
			invocation->operands[0]);
	else if (json_array_size(queues) == 0)
		report_note(ctl, "no message queues");
	json_decref(queues);
	return status;
}

/* --- the records --- */

static const struct option_spec create_options[] = {
	MQ_KIND_OPTIONS(struct create_values, kind),
	MQ_OPTION(struct create_values, shared, "shared", OPTION_FLAG, NULL, "other users may use it, too", .letter = 0),
	{ .name = NULL },
};
static const struct option_spec peek_options[] = {
	MQ_OPTION(struct peek_values, count, "count", OPTION_INTEGER, "N", "the next so many (1)", .letter = 'n',
		.min = 1, .max = PEEK_MAX),
	MQ_OPTION(struct peek_values, tail, "tail", OPTION_FLAG, NULL, "from the other end", .letter = 0),
	MQ_OPTION(struct peek_values, raw, "raw", OPTION_FLAG, NULL, "strings without their quotes", .letter = 'r'),
	{ .name = NULL },
};
static const struct option_spec join_options[] = {
	MQ_TIMEOUT_OPTION(struct join_values, timeout_ns, "wait no longer than that (exit status 124)"),
	{ .name = NULL },
};
static const struct option_spec task_done_options[] = {
	MQ_OPTION(struct task_done_values, count, "count", OPTION_INTEGER, "N", "so many messages (1)", .letter = 'n',
		.min = 1, .max = SLOTS_MAX),
	{ .name = NULL },
};

#define MQ_COMMAND(WORD, SUMMARY, RUN, ...)                                                                   \
	{                                                                                                     \
		.name = "mq " WORD, .group = "mq", .operands = "NAME", .summary = SUMMARY, .min_operands = 1, \
		.max_operands = 1, .missing = "a NAME", .first = COMPLETE_MQ, .run = RUN, __VA_ARGS__         \
	}

const struct command command_mq_peek = MQ_COMMAND("peek", "Show messages without taking them", run_peek,
	.options = peek_options, .values_size = sizeof(struct peek_values),
	.help = "What \"mq get\" would print next. Where there is none, the exit status is 3.");
const struct command command_mq_len = MQ_COMMAND("len", "Print how many messages wait in a queue", run_len,
	.help = "With --json also the bytes, how many are not acknowledged or not done, and how many\n"
		"wait to get or to put.");
const struct command command_mq_create = MQ_COMMAND("create", "Make a message queue that stays", run_create,
	.options = create_options, .values_size = sizeof(struct create_values),
	.help = "Until \"mq delete\", also while it is empty. Others are made by their first put or get,\n"
		"and go when they are empty and nobody waits. A message queue belongs to who makes it\n"
		"so or puts first: to other users it is denied, unless it is made with --shared.");
const struct command command_mq_clear = MQ_COMMAND("clear", "Throw away all messages of a queue", run_clear,
	.help = "What was taken and is not acknowledged yet is not among them.");
const struct command command_mq_join = MQ_COMMAND("join", "Wait until all messages of a queue are done", run_join,
	.options = join_options, .values_size = sizeof(struct join_values),
	.help = "What \"mq get\" has printed is done; what was taken with --no-ack, or by programs, when\n"
		"they say so.");
const struct command command_mq_task_done = MQ_COMMAND("task-done", "Say that messages taken with --no-ack are done",
	run_task_done, .options = task_done_options, .values_size = sizeof(struct task_done_values));
const struct command command_mq_delete = {
	.name = "mq delete",
	.group = "mq",
	.operands = "NAME…",
	.summary = "Delete message queues, with all that is in them",
	.help = "For those who wait to get or put, that is an error.",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a NAME",
	.first = COMPLETE_MQ,
	.rest = COMPLETE_MQ,
	.run = run_delete,
};
const struct command command_mq_list = {
	.name = "mq list",
	.group = "mq",
	.operands = "[NAME]",
	.summary = "List message queues",
	.max_operands = 1,
	.first = COMPLETE_MQ,
	.run = run_list,
};
