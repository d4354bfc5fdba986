/* Where the values of each run come from: the words of the command line, in all combinations, or what is read from a
 * descriptor, as it comes. */
#ifndef TASKCTL_EACH_INPUT_H
#define TASKCTL_EACH_INPUT_H

#include <stdbool.h>
#include <stddef.h>

struct each_input;

struct each_source {
	char **words;
	size_t n;
};
enum each_next {
	EACH_VALUES,
	EACH_WAIT, /* there is nothing yet: each_input_fd will be readable */
	EACH_END,
	EACH_BAD,    /* one that is no value; each_input_reason says why, and the next call goes on */
	EACH_BROKEN, /* it cannot be read; so does errno */
};

/* All combinations of a word of each source, the last one's changing fastest. Borrows the words. */
struct each_input *each_input_of_words(const struct each_source *sources, size_t n);
/* What ends with SEPARATOR, each; the last may go without. Borrows FD. */
struct each_input *each_input_of_fd(int fd, char separator);
void each_input_free(struct each_input *input);
/* The next ones: *values has *n, valid until the next call. Never waits. */
enum each_next each_input_next(struct each_input *input, char ***values, size_t *n);
/* What there is to read has not been looked at since: call it when the descriptor is readable. */
void each_input_readable(struct each_input *input);
int each_input_fd(const struct each_input *input); /* -1: it never waits */
size_t each_input_sources(const struct each_input *input);
/* How many there will be; 0: not known yet. */
size_t each_input_total(const struct each_input *input);
const char *each_input_reason(const struct each_input *input);

#endif
