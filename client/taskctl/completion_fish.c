/* fish: one line for each option and command. */
#include <stdio.h>

#include "client/taskctl/completion.h"

static void print_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('\'');
}

static void print_words(const char *const *words)
{
	printf(" -a '");
	for (int i = 0; words && words[i]; i++)
		printf("%s%s", i > 0 ? " " : "", words[i]);
	putchar('\'');
}

static void print_candidates(enum complete complete, const char *const *words)
{
	switch (complete) {
	case COMPLETE_NOTHING:
		return;
	case COMPLETE_FILE:
		printf(" -F");
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
		printf(" -a '(__taskctl_words %s)'", completion_words_name(complete));
		return;
	case COMPLETE_COMMAND:
		printf(" -a \"$__taskctl_commands\"");
		return;
	case COMPLETE_PROGRAM:
		/* What may be an option is no program's name, and would be one of complete's own here. */
		printf(" -a '(string match -q -- \"-*\" (commandline -ct); "
		       "or complete --do-complete=(commandline -ct))'");
		return;
	case COMPLETE_WORDS:
		print_words(words);
		return;
	}
}

static void print_options(const struct command *command, const struct option_spec *specs)
{
	char place[24] = "";

	if (command && command->own_from)
		snprintf(place, sizeof place, " before %d", command->own_from);

	for (const struct option_spec *s = specs; s && s->name; s++) {
		printf("complete -c taskctl");
		if (command)
			printf(" -n '__taskctl_at \"%s\"%s'", command->name, place);
		if (s->letter)
			printf(" -s %c", s->letter);
		printf(" -l %s", s->name);
		if (s->type != OPTION_FLAG) {
			printf(s->complete == COMPLETE_FILE ? " -r" : " -x");
			print_candidates(s->complete, s->words);
		}
		printf(" -d ");
		print_quoted(s->summary);
		putchar('\n');
	}
}

/* The options whose next word is their argument: 'submit --queue', and of all commands '--socket'. */
static void print_takers(const char *command, const struct option_spec *specs)
{
	const char *space = *command ? " " : "";

	for (const struct option_spec *s = specs; s && s->name; s++) {
		if (s->type == OPTION_FLAG)
			continue;
		printf(" '%s%s--%s'", command, space, s->name);
		if (s->letter)
			printf(" '%s%s-%c'", command, space, s->letter);
	}
}

static void print_lists(void)
{
	printf("\nset -g __taskctl_takers");
	print_takers("", global_options);
	for (int i = 0; commands[i]; i++)
		print_takers(commands[i]->name, commands[i]->options);
	printf("\nset -g __taskctl_pairs");
	for (int i = 0; commands[i]; i++)
		if (commands[i]->group)
			printf(" '%s'", commands[i]->name);
	printf("\nset -g __taskctl_enders");
	for (int i = 0; commands[i]; i++)
		if (commands[i]->own_from)
			printf(" '%s %d'", commands[i]->name, commands[i]->own_from);
}

static void print_functions(void)
{
	printf("set -g __taskctl_commands");
	for (int i = 0; commands[i]; i++)
		if (!commands[i]->group || command_begins_group(i))
			printf(" %s", commands[i]->group ? commands[i]->group : commands[i]->name);
	print_lists();
	puts("\n\n"
	     "# The words that are no options: the command and its operands.\n"
	     "function __taskctl_operands\n"
	     "\tset -l skip 0\n"
	     "\tset -l command ''\n"
	     "\tset -l over 0\n"
	     "\tset -l given 0\n"
	     "\tfor word in (commandline -opc)[2..-1]\n"
	     "\t\tif test $skip = 1\n"
	     "\t\t\tset skip 0\n"
	     "\t\telse if test $over = 1\n"
	     "\t\t\techo $word\n"
	     "\t\telse if contains -- $word $__taskctl_takers; or contains -- \"$command $word\" $__taskctl_takers\n"
	     "\t\t\tset skip 1\n"
	     "\t\telse if not string match -q -- '-*' $word\n"
	     "\t\t\techo $word\n"
	     "\t\t\tif contains -- \"$command $word\" $__taskctl_pairs\n"
	     "\t\t\t\tset command \"$command $word\"\n"
	     "\t\t\telse if test -z \"$command\"\n"
	     "\t\t\t\tset command $word\n"
	     "\t\t\telse\n"
	     "\t\t\t\tset given (math $given + 1)\n"
	     "\t\t\tend\n"
	     "\t\t\tif contains -- \"$command $given\" $__taskctl_enders\n"
	     "\t\t\t\tset over 1\n"
	     "\t\t\tend\n"
	     "\t\tend\n"
	     "\tend\n"
	     "end\n\n"
	     "# Whether the command is this one, of one word or two; with a place: and this operand of it is wanted, or one\n"
	     "# before it.\n"
	     "function __taskctl_at\n"
	     "\tset -l operands (__taskctl_operands)\n"
	     "\tset -l words (string split ' ' -- $argv[1])\n"
	     "\tset -l n (count $words)\n"
	     "\ttest (count $operands) -ge $n; or return 1\n"
	     "\ttest \"$operands[1..$n]\" = \"$argv[1]\"; or return 1\n"
	     "\tset -l given (math (count $operands) - $n)\n"
	     "\tswitch \"$argv[2]\"\n"
	     "\t\tcase before\n"
	     "\t\t\ttest $given -lt $argv[3]\n"
	     "\t\tcase first\n"
	     "\t\t\ttest $given = 0\n"
	     "\t\tcase second\n"
	     "\t\t\ttest $given = 1\n"
	     "\t\tcase rest\n"
	     "\t\t\ttest $given -gt 1\n"
	     "\tend\n"
	     "end\n\n"
	     "function __taskctl_words\n"
	     "\ttaskctl -q --connect-timeout 1s completion --words $argv[1] 2>/dev/null\n"
	     "end\n");
}

static void print_operands(const struct command *command, const char *place, enum complete complete)
{
	if (complete == COMPLETE_NOTHING)
		return;
	printf("complete -c taskctl -n '__taskctl_at \"%s\" %s'", command->name, place);
	print_candidates(complete, command->words);
	putchar('\n');
}

static void print_name(const struct command *command, int index)
{
	static const char top[] = "complete -c taskctl -n 'test (count (__taskctl_operands)) = 0' -a %s -d ";

	if (command_begins_group(index)) {
		printf(top, command->group);
		printf("'%s …'\n", command->group);
	}
	if (command->group)
		printf("complete -c taskctl -n '__taskctl_at %s first' -a %s -d ", command->group,
			command_word(command));
	else
		printf(top, command->name);
	print_quoted(command->summary);
	putchar('\n');
}

void completion_fish(void)
{
	puts("# fish completion for taskctl(1), made by \"taskctl completion fish\"");
	print_functions();
	puts("complete -c taskctl -f");
	print_options(NULL, global_options);
	for (int i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		print_name(c, i);
		print_options(c, c->options);
		print_operands(c, "first", c->first);
		print_operands(c, "second", c->second == COMPLETE_NOTHING ? c->rest : c->second);
		print_operands(c, "rest", c->rest);
	}
}
