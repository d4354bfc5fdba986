/* Attempts: whether a task that did not succeed is tried again, when, and what is remembered of the time before. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "core/internal.h"

/* --- whether --- */

static unsigned retry_bit(enum task_state state)
{
	switch (state) {
	case TASK_FAILED:
		return RETRY_FAILED;
	case TASK_TIMED_OUT:
		return RETRY_TIMED_OUT;
	case TASK_CRASHED:
		return RETRY_CRASHED;
	case TASK_SCHEDULED:
	case TASK_BLOCKED:
	case TASK_QUEUED:
	case TASK_RUNNING:
	case TASK_CANCELLING:
	case TASK_RECORDING:
	case TASK_SUCCEEDED:
	case TASK_CANCELLED:
	case TASK_EXPIRED:
	case TASK_N_STATES:
		break;
	}
	return 0;
}

static bool has_another(const struct task *task, const struct task_outcome *outcome)
{
	const struct task_retry *retry;

	if (!task->extra || task->final)
		return false;
	retry = &task->extra->retry;
	return task->attempt <= retry->retries && task->attempt < UINT16_MAX && retry->on & retry_bit(outcome->state);
}

/* True: it is a danger to workers. OUTCOME says so then. */
static bool has_crashed_too_often(const struct task *task, struct task_outcome *outcome)
{
	uint32_t limit = task_core(task)->limits.crash_limit;
	char *message = outcome->message;

	if (outcome->state != TASK_CRASHED || limit == 0 || task->crashes < limit)
		return false;
	outcome->message = xasprintf("%s%sit has crashed %u worker%s and is not tried again", message ? message : "",
		message ? "; " : "", task->crashes, task->crashes == 1 ? "" : "s");
	free(message);
	return true;
}

/* --- when --- */

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* The pause behind attempt number ATTEMPT. */
static int64_t backoff(struct core *core, const struct task_retry *retry, unsigned attempt)
{
	double longest = retry->backoff_max_ns > 0 ? (double)retry->backoff_max_ns : (double)(INT64_MAX / 4);
	double pause = (double)retry->backoff_ns;

	if (retry->factor > 1)
		for (unsigned i = 1; i < attempt && pause < longest && pause > 0; i++)
			pause *= retry->factor;
	if (pause > longest)
		pause = longest;
	if (retry->jitter > 0) {
		double part = (double)(draw(&core->random) >> 11) * 0x1p-53; /* 0…1 */

		pause *= 1 + retry->jitter * (2 * part - 1);
	}
	if (pause >= 0x1p63)
		return CLOCK_NEVER;
	return pause > 0 ? (int64_t)pause : 0;
}

/* --- what is remembered --- */

/* At most SIZE bytes of TEXT, not ending within a character; NULL where there is none. */
static char *cut(const char *text, size_t size)
{
	size_t length = text ? strlen(text) : 0;

	if (length > size) {
		length = size;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	return text ? xstrndup(text, length) : NULL;
}

static void remember(struct task *task, const struct task_outcome *outcome)
{
	struct task_extra *extra = task->extra;

	bool is_known = extra->attempts || task->attempt == 1;

	extra->attempts = xreallocarray(extra->attempts, task->attempt, sizeof(*extra->attempts));
	for (unsigned i = 0; !is_known && i + 1 < task->attempt; i++)
		extra->attempts[i] = (struct task_attempt){ .state = TASK_FAILED, .message = xstrdup("not recorded") };
	extra->attempts[task->attempt - 1] = (struct task_attempt){
		.started_ns = task->started_ns,
		.ended_ns = task->ended_ns,
		.state = outcome->state,
		.code = outcome->code,
		.kind = outcome->kind,
		.message = cut(outcome->message, TASK_ATTEMPT_MESSAGE),
		.pid = outcome->obituary ? outcome->obituary->pid : 0,
	};
}

static void reset(struct task *task)
{
	struct task_extra *extra = task->extra;

	task->started_ns = 0;
	task->ended_ns = 0;
	task->timed_out = false;
	extra->progress = -1;
	free(extra->progress_text);
	extra->progress_text = NULL;
}

bool retry_interrupted(struct task *task, const char *message)
{
	const struct task_outcome outcome = { .state = TASK_CRASHED, .message = (char *)(uintptr_t)message };

	if (task->final || task->attempt == UINT16_MAX)
		return false;
	task_extra(task);
	if (!task->ended_ns)
		task->ended_ns = task_core(task)->now_ns;
	remember(task, &outcome);
	reset(task);
	task->attempt++;
	task->placed = true;
	return true;
}

bool retry_prepare(struct task *task, struct task_outcome *outcome)
{
	struct core *core = task_core(task);

	if (outcome->state == TASK_CRASHED && task->crashes < UINT8_MAX)
		task->crashes++;
	if (!has_another(task, outcome) || has_crashed_too_often(task, outcome))
		return false;
	if (!task->ended_ns)
		task->ended_ns = core->now_ns;
	remember(task, outcome);
	outcome_release(outcome);
	task->due_ns = clock_after(task->ended_ns, backoff(core, &task->extra->retry, task->attempt));
	task->wall = false;
	reset(task);
	task->attempt++;
	return true;
}

bool retry_attempt(struct task *task, struct task_outcome *outcome)
{
	if (outcome->state == TASK_SUCCEEDED || !retry_prepare(task, outcome)) /* as nearly all */
		return false;
	task_set_state(task, TASK_SCHEDULED);
	if (task->durable)
		record_tell(task, RECORD_ATTEMPT, false);
	return true;
}

void retry_free(struct task *task)
{
	struct task_extra *extra = task->extra;

	if (!extra->attempts)
		return;
	for (unsigned i = 0; i + 1 < task->attempt; i++)
		free(extra->attempts[i].message);
	free(extra->attempts);
}

size_t retry_cost(const struct task *task)
{
	const struct task_extra *extra = task->extra;
	size_t size = 0;

	if (!extra || !extra->attempts)
		return 0;
	for (unsigned i = 0; i + 1 < task->attempt; i++) {
		const char *message = extra->attempts[i].message;

		size += sizeof(extra->attempts[i]) + (message ? strlen(message) + 1 : 0);
	}
	return size;
}
