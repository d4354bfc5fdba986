/* The core asks for what it needs through one struct of functions with one context; what it asks for is done in two
 * rooms that do not know each other, and in the log. */
#include "ops.h"

#include "core/core.h"
#include "edge/edge.h"
#include "pool/pool.h"
#include "tasklog.h"

static int op_start(void *context, struct core_slot *slot, struct task *task)
{
	return pools_op_start(((struct ops_context *)context)->pools, slot, task);
}

static bool op_revoke(void *context, struct core_slot *slot, struct task *task)
{
	return pools_op_revoke(((struct ops_context *)context)->pools, slot, task);
}

static int64_t op_started(void *context, struct core_slot *slot, struct task *task)
{
	return pools_op_started(((struct ops_context *)context)->pools, slot, task);
}

static void op_interrupt(void *context, struct core_slot *slot, struct task *task)
{
	pools_op_interrupt(((struct ops_context *)context)->pools, slot, task);
}

static void op_kill(void *context, struct core_slot *slot, struct task *task)
{
	pools_op_kill(((struct ops_context *)context)->pools, slot, task);
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

static void op_skipped(void *context, const struct core_schedule *schedule, int refusal)
{
	(void)context;
	tasklog_skipped(schedule, refusal);
}

void ops_fill(struct core_ops *ops, struct ops_context *context)
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
		.skipped = op_skipped,
	};
}
