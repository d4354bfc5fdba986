/* submit --batch: tasks from a file of JSON, which goes to the daemon to the letter; here it is only seen that it is
 * JSON, so that an error has its place in the file. */
#include "client/taskctl/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/again.h"
#include "client/taskctl/results.h"
#include "client/taskctl/submission.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/json_scan.h"
#include "proto/strbuf.h"

static char *read_file(const struct taskctl *ctl, const char *path, const char *name, size_t *length)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = in ? stream_read(in, length) : NULL;

	if (!text)
		report(ctl, EXIT_FAILED, "system", NULL, "cannot read %s: %s", name, strerror(errno));
	if (in && in != stdin)
		fclose(in);
	return text;
}

/* The array in TEXT, or that of the member "tasks"; kind JSON_NONE: reported. */
static struct json_span find_tasks(const struct taskctl *ctl, const char *name, const char *text, size_t length)
{
	static const struct json_span none;
	struct json_span value, key, member;
	struct json_error error;
	size_t cursor = 0, line = 1;

	if (json_scan(text, length, &value, NULL, &error) < 0) {
		for (size_t i = 0; i < error.offset && i < length; i++)
			line += text[i] == '\n';
		report_usage(ctl, NULL, "%s:%zu: no JSON: %s", name, line, error.reason);
		return none;
	}
	if (value.kind == JSON_SPAN_ARRAY)
		return value;
	if (value.kind == JSON_SPAN_OBJECT)
		while (json_next(&value, &cursor, &key, &member))
			if (json_string_is(&key, "tasks") && member.kind == JSON_SPAN_ARRAY)
				return member;
	report_usage(ctl, "[{\"label\":\"a\",\"task\":\"fib\",\"args\":[30]}, {\"task\":\"echo\",\"after\":\"a\"}]",
		"%s: it has to be an array of tasks", name);
	return none;
}

/* --- sent again where the connection is lost --- */

enum batch_key { NO_KEY, REPEATABLE_KEY, OTHER_KEY };

static enum batch_key key_of(const struct json_span *task)
{
	struct json_span name, value;
	size_t cursor = 0;
	bool key = false, repeatable = false;

	while (json_next(task, &cursor, &name, &value)) {
		if (json_string_is(&name, "key"))
			key = true;
		else if (json_string_is(&name, "key_mode"))
			repeatable = json_string_is(&value, submission_key_modes[SUBMISSION_ATTACH - 1]) ||
				     json_string_is(&value, submission_key_modes[SUBMISSION_ONCE - 1]);
	}
	return !key ? NO_KEY : repeatable ? REPEATABLE_KEY : OTHER_KEY;
}

/* A task as it is; one without a key gets one that is the batch's and its place's in it. */
static void put_task(struct strbuf *out, const struct json_span *task, const char *key, size_t place)
{
	const char *rest = task->text + 1;

	if (!key || task->kind != JSON_SPAN_OBJECT || key_of(task) != NO_KEY) {
		strbuf_add(out, task->text, task->length);
		return;
	}
	strbuf_printf(out, "{\"key\":\"%s-%zu\",\"key_mode\":\"%s\"", key, place,
		submission_key_modes[SUBMISSION_ONCE - 1]);
	while (*rest == ' ' || *rest == '\t' || *rest == '\n' || *rest == '\r')
		rest++;
	strbuf_puts(out, *rest == '}' ? "" : ",");
	strbuf_add(out, rest, (size_t)(task->text + task->length - rest));
}

/* Whether all of them could be submitted again. */
static bool are_repeatable(const struct json_span *tasks)
{
	struct json_span task;
	size_t cursor = 0;

	while (json_next(tasks, &cursor, NULL, &task))
		if (task.kind == JSON_SPAN_OBJECT && key_of(&task) == OTHER_KEY)
			return false;
	return true;
}

/* The request; malloc'ed. KEY: NULL, or what those without one are known by. */
static char *make_request(const struct json_span *tasks, const char *key)
{
	struct strbuf out = STRBUF_INIT;
	struct json_span task;
	size_t cursor = 0;

	strbuf_puts(&out, "{\"tasks\":[");
	for (size_t i = 0; json_next(tasks, &cursor, NULL, &task); i++) {
		strbuf_puts(&out, i > 0 ? "," : "");
		put_task(&out, &task, key, i);
	}
	strbuf_puts(&out, "]}");
	return must(strbuf_take(&out, NULL));
}

/* --- all --- */

static int print_ids(struct taskctl *ctl, const json_t *answer, bool wait)
{
	const json_t *tasks = json_object_get(answer, "tasks");
	size_t n = json_array_size(tasks);
	char **ids = must(calloc(n + 1, sizeof *ids));
	int status = EXIT_FINE;

	for (size_t i = 0; i < n; i++)
		ids[i] = must(strdup(json_string_value(json_object_get(json_array_get(tasks, i), "id"))));
	if (wait) {
		interrupt_says_how_to_return(ctl, "result", ids, (int)n);
		status = results_wait(ctl, ids, (int)n, 0);
	} else if (ctl->json) {
		ctl->writer->ops->sentence(ctl->writer, answer, "");
	} else {
		for (size_t i = 0; i < n; i++)
			puts(ids[i]);
	}
	for (size_t i = 0; i < n; i++)
		free(ids[i]);
	free(ids);
	return status;
}

/* That a task with a key of ours was there already is the work of our first attempt. */
static void hide_own_keys(const struct json_span *tasks, const json_t *answer)
{
	struct json_span task;
	size_t cursor = 0;

	for (size_t i = 0; json_next(tasks, &cursor, NULL, &task); i++)
		if (task.kind == JSON_SPAN_OBJECT && key_of(&task) == NO_KEY)
			json_object_del(json_array_get(json_object_get(answer, "tasks"), i), "duplicate");
}

static int submit(struct taskctl *ctl, const char *name, const struct json_span *tasks, json_t **answer)
{
	char *request, key[AGAIN_KEY_ROOM];
	int status = taskctl_connect(ctl);

	if (status != EXIT_FINE)
		return status;
	/* The wait for the results, if there is one, goes on over a restart in any case. */
	ctl->reconnects = ctl->reconnect_ns > 0 && are_repeatable(tasks);
	if (ctl->reconnects)
		again_make_key(key);
	request = make_request(tasks, ctl->reconnects ? key : NULL);
	status = taskctl_request_text(ctl, METHOD_TASK_SUBMIT_BATCH, request, name, answer);
	free(request);
	if (status == EXIT_FINE && ctl->reconnects)
		hide_own_keys(tasks, *answer);
	return status;
}

int batch_submit(struct taskctl *ctl, const char *path, bool wait)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	struct json_span tasks;
	json_t *answer;
	size_t length = 0;
	char *text = read_file(ctl, path, name, &length);
	int status = EXIT_USAGE;

	if (!text)
		return EXIT_FAILED;
	tasks = find_tasks(ctl, name, text, length);
	if (tasks.kind != JSON_NONE)
		status = submit(ctl, name, &tasks, &answer);
	free(text);
	if (status != EXIT_FINE)
		return status;
	status = print_ids(ctl, answer, wait);
	json_decref(answer);
	return status;
}
