/* What lock and semaphore do: acquire, run a command, release. It is this process's connection that holds, and
 * nothing that the command could inherit: however we end, it is released, and whatever the command leaves running
 * cannot keep it. Until it is had, signals do what they always do, and the wait ends with us. */
#include "client/taskctl/under.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/taskctl/parties.h"
#include "client/taskctl/run_signals.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/units.h"

#define TELL_AFTER (300 * TASKD_MS) /* shorter waits are not worth a line */
#define HOLDERS_TOLD 3

struct under {
	struct taskctl *ctl;
	const struct under_kind *kind;
	const struct under_values *values;
	const json_t *params;
	const char *name;
};

/* --- what is said about a wait --- */

/* What the daemon's list has of it: the caller's to json_decref; NULL where it has nothing. */
static json_t *look(const struct under *u)
{
	json_t *params = must(json_pack("{s:s}", "name", u->name)), *object;
	char *text = must(json_dumps(params, JSON_COMPACT));
	struct taskd_future *f = taskd_request(u->ctl->connection, method_info(u->kind->list)->name, text);
	json_t *all = NULL;

	if (taskd_result(f, TASKD_SECOND) == TASKD_OK)
		all = json_loads(taskd_future_result(f, NULL), 0, NULL);
	object = json_incref(json_array_get(all, 0));
	taskd_future_free(f);
	free(text);
	json_decref(params);
	json_decref(all);
	return object;
}

/* "held by alice (pid 4711), since 12s ago"; for free(). NULL: nobody knows. */
static char *holders(const json_t *object)
{
	static const struct field since = { .path = "since", .cell = CELL_AGO };
	const json_t *holders = json_object_get(object, "holders");
	struct strbuf out = STRBUF_INIT;
	char *age;

	if (json_array_size(holders) == 0)
		return NULL;
	strbuf_puts(&out, "held by ");
	parties_put_holders(&out, object, HOLDERS_TOLD);
	age = parties_holders(object) == 1 ? cell_text(&since, json_array_get(holders, 0)) : NULL;
	if (age)
		strbuf_printf(&out, ", taken %s", age);
	free(age);
	return must(strbuf_take(&out, NULL));
}

static void tell_wait(const struct under *u)
{
	json_t *object = look(u);
	char *by = holders(object);
	size_t waiting = parties_waiting(object);

	report_note(u->ctl, "waiting for the %s \"%s\"%s%s%s", u->kind->noun, u->name, by ? ", " : "", by ? by : "",
		waiting > 1 ? "; others wait, too" : "");
	free(by);
	json_decref(object);
}

/* The time is over. With --quiet the exit status says it alone, as scripts that try now and then want it. */
static int conflict(const struct under *u)
{
	const struct under_values *v = u->values;
	enum exit_status status = v->conflict_status.given ? (enum exit_status)v->conflict_status.value : EXIT_TIME;
	char text[UNITS_TEXT_SIZE], *by;
	json_t *object;

	if (u->ctl->quiet)
		return (int)status;
	object = look(u);
	by = holders(object);
	units_format_duration(v->timeout_ns.value, text);
	if (v->timeout_ns.value > 0)
		report(u->ctl, status, "wait_timed_out", by, "the %s \"%s\" was not to be had within %s", u->kind->noun,
			u->name, text);
	else
		report(u->ctl, status, "wait_timed_out", by, "the %s \"%s\" is not to be had now", u->kind->noun,
			u->name);
	free(by);
	json_decref(object);
	return (int)status;
}

/* --- acquired --- */

static void put_time_limit(const struct under_values *v, json_t *params)
{
	char text[UNITS_TEXT_SIZE];

	if (!v->timeout_ns.given && !v->no_wait)
		return;
	units_format_duration(v->timeout_ns.value, text);
	json_object_set_new(params, "timeout", must(json_string(text)));
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * TASKD_SECOND + ts.tv_nsec;
}

/* Waits for the answer, telling meanwhile what for. */
static void wait_for(const struct under *u, struct taskd_future *f)
{
	int64_t begun_ns = now_ns();
	char text[UNITS_TEXT_SIZE];

	if (!u->values->verbose || taskd_result(f, TELL_AFTER) != TASKD_E_TIMEOUT) {
		taskd_result(f, TASKD_FOREVER);
		return;
	}
	tell_wait(u);
	if (taskd_result(f, TASKD_FOREVER) != TASKD_OK)
		return;
	units_human_duration(now_ns() - begun_ns, text);
	report_note(u->ctl, "the %s \"%s\" is had, after %s", u->kind->noun, u->name, text);
}

/* *ANSWER is what was granted, the caller's to json_decref; NULL: nothing was, and the exit status, which may be 0
 * (--conflict-status), is returned. */
static int acquire(const struct under *u, json_t **answer)
{
	char *text = must(json_dumps(u->params, JSON_COMPACT)), *what;
	struct taskd_future *f = taskd_request(u->ctl->connection, method_info(u->kind->acquire)->name, text);
	const struct taskd_failure *failure;
	int status = EXIT_FINE;

	free(text);
	if (!f)
		return report_last(u->ctl);
	wait_for(u, f);
	failure = taskd_exception(f);
	if (asprintf(&what, "%s \"%s\"", u->kind->noun, u->name) < 0)
		what = must(NULL);
	if (!failure)
		*answer = must(json_loads(taskd_future_result(f, NULL), JSON_DECODE_ANY, NULL));
	else if (failure->error == TASKD_E_TIMEOUT)
		status = conflict(u);
	else
		status = report_failure(u->ctl, what, failure);
	free(what);
	taskd_future_free(f);
	return status;
}

static void warn_of_death(const struct under *u, const struct under_grant *grant)
{
	if (grant->holder_died)
		report_warning(u->ctl, "holder_died",
			"the last holder of the %s \"%s\" died holding it: what it guards may be half done",
			u->kind->noun, u->name);
}

/* The answer is given to ANSWER, the caller's to json_decref. */
static int release(const struct under *u, json_t **answer)
{
	static const char *const members[] = { "count", "task" };
	json_t *params = must(json_pack("{s:s}", "name", u->name));

	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		json_t *value = json_object_get(u->params, members[i]);

		if (value)
			json_object_set(params, members[i], value);
	}
	return taskctl_request(u->ctl, u->kind->release, params, answer);
}

/* What the command has come to stands, whatever comes of this: so trouble is told, and no more. Where it was lost while
 * the command ran, that has been told. */
static void release_after(const struct under *u)
{
	json_t *answer;

	if (taskd_connection_error(u->ctl->connection) == TASKD_OK && release(u, &answer) == EXIT_FINE)
		json_decref(answer);
}

/* What was killed has not put in order what it was about: so we end as it did, holding, and whoever is next is told. */
static int run_under(const struct under *u, const struct under_grant *grant, char *const *command)
{
	int killed, status = under_command(u->ctl, grant, u->values, command, &killed);

	if (killed)
		run_signals_die(killed);
	release_after(u);
	return status;
}

/* --- the command line --- */

static int check(const struct taskctl *ctl, const struct under *u, bool has_command)
{
	const struct under_values *v = u->values;
	const char *id = getenv("TASKD_TASK_ID");
	char hint[80];

	snprintf(hint, sizeof hint, "usage: taskctl %s [OPTION…] NAME -- COMMAND [ARG…]", u->kind->noun);
	if (!v->task && !has_command)
		return report_usage(ctl, hint, "%s needs a COMMAND to run", u->kind->noun);
	if (v->no_wait && v->timeout_ns.given)
		return report_usage(ctl, NULL, "either --timeout or --no-wait");
	if (v->release && !v->task)
		return report_usage(ctl, "without --task, it is released when COMMAND ends", "--release needs --task");
	if (v->release && (v->no_wait || v->timeout_ns.given))
		return report_usage(ctl, NULL, "--release does not wait: not with --timeout or --no-wait");
	if (!v->task)
		return EXIT_FINE;
	if (has_command || v->kill || v->keep)
		return report_usage(ctl, "without --task, it is held while COMMAND runs",
			"--task does not go with a COMMAND, --kill or --keep");
	if (!id || !id_is_valid(id))
		return report_usage(
			ctl, hint, "--task is for what a task runs, and this is none (TASKD_TASK_ID is not set)");
	return EXIT_FINE;
}

static int take(const struct under *u, char *const *command)
{
	struct under_grant grant = { .noun = u->kind->noun, .name = u->name };
	json_t *answer = NULL;
	int status = taskctl_connect(u->ctl);

	if (status == EXIT_FINE)
		status = acquire(u, &answer);
	if (!answer)
		return status;
	grant.fence = json_integer_value(json_object_get(answer, "fence"));
	grant.holder_died = json_is_true(json_object_get(answer, "holder_died"));
	warn_of_death(u, &grant);
	if (!u->values->task)
		status = run_under(u, &grant, command);
	else
		u->ctl->writer->ops->sentence(u->ctl->writer, answer, "");
	json_decref(answer);
	return status;
}

/* --release: the task itself has done what it held it for, so nobody is to be told that it died. */
static int give_back(const struct under *u)
{
	json_t *answer;
	int status = release(u, &answer);

	if (status != EXIT_FINE)
		return status;
	u->ctl->writer->ops->sentence(u->ctl->writer, answer, "");
	json_decref(answer);
	return EXIT_FINE;
}

int under_run(struct taskctl *ctl, const struct under_kind *kind, const struct under_values *values, json_t *params,
	char *const *command)
{
	struct under u = {
		.ctl = ctl,
		.kind = kind,
		.values = values,
		.params = params,
		.name = json_string_value(json_object_get(params, "name")),
	};
	int status = check(ctl, &u, *command != NULL);

	put_time_limit(values, params);
	if (status == EXIT_FINE && values->task)
		json_object_set_new(params, "task", must(json_string(getenv("TASKD_TASK_ID"))));
	if (status == EXIT_FINE)
		status = values->release ? give_back(&u) : take(&u, command);
	json_decref(params);
	return status;
}
