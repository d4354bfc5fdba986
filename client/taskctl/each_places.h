/* The words of a command with places in them for the values of each run: {} and its kin. Read once, filled in often. */
#ifndef TASKCTL_EACH_PLACES_H
#define TASKCTL_EACH_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct places;

struct place_values {
	char *const *values; /* one of each source */
	size_t n;
	uint64_t number; /* {#}: of this run, from 1 */
};

/* WORDS (N of them, borrowed for its life) for values of N_SOURCES. In a word
 *   {}    the value       {.}  without its extension      {/}  its last component     {//}  what is before that
 *   {/.}  the last component without its extension        {#}  the run's number
 * and the same of one source, counted from 1: {2} {2.} {2/} {2//} {2/.}; those without a number stand for all sources,
 * with spaces between them; where a word is nothing else, each is a word of its own. Braces around anything else are
 * themselves.
 * Where no word has a place, {} comes after the last. NULL: *error (malloc'ed) says why. */
struct places *places_new(char *const *words, size_t n, size_t n_sources, char **error);
void places_free(struct places *places);
/* The command, literally: one block, for free(3), that ends with NULL. */
char **places_argv(const struct places *places, const struct place_values *values);
/* How many words there are, with {} that was put behind them. */
size_t places_count(const struct places *places);
/* Where what places_argv makes of the WORDS, by their places (N of them, in any order), is in it, with N_VALUES: in *OUT,
 * malloc'ed. How many they are. */
size_t places_spread(const struct places *places, size_t n_values, const int *words, size_t n, int **out);
/* A line for a shell: the words as they are, the values quoted. malloc'ed. */
char *places_line(const struct places *places, const struct place_values *values);

#endif
