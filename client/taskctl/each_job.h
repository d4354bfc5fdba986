/* The runs of a run --each: those that are on their way, and those that have ended and wait to be told. */
#ifndef TASKCTL_EACH_JOB_H
#define TASKCTL_EACH_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/taskctl/each_input.h"
#include "client/taskctl/each_joblog.h"
#include "client/taskctl/each_output.h"
#include "client/taskctl/each_places.h"
#include "client/taskd.h"

struct run_values;
struct taskctl;

#define EACH_EXIT_MOST 100 /* failures that an exit status counts */
#define EACH_EXIT_MORE 101

struct each;
struct job {
	struct job *next, *previous; /* of all, by their numbers */
	struct job *next_finished;
	uint64_t number; /* from 1 */
	char **argv;     /* one block; or: */
	char *line;      /* the shell's */
	char *text;      /* for people and the job log; NULL until it is asked for */
	struct taskd_future *future;
	struct each_files files;
	struct each *each;
	char *reason; /* why it could not even be submitted; or NULL */
	/* How, once it is judged. */
	bool judged;
	bool failed;
	bool ran;   /* it had started: the next three are known (for those that failed, or with a job log) */
	int status; /* -1: none */
	int signal_number;
	int64_t duration_ns;
	int64_t start_ns;    /* wall clock; with a job log */
	bool dirty;          /* something may still write to its files */
	bool void_of_result; /* it was not run, or not to its end, for a reason that is not its own */
};

struct each {
	struct taskctl *ctl;
	const struct run_values *values;
	struct taskd_command command; /* but for argv, shell and fds */
	struct taskd_options options;
	struct places *places; /* NULL: the values are lines */
	int *secret;           /* the command's; malloc'ed */
	struct each_input *input;
	int input_fd; /* to be closed, or -1 */
	struct each_output *output;
	struct joblog *joblog; /* or NULL */
	int signals;
	bool rests;    /* there is plenty on its way: ends may be taken together */
	size_t window; /* so many on their way at most */
	size_t ahead;  /* and so many beside those that wait for one before them */
	struct job *first, *last;
	struct job *finished, **finished_end; /* in the order of their ends */
	size_t in_flight;                     /* not ended */
	size_t n_held;                        /* ended, and waiting for one before them */
	size_t given, done, failed, skipped;
	bool input_over;
	bool stopped;   /* nothing more is started */
	bool cancelled; /* and what was on its way has been cancelled */
	enum taskd_error hinted; /* the last failure that was told */
	int trouble;    /* the exit status of what keeps all from going on, or 0 */
	int signal;     /* that has stopped it, or 0 */
};

/* The run for N values, which are copied. */
struct job *job_new(struct each *each, char *const *values, size_t n);
/* Also out of the list. */
void job_free(struct each *each, struct job *job);
/* Its command on one line. */
const char *job_text(struct job *job);
/* Submits it; it is in the list then, also where it has failed at once. False: nothing will work, and it is reported.
 * */
bool job_start(struct each *each, struct job *job);
/* Tells those that have ended, as far as it is their turn. */
void jobs_finish(struct each *each);
void jobs_free(struct each *each);
/* How many are to be on their way. EXIT_FINE, or it has been reported. */
int each_limits(struct each *each);

#endif
