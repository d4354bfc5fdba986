/* A task comes in, with all that belongs to it, and leaves with it. */
#include "store/apply.h"

/* A part of a text ends between characters. */
static uint32_t part_length(struct store_text text)
{
	uint32_t length = text.length;

	if (length <= TASK_PART_LENGTH)
		return length;
	length = TASK_PART_LENGTH;
	for (int i = 0; i < 3 && ((unsigned char)text.data[length] & 0xc0) == 0x80; i++)
		length--;
	return length;
}

enum db_code apply_parts_add(struct apply *apply, uint64_t id, enum task_part what, struct store_text text)
{
	enum db_code code = DB_OK;

	apply->any_parts = true;
	for (int part = 0; code == DB_OK && text.length > 0; part++) {
		uint32_t length = part_length(text);
		struct binder binder = bind_begin(apply, APPLY_PART_ADD);
		bind_id(&binder, id);
		bind_number(&binder, what);
		bind_number(&binder, part);
		bind_text(&binder, store_text_of(text.data, length));
		code = bind_run(&binder);
		text = store_text_of(text.data + length, text.length - length);
	}
	return code;
}

/* --- what belongs to it --- */

static enum db_code add_attempts(struct apply *apply, const struct store_task *task)
{
	enum db_code code = DB_OK;

	for (uint32_t i = 0; i < task->n_attempts && code == DB_OK; i++)
		code = apply_attempt_add(apply, task->id, i + 1, &task->attempts[i]);
	return code;
}

static enum db_code add_claims(struct apply *apply, const struct store_task *task)
{
	enum db_code code = DB_OK;

	for (uint32_t i = 0; i < task->n_claims && code == DB_OK; i++) {
		struct binder binder = bind_begin(apply, APPLY_CLAIM_ADD);
		bind_id(&binder, task->id);
		apply_bind_claim(&binder, i, &task->claims[i]);
		code = bind_run(&binder);
	}
	return code;
}

static enum db_code add_dependencies(struct apply *apply, const struct store_task *task)
{
	enum db_code code = DB_OK;

	apply->any_dependencies |= task->n_dependencies > 0;
	for (uint32_t i = 0; i < task->n_dependencies && code == DB_OK; i++) {
		const struct store_dependency *dependency = &task->dependencies[i];
		bool fits = dependency->result.length <= TASK_VALUE_LIMIT;
		struct binder binder = bind_begin(apply, APPLY_DEPENDENCY_ADD);
		bind_id(&binder, task->id);
		bind_number(&binder, i);
		bind_id(&binder, dependency->id);
		bind_number(&binder, dependency->any);
		bind_number(&binder, dependency->done && fits);
		bind_text(&binder, fits ? dependency->result : STORE_TEXT_NONE);
		code = bind_run(&binder);
	}
	return code;
}

static enum db_code add_retries(struct apply *apply, const struct store_task *task)
{
	struct binder binder = bind_begin(apply, APPLY_RETRIES_ADD);

	bind_id(&binder, task->id);
	apply_bind_retries(&binder, task);
	return bind_run(&binder);
}

/* --- its row --- */

static bool has_retries(const struct store_task *task)
{
	return task->retry.retries || task->retry.on || task->retry.backoff_ns || task->retry.backoff_max_ns ||
		task->retry.factor != 0 || task->retry.jitter != 0;
}

int64_t apply_task_flags(const struct store_task *task)
{
	return (task->command ? TASK_FLAG_COMMAND : 0) | (task->detached ? TASK_FLAG_DETACHED : 0) |
		(task->wall ? TASK_FLAG_WALL : 0) | (task->tried ? TASK_FLAG_TRIED : 0) |
		(task->on_interrupt_crash ? TASK_FLAG_CRASH : 0) | (task->pass_results ? TASK_FLAG_PASS_RESULTS : 0) |
		(task->final ? TASK_FLAG_FINAL : 0);
}

static int64_t flags_of(const struct store_task *task)
{
	return apply_task_flags(task) | (task->n_attempts ? TASK_FLAG_ATTEMPTS : 0) |
		(task->n_claims ? TASK_FLAG_CLAIMS : 0) | (task->n_dependencies ? TASK_FLAG_DEPENDENCIES : 0) |
		(has_retries(task) ? TASK_FLAG_RETRIES : 0) |
		(task->args.length > TASK_INLINE_LIMIT ? TASK_FLAG_PARTS_OF_ARGS : 0);
}

/* The result code of the step itself: whether the task is there already is seen by that. */
static int add_row(struct apply *apply, const struct store_task *task, int64_t flags)
{
	struct binder binder = bind_begin(apply, APPLY_TASK_ADD);

	bind_id(&binder, task->id);
	bind_word(&binder, task->state);
	bind_number(&binder, task->attempt);
	bind_number(&binder, task->crashes);
	bind_number(&binder, flags);
	bind_id(&binder, task->place);
	bind_some(&binder, task->started_ns);
	bind_some(&binder, task->due_ns);
	bind_some(&binder, task->submitted_ns);
	bind_number(&binder, task->priority);
	bind_number(&binder, task->owner);
	bind_word(&binder, task->type);
	bind_word(&binder, task->queue);
	bind_text(&binder, task->tag);
	bind_text(&binder, task->key);
	bind_text(&binder, task->schedule);
	bind_some(&binder, task->items);
	bind_some(&binder, task->expires_ns);
	bind_some(&binder, task->timeout_ns);
	bind_some(&binder, (int64_t)task->retry_of);
	bind_some(&binder, (int64_t)task->retried_as);
	bind_text(&binder, flags & TASK_FLAG_PARTS_OF_ARGS ? STORE_TEXT_NONE : task->args);
	return bind_step(&binder);
}

static enum db_code add_sides(struct apply *apply, const struct store_task *task, int64_t flags)
{
	enum db_code code = DB_OK;

	if (flags & TASK_FLAG_ATTEMPTS)
		code = add_attempts(apply, task);
	if (code == DB_OK && flags & TASK_FLAG_CLAIMS)
		code = add_claims(apply, task);
	if (code == DB_OK && flags & TASK_FLAG_DEPENDENCIES)
		code = add_dependencies(apply, task);
	if (code == DB_OK && flags & TASK_FLAG_RETRIES)
		code = add_retries(apply, task);
	if (code == DB_OK && flags & TASK_FLAG_PARTS_OF_ARGS)
		code = apply_parts_add(apply, task->id, TASK_PART_ARGS, task->args);
	return code;
}

/* The task that it is the retry of says so from now on, unless that has left. */
static enum db_code tell_retried(struct apply *apply, const struct store_task *task)
{
	struct binder binder = bind_begin(apply, APPLY_TASK_RETRIED);

	bind_id(&binder, task->retry_of);
	bind_id(&binder, task->id);
	return bind_run(&binder);
}

/* It is as good as cancelled: whoever starts next does not run it. */
static enum db_code tell_replaced(struct apply *apply, const struct store_task *task)
{
	struct binder binder = bind_begin(apply, APPLY_TASK_REPLACED);

	bind_id(&binder, task->replaces);
	return bind_run(&binder);
}

/* Whether there is such a task, and what of it. */
static enum db_code look(struct apply *apply, uint64_t id, bool *found, int64_t *flags, bool *ended)
{
	sqlite3_stmt *statement = apply->sql[APPLY_TASK_LOOK];
	int rc = sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(statement);
	*found = rc == SQLITE_ROW;
	*flags = *found ? sqlite3_column_int64(statement, 0) : 0;
	*ended = *found && sqlite3_column_int(statement, 1);
	sqlite3_reset(statement);
	return db_error(&apply->db, rc);
}

/* It is there: what it was before is dropped, or it has ended, and stays as it is. */
static enum db_code make_way(struct apply *apply, uint64_t id, bool *stays)
{
	bool found;
	int64_t flags;
	enum db_code code = look(apply, id, &found, &flags, stays);

	return code != DB_OK || *stays ? code : apply_task_drop(apply, id, flags, false);
}

static enum db_code end_at_once(struct apply *apply, const struct store_task *task)
{
	const struct store_task_end end = {
		.state = task->state,
		.attempt = task->attempt,
		.crashes = task->crashes,
		.keeps_args = true,
		.started_ns = task->started_ns,
		.ended_ns = task->ended_ns,
		.outcome = task->outcome,
	};

	return apply_task_end(apply, task->id, &end);
}

enum db_code apply_task_put(struct apply *apply, const struct store_task *task)
{
	int64_t flags = flags_of(task);
	int rc = add_row(apply, task, flags);

	if (rc == SQLITE_CONSTRAINT_PRIMARYKEY) {
		bool stays;
		enum db_code code = make_way(apply, task->id, &stays);
		if (code != DB_OK || stays)
			return code;
		rc = add_row(apply, task, flags);
	}
	enum db_code code = db_error(&apply->db, rc);
	if (code == DB_OK)
		apply->live++;
	if (code == DB_OK && flags >= TASK_FLAG_ATTEMPTS)
		code = add_sides(apply, task, flags);
	if (code == DB_OK && task->retry_of)
		code = tell_retried(apply, task);
	if (code == DB_OK && task->replaces)
		code = tell_replaced(apply, task);
	return code == DB_OK && task->ended_ns ? end_at_once(apply, task) : code;
}

/* --- out again --- */

static enum db_code drop_from(struct apply *apply, enum apply_sql which, uint64_t id)
{
	struct binder binder = bind_begin(apply, which);

	bind_id(&binder, id);
	return bind_run(&binder);
}

enum db_code apply_task_drop(struct apply *apply, uint64_t id, int64_t flags, bool ended)
{
	static const struct {
		int64_t flags;
		enum apply_sql drop;
	} sides[] = {
		{ TASK_FLAG_ATTEMPTS, APPLY_ATTEMPTS_DROP },
		{ TASK_FLAG_CLAIMS, APPLY_CLAIMS_DROP },
		{ TASK_FLAG_DEPENDENCIES, APPLY_DEPENDENCIES_DROP },
		{ TASK_FLAG_RETRIES, APPLY_RETRIES_DROP },
		{ TASK_FLAG_OBITUARY, APPLY_OBITUARY_DROP },
		{ TASK_FLAG_PARTS_OF_ARGS | TASK_FLAG_PARTS_OF_RESULT | TASK_FLAG_PARTS_OF_DATA, APPLY_PARTS_DROP },
	};
	/* Those who wait for it remember what became of it. */
	enum db_code code = ended && apply->any_dependencies ? drop_from(apply, APPLY_DEPENDENCIES_LEFT, id) : DB_OK;

	for (size_t i = 0; i < sizeof(sides) / sizeof(*sides) && code == DB_OK; i++)
		if (flags & sides[i].flags)
			code = drop_from(apply, sides[i].drop, id);
	if (code == DB_OK)
		code = drop_from(apply, APPLY_TASK_DROP, id);
	*(ended ? &apply->ended : &apply->live) -= code == DB_OK;
	return code;
}

enum db_code apply_task_forget(struct apply *apply, uint64_t id)
{
	bool found, ended;
	int64_t flags;
	enum db_code code = look(apply, id, &found, &flags, &ended);

	return code != DB_OK || !found ? code : apply_task_drop(apply, id, flags, ended);
}
