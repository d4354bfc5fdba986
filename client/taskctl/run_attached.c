/* A command that is run as if it were ours: its output as it comes, our input, the signals that we get, and its exit
 * status at the end. It belongs to this process: when that goes, however, the daemon ends the command. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskctl/run.h"
#include "client/taskctl/run_options.h"
#include "client/taskctl/run_signals.h"
#include "client/taskctl/run_streams.h"
#include "client/taskctl/run_terminal.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/json_scan.h"

#define ANSWER_NS (5 * TASKD_SECOND) /* the daemon answers at once; one that does not is no reason to be stuck */
#define LOOK_MS 100                  /* how often it is looked whether the terminal may be read again */

struct attached {
	struct taskctl *ctl;
	struct taskd_future *f;
	int signals; /* readable when there is one */
	uint64_t passed;
	struct pump in, out, err;
	bool tty;
	bool running; /* tty: as far as told */
	struct taskd_watch *watch;
};

static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH, 0 };

/* --- asking --- */

/* The task's id; NULL where it has ended by now, or the daemon does not answer. */
static const char *id_of(struct attached *a)
{
	return taskd_acknowledged(a->f, ANSWER_NS) == TASKD_OK ? taskd_future_id(a->f) : NULL;
}

/* One whose answer does not matter. */
static void tell(struct attached *a, enum method method, const char *params)
{
	taskd_future_free(taskd_request(a->ctl->connection, method_info(method)->name, params));
}

static void tell_window(struct attached *a)
{
	const char *id = a->tty ? id_of(a) : NULL;
	int rows, columns;
	char params[128];

	if (!id || !terminal_size(&rows, &columns))
		return;
	snprintf(params, sizeof params, "{\"id\":\"%s\",\"rows\":%d,\"columns\":%d}", id, rows, columns);
	tell(a, METHOD_TASK_WINDOW, params);
}

static void tell_continued(struct attached *a)
{
	const char *id = id_of(a);
	char params[96];

	if (!id)
		return;
	snprintf(params, sizeof params, "{\"ids\":\"%s\",\"signal\":\"SIGCONT\"}", id);
	tell(a, METHOD_TASK_SIGNAL, params);
}

/* --- signals --- */

/* It has not started, and never will: so this is what the signal would have done to it. */
static void die_with(struct attached *a, int signal_number)
{
	terminal_restore();
	taskd_cancel(a->f, ANSWER_NS);
	report_note(a->ctl, "the command has not started, and is cancelled");
	run_signals_die(signal_number);
}

static void pass(struct attached *a, int signal_number)
{
	const char *id = id_of(a);
	enum taskd_error error = id ? taskd_signal(a->ctl->connection, id, signal_number, ANSWER_NS) : TASKD_E_TIMEOUT;

	if (taskd_done(a->f))
		return;
	if (error == TASKD_OK) {
		a->passed |= UINT64_C(1) << signal_number;
	} else if (signal_number != SIGTSTP) {
		/* Where nobody answers, what is left is to go; the daemon notices sooner or later. */
		die_with(a, signal_number);
	}
}

static void stop(struct attached *a)
{
	pass(a, SIGTSTP);
	terminal_restore();
	if (taskd_done(a->f))
		return;
	run_signals_stop();
}

static void take_signals(struct attached *a)
{
	int signal_number;

	while ((signal_number = run_signals_take()) != 0) {
		switch (signal_number) {
		case SIGWINCH:
			tell_window(a);
			break;
		case SIGCONT:
			tell_continued(a);
			tell_window(a);
			break;
		case SIGTSTP:
			stop(a);
			break;
		default:
			pass(a, signal_number);
		}
	}
}

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

static void close_input(struct attached *a)
{
	pump_end(&a->in);
	if (a->in.to >= 0)
		close(a->in.to);
	a->in.to = -1;
}

static void on_event(void *user, const struct taskd_event *event)
{
	struct attached *a = user;

	if (event->kind == TASKD_EVENT_TASK)
		a->running = strcmp(event->name, "running") == 0 || (a->running && strcmp(event->name, "progress") == 0);
}

/* To know when a terminal's keys are the command's. */
static void watch(struct attached *a)
{
	const char *id = id_of(a);
	char filter[64];

	if (!id)
		return;
	snprintf(filter, sizeof filter, "{\"ids\":[\"%s\"]}", id);
	a->watch = taskd_watch(a->ctl->connection, filter, on_event, a);
	if (taskd_running(a->f, ANSWER_NS))
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
	take_signals(a);
	if (fds[1].fd >= 0 && fds[1].revents)
		taskd_dispatch(a->ctl->connection, 0);
	if (fds[2].revents)
		pump_move(&a->out, false);
	if (fds[3].revents)
		pump_move(&a->err, false);
	if (fds[4].revents) {
		pump_move(&a->in, false);
		if (pump_is_over(&a->in))
			close_input(a);
	}
}

/* All that it has written is in the pipes when its end is told. */
static void drain(struct attached *a)
{
	close_input(a);
	for (;;) {
		struct pollfd fds[] = { { .fd = a->signals, .events = POLLIN }, pump_poll(&a->out), pump_poll(&a->err) };
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

/* --- descriptors --- */

static bool is_open(int fd)
{
	struct pollfd look = { .fd = fd };

	return poll(&look, 1, 0) >= 0 && !(look.revents & POLLNVAL);
}

/* A pipe between it and us; what is the command's end in *THEIRS. */
static int connect_output(struct pump *pump, int to, int *theirs)
{
	int ends[2];

	if (!is_open(to))
		return 0;
	if (pump_pipe(ends) < 0)
		return -1;
	pump_begin(pump, ends[0], to);
	*theirs = ends[1];
	return 0;
}

static int connect_input(struct attached *a, const struct run_values *values, int *theirs)
{
	int ends[2];

	if (values->no_stdin || (values->stdin_file && strcmp(values->stdin_file, "-") != 0) || !is_open(STDIN_FILENO))
		return 0;
	if (!isatty(STDIN_FILENO)) {
		*theirs = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		return *theirs < 0 ? -1 : 0;
	}
	if (pump_pipe(ends) < 0)
		return -1;
	*theirs = ends[0];
	pump_begin(&a->in, fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), ends[1]);
	a->in.copies = true;
	a->in.gentle = !a->tty;
	return 0;
}

/* The command's three; -1: it has none of ours. */
static int connect_all(struct attached *a, const struct run_values *values, int theirs[3])
{
	if (connect_input(a, values, &theirs[0]) < 0)
		return -1;
	if (a->ctl->json) /* then the output is in the result */
		return 0;
	if (values->direct) {
		theirs[1] = is_open(STDOUT_FILENO) ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
		if (!values->merge && is_open(STDERR_FILENO))
			theirs[2] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		return 0;
	}
	if (connect_output(&a->out, STDOUT_FILENO, &theirs[1]) < 0)
		return -1;
	return a->tty || values->merge ? 0 : connect_output(&a->err, STDERR_FILENO, &theirs[2]);
}

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
	if (connect_all(a, values, theirs) < 0) {
		status = report(a->ctl, (enum exit_status)RUN_EXIT_TROUBLE, "system", NULL, "no pipe: %s", strerror(errno));
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
		: report(a->ctl, (enum exit_status)RUN_EXIT_TROUBLE, "system", NULL, "cannot write to standard %s: %s", what,
			  strerror(pump->error));
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
	a.signals = run_signals_begin(passed_on);
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
	close_input(&a);
	pump_end(&a.out);
	pump_end(&a.err);
	taskd_unwatch(a.watch);
	taskd_future_free(a.f);
	return status;
}

int run_detached(struct taskctl *ctl, const struct run_values *values, struct run_command *command)
{
	struct taskd_options options;
	struct taskd_future *f;
	json_t *answer;
	int status = submission_options(ctl, &values->submission, true, &options);

	if (status == EXIT_FINE)
		status = taskctl_connect(ctl);
	if (status != EXIT_FINE)
		return status;
	f = taskd_exec(ctl->connection, &command->command, &options);
	if (!f)
		return report_last(ctl);
	if (taskd_acknowledged(f, TASKD_FOREVER) != TASKD_OK) {
		status = report_failure(ctl, NULL, taskd_future_error(f));
	} else {
		answer = must(json_pack("{s:s}", "id", taskd_future_id(f)));
		ctl->writer->ops->sentence(ctl->writer, answer, taskd_future_id(f));
		json_decref(answer);
	}
	taskd_future_free(f);
	return status;
}
