/* Submitting a task: which type, which queue, when, how often, after what. Whatever may be said of a task in taskd's
 * methods comes through here; what does not make sense together is refused before the core hears of it. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/xmalloc.h"
#include "durable/durable.h"
#include "edge/access.h"
#include "edge/command.h"
#include "edge/store.h"
#include "pool/pool.h"
#include "proto/suggest.h"

#define BACKOFF_DEFAULT NS_PER_S
#define BACKOFF_MAX_DEFAULT (3600 * NS_PER_S)
#define BACKOFF_FACTOR_DEFAULT 2
#define JITTER_DEFAULT 0.1

/* --- what runs it, and where it waits --- */

void submission_unknown_task(const struct call *call, const char *name)
{
	struct suggest suggest;
	struct task_type *type = NULL;
	suggest_begin(&suggest, name);
	while ((type = core_type_next(call->edge->core, type)))
		if (type->known && access_offers(call->to.connection, type->name))
			suggest_offer(&suggest, type->name);
	reply_unknown(&call->to, PROTO_UNKNOWN_TASK, "task", name, suggest.best);
}

struct core_queue *submission_queue(const struct call *call, const char *name)
{
	struct suggest suggest;
	struct core_queue *queue = core_queue_find(call->edge->core, name), *other = NULL;
	if (queue)
		return queue;
	suggest_begin(&suggest, name);
	while ((other = core_queue_next(call->edge->core, other)))
		suggest_offer(&suggest, core_queue_name(other));
	reply_unknown(&call->to, PROTO_INVALID_PARAMS, "queue", name, suggest.best);
	return NULL;
}

static bool choose_queue(const struct call *call, const struct submit_options *options, struct task_spec *spec)
{
	if (!options->queue) {
		spec->queue = spec->type->queue;
		if (!spec->queue)
			reply_errorf(&call->to, PROTO_UNAVAILABLE, "no pool serves the task \"%s\"", spec->type->name);
		return spec->queue;
	}
	spec->queue = submission_queue(call, options->queue);
	if (!spec->queue)
		return false;
	if (pools_serves(core_queue_pool(spec->queue), spec->type->name))
		return true;
	reply_errorf(&call->to, PROTO_INVALID_PARAMS,
		"the queue \"%.100s\" belongs to pool \"%.100s\", which does not serve the task \"%s\"", options->queue,
		core_pool_name(core_queue_pool(spec->queue)), spec->type->name);
	return false;
}

/* --- when --- */

/* A + B where that is a moment, else the last one there is; never 0, which means "none". */
static int64_t moment_add(int64_t a, int64_t b)
{
	int64_t sum;
	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? CLOCK_NEVER - 1 : 1;
	return sum < 1 ? 1 : sum;
}

int64_t submission_moment(const struct core *core, const struct param_moment *moment, bool ago)
{
	int64_t now = core_now(core), difference;
	if (!moment->wall)
		return moment_add(now, ago ? -moment->ns : moment->ns);
	if (__builtin_sub_overflow(moment->ns, core_wall(core), &difference))
		difference = moment->ns < 0 ? INT64_MIN : INT64_MAX;
	return moment_add(now, difference);
}

static bool set_time(const struct call *call, const struct submit_options *options, struct task_spec *spec)
{
	const struct core *core = call->edge->core;
	if (options->delay > 0 && options->at != INT64_MIN) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "only one of \"delay\" and \"at\" can say when", NULL);
		return false;
	}
	if (options->at != INT64_MIN) {
		spec->wall = true;
		spec->due_ns = options->at < 1 ? 1 : options->at;
	} else if (options->delay > 0) {
		spec->due_ns = moment_add(core_now(core), options->delay);
	}
	if (options->expires.given)
		spec->expires_ns = submission_moment(core, &options->expires, false);
	return true;
}

/* --- how often --- */

void submission_retry(const struct retry_options *retry, struct task_retry *out)
{
	static const struct {
		const char *word;
		unsigned bit;
	} outcomes[] = {
		{ "failed", RETRY_FAILED },
		{ "timed_out", RETRY_TIMED_OUT },
		{ "crashed", RETRY_CRASHED },
	};
	*out = (struct task_retry){
		.retries = (uint32_t)retry->retries,
		.on = retry->retry_on.count ? 0 : RETRY_ALL,
		.backoff_ns = retry->backoff < 0 ? BACKOFF_DEFAULT : retry->backoff,
		.backoff_max_ns = retry->backoff_max < 0 ? BACKOFF_MAX_DEFAULT : retry->backoff_max,
		.factor = retry->backoff_factor < 1 ? BACKOFF_FACTOR_DEFAULT : retry->backoff_factor,
		.jitter = retry->jitter < 0 ? JITTER_DEFAULT : retry->jitter,
	};
	for (size_t i = 0; i < retry->retry_on.count; i++)
		for (size_t j = 0; j < sizeof(outcomes) / sizeof(outcomes[0]); j++)
			if (strcmp(retry->retry_on.strings[i], outcomes[j].word) == 0)
				out->on |= outcomes[j].bit;
}

/* --- after what, and instead of what --- */

/* What is another's and not to be seen is to be told as forgotten, when it is time to tell what is missing, and not
 * before that. So the core gets an id that never was, out of which refusal.c makes that. Whoever names such an id
 * himself is told of one that never was. */
static uint64_t ref_id(const struct call *call, uint64_t id)
{
	const struct connection *connection = call->to.connection;
	struct task *task;
	if (id & SUBMISSION_HIDDEN)
		return UINT64_MAX;
	if (core_find(call->edge->core, id, &task) != CORE_FOUND || task->owner->uid == connection->peer.uid ||
		access_sees(call->to.connection, task))
		return id;
	return id | SUBMISSION_HIDDEN;
}

/* Those of ids; those of labels are of id 0 until rpc_batch.c has found their indices. */
static void find_refs(const struct call *call, struct task_ref *to, const struct param_refs *from)
{
	for (size_t i = 0; i < from->count; i++)
		if (from->refs[i].id)
			to[i].id = ref_id(call, from->refs[i].id);
}

void submission_find_refs(const struct call *call, const struct submit_options *options, struct submission *submission)
{
	if (!submission->refs)
		return;
	find_refs(call, submission->refs, &options->after);
	find_refs(call, submission->refs + options->after.count, &options->after_any);
}

static void set_refs(const struct call *call, const struct submit_options *options, struct submission *out)
{
	size_t n = options->after.count, n_any = options->after_any.count;
	if (n + n_any == 0)
		return;
	out->refs = xcalloc(n + n_any, sizeof(out->refs[0]));
	submission_find_refs(call, options, out);
	out->spec.after = out->refs;
	out->spec.n_after = n;
	out->spec.after_any = out->refs + n;
	out->spec.n_after_any = n_any;
}

static const enum key_mode key_modes[] = {
	[KEY_WORD_REJECT] = KEY_REJECT,
	[KEY_WORD_ATTACH] = KEY_ATTACH,
	[KEY_WORD_REPLACE] = KEY_REPLACE,
	[KEY_WORD_ONCE] = KEY_ONCE,
};

static bool set_key(const struct call *call, const struct submit_options *options, struct task_spec *spec)
{
	if (options->key_mode >= 0 && !options->key) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "\"key_mode\" needs a \"key\"", NULL);
		return false;
	}
	if (!options->key)
		return true;
	if (!options->key[0]) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "parameter \"key\" must not be empty", NULL);
		return false;
	}
	spec->key = options->key;
	spec->key_length = strlen(options->key);
	spec->key_mode = options->key_mode < 0 ? KEY_REJECT : key_modes[options->key_mode];
	return true;
}

bool submission_is_detached(const struct call *call)
{
	if (call->method == METHOD_TASK_CALL)
		return !call->to.id; /* nobody would let go of it */
	return call->method != METHOD_TASK_MAP;
}

bool submission_durable(const struct call *call, int said, int on_interrupt, struct submission *out)
{
	const struct durable *durable = call->edge->host.durable;
	struct task_spec *spec = &out->spec;
	bool submitted = call->method != METHOD_TASK_CALL; /* a map's say no */
	if (said > 0 && !call_has_store(call))
		return false;
	out->durable_said = said > 0;
	spec->durable = durable && durable_wanted(durable, spec->queue, said, submitted);
	spec->on_interrupt_crash = on_interrupt < 0 ? spec->type->command : on_interrupt == ON_INTERRUPT_CRASH;
	return true;
}

static bool set_rest(const struct call *call, const struct submit_options *options, struct submission *out)
{
	if (!submission_durable(call, options->durable, options->on_interrupt, out))
		return false;
	if (options->pass_results && !options->after.count) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "\"pass_results\" needs tasks in \"after\"", NULL);
		return false;
	}
	out->spec.pass_results = options->pass_results;
	if (options->retry.retries > 0) {
		submission_retry(&options->retry, &out->retry);
		out->spec.retry = &out->retry;
	}
	if (!set_key(call, options, &out->spec) || !set_time(call, options, &out->spec))
		return false;
	if (!submission_claims(call, &options->claims, out)) {
		submission_free(out);
		return false;
	}
	set_refs(call, options, out);
	return true;
}

bool submission_prepare(
	const struct call *call, const char *task, const struct submit_options *options, struct submission *out)
{
	*out = (struct submission){ .spec = {
					    .type = core_type_find(call->edge->core, task, strlen(task)),
					    .priority = (int32_t)options->priority,
					    .owner = call->to.connection->peer.uid,
					    .detached = submission_is_detached(call),
					    .timeout_ns = options->timeout > 0 ? options->timeout : 0,
					    .tag = options->tag,
					    .tag_length = options->tag ? strlen(options->tag) : 0,
				    } };
	if (!out->spec.type || !out->spec.type->known) {
		submission_unknown_task(call, task);
		return false;
	}
	return choose_queue(call, options, &out->spec) && access_may_submit(call, out->spec.type, out->spec.queue) &&
		set_rest(call, options, out);
}

bool submission_stands(const struct call *call, const struct submit_options *options, const struct submission *submission)
{
	const struct task_spec *spec = &submission->spec;
	const struct durable *durable = call->edge->host.durable;
	if (!spec->type->known ||
		spec->queue != (options->queue ? core_queue_find(call->edge->core, options->queue) : spec->type->queue))
		return false;
	if (options->queue && !pools_serves(core_queue_pool(spec->queue), spec->type->name))
		return false;
	return !durable || spec->durable == durable_wanted(durable, spec->queue, options->durable, true);
}

void submission_free(struct submission *submission)
{
	bytes_unref(submission->spec.args);
	submission->spec.args = NULL;
	free(submission->refs);
	submission->refs = NULL;
	free(submission->claims);
	submission->claims = NULL;
	command_close(submission);
}

bool submission_has_labels(const struct submit_options *options)
{
	for (size_t i = 0; i < options->after.count; i++)
		if (options->after.refs[i].label)
			return true;
	for (size_t i = 0; i < options->after_any.count; i++)
		if (options->after_any.refs[i].label)
			return true;
	return false;
}

/* --- with what --- */

/* The results of others come into it under this name. */
static bool has_results_member(const struct json_span *args)
{
	struct json_span name, value;
	size_t cursor = 0;
	while (args->kind == JSON_SPAN_OBJECT && json_next(args, &cursor, &name, &value) == 1)
		if (json_string_is(&name, "results"))
			return true;
	return false;
}

bool submission_copy(const struct reply_to *to, const struct json_span *args, struct task_spec *spec)
{
	size_t limit = to->connection->edge->limits.payload;
	bool none = args->kind == JSON_NONE;
	size_t length = none ? 2 : args->length;
	if (length > limit) {
		reply_errorf(to, PROTO_TOO_LARGE, "the arguments have %zu bytes; payload_limit is %zu", length, limit);
		return false;
	}
	spec->args = none ? NULL : backlog_give(to->connection, args);
	if (!spec->args)
		spec->args = bytes_new(none ? "[]" : args->text, length);
	if (!spec->args)
		reply_error(to, PROTO_INTERNAL_ERROR, "no memory for the arguments", NULL);
	return spec->args;
}

bool submission_args(const struct call *call, const struct json_span *args, bool single, struct submission *submission)
{
	struct task_spec *spec = &submission->spec;
	if (spec->type->command)
		return command_args(call, args, single, submission);
	if (spec->pass_results && has_results_member(args)) {
		reply_error(&call->to, PROTO_INVALID_PARAMS,
			"\"pass_results\" adds a member \"results\" to \"args\", which has one", NULL);
		return false;
	}
	return submission_copy(&call->to, args, spec);
}
