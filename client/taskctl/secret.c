/* Arguments that nobody is to see. A command line is the worst place for a secret, since every user of the host can read
 * it; but it is where many programs want theirs, so at least no more of it is told than cannot be helped. */
#include "client/taskctl/secret.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/taskctl.h"

#define PLACE_MOST 1000000

/* --- which --- */

int secret_read(const struct taskctl *ctl, const struct option_list *list, struct secret *out)
{
	*out = (struct secret){ 0 };
	if (list->n == 0)
		return EXIT_FINE;
	out->places = must(calloc((size_t)list->n, sizeof *out->places));
	for (int i = 0; i < list->n; i++) {
		const char *text = list->items[i];
		char *end;
		long place = strtol(text, &end, 10);

		if (end == text || *end || place < 1 || place > PLACE_MOST) {
			free(out->places);
			*out = (struct secret){ 0 };
			return report_usage(ctl, "arguments are counted as $1 $2 … of a script: --secret 2, --secret 2,3",
				"--secret: \"%s\" will not do", text);
		}
		if (!secret_has(out->places, out->n, (size_t)place))
			out->places[out->n++] = (int)place;
	}
	return EXIT_FINE;
}

int secret_check(const struct taskctl *ctl, const struct secret *secret, size_t n)
{
	for (size_t i = 0; i < secret->n; i++)
		if ((size_t)secret->places[i] >= n)
			return report_usage(ctl, "the first one after the command's name is 1",
				"--secret %d: the command has %zu argument%s", secret->places[i], n - 1,
				n == 2 ? "" : "s");
	return EXIT_FINE;
}

/* --- in the arguments of "exec" --- */

/* The object of them, made where they are by position; NULL: that is not to be had. */
static json_t *object_of(json_t *args)
{
	json_t *first = json_array_get(args, 0);

	if (json_is_object(args))
		return json_incref(args);
	if (json_array_size(args) != 1)
		return NULL;
	return json_is_object(first) ? json_incref(first) : json_pack("{s:O}", "argv", first);
}

char *secret_args(const struct taskctl *ctl, const struct secret *secret, char *args)
{
	json_t *all, *object, *places, *whole;
	char *text = NULL;

	if (secret->n == 0)
		return args;
	all = json_loads(args, JSON_ALLOW_NUL, NULL);
	object = object_of(all);
	if (!object || !json_is_array(json_object_get(object, "argv"))) {
		report_usage(ctl, "exec '[\"curl\", \"-u\", \"me:secret\"]', or --args '{\"argv\": […], …}'",
			"--secret needs the command as one array");
	} else if (secret_check(ctl, secret, json_array_size(json_object_get(object, "argv"))) == EXIT_FINE) {
		places = must(json_array());
		for (size_t i = 0; i < secret->n; i++)
			json_array_append_new(places, json_integer(secret->places[i]));
		/* First, where the daemon looks for them. */
		whole = must(json_pack("{s:o}", "secret", places));
		json_object_update(whole, object);
		json_object_set(whole, "secret", places);
		text = must(json_dumps(whole, JSON_COMPACT | JSON_REAL_PRECISION(15)));
		json_decref(whole);
	}
	json_decref(object);
	json_decref(all);
	free(args);
	return text;
}

/* --- out of ps(1) --- */

/* The kernel shows the memory that the words came in. */
static void overwrite(char *word)
{
	size_t length = strlen(word), shown = strlen(SECRET_SHOWN);

	memset(word, '\0', length);
	memset(word, '*', length < shown ? length : shown);
}

void secret_hide(struct secret *secret, char **words, int n)
{
	size_t length = 1;
	char *at;

	if (secret->n == 0)
		return;
	for (int i = 0; i < n; i++)
		length += strlen(words[i]) + 1;
	secret->words = at = must(malloc(length));
	for (int i = 0; i < n; i++) {
		char *copy = at;

		at = stpcpy(at, words[i]) + 1;
		overwrite(words[i]);
		words[i] = copy;
	}
}

void secret_free(struct secret *secret)
{
	free(secret->places);
	free(secret->words);
}

void secret_hide_value(char *word)
{
	char *equals = strchr(word, '=');

	if (equals)
		overwrite(equals + 1);
}
