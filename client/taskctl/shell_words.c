/* Quoting for shells: what --shell puts into a line must be the word that was meant, whatever is in it, and what a job
 * log or a dry run shows should be a line that can be typed. */
#include "client/taskctl/shell_words.h"

#include <stdbool.h>
#include <string.h>

#include "client/taskctl/secret.h"
#include "client/taskctl/taskctl.h"

static bool is_plain(const char *word)
{
	return *word &&
		word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-")] == '\0';
}

static bool has_control(const char *word)
{
	for (; *word; word++)
		if ((unsigned char)*word < ' ' || *word == 0x7f)
			return true;
	return false;
}

void shell_quote(struct strbuf *out, const char *word)
{
	if (is_plain(word)) {
		strbuf_puts(out, word);
		return;
	}
	strbuf_puts(out, "'");
	for (;;) {
		size_t length = strcspn(word, "'");

		strbuf_add(out, word, length);
		word += length;
		if (!*word)
			break;
		strbuf_puts(out, "'\\''");
		word++;
	}
	strbuf_puts(out, "'");
}

static void escape(struct strbuf *out, char c)
{
	switch (c) {
	case '\n':
		strbuf_puts(out, "\\n");
		return;
	case '\t':
		strbuf_puts(out, "\\t");
		return;
	case '\r':
		strbuf_puts(out, "\\r");
		return;
	case '\'':
		strbuf_puts(out, "\\'");
		return;
	case '\\':
		strbuf_puts(out, "\\\\");
		return;
	}
	if ((unsigned char)c < ' ' || c == 0x7f)
		strbuf_printf(out, "\\%03o", (unsigned)c);
	else
		strbuf_add(out, &c, 1);
}

void shell_quote_line(struct strbuf *out, const char *word)
{
	if (!has_control(word)) {
		shell_quote(out, word);
		return;
	}
	strbuf_puts(out, "$'");
	for (; *word; word++)
		escape(out, *word);
	strbuf_puts(out, "'");
}

char *shell_line(char *const *argv, const int *secret, size_t n_secret)
{
	struct strbuf line = STRBUF_INIT;

	for (size_t i = 0; argv[i]; i++) {
		if (i > 0)
			strbuf_puts(&line, " ");
		if (secret_has(secret, n_secret, i))
			strbuf_puts(&line, SECRET_SHOWN);
		else
			shell_quote_line(&line, argv[i]);
	}
	strbuf_add(&line, "", 0);
	return must(strbuf_take(&line, NULL));
}
