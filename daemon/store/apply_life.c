/* What becomes of a task: it runs, it waits again, it ends. What has ended stays as it is. */
#include "store/apply.h"

enum db_code apply_task_start(struct apply *apply, uint64_t id, const struct store_task_start *start)
{
	struct binder binder = bind_begin(apply, APPLY_TASK_START);

	bind_id(&binder, id);
	bind_number(&binder, start->attempt);
	bind_some(&binder, start->started_ns);
	return bind_run(&binder);
}

enum db_code apply_attempt_add(struct apply *apply, uint64_t id, uint32_t number, const struct store_attempt *attempt)
{
	struct binder binder = bind_begin(apply, APPLY_ATTEMPT_ADD);

	bind_id(&binder, id);
	bind_number(&binder, number);
	bind_word(&binder, attempt->state);
	bind_some(&binder, attempt->started_ns);
	bind_some(&binder, attempt->ended_ns);
	bind_some(&binder, attempt->code);
	bind_text(&binder, attempt->kind);
	bind_text(&binder, attempt->message);
	bind_some(&binder, attempt->pid);
	return bind_run(&binder);
}

enum db_code apply_task_state(struct apply *apply, uint64_t id, const struct store_task_state *state)
{
	struct binder binder = bind_begin(apply, APPLY_TASK_STATE);
	int64_t flags = (state->wall ? TASK_FLAG_WALL : 0) | (state->tried ? TASK_FLAG_TRIED : 0);

	bind_id(&binder, id);
	bind_word(&binder, state->state);
	bind_number(&binder, state->attempt);
	bind_number(&binder, state->crashes);
	bind_number(&binder, flags | (state->adds_attempt ? TASK_FLAG_ATTEMPTS : 0));
	bind_id(&binder, state->place);
	bind_some(&binder, state->due_ns);
	enum db_code code = bind_run(&binder);
	if (code != DB_OK || !state->adds_attempt || !apply_changed(apply))
		return code;
	return apply_attempt_add(apply, id, state->attempt - 1u, &state->last);
}

enum db_code apply_task_met(struct apply *apply, uint64_t id, const struct store_task_met *met)
{
	struct binder binder = bind_begin(apply, APPLY_DEPENDENCY_MET);

	if (met->result.length > TASK_VALUE_LIMIT)
		return DB_OK;
	bind_id(&binder, id);
	bind_number(&binder, met->dependency);
	bind_text(&binder, met->result);
	return bind_run(&binder);
}

static enum db_code add_obituary(struct apply *apply, uint64_t id, const struct store_outcome *outcome)
{
	struct binder binder = bind_begin(apply, APPLY_OBITUARY_ADD);

	bind_id(&binder, id);
	bind_number(&binder, outcome->pid);
	bind_number(&binder, outcome->wait_status);
	bind_number(&binder, outcome->user_ns);
	bind_number(&binder, outcome->system_ns);
	bind_number(&binder, outcome->maxrss_kib);
	bind_text(&binder, outcome->reason);
	return bind_run(&binder);
}

static enum db_code drop_args(struct apply *apply, uint64_t id)
{
	enum db_code code = DB_OK;

	if (apply->any_parts) {
		struct binder binder = bind_begin(apply, APPLY_PARTS_DROP_ARGS);
		bind_id(&binder, id);
		code = bind_run(&binder);
	}
	if (code == DB_OK && apply->any_dependencies) {
		struct binder binder = bind_begin(apply, APPLY_DEPENDENCIES_EMPTY);
		bind_id(&binder, id);
		code = bind_run(&binder);
	}
	return code;
}

/* What does not fit into the row. */
static enum db_code end_sides(struct apply *apply, uint64_t id, const struct store_task_end *end, int64_t flags)
{
	const struct store_outcome *outcome = &end->outcome;
	enum db_code code = end->keeps_args ? DB_OK : drop_args(apply, id);

	if (code == DB_OK && flags & TASK_FLAG_PARTS_OF_RESULT)
		code = apply_parts_add(apply, id, TASK_PART_RESULT, outcome->result);
	if (code == DB_OK && flags & TASK_FLAG_PARTS_OF_DATA)
		code = apply_parts_add(apply, id, TASK_PART_DATA, outcome->data);
	return code == DB_OK && flags & TASK_FLAG_OBITUARY ? add_obituary(apply, id, outcome) : code;
}

enum db_code apply_task_end(struct apply *apply, uint64_t id, const struct store_task_end *end)
{
	const struct store_outcome *outcome = &end->outcome;
	int64_t flags = (outcome->result.length > TASK_INLINE_LIMIT ? TASK_FLAG_PARTS_OF_RESULT : 0) |
		(outcome->data.length > TASK_INLINE_LIMIT ? TASK_FLAG_PARTS_OF_DATA : 0) |
		(outcome->pid ? TASK_FLAG_OBITUARY : 0) | (end->started_ns ? TASK_FLAG_TRIED : 0);
	int64_t ended_ns = end->ended_ns ? end->ended_ns : 1; /* it is by this that it has ended */
	struct binder binder = bind_begin(apply, end->keeps_args ? APPLY_TASK_END : APPLY_TASK_END_BARE);

	bind_id(&binder, id);
	bind_word(&binder, end->state);
	bind_number(&binder, end->attempt);
	bind_number(&binder, end->crashes);
	bind_number(&binder, flags);
	bind_number(&binder, ended_ns);
	bind_some(&binder, end->started_ns);
	bind_text(&binder, flags & TASK_FLAG_PARTS_OF_RESULT ? STORE_TEXT_NONE : outcome->result);
	bind_some(&binder, outcome->code);
	bind_text(&binder, outcome->kind);
	bind_text(&binder, outcome->message);
	bind_text(&binder, flags & TASK_FLAG_PARTS_OF_DATA ? STORE_TEXT_NONE : outcome->data);
	bind_some(&binder, (int64_t)outcome->dropped);
	bind_some(&binder, (int64_t)outcome->because_of);
	enum db_code code = bind_run(&binder);
	if (code != DB_OK || !apply_changed(apply))
		return code;
	apply->live--;
	apply->ended++;
	if (ended_ns < apply->oldest_ns)
		apply->oldest_ns = ended_ns;
	return end_sides(apply, id, end, flags);
}
