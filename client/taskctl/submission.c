/* The options of a submission as the daemon's parameters. What they mean, and most of what may be wrong with them, is the
 * daemon's: here is only what a command line needs beside that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/taskctl/submission.h"
#include "client/taskctl/taskctl.h"
#include "proto/units.h"

const char *const submission_outcomes[] = { "failed", "timed_out", "crashed", NULL };
const char *const submission_key_modes[] = { "reject", "attach", "replace", "once", NULL };

static void put_text(json_t *params, const char *name, const char *text)
{
	if (text)
		json_object_set_new(params, name, must(json_string(text)));
}

static void put_ns(json_t *params, const char *name, int64_t ns)
{
	char text[UNITS_TEXT_SIZE];

	units_format_duration(ns, text); /* exact, which a number of seconds would not be */
	put_text(params, name, text);
}

static void put_list(json_t *params, const char *name, const struct option_list *list)
{
	json_t *items;

	if (list->n == 0)
		return;
	items = must(json_array());
	for (int i = 0; i < list->n; i++)
		json_array_append_new(items, must(json_string(list->items[i])));
	json_object_set_new(params, name, items);
}

static void put_retry(json_t *params, const struct submission *s)
{
	if (s->retries.given)
		json_object_set_new(params, "retries", json_integer(s->retries.value));
	if (s->backoff_ns.given)
		put_ns(params, "backoff", s->backoff_ns.value);
	if (s->backoff_max_ns)
		put_ns(params, "backoff_max", s->backoff_max_ns);
	if (s->backoff_factor.given)
		json_object_set_new(params, "backoff_factor", json_real(s->backoff_factor.value));
	if (s->jitter.given)
		json_object_set_new(params, "jitter", json_real(s->jitter.value));
	put_list(params, "retry_on", &s->retry_on);
}

/* --- what makes no sense --- */

static int check_ids(const struct taskctl *ctl, const struct option_list *list)
{
	json_t *ids = list->n > 0 ? ids_json(ctl, list->items, list->n) : NULL;

	json_decref(ids);
	return ids || list->n == 0 ? EXIT_FINE : EXIT_USAGE;
}

static int check_time(const struct taskctl *ctl, const char *option, const char *text, bool or_duration)
{
	const char *why = NULL;
	int64_t ns;

	if (!text)
		return EXIT_FINE;
	if (or_duration && units_parse_duration(text, &ns) == 0) {
		if (ns > 0)
			return EXIT_FINE;
		why = "it has to be more than 0";
	} else if (units_parse_time(text, &ns, &why) == 0) {
		return EXIT_FINE;
	}
	return report_usage(ctl,
		or_duration ? "write it like 30s or 1.5h, from now, or like 2027-01-31T18:00:00Z"
			    : "write it like 2027-01-31T18:00:00Z or 2027-01-31T18:00:00+01:00",
		"--%s: \"%s\" will not do: %s", option, text, why);
}

/* And what would be quietly without effect. */
static int check(const struct taskctl *ctl, const struct submission *s)
{
	int status = check_time(ctl, "at", s->at, false);

	if (s->delay_ns.given && s->at)
		return report_usage(ctl, NULL, "either --delay or --at");
	if (s->key_mode && !s->key)
		return report_usage(ctl, "--key KEY is what it is about", "--key-mode without --key");
	if (s->pass_results && s->after.n == 0)
		return report_usage(ctl, "--after ID,ID says whose results", "--pass-results without --after");
	if (!s->retries.given &&
		(s->backoff_ns.given || s->backoff_max_ns || s->backoff_factor.given || s->jitter.given ||
			s->retry_on.n > 0))
		return report_usage(ctl, "--retries N says how often", "how to try again, but not --retries");
	if (status == EXIT_FINE)
		status = check_time(ctl, "expires", s->expires, true);
	if (status == EXIT_FINE)
		status = check_ids(ctl, &s->after);
	return status == EXIT_FINE ? check_ids(ctl, &s->after_any) : status;
}

/* --- handed on --- */

json_t *submission_params(const struct taskctl *ctl, const struct submission *s)
{
	json_t *params;

	if (check(ctl, s) != EXIT_FINE)
		return NULL;
	params = must(json_object());
	put_text(params, "queue", s->queue);
	if (s->priority.given)
		json_object_set_new(params, "priority", json_integer(s->priority.value));
	if (s->timeout_ns)
		put_ns(params, "timeout", s->timeout_ns);
	put_text(params, "tag", s->tag);
	put_text(params, "expires", s->expires);
	put_retry(params, s);
	if (s->wait_for_room_ns)
		put_ns(params, "wait_for_room", s->wait_for_room_ns);
	if (s->delay_ns.given)
		put_ns(params, "delay", s->delay_ns.value);
	put_text(params, "at", s->at);
	put_list(params, "after", &s->after);
	put_list(params, "after_any", &s->after_any);
	if (s->pass_results)
		json_object_set_new(params, "pass_results", json_true());
	put_text(params, "key", s->key);
	if (s->key_mode)
		put_text(params, "key_mode", submission_key_modes[s->key_mode - 1]);
	return params;
}

/* Checked already: a duration, or a time, from which it is one. */
static int64_t expires_ns(const char *text)
{
	struct timespec now;
	int64_t ns;

	if (!text)
		return 0;
	if (units_parse_duration(text, &ns) == 0)
		return ns;
	clock_gettime(CLOCK_REALTIME, &now);
	units_parse_time(text, &ns, NULL);
	ns -= now.tv_sec * TASKD_SECOND + now.tv_nsec;
	return ns > 0 ? ns : 1;
}

static unsigned retry_bits(const struct option_list *outcomes)
{
	static const unsigned bits[] = { TASKD_RETRY_FAILED, TASKD_RETRY_TIMED_OUT, TASKD_RETRY_CRASHED };
	unsigned all = 0;

	for (int i = 0; i < outcomes->n; i++)
		for (int j = 0; submission_outcomes[j]; j++)
			if (strcmp(submission_outcomes[j], outcomes->items[i]) == 0)
				all |= bits[j];
	return all;
}

int submission_options(const struct taskctl *ctl, const struct submission *s, bool detached, struct taskd_options *out)
{
	if (check(ctl, s) != EXIT_FINE)
		return EXIT_USAGE;
	*out = (struct taskd_options){
		.queue = s->queue,
		.priority = (int)s->priority.value,
		.timeout_ns = s->timeout_ns,
		.tag = s->tag,
		.detached = detached,
		.delay_ns = s->delay_ns.value,
		.expires_ns = expires_ns(s->expires),
		.wait_for_room_ns = s->wait_for_room_ns,
		.retries = (int)s->retries.value,
		.retry_on = retry_bits(&s->retry_on),
		.backoff_ns = s->backoff_ns.given && s->backoff_ns.value == 0 ? -1 : s->backoff_ns.value,
		.backoff_max_ns = s->backoff_max_ns,
		.backoff_factor = s->backoff_factor.value,
		.jitter = s->jitter.given && !(s->jitter.value > 0) ? -1 : s->jitter.value,
		.after = (const char *const *)s->after.items,
		.n_after = (size_t)s->after.n,
		.after_any = (const char *const *)s->after_any.items,
		.n_after_any = (size_t)s->after_any.n,
		.pass_results = s->pass_results,
		.key = s->key,
		.key_mode = s->key_mode ? (enum taskd_key_mode)(s->key_mode - 1) : TASKD_KEY_REJECT,
	};
	if (s->at)
		units_parse_time(s->at, &out->at_ns, NULL);
	return EXIT_FINE;
}

bool submission_given(const struct submission *submission)
{
	static const struct submission nothing;

	return memcmp(submission, &nothing, sizeof nothing) != 0;
}
