/* What flows between a command and this process's own descriptors. */
#ifndef TASKCTL_RUN_STREAMS_H
#define TASKCTL_RUN_STREAMS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/* From one descriptor to the other, without waiting for either. */
struct pump {
	int from, to; /* -1: it is over */
	int error;    /* errno of a write that could not be; 0: none */
	bool gentle;  /* what has been written and not been read holds it up: nothing is taken that may not be wanted */
	bool copies;  /* the kernel cannot hand it over by itself */
	bool blocked; /* there is something, but no room for it */
	char *buffer; /* copies: PUMP_BUFFER bytes */
	size_t start, end;
};
#define PUMP_BUFFER ((size_t)64 << 10)

/* A pipe with a large buffer. FROM is to be closed by the pump, TO is not. 0, or -1: errno. */
int pump_pipe(int ends[2]);
void pump_begin(struct pump *pump, int from, int to);
/* What it waits for, as an entry for poll(2); its fd is negative where there is nothing. */
struct pollfd pump_poll(const struct pump *pump);
/* Whether gentle keeps it from reading now: nobody tells when that changes. */
bool pump_is_held(const struct pump *pump);
/* Moves what can be moved, a bounded amount. Where TO has no reader any more it is over: the command is told so by its
 * next write, as it would be if it wrote there itself. LAST: nothing more will come, so that it is over once there is
 * nothing. */
void pump_move(struct pump *pump, bool last);
bool pump_is_over(const struct pump *pump);
/* Closes FROM, and forgets what it holds. */
void pump_end(struct pump *pump);

#endif
