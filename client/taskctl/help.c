/* --help: from the records of the commands, so it cannot say what is not so. */
#include <stdio.h>
#include <string.h>

#include "client/taskctl/command.h"
#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"

/* "  -s, --socket SOCKET"; the length. */
static int option_heading(const struct option_spec *spec, char *buf, size_t size)
{
	char letter[8] = "    ";

	if (spec->letter)
		snprintf(letter, sizeof letter, "-%c, ", spec->letter);
	return snprintf(buf, size, "  %s--%s%s%s", letter, spec->name, spec->argument ? " " : "",
		spec->argument ? spec->argument : "");
}

static void print_options(const char *title, const struct option_spec *specs)
{
	char heading[80];
	int width = 0;

	for (const struct option_spec *s = specs; s->name; s++) {
		int length = option_heading(s, heading, sizeof heading);

		width = length > width ? length : width;
	}
	printf("\n%s:\n", title);
	for (const struct option_spec *s = specs; s->name; s++) {
		option_heading(s, heading, sizeof heading);
		printf("%-*s  %s\n", width, heading, s->summary);
	}
}

void help_overview(void)
{
	int width = 0;

	for (int i = 0; commands[i]; i++)
		if ((int)strlen(commands[i]->name) > width)
			width = (int)strlen(commands[i]->name);
	puts("usage: taskctl [-s SOCKET] [--json] [-q] COMMAND …\n\n"
	     "Hands named tasks to taskd, which runs them in processes that wait for them.\n\n"
	     "Commands:");
	for (int i = 0; commands[i]; i++)
		printf("  %-*s  %s\n", width, commands[i]->name, commands[i]->summary);
	print_options("Options, before a command's name or after it", global_options);
	puts("\n\"taskctl help COMMAND\" explains one; taskctl(1) has it all. To begin with:\n\n"
	     "  $ taskctl tasks                    what can be submitted\n"
	     "  $ taskctl call fib 30              run it, and wait for the result\n"
	     "  $ taskctl submit fib 30            run it some time; prints the id, for taskctl result");
}

static void print_usage(const struct command *command)
{
	printf("usage: taskctl %s%s%s%s\n\n", command->name, command->options ? " [OPTION…]" : "",
		*command->operands ? " " : "", command->operands);
	printf("%s.\n", command->summary);
	if (command->help)
		printf("\n%s\n", command->help);
	if (command->options)
		print_options("Options", command->options);
}

void help_command(const struct command *command)
{
	print_usage(command);
	print_options("Options of every command", global_options);
}

void help_group(const char *group)
{
	char words[64];

	command_group_words(group, words, sizeof words);
	printf("usage: taskctl %s %s …\n", group, words);
	for (int i = 0; commands[i]; i++) {
		if (commands[i]->group && strcmp(commands[i]->group, group) == 0) {
			putchar('\n');
			print_usage(commands[i]);
		}
	}
	print_options("Options of every command", global_options);
}

/* "help queue add" and "help queue", too. */
static int run_help(struct taskctl *ctl, const struct invocation *invocation)
{
	const char *word = invocation->operands[0], *group, *near;
	const struct command *command;
	char name[64], hint[96];

	if (invocation->n_operands == 0) {
		help_overview();
		return EXIT_FINE;
	}
	group = command_find_group(word);
	if (group && invocation->n_operands == 1) {
		help_group(group);
		return EXIT_FINE;
	}
	if (invocation->n_operands > 1) {
		snprintf(name, sizeof name, "%s %s", word, invocation->operands[1]);
		word = name;
	}
	command = command_find(word);
	if (command) {
		help_command(command);
		return EXIT_FINE;
	}
	near = command_suggest(group, invocation->operands[group ? 1 : 0]);
	if (near)
		snprintf(hint, sizeof hint, "did you mean %s%s%s?", group ? group : "", group ? " " : "", near);
	return report_usage(ctl, near ? hint : NULL, "there is no command \"%s\"", word);
}

const struct command command_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.summary = "Explain a command, or list all",
	.max_operands = 2,
	.first = COMPLETE_COMMAND,
	.run = run_help,
};
