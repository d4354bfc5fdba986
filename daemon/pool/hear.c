/* Turns what a slot says in its lane into calls on the core. Everything here was written by a worker, and a worker may
 * be running code that is broken or worse: what does not fit the master's own books costs the worker its life. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "lane/lane.h"
#include "pool/internal.h"
#include "proto/json_scan.h"

/* In so long a slot may say CHATTER_MOST words beside answers: some hundred times as much progress as the worker's library
 * lets through, and a mebibyte of output. What is more waits in the lane, and the slot for room; nothing of it is lost. */
#define CHATTER_NS NS_PER_MS
#define CHATTER_OF_ANSWER 4 /* so much belongs to each answer */

/* The worker's library cuts it off before. */
#define PROGRESS_TEXT_LIMIT 1024

static void fail_outcome(struct task_outcome *outcome, int code, const char *kind, char *message)
{
	bytes_unref(outcome->result);
	outcome->result = NULL;
	outcome->state = TASK_FAILED;
	outcome->code = code;
	outcome->kind = kind;
	outcome->message = message;
}

/* A result goes into clients' replies as it is: it must be one JSON value on one line, and a chunk's an array of as
 * many elements as it had items. */
static void outcome_of_success(struct task_outcome *outcome, const struct task *task, const struct lane_reply *reply)
{
	struct json_span value;
	struct json_error error = { 0 };
	bool newline = false;
	outcome->state = TASK_SUCCEEDED;
	outcome->result = reply->payload;
	if (!reply->payload)
		fail_outcome(outcome, 0, NULL, xstrdup("the worker returned no result"));
	else if (json_scan(reply->payload->data, reply->payload->size, &value, &newline, &error) < 0)
		fail_outcome(outcome, 0, NULL, xasprintf("the worker returned what is not JSON: %s", error.reason));
	else if (newline)
		fail_outcome(outcome, 0, NULL, xstrdup("the worker returned a result of several lines"));
	else if (task->items && (value.kind != JSON_SPAN_ARRAY || json_count(&value) != task->items))
		fail_outcome(outcome, 0, NULL, xstrdup("the worker returned another number of results than there were items"));
	else if (reply->flags & LANE_FLAG_MIXED)
		outcome->kind = "mixed";
}

/* What only commands say. One that says that it was told to stop, and was not, has just failed. */
static void outcome_of_command(struct task_outcome *outcome, const struct task *task, const struct lane_reply *reply)
{
	bool stopped = reply->flags & LANE_FLAG_CANCELLED;
	outcome->killed = reply->flags & LANE_FLAG_KILLED;
	if (reply->flags & LANE_FLAG_NOT_STARTED)
		outcome->kind = "not_started";
	else if (stopped && task->state == TASK_CANCELLING)
		outcome->keeps_data = true;
	else if (stopped || reply->flags & LANE_FLAG_COMMAND) {
		outcome->kind = "command_failed";
		outcome->state = TASK_FAILED;
		outcome->keeps_data = true;
	}
}

static void outcome_of_failure(struct task_outcome *outcome, const struct task *task, const struct lane_reply *reply,
	bool commands)
{
	struct json_span value;
	struct json_error error;
	bool newline = false;
	outcome->state = reply->flags & LANE_FLAG_CANCELLED ? TASK_CANCELLED : TASK_FAILED;
	outcome->code = reply->code;
	outcome->message = reply->message[0] ? xstrdup(reply->message) : NULL;
	if (reply->flags & LANE_FLAG_UNKNOWN_TASK)
		outcome->kind = "unknown_task";
	else if (reply->flags & LANE_FLAG_INIT_FAILED)
		outcome->kind = "unavailable";
	else if (reply->flags & LANE_FLAG_BAD_ARGS)
		outcome->kind = "invalid_params";
	else if (reply->flags & LANE_FLAG_TOO_LARGE)
		outcome->kind = "too_large";
	else if (commands)
		outcome_of_command(outcome, task, reply);
	if (reply->payload && json_scan(reply->payload->data, reply->payload->size, &value, &newline, &error) == 0 && !newline)
		outcome->data = reply->payload;
	else
		bytes_unref(reply->payload);
}

static void note_use(struct worker *worker, const struct task *task, const struct lane_reply *reply)
{
	const struct config_pool *config = &pool_own(worker->pool)->config;
	worker->tasks_done += task->items ? task->items : 1;
	if (reply->rss_kib)
		worker->rss_kib = reply->rss_kib;
	bool by_count = config->recycle_tasks > 0 && worker->tasks_done >= (uint64_t)config->recycle_tasks;
	bool by_size = config->recycle_memory > 0 && (int64_t)worker->rss_kib * 1024 > config->recycle_memory;
	if ((by_count || by_size) && worker->state == WORKER_READY)
		worker_retire(worker);
}

/* Its command is over: what concerned that one alone does not concern the next. */
static void seat_is_free(struct seat *seat)
{
	seat->followed = 0;
	if (seat->process->kill_by_ns == CLOCK_NEVER)
		return;
	seat->process->kill_by_ns = CLOCK_NEVER;
	pools_schedule(seat->process->worker->pools);
}

/* False: that is not what the books say. */
static bool heard(struct seat *seat, const struct lane_reply *reply)
{
	struct task *task = core_slot_task_next(seat->slot, NULL);
	if (!task || task->lane_seq != reply->seq || task->id != reply->task_id) {
		bytes_unref(reply->payload);
		return false;
	}
	if (reply->word == LANE_PROGRESS) {
		const struct bytes *text = reply->payload;
		size_t length = text ? text->size : 0;
		core_task_progress(task, reply->progress, text ? text->data : NULL,
			length < PROGRESS_TEXT_LIMIT ? length : PROGRESS_TEXT_LIMIT);
		bytes_unref(reply->payload);
		return true;
	}
	if (reply->word == LANE_OUTPUT) {
		bool good = command_heard(seat, task, reply);
		bytes_unref(reply->payload);
		return good;
	}
	struct task_outcome outcome = { 0 };
	seat_is_free(seat);
	if (reply->word == LANE_SUCCEEDED)
		outcome_of_success(&outcome, task, reply);
	else
		outcome_of_failure(&outcome, task, reply, seat->process->commands);
	note_use(seat->process->worker, task, reply);
	core_task_done(task, &outcome, reply->started_ns, reply->ended_ns);
	return true;
}

/* Counts what was said. True: that is enough for now. */
static bool seat_has_said_enough(struct seat *seat, enum lane_word word)
{
	struct process *process = seat->process;
	/* At most two rings belong to it: that it was said, and that there is room where it was. */
	process->rings = process->rings > 2 ? process->rings - 2 : 0;
	if (word == LANE_SUCCEEDED || word == LANE_FAILED) {
		seat->chatter = seat->chatter > CHATTER_OF_ANSWER ? seat->chatter - CHATTER_OF_ANSWER : 0;
		return false;
	}
	int64_t now_ns = core_now(process->worker->pools->core);
	if (now_ns - seat->chatter_ns >= CHATTER_NS) {
		seat->chatter_ns = now_ns;
		seat->chatter = 0;
	}
	if (++seat->chatter < CHATTER_MOST)
		return false;
	seat->chatter = 0;
	seat->deaf_until_ns = seat->chatter_ns + CHATTER_NS;
	return true;
}

bool seat_hear(struct seat *seat, int64_t end_ns)
{
	struct process *process = seat->process;
	struct lane_reply reply;
	int code = LANE_NONE;
	bool any = false, enough = false;
	for (int i = 0; i < HEAR_LIMIT && !enough && (code = lane_receive(seat->lane, &reply)) == LANE_OK; i++) {
		any = true;
		enough = seat_has_said_enough(seat, reply.word);
		if (!heard(seat, &reply)) {
			code = LANE_BROKEN;
			break;
		}
		enough |= end_ns != CLOCK_NEVER && clock_mono_ns() >= end_ns;
	}
	if (code == LANE_BROKEN && !process->killed) {
		log_error("worker %s/%d (pid %d): its lane makes no sense, killing it", process->worker->pool->name,
			process->worker->index, process->pid);
		worker_kill(process->worker, "its lane made no sense");
	} else if (code == LANE_NO_MEMORY) {
		worker_kill(process->worker, "no memory for its result");
	}
	if (any && process->kill_wanted)
		process_kill_if_alone(process);
	return any;
}

void process_kill_if_alone(struct process *process)
{
	for (int i = 0; i < process->n_seats; i++) {
		const struct task *task = core_slot_running(process->seats[i].slot);
		if (task && task->state == TASK_RUNNING)
			return;
	}
	worker_kill(process->worker, "a task did not stop when it was asked to");
}
