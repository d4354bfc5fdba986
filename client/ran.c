/* How a command ended, read from its result: which is the task's own where it succeeded, and in the error's data where
 * it did not. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"

static int64_t read_count(const struct json_span *span)
{
	long long value;

	return json_integer(span, &value) ? value : 0;
}

static int64_t read_ns(const struct json_span *span)
{
	double seconds;

	return failure_read_number(span, &seconds) && seconds >= 0 && seconds < 9e9 ? (int64_t)(seconds * 1e9 + 0.5)
										    : 0;
}

static struct timeval read_time(const struct json_span *span)
{
	int64_t ns = read_ns(span);

	return (struct timeval){ .tv_sec = ns / TASKD_SECOND, .tv_usec = ns % TASKD_SECOND / 1000 };
}

static void read_usage(struct rusage *usage, const struct json_span *object)
{
	struct json_span name, value;
	size_t cursor = 0;

	if (object->kind != JSON_SPAN_OBJECT)
		return;
	while (json_next(object, &cursor, &name, &value)) {
		if (json_string_is(&name, "user"))
			usage->ru_utime = read_time(&value);
		else if (json_string_is(&name, "system"))
			usage->ru_stime = read_time(&value);
		else if (json_string_is(&name, "max_rss"))
			usage->ru_maxrss = read_count(&value) / 1024; /* getrusage(2) counts KiB */
		else if (json_string_is(&name, "minor_faults"))
			usage->ru_minflt = read_count(&value);
		else if (json_string_is(&name, "major_faults"))
			usage->ru_majflt = read_count(&value);
		else if (json_string_is(&name, "in_blocks"))
			usage->ru_inblock = read_count(&value);
		else if (json_string_is(&name, "out_blocks"))
			usage->ru_oublock = read_count(&value);
		else if (json_string_is(&name, "voluntary_switches"))
			usage->ru_nvcsw = read_count(&value);
		else if (json_string_is(&name, "involuntary_switches"))
			usage->ru_nivcsw = read_count(&value);
	}
}

static bool is_true(const struct json_span *span)
{
	return span->kind == JSON_SPAN_BOOL && span->text[0] == 't';
}

static int read_signal(const struct json_span *span)
{
	char name[32];
	size_t length;

	if (span->kind != JSON_SPAN_STRING || !json_string_copy(span, name, sizeof(name), &length))
		return 0;
	int number = command_signal(name);
	return number > 0 ? number : 0;
}

struct output {
	struct bytes bytes;
	uint64_t total;
};

/* All but the outputs, which point into RESULT. */
static void read_members(struct taskd_ran *ran, const struct json_span *result, struct output *out, struct output *err)
{
	struct json_span name, value;
	size_t cursor = 0;

	while (json_next(result, &cursor, &name, &value)) {
		bytes_note(&out->bytes, "stdout", &name, &value);
		bytes_note(&err->bytes, "stderr", &name, &value);
		if (json_string_is(&name, "status"))
			ran->status = value.kind == JSON_SPAN_INTEGER ? (int)read_count(&value) : -1;
		else if (json_string_is(&name, "signal"))
			ran->signal = read_signal(&value);
		else if (json_string_is(&name, "core_dumped"))
			ran->core_dumped = is_true(&value);
		else if (json_string_is(&name, "oom_killed"))
			ran->oom_killed = is_true(&value);
		else if (json_string_is(&name, "pid"))
			ran->pid = (int)read_count(&value);
		else if (json_string_is(&name, "duration"))
			ran->duration_ns = read_ns(&value);
		else if (json_string_is(&name, "rusage"))
			read_usage(&ran->usage, &value);
		else if (json_string_is(&name, "stdout_bytes"))
			out->total = (uint64_t)read_count(&value);
		else if (json_string_is(&name, "stderr_bytes"))
			err->total = (uint64_t)read_count(&value);
	}
}

/* Where there is none, as of one that was direct, it is empty. */
static enum taskd_error take_output(const struct output *output, char **text, size_t *length, uint64_t *total)
{
	size_t room = bytes_room(&output->bytes);

	*text = malloc(room > 0 ? room : 1);
	if (!*text)
		return error_set(TASKD_E_MEMORY, NULL);
	**text = '\0';
	if (room > 0 && !bytes_copy(&output->bytes, *text, length))
		return error_set(TASKD_E_PROTOCOL, "the daemon sent nonsense: output that is no base64");
	*total = output->total > *length ? output->total : *length;
	return TASKD_OK;
}

static enum taskd_error read_result(struct taskd_ran *ran, const struct json_span *result)
{
	struct output out = { 0 }, err = { 0 };
	enum taskd_error error;

	ran->status = -1;
	read_members(ran, result, &out, &err);
	if ((error = take_output(&out, &ran->out, &ran->out_length, &ran->out_total)) ||
		(error = take_output(&err, &ran->err, &ran->err_length, &ran->err_total)))
		taskd_ran_free(ran);
	return error;
}

/* A command's result has the command's line. */
static bool is_result(const struct json_span *span)
{
	return span->kind == JSON_SPAN_OBJECT && reply_member(span, "command").kind == JSON_SPAN_STRING &&
		reply_member(span, "status").kind != JSON_NONE;
}

/* Locked; what is done does not change any more. */
static enum taskd_error find_result(const struct taskd_future *f, struct json_span *result)
{
	const char *text = f->error ? f->failure->data : f->text;
	struct json_span data = { 0 };
	struct json_error error;

	if (!f->done)
		return error_set(TASKD_E_TIMEOUT, "the task has not ended yet");
	if (text && json_scan_with(text, strlen(text), JSON_DEPTH_MAX, -1, &data, &(size_t){ 0 }, &error) == 0)
		*result = f->error ? reply_member(&data, "result") : data;
	if (is_result(result))
		return TASKD_OK;
	if (f->error)
		return error_set(f->error, "%s", f->failure->message);
	return error_set(TASKD_E_INVALID, "the task is not a command");
}

enum taskd_error taskd_ran(const struct taskd_future *f, struct taskd_ran *ran)
{
	struct json_span result = { 0 };
	enum taskd_error error;

	*ran = (struct taskd_ran){ .status = -1 };
	if (!f)
		return error_of_null("future");
	if (!connection_usable(f->connection))
		return error_failure()->error;
	connection_lock(f->connection);
	error = find_result(f, &result);
	connection_unlock(f->connection);
	return error ? error : read_result(ran, &result);
}

void taskd_ran_free(struct taskd_ran *ran)
{
	if (!ran)
		return;
	free(ran->out);
	free(ran->err);
	*ran = (struct taskd_ran){ .status = -1 };
}
