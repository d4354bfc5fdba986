/* A subcommand is a record: what it is called, what it takes, what it does. The parser, --help, the completion and the
 * "did you mean" are made from these records alone. Some commands have names of two words, "queue add"; those that share
 * the first are a group. */
#ifndef TASKCTL_COMMAND_H
#define TASKCTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct taskctl;

/* What the shell can offer in a word's place. */
enum complete {
	COMPLETE_NOTHING,
	COMPLETE_FILE,
	COMPLETE_TASK,
	COMPLETE_ID,
	COMPLETE_QUEUE,
	COMPLETE_POOL,
	COMPLETE_SCHEDULE,
	COMPLETE_LOCK,
	COMPLETE_SEMAPHORE,
	COMPLETE_EVENT,
	COMPLETE_BARRIER,
	COMPLETE_MQ,
	COMPLETE_COMMAND,
	COMPLETE_PROGRAM, /* what the shell itself would run */
	COMPLETE_WORDS, /* the option's or the command's own `words` */
};

enum option_type {
	OPTION_FLAG,     /* bool */
	OPTION_TEXT,     /* const char *; NULL when absent */
	OPTION_INTEGER,  /* struct option_integer, within min…max */
	OPTION_NUMBER,   /* struct option_number, within min…max */
	OPTION_SIZE,     /* struct option_integer, bytes */
	OPTION_DURATION, /* int64_t ns; 0 when absent */
	OPTION_SPAN,     /* struct option_integer, ns: a duration that may be 0 */
	OPTION_WORD,     /* int: 1 + the index of one of `words`; 0 when absent */
	OPTION_LIST,     /* struct option_list: given several times, or with commas */
	OPTION_ITEMS,    /* struct option_list: given several times; a comma is a part of it */
};
struct option_integer {
	bool given;
	int64_t value;
};
struct option_number {
	bool given;
	double value;
};
struct option_list {
	char **items; /* malloc'ed, and each */
	int n;
};

struct option_spec {
	const char *name; /* the long one, without dashes; NULL ends a table */
	char letter;      /* or 0 */
	enum option_type type;
	size_t offset;        /* in the struct of values */
	const char *argument; /* what its argument is called in the help; NULL for a flag */
	const char *summary;
	enum complete complete;
	bool hidden;              /* OPTION_ITEMS: what is behind its "=" is nobody's business: ps(1) does not show it */
	int64_t min, max;         /* OPTION_INTEGER, OPTION_NUMBER */
	const char *const *words; /* OPTION_WORD, and what COMPLETE_WORDS offers; ends with NULL */
};

struct invocation {
	const struct command *command; /* NULL: there was none on the command line… */
	const char *group;             /* …or only the first word of one; or NULL */
	void *values;                  /* the command's struct of values */
	char **operands;
	int n_operands;
};

struct command {
	const char *name;     /* "submit", "queue add" */
	const char *group;    /* "queue"; NULL: it is in none */
	const char *operands; /* as the usage line shows them: "TASK [ARG…]" */
	const char *summary;  /* one line, an imperative */
	const char *help;     /* paragraphs, at most 80 columns wide; NULL: the summary says it all */
	const struct option_spec *options;
	size_t values_size;
	int min_operands;
	int max_operands;      /* -1: as many as you like */
	const char *missing;   /* what is missing where there are too few: "a TASK" */
	const char *separator; /* a word after which nothing is an option, and which is an operand itself; or NULL */
	bool reconnects;       /* what it asks may be asked again, so it goes on over the daemon's restart */
	int own_from;          /* the operand, from 1, that ends the options: it and all that follows is a program's; 0: none */
	enum complete first, second, rest; /* the operands; a second one that is COMPLETE_NOTHING is as the rest */
	const char *const *words;
	int (*run)(struct taskctl *ctl, const struct invocation *invocation);
};

/* All commands, in the order of the help, those of a group together; ends with NULL. */
extern const struct command *const commands[];
/* NULL where there is none. */
const struct command *command_find(const char *name);
/* The second word of a command of a group, else its name. */
const char *command_word(const struct command *command);
/* Whether commands[INDEX] is the first of its group in the table. */
bool command_begins_group(int index);
/* The group of that name, static; NULL where there is none. */
const char *command_find_group(const char *name);
/* "add|set|remove" for "queue". */
void command_group_words(const char *group, char *buf, size_t size);
/* The nearest to NAME of the words that may stand there: GROUP NULL: the first, else the second of those of the group.
 * Static; NULL where none is near. */
const char *command_suggest(const char *group, const char *name);

/* The options that every command takes, before its name and after. */
struct global_values {
	const char *socket;
	bool json;
	bool quiet;
	int64_t connect_timeout_ns;
	struct option_integer reconnect_ns;
	int color; /* 1 + index of color_words */
	bool help;
	bool version;
};
extern const struct option_spec global_options[];

/* options.c: takes TEXT (NULL for a flag) into the member of VALUES that SPEC names. EXIT_FINE, or it has been reported. */
int option_set(const struct taskctl *ctl, const struct option_spec *spec, void *values, const char *text);
/* Frees what option_set has allocated there. */
void options_free(const struct option_spec *specs, void *values);

/* parse.c: reads the command line. EXIT_FINE, or it has been reported. invocation_free ends it in both cases. */
int command_line_parse(
	const struct taskctl *ctl, int argc, char **argv, struct global_values *globals, struct invocation *invocation);
void invocation_free(struct invocation *invocation);

/* help.c */
void help_overview(void);
void help_command(const struct command *command);
void help_group(const char *group);

#endif
