/* A task as the store has it, told in the same words as one of the core's memory; see view.h. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/store.h"
#include "edge/view.h"
#include "object/object.h"
#include "store/record.h"

static struct view_text text_of(const struct store_text *text)
{
	return (struct view_text){ .data = text->data, .length = text->length };
}

/* A word that is none of ours is of another version; it is told as an end that nothing more is known of. */
static enum task_state state_of(const struct store_text *word)
{
	for (int state = 0; state < TASK_N_STATES; state++) {
		const char *name = task_state_name((enum task_state)state);
		if (strlen(name) == word->length && memcmp(name, word->data, word->length) == 0)
			return (enum task_state)state;
	}
	return TASK_CRASHED;
}

static struct outcome_view outcome_of(const struct store_task *task)
{
	const struct store_outcome *outcome = &task->outcome;
	return (struct outcome_view){
		.id = task->id,
		.state = state_of(&task->state),
		.command = task->command,
		.kind = text_of(&outcome->kind),
		.message = text_of(&outcome->message),
		.data = text_of(&outcome->data),
		.code = outcome->code,
		.dropped = outcome->dropped,
		.because_of = outcome->because_of,
		.pid = outcome->pid,
		.wait_status = outcome->wait_status,
		.user_us = outcome->user_ns / 1000,
		.system_us = outcome->system_ns / 1000,
		.maxrss_kib = outcome->maxrss_kib,
		.reason = text_of(&outcome->reason),
	};
}

static void put_attempts(struct strbuf *out, const struct store_task *task)
{
	for (uint32_t i = 0; i < task->n_attempts; i++) {
		const struct store_attempt *attempt = &task->attempts[i];
		const struct attempt_view view = {
			.number = i + 1,
			.started_ns = attempt->started_ns,
			.ended_ns = attempt->ended_ns,
			.outcome = {
				.state = state_of(&attempt->state),
				.kind = text_of(&attempt->kind),
				.message = text_of(&attempt->message),
				.code = attempt->code,
				.pid = attempt->pid,
			},
		};
		strbuf_puts(out, i ? "," : ",\"attempts\":[");
		view_put_attempt(out, &view);
	}
	if (task->n_attempts)
		strbuf_puts(out, "]");
}

static void put_dependencies(struct strbuf *out, const struct store_task *task, const char *name, bool any)
{
	struct id_list list = { .out = out, .name = name };
	for (uint32_t i = 0; i < task->n_dependencies; i++)
		if (task->dependencies[i].any == any)
			id_list_add(&list, task->dependencies[i].id);
	id_list_end(&list);
}

static void put_claims(struct strbuf *out, const struct store_task *task)
{
	if (!task->n_claims)
		return;
	struct object_claim *claims = xcalloc(task->n_claims, sizeof(claims[0]));
	for (uint32_t i = 0; i < task->n_claims; i++) {
		const struct store_claim *claim = &task->claims[i];
		claims[i] = (struct object_claim){
			.kind = (enum object_kind)claim->kind,
			.name = { .data = claim->name.data, .length = claim->name.length },
			.shared = claim->shared,
			.count = claim->count,
			.slots = claim->slots ? (int64_t)claim->slots : -1,
		};
	}
	record_write_claims(out, claims, task->n_claims);
	free(claims);
}

static struct record_view record_of(const struct store_task *task)
{
	struct record_view view = {
		.id = task->id,
		.task = text_of(&task->type),
		.queue = text_of(&task->queue),
		.tag = text_of(&task->tag),
		.key = text_of(&task->key),
		.schedule = text_of(&task->schedule),
		.state = state_of(&task->state),
		.priority = task->priority,
		.owner = task->owner,
		.items = task->items,
		.retries = task->retry.retries,
		.attempt = task->attempt,
		.crashes = task->crashes,
		.submitted_ns = task->submitted_ns,
		.started_ns = task->started_ns,
		.ended_ns = task->ended_ns,
		.timeout_ns = task->timeout_ns,
		.retry_of = task->retry_of,
		.retried_as = task->retried_as,
		.command = task->command,
		.durable = true,
		.on_interrupt_crash = task->on_interrupt_crash,
	};
	if (view.state == TASK_SCHEDULED)
		view.due_ns = task->due_ns;
	if (view.state <= TASK_QUEUED && !task->tried)
		view.expires_ns = task->expires_ns;
	return view;
}

void stored_record(struct strbuf *out, const struct store_task *task, bool result)
{
	const struct record_view view = record_of(task);
	const struct store_outcome *outcome = &task->outcome;
	view_begin(out, &view);
	view_put_labels(out, &view);
	put_attempts(out, task);
	put_dependencies(out, task, "after", false);
	put_dependencies(out, task, "after_any", true);
	put_claims(out, task);
	view_put_origin(out, &view);
	if (task_state_is_terminal(view.state) && view.state != TASK_SUCCEEDED) {
		const struct outcome_view end = outcome_of(task);
		strbuf_puts(out, ",\"error\":");
		view_put_error(out, &end, -1);
	}
	if (view.state == TASK_SUCCEEDED && outcome->dropped)
		strbuf_printf(out, ",\"result_dropped\":%llu", (unsigned long long)outcome->dropped);
	if (result && view.state == TASK_SUCCEEDED && outcome->result.data) {
		strbuf_puts(out, ",\"result\":");
		strbuf_add(out, outcome->result.data, outcome->result.length);
	}
	strbuf_puts(out, "}");
}

bool stored_outcome(struct strbuf *out, const struct store_task *task)
{
	const struct outcome_view end = outcome_of(task);
	if (!task_state_is_terminal(end.state))
		return false;
	if (end.state == TASK_SUCCEEDED && task->outcome.result.data) {
		strbuf_add(out, task->outcome.result.data, task->outcome.result.length);
		return false;
	}
	view_put_error(out, &end, -1);
	return true;
}
