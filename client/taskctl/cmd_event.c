/* event wait, set, clear and is-set: a flag that programs wait for. */
#include <stddef.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/units.h"

struct wait_values {
	struct option_integer timeout_ns;
};

/* What it answers is for programs only: for people, the exit status says it all. */
static int ask(struct taskctl *ctl, enum method method, json_t *params, json_t **answer)
{
	int status = taskctl_request(ctl, method, params, answer);

	if (status == EXIT_FINE)
		ctl->writer->ops->sentence(ctl->writer, *answer, "");
	return status;
}

/* Each of several in its turn. */
static int change(struct taskctl *ctl, enum method method, const struct invocation *invocation)
{
	int worst = EXIT_FINE;

	for (int i = 0; i < invocation->n_operands; i++) {
		json_t *answer = NULL;
		int status = ask(ctl, method, must(json_pack("{s:s}", "name", invocation->operands[i])), &answer);

		json_decref(answer);
		if (worst == EXIT_FINE)
			worst = status;
	}
	return worst;
}

static int run_set(struct taskctl *ctl, const struct invocation *invocation)
{
	return change(ctl, METHOD_EVENT_SET, invocation);
}

static int run_clear(struct taskctl *ctl, const struct invocation *invocation)
{
	return change(ctl, METHOD_EVENT_CLEAR, invocation);
}

static int run_is_set(struct taskctl *ctl, const struct invocation *invocation)
{
	json_t *answer = NULL;
	int status = ask(ctl, METHOD_EVENT_IS_SET, must(json_pack("{s:s}", "name", invocation->operands[0])), &answer);

	if (status == EXIT_FINE && !json_is_true(json_object_get(answer, "set")))
		status = EXIT_FAILED;
	json_decref(answer);
	return status;
}

static int run_wait(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct wait_values *values = invocation->values;
	json_t *params = must(json_pack("{s:s}", "name", invocation->operands[0])), *answer = NULL;
	char text[UNITS_TEXT_SIZE];
	int status;

	if (values->timeout_ns.given) {
		units_format_duration(values->timeout_ns.value, text);
		json_object_set_new(params, "timeout", must(json_string(text)));
	}
	status = ask(ctl, METHOD_EVENT_WAIT, params, &answer);
	json_decref(answer);
	return status;
}

static const struct option_spec wait_options[] = {
	{ .name = "timeout",
		.letter = 't',
		.type = OPTION_SPAN,
		.offset = offsetof(struct wait_values, timeout_ns),
		.argument = "DURATION",
		.summary = "wait no longer than that (exit status 124)" },
	{ .name = NULL },
};

const struct command command_event_wait = {
	.name = "event wait",
	.group = "event",
	.operands = "NAME",
	.summary = "Wait until an event is set",
	.help = "Of one that is set already, it returns at once. It need not be there before.",
	.options = wait_options,
	.values_size = sizeof(struct wait_values),
	.min_operands = 1,
	.max_operands = 1,
	.missing = "a NAME",
	.first = COMPLETE_EVENT,
	.run = run_wait,
};

const struct command command_event_set = {
	.name = "event set",
	.group = "event",
	.operands = "NAME…",
	.summary = "Set events: all who wait for them go on",
	.help = "It stays set, also when whoever set it is gone, until it is cleared or taskd ends.",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a NAME",
	.first = COMPLETE_EVENT,
	.rest = COMPLETE_EVENT,
	.run = run_set,
};

const struct command command_event_clear = {
	.name = "event clear",
	.group = "event",
	.operands = "NAME…",
	.summary = "Clear events: who comes now waits",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a NAME",
	.first = COMPLETE_EVENT,
	.rest = COMPLETE_EVENT,
	.run = run_clear,
};

const struct command command_event_is_set = {
	.name = "event is-set",
	.group = "event",
	.operands = "NAME",
	.summary = "Tell by the exit status whether an event is set: 0, else 1",
	.min_operands = 1,
	.max_operands = 1,
	.missing = "a NAME",
	.first = COMPLETE_EVENT,
	.run = run_is_set,
};
