/* The objects as a whole: their table, from their first use until nothing keeps them; the accounts of those who made them; and
 * what a function of any kind ends with.
 *
 * An object that is acquired and released, and that nobody else wants, is made and dropped each time. So what that takes is
 * kept ready: some structures of each kind, without a call of malloc. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "object/internal.h"

#define SPARES 64 /* of each kind */

const char *object_kind_name(enum object_kind kind)
{
	static const char *const names[OBJECT_N_KINDS] = {
		[OBJECT_LOCK] = "lock",
		[OBJECT_SEMAPHORE] = "semaphore",
		[OBJECT_EVENT] = "event",
		[OBJECT_CONDITION] = "condition",
		[OBJECT_BARRIER] = "barrier",
		[OBJECT_MQ] = "mq",
	};
	return names[kind];
}

/* --- the whole --- */

static uint64_t object_hash(const void *value)
{
	return ((const struct object *)value)->hash;
}

static bool object_equals(const void *value, const char *name, size_t length)
{
	const struct object *object = value;

	return object->name_length == length && !memcmp(object->name, name, length);
}

static uint64_t user_key(const void *value)
{
	return ((const struct object_user *)value)->uid;
}

static uint64_t task_key(const void *value)
{
	return ((const struct object_owner *)value)->id;
}

struct objects *objects_new(const struct object_limits *limits, uint64_t first_fence)
{
	struct objects *objects = xcalloc(1, sizeof(*objects));

	objects->limits = *limits;
	objects->fence = first_fence - 1;
	for (int kind = 0; kind < OBJECT_N_KINDS; kind++) {
		names_init(&objects->kinds[kind].names, object_hash, object_equals);
		TAILQ_INIT(&objects->kinds[kind].all);
		SLIST_INIT(&objects->kinds[kind].spares);
	}
	table_init(&objects->users, user_key);
	table_init(&objects->tasks, task_key);
	idmap_init(&objects->receipts);
	holders_init(objects);
	TAILQ_INIT(&objects->answered);
	TAILQ_INIT(&objects->stirred);
	TAILQ_INIT(&objects->turns);
	TAILQ_INIT(&objects->ready);
	return objects;
}

uint64_t objects_next_fence(const struct objects *objects)
{
	return objects->fence + 1;
}

void objects_raise_fence(struct objects *objects, uint64_t next)
{
	if (objects->fence + 1 < next)
		objects->fence = next - 1;
}

static void object_drop(struct object *object);

void objects_free(struct objects *objects)
{
	struct object *object;

	for (int kind = 0; kind < OBJECT_N_KINDS; kind++) {
		while ((object = TAILQ_FIRST(&objects->kinds[kind].all)))
			object_drop(object);
		while ((object = SLIST_FIRST(&objects->kinds[kind].spares))) {
			SLIST_REMOVE_HEAD(&objects->kinds[kind].spares, spare);
			free(object);
		}
		names_fini(&objects->kinds[kind].names);
	}
	holders_fini(objects);
	assert(objects->users.count == 0 && objects->tasks.count == 0);
	table_fini(&objects->users);
	table_fini(&objects->tasks);
	idmap_fini(&objects->receipts);
	free(objects);
}

void objects_set_limits(struct objects *objects, const struct object_limits *limits)
{
	objects->limits = *limits;
}

void objects_set_now(struct objects *objects, int64_t now_ns)
{
	objects->now_ns = now_ns;
}

size_t objects_count(const struct objects *objects, enum object_kind kind)
{
	return objects->kinds[kind].names.count;
}

/* --- accounts --- */

static void figures_of(const struct object_user *user, struct object_user_figures *out)
{
	*out = (struct object_user_figures){
		.uid = user->uid,
		.objects = user->n_objects,
		.waits = user->n_waits,
		.mq_bytes = user->bytes,
	};
}

void objects_user_figures(const struct objects *objects, uint32_t uid, struct object_user_figures *out)
{
	const struct object_user *user = table_get(&objects->users, uid);

	*out = (struct object_user_figures){ .uid = uid };
	if (user)
		figures_of(user, out);
}

bool objects_user_next(const struct objects *objects, size_t *cursor, struct object_user_figures *out)
{
	const struct object_user *user = table_next(&objects->users, cursor);

	if (user)
		figures_of(user, out);
	return user;
}

struct object_user *user_ref(struct objects *objects, uint32_t uid)
{
	struct object_user *user = table_get(&objects->users, uid);

	if (!user) {
		user = xcalloc(1, sizeof(*user));
		user->uid = uid;
		TAILQ_INIT(&user->marks);
		table_put(&objects->users, user);
	}
	user->references++;
	return user;
}

void user_unref(struct objects *objects, struct object_user *user)
{
	if (--user->references > 0)
		return;
	assert(user->n_objects == 0 && user->n_waits == 0 && user->bytes == 0);
	table_remove(&objects->users, user->uid);
	free(user);
}

bool user_bytes_take(struct objects *objects, struct object_user *user, size_t size, struct object_problem *problem)
{
	size_t limit = objects->limits.mq_bytes;

	if (limit && (size > limit || user->bytes > limit - size)) {
		problem_say(problem,
			"the message queues hold %zu bytes of this user's, and %zu more would pass his limit of %zu",
			user->bytes, size, limit);
		return false;
	}
	if (user->bytes == 0 && size > 0)
		user->references++;
	user->bytes += size;
	return true;
}

void user_bytes_give(struct objects *objects, struct object_user *user, size_t size)
{
	assert(user->bytes >= size);
	user->bytes -= size;
	if (user->bytes == 0 && size > 0)
		user_unref(objects, user);
}

bool object_new_is_allowed(
	struct objects *objects, const struct object_owner *owner, size_t n, struct object_problem *problem)
{
	const struct object_user *user = owner->user;
	size_t limit = objects->limits.objects, spare = 0;
	const struct object *mark;

	if (!limit || user->n_objects + n <= limit)
		return true;
	TAILQ_FOREACH (mark, &user->marks, mark)
		if (user->n_objects - ++spare + n <= limit)
			return true;
	problem_say(problem, "this user has %zu named objects already, and his limit is %zu", user->n_objects, limit);
	return false;
}

/* --- an object's life --- */

struct object *object_find(const struct objects *objects, enum object_kind kind, const struct object_name *name)
{
	return names_get(&objects->kinds[kind].names, name->data, name->length);
}

static struct object *object_allocate(struct objects *objects, const struct object_class *class)
{
	struct object_kind_table *table = &objects->kinds[class->kind];
	struct object *object = SLIST_FIRST(&table->spares);

	if (!object)
		return xcalloc(1, class->size);
	SLIST_REMOVE_HEAD(&table->spares, spare);
	table->n_spares--;
	memset(object, 0, class->size);
	return object;
}

static void object_name_set(struct object *object, const struct object_name *name)
{
	object->name_length = (uint16_t)name->length;
	object->name = name->length < sizeof(object->short_name) ? object->short_name : xmalloc(name->length + 1);
	memcpy(object->name, name->data, name->length);
	object->name[name->length] = '\0';
	object->hash = table_hash(name->data, name->length);
}

/* What nobody wants makes room for one more. */
static bool account_has_room(struct objects *objects, const struct object_owner *owner, struct object_problem *problem)
{
	size_t limit = objects->limits.objects;

	if (!limit || owner->user->n_objects < limit)
		return true;
	if (!object_new_is_allowed(objects, owner, 1, problem))
		return false;
	while (owner->user->n_objects >= limit) /* a lowered limit may take several */
		object_drop(TAILQ_FIRST(&owner->user->marks));
	return true;
}

static void object_charge(struct object *object, const struct object_owner *owner)
{
	object->maker = owner->user;
	object->maker->references++;
	object->maker->n_objects++;
}

struct object *object_new(struct objects *objects, const struct object_class *class, const struct object_name *name,
	const struct object_owner *owner, struct object_problem *problem)
{
	struct object_kind_table *table = &objects->kinds[class->kind];
	struct object *object;

	if (owner && !account_has_room(objects, owner, problem))
		return NULL;
	object = object_allocate(objects, class);
	object->class = class;
	object->objects = objects;
	object->since_ns = objects->now_ns;
	TAILQ_INIT(&object->holdings);
	line_init(&object->line);
	object_name_set(object, name);
	names_put(&table->names, object);
	TAILQ_INSERT_TAIL(&table->all, object, link);
	if (owner)
		object_charge(object, owner);
	return object;
}

bool object_take(struct object *object, const struct object_owner *owner, struct object_problem *problem)
{
	if (!account_has_room(object->objects, owner, problem))
		return false;
	object_charge(object, owner);
	return true;
}

static void object_unmark(struct object *object)
{
	if (object->is_mark && object->maker)
		TAILQ_REMOVE(&object->maker->marks, object, mark);
	object->is_mark = false;
}

static void object_drop(struct object *object)
{
	struct objects *objects = object->objects;
	struct object_kind_table *table = &objects->kinds[object->class->kind];

	assert(object->n_holdings == 0 && object->n_waits == 0 && object->n_needed == 0 && !object_has_tickets(object));
	object_unmark(object);
	if (object->class->fini)
		object->class->fini(object);
	if (object->turn_state != TURN_NONE)
		TAILQ_REMOVE(&objects->turns, object, turn);
	heap_fini(&object->tickets);
	heap_fini(&object->arrivals);
	names_remove(&table->names, object->name, object->name_length);
	TAILQ_REMOVE(&table->all, object, link);
	if (object->maker) {
		object->maker->n_objects--;
		user_unref(objects, object->maker);
	}
	if (object->name != object->short_name)
		free(object->name);
	if (table->n_spares < SPARES) {
		SLIST_INSERT_HEAD(&table->spares, object, spare);
		table->n_spares++;
	} else {
		free(object);
	}
}

static enum object_rest object_rest(const struct object *object)
{
	enum object_rest rest = object->class->rest ? object->class->rest(object) : REST_NOTHING;

	if (object->n_holdings > 0 || object->n_waits > 0 || object->n_needed > 0 || object_has_tickets(object))
		return REST_KEEP;
	return rest == REST_NOTHING && object->holder_died ? REST_MARK : rest;
}

void object_touch(struct object *object)
{
	if (object->is_stirred)
		return; /* its turn comes */
	switch (object_rest(object)) {
	case REST_NOTHING:
		object_drop(object);
		break;
	case REST_MARK:
		if (!object->is_mark && object->maker)
			TAILQ_INSERT_TAIL(&object->maker->marks, object, mark);
		object->is_mark = true;
		break;
	case REST_KEEP:
		object_unmark(object);
		break;
	}
}

void object_finish(struct object *object)
{
	struct objects *objects = object->objects;

	object_touch(object);
	objects_tell(objects);
}

void object_serve(struct object *object)
{
	if (object_has_tickets(object))
		ticket_look(object);
	if (object->turn_state == TURN_OFFER || !object->class->serve)
		return;
	object->class->serve(object);
	if (object_has_tickets(object)) /* there may be more than the others took */
		ticket_look(object);
}

void object_stir(struct object *object)
{
	if (object->is_stirred)
		return;
	object->is_stirred = true;
	TAILQ_INSERT_TAIL(&object->objects->stirred, object, stirred);
}

void objects_finish(struct objects *objects)
{
	struct object *object;

	while ((object = TAILQ_FIRST(&objects->stirred))) {
		TAILQ_REMOVE(&objects->stirred, object, stirred);
		object->is_stirred = false;
		object_serve(object);
		object_touch(object);
	}
	objects_tell(objects);
}
