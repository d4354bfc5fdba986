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
const char *const submission_interrupts[] = { "requeue", "crash", NULL };

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

/* --- semaphores --- */

struct permits {
	int name_length;
	int64_t count, slots; /* 0: not said */
};

/* Digits, and no 0. */
static bool read_number(const char **at, int64_t *number)
{
	const char *start = *at;

	for (*number = 0; **at >= '0' && **at <= '9' && *number <= SLOTS_MAX; (*at)++)
		*number = *number * 10 + (**at - '0');
	return *at > start && *number > 0 && *number <= SLOTS_MAX;
}

/* "gpu", "gpu=2", "gpu=1/4" */
static bool read_permits(const char *text, struct permits *permits)
{
	const char *at = strrchr(text, '=');

	*permits = (struct permits){ .name_length = at ? (int)(at - text) : (int)strlen(text) };
	if (permits->name_length == 0)
		return false;
	if (!at)
		return true;
	at++;
	if (!read_number(&at, &permits->count))
		return false;
	if (*at != '/')
		return !*at;
	at++;
	return read_number(&at, &permits->slots) && !*at;
}

/* By their names; the list has been checked. */
static void put_semaphores(json_t *params, const struct option_list *list)
{
	json_t *all;

	if (list->n == 0)
		return;
	all = must(json_object());
	for (int i = 0; i < list->n; i++) {
		struct permits permits;
		char *name;
		json_t *value;

		read_permits(list->items[i], &permits);
		name = must(strndup(list->items[i], (size_t)permits.name_length));
		value = json_integer(permits.count ? permits.count : 1);
		if (permits.slots)
			value = json_pack("{s:o,s:I}", "count", value, "slots", (json_int_t)permits.slots);
		json_object_set_new(all, name, must(value));
		free(name);
	}
	json_object_set_new(params, "semaphores", all);
}

static int check_semaphores(const struct taskctl *ctl, const struct option_list *list)
{
	for (int i = 0; i < list->n; i++) {
		const char *text = list->items[i];
		struct permits permits, other;

		if (!read_permits(text, &permits))
			return report_usage(ctl, "gpu; gpu=2: two permits; gpu=1/4: one, of a semaphore that has four",
				"--semaphore: \"%s\" will not do", text);
		if (permits.slots && permits.count > permits.slots)
			return report_usage(ctl, NULL, "--semaphore: \"%s\": that is more than there are", text);
		for (int j = 0; j < i; j++) {
			read_permits(list->items[j], &other);
			if (other.name_length == permits.name_length &&
				strncmp(list->items[j], text, (size_t)permits.name_length) == 0)
				return report_usage(ctl, "NAME=2 takes two permits", "--semaphore: \"%.*s\" twice",
					permits.name_length, text);
		}
	}
	return EXIT_FINE;
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
	if (s->durable && s->no_durable)
		return report_usage(ctl, NULL, "either --durable or --no-durable");
	if (s->on_interrupt && s->no_durable)
		return report_usage(ctl, "what is not durable is gone then", "--on-interrupt does not go with --no-durable");
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
	if (status == EXIT_FINE)
		status = check_semaphores(ctl, &s->semaphores);
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
	put_list(params, "locks", &s->locks);
	put_list(params, "shared_locks", &s->shared_locks);
	put_semaphores(params, &s->semaphores);
	if (s->durable || s->no_durable)
		json_object_set_new(params, "durable", json_boolean(s->durable));
	if (s->on_interrupt)
		put_text(params, "on_interrupt", submission_interrupts[s->on_interrupt - 1]);
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

static enum taskd_on_interrupt on_interrupt(int word)
{
	static const enum taskd_on_interrupt words[] = {
		TASKD_ON_INTERRUPT_DEFAULT,
		TASKD_ON_INTERRUPT_REQUEUE,
		TASKD_ON_INTERRUPT_CRASH,
	};

	return words[word];
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
		.locks = (const char *const *)s->locks.items,
		.n_locks = (size_t)s->locks.n,
		.shared_locks = (const char *const *)s->shared_locks.items,
		.n_shared_locks = (size_t)s->shared_locks.n,
		.semaphores = (const char *const *)s->semaphores.items,
		.n_semaphores = (size_t)s->semaphores.n,
		.durable = s->durable ? TASKD_DURABLE_YES : s->no_durable ? TASKD_DURABLE_NO : TASKD_DURABLE_DEFAULT,
		.on_interrupt = on_interrupt(s->on_interrupt),
	};
	if (s->at)
		units_parse_time(s->at, &out->at_ns, NULL);
	return EXIT_FINE;
}

bool submission_says_durable(const struct submission *submission)
{
	return submission->durable || submission->no_durable || submission->on_interrupt;
}

bool submission_given(const struct submission *submission)
{
	static const struct submission nothing;

	return memcmp(submission, &nothing, sizeof nothing) != 0;
}
