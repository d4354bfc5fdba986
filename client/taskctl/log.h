/* What a command has said, and says, put where it belongs: each stream from its first byte on, nothing twice. */
#ifndef TASKCTL_LOG_H
#define TASKCTL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_STREAMS 2 /* standard output and standard error, in this order */

struct taskctl;

struct log {
	struct taskctl *ctl;
	const char *id;
	bool wanted[LOG_STREAMS];
	int attempt;                   /* 0: whichever is the last */
	uint64_t printed[LOG_STREAMS]; /* so far it has been printed, or is known to be lost */
	bool unkept[LOG_STREAMS];      /* what is missing is not to be had any more: it need not be asked for */
	int unknown;                   /* streams of which nobody knows how much there was */
	struct log_lost {
		uint64_t from, bytes; /* not told yet */
		int64_t told_ns;      /* when that was done last */
	} lost[LOG_STREAMS];
};

/* What there is of STREAM from what has been printed up to UNTIL, or all: a page of the daemon's after the other. What is
 * not there any more is told. EXIT_FINE, or it has been reported. */
int log_print(struct log *log, int stream, uint64_t until);
/* Bytes that begin at OFFSET: what of them has not been printed yet. */
void log_print_bytes(struct log *log, int stream, uint64_t offset, const char *data, size_t length);
/* Tells what was lost, and has not been told, as that is done at most once a second. */
void log_tell_lost(struct log *log);

/* log_follow.c: what there is, and what comes, until the command has ended. As log_print. */
int log_follow(struct log *log);

#endif
