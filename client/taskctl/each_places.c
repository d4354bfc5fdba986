/* {} and its kin. A word is cut into pieces once, text and places in turn, so that filling in is a walk over them: it
 * is done for each of what may be a million runs. */
#include "client/taskctl/each_places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/shell_words.h"
#include "client/taskctl/taskctl.h"

enum piece_kind {
	PIECE_TEXT,
	PIECE_VALUE,     /* {} */
	PIECE_STEM,      /* {.} */
	PIECE_BASE,      /* {/} */
	PIECE_FOLDER,    /* {//} */
	PIECE_BASE_STEM, /* {/.} */
	PIECE_NUMBER,    /* {#} */
};
struct piece {
	enum piece_kind kind;
	size_t source;    /* from 1; 0: all of them */
	const char *text; /* PIECE_TEXT: in the word */
	size_t length;
};
struct word {
	struct piece *pieces;
	size_t n;
};
struct places {
	struct word *words;
	size_t n;
};

/* --- reading --- */

static bool kind_of(const char *text, size_t length, enum piece_kind *kind)
{
	static const struct {
		const char *text;
		enum piece_kind kind;
	} kinds[] = {
		{ "", PIECE_VALUE },
		{ ".", PIECE_STEM },
		{ "/", PIECE_BASE },
		{ "//", PIECE_FOLDER },
		{ "/.", PIECE_BASE_STEM },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strlen(kinds[i].text) == length && memcmp(kinds[i].text, text, length) == 0) {
			*kind = kinds[i].kind;
			return true;
		}
	}
	return false;
}

/* The place that begins at TEXT, a brace, if it is one: its length, else 0. */
static size_t read_place(const char *text, struct piece *piece)
{
	const char *end = strchr(text, '}');
	size_t digits = strspn(text + 1, "0123456789");

	if (!end || digits > 6)
		return 0;
	*piece = (struct piece){ .source = digits > 0 ? strtoul(text + 1, NULL, 10) : 0 };
	if (digits == 0 && end == text + 2 && text[1] == '#')
		piece->kind = PIECE_NUMBER;
	else if ((digits > 0 && piece->source == 0) ||
		!kind_of(text + 1 + digits, (size_t)(end - text) - 1 - digits, &piece->kind))
		return 0;
	return (size_t)(end - text) + 1;
}

static void add_piece(struct word *word, const struct piece *piece)
{
	word->pieces = must(reallocarray(word->pieces, word->n + 1, sizeof *word->pieces));
	word->pieces[word->n++] = *piece;
}

static void add_text(struct word *word, const char *text, size_t length)
{
	if (length > 0)
		add_piece(word, &(struct piece){ .kind = PIECE_TEXT, .text = text, .length = length });
}

/* How many places it has; the highest source in *HIGHEST. */
static size_t read_word(const char *text, struct word *word, size_t *highest)
{
	size_t places = 0, begin = 0, at = 0;

	while (text[at]) {
		struct piece piece;
		size_t length = text[at] == '{' ? read_place(text + at, &piece) : 0;

		if (length == 0) {
			at++;
			continue;
		}
		add_text(word, text + begin, at - begin);
		add_piece(word, &piece);
		*highest = piece.source > *highest ? piece.source : *highest;
		at += length;
		begin = at;
		places++;
	}
	add_text(word, text + begin, at - begin);
	return places;
}

struct places *places_new(char *const *words, size_t n, size_t n_sources, char **error)
{
	struct places *places = must(calloc(1, sizeof *places));
	size_t count = 0, highest = 0;

	places->words = must(calloc(n + 1, sizeof *places->words));
	places->n = n;
	for (size_t i = 0; i < n; i++)
		count += read_word(words[i], &places->words[i], &highest);
	if (count == 0)
		read_word("{}", &places->words[places->n++], &highest);
	if (highest <= n_sources)
		return places;
	if (asprintf(error, "{%zu}: there %s only %zu source%s of values", highest, n_sources == 1 ? "is" : "are",
		    n_sources, n_sources == 1 ? "" : "s") < 0)
		*error = must(NULL);
	places_free(places);
	return NULL;
}

void places_free(struct places *places)
{
	if (!places)
		return;
	for (size_t i = 0; i < places->n; i++)
		free(places->words[i].pieces);
	free(places->words);
	free(places);
}

/* --- filling in --- */

/* Where the last component of PATH begins and ends, slashes behind it left out, and where its extension begins (its end
 * where there is none: a dot in front of a name is a part of it). */
struct parts {
	size_t base, end, dot;
};
static struct parts parts_of(const char *path)
{
	struct parts parts = { .end = strlen(path) };

	while (parts.end > 1 && path[parts.end - 1] == '/')
		parts.end--;
	parts.base = parts.end;
	while (parts.base > 0 && path[parts.base - 1] != '/')
		parts.base--;
	parts.dot = parts.end;
	for (size_t i = parts.end; i > parts.base + 1; i--) {
		if (path[i - 1] == '.') {
			parts.dot = i - 1;
			break;
		}
	}
	return parts;
}

static void add_folder(struct strbuf *out, const char *path, struct parts parts)
{
	size_t end = parts.base;

	while (end > 1 && path[end - 1] == '/')
		end--;
	if (end == 0)
		strbuf_puts(out, ".");
	else
		strbuf_add(out, path, end);
}

static void add_value(struct strbuf *out, enum piece_kind kind, const char *value)
{
	struct parts parts;

	if (kind == PIECE_VALUE) {
		strbuf_puts(out, value);
		return;
	}
	parts = parts_of(value);
	switch (kind) {
	case PIECE_TEXT:
	case PIECE_NUMBER:
	case PIECE_VALUE:
		break;
	case PIECE_STEM:
		strbuf_add(out, value, parts.dot);
		break;
	case PIECE_BASE:
		strbuf_add(out, value + parts.base, parts.end - parts.base);
		break;
	case PIECE_FOLDER:
		add_folder(out, value, parts);
		break;
	case PIECE_BASE_STEM:
		strbuf_add(out, value + parts.base, parts.dot - parts.base);
		break;
	}
}

/* Ends a word that has been appended since BEGIN; in a line, what it is gets quoted. */
static void end_value(struct strbuf *out, size_t begin, bool quoted)
{
	char *word;

	if (!quoted)
		return;
	strbuf_add(out, "", 0);
	word = must(strdup(out->data ? out->data + begin : ""));
	out->length = begin;
	shell_quote(out, word);
	free(word);
}

/* SEPARATOR stands between the values of several sources: a space, or the end of a word. */
static void add_piece_text(
	struct strbuf *out, const struct piece *piece, const struct place_values *values, char separator, bool quoted)
{
	size_t first = piece->source ? piece->source - 1 : 0, last = piece->source ? piece->source : values->n;

	if (piece->kind == PIECE_TEXT) {
		strbuf_add(out, piece->text, piece->length);
	} else if (piece->kind == PIECE_NUMBER) {
		strbuf_printf(out, "%llu", (unsigned long long)values->number);
	} else {
		for (size_t i = first; i < last; i++) {
			size_t begin;

			if (i > first)
				strbuf_add(out, &separator, 1);
			begin = out->length;
			add_value(out, piece->kind, values->values[i]);
			end_value(out, begin, quoted);
		}
	}
}

char *places_line(const struct places *places, const struct place_values *values)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < places->n; i++) {
		if (i > 0)
			strbuf_puts(&out, " ");
		for (size_t j = 0; j < places->words[i].n; j++)
			add_piece_text(&out, &places->words[i].pieces[j], values, ' ', true);
	}
	strbuf_add(&out, "", 0);
	return must(strbuf_take(&out, NULL));
}

/* The pointers first, then the texts, each with its end. */
static char **argv_of(const struct strbuf *texts, size_t count)
{
	char **argv = must(malloc((count + 1) * sizeof *argv + texts->length));
	char *text = (char *)(argv + count + 1);

	memcpy(text, texts->data, texts->length);
	for (size_t i = 0; i < count; i++) {
		argv[i] = text;
		text += strlen(text) + 1;
	}
	argv[count] = NULL;
	return argv;
}

/* Such a word is as many as there are values. */
static bool stands_alone(const struct word *word)
{
	return word->n == 1 && word->pieces[0].kind != PIECE_TEXT && word->pieces[0].kind != PIECE_NUMBER &&
		word->pieces[0].source == 0;
}

size_t places_count(const struct places *places)
{
	return places->n;
}

size_t places_spread(const struct places *places, size_t n_values, const int *words, size_t n, int **out)
{
	size_t at = 0, spread = 0;

	*out = must(calloc(places->n * (n_values + 1) + 1, sizeof **out));
	for (size_t i = 0; i < places->n; i++) {
		size_t count = stands_alone(&places->words[i]) ? n_values : 1;

		for (size_t j = 0; j < n; j++)
			if ((size_t)words[j] == i)
				for (size_t k = 0; k < count; k++)
					(*out)[spread++] = (int)(at + k);
		at += count;
	}
	return spread;
}

char **places_argv(const struct places *places, const struct place_values *values)
{
	struct strbuf texts = STRBUF_INIT;
	size_t count = 0;
	char **argv;

	for (size_t i = 0; i < places->n; i++) {
		const struct word *word = &places->words[i];
		bool alone = stands_alone(word);

		for (size_t j = 0; j < word->n; j++)
			add_piece_text(&texts, &word->pieces[j], values, alone ? '\0' : ' ', false);
		strbuf_add(&texts, "", 1);
		count += alone ? values->n : 1;
	}
	if (strbuf_failed(&texts))
		must(NULL);
	argv = argv_of(&texts, count);
	strbuf_free(&texts);
	return argv;
}
