/* Keys: of the tasks of one owner, only the latest that was given a key has it, as long as its record is kept. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "core/internal.h"

/* A name in core->keys: the owner's number, then the key. */
struct name {
	char *data;
	size_t length;
	char room[256 + sizeof(uint32_t)]; /* where it fits, as it nearly always does */
};

static void name_make(struct name *name, uint32_t owner, const char *key, size_t length)
{
	name->length = sizeof(owner) + length;
	name->data = name->length <= sizeof(name->room) ? name->room : xmalloc(name->length);
	memcpy(name->data, &owner, sizeof(owner));
	memcpy(name->data + sizeof(owner), key, length);
}

static void name_free(struct name *name)
{
	if (name->data != name->room)
		free(name->data);
}

static uint64_t extra_hash(const void *value)
{
	return ((const struct task_extra *)value)->key_hash;
}

static bool extra_equals(const void *value, const char *name, size_t length)
{
	const struct task_extra *extra = value;
	const uint32_t *owner = &extra->task->owner->uid;

	return length == sizeof(*owner) + extra->key_length && !memcmp(name, owner, sizeof(*owner)) &&
		!memcmp(name + sizeof(*owner), extra->key, extra->key_length);
}

void unique_init(struct core *core)
{
	names_init(&core->keys, extra_hash, extra_equals);
}

struct task *unique_find(const struct core *core, uint32_t owner, const char *key, size_t length)
{
	struct name name;

	if (core->keys.count == 0)
		return NULL;
	name_make(&name, owner, key, length);
	const struct task_extra *extra = names_get(&core->keys, name.data, name.length);
	name_free(&name);
	return extra ? extra->task : NULL;
}

void unique_put(struct core *core, struct task *task)
{
	struct task_extra *extra = task->extra;
	struct name name;

	name_make(&name, task->owner->uid, extra->key, extra->key_length);
	extra->key_hash = table_hash(name.data, name.length);
	names_remove(&core->keys, name.data, name.length);
	names_put(&core->keys, extra);
	name_free(&name);
}

void unique_restore(struct core *core, struct task *task)
{
	const struct task *other = unique_find(core, task->owner->uid, task->extra->key, task->extra->key_length);

	if (!other || other->id < task->id)
		unique_put(core, task);
}

/* --- replacing: one of the two is there, whatever happens --- */

void unique_replace(struct task *task, const struct task *other)
{
	if (task->durable)
		task->extra->replaces = other->id;
}

void unique_replaced(struct task *task, struct task *other)
{
	if (!task->durable)
		core_cancel(other);
}

void unique_come_in(struct task *task)
{
	struct task *other =
		task->extra && task->extra->replaces ? idmap_get(&task_core(task)->tasks, task->extra->replaces) : NULL;

	if (!other)
		return;
	task->extra->replaces = 0;
	core_cancel(other);
}

void unique_refuse(struct task *task)
{
	struct core *core = task_core(task);
	uint64_t id = task->extra ? task->extra->replaces : 0;
	struct task *other = id ? idmap_get(&core->tasks, id) : NULL, *holder;

	if (!other)
		return;
	holder = unique_find(core, task->owner->uid, task->extra->key, task->extra->key_length);
	if (holder == task)
		unique_put(core, other);
	else if (holder && holder->extra->replaces == task->id)
		holder->extra->replaces = id;
	task->extra->replaces = 0;
}

void unique_drop(struct core *core, struct task *task)
{
	const struct task_extra *extra = task->extra;
	struct name name;

	if (!extra || !extra->key)
		return;
	name_make(&name, task->owner->uid, extra->key, extra->key_length);
	if (names_get(&core->keys, name.data, name.length) == extra)
		names_remove(&core->keys, name.data, name.length);
	name_free(&name);
}
