/* taskctl: the command line of taskd. Reads the words, finds the command's record, and runs it. */
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskctl/command.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

/* --json counts for the errors of the command line too, also for those in front of it. */
static bool json_is_asked(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0 && strcmp(argv[i], ":::") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

static bool wants_color(int when, int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when > 1)
		return when == 2;
	return isatty(fd) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

static int group_alone(const struct taskctl *ctl, const char *group)
{
	char words[64], hint[128];

	command_group_words(group, words, sizeof words);
	snprintf(hint, sizeof hint, "usage: taskctl %s %s …", group, words);
	return report_usage(ctl, hint, "%s needs to know what to do", group);
}

static int run(struct taskctl *ctl, const struct global_values *globals, const struct invocation *invocation)
{
	if (globals->version) {
		puts("taskctl " PACKAGE_VERSION);
		return EXIT_FINE;
	}
	if (globals->help) {
		if (invocation->command)
			help_command(invocation->command);
		else if (invocation->group)
			help_group(invocation->group);
		else
			help_overview();
		return EXIT_FINE;
	}
	if (invocation->group && !invocation->command)
		return group_alone(ctl, invocation->group);
	if (!invocation->command)
		return report_usage(ctl, "\"taskctl help\" shows all commands", "a COMMAND is missing");
	ctl->reconnects = invocation->command->reconnects;
	ctl->group = invocation->command->group;
	return invocation->command->run(ctl, invocation);
}

/* One of the standard descriptors that we were started without would become whatever is opened next. What stands in for
 * it can be neither read nor written, as before. */
static void keep_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
			_exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
	struct global_values globals = { 0 };
	struct invocation invocation = { 0 };
	struct writer writer = { 0 };
	struct taskctl ctl = { .writer = &writer, .json = json_is_asked(argc, argv) };
	int status;

	keep_standard_descriptors();
	/* For the width of what is in tables, which is UTF-8 wherever it is shown; numbers stay as they are in JSON. */
	if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	/* A reader that has seen enough ends us, also where we were started without the signal. */
	ctl.pipe_ignored = signal(SIGPIPE, SIG_DFL) == SIG_IGN;
	ctl.color_stderr = wants_color(0, STDERR_FILENO);
	status = command_line_parse(&ctl, argc, argv, &globals, &invocation);
	if (status == EXIT_FINE) {
		ctl.json = globals.json;
		ctl.quiet = globals.quiet;
		ctl.connect_timeout_ns = globals.connect_timeout_ns;
		ctl.reconnect_ns = globals.reconnect_ns.given ? globals.reconnect_ns.value : RECONNECT_NS;
		ctl.waits_for_daemon = globals.reconnect_ns.given;
		ctl.color_stdout = wants_color(globals.color, STDOUT_FILENO);
		ctl.color_stderr = wants_color(globals.color, STDERR_FILENO);
		ctl.socket = must(taskd_socket_path(globals.socket));
		ctl.socket_given = globals.socket != NULL;
		writer.ops = ctl.json ? &writer_json : &writer_text;
		writer.terminal = isatty(STDOUT_FILENO);
		writer.color = ctl.color_stdout;
		status = run(&ctl, &globals, &invocation);
		write_flush();
	}
	invocation_free(&invocation);
	taskd_future_free(ctl.identity);
	taskd_close(ctl.connection);
	free(ctl.socket);
	return status;
}
