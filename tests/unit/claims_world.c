/* See claims_world.h. */
#include "claims_world.h"

#include <stdlib.h>
#include <string.h>

struct toy toy;
struct toy_slot *slots[4];
struct object_owner other;
static int n_slots;
static struct object_claim claims[16][2]; /* of the last specs that were made */
static int n_specs;

void claims_fresh(void)
{
	toy_init(&toy);
	n_slots = 0;
	object_owner_begin(core_objects(toy.core), &other, OWNER_CONNECTION, 1, 1000, 4711);
}

void claims_finish(void)
{
	object_owner_end(&other);
	toy_fini(&toy);
	while (n_slots)
		free(slots[--n_slots]);
}

void claims_slots(int n)
{
	while (n--)
		slots[n_slots++] = toy_slot_new(&toy);
}

static struct object_claim claim_of(const char *name)
{
	const char *plain = name + (*name == '+' || *name == '~');

	return (struct object_claim){
		.kind = *name == '+' ? OBJECT_SEMAPHORE : OBJECT_LOCK,
		.name = { plain, strlen(plain) },
		.shared = *name == '~',
		.count = 1,
		.slots = *name == '+' ? 2 : 0,
	};
}

struct task_spec claims_spec(const char *first, const char *second)
{
	struct object_claim *of = claims[n_specs++ % 16];

	of[0] = claim_of(first);
	if (second)
		of[1] = claim_of(second);
	return (struct task_spec){ .claims = of, .n_claims = second ? 2 : 1 };
}

struct task *claims_submit(const char *first, const char *second)
{
	return toy_submit_spec(&toy, claims_spec(first, second));
}

struct task *claims_submit_priority(const char *name, int32_t priority)
{
	struct task_spec spec = claims_spec(name, NULL);

	spec.priority = priority;
	return toy_submit_spec(&toy, spec);
}

/* --- who is no task --- */

static int try(const char *name, struct object_grant *grant)
{
	const struct lock_request request = { .name = { name, strlen(name) }, .holder.owner = &other };
	struct object_problem problem;

	return lock_acquire(core_objects(toy.core), &request, NULL, grant, &problem);
}

void other_takes(const char *name)
{
	struct object_grant grant;

	ck_assert_int_eq(try(name, &grant), OBJECT_DONE);
}

void other_releases(const char *name)
{
	const struct object_name of = { name, strlen(name) };
	const struct object_holder holder = { .owner = &other };
	struct object_problem problem;

	ck_assert_int_eq(lock_release(core_objects(toy.core), &of, &holder, NULL, &problem), OBJECT_DONE);
}

bool lock_is_free(const char *name, bool *died)
{
	struct object_grant grant;

	if (try(name, &grant) != OBJECT_DONE)
		return false;
	if (died)
		*died = grant.holder_died;
	other_releases(name);
	return true;
}

size_t lock_holders(const char *name)
{
	const struct object_name of = { name, strlen(name) };
	const struct object *lock = object_find(core_objects(toy.core), OBJECT_LOCK, &of);
	struct object_view view;

	if (!lock)
		return 0;
	object_look(lock, &view);
	return view.holders;
}

/* --- tasks --- */

static struct toy_slot *slot_of(const struct task *task)
{
	ck_assert_ptr_nonnull(task->slot);
	return core_slot_user(task->slot);
}

void claims_run(struct task *task)
{
	ck_assert_ptr_eq(toy_take(slot_of(task)), task);
	core_task_look(task);
}

void claims_end(struct task *task, enum task_state state)
{
	ck_assert_ptr_eq(slot_of(task)->lane[0].task, task);
	toy_finish(slot_of(task), state);
}

bool is_blocked_by(const struct task *task, const char *name)
{
	const struct object_claim *claim = core_waits_for(task);

	return task->state == TASK_BLOCKED && claim && claim->name.length == strlen(name) &&
		!memcmp(claim->name.data, name, claim->name.length);
}
