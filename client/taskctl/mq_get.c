/* mq get: messages, a line each. A message is acknowledged once its line has been written; where that does not happen,
 * because we are killed or nobody reads, it goes back to its place. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/mq.h"
#include "client/taskctl/run_signals.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

#define BATCH_MOST 64

struct get_values {
	struct option_integer count;
	struct option_integer timeout_ns;
	bool follow;
	bool no_ack;
	bool tail;
	bool raw;
};

struct getting {
	struct taskctl *ctl;
	const struct get_values *values;
	const char *name;
	char *params, *params_now;
	int interrupt;
	bool interrupted;
	bool over;   /* the time is */
	size_t left; /* to be got */
	size_t acks; /* acknowledgements that are not answered yet */
	int status;
};

/* Nobody reads any more: a write would have ended us so. */
static void die_where_nobody_reads(short events)
{
	if (events & POLLERR)
		run_signals_die(SIGPIPE);
}

static void turn(struct getting *g)
{
	struct pollfd fds[] = {
		{ .fd = taskd_fd(g->ctl->connection), .events = POLLIN },
		{ .fd = g->interrupted ? -1 : g->interrupt, .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 },
	};
	eventfd_t count;

	if (taskd_dispatch(g->ctl->connection, 0) != TASKD_E_TIMEOUT)
		return;
	if (taskd_wants_write(g->ctl->connection))
		fds[0].events |= POLLOUT;
	if (poll(fds, 3, -1) <= 0)
		return;
	if (fds[1].revents && eventfd_read(g->interrupt, &count) == 0)
		g->interrupted = true;
	else
		die_where_nobody_reads(fds[2].revents);
}

/* --- acknowledged --- */

static void acknowledged(struct taskd_future *f, void *user)
{
	struct getting *g = user;
	const struct taskd_failure *failure = taskd_exception(f);

	g->acks--;
	if (failure && g->status == EXIT_FINE)
		g->status = report_failure(g->ctl, "what was printed last may be given to others, too", failure);
	taskd_future_free(f);
}

static void acknowledge(struct getting *g, const struct json_span *receipt)
{
	struct taskd_future *f;
	char params[64];

	if (receipt->kind == JSON_NONE)
		return;
	snprintf(params, sizeof params, "{\"receipt\":%.*s}", (int)receipt->length, receipt->text);
	f = taskd_request(g->ctl->connection, method_info(METHOD_MQ_ACK)->name, params);
	if (!f) {
		g->status = report_last(g->ctl);
		return;
	}
	g->acks++;
	taskd_add_done_callback(f, acknowledged, g);
}

/* --- got --- */

static void print(struct getting *g, const struct taskd_future *f)
{
	struct json_span message = { 0 }, receipt;
	struct json_error error;
	size_t length;
	const char *text = taskd_future_result(f, &length);

	if (json_scan(text, length, &message, NULL, &error) < 0 || message.kind != JSON_SPAN_OBJECT) {
		g->status = report_library(g->ctl, TASKD_E_PROTOCOL, NULL);
		return;
	}
	mq_print(g->ctl, &message);
	receipt = mq_member(&message, "receipt");
	acknowledge(g, &receipt);
}

static struct taskd_future *ask(struct getting *g, const char *params)
{
	struct taskd_future *f = taskd_request(g->ctl->connection, method_info(METHOD_MQ_GET)->name, params);

	if (!f)
		g->status = report_last(g->ctl);
	return f;
}

/* Prints what F has got; false where it has nothing. NOW: that is no error. */
static bool take(struct getting *g, const struct taskd_future *f, bool now)
{
	const struct taskd_failure *failure = taskd_exception(f);

	if (!failure) {
		print(g, f);
		g->left--;
		return g->status == EXIT_FINE;
	}
	if (failure->error != TASKD_E_TIMEOUT)
		g->status = report_failure(g->ctl, NULL, failure);
	else if (!now && !g->values->follow)
		g->status = report(g->ctl, EXIT_TIME, "wait_timed_out", NULL, "no message has come to \"%s\"", g->name);
	g->over |= !now;
	return false;
}

/* Waits for one. */
static bool get_one(struct getting *g)
{
	struct taskd_future *f = ask(g, g->params);
	bool got;

	while (f && !taskd_done(f) && !g->interrupted)
		turn(g);
	got = f && taskd_done(f) && take(g, f, false);
	taskd_future_free(f);
	return got;
}

/* Up to COUNT of those that are there now, in one round trip. What was given out is printed, also where we are
 * interrupted meanwhile. Whether there were so many. */
static bool get_batch(struct getting *g, size_t count)
{
	struct taskd_future *batch[BATCH_MOST];
	size_t n = 0;
	bool all = true;

	while (n < count && (batch[n] = ask(g, g->params_now)))
		n++;
	for (size_t i = 0; i < n; i++) {
		while (!taskd_done(batch[i]))
			turn(g);
		if (g->status == EXIT_FINE)
			all = take(g, batch[i], true) && all;
		taskd_future_free(batch[i]);
	}
	return all && n == count;
}

static bool goes_on(const struct getting *g)
{
	return g->left > 0 && g->status == EXIT_FINE && !g->over && !g->interrupted;
}

/* One is waited for. Where there is one, there may be many: then more and more are asked for at once, but never such
 * that others who wait would have to stand behind them. */
static int get_all(struct getting *g)
{
	g->status = taskctl_connect(g->ctl);
	while (goes_on(g) && get_one(g)) {
		size_t batch = 2;

		while (goes_on(g) && get_batch(g, batch < g->left ? batch : g->left))
			batch = batch * 2 < BATCH_MOST ? batch * 2 : BATCH_MOST;
	}
	/* What was printed is not to be given to others, too. */
	while (g->acks > 0)
		turn(g);
	return g->status;
}

/* The parameters of a get that waits as was said, or, NOW, not at all. */
static char *make_params(const struct invocation *invocation, bool now)
{
	const struct get_values *values = invocation->values;
	static const struct option_integer at_once = { .given = true };
	json_t *params = mq_params(invocation);
	char *text;

	mq_put_timeout(params, now ? &at_once : &values->timeout_ns);
	if (!values->no_ack)
		json_object_set_new(params, "ack", json_true());
	if (values->tail)
		json_object_set_new(params, "end", json_string("tail"));
	text = must(json_dumps(params, JSON_COMPACT));
	json_decref(params);
	return text;
}

static int run_get(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct get_values *values = invocation->values;
	struct getting g = {
		.ctl = ctl,
		.values = values,
		.name = invocation->operands[0],
		.params = make_params(invocation, false),
		.params_now = make_params(invocation, true),
		.interrupt = values->follow ? interrupt_noted_while_printing() : -1,
		.left = values->follow ? SIZE_MAX : 1,
	};
	int status;

	if (values->count.given)
		g.left = (size_t)values->count.value;
	ctl->writer->raw = values->raw;
	status = get_all(&g);
	free(g.params);
	free(g.params_now);
	return status;
}

static const struct option_spec get_options[] = {
	MQ_OPTION(struct get_values, count, "count", OPTION_INTEGER, "N", "so many, one after the other (1)",
		.letter = 'n', .min = 1, .max = INT64_MAX),
	MQ_OPTION(struct get_values, follow, "follow", OPTION_FLAG, NULL,
		"go on with what comes, until Ctrl-C, or --timeout without any", .letter = 'f'),
	MQ_TIMEOUT_OPTION(
		struct get_values, timeout_ns, "wait no longer than that for each (exit status 124); 0: not at all"),
	MQ_OPTION(struct get_values, raw, "raw", OPTION_FLAG, NULL, "strings without their quotes", .letter = 'r'),
	MQ_OPTION(struct get_values, tail, "tail", OPTION_FLAG, NULL, "from the end that puts go to", .letter = 0),
	MQ_OPTION(struct get_values, no_ack, "no-ack", OPTION_FLAG, NULL,
		"taken at once, not when it is printed; \"mq task-done\" counts it", .letter = 0),
	{ .name = NULL },
};

const struct command command_mq_get = {
	.name = "mq get",
	.group = "mq",
	.operands = "NAME",
	.summary = "Take messages out of a queue, and print them",
	.help = "Waits for one where there is none; many who wait are served in turn. A message is\n"
		"gone when its line has been written: where this is killed before, or nobody reads,\n"
		"it goes back to its place. What there is now: taskctl mq get NAME -f -t 0",
	.options = get_options,
	.values_size = sizeof(struct get_values),
	.min_operands = 1,
	.max_operands = 1,
	.missing = "a NAME",
	.first = COMPLETE_MQ,
	.run = run_get,
};
