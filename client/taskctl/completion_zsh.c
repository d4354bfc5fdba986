/* zsh: a spec of _arguments for each option and operand. */
#include <stdio.h>
#include <string.h>

#include "client/taskctl/completion.h"

/* Within '…[ ]' and '…: …': the quote ends the word, the others a part of the spec. */
static void print_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (*text == ':' || *text == '[' || *text == ']' || *text == '\\')
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void print_action(enum complete complete, const char *const *words)
{
	switch (complete) {
	case COMPLETE_NOTHING:
		putchar(' ');
		return;
	case COMPLETE_FILE:
		fputs("_files", stdout);
		return;
	case COMPLETE_TASK:
	case COMPLETE_ID:
	case COMPLETE_QUEUE:
	case COMPLETE_POOL:
	case COMPLETE_SCHEDULE:
	case COMPLETE_LOCK:
	case COMPLETE_SEMAPHORE:
	case COMPLETE_EVENT:
	case COMPLETE_BARRIER:
	case COMPLETE_MQ:
		printf("{_taskctl_words %s}", completion_words_name(complete));
		return;
	case COMPLETE_COMMAND:
		fputs("_taskctl_commands", stdout);
		return;
	case COMPLETE_PROGRAM:
		fputs("_command_names -e", stdout);
		return;
	case COMPLETE_WORDS:
		putchar('(');
		for (int i = 0; words && words[i]; i++)
			printf("%s%s", i > 0 ? " " : "", words[i]);
		putchar(')');
		return;
	}
}

static void print_options(const char *indent, const struct option_spec *specs)
{
	for (const struct option_spec *s = specs; s && s->name; s++) {
		fputs(indent, stdout);
		if (s->type == OPTION_LIST || s->type == OPTION_ITEMS)
			printf("'*--%s[", s->name);
		else if (s->letter)
			printf("'(-%c --%s)'{-%c,--%s}'[", s->letter, s->name, s->letter, s->name);
		else
			printf("'--%s[", s->name);
		print_escaped(s->summary);
		putchar(']');
		if (s->type != OPTION_FLAG) {
			printf(":%s:", s->argument);
			print_action(s->complete, s->words);
		}
		puts("' \\");
	}
}

static void print_operand(const char *indent, const char *place, const struct command *c, enum complete complete)
{
	printf("%s'%s:", indent, place);
	print_escaped(*c->operands ? c->operands : "nothing more");
	putchar(':');
	print_action(complete, c->words);
	putchar('\'');
}

static void print_command(const struct command *c)
{
	printf("\t%s)\n\t\t_arguments -S $globals \\\n", command_word(c));
	print_options("\t\t\t", c->options);
	if (c->own_from > 1) {
		/* What follows is completed as if it stood alone. */
		print_operand("\t\t\t", "1", c, c->first);
		puts(" \\\n\t\t\t'(-)*:::COMMAND:_normal' ;;");
		return;
	}
	if (c->own_from) {
		print_operand("\t\t\t", "(-)1", c, c->first);
		puts(" \\\n\t\t\t'*:: :_normal' ;;");
		return;
	}
	print_operand("\t\t\t", "1", c, c->first);
	if (c->second != COMPLETE_NOTHING)
		print_operand(" \\\n\t\t\t", "2", c, c->second);
	print_operand(" \\\n\t\t\t", "*", c, c->rest);
	puts(" ;;");
}

/* The second words, each as a command. */
static void print_group(int first)
{
	const char *group = commands[first]->group;

	printf("\t%s)\n\t\t_arguments -C $globals '1:%s:(", group, group);
	for (int i = first; commands[i] && commands[i]->group && strcmp(commands[i]->group, group) == 0; i++)
		printf(" %s", command_word(commands[i]));
	puts(")' '*::argument:->argument' && return\n\tcase $words[1] in");
	for (int i = first; commands[i] && commands[i]->group && strcmp(commands[i]->group, group) == 0; i++)
		print_command(commands[i]);
	puts("\tesac ;;");
}

static void print_names(void)
{
	for (int i = 0; commands[i]; i++) {
		if (commands[i]->group && !command_begins_group(i))
			continue;
		printf("\t\t'%s:", commands[i]->group ? commands[i]->group : commands[i]->name);
		print_escaped(commands[i]->group ? "…" : commands[i]->summary);
		puts("'");
	}
}

void completion_zsh(void)
{
	puts("#compdef taskctl\n"
	     "# zsh completion for taskctl(1), made by \"taskctl completion zsh\"\n\n"
	     "_taskctl_words() {\n"
	     "\tlocal -a words_of_daemon\n"
	     "\twords_of_daemon=(${(f)\"$(taskctl $taskctl_daemon -q --connect-timeout 1s completion --words $1 2>/dev/null)\"})\n"
	     "\tcompadd -a words_of_daemon\n"
	     "}\n\n"
	     "_taskctl_commands() {\n"
	     "\tlocal -a names=(");
	print_names();
	puts("\t)\n"
	     "\t_describe -t commands command names\n"
	     "}\n\n"
	     "_taskctl() {\n"
	     "\tlocal curcontext=$curcontext state state_descr line\n"
	     "\tlocal -a taskctl_daemon globals\n"
	     "\ttypeset -A opt_args\n\n"
	     "\tglobals=( \\");
	print_options("\t\t", global_options);
	puts("\t)\n"
	     "\t_arguments -C $globals '1:command:_taskctl_commands' '*::argument:->argument' && return\n"
	     "\tlocal socket=${opt_args[-s]:-${opt_args[--socket]}}\n"
	     "\t[[ -n $socket ]] && taskctl_daemon=(-s ${(Q)socket})\n"
	     "\tcase $words[1] in");
	for (int i = 0; commands[i]; i++) {
		if (!commands[i]->group)
			print_command(commands[i]);
		else if (command_begins_group(i))
			print_group(i);
	}
	puts("\tesac\n"
	     "}\n\n"
	     "if [[ $funcstack[1] == _taskctl ]]; then\n"
	     "\t_taskctl \"$@\"\n"
	     "else\n"
	     "\tcompdef _taskctl taskctl\n"
	     "fi");
}
