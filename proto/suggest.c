/* A wrong word is most often a right one with a slip of the finger. The distance counts those slips: a letter too many,
 * too few, another one, or two neighbours swapped. Where there is no such word, one may be that was cut off. */
#include "proto/suggest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define WORD_LIMIT 64
#define CUT_LEAST 4 /* fewer letters are the beginning of too much */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment, with three rows. Both words have at most WORD_LIMIT letters. */
static size_t word_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][WORD_LIMIT + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_length; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t cost = a[i - 1] != b[j - 1];
			size_t least = smaller(smaller(last[j] + 1, row[j - 1] + 1), last[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				least = smaller(least, before[j - 2] + 1);
			row[j] = least;
		}
		size_t *oldest = before;
		before = last;
		last = row;
		row = oldest;
	}
	return last[b_length];
}

/* Half of a word, or more, is meant to be that word: so people shorten what is long. */
static bool is_cut_off(const char *wanted, size_t wanted_length, const char *word, size_t length)
{
	return wanted_length >= CUT_LEAST && wanted_length < length && 2 * wanted_length >= length &&
		strncmp(wanted, word, wanted_length) == 0;
}

void suggest_begin(struct suggest *suggest, const char *wanted)
{
	*suggest = (struct suggest){ .wanted = wanted, .distance = SIZE_MAX };
}

void suggest_offer(struct suggest *suggest, const char *word)
{
	size_t wanted_length = strlen(suggest->wanted), length = strlen(word);

	if (wanted_length > WORD_LIMIT || length > WORD_LIMIT)
		return;
	size_t near = wanted_length < 6 ? 1 : wanted_length / 3;
	size_t distance = word_distance(suggest->wanted, wanted_length, word, length);
	/* A word that shares no letter is no slip of another. */
	if (distance > near || distance >= length || distance >= wanted_length) {
		if (!suggest->best && is_cut_off(suggest->wanted, wanted_length, word, length))
			suggest->best = word; /* any slip is nearer */
		return;
	}
	if (distance >= suggest->distance)
		return;
	suggest->best = word;
	suggest->distance = distance;
}
