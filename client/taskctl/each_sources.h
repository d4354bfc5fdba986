/* The words of a run --each: which are the command, and which are values. */
#ifndef TASKCTL_EACH_SOURCES_H
#define TASKCTL_EACH_SOURCES_H

#include "client/taskctl/each_input.h"

#define EACH_MARK ":::"

/* "CMD {} ::: a b ::: 1 2", or the values first: "::: a b ::: 1 2 -- CMD {}", in which the command may have marks of
 * its own. All are borrowed from the words; SOURCES has room for each_marks of these. */
struct each_words {
	char **command;
	size_t n_command;
	struct each_source *sources;
	size_t n_sources; /* 0: there was no mark */
};
size_t each_marks(char *const *words, size_t n);
void each_words_split(char **words, size_t n, struct each_words *out);

#endif
