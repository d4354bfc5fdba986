/* barrier: whoever comes waits until all have come. */
#include <stddef.h>
#include <stdio.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/units.h"

struct barrier_values {
	struct option_integer parties;
	struct option_integer timeout_ns;
	bool reset;
	bool abort;
};

static int barrier_wait(struct taskctl *ctl, const struct barrier_values *values, json_t *params)
{
	char text[UNITS_TEXT_SIZE];
	json_t *answer;
	int status;

	if (values->parties.given)
		json_object_set_new(params, "parties", json_integer(values->parties.value));
	if (values->timeout_ns.given) {
		units_format_duration(values->timeout_ns.value, text);
		json_object_set_new(params, "timeout", must(json_string(text)));
	}
	status = taskctl_request(ctl, METHOD_BARRIER_WAIT, params, &answer);
	if (status != EXIT_FINE)
		return status;
	snprintf(text, sizeof text, "%lld", (long long)json_integer_value(json_object_get(answer, "index")));
	ctl->writer->ops->sentence(ctl->writer, answer, text);
	json_decref(answer);
	return EXIT_FINE;
}

static int barrier_change(struct taskctl *ctl, enum method method, json_t *params)
{
	json_t *answer;
	int status = taskctl_request(ctl, method, params, &answer);

	if (status != EXIT_FINE)
		return status;
	ctl->writer->ops->sentence(ctl->writer, answer, "");
	json_decref(answer);
	return EXIT_FINE;
}

static int run_barrier(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct barrier_values *values = invocation->values;
	json_t *params;

	if (values->reset && values->abort)
		return report_usage(ctl, NULL, "either --reset or --abort");
	if ((values->reset || values->abort) && (values->parties.given || values->timeout_ns.given))
		return report_usage(ctl, NULL, "--reset and --abort go without --parties and --timeout");
	params = must(json_pack("{s:s}", "name", invocation->operands[0]));
	if (values->reset)
		return barrier_change(ctl, METHOD_BARRIER_RESET, params);
	if (values->abort)
		return barrier_change(ctl, METHOD_BARRIER_ABORT, params);
	return barrier_wait(ctl, values, params);
}

static const struct option_spec barrier_options[] = {
	{ .name = "parties",
		.letter = 'p',
		.type = OPTION_INTEGER,
		.offset = offsetof(struct barrier_values, parties),
		.argument = "N",
		.summary = "so many have to come (as many as the first has said)",
		.min = 1,
		.max = PARTIES_MAX },
	{ .name = "timeout",
		.letter = 't',
		.type = OPTION_SPAN,
		.offset = offsetof(struct barrier_values, timeout_ns),
		.argument = "DURATION",
		.summary = "wait no longer than that (exit status 124), and so break it" },
	{ .name = "reset",
		.type = OPTION_FLAG,
		.offset = offsetof(struct barrier_values, reset),
		.summary = "do not wait: make it as new; for those who wait it is broken" },
	{ .name = "abort",
		.type = OPTION_FLAG,
		.offset = offsetof(struct barrier_values, abort),
		.summary = "do not wait: break it, for all who wait and all who come" },
	{ .name = NULL },
};

const struct command command_barrier = {
	.name = "barrier",
	.operands = "NAME",
	.summary = "Wait until so many have come",
	.help = "Prints in which place this one came, from 0, so that one of them can do what is to be\n"
		"done once: \"[ $(taskctl barrier done --parties 3) = 0 ] && ./sum\". Whoever goes before\n"
		"all have come (Ctrl-C, --timeout) breaks it: for the others, and for those who come,\n"
		"that is an error, until somebody has said --reset.",
	.options = barrier_options,
	.values_size = sizeof(struct barrier_values),
	.min_operands = 1,
	.max_operands = 1,
	.missing = "a NAME",
	.first = COMPLETE_BARRIER,
	.run = run_barrier,
};
