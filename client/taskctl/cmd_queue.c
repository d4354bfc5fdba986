/* queues, and pause, resume and drain: what the queues are, and whether they are open. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/strbuf.h"
#include "proto/units.h"

struct gate_values {
	bool wait;
	int64_t timeout_ns;
};

static const char *queue_state(const json_t *queue)
{
	if (json_is_true(json_object_get(queue, "draining")))
		return "draining";
	return json_is_true(json_object_get(queue, "paused")) ? "paused" : "open";
}

/* For people, a limit that is none is no number. */
static void make_readable(json_t *queues)
{
	static const char *const limits[] = {
		"limit_running", "limit_queued", "limit_bytes", "rate", "burst", "ageing", "scheduled", "blocked",
	};
	size_t i;
	json_t *queue;

	json_array_foreach(queues, i, queue) {
		bool has_rate = json_number_value(json_object_get(queue, "rate")) > 0;

		for (size_t j = 0; j < sizeof limits / sizeof *limits; j++)
			if (!(json_number_value(json_object_get(queue, limits[j])) > 0))
				json_object_del(queue, limits[j]);
		if (!has_rate)
			json_object_del(queue, "burst");
		if (json_integer_value(json_object_get(queue, "weight")) == 1)
			json_object_del(queue, "weight");
		if (json_is_false(json_object_get(queue, "fair")))
			json_object_del(queue, "fair");
		json_object_set_new(queue, "state", json_string(queue_state(queue)));
	}
}

static int run_queues(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct field fields[] = {
		{ .title = "QUEUE", .path = "name", .cell = CELL_TEXT },
		{ .title = "POOL", .path = "pool", .cell = CELL_TEXT },
		{ .title = "STATE", .path = "state", .cell = CELL_STATE },
		{ .title = "ORDER", .path = "order", .cell = CELL_TEXT },
		{ .title = "WAITING", .path = "waiting", .cell = CELL_NUMBER },
		{ .title = "BYTES", .path = "waiting_bytes", .cell = CELL_SIZE },
		{ .title = "SCHEDULED", .path = "scheduled", .cell = CELL_NUMBER, .optional = true },
		{ .title = "BLOCKED", .path = "blocked", .cell = CELL_NUMBER, .optional = true },
		{ .title = "RUNNING", .path = "running", .cell = CELL_NUMBER },
		{ .title = "SUBMITTED", .path = "submitted", .cell = CELL_NUMBER },
		{ .title = "ENDED", .path = "ended", .cell = CELL_NUMBER },
		{ .title = "LIMIT", .path = "limit_queued", .cell = CELL_NUMBER },
		{ .title = "LIMIT-BYTES", .path = "limit_bytes", .cell = CELL_SIZE },
		{ .title = "LIMIT-RUNNING", .path = "limit_running", .cell = CELL_NUMBER, .optional = true },
		{ .title = "RATE", .path = "rate", .cell = CELL_NUMBER, .optional = true },
		{ .title = "BURST", .path = "burst", .cell = CELL_NUMBER, .optional = true },
		{ .title = "AGEING", .path = "ageing", .cell = CELL_SECONDS, .optional = true },
		{ .title = "WEIGHT", .path = "weight", .cell = CELL_NUMBER, .optional = true },
		{ .title = "FAIR", .path = "fair", .cell = CELL_TEXT, .optional = true },
		{ .title = "DURABLE", .path = "durable", .cell = CELL_TEXT, .optional = true },
		{ .title = NULL },
	};
	json_t *queues;
	int status = taskctl_request(ctl, METHOD_QUEUE_LIST, NULL, &queues);

	(void)invocation;
	if (status != EXIT_FINE)
		return status;
	if (!ctl->json)
		make_readable(queues);
	ctl->writer->ops->table(ctl->writer, fields, queues);
	if (json_array_size(queues) == 0)
		report_note(ctl, "no queues");
	json_decref(queues);
	return EXIT_FINE;
}

/* "narrow is paused, 2 running; wide is paused, 0 running" */
static void print_entries(const struct taskctl *ctl, const json_t *entries)
{
	struct strbuf out = STRBUF_INIT;
	size_t i;
	json_t *entry;

	json_array_foreach(entries, i, entry)
		strbuf_printf(&out, "%s%s is %s: %lld waiting, %lld running", i > 0 ? "\n" : "",
			json_string_value(json_object_get(entry, "name")), queue_state(entry),
			(long long)json_integer_value(json_object_get(entry, "waiting")),
			(long long)json_integer_value(json_object_get(entry, "running")));
	if (ctl->json || !ctl->quiet)
		ctl->writer->ops->sentence(ctl->writer, entries, out.data ? out.data : "");
	strbuf_free(&out);
}

static int change_gates(struct taskctl *ctl, enum method method, const struct invocation *invocation, json_t *params)
{
	json_t *names = must(json_array()), *entries;
	int status;

	for (int i = 0; i < invocation->n_operands; i++)
		json_array_append_new(names, must(json_string(invocation->operands[i])));
	json_object_set_new(params, "queue", names);
	status = taskctl_request(ctl, method, params, &entries);
	if (status != EXIT_FINE)
		return status;
	print_entries(ctl, entries);
	json_decref(entries);
	return EXIT_FINE;
}

static int close_gates(struct taskctl *ctl, enum method method, const struct invocation *invocation, const char *stays)
{
	const struct gate_values *values = invocation->values;
	json_t *params;
	char text[UNITS_TEXT_SIZE];

	if (values->timeout_ns && !values->wait)
		return report_usage(ctl, "it is the limit of the wait", "--timeout without --wait");
	params = must(json_object());
	if (values->wait)
		json_object_set_new(params, "wait", json_true());
	if (values->timeout_ns) {
		units_format_duration(values->timeout_ns, text);
		json_object_set_new(params, "timeout", json_string(text));
	}
	if (values->wait)
		interrupt_says(ctl, stays);
	return change_gates(ctl, method, invocation, params);
}

static int run_pause(struct taskctl *ctl, const struct invocation *invocation)
{
	return close_gates(ctl, METHOD_QUEUE_PAUSE, invocation, "it stays paused; \"taskctl resume\" ends that");
}

static int run_drain(struct taskctl *ctl, const struct invocation *invocation)
{
	return close_gates(ctl, METHOD_QUEUE_DRAIN, invocation, "it goes on draining; \"taskctl resume\" ends that");
}

static int run_resume(struct taskctl *ctl, const struct invocation *invocation)
{
	return change_gates(ctl, METHOD_QUEUE_RESUME, invocation, must(json_object()));
}

#define GATE_OPTIONS(UNTIL)                                                                                            \
	{ .name = "wait", .letter = 'w', .type = OPTION_FLAG, .offset = offsetof(struct gate_values, wait),            \
		.summary = UNTIL },                                                                                    \
	{ .name = "timeout", .letter = 't', .type = OPTION_DURATION, .offset = offsetof(struct gate_values, timeout_ns), \
		.argument = "DURATION", .summary = "wait no longer than that (exit status 124)" },                     \
	{ .name = NULL },

static const struct option_spec pause_options[] = { GATE_OPTIONS("wait until nothing of it runs") };
static const struct option_spec drain_options[] = { GATE_OPTIONS("wait until nothing of it waits or runs") };

const struct command command_queues = {
	.name = "queues",
	.operands = "",
	.summary = "List the queues, and what waits in them",
	.help = "WAITING may start now, SCHEDULED waits for its time, BLOCKED for other tasks. A\n"
		"limit that is none, and a column that has nothing to say, are left out.",
	.reconnects = true,
	.run = run_queues,
};

const struct command command_pause = {
	.name = "pause",
	.operands = "QUEUE…",
	.summary = "Start nothing more of a queue",
	.help = "It takes tasks in, but none starts; what runs goes on. \"taskctl resume\" ends it.",
	.options = pause_options,
	.values_size = sizeof(struct gate_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a QUEUE",
	.first = COMPLETE_QUEUE,
	.rest = COMPLETE_QUEUE,
	.run = run_pause,
};

const struct command command_resume = {
	.name = "resume",
	.operands = "QUEUE…",
	.summary = "Let a queue that was paused or drained go on",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a QUEUE",
	.first = COMPLETE_QUEUE,
	.rest = COMPLETE_QUEUE,
	.run = run_resume,
};

const struct command command_drain = {
	.name = "drain",
	.operands = "QUEUE…",
	.summary = "Let a queue run empty",
	.help = "It takes nothing more in (such a submission is an error, exit status 6), and what\n"
		"it has goes on. \"taskctl resume\" ends it.",
	.options = drain_options,
	.values_size = sizeof(struct gate_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a QUEUE",
	.first = COMPLETE_QUEUE,
	.rest = COMPLETE_QUEUE,
	.run = run_drain,
};
