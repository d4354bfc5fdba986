/* bash: one function that finds the command and the place of the word, and takes what fits from the tables. It needs
 * nothing of the package bash-completion. */
#include <stdio.h>
#include <string.h>

#include "client/taskctl/completion.h"

static const char *kind_name(enum complete complete)
{
	switch (complete) {
	case COMPLETE_NOTHING: return "none";
	case COMPLETE_FILE: return "file";
	case COMPLETE_TASK:
	case COMPLETE_ID:
	case COMPLETE_QUEUE:
	case COMPLETE_POOL:
	case COMPLETE_SCHEDULE:
	case COMPLETE_LOCK:
	case COMPLETE_SEMAPHORE:
	case COMPLETE_EVENT:
	case COMPLETE_BARRIER:
	case COMPLETE_MQ: return completion_words_name(complete);
	case COMPLETE_COMMAND: return "command";
	case COMPLETE_PROGRAM: return "program";
	case COMPLETE_WORDS: return "words";
	}
	return "none";
}

static void print_words(const char *const *words)
{
	for (int i = 0; words && words[i]; i++)
		printf("%s%s", i > 0 ? " " : "", words[i]);
}

static void print_option_names(const struct option_spec *specs)
{
	for (const struct option_spec *s = specs; s && s->name; s++) {
		if (s->letter)
			printf(" -%c", s->letter);
		printf(" --%s", s->name);
	}
}

/* As a pattern of case: "queue\ add". */
static void print_pattern(const char *name)
{
	for (; *name; name++)
		printf(*name == ' ' ? "\\%c" : "%c", *name);
}

/* "submit:--queue | submit:-Q) kind=queues ;;" for what an option takes. */
static void print_arguments(const char *command, const struct option_spec *specs)
{
	for (const struct option_spec *s = specs; s && s->name; s++) {
		if (s->type == OPTION_FLAG)
			continue;
		putchar('\t');
		print_pattern(command);
		printf(":--%s", s->name);
		if (s->letter) {
			fputs(" | ", stdout);
			print_pattern(command);
			printf(":-%c", s->letter);
		}
		printf(") kind=%s", kind_name(s->complete));
		if (s->words) {
			printf(" words='");
			print_words(s->words);
			putchar('\'');
		}
		puts(" ;;");
	}
}

/* The options whose next word is their argument. */
static void print_takers(void)
{
	puts("\t\t*:-s | *:--socket) daemon=(-s \"${COMP_WORDS[i + 1]}\"); ((i++)) ;;");
	printf("\t\t*:--connect-timeout | *:--color");
	for (int i = 0; commands[i]; i++) {
		for (const struct option_spec *s = commands[i]->options; s && s->name; s++) {
			if (s->type == OPTION_FLAG)
				continue;
			printf(" | ");
			print_pattern(commands[i]->name);
			printf(":--%s", s->name);
			if (!s->letter)
				continue;
			printf(" | ");
			print_pattern(commands[i]->name);
			printf(":-%c", s->letter);
		}
	}
	puts(") ((i++)) ;;");
}

/* The commands after one of whose operands nothing is an option of ours. */
static void print_enders(void)
{
	for (int i = 0; commands[i]; i++) {
		if (!commands[i]->own_from)
			continue;
		fputs("\t\t", stdout);
		print_pattern(commands[i]->name);
		printf(") ((operands >= %d)) && options_over=1 && break ;;\n", commands[i]->own_from);
	}
}

static void print_command(const struct command *c)
{
	putchar('\t');
	print_pattern(c->name);
	printf(") first=%s second=%s rest=%s", kind_name(c->first),
		kind_name(c->second == COMPLETE_NOTHING ? c->rest : c->second), kind_name(c->rest));
	if (c->words) {
		printf(" words='");
		print_words(c->words);
		putchar('\'');
	}
	printf(" options='");
	print_option_names(c->options);
	print_option_names(global_options);
	puts("' ;;");
}

/* The first of two words: the second ones are what follows. */
static void print_group(const char *group)
{
	printf("\t%s) first=words words='", group);
	for (int i = 0; commands[i]; i++)
		if (commands[i]->group && strcmp(commands[i]->group, group) == 0)
			printf("%s ", command_word(commands[i]));
	printf("' options='");
	print_option_names(global_options);
	puts("' ;;");
}

static void print_commands(void)
{
	printf("\t'') kind=command options='");
	print_option_names(global_options);
	puts("' ;;");
	for (int i = 0; commands[i]; i++) {
		if (command_begins_group(i))
			print_group(commands[i]->group);
		print_command(commands[i]);
	}
}

/* Both words of a name are the command. */
static void print_joining(void)
{
	const char *before = "\t\tcase \"$command $1\" in\n\t\t";

	for (int i = 0; commands[i]; i++) {
		if (!commands[i]->group)
			continue;
		fputs(before, stdout);
		print_pattern(commands[i]->name);
		before = " | ";
	}
	puts(") ((operands == 0)) && command=\"$command $1\" && return ;;\n\t\tesac");
}

void completion_bash(void)
{
	puts("# bash completion for taskctl(1), made by \"taskctl completion bash\"\n\n"
	     "# A word that is no option: the command, or one of its operands.\n"
	     "_taskctl_word()\n"
	     "{\n"
	     "\tif [[ $command ]]; then");
	print_joining();
	puts("\t\t((operands++))\n"
	     "\telse\n"
	     "\t\tcommand=$1\n"
	     "\tfi\n"
	     "}\n\n"
	     "_taskctl()\n"
	     "{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	     "\tlocal command='' kind='' words='' list='' options='' first=none second=none rest=none i operands=0 options_over=''\n"
	     "\tlocal -a daemon=()\n\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase $command:${COMP_WORDS[i]} in");
	print_takers();
	puts("\t\t*:-*) ;;\n"
	     "\t\t*) _taskctl_word \"${COMP_WORDS[i]}\" ;;\n"
	     "\t\tesac");
	puts("\t\tcase $command in");
	print_enders();
	puts("\t\tesac\n"
	     "\tdone\n"
	     "\tcase $command in");
	print_commands();
	puts("\tesac\n"
	     "\tif [[ $options_over ]]; then\n"
	     "\t\tkind=$rest command='' prev=''\n"
	     "\t\t[[ $cur == -* ]] && return\n"
	     "\telif [[ $command ]]; then\n"
	     "\t\tcase $operands in 0) kind=$first ;; 1) kind=$second ;; *) kind=$rest ;; esac\n"
	     "\tfi\n"
	     "\tcase $command:$prev in");
	for (int i = 0; commands[i]; i++)
		print_arguments(commands[i]->name, commands[i]->options);
	print_arguments("*", global_options);
	puts("\t*) [[ $cur == -* ]] && kind=words words=$options ;;\n"
	     "\tesac\n"
	     "\tcase $kind in\n"
	     "\tfile)\n"
	     "\t\tcompopt -o filenames 2>/dev/null\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	     "\t\treturn ;;");
	printf("\tcommand) words='");
	for (int i = 0; commands[i]; i++)
		if (!commands[i]->group || command_begins_group(i))
			printf("%s%s", i > 0 ? " " : "", commands[i]->group ? commands[i]->group : commands[i]->name);
	puts("' ;;\n"
	     "\tprogram)\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
	     "\t\treturn ;;\n"
	     "\ttasks | ids | queues | pools | schedules | locks | semaphores | events | barriers | mqs)\n"
	     "\t\twords=$(\"${COMP_WORDS[0]}\" \"${daemon[@]}\" -q --connect-timeout 1s completion --words \"$kind\" 2>/dev/null) ;;\n"
	     "\twords) ;;\n"
	     "\t*) return ;;\n"
	     "\tesac\n"
	     "\t# Where a list has begun, its next element.\n"
	     "\t[[ $cur == *,* ]] && list=${cur%,*},\n"
	     "\tmapfile -t COMPREPLY < <(compgen -P \"$list\" -W \"$words\" -- \"${cur##*,}\")\n"
	     "}\n"
	     "complete -F _taskctl taskctl");
}
