/* What signals do to a run --each. The first that ends it has what is on its way cancelled, and waits for that; the second
 * one does not wait. Ctrl-Z has its commands stand still with it: they are in no process group of the terminal's, so
 * nobody else tells them. */
#include "client/taskctl/each_signals.h"

#include <signal.h>

#include "client/taskctl/each_job.h"
#include "client/taskctl/progress.h"
#include "client/taskctl/run_signals.h"
#include "client/taskctl/taskctl.h"
#include "proto/strbuf.h"

#define ANSWER_NS (5 * TASKD_SECOND) /* the daemon answers at once; one that does not is no reason to be stuck */

int each_signals_begin(void)
{
	static const int noted[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, 0 };

	return run_signals_begin(noted);
}

/* The last ones first, so that none starts in the place of one that has gone. */
void each_stop(struct each *each)
{
	each->stopped = true;
	if (each->cancelled)
		return;
	each->cancelled = true;
	for (struct job *job = each->last; job; job = job->previous)
		if (job->future && !taskd_done(job->future))
			taskd_cancel(job->future, TASKD_SECOND);
}

/* --- standing still --- */

/* {"ids":[…]} of all that are on their way; those that only wait are an error each, which does not matter. False: there
 * are none. */
static bool list_jobs(const struct each *each, struct strbuf *params)
{
	bool any = false;

	strbuf_puts(params, "{\"ids\":[");
	for (const struct job *job = each->first; job; job = job->next) {
		enum taskd_error error;

		if (!job->future || taskd_done(job->future))
			continue;
		error = taskd_acknowledged(job->future, ANSWER_NS);
		if (error == TASKD_E_TIMEOUT)
			break;
		if (error != TASKD_OK || taskd_done(job->future))
			continue;
		strbuf_printf(params, "%s\"%s\"", any ? "," : "", taskd_future_id(job->future));
		any = true;
	}
	strbuf_puts(params, "]}");
	return any;
}

static void ask(const struct each *each, enum method method, const char *params)
{
	struct taskd_future *f = taskd_request(each->ctl->connection, method_info(method)->name, params);

	if (f)
		taskd_result(f, ANSWER_NS);
	taskd_future_free(f);
}

/* Those that are suspended keep their slots, so that none of the others starts meanwhile. */
static void stand_still(const struct each *each)
{
	struct strbuf params = STRBUF_INIT;
	bool any = list_jobs(each, &params);
	char *text = must(strbuf_take(&params, NULL));

	if (any)
		ask(each, METHOD_TASK_SUSPEND, text);
	progress_clear();
	run_signals_stop();
	if (any)
		ask(each, METHOD_TASK_RESUME, text);
	free(text);
}

/* --- all --- */

static void end(struct each *each, int signal_number)
{
	if (each->signal)
		run_signals_die(signal_number);
	each->signal = signal_number;
	interrupt_newline(each->ctl);
	report_note(each->ctl, "interrupted: waiting until %zu command%s stopped; again: at once", each->in_flight,
		each->in_flight == 1 ? " has" : "s have");
	each_stop(each);
}

void each_take_signals(struct each *each)
{
	int signal_number;

	while ((signal_number = run_signals_take()) != 0) {
		if (signal_number == SIGTSTP)
			stand_still(each);
		else if (signal_number != SIGCONT) /* which ends a stop */
			end(each, signal_number);
	}
}
