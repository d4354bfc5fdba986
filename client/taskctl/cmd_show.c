/* tasks, workers and ping: how the daemon stands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/units.h"

static int show(struct taskctl *ctl, enum method method, const struct field *fields, const char *none)
{
	json_t *records;
	int status = taskctl_request(ctl, method, NULL, &records);

	if (status != EXIT_FINE)
		return status;
	ctl->writer->ops->table(ctl->writer, fields, records);
	if (json_array_size(records) == 0)
		report_note(ctl, "%s", none);
	json_decref(records);
	return EXIT_FINE;
}

static int run_tasks(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct field fields[] = {
		{ .title = "TASK", .path = "task", .cell = CELL_TEXT },
		{ .title = "QUEUE", .path = "queue", .cell = CELL_TEXT },
		{ .title = "SUCCEEDED", .path = "succeeded", .cell = CELL_NUMBER },
		{ .title = "FAILED", .path = "failed", .cell = CELL_NUMBER },
		{ .title = "MEAN", .path = "mean_run", .cell = CELL_SECONDS, .optional = true },
		{ .title = "SOURCE", .path = "source", .cell = CELL_TEXT },
		{ .title = "ABOUT", .path = "summary", .cell = CELL_TEXT, .shrinks = true, .optional = true },
		{ .title = "PARAMETERS", .path = "parameters", .cell = CELL_TEXT, .shrinks = true, .optional = true },
		{ .title = NULL },
	};

	(void)invocation;
	return show(ctl, METHOD_TASK_TYPES, fields, "no worker has a handler yet; \"taskctl workers\" tells why");
}

static int run_workers(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct field fields[] = {
		{ .title = "PID", .path = "pid", .cell = CELL_NUMBER },
		{ .title = "POOL", .path = "pool", .cell = CELL_TEXT },
		{ .title = "#", .path = "index", .cell = CELL_NUMBER },
		{ .title = "STATE", .path = "state", .cell = CELL_STATE },
		{ .title = "STARTED", .path = "started_at", .cell = CELL_AGO },
		{ .title = "THREADS", .path = "threads", .cell = CELL_NUMBER },
		{ .title = "TASKS", .path = "tasks_done", .cell = CELL_NUMBER },
		{ .title = "MEMORY", .path = "rss", .cell = CELL_SIZE },
		{ .title = "STARTS", .path = "starts", .cell = CELL_NUMBER },
		{ .title = "DEATHS", .path = "deaths", .cell = CELL_NUMBER },
		{ .title = "RUNNING", .path = "running", .cell = CELL_TEXT, .shrinks = true },
		{ .title = "NEXT-START", .path = "next_start_in", .cell = CELL_SECONDS, .optional = true },
		{ .title = "LAST-END", .path = "last_end", .cell = CELL_TEXT, .shrinks = true, .optional = true },
		{ .title = NULL },
	};
	json_t *workers;
	int status;
	size_t i, j;
	json_t *worker, *failure;

	(void)invocation;
	status = taskctl_request(ctl, METHOD_WORKER_LIST, NULL, &workers);
	if (status != EXIT_FINE)
		return status;
	ctl->writer->ops->table(ctl->writer, fields, workers);
	/* Why a task cannot run is what someone who looks here wants to know, so it is not a column to be cut. */
	json_array_foreach(workers, i, worker) {
		json_array_foreach(json_object_get(worker, "failures"), j, failure) {
			report_note(ctl, "worker %lld: %s cannot run: %s", (long long)json_integer_value(json_object_get(worker, "pid")),
				json_string_value(json_object_get(failure, "handler")),
				json_string_value(json_object_get(failure, "error")));
		}
	}
	json_decref(workers);
	return EXIT_FINE;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * TASKD_SECOND + ts.tv_nsec;
}

/* ", store loading" */
static void store_text(const json_t *answer, char *text, size_t size)
{
	const char *state = json_string_value(json_object_get(answer, "store"));

	if (!state)
		*text = '\0';
	else if (strcmp(state, "none") == 0)
		snprintf(text, size, ", no store");
	else
		snprintf(text, size, ", store %s", state);
}

static int run_ping(struct taskctl *ctl, const struct invocation *invocation)
{
	char took[UNITS_TEXT_SIZE], text[192], store[48];
	json_t *answer;
	int64_t begun;
	int status = taskctl_connect(ctl);

	(void)invocation;
	if (status != EXIT_FINE)
		return status;
	begun = now_ns();
	status = taskctl_request(ctl, METHOD_SERVER_PING, NULL, &answer);
	if (status != EXIT_FINE)
		return status;
	units_human_duration(now_ns() - begun, took);
	store_text(answer, store, sizeof store);
	snprintf(text, sizeof text, "%s: %lld of %lld workers ready%s, answered in %s",
		json_is_true(json_object_get(answer, "ok")) ? "ok" : "not ok",
		(long long)json_integer_value(json_object_get(json_object_get(answer, "workers"), "ready")),
		(long long)json_integer_value(json_object_get(json_object_get(answer, "workers"), "wanted")), store, took);
	if (ctl->json || !ctl->quiet)
		ctl->writer->ops->sentence(ctl->writer, answer, text);
	status = json_is_true(json_object_get(answer, "ok")) ? EXIT_FINE : EXIT_FAILED;
	json_decref(answer);
	return status;
}

const struct command command_tasks = {
	.name = "tasks",
	.operands = "",
	.summary = "List what can be submitted",
	.help = "MEAN is how long one has run on average.",
	.reconnects = true,
	.run = run_tasks,
};

const struct command command_workers = {
	.name = "workers",
	.operands = "",
	.summary = "List the worker processes, and what they run",
	.help = "A handler that could not be initialised is told on standard error.",
	.reconnects = true,
	.run = run_workers,
};

const struct command command_ping = {
	.name = "ping",
	.operands = "",
	.summary = "Ask the daemon whether it is there",
	.help = "Tells how many workers are ready, and how the store stands: ok, opening, loading,\n"
		"full, failed; or that there is none. The exit status is 0 where it answers, and 4\n"
		"where it cannot be reached.",
	.run = run_ping,
};
