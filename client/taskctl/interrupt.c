/* Ctrl-C while something is waited for. Mostly nothing has to be tidied up for it: a detached task goes on by itself, and
 * those of a map are cancelled by the daemon when the connection goes. So the handler says what it was given to say, and
 * dies of the signal, as the shell expects of a command that was interrupted (its status is 130 there). Where something
 * is to be done first, it is only noted, and the second one is deadly. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/taskctl/progress.h"
#include "client/taskctl/taskctl.h"

static char saying[1024];
static volatile sig_atomic_t saying_length;
static int noted = -1;

static void interrupted(int signal_number)
{
	progress_clear_in_handler();
	if (saying_length > 0) {
		ssize_t written = write(STDERR_FILENO, saying, (size_t)saying_length);

		(void)written;
	}
	/* SA_RESETHAND has put the default back: pending until the handler returns, then it ends the program. */
	raise(signal_number);
}

static void note(int signal_number)
{
	int saved = errno;

	(void)signal_number;
	eventfd_write(noted, 1);
	errno = saved;
}

/* Whether it is set: whoever started us without Ctrl-C (nohup, a background job of a script) means it. */
static bool handle(int signal_number, void (*handler)(int signal_number), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = (int)SA_RESETHAND | flags }, before;

	if (sigaction(signal_number, NULL, &before) < 0 || before.sa_handler == SIG_IGN)
		return false;
	sigemptyset(&action.sa_mask);
	return sigaction(signal_number, &action, NULL) == 0;
}

static bool noted_opened(void)
{
	if (noted < 0)
		noted = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return noted >= 0;
}

int interrupt_noted(void)
{
	return noted_opened() && handle(SIGINT, note, 0) ? noted : -1;
}

int interrupt_noted_while_printing(void)
{
	bool interrupt = noted_opened() && handle(SIGINT, note, SA_RESTART);
	bool end = noted >= 0 && handle(SIGTERM, note, SA_RESTART);

	return interrupt || end ? noted : -1;
}

void interrupt_newline(const struct taskctl *ctl)
{
	if (!ctl->quiet && !ctl->json && isatty(STDERR_FILENO))
		fputc('\n', stderr);
}

void interrupt_die(void)
{
	signal(SIGINT, SIG_DFL);
	raise(SIGINT);
	_exit(128 + SIGINT);
}

void interrupt_says(const struct taskctl *ctl, const char *text)
{
	const char *newline = isatty(STDERR_FILENO) ? "\n" : ""; /* the terminal has put ^C there */
	int length = 0;

	saying_length = 0;
	if (text && ctl->json) {
		json_t *all = json_pack(
			"{s:{s:s,s:s,s:s}}", "error", "kind", "interrupted", "message", "interrupted", "hint", text);
		char *json = json_dumps(all, JSON_COMPACT); /* NULL where the socket's path is no UTF-8 */

		length = snprintf(saying, sizeof saying, "%s%s\n", newline,
			json ? json : "{\"error\":{\"kind\":\"interrupted\"}}");
		free(json);
		json_decref(all);
	} else if (text && !ctl->quiet) {
		length = snprintf(saying, sizeof saying, "%s%s\n", newline, text);
	}
	saying_length = length < (int)sizeof saying ? length : (int)sizeof saying - 1;
	handle(SIGINT, interrupted, 0);
}

void interrupt_says_how_to_return(const struct taskctl *ctl, const char *command, char *const *ids, int n)
{
	char text[900];
	FILE *out = fmemopen(text, sizeof text, "w");

	if (!out)
		return;
	fprintf(out, "task%s", n > 1 ? "s" : "");
	for (int i = 0; i < n && i < 8; i++)
		fprintf(out, "%s %s", i > 0 ? "," : "", ids[i]);
	if (n > 8)
		fprintf(out, " and %d more", n - 8);
	fprintf(out, n > 1 ? " go on; their " : " goes on; its ");
	fprintf(out, n > 1 ? "results: taskctl" : "result: taskctl");
	if (ctl->socket_given)
		fprintf(out, " -s %s", ctl->socket);
	fprintf(out, " %s", command);
	for (int i = 0; i < n && i < 8; i++)
		fprintf(out, " %s", ids[i]);
	if (n > 8)
		fprintf(out, " …");
	if (fclose(out) == 0)
		interrupt_says(ctl, text);
}
