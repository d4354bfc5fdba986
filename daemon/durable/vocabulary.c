/* Words that the core and the store have in common. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "durable/internal.h"

/* Kinds of errors, and reasons why workers were killed: a few dozen. What a stranger has written into the file is not
 * kept without end. */
#define WORDS_LIMIT 1000

struct word {
	uint64_t hash;
	size_t length;
	char text[];
};

static uint64_t hash_of(const void *value)
{
	return ((const struct word *)value)->hash;
}

static bool equals(const void *value, const char *name, size_t length)
{
	const struct word *word = value;
	return word->length == length && memcmp(word->text, name, length) == 0;
}

void vocabulary_init(struct names *words)
{
	names_init(words, hash_of, equals);
}

void vocabulary_free(struct names *words)
{
	size_t cursor = 0;
	struct word *word;
	while ((word = names_next(words, &cursor)))
		free(word);
	names_fini(words);
}

const char *vocabulary_keep(struct durable *durable, const struct store_text *text)
{
	struct names *words = &durable->words;
	if (!text->data)
		return NULL;
	struct word *word = names_get(words, text->data, text->length);
	if (word || words->count >= WORDS_LIMIT)
		return word ? word->text : NULL;
	word = xcalloc(1, sizeof(*word) + text->length + 1);
	word->hash = table_hash(text->data, text->length);
	word->length = text->length;
	memcpy(word->text, text->data, text->length);
	names_put(words, word);
	return word->text;
}

bool vocabulary_state(const struct store_text *text, enum task_state *out)
{
	for (int state = 0; state < TASK_N_STATES; state++) {
		const char *name = task_state_name((enum task_state)state);
		if (strlen(name) == text->length && memcmp(name, text->data, text->length) == 0) {
			*out = (enum task_state)state;
			return true;
		}
	}
	return false;
}

char *vocabulary_copy(const struct store_text *text)
{
	return text->data ? xstrndup(text->data, text->length) : NULL;
}
