/* Starts that have to be on disk before they happen: of tasks that must not run twice, so that a restart knows which of
 * them may have run. For the core such a task lies in its slot's lane from the moment in which it was given to it; here it
 * is held until then. What is given to the same slot behind it is held with it, so that the lane's order is the core's.
 *
 *   waiting ──(on disk)──▶ given ──(it runs, or is over)──▶ forgotten
 *      └──(taken back)──┬─────┘ taken back
 *                       ▼
 *                     loose ──(given again in the same turn)──▶ waiting, given
 *                       └──(the turn is over)──▶ put down as one that waits, and forgotten
 *
 * So a slow disk does not make it slower still: what lies untaken for long is given to another slot again and again, and
 * what is on its way to the disk for it holds good there, too. */
#include <stdlib.h>

#include "base/xmalloc.h"
#include "durable/internal.h"
#include "pool/pool.h"

enum held_state { HELD_WAITING, HELD_GIVEN, HELD_LOOSE };

struct held {
	uint64_t id;
	struct core_slot *slot;
	uint64_t seq; /* what it waits for, or waited */
	enum held_state state;
	bool sure;    /* … is on disk */
	bool put;     /* its start was put down; else it only lies behind such */
	TAILQ_ENTRY(held) link;
};

void starts_init(struct starts *starts)
{
	idmap_init(&starts->held);
	TAILQ_INIT(&starts->list);
}

static void set_state(struct starts *starts, struct held *held, enum held_state state)
{
	starts->n_waiting -= held->state == HELD_WAITING;
	starts->n_waiting += state == HELD_WAITING;
	held->state = state;
}

static void forget(struct starts *starts, struct held *held)
{
	set_state(starts, held, HELD_LOOSE);
	idmap_remove(&starts->held, held->id);
	TAILQ_REMOVE(&starts->list, held, link);
	free(held);
}

void starts_free(struct starts *starts)
{
	struct held *held;
	while ((held = TAILQ_FIRST(&starts->list)))
		forget(starts, held);
	idmap_fini(&starts->held);
	free(starts->loose.list);
}

void starts_forget(struct durable *durable, uint64_t id)
{
	struct held *held = idmap_get(&durable->starts.held, id);
	if (held)
		forget(&durable->starts, held);
}

/* The task, where it lies in HELD's slot as far as the core knows. */
static struct task *task_there(const struct durable *durable, const struct held *held)
{
	struct task *task;
	if (core_find(durable->host.core, held->id, &task) != CORE_FOUND || task->slot != held->slot)
		return NULL;
	return task;
}

/* --- given to a slot --- */

static bool slot_waits(const struct durable *durable, const struct core_slot *slot)
{
	const struct task *task = NULL;
	while (durable->starts.n_waiting && (task = core_slot_task_next(slot, task))) {
		const struct held *held = idmap_get(&durable->starts.held, task->id);
		if (held && held->state == HELD_WAITING && held->slot == slot)
			return true;
	}
	return false;
}

static void wait_for(struct durable *durable, struct held *held, uint64_t seq)
{
	held->seq = seq;
	held->sure = false;
	set_state(&durable->starts, held, HELD_WAITING);
	confirms_add(&durable->confirms, (struct confirm){ .seq = seq, .id = held->id, .start = true });
}

static struct held *held_new(struct durable *durable, uint64_t id, struct core_slot *slot, bool put)
{
	struct held *held = xcalloc(1, sizeof(*held));
	held->id = id;
	held->slot = slot;
	held->state = HELD_LOOSE;
	held->put = put;
	idmap_put(&durable->starts.held, held->id, held);
	TAILQ_INSERT_TAIL(&durable->starts.list, held, link);
	return held;
}

/* It was given to a slot before, and taken back: what was put then holds good still. */
static bool give_again(struct durable *durable, struct held *held, struct core_slot *slot)
{
	held->slot = slot;
	if (!held->sure)
		set_state(&durable->starts, held, HELD_WAITING);
	else if (slot_waits(durable, slot))
		wait_for(durable, held, store_client_last(durable->client));
	else
		set_state(&durable->starts, held, HELD_GIVEN);
	return held->state == HELD_WAITING;
}

bool durable_holds_start(struct durable *durable, struct core_slot *slot, struct task *task)
{
	bool first_on_disk = task->durable && task->on_interrupt_crash && !durable->stopped;
	if (!first_on_disk && !slot_waits(durable, slot))
		return false;
	struct held *held = idmap_get(&durable->starts.held, task->id);
	if (held)
		return give_again(durable, held, slot);
	held = held_new(durable, task->id, slot, first_on_disk);
	wait_for(durable, held, first_on_disk ? write_start(durable, task) : store_client_last(durable->client));
	return true;
}

/* --- on disk --- */

/* The core records that. */
static void go_back(struct durable *durable, struct held *held, struct task *task)
{
	forget(&durable->starts, held);
	core_unstart(task);
}

void starts_confirmed(struct durable *durable, uint64_t id, uint64_t seq)
{
	struct held *held = idmap_get(&durable->starts.held, id);
	if (!held || held->seq != seq)
		return;
	held->sure = true;
	if (held->state != HELD_WAITING)
		return;
	struct task *task = task_there(durable, held);
	set_state(&durable->starts, held, task ? HELD_GIVEN : HELD_LOOSE);
	if (!task)
		forget(&durable->starts, held);
	else if (pools_op_start(durable->host.pools, held->slot, task) < 0)
		go_back(durable, held, task);
	else if (!held->put)
		forget(&durable->starts, held);
}

void starts_give_up(struct durable *durable)
{
	struct held *held, *next;
	for (held = TAILQ_FIRST(&durable->starts.list); held; held = next) {
		next = TAILQ_NEXT(held, link);
		if (held->state != HELD_WAITING)
			continue;
		struct task *task = task_there(durable, held);
		if (task)
			go_back(durable, held, task);
		else
			forget(&durable->starts, held);
	}
}

/* --- taken back --- */

bool durable_is_held(const struct durable *durable, const struct task *task)
{
	const struct held *held = durable->starts.n_waiting ? idmap_get(&durable->starts.held, task->id) : NULL;
	return held && held->state == HELD_WAITING;
}

bool durable_revoke_start(struct durable *durable, struct task *task)
{
	if (!durable_is_held(durable, task))
		return false;
	struct held *held = idmap_get(&durable->starts.held, task->id);
	if (held->put) /* what becomes of it is recorded next */
		set_state(&durable->starts, held, HELD_LOOSE);
	else
		forget(&durable->starts, held);
	return true;
}

static bool waits(const struct task *task)
{
	return task->state == TASK_QUEUED && !task->slot;
}

bool starts_put_off(struct durable *durable, const struct task *task)
{
	struct held *held = idmap_get(&durable->starts.held, task->id);
	if (!held || !held->put || !waits(task))
		return false;
	set_state(&durable->starts, held, HELD_LOOSE);
	ids_add(&durable->starts.loose, task->id);
	return true;
}

void starts_turn(struct durable *durable)
{
	struct starts *starts = &durable->starts;
	for (size_t i = 0; i < starts->loose.count; i++) {
		struct held *held = idmap_get(&starts->held, starts->loose.list[i]);
		struct task *task;
		if (!held || held->state != HELD_LOOSE)
			continue;
		if (core_find(durable->host.core, held->id, &task) == CORE_FOUND)
			write_state(durable, task, false);
		forget(starts, held);
	}
	starts->loose.count = 0;
}
