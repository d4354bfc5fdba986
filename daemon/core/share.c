/* Shares: what one user may have of all that is there. What he has is counted where it is counted for all (queue_count,
 * the lanes' books, keep.c); here is what follows from it. Users who are exempt have no limits. */
#include "core/internal.h"

static bool is_exempt(const struct core *core, uint32_t uid)
{
	for (size_t i = 0; i < core->shares.n_exempt; i++)
		if (core->shares.exempt[i] == uid)
			return true;
	return false;
}

static size_t limit_of(size_t share, bool exempt)
{
	return share && !exempt ? share : SIZE_MAX;
}

void share_bind(const struct core *core, struct task_owner *owner)
{
	bool exempt = is_exempt(core, owner->uid);

	owner->may_run = limit_of(core->shares.running, exempt);
	owner->may_keep = limit_of(core->shares.result_bytes, exempt);
}

/* --- what runs --- */

/* One line for each queue where he has anything waiting: so it costs the same for one task as for a million. */
void share_touch(const struct task_owner *owner)
{
	struct line *line;

	LIST_FOREACH(line, &owner->lines, of_owner)
		queue_touch(line);
}

/* --- what is submitted --- */

static const struct task_owner *find(const struct core *core, uint32_t uid)
{
	return table_get(&core->owners, uid);
}

static bool has_room(size_t has, size_t more, size_t may)
{
	return !may || (more <= may && has <= may - more);
}

int share_room(const struct core *core, const struct load *load)
{
	const struct task_owner *owner = find(core, load->uid);
	size_t count = owner ? owner->queued - load->less_count : 0;
	size_t bytes = owner ? owner->queued_bytes - load->less_bytes : 0;

	if (is_exempt(core, load->uid) ||
		(has_room(count, load->count, core->shares.queued) &&
			has_room(bytes, load->bytes, core->shares.queued_bytes)))
		return CORE_OK;
	return CORE_OVER_SHARE;
}

enum core_share core_over_share(const struct core *core, const struct task_spec *spec, size_t count, size_t bytes,
	size_t *has, size_t *may)
{
	const struct task_owner *owner = find(core, spec->owner);
	size_t queued = owner ? owner->queued : 0, queued_bytes = owner ? owner->queued_bytes : 0;
	struct task *other = NULL;
	bool has_key = spec->key && submit_key(core, spec, &other) == CORE_OK;
	bool replaces = has_key && other && !other->slot && !other->outcome;
	bool by_bytes = has_room(queued - replaces, count, core->shares.queued);

	(void)bytes; /* where it is not the one, it is the other */
	*has = by_bytes ? queued_bytes : queued;
	*may = by_bytes ? core->shares.queued_bytes : core->shares.queued;
	return by_bytes ? CORE_SHARE_QUEUED_BYTES : CORE_SHARE_QUEUED;
}

/* --- what came along --- */

void core_task_keeps(struct task *task, size_t descriptors)
{
	task_extra(task)->descriptors = descriptors;
	task->owner->descriptors += descriptors;
}

void share_ended(struct task *task)
{
	task->owner->descriptors -= task->extra->descriptors;
	task->extra->descriptors = 0;
}

/* --- the whole --- */

void core_set_shares(struct core *core, const struct core_shares *shares)
{
	bool divided = core->shares.running > 0;
	struct core_queue *queue;
	struct task_owner *owner;
	size_t cursor = 0;

	core->shares = *shares;
	while ((owner = table_next(&core->owners, &cursor))) {
		share_bind(core, owner);
		share_touch(owner);
	}
	if (divided != (shares->running > 0))
		TAILQ_FOREACH(queue, &core->queue_list, link)
			claim_reorder(queue);
}

static void look(const struct task_owner *owner, struct core_user_figures *out)
{
	*out = (struct core_user_figures){
		.uid = owner->uid,
		.queued = owner->queued,
		.queued_bytes = owner->queued_bytes,
		.running = owner->running,
		.held = share_holds(owner) ? owner->waiting : 0,
		.kept = owner->kept,
		.kept_bytes = owner->kept_bytes,
		.descriptors = owner->descriptors,
	};
}

void core_user_figures(const struct core *core, uint32_t uid, struct core_user_figures *out)
{
	const struct task_owner *owner = find(core, uid);

	*out = (struct core_user_figures){ .uid = uid };
	if (owner)
		look(owner, out);
}

bool core_user_next(const struct core *core, size_t *cursor, struct core_user_figures *out)
{
	const struct task_owner *owner = table_next(&core->owners, cursor);

	if (owner)
		look(owner, out);
	return owner;
}
