/* submit --batch: tasks from a file of JSON, which goes to the daemon to the letter; here it is only seen that it is
 * JSON, so that an error has its place in the file. */
#include "client/taskctl/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/results.h"
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

int batch_submit(struct taskctl *ctl, const char *path, bool wait)
{
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	struct strbuf params = STRBUF_INIT;
	struct json_span tasks;
	json_t *answer;
	size_t length = 0;
	char *text = read_file(ctl, path, name, &length), *request;
	int status;

	if (!text)
		return EXIT_FAILED;
	tasks = find_tasks(ctl, name, text, length);
	if (tasks.kind == JSON_NONE) {
		free(text);
		return EXIT_USAGE;
	}
	strbuf_puts(&params, "{\"tasks\":");
	strbuf_add(&params, tasks.text, tasks.length);
	strbuf_puts(&params, "}");
	request = must(strbuf_take(&params, NULL));
	free(text);
	status = taskctl_request_text(ctl, METHOD_TASK_SUBMIT_BATCH, request, name, &answer);
	free(request);
	if (status != EXIT_FINE)
		return status;
	status = print_ids(ctl, answer, wait);
	json_decref(answer);
	return status;
}
