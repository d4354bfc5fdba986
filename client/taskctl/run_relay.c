/* The signals of a run that is attached: what we get is the command's. */
#include <signal.h>
#include <stdio.h>

#include "client/taskctl/run_attached.h"
#include "client/taskctl/run_signals.h"
#include "client/taskctl/run_terminal.h"
#include "client/taskctl/taskctl.h"

static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH, 0 };

/* --- asking --- */

const char *attached_id(struct attached *a)
{
	return taskd_acknowledged(a->f, ATTACHED_ANSWER_NS) == TASKD_OK ? taskd_future_id(a->f) : NULL;
}

/* One whose answer does not matter. */
static void tell(struct attached *a, enum method method, const char *params)
{
	taskd_future_free(taskd_request(a->ctl->connection, method_info(method)->name, params));
}

static void tell_window(struct attached *a)
{
	const char *id = a->tty ? attached_id(a) : NULL;
	int rows, columns;
	char params[128];

	if (!id || !terminal_size(&rows, &columns))
		return;
	snprintf(params, sizeof params, "{\"id\":\"%s\",\"rows\":%d,\"columns\":%d}", id, rows, columns);
	tell(a, METHOD_TASK_WINDOW, params);
}

static void tell_continued(struct attached *a)
{
	const char *id = attached_id(a);
	char params[96];

	if (!id)
		return;
	snprintf(params, sizeof params, "{\"ids\":\"%s\",\"signal\":\"SIGCONT\"}", id);
	tell(a, METHOD_TASK_SIGNAL, params);
}

/* --- signals --- */

void attached_begin_signals(struct attached *a)
{
	a->signals = run_signals_begin(passed_on);
}

/* It has not started, and never will: so this is what the signal would have done to it. Where nobody answers, what is
 * left is to go; the daemon notices sooner or later. And so it is for who may start commands and not signal them. */
static void die_with(struct attached *a, int signal_number, enum taskd_error error)
{
	terminal_restore();
	if (error != TASKD_E_TIMEOUT)
		taskd_cancel(a->f, ATTACHED_ANSWER_NS);
	report_note(a->ctl, "%s", error == TASKD_E_TIMEOUT ? "the daemon does not answer"
			: error == TASKD_E_DENIED ? "the command may not be sent signals, and is cancelled"
						  : "the command has not started, and is cancelled");
	run_signals_die(signal_number);
}

static void pass(struct attached *a, int signal_number)
{
	const char *id = attached_id(a);
	enum taskd_error error = TASKD_E_TIMEOUT;

	if (id)
		error = taskd_signal(a->ctl->connection, id, signal_number, ATTACHED_ANSWER_NS);
	else if (!taskd_done(a->f) && taskd_last_error(NULL) == TASKD_E_DENIED)
		error = TASKD_E_DENIED;

	/* Also where it has died of it meanwhile. */
	if (error == TASKD_OK)
		a->passed |= UINT64_C(1) << signal_number;
	else if (signal_number != SIGTSTP && !taskd_done(a->f))
		die_with(a, signal_number, error);
}

static void stop(struct attached *a)
{
	pass(a, SIGTSTP);
	terminal_restore();
	if (taskd_done(a->f))
		return;
	run_signals_stop();
}

void attached_take_signals(struct attached *a)
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
