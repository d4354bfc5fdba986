/* A command that is run as if it were ours: its output as it comes, our input, the signals that we get, and its exit
 * status at the end. It belongs to this process: when that goes, however, the daemon ends the command. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/taskctl/run.h"
#include "client/taskctl/run_attached.h"
#include "client/taskctl/run_options.h"
#include "client/taskctl/run_signals.h"
#include "client/taskctl/run_streams.h"
#include "client/taskctl/run_terminal.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/json_scan.h"

#define LOOK_MS 100 /* how often it is looked whether the terminal may be read again */

/* --- standard input --- */

/* The terminal is read only where any program could, and with -t only once there is somebody to type to: until then
 * Ctrl-C is for us. */
static bool reads_terminal(struct attached *a)
{
	if (pump_is_over(&a->in) || !terminal_is_ours(STDIN_FILENO))
		return false;
	if (!a->tty)
		return true;
	if (a->running)
		terminal_raw(STDIN_FILENO);
	else
		terminal_restore();
	return a->running;
}

static void on_event(void *user, const struct taskd_event *event)
{
	struct attached *a = user;

	if (event->kind == TASKD_EVENT_TASK)
		a->running =
			strcmp(event->name, "running") == 0 || (a->running && strcmp(event->name, "progress") == 0);
}

/* To know when a terminal's keys are the command's. */
static void watch(struct attached *a)
{
	const char *id = attached_id(a);
	char filter[64];

	if (!id)
		return;
	snprintf(filter, sizeof filter, "{\"ids\":[\"%s\"]}", id);
	a->watch = taskd_watch(a->ctl->connection, filter, on_event, a);
	if (taskd_running(a->f, ATTACHED_ANSWER_NS))
		a->running = true;
}

/* --- the loop --- */

static struct pollfd poll_connection(const struct attached *a)
{
	short output = taskd_wants_write(a->ctl->connection) ? POLLOUT : 0;

	return (struct pollfd){ .fd = taskd_fd(a->ctl->connection), .events = (short)(POLLIN | output) };
}

static void turn(struct attached *a)
{
	bool reads = reads_terminal(a), ended = taskd_done(a->f);
	struct pollfd fds[] = {
		{ .fd = a->signals, .events = POLLIN },
		poll_connection(a),
		pump_poll(&a->out),
		pump_poll(&a->err),
		reads ? pump_poll(&a->in) : (struct pollfd){ .fd = -1 },
	};
	bool looks = !pump_is_over(&a->in) && fds[4].fd < 0;

	if (ended)
		fds[1].fd = -1;
	if (poll(fds, sizeof fds / sizeof fds[0], looks && !ended ? LOOK_MS : -1) < 0 && errno != EINTR)
		return;
	attached_take_signals(a);
	if (fds[1].fd >= 0 && fds[1].revents)
		taskd_dispatch(a->ctl->connection, 0);
	if (fds[2].revents)
		pump_move(&a->out, false);
	if (fds[3].revents)
		pump_move(&a->err, false);
	if (fds[4].revents) {
		pump_move(&a->in, false);
		if (pump_is_over(&a->in))
			attached_close_input(a);
	}
}

/* All that it has written is in the pipes when its end is told. */
static void drain(struct attached *a)
{
	attached_close_input(a);
	for (;;) {
		struct pollfd fds[] = { { .fd = a->signals, .events = POLLIN }, pump_poll(&a->out),
			pump_poll(&a->err) };
		int signal_number;

		pump_move(&a->out, true);
		pump_move(&a->err, true);
		if (pump_is_over(&a->out) && pump_is_over(&a->err))
			return;
		fds[1] = pump_poll(&a->out);
		fds[2] = pump_poll(&a->err);
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return;
		/* Whoever reads us keeps us waiting, and the command is over: now they are for us. */
		while ((signal_number = run_signals_take()) != 0) {
			if (signal_number == SIGTSTP) {
				run_signals_stop();
			} else if (signal_number != SIGCONT && signal_number != SIGWINCH) {
				terminal_restore();
				run_signals_die(signal_number);
			}
		}
	}
}

/* --- all --- */

static void close_theirs(int theirs[3])
{
	for (int i = 0; i < 3; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
}

/* EXIT_FINE, or it has been reported. */
static int start(struct attached *a, const struct run_values *values, struct run_command *command)
{
	int theirs[3] = { -1, -1, -1 }, status = EXIT_FINE;
	struct taskd_options options;

	if (submission_options(a->ctl, &values->submission, false, &options) != EXIT_FINE)
		return EXIT_USAGE;
	status = run_trouble(taskctl_connect(a->ctl));
	if (status != EXIT_FINE)
		return status;
	if (attached_connect(a, values, theirs) < 0) {
		status = report(
			a->ctl, (enum exit_status)RUN_EXIT_TROUBLE, "system", NULL, "no pipe: %s", strerror(errno));
	} else {
		if (a->tty)
			terminal_size(&command->command.rows, &command->command.columns);
		command->command.fds = theirs;
		a->f = taskd_exec(a->ctl->connection, &command->command, &options);
		if (!a->f)
			status = run_trouble(report_last(a->ctl));
	}
	close_theirs(theirs);
	return status;
}

/* Also of one that did not succeed: its status is in it. */
static void write_result(const struct attached *a)
{
	const struct writer *writer = a->ctl->writer;
	struct json_span result;
	size_t length;
	const char *text = taskd_future_result(a->f, &length);

	if (text)
		writer->ops->value(writer, text, length);
	else if (run_result_of(taskd_exception(a->f), &result))
		writer->ops->value(writer, result.text, result.length);
}

static int could_not_write(const struct attached *a, const struct pump *pump, const char *what)
{
	return pump->error == 0 || pump->error == EPIPE
		? EXIT_FINE
		: report(a->ctl, (enum exit_status)RUN_EXIT_TROUBLE, "system", NULL, "cannot write to standard %s: %s",
			  what, strerror(pump->error));
}

static int finish(const struct attached *a)
{
	int signal_number, status;

	signal(SIGPIPE, SIG_DFL);
	if (a->ctl->json)
		write_result(a);
	status = could_not_write(a, &a->out, "output");
	if (status == EXIT_FINE)
		status = could_not_write(a, &a->err, "error");
	if (status != EXIT_FINE)
		return status;
	status = run_ending(a->ctl, a->f, a->passed, &signal_number);
	if (signal_number) {
		write_flush();
		run_signals_die(signal_number);
	}
	return status;
}

int run_attached(struct taskctl *ctl, const struct run_values *values, struct run_command *command)
{
	struct attached a = {
		.ctl = ctl,
		.tty = values->tty,
		.in = { .from = -1, .to = -1 },
		.out = { .from = -1 },
		.err = { .from = -1 },
	};
	int status;

	signal(SIGPIPE, SIG_IGN); /* a write says so, and the command gets it */
	attached_begin_signals(&a);
	status = start(&a, values, command);
	if (status == EXIT_FINE) {
		if (a.tty && !pump_is_over(&a.in))
			watch(&a);
		while (!taskd_done(a.f))
			turn(&a);
		drain(&a);
		terminal_restore();
		status = finish(&a);
	}
	attached_close_input(&a);
	pump_end(&a.out);
	pump_end(&a.err);
	taskd_unwatch(a.watch);
	taskd_future_free(a.f);
	return status;
}
