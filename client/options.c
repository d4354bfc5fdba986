/* What can be said of a task when it is submitted: looked at before anything is written, and written as the members of
 * the request's parameters. What the daemon can tell better, such as which queues there are, is left to it. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/client.h"
#include "proto/units.h"

#define CENTURY_NS (INT64_C(36500) * 86400 * TASKD_SECOND) /* as good as for ever, and room to add it to a clock */
#define NUMBER_LIMIT 1e6
#define RETRY_ALL (TASKD_RETRY_FAILED | TASKD_RETRY_TIMED_OUT | TASKD_RETRY_CRASHED)

static const char *const key_modes[] = {
	[TASKD_KEY_REJECT] = "reject",
	[TASKD_KEY_ATTACH] = "attach",
	[TASKD_KEY_REPLACE] = "replace",
	[TASKD_KEY_ONCE] = "once",
};
#define N_KEY_MODES (sizeof(key_modes) / sizeof(key_modes[0]))

static const char *const interrupts[] = {
	[TASKD_ON_INTERRUPT_DEFAULT] = NULL,
	[TASKD_ON_INTERRUPT_REQUEUE] = "requeue",
	[TASKD_ON_INTERRUPT_CRASH] = "crash",
};
#define N_INTERRUPTS (sizeof(interrupts) / sizeof(interrupts[0]))

/* --- semaphores: "gpu", "gpu=2", "gpu=1/4" --- */

struct permits {
	size_t name_length;
	int64_t count, slots; /* 0: nothing was said of it */
};

/* Digits, to their end; false where there are none, or they are 0 or beyond what can be counted with. */
static bool read_number(const char **at, int64_t *number)
{
	const char *start = *at;

	for (*number = 0; **at >= '0' && **at <= '9'; (*at)++)
		if ((*number = *number * 10 + (**at - '0')) > INT32_MAX)
			return false;
	return *at > start && *number > 0;
}

static bool read_permits(const char *text, struct permits *permits)
{
	const char *at = strrchr(text, '=');

	*permits = (struct permits){ .name_length = at ? (size_t)(at - text) : strlen(text) };
	if (permits->name_length == 0)
		return false;
	if (!at++)
		return true;
	if (!read_number(&at, &permits->count))
		return false;
	if (*at == '/') {
		at++;
		if (!read_number(&at, &permits->slots))
			return false;
	}
	return *at == '\0';
}

/* --- checked --- */

static enum taskd_error check_ids(const char *name, const char *const *ids, size_t n)
{
	if (n > 0 && !ids)
		return error_set(TASKD_E_INVALID, "the options' %s is NULL, but there are %zu of it", name, n);
	for (size_t i = 0; i < n; i++)
		if (!ids[i])
			return error_set(TASKD_E_INVALID, "the options' %s has a NULL at %zu", name, i);
	return TASKD_OK;
}

/* Names that the daemon would not get as they are could be taken for each other there. */
static enum taskd_error check_names(const char *name, const char *const *names, size_t n)
{
	enum taskd_error error = check_ids(name, names, n);

	for (size_t i = 0; i < n && !error; i++)
		if (!names[i][0] || !bytes_are_utf8(names[i]))
			error = error_set(TASKD_E_INVALID, "the options' %s has no name at %zu, but %s", name, i,
				names[i][0] ? "bytes that are not UTF-8" : "an empty string");
	return error;
}

static enum taskd_error check_semaphores(const char *const *semaphores, size_t n)
{
	enum taskd_error error = check_names("semaphores", semaphores, n);
	struct permits permits;

	for (size_t i = 0; i < n && !error; i++) {
		if (!read_permits(semaphores[i], &permits))
			error = error_set(TASKD_E_INVALID,
				"the options' semaphores has \"%s\", which is neither a name, nor NAME=COUNT, nor "
				"NAME=COUNT/SLOTS",
				semaphores[i]);
		else if (permits.slots && permits.count > permits.slots)
			error = error_set(TASKD_E_INVALID,
				"the options' semaphores has \"%s\", which is more than there are", semaphores[i]);
	}
	return error;
}

/* What it waits for. */
static enum taskd_error check_lists(const struct taskd_options *options)
{
	enum taskd_error error = check_ids("after", options->after, options->n_after);

	if (!error)
		error = check_ids("after_any", options->after_any, options->n_after_any);
	if (!error)
		error = check_names("locks", options->locks, options->n_locks);
	if (!error)
		error = check_names("shared_locks", options->shared_locks, options->n_shared_locks);
	return error ? error : check_semaphores(options->semaphores, options->n_semaphores);
}

enum taskd_error options_check(const struct taskd_options *options)
{
	if (options->expires_ns < 0)
		return error_set(TASKD_E_INVALID, "the options' expires_ns is negative: that moment is over");
	if (options->at_ns < 0)
		return error_set(TASKD_E_INVALID, "the options' at_ns is negative: it is before 1970");
	if (options->retries < 0)
		return error_set(TASKD_E_INVALID, "the options' retries is negative");
	if (options->retry_on & ~RETRY_ALL)
		return error_set(TASKD_E_INVALID, "the options' retry_on has bits that are no TASKD_RETRY_…");
	if (!(options->backoff_factor >= 0 && options->backoff_factor <= NUMBER_LIMIT))
		return error_set(TASKD_E_INVALID, "the options' backoff_factor is not from 0 to %g", NUMBER_LIMIT);
	if (!(options->jitter <= 1))
		return error_set(TASKD_E_INVALID, "the options' jitter is over 1");
	if ((unsigned)options->key_mode >= N_KEY_MODES)
		return error_set(TASKD_E_INVALID, "the options' key_mode is no TASKD_KEY_…");
	if ((unsigned)options->durable > TASKD_DURABLE_NO)
		return error_set(TASKD_E_INVALID, "the options' durable is no TASKD_DURABLE_…");
	if ((unsigned)options->on_interrupt >= N_INTERRUPTS)
		return error_set(TASKD_E_INVALID, "the options' on_interrupt is no TASKD_ON_INTERRUPT_…");
	return check_lists(options);
}

enum taskd_error options_check_map(const struct taskd_options *options)
{
	const char *surplus = NULL;

	if (options->detached)
		surplus = "be detached";
	else if (options->delay_ns > 0 || options->at_ns)
		surplus = "be delayed";
	else if (options->n_after > 0 || options->n_after_any > 0 || options->pass_results)
		surplus = "wait for others";
	else if (options->key || options->key_mode)
		surplus = "have a key";
	else if (options->n_locks > 0 || options->n_shared_locks > 0 || options->n_semaphores > 0)
		surplus = "have locks or semaphores";
	else if (options->durable || options->on_interrupt)
		surplus = "be durable";
	if (surplus)
		return error_set(TASKD_E_INVALID, "the tasks of a map cannot %s", surplus);
	return options_check(options);
}

/* --- written --- */

static void add_name(struct strbuf *out, const char *name)
{
	strbuf_add(out, ",\"", 2);
	strbuf_puts(out, name);
	strbuf_add(out, "\":", 2);
}

static void add_string(struct strbuf *out, const char *name, const char *text)
{
	if (!text)
		return;
	add_name(out, name);
	strbuf_json_string(out, text, strlen(text));
}

void options_add_duration(struct strbuf *out, const char *name, int64_t ns)
{
	char text[UNITS_TEXT_SIZE];

	units_format_duration(ns < CENTURY_NS ? ns : CENTURY_NS, text);
	add_name(out, name);
	strbuf_add(out, "\"", 1);
	strbuf_puts(out, text);
	strbuf_add(out, "\"", 1);
}

/* To nine places, whatever the program's locale has for a point. */
static void add_number(struct strbuf *out, const char *name, double number)
{
	long long billionths = (long long)(number * 1e9 + 0.5);
	char text[48];

	int length = snprintf(text, sizeof(text), "%lld.%09lld", billionths / 1000000000, billionths % 1000000000);
	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	strbuf_printf(out, ",\"%s\":%.*s", name, length, text);
}

/* RFC 3339, in UTC. */
static void add_moment(struct strbuf *out, const char *name, int64_t ns)
{
	time_t seconds = ns / TASKD_SECOND;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strbuf_printf(out, ",\"%s\":\"%04d-%02d-%02dT%02d:%02d:%02d.%09dZ\"", name, tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ns % TASKD_SECOND));
}

static void add_ids(struct strbuf *out, const char *name, const char *const *ids, size_t n)
{
	if (n == 0)
		return;
	strbuf_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			strbuf_puts(out, ",");
		strbuf_json_string(out, ids[i], strlen(ids[i]));
	}
	strbuf_puts(out, "]");
}

/* An object: each by its name, with a number of permits, or that and how many there are in all. */
static void add_semaphores(struct strbuf *out, const char *const *semaphores, size_t n)
{
	struct permits permits;

	for (size_t i = 0; i < n; i++) {
		read_permits(semaphores[i], &permits);
		strbuf_puts(out, i == 0 ? ",\"semaphores\":{" : ",");
		strbuf_json_string(out, semaphores[i], permits.name_length);
		if (permits.slots)
			strbuf_printf(out, ":{\"count\":%lld,\"slots\":%lld}", (long long)permits.count,
				(long long)permits.slots);
		else
			strbuf_printf(out, ":%lld", permits.count ? (long long)permits.count : 1);
	}
	if (n > 0)
		strbuf_puts(out, "}");
}

static void add_retry_on(struct strbuf *out, unsigned retry_on)
{
	static const struct {
		unsigned bit;
		const char *name;
	} outcomes[] = {
		{ TASKD_RETRY_FAILED, "failed" },
		{ TASKD_RETRY_TIMED_OUT, "timed_out" },
		{ TASKD_RETRY_CRASHED, "crashed" },
	};
	const char *names[3];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (retry_on & outcomes[i].bit)
			names[n++] = outcomes[i].name;
	add_ids(out, "retry_on", names, n);
}

static void add_retries(struct strbuf *out, const struct taskd_options *options)
{
	if (options->retries)
		strbuf_printf(out, ",\"retries\":%d", options->retries);
	if (options->backoff_ns)
		options_add_duration(out, "backoff", options->backoff_ns > 0 ? options->backoff_ns : 0);
	if (options->backoff_max_ns > 0)
		options_add_duration(out, "backoff_max", options->backoff_max_ns);
	if (options->backoff_factor > 0)
		add_number(out, "backoff_factor", options->backoff_factor);
	if (options->jitter < 0 || options->jitter > 0)
		add_number(out, "jitter", options->jitter > 0 ? options->jitter : 0);
	add_retry_on(out, options->retry_on);
}

void options_write(struct strbuf *out, const struct taskd_options *options)
{
	add_string(out, "queue", options->queue);
	if (options->priority)
		strbuf_printf(out, ",\"priority\":%d", options->priority);
	if (options->timeout_ns > 0 && options->timeout_ns != TASKD_FOREVER)
		options_add_duration(out, "timeout", options->timeout_ns);
	add_string(out, "tag", options->tag);
	if (options->delay_ns > 0)
		options_add_duration(out, "delay", options->delay_ns);
	if (options->at_ns)
		add_moment(out, "at", options->at_ns);
	if (options->expires_ns && options->expires_ns != TASKD_FOREVER)
		options_add_duration(out, "expires", options->expires_ns);
	if (options->wait_for_room_ns > 0)
		options_add_duration(out, "wait_for_room", options->wait_for_room_ns);
	add_retries(out, options);
	add_ids(out, "after", options->after, options->n_after);
	add_ids(out, "after_any", options->after_any, options->n_after_any);
	if (options->pass_results)
		strbuf_puts(out, ",\"pass_results\":true");
	add_string(out, "key", options->key);
	if (options->key_mode)
		add_string(out, "key_mode", key_modes[options->key_mode]);
	add_ids(out, "locks", options->locks, options->n_locks);
	add_ids(out, "shared_locks", options->shared_locks, options->n_shared_locks);
	add_semaphores(out, options->semaphores, options->n_semaphores);
	if (options->durable)
		strbuf_puts(out, options->durable == TASKD_DURABLE_YES ? ",\"durable\":true" : ",\"durable\":false");
	add_string(out, "on_interrupt", interrupts[options->on_interrupt]);
}
