/* The command line, read by the tables of options. Not getopt_long: an argument may be a negative number, what follows
 * a map's ":::" is never an option, nor what follows the command of a run, the options that all commands share stand on
 * either side of the command's name, and a word that is not known gets its "did you mean". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/command.h"
#include "client/taskctl/secret.h"
#include "client/taskctl/taskctl.h"
#include "proto/suggest.h"

struct parser {
	const struct taskctl *ctl;
	int argc, next;
	char **argv;
	struct global_values *globals;
	struct invocation *invocation;
};

/* An option's record, and the struct that its value goes to. */
struct match {
	const struct option_spec *spec;
	void *values;
};

static bool match_in(const struct option_spec *specs, void *values, const char *name, size_t length, char letter,
	struct match *match)
{
	for (const struct option_spec *s = specs; s && s->name; s++) {
		if (name ? strlen(s->name) == length && strncmp(s->name, name, length) == 0 : s->letter == letter) {
			*match = (struct match){ .spec = s, .values = values };
			return true;
		}
	}
	return false;
}

/* By its long name, or where NAME is NULL by its letter. The command's own come first. */
static bool match_option(const struct parser *p, const char *name, size_t length, char letter, struct match *match)
{
	const struct command *command = p->invocation->command;

	if (command && match_in(command->options, p->invocation->values, name, length, letter, match))
		return true;
	return match_in(global_options, p->globals, name, length, letter, match);
}

static int unknown_option(const struct parser *p, const char *word)
{
	const struct command *command = p->invocation->command;
	struct suggest suggest;
	char name[64], hint[160];

	snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
	suggest_begin(&suggest, name + strspn(name, "-"));
	for (const struct option_spec *s = command ? command->options : NULL; s && s->name; s++)
		suggest_offer(&suggest, s->name);
	for (const struct option_spec *s = global_options; s->name; s++)
		suggest_offer(&suggest, s->name);
	if (suggest.best)
		snprintf(hint, sizeof hint, "did you mean --%s?", suggest.best);
	else if (command)
		snprintf(hint, sizeof hint,
			"\"taskctl help %s\" shows its options; an argument that starts with - goes after --",
			command->name);
	else
		snprintf(hint, sizeof hint, "options of a command go after its name; \"taskctl help\" shows all");
	return report_usage(
		p->ctl, hint, "%s%sunknown option %s", command ? command->name : "", command ? ": " : "", name);
}

/* The argument of an option: what stands behind it, else the next word. */
static int take_argument(struct parser *p, const struct match *match, char *attached)
{
	int status;

	if (!attached) {
		if (p->next >= p->argc)
			return report_usage(
				p->ctl, NULL, "--%s needs its %s", match->spec->name, match->spec->argument);
		attached = p->argv[p->next++];
	}
	status = option_set(p->ctl, match->spec, match->values, attached);
	if (match->spec->hidden)
		secret_hide_value(attached);
	return status;
}

static int parse_long(struct parser *p, char *word)
{
	char *name = word + 2, *equals = strchr(name, '=');
	struct match match;

	if (!match_option(p, name, equals ? (size_t)(equals - name) : strlen(name), 0, &match))
		return unknown_option(p, word);
	if (match.spec->type != OPTION_FLAG)
		return take_argument(p, &match, equals ? equals + 1 : NULL);
	if (equals)
		return report_usage(p->ctl, NULL, "--%s takes no value", match.spec->name);
	return option_set(p->ctl, match.spec, match.values, NULL);
}

/* "-rq", "-sPATH", "-s PATH" */
static int parse_letters(struct parser *p, char *word)
{
	for (char *letter = word + 1; *letter; letter++) {
		struct match match;
		int status;

		if (!match_option(p, NULL, 0, *letter, &match))
			return unknown_option(p, word);
		if (match.spec->type != OPTION_FLAG)
			return take_argument(p, &match, letter[1] ? letter + 1 : NULL);
		status = option_set(p->ctl, match.spec, match.values, NULL);
		if (status != EXIT_FINE)
			return status;
	}
	return EXIT_FINE;
}

static int unknown_command(const struct parser *p, const char *word)
{
	const char *group = p->invocation->group, *near = command_suggest(group, word);
	char hint[96];

	if (near)
		snprintf(hint, sizeof hint, "did you mean %s%s%s?", group ? group : "", group ? " " : "", near);
	else if (group)
		snprintf(hint, sizeof hint, "\"taskctl help %s\" shows what there is", group);
	else
		snprintf(hint, sizeof hint, "\"taskctl help\" shows all commands");
	return report_usage(p->ctl, hint, "unknown command \"%s%s%s\"", group ? group : "", group ? " " : "", word);
}

/* The command's name, or one word of it. */
static int begin_command(struct parser *p, const char *word)
{
	struct invocation *invocation = p->invocation;
	char name[64];

	if (invocation->group)
		snprintf(name, sizeof name, "%s %s", invocation->group, word);
	invocation->command = command_find(invocation->group ? name : word);
	if (!invocation->command && !invocation->group) {
		invocation->group = command_find_group(word);
		if (invocation->group)
			return EXIT_FINE;
	}
	if (!invocation->command)
		return unknown_command(p, word);
	invocation->values = must(calloc(1, invocation->command->values_size + 1));
	return EXIT_FINE;
}

/* "-" is standard input, "-5" a number, but for the command that has an option of that letter. */
static bool is_option(const struct parser *p, const char *word)
{
	struct match match;

	if (word[0] != '-' || !word[1])
		return false;
	return !(word[1] >= '0' && word[1] <= '9') || match_option(p, NULL, 0, word[1], &match);
}

static int check_operands(const struct parser *p)
{
	const struct invocation *invocation = p->invocation;
	const struct command *command = invocation->command;
	char hint[160];

	if (!command || p->globals->help)
		return EXIT_FINE;
	/* A file's name may be any bytes; what may be one has a check of its own where it is none. */
	for (int i = 0; i < invocation->n_operands; i++)
		if (!text_is_utf8(invocation->operands[i]) &&
			(i == 0 ? command->first : command->rest) != COMPLETE_FILE)
			return report_usage(p->ctl, NULL, "%s: one of its words is not UTF-8", command->name);
	snprintf(hint, sizeof hint, "usage: taskctl %s%s%s%s", command->name, command->options ? " [OPTION…]" : "",
		*command->operands ? " " : "", command->operands);
	if (invocation->n_operands < command->min_operands)
		return report_usage(p->ctl, hint, "%s needs %s", command->name, command->missing);
	if (command->max_operands >= 0 && invocation->n_operands > command->max_operands)
		return report_usage(p->ctl, hint, "%s: \"%s\" is one too many", command->name,
			invocation->operands[command->max_operands]);
	return EXIT_FINE;
}

int command_line_parse(
	const struct taskctl *ctl, int argc, char **argv, struct global_values *globals, struct invocation *invocation)
{
	struct parser p = {
		.ctl = ctl,
		.argc = argc,
		.argv = argv,
		.next = 1,
		.globals = globals,
		.invocation = invocation,
	};
	bool options_over = false;
	int status = EXIT_FINE;

	invocation->operands = must(calloc((size_t)argc + 1, sizeof *invocation->operands));
	while (p.next < argc && status == EXIT_FINE) {
		char *word = argv[p.next++];
		const struct command *command = invocation->command;

		if (!options_over && strcmp(word, "--") == 0) {
			options_over = true;
		} else if (!options_over && is_option(&p, word)) {
			status = word[1] == '-' ? parse_long(&p, word) : parse_letters(&p, word);
		} else if (!command) {
			status = begin_command(&p, word);
		} else {
			options_over |= invocation->n_operands + 1 == command->own_from ||
				(command->separator && strcmp(word, command->separator) == 0);
			invocation->operands[invocation->n_operands++] = word;
		}
	}
	return status == EXIT_FINE ? check_operands(&p) : status;
}

void invocation_free(struct invocation *invocation)
{
	if (invocation->command)
		options_free(invocation->command->options, invocation->values);
	free(invocation->values);
	free(invocation->operands);
}
