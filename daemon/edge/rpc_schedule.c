/* Recurring tasks: adding, listing and removing them. What a schedule submits is checked when it is made, by the same
 * rules as a submission, and its owner's rights at each run (access.c); when it is due is the core's business. Names are
 * each user's own, so that nobody can take one away from others. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/users.h"
#include "base/xmalloc.h"
#include "core/cron.h"
#include "edge/access.h"
#include "edge/rpc.h"
#include "proto/suggest.h"

#define EVERY_LEAST_NS (10 * NS_PER_MS)
#define GROUPS_KEPT 256
#define SCHEDULES_MAX 10000
#define SCHEDULES_EACH 1000 /* of a user who is no admin, so that nobody takes them all */

/* --- an entry of schedule.list --- */

static void put_string(struct strbuf *out, const char *member, const char *text)
{
	strbuf_printf(out, ",\"%s\":", member);
	strbuf_json_string(out, text, strlen(text));
}

static void put_seconds(struct strbuf *out, const char *member, int64_t ns)
{
	if (ns > 0)
		strbuf_printf(out, ",\"%s\":%.9g", member, (double)ns / (double)NS_PER_S);
}

static void put_next(struct strbuf *out, const struct core_schedule *schedule)
{
	char text[CLOCK_TEXT_SIZE];
	if (schedule->next_ns == CLOCK_NEVER) {
		strbuf_puts(out, ",\"next_at\":null");
		return;
	}
	clock_format_wall(schedule->cron ? schedule->next_ns : clock_wall_of_ns(schedule->next_ns), text);
	strbuf_printf(out, ",\"next_at\":\"%s\"", text);
}

static void put_hidden(struct strbuf *out, const struct json_span *value)
{
	strbuf_puts(out, value->kind == JSON_SPAN_NULL ? "null" : "\"***\"");
}

static void put_env(struct strbuf *out, const struct json_span *env)
{
	struct json_span name, value;
	size_t cursor = 0;
	strbuf_puts(out, "{");
	for (bool any = false; json_next(env, &cursor, &name, &value) == 1; any = true) {
		strbuf_puts(out, any ? "," : "");
		strbuf_add(out, name.text, name.length);
		strbuf_puts(out, ":");
		put_hidden(out, &value);
	}
	strbuf_puts(out, "}");
}

static void put_argv(struct strbuf *out, const struct json_span *argv, const struct json_span *secrets)
{
	size_t n = json_count(argv), cursor = 0;
	bool *secret = xcalloc(n + 1, sizeof(secret[0]));
	struct json_span item;
	long long place;
	while (secrets->kind == JSON_SPAN_ARRAY && json_next(secrets, &cursor, NULL, &item) == 1)
		if (json_span_integer(&item, &place) && place >= 0 && (size_t)place < n)
			secret[place] = true;
	cursor = 0;
	strbuf_puts(out, "[");
	for (size_t i = 0; json_next(argv, &cursor, NULL, &item) == 1; i++) {
		strbuf_puts(out, i ? "," : "");
		if (secret[i])
			put_hidden(out, &item);
		else
			strbuf_add(out, item.text, item.length);
	}
	strbuf_puts(out, "]");
	free(secret);
}

static void put_member(
	struct strbuf *out, const char *name, const struct json_span *value, const struct json_span *secrets)
{
	bool hidden = strcmp(name, "stdin") == 0 || strcmp(name, "stdin_base64") == 0;
	if (hidden)
		put_hidden(out, value);
	else if (strcmp(name, "env") == 0 && value->kind == JSON_SPAN_OBJECT)
		put_env(out, value);
	else if (strcmp(name, "argv") == 0 && value->kind == JSON_SPAN_ARRAY)
		put_argv(out, value, secrets);
	else
		strbuf_add(out, value->text, value->length);
}

/* A command's, as an object: variables, standard input, and the arguments that are secret are known to be there, and no
 * more of them. Secrets come first, as command_hide has it. */
static void put_command_args(struct strbuf *out, const struct bytes *args)
{
	const struct param_spec *spec = command_param_specs;
	struct json_span all = { .text = args->data, .length = args->size,
		.kind = args->data[0] == '{' ? JSON_SPAN_OBJECT : JSON_SPAN_ARRAY };
	struct json_span name, value, secrets = { .kind = JSON_NONE };
	size_t cursor = 0;
	char text[64];
	size_t length;
	bool any = false;
	if (all.kind == JSON_SPAN_ARRAY && json_next(&all, &cursor, NULL, &value) == 1 &&
		value.kind == JSON_SPAN_OBJECT)
		all = value;
	cursor = 0;
	strbuf_puts(out, "{");
	while (json_next(&all, &cursor, &name, &value) == 1) {
		if (all.kind == JSON_SPAN_ARRAY)
			snprintf(text, sizeof(text), "%s", spec++->name);
		else if (!json_string_copy(&name, text, sizeof(text), &length))
			continue;
		if (strcmp(text, "secret") == 0)
			secrets = value;
		strbuf_printf(out, "%s\"%s\":", any ? "," : "", text);
		put_member(out, text, &value, &secrets);
		any = true;
	}
	strbuf_puts(out, "}");
}

static void put_task(struct strbuf *out, const struct core_schedule *schedule)
{
	const struct task_spec *task = &schedule->task;
	put_string(out, "task", task->type->name);
	strbuf_puts(out, ",\"args\":");
	if (task->type->command)
		put_command_args(out, task->args);
	else
		strbuf_add(out, task->args->data, task->args->size);
	put_string(out, "queue", core_queue_name(task->queue));
	strbuf_printf(out, ",\"priority\":%d,\"owner\":%u", (int)task->priority, (unsigned)task->owner);
	if (task->tag)
		put_string(out, "tag", task->tag);
	put_seconds(out, "timeout", task->timeout_ns);
	put_seconds(out, "expires", schedule->expires_ns);
	record_write_claims(out, task->claims, task->n_claims);
	if (schedule->retry.retries)
		strbuf_printf(out, ",\"retries\":%" PRIu32, schedule->retry.retries);
	if (task->durable)
		strbuf_puts(out, ",\"durable\":true");
	if (task->durable && task->on_interrupt_crash != task->type->command)
		put_string(out, "on_interrupt", task->on_interrupt_crash ? "crash" : "requeue");
}

/* Why its last run was not submitted; of what a submission of it would be told now, only the kind still holds. */
static void put_refused(struct strbuf *out, const struct core *core, const struct core_schedule *schedule)
{
	struct refusal refusal;
	char at[CLOCK_TEXT_SIZE];
	refusal_tell(&refusal, core, (enum core_refusal)schedule->refusal, &schedule->task, wanted_of(&schedule->task), NULL);
	clock_format_wall(schedule->refused_ns, at);
	strbuf_printf(out, ",\"refused\":{\"at\":\"%s\",\"kind\":\"%s\"", at, proto_error_info(refusal.error)->kind);
	put_string(out, "message", core_schedule_refusal(schedule, schedule->refusal));
	strbuf_puts(out, "}");
	refusal_free(&refusal);
}

static void put_schedule(struct strbuf *out, const struct core *core, const struct core_schedule *schedule)
{
	strbuf_puts(out, "{\"name\":");
	strbuf_json_string(out, schedule->name, strlen(schedule->name));
	put_task(out, schedule);
	if (schedule->cron)
		put_string(out, "cron", schedule->text);
	else
		put_seconds(out, "every", schedule->every_ns);
	strbuf_printf(out, ",\"catch_up\":%s,\"overlap\":%s", schedule->catch_up ? "true" : "false",
		schedule->overlap ? "true" : "false");
	put_next(out, schedule);
	strbuf_printf(out, ",\"runs\":%" PRIu64 ",\"skipped\":%" PRIu64, schedule->runs, schedule->skipped);
	if (schedule->last_id)
		strbuf_printf(out, ",\"last_id\":\"%" PRIu64 "\"", schedule->last_id);
	if (schedule->refusal != CORE_OK)
		put_refused(out, core, schedule);
	strbuf_puts(out, "}");
}

/* It is his own, or he may read what its owner has. */
static bool is_seen(const struct call *call, const struct core_schedule *schedule)
{
	struct connection *connection = call->to.connection;
	return schedule->task.owner == connection->peer.uid || access_sees_user(connection, schedule->task.owner);
}

static bool may_remove(const struct call *call, const struct core_schedule *schedule)
{
	struct connection *connection = call->to.connection;
	return schedule->task.owner == connection->peer.uid || access_of(connection)->cancel == ACCESS_ALL;
}

void rpc_schedule_list(const struct call *call)
{
	struct no_params params = { 0 };
	struct core_schedule *schedule = NULL;
	struct strbuf out = STRBUF_INIT;
	if (!call_params(call, &params))
		return;
	strbuf_puts(&out, "[");
	while ((schedule = core_schedule_next(call->edge->core, schedule))) {
		if (!is_seen(call, schedule))
			continue;
		strbuf_puts(&out, out.length > 1 ? "," : "");
		put_schedule(&out, call->edge->core, schedule);
	}
	strbuf_puts(&out, "]");
	reply_buffer(&call->to, &out);
}

/* --- adding --- */

/* Names go into log lines and commands. */
static bool check_name(const struct call *call, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	if (name[0] && name[0] != '-' && strspn(name, allowed) == strlen(name))
		return true;
	reply_error(&call->to, PROTO_INVALID_PARAMS,
		"a schedule's name has letters, digits, \"_\", \"-\" and \".\", and does not begin with \"-\"", NULL);
	return false;
}

/* CRON is filled in where that is how it recurs. */
static bool check_times(const struct call *call, const struct schedule_params *params, struct cron *cron)
{
	char error[256];
	if (!params->cron == (params->every < 0)) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "one of \"cron\" and \"every\" is needed", NULL);
		return false;
	}
	if (!params->cron) {
		if (params->every >= EVERY_LEAST_NS)
			return true;
		reply_errorf(&call->to, PROTO_INVALID_PARAMS, "parameter \"every\" must be at least %d ms",
			(int)(EVERY_LEAST_NS / NS_PER_MS));
		return false;
	}
	if (cron_parse(params->cron, cron, error, sizeof(error)) < 0) {
		reply_errorf(&call->to, PROTO_INVALID_PARAMS, "parameter \"cron\": %s", error);
		return false;
	}
	if (cron_next(cron, core_wall(call->edge->core)) != CLOCK_NEVER)
		return true;
	reply_error(&call->to, PROTO_INVALID_PARAMS, "parameter \"cron\": there is no such day", NULL);
	return false;
}

static bool check_count(const struct call *call)
{
	const struct core_schedule *schedule = NULL;
	int n = 0, own = 0;
	while ((schedule = core_schedule_next(call->edge->core, schedule))) {
		n++;
		own += schedule->task.owner == call->to.connection->peer.uid;
	}
	if (n < SCHEDULES_MAX && (own < SCHEDULES_EACH || access_has(call, RIGHT_ADMIN)))
		return true;
	if (n < SCHEDULES_MAX)
		reply_errorf(&call->to, PROTO_TOO_MANY, "this user has %d schedules already", own);
	else
		reply_errorf(&call->to, PROTO_TOO_MANY, "there are %d schedules already", n);
	return false;
}

/* As the kernel told them when he connected, the first his own one; malloc'ed. Those beyond GROUPS_KEPT he is not in, as far
 * as his schedules are concerned. */
static uint32_t *groups_of(const struct peer *peer, size_t *n)
{
	*n = 1 + (peer->n_groups < GROUPS_KEPT - 1 ? peer->n_groups : GROUPS_KEPT - 1);
	uint32_t *groups = xreallocarray(NULL, *n, sizeof(groups[0]));
	groups[0] = peer->gid;
	for (size_t i = 1; i < *n; i++)
		groups[i] = peer->groups[i - 1];
	return groups;
}

static void add(const struct call *call, const struct schedule_params *params, const struct cron *cron,
	const struct submission *submission)
{
	size_t n_groups;
	uint32_t *groups = groups_of(&call->to.connection->peer, &n_groups);
	const struct core_schedule_spec spec = {
		.name = params->name,
		.groups = groups,
		.n_groups = n_groups,
		.task = submission->spec,
		.expires_ns = params->expires > 0 ? params->expires : 0,
		.every_ns = params->cron ? 0 : params->every,
		.cron = params->cron ? cron : NULL,
		.text = params->cron ? params->cron : "",
		.catch_up = params->catch_up,
		.overlap = params->overlap,
	};
	struct core_schedule *schedule;
	struct strbuf out = STRBUF_INIT;
	int refusal = core_schedule_add(call->edge->core, &spec, &schedule);
	free(groups);
	if (refusal == CORE_EXISTS) {
		reply_errorf(&call->to, PROTO_EXISTS, "this user has a schedule \"%s\" already", params->name);
	} else if (refusal != CORE_OK) {
		reply_error(&call->to, PROTO_SHUTTING_DOWN, NULL, NULL);
	} else {
		put_schedule(&out, call->edge->core, schedule);
		reply_buffer(&call->to, &out);
	}
}

/* What a run is, as if it were submitted now. */
static struct submit_options options_of(const struct schedule_params *params)
{
	return (struct submit_options){
		.queue = params->queue,
		.priority = params->priority,
		.timeout = params->timeout,
		.tag = params->tag,
		.delay = -1,
		.at = INT64_MIN,
		.retry = params->retry,
		.key_mode = -1,
		.wait_for_room = -1,
		.claims = params->claims,
		.durable = params->durable,
		.on_interrupt = params->on_interrupt,
	};
}

void rpc_schedule_add(const struct call *call)
{
	struct schedule_params params = { 0 };
	struct submission submission;
	struct cron cron;
	if (!call_params(call, &params))
		return;
	const struct submit_options options = options_of(&params);
	if (check_name(call, params.name) && check_times(call, &params, &cron) && check_count(call) &&
		submission_prepare(call, params.task, &options, &submission)) {
		if (submission_args(call, &params.args, false, &submission))
			add(call, &params, &cron, &submission);
		submission_free(&submission);
	}
	call_params_free(call, &params);
}

/* --- removing --- */

/* OWNER has none of that name. Where nobody was named, it may be somebody else's that was meant. */
static void reply_none(const struct call *call, const struct schedule_name_params *params, uint32_t owner)
{
	const struct core_schedule *other = NULL, *others = NULL;
	struct suggest suggest;
	char user[64];
	suggest_begin(&suggest, params->name);
	while ((other = core_schedule_next(call->edge->core, other))) {
		if (!is_seen(call, other))
			continue;
		if (other->task.owner == owner)
			suggest_offer(&suggest, other->name);
		else if (!params->user && strcmp(other->name, params->name) == 0)
			others = other;
	}
	if (!others) {
		reply_unknown(&call->to, PROTO_NOT_FOUND, "schedule", params->name, suggest.best);
		return;
	}
	user_name(others->task.owner, user, sizeof(user));
	reply_errorf(&call->to, PROTO_NOT_FOUND, "the schedule \"%s\" is user %s's: \"user\" says whose is meant", params->name,
		user);
}

/* One's own, or that of the user who is named: names are each user's own. */
static struct core_schedule *find(const struct call *call, const struct schedule_name_params *params)
{
	uint32_t owner = call->to.connection->peer.uid;
	if (params->user && !user_find(params->user, &owner)) {
		reply_errorf(&call->to, PROTO_INVALID_PARAMS,
			"unknown user \"%.100s\": a name in /etc/passwd, or a number, is needed", params->user);
		return NULL;
	}
	struct core_schedule *schedule = core_schedule_find(call->edge->core, owner, params->name);
	if (schedule && (is_seen(call, schedule) || may_remove(call, schedule)))
		return schedule;
	reply_none(call, params, owner);
	return NULL;
}

void rpc_schedule_remove(const struct call *call)
{
	struct schedule_name_params params = { 0 };
	struct strbuf out = STRBUF_INIT;
	if (!call_params(call, &params))
		return;
	struct core_schedule *schedule = find(call, &params);
	if (schedule && !may_remove(call, schedule)) {
		access_deny_others(call, RIGHT_CANCEL, schedule->task.owner, "the schedule \"%s\" belongs to uid %u",
			schedule->name, (unsigned)schedule->task.owner);
	} else if (schedule) {
		put_schedule(&out, call->edge->core, schedule);
		core_schedule_remove(call->edge->core, schedule);
		reply_buffer(&call->to, &out);
	}
	call_params_free(call, &params);
}
