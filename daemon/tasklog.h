/* What the log says of tasks that ended: failures once, successes only when the log is that verbose. */
#ifndef TASKLOG_H
#define TASKLOG_H

struct task;

void tasklog_ended(const struct task *task);

#endif
