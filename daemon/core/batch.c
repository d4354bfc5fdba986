/* How several tasks come in together: all of them or none, in the order of their ids, and waiting for each other where
 * they say so. What may refuse one is asked for all before the first exists. */
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "base/xmalloc.h"
#include "core/internal.h"

struct member {
	const struct task_spec *spec;
	bool attached;       /* no task of its own: `other` is the answer, or the one at `first` */
	struct task *other;  /* the task that is its answer, or that it replaces */
	size_t first;        /* where the first of this batch with its key stands; its own place where it is that */
	struct task **tasks; /* what it waits for; NULL for those of this batch */
	size_t n_waits;      /* for so many members that are not in order yet */
	size_t n_dependents;
	size_t *dependents;  /* within batch->dependents */
};

struct batch {
	struct core *core;
	struct member *members;
	size_t count;
	struct load *loads; /* of queues, and of owners */
	size_t n_loads;
	size_t *dependents;
	size_t *order; /* the places of those that are created, so that nobody comes before what it waits for */
	size_t n_order;
	bool has_refs; /* some wait for others */
	bool durable;  /* some are */
	struct task **out;
	uint64_t *id;
};

static size_t n_refs(const struct member *member)
{
	return member->spec->n_after + member->spec->n_after_any;
}

/* --- keys --- */

static bool have_same_key(const struct member *a, const struct member *b)
{
	return a->spec->owner == b->spec->owner && a->spec->key_length == b->spec->key_length &&
		!memcmp(a->spec->key, b->spec->key, a->spec->key_length);
}

struct key_slot {
	struct member *first; /* with that key; NULL: the slot is free */
	uint64_t hash;
};

/* Where a member's key is, or is to be, in ROOM slots, a power of two, not all of which are taken. */
static struct key_slot *find_key(struct key_slot *slots, size_t room, const struct member *member, uint64_t hash)
{
	size_t at = hash & (room - 1);

	while (slots[at].first && (slots[at].hash != hash || !have_same_key(slots[at].first, member)))
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static void pair(struct batch *batch, size_t count)
{
	size_t room = 4;

	while (room < 2 * count)
		room *= 2;
	struct key_slot *slots = xcalloc(room, sizeof(*slots));
	for (size_t i = 0; i < batch->count; i++) {
		struct member *member = &batch->members[i];

		if (!member->spec->key)
			continue;
		uint64_t hash = table_hash(member->spec->key, member->spec->key_length);
		struct key_slot *slot = find_key(slots, room, member, hash);
		if (slot->first)
			member->first = slot->first->first;
		else
			*slot = (struct key_slot){ .first = member, .hash = hash };
	}
	free(slots);
}

/* Sets `first` of all. */
static void pair_keys(struct batch *batch)
{
	size_t count = 0;

	for (size_t i = 0; i < batch->count; i++) {
		batch->members[i].first = i;
		count += batch->members[i].spec->key != NULL;
	}
	if (count > 1)
		pair(batch, count);
}

/* A member whose key an earlier one wants. */
static int check_second(struct batch *batch, struct member *member)
{
	struct member *first = &batch->members[member->first];

	if (member->spec->key_mode == KEY_ATTACH || member->spec->key_mode == KEY_ONCE) {
		member->attached = true;
		member->other = first->attached ? first->other : NULL;
		return CORE_OK;
	}
	batch->out[member - batch->members] = first->attached ? first->other : NULL;
	return CORE_DUPLICATE;
}

static int check_key(struct batch *batch, struct member *member)
{
	int status;

	if (!member->spec->key)
		return CORE_OK;
	if (&batch->members[member->first] != member)
		return check_second(batch, member);
	status = submit_key(batch->core, member->spec, &member->other);
	if (status == CORE_DUPLICATE)
		batch->out[member - batch->members] = member->other;
	member->attached = status == CORE_ATTACHED;
	return member->attached ? CORE_OK : status;
}

/* --- room --- */

/* QUEUE NULL: the owner's. */
static struct load *load_of(struct batch *batch, const struct core_queue *queue, uint32_t uid)
{
	struct load *load = batch->loads, *end = batch->loads + batch->n_loads;

	while (load < end && (load->queue != queue || (!queue && load->uid != uid)))
		load++;
	if (load == end) {
		*load = (struct load){ .queue = queue, .uid = uid };
		batch->n_loads++;
	}
	return load;
}

/* For this one, behind the earlier ones. */
static int check_room(struct batch *batch, const struct member *member)
{
	const struct task_spec *spec = member->spec;
	struct load *load;

	if (share_is_limited(batch->core)) {
		load = load_of(batch, NULL, spec->owner);
		submit_load(load, spec, member->other);
		int status = share_room(batch->core, load);
		if (status)
			return status;
	}
	load = load_of(batch, spec->queue, 0);
	submit_load(load, spec, member->other);
	return submit_room(load);
}

/* --- order --- */

/* The member behind an index that a member waits for. */
static struct member *member_at(const struct batch *batch, size_t index)
{
	return &batch->members[batch->members[index].first];
}

/* The member that MEMBER waits for by its AT-th reference, where that is to be created; else NULL. */
static struct member *waits_for(const struct batch *batch, const struct member *member, size_t at)
{
	const struct task_ref *ref = submit_ref(member->spec, at);
	struct member *other = ref->id == 0 ? member_at(batch, ref->index) : NULL;

	return other && !other->attached ? other : NULL;
}

/* Who waits for whom, the other way round. */
static void link_members(struct batch *batch)
{
	size_t total = 0;

	for (size_t i = 0; i < batch->count; i++)
		for (size_t at = 0; !batch->members[i].attached && at < n_refs(&batch->members[i]); at++) {
			struct member *other = waits_for(batch, &batch->members[i], at);

			batch->members[i].n_waits += other != NULL;
			total += other != NULL;
			if (other)
				other->n_dependents++;
		}
	batch->dependents = xcalloc(total + 1, sizeof(*batch->dependents));
	size_t *next = batch->dependents;
	for (size_t i = 0; i < batch->count; i++) {
		batch->members[i].dependents = next;
		next += batch->members[i].n_dependents;
		batch->members[i].n_dependents = 0;
	}
	for (size_t i = 0; i < batch->count; i++)
		for (size_t at = 0; !batch->members[i].attached && at < n_refs(&batch->members[i]); at++) {
			struct member *other = waits_for(batch, &batch->members[i], at);

			if (other)
				other->dependents[other->n_dependents++] = i;
		}
}

/* One that stands on a circle: who always goes on to something that is not in order comes round at last. */
static size_t find_circle(const struct batch *batch)
{
	const struct member *member = batch->members;

	while (member->attached || member->n_waits == 0)
		member++;
	for (size_t step = 0; step < batch->count; step++)
		for (size_t at = 0; at < n_refs(member); at++) {
			const struct member *next = waits_for(batch, member, at);

			if (next && next->n_waits > 0) {
				member = next;
				break;
			}
		}
	return (size_t)(member - batch->members);
}

/* Nobody waits for another. */
static void keep_order(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (!batch->members[i].attached)
			batch->order[batch->n_order++] = i;
}

/* Whoever waits for nobody (any more), until there is nobody left, or all wait in a circle. */
static int put_in_order(struct batch *batch, size_t *culprit)
{
	size_t n_new = 0;

	if (!batch->has_refs) {
		keep_order(batch);
		return CORE_OK;
	}
	link_members(batch);
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->members[i].attached)
			continue;
		n_new++;
		if (batch->members[i].n_waits == 0)
			batch->order[batch->n_order++] = i;
	}
	for (size_t done = 0; done < batch->n_order; done++) {
		const struct member *member = &batch->members[batch->order[done]];

		for (size_t i = 0; i < member->n_dependents; i++)
			if (--batch->members[member->dependents[i]].n_waits == 0)
				batch->order[batch->n_order++] = member->dependents[i];
	}
	if (batch->n_order == n_new)
		return CORE_OK;
	*culprit = find_circle(batch);
	return CORE_CYCLE;
}

/* --- the whole --- */

static int check_member(struct batch *batch, struct member *member)
{
	int status = check_key(batch, member);

	if (status || member->attached)
		return status;
	batch->durable |= member->spec->durable;
	if (n_refs(member)) {
		batch->has_refs = true;
		status = submit_find(batch->core, member->spec, &member->tasks, batch->id);
	}
	return status ? status : check_room(batch, member);
}

static int check(struct batch *batch, size_t *culprit)
{
	pair_keys(batch);
	for (size_t i = 0; i < batch->count; i++) {
		int status = check_member(batch, &batch->members[i]);

		if (status) {
			*culprit = i;
			return status;
		}
	}
	return put_in_order(batch, culprit);
}

static void create(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct member *member = &batch->members[i];

		if (member->attached) {
			batch->out[i] = member->other ? member->other : batch->out[member->first];
			continue;
		}
		batch->out[i] = submit_create(batch->core, member->spec);
		if (member->other)
			unique_replace(batch->out[i], member->other);
	}
}

static void enter(struct batch *batch)
{
	for (size_t i = 0; i < batch->n_order; i++) {
		size_t place = batch->order[i];
		const struct member *member = &batch->members[place];

		for (size_t at = 0; at < n_refs(member); at++)
			if (!member->tasks[at])
				member->tasks[at] = batch->out[submit_ref(member->spec, at)->index];
		submit_enter(batch->core, batch->out[place], member->spec, member->tasks);
	}
}

/* All that is durable of them is one record, in the order of their ids. */
static void record(const struct batch *batch)
{
	struct task *last = NULL;

	for (size_t i = 0; batch->durable && i < batch->count; i++) {
		if (batch->members[i].attached || !batch->out[i]->durable)
			continue;
		if (last)
			record_tell(last, RECORD_SUBMITTED, true);
		last = batch->out[i];
	}
	if (last)
		record_tell(last, RECORD_SUBMITTED, false);
}

/* Others hear of the ends that come now, and may do anything, so this is last. */
static void settle(struct batch *batch)
{
	bool decided = false;

	for (size_t i = 0; batch->has_refs && i < batch->n_order && !decided; i++)
		decided = depend_is_decided(batch->out[batch->order[i]]);
	if (decided)
		depend_settle(batch->core);
	for (size_t i = 0; i < batch->count; i++)
		if (!batch->members[i].attached && batch->members[i].other)
			unique_replaced(batch->out[i], batch->members[i].other);
}

static void batch_init(struct batch *batch, const struct task_spec *specs)
{
	batch->members = xcalloc(batch->count, sizeof(*batch->members));
	batch->loads = xcalloc(2 * batch->count, sizeof(*batch->loads));
	batch->order = xcalloc(batch->count, sizeof(*batch->order));
	for (size_t i = 0; i < batch->count; i++) {
		batch->members[i].spec = &specs[i];
		batch->out[i] = NULL;
	}
}

static void batch_fini(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		free(batch->members[i].tasks);
	free(batch->members);
	free(batch->loads);
	free(batch->order);
	free(batch->dependents);
}

int core_submit_batch(struct core *core, const struct task_spec *specs, size_t count, struct task **out,
	size_t *culprit, uint64_t *id)
{
	struct batch batch = { .core = core, .count = count, .out = out, .id = id };
	int status;

	*culprit = 0;
	*id = 0;
	if (core->closed)
		return CORE_CLOSED;
	if (count == 0)
		return CORE_OK;
	batch_init(&batch, specs);
	status = check(&batch, culprit);
	if (!status) {
		create(&batch);
		enter(&batch);
		record(&batch);
		settle(&batch);
	}
	batch_fini(&batch);
	return status;
}
