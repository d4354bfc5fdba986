/* The ends of the runs of a run --each. What the result does not have to be read for is not read: most of them succeed,
 * and say nothing. */
#include "client/taskctl/each_tell.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/taskctl/each_job.h"
#include "client/taskctl/progress.h"
#include "client/taskctl/run.h"
#include "client/taskctl/run_options.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/json_scan.h"

#define TEXT_MOST 120 /* bytes of a command in a message */

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * TASKD_SECOND + now.tv_nsec;
}

/* Whether an error is one of this run, rather than of all that could be started. */
static bool is_its_own(enum taskd_error error)
{
	switch (error) {
	case TASKD_E_FAILED:
	case TASKD_E_CRASHED:
	case TASKD_E_TIMED_OUT:
	case TASKD_E_CANCELLED:
	case TASKD_E_EXPIRED:
	case TASKD_E_TOO_LARGE:
	case TASKD_E_FORGOTTEN:
	case TASKD_E_DEPENDENCY_FAILED:
	case TASKD_E_NOT_STARTED:
	case TASKD_E_OTHER:
		return true;
	case TASKD_OK:
	case TASKD_E_TIMEOUT:
	case TASKD_E_UNKNOWN_TASK:
	case TASKD_E_NOT_FOUND:
	case TASKD_E_QUEUE_FULL:
	case TASKD_E_DENIED:
	case TASKD_E_UNAVAILABLE:
	case TASKD_E_INVALID:
	case TASKD_E_CONNECT:
	case TASKD_E_DISCONNECTED:
	case TASKD_E_PROTOCOL:
	case TASKD_E_MEMORY:
	case TASKD_E_SYSTEM:
	case TASKD_E_DUPLICATE:
	case TASKD_E_DEPENDENCY_CYCLE:
	case TASKD_E_QUEUE_DRAINING:
	case TASKD_E_QUEUE_BUSY:
	case TASKD_E_NOT_OVER:
	case TASKD_E_NOT_FAILED:
	case TASKD_E_EXISTS:
	case TASKD_E_DEADLOCK:
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
		return false;
	}
	return false;
}

static void take_ran(struct job *job)
{
	struct taskd_ran ran;

	if (taskd_ran(job->future, &ran) != TASKD_OK)
		return;
	job->ran = true;
	job->status = ran.status;
	job->signal_number = ran.signal;
	job->duration_ns = ran.duration_ns;
	taskd_ran_free(&ran);
}

void job_judge(struct each *each, struct job *job)
{
	const struct taskd_failure *failure = job->future ? taskd_exception(job->future) : NULL;

	job->judged = true;
	job->status = -1;
	job->failed = failure || job->reason;
	if (job->future && (failure || each->joblog))
		take_ran(job);
	job->start_ns = each->joblog ? wall_ns() - job->duration_ns : 0;
	each_output_measure(&job->files);
	/* A worker that has crashed may have left something behind that still writes. */
	job->dirty = failure && !job->ran && failure->error != TASKD_E_NOT_STARTED;
	if (failure && !job->ran && !is_its_own(failure->error)) {
		if (!each->trouble)
			each->trouble = run_trouble(report_failure(each->ctl, NULL, failure));
		each->stopped = true;
		job->void_of_result = true;
		return;
	}
	job->void_of_result = each->cancelled && failure && failure->error == TASKD_E_CANCELLED;
	if (job->void_of_result)
		return;
	each->done++;
	each->failed += job->failed;
}

/* --- told --- */

/* An exit status is counted, and that is all; what the command could not say itself is said. */
static bool is_news(const struct job *job, const struct taskd_failure *failure)
{
	if (!job->ran || failure->error == TASKD_E_TIMED_OUT || failure->error == TASKD_E_CANCELLED)
		return true;
	return job->signal_number != 0 && job->signal_number != SIGPIPE;
}

static void tell_failure(struct each *each, struct job *job, const struct taskd_failure *failure)
{
	struct taskd_failure unhinted = *failure;
	char what[TEXT_MOST + 8];
	const char *text;
	size_t length;

	if (each->ctl->json) {
		if (!job->ran)
			report_item(each->ctl, (size_t)job->number - 1, failure);
		return;
	}
	text = job_text(job);
	length = strlen(text);
	if (length > TEXT_MOST)
		for (length = TEXT_MOST; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80; length--)
			;
	snprintf(what, sizeof what, "%.*s%s", (int)length, text, text[length] ? "…" : "");
	/* What can be done about it is said once, and not of a thousand in a row. */
	unhinted.hint = NULL;
	if (each->hinted == failure->error)
		report_failure(each->ctl, what, &unhinted);
	else
		run_report(each->ctl, what, failure);
	each->hinted = failure->error;
}

/* {"index":N,"result":{…}}, also where it did not succeed: the status is in it. */
static void tell_json(struct each *each, struct job *job)
{
	const struct taskd_failure *failure = job->future ? taskd_exception(job->future) : NULL;
	const struct writer *writer = each->ctl->writer;
	struct json_span result;
	const char *text;
	size_t length;

	if (!failure && job->future) {
		text = taskd_future_result(job->future, &length);
		writer->ops->item(writer, (size_t)job->number - 1, text, length);
	} else if (job->ran && run_result_of(failure, &result)) {
		writer->ops->item(writer, (size_t)job->number - 1, result.text, result.length);
	}
}

static void note(struct each *each, struct job *job)
{
	struct joblog_entry entry = {
		.number = job->number,
		.id = job->future ? taskd_future_id(job->future) : NULL,
		.start_ns = job->start_ns,
		.duration_ns = job->duration_ns,
		.status = job->status,
		.signal = job->signal_number,
		.command = job_text(job),
	};

	/* One that counts as a success whatever its status was, and one that does not. */
	if (!job->failed)
		entry.status = entry.signal = 0;
	else if (entry.status == 0)
		entry.status = -1;
	joblog_add(each->joblog, &entry);
}

void job_tell(struct each *each, struct job *job)
{
	const struct taskd_failure *failure = job->future ? taskd_exception(job->future) : NULL;
	struct taskd_failure unsent = { .error = TASKD_E_INVALID, .kind = "", .message = job->reason };

	if (each->ctl->json)
		tell_json(each, job);
	else
		each_output_print(each->output, &job->files);
	each_output_give(each->output, &job->files, job->dirty);
	if (job->void_of_result)
		return;
	if (job->reason)
		failure = &unsent;
	if (failure && is_news(job, failure)) {
		each_output_flush(each->output);
		tell_failure(each, job, failure);
	}
	if (each->joblog)
		note(each, job);
}
