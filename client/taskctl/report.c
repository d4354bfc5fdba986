/* Errors: "error: …" and "hint: …" for people, one JSON value for programs, both on stderr; and the exit statuses,
 * which come from the daemon's table of errors wherever it knows the error. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskctl/progress.h"
#include "client/taskctl/report_hint.h"
#include "client/taskctl/taskctl.h"
#include "proto/errors.h"
#include "proto/strbuf.h"

/* What is told about an error; members that are not known are NULL. */
struct told {
	const char *kind;
	const char *what;
	const char *message;
	const char *hint;
	const char *data; /* JSON text */
	const int *code;
	const size_t *index;
};

/* In one piece, whoever else writes there: what a script has put into the background has one stderr. After the results
 * that came before. */
static void say(struct strbuf *out)
{
	must(strbuf_failed(out) ? NULL : out);
	fflush(stdout);
	progress_clear();
	fwrite(out->data, 1, out->length, stderr);
	strbuf_free(out);
}

static void tell_json(const struct told *told, struct strbuf *out)
{
	json_t *error = json_object();
	json_t *all;
	char *text;

	json_object_set_new(error, "kind", json_string(told->kind));
	if (told->code)
		json_object_set_new(error, "code", json_integer(*told->code));
	/* A message from elsewhere may be no UTF-8; then there is none, and the kind has to do. */
	json_object_set_new(error, "message", json_string(told->message));
	if (told->what)
		json_object_set_new(error, "what", json_string(told->what));
	if (told->index)
		json_object_set_new(error, "index", json_integer((json_int_t)*told->index));
	if (told->hint)
		json_object_set_new(error, "hint", json_string(told->hint));
	if (told->data)
		json_object_set_new(error, "data", json_loads(told->data, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
	all = json_object();
	json_object_set_new(all, "error", error);
	text = must(json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(15))); /* 0.1 is written so again */
	strbuf_printf(out, "%s\n", text);
	free(text);
	json_decref(all);
}

/* What others wrote must not steer the terminal. */
static void put_tamed(struct strbuf *out, const char *text)
{
	size_t start = out->length;

	strbuf_printf(out, "%s\n", text);
	for (size_t i = start; i < out->length; i++) {
		unsigned char c = (unsigned char)out->data[i];

		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
			out->data[i] = '?';
	}
}

static void tell_people(const struct taskctl *ctl, const struct told *told, struct strbuf *out)
{
	strbuf_puts(out, ctl->color_stderr ? "\033[1;31merror:\033[0m " : "error: ");
	/* Some messages name the task themselves. */
	if (told->what && strncmp(told->message, told->what, strlen(told->what)) != 0)
		strbuf_printf(out, "%s: ", told->what);
	put_tamed(out, told->message);
	if (!told->hint || ctl->quiet)
		return;
	strbuf_puts(out, ctl->color_stderr ? "\033[1mhint:\033[0m " : "hint: ");
	put_tamed(out, told->hint);
}

static void tell(const struct taskctl *ctl, const struct told *told)
{
	struct strbuf out = STRBUF_INIT;

	if (ctl->json)
		tell_json(told, &out);
	else
		tell_people(ctl, told, &out);
	say(&out);
}

static int report_v(const struct taskctl *ctl, enum exit_status status, struct told told, const char *format, va_list args)
	__attribute__((format(printf, 4, 0)));
static int report_v(const struct taskctl *ctl, enum exit_status status, struct told told, const char *format, va_list args)
{
	char *message;

	if (vasprintf(&message, format, args) < 0)
		message = must(NULL);
	told.message = message;
	tell(ctl, &told);
	free(message);
	return (int)status;
}

int report(const struct taskctl *ctl, enum exit_status status, const char *kind, const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_v(ctl, status, (struct told){ .kind = kind, .hint = hint }, format, args);
	va_end(args);
	return (int)status;
}

int report_usage(const struct taskctl *ctl, const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_v(ctl, EXIT_USAGE, (struct told){ .kind = "usage", .hint = hint }, format, args);
	va_end(args);
	return EXIT_USAGE;
}

void report_note(const struct taskctl *ctl, const char *format, ...)
{
	struct strbuf out = STRBUF_INIT;
	va_list args;
	char *text;

	if (ctl->quiet || ctl->json)
		return;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = must(NULL);
	va_end(args);
	strbuf_printf(&out, "%s\n", text);
	free(text);
	say(&out);
}

void report_warning(const struct taskctl *ctl, const char *kind, const char *format, ...)
{
	struct strbuf out = STRBUF_INIT;
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = must(NULL);
	va_end(args);
	if (ctl->json) {
		json_t *value = must(json_pack("{s:{s:s,s:s}}", "warning", "kind", kind, "message", text));
		char *json = must(json_dumps(value, JSON_COMPACT));

		strbuf_printf(&out, "%s\n", json);
		free(json);
		json_decref(value);
	} else {
		strbuf_printf(&out, "%swarning:%s %s\n", ctl->color_stderr ? "\033[1;33m" : "",
			ctl->color_stderr ? "\033[0m" : "", text);
	}
	free(text);
	say(&out);
}

/* What the library found itself has no kind of the wire's; this is the name that the JSON has for it. */
static const char *library_kind(enum taskd_error error)
{
	switch (error) {
	case TASKD_OK: return "ok";
	case TASKD_E_TIMEOUT: return "wait_timed_out";
	case TASKD_E_FAILED: return "failed";
	case TASKD_E_CRASHED: return "crashed";
	case TASKD_E_TIMED_OUT: return "timed_out";
	case TASKD_E_CANCELLED: return "cancelled";
	case TASKD_E_EXPIRED: return "expired";
	case TASKD_E_UNKNOWN_TASK: return "unknown_task";
	case TASKD_E_NOT_FOUND: return "not_found";
	case TASKD_E_FORGOTTEN: return "forgotten";
	case TASKD_E_QUEUE_FULL: return "queue_full";
	case TASKD_E_TOO_LARGE: return "too_large";
	case TASKD_E_DENIED: return "denied";
	case TASKD_E_UNAVAILABLE: return "unavailable";
	case TASKD_E_INVALID: return "invalid_params";
	case TASKD_E_CONNECT: return "cannot_connect";
	case TASKD_E_DISCONNECTED: return "disconnected";
	case TASKD_E_PROTOCOL: return "protocol";
	case TASKD_E_MEMORY: return "memory";
	case TASKD_E_SYSTEM: return "system";
	case TASKD_E_DUPLICATE: return "duplicate";
	case TASKD_E_DEPENDENCY_FAILED: return "dependency_failed";
	case TASKD_E_DEPENDENCY_CYCLE: return "dependency_cycle";
	case TASKD_E_QUEUE_DRAINING: return "queue_draining";
	case TASKD_E_QUEUE_BUSY: return "queue_busy";
	case TASKD_E_NOT_OVER: return "not_over";
	case TASKD_E_NOT_FAILED: return "not_failed";
	case TASKD_E_EXISTS: return "exists";
	case TASKD_E_DEADLOCK: return "deadlock";
	case TASKD_E_NOT_STARTED: return "not_started";
	case TASKD_E_NOT_RUNNING: return "not_running";
	case TASKD_E_INPUT_CLOSED: return "input_closed";
	case TASKD_E_NOT_HELD: return "not_held";
	case TASKD_E_NOT_OWNER: return "not_owner";
	case TASKD_E_OVER_RELEASED: return "over_released";
	case TASKD_E_BARRIER_BROKEN: return "barrier_broken";
	case TASKD_E_MISMATCH: return "mismatch";
	case TASKD_E_STORE_FULL: return "store_full";
	case TASKD_E_STORE_FAILED: return "store_failed";
	case TASKD_E_NOT_DURABLE: return "not_durable";
	case TASKD_E_OVER_SHARE: return "over_share";
	case TASKD_E_OTHER: return "other";
	}
	return "other";
}

int exit_status_of(enum taskd_error error)
{
	int known;

	switch (error) {
	case TASKD_OK:
		return EXIT_FINE;
	case TASKD_E_TIMEOUT:
	case TASKD_E_FAILED:
	case TASKD_E_CRASHED:
	case TASKD_E_TIMED_OUT:
	case TASKD_E_CANCELLED:
	case TASKD_E_EXPIRED:
	case TASKD_E_UNKNOWN_TASK:
	case TASKD_E_NOT_FOUND:
	case TASKD_E_FORGOTTEN:
	case TASKD_E_QUEUE_FULL:
	case TASKD_E_TOO_LARGE:
	case TASKD_E_DENIED:
	case TASKD_E_UNAVAILABLE:
	case TASKD_E_INVALID:
	case TASKD_E_DUPLICATE:
	case TASKD_E_DEPENDENCY_FAILED:
	case TASKD_E_DEPENDENCY_CYCLE:
	case TASKD_E_QUEUE_DRAINING:
	case TASKD_E_QUEUE_BUSY:
	case TASKD_E_NOT_OVER:
	case TASKD_E_NOT_FAILED:
	case TASKD_E_EXISTS:
	case TASKD_E_DEADLOCK:
	case TASKD_E_NOT_STARTED:
	case TASKD_E_NOT_RUNNING:
	case TASKD_E_INPUT_CLOSED:
	case TASKD_E_NOT_HELD:
	case TASKD_E_NOT_OWNER:
	case TASKD_E_OVER_RELEASED:
	case TASKD_E_BARRIER_BROKEN:
	case TASKD_E_MISMATCH:
	case TASKD_E_STORE_FULL:
	case TASKD_E_STORE_FAILED:
	case TASKD_E_NOT_DURABLE:
	case TASKD_E_OVER_SHARE:
		known = proto_error_of_kind(library_kind(error));
		return known < 0 ? EXIT_FAILED : proto_error_info((enum proto_error)known)->exit_status;
	case TASKD_E_CONNECT:
	case TASKD_E_DISCONNECTED:
	case TASKD_E_PROTOCOL:
		return EXIT_UNREACHABLE;
	case TASKD_E_MEMORY:
	case TASKD_E_SYSTEM:
	case TASKD_E_OTHER:
		return EXIT_FAILED;
	}
	return EXIT_FAILED;
}

static int failure_status(const struct taskd_failure *failure)
{
	int known = failure->kind && failure->kind[0] ? proto_error_of_kind(failure->kind) : -1;

	return known < 0 ? exit_status_of(failure->error) : proto_error_info((enum proto_error)known)->exit_status;
}

static int report_failure_of(const struct taskctl *ctl, const char *what, const size_t *index,
	const struct taskd_failure *failure)
{
	struct told told = {
		.kind = failure->kind && failure->kind[0] ? failure->kind : library_kind(failure->error),
		.what = what,
		.message = failure->message,
		.hint = failure->hint,
		.data = failure->data,
		.code = failure->code ? &failure->code : NULL,
		.index = index,
	};
	char *hint = ctl->json ? NULL : hint_of_failure(ctl, failure);

	if (hint)
		told.hint = hint;
	tell(ctl, &told);
	free(hint);
	return failure_status(failure);
}

int report_failure(const struct taskctl *ctl, const char *what, const struct taskd_failure *failure)
{
	return report_failure_of(ctl, what, NULL, failure);
}

int report_failure_of_some(const struct taskctl *ctl, const struct taskd_failure *failure)
{
	bool unfound = failure->error == TASKD_E_NOT_FOUND || failure->error == TASKD_E_FORGOTTEN;
	json_t *data = unfound && failure->data ? json_loads(failure->data, 0, NULL) : NULL;
	const char *id = json_string_value(json_object_get(data, "id"));
	char what[48];
	int status;

	if (id)
		snprintf(what, sizeof what, "task %s", id);
	status = report_failure_of(ctl, id ? what : NULL, NULL, failure);
	json_decref(data);
	return status;
}

int report_item(const struct taskctl *ctl, size_t index, const struct taskd_failure *failure)
{
	char what[48];

	snprintf(what, sizeof what, "item %zu", index + 1);
	return report_failure_of(ctl, ctl->json ? NULL : what, &index, failure);
}

int report_library(const struct taskctl *ctl, enum taskd_error error, const char *text)
{
	struct told told = {
		.kind = library_kind(error),
		.message = text ? text : taskd_strerror(error),
	};
	int status = exit_status_of(error);

	if (error == TASKD_E_CONNECT && access(ctl->socket, W_OK) < 0 && errno == EACCES) {
		told.kind = proto_error_info(PROTO_DENIED)->kind;
		told.hint = "the socket's group may: ls -l shows it, \"adduser USER GROUP\" adds to it; "
			    "-s or TASKD_SOCKET name another socket";
		status = EXIT_DENIED;
	} else if (error == TASKD_E_CONNECT) {
		told.hint = "start taskd with \"systemctl start taskd\", or one of your own with \"taskd\"; "
			    "-s or TASKD_SOCKET name another socket";
	}
	tell(ctl, &told);
	return status == EXIT_FINE ? EXIT_FAILED : status;
}

int report_last(const struct taskctl *ctl)
{
	const char *text;
	enum taskd_error error = taskd_last_error(&text);

	return report_library(ctl, error, text);
}
