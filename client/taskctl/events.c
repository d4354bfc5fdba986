/* What becomes of tasks, a line for each event, as the daemon tells it. Where tasks are named, each begins with a line of
 * how it stands, so that one sees something though nothing happens, and the stream ends when they all have ended. */
#include "client/taskctl/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/taskctl/again.h"
#include "client/taskctl/filter.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/strbuf.h"
#include "proto/units.h"

struct printing {
	struct taskctl *ctl;
	const json_t *ids;            /* the tasks that are named, or NULL */
	json_t *seen;                 /* where tasks are named: the ids of which there was a line, {"17":true} */
	struct taskd_future **states; /* how they stand */
	size_t n_states;
	struct taskd_future *wait; /* done when all of them have ended */
	bool was_away;             /* the daemon has been away since they were asked for */
	bool over;                 /* the stream has ended, which has been reported */
	int status;
};

/* --- a line for people --- */

/* "14:03:07.123", in the local time zone. */
static void put_time(struct strbuf *out, const char *at)
{
	int64_t ns = time_parse_ns(at);
	time_t seconds = (time_t)(ns / TASKD_SECOND);
	struct tm tm;

	if (ns < 0 || !localtime_r(&seconds, &tm))
		strbuf_puts(out, at);
	else
		strbuf_printf(out, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec,
			(int)(ns % TASKD_SECOND / TASKD_MS));
}

/* The member at PATH as in a table, behind BEFORE; false where there is none. */
static bool put_member(struct strbuf *out, const json_t *record, const char *before, const char *path, enum cell cell)
{
	struct field field = { .path = path, .cell = cell };
	char *text = cell_text(&field, record);

	if (text)
		strbuf_printf(out, "%s%s", before, text);
	free(text);
	return text != NULL;
}

/* What became of the attempt before, where this is not the first. */
static void put_last_attempt(struct strbuf *out, const json_t *record)
{
	const json_t *attempts = json_object_get(record, "attempts");
	const json_t *last = json_array_get(attempts, json_array_size(attempts) - 1);

	if (json_array_size(attempts) == 0)
		return;
	put_member(out, last, ", as the last attempt ", "state", CELL_TEXT);
	put_member(out, last, ": ", "error.message", CELL_TEXT);
}

/* To the millisecond where it is near. */
static void put_due(struct strbuf *out, const json_t *record)
{
	const char *due = json_string_value(json_object_get(record, "due_at"));
	int64_t day = 86400 * TASKD_SECOND;

	if (!due || time_parse_ns(due) - (int64_t)time(NULL) * TASKD_SECOND > day) {
		put_member(out, record, "  due ", "due_at", CELL_AGO);
	} else {
		strbuf_puts(out, "  due ");
		put_time(out, due);
	}
}

/* What is of interest with this event. */
static void put_detail(struct strbuf *out, const json_t *record, const char *name)
{
	if (strcmp(name, "scheduled") == 0) {
		put_due(out, record);
		put_last_attempt(out, record);
	} else if (strcmp(name, "blocked") == 0) {
		if (!put_member(out, record, "  waits for ", "waiting_for", CELL_TASKS))
			put_member(out, record, "  waits for ", "waits_for", CELL_OBJECT);
	} else if (strcmp(name, "queued") == 0) {
		put_member(out, record, "  ", "queue", CELL_TEXT);
	} else if (strcmp(name, "running") == 0) {
		put_member(out, record, "  worker ", "worker.pid", CELL_TEXT);
		if (json_integer_value(json_object_get(record, "attempt")) > 1)
			put_member(out, record, ", attempt ", "attempt", CELL_TEXT);
	} else if (strcmp(name, "progress") == 0) {
		put_member(out, record, "  ", "progress.fraction", CELL_FRACTION);
		put_member(out, record, "  ", "progress.text", CELL_TEXT);
	} else if (strcmp(name, "succeeded") == 0) {
		put_member(out, record, "  ran ", "started_at", CELL_ELAPSED);
	} else {
		put_member(out, record, "  ", "error.message", CELL_TEXT);
	}
}

static char *line_of(const struct taskctl *ctl, const json_t *record, const char *name, const char *at)
{
	struct field id = { .path = "id", .cell = CELL_TEXT }, task = { .path = "task", .cell = CELL_TEXT };
	struct field state = { .path = "state", .cell = CELL_STATE };
	char *id_text = cell_text(&id, record), *task_text = cell_text(&task, record);
	const char *color = ctl->color_stdout ? cell_color(&state, record) : NULL;
	struct strbuf out = STRBUF_INIT;

	put_time(&out, at);
	strbuf_printf(&out, "  %6s  %-12s  %s%-10s%s", id_text ? id_text : "-", task_text ? task_text : "-",
		color ? color : "", name, color ? "\033[0m" : "");
	put_detail(&out, record, name);
	free(id_text);
	free(task_text);
	/* What stands in a column is padded; at the line's end that is nothing. */
	while (out.length > 0 && out.data[out.length - 1] == ' ')
		out.data[--out.length] = '\0';
	return must(strbuf_take(&out, NULL));
}

static void print_event(struct printing *p, json_t *record, const char *name, const char *at)
{
	const struct writer *writer = p->ctl->writer;
	const char *id = json_string_value(json_object_get(record, "id"));
	char *line = line_of(p->ctl, record, name, at);
	json_t *value = must(json_pack("{s:s,s:s,s:O}", "event", name, "at", at, "task", record));

	writer->ops->sentence(writer, value, line);
	if (p->seen && id)
		json_object_set_new(p->seen, id, json_true());
	json_decref(value);
	free(line);
}

/* --- what the daemon says --- */

/* Of named tasks it is asked how they stand now; of others nobody knows what has happened. */
static void came_back(struct printing *p)
{
	p->was_away = true;
	if (!p->ids)
		report_warning(p->ctl, "missed", "the connection was lost: what happened before it was back is left out");
}

static void event_came(void *user, const struct taskd_event *event)
{
	struct printing *p = user;
	json_t *record;

	switch (event->kind) {
	case TASKD_EVENT_BEGIN:
		return;
	case TASKD_EVENT_TASK:
		record = json_loadb(event->record, event->length, 0, NULL);
		if (record)
			print_event(p, record, event->name, event->at);
		json_decref(record);
		return;
	case TASKD_EVENT_MISSED:
		if (event->missed == 0)
			came_back(p);
		else
			report_warning(p->ctl, "missed", "%llu event%s missed: they came faster than they were read",
			(unsigned long long)event->missed, event->missed == 1 ? " was" : "s were");
		return;
	case TASKD_EVENT_END:
		/* The wait for them tells that, too, and whether it is since the daemon is another one. */
		if (p->ids && (event->failure->error == TASKD_E_NOT_FOUND || event->failure->error == TASKD_E_FORGOTTEN))
			return;
		p->over = true;
		p->status = report_failure_of_some(p->ctl, event->failure);
		return;
	}
}

/* How a named task stood when the watch began, unless something has been told of it since. */
static void state_came(struct taskd_future *f, void *user)
{
	static const char *const times[] = { "ended_at", "started_at", "submitted_at" };
	struct printing *p = user;
	const char *text = taskd_future_result(f, NULL), *at = NULL;
	json_t *record = text ? json_loads(text, 0, NULL) : NULL;
	const char *id = json_string_value(json_object_get(record, "id"));
	const char *state = json_string_value(json_object_get(record, "state"));

	for (size_t i = 0; i < sizeof times / sizeof *times && !at; i++)
		at = json_string_value(json_object_get(record, times[i]));
	if (id && state && at && !json_object_get(p->seen, id))
		print_event(p, record, state, at);
	json_decref(record);
}

/* --- tasks that are named --- */

static struct taskd_future *ask(struct printing *p, enum method method, json_t *params)
{
	char *text = must(json_dumps(params, JSON_COMPACT));
	struct taskd_future *f = taskd_request(p->ctl->connection, method_info(method)->name, text);

	json_decref(params);
	free(text);
	if (!f)
		p->status = report_last(p->ctl);
	return f;
}

/* How each stands, and the answer to when all have ended; one that is not there is told by that. */
static int ask_for_ids(struct printing *p)
{
	p->n_states = json_array_size(p->ids);
	p->states = must(calloc(p->n_states, sizeof *p->states));
	p->seen = must(json_object());
	for (size_t i = 0; i < p->n_states; i++) {
		p->states[i] = ask(p, METHOD_TASK_STATUS, must(json_pack("{s:O}", "id", json_array_get(p->ids, i))));
		if (!p->states[i])
			return p->status;
		taskd_add_done_callback(p->states[i], state_came, p);
	}
	p->wait = ask(p, METHOD_TASK_WAIT, must(json_pack("{s:O}", "ids", p->ids)));
	return p->wait ? EXIT_FINE : p->status;
}

static void forget_ids(struct printing *p)
{
	for (size_t i = 0; i < p->n_states; i++)
		taskd_future_free(p->states[i]);
	free(p->states);
	taskd_future_free(p->wait);
	json_decref(p->seen);
	p->states = NULL;
	p->n_states = 0;
	p->wait = NULL;
	p->seen = NULL;
}

/* The answer to a question has behind it all that the daemon had to say before. */
static int hear_the_rest(struct printing *p)
{
	struct taskd_future *f = ask(p, METHOD_SERVER_PING, must(json_object()));

	if (!f)
		return p->status;
	taskd_result(f, TASKD_FOREVER);
	taskd_future_free(f);
	return EXIT_FINE;
}

/* --- all --- */

char *events_params(const json_t *ids, const struct filter *filter, bool progress)
{
	json_t *params = must(json_object());
	char *text;

	if (ids)
		json_object_set_new(params, "ids", must(json_deep_copy(ids)));
	filter_put(filter, params);
	if (progress)
		json_object_set_new(params, "progress", json_true());
	text = must(json_dumps(params, JSON_COMPACT));
	json_decref(params);
	return text;
}

/* All of them were asked for from a daemon that is gone. */
static bool ask_again(struct printing *p)
{
	if (!p->ids || !(p->was_away || (taskd_done(p->wait) && again_after(p->ctl, taskd_exception(p->wait)))))
		return false;
	p->was_away = false;
	forget_ids(p);
	p->status = again_has_ids(p->ctl);
	p->over = p->status != EXIT_FINE || ask_for_ids(p) != EXIT_FINE;
	return true;
}

static void go_on(struct printing *p, int interrupt)
{
	while (!p->over) {
		if (ask_again(p))
			continue;
		if (p->wait && taskd_done(p->wait))
			break;
		if (taskctl_turn(p->ctl, interrupt, -1) == TURN_INTERRUPTED) {
			interrupt_newline(p->ctl);
			return;
		}
	}
	if (p->over || !p->wait)
		return;
	if (taskd_exception(p->wait))
		p->status = report_failure_of_some(p->ctl, taskd_exception(p->wait));
	else
		hear_the_rest(p);
}

int events_print(struct taskctl *ctl, const json_t *ids, const struct filter *filter, bool progress)
{
	struct printing p = { .ctl = ctl, .ids = ids };
	int interrupt = interrupt_noted(), status = taskctl_connect(ctl);
	struct taskd_watch *watch;
	char *params;

	if (status != EXIT_FINE)
		return status;
	if (ids)
		again_knows_ids(ctl);
	params = events_params(ids, filter, progress);
	watch = taskd_watch(ctl->connection, params, event_came, &p);
	free(params);
	if (!watch)
		return report_last(ctl);
	if (!ids || ask_for_ids(&p) == EXIT_FINE)
		go_on(&p, interrupt);
	taskd_unwatch(watch);
	forget_ids(&p);
	return p.status;
}
