/* status: all that is known about tasks, and the attempts that failed before. */
#include <stdio.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/records.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

static void print_record(const struct taskctl *ctl, const json_t *record, bool first)
{
	const json_t *attempts = json_object_get(record, "attempts");

	if (!first && !ctl->json)
		putchar('\n');
	ctl->writer->ops->record(ctl->writer, record_fields, record);
	if (json_array_size(attempts) == 0 || ctl->json)
		return;
	puts("\nearlier attempts:");
	ctl->writer->ops->table(ctl->writer, attempt_columns, attempts);
}

static int run_status(struct taskctl *ctl, const struct invocation *invocation)
{
	json_t *ids = ids_json(ctl, invocation->operands, invocation->n_operands);
	int worst = EXIT_FINE;

	if (!ids)
		return EXIT_USAGE;
	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = invocation->operands[i];
		char params[48], what[48];
		json_t *record;
		int status;

		snprintf(params, sizeof params, "{\"id\":\"%s\"}", id);
		snprintf(what, sizeof what, "task %s", id);
		status = taskctl_request_text(ctl, METHOD_TASK_STATUS, params, what, &record);
		if (status == EXIT_FINE) {
			print_record(ctl, record, i == 0);
			json_decref(record);
		} else if (worst == EXIT_FINE) {
			worst = status;
		}
	}
	json_decref(ids);
	return worst;
}

const struct command command_status = {
	.name = "status",
	.operands = "ID…",
	.summary = "Show all that is known about tasks",
	.help = "What it waits for, when its time comes, how far it is, how it ended; and each\n"
		"attempt before the last, with its error.",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.reconnects = true,
	.run = run_status,
};
