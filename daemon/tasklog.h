/* What the log says of tasks that ended: failures once, successes only when the log is that verbose. And of recurring
 * ones that were due and did not come. */
#ifndef TASKLOG_H
#define TASKLOG_H

struct core_schedule;
struct task;

void tasklog_ended(const struct task *task);
/* A run of SCHEDULE was due and was not submitted; REFUSAL is a core_refusal. */
void tasklog_skipped(const struct core_schedule *schedule, int refusal);

#endif
