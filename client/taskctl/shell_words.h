/* Words as a shell takes them. */
#ifndef TASKCTL_SHELL_WORDS_H
#define TASKCTL_SHELL_WORDS_H

#include <stddef.h>

#include "proto/strbuf.h"

/* Appends WORD so that any POSIX shell reads it as one word, the same. */
void shell_quote(struct strbuf *out, const char *word);
/* The same for a line that people read: control characters escaped, $'a\nb', as bash, zsh and ksh read them. */
void shell_quote_line(struct strbuf *out, const char *word);
/* All of ARGV (ends with NULL) on one line, with spaces between them, but for those that are secret. malloc'ed. */
char *shell_line(char *const *argv, const int *secret, size_t n_secret);

#endif
