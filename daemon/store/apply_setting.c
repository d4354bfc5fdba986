/* What is no task: queues that are not as the configuration has them, schedules, and the numbers that are not given out
 * again. */
#include "store/apply.h"

static enum db_code drop_named(struct apply *apply, enum apply_sql which, struct store_text name)
{
	struct binder binder = bind_begin(apply, which);

	bind_word(&binder, name);
	return bind_run(&binder);
}

/* -1: nothing is said. */
static void bind_said(struct binder *binder, int8_t said)
{
	if (said < 0)
		bind_null(binder);
	else
		bind_number(binder, said);
}

void apply_bind_claim(struct binder *binder, uint32_t position, const struct store_claim *claim)
{
	bind_number(binder, position);
	bind_number(binder, claim->kind);
	bind_word(binder, claim->name);
	bind_number(binder, claim->shared);
	bind_number(binder, claim->count);
	bind_number(binder, claim->slots);
}

void apply_bind_retries(struct binder *binder, const struct store_task *task)
{
	bind_number(binder, task->retry.retries);
	bind_number(binder, task->retry.on);
	bind_number(binder, task->retry.backoff_ns);
	bind_number(binder, task->retry.backoff_max_ns);
	bind_real(binder, task->retry.factor);
	bind_real(binder, task->retry.jitter);
}

enum db_code apply_queue_put(struct apply *apply, const struct store_queue *queue)
{
	struct binder binder = bind_begin(apply, APPLY_QUEUE_PUT);

	bind_word(&binder, queue->name);
	bind_number(&binder, queue->paused);
	bind_number(&binder, queue->draining);
	bind_number(&binder, queue->is_made);
	bind_number(&binder, queue->is_set);
	bind_text(&binder, queue->pool);
	bind_id(&binder, queue->limit_queued);
	bind_id(&binder, queue->limit_bytes);
	bind_id(&binder, queue->limit_running);
	bind_number(&binder, queue->order);
	bind_real(&binder, queue->rate);
	bind_number(&binder, queue->burst);
	bind_number(&binder, queue->weight);
	bind_number(&binder, queue->ageing_ns);
	bind_said(&binder, queue->durable);
	return bind_run(&binder);
}

enum db_code apply_queue_drop(struct apply *apply, const struct store_name *name)
{
	return drop_named(apply, APPLY_QUEUE_DROP, name->name);
}

static enum db_code put_schedule(struct apply *apply, const struct store_schedule *schedule)
{
	const struct store_task *task = &schedule->task;
	struct binder binder = bind_begin(apply, APPLY_SCHEDULE_PUT);

	bind_word(&binder, schedule->name);
	bind_text(&binder, schedule->text);
	bind_number(&binder, schedule->is_cron);
	bind_number(&binder, schedule->every_ns);
	bind_number(&binder, schedule->expires_ns);
	bind_number(&binder, schedule->catch_up);
	bind_number(&binder, schedule->overlap);
	bind_some(&binder, schedule->next_ns);
	bind_id(&binder, schedule->runs);
	bind_id(&binder, schedule->skipped);
	bind_id(&binder, schedule->last_id);
	bind_number(&binder, schedule->owed);
	bind_said(&binder, schedule->durable);
	bind_number(&binder, apply_task_flags(task));
	bind_number(&binder, task->priority);
	bind_number(&binder, task->owner);
	bind_text(&binder, task->type);
	bind_text(&binder, task->queue);
	bind_text(&binder, task->tag);
	bind_some(&binder, task->items);
	bind_some(&binder, task->timeout_ns);
	bind_text(&binder, task->args);
	apply_bind_retries(&binder, task);
	bind_text(&binder, schedule->groups);
	return bind_run(&binder);
}

enum db_code apply_schedule_put(struct apply *apply, const struct store_schedule *schedule)
{
	enum db_code code = drop_named(apply, APPLY_SCHEDULE_CLAIMS_DROP, schedule->name);

	if (code == DB_OK)
		code = put_schedule(apply, schedule);
	for (uint32_t i = 0; i < schedule->task.n_claims && code == DB_OK; i++) {
		struct binder binder = bind_begin(apply, APPLY_SCHEDULE_CLAIM_ADD);
		bind_word(&binder, schedule->name);
		apply_bind_claim(&binder, i, &schedule->task.claims[i]);
		code = bind_run(&binder);
	}
	return code;
}

enum db_code apply_schedule_ran(struct apply *apply, const struct store_schedule_ran *ran)
{
	struct binder binder = bind_begin(apply, APPLY_SCHEDULE_RAN);

	bind_word(&binder, ran->name);
	bind_some(&binder, ran->next_ns);
	bind_id(&binder, ran->runs);
	bind_id(&binder, ran->skipped);
	bind_id(&binder, ran->last_id);
	bind_number(&binder, ran->owed);
	return bind_run(&binder);
}

enum db_code apply_schedule_drop(struct apply *apply, const struct store_name *name)
{
	enum db_code code = drop_named(apply, APPLY_SCHEDULE_CLAIMS_DROP, name->name);

	return code == DB_OK ? drop_named(apply, APPLY_SCHEDULE_DROP, name->name) : code;
}

enum db_code apply_ids(struct apply *apply, const struct store_ids *ids)
{
	struct binder binder = bind_begin(apply, APPLY_IDS);

	bind_id(&binder, ids->next_id);
	bind_id(&binder, ids->next_place);
	bind_id(&binder, ids->next_fence);
	return bind_run(&binder);
}
