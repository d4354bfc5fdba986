/* One line, with the fields that journald keeps, for a task that did not succeed; and one for a run that was not made. A client can make as many of these
 * as it likes, so they are limited, and what was kept back is counted. */
#include "tasklog.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/users.h"
#include "core/core.h"

#define FAILURES_BURST 100
#define FAILURES_PERIOD_NS (10 * NS_PER_S)
#define SKIPPED_BURST 20
#define SKIPPED_PERIOD_NS (60 * NS_PER_S)
#define N_FIELDS 6

struct fields {
	char id[24], uid[16], attempt[8], duration[24];
	struct log_field list[N_FIELDS];
};

static void fields_fill(struct fields *fields, const struct task *task)
{
	int64_t ran_ns = task->started_ns ? task->ended_ns - task->started_ns : 0;
	snprintf(fields->id, sizeof(fields->id), "%llu", (unsigned long long)task->id);
	snprintf(fields->uid, sizeof(fields->uid), "%u", (unsigned)task->owner->uid);
	snprintf(fields->attempt, sizeof(fields->attempt), "%u", (unsigned)task->attempt);
	snprintf(fields->duration, sizeof(fields->duration), "%lld", (long long)(ran_ns / NS_PER_US));
	fields->list[0] = (struct log_field){ "TASKD_TASK_ID", fields->id };
	fields->list[1] = (struct log_field){ "TASKD_TASK", task->type->name };
	fields->list[2] = (struct log_field){ "TASKD_STATE", task_state_name((enum task_state)task->state) };
	fields->list[3] = (struct log_field){ "TASKD_UID", fields->uid };
	fields->list[4] = (struct log_field){ "TASKD_ATTEMPT", fields->attempt };
	fields->list[5] = (struct log_field){ "TASKD_DURATION_USEC", fields->duration };
}

static void write_line(enum log_level level, const struct task *task)
{
	struct fields fields;
	const char *message = task->outcome ? task->outcome->message : NULL;
	fields_fill(&fields, task);
	log_fields(level, fields.list, N_FIELDS, "task %s (%s) %s%s%s", fields.id, task->type->name,
		task_state_name((enum task_state)task->state), message ? ": " : "", message ? message : "");
}

static enum log_level level_of(enum task_state state)
{
	switch (state) {
	case TASK_CRASHED:
	case TASK_TIMED_OUT:
	case TASK_EXPIRED:
		return LOG_LEVEL_WARNING;
	case TASK_FAILED:
		return LOG_LEVEL_NOTICE;
	case TASK_CANCELLED:
		return LOG_LEVEL_INFO;
	case TASK_SCHEDULED:
	case TASK_BLOCKED:
	case TASK_QUEUED:
	case TASK_RUNNING:
	case TASK_CANCELLING:
	case TASK_RECORDING:
	case TASK_SUCCEEDED:
	case TASK_N_STATES:
		break;
	}
	return LOG_LEVEL_DEBUG;
}

void tasklog_skipped(const struct core_schedule *schedule, int refusal)
{
	static struct log_limit limit = { .burst = SKIPPED_BURST, .period_ns = SKIPPED_PERIOD_NS };
	unsigned long kept_back;
	char owner[64];
	if (!log_limit_pass(&limit, &kept_back))
		return;
	if (kept_back)
		log_notice("%lu more runs of schedules were left out", kept_back);
	user_name(schedule->task.owner, owner, sizeof(owner));
	log_notice("schedule %s of user %s: a run was left out: %s%s", schedule->name, owner, core_schedule_refusal(schedule, refusal),
		refusal == CORE_DENIED ? "; so are those that follow, as long as that is so" : "");
}

void tasklog_ended(const struct task *task)
{
	static struct log_limit limit = { .burst = FAILURES_BURST, .period_ns = FAILURES_PERIOD_NS };
	enum log_level level = level_of((enum task_state)task->state);
	unsigned long kept_back;
	if (!log_enabled(level))
		return;
	if (level == LOG_LEVEL_DEBUG) {
		write_line(level, task);
		return;
	}
	if (!log_limit_pass(&limit, &kept_back))
		return;
	if (kept_back)
		log_notice("%lu more tasks ended without success; their records say how", kept_back);
	write_line(level, task);
}
