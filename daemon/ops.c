/* The core asks for what it needs through one struct of functions with one context; what it asks for is done in two
 * rooms that do not know each other, and in the log. */
#include "ops.h"

#include "core/core.h"
#include "durable/durable.h"
#include "edge/edge.h"
#include "pool/pool.h"
#include "tasklog.h"

static int op_start(void *context, struct core_slot *slot, struct task *task)
{
	const struct ops_context *all = context;
	if (all->durable && durable_holds_start(all->durable, slot, task))
		return 0;
	return pools_op_start(all->pools, slot, task);
}

/* What has not left for its lane yet is nothing that the pools know of. */
static bool is_held(const struct ops_context *all, const struct task *task)
{
	return all->durable && durable_is_held(all->durable, task);
}

static bool op_revoke(void *context, struct core_slot *slot, struct task *task)
{
	const struct ops_context *all = context;
	if (is_held(all, task))
		return durable_revoke_start(all->durable, task);
	return pools_op_revoke(all->pools, slot, task);
}

static int64_t op_started(void *context, struct core_slot *slot, struct task *task)
{
	const struct ops_context *all = context;
	return is_held(all, task) ? 0 : pools_op_started(all->pools, slot, task);
}

static void op_interrupt(void *context, struct core_slot *slot, struct task *task)
{
	const struct ops_context *all = context;
	if (!is_held(all, task))
		pools_op_interrupt(all->pools, slot, task);
}

static void op_kill(void *context, struct core_slot *slot, struct task *task)
{
	const struct ops_context *all = context;
	if (!is_held(all, task))
		pools_op_kill(all->pools, slot, task);
}

static void op_ended(void *context, const struct task *task)
{
	const struct ops_context *all = context;
	if (all->pools)
		pools_op_ended(all->pools, task);
	tasklog_ended(task);
}

static int64_t op_gather(void *context, const struct bytes *args, struct bytes *const *results, size_t count,
	struct bytes **out)
{
	return edge_gather(((struct ops_context *)context)->edge, args, results, count, out);
}

static void op_changed(void *context, struct task *task, bool progress)
{
	struct ops_context *all = context;
	if (all->edge) /* workers outlive it by a moment, and what they had ends with them */
		edge_changed(all->edge, task, progress);
}

static int op_refuses(void *context, const struct core_schedule *schedule, const char **why)
{
	const struct ops_context *all = context;
	if (all->edge)
		return edge_refuses(all->edge, schedule, why);
	*why = "nobody knows its owner's rights";
	return CORE_DENIED;
}

static void op_skipped(void *context, const struct core_schedule *schedule, int refusal)
{
	(void)context;
	tasklog_skipped(schedule, refusal);
}

static void op_record(void *context, struct task *task, enum core_record what, bool more)
{
	durable_record(((struct ops_context *)context)->durable, task, what, more);
}

static void op_met(void *context, const struct task *task, size_t index)
{
	durable_met(((struct ops_context *)context)->durable, task, index);
}

/* Those that the configuration makes are there before anything records. */
static void op_queue_changed(void *context, struct core_queue *queue, bool gone)
{
	struct ops_context *all = context;
	if (all->durable)
		durable_queue_changed(all->durable, queue, gone);
}

static void op_schedule_changed(void *context, const struct core_schedule *schedule, bool run, bool gone)
{
	struct ops_context *all = context;
	if (all->durable)
		durable_schedule_changed(all->durable, schedule, run, gone);
}

void ops_fill(struct core_ops *ops, struct ops_context *context, bool durable)
{
	*ops = (struct core_ops){
		.context = context,
		.start = op_start,
		.revoke = op_revoke,
		.started = op_started,
		.interrupt = op_interrupt,
		.kill = op_kill,
		.ended = op_ended,
		.gather = op_gather,
		.changed = op_changed,
		.refuses = op_refuses,
		.skipped = op_skipped,
		.record = durable ? op_record : NULL,
		.met = durable ? op_met : NULL,
		.queue_changed = op_queue_changed,
		.schedule_changed = op_schedule_changed,
	};
}
