/* What can be seen of a command while it runs: how it stands, and what it has said. The worker writes it into memory that
 * both have (lane/capture.h), so that nobody who asks has to wait for it. */
#include "pool/command.h"

#include "lane/lane.h"
#include "pool/internal.h"

static struct seat *seat_of(const struct task *task)
{
	struct seat *seat = task->slot ? core_slot_user(task->slot) : NULL;
	return seat && seat->process->commands ? seat : NULL;
}

struct seat *command_seat(struct task *task)
{
	struct seat *seat = seat_of(task);
	if (!seat || seat->process->killed)
		return NULL;
	core_task_look(task);
	return task->state == TASK_RUNNING || task->state == TASK_CANCELLING ? seat : NULL;
}

bool pools_command_look(struct pools *pools, struct task *task, struct capture_state *out)
{
	(void)pools;
	const struct seat *seat = command_seat(task);
	return seat && capture_look(seat->capture, task->id, task->attempt, out);
}

int pools_command_slot(const struct task *task)
{
	const struct seat *seat = seat_of(task);
	return seat ? seat->process->worker->index : -1;
}

long pools_command_read(struct pools *pools, struct task *task, enum capture_stream stream, uint64_t offset, void *room,
	size_t size)
{
	(void)pools;
	const struct seat *seat = command_seat(task);
	return seat ? capture_read(seat->capture, task->id, task->attempt, stream, offset, room, size) : -1;
}

/* --- followers --- */

void pools_on_output(struct pools *pools, command_said *said, void *context)
{
	pools->said = said;
	pools->said_context = context;
}

void pools_command_follow(struct pools *pools, struct task *task, bool on)
{
	(void)pools;
	struct seat *seat = command_seat(task);
	if (!seat)
		return;
	seat->followed = on ? task->id : 0;
	capture_follow(seat->capture, task->id, task->attempt, on);
}

bool command_heard(const struct seat *seat, struct task *task, const struct lane_reply *reply)
{
	const struct pools *pools = seat->process->worker->pools;
	const struct bytes *text = reply->payload;
	if (!seat->process->commands)
		return false;
	core_task_look(task);
	if (text && seat->followed == task->id && pools->said) /* none: there was no memory for it */
		pools->said(pools->said_context, task, (enum capture_stream)reply->code, reply->offset, text->data, text->size);
	return true;
}
