/* pools and resize. */
#include <stdio.h>
#include <stdlib.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

#define PROCESSES_MAX 100000

static int run_pools(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct field fields[] = {
		{ .title = "POOL", .path = "name", .cell = CELL_TEXT },
		{ .title = "PROCESSES", .path = "processes", .cell = CELL_NUMBER },
		{ .title = "THREADS", .path = "threads", .cell = CELL_NUMBER },
		{ .title = "READY", .path = "ready", .cell = CELL_NUMBER },
		{ .title = "SLOTS", .path = "slots", .cell = CELL_NUMBER },
		{ .title = "BUSY", .path = "busy", .cell = CELL_NUMBER },
		{ .title = "QUEUES", .path = "queues", .cell = CELL_TEXT, .shrinks = true },
		{ .title = "TASKS", .path = "tasks", .cell = CELL_TEXT, .shrinks = true, .optional = true },
		{ .title = NULL },
	};
	json_t *pools;
	int status = taskctl_request(ctl, METHOD_POOL_LIST, NULL, &pools);

	(void)invocation;
	if (status != EXIT_FINE)
		return status;
	ctl->writer->ops->table(ctl->writer, fields, pools);
	json_decref(pools);
	return EXIT_FINE;
}

static int run_resize(struct taskctl *ctl, const struct invocation *invocation)
{
	const char *pool = invocation->operands[0], *text = invocation->operands[1];
	char *end, sentence[160];
	long n = strtol(text, &end, 10);
	json_t *entry;
	int status;

	if (end == text || *end || n < 1 || n > PROCESSES_MAX)
		return report_usage(
			ctl, "a number from 1 on", "resize: \"%s\" will not do for a number of processes", text);
	status = taskctl_request(ctl, METHOD_POOL_RESIZE,
		must(json_pack("{s:s,s:I}", "pool", pool, "processes", (json_int_t)n)), &entry);
	if (status != EXIT_FINE)
		return status;
	snprintf(sentence, sizeof sentence, "pool %s is to have %ld process%s", pool, n, n == 1 ? "" : "es");
	if (ctl->json || !ctl->quiet)
		ctl->writer->ops->sentence(ctl->writer, entry, sentence);
	json_decref(entry);
	return EXIT_FINE;
}

const struct command command_pools = {
	.name = "pools",
	.operands = "",
	.summary = "List the pools of workers",
	.reconnects = true,
	.run = run_pools,
};

const struct command command_resize = {
	.name = "resize",
	.operands = "POOL N",
	.summary = "Change how many processes a pool has, as long as the daemon runs",
	.help = "More are started at once; one too many goes when it has ended what it runs.",
	.min_operands = 2,
	.max_operands = 2,
	.missing = "a POOL and a number of processes",
	.first = COMPLETE_POOL,
	.run = run_resize,
};
