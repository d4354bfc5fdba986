/* bash: one function that finds the command and the place of the word, and takes what fits from the tables. It needs
 * nothing of the package bash-completion. */
#include <stdio.h>

#include "client/taskctl/completion.h"

static const char *kind_name(enum complete complete)
{
	switch (complete) {
	case COMPLETE_NOTHING: return "none";
	case COMPLETE_FILE: return "file";
	case COMPLETE_TASK:
	case COMPLETE_ID:
	case COMPLETE_QUEUE: return completion_words_name(complete);
	case COMPLETE_COMMAND: return "command";
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

/* "submit:--queue | submit:-Q) kind=queues ;;" for what an option takes. */
static void print_arguments(const char *command, const struct option_spec *specs)
{
	for (const struct option_spec *s = specs; s && s->name; s++) {
		if (s->type == OPTION_FLAG)
			continue;
		printf("\t%s:--%s", command, s->name);
		if (s->letter)
			printf(" | %s:-%c", command, s->letter);
		printf(") kind=%s", kind_name(s->complete));
		if (s->words) {
			printf(" words='");
			print_words(s->words);
			putchar('\'');
		}
		puts(" ;;");
	}
}

/* The options whose next word is their argument; no letter or name means two things. */
static void print_takers(void)
{
	printf("\t\t-s | --socket) daemon=(-s \"${COMP_WORDS[i + 1]}\"); ((i++)) ;;\n\t\t--connect-timeout | --color");
	for (int i = 0; commands[i]; i++) {
		for (const struct option_spec *s = commands[i]->options; s && s->name; s++) {
			if (s->type == OPTION_FLAG)
				continue;
			printf(" | --%s", s->name);
			if (s->letter)
				printf(" | -%c", s->letter);
		}
	}
	puts(") ((i++)) ;;");
}

static void print_commands(void)
{
	printf("\t'') kind=command options='");
	print_option_names(global_options);
	puts("' ;;");
	for (int i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		printf("\t%s) first=%s rest=%s", c->name, kind_name(c->first), kind_name(c->rest));
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
}

void completion_bash(void)
{
	puts("# bash completion for taskctl(1), made by \"taskctl completion bash\"\n"
	     "_taskctl()\n"
	     "{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	     "\tlocal command='' kind='' words='' options='' first=none rest=none i operands=0\n"
	     "\tlocal -a daemon=()\n\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase ${COMP_WORDS[i]} in");
	print_takers();
	puts("\t\t-*) ;;\n"
	     "\t\t*) if [[ $command ]]; then ((operands++)); else command=${COMP_WORDS[i]}; fi ;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tcase $command in");
	print_commands();
	puts("\tesac\n"
	     "\tif [[ $command ]]; then\n"
	     "\t\tif ((operands == 0)); then kind=$first; else kind=$rest; fi\n"
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
		printf("%s%s", i > 0 ? " " : "", commands[i]->name);
	puts("' ;;\n"
	     "\ttasks | ids | queues)\n"
	     "\t\twords=$(\"${COMP_WORDS[0]}\" \"${daemon[@]}\" -q --connect-timeout 1s completion --words \"$kind\" 2>/dev/null) ;;\n"
	     "\twords) ;;\n"
	     "\t*) return ;;\n"
	     "\tesac\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	     "}\n"
	     "complete -F _taskctl taskctl");
}
