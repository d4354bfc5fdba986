/* What a template is made of; for the files that make it and expand it. */
#ifndef CONFIG_TEMPLATE_PARTS_H
#define CONFIG_TEMPLATE_PARTS_H

#include "config/template.h"

#include <stdbool.h>
#include <stddef.h>

#include "proto/strbuf.h"

enum parameter_type { PARAMETER_STRING, PARAMETER_INTEGER, PARAMETER_NUMBER, PARAMETER_PATH, PARAMETER_WORD };
struct parameter {
	char *name;
	enum parameter_type type;
	char **words; /* PARAMETER_WORD: which; ends with NULL */
	bool list;
	bool optional;
	char *initial; /* where it is absent; NULL: a list of none */
	bool used;     /* it has a place */
	bool secret;   /* what is given for it is shown to nobody */
};
/* A part of a word: text, or the place of a parameter. */
struct piece {
	char *text; /* NULL: a place */
	size_t parameter;
};
struct word {
	struct piece *pieces;
	size_t n_pieces;
	bool list; /* it is the place of a list, alone: each element is a word */
};
struct variable {
	char *name;
	struct word value;
};
struct template {
	struct parameter *parameters;
	size_t n_parameters;
	struct word *argv;
	size_t n_argv;
	struct variable *env;
	size_t n_env;
	struct word cwd; /* of no pieces where there is none */
	struct word stdin_file;
	char *fixed; /* members of exec's arguments that are always the same, each with a comma before it */
	char *shown; /* the parameters, for people */
};

/* --- template_words.c --- */
/* Cuts TEXT at blanks, as a shell does: quotes and backslashes. BRACES: a backslash before a brace doubles that, as a word
 * has it. malloc'ed, ends with NULL; NULL: *error (malloc'ed). */
char **words_split(const char *text, bool braces, size_t *n, char **error);
void words_free(char **words);
/* TEXT with its places. NULL, or what is wrong (malloc'ed). */
char *word_parse(struct template *template, const char *text, struct word *out);
void word_clear(struct word *word);

/* --- template_parameters.c --- */
/* Reads the key `parameters` into TEMPLATE. NULL, or what is wrong (malloc'ed). */
char *parameters_parse(struct template *template, const char *text);
void parameters_free(struct template *template);
/* As NAME, of which LENGTH bytes count. -1: there is none. */
long parameter_find(const struct template *template, const char *name, size_t length);
/* Whether TEXT may be PARAMETER's value. Else -1, and what it must be is in ERROR. */
int parameter_check(const struct parameter *parameter, const char *text, char *error, size_t error_size);
/* "input: path, size: integer = 128" */
void parameters_show(const struct template *template, struct strbuf *out);

#endif
