/* The model test: some who are no tasks, and have locks that tasks want, or wait for them. */
#include "model_world.h"

#include <stdio.h>
#include <string.h>

#include "object/object.h"

struct one {
	struct object_owner owner;
	struct object_wait wait;
	bool shared;
};
static struct one crowd[MODEL_CROWD];
static uint64_t last_id;

static struct model_one *twin_of(const struct one *one)
{
	return &model.crowd[one - crowd];
}

void name_object(char name[OBJECT_NAME], int object)
{
	snprintf(name, OBJECT_NAME, "%c%d", object < MODEL_LOCKS ? 'l' : 's', object);
}

static void has_it(struct one *one, int lock)
{
	struct model_one *twin = twin_of(one);
	int mode = one->shared ? MODEL_SHARED : MODEL_EXCLUSIVE;

	note("  %d has lock %d%s", (int)(one - crowd), lock, one->shared ? ", shared" : "");
	CHECK(model_lock_is_free(&model, lock, mode), "one of the crowd has lock %d, too", lock);
	*twin = (struct model_one){ .lock = lock, .mode = mode };
}

static void granted(struct object_wait *wait, enum object_status status, const struct object_grant *grant)
{
	struct one *one = wait->user;

	(void)grant;
	SAME(status, OBJECT_DONE, "what a wait came to", 0);
	has_it(one, twin_of(one)->lock_wanted);
}

void crowd_begin(int number)
{
	struct one *one = &crowd[number];

	*one = (struct one){ .wait.done = granted, .wait.user = one };
	object_owner_begin(core_objects(world.core), &one->owner, OWNER_CONNECTION, ++last_id, 1000, 0);
	model.crowd[number] = (struct model_one){ 0 };
}

void crowd_end(int number)
{
	model.crowd[number] = (struct model_one){ 0 };
	object_owner_end(&crowd[number].owner);
}

static void ask(struct one *one)
{
	int lock = (int)pick(MODEL_LOCKS);
	bool waits = chance(60);
	char name[OBJECT_NAME];
	struct object_grant grant;
	struct object_problem problem;

	name_object(name, lock);
	one->shared = chance(40);
	const struct lock_request request = {
		.name = { name, strlen(name) },
		.holder.owner = &one->owner,
		.shared = one->shared,
	};
	note("%d asks for lock %d%s%s", (int)(one - crowd), lock, one->shared ? ", shared" : "",
		waits ? ", waits" : "");
	int status = lock_acquire(core_objects(world.core), &request, waits ? &one->wait : NULL, &grant, &problem);
	if (status == OBJECT_DONE)
		has_it(one, lock);
	else if (status == OBJECT_WAITING)
		*twin_of(one) = (struct model_one){ .waits = true, .lock_wanted = lock };
	else
		CHECK(status == OBJECT_WOULD_WAIT && !waits, "the answer is %d", status);
}

static void release(struct one *one)
{
	char name[OBJECT_NAME];
	const struct object_holder holder = { .owner = &one->owner };
	struct object_problem problem;

	name_object(name, twin_of(one)->lock);
	note("%d releases lock %d", (int)(one - crowd), twin_of(one)->lock);
	*twin_of(one) = (struct model_one){ 0 };
	const struct object_name of = { name, strlen(name) };
	SAME(lock_release(core_objects(world.core), &of, &holder, NULL, &problem), OBJECT_DONE, "the release", 0);
}

void do_crowd(void)
{
	struct one *one = &crowd[pick(MODEL_CROWD)];
	struct model_one *twin = twin_of(one);

	if (chance(10)) {
		note("%d ends", (int)(one - crowd));
		crowd_end((int)(one - crowd));
		crowd_begin((int)(one - crowd));
	} else if (twin->mode) {
		release(one);
	} else if (!twin->waits) {
		ask(one);
	} else if (chance(30)) {
		note("%d waits no more", (int)(one - crowd));
		*twin = (struct model_one){ 0 };
		object_wait_drop(&one->wait);
	}
}

/* After a turn: nobody waits for what nobody has. */
void compare_crowd(void)
{
	for (int i = 0; i < MODEL_CROWD; i++)
		CHECK(!model.crowd[i].waits || !model_lock_is_free(&model, model.crowd[i].lock_wanted, MODEL_EXCLUSIVE),
			"%d waits for lock %d, which is free", i, model.crowd[i].lock_wanted);
	uint64_t id = model_forgotten(&model);
	CHECK(id == 0, "%llu waits for what it could have", (unsigned long long)id);
}
