/* What can be done about an error, in the words of a command line: the daemon's own hints are for programs, too, and speak
 * of parameters. */
#include "client/taskctl/report_hint.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/taskctl.h"
#include "proto/errors.h"

static int kind_of(const struct taskd_failure *failure)
{
	return failure->kind && failure->kind[0] ? proto_error_of_kind(failure->kind) : -1;
}

/* --- what is full --- */

/* With the number that is in the data. */
static char *hint_of_retry(const json_t *data)
{
	const json_t *after = json_object_get(data, "retry_after");
	char *hint = NULL;

	if (json_is_number(after) && asprintf(&hint, "try again after %g seconds", json_number_value(after)) < 0)
		hint = must(NULL);
	return hint;
}

/* How much it is, the message says. Without the data, as where the connection itself was refused, it was too many of
 * these. */
static char *hint_of_share(const json_t *data)
{
	const char *limit = json_string_value(json_object_get(data, "limit"));
	char *retry = hint_of_retry(data), *hint;

	if (asprintf(&hint, "%s%s%s in taskd.conf is the limit; \"taskctl stats --users\" shows what each has",
		    retry ? retry : "", retry ? "; " : "", limit ? limit : "user_connections") < 0)
		hint = must(NULL);
	free(retry);
	return hint;
}

/* --- what is not allowed --- */

/* Which right it is, the message says; this is where it comes from. */
static char *hint_of_denied(const struct taskctl *ctl, const json_t *data)
{
	static const struct {
		enum right right;
		const char *hint;
	} hints[] = {
		{ RIGHT_SUBMIT, "an [access] section of taskd.conf grants it: submit = yes, with tasks, queues and objects; "
				"\"taskctl whoami\" shows what you may" },
		{ RIGHT_READ, "an [access] section of taskd.conf grants it: read = own, or all; "
			      "\"taskctl whoami\" shows what you may" },
		{ RIGHT_CANCEL, "an [access] section of taskd.conf grants it: cancel = own, or all; "
				"\"taskctl whoami\" shows what you may" },
		{ RIGHT_ADMIN, "root and taskd's own user may, and whom an [access] section of taskd.conf with "
			       "admin = yes names" },
	};
	const char *right = json_string_value(json_object_get(data, "right"));

	/* It may be another user's; or the name is not for this one. */
	if (right && ctl->group && strcmp(ctl->group, "mq") == 0)
		return must(strdup("\"taskctl mq create --shared\" makes one for several users, whom [access] in taskd.conf "
				   "lets use its name"));
	for (size_t i = 0; right && i < sizeof hints / sizeof *hints; i++)
		if (strcmp(right_name(hints[i].right), right) == 0)
			return must(strdup(hints[i].hint));
	return NULL;
}

/* --- the store --- */

static char *hint_of_store(int kind)
{
	static const struct {
		enum proto_error error;
		const char *hint;
	} hints[] = {
		{ PROTO_STORE_FULL, "make room where the state directory is (\"taskctl store stats\" shows it), "
				    "or submit with --no-durable" },
		{ PROTO_STORE_BEHIND, "try again in a moment, or submit with --no-durable" },
		{ PROTO_STORE_FAILED, "\"taskctl ping\" and taskd's log tell of it; a restart of taskd tries again" },
		{ PROTO_NOT_DURABLE, "it was started with --ephemeral, or has no state directory: \"taskd -d DIR\", "
				     "or state_directory in taskd.conf" },
	};

	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
		if (kind == (int)hints[i].error)
			return must(strdup(hints[i].hint));
	return NULL;
}

char *hint_of_failure(const struct taskctl *ctl, const struct taskd_failure *failure)
{
	json_t *data = failure->data ? json_loads(failure->data, 0, NULL) : NULL;
	int kind = kind_of(failure);
	char *hint;

	if (failure->error == TASKD_E_OVER_SHARE)
		hint = hint_of_share(data);
	else if (failure->error == TASKD_E_DENIED && !failure->hint)
		hint = hint_of_denied(ctl, data);
	else
		hint = hint_of_retry(data);
	json_decref(data);
	return hint ? hint : hint_of_store(kind);
}
