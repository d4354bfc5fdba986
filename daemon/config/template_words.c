/* The words of a command line in the configuration, and the places in them. Quotes are a shell's, so that nobody has to
 * learn others; nothing else of a shell is here, so that nothing happens behind anybody's back. */
#include "config/template_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "proto/suggest.h"

#define BLANKS " \t"
#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* --- words --- */

static void add(struct strbuf *word, char letter, bool doubled)
{
	strbuf_add(word, &letter, 1);
	if (doubled)
		strbuf_add(word, &letter, 1);
}

/* What stands between quotes, from the opening one on; what follows the closing one, or NULL: there is none. */
static const char *quoted(const char *p, struct strbuf *word)
{
	char quote = *p++;

	for (; *p && *p != quote; p++) {
		if (quote == '"' && *p == '\\' && p[1] && strchr("\"\\$`", p[1]))
			p++;
		add(word, *p, false);
	}
	return *p ? p + 1 : NULL;
}

/* One word from P on; what follows it, or NULL with *error. */
static const char *one_word(const char *p, bool braces, struct strbuf *word, char **error)
{
	strbuf_puts(word, "");
	while (*p && !strchr(BLANKS, *p)) {
		if (*p == '\'' || *p == '"') {
			char quote = *p;
			p = quoted(p, word);
			if (!p) {
				*error = xasprintf("a quote is not closed: %c", quote);
				return NULL;
			}
			continue;
		}
		bool escaped = *p == '\\';
		if (escaped && !*++p) {
			*error = xstrdup("a backslash at the end");
			return NULL;
		}
		add(word, *p, escaped && braces && (*p == '{' || *p == '}'));
		p++;
	}
	return p;
}

char **words_split(const char *text, bool braces, size_t *n, char **error)
{
	char **words = xcalloc(strlen(text) / 2 + 2, sizeof(words[0])); /* a word has a letter, and a blank behind it */
	struct strbuf word = STRBUF_INIT;

	*n = 0;
	for (const char *p = text + strspn(text, BLANKS); *p; p += strspn(p, BLANKS)) {
		p = one_word(p, braces, &word, error);
		if (!p) {
			strbuf_free(&word);
			words_free(words);
			return NULL;
		}
		words[(*n)++] = xstrdup(word.data);
		strbuf_reset(&word);
	}
	strbuf_free(&word);
	return words;
}

void words_free(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}

/* --- places --- */

static struct piece *piece_add(struct word *word)
{
	word->pieces = xreallocarray(word->pieces, word->n_pieces + 1, sizeof(word->pieces[0]));
	word->pieces[word->n_pieces] = (struct piece){ .text = NULL };
	return &word->pieces[word->n_pieces++];
}

static void text_end(struct word *word, struct strbuf *text)
{
	if (text->length > 0)
		piece_add(word)->text = xstrndup(text->data, text->length);
	strbuf_reset(text);
}

static char *unknown_place(const struct template *template, const char *name, size_t length)
{
	char *wanted = xstrndup(name, length), *error;
	struct suggest suggest;

	suggest_begin(&suggest, wanted);
	for (size_t i = 0; i < template->n_parameters; i++)
		suggest_offer(&suggest, template->parameters[i].name);
	if (suggest.best)
		error = xasprintf("{%s} is no parameter; did you mean {%s}?", wanted, suggest.best);
	else
		error = xasprintf("{%s} is not in parameters", wanted);
	free(wanted);
	return error;
}

/* The place whose brace *P is at; behind it, *P. ALONE: the word is nothing else. */
static char *place_parse(struct template *template, const char **p, bool alone, struct word *word)
{
	const char *name = *p + 1;
	size_t length = strspn(name, NAME_LETTERS);
	bool list = strncmp(name + length, "...", 3) == 0;
	const char *end = name + length + (list ? 3 : 0);

	if (length == 0 || *end != '}')
		return xasprintf("a brace that begins no {NAME}, in %s; for itself it is written {{", *p);
	long found = parameter_find(template, name, length);
	if (found < 0)
		return unknown_place(template, name, length);
	struct parameter *parameter = &template->parameters[found];
	if (list && !parameter->list)
		return xasprintf("{%s...}: %s is no list", parameter->name, parameter->name);
	if (parameter->list && (!list || !alone || end[1]))
		return xasprintf("%s is a list: its place is {%s...}, a word of its own", parameter->name, parameter->name);
	parameter->used = true;
	piece_add(word)->parameter = (size_t)found;
	word->list = list;
	*p = end + 1;
	return NULL;
}

char *word_parse(struct template *template, const char *text, struct word *out)
{
	struct strbuf plain = STRBUF_INIT;
	char *error = NULL;

	for (const char *p = text; *p && !error;) {
		if ((*p == '{' || *p == '}') && p[1] == *p) {
			add(&plain, *p, false);
			p += 2;
		} else if (*p == '{') {
			text_end(out, &plain);
			error = place_parse(template, &p, p == text, out);
		} else if (*p == '}') {
			error = xasprintf("a brace that ends no {NAME}, in %s; for itself it is written }}", text);
		} else {
			add(&plain, *p++, false);
		}
	}
	text_end(out, &plain);
	strbuf_free(&plain);
	if (out->n_pieces == 0)
		piece_add(out)->text = xstrdup("");
	return error;
}

void word_clear(struct word *word)
{
	for (size_t i = 0; i < word->n_pieces; i++)
		free(word->pieces[i].text);
	free(word->pieces);
	*word = (struct word){ .n_pieces = 0 };
}
