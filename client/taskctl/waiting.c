/* wait --progress: a bar for each task that runs, as far as it tells, and one for all. What they are is asked once; what
 * changes then is told by a watch, and the lines are drawn a few times a second. */
#include "client/taskctl/waiting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/taskctl/progress.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/strbuf.h"
#include "proto/units.h"

#define LINES 8           /* of single tasks */
#define DRAW_EVERY_MS 100 /* while something changes */
#define DRAW_AT_LEAST_MS 1000

struct waiting {
	json_t *tasks; /* records by their ids, in the order of submission */
	size_t ended, failed;
	double done; /* the sum of what of each is done */
	int64_t begun_ns;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * TASKD_SECOND + ts.tv_nsec;
}

static bool has_ended(const json_t *record)
{
	return json_object_get(record, "ended_at") != NULL;
}

static bool has_failed(const json_t *record)
{
	const char *state = json_string_value(json_object_get(record, "state"));

	return has_ended(record) && !(state && strcmp(state, "succeeded") == 0);
}

static double part_done(const json_t *record)
{
	double fraction = json_number_value(json_object_get(json_object_get(record, "progress"), "fraction"));

	return has_ended(record) ? 1 : fraction > 0 ? fraction : 0;
}

/* Counts a record, or with SIGN -1 counts it out again. */
static void count(struct waiting *w, const json_t *record, int sign)
{
	w->ended += (size_t)(sign * has_ended(record));
	w->failed += (size_t)(sign * has_failed(record));
	w->done += sign * part_done(record);
}

static void event_came(void *user, const struct taskd_event *event)
{
	struct waiting *w = user;
	const json_t *before = event->kind == TASKD_EVENT_TASK ? json_object_get(w->tasks, event->id) : NULL;
	json_t *record;

	/* One that came later is not waited for. */
	if (!before)
		return;
	record = json_loadb(event->record, event->length, 0, NULL);
	if (!record)
		return;
	count(w, before, -1);
	count(w, record, 1);
	json_object_set_new(w->tasks, event->id, record);
}

/* --- the lines --- */

static char *task_line(const json_t *record)
{
	struct field id = { .path = "id" }, task = { .path = "task" }, state = { .path = "state" };
	struct field doing = { .path = "progress.text" }, ran = { .path = "started_at", .cell = CELL_ELAPSED };
	char *id_text = cell_text(&id, record), *task_text = cell_text(&task, record),
	     *state_text = cell_text(&state, record);
	char *doing_text = cell_text(&doing, record), *ran_text = cell_text(&ran, record), bar[PROGRESS_BAR_SIZE],
	     *line;

	progress_bar(part_done(record), bar);
	if (asprintf(&line, "%6s %-12s %s %s%s%s", id_text ? id_text : "", task_text ? task_text : "", bar,
		    ran_text ? ran_text : state_text, doing_text ? "  " : "", doing_text ? doing_text : "") < 0)
		line = must(NULL);
	free(id_text);
	free(task_text);
	free(state_text);
	free(doing_text);
	free(ran_text);
	return line;
}

static char *sum_line(const struct waiting *w)
{
	size_t n = json_object_size(w->tasks);
	char bar[PROGRESS_BAR_SIZE], elapsed[UNITS_TEXT_SIZE], failed[48] = "", *line;

	progress_bar(n > 0 ? w->done / (double)n : 1, bar);
	units_human_duration(now_ns() - w->begun_ns, elapsed);
	if (w->failed > 0)
		snprintf(failed, sizeof failed, ", %zu failed", w->failed);
	if (asprintf(&line, "%19s %s %zu/%zu ended%s, %s", "", bar, w->ended, n, failed, elapsed) < 0)
		line = must(NULL);
	return line;
}

/* One task is a line of its own; of several, those that run have one each, as far as there is room, and all together. */
static void draw(const struct waiting *w)
{
	char *lines[LINES + 1];
	bool single = json_object_size(w->tasks) == 1;
	size_t n = 0;
	const char *id;
	json_t *record;

	json_object_foreach (w->tasks, id, record)
		if (n < LINES && (single || (!has_ended(record) && json_object_get(record, "started_at"))))
			lines[n++] = task_line(record);
	if (!single)
		lines[n++] = sum_line(w);
	progress_show(lines, n);
	for (size_t i = 0; i < n; i++)
		free(lines[i]);
}

/* --- all --- */

static void add_all(struct waiting *w, const json_t *records)
{
	size_t i;
	json_t *record;

	json_array_foreach(records, i, record) {
		const char *id = json_string_value(json_object_get(record, "id"));

		if (!id)
			continue;
		json_object_set(w->tasks, id, record);
		count(w, record, 1);
	}
}

/* What there is now. An error is told by whoever waits, if it is one. */
static void ask_all(struct taskctl *ctl, struct waiting *w, const json_t *which)
{
	json_t *params = must(json_deep_copy(which)), *answer;
	struct taskd_future *f;
	char *text;

	json_object_set_new(params, "timeout", json_integer(0));
	text = must(json_dumps(params, JSON_COMPACT));
	f = taskd_request(ctl->connection, method_info(METHOD_TASK_WAIT)->name, text);
	if (f && taskd_result(f, TASKD_FOREVER) == TASKD_OK) {
		answer = json_loads(taskd_future_result(f, NULL), 0, NULL);
		add_all(w, json_object_get(answer, "done"));
		add_all(w, json_object_get(answer, "not_done"));
		json_decref(answer);
	}
	taskd_future_free(f);
	free(text);
	json_decref(params);
}

static struct taskd_watch *watch_all(struct taskctl *ctl, struct waiting *w, const json_t *which)
{
	json_t *params = must(json_deep_copy(which));
	struct taskd_watch *watch;
	char *text;

	json_object_set_new(params, "progress", json_true());
	text = must(json_dumps(params, JSON_COMPACT));
	watch = taskd_watch(ctl->connection, text, event_came, w);
	free(text);
	json_decref(params);
	return watch;
}

void waiting_show(struct taskctl *ctl, struct taskd_future *f, const json_t *which)
{
	struct waiting w = { .tasks = must(json_object()), .begun_ns = now_ns() };
	struct taskd_watch *watch;
	int64_t drawn_ns = 0;

	progress_begin(0);
	if (progress_is_shown()) {
		watch = watch_all(ctl, &w, which);
		ask_all(ctl, &w, which);
		while (!taskd_done(f)) {
			int64_t now = now_ns();

			if (now - drawn_ns >= DRAW_EVERY_MS * TASKD_MS) {
				draw(&w);
				drawn_ns = now;
			}
			if (taskctl_turn(ctl, -1, DRAW_AT_LEAST_MS) != TURN_WENT)
				continue;
			/* What follows at once is drawn with it. */
			while (!taskd_done(f) && now_ns() - drawn_ns < DRAW_EVERY_MS * TASKD_MS)
				taskctl_turn(ctl, -1, (int)((drawn_ns - now_ns()) / TASKD_MS) + DRAW_EVERY_MS + 1);
		}
		taskd_unwatch(watch);
	}
	progress_end();
	json_decref(w.tasks);
}
