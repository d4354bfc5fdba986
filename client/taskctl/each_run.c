/* run --each: a command for each of many values, as many at a time as the daemon's pool runs. A window of them is on
 * its way, so that no slot waits for us; each has its output in files of its own until it has ended. They are
 * attached: when this process goes, however, so do they. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/taskctl/each_job.h"
#include "client/taskctl/each_signals.h"
#include "client/taskctl/each_sources.h"
#include "client/taskctl/progress.h"
#include "client/taskctl/run.h"
#include "client/taskctl/run_options.h"
#include "client/taskctl/run_signals.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

#define REST_NS (2 * TASKD_MS)

/* --- starting --- */

/* What comes next is left out, or cannot be: false. */
static bool next_job(struct each *each, char **values, size_t n)
{
	struct job *job = job_new(each, values, n);

	if (each->joblog && each->values->resume && joblog_succeeded(each->joblog, job_text(job))) {
		each->skipped++;
		job_free(each, job);
		return true;
	}
	if (!job_start(each, job))
		return false;
	return true;
}

static void bad_value(struct each *each)
{
	report(each->ctl, EXIT_FAILED, "usage", NULL, "value %zu: %s", each->given + 1, each_input_reason(each->input));
	each->given++;
	each->failed++;
	each->done++;
}

/* Whether there is room for another. With --keep-order, those that have ended but wait for one before them count: they
 * hold files. */
static bool has_room(const struct each *each)
{
	return each->in_flight < each->window && each->in_flight + each->n_held < each->ahead;
}

static void fill(struct each *each)
{
	char **values;
	size_t n;

	while (!each->stopped && !each->input_over && has_room(each)) {
		switch (each_input_next(each->input, &values, &n)) {
		case EACH_VALUES:
			if (!next_job(each, values, n))
				each->stopped = true;
			break;
		case EACH_WAIT:
			return;
		case EACH_BAD:
			bad_value(each);
			break;
		case EACH_BROKEN:
			each->trouble = report(each->ctl, (enum exit_status)RUN_EXIT_TROUBLE, "system", NULL,
				"cannot read the values: %s", strerror(errno));
			each->stopped = true;
			break;
		case EACH_END:
			each->input_over = true;
			progress_total(each->given);
			break;
		}
	}
}

/* --- the loop --- */

/* While there is plenty for the daemon to go on with, a moment's rest lets several ends come together, and several
 * submissions go together: where commands are short, it is being woken for each that costs. */
static void rest(const struct each *each)
{
	struct timespec moment = { .tv_nsec = REST_NS };

	if (each->rests && !each->signal && each->in_flight > each->window / 2)
		nanosleep(&moment, NULL); /* a signal ends it */
}

static void turn(struct each *each)
{
	bool reads = !each->stopped && !each->input_over && each_input_fd(each->input) >= 0 && has_room(each);
	struct taskd *c = each->ctl->connection;
	struct pollfd fds[] = {
		{ .fd = taskd_fd(c), .events = POLLIN },
		{ .fd = each->signals, .events = POLLIN },
		{ .fd = reads ? each_input_fd(each->input) : -1, .events = POLLIN },
	};
	/* The bar tells the time, too. */
	int timeout_ms = each->finished ? 0 : progress_is_shown() ? 1000 : -1;

	if (taskd_wants_write(c) && taskd_flush(c, 0) == TASKD_E_TIMEOUT)
		fds[0].events |= POLLOUT;
	rest(each);
	if (poll(fds, 3, timeout_ms) < 0 && errno != EINTR)
		return;
	if (fds[1].revents)
		each_take_signals(each);
	if (fds[2].revents)
		each_input_readable(each->input);
	if (fds[0].revents)
		taskd_dispatch(c, 0);
	jobs_finish(each);
	if (each->failed > 0 && each->values->fail_fast)
		each_stop(each);
	if (each->joblog && joblog_flush(each->joblog) < 0 && !each->trouble) {
		each->trouble = report(each->ctl, (enum exit_status)RUN_EXIT_TROUBLE, "system", NULL,
			"cannot write to %s: %s", each->values->joblog, strerror(errno));
		each_stop(each);
	}
	each_output_flush(each->output);
	progress_step(each->done, each->failed);
}

static void say_interrupted(struct each *each)
{
	size_t total = each_input_total(each->input);
	char of[32] = "";

	if (total > 0)
		snprintf(of, sizeof of, " of %zu", total);
	report(each->ctl, EXIT_INTERRUPTED, "interrupted",
		each->joblog ? "the same with --resume goes on from here" : NULL, "interrupted: %zu%s done, %zu failed",
		each->done + each->skipped, of, each->failed);
}

static int finish(struct each *each)
{
	progress_end();
	if (each->signal) {
		say_interrupted(each);
		write_flush();
		run_signals_die(each->signal);
	}
	if (each->failed > 0)
		report_note(each->ctl, "%zu of %zu commands failed", each->failed, each->done);
	if (each->trouble)
		return each->trouble;
	return each->failed > EACH_EXIT_MOST ? EACH_EXIT_MORE : (int)each->failed;
}

/* Where the commands write here themselves, or the values are typed here, it would be in the way. */
static bool wants_bar(const struct each *each)
{
	bool in_the_way = each->values->ungroup || isatty(each_input_fd(each->input));

	return !each->ctl->quiet && !each->ctl->json && !each->values->no_progress &&
		(!in_the_way || each->values->progress);
}

static int run_all(struct each *each)
{
	each->signals = each_signals_begin();
	if (wants_bar(each))
		progress_begin(each_input_total(each->input));
	progress_step(0, 0);
	for (;;) {
		fill(each);
		if (each->in_flight == 0 && !each->finished && (each->stopped || each->input_over))
			return finish(each);
		turn(each);
	}
}

static int dry_run(struct each *each)
{
	struct pollfd readable = { .fd = each_input_fd(each->input), .events = POLLIN };
	char **values;
	size_t n;

	for (;;) {
		enum each_next next = each_input_next(each->input, &values, &n);
		struct job *job;

		switch (next) {
		case EACH_VALUES:
			job = job_new(each, values, n);
			if (!each->joblog || !joblog_succeeded(each->joblog, job_text(job))) {
				each_output_puts(each->output, job_text(job));
				each_output_puts(each->output, "\n");
			}
			job_free(each, job);
			continue;
		case EACH_WAIT:
			each_output_flush(each->output);
			poll(&readable, 1, -1);
			continue;
		case EACH_BAD:
			bad_value(each);
			continue;
		case EACH_BROKEN:
			return report(each->ctl, (enum exit_status)RUN_EXIT_TROUBLE, "system", NULL,
				"cannot read the values: %s", strerror(errno));
		case EACH_END:
			each_output_flush(each->output);
			return each->failed > EACH_EXIT_MOST ? EACH_EXIT_MORE : (int)each->failed;
		}
	}
}

/* --- what it is made of --- */

static int open_input(struct each *each, const struct each_words *words)
{
	const struct run_values *values = each->values;
	const char *file = values->arg_file;

	if (words->n_sources > 0) {
		if (file || values->null)
			return report_usage(each->ctl, NULL, "either " EACH_MARK ", or --arg-file and --null");
		each->input = each_input_of_words(words->sources, words->n_sources);
		return EXIT_FINE;
	}
	if (file && strcmp(file, "-") != 0) {
		each->input_fd = open(file, O_RDONLY | O_CLOEXEC);
		if (each->input_fd < 0)
			return report(
				each->ctl, EXIT_USAGE, "system", NULL, "--arg-file %s: %s", file, strerror(errno));
	}
	each->input = each_input_of_fd(each->input_fd < 0 ? STDIN_FILENO : each->input_fd, values->null ? '\0' : '\n');
	return EXIT_FINE;
}

/* They are told by the words of the command line; a run may have more. */
static int take_secret(struct each *each, const struct secret *secret, size_t n_values)
{
	int status = secret_check(each->ctl, secret, places_count(each->places));

	if (status == EXIT_FINE && secret->n > 0) {
		each->command.n_secret =
			places_spread(each->places, n_values, secret->places, secret->n, &each->secret);
		each->command.secret = each->secret;
	}
	return status;
}

/* Without a command, each value is one by itself: a shell's line. */
static int read_places(struct each *each, const struct each_words *words, const struct secret *secret)
{
	size_t n_values;
	char *error;

	if (words->n_command == 0) {
		if (each->values->shell && words->n_sources <= 1)
			return EXIT_FINE;
		return report_usage(each->ctl,
			"taskctl run --each -- COMMAND {} ::: VALUE…; with --shell, the values can be the commands",
			"run --each needs a COMMAND");
	}
	n_values = words->n_sources > 0 ? words->n_sources : each_input_sources(each->input);
	each->places = places_new(words->command, words->n_command, n_values, &error);
	if (each->places)
		return take_secret(each, secret, n_values);
	report_usage(each->ctl, NULL, "%s", error);
	free(error);
	return EXIT_USAGE;
}

static int open_joblog(struct each *each)
{
	const struct run_values *values = each->values;

	if (!values->joblog || (values->dry_run && !values->resume))
		return EXIT_FINE;
	each->joblog = joblog_open(values->joblog, values->resume);
	if (each->joblog)
		return EXIT_FINE;
	return report(each->ctl, EXIT_USAGE, "system", NULL, "--joblog %s: %s", values->joblog, strerror(errno));
}

static int prepare(struct each *each, const struct secret *secret, char **words, int n)
{
	struct each_source *sources = must(calloc(each_marks(words, (size_t)n) + 1, sizeof *sources));
	struct each_words split = { .sources = sources };
	int status;

	each_words_split(words, (size_t)n, &split);
	status = open_input(each, &split);
	free(sources);
	if (status == EXIT_FINE)
		status = read_places(each, &split, secret);
	if (status == EXIT_FINE)
		status = open_joblog(each);
	if (status == EXIT_FINE)
		status = submission_options(each->ctl, &each->values->submission, false, &each->options);
	return status;
}

int run_each(struct taskctl *ctl, const struct run_values *values, struct run_command *command, char **words, int n)
{
	struct each each = {
		.ctl = ctl,
		.values = values,
		.command = command->command,
		.output = each_output_new(values->merge),
		.input_fd = -1,
	};
	int status = prepare(&each, &command->secret, words, n);

	if (status == EXIT_FINE && values->dry_run) {
		status = dry_run(&each);
	} else if (status == EXIT_FINE) {
		status = run_trouble(taskctl_connect(ctl));
		if (status == EXIT_FINE)
			status = each_limits(&each);
		if (status == EXIT_FINE)
			status = run_all(&each);
	}
	jobs_free(&each);
	places_free(each.places);
	free(each.secret);
	each_input_free(each.input);
	joblog_free(each.joblog);
	each_output_free(each.output);
	if (each.input_fd >= 0)
		close(each.input_fd);
	return status;
}
