/* How the runs of a run --each ended. */
#ifndef TASKCTL_EACH_TELL_H
#define TASKCTL_EACH_TELL_H

struct each;
struct job;

/* Finds out how it ended, and counts it. */
void job_judge(struct each *each, struct job *job);
/* Prints its output and what else there is to say, and notes it in the job log. */
void job_tell(struct each *each, struct job *job);

#endif
