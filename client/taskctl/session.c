/* The daemon, as the commands see it: connect once, ask, wait for an end. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "client/taskctl/again.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

void *must(void *p)
{
	if (!p) {
		fputs("error: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
	return p;
}

int taskctl_connect(struct taskctl *ctl)
{
	if (!ctl->connection)
		ctl->connection = again_connect(ctl);
	return ctl->connection ? EXIT_FINE : report_last(ctl);
}

/* The daemon's own methods answer at once (or by a timeout that the parameters have), so this waits for as long as the
 * connection lives. */
int taskctl_request_text(struct taskctl *ctl, enum method method, const char *params, const char *what, json_t **result)
{
	struct taskd_future *f = NULL;
	struct again again = AGAIN_INIT;
	int status = taskctl_connect(ctl);

	if (status != EXIT_FINE)
		return status;
	do {
		taskd_future_free(f);
		f = taskd_request(ctl->connection, method_info(method)->name, params);
		if (!f)
			return report_last(ctl);
	} while (taskd_result(f, TASKD_FOREVER) != TASKD_OK && again_asks(ctl, &again, f));
	if (taskd_exception(f)) {
		status = report_failure(ctl, what, taskd_future_error(f));
	} else {
		*result = json_loads(taskd_future_result(f, NULL), JSON_DECODE_ANY, NULL);
		if (!*result)
			status = report_library(ctl, TASKD_E_PROTOCOL, NULL);
	}
	taskd_future_free(f);
	return status;
}

int taskctl_request(struct taskctl *ctl, enum method method, json_t *params, json_t **result)
{
	char *text = params ? must(json_dumps(params, JSON_COMPACT)) : NULL;
	int status;

	json_decref(params);
	status = taskctl_request_text(ctl, method, text, NULL, result);
	free(text);
	return status;
}

enum turn taskctl_turn(struct taskctl *ctl, int interrupt, int timeout_ms)
{
	struct pollfd fds[2] = {
		{ .fd = taskd_fd(ctl->connection), .events = POLLIN },
		{ .fd = interrupt, .events = POLLIN }, /* poll leaves out what is negative */
	};
	eventfd_t count;
	int ready;

	if (taskd_dispatch(ctl->connection, 0) != TASKD_E_TIMEOUT)
		return TURN_WENT;
	if (taskd_wants_write(ctl->connection))
		fds[0].events |= POLLOUT;
	ready = poll(fds, 2, timeout_ms);
	if (ready > 0 && fds[1].revents && eventfd_read(interrupt, &count) == 0)
		return TURN_INTERRUPTED;
	/* A signal wakes it, too; its descriptor is readable at the next turn. */
	return ready == 0 ? TURN_TIME : TURN_WENT;
}

/* A command that has failed has mostly said why; where that is not lost, it is told how to see it. */
static char *hint_of_log(const struct taskd_failure *failure)
{
	json_t *data = failure->data ? json_loads(failure->data, 0, NULL) : NULL;
	const json_t *result = json_object_get(data, "result");
	const char *id = json_string_value(json_object_get(data, "id"));
	char *hint = NULL;

	if (id && (json_integer_value(json_object_get(result, "stdout_bytes")) > 0 ||
			  json_integer_value(json_object_get(result, "stderr_bytes")) > 0))
		if (asprintf(&hint, "\"taskctl log %s\" shows what it has written", id) < 0)
			must(NULL);
	json_decref(data);
	return hint;
}

/* It may well go on where we cannot hear of it. */
static char *hint_to_return(const struct taskctl *ctl, const char *id)
{
	char *hint;

	if (asprintf(&hint, "when the daemon is there again, ask for it: taskctl%s%s result %s",
		    ctl->socket_given ? " -s " : "", ctl->socket_given ? ctl->socket : "", id) < 0)
		hint = must(NULL);
	return hint;
}

static int report_end(const struct taskctl *ctl, const char *id, const char *what, const struct taskd_failure *failure)
{
	struct taskd_failure hinted = *failure;
	char *hint = NULL;
	int status;

	if (id && failure->error == TASKD_E_DISCONNECTED)
		hint = hint_to_return(ctl, id);
	else if (!ctl->json && !failure->hint)
		hint = hint_of_log(failure);
	if (hint)
		hinted.hint = hint;
	status = report_failure(ctl, what, &hinted);
	free(hint);
	return status;
}

int taskctl_finish(struct taskctl *ctl, struct taskd_future *f, const char *id, int64_t timeout_ns)
{
	enum taskd_error error = taskd_result(f, timeout_ns);
	char what[64] = "";
	size_t length;
	const char *json;

	if (id)
		snprintf(what, sizeof what, "task %s", id);
	if (error == TASKD_E_TIMEOUT)
		return report(ctl, EXIT_TIME, "wait_timed_out", "it goes on; ask again for its result",
			"%s has not ended yet", id ? what : "the task");
	if (error != TASKD_OK)
		return report_end(ctl, id, id ? what : NULL, taskd_future_error(f));
	json = taskd_future_result(f, &length);
	ctl->writer->ops->value(ctl->writer, json, length);
	return EXIT_FINE;
}
