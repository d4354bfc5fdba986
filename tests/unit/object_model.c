/* The model of the named objects. */
#include "object_model.h"

#include <stdlib.h>
#include <string.h>

#include "object/object.h"

void model_init(struct model *model)
{
	memset(model, 0, sizeof(*model));
	for (int i = 0; i < MODEL_WAITS; i++)
		model->waits[i].object = NOWHERE;
	for (int i = 0; i < MODEL_TASKS; i++)
		model->tasks[i].object = NOWHERE;
	for (int i = 0; i < MODEL_CONNECTIONS; i++)
		model->task_of[i] = NOWHERE;
}

int64_t model_slots(int object)
{
	return object - MODEL_LOCKS + 1;
}

static bool is_lock(int object)
{
	return object < MODEL_LOCKS;
}

static int task_holder(int task)
{
	return MODEL_CONNECTIONS * MODEL_TOKENS + task;
}

int model_holder_connection(int holder)
{
	return holder < MODEL_CONNECTIONS * MODEL_TOKENS ? holder / MODEL_TOKENS : NOWHERE;
}

struct model_hold *model_hold_of(struct model *model, int object, int holder)
{
	for (size_t i = 0; i < model->n_holds; i++)
		if (model->holds[i].object == object && model->holds[i].holder == holder)
			return &model->holds[i];
	return NULL;
}

struct model_wait *model_next(struct model *model, int object, const struct model_wait *after)
{
	struct model_wait *next = NULL;

	for (int i = 0; i < MODEL_WAITS; i++) {
		struct model_wait *wait = &model->waits[i];

		if (wait->object == object && (!after || wait->arrival > after->arrival) &&
			(!next || wait->arrival < next->arrival))
			next = wait;
	}
	return next;
}

static int64_t held(const struct model *model, int object)
{
	int64_t sum = 0;

	for (size_t i = 0; i < model->n_holds; i++)
		if (model->holds[i].object == object)
			sum += model->holds[i].count;
	return sum;
}

static bool has_room(const struct model *model, int object, bool shared, int64_t count)
{
	if (!is_lock(object))
		return model_slots(object) - held(model, object) >= count;
	for (size_t i = 0; i < model->n_holds; i++)
		if (model->holds[i].object == object && !(shared && model->holds[i].shared))
			return false;
	return true;
}

/* --- tasks that wait --- */

static bool outranks(const struct model_task *a, const struct model_task *b)
{
	return a->level > b->level || (a->level == b->level && a->place < b->place);
}

static struct model_task *best_task(struct model *model, int object)
{
	struct model_task *best = NULL;

	for (int i = 0; i < MODEL_TASKS; i++)
		if (model->tasks[i].object == object && (!best || outranks(&model->tasks[i], best)))
			best = &model->tasks[i];
	return best;
}

static struct model_task *earliest_task(struct model *model, int object)
{
	struct model_task *earliest = NULL;

	for (int i = 0; i < MODEL_TASKS; i++)
		if (model->tasks[i].object == object && (!earliest || model->tasks[i].arrival < earliest->arrival))
			earliest = &model->tasks[i];
	return earliest;
}

static bool task_goes_first(struct model *model, int object, uint64_t arrival, bool shared)
{
	const struct model_task *earliest = earliest_task(model, object);

	if (model->offered[object])
		return true;
	return earliest && earliest->arrival < arrival && !(shared && best_task(model, object)->lacks.shared);
}

/* --- granting --- */

static void grant(struct model *model, int object, int holder, bool shared, int64_t count)
{
	struct model_hold *hold = model_hold_of(model, object, holder);

	if (hold)
		hold->count += count;
	else
		model->holds[model->n_holds++] =
			(struct model_hold){ .object = object, .holder = holder, .count = count, .shared = shared };
}

static void take_back(struct model *model, struct model_hold *hold, int64_t count)
{
	hold->count -= count;
	if (hold->count > 0)
		return;
	size_t at = (size_t)(hold - model->holds);
	model->n_holds--;
	memmove(hold, hold + 1, (model->n_holds - at) * sizeof(*hold));
}

static bool take_died(struct model *model, int object)
{
	bool died = model->died[object];

	model->died[object] = false;
	return died;
}

static void tell(struct model_wait *wait, bool died, bool again, int64_t depth)
{
	wait->told = true;
	wait->died = died;
	wait->again = again;
	wait->depth = depth;
	wait->got = wait->object;
	wait->object = NOWHERE;
}

static bool serve_first(struct model *model, int object)
{
	struct model_wait *wait = model_next(model, object, NULL);
	struct model_hold *hold = wait ? model_hold_of(model, object, wait->holder) : NULL;
	int64_t count = is_lock(object) && !(wait && wait->comes_back) ? 1 : wait ? wait->count : 0;

	if (!wait || model->offered[object])
		return false;
	if (hold && is_lock(object)) {
		if (!wait->reentrant || (hold->shared && !wait->shared))
			return false;
		tell(wait, false, true, ++hold->count);
		return true;
	}
	if (!has_room(model, object, wait->shared, count) ||
		task_goes_first(model, object, wait->arrival, wait->shared))
		return false;
	grant(model, object, wait->holder, wait->shared, count);
	tell(wait, take_died(model, object), false, is_lock(object) ? count : 0);
	return true;
}

static void serve(struct model *model, int object)
{
	while (serve_first(model, object))
		;
}

static void serve_all(struct model *model)
{
	for (int object = 0; object < MODEL_OBJECTS; object++)
		serve(model, object);
}

static int park(struct model *model, int object, int holder, struct model_wait *wait)
{
	wait->object = object;
	wait->holder = holder;
	wait->arrival = ++model->arrival;
	return OBJECT_WAITING;
}

/* --- requests --- */

int model_lock(struct model *model, int object, int holder, bool shared, bool reentrant, struct model_wait *wait)
{
	struct model_hold *hold = model_hold_of(model, object, holder);

	if (hold && reentrant && (shared || !hold->shared)) {
		hold->count++;
		return OBJECT_DONE;
	}
	if (hold)
		return wait ? OBJECT_DEADLOCK : OBJECT_WOULD_WAIT;
	if (has_room(model, object, shared, 1) && !model_next(model, object, NULL) &&
		!task_goes_first(model, object, UINT64_MAX, shared)) {
		grant(model, object, holder, shared, 1);
		return OBJECT_DONE;
	}
	if (!wait)
		return OBJECT_WOULD_WAIT;
	*wait = (struct model_wait){ .shared = shared, .reentrant = reentrant, .count = 1 };
	return park(model, object, holder, wait);
}

static int check_held(struct model *model, int object, const struct model_hold *hold)
{
	return hold ? OBJECT_DONE : held(model, object) ? OBJECT_NOT_OWNER : OBJECT_NOT_HELD;
}

int model_unlock(struct model *model, int object, int holder)
{
	struct model_hold *hold = model_hold_of(model, object, holder);
	int status = check_held(model, object, hold);

	if (status)
		return status;
	take_back(model, hold, 1);
	serve(model, object);
	return OBJECT_DONE;
}

int model_acquire(struct model *model, int object, int holder, int64_t count, struct model_wait *wait)
{
	if (count > model_slots(object))
		return OBJECT_MISMATCH;
	if (has_room(model, object, false, count) && !model_next(model, object, NULL) &&
		!task_goes_first(model, object, UINT64_MAX, false)) {
		grant(model, object, holder, false, count);
		return OBJECT_DONE;
	}
	if (!wait)
		return OBJECT_WOULD_WAIT;
	*wait = (struct model_wait){ .count = count };
	return park(model, object, holder, wait);
}

int model_release(struct model *model, int object, int holder, int64_t count)
{
	struct model_hold *hold = model_hold_of(model, object, holder);
	int status = check_held(model, object, hold);

	if (status)
		return status;
	if (count > hold->count)
		return OBJECT_OVER_RELEASED;
	take_back(model, hold, count);
	serve(model, object);
	return OBJECT_DONE;
}

int model_condition_wait(struct model *model, int condition, int holder, struct model_wait *wait)
{
	struct model_hold *hold = model_hold_of(model, condition, holder);
	int status = check_held(model, condition, hold);

	if (status)
		return status;
	if (hold->shared)
		return OBJECT_MISMATCH;
	*wait = (struct model_wait){ .comes_back = true, .count = hold->count };
	park(model, MODEL_OBJECTS + condition, holder, wait);
	take_back(model, hold, hold->count);
	serve(model, condition);
	return OBJECT_WAITING;
}

int model_notify(struct model *model, int condition, int holder, int64_t count, size_t *notified)
{
	int status = check_held(model, condition, model_hold_of(model, condition, holder));
	struct model_wait *wait;

	*notified = 0;
	if (status)
		return status;
	while (count-- != 0 && (wait = model_next(model, MODEL_OBJECTS + condition, NULL))) {
		wait->notified = true;
		park(model, condition, wait->holder, wait);
		++*notified;
	}
	return OBJECT_DONE;
}

void model_drop(struct model *model, struct model_wait *wait)
{
	wait->object = NOWHERE;
	serve_all(model);
}

bool model_expire(struct model *model, struct model_wait *wait)
{
	if (!wait->comes_back) {
		model_drop(model, wait);
		return true;
	}
	if (wait->object >= MODEL_OBJECTS) {
		park(model, wait->object - MODEL_OBJECTS, wait->holder, wait);
		serve_all(model);
	}
	return false;
}

void model_end(struct model *model, int first_holder, int n_holders)
{
	for (int i = 0; i < MODEL_WAITS; i++)
		if (model->waits[i].holder >= first_holder && model->waits[i].holder < first_holder + n_holders)
			model->waits[i].object = NOWHERE;
	for (size_t i = model->n_holds; i-- > 0;) {
		struct model_hold *hold = &model->holds[i];

		if (hold->holder < first_holder || hold->holder >= first_holder + n_holders)
			continue;
		model->died[hold->object] = true;
		take_back(model, hold, hold->count);
	}
	serve_all(model);
}

/* --- claims --- */

static bool might_have(struct model *model, int task, const struct model_claim *claim)
{
	const struct model_task *asking = &model->tasks[task], *best = best_task(model, claim->object);
	const struct model_wait *first = model_next(model, claim->object, NULL);

	if (!has_room(model, claim->object, claim->shared, claim->count))
		return false;
	if (best && outranks(best, asking) && !(best->lacks.shared && claim->shared))
		return false;
	return !first || (asking->arrival && asking->arrival < first->arrival);
}

int model_take(struct model *model, int number)
{
	struct model_task *task = &model->tasks[number];

	task->object = NOWHERE;
	task->died = false;
	for (size_t i = 0; i < task->n; i++) {
		if (might_have(model, number, &task->claims[i]))
			continue;
		task->lacks = task->claims[i];
		task->object = task->lacks.object;
		if (!task->arrival)
			task->arrival = ++model->arrival;
		serve_all(model);
		return OBJECT_WAITING;
	}
	for (size_t i = 0; i < task->n; i++) {
		const struct model_claim *claim = &task->claims[i];

		grant(model, claim->object, task_holder(number), claim->shared, claim->count);
		task->died |= take_died(model, claim->object);
	}
	task->arrival = 0;
	task->has = true;
	serve_all(model);
	return OBJECT_DONE;
}

void model_give(struct model *model, int number)
{
	struct model_task *task = &model->tasks[number];

	for (size_t i = 0; i < task->n; i++) {
		struct model_hold *hold = model_hold_of(model, task->claims[i].object, task_holder(number));

		if (hold)
			take_back(
				model, hold, task->claims[i].count < hold->count ? task->claims[i].count : hold->count);
	}
	task->has = false;
	serve_all(model);
}

void model_ticket_drop(struct model *model, int number)
{
	model->tasks[number].object = NOWHERE;
	model->tasks[number].arrival = 0;
	serve_all(model);
}

/* The first by rank, if it is its turn while OFFERED has been offered already. */
static struct model_task *first_task(struct model *model, int object, int64_t offered)
{
	struct model_task *best = best_task(model, object);
	const struct model_wait *first = model_next(model, object, NULL);

	if (!best || !has_room(model, object, best->lacks.shared, offered + best->lacks.count))
		return NULL;
	if (is_lock(object) && offered && !best->lacks.shared)
		return NULL;
	return first && first->arrival < earliest_task(model, object)->arrival ? NULL : best;
}

int model_turn(struct model *model)
{
	struct model_task *task;
	int n = 0;

	for (int object = 0; object < MODEL_OBJECTS; object++) {
		int64_t offered = 0;

		while ((task = first_task(model, object, offered))) {
			struct model_task *earliest = earliest_task(model, object);
			uint64_t arrival = earliest->arrival;

			earliest->arrival = task->arrival;
			task->arrival = arrival;
			task->object = NOWHERE;
			task->ready = true;
			model->offered[object] = true;
			offered += task->lacks.count;
			n++;
			if (is_lock(object) && !task->lacks.shared)
				break;
		}
	}
	return n;
}

bool model_settle(struct model *model)
{
	bool more = false;

	memset(model->offered, 0, sizeof(model->offered));
	serve_all(model);
	for (int object = 0; object < MODEL_OBJECTS; object++)
		more |= first_task(model, object, 0) != NULL;
	return more;
}

/* --- circles: as if everybody did what he can --- */

static bool waits_for_something(const struct model *model, int holder)
{
	for (int i = 0; i < MODEL_WAITS; i++) {
		const struct model_wait *wait = &model->waits[i];
		int connection;

		if (wait->object == NOWHERE || wait->object >= MODEL_OBJECTS)
			continue; /* somebody may always notify */
		if (wait->holder == holder)
			return true;
		connection = model_holder_connection(wait->holder);
		if (connection != NOWHERE && model->task_of[connection] != NOWHERE &&
			task_holder(model->task_of[connection]) == holder)
			return true;
	}
	return false;
}

static void run_out(struct model *model)
{
	bool moved = true;

	for (int i = 0; i < MODEL_TASKS; i++)
		model->tasks[i].object = NOWHERE;
	serve_all(model);
	while (moved) {
		moved = false;
		for (size_t i = model->n_holds; i-- > 0;)
			if (!waits_for_something(model, model->holds[i].holder)) {
				take_back(model, &model->holds[i], model->holds[i].count);
				moved = true;
			}
		serve_all(model);
	}
}

/* Behind another request of the same holder for the same lock with which it does not go: it would wait for itself, if not for
 * the one before that. */
static bool waits_for_itself(const struct model *model, const struct model_wait *wait)
{
	for (int i = 0; i < MODEL_WAITS; i++) {
		const struct model_wait *other = &model->waits[i];

		if (other != wait && other->object == wait->object && is_lock(wait->object) &&
			other->holder == wait->holder && !(wait->reentrant && (wait->shared || !other->shared)))
			return true;
	}
	return false;
}

bool model_is_stuck(const struct model *model, const struct model_wait *wait)
{
	static struct model copy;

	if (waits_for_itself(model, wait))
		return true;
	copy = *model;
	run_out(&copy);
	return copy.waits[wait - model->waits].object != NOWHERE;
}

bool model_anybody_is_stuck(const struct model *model)
{
	static struct model copy;

	copy = *model;
	run_out(&copy);
	for (int i = 0; i < MODEL_WAITS; i++)
		if (copy.waits[i].object != NOWHERE && copy.waits[i].object < MODEL_OBJECTS)
			return true;
	return false;
}
