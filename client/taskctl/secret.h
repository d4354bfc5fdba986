/* --secret: arguments of a command that nobody is to see. The daemon has them in no listing, record or log; here they are
 * kept out of job logs, of dry runs, and of this program's own title. */
#ifndef TASKCTL_SECRET_H
#define TASKCTL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "client/taskctl/command.h"

struct taskctl;

#define SECRET_SHOWN "***"

struct secret {
	int *places; /* in argv; malloc'ed; NULL: none */
	size_t n;
	char *words; /* malloc'ed: what secret_hide has copied */
};

#define SECRET_OPTION(VALUES, MEMBER)                                                                         \
	{                                                                                                     \
		.name = "secret", .type = OPTION_LIST, .offset = offsetof(VALUES, MEMBER), .argument = "N",   \
		.summary = "show its Nth argument to nobody, but *** instead; with commas" \
	}

/* What the option says. EXIT_FINE, or it has been reported. */
int secret_read(const struct taskctl *ctl, const struct option_list *list, struct secret *out);
/* Whether a command of N words, the program counted, has all of these. EXIT_FINE, or it has been reported. */
int secret_check(const struct taskctl *ctl, const struct secret *secret, size_t n);
static inline bool secret_has(const int *places, size_t n, size_t place)
{
	for (size_t i = 0; i < n; i++)
		if (places[i] >= 0 && (size_t)places[i] == place)
			return true;
	return false;
}
/* ARGS, which is taken over, of the task "exec", with that said in them; malloc'ed. NULL: reported. */
char *secret_args(const struct taskctl *ctl, const struct secret *secret, char *args);
/* Where there is a secret: makes copies of these words of the command line, which are there until secret_free, and takes
 * the words themselves out of what ps(1) shows. Once. */
void secret_hide(struct secret *secret, char **words, int n);
void secret_free(struct secret *secret);
/* The same for what is behind the "=" of one word that somebody has copied. */
void secret_hide_value(char *word);

#endif
