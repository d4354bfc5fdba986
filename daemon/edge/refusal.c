/* Why the core does not take a task, in words and in an error's data. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/users.h"
#include "edge/rpc.h"
#include "proto/jsonrpc.h"

static void put_string(struct strbuf *out, const char *name, const char *text, size_t length)
{
	strbuf_printf(out, ",\"%s\":", name);
	strbuf_json_string(out, text, length);
}

static void begin(struct refusal *refusal, enum proto_error error)
{
	refusal->error = error;
	error_data_begin(&refusal->data, error);
}

/* How long a tenth of the queue takes, as far as can be told. */
static double retry_after(const struct task_type *type, const struct core_queue_figures *figures, size_t depth)
{
	double n = depth > 10 ? (double)depth / 10 : 1;
	double seconds = (double)type->mean_run_ns / (double)NS_PER_S * n;
	double least = figures->paused ? 1 : 0.01;
	if (figures->options.rate > 0 && n / figures->options.rate > least)
		least = n / figures->options.rate;
	seconds = seconds > least ? seconds : least;
	return seconds > 60 ? 60 : seconds;
}

static void queue_full(struct refusal *refusal, const struct task_spec *spec, struct wanted wanted)
{
	struct core_queue_figures figures;
	core_queue_figures(spec->queue, &figures);
	size_t depth = figures.scheduled + figures.blocked + figures.waiting + figures.recording;
	const struct core_queue_options *options = &figures.options;
	bool by_bytes = !options->limit_queued || depth + wanted.count <= options->limit_queued;
	snprintf(refusal->message, sizeof(refusal->message), "the queue \"%.100s\" is full: %zu tasks (%zu bytes) wait",
		core_queue_name(spec->queue), depth, figures.waiting_bytes);
	begin(refusal, PROTO_QUEUE_FULL);
	strbuf_printf(&refusal->data, ",\"depth\":%zu,\"limit\":%zu,\"retry_after\":%.2f",
		by_bytes ? figures.waiting_bytes : depth, by_bytes ? options->limit_bytes : options->limit_queued,
		retry_after(spec->type, &figures, depth));
}

/* A tenth of what its owner has waiting has to go, where that queue tells how fast that is: not while it is paused, nor
 * where nothing of the kind has run and no rate is set. What is more than he may have at all never has room. */
static bool has_retry(const struct task_spec *spec, const struct core_queue_figures *figures, size_t more, size_t most)
{
	return more <= most && !figures->paused && (spec->type->mean_run_ns > 0 || figures->options.rate > 0);
}

static void over_share(
	struct refusal *refusal, const struct core *core, const struct task_spec *spec, struct wanted wanted)
{
	struct core_queue_figures figures;
	struct core_user_figures user;
	size_t has, most;
	bool by_count = core_over_share(core, spec, wanted.count, wanted.bytes, &has, &most) == CORE_SHARE_QUEUED;
	size_t more = by_count ? wanted.count : wanted.bytes;
	const char *name = user_name_kept(spec->owner, core_now(core));
	core_queue_figures(spec->queue, &figures);
	core_user_figures(core, spec->owner, &user);
	snprintf(refusal->message, sizeof(refusal->message),
		"user %.100s has %zu %s waiting, and may have %zu: %zu more would be too many", name, has,
		by_count ? "tasks" : "bytes of tasks", most, more);
	begin(refusal, PROTO_OVER_SHARE);
	put_string(&refusal->data, "user", name, strlen(name));
	strbuf_printf(&refusal->data, ",\"limit\":\"%s\",\"most\":%zu,\"has\":%zu",
		by_count ? "user_queued" : "user_queued_bytes", most, has);
	if (has_retry(spec, &figures, more, most))
		strbuf_printf(&refusal->data, ",\"retry_after\":%.2f", retry_after(spec->type, &figures, user.queued));
}

static void draining(struct refusal *refusal, const struct task_spec *spec)
{
	const char *name = core_queue_name(spec->queue);
	snprintf(refusal->message, sizeof(refusal->message),
		"the queue \"%.100s\" is being drained and takes nothing more", name);
	begin(refusal, PROTO_QUEUE_DRAINING);
	put_string(&refusal->data, "queue", name, strlen(name));
}

/* TASK: who has the key; NULL: another of the same batch. */
static void duplicate(struct refusal *refusal, const struct task_spec *spec, struct task *task)
{
	const char *key = spec->key ? spec->key : task && task->extra ? task->extra->key : NULL;
	size_t length = spec->key ? spec->key_length : task && task->extra ? task->extra->key_length : 0;
	int shown = length < 100 ? (int)length : 100;
	begin(refusal, PROTO_DUPLICATE);
	if (!task) {
		snprintf(refusal->message, sizeof(refusal->message), "another task of the batch has the key \"%.*s\"",
			shown, key);
	} else {
		if (task->slot)
			core_task_look(task);
		snprintf(refusal->message, sizeof(refusal->message), "task %" PRIu64 " (%s) has the key \"%.*s\"",
			task->id, task_state_name(task->state), shown, key ? key : "");
		strbuf_printf(&refusal->data, ",\"id\":\"%" PRIu64 "\",\"state\":\"%s\"", task->id,
			task_state_name(task->state));
	}
	if (key)
		put_string(&refusal->data, "key", key, length);
}

/* The first of REFS that is not there; 0: all are. */
static uint64_t missing(const struct core *core, const struct task_ref *refs, size_t count)
{
	struct task *task;
	for (size_t i = 0; i < count; i++)
		if (refs[i].id && core_find(core, refs[i].id, &task) != CORE_FOUND)
			return refs[i].id;
	return 0;
}

static void no_dependency(
	struct refusal *refusal, const struct core *core, enum proto_error error, const struct task_spec *spec)
{
	uint64_t id = missing(core, spec->after, spec->n_after);
	if (!id)
		id = missing(core, spec->after_any, spec->n_after_any);
	if ((id & SUBMISSION_HIDDEN) && id != UINT64_MAX) {
		id &= ~SUBMISSION_HIDDEN;
		error = PROTO_FORGOTTEN;
	}
	snprintf(refusal->message, sizeof(refusal->message),
		error == PROTO_FORGOTTEN ? "it is to wait for task %" PRIu64 ", whose record has been dropped"
					 : "it is to wait for task %" PRIu64 ", which never was",
		id);
	begin(refusal, error);
	strbuf_printf(&refusal->data, ",\"id\":\"%" PRIu64 "\"", id);
}

static void plain(struct refusal *refusal, enum proto_error error, const char *message)
{
	snprintf(refusal->message, sizeof(refusal->message), "%s", message ? message : proto_error_info(error)->text);
	begin(refusal, error);
}

struct wanted wanted_of(const struct task_spec *spec)
{
	return (struct wanted){ .count = 1, .bytes = core_submit_cost(spec) };
}

void refusal_tell(struct refusal *out, const struct core *core, enum core_refusal code, const struct task_spec *spec,
	struct wanted wanted, struct task *task)
{
	*out = (struct refusal){ .data = STRBUF_INIT };
	switch (code) {
	case CORE_QUEUE_FULL:
		queue_full(out, spec, wanted);
		break;
	case CORE_CLOSED:
		plain(out, PROTO_SHUTTING_DOWN, NULL);
		break;
	case CORE_DRAINING:
		draining(out, spec);
		break;
	case CORE_DUPLICATE:
		duplicate(out, spec, task);
		break;
	case CORE_NO_DEPENDENCY:
		no_dependency(out, core, PROTO_NOT_FOUND, spec);
		break;
	case CORE_LOST_DEPENDENCY:
		no_dependency(out, core, PROTO_FORGOTTEN, spec);
		break;
	case CORE_CYCLE:
		plain(out, PROTO_DEPENDENCY_CYCLE, NULL);
		break;
	case CORE_NOT_OVER:
		plain(out, PROTO_NOT_OVER, NULL);
		break;
	case CORE_NOT_FAILED:
		plain(out, PROTO_NOT_FAILED, NULL);
		break;
	case CORE_NO_QUEUE:
		plain(out, PROTO_UNAVAILABLE, "its queue, or the pool that ran it, is gone");
		break;
	case CORE_EXISTS:
		plain(out, PROTO_EXISTS, NULL);
		break;
	case CORE_OVER_SHARE:
		over_share(out, core, spec, wanted);
		break;
	case CORE_DENIED:
		plain(out, PROTO_DENIED, NULL);
		break;
	case CORE_STORE_FULL:
		plain(out, PROTO_STORE_FULL, NULL);
		break;
	case CORE_STORE_FAILED:
		plain(out, PROTO_STORE_FAILED, NULL);
		break;
	case CORE_STORE_BEHIND:
		plain(out, PROTO_STORE_BEHIND, NULL);
		break;
	case CORE_OK:
	case CORE_ATTACHED:
	case CORE_OVERLAP: /* nobody is told of these by an error */
		plain(out, PROTO_INTERNAL_ERROR, NULL);
		break;
	}
	strbuf_puts(&out->data, "}");
}

void refusal_free(struct refusal *refusal)
{
	strbuf_free(&refusal->data);
}

void denied_error(struct strbuf *out, enum right right, uint64_t id)
{
	struct strbuf data = STRBUF_INIT;
	char message[64];
	snprintf(message, sizeof(message), "this needs the right to %s it", right_name(right));
	error_data_begin(&data, PROTO_DENIED);
	strbuf_printf(&data, ",\"id\":\"%" PRIu64 "\",\"right\":\"%s\"}", id, right_name(right));
	rpc_error_object(out, proto_error_info(PROTO_DENIED)->code, message, data.data);
	strbuf_free(&data);
}

void submission_refused(
	const struct reply_to *to, int refusal, const struct task_spec *spec, struct wanted wanted, struct task *task)
{
	struct refusal told;
	refusal_tell(&told, to->connection->edge->core, (enum core_refusal)refusal, spec, wanted, task);
	reply_error(to, told.error, told.message, told.data.data);
	refusal_free(&told);
}
