/* What of a task's record is shown, and as what. The order is that of interest; what is missing in all is left out. */
#include "client/taskctl/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/taskctl.h"
#include "proto/suggest.h"

const struct field record_columns[] = {
	{ .title = "ID", .path = "id", .cell = CELL_NUMBER },
	{ .title = "TASK", .path = "task", .cell = CELL_TEXT },
	{ .title = "STATE", .path = "state", .cell = CELL_STATE },
	{ .title = "QUEUE", .path = "queue", .cell = CELL_TEXT },
	{ .title = "PRIO", .path = "priority", .cell = CELL_NUMBER },
	{ .title = "SUBMITTED", .path = "submitted_at", .cell = CELL_AGO },
	{ .title = "DUE", .path = "due_at", .cell = CELL_AGO, .optional = true },
	{ .title = "WAITS FOR", .path = "waits_for", .cell = CELL_OBJECT, .optional = true },
	{ .title = "RAN", .path = "started_at", .cell = CELL_ELAPSED },
	{ .title = "DONE", .path = "progress.fraction", .cell = CELL_FRACTION, .optional = true },
	{ .title = "COMMAND", .path = "command", .cell = CELL_TEXT, .shrinks = true, .optional = true },
	{ .title = "TAG", .path = "tag", .cell = CELL_TEXT, .shrinks = true, .optional = true },
	{ .title = "ERROR", .path = "error.message", .cell = CELL_TEXT, .shrinks = true, .optional = true },
	{ .title = NULL },
};

const struct field history_columns[] = {
	{ .title = "ID", .path = "id", .cell = CELL_NUMBER },
	{ .title = "TASK", .path = "task", .cell = CELL_TEXT },
	{ .title = "STATE", .path = "state", .cell = CELL_STATE },
	{ .title = "QUEUE", .path = "queue", .cell = CELL_TEXT },
	{ .title = "SUBMITTED", .path = "submitted_at", .cell = CELL_AGO },
	{ .title = "ENDED", .path = "ended_at", .cell = CELL_AGO, .optional = true },
	{ .title = "RAN", .path = "started_at", .cell = CELL_ELAPSED },
	{ .title = "COMMAND", .path = "command", .cell = CELL_TEXT, .shrinks = true, .optional = true },
	{ .title = "TAG", .path = "tag", .cell = CELL_TEXT, .shrinks = true, .optional = true },
	{ .title = "ERROR", .path = "error.message", .cell = CELL_TEXT, .shrinks = true, .optional = true },
	{ .title = NULL },
};

const struct field record_fields[] = {
	{ .title = "id", .path = "id", .cell = CELL_TEXT },
	{ .title = "task", .path = "task", .cell = CELL_TEXT },
	{ .title = "command", .path = "command", .cell = CELL_TEXT },
	{ .title = "state", .path = "state", .cell = CELL_STATE },
	{ .title = "suspended", .path = "suspended", .cell = CELL_TEXT },
	{ .title = "queue", .path = "queue", .cell = CELL_TEXT },
	{ .title = "priority", .path = "priority", .cell = CELL_TEXT },
	{ .title = "tag", .path = "tag", .cell = CELL_TEXT },
	{ .title = "key", .path = "key", .cell = CELL_TEXT },
	{ .title = "owner", .path = "owner", .cell = CELL_TEXT },
	{ .title = "schedule", .path = "schedule", .cell = CELL_TEXT },
	{ .title = "attempt", .path = "attempt", .cell = CELL_TEXT },
	{ .title = "retries", .path = "retries", .cell = CELL_TEXT },
	{ .title = "crashes", .path = "crashes", .cell = CELL_TEXT },
	{ .title = "durable", .path = "durable", .cell = CELL_TEXT },
	{ .title = "on interrupt", .path = "on_interrupt", .cell = CELL_TEXT },
	{ .title = "recovered", .path = "recovered", .cell = CELL_TEXT },
	{ .title = "items", .path = "items", .cell = CELL_TEXT },
	{ .title = "time limit", .path = "timeout", .cell = CELL_SECONDS },
	{ .title = "submitted", .path = "submitted_at", .cell = CELL_AGO },
	{ .title = "due", .path = "due_at", .cell = CELL_AGO },
	{ .title = "expires", .path = "expires_at", .cell = CELL_AGO },
	{ .title = "after", .path = "after", .cell = CELL_TEXT },
	{ .title = "after any", .path = "after_any", .cell = CELL_TEXT },
	{ .title = "locks", .path = "locks", .cell = CELL_TEXT },
	{ .title = "shared locks", .path = "shared_locks", .cell = CELL_TEXT },
	{ .title = "semaphores", .path = "semaphores", .cell = CELL_OBJECT },
	{ .title = "waits for", .path = "waiting_for", .cell = CELL_TASKS },
	{ .title = "waits for", .path = "waits_for", .cell = CELL_OBJECT },
	{ .title = "started", .path = "started_at", .cell = CELL_AGO },
	{ .title = "ended", .path = "ended_at", .cell = CELL_AGO },
	{ .title = "ran", .path = "started_at", .cell = CELL_ELAPSED },
	{ .title = "progress", .path = "progress.fraction", .cell = CELL_FRACTION },
	{ .title = "doing", .path = "progress.text", .cell = CELL_TEXT },
	{ .title = "process", .path = "pid", .cell = CELL_TEXT },
	{ .title = "worker", .path = "worker.pid", .cell = CELL_TEXT },
	{ .title = "pool", .path = "worker.pool", .cell = CELL_TEXT },
	{ .title = "slot", .path = "worker.slot", .cell = CELL_TEXT },
	{ .title = "too large", .path = "result_dropped", .cell = CELL_SIZE },
	{ .title = "retry of", .path = "retry_of", .cell = CELL_TEXT },
	{ .title = "retried as", .path = "retried_as", .cell = CELL_TEXT },
	{ .title = "error", .path = "error.message", .cell = CELL_TEXT },
	{ .title = "kind", .path = "error.data.kind", .cell = CELL_TEXT },
	{ .title = "hint", .path = "error.data.hint", .cell = CELL_TEXT },
	{ .title = NULL },
};

const struct field attempt_columns[] = {
	{ .title = "ATTEMPT", .path = "attempt", .cell = CELL_NUMBER },
	{ .title = "STATE", .path = "state", .cell = CELL_STATE },
	{ .title = "STARTED", .path = "started_at", .cell = CELL_AGO },
	{ .title = "RAN", .path = "started_at", .cell = CELL_ELAPSED },
	{ .title = "WORKER", .path = "worker_pid", .cell = CELL_NUMBER, .optional = true },
	{ .title = "ERROR", .path = "error.message", .cell = CELL_TEXT, .shrinks = true, .optional = true },
	{ .title = NULL },
};

/* --- the columns that can be asked for --- */
#define COLUMNS(COLUMN)                                                                        \
	COLUMN("id", "ID", "id", CELL_NUMBER, "its id")                                        \
	COLUMN("task", "TASK", "task", CELL_TEXT, "what it is to do")                          \
	COLUMN("command", "COMMAND", "command", CELL_TEXT, "of a command: its line")           \
	COLUMN("state", "STATE", "state", CELL_STATE, "how it stands")                         \
	COLUMN("suspended", "SUSPENDED", "suspended", CELL_TEXT, "of a command: whether it stands still") \
	COLUMN("queue", "QUEUE", "queue", CELL_TEXT, "its queue")                              \
	COLUMN("priority", "PRIO", "priority", CELL_NUMBER, "its priority")                    \
	COLUMN("owner", "OWNER", "owner", CELL_NUMBER, "the uid of who submitted it")          \
	COLUMN("tag", "TAG", "tag", CELL_TEXT, "its tag")                                      \
	COLUMN("key", "KEY", "key", CELL_TEXT, "its key")                                      \
	COLUMN("schedule", "SCHEDULE", "schedule", CELL_TEXT, "the schedule whose run it is")  \
	COLUMN("submitted", "SUBMITTED", "submitted_at", CELL_AGO, "when it was submitted")    \
	COLUMN("due", "DUE", "due_at", CELL_AGO, "when its time comes, or its next attempt")   \
	COLUMN("expires", "EXPIRES", "expires_at", CELL_AGO, "when it is too late to start")   \
	COLUMN("started", "STARTED", "started_at", CELL_AGO, "when it was started")            \
	COLUMN("ended", "ENDED", "ended_at", CELL_AGO, "when it ended")                        \
	COLUMN("ran", "RAN", "started_at", CELL_ELAPSED, "how long it has run")                \
	COLUMN("timeout", "TIMEOUT", "timeout", CELL_SECONDS, "its time limit")                \
	COLUMN("attempt", "ATTEMPT", "attempt", CELL_NUMBER, "which attempt it is at")         \
	COLUMN("retries", "RETRIES", "retries", CELL_NUMBER, "how often it may be tried again") \
	COLUMN("crashes", "CRASHES", "crashes", CELL_NUMBER, "how many workers it has killed") \
	COLUMN("durable", "DURABLE", "durable", CELL_TEXT, "whether it is kept on disk")       \
	COLUMN("on-interrupt", "ON-INTERRUPT", "on_interrupt", CELL_TEXT, "where the daemon dies while it runs") \
	COLUMN("recovered", "RECOVERED", "recovered", CELL_TEXT, "whether it was there before this daemon") \
	COLUMN("retry-of", "RETRY-OF", "retry_of", CELL_NUMBER, "the task whose retry it is")  \
	COLUMN("retried-as", "RETRIED-AS", "retried_as", CELL_NUMBER, "the task that is its retry") \
	COLUMN("after", "AFTER", "after", CELL_TEXT, "the tasks whose success it needs")       \
	COLUMN("after-any", "AFTER-ANY", "after_any", CELL_TEXT, "the tasks whose end it needs") \
	COLUMN("waiting", "WAITING", "waiting_for", CELL_NUMBER, "how many tasks it waits for") \
	COLUMN("locks", "LOCKS", "locks", CELL_TEXT, "the locks that it holds while it runs")  \
	COLUMN("shared-locks", "SHARED-LOCKS", "shared_locks", CELL_TEXT, "those that it shares") \
	COLUMN("semaphores", "SEMAPHORES", "semaphores", CELL_OBJECT, "the permits that it has while it runs") \
	COLUMN("waits-for", "WAITS FOR", "waits_for", CELL_OBJECT, "the lock or semaphore that it waits for") \
	COLUMN("progress", "DONE", "progress.fraction", CELL_FRACTION, "how far it is")        \
	COLUMN("doing", "DOING", "progress.text", CELL_TEXT, "what it says it does")           \
	COLUMN("items", "ITEMS", "items", CELL_NUMBER, "of a map: the items in it")            \
	COLUMN("process", "PROCESS", "pid", CELL_NUMBER, "of a command: its pid")              \
	COLUMN("worker", "WORKER", "worker.pid", CELL_NUMBER, "the pid of its worker")         \
	COLUMN("pool", "POOL", "worker.pool", CELL_TEXT, "the pool of its worker")             \
	COLUMN("slot", "SLOT", "worker.slot", CELL_NUMBER, "the thread of its worker; of a command: TASKD_SLOT")         \
	COLUMN("kind", "KIND", "error.data.kind", CELL_TEXT, "what kind of error it ended with") \
	COLUMN("error", "ERROR", "error.message", CELL_TEXT, "what went wrong")

#define COLUMN_FIELD(NAME, TITLE, PATH, CELL, ABOUT) { .title = TITLE, .path = PATH, .cell = CELL },
static const struct field column_fields[] = { COLUMNS(COLUMN_FIELD) };
#define COLUMN_ABOUT(NAME, TITLE, PATH, CELL, ABOUT) ABOUT,
static const char *const column_abouts[] = { COLUMNS(COLUMN_ABOUT) };
#define COLUMN_NAME(NAME, TITLE, PATH, CELL, ABOUT) NAME,
const char *const column_names[] = { COLUMNS(COLUMN_NAME) "help", NULL };
#define N_COLUMNS (sizeof column_fields / sizeof *column_fields)

static const struct field *column_find(const char *name)
{
	for (size_t i = 0; i < N_COLUMNS; i++)
		if (strcmp(column_names[i], name) == 0)
			return &column_fields[i];
	return NULL;
}

struct field *columns_choose(const struct option_list *names)
{
	struct field *chosen = must(calloc((size_t)names->n + 1, sizeof *chosen));

	for (int i = 0; i < names->n; i++) {
		chosen[i] = *column_find(names->items[i]);
		/* What has many words gives way where the terminal is narrow. */
		chosen[i].shrinks = chosen[i].cell == CELL_TEXT;
	}
	return chosen;
}

void columns_help(void)
{
	for (size_t i = 0; i < N_COLUMNS; i++)
		printf("%-10s  %s\n", column_names[i], column_abouts[i]);
	write_flush();
}

/* --- sorting --- */
struct sorting {
	const struct field *field;
	bool down;
};
struct sorted {
	json_t *record;
	size_t place;
};

static int compare(const void *a, const void *b, void *user)
{
	const struct sorting *by = user;
	const struct sorted *x = a, *y = b;
	bool has_x = cell_value(by->field, x->record), has_y = cell_value(by->field, y->record);
	int order = has_x && has_y ? cell_compare(by->field, x->record, y->record) : has_y - has_x;

	if (by->down && has_x && has_y)
		order = -order;
	/* Equal ones stay as they were. */
	return order ? order : x->place < y->place ? -1 : 1;
}

int column_check(const struct taskctl *ctl, const char *column)
{
	const char *name = column + (column[0] == '-');
	struct suggest suggest;
	char hint[80];

	if (column_find(name))
		return EXIT_FINE;
	suggest_begin(&suggest, name);
	for (size_t i = 0; i < N_COLUMNS; i++)
		suggest_offer(&suggest, column_names[i]);
	if (suggest.best)
		snprintf(hint, sizeof hint, "did you mean %s?", suggest.best);
	return report_usage(ctl, suggest.best ? hint : "\"taskctl list --columns help\" lists the columns",
		"--sort: \"%s\" is no column", name);
}

void records_sort(json_t *records, const char *column)
{
	struct sorting by = { .field = column_find(column + (column[0] == '-')), .down = column[0] == '-' };
	size_t n = json_array_size(records);
	struct sorted *all = must(calloc(n + 1, sizeof *all));

	for (size_t i = 0; i < n; i++)
		all[i] = (struct sorted){ .record = json_incref(json_array_get(records, i)), .place = i };
	qsort_r(all, n, sizeof *all, compare, &by);
	for (size_t i = 0; i < n; i++)
		json_array_set_new(records, i, all[i].record);
	free(all);
}
