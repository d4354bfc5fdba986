/* One run of a run --each, from its values to the line in the job log. */
#include "client/taskctl/each_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "client/taskctl/each_tell.h"
#include "client/taskctl/run.h"
#include "client/taskctl/run_options.h"
#include "client/taskctl/shell_words.h"
#include "client/taskctl/taskctl.h"

#define WINDOW_LEAST 64
#define WINDOW_MOST 4096
#define FDS_RESERVED 64
#define FDS_OF_ONE 4                             /* two files, and the library's copies until they are sent */
#define WAIT_FOR_ROOM (24 * 3600 * TASKD_SECOND) /* a queue that is full is no reason to fail: it empties as we go */

/* --- made and freed --- */

struct job *job_new(struct each *each, char *const *values, size_t n)
{
	struct job *job = must(calloc(1, sizeof *job));
	struct place_values place_values = { .values = values, .n = n, .number = ++each->given };

	job->each = each;
	job->number = place_values.number;
	job->files.out = job->files.err = -1;
	if (!each->places)
		job->line = must(strdup(values[0]));
	else if (each->values->shell)
		job->line = places_line(each->places, &place_values);
	else
		job->argv = places_argv(each->places, &place_values);
	return job;
}

static void unlink_job(struct each *each, struct job *job)
{
	if (job->previous)
		job->previous->next = job->next;
	else if (each->first == job)
		each->first = job->next;
	else
		return; /* it never was in the list */
	if (job->next)
		job->next->previous = job->previous;
	else
		each->last = job->previous;
}

void job_free(struct each *each, struct job *job)
{
	unlink_job(each, job);
	taskd_future_free(job->future);
	free(job->argv);
	free(job->line);
	free(job->text);
	free(job->reason);
	free(job);
}

void jobs_free(struct each *each)
{
	while (each->first)
		job_free(each, each->first);
}

const char *job_text(struct job *job)
{
	struct strbuf text = STRBUF_INIT;

	if (job->text)
		return job->text;
	if (job->argv) {
		job->text = shell_line(job->argv, job->each->command.secret, job->each->command.n_secret);
	} else if (strpbrk(job->line, "\t\n\r")) {
		shell_quote_line(&text, job->line);
		job->text = must(strbuf_take(&text, NULL));
	} else {
		job->text = must(strdup(job->line));
	}
	return job->text;
}

/* --- started --- */

static void link_job(struct each *each, struct job *job)
{
	job->previous = each->last;
	if (each->last)
		each->last->next = job;
	else
		each->first = job;
	each->last = job;
}

static void on_end(struct taskd_future *f, void *user)
{
	struct job *job = user;
	struct each *each = job->each;

	(void)f;
	*each->finished_end = job;
	each->finished_end = &job->next_finished;
	each->in_flight--;
}

/* What cannot be a command at all fails by itself; anything else that is wrong here is wrong with all. */
static bool could_not_submit(struct each *each, struct job *job)
{
	const char *text;
	enum taskd_error error = taskd_last_error(&text);

	if (error != TASKD_E_INVALID) {
		each->trouble = run_trouble(report_library(each->ctl, error, text));
		return false;
	}
	job->reason = must(strdup(text));
	on_end(NULL, job);
	return true;
}

bool job_start(struct each *each, struct job *job)
{
	struct taskd_command command = each->command;
	int fds[3] = { -1, STDOUT_FILENO, each->values->merge ? -1 : STDERR_FILENO };

	link_job(each, job);
	each->in_flight++;
	command.argv = (const char *const *)job->argv;
	command.shell = job->line;
	if (!each->ctl->json) {
		if (!each->values->ungroup) {
			if (each_output_take(each->output, &job->files) < 0) {
				each->trouble = report(each->ctl, (enum exit_status)RUN_EXIT_TROUBLE, "system",
					"TMPDIR says where", "no file for its output: %m");
				each->in_flight--;
				return false;
			}
			fds[1] = job->files.out;
			fds[2] = job->files.err;
		}
		command.fds = fds;
		command.direct = true;
	}
	job->future = taskd_exec(each->ctl->connection, &command, &each->options);
	if (job->future && taskd_add_done_callback(job->future, on_end, job) == TASKD_OK)
		return true;
	if (could_not_submit(each, job))
		return true;
	each->in_flight--;
	return false;
}

/* --- ended --- */

/* With --keep-order, one that has ended holds its files until those before it have been told. */
static void finish_in_order(struct each *each)
{
	while (each->first && each->first->judged) {
		struct job *job = each->first;

		each->n_held--;
		job_tell(each, job);
		job_free(each, job);
	}
}

void jobs_finish(struct each *each)
{
	struct job *job = each->finished, *next;

	each->finished = NULL;
	each->finished_end = &each->finished;
	for (; job; job = next) {
		next = job->next_finished;
		job_judge(each, job);
		if (each->values->keep_order) {
			each->n_held++;
			continue;
		}
		job_tell(each, job);
		job_free(each, job);
	}
	if (each->values->keep_order)
		finish_in_order(each);
}

/* --- how many --- */

static size_t number_of(const json_t *record, const char *name)
{
	return (size_t)json_integer_value(json_object_get(record, name));
}

/* The most slots that a pool has, or will have: which of them runs commands is the daemon's business. Who may submit, but
 * see nothing, does without. */
static int ask_slots(struct each *each, size_t *slots)
{
	struct taskd_future *f = taskd_request(each->ctl->connection, method_info(METHOD_POOL_LIST)->name, NULL);
	enum taskd_error error = taskd_result(f, TASKD_FOREVER);
	int status = EXIT_FINE;
	json_t *pools;
	const json_t *pool;
	size_t i;

	if (error != TASKD_OK && error != TASKD_E_DENIED)
		status = report_failure(each->ctl, NULL, taskd_future_error(f));
	pools = error == TASKD_OK ? json_loads(taskd_future_result(f, NULL), 0, NULL) : NULL;
	taskd_future_free(f);
	*slots = 1;
	json_array_foreach (pools, i, pool) {
		size_t there = number_of(pool, "slots");
		size_t wanted = number_of(pool, "processes") * number_of(pool, "threads");

		*slots = there > *slots ? there : *slots;
		*slots = wanted > *slots ? wanted : *slots;
	}
	json_decref(pools);
	return run_trouble(status);
}

static size_t fds_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return (size_t)limit.rlim_cur;
}

static size_t clamp(size_t n, size_t least, size_t most)
{
	return n < least ? least : n > most ? most : n;
}

int each_limits(struct each *each)
{
	size_t fds = fds_limit(), most = fds > FDS_RESERVED + FDS_OF_ONE ? (fds - FDS_RESERVED) / FDS_OF_ONE : 1;
	const struct option_integer *jobs = &each->values->jobs;
	size_t slots;
	int status = ask_slots(each, &slots);

	/* Where no pool could run more at a time than are allowed, more of them can be on their way. */
	each->rests = !jobs->given || slots <= (size_t)jobs->value;
	each->window = each->rests ? clamp(2 * slots, WINDOW_LEAST, WINDOW_MOST) : (size_t)jobs->value;
	each->window = clamp(each->window, 1, most);
	each->ahead = clamp(each->window * 4 + 64, each->window, most);
	each->finished_end = &each->finished;
	if (each->options.wait_for_room_ns == 0)
		each->options.wait_for_room_ns = WAIT_FOR_ROOM;
	return status;
}
