/* store stats, check and backup: the file in which durable tasks are, looked into through the daemon, which alone has it
 * open. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/strbuf.h"
#include "proto/units.h"

static int run_stats(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct field fields[] = {
		{ .title = "path", .path = "path", .cell = CELL_TEXT },
		{ .title = "state", .path = "state", .cell = CELL_STATE },
		{ .title = "schema", .path = "schema", .cell = CELL_TEXT },
		{ .title = "size", .path = "bytes", .cell = CELL_SIZE },
		{ .title = "write-ahead log", .path = "wal_bytes", .cell = CELL_SIZE },
		{ .title = "free in it", .path = "free_bytes", .cell = CELL_SIZE },
		{ .title = "free on disk", .path = "disk_free_bytes", .cell = CELL_SIZE },
		{ .title = "tasks", .path = "tasks", .cell = CELL_TEXT },
		{ .title = "not ended", .path = "live", .cell = CELL_TEXT },
		{ .title = "ended", .path = "ended", .cell = CELL_TEXT },
		{ .title = "oldest", .path = "oldest_at", .cell = CELL_AGO },
		{ .title = NULL },
	};
	json_t *stats;
	int status = taskctl_request(ctl, METHOD_STORE_STATS, NULL, &stats);

	(void)invocation;
	if (status != EXIT_FINE)
		return status;
	ctl->writer->ops->record(ctl->writer, fields, stats);
	json_decref(stats);
	return EXIT_FINE;
}

static void seconds_of(const json_t *answer, char *text)
{
	units_human_duration((int64_t)(json_number_value(json_object_get(answer, "seconds")) * 1e9), text);
}

static void print_problems(const struct taskctl *ctl, const json_t *problems)
{
	size_t i;
	json_t *problem;

	json_array_foreach (problems, i, problem) {
		struct field field = { .path = "problem", .cell = CELL_TEXT };
		json_t *record = must(json_pack("{s:O}", "problem", problem));
		char *text = cell_text(&field, record);

		ctl->writer->ops->sentence(ctl->writer, problem, text ? text : "");
		free(text);
		json_decref(record);
	}
}

static int run_check(struct taskctl *ctl, const struct invocation *invocation)
{
	char took[UNITS_TEXT_SIZE], text[UNITS_TEXT_SIZE + 32];
	const json_t *problems;
	json_t *answer;
	bool ok;
	int status = taskctl_request(ctl, METHOD_STORE_CHECK, NULL, &answer);

	(void)invocation;
	if (status != EXIT_FINE)
		return status;
	ok = json_is_true(json_object_get(answer, "ok"));
	problems = json_object_get(answer, "problems");
	seconds_of(answer, took);
	snprintf(text, sizeof text, "ok, checked in %s", took);
	if (ctl->json || (ok && !ctl->quiet))
		ctl->writer->ops->sentence(ctl->writer, answer, text);
	if (!ok && !ctl->json) {
		print_problems(ctl, problems);
		report_note(ctl, "%zu problem%s, checked in %s", json_array_size(problems),
			json_array_size(problems) == 1 ? "" : "s", took);
	}
	json_decref(answer);
	return ok ? EXIT_FINE : EXIT_FAILED;
}

static int run_backup(struct taskctl *ctl, const struct invocation *invocation)
{
	char *path, size[UNITS_TEXT_SIZE], took[UNITS_TEXT_SIZE];
	struct strbuf text = STRBUF_INIT;
	json_t *answer;
	int status;

	if (!invocation->operands[0][0]) /* as from "$UNSET" */
		return report_usage(ctl, NULL, "store backup: the file's name is empty");
	path = path_absolute(ctl, invocation->operands[0], NULL);
	if (!path)
		return EXIT_FAILED;
	if (!text_is_utf8(path)) {
		free(path);
		return report_usage(ctl, NULL, "store backup: the file's path is not UTF-8");
	}
	status = taskctl_request(ctl, METHOD_STORE_BACKUP, must(json_pack("{s:s}", "path", path)), &answer);
	if (status == EXIT_FINE) {
		units_human_size((int64_t)json_integer_value(json_object_get(answer, "bytes")), size);
		seconds_of(answer, took);
		strbuf_printf(&text, "%s: %s in %s", path, size, took);
		if (ctl->json || !ctl->quiet)
			ctl->writer->ops->sentence(ctl->writer, answer, must(strbuf_failed(&text) ? NULL : text.data));
		strbuf_free(&text);
		json_decref(answer);
	}
	free(path);
	return status;
}

const struct command command_store_stats = {
	.name = "store stats",
	.group = "store",
	.operands = "",
	.summary = "Show where the store is, how large, and how old",
	.reconnects = true,
	.run = run_stats,
};

const struct command command_store_check = {
	.name = "store check",
	.group = "store",
	.operands = "",
	.summary = "Have the whole store read and checked",
	.help = "The exit status is 1 where something is wrong; each problem is a line. The daemon\n"
		"goes on meanwhile.",
	.reconnects = true,
	.run = run_check,
};

const struct command command_store_backup = {
	.name = "store backup",
	.group = "store",
	.operands = "FILE",
	.summary = "Have a copy of the store written to a new file",
	.help = "The daemon writes it, as its own user, and goes on meanwhile. The FILE, as tasks.db\n"
		"in a folder of its own, is a state directory's for \"taskd -d\".",
	.min_operands = 1,
	.max_operands = 1,
	.missing = "a FILE",
	.first = COMPLETE_FILE,
	.run = run_backup,
};
