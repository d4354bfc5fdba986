/* Cutting the words of a run --each at their marks. */
#include "client/taskctl/each_sources.h"

#include <string.h>

static bool is_mark(const char *word)
{
	return strcmp(word, EACH_MARK) == 0;
}

size_t each_marks(char *const *words, size_t n)
{
	size_t marks = 0;

	for (size_t i = 0; i < n; i++)
		marks += is_mark(words[i]);
	return marks;
}

/* N words of which the first is a mark. */
static void split_values(char **words, size_t n, struct each_words *out)
{
	for (size_t i = 0; i < n; i++) {
		if (is_mark(words[i]))
			out->sources[out->n_sources++] = (struct each_source){ .words = words + i + 1 };
		else
			out->sources[out->n_sources - 1].n++;
	}
}

void each_words_split(char **words, size_t n, struct each_words *out)
{
	size_t mark = 0, end = 0;

	out->n_sources = 0;
	while (mark < n && !is_mark(words[mark]))
		mark++;
	if (mark > 0 || n == 0) {
		out->command = words;
		out->n_command = mark;
		split_values(words + mark, n - mark, out);
		return;
	}
	while (end < n && strcmp(words[end], "--") != 0)
		end++;
	split_values(words, end, out);
	out->command = words + end + (end < n);
	out->n_command = n - end - (end < n);
}
