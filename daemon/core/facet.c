/* Tasks by type, queue, owner and tag: what is asked for by one of these is found without looking at the rest. Owners
 * and tags are there while some task names them. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "core/internal.h"

static uint64_t owner_key(const void *value)
{
	return ((const struct task_owner *)value)->uid;
}

static uint64_t tag_hash(const void *value)
{
	return ((const struct task_tag *)value)->hash;
}

static bool tag_equals(const void *value, const char *name, size_t length)
{
	const struct task_tag *tag = value;

	return tag->length == length && !memcmp(tag->name, name, length);
}

void facet_init(struct task_facet *facet)
{
	TAILQ_INIT(&facet->tasks);
	facet->count = 0;
}

void facets_init(struct core *core)
{
	table_init(&core->owners, owner_key);
	names_init(&core->tags, tag_hash, tag_equals);
}

static void tag_free(struct task_tag *tag)
{
	free(tag->name);
	free(tag);
}

void facets_fini(struct core *core)
{
	size_t cursor = 0;
	struct task_owner *owner;
	struct task_tag *tag;

	while ((owner = table_next(&core->owners, &cursor)))
		free(owner);
	table_fini(&core->owners);
	cursor = 0;
	while ((tag = names_next(&core->tags, &cursor)))
		tag_free(tag);
	names_fini(&core->tags);
}

struct task_owner *facet_owner(struct core *core, uint32_t uid)
{
	struct task_owner *owner = core->owner;

	if (owner && owner->uid == uid)
		return owner;
	owner = core->owner = table_get(&core->owners, uid);
	if (owner)
		return owner;
	owner = core->owner = xcalloc(1, sizeof(*owner));
	owner->uid = uid;
	facet_init(&owner->tasks);
	LIST_INIT(&owner->lines);
	TAILQ_INIT(&owner->kept_tasks[false]);
	TAILQ_INIT(&owner->kept_tasks[true]);
	share_bind(core, owner);
	table_put(&core->owners, owner);
	return owner;
}

struct task_tag *facet_tag(struct core *core, const char *name, size_t length)
{
	struct task_tag *tag = names_get(&core->tags, name, length);

	if (tag)
		return tag;
	tag = xcalloc(1, sizeof(*tag));
	tag->name = xstrndup(name, length);
	tag->length = length;
	tag->hash = table_hash(name, length);
	TAILQ_INIT(&tag->tasks);
	names_put(&core->tags, tag);
	return tag;
}

/* --- tasks in and out --- */

void facets_add(struct core *core, struct task *task)
{
	struct task_extra *extra = task->extra;

	(void)core;
	TAILQ_INSERT_TAIL(&task->type->tasks.tasks, task, by_type);
	task->type->tasks.count++;
	TAILQ_INSERT_TAIL(&task->queue->tasks.tasks, task, by_queue);
	task->queue->tasks.count++;
	TAILQ_INSERT_TAIL(&task->owner->tasks.tasks, task, by_owner);
	task->owner->tasks.count++;
	task->owner->records++;
	if (extra && extra->tag) {
		TAILQ_INSERT_TAIL(&extra->tag->tasks, extra, by_tag);
		extra->tag->count++;
		extra->tag->records++;
	}
}

void facets_move_first(struct task *task)
{
	struct task_extra *extra = task->extra;

	TAILQ_REMOVE(&task->type->tasks.tasks, task, by_type);
	TAILQ_INSERT_HEAD(&task->type->tasks.tasks, task, by_type);
	TAILQ_REMOVE(&task->queue->tasks.tasks, task, by_queue);
	TAILQ_INSERT_HEAD(&task->queue->tasks.tasks, task, by_queue);
	TAILQ_REMOVE(&task->owner->tasks.tasks, task, by_owner);
	TAILQ_INSERT_HEAD(&task->owner->tasks.tasks, task, by_owner);
	if (!extra || !extra->tag)
		return;
	TAILQ_REMOVE(&extra->tag->tasks, extra, by_tag);
	TAILQ_INSERT_HEAD(&extra->tag->tasks, extra, by_tag);
}

void facets_remove(struct core *core, struct task *task)
{
	struct task_extra *extra = task->extra;

	(void)core;
	TAILQ_REMOVE(&task->type->tasks.tasks, task, by_type);
	task->type->tasks.count--;
	TAILQ_REMOVE(&task->queue->tasks.tasks, task, by_queue);
	task->queue->tasks.count--;
	TAILQ_REMOVE(&task->owner->tasks.tasks, task, by_owner);
	task->owner->tasks.count--;
	if (extra && extra->tag) {
		TAILQ_REMOVE(&extra->tag->tasks, extra, by_tag);
		extra->tag->count--;
	}
}

void facets_unref(struct core *core, const struct task *task)
{
	struct task_tag *tag = task->extra ? task->extra->tag : NULL;

	if (--task->owner->records == 0) {
		table_remove(&core->owners, task->owner->uid);
		if (core->owner == task->owner)
			core->owner = NULL;
		if (task->owner->keeps_too_much)
			LIST_REMOVE(task->owner, hoarder);
		free(task->owner);
	}
	if (tag && --tag->records == 0) {
		names_remove(&core->tags, tag->name, tag->length);
		tag_free(tag);
	}
}
