/* The end of a command, told as a shell would have it: by the exit status, and by a line only where that does not say
 * all. */
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "client/taskctl/run.h"
#include "client/taskctl/run_signals.h"
#include "client/taskctl/taskctl.h"
#include "client/taskd.h"
#include "proto/json_scan.h"

int run_trouble(int status)
{
	return status == EXIT_FINE ? EXIT_FINE : RUN_EXIT_TROUBLE;
}

bool run_result_of(const struct taskd_failure *failure, struct json_span *result)
{
	struct json_span data, name;
	struct json_error error;
	size_t cursor = 0;

	if (!failure || !failure->data || json_scan(failure->data, strlen(failure->data), &data, NULL, &error) < 0 ||
		data.kind != JSON_SPAN_OBJECT)
		return false;
	while (json_next(&data, &cursor, &name, result))
		if (json_string_is(&name, "result") && result->kind == JSON_SPAN_OBJECT)
			return true;
	return false;
}

static bool data_says(const struct taskd_failure *failure, const char *name, const char *value)
{
	json_t *data = failure->data ? json_loads(failure->data, 0, NULL) : NULL;
	const char *text = json_string_value(json_object_get(data, name));
	bool same = text && strcmp(text, value) == 0;

	json_decref(data);
	return same;
}

/* What can be done about a command that could not be started; NULL: nobody knows. */
static const char *hint_of_start(const struct taskd_failure *failure)
{
	if (data_says(failure, "step", "execute") && data_says(failure, "errno", "ENOENT"))
		return "a name without a folder is looked for in PATH, which is the one here unless --env or --clean-env "
		       "says otherwise; --shell runs a shell's line";
	if (data_says(failure, "step", "become the user"))
		return data_says(failure, "errno", "ENOENT")
			       ? "a queue with as_submitter runs commands of users that are in /etc/passwd where the daemon is"
			       : "a pool with an as_submitter queue runs what is in its other queues as the user that its "
				 "section in taskd.conf names";
	if (data_says(failure, "errno", "ENOENT"))
		return "names are as the daemon sees them, which may have another root or /tmp";
	if (data_says(failure, "errno", "EACCES"))
		return "the daemon's user needs the right to: ls -l shows who has it";
	if (data_says(failure, "errno", "ENOEXEC"))
		return "a script begins with a line such as #!/bin/sh";
	return NULL;
}

int run_report(const struct taskctl *ctl, const char *what, const struct taskd_failure *failure)
{
	struct taskd_failure hinted = *failure;

	if (failure->error == TASKD_E_NOT_STARTED && !failure->hint)
		hinted.hint = hint_of_start(failure);
	return report_failure(ctl, what, &hinted);
}

static bool is_expected(const struct taskd_ran *ran, uint64_t passed)
{
	/* Shells say nothing of these either. */
	if (ran->signal == SIGINT || ran->signal == SIGPIPE)
		return true;
	return !ran->oom_killed && (passed >> ran->signal & 1);
}

int run_ending(struct taskctl *ctl, struct taskd_future *f, uint64_t passed, int *signal_number)
{
	const struct taskd_failure *failure = taskd_exception(f);
	struct taskd_ran ran;
	int status;

	*signal_number = 0;
	if (taskd_ran(f, &ran) != TASKD_OK) {
		if (!failure)
			return run_trouble(report_last(ctl));
		status = run_report(ctl, NULL, failure);
		return failure->error == TASKD_E_TIMED_OUT ? EXIT_TIME : run_trouble(status);
	}
	status = ran.signal ? RUN_EXIT_SIGNAL + ran.signal : ran.status;
	if (failure && failure->error == TASKD_E_TIMED_OUT) {
		report_failure(ctl, NULL, failure);
		status = EXIT_TIME;
	} else if (failure && (failure->error == TASKD_E_CANCELLED || (ran.signal && !is_expected(&ran, passed)))) {
		report_failure(ctl, NULL, failure);
	}
	if (ran.signal && ran.signal < 64 && (passed >> ran.signal & 1))
		*signal_number = ran.signal;
	taskd_ran_free(&ran);
	return status;
}
