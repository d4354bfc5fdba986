/* The world of the tests of the named objects. */
#include "object_world.h"

#include <stdarg.h>

struct object_world world;

static void told(struct object_wait *wait, enum object_status status, const struct object_grant *grant)
{
	struct world_wait *own = wait->user;

	own->told++;
	own->status = status;
	own->grant = *grant;
	own->turn = ++world.told;
}

void wait_prepare(struct world_wait *wait)
{
	*wait = (struct world_wait){ .wait = { .done = told, .user = wait } };
}

void world_begin(void)
{
	struct object_limits limits = { 0 };

	memset(&world, 0, sizeof(world));
	world.objects = objects_new(&limits, WORLD_FENCE);
	for (int i = 0; i < WORLD_OWNERS; i++)
		object_owner_begin(world.objects, &world.owners[i], OWNER_CONNECTION, (uint64_t)i + 1,
			i + 1 < WORLD_OWNERS ? 1000 : 1001, 100 + i);
	for (int i = 0; i < WORLD_WAITS; i++)
		wait_prepare(&world.waits[i]);
}

void world_end(void)
{
	assert_sound();
	for (int i = 0; i < WORLD_OWNERS; i++)
		object_owner_end(&world.owners[i]);
	assert_sound();
	objects_free(world.objects);
}

struct object_name name_of(const char *name)
{
	return (struct object_name){ name, strlen(name) };
}

struct object_holder holder_of(int owner, const char *token)
{
	return (struct object_holder){ &world.owners[owner], token, token ? strlen(token) : 0 };
}

struct object_wait *wait_at(int wait)
{
	return wait == NONE ? NULL : &world.waits[wait].wait;
}

int lock_take(int owner, const char *token, const char *name, int how, int wait)
{
	struct lock_request request = {
		.name = name_of(name),
		.holder = holder_of(owner, token),
		.shared = how & SHARED,
		.reentrant = how & REENTRANT,
	};

	return lock_acquire(world.objects, &request, wait_at(wait), &world.grant, &world.problem);
}

int lock_give(int owner, const char *token, const char *name)
{
	struct object_name lock = name_of(name);
	struct object_holder holder = holder_of(owner, token);

	return lock_release(world.objects, &lock, &holder, &world.grant.depth, &world.problem);
}

static struct semaphore_request request_of(int owner, const char *name, int64_t slots, int64_t count)
{
	return (struct semaphore_request){
		.name = name_of(name),
		.holder = holder_of(owner, NULL),
		.slots = slots,
		.bounded = -1,
		.count = count,
	};
}

int semaphore_take(int owner, const char *name, int64_t slots, int64_t count, int wait)
{
	struct semaphore_request request = request_of(owner, name, slots, count);

	return semaphore_acquire(world.objects, &request, wait_at(wait), &world.grant, &world.problem);
}

int semaphore_give(int owner, const char *name, int64_t count)
{
	struct semaphore_request request = request_of(owner, name, -1, count);

	return semaphore_release(world.objects, &request, NULL, &world.problem);
}

bool object_is_there(enum object_kind kind, const char *name)
{
	struct object_name object = name_of(name);

	return object_find(world.objects, kind, &object) != NULL;
}

struct object_view object_view_of(enum object_kind kind, const char *name)
{
	struct object_name object = name_of(name);
	struct object_view view = { 0 };

	if (object_find(world.objects, kind, &object))
		object_look(object_find(world.objects, kind, &object), &view);
	return view;
}

/* --- parties as text --- */

struct parties_text {
	char text[1000];
	size_t length;
	bool waits;
};

static void __attribute__((format(printf, 2, 3))) parties_add(struct parties_text *out, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	out->length += (size_t)vsnprintf(out->text + out->length, sizeof(out->text) - out->length, format, arguments);
	va_end(arguments);
}

static bool parties_visit(void *user, const struct object_party *party)
{
	struct parties_text *out = user;

	if (party->waits && !out->waits)
		parties_add(out, "%s|", out->length ? " " : "");
	out->waits = party->waits;
	parties_add(out, "%s%s%llu", out->length ? " " : "", party->owner->kind == OWNER_TASK ? "t" : "",
		(unsigned long long)party->owner->id);
	if (party->token.length)
		parties_add(out, "/%.*s", (int)party->token.length, party->token.data);
	if (party->shared)
		parties_add(out, "s");
	if (party->count > 1)
		parties_add(out, "*%lld", (long long)party->count);
	return out->length < sizeof(out->text) / 2;
}

const char *parties_of(enum object_kind kind, const char *name)
{
	static struct parties_text out;
	struct object_name wanted = name_of(name);
	const struct object *object = object_find(world.objects, kind, &wanted);

	out = (struct parties_text){ 0 };
	if (object)
		object_parties(object, parties_visit, &out);
	return out.text;
}

/* --- invariants --- */

static const char *holdings_broken(const struct object *object)
{
	const struct object_holding *holding, *first = TAILQ_FIRST(&object->holdings);
	size_t n = 0;
	uint64_t fence = 0;

	TAILQ_FOREACH (holding, &object->holdings, link) {
		n++;
		if (holding->object != object || holding->count < 1)
			return "a holding is not of its object, or of nothing";
		if (holding_find(object, holding->who) != holding)
			return "a holding is not found";
		if (object->class->kind == OBJECT_LOCK && n > 1 && !(first->shared && holding->shared))
			return "a lock is held by several who do not share it";
		if (object->class->kind == OBJECT_LOCK && holding->fence <= fence)
			return "fences do not grow";
		if (holding->fence > object->objects->fence)
			return "a fence that was never given";
		fence = holding->fence;
	}
	return n == object->n_holdings ? NULL : "the count of holdings";
}

static const char *line_broken(const struct object *object)
{
	const struct object_wait *wait;
	uint64_t arrival = 0;
	size_t n = 0;

	TAILQ_FOREACH (wait, &object->line.waits, link) {
		n++;
		if (wait->object != object || wait->line != &object->line || !wait->who || wait->is_answered)
			return "a wait does not know where it is";
		if (wait->arrival <= arrival)
			return "a line out of order";
		const struct object_wait *next = TAILQ_NEXT(wait, link);

		if (wait->is_followed != (next && next->who != wait->who))
			return "who is followed by another in a line";
		arrival = wait->arrival;
	}
	return n == object->line.count && n <= object->n_waits ? NULL : "the count of waits";
}

/* The first in line, if it could have what it waits for. */
static const char *first_is_forgotten(const struct object *object)
{
	const struct object_wait *wait = TAILQ_FIRST(&object->line.waits);
	bool lock = object->class->kind == OBJECT_LOCK;

	if (!wait || !object->class->has_room || object->turn_state != TURN_NONE)
		return NULL;
	if (!object->class->has_room(object, lock && wait->lock.shared, lock ? 1 : wait->semaphore.count))
		return NULL;
	return object_has_tickets(object) ? NULL : "somebody waits for what he could have";
}

static const char *object_broken(const struct object *object)
{
	struct object_view view;
	const struct object_holding *holding;
	const char *wrong;
	bool used = object->n_holdings > 0 || object->n_waits > 0 || object->n_needed > 0 || object->tickets.count > 0;
	enum object_rest rest = object->class->rest ? object->class->rest(object) : REST_NOTHING;
	int64_t held = 0;

	if ((wrong = holdings_broken(object)) || (wrong = line_broken(object)) || (wrong = first_is_forgotten(object)))
		return wrong;
	if (object->is_stirred)
		return "stirred, and never served";
	if (!used && rest == REST_NOTHING && !object->holder_died)
		return "an object for nothing";
	if (object->is_mark != (!used && rest != REST_KEEP))
		return "a mark that is none, or is not known as one";
	if (object->tickets.count != object->arrivals.count)
		return "the heaps of tickets";
	object_look(object, &view);
	TAILQ_FOREACH (holding, &object->holdings, link)
		held += holding->count;
	if (view.bounded && view.value + held != view.slots)
		return "the sum of permits";
	return NULL;
}

static const char *users_broken(struct objects *objects)
{
	const struct object_user *user;
	const struct object *object;
	size_t cursor = 0;

	while ((user = table_next(&objects->users, &cursor))) {
		size_t n = 0, marks = 0;

		for (int kind = 0; kind < OBJECT_N_KINDS; kind++)
			TAILQ_FOREACH (object, &objects->kinds[kind].all, link) {
				n += object->maker == user;
				marks += object->maker == user && object->is_mark;
			}
		if (n != user->n_objects)
			return "an account's count of objects";
		TAILQ_FOREACH (object, &user->marks, mark)
			marks--;
		if (marks != 0)
			return "an account's marks";
	}
	return NULL;
}

/* Tokens are there for a reason; and all holdings and waits are somebody's. */
static const char *whos_broken(struct objects *objects)
{
	const struct object_who *who;
	size_t cursor = 0;

	while ((who = names_next(&objects->whos, &cursor))) {
		size_t followed = who->n_followed;
		const struct object_wait *wait;

		if (LIST_EMPTY(&who->holdings) && LIST_EMPTY(&who->waits))
			return "a holder of nothing";
		LIST_FOREACH (wait, &who->waits, by_who)
			followed -= wait->is_followed;
		if (followed)
			return "how often a holder is followed";
	}
	return NULL;
}

const char *objects_broken(struct objects *objects)
{
	const struct object *object;
	const char *wrong;

	for (int kind = 0; kind < OBJECT_N_KINDS; kind++) {
		size_t n = 0;

		TAILQ_FOREACH (object, &objects->kinds[kind].all, link) {
			struct object_name name = { object->name, object->name_length };

			n++;
			if (object_find(objects, kind, &name) != object)
				return "an object is not found";
			if ((wrong = object_broken(object)))
				return wrong;
		}
		if (n != objects_count(objects, kind))
			return "the count of objects";
	}
	if (!TAILQ_EMPTY(&objects->answered) || !TAILQ_EMPTY(&objects->stirred))
		return "something left over";
	if ((wrong = users_broken(objects)))
		return wrong;
	return whos_broken(objects);
}

/* --- chance --- */

uint32_t world_random(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

unsigned world_seeds(unsigned normal)
{
	const char *asked = getenv("TASKD_TEST_SEEDS");

	return asked ? (unsigned)strtoul(asked, NULL, 10) : normal;
}
