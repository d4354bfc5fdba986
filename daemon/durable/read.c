/* From what the store has kept of a task back to the core, after a restart. What a stranger may have written into the
 * file is checked as far as the core relies on it. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "durable/internal.h"
#include "object/object.h"

static struct bytes *bytes_of(const struct store_text *text)
{
	return text->data ? bytes_new(text->data, text->length) : NULL;
}

static struct timeval time_of(int64_t ns)
{
	return (struct timeval){ .tv_sec = ns / NS_PER_S, .tv_usec = ns % NS_PER_S / NS_PER_US };
}

/* --- parts --- */

static struct core_queue *queue_of(const struct durable *durable, const struct store_text *name)
{
	char *copy = vocabulary_copy(name);
	struct core_queue *queue = copy ? core_queue_find(durable->host.core, copy) : NULL;
	free(copy);
	return queue;
}

static bool is_claim(const struct store_claim *claim)
{
	return (claim->kind == OBJECT_LOCK || (claim->kind == OBJECT_SEMAPHORE && claim->count > 0)) &&
		claim->name.length > 0 && claim->name.length <= OBJECT_NAME_LIMIT && claim->count <= SEMAPHORE_SLOTS_MAX &&
		claim->slots <= SEMAPHORE_SLOTS_MAX;
}

static struct object_claim *read_claims(const struct store_task *task, size_t *n)
{
	struct object_claim *claims = task->n_claims ? xcalloc(task->n_claims, sizeof(*claims)) : NULL;
	*n = 0;
	for (uint32_t i = 0; i < task->n_claims; i++) {
		const struct store_claim *claim = &task->claims[i];
		if (!is_claim(claim))
			continue;
		claims[(*n)++] = (struct object_claim){
			.kind = (enum object_kind)claim->kind,
			.name = { claim->name.data, claim->name.length },
			.shared = claim->shared,
			.count = claim->count,
			.slots = claim->kind == OBJECT_LOCK ? 0 : claim->slots ? (int64_t)claim->slots : -1,
		};
	}
	return claims;
}

static struct task_retry retry_of(const struct store_task *task)
{
	return (struct task_retry){
		.retries = task->retry.retries,
		.on = task->retry.on & RETRY_ALL,
		.backoff_ns = task->retry.backoff_ns,
		.backoff_max_ns = task->retry.backoff_max_ns,
		.factor = task->retry.factor,
		.jitter = task->retry.jitter,
	};
}

bool read_spec(struct durable *durable, const struct store_task *task, struct task_spec *spec, struct task_retry *retry)
{
	struct core *core = durable->host.core;
	if (!task->type.length)
		return false;
	*spec = (struct task_spec){
		.type = core_type(core, task->type.data, task->type.length),
		.queue = queue_of(durable, &task->queue),
		.args = bytes_of(&task->args),
		.priority = task->priority,
		.owner = task->owner,
		.items = task->items,
		.timeout_ns = task->timeout_ns,
		.tag = task->tag.data,
		.tag_length = task->tag.length,
		.key = task->key.data,
		.key_length = task->key.length,
		.pass_results = task->pass_results,
		.detached = task->detached,
		.durable = true,
		.on_interrupt_crash = task->on_interrupt_crash,
	};
	spec->claims = read_claims(task, &spec->n_claims);
	*retry = retry_of(task);
	if (retry->retries)
		spec->retry = retry;
	return true;
}

void read_spec_free(struct task_spec *spec)
{
	bytes_unref(spec->args);
	free((struct object_claim *)(uintptr_t)spec->claims);
}

static struct task_attempt *read_attempts(struct durable *durable, const struct store_task *task)
{
	if (!task->n_attempts || task->n_attempts + 1 != task->attempt)
		return NULL;
	struct task_attempt *attempts = xcalloc(task->n_attempts, sizeof(*attempts));
	for (uint32_t i = 0; i < task->n_attempts; i++) {
		const struct store_attempt *from = &task->attempts[i];
		enum task_state state;
		if (!vocabulary_state(&from->state, &state))
			state = TASK_FAILED;
		attempts[i] = (struct task_attempt){
			.started_ns = durable_mono(durable, from->started_ns),
			.ended_ns = durable_mono(durable, from->ended_ns),
			.state = state,
			.code = from->code,
			.kind = vocabulary_keep(durable, &from->kind),
			.message = vocabulary_copy(&from->message),
			.pid = from->pid,
		};
	}
	return attempts;
}


/* --- results that are passed on --- */

/* In memory each is there once, however many have waited for it; of small ones that is not worth the while. */
#define SHARED_LEAST 1024u

struct passed {
	uint64_t id;
	struct bytes *result;
};

static uint64_t passed_id(const void *value)
{
	return ((const struct passed *)value)->id;
}

void read_init(struct durable *durable)
{
	table_init(&durable->passed, passed_id);
}

void read_finish(struct durable *durable)
{
	size_t cursor = 0;
	struct passed *passed;
	while ((passed = table_next(&durable->passed, &cursor))) {
		bytes_unref(passed->result);
		free(passed);
	}
	table_fini(&durable->passed);
	read_init(durable);
}

static struct bytes *read_passed(struct durable *durable, const struct store_dependency *from)
{
	struct passed *passed = from->result.length < SHARED_LEAST ? NULL : table_get(&durable->passed, from->id);
	struct bytes *result = passed ? passed->result : NULL;
	if (result && result->size == from->result.length && memcmp(result->data, from->result.data, result->size) == 0)
		return bytes_ref(result);
	result = bytes_of(&from->result);
	if (!passed && from->result.length >= SHARED_LEAST) {
		passed = xcalloc(1, sizeof(*passed));
		*passed = (struct passed){ .id = from->id, .result = bytes_ref(result) };
		table_put(&durable->passed, passed);
	}
	return result;
}

static struct core_restored_link *read_links(struct durable *durable, const struct store_task *task)
{
	struct core_restored_link *links = task->n_dependencies ? xcalloc(task->n_dependencies, sizeof(*links)) : NULL;
	for (uint32_t i = 0; i < task->n_dependencies; i++)
		links[i] = (struct core_restored_link){
			.id = task->dependencies[i].id,
			.any = task->dependencies[i].any,
			.done = task->dependencies[i].done,
			.result = read_passed(durable, &task->dependencies[i]),
		};
	return links;
}

static void free_links(struct core_restored_link *links, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		bytes_unref(links[i].result);
	free(links);
}

static struct task_outcome *read_outcome(struct durable *durable, const struct store_task *task, enum task_state state)
{
	const struct store_outcome *from = &task->outcome;
	struct task_outcome *outcome = xcalloc(1, sizeof(*outcome));
	*outcome = (struct task_outcome){
		.state = state,
		.result = bytes_of(&from->result),
		.dropped = (size_t)from->dropped,
		.code = from->code,
		.message = vocabulary_copy(&from->message),
		.data = bytes_of(&from->data),
		.kind = vocabulary_keep(durable, &from->kind),
		.because_of = from->because_of,
	};
	if (!from->pid)
		return outcome;
	outcome->obituary = xcalloc(1, sizeof(*outcome->obituary));
	outcome->obituary->pid = from->pid;
	outcome->obituary->wait_status = from->wait_status;
	outcome->obituary->usage.ru_utime = time_of(from->user_ns);
	outcome->obituary->usage.ru_stime = time_of(from->system_ns);
	outcome->obituary->usage.ru_maxrss = from->maxrss_kib;
	outcome->obituary->reason = vocabulary_keep(durable, &from->reason);
	return outcome;
}

/* --- a task --- */

static void read_times(struct durable *durable, const struct store_task *task, struct core_restored *out)
{
	out->spec.expires_ns = durable_mono(durable, task->expires_ns);
	out->spec.wall = task->wall;
	out->spec.due_ns = task->wall ? task->due_ns : durable_mono(durable, task->due_ns);
	out->submitted_ns = durable_mono(durable, task->submitted_ns);
	out->started_ns = durable_mono(durable, task->started_ns);
	out->ended_ns = durable_mono(durable, task->ended_ns);
}

static void count(struct durable *durable, enum task_state state)
{
	if (task_state_is_terminal(state))
		return;
	durable->recovered++;
	durable->interrupted += state == TASK_RUNNING;
}

void read_task(struct durable *durable, const struct store_task *task)
{
	struct core_restored restored = {
		.id = task->id,
		.place = task->place,
		.retry_of = task->retry_of,
		.retried_as = task->retried_as,
		.attempt = task->attempt ? task->attempt : 1,
		.crashes = task->crashes,
		.detached = task->detached,
		.tried = task->tried,
		.final = task->final,
		.n_links = task->n_dependencies,
	};
	struct task_retry retry;
	if (!vocabulary_state(&task->state, &restored.state) || !read_spec(durable, task, &restored.spec, &retry)) {
		log_error("task %llu is in the store in a state that no task has: left out", (unsigned long long)task->id);
		return;
	}
	char *schedule = vocabulary_copy(&task->schedule);
	struct core_restored_link *links = read_links(durable, task);
	read_times(durable, task, &restored);
	restored.schedule_name = schedule;
	restored.spec.schedule = schedule ? core_schedule_find(durable->host.core, task->owner, schedule) : NULL;
	restored.links = links;
	restored.attempts = read_attempts(durable, task);
	bool is_over = task_state_is_terminal(restored.state);
	if (is_over)
		restored.outcome = read_outcome(durable, task, restored.state);
	count(durable, restored.state);
	(void)core_restore(durable->host.core, &restored); /* what there is no room for is in the store still */
	free_links(links, task->n_dependencies);
	free(schedule);
	read_spec_free(&restored.spec);
}
