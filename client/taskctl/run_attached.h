/* The parts of a run that is attached. */
#ifndef TASKCTL_RUN_ATTACHED_H
#define TASKCTL_RUN_ATTACHED_H

#include <stdbool.h>
#include <stdint.h>

#include "client/taskctl/run_streams.h"
#include "client/taskd.h"

struct run_values;
struct taskctl;

#define ATTACHED_ANSWER_NS \
	(5 * TASKD_SECOND) /* the daemon answers at once; one that does not is no reason to be stuck */

struct attached {
	struct taskctl *ctl;
	struct taskd_future *f;
	int signals;     /* readable when there is one */
	uint64_t passed; /* a bit for each that the command has got from us */
	struct pump in, out, err;
	bool tty;
	bool running; /* tty: as far as told */
	struct taskd_watch *watch;
};

/* --- run_relay.c: signals --- */
/* The task's id; NULL where it has ended by now, or the daemon does not answer. */
const char *attached_id(struct attached *a);
/* Notes from now on those that are the command's. */
void attached_begin_signals(struct attached *a);
/* Passes on those that have come; where the command has not started, what they do is done to us. */
void attached_take_signals(struct attached *a);

/* --- run_connect.c: descriptors --- */
/* Makes those that are the command's; -1: it has none of ours. They are to be closed once they were sent. 0, or -1 with
 * errno. */
int attached_connect(struct attached *a, const struct run_values *values, int theirs[3]);
void attached_close_input(struct attached *a);

#endif
