/* The loop's turn, as far as lanes are concerned: what slots have said is heard, what they were given is told them; and
 * the core's wishes turned into calls on lanes. */
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "lane/lane.h"
#include "pool/internal.h"

/* How long the master stays awake for an answer, and for what: measured, see `make bench`. A sleeping slot takes about
 * ten microseconds to wake. */
#define LINGER_NS (25 * NS_PER_US)
#define LINGER_TASK_NS (10 * NS_PER_US)

/* A command that has been killed is over after so long, or its worker is. */
#define KILLED_NS (5 * NS_PER_S)

/* --- the turn --- */

/* Whether SEAT has said so much that others come first. */
static bool seat_waits(struct pools *pools, struct seat *seat)
{
	if (seat->deaf_until_ns <= core_now(pools->core)) {
		seat->deaf_until_ns = 0;
		return false;
	}
	if (seat->deaf_until_ns < pools->deaf_ns)
		pools->deaf_ns = seat->deaf_until_ns;
	seat->awaited = false;
	return true;
}

/* The next turn begins with SEAT. */
static void begin_with(struct pools *pools, const struct seat *seat)
{
	struct seat *first;
	while (seat && (first = TAILQ_FIRST(&pools->active)) != seat) {
		TAILQ_REMOVE(&pools->active, first, link);
		TAILQ_INSERT_TAIL(&pools->active, first, link);
	}
}

bool pools_turn(struct pools *pools, int64_t end_ns, bool *behind)
{
	struct seat *seat, *next;
	bool any = false;
	pools->deaf_ns = CLOCK_NEVER;
	*behind = false;
	for (seat = TAILQ_FIRST(&pools->active); seat && !*behind; seat = next) {
		next = TAILQ_NEXT(seat, link);
		if (seat->deaf_until_ns && seat_waits(pools, seat))
			continue;
		any |= seat_hear(seat, end_ns);
		if (core_slot_in_flight(seat->slot) == 0) {
			seat->active = false;
			TAILQ_REMOVE(&pools->active, seat, link);
			worker_watch_leaving(seat->process->worker);
		}
		*behind = end_ns != CLOCK_NEVER && any && clock_mono_ns() >= end_ns;
	}
	if (*behind)
		begin_with(pools, seat);
	return any;
}

void pools_kick(struct pools *pools)
{
	struct seat *seat;
	TAILQ_FOREACH(seat, &pools->active, link)
		if (seat->to_kick) {
			seat->to_kick = false;
			lane_kick(seat->lane);
		}
}

void pools_wake(struct pools *pools)
{
	struct seat *seat;
	TAILQ_FOREACH(seat, &pools->active, link)
		lane_wake(seat->lane);
}

bool pools_linger(struct pools *pools)
{
	struct seat *seat;
	bool awaited = false;
	TAILQ_FOREACH(seat, &pools->active, link)
		awaited |= seat->awaited;
	if (!awaited)
		return false;
	int64_t end_ns = clock_mono_ns() + LINGER_NS;
	do
		TAILQ_FOREACH(seat, &pools->active, link)
			if (seat->awaited && lane_has_reply(seat->lane))
				return true;
	while (clock_mono_ns() < end_ns);
	TAILQ_FOREACH(seat, &pools->active, link)
		seat->awaited = false;
	return false;
}

bool pools_sleep(struct pools *pools)
{
	struct seat *seat;
	TAILQ_FOREACH(seat, &pools->active, link) {
		if (seat->deaf_until_ns) /* whatever it says */
			continue;
		/* Of a slot that has several, the core looks every moment what became of them: where a command takes not much
		 * longer than that, to be woken for each as well costs more than the moment is worth. */
		bool looks = seat->process->commands && core_slot_in_flight(seat->slot) > 1;
		if (!lane_sleep(seat->lane, looks)) {
			pools_wake(pools);
			return false;
		}
	}
	return true;
}

/* --- the core's wishes --- */

/* There are as many queues as the configuration has sections, and to start a command takes a thousand times as long. */
static uint32_t run_as_of(const struct seat *seat, const struct task *task)
{
	const struct config *config = seat->process->worker->pools->config;
	const struct config_queue *queue;
	const char *name = core_queue_name(task->queue);
	if (!seat->process->commands)
		return LANE_RUN_AS_POOL;
	STAILQ_FOREACH(queue, &config->queues, link)
		if (queue->as_submitter && strcmp(queue->name, name) == 0)
			return task->owner->uid;
	return LANE_RUN_AS_POOL;
}

int pools_op_start(void *context, struct core_slot *slot, struct task *task)
{
	struct pools *pools = context;
	struct seat *seat = core_slot_user(slot);
	struct lane_request request = {
		.task_id = task->id,
		.attempt = task->attempt,
		.items = task->items,
		.run_as = run_as_of(seat, task),
		.timeout_ns = task->extra ? task->extra->timeout_ns : 0,
		.name = task->type->name,
		.name_length = task->type->name_length,
		.args = task->args->data,
		.args_length = task->args->size,
	};
	attach_lend(pools, task, &request);
	int code = lane_send(seat->lane, &request, &task->lane_seq);
	if (code == LANE_BROKEN)
		worker_kill(seat->process->worker, "its lane made no sense");
	if (code != LANE_OK)
		return -1;
	if (!seat->active) {
		seat->active = true;
		TAILQ_INSERT_TAIL(&pools->active, seat, link);
	}
	seat->to_kick = true;
	seat->awaited = task->estimate_ns <= LINGER_TASK_NS;
	return 0;
}

bool pools_op_revoke(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	const struct seat *seat = core_slot_user(slot);
	return lane_revoke(seat->lane, task->lane_seq);
}

int64_t pools_op_started(void *context, struct core_slot *slot, struct task *task)
{
	struct pools *pools = context;
	const struct seat *seat = core_slot_user(slot);
	return lane_started(seat->lane, task->lane_seq, task->given_ns, core_now(pools->core));
}

void pools_op_interrupt(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	struct seat *seat = core_slot_user(slot);
	lane_interrupt(seat->lane, task->lane_seq);
	if (seat->process->commands)
		order_stop(seat->process, task, "term");
}

void pools_op_kill(void *context, struct core_slot *slot, struct task *task)
{
	struct pools *pools = context;
	struct seat *seat = core_slot_user(slot);
	struct process *process = seat->process;
	if (process->commands) {
		order_stop(process, task, "kill");
		process->kill_by_ns = core_now(pools->core) + KILLED_NS;
		pools_schedule(pools);
		return;
	}
	process->kill_wanted = true;
	worker_retire(process->worker);
	process_kill_if_alone(process);
}
